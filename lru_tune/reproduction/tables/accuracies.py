"""A table of accuracies: published beside ours, with the difference and a verdict."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lru_tune.paper.published import Published
from lru_tune.paper.tables import Column, PaperTable, Row
from lru_tune.reproduction.outcome import CellResult
from lru_tune.reproduction.scale import Setting
from lru_tune.reproduction.store import TaskData
from lru_tune.reproduction.tables.latex import Block
from lru_tune.reproduction.tables.result_table import ResultTable
from lru_tune.results.judging.stats import Summary, share_learned, summarise
from lru_tune.results.judging.verdict import Verdict, judge

NO_RESULT, NOTHING = "no result", "-"
HEADER = (
    "row",
    "task",
    "published (SE)",
    "ours ± 95 %",
    "n",
    "learned",
    "learning rate",
    "difference (95 %)",
    "verdict",
)
DIGITS = 6  # of the numbers for programs
EXPLANATIONS = (
    "Accuracies on the test split, in percent. ± is half the width of the 95 % interval of the mean over n "
    "seeds (Student's t). A run that diverged counts as chance; a run that failed does not count.",
    "learned: share of the seeds clearly above chance. difference: ours minus published, in points.",
    "If several learning rates were tried, each was run once with a seed that is not used here, and the best "
    "on validation was taken. The paper states only one of its learning rates.",
)


class Judged(NamedTuple):
    """A cell's results and their comparison with the paper.

    Attributes:
      summary: of our accuracies, in percent.
      learned: share of the seeds clearly above chance; NaN without seeds.
      verdict: None if the results cannot be compared.
      remark: why the data do not allow a verdict; usually "".
    """

    result: CellResult
    published: Published | None
    summary: Summary
    learned: float
    verdict: Verdict | None
    remark: str


def judged(
    table: PaperTable, result: CellResult, setting: Setting, data: TaskData | None
) -> Judged:
    """Compare a cell's results with the published number.

    A verdict needs the paper's setting and complete data.

    Args:
      table: the published table.
      result: of one of its cells.
      setting: of the reproduction.
      data: of the cell's task; None if it is not prepared.
    """
    published = table.published(result.cell.row, result.cell.column)
    chance = 100 * data.chance if data else math.nan
    counted = [chance if math.isnan(x) else x for x in result.accuracies]
    learned = share_learned([x / 100 for x in counted], chance / 100)
    remark = data.shortfall if data else ""
    verdict = None
    if counted and published is not None and not setting.labels and not remark:
        verdict = judge(result.accuracies, published, chance=chance)
    return Judged(result, published, summarise(counted), learned, verdict, remark)


def accuracy_table(
    table: PaperTable,
    rows: Sequence[Row],
    columns: Sequence[Column],
    found: Sequence[Judged],
    setting: Setting,
    about: Mapping[str, Any],
) -> ResultTable:
    """Return the table of some rows and columns.

    Args:
      table: the published table.
      rows: the rows to show; those that cannot be run appear in the overview with their published numbers.
      columns: the columns to show.
      found: the results of every cell that can be run.
      setting: of the reproduction.
      about: further entries of the JSON file.
    """
    places = {(j.result.cell.row.name, j.result.cell.column.name): j for j in found}
    wanted = [(row.name, column.name) for row in rows for column in columns]
    shown = [places[place] for place in wanted if place in places]
    overview = Block(
        "Overview, published → ours",
        ["", *(column.name for column in columns)],
        [[row.name, *(_overview(table, row, c, places) for c in columns)] for row in rows],
    )
    return ResultTable(
        title=f"{table.heading}, reproduced: {table.title}",
        labels=setting.labels,
        blocks=(overview, *_cells(shown)),
        notes=(
            *EXPLANATIONS,
            f"Published: {table.source}.",
            *_caveats(rows, shown),
            *_remarks(shown),
        ),
        records=[_record(j) for j in shown],
        about=dict(about),
    )


def _cells(shown: Sequence[Judged]) -> list[Block]:
    """Return the block of the cells that have results, if any."""
    begun = [_line(j) for j in shown if j.summary.n or j.result.failed]
    return [Block("Cells", HEADER, begun)] if begun else []


def _caveats(rows: Sequence[Row], shown: Sequence[Judged]) -> list[str]:
    """Return the notes on the published rows and cells."""
    named: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            named.setdefault(row.note, []).append(row.name)
    lines = [f"{', '.join(names)}: {note}." for note, names in named.items()]
    cells = ((j.result.cell, j.published) for j in shown)
    return lines + [f"{cell}: {told.note}." for cell, told in cells if told and told.note]


def _remarks(shown: Sequence[Judged]) -> list[str]:
    lines = [f"{j.result.cell.column.name}: {j.remark}; no verdict." for j in shown if j.remark]
    for found in shown:
        notes = found.verdict.notes if found.verdict else ()
        lines += [f"{found.result.cell}: {note}." for note in notes]
    if not any(found.summary.n for found in shown):
        lines.append("No cell has been run yet.")
    devices = sorted({device for found in shown for device in found.result.devices})
    if devices:
        lines.append(f"Run on {', '.join(devices)}.")
    if counts := Counter(found.verdict.outcome for found in shown if found.verdict):
        lines.append("Verdicts: " + ", ".join(f"{n} {word}" for word, n in counts.items()) + ".")
    return list(dict.fromkeys(lines))


def _overview(
    table: PaperTable, row: Row, column: Column, places: Mapping[tuple[str, str], Judged]
) -> str:
    published = table.published(row, column)
    text = NOTHING if published is None else str(published)
    found = places.get((row.name, column.name))
    if found is None or not found.summary.n:
        return text
    verdict = f" {found.verdict.outcome}" if found.verdict else ""
    return f"{text} → {found.summary.mean:.1f}{verdict}"


def _line(found: Judged) -> list[str]:
    result, verdict = found.result, found.verdict
    rate = f"{result.chosen.rate:g} ({result.chosen.how})" if result.chosen else NOTHING
    return [
        result.cell.row.name,
        result.cell.column.name,
        NOTHING if found.published is None else str(found.published),
        _ours(found),
        _count(result),
        NOTHING if math.isnan(found.learned) else f"{found.learned:.0%}",
        rate,
        _difference(verdict),
        "none" if verdict is None else str(verdict),
    ]


def _ours(found: Judged) -> str:
    summary = found.summary
    if summary.n == 0:
        return NO_RESULT
    if summary.n == 1:
        return f"{summary.mean:.2f}"
    return f"{summary.mean:.2f} ± {(summary.high - summary.low) / 2:.2f}"


def _count(result: CellResult) -> str:
    """Return the number of seeds that count, and those that diverged, failed or are left."""
    others = {"diverged": result.diverged, "failed": result.failed, "to go": result.waiting}
    parts = [f"{count} {what}" for what, count in others.items() if count]
    return ", ".join([str(len(result.accuracies)), *parts])


def _difference(verdict: Verdict | None) -> str:
    if verdict is None:
        return NOTHING
    if math.isnan(verdict.low):
        return f"{verdict.difference:+.2f}"
    return f"{verdict.difference:+.2f} ({verdict.low:+.2f} to {verdict.high:+.2f})"


def _record(found: Judged) -> dict[str, Any]:
    """Return a cell's numbers; missing values are None."""
    result, published, verdict = found.result, found.published, found.verdict
    config = result.cell.config
    return {
        "row": result.cell.row.name,
        "column": result.cell.column.name,
        "task": config.task,
        "variant": config.variant,
        "published": published.mean if published else None,
        "published_standard_error": published.standard_error if published else None,
        "published_n": published.n if published else None,
        "published_at_chance": published.at_chance if published else None,
        "ours": _number(found.summary.mean),
        "ours_low": _number(found.summary.low),
        "ours_high": _number(found.summary.high),
        "n": found.summary.n,
        "learned": _number(found.learned),
        "diverged": result.diverged,
        "failed": result.failed,
        "waiting": result.waiting,
        "seeds": result.seeds,
        "accuracies": [_number(accuracy) for accuracy in result.accuracies],
        "runs": list(result.run_names),
        "steps": config.steps,
        "learning_rate": result.chosen.rate if result.chosen else None,
        "learning_rate_chosen": result.chosen.how if result.chosen else None,
        "learning_rates_tried": list(result.cell.rates),
        "difference": _number(verdict.difference) if verdict else None,
        "difference_low": _number(verdict.low) if verdict else None,
        "difference_high": _number(verdict.high) if verdict else None,
        "margin": verdict.margin if verdict else None,
        "verdict": verdict.outcome if verdict else None,
        "needs_seeds": verdict.needs if verdict else None,
        "device": " + ".join(result.devices) or None,
        "remark": found.remark,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)
