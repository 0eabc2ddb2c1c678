"""Puts the kept results into the tables of docs/speed.md.

    python -m benchmarks.page

The page's own words stay; what stands between `<!-- results: NAME -->` and `<!-- end -->` is written anew.
"""

import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.report import Row, read
from benchmarks.shapes import SHAPES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "speed.md"
MARKED = re.compile(r"(<!-- results: (\w+) -->\n).*?(?=<!-- end -->)", re.S)

ERRORS = ("loss_error", "gradient_error", "update_error")  # columns of precision.csv


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def spread(row: Row, name: str) -> str:
    """Return the median of a ratio, with its extremes."""
    median, low, high = (float(row[f"{name}_{part}"]) for part in ("median", "min", "max"))
    return f"{median:.2f} ({low:.2f} to {high:.2f})"


def size(name: str) -> str:
    """Return a shape in words."""
    shape = SHAPES[name]
    data = f"{shape.task_name}, T {shape.length}, batch {shape.batch_size}"
    return f"{data}; {shape.n_layers} layers, H {shape.d_model}, N {shape.d_hidden}"


def number(row: Row, name: str, form: str = ".2f") -> str:
    """Return a figure of a row, nothing where that was not measured."""
    return format(float(row[name]), form) if row.get(name) else ""


def train_step() -> str:
    """Return the table of whole steps."""
    head = (
        "shape",
        "one step a call",
        "up to fifty steps a call",
        "the same, blocks in JAX",
        "memory, minimal-LRU's over ours",
        "the same, batch in groups",
        "time in groups over time of the whole batch",
        "times the matrix products alone",
        "times a step in JAX without its scan",
    )
    rows = [
        (
            size(row["shape"]),
            spread(row, "ours_speedup"),
            spread(row, "ours_50_speedup"),
            spread(row, "jax_speedup"),
            number(row, "temp_ratio", ".1f"),
            number(row, "grouped_temp_ratio", ".1f"),
            number(row, "grouped_over_plain_median"),
            number(row, "times_floor_large", ".1f"),
            number(row, "ours_over_no_scan_median"),
        )
        for row in read("train_step")
    ]
    return table(head, rows)


def first_step() -> str:
    """Return the table of starts."""
    head = (
        "shape",
        "cache",
        "seconds",
        "times as fast as minimal-LRU",
        "in the processor's own time",
    )
    rows = [
        (
            size(row["shape"]),
            cache,
            number(row, f"{cache}_total_seconds", ".1f"),
            spread(row, f"{cache}_speedup"),
            number(row, f"{cache}_cpu_speedup_median"),
        )
        for row in read("first_step")
        for cache in ("cold", "new", "warm")
    ]
    return table(head, rows)


def epoch() -> str:
    """Return the table of passes over the data."""
    head = ("shape", "steps a second", "times minimal-LRU's loop")
    rows = [
        (size(row["shape"]), number(row, "ours_steps_per_second", ",.0f"), number(row, "speedup"))
        for row in read("epoch")
    ]
    return table(head, rows)


def search_throughput() -> str:
    """Return the table of searches for tiny models."""
    head = ("counted", "trial-steps a second", "times a loop of minimal-LRU runs")
    words = {"total": "from the command to its end", "steady": "training and validation alone"}
    rows = [
        (text, number(row, f"ours_{kind}", ",.0f"), number(row, f"{kind}_speedup"))
        for row in read("search_throughput")
        for kind, text in words.items()
    ]
    return table(head, rows)


def scan() -> str:
    """Return the table of linear scans."""
    measured = read("scan")
    lengths = list(dict.fromkeys(row["length"] for row in measured))
    found = {(row["backend"], row["length"]): row for row in measured}
    rows = [
        (f"`{name}`", *(spread(found[name, length], "speedup") for length in lengths))
        for name in dict.fromkeys(row["backend"] for row in measured)
        if (name, lengths[0]) in found and not name.startswith("pairs")
    ]
    return table(("back end", *(f"T {length}" for length in lengths)), rows)


