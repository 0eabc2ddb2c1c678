"""Binary files with a frame: a line that names the format, a checksum, then the payload.

    lru-tune checkpoint 1
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    <payload>

The second line is the sha256 of the payload in hexadecimal, so that a file that was cut short or changed is
noticed before it is read.
"""

import hashlib
from pathlib import Path

from lru_tune.errors import Invalid
from lru_tune.files.atomic import write_atomically


def write_framed(path: Path, header: str, payload: bytes) -> None:
    """Write a file atomically.

    Args:
      path: the file; folders above it are created.
      header: name and version of the format, one line.
      payload: the content.
    """
    digest = hashlib.sha256(payload).hexdigest()
    write_atomically(path, f"{header}\n{digest}\n".encode() + payload)


def read_framed(path: Path, header: str) -> bytes:
    """Return the payload of a file that `write_framed` wrote.

    Raises:
      OSError: the file cannot be read.
      Invalid: it has another header (`files.wrong-format`), or was cut short or changed (`files.damaged`).
    """
    found, _, rest = path.read_bytes().partition(b"\n")
    if found != header.encode():
        raise Invalid("files.wrong-format", path=path, header=header)
    digest, _, payload = rest.partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise Invalid("files.damaged", path=path)
    return payload
