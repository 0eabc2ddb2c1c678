"""What one run is: frozen, typed, with every default visible here.

The fields that may differ between two trials without a new compilation are marked `Traced`; the
others change the compiled program. The text below a field is its description in docs/fields.md, which
`lru-tune fields` prints.
"""

import hashlib
import json
import math
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lru_tune.errors import ConfigError, Invalid
from lru_tune.tasks import find_task


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise Invalid("config.wrong-type", expected="a number", given=str(value).lower())
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
Whole = Annotated[int, BeforeValidator(_no_truth_value)]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Positive = Annotated[Number, Field(gt=0.0)]
NonNegative = Annotated[Number, Field(ge=0.0)]
Count = Annotated[Whole, Field(gt=0)]

Value = TypeVar("Value")
TRACED = "traced"  # mark of a field whose value enters the compiled programs as an argument, or not at all
Traced = Annotated[Value, TRACED]


class Strict(BaseModel):
    """Frozen; unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class DiagonalRecurrence(Strict):
    """A diagonal complex linear recurrence, x_k = lambda x_{k-1} + gamma B u_k."""

    kind: Literal["diagonal"] = "diagonal"
    """Set by `variant`."""
    eigenvalues: Literal["cartesian", "exp", "stable_exp", "stable_exp_log_phase"] = (
        "stable_exp_log_phase"
    )
    """How lambda is written in parameters; set by `variant`."""
    r_min: Traced[Fraction] = 0.0
    """Smallest modulus of lambda at initialisation."""
    r_max: Traced[Fraction] = 1.0
    """Largest modulus of lambda at initialisation."""
    max_phase: Traced[Annotated[Number, Field(gt=0.0, le=math.tau)]] = math.tau
    """Largest phase of lambda at initialisation, in radians."""
    input_normalization: Literal["gamma", "none"] = "gamma"
    """Whether the input is scaled by a learnt gamma; set by `variant`."""

    @model_validator(mode="after")
    def _ring_is_ordered(self) -> "DiagonalRecurrence":
        if self.r_min > self.r_max:
            raise Invalid("config.ring-reversed", r_min=self.r_min, r_max=self.r_max)
        return self


class DenseRecurrence(Strict):
    """A dense real recurrence, x_k = activation(A x_{k-1} + B u_k)."""

    kind: Literal["dense"] = "dense"
    """Set by `variant`."""
    activation: Literal["linear", "tanh", "relu"] = "linear"
    """What the state goes through at every step; set by `variant`."""


Recurrence = Annotated[DiagonalRecurrence | DenseRecurrence, Field(discriminator="kind")]


class ModelConfig(Strict):
    """Encoder, residual blocks and head; letters as in the paper: H = d_model, N = d_hidden."""

    n_layers: Count = 4
    """Residual blocks, each with one recurrence."""
    d_model: Count = 128
    """H, the width of what flows between the blocks."""
    d_hidden: Count = 128
    """N, the width of the recurrence's state."""
    recurrence: Recurrence = DiagonalRecurrence()
    """The recurrence of every block."""
    bidirectional: bool = False
    """Read every sequence from both ends."""
    norm: Literal["batch", "layer"] = "batch"
    """Normalisation of every block."""
    norm_position: Literal["pre", "post"] = "pre"
    """Before the recurrence, or after the block's sum."""
    norm_momentum: Annotated[Number, Field(gt=0.0, lt=1.0)] = 0.95
    """Of batch norm's running averages; S5's, as the LRU paper does not say."""
    glu: Literal["full", "half"] = "full"
    """Gated linear unit after the recurrence: two matrices, or one for the gate alone."""
    dropout: Traced[Annotated[Number, Field(ge=0.0, lt=1.0)]] = 0.0
    """Share of units set to zero in training. From zero to another value is a new compilation."""
    encoder: Literal["onehot", "embedding"] = "onehot"
    """How tokens enter the network; tasks without tokens do not read it."""
    pooling: Literal["mean", "last", "none"] = "mean"
    """What of the steps is predicted from: their mean, the last one, or each (`none`)."""


class OptimConfig(Strict):
    """AdamW with a slow group (the recurrence's own parameters: scaled rate, no decay).

    `algorithm` says whose gradient is taken: `bptt` is backpropagation through time, `rtrl` real-time
    recurrent learning, exact for a layer given the errors above it at the same step (Zucchet et al. 2023). It
    needs a diagonal one-way recurrence and layer norm. It is online as far as the errors are: with
    `pooling: mean` or `last` they are only known at the sequence's end.
    """

    algorithm: Literal["bptt", "rtrl"] = "bptt"
    """Backpropagation through time, or real-time recurrent learning."""
    learning_rate: Traced[Positive] = 1e-3
    """Highest rate of the fast group, reached at the end of the warm-up."""
    recurrent_lr_factor: Traced[NonNegative] = 0.5
    """The slow group's rate is this times the learning rate."""
    weight_decay: Traced[NonNegative] = 0.05
    """Of the fast group only."""
    schedule: Traced[Literal["cosine", "constant"]] = "cosine"
    """Of the learning rate after the warm-up."""
    warmup_fraction: Traced[Fraction] = 0.1
    """Share of all steps in which the rate rises."""
    lr_min: Traced[NonNegative] = 1e-7
    """Rate at which the warm-up starts and the cosine ends."""
    b1: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.9
    """Adam's decay of the mean of gradients."""
    b2: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.999
    """Adam's decay of the mean of squared gradients."""
    eps: Positive = 1e-8
    """Adam's addition to the root of the squares."""
    max_grad_norm: Traced[NonNegative] = 0.0
    """Global norm that gradients are clipped to; 0 is never."""


