"""Figure 4: impulse responses of three states over a long sequence, with full and with small phase."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lru_tune.drawing import new_canvas
from lru_tune.figures.figure_result import FigureResult, Statement
from lru_tune.models.eigenvalues import Ring, polar, sample_ring
from lru_tune.ops.scan.linear_scan import linear_scan

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

PHASES = {"full": 2 * np.pi, "small": np.pi / 50}  # name -> largest phase in radians
LABELS = {"full": r"phase from $[0, 2\pi]$", "small": r"phase from $[0, \pi/50]$"}
# A float32 phase is rounded by up to 2e-7 a step, which adds up over 16,384 steps.
SCAN_TOLERANCE = 0.01


class Settings(NamedTuple):
    """Seed, steps, decay rate nu, number of states in the picture, and number of states for the statement."""

    seed: int = 0
    length: int = 16_384
    nu: float = 5e-5
    n_states: int = 3
    population: int = 1000


class Responses(NamedTuple):
    """Impulse responses, by the name of the phase.

    Attributes:
      theta: name -> phases (n_states,) in radians.
      states: name -> real parts of the states (length, n_states), computed by the recurrence.
      population: name -> oscillations within the sequence (population,) of many states.
    """

    theta: dict[str, np.ndarray]
    states: dict[str, np.ndarray]
    population: dict[str, np.ndarray]


def closed_form(nu: float, theta: np.ndarray, length: int) -> np.ndarray:
    """Return Re[lambda^k] for k = 0 ... length - 1 as (length, n)."""
    step = np.arange(length)[:, None]
    return np.exp(-nu * step) * np.cos(theta[None, :] * step)


def by_recurrence(nu: float, theta: np.ndarray, length: int) -> np.ndarray:
    """Return the same as `closed_form`, by running x_k = lambda x_{k-1} + u_k on an impulse."""
    decay = jnp.concatenate(polar(jnp.full(theta.shape, nu), jnp.asarray(theta)))
    drive = jnp.zeros((length, 1, 2 * len(theta))).at[0, 0, : len(theta)].set(1.0)
    return np.asarray(linear_scan(decay, drive)[:, 0, : len(theta)], np.float64)


def oscillations(theta: np.ndarray, length: int) -> np.ndarray:
    """Return the number of periods within the sequence; phases above pi alias to turns the other way."""
    return np.minimum(theta, 2 * np.pi - theta) * length / (2 * np.pi)


def share_below(states: np.ndarray, phase: float) -> np.ndarray:
    """Return the share (n,) of each state's spectral energy up to a phase in radians per step."""
    energy = np.abs(np.fft.rfft(states, axis=0)) ** 2
    low = 2 * np.pi * np.fft.rfftfreq(len(states)) <= phase
    return energy[low].sum(axis=0) / energy.sum(axis=0)


def measure(settings: Settings) -> Responses:
    """Draw phases, run the recurrence and count oscillations."""
    theta, states, population = {}, {}, {}
    for name, max_phase in PHASES.items():
        key, many = jax.random.split(jax.random.key(settings.seed))
        ring = Ring(0.0, 1.0, max_phase)
        theta[name] = np.asarray(sample_ring(key, settings.n_states, ring)[1])
        states[name] = by_recurrence(settings.nu, theta[name], settings.length)
        drawn = np.asarray(sample_ring(many, settings.population, ring)[1], np.float64)
        population[name] = oscillations(drawn, settings.length)
    return Responses(theta, states, population)


def judge(settings: Settings, responses: Responses) -> list[Statement]:
    """Check the statements of the figure."""
    error = max(
        np.abs(
            responses.states[name]
            - closed_form(settings.nu, responses.theta[name].astype(np.float64), settings.length)
        ).max()
        for name in PHASES
    )
    median = {name: float(np.median(responses.population[name])) for name in PHASES}
    most = float(responses.population["small"].max())
    bound = settings.length / 100
    shares = {name: share_below(responses.states[name], PHASES["small"]) for name in PHASES}
    return [
        Statement(
            "the recurrence agrees with exp(-nu k) cos(theta k) within "
            f"{SCAN_TOLERANCE} on all {settings.length} steps",
            bool(error <= SCAN_TOLERANCE),
            f"largest difference {error:.1e}",
        ),
        Statement(
            f"of {settings.population} states with small phase none oscillates more than "
            f"{bound:.0f} times; with full phase the median is at least ten times that",
            most <= bound and median["full"] >= 10 * bound,
            f"median {median['full']:.0f} with full phase, {median['small']:.0f} with small, "
            f"at most {most:.1f}",
        ),
        Statement(
            "with small phase every drawn state has at least 95 % of its energy at frequencies up to "
            "pi/50, with full phase at most 5 %",
            bool(shares["small"].min() >= 0.95 and shares["full"].max() <= 0.05),
            "; ".join(
                f"{name}: " + ", ".join(f"{share:.2%}" for share in shares[name]) for name in PHASES
            ),
        ),
    ]


def draw(settings: Settings, responses: Responses) -> "Canvas":
    """Draw the responses over the sequence, and their first steps."""
    canvas, panels = new_canvas(2, 2, size=(11.0, 5.6), sharey=True)
    for row, name in zip(panels, PHASES, strict=True):
        states = responses.states[name]
        counts = oscillations(responses.theta[name], settings.length)
        for axes, shown in zip(row, (settings.length, settings.length // 64), strict=True):
            for j, count in enumerate(counts):
                # Where they fill the panel, the fastest lies behind the slower ones.
                axes.plot(
                    states[:shown, j],
                    linewidth=0.9,
                    zorder=-count,
                    label=f"{count:.0f} oscillations",
                )
            axes.set(xlim=(0, shown), xlabel="step", ylabel="real part of the state")
            axes.set_title(f"{LABELS[name]}, {shown:,} steps")
        row[0].set_ylim(-1.1, 1.6)
        row[0].legend(loc="upper right", ncols=len(counts), fontsize="small")
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    responses = measure(settings)
    columns = {"step": np.arange(settings.length)}
    for name in PHASES:
        for j, values in enumerate(responses.states[name].T):
            columns[f"{name}_{j}"] = values
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(settings, responses),
        columns=columns,
        draw=lambda: draw(settings, responses),
    )
