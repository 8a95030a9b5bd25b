"""Independent draws from a random mixture of distributions."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, UInt32

from s2jax.core import checks
from s2jax.core.random import below, normal_quantile, signed_uniform, uniform
from s2jax.core.types import Number, Whole, number, whole
from s2jax.inputs._process import AbstractProcess, LinearProcess


class Mixture(AbstractProcess):
    """Independent values from a mixture with random components.

    The number of components is uniform in {min_components..max_components}, their weights are
    U(0, 1) and normalised. A component is normal with mean mu ~ N(0, 1) and standard deviation
    U(0, 1), or uniform between 0 and mu.

    Attributes:
        min_components: Least number of components.
        max_components: Largest number of components. Static.
        uniform_probability: Probability that a component is uniform.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> Mixture(max_components=3).max_components
        3

    References:
        Wang et al. (2025), SymTime / Series-Symbol data generation, section 3.1.
    """

    min_components: Whole = whole(1)
    max_components: int = eqx.field(static=True, default=5)
    uniform_probability: Number = number(0.5)

    def __check_init__(self):
        checks.check_static_integer("Mixture", "max_components", self.max_components, 1, 64)
        checks.check_number(
            "Mixture", "min_components", self.min_components, 1, self.max_components, integer=True
        )
        checks.check_number("Mixture", "uniform_probability", self.uniform_probability, 0, 1)

    @property
    def num_words(self) -> int:
        return 1 + 4 * self.max_components

    def from_bits(self, bits: UInt32[Array, "words channels"]) -> LinearProcess:
        size = self.max_components
        extra = below(bits[0], self.max_components - self.min_components + 1)
        count = (self.min_components + extra).astype(jnp.int32)
        weight, mean, deviation, kind = bits[1 : self.num_words].reshape(4, size, -1)
        used = jnp.arange(size, dtype=jnp.int32)[:, None] < count
        # (0, 1] rather than [0, 1): the weights are never all zero
        weights = jnp.where(used, 1 - uniform(weight), 0)
        is_uniform = used & (uniform(kind) < self.uniform_probability)
        return LinearProcess(
            num_components=count,
            weights=(weights / weights.sum(0)).T,
            means=jnp.where(used, normal_quantile(signed_uniform(mean)), 0).T,
            deviations=jnp.where(used & ~is_uniform, uniform(deviation), 0).T,
            is_uniform=is_uniform.T,
            ar_order=jnp.zeros_like(count),
            ma_order=jnp.zeros_like(count),
            ar=jnp.zeros((count.shape[0], 0), weights.dtype),
            ma=jnp.zeros((count.shape[0], 0), weights.dtype),
        )
