"""The recurrence before and after training: eigenvalues, memory and input gains of each layer.

The functions take arrays; `lru_tune.training.trained.spectra` reads them from a run's checkpoint.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lru_tune.drawing import (
    add_legend,
    as_complex_plane,
    draw_circle,
    explain_empty,
    new_plot,
    new_row,
)
from lru_tune.plots.palette import BLUE, GREY, INK, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Arrays = Sequence[np.ndarray]

WHOLE_DISK = 1.15  # half width of a view of the whole unit disk
MOST_VIEW = 0.7  # half width of the eigenvalues beyond which the whole disk is shown
LEAST_VIEW = 0.1


def half_life(eigenvalues: np.ndarray) -> np.ndarray:
    """Return the number of steps in which a state decays to half: log 2 / -log |lambda|.

    Args:
      eigenvalues: (N,) complex. The half-life is infinite for a modulus of 1 or more, and 0 for 0.
    """
    modulus = np.abs(eigenvalues)
    with np.errstate(divide="ignore"):
        decay = np.abs(np.log(np.minimum(modulus, 1.0)))  # abs avoids a negative zero
        return np.asarray(np.log(2.0) / decay)


def eigenvalue_ring(before: Arrays, after: Arrays) -> "Figure":
    """Draw the eigenvalues of every layer in the complex plane, with a line from before to after.

    All panels show the same square: the part of the plane with all eigenvalues, or the whole disk.

    Args:
      before: one array (N,) complex for each layer.
      after: the same states after training.
    """
    from matplotlib.collections import LineCollection

    canvas, panels = new_row(len(before), width=3.2, height=3.2)
    centre, half_width = _view(np.concatenate([*before, *after]))
    for layer, (panel, old, new) in enumerate(zip(panels, before, after, strict=True)):
        draw_circle(panel, 1.0, INK)
        paths = [[(a.real, a.imag), (b.real, b.imag)] for a, b in zip(old, new, strict=True)]
        panel.add_collection(LineCollection(paths, colors=GREY, linewidths=0.7))
        panel.plot(
            old.real,
            old.imag,
            "o",
            color=GREY,
            markerfacecolor="none",
            markersize=6,
            label="before",
        )
        panel.plot(new.real, new.imag, "o", color=ORANGE, markersize=3, label="after")
        as_complex_plane(panel, half_width, centre)
        panel.set_title(f"layer {layer}", fontsize="medium")
    add_legend(panels[-1], loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def _view(eigenvalues: np.ndarray) -> tuple[complex, float]:
    """Return centre and half width of the visible square."""
    real, imaginary = eigenvalues.real, eigenvalues.imag
    low, high = complex(real.min(), imaginary.min()), complex(real.max(), imaginary.max())
    across = high - low
    half_width = max(LEAST_VIEW, 0.55 * across.real, 0.55 * across.imag)
    if half_width > MOST_VIEW:
        return 0j, WHOLE_DISK
    return (low + high) / 2, half_width


def half_lives(before: Arrays, after: Arrays, length: int | None = None) -> "Figure":
    """Draw the sorted half-lives of every layer's states, before and after, in steps.

    Args:
      before: one array (N,) complex for each layer.
      after: the same states after training.
      length: of the task's sequences in steps, drawn as a line; None if unknown.
    """
    canvas, panels = new_row(len(before), width=3.2, height=2.7, sharey=True)
    for layer, (panel, old, new) in enumerate(zip(panels, before, after, strict=True)):
        for label, values, colour, width in (("before", old, GREY, 4), ("after", new, BLUE, 1.5)):
            share = np.arange(1, len(values) + 1) / len(values)
            panel.plot(
                share, np.sort(half_life(values)), color=colour, linewidth=width, label=label
            )
        if length is not None:
            panel.axhline(length, color=INK, linestyle=":", label=f"sequence, {length}")
        panel.set(yscale="log", xlabel="share of the states")
        panel.set_xticks([0, 0.5, 1])
        panel.set_title(f"layer {layer}", fontsize="medium")
    panels[0].set_ylabel("half-life, steps")
    add_legend(panels[-1], loc="upper left", bbox_to_anchor=(1, 1))
    return canvas


def input_gains(before: Arrays, after: Arrays) -> "Figure":
    """Draw the input gain gamma of every state after training against its value before.

    Args:
      before: one array (N,) for each layer; empty arrays for variants without gamma.
      after: the same states after training.
    """
    if not any(len(layer) for layer in before):
        canvas, axes = new_plot(1, 1, size=(6, 1.5))
        explain_empty(axes[0, 0], "this variant has no gamma")
        return canvas
    canvas, panels = new_row(len(before), width=3.2, height=2.7)
    for layer, (panel, old, new) in enumerate(zip(panels, before, after, strict=True)):
        panel.plot(old, new, "o", color=BLUE, markersize=3.5, alpha=0.7)
        panel.axline((float(old.mean()), float(old.mean())), slope=1, color=GREY, linewidth=1)
        panel.set(xlabel="gamma before")
        panel.set_title(f"layer {layer}", fontsize="medium")
    panels[0].set_ylabel("gamma after (line: unchanged)")
    return canvas
