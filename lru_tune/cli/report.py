"""`lru-tune report DIR`: write an experiment's tables and its report, with pictures, anew."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lru_tune import __version__
from lru_tune.errors import LruTuneError
from lru_tune.files.paths import named_folder, runs_root
from lru_tune.files.run_directory import BEST_CHECKPOINT, CHECKPOINT_FOLDER
from lru_tune.system.worker_environment import prepare_process

if TYPE_CHECKING:
    from lru_tune.results.reading.spectra import Spectra
    from lru_tune.results.writing.report import Findings


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the tables of an experiment; its summary to stderr, the reports' paths to stdout.

    Raises:
      ConfigError: the folder is no experiment.
    """
    # pandas takes most of a second to load, too long for `--help`.
    from lru_tune.results.writing.experiment_tables import write_tables

    arguments = parser().parse_args(argv)
    written = write_tables(named_folder(arguments.experiment, runs_root()))
    print(written.summary, file=sys.stderr)
    print(written.report)
    if importlib.util.find_spec("matplotlib") is None:
        print(
            "report.html is left out: it is drawn with matplotlib, which is not installed: "
            "pip install 'lru-tune[figures]'",
            file=sys.stderr,
        )
        return 0
    print(write_pictures(written.findings))
    return 0


def write_pictures(findings: "Findings") -> Path:
    """Write report.html and return its path.

    Args:
      findings: what report.md was written from.
    """
    from lru_tune.plots.page import write_page
    from lru_tune.plots.report_pictures import pictures
    from lru_tune.results.reading.frame import history
    from lru_tune.results.reading.record import read_space

    reports = history(findings.folder)
    drawn = pictures(findings, reports, read_space(findings.folder), winners_spectra(findings))
    return write_page(findings, drawn)


def winners_spectra(findings: "Findings") -> "Spectra | None":
    """Return the recurrence of the best trial and keep it in spectra.csv.

    Where the checkpoint is gone, what an earlier call has kept is read; None where there is nothing.
    """
    from lru_tune.results.reading.spectra import Spectra, write_spectra

    if findings.best is None:
        return None
    run = Path(findings.best["path"])
    if not (run / CHECKPOINT_FOLDER / BEST_CHECKPOINT).is_file():
        return _kept_spectra(findings.folder, run.name)
    # A search may be using the GPU, most of whose memory JAX would take here for a few numbers.
    prepare_process(cpus=1, gpus=0)
    from lru_tune.training.trained.spectra import read_spectra

    try:
        layers = read_spectra(run)
    except LruTuneError as error:
        print(f"without the winner's eigenvalues: {error}", file=sys.stderr)
        return None
    spectra = Spectra(*(list(part) for part in zip(*layers, strict=True)))
    write_spectra(findings.folder, run.name, spectra)
    return spectra


def _kept_spectra(folder: Path, trial: str) -> "Spectra | None":
    from lru_tune.results.reading.spectra import SPECTRA_FILE, by_layer, states

    if not (folder / SPECTRA_FILE).is_file():
        return None
    kept = states(folder)
    return by_layer(kept) if set(kept["trial"]) == {trial} else None


def parser() -> argparse.ArgumentParser:
    """Return the command's parser."""
    made = argparse.ArgumentParser(
        prog="lru-tune report",
        description="Write trials.csv, confirm.csv, best.yaml, report.md and, where matplotlib is installed, "
        "report.html of an experiment from its run directories. Safe while the experiment is running.",
    )
    made.add_argument("--version", action="version", version=f"lru-tune {__version__}")
    made.add_argument(
        "experiment",
        metavar="DIR",
        help="the experiment's folder, or its name under $LRU_TUNE_RUNS or ./runs",
    )
    return made
