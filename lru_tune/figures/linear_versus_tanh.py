"""Figure 7: a linear recurrence learns a convolution in fewer steps than one with tanh.

The paper finds this at every learning rate of a grid that it does not state. Here it holds up to a rate, and
for initial weights that do not amplify: a Gaussian matrix of 100 units has a spectral radius around 1.05, so
the outputs of about half the untrained linear networks have 10 to 10,000 times the energy of the targets.
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
from lru_tune.ops.dense_scan import dense_scan

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

RIVALS = ("linear", "tanh")
COLORS = {"linear": "tab:blue", "tanh": "tab:orange"}
LEARNED = 0.02  # of the outputs' mean square; the loss at which steps are compared
STABLE_START = 10.0  # of the same; an untrained network above it amplifies its input
GENTLE = 1e-3  # learning rate above which the linear network becomes unstable


class Settings(NamedTuple):
    """The paper's problem; the ranges of a and c, learning rates, steps and seeds are ours.

    Attributes:
      seeds: of sequences and initial weights; some must lead to a stable start, and some not.
      rates: of Adam.
      steps: of Adam.
      length: of sequences and kernel.
      sequences: in the one batch.
      n_hidden: hidden units.
      largest_a, largest_c: frequencies a and c are uniform between 0 and these.
    """

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7)
    rates: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3)
    steps: int = 300
    length: int = 100
    sequences: int = 32
    n_hidden: int = 100
    largest_a: float = 1.0
    largest_c: float = 1.0


class Curves(NamedTuple):
    """Loss over the outputs' mean square.

    Attributes:
      loss: name of the activation -> (seeds, rates, steps).
      stable: (seeds,) whether the untrained linear network is below STABLE_START.
    """

    loss: dict[str, np.ndarray]
    stable: np.ndarray


def kernel(length: int) -> np.ndarray:
    """Return h_k = 0.1 exp(-0.015 k) cos^2(0.04 k) as (length,)."""
    k = np.arange(length)
    return 0.1 * np.exp(-0.015 * k) * np.cos(0.04 * k) ** 2


def sequences(settings: Settings, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs sin(0.05 a k) cos^2(0.05 c k) and their convolutions, (length, sequences) each."""
    generator = np.random.default_rng(seed)
    a = generator.uniform(0.0, settings.largest_a, settings.sequences)
    c = generator.uniform(0.0, settings.largest_c, settings.sequences)
    k = np.arange(settings.length)[:, None]
    inputs = np.sin(0.05 * a * k) * np.cos(0.05 * c * k) ** 2
    h = kernel(settings.length)
    outputs = [np.convolve(inputs[:, i], h)[: settings.length] for i in range(settings.sequences)]
    return inputs, np.stack(outputs, axis=1)


def glorot(seed: int, n_hidden: int) -> dict[str, Array]:
    """Return A (N, N), B (N, 1), C (1, N), normal with variance 2 / (inputs + outputs)."""
    keys = jax.random.split(jax.random.key(seed), 3)
    draw = jax.nn.initializers.glorot_normal()
    shapes = {"A": (n_hidden, n_hidden), "B": (n_hidden, 1), "C": (1, n_hidden)}
    return {name: draw(key, shapes[name]) for name, key in zip(shapes, keys, strict=True)}


def outputs_of(params: dict[str, Array], inputs: Array, activation: str) -> Array:
    """Run x_k = activation(A x_{k-1} + B u_k), y_k = C x_k on (length, sequences)."""
    drive = inputs[..., None] @ params["B"].T
    states = dense_scan(params["A"], drive, activation=activation)
    return (states @ params["C"].T)[..., 0]


@partial(jax.jit, static_argnames=("activation", "steps"))
def learn(
    params: dict[str, Array],
    inputs: Array,
    targets: Array,
    rates: Array,
    activation: str,
    steps: int,
) -> Array:
    """Return the losses (rates, steps) over the targets' mean square, one network a rate."""
    power = jnp.mean(targets**2)

    def loss(params: dict[str, Array]) -> Array:
        return jnp.mean((outputs_of(params, inputs, activation) - targets) ** 2) / power

    return jax.vmap(lambda rate: minimise(loss, params, rate, steps)[0])(rates)


