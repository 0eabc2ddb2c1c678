"""A problem in closed form: accuracy falls with the distance from the best point."""

import numpy as np
import pytest

from benchmarks.search_quality.problems import Problem
from lru_tune.space.domains import LogUniform, Uniform

REPORTS = 20
CHANCE = 10.0


def curve(sample):
    """Return 90 at (0.3, 0.01) in the end, less elsewhere."""
    distance = abs(sample["x"] - 0.3) + abs(np.log10(sample["rate"]) + 2.0) / 2.0
    final = 90.0 - 60.0 * min(distance, 1.0)
    return final - (final - CHANCE) * np.exp(-np.arange(1, REPORTS + 1) / 4.0)


@pytest.fixture(scope="session")
def problem():
    """Two fields; the pool's figures in closed form too."""
    best = curve({"x": 0.3, "rate": 0.01})[-1]
    median = curve({"x": 0.6, "rate": 0.03})[-1]
    domains = {"x": Uniform(0.0, 1.0), "rate": LogUniform(1e-4, 1e-1)}
    return Problem("closed-form", domains, curve, REPORTS, float(best), float(median), CHANCE)
