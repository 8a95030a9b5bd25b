"""Programs as symbols: SymPy expressions, text, LaTeX and tokens, and back."""

from s2jax.symbols._from_sympy import from_sympy
from s2jax.symbols._lambdify import Lambdified, lambdify
from s2jax.symbols._latex import to_latex
from s2jax.symbols._law import GivenLaw
from s2jax.symbols._parse import from_text
from s2jax.symbols._sympy import to_sympy
from s2jax.symbols._text import to_prefix, to_text
from s2jax.symbols._tokens import Parsed, Tokens, TokenStatus, from_tokens, num_tokens, to_tokens
from s2jax.symbols._vocabulary import Vocabulary

__all__ = (
    "GivenLaw",
    "Lambdified",
    "Parsed",
    "TokenStatus",
    "Tokens",
    "Vocabulary",
    "from_sympy",
    "from_text",
    "from_tokens",
    "lambdify",
    "num_tokens",
    "to_latex",
    "to_prefix",
    "to_sympy",
    "to_text",
    "to_tokens",
)


def __dir__() -> tuple[str, ...]:
    return __all__
