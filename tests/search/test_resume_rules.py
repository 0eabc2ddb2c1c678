import pytest

from lru_tune.errors import ConfigError
from lru_tune.search.resume_rules import check_extension
from lru_tune.search.strategy import journal as journals
from lru_tune.search.strategy.journal import Journal, Suggested


@pytest.fixture
def folder(tmp_path):
    """An experiment with three trials."""
    journal = Journal(tmp_path / journals.FILE)
    for number in range(3):
        journal.append(Suggested(number, {}, f"{number:04d}"))
    return tmp_path


@pytest.mark.parametrize("change", ["trials=50", "trials=3", "confirm.top=5", "confirm.seeds=1"])
def test_more_trials_and_another_confirmation_are_an_extension(folder, make_space, change):
    key, _, value = change.partition("=")
    wanted = make_space(**{f"tune__{key.replace('.', '__')}": int(value)})
    check_extension(folder, make_space(), wanted)


def test_a_search_of_something_else_is_none(folder, make_space):
    wanted = make_space(base__steps=100, tune__trials=50)
    with pytest.raises(ConfigError) as caught:
        check_extension(folder, make_space(), wanted)
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == ("search.changed-space", "base.steps")
    assert problem.values["change"] == "90 -> 100"


def test_trials_are_not_taken_back(folder, make_space):
    with pytest.raises(ConfigError) as caught:
        check_extension(folder, make_space(), make_space(tune__trials=2))
    assert (caught.value.code, caught.value.problems[0].key) == (
        "search.too-few-trials",
        "tune.trials",
    )


def test_what_is_written_for_a_grid_stays_allowed(folder, make_space):
    grid = make_space(tune__trials=1)  # a grid has more trials than it says here
    check_extension(folder, grid, grid)
