"""Sums of cosines at any frequencies, by a non-uniform fast Fourier transform.

x_t = Re sum_j z_j exp(2 pi i f_j t): every z_j is spread over a few cells of a grid of frequencies
with a window, one inverse transform makes series of the grid, and division by the window's own
transform undoes the spreading (Barnett, Magland and af Klinteberg 2019). Frequencies are 32-bit
turns per step, which wrap exactly and whose products with the size of the grid are exact.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int, UInt32

from s2jax.core.random import multiply_high

_WIDTH = 8  # cells that a line is spread over; relative error about 1e-7 on a grid of 2 T
_SHAPE = 2.30 * _WIDTH
_MARGIN = _WIDTH  # cells beyond both ends of the half grid, folded back in the end
_LEAST_SIZE = 4 * _MARGIN
_ADD_ROWS = jax.lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(), scatter_dims_to_operand_dims=(0,)
)


@functools.cache
def grid_size(length: int) -> int:
    """The least even number >= 2 T that has no factors but 2, 3 and 5."""
    least = max(2 * length, _LEAST_SIZE)
    best = 1 << (least - 1).bit_length()
    for threes in (3**i for i in range(15)):
        for odd in (threes * 5**i for i in range(10)):
            size = 2 * odd
            while size < least:
                size *= 2
            best = min(best, size)
    return best


def num_cells(length: int) -> int:
    """Cells of the grid of one series: frequencies from 0 to 1/2, and margins."""
    return grid_size(length) // 2 + 1 + 2 * _MARGIN


def spread(
    cells: Complex[Array, " cells"], series: Int[Array, " lines"], turns: UInt32[Array, " lines"],
    z: tuple[Float[Array, " lines"], ...], length: int,
) -> Complex[Array, " cells"]:  # fmt: skip
    """Add lines to the grids of several series, which stand one behind the other.

    What has a frequency above 1/2 is mirrored: z and its conjugate have the same law.
    """
    size = jnp.asarray(grid_size(length), jnp.uint32)
    turns = jnp.where(turns >= np.uint32(1 << 31), ~turns + np.uint32(1), turns)
    cell = multiply_high(turns, size).astype(jnp.int32)
    past = (turns * size).astype(jnp.float32) * np.float32(2.0**-32)
    first = cell + (series * np.int32(num_cells(length)) + np.int32(_MARGIN - _WIDTH // 2 + 1))
    offsets = jnp.arange(1 - _WIDTH // 2, _WIDTH // 2 + 1, dtype=jnp.float32)
    # without the barrier XLA draws the line anew for every cell
    window = jax.lax.optimization_barrier(_window(offsets - past[:, None]))
    updates = jax.lax.complex(z[0][:, None] * window, z[1][:, None] * window)
    mode = jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS
    return jax.lax.scatter_add(cells, first[:, None], updates, _ADD_ROWS, mode=mode)


def _window(distance: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    inside = jnp.maximum(1 - jnp.square(distance * np.float32(2 / _WIDTH)), 0)
    return jnp.exp(np.float32(_SHAPE) * (jnp.sqrt(inside) - 1))


def transform(cells: Complex[Array, " cells"], length: int) -> Float[Array, "series time"]:
    """The series of these grids."""
    size, margin = grid_size(length), _MARGIN
    half = size // 2
    grid = cells.reshape(-1, num_cells(length))
    mirrored = jnp.conj(grid[:, ::-1])
    inner = grid[:, margin : margin + half + 1]
    low = jnp.pad(mirrored[:, -margin:], ((0, 0), (1, half - margin)))
    high = jnp.pad(mirrored[:, :margin], ((0, 0), (half - margin, 1)))
    # both ends stand for themselves in the inverse transform, all others for two
    factor = np.full(half + 1, half, np.complex64)
    factor[[0, -1]] *= 2
    series = jnp.fft.irfft((inner + low + high) * factor, size)
    before = length // 2
    centred = jnp.concatenate([series[:, size - before :], series[:, : length - before]], axis=1)
    return centred * _inverse_window(length)


@functools.cache
def _inverse_window(length: int) -> np.ndarray:
    """By Gauss-Legendre quadrature; times are counted from the middle, where it is flattest."""
    times = np.arange(length) - length // 2
    nodes, weights = np.polynomial.legendre.leggauss(200)
    values = np.exp(_SHAPE * (np.sqrt(1 - nodes**2) - 1)) * weights * _WIDTH / 2
    waves = np.cos(np.outer(times, nodes * (np.pi * _WIDTH / grid_size(length))))
    return (1 / (waves @ values)).astype(np.float32)
