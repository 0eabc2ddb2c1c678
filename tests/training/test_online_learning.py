"""`optim.algorithm` reaches the compiled programs, and learns."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.compile_key import compile_key
from lru_tune.config.schema import DataConfig, DiagonalRecurrence, RunConfig
from lru_tune.data.batches import take_examples
from lru_tune.data.store import open_task
from lru_tune.files.run_directory import VAL_ACCURACY
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.loop import train
from lru_tune.training.programs.compiled import programs
from lru_tune.training.state import Batches

# float32, relative to a leaf's largest gradient: two orders of the same sums of a thousand products.
TOLERANCE = 1e-4


def online(config: RunConfig, sums: str | None, **model) -> RunConfig:
    fields = config.model_dump()
    fields["model"] |= {"norm": "layer", "dropout": 0.0} | model
    if sums is not None:
        fields["optim"]["algorithm"] = "rtrl"
        fields["runtime"]["rtrl_sums"] = sums
    return RunConfig.model_validate(fields)


def gradients(config: RunConfig, root):
    program, hyper = programs(compile_key(config), 16), hyperparameters(config)
    examples = take_examples(open_task("copy", root).split("train"), None)
    data = Batches(*(jnp.asarray(np.asarray(part)) for part in examples))
    return program.gradients(program.init(hyper), hyper, data, jnp.arange(16))[1]


def error(ours, exact) -> float:
    """Return the largest difference of any leaf over that leaf's largest entry."""
    differences = jax.tree.map(
        lambda a, b: jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)), ours, exact
    )
    return float(max(jax.tree.leaves(differences)))


@pytest.mark.slow
def test_the_compiled_gradient_is_the_chosen_algorithms(config, twins):
    through_time, traces, adjoint = (
        gradients(online(config, sums), twins) for sums in (None, "traces", "adjoint")
    )
    assert error(traces, adjoint) < TOLERANCE
    upper, lower = "block_1", "block_0"
    assert error(traces[upper]["recurrence"], through_time[upper]["recurrence"]) < TOLERANCE
    assert error(traces["head"], through_time["head"]) < TOLERANCE
    assert error(traces[lower]["recurrence"], through_time[lower]["recurrence"]) > 0.01


@pytest.mark.slow
def test_two_layers_learn_to_copy_online(config, twins, tmp_path):
    ring = DiagonalRecurrence(r_min=0.9, r_max=1.0).model_dump()
    config = online(config, "traces", d_model=32, d_hidden=48, recurrence=ring).model_copy(
        update={"steps": 200, "eval_every": 100, "data": DataConfig(batch_size=32)}
    )
    optim = config.optim.model_copy(update={"learning_rate": 8e-3})
    config = config.model_copy(update={"optim": optim})
    reports = list(train(config, data_root=twins, run_dir=tmp_path))
    # Guessing gives a half; without any memory of the pattern nothing better is possible.
    assert reports[-1].metrics[VAL_ACCURACY] > 0.75
