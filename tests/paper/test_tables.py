"""The tables as data: what can be checked of them without typing them a second time."""

import json
import math
from itertools import pairwise

import pytest

from lru_tune.config.config_files import dump_run_config, load_run_config
from lru_tune.config.dotted import flatten
from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.files.paths import search_space_folder
from lru_tune.paper.entries import FOLDER, read_rates, read_table
from lru_tune.paper.published import read_printed
from lru_tune.paper.tables import (
    TABLES,
    Column,
    PaperTable,
    Row,
    find_table,
    kind_of,
    load_online,
    load_table,
)
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import TASKS

CHANCE = 50.0  # of Pathfinder and PathX, the only tasks with cells at chance


def find(items, name):
    (found,) = (item for item in items if item.name == name)
    return found


def row_of(number, name):
    return find(load_table(number).rows, name)


def value(table, row, column):
    published = table.published(row, column)
    return CHANCE if published.at_chance else published.mean


def average(number, name):
    table = load_table(number)
    row = find(table.rows, name)
    return sum(value(table, row, column) for column in table.columns) / len(table.columns)


def cells(kinds=("accuracy", "speed", "configurations")):
    """Every cell that is run: table, row, column."""
    return [
        (table, row, column)
        for table in (*map(load_table, TABLES), load_online())
        if table.kind in kinds
        for row in table.rows
        for column in table.columns
        if row.variant is not None and row.has(column)
    ]


def name_of(item):
    match item:
        case PaperTable():
            return item.name
        case Row() | Column():
            return item.name
    return None


def resolve(table, row, column):
    """The cell's recipe, as a reproduction makes it."""
    fields = table.fields(row, column)
    overrides = [f"{path}={json.dumps(entry)}" for path, entry in fields.items()]
    return SearchSpace.load(column.task, variant=row.variant, overrides=overrides).realise({})


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "name", "expected"),
        [
            (6, "RNN-ReLU", 63.97),
            (6, "RNN-Tanh", 64.98),
            (6, "RNN-Lin", 66.80),
            (7, "Lambda Real + Im", 70.08),
            (7, "Lambda Exp", 72.87),
            (7, "Lambda Stable Exp", 77.80),
            (7, "+ Ring Init", 78.57),
            (8, "LRU", 86.30),
            (3, "S4D (reproduced)", 86.55),
            (3, "S5 (reproduced)", 85.68),
            (3, "S4 (quoted)", 86.50),
            (3, "S4D-LegS (quoted)", 85.18),
            (3, "S5 (quoted)", 87.82),
        ],
    )
    def test_averages_over_the_six_tasks(self, number, name, expected):
        assert average(number, name) == pytest.approx(expected, abs=0.005)

    def test_each_step_of_the_ladder_raises_the_average(self):
        ladder = ["Dense A", "Lambda Real + Im", "Lambda Exp", "Lambda Stable Exp", "+ Ring Init"]
        averages = [*(average(7, name) for name in ladder), average(8, "LRU")]
        assert all(later > earlier for earlier, later in pairwise(averages))

    def test_speed_ratios_are_those_the_paper_prints(self):
        table = load_table(4)
        tanh, lru = (find(table.rows, name) for name in ("Tanh RNN", "LRU"))
        ratios = [
            table.published(lru, c).mean / table.published(tanh, c).mean for c in table.columns
        ]
        assert ratios == pytest.approx([8, 1.9, 29, 11.4, 7.4, 17], rel=0.02)

    def test_the_best_rings_of_table_5_are_those_of_table_8(self):
        grid, tuned = load_table(5), load_table(8)
        scifar = find(tuned.columns, "sCIFAR")
        for of_grid, of_tuned in (("Lambda Stable Exp", "Stable Exp + Ring Init"), ("LRU", "LRU")):
            row, chosen = find(grid.rows, of_grid), find(tuned.rows, of_tuned)
            best = max(value(grid, row, column) for column in grid.columns)
            r_min, r_max = chosen.rings["sCIFAR"]
            column = find(grid.columns, f"[{r_min:g}, {r_max:g}]")
            assert value(grid, row, column) == best == value(tuned, chosen, scifar)

    @pytest.mark.parametrize(
        ("here", "there"),
        [
            ((1, "RNN-Lin"), (2, "Dense A")),
            ((6, "RNN-Lin"), (7, "Dense A")),
            ((7, "Dense A"), (8, "Linear Dense RNN")),
            ((7, "Lambda Real + Im"), (8, "Diagonal Complex RNN")),
            ((7, "+ Ring Init"), (8, "Stable Exp + Ring Init")),
            ((3, "LRU"), (8, "LRU")),
            ((3, "S5 (quoted)"), (6, "S5 (quoted)")),
        ],
    )
    def test_rows_that_are_the_same_agree(self, here, there):
        ours, theirs = row_of(*here), row_of(*there)
        shared = ours.cells.keys() & theirs.cells.keys()
        assert len(shared) >= 2
        assert all(ours.cells[name] == theirs.cells[name] for name in shared)
        assert (ours.variant, ours.rings, ours.phases) == (
            theirs.variant,
            theirs.rings,
            theirs.phases,
        )

    def test_every_number_names_its_source(self):
        for number in TABLES:
            for row in load_table(number).rows:
                for published in filter(None, row.cells.values()):
                    assert published.source.startswith(
                        "Orvieto et al. 2023, arXiv 2303.06349v1, Table"
                    )
                    assert (published.confidence == "quoted") == row.name.endswith("(quoted)")
                    assert published.mean is None or published.mean <= 100

    def test_only_the_pathfinder_tasks_have_cells_at_chance(self):
        for table, row, column in cells():
            published = table.published(row, column)
            if published and published.at_chance:
                assert column.task in ("pathfinder", "pathx")

    def test_numbers_that_are_not_at_hand_are_left_out(self):
        table = load_online()
        assert [table.published(row, c) for row in table.rows for c in table.columns] == [
            None,
            None,
        ]

    @pytest.mark.parametrize(
        ("printed", "mean", "error", "at_chance"),
        [
            ("60.2 (0.8)", 60.2, 0.8, False),
            (91.1, 91.1, None, False),
            (2, 2, None, False),
            ("x", None, None, True),
        ],
    )
    def test_numbers_are_read_as_printed(self, printed, mean, error, at_chance):
        fields = {"standard_error": None, "at_chance": False} | read_printed(printed)
        assert fields == {"mean": mean, "standard_error": error, "at_chance": at_chance}

    def test_numbers_are_shown_as_printed(self):
        shown = {str(cell) for row in load_table(4).rows for cell in row.cells.values()}
        assert {"2.0", "0.14", "14.7"} <= shown
        ladder = load_table(7)
        cells = [ladder.published(ladder.rows[2], column) for column in ladder.columns]
        assert [str(cell) for cell in cells[-2:]] == ["65.4 (9.0)", "x"]

    @pytest.mark.parametrize("printed", ["60.2(0.8)", "60.2 (0.8", "-1", "about 60", ""])
    def test_anything_else_is_refused(self, printed):
        with pytest.raises(ValueError, match="expected a number"):
            read_printed(printed)


