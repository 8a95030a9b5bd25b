"""Programs as symbols: SymPy expressions, text, LaTeX and tokens, and back."""

from s2jax.text._write_sympy import to_sympy
from s2jax.text.lambdas import Lambdified, lambdify
from s2jax.text.read_sympy import from_sympy
from s2jax.text.read_text import from_text
from s2jax.text.tokens import Parsed, Tokens, TokenStatus, from_tokens, to_tokens
from s2jax.text.vocabulary import Vocabulary
from s2jax.text.write_latex import to_latex
from s2jax.text.write_text import to_prefix, to_text

__all__ = (
    "Lambdified",
    "Parsed",
    "TokenStatus",
    "Tokens",
    "Vocabulary",
    "from_sympy",
    "from_text",
    "from_tokens",
    "lambdify",
    "to_latex",
    "to_prefix",
    "to_sympy",
    "to_text",
    "to_tokens",
)


def __dir__() -> tuple[str, ...]:
    return __all__
