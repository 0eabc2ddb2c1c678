"""Run benchmarks; say how each figure stands to minimal-LRU, to the device's floor and to the kept result.

    python -m benchmarks [floors scan step epoch first-step search ...] [--peer PATH] [--smoke] [--keep]

Each section is a module of this folder in a process of its own; what a script of its own takes beside is in
its `--help`. Results are thrown away unless `--keep` puts them under benchmarks/results/.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import report
from benchmarks.sections import SECTIONS, Reading, Section
from lru_tune.system.worker_environment import worker_environment


class Line(NamedTuple):
    """One figure and its ratios; None where there is none to be given.

    Attributes:
      what: section and row.
      value, unit: as measured.
      peer: times as good as minimal-LRU.
      floor: times what the device's matrix products alone would take.
      kept: over the kept result of the same row.
    """

    what: str
    value: float
    unit: str
    peer: float | None
    floor: float | None
    kept: float | None


def main() -> int:
    """Run the chosen sections and print the table; return 1 if one failed."""
    available = {name: section for name, section in SECTIONS.items() if _is_there(section)}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_first_line())
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(available)}; all"
    )
    parser.add_argument("--peer", type=Path, metavar="PATH", help="a checkout of minimal-LRU")
    parser.add_argument(
        "--peer-python", metavar="PYTHON", help="one that has torch, for its loader"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny shapes: does everything run?")
    parser.add_argument("--keep", action="store_true", help="write into benchmarks/results/")
    arguments = parser.parse_args()
    if unknown := set(arguments.sections) - available.keys():
        parser.error(
            f"no such section: {', '.join(sorted(unknown))}; choose of {', '.join(available)}"
        )
    if arguments.keep and arguments.smoke:
        parser.error("--smoke measures nothing worth keeping")
    chosen = {name: available[name] for name in arguments.sections or available}
    failed, lines = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = report.RESULTS if arguments.keep else Path(scratch)
        for name, section in chosen.items():
            before = {r.result: report.read(r.result) for r in section.readings}
            if _run(section, arguments, folder) != 0:
                failed.append(name)
                continue
            for reading in section.readings:
                lines += _lines(name, reading, folder, before[reading.result])
    Console(width=None if sys.stdout.isatty() else 120).print(_table(lines))
    for name in dict.fromkeys(r.result for s in chosen.values() for r in s.readings):
        if differs := _other_machine(name):
            print(f"kept {name} is from another machine: {differs}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def _first_line() -> str:
    return (__doc__ or "").splitlines()[0]


def _is_there(section: Section) -> bool:
    return importlib.util.find_spec(f"benchmarks.{section.module}") is not None


def _run(section: Section, arguments: argparse.Namespace, folder: Path) -> int:
    command = [sys.executable, "-m", f"benchmarks.{section.module}"]
    command += section.smoke if arguments.smoke else []
    if section.peer and arguments.peer:
        command += ["--peer", str(arguments.peer.resolve())]
    if section.python and arguments.peer_python:
        command += ["--peer-python", arguments.peer_python]
    print("$", " ".join(command[1:]), file=sys.stderr, flush=True)
    environment = worker_environment() | os.environ | {report.FOLDER: str(folder)}
    return subprocess.run(command, stdout=sys.stderr, env=environment, check=False).returncode


def _lines(name: str, reading: Reading, folder: Path, before: list[report.Row]) -> Iterator[Line]:
    """Yield a line for each different row of a result, medians where rounds have rows of their own."""
    kept = _medians(reading, reading.value, before)
    rows = report.read(reading.result, folder)
    columns = (reading.peer, reading.floor)
    peers, floors = (_medians(reading, column, rows) for column in columns)
    for key, value in _medians(reading, reading.value, rows).items():
        yield Line(
            what=" ".join((name, *key)),
            value=value,
            unit=reading.unit,
            peer=peers.get(key),
            floor=floors.get(key),
            kept=value / kept[key] if key in kept else None,
        )


def _medians(reading: Reading, column: str, rows: list[report.Row]) -> dict[tuple[str, ...], float]:
    """Return the median of a column for each key; rows without a number there are left out."""
    found: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        shown = reading.where is None or row[reading.where[0]] == reading.where[1]
        if shown and row.get(column):
            found.setdefault(tuple(row[k] for k in reading.keys), []).append(float(row[column]))
    return {key: statistics.median(values) for key, values in found.items()}


def _other_machine(name: str) -> str:
    """Return in what the machine of a kept result differs from this one; "" where there is none."""
    path = report.RESULTS / f"{name}.machine.json"
    if not path.is_file():
        return ""
    kept, here = json.loads(path.read_text()), report.machine()
    return ", ".join(
        f"{field} {kept[field]!r}, here {here[field]!r}"
        for field in ("processor", "cores", "versions")
        if kept[field] != here[field]
    )


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    for heading in ("ours", "", "x peer", "x floor", "x kept"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for line in lines:
        ratios = ("" if x is None else f"{x:.2f}" for x in (line.peer, line.floor, line.kept))
        table.add_row(line.what, f"{line.value:,.4g}", line.unit, *ratios)
    return table


if __name__ == "__main__":
    sys.exit(main())
