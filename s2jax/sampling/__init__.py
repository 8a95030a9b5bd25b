"""Batches of rows."""

from s2jax.sampling._pair import Do, Pair, sample_pair
from s2jax.sampling.batch import Batch, candidates, sample

__all__ = ("Batch", "Do", "Pair", "candidates", "sample", "sample_pair")


def __dir__() -> tuple[str, ...]:
    return __all__
