"""The words of tokens and their ids."""

import dataclasses
import functools
import json
import math
from collections.abc import Iterable
from typing import SupportsInt

import numpy as np
from jaxtyping import Int

from s2jax.core import checks
from s2jax.core.checks import MAX_MAGNITUDE
from s2jax.programs.operators import CONST, ID, TABLE
from s2jax.programs.program import MAX_DIGITS, VARIABLE_NAMES

SPECIAL = ("<pad>", "<bos>", "<eos>", "<mask>", "|", "+", "-")
MAX_POWER = round(math.log10(MAX_MAGNITUDE)) + MAX_DIGITS - 1  # of 100000001e-108
MIN_TOKEN_DIGITS, MAX_TOKEN_DIGITS = 2, 4


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Every word that a program needs; a number is a sign, a mantissa and a power of ten.

    A mantissa of more than `digits` digits is several words, most significant first, in base
    `10**digits`: `+ N314 N159 N265 E-8` is 3.14159265. So some thousand words hold every constant
    of at most 9 digits exactly. Mantissas come last, so that the words of a small vocabulary keep
    their ids in a larger one.

    It is hashable and compares by value: a static argument of jitted functions.

    Attributes:
        digits: Decimal digits per word of a mantissa.

    Raises:
        TypeError: If `digits` is no Python integer.
        ValueError: If it is not within 2..4.

    Example:
        >>> vocabulary = Vocabulary()
        >>> len(vocabulary), vocabulary.words[:7], vocabulary.words[-1]
        (1338, ('<pad>', '<bos>', '<eos>', '<mask>', '|', '+', '-'), 'N999')
        >>> vocabulary.decode([vocabulary.bos, vocabulary.id_of("sin"), vocabulary.id_of("x_0")])
        ['<bos>', 'sin', 'x_0']
    """

    digits: int = 3

    def __post_init__(self):
        checks.check_static_integer(
            "Vocabulary", "digits", self.digits, MIN_TOKEN_DIGITS, MAX_TOKEN_DIGITS
        )

    def __len__(self) -> int:
        return self.first_mantissa + self.base

    @property
    def words(self) -> tuple[str, ...]:
        """The words, by id."""
        return _words(self.digits)

    @property
    def pad(self) -> int:
        return SPECIAL.index("<pad>")

    @property
    def bos(self) -> int:
        return SPECIAL.index("<bos>")

    @property
    def eos(self) -> int:
        return SPECIAL.index("<eos>")

    @property
    def mask(self) -> int:
        """Never written; for models that hide words."""
        return SPECIAL.index("<mask>")

    @property
    def separator(self) -> int:
        """Stands between the outputs of a row."""
        return SPECIAL.index("|")

    @property
    def plus(self) -> int:
        return SPECIAL.index("+")

    @property
    def minus(self) -> int:
        return SPECIAL.index("-")

    @property
    def first_operator(self) -> int:
        """Operators follow in the order of the table, without `const` and `id`."""
        return len(SPECIAL)

    @property
    def first_variable(self) -> int:
        """Variables follow in the order of their numbers: inputs, states, time."""
        return self.first_operator + len(_OPERATORS)

    @property
    def zeroth_power(self) -> int:
        """Id of the power of ten `E0`."""
        return self.first_variable + len(VARIABLE_NAMES) + MAX_POWER

    @property
    def first_mantissa(self) -> int:
        return self.zeroth_power + MAX_POWER + 1

    @property
    def base(self) -> int:
        """Number of words of mantissas."""
        return 10**self.digits

    @property
    def max_groups(self) -> int:
        """Words that the longest mantissa takes."""
        return -(-MAX_DIGITS // self.digits)

    def id_of(self, word: str) -> int:
        """The id of a word.

        Raises:
            ValueError: If there is no such word.

        Example:
            >>> Vocabulary().id_of("|")
            4
        """
        ids = _ids(self.digits)
        if word not in ids:
            raise ValueError(
                f"Vocabulary(digits={self.digits}).id_of({word!r}): "
                f"{checks.unknown(word, self.words)}"
            )
        return ids[word]

    def encode(self, words: Iterable[str]) -> Int[np.ndarray, " tokens"]:
        """The ids of words.

        Raises:
            ValueError: If a word is unknown.

        Example:
            >>> Vocabulary().encode(["<bos>", "|", "<eos>"]).tolist()
            [1, 4, 2]
        """
        return np.array([self.id_of(word) for word in words], np.int16)

    def decode(self, ids: Iterable[SupportsInt]) -> list[str]:
        """The words of ids.

        Raises:
            ValueError: If an id is out of range.

        Example:
            >>> Vocabulary().decode([1, 4, 2])
            ['<bos>', '|', '<eos>']
        """
        numbers = [int(number) for number in ids]
        wrong = [number for number in numbers if not 0 <= number < len(self)]
        if wrong:
            raise ValueError(
                f"Vocabulary(digits={self.digits}).decode(ids with {wrong[0]}): must be >= 0 and "
                f"< {len(self)}, the number of words. Use the vocabulary that the ids were made "
                "with."
            )
        return [self.words[number] for number in numbers]

    def to_json(self) -> str:
        """The list of words, as stored in a corpus.

        Example:
            >>> Vocabulary().to_json()[:26]
            '["<pad>", "<bos>", "<eos>"'
        """
        return json.dumps(self.words)

    @staticmethod
    def from_json(text: str) -> "Vocabulary":
        """The vocabulary of a stored list of words.

        Raises:
            ValueError: If the text is no list of words that this version knows.

        Example:
            >>> Vocabulary.from_json(Vocabulary(digits=2).to_json())
            Vocabulary(digits=2)
        """
        try:
            words = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"Vocabulary.from_json({text[:40]!r}...): must be a JSON list of words. Pass what "
                "to_json returned."
            ) from error
        for digits in range(MIN_TOKEN_DIGITS, MAX_TOKEN_DIGITS + 1):
            if words == list(_words(digits)):
                return Vocabulary(digits)
        raise ValueError(
            f"Vocabulary.from_json({_described(words)}): must be the words of Vocabulary(digits=2, "
            "3 or 4) of this version, because ids mean nothing in another list. Read it with the "
            "version of s2jax that wrote it."
        )


def _described(words: object) -> str:
    """What distinguishes a list of words from the known ones."""
    if not isinstance(words, list):
        return repr(words)[:40]
    known = _words(MAX_TOKEN_DIGITS)
    for index, (word, right) in enumerate(zip(words, known, strict=False)):
        if word != right:
            return f"{len(words)} words, of which number {index} is {str(word)[:40]!r}"
    return f"{len(words)} words"


_OPERATORS = [operator.name for code, operator in enumerate(TABLE) if code not in (CONST, ID)]


@functools.cache
def _words(digits: int) -> tuple[str, ...]:
    powers = [f"E{power}" for power in range(-MAX_POWER, MAX_POWER + 1)]
    mantissas = [f"N{number}" for number in range(10**digits)]
    return (*SPECIAL, *_OPERATORS, *VARIABLE_NAMES, *powers, *mantissas)


@functools.cache
def _ids(digits: int) -> dict[str, int]:
    return {word: index for index, word in enumerate(_words(digits))}


DEFAULT = Vocabulary()
