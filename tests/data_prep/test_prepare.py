"""Preparing: existing arrays are kept, errors are reported, damaged arrays are replaced."""

import errno
import re
from pathlib import Path

import pytest

import data_prep
from data_prep import (
    ORIGINS,
    Request,
    changed_options,
    ensure_prepared,
    expected_counts,
    export_tsv,
    full_counts,
    prepare,
)
from data_prep.pipeline.progress import SECONDS_BETWEEN_LINES, ProgressLines
from data_prep.pipeline.recipe import SYNTHETIC_COUNTS
from lru_tune.data.growing import GrowingArray
from lru_tune.data.manifest import SPLITS
from lru_tune.data.verify import verify
from lru_tune.data.versions import task_lock
from lru_tune.errors import ConfigError, DataDamaged, DataNotPrepared, ResourcesMissing
from lru_tune.tasks import TASKS


@pytest.fixture(autouse=True)
def _no_raw_files(monkeypatch):
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)


def test_the_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    readme = (Path(data_prep.__file__).parent / "README.md").read_text()
    (block,) = re.findall(r"^```python\n(.*?)^```$", readme, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    assert capsys.readouterr().out.endswith("(1000, 48, 8)\n")


def test_every_task_has_an_origin():
    assert {task.origin for task in TASKS.values()} <= set(ORIGINS)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_sound_synthetic_twin(tmp_path, task):
    prepared = ensure_prepared(task, tmp_path, synthetic=True)
    assert prepared.folder == tmp_path / "synthetic" / task
    assert prepared.manifest.synthetic
    twins = sum(prepared.manifest.counts.values())
    assert twins == sum(SYNTHETIC_COUNTS.values())
    assert verify(tmp_path / "synthetic", task).problems == []
    assert not (tmp_path / task).exists()


def test_a_generated_task_prepares_itself_once(tmp_path):
    said: list[str] = []
    first = ensure_prepared("copy", tmp_path, log=said.append)
    written = (first.folder / "manifest.json").stat().st_mtime_ns
    second = ensure_prepared("copy-classification", tmp_path, log=said.append)
    assert said == [f"preparing copy in {tmp_path}"]
    assert (second.folder / "manifest.json").stat().st_mtime_ns == written


def test_what_lies_there_is_opened_whatever_it_was_made_of(tmp_path):
    prepare(Request("copy", tmp_path, limit=100, seed=5))
    assert ensure_prepared("copy", tmp_path).manifest.counts["train"] == 100


def test_the_same_request_changes_nothing_and_more_of_the_same_replaces(tmp_path):
    said: list[str] = []
    first = prepare(Request("copy", tmp_path, limit=100))
    again = prepare(Request("copy", tmp_path, limit=100), log=said.append)
    assert said == ["copy is already prepared"]
    assert again == first
    other = prepare(Request("copy", tmp_path, limit=200), log=said.append)
    assert len(said) == 1
    assert other.manifest.counts["train"] == 200


@pytest.mark.parametrize(
    ("wanted", "difference"),
    [
        ({"limit": 20}, "examples: 100 / 5 / 5 -> 20 / 1 / 1"),
        ({"limit": 100, "seed": 1}, "seed: 42 -> 1"),
        ({"limit": 200, "seed": 1}, "seed: 42 -> 1; examples: 100 / 5 / 5 -> 200 / 10 / 10"),
    ],
)
def test_other_arrays_are_kept_unless_they_may_be_replaced(tmp_path, wanted, difference):
    first = prepare(Request("copy", tmp_path, limit=100))
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.other-arrays") as raised:
        prepare(Request("copy", tmp_path, **wanted))
    assert raised.value.problems[0].values["differences"] == difference
    assert prepare(Request("copy", tmp_path, limit=100)) == first
    replaced = prepare(Request("copy", tmp_path, **wanted, replace=True))
    assert replaced.manifest.counts["train"] == wanted["limit"]


def test_another_option_of_the_generator_is_told(tmp_path):
    prepare(Request("pathfinder", tmp_path, limit=10))
    with pytest.raises(ConfigError, match="distractors: 5 -> 10"):
        prepare(Request("pathfinder", tmp_path, limit=10, options={"distractors": 10}))


def test_a_twin_is_replaced_by_any_other(tmp_path):
    prepare(Request("copy", tmp_path, synthetic=True))
    other = prepare(Request("copy", tmp_path, synthetic=True, seed=1))
    assert other.manifest.seed == 1


def test_what_killed_processes_left_of_any_task_is_cleared_away(tmp_path):
    for task in ("pathx", "listops"):
        (tmp_path / f".{task}.next" / "train").mkdir(parents=True)
    (tmp_path / ".imdb.next").mkdir()
    (tmp_path / ".imdb.previous").mkdir()  # killed between the renames of a new version
    with task_lock(tmp_path, "listops"):
        (tmp_path / ".listops.next").mkdir()
        prepare(Request("copy", tmp_path, limit=10))
        assert not (tmp_path / ".pathx.next").exists()
        assert (tmp_path / ".listops.next").exists(), "a living process writes it"
        assert (tmp_path / "imdb").is_dir()


@pytest.mark.parametrize("truncate", [True, False])
def test_damaged_arrays_are_made_again(tmp_path, truncate):
    prepared = prepare(Request("copy", tmp_path, limit=100))
    file = prepared.folder / "val" / "targets.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content[: -1 if truncate else None])
    assert verify(tmp_path, "copy").problems != []
    if truncate:
        with pytest.raises(DataDamaged):
            ensure_prepared("copy", tmp_path)
    prepare(Request("copy", tmp_path, limit=100))
    assert verify(tmp_path, "copy").problems == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"limit": 3}, "prep.number-too-small"),
        ({"workers": 0}, "prep.number-too-small"),
        ({"seed": -1}, "prep.number-too-small"),
        ({"protocol": "lra-legacy"}, "prep.wrong-protocol"),
    ],
)
def test_senseless_arguments_are_refused(tmp_path, arguments, code):
    with pytest.raises(ConfigError) as raised:
        prepare(Request("copy", tmp_path, **arguments))
    assert (raised.value.code, raised.value.problems[0].key) == (code, f"--{next(iter(arguments))}")


