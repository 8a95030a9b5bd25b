"""The reference implementation, s2generator 0.0.23: its parameters and its words, as ours."""

from s2jax.config.compat_s2generator._config import config_fields as config_fields
from s2jax.config.compat_s2generator._names import PARAMETERS as PARAMETERS
from s2jax.config.compat_s2generator._names import RUN as RUN
from s2jax.config.compat_s2generator._names import SERIES as SERIES
from s2jax.config.compat_s2generator._names import SYMBOL as SYMBOL
from s2jax.config.compat_s2generator._names import WEIGHTS as WEIGHTS
from s2jax.config.compat_s2generator._names import WORDS as WORDS
