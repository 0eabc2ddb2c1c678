"""What the audit says of this program is what the program does."""

import math
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep.pipeline.recipe import carved
from lru_tune.config.dotted import flatten, nest
from lru_tune.config.schema import RunConfig
from lru_tune.data.batches import epoch_order
from lru_tune.errors import ConfigError
from lru_tune.models.block import Block, Dropout
from lru_tune.models.build import build_model
from lru_tune.models.network import masked_mean
from lru_tune.models.recurrence import LRU, DenseRNN
from lru_tune.paper.audit import audit_lines, load_audit
from lru_tune.paper.tables import kind_of, load_table
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import TASKS
from lru_tune.training import steps
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.optimizer import learning_rate

SIZES = load_table(9)
PAPER_TASKS = [column.task for column in SIZES.columns]


@cache
def recipe(task):
    """The fields of the LRU's recipe on a task, dotted."""
    config = SearchSpace.load(task).realise({})
    for column in SIZES.columns:
        if column.task == task:
            fields = SIZES.fields(SIZES.rows[0], column)
            config = RunConfig.model_validate(nest(flatten(config.model_dump()) | fields))
    return flatten(config.model_dump())


def attribute(task, path):
    found = TASKS[task]
    for name in path.split("."):
        found = getattr(found, name)
    return list(found) if isinstance(found, tuple) else found


def small_config(**fields):
    flat = {"task": "listops", "steps": 100, "model.recurrence.kind": "diagonal"} | fields
    return RunConfig.model_validate(nest(flat))


def rates(steps):
    hyper = hyperparameters(small_config(**{"optim.learning_rate": 1e-3, "optim.lr_min": 1e-7}))
    return [float(learning_rate(jnp.int32(step), hyper)) for step in steps]


def a_tenth_is_carved():
    assert carved(50_000) == (45_000, 5_000)
    assert carved(25_000) == (22_500, 2_500)


def short_batches_are_dropped():
    first, second = (epoch_order(seed, 0, 103, 10) for seed in (1, 2))
    assert first.shape == (10, 10)
    assert len(np.unique(first)) == 100
    assert not np.array_equal(first, second)


def rows_share_their_sizes():
    for table in map(load_table, (6, 7, 8)):
        for row in table.rows:
            if row.variant and kind_of(row) == "dense":
                for column in table.columns:
                    ours = table.fields(row, column)
                    assert ours.items() <= table.fields(load_table(8).rows[3], column).items()


def padding_is_not_pooled():
    x = jnp.arange(12.0).reshape(3, 2, 2)
    longer = jnp.concatenate([x, jnp.full((4, 2, 2), 99.0)])
    lengths = jnp.asarray([3, 2])
    assert np.array_equal(masked_mean(x, lengths), masked_mean(longer, lengths))


def padding_is_normalised():
    settings = {"norm": "batch", "norm_position": "pre", "norm_momentum": 0.5, "glu": "half"}
    block = Block(DenseRNN(2, 2), **settings, dropout=0.0, has_dropout=False, mode="train")
    x = jax.random.normal(jax.random.key(0), (7, 3, 2)) + 4.0
    variables = jax.jit(block.init)(jax.random.key(1), x)
    _, updates = jax.jit(partial(block.apply, mutable=["batch_stats"]))(variables, x)
    running = updates["batch_stats"]["norm"]["mean"]
    np.testing.assert_allclose(running, 0.5 * x.mean((0, 1)), rtol=1e-5)  # of every step


def dropout_is_constant_in_time():
    mask = Dropout(0.5, "train").apply({}, 5, 16, rngs={"dropout": jax.random.key(0)})
    assert mask.shape == (1, 5, 16)  # one step, for all
    assert not np.array_equal(mask[:, 0], mask[:, 1])


def rings_are_those_of_table_8():
    table = load_table(8)
    (row,) = (row for row in table.rows if row.name == "LRU")
    for column in table.columns:
        fields = recipe(column.task)
        ring = fields["model.recurrence.r_min"], fields["model.recurrence.r_max"]
        assert ring == row.rings[column.name]


def the_slow_group():
    slow = build_model(small_config().model, TASKS["listops"]).slow_params
    assert slow == {"nu_log", "theta_log", "gamma_log", "B_re", "B_im"}


def scales_of_b_and_c():
    layer = LRU(d_hidden=256, d_model=512)
    params = jax.jit(layer.init)(jax.random.key(0), jnp.zeros((1, 1, 512)))["params"]
    for name, scale in {"B": 1 / math.sqrt(2 * 512), "C": 1 / math.sqrt(256)}.items():
        for part in ("re", "im"):
            assert float(jnp.std(params[f"{name}_{part}"])) == pytest.approx(scale, rel=0.02)


