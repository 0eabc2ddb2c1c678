"""Confirmation: the best configurations again, from scratch, over fresh seeds, and the test split once."""

from pathlib import Path

from lru_tune import runs
from lru_tune.config.schema import RunConfig
from lru_tune.experiments import CONFIRM_FOLDER
from lru_tune.results.best import ELIGIBLE, ranked
from lru_tune.results.frame import PATH, STATUS, load_runs
from lru_tune.search.jobs import Job
from lru_tune.search.space import SearchSpace


def confirmation_jobs(experiment: Path, space: SearchSpace) -> list[Job]:
    """Return the runs of the confirmation: `confirm.top` configurations, each with `confirm.seeds` seeds.

    The best are chosen by validation; a trial that was stopped early only where too few completed. The
    seeds follow the search's, so that no configuration meets the one it was chosen with; all
    configurations share them.
    """
    settings = space.tune
    jobs = []
    for rank, config in enumerate(_best(experiment, space)[: settings.confirm.top]):
        for number in range(settings.confirm.seeds):
            seed = config.seed + 1 + number
            run_dir = experiment / CONFIRM_FOLDER / f"{rank:02d}-seed{seed}"
            jobs.append(Job(config.model_copy(update={"seed": seed}), run_dir))
    return jobs


def _best(experiment: Path, space: SearchSpace) -> list[RunConfig]:
    """Return the distinct configurations of a finished search, best first."""
    frame = load_runs(experiment)
    usable = frame[frame[STATUS].isin(ELIGIBLE) & frame[space.tune.metric].notna()]
    configs = [
        RunConfig.model_validate(runs.read_config(Path(path)))
        for path in ranked(usable, space.tune.metric, space.tune.mode)[PATH]
    ]
    return list({config.fingerprint(): config for config in configs}.values())
