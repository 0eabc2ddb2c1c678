import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lru_tune.config.compile_key import compile_key
from lru_tune.config.dotted import flatten, nest
from lru_tune.config.reference import groups
from lru_tune.config.schema import RunConfig
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import (
    adam_moments,
    apply_adamw,
    clip_factor,
    learning_rate,
    slow_mask,
)


def test_the_schedule_is_optaxs_warm_up_and_cosine(config):
    config = config.model_copy(update={"steps": 1000})
    hyper = hyperparameters(config)
    optim = config.optim
    exact = optax.warmup_cosine_decay_schedule(
        optim.lr_min,
        optim.learning_rate,
        warmup_steps=100,
        decay_steps=1000,
        end_value=optim.lr_min,
    )
    steps = jnp.arange(0, 1001, 7)
    np.testing.assert_allclose(
        jax.vmap(lambda s: learning_rate(s, hyper))(steps),
        jax.vmap(exact)(steps),
        rtol=1e-5,
        atol=1e-9,
    )


def test_without_warm_up_and_cosine_the_rate_is_constant(config):
    optim = config.optim.model_copy(update={"schedule": "constant", "warmup_fraction": 0.0})
    hyper = hyperparameters(config.model_copy(update={"optim": optim}))
    for step in (0, 1, 27):
        assert float(learning_rate(jnp.int32(step), hyper)) == pytest.approx(4e-3)


def test_groups_step_as_optaxs_own_adam_and_adamw(config):
    hyper = hyperparameters(config)
    rng = np.random.default_rng(0)
    params = {
        "lru": {"nu_log": jnp.asarray(rng.normal(size=4)), "C_re": jnp.asarray(rng.normal(size=4))}
    }
    slow = slow_mask(params, frozenset({"nu_log"}))
    adam = adam_moments(0.9, 0.999, 1e-8)
    rate, factor, decay = 1e-2, config.optim.recurrent_lr_factor, config.optim.weight_decay
    reference = optax.multi_transform(
        {True: optax.adam(rate * factor), False: optax.adamw(rate, weight_decay=decay)}, slow
    )
    moments, reference_state, reference_params = adam.init(params), reference.init(params), params
    for _ in range(5):
        grads = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape)), params)
        scaled, moments = adam.update(grads, moments)
        params = apply_adamw(params, scaled, slow, jnp.float32(rate), hyper)
        updates, reference_state = reference.update(grads, reference_state, reference_params)
        reference_params = optax.apply_updates(reference_params, updates)
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-6),
        params,
        reference_params,
    )


def test_a_misspelt_slow_parameter_is_an_error():
    with pytest.raises(ValueError, match="'nu_lgo'"):
        slow_mask({"lru": {"nu_log": jnp.zeros(1)}}, frozenset({"nu_lgo"}))


@pytest.mark.parametrize(
    ("norm", "limit", "factor"), [(2.0, 1.0, 0.5), (0.5, 1.0, 1.0), (9.0, np.inf, 1.0)]
)
def test_clipping(norm, limit, factor):
    assert float(clip_factor(jnp.float32(norm), jnp.float32(limit))) == factor


def test_only_traced_fields_leave_the_program_key_alone(config):
    def key_with(**changes):
        flat = config.model_dump()
        for path, value in changes.items():
            node = flat
            *parents, leaf = path.split("__")
            for parent in parents:
                node = node[parent]
            node[leaf] = value
        return compile_key(type(config).model_validate(flat))

    same = compile_key(config)
    assert same == key_with(
        seed=9,
        steps=77,
        optim__learning_rate=0.5,
        optim__weight_decay=0.0,
        optim__schedule="constant",
        optim__max_grad_norm=1.0,
        model__dropout=0.3,
        model__recurrence__r_max=0.7,
        data__train_examples=100,
    )
    assert same != key_with(model__dropout=0.0)
    assert same != key_with(model__n_layers=3)
    assert same != key_with(data__batch_size=8)
    assert same != key_with(model__recurrence__input_normalization="none")
    assert same != key_with(optim__b1=0.5)
    assert same != key_with(optim__algorithm="rtrl", model__norm="layer")


# Of fields that are marked as traced: two values, neither of which a default.
OTHER_VALUES = {
    "seed": (3, 4),
    "steps": (70, 80),
    "model.dropout": (0.1, 0.2),
    "model.recurrence.max_phase": (1.0, 2.0),
    "model.recurrence.r_max": (0.98, 0.99),
    "optim.schedule": ("cosine", "constant"),
}


@pytest.mark.parametrize(
    "path",
    [
        entry.path
        for group in groups(RunConfig)
        for entry in group.entries
        # These are read by the loop, outside of programs.
        if entry.traced and entry.path not in ("epochs", "eval_every")
    ],
)
def test_every_field_marked_as_traced_is_an_argument_of_programs(path, config):
    def leaves(value):
        changed = RunConfig.model_validate(nest(flatten(config.model_dump()) | {path: value}))
        return jax.tree.leaves(hyperparameters(changed))

    here, there = OTHER_VALUES.get(path, (0.25, 0.35))
    assert leaves(here) != leaves(there)
