"""What is drawn, and how it is written down."""

from s2jax.config._config import Config as Config
from s2jax.config._config import Standardize as Standardize
