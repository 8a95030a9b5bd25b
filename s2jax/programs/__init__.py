"""Expressions as fixed-size arrays, and their values, gradients and constants."""

from s2jax.programs._evaluate import evaluate as evaluate
from s2jax.programs._evaluate import evaluate_jvp as evaluate_jvp
from s2jax.programs._skeleton import Split as Split
from s2jax.programs._skeleton import skeleton_hash as skeleton_hash
from s2jax.programs.fit import Fit as Fit
from s2jax.programs.fit import FitStatus as FitStatus
from s2jax.programs.fit import fit_constants as fit_constants
from s2jax.programs.fit import free_constants as free_constants
from s2jax.programs.program import Constants as Constants
from s2jax.programs.program import Program as Program
from s2jax.programs.program import with_constants as with_constants
