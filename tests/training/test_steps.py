"""The compiled programs against plain, uncompiled arithmetic."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.compile_key import compile_key
from lru_tune.config.schema import DataConfig, ModelConfig, OptimConfig, RunConfig, RuntimeConfig
from lru_tune.data.batches import epoch_order, take_examples
from lru_tune.data.store import open_task
from lru_tune.models.build import build_model
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, ScanBackend
from lru_tune.ops.scan.pallas_scan import Tiling, interpreted, pallas_adjoint, pallas_scan
from lru_tune.tasks import find_task
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import adam_moments, apply_adamw, learning_rate, slow_mask
from lru_tune.training.programs.compiled import programs, programs_of
from lru_tune.training.state import Batches
from lru_tune.training.steps import batch_loss, cross_entropy


def tiny(
    task: str, scan: str = "sequential", dropout: float = 0.1, block: str = "jax"
) -> RunConfig:
    pooling = "none" if find_task(task).head == "per_step" else "mean"
    return RunConfig(
        task=task,
        steps=40,
        eval_every=10,
        model=ModelConfig(n_layers=2, d_model=8, d_hidden=6, dropout=dropout, pooling=pooling),
        optim=OptimConfig(learning_rate=1e-2),
        data=DataConfig(batch_size=8),
        runtime={"block": block, "scan": scan},
    )


def on_device(task: str, root, split: str = "train") -> Batches:
    examples = take_examples(open_task(task, root).split(split), None)
    return Batches(*(jnp.asarray(np.asarray(part)) for part in examples))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["copy", "listops"])
def test_the_dispatch_equals_a_plain_loop_of_steps(task, twins):
    config = tiny(task)
    hyper, data = hyperparameters(config), on_device(task, twins)
    order = jnp.asarray(epoch_order(0, 0, data.targets.shape[0], 8))
    program = programs(compile_key(config), 16)
    state = program.init(hyper)
    after = program.train(program.init(hyper), hyper, data, order, jnp.int32(2), jnp.int32(5))

    model, adam = build_model(config.model, find_task(task)), adam_moments(0.9, 0.999, 1e-8)
    slow = slow_mask(state.params, model.slow_params)
    gradients = jax.jit(
        jax.value_and_grad(
            lambda params, state, batch: batch_loss(model, params, state, hyper, batch),
            has_aux=True,
        )
    )
    for i in range(2, 7):
        batch = jax.tree.map(lambda x, i=i: x[order[i]], data)
        (_, (_, stats)), grads = gradients(state.params, state, batch)
        scaled, moments = adam.update(grads, state.moments)
        rate = learning_rate(state.step, hyper)
        state = state._replace(
            params=apply_adamw(state.params, scaled, slow, rate, hyper),
            batch_stats=stats,
            moments=moments,
            step=state.step + 1,
        )
    assert int(after.step) == 5
    # Five Adam steps amplify the rounding of differently fused programs: 1e-3 of a step of 1e-2.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-3),
        after.params,
        state.params,
    )


def trained(config: RunConfig, twins) -> dict:
    """Return the parameters after five steps."""
    data = on_device(config.task, twins)
    order = jnp.asarray(epoch_order(0, 0, data.targets.shape[0], 8))
    hyper, program = hyperparameters(config), programs(compile_key(config), 16)
    state = program.init(hyper)
    return program.train(state, hyper, data, order, jnp.int32(0), jnp.int32(5)).params


def assert_trains_like_sequential(config: RunConfig, twins):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-3),
        trained(config, twins),
        trained(tiny("listops"), twins),
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", [name for name in SCAN_BACKENDS if name != "sequential"])
def test_scan_back_ends_train_to_the_same_parameters(backend, twins):
    assert_trains_like_sequential(tiny("listops", backend), twins)


@pytest.mark.slow
@pytest.mark.usefixtures("native")
def test_native_blocks_train_to_the_same_parameters(twins):
    assert_trains_like_sequential(tiny("listops", "native", block="native"), twins)


@pytest.mark.slow
def test_the_gpus_kernels_interpreted_train_to_the_same_parameters(twins, monkeypatch):
    kernels = {"cut": Tiling(128, 2), "launch": interpreted}
    on_a_cpu = ScanBackend(partial(pallas_scan, **kernels), partial(pallas_adjoint, **kernels))
    monkeypatch.setitem(SCAN_BACKENDS, "pallas", on_a_cpu)
    assert_trains_like_sequential(tiny("listops", "pallas"), twins)


@pytest.mark.slow
def test_a_batch_in_groups_trains_to_the_same_parameters(twins):
    both = [
        trained(tiny("listops").model_copy(update={"runtime": RuntimeConfig(memory=memory)}), twins)
        for memory in ("plain", "grouped")
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-3), *both)


@pytest.fixture
def lenient(monkeypatch) -> None:
    """Let a CPU's process lower the kernels of a GPU."""
    anywhere = SCAN_BACKENDS["pallas"]._replace(require=lambda: None)
    monkeypatch.setitem(SCAN_BACKENDS, "pallas", anywhere)


