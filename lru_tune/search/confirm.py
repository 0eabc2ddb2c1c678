"""Confirmation: the best configurations again, from scratch, over fresh seeds, and the test split once."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from lru_tune.config.schema import RunConfig
from lru_tune.files import run_directory as runs
from lru_tune.files.experiment_folder import CONFIRM_FOLDER
from lru_tune.results.judging.best import ELIGIBLE, ranked
from lru_tune.results.reading.frame import PATH, STATUS, load_runs
from lru_tune.search.progress import Row
from lru_tune.search.ray.run_list import PlannedRun, is_done
from lru_tune.space.space import SearchSpace


def confirmation_jobs(experiment: Path, space: SearchSpace) -> list[PlannedRun]:
    """Return the runs of the confirmation: `confirm.top` configurations, each with `confirm.seeds` seeds.

    The best are chosen by validation; a trial that was stopped early only where too few completed. The
    seeds follow the search's, so that no configuration meets the one it was chosen with; all
    configurations share them. A configuration is numbered by its rank when it was first confirmed, and
    keeps its runs where an extended search finds better ones.
    """
    settings, folder = space.tune, experiment / CONFIRM_FOLDER
    numbers = _numbers(folder)
    jobs = []
    for config in _best(experiment, space)[: settings.confirm.top]:
        free = next(n for n in itertools.count() if n not in numbers.values())
        rank = numbers.setdefault(_seedless(config), free)
        for seed in range(config.seed + 1, config.seed + 1 + settings.confirm.seeds):
            run_dir = folder / f"{rank:02d}-seed{seed}"
            jobs.append(PlannedRun(config.model_copy(update={"seed": seed}), run_dir))
    return jobs


def ended_rows(jobs: Sequence[PlannedRun], metric: str) -> dict[str, Row]:
    """Return what is shown of the jobs that are done already, by the name of their run directory."""
    results = {job.run_dir: runs.read_result(job.run_dir) or {} for job in jobs if is_done(job)}
    return {
        run_dir.name: Row(result["steps"], None, result.get(metric), result["status"])
        for run_dir, result in results.items()
    }


def _numbers(folder: Path) -> dict[str, int]:
    """Return configuration -> number for those that have runs in a confirmation's folder."""
    configs = sorted(folder.glob(f"[!.]*/{runs.CONFIG_FILE}"))
    return {
        _seedless(RunConfig.model_validate(runs.read_config(path.parent))): int(
            path.parent.name.partition("-")[0]
        )
        for path in configs
    }


def _seedless(config: RunConfig) -> str:
    return config.model_copy(update={"seed": 0}).fingerprint()


def _best(experiment: Path, space: SearchSpace) -> list[RunConfig]:
    """Return the distinct configurations of a finished search, best first."""
    frame = load_runs(experiment)
    usable = frame[frame[STATUS].isin(ELIGIBLE) & frame[space.tune.metric].notna()]
    configs = [
        RunConfig.model_validate(runs.read_config(Path(path)))
        for path in ranked(usable, space.tune.metric, space.tune.mode)[PATH]
    ]
    return list({config.fingerprint(): config for config in configs}.values())
