"""Programs as symbols: SymPy expressions, text and tokens, and back."""

from s2jax.symbols._sympy import to_sympy as to_sympy
from s2jax.symbols._text import to_prefix as to_prefix
from s2jax.symbols._text import to_text as to_text
