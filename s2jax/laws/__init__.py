"""Laws of random expressions."""

from s2jax.laws._base import AbstractLaw as AbstractLaw
from s2jax.laws._tree_laws import Decimals as Decimals
from s2jax.laws._tree_laws import S2Law as S2Law
from s2jax.laws._tree_laws import UniformLaw as UniformLaw
from s2jax.laws.given import GivenLaw as GivenLaw
from s2jax.laws.tokens import num_tokens as num_tokens