class TestRecipes:
    @pytest.mark.parametrize(("table", "row", "column"), cells(), ids=name_of)
    def test_every_cell_makes_a_valid_configuration(self, table, row, column):
        config = resolve(table, row, column)
        assert (config.task, config.variant) == (column.task, row.variant)
        flat = config.model_dump()
        for path, wanted in table.fields(row, column).items():
            found = flat
            for name in path.split("."):
                found = found[name]
            assert found == wanted

    @pytest.mark.parametrize("task", [column.task for column in load_table(9).columns])
    def test_the_lru_s_configurations_are_golden(self, golden, task):
        table = load_table(9)
        (column,) = (column for column in table.columns if column.task == task)
        golden(f"paper/{task}.yaml", dump_run_config(resolve(table, table.rows[0], column)))

    def test_the_lru_s_cells_are_what_the_search_spaces_start_from(self):
        table = load_table(9)
        for column in table.columns:
            config = resolve(table, table.rows[0], column)
            assert config == SearchSpace.load(column.task).realise({})

    def test_learning_online_is_what_its_recipe_says(self):
        file = search_space_folder() / "recipes" / "copy-online.yaml"
        table, config = load_online(), load_run_config(file)
        row = find(table.rows, "LRU, online")
        assert config.optim.learning_rate in table.learning_rates(row, table.columns[0])
        learning_rate = {"optim.learning_rate": config.optim.learning_rate}
        fields = table.fields(row, table.columns[0]) | learning_rate
        found = flatten(config.model_dump())
        assert {path: found[path] for path in fields} == fields

    def test_every_diagonal_cell_has_a_ring_and_dense_ones_have_none(self):
        for table, row, column in cells():
            ring = {
                "model.recurrence.r_min",
                "model.recurrence.r_max",
                "model.recurrence.max_phase",
            }
            given = ring & table.fields(row, column).keys()
            assert given == (ring if kind_of(row) == "diagonal" else set())

    def test_cells_of_a_task_differ_in_the_recurrence_only(self):
        for task in {column.task for column in load_table(9).columns}:
            rests = [
                {
                    k: v
                    for k, v in table.fields(row, c).items()
                    if not k.startswith("model.recurrence")
                }
                for table, row, c in cells()
                if c.task == task
            ]
            assert all(rest == rests[0] for rest in rests)

    def test_the_small_phase_is_the_lru_s_on_pathx_alone(self):
        for table, row, column in cells():
            phase = table.fields(row, column).get("model.recurrence.max_phase", math.tau)
            small = row.variant == "lru" and column.task == "pathx"
            assert phase == pytest.approx(math.pi / 10 if small else math.tau)

    def test_lengths_are_whole_passes_as_far_as_the_training_sets_are_known(self):
        # Training examples of each task; 27 and 44 passes are rounded up to whole thousands of steps.
        examples = {"scifar": 45_000, "listops": 96_000, "imdb": 25_000, "aan": 147_086}
        examples |= {"pathfinder": 160_000, "pathx": 160_000}
        table = load_table(9)
        passes = {}
        for column in table.columns:
            fields = table.fields(table.rows[0], column)
            passes[column.task] = (
                fields["steps"] * fields["data.batch_size"] / examples[column.task]
            )
        expected = {"scifar": 200, "listops": 26.7, "imdb": 64, "aan": 43.5}
        assert passes == pytest.approx(expected | {"pathfinder": 200, "pathx": 50}, rel=2e-3)

    def test_no_row_fixes_what_its_variant_fixes(self):
        for table, row, column in cells():
            fixed = {f"model.recurrence.{name}" for name in VARIANTS[row.variant]}
            assert not fixed & table.fields(row, column).keys()


