"""Building and caching the C++ scan, most of it with a stand-in for the compiler."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from lru_tune.api import searching
from lru_tune.cli import guard, tune
from lru_tune.cli.train import main as train
from lru_tune.errors import ResourcesMissing
from lru_tune.ops.native import build
from lru_tune.ops.native.build import (
    COMPILERS,
    find_compiler,
    include_folder,
    native_folder,
    native_library,
)
from lru_tune.ops.native.calls import native_obstacle, require_native
from lru_tune.search.ray.resources import Machine

ROOT = Path(__file__).resolve().parents[3]
# Answers --version; otherwise takes its time and writes what stands behind -o, and notes when it links.
STAND_IN = """#!/bin/sh
if [ "$1" = --version ]; then cat {folder}/version; exit 0; fi
case " $* " in *" -shared "*) echo called >> {folder}/calls;; esac
{body}
while [ "$1" != -o ]; do shift; done
echo library > "$2"
"""


class Compiler:
    """The stand-in: a script whose libraries are counted."""

    def __init__(self, folder: Path, body: str = "sleep 0.3") -> None:
        self.folder, self.path = folder, folder / "compiler"
        folder.mkdir()
        self.set_version("1.0")
        self.path.write_text(STAND_IN.format(folder=folder, body=body))
        self.path.chmod(0o755)

    def set_version(self, version: str) -> None:
        (self.folder / "version").write_text(version)

    @property
    def calls(self) -> int:
        noted = self.folder / "calls"
        return len(noted.read_text().split()) if noted.exists() else 0


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of compiled programs."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def compiler(tmp_path, monkeypatch) -> Compiler:
    made = Compiler(tmp_path / "bin")
    monkeypatch.setenv("CXX", str(made.path))
    return made


@pytest.fixture
def no_compiler(tmp_path, monkeypatch) -> None:
    """A machine whose PATH holds no compiler."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("CXX", raising=False)


def test_a_library_is_built_once(cache, compiler):
    first = native_library()
    assert first.parent == native_folder() == cache / "native"
    assert first.read_text() == "library\n"
    assert native_library() == first
    assert compiler.calls == 1


def test_another_compiler_source_or_processor_gets_a_library_of_its_own(
    cache, compiler, tmp_path, monkeypatch
):
    paths = {native_library()}
    compiler.set_version("2.0")
    paths.add(native_library())
    changed = tmp_path / "scan.cpp"
    changed.write_text("// changed\n")
    monkeypatch.setattr(build, "SOURCES", (*build.SOURCES, changed))
    paths.add(native_library())
    machine = tmp_path / "cpuinfo"
    machine.write_text("flags : another machine's\n")
    monkeypatch.setattr(build, "CPU_INFO", machine)
    paths.add(native_library())
    assert len(paths) == compiler.calls == 4


@pytest.mark.parametrize("content", [b"", b"lib", b"something else"])
def test_a_damaged_library_is_built_again(cache, compiler, content):
    path = native_library()
    path.write_bytes(content)
    assert native_library() == path
    assert path.read_text() == "library\n"
    assert compiler.calls == 2


def test_a_library_without_its_checksum_is_built_again(cache, compiler):
    native_library().with_suffix(".sha256").unlink()
    native_library()
    assert compiler.calls == 2


def test_two_processes_build_once(cache, compiler):
    code = "from lru_tune.ops.native.build import native_library; print(native_library())"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = {process.communicate(timeout=100)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(printed) == 1
    assert compiler.calls == 1
    assert sorted(path.suffix for path in native_folder().iterdir() if path.suffix != ".lock") == [
        ".sha256",
        ".so",
    ]


def test_without_a_compiler_the_message_says_what_to_type(cache, no_compiler):
    with pytest.raises(ResourcesMissing) as caught:
        native_library()
    assert caught.value.code == "ops.no-compiler"
    assert caught.value.problems[0].values["sought"] == f"CXX, {', '.join(COMPILERS)}"
    require_native.cache_clear()
    assert native_obstacle() == str(caught.value)
    assert not cache.exists()


def test_a_compiler_that_is_named_and_missing_is_not_replaced(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -m64")
    with pytest.raises(ResourcesMissing) as caught:
        find_compiler()
    assert caught.value.code == "ops.no-compiler"
    assert "no-such-compiler -m64" in caught.value.problems[0].values["sought"]


def test_a_compiler_may_be_named_with_its_options(compiler, monkeypatch):
    monkeypatch.setenv("CXX", f"{compiler.path} -m64")
    assert find_compiler() == (str(compiler.path), "-m64")


@pytest.mark.parametrize("command", [train, tune.main])
def test_a_run_and_a_search_end_with_4_before_they_start(
    command, cache, no_compiler, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(searching, "this_machine", lambda: Machine(cpus=2, gpus=0))
    words = ["--task", "copy", "--set", "runtime.scan=native", "--runs-root", str(tmp_path / "r")]
    assert guard(command, words) == 4
    assert "[ops.no-compiler]" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_search_on_gpus_is_refused(cache, compiler, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(searching, "this_machine", lambda: Machine(cpus=2, gpus=1))
    words = ["--task", "copy", "--set", "runtime.scan=native", "--runs-root", str(tmp_path / "r")]
    assert guard(tune.main, words) == 2
    assert "--gpus-per-trial 0" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_compiler_that_fails_is_quoted(cache, tmp_path, monkeypatch):
    failing = Compiler(tmp_path / "bin", "echo 'scan.cpp:1: error: no such thing' >&2; exit 3")
    monkeypatch.setenv("CXX", str(failing.path))
    with pytest.raises(ResourcesMissing) as caught:
        native_library()
    (problem,) = caught.value.problems
    assert (problem.code, problem.values["status"]) == ("ops.compiler-failed", 3)
    assert "error: no such thing" in problem.values["output"]
    assert not list(native_folder().glob("*.so"))


def test_a_folder_that_cannot_be_made_is_named(compiler, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ResourcesMissing) as caught:
        native_library()
    assert caught.value.code == "ops.native-not-written"
    assert caught.value.problems[0].values["folder"] == tmp_path / "file" / "native"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_named_unless_it_holds_the_library(cache, compiler):
    path = native_library()
    path.parent.chmod(0o500)
    assert native_library() == path
    compiler.set_version("2.0")
    with pytest.raises(ResourcesMissing) as caught:
        native_library()
    assert caught.value.problems[0].values["reason"] == "Permission denied"


def test_the_headers_are_those_that_jax_names():
    assert include_folder() == Path(jax.ffi.include_dir())
    assert (include_folder() / "xla/ffi/api/ffi.h").is_file()


@pytest.mark.usefixtures("native")
def test_what_was_built_can_be_asked_for_again():
    require_native.cache_clear()
    require_native()
    assert native_obstacle() is None
