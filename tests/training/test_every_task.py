"""Every task's outputs, first loss and gradients, through the programs a run is made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.compile_key import compile_key
from lru_tune.config.schema import DataConfig, ModelConfig, RunConfig
from lru_tune.models.build import build_model
from lru_tune.ops.states import ComputeMethod
from lru_tune.tasks import TASKS, Task, Tokens
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.programs.compiled import programs
from lru_tune.training.state import Batches
from lru_tune.training.steps import cross_entropy

BATCH = 8
SHORT = 256  # steps that the fast test reads of longer sequences
FAST = (
    "copy",
    "listops",
    "aan",
)  # one of each kind of head; CI tries the others in its second call
# In nats: logits of variance 1, as a LeCun head draws them from features of variance 1, add up to 1/2.
FROM_GUESSING = 0.5


def random_batch(task: Task, length: int) -> Batches:
    """Random inputs of a task's shape and range, true lengths where it has padding, every class alike."""
    rng = np.random.default_rng(0)
    if isinstance(task.inputs, Tokens):
        shape: tuple[int, ...] = (BATCH, *task.documents, length)
        inputs = rng.integers(1, task.inputs.width, shape)
        lengths = rng.integers(1, length + 1, shape[:-1])
        inputs = np.where(np.arange(length) < lengths[..., None], inputs, 0)
    else:
        inputs = rng.integers(0, int(task.inputs.scale) + 1, (BATCH, length, task.inputs.width))
        lengths = np.full(BATCH, length)
    outputs = (task.scored_steps, task.num_outputs) if task.head == "per_step" else ()
    targets = rng.permutation(np.arange(BATCH * int(np.prod(outputs))) % task.num_classes)
    return Batches(
        jnp.asarray(inputs, jnp.uint8),
        jnp.asarray(targets.reshape(BATCH, *outputs), jnp.uint8),
        jnp.asarray(lengths, jnp.int32),
    )


def examine(name: str, length: int, n_layers: int, scan: str) -> None:
    task = TASKS[name]
    config = RunConfig(
        task=name,
        steps=10,
        model=ModelConfig(
            n_layers=n_layers,
            d_model=16,
            d_hidden=16,
            dropout=0.1,
            pooling="none" if task.head == "per_step" else "mean",
            bidirectional=name in ("pathfinder", "pathx"),
        ),
        data=DataConfig(batch_size=BATCH),
        runtime={"scan": scan},
    )
    program, hyper = programs(compile_key(config), BATCH), hyperparameters(config)
    state, batch = program.init(hyper), random_batch(task, length)
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    predict = jax.jit(build_model(config.model, task, ComputeMethod(scan=scan)).predict)
    logits = predict(variables, batch.inputs, batch.lengths)
    per_step = task.head == "per_step"
    predictions = (task.scored_steps, BATCH, task.num_outputs) if per_step else (BATCH,)
    assert logits.shape == (*predictions, task.num_classes)
    assert jnp.all(jnp.isfinite(logits))
    guessing = np.log(task.num_classes)
    targets = batch.targets.swapaxes(0, 1) if per_step else batch.targets
    evaluated = jnp.mean(cross_entropy(logits, targets)[0])
    assert float(evaluated) == pytest.approx(guessing, abs=FROM_GUESSING)
    loss, gradients = program.gradients(state, hyper, batch, jnp.arange(BATCH))
    assert float(loss) == pytest.approx(guessing, abs=FROM_GUESSING)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradients):
        assert jnp.all(jnp.isfinite(leaf)), path
        assert jnp.any(leaf != 0), path


@pytest.mark.parametrize(
    "task",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in TASKS],
)
def test_outputs_and_gradients_are_finite_and_the_first_loss_is_that_of_guessing(task):
    examine(task, min(SHORT, TASKS[task].max_length), n_layers=1, scan="sequential")


@pytest.mark.slow
@pytest.mark.parametrize("task", [task for task in TASKS if TASKS[task].max_length > SHORT])
def test_the_same_holds_at_full_length(task):
    examine(task, TASKS[task].max_length, n_layers=2, scan="auto")
