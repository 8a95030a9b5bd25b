"""Random expressions: programs, the laws they are drawn from, and their evaluation."""

from s2jax.expressions._base import AbstractLaw as AbstractLaw
from s2jax.expressions._evaluate import evaluate as evaluate
from s2jax.expressions._evaluate import evaluate_jvp as evaluate_jvp
from s2jax.expressions._laws import Decimals as Decimals
from s2jax.expressions._laws import S2Law as S2Law
from s2jax.expressions._laws import UniformLaw as UniformLaw
from s2jax.expressions._program import Constants as Constants
from s2jax.expressions._program import Program as Program
from s2jax.expressions._program import with_constants as with_constants
from s2jax.expressions._skeleton import Split as Split
from s2jax.expressions._skeleton import skeleton_hash as skeleton_hash
