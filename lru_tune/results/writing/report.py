"""report.md: the search space, the best trial, its confirmation and suggestions."""

import math
import shlex
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd

from lru_tune.files import run_directory as runs
from lru_tune.formatting import duration, markdown_table, number, one_line, percent, points
from lru_tune.results.advising.advice import advice
from lru_tune.results.advising.boundaries import pressed_bounds
from lru_tune.results.judging.best import ELIGIBLE, ranked
from lru_tune.results.judging.stats import (
    LEARNED,
    Summary,
    share_learned,
    summarise,
    winners_curse,
)
from lru_tune.results.reading.frame import (
    BEST_STEP,
    CONFIG_PREFIX,
    ERROR,
    HORIZON,
    STATUS,
    STEPS,
    TRIAL,
)
from lru_tune.results.reading.record import ExperimentRecord

TOP = 10  # trials shown
REASONS = 5  # errors shown
NOT_COMPARABLE = "not comparable with published numbers"


class Findings(NamedTuple):
    """The data of a report.

    Attributes:
      folder: the experiment's folder, absolute.
      record: its experiment.json.
      search: the `search` block of its space: dotted field -> {kind: arguments}.
      trials: `load_runs` of its trials.
      confirmed: `load_runs` of its confirmation, with the search's trial in `trial`.
      best: row of the best trial by validation; None if none succeeded.
    """

    folder: Path
    record: ExperimentRecord
    search: dict[str, Any]
    trials: pd.DataFrame
    confirmed: pd.DataFrame
    best: pd.Series | None


Section = Literal[
    "heading", "winner", "confirmation", "top", "ends", "space", "bounds", "advice", "next"
]


def render(findings: Findings) -> str:
    """Return the text of report.md."""
    return "\n\n".join(sections(findings).values()) + "\n"


def sections(findings: Findings) -> dict[Section, str]:
    """Return the sections of report.md in order, each in Markdown; empty sections are left out."""
    found: dict[Section, list[str]] = {
        "heading": _heading(findings),
        "winner": _winner(findings),
        "confirmation": _confirmation(findings),
        "top": _top_trials(findings),
        "ends": _ends(findings),
        "space": _space(findings),
        "bounds": _bounds(findings),
        "advice": _advice(findings),
        "next": _next_steps(findings),
    }
    return {name: "\n".join(lines) for name, lines in found.items() if lines}


def summary(findings: Findings) -> str:
    """Return the report in a few lines of plain text."""
    record = findings.record
    lines = [
        f"{findings.folder.name}: {record.task}, variant {record.variant}, {record.status}",
        *_stamps(record),
        f"trials: {_counts(findings.trials)}",
    ]
    if findings.best is not None:
        lines.append(f"best: {findings.best[TRIAL]}, {_score(findings)}")
    lines += [f"confirmed: {line}" for line in _confirmed_lines(findings)]
    lines += [
        f"bound: the best trials lie at the {alarm.end} end of {alarm.field}"
        for alarm in _alarms(findings)
    ]
    return "\n".join(lines)


def _heading(findings: Findings) -> list[str]:
    record = findings.record
    facts = [
        ("task", record.task),
        ("variant", record.variant),
        ("scale", record.scale),
        ("status", record.status),
        ("trials", _counts(findings.trials)),
        ("chance level", None if record.chance is None else percent(record.chance)),
        ("data", record.data.get("fingerprint")),
        ("device", record.device),
        ("time", None if record.seconds is None else duration(record.seconds)),
    ]
    lines = [f"# {findings.folder.name}", ""]
    lines += [line for stamp in _stamps(record) for line in (f"> **{stamp}**", "")]
    return lines + [f"- {name}: {value}" for name, value in facts if value is not None]


def _stamps(record: ExperimentRecord) -> list[str]:
    stamps = {
        f"quick: {NOT_COMPARABLE}": record.scale == "quick",
        f"synthetic data: {NOT_COMPARABLE}, not even with results on the real task": record.synthetic,
    }
    found = [text for text, applies in stamps.items() if applies]
    return found + ([record.protocol_stamp] if record.protocol_stamp else [])


