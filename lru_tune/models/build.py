"""From a configuration to a pair of pure functions; nothing outside this folder sees flax."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from lru_tune.config.schema import DenseRecurrence, ModelConfig
from lru_tune.models.block import Block
from lru_tune.models.network import Network
from lru_tune.models.recurrence import LRU, DenseRNN, States
from lru_tune.models.traced import Traced
from lru_tune.ops.native.block import BlockEngine, Keep
from lru_tune.ops.online_scan import OnlineSums
from lru_tune.tasks import Task, Tokens

Params = dict[str, Any]


class Model(NamedTuple):
    """A network as pure functions.

    Attributes:
      init: key, Traced -> {"params": ..., "batch_stats": ...}; the latter is missing under layer norm.
      train: variables, inputs, lengths, Traced, dropout key -> logits, new batch_stats.
      predict: variables, inputs, lengths -> logits, with running averages and no dropout.
      slow_params: names of the leaves that take the recurrence's learning rate and no weight decay.
    """

    init: Callable[[Array, Traced], Params]
    train: Callable[[Params, Array, Array, Traced, Array], tuple[Array, Params]]
    predict: Callable[[Params, Array, Array], Array]
    slow_params: frozenset[str]


def build_model(
    config: ModelConfig,
    task: Task,
    scan: str = "auto",
    online: OnlineSums | None = None,
    states: States = "kept",
    groups: int = 1,
    block: BlockEngine = "jax",
) -> Model:
    """Build the network of a configuration.

    Only the fields of `config` that are not marked `Traced` in its schema are read, but for whether
    dropout is zero.

    Args:
      config: sizes and choices.
      task: inputs and outputs.
      scan: back end of the linear scan.
      online: as in `LRU`.
      states: as in `LRU`.
      groups: as in `Block`, in training; it divides the batch, documents counted one by one.
      block: `native` for blocks of C++, which compute again what groups would compute again, or the states
        alone, and so have no use for groups.
    """
    saving = groups > 1 or states == "recomputed"
    keep: Keep = "entering" if saving else "values"
    groups = 1 if block == "native" else groups

    def network(
        mode: Literal["train", "eval"], traced: Traced, n_layers: int = config.n_layers
    ) -> Network:
        def make_block(layer: int) -> nn.Module:
            # Where only the last steps are predicted, the last block's other steps are never read, unless
            # its norm takes statistics of them.
            cut = layer == config.n_layers - 1 and config.norm_position == "pre"
            last = task.scored_steps if cut and task.head == "per_step" else None
            return Block(
                recurrence=_recurrence(config, traced, scan, last, online, states),
                norm=config.norm,
                norm_position=config.norm_position,
                norm_momentum=config.norm_momentum,
                glu=config.glu,
                dropout=traced.dropout,
                has_dropout=config.dropout > 0.0,
                mode=mode,
                native=keep if block == "native" else None,
                name=f"block_{layer}",
            )

        return Network(
            task=task,
            d_model=config.d_model,
            n_layers=n_layers,
            make_block=make_block,
            encoder=config.encoder,
            pooling=config.pooling,
            groups=groups if mode == "train" else 1,
        )

    # The values play no part once the parameters exist and nothing is dropped.
    settled = Traced(r_min=0.0, r_max=1.0, max_phase=1.0, dropout=0.0)

    def init(key: Array, traced: Traced) -> Params:
        features = () if isinstance(task.inputs, Tokens) else (task.inputs.width,)
        inputs = jnp.zeros((1, *task.documents, task.max_length, *features), jnp.uint8)
        lengths = jnp.full((1, *task.documents), task.max_length)

        def draw(layer_key: Array) -> Params:
            return dict(network("eval", traced, n_layers=1).init(layer_key, inputs, lengths))

        # Drawn in a loop, the layers, which differ in their numbers alone, are traced and compiled once.
        drawn = lax.map(draw, jax.random.split(key, config.n_layers))
        return {name: _with_blocks(tree, config.n_layers) for name, tree in drawn.items()}

    def train(
        variables: Params, inputs: Array, lengths: Array, traced: Traced, key: Array
    ) -> tuple[Array, Params]:
        logits, updates = network("train", traced).apply(
            variables, inputs, lengths, mutable=["batch_stats"], rngs={"dropout": key}
        )
        return logits, updates.get("batch_stats", {})

    def predict(variables: Params, inputs: Array, lengths: Array) -> Array:
        return cast(Array, network("eval", settled).apply(variables, inputs, lengths))

    return Model(init, train, predict, _recurrence(config, settled).slow_params)


def _with_blocks(drawn: Params, n_layers: int) -> Params:
    """Give each layer its own block of what was drawn once a layer; the rest is taken from the first."""

    def take(tree: Params, layer: int) -> Params:
        return jax.tree.map(lambda leaf: leaf[layer], tree)

    rest = {name: take(tree, 0) for name, tree in drawn.items() if name != "block_0"}
    return rest | {f"block_{i}": take(drawn["block_0"], i) for i in range(n_layers)}


def _recurrence(
    config: ModelConfig,
    traced: Traced,
    scan: str = "auto",
    last: int | None = None,
    online: OnlineSums | None = None,
    states: States = "kept",
) -> LRU | DenseRNN:
    if isinstance(config.recurrence, DenseRecurrence):
        return DenseRNN(
            d_hidden=config.d_hidden,
            d_model=config.d_model,
            activation=config.recurrence.activation,
            bidirectional=config.bidirectional,
            layout="time_major",
            last=last,
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
        scan=scan,
        online=online,
        states=states,
        layout="time_major",
        last=last,
        parent=None,
    )
