"""Colours that are distinct in light and dark mode, also for most colour-blind readers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.colors import LinearSegmentedColormap

INK = "black"  # becomes the colour of the text in dark mode
BLUE, ORANGE, RED, GREEN, PURPLE, GREY = (
    "#3b82c4",
    "#d9822b",
    "#d64550",
    "#2f9e6e",
    "#8e6bbf",
    "#8a9099",
)
LIGHT_PURPLE, DARK_PURPLE = "#c9b6e8", "#4f3b80"
STATUS_COLOURS = {
    "completed": BLUE,
    "stopped": ORANGE,
    "diverged": RED,
    "failed": RED,
    "interrupted": GREY,
    "running": GREEN,
}
VERDICT_COLOURS = {
    "REPRODUCED": GREEN,
    "BELOW": RED,
    "ABOVE": BLUE,
    "INCONCLUSIVE": ORANGE,
}


def good_to_best() -> "LinearSegmentedColormap":
    """Return the colour map from the worst trials (grey) through blue and purple to the best (orange)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("good-to-best", ["#a9b4bf", BLUE, PURPLE, "#e8590c"])
