"""Synthetic time series with their symbolic ground truth, drawn inside jitted JAX programs."""

import importlib
from typing import Any

from s2jax import corpus as corpus
from s2jax import distributions as distributions
from s2jax import expressions as expressions
from s2jax import feeds as feeds
from s2jax import inputs as inputs
from s2jax import ode as ode
from s2jax import presets as presets
from s2jax import symbols as symbols
from s2jax import transforms as transforms
from s2jax._version import __version__ as __version__
from s2jax.acceptance import Acceptance as Acceptance
from s2jax.acceptance import Status as Status
from s2jax.config import Config as Config
from s2jax.config import Standardize as Standardize
from s2jax.corpus import read as read
from s2jax.expressions import Split as Split
from s2jax.expressions import evaluate as evaluate
from s2jax.expressions import evaluate_jvp as evaluate_jvp
from s2jax.expressions import skeleton_hash as skeleton_hash
from s2jax.expressions import with_constants as with_constants
from s2jax.feeds import batches as batches
from s2jax.fit import Fit as Fit
from s2jax.fit import FitStatus as FitStatus
from s2jax.fit import fit_constants as fit_constants
from s2jax.fit import free_constants as free_constants
from s2jax.generate import Batch as Batch
from s2jax.generate import candidates as candidates
from s2jax.generate import sample as sample
from s2jax.ode import ODE as ODE
from s2jax.stream import Stream as Stream
from s2jax.symbols import Expressions as Expressions
from s2jax.symbols import TokenStatus as TokenStatus
from s2jax.symbols import Vocabulary as Vocabulary
from s2jax.symbols import from_sympy as from_sympy
from s2jax.symbols import from_text as from_text
from s2jax.symbols import from_tokens as from_tokens
from s2jax.symbols import lambdify as lambdify
from s2jax.symbols import to_latex as to_latex
from s2jax.symbols import to_sympy as to_sympy
from s2jax.symbols import to_text as to_text
from s2jax.symbols import to_tokens as to_tokens
from s2jax.targets import Algebraic as Algebraic
from s2jax.targets import Identity as Identity


def __getattr__(name: str) -> Any:
    """The submodules that are imported when they are asked for, because few programs need them."""
    if name in ("exporters", "plotting"):
        return importlib.import_module(f"s2jax.{name}")
    raise AttributeError(f"module 's2jax' has no attribute {name!r}")
