"""A law of expressions that are given: one is drawn, and the numbers that stand in it."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.core.random import categorical, random_bits
from s2jax.core.types import Number as Weight
from s2jax.distributions import (
    AbstractDistribution,
    Constant,
    check_weights,
    floats,
    sample_as,
    stack,
)
from s2jax.laws._base import AbstractLaw
from s2jax.programs import Program
from s2jax.programs.operators import CONST, ID, NUM_LEAVES, OPCODE
from s2jax.programs.program import MAX_DIGITS, MAX_INPUTS, VARIABLE_NAMES, decimal, to_decimal
from s2jax.programs.trees import MAX_NODES
from s2jax.text.form import build, check_program
from s2jax.text.lexer import WORDS
from s2jax.text.read_sympy import read_sympy
from s2jax.text.read_text import read_expression
from s2jax.text.tree import (
    VARIABLES,
    Number,
    Operation,
    Parameter,
    Tree,
    Variable,
    instructions,
    number,
    prefix,
)
from s2jax.text.tree import Constant as Given
from s2jax.text.write_text import text_form

MAX_ROUNDED = 6  # digits that float32 holds
_FIXED, _JITTERED = -1, -2  # where a number comes from, if not from a parameter


class GivenLaw(AbstractLaw):
    """One of the given expressions, drawn by weight, with numbers drawn anew in every row.

    An expression may name parameters: `sin(a*x_0)`. A row draws each parameter once, and all uses
    of the name in this row are that number. The constants written with a decimal point can each
    be multiplied by a factor of their own. Drawn numbers are rounded to `digits`
    significant digits, so that text, tokens and values of a program agree; a parameter that is
    `Constant` keeps 6, and 9 in float64.

    In a row that uses fewer inputs than an expression names (`Config.min_inputs`), x_k stands for
    x_(k mod used). The states y_k and the time t have values in differential equations only:
    an algebraic target refuses an expression that reads them.

    Attributes:
        alternatives: A list of expressions, of which every output of a row draws one: text as
            `s2jax.from_text` reads it, or SymPy expressions in x_0, x_1, ..., y_0, ... and t, whose
            other symbols are parameters; or the expressions of a `Program`. They are kept as a
            tuple of text in which every operator is spelt out. Static.
        weights: One per expression; they need not sum to 1. None in the call means equal ones.
        parameters: The distribution of every parameter by name.
        factor: The distribution of what each decimal constant is multiplied by; None leaves all
            constants as they are written.
        digits: Significant digits of drawn numbers. Static.

    Raises:
        TypeError: If an expression is neither text nor SymPy, or a distribution is none.
        ValueError: If an expression cannot be read, names a parameter that has no distribution, or
            takes more than 256 instructions; if a parameter is in no expression; or if weights do
            not fit. When rows are drawn, if a number is none of the float type's: 1e50 in float32.

    Example:
        >>> import jax, s2jax
        >>> from s2jax.distributions import Uniform
        >>> law = GivenLaw(["sin(a*x_0) + 0.5*x_1", "x_0*x_1"], [1, 2], {"a": Uniform(0.5, 2.0)})
        >>> law.alternatives
        ('(sin((a mul x_0)) add (0.5 mul x_1))', '(x_0 mul x_1)')
        >>> config = s2jax.presets.s2(length=64, num_inputs=2, target=s2jax.Algebraic(law=law))
        >>> batch = s2jax.sample(jax.random.key(1), config, 2)
        >>> s2jax.to_text(batch.program)
        ['(x_0 mul x_1)', '(sin((1.174 mul x_0)) add (0.5 mul x_1))']
    """

    alternatives: tuple[str, ...] = eqx.field(static=True)
    weights: Sequence[Weight] | Float[Array, " alternatives"]
    parameters: Mapping[str, AbstractDistribution]
    factor: AbstractDistribution | None
    digits: int = eqx.field(static=True)

    def __init__(
        self,
        alternatives: Any = ("x_0",),
        weights: Any = None,
        parameters: Mapping[str, AbstractDistribution] | None = None,
        factor: AbstractDistribution | None = None,
        digits: int = 4,
    ):
        self.parameters = dict(parameters or {})
        _check_distributions(self.parameters, factor)
        self.alternatives = tuple(_spelt_out(alternatives, self.parameters))
        self.weights = floats((1.0,) * len(self.alternatives) if weights is None else weights)
        self.factor = factor
        self.digits = digits

    def __check_init__(self):
        checks.check_static_integer("GivenLaw", "digits", self.digits, 1, MAX_ROUNDED)
        check_weights("GivenLaw", "alternatives", len(self.alternatives), self.weights)
        unused = sorted(set(self.parameters) - self._tables.used)
        if unused:
            raise ValueError(
                f"GivenLaw(parameters={{{unused[0]!r}: ...}}): must stand in an expression, "
                "because nothing else reads it. Leave it out, or correct the name."
            )

    @property
    def _tables(self) -> "Tables":
        return make_tables(
            self.alternatives, tuple(sorted(self.parameters)), self.factor is not None
        )

    def num_nodes(self, num_inputs: int) -> int:
        return self._tables.op.shape[1]

    def max_tokens(self, num_inputs: int) -> int:
        return self._tables.max_tokens

    def check_inputs(self, num_inputs: int) -> None:
        for text, names in zip(self.alternatives, self._tables.of_equations, strict=True):
            if names:
                raise ValueError(
                    f"GivenLaw([{text!r}, ...]): must read inputs x_0, x_1, ... only, and reads "
                    f"{', '.join(names)}, because states and time have values in differential "
                    "equations only. Rename it, or draw a differential target."
                )
        self._check_num_inputs(num_inputs)

    def _check_num_inputs(self, num_inputs: int) -> None:
        for text, count in zip(self.alternatives, self._tables.num_inputs, strict=True):
            if count > num_inputs:
                known = f"x_0 to x_{num_inputs - 1} only" if num_inputs else "no inputs"
                raise ValueError(
                    f"GivenLaw([{text!r}, ...]) with num_inputs={num_inputs}: must read "
                    f"{known}, and reads x_{count - 1}. Raise num_inputs of the config, or rename "
                    "the variable."
                )

    def draw(self, words, used_inputs, num_inputs, protected, stream=0) -> Program:
        self._check_num_inputs(num_inputs)  # laws of differential equations may read y_k and t
        tables, num_parameters = self._tables, len(self.parameters)
        # jittered numbers are multiplied in float32
        dtype = jnp.result_type(float) if self.factor is None else jnp.float32
        check_numbers("GivenLaw", tables, dtype)
        slots = tables.mantissa[0].size if self.factor is not None else 0
        bits = random_bits(words, 1 + num_parameters + slots, stream)
        which = categorical(bits[0], stack(self.weights))
        row = jax.tree.map(lambda table: jnp.asarray(table)[which], tables.arrays)
        mantissa, exponent = row.mantissa, row.exponent
        for index, name in enumerate(sorted(self.parameters)):
            pair = drawn_decimal(self.parameters[name], bits[1 + index], self.digits)
            drawn = [leaf[:, None, None] for leaf in pair]
            mantissa = jnp.where(row.source == index, drawn[0], mantissa)
            exponent = jnp.where(row.source == index, drawn[1], exponent)
        if self.factor is not None:
            factors = self.factor.from_bits(bits[1 + num_parameters :].T).reshape(mantissa.shape)
            drawn = to_decimal(decimal(mantissa, exponent, jnp.float32) * factors, self.digits)
            mantissa = jnp.where(row.source == _JITTERED, drawn[0], mantissa)
            exponent = jnp.where(row.source == _JITTERED, drawn[1], exponent)
        return _program(row, mantissa, exponent, used_inputs, protected)


def drawn_decimal(law: AbstractDistribution, bits: Array, digits: int) -> tuple[Array, Array]:
    """Drawn numbers as decimals of so many digits; fixed ones of as many as their type holds."""
    if isinstance(law, Constant):
        digits = MAX_DIGITS if jnp.result_type(float) == jnp.float64 else MAX_ROUNDED
        return to_decimal(sample_as(law, bits, jnp.result_type(float)), digits)
    return to_decimal(law.from_bits(bits), digits)


def check_numbers(owner: str, tables: "Tables", dtype: Any) -> None:
    """Refuse expressions with a number that the dtype cannot hold."""
    arrays = tables.arrays
    numbers = arrays.mantissa.astype(float) * 10.0 ** arrays.exponent.astype(float)
    checks.check_held(owner, "expression with a number", numbers, dtype)


class _Arrays(NamedTuple):
    """Expressions as programs; axes (expressions, nodes), or (expressions, 3, nodes).

    The three numbers of an instruction are its value, scale and bias. `source` is the index of a
    parameter, `_FIXED` or `_JITTERED`.
    """

    op: Any
    a: Any
    b: Any
    length: Any
    mantissa: Any
    exponent: Any
    source: Any


class Tables(NamedTuple):
    arrays: _Arrays
    num_inputs: tuple[int, ...]
    of_equations: tuple[tuple[str, ...], ...]  # the states and the time that each reads
    max_tokens: int
    used: frozenset[str]

    op = property(lambda self: self.arrays.op)
    mantissa = property(lambda self: self.arrays.mantissa)


@functools.lru_cache(maxsize=64)
def make_tables(expressions: tuple[str, ...], names: tuple[str, ...], jittered: bool) -> Tables:
    trees = [read_expression(text, names) for text in expressions]
    nodes = [list(prefix(tree)) for tree in trees]
    read = [sorted({n.index for n in own if isinstance(n, Variable)}) for own in nodes]
    codes = [instructions(_with_jitter(tree) if jittered else tree) for tree in trees]
    longest = max(map(len, codes), default=1)
    op = np.full((len(codes), longest), ID, np.int32)
    a, b = np.full(op.shape, -1, np.int32), np.full(op.shape, -1, np.int32)
    slots = np.zeros((3, len(codes), 3, longest), np.int32)
    slots[:] = np.reshape([[0, 1, 0], [0, 0, 0], [_FIXED] * 3], (3, 1, 3, 1))
    for i, code in enumerate(codes):
        for n, instruction in enumerate(code):
            op[i, n], a[i, n], b[i, n] = instruction[:3]
            slots[:, i, :, n] = np.transpose([_slot(c, names) for c in instruction[3:]])
    return Tables(
        _Arrays(op, a, b, np.array([len(code) for code in codes], np.int32), *slots),
        tuple(1 + max((v for v in own if v < MAX_INPUTS), default=-1) for own in read),
        tuple(tuple(VARIABLE_NAMES[v] for v in own if v >= MAX_INPUTS) for own in read),
        max(map(len, nodes), default=1),
        frozenset(n.name for own in nodes for n in own if isinstance(n, Parameter)),
    )


def _slot(constant: Given, names: tuple[str, ...]) -> tuple[int, int, int]:
    """Mantissa, exponent and source of a number."""
    if isinstance(constant, Number):
        return constant.mantissa, constant.exponent, _FIXED
    if constant.name in names:
        return 0, 0, names.index(constant.name)
    drawn = number(constant.name)
    return drawn.mantissa, drawn.exponent, _JITTERED


def _with_jitter(tree: Tree) -> Tree:
    """Decimal constants as parameters, named as they are written."""
    form = text_form("reference")

    def leaf(word: Given | Variable) -> Tree:
        if isinstance(word, Number) and word.exponent < 0:
            return Parameter(form.number(word.mantissa, word.exponent))
        return word

    return fold_tree(tree, leaf, Operation)


def _program(row: _Arrays, mantissa, exponent, used_inputs, protected: bool) -> Program:
    is_value, is_leaf = row.op == CONST, row.op < NUM_LEAVES
    used = jnp.maximum(used_inputs[:, None].astype(jnp.int32), 1)

    def wrap(at):
        is_input = (at < 0) & (at >= -MAX_INPUTS) & ~is_leaf
        return jnp.where(is_input, -1 - (-1 - at) % used, at)

    return Program(
        op=row.op.astype(jnp.int8),
        a=jnp.where(is_value, mantissa[:, 0], wrap(row.a)),
        b=jnp.where(is_value, exponent[:, 0], wrap(row.b)).astype(jnp.int16),
        scale_mantissa=mantissa[:, 1],
        scale_exponent=exponent[:, 1].astype(jnp.int8),
        bias_mantissa=mantissa[:, 2],
        bias_exponent=exponent[:, 2].astype(jnp.int8),
        length=row.length,
        protected=protected,
    )


def _check_distributions(parameters: Mapping[str, Any], factor: Any) -> None:
    given = [("factor", factor)] if factor is not None else []
    for name, kind in [*parameters.items(), *given]:
        if not isinstance(kind, AbstractDistribution):
            raise TypeError(
                f"GivenLaw({name}={kind!r}): must be a distribution. Pass for example "
                "s2jax.distributions.Uniform(0.5, 2.0)."
            )
    for name in parameters:
        if not name.isascii() or not name.isidentifier() or name in {**WORDS, **VARIABLES}:
            raise ValueError(
                f"GivenLaw(parameters={{{name!r}: ...}}): must be a word of letters, digits and "
                "underscores that names no variable and no operator. Choose another name."
            )


def _spelt_out(alternatives: Any, parameters: Mapping[str, Any]) -> Iterator[str]:
    """The expressions as text, of which each is read in one way."""
    if isinstance(alternatives, Program):
        check_program("GivenLaw", alternatives)
        texts = build(alternatives, text_form("reference"))
        alternatives = [text for text in texts if text is not None]
    if not isinstance(alternatives, (list, tuple)):
        alternatives = [alternatives]
    symbols = VARIABLES | {name: Parameter(name) for name in parameters}
    for index, expr in enumerate(alternatives):
        owner = f"GivenLaw(alternatives[{index}])"
        try:
            if isinstance(expr, str):
                tree = read_expression(expr, parameters)
            else:
                tree = read_sympy(owner, expr, lambda symbol: symbols.get(symbol.name), False)
        except ValueError as error:
            start = f"{owner}: " if isinstance(expr, str) else ""
            known = ", ".join(parameters) or "none yet"
            is_name = "unknown" in str(error) or "the symbol" in str(error)
            hint = f"\nA name needs a distribution in `parameters`, which has {known}."
            raise ValueError(f"{start}{error}{hint if is_name else ''}") from None
        if any(isinstance(node, Operation) and node.name == "lag" for node in prefix(tree)):
            raise ValueError(
                f"{owner}: must have no delays, because inputs have none. Solve equations with "
                "delays by s2jax.ode.System.from_sympy."
            )
        length = len(instructions(_with_jitter(tree)))
        if length > MAX_NODES:
            raise ValueError(
                f"{owner}: takes {length} instructions and must take <= {MAX_NODES}. Split it."
            )
        yield _text(tree)


def _text(tree: Tree) -> str:
    form = text_form("reference")

    def leaf(word: Given | Variable) -> str:
        if isinstance(word, Parameter):
            return word.name
        return form.variable(word.index) if isinstance(word, Variable) else form.number(*word)

    return fold_tree(tree, leaf, lambda name, operands: form.operators[OPCODE[name]](*operands))


def fold_tree(tree: Tree, leaf: Callable[..., Any], operation: Callable[..., Any]) -> Any:
    """What leaves and operations make of a tree, without recursion."""
    stack: list[Any] = []
    for word in reversed(list(prefix(tree))):
        if isinstance(word, Operation):
            operands = tuple(stack.pop() for _ in word.operands)
            stack.append(operation(word.name, operands))
        else:
            stack.append(leaf(word))
    (root,) = stack
    return root
