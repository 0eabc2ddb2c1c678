"""The vectorised ListOps generator against plain recursion, and a whole preparation.

    python -m benchmarks.listops_generation [--rounds N] [--prepare]

Both generators draw trees, keep those of accepted length, evaluate them and write their tokens; they
take turns in one process with one thread. Their seconds are the processor's, which other programs on the
machine disturb less; those of `--prepare` are the wall clock's. `--prepare` also
prepares the full data set (100,000 expressions) with one and with two workers, each in a fresh process.
Results go to benchmarks/results/listops_generation.csv, and prepare_listops.csv.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import quartiles, write
from data_prep.listops.language import SYMBOLS
from data_prep.listops.trees import ROOTS_PER_BLOCK, generate_block

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "data_prep" / "listops"))
from listops_reference import accepted_trees, tree_tokens, tree_value

REFERENCE_ROOTS = 2000
BLOCKS = 8  # so that both generators take turns of similar length
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS)}


def recursive(round_number: int) -> int:
    """Generate by recursion and return how many trees were accepted."""
    rng = random.Random(round_number)
    made = [
        (np.array([NUMBERS[token] for token in tree_tokens(tree)], np.uint8), tree_value(tree))
        for tree in accepted_trees(rng, REFERENCE_ROOTS)
    ]
    return len(made)


def vectorised(round_number: int) -> int:
    """Generate blocks and return how many trees were accepted."""
    return sum(len(generate_block(round_number, block).values) for block in range(BLOCKS))


# Roots are compared, not accepted trees: their number is not subject to chance.
GENERATORS: dict[str, tuple[Callable[[int], int], int]] = {
    "recursive": (recursive, REFERENCE_ROOTS),
    "vectorised": (vectorised, BLOCKS * ROOTS_PER_BLOCK),
}


def measure_generators(rounds: int) -> list[dict[str, Any]]:
    """Return one row per round and generator; a first round warms up and is not counted."""
    rows: list[dict[str, Any]] = []
    for number in range(rounds + 1):
        for name, (generate, roots) in GENERATORS.items():
            start = time.process_time()
            trees = generate(number)
            seconds = time.process_time() - start
            rows.append(
                {
                    "round": number,
                    "generator": name,
                    "roots": roots,
                    "trees": trees,
                    "cpu_seconds": round(seconds, 6),
                    "roots_per_second": round(roots / seconds, 1),
                    "trees_per_second": round(trees / seconds, 1),
                }
            )
    return rows[len(GENERATORS) :]


def measure_preparation(workers: int) -> dict[str, Any]:
    """Prepare the full data set in a fresh process; return seconds and the peak of its memory."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "data_prep", "prepare", "listops"]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--workers", str(workers), "--data-root", folder],
            check=True,
            capture_output=True,
        )
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kibibytes; largest child so far
    return {"workers": workers, "seconds": round(seconds, 2), "peak_mb": round(peak / 1024)}


def main() -> None:
    """Measure, write the files and print a summary."""
    parser = argparse.ArgumentParser(description="Measure the generation of ListOps.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--prepare", action="store_true", help="also prepare the full data set")
    arguments = parser.parse_args()
    rows = measure_generators(arguments.rounds)
    rates = {
        name: [row["roots_per_second"] for row in rows if row["generator"] == name]
        for name in GENERATORS
    }
    ratios = [
        fast / slow for fast, slow in zip(rates["vectorised"], rates["recursive"], strict=True)
    ]
    for name in GENERATORS:
        trees = quartiles([row["trees_per_second"] for row in rows if row["generator"] == name])
        print(
            f"{name}: {trees['median']:,.0f} trees/s (min {trees['min']:,.0f}, max {trees['max']:,.0f})"
        )
    ratio = quartiles(ratios)
    print(f"speed-up: {ratio['median']:.0f}x (min {ratio['min']:.0f}x, max {ratio['max']:.0f}x)")
    print(write("listops_generation", rows))
    if arguments.prepare:
        runs = [measure_preparation(workers) for workers in (1, 2)]
        for run in runs:
            print(
                f"prepare, {run['workers']} worker(s): {run['seconds']} s, peak {run['peak_mb']} MB"
            )
        print(write("prepare_listops", runs))


if __name__ == "__main__":
    main()
