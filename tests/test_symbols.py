"""Symbols of programs: values against a float64 interpreter, text against the reference."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

import s2jax
from s2jax.laws import AbstractLaw, GivenLaw, S2Law, UniformLaw
from s2jax.programs import Program, evaluate, operators
from s2jax.programs.operators import OPCODE, TABLE
from s2jax.text import _write_sympy, form, to_prefix, to_sympy, to_text
from tests.programs import draw_programs

NUM_INPUTS = 2
NUM_DRAWN = 500
ROWS_PER_LAW = 30
ULP = 2.0**-23  # of float32, relative
FINE = 2.0**-43  # a thousand ulps of float64
BINARY = dict.fromkeys(operators.drawable(2), 1.0)
# tangents of huge numbers, of which exp and the like make many, have no digits that count
UNARY = dict.fromkeys(operators.drawable(1), 1.0) | {"tan": 0.2, "sinh": 0.2, "cosh": 0.2}
LAWS: dict[str, AbstractLaw] = {
    f"{law.__name__}-{affine}": law(BINARY, UNARY, affine=affine, constant_probability=0.5)
    for law in (S2Law, UniformLaw)
    for affine in ("reduced", "full", "none")
}

# Hand-made programs: a tree is a variable's name, an integer, or `Node`.


@dataclasses.dataclass(frozen=True)
class Node:
    """One instruction; its constants are written as in text."""

    op: str
    operands: tuple["Node | int", ...]
    scale: str | None = None
    bias: str | None = None


def node(op: str, *operands: Node | int, scale: str | None = None, bias: str | None = None) -> Node:
    """Build `bias + scale * op(operands)`; an operand that is an integer is a variable's index."""
    return Node(op, operands, scale, bias)


def affine(operand: Node | int, scale: str | None = None, bias: str | None = None) -> Node:
    return node("id", operand, scale=scale, bias=bias)


def integer(value: int, scale: str | None = None, bias: str | None = None) -> Node:
    return Node("const", (value,), scale, bias)


def decimal(text: str | None, default: tuple[int, int]) -> tuple[int, int]:
    """Mantissa and exponent of a number as written."""
    if text is None:
        return default
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    return (-1) ** sign * int("".join(map(str, digits))), exponent


def instructions(tree: Node) -> list[tuple[int, ...]]:
    """The instructions of a tree, operands first; a node met twice is computed once."""
    done: list[tuple[int, ...]] = []
    index: dict[int, int] = {}

    def visit(operand: Node | int) -> int:
        if isinstance(operand, int):
            return -1 - operand
        if id(operand) not in index:
            a, b, *_ = *map(visit, operand.operands), 0, 0
            if operand.op == "const":
                a = -1 - a
            constants = *decimal(operand.scale, (1, 0)), *decimal(operand.bias, (0, 0))
            done.append((OPCODE[operand.op], a, b, *constants))
            index[id(operand)] = len(done) - 1
        return index[id(operand)]

    root = visit(tree)
    assert root == len(done) - 1
    return done


def make_program(*outputs: Node | None, protected: bool = True, num_nodes: int = 16) -> Program:
    """A program of shape (1, outputs); None is an unused output."""
    fields = np.zeros((1, len(outputs), num_nodes, 7), np.int32)
    length = np.zeros((1, len(outputs)), np.int32)
    for output, tree in enumerate(outputs):
        code = instructions(tree) if tree else []
        length[0, output] = len(code)
        fields[0, output, : len(code)] = np.reshape(code, (-1, 7))
    leaves = [*np.moveaxis(fields, -1, 0), length]
    return Program(*map(jnp.asarray, leaves), protected=protected)


