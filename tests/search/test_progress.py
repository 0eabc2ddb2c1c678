import io

import pytest
from rich.console import Console

from lru_tune.search.progress import Progress, Row

SEARCHED = (
    "learning_rate 0.0121, recurrent_lr_factor 0.25, weight_decay 0.0352, r_min 0.9, r_max 0.99"
)


def shown(progress: Progress, columns: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=columns).print(progress.table())
    return stream.getvalue().splitlines()


def progress(rows: dict[str, Row], fields: tuple[str, ...] = ("optim.learning_rate",)) -> Progress:
    stage = Progress(
        "search",
        total=8,
        steps=6400,
        metric="val/accuracy",
        mode="max",
        fields=fields,
        rows=rows,
    )
    stage._started = 0.0
    return stage


def test_a_narrow_terminal_cuts_off_only_what_was_searched():
    rows = {"0000-b9b34a87": Row(79_800, 0.25, 0.3625, "completed", SEARCHED)}
    head, line = shown(progress(rows), 80)[-2:]
    assert head.split() == ["trial", "status", "step", "val/accuracy", "best", "searched"]
    assert line.split()[:5] == ["0000-b9b34a87", "completed", "79,800", "0.2500", "0.3625"]
    assert line.split()[5] == "learning_rate"
    assert line.endswith("…")


def test_a_wide_terminal_shows_everything_on_one_line():
    rows = {"0000-b9b34a87": Row(100, 0.25, 0.3625, "running", SEARCHED)}
    assert shown(progress(rows), 200)[-1].endswith(SEARCHED)


def test_no_heads_stand_above_nothing():
    assert shown(progress({}), 80) == ["search: 0/8 ended"]


def test_a_stage_that_searches_nothing_has_no_such_head():
    rows = {"00-seed1": Row(100, 0.25, 0.25)}
    assert "searched" not in "\n".join(shown(progress(rows, fields=()), 80))


@pytest.mark.parametrize(("seconds", "pace"), [(1000, "0.2"), (40, "5"), (0.1, "2,000")])
def test_a_slow_pace_is_not_called_none(monkeypatch, seconds, pace):
    stage = progress({})
    stage._rows["0000-b9b34a87"] = Row(200, 0.25, 0.25)
    monkeypatch.setattr("time.monotonic", lambda: seconds)
    assert f"; {pace} steps/s; about " in " ".join(shown(stage, 200))
