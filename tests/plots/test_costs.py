import pytest

from lru_tune.plots import cost_bars
from lru_tune.results.reading.costs import costs


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


def test_recorded_parts_are_drawn_and_idle_is_what_is_left(trials, reports):
    ran = trials["seconds"] > 0
    parts = {"compile_seconds": 1.0, "train_seconds": 2.0, "eval_seconds": 0.5}
    recorded = {name: ran.map({True: value, False: None}) for name, value in parts.items()}
    frame = costs(trials.assign(**recorded), reports)
    seconds = trials["seconds"].sum()
    left = cost_bars(frame, seconds, places=2, confirm_seconds=seconds / 4).axes[0]
    widths = {bars.get_label(): sum(bar.get_width() for bar in bars) for bars in left.containers}
    count = ran.sum()
    assert widths["compiling"] * 60 == pytest.approx(count)
    assert widths["training"] * 60 == pytest.approx(2 * count)
    assert widths["evaluation"] * 60 == pytest.approx(0.5 * count)
    assert widths["checkpoints and files"] * 60 == pytest.approx(seconds - 3.5 * count)
    assert widths["search"] * 60 == pytest.approx(seconds)
    assert widths["confirmation"] * 60 == pytest.approx(seconds / 4)
    assert widths["idle"] * 60 == pytest.approx(0.75 * seconds)


def test_no_colour_of_a_part_is_that_of_an_end_beside_it(trials, reports):
    left, right = cost_bars(costs(trials, reports), wall_seconds=300.0).axes
    parts = {bar.get_facecolor()[:3] for bar in left.patches}
    ends = {tuple(dots.get_facecolor()[0][:3]) for dots in right.collections}
    assert len(ends) == 3
    assert not parts & ends


def test_without_a_wall_time_there_is_no_bar_for_it(trials, reports):
    left = cost_bars(costs(trials, reports)).axes[0]
    assert "wall time" not in [label.get_text() for label in left.get_yticklabels()]
