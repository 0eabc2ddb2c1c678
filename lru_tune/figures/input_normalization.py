"""Proposition 3 for each state: its variance under white noise, with and without gamma."""

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from lru_tune.drawing import new_canvas
from lru_tune.figures.figure_result import FigureResult, Statement, long_table
from lru_tune.models.eigenvalues import Ring, input_gain_log, polar, sample_ring
from lru_tune.ops.scan.linear_scan import linear_scan

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

Normalization = Literal["none", "gamma"]
WITHIN = 0.05  # of 1, for the mean over a ring's states of measured over predicted variance
COLORS = {"none": "tab:orange", "gamma": "tab:blue"}
LABELS = {"none": "without gamma", "gamma": "with gamma"}


class Settings(NamedTuple):
    """Seed, states per ring, sequences, steps of each (the first half is left out), and rings."""

    seed: int = 0
    n_states: int = 128
    sequences: int = 16
    length: int = 10_000
    rings: tuple[tuple[float, float], ...] = ((0.0, 0.9), (0.5, 0.99), (0.9, 0.999))


class Variances(NamedTuple):
    """Mean |x|^2 of each state of a ring (n_states,), its modulus and its input gain."""

    ring: tuple[float, float]
    normalization: Normalization
    modulus: np.ndarray
    variance: np.ndarray

    def predicted(self) -> np.ndarray:
        """Return the variance (n_states,) that 1 / (1 - |lambda|^2) and gamma lead to."""
        if self.normalization == "gamma":
            return np.ones_like(self.modulus)
        return 1.0 / (1.0 - self.modulus**2)


@partial(jax.jit, static_argnames=("sequences", "length"))
def mean_square(
    key: Array, nu: Array, theta: Array, gain: Array, sequences: int, length: int
) -> Array:
    """Return the mean |x|^2 (N,) over sequences and the second half of the steps.

    Args:
      key: of the input, complex white noise with E|u|^2 = 1, another one for each state.
      nu: (N,), decay rates of the eigenvalues.
      theta: (N,), their phases.
      gain: (N,), factors of the input.
      sequences: number of sequences to average.
      length: steps; half of them must be long against 1 / nu.
    """
    noise = jax.random.normal(key, (length, sequences, 2 * len(nu))) * 0.5**0.5
    drive = noise * jnp.concatenate([gain, gain])[None, None, :]
    states = linear_scan(jnp.concatenate(polar(nu, theta)), drive)[length // 2 :]
    re, im = jnp.split(jnp.mean(states**2, axis=(0, 1)), 2)
    return re + im


def measure(settings: Settings) -> list[Variances]:
    """Run every ring without and with gamma."""
    found = []
    for i, (r_min, r_max) in enumerate(settings.rings):
        key_ring, key_noise = jax.random.split(jax.random.key(settings.seed + i))
        nu, theta = sample_ring(key_ring, settings.n_states, Ring(r_min, r_max, 2 * np.pi))
        gains: dict[Normalization, Array] = {
            "none": jnp.ones_like(nu),
            "gamma": jnp.exp(input_gain_log(nu)),
        }
        for normalization, gain in gains.items():
            variance = mean_square(key_noise, nu, theta, gain, settings.sequences, settings.length)
            modulus = np.exp(-np.asarray(nu, np.float64))
            found.append(
                Variances((r_min, r_max), normalization, modulus, np.asarray(variance, np.float64))
            )
    return found


def mean_ratio(variances: Variances) -> float:
    """Return the mean over states of measured over predicted variance."""
    return float(np.mean(variances.variance / variances.predicted()))


def judge(found: list[Variances]) -> list[Statement]:
    """Check the statements of the figure."""

    def statement(text: str, normalization: Normalization) -> Statement:
        ratios = {x.ring: mean_ratio(x) for x in found if x.normalization == normalization}
        return Statement(
            text,
            all(abs(ratio - 1.0) <= WITHIN for ratio in ratios.values()),
            ", ".join(f"[{low:g}, {high:g}] {ratio:.4f}" for (low, high), ratio in ratios.items()),
        )

    return [
        statement(
            "without gamma the variance of a state is 1 / (1 - |lambda|^2) times its input's: the mean "
            f"ratio over a ring is 1 within {WITHIN:.0%}",
            "none",
        ),
        statement(
            f"with gamma the mean variance over a ring is its input's within {WITHIN:.0%}", "gamma"
        ),
    ]


def draw(found: list[Variances]) -> "Canvas":
    """Draw the variance of every state over 1 - |lambda|^2."""
    canvas, panels = new_canvas(1, 1, size=(7.5, 4.4))
    axes = panels[0, 0]
    for normalization, color in COLORS.items():
        chosen = [x for x in found if x.normalization == normalization]
        room = 1.0 - np.concatenate([x.modulus for x in chosen]) ** 2
        variance = np.concatenate([x.variance for x in chosen])
        axes.scatter(room, variance, s=9, linewidths=0, color=color, label=LABELS[normalization])
    room = np.geomspace(1e-3, 1.0, 100)
    axes.plot(room, 1.0 / room, color="black", linewidth=1.0, label=r"$1 / (1 - |\lambda|^2)$")
    axes.axhline(1.0, color="black", linestyle="--", linewidth=1.0, label="variance of the input")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel=r"$1 - |\lambda|^2$",
        ylabel="variance of the state",
        title="States under white noise",
    )
    axes.legend()
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    found = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(found),
        columns=long_table(
            [
                {
                    "r_min": x.ring[0],
                    "r_max": x.ring[1],
                    "normalization": x.normalization,
                    "modulus": x.modulus,
                    "variance": x.variance,
                    "predicted": x.predicted(),
                }
                for x in found
            ]
        ),
        draw=lambda: draw(found),
    )
