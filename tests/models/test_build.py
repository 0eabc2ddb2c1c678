from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.schema import DenseRecurrence, DiagonalRecurrence, ModelConfig
from lru_tune.config.variants import VARIANTS
from lru_tune.models.build import build_model
from lru_tune.models.traced_hyperparameters import TracedHyperparameters
from lru_tune.tasks import TASKS

TRACED = TracedHyperparameters(r_min=0.5, r_max=0.99, max_phase=6.28, dropout=0.25)


def recurrence(variant: str):
    fields = VARIANTS[variant]
    return (DenseRecurrence if fields["kind"] == "dense" else DiagonalRecurrence)(**fields)


def config(task: str, **fields) -> ModelConfig:
    pooling = "none" if TASKS[task].head == "per_step" else "mean"
    return ModelConfig(**{"n_layers": 2, "d_model": 8, "d_hidden": 6, "pooling": pooling} | fields)


def few(names: Iterable[str], fast: tuple[str, ...]) -> list:
    """Return names as parameters, those that are not `fast` for the second call of CI."""
    return [name if name in fast else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("task", few(TASKS, ("copy", "listops", "aan")))
def test_every_task_gets_logits_of_its_shape(task, batch):
    model = build_model(config(task), TASKS[task])
    variables = jax.jit(model.init)(jax.random.key(0), TRACED)
    logits = jax.jit(model.predict)(variables, *batch(task))
    entry = TASKS[task]
    if entry.head == "per_step":
        assert logits.shape == (entry.scored_steps, 3, entry.num_outputs, entry.num_classes)
    else:
        assert logits.shape == (3, entry.num_classes)
    assert jnp.all(jnp.isfinite(logits))


@pytest.mark.parametrize("variant", few(VARIANTS, ("rnn-tanh", "lru")))
@pytest.mark.parametrize("bidirectional", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_variant_has_finite_gradients_in_every_parameter(variant, bidirectional, batch):
    chosen = config("copy", recurrence=recurrence(variant), bidirectional=bidirectional)
    model = build_model(chosen, TASKS["copy"])
    variables = jax.jit(model.init)(jax.random.key(0), TRACED)
    inputs, lengths = batch("copy")

    def loss(params):
        logits, _ = model.train(
            variables | {"params": params}, inputs, lengths, TRACED, jax.random.key(1)
        )
        return jnp.sum(logits**2)

    grads = jax.jit(jax.grad(loss))(variables["params"])
    for path, leaf in jax.tree_util.tree_leaves_with_path(grads):
        assert jnp.all(jnp.isfinite(leaf)), path
        assert jnp.any(leaf != 0), path


@pytest.mark.parametrize("variant", VARIANTS)
def test_slow_parameters_are_in_the_model(variant):
    model = build_model(config("copy", recurrence=recurrence(variant)), TASKS["copy"])
    params = jax.eval_shape(model.init, jax.random.key(0), TRACED)["params"]
    assert model.slow_params <= set(params["block_0"]["recurrence"])
    assert not model.slow_params & {"C", "C_re", "C_im", "D"}


@pytest.mark.parametrize("variant", few(VARIANTS, ("rnn-tanh", "lru")))
def test_the_last_block_mixes_only_the_steps_that_are_scored(batch, variant):
    chosen = config("copy", recurrence=recurrence(variant), n_layers=1)
    model, entry = build_model(chosen, TASKS["copy"]), TASKS["copy"]
    variables = jax.eval_shape(model.init, jax.random.key(0), TRACED)
    program = str(jax.make_jaxpr(model.predict)(variables, *batch("copy")))
    assert f"f32[{3 * entry.scored_steps},16]" in program  # the GLU's two halves, 2H wide
    assert f"f32[{3 * entry.max_length},16]" not in program


def test_padding_changes_nothing_beyond_the_batch_statistics(batch):
    """Masked mean and last pooling ignore what lies behind a sequence's end."""
    inputs, _ = batch("listops")
    lengths = jnp.array([10, 500, 2048])
    behind = jnp.arange(inputs.shape[1])[None, :] >= lengths[:, None]
    noisy = jnp.where(behind, (inputs + 3) % 20, inputs).astype(jnp.uint8)
    for pooling in ("mean", "last"):
        model = build_model(config("listops", pooling=pooling), TASKS["listops"])
        variables = jax.jit(model.init)(jax.random.key(0), TRACED)
        predict = jax.jit(model.predict)
        np.testing.assert_allclose(
            predict(variables, inputs, lengths),
            predict(variables, noisy, lengths),
            rtol=1e-5,
            atol=1e-6,
        )


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
@pytest.mark.parametrize("glu", ["full", "half"])
def test_block_choices_build_and_differ(norm, norm_position, glu, batch):
    chosen = config("copy", norm=norm, norm_position=norm_position, glu=glu)
    model = build_model(chosen, TASKS["copy"])
    variables = jax.jit(model.init)(jax.random.key(0), TRACED)
    assert ("batch_stats" in variables) == (norm == "batch")
    width = variables["params"]["block_0"]["glu"]["kernel"].shape[1]
    assert width == {"full": 16, "half": 8}[glu]
    logits, stats = jax.jit(model.train)(variables, *batch("copy"), TRACED, jax.random.key(1))
    assert jnp.all(jnp.isfinite(logits))
    assert bool(stats) == (norm == "batch")


def test_dropout_is_shared_over_time_scaled_and_traced():
    from lru_tune.models.block import Dropout

    run = jax.jit(
        lambda rate: Dropout(rate, "train").apply({}, 200, 50, rngs={"dropout": jax.random.key(0)})
    )
    dropped = run(0.25)
    assert dropped.shape == (1, 200, 50)  # one mask for all steps
    assert float(jnp.mean(dropped == 0)) == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.75, rtol=1e-6)
    assert float(jnp.mean(run(0.5) == 0)) == pytest.approx(0.5, abs=0.02)


def test_the_ring_is_traced():
    model = build_model(config("copy"), TASKS["copy"])
    init = jax.jit(model.init)
    for r_max in (0.6, 0.99):
        params = init(jax.random.key(0), TRACED._replace(r_max=jnp.float32(r_max)))["params"]
        modulus = np.exp(-np.exp(params["block_1"]["recurrence"]["nu_log"]))
        assert modulus.min() >= 0.5 - 1e-6
        assert modulus.max() <= r_max + 1e-6
    assert init._cache_size() == 1


def test_layers_start_from_different_numbers_of_the_same_distributions():
    sizes = ModelConfig(n_layers=3, d_model=16, d_hidden=64)
    model = build_model(sizes, TASKS["listops"])
    ring = TracedHyperparameters(r_min=0.5, r_max=0.8, max_phase=1.0, dropout=0.0)
    params = jax.jit(model.init)(jax.random.key(0), ring)["params"]
    assert params.keys() == {"encoder", "head", "block_0", "block_1", "block_2"}
    layers = [params[f"block_{i}"]["recurrence"] for i in range(3)]
    for layer in layers:
        modulus = np.exp(-np.exp(layer["nu_log"]))
        assert ((modulus >= 0.5) & (modulus <= 0.8)).all()
        # gamma is that of the same eigenvalue, not of another draw
        np.testing.assert_allclose(np.exp(layer["gamma_log"]), np.sqrt(1 - modulus**2), rtol=1e-4)
        assert np.std(layer["B_re"]) == pytest.approx((2 * 16) ** -0.5, rel=0.1)
    for name in layers[0]:
        assert len({np.asarray(layer[name]).tobytes() for layer in layers}) == 3, name
