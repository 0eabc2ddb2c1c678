from benchmarks.timing import Spent, cpu_ratios, in_turns, milliseconds, ratios


def test_programs_take_turns_after_one_step_that_warms_up_and_one_that_is_timed():
    calls = []
    runs = {name: lambda steps, name=name: calls.append((name, steps)) for name in ("a", "b")}
    times = in_turns(runs, rounds=2, budget=1e9, most_steps=7)
    assert calls == [("a", 1), ("a", 1), ("b", 1), ("b", 1), *[("a", 7), ("b", 7)] * 2]
    assert {name: len(each) for name, each in times.items()} == {"a": 2, "b": 2}


def test_ratios_are_taken_round_by_round():
    slow = [Spent(wall=4.0, cpu=6.0), Spent(wall=9.0, cpu=6.0), Spent(wall=2.0, cpu=6.0)]
    fast = [Spent(wall=2.0, cpu=2.0), Spent(wall=3.0, cpu=3.0), Spent(wall=2.0, cpu=6.0)]
    assert ratios("x", slow, fast) == {"x_median": 2.0, "x_min": 1.0, "x_max": 3.0}
    assert cpu_ratios("x", slow, fast) == {"x_median": 2.0, "x_min": 1.0, "x_max": 3.0}
    assert milliseconds("y", fast) == {
        "y_ms_median": 2000.0,
        "y_ms_min": 2000.0,
        "y_ms_max": 3000.0,
    }
