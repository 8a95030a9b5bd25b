"""Synthetic time series with their symbolic ground truth, drawn inside jitted JAX programs."""

from s2jax import expressions as expressions
from s2jax import inputs as inputs
from s2jax import presets as presets
from s2jax._version import __version__ as __version__
from s2jax.acceptance import Acceptance as Acceptance
from s2jax.acceptance import Status as Status
from s2jax.config import Config as Config
from s2jax.config import Standardize as Standardize
from s2jax.expressions import evaluate as evaluate
from s2jax.generate import Batch as Batch
from s2jax.generate import candidates as candidates
from s2jax.generate import sample as sample
from s2jax.symbols import to_sympy as to_sympy
from s2jax.symbols import to_text as to_text
from s2jax.targets import Algebraic as Algebraic
from s2jax.targets import Identity as Identity