def measure(settings: Settings) -> Curves:
    """Train both networks from the same initial weights for every seed and learning rate."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in RIVALS}
    for seed in settings.seeds:
        params = glorot(seed, settings.n_hidden)
        inputs, targets = map(jnp.asarray, sequences(settings, seed))
        rates = jnp.asarray(settings.rates)
        for name in RIVALS:
            found[name].append(
                np.asarray(learn(params, inputs, targets, rates, name, settings.steps))
            )
    loss = {name: np.stack(curves) for name, curves in found.items()}
    return Curves(loss, loss["linear"][:, 0, 0] <= STABLE_START)


def steps_to(loss: np.ndarray, level: float) -> np.ndarray:
    """Return the first step (...) at which the loss (..., steps) is below a level; inf for never."""
    below = loss < level
    return np.where(below.any(axis=-1), below.argmax(axis=-1), np.inf)


def judge(settings: Settings, curves: Curves) -> list[Statement]:
    """Check the statements of the figure, and the limits of the paper's claim."""
    stable = {name: _median_steps(curves.loss[name][curves.stable]) for name in RIVALS}
    unstable = {name: _median_steps(curves.loss[name][~curves.stable]) for name in RIVALS}
    final = {name: np.median(curves.loss[name][curves.stable, :, -1], axis=0) for name in RIVALS}
    gentle = np.asarray(settings.rates) <= GENTLE
    n_stable, n = int(curves.stable.sum()), len(settings.seeds)
    starts = np.sort(curves.loss["linear"][~curves.stable][:, 0, 0])
    return [
        Statement(
            f"at every learning rate up to {GENTLE:g} the linear network comes below {LEARNED:.0%} of the "
            f"outputs' mean square in fewer steps than tanh (medians of the {n_stable} of {n} draws whose "
            f"untrained linear network has a loss below {STABLE_START:g} times it)",
            bool(np.all(stable["linear"][gentle] < stable["tanh"][gentle])),
            _listed(settings, stable),
        ),
        Statement(
            f"above {GENTLE:g} the claim ends: the linear network is left with the higher loss",
            bool(np.all(final["linear"][~gentle] > final["tanh"][~gentle])),
            "; ".join(
                f"rate {rate:g}: {linear:.3f} against {tanh:.3f} after {settings.steps} steps"
                for rate, linear, tanh in zip(
                    np.asarray(settings.rates)[~gentle],
                    final["linear"][~gentle],
                    final["tanh"][~gentle],
                    strict=True,
                )
            ),
        ),
        Statement(
            f"the claim needs a stable start: in the other {n - n_stable} draws, whose first loss is "
            f"{starts.min():.3g} to {starts.max():.3g}, the linear network learns later than tanh or not "
            "at all (medians)",
            bool(np.all(unstable["linear"] > unstable["tanh"])),
            _listed(settings, unstable),
        ),
    ]


def _median_steps(loss: np.ndarray) -> np.ndarray:
    """Return the median over draws (rates,) of the steps to LEARNED, inf where half never learn."""
    ordered = np.sort(steps_to(loss, LEARNED), axis=0)
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return 0.5 * (lower + upper)


def _listed(settings: Settings, steps: dict[str, np.ndarray]) -> str:
    return "; ".join(
        f"rate {rate:g}: {_steps(linear, settings)} against {_steps(tanh, settings)}"
        for rate, linear, tanh in zip(settings.rates, steps["linear"], steps["tanh"], strict=True)
    )


def _steps(count: float, settings: Settings) -> str:
    return f"{count:.0f}" if np.isfinite(count) else f"more than {settings.steps}"


def draw(settings: Settings, curves: Curves) -> "Canvas":
    """Draw the kernel, and one panel a learning rate: every draw, and the median of the stable ones."""
    columns = len(settings.rates) + 1
    canvas, panels = new_canvas(1, columns, size=(3.2 * columns, 4.4))
    panels[0, 0].plot(kernel(settings.length), color="black")
    panels[0, 0].set(title="Kernel to learn", xlabel="step k", ylabel="h")
    for i, rate in enumerate(settings.rates):
        axes = panels[0, i + 1]
        for name in RIVALS:
            loss = curves.loss[name][:, i]
            for curve, is_stable in zip(loss, curves.stable, strict=True):
                style = "-" if is_stable else ":"
                axes.plot(curve, style, color=COLORS[name], linewidth=0.6, alpha=0.35)
            axes.plot(np.median(loss[curves.stable], axis=0), color=COLORS[name], linewidth=2.0)
        axes.axhline(LEARNED, color="black", linestyle="--", linewidth=1.0)
        axes.set(
            yscale="log", ylim=(3e-4, 1e2), xlabel="Adam's step", title=f"learning rate {rate:g}"
        )
    first = panels[0, 1]
    first.set_ylabel("loss / mean square of the outputs")
    for name in RIVALS:
        first.plot([], [], color=COLORS[name], linewidth=2.0, label=f"{name}, median")
    first.plot([], [], ":", color=COLORS["linear"], label="unstable start")
    first.plot([], [], "k--", linewidth=1.0, label=f"learned: {LEARNED:g}")
    first.legend(loc="upper right", fontsize="small")
    return canvas


FULL_SIZE = Settings()


def compute(settings: Settings = FULL_SIZE) -> FigureResult:
    """Compute the figure."""
    curves = measure(settings)
    return FigureResult(
        settings=settings._asdict(),
        statements=judge(settings, curves),
        columns=long_table(
            [
                {
                    "activation": name,
                    "seed": seed,
                    "rate": rate,
                    "stable_start": curves.stable[i],
                    "step": np.arange(settings.steps),
                    "loss": curves.loss[name][i, j],
                }
                for name in RIVALS
                for i, seed in enumerate(settings.seeds)
                for j, rate in enumerate(settings.rates)
            ]
        ),
        draw=lambda: draw(settings, curves),
    )
