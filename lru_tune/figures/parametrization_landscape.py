"""Figure 8: turning one eigenvalue with Adam, in real and imaginary part or in exponential form.

The start has the target's modulus and another phase. If the power k is divisible by four, a quarter turn of
the plane swaps the two axes and does not change the loss, so a target of phase pi/2 is exactly as hard as one
of phase 0. The hard phase is pi/4, far from both axes: both coordinates have the same gradient, so Adam's
step has the same length in both and points at the origin instead of turning.
"""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from lru_tune.drawing import new_canvas
from lru_tune.figures.adam import minimise
from lru_tune.figures.figure_result import FigureResult, Statement, long_table
from lru_tune.models.eigenvalues import EIGENVALUES, polar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

RIVALS = ("cartesian", "exp")  # keys of EIGENVALUES
LABELS = {"cartesian": "Re + Im", "exp": "exp"}
COLORS = {"cartesian": "tab:orange", "exp": "tab:blue"}
REACHED = 1e-4  # the loss at which steps are compared; it starts near 0.25


class Settings(NamedTuple):
    """The paper's problem; nu, turn, phases and learning rates are ours.

    Attributes:
      power: the exponent k, divisible by four.
      nu: of the target and of the start, whose modulus is exp(-nu).
      turn: phase from the start to the target, in units of pi / power (at 1 the next minimum is as near).
      phases: of the target in units of pi.
      rates: of Adam.
      steps: of Adam.
    """

    power: int = 100
    nu: float = 0.01
    turn: float = 0.9
    phases: tuple[float, ...] = (0.0, 0.0625, 0.125, 0.1875, 0.25, 0.3125, 0.375, 0.4375, 0.5)
    rates: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    steps: int = 500


class Paths(NamedTuple):
    """The paths of Adam by parametrisation.

    Attributes:
      loss: name -> (phases, rates, steps).
      path: name -> complex (phases, rates, steps), the eigenvalue before each step.
    """

    loss: dict[str, np.ndarray]
    path: dict[str, np.ndarray]


def loss_of(re: Array, im: Array, target: tuple[Array, Array], power: int) -> Array:
    """Return 0.5 |lambda^power - target|^2, the target given as its two planes."""
    raised = (re + 1j * im) ** power
    return 0.5 * ((raised.real - target[0]) ** 2 + (raised.imag - target[1]) ** 2)


@partial(jax.jit, static_argnames=("name", "settings"))
def descend(theta: Array, rate: Array, name: str, settings: Settings) -> tuple[Array, Array, Array]:
    """Return losses, real parts and imaginary parts (steps,) of Adam's path to a target of phase theta."""
    coordinates = EIGENVALUES[name]
    k = settings.power
    target = polar(jnp.float32(k * settings.nu), k * theta)
    start = coordinates.params(
        jnp.float32(settings.nu), theta - jnp.float32(settings.turn * np.pi / k)
    )

    def loss(params: tuple[Array, ...]) -> Array:
        return loss_of(*coordinates.value(*params), target, k)

    losses, (re, im) = minimise(
        loss, start, rate, settings.steps, keep=lambda params: coordinates.value(*params)
    )
    return losses, re, im


def measure(settings: Settings) -> Paths:
    """Descend to every target with every learning rate."""
    theta = jnp.asarray(settings.phases) * np.pi
    rates = jnp.asarray(settings.rates)
    loss, path = {}, {}
    for name in RIVALS:
        run = partial(descend, name=name, settings=settings)
        over_rates = jax.vmap(run, in_axes=(None, 0))
        losses, re, im = jax.vmap(over_rates, in_axes=(0, None))(theta, rates)
        loss[name] = np.asarray(losses)
        path[name] = np.asarray(re) + 1j * np.asarray(im)
    return Paths(loss, path)


def steps_to(loss: np.ndarray) -> np.ndarray:
    """Return the first step (...) with a loss (..., steps) below REACHED; inf for never."""
    below = loss < REACHED
    return np.where(below.any(axis=-1), below.argmax(axis=-1), np.inf)


def turning_share(path: np.ndarray) -> np.ndarray:
    """Return the share of the first step that turns: 1 along the circle, 0 along the radius."""
    move = np.log(path[..., 1] / path[..., 0])  # real part: log of the modulus, imaginary: phase
    return np.abs(move.imag) / np.abs(move)