class TestLearningRates:
    def test_every_cell_has_a_grid_of_powers_of_two(self):
        for table, row, column in cells():
            rates = table.learning_rates(row, column)
            assert rates, (table.title, row.name, column.name)
            assert all(later == pytest.approx(2 * rate) for rate, later in pairwise(rates))

    def test_the_only_published_rate_is_not_searched(self):
        for table, row, column in cells(("accuracy",)):
            alone = kind_of(row) == "diagonal" and column.task == "scifar"
            assert (table.learning_rates(row, column) == (0.004,)) == alone

    def test_every_grid_says_why(self):
        for grids in (read_rates().dense, read_rates().diagonal):
            assert grids.keys() <= TASKS.keys()
            assert all(grid.reason for grid in grids.values())


class TestUse:
    def test_tables_are_found_by_what_is_typed_for_them(self):
        assert [find_table(str(number)) for number in TABLES] == [load_table(n) for n in TABLES]
        assert find_table("online") is load_online()
        assert find_table("online").heading == "Table 1 of Zucchet et al. 2023"
        with pytest.raises(ConfigError) as caught:
            find_table("onlin")
        assert caught.value.code == "paper.unknown-table"

    @pytest.mark.parametrize("number", [0, 10, -1])
    def test_an_unknown_table_is_refused_with_the_known_ones(self, number):
        with pytest.raises(ConfigError) as caught:
            load_table(number)
        assert caught.value.code == "paper.unknown-table"

    def test_a_row_that_is_only_shown_cannot_be_run(self):
        table = load_table(3)
        row = find(table.rows, "S5 (quoted)")
        with pytest.raises(ConfigError) as caught:
            table.fields(row, table.columns[0])
        assert caught.value.code == "paper.row-not-run"
        with pytest.raises(ConfigError) as caught:
            table.learning_rates(row, table.columns[0])
        assert caught.value.code == "paper.row-not-run"

    def test_every_file_of_the_folder_is_read(self):
        tables = {f"table{number}.yaml" for number in TABLES}
        others = {"learning_rates.yaml", "online.yaml", "audit.yaml"}
        assert {path.name for path in FOLDER.glob("*.yaml")} <= tables | others

    def test_names_are_unique_and_can_be_told_apart_on_a_command_line(self):
        for number in TABLES:
            table = load_table(number)
            for entries in (table.rows, table.columns):
                names = [entry.name.casefold() for entry in entries]
                assert len(set(names)) == len(names)
            assert not any("," in row.name for row in table.rows)

    def test_changing_what_is_returned_changes_no_table(self):
        table = load_table(8)
        row, column = find(table.rows, "LRU"), table.columns[0]
        table.fields(row, column)["steps"] = 1
        assert table.fields(row, column)["steps"] == 180_000
        assert read_table("table9.yaml").columns[0].fields["steps"] == 180_000
