"""Programs from SymPy expressions."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Context
from typing import Any, TypeAlias

import jax
import numpy as np

from s2jax.core import checks
from s2jax.programs import Program
from s2jax.programs.operators import TABLE
from s2jax.programs.program import MAX_INPUTS, MAX_STATES
from s2jax.programs.trees import MAX_NODES
from s2jax.text import compositions, conditions
from s2jax.text.lambdas import function_of, show_number
from s2jax.text.sympy_trees import exponential, join_power, join_product, join_sum, without_guard
from s2jax.text.tree import (
    VARIABLES,
    Number,
    Operation,
    Tree,
    Variable,
    number,
    to_programs,
)

# more than the prefix form of any program of MAX_NODES instructions has
MAX_SIZE, MAX_AXES = 2**12, 8

ReadSymbol: TypeAlias = Callable[[Any], Tree | None]
"""What a SymPy symbol stands for; None if for nothing."""


@checks.suggest_names()
def from_sympy(
    exprs: Any,
    variables: Sequence[Any] | Mapping[Any, str] | None = None,
    protected: bool = False,
    num_nodes: int | None = None,
) -> Program:
    """Programs that compute SymPy expressions; the inverse of `to_sympy`.

    Expressions are taken as they stand: nothing is expanded or simplified. The number of a sum or a
    product becomes a bias or a scale, a product with inverses a quotient, and a power the shortest
    of `pow2`, `pow3`, `inv` and `sqrt` there is. Functions that are exact compositions of operators
    become those: `sec(x)` is `inv(cos(x))`, and likewise the other reciprocal functions and their
    inverses, `log(x, b)`, and `Heaviside`. `Piecewise`, with relations and And, Or, Not in its
    conditions, becomes a sum of gates: `gate(c, a)` is a where c > 0 and else 0, whatever a is.
    `Function("y_0")(t - 2.5)` is the state y_0 some time before. A program that came from
    `to_sympy` comes back with the same values and with no more instructions.

    Args:
        exprs: One row: an expression, or a tuple of them, one per output; or a list of rows, or
            lists of lists, nested equally deep. `Integer(0)` is an unused output.
        variables: The symbols that become x_0, x_1, ...; or the name of each, as in
            `{u: "y_0", time: "t", force: "x_0"}`. By default those named x_0, ..., y_0, ... and t,
            whatever is assumed of them.
        protected: Whether `log`, `sqrt` and `pow` take the absolute value of their first operand.
            An `Abs` that stands there is then implied and left out. Without one the program has
            values where SymPy's are complex.
        num_nodes: Instruction slots; by default as many as the longest expression needs.

    Returns:
        Programs of shape `(*batch, outputs)`, where batch is the shape of the lists; rows of fewer
        outputs end in unused ones. Numbers keep 9 significant digits, fractions too: 1/3 is
        0.333333333.

    Raises:
        TypeError: If `exprs` holds text or anything else that is no SymPy expression.
        ValueError: If an expression holds a function that programs do not have, a number that is
            not finite, or a symbol that is no variable; if it takes more than `num_nodes` or 256
            instructions; or if lists are ragged.

    Example:
        >>> import sympy
        >>> from s2jax.text import to_text
        >>> x, y = sympy.symbols("x y")
        >>> to_text(from_sympy((0.5 * sympy.sin(x) - y / x**2 + 3, x - y), [x, y]))
        '(3 add ((0.5 mul sin(x_0)) sub (x_1 div (x_0)**2))) | (x_0 sub x_1)'
        >>> from_sympy([x, y], [x, y]).shape  # two rows
        (2, 1)
    """
    if num_nodes is not None:
        checks.check_static_integer("from_sympy", "num_nodes", num_nodes, 1, MAX_NODES)
    rows, shape = _rows(exprs)
    read = _variables(variables)
    trees = [[_output(expr, read, protected) for expr in row] for row in rows]
    width = max(map(len, trees), default=0)
    padded = [[*row, *[None] * (width - len(row))] for row in trees]
    # in NumPy, because JAX would compile a reshape for every shape
    reshape = lambda leaf: jax.device_put(np.asarray(leaf).reshape(*shape, *leaf.shape[1:]))
    with jax.ensure_compile_time_eval():  # else arrays made inside jit are traced
        try:
            program = to_programs(padded, protected, num_nodes)
        except ValueError as error:
            raise ValueError(f"from_sympy: {error}. Split it or raise num_nodes.") from None
        return jax.tree.map(reshape, program)


def _rows(exprs: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The outputs of every row, first to last, and the batch shape."""
    import sympy

    level, shape = [exprs], []
    while level and any(isinstance(item, list) for item in level):
        lengths = {len(item) if isinstance(item, list) else None for item in level}
        if len(lengths) > 1 or len(shape) == MAX_AXES:
            raise ValueError(
                f"from_sympy(exprs of {len(shape)} axes and more): lists must nest equally deep, "
                f"at most {MAX_AXES} deep, and those on one level be of one length, because they "
                "become the batch axes. The outputs of a row are a tuple."
            )
        shape.append(len(level[0]))
        level = [row for item in level for row in item]
    is_tuple = lambda row: isinstance(row, (tuple, sympy.Tuple))
    return [tuple(row) if is_tuple(row) else (row,) for row in level], tuple(shape)