def rate_of_scifar():
    table = load_table(7)
    grids = {
        kind_of(row): table.learning_rates(row, table.columns[0])
        for row in table.rows
        if row.variant
    }
    assert grids == {"diagonal": (0.004,), "dense": (0.001, 0.002, 0.004)}


def grids_of_three():
    table = load_table(8)
    for row in table.rows:
        for column in table.columns[1:]:
            assert row.variant is None or len(table.learning_rates(row, column)) == 3


def the_warmup_starts_low():
    assert rates([0, 5, 10]) == pytest.approx([1e-7, 5e-4, 1e-3], rel=1e-3)


def the_cosine_spans_the_rest():
    assert rates([10, 55, 100]) == pytest.approx([1e-3, 5e-4, 1e-7], rel=1e-3)


def lengths_are_in_steps():
    assert all(recipe(task)["steps"] and not recipe(task)["epochs"] for task in PAPER_TASKS)


def examples_count_alike():
    guess = jnp.zeros((5, 10)).at[4, 1].set(1.0)
    data = steps.Batches(guess, jnp.asarray([0, 0, 0, 0, 1]), jnp.ones(5, jnp.int32))
    model = build_model(small_config().model, TASKS["listops"])
    model = model._replace(predict=lambda variables, inputs, lengths: inputs)
    sums = steps.evaluate(model, 4, {}, {}, data)
    assert (float(sums.correct), float(sums.predictions)) == (5, 5)


CHECKS = {
    check.__name__: check
    for check in (
        a_tenth_is_carved,
        short_batches_are_dropped,
        rows_share_their_sizes,
        padding_is_not_pooled,
        padding_is_normalised,
        dropout_is_constant_in_time,
        rings_are_those_of_table_8,
        the_slow_group,
        scales_of_b_and_c,
        rate_of_scifar,
        grids_of_three,
        the_warmup_starts_low,
        the_cosine_spans_the_rest,
        lengths_are_in_steps,
        examples_count_alike,
    )
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_code_does_what_the_audit_says(name):
    CHECKS[name]()


def test_every_check_is_named_by_a_difference_and_the_other_way_round():
    assert {difference.check for difference in load_audit()} - {None} == CHECKS.keys()


@pytest.mark.parametrize("task", TASKS)
def test_recipes_hold_the_values_the_audit_speaks_of(task):
    fields = recipe(task)
    said = [difference for difference in load_audit() if difference.concerns([task])]
    values = {path: value for difference in said for path, value in difference.config.items()}
    assert values == {path: fields[path] for path in values}
    assert len(values) > (10 if task in PAPER_TASKS else 7)


def test_the_catalogue_holds_the_values_the_audit_speaks_of():
    for difference in load_audit():
        for task in difference.tasks or TASKS:
            found = {path: attribute(task, path) for path in difference.catalogue}
            assert found == difference.catalogue, (difference.topic, task)


def test_no_task_is_told_two_values_of_one_field():
    for task in TASKS:
        said = [d.config for d in load_audit() if not d.tasks or task in d.tasks]
        paths = [path for config in said for path in config]
        assert len(paths) == len(set(paths))


def test_every_task_is_in_the_catalogue_and_every_source_is_named():
    for difference in load_audit():
        assert set(difference.tasks) <= TASKS.keys()
        assert any(name in difference.source for name in ("paper", "minimal-LRU", "github", "/"))


def test_lines_show_what_concerns_a_task_alone(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    everything, of_aan = audit_lines([]), audit_lines(["retrieval"])
    text = " ".join(" ".join(of_aan).split())
    assert "head for two" in text
    assert "Pathfinder" not in text
    assert "order of training" in text
    assert len(of_aan) < len(everything)
    assert all(len(line) <= 120 for line in everything)


@pytest.mark.parametrize("task", sorted(TASKS.keys() - {*PAPER_TASKS, "cifar-gray"}))
def test_a_task_that_is_not_the_papers_is_told_nothing_of_its_tasks(task):
    of_the_tables = {"depth and width", "sizes of the dense rows", "ring of the eigenvalues"}
    topics = {difference.topic for difference in load_audit() if difference.concerns([task])}
    assert not topics & {*of_the_tables, "length of a run", "base learning rate"}
    assert {"order of training batches", "seeds"} <= topics


def test_an_unknown_task_is_refused():
    with pytest.raises(ConfigError) as caught:
        audit_lines(["listop"])
    assert caught.value.code == "tasks.unknown"
