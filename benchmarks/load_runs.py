"""How long it takes, and how much memory, to read many trials into frames.

python -m benchmarks.load_runs [--trials 5000] [--reports 10]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.report import line, write
from lru_tune.config.config_files import dump_run_config
from lru_tune.config.schema import OptimConfig, RunConfig
from lru_tune.files import run_directory as runs

HALVES = {"result.json": True, "config.yaml": False}  # where the configuration is read from
CALLS = ("load_runs", "history")


def main() -> None:
    """Write synthetic trials, read them in fresh processes and write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--read", nargs=2, metavar=("CALL", "DIR"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        print(json.dumps(read(*arguments.read)))
        return
    rows = []
    for source, complete in HALVES.items():
        with tempfile.TemporaryDirectory() as folder:
            make_experiment(Path(folder), arguments.trials, arguments.reports, complete=complete)
            for call in CALLS:
                command = [sys.executable, "-m", "benchmarks.load_runs", "--read", call, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                rows.append(
                    {
                        "call": call,
                        "trials": arguments.trials,
                        "reports": arguments.reports,
                        "configuration_from": source,
                        **json.loads(done.stdout),
                    }
                )
                print(line(rows[-1]))
    print(write("load_runs", rows))


def make_experiment(folder: Path, trials: int, reports: int, *, complete: bool) -> None:
    """Write an experiment whose trials completed, one in three stopped after a third of its reports.

    Args:
      folder: of the experiment.
      trials: how many.
      reports: of a completed trial.
      complete: whether result.json holds the configuration, as runs of today write it.
    """
    (folder / "experiment.json").write_text(json.dumps({"status": "completed"}))
    for number in range(trials):
        run = folder / "trials" / f"{number:05d}"
        config = RunConfig(
            task="listops",
            steps=100 * reports,
            optim=OptimConfig(learning_rate=1e-3 * (1 + number / trials)),
        )
        stopped = number % 3 == 2
        rows = [
            dict.fromkeys(runs.METRICS_COLUMNS, 0.5) | {runs.STEP: 100 * (i + 1)}
            for i in range(max(1, reports // 3) if stopped else reports)
        ]
        run.mkdir(parents=True)
        (run / runs.CONFIG_FILE).write_text(dump_run_config(config))
        runs.write_metrics(run, rows)
        held = {"config": config.model_dump(mode="json")} if complete else {}
        runs.write_result(
            run,
            "stopped" if stopped else "completed",
            steps=rows[-1][runs.STEP],
            best_step=100,
            seconds=1.0,
            **{runs.VAL_ACCURACY: 0.5, runs.VAL_LOSS: 0.5},
            **held,
        )


def read(call: str, folder: str) -> dict[str, Any]:
    """Return seconds, memory and size of one reading in this process, pandas already imported."""
    from lru_tune import results

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    frame = getattr(results, call)(folder)
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "rows": len(frame),
        "columns": frame.shape[1],
        "frame_mib": float(frame.memory_usage(deep=True).sum() / 2**20),
        "peak_mib": after / 1024,
        "peak_above_import_mib": (after - before) / 1024,
    }


if __name__ == "__main__":
    main()
