"""Laws of random expressions."""

from s2jax.laws._base import AbstractLaw
from s2jax.laws._tree_laws import Decimals, S2Law, UniformLaw
from s2jax.laws.given import GivenLaw
from s2jax.laws.tokens import num_tokens

__all__ = ("AbstractLaw", "Decimals", "GivenLaw", "S2Law", "UniformLaw", "num_tokens")


def __dir__() -> tuple[str, ...]:
    return __all__
