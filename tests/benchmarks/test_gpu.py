"""The GPU's script, tried where there is no GPU, nor Ray nor Optuna."""

import subprocess
import sys

import pytest

WITHOUT = """
import runpy, sys
sys.modules["ray"] = sys.modules["optuna"] = None
sys.argv = ["gpu", *sys.argv[1:]]
runpy.run_module("benchmarks.gpu", run_name="__main__")
"""


def called(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_without_a_gpu_it_says_so_and_what_to_do():
    done = called()
    assert done.returncode == 1
    assert "error: JAX finds no GPU here" in done.stderr
    assert "--smoke" in done.stderr


@pytest.mark.slow
def test_the_smoke_test_measures_one_of_everything_and_keeps_nothing():
    done = called("--smoke", "--tasks", "ListOps")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(line.startswith("scan=") and "forward_share=" in line for line in lines) == 3
    assert sum(line.startswith("chunk=8  ahead=2") for line in lines) == 1
    assert sum("published_a100=2.1" in line for line in lines) == 1
    assert sum("ours_50_ms_median=" in line for line in lines) == 1
    assert not any(line.endswith(".csv") for line in lines)
