"""The paper's small experiments, minutes on a CPU.

Each is a picture, the numbers behind it, and statements about them that can turn out false.
"""

from lru_tune.figures.catalogue import FIGURES, Figure, run_figure
from lru_tune.figures.figure_result import FigureResult, Statement

__all__ = ["FIGURES", "Figure", "FigureResult", "Statement", "run_figure"]
