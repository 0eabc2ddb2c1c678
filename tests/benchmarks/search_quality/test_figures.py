import statistics

import pytest

from benchmarks.search_quality.figures import (
    SHARES,
    column,
    first_share,
    paired,
    speed_ups,
    table,
    task_means,
    wins,
    worse_than_random,
)


def row(method, task, seed, *regrets):
    """Return a row whose regret is given at every share, the last one repeated."""
    path = [*regrets, *[regrets[-1]] * (len(SHARES) - len(regrets))]
    columns = {column(share): value for share, value in zip(SHARES, path, strict=True)}
    return {"method": method, "task": task, "seed": seed, "trials": 9} | columns


def rows(default):
    """Return three tasks; the default differs from random proposals by what is given."""
    found = []
    for task, difference in zip("abc", default, strict=True):
        found += [row("random", task, 0, 60.0, 40.0), row("random-asha", task, 0, 40.0, 20.0)]
        found.append(row("default", task, 0, 20.0 + difference))
    return found


def test_seeds_are_averaged_within_a_task():
    assert task_means([row("m", "a", 0, 1.0), row("m", "a", 1, 3.0)], "m") == {"a": 2.0}


def test_a_paired_difference_is_students():
    d = paired({"a": 1.0, "b": 2.0, "c": 6.0}, {"a": 0.0, "b": 0.0, "c": 0.0})
    error = statistics.stdev([1.0, 2.0, 6.0]) / 3**0.5
    assert d.mean == pytest.approx(3.0)
    assert d.t == pytest.approx(3.0 / error)
    assert (d.high - d.mean) / error == pytest.approx(4.3027, rel=1e-4)  # 97.5 %, 2 degrees
    assert d.tasks == 3


def test_wins_are_counted_over_the_tasks_both_have():
    assert wins({"a": 1.0, "b": 3.0, "d": 0.0}, {"a": 2.0, "b": 2.0, "c": 9.0}) == 1


def test_the_first_share_is_interpolated():
    path = [100.0, 60.0, 20.0, *[10.0] * (len(SHARES) - 2)]
    assert first_share(path, 40.0) == pytest.approx(7.5)
    assert first_share(path, 5.0) is None


def test_a_method_that_is_sooner_has_a_speed_up_and_one_that_never_is_has_none():
    measured = [row("random", "a", 0, *[50.0] * 9, 40.0), row("fast", "a", 0, 40.0)]
    measured.append(row("slow", "a", 0, 45.0))
    assert speed_ups(measured, "random") == (pytest.approx(2.0), 1)
    assert speed_ups(measured, "fast") == (pytest.approx(20.0), 1)
    assert speed_ups(measured, "slow") == (1.0, 0)


@pytest.mark.parametrize(
    ("differences", "worse"),
    [((4.0, 5.0, 6.0), True), ((-4.0, 5.0, 6.0), False), ((-4.0, -5.0, -6.0), False)],
)
def test_worse_than_random_is_worse_beyond_error(differences, worse):
    assert (worse_than_random(rows(differences)) is not None) is worse


def test_the_table_has_a_line_a_method():
    lines = table(rows((1.0, 2.0, 3.0))).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "random",
        "random-asha",
        "default",
    ]
    assert "3 of 3" in lines[4]


def test_a_method_with_fewer_seeds_is_compared_over_its_own():
    measured = [
        *rows((0.0, 0.0, 0.0)),
        row("random-asha", "a", 1, 90.0),
        row("random", "a", 1, 90.0),
    ]
    assert "+0.0 (+0.0 to +0.0)" in table(measured).splitlines()[4]
