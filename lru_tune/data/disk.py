"""Room on a disk: asked for before writing, named when it runs out."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lru_tune.errors import ResourcesMissing

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
ROOM = "Make room, or name another disk with --data-root."


def demand_room(path: Path, needed: int) -> None:
    """Raise ResourcesMissing unless the disk of `path`, whose parent exists, has `needed` bytes free."""
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ResourcesMissing(
            f"{path} needs {needed / 1e6:,.0f} MB and its disk has {free / 1e6:,.0f} MB free. {ROOM}"
        )


@contextmanager
def naming_a_full_disk(path: Path, left: str) -> Iterator[None]:
    """Turn the system's word for a full disk into ResourcesMissing.

    Args:
      path: what is written in the block.
      left: what a failure leaves there, for people.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise ResourcesMissing(
            f"the disk became full while {path} was written; {left}. {ROOM}"
        ) from error
