"""Mean functions of Gaussian processes, of which `KernelSynth` draws one for each series.

Time runs from 0 at the first step to 1 at the last, as for kernels. Values are in deviations of the
process, so that a mean is as easy to see on a covariance of 100 as on one of 1.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from s2jax.core import checks
from s2jax.core.part import Part, check_part
from s2jax.core.types import Whole, whole
from s2jax.distributions import AbstractDistribution, Uniform, check_draws
from s2jax.inputs._draws import Draws

_LARGEST = 1e6  # of numbers in deviations
_STEEPEST = 100.0


class AbstractMean(Part):
    """A mean function with random parameters; a class of your own has one method.

    `law` draws what is drawn once for a series, and returns a module whose method `values(length)`
    computes the mean at all steps from it, in deviations of the process.

    Example:
        >>> import equinox as eqx, jax, jax.numpy as jnp
        >>> from s2jax import inputs
        >>> class StepLaw(eqx.Module):
        ...     place: jax.Array
        ...
        ...     def values(self, length):
        ...         return jnp.where(jnp.linspace(0, 1, length) < self.place, 0.0, 2.0)
        >>> class Step(inputs.AbstractMean):
        ...     def law(self, draws, length):
        ...         return StepLaw(draws.uniform("place"))
        >>> family = inputs.KernelSynth(means=[inputs.ZeroMean(), Step()])
        >>> family.means[1].text()
        'Step'
    """

    noun = "a mean function"
    example = "s2jax.inputs.LinearMean()"

    @abc.abstractmethod
    def law(self, draws: Draws, length: int) -> Any:
        """Draw the parameters of one series: a module of arrays with a method `values(length)`."""

    def text(self) -> str:
        """The mean as it stands in expressions, without its parameters; empty if it is 0."""
        return type(self).__name__


class ZeroMeanLaw(eqx.Module):
    """A mean of 0, which has no parameters.

    Example:
        >>> ZeroMeanLaw().values(3).tolist()
        [0.0, 0.0, 0.0]
    """

    def values(self, length: int) -> Float[Array, " time"]:
        """Zeros."""
        return jnp.zeros(length, jnp.float32)


class ZeroMean(AbstractMean):
    """0: series without a mean, beside others.

    Example:
        >>> ZeroMean().text()
        ''
    """

    def law(self, draws: Draws, length: int) -> ZeroMeanLaw:
        return ZeroMeanLaw()

    def text(self) -> str:
        return ""


class LinearMeanLaw(eqx.Module):
    """slope * t.

    Attributes:
        slope: From the first step to the last, in deviations of the process.

    Example:
        >>> LinearMeanLaw(jnp.float32(2)).values(3).tolist()
        [0.0, 1.0, 2.0]
    """

    slope: Float[Array, "*channels"]

    def values(self, length: int) -> Float[Array, " time"]:
        """The mean of one series, in deviations of the process."""
        return self.slope * _times(length)


class LinearMean(AbstractMean):
    """slope * t: a line. It has no level, because whatever scales series takes it away.

    Attributes:
        slope: From the first step to the last, in deviations of the process, -1e6 to 1e6.

    Raises:
        TypeError, ValueError: If it is no law of such numbers.

    Example:
        >>> LinearMean().slope
        Uniform(low=-5.0, high=5.0)
    """

    slope: AbstractDistribution = Uniform(-5.0, 5.0)

    def __check_init__(self):
        _check_law("LinearMean", "slope", self.slope)

    def law(self, draws: Draws, length: int) -> LinearMeanLaw:
        return LinearMeanLaw(draws.sample("slope", self.slope))


class ExponentialMeanLaw(eqx.Module):
    """rise * (exp(rate * t) - 1) / (exp(rate) - 1).

    Attributes:
        rise: From the first step to the last, in deviations of the process.
        rate: Of growth over the span, in its logarithm.

    Example:
        >>> law = ExponentialMeanLaw(jnp.float32(3), jnp.float32(np.log(4)))
        >>> np.allclose(law.values(3), [0, 1, 3])
        True
    """

    rise: Float[Array, "*channels"]
    rate: Float[Array, "*channels"]

    def values(self, length: int) -> Float[Array, " time"]:
        """The mean of one series, in deviations of the process."""
        time, size = _times(length), jnp.abs(self.rate)
        # as a decay, backwards in time if it grows: exp(rate) overflows
        forward = jnp.where(self.rate > 0, 1 - time, time)
        is_line = size < np.float32(1e-4)
        decayed = jnp.expm1(-size * forward) / jnp.where(is_line, 1, jnp.expm1(-size))
        share = jnp.where(is_line, forward, decayed)
        return self.rise * jnp.where(self.rate > 0, 1 - share, share)


class ExponentialMean(AbstractMean):
    """rise * (exp(rate * t) - 1) / (exp(rate) - 1): growth that accelerates or levels off.

    Up to a level this is a * exp(rate * t), with a = rise / (exp(rate) - 1); of a rate of 0 it is a
    line.

    Attributes:
        rise: From the first step to the last, in deviations of the process, -1e6 to 1e6.
        rate: Of growth over the span, in its logarithm, -100 to 100: if it is negative, most of
            the rise comes first.

    Raises:
        TypeError, ValueError: If one is no law of such numbers.

    Example:
        >>> ExponentialMean(rate=Uniform(1.0, 4.0)).rate
        Uniform(low=1.0, high=4.0)
    """

    rise: AbstractDistribution = Uniform(-5.0, 5.0)
    rate: AbstractDistribution = Uniform(-6.0, 6.0)

    def __check_init__(self):
        _check_law("ExponentialMean", "rise", self.rise)
        _check_law("ExponentialMean", "rate", self.rate, _STEEPEST)

    def law(self, draws: Draws, length: int) -> ExponentialMeanLaw:
        rate = draws.sample("rate", self.rate)
        return ExponentialMeanLaw(
            rise=draws.sample("rise", self.rise),
            rate=jnp.clip(rate, -np.float32(_STEEPEST), np.float32(_STEEPEST)),
        )


class SpikesMeanLaw(eqx.Module):
    """A few spikes of a single step each.

    Attributes:
        count: How many there are.
        steps: At which steps; two at one step add up. 0 beyond `count`.
        heights: In deviations of the process; 0 beyond `count`.

    Example:
        >>> law = SpikesMeanLaw(jnp.int32(1), jnp.array([1, 0]), jnp.array([4.0, 0.0]))
        >>> law.values(3).tolist()
        [0.0, 4.0, 0.0]
    """

    count: Int[Array, "*channels"]
    steps: Int[Array, "*channels spikes"]
    heights: Float[Array, "*channels spikes"]

    def values(self, length: int) -> Float[Array, " time"]:
        """The mean of one series, in deviations of the process."""
        return jnp.zeros(length, jnp.float32).at[self.steps].add(self.heights)


class SpikesMean(AbstractMean):
    """A few spikes of a single step each, at random places: anomalies.

    Attributes:
        heights: Of each, in deviations of the process, -1e6 to 1e6.
        max_spikes: Largest number of spikes, 1 to 64. Static.
        min_spikes: Least number; the number is uniform between these.

    Raises:
        TypeError, ValueError: If a field is of another kind or out of range.

    Example:
        >>> SpikesMean(max_spikes=2).min_spikes
        1
    """

    heights: AbstractDistribution = Uniform(-8.0, 8.0)
    max_spikes: int = eqx.field(static=True, default=5)
    min_spikes: Whole = whole(1)

    def __check_init__(self):
        _check_law("SpikesMean", "heights", self.heights)
        checks.check_static_integer("SpikesMean", "max_spikes", self.max_spikes, 1, 64)
        checks.check_number(
            "SpikesMean", "min_spikes", self.min_spikes, 0, self.max_spikes, integer=True
        )

    def law(self, draws: Draws, length: int) -> SpikesMeanLaw:
        shape = (self.max_spikes,)
        count = draws.integers("count", self.min_spikes, self.max_spikes + 1)
        is_there = jnp.arange(self.max_spikes, dtype=jnp.int32) < count
        return SpikesMeanLaw(
            count=count,
            steps=jnp.where(is_there, draws.integers("steps", 0, length, shape), 0),
            heights=jnp.where(is_there, draws.sample("heights", self.heights, shape), 0),
        )


def _times(length: int) -> np.ndarray:
    return np.linspace(0, 1, length, dtype=np.float32)


def _check_law(owner: str, name: str, law: Any, largest: float = _LARGEST) -> None:
    reason = "it is in deviations of the process" if largest == _LARGEST else "exp(rate) is finite"
    check_draws(owner, name, law, -largest, largest, reason)


def check_means(owner: str, means: Any) -> None:
    """Refuse what is no bank of mean functions."""
    if not isinstance(means, tuple):
        raise TypeError(
            f"{owner}(means={checks.shown(means)}): must be a list of mean functions. Pass for "
            "example [s2jax.inputs.ZeroMean(), s2jax.inputs.LinearMean()]."
        )
    for index, mean in enumerate(means):
        check_part(owner, f"means[{index}]", mean, AbstractMean)