# Example k of the reference; a `rand` leaf, which this package does not have, became x_0 or e.
EXAMPLES = {
    "nested unaries": (
        make_program(
            node(
                "mul",
                0,
                node(
                    "sub",
                    node(
                        "add",
                        node("cos", affine(0, "-6.12", "-0.092"), scale="9.38"),
                        node("arctan", affine(0, "0.973", "-0.965"), scale="87.1"),
                    ),
                    node(
                        "exp",
                        node(
                            "add",
                            node("log", affine(0, "-86.2", "-29.3"), scale="4.49"),
                            node("pow2", affine(0, "-55.6", "51.3"), scale="-2.57"),
                        ),
                        scale="8.89",
                    ),
                ),
                bias="73.5",
            )
        ),
        "(73.5 add (x_0 mul (((9.38 mul cos((-0.092 add (-6.12 mul x_0)))) add (87.1 mul "
        "arctan((-0.965 add (0.973 mul x_0))))) sub (8.89 mul exp(((4.49 mul log((-29.3 add "
        "(-86.2 mul x_0)))) add (-2.57 mul ((51.3 add (-55.6 mul x_0)))**2)))))))",
        "add,73.5,mul,x_0,sub,add,mul,9.38,cos,add,-0.092,mul,-6.12,x_0,mul,87.1,arctan,add,-0.965,"
        "mul,0.973,x_0,mul,8.89,exp,add,mul,4.49,log,add,-29.3,mul,-86.2,x_0,mul,-2.57,pow2,add,"
        "51.3,mul,-55.6,x_0",
    ),
    "two outputs": (
        make_program(
            node(
                "sub",
                affine(1, "-64.2"),
                node("mul", node("inv", affine(1, "40.6", "2.1")), node("e"), scale="87.3"),
                bias="6.87",
            ),
            affine(1, "-0.612", "0.849"),
        ),
        "(6.87 add ((-64.2 mul x_1) sub (87.3 mul (inv((2.1 add (40.6 mul x_1))) mul e)))) | "
        "(0.849 add (-0.612 mul x_1))",
        "add,6.87,sub,mul,-64.2,x_1,mul,87.3,mul,inv,add,2.1,mul,40.6,x_1,e,|,add,0.849,mul,-0.612,"
        "x_1",
    ),
    "cube": (
        make_program(
            node(
                "mul",
                node("pow3", affine(1, "-37.9", "-29.0")),
                node("inv", affine(0, "-6.7", "-0.077")),
                bias="3.6",
            )
        ),
        "(3.6 add (((-29.0 add (-37.9 mul x_1)))**3 mul inv((-0.077 add (-6.7 mul x_0)))))",
        "add,3.6,mul,pow3,add,-29.0,mul,-37.9,x_1,inv,add,-0.077,mul,-6.7,x_0",
    ),
    "named constant": (
        make_program(
            node(
                "mul",
                node("sqrt", node("mul", 0, 1, scale="-83.0", bias="0.571")),
                node("euler_gamma"),
                bias="-0.42",
            )
        ),
        "(-0.42 add (sqrt((0.571 add (-83.0 mul (x_0 mul x_1)))) mul euler_gamma))",
        "add,-0.42,mul,sqrt,add,0.571,mul,-83.0,mul,x_0,x_1,euler_gamma",
    ),
    "absolute value": (
        make_program(
            node(
                "mul",
                node("sqrt", affine(1, "0.695", "7.46")),
                node("abs", affine(0, "-0.099", "9.93")),
                bias="51.6",
            )
        ),
        "(51.6 add (sqrt((7.46 add (0.695 mul x_1))) mul abs((9.93 add (-0.099 mul x_0)))))",
        "add,51.6,mul,sqrt,add,7.46,mul,0.695,x_1,abs,add,9.93,mul,-0.099,x_0",
    ),
    "affine everywhere": (
        make_program(
            node(
                "mul",
                node(
                    "add",
                    affine(1, "2.25", "0.152"),
                    node("cos", affine(1, "3.4", "0.924"), scale="63.2", bias="94.7"),
                ),
                node("add", affine(0, "97.8", "7.42"), integer(-4)),
            )
        ),
        "(((0.152 add (2.25 mul x_1)) add (94.7 add (63.2 mul cos((0.924 add (3.4 mul x_1)))))) "
        "mul ((7.42 add (97.8 mul x_0)) add -4))",
        "mul,add,add,0.152,mul,2.25,x_1,add,94.7,mul,63.2,cos,add,0.924,mul,3.4,x_1,add,add,7.42,"
        "mul,97.8,x_0,-4",
    ),
    "div, pow and constants": (
        make_program(
            node("div", node("pow", 0, integer(9)), node("pi", bias="-0.5"), scale="10.0"),
            integer(7, scale="-2.0", bias="1.0"),
        ),
        "(10.0 mul ((x_0 pow 9) div (-0.5 add pi))) | (1.0 add (-2.0 mul 7))",
        "mul,10.0,div,pow,x_0,9,add,-0.5,pi,|,add,1.0,mul,-2.0,7",
    ),
    "other unaries": (
        make_program(
            node("sin", node("tan", node("arcsin", node("arccos", node("neg", node("tanh", 1)))))),
        ),
        "sin(tan(arcsin(arccos(neg(tanh(x_1))))))",
        "sin,tan,arcsin,arccos,neg,tanh,x_1",
    ),
    "hyperbolic": (
        make_program(
            node("sinh", node("cosh", node("arcsinh", node("arccosh", node("arctanh", 1)))))
        ),
        "sinh(cosh(arcsinh(arccosh(arctanh(x_1)))))",
        "sinh,cosh,arcsinh,arccosh,arctanh,x_1",
    ),
    "larger and smaller": (
        make_program(node("max", node("min", 0, node("sign", 1)), integer(2), scale="3.0")),
        "(3.0 mul ((x_0 min sign(x_1)) max 2))",
        "mul,3.0,max,min,x_0,sign,x_1,2",
    ),
    "gate": (
        make_program(node("gate", 0, node("sign", 1))),
        "(x_0 gate sign(x_1))",
        "gate,x_0,sign,x_1",
    ),
    "delay": (make_program(node("lag", 64, integer(17))), "y_0(t - 17)", "lag,y_0,17"),
    "bare variable": (make_program(affine(11)), "x_11", "x_11"),
}
OPERAND_USED_TWICE = affine(0, "2.0")
EXAMPLES["operand used twice"] = (
    make_program(node("mul", OPERAND_USED_TWICE, OPERAND_USED_TWICE)),
    "((2.0 mul x_0) mul (2.0 mul x_0))",
    "mul,mul,2.0,x_0,mul,2.0,x_0",
)


