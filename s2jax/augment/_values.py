"""Augmentations of values: their size and sign, spikes, and channels that fall silent."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from s2jax.augment._base import (
    AbstractChannelAugmentation,
    AbstractRowAugmentation,
    probability,
)
from s2jax.augment._courses import draw_knots, follow
from s2jax.core import checks
from s2jax.core.types import Number, number
from s2jax.distributions import AbstractDistribution, Uniform, check_draws, distribution
from s2jax.transforms import z_score

SHAPES = ("gaussian", "triangular", "rectangular")


class AmplitudeModulation(AbstractChannelAugmentation):
    """y(t) a(t), a the straight lines between amplitudes at change points.

    These are the first and the last time and times between, at least one apart and otherwise
    uniform.

    Labels: y = f(x) does not hold; y = a f(x) with a changing in time does.

    Attributes:
        amplitude: Of each change point. `Normal(1, 1)` is the law of s2generator, which turns many
            series over.
        num_changepoints: With the first and the last time. Static.

    Raises:
        ValueError: If draws may be beyond 100, there are fewer than 2 change points, or more than
            times.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> AmplitudeModulation(amplitude=2.0)(jax.random.key(0), jnp.ones(5)).tolist()
        [2.0, 2.0, 2.0, 2.0, 2.0]
    """

    amplitude: AbstractDistribution = distribution(Uniform(0.2, 1.8))
    num_changepoints: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        owner, why = "AmplitudeModulation", "little of the series would be seen beside its peaks"
        check_draws(owner, "amplitude", self.amplitude, -100, 100, why)
        checks.check_static_integer(owner, "num_changepoints", self.num_changepoints, 2)

    def check_length(self, length: int) -> None:
        if length < self.num_changepoints:
            raise ValueError(
                f"AmplitudeModulation(num_changepoints={self.num_changepoints}) of {length} times: "
                "must be at most as many as times, because they are at least one apart. Lower "
                "num_changepoints."
            )

    def augment(self, draws, series):
        count, length = self.num_changepoints, len(series)
        knots = draw_knots(draws, count, length, 1)
        levels = draws.sample("levels", self.amplitude, (count,)).astype(series.dtype)
        return series * follow(knots, levels, length)


class SpikeInjection(AbstractChannelAugmentation):
    """y + sum_i s_i a_i k_i((t - c_i) / b_i): spikes at uniform times c_i, of either sign s_i.

    k is exp(-u**2 / 2), max(1 - |u|, 0), or 1 where |u| <= 1, each as likely.

    Labels: y = f(x) does not hold near spikes.

    Attributes:
        amplitude: a, in standard deviations of the series; 1 for a constant series.
        width: b, in times.
        num_spikes: Of every series. Static.
        shape: `"gaussian"`, `"triangular"` or `"rectangular"`; None draws one for each spike.
            Static.

    Raises:
        ValueError: If `amplitude` is not between 0 and 1000, `width` may be below 0.1, there is no
            spike, or `shape` is another word.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> spiky = SpikeInjection(amplitude=3.0, num_spikes=1)(jax.random.key(0), jnp.zeros(100))
        >>> round(float(abs(spiky).max()), 3)
        3.0
    """

    amplitude: AbstractDistribution = distribution(Uniform(1.0, 3.0))
    width: AbstractDistribution = distribution(Uniform(1.0, 5.0))
    num_spikes: int = eqx.field(static=True, default=2)
    shape: str | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        why = "nothing else would be left of the series"
        check_draws("SpikeInjection", "amplitude", self.amplitude, 0, 1000, why)
        why = "a spike would be narrower than a time"
        check_draws("SpikeInjection", "width", self.width, 0.1, np.inf, why)
        checks.check_static_integer("SpikeInjection", "num_spikes", self.num_spikes, 1)
        check_word("SpikeInjection", "shape", self.shape, SHAPES)

    def augment(self, draws, series):
        many, length, dtype = (self.num_spikes,), len(series), series.dtype
        centre = draws.integers("centre", 0, length, many)[:, None]
        width = jnp.maximum(draws.sample("width", self.width, many), 0.1)[:, None].astype(dtype)
        size = draws.sample("amplitude", self.amplitude, many).astype(dtype)
        size = jnp.where(draws.bernoulli("sign", 0.5, many), size, -size) * z_score(series).scale
        distance = jnp.abs(jnp.arange(length, dtype=jnp.int32) - centre).astype(dtype) / width
        spikes = {
            "gaussian": jnp.exp(-0.5 * distance**2),
            "triangular": jnp.maximum(1 - distance, 0),
            "rectangular": (distance <= 1).astype(dtype),
        }
        return series + (size[:, None] * choose(draws, spikes, self.shape, many)).sum(0)


class ValueFlip(AbstractRowAugmentation):
    """The series upside down: -y, all channels of a row.

    Labels: y = -f(x) holds; so y_scale and y_shift of a batch, with the other sign where rows are
    flipped (all of them at probability 1), belong to its program.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> ValueFlip(probability=1.0)(jax.random.key(0), jnp.arange(1.0, 3.0)).tolist()
        [-1.0, -2.0]
    """

    probability: Number = probability(0.5)

    def augment(self, draws, series):
        del draws
        return -series


class ChannelDropout(AbstractRowAugmentation):
    """Channels that fall silent: each is a constant with a probability, but one at least is left.

    Where all would be silent, each of them is as likely to stay; a single channel always does.

    Labels: y = f(x) does not hold where a channel is silent that f reads, or y itself.

    Attributes:
        rate: The probability.
        fill: The constant.

    Raises:
        ValueError: If `rate` is not between 0 and 1, or `fill` not finite.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> dropped = ChannelDropout(rate=1.0)(jax.random.key(0), jnp.ones((4, 3, 8)))
        >>> dropped.sum((1, 2)).tolist()
        [8.0, 8.0, 8.0, 8.0]

    References:
        Tompson et al. (2015), Efficient object localization using convolutional networks, which
        drops whole channels, and scales the others up; these are left.
    """

    rate: Number = number(0.3)
    fill: Number = number(0.0)

    def __check_init__(self):
        checks.check_number("ChannelDropout", "rate", self.rate, 0, 1)
        checks.check_number("ChannelDropout", "fill", self.fill)

    def augment(self, draws, series):
        channels = len(series)
        draw = draws.uniform("silent", shape=(channels,))
        stays = draw >= jnp.asarray(self.rate).astype(draw.dtype)
        stays = stays | (jnp.arange(channels) == jnp.argmax(draw))
        return jnp.where(stays[:, None], series, jnp.asarray(self.fill).astype(series.dtype))


def check_word(owner: str, name: str, word: str | None, words: tuple[str, ...]) -> None:
    """Refuse a word that is none of these, nor None."""
    if word is not None:
        call, more = f"{owner}({name}={checks.shown(word)})", ", or None, which draws one of them"
        checks.check_word(call, word, words, more)


def choose(draws, options: dict[str, jax.Array], word: str | None, many: tuple[int, ...]):
    """The option that a word names, or one drawn for each of so many items, with time last."""
    if word is not None:
        return options[word]
    drawn = draws.integers("word", 0, len(options), many)
    is_it = [drawn[..., None] == number for number in range(len(options))]
    return jnp.select(is_it, list(options.values()))
