"""The configuration of one run: typed, frozen, with every default.

Fields marked `Traced` may differ between two trials without a new compilation; any other field changes the
compiled program. The string below a field is its description in docs/fields.md and in `lru-tune fields`.
"""

import hashlib
import json
import math
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lru_tune.config.cross_checks import (
    check_length,
    check_ring,
    check_rtrl,
    check_task,
    unsupported_by_native_block,
)
from lru_tune.errors import ConfigError, Invalid
from lru_tune.tasks import find_task


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic would read true as 1
        raise Invalid("config.wrong-type", expected="a number", given=str(value).lower())
    return value


Number = Annotated[float, BeforeValidator(_not_a_boolean)]
Whole = Annotated[int, BeforeValidator(_not_a_boolean)]
Fraction = Annotated[Number, Field(ge=0.0, le=1.0)]
Positive = Annotated[Number, Field(gt=0.0)]
NonNegative = Annotated[Number, Field(ge=0.0)]
Count = Annotated[Whole, Field(gt=0)]

Value = TypeVar("Value")
TRACED = "traced"  # mark of a field that compiled programs take as an argument, or do not depend on
Traced = Annotated[Value, TRACED]


class Strict(BaseModel):
    """A frozen model; unknown keys and non-finite numbers are errors."""

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
    """Parametrisation of the eigenvalues lambda; set by `variant`."""
    r_min: Traced[Fraction] = 0.0
    """Smallest modulus of lambda at initialisation."""
    r_max: Traced[Fraction] = 1.0
    """Largest modulus of lambda at initialisation."""
    max_phase: Traced[Annotated[Number, Field(gt=0.0, le=math.tau)]] = math.tau
    """Largest phase of lambda at initialisation, in radians."""
    input_normalization: Literal["gamma", "none"] = "gamma"
    """`gamma` scales the input by a learnt factor; set by `variant`."""

    @model_validator(mode="after")
    def _ring_is_ordered(self) -> "DiagonalRecurrence":
        check_ring(self.r_min, self.r_max)
        return self


class DenseRecurrence(Strict):
    """A dense real recurrence, x_k = activation(A x_{k-1} + B u_k)."""

    kind: Literal["dense"] = "dense"
    """Set by `variant`."""
    activation: Literal["linear", "tanh", "relu"] = "linear"
    """Activation of the state at every step; set by `variant`."""


Recurrence = Annotated[DiagonalRecurrence | DenseRecurrence, Field(discriminator="kind")]


class ModelConfig(Strict):
    """Encoder, residual blocks and head. In the paper, d_model is H and d_hidden is N."""

    n_layers: Count = 4
    """Residual blocks, each with one recurrence."""
    d_model: Count = 128
    """H, the width of the residual stream."""
    d_hidden: Count = 128
    """N, the size of the recurrent state."""
    recurrence: Recurrence = DiagonalRecurrence()
    """The recurrence of every block."""
    bidirectional: bool = False
    """Read every sequence in both directions."""
    norm: Literal["batch", "layer"] = "batch"
    """Normalisation of every block."""
    norm_position: Literal["pre", "post"] = "pre"
    """Normalise before the recurrence, or after the residual sum."""
    norm_momentum: Annotated[Number, Field(gt=0.0, lt=1.0)] = 0.95
    """Momentum of the running averages of batch norm; the default is S5's, as the LRU paper gives none."""
    glu: Literal["full", "half"] = "full"
    """Gated linear unit after the recurrence: with two matrices, or with one for the gate only."""
    dropout: Traced[Annotated[Number, Field(ge=0.0, lt=1.0)]] = 0.0
    """Dropout rate. A change between zero and any other value needs a new compilation."""
    encoder: Literal["onehot", "embedding"] = "onehot"
    """Encoding of tokens; ignored by tasks without tokens."""
    pooling: Literal["mean", "last", "none"] = "mean"
    """Predict from the mean of all steps, from the last step, or at each step (`none`)."""


class OptimConfig(Strict):
    """AdamW. The parameters of the recurrence are the slow group: a scaled learning rate, no weight decay.

    `algorithm` selects the gradient: backpropagation through time (`bptt`), or real-time recurrent learning
    (`rtrl`), which is exact for each layer given the errors above it at the same step (Zucchet et al. 2023)
    and needs a diagonal, one-directional recurrence and layer norm. With `pooling: mean` or `last` the errors
    are known only at the end of the sequence, so the learning is not online.
    """

    algorithm: Literal["bptt", "rtrl"] = "bptt"
    """Backpropagation through time, or real-time recurrent learning."""
    learning_rate: Traced[Positive] = 1e-3
    """Peak learning rate of the fast group, reached at the end of the warm-up."""
    recurrent_lr_factor: Traced[NonNegative] = 0.5
    """Learning rate of the slow group, as a multiple of `learning_rate`."""
    weight_decay: Traced[NonNegative] = 0.05
    """Weight decay of the fast group."""
    schedule: Traced[Literal["cosine", "constant"]] = "cosine"
    """Schedule of the learning rate after the warm-up."""
    warmup_fraction: Traced[Fraction] = 0.1
    """Fraction of all steps in which the learning rate rises."""
    lr_min: Traced[NonNegative] = 1e-7
    """Learning rate at the start of the warm-up and at the end of the cosine."""
    b1: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.9
    """Adam: decay of the mean of gradients."""
    b2: Annotated[Number, Field(ge=0.0, lt=1.0)] = 0.999
    """Adam: decay of the mean of squared gradients."""
    eps: Positive = 1e-8
    """Adam: added to the root of the mean square."""
    max_grad_norm: Traced[NonNegative] = 0.0
    """Clip gradients to this global norm; 0 turns clipping off."""


