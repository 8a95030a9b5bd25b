"""How far two laws are apart by transport: Wasserstein distances in one dimension and in many."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Num

from s2jax.core import checks
from s2jax.core.types import PRNGKey
from s2jax.statistics._samples import (
    Estimate,
    Real,
    Synthetic,
    check_bootstrap,
    draw_resamples,
    estimate_of,
    pair_of,
)


def wasserstein(
    real: Num[Array | np.ndarray, " real"],
    synthetic: Num[Array | np.ndarray, " synthetic"],
    p: int = 1,
) -> Float[Array, ""]:
    """The p-Wasserstein distance of two samples of numbers, exact for any sizes.

    `(integral of |F**-1(u) - G**-1(u)|**p du)**(1/p)` over the quantile functions of both, which
    are constant between the multiples of 1/n and 1/m. In units of the numbers.

    Args:
        real, synthetic: Numbers, at least one of each.
        p: 1 or 2. Static.

    Raises:
        ValueError: If a sample is empty or not finite, or `p` is neither.

    Example:
        >>> float(wasserstein(jnp.array([0.0, 1.0, 3.0]), jnp.array([5.0, 6.0, 8.0])))
        5.0
        >>> float(wasserstein(jnp.array([0.0, 3.0]), jnp.array([1.0])))
        1.5

    References:
        Peyre and Cuturi 2019, "Computational Optimal Transport", remark 2.30.
    """
    _check_p("wasserstein", p)
    columns = [
        checks.as_floats("wasserstein", name, one)
        for name, one in (("real", real), ("synthetic", synthetic))
    ]
    for name, one in zip(("real", "synthetic"), columns, strict=True):
        if one.ndim != 1:
            raise ValueError(
                f"wasserstein({name} of shape {one.shape}): must be (rows,), because it is of "
                "numbers. Use sliced_wasserstein for points of several features."
            )
    first, second = pair_of("wasserstein", columns[0][:, None], columns[1][:, None], least=1)
    return jnp.asarray(_mean_cost(first.T, second.T, p) ** (1 / p), jnp.float32)


def sliced_wasserstein(
    key: PRNGKey,
    real: Real,
    synthetic: Synthetic,
    p: int = 2,
    directions: int = 64,
    resamples: int = 100,
    level: float = 0.95,
) -> Estimate:
    """The sliced p-Wasserstein distance of two samples, with a bootstrap interval.

    `(mean of W_p**p over directions)**(1/p)`, where W_p is the distance of `wasserstein` between
    the samples projected on a direction. Directions are uniform on the sphere, and orthogonal in
    sets of as many as there are features, which leaves less to chance. In units of the features,
    and 1/sqrt(features) of the distance of two points. Samples of equal laws are not at 0 but at
    order rows**-1/2, and the bootstrap, which draws rows of both with replacement, adds as much
    again: the interval is the basic one, which takes it off, from 0 and to the value at least. It
    held the truth in 83 to 93 % of 150 tries at different laws, but not at equal ones: compare with
    two halves of the real sample.

    Args:
        key: Of the directions and the bootstrap.
        real, synthetic: Points `(rows, features)`, scaled alike: `standardize_samples`.
        p: 1 or 2. Static.
        directions: Number of them, >= 1. Static.
        resamples: Of the bootstrap, >= 1. Static.
        level: Of the interval, from 0 to 1.

    Raises:
        ValueError: If samples have different features, are not finite or have fewer than two rows,
            or a number is out of range.

    Example:
        >>> points = jax.random.normal(jax.random.key(1), (200, 4))
        >>> moved = points + jnp.array([3.0, 0.0, 0.0, 0.0])
        >>> found = sliced_wasserstein(jax.random.key(0), points, moved, resamples=20)
        >>> bool(1.2 < found.low < found.value < found.high < 1.8)  # 3 / sqrt(4)
        True

    References:
        Bonneel, Rabin, Peyre and Pfister 2015, "Sliced and Radon Wasserstein Barycenters of
        Measures"; Rowland et al. 2019, "Orthogonal Estimation of Wasserstein Distances".
    """
    owner = "sliced_wasserstein"
    real, synthetic = pair_of(owner, real, synthetic)
    _check_p(owner, p)
    checks.check_static_integer(owner, "directions", directions, 1)
    check_bootstrap(owner, resamples, level)
    key_directions, key_rows = jax.random.split(key)
    unit = _draw_directions(key_directions, int(directions), real.shape[1])
    shadows = [jnp.matmul(unit, one.T, precision="highest") for one in (real, synthetic)]
    chosen = draw_resamples(key_rows, int(resamples), len(real), len(synthetic))
    resample = lambda rows: _mean_cost(shadows[0][:, rows[0]], shadows[1][:, rows[1]], p)
    if all(map(_is_on_cpu, [*shadows, *chosen])):
        shadows, chosen = ([np.asarray(one) for one in both] for both in (shadows, chosen))
        costs = jnp.asarray([*map(resample, zip(*chosen, strict=True))], jnp.float32)
    else:
        costs = lax.map(resample, chosen)
    costs = jnp.append(jnp.float32(_mean_cost(shadows[0], shadows[1], p)), costs)
    value, low, high = estimate_of(costs ** (1 / p), level)
    return Estimate(value, jnp.maximum(2 * value - high, 0), jnp.maximum(2 * value - low, value))


def frechet(real: Real, synthetic: Synthetic) -> Float[Array, ""]:
    """The Frechet distance: 2-Wasserstein between the normal laws fitted to two samples.

    The root of `|m - n|**2 + tr(A + B - 2 (A**1/2 B A**1/2)**1/2)` for means m, n and covariances
    A, B; its square is what images know as FID. In units of the features. Computed in float32, as
    the root of a difference: samples of equal laws are not nearer than about 1e-3 of their
    deviation.

    `wasserstein_distance` of s2generator means this distance, but takes the root of the covariances
    element by element: of the trace, variances alone are left, and correlations do not count. 1000
    series of 64 steps of white noise are 0.22 from as many of an AR(1) process of 0.95, where by
    its weights of 1/2 the distance is 1.14. It overwrites both samples by what it scales them to.

    Raises:
        ValueError: If samples have different features, are not finite or have fewer than two rows.

    Example:
        >>> points = jax.random.normal(jax.random.key(1), (200, 2))
        >>> float(jnp.round(frechet(points, points + jnp.array([3.0, 4.0])), 3))
        5.0

    References:
        Dowson and Landau 1982, "The Frechet distance between multivariate normal distributions".
    """
    return _frechet(*pair_of("frechet", real, synthetic))


@jax.jit
def _frechet(real: Array, synthetic: Array) -> Array:
    means, roots = [], []
    for points in (real, synthetic):
        means.append(points.mean(0))
        centred = (points - means[-1]) / jnp.sqrt(jnp.float32(len(points) - 1))
        values, vectors = jnp.linalg.eigh(jnp.matmul(centred.T, centred, precision="highest"))
        roots.append(vectors * jnp.sqrt(jnp.maximum(values, 0)))  # R R' is the covariance
    # the trace of the root is the nuclear norm of R' S, without a second root of rounded values
    product = jnp.matmul(roots[0].T, roots[1], precision="highest")
    common = jnp.linalg.svd(product, compute_uv=False).sum()
    spread = (roots[0] ** 2).sum() + (roots[1] ** 2).sum() - 2 * common
    return jnp.sqrt(((means[0] - means[1]) ** 2).sum() + jnp.maximum(spread, 0))


def _check_p(owner: str, p: Any) -> None:
    checks.check_static_integer(owner, "p", p, 1, 2)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _draw_directions(
    key: PRNGKey, count: int, features: int
) -> Float[Array, "directions features"]:
    """Unit vectors, orthogonal in sets of as many as there are features."""
    shape = (-(-count // features), features, features)
    sets, _ = jnp.linalg.qr(jax.random.normal(key, shape, jnp.float32))
    return sets.reshape(-1, features)[:count]


def _is_on_cpu(array: Array) -> bool:
    return checks.is_here(array) and all(d.platform == "cpu" for d in array.devices())


def _mean_cost(real: Any, synthetic: Any, p: int) -> Any:
    """The mean of W_p**p over rows of numbers: `(directions, rows)` of NumPy or JAX."""
    first, second = _sorted(real), _sorted(synthetic)
    if first.shape == second.shape:
        return (abs(first - second) ** p).mean()
    i, j, widths = _levels(first.shape[1], second.shape[1])
    return ((abs(first[:, i] - second[:, j]) ** p) * widths).sum(1).mean()


def _sorted(values: Any) -> Any:
    """Sorted rows; on a processor, XLA takes seventy times as long as NumPy."""
    return np.sort(values, 1) if isinstance(values, np.ndarray) else jnp.sort(values, 1)


def _levels(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Order statistics of both samples between the levels where either changes, and the widths.

    In units of 1 / (n m) the levels are integers, so that none is lost to rounding.
    """
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    widths = np.diff(ends, prepend=0) / (n * m)
    return (ends - 1) // m, (ends - 1) // n, widths.astype(np.float32)
