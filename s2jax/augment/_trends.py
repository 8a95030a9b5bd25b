"""Trends that are added to series: lines, broken lines, and curves."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.augment._base import AbstractChannelAugmentation
from s2jax.augment._courses import draw_knots, follow
from s2jax.augment._values import check_word, choose
from s2jax.core import checks
from s2jax.core.types import Number, number
from s2jax.distributions import (
    AbstractDistribution,
    LogUniform,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.inputs import Draws
from s2jax.transforms import z_score

CURVES = ("power", "exponential", "logarithmic", "sigmoid")


class AbstractTrend(AbstractChannelAugmentation):
    """y + d g(t), d the standard deviation of y (1 for a constant series), g a drawn course.

    With `normalize` the result has the mean and the standard deviation of y again.
    """

    strength: AbstractDistribution = distribution(Uniform(0.2, 1.5))
    upward: Number = number(0.5)
    normalize: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        owner = type(self).__name__
        check_draws(owner, "strength", self.strength, 0, 1000, "only the trend would be left")
        checks.check_number(owner, "upward", self.upward, 0, 1)
        checks.check_flag(owner, "normalize", self.normalize)

    @abc.abstractmethod
    def course(self, draws: Draws, length: int) -> Float[Array, " time"]:
        """The trend g, in float32."""

    def draw_sizes(self, draws: Draws, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Strengths, negative where it goes down."""
        size = draws.sample("strength", self.strength, shape)
        return jnp.where(draws.bernoulli("upward", self.upward, shape), size, -size)

    def augment(self, draws, series):
        before = z_score(series)
        trend = self.course(draws, len(series)).astype(series.dtype)
        after = series + before.scale * trend
        if not self.normalize:
            return after
        return z_score(after).series * before.scale + before.shift


class LinearTrend(AbstractTrend):
    """y + d g(t), g a line from 0, up or down, with root mean square s; d the deviation of y.

    Labels: y = f(x) does not hold.

    Attributes:
        strength: s; d is the standard deviation of y, and 1 for a constant series.
        upward: Probability of a line upwards.
        normalize: Whether the result has the mean and standard deviation of y. Static.

    Raises:
        ValueError: If `strength` is not between 0 and 1000, or `upward` no probability.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> trend = LinearTrend(upward=1.0, normalize=False)
        >>> bool((jnp.diff(trend(jax.random.key(0), jnp.zeros(8))) > 0).all())
        True
    """

    def course(self, draws, length):
        line = jnp.linspace(0, 1, length, dtype=jnp.float32)
        return self.draw_sizes(draws) * _of_mean_square_1(line)


class PiecewiseLinearTrend(AbstractTrend):
    """y + d g(t), g a broken line, each part of which goes up or down by a number s of its own.

    d is as of `LinearTrend`. Every part is at least half as long as if all were equal; where they
    meet is otherwise uniform.

    Labels: y = f(x) does not hold.

    Attributes:
        strength: s, drawn for each part.
        upward: Probability of a part upwards.
        num_segments: Parts. Static.
        normalize: Whether the result has the mean and standard deviation of y. Static.

    Raises:
        ValueError: If `strength` is not between 0 and 1000, `upward` no probability, or there is no
            part, or more than intervals of time.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> PiecewiseLinearTrend(num_segments=2)(jax.random.key(0), jnp.arange(8.0)).shape
        (8,)
    """

    strength: AbstractDistribution = distribution(Uniform(0.5, 2.0))
    num_segments: int = eqx.field(static=True, default=3)

    def __check_init__(self):
        checks.check_static_integer("PiecewiseLinearTrend", "num_segments", self.num_segments, 1)

    def check_length(self, length: int) -> None:
        if length <= self.num_segments:
            raise ValueError(
                f"PiecewiseLinearTrend(num_segments={self.num_segments}) of {length} times: must "
                "be fewer than times, because each part has two. Lower num_segments."
            )

    def course(self, draws, length):
        count = self.num_segments
        knots = draw_knots(draws, count + 1, length, (length - 1) / (2 * count))
        levels = jnp.pad(jnp.cumsum(self.draw_sizes(draws, (count,))), (1, 0))
        return follow(knots, levels, length)


class NonlinearTrend(AbstractTrend):
    """y + d g(t), g a curve from 0, up or down, with root mean square s; d as `LinearTrend`.

    Of u = t / (n - 1) the curve is u**c, (exp(c u) - 1) / (exp(c) - 1), log(1 + c u) / log(1 + c),
    or the logistic curve of 4 c (u - 1/2), brought to go from 0 to 1; or one of these turned round,
    1 - g(1 - u).

    Labels: y = f(x) does not hold.

    Attributes:
        strength: s.
        curvature: c.
        upward: Probability of a curve upwards.
        turned: Probability of a curve turned round.
        kind: `"power"`, `"exponential"`, `"logarithmic"` or `"sigmoid"`; None draws one for each
            series. Static.
        normalize: Whether the result has the mean and standard deviation of y. Static.

    Raises:
        ValueError: If `strength` is not between 0 and 1000, `curvature` not between 0.01 and 20,
            `upward` or `turned` no probability, or `kind` another word.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> square = NonlinearTrend(
        ...     curvature=2.0, upward=1.0, turned=0.0, kind="power", normalize=False
        ... )
        >>> curve = square(jax.random.key(0), jnp.zeros(5))
        >>> (curve / curve[-1]).round(4).tolist()
        [0.0, 0.0625, 0.25, 0.5625, 1.0]
    """

    curvature: AbstractDistribution = distribution(LogUniform(1.5, 6.0))
    turned: Number = number(0.5)
    kind: str | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        why = "the curve would be a line, or a step"
        check_draws("NonlinearTrend", "curvature", self.curvature, 0.01, 20, why)
        checks.check_number("NonlinearTrend", "turned", self.turned, 0, 1)
        check_word("NonlinearTrend", "kind", self.kind, CURVES)

    def course(self, draws, length):
        share = jnp.linspace(0, 1, length, dtype=jnp.float32)
        c = jnp.clip(draws.sample("curvature", self.curvature), 0.01, 20)
        # the logistic curve, brought to go from 0 to 1
        sigmoid = 0.5 + 0.5 * jnp.tanh(2 * c * (share - 0.5)) / jnp.tanh(c)
        curves = {
            "power": jnp.exp(c * jnp.log(jnp.maximum(share, 1e-30))),
            "exponential": jnp.expm1(c * share) / jnp.expm1(c),
            "logarithmic": jnp.log1p(c * share) / jnp.log1p(c),
            "sigmoid": sigmoid,
        }
        curve = choose(draws, curves, self.kind, ())
        curve = jnp.where(draws.bernoulli("turned", self.turned), 1 - curve[::-1], curve)
        return self.draw_sizes(draws) * _of_mean_square_1(curve)


def _of_mean_square_1(curve: Float[Array, " time"]) -> Float[Array, " time"]:
    return curve / jnp.sqrt((curve * curve).mean())
