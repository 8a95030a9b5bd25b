"""Pictures of pairs with their formulas, and a corpus in a few lines of text."""

from s2jax.plotting._causes import describe_causes
from s2jax.plotting._family import plot_family
from s2jax.plotting._math import to_math
from s2jax.plotting._pairs import plot_corpus, plot_pairs
from s2jax.plotting._summary import summarize
from s2jax.plotting._training import plot_neighbours, plot_run

__all__ = (
    "describe_causes",
    "plot_corpus",
    "plot_family",
    "plot_neighbours",
    "plot_pairs",
    "plot_run",
    "summarize",
    "to_math",
)


def __dir__() -> tuple[str, ...]:
    return __all__
