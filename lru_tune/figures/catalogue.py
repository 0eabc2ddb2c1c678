"""All figures by their names on the command line."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lru_tune.drawing import require_matplotlib
from lru_tune.errors import ConfigError
from lru_tune.figures.figure_result import FigureResult, Statement, write_figure

PAPER = "Orvieto et al. 2023"


class Figure(NamedTuple):
    """A figure of the paper.

    Attributes:
      stem: of the names of its files.
      title: what it shows.
      source: its place in the paper.
      module: name of the module with `compute() -> FigureResult`; imported late, because it loads JAX.
      duration: on two cores, in words.
    """

    stem: str
    title: str
    source: str
    module: str
    duration: str = "some seconds"

    def make(self) -> FigureResult:
        """Compute the figure's numbers and check its statements, at full size."""
        result: FigureResult = importlib.import_module(self.module).compute()
        return result


FIGURES = {
    "2": Figure(
        "figure2",
        "Eigenvalues of Gaussian matrices fill the unit disk",
        f"{PAPER}, figure 2 and theorem 1",
        "lru_tune.figures.gaussian_spectrum",
    ),
    "3": Figure(
        "figure3",
        "Eigenvalues drawn on rings",
        f"{PAPER}, figure 3 and lemma 2",
        "lru_tune.figures.ring_spectrum",
    ),
    "4": Figure(
        "figure4",
        "Impulse responses with full and with small phase",
        f"{PAPER}, figure 4",
        "lru_tune.figures.impulse_response",
    ),
    "6": Figure(
        "figure6",
        "A ReLU moves energy to higher frequencies",
        f"{PAPER}, figure 6 and proposition 4",
        "lru_tune.figures.relu_spectrum",
    ),
    "7": Figure(
        "figure7",
        "Learning a convolution: linear against tanh recurrence",
        f"{PAPER}, figure 7 and appendix E.2",
        "lru_tune.figures.linear_versus_tanh",
        duration="some minutes",
    ),
    "8": Figure(
        "figure8",
        "Learning a power of an eigenvalue: real and imaginary part against exponential form",
        f"{PAPER}, figure 8 and appendix E.2",
        "lru_tune.figures.parametrization_landscape",
    ),
    "9": Figure(
        "figure9",
        "Gain of the forward pass on several rings",
        f"{PAPER}, figure 9 and proposition 3",
        "lru_tune.figures.forward_gain",
    ),
    "prop3": Figure(
        "prop3",
        "Gamma keeps the variance of the states",
        f"{PAPER}, proposition 3 and section 3.4",
        "lru_tune.figures.input_normalization",
    ),
}


def run_figure(name: str, folder: Path, log: Callable[[str], None]) -> list[Statement]:
    """Compute a figure and write its picture, numbers and statements.

    Args:
      name: a key of FIGURES.
      folder: for STEM.png, STEM.csv, statements.json and statements.md; created if missing.
      log: receives lines of progress and results.

    Returns:
      All statements, whether they hold or not.

    Raises:
      ConfigError: there is no such figure.
      ResourcesMissing: matplotlib is not installed.
    """
    if name not in FIGURES:
        raise ConfigError("figures.unknown-figure", name=name, known=", ".join(FIGURES))
    require_matplotlib()
    figure = FIGURES[name]
    log(f"{figure.stem}: {figure.title} ({figure.source}); takes {figure.duration}")
    started = time.perf_counter()
    result = figure.make()
    log(", ".join(f"{key} {value}" for key, value in result.settings.items()))
    write_figure(figure.stem, figure.title, figure.source, result, folder)
    for text, holds, measured in result.statements:
        log(f"{'holds' if holds else 'DOES NOT HOLD'}: {text}: {measured}")
    log(f"{folder / figure.stem}.png written after {time.perf_counter() - started:.0f} s")
    return result.statements
