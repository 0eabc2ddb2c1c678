import pickle
from pathlib import Path

import numpy as np
import pytest

from lru_tune.config.variants import VARIANTS
from lru_tune.errors import ConfigError
from lru_tune.layout import search_space_folder
from lru_tune.search.domains import Choice, LogUniform
from lru_tune.search.space import SearchSpace
from lru_tune.tasks import TASKS

SHIPPED = sorted(path.stem for path in search_space_folder().glob("*.yaml"))
SMALL = """\
schema: 1
task: listops
base:
  optim: {learning_rate: 1e-3}
  model: {recurrence: {r_min: 0.5, r_max: 0.99}}
  steps: 90
  eval_every: 10
search:
  optim.learning_rate: {loguniform: [1e-4, 1e-2]}
  model.recurrence.r_max: {one_minus_loguniform: [1e-3, 1e-1]}
  model.n_layers: {choice: [2, 4]}
constraints: ["model.recurrence.r_min < model.recurrence.r_max"]
points:
  paper: {model.recurrence.r_max: 0.95}
tune:
  trials: 3
  start_points: [base, paper]
  scheduler: {grace: 30}
quick: {steps: 9, eval_every: 3, tune.scheduler.grace: 3, model.n_layers: 1}
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Loads SMALL after replacing parts of its text; `("old", "new")` pairs must be found in it."""
    monkeypatch.chdir(tmp_path)

    def load_small(*changes: tuple[str, str], **arguments) -> SearchSpace:
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("x.yaml").write_text(text)
        return SearchSpace.load("x.yaml", **arguments)

    return load_small


@pytest.fixture
def problems(load):
    def problems_of(*changes: tuple[str, str], **arguments) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            load(*changes, **arguments)
        return caught.value.problems

    return problems_of


