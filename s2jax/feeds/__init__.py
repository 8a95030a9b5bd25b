"""Ways into a training loop."""

from s2jax.feeds._batches import Batches as Batches
from s2jax.feeds._batches import batches as batches
