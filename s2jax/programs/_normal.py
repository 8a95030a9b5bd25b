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
from s2jax.programs._normal_terms import (
    LOOSE,
    MAX_TERMS,
    PRIME,
    Store,
    Term,
    first_term,
    fold,
    hash_term,
    loose_term,
    multiply,
    places,
    rigid_term,
    storage,
    times,
    where,
    zero_where,
)  # fmt: skip
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE, TABLE
from s2jax.programs.program import Program

_INVERSES = [0] + [pow(count, -1, 2**31 - 1) for count in range(1, MAX_TERMS + 1)]

_BINARY = [code for code, op in enumerate(TABLE) if op.arity == 2]
_SUMS, _PRODUCTS = ([OPCODE[name] for name in names] for names in (("add", "sub"), ("mul", "div")))
_EXTREMES = [OPCODE["max"], OPCODE["min"]]
_SQUARE, _CUBE, _EXP, _LOG, _SIN, _COS, _DIV, _NEG, _POW = (
    OPCODE[name] for name in ("pow2", "pow3", "exp", "log", "sin", "cos", "div", "neg", "pow")
)
# of operators that are powers of their operand's absolute value: twice the exponent, and whether
# the sign is kept
_POWERS = {
    "pow2": (4, False), "pow3": (6, True), "inv": (-2, True), "div": (-2, True),
    "abs": (2, False), "sqrt": (1, False), "sign": (0, True),
}  # fmt: skip

Flag = Bool[Array, " batch"]


class _Value(NamedTuple):
    """A sum of terms whose coefficients are free.

    Attributes:
        terms: `count` of them, then zeros; the number 1 is zero as well, and has always a place.
        product: The value as one term: itself, or its content times all else.
        content: The greatest rigid factor.
        body: What else there is, hashed; 0 if nothing.
        inner: The terms but for the number 1, hashed.
        count: How many terms there are.
        has_number: Whether 1 is one of them.
        is_whole: Whether it is a whole number, which counts as an exponent.
        whole: Which one, modulo 2**32.
    """

    terms: Term
    product: Term
    content: Term
    body: UInt32[Array, "2 batch"]
    inner: UInt32[Array, "2 batch"]
    count: Int[Array, " batch"]
    has_number: Flag
    is_whole: Flag
    whole: Int[Array, " batch"]

    @property
    def is_number(self) -> Flag:
        return (self.count == 1) & self.has_number

    @property
    def is_rigid(self) -> Flag:
        """Whether it is one term without constants inside."""
        return (self.count == 1) & ~self.product.is_loose


def hash_normal_forms(program: Program, is_stripped: bool) -> UInt32[Array, "batch 2"]:
    """Two words per program of one batch axis."""
    fields = (
        program.op, program.a, program.b, program.scale_mantissa, program.scale_exponent,
        program.bias_mantissa,
    )  # fmt: skip
    code = [field.T.astype(jnp.int32) for field in fields]
    num_nodes, rows = code[0].shape

    store = storage((program.length >= 0).any())

    def update(k: Int[Array, ""], carry):
        values, last = carry
        op, a, b, scale_mantissa, scale_exponent, bias_mantissa = (field[k] for field in code)
        second = store(_pick(values, b))
        operands = _operand(a, _unpack(last), store), _operand(b, _unpack(second), store)
        first, second = store(operands)
        terms, count = _apply(op, first, second, program.protected, store)
        count, has_number = _count(terms, count, bias_mantissa != 0, store)
        is_bare = (scale_mantissa == 1) & (scale_exponent == 0) & (bias_mantissa == 0)
        is_whole = jnp.where(op == CONST, b >= 0, (op == ID) & first.is_whole) & is_bare
        whole = jnp.where(op == CONST, integer(a, b), first.whole)
        value = store(_complete(terms, count, has_number, is_whole, whole, store))
        value = store(_pack(value))
        return values.at[k].set(value), value

    empty = jnp.zeros((_WIDTH, rows), jnp.uint32)
    values, _ = trees.over_nodes(
        update, (jnp.zeros((num_nodes, *empty.shape), jnp.uint32), empty), num_nodes
    )
    root = _unpack(store(_pick(values, program.length.astype(jnp.int32) - 1)))
    word = mix(
        root.inner if is_stripped else hash_term(root.product, 20), 21 if program.protected else 22
    )
    return jnp.where(program.length > 0, word, 0).T


