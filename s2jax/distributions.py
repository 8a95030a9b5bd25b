"""Laws of single numbers, each drawn from 32 random bits."""

import abc
import math
import numbers
from collections.abc import Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from s2jax.core import checks, forks
from s2jax.core.part import Part, check_part
from s2jax.core.random import (
    categorical,
    normal_quantile,
    random_bits,
    signed_uniform,
    uniform,
    words_of,
)
from s2jax.core.types import Number, PRNGKey, Words, as_float, number

__all__ = ("AbstractDistribution", "Choices", "Constant", "LogUniform", "Normal", "Uniform")


def __dir__() -> tuple[str, ...]:
    return __all__


class AbstractDistribution(Part):
    """A law of numbers. Its own numbers are leaves: changing them does not recompile.

    They must be 0 or of a magnitude of float32, 1.2e-38 to 3.4e38, because draws are float32.

    A law of your own is a subclass that says in `from_bits` which number 32 random bits become:

    Example:
        >>> import jax, jax.numpy as jnp
        >>> class Dice(AbstractDistribution):
        ...     def from_bits(self, bits):
        ...         return 1 + (bits % 6).astype(jnp.float32)
        >>> sorted(set(Dice().sample(jax.random.key(0), (100,)).tolist()))
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """

    noun = "a distribution"
    example = "s2jax.distributions.LogUniform(0.5, 2.0)"

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, numbers.Real):
            return f"Pass s2jax.distributions.Constant({given:g})."
        if isinstance(given, (list, tuple)):
            return f"Pass s2jax.distributions.Choices({checks.shown(given)})."
        return super().way_out(given)

    @abc.abstractmethod
    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The numbers that these bits become, one per 32 of them, in float32.

        This is all that a law of your own has to say: `sample` and every draw inside the library
        are built on it. It must be written in JAX, and treat each number apart from its neighbours.
        """

    def sample(self, key: PRNGKey, shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Draw numbers.

        Args:
            key: Consumed. The same key, law and shape give the same numbers.
            shape: Of the result. Static.

        Returns:
            Independent draws in float32.

        Raises:
            TypeError: If `key` is not one typed key, or `shape` not made of Python integers.
            ValueError: If a size is negative.

        Example:
            >>> import jax
            >>> Uniform(2.0, 3.0).sample(jax.random.key(0), (4, 2)).shape
            (4, 2)
        """
        owner = f"{type(self).__name__}.sample"
        forks.check_can_draw(f"{owner}()")
        checks.check_key(owner, key)
        return _sample(words_of(key), self, checks.as_shape(owner, "shape", shape))


class Constant(AbstractDistribution):
    """Always the same number, which may be traced.

    Attributes:
        value: The number.

    Raises:
        ValueError: If it is not finite, or neither 0 nor of a magnitude that the default float type
            holds, and at most 1e-100 to 1e100.

    Example:
        >>> Constant(2.5).value
        2.5
    """

    value: Number = number(1.0)

    def __check_init__(self):
        checks.check_number("Constant", "value", self.value)
        checks.check_held("Constant", "value", self.value, jnp.result_type(float))

    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        return jnp.broadcast_to(_float32(self.value), bits.shape)


class Uniform(AbstractDistribution):
    """Uniform in [low, high), on a grid of 2**-24 of the range.

    Attributes:
        low, high: The range.

    Raises:
        ValueError: If low > high, or one of them is not finite.

    Example:
        >>> import jax
        >>> draws = Uniform(-2.0, 3.0).sample(jax.random.key(0), (1000,))
        >>> bool((draws >= -2).all()), bool((draws < 3).all())
        (True, True)
    """

    low: Number = number(0.0)
    high: Number = number(1.0)

    def __check_init__(self):
        _check_range("Uniform", self.low, self.high)

    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        low, high = _float32(self.low), _float32(self.high)
        part = uniform(bits)
        # not `low + (high - low) * part`, whose difference overflows
        return low * (1 - part) + high * part


