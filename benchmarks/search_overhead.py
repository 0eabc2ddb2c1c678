"""Share of a small search's wall time that is not training.

    python -m benchmarks.search_overhead [--concurrent 2] [--max-lengths 128 512]

Runs `tune.py --task listops --quick --no-confirm` (8 trials) twice at each sequence length; the first
warms the compilation cache, the second is measured. What is not training is nearly the same number of
seconds for both lengths, most of it the start of Ray and of the workers. Wall time counts from the
command to its end, Ray's start and stop included; training is what the trials report as their own
seconds of training and evaluation.
"""

import argparse
import csv
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report

PROJECT = Path(__file__).resolve().parent.parent


def search(runs: Path, concurrent: int, max_length: int) -> tuple[float, list[dict[str, str]]]:
    """Run one search; return its wall seconds and the rows of trials.csv."""
    command = [sys.executable, str(PROJECT / "tune.py"), "--task", "listops", "--quick"]
    command += ["--set", f"data.max_length={max_length}"]
    command += ["--no-confirm", "--max-concurrent", str(concurrent), "--runs-root", str(runs)]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    wall = time.perf_counter() - begun
    with open(Path(done.stdout.splitlines()[-1]) / "trials.csv", newline="") as file:
        return wall, list(csv.DictReader(file))


def main() -> None:
    """Measure and write benchmarks/results/search_overhead.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--concurrent", type=int, default=2)
    parser.add_argument("--max-lengths", type=int, nargs="+", default=[128, 512])
    arguments = parser.parse_args()
    concurrent, rows = arguments.concurrent, []
    with tempfile.TemporaryDirectory() as folder:
        for max_length, cache in itertools.product(arguments.max_lengths, ("as found", "warm")):
            wall, trials = search(Path(folder), concurrent, max_length)
            training = sum(float(trial["seconds"]) for trial in trials) / concurrent
            rows.append(
                {
                    "max_length": max_length,
                    "cache": cache,
                    "trials": len(trials),
                    "concurrent": concurrent,
                    "wall_seconds": wall,
                    "training_seconds": training,
                    "share_not_training": 1 - training / wall,
                }
            )
            print(rows[-1])
    print(report.write("search_overhead", rows))


if __name__ == "__main__":
    main()
