"""SymPy expressions as JAX functions, compiled once for all that differ in constants only.

An expression becomes a tree of nested tuples in which every constant is masked, and a vector of
those constants. The tree holds no name a user chose, so nothing but our own words reaches the
source that `sympy.lambdify` writes, and it is the key under which the compiled function is kept.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from s2jax.core import checks
from s2jax.text.functions import FUNCTIONS

CACHE_SIZE = 256

_Tree = tuple[Any, ...]  # head, then children; numbers only in "v" (a variable) and "Rational"

LEAVES = {
    "-1": -1.0, "0": 0.0, "1": 1.0, "pi": math.pi, "E": math.e, "nan": math.nan, "oo": math.inf,
    "-oo": -math.inf, "EulerGamma": np.euler_gamma, "GoldenRatio": (1 + math.sqrt(5)) / 2,
    "Catalan": 0.9159655941772190, "TribonacciConstant": 1.8392867552141611,
    "True": True, "False": False,
}  # fmt: skip
_ORDERS = {
    "polygamma": (lambda n: n >= 0, "an integer >= 0"),
    "besseli": (lambda n: n in (0, 1), "0 or 1"),
    "expint": (lambda n: n >= 1, "an integer >= 1"),
}
_SYMMETRIC = {"Add", "Mul", "Max", "Min", "And", "Or", "Xor", "Equality", "Unequality"}


class Lambdified(eqx.Module):
    """A JAX function made from SymPy expressions.

    It is a pytree whose only leaf is `constants`. Functions of one skeleton are equal but for that
    leaf, so a jitted function that takes one takes all of them without compiling again.

    Attributes:
        constants: The numbers that stand in the expressions, as `skeleton` numbers them. They are
            kept in float64 and take the dtype of the inputs at each call.
        variables: The SymPy symbols, one per argument. Static.
    """

    constants: Float[Array, " constants"] | Float[np.ndarray, " constants"]
    variables: tuple[Any, ...] = eqx.field(static=True)
    _trees: tuple[_Tree, ...] = eqx.field(static=True)
    _is_sequence: bool = eqx.field(static=True)

    @property
    def skeleton(self) -> Any:
        """The SymPy expressions with `c_0`, `c_1`, ... in the place of constants."""
        import sympy

        numbers = map("c_{}".format, range(self.constants.shape[-1]))
        constants = (sympy.Symbol(name, real=True) for name in numbers)

        def leaf(head: str, value: int) -> Any:
            if head == "v":
                return self.variables[value]
            if head == "c":
                return next(constants)
            named = {"True": sympy.true, "False": sympy.false, "-oo": -sympy.oo}
            return named[head] if head in named else getattr(sympy, head, None) or int(head)

        with sympy.evaluate(False):
            trees = [
                _rebuild(tree, leaf, lambda head, a: function_of(head)(*a)) for tree in self._trees
            ]
        return tuple(trees) if self._is_sequence else trees[0]

    def __hash__(self) -> int:
        return hash((self._trees, self.variables))  # jax.jit(f) needs one; constants have none

    def with_constants(self, constants: ArrayLike | Sequence[float]) -> "Lambdified":
        """The function of the same skeleton with other constants; they may be traced.

        Raises:
            ValueError: If there are more or fewer of them.
        """
        if not isinstance(constants, jax.Array):
            constants = np.asarray(constants, np.float64)
        if np.shape(constants) != self.constants.shape:
            raise ValueError(
                f"with_constants(shape={np.shape(constants)}): must have shape "
                f"{self.constants.shape}, one number per constant of the skeleton {self.skeleton}. "
                "Pass as many as f.constants has."
            )
        return dataclasses.replace(self, constants=constants)

    def __call__(self, *arrays: ArrayLike) -> Any:
        """Values at the given arrays, which broadcast against each other.

        Args:
            *arrays: One array or number per variable, in their order.

        Returns:
            An array of the broadcast shape in the floating dtype the inputs promote to, or a tuple
            of arrays if a list of expressions was given.

        Raises:
            TypeError: If there are more or fewer arrays than variables, or one is complex.
            ValueError: If a constant is none of the dtype's numbers, such as 1e50 in float32.
        """
        if len(arrays) != len(self.variables):
            names = ", ".join(map(str, self.variables))
            raise TypeError(
                f"f called with {len(arrays)} arrays: must be {len(self.variables)}, one for each "
                f"variable of ({names}). Pass them in this order."
            )
        with jax.numpy_dtype_promotion("standard"):
            dtype = jnp.result_type(*arrays, float)
        if jnp.issubdtype(dtype, jnp.floating):
            checks.check_held("f", "a constant", self.constants, dtype, widest=np.inf)
        values = _compiled(self._trees, len(arrays))(self.constants, *arrays)
        return values if self._is_sequence else values[0]


@checks.suggest_names()
def lambdify(expr: Any, variables: Sequence[Any]) -> Lambdified:
    """A JAX function that computes a SymPy expression.

    It works under `jit`, `vmap` and `grad`, in float32 and float64. Expressions that differ only in
    constants, in the order of terms and in the names of variables share one compiled function:
    constants are traced arguments of it. All Floats are constants, and all integers and fractions
    but -1, 0, 1, exponents, and the orders of `polygamma`, `besseli` and `expint`.

    Arithmetic is real: where SymPy's value is complex, the result is NaN, or the real part for
    `loggamma` and `Ci`. It is NaN too for `zeta(s, a)` unless s > 1 and a > 0, and for incomplete
    gamma functions unless s > 0. A `Piecewise` whose unused branch is singular has the right value,
    but its gradient there is NaN.

    Args:
        expr: A SymPy expression with real values, or a list or tuple of them.
        variables: The symbols of the expression that become arguments, in their order.

    Returns:
        A `Lambdified`; called with one array per variable it gives one array, or a tuple of them
        for a list of expressions. Its leaf `constants` can be differentiated and replaced.

    Raises:
        TypeError: If `expr` is text or no SymPy expression, or a variable is no symbol.
        ValueError: If `expr` holds a function that has no translation or a symbol that is no
            variable, or if a variable is given twice.

    Example:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> f = lambdify(2.5 * sympy.sin(1.3 * x) + y, [x, y])
        >>> f.skeleton
        c_0*sin(c_1*x) + y
        >>> f(jnp.zeros(3), 1.0)
        Array([1., 1., 1.], dtype=float32)
    """
    import sympy

    _check_variables(variables)
    is_sequence = isinstance(expr, (list, tuple, sympy.Tuple))
    checked = [_checked(e, variables) for e in (expr if is_sequence else [expr])]
    try:
        masked = [_mask(e, list(variables)) for e in checked]
    except ValueError as error:
        raise ValueError(f"{_call(expr)}: {error}.") from None
    constants = np.array([number for _, numbers in masked for number in numbers], np.float64)
    return Lambdified(constants, tuple(variables), tuple(tree for tree, _ in masked), is_sequence)


def _call(expr: Any) -> str:
    text = str(expr)
    return f"lambdify({text if len(text) <= 60 else text[:60] + '...'})"


def _check_variables(variables: Any) -> None:
    import sympy

    fix = "Pass a list of sympy.Symbol, as in lambdify(expr, [x, y])."
    if not isinstance(variables, (list, tuple, sympy.Tuple)):
        raise TypeError(f"lambdify(variables={variables!r}): must be a list or tuple. {fix}")
    for variable in variables:
        if not isinstance(variable, sympy.Symbol):
            raise TypeError(
                f"lambdify(variables={variables!r}): {variable!r} must be a symbol, not of type "
                f"{type(variable).__name__}. {fix}"
            )
    if len(set(variables)) != len(variables):
        raise ValueError(
            f"lambdify(variables={variables!r}): must be distinct, because each is one argument. "
            "Remove the second of equal ones."
        )


def _checked(expr: Any, variables: Sequence[Any]) -> Any:
    """The expression as a SymPy object, if there is a translation of everything in it."""
    import sympy

    if isinstance(expr, str):
        raise TypeError(
            f"lambdify({expr!r}): must be a SymPy expression, because text is never run. Read it "
            "with s2jax.from_text."
        )
    if isinstance(expr, (int, float)) and not isinstance(expr, bool):
        expr = sympy.Integer(expr) if isinstance(expr, int) else sympy.Float(expr)
    if not isinstance(expr, (sympy.Basic, sympy.MatrixBase)):
        raise TypeError(
            f"{_call(expr)}: must be a SymPy expression, not of type {type(expr).__name__}. The "
            "expression comes first: lambdify(expr, [x, y])."
        )
    unknown = sorted(find_unknown(expr))
    if unknown:
        raise ValueError(
            f"{_call(expr)}: must hold functions of real numbers that JAX has, which excludes "
            f"{', '.join(unknown)}. Rewrite it with expr.doit(), expr.rewrite(...) or "
            "expr.subs(...); give a matrix as the list of its entries."
        )
    if isinstance(expr, sympy.logic.boolalg.Boolean) and not expr.is_Symbol:
        raise ValueError(
            f"{_call(expr)}: must be a number, not a condition. Write Piecewise((1, condition), "
            "(0, True))."
        )
    missing = sorted(map(str, expr.free_symbols - set(variables)))
    if missing:
        raise ValueError(
            f"{_call(expr)}: must have no symbols but its variables {list(variables)}, and has "
            f"{', '.join(missing)}. Add them to variables or substitute numbers; a symbol of the "
            "same name with other assumptions is another one."
        )
    return expr


def find_unknown(expr: Any) -> set[str]:
    """Names of all that has no translation."""
    import sympy

    found, seen, waiting = set(), set(), [expr]
    while waiting:
        node = waiting.pop()
        if isinstance(node, sympy.MatrixBase):
            found.add(type(node).__name__)
        elif node not in seen and not (node.is_Symbol or node.is_Rational or node.is_Float):
            seen.add(node)
            name = type(node).__name__
            if not node.args and str(node) in LEAVES:
                continue
            if name not in FUNCTIONS or not node.args or function_of(name) is not node.func:
                found.add(name if node.args else str(node))
            elif name in _ORDERS and not (
                node.args[0].is_Integer and _ORDERS[name][0](node.args[0])
            ):
                found.add(f"{node} (its order must be {_ORDERS[name][1]})")
            else:
                waiting.extend(node.args)
    return found


def function_of(name: str) -> Any:
    """SymPy's class of that name."""
    import sympy
    from sympy.codegen import cfunctions
    from sympy.functions.elementary.piecewise import ExprCondPair

    if name == "ExprCondPair":
        return ExprCondPair
    return getattr(sympy, name, None) or getattr(cfunctions, name)


