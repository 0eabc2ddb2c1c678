"""`lru-tune status [DIR]`: how a search or a reproduction is going, read from its files alone."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lru_tune.cli.flags import add_runs_root, command_parser
from lru_tune.errors import ConfigError
from lru_tune.files.experiment_folder import REPRODUCTIONS_FOLDER
from lru_tune.files.paths import named_folder, runs_root
from lru_tune.formatting import duration
from lru_tune.reproduction.status import is_reproduction, reproduction_status
from lru_tune.search.record import newest_experiment
from lru_tune.search.status import RunState, Stage, Status, search_status

PROG = "lru-tune status"
FORMAT_VERSION = 1
SHOWN = 20  # running runs that are listed; the others are only counted


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Print the status on stdout, with the folder as the last line; with --json one JSON object.

    Raises:
      ConfigError: there is no such experiment.
    """
    arguments = parser(prog).parse_args(argv)
    status = read_status(_folder(arguments.experiment, runs_root(arguments.runs_root)))
    if arguments.json:
        print(json.dumps(as_mapping(status), indent=2))
    else:
        print("\n".join([*lines(status), str(status.folder)]))
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Show how a search or a reproduction is going, running or not. Reads its files only.",
    )
    made.add_argument(
        "experiment",
        metavar="DIR",
        nargs="?",
        help="the folder, or its name under the runs root (default: the newest experiment there)",
    )
    made.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    add_runs_root(made)
    return made


def read_status(folder: Path) -> Status:
    """Return the status of the search or reproduction in a folder.

    Raises:
      ConfigError: the folder holds neither.
    """
    if is_reproduction(folder):
        return reproduction_status(folder)
    return search_status(folder)


def lines(status: Status) -> list[str]:
    """Return a status as lines of text, none of them over 100 characters but for the last notes."""
    text = [f"{status.folder.name}  {status.state.upper()}  ({status.about})"]
    for stage in status.stages:
        text.append(f"{stage.name:13} {_counts(stage)}")
        if stage.best is not None:
            best = f"{status.metric} {stage.best.best:.4f}"
            text.append(f"{'  best':13} {best} by {stage.best.name} ({stage.best.status})")
        running = stage.running[:SHOWN]
        text += [f"  {line}" for line in _table([_row(run, status.metric) for run in running])]
        if len(stage.running) > SHOWN:
            text.append(f"  and {len(stage.running) - SHOWN} more")
    if status.state == "running":
        pace = [f"{status.rate:,.1f} steps/s"] if status.rate > 0 else []
        left = status.seconds_left
        pace.append("time left unknown" if left is None else f"roughly {duration(left)} left")
        text.append(f"{'pace':13} {', '.join(pace)}")
    return text + [f"{'note':13} {note}" for note in status.notes]


def as_mapping(status: Status) -> dict[str, Any]:
    """Return a status as values that JSON can represent."""
    return {
        "format_version": FORMAT_VERSION,
        "folder": str(status.folder),
        "kind": status.kind,
        "state": status.state,
        "about": status.about,
        "metric": status.metric,
        "steps_per_second": status.rate,
        "seconds_left": status.seconds_left,
        "notes": list(status.notes),
        "stages": [
            {
                "name": stage.name,
                "total": stage.total,
                "counts": stage.counts,
                "best": stage.best.name if stage.best else None,
                "best_value": stage.best.best if stage.best else None,
                "runs": [run._asdict() for run in stage.runs],
            }
            for stage in status.stages
        ],
    }


def _folder(given: str | None, root: Path) -> Path:
    """Return the folder given, that of this name under the runs root, or the newest there."""
    if given is not None:
        return named_folder(given, root)
    newest = newest_experiment(root)
    if newest is not None:
        return newest
    if (root / REPRODUCTIONS_FOLDER).is_dir():
        return root / REPRODUCTIONS_FOLDER
    raise ConfigError("api.no-experiments", root=root)


def _counts(stage: Stage) -> str:
    counts = stage.counts
    running = counts.pop("running", 0)
    ended = sum(counts.values())
    total = "" if stage.total is None else f"/{stage.total}"
    fates = ", ".join(f"{count} {status}" for status, count in counts.items())
    words = f"{ended}{total} ended" + (f" ({fates})" if fates else "")
    return words + (f", {running} running" if running else "")


def _row(run: RunState, metric: str) -> tuple[str, ...]:
    horizon = "" if run.horizon is None else f" / {run.horizon:,}"
    value = "no report yet" if run.value is None else f"{metric} {run.value:.4f}"
    silent = "" if run.silent is None else f"{duration(run.silent)} ago"
    return (run.name, f"step {run.step:,}{horizon}", value, silent)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
