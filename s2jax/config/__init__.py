"""What is drawn, and how it is written down."""

from s2jax.config._config import Config, Standardize

__all__ = ("Config", "Standardize")


def __dir__() -> tuple[str, ...]:
    return __all__
