"""Random expressions: programs, the laws they are drawn from, and their evaluation."""

from s2jax.expressions._evaluate import evaluate as evaluate
from s2jax.expressions._laws import AbstractLaw as AbstractLaw
from s2jax.expressions._laws import Decimals as Decimals
from s2jax.expressions._laws import S2Law as S2Law
from s2jax.expressions._laws import UniformLaw as UniformLaw
from s2jax.expressions._program import Program as Program