def _mask(node: Any, variables: list[Any]) -> tuple[_Tree, list[float]]:
    """The tree of an expression, and its constants in the order in which the tree is read."""
    if node.is_Symbol:
        return ("v", variables.index(node)), []
    if not node.args:
        if node.is_Float or (node.is_Rational and node not in (-1, 0, 1)):
            return ("c",), [to_double(node)]
        return (str(node),), []
    head = type(node).__name__
    children = [_mask(child, variables) for child in node.args]
    structural = {"Pow": 1} | dict.fromkeys(_ORDERS, 0)  # where a number is part of the structure
    if head in structural and node.args[structural[head]].is_Rational:
        number = node.args[structural[head]]
        children[structural[head]] = ("Rational", int(number.p), int(number.q)), []
    if head in _SYMMETRIC:  # SymPy sorts by value
        children.sort()
    return (head, *(tree for tree, _ in children)), [c for _, some in children for c in some]


def to_double(number: Any) -> float:
    """The float64 nearest to a number of SymPy.

    Raises:
        ValueError: If it is too large for one, or so small that it would become 0.
    """
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if math.isinf(value) or (value == 0 and not number.is_zero):
        raise ValueError(
            f"the number {show_number(number)} must be of magnitude 2.2e-308 to 1.8e308 to be a "
            "float. Rescale it"
        )
    return value


def show_number(number: Any) -> str:
    """A number of SymPy, of at most 15 digits."""
    return str(number.evalf(15))


def _rebuild(tree: _Tree, leaf: Callable[..., Any], make: Callable[..., Any]) -> Any:
    """The SymPy expression of a tree."""
    import sympy

    head, *rest = tree
    if head == "Rational":
        return sympy.Rational(*rest)
    if head == "v" or not rest:
        return leaf(head, *rest or [0])
    return make(head, [_rebuild(child, leaf, make) for child in rest])


@functools.lru_cache(maxsize=CACHE_SIZE)
def _compiled(trees: tuple[_Tree, ...], num_variables: int) -> Callable[..., tuple[Array, ...]]:
    """The jitted function of some trees: constants first, then one array per variable."""
    evaluate, num_constants, leaves = _source(trees, num_variables)

    @jax.jit
    def run(constants: ArrayLike, *arrays: ArrayLike) -> tuple[Array, ...]:
        inputs = [jnp.asarray(array) for array in arrays]
        with jax.numpy_dtype_promotion("standard"):
            dtype = jnp.result_type(*inputs, float)
        if jnp.issubdtype(dtype, jnp.complexfloating):
            raise TypeError(
                f"f called with {dtype} arrays: must be real. Pass real and imaginary part."
            )
        inputs = [array.astype(dtype) for array in inputs]
        numbers = jnp.asarray(constants).astype(dtype)
        named = [
            jnp.asarray(v, bool if isinstance(v, bool) else dtype) for v in map(LEAVES.get, leaves)
        ]
        with jax.numpy_rank_promotion("allow"):
            values = evaluate(*inputs, *(numbers[k] for k in range(num_constants)), *named)
        shape = jnp.broadcast_shapes(*(array.shape for array in inputs))
        return tuple(jnp.broadcast_to(value.astype(dtype), shape) for value in values)

    return run


def _source(
    trees: tuple[_Tree, ...], num_variables: int
) -> tuple[Callable[..., Any], int, list[str]]:
    """What `sympy.lambdify` makes of the trees, the number of constants, and the leaves by name.

    The source it writes holds our words only: v_0, c_0, n_0 and the functions `jax_...`.
    """
    import sympy

    constants: list[Any] = []
    leaves: dict[str, Any] = {}

    def leaf(head: str, value: int) -> Any:
        if head == "v":
            return sympy.Symbol(f"v_{value}")
        if head == "c":
            constants.append(sympy.Symbol(f"c_{len(constants)}"))
            return constants[-1]
        return leaves.setdefault(head, sympy.Symbol(f"n_{len(leaves)}"))

    def make(head: str, operands: list[Any]) -> Any:
        if head == "Mul":  # x / y is nearer than x * (1 / y)
            below = [o for o in operands if str(o.func) == "jax_Pow" and o.args[1].is_negative]
            above = [o for o in operands if o not in below]
            if below and above:
                inverse = [make("Pow", [o.args[0], -o.args[1]]) for o in below]
                return make("divide", [make("Mul", above), make("Mul", inverse)])
        return sympy.Function(f"jax_{head}")(*operands)

    bodies = [_rebuild(tree, leaf, make) for tree in trees]
    arguments = [sympy.Symbol(f"v_{k}") for k in range(num_variables)]
    arguments += [*constants, *leaves.values()]
    names = {f"jax_{name}": function for name, function in FUNCTIONS.items()}
    modules = [{**names, "jax_divide": jnp.divide}, "jax"]
    function = sympy.lambdify(arguments, bodies, modules=modules, cse=True)
    return function, len(constants), list(leaves)
