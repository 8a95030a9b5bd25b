"""Rows of tokens as programs: a stack machine that reads many rows at once, right to left.

In that order operands come before their operator and instructions come out as programs hold them.
Arrays are `(tokens, rows)`. The top of a stack is its row 0: a push or a pop moves the rest, which
costs one vector operation per place and needs no indices.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from s2jax.programs.operators import ARITY, CONST, ID, OPCODE, TABLE
from s2jax.programs.program import MAX_DIGITS, UNUSED, VARIABLE_NAMES
from s2jax.text.vocabulary import Vocabulary

# kinds of words
_NOTHING, _WRONG, _END, _VARIABLE, _OPERATOR, _POWER, _MANTISSA, _SIGN = range(8)
# how far a number is read; one that is held waits for the `add` or `mul` that it stands in
_NO_NUMBER, _AFTER_POWER, _AFTER_MANTISSA, _HELD = range(4)
_ADD, _MUL = OPCODE["add"], OPCODE["mul"]
_OPCODES = np.array([code for code in range(len(TABLE)) if code not in (CONST, ID)], np.int32)


class Words(NamedTuple):
    """Words and what a reader needs to know of them.

    Attributes:
        kind: One of the kinds above; an `_END` begins each expression.
        value: Opcode, variable as `-1 - index`, power of ten, mantissa, or sign.
        arity: Of an operator, else 0.
        before: Opcode of the word to the left, -1 if it is no operator.
        output: Which expression of the row it belongs to.
    """

    kind: Int[Array, "*words rows"]
    value: Int[Array, "*words rows"]
    arity: Int[Array, "*words rows"]
    before: Int[Array, "*words rows"]
    output: Int[Array, "*words rows"]


class _Number(NamedTuple):
    """The number that is being read; `unit` is the weight of its next digits, 0 at their end."""

    phase: Int[Array, " rows"]
    mantissa: Int[Array, " rows"]
    exponent: Int[Array, " rows"]
    unit: Int[Array, " rows"]
    leading: Int[Array, " rows"]


class _State(NamedTuple):
    """A reader between two words; `last` is the newest instruction, and `started` says whether an
    expression has been read: one without words may stand before it, and is an unused output."""

    number: _Number
    stack: Int[Array, "places rows"]
    depth: Int[Array, " rows"]
    count: Int[Array, " rows"]
    last: tuple[Int[Array, " rows"], ...]
    code: tuple[Int[Array, "slots rows"], ...]
    length: Int[Array, "outputs rows"]
    started: Bool[Array, " rows"]
    malformed: Bool[Array, " rows"]
    too_large: Bool[Array, " rows"]


class Read(NamedTuple):
    """The programs of rows, or why there are none."""

    code: tuple[Int[Array, "slots rows"], ...]
    length: Int[Array, "outputs rows"]
    malformed: Bool[Array, " rows"]
    too_large: Bool[Array, " rows"]


def read(
    ids: Int[Array, "tokens rows"], vocabulary: Vocabulary, num_outputs: int, num_nodes: int
) -> Read:
    """The instructions of each row, output after output, and their number per output."""
    words = _classify(ids, vocabulary)
    rows = ids.shape[1]
    zero = jnp.zeros(rows, jnp.int32)
    fill = lambda *shape: tuple(jnp.full((*shape, rows), value, jnp.int32) for value in UNUSED)
    empty = (words.kind[1:] == _NOTHING).all(0)
    start = _State(
        number=_Number(zero, zero, zero, zero, zero),
        stack=jnp.zeros((num_nodes + 2, rows), jnp.int32),
        # a row of no words ends with an expression that is not there
        depth=empty.astype(jnp.int32),
        count=zero,
        last=fill(),
        code=fill(num_outputs * num_nodes),
        length=jnp.zeros((num_outputs, rows), jnp.int32),
        started=zero > 0,
        malformed=zero > 0,
        too_large=zero > 0,
    )
    step = lambda state, word: (_step(state, word, vocabulary, num_nodes), None)
    end = jax.lax.scan(step, start, words, reverse=True)[0]
    refused = end.malformed | end.too_large | empty
    code = tuple(
        jnp.where(refused, value, field) for value, field in zip(UNUSED, end.code, strict=True)
    )
    return Read(code, jnp.where(refused, 0, end.length), end.malformed, end.too_large)


def _classify(ids: Int[Array, "tokens rows"], vocabulary: Vocabulary) -> Words:
    """The words of ids, with an `_END` in front of each row."""
    v = vocabulary
    place = jnp.arange(ids.shape[0], dtype=jnp.int32)[:, None]
    last = jnp.where(ids != v.pad, place, -1).max(0, initial=-1)
    outside = (place > last) | ((place == last) & (ids == v.eos)) | ((place == 0) & (ids == v.bos))
    starts = (
        (0, _WRONG, 0),
        (v.separator, _END, 0),
        (v.plus, _SIGN, 0),
        (v.first_operator, _OPERATOR, v.first_operator),
        (v.first_variable, _VARIABLE, 0),
        (v.first_variable + len(VARIABLE_NAMES), _POWER, v.zeroth_power),
        (v.first_mantissa, _MANTISSA, v.first_mantissa),
        (len(v), _WRONG, 0),
    )
    kind, value = jnp.full_like(ids, _WRONG), ids
    for first, name, zeroth in starts:
        kind = jnp.where(ids >= first, name, kind)
        value = jnp.where(ids >= first, ids - zeroth, value)
    codes = jnp.asarray(_OPCODES)[jnp.clip(value, 0, len(_OPCODES) - 1)]
    value = jnp.where(kind == _OPERATOR, codes, value)
    value = jnp.where(kind == _VARIABLE, v.first_variable - 1 - ids, value)
    value = jnp.where(kind == _SIGN, jnp.where(ids == v.minus, -1, 1), value)
    kind = jnp.where(outside, _NOTHING, kind)
    in_front = lambda array, word: jnp.pad(array, ((1, 0), (0, 0)), constant_values=word)
    kind, value = in_front(kind, _END), in_front(value, 0)
    operator = jnp.where(kind == _OPERATOR, value, -1)
    before = in_front(operator[:-1], -1)
    arity = jnp.where(operator >= 0, jnp.asarray(ARITY.astype(np.int32))[operator], 0)
    output = jnp.cumsum((kind == _END).astype(jnp.int32), axis=0, dtype=jnp.int32) - 1
    return Words(kind, value, arity, before, output)


def _step(state: _State, word: Words, vocabulary: Vocabulary, num_nodes: int) -> _State:
    """Read one word."""
    number, is_const, bad_number = _read_number(state.number, word, vocabulary)
    number, is_const, bad_number = jax.lax.optimization_barrier((number, is_const, bad_number))
    held = state.number.phase == _HELD
    top, second = state.stack[0], state.stack[1]
    is_operator, is_end = word.kind == _OPERATOR, word.kind == _END
    arity = jnp.where(held & is_operator, 1, word.arity)  # the number is no operand on the stack
    is_unused = is_end & (state.depth == 0) & state.started
    needs = jnp.where(is_operator, arity, jnp.where(is_end & ~is_unused, 1, 0))
    pushes = is_const | (word.kind == _VARIABLE) | is_operator
    malformed = bad_number | (word.kind == _WRONG) | (state.depth < needs)
    malformed = malformed | (is_end & (state.depth > 1))
    # instructions
    applied = held & is_operator
    takes = applied & (top >= 0) & _takes(state.last, word.value, number)
    is_copy = (applied & ~takes) | (is_end & (top < 0) & (state.depth == 1))
    appended = is_const | is_copy | (is_operator & ~held)
    fresh = _instruction(word, is_const, is_copy, arity, top, second, number)
    last = tuple(jnp.where(appended, new, old) for new, old in zip(fresh, state.last, strict=True))
    last = _with_constant(last, applied, word.value, number)
    index = state.count + appended.astype(jnp.int32) - 1
    writes = appended | takes
    too_large = (writes & (index >= num_nodes)) | (word.output >= state.length.shape[0])
    slot = jnp.where(writes & (index < num_nodes), word.output * num_nodes + index, -1)
    result = jnp.where(word.kind == _VARIABLE, word.value, index)
    depth = jnp.where(is_end, 0, state.depth - needs + pushes.astype(jnp.int32))
    # stored: else every place of the code and the stack would compute them again
    last, slot, result, depth, pushes = jax.lax.optimization_barrier(
        (last, slot, result, depth, pushes)
    )
    here = slot == jnp.arange(state.code[0].shape[0], dtype=jnp.int32)[:, None]
    code = tuple(jnp.where(here, new, old) for new, old in zip(last, state.code, strict=True))
    stack = _move(state.stack, depth - state.depth)
    outputs = jnp.arange(state.length.shape[0], dtype=jnp.int32)[:, None]
    ended = is_end & (outputs == word.output)
    return _State(
        number=number,
        stack=stack.at[0].set(jnp.where(pushes, result, stack[0])),
        depth=depth,
        count=jnp.where(is_end, 0, index + 1),
        last=last,
        code=code,
        length=jnp.where(ended, index + 1, state.length),
        started=state.started | (is_end & (state.depth == 1)),
        malformed=state.malformed | malformed,
        too_large=state.too_large | (too_large & (word.kind != _NOTHING)),
    )


def _read_number(
    number: _Number, word: Words, vocabulary: Vocabulary
) -> tuple[_Number, Bool[Array, " rows"], Bool[Array, " rows"]]:
    """The number read so far, whether it is a `const` now, and whether it is wrong."""
    is_power, is_group = word.kind == _POWER, word.kind == _MANTISSA
    is_sign, phase = word.kind == _SIGN, number.phase
    most = vocabulary.max_groups
    leading_limit = 10 ** (MAX_DIGITS - (most - 1) * vocabulary.digits)
    last_unit = vocabulary.base ** (most - 1)
    wrong = is_power & (phase != _NO_NUMBER)
    wrong |= is_group & (phase != _AFTER_POWER) & (phase != _AFTER_MANTISSA)
    wrong |= is_group & (number.unit == 0)
    wrong |= is_group & (number.unit == last_unit) & (word.value >= leading_limit)
    wrong |= is_sign & (phase != _AFTER_MANTISSA)
    wrong |= is_sign & (number.unit != vocabulary.base) & (number.leading == 0)
    wrong |= is_sign & (number.mantissa == 0) & (word.value < 0)
    other = (word.kind == _VARIABLE) | (word.kind == _OPERATOR) | (word.kind == _END)
    wrong |= other & (phase != _NO_NUMBER) & (phase != _HELD)
    mantissa = jnp.where(is_group, number.mantissa + word.value * number.unit, number.mantissa)
    mantissa = jnp.where(is_sign, mantissa * word.value, jnp.where(is_power, 0, mantissa))
    exponent = jnp.where(is_power, word.value, number.exponent)
    held = is_sign & (word.before == _ADD) & (mantissa != 0)
    held |= is_sign & (word.before == _MUL) & ((mantissa != 1) | (exponent != 0))
    phase = jnp.where(is_power, _AFTER_POWER, jnp.where(is_group, _AFTER_MANTISSA, phase))
    phase = jnp.where(is_sign | other, jnp.where(held, _HELD, _NO_NUMBER), phase)
    unit = jnp.where(number.unit == last_unit, 0, number.unit * vocabulary.base)
    unit = jnp.where(is_power, 1, jnp.where(is_group, unit, number.unit))
    leading = jnp.where(is_group, word.value, number.leading)
    return _Number(phase, mantissa, exponent, unit, leading), is_sign & ~held, wrong


def _takes(last, operator: Int[Array, " rows"], number: _Number) -> Bool[Array, " rows"]:
    """Whether an instruction has room for the constant: a bias is applied after a scale."""
    op, a, _, scale_mantissa, scale_exponent, bias_mantissa, bias_exponent = last
    no_bias = (bias_mantissa == 0) & (bias_exponent == 0)
    no_scale = (scale_mantissa == 1) & (scale_exponent == 0)
    # evaluation multiplies the mantissas of a number as int32; a product below 2**32 that does not
    # fit comes out negative
    left, right = jnp.abs(a), jnp.abs(number.mantissa)
    near = left.astype(jnp.float32) * right.astype(jnp.float32) < 2.0**31 * 1.01
    fits = (op != CONST) | (near & (left * right >= 0))
    return no_bias & ((operator == _ADD) | (no_scale & fits))


def _instruction(word: Words, is_const, is_copy, arity, top, second, number: _Number):
    """A new instruction: a number, a copy of an operand, or an operator."""
    op = jnp.where(is_const, CONST, jnp.where(is_copy, ID, word.value))
    a = jnp.where(is_const, number.mantissa, jnp.where(is_copy | (arity > 0), top, 0))
    b = jnp.where(is_const, number.exponent, jnp.where(~is_copy & (arity == 2), second, a))
    zero = jnp.zeros_like(op)
    return op, a, b, zero + 1, zero, zero, zero


def _with_constant(last, applied, operator, number: _Number):
    """The instruction with the number as bias or scale."""
    *operation, scale_mantissa, scale_exponent, bias_mantissa, bias_exponent = last
    scales, shifts = applied & (operator == _MUL), applied & (operator == _ADD)
    return (
        *operation,
        jnp.where(scales, number.mantissa, scale_mantissa),
        jnp.where(scales, number.exponent, scale_exponent),
        jnp.where(shifts, number.mantissa, bias_mantissa),
        jnp.where(shifts, number.exponent, bias_exponent),
    )


def _move(stack: Int[Array, "places rows"], by: Int[Array, " rows"]) -> Int[Array, "places rows"]:
    """The stack with one more place at the top, or one less."""
    down = jnp.concatenate([stack[:1], stack[:-1]])
    up = jnp.concatenate([stack[1:], stack[-1:]])
    return jnp.where(by > 0, down, jnp.where(by < 0, up, stack))
