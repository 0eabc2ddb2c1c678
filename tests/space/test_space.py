import functools
import pickle
from pathlib import Path

import numpy as np
import pytest

from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.files.paths import search_space_folder
from lru_tune.space.domains import Choice, LogUniform
from lru_tune.space.space import SearchSpace
from lru_tune.tasks import TASKS

SHIPPED = sorted(path.stem for path in search_space_folder().glob("*.yaml"))
SMALL = (Path(__file__).parent / "small_space.yaml").read_text()


@functools.cache
def shipped(task: str, scale: str) -> SearchSpace:
    return SearchSpace.load(task, scale=scale)


class TestShipped:
    def test_every_task_has_a_space(self):
        assert set(SHIPPED) >= TASKS.keys()

    @pytest.mark.parametrize("scale", ["full", "quick"])
    @pytest.mark.parametrize("task", SHIPPED)
    def test_the_resolved_space_is_golden(self, golden, task, scale):
        golden(f"search_spaces/{task}-{scale}.yaml", shipped(task, scale).to_yaml())

    @pytest.mark.parametrize("scale", ["full", "quick"])
    @pytest.mark.parametrize("task", SHIPPED)
    def test_a_resolved_space_loads_back_equal(self, tmp_path, task, scale):
        space = shipped(task, scale)
        file = tmp_path / "space.yaml"
        file.write_text(space.to_yaml(["as run"]))
        assert SearchSpace.load(file) == space
        assert SearchSpace.load(file, scale=scale) == space

    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize("task", SHIPPED)
    def test_every_variant_can_be_searched(self, task, variant):
        space = SearchSpace.load(task, variant=variant)
        assert space.realise({}).model.recurrence.model_dump().items() >= VARIANTS[variant].items()

    @pytest.mark.parametrize("task", SHIPPED)
    def test_most_draws_are_valid_and_quick_is_small(self, task):
        space = shipped(task, "quick")
        rng = np.random.default_rng(1)
        assert np.mean([space.satisfies(space.draw(rng)) for _ in range(200)]) > 0.5
        assert space.horizon(10**6) <= 1000
        assert space.tune.trials >= 4

    def test_an_alias_finds_the_space(self):
        assert SearchSpace.load("listops-classification") == SearchSpace.load("listops")

    def test_the_paper_s_point_is_the_paper_s(self):
        (point,) = SearchSpace.load("listops").start_points()
        assert point["model.recurrence.r_max"] == 0.99
        assert point["optim.recurrent_lr_factor"] == 0.5


class TestUse:
    def test_a_sample_becomes_a_config(self, load):
        space = load()
        config = space.realise({"optim.learning_rate": 2e-3, "model.n_layers": 4}, seed=7)
        assert (config.optim.learning_rate, config.model.n_layers, config.seed) == (2e-3, 4, 7)
        assert config.model.recurrence.r_max == 0.99

    @pytest.mark.parametrize(
        ("field", "code"),
        [("model.n_layers", "config.out-of-range"), ("optim.lr", "config.unknown-field")],
    )
    def test_a_bad_sample_is_reported_with_its_field(self, load, field, code):
        with pytest.raises(ConfigError) as caught:
            load().realise({field: 0})
        (problem,) = caught.value.problems
        assert (problem.key, problem.code) == (field, code)

    def test_draws_are_seeded_and_in_their_domains(self, load):
        space = load()
        first, second = (space.draw(np.random.default_rng(3)) for _ in range(2))
        assert first == second
        assert all(space.domains[path].contains(value) for path, value in first.items())
        assert list(first) == list(space.domains)

    def test_a_sample_must_meet_constraints_and_rules(self, load):
        space = load(("r_min: 0.5", "r_min: 0.93"))
        assert space.satisfies({"model.recurrence.r_max": 0.95})
        assert not space.satisfies({"model.recurrence.r_max": 0.92})
        assert not space.satisfies({"model.n_layers": 0})

    def test_start_points_are_complete_and_in_order(self, load):
        assert load().start_points() == [
            {"optim.learning_rate": 1e-3, "model.recurrence.r_max": 0.99, "model.n_layers": 4},
            {"optim.learning_rate": 1e-3, "model.recurrence.r_max": 0.95, "model.n_layers": 4},
        ]

    def test_equal_start_points_are_tried_once(self, load):
        assert len(load(("r_max: 0.95", "r_max: 0.99")).start_points()) == 1

    def test_the_horizon_is_that_of_the_longest_trial(self, load):
        assert load().horizon(1000) == 90
        batches = ("model.n_layers: {choice: [2, 4]}", "data.batch_size: {choice: [8, 16]}")
        points = ("start_points: [base, paper]", "start_points: []")
        space = load(("steps: 90", "epochs: 2"), batches, points)
        assert space.horizon(160) == 2 * 160 // 8
        with pytest.raises(ConfigError) as caught:
            space.horizon(8)
        assert caught.value.code == "config.batch-too-large"
        assert caught.value.problems[0].values == {"batch_size": 16, "examples": 8}

    def test_grace_is_judged_by_the_data_where_the_length_is_in_epochs(self, load):
        space = load(("steps: 90", "epochs: 2"))
        assert space.grace(train_examples=3200) == 30
        with pytest.raises(ConfigError) as caught:
            space.grace(train_examples=320)
        (problem,) = caught.value.problems
        assert (problem.key, problem.code) == ("tune.scheduler.grace", "space.never-stopped")
        assert (problem.values["steps"], problem.values["horizon"]) == (30, 20)

    def test_grace_is_a_tenth_unless_said(self, load):
        assert load(("{grace: 30}", "{kind: asha}")).grace(1000) == 9

    def test_the_grid_is_the_product_without_what_constraints_reject(self, load):
        space = load(
            ("loguniform: [1e-4, 1e-2]", "grid: [1e-3, 1e-2]"),
            ("one_minus_loguniform: [1e-3, 1e-1]", "choice: [0.4, 0.99, 0.95]"),
            ("trials: 3", "searcher: {kind: grid}"),
        )
        rows = [tuple(sample.values()) for sample in space.grid()]
        assert rows == [(a, b, c) for a in (1e-3, 1e-2) for b in (0.99, 0.95) for c in (2, 4)]

    def test_a_fixed_recipe_has_one_sample(self, load):
        text = SMALL[SMALL.index("search:") : SMALL.index("constraints:")]
        space = load(
            (text, ""), ("points:\n  paper: {model.recurrence.r_max: 0.95}\n", ""), (", paper", "")
        )
        assert space.domains == {}
        assert space.start_points() == [{}]
        assert space.realise({}).steps == 90

    def test_it_travels_to_other_processes(self, load):
        space = load()
        assert pickle.loads(pickle.dumps(space)) == space

    def test_the_difference_names_each_entry(self, load):
        here, there = load(), load(overrides=["optim.b2=0.99", "tune.trials=9", "model.n_layers=2"])
        assert here.difference(here) == {}
        assert list(here.difference(there).values()) == [
            "base.model.n_layers: 4 -> 2",
            "base.optim.b2: 0.999 -> 0.99",
            "search.model.n_layers.choice: [2, 4] -> absent",
            "tune.trials: 3 -> 9",
        ]


