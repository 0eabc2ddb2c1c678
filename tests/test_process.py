import subprocess
import sys

from lru_tune.process import training_environment

CHECK = """
import sys
import lru_tune.search.experiment, lru_tune.search.trial, lru_tune.cli.tune
loaded = {"jax", "flax", "torch", "tensorflow"} & set(sys.modules)
sys.exit(f"the driver imported {sorted(loaded)}" if loaded else 0)
"""


def test_without_a_gpu_jax_is_kept_on_the_cpu_with_its_share_of_threads():
    environment = training_environment(cpus=3, gpus=0)
    assert environment["JAX_PLATFORMS"] == "cpu"
    assert environment["NPROC"] == "3"
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in environment


def test_a_fraction_of_a_gpu_is_a_fraction_of_its_memory():
    environment = training_environment(cpus=1, gpus=0.25)
    assert environment["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.225"
    assert "JAX_PLATFORMS" not in environment
    assert "XLA_PYTHON_CLIENT_MEM_FRACTION" not in training_environment(cpus=1, gpus=1)


def test_the_compilation_cache_is_shared_and_keeps_everything(monkeypatch, tmp_path):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    environment = training_environment(cpus=1, gpus=1)
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path)
    assert environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "0"


def test_the_driver_never_imports_jax():
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
