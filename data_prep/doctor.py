"""Can a task be prepared on this machine, and if not, what helps? `python -m data_prep doctor`.

Writes nothing, and contacts servers only on request.
"""

import importlib.metadata
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from data_prep.fetching.checksums import is_web_page
from data_prep.listing import PREPARED, state
from data_prep.on_demand import room_needed
from data_prep.origins import origin_of
from data_prep.pipeline.recipe import Request
from lru_tune.data.manifest import prepare_command
from lru_tune.errors import LruTuneError
from lru_tune.files.paths import is_writable, raw_root
from lru_tune.tasks import Task

SECONDS_FOR_IMPORT = 120
SECONDS_FOR_ANSWER = 5
INSTALL = {"PIL": "pillow"}  # what pip installs, where its name is not that of the package
ANOTHER_ROOT = "export LRU_TUNE_DATA=FOLDER"


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
      level: a `problem` prevents the task from being prepared.
      text: what was found.
      remedy: what to type; empty if there is nothing to do.
    """

    level: Literal["ok", "note", "problem"]
    text: str
    remedy: str = ""


def examine(task: Task, root: Path) -> list[Finding]:
    """Check whether a task can be prepared under a data root.

    If it is prepared already, nothing else is checked.
    """
    now = state(task.name, root)
    if now.startswith(PREPARED):
        return [Finding("ok", now)]
    raw = _find_files(task, root)
    return [
        Finding("note", now),
        *_check_room(task, root),
        *_check_files(task, raw),
        *_check_requirements(task, to_download=not task.generated and raw is None),
    ]


def ask_network(task: Task, root: Path) -> list[Finding]:
    """Check whether the servers that have a task's files answer, each within a few seconds.

    It is a problem only if none answers and the files must be downloaded.
    """
    answers = [_ask(address) for address in origin_of(task).addresses]
    needed = not (
        task.generated
        or state(task.name, root).startswith(PREPARED)
        or _find_files(task, root) is not None
    )
    if answers and needed and all(answer.level != "ok" for answer in answers):
        command = f"{prepare_command(task.name, root)} --from-dir FOLDER"
        text = "no server answers; put the files into a folder by other means"
        answers.append(Finding("problem", text, command))
    return answers


def _find_files(task: Task, root: Path) -> Path | None:
    """Return where `$LRU_TUNE_RAW` or earlier downloads hold the publisher's files, or None."""
    find_raw = origin_of(task).find_raw
    places = [place for place in (raw_root(), Request(task.name, root).downloads) if place]
    return next((found for place in places if (found := find_raw(place)) is not None), None)


def _ask(address: str) -> Finding:
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_FOR_ANSWER) as answer:
            return Finding("ok", f"{address} answers ({answer.status})")
    except (OSError, ValueError) as error:  # urllib's own errors are OSErrors
        return Finding("note", f"{address} does not answer: {error}")


def _check_room(task: Task, root: Path) -> Iterator[Finding]:
    if not is_writable(root):
        yield Finding("problem", f"data root {root} is not writable", ANOTHER_ROOT)
        return
    existing = next(place for place in (root, *root.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    text = f"data root {root}: {free / 1e6:,.0f} MB free"
    try:
        needed = room_needed(task.name, root)
    except LruTuneError as error:
        yield Finding("ok", text)
        command = str(error.problems[0].values.get("command", ""))
        yield Finding("problem", str(error).removesuffix(command).rstrip(), command)
        return
    text = f"{text}, {needed / 1e6:,.0f} MB needed"
    yield Finding("problem", text, ANOTHER_ROOT) if free < needed else Finding("ok", text)


def _check_files(task: Task, raw: Path | None) -> Iterator[Finding]:
    named, wanted = raw_root(), origin_of(task).wanted
    missing = f"these files must be downloaded: {wanted}"
    if task.generated:
        yield Finding("ok", "generated; needs no files")
    elif raw is None and named is None:
        yield Finding("note", f"LRU_TUNE_RAW is not set; {missing}")
    elif raw is None and named is not None and named.is_dir():
        yield Finding("note", f"not in {named}; {missing}")
    if raw is None:
        return
    if not task.generated:
        yield Finding("ok", f"publisher's files in {raw}")
    folder = raw if raw.is_dir() else raw.parent
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with open(path, "rb") as file:
            if is_web_page(file.read(512)):
                yield Finding("problem", f"{path} is an HTML page, not data", f"rm {path}")


def _check_requirements(task: Task, *, to_download: bool) -> Iterator[Finding]:
    for need in origin_of(task).requirements:
        if need.only_to_download and not to_download:
            continue
        names = [INSTALL.get(package, package) for package in need.packages]
        present = [package for package in need.packages if find_spec(package) is not None]
        if not present:
            yield Finding(
                "problem",
                f"{' or '.join(names)} is needed to {need.purpose}, and is not installed",
                f"python -m pip install {names[0]}",
            )
        elif failure := import_failure(present[0]):
            yield Finding(
                "problem",
                f"{present[0]} is needed to {need.purpose}, and cannot be imported: {failure}",
                f"python -m pip install --upgrade --force-reinstall {names[0]}",
            )
        else:
            name = INSTALL.get(present[0], present[0])
            yield Finding("ok", f"{name} {_version(name)}, needed to {need.purpose}")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def import_failure(package: str) -> str:
    """Return the last line of the error that importing a package raises; empty if there is none.

    Uses a process of its own: such packages are large, and fail in many ways.
    """
    command = [sys.executable, "-c", f"import {package}"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_FOR_IMPORT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS_FOR_IMPORT} s"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return "" if done.returncode == 0 else lines[-1]
