"""Series whose variance is large after large values: GARCH(1, 1)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt32

from s2jax.core import checks
from s2jax.core.random import uniform
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, Uniform, check_draws
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._noise import check_degrees, check_size, sample_degrees, sample_innovations

_NUM_WORDS = 6
_BURN_IN = 128
_LARGEST_PERSISTENCE = np.float32(0.9995)


class GARCHLaw(eqx.Module):
    """r_t = mean + v_t z_t with v_t**2 = omega + alpha (r_{t-1} - mean)**2 + beta v_{t-1}**2.

    Attributes:
        mean: Of r, in its unconditional deviations.
        omega, alpha, beta: Of the variance; omega is 1 - alpha - beta: the unconditional one is 1.
        degrees_of_freedom: Of Student's law of z, which has variance 1; infinite if it is normal.
        is_summed: Whether the series is r_0 + ... + r_t, as a log price of returns, and not r_t.
    """

    mean: Float[Array, "*channels"]
    omega: Float[Array, "*channels"]
    alpha: Float[Array, "*channels"]
    beta: Float[Array, "*channels"]
    degrees_of_freedom: Float[Array, "*channels"]
    is_summed: Bool[Array, "*channels"]


class GARCH(AbstractBatchedSeries):
    """Returns, or log prices, whose volatility clusters: stationary GARCH(1, 1) models.

        r_t = mean + v_t z_t,    v_t**2 = omega + alpha (r_{t-1} - mean)**2 + beta v_{t-1}**2

    with z_t independent, of variance 1, normal or Student's. alpha + beta = persistence < 1 and
    alpha = news * persistence. The variance starts from its mean 128 steps before the series: mean
    and variance of r are those of the stationary law at every step, whatever the persistence, and
    all else up to (alpha + beta)**128 or less. Given the parameters, the law of the next value
    given the past is tractable; those further ahead are scale mixtures without a closed form.

    Attributes:
        persistence: alpha + beta; >= 0 and <= 0.9995.
        news: Share of alpha in it; >= 0 and <= 1.
        mean: Of r, in its deviations.
        sum_probability: Probability that the series is the sum of r.
        normal_probability: Probability that z is normal.
        degrees_of_freedom: Of Student's law of the other series; >= 2.1.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> GARCH(sum_probability=0).sum_probability
        0.0

    References:
        Bollerslev (1986), Generalized autoregressive conditional heteroskedasticity.
        Bollerslev (1987), A conditionally heteroskedastic time series model for speculative prices
        and rates of return.
    """

    persistence: AbstractDistribution = Uniform(0.8, 0.99)
    news: AbstractDistribution = Uniform(0.05, 0.35)
    mean: AbstractDistribution = Normal(0.0, 0.1)
    sum_probability: Number = number(0.6)
    normal_probability: Number = number(0.3)
    degrees_of_freedom: AbstractDistribution = LogUniform(3.0, 30.0)

    def __check_init__(self):
        reason = "beyond there is no stationary variance"
        largest = float(_LARGEST_PERSISTENCE)
        check_draws("GARCH", "persistence", self.persistence, 0, largest, reason)
        check_draws("GARCH", "news", self.news, 0, 1, "it is a share")
        check_size("GARCH", "mean", self.mean)
        checks.check_number("GARCH", "sum_probability", self.sum_probability, 0, 1)
        check_degrees("GARCH", self.degrees_of_freedom, self.normal_probability)

    def law(self, draws: Draws, length: int) -> GARCHLaw:
        bits = draws.bits("law", (_NUM_WORDS,))
        persistence = jnp.clip(self.persistence.from_bits(bits[0]), 0, _LARGEST_PERSISTENCE)
        alpha = persistence * jnp.clip(self.news.from_bits(bits[1]), 0, 1)
        return GARCHLaw(
            mean=self.mean.from_bits(bits[2]),
            omega=1 - persistence,
            alpha=alpha,
            beta=persistence - alpha,
            degrees_of_freedom=sample_degrees(
                bits[3:5], self.degrees_of_freedom, self.normal_probability
            ),
            is_summed=uniform(bits[5]) < self.sum_probability,
        )

    def draw_series(
        self, laws: GARCHLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        rows = _BURN_IN + length
        noise = sample_innovations(words, rows, "innovations", laws.degrees_of_freedom)

        def warm_up(variance, noise):
            return laws.omega + variance * (laws.alpha * noise * noise + laws.beta), None

        def step(carry, noise):
            variance, total = carry
            value = laws.mean + jnp.sqrt(variance) * noise
            total = value + jnp.where(laws.is_summed, total, 0)
            return (warm_up(variance, noise)[0], total), total

        start = jax.lax.scan(warm_up, jnp.ones_like(laws.mean), noise[:_BURN_IN])[0]
        return jax.lax.scan(step, (start, jnp.zeros_like(start)), noise[_BURN_IN:])[1]