def _winner(findings: Findings) -> list[str]:
    if findings.best is None:
        return ["## Winner", "", "None: no trial has completed or reported a usable value."]
    best = findings.best
    lines = ["## Winner", "", f"`{best[TRIAL]}` with {_score(findings)}."]
    if best[STATUS] != "completed":
        lines.append(f"Its status is {best[STATUS]}: no trial has completed.")
    values = [(f"`{field}`", number(best[CONFIG_PREFIX + field])) for field in _searched(findings)]
    return lines + (["", *markdown_table(["field", "value"], values)] if values else [])


def _confirmation(findings: Findings) -> list[str]:
    if findings.confirmed.empty:
        return []
    chance = findings.record.chance
    header = ["trial", "search", "validation", "gap", "test", "n", "95 % interval of test"]
    rows = []
    for trial, runs_of_trial in findings.confirmed.groupby(TRIAL, sort=False, dropna=False):
        score = _search_score(findings, trial)
        validation = runs_of_trial[runs.VAL_ACCURACY].tolist()
        test = summarise(runs_of_trial[runs.TEST_ACCURACY].tolist())
        rows.append(
            (
                trial,
                percent(score),
                _mean_std(summarise(validation)),
                points(winners_curse(score, validation)),
                _mean_std(test),
                f"{test.n}",
                _interval(test),
            )
        )
    lines = ["## Confirmation with fresh seeds", "", *markdown_table(header, rows), ""]
    lines.append(
        "Accuracies: mean ± standard deviation over n seeds; seeds without a value are left out. search: the "
        "trial's validation accuracy in the search. gap: that accuracy minus the confirmed mean; a large gap "
        "means that the trial was lucky."
    )
    if chance is not None:
        learned = share_learned(_accuracies(findings.confirmed), chance)
        lines.append(
            f"Seeds that learned (reached at least {LEARNED:.0%} of the way from chance, {percent(chance)}, "
            f"to 100%): {learned:.0%} of {len(findings.confirmed)}."
        )
    return lines + _better_confirmed(findings)


def _mean_std(summary: Summary) -> str:
    spread = f" ± {percent(summary.std)}" if summary.n > 1 else ""
    return percent(summary.mean) + spread


def _interval(summary: Summary) -> str:
    return f"{percent(summary.low)} to {percent(summary.high)}" if summary.n > 1 else "-"


def _better_confirmed(findings: Findings) -> list[str]:
    """Return a line if another configuration than the search's best is the best over seeds."""
    means = findings.confirmed.groupby(TRIAL)[runs.VAL_ACCURACY].mean().dropna()
    if findings.best is None or means.empty or means.idxmax() == findings.best[TRIAL]:
        return []
    return [
        f"Over seeds, `{means.idxmax()}` has a better mean validation accuracy than the best trial of the "
        f"search: prefer `trials/{means.idxmax()}/{runs.CONFIG_FILE}`."
    ]


def _top_trials(findings: Findings) -> list[str]:
    record = findings.record
    order = ranked(findings.trials, record.metric, record.mode)
    top = order[order[STATUS].isin(ELIGIBLE) & order[record.metric].notna()].head(TOP)
    if top.empty:
        return []
    fields = _searched(findings)
    header = ["trial", "status", record.metric, "best step", *(f"`{f}`" for f in fields)]
    rows = [
        (
            row[TRIAL],
            row[STATUS],
            number(row[record.metric]),
            f"{row[BEST_STEP]}",
            *(number(row[CONFIG_PREFIX + field]) for field in fields),
        )
        for _, row in top.iterrows()
    ]
    return ["## Best trials", "", *markdown_table(header, rows)]


def _ends(findings: Findings) -> list[str]:
    trials = findings.trials
    if trials.empty:
        return []
    lines = ["## Status of the trials", ""]
    rows = []
    for status, group in trials.groupby(STATUS):
        done = group[STEPS] / group[HORIZON]
        share = f"{done.median():.0%}" if done.notna().any() else "-"
        rows.append((status, f"{len(group)}", share))
    lines += markdown_table(["status", "trials", "median share of the planned steps"], rows)
    errors = trials.dropna(subset=[ERROR])
    if not errors.empty:
        lines += ["", "Errors of the trials that diverged or failed:", ""]
        reasons = errors.groupby(ERROR)[TRIAL].agg(["size", "first"])
        reasons = reasons.sort_values("size", ascending=False, kind="stable")
        lines += [
            f"- {row['size']} x {one_line(error)} (first: `{row['first']}`)"
            for error, row in reasons.head(REASONS).iterrows()
        ]
        if len(reasons) > REASONS:
            lines.append(
                f"- and {len(reasons) - REASONS} more; the column `error` of trials.csv has all of them"
            )
    return lines


