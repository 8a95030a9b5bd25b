"""Ways into a training loop."""

from s2jax.feeds._batches import Batches as Batches
from s2jax.feeds._batches import batches as batches
from s2jax.feeds._grain import CorpusSource as CorpusSource
from s2jax.feeds._grain import corpus_source as corpus_source
from s2jax.feeds._grain import grain_source as grain_source
from s2jax.feeds._stack import stack_rows as stack_rows
