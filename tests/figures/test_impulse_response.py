import numpy as np

from lru_tune.figures import impulse_response as figure

SMALL = figure.Settings(length=4096, nu=2e-4, population=200)


def test_the_statements_hold_for_a_shorter_sequence():
    assert [
        statement for statement in figure.compute(SMALL).statements if not statement.holds
    ] == []


def test_oscillations_are_half_the_changes_of_sign():
    theta = np.array([0.05, 1.0, 6.0])
    states = figure.closed_form(0.0, theta, 2000)
    changes = (np.diff(np.sign(states), axis=0) != 0).sum(axis=0)
    np.testing.assert_allclose(figure.oscillations(theta, 2000), changes / 2, atol=1)


def test_the_share_of_low_frequencies_is_all_or_nothing_for_pure_waves():
    k = np.arange(1000)
    states = np.stack(
        [np.cos(2 * np.pi * 3 * k / 1000), np.cos(2 * np.pi * 200 * k / 1000)], axis=1
    )
    np.testing.assert_allclose(figure.share_below(states, 0.1), [1.0, 0.0], atol=1e-12)


def test_the_recurrence_is_the_power_of_the_eigenvalue():
    theta = np.array([0.3, 4.0], np.float32)
    np.testing.assert_allclose(
        figure.by_recurrence(0.01, theta, 200), figure.closed_form(0.01, theta, 200), atol=1e-4
    )


def test_each_phase_has_a_row_with_the_whole_sequence_and_its_start():
    canvas = figure.compute(SMALL).draw()
    assert len(canvas.axes) == 4
    assert [len(axes.lines) for axes in canvas.axes] == [3] * 4
    assert [len(axes.lines[0].get_ydata()) for axes in canvas.axes] == [4096, 64] * 2
    whole = canvas.axes[2]
    counts = [int(text.get_text().split()[0]) for text in whole.get_legend().get_texts()]
    assert max(counts) <= SMALL.length / 100
