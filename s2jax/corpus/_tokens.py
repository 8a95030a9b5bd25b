"""Prefix tokens of programs, for a whole batch at once.

The words are those of `to_prefix`, but a number is three tokens: sign, mantissa, power of ten. So a
vocabulary of some hundred words holds every constant exactly. Numbers of mantissas come last, so
that the words of a small vocabulary keep their ids in a larger one.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from s2jax.expressions import Program
from s2jax.operators import ARITY, CONST, ID, TABLE

SEPARATOR = "|"
_SPECIAL = ("<pad>", "<bos>", "<eos>", "<mask>", SEPARATOR, "+", "-")
_MAX_INPUTS = 64
_MAX_EXPONENT = 10


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


class _Ids(NamedTuple):
    """Where the groups of a vocabulary start."""

    operator: np.ndarray  # by opcode; -1 for const and id
    plus: int
    variable: int
    exponent_0: int
    mantissa: int


@functools.cache
def _ids() -> _Ids:
    index = {word: number for number, word in enumerate(vocabulary())}
    operator = np.array([index.get(op.name, -1) for op in TABLE], np.int64)
    return _Ids(operator, index["+"], index["x_0"], index["E0"], index["N0"])


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
        >>> import jax, s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> ids, offsets = encode_tokens(batch.program)
        >>> [vocabulary()[id] for id in ids[: offsets[1]]][:4]
        ['add', '+', 'N599', 'E-1']
    """
    code = _by_instruction(program)
    size, head = _sizes(code)
    length = np.asarray(program.length)
    used = (length > 0).reshape(-1)
    columns = np.arange(used.size)
    total = np.where(used, size[np.maximum(length.reshape(-1) - 1, 0), columns], 0)
    follows = (np.cumsum(length > 0, axis=-1) > 1).reshape(-1) & used
    ends = np.cumsum(total + follows)
    out = np.empty(ends[-1] if ends.size else 0, np.int16)
    start = ends - total
    out[start[follows] - 1] = _SPECIAL.index(SEPARATOR)
    _fill(out, code, size, head, start, length.reshape(-1))
    row_ends = ends.reshape(length.shape)[:, -1]
    return out, np.concatenate([[0], row_ends]).astype(np.int32)


def _by_instruction(program: Program) -> dict[str, np.ndarray]:
    """The fields as `(nodes, programs)`, unused slots as instructions without tokens."""
    names = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")
    nodes = program.num_nodes
    code = {
        name: np.ascontiguousarray(
            np.asarray(getattr(program, name), np.int64).reshape(-1, nodes).T
        )
        for name in names
    }
    used = np.arange(nodes)[:, None] < np.asarray(program.length).reshape(-1)
    code["used"] = used
    code["has_scale"] = used & ((code["scale_mantissa"] != 1) | (code["scale_exponent"] != 0))
    code["has_bias"] = used & (code["bias_mantissa"] != 0)
    code["arity"] = np.where(used, ARITY[code["op"]], 0)
    for place in ("scale", "bias"):
        mantissa, power = code[f"{place}_mantissa"], code[f"{place}_exponent"]
        bad = code[f"has_{place}"] & ((np.abs(mantissa) > 9999) | (np.abs(power) > _MAX_EXPONENT))
        if bad.any():
            raise ValueError(
                f"encode_tokens(program with the {place} {mantissa[bad][0]}e{power[bad][0]}): a "
                f"number must have at most 4 digits and a power of ten within {_MAX_EXPONENT}, "
                "because tokens hold no others. Round the program's constants."
            )
    return code


def _sizes(code: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of each instruction with its operands, and of the instruction alone."""
    own = np.where(code["op"] == CONST, 3, np.where(code["op"] == ID, 0, 1)) * code["used"]
    head = own + 4 * code["has_scale"] + 4 * code["has_bias"]
    size, columns = head.copy(), np.arange(head.shape[1])
    for k in range(head.shape[0]):
        for operand, rank in (("a", 1), ("b", 2)):
            index = code[operand][k]
            below = np.where(index < 0, 1, size[np.clip(index, 0, k), columns])
            size[k] += np.where(code["arity"][k] >= rank, below, 0)
    return size, head


def _fill(
    out: np.ndarray, code: dict[str, np.ndarray], size: np.ndarray, head: np.ndarray,
    start: np.ndarray, length: np.ndarray,
) -> None:  # fmt: skip
    """Write each instruction's tokens at its place, the result first."""
    ids, columns = _ids(), np.arange(start.size)
    place = np.zeros_like(size)
    place[np.maximum(length - 1, 0), columns] = start

    def put(where, at, values):
        out[at[where]] = np.broadcast_to(values, at.shape)[where]

    def put_number(where, at, mantissa, exponent):
        put(where, at, np.where(mantissa < 0, ids.plus + 1, ids.plus))
        put(where, at + 1, ids.mantissa + np.abs(mantissa))
        put(where, at + 2, ids.exponent_0 + exponent)

    words = {op.name: token for op, token in zip(TABLE, ids.operator, strict=True)}
    for k in range(size.shape[0] - 1, -1, -1):
        here = {name: values[k] for name, values in code.items()}
        used, at = here["used"], place[k].copy()
        for word, kind in (("add", "bias"), ("mul", "scale")):
            has = here[f"has_{kind}"]
            put(has, at, words[word])
            put_number(has, at + 1, here[f"{kind}_mantissa"], here[f"{kind}_exponent"])
            at += 4 * has
        put_number(used & (here["op"] == CONST), at, here["a"], 0)
        put(used & (here["op"] != CONST) & (here["op"] != ID), at, ids.operator[here["op"]])
        at = place[k] + head[k]
        for operand, rank in (("a", 1), ("b", 2)):
            index, is_read = here[operand], here["arity"] >= rank
            put(is_read & (index < 0), at, ids.variable - 1 - index)
            nested = is_read & (index >= 0)
            place[index[nested], columns[nested]] = at[nested]
            at = at + np.where(nested, size[np.clip(index, 0, k), columns], is_read)


def decode_tokens(ids: Sequence[int], words: Sequence[str] = vocabulary()) -> list[Any]:  # noqa: B008
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
