"""A stand-in for `lru_tune.training.loop`: follows a script in milliseconds, without JAX.

The accuracy after a step is learning_rate x step / steps: the rate is how good a configuration is. Every
step it really executes is a line in the run's executed.log; files in the data root make it misbehave.

    weight_decay 0.5     the run diverges at its second report
    data_root/die        kills its process once, after the third report of the run whose name it holds
    data_root/break      raises ValueError in every run whose name it begins
    data_root/refuse     raises DataDamaged in every run whose name it begins
    data_root/slow       seconds each report takes
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from lru_tune.config.schema import RunConfig
from lru_tune.errors import DataDamaged, Diverged
from lru_tune.files import run_directory as runs
from lru_tune.files.atomic import write_atomically
from lru_tune.files.run_directory import Report

EXECUTED = "executed.log"
TEST_READ = "test_read.log"


def train(
    config: RunConfig, *, data_root: Path, run_dir: Path, trackers: tuple[object, ...] = ()
) -> Iterator[Report]:
    config = config.with_length(100)
    run_dir.mkdir(parents=True, exist_ok=True)
    write_atomically(run_dir / "config.yaml", yaml.safe_dump(config.model_dump(mode="json")))
    saved = run_dir / "checkpoint.json"
    step = json.loads(saved.read_text()) if saved.is_file() else 0
    rows = [row for row in runs.read_metrics(run_dir) if row[runs.STEP] <= step]
    status = "interrupted"
    if step:
        (run_dir / runs.RESULT_FILE).unlink(missing_ok=True)
    try:
        while step < config.steps:
            misbehave(data_root, run_dir, reports=len(rows))
            if config.optim.weight_decay == 0.5 and len(rows) == 1:
                raise Diverged(step + 1, "blocks_0/nu_log")
            time.sleep(number_in(data_root / "slow"))
            with open(run_dir / EXECUTED, "a") as log:
                log.write(f"{step}\n")
            step += config.eval_every
            accuracy = config.optim.learning_rate * step / config.steps
            rows.append(dict.fromkeys(runs.METRICS_COLUMNS, 0.0) | {"step": step})
            rows[-1] |= {runs.VAL_ACCURACY: accuracy, runs.VAL_LOSS: 1 - accuracy}
            runs.write_metrics(run_dir, rows)
            write_atomically(saved, json.dumps(step))
            if step == config.steps:
                status = "completed"
                finish(run_dir, config, rows, status)
            yield Report(step, rows[-1], last=step == config.steps)
    except Diverged as error:
        status = "diverged"
        finish(run_dir, config, rows, status, error=str(error))
        raise
    finally:
        if status == "interrupted":
            finish(run_dir, config, rows, status)


def evaluate_test(run_dir: Path, *, data_root: Path) -> dict[str, float]:
    with open(data_root / TEST_READ, "a") as log:
        log.write(f"{run_dir.parent.name}/{run_dir.name}\n")
    metrics = {runs.TEST_LOSS: 0.5, runs.TEST_ACCURACY: 0.5}
    runs.update_result(run_dir, **metrics)
    return metrics


def finish(run_dir: Path, config: RunConfig, rows: list[dict], status: str, **fields) -> None:
    best = max(rows, key=lambda row: row[runs.VAL_ACCURACY], default={})
    runs.write_result(
        run_dir,
        status,
        task=config.task,
        variant=config.variant,
        seed=config.seed,
        steps=rows[-1]["step"] if rows else 0,
        horizon=config.steps,
        best_step=best.get("step", 0),
        **{name: best.get(name) for name in (runs.VAL_LOSS, runs.VAL_ACCURACY)},
        seconds=0.0,
        device="cpu: scripted",
        **fields,
    )


def misbehave(data_root: Path, run_dir: Path, *, reports: int) -> None:
    die = data_root / "die"
    if reports == 3 and die.is_file() and run_dir.name.startswith(die.read_text()):
        die.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    refusal = DataDamaged("data.unreadable", path="x.npy", reason="the script says so", command="")
    for file, error in (("break", ValueError("the script says so")), ("refuse", refusal)):
        script = data_root / file
        if script.is_file() and run_dir.name.startswith(script.read_text()):
            raise error


def number_in(path: Path) -> float:
    return float(path.read_text()) if path.is_file() else 0.0
