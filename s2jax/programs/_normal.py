"""Normal forms: what is left of expressions when all coefficients are free, as hashes in jit.

A value is the set of terms that its coefficients multiply: `N*x + N - N*x` is {x, 1}. A term is a
point of an additive group, so that products are sums of points and powers multiples of them:

- two words modulo the prime 2**31 - 1, the exponents of absolute values, each by its own random
  number: a root is half of them, and the mean of a sum's terms is what is taken out of brackets;
- one word of 31 signs, combined by exclusive or: x * |x| and x**2 differ in it alone;
- its last bit, whether there are free constants inside. Such a term is *loose*: two equal ones are
  no like terms, because their constants differ, and a power of one is a term of its own.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from s2jax.programs import trees
from s2jax.programs._mixing import integer, is_one_of, lanes, mix
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE, TABLE
from s2jax.programs.program import Program

MAX_TERMS = 8
_PRIME = np.uint32(2**31 - 1)
_LOOSE = np.uint32(1)
_INVERSES = [0] + [pow(count, -1, 2**31 - 1) for count in range(1, MAX_TERMS + 1)]

_BINARY = [code for code, op in enumerate(TABLE) if op.arity == 2]
_SUMS, _PRODUCTS = ([OPCODE[name] for name in names] for names in (("add", "sub"), ("mul", "div")))
_EXTREMES = [OPCODE["max"], OPCODE["min"]]
_EXP, _LOG, _SIN, _COS, _DIV, _MUL, _NEG, _POW = (
    OPCODE[name] for name in ("exp", "log", "sin", "cos", "div", "mul", "neg", "pow")
)
# of operators that are powers of their operand's absolute value: twice the exponent, and whether
# the sign is kept
_POWERS = {
    "pow2": (4, False), "pow3": (6, True), "inv": (-2, True), "div": (-2, True),
    "abs": (2, False), "sqrt": (1, False), "sign": (0, True),
}  # fmt: skip

_Term = UInt32[Array, "3 batch"]


class _Value(NamedTuple):
    """A sum of terms whose coefficients are free.

    Attributes:
        terms: `count` of them, then zeros; the number 1 is zero as well.
        count: How many terms there are.
        is_whole: Whether it is a whole number, which counts as an exponent.
        whole: Which one, modulo 2**32.
    """

    terms: UInt32[Array, "*nodes terms 3 batch"]
    count: Int[Array, "*nodes batch"]
    is_whole: Bool[Array, "*nodes batch"]
    whole: Int[Array, "*nodes batch"]


class _Factors(NamedTuple):
    """A value as a product.

    Attributes:
        term: The product.
        content: Its rigid factor.
        body: What else there is, hashed.
        has_body: Whether there is anything else.
    """

    term: _Term
    content: _Term
    body: UInt32[Array, "2 batch"]
    has_body: Bool[Array, " batch"]


def hash_normal_forms(program: Program, is_stripped: bool) -> UInt32[Array, "batch 2"]:
    """Two words per program of one batch axis."""
    fields = (
        program.op, program.a, program.b, program.scale_mantissa, program.scale_exponent,
        program.bias_mantissa,
    )  # fmt: skip
    code = [field.T.astype(jnp.int32) for field in fields]
    num_nodes, rows = code[0].shape
    empty = _number(rows)
    start = jax.tree.map(lambda leaf: jnp.zeros((num_nodes, *leaf.shape), leaf.dtype), empty)

    def update(k: Int[Array, ""], carry: tuple[_Value, _Value]) -> tuple[_Value, _Value]:
        values, last = carry
        op, a, b, scale_mantissa, scale_exponent, bias_mantissa = (field[k] for field in code)
        operands = _operand(a, last), _operand(b, _pick(values, b))
        # stored: else each array of the value would compute them again
        first, second = jax.lax.optimization_barrier(operands)
        value = _apply(op, first, second, _leaf(op, a, b), program.protected)
        is_changed = (scale_mantissa != 1) | (scale_exponent != 0) | (bias_mantissa != 0)
        value = _insert_number(value, bias_mantissa != 0)
        value = value._replace(is_whole=value.is_whole & ~is_changed)
        value = jax.lax.optimization_barrier(value)
        return jax.tree.map(lambda leaf, new: leaf.at[k].set(new), values, value), value

    values, _ = trees.over_nodes(update, (start, empty), num_nodes)
    root = _pick(values, program.length.astype(jnp.int32) - 1)
    if is_stripped:
        root = _without_number(root, jnp.ones_like(root.is_whole))
    word = mix(_hash_term(_factorize(root).term, 20), 21 if program.protected else 22)
    return jnp.where(program.length > 0, word, 0).T


# Terms.


def _fold(word: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Modulo the prime, of any word but the largest; its zero is 0."""
    word = (word & _PRIME) + (word >> np.uint32(31))
    return jnp.where(word == _PRIME, np.uint32(0), word)


