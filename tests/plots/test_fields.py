"""Slices, parallel coordinates, contours, importances and bounds of the same search."""

import numpy as np
import pandas as pd
import pytest

from lru_tune.plots import (
    boundary_strips,
    contour_pairs,
    importance_bars,
    parallel_coordinates,
    slices,
)
from lru_tune.results import ranked


def test_every_searched_field_has_a_slice_with_every_value(trials, search):
    panels = slices(trials, search).axes
    assert [panel.get_xlabel() for panel in panels] == ["learning_rate", "r_max", "n_layers"]
    for panel in panels:
        heights = np.concatenate([c.get_offsets()[:, 1] for c in panel.collections])
        assert sorted(heights) == pytest.approx(sorted(trials["val/accuracy"].dropna()))
    completed = next(c for c in panels[0].collections if c.get_label() == "completed")
    rates = trials.loc[trials["status"] == "completed", "config/optim.learning_rate"]
    places = completed.get_offsets()[:, 0].tolist()
    assert places == pytest.approx(((np.log10(rates) + 4) / 2).tolist())


def test_only_completed_trials_are_filled(trials, search):
    for dots in slices(trials, search).axes[0].collections:
        filled = len(dots.get_facecolor()) > 0
        assert filled == (dots.get_label() == "completed")


def test_every_trial_with_a_value_is_a_line_and_the_best_lies_on_top(trials, search):
    panel = parallel_coordinates(trials, search).axes[0]
    lines = panel.collections[0].get_segments()
    assert len(lines) == 22  # without the failed and the diverged one
    assert lines[-1][-1][1] == 1.0
    best = trials.loc[trials["val/accuracy"].idxmax()]
    assert lines[-1][0][1] == pytest.approx((np.log10(best["config/optim.learning_rate"]) + 4) / 2)
    names = [label.get_text() for label in panel.get_xticklabels()]
    assert names == ["learning_rate", "r_max", "n_layers", "val/accuracy"]


def test_for_a_loss_the_smallest_lies_on_top(trials, search):
    lines = parallel_coordinates(trials, search, "val/loss", "min").axes[0].collections[0]
    assert lines.get_segments()[-1][-1][1] == 0.0


def test_pairs_have_dots_and_a_surface_only_over_intervals(trials, search):
    pytest.importorskip("matplotlib")
    *panels, _bar = contour_pairs(trials, search, list(search)).axes
    pairs = [(panel.get_xlabel(), panel.get_ylabel()) for panel in panels]
    assert pairs == [
        ("learning_rate", "r_max"),
        ("learning_rate", "n_layers"),
        ("r_max", "n_layers"),
    ]
    assert [len(panel.collections) for panel in panels] == [2, 1, 1]
    for panel in panels:
        assert len(panel.collections[-1].get_offsets()) == 22


def test_one_field_alone_makes_no_pair(trials, search):
    (panel,) = contour_pairs(trials, search, ["optim.learning_rate"]).axes
    assert "fewer than two" in panel.texts[0].get_text()


def test_bars_are_importances_and_lines_their_intervals():
    frame = pd.DataFrame(
        {"field": ["a", "b"], "importance": [0.9, 0.1], "low": [0.6, 0.0], "high": [1.0, 0.3]}
    )
    panel = importance_bars(frame, "23 trials at their best up to step 10").axes[0]
    assert [bar.get_width() for bar in panel.patches] == [0.1, 0.9]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["b", "a"]
    ends = [segment[:, 0].tolist() for segment in panel.collections[0].get_segments()]
    assert ends == [[0.0, 0.3], [0.6, 1.0]]
    assert "up to step 10" in panel.get_xlabel()


def test_without_importances_the_panel_says_so():
    panel = importance_bars(pd.DataFrame(columns=["field", "importance", "low", "high"]), "").axes[
        0
    ]
    assert "too few trials" in panel.texts[0].get_text()


def test_a_pressed_bound_is_red_and_names_a_wider_interval(trials, search):
    narrow = search | {"optim.learning_rate": {"loguniform": [1e-4, 1e-2]}}
    trials["config/optim.learning_rate"] = np.where(trials["val/accuracy"] > 0.6, 9.9e-3, 5e-4)
    panel = boundary_strips(ranked(trials), narrow).axes[0]
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names[0].startswith("optim.learning_rate\ntry {loguniform: [0.0001, ")
    assert names[1] == "model.recurrence.r_max"
    (mark,) = panel.patches
    assert (mark.get_x(), mark.get_width()) == pytest.approx((0.9, 0.1))
    top = panel.lines[1].get_xdata()
    assert len(top) == 5  # the best fourth of 22


def test_a_strip_names_the_ends_of_its_interval(trials, search):
    wide = search | {"optim.learning_rate": {"loguniform": [5e-5, 5e-2]}}
    panel = boundary_strips(ranked(trials), wide).axes[0]
    assert [text.get_text() for text in panel.texts] == ["5e-05 … 0.05", "0.9 … 0.9999"]


def test_nothing_pressed_is_nothing_red(trials, search):
    panel = boundary_strips(ranked(trials), search).axes[0]
    assert len(panel.patches) == 0
    assert len(panel.lines) == 4
