import math

import pytest

from lru_tune.plots import confirmed_seeds
from lru_tune.results import confirmations, summarise


def test_seeds_means_intervals_and_the_score_of_the_search_are_drawn(searched, trials):
    confirmed = confirmations(searched)
    panel = confirmed_seeds(trials, confirmed, chance=0.1).axes[0]
    lines = {line.get_label(): line for line in panel.lines}
    assert list(lines["validation, one dot a seed"].get_xdata()) == [0.6, 0.61, 0.62]
    assert list(lines["test, one dot a seed"].get_xdata()) == pytest.approx([0.58, 0.6, 0.62])
    score = trials["val/accuracy"][0]
    assert lines["score in the search (validation)"].get_xdata()[0] == score
    assert lines["chance"].get_xdata()[0] == 0.1
    validation, test = (c.get_segments()[0][:, 0].tolist() for c in panel.collections)
    expected = summarise([0.6, 0.61, 0.62])
    assert validation == pytest.approx([expected.low, expected.high])
    assert test[1] - test[0] > validation[1] - validation[0]
    (name,) = (label.get_text() for label in panel.get_yticklabels())
    assert name == f"0000-t\ngap {100 * (score - 0.61):+.1f} points"


def test_seeds_without_a_test_value_are_drawn_on_validation_alone(searched, trials):
    confirmed = confirmations(searched).assign(**{"test/accuracy": math.nan})
    panel = confirmed_seeds(trials, confirmed).axes[0]
    assert "test, one dot a seed" not in {line.get_label() for line in panel.lines}


def test_without_a_confirmation_the_panel_says_so(searched, trials):
    panel = confirmed_seeds(trials, confirmations(searched).head(0)).axes[0]
    assert "no trial has been confirmed" in panel.texts[0].get_text()


def test_an_interval_of_two_seeds_far_apart_does_not_stretch_the_axis(searched, trials):
    confirmed = confirmations(searched).head(2).assign(**{"val/accuracy": [0.2, 0.9]})
    left, right = confirmed_seeds(trials, confirmed).axes[0].get_xlim()
    assert (left, right) == pytest.approx((-0.02, 1.02))