def _space(findings: Findings) -> list[str]:
    if not findings.search:
        return []
    rows = [
        (f"`{field}`", kind, ", ".join(number(x) for x in arguments))
        for field, domain in findings.search.items()
        for kind, arguments in domain.items()
    ]
    return ["## Search space", "", *markdown_table(["field", "domain", "values"], rows)]


def _bounds(findings: Findings) -> list[str]:
    alarms = _alarms(findings)
    if not alarms:
        return []
    return [
        "## Intervals that may be too narrow",
        "",
        "The best trials lie within a tenth of one end. With few trials this happens by chance; with more, "
        "widen the interval:",
        "",
        *(
            f"- `{alarm.field}`, at its {alarm.end} end {alarm.bound:g}: try `{alarm.suggestion}`"
            for alarm in alarms
        ),
    ]


def _advice(findings: Findings) -> list[str]:
    found = advice(findings.trials, findings.confirmed, findings.best)
    return ["## Suggestions", "", *(f"- {line}" for line in found)] if found else []


def _next_steps(findings: Findings) -> list[str]:
    root = findings.folder.parent.name
    folder = shlex.quote(f"{root}/{findings.folder.name}")
    steps = []
    if findings.best is not None:
        recipe = shlex.quote(f"{root}/{findings.folder.name}/best.yaml")
        twin = " --synthetic" if findings.record.synthetic else ""
        steps.append(
            f"lru-tune train --config {recipe}{twin} --test   # train the best configuration again"
        )
        steps.append(f"lru-tune export {folder} --best   # export it as a folder")
    if findings.record.status != "completed":
        steps.append(f"lru-tune tune --resume {folder}   # continue, if no process runs it")
    if not findings.trials[STATUS].isin(ELIGIBLE).any():
        steps.append(f"cat {folder}/trials.csv   # the error of every trial")
    if not steps:
        return []
    return [
        "## Next commands",
        "",
        f"In the folder that contains `{root}` and `data`; elsewhere, add `--data-root`:",
        "",
        "```",
        *steps,
        "```",
    ]


def _alarms(findings: Findings) -> list[Any]:
    record = findings.record
    return pressed_bounds(findings.search, ranked(findings.trials, record.metric, record.mode))


def _confirmed_lines(findings: Findings) -> list[str]:
    lines = []
    for trial, group in findings.confirmed.groupby(TRIAL, sort=False, dropna=False):
        test = summarise(group[runs.TEST_ACCURACY].tolist())
        lines.append(f"{trial}: test/accuracy {_mean_std(test)} (n = {test.n})")
    return lines


def _search_score(findings: Findings, trial: Any) -> float:
    found = findings.trials.loc[findings.trials[TRIAL] == trial, runs.VAL_ACCURACY]
    return float(found.iloc[0]) if len(found) else math.nan


def _accuracies(confirmed: pd.DataFrame) -> list[float]:
    """Return test accuracies, or validation accuracies of runs that did not read the test split."""
    return confirmed[runs.TEST_ACCURACY].fillna(confirmed[runs.VAL_ACCURACY]).tolist()


def _searched(findings: Findings) -> list[str]:
    return [field for field in findings.search if CONFIG_PREFIX + field in findings.trials]


def _score(findings: Findings) -> str:
    best, metric = findings.best, findings.record.metric
    assert best is not None
    return f"{metric} {number(best[metric])} at step {best[BEST_STEP]} of {best[HORIZON]}"


def _counts(trials: pd.DataFrame) -> str:
    counts = trials[STATUS].value_counts().sort_index()
    parts = ", ".join(f"{n} {status}" for status, n in counts.items())
    return f"{len(trials)} ({parts})" if parts else "0"
