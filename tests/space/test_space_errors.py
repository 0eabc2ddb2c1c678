"""What a user reads when a search space is wrong, whole lines."""

from pathlib import Path

import pytest

from lru_tune.errors import ConfigError
from lru_tune.space.space import SearchSpace

SMALL = (Path(__file__).parent / "small_space.yaml").read_text()


@pytest.fixture
def problems(load):
    def problems_of(*changes: tuple[str, str], **arguments) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            load(*changes, **arguments)
        return caught.value.problems

    return problems_of


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
         "x.yaml:18: tune.scheduler.grace: 90 is not below the longest run (90 steps): no trial could ever "
         "be stopped. Say --set tune.scheduler.grace=9 or --set tune.scheduler.kind=none."),
        (("grace: 30", "grace_period: 30"),
         "x.yaml:18: tune.scheduler.grace_period: no such field. Did you mean 'grace'?"),
        (("trials: 3", "mode: min"), "x.yaml:15: tune: mode must be max for val/accuracy"),
        (("trials: 3", "searcher: {kind: grid}"),
         "x.yaml:16: tune.searcher: kind grid needs grid or choice for every dimension; "
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
    assert problem.startswith(
        "x.yaml:7: base.eval_every: 90 is not below the longest run (90 steps)"
    )
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
