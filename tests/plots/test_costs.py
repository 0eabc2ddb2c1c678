import pytest

from lru_tune.plots import cost_bars
from lru_tune.results.costs import costs


def test_bars_add_up_to_the_seconds_of_all_trials(trials, reports):
    frame = costs(trials, reports)
    left, right = cost_bars(frame, wall_seconds=300.0).axes
    bars = [bar.get_width() for bar in left.patches]
    assert bars.pop() == 5.0  # minutes of wall time
    assert sum(bars) * 60 == pytest.approx(trials["seconds"].sum())
    dots = {dots.get_label(): dots.get_offsets().tolist() for dots in right.collections}
    assert dots.keys() == {"completed", "stopped", "diverged"}
    assert sorted(dot for group in dots.values() for dot in group) == [
        [place, 40.0 + number]
        for place, number in enumerate((n for n in range(24) if n != 2), start=1)
    ]


def test_no_colour_of_a_part_is_that_of_an_end_beside_it(trials, reports):
    left, right = cost_bars(costs(trials, reports), wall_seconds=300.0).axes
    parts = {bar.get_facecolor()[:3] for bar in left.patches}
    ends = {tuple(dots.get_facecolor()[0][:3]) for dots in right.collections}
    assert len(ends) == 3
    assert not parts & ends


def test_without_a_wall_time_there_is_no_bar_for_it(trials, reports):
    left = cost_bars(costs(trials, reports)).axes[0]
    assert "wall time" not in [label.get_text() for label in left.get_yticklabels()]
