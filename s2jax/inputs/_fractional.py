"""Long memory: fractional Gaussian noise and fractional Brownian motion, exactly."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.distributions import AbstractDistribution, Choices, Constant, LogUniform, Uniform
from s2jax.inputs._base import AbstractInput
from s2jax.inputs._draws import Draws

_NEAREST = np.float32(0.005)  # to 0 and to 1: what is drawn closer is this close
_TERMS = 8  # of the series for lags >= 2, whose last one is below 1e-6 of the first


class FractionalLaw(eqx.Module):
    """What a fractional noise or Brownian motion depends on.

    Attributes:
        hurst: Hurst exponent H: 1/2 is no memory, more is persistence, less is a return.
    """

    hurst: Float[Array, "*channels"]


class FractionalNoise(AbstractInput):
    """Stationary normal noise whose memory decays as a power of the lag.

    Its autocovariance is (|k+1|^2H - 2 |k|^2H + |k-1|^2H) / 2 at lag k: 1 at lag 0, and
    H (2H - 1) k^(2H - 2) for large lags. Series of any length are drawn from this law exactly, by
    embedding it in a circulant covariance, which is positive for every H.

    The law of the future given the past and H is normal and tractable (Durbin-Levinson).

    Attributes:
        hurst: Law of H in (0, 1); by default of persistent noise, as H <= 1/2 is close to white.
            What it draws beyond 0.005 to 0.995 becomes these.

    Raises:
        TypeError: If `hurst` is no distribution.
        ValueError: If it says by its fields that it draws numbers outside (0, 1).

    Example:
        >>> import jax
        >>> drawn = FractionalNoise().sample(jax.random.key(0), n=3, length=50)
        >>> drawn.series.shape, drawn.law.hurst.shape
        ((3, 50), (3,))

    References:
        Davies and Harte (1987), Tests for Hurst effect.
        Dietrich and Newsam (1997), Fast and exact simulation of stationary Gaussian processes
        through circulant embedding of the covariance matrix.
    """

    hurst: AbstractDistribution = Uniform(0.6, 0.98)

    def __check_init__(self):
        _check_hurst("FractionalNoise", self.hurst)

    def law(self, draws: Draws, length: int) -> FractionalLaw:
        return FractionalLaw(_draw_hurst(draws, self.hurst))

    def series(self, law: FractionalLaw, draws: Draws, length: int) -> Float[Array, " time"]:
        return _draw_noise(law.hurst, draws, length)


class FractionalBrownian(AbstractInput):
    """Sums of fractional noise: paths that wander with persistence (H > 1/2) or roughly (H < 1/2).

    cov(B_s, B_t) = (s^2H + t^2H - |s - t|^2H) / 2 at steps 1, 2, ..., length; H = 1/2 is a random
    walk. The law of the future given the past and H is normal and tractable, as that of
    `FractionalNoise`.

    Attributes:
        hurst: Law of H in (0, 1), as in `FractionalNoise`.

    Raises:
        TypeError: If `hurst` is no distribution.
        ValueError: If it says by its fields that it draws numbers outside (0, 1).

    Example:
        >>> FractionalBrownian(hurst=Uniform(0.3, 0.7)).hurst.high
        0.7

    References:
        Mandelbrot and Van Ness (1968), Fractional Brownian motions, fractional noises and
        applications.
    """

    hurst: AbstractDistribution = Uniform(0.2, 0.9)

    def __check_init__(self):
        _check_hurst("FractionalBrownian", self.hurst)

    def law(self, draws: Draws, length: int) -> FractionalLaw:
        return FractionalLaw(_draw_hurst(draws, self.hurst))

    def series(self, law: FractionalLaw, draws: Draws, length: int) -> Float[Array, " time"]:
        return jnp.cumsum(_draw_noise(law.hurst, draws, length))


def _draw_hurst(draws: Draws, hurst: AbstractDistribution) -> Float[Array, ""]:
    return jnp.clip(draws.sample("hurst", hurst), _NEAREST, 1 - _NEAREST)


def _draw_noise(hurst: Float[Array, ""], draws: Draws, length: int) -> Float[Array, " time"]:
    """Fractional noise as the sum of waves of a period's length, one variance each."""
    period = find_period(2 * length)
    half = period // 2
    lags = jnp.minimum(jnp.arange(period), period - jnp.arange(period))
    # rounding may leave a variance of 0 slightly below it
    variances = jnp.maximum(jnp.fft.rfft(autocovariance(hurst, lags)).real, 0)
    sizes = jnp.sqrt(variances * np.float32(period / 2))
    normals = draws.normal("waves", (period,))
    # the first and the last wave are real, and twice as strong in that part
    edge = np.full(half + 1, 1, np.float32)
    edge[[0, half]] = np.sqrt(2)
    imaginary = jnp.pad(normals[half + 1 :], (1, 1))
    sizes = sizes * edge
    waves = jax.lax.complex(sizes * normals[: half + 1], sizes * imaginary)
    return jnp.fft.irfft(waves, period)[:length]


def autocovariance(hurst: Float[Array, ""], lags: Array | np.ndarray) -> Float[Array, " lags"]:
    """Autocovariance of fractional noise of deviation 1, to a few ulps at every lag.

    The three powers cancel at large lags; their binomial series in 1 / lag does not.
    """
    power = 2 * hurst
    lag = jnp.maximum(jnp.asarray(lags), 2).astype(jnp.float32)
    squared = 1 / (lag * lag)
    value = jnp.zeros_like(lag)
    for term in range(_TERMS, 0, -1):
        # C(2H, 2j) / C(2H, 2j - 2) = (2H - 2j + 2) (2H - 2j + 1) / (2j - 1) / 2j
        ratio = (power - 2 * term + 2) * (power - 2 * term + 1) / (2 * term * (2 * term - 1))
        value = ratio * (1 + squared * value)
    far = value * jnp.exp((power - 2) * jnp.log(lag))
    near = jnp.where(lags == 0, 1, jnp.exp2(power - 1) - 1)
    return jnp.where(lags < 2, near, far)


def find_period(least: int) -> int:
    """The smallest even number from `least` on that is a product of 2, 3 and 5: fast in an FFT."""
    period = least
    while True:
        rest = period
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and period % 2 == 0:
            return period
        period += 1


def _check_hurst(owner: str, hurst: AbstractDistribution) -> None:
    """Refuse what is no distribution, or says by its fields that it draws outside (0, 1)."""
    check_part(owner, "hurst", hurst, AbstractDistribution)
    bounds = {Constant: ("value",), Uniform: ("low", "high"), LogUniform: ("low", "high")}
    values = [getattr(hurst, name) for name in bounds.get(type(hurst), ())]
    values += list(hurst.values) if isinstance(hurst, Choices) else []
    for value in values:
        if checks.is_concrete(value) and not 0 < float(value) < 1:
            raise ValueError(
                f"{owner}(hurst={checks.shown(hurst)}): must draw numbers between 0 and 1, because "
                "no stationary increments have another Hurst exponent. Choose for example "
                "s2jax.distributions.Uniform(0.1, 0.9)."
            )
