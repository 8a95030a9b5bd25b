"""Random equations of many forms at once: which form a row has, and the equations of each try."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core.random import below, random_bits, uniform
from s2jax.core.streams import EQUATIONS, of_equations
from s2jax.core.types import Number, Words
from s2jax.laws import AbstractLaw
from s2jax.ode._templates import FIELDS, FIXED, Templates
from s2jax.ode.forms import KNOWN
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, NUM_LEAVES
from s2jax.programs.program import DTYPES, FIRST_STATE, UNUSED, to_decimal
from s2jax.targets import AbstractLayout, Sizes

STOCHASTIC = "stochastic"
FORMS = (*KNOWN, STOCHASTIC)
"""Names of the forms; see `s2jax.ODE`. Those of your own follow in `Batch.dynamics.forms`."""

NOISE = FORMS.index(STOCHASTIC)
_DIGITS = 3
_KEEP_ONE_STATE = 0.1


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
        form: The number of its form; of a stochastic row, that of its drift.
        variant: Which way to write the equations of the form it has.
        is_stochastic: Whether noise is added.
        is_integral: Whether derivatives read inputs alone.
        may_be_dull: Whether its states may have few turns.
    """

    num_inputs: Int[Array, " rows"]
    num_outputs: Int[Array, " rows"]
    form: Int[Array, " rows"]
    variant: Int[Array, " rows"]
    is_stochastic: Bool[Array, " rows"]
    is_integral: Bool[Array, " rows"]
    may_be_dull: Bool[Array, " rows"]


def lay_out(
    words: Words, num_inputs: Int[Array, " rows"], num_outputs: Int[Array, " rows"], sizes: Sizes,
    templates: Templates, names: tuple[str, ...], weights: Mapping[str, Number], max_dull: Number,
    all_names: tuple[str, ...],
) -> Layout:  # fmt: skip
    """Draw the form of each row, once for all tries.

    Args:
        words: Keys of the rows.
        num_inputs, num_outputs: As the configuration drew them. The number of states is the nearest
            that the form can have.
        sizes: Of the configuration.
        templates: Of the forms with these `names`. Static.
        weights: Of forms by name.
        max_dull: Share of rows that may be dull.
        all_names: Names by number of a form in a batch. Static.
    """
    bits = random_bits(words, 6, EQUATIONS)
    can = templates.count[:, 1:] > 0  # (forms, states)
    weight = jnp.stack([jnp.asarray(weights.get(name, 0.0), jnp.float32) for name in names])
    total = weight.sum()
    # noise alone is that of autonomous equations
    plain = [name == "autonomous" or "autonomous" not in names for name in names]
    weight = jnp.where(total > 0, weight, jnp.asarray(plain, jnp.float32))
    noisy = jnp.asarray(weights.get(STOCHASTIC, 0.0), jnp.float32)
    is_stochastic = uniform(bits[1]) * (noisy + total) < noisy
    fitting = jnp.where(can.T, weight, 0)  # (states, forms)
    fitting = jnp.where(
        fitting.sum(1, keepdims=True) > 0, fitting, jnp.where(can.any(1), weight, 0)
    )
    form = _pick(uniform(bits[0]), fitting[num_outputs - 1])
    num_states = jnp.asarray(_nearest(can))[form, num_outputs - 1]
    still = np.zeros(len(names), bool)
    for f in range(len(names)):
        own = templates.order[templates.first[f, 1] : templates.first[f, 1] + templates.count[f, 1]]
        still[f] = len(own) > 0 and bool(templates.is_still[own].all())
    if sizes.num_outputs > 1:
        leaves = jnp.asarray(still & can[:, 1])[form] & (num_states == 1)
        num_states = jnp.where(leaves & (uniform(bits[2]) > _KEEP_ONE_STATE), 2, num_states)
    place = below(bits[3], jnp.asarray(templates.count)[form, num_states])
    variant = jnp.asarray(templates.order)[jnp.asarray(templates.first)[form, num_states] + place]
    inputs = jnp.asarray(templates.inputs)[variant]
    number_of = np.array([all_names.index(name) for name in names], np.int32)
    return Layout(
        num_inputs=jnp.where(inputs == FIXED, num_inputs, jnp.minimum(inputs, num_inputs)),
        num_outputs=num_states,
        form=jnp.asarray(number_of)[form],
        variant=variant,
        is_stochastic=is_stochastic,
        is_integral=jnp.asarray(templates.is_integral)[variant],
        may_be_dull=(uniform(bits[4]) < max_dull) | jnp.asarray(templates.is_still)[variant],
    )


