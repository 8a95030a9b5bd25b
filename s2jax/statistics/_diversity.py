"""How much a sample repeats itself: the Vendi score and near duplicates."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.statistics._discrepancy import evenly, gaussian, width_of
from s2jax.statistics._samples import Points, points_of, squared_distances, tiled
from s2jax.statistics._series import Series, close_gaps, rows_of, standardize


def vendi_score(
    points: Points, bandwidth: float | Float[Array, ""] | None = None, max_rows: int = 1024
) -> Float[Array, ""]:
    """How many different points a sample is worth: 1 if all are equal, their number if all differ.

    The exponential of the entropy of the eigenvalues of `K / rows`, with the Gaussian kernel
    `K_ij = exp(-|x_i - x_j|**2 / (2 bandwidth**2))`. It grows with the number of rows and falls
    with the bandwidth: compare scores of equal numbers and one bandwidth. Takes memory of the
    square of `max_rows`, and time of its cube.

    Args:
        points: `(rows, features)`.
        bandwidth: > 0; `median_bandwidth` of the points if None, which tells nothing of how wide
            they are spread: pass that of the real sample to compare with it.
        max_rows: Of more, so many evenly spaced ones are taken; >= 2. Static.

    Raises:
        ValueError: If points are not finite or fewer than two, or a number is out of range.

    Example:
        >>> points = jnp.array([[0.0], [0.0], [100.0], [200.0]])
        >>> round(float(vendi_score(points, bandwidth=1.0)), 2)  # of 1/2, 1/4, 1/4
        2.83

    References:
        Friedman and Dieng 2023, "The Vendi Score: A Diversity Evaluation Metric for Machine
        Learning".
    """
    points = points_of("vendi_score", "points", points)
    checks.check_static_integer("vendi_score", "max_rows", max_rows, 2)
    width = width_of("vendi_score", bandwidth, points)
    return _vendi(evenly(points, int(max_rows)), width)


@jax.jit
def _vendi(points: Array, width: Array) -> Array:
    kernel = gaussian(squared_distances(points, points), width)
    shares = jnp.maximum(jnp.linalg.eigvalsh(kernel / len(points)), 0)
    return jnp.exp(-(shares * jnp.log(jnp.where(shares > 0, shares, 1))).sum())


def duplicate_share(series: Series, threshold: float = 0.999) -> Float[Array, ""]:
    """The share of series that an earlier one repeats, but for scale and shift.

    A series does if their correlation is at least `threshold`; its mirror image does not, and
    all constants do. Gaps are closed with straight lines before. All straight lines that rise are
    duplicates of one another. Every pair is looked at, in tiles.

    Args:
        series: `(..., time)`, at least two.
        threshold: Of the correlation, from 0 to 1.

    Raises:
        ValueError: If there are fewer than two series, or a number is out of range.

    Example:
        >>> y = jax.random.normal(jax.random.key(0), (3, 50))
        >>> rows = jnp.concatenate([y, 5 + 2 * y[2:], 5 - 2 * y[:1], jnp.zeros((3, 50))])
        >>> float(duplicate_share(rows)) == 3 / 8
        True
    """
    series = rows_of("duplicate_share", series)
    checks.check_number("duplicate_share", "threshold", threshold, 0, 1)
    rows = series.reshape(-1, series.shape[-1])
    if len(rows) < 2:
        raise ValueError(
            f"duplicate_share(series of shape {series.shape}): must be at least two series, "
            "because one repeats none. Pass an array (..., time)."
        )
    return _count_repeated(rows, jnp.float32(threshold)) / len(rows)


@jax.jit
def _count_repeated(rows: Array, threshold: Array) -> Array:
    whole = jnp.where(jnp.isfinite(rows).any(-1, keepdims=True), close_gaps(rows), 0)
    unit = standardize(whole)
    size = jnp.linalg.norm(unit, axis=-1, keepdims=True)
    unit = jnp.where(size > 0, unit / jnp.where(size > 0, size, 1), 0)
    number = jnp.arange(len(rows), dtype=jnp.int32)
    is_constant = size[:, 0] == 0

    def of_tile(tile: tuple[Array, Array, Array]) -> Array:
        z, own, constant = tile
        alike = jnp.matmul(z, unit.T, precision="highest") >= threshold
        alike |= constant[:, None] & is_constant
        return (alike & (number < own[:, None])).any(1).sum(dtype=jnp.int32)

    tiles = [tiled(one, len(rows)) for one in (unit, number, is_constant)]
    return lax.map(of_tile, tuple(tiles)).sum().astype(jnp.float32)
