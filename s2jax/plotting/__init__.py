"""Pictures of pairs with their formulas, and a corpus in a few lines of text."""

from s2jax.plotting._math import to_math as to_math
from s2jax.plotting._pairs import plot_corpus as plot_corpus
from s2jax.plotting._pairs import plot_pairs as plot_pairs
from s2jax.plotting._summary import summarize as summarize