def _pick(part: Float[Array, " rows"], weights: Float[Array, "rows kinds"]) -> Int[Array, " rows"]:
    """An index in proportion to weights that differ from row to row, at a part of their sum."""
    kinds = weights.shape[1]
    up_to = jnp.cumsum(weights, axis=1)
    number = jnp.arange(kinds, dtype=jnp.int32)
    last = jnp.where(weights > 0, number, 0).max(1)  # rounding may lead beyond
    passed = (up_to <= part[:, None] * up_to[:, -1:]).sum(1, dtype=jnp.int32)
    return jnp.minimum(passed, last)


def _nearest(can: np.ndarray) -> np.ndarray:
    """Of forms and numbers of states, the nearest number that is possible, rather a lower one."""
    forms, most = can.shape
    out = np.ones((forms, most), np.int32)
    for f in range(forms):
        sizes = np.flatnonzero(can[f]) + 1
        for d in range(1, most + 1):
            if sizes.size:
                out[f, d - 1] = min(sizes, key=lambda size: (abs(size - d), size))
    return out


def draw_equations(
    words: Words, number: Int[Array, " rows"], layout: Layout, law: AbstractLaw,
    templates: Templates, num_variables: int, protected: bool,
) -> Equations:  # fmt: skip
    """Draw the equations of try `number` of each row.

    Args:
        words: Keys of the rows.
        number: The try.
        layout: The forms and sizes of the rows.
        law: The law of g.
        templates: Of the forms. Static.
        num_variables: Largest number of variables g may read. Static.
        protected: As in `Program`. Static.
    """
    rows, most_states = words.shape[0], templates.length.shape[1]
    spread = lambda leaf: jnp.tile(leaf, most_states)
    state = jnp.repeat(jnp.arange(most_states, dtype=jnp.int32), rows)
    place = spread(layout.variant) * most_states + state  # of an equation in the tables
    table = lambda leaf: jnp.asarray(leaf).reshape(-1, *leaf.shape[2:])[place]
    own_reads = table(templates.num_reads)
    extra = jnp.where(table(templates.reads_inputs), spread(layout.num_inputs), 0)
    g = law.draw(
        jnp.tile(words, (most_states, 1)), jnp.maximum(own_reads + extra, 1), num_variables,
        protected, spread(of_equations(number, 0)) + state,
    )  # fmt: skip
    numbers = _draw_numbers(words, number, layout.variant, templates)
    parts = _Parts(
        code=_with_numbers(table(templates.code), numbers, rows),
        length=table(templates.length),
        hole=table(templates.hole),
        expression=_renamed(g, own_reads, table(templates.reads)),
    )
    used = state < spread(layout.num_outputs)
    noisy = used & spread(layout.is_stochastic)
    return Equations(
        _filled(parts, used, protected),
        _draw_diffusion(words, number, state, noisy, protected),
    )


def _draw_numbers(words, number, variant, templates: Templates):
    """Mantissas and exponents of the numbers of each row, `(rows, numbers)`."""
    laws = jnp.asarray(templates.numbers)[variant]
    low, high, is_log, is_signed, of, power = (laws[..., i] for i in range(6))
    count = laws.shape[1]
    bits = random_bits(words, count, of_equations(number, _NUMBERS)).T
    part = uniform(bits)
    value = jnp.where(is_log > 0, low * (high / low) ** part, low + (high - low) * part)
    sign = jnp.where((is_signed > 0) & (below(bits << 24, 2) == 1), -1.0, 1.0).astype(jnp.float32)
    base = jnp.take_along_axis(value, of.astype(jnp.int32), axis=1)
    value = jnp.where(power != 0, value * base**power, value) * sign
    return to_decimal(value, _DIGITS)


_NUMBERS, _DIFFUSION = 16, 17  # parts of a try; states come before


def _with_numbers(code, numbers, rows: int):
    """Instructions with drawn numbers in their places: `(programs, nodes, FIELDS)`."""
    fields, source = code[..., :FIELDS], code[..., FIELDS:]
    by_row = source.reshape(-1, rows, *source.shape[1:]).swapaxes(0, 1)
    index = by_row.reshape(rows, -1)
    pick = lambda leaf: jnp.take_along_axis(leaf, jnp.maximum(index, 0), axis=1)
    pairs = jnp.stack([pick(leaf.astype(jnp.int32)) for leaf in numbers], axis=-1)
    pairs = pairs.reshape(*by_row.shape, 2).swapaxes(0, 1).reshape(*source.shape, 2)
    is_drawn = (source != FIXED)[..., None]
    old = fields[..., 1:].reshape(*fields.shape[:-1], 3, 2)
    new = jnp.where(is_drawn, pairs, old).reshape(*fields.shape[:-1], FIELDS - 1)
    return jnp.concatenate([fields[..., :1], new], axis=-1)


