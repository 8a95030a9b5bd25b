"""Programs as symbols: SymPy expressions, text, LaTeX and tokens, and back."""

from s2jax.symbols._from_sympy import from_sympy as from_sympy
from s2jax.symbols._lambdify import Lambdified as Lambdified
from s2jax.symbols._lambdify import lambdify as lambdify
from s2jax.symbols._latex import to_latex as to_latex
from s2jax.symbols._law import Expressions as Expressions
from s2jax.symbols._parse import from_text as from_text
from s2jax.symbols._sympy import to_sympy as to_sympy
from s2jax.symbols._text import to_prefix as to_prefix
from s2jax.symbols._text import to_text as to_text
from s2jax.symbols._tokens import Tokens as Tokens
from s2jax.symbols._tokens import TokenStatus as TokenStatus
from s2jax.symbols._tokens import from_tokens as from_tokens
from s2jax.symbols._tokens import num_tokens as num_tokens
from s2jax.symbols._tokens import to_tokens as to_tokens
from s2jax.symbols._vocabulary import Vocabulary as Vocabulary
