"""Exports a trial as a folder: its configuration, result, reports, and a README on how to use them."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from lru_tune.errors import ConfigError, did_you_mean
from lru_tune.files import run_directory as runs
from lru_tune.results.judging.best import best_run, documented_config
from lru_tune.results.reading.frame import EXPERIMENT, PATH, STATUS, TRIAL, load_runs
from lru_tune.results.reading.record import ExperimentRecord, read_record

README_FILE = "README.txt"
MARK = "Exported by lru-tune"  # the first words of a README, by which `_is_export` knows an export

README = """\
{mark}: trial {trial} of experiment {experiment} ({task}, {variant}).

config.yaml   the complete configuration, with its origin
result.json   how the trial ended, with versions and the fingerprint of the data
metrics.csv   one line for each report
{more}
Train it again, and read the test split once:

    lru-tune train --config config.yaml --test{flag}
"""
README_PARAMETERS = """\
best.msgpack  the parameters of the best report by validation, in lru-tune's format: a line with the name of
              the format, a line with the sha256 of the rest, then flax's msgpack
params.npz    the same parameters for NumPy: params/block_<i>/recurrence/<name>, names as in the paper
"""
README_LOADING = """
Load the parameters without lru-tune and print the moduli of the eigenvalues of the first layer:

    import numpy as np

    arrays = np.load("params.npz")
    layer = {{k.rpartition("/")[2]: arrays[k] for k in arrays if k.startswith("params/block_0/recurrence/")}}
{recurrence}"""
# Parametrisation of the eigenvalues -> how to compute them from a layer's parameters.
RECURRENCES = {
    "stable_exp_log_phase": "lam = np.exp(-np.exp(layer['nu_log']) + 1j * np.exp(layer['theta_log']))",
    "stable_exp": "lam = np.exp(-np.exp(layer['nu_log']) + 1j * layer['theta'])",
    "exp": "lam = np.exp(-layer['nu'] + 1j * layer['theta'])",
    "cartesian": "lam = layer['lambda_re'] + 1j * layer['lambda_im']",
}
STEP = """\
    # x = lam * x + gamma * (B @ u),  y = (C @ x).real + D * u, with gamma = exp(gamma_log), 1 without it,
    # B = B_re + 1j * B_im and C = C_re + 1j * C_im
"""


class Trial(NamedTuple):
    """A trial to export.

    Attributes:
      row: of `load_runs`.
      record: of its experiment.
    """

    row: pd.Series
    record: ExperimentRecord

    @property
    def folder(self) -> Path:
        """Its run directory."""
        return Path(self.row[PATH])

    @property
    def name(self) -> str:
        """Its name in the experiment."""
        return str(self.row[TRIAL])


def choose_trial(experiment: Path, wanted: str | None) -> Trial:
    """Return a trial that has ended.

    Args:
      experiment: its folder.
      wanted: number, name or the beginning of a name; None for the best by validation.

    Raises:
      ConfigError: the folder is no experiment, there is no such trial, or it has not ended.
      NoTrialSucceeded: `wanted` is None and no trial succeeded.
    """
    record = read_record(experiment)
    frame = load_runs(experiment)
    row = best_run(frame, record.metric, record.mode) if wanted is None else _named(frame, wanted)
    trial = Trial(row, record)
    if not (trial.folder / runs.RESULT_FILE).is_file():
        raise ConfigError("results.trial-not-ended", trial=trial.name, status=row[STATUS])
    if not (trial.folder / runs.CONFIG_FILE).is_file():
        raise ConfigError("results.trial-without-config", trial=trial.name)
    return trial


def trial_files(trial: Trial, parameters: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of an export by name.

    Args:
      trial: the trial.
      parameters: `best.msgpack` and `params.npz`; empty to leave them out.
    """
    row, record = trial
    title = f"Configuration of trial {trial.name} of experiment {row[EXPERIMENT]}."
    config = documented_config(row, title, metric=record.metric, remark=record.remark)
    metrics = trial.folder / runs.METRICS_FILE
    return {
        "config.yaml": config.encode(),
        "result.json": (trial.folder / runs.RESULT_FILE).read_bytes(),
        **({"metrics.csv": metrics.read_bytes()} if metrics.is_file() else {}),
        **parameters,
        README_FILE: _readme(trial, with_parameters=bool(parameters)).encode(),
    }


def write_export(
    folder: Path, files: Mapping[str, bytes], replace: Literal["never", "export"]
) -> None:
    """Write a folder atomically.

    Args:
      folder: the folder to write.
      files: name -> content.
      replace: `export` replaces a folder that an earlier export wrote, `never` does not. Other folders that
        are not empty are never replaced.

    Raises:
      ConfigError: the folder exists, is not empty and must not be replaced.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not _is_export(folder):
            raise ConfigError("results.not-an-export", folder=folder, key="--out")
        if replace == "never":
            raise ConfigError("results.export-exists", folder=folder, key="--out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as place:
        made = Path(place) / folder.name
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        if folder.is_dir():
            shutil.rmtree(folder)
        made.rename(folder)


def _named(frame: pd.DataFrame, wanted: str) -> pd.Series:
    prefix = f"{int(wanted):04d}-" if wanted.isascii() and wanted.isdigit() else wanted
    exact, begun = frame[frame[TRIAL] == wanted], frame[frame[TRIAL].str.startswith(prefix)]
    found = begun if exact.empty else exact
    if len(found) == 1:
        return found.iloc[0]
    if len(found) > 1:
        matches = ", ".join(found[TRIAL])
        raise ConfigError("results.ambiguous-trial", trial=wanted, matches=matches, key="--trial")
    hint = did_you_mean(wanted, frame[TRIAL])
    raise ConfigError("results.unknown-trial", trial=wanted, hint=hint, key="--trial")


def _is_export(folder: Path) -> bool:
    readme = folder / README_FILE
    return readme.is_file() and readme.read_text(errors="replace").startswith(MARK)


def _readme(trial: Trial, *, with_parameters: bool) -> str:
    head = README.format(
        mark=MARK,
        trial=trial.name,
        experiment=trial.row[EXPERIMENT],
        task=trial.record.task,
        variant=trial.record.variant,
        flag=" --synthetic" if trial.record.synthetic else "",
        more=README_PARAMETERS if with_parameters else "",
    )
    if trial.record.remark:
        head += f"\n{trial.record.remark}\n"
    if not with_parameters:
        return head
    recurrence = runs.read_config(trial.folder)["model"]["recurrence"]
    line = RECURRENCES.get(recurrence.get("eigenvalues", ""))
    shown = f"    {line}\n    print(abs(lam))\n{STEP}" if line else "    print(layer)\n"
    return head + README_LOADING.format(recurrence=shown)