def test_a_data_root_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.cannot-make-folder"):
        prepare(Request("copy", tmp_path / "file"))


def test_a_data_root_that_cannot_be_made_is_refused(tmp_path, monkeypatch):
    def mkdir(self, *_args, **_options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.cannot-make-folder"):
        prepare(Request("copy", tmp_path / "data"))


@pytest.mark.parametrize("task", TASKS)
def test_full_counts_are_known_whatever_lies_in_the_present_folder(tmp_path, monkeypatch, task):
    for batch in ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"):
        path = tmp_path / "raw" / "cifar-10-batches-py" / batch
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of other copies")
    (path.parent / "test_batch").write_bytes(b"of other copies")
    monkeypatch.chdir(tmp_path)
    assert set(full_counts(task)) == set(SPLITS)
    assert min(full_counts(task).values()) > 0


def test_options_other_than_the_tasks_own_are_told_apart(tmp_path):
    own = prepare(Request("pathfinder", tmp_path, limit=10))
    assert changed_options(own.manifest) == {}
    options = {"distractors": 10}
    harder = prepare(Request("pathfinder", tmp_path, limit=10, options=options, replace=True))
    assert changed_options(harder.manifest) == {"distractors": 10}


def test_copy_has_no_files_to_read_nor_a_text_format(tmp_path):
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("copy", tmp_path, from_dir=tmp_path))
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.no-text-format"):
        export_tsv(prepare(Request("copy", tmp_path, limit=10)), tmp_path)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def append(self, rows):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GrowingArray, "append", append)
    with pytest.raises(ResourcesMissing):
        prepare(Request("copy", tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [".copy.lock"]


def test_long_work_tells_its_progress_now_and_then():
    said: list[str] = []
    now = 0.0
    progress = ProgressLines(said.append, clock=lambda: now)
    for done in range(11):
        progress("counting", done, 10)
        now += SECONDS_BETWEEN_LINES / 2
    assert said[0] == "counting: 2 of 10 (20%), about 20 s left"
    assert len(said) == 5
    progress("something short", 0, 2)
    progress("something short", 2, 2)
    assert len(said) == 5


def _slow(monkeypatch):
    """Pretend that copy's examples take long to generate."""
    monkeypatch.setitem(ORIGINS, "copy", ORIGINS["copy"]._replace(slow=True))


def test_of_a_slow_task_only_what_is_read_is_made(tmp_path, monkeypatch):
    _slow(monkeypatch)
    reads = {"train": 400, "val": 50, "test": 10}
    planned = expected_counts("copy", tmp_path, reads=reads)
    counts = ensure_prepared("copy", tmp_path, reads=reads).manifest.counts
    full = expected_counts("copy", tmp_path)
    assert counts == planned
    assert all(counts[split] >= wanted for split, wanted in reads.items())
    assert counts["train"] < full["train"]


def test_a_slow_task_grows_when_more_is_read_and_keeps_its_seed(tmp_path, monkeypatch):
    _slow(monkeypatch)
    prepare(Request("copy", tmp_path, limit=100, seed=5))
    reads = {"train": 200, "val": 5, "test": 5}
    assert expected_counts("copy", tmp_path, reads=reads)["train"] == 200
    manifest = ensure_prepared("copy", tmp_path, reads=reads).manifest
    assert (manifest.counts["train"], manifest.seed) == (200, 5)
    assert ensure_prepared("copy", tmp_path, reads=reads | {"train": 50}).manifest == manifest


def test_a_slow_task_is_made_whole_where_a_split_is_read_whole(tmp_path, monkeypatch):
    _slow(monkeypatch)
    full = expected_counts("copy", tmp_path)
    reads = {"train": 100, "val": 10}
    assert ensure_prepared("copy", tmp_path, reads=reads).manifest.counts == full


def test_a_folder_of_raw_files_that_is_none_is_told_before_anything_is_fetched(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LRU_TUNE_RAW", str(tmp_path / "nowhere"))
    for command in (lambda *task: prepare(Request(*task)), ensure_prepared):
        with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.raw-root-unreadable"):
            command("smnist", tmp_path / "data")
    prepare(Request("smnist", tmp_path / "data", synthetic=True))  # needs none
