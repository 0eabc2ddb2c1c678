"""`reproduce.py --from result.json`: run again exactly what a result describes, and compare."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lru_tune import runs
from lru_tune.config.files import dump_run_config
from lru_tune.config.schema import RunConfig
from lru_tune.data.manifest import SYNTHETIC_FOLDER
from lru_tune.data.store import open_task
from lru_tune.errors import ConfigError, DataDamaged
from lru_tune.layout import data_root, new_experiment_folder, runs_root
from lru_tune.process import become_worker
from lru_tune.reproduction.store import FOLDER

COMPARED = (runs.VAL_LOSS, runs.VAL_ACCURACY, runs.TEST_LOSS, runs.TEST_ACCURACY)


def run_again(arguments: argparse.Namespace) -> int:
    """Run the configuration in a result.json on the same data; print both results side by side.

    Raises:
      ConfigError: the file holds no configuration.
      DataDamaged: the data here are others than those of the result.
    """
    become_worker()  # once, before anything is written: it starts this program again
    given = _read(arguments.origin)
    config = RunConfig.model_validate(given["config"])
    root = data_root(arguments.data_root)
    synthetic = bool(given["data"]["synthetic"])
    _check_data(given, config, root, synthetic)
    place = runs_root(arguments.runs_root) / FOLDER / "again"
    folder = new_experiment_folder(place, f"{config.task}-{config.variant}-seed{config.seed}")
    runs.write_atomically(folder / "given.json", json.dumps(given, indent=2) + "\n")
    recipe = folder / "recipe.yaml"
    runs.write_atomically(recipe, dump_run_config(config, [f"From {arguments.origin}."]))

    from lru_tune.cli.train import main as train

    words = ["--config", str(recipe), "--name", "run", "--runs-root", str(folder)]
    words += ["--data-root", str(root)]
    words += ["--synthetic"] * synthetic + ["--test"] * (runs.TEST_ACCURACY in given)
    train(words)
    _compare(given, runs.read_result(folder / "run") or {})
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        given = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"--from: {path} cannot be read: {error}") from error
    if not isinstance(given, dict) or not {"config", "data"} <= given.keys():
        raise ConfigError(f"--from: {path} is no result.json of a run: it has no configuration")
    try:
        RunConfig.model_validate(given["config"])
    except ValidationError as error:
        raise ConfigError(f"--from: {path}: {error}") from error
    return given


def _check_data(given: dict[str, Any], config: RunConfig, root: Path, synthetic: bool) -> None:
    from data_prep import ensure_prepared

    ensure_prepared(config.task, root, synthetic=synthetic, reads=config.data.reads(), log=_say)
    place = root / SYNTHETIC_FOLDER if synthetic else root
    found = open_task(config.task, place).manifest.fingerprint
    if found != given["data"]["fingerprint"]:
        raise DataDamaged(
            f"{place / config.task} holds other data ({found}) than the result was made with "
            f"({given['data']['fingerprint']}). Prepare the same, or name their folder with --data-root."
        )


def _compare(given: dict[str, Any], found: dict[str, Any]) -> None:
    """Tell how the two runs differ: environment first, then numbers."""
    environments = [{"device": r["device"], **r["versions"]} for r in (given, found)]
    for name in environments[0].keys() | environments[1].keys():
        then, now = (environment.get(name) for environment in environments)
        if then != now:
            _say(f"{name}: {then} then, {now} now")
    for name in COMPARED:
        if name in given and name in found:
            difference = found[name] - given[name]
            verdict = "equal" if difference == 0 else f"difference {difference:+.3g}"
            _say(f"{name}: {given[name]:.6f} then, {found[name]:.6f} now, {verdict}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
