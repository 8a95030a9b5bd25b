"""Augmentations of time: all channels of a row alike, so that they stay aligned."""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.augment._base import AbstractRowAugmentation, probability
from s2jax.augment._courses import follow, read_at
from s2jax.core import checks
from s2jax.core.types import Number
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)


class TimeFlip(AbstractRowAugmentation):
    """The series backwards: y(n - 1 - t).

    Labels: outputs and inputs flipped with one key keep y = f(x) where f is of one time at a time;
    solutions of differential equations and what has lags do not keep their equations.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> TimeFlip(probability=1.0)(jax.random.key(0), jnp.arange(3.0)).tolist()
        [2.0, 1.0, 0.0]
    """

    probability: Number = probability(0.5)

    def augment(self, draws, series):
        del draws
        return series[..., ::-1]


class TimeWarp(AbstractRowAugmentation):
    """y(w(t)): time passes faster here and slower there, from the same start to the same end.

    The logarithm of its speed is a line from s z_i to s z_(i+1), z standard normal numbers at
    evenly spaced times: w grows everywhere, and w(0) = 0, w(n - 1) = n - 1. Between times y is
    linear.

    Labels: outputs and inputs warped with one key keep y = f(x) but for that interpolation, where f
    is of one time at a time.

    Attributes:
        strength: s.
        num_knots: Such times. Static.

    Raises:
        ValueError: If `strength` is not between 0 and 2, or `num_knots` below 2.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> warped = TimeWarp(strength=0.5)(jax.random.key(0), jnp.arange(100.0))
        >>> bool((jnp.diff(warped) > 0).all()), float(warped[0]), round(float(warped[-1]))
        (True, 0.0, 99)

    References:
        Um et al. (2017), Data augmentation of wearable sensor data for Parkinson's disease
        monitoring using convolutional neural networks, section 3.1.
    """

    strength: AbstractDistribution = distribution(Uniform(0.1, 0.6))
    num_knots: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        why = "time would stand still in places"
        check_draws("TimeWarp", "strength", self.strength, 0, 2, why)
        checks.check_static_integer("TimeWarp", "num_knots", self.num_knots, 2)

    def augment(self, draws, series):
        return read_at(series, self._warp(draws, series.shape[-1], series.dtype))

    def _warp(self, draws, length: int, dtype: Any) -> Float[Array, " time"]:
        """w at each time."""
        logs = draws.sample("strength", self.strength) * draws.normal("speeds", (self.num_knots,))
        knots = jnp.linspace(0, length - 1, self.num_knots, dtype=jnp.float32)
        speed = jnp.exp(follow(knots, logs.astype(dtype), length))
        way = jnp.cumsum((speed[1:] + speed[:-1]) / 2)
        return jnp.concatenate([jnp.zeros(1, dtype), way / way[-1] * (length - 1)])


class Upsampling(AbstractRowAugmentation):
    """A window of the series, stretched over all times: y(a + share t), linear between times.

    Labels: outputs and inputs stretched with one key keep y = f(x) but for that interpolation,
    where f is of one time at a time.

    Attributes:
        share: Length of the window, as a share of the series; where it begins is uniform.

    Raises:
        ValueError: If `share` is not between 0 and 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> Upsampling(share=1.0)(jax.random.key(0), jnp.arange(3.0)).tolist()
        [0.0, 1.0, 2.0]
    """

    share: AbstractDistribution = distribution(Uniform(0.4, 1.0))

    def __check_init__(self):
        check_draws("Upsampling", "share", self.share, 0, 1, "it is a share of the series")

    def augment(self, draws, series):
        last, dtype = series.shape[-1] - 1, series.dtype
        share = jnp.clip(draws.sample("share", self.share), 0, 1).astype(dtype)
        begin = draws.uniform("begin").astype(dtype) * (1 - share) * last
        return read_at(series, begin + share * jnp.arange(last + 1, dtype=dtype))


class Downsampling(AbstractRowAugmentation):
    """Fewer values: m of them, evenly spaced from the first to the last, and lines between them.

    Labels: y = f(x) does not hold between these values.

    Attributes:
        factor: The series has n / factor values, rounded; at least 2.

    Raises:
        ValueError: If `factor` may be below 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> Downsampling(factor=2.0)(jax.random.key(0), jnp.arange(4.0) ** 2).tolist()
        [0.0, 3.0, 6.0, 9.0]
    """

    factor: AbstractDistribution = distribution(LogUniform(1.5, 4.0))

    def __check_init__(self):
        why = "there are no values between those of the series"
        check_draws("Downsampling", "factor", self.factor, 1, np.inf, why)

    def augment(self, draws, series):
        length, dtype = series.shape[-1], series.dtype
        factor = jnp.maximum(draws.sample("factor", self.factor), 1)
        intervals = jnp.clip(jnp.round(length / factor), 2, length).astype(dtype) - 1
        step = (length - 1) / intervals
        place = jnp.arange(length, dtype=dtype) / step
        left = jnp.clip(jnp.floor(place), 0, intervals - 1)
        part = place - left
        return (1 - part) * read_at(series, left * step) + part * read_at(series, (left + 1) * step)


def resample(series: Any, length: int) -> Float[Array, "*batch {length}"]:
    """Series of another length: at evenly spaced times from the first to the last, linear between.

    Args:
        series: Floats of JAX or NumPy, time last, of at least two times.
        length: Of the result, at least 2. Static.

    Raises:
        TypeError: If `series` are no numbers.
        ValueError: If there are fewer than two times, before or after.

    Example:
        >>> resample([0.0, 2.0, 4.0], 5).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    series = checks.as_floats("resample", "series", series)
    checks.check_static_integer("resample", "length", length, 2)
    if series.ndim == 0 or series.shape[-1] < 2:
        raise ValueError(
            f"resample(series of shape {series.shape}): must have at least two times, because "
            "values between them are asked for. Pass longer series, time last."
        )
    return _resample(series, length)


@partial(jax.jit, static_argnums=1)
def _resample(series: Array, length: int) -> Array:
    return read_at(series, jnp.linspace(0, series.shape[-1] - 1, length, dtype=series.dtype))
