import math

import numpy as np
import pytest

from lru_tune.plots import eigenvalue_ring, half_lives, input_gains
from lru_tune.plots.dynamics import half_life

BEFORE = [np.array([0.5 + 0.5j, 0.9j]), np.array([0.8, -0.8]) + 0j]
AFTER = [np.array([0.6 + 0.5j, 0.95j]), np.array([0.9, -0.7]) + 0j]


def test_a_half_life_is_the_steps_to_half_a_state():
    values = half_life(np.array([0.5, 0.5j, -(0.5**0.1), 1.0, 0.0]))
    assert values == pytest.approx([1.0, 1.0, 10.0, math.inf, 0.0])
    for value in (0.9, 0.99 * np.exp(1j)):
        steps = half_life(np.array([value]))[0]
        assert abs(value) ** steps == pytest.approx(0.5)


def test_every_layer_shows_its_eigenvalues_before_and_after():
    panels = eigenvalue_ring(BEFORE, AFTER).axes
    assert [panel.get_title() for panel in panels] == ["layer 0", "layer 1"]
    lines = {line.get_label(): line for line in panels[0].lines}
    assert list(lines["before"].get_xdata()) == [0.5, 0.0]
    assert list(lines["after"].get_ydata()) == [0.5, 0.95]
    (paths,) = panels[0].collections
    assert paths.get_segments()[1].tolist() == [[0.0, 0.9], [0.0, 0.95]]


def test_eigenvalues_in_a_corner_fill_the_picture_and_spread_ones_show_the_whole_disk():
    near = [np.array([0.9 + 0.1j, 0.98]), np.array([0.95 + 0.05j, 0.92])]
    panels = eigenvalue_ring(near, near).axes
    assert panels[0].get_xlim() == pytest.approx((0.84, 1.04))
    assert panels[1].get_xlim() == panels[0].get_xlim()
    assert eigenvalue_ring(BEFORE, AFTER).axes[0].get_xlim() == (-1.15, 1.15)
    for panel in panels:
        (low, high), (below, above) = panel.get_xlim(), panel.get_ylim()
        assert high - low == pytest.approx(above - below)
        assert all(low < x.real < high and below < x.imag < above for x in np.concatenate(near))


def test_half_lives_are_sorted_and_the_length_of_the_task_is_a_line():
    panel = half_lives(BEFORE, AFTER, 1024).axes[1]
    lines = {line.get_label(): line for line in panel.lines}
    assert lines["after"].get_ydata() == pytest.approx(np.sort(half_life(AFTER[1])))
    assert list(lines["sequence, 1024"].get_ydata()) == [1024, 1024]
    assert panel.get_yscale() == "log"


def test_gains_are_drawn_against_those_before():
    before, after = [np.array([0.1, 0.4])], [np.array([0.2, 0.4])]
    dots = input_gains(before, after).axes[0].lines[0]
    assert (list(dots.get_xdata()), list(dots.get_ydata())) == ([0.1, 0.4], [0.2, 0.4])


def test_a_variant_without_gamma_is_said():
    (panel,) = input_gains([np.empty(0)], [np.empty(0)]).axes
    assert "no gamma" in panel.texts[0].get_text()