# Values.


_WIDTH = 3 * MAX_TERMS + 14


def _pack(value: _Value) -> UInt32[Array, "words batch"]:
    leaves = [leaf.astype(jnp.uint32) for leaf in jax.tree.leaves(value)]
    return jnp.concatenate([leaf.reshape(-1, leaf.shape[-1]) for leaf in leaves])


def _unpack(words: UInt32[Array, "words batch"]) -> _Value:
    parts = iter(jnp.split(words, np.cumsum([2 * MAX_TERMS, MAX_TERMS, 2, 1, 2, 1, 2, 2, 1, 1, 1])))
    terms = Term(next(parts).reshape(MAX_TERMS, 2, -1), next(parts))
    product, content = (Term(next(parts), next(parts)[0]) for _ in range(2))
    body, inner = next(parts), next(parts)
    count, has_number, is_whole, whole = (part[0].astype(jnp.int32) for part in parts)
    return _Value(
        terms, product, content, body, inner, count, has_number == 1, is_whole == 1, whole
    )


def _pick(
    values: UInt32[Array, "nodes words batch"], index: Int[Array, " batch"]
) -> UInt32[Array, "words batch"]:
    """The value of one node per program; nodes are few, so that this is faster than a gather."""
    here = jnp.arange(len(values), dtype=jnp.int32)[:, None] == index
    return jnp.where(here[:, None], values, 0).sum(0, dtype=jnp.uint32)


def _operand(operand: Int[Array, " batch"], result: _Value, store: Store) -> _Value:
    """A variable, or the given result."""
    variable = store(rigid_term(mix(lanes(-1 - operand), 0)))
    terms = zero_where(places > 0, variable)
    none = jnp.zeros_like(result.body)
    false = jnp.zeros_like(result.is_whole)
    value = _Value(
        terms, variable, variable, none, hash_term(variable, 14), jnp.ones_like(result.count),
        false, false, result.whole,
    )  # fmt: skip
    return jax.tree.map(lambda x, y: jnp.where(operand < 0, x, y), value, result)


def _count(
    terms: Term, count: Int[Array, " batch"], has_bias: Flag, store: Store
) -> tuple[Int[Array, " batch"], Flag]:
    """The number of terms with a bias, and whether the number 1 is one of them."""
    has_number = ((places < count) & terms.is_number).any(0)
    # all places that are left are zero, and so is this term
    count = count + (has_bias & ~has_number).astype(jnp.int32)
    return store((count, has_number | has_bias))


def _complete(
    terms: Term, count: Int[Array, " batch"], has_number: Flag, is_whole: Flag,
    whole: Int[Array, " batch"], store: Store,
) -> _Value:  # fmt: skip
    """A sum as a product: what is common to its terms, and the rest."""
    total = terms.size[0]
    for k in range(1, MAX_TERMS):
        total = fold(total + terms.size[k])
    inverse = jnp.zeros(count.shape, jnp.uint32)
    for k in range(1, MAX_TERMS + 1):
        inverse = jnp.where(count == k, np.uint32(_INVERSES[k]), inverse)
    total, inverse = store((total, inverse))
    mean = store(times(total, inverse))
    # times a term, mean and terms move alike
    rest = fold(terms.size + (PRIME - mean))
    is_there = places < count
    order = store(jnp.where(is_there, mix(rest, 13)[:, 0], np.uint32(0xFFFFFFFF)))
    is_least = is_there & (order == order.min(0))
    common = store(jnp.where(is_least, terms.sign & ~LOOSE, np.uint32(0)).max(0))
    hashes = hash_term(Term(rest, terms.sign ^ common), 14)
    is_inner = is_there & (~terms.is_number | (count == 1))
    add = lambda here, words: jnp.where(here[:, None], words, 0).sum(0, dtype=jnp.uint32)
    body, inner = store((add(is_there, hashes), add(is_inner, hash_term(terms, 14))))
    body, first = mix(body, 15), first_term(terms)
    is_single = count == 1
    is_rigid = is_single & ~first.is_loose
    none = jnp.zeros_like(body)
    content = where(is_single & ~is_rigid, Term(none, none[0]), Term(mean, common))
    product = where(is_single, first, multiply(content, loose_term(body)))
    body = jnp.where(is_single, jnp.where(is_rigid, none, hash_term(first, 16)), body)
    return _Value(terms, product, content, body, inner, count, has_number, is_whole, whole)