class TestShipped:
    def test_every_task_has_a_space(self):
        assert set(SHIPPED) >= TASKS.keys()

    @pytest.mark.parametrize("scale", ["full", "quick"])
    @pytest.mark.parametrize("task", SHIPPED)
    def test_the_resolved_space_is_golden(self, golden, task, scale):
        golden(f"search_spaces/{task}-{scale}.yaml", SearchSpace.load(task, scale=scale).to_yaml())

    @pytest.mark.parametrize("scale", ["full", "quick"])
    @pytest.mark.parametrize("task", SHIPPED)
    def test_a_resolved_space_loads_back_equal(self, tmp_path, task, scale):
        space = SearchSpace.load(task, scale=scale)
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
        space = SearchSpace.load(task, scale="quick")
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

    def test_a_bad_sample_is_told_in_words(self, load):
        space = load()
        with pytest.raises(ConfigError, match=r"model\.n_layers: must be above 0, got 0"):
            space.realise({"model.n_layers": 0})
        with pytest.raises(ConfigError, match=r"optim\.lr: no such field. Did you mean"):
            space.realise({"optim.lr": 1})

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
        with pytest.raises(ConfigError, match=r"batch_size \(16\) is larger than the 8 training"):
            space.horizon(8)

    def test_grace_is_judged_by_the_data_where_the_length_is_in_epochs(self, load):
        space = load(("steps: 90", "epochs: 2"))
        assert space.grace(train_examples=3200) == 30
        with pytest.raises(
            ConfigError, match=r"grace \(30\) is not below the longest run \(20 steps\)"
        ):
            space.grace(train_examples=320)

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
        assert here.difference(here) == []
        assert here.difference(there) == [
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
        assert space.notes == (
            "optim.learning_rate is fixed to 0.005; optim.learning_rate is no longer searched",
        )

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


LR = "optim.learning_rate: {loguniform: [1e-4, 1e-2]}"
RING = "one_minus_loguniform: [1e-3, 1e-1]"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("learning_rate: 1e-3", "lrr: 1e-3"),
         "x.yaml:4: base.optim.lrr: no such field. Did you mean 'learning_rate'?"),
        ((LR, "optim.lr_base: {loguniform: [1e-4, 1e-2]}"),
         "x.yaml:9: search.optim.lr_base: no such field. Did you mean 'learning_rate'?"),
        ((LR, "optim.learning_rate: {loguniform: [0.01, 0.001]}"),
         "x.yaml:9: search.optim.learning_rate: low (0.01) is above high (0.001); swapped?"),
        ((LR, "optim.learning_rate: {loguniform: [0, 0.001]}"),
         "x.yaml:9: search.optim.learning_rate: log needs low > 0, got 0"),
        ((LR, "optim.schedule: {choice: cosine}"),
         "x.yaml:9: search.optim.schedule: 'choice' needs a list, got 'cosine'. Write choice: [cosine]."),
        ((LR, "optim.schedule: {choice: [cosin, constant]}"),
         "x.yaml:9: search.optim.schedule: needs 'cosine' or 'constant', got the text 'cosin'. "
         "Did you mean 'cosine'?"),
        ((LR, "optim: {learning_rate: {loguniform: [1e-4, 1e-2]}}"),
         "x.yaml:9: search.optim: is a group of fields; write optim.<field>"),
        ((LR, "optim.learning_rate: {uniform: [-1, 1]}"),
         "x.yaml:9: search.optim.learning_rate: must be above 0, got -1"),
        (("{choice: [2, 4]}", "{uniform: [2, 4]}"),
         "x.yaml:11: search.model.n_layers: needs a whole number, got 3.27392; use randint or lograndint"),
        ((LR, "model.recurrence.activation: {choice: [tanh]}"),
         "x.yaml:9: search.model.recurrence.activation: no such field for variant 'lru', a diagonal "
         "recurrence"),
        ((LR, "model.recurrence.eigenvalues: {choice: [exp]}"),
         "x.yaml:9: search.model.recurrence.eigenvalues: variant 'lru' fixes this field"),
        (("r_min < ", "r_mn < "),
         "x.yaml:12: constraints.0: model.recurrence.r_mn: no such field. Did you mean 'r_min'?"),
        (('["model.recurrence.r_min < model.recurrence.r_max"]', '["a ** b < 1"]'),
         "x.yaml:12: constraints.0: 'a ** b' is not allowed; use comparisons, and, or, not, + - * / // %, "
         "numbers, texts and dotted fields"),
        (("[\"model.recurrence.r_min < model.recurrence.r_max\"]", "model.n_layers < 3"),
         "x.yaml:12: constraints: needs a list of texts, got the text 'model.n_layers < 3'"),
        (("model.recurrence.r_min < model.recurrence.r_max", "epochs < 3"),
         "x.yaml:12: constraints.0: epochs has no value; give it one under base"),
        (("model.recurrence.r_min < model.recurrence.r_max", "model.norm < model.n_layers"),
         "x.yaml:12: constraints.0: cannot be judged: '<' not supported between instances of 'str' and "
         "'int'"),
        (("start_points: [base, paper]", "start_points: [papr]"),
         "x.yaml:17: tune.start_points: no start point 'papr' under `points`. Did you mean 'paper'?"),
        (("{model.recurrence.r_max: 0.95}", "{model.recurrence.r_max: 0.5}"),
         "x.yaml:14: points.paper.model.recurrence.r_max: 0.5 is outside of "
         "{'one_minus_loguniform': [0.001, 0.1]} (start point 'paper'; what a point does not name comes "
         "from base)"),
        (("{model.recurrence.r_max: 0.95}", "{optim.b1: 0.5}"),
         "x.yaml:14: points.paper.optim.b1: is not searched; a point names dimensions of `search`"),
        (("grace: 30", "grace: 90"),
         "x.yaml:18: tune.scheduler: tune.scheduler.grace (90) is not below the longest run (90 steps): no "
         "trial could ever be stopped. Say --set tune.scheduler.grace=9 or --set "
         "tune.scheduler.kind=none."),
        (("grace: 30", "grace_period: 30"),
         "x.yaml:18: tune.scheduler.grace_period: no such field. Did you mean 'grace'?"),
        (("trials: 3", "mode: min"), "x.yaml:15: tune: mode must be max for val/accuracy"),
        (("trials: 3", "searcher: {kind: grid}"),
         "x.yaml:16: tune.searcher: tune.searcher.kind grid needs grid or choice for every dimension; "
         "optim.learning_rate is not"),
        (("steps: 90", "steps: 90\n  epochs: 3"),
         "x.yaml:3: base: `steps` and `epochs` are two ways to say the same; give one of them"),
        (("  steps: 90\n", ""),
         "x.yaml:3: base: the length of the run is missing: give `steps` or `epochs`"),
        (("quick: {steps: 9", "quick: {stepz: 9"),
         "x.yaml:19: quick.stepz: no such field. Did you mean 'steps'?"),
        (("points:", "pionts:"), "x.yaml:13: pionts: no such section. Did you mean 'points'?"),
        (("schema: 1", "schema: 2"), "x.yaml:1: schema: needs 1, got 2"),
        (("task: listops", "task: listop"), "x.yaml:2: task: unknown task 'listop'. Did you mean 'listops'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(problems, change, problem):
    assert problem in problems(change)


def test_every_problem_is_told_in_one_pass_in_the_file_s_order(problems):
    found = problems(
        ("learning_rate: 1e-3", "lrr: 1e-3"),
        (LR, "optim.learning_rate: {loguniform: [1, 0.1]}"),
        ("{choice: [2, 4]}", "{choice: [2, many]}"),
        ("r_min < ", "r_min +< "),
        ("trials: 3", "trials: none"),
        overrides=["optim.b1=two", "tune.trialz=3"],
    )
    assert [problem.split(": ")[0] for problem in found] == [
        "--set tune.trialz=3",
        "--set optim.b1=two",
        "x.yaml:4",
        "x.yaml:9",
        "x.yaml:11",
        "x.yaml:12",
        "x.yaml:16",
    ]


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("optim.lr=1", "no such field. Did you mean 'learning_rate'?"),
        ("learning_rate=1", "no such field. Did you mean 'optim.learning_rate'?"),
        ("optim.learning_rate=fast", "needs a number, got the text 'fast'"),
        ("optim=1", "is a group of fields; write optim.<field>"),
        ("tune.scheduler.kind=sha", "needs 'asha', 'hyperband', 'median' or 'none', got the text 'sha'."),
        ("tune.trails=1", "no such field. Did you mean 'trials'?"),
        ("variant=exp", "cannot be set here; say --variant"),
        ("task=copy", "cannot be set here; say --task"),
        ("model.recurrence.activation=tanh", "no such field for variant 'lru', a diagonal recurrence"),
        ("model.recurrence.eigenvalues=exp", "variant 'lru' fixes this to 'stable_exp_log_phase'"),
        ("search.optim.b1=0.5", "needs one domain such as {loguniform: [0.001, 0.1]}, got 0.5."),
        ("search.optim.b9={choice: [1]}", "no such field. Did you mean 'b2'?"),
        ("optim.b1", "write --set dotted.key=value"),
    ],
)  # fmt: skip
def test_a_problem_of_an_override_names_the_flag(problems, override, text):
    (problem,) = problems(overrides=[override])
    assert problem.startswith(f"--set {override}: {text}")


