"""Plots of the frames of `lru_tune.results`. Every function returns a matplotlib figure and does not show it.

matplotlib, of the extra `figures`, is imported only when a function draws.
"""

from lru_tune.plots.costs import cost_bars
from lru_tune.plots.curves import learning_curves
from lru_tune.plots.dynamics import eigenvalue_ring, half_lives, input_gains
from lru_tune.plots.fields.bounds import boundary_strips
from lru_tune.plots.fields.contours import contour_pairs
from lru_tune.plots.fields.importance import importance_bars
from lru_tune.plots.fields.parallel import parallel_coordinates
from lru_tune.plots.fields.slices import slices
from lru_tune.plots.progress import best_so_far
from lru_tune.plots.rungs import rung_scatter
from lru_tune.plots.seeds import confirmed_seeds
from lru_tune.plots.tables import published_and_ours

__all__ = [
    "best_so_far",
    "boundary_strips",
    "confirmed_seeds",
    "contour_pairs",
    "cost_bars",
    "eigenvalue_ring",
    "half_lives",
    "importance_bars",
    "input_gains",
    "learning_curves",
    "parallel_coordinates",
    "published_and_ours",
    "rung_scatter",
    "slices",
]