# Operators.


def _apply(
    op: Int[Array, " batch"], first: _Value, second: _Value, protected: bool, store: Store
) -> tuple[Term, Int[Array, " batch"]]:
    """The terms of an operator's value, but for its scale and bias, and their number."""
    is_whole = (op == _POW) & second.is_whole
    # of an absolute value, where this is protected
    is_odd = (second.whole & 1 == 1) & (not protected)
    op = jnp.where(is_whole & (second.whole == 2), _SQUARE, op)
    op = jnp.where(is_whole & is_odd & (second.whole == 3), _CUBE, op)
    is_whole = is_whole & (op == _POW)
    power, is_power = store(_power(op, first, second, is_odd, is_whole))
    function = store(_function(op, first, second))
    right = where(op == _DIV, power, second.product)
    term, is_product = multiply(first.product, right), is_one_of(op, _PRODUCTS)
    total, num_total, is_total = store(_collect(op, first, second, store))
    is_sum = is_one_of(op, _SUMS)
    word = mix(hash_term(first.product, 23) + hash_term(second.product, 23), 23)
    term = where(is_sum, loose_term(word), where(is_product, term, function))
    term = where(is_power, power, term)
    # a rigid factor is multiplied out
    is_divided = op == _DIV
    by_first = first.is_rigid & ~is_divided & (second.count < MAX_TERMS)
    by_second = second.is_rigid & (first.count < MAX_TERMS)
    is_multiplied = is_product & (by_first | by_second) & ~is_total
    by = where(by_first, first.product, right)
    is_same = (op == ID) | (op == _NEG) | (is_whole & (second.whole == 1) & is_odd)
    is_number = first.is_number & (second.is_number | ~is_one_of(op, _BINARY))
    is_number = is_number | (op < NUM_LEAVES) | (is_whole & (second.whole == 0))
    is_total = is_total & ~is_number
    is_single = ~(is_total | is_multiplied | is_same | is_number)
    count = jnp.where(op == _LOG, 2, 1)  # the place of a bias is zero
    count = jnp.where(is_total, num_total, count)
    count = jnp.where(is_multiplied, jnp.where(by_first, second.count, first.count), count)
    count = jnp.where(is_same, first.count, jnp.where(is_number, 1, count))
    term, by, count, is_single, is_total, by_first, is_multiplied, is_number = store(
        (term, by, count, is_single, is_total, by_first, is_multiplied, is_number)
    )
    multiplied = multiply(where(by_first, second.terms, first.terms), by)
    multiplied = zero_where(places >= count, multiplied)
    terms = where(is_multiplied, multiplied, where(is_total, total, first.terms))
    terms = where(is_single, zero_where(places > 0, term), terms)
    return store((zero_where(is_number & (places >= 0), terms), count))


def _power(
    op: Int[Array, " batch"], first: _Value, second: _Value, is_odd: Flag, is_whole: Flag
) -> tuple[Term, Flag]:
    """A power of an operand, and whether the operator is one."""
    twice, keeps, is_power = 2 * second.whole, is_odd, is_whole
    for name, (number, keeps_sign) in _POWERS.items():
        here = op == OPCODE[name]
        twice, is_power = jnp.where(here, number, twice), is_power | here
        keeps = jnp.where(here, keeps_sign, keeps)
    content = where(op == _DIV, second.content, first.content)
    body = jnp.where(op == _DIV, second.body, first.body)
    # half of the number is a rotation, because 2**31 is 1
    size = fold(jnp.abs(twice).astype(jnp.uint32))
    half = (size >> np.uint32(1)) | ((size & np.uint32(1)) << np.uint32(30))
    half = jnp.where(twice < 0, fold(PRIME - half), half)
    sign = jnp.where(keeps, content.sign, np.uint32(0))
    content = Term(times(content.size, half), sign)
    kind = lanes(twice * 2 + keeps.astype(jnp.int32))
    rest = loose_term(mix(mix(body, 17) + kind, 17))
    term = where((body == 0).all(0), content, multiply(content, rest))
    return term, is_power & (op != _DIV)


