"""How good is the configuration that a search finds, for the same compute?

    python -m benchmarks.search_quality --surrogate FOLDER [--tasks tuning] [--seeds 5] [--workers 4]
        [--budget 20] [--methods ..] [--stress none plateau-20 noise-2 dead-10] [--keep]

Runs the program's own searcher and scheduler on recorded learning curves under a simulated clock and
prints a table for each number of workers and each stress. Regret is the gap between the true final
accuracy of the chosen configuration and the best of 4000 random ones, in per cent of (best - median).
Exits with 1 where the default search is worse than random proposals beyond error.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.search_quality import kept, lcbench
from benchmarks.search_quality.figures import (
    SHARES,
    column,
    paired,
    table,
    task_means,
    worse_than_random,
)
from benchmarks.search_quality.methods import DEFAULT, METHODS, RANDOM, UNSTOPPED
from benchmarks.search_quality.problems import Problem, Stress
from benchmarks.search_quality.simulate import simulate

Row = dict[str, Any]
COMPARED = (UNSTOPPED, RANDOM, "ray-asha", DEFAULT)


def run_one(
    problem: Problem, name: str, *, stress: str, workers: int, budget: float, seed: int
) -> Row:
    """Run one search; return its row."""
    method = METHODS[name]
    with tempfile.TemporaryDirectory() as folder:
        found = simulate(
            method.make(problem, seed, Path(folder)),
            problem,
            stress=Stress.parse(stress),
            workers=workers,
            budget=budget,
            seed=seed,
            winner=method.winner,
        )
    total = len(found.regret)
    regrets = {
        column(share): round(float(found.regret[max(1, total * share // 100) - 1]), 2)
        for share in SHARES
    }
    return {
        "method": name,
        "task": problem.name,
        "seed": seed,
        "trials": found.trials,
        "completed": found.completed,
        **regrets,
    }


def run_all(
    problems: Sequence[Problem],
    methods: Sequence[str],
    *,
    stress: str,
    workers: int,
    budget: float,
    seeds: Sequence[int],
) -> Iterator[Row]:
    """Yield the rows of one setting."""
    for problem in problems:
        print(f"{stress}, {workers} workers: task {problem.name}", file=sys.stderr, flush=True)
        for seed, name in itertools.product(seeds, methods):
            yield run_one(problem, name, stress=stress, workers=workers, budget=budget, seed=seed)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments of the command."""
    description, *_ = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search_quality", description=description
    )
    parser.add_argument(
        "--surrogate", type=Path, required=True, metavar="FOLDER", help="YAHPO Gym's lcbench"
    )
    parser.add_argument(
        "--tasks", nargs="+", default=["tuning"], help="tuning, judging, all, or OpenML's numbers"
    )
    parser.add_argument("--seeds", type=int, default=5, help="searches of each method and task")
    parser.add_argument("--first-seed", type=int, default=0, help="number of the first of them")
    parser.add_argument("--workers", type=int, nargs="+", default=[4], help="trials at a time")
    parser.add_argument("--budget", type=float, default=20.0, help="in full trainings")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(COMPARED), metavar="METHOD",
        help=f"of {', '.join(METHODS)}",
    )  # fmt: skip
    parser.add_argument(
        "--stress", nargs="+", default=["none"], metavar="STRESS",
        help="none, plateau-20 (per cent of the horizon), noise-2 (points), dead-10 (per cent of "
        "the seeds); joined by +",
    )  # fmt: skip
    parser.add_argument(
        "--keep", action="store_true", help="add the rows to benchmarks/results/search_quality/"
    )
    arguments = parser.parse_args(argv)
    for stress in arguments.stress:
        try:
            Stress.parse(stress)
        except ValueError as error:
            parser.error(str(error))
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the methods; return 1 where the default is worse than random proposals."""
    arguments = parse(argv)
    problems = lcbench.load_problems(arguments.surrogate, arguments.tasks)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    words, failed = [], False
    for stress, workers in itertools.product(arguments.stress, arguments.workers):
        begun = time.perf_counter()
        rows = list(
            run_all(
                problems,
                arguments.methods,
                stress=stress,
                workers=workers,
                budget=arguments.budget,
                seeds=seeds,
            )
        )
        seconds = time.perf_counter() - begun
        title = f"stress {stress}, {workers} workers, {arguments.budget:g} full trainings"
        n = f"{len(problems)} tasks x {len(seeds)} seeds"
        print(f"\n## {title}, {n} ({seconds:.0f} s)\n\n{table(rows)}", flush=True)
        if arguments.keep:
            kept.keep(kept.setting(stress, workers, arguments.budget), rows)
        failed |= worse_than_random(rows) is not None
        words.append(f"{stress}/{workers}: {summary(rows)}")
    print(f"\n{'WORSE THAN RANDOM' if failed else 'ok'}: {'; '.join(words)}")
    return int(failed)


def summary(rows: Sequence[Row]) -> str:
    """Return the default's regret beside that of random proposals, in one line."""
    default, random = task_means(rows, DEFAULT), task_means(rows, RANDOM)
    if not default or not random:
        return "default or random-asha not run"
    d = paired(default, random)
    means = (statistics.fmean(each.values()) for each in (default, random))
    first, second = (f"{mean:.1f}" for mean in means)
    return f"default {first}, random {second} ({d.low:+.1f} to {d.high:+.1f}, t {d.t:.1f})"


if __name__ == "__main__":
    sys.exit(main())
