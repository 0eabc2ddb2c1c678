"""The paper's small experiments, minutes on a CPU.

Each is a picture, the numbers behind it, and statements about them that can turn out false.
"""

from lru_tune.figures.catalogue import FIGURES, Figure, run_figure
from lru_tune.figures.plate import Plate, Statement

__all__ = ["FIGURES", "Figure", "Plate", "Statement", "run_figure"]