def _function(op: Int[Array, " batch"], first: _Value, second: _Value) -> Term:
    """Any other operator."""
    is_log, is_extreme = op == _LOG, is_one_of(op, _EXTREMES)
    own, other = hash_term(first.product, 18), hash_term(second.product, 18)
    # log(-N*x) is N + log(x), and exp(N + x) is N*exp(x)
    own = jnp.where(is_log, mix(first.product.size, 18), own)
    own = jnp.where(op == _EXP, first.inner, own)
    # maxima are minima of all that is negated, and sin(N + x) is cos(N + x)
    code = jnp.where(is_extreme, _EXTREMES[0], op)
    code = jnp.where((op == _COS) & first.has_number, _SIN, code)
    word = jnp.where(is_extreme, own + other, mix(own, 19))
    word = mix(word + lanes(code) * np.uint32(0x9E3779B1), 19)
    is_binary = is_one_of(op, _BINARY)
    word = mix(word + jnp.where(is_binary & ~is_extreme, other, np.uint32(0)), 19)
    return where(is_log & first.is_rigid, rigid_term(word), loose_term(word))


def _collect(
    op: Int[Array, " batch"], first: _Value, second: _Value, store: Store
) -> tuple[Term, Int[Array, " batch"], Flag]:
    """The terms of a sum, or of a product or power of sums, with like ones merged.

    Also their number, and whether they are the operator's value: if they have room, and in a
    product all are rigid.
    """
    is_sum, is_cube = is_one_of(op, _SUMS), op == _CUBE
    other = _Value(*jax.tree.map(lambda x, y: jnp.where(op == _SQUARE, x, y), first, second))
    is_small = lambda value, most: (
        (value.count > 1) & (value.count <= most) & ~value.terms.is_loose.any(0)
    )
    is_product = ((op == OPCODE["mul"]) | (op == _SQUARE)) & is_small(first, 3) & is_small(other, 3)
    is_cube = is_cube & is_small(first, 2)

    def insert(k, carry):
        terms, count = carry
        pick = lambda value, k: jax.tree.map(lambda leaf: leaf[k], value.terms)
        product = multiply(pick(first, k // 3), pick(other, k % 3))
        cube = multiply(pick(first, k & 1), pick(first, (k >> 1) & 1))
        cube = multiply(cube, pick(first, (k >> 2) & 1))
        last = pick(second, jnp.minimum(k, MAX_TERMS - 1))
        term = store(where(is_sum, last, where(is_cube, cube, product)))
        is_there = jnp.where(is_sum, k < second.count, is_cube & (k < 8))
        is_there = is_there | (is_product & (k // 3 < first.count) & (k % 3 < other.count))
        equal = (terms.size == term.size).all(1) & (terms.sign == term.sign)
        is_known = (equal & (places < count)).any(0) & ~term.is_loose
        is_new = store(is_there & ~is_known)
        here = (places == count) & is_new
        size = jnp.where(here[:, None], term.size, terms.size)
        terms = Term(size, jnp.where(here, term.sign, terms.sign))
        return terms, count + is_new.astype(jnp.int32)

    start = zero_where(~is_sum & (places >= 0), first.terms), jnp.where(is_sum, first.count, 0)
    terms, count = jax.lax.fori_loop(jnp.int32(0), jnp.int32(9), insert, start)
    # one place is kept for the number 1
    has_number = (terms.is_number & (places < count)).any(0)
    has_room = (count < MAX_TERMS) | ((count == MAX_TERMS) & has_number)
    return terms, count, (is_sum | is_product | is_cube) & has_room