def _variables(variables: Sequence[Any] | Mapping[Any, str] | None) -> ReadSymbol:
    import sympy

    if variables is None:
        return lambda symbol: VARIABLES.get(symbol.name)
    is_list = isinstance(variables, (list, tuple, sympy.Tuple))
    if not (is_list or isinstance(variables, Mapping)) or not all(
        isinstance(variable, sympy.Symbol) for variable in variables
    ):
        raise TypeError(
            f"from_sympy(variables={variables!r}): must be a list of sympy.Symbol, in the order of "
            "x_0, x_1, ..., or a dict of their names; leave it out if they are named so."
        )
    if isinstance(variables, Mapping):
        return _named(variables)
    if len(set(variables)) != len(variables) or len(variables) > MAX_INPUTS:
        raise ValueError(
            f"from_sympy(variables={variables!r}): must be distinct and at most {MAX_INPUTS}, "
            "because each is one input. Remove the second of equal ones."
        )
    return {variable: Variable(index) for index, variable in enumerate(variables)}.get


def _named(variables: Mapping[Any, str]) -> ReadSymbol:
    for symbol, name in variables.items():
        if name not in VARIABLES:
            raise ValueError(
                f"from_sympy(variables={{{symbol}: {name!r}}}): must name an input x_0 to "
                f"x_{MAX_INPUTS - 1}, a state y_0 to y_{MAX_STATES - 1}, or t, because programs "
                "have no other variables."
            )
    if len(set(variables.values())) != len(variables):
        raise ValueError(
            f"from_sympy(variables={dict(variables)!r}): must be distinct, because each is one "
            "variable. Rename one of them."
        )
    return {symbol: VARIABLES[name] for symbol, name in variables.items()}.get


def _output(expr: Any, read: ReadSymbol, protected: bool) -> Tree | None:
    import sympy

    is_unused = isinstance(expr, sympy.Integer) and expr == 0
    if is_unused:
        return None
    return read_sympy("from_sympy", expr, read, protected, "keep it and use s2jax.lambdify")


def read_sympy(owner: str, expr: Any, read: ReadSymbol, protected: bool, instead: str = "") -> Tree:
    """The tree of a SymPy expression, read without recursion.

    Args:
        owner: The call in which it stands.
        expr, read, protected: As in `from_sympy`.
        instead: What else can be done with an expression that has no place in a program.

    Raises:
        TypeError: If it is none.
        ValueError: If a part of it has no place in a program.
    """
    import sympy

    if isinstance(expr, (int, float)) and not isinstance(expr, bool):
        expr = sympy.Integer(expr) if isinstance(expr, int) else sympy.Float(expr)
    if not isinstance(expr, sympy.Expr) or isinstance(expr, sympy.MatrixBase):
        fix = "Read text with s2jax.from_text." if isinstance(expr, str) else "Pass a sympy.Expr."
        raise TypeError(
            f"{owner}({shorten(expr)}): must be a SymPy expression, not of type "
            f"{type(expr).__name__}. {fix}"
        )
    # by identity: to hash an expression is to walk all of it
    trees: dict[int, tuple[Tree, int]] = {}
    stack: list[tuple[Any, bool]] = [(expr, False)]
    while stack:
        node, is_ready = stack.pop()
        if id(node) in trees:
            continue
        if not is_ready:
            # before its parts, some of which make no sense alone
            if _name(node) == "" and not _is_delayed(node, read):
                raise ValueError(f"{owner}({shorten(expr)}): {_refusal(node, instead)}")
            stack.append((node, True))
            stack.extend((part, False) for part in node.args)
            continue
        parts = [trees[id(part)] for part in node.args]
        size = 1 + sum(part[1] for part in parts)
        if size > MAX_SIZE:
            raise ValueError(
                f"{owner}({type(expr).__name__} of more than {MAX_SIZE} parts): must take <= "
                f"{MAX_NODES} instructions. {_way_out('Split it', instead)}"
            )
        try:
            tree = _read_node(node, [part[0] for part in parts], read, protected)
        except ValueError as error:
            raise ValueError(f"{owner}({shorten(expr)}): {error}") from None
        trees[id(node)] = tree, size
    return trees[id(expr)][0]


def shorten(expr: Any) -> str:
    """An expression in a message."""
    try:
        text = str(expr)
    except RecursionError:
        return f"a deep {type(expr).__name__}"
    except ValueError:  # Python writes no integers of thousands of digits
        return f"{type(expr).__name__} with a number of thousands of digits"
    return text if len(text) <= 60 else text[:60] + "..."