def lowered_for_cuda(config: RunConfig, length: int) -> str:
    """Return the training program of one batch as a GPU's compiler would get it."""
    hyper, program = hyperparameters(config), programs(compile_key(config), 16)
    inputs, targets = jnp.zeros((8, length), jnp.uint8), jnp.zeros(8, jnp.uint8)
    data, order = Batches(inputs, targets, jnp.full(8, length)), jnp.zeros((1, 8), jnp.int32)
    state = jax.eval_shape(program.init, hyper)
    traced = program.train.jitted.trace(state, hyper, data, order, jnp.int32(0), jnp.int32(1))
    return traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.slow
@pytest.mark.usefixtures("lenient")
def test_a_whole_program_with_the_gpus_kernels_is_lowered_for_cuda():
    config = tiny("listops", "pallas")
    text = lowered_for_cuda(config, 2048)
    # Two layers, two directions, and two kernels each as there are several chunks.
    assert text.count("custom_call @mosaic_gpu") == 8


@pytest.mark.slow
@pytest.mark.parametrize("task", ["copy", "listops"])
def test_recomputed_states_train_to_the_same_parameters(task, twins):
    both = [
        trained(tiny(task).model_copy(update={"runtime": RuntimeConfig(states=states)}), twins)
        for states in ("kept", "recomputed")
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-3), *both)


@pytest.fixture(scope="module")
def in_one_batch(twins):
    """A function that evaluates an untrained network on 20 examples of a task in one batch.

    It returns the network's variables, the examples, and loss and correctness of every prediction.
    """

    @cache
    def evaluated(task):
        config = tiny(task)
        data = jax.tree.map(lambda part: part[:20], on_device(task, twins, "val"))
        model = build_model(config.model, find_task(task))
        variables = jax.jit(model.init)(jax.random.key(0), hyperparameters(config).model)
        logits = jax.jit(model.predict)(variables, data.inputs, data.lengths)
        targets = data.targets.swapaxes(0, 1) if data.targets.ndim == 3 else data.targets
        return variables, data, cross_entropy(logits, targets)

    return evaluated


@pytest.mark.parametrize(
    # Batches with a rest, for both layouts of targets, and one batch that is larger than the data.
    ("task", "eval_batch_size"),
    [("copy", 7), ("listops", 7), ("listops", 1000)],
)
def test_evaluation_counts_every_example_once(task, eval_batch_size, in_one_batch):
    variables, data, (losses, correct) = in_one_batch(task)
    evaluate = programs(compile_key(tiny(task)), eval_batch_size).evaluate
    sums = evaluate(variables["params"], variables["batch_stats"], data)
    assert float(sums.predictions) == losses.size
    assert float(sums.correct) == int(correct.sum())
    assert float(sums.loss) == pytest.approx(float(losses.sum()), rel=1e-4)


def test_learning_rates_rings_and_seeds_share_one_compilation(config, twins):
    data = on_device("copy", twins)
    order = jnp.asarray(epoch_order(0, 0, data.targets.shape[0], config.data.batch_size))
    configs = [
        config.model_copy(
            update={"seed": i, "steps": 30 + i, "optim": OptimConfig(learning_rate=1e-3 * (i + 1))}
        )
        for i in range(3)
    ]
    program = programs_of(configs[0])
    assert all(programs_of(other) is program for other in configs)
    before = len(program.train._ready)
    results = []
    for config in configs:
        hyper = hyperparameters(config)
        state = program.init(hyper)
        state = program.train(state, hyper, data, order, jnp.int32(0), jnp.int32(3))
        results.append(np.asarray(state.params["head"]["kernel"]))
    assert len(program.train._ready) - before <= 1
    assert not np.allclose(results[0], results[1])
