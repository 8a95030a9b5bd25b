"""Covariance functions of Gaussian processes, of which `KernelSynth` makes expressions.

Time runs from 0 at the first step to 1 at the last, as in the published sampler; lengths are shares
of this span. Only periods are in steps, because that is how seasons are known.
"""

import abc
import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import numpy as np

from s2jax.core import checks
from s2jax.core.part import Part
from s2jax.core.types import as_float

_SMOOTHNESS = (0.5, 1.5, 2.5)


def _static(default: float | None = None) -> Any:
    """A number that decides tables of the compiled program."""
    if default is None:
        return eqx.field(static=True, converter=as_float)
    return eqx.field(static=True, converter=as_float, default=default)


def _digits(number: float) -> str:
    """A number in as few digits as read back as the same one."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


class AbstractKernel(Part):
    """A covariance function k(s, t) of two times; its numbers are static."""

    noun = "a kernel"
    example = "s2jax.inputs.RBFKernel(0.1)"
    _word: ClassVar[str]

    @abc.abstractmethod
    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        """The covariance of the values at two times between 0 and 1, in float64.

        Args:
            s, t: Times, which broadcast together.
            length: Time steps of the series.
        """

    def text(self) -> str:
        """The kernel as it stands in expressions, as `Per(24)`; a last number of 1 is left out."""
        numbers = [getattr(self, field.name) for field in dataclasses.fields(self)]
        if len(numbers) > 1 and numbers[-1] == 1:
            numbers = numbers[:-1]
        return f"{self._word}({', '.join(map(_digits, numbers))})"


class AbstractStationaryKernel(AbstractKernel):
    """A kernel of the distance in time alone, 1 at 0, that does not oscillate."""

    @abc.abstractmethod
    def correlation(self, lag: np.ndarray) -> np.ndarray:
        """The correlation at distances >= 0, in units of the span."""

    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        return self.correlation(np.abs(s - t))


class PeriodicKernel(AbstractKernel):
    """exp(-2 sin(pi |s - t| / p)^2 / l^2): a season of any shape that repeats itself for ever.

    Attributes:
        period: In steps, > 1. To be exact, p = period / length where the whole series spans 1, as
            published, so that a period of 24 of 1024 steps is 23.977 of the 1023 distances.
        length_scale: l, >= 0.2; the smaller, the rougher the season.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> PeriodicKernel(24).text()
        'Per(24)'

    References:
        MacKay (1998), Introduction to Gaussian processes; `ExpSineSquared` of scikit-learn.
    """

    period: float = _static()
    length_scale: float = _static(1.0)
    _word = "Per"

    def __check_init__(self):
        checks.check_number("PeriodicKernel", "period", self.period, 1, 1e6, strict=True)
        checks.check_number("PeriodicKernel", "length_scale", self.length_scale, 0.2, 1e3)

    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        sine = np.sin(np.pi * length / self.period * (s - t))
        return np.exp(-2 * (sine / self.length_scale) ** 2)


class RBFKernel(AbstractStationaryKernel):
    """exp(-(s - t)^2 / (2 l^2)): smooth, and forgotten after a few l.

    Attributes:
        length_scale: l, as a share of the series' span, 0.02 to 1000.

    Raises:
        ValueError: If it is out of range.

    Example:
        >>> RBFKernel(0.1).text()
        'RBF(0.1)'
    """

    length_scale: float = _static()
    _word = "RBF"

    def __check_init__(self):
        checks.check_number("RBFKernel", "length_scale", self.length_scale, 0.02, 1e3)

    def correlation(self, lag: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * (lag / self.length_scale) ** 2)


class RationalQuadraticKernel(AbstractStationaryKernel):
    """(1 + (s - t)^2 / (2 alpha l^2))^-alpha: smooth, at many scales at once.

    Attributes:
        alpha: The smaller, the wider the mixture of scales; 0.1 to 1000.
        length_scale: l, as a share of the series' span, 0.3 to 1000.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> RationalQuadraticKernel(0.1).text()
        'RQ(0.1)'
    """

    alpha: float = _static()
    length_scale: float = _static(1.0)
    _word = "RQ"

    def __check_init__(self):
        checks.check_number("RationalQuadraticKernel", "alpha", self.alpha, 0.1, 1e3)
        owner = "RationalQuadraticKernel"
        checks.check_number(owner, "length_scale", self.length_scale, 0.3, 1e3)

    def correlation(self, lag: np.ndarray) -> np.ndarray:
        scaled = (lag / self.length_scale) ** 2 / (2 * self.alpha)
        return np.exp(-self.alpha * np.log1p(scaled))


class MaternKernel(AbstractStationaryKernel):
    """Matern's kernel of half-integer order: rough paths, nu - 1/2 times differentiable.

    With r = sqrt(2 nu) |s - t| / l it is exp(-r) for nu = 1/2, which is the Ornstein-Uhlenbeck
    process, (1 + r) exp(-r) for 3/2, and (1 + r + r^2 / 3) exp(-r) for 5/2.

    Attributes:
        nu: 0.5, 1.5 or 2.5.
        length_scale: l, as a share of the series' span, 0.05 to 10.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> MaternKernel(1.5, 0.2).text()
        'Mat(1.5, 0.2)'
    """

    nu: float = _static()
    length_scale: float = _static(1.0)
    _word = "Mat"

    def __check_init__(self):
        if self.nu not in _SMOOTHNESS:
            raise ValueError(
                f"MaternKernel(nu={checks.shown(self.nu)}): must be 0.5, 1.5 or 2.5, because only "
                "these have a closed form. For smoother paths use RBFKernel."
            )
        checks.check_number("MaternKernel", "length_scale", self.length_scale, 0.05, 10)

    def correlation(self, lag: np.ndarray) -> np.ndarray:
        r = np.sqrt(2 * self.nu) * np.asarray(lag) / self.length_scale
        polynomial = {0.5: 1, 1.5: 1 + r, 2.5: 1 + r + r * r / 3}[self.nu]
        return polynomial * np.exp(-r)


class LinearKernel(AbstractKernel):
    """sigma^2 + s t: a line with a slope of variance 1, which starts sigma around 0.

    Attributes:
        sigma: Standard deviation at the first step, 0 to 1000.

    Raises:
        ValueError: If it is out of range.

    Example:
        >>> LinearKernel(10).text()
        'Lin(10)'
    """

    sigma: float = _static()
    _word = "Lin"

    def __check_init__(self):
        checks.check_number("LinearKernel", "sigma", self.sigma, 0, 1e3)

    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        return self.sigma**2 + s * t


class WhiteKernel(AbstractKernel):
    """v where s = t and 0 elsewhere: white noise.

    Attributes:
        variance: v, 1e-6 to 1e6.

    Raises:
        ValueError: If it is out of range.

    Example:
        >>> WhiteKernel(0.1).text()
        'WN(0.1)'
    """

    variance: float = _static()
    _word = "WN"

    def __check_init__(self):
        checks.check_number("WhiteKernel", "variance", self.variance, 1e-6, 1e6)

    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        return np.where(s == t, self.variance, 0.0)


class ConstantKernel(AbstractKernel):
    """v everywhere: a level of variance v in a sum, a factor in a product.

    Attributes:
        value: v, 1e-6 to 1e6.

    Raises:
        ValueError: If it is out of range.

    Example:
        >>> ConstantKernel(2).text()
        'C(2)'
    """

    value: float = _static()
    _word = "C"

    def __check_init__(self):
        checks.check_number("ConstantKernel", "value", self.value, 1e-6, 1e6)

    def covariance(self, s: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
        return np.full(np.broadcast_shapes(np.shape(s), np.shape(t)), self.value)


_PERIODS = (
    24, 48, 96, 168, 336, 672, 7, 14, 30, 60, 365, 730, 4, 26, 52, 4, 6, 12, 4, 40, 10,
)  # fmt: skip

PUBLISHED = (
    *(PeriodicKernel(period) for period in _PERIODS),
    *(LinearKernel(sigma) for sigma in (0, 1, 10)),
    *(RBFKernel(length_scale) for length_scale in (0.1, 1, 10)),
    *(RationalQuadraticKernel(alpha) for alpha in (0.1, 1, 10)),
    WhiteKernel(0.1),
    WhiteKernel(1),
    ConstantKernel(1),
)
"""The bank of Chronos; a period of 4 stands in it three times, and is drawn as often."""
