"""Ways into a training loop."""

from s2jax.feeds._batches import Batches, batches
from s2jax.feeds._grain import CorpusSource, corpus_source, grain_source
from s2jax.feeds._stack import stack_rows

__all__ = (
    "Batches",
    "CorpusSource",
    "batches",
    "corpus_source",
    "grain_source",
    "stack_rows",
)


def __dir__() -> tuple[str, ...]:
    return __all__
