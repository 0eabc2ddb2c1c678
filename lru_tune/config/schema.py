"""What one run is: frozen, typed, with every default visible here.

The fields that may differ between two trials without a new compilation are marked `traced`; the
others change the compiled program.
"""

import hashlib
import json
import math
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lru_tune.tasks import find_task


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise ValueError(f"needs a number, got {str(value).lower()}")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
Whole = Annotated[int, BeforeValidator(_no_truth_value)]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Positive = Annotated[Number, Field(gt=0.0)]
NonNegative = Annotated[Number, Field(ge=0.0)]
Count = Annotated[Whole, Field(gt=0)]


class Strict(BaseModel):
    """Frozen; unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


class DiagonalRecurrence(Strict):
    """A diagonal complex linear recurrence, x_k = lambda x_{k-1} + gamma B u_k."""

    kind: Literal["diagonal"] = "diagonal"
    eigenvalues: Literal["cartesian", "exp", "stable_exp", "stable_exp_log_phase"] = (
        "stable_exp_log_phase"
    )
    r_min: Fraction = 0.0  # traced; smallest modulus at initialisation
    r_max: Fraction = 1.0  # traced; largest modulus at initialisation
    max_phase: Annotated[Number, Field(gt=0.0, le=math.tau)] = math.tau  # traced; radians
    input_normalization: Literal["gamma", "none"] = "gamma"

    @model_validator(mode="after")
    def _ring_is_ordered(self) -> "DiagonalRecurrence":
        if self.r_min > self.r_max:
            raise ValueError(f"r_min ({self.r_min:g}) must not be above r_max ({self.r_max:g})")
        return self


class DenseRecurrence(Strict):
    """A dense real recurrence, x_k = activation(A x_{k-1} + B u_k)."""

    kind: Literal["dense"] = "dense"
    activation: Literal["linear", "tanh", "relu"] = "linear"


Recurrence = Annotated[DiagonalRecurrence | DenseRecurrence, Field(discriminator="kind")]


class ModelConfig(Strict):
    """Encoder, residual blocks and head; letters as in the paper: H = d_model, N = d_hidden."""

    n_layers: Count = 4
    d_model: Count = 128
    d_hidden: Count = 128
    recurrence: Recurrence = DiagonalRecurrence()
    bidirectional: bool = False
    norm: Literal["batch", "layer"] = "batch"
    norm_position: Literal["pre", "post"] = "pre"
    # Of batch norm's running averages; S5's, as the paper does not say.
    norm_momentum: Annotated[Number, Field(gt=0.0, lt=1.0)] = 0.95
    glu: Literal["full", "half"] = "full"
    dropout: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.0  # traced, but for "is it zero?"
    encoder: Literal["onehot", "embedding"] = "onehot"  # of token tasks
    pooling: Literal["mean", "last", "none"] = "mean"


class OptimConfig(Strict):
    """AdamW with a slow group (the recurrence's own parameters: scaled rate, no decay).

    `algorithm` says whose gradient is taken: `bptt` is backpropagation through time, `rtrl` real-time
    recurrent learning, exact for a layer given the errors above it at the same step (Zucchet et al. 2023). It
    needs a diagonal one-way recurrence and layer norm. It is online as far as the errors are: with
    `pooling: mean` or `last` they are only known at the sequence's end.
    """

    algorithm: Literal["bptt", "rtrl"] = "bptt"
    learning_rate: Positive = 1e-3  # traced
    recurrent_lr_factor: NonNegative = 0.5  # traced; slow group's rate = factor x learning_rate
    weight_decay: NonNegative = 0.05  # traced; fast group only
    schedule: Literal["cosine", "constant"] = "cosine"  # traced; after the warm-up
    warmup_fraction: Fraction = 0.1  # traced; of all optimiser steps
    lr_min: NonNegative = 1e-7  # traced; where warm-up starts and cosine ends
    b1: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.9
    b2: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.999
    eps: Positive = 1e-8
    max_grad_norm: NonNegative = 0.0  # traced; global norm that gradients are clipped to, 0: never


class DataConfig(Strict):
    """Which examples, and how many at once."""

    batch_size: Count = 32
    train_examples: Count | None = None  # the first so many of the split; None: all
    val_examples: Count | None = None
    test_examples: Count | None = None
    max_length: Count | None = None  # keep the first so many steps of each sequence; None: all

    def reads(self) -> dict[str, int]:
        """Return how many examples of each split are read at most; a split read whole is left out."""
        limits: dict[str, int | None] = {
            "train": self.train_examples,
            "val": self.val_examples,
            "test": self.test_examples,
        }
        return {split: limit for split, limit in limits.items() if limit is not None}


class RuntimeConfig(Strict):
    """How the same numbers are computed; changes speed and rounding, not the model."""

    scan: Literal["auto", "sequential", "associative", "chunked"] = "auto"
    rtrl_sums: Literal["traces", "adjoint"] = "traces"  # over time: forward, or faster from the end
    steps_per_dispatch: Count = 50  # optimiser steps between two returns to Python
    eval_batch_size: Count | None = None  # None: twice the training batch


class Length(NamedTuple):
    """How long a run is: `steps` optimiser steps, a report every `eval_every` of them."""

    steps: int
    eval_every: int


class RunConfig(Strict):
    """One training run, complete."""

    task: str
    variant: str = "lru"
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = 0  # traced
    model: ModelConfig = ModelConfig()
    optim: OptimConfig = OptimConfig()
    data: DataConfig = DataConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    steps: Count | None = None  # traced; optimiser steps, exclusive with `epochs`
    epochs: Positive | None = None  # passes over the training split
    eval_every: Count | None = None  # steps between reports; None: a twentieth of the run

    @model_validator(mode="after")
    def _fields_agree(self) -> "RunConfig":
        task = find_task(self.task)
        if self.steps is not None and self.epochs is not None:
            raise ValueError("`steps` and `epochs` are two ways to say the same; give one of them")
        if self.steps is None and self.epochs is None:
            raise ValueError("the length of the run is missing: give `steps` or `epochs`")
        if (task.head == "per_step") != (self.model.pooling == "none"):
            expected = "none" if task.head == "per_step" else "mean or last"
            raise ValueError(
                f"model.pooling must be {expected} for task {task.name}, got {self.model.pooling}"
            )
        if task.head == "per_step" and self.data.max_length is not None:
            raise ValueError(f"data.max_length would cut off what task {task.name} predicts")
        return self

    @model_validator(mode="after")
    def _algorithm_fits(self) -> "RunConfig":
        if self.optim.algorithm == "bptt":
            return self
        model = self.model
        if model.recurrence.kind != "diagonal":
            raise ValueError(
                f"optim.algorithm rtrl carries one trace a parameter, which only a diagonal recurrence "
                f"allows; variant {self.variant} is dense: choose another variant or bptt"
            )
        if model.bidirectional:
            raise ValueError(
                "optim.algorithm rtrl learns from the past alone; set model.bidirectional: false or bptt"
            )
        if model.norm != "layer":
            raise ValueError(
                "optim.algorithm rtrl needs model.norm: layer; the statistics of batch norm would carry "
                "errors from later steps to earlier ones"
            )
        return self

    def length(self, train_examples: int) -> "Length":
        """Return the run's length in steps, for a training split of this many examples.

        Raises:
          ValueError: the training split is smaller than one batch.
        """
        used = min(train_examples, self.data.train_examples or train_examples)
        per_epoch = used // self.data.batch_size
        if per_epoch == 0:
            raise ValueError(
                f"data.batch_size ({self.data.batch_size}) is larger than the {used} training examples"
            )
        steps = self.steps or max(1, round((self.epochs or 0.0) * per_epoch))
        return Length(steps, min(self.eval_every or max(1, steps // 20), steps))

    def with_length(self, train_examples: int) -> "RunConfig":
        """Return the config with `steps` and `eval_every` filled in, as by `length`."""
        steps, eval_every = self.length(train_examples)
        return self.model_copy(update={"steps": steps, "epochs": None, "eval_every": eval_every})

    def fingerprint(self) -> str:
        """Return twelve hexadecimal digits that two configs share only if they are equal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def flatten(mapping: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested dicts into one dict with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into nested dicts; the inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested
