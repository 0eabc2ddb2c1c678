"""Where files are: search spaces, data, runs and the compilation cache."""

import os
from datetime import datetime
from pathlib import Path

from lru_tune.errors import ConfigError, did_you_mean

PACKAGE = Path(__file__).resolve().parents[1]


def search_space_folder() -> Path:
    """Return `$LRU_TUNE_SEARCH_SPACES`, the folder inside an installed wheel or the one in a checkout."""
    if named := os.environ.get("LRU_TUNE_SEARCH_SPACES"):
        return Path(named).resolve()
    in_wheel = PACKAGE / "search_spaces"
    return in_wheel if in_wheel.is_dir() else PACKAGE.parent / "search_spaces"


def search_space_file(task: str) -> Path:
    """Return the shipped search space of a task; raise ConfigError where there is none."""
    path = search_space_folder() / f"{task}.yaml"
    if not path.is_file():
        known = [p.stem for p in search_space_folder().glob("*.yaml")]
        raise ConfigError("files.no-search-space", path=path, hint=did_you_mean(task, known))
    return path


def data_root(given: str | Path | None = None) -> Path:
    """Return the folder of prepared arrays: the given one, `$LRU_TUNE_DATA` or `./data`, absolute."""
    return Path(given or os.environ.get("LRU_TUNE_DATA") or "data").resolve()


def runs_root(given: str | Path | None = None) -> Path:
    """Return the folder of experiments: the given one, `$LRU_TUNE_RUNS` or `./runs`, absolute."""
    return Path(given or os.environ.get("LRU_TUNE_RUNS") or "runs").resolve()


def is_writable(folder: Path) -> bool:
    """Return whether files can be written into a folder, which need not exist yet."""
    existing = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def require_writable_runs(root: Path) -> None:
    """Raise ConfigError unless runs can be written below a runs root; touches nothing."""
    if not is_writable(root):
        raise ConfigError("files.not-writable", key="--runs-root", folder=root)


def raw_root() -> Path | None:
    """Return `$LRU_TUNE_RAW`, the folder of publishers' files, or None."""
    named = os.environ.get("LRU_TUNE_RAW")
    return Path(named).resolve() if named else None


def compilation_cache() -> Path:
    """Return the folder shared by all trials for compiled programs: `$JAX_COMPILATION_CACHE_DIR` or
    `lru-tune/jax` in the user's cache folder.
    """
    if named := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(named).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "lru-tune" / "jax"


def named_folder(given: str | Path, root: Path) -> Path:
    """Return the given folder, or the one of this name under a runs root if only that one exists."""
    path, named = Path(given), root / given
    return (named if not path.is_dir() and named.is_dir() else path).resolve()


def require_folder_name(name: str) -> None:
    """Raise ConfigError unless a string can name a new folder under the runs root."""
    if name in ("", ".", "..") or "/" in name or os.sep in name:
        raise ConfigError("files.not-a-folder-name", key="--name", name=name)


def new_experiment_folder(root: Path, name: str) -> Path:
    """Create `root/name`, or `root/name-2` and so on if that exists already.

    Raises:
      ConfigError: the root cannot be created.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "files.cannot-create", key="--runs-root", folder=root, reason=error
        ) from error
    number = 1
    while True:
        path = root / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def timestamped(task: str) -> str:
    """Return a name for an experiment that sorts by its start: `listops-20260131-142500`."""
    return f"{task}-{datetime.now():%Y%m%d-%H%M%S}"