class TestLayers:
    def test_quick_is_put_over_the_rest(self, load):
        space = load(scale="quick")
        assert (space.scale, space.base["steps"], space.tune.scheduler.grace) == ("quick", 9, 3)
        assert "model.n_layers" not in space.domains

    def test_overrides_come_after_quick(self, load):
        assert load(scale="quick", overrides=["steps=8"]).base["steps"] == 8

    def test_setting_a_field_ends_its_search_with_a_note(self, load):
        space = load(overrides=["optim.learning_rate=5e-3"])
        assert space.base["optim.learning_rate"] == 5e-3
        assert "optim.learning_rate" not in space.domains
        assert space.notes == ("optim.learning_rate is fixed to 0.005; it is no longer searched",)

    def test_setting_one_length_forgets_the_other(self, load):
        base = load(overrides=["epochs=2"]).base
        assert base["epochs"] == 2.0
        assert "steps" not in base

    def test_a_domain_can_be_set(self, load):
        space = load(overrides=["search.optim.weight_decay={loguniform: [1e-3, 1]}"], scale="full")
        assert space.domains["optim.weight_decay"] == LogUniform(1e-3, 1)

    def test_tune_settings_can_be_set(self, load):
        tune = load(overrides=["tune.trials=8", "tune.scheduler.kind=none"]).tune
        assert (tune.trials, tune.scheduler.kind) == (8, "none")

    def test_constraints_can_be_dropped(self, load):
        assert load(overrides=["constraints=[]"]).constraints == ()

    def test_another_variant_drops_what_it_lacks_with_notes(self, load):
        space = load(variant="rnn-tanh")
        assert list(space.domains) == ["optim.learning_rate", "model.n_layers"]
        assert space.constraints == ()
        assert space.points == {"paper": {}}
        assert space.base["model.recurrence.activation"] == "tanh"
        assert space.notes == (
            "constraint 'model.recurrence.r_min < model.recurrence.r_max' is dropped: variant "
            "rnn-tanh lacks one of its fields",
            "dropped, as variant rnn-tanh lacks them: model.recurrence.r_max, model.recurrence.r_min",
        )

    def test_the_file_s_own_variant_drops_nothing(self, load):
        assert load(variant="lru") == load()
        assert load(variant="lru").notes == ()

    def test_another_diagonal_variant_keeps_the_ring(self, load):
        space = load(variant="stable-exp")
        assert list(space.domains) == list(load().domains)
        assert space.base["model.recurrence.eigenvalues"] == "stable_exp"

    def test_listed_values_take_their_field_s_type(self, load):
        space = load(("loguniform: [1e-4, 1e-2]", "choice: [1, '1e-3']"))
        assert space.domains["optim.learning_rate"] == Choice((1.0, 1e-3))
        assert type(space.domains["optim.learning_rate"].values[0]) is float
