import pytest

from lru_tune.plots import cost_bars
from lru_tune.results.costs import costs


def test_bars_add_up_to_the_seconds_of_all_trials(trials, reports):
    frame = costs(trials, reports)
    left, right = cost_bars(frame, wall_seconds=300.0).axes
    bars = [bar.get_width() for bar in left.patches]
    assert bars.pop() == 5.0  # minutes of wall time
    assert sum(bars) * 60 == pytest.approx(trials["seconds"].sum())
    assert right.collections[0].get_offsets()[:, 1].tolist() == [
        40.0 + number for number in range(24) if number != 2
    ]


def test_without_a_wall_time_there_is_no_bar_for_it(trials, reports):
    left = cost_bars(costs(trials, reports)).axes[0]
    assert "wall time" not in [label.get_text() for label in left.get_yticklabels()]
