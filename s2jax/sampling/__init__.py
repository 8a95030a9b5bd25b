"""Batches of rows."""

from s2jax.sampling.batch import Batch, candidates, sample

__all__ = ("Batch", "candidates", "sample")


def __dir__() -> tuple[str, ...]:
    return __all__