@pytest.mark.parametrize("name", EXAMPLES)
def test_text_is_the_golden_one(name: str) -> None:
    program, infix, prefix = EXAMPLES[name]
    assert to_text(program) == [infix]
    assert to_text(program, style="prefix") == [prefix]
    assert [",".join(words) for words in to_prefix(program)[0]] == prefix.split(",|,")


def test_golden_examples_hold_every_operator() -> None:
    words = {word for _, _, prefix in EXAMPLES.values() for word in prefix.split(",")}
    assert words >= {operator.name for operator in TABLE} - {"const", "id"}


@pytest.mark.parametrize(
    "mantissa, exponent, text",
    [
        (100, -1, "10.0"), (10, -1, "1.0"), (-706, -1, "-70.6"), (6, -2, "0.06"), (1, -3, "0.001"),
        (-999, -3, "-0.999"), (388, -1, "38.8"), (5, 2, "500"), (9999, 10, "99990000000000"),
        (1234, -10, "1.234e-07"),
    ],
)  # fmt: skip
def test_constant_is_the_shortest_decimal(mantissa: int, exponent: int, text: str) -> None:
    program = with_bias(np.array([mantissa]), np.array([exponent]))
    assert to_text(program) == [f"({text} add x_0)"]
    assert to_sympy(program)[0][0] == sympy.Add(sympy.Symbol("x_0", real=True), float(text))


def test_constants_of_the_default_law_print_and_read_as_in_the_reference() -> None:
    mantissa, exponent = np.meshgrid(np.r_[-999:0, 1:1000], [-3, -2, -1])
    program = with_bias(mantissa.ravel(), exponent.ravel())
    values = [np.round(m * 10.0**k, 6) for m, k in zip(mantissa.flat, exponent.flat, strict=True)]
    assert to_text(program) == [f"({float(value)!s} add x_0)" for value in values]
    np.testing.assert_array_equal(program.constants.bias[:, 0, 0], np.array(values, np.float32))