class DataConfig(Strict):
    """Which examples to read, and the batch size."""

    batch_size: Count = 32
    """Examples per optimiser step."""
    train_examples: Count | None = None
    """Read only this many examples of the training split, from its beginning; default: all."""
    val_examples: Count | None = None
    """The same for the validation split."""
    test_examples: Count | None = None
    """The same for the test split."""
    max_length: Count | None = None
    """Keep only this many steps of each sequence, from its beginning; default: all."""

    def reads(self) -> dict[str, int]:
        """Return split -> most examples to read, without the splits that are read whole."""
        limits: dict[str, int | None] = {
            "train": self.train_examples,
            "val": self.val_examples,
            "test": self.test_examples,
        }
        return {split: limit for split, limit in limits.items() if limit is not None}


class RuntimeConfig(Strict):
    """How the run is computed. Changes speed, memory and rounding, not the model."""

    scan: Literal["auto", "sequential", "associative", "chunked", "native", "pallas"] = "auto"
    """How the scan is computed; `native` is C++; `pallas` is experimental and has not run on a GPU yet."""
    block: Literal["auto", "jax", "native"] = "auto"
    """A residual block in JAX operations, or in one C++ function; `auto` takes C++ where it is faster."""
    states: Literal["kept", "recomputed"] = "kept"
    """Keep all states for the backward pass, or recompute them chunk by chunk."""
    matmul: Literal["device", "f32", "tf32", "bf16"] = "device"
    """Precision of matrix products; `device` is JAX's default: f32 on a CPU, TF32 on a GPU."""
    rtrl_sums: Literal["traces", "adjoint"] = "traces"
    """How `rtrl` sums over time: forwards with traces, or backwards, which is faster and gives equal sums."""
    memory: Literal["auto", "plain", "grouped"] = "auto"
    """`grouped` recomputes a batch part by part in a fifth of the memory; `auto` does so where needed."""
    steps_per_dispatch: Count = 50
    """Largest number of optimiser steps in one call of a compiled program."""
    eval_batch_size: Count | None = None
    """Batch size of evaluations; default: twice the training batch."""

    @property
    def names_native(self) -> bool:
        """Whether the user asked for C++ by name."""
        return "native" in (self.block, self.scan)


class Length(NamedTuple):
    """Length of a run: `steps` optimiser steps, with a report every `eval_every` of them."""

    steps: int
    eval_every: int


class RunConfig(Strict):
    """The complete configuration of one training run."""

    task: str
    """Name or alias of the task; at the top of a file, outside of `base`."""
    variant: str = "lru"
    """Name of the recurrence; at the top of a file, outside of `base`."""
    seed: Traced[Annotated[Whole, Field(ge=0, lt=2**31)]] = 0
    """Random seed of initialisation, dropout and the order of examples."""
    model: ModelConfig = ModelConfig()
    """The network."""
    optim: OptimConfig = OptimConfig()
    """The optimiser."""
    data: DataConfig = DataConfig()
    """The data."""
    runtime: RuntimeConfig = RuntimeConfig()
    """The back ends."""
    steps: Traced[Count | None] = None
    """Length of the run in optimiser steps; give this or `epochs`."""
    epochs: Traced[Positive | None] = None
    """Length of the run in epochs; give this or `steps`."""
    eval_every: Traced[Count | None] = None
    """Optimiser steps between two reports; default: a twentieth of the run."""

    @model_validator(mode="after")
    def _cross_checks(self) -> "RunConfig":
        model, runtime = self.model, self.runtime
        check_length(self.steps, self.epochs)
        check_task(find_task(self.task), model.pooling, self.data.max_length)
        if self.optim.algorithm == "rtrl":
            check_rtrl(
                variant=self.variant,
                kind=model.recurrence.kind,
                bidirectional=model.bidirectional,
                states=runtime.states,
                norm=model.norm,
            )
        if runtime.block == "native" and (setting := self.unsupported_by_native_block()):
            raise Invalid("config.native-block-unfit", setting=setting)
        return self

    def unsupported_by_native_block(self) -> str | None:
        """Return the first setting that the C++ block does not support, None if it supports all."""
        return unsupported_by_native_block(
            kind=self.model.recurrence.kind,
            bidirectional=self.model.bidirectional,
            norm=self.model.norm,
            algorithm=self.optim.algorithm,
            scan=self.runtime.scan,
            matmul=self.runtime.matmul,
        )

    def steps_per_epoch(self, train_examples: int) -> int:
        """Return the whole batches in a training split of this many examples.

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
        """Return the length of the run in steps, given the size of the training split.

        Raises:
          ConfigError: the training split is smaller than one batch.
        """
        per_epoch = self.steps_per_epoch(train_examples)
        steps = self.steps or max(1, round((self.epochs or 0.0) * per_epoch))
        return Length(steps, min(self.eval_every or max(1, steps // 20), steps))

    def with_length(self, train_examples: int) -> "RunConfig":
        """Return the configuration with `steps` and `eval_every` set to `length`, and without `epochs`."""
        steps, eval_every = self.length(train_examples)
        return self.model_copy(update={"steps": steps, "epochs": None, "eval_every": eval_every})

    def fingerprint(self) -> str:
        """Return a hash of twelve hexadecimal digits, equal for equal configurations."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
