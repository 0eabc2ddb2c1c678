"""`reproduce.py --from result.json`: run again exactly what a result describes, and compare."""

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lru_tune.api.console import print_message
from lru_tune.config.config_files import dump_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.manifest import tasks_folder
from lru_tune.data.store import open_task
from lru_tune.errors import ConfigError, DataDamaged
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.experiment_folder import REPRODUCTIONS_FOLDER
from lru_tune.files.paths import data_root, new_experiment_folder, require_writable_runs, runs_root
from lru_tune.system.worker_environment import become_worker

AGAIN = "again"
COMPARED = (runs.VAL_LOSS, runs.VAL_ACCURACY, runs.TEST_LOSS, runs.TEST_ACCURACY)
NEEDED = ("config", "data", "device", "versions")


def run_again(arguments: argparse.Namespace) -> int:
    """Run the configuration in a result.json on the same data, and print how the two results differ.

    The last line on stdout is the run directory.

    Raises:
      ConfigError: the file holds no configuration.
      DataDamaged: the data differ from those of the result.
      Interrupted: the message holds the command that resumes the run.
    """
    given = _read(arguments.origin)
    config = _configuration(given, arguments.origin)
    parent = runs_root(arguments.runs_root) / REPRODUCTIONS_FOLDER / AGAIN
    require_writable_runs(parent)
    become_worker()  # before anything is written: it starts this program again
    root, synthetic = data_root(arguments.data_root), bool(given["data"]["synthetic"])
    _check_data(given, config, root, synthetic)
    folder = new_experiment_folder(parent, f"{config.task}-{config.variant}-seed{config.seed}")
    write_atomically(folder / "given.json", json.dumps(given, indent=2) + "\n")
    recipe = folder / "recipe.yaml"
    write_atomically(recipe, dump_run_config(config, [f"From {arguments.origin}."]))
    if given.get("status") != "completed":
        status, steps = given.get("status"), given.get("steps")
        print_message(f"note: that run was {status} at step {steps}; this one trains to the end")

    from lru_tune.cli.train import main as train

    words = ["--config", str(recipe), "--name", "run", "--runs-root", str(folder)]
    words += ["--data-root", str(root)]
    if "threads" in given:  # another number of threads rounds differently
        words += ["--cpus", str(given["threads"])]
    words += ["--synthetic"] * synthetic + ["--test"] * (runs.TEST_ACCURACY in given)
    train(words)
    for line in differences(given, runs.read_result(folder / "run") or {}):
        print_message(line)
    return 0


def differences(given: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return the differences of two results, one a line: device and versions, then the metrics."""
    then, now = (
        {name: r.get(name) for name in ("device", "block", "scan", "threads")} | r["versions"]
        for r in (given, found)
    )
    lines = [
        f"{name}: {_text(then.get(name))} then, {_text(now.get(name))} now"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]
    for name in COMPARED:
        if given.get(name) is None or found.get(name) is None:
            continue
        difference = found[name] - given[name]
        verdict = "equal" if difference == 0 else f"difference {difference:+.3g}"
        lines.append(f"{name}: {given[name]:.6f} then, {found[name]:.6f} now, {verdict}")
    return lines


def _text(value: Any) -> str:
    """Return a recorded value as text; earlier versions recorded fewer."""
    return "not recorded" if value is None else str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            "cli.result-unreadable", reason=error, file=str(path), key="--from"
        ) from error
    missing = [name for name in NEEDED if not isinstance(given, dict) or name not in given]
    if missing:
        raise ConfigError(
            "cli.result-incomplete", missing=", ".join(missing), file=str(path), key="--from"
        )
    return dict(given)


def _configuration(given: dict[str, Any], path: Path) -> RunConfig:
    try:
        return RunConfig.model_validate(given["config"])
    except ValidationError as error:
        raise ConfigError(
            "cli.result-invalid", reason=error, file=str(path), key="--from"
        ) from error


def _check_data(given: dict[str, Any], config: RunConfig, root: Path, synthetic: bool) -> None:
    from data_prep import ensure_prepared

    ensure_prepared(
        config.task, root, synthetic=synthetic, reads=config.data.reads(), log=print_message
    )
    folder = tasks_folder(root, synthetic=synthetic)
    found, wanted = (
        open_task(config.task, folder).manifest.fingerprint,
        given["data"]["fingerprint"],
    )
    if found != wanted:
        raise DataDamaged(
            "cli.other-data", folder=folder / config.task, found=found, expected=wanted
        )
