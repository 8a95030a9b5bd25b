"""What a row draws of a given system: its parameters, its start, its span and its programs."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from s2jax.core.random import random_bits
from s2jax.core.types import Words
from s2jax.distributions import Constant, sample_as
from s2jax.laws.given import MAX_ROUNDED, check_numbers, drawn_decimal
from s2jax.ode._field import field, fill_tables, sympy_of
from s2jax.ode._given import variable_names
from s2jax.ode._given_noise import coefficient
from s2jax.ode._words import write_words
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID
from s2jax.programs.program import DTYPES, FIRST_STATE, MAX_DIGITS, UNUSED, decimal, to_decimal


class Draw(NamedTuple):
    """A row's own system, and where and how long it runs.

    Attributes:
        parameters: In the order of `System.parameters`; exactly the decimals in `program`.
        initial: State at the start.
        duration: None if the system leaves it to the sampler.
        program: The right-hand sides, in which the numbers of the row stand.
        diffusion: The factors of the noise, of one instruction each; unused where there is none.
    """

    parameters: Float[Array, "rows parameters"]
    initial: Float[Array, "rows states"]
    duration: Float[Array, " rows"] | None
    program: Program
    diffusion: Program


def draw(system: Any, words: Words, stream: Any) -> Draw:
    """See `System.draw`."""
    num_states, _, num_parameters = sizes_of(system)
    bits = random_bits(words, num_parameters + num_states + 1, stream)
    mantissa, exponent = _decimals(system, bits[:num_parameters])
    own, rest = bits[num_parameters:-1], bits[-1]
    dtype = jnp.result_type(float)
    tables = system._tables
    check_numbers("System", tables, dtype)
    initial = [sample_as(law, some, dtype) for law, some in zip(system.initial, own, strict=True)]
    duration = None if system.duration is None else sample_as(system.duration, rest, dtype)
    parameters = decimal(mantissa, exponent, dtype)
    return Draw(
        parameters=parameters,
        initial=jnp.stack(initial, axis=-1),
        duration=duration,
        program=fill_tables(tables, mantissa, exponent),
        diffusion=_noise_of(system, parameters),
    )


def sizes_of(system: Any) -> tuple[int, int, int]:
    """Numbers of states, inputs and parameters."""
    return len(system.states), len(system.inputs), len(system.parameters)


def _decimals(system: Any, bits: Array) -> tuple[Array, Array]:
    """Mantissas and exponents of drawn parameters, of shape `(rows, parameters)`."""
    if not system.laws:
        nothing = jnp.zeros((bits.shape[1], 0), jnp.int32)
        return nothing, nothing
    pairs = zip(system.laws, bits, strict=True)
    drawn = [drawn_decimal(law, some, system.digits) for law, some in pairs]
    mantissas, exponents = zip(*drawn, strict=True)
    return jnp.stack(mantissas, axis=-1), jnp.stack(exponents, axis=-1)


@functools.lru_cache(maxsize=256)
def _coefficients(noise: tuple[str, ...], *sizes: int) -> tuple[tuple[str, bool], ...]:
    """The factor of each state without it, and whether it is multiplied by it."""
    import sympy

    pairs = []
    for index, factor in enumerate(sympy_of(noise, *sizes)):
        state = sympy.Symbol(f"y_{index}")
        text = write_words(coefficient(factor, state), lambda symbol: symbol.name)
        pairs.append((text, factor.doit().has(state)))
    return tuple(pairs)


def _noise_of(system: Any, parameters: Float[Array, "rows parameters"]) -> Program:
    """The factors with the numbers of each row, `(rows, states)`, of one instruction each."""
    sizes = sizes_of(system)
    rows = parameters.shape[0]
    if not system.noise:
        return _no_noise((rows, sizes[0]))
    pairs = _coefficients(system.noise, *sizes)
    nothing = [jnp.zeros((count, rows), parameters.dtype) for count in sizes[:2]]
    own = tuple(text for text, _ in pairs), *sizes
    values = field(own, 0.0, nothing[0], nothing[1], parameters.T)
    drawn = [
        to_decimal(value, _digits(system, text))
        for value, (text, _) in zip(values, pairs, strict=True)
    ]
    mantissa, exponent = (jnp.stack(part, axis=-1) for part in zip(*drawn, strict=True))
    is_scaled = jnp.asarray([scaled for _, scaled in pairs])
    variable = -1 - (FIRST_STATE + jnp.arange(sizes[0], dtype=jnp.int32))
    pick = lambda yes, no: jnp.where(is_scaled, yes, no)
    fields = (
        pick(ID, CONST), pick(variable, mantissa), pick(variable, exponent), pick(mantissa, 1),
        pick(exponent, 0), 0, 0,
    )  # fmt: skip
    spread = lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), mantissa.shape)[..., None]
    leaves = [spread(leaf).astype(dtype) for leaf, dtype in zip(fields, DTYPES, strict=True)]
    some = Program(*leaves, length=jnp.ones(mantissa.shape, jnp.int32), protected=False)
    none = _no_noise((rows, 1))
    is_some = mantissa != 0
    choose = lambda yes, no: jnp.where(is_some if yes.ndim == 2 else is_some[..., None], yes, no)
    return jax.tree.map(choose, some, none)


def _digits(system: Any, text: str) -> int:
    """Digits of a factor: as many as its type holds, or fewer if drawn parameters have fewer."""
    sizes = sizes_of(system)
    read = {symbol.name for symbol in sympy_of((text,), *sizes)[0].free_symbols}
    names = variable_names(0, 0, sizes[2])[:-1]
    laws = [law for name, law in zip(names, system.laws, strict=True) if name in read]
    if not all(isinstance(law, Constant) for law in laws):
        return system.digits
    return MAX_DIGITS if jnp.result_type(float) == jnp.float64 else MAX_ROUNDED


def _no_noise(shape: tuple[int, ...]) -> Program:
    """Programs of this shape of which none is used."""
    leaves = [jnp.full((*shape, 1), v, dtype) for v, dtype in zip(UNUSED, DTYPES, strict=True)]
    return Program(*leaves, length=jnp.zeros(shape, jnp.int32), protected=False)
