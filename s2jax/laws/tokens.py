"""How long the tokens of a law may be."""

from s2jax.laws._base import AbstractLaw
from s2jax.programs.program import MAX_DIGITS
from s2jax.text import Vocabulary
from s2jax.text.vocabulary import DEFAULT


def num_tokens(
    law: AbstractLaw, num_inputs: int, num_outputs: int, vocabulary: Vocabulary = DEFAULT
) -> int:
    """Static bound on the tokens of a row of programs that the law draws: a `length`.

    Args:
        law: Of a law whose constants are not known, every number may take 9 digits.
        num_inputs, num_outputs: As in the config.
        vocabulary: Its `digits` decide how many words a number takes.

    Example:
        >>> from s2jax.laws import S2Law
        >>> num_tokens(S2Law(), num_inputs=1, num_outputs=1)
        92
    """
    digits = MAX_DIGITS if law.num_digits is None else law.num_digits
    extra = 1 - (-digits // vocabulary.digits)
    words = law.max_tokens(num_inputs)
    # a number comes with an operator of its own, and one leaf is a variable
    return num_outputs * (words + (words - 1) // 2 * extra + 1) + 1
