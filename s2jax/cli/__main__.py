"""`python -m s2jax.cli`."""

from s2jax.cli import run

run()
