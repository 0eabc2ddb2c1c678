"""Rules between the fields of a run. They take plain values, so that the schema can call them.

Every `check_` function raises `Invalid` where its rule is broken.
"""

from lru_tune.errors import Invalid
from lru_tune.tasks import Task


def check_ring(r_min: float, r_max: float) -> None:
    """Check the moduli of the ring in which eigenvalues are initialised."""
    if r_min > r_max:
        raise Invalid("config.ring-reversed", r_min=r_min, r_max=r_max)


def check_length(steps: int | None, epochs: float | None) -> None:
    """Check that exactly one of the two is set."""
    if steps is not None and epochs is not None:
        raise Invalid("config.length-given-twice")
    if steps is None and epochs is None:
        raise Invalid("config.length-missing")


def check_task(task: Task, pooling: str, max_length: int | None) -> None:
    """Check that a network with this pooling predicts what the task asks for, on sequences of this length."""
    per_step = task.head == "per_step"
    if per_step != (pooling == "none"):
        expected = "none" if per_step else "mean or last"
        raise Invalid("config.pooling-unfit", task=task.name, expected=expected, given=pooling)
    if per_step and max_length is not None:
        raise Invalid("config.max-length-unfit", task=task.name)


def check_rtrl(*, variant: str, kind: str, bidirectional: bool, states: str, norm: str) -> None:
    """Check that real-time recurrent learning is exact; `kind` is that of the recurrence."""
    if kind != "diagonal":
        raise Invalid("config.rtrl-dense", variant=variant)
    if bidirectional:
        raise Invalid("config.rtrl-bidirectional")
    if states != "kept":
        raise Invalid("config.rtrl-states")
    if norm != "layer":
        raise Invalid("config.rtrl-batch-norm")


def unsupported_by_native_block(
    *, kind: str, bidirectional: bool, norm: str, algorithm: str, scan: str, matmul: str
) -> str | None:
    """Return the first setting that the residual block in C++ does not support, None if it supports all."""
    unsupported = {
        "a dense recurrence": kind != "diagonal",
        "model.bidirectional: true": bidirectional,
        f"model.norm: {norm}": norm != "batch",
        f"optim.algorithm: {algorithm}": algorithm != "bptt",
        f"runtime.scan: {scan}": scan not in ("auto", "native"),
        f"runtime.matmul: {matmul}": matmul not in ("device", "f32"),
    }
    return next((setting for setting, is_set in unsupported.items() if is_set), None)
