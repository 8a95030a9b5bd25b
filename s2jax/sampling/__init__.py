"""Batches of rows."""

from s2jax.sampling.batch import Batch as Batch
from s2jax.sampling.batch import candidates as candidates
from s2jax.sampling.batch import sample as sample
