"""Everything that is measured on a GPU, in one run; needs neither data nor ray nor optuna.

    python -m benchmarks.gpu [--peer PATH/TO/minimal-LRU] [--tasks ListOps Text] [--seconds 10]
    python -m benchmarks.gpu --smoke      # tiny shapes on any device, kernels interpreted; keeps nothing

Writes benchmarks/results/gpu_steps.csv (optimiser steps a second at the sizes of the paper's Table 9, beside
its Table 4), gpu_peer.csv (against minimal-LRU's own step), gpu_scan.csv (the scans' share of the bandwidth
of a copy) and gpu_sweep.csv (chunks and rows read ahead of the scan's kernels). What does not run is a
row with its reason.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from lru_tune.config.resolve import Heading, resolve
from lru_tune.config.schema import RunConfig
from lru_tune.paper.tables import Column, load_table
from lru_tune.system.worker_environment import prepare_process

STEPS, SIZES, ROW = 4, 9, "LRU"  # tables of speeds and of sizes, and the row of both
RUNTIMES = (
    {"runtime.matmul": "tf32"},
    {"runtime.matmul": "bf16"},
    {"runtime.matmul": "bf16", "runtime.states": "recomputed", "runtime.scan": "pallas"},
    {"runtime.matmul": "f32"},
)
SCANS = ("chunked", "associative", "pallas")
CHUNKS, AHEAD = (128, 256, 512, 1024, 4096), (4, 8, 16)
COPIED = 1 << 28  # numbers of the array whose copy gives the bandwidth: 1 GiB of float32

Row = dict[str, Any]


class Setting(NamedTuple):
    """What the measurements differ in between a GPU and a smoke test.

    Attributes:
      changes: of the configurations.
      runtimes: ways to compute whole steps.
      launch: of the scan's kernels, a name of `lru_tune.ops.scan.pallas_scan`.
      copied: numbers of the array that is copied.
      chunks, ahead: of the sweep.
      seconds: of training to be timed.
    """

    changes: dict[str, Any]
    runtimes: tuple[dict[str, str], ...]
    launch: str
    copied: int
    chunks: tuple[int, ...]
    ahead: tuple[int, ...]
    seconds: float


def whole(seconds: float) -> Setting:
    """Return the setting on a GPU."""
    return Setting(
        changes={},
        runtimes=RUNTIMES,
        launch="mosaic",
        copied=COPIED,
        chunks=CHUNKS,
        ahead=AHEAD,
        seconds=seconds,
    )


def smoke() -> Setting:
    """Return the setting of a smoke test."""
    tiny = {
        "model.d_model": 8,
        "model.d_hidden": 8,
        "model.n_layers": 1,
        "data.batch_size": 2,
        "data.max_length": 16,
    }
    return Setting(
        changes=tiny,
        runtimes=({"runtime.matmul": "device"},),
        launch="interpreted",
        copied=1 << 16,
        chunks=(8,),
        ahead=(2,),
        seconds=0.01,
    )


def configuration(column: Column, changes: dict[str, Any]) -> RunConfig:
    """Return the run of a column of Table 9, changed."""
    table = load_table(SIZES)
    (row,) = (row for row in table.rows if row.name == ROW)
    fields = {**table.fields(row, column), **changes}
    return resolve(Heading(column.task, row.variant or ""), fields, lambda path, text: path + text)


def step_rows(columns: Iterable[Column], setting: Setting) -> Iterator[Row]:
    """Measure optimiser steps a second, for each way to compute them."""
    from lru_tune.training.speed import measure

    table = load_table(STEPS)
    (row,) = (row for row in table.rows if row.name == ROW)
    for column in columns:
        published = table.published(row, column)
        for runtime in setting.runtimes:
            config = configuration(column, {**setting.changes, **runtime})
            speed = measure(config, setting.seconds)
            yield {
                "task": column.name,
                "matmul": config.runtime.matmul,
                "states": config.runtime.states,
                "device": speed.device,
                "steps_per_second": speed.steps_per_second,
                "published_a100": published.mean if published else None,
                "compile_seconds": speed.compile_seconds,
                "memory_bytes": speed.memory,
                "problem": speed.problem,
            }


def peer_rows(
    columns: Iterable[Column], setting: Setting, peer: Path | None, rounds: int
) -> Iterator[Row]:
    """Compare whole steps with minimal-LRU's, which reads one document, one way, with a whole GLU."""
    from benchmarks.shapes import Shape
    from benchmarks.train_step import compare
    from lru_tune.tasks import find_task

    for column in columns:
        config, task = configuration(column, setting.changes), find_task(column.task)
        if task.documents:
            continue
        shape = Shape(
            column.name,
            column.task,
            min(task.max_length, config.data.max_length or task.max_length),
            config.model.d_model,
            config.model.d_hidden,
            config.model.n_layers,
            config.data.batch_size,
        )
        yield compare(shape, peer, rounds, setting.seconds, "auto")