def with_bias(mantissa: np.ndarray, exponent: np.ndarray) -> Program:
    """The programs x_0 + mantissa * 10**exponent."""
    program = make_program(affine(0), num_nodes=1)
    program = jax.tree.map(lambda leaf: jnp.repeat(leaf, mantissa.size, axis=0), program)
    constants = (jnp.asarray(field.reshape(-1, 1, 1), jnp.int32) for field in (mantissa, exponent))
    bias_mantissa, bias_exponent = constants
    return dataclasses.replace(program, bias_mantissa=bias_mantissa, bias_exponent=bias_exponent)


def test_sympy_keeps_constants_operations_and_protection() -> None:
    tree = node("sub", node("pow", affine(0, "-2.5", "0.06"), 1), node("log", node("sqrt", 1)))
    guarded, bare = (to_sympy(make_program(tree, protected=p))[0][0] for p in (True, False))
    assert str(guarded) == "-log(Abs(sqrt(Abs(x_1)))) + Abs(0.06 - 2.5*x_0)**x_1"
    assert str(bare) == "(0.06 - 2.5*x_0)**x_1 - log(sqrt(x_1))"
    assert guarded.free_symbols == {sympy.Symbol("x_0", real=True), sympy.Symbol("x_1", real=True)}
    [(root,)] = to_sympy(make_program(node("pow2", node("sqrt", 0)), protected=False))
    assert str(root) == "(sqrt(x_0))**2"


def test_sympy_evaluates_on_demand_but_no_function_of_a_number() -> None:
    tree = node("mul", affine(0, "2.0"), affine(0, "0.5", "3.0"))
    swapped = node("mul", affine(0, "0.5", "3.0"), affine(0, "2.0"))
    expressions = to_sympy(make_program(tree, swapped), evaluate=True)[0]
    assert expressions[0] == expressions[1]
    huge = node("exp", node("exp", node("exp", integer(10))))
    tower = node("pow", integer(10), node("pow", integer(10), integer(10)))
    assert list(
        map(str, to_sympy(make_program(huge, tower, protected=False), evaluate=True)[0])
    ) == [
        "exp(exp(exp(10.0)))",
        "10.0**(10.0**10.0)",
    ]


def test_results_follow_the_shape_of_the_program() -> None:
    program = make_program(affine(0), None, node("neg", 1))
    x_0, x_1 = sympy.symbols("x_0 x_1", real=True)
    assert to_sympy(program) == [(x_0, 0, -x_1)]
    assert to_prefix(program) == [(["x_0"], [], ["neg", "x_1"])]
    assert to_text(program) == ["x_0 | 0 | neg(x_1)"]
    assert to_text(program, style="prefix") == ["x_0,|,0,|,neg,x_1"]
    assert to_text(program, style="sympy") == ["x_0 | 0 | -x_1"]
    assert to_sympy(program[0]) == (x_0, 0, -x_1)
    assert to_text(program[0]) == "x_0 | 0 | neg(x_1)"
    assert to_sympy(program[0, 2]) == -x_1
    assert to_prefix(program[0, 2]) == ["neg", "x_1"]
    assert to_text(program[0, 2]) == "neg(x_1)"
    assert to_text(program[None]) == [["x_0 | 0 | neg(x_1)"]]
    assert to_text(program[:0]) == to_sympy(program[:0]) == []
    assert to_text(program[:, 1:2]) == ["0"]


@pytest.mark.parametrize("function", [to_sympy, to_text, to_prefix])
def test_what_is_no_program_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        function("x_0")
    with pytest.raises(TypeError, match="must be a Program, not of type str. Pass batch.program"):
        form.check_program(function.__name__, "x_0")
    with pytest.raises(TypeError, match="call .* outside"):
        jax.jit(function)(make_program(affine(0)))


def test_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="Choose among: reference"):
        to_text(make_program(affine(0)), style="infx")


def test_sympy_is_imported_on_demand() -> None:
    assert not hasattr(_write_sympy, "sympy")


# Sampled programs.


@pytest.fixture(scope="module")
def drawn() -> dict[str, Program]:
    """Many programs of every law."""
    return {
        name: draw_programs(law, NUM_DRAWN, k, NUM_INPUTS)[:, None]
        for k, (name, law) in enumerate(LAWS.items())
    }


