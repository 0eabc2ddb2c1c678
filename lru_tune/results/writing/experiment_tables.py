"""Writes the summary files of an experiment: trials.csv, confirm.csv, best.yaml and report.md."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lru_tune.errors import NoTrialSucceeded
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import CONFIRM_FOLDER
from lru_tune.results.judging.best import best_run, write_best_config
from lru_tune.results.reading.confirmations import RUN, confirmed_by_trial
from lru_tune.results.reading.frame import (
    BEST_STEP,
    ERROR,
    HORIZON,
    SEED,
    STATUS,
    STEPS,
    TRIAL,
    config_columns,
    load_runs,
)
from lru_tune.results.reading.record import read_record, read_space
from lru_tune.results.writing.report import Findings, render, summary

TRIALS_FILE = "trials.csv"
CONFIRM_FILE = "confirm.csv"
BEST_FILE = "best.yaml"
REPORT_FILE = "report.md"

TRIALS_COLUMNS = (
    TRIAL,
    STATUS,
    STEPS,
    BEST_STEP,
    runs.VAL_ACCURACY,
    runs.VAL_LOSS,
    runs.SECONDS,
    HORIZON,
    SEED,
    ERROR,
)
CONFIRM_COLUMNS = (
    RUN,
    TRIAL,
    SEED,
    STATUS,
    STEPS,
    BEST_STEP,
    runs.VAL_ACCURACY,
    runs.VAL_LOSS,
    runs.TEST_ACCURACY,
    runs.TEST_LOSS,
    runs.SECONDS,
    HORIZON,
    ERROR,
)


class Written(NamedTuple):
    """The result of `write_tables`.

    Attributes:
      report: path of report.md.
      summary: the report in a few lines of plain text.
      findings: the data of both.
    """

    report: Path
    summary: str
    findings: Findings


def write_tables(experiment: str | Path) -> Written:
    """Write trials.csv, report.md and, if there are such runs, confirm.csv and best.yaml.

    The files follow from the run directories alone: a repeated call writes the same files.

    Raises:
      ConfigError: the folder is no experiment.
    """
    folder = Path(experiment).resolve()
    findings = gather(folder)
    _write_csv(findings.trials, TRIALS_COLUMNS, folder / TRIALS_FILE)
    if not findings.confirmed.empty:
        _write_csv(findings.confirmed, CONFIRM_COLUMNS, folder / CONFIRM_FILE)
    if findings.best is not None:
        remark, metric = findings.record.remark, findings.record.metric
        write_best_config(findings.best, folder / BEST_FILE, metric=metric, remark=remark)
    report = folder / REPORT_FILE
    write_atomically(report, render(findings))
    return Written(report, summary(findings), findings)


def gather(folder: Path) -> Findings:
    """Read the data of a report from an experiment's folder.

    Raises:
      ConfigError: the folder is no experiment.
    """
    record = read_record(folder)
    trials = load_runs(folder)
    has_confirmation = (folder / CONFIRM_FOLDER).is_dir()
    confirmed = load_runs(folder / CONFIRM_FOLDER) if has_confirmation else trials.head(0)
    try:
        best = best_run(trials, record.metric, record.mode)
    except NoTrialSucceeded:
        best = None
    return Findings(
        folder=folder,
        record=record,
        search=read_space(folder).get("search") or {},
        trials=trials,
        confirmed=confirmed_by_trial(confirmed, trials),
        best=best,
    )


def _write_csv(frame: pd.DataFrame, first: tuple[str, ...], path: Path) -> None:
    text = frame[[*first, *config_columns(frame)]].to_csv(index=False, lineterminator="\n")
    write_atomically(path, text)
