from lru_tune.plots import learning_curves


def names_and_sizes(panel):
    return {c.get_label(): len(c.get_paths()) for c in panel.collections if "(" in c.get_label()}


def test_curves_are_grouped_by_how_and_where_they_ended(trials, reports):
    panel = learning_curves(trials, reports, best="0000-t", rungs=[10, 30]).axes[0]
    assert names_and_sizes(panel) == {
        "completed (6)": 6,
        "diverged (1)": 1,
        "stopped by step 10 (11)": 11,
        "stopped by step 30 (5)": 5,
    }
    lines = {line.get_label(): line for line in panel.lines}
    curve = reports[reports["trial"] == "0000-t"]
    assert list(lines["best: 0000-t"].get_ydata()) == curve["val/accuracy"].tolist()
    dotted = [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == ":"]
    assert dotted == [10, 30]


def test_different_ends_have_different_colours(trials, reports):
    panel = learning_curves(trials, reports, rungs=[10, 30]).axes[0]
    colours = [tuple(c.get_color()[0]) for c in panel.collections if "(" in c.get_label()]
    assert len(set(colours)) == len(colours) == 4


def test_many_places_of_stopping_share_one_name(trials, reports):
    stopped = trials["status"] == "stopped"
    trials.loc[stopped, "steps"] = range(1, stopped.sum() + 1)
    sizes = names_and_sizes(learning_curves(trials, reports).axes[0])
    assert sizes["stopped (16)"] == 16


def test_without_reports_the_panel_says_so(trials, reports):
    panel = learning_curves(trials, reports.head(0)).axes[0]
    assert [text.get_text() for text in panel.texts] == ["no trial has reported yet"]
