"""The pictures of an experiment's report, their sections and captions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from lru_tune.files import run_directory as runs
from lru_tune.plots.costs import cost_bars
from lru_tune.plots.curves import learning_curves
from lru_tune.plots.dynamics import eigenvalue_ring, half_lives, input_gains
from lru_tune.plots.fields.bounds import boundary_strips
from lru_tune.plots.fields.contours import contour_pairs
from lru_tune.plots.fields.importance import importance_bars
from lru_tune.plots.fields.parallel import parallel_coordinates
from lru_tune.plots.fields.slices import slices
from lru_tune.plots.progress import best_so_far
from lru_tune.plots.rungs import rung_scatter
from lru_tune.plots.seeds import confirmed_seeds
from lru_tune.results.advising.importance import FIELD, RESAMPLES, importances, scored
from lru_tune.results.judging.best import ranked
from lru_tune.results.reading.costs import costs, device_share
from lru_tune.results.reading.frame import HORIZON, STATUS, TRIAL
from lru_tune.results.reading.rungs import rung_values, searched_rungs
from lru_tune.results.reading.spectra import Spectra
from lru_tune.results.writing.report import Findings, Section
from lru_tune.tasks import find_task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TRIALS = 3  # that pictures of the search space need
MOST_FIELDS = 4  # of which all pairs are drawn
RESAMPLED = 20_000  # trials times bootstrap samples, at most: keeps large searches fast


class Picture(NamedTuple):
    """A picture of a report.

    Attributes:
      section: the section of report.md that it follows.
      figure: the matplotlib figure.
      title: a few words.
      caption: how to read it.
    """

    section: Section
    figure: "Figure"
    title: str
    caption: str


def pictures(
    findings: Findings, reports: pd.DataFrame, space: dict[str, Any], spectra: Spectra | None
) -> Iterator[Picture]:
    """Yield the pictures for which an experiment has data.

    Args:
      findings: the data of report.md.
      reports: `history` of the experiment.
      space: the mapping in its space.yaml.
      spectra: of the best trial; None if it has none.
    """
    if not findings.confirmed.empty:
        figure = confirmed_seeds(findings.trials, findings.confirmed, findings.record.chance)
        yield Picture(
            "confirmation",
            figure,
            "Fresh seeds",
            "Each dot is a run from scratch. The diamond is the trial's score in the search; its distance to "
            "the confirmed mean is the winner's curse.",
        )
    if not reports.empty:
        yield from _search(findings, reports, space)
    if spectra is not None:
        yield from _dynamics(findings, spectra)


def _search(findings: Findings, reports: pd.DataFrame, space: dict[str, Any]) -> Iterator[Picture]:
    trials, record, search = findings.trials, findings.record, findings.search
    metric, mode = record.metric, record.mode
    best = None if findings.best is None else str(findings.best[TRIAL])
    horizon = trials[HORIZON].max()
    rungs = [] if pd.isna(horizon) else searched_rungs(space, int(horizon))
    yield Picture(
        "top",
        best_so_far(trials, metric, mode, share=device_share(space, record.device, record.plan)),
        "Best so far",
        "If the line still rises at its right end, more trials may help. Trials that ran at the same time "
        "are counted one after the other.",
    )
    yield Picture(
        "ends",
        learning_curves(trials, reports, best=best, rungs=rungs, metric=metric),
        "Learning curves",
        "The colour shows how and where each trial ended. Dotted lines are rungs: curves that cross after "
        "one were in the wrong order there.",
    )
    if rungs and trials[STATUS].isin(["completed", "stopped"]).sum() >= LEAST_TRIALS:
        yield Picture(
            "ends",
            rung_scatter(rung_values(trials, reports, rungs, metric), mode),
            "How well rungs predict final values",
            "The closer the dots are to a rising line, the better the value at the rung predicts the final "
            "value. Only completed trials have a final value, so the dots are the survivors.",
        )
    yield Picture(
        "ends",
        cost_bars(
            costs(trials, reports),
            record.seconds,
            places=record.plan.get("places", record.plan.get("at_once")),
            confirm_seconds=float(findings.confirmed[runs.DEVICE_SECONDS].sum()),
        ),
        "Cost and speed",
        "Each process compiles a model shape once. Idle: no run was active, because Ray, a worker or JAX was "
        "starting, data were loading, or too few trials were left.",
    )
    if search and len(trials) >= LEAST_TRIALS:
        yield from _fields(findings, reports)


def _fields(findings: Findings, reports: pd.DataFrame) -> Iterator[Picture]:
    trials, search = findings.trials, findings.search
    metric, mode = findings.record.metric, findings.record.mode
    yield Picture(
        "space",
        slices(trials, search, metric),
        "One field at a time",
        "Filled: completed. Hollow: stopped earlier, so the value might still have changed.",
    )
    yield Picture(
        "space",
        parallel_coordinates(trials, search, metric, mode),
        "All fields at once",
        "One line for each trial, from grey (worst) through blue and purple to orange (best).",
    )
    found = scored(trials, reports, metric=metric, mode=mode)
    resamples = min(RESAMPLES, RESAMPLED // max(1, len(trials)))
    ranking = importances(trials, search, found.values, mode=mode, resamples=resamples)
    if not ranking.empty:
        yield Picture(
            "space",
            importance_bars(ranking, found.basis),
            "Importance of the fields",
            "PED-ANOVA: how much each field separates the better trials from the others. All trials are "
            "compared at the same step, so stopped trials count as well. Wide intervals mean too few trials.",
        )
        yield Picture(
            "space",
            contour_pairs(trials, search, ranking[FIELD].tolist()[:MOST_FIELDS], metric),
            "Pairs of the most important fields",
            "Dots are trials. The surface is interpolated linearly and ends at the outermost trials.",
        )
    yield Picture(
        "space",
        boundary_strips(ranked(trials, metric, mode), search),
        "Where the best trials lie",
        "Dots: the best quarter of the trials. If they lie at one end, it is red, and the label suggests a "
        "wider interval.",
    )


def _dynamics(findings: Findings, spectra: Spectra) -> Iterator[Picture]:
    length = find_task(findings.record.task).max_length
    yield Picture(
        "space",
        eigenvalue_ring(spectra.before, spectra.after),
        "Eigenvalues of the best trial",
        "Before training and at its best report. Close to the circle: long memory. Angle: frequency.",
    )
    yield Picture(
        "space",
        half_lives(spectra.before, spectra.after, length),
        "Memory of the best trial",
        "Half-life of each state in steps, sorted. If all lines are far below the dotted line, no state "
        "remembers the whole sequence.",
    )
    if any(len(layer) for layer in spectra.gamma_before):
        yield Picture(
            "space",
            input_gains(spectra.gamma_before, spectra.gamma_after),
            "Input gains of the best trial",
            "Gamma scales the input of a state. On the line, training did not change it.",
        )
