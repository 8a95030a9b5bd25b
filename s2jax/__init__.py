"""Synthetic time series with their symbolic ground truth, drawn inside jitted JAX programs."""

import importlib
from typing import TYPE_CHECKING, Any

from s2jax import (
    distributions,
    inputs,
    laws,
    observe,
    ode,
    presets,
    programs,
    targets,
    text,
    transforms,
)
from s2jax.config import Config, Standardize
from s2jax.config.registry import register
from s2jax.core.compilations import cache_compilations
from s2jax.core.version import __version__
from s2jax.laws import GivenLaw
from s2jax.ode import ODE, System
from s2jax.programs import (
    Program,
    Split,
    evaluate,
    evaluate_jvp,
    skeleton_hash,
    with_constants,
)
from s2jax.programs import operators as operators
from s2jax.programs.fit import Fit, FitStatus, fit_constants, free_constants
from s2jax.sampling import Batch, Do, Pair, candidates, sample, sample_pair
from s2jax.stream import Stream
from s2jax.targets import Acceptance, Algebraic, Identity, Status
from s2jax.text import (
    Tokens,
    TokenStatus,
    Vocabulary,
    from_sympy,
    from_text,
    from_tokens,
    lambdify,
    to_latex,
    to_sympy,
    to_text,
    to_tokens,
)

if TYPE_CHECKING:
    from s2jax import augment, corpus, exporters, feeds, plotting, statistics, symtime
    from s2jax.corpus import (
        describe_corpus,
        read_corpus,
        repair_corpus,
        verify_corpus,
        write_corpus,
    )
    from s2jax.feeds import batches

__all__ = (
    "ODE",
    "Acceptance",
    "Algebraic",
    "Batch",
    "Config",
    "Do",
    "Fit",
    "FitStatus",
    "GivenLaw",
    "Identity",
    "Pair",
    "Program",
    "Split",
    "Standardize",
    "Status",
    "Stream",
    "System",
    "TokenStatus",
    "Tokens",
    "Vocabulary",
    "__version__",
    "augment",
    "batches",
    "cache_compilations",
    "candidates",
    "corpus",
    "describe_corpus",
    "distributions",
    "evaluate",
    "evaluate_jvp",
    "exporters",
    "feeds",
    "fit_constants",
    "free_constants",
    "from_sympy",
    "from_text",
    "from_tokens",
    "inputs",
    "lambdify",
    "laws",
    "observe",
    "ode",
    "operators",
    "plotting",
    "presets",
    "programs",
    "read_corpus",
    "register",
    "repair_corpus",
    "sample",
    "sample_pair",
    "skeleton_hash",
    "statistics",
    "symtime",
    "targets",
    "text",
    "to_latex",
    "to_sympy",
    "to_text",
    "to_tokens",
    "transforms",
    "verify_corpus",
    "with_constants",
    "write_corpus",
)
# Folders that a program may do without are imported when one of their words is first used.
_LATER = {
    "augment": (),
    "corpus": (
        "describe_corpus",
        "read_corpus",
        "repair_corpus",
        "verify_corpus",
        "write_corpus",
    ),
    "exporters": (),
    "feeds": ("batches",),
    "plotting": (),
    "statistics": (),
    "symtime": (),
}


def __dir__() -> tuple[str, ...]:
    return __all__


def __getattr__(name: str) -> Any:
    """The folders of `_LATER`, and their words."""
    for folder, words in _LATER.items():
        if name == folder:
            return importlib.import_module(f"s2jax.{folder}")
        if name in words:
            return getattr(importlib.import_module(f"s2jax.{folder}"), name)
    raise AttributeError(f"module 's2jax' has no attribute {name!r}")
