import os
import platform
import subprocess
import sys

import pytest

from lru_tune.system.worker_environment import training_environment, worker_environment

FAULTS = """
import resource, sys, threading
import numpy as np

def fill():
    np.ones(32 * 2**20)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    worker = threading.Thread(target=fill)
    worker.start()
    worker.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc is set up")
def test_a_worker_keeps_its_memory_from_step_to_step():
    def page_faults(environment):
        done = subprocess.run(
            [sys.executable, "-c", FAULTS],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    assert page_faults(worker_environment()) < 20
    # Each of 256 MiB's pages again, in small or in huge ones.
    assert page_faults({"GLIBC_TUNABLES": ""}) >= 128
