"""Weights of convex combinations of a drawn number of things, from the symmetric Dirichlet law."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import below, normal_quantile, random_bits, signed_uniform, uniform


def check_concentration(owner: str, concentration: float) -> None:
    """Refuse a concentration whose gamma law is no sum of exponentials and a squared normal."""
    checks.check_number(owner, "concentration", concentration, 0.5, 16)
    if concentration * 2 != int(concentration * 2):
        raise ValueError(
            f"{owner}(concentration={concentration}): must be a multiple of 0.5, because "
            "its gamma law is drawn from exponentials and a normal. Round it."
        )


def draw_weights(
    words: UInt32[Array, "batch 2"], stream: int, most: int, concentration: float
) -> tuple[Int[Array, " batch"], Float[Array, "{most} batch"]]:
    """How many things each key combines, uniform in {1, ..., most}, and the weights of all.

    The weights of those combined, the first ones, are of the Dirichlet law; the others are 0.
    """
    per_weight = int(concentration) + int(2 * concentration) % 2
    bits = random_bits(words, 1 + most * per_weight, stream)
    count = 1 + below(bits[0], most)
    gammas = _gamma(bits[1:].reshape(per_weight, most, len(words)), concentration)
    gammas = jnp.where(jnp.arange(most, dtype=jnp.int32)[:, None] < count, gammas, 0)
    return count, gammas / gammas.sum(0)


def _gamma(bits: UInt32[Array, "words *shape"], concentration: float) -> Float[Array, "*shape"]:
    """Gamma variables of this concentration, a multiple of 1/2."""
    exponentials = int(concentration)
    out = -jnp.log1p(-uniform(bits[:exponentials])).sum(0)
    if exponentials < concentration:
        out = out + normal_quantile(signed_uniform(bits[-1])) ** 2 / 2
    return out
