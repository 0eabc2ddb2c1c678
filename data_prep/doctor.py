"""Can a task be prepared here, and if not, what must be typed? `python -m data_prep doctor`.

Reads and asks, and writes nothing. The network is left alone unless it is asked for.
"""

import importlib.metadata
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from data_prep.cifar.sources import ARCHIVE, BATCHES, HUB
from data_prep.fetching.download import md5_of
from data_prep.listing import PREPARED, state
from data_prep.mnist.mnist import SOURCES
from data_prep.pipeline.origin import Origin
from data_prep.prepare import DOWNLOADS, ORIGINS, room_needed
from lru_tune.data.manifest import prepare_command
from lru_tune.errors import LruTuneError
from lru_tune.files.paths import is_writable, raw_root
from lru_tune.tasks import Task

SECONDS_FOR_IMPORT = 120
SECONDS_FOR_ANSWER = 5


class Finding(NamedTuple):
    """One thing looked at.

    Attributes:
      level: a `problem` keeps the task from being prepared.
      text: what was found.
      remedy: what to type; empty where there is nothing to do.
    """

    level: Literal["ok", "note", "problem"]
    text: str
    remedy: str = ""


class Need(NamedTuple):
    """A package, or one of several, and what for.

    Attributes:
      packages: any one of them will do, the first is best; importable under their own names.
      purpose: completes "needed to".
      when: `always`, or only where the publisher's files must be `fetched`.
    """

    packages: tuple[str, ...]
    purpose: str
    when: Literal["always", "fetched"]


# By origin; the name to install is that of INSTALL, or the package's own.
NEEDS: dict[str, tuple[Need, ...]] = {
    "cifar": (
        Need(("PIL",), "turn colour into grey", "always"),
        Need(("torchvision", "datasets"), "fetch CIFAR-10", "fetched"),
    ),
    "pathfinder": (
        Need(("numba",), "generate Pathfinder in bearable time", "always"),
        Need(("PIL",), "draw and read its images", "always"),
    ),
}
INSTALL = {"PIL": "pillow"}

HUB_PAGES = "https://huggingface.co/datasets"
# By origin: asked under --network.
ADDRESSES = {
    "mnist": (SOURCES[0].url,),
    "cifar": (
        ARCHIVE.url,
        f"{HUB_PAGES}/{HUB}",
    ),
    "imdb": (
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        f"{HUB_PAGES}/stanfordnlp/imdb",
    ),
    "aan": ("https://storage.googleapis.com/long-range-arena/lra_release.gz",),
}

# md5 of batches that were put together from other copies of CIFAR-10: all labels are right, and all
# but 104 of the 60,000 images.
REBUILT_BATCHES = {
    "91efca7d26555088772a259da3803e4b",
    "554ab137925265627430fe0489b096b2",
    "3b7d59a65bed8bbc21f579de8a4e64d6",
    "7739334ed007e91bc4aa29c209b98eeb",
    "80e20f32487f2b2df8e3af8bd654c51d",
    "30e84f2c41b3b0d2117c3fc663dd2fab",
}
EMPTY_PATHFINDER_IMAGE = Path("pathfinder32", "curv_baseline", "imgs", "0", "sample_172.png")
WEB_PAGE = (b"<!doctype", b"<html")
MISSING = "They must be fetched (--network asks whether a server answers) or put there"


@dataclass(frozen=True)
class Case:
    """A task to be examined.

    Attributes:
      task: entry of the catalogue.
      origin: what prepares it.
      root: the data root.
      files: where the publisher's files lie; None where they do not.
      room: bytes of all arrays; None where that cannot be said.
      refusal: why preparing would be refused; None where it would not.
    """

    task: Task
    origin: Origin
    root: Path
    files: Path | None
    room: int | None
    refusal: LruTuneError | None

    @property
    def fetched(self) -> bool:
        """Whether the publisher's files have to be fetched."""
        return not self.task.generated and self.files is None


def examine(task: Task, root: Path) -> list[Finding]:
    """Return what speaks for and against preparing a task under a data root.

    Of a task that is prepared nothing else is asked.
    """
    now = state(task.name, root)
    if now.startswith(PREPARED):
        return [Finding("ok", now)]
    origin = ORIGINS.get(task.origin)
    if origin is None:
        return [Finding("problem", f"this version has nothing that prepares {task.origin}")]
    files = _files(task, root)
    try:
        case = Case(task, origin, root, files, room_needed(task.name, root), None)
    except LruTuneError as refusal:
        case = Case(task, origin, root, files, None, refusal)
    return [Finding("note", now), *(finding for check in CHECKS for finding in check(case))]


def ask_network(task: Task, root: Path) -> list[Finding]:
    """Return whether the servers that keep a task's files answer, each within a few seconds.

    That none does is a problem only where the files must be fetched.
    """
    if task.origin not in ORIGINS:
        return []
    answers = [_ask(address) for address in ADDRESSES.get(task.origin, ())]
    if not answers or any(answer.level == "ok" for answer in answers) or not _fetched(task, root):
        return answers
    command = f"{prepare_command(task.name, root)} --from-dir FOLDER"
    text = "no server answers; put the files into a folder by other means"
    return [*answers, Finding("problem", text, command)]


