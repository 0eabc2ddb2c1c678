"""The linear scan by every back end of this device and by minimal-LRU's algorithm, in turns, in one process.

    python -m benchmarks.scan [--lengths 256 1024] [--states 128] [--rounds 9]

A turn is one forward and one backward pass: states, and the gradients of decay and drive. The rival is
`lax.associative_scan` over complex pairs (lambda, b) with automatic differentiation, as minimal-LRU and S5
have it. Batch times length stays the same. Ratios are taken round by round.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from benchmarks import report
from lru_tune.errors import LruTuneError
from lru_tune.ops.scan.linear_scan import SCAN_BACKENDS, linear_scan

RIVAL = "pairs, autodiff"
LENGTHS = (256, 1024, 4096, 16384)
CELLS = 16384  # batch times length

Scan = Callable[[Array, Array], Array]


def pair_scan(decay: Array, drive: Array) -> Array:
    """Solve h_t = lambda h_{t-1} + b_t as a parallel prefix over pairs; (N,) and (B, T, N), complex64."""

    def combine(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
        (a_left, b_left), (a_right, b_right) = left, right
        return a_right * a_left, a_right * b_left + b_right

    def of_one_sequence(drive: Array) -> Array:
        decays = jnp.broadcast_to(decay, drive.shape)
        return lax.associative_scan(combine, (decays, drive))[1]

    return jax.vmap(of_one_sequence)(drive)


def backend_scan(name: str) -> Scan:
    """Return the back end's scan of planes: (2N,) and (T, B, 2N), float32."""
    return lambda decay, drive: linear_scan(decay, drive, backend=name)


def problem(length: int, batch: int, n: int) -> tuple[np.ndarray, ...]:
    """Return decay (N,), drive and gradient of the states (B, T, N), complex64."""
    rng = np.random.default_rng(0)
    decay = rng.uniform(0.9, 0.999, n) * np.exp(1j * rng.uniform(0, 2 * np.pi, n))
    drive, grad = (
        rng.normal(size=(batch, length, n)) + 1j * rng.normal(size=(batch, length, n))
        for _ in range(2)
    )
    return tuple(part.astype(np.complex64) for part in (decay, drive, grad))


def planes(z: np.ndarray) -> np.ndarray:
    """Put real and imaginary parts side by side, and time first."""
    both = np.concatenate([z.real, z.imag], axis=-1)
    return both.swapaxes(0, 1) if both.ndim == 3 else both


def passes(scan: Scan, decay: np.ndarray, drive: np.ndarray, grad: np.ndarray) -> Callable:
    """Return a function that runs both passes; it is compiled before this returns."""

    def both(decay: Array, drive: Array, grad: Array) -> tuple[Array, ...]:
        states, pull_back = jax.vjp(scan, decay, drive)
        return states, *pull_back(grad)

    compiled = jax.jit(both).lower(decay, drive, grad).compile()
    arguments = [jnp.asarray(part) for part in (decay, drive, grad)]
    run = lambda: jax.block_until_ready(compiled(*arguments))  # noqa: E731
    run()
    return run


def programs(length: int, batch: int, n: int) -> dict[str, Callable]:
    """Return the rival and every back end that runs in this process."""
    given = problem(length, batch, n)
    made = {RIVAL: passes(pair_scan, *given)}
    for name, backend in SCAN_BACKENDS.items():
        try:
            backend.require()
        except LruTuneError as error:
            print(f"without {name}: {error}")
        else:
            made[name] = passes(backend_scan(name), *map(planes, given))
    return made


def compare(length: int, n: int, rounds: int) -> list[dict]:
    """Time all programs in turns; return a row for each."""
    batch = max(1, CELLS // length)
    made = programs(length, batch, n)
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, run in made.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    rows = []
    for name, taken in times.items():
        row = {"device": jax.default_backend(), "length": length, "batch": batch, "states": n}
        row |= {"backend": name, "rounds": rounds}
        row |= _named("ms", [1e3 * seconds for seconds in taken])
        ratios = [rival / ours for rival, ours in zip(times[RIVAL], taken, strict=True)]
        rows.append(row | _named("speedup", ratios))
    return rows


def _named(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_{part}": value for part, value in report.quartiles(values).items()}


def main() -> None:
    """Measure the chosen lengths and write benchmarks/results/scan.csv."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--states", type=int, default=128, help="complex states, N")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--name", default="scan", help="of the result file")
    arguments = parser.parse_args()
    rows = []
    for length in arguments.lengths:
        measured = compare(length, arguments.states, arguments.rounds)
        for row in measured:
            print(report.line(row), flush=True)
        rows += measured
    print(report.write(arguments.name, rows))


if __name__ == "__main__":
    main()