def copy_bandwidth(numbers: int) -> float:
    """Return the bytes a second of reading and writing an array of float32."""
    import jax
    import jax.numpy as jnp

    from lru_tune.ops.autotune.measure import seconds

    array = jnp.zeros(numbers, jnp.float32)
    copy = jax.jit(lambda x: x + 1)  # a bare copy would be elided
    jax.block_until_ready(copy(array))
    return 8 * numbers / seconds(lambda: copy(array))


def timed(name: str, size: Any, passes: dict[str, Callable[..., Any]], bandwidth: float) -> Row:
    """Return seconds of both passes of a scan and their share of the bandwidth; or why there are none.

    The share counts the least traffic there is: 2 drives forward, 3 backward.
    """
    import jax
    import jax.numpy as jnp

    from lru_tune.ops.autotune.measure import FAILURES, seconds

    drive = jnp.ones((size.length, size.batch, 2 * size.n), jnp.float32)
    decay = jnp.full(2 * size.n, 0.5)
    row: Row = {"scan": name, **size._asdict()}
    for direction, drives in (("forward", 2), ("backward", 3)):
        call = jax.jit(partial(passes[direction], reverse=False))
        arguments = (decay, *[drive] * (drives - 1))
        try:
            jax.block_until_ready(call(*arguments))
            took = seconds(partial(call, *arguments))
        except FAILURES as error:
            return row | {"problem": (str(error).splitlines() or [type(error).__name__])[0]}
        row[f"{direction}_ms"] = 1e3 * took
        row[f"{direction}_share"] = drives * drive.nbytes / took / bandwidth
    return row


def sizes(columns: Iterable[Column], setting: Setting) -> list[Any]:
    """Return the sizes of these columns' scans, each once."""
    from lru_tune.training.programs.resolve_auto import scan_size

    return list(dict.fromkeys(scan_size(configuration(c, setting.changes)) for c in columns))


def pallas_passes(setting: Setting, **options: Any) -> dict[str, Callable[..., Any]]:
    """Return both passes of the Pallas kernels."""
    from lru_tune.ops.scan import pallas_scan as kernels

    launch = getattr(kernels, setting.launch)
    return {
        "forward": partial(kernels.pallas_scan, launch=launch, **options),
        "backward": partial(kernels.pallas_adjoint, launch=launch, **options),
    }


def scan_rows(columns: Iterable[Column], setting: Setting) -> Iterator[Row]:
    """Measure every scan's share of the bandwidth."""
    from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS

    bandwidth = copy_bandwidth(setting.copied)
    for size in sizes(columns, setting):
        for name in SCANS:
            backend = SCAN_BACKENDS[name]
            passes = {"forward": backend.forward, "backward": backend.backward}
            if name == "pallas":
                passes = pallas_passes(setting)
            yield timed(name, size, passes, bandwidth) | {"copy_gb_s": bandwidth / 1e9}


def sweep_rows(columns: Iterable[Column], setting: Setting) -> Iterator[Row]:
    """Measure the Pallas kernels for every chunk and every number of rows read ahead."""
    from lru_tune.ops.scan.pallas_scan import Tiling, tiling

    bandwidth = copy_bandwidth(setting.copied)
    for size in sizes(columns, setting):
        for chunk in setting.chunks:
            for ahead in setting.ahead:
                passes = pallas_passes(setting, cut=Tiling(chunk, ahead))
                row = timed("pallas", size, passes, bandwidth)
                default = tiling(*size) == Tiling(chunk, ahead)
                yield {"chunk": chunk, "ahead": ahead, "default": default, **row}


def kept(name: str, rows: Iterable[Row], keep: bool) -> None:
    """Print rows as they come, and write them; all get the columns of all."""
    made = []
    for row in rows:
        print(report.line(row), flush=True)
        made.append(row)
    columns = dict.fromkeys(key for row in made for key in row)
    if keep and made:
        print(report.write(name, [{key: row.get(key) for key in columns} for row in made]))


def main() -> None:
    """Measure what was asked for."""
    names = [column.name for column in load_table(SIZES).columns]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument("--tasks", nargs="+", default=names, choices=names)
    parser.add_argument("--seconds", type=float, default=10.0, help="of training, a measurement")
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison with the peer")
    parser.add_argument("--smoke", action="store_true", help="tiny shapes on any device")
    arguments = parser.parse_args()
    prepare_process(cpus=os.cpu_count() or 1, gpus=None)
    import jax

    device = jax.default_backend()
    if device != "gpu" and not arguments.smoke:
        sys.exit(
            f"error: JAX finds no GPU here, only {device!r}. Install its build for your CUDA, such as "
            "pip install -U 'jax[cuda13]', or try the script itself with --smoke"
        )
    setting = smoke() if arguments.smoke else whole(arguments.seconds)
    columns = [column for column in load_table(SIZES).columns if column.name in arguments.tasks]
    keep = not arguments.smoke
    kept("gpu_scan", scan_rows(columns, setting), keep)
    kept("gpu_sweep", sweep_rows(columns, setting), keep)
    kept("gpu_steps", step_rows(columns, setting), keep)
    kept("gpu_peer", peer_rows(columns, setting, arguments.peer, arguments.rounds), keep)


if __name__ == "__main__":
    main()
