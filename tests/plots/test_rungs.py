from lru_tune.plots import rung_scatter
from lru_tune.results.reading.rungs import rung_values


def test_dots_are_completed_trials_and_ticks_the_others(trials, reports):
    values = rung_values(trials, reports, [10, 30])
    first, second = rung_scatter(values).axes
    assert len(first.collections[0].get_offsets()) == 6
    assert len(first.lines[0].get_xdata()) == 16 + 1  # stopped, and the one that diverged
    assert len(second.lines[0].get_xdata()) == 5
    assert first.get_title().startswith("step 10: Spearman ")
    assert first.get_title().endswith("(n = 6)")
    assert first.get_ylim() == second.get_ylim()
    good = values[(values["trial"] == "0000-t") & (values["rung"] == 10)].iloc[0]
    assert [good["value"], good["final"]] in first.collections[0].get_offsets().tolist()


def test_without_rungs_the_panel_says_so(trials, reports):
    (panel,) = rung_scatter(rung_values(trials, reports, [])).axes
    assert panel.texts[0].get_text() == "no trial has reached a rung"
