"""Given right-hand sides as functions and as programs, from their canonical text.

`equations` is always `(expressions, num_states, num_inputs, num_parameters)`, which can be hashed,
so that what is made of it once is kept.
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from s2jax.core import checks
from s2jax.laws.given import Tables, fold_tree, make_tables
from s2jax.ode._given import CALL, variable_names
from s2jax.ode._lags import read_delay
from s2jax.ode._switches import Held
from s2jax.ode._words import read_words
from s2jax.programs import Program
from s2jax.programs.operators import CONST, OPCODE
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text.direct import compute_trees
from s2jax.text.lambdas import Lambdified, lambdify
from s2jax.text.read_sympy import read_sympy
from s2jax.text.tree import VARIABLES, Operation, Parameter, Tree, Variable, prefix
from s2jax.text.write_text import text_form


def field(equations: tuple[Any, ...], t: Any, y: Any, x: Any, parameters: Any) -> Array:
    """See `System.field`; of the equations and the numbers of states, inputs and parameters."""
    arrays = [*y, *(() if x is None else x), *(() if parameters is None else parameters)]
    function = _function(*equations)
    # an array of the states' type, because JAX caches NumPy constants across enable_x64
    checks.check_held("System", "expression with a number", function.constants, y.dtype, np.inf)
    constants = jnp.asarray(function.constants, y.dtype)
    values = function.with_constants(constants)(*arrays, t)
    return jnp.stack([jnp.broadcast_to(value.astype(y.dtype), y.shape[1:]) for value in values])


def program_field(
    equations: tuple[Any, ...], t: Any, y: Any, x: Any, parameters: Any, apply: Any = None
) -> Array:
    """See `System.program_field`; of the equations and the numbers of all variables.

    `apply` is as in `compute_trees`.
    """
    names = variable_names(*equations[1:])
    named = dict(zip(names, [*y, *x, *parameters, t], strict=True))

    def leaf(word: Variable | Parameter) -> Array:
        name = VARIABLE_NAMES[word.index] if isinstance(word, Variable) else word.name
        return jnp.asarray(named[name], y.dtype)

    values = compute_trees(_trees(*equations), leaf, y.dtype, apply)
    return jnp.stack([jnp.broadcast_to(value, y.shape[1:]) for value in values])


def switched_field(
    equations: tuple[Any, ...], t: Any, y: Any, x: Any, parameters: Any, modes: Any
) -> tuple[Array, Array]:
    """Slopes with the switches held, and the operands of these; see `Held`."""
    held = Held(modes)
    slopes = program_field(equations, t, y, x, parameters, held)
    return slopes, jnp.stack([jnp.broadcast_to(one, y.shape[1:]) for one in held.operands])


@functools.lru_cache(maxsize=256)
def operators_of(expressions: tuple[str, ...], *sizes: int) -> frozenset[str]:
    """Names of the operators in the right-hand sides."""
    words = (word for tree in _trees(expressions, *sizes) for word in prefix(tree))
    return frozenset(word.name for word in words if isinstance(word, Operation))


@functools.lru_cache(maxsize=256)
def sympy_of(expressions: tuple[str, ...], *sizes: int) -> tuple[Any, ...]:
    import sympy

    symbols = {name: sympy.Symbol(name) for name in variable_names(*sizes)}
    return tuple(read_words(text, symbols) for text in expressions)


@functools.lru_cache(maxsize=256)
def _function(expressions: tuple[str, ...], *sizes: int) -> Lambdified:
    import sympy

    variables = [sympy.Symbol(name) for name in variable_names(*sizes)]
    return lambdify(list(sympy_of(expressions, *sizes)), variables)


@functools.lru_cache(maxsize=256)
def tables_of(
    expressions: tuple[str, ...], num_states: int, num_inputs: int, num_parameters: int,
    delays: tuple[str, ...] = (),
) -> Tables:  # fmt: skip
    """The right-hand sides as programs whose parameters are not yet drawn.

    The last inputs are states at delayed times, if there are `delays`.
    """
    trees = _trees(expressions, num_states, num_inputs, num_parameters)
    first = num_inputs - len(delays)
    lags = {first + k: read_delay(text, num_parameters)[1] for k, text in enumerate(delays)}
    own = lambda word: lags.get(word.index, word) if isinstance(word, Variable) else word
    texts = [write_tree(fold_tree(tree, own, Operation)) for tree in trees]
    return make_tables(tuple(texts), tuple(variable_names(0, 0, num_parameters)[:-1]), False)


@functools.lru_cache(maxsize=256)
def _trees(expressions: tuple[str, ...], *sizes: int) -> tuple[Tree, ...]:
    return tuple(map(read_tree, sympy_of(expressions, *sizes)))


def read_tree(expr: Any) -> Tree:
    read = lambda symbol: VARIABLES.get(symbol.name) or Parameter(symbol.name)
    instead = "solve this system with system.solve(...), which takes it as it is"
    return read_sympy(CALL, expr, read, False, instead)


def write_tree(tree: Tree) -> str:
    operators = text_form("reference").operators
    number = text_form("reference").number

    def leaf(word: Any) -> str:
        if isinstance(word, Parameter):
            return word.name
        return VARIABLE_NAMES[word.index] if isinstance(word, Variable) else number(*word)

    return fold_tree(tree, leaf, lambda name, operands: operators[OPCODE[name]](*operands))


def fill_tables(tables: Tables, mantissa: Array, exponent: Array) -> Program:
    """The programs of every row, with its parameters in their places."""
    arrays = tables.arrays
    numbers = [
        jnp.broadcast_to(jnp.asarray(table), (len(mantissa), *table.shape))
        for table in (arrays.mantissa, arrays.exponent)
    ]
    for index in range(mantissa.shape[1]):
        drawn = mantissa[:, index, None, None, None], exponent[:, index, None, None, None]
        is_here = jnp.asarray(arrays.source == index)
        numbers = [jnp.where(is_here, new, old) for new, old in zip(drawn, numbers, strict=True)]
    mantissas, exponents = numbers
    is_value = jnp.asarray(arrays.op == CONST)
    spread = lambda table: jnp.broadcast_to(jnp.asarray(table), (len(mantissa), *table.shape))
    return Program(
        op=spread(arrays.op.astype(np.int8)),
        a=jnp.where(is_value, mantissas[:, :, 0], arrays.a),
        b=jnp.where(is_value, exponents[:, :, 0], arrays.b).astype(jnp.int16),
        scale_mantissa=mantissas[:, :, 1],
        scale_exponent=exponents[:, :, 1].astype(jnp.int8),
        bias_mantissa=mantissas[:, :, 2],
        bias_exponent=exponents[:, :, 2].astype(jnp.int8),
        length=spread(arrays.length),
        protected=False,
    )
