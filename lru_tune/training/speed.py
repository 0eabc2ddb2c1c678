"""How fast a configuration trains on this device; needs no prepared data.

`python -m lru_tune.training.speed` reads a RunConfig from stdin and writes a Speed to stdout, both as JSON.
It is a process of its own, so that the caller need not load JAX and survives a program that is killed for
memory.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lru_tune.config.schema import RunConfig
from lru_tune.files.paths import PACKAGE
from lru_tune.system.worker_environment import prepare_process, worker_environment
from lru_tune.tasks import Channels, Task, find_task

MEMINFO = Path("/proc/meminfo")
DISPATCHES = 3  # timed calls, of which the median is taken
SECONDS = 10.0  # of training to be timed, about
MOST_SECONDS = 600.0  # for one configuration, compilation included


@dataclass(frozen=True)
class Speed:
    """The speed of a configuration.

    Attributes:
      steps_per_second: optimiser steps, without evaluation; None if nothing could be measured.
      compile_seconds: until the program was ready; short if it was cached.
      memory: bytes that the program needs beside its arguments.
      device: as `lru_tune.system.provenance.device_name` has it.
      problem: why nothing was measured; "" otherwise.
    """

    steps_per_second: float | None
    compile_seconds: float
    memory: int
    device: str
    problem: str = ""


def measure_speeds(
    configs: Iterable[RunConfig],
    *,
    cpus: float,
    seconds: float = SECONDS,
    most_seconds: float = MOST_SECONDS,
) -> Iterator[Speed]:
    """Measure configurations one after the other, each in a process of its own.

    Args:
      configs: the runs; lengths need not be resolved.
      cpus: cores that the process may use, if it trains on the CPU.
      seconds: of training to be timed.
      most_seconds: for one configuration, compilation included; then its process is killed.
    """
    for config in configs:
        order = {"config": config.model_dump(mode="json"), "cpus": cpus, "seconds": seconds}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "lru_tune.training.speed"],
                input=json.dumps(order),
                capture_output=True,
                text=True,
                timeout=most_seconds,
                env=os.environ | worker_environment() | {"PYTHONPATH": _search_path()},
                check=False,
            )
        except subprocess.TimeoutExpired:
            yield _unmeasured(f"no result within {most_seconds:.0f} s")
            continue
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            yield _unmeasured(f"the process ended with {done.returncode}: {last}")
            continue
        yield Speed(**json.loads(done.stdout.splitlines()[-1]))


def _search_path() -> str:
    """Return a PYTHONPATH with this package on it, which a checkout need not have installed."""
    return os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))


def _unmeasured(problem: str) -> Speed:
    return Speed(None, 0.0, 0, "", problem)


def measure(config: RunConfig, seconds: float) -> Speed:
    """Time the training program of a configuration on random examples, in this process."""
    import jax
    import jax.numpy as jnp

    from lru_tune.system.provenance import device_name
    from lru_tune.training.hyperparameters import hyperparameters
    from lru_tune.training.programs.compiled import programs_of
    from lru_tune.training.state import Batches

    batch = config.data.batch_size
    config = config.model_copy(update={"steps": 1000, "epochs": None, "eval_every": 100})
    programs = programs_of(config)
    hyper = hyperparameters(config)
    state = jax.eval_shape(programs.init, hyper)
    examples = _random_examples(find_task(config.task), 2 * batch, config.data.max_length)
    shapes: Any = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in examples]
    order = np.arange(2 * batch, dtype=np.int32).reshape(2, batch)[np.arange(100) % 2]
    begun = time.perf_counter()
    compiled = programs.train.prepare(
        state,
        hyper,
        Batches(*shapes),
        jax.ShapeDtypeStruct(order.shape, order.dtype),
        *_whole(0, 1),
    )
    compile_seconds = time.perf_counter() - begun
    analysis: Any = compiled.memory_analysis()  # typed as optional
    memory = analysis.temp_size_in_bytes + analysis.output_size_in_bytes
    device = device_name()
    room = free_memory(jax.devices()[0])
    if room is not None and memory > room:
        problem = f"needs {memory / 1e9:.1f} GB, {room / 1e9:.1f} GB are free"
        return Speed(None, compile_seconds, memory, device, problem)
    data = Batches(*(jnp.asarray(array) for array in examples))
    order_on_device = jnp.asarray(order)
    current = programs.init(hyper)

    def run(count: int) -> float:
        nonlocal current
        start = time.perf_counter()
        current = compiled(current, hyper, data, order_on_device, *_whole(0, count))
        jax.block_until_ready(current)
        return time.perf_counter() - start

    return Speed(pace(run, seconds, most=len(order)), compile_seconds, memory, device)


def pace(run: Callable[[int], float], seconds: float, *, most: int) -> float:
    """Return steps per second: the median of DISPATCHES calls, or of one step if that takes long enough.

    Args:
      run: takes a number of steps and returns the seconds they took.
      seconds: of all timed calls together, about.
      most: steps of the longest call.
    """
    once = run(1)
    if once < seconds:  # the first call also maps memory
        once = run(1)
    if once >= seconds:
        return 1 / once
    count = max(1, min(most, round(seconds / DISPATCHES / once)))
    return statistics.median(count / run(count) for _ in range(DISPATCHES))


def _whole(first: int, count: int) -> tuple[np.int32, np.int32]:
    return np.int32(first), np.int32(count)


def _random_examples(
    task: Task, count: int, max_length: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs, targets and lengths of the shapes and types a prepared task has."""
    rng = np.random.default_rng(0)
    length = min(max_length or task.max_length, task.max_length)
    if isinstance(task.inputs, Channels):
        shape: tuple[int, ...] = (count, length, task.inputs.width)
        highest = int(task.inputs.scale)
    else:
        shape, highest = (count, *task.documents, length), task.inputs.width - 1
    outputs = (task.scored_steps, task.num_outputs) if task.head == "per_step" else ()
    return (
        rng.integers(0, highest, shape, np.uint8, endpoint=True),
        rng.integers(0, task.num_classes, (count, *outputs)).astype(np.uint8),
        np.full((count, *task.documents), length, np.int32),
    )


def free_memory(device: object) -> int | None:
    """Return the bytes of memory a program may use, None if the device does not report them."""
    stats = device.memory_stats()  # type: ignore[attr-defined]
    if stats:
        return int(stats["bytes_limit"] - stats["bytes_in_use"])
    if not MEMINFO.is_file():
        return None
    lines = MEMINFO.read_text().splitlines()
    found = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return int(found["MemAvailable"].split()[0]) * 1024


def main() -> None:
    """Measure the configuration on stdin and print its Speed, both as JSON."""
    order = json.loads(sys.stdin.read())
    prepare_process(cpus=order["cpus"], gpus=None)
    config = RunConfig.model_validate(order["config"])
    print(json.dumps(dataclasses.asdict(measure(config, order["seconds"]))))


if __name__ == "__main__":
    main()
