"""Which versions something was computed with."""

import importlib.metadata
import platform
from collections.abc import Iterable

from lru_tune import __version__


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of this program, of Python and of installed packages, by name."""
    return {
        "lru-tune": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }
