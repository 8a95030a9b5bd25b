"""Functions that are no operators but exact compositions of them, and what others can become.

A composition has the function's value over the whole range of floats and computes its operand once:
nothing cancels or overflows that the function does not, and nested ones do not grow. What has no
such form is refused, because a program must be the function that is asked for, to rounding.
"""

import functools
from collections.abc import Callable, Mapping

from s2jax.programs.program import FIRST_STATE, TIME
from s2jax.text.tree import Number, Operation, Parameter, Tree, Variable

HALF, ONE, ZERO = Number(5, -1), Number(1, 0), Number(0, 0)


def _call(*names: str) -> Callable[[Tree], Tree]:
    """The operators, outermost first."""
    return lambda u: functools.reduce(lambda u, name: Operation(name, (u,)), names[::-1], u)


def _logarithm(base: Tree) -> Callable[[Tree], Tree]:
    return lambda u: logarithm(u, base)


def logarithm(u: Tree, base: Tree) -> Tree:
    return Operation("div", (Operation("log", (u,)), Operation("log", (base,))))


def heaviside(u: Tree, at_zero: Tree = HALF) -> Tree:
    """0 below 0, 1 above, and `at_zero` there.

    Raises:
        ValueError: If `at_zero` is not 0, 1/2 or 1.
    """
    sign = Operation("sign", (u,))
    if at_zero == ZERO:
        return Operation("max", (ZERO, sign))
    if at_zero == ONE:
        return Operation("add", (ONE, Operation("min", (ZERO, sign))))
    if at_zero in (HALF, Operation("inv", (Number(2, 0),))):
        return Operation("add", (HALF, Operation("mul", (HALF, sign))))
    raise ValueError("the value of Heaviside at 0 must be 0, 1/2 or 1. Write it with sign(...)")


UNARY: Mapping[str, Callable[[Tree], Tree]] = {
    "sec": _call("inv", "cos"), "csc": _call("inv", "sin"), "cot": _call("inv", "tan"),
    "sech": _call("inv", "cosh"), "csch": _call("inv", "sinh"), "coth": _call("inv", "tanh"),
    "asec": _call("arccos", "inv"), "acsc": _call("arcsin", "inv"), "acot": _call("arctan", "inv"),
    "asech": _call("arccosh", "inv"), "acsch": _call("arcsinh", "inv"),
    "acoth": _call("arctanh", "inv"),
    "log2": _logarithm(Number(2, 0)), "log10": _logarithm(Number(10, 0)),
    "exp2": lambda u: Operation("pow", (Number(2, 0), u)),
    "Heaviside": heaviside,
}  # fmt: skip
"""Of one operand, by SymPy's name. At its jump at 0, acot is NaN as 1/0 is."""

LOGARITHMS = ("log", "log2", "log10")
"""Those whose operand is protected."""

INSTEAD: Mapping[str, str] = {
    "ITE": "Piecewise((a, condition), (b, True))",
    "atan2": "atan(y/x), where x > 0",
    "log1p": "log(1 + x)",
    "expm1": "exp(x) - 1",
    "hypot": "sqrt(x**2 + y**2)",
    "sinc": "sin(x)/x",
    "cbrt": "sign(x)*Abs(x)**(1/3)",
    "Cbrt": "sign(x)*Abs(x)**(1/3)",
    "real_root": "sign(x)*Abs(x)**(1/n)",
    "root": "x**(1/n)",
    "sigmoid": "1/(1 + exp(-x))",
    "relu": "Max(x, 0)",
    "arctan2": "atan(y/x), where x > 0",
}
"""What to write in place of functions that are neither operators nor compositions."""


def is_state(tree: Tree) -> bool:
    """Whether this is a state, or a parameter that may stand for one."""
    is_variable = isinstance(tree, Variable) and FIRST_STATE <= tree.index < TIME
    return is_variable or isinstance(tree, Parameter)


def lag(state: Tree, delay: Tree) -> Tree:
    """A state some time before.

    Raises:
        ValueError: If the first operand is no state, or the second no positive number.
    """
    if not is_state(state):
        raise ValueError("only states y_0, y_1, ... have delays")
    is_positive = isinstance(delay, Number) and delay.mantissa > 0
    if not (is_positive or isinstance(delay, Parameter)):
        raise ValueError(
            "a delay must be a positive number, as in y_0(t - 2.5), because it decides what is read"
        )
    return Operation("lag", (state, delay))


def delay_of(time: Tree) -> Tree:
    """The delay in `t - 2.5`.

    Raises:
        ValueError: If this is nothing of the kind.
    """
    if isinstance(time, Operation) and len(time.operands) == 2:
        a, b = time.operands
        if time.name == "add" and a == _TIME:
            a, b = b, a
        if time.name == "add" and b == _TIME and isinstance(a, Number):
            return a._replace(mantissa=-a.mantissa)
        if time.name == "sub" and a == _TIME:
            return b
    raise ValueError("a state is read at t minus a number, as in y_0(t - 2.5); a product has a `*`")


_TIME = Variable(TIME)


def apply(name: str, operands: tuple[Tree, ...]) -> Tree:
    """A function of SymPy or an operator by its name here.

    Raises:
        ValueError: If it does not take so many operands, or not these.
    """
    if name in ("max", "min"):
        if not operands:
            raise ValueError(f"{name} must have an operand")
        return functools.reduce(lambda a, b: Operation(name, (a, b)), operands)
    if name == "lag":
        return lag(*operands)
    if name == "log" and len(operands) == 2:
        return logarithm(*operands)
    if name == "Heaviside" and len(operands) == 2:
        return heaviside(*operands)
    return UNARY[name](*operands) if name in UNARY else Operation(name, operands)
