import pandas as pd

from lru_tune.results import best_run, confirmations, load_runs
from lru_tune.results.advising.advice import advice


def advised(folder):
    trials = load_runs(folder)
    return "\n".join(advice(trials, confirmations(folder), best_run(trials)))


def test_a_search_that_still_found_better_ones_asks_for_more_trials(empty_experiment, write_run):
    folder = empty_experiment()
    for number in range(10):
        write_run(folder / "trials" / f"{number:04d}", accuracies=(0.1 + number / 100, 0.05))
    text = advised(folder)
    assert "The best trial was number 10 of 10" in text
    assert "not confirmed" in text
    assert "last report" not in text
    assert "diverged" not in text


def test_few_trials_many_divergences_and_a_rising_winner_are_said(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000", accuracies=(0.1, 0.2))
    write_run(folder / "trials" / "0001", accuracies=(), status="diverged")
    text = advised(folder)
    assert "1 of 2 trials diverged" in text
    assert "2 trials are too few" in text
    assert "in its last report" in text


def test_a_confirmed_search_is_not_told_to_confirm(experiment):
    assert "confirmed" not in advised(experiment)


def test_without_a_winner_only_divergence_is_worth_a_line(empty_experiment, write_run):
    folder = empty_experiment()
    write_run(folder / "trials" / "0000", accuracies=(), status="diverged")
    assert len(advice(load_runs(folder), pd.DataFrame(), None)) == 1