class _Parts(NamedTuple):
    """Equations in two parts: instructions with a hole, and the expression that fills it."""

    code: Int[Array, "programs nodes fields"]
    length: Int[Array, " programs"]
    hole: Int[Array, " programs"]
    expression: Program


def _renamed(program: Program, num_reads, reads) -> Program:
    """Variables 0, 1, ... as those that are read; what is beyond these as inputs."""

    def rename(operand):
        old = -1 - operand.astype(jnp.int32)
        own = jnp.take_along_axis(reads, jnp.clip(old, 0, reads.shape[1] - 1), axis=1)
        new = jnp.where(old < num_reads[:, None], own, old - num_reads[:, None])
        is_variable = (operand < 0) & (program.op >= NUM_LEAVES)
        return jnp.where(is_variable, -1 - new, operand.astype(jnp.int32))

    return Program(
        program.op, rename(program.a), rename(program.b).astype(jnp.int16), program.scale_mantissa,
        program.scale_exponent, program.bias_mantissa, program.bias_exponent, program.length,
        program.protected,
    )  # fmt: skip


def _filled(parts: _Parts, used: Bool[Array, " programs"], protected: bool) -> Program:
    """The programs with the expressions in the place of the holes."""
    g = parts.expression
    names = ("op", "a", "b", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent")
    own = jnp.stack([getattr(g, name).astype(jnp.int32) for name in names], axis=-1)
    before, nodes = parts.code.shape[1], own.shape[1]
    has_hole = parts.hole != FIXED
    hole = jnp.where(has_hole, parts.hole, before)[:, None]
    size = jnp.where(has_hole, g.length, 0)[:, None]
    node = jnp.arange(before + nodes - 1, dtype=jnp.int32)
    is_own = (node >= hole) & (node < hole + size)
    shift = jnp.where(has_hole[:, None], size - 1, 0)
    at = jnp.where(node < hole, node, node - shift)
    at = jnp.where(is_own, before + node - hole, jnp.minimum(at, before - 1))
    both = jnp.concatenate([parts.code, own], axis=1)
    code = jnp.take_along_axis(both, at[..., None], axis=1)
    a, b = code[..., 1], code[..., 2]
    reads = code[..., 0] >= NUM_LEAVES
    moved = lambda operand: jnp.where(
        reads & (operand >= 0),
        operand + jnp.where(is_own, hole, jnp.where(operand >= hole, shift, 0)),
        operand,
    )
    length = jnp.where(used, parts.length + shift[:, 0], 0)
    # beyond its end, a program is what programs of any kind are there
    is_in = node < length[:, None]
    leaves = [code[..., 0], moved(a), moved(b), *(code[..., i] for i in range(3, FIELDS))]
    return Program(
        *(jnp.where(is_in, leaf, blank).astype(dtype)
          for leaf, blank, dtype in zip(leaves, UNUSED, DTYPES, strict=True)),
        length=length, protected=protected,
    )  # fmt: skip


def _draw_diffusion(words, number, state, noisy, protected: bool) -> Program:
    """s, or s*y_i with s log-uniform in 0.02 to 0.5: one number or one scaled state."""
    rows = words.shape[0]
    count = state.shape[0] // rows
    bits = random_bits(words, count, of_equations(number, _DIFFUSION)).reshape(-1)
    value = 0.02 * jnp.exp(jnp.log(jnp.float32(25.0)) * uniform(bits))
    mantissa, exponent = to_decimal(value, _DIGITS)
    pick = lambda yes, no: jnp.where(below(bits << 24, 2) == 1, yes, no)
    zero, variable = jnp.zeros_like(state), -1 - (FIRST_STATE + state)
    fields = (
        pick(ID, CONST), pick(variable, mantissa), pick(variable, exponent), pick(mantissa, 1),
        pick(exponent, 0), zero, zero,
    )  # fmt: skip
    column = lambda leaf, dtype: jnp.asarray(leaf).astype(dtype)[:, None]
    leaves = [column(leaf, dtype) for leaf, dtype in zip(fields, DTYPES, strict=True)]
    return Program(*leaves, length=noisy.astype(jnp.int32), protected=protected)
