"""From a configuration to a network as pure functions; nothing outside this folder sees flax."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.config.schema import DenseRecurrence, ModelConfig
from lru_tune.models.block import Block
from lru_tune.models.network import Network
from lru_tune.models.recurrence import LRU, DenseRNN
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.ops.states import DEFAULT_METHOD, ComputeMethod
from lru_tune.tasks import Task, Tokens

Params = dict[str, Any]


class Model(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key, hyperparameters -> {"params": ..., "batch_stats": ...}, without the latter under layer norm.
      train: variables, inputs, lengths, hyperparameters, dropout key -> logits, new batch_stats.
      predict: variables, inputs, lengths -> logits, with running averages and without dropout.
      slow_params: names of the leaves that take the recurrence's learning rate and no weight decay.
    """

    init: Callable[[Array, TracedHyperparameters], Params]
    train: Callable[[Params, Array, Array, TracedHyperparameters, Array], tuple[Array, Params]]
    predict: Callable[[Params, Array, Array], Array]
    slow_params: frozenset[str]


def build_model(config: ModelConfig, task: Task, method: ComputeMethod = DEFAULT_METHOD) -> Model:
    """Build the network of a configuration.

    The traced fields of `config` are not read, except for whether dropout is zero.

    Args:
      config: sizes and choices.
      task: inputs and outputs.
      method: how the network is computed.
    """

    def network(
        mode: Literal["train", "eval"],
        traced: TracedHyperparameters,
        n_layers: int = config.n_layers,
    ) -> Network:
        def make_block(layer: int) -> nn.Module:
            # Where only the last steps are predicted, the last block's other steps are never read, unless
            # its norm takes statistics of them.
            cut = layer == config.n_layers - 1 and config.norm_position == "pre"
            return Block(
                recurrence=build_recurrence(config, traced, method),
                norm=config.norm,
                norm_position=config.norm_position,
                norm_momentum=config.norm_momentum,
                glu=config.glu,
                dropout=traced.dropout,
                has_dropout=config.dropout > 0.0,
                mode=mode,
                last=task.scored_steps if cut and task.head == "per_step" else None,
                native=method.native,
                name=f"block_{layer}",
            )

        return Network(
            task=task,
            d_model=config.d_model,
            n_layers=n_layers,
            make_block=make_block,
            encoder=config.encoder,
            pooling=config.pooling,
            groups=method.groups if mode == "train" else 1,
        )

    # The values are not read once the parameters exist and nothing is dropped.
    unused = TracedHyperparameters(r_min=0.0, r_max=1.0, max_phase=1.0, dropout=0.0)

    def init(key: Array, traced: TracedHyperparameters) -> Params:
        features = () if isinstance(task.inputs, Tokens) else (task.inputs.width,)
        inputs = jnp.zeros((1, *task.documents, task.max_length, *features), jnp.uint8)
        lengths = jnp.full((1, *task.documents), task.max_length)

        def draw(layer_key: Array) -> Params:
            return dict(network("eval", traced, n_layers=1).init(layer_key, inputs, lengths))

        # The layers differ in their numbers alone: drawn in a loop, they are traced and compiled once.
        drawn = lax.map(draw, jax.random.split(key, config.n_layers))
        return {name: _with_blocks(tree, config.n_layers) for name, tree in drawn.items()}

    def train(
        variables: Params, inputs: Array, lengths: Array, traced: TracedHyperparameters, key: Array
    ) -> tuple[Array, Params]:
        logits, updates = network("train", traced).apply(
            variables, inputs, lengths, mutable=["batch_stats"], rngs={"dropout": key}
        )
        return logits, updates.get("batch_stats", {})

    def predict(variables: Params, inputs: Array, lengths: Array) -> Array:
        return cast(Array, network("eval", unused).apply(variables, inputs, lengths))

    return Model(init, train, predict, build_recurrence(config, unused, method).slow_params)


def build_recurrence(
    config: ModelConfig, traced: TracedHyperparameters, method: ComputeMethod
) -> LRU | DenseRNN:
    """Return the recurrence of a block, not yet part of any."""
    if isinstance(config.recurrence, DenseRecurrence):
        return DenseRNN(
            d_hidden=config.d_hidden,
            d_model=config.d_model,
            activation=config.recurrence.activation,
            bidirectional=config.bidirectional,
            parent=None,
        )
    return LRU(
        d_hidden=config.d_hidden,
        d_model=config.d_model,
        r_min=traced.r_min,
        r_max=traced.r_max,
        max_phase=traced.max_phase,
        eigenvalues=config.recurrence.eigenvalues,
        input_normalization=config.recurrence.input_normalization,
        bidirectional=config.bidirectional,
        method=method,
        parent=None,
    )


def _with_blocks(drawn: Params, n_layers: int) -> Params:
    """Give each layer its own block of what was drawn once a layer; take the rest from the first."""

    def take(tree: Params, layer: int) -> Params:
        return jax.tree.map(lambda leaf: leaf[layer], tree)

    rest = {name: take(tree, 0) for name, tree in drawn.items() if name != "block_0"}
    return rest | {f"block_{i}": take(drawn["block_0"], i) for i in range(n_layers)}