class DataConfig(Strict):
    """Which examples, and how many at once."""

    batch_size: Count = 32
    """Examples of one optimiser step."""
    train_examples: Count | None = None
    """Read the first so many of the split; left out, all."""
    val_examples: Count | None = None
    """The same of validation."""
    test_examples: Count | None = None
    """The same of test."""
    max_length: Count | None = None
    """Keep the first so many steps of each sequence; left out, all."""

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

    scan: Literal["auto", "sequential", "associative", "chunked", "native", "pallas"] = "auto"
    """How the scan is computed; `native` is C++; `pallas` is experimental and has not run on a GPU yet."""
    block: Literal["auto", "jax", "native"] = "auto"
    """How a residual block is computed: by JAX's operations, or whole in C++; `auto` where that pays."""
    states: Literal["kept", "recomputed"] = "kept"
    """States: in memory for the backward pass, or a chunk at a time and computed twice."""
    matmul: Literal["device", "f32", "tf32", "bf16"] = "device"
    """Rounding of factors in matrix products; `device` is JAX's choice: f32 on a CPU, TF32 on a GPU."""
    rtrl_sums: Literal["traces", "adjoint"] = "traces"
    """Sums over time of `rtrl`: forward as an online learner, or faster from the end."""
    memory: Literal["auto", "plain", "grouped"] = "auto"
    """`grouped`: parts of a batch in turn, computed twice, a fifth of the memory; `auto`: where it must."""
    steps_per_dispatch: Count = 50
    """Most optimiser steps between two returns to Python."""
    eval_batch_size: Count | None = None
    """Examples evaluated at a time; left out, twice the training batch."""

    @property
    def names_native(self) -> bool:
        """Whether C++ is asked for by name."""
        return "native" in (self.block, self.scan)


class Length(NamedTuple):
    """How long a run is: `steps` optimiser steps, a report every `eval_every` of them."""

    steps: int
    eval_every: int


class RunConfig(Strict):
    """One training run, complete."""

    task: str
    """Name or alias; stands at the top of a file, outside of `base`."""
    variant: str = "lru"
    """Named recurrence; stands at the top of a file, outside of `base`."""
    seed: Traced[Annotated[Whole, Field(ge=0, lt=2**31)]] = 0
    """Of initialisation, dropout and the order of examples."""
    model: ModelConfig = ModelConfig()
    """The network."""
    optim: OptimConfig = OptimConfig()
    """The optimiser."""
    data: DataConfig = DataConfig()
    """What is read."""
    runtime: RuntimeConfig = RuntimeConfig()
    """How it is computed."""
    steps: Traced[Count | None] = None
    """Length of the run in optimiser steps; give this or `epochs`."""
    epochs: Traced[Positive | None] = None
    """Length of the run in passes over the training split; give this or `steps`."""
    eval_every: Traced[Count | None] = None
    """Steps between reports; left out, a twentieth of the run."""

    @model_validator(mode="after")
    def _fields_agree(self) -> "RunConfig":
        task = find_task(self.task)
        if self.steps is not None and self.epochs is not None:
            raise Invalid("config.length-given-twice")
        if self.steps is None and self.epochs is None:
            raise Invalid("config.length-missing")
        if (task.head == "per_step") != (self.model.pooling == "none"):
            expected = "none" if task.head == "per_step" else "mean or last"
            raise Invalid(
                "config.pooling-unfit",
                task=task.name,
                expected=expected,
                given=self.model.pooling,
            )
        if task.head == "per_step" and self.data.max_length is not None:
            raise Invalid("config.max-length-unfit", task=task.name)
        return self

    @model_validator(mode="after")
    def _algorithm_fits(self) -> "RunConfig":
        if self.optim.algorithm == "bptt":
            return self
        model = self.model
        if model.recurrence.kind != "diagonal":
            raise Invalid("config.rtrl-dense", variant=self.variant)
        if model.bidirectional:
            raise Invalid("config.rtrl-bidirectional")
        if self.runtime.states != "kept":
            raise Invalid("config.rtrl-states")
        if model.norm != "layer":
            raise Invalid("config.rtrl-batch-norm")
        return self

    @model_validator(mode="after")
    def _block_fits(self) -> "RunConfig":
        misfit = self.native_misfit()
        if self.runtime.block == "native" and misfit is not None:
            raise Invalid("config.native-block-unfit", setting=misfit)
        return self

    def native_misfit(self) -> str | None:
        """Return the first setting, if there is one, that a block in C++ is not made for."""
        model, runtime = self.model, self.runtime
        misfits = {
            "a dense recurrence": model.recurrence.kind != "diagonal",
            "model.bidirectional: true": model.bidirectional,
            f"model.norm: {model.norm}": model.norm != "batch",
            f"optim.algorithm: {self.optim.algorithm}": self.optim.algorithm != "bptt",
            f"runtime.scan: {runtime.scan}": runtime.scan not in ("auto", "native"),
            f"runtime.matmul: {runtime.matmul}": runtime.matmul not in ("device", "f32"),
        }
        return next((setting for setting, is_one in misfits.items() if is_one), None)

    def steps_per_epoch(self, train_examples: int) -> int:
        """Return how many whole batches a training split of this many examples has.

        Raises:
          ConfigError: the training split is smaller than one batch.
        """
        used = min(train_examples, self.data.train_examples or train_examples)
        if used < self.data.batch_size:
            raise ConfigError(
                "config.batch-too-large",
                batch_size=self.data.batch_size,
                examples=used,
                key="data.batch_size",
            )
        return used // self.data.batch_size

    def length(self, train_examples: int) -> Length:
        """Return the run's length in steps, for a training split of this many examples.

        Raises:
          ConfigError: the training split is smaller than one batch.
        """
        per_epoch = self.steps_per_epoch(train_examples)
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