class LogUniform(AbstractDistribution):
    """A number > 0 whose logarithm is uniform: every decade is as likely as the next.

    Attributes:
        low, high: The range.

    Raises:
        ValueError: If not 0 < low <= high < infinity.

    Example:
        >>> import jax
        >>> draws = LogUniform(0.01, 100.0).sample(jax.random.key(0), (1000,))
        >>> 0.4 < float((draws < 1).mean()) < 0.6
        True
    """

    low: Number = number(0.1)
    high: Number = number(10.0)

    def __check_init__(self):
        _check_range("LogUniform", self.low, self.high, positive=True)

    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        low, high = _float32(self.low), _float32(self.high)
        span = jnp.log(high) - jnp.log(low)
        return jnp.clip(low * jnp.exp(span * uniform(bits)), low, high)


class Normal(AbstractDistribution):
    """Normal, within 5.5 standard deviations.

    Attributes:
        mean, std: Mean and standard deviation.

    Raises:
        ValueError: If `std` is negative, or one of them is not finite.

    Example:
        >>> import jax
        >>> draws = Normal(mean=3.0).sample(jax.random.key(0), (1000,))
        >>> 0.9 < float(draws.std()) < 1.1
        True
    """

    mean: Number = number(0.0)
    std: Number = number(1.0)

    def __check_init__(self):
        checks.check_number("Normal", "mean", self.mean)
        checks.check_number("Normal", "std", self.std, low=0)
        for name in ("mean", "std"):
            _check_drawn("Normal", name, getattr(self, name))

    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        return _float32(self.mean) + _float32(self.std) * normal_quantile(signed_uniform(bits))


