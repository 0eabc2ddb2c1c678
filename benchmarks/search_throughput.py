"""Trial-steps a second of a search for tiny models on the whole machine, beside a loop of minimal-LRU runs.

    python -m benchmarks.search_throughput [--peer PATH/TO/minimal-LRU] [--peer-python PYTHON]

Ours is `tune.py` with one worker a core and a warm compilation cache (a first, short search fills it). The
peer's runs follow one another in one process with JAX's own threads; see benchmarks/peer_search.py. Both
train the same network on as many examples of the copy task and validate after each pass.

`total` counts everything from the command to its end. The peer's is for as many runs as our search has
trials: its start and first run as measured, each further run as the mean of those after the first. `steady`
counts training and validation alone, without starts, initialisation and compilation.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.shapes import SHAPES
from lru_tune.system.worker_environment import worker_environment

PROJECT = Path(__file__).resolve().parent.parent


class Size(NamedTuple):
    """How much is trained: trials, passes over the data, examples of a pass."""

    trials: int
    epochs: int
    examples: int


SIZES = {"full": Size(16, 32, 2000), "short": Size(2, 2, 200)}


class Throughput(NamedTuple):
    """Trial-steps a second of a whole command, and while it trains; its seconds."""

    total: float
    steady: float
    seconds: float


def our_search(runs: Path, size: Size, concurrent: int) -> Throughput:
    """Run one search of `tune.py`."""
    shape = SHAPES["tiny"]
    per_epoch = size.examples // shape.batch_size
    settings = {
        "model.n_layers": shape.n_layers,
        "model.d_model": shape.d_model,
        "model.d_hidden": shape.d_hidden,
        "model.dropout": shape.dropout,
        "data.batch_size": shape.batch_size,
        "data.train_examples": size.examples,
        "data.val_examples": size.examples // 4,
        "steps": per_epoch * size.epochs,
        "eval_every": per_epoch,
        "tune.scheduler.kind": "none",
        "tune.start_points": "[]",
        "tune.trials": size.trials,
    }
    command = [sys.executable, str(PROJECT / "tune.py"), "--task", "copy", "--quick"]
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    command += ["--no-confirm", "--max-concurrent", str(concurrent), "--runs-root", str(runs)]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall = time.perf_counter() - begun
    folder = Path(done.stdout.splitlines()[-1])
    rates = [own_rate(path) for path in sorted(folder.glob("trials/*/metrics.csv"))]
    steps = size.trials * per_epoch * size.epochs
    return Throughput(steps / wall, concurrent * statistics.median(rates), wall)


def own_rate(metrics: Path) -> float:
    """Return the steps a second of a trial between its first report and its last."""
    with open(metrics, newline="") as file:
        rows = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    steps = int(last["step"]) - int(first["step"])
    return steps / (float(last["seconds"]) - float(first["seconds"]))


def peer_search(
    folder: Path, python: str, size: Size, runs: int, shape: str = "tiny"
) -> Throughput:
    """Run some of the peer's runs, and say what as many as our search has trials would take."""
    command = [python, "-m", "benchmarks.peer_search", str(folder.resolve()), "--shape", shape]
    command += ["--examples", str(size.examples), "--epochs", str(size.epochs), "--runs", str(runs)]
    environment = os.environ | worker_environment() | {"PYTHONPATH": str(PROJECT)}
    begun = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
        env=environment,
    )  # fmt: skip
    wall = time.perf_counter() - begun
    made = json.loads(done.stdout.splitlines()[-1])
    later = made[1:]
    start = wall - sum(run["seconds"] for run in later)
    whole = start + (size.trials - 1) * statistics.mean(run["seconds"] for run in later)
    steady = statistics.median(run["steps"] / run["loop_seconds"] for run in later)
    return Throughput(size.trials * made[0]["steps"] / whole, steady, whole)


def compare(peer: Path | None, python: str, size: Size, peer_runs: int) -> dict[str, Any]:
    """Return the row: rates of both, and their ratios."""
    concurrent = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        our_search(Path(folder), size._replace(trials=concurrent, epochs=2), concurrent)
        own = our_search(Path(folder), size, concurrent)
    row: dict[str, Any] = {"trials": size.trials, "epochs": size.epochs, "concurrent": concurrent}
    row |= {f"ours_{name}": value for name, value in own._asdict().items()}
    if peer is not None:
        theirs = peer_search(peer, python, size, peer_runs)
        row |= {f"peer_{name}": value for name, value in theirs._asdict().items()}
        row["total_speedup"] = own.total / theirs.total
        row["steady_speedup"] = own.steady / theirs.steady
    return row


def main() -> None:
    """Measure and write benchmarks/results/search_throughput.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument("--peer-python", default=sys.executable, help="one that has torch")
    parser.add_argument("--peer-runs", type=int, default=3, help="at least 2")
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--name", default="search_throughput", help="of the result file")
    arguments = parser.parse_args()
    row = compare(arguments.peer, arguments.peer_python, SIZES[arguments.size], arguments.peer_runs)
    print(report.line(row))
    print(report.write(arguments.name, [row]))


if __name__ == "__main__":
    main()
