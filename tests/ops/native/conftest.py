"""Fixtures of tests of the C++."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def printed() -> Callable[[str, int], str]:
    """A function from a program and a number of threads to what the program prints in its own process."""

    def run(program: str, threads: int) -> str:
        path = os.pathsep.join([str(HERE.parents[2]), str(HERE)])
        return subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"NPROC": str(threads), "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    return run
