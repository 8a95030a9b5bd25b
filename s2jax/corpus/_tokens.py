"""Prefix tokens of programs.

The words are those of `to_prefix`, but a number is three tokens: sign, mantissa, power of ten. So a
vocabulary of some hundred words holds every constant exactly. Numbers of mantissas come last, so
that the words of a small vocabulary keep their ids in a larger one.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from s2jax.expressions import Program
from s2jax.operators import CONST, ID, TABLE
from s2jax.symbols._form import Form, build

SEPARATOR = "|"
_SPECIAL = ("<pad>", "<bos>", "<eos>", "<mask>", SEPARATOR, "+", "-")
_MAX_INPUTS = 64
_MAX_EXPONENT = 10
_MAX_DIGITS = 4


class Number(NamedTuple):
    """`mantissa * 10**exponent`."""

    mantissa: int
    exponent: int


@functools.cache
def vocabulary(digits: int = 3) -> tuple[str, ...]:
    """The words, by token id.

    Args:
        digits: Largest number of digits of a mantissa; at least 3 are covered.

    Example:
        >>> words = vocabulary()
        >>> len(words), words[:7], words[-1]
        (1115, ('<pad>', '<bos>', '<eos>', '<mask>', '|', '+', '-'), 'N999')
    """
    operators = [op.name for code, op in enumerate(TABLE) if code not in (CONST, ID)]
    variables = [f"x_{index}" for index in range(_MAX_INPUTS)]
    exponents = [f"E{power}" for power in range(-_MAX_EXPONENT, _MAX_EXPONENT + 1)]
    mantissas = [f"N{number}" for number in range(10 ** max(digits, 3))]
    return (*_SPECIAL, *operators, *variables, *exponents, *mantissas)


@functools.cache
def _form() -> Form:
    """Expressions as strings in which the character of code i is token i."""
    token = {word: chr(index) for index, word in enumerate(vocabulary(digits=_MAX_DIGITS))}

    @functools.lru_cache(maxsize=2**16)
    def number(mantissa: int, exponent: int) -> str:
        sign = "-" if mantissa < 0 else "+"
        if abs(mantissa) >= 10**_MAX_DIGITS or abs(exponent) > _MAX_EXPONENT:
            raise ValueError(
                f"encode_tokens(program with the constant {mantissa}e{exponent}): must have at "
                f"most {_MAX_DIGITS} digits and a power of ten within +-{_MAX_EXPONENT}, because "
                "tokens hold no others. Round the program's constants."
            )
        return token[sign] + token[f"N{abs(mantissa)}"] + token[f"E{exponent}"]

    def joined(name: str) -> Callable[..., str]:
        return lambda *operands: token[name] + "".join(operands)

    operators: list[Callable[..., str]] = [joined(operator.name) for operator in TABLE]
    operators[ID] = lambda operand: operand
    return Form(lambda index: token[f"x_{index}"], number, operators)


def encode_tokens(
    program: Program,
) -> tuple[Int[np.ndarray, " tokens"], Int[np.ndarray, " rows_plus_one"]]:
    """Token ids of all rows one after another, and where each row starts.

    A scale is `mul, number, ...`, a bias `add, number, ...`, the bias outside. Outputs are
    separated by `"|"`; unused ones are left out.

    Args:
        program: Of shape `(rows, outputs)`, every instruction used once, as laws draw them.

    Returns:
        Ids as int16, and the offsets: row i has the ids `offsets[i]` to `offsets[i + 1]`.

    Raises:
        ValueError: If a constant has more than 4 digits or a power of ten beyond 10.

    Example:
        >>> import jax.numpy as jnp
        >>> fields = jnp.array([15, -1, -1, -244, -3, 0, 0])  # -0.244 * sin(x_0)
        >>> length = jnp.ones((1, 1), jnp.int32)
        >>> program = Program(*fields.reshape(7, 1, 1, 1), length=length)
        >>> ids, offsets = encode_tokens(program)
        >>> [vocabulary()[id] for id in ids], offsets.tolist()
        (['mul', '-', 'N244', 'E-3', 'sin', 'x_0'], [0, 6])
    """
    outputs = program.shape[-1]
    texts = build(program, _form())
    separator = chr(_SPECIAL.index(SEPARATOR))
    rows = [
        separator.join([text for text in texts[start : start + outputs] if text is not None])
        for start in range(0, len(texts), outputs)
    ]
    offsets = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    return np.frombuffer("".join(rows).encode("utf-16-le"), np.int16), offsets


def decode_tokens(ids: Sequence[int], words: Sequence[str] = vocabulary()) -> list[Any]:
    """One tree per output of a row: `("add", left, right)`, `"x_0"` or a `Number`.

    Args:
        ids: The tokens of one row.
        words: The vocabulary, as stored in a corpus.

    Raises:
        ValueError: If the tokens are no prefix expressions.

    Example:
        >>> words = vocabulary()
        >>> text = ["mul", "-", "N244", "E-3", "x_0", "|", "sin", "x_1"]
        >>> decode_tokens([words.index(word) for word in text])
        [('mul', Number(mantissa=-244, exponent=-3), 'x_0'), ('sin', 'x_1')]
    """
    stack: list[Any] = []
    arity = {op.name: op.arity for op in TABLE}
    trees: list[Any] = []
    try:
        for word in reversed([words[token] for token in ids]):
            if word == SEPARATOR:
                trees.append(stack.pop())
                if stack:
                    raise ValueError
            elif word in ("+", "-"):
                mantissa, exponent = int(stack.pop()[1:]), int(stack.pop()[1:])
                stack.append(Number(-mantissa if word == "-" else mantissa, exponent))
            elif arity.get(word, 0):
                stack.append((word, *(stack.pop() for _ in range(arity[word]))))
            else:
                stack.append(word)
        (last,) = stack
    except (IndexError, ValueError, TypeError) as error:
        shown = " ".join(words[token] for token in list(ids)[:20] if 0 <= token < len(words))
        raise ValueError(f"decode_tokens({shown!r}): not a prefix expression.") from error
    return [last, *reversed(trees)]
