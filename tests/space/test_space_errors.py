"""What is wrong with a search space, each with file, line, key and code."""

from pathlib import Path

import pytest

from lru_tune.errors import ConfigError, Problem
from lru_tune.space.space import SearchSpace

SMALL = (Path(__file__).parent / "small_space.yaml").read_text()


@pytest.fixture
def problems(load):
    def problems_of(*changes: tuple[str, str], **arguments) -> tuple[Problem, ...]:
        with pytest.raises(ConfigError) as caught:
            load(*changes, **arguments)
        return caught.value.problems

    return problems_of


LR = "optim.learning_rate: {loguniform: [1e-4, 1e-2]}"
RING = "one_minus_loguniform: [1e-3, 1e-1]"
CONSTRAINT = "model.recurrence.r_min < model.recurrence.r_max"


@pytest.mark.parametrize(
    ("change", "line", "key", "code"),
    [
        (("learning_rate: 1e-3", "lrr: 1e-3"), 4, "base.optim.lrr", "config.unknown-field"),
        ((LR, "optim.lr_base: {loguniform: [1e-4, 1e-2]}"),
         9, "search.optim.lr_base", "config.unknown-field"),
        ((LR, "optim.learning_rate: {loguniform: [0.01, 0.001]}"),
         9, "search.optim.learning_rate", "space.bounds-swapped"),
        ((LR, "optim.schedule: {choice: [cosin, constant]}"),
         9, "search.optim.schedule", "config.unknown-choice"),
        ((LR, "optim: {learning_rate: {loguniform: [1e-4, 1e-2]}}"),
         9, "search.optim", "config.group-of-fields"),
        ((LR, "optim.learning_rate: {uniform: [-1, 1]}"),
         9, "search.optim.learning_rate", "config.out-of-range"),
        (("{choice: [2, 4]}", "{uniform: [2, 4]}"),
         11, "search.model.n_layers", "space.integers-needed"),
        ((LR, "model.recurrence.activation: {choice: [tanh]}"),
         9, "search.model.recurrence.activation", "config.not-in-variant"),
        ((LR, "model.recurrence.eigenvalues: {choice: [exp]}"),
         9, "search.model.recurrence.eigenvalues", "config.fixed-by-variant"),
        (("r_min < ", "r_mn < "), 12, "constraints.0", "space.constraint-unknown-field"),
        ((CONSTRAINT, "a ** b < 1"), 12, "constraints.0", "space.not-allowed-in-constraints"),
        ((f'["{CONSTRAINT}"]', "model.n_layers < 3"), 12, "constraints", "config.wrong-type"),
        ((CONSTRAINT, "epochs < 3"), 12, "constraints.0", "space.constraint-field-unset"),
        ((CONSTRAINT, "model.norm < model.n_layers"), 12, "constraints.0", "space.constraint-types"),
        (("start_points: [base, paper]", "start_points: [papr]"),
         17, "tune.start_points", "space.unknown-point"),
        (("{model.recurrence.r_max: 0.95}", "{model.recurrence.r_max: 0.5}"),
         14, "points.paper.model.recurrence.r_max", "space.point-outside"),
        (("{model.recurrence.r_max: 0.95}", "{optim.b1: 0.5}"),
         14, "points.paper.optim.b1", "space.point-not-searched"),
        (("{model.recurrence.r_max: 0.95}", "3"), 14, "points.paper", "config.wrong-type"),
        (("grace: 30", "grace: 90"), 18, "tune.scheduler.grace", "space.never-stopped"),
        (("grace: 30", "grace_period: 30"),
         18, "tune.scheduler.grace_period", "config.unknown-field"),
        (("trials: 3", "mode: min"), 15, "tune", "space.mode-unfit"),
        (("trials: 3", "searcher: {kind: grid}"), 16, "tune.searcher", "space.grid-of-range"),
        (("steps: 90", "steps: 90\n  epochs: 3"), 3, "base", "config.length-given-twice"),
        (("  steps: 90\n", ""), 3, "base", "config.length-missing"),
        (("quick: {steps: 9", "quick: {stepz: 9"), 19, "quick.stepz", "config.unknown-field"),
        (("points:", "pionts:"), 13, "pionts", "space.unknown-section"),
        (("schema: 1", "schema: 2"), 1, "schema", "config.wrong-type"),
        (("schema: 1", "schema: 1\nscale: tiny"), 2, "scale", "config.wrong-type"),
        (("task: listops", "task: listop"), 2, "task", "tasks.unknown"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported_with_its_line(problems, change, line, key, code):
    assert ("x.yaml", line, key, code) in [
        (found.file, found.line, found.key, found.code) for found in problems(change)
    ]


def test_a_message_names_file_line_key_and_what_to_type(problems):
    (found,) = problems(("grace: 30", "grace: 90"))
    assert str(found).startswith("x.yaml:18: tune.scheduler.grace: 90 is not below the longest run")
    assert "--set tune.scheduler.grace=9 " in found.text


def test_every_problem_is_reported_in_one_pass_in_the_file_s_order(problems):
    found = problems(
        ("learning_rate: 1e-3", "lrr: 1e-3"),
        (LR, "optim.learning_rate: {loguniform: [1, 0.1]}"),
        ("{choice: [2, 4]}", "{choice: [2, many]}"),
        ("r_min < ", "r_min +< "),
        ("trials: 3", "trials: none"),
        overrides=["optim.b1=two", "tune.trialz=3"],
    )
    assert [problem.key for problem in found[:2]] == ["--set tune.trialz=3", "--set optim.b1=two"]
    assert [problem.line for problem in found[2:]] == [4, 9, 11, 12, 16]
    assert {problem.file for problem in found[2:]} == {"x.yaml"}


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("optim.lr=1", "config.unknown-field"),
        ("learning_rate=1", "config.unknown-field"),
        ("optim.learning_rate=fast", "config.wrong-type"),
        ("optim=1", "config.group-of-fields"),
        ("tune.scheduler.kind=sha", "config.unknown-choice"),
        ("tune.trails=1", "config.unknown-field"),
        ("variant=exp", "space.cannot-be-set-here"),
        ("task=copy", "space.cannot-be-set-here"),
        ("model.recurrence.activation=tanh", "config.not-in-variant"),
        ("model.recurrence.eigenvalues=exp", "config.fixed-by-variant"),
        ("search.optim.b1=0.5", "space.not-a-domain"),
        ("search.optim.b9={choice: [1]}", "config.unknown-field"),
        ("optim.b1", "config.bad-override"),
    ],
)
def test_a_problem_of_an_override_names_the_flag(problems, override, code):
    (problem,) = problems(overrides=[override])
    assert (problem.file, problem.line) == (None, None)
    assert (problem.key, problem.code) == (f"--set {override}", code)


def test_a_constraint_that_rejects_nearly_everything_is_an_error(problems):
    found, *_ = problems(
        (RING, "uniform: [0, 0.51]"), ("0.95}", "0.505}"), ("r_max: 0.99", "r_max: 0.505")
    )
    assert (found.line, found.key) == (12, "constraints.0")
    assert found.code == "space.constraint-rejects"
    assert found.values["share"] == pytest.approx(0.98, abs=0.01)
    assert (found.values["constraint"], found.values["draws"]) == (CONSTRAINT, 1000)


def test_an_end_that_a_constraint_rejects_is_no_mistake(load):
    ring = ("model.n_layers: {choice: [2, 4]}", "model.recurrence.r_min: {choice: [0.5, 0.995]}")
    assert load(ring).domains["model.recurrence.r_min"].ends() == (0.5, 0.995)


def test_an_end_that_breaks_a_rule_without_a_constraint_is_an_error(problems):
    (found,) = problems((RING, "uniform: [0.2, 0.99]"), overrides=["constraints=[]"])
    assert (found.line, found.key) == (10, "search.model.recurrence.r_max")
    assert (found.code, found.values["end"]) == ("space.invalid-end", 0.2)
    assert found.values["why"].startswith("model.recurrence: r_min (0.5) ")


def test_reports_that_come_too_late_are_an_error(problems):
    (found,) = problems(("eval_every: 10", "eval_every: 90"))
    assert (found.line, found.key, found.code) == (7, "base.eval_every", "space.never-stopped")
    assert "--set eval_every=9 " in found.text


def test_quick_needs_its_block(problems):
    text = SMALL[SMALL.index("quick:") :]
    assert problems((text, ""), scale="quick") == (Problem("space.no-quick-block", {}, "x.yaml"),)


def test_an_unknown_variant_names_the_nearest(problems):
    (found,) = problems(variant="rnn-tan")
    assert (found.key, found.code) == ("--variant", "config.unknown-variant")
    assert found.values["hint"] == " Did you mean 'rnn-tanh'?"


def test_a_missing_file_is_an_error():
    with pytest.raises(ConfigError) as caught:
        SearchSpace.load("nowhere.yaml")
    assert caught.value.code == "config.no-such-file"
