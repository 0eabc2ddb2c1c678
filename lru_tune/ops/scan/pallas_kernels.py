"""Bodies of the scan's GPU kernels: what one instance does with its channels and its chunk of time.

They only see arrays and indices; `lru_tune.ops.scan.pallas_scan` launches them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax.numpy as jnp
from jax import Array, lax

THREADS = 128  # of a warpgroup; each computes one channel

Ref = Any  # Pallas: an array in device memory, read and written by index
Index = Array | int
Carry = TypeVar("Carry")


class Complex(NamedTuple):
    """Complex numbers as two real arrays."""

    re: Array
    im: Array

    def times(self, other: "Complex") -> "Complex":
        """Multiply by other numbers."""
        return Complex(
            self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re
        )

    def plus(self, other: "Complex") -> "Complex":
        """Add other numbers."""
        return Complex(self.re + other.re, self.im + other.im)

    def conjugate(self) -> "Complex":
        """Return the complex conjugates."""
        return Complex(self.re, -self.im)

    def power(self, exponent: int) -> "Complex":
        """Return the numbers to a power of at least 1, by repeated squaring."""
        half, odd = divmod(exponent, 2)
        if half == 0:
            return self
        even = self.times(self).power(half)
        return even.times(self) if odd else even


class Channels(NamedTuple):
    """THREADS channels of a row: the indices of their real and imaginary parts."""

    re: Any
    im: Any

    def load(self, ref: Ref, *place: Index) -> Complex:
        """Read the channels of the row at `place`."""
        return Complex(ref[(*place, self.re)], ref[(*place, self.im)])

    def store(self, ref: Ref, *place: Index, value: Complex) -> None:
        """Write the channels of the row at `place`."""
        ref[(*place, self.re)] = value.re
        ref[(*place, self.im)] = value.im


def walk(
    steps: Index,
    ahead: int,
    read: Callable[[Index], Any],
    step: Callable[[Index, Any, Carry], Carry],
    carry: Carry,
) -> Carry:
    """Run `steps` steps, each `step(i, read(i), carry) -> carry`, and read `ahead` steps at once."""

    def group(i: Index, carry: Carry) -> Carry:
        first = i * ahead
        values = [read(first + k) for k in range(ahead)]
        for k, value in enumerate(values):
            carry = step(first + k, value, carry)
        return carry

    groups = steps // ahead
    carry = lax.fori_loop(0, groups, group, carry)
    return lax.fori_loop(groups * ahead, steps, lambda i, carry: step(i, read(i), carry), carry)


class LaunchShape(NamedTuple):
    """What each instance of a kernel works on, and the kernel bodies.

    An instance has the indices of its chunk `k`, counted in the order of the scan, of its sequence `b` and of
    its block of channels `j`.

    Attributes:
      length, n: T and N.
      chunk, ahead: as in `lru_tune.ops.scan.pallas_scan.Tiling`.
      reverse: whether the scan runs from the last step to the first.
    """

    length: int
    n: int
    chunk: int
    ahead: int
    reverse: bool

    @property
    def n_chunks(self) -> int:
        """Number of chunks of time."""
        return -(-self.length // self.chunk)

    @property
    def n_blocks(self) -> int:
        """Number of blocks of THREADS channels; the last one may overlap the one before it."""
        return -(-self.n // THREADS)

    def channels(self, j: Index) -> Channels:
        """Return the channels of block j."""
        from jax.experimental import pallas as pl

        start = jnp.minimum(j * THREADS, self.n - THREADS)
        return Channels(pl.ds(start, THREADS), pl.ds(self.n + start, THREADS))

    def clock(self, k: Index) -> tuple[Index, Callable[[Index], Index]]:
        """Return the number of steps of chunk k, and the map from a step of the walk to its time."""
        first = (self.n_chunks - 1 - k if self.reverse else k) * self.chunk
        whole = self.length % self.chunk == 0
        steps = self.chunk if whole else jnp.minimum(self.chunk, self.length - first)
        if self.reverse:
            return steps, lambda i: first + steps - 1 - i
        return steps, lambda i: first + i

    def summarise(self, k: Index, b: Index, j: Index, decay: Ref, drive: Ref, ends: Ref) -> None:
        """Write the final state of a chunk that starts from zero to ends[k, b]."""
        at = self.channels(j)
        factor = at.load(decay)
        steps, time = self.clock(k)
        end = walk(
            steps,
            self.ahead,
            lambda i: at.load(drive, time(i), b),
            lambda _, value, state: factor.times(state).plus(value),
            _zero_like(factor),
        )
        at.store(ends, k, b, value=end)

    def replay(self, k: Index, b: Index, j: Index, *refs: Ref) -> None:
        """Write the states; refs are decay, [decay^chunk, ends,] drive, states."""
        decay, *before, drive, states = refs
        at = self.channels(j)
        factor = at.load(decay)
        steps, time = self.clock(k)

        def step(i: Index, value: Complex, state: Complex) -> Complex:
            state = factor.times(state).plus(value)
            at.store(states, time(i), b, value=state)
            return state

        entering = self._entering(k, b, at, factor, *before)
        walk(steps, self.ahead, lambda i: at.load(drive, time(i), b), step, entering)

    def replay_adjoint(self, k: Index, b: Index, j: Index, *refs: Ref) -> None:
        """Write the gradient of the drive, and a chunk's sums for the gradient of the decay.

        The refs are conj(decay), [its power, ends,] gradient of the states, states, gradient of the drive,
        sums (n_chunks, B, 2N).
        """
        decay, *before, grad, states, grad_drive, sums = refs
        at = self.channels(j)
        factor = at.load(decay)
        steps, time = self.clock(k)

        def read(i: Index) -> tuple[Complex, Complex]:
            return at.load(grad, time(i), b), at.load(states, time(i), b)

        def step(
            i: Index, at_t: tuple[Complex, Complex], carry: tuple[Complex, Complex]
        ) -> tuple[Complex, Complex]:
            (grad_t, h), (g, total) = at_t, carry  # g belongs to the step that h led to
            total = total.plus(h.conjugate().times(g))
            g = factor.times(g).plus(grad_t)
            at.store(grad_drive, time(i), b, value=g)
            return g, total

        start = (self._entering(k, b, at, factor, *before), _zero_like(factor))
        _, total = walk(steps, self.ahead, read, step, start)
        at.store(sums, k, b, value=total)

    def _entering(self, k: Index, b: Index, at: Channels, factor: Complex, *before: Ref) -> Complex:
        """Return the state that enters chunk k, computed from the final states of the chunks before it."""
        if not before:
            return _zero_like(factor)
        power, ends = before
        over_chunk = at.load(power)
        return walk(
            k,
            self.ahead,
            lambda i: at.load(ends, i, b),
            lambda _, end, state: over_chunk.times(state).plus(end),
            _zero_like(factor),
        )


def _zero_like(x: Complex) -> Complex:
    """Return zeros in the register layout of x; Mosaic gives a constant another layout."""
    return Complex(x.re - x.re, x.im - x.im)
