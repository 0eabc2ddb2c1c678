"""Seconds from the start of a process to the loss of its first optimiser step, beside minimal-LRU.

    python -m benchmarks.first_step [--peer PATH/TO/minimal-LRU] [--shapes copy-48 smnist] [--rounds 2]

Each figure is that of a fresh process with the environment of a trial: `cold` begins with an empty cache of
compiled programs, as the first run on a machine, `new` with the C++ library alone, as the first run of its
shape, `warm` with what `cold` left. minimal-LRU, which keeps no such cache, starts with
the same environment without it; its imports are those of its model and its step, not of its data loaders.
The clock starts before the interpreter and stops when the loss is on the host; `cpu` is the processor's
seconds of the whole process, which other work disturbs less.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report
from benchmarks.shapes import SHAPES
from lru_tune.system.worker_environment import (
    prepare_process,
    training_environment,
    worker_environment,
)

CACHE = "JAX_COMPILATION_CACHE_DIR"
NATIVE = "native"  # its folder for what is compiled from C++
OURS = ("cold", "new", "warm")  # in the order in which they are taken


class Marks(NamedTuple):
    """When a process reached what, in the machine's monotonic seconds.

    Attributes:
      imported: JAX, and all that the step needs.
      initialised: the parameters are on the device.
      stepped: the first loss is on the host.
    """

    imported: float
    initialised: float
    stepped: float


def ours(shape_name: str, _peer: str) -> Marks:
    """Take one step of lru-tune, as a run does."""
    prepare_process(cpus=os.cpu_count() or 1, gpus=None)
    import jax
    import numpy as np

    from lru_tune.config.compile_key import compile_key
    from lru_tune.training.hyperparameters import hyperparameters
    from lru_tune.training.programs.compiled import programs, start_compiling
    from lru_tune.training.programs.resolve_auto import resolve_auto
    from lru_tune.training.state import Batches

    imported = time.monotonic()
    shape = SHAPES[shape_name]
    config = resolve_auto(shape.config())
    made = programs(compile_key(config), 2 * shape.batch_size)
    hyper = hyperparameters(config)
    inputs, targets = shape.example_batch()
    lengths = np.full(shape.batch_size, shape.length, np.int32)
    data = Batches(*(jax.device_put(part) for part in (inputs, targets, lengths)))
    order = jax.device_put(np.arange(shape.batch_size, dtype=np.int32)[None])
    compiling = start_compiling(made, hyper, data, shape.batch_size)
    state = jax.block_until_ready(made.init(hyper))
    initialised = time.monotonic()
    compiling.join()
    state = made.train(state, hyper, data, order, np.int32(0), np.int32(1))
    float(state.sums.loss)
    return Marks(imported, initialised, time.monotonic())


def peer(shape_name: str, folder: str) -> Marks:
    """Take one step of minimal-LRU, its own initialisation before it."""
    from benchmarks.peer import PeerStep, load_peer

    load_peer(Path(folder))
    imported = time.monotonic()
    program = PeerStep(Path(folder), SHAPES[shape_name])
    initialised = time.monotonic()
    program.run(1)
    return Marks(imported, initialised, time.monotonic())


PROGRAMS: dict[str, Callable[[str, str], Marks]] = {**dict.fromkeys(OURS, ours), "peer": peer}


def start(name: str, shape: str, folder: Path | None, cache: str) -> dict[str, float]:
    """Run one program in a fresh process; return the seconds to each of its marks."""
    environment = training_environment(cpus=os.cpu_count() or 1, gpus=None) | {CACHE: cache}
    if name == "peer":
        environment = {k: v for k, v in environment.items() if "CACHE" not in k}
    inherited = {k: v for k, v in os.environ.items() if k != CACHE}
    command = [sys.executable, "-m", "benchmarks.first_step", "--child", name, shape, str(folder)]
    begun, cpu = time.monotonic(), _children_seconds()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=inherited | worker_environment() | environment,
    )
    marks = Marks(*json.loads(done.stdout.splitlines()[-1]))
    return {
        "import": marks.imported - begun,
        "init": marks.initialised - marks.imported,
        "first": marks.stepped - marks.initialised,
        "total": marks.stepped - begun,
        "cpu": _children_seconds() - cpu,
    }


def _children_seconds() -> float:
    """Return the processor's seconds of all processes that were started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(shape: str, folder: Path | None, rounds: int) -> dict[str, Any]:
    """Return the row of one shape: medians of seconds, and ratios taken round by round."""
    names = OURS if folder is None else (*OURS, "peer")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as new:
            for name in names:
                if name == "new" and Path(cache, NATIVE).is_dir():
                    shutil.copytree(Path(cache, NATIVE), Path(new, NATIVE))
                found[name].append(start(name, shape, folder, new if name == "new" else cache))
    row: dict[str, Any] = {"shape": shape, "rounds": rounds}
    for name, starts in found.items():
        for part in starts[0]:
            row[f"{name}_{part}_seconds"] = report.quartiles([s[part] for s in starts])["median"]
    if folder is not None:
        for name in OURS:
            pairs = list(zip(found["peer"], found[name], strict=True))
            for column, part in (("speedup", "total"), ("cpu_speedup", "cpu")):
                values = report.quartiles([theirs[part] / own[part] for theirs, own in pairs])
                row |= {f"{name}_{column}_{kind}": value for kind, value in values.items()}
    return row


def main() -> None:
    """Measure the chosen shapes and write benchmarks/results/first_step.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="a checkout of minimal-LRU")
    parser.add_argument(
        "--shapes", nargs="+", default=["copy-48", "smnist", "listops"], choices=SHAPES
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--name", default="first_step", help="of the result file")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, shape, folder = arguments.child
        print(json.dumps(PROGRAMS[name](shape, folder)))
        return
    rows = []
    for shape in arguments.shapes:
        rows.append(compare(shape, arguments.peer, arguments.rounds))
        print(report.line(rows[-1]), flush=True)
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