def _fetched(task: Task, root: Path) -> bool:
    """Return whether the publisher's files have to be fetched to prepare a task."""
    return not (task.generated or state(task.name, root).startswith(PREPARED) or _files(task, root))


def _files(task: Task, root: Path) -> Path | None:
    """Return where under `$LRU_TUNE_RAW` or among earlier downloads the publisher's files lie, or None."""
    find_raw = ORIGINS[task.origin].find_raw
    places = [place for place in (raw_root(), root / DOWNLOADS) if place is not None]
    return next((found for place in places if (found := find_raw(place)) is not None), None)


def _ask(address: str) -> Finding:
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_FOR_ANSWER) as answer:
            return Finding("ok", f"{address} answers ({answer.status})")
    except (OSError, ValueError) as error:  # urllib's own errors are OSErrors
        return Finding("note", f"{address} does not answer: {error}")


def _check_root(case: Case) -> Iterator[Finding]:
    elsewhere = "export LRU_TUNE_DATA=FOLDER"
    if not is_writable(case.root):
        yield Finding("problem", f"data root {case.root} cannot be written", elsewhere)
        return
    existing = next(place for place in (case.root, *case.root.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    room = f"data root {case.root}: {free / 1e6:,.0f} MB free"
    if case.room is None:
        yield Finding("ok", room)
    elif free < case.room:
        yield Finding("problem", f"{room}, {case.room / 1e6:,.0f} MB needed", elsewhere)
    else:
        yield Finding("ok", f"{room}, {case.room / 1e6:,.0f} MB needed")


def _check_files(case: Case) -> Iterator[Finding]:
    named = raw_root()
    if case.task.generated:
        yield Finding("ok", "generated; needs no files")
    elif case.files is not None:
        yield Finding("ok", f"publisher's files in {case.files}")
    elif named is None:
        yield Finding("note", f"LRU_TUNE_RAW names no folder. {MISSING}: {case.origin.wanted}")
    elif named.is_dir():
        yield Finding("note", f"not in {named}. {MISSING}: {case.origin.wanted}")
    if case.refusal is not None:
        # Two blanks set a command off at the end of a message.
        text, _, command = str(case.refusal).rpartition("  ")
        yield Finding("problem", text or command, command if text else "")


def _check_packages(case: Case) -> Iterator[Finding]:
    for need in NEEDS.get(case.task.origin, ()):
        if need.when == "fetched" and not case.fetched:
            continue
        names = " or ".join(INSTALL.get(package, package) for package in need.packages)
        first = INSTALL.get(need.packages[0], need.packages[0])
        present = [package for package in need.packages if find_spec(package) is not None]
        if not present:
            yield Finding(
                "problem",
                f"{names} is needed to {need.purpose}, and not installed",
                f"python -m pip install {first}",
            )
        elif failure := _import_failure(present[0]):
            yield Finding(
                "problem",
                f"{present[0]} is needed to {need.purpose}, and cannot be imported: {failure}",
                f"python -m pip install --upgrade --force-reinstall {first}",
            )
        else:
            name = INSTALL.get(present[0], present[0])
            yield Finding("ok", f"{name} {_version(name)}, needed to {need.purpose}")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _import_failure(package: str) -> str:
    """Return the last line of what Python says when it imports a package; empty where it does.

    In a process of its own, as such packages are large and their failures of many kinds.
    """
    command = [sys.executable, "-c", f"import {package}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_FOR_IMPORT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS_FOR_IMPORT} s"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no word"])[-1]


def _check_known_files(case: Case) -> Iterator[Finding]:
    if (check := KNOWN.get(case.task.origin)) is not None:
        yield from check(case)
    if case.files is None:
        return
    folder = case.files if case.files.is_dir() else case.files.parent
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with open(path, "rb") as file:
            start = file.read(200).lstrip().lower()
        if start.startswith(WEB_PAGE):
            yield Finding("problem", f"{path} holds a web page, not data", f"rm {path}")


def _rebuilt_batches(case: Case) -> Iterator[Finding]:
    found = [case.files / name for name in BATCHES] if case.files is not None else []
    rebuilt = [path.name for path in found if md5_of(path) in REBUILT_BATCHES]
    if rebuilt:
        yield Finding(
            "note",
            f"{', '.join(rebuilt)}: known to be rebuilt from other copies; all labels are right, but 104 "
            "of the 60,000 images are approximate",
        )


def _empty_image(case: Case) -> Iterator[Finding]:
    named = raw_root()
    for place in () if named is None else (named, named / "lra_release"):
        path = place / EMPTY_PATHFINDER_IMAGE
        if path.is_file() and path.stat().st_size == 0:
            yield Finding("note", f"{path} is empty, as published; it is skipped by its name")


def _bare_name(case: Case) -> Iterator[Finding]:
    if case.fetched and find_spec("datasets") is not None:
        yield Finding("note", "the Hub knows IMDb as stanfordnlp/imdb; the bare name imdb is gone")


KNOWN: dict[str, Callable[[Case], Iterator[Finding]]] = {
    "cifar": _rebuilt_batches,
    "pathfinder": _empty_image,
    "imdb": _bare_name,
}
CHECKS = (_check_root, _check_files, _check_packages, _check_known_files)
