"""The sections of `python -m benchmarks`, as a table: what each runs and how its result is read."""

from collections.abc import Sequence
from typing import NamedTuple


class Reading(NamedTuple):
    """How rows of a result become lines of the table.

    Attributes:
      result: name of the CSV file.
      keys: columns that name a row.
      value: column that is shown and compared with the kept one.
      unit: of the value.
      peer: column with the ratio to minimal-LRU, above 1 where ours is better; "" for none.
      floor: column with the multiple of this device's floor; "" for none.
      where: column and content of the rows that are shown; None for all.
    """

    result: str
    keys: tuple[str, ...]
    value: str
    unit: str
    peer: str = ""
    floor: str = ""
    where: tuple[str, str] | None = None


class Section(NamedTuple):
    """A benchmark as the command runs it: a process of its own.

    Attributes:
      module: of `benchmarks`; a section whose module is missing is left out.
      readings: what is shown of it.
      smoke: arguments that make it a matter of seconds.
      peer: whether it takes `--peer`; `python`: whether also `--peer-python`.
    """

    module: str
    readings: tuple[Reading, ...]
    smoke: Sequence[str] = ()
    peer: bool = False
    python: bool = False


SECTIONS: dict[str, Section] = {
    "floors": Section(
        "floors",
        (
            Reading("floors", ("device",), "matmul_gflops", "GFLOP/s"),
            Reading("floors", ("device",), "copy_gb_per_second", "GB/s"),
        ),
    ),
    "scan": Section(
        "scan",
        (Reading("scan", ("length", "backend"), "ms_median", "ms", peer="speedup_median"),),
        smoke=("--lengths", "64", "--states", "8", "--rounds", "1"),
    ),
    "step": Section(
        "train_step",
        (
            Reading(
                "train_step",
                ("shape",),
                "ours_50_ms_median",
                "ms",
                peer="ours_50_speedup_median",
                floor="times_floor_large",
            ),
            Reading("train_step", ("shape",), "ours_temp_mb", "MB", peer="temp_ratio"),
            Reading("train_step", ("shape",), "ours_over_no_scan_median", "of no scan"),
        ),
        smoke=("--shapes", "tiny", "--rounds", "1", "--budget", "0.05"),
        peer=True,
    ),
    "epoch": Section(
        "epoch",
        (Reading("epoch", ("shape",), "ours_steps_per_second", "steps/s", peer="speedup"),),
        smoke=("--shapes", "tiny", "--examples", "100", "--epochs", "2"),
        peer=True,
        python=True,
    ),
    "first-step": Section(
        "first_step",
        (
            Reading(
                "first_step", ("shape",), "cold_total_seconds", "s", peer="cold_speedup_median"
            ),
            Reading("first_step", ("shape",), "new_total_seconds", "s", peer="new_speedup_median"),
            Reading(
                "first_step", ("shape",), "warm_total_seconds", "s", peer="warm_speedup_median"
            ),
        ),
        smoke=("--shapes", "tiny", "--rounds", "1"),
        peer=True,
    ),
    "search": Section(
        "search_throughput",
        (
            Reading("search_throughput", ("trials",), "ours_total", "steps/s", "total_speedup"),
            Reading("search_throughput", ("trials",), "ours_steady", "steps/s", "steady_speedup"),
        ),
        smoke=("--size", "short"),
        peer=True,
        python=True,
    ),
    "lanes": Section("lanes", ()),
    "dense": Section(
        "dense_scan",
        (Reading("dense_scan", ("level", "shape"), "ours_ms_median", "ms"),),
        smoke=("--shapes", "tiny", "--rounds", "1", "--budget", "0.05"),
    ),
    "online": Section(
        "online_learning",
        (Reading("online_learning", ("shape", "algorithm"), "ms_median", "ms"),),
        smoke=("--shapes", "tiny", "--rounds", "1", "--budget", "0.05"),
    ),
    "data": Section(
        "listops_generation",
        (
            Reading(
                "listops_generation",
                ("generator",),
                "trees_per_second",
                "expressions/s",
                where=("generator", "vectorised"),
            ),
        ),
        smoke=("--rounds", "1"),
    ),
    "images": Section(
        "pathfinder_generation",
        (
            Reading(
                "pathfinder_generation",
                ("size", "generator"),
                "images_per_second",
                "images/s",
                where=("generator", "compiled"),
            ),
        ),
        smoke=("--rounds", "1"),
    ),
}
