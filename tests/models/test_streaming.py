"""One time step at a time is the same function as the parallel pass."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.schema import DenseRecurrence, DiagonalRecurrence, ModelConfig
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.models.build import build_model
from lru_tune.models.streaming import build_streaming
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.tasks import TASKS

TIME = 12
TASKS_OF = {
    "per_step": replace(TASKS["copy"], scored_steps=5),
    "tokens": TASKS["listops"],
    "channels": TASKS["scifar"],
}
# Every choice of the model appears in one of them.
NETWORKS = {
    "copy": ("per_step", {"pooling": "none"}),
    "tokens-mean": ("tokens", {"norm": "layer", "norm_position": "post", "glu": "half"}),
    "embedding-last": (
        "tokens",
        {"pooling": "last", "norm_position": "post", "encoder": "embedding"},
    ),
    "channels-mean": ("channels", {"norm": "layer"}),
}


def model_config(variant: str, **fields) -> ModelConfig:
    recurrence = VARIANTS[variant]
    kind = DenseRecurrence if recurrence["kind"] == "dense" else DiagonalRecurrence
    return ModelConfig(n_layers=2, d_model=8, d_hidden=6, recurrence=kind(**recurrence), **fields)


# The choices around the recurrence do not depend on its variant.
@pytest.mark.parametrize(
    ("variant", "name"),
    [
        *((variant, "copy") for variant in VARIANTS),
        *(("lru", name) for name in NETWORKS if name != "copy"),
    ],
)
def test_a_stream_equals_the_parallel_pass_at_every_step(variant, name):
    kind, fields = NETWORKS[name]
    task, config = TASKS_OF[kind], model_config(variant, **fields)
    model, streaming = build_model(config, task), build_streaming(config, task)
    traced = TracedHyperparameters(r_min=0.5, r_max=0.99, max_phase=6.28, dropout=0.0)
    rng = np.random.default_rng(0)
    # Random numbers of the right shapes: an initialisation would be compiled, and have averages of nothing.
    variables = {"batch_stats": {}} | jax.tree.map(
        lambda leaf: np.float32(rng.uniform(0.1, 0.5, leaf.shape)),
        jax.eval_shape(model.init, jax.random.key(0), traced),
    )
    width = () if kind == "tokens" else (task.inputs.width,)
    highest = task.inputs.width - 1 if kind == "tokens" else int(task.inputs.scale)
    inputs = rng.integers(0, highest + 1, (3, TIME, *width)).astype(np.uint8)

    state, step, found = streaming.begin(3), jax.jit(streaming.step), []
    for time in range(TIME):
        state, logits = step(variables, state, inputs[:, time])
        found.append(logits)
    assert int(state.steps) == TIME

    predict = jax.jit(model.predict)
    close = {"rtol": 1e-4, "atol": 1e-5}
    if kind == "per_step":
        expected = predict(variables, inputs, jnp.full(3, TIME))
        np.testing.assert_allclose(jnp.stack(found[-task.scored_steps :]), expected, **close)
    else:
        for length in (1, 5, TIME):  # the rest is padding
            expected = predict(variables, inputs, jnp.full(3, length))
            np.testing.assert_allclose(found[length - 1], expected, **close)


@pytest.mark.parametrize(
    ("task", "fields", "code"),
    [
        ("listops", {"bidirectional": True}, "api.stream-bidirectional"),
        ("aan", {}, "api.stream-match"),
    ],
)
def test_what_cannot_be_streamed_is_refused(task, fields, code):
    with pytest.raises(ConfigError) as refused:
        build_streaming(model_config("lru", **fields), TASKS[task])
    assert refused.value.code == code
