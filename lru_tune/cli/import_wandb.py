"""`lru-tune import-wandb SWEEP`: a W&B sweep file as a search space."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from lru_tune.api.console import print_message
from lru_tune.cli.flags import command_parser
from lru_tune.errors import ConfigError
from lru_tune.files.atomic import write_atomically
from lru_tune.search.exports.wandb_sweep import Imported, import_sweep

PROG = "lru-tune import-wandb"
SUFFIXES = (".yaml", ".yml")


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Write the search space; its differences to the sweep go to stderr, the file's path to stdout.

    Raises:
      ConfigError: the sweep file is broken, or the space would overwrite a file.
    """
    arguments = parser(prog).parse_args(argv)
    imported = import_sweep(arguments.sweep, arguments.task)
    out = (arguments.out or _default(imported, arguments.sweep)).resolve()
    if out.suffix not in SUFFIXES:
        raise ConfigError("cli.not-a-yaml-name", file=str(out), key="--out")
    if out.exists() and not arguments.force:
        raise ConfigError("cli.exists", path=out)
    notes = [f"note: {line}" for line in imported.notes]
    for line in (*notes, *imported.left):
        print_message(line)
    header = [
        f"From the W&B sweep {arguments.sweep.name}, by lru-tune import-wandb.",
        *notes,
        *imported.left,
    ]
    write_atomically(out, imported.space.to_yaml(header))
    words = ["lru-tune", "tune", "--space", str(out), "--dry-run"]
    print_message(f"try it:  {shlex.join(words)}")
    print(out)
    return 0


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = command_parser(
        prog,
        "Turn a W&B sweep file into a search space. What the sweep leaves open comes from the task's own "
        "space; what cannot be translated is listed with its line.",
    )
    made.add_argument("sweep", metavar="SWEEP.yaml", type=Path, help="the sweep's file")
    made.add_argument("--task", metavar="NAME", help="task, if the sweep names no dataset")
    made.add_argument(
        "--out", metavar="FILE", type=Path, help="file to write (default: ./TASK-SWEEP.yaml)"
    )
    made.add_argument("--force", action="store_true", help="overwrite an existing file")
    return made


def _default(imported: Imported, sweep: Path) -> Path:
    return Path(f"{imported.space.task}-{sweep.stem}.yaml")