def judge(settings: Settings, paths: Paths) -> list[Statement]:
    """Check the statements of the figure."""
    steps = {name: steps_to(paths.loss[name]) for name in RIVALS}
    share = {name: turning_share(paths.path[name])[:, 0] for name in RIVALS}
    best = {name: steps[name].min(axis=1) for name in RIVALS}
    phases = np.asarray(settings.phases)
    between = (phases % 0.5) > 0.0
    diagonal = int(np.argmin(np.abs(phases - 0.25)))
    final = {name: paths.loss[name][diagonal, :, -1] for name in RIVALS}
    first, last = (int(np.argmin(np.abs(phases - x))) for x in (0.0, 0.5))
    quarter = np.abs(steps["cartesian"][first] - steps["cartesian"][last]).max()
    return [
        Statement(
            f"for every target between the axes and at every rate, exp comes below {REACHED:g} in fewer "
            "steps than Re + Im",
            bool(np.all(steps["exp"][between] < steps["cartesian"][between])),
            f"at the best rate exp {_listed(best['exp'])}; Re + Im {_listed(best['cartesian'])} for "
            f"phases {', '.join(f'{x:g}' for x in phases)} pi",
        ),
        Statement(
            f"at phase pi/4 Re + Im is still above {100 * REACHED:g} after {settings.steps} steps at "
            f"every rate, and exp ends below {REACHED / 100:g}",
            bool(final["cartesian"].min() > 100 * REACHED and final["exp"].max() < REACHED / 100),
            f"lowest {final['cartesian'].min():.1e} against highest {final['exp'].max():.1e}",
        ),
        Statement(
            "exp does not depend on the target's phase: steps differ by at most 1",
            bool(np.ptp(steps["exp"], axis=0).max() <= 1),
            "; ".join(
                f"rate {rate:g}: {_listed(np.unique(steps['exp'][:, i]))}"
                for i, rate in enumerate(settings.rates)
            ),
        ),
        Statement(
            "of Adam's first step exp gives 0.71 to turning at every phase within 0.01, Re + Im less "
            "than 0.05 at pi/4",
            bool(
                np.abs(share["exp"] - 0.5**0.5).max() <= 0.01
                and share["cartesian"][diagonal] < 0.05
            ),
            f"Re + Im: {', '.join(f'{x:.2f}' for x in share['cartesian'])}",
        ),
        Statement(
            "for Re + Im phase pi/2 is as easy as phase 0 (steps differ by at most 1), unlike the paper's "
            "text, which names pi/2 as the hard case",
            bool(quarter <= 1),
            f"largest difference over the rates {quarter:.0f}",
        ),
    ]


def _listed(steps: np.ndarray) -> str:
    return ", ".join(f"{x:.0f}" if np.isfinite(x) else "never" for x in steps)


def _landscape(axes: "Axes", name: str, settings: Settings, index: int, paths: Paths) -> None:
    """Draw the loss around one target, and the way there at the middle rate."""
    theta, k = settings.phases[index] * np.pi, settings.power
    path = paths.path[name][index, len(settings.rates) // 2]
    target = np.exp(-settings.nu + 1j * theta)
    if name == "cartesian":
        x = target.real + np.linspace(-0.07, 0.07, 201)
        y = target.imag + np.linspace(-0.07, 0.07, 201)
        grid = x[None, :] + 1j * y[:, None]
        points, end = (path.real, path.imag), (target.real, target.imag)
        axes.set(xlabel="real part", ylabel="imaginary part", aspect="equal")
    else:
        x, y = np.linspace(-0.005, 0.09, 201), theta + np.linspace(-0.05, 0.05, 201)
        grid = np.exp(-x[None, :] + 1j * y[:, None])
        points, end = (-np.log(np.abs(path)), np.angle(path)), (settings.nu, theta)
        axes.set(xlabel="nu", ylabel="theta")
    height = 0.5 * np.abs(grid**k - target**k) ** 2
    axes.contourf(x, y, np.log10(height + 1e-6), levels=np.linspace(-4, 0.5, 19), extend="both")
    axes.plot(*points, color="white", linewidth=1.2)
    axes.plot(points[0][0], points[1][0], "s", color="tab:red", markersize=7, label="start")
    axes.plot(*end, "X", color="white", markeredgecolor="black", markersize=9, label="target")
    axes.plot(points[0][-1], points[1][-1], "*", color="tab:red", markersize=11, label="end")
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.locator_params(nbins=5)
    axes.set_title(f"{LABELS[name]}, phase {settings.phases[index]:g} pi")


def draw(settings: Settings, paths: Paths) -> "Canvas":
    """Draw landscapes with the way taken, losses at pi/4, and steps and turning over the phase."""
    canvas, panels = new_canvas(2, 4, size=(15.0, 7.4))
    phases = np.asarray(settings.phases)
    diagonal = int(np.argmin(np.abs(phases - 0.25)))
    for axes, phase in zip(panels[0], (0.0, 0.125, 0.25, 0.5), strict=True):
        _landscape(axes, "cartesian", settings, int(np.argmin(np.abs(phases - phase))), paths)
    _landscape(panels[1, 0], "exp", settings, diagonal, paths)
    panels[1, 0].legend(loc="lower right", fontsize="small")
    losses, counts, shares = panels[1, 1:]
    middle = len(settings.rates) // 2
    for name in RIVALS:
        style = {"color": COLORS[name], "label": LABELS[name]}
        losses.semilogy(paths.loss[name][diagonal, middle], **style)
        steps = steps_to(paths.loss[name])[:, middle]
        counts.plot(phases, np.minimum(steps, settings.steps), "o-", **style)
        shares.plot(phases, turning_share(paths.path[name])[:, middle], "o-", **style)
    rate = settings.rates[middle]
    losses.set(xlabel="Adam's step", ylabel="loss", title=f"phase 0.25 pi, rate {rate:g}")
    counts.set(title=f"steps to a loss of {REACHED:g} (at most {settings.steps})", ylim=(0, None))
    shares.set(title="turning share of Adam's first step", ylim=(0, 1))
    for axes in (counts, shares):
        axes.set(xlabel="target's phase / pi")
    for axes in (losses, counts, shares):
        axes.legend()
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    paths = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(settings, paths),
        columns=long_table(
            [
                {
                    "parametrization": name,
                    "phase_over_pi": phase,
                    "rate": rate,
                    "step": np.arange(settings.steps),
                    "loss": paths.loss[name][i, j],
                    "real": paths.path[name][i, j].real,
                    "imaginary": paths.path[name][i, j].imag,
                }
                for name in RIVALS
                for i, phase in enumerate(settings.phases)
                for j, rate in enumerate(settings.rates)
            ]
        ),
        draw=lambda: draw(settings, paths),
    )
