"""`lru-tune import-wandb SWEEP`: a W&B sweep file as a search space."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lru_tune import __version__
from lru_tune.errors import ConfigError
from lru_tune.files.atomic import write_atomically
from lru_tune.search.exports.wandb_sweep import Imported, import_sweep

SUFFIXES = (".yaml", ".yml")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the space; what differs goes to stderr, the file's path to stdout.

    Raises:
      ConfigError: the sweep file is broken, or the space would overwrite a file.
    """
    arguments = parser().parse_args(argv)
    imported = import_sweep(arguments.sweep, arguments.task)
    out = (arguments.out or _default(imported, arguments.sweep)).resolve()
    if out.suffix not in SUFFIXES:
        raise ConfigError(f"--out {out}: a search space ends in .yaml")
    if out.exists() and not arguments.force:
        raise ConfigError(f"{out} exists; say --force to write over it, or --out FILE")
    notes = [f"note: {line}" for line in imported.notes]
    left = [*imported.left]
    for line in (*notes, *left):
        print(line, file=sys.stderr)
    header = [
        f"From the W&B sweep {arguments.sweep.name}, by lru-tune import-wandb.",
        *notes,
        *left,
    ]
    write_atomically(out, imported.space.to_yaml(header))
    words = ["lru-tune", "tune", "--space", str(out), "--dry-run"]
    print(f"try it:  {shlex.join(words)}", file=sys.stderr)
    print(out)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune import-wandb",
        description="Turn a W&B sweep file into a search space. What the sweep does not say comes from "
        "the task's own space; what cannot be carried over is named with its line.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    made.add_argument("sweep", metavar="SWEEP.yaml", type=Path)
    made.add_argument("--task", metavar="NAME", help="where the sweep names no dataset")
    made.add_argument("--out", metavar="FILE", type=Path, help="default TASK-SWEEP.yaml, here")
    made.add_argument("--force", action="store_true", help="write over an existing file")
    return made


def _default(imported: Imported, sweep: Path) -> Path:
    return Path(f"{imported.space.task}-{sweep.stem}.yaml")
