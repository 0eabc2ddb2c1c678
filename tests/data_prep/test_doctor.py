"""The doctor: it names what prevents a task from being prepared and what to type, and changes nothing."""

import io
import pickle
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_prep import Request, doctor, ensure_prepared, prepare
from data_prep.cifar.batches import NUMBERS
from data_prep.cifar.sources import BATCHES, FOLDER
from data_prep.cli import main
from data_prep.doctor import Finding, ask_network, examine, import_failure
from data_prep.fetching.checksums import md5_of
from data_prep.mnist.origin import FILES
from lru_tune.errors import DataDamaged
from lru_tune.tasks import TASKS


@pytest.fixture(autouse=True)
def _no_files_and_no_network(monkeypatch):
    monkeypatch.delenv("LRU_TUNE_RAW", raising=False)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network is asked for nothing unless told to")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def problems(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "problem"]


def packages(monkeypatch: pytest.MonkeyPatch, *present: str, failure: str = "") -> None:
    """Pretend that only these packages are installed, and that importing them fails in this way."""
    monkeypatch.setattr(doctor, "find_spec", lambda name: name if name in present else None)
    monkeypatch.setattr(doctor, "import_failure", lambda name: failure)


def take_for_published(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make the checksums of a folder's MNIST files the official ones."""
    for part, file in FILES.items():
        packed = file.packed._replace(md5=md5_of(folder / file.packed.file))
        monkeypatch.setitem(FILES, part, file._replace(packed=packed))


@pytest.fixture
def mnist_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for file in FILES.values():
        (folder / file.packed.file).write_bytes(b"\x1f\x8b")
    take_for_published(monkeypatch, folder)
    monkeypatch.setenv("LRU_TUNE_RAW", str(folder))
    return folder


@pytest.fixture
def cifar_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files" / FOLDER
    folder.mkdir(parents=True)
    images = 100
    monkeypatch.setattr("data_prep.cifar.batches.IMAGES", images)
    monkeypatch.setattr("data_prep.cifar.origin.TRAIN", 5 * images)
    monkeypatch.setattr("data_prep.cifar.origin.TEST", images)
    batch = {"data": np.zeros((images, NUMBERS), np.uint8), "labels": [0] * images}
    (folder / BATCHES[0]).write_bytes(pickle.dumps(batch))
    for name in BATCHES[1:]:
        (folder / name).symlink_to(folder / BATCHES[0])
    monkeypatch.setenv("LRU_TUNE_RAW", str(folder.parent))
    return folder


def test_a_generated_task_needs_nothing(tmp_path, capsys):
    assert main(["doctor", "copy", "--data-root", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "copy: can be prepared"
    assert "generated; needs no files" in printed.out
    assert "MB needed" in printed.out
    assert printed.err == ""
    assert list(tmp_path.iterdir()) == []


def test_a_prepared_task_needs_nothing_more(tmp_path):
    prepare(Request("copy", tmp_path, limit=100))
    assert examine(TASKS["copy"], tmp_path) == [Finding("ok", "prepared: 100 / 5 / 5")]


def test_a_damaged_task_is_to_be_made_again(tmp_path):
    folder = prepare(Request("copy", tmp_path, limit=100)).folder
    (folder / "train" / "inputs.npy").unlink()
    findings = examine(TASKS["copy"], tmp_path)
    assert findings[0] == Finding("note", "damaged")
    assert not problems(findings)


def test_every_task_can_be_examined(tmp_path, monkeypatch, capsys):
    packages(monkeypatch)
    assert main(["doctor", "--data-root", str(tmp_path)]) == 3
    heads = [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    assert heads == list(TASKS)


def test_a_missing_package_is_named_with_its_command(tmp_path, monkeypatch, capsys):
    packages(monkeypatch, "PIL")
    (problem,) = problems(examine(TASKS["cifar-gray"], tmp_path))
    assert (
        problem.text
        == "torchvision or datasets is needed to download CIFAR-10, and is not installed"
    )
    assert problem.remedy == "python -m pip install torchvision"
    assert main(["doctor", "cifar-gray", "copy", "--data-root", str(tmp_path)]) == 3
    printed = capsys.readouterr()
    assert "> python -m pip install torchvision" in printed.out
    assert printed.err.endswith("[prep.cannot-prepare]\n")


def test_one_of_two_packages_is_enough(tmp_path, monkeypatch):
    packages(monkeypatch, "PIL", "datasets")
    findings = examine(TASKS["scifar"], tmp_path)
    assert not problems(findings)
    assert any(f.text.startswith("datasets ") and "download CIFAR-10" in f.text for f in findings)


def test_the_package_of_another_name_is_named_as_pip_knows_it(tmp_path, monkeypatch):
    packages(monkeypatch, "torchvision")
    assert Finding(
        "problem",
        "pillow is needed to turn colour into grey, and is not installed",
        "python -m pip install pillow",
    ) in examine(TASKS["cifar-gray"], tmp_path)


def test_a_package_that_cannot_be_imported_is_found(tmp_path, monkeypatch):
    packages(monkeypatch, "PIL", "torchvision", failure="RuntimeError: operator nms does not exist")
    found = problems(examine(TASKS["scifar"], tmp_path))
    assert "cannot be imported: RuntimeError: operator nms" in found[-1].text
    assert found[-1].remedy.startswith("python -m pip install --upgrade")


def test_an_import_is_tried_in_a_process_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "sound_package.py").write_text("")
    (tmp_path / "broken_package.py").write_text("raise RuntimeError('made for another torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert import_failure("sound_package") == ""
    assert import_failure("broken_package") == "RuntimeError: made for another torch"
    assert "broken_package" not in sys.modules


def test_files_that_are_there_need_no_package(tmp_path, monkeypatch, mnist_files):
    packages(monkeypatch)
    findings = examine(TASKS["smnist"], tmp_path)
    assert not problems(findings)
    assert Finding("ok", f"publisher's files in {mnist_files}") in findings


def test_what_was_fetched_before_counts_as_there(tmp_path, monkeypatch, mnist_files):
    packages(monkeypatch)
    monkeypatch.delenv("LRU_TUNE_RAW")
    (tmp_path / "data").mkdir()
    mnist_files.rename(tmp_path / "data" / "raw")
    findings = examine(TASKS["smnist"], tmp_path / "data")
    assert not problems(findings)
    assert Finding("ok", f"publisher's files in {tmp_path / 'data' / 'raw'}") in findings


def test_files_that_are_not_there_are_listed(tmp_path, monkeypatch):
    packages(monkeypatch, "torchvision")
    monkeypatch.setenv("LRU_TUNE_RAW", str(tmp_path))
    findings = examine(TASKS["smnist"], tmp_path / "data")
    assert not problems(findings)
    assert any(f"not in {tmp_path}; " in f.text and "train-images" in f.text for f in findings)


def test_a_raw_folder_that_is_none_is_named(tmp_path, monkeypatch):
    packages(monkeypatch, "torchvision")
    monkeypatch.setenv("LRU_TUNE_RAW", str(tmp_path / "nowhere"))
    (problem,) = problems(examine(TASKS["smnist"], tmp_path))
    assert f"LRU_TUNE_RAW: {tmp_path / 'nowhere'} " in problem.text
    assert problem.text.endswith(":")
    assert problem.remedy.startswith("export LRU_TUNE_RAW=")


def test_a_web_page_in_place_of_a_file_is_found(tmp_path, monkeypatch, mnist_files):
    page = mnist_files / FILES["test images"].packed.file
    page.write_bytes(b"\n<!DOCTYPE html><title>Not found</title>")
    take_for_published(monkeypatch, mnist_files)
    (problem,) = problems(examine(TASKS["psmnist"], tmp_path))
    assert problem == Finding("problem", f"{page} is an HTML page, not data", f"rm {page}")


def test_the_remedy_for_another_checksum_can_be_typed(tmp_path, cifar_files, capsys):
    root = tmp_path / "data"
    (problem,) = problems(examine(TASKS["scifar"], root))
    assert "6 of 6 files" in problem.text
    assert problem.remedy.startswith("python -m data_prep prepare scifar")
    with pytest.raises(DataDamaged):
        ensure_prepared("scifar", root)
    assert main([*problem.remedy.split()[3:], "--limit", "50"]) == 0
    assert not problems(examine(TASKS["scifar"], root))


def test_a_data_root_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    (problem,) = problems(examine(TASKS["copy"], tmp_path / "file" / "data"))
    assert "not writable" in problem.text
    assert "LRU_TUNE_DATA" in problem.remedy


def test_a_disk_that_is_too_small_is_named(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5_000_000))
    (problem,) = problems(examine(TASKS["copy"], tmp_path))
    assert "5 MB free, 12 MB needed" in problem.text
    assert "LRU_TUNE_DATA" in problem.remedy


class Answer(io.BytesIO):
    status = 200


def test_the_network_is_asked_only_when_told_to(tmp_path, monkeypatch, capsys):
    asked: list[tuple[str, str, float]] = []

    def urlopen(request: urllib.request.Request, timeout: float) -> Answer:
        asked.append((request.get_method(), request.full_url, timeout))
        if "huggingface" in request.full_url:
            raise urllib.error.URLError("no route")
        return Answer()

    packages(monkeypatch, "PIL", "datasets")
    words = ["doctor", "scifar", "--data-root", str(tmp_path)]
    assert main(words) == 0
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    assert main(words) == 0
    assert asked == []
    assert main([*words, "--network"]) == 0
    assert {method for method, _, _ in asked} == {"HEAD"}
    assert max(timeout for _, _, timeout in asked) <= 5
    assert "cifar-10-python.tar.gz answers (200)" in capsys.readouterr().out


def test_no_answer_is_a_problem_only_where_something_must_be_fetched(
    tmp_path, monkeypatch, mnist_files
):
    def urlopen(request: urllib.request.Request, timeout: float) -> Answer:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    assert {finding.level for finding in ask_network(TASKS["smnist"], tmp_path)} == {"note"}
    monkeypatch.delenv("LRU_TUNE_RAW")
    (problem,) = problems(ask_network(TASKS["smnist"], tmp_path))
    assert problem.remedy.endswith("--from-dir FOLDER")
    assert ask_network(TASKS["copy"], tmp_path) == []
