import numpy as np
import pytest

from lru_tune.plots import best_so_far


def test_the_line_is_the_best_until_then_and_dots_are_all_values(trials):
    pytest.importorskip("matplotlib")
    left, right = best_so_far(trials, share=2.0).axes
    (line,) = left.lines
    eligible = trials["val/accuracy"].where(~trials["status"].isin(["diverged", "failed"]))
    assert line.get_ydata() == pytest.approx(eligible.cummax().ffill())
    assert list(line.get_xdata()) == list(range(1, 25))
    dots = np.concatenate([c.get_offsets()[:, 1] for c in left.collections])
    assert sorted(dots) == pytest.approx(sorted(trials["val/accuracy"].dropna()))
    hours = trials["seconds"].fillna(0).cumsum() * 2.0 / 3600
    assert right.lines[0].get_xdata() == pytest.approx(hours)


def test_a_diverged_trial_is_never_the_best(trials):
    trials.loc[1, "val/accuracy"] = 0.99
    assert best_so_far(trials).axes[0].lines[0].get_ydata().max() < 0.9


def test_less_is_better_for_a_loss(trials):
    line = best_so_far(trials, "val/loss", "min").axes[0].lines[0].get_ydata()
    assert (np.diff(line) <= 0).all()
