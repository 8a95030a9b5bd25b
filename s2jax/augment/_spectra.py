"""Augmentations of spectra: frequencies disturbed, and phases drawn anew."""

import equinox as eqx
import jax.lax as lax
import jax.numpy as jnp
import numpy as np

from s2jax.augment._base import AbstractChannelAugmentation, AbstractRowAugmentation
from s2jax.core import checks, fastmath
from s2jax.core.types import Number, number
from s2jax.distributions import (
    AbstractDistribution,
    Constant,
    Uniform,
    check_draws,
    distribution,
)
from s2jax.transforms import z_score


class FrequencyPerturbation(AbstractChannelAugmentation):
    """The series of F + e, F its Fourier coefficients; the mean stays.

    At each frequency above 0, with the probability `share`, e = d sqrt(n) (+-a +-i b), with a and b
    drawn and d the standard deviation: white noise has |F| of d sqrt(n).

    Labels: y = f(x) does not hold.

    Attributes:
        amount: a and b.
        share: Of the frequencies that are disturbed.

    Raises:
        ValueError: If `amount` is not between 0 and 100, or `share` no probability.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> series = jnp.sin(jnp.arange(64.0))
        >>> perturbed = FrequencyPerturbation(share=0.1)(jax.random.key(0), series)
        >>> bool(jnp.allclose(perturbed.mean(), series.mean(), atol=1e-6))
        True
    """

    amount: AbstractDistribution = distribution(Uniform(0.05, 0.3))
    share: Number = number(0.5)

    def __check_init__(self):
        owner, why = "FrequencyPerturbation", "nothing else would be left of the series"
        check_draws(owner, "amount", self.amount, 0, 100, why)
        checks.check_number(owner, "share", self.share, 0, 1)

    def augment(self, draws, series):
        length, dtype = len(series), series.dtype
        many = (length // 2,)
        amount = draws.sample("amount", self.amount, (2, *many))
        amount = jnp.where(draws.bernoulli("sign", 0.5, (2, *many)), amount, -amount)
        amount = jnp.where(draws.bernoulli("chosen", self.share, many), amount, 0).astype(dtype)
        real, imaginary = amount * z_score(series).scale * np.sqrt(length).astype(dtype)
        change = jnp.pad(lax.complex(real, imaginary), (1, 0))
        return jnp.fft.irfft(jnp.fft.rfft(series) + change, length)


class PhaseSurrogate(AbstractRowAugmentation):
    """The series of F exp(i p), F its Fourier coefficients and p random: a surrogate.

    Mean, spectrum and autocorrelation are those of the series. With the same p for all channels
    their cross-correlations are too. That of the mean and, at even lengths, that of the highest
    frequency are left, so that the series is real.

    Labels: y = f(x) does not hold.

    Attributes:
        amount: p is uniform in -+ pi times this number.
        together: Whether all channels have the same p. Static.

    Raises:
        ValueError: If `amount` is not between 0 and 1.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> series = jnp.sin(jnp.arange(64.0))
        >>> surrogate = PhaseSurrogate()(jax.random.key(0), series)
        >>> spectrum = lambda series: abs(jnp.fft.rfft(series))
        >>> bool(jnp.allclose(spectrum(surrogate), spectrum(series), atol=1e-3))
        True

    References:
        Theiler et al. (1992), Testing for nonlinearity in time series: the method of surrogate
        data, section 2.4.1; Prichard and Theiler (1994), Generating surrogate data for time series
        with several simultaneously measured variables.
    """

    amount: AbstractDistribution = distribution(Constant(1.0))
    together: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        check_draws("PhaseSurrogate", "amount", self.amount, 0, 1, "it is a share of the circle")
        checks.check_flag("PhaseSurrogate", "together", self.together)

    def augment(self, draws, series):
        channels, length = series.shape
        many = (1 if self.together else channels, (length - 1) // 2)
        amount = jnp.clip(draws.sample("amount", self.amount), 0, 1)
        phase = amount * draws.uniform("phase", -np.pi, np.pi, many)
        phase = jnp.pad(phase, ((0, 0), (1, 1 - length % 2))).astype(series.dtype)
        turn = lax.complex(fastmath.cos(phase), fastmath.sin(phase))
        return jnp.fft.irfft(jnp.fft.rfft(series) * turn, length)
