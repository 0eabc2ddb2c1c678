"""An experiment's tables and reports, with pictures where matplotlib is installed."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from lru_tune.api.console import print_message
from lru_tune.errors import LruTuneError
from lru_tune.files.run_directory import BEST_CHECKPOINT, CHECKPOINT_FOLDER

if TYPE_CHECKING:
    from lru_tune.results.reading.spectra import Spectra
    from lru_tune.results.writing.report import Findings


def write_reports(folder: Path) -> list[Path]:
    """Write an experiment's tables, report.md and report.html; print its summary on stderr.

    The winner's eigenvalues are read with JAX, which is imported only if there are any.

    Returns:
      The paths of report.md and, where matplotlib is installed, report.html.

    Raises:
      ConfigError: the folder is no experiment.
    """
    # pandas takes most of a second to import, too long for `--help`.
    from lru_tune.results.writing.experiment_tables import write_tables

    written = write_tables(folder)
    print_message(written.summary)
    if importlib.util.find_spec("matplotlib") is None:
        print_message(
            "report.html was not written: it needs matplotlib. Install it with:  "
            "pip install 'lru-tune[figures]'"
        )
        return [written.report]
    return [written.report, write_pictures(written.findings)]


def write_pictures(findings: "Findings") -> Path:
    """Write report.html from what report.md was written from; return its path."""
    from lru_tune.plots.page import write_page
    from lru_tune.plots.report_pictures import pictures
    from lru_tune.results.reading.frame import history
    from lru_tune.results.reading.record import read_space

    reports = history(findings.folder)
    drawn = pictures(findings, reports, read_space(findings.folder), winners_spectra(findings))
    return write_page(findings, drawn)


def winners_spectra(findings: "Findings") -> "Spectra | None":
    """Return the eigenvalues of the best trial and keep them in spectra.csv.

    Where the checkpoint is gone, those kept by an earlier call are returned; None without either.
    """
    from lru_tune.results.reading.spectra import Spectra, write_spectra

    if findings.best is None:
        return None
    run = Path(findings.best["path"])
    if not (run / CHECKPOINT_FOLDER / BEST_CHECKPOINT).is_file():
        return _kept_spectra(findings.folder, run.name)
    from lru_tune.training.trained.spectra import read_spectra

    try:
        layers = read_spectra(run)
    except LruTuneError as error:
        print_message(f"report.html has no eigenvalues of the winner: {error}")
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
