"""Kept executables against the functions they were compiled from."""

import hashlib
import os
import pickle
import subprocess
import sys
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lru_tune.config.compile_key import compile_key
from lru_tune.config.schema import DataConfig, ModelConfig, RunConfig
from lru_tune.system.worker_environment import training_environment
from lru_tune.tasks import find_task
from lru_tune.training.hyperparameters import hyperparameters
from lru_tune.training.programs import executable_cache
from lru_tune.training.programs.compiled import programs, start_compiling
from lru_tune.training.programs.executable_cache import CachedProgram, source_digest
from lru_tune.training.state import Batches

CACHE = "JAX_COMPILATION_CACHE_DIR"
ARGS = (jnp.arange(3.0), {"b": np.float32(2)})


class Counted:
    """Builds a function and counts how often it is traced."""

    def __init__(self):
        self.traces = 0

    def __call__(self):
        return jax.jit(self.function)

    def function(self, a, others):
        self.traces += 1
        return {"sum": a + others["b"], "last": a[-1]}


@pytest.fixture
def folder(tmp_path):
    """A cache of this test's own."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / "programs"
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture
def counted():
    return Counted()


def called(counted, name="f", origin=None, args=ARGS):
    """Call a program as a new process would; return what it returns when its executable is written."""
    result = CachedProgram(name, counted, origin or {})(*args)
    wait_for_files()
    return result


def wait_for_files():
    for thread in threading.enumerate():
        if thread.name == "store":
            thread.join()


def assert_right(result, args=ARGS):
    np.testing.assert_array_equal(result["sum"], args[0] + args[1]["b"])
    assert result["last"] == args[0][-1]


def test_a_later_process_gets_the_same_values_without_tracing(folder, counted):
    assert_right(called(counted))
    other = (jnp.asarray([7.0, 8.0, 9.0]), {"b": np.float32(-1)})
    assert_right(called(counted, args=other), other)
    assert counted.traces == 1
    assert len(list(folder.iterdir())) == 1


def test_shapes_of_results_are_known_from_the_executable(folder, counted):
    called(counted)
    found = CachedProgram("f", counted, {}).output_shapes(*ARGS)
    assert counted.traces == 1
    assert found == jax.eval_shape(counted.function, *ARGS)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "g"},
        {"origin": {"n_layers": 2}},
        {"args": (jnp.arange(4.0), {"b": np.float32(2)})},
        {"args": (jnp.arange(3), {"b": np.float32(2)})},
    ],
    ids=["name", "origin", "shape", "dtype"],
)
def test_what_changes_the_program_compiles_anew(folder, counted, change):
    called(counted)
    assert_right(called(counted, **change), change.get("args", ARGS))
    assert counted.traces == 2


@pytest.mark.parametrize("part", ["versions", "source", "device", "processor", "variables"])
def test_another_environment_compiles_anew(folder, counted, monkeypatch, part):
    called(counted)
    changed = {**executable_cache.environment_key(), part: "another"}
    monkeypatch.setattr(executable_cache, "environment_key", lambda: changed)
    assert_right(called(counted))
    assert counted.traces == 2


def test_a_setting_of_jax_compiles_anew_and_the_folder_of_the_cache_does_not(folder, counted):
    called(counted)
    with jax.default_matmul_precision("bfloat16"):
        called(counted)
    assert counted.traces == 2
    moved = folder.parent.rename(folder.parent.with_name("moved"))
    jax.config.update("jax_compilation_cache_dir", str(moved))
    called(counted)
    assert counted.traces == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content.replace(b"program 1", b"program 0", 1),
        lambda content: b"\n\n",
        lambda content: _signed(b"no deflated data"),
        lambda content: _signed(zlib.compress(b"no pickle")),
        lambda content: _signed(zlib.compress(pickle.dumps(("no", "executable", "!")))),
    ],
    ids=["empty", "cut", "format", "lines", "deflate", "pickle", "executable"],
)
def test_a_file_that_cannot_be_used_is_warned_of_once_and_replaced(folder, counted, damage, caplog):
    called(counted)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert_right(called(counted))
    assert_right(called(counted))
    assert counted.traces == 2
    assert [message for message in caplog.messages if str(file) in message] == [
        message for message in caplog.messages if "is compiled again" in message
    ]
    assert len(caplog.messages) == 1


def _signed(content):
    digest = hashlib.sha256(content).hexdigest().encode()
    return executable_cache.HEADER.encode() + b"\n" + digest + b"\n" + content


def test_a_folder_that_cannot_be_written_is_warned_of_once(folder, counted, caplog):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file in its place")
    executable_cache.warn_once.cache_clear()
    assert_right(called(counted))
    assert_right(called(counted))
    warned = [message for message in caplog.messages if "cannot be stored in" in message]
    assert len(warned) == 1


def test_nothing_is_kept_where_jax_keeps_nothing(folder, counted):
    before = jax.config.jax_enable_compilation_cache
    jax.config.update("jax_enable_compilation_cache", False)
    assert_right(called(counted))
    jax.config.update("jax_enable_compilation_cache", before)
    assert not folder.exists()


def test_within_a_transformation_a_program_is_its_function(folder, counted):
    program = CachedProgram("f", counted, {})
    several = jnp.arange(6.0).reshape(2, 3)
    result = jax.vmap(program, in_axes=(0, None))(several, {"b": 1.0})
    np.testing.assert_array_equal(result["sum"], several + 1)


def test_sources_are_known_by_name_and_content(tmp_path):
    (tmp_path / "a.py").write_text("1")
    digests = {source_digest(tmp_path)}
    (tmp_path / "notes.txt").write_text("no source")
    assert source_digest(tmp_path) in digests
    (tmp_path / "a.py").write_text("2")
    digests.add(source_digest(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    digests.add(source_digest(tmp_path))
    assert len(digests) == 3


@pytest.mark.slow
def test_training_with_kept_programs_gives_the_same_state_and_builds_no_network(
    folder, monkeypatch
):
    config = RunConfig(
        task="copy",
        steps=4,
        model=ModelConfig(n_layers=2, d_model=4, d_hidden=3, pooling="none", dropout=0.1),
        data=DataConfig(batch_size=2),
    )
    task, hyper = find_task("copy"), hyperparameters(config)
    rng = np.random.default_rng(0)
    data = Batches(
        rng.integers(0, 2, (4, task.max_length, task.inputs.width), np.uint8),
        rng.integers(0, 2, (4, task.scored_steps, task.num_outputs), np.uint8),
        np.full(4, task.max_length, np.int32),
    )
    order = np.arange(4, dtype=np.int32).reshape(2, 2)
    states = []
    for _ in range(2):
        programs.cache_clear()
        made = programs(compile_key(config), 2)
        start_compiling(made, hyper, data, batch_size=2).join()
        state = made.train(made.init(hyper), hyper, data, order, np.int32(0), np.int32(2))
        totals = made.evaluate(state.params, state.batch_stats, data)
        states.append(jax.device_get((state, totals)))
        wait_for_files()
        monkeypatch.setattr("lru_tune.training.programs.compiled.functions", pytest.fail)
    jax.tree.map(np.testing.assert_array_equal, *states)


PROCESS = """
import sys
import jax, jax.numpy as jnp
from lru_tune.training.programs.executable_cache import CachedProgram

build = lambda: jax.jit(lambda x: jnp.tanh(x) @ x)  # noqa: E731
print(float(CachedProgram("f", build, {"of": sys.argv[1]})(jnp.ones((5, 5)))[0, 0]))
"""


def test_what_comes_from_jaxs_own_cache_is_not_kept(tmp_path):
    """Two processes that start together: one compiles, the other finds what it compiled a moment ago."""

    def called_in_a_process(origin: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, origin],
            env=os.environ | training_environment(cpus=1, gpus=0) | {CACHE: str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return float(done.stdout)

    values = [called_in_a_process("the first")]
    (first,) = (tmp_path / "programs").iterdir()
    values += [called_in_a_process("another") for _ in range(2)]  # the same program to JAX
    assert list((tmp_path / "programs").iterdir()) == [first]
    assert values == [values[0]] * 3
