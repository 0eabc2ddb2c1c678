"""Races among the runs of one list: each halves its own field and knows nothing of the others."""

from pathlib import Path

import pytest
from scripted_task import TRAINING
from scripted_training import EXECUTED

from lru_tune.config.schema import RunConfig
from lru_tune.files import run_directory as runs
from lru_tune.search.ray.resources import Allocation
from lru_tune.search.ray.run_trials import PlannedRun, is_done, run_all
from lru_tune.search.ray.trainable import WorkerSettings
from lru_tune.search.strategy.schedulers import StoppingSettings

SETTINGS = StoppingSettings(
    metric=runs.VAL_ACCURACY, mode="max", horizon=90, reports=9, grace=10, reduction_factor=3
)


def job(folder: Path, rate: float, bracket: str) -> PlannedRun:
    config = RunConfig.model_validate(
        {
            "task": "copy",
            "steps": 90,
            "eval_every": 10,
            "model": {"pooling": "none"},
            "optim": {"learning_rate": rate},
        }
    )
    return PlannedRun(
        config, folder / f"{bracket or 'alone'}-{rate:g}", final="validation", bracket=bracket
    )


@pytest.fixture
def run_jobs(machine, task, tmp_path):
    """Run jobs one after the other in the session's Ray."""

    def run(jobs: list[PlannedRun]) -> None:
        brackets = {job.bracket: SETTINGS for job in jobs if job.bracket}
        run_all(
            jobs,
            allocation=Allocation(cpus=1, gpus=0, concurrent=1),
            worker=WorkerSettings(
                data_root=str(task.folder.parent),
                metric=SETTINGS.metric,
                mode=SETTINGS.mode,
                training=TRAINING,
            ),
            experiment=tmp_path / "runs",
            brackets=brackets,
        )

    return run


def steps(job: PlannedRun) -> int:
    return (runs.read_result(job.run_dir) or {})["steps"]


def test_a_weak_run_is_stopped_by_its_own_race_only(run_jobs, tmp_path):
    strong, weak = job(tmp_path, 0.9, "first"), job(tmp_path, 0.2, "first")
    other, alone = job(tmp_path, 0.1, "second"), job(tmp_path, 0.05, "")
    run_jobs([strong, weak, other, alone])
    assert [steps(one) for one in (strong, weak, other, alone)] == [90, 10, 90, 90]
    result = runs.read_result(weak.run_dir)
    assert result is not None
    assert result["status"] == "stopped"


def test_a_stopped_run_is_done_in_a_race_and_not_outside_of_one(run_jobs, tmp_path):
    jobs = [job(tmp_path, 0.9, "bracket"), job(tmp_path, 0.2, "bracket")]
    run_jobs(jobs)
    assert all(is_done(one) for one in jobs)
    assert not is_done(jobs[1]._replace(bracket=""))
    before = (jobs[1].run_dir / EXECUTED).read_text()
    run_jobs(jobs)
    assert (jobs[1].run_dir / EXECUTED).read_text() == before, "it was run again"


def test_a_run_that_joins_later_is_compared_with_those_before(run_jobs, tmp_path):
    strong, weak = job(tmp_path, 0.9, "bracket"), job(tmp_path, 0.2, "bracket")
    run_jobs([strong])
    run_jobs([strong, weak])
    assert steps(weak) == 10