@pytest.fixture(scope="module")
def programs(drawn: dict[str, Program]) -> Program:
    """A few programs of every law, padded to one number of instructions."""
    few = [program[:ROWS_PER_LAW] for program in drawn.values()]
    width = max(program.num_nodes for program in few)

    def join(*leaves: jax.Array) -> jax.Array:
        if leaves[0].ndim == 2:
            return jnp.concatenate(leaves)
        return jnp.concatenate(
            [jnp.pad(leaf, ((0, 0), (0, 0), (0, width - leaf.shape[-1]))) for leaf in leaves]
        )

    return jax.tree.map(join, *few)


@pytest.fixture(scope="module")
def inputs(programs: Program) -> np.ndarray:
    rng = np.random.default_rng(0)
    shape = programs.shape[0], NUM_INPUTS, 100
    return rng.uniform(-2, 2, shape).astype(np.float32)


FUNCTIONS: dict[str, Any] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power,
    "abs": np.abs, "inv": np.reciprocal, "sqrt": np.sqrt, "log": np.log, "exp": np.exp,
    "sin": np.sin, "cos": np.cos, "arcsin": np.arcsin, "arccos": np.arccos, "tan": np.tan,
    "arctan": np.arctan, "pow2": np.square, "pow3": lambda a: a * a * a, "neg": np.negative,
    "tanh": np.tanh, "id": lambda a: a, "max": np.maximum, "min": np.minimum, "sign": np.sign,
    "sinh": np.sinh, "cosh": np.cosh, "arcsinh": np.arcsinh, "arccosh": np.arccosh,
    "arctanh": np.arctanh, "gate": lambda c, a: np.where(c > 0, a, np.where(np.isnan(c), c, 0)),
}  # fmt: skip
EXACT = ("id", "neg", "abs", "max", "min", "sign", "gate")
CONSTANTS = {"e": np.e, "pi": np.pi, "euler_gamma": np.euler_gamma}


class Interpreter:
    """A program in float64, every rounded value off by up to `error`, relative.

    Attributes:
        value: The result.
        in_range: Where every intermediate value is far from the ends of float32.
    """

    def __init__(
        self,
        program: Program,
        protected: bool,
        x: np.ndarray,
        error: float,
        rng: np.random.Generator,
    ) -> None:
        self.code = {name: np.asarray(leaf) for name, leaf in vars(program).items()}
        self.protected, self.x, self.error, self.rng = protected, x.astype(np.float64), error, rng
        self.in_range = np.ones(x.shape[-1], bool)
        with np.errstate(all="ignore"):
            self.value = self.result(int(program.length) - 1)

    def rounded(self, value: Any) -> np.ndarray:
        size = np.abs(value)
        self.in_range &= (size > 1e-30) & (size < 1e30)
        return value * (1 + self.error * self.rng.uniform(-1, 1, self.in_range.shape))

    def constant(self, kind: str, k: int) -> np.ndarray:
        mantissa, exponent = (
            int(self.code[f"{kind}_{part}"][k]) for part in ("mantissa", "exponent")
        )
        return self.rounded(float(Decimal(mantissa).scaleb(exponent)))

    def operand(self, index: int) -> np.ndarray:
        return self.x[-1 - index] if index < 0 else self.result(index)

    def result(self, k: int) -> np.ndarray:
        operator = TABLE[self.code["op"][k]]
        if operator.name == "const":
            value = np.full(self.in_range.shape, float(self.code["a"][k]))
        elif operator.arity == 0:
            value = self.rounded(np.full(self.in_range.shape, CONSTANTS[operator.name]))
        else:
            values = [self.operand(int(self.code[name][k])) for name in "ab"[: operator.arity]]
            if self.protected and operator.name in ("log", "sqrt", "pow"):
                values[0] = np.abs(values[0])
            value = FUNCTIONS[operator.name](*values)
            value = value if operator.name in EXACT else self.rounded(value)
        if (self.code["scale_mantissa"][k], self.code["scale_exponent"][k]) != (1, 0):
            value = self.rounded(self.constant("scale", k) * value)
        if self.code["bias_mantissa"][k] != 0:
            value = self.rounded(self.constant("bias", k) + value)
        return value


