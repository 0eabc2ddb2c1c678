import pytest

from lru_tune.config.schema import RunConfig
from lru_tune.search.ray.run_list import PlannedRun, is_done

CONFIG = RunConfig(task="listops", steps=30)


@pytest.mark.parametrize(
    ("status", "bracket", "final", "done"),
    [
        ("completed", "", "validation", True),
        ("completed", "", "test", False),
        ("diverged", "", "test", True),
        ("stopped", "", "validation", False),
        ("stopped", "rates", "validation", True),
        ("interrupted", "", "validation", False),
        ("failed", "rates", "validation", False),
        (None, "", "validation", False),
    ],
)
def test_a_run_is_done_when_it_has_all_that_the_job_asks_for(
    write_run, tmp_path, status, bracket, final, done
):
    run_dir = write_run(tmp_path / "run", status=status)
    assert is_done(PlannedRun(CONFIG, run_dir, final=final, bracket=bracket)) == done


def test_a_run_whose_test_split_was_read_is_done(write_run, tmp_path):
    run_dir = write_run(tmp_path / "run", **{"test/accuracy": 0.5})
    assert is_done(PlannedRun(CONFIG, run_dir))


def test_a_run_that_was_never_begun_is_not_done(tmp_path):
    assert not is_done(PlannedRun(CONFIG, tmp_path / "run"))
