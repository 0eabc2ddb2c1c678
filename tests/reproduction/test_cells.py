"""Which cells are run, with which configurations."""

import pytest

from lru_tune.errors import ConfigError
from lru_tune.paper.tables import load_table
from lru_tune.reproduction.cells import (
    FEWEST_STEPS,
    choose_columns,
    choose_rows,
    plan_cells,
    shortened,
)
from lru_tune.reproduction.scale import Setting

TRAINED = (1, 2, 3, 5, 6, 7, 8)


def cells_of(number, setting=None, rows=(), tasks=()):
    table = load_table(number)
    return plan_cells(
        table, choose_rows(table, rows), choose_columns(table, tasks), setting or Setting()
    )


@pytest.mark.parametrize("number", TRAINED)
@pytest.mark.parametrize("setting", [Setting(), Setting(scale="quick"), Setting(scale=0.02)])
def test_every_cell_has_a_valid_configuration(number, setting):
    table = load_table(number)
    trained = [row for row in table.rows if row.variant]
    cells = cells_of(number, setting)
    assert len(cells) == len(trained) * len(table.columns)
    for cell in cells:
        assert cell.config.variant == cell.row.variant
        assert cell.config.task == cell.column.task
        assert list(cell.rates) == sorted(cell.rates)


def test_at_the_papers_scale_sizes_and_length_are_the_tables():
    (cell,) = cells_of(3, tasks=["listops"])
    model = cell.config.model
    assert (model.n_layers, model.d_model, model.d_hidden) == (6, 128, 256)
    assert (model.recurrence.r_min, model.recurrence.r_max) == (0.0, 0.99)
    assert (cell.config.steps, cell.config.data.batch_size) == (80_000, 32)


def test_a_quick_cell_keeps_its_ring_and_takes_the_quick_sizes():
    (cell,) = cells_of(8, Setting(scale="quick"), rows=["Stable Exp + Ring Init"], tasks=["text"])
    (whole,) = cells_of(8, rows=["Stable Exp + Ring Init"], tasks=["imdb"])
    assert cell.config.model.recurrence == whole.config.model.recurrence
    assert cell.config.steps < whole.config.steps
    assert cell.config.model.d_model < whole.config.model.d_model
    assert cell.config.data.train_examples is not None


def test_cells_that_differ_in_the_ring_alone_stay_apart():
    keys = {cell.config.fingerprint() for cell in cells_of(5, Setting(scale="quick"))}
    assert len(keys) == 27


def test_a_scaled_run_shrinks_with_its_reports_and_keeps_everything_else():
    (whole,), (scaled,) = (
        cells_of(3, Setting(scale=scale), tasks=["listops"]) for scale in ("paper", 0.02)
    )
    assert scaled.config.steps == 1600
    assert scaled.config.eval_every == round(0.02 * whole.config.eval_every)
    back = {"steps": whole.config.steps, "eval_every": whole.config.eval_every}
    assert scaled.config.model_copy(update=back) == whole.config


def test_no_scale_makes_a_run_shorter_than_its_warm_up():
    (whole,) = cells_of(3, tasks=["listops"])
    assert shortened(whole.config, 1e-6).steps == FEWEST_STEPS


def test_a_change_lies_over_everything_else():
    setting = Setting(scale="quick", overrides=("model.d_model=24", "epochs=2"))
    (cell,) = cells_of(3, setting, tasks=["listops"])
    assert cell.config.model.d_model == 24
    assert (cell.config.steps, cell.config.epochs) == (None, 2.0)


def test_a_changed_learning_rate_is_not_searched():
    setting = Setting(overrides=("optim.learning_rate=0.003",))
    (cell,) = cells_of(3, setting, tasks=["listops"])
    assert cell.rates == (0.003,)


def test_rows_are_found_whatever_their_case_and_tasks_by_their_aliases():
    table = load_table(1)
    assert [row.name for row in choose_rows(table, ["rnn-lin"])] == ["RNN-Lin"]
    assert [column.name for column in choose_columns(table, ["text"])] == ["Text"]


@pytest.mark.parametrize(
    ("choose", "words", "code", "key"),
    [
        (choose_rows, ["RNN-Line"], "reproduction.unknown-row", "--rows"),
        (choose_rows, ["S4 (quoted)"], "reproduction.published-row", "--rows"),
        (choose_columns, ["pathx"], "reproduction.unknown-task", "--tasks"),
    ],
)
def test_what_a_table_does_not_have_is_an_error(choose, words, code, key):
    number = 6 if "quoted" in words[0] else 1
    with pytest.raises(ConfigError) as raised:
        choose(load_table(number), words)
    assert (raised.value.code, raised.value.problems[0].key) == (code, key)


def test_a_misspelt_change_is_an_error_with_the_nearest_name():
    with pytest.raises(ConfigError) as raised:
        cells_of(3, Setting(overrides=("optim.weight_decai=1",)), tasks=["listops"])
    assert "weight_decay" in str(raised.value)