@dataclasses.dataclass(frozen=True)
class Expected:
    """Values of programs in float64.

    Attributes:
        value: The values.
        spread: How far one float32 ulp in each rounding moves them.
        fine_spread: How far `FINE` in each rounding moves them.
        regular: Where value and spread can be trusted, and float32 can hold what is on the way.
        undefined: Where the program has no value, however it is rounded.
    """

    value: np.ndarray
    spread: np.ndarray
    fine_spread: np.ndarray
    regular: np.ndarray
    undefined: np.ndarray


def expect(program: Program, protected: bool, x: np.ndarray) -> Expected:
    """Values of one program."""
    rng = np.random.default_rng(1)
    exact = Interpreter(program, protected, x, 0.0, rng)
    near = [Interpreter(program, protected, x, ULP, rng).value for _ in range(8)]
    nearer = [Interpreter(program, protected, x, FINE, rng).value for _ in range(4)]
    with np.errstate(invalid="ignore"):
        spread, fine_spread = (np.abs(v - exact.value).max(axis=0) for v in (near, nearer))
    regular = exact.in_range & np.isfinite(spread)
    undefined = np.isnan([exact.value, *near]).all(axis=0)
    return Expected(exact.value, spread, fine_spread, regular, np.asarray(undefined))


@pytest.fixture(scope="module", params=[True, False], ids=["protected", "bare"])
def protected(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture(scope="module")
def expected(programs: Program, inputs: np.ndarray, protected: bool) -> Expected:
    on_host = jax.tree.map(np.asarray, programs)
    rows = [expect(on_host[row, 0], protected, x) for row, x in enumerate(inputs)]
    return Expected(*map(np.stack, zip(*map(dataclasses.astuple, rows), strict=True)))


def test_sampled_programs_hold_every_operator(programs: Program) -> None:
    used = np.arange(programs.num_nodes) < np.asarray(programs.length)[..., None]
    assert set(np.asarray(programs.op)[used]) == set(range(len(TABLE))) - {OPCODE["lag"]}


def test_few_points_are_singular(expected: Expected) -> None:
    """The tests of values skip the points that are neither regular nor undefined."""
    assert np.mean(expected.regular | expected.undefined) > 0.85
    assert np.mean(expected.regular) > 0.5


@pytest.mark.floats
def test_evaluate_agrees_with_the_interpreter(
    programs: Program, inputs: np.ndarray, expected: Expected, protected: bool
) -> None:
    program = dataclasses.replace(programs, protected=protected)
    y = np.asarray(evaluate(program, jnp.asarray(inputs)))[:, 0].astype(np.float64)
    value, error = errors(y, expected, expected.regular)
    assert np.mean(error <= 1e-5 * value) > 0.95
    assert (error <= 8 * expected.spread[expected.regular] + 1e-6 * value).all()
    # not all: float32 rounds some exponents to integers, every one from 2**23 on
    assert np.mean(np.isnan(y[expected.undefined])) > 0.97


def errors(y: np.ndarray, expected: Expected, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of the expected values and of the errors at some points."""
    value = expected.value[where]
    assert np.isfinite(y[where]).all()
    return np.abs(value), np.abs(y[where] - value)


@pytest.mark.parametrize("rewritten", [False, True])
def test_sympy_agrees_with_the_interpreter(
    programs: Program, inputs: np.ndarray, expected: Expected, protected: bool, rewritten: bool
) -> None:
    rows = slice(None, None, 3 if rewritten else 1)  # rewriting is slow
    program = dataclasses.replace(programs[rows], protected=protected)
    y = np.full(expected.value.shape, np.nan)
    y[rows] = lambdified(to_sympy(program, evaluate=rewritten), inputs[rows])
    where = expected.regular & np.isin(np.arange(len(y)), np.arange(len(y))[rows])[:, None]
    value, error = errors(y, expected, where)
    assert (error <= expected.fine_spread[where] + 1e-12 * value).all()
    if not rewritten:
        # NumPy takes a condition that is NaN as one that does not hold
        gated = (np.asarray(program.op) == OPCODE["gate"]).reshape(len(y), -1).any(1)
        assert np.isnan(y[expected.undefined & ~gated[:, None]]).all()


def lambdified(expressions: list[list[sympy.Expr]], inputs: np.ndarray) -> np.ndarray:
    """Values of one expression per row in float64."""
    symbols = [sympy.Symbol(f"x_{i}", real=True) for i in range(NUM_INPUTS)]
    rows = []
    with np.errstate(all="ignore"):
        for [expression], x in zip(expressions, inputs.astype(np.float64), strict=True):
            value = sympy.lambdify(symbols, expression, "numpy")(*x)
            value = np.where(np.imag(value) == 0, np.real(value), np.nan)
            rows.append(np.broadcast_to(value, x.shape[1:]))
    return np.stack(rows)


@pytest.mark.parametrize("name", LAWS)
def test_prefix_is_never_longer_than_the_law_says(drawn: dict[str, Program], name: str) -> None:
    longest = max(len(words) for [words] in to_prefix(drawn[name]))
    bound = LAWS[name].max_tokens(NUM_INPUTS)
    assert bound / 2 < longest <= bound


# The reference implementation, where it is installed.


@pytest.mark.long
@pytest.mark.parametrize("is_protected", [True, False])
def test_the_reference_reads_the_text_and_computes_the_same(
    is_protected: bool, peer: Callable[[str], Any]
) -> None:
    symbol = peer("s2generator.symbol")
    parameters = symbol.SymbolParams(use_abs=is_protected)
    binary = {"add", "sub", "mul", "div"} | (set() if is_protected else {"pow"})
    unary = set(operators.default_weights(1)) - {"neg", "tanh"}
    x = np.random.default_rng(2).uniform(-2, 2, (NUM_INPUTS, 50))
    for affine in ("reduced", "full", "none"):
        law = S2Law(dict.fromkeys(binary, 1.0), dict.fromkeys(unary, 1.0), affine=affine)
        program = jax.tree.map(np.asarray, draw_programs(law, 200, 0, NUM_INPUTS)[:, None])
        pairs = jax.tree.map(lambda leaf: leaf.reshape(-1, 2, *leaf.shape[2:]), program)
        texts = zip(to_text(pairs), to_text(pairs, style="prefix"), strict=True)
        for row, (infix, prefix) in enumerate(texts):
            for text in (infix, prefix):
                read = symbol.parse_symbol(text, parameters)
                assert (read.infix(), read.prefix()) == (infix, prefix)
            if affine == "none":
                continue  # the reference then overwrites x under sqrt and log
            with np.errstate(all="ignore"):
                y = read.val(x.T).T
            for output in range(2):
                expected = expect(pairs[row, output], is_protected, x)
                value, error = errors(y[output], expected, expected.regular)
                assert (error <= expected.fine_spread[expected.regular] + 1e-12 * value).all()


# Laws whose expressions read the states and the time of a differential equation.


@pytest.mark.parametrize("text, names", [("x_0*y_1 + t", "y_1, t"), ("sin(t)", "t")])
def test_an_algebraic_target_refuses_states_and_time(text: str, names: str) -> None:
    law = GivenLaw(["x_0", text])
    with pytest.raises(ValueError, match=f"must read inputs x_0, x_1, ... only, and reads {names}"):
        s2jax.Config(target=s2jax.Algebraic(law=law))


def test_only_inputs_are_taken_modulo_those_used() -> None:
    law = GivenLaw("x_0*y_1 + x_1*t")
    words = jnp.arange(8, dtype=jnp.uint32).reshape(4, 2)
    used = jnp.array([1, 2, 1, 2], jnp.int32)
    texts = to_text(law.draw(words, used, 2, False)[:, None])
    both = ["((x_0 mul y_1) add (x_0 mul t))", "((x_0 mul y_1) add (x_1 mul t))"]
    assert texts == both * 2
    with pytest.raises(ValueError, match="with num_inputs=0: must read no inputs, and reads x_1"):
        law.draw(words, used * 0, 0, False)
    autonomous = GivenLaw("y_1*t").draw(words, used * 0, 0, False)
    assert to_text(autonomous[:, None]) == ["(y_1 mul t)"] * 4
