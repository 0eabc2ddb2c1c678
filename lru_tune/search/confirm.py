"""Confirmation: trains the best configurations again with fresh seeds, and evaluates the test split once."""

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


def confirmation_runs(experiment: Path, space: SearchSpace) -> list[PlannedRun]:
    """Return the runs of the confirmation: `confirm.top` configurations with `confirm.seeds` seeds each.

    The best configurations by validation are taken; trials that were stopped early only if too few
    completed. All configurations share the same seeds, which follow the seed of the search, so that none is
    confirmed with the seed it was chosen by. A configuration keeps the number it got when it was first
    confirmed, and its runs, even if an extended search finds better ones.
    """
    settings, folder = space.tune, experiment / CONFIRM_FOLDER
    numbers = _numbers(folder)
    planned = []
    for config in _best(experiment, space)[: settings.confirm.top]:
        free = next(n for n in itertools.count() if n not in numbers.values())
        rank = numbers.setdefault(_seedless(config), free)
        for seed in range(config.seed + 1, config.seed + 1 + settings.confirm.seeds):
            run_dir = folder / f"{rank:02d}-seed{seed}"
            planned.append(PlannedRun(config.model_copy(update={"seed": seed}), run_dir))
    return planned


def ended_rows(planned: Sequence[PlannedRun], metric: str) -> dict[str, Row]:
    """Return name of the run directory -> row of the progress table, for the runs that are done."""
    results = {run.run_dir: runs.read_result(run.run_dir) or {} for run in planned if is_done(run)}
    return {
        run_dir.name: Row(result["steps"], None, result.get(metric), result["status"])
        for run_dir, result in results.items()
    }


def _numbers(folder: Path) -> dict[str, int]:
    """Return configuration -> number for the configurations that have runs in the folder."""
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