def dense_scan() -> str:
    """Return the table of dense recurrences."""
    head = ("shape", "measured", "by the clock", "in the process's own time")
    rows = [
        (size(r["shape"]), r["level"], spread(r, "speedup"), spread(r, "cpu_speedup"))
        for r in read("dense_scan")
    ]
    return table(head, rows)


def online_learning() -> str:
    """Return the table of online learning."""
    head = (
        "shape",
        "gradient",
        "time of `bptt`'s",
        "in the process's own time",
        "memory of `bptt`'s",
    )
    rows = [
        (
            size(r["shape"]),
            r["algorithm"],
            spread(r, "times_bptt"),
            spread(r, "cpu_times_bptt"),
            f"{float(r['memory_times_bptt']):.2f}",
        )
        for r in read("online_learning")
        if r["algorithm"] != "bptt"
    ]
    return table(head, rows)


def precision() -> str:
    """Return the table of coarser matrix products."""
    rows, head = read("precision"), ("shape", "`runtime.matmul`", "loss", "gradients", "five steps")
    compared = [
        (row["shape"], f"`{row['matmul']}`", *(f"{float(row[name]):.1e}" for name in ERRORS))
        for row in rows
        if not row["training_steps"]
    ]
    trained = ", ".join(
        f"{float(row['training_loss']):.4f} in `{row['matmul']}`"
        for row in rows
        if row["training_steps"]
    )
    steps = next(row["training_steps"] for row in rows if row["training_steps"])
    text = f"Loss of the copy task at the end of {steps} steps of training: {trained}."
    return f"{table(head, compared)}\n{text}\n"


def _medians(rows: list[Row], by: str, value: str) -> dict[str, float]:
    keys = dict.fromkeys(row[by] for row in rows)
    return {
        key: statistics.median(float(row[value]) for row in rows if row[by] == key) for key in keys
    }


def listops_generation() -> str:
    """Return the table of ListOps generators."""
    rates = _medians(read("listops_generation"), "generator", "trees_per_second")
    rows = [
        (name, f"{rate:,.0f}", f"{rate / rates['recursive']:.1f}") for name, rate in rates.items()
    ]
    return table(("generator", "expressions a second", "times the recursive one"), rows)


def pathfinder_generation() -> str:
    """Return the table of Pathfinder generators."""
    measured, rows = read("pathfinder_generation"), []
    for side in dict.fromkeys(row["size"] for row in measured):
        of_size = [row for row in measured if row["size"] == side]
        rates = _medians(of_size, "generator", "images_per_second")
        rows.append((f"{side} x {side}", f"{rates['compiled']:,.0f}", f"{rates['slow']:.1f}"))
    return table(("image", "compiled, images a second", "slow twin"), rows)


def search_overhead() -> str:
    """Return the table of a search's share that is not training."""
    head = ("T", "compilation cache", "trials", "wall seconds", "not training")
    rows = [
        (
            row["max_length"],
            row["cache"],
            f"{row['trials']}, {row['concurrent']} at a time",
            f"{float(row['wall_seconds']):.0f}",
            f"{float(row['share_not_training']):.0%}",
        )
        for row in read("search_overhead")
    ]
    return table(head, rows)


def load_runs() -> str:
    """Return the table of reading a large search."""
    head = ("call", "trials", "configurations from", "seconds", "memory beyond imports")
    rows = [
        (
            f"`{row['call']}`",
            f"{int(row['trials']):,}",
            row["configuration_from"],
            f"{float(row['seconds']):.1f}",
            f"{float(row['peak_above_import_mib']):.0f} MiB",
        )
        for row in read("load_runs")
    ]
    return table(head, rows)


TABLES: dict[str, Callable[[], str]] = {
    made.__name__: made
    for made in (
        train_step,
        scan,
        first_step,
        precision,
        dense_scan,
        online_learning,
        listops_generation,
        pathfinder_generation,
        epoch,
        search_throughput,
        search_overhead,
        load_runs,
    )
}


def filled(page: str) -> str:
    """Return the page with the tables of the results as they are now."""

    def content(name: str) -> str:
        return TABLES[name]() if read(name) else "Not measured yet.\n"

    return MARKED.sub(lambda found: f"{found[1]}\n{content(found[2])}\n", page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
