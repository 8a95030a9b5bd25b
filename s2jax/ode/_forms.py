"""Forms of random equations: what a random expression g becomes the right-hand side of."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from s2jax.core.random import below, random_bits, uniform
from s2jax.core.streams import of_equations
from s2jax.core.types import Words
from s2jax.laws import AbstractLaw
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE
from s2jax.programs.program import DTYPES, FIRST_STATE, TIME, to_decimal
from s2jax.targets import AbstractLayout

FORMS = ("driven", "forced", "autonomous", "second_order", "saturated", "stochastic")
"""Names of the forms, in the order of `Batch.dynamics.form`; see `s2jax.ODE`."""

DRIVEN, FORCED, AUTONOMOUS, SECOND_ORDER, SATURATED, STOCHASTIC = range(len(FORMS))
EXTRA_NODES = {SECOND_ORDER: 10, SATURATED: 3}  # beside those of g
_DIGITS = 3


class Equations(NamedTuple):
    """Random equations of rows; flat programs are in the order (states, rows).

    Attributes:
        program: The right-hand sides.
        diffusion: Factors of the noise, of one instruction each.
    """

    program: Program
    diffusion: Program


class Layout(AbstractLayout):
    """What is known of rows before their equations are drawn.

    Attributes:
        num_inputs, num_outputs: How many inputs and states the row uses.
        form: Which form the equations have; of a stochastic row, that of its drift.
        is_stochastic: Whether noise is added.
        may_be_monotone: Whether all states may be monotone.
    """

    num_inputs: Int[Array, " rows"]
    num_outputs: Int[Array, " rows"]
    form: Int[Array, " rows"]
    is_stochastic: Bool[Array, " rows"]
    may_be_monotone: Bool[Array, " rows"]


def draw_equations(
    words: Words, number: Int[Array, " rows"], layout: Layout, law: AbstractLaw, max_states: int,
    num_variables: int, extra_nodes: int, protected: bool,
) -> Equations:  # fmt: skip
    """Draw the equations of try `number` of each row.

    Args:
        words: Keys of the rows.
        number: The try.
        layout: The forms and sizes of the rows.
        law: The law of g.
        max_states: States of a row, used or not. Static.
        num_variables: Largest number of variables g may read. Static.
        extra_nodes: Instructions a form may add to g. Static.
        protected: As in `Program`. Static.
    """
    rows = words.shape[0]
    numbers = random_bits(words, 8 + 5 * max_states, of_equations(number, max_states))
    shared, own = numbers[:8], numbers[8:].reshape(5, max_states * rows)
    spread = lambda leaf: jnp.tile(leaf, max_states)
    state = jnp.repeat(jnp.arange(max_states, dtype=jnp.int32), rows)
    form, num_states, num_inputs = map(spread, (layout.form, layout.num_outputs, layout.num_inputs))
    reads_t = (form == FORCED) & spread(uniform(shared[0]) < 0.25)
    num_y = jnp.where(form == DRIVEN, 0, num_states)
    num_x = jnp.where((form == DRIVEN) | (form == FORCED), num_inputs, 0)
    num_used = jnp.maximum(num_y + num_x + reads_t.astype(jnp.int32), 1)
    g = law.draw(
        jnp.tile(words, (max_states, 1)), num_used, num_variables, protected,
        spread(of_equations(number, 0)) + state,
    )  # fmt: skip
    code = _Code.of(_renamed(g, num_y, num_x), extra_nodes)
    c = _Constants(shared, own, max_states)
    if extra_nodes >= EXTRA_NODES[SATURATED]:
        code = _saturated(code, form == SATURATED, state, c)
    if extra_nodes >= EXTRA_NODES[SECOND_ORDER]:
        code = _second_order(code, form == SECOND_ORDER, state, num_states, num_inputs, c)
    used = state < num_states
    noisy = used & spread(layout.is_stochastic)
    return Equations(code.program(used, protected), _diffusion(state, noisy, c, protected))


class _Constants:
    """Random constants of the forms by name, as pairs of mantissa and exponent; and chances."""

    # names, ranges, and whether all states of a row share the constant
    _LAWS = (
        ("amplitude", 0.5, 5.0, False), ("rate", 0.2, 2.0, False), ("spring", 0.3, 10.0, False),
        ("noise", 0.02, 0.5, False), ("push", 0.2, 2.0, True), ("cubic", 0.05, 1.0, True),
        ("lienard", 0.1, 2.0, True), ("damping", 0.02, 1.0, True),
    )  # fmt: skip

    def __init__(self, shared, own, max_states: int):
        spread = lambda bits: jnp.tile(bits, max_states)
        self.signs = own[4]
        self.chances = [spread(uniform(bits)) for bits in shared[5:8]]
        bits = [spread(shared[i - 3]) if law[3] else own[i] for i, law in enumerate(self._LAWS)]
        low, high = (jnp.array([law[i] for law in self._LAWS])[:, None] for i in (1, 2))
        value = low * jnp.exp(jnp.log(high / low) * uniform(jnp.stack(bits)))
        self._decimals = to_decimal(value, _DIGITS)

    def __call__(self, name: str, sign: Any = 1):
        index = [law[0] for law in self._LAWS].index(name)
        mantissa, exponent = (leaf[index] for leaf in self._decimals)
        return sign * mantissa, exponent


def _renamed(program: Program, num_y, num_x) -> Program:
    """Variables 0, 1, ... as states, inputs and time, in this order."""
    num_y, num_x = num_y[:, None], num_x[:, None]

    def rename(operand):
        old = -1 - operand.astype(jnp.int32)
        new = jnp.where(old < num_y, FIRST_STATE + old, old - num_y)
        new = jnp.where(old < num_y + num_x, new, TIME)
        is_variable = (operand < 0) & (program.op >= NUM_LEAVES)
        return jnp.where(is_variable, -1 - new, operand.astype(jnp.int32))

    return Program(
        program.op, rename(program.a), rename(program.b).astype(jnp.int16), program.scale_mantissa,
        program.scale_exponent, program.bias_mantissa, program.bias_exponent, program.length,
        program.protected,
    )  # fmt: skip


class _Code(NamedTuple):
    """Programs that grow: fields in the order of `Program`, and how many instructions there are."""

    fields: Int[Array, "7 programs nodes"]
    length: Int[Array, " programs"]

    @staticmethod
    def of(program: Program, extra_nodes: int) -> "_Code":
        names = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa")
        leaves = [getattr(program, name) for name in (*names, "bias_exponent")]
        fields = jnp.stack([leaf.astype(jnp.int32) for leaf in leaves])
        return _Code(jnp.pad(fields, ((0, 0), (0, 0), (0, extra_nodes))), program.length)

    def program(self, used: Bool[Array, " programs"], protected: bool) -> Program:
        leaves = [f.astype(dtype) for f, dtype in zip(self.fields, DTYPES, strict=True)]
        return Program(*leaves, length=jnp.where(used, self.length, 0), protected=protected)

    @property
    def last(self) -> Int[Array, " programs"]:
        return self.length - 1

    def append(self, when, name: str, a, b=None, scale=(1, 0), bias=(0, 0)) -> "_Code":
        """Append an instruction to the programs where `when` holds."""
        b = a if b is None else b
        new = (OPCODE[name], a, b, *scale, *bias)
        new = jnp.stack([jnp.broadcast_to(jnp.asarray(v, jnp.int32), when.shape) for v in new])
        node = jnp.arange(self.fields.shape[2], dtype=jnp.int32)
        here = when[:, None] & (node == self.length[:, None])
        fields = jnp.where(here, new[..., None], self.fields)
        # stored: else each instruction is computed again for all that follow
        return _Code(*jax.lax.optimization_barrier((fields, self.length + when.astype(jnp.int32))))

    def add(self, when, before) -> "_Code":
        """Add what was appended last to the result `before` it, if there was one."""
        return self.append(when & (before >= 0), "add", self.last, before)


def _saturated(code: _Code, when, state, c: _Constants) -> _Code:
    """y_i' = -A_i y_i + B_i tanh(g_i)."""
    sign = 1 - 2 * below(c.signs, 2)
    code = code.append(when, "tanh", code.last, scale=c("amplitude", sign))
    before = code.last
    return code.append(when, "id", _state(state), scale=c("rate", -1)).add(when, before)


