"""Figure 9: the norm of the state after many steps, compared with Proposition 3."""

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from lru_tune.drawing import new_canvas
from lru_tune.figures.figure_result import FigureResult, Statement, long_table
from lru_tune.models.eigenvalues import Ring, polar, sample_ring
from lru_tune.ops.scan.linear_scan import linear_scan

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

Input = Literal["constant", "random"]
INPUTS: tuple[Input, ...] = ("constant", "random")
COLORS = {"constant": "tab:orange", "random": "tab:blue"}
# With smaller eigenvalues the state depends on so few inputs that single runs scatter.
NEAR_THE_CIRCLE = 0.9
# Of the prediction, for the mean over runs with random input: on the ring nearest to the circle single runs
# scatter by 12 %, so that the mean of ten has a standard error of 4 %.
WITHIN = 0.1


class Settings(NamedTuple):
    """Seed, states N, steps L and runs as in the paper; rings and input features are ours."""

    seed: int = 0
    n_states: int = 500
    n_inputs: int = 500
    length: int = 10_000
    runs: int = 10
    rings: tuple[tuple[float, float], ...] = (
        (0.0, 0.5),
        (0.0, 0.9),
        (0.5, 0.9),
        (0.0, 0.99),
        (0.9, 0.99),
        (0.9, 0.999),
    )


class Gains(NamedTuple):
    """||x_L||^2 over the mean of ||B u_k||^2.

    Attributes:
      predicted: ring -> the formula.
      measured: ring -> kind of input -> (runs,).
    """

    predicted: dict[tuple[float, float], float]
    measured: dict[tuple[float, float], dict[Input, np.ndarray]]


def predicted_gain(r_min: float, r_max: float) -> float:
    """Return E||x||^2 / E||Bu||^2 of Proposition 3, or its limit 1 / (1 - r^2) for a ring without width."""
    if r_min == r_max:
        return 1.0 / (1.0 - r_max**2)
    return float(np.log((1 - r_min**2) / (1 - r_max**2)) / (r_max**2 - r_min**2))


@partial(jax.jit, static_argnames=("n_states", "n_inputs", "length"))
def one_run(key: Array, ring: Ring, n_states: int, n_inputs: int, length: int) -> Array:
    """Draw eigenvalues, B and inputs; return the gain for INPUTS in their order (2,)."""
    key_ring, key_input, key_signal = jax.random.split(key, 3)
    decay = jnp.concatenate(polar(*sample_ring(key_ring, n_states, ring)))
    # Both planes of B with half the variance of Glorot's, as in the LRU.
    weights = jax.random.normal(key_input, (n_inputs, 2 * n_states)) * (2 * n_inputs) ** -0.5
    random = jax.random.normal(key_signal, (length, n_inputs))
    constant = jnp.broadcast_to(random[:1], random.shape)
    drive = jnp.stack([constant, random], axis=1) @ weights  # (T, 2, 2N)
    energy = jnp.sum(drive**2, axis=-1).mean(axis=0)
    return jnp.sum(linear_scan(decay, drive)[-1] ** 2, axis=-1) / energy


def measure(settings: Settings) -> Gains:
    """Run the recurrence several times on every ring."""
    sizes = (settings.n_states, settings.n_inputs, settings.length)
    measured = {}
    for i, (r_min, r_max) in enumerate(settings.rings):
        keys = jax.random.split(jax.random.key(settings.seed + i), settings.runs)
        ring = Ring(r_min, r_max, 2 * np.pi)
        gains = np.asarray([one_run(key, ring, *sizes) for key in keys], np.float64)
        measured[r_min, r_max] = dict(zip(INPUTS, gains.T, strict=True))
    return Gains({ring: predicted_gain(*ring) for ring in settings.rings}, measured)


def relative_error(gains: Gains, kind: Input) -> dict[tuple[float, float], float]:
    """Return ring -> relative error of the mean over runs from the prediction."""
    return {
        ring: abs(float(gains.measured[ring][kind].mean()) / predicted - 1.0)
        for ring, predicted in gains.predicted.items()
    }


def relative_spread(gains: Gains, kind: Input) -> dict[tuple[float, float], float]:
    """Return ring -> distance between the 5th and 95th percentiles, in units of the prediction."""
    return {
        ring: float(np.ptp(np.percentile(gains.measured[ring][kind], [5, 95]))) / predicted
        for ring, predicted in gains.predicted.items()
    }


def judge(settings: Settings, gains: Gains) -> list[Statement]:
    """Check the statements of the figure."""
    errors = {kind: relative_error(gains, kind) for kind in INPUTS}
    spreads = {kind: relative_spread(gains, kind) for kind in INPUTS}
    near = [ring for ring in gains.predicted if ring[1] >= NEAR_THE_CIRCLE]
    inside = {
        ring: gains.measured[ring]["constant"].min()
        <= predicted
        <= gains.measured[ring]["constant"].max()
        for ring, predicted in gains.predicted.items()
    }
    return [
        Statement(
            f"with random input the mean of {settings.runs} runs is the prediction within "
            f"{WITHIN:.0%} on every ring",
            max(errors["random"].values()) <= WITHIN,
            _listed(errors["random"]),
        ),
        Statement(
            "with constant input the prediction lies between the smallest and the largest run on every "
            "ring",
            all(inside.values()),
            "error of the mean " + _listed(errors["constant"]),
        ),
        Statement(
            "the prediction is more accurate for random input: runs spread less (5th to 95th "
            f"percentile) on every ring with r_max of at least {NEAR_THE_CIRCLE}",
            all(spreads["random"][ring] < spreads["constant"][ring] for ring in near),
            f"random {_listed(spreads['random'])}; constant {_listed(spreads['constant'])}",
        ),
    ]


def _listed(values: dict[tuple[float, float], float]) -> str:
    return ", ".join(f"[{low:g}, {high:g}] {value:.1%}" for (low, high), value in values.items())


def draw(gains: Gains) -> "Canvas":
    """Draw boxes (median, quartiles, 5th and 95th percentile) beside the prediction."""
    canvas, panels = new_canvas(1, 1, size=(9.0, 4.2))
    axes = panels[0, 0]
    places = np.arange(len(gains.predicted))
    for kind, shift in zip(INPUTS, (-0.2, 0.2), strict=True):
        axes.boxplot(
            [gains.measured[ring][kind] for ring in gains.predicted],
            positions=places + shift,
            widths=0.3,
            whis=(5, 95),
            sym="",
            manage_ticks=False,
            patch_artist=True,
            boxprops={"facecolor": COLORS[kind], "alpha": 0.5},
            medianprops={"color": "black"},
            label=f"{kind} input",
        )
    axes.hlines(
        list(gains.predicted.values()),
        places - 0.42,
        places + 0.42,
        color="tab:red",
        label="Proposition 3",
        zorder=3,
    )
    axes.set_xticks(places, [f"[{low:g}, {high:g}]" for low, high in gains.predicted])
    axes.set(
        yscale="log",
        xlabel="ring [r_min, r_max]",
        ylabel=r"$\|x_L\|^2\;/\;\|Bu\|^2$",
        title="Gain of the forward pass",
    )
    axes.legend()
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    gains = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(settings, gains),
        columns=long_table(
            [
                {
                    "r_min": ring[0],
                    "r_max": ring[1],
                    "input": kind,
                    "run": np.arange(settings.runs),
                    "gain": gains.measured[ring][kind],
                    "predicted": predicted,
                }
                for ring, predicted in gains.predicted.items()
                for kind in INPUTS
            ]
        ),
        draw=lambda: draw(gains),
    )