def test_a_constraint_that_rejects_nearly_everything_is_an_error(problems):
    found = problems(
        (RING, "uniform: [0, 0.51]"), ("0.95}", "0.505}"), ("r_max: 0.99", "r_max: 0.505")
    )
    assert found[0].startswith(
        'x.yaml:12: constraints.0: constraint "model.recurrence.r_min < model.recurrence.r_max" rejects 98% '
        "of the space (1000 draws"
    )


def test_an_end_that_a_constraint_rejects_is_no_mistake(load):
    ring = ("model.n_layers: {choice: [2, 4]}", "model.recurrence.r_min: {choice: [0.5, 0.995]}")
    assert load(ring).domains["model.recurrence.r_min"].ends() == (0.5, 0.995)


def test_an_end_that_breaks_a_rule_without_a_constraint_is_told(problems):
    found = problems((RING, "uniform: [0.2, 0.99]"), overrides=["constraints=[]"])
    assert found == (
        "x.yaml:10: search.model.recurrence.r_max: 0.2 with the rest at base: model.recurrence: r_min "
        "(0.5) must not be above r_max (0.2)",
    )


def test_reports_that_come_too_late_are_told(problems):
    (problem,) = problems(("eval_every: 10", "eval_every: 90"))
    assert "eval_every (90) is not below the longest run (90 steps)" in problem
    assert "--set eval_every=9" in problem


def test_quick_needs_its_block(problems):
    text = SMALL[SMALL.index("quick:") :]
    assert problems((text, ""), scale="quick") == ("x.yaml: has no `quick:` block",)


def test_an_unknown_variant_names_the_nearest(problems):
    assert problems(variant="rnn-tan") == (
        "--variant: unknown variant 'rnn-tan'. Did you mean 'rnn-tanh'?",
    )


def test_a_missing_file_is_told():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        SearchSpace.load("nowhere.yaml")