def _second_order(code: _Code, when, state, num_states, num_inputs, c: _Constants) -> _Code:
    """Pairs of a position p and a velocity v: p' = v, and

    v' = -w p - c v + B tanh(g), where the damping -c v may be that of Liénard, m (1 - p**2) v, and
    a cubic spring -k p**3 and an input b x_0 may be there too.
    """
    half = num_states // 2
    position, velocity = when & (state < half), when & (state >= half)
    p, v = (
        _state(jnp.where(position, state, state - half)),
        _state(state + jnp.where(position, half, 0)),
    )
    code = code._replace(length=jnp.where(position, 0, code.length))
    code = code.append(position, "id", v)
    sign = 1 - 2 * below(c.signs, 2)
    code = code.append(velocity, "tanh", code.last, scale=c("amplitude", sign))
    is_cubic, is_lienard, is_damped = (
        chance < p for chance, p in zip(c.chances, _CHANCES, strict=True)
    )
    terms = (
        (num_inputs > 0, lambda when, code: code.append(when, "id", -1, scale=c("push"))),
        (is_cubic, lambda when, code: code.append(when, "pow3", p, scale=c("cubic", -1))),
        (is_lienard, lambda when, code: _lienard(code, when, p, v, c)),
        (is_damped & ~is_lienard, lambda w, code: code.append(w, "id", v, scale=c("damping", -1))),
        (True, lambda when, code: code.append(when, "id", p, scale=c("spring", -1))),
    )
    for is_there, term in terms:
        before = code.last
        code = term(velocity & is_there, code).add(velocity & is_there, before)
    return code


_CHANCES = (0.3, 0.3, 0.7)  # of a cubic spring, of Lienard's damping, of a linear one else


def _lienard(code: _Code, when, p, v, c: _Constants) -> _Code:
    """m (1 - p**2) v."""
    code = code.append(when, "pow2", p, scale=(-10, -1), bias=(10, -1))
    return code.append(when, "mul", code.last, v, scale=c("lienard"))


def _diffusion(state, noisy, c: _Constants, protected: bool) -> Program:
    """s, or s*y_i: one number or one scaled state."""
    mantissa, exponent = c("noise")
    pick = lambda yes, no: jnp.where(below(c.signs << 1, 2) == 1, yes, no)
    zero = jnp.zeros_like(state)
    fields = (
        pick(ID, CONST), pick(_state(state), mantissa), pick(_state(state), exponent),
        pick(mantissa, 1), pick(exponent, 0), zero, zero,
    )  # fmt: skip
    column = lambda leaf, dtype: jnp.asarray(leaf).astype(dtype)[:, None]
    leaves = [column(leaf, dtype) for leaf, dtype in zip(fields, DTYPES, strict=True)]
    return Program(*leaves, length=noisy.astype(jnp.int32), protected=protected)


def _state(index):
    return -1 - (FIRST_STATE + index)
