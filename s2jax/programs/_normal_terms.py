"""Terms of normal forms: points of a group, whose sums are products and whose multiples powers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt32

from s2jax.programs._mixing import mix

MAX_TERMS = 8
PRIME = np.uint32(2**31 - 1)
LOOSE = np.uint32(1)
places = np.arange(MAX_TERMS, dtype=np.int32)[:, None]


class Term(NamedTuple):
    """A term, or all terms of a sum.

    Attributes:
        size: The exponents of absolute values.
        sign: The signs, and whether it is loose.
    """

    size: UInt32[Array, "*terms 2 batch"]
    sign: UInt32[Array, "*terms batch"]

    @property
    def is_loose(self) -> Bool[Array, "*terms batch"]:
        return self.sign & LOOSE != 0

    @property
    def is_number(self) -> Bool[Array, "*terms batch"]:
        return (self.size == 0).all(-2) & (self.sign == 0)


Store = Callable[[Any], Any]


def storage(certainly: Bool[Array, ""]) -> Store:
    """A function that stores values: else each array that follows would compute them again.

    An optimization barrier is gone before a CPU's kernels are fused. What a condition lets through
    is never fused, if no compiler can tell that it holds.
    """
    zeros = lambda values: jax.tree.map(jnp.zeros_like, values)
    return lambda values: jax.lax.cond(certainly, lambda values: values, zeros, values)


def fold(word: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Modulo the prime, of any word but the largest; its zero is 0."""
    word = (word & PRIME) + (word >> np.uint32(31))
    return jnp.where(word == PRIME, np.uint32(0), word)


def times(word: UInt32[Array, "..."], factor: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """A product modulo the prime, of which 2**31 is 1."""
    high, low = word >> np.uint32(16), word & np.uint32(0xFFFF)
    times_high, times_low = factor >> np.uint32(16), factor & np.uint32(0xFFFF)
    # high * times_high * 2**32 is twice the product of high parts; the middle is shifted by 16
    total = fold(fold(low * times_low) + fold(2 * high * times_high))
    for middle in (high * times_low, low * times_high):
        middle = fold(middle)
        rotated = ((middle << np.uint32(16)) & PRIME) | (middle >> np.uint32(15))
        total = fold(total + rotated)
    return total


def multiply(term: Term, other: Term) -> Term:
    """A product of terms, loose if one of them is."""
    loose = (term.sign | other.sign) & LOOSE
    sign = ((term.sign ^ other.sign) & ~LOOSE) | loose
    return Term(fold(term.size + other.size), sign)


def loose_term(word: UInt32[Array, "2 batch"]) -> Term:
    """A term with constants inside, by its hash."""
    return Term(fold(word), jnp.full_like(word[0], LOOSE))


def rigid_term(word: UInt32[Array, "2 batch"]) -> Term:
    """A term without, which is no product."""
    return Term(fold(word), mix(word, 12)[0] & ~LOOSE)


def hash_term(term: Term, tag: int) -> UInt32[Array, "*terms 2 batch"]:
    return mix(mix(term.size, tag) + term.sign[..., None, :], tag)


def where(condition, term: Term, other: Term) -> Term:
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), term, other)


def zero_where(condition: Bool[Array | np.ndarray, "terms #batch"], terms: Term) -> Term:
    condition = jnp.asarray(condition)
    size = jnp.where(condition[:, None], np.uint32(0), terms.size)
    return Term(size, jnp.where(condition, np.uint32(0), terms.sign))


def first_term(terms: Term) -> Term:
    return jax.tree.map(lambda leaf: leaf[0], terms)
