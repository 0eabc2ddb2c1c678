"""Which pictures an experiment's report shows, where, and how to read each."""

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

LEAST_TRIALS = 3  # fewer make no picture of a search
MOST_FIELDS = 4  # in pairs
RESAMPLED = 20_000  # trials times resamples, so that a large search does not wait for its intervals


class Picture(NamedTuple):
    """A picture of a report.

    Attributes:
      place: the section of report.md it stands below.
      figure: drawn.
      title: a few words.
      caption: how to read it.
    """

    place: Section
    figure: "Figure"
    title: str
    caption: str


def pictures(
    findings: Findings, reports: pd.DataFrame, space: dict[str, Any], spectra: Spectra | None
) -> Iterator[Picture]:
    """Yield the pictures that an experiment has something to show in.

    Args:
      findings: what report.md was written from.
      reports: `history` of the experiment.
      space: the mapping in its space.yaml.
      spectra: of the winner; None where it has none.
    """
    if not findings.confirmed.empty:
        figure = confirmed_seeds(findings.trials, findings.confirmed, findings.record.chance)
        yield Picture(
            "confirmation",
            figure,
            "Fresh seeds",
            "Every dot is a training from scratch. The diamond is what the search saw; how far it lies "
            "beyond the confirmed mean is the winner's curse.",
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
        "A line that still rises at its right end asks for more trials. Trials that ran side by side are "
        "counted one after the other.",
    )
    yield Picture(
        "ends",
        learning_curves(trials, reports, best=best, rungs=rungs, metric=metric),
        "Learning curves",
        "Coloured by how and where each trial ended. Curves that cross after a dotted line were ordered "
        "wrongly there.",
    )
    if rungs and trials[STATUS].isin(["completed", "stopped"]).sum() >= LEAST_TRIALS:
        yield Picture(
            "ends",
            rung_scatter(rung_values(trials, reports, rungs, metric), mode),
            "Could the rungs be trusted?",
            "The closer to a rising line, the more a value at the rung says of the final one. Only trials "
            "that completed have a final one, so that this judges the survivors.",
        )
    yield Picture(
        "ends",
        cost_bars(
            costs(trials, reports),
            record.seconds,
            places=record.plan.get("places", record.plan.get("at_once")),
            confirm_seconds=float(findings.confirmed[runs.DEVICE_SECONDS].sum()),
        ),
        "Cost and pace",
        "Compiling is paid once for each shape of model and process. Idle: no run counted its seconds there, "
        "because Ray, a worker or JAX was starting, data were loaded, or too few trials were left.",
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
        "Filled: completed. Hollow: a shorter training, whose value would have changed.",
    )
    yield Picture(
        "space",
        parallel_coordinates(trials, search, metric, mode),
        "All fields at once",
        "One line a trial, from grey (worst) over blue and purple to orange (best).",
    )
    found = scored(trials, reports, metric=metric, mode=mode)
    resamples = min(RESAMPLES, RESAMPLED // max(1, len(trials)))
    ranking = importances(trials, search, found.values, mode=mode, resamples=resamples)
    if not ranking.empty:
        yield Picture(
            "space",
            importance_bars(ranking, found.basis),
            "Which fields matter",
            "PED-ANOVA: what sets the better trials apart from the others. Trials that were stopped count "
            "like all others, because all are compared at the same step. Wide intervals: too few trials.",
        )
        yield Picture(
            "space",
            contour_pairs(trials, search, ranking[FIELD].tolist()[:MOST_FIELDS], metric),
            "Pairs of the fields that matter most",
            "Dots are trials; the surface is linear between them and ends with them.",
        )
    yield Picture(
        "space",
        boundary_strips(ranked(trials, metric, mode), search),
        "Where the best trials lie",
        "Dots: the best fourth. A red end is pressed by them, and the interval to try stands beside it.",
    )


def _dynamics(findings: Findings, spectra: Spectra) -> Iterator[Picture]:
    length = find_task(findings.record.task).max_length
    yield Picture(
        "space",
        eigenvalue_ring(spectra.before, spectra.after),
        "Eigenvalues of the winner",
        "Before training and at its best report. Near the circle: long memory. Angle: frequency.",
    )
    yield Picture(
        "space",
        half_lives(spectra.before, spectra.after, length),
        "How long the winner remembers",
        "Steps after which a state has lost half of itself, states sorted. Where all lines stay far below "
        "the dotted one, no state spans the sequence.",
    )
    if any(len(layer) for layer in spectra.gamma_before):
        yield Picture(
            "space",
            input_gains(spectra.gamma_before, spectra.gamma_after),
            "Input gains of the winner",
            "Gamma scales what enters a state; on the line, training left it alone.",
        )
