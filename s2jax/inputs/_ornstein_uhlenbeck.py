"""Ornstein-Uhlenbeck processes whose parameters a Markov chain switches."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, random_bits, uniform
from s2jax.core.streams import named
from s2jax.core.types import Whole, whole
from s2jax.distributions import AbstractDistribution, LogUniform, Normal, check_draws
from s2jax.inputs._base import AbstractBatched
from s2jax.inputs._labels import pack, unpack
from s2jax.inputs._laws import map_channels
from s2jax.inputs._noise import check_size, sample_normals

MOST_REGIMES = 4
_BITS = 2  # of a regime
_NUM_PAST = 32
_LEAST = np.float32(1e-18)  # of times and deviations: what is drawn below, by a law of one's own


class OrnsteinUhlenbeckLaw(eqx.Module):
    """dx = rate (mean - x) dt + volatility dW, with the parameters of the regime there is.

    Attributes:
        num_regimes: How many there are; entries beyond are 0.
        means: Where x is drawn to.
        rates: How fast, per step.
        volatilities: In units of x per root of a step.
        dwells: Expected number of steps from entering a regime to leaving it.
        path: The regime of each step, 2 bits each, 16 steps in a word; `regimes` unpacks them.
    """

    num_regimes: Int[Array, "*channels"]
    means: Float[Array, "*channels regimes"]
    rates: Float[Array, "*channels regimes"]
    volatilities: Float[Array, "*channels regimes"]
    dwells: Float[Array, "*channels regimes"]
    path: UInt32[Array, "*channels words"]

    def regimes(self, length: int) -> Int[Array, "*channels {length}"]:
        """The regime of each step: 0, ..., num_regimes - 1."""
        read = lambda law: unpack(law.path.T, _BITS, length)
        return map_channels(read, self, self.num_regimes.shape)


class OrnsteinUhlenbeck(AbstractBatched):
    """Mean-reverting series with regimes, by the exact solution of their stochastic equation.

        x_t = m + (x_{t-1} - m) exp(-r) + s sqrt(1 - exp(-2 r)) n_t

    with the mean m, rate r and stationary deviation s = volatility / sqrt(2 r) of the regime of
    step t. Regimes are a Markov chain: one is left with probability 1 / dwell in a step, for any
    other alike. The chain starts in its stationary law, and so does x: from 32 sojourns in earlier
    regimes, drawn backwards, which leave exp(-sum(rates * sojourns)) of a value before them. With
    the defaults that is below 1e-10 for all but one channel of a thousand. That value is drawn from
    the stationary law of its regime, which is exact where there is a single one. Given the
    parameters, the law of the future given the past is tractable: normal given the regimes to come,
    over which a filter sums.

    Attributes:
        min_regimes: Least number of regimes.
        max_regimes: Largest number, at most 4. Static.
        mean: Of each regime.
        relaxation: 1 / rate in steps; > 0.
        deviation: Stationary deviation of each regime; > 0.
        dwell: Expected dwell of each regime in steps; >= 1.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> import jax
        >>> law = OrnsteinUhlenbeck().sample(jax.random.key(0), n=2, length=40).law
        >>> law.path.shape, law.regimes(40).shape
        ((2, 3), (2, 40))

    References:
        Uhlenbeck and Ornstein (1930), On the theory of the Brownian motion.
        Gillespie (1996), Exact numerical simulation of the Ornstein-Uhlenbeck process.
        Hamilton (1989), A new approach to the economic analysis of nonstationary time series.
    """

    min_regimes: Whole = whole(2)
    max_regimes: int = eqx.field(static=True, default=4)
    mean: AbstractDistribution = Normal(0.0, 2.0)
    relaxation: AbstractDistribution = LogUniform(1.0, 32.0)
    deviation: AbstractDistribution = LogUniform(0.1, 1.0)
    dwell: AbstractDistribution = LogUniform(12.0, 96.0)

    def __check_init__(self):
        owner = "OrnsteinUhlenbeck"
        checks.check_static_integer(owner, "max_regimes", self.max_regimes, 1, MOST_REGIMES)
        low, high = self.min_regimes, self.max_regimes
        checks.check_number(owner, "min_regimes", low, 1, high, integer=True)
        check_size(owner, "mean", self.mean)
        check_draws(owner, "relaxation", self.relaxation, 0, np.inf, "it is a time", strict=True)
        check_size(owner, "deviation", self.deviation, 0, "else nothing moves", strict=True)
        stay = "a regime lasts for a step at least"
        check_draws(owner, "dwell", self.dwell, 1, np.inf, stay)

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> OrnsteinUhlenbeckLaw:
        size = self.max_regimes
        bits = random_bits(words, 2 + 4 * size, named("law", "parameters"))
        num_regimes = (self.min_regimes + below(bits[0], size - self.min_regimes + 1)).astype(
            jnp.int32
        )
        parts = bits[2:].reshape(4, size, -1)
        is_used = jnp.arange(size, dtype=jnp.int32)[:, None] < num_regimes
        positive = lambda law, bits: jnp.maximum(law.from_bits(bits), _LEAST)
        rates = 1 / positive(self.relaxation, parts[1])
        volatilities = positive(self.deviation, parts[2]) * jnp.sqrt(2 * rates)
        dwells = jnp.where(is_used, jnp.maximum(self.dwell.from_bits(parts[3]), 1), 0)
        # the stationary law of the chain is in proportion to the dwells
        edges = jnp.cumsum(dwells, axis=0)
        passed = (uniform(bits[1]) * edges[-1] >= edges).astype(jnp.int32)
        first = jnp.minimum(_add(list(passed)), num_regimes - 1)

        def step(regime, bits):
            return _jump(regime, bits, dwells, num_regimes), regime

        chain = random_bits(words, length, named("law", "chain"))
        path = jax.lax.scan(step, first, chain)[1]
        fields = (self.mean.from_bits(parts[0]), rates, volatilities, dwells)
        kept = [jnp.where(is_used, field, 0).T for field in fields]
        return OrnsteinUhlenbeckLaw(num_regimes, *kept, path=pack(path, _BITS).T)

    def draw_series(
        self, laws: OrnsteinUhlenbeckLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        means, rates = laws.means.T, laws.rates.T
        deviations = laws.volatilities.T / jnp.sqrt(2 * jnp.where(rates > 0, rates, 1))
        path = unpack(laws.path.T, _BITS, length)
        noise = sample_normals(words, length + _NUM_PAST, "noise")
        first = _sample_first(laws, words, path[0], means, rates, deviations, noise[length:])
        kept = jnp.exp(-rates)
        moved = deviations * jnp.sqrt(-jnp.expm1(-2 * rates))

        def step(value, inputs):
            regime, noise = inputs
            mean, kept_now, moved_now = _pick(regime, means, kept, moved)
            value = mean + (value - mean) * kept_now + moved_now * noise
            return value, value

        rest = jax.lax.scan(step, first, (path[1:], noise[1:length]))[1]
        return jnp.concatenate([first[None], rest])


def _sample_first(
    laws: OrnsteinUhlenbeckLaw,
    words: UInt32[Array, "channels 2"],
    regime: Int[Array, " channels"],
    means: Float[Array, "regimes channels"],
    rates: Float[Array, "regimes channels"],
    deviations: Float[Array, "regimes channels"],
    noise: Float[Array, "sojourns channels"],
) -> Float[Array, " channels"]:
    """x_0 in the stationary law given its regime.

    The chain is reversible: backwards it stays and jumps by the same law, so that a sojourn lasts
    1 + a geometric number of steps. Within it x_0 = m + (x - m) exp(-r n) + noise.
    """
    dwells = laws.dwells.T
    bits = random_bits(words, 2 * _NUM_PAST, named("series", "past"))

    def step(carry, inputs):
        total, share, regime = carry
        lasting, jumping, noise, is_first = inputs
        mean, rate, deviation, dwell = _pick(regime, means, rates, deviations, dwells)
        # the number of steps that it stays: geometric, by inversion; never, if the dwell is a step
        stays = jnp.log1p(-1 / jnp.maximum(dwell, np.float32(1.0001)))
        steps = 1 + jnp.floor(jnp.log1p(-uniform(lasting)) / stays)
        # what was before the earliest sojourn is forgotten, as if it had always lasted
        left = jnp.where(is_first, 0, jnp.exp(-rate * steps))
        moved = jnp.where(is_first, 1, -jnp.expm1(-2 * rate * steps))
        total = total + share * (mean * (1 - left) + deviation * jnp.sqrt(moved) * noise)
        # a word whose product with the dwell is below 1 jumps
        regime = _leave(regime, uniform(jumping), laws.num_regimes)
        return (total, share * left, regime), None

    start = (jnp.zeros_like(means[0]), jnp.ones_like(means[0]), regime)
    is_first = np.arange(_NUM_PAST) == _NUM_PAST - 1
    halves = (bits[:_NUM_PAST], bits[_NUM_PAST:], noise, is_first)
    return jax.lax.scan(step, start, halves)[0][0]


def _jump(
    regime: Int[Array, " channels"],
    bits: UInt32[Array, " channels"],
    dwells: Float[Array, "regimes channels"],
    num_regimes: Int[Array, " channels"],
) -> Int[Array, " channels"]:
    """The next regime, from one word: given that it jumps, its position below is again uniform."""
    position = uniform(bits) * _pick(regime, dwells)[0]
    return jnp.where(position < 1, _leave(regime, position, num_regimes), regime)


def _leave(
    regime: Int[Array, " channels"],
    position: Float[Array, " channels"],
    num_regimes: Int[Array, " channels"],
) -> Int[Array, " channels"]:
    """Another regime, all alike for positions in [0, 1); the same one if there is no other."""
    others = num_regimes - 1
    ahead = 1 + (position * others.astype(position.dtype)).astype(jnp.int32)
    target = regime + jnp.minimum(ahead, others)
    return jnp.where(target >= num_regimes, target - num_regimes, target)


def _pick(
    regime: Int[Array, " channels"], *tables: Float[Array, "regimes channels"]
) -> list[Array]:
    """The row of each table that is the regime's, by selects: a gather is slower for four."""
    chosen = [table[0] for table in tables]
    for k in range(1, tables[0].shape[0]):
        chosen = [
            jnp.where(regime == k, table[k], old) for table, old in zip(tables, chosen, strict=True)
        ]
    return chosen


def _add(arrays: list[Array]) -> Array:
    return sum(arrays[1:], arrays[0])
