"""The paper's small experiments, which take at most minutes on a CPU.

Each consists of a picture, the numbers behind it, and statements that the numbers confirm or refute.
"""

from lru_tune.figures.catalogue import FIGURES, Figure, run_figure
from lru_tune.figures.figure_result import FigureResult, Statement

__all__ = ["FIGURES", "Figure", "FigureResult", "Statement", "run_figure"]
