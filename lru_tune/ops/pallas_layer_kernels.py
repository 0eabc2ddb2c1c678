"""Bodies of the GPU kernels of a whole layer: B, the scan and C with the states in registers.

A warpgroup takes ROWS sequences and STEPS steps at once, the columns of a tile: column 8 s + r is step s of
sequence r. The matrix unit multiplies a block of B, CHANNELS real rows over as many imaginary ones, with a
tile of inputs. Its result lies in registers in such a way that the 8 columns of a step can be taken out as
they are, so that the scan is arithmetic on registers, h = lambda h + b_s for s = 0, 1, ... Each body does
something else with the states on the way.

They know arrays and indices only; what is launched when is `lru_tune.ops.pallas_layer`'s business.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from lru_tune.ops.scan.pallas_kernels import Complex, Index, Ref

CHANNELS = 64  # of a block: the rows that the matrix unit of a warpgroup takes at a time
ROWS = 8  # sequences of a tile: the fewest columns that can be taken out of a product in registers
STEPS = 8  # of a tile; more would need more registers than there are
COLUMNS = ROWS * STEPS
PLANES = 2 * CHANNELS
# Columns more than needed, so that the rows of `relay` begin in different banks of memory. With 8 no two
# threads would meet; with 2 two instances of ListOps' size fit into a multiprocessor's shared memory.
GAP = 2


class Feed(NamedTuple):
    """Tiles that take turns in one place of shared memory; each is asked for as soon as the last is done.

    Attributes:
      tile: returns the tile of a number in device memory.
      place: in shared memory.
      barrier: says when the tile has come.
      stays: whether there is a single tile.
    """

    tile: Callable[[Index], Ref]
    place: Ref
    barrier: Ref
    stays: bool = False

    def begin(self) -> None:
        """Ask for tile 0."""
        self._ask(0)
        if self.stays:
            self._wait()

    def take(self) -> Ref:
        """Return the place, with the tile that was asked for."""
        if not self.stays:
            self._wait()
        return self.place

    def turn(self, number: Index) -> None:
        """Ask for another tile; nobody may need the one that is there."""
        if not self.stays:
            self._ask(number)

    def end(self) -> None:
        """Wait for the tile that nobody will take: a kernel must not end before it has come."""
        if not self.stays:
            self._wait()

    def _ask(self, number: Index) -> None:
        from jax.experimental.pallas import mosaic_gpu as plgpu

        plgpu.copy_gmem_to_smem(self.tile(number), self.place, self.barrier)

    def _wait(self) -> None:
        from jax.experimental.pallas import mosaic_gpu as plgpu

        plgpu.barrier_wait(self.barrier)


class Plan(NamedTuple):
    """What an instance walks through.

    An instance is known by its group of sequences `r`, its chunk of time `k`, counted in the order of the
    scan, and a block of channels or of outputs `j`.

    Attributes:
      chunks: of time, and `chunk`, tiles in each.
      n_blocks: blocks of CHANNELS.
      in_blocks: blocks that the features of the inputs are cut into.
      reverse: whether the scan runs from the last step to the first.
      load: reads from device memory: array, index.
    """

    chunks: int
    chunk: int
    n_blocks: int
    in_blocks: int
    reverse: bool
    load: Callable[[Ref, tuple[Any, ...]], Array]

    def time(self, tile: Index) -> Index:
        """Return where in time the tile of this number lies."""
        return self.chunks * self.chunk - 1 - tile if self.reverse else tile

    def tiles(self, x: Ref, r: Index, k: Index, place: Ref, barrier: Ref) -> Feed:
        """Return the tiles of a sequence of x, by their number in the chunk; the last repeats."""
        return Feed(
            lambda i: x.at[self.time(k * self.chunk + jnp.minimum(i, self.chunk - 1)), r],
            place,
            barrier,
        )

    def enter(self, blocks: Ref, j: Index, count: int, place: Ref, barrier: Ref) -> Feed:
        """Return the blocks of B from channel block j on, `count` of them in turn."""
        total, first = count * self.in_blocks, j * self.in_blocks
        return Feed(lambda i: blocks.at[first + i % total], place, barrier, total == 1)

    def planes(self, array: Ref, j: Index, *place: Index) -> Complex:
        """Return block j of an array (..., 2, R, N, ROWS) or (2, N, ROWS): (CHANNELS, ROWS)."""
        from jax.experimental import pallas as pl

        rows = pl.ds(j * CHANNELS, CHANNELS)
        before, after = place[:1], place[1:]
        index = [(*before, plane, *after, rows, slice(None)) for plane in range(2)]
        return Complex(self.load(array, index[0]), self.load(array, index[1]))

    def store(self, array: Ref, j: Index, k: Index, r: Index, value: Complex) -> None:
        """Write block j of an array (chunks, 2, R, N, ROWS)."""
        from jax.experimental import pallas as pl

        rows = pl.ds(j * CHANNELS, CHANNELS)
        array[k, 0, r, rows, :], array[k, 1, r, rows, :] = value

    def drive(self, enter: Feed, inputs: Ref, position: int = 0) -> Array:
        """Multiply the next blocks of B with a tile of inputs: (PLANES, COLUMNS)."""
        from jax.experimental import pallas as pl
        from jax.experimental.pallas import mosaic_gpu as plgpu

        size = inputs.shape[0] // self.in_blocks

        def product(result: Ref) -> Array:
            for i in range(self.in_blocks):
                plgpu.wgmma(result, enter.take(), inputs.at[pl.ds(i * size, size)])
                plgpu.wgmma_wait(0)
                enter.turn(position * self.in_blocks + i + 1)
            return result[...]

        return pl.run_scoped(product, plgpu.ACC((PLANES, COLUMNS), jnp.float32))

    def steps(self, product: Array) -> Iterator[tuple[int, Complex]]:
        """Go through the steps of a product in the order of the scan, each with its first column."""
        order = reversed(range(STEPS)) if self.reverse else range(STEPS)
        for step in order:
            columns = step * ROWS, (step + 1) * ROWS
            yield (
                columns[0],
                Complex(
                    lax.slice(product, (0, columns[0]), (CHANNELS, columns[1])),
                    lax.slice(product, (CHANNELS, columns[0]), (PLANES, columns[1])),
                ),
            )

    def keep_states(
        self, decay: Complex, drive: Array, state: Complex, relay: Ref, states: Ref
    ) -> Complex:
        """Scan a tile, write its states to shared memory for the matrix unit, and return the last."""
        from jax.experimental import pallas as pl
        from jax.experimental.pallas import mosaic_gpu as plgpu

        for column, value in self.steps(drive):
            state = decay.times(state).plus(value)
            columns = pl.ds(column, ROWS)
            relay[pl.ds(0, CHANNELS), columns] = state.re.astype(states.dtype)
            relay[pl.ds(CHANNELS, CHANNELS), columns] = state.im.astype(states.dtype)
        # The matrix unit wants a pattern of memory that cannot be written 8 columns at a time.
        states[...] = relay[:, pl.ds(0, COLUMNS)]
        plgpu.commit_smem()
        return state


def ends(plan: Plan, r: Index, k: Index, j: Index, *refs: Ref) -> None:
    """Write the states that chunk k ends in when it begins at zero; they are not kept on the way."""
    decays, x, blocks, result, x_place, enter_place, barriers = refs
    enter = plan.enter(blocks, j, 1, enter_place, barriers.at[0])
    inputs = plan.tiles(x, r, k, x_place, barriers.at[1])
    decay = plan.planes(decays, j)
    enter.begin()
    inputs.begin()

    def tile(i: Index, state: Complex) -> Complex:
        drive = plan.drive(enter, inputs.take())
        inputs.turn(i + 1)
        for _, value in plan.steps(drive):
            state = decay.times(state).plus(value)
        return state

    state = lax.fori_loop(0, plan.chunk, tile, _zero_like(decay))
    enter.end()
    inputs.end()
    plan.store(result, j, k, r, state)


def outputs(plan: Plan, r: Index, k: Index, j: Index, *refs: Ref) -> None:
    """Write block j of the outputs, Re(C h): all states of a tile, block by block, added up in registers."""
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import mosaic_gpu as plgpu

    decays, entering, x, blocks, read_blocks, result, *shared = refs
    x_place, enter_place, read_place, states, relay, barriers = shared
    count = plan.n_blocks
    enter = plan.enter(blocks, 0, count, enter_place, barriers.at[0])
    inputs = plan.tiles(x, r, k, x_place, barriers.at[1])
    read = Feed(
        lambda i: read_blocks.at[j * count + i % count], read_place, barriers.at[2], count == 1
    )
    size = read_place.shape[0]
    for feed in (enter, inputs, read):
        feed.begin()

    def tile(i: Index, entered: tuple[Complex, ...]) -> tuple[Complex, ...]:
        x_tile = inputs.take()

        def product(total: Ref) -> tuple[Array, tuple[Complex, ...]]:
            left = []
            for n in range(count):
                drive = plan.drive(enter, x_tile, n)
                if n == count - 1:
                    inputs.turn(i + 1)
                decay = plan.planes(decays, n)
                left.append(plan.keep_states(decay, drive, entered[n], relay, states))
                plgpu.wgmma(total, read.take(), states)
                plgpu.wgmma_wait(0)
                read.turn(n + 1)
            return total[...], tuple(left)

        values, left = pl.run_scoped(product, plgpu.ACC((size, COLUMNS), jnp.float32))
        time = plan.time(k * plan.chunk + i)
        result[time, r, pl.ds(j * size, size), :] = values
        return left

    start = tuple(plan.planes(entering, n, k, r) for n in range(count))
    lax.fori_loop(0, plan.chunk, tile, start)
    for feed in (enter, inputs, read):
        feed.end()


def outer(plan: Plan, r: Index, k: Index, j: Index, v: Index, *refs: Ref) -> None:
    """Write the sum over a chunk of outer products, states of block j times block v of other columns."""
    from jax.experimental import pallas as pl
    from jax.experimental.pallas import mosaic_gpu as plgpu

    decays, entering, x, blocks, others, result, *shared = refs
    x_place, enter_place, other_place, states, relay, barriers = shared
    size = other_place.shape[1]
    columns = pl.ds(v * size, size)
    enter = plan.enter(blocks, j, 1, enter_place, barriers.at[0])
    inputs = plan.tiles(x, r, k, x_place, barriers.at[1])
    other = inputs._replace(
        tile=lambda i: plan.tiles(others, r, k, other_place, barriers.at[2]).tile(i).at[:, columns],
        place=other_place,
        barrier=barriers.at[2],
    )
    decay = plan.planes(decays, j)
    for feed in (enter, inputs, other):
        feed.begin()

    def chunk(total: Ref) -> Array:
        def tile(i: Index, state: Complex) -> Complex:
            drive = plan.drive(enter, inputs.take())
            inputs.turn(i + 1)
            state = plan.keep_states(decay, drive, state, relay, states)
            plgpu.wgmma(total, states, other.take())
            plgpu.wgmma_wait(0)
            other.turn(i + 1)
            return state

        lax.fori_loop(0, plan.chunk, tile, plan.planes(entering, j, k, r))
        return total[...]

    result[k, r, j, :, columns] = pl.run_scoped(chunk, plgpu.ACC((PLANES, size), jnp.float32))
    for feed in (enter, inputs, other):
        feed.end()


def decay_sums(plan: Plan, r: Index, k: Index, j: Index, *refs: Ref) -> None:
    """Write what the decay has done to the loss within a chunk, and to the state that the chunk ends in.

    With p_t = dh_t / d lambda = lambda p_{t-1} + h_{t-1}, zero where the chunk begins, that is the sum of
    conj(p_t) times the gradient of h_t, and the last p_t.
    """
    decays, entering, x, blocks, grads, grad_blocks, sums, lasts, *shared = refs
    x_place, enter_place, grad_place, grad_enter_place, barriers = shared
    enter = plan.enter(blocks, j, 1, enter_place, barriers.at[0])
    inputs = plan.tiles(x, r, k, x_place, barriers.at[1])
    # Gradients of the outputs have as many features as the inputs: layers are as wide as they are deep.
    grad_enter = plan.enter(grad_blocks, j, 1, grad_enter_place, barriers.at[2])
    grad = plan.tiles(grads, r, k, grad_place, barriers.at[3])
    decay = plan.planes(decays, j)
    for feed in (enter, inputs, grad_enter, grad):
        feed.begin()

    def tile(i: Index, carry: tuple[Complex, Complex, Complex]) -> tuple[Complex, Complex, Complex]:
        state, slope, total = carry
        drive = plan.drive(enter, inputs.take())
        inputs.turn(i + 1)
        towards = plan.drive(grad_enter, grad.take())
        grad.turn(i + 1)
        for (_, value), (_, grad_t) in zip(plan.steps(drive), plan.steps(towards), strict=True):
            slope = decay.times(slope).plus(state)
            state = decay.times(state).plus(value)
            total = total.plus(slope.conjugate().times(grad_t))
        return state, slope, total

    start = (plan.planes(entering, j, k, r), _zero_like(decay), _zero_like(decay))
    _, slope, total = lax.fori_loop(0, plan.chunk, tile, start)
    for feed in (enter, inputs, grad_enter, grad):
        feed.end()
    plan.store(sums, j, k, r, total)
    plan.store(lasts, j, k, r, slope)


def _zero_like(x: Complex) -> Complex:
    """Return zeros that lie in registers as x does."""
    return Complex(x.re - x.re, x.im - x.im)
