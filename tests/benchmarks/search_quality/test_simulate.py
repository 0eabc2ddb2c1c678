import numpy as np
import pytest

from benchmarks.search_quality.methods import METHODS
from benchmarks.search_quality.problems import Stress
from benchmarks.search_quality.simulate import simulate

SETTING = {"stress": Stress(), "workers": 4, "budget": 4.0, "seed": 3, "winner": "completed"}


def run(problem, folder, method="default", **changes):
    folder.mkdir()
    search = METHODS[method].make(problem, 3, folder)
    return search, simulate(search, problem, **SETTING | changes)


class Scripted:
    """Proposes given samples in turn and stops only the trials it is given."""

    def __init__(self, samples, stops=()):
        self._samples, self._stops, self._count = samples, set(stops), 0
        self.heard = []

    def suggest(self):
        number = self._count
        self._count += 1
        return number, self._samples[number % len(self._samples)]

    def report(self, number, report, value, *, last):
        self.heard.append((number, report, value, last))
        return (number, report) in self._stops


GOOD, POOR = {"x": 0.3, "rate": 0.01}, {"x": 0.9, "rate": 0.01}


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_make_equal_decisions_and_the_budget_is_kept(problem, tmp_path, method):
    _, first = run(problem, tmp_path / "a", method)
    _, second = run(problem, tmp_path / "b", method)
    assert first.samples == second.samples
    assert np.array_equal(first.regret, second.regret)
    assert sum(first.stopped_at) == len(first.regret) == 4 * problem.reports


def test_a_worker_takes_a_new_trial_only_when_it_is_free(problem):
    search = Scripted([GOOD])
    found = simulate(search, problem, **SETTING | {"workers": 3, "budget": 2.0})
    assert found.trials == 3
    assert found.completed == 0
    assert simulate(Scripted([GOOD]), problem, **SETTING | {"workers": 1}).completed == 4


def test_the_regret_is_that_of_the_chosen_configuration(problem):
    alone = SETTING | {"workers": 1, "budget": 2.0}
    found = simulate(Scripted([POOR, GOOD]), problem, **alone)
    poor = problem.regret(problem.curve(POOR)[-1])
    # The good one is chosen once it has completed, or once its value is the best of all.
    assert found.regret[: 2 * problem.reports - 1] == pytest.approx(poor)
    assert found.regret[-1] == pytest.approx(0.0)
    by_value = simulate(Scripted([POOR, GOOD]), problem, **alone | {"winner": "value"})
    passes = int(np.argmax(problem.curve(GOOD) > problem.curve(POOR)[-1]))
    expected = [poor] * (problem.reports + passes) + [0.0] * (problem.reports - passes)
    assert by_value.regret == pytest.approx(expected)


def test_a_stopped_trial_makes_room_at_once(problem):
    search = Scripted([GOOD], stops={(0, 1)})
    found = simulate(search, problem, **SETTING | {"workers": 1, "budget": 1.0})
    assert found.stopped_at == [1, problem.reports - 1]


def test_the_scheduler_of_the_program_stops_poor_trials(problem, tmp_path):
    _, unstopped = run(problem, tmp_path / "a", "random", budget=10.0)
    _, halved = run(problem, tmp_path / "b", "random-asha", budget=10.0)
    assert halved.trials > unstopped.trials
    assert halved.samples[: unstopped.trials] == unstopped.samples


def test_the_journal_holds_what_happened(problem, tmp_path):
    search, found = run(problem, tmp_path / "a", budget=10.0)
    trials = search._journal.trials
    assert [len(trials[number].values) for number in trials] == found.stopped_at
    assert sum(trial.status == "completed" for trial in trials.values()) == found.completed
    assert {trial.status for trial in trials.values()} == {"completed", "stopped", "running"}
