"""Linear processes driven by mixtures: what `Mixture` and `ARMA` have in common.

One uniform word per time step gives one innovation, by inverting the mixture's distribution
function: the word chooses the component, and its position within the component's share is again
uniform. So a mixture costs no more random bits than a normal, and a choice between mixture and ARMA
computes only one of the two.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core.random import normal_quantile, random_bits, store
from s2jax.core.streams import named
from s2jax.inputs._base import AbstractBatched


class LinearProcess(eqx.Module):
    """y_t = sum_i ar_i y_{t-i} + e_t - sum_j ma_j e_{t-j} with independent e_t from a mixture.

    Component k of the mixture is normal with mean `means` and standard deviation `deviations`, or
    uniform between 0 and `means`; unused components have weight 0, unused lags coefficient 0.

    Attributes:
        num_components: Number of components used.
        weights: Their probabilities.
        means, deviations: Their parameters; `deviations` is 0 where the component is uniform.
        is_uniform: Which components are uniform.
        ar_order, ma_order: p and q.
        ar: Autoregressive coefficients phi.
        ma: Moving-average coefficients theta, subtracted.
    """

    num_components: Int[Array, "*channels"]
    weights: Float[Array, "*channels components"]
    means: Float[Array, "*channels components"]
    deviations: Float[Array, "*channels components"]
    is_uniform: Bool[Array, "*channels components"]
    ar_order: Int[Array, "*channels"]
    ma_order: Int[Array, "*channels"]
    ar: Float[Array, "*channels ar_lags"]
    ma: Float[Array, "*channels ma_lags"]

    def simulate(
        self, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        """Draw one series per channel, time first."""
        max_ma = self.ma.shape[-1]
        steps = length + max_ma
        # one step more than needed, because each step hands out the value of the last one: with a
        # single use XLA computes it once
        bits = random_bits(words, steps + 1, named("series", "innovations"))
        mixture = [field.T for field in self._shares()]
        ar = self.ar.T if self.ar.shape[-1] else jnp.zeros((1, bits.shape[1]), self.ar.dtype)
        ar, ma = store(ar, self.ma.T)
        coefficients, deviations = _start_up(ar)

        def step(past, inputs):
            time, bits = inputs
            phase = jnp.minimum(time, ar.shape[0])
            value = deviations[phase] * _innovation(bits, *mixture)
            value = value + (coefficients[phase] * past).sum(0)
            return jnp.concatenate([value[None], past[:-1]]), past[0]

        times = jnp.arange(steps + 1, dtype=jnp.int32)
        filtered = jax.lax.scan(step, jnp.zeros_like(ar), (times, bits))[1][1:]
        series = filtered[max_ma:]
        for lag in range(1, max_ma + 1):
            series = series - ma[lag - 1] * filtered[max_ma - lag : steps - lag]
        return series

    def _shares(self) -> tuple[Array, ...]:
        """Each component's share of the 32-bit words and what it makes of a position in it.

        Lower edge, centre and inverse half width of the share; then location, normal scale and
        uniform scale.
        """
        lower = jnp.cumsum(self.weights, axis=-1) - self.weights
        unused = jnp.arange(lower.shape[-1], dtype=jnp.int32) >= self.num_components[:, None]
        last = np.uint32(2**32 - 1)
        edge = jnp.where(unused, last, _to_fixed(lower))
        upper = jnp.concatenate([edge[:, 1:], jnp.full_like(edge[:, :1], last)], axis=-1)
        width = jnp.where(upper == last, 0, upper) - edge
        # width 0: all 2**32 words, or none; width 1: an unused component, which has the last word
        half = jnp.where(width < 2, np.uint32(2**31), width >> np.uint32(1))
        # just below 1, so that the quantile of the outermost word is finite
        inverse = np.float32(1 - 2.0**-23) / half.astype(jnp.float32)
        location = jnp.where(self.is_uniform, self.means / 2, self.means)
        spread = jnp.where(self.is_uniform, self.means / 2, 0)
        return edge, edge + half, inverse, location, self.deviations, spread


def _innovation(bits, edge, *fields):
    """One value of the mixture per channel from one word each."""
    chosen = [field[0] for field in fields]
    for k in range(1, edge.shape[0]):
        inside = bits >= edge[k]
        chosen = [
            jnp.where(inside, field[k], old) for field, old in zip(fields, chosen, strict=True)
        ]
    centre, inverse, location, deviation, spread = chosen
    position = jax.lax.bitcast_convert_type(bits - centre, jnp.int32).astype(jnp.float32) * inverse
    return location + deviation * normal_quantile(position) + spread * position


class AbstractProcess(AbstractBatched):
    """A family of linear processes."""

    @property
    @abc.abstractmethod
    def num_words(self) -> int:
        """Number of random words that `from_bits` reads per channel."""

    @abc.abstractmethod
    def from_bits(self, bits: UInt32[Array, "words channels"]) -> LinearProcess:
        """The process of each channel, the channel axis first."""

    def draw_laws(self, words: UInt32[Array, "channels 2"], length: int) -> LinearProcess:
        return self.from_bits(random_bits(words, self.num_words, named("law", "process")))

    def draw_series(
        self, laws: LinearProcess, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        return laws.simulate(words, length)


def _to_fixed(probability: Float[Array, "..."]) -> UInt32[Array, "..."]:
    """Probabilities below 1 as 32-bit fixed-point numbers."""
    clipped = jnp.clip(probability, 0, np.float32(1 - 2.0**-24))
    return (clipped * np.float32(2.0**24)).astype(jnp.uint32) << np.uint32(8)


def partial_autocorrelations(
    ar: Float[Array, "lags channels"],
) -> Float[Array, "lags channels"]:
    """Reflection coefficients of autoregressions: stationary iff all are inside (-1, 1).

    The Durbin-Levinson recursion run backwards (Barndorff-Nielsen and Schou 1973). After a
    coefficient on or outside the unit circle the rest is NaN.
    """
    reflections = []
    for order in range(ar.shape[0], 0, -1):
        last = ar[order - 1]
        reflections.append(last)
        scale = jnp.where(jnp.abs(last) < 1, 1 / (1 - last * last), np.nan)
        ar = (ar[: order - 1] + last * ar[: order - 1][::-1]) * scale
    return jnp.stack(reflections[::-1])


def predictors(
    reflections: Float[Array, "lags channels"],
) -> list[Float[Array, "order channels"]]:
    """Best linear predictors of order 0, 1, ..., p by the Durbin-Levinson recursion."""
    ar = reflections[:0]
    out = [ar]
    for order in range(reflections.shape[0]):
        ar = jnp.concatenate([ar - reflections[order] * ar[::-1], reflections[order : order + 1]])
        out.append(ar)
    return out


def _start_up(
    ar: Float[Array, "lags channels"],
) -> tuple[Float[Array, "phases lags channels"], Float[Array, "phases channels"]]:
    """Coefficients and innovation scales of steps 0, 1, ..., p - 1 and of all later ones.

    A stationary model starts in its stationary law: the first p values are drawn from the best
    linear predictors of order 0, 1, ..., p - 1, which for normal noise is the exact joint law. A
    model that is not stationary has no such law and starts from zeros.
    """
    max_order = ar.shape[0]
    reflections = partial_autocorrelations(ar)
    stationary = (jnp.abs(reflections) < 1).all(0)
    known = jnp.where(stationary, reflections, 0)
    coefficients = []
    for order, predictor in enumerate(predictors(known)[:-1]):
        padded = jnp.concatenate([predictor, jnp.zeros_like(ar[order:])])
        coefficients.append(jnp.where(stationary, padded, ar))
    variances = [jnp.ones(ar.shape[1:], ar.dtype)]
    for order in range(max_order, 0, -1):
        variances.append(variances[-1] / (1 - known[order - 1] * known[order - 1]))
    return jnp.stack([*coefficients, ar]), jnp.sqrt(jnp.stack(variances[::-1]))


def merge(processes: list[LinearProcess], chosen: Int[Array, " channels"]) -> LinearProcess:
    """The process of index `chosen` for each channel; arrays grow to the largest sizes."""

    def join(*leaves):
        width = max((leaf.shape[1] for leaf in leaves if leaf.ndim > 1), default=0)
        out = None
        for index, leaf in enumerate(leaves):
            if leaf.ndim > 1:
                leaf = jnp.pad(leaf, ((0, 0), (0, width - leaf.shape[1])))
            is_this = (chosen == index).reshape(-1, *(1,) * (leaf.ndim - 1))
            out = leaf if out is None else jnp.where(is_this, leaf, out)
        return out

    return jax.tree.map(join, *processes)
