"""LCBench's learning curves, from YAHPO Gym's surrogate of them (a network in ONNX).

LCBench: Zimmer et al., Auto-PyTorch, 2021. YAHPO Gym: Pfisterer et al., 2022. The folder holds
`config_space.json`, `encoding.json` and `model.onnx`; `pip install onnxruntime` reads the network.
"""

import functools
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search_quality.problems import POOL, Problem, Sample
from lru_tune.space.domains import Domain, LogRandInt, LogUniform, RandInt, Uniform

# The network's inputs, in its order; the first is the report's number.
FIELDS = (
    "batch_size",
    "learning_rate",
    "momentum",
    "weight_decay",
    "num_layers",
    "max_units",
    "max_dropout",
)
VAL_ACCURACY = 1  # column of the network's output
EPOCHS = np.arange(2, 53)  # the first epoch of a curve is the untrained network

# Kept for judging: no choice of a default may look at them.
JUDGING = (
    *("126026", "167104", "167149", "168335", "168868"),
    *("168908", "189354", "189865", "189906", "3945"),
)
KINDS: dict[tuple[str, bool], Callable[[Any, Any], Domain]] = {
    ("uniform_float", False): Uniform,
    ("uniform_float", True): LogUniform,
    ("uniform_int", False): RandInt,
    ("uniform_int", True): LogRandInt,
}


class Surrogate:
    """The network, evaluated in batches on one thread."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._network = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
        encoding = json.loads((folder / "encoding.json").read_text())
        self._codes: dict[str, int] = encoding["OpenML_task_id"]
        space = json.loads((folder / "config_space.json").read_text())["hyperparameters"]
        entries = {entry["name"]: entry for entry in space}
        self.tasks: tuple[str, ...] = tuple(entries["OpenML_task_id"]["choices"])
        self.domains: dict[str, Domain] = {
            name: KINDS[entries[name]["type"], entries[name]["log"]](
                entries[name]["lower"], entries[name]["upper"]
            )
            for name in FIELDS
        }

    def accuracy(self, task: str, epochs: np.ndarray, configurations: np.ndarray) -> np.ndarray:
        """Return validation accuracies in per cent.

        Args:
          task: OpenML's number of it.
          epochs: shape (n,).
          configurations: shape (n, 7), columns as in FIELDS.

        Returns:
          Shape (n,).
        """
        numbers = np.column_stack([epochs, configurations]).astype(np.float32)
        codes = np.full((len(numbers), 1), self._codes[task], np.int32)
        output = self._network.run(None, {"x_cat": codes, "x_cont": numbers})[0]
        return output[:, VAL_ACCURACY].astype(np.float64)

    def curve(self, task: str, sample: Sample) -> np.ndarray:
        """Return a configuration's accuracy at every report, shape (51,)."""
        return self._curve(task, *(float(sample[name]) for name in FIELDS))

    @functools.lru_cache(maxsize=4096)  # noqa: B019  (methods share most of their random proposals)
    def _curve(self, task: str, *row: float) -> np.ndarray:
        return self.accuracy(task, EPOCHS, np.tile(row, (len(EPOCHS), 1)))


def chosen_tasks(asked: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the tasks of a list that may say `tuning`, `judging` or `all`.

    Raises:
      ValueError: a task is not known.
    """
    groups = {
        "tuning": [task for task in known if task not in JUDGING],
        "judging": [task for task in known if task in JUDGING],
        "all": list(known),
    }
    tasks = [task for name in asked for task in groups.get(name, [name])]
    if unknown := [task for task in tasks if task not in known]:
        raise ValueError(f"no such task: {', '.join(unknown)}; known: {', '.join(known)}")
    return list(dict.fromkeys(tasks))


def load_problems(folder: Path, asked: Sequence[str]) -> list[Problem]:
    """Return the problems of some tasks; their pools are computed once and kept in a temporary folder."""
    surrogate = Surrogate(folder)
    pools = _pools(surrogate)
    return [_problem(surrogate, task, pools[task]) for task in chosen_tasks(asked, surrogate.tasks)]


def _problem(surrogate: Surrogate, task: str, pool: np.ndarray) -> Problem:
    first, final = pool
    return Problem(
        name=task,
        domains=surrogate.domains,
        curve=lambda sample: surrogate.curve(task, sample),
        reports=len(EPOCHS),
        best=float(final.max()),
        median=float(np.median(final)),
        chance=float(np.median(first)),
    )


def _pools(surrogate: Surrogate) -> Mapping[str, np.ndarray]:
    """Return task -> accuracies of a random pool at the first and the last epoch, shape (2, POOL)."""
    path = Path(tempfile.gettempdir()) / f"lcbench-pools-{POOL}.npz"
    if not path.is_file():
        rng = np.random.default_rng(0)
        samples = [[d.draw(rng) for d in surrogate.domains.values()] for _ in range(POOL)]
        drawn = np.array(samples, dtype=np.float64)
        pools = {
            task: np.stack(
                [surrogate.accuracy(task, np.full(POOL, at), drawn) for at in (1, EPOCHS[-1])]
            )
            for task in surrogate.tasks
        }
        np.savez(path, **pools)
    with np.load(path) as kept:
        return dict(kept)