def _times(word: UInt32[Array, "..."], factor: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """A product modulo the prime, of which 2**31 is 1."""
    high, low = word >> np.uint32(16), word & np.uint32(0xFFFF)
    times_high, times_low = factor >> np.uint32(16), factor & np.uint32(0xFFFF)
    # high * times_high * 2**32 is twice the product of high parts; the middle is shifted by 16
    total = _fold(_fold(low * times_low) + _fold(2 * high * times_high))
    for middle in (high * times_low, low * times_high):
        middle = _fold(middle)
        rotated = ((middle << np.uint32(16)) & _PRIME) | (middle >> np.uint32(15))
        total = _fold(total + rotated)
    return total


def _join(magnitude: UInt32[Array, "*terms 2 batch"], sign: UInt32[Array, "*terms 1 batch"]):
    return jnp.concatenate([magnitude, sign], axis=-2)


def _product(
    term: UInt32[Array, "*terms 3 batch"], other: UInt32[Array, "*terms 3 batch"]
) -> UInt32[Array, "*terms 3 batch"]:
    """A product of terms, loose if one of them is."""
    sign, other_sign = term[..., 2:, :], other[..., 2:, :]
    loose = (sign | other_sign) & _LOOSE
    sign = ((sign ^ other_sign) & ~_LOOSE) | loose
    return _join(_fold(term[..., :2, :] + other[..., :2, :]), sign)


def _loose(word: UInt32[Array, "2 batch"]) -> _Term:
    """A term with constants inside, by its hash."""
    return _join(_fold(word), jnp.full_like(word[:1], _LOOSE))


def _rigid(word: UInt32[Array, "2 batch"]) -> _Term:
    """A term without, which is no product."""
    return _join(_fold(word), mix(word, 12)[:1] & ~_LOOSE)


def _hash_term(term: UInt32[Array, "*terms 3 batch"], tag: int) -> UInt32[Array, "*terms 2 batch"]:
    return mix(mix(term[..., :2, :], tag) + term[..., 2:, :], tag)


# Values.


def _number(rows: int) -> _Value:
    false = jnp.zeros(rows, bool)
    terms = jnp.zeros((MAX_TERMS, 3, rows), jnp.uint32)
    return _Value(terms, jnp.ones(rows, jnp.int32), false, jnp.zeros(rows, jnp.int32))


def _single(term: _Term) -> _Value:
    number = _number(term.shape[-1])
    return number._replace(terms=number.terms.at[0].set(term))


def _where(condition: Bool[Array, " batch"], value: _Value, other: _Value) -> _Value:
    return jax.tree.map(lambda x, y: jnp.where(condition, x, y), value, other)


def _pick(values: _Value, index: Int[Array, " batch"]) -> _Value:
    """The value of one node per program; nodes are few, so that this is faster than a gather."""
    here = jnp.arange(values.count.shape[0], dtype=jnp.int32)[:, None] == index

    def pick(leaf):
        picked = jnp.where(here.reshape(len(leaf), *[1] * (leaf.ndim - 2), -1), leaf, 0)
        return picked.any(0) if leaf.dtype == bool else picked.sum(0, dtype=leaf.dtype)

    return jax.tree.map(pick, values)


def _operand(operand: Int[Array, " batch"], result: _Value) -> _Value:
    """A variable, or the given result."""
    is_variable = operand < 0
    variable = _rigid(mix(lanes(-1 - operand), 0))
    return _where(is_variable, _single(variable), result)


def _leaf(op: Int[Array, " batch"], a: Int[Array, " batch"], b: Int[Array, " batch"]) -> _Value:
    """A number; a whole one is kept for `pow`."""
    return _number(len(op))._replace(is_whole=(op == CONST) & (b >= 0), whole=integer(a, b))


def _is_there(value: _Value) -> Bool[Array, "terms batch"]:
    return jnp.arange(MAX_TERMS, dtype=jnp.int32)[:, None] < value.count


def _are_numbers(value: _Value) -> Bool[Array, "terms batch"]:
    return _is_there(value) & (value.terms == 0).all(-2)


def _is_number(value: _Value) -> Bool[Array, " batch"]:
    return (value.count == 1) & (value.terms[0] == 0).all(0)


def _is_rigid(value: _Value) -> Bool[Array, " batch"]:
    """Whether a value is one term without constants inside."""
    return (value.count == 1) & (value.terms[0, 2] & _LOOSE == 0)


def _without_number(value: _Value, condition: Bool[Array, " batch"]) -> _Value:
    """A sum without its bias, where this is asked for; a number stays."""
    is_bias = _are_numbers(value) & (condition & (value.count > 1))
    # the last term takes its place
    last = (jnp.arange(MAX_TERMS, dtype=jnp.int32)[:, None] == value.count - 1)[:, None]
    moved = jnp.where(last, value.terms, 0).sum(0, dtype=jnp.uint32)
    terms = jnp.where(is_bias[:, None], moved, value.terms)
    has_bias = is_bias.any(0)
    terms = jnp.where(last & has_bias, np.uint32(0), terms)
    return value._replace(terms=terms, count=value.count - has_bias.astype(jnp.int32))


def _factorize(value: _Value) -> _Factors:
    """A value as a product: what is common to its terms, and the rest."""
    terms, is_there = value.terms, _is_there(value)[:, None]
    magnitude, sign = terms[:, :2], terms[:, 2:]
    total = magnitude[0]
    for k in range(1, MAX_TERMS):
        total = _fold(total + magnitude[k])
    inverse = jnp.zeros(value.count.shape, jnp.uint32)
    for count in range(1, MAX_TERMS + 1):
        inverse = jnp.where(value.count == count, np.uint32(_INVERSES[count]), inverse)
    mean = _times(total, inverse)
    # products of all terms with one move mean and terms alike
    rest = _fold(magnitude + (_PRIME - mean))
    order = jnp.where(is_there, mix(rest, 13)[:, :1], np.uint32(0xFFFFFFFF))
    is_least = is_there & (order == order.min(0))
    common = jnp.where(is_least, sign & ~_LOOSE, np.uint32(0)).max(0)
    hashes = _hash_term(_join(rest, sign ^ common), 14)
    body = mix(jnp.where(is_there, hashes, np.uint32(0)).sum(0, dtype=jnp.uint32), 15)
    content = _join(mean, common)
    is_single, is_rigid = value.count == 1, _is_rigid(value)
    content = jnp.where(is_single & ~is_rigid, np.uint32(0), content)
    whole = _product(content, _loose(body))
    body = jnp.where(is_single, _hash_term(terms[0], 16), body)
    return _Factors(jnp.where(is_single, terms[0], whole), content, body, ~is_rigid)


# Operators.


def _apply(
    op: Int[Array, " batch"], first: _Value, second: _Value, leaf: _Value, protected: bool
) -> _Value:
    """The value of an operator, but for its scale and bias."""
    is_binary = is_one_of(op, _BINARY)
    is_number = _is_number(first) & (_is_number(second) | ~is_binary)
    is_whole = (op == _POW) & second.is_whole
    # sin(N + s) and cos(N + s) are one, and exp(N + s) is N*exp(s)
    op = jnp.where((op == _COS) & _are_numbers(first).any(0), _SIN, op)
    first = _without_number(first, op == _EXP)
    operands = _factorize(first), _factorize(second)
    left, right = jax.lax.optimization_barrier(operands)
    # of an absolute value, where this is protected
    is_odd = (second.whole & 1 == 1) & (not protected)
    power, is_power = _power(op, left, right, second.whole, is_odd, is_whole)
    value = _where(is_power, _single(power), _function(op, left, right))
    divisor = _where(op == _DIV, _single(power), second)
    right_term = jnp.where(op == _DIV, power, right.term)
    value = _where(is_one_of(op, _PRODUCTS), _multiply(first, divisor, left.term, right_term), value)
    total = _add(first, second, left.term, right.term)
    value = _where(is_one_of(op, _SUMS), total, value)
    is_same = (op == ID) | (op == _NEG) | (is_whole & (second.whole == 1) & is_odd)
    value = _where(is_same, first, value)
    value = _where(is_number | (is_whole & (second.whole == 0)), _number(len(op)), value)
    value = value._replace(is_whole=(op == ID) & first.is_whole, whole=first.whole)
    return _where(op < NUM_LEAVES, leaf, value)


def _power(
    op: Int[Array, " batch"], left: _Factors, right: _Factors, whole: Int[Array, " batch"],
    is_odd: Bool[Array, " batch"], is_whole: Bool[Array, " batch"],
) -> tuple[_Term, Bool[Array, " batch"]]:  # fmt: skip
    """A power of the operand, and whether the operator is one."""
    twice, keeps, is_power = 2 * whole, is_odd, is_whole
    for name, (number, keeps_sign) in _POWERS.items():
        here = op == OPCODE[name]
        twice, is_power = jnp.where(here, number, twice), is_power | here
        keeps = jnp.where(here, keeps_sign, keeps)
    base = jax.tree.map(lambda x, y: jnp.where(op == _DIV, y, x), left, right)
    # half of the number is a rotation, because 2**31 is 1
    size = _fold(jnp.abs(twice).astype(jnp.uint32))
    half = (size >> np.uint32(1)) | ((size & np.uint32(1)) << np.uint32(30))
    half = jnp.where(twice < 0, _fold(_PRIME - half), half)
    sign = jnp.where(keeps, base.content[2:], np.uint32(0))
    content = _join(_times(base.content[:2], half), sign)
    kind = lanes(twice * 2 + keeps.astype(jnp.int32))
    body = _loose(mix(mix(base.body, 17) + kind, 17))
    return jnp.where(base.has_body, _product(content, body), content), is_power & (op != _DIV)


def _function(op: Int[Array, " batch"], left: _Factors, right: _Factors) -> _Value:
    """Any other operator: an atom, of a logarithm with a bias."""
    is_log, is_extreme = op == _LOG, is_one_of(op, _EXTREMES)
    own, other = _hash_term(left.term, 18), _hash_term(right.term, 18)
    # maxima are minima of all that is negated
    code = lanes(jnp.where(is_extreme, _EXTREMES[0], op))
    own = jnp.where(is_log, mix(left.term[:2], 18), own)  # log(-N*x) is N + log(x)
    symmetric = own + other
    word = mix(jnp.where(is_extreme, symmetric, mix(own, 19)) + code * np.uint32(0x9E3779B1), 19)
    is_binary = is_one_of(op, _BINARY)
    word = mix(word + jnp.where(is_binary & ~is_extreme, other, np.uint32(0)), 19)
    atom = jnp.where(is_log & ~left.has_body, _rigid(word), _loose(word))
    return _insert_number(_single(atom), is_log)


def _insert_number(value: _Value, condition: Bool[Array, " batch"]) -> _Value:
    """A sum with a bias; where there is no place for it, the last term counts as one with it."""
    value = _insert(value, jnp.zeros_like(value.terms[0]), condition)
    is_full = value.count > MAX_TERMS
    last = value.terms[-1]
    last = jnp.where(is_full, _loose(_hash_term(last, 24)), last)
    count = jnp.minimum(value.count, MAX_TERMS)
    return value._replace(terms=value.terms.at[-1].set(last), count=count)


def _insert(value: _Value, term: _Term, condition: Bool[Array, " batch"]) -> _Value:
    """A sum with one more term, unless it is there; past the last place it is only counted."""
    equal = (value.terms == term).all(-2) & _is_there(value) & (term[2] & _LOOSE == 0)
    is_new = condition & ~equal.any(0)
    is_place = (jnp.arange(MAX_TERMS, dtype=jnp.int32)[:, None] == value.count) & is_new
    terms = jnp.where(is_place[:, None], term, value.terms)
    return value._replace(terms=terms, count=value.count + is_new.astype(jnp.int32))


def _add(first: _Value, second: _Value, left: _Term, right: _Term) -> _Value:
    """A sum with like terms merged; one of too many terms is a term."""
    step = lambda k, value: _insert(value, second.terms[k], k < second.count)
    total = jax.lax.fori_loop(jnp.int32(0), jnp.int32(MAX_TERMS), step, first)
    word = mix(_hash_term(left, 23) + _hash_term(right, 23), 23)
    has_room = total.count <= MAX_TERMS
    return _where(has_room, total, _single(_loose(word)))


def _multiply(first: _Value, second: _Value, left: _Term, right: _Term) -> _Value:
    """A product; a rigid term is multiplied out, other factors stay."""
    by_first = _is_rigid(first)
    value, by = _where(by_first, second, first), jnp.where(by_first, left, right)
    terms = jnp.where(_is_there(value)[:, None], _product(value.terms, by), np.uint32(0))
    multiplied = value._replace(terms=terms)
    return _where(by_first | _is_rigid(second), multiplied, _single(_product(left, right)))