class Choices(AbstractDistribution):
    """One of several numbers, drawn by weight.

    Attributes:
        values: The numbers.
        weights: Their weights; they need not sum to 1. None in the call means equal ones.

    Raises:
        ValueError: If there are no values, one is not finite, or the weights do not fit them.

    Example:
        >>> Choices([1, 2, 5], weights=[2, 1, 1]).weights
        (2.0, 1.0, 1.0)
    """

    values: Sequence[Number] | Float[Array, " kinds"]
    weights: Sequence[Number] | Float[Array, " kinds"]

    def __init__(self, values=(0.0, 1.0), weights=None):
        for name, given in (("values", values), ("weights", weights)):
            check_list("Choices", name, given, optional=name == "weights")
        self.values = floats(values)
        self.weights = floats((1.0,) * len(values) if weights is None else weights)

    def __check_init__(self):
        for index, value in enumerate(self.values):
            checks.check_number("Choices", f"values[{index}]", value)
            _check_drawn("Choices", f"values[{index}]", value)
        check_weights("Choices", "values", len(self.values), self.weights)

    def from_bits(self, bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
        return stack(self.values)[categorical(bits, stack(self.weights))]


@partial(jax.jit, static_argnums=2)
def _sample(words: Words, law: AbstractDistribution, shape: tuple[int, ...]) -> Array:
    bits = random_bits(words[None], math.prod(shape))
    return law.from_bits(bits.reshape(shape))


def sample_as(law: AbstractDistribution, bits: UInt32[Array, "*shape"], dtype) -> Array:
    """Draws in this dtype; a fixed number is not rounded to float32 before."""
    if isinstance(law, Constant):
        return jnp.broadcast_to(jnp.asarray(law.value).astype(dtype), bits.shape)
    return law.from_bits(bits).astype(dtype)


def check_positive(owner: str, name: str, law: AbstractDistribution) -> None:
    """Refuse a law that does not say by its fields that all its draws are > 0."""
    if isinstance(law, LogUniform):
        return
    bounds = {Constant: "value", Uniform: "low", Choices: "values"}.get(type(law))
    if bounds is None:
        raise ValueError(
            f"{owner}({name}={law!r}): must be > 0 in every draw. Choose "
            "s2jax.distributions.LogUniform(low, high)."
        )
    values = getattr(law, bounds)
    for value in values if isinstance(values, tuple) else [values]:
        checks.check_number(owner, name, value, low=0, strict=True)


def floats(values):
    """A list as a tuple in which an int is a float, so that 1 and 1.0 compile the same."""
    if not isinstance(values, (list, tuple)):
        return values
    return tuple(map(as_float, values))


def check_list(owner: str, name: str, values: Any, optional: bool = False) -> None:
    """Refuse what is no list of numbers and no array of one axis; its numbers are not looked at."""
    is_list = isinstance(values, (list, tuple)) or len(getattr(values, "shape", ())) == 1
    if not is_list and not (optional and values is None):
        raise TypeError(
            f"{owner}({name}={checks.shown(values)}): must be a list of numbers, or an array of "
            f"one axis. Pass for example {name}=[1.0, 2.0]."
        )


def stack(values) -> Float[Array, " kinds"]:
    """Numbers as one float32 array."""
    return jnp.stack([_float32(value) for value in values])


def check_weights(owner: str, what: str, count: int, weights, name: str = "weights") -> None:
    """Refuse weights that are not one number >= 0 for each of `count` things, one of them > 0."""
    if count == 0 or len(weights) != count:
        raise ValueError(
            f"{owner}({count} {what}, {len(weights)} weights): there must be at least one of "
            f"{what}, and one weight for each. Give as many weights as {what}."
        )
    names = [str(index) for index in range(count)]
    checks.check_weights(owner, name, dict(zip(names, weights, strict=True)), names)


def distribution(default: AbstractDistribution):
    """A field that is a distribution; a number stands for that which is always this number."""
    return eqx.field(converter=_as_distribution, default=default)


def _as_distribution(value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Constant(value) if is_number else value


def check_draws(
    owner: str, name: str, law: Any, low: float, high: float, reason: str,
    strict: bool = False,
) -> None:  # fmt: skip
    """Refuse a law whose fields let draws be outside [low, high], or on its ends if `strict`.

    A law of the user's own says nothing of this: its draws are clipped where they are used.
    """
    check_part(owner, name, law, AbstractDistribution)
    # in float32, as draws are: 0.9995 is the largest persistence, and is 0.99949998
    lowest, highest = float(np.float32(low)), float(np.float32(high))
    for value in _ends(law):
        if not checks.is_concrete(value):
            continue
        with np.errstate(over="ignore"):
            number = float(np.asarray(value, np.float32))
        is_inside = lowest < number < highest if strict else lowest <= number <= highest
        if not is_inside:
            rule = f"> {low:g} and < {high:g}" if strict else f"between {low:g} and {high:g}"
            rule = f"{'>' if strict else '>='} {low:g}" if np.isinf(high) else rule
            raise ValueError(
                f"{owner}({name}={checks.shown(law)}): draws must be {rule}, because {reason}. "
                f"Choose for example s2jax.distributions.Uniform(low, high) within that range."
            )


def _ends(law: AbstractDistribution) -> tuple:
    """The least and the largest number that a law of the library draws, as far as it has them."""
    if isinstance(law, (Uniform, LogUniform)):
        return (law.low, law.high)
    if isinstance(law, Constant):
        return (law.value,)
    if isinstance(law, Choices):
        return tuple(law.values)
    if isinstance(law, Normal):
        return (law.mean - 5.5 * law.std, law.mean + 5.5 * law.std)
    return ()


def _float32(value) -> Float[Array, ""]:
    return jnp.asarray(value).astype(np.float32)


def _check_drawn(owner: str, name: str, value) -> None:
    """Refuse a number that draws cannot have."""
    highest = float(np.finfo(np.float32).max)
    reason = "draws are float32, also in float64"
    checks.check_held(owner, name, value, jnp.float32, highest, reason)


def _check_range(owner: str, low, high, positive: bool = False) -> None:
    bound = {"low": 0.0, "strict": True} if positive else {}
    checks.check_number(owner, "low", low, **bound)
    checks.check_number(owner, "high", high, **bound)
    for name, value in (("low", low), ("high", high)):
        _check_drawn(owner, name, value)
    if checks.is_concrete(low) and checks.is_concrete(high) and float(low) > float(high):
        raise ValueError(
            f"{owner}(low={low!r}, high={high!r}): low must be <= high, because numbers are drawn "
            "between them. Swap them."
        )
