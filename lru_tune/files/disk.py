"""Free space on a disk: required before writing, and an error of its own when it runs out."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lru_tune.errors import ResourcesMissing

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def require_space(path: Path, needed: int) -> None:
    """Raise ResourcesMissing unless the disk of `path`, whose parent exists, has `needed` bytes free."""
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ResourcesMissing("data.no-space", path=path, needed=needed / 1e6, free=free / 1e6)


@contextmanager
def full_disk_reported(path: Path, left: str) -> Iterator[None]:
    """Raise ResourcesMissing in place of the system's error for a full disk.

    Args:
      path: what is written in the block.
      left: what a failure leaves behind, as a clause of the message.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise ResourcesMissing("data.disk-full", path=path, left=left) from error
