"""Programs as symbols: SymPy expressions, text, LaTeX and tokens, and back."""

from s2jax.text._evaluate import evaluate as evaluate
from s2jax.text._write_sympy import to_sympy as to_sympy
from s2jax.text.lambdas import Lambdified as Lambdified
from s2jax.text.lambdas import lambdify as lambdify
from s2jax.text.read_sympy import from_sympy as from_sympy
from s2jax.text.read_text import from_text as from_text
from s2jax.text.tokens import Tokens as Tokens
from s2jax.text.tokens import TokenStatus as TokenStatus
from s2jax.text.tokens import from_tokens as from_tokens
from s2jax.text.tokens import to_tokens as to_tokens
from s2jax.text.vocabulary import Vocabulary as Vocabulary
from s2jax.text.write_latex import to_latex as to_latex
from s2jax.text.write_text import to_prefix as to_prefix
from s2jax.text.write_text import to_text as to_text