def _read_node(node: Any, operands: list[Tree], read: ReadSymbol, protected: bool) -> Tree:
    if node.is_Symbol:
        tree = read(node)
        if tree is None:
            raise ValueError(
                f"the symbol {node} must be a variable. Name it x_0, y_0 or t, or list it in "
                "variables; one of the same name with other assumptions is another one."
            )
        return tree
    if node.is_Float or node.is_Rational:
        return _read_number(node)
    if node.is_Add:
        return join_sum(operands)
    if node.is_Mul:
        return join_product(operands)
    if node.is_Pow:
        return join_power(node.exp, operands, protected)
    name = _name(node)
    if name == "":
        return compositions.lag(_state(node, read), compositions.delay_of(operands[0]))
    if name in compositions.LOGARITHMS:
        operands = [without_guard(operand, protected) for operand in operands]
    if name == "exp":
        return exponential(operands[0])
    if name in _CONDITIONS:
        return _CONDITIONS[name](operands)
    return compositions.apply(name, tuple(operands))


def _name(node: Any) -> str:
    """What programs call a function or constant; "" if they do not have it."""
    if node.is_Symbol or node.is_Float or node.is_Rational:
        return "a leaf"
    if node.is_Add or node.is_Mul or node.is_Pow:
        return "arithmetic"
    key = node if not node.args else node.func
    return _functions().get(key, "") or _conditional().get(key, "")


def _state(node: Any, read: ReadSymbol) -> Any:
    """The state that an undefined function of one operand is named after; None if there is none."""
    import sympy

    symbols = (sympy.Symbol(node.func.__name__), sympy.Symbol(node.func.__name__, real=True))
    return next((found for found in map(read, symbols) if found is not None), None)


def _is_delayed(node: Any, read: ReadSymbol) -> bool:
    """Whether this is a state at some other time, such as `y_0(t - 2.5)`."""
    from sympy.core.function import AppliedUndef

    if not isinstance(node, AppliedUndef) or len(node.args) != 1:
        return False
    state = _state(node, read)
    return state is not None and compositions.is_state(state)


def _refusal(node: Any, instead: str) -> str:
    """That a program cannot hold this, and what to do."""
    import sympy

    what = node.func.__name__ if node.args else str(node)
    if node.has(sympy.im):  # what real_root makes of a symbol that may be complex
        return (
            f"{what} with im(...) must be a real function, because programs are real. Make the "
            "symbols with real=True before real_root or the like, or write sign(x)*Abs(x)**(1/3)."
        )
    known = ", ".join(map(str, _functions()))
    rewrite = "Rewrite it"
    if what in compositions.INSTEAD:
        rewrite = f"Write {compositions.INSTEAD[what]} in its place"
    return (
        f"{what} must be an operator of programs: one of {known}, or a sum, product or power. "
        f"{_way_out(rewrite, instead)}"
    )


def _way_out(first: str, instead: str) -> str:
    return f"{first}, or {instead}." if instead else f"{first}."


@functools.cache
def _functions() -> Mapping[Any, str]:
    """Operators, and compositions of them, by SymPy's function or constant."""
    import sympy
    from sympy.codegen import cfunctions

    named = [o for o in TABLE if isinstance(o.symbol, str) and o.name not in ("pow", "sqrt")]
    found = {getattr(sympy, str(operator.symbol)): operator.name for operator in named}
    of = lambda name: getattr(sympy, name, None) or getattr(cfunctions, name)
    found |= {of(name): name for name in compositions.UNARY}
    return found | {sympy.Piecewise: "Piecewise"}


@functools.cache
def _conditional() -> Mapping[Any, str]:
    """What stands within `Piecewise` only."""
    import sympy

    relations = (sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le, sympy.Eq, sympy.Ne)
    found = dict(zip(relations, conditions.RELATIONS, strict=True))
    found |= {sympy.And: "And", sympy.Or: "Or", sympy.Not: "Not"}
    found |= {sympy.true: "True", sympy.false: "False"}
    return found | {function_of("ExprCondPair"): "piece"}


def _relation(symbol: str) -> Callable[[list[Any]], Any]:
    return lambda operands: conditions.relation(symbol, *operands)


_CONDITIONS: Mapping[str, Callable[[list[Any]], Any]] = {
    **{symbol: _relation(symbol) for symbol in conditions.RELATIONS},
    "And": lambda operands: conditions.join("min", operands),
    "Or": lambda operands: conditions.join("max", operands),
    "Not": lambda operands: conditions.negate(operands[0]),
    "True": lambda operands: conditions.TRUE,
    "False": lambda operands: conditions.FALSE,
    "piece": lambda operands: Operation("piece", tuple(operands)),  # until all are there
    "Piecewise": lambda pieces: conditions.piecewise([piece.operands for piece in pieces]),
}


def _read_number(node: Any) -> Number:
    if node.is_Float:
        value = float(node)
        is_double = math.isfinite(value) and (value != 0 or node.is_zero)
        return number(value if is_double else show_number(node))  # which refuses it by its value
    if max(abs(int(node.p)), int(node.q)).bit_length() > _MAX_BITS:
        return number(show_number(node))  # likewise; Python writes no integers of so many digits
    if node.is_Integer:
        return number(int(node))
    return number(str(_FRACTIONS.divide(int(node.p), int(node.q))))


_FRACTIONS = Context(prec=20)
_MAX_BITS = 4096
