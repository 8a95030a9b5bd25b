"""Random autoregressive moving-average processes."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, signed_uniform, uniform
from s2jax.core.types import Whole, whole
from s2jax.inputs._process import AbstractProcess, LinearProcess, predictors

_PAPER_TRIES = 16


class ARMA(AbstractProcess):
    """y_t = sum_i phi_i y_{t-i} + e_t - sum_j theta_j e_{t-j}, e_t standard normal white noise.

    Orders are uniform in {min..max}; theta is uniform in (-1, 1). With `rule="stationary"` phi is
    uniform over the region of stationary models of its order, drawn by partial autocorrelations.
    With `rule="paper"` phi is uniform in (-1, 1) given sum(phi) < 1; this rule does *not* make the
    model stationary: 14.3, 41 and 81 % of its draws at p = 2, 3 and 5 are not, and long series of
    those overflow. A stationary model starts in its stationary law, one that is not from zeros.

    Attributes:
        max_ar_order, max_ma_order: Largest p and q. Static.
        min_ar_order, min_ma_order: Least p and q.
        rule: `"stationary"` or `"paper"`. Static.

    Raises:
        ValueError: If a field is out of range.

    Example:
        >>> ARMA(max_ar_order=2, rule="paper").rule
        'paper'

    References:
        Box, Jenkins and Reinsel, Time Series Analysis, ch. 3.
        Jones (1987), Randomly choosing parameters from the stationarity and invertibility region
        of autoregressive-moving average models.
    """

    max_ar_order: int = eqx.field(static=True, default=3)
    max_ma_order: int = eqx.field(static=True, default=5)
    min_ar_order: Whole = whole(1)
    min_ma_order: Whole = whole(1)
    rule: Literal["stationary", "paper"] = eqx.field(static=True, default="stationary")

    def __check_init__(self):
        for name in ("ar_order", "ma_order"):
            high = getattr(self, f"max_{name}")
            checks.check_static_integer("ARMA", f"max_{name}", high, 0, 32)
            low = getattr(self, f"min_{name}")
            checks.check_number("ARMA", f"min_{name}", low, 0, high, integer=True)
        if self.rule not in ("stationary", "paper"):
            raise ValueError(
                f"ARMA(rule={self.rule!r}): {checks.unknown(self.rule, ('stationary', 'paper'))}"
            )

    def check_length(self, length: int) -> None:
        if length <= self.max_ar_order:
            raise ValueError(
                f"Config(length={length}): must be > max_ar_order={self.max_ar_order}, because the "
                "first values only start the recursion. Raise length or lower max_ar_order."
            )

    @property
    def num_words(self) -> int:
        p = self.max_ar_order
        num_ar_words = _PAPER_TRIES * p if self.rule == "paper" else p * (p + 1) // 2
        return 2 + self.max_ma_order + num_ar_words

    def from_bits(self, bits: UInt32[Array, "words channels"]) -> LinearProcess:
        max_p, max_q = self.max_ar_order, self.max_ma_order
        p = (self.min_ar_order + below(bits[0], max_p - self.min_ar_order + 1)).astype(jnp.int32)
        q = (self.min_ma_order + below(bits[1], max_q - self.min_ma_order + 1)).astype(jnp.int32)
        theta = signed_uniform(bits[2 : 2 + max_q])
        theta = jnp.where(jnp.arange(max_q, dtype=jnp.int32)[:, None] < q, theta, 0)
        draw = _paper_coefficients if self.rule == "paper" else _stationary_coefficients
        phi = draw(bits[2 + max_q : self.num_words], p, max_p)
        one = jnp.ones((p.shape[0], 1), phi.dtype)
        return LinearProcess(
            num_components=jnp.ones_like(p),
            weights=one,
            means=jnp.zeros_like(one),
            deviations=one,
            is_uniform=jnp.zeros(one.shape, bool),
            ar_order=p,
            ma_order=q,
            ar=phi.T,
            ma=theta.T,
        )


def _stationary_coefficients(
    bits: UInt32[Array, "words channels"], order: Int[Array, " channels"], max_order: int
) -> Float[Array, "lags channels"]:
    """Uniform over the stationary region: (1 + r_k) / 2 ~ Beta(floor((k+1)/2), floor(k/2) + 1).

    That beta variable is the floor((k+1)/2)-th smallest of k uniforms.
    """
    reflections = []
    for k in range(1, max_order + 1):
        first = k * (k - 1) // 2
        draws = uniform(bits[first : first + k])
        rank = (draws[None] < draws[:, None]).sum(1)
        beta = jnp.where(rank == (k + 1) // 2 - 1, draws, 0).max(0)
        limit = np.float32(1 - 2.0**-22)
        reflections.append(jnp.where(k <= order, jnp.clip(2 * beta - 1, -limit, limit), 0))
    if not reflections:
        return jnp.zeros((0, *order.shape), jnp.float32)
    return predictors(jnp.stack(reflections))[-1]


def _paper_coefficients(
    bits: UInt32[Array, "words channels"], order: Int[Array, " channels"], max_order: int
) -> Float[Array, "lags channels"]:
    """Uniform in (-1, 1) given that the sum is below 1: the first of 16 draws that obeys."""
    draws = signed_uniform(bits.reshape(_PAPER_TRIES, max_order, order.shape[0]))
    draws = jnp.where(jnp.arange(max_order, dtype=jnp.int32)[:, None] < order, draws, 0)
    obeys = draws.sum(1) < 1
    first = jnp.argmax(obeys, axis=0)
    return jnp.take_along_axis(draws, first[None, None], axis=0)[0]
