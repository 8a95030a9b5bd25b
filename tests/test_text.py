"""Text and LaTeX of programs: round trips, ordinary maths, errors, and hostile strings."""

import contextlib
import re
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax.laws import AbstractLaw, S2Law, UniformLaw
from s2jax.programs import Program, evaluate, operators
from s2jax.programs.operators import TABLE
from s2jax.programs.program import VARIABLE_NAMES
from s2jax.text import lexer, read_text, to_text
from s2jax.text.read_text import from_text
from s2jax.text.write_latex import to_latex
from tests.programs import draw_programs

NUM_INPUTS = 3
NUM_DRAWN = 400
NUM_EVALUATED = 100
NUM_SLOTS = 2 * S2Law().num_nodes(NUM_INPUTS)
BINARY = dict.fromkeys(operators.drawable(2), 1.0)
# tangents of huge numbers, of which exp and the like make many, have no digits that count
UNARY = dict.fromkeys(operators.drawable(1), 1.0) | {"tan": 0.2, "sinh": 0.2, "cosh": 0.2}
LAWS: dict[str, AbstractLaw] = {
    f"{law.__name__}-{affine}": law(BINARY, UNARY, affine=affine, constant_probability=0.4)
    for law in (S2Law, UniformLaw)
    for affine in ("reduced", "full", "none")
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Program]:
    """Programs of shape (NUM_DRAWN, 1) of every law, that use all their inputs."""
    return {
        name: draw_programs(law, NUM_DRAWN, seed, NUM_INPUTS, protected=seed % 2 == 0)[:, None]
        for seed, (name, law) in enumerate(LAWS.items())
    }


def values(program: Program, x: np.ndarray) -> np.ndarray:
    """Values in float64; all programs get the slots of the largest, and are compiled once."""
    unused = ((0, 0), (0, 0), (0, NUM_SLOTS - program.num_nodes))
    wide = jax.tree.map(lambda leaf: np.pad(leaf, unused) if leaf.ndim == 3 else leaf, program)
    with jax.enable_x64(True):
        return np.asarray(evaluate(wide, jnp.asarray(x)))


def points(rows: int, count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).uniform(-2, 2, (rows, NUM_INPUTS, count))


def agreement(y: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Where two values are close, or both are none."""
    with np.errstate(all="ignore"):
        close = np.abs(y - expected) <= 1e-6 * np.abs(expected) + 1e-9
    return close | (~np.isfinite(y) & ~np.isfinite(expected))


# Round trips.


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("style", ["reference", "prefix"])
def test_sampled_text_reads_back_exactly(drawn: dict[str, Program], name: str, style: str) -> None:
    program = drawn[name]
    texts = to_text(program, style=style)
    back = from_text(texts, program.protected)
    assert back.shape == program.shape
    assert back.protected == program.protected
    assert to_text(back, style=style) == texts
    assert to_text(from_text([text.replace(",", " ") for text in texts]), style=style) == texts


def test_sampled_text_holds_every_operator(drawn: dict[str, Program]) -> None:
    used = {
        word
        for one in drawn.values()
        for text in to_text(one, "prefix")
        for word in text.split(",")
    }
    assert used >= {operator.name for operator in TABLE} - {"const", "id", "lag"}


@pytest.mark.parametrize("name", LAWS)
def test_what_is_read_back_has_the_same_value(drawn: dict[str, Program], name: str) -> None:
    program, x = drawn[name][:NUM_EVALUATED], points(NUM_EVALUATED)
    back = from_text(to_text(program), program.protected, program.num_nodes)
    # an integer leaf of a product comes back as a scale, which may be fused with a bias
    assert agreement(values(back, x), values(program, x)).mean() > 0.999


@pytest.mark.parametrize("name", LAWS)
def test_sympy_text_has_the_same_value(drawn: dict[str, Program], name: str) -> None:
    program, x = drawn[name][:NUM_EVALUATED], points(NUM_EVALUATED)
    texts = to_text(program, style="sympy")
    # SymPy computes some functions of numbers, with results beyond what a program may hold
    readable = np.array([is_readable(text) for text in texts])
    assert readable.mean() >= 0.98
    texts = [text if good else "x_0" for text, good in zip(texts, readable, strict=True)]
    y = values(from_text(texts, program.protected, 2 * program.num_nodes), x)
    same = agreement(y, values(program, x))[readable]
    # SymPy drops parentheses of nested sums, whose rounding a tan or a root may magnify
    assert same.mean() > 0.995, np.argwhere(~same)


def is_readable(text: str) -> bool:
    """Whether the text is an expression; its only fault may be a number out of range."""
    try:
        from_text(text)
    except ValueError as error:
        if "must be finite and within" not in str(error):
            raise
        return False
    return True


def test_protection_takes_over_one_absolute_value_written_by_sympy() -> None:
    text = ["sqrt(Abs(x_0))", "log(Abs(Abs(x_0)))", "Abs(x_0)**2.5", "Abs(x_0)**2", "Abs(x_0)"]
    plain = [
        "sqrt(abs(x_0))",
        "log(abs(abs(x_0)))",
        "(abs(x_0) pow 2.5)",
        "(abs(x_0))**2",
        "abs(x_0)",
    ]
    assert to_text(from_text(text)) == plain
    taken = ["sqrt(x_0)", "log(abs(x_0))", "(x_0 pow 2.5)", "(abs(x_0))**2", "abs(x_0)"]
    assert to_text(from_text(text, protected=True)) == taken
    assert to_text(from_text(plain, protected=True)) == plain


def test_shapes_follow_the_lists(unchecked: None) -> None:
    assert from_text("x_0").shape == (1,)
    assert from_text("x_0 | x_1 | 2").shape == (3,)
    assert from_text(["x_0", "x_1 | 2"]).shape == (2, 2)
    assert from_text([["x_0"], ["x_1 | 2"], ["3"]]).shape == (3, 1, 2)
    rows = from_text(["x_0 | x_1", ("x_1", "0"), "x_0"])
    assert to_text(rows) == to_text(from_text([("x_0", "x_1"), "x_1 | 0", ("x_0",)]))
    assert from_text(("x_0", "x_1")).shape == (2,)
    with pytest.raises(ValueError, match="one output per string of a tuple"):
        from_text([("x_0 | x_1", "x_2")])
    with pytest.raises(TypeError, match="holding a list"):
        from_text((["x_0"], ["x_1"]))
    assert from_text([]).shape == (0, 0)
    assert from_text("sin(x_0)", num_nodes=7).num_nodes == 7
    rows = ["x_0", "x_1,|,neg,x_1", "x_0 | 2 | sin(x_1)"]
    program = from_text(rows)
    np.testing.assert_array_equal(program.length, [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert to_text(program) == ["x_0", "x_1 | neg(x_1)", "x_0 | 2 | sin(x_1)"]


@pytest.mark.parametrize("style", ["reference", "prefix"])
def test_the_longest_programs_are_read(style: str) -> None:
    """Two outputs of 256 instructions with the longest names and constants, nested to the end."""
    constants = "(-0.0009999 add (-0.0009999 mul {}))"
    deep = wide = constants.format("x_63")
    for _ in range(255):
        deep = constants.format(f"arctan({deep})")
    for _ in range(127):
        wide = constants.format(f"({constants.format('x_63')} mul {wide})")
    program = from_text(f"{deep} | {wide}")
    np.testing.assert_array_equal(program.length, [256, 255])
    text = to_text(program, style=style)
    assert to_text(from_text(text), style=style) == text
    with pytest.raises(
        ValueError, match=r"^from_text: .* takes 257 instructions and must take <= 256"
    ):
        from_text(f"sin({deep})")


def test_reference_reads_the_same_text(
    drawn: dict[str, Program], peer: Callable[[str], Any]
) -> None:
    symbol = peer("s2generator.symbol")
    binary = dict.fromkeys(("add", "sub", "mul", "div", "pow"), 1.0)
    theirs = set(operators.default_weights(1)) - {"neg", "tanh"}
    known = set(binary) | theirs | {"e", "pi", "euler_gamma"}
    texts = [text for one in drawn.values() for text in to_text(one)]
    texts = [text for text in texts if set(re.findall("[a-w][a-z_0-9]*", text)) <= known]
    assert len(texts) > 300
    for text in texts[:300]:
        read = symbol.parse_symbol(text)
        assert read.infix() == text == to_text(from_text(read.prefix()))


# Ordinary maths: the text as a function of x = x_0, y = x_1.

GAMMA = np.euler_gamma
MATHS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "sin(x_0)**2 + 3*x_1": lambda x, y: np.sin(x) ** 2 + 3 * y,
    "x_0 + x_1*x_0": lambda x, y: x + y * x,
    "(x_0 + x_1)*x_0": lambda x, y: (x + y) * x,
    "x_0 - x_1 - x_0*x_1": lambda x, y: x - y - x * y,
    "x_0 - (x_1 - x_0)": lambda x, y: x - (y - x),
    "x_0/x_1/3": lambda x, y: x / y / 3,
    "x_0/(x_1/3)": lambda x, y: x / (y / 3),
    "x_0/x_1*3": lambda x, y: x / y * 3,
    "-x_0**2": lambda x, y: -(x**2),
    "(-x_0)**2": lambda x, y: x**2,
    "-x_0^2": lambda x, y: -(x**2),
    "2**-x_0": lambda x, y: 2**-x,
    "2**-x_0**2": lambda x, y: 2 ** (-(x**2)),
    "2**3**x_0/100": lambda x, y: 2 ** (3**x) / 100,
    "2^x_0^2": lambda x, y: 2 ** (x**2),
    "(2**x_0)**2": lambda x, y: (2**x) ** 2,
    "-2**x_0": lambda x, y: -(2**x),
    "-3*x_0": lambda x, y: -3 * x,
    "-x_0*3": lambda x, y: -3 * x,
    "x_0*-3": lambda x, y: -3 * x,
    "x_0 - -3": lambda x, y: x + 3,
    "- - x_0": lambda x, y: x,
    "-+-x_0": lambda x, y: x,
    "+x_0": lambda x, y: x,
    "-(x_0 + 1)": lambda x, y: -(x + 1),
    "-(2*x_0)": lambda x, y: -2 * x,
    "2 - x_0": lambda x, y: 2 - x,
    "x_0 - 2": lambda x, y: x - 2,
    "2 - 3*x_0": lambda x, y: 2 - 3 * x,
    "2 + x_0 + 3": lambda x, y: x + 5,
    "2*x_0*3": lambda x, y: 6 * x,
    "1/x_0": lambda x, y: 1 / x,
    "-1/x_0": lambda x, y: -1 / x,
    "3/x_0": lambda x, y: 3 / x,
    "1/(x_0 + x_1)": lambda x, y: 1 / (x + y),
    "1/2*x_0": lambda x, y: x / 2,
    "x_0**-1": lambda x, y: 1 / x,
    "x_0**(-2)": lambda x, y: x**-2.0,
    "x_0**3": lambda x, y: x**3,
    "x_0**4": lambda x, y: x**4,
    "x_0**0.5": lambda x, y: np.sqrt(x),
    "x_0^(1/2)": lambda x, y: np.sqrt(x),
    "x_0**2.0": lambda x, y: x**2,
    "(x_0 + 3)**x_1": lambda x, y: (x + 3) ** y,
    "E**x_0": lambda x, y: np.exp(x),
    "e^-x_0": lambda x, y: np.exp(-x),
    "exp(x_0)": lambda x, y: np.exp(x),
    "ln(x_0)": lambda x, y: np.log(x),
    "log(x_0)": lambda x, y: np.log(x),
    "abs(x_0) + Abs(x_1) + fabs(x_0)": lambda x, y: 2 * np.abs(x) + np.abs(y),
    "asin(x_0/2) + arcsin(x_1/2)": lambda x, y: np.arcsin(x / 2) + np.arcsin(y / 2),
    "acos(x_0/2)*arccos(x_1/2)": lambda x, y: np.arccos(x / 2) * np.arccos(y / 2),
    "atan(x_0) - arctan(x_1)": lambda x, y: np.arctan(x) - np.arctan(y),
    "tan(x_0) + tanh(x_1)": lambda x, y: np.tan(x) + np.tanh(y),
    "cos(pi*x_0) + sin(2*pi*x_1)": lambda x, y: np.cos(np.pi * x) + np.sin(2 * np.pi * y),
    "EulerGamma*x_0 + euler_gamma": lambda x, y: GAMMA * x + GAMMA,
    "e*x_0 + E + pi": lambda x, y: np.e * x + np.e + np.pi,
    "2.5e-3*x_0 + .5 + 1E2 + 3.": lambda x, y: 0.0025 * x + 103.5,
    "pow(x_0, 2) + Pow(x_1, 3) + power(x_0, 2)": lambda x, y: 2 * x**2 + y**3,
    "square(x_0) + cube(x_1) + reciprocal(x_0)": lambda x, y: x**2 + y**3 + 1 / x,
    "inv(x_0) + neg(x_1) + negative(x_1)": lambda x, y: 1 / x - 2 * y,
    "((((x_0))))": lambda x, y: x,
    "x_0 add x_1 mul x_0": lambda x, y: x + y * x,
    "-2 pow (x_0 mul 0 add 2)": lambda x, y: 4 + 0 * x,
    "\t sin ( x_0 )\n* x_1 ": lambda x, y: np.sin(x) * y,
    "1e-3": lambda x, y: 0.001 + 0 * x,
}  # fmt: skip


@pytest.mark.parametrize("text", MATHS)
def test_ordinary_maths_means_what_it_says(text: str) -> None:
    x = points(1, 40)
    with np.errstate(all="ignore"):
        expected = MATHS[text](x[0, 0], x[0, 1])
    np.testing.assert_allclose(values(from_text([text]), x)[0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "text, form",
    [
        ("x_0*2 + 1", "(1 add (2 mul x_0))"), ("1/x_0", "inv(x_0)"), ("x_0 - 2", "(-2 add x_0)"),
        ("2 - 3*x_0", "(2 add (-3 mul x_0))"), ("x_0**0.5", "sqrt(x_0)"), ("e**x_0", "exp(x_0)"),
        ("(x_0 add 2)", "(x_0 add 2)"), ("(x_0 mul 2.0)", "(x_0 mul 2.0)"),
        ("x_0/4", "(x_0 div 4)"),
        ("((e)**2 mul x_0)", "((e)**2 mul x_0)"), ("(-4 pow x_0)", "(-4 pow x_0)"),
        ("((-4)**2 add 1)", "((-4)**2 add 1)"), ("sqrt x_0", "sqrt(x_0)"), ("id", None),
        ("1234567891.2*x_0", "(1234567890 mul x_0)"), ("-x_0 + x_1", "(neg(x_0) add x_1)"),
    ],
)  # fmt: skip
def test_symbols_take_few_instructions_and_words_stay(text: str, form: str | None) -> None:
    if form is None:
        with pytest.raises(ValueError, match="unknown variable"):
            from_text(text)
    else:
        assert to_text(from_text(text)) == form


@pytest.mark.parametrize("style", ["reference", "prefix", "sympy"])
def test_states_and_time_are_variables_of_every_notation(style: str) -> None:
    texts = [f"(sin({name}) add ({name} mul y_1))" for name in VARIABLE_NAMES]
    program = from_text(texts)
    assert to_text(program) == texts
    written = to_text(program, style)
    again = from_text(written)
    assert to_text(again, style) == written
    for name, text, row in zip(VARIABLE_NAMES, texts, again.a.tolist(), strict=True):
        assert re.search(rf"\b{name}\b", text)
        assert -1 - VARIABLE_NAMES.index(name) in row[0]


def test_an_index_of_a_variable_is_its_place() -> None:
    program = from_text("x_0 + x_63*y_0 - y_15/t")
    read = {operand for leaf in (program.a, program.b) for operand in np.ravel(leaf) if operand < 0}
    assert sorted(VARIABLE_NAMES[-1 - k] for k in read) == ["t", "x_0", "x_63", "y_0", "y_15"]


# Errors: the text, the position of what is wrong, pieces of the message.

ERRORS: list[tuple[str, int, str]] = [
    ("", 0, "empty expression"),
    ("  ", 2, "empty expression"),
    ("x_0 | ", 6, "empty expression"),
    ("| x_0", 0, "empty expression"),
    ("sen(x_0)", 0, "unknown operator `sen`.*did you mean `sin`"),
    ("2*sqr(x_0)", 2, "unknown operator `sqr`.*did you mean `sqrt`"),
    ("x_0 plus x_1", 4, "missing operator before `plus`"),
    ("sinc(x_0)", 0, r"unknown operator `sinc`.*write sin\(x\)/x.*s2jax.lambdify"),
    ("floor(x_0)", 0, "unknown operator `floor`.*s2jax.lambdify"),
    ("1 + erf(x_0)", 4, "unknown operator `erf`.*s2jax.lambdify"),
    ("qqqqqq(x_0)", 0, "unknown operator `qqqqqq`.*choose among .*add, sub"),
    ("x", 0, "unknown variable `x`.*x_0 to x_63"),
    ("2*s", 2, "unknown variable `s`.*x_0 to x_63.*y_0 to y_15 and the time t"),
    ("y_16", 0, "unknown variable `y_16`.*y_0 to y_15"),
    ("t_0", 0, "unknown variable `t_0`.*time t"),
    ("x_64", 0, "unknown variable `x_64`.*x_0 to x_63"),
    ("x_00", 0, "unknown variable `x_00`.*x_0 to x_63"),
    ("X_0", 0, "unknown variable `X_0`.*mean `x_0`.*x_0 to x_63"),
    ("x0*x1", 0, "unknown variable `x0`.*mean `x_0`.*variables="),
    ("1 + X1", 4, "unknown variable `X1`.*mean `x_1`"),
    ("sigma_den*2", 0, "unknown variable `sigma_den`.*x_0 to x_63.*variables="),
    ("2*theta", 2, "unknown variable `theta` at position 2: variables are"),
    ("max(x_0)", 0, "1 operand of `max`.*takes 2 or more"),
    ("log(x_0, 2, 3)", 0, "3 operands of `log`.*takes 1 to 2"),
    ("Heaviside(x_0, 3)", 0, "bad operand of `Heaviside`.*0, 1/2 or 1.*sign"),
    ("x_0 +", 5, "missing operand.*before the end"),
    ("x_0 + * 2", 6, r"missing operand.*before the `\*`"),
    ("sin()", 4, "missing operand.*before the `\\)`"),
    ("()", 1, "missing operand"),
    ("(x_0 mul )", 9, "missing operand"),
    ("/x_0", 0, "missing operand"),
    ("(x_0 + (x_1", 7, r"`\(` never closed"),
    ("cos(x_0", 0, "`cos` never closed.*`\\)`"),
    ("x_0)", 3, r"unexpected `\)`"),
    ("x_0 x_1", 4, "missing operator before `x_1`"),
    ("2x_0", 1, "missing operator before `x_0`.*`\\*`"),
    ("2(x_0)", 1, r"missing operator before `\(`"),
    ("(x_0)(x_1)", 5, r"missing operator before `\(`"),
    ("1.2.3", 3, "missing operator before `.3`"),
    ("2e", 1, "missing operator before `e`"),
    ("sin(x_0, x_1)", 0, "2 operands of `sin`.*takes 1"),
    ("1 + pow(x_0)", 4, "1 operand of `pow`.*takes 2"),
    ("(x_0, x_1)", 4, "unexpected `,`"),
    ("sin(x_0) + 1, x_1", 12, "unexpected `,`.*outputs end with"),
    ("x_0 + sin x_0", 6, r"operator `sin` without operands.*sin\(...\)"),
    ("(add x_0)", 1, "operator `add` without operands.*operand before"),
    ("add,x_0", 7, "missing operand.*1 more"),
    ("add,x_0,x_1,x_2", 12, "trailing `x_2`.*complete"),
    ("add,,x_0", 4, "missing word"),
    ("add,x_0,", 8, "missing word"),
    ("add,x_0,*", 8, r"unexpected `\*`.*prefix"),
    ("add,x_0,sen", 8, "unknown operator `sen`.*did you mean `sin`"),
    ("\u0445_0", 0, "CYRILLIC SMALL LETTER HA.*write `x`"),
    ("x_0 \u2212 1", 4, "MINUS SIGN.*write `-`"),
    ("x_0\xb2", 3, "SUPERSCRIPT TWO.*write `\\*\\*2`"),
    ("\uff58_0", 0, "FULLWIDTH LATIN SMALL LETTER X.*write `x`"),
    ("x_\u0663", 2, "ARABIC-INDIC DIGIT THREE"),
    ("x_0\xa0+ 1", 3, "NO-BREAK SPACE"),
    ("x_0 + \x00", 6, "U\\+0000.*plain ASCII"),
    ("x_0.real", 3, "FULL STOP.*plain ASCII"),
    ("x_0 = 2", 4, "EQUALS SIGN"),
    ("1e101", 0, r"bad number.*1e-100 to 1e100"),
    ("1e-101*x_0", 0, r"bad number.*1e-100 to 1e100"),
    ("x_0*1e999999999", 4, r"bad number.*1e-100 to 1e100"),
    ("1" * 41, 0, "number .* too long.*<= 40 characters"),
    ("x_0*inf", 4, "number `inf`.*finite"),
    ("nan", 0, "number `nan`.*finite"),
    ("(" * 3000 + "x_0", 2048, "nested too deep"),
    ("-" * 3000 + "x_0", 2048, "nested too deep"),
    ("x_0 " * 4000, 4, "missing operator"),
    ("x_0|" * 100, 256, "row too long.*<= 64 outputs"),
    ("x_0+" * 8000 + "1", 8192, "expression too long.*<= 4096 words"),
    (("x_0+" * 1500 + "1|") * 4, 16380, "row too long.*<= 8192 words"),
    ("x_0" + " " * 40000, 32768, "text too long.*<= 32768 characters and has 40003"),
]  # fmt: skip


@pytest.mark.parametrize("text, position, message", ERRORS, ids=range(len(ERRORS)))
def test_errors_name_rule_position_and_hint(text: str, position: int, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        from_text(text)
    first, excerpt, caret = str(error.value).split("\n")
    assert first.startswith("from_text: ")
    assert f" at position {position}: " in first
    assert caret.index("^") - 4 <= 40
    assert len(str(error.value)) < 600
    if position < len(text) and text[position].isprintable():
        assert excerpt[caret.index("^")] == text[position]


def test_errors_of_lists_name_the_row(unchecked: None) -> None:
    with pytest.raises(ValueError, match=r"^from_text\(row 1\): missing operand at position 5"):
        from_text(["x_0", "x_0 +"])
    with pytest.raises(ValueError, match=r"^from_text\(row \(1, 0\)\): empty"):
        from_text([["x_0"], [""]])
    with pytest.raises(ValueError, match=r"^from_text\(row 2\): .* takes 3 instr.*<= 2.*num_nodes"):
        from_text(["x_0", "sin(x_0)", "sin(cos(tan(x_0)))"], num_nodes=2)
    with pytest.raises(ValueError, match="of one length"):
        from_text([["x_0"], ["x_0", "x_1"]])
    with pytest.raises(TypeError, match="text holding a int.*lists of these"):
        from_text(["x_0", 3])
    with pytest.raises(TypeError, match="text holding a list"):
        from_text(["x_0", ["x_0"]])
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nest at most 8 deep"):
        from_text(endless)
    with pytest.raises(TypeError, match="num_nodes='3'"):
        from_text("x_0", num_nodes="3")
    with pytest.raises(ValueError, match="num_nodes=257.*<= 256"):
        from_text("x_0", num_nodes=257)


# Hostile strings: answered soon, with a program or a ValueError, and without running anything.

FORBIDDEN = {"exec", "compile", "open", "os.system", "subprocess.Popen", "import"}
SECONDS, BYTES = 0.1, 100e6
_watching = False


class ForbiddenEvent(Exception):
    """Something was executed, opened or imported."""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in FORBIDDEN:
        raise ForbiddenEvent(f"{event} {arguments!r:.200}")


sys.addaudithook(_audit)


@contextlib.contextmanager
def watching() -> Iterator[None]:
    global _watching
    _watching = True
    try:
        yield
    finally:
        _watching = False


@pytest.fixture
def warm(unchecked: None) -> None:
    """The package as its users have it; what is imported on first use has been imported."""
    for text in ("x_0", "sen(x_0)", "\u0445", "1e99", "add,x_0"):
        with contextlib.suppress(ValueError):
            from_text(text)


def answer(text: str) -> bool:
    """Whether the text is an expression; it is watched while it is read."""
    try:
        with watching():
            from_text(text)
    except ValueError:
        return False
    return True


def is_answered_soon(read: Callable[[], Any]) -> bool:
    """Whether one of two calls takes less processor time than `SECONDS`."""
    for _ in range(2):
        start = time.process_time()
        read()
        if time.process_time() - start < SECONDS:
            return True
    return False


CODE = """
__import__('os').system('x')|eval('1')|exec('x=1')|lambda: 0|(lambda x: x)(1)|x_0.__class__
().__class__.__bases__[0].__subclasses__()|[x for x in (1,)]|{1: 2}|f'{x_0}'|'%s' % x_0
'{0.__class__}'.format(1)|{0}|%n%n%s|open('/etc/passwd')|import os|from os import system
globals()|getattr(e, 'real')|e.__class__|pi.__class__|sin.__globals__|x_0[0]|x_0; x_1|x_0 # y
x_0 if 1 else 2|not x_0|x_0 and x_1|x_0 == 1|x_0 := 2|*x_0|**x_0|@x_0|`id`|$(id)|$x_0|\\x41|'''x'''
\"x\"|b'x'|r'x'|0x41|0b1|0o7|1_000|1j|2.5j|...|x_0...|None|True|False|__name__|__builtins__
sympify('1')|Symbol('x')|Integer(1)|Lambda(x, x)|Function('f')(x)|S(1)|oo|zoo|nan|I|-oo|inf
x_99999999999|x_-1|x_1e3|x_0x_1|x__0|_x_0|x_|_|__|x_0_0|x0|x 0|x_ 0|x_\u0663|x_\u00b2
<script>|../../etc|C:\\\\x|;drop table|' or 1=1|${7*7}|{{7*7}}|#{7*7}|%00|&lt;|\\n|\\0|\\u0041
1e999999999|1e-999999999|1e99999999999999999999|9**9**9**9|9**9**9**9**9**9|2^2^2^2^2^2^2^2
(10**10)**(10**10)|exp(exp(exp(exp(1e9))))|1/0|0/0|0**-1|0**0|log(0)|sqrt(-1)|tan(1e40)
x_0**x_0**x_0**x_0**x_0|--------1|+-+-+-1|1--1|1++1|1**-1|1***1|1//1|1^^1|1%1|1<<9|~1|1&1|!1
(|)|()|)(|((|))|(()|())|(,)|,|,,|,x_0|x_0,|x_0,x_0|add|add,|add,add|add add|add(|add()|add,()
sin|sin sin|sin(sin|sin,sin|sin(,)|sin((x_0)|sin(x_0))|sin(x_0|sin x_0)|-|-,|- -|-,1|.|..|.e1|e1
1.|1..|.1.|1e|1e+|1e1.5|1.e|e|E|ee|pi pi|pi,e|1 2|1,2|x_0 1|1 x_0
\uff58_0|\u0445_0|x_0\u200b|\u202ex_0|\u2212x_0|x\u0332_0|\u221a(x_0)|\u03c0|x_0\u00b2|\ud800|\U0001f600
\ufeffx_0|x_0\u2028x_1|x_0\xa0|\u0661|1\u066b5|\x00|x_0\x00|\x00x_0|\x1b[31m|\x7f|\r|\t|\x0b|\x0c
"""
HUGE: dict[str, str] = {
    "opened": "(" * 10**5,
    "closed": ")" * 10**5,
    "nested": "(" * 10**5 + "x_0" + ")" * 10**5,
    "nested below the limit": "(" * 4000 + "x_0" + ")" * 4000,
    "long": "x_0+" * 250_000,
    "blank": " " * 10**6,
    "digits": "1" * 10**5,
    "digits below the limit": "1" * 30000,
    "fraction": "0." + "0" * 30000 + "1",
    "exponent": "1e" + "9" * 30000,
    "name": "s" * 32000,
    "names": "siin " * 6000,
    "functions": "sin(" * 10**5,
    "functions below the limit": "sin(" * 2000 + "x_0" + ")" * 2000,
    "signs": "-" * 32000,
    "plus signs": "+" * 8000 + "1",
    "sum": "+".join(["x_0"] * 4000),
    "sum of outputs": "|".join(["+".join(["x_0"] * 60)] * 64),
    "product": "*".join(["1.5"] * 4000),
    "powers": "**".join(["x_0"] * 4000),
    "tower": "**".join(["9"] * 2000),
    "divisions": "1/(" * 1000 + "x_0" + ")" * 1000,
    "halves": "x_0**(1/" * 500 + "2" + ")" * 500,
    "outputs": "x_0|" * 8000,
    "few outputs": "|".join(["x_0"] * 64),
    "commas": "," * 32000,
    "commas and blanks": (", " * 16000),
    "bars": "|" * 32000,
    "commas and one bar": "," * 16000 + "|",
    "prefix": "add," * 4000 + "x_0," * 4000 + "x_0",
    "prefix without operands": "add," * 4000,
    "prefix blanks": "sin " * 4000 + "x_0",
    "operands": "x_0 " * 8000,
    "absolute": "Abs(" * 1000 + "x_0" + ")" * 1000,
    "squares": "(" * 1500 + "x_0" + ")**2" * 1500,
    "quotes": "'" * 32000,
    "nulls": "\x00" * 10**6,
    "emoji": "\U0001f600" * 10**5,
    "digits of other scripts": "\u0663" * 10**5,
    "calls": "pow(" * 1000 + "x_0" + ",2)" * 1000,
    "operands of a call": "sin(" + "x_0," * 4000 + "x_0)",
    "empty calls": "sin()" * 4000,
    "two longest programs": " | ".join(
        ["(-1.1 add (-2.5 mul sin(" * 255 + "x_0" + ")))" * 255] * 2
    ),
    "prefixes": "|".join(["add 1.5 " * 31 + "x_0"] * 64),
    "many numbers": "+".join(f"{k}.{k}" for k in range(2000)),
}
HOSTILE = {repr(text): text for line in CODE.strip("\n").split("\n") for text in line.split("|")}
HOSTILE |= HUGE


def test_the_watch_bites() -> None:
    with pytest.raises(ForbiddenEvent, match="compile|exec"), watching():
        eval("1 + 1")
    with pytest.raises(ForbiddenEvent, match="open"), watching():
        open(__file__)  # noqa: SIM115
    with pytest.raises(ForbiddenEvent, match="import"), watching():
        import this  # noqa: F401
    assert not is_answered_soon(lambda: spin(1.5 * SECONDS))


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_hostile_strings_are_answered_soon(warm: None) -> None:
    assert len(HOSTILE) >= 200
    for name, text in HOSTILE.items():
        assert is_answered_soon(partial(answer, text)), name


def test_hostile_strings_take_little_memory(warm: None) -> None:
    tracemalloc.start()
    try:
        for name, text in HUGE.items():
            tracemalloc.reset_peak()
            answer(text)
            assert tracemalloc.get_traced_memory()[1] < BYTES, name
        hog = bytearray(int(2 * BYTES))
        assert tracemalloc.get_traced_memory()[1] > BYTES
        del hog
    finally:
        tracemalloc.stop()


ALPHABET = [
    *"x_0123456789.eE+-*/^(),| \t\n'\"[]{}\\;:=<>!@#$%&`~\0\x7f\xa0\u0445\u2212\u03c0\u00b2\uff58",
    "x_0", "x_1", "x_63", "x_64", "sin(", "add", "mul", ",", "**2", "(", ")", "1e", "pi", "Abs(",
    "y_0", "y_16", "t", "__", "\ud800", "\U0001f600",
]  # fmt: skip


def fuzzed(rng: np.random.Generator, valid: list[str]) -> Iterator[str]:
    """Random words, and valid expressions cut, joined, and with random changes."""
    for number in range(10_000):
        if number % 2:
            yield "".join(rng.choice(ALPHABET, rng.integers(1, 40)))
            continue
        text = valid[rng.integers(len(valid))]
        at, to = sorted(rng.integers(0, len(text) + 1, 2))
        other = valid[rng.integers(len(valid))]
        yield (
            text[:at], text[:at] + text[to:], text[:at] + other, text[:at] + other + text[at:],
            text[:at] + str(rng.choice(ALPHABET)) + text[at:],
        )[number // 2 % 5]  # fmt: skip


def test_fuzzed_strings_are_answered_soon(drawn: dict[str, Program], seed: int, warm: None) -> None:
    global _watching
    _watching = False
    few = [program[:20] for program in drawn.values()]
    valid = [
        t for style in ("reference", "prefix", "sympy") for p in few for t in to_text(p, style)
    ]
    texts = list(fuzzed(np.random.default_rng(seed), [*valid, *MATHS]))
    _watching = True
    accepted = 0
    for text in texts:
        assert is_answered_soon(partial(answer, text)), text
        accepted += answer(text)
    assert 100 < accepted < 5000


def test_no_look_alike_of_a_digit_reaches_python() -> None:
    """Python's own `int` and `float` read digits of every script; the tokenizer must not."""
    for letter in "\u0663\u0967\uff11\u00b2\U0001d7d9":
        assert letter.isdigit()
        assert [t.kind for t in _tokens("1")] == ["number", "end"]
        with pytest.raises(lexer.Problem, match="DIGIT|TWO"):
            _tokens(f"1{letter}")


def _tokens(text: str) -> list[lexer.Token]:
    return lexer.tokenize(text)[0]


def test_the_module_names_nothing_that_executes() -> None:
    for module in (read_text, lexer):
        assert not {"ast", "sympy", "eval", "exec", "compile", "os"} & set(vars(module))


# LaTeX.

LATEX = {
    "7.46 + 0.695*sqrt(x_0)": r"7.46 + 0.695 \sqrt{x_{0}}",
    "x_0 add x_1": r"x_{0} + x_{1}",
    "x_0 - x_12": r"x_{0} - x_{12}",
    "y_0 - t": "y_{0} - t",
    "sin(t)*y_15": r"\sin\left(t\right) y_{15}",
    "x_0 - (x_1 - 2)": r"x_{0} - \left(-2 + x_{1}\right)",
    "x_0 - (-3)*x_1": r"x_{0} + 3 x_{1}",
    "x_0 + (x_1 + 2)*(-3)": r"x_{0} - 3 \left(2 + x_{1}\right)",
    "x_0*x_1": r"x_{0} x_{1}",
    "x_0*(x_1 + x_0)": r"x_{0} \left(x_{1} + x_{0}\right)",
    "x_0*neg(x_1)": r"x_{0} \left(-x_{1}\right)",
    "(x_0 mul 3)": r"x_{0} \cdot 3",
    "2*3": r"2 \cdot 3",
    "x_0/x_1": r"\frac{x_{0}}{x_{1}}",
    "-3*x_0/x_1": r"-\frac{3 x_{0}}{x_{1}}",
    "(x_0 + 1)/(x_1 - x_0)": r"\frac{1 + x_{0}}{x_{1} - x_{0}}",
    "1/x_0": r"\frac{1}{x_{0}}",
    "2 - 3/(x_0 + 1)": r"2 - \frac{3}{1 + x_{0}}",
    "2.5 mul inv(x_0)": r"\frac{2.5}{x_{0}}",
    "-x_0": r"-x_{0}",
    "-(x_0 + x_1)": r"-\left(x_{0} + x_{1}\right)",
    "neg(neg(x_0))": r"-\left(-x_{0}\right)",
    "x_0**2": r"x_{0}^{2}",
    "(x_0 + 1)**3": r"\left(1 + x_{0}\right)^{3}",
    "(-2)**2": r"\left(-2\right)^{2}",
    "sin(x_0)**2": r"\sin^{2}\left(x_{0}\right)",
    "sqrt(x_0)**2": r"\left(\sqrt{x_{0}}\right)^{2}",
    "(x_0**2)**2": r"\left(x_{0}^{2}\right)^{2}",
    "(1/x_0)**2": r"\left(\frac{1}{x_{0}}\right)^{2}",
    "abs(x_0)**2": r"\left|x_{0}\right|^{2}",
    "(x_0 + 1)**(x_1 + 1)": r"\left(1 + x_{0}\right)^{1 + x_{1}}",
    "sin(x_0)**x_1": r"\sin\left(x_{0}\right)^{x_{1}}",
    "exp(-x_0)": r"\exp\left(-x_{0}\right)",
    "log(x_0)": r"\log\left(x_{0}\right)",
    "cos(x_0)": r"\cos\left(x_{0}\right)",
    "tan(arcsin(x_0))": r"\tan\left(\arcsin\left(x_{0}\right)\right)",
    "arccos(tanh(x_0))": r"\arccos\left(\tanh\left(x_{0}\right)\right)",
    "arctan(x_0)": r"\arctan\left(x_{0}\right)",
    "sinh(cosh(x_0))": r"\sinh\left(\cosh\left(x_{0}\right)\right)",
    "max(x_0, x_1 + 1)*2": r"2 \max\left(x_{0}, 1 + x_{1}\right)",
    "min(-x_0, 2)**2": r"\min^{2}\left(-x_{0}, 2\right)",
    "sign(x_0)": r"\operatorname{sign}\left(x_{0}\right)",
    "arcsinh(x_0)**3": r"\operatorname{arcsinh}^{3}\left(x_{0}\right)",
    "arctanh(x_0)": r"\operatorname{arctanh}\left(x_{0}\right)",
    "gate(x_0 - 1, x_1 + 2)": (r"\left[-1 + x_{0} > 0\right] \left(2 + x_{1}\right)"),
    "y_0(t - 2.5)**2": r"y_{0}\left(t - 2.5\right)^{2}",
    "arccosh(x_0)": r"\operatorname{arccosh}\left(x_{0}\right)",
    "e*pi*EulerGamma": r"e \pi \gamma",
    "2.5e-7*x_0": r"2.5 \cdot 10^{-7} x_{0}",
    "-1e-8 + x_0": r"-10^{-8} + x_{0}",
    "123456789000*x_0": r"1.23456789 \cdot 10^{11} x_{0}",
    "(1e12 pow x_0)": r"\left(10^{12}\right)^{x_{0}}",
    "0.001*x_0": r"0.001 x_{0}",
    "1000000*x_0": r"1000000 x_{0}",
}


@pytest.mark.parametrize("text", LATEX)
def test_latex_is_the_golden_one(text: str) -> None:
    assert to_latex(from_text([text])) == [(LATEX[text],)]


def test_golden_latex_holds_every_operator() -> None:
    prefix = to_text(from_text(list(LATEX)), style="prefix")
    words = {word for text in prefix for word in text.split(",")}
    assert words >= {operator.name for operator in TABLE} - {"const", "id"}


def test_latex_shows_protection_and_follows_the_shape() -> None:
    text = ["log(x_0) | sqrt(2*x_0) | x_0**x_1", "x_0"]
    protected, bare = (to_latex(from_text(text, protected=p)) for p in (True, False))
    assert protected[0] == (
        r"\log\left(\left|x_{0}\right|\right)",
        r"\sqrt{\left|2 x_{0}\right|}",
        r"\left|x_{0}\right|^{x_{1}}",
    )
    assert bare[0] == (r"\log\left(x_{0}\right)", r"\sqrt{2 x_{0}}", "x_{0}^{x_{1}}")
    assert bare[1] == ("x_{0}", "0", "0")
    assert to_latex(from_text("x_0")[0]) == "x_{0}"


def test_latex_of_no_program_is_refused(unchecked: None) -> None:
    with pytest.raises(TypeError, match=r"to_latex\(program=.*not of type str"):
        to_latex("x_0")


class LatexReader:
    """Values of the LaTeX that `to_latex` writes."""

    token = re.compile(
        r"\\left[\[(|]|\\right[\])|]|>|\\operatorname\{[a-z]+\}|\\[a-z]+|x_|[0-9.]+|[{}^+e,-]"
    )

    def __init__(self, latex: str, x: np.ndarray) -> None:
        assert not self.token.sub("", latex).strip()
        self.words, self.x = [*self.token.findall(latex), "end"], x

    def next(self) -> str:
        return self.words.pop(0)

    def sum(self) -> Any:
        value = self.product()
        while self.words[0] in ("+", "-"):
            sign = 1 if self.next() == "+" else -1
            value = value + sign * self.product()
        return value

    def product(self) -> Any:
        if self.words[0] == "-":
            self.next()
            return -self.product()
        value = self.power()
        while self.words[0] not in ("+", "-", "}", ",", ">", "end", r"\right)", r"\right|"):
            if self.words[0] == r"\cdot":
                self.next()
            value = value * self.power()
        return value

    def power(self) -> Any:
        if self.words[0] == r"\left[":
            return self.gate()
        value = self.atom()
        if self.words[0] == "^":
            self.next()
            value = np.power(value, self.group())
        return value

    def gate(self) -> Any:
        self.next()
        condition = self.sum()
        assert [self.next(), self.next(), self.next()] == [">", "0", r"\right]"]
        nothing = np.where(np.isnan(condition), condition, 0)
        return np.where(condition > 0, self.power(), nothing)

    def group(self) -> Any:
        opening = self.next()
        value = self.sum()
        closing = self.next()
        pair = opening, closing
        assert pair in {("{", "}"), (r"\left(", r"\right)"), (r"\left|", r"\right|")}
        return np.abs(value) if opening == r"\left|" else value

    def atom(self) -> Any:
        if self.words[0] in (r"\left(", r"\left|"):
            return self.group()
        word = self.next()
        if word == "x_":
            assert self.next() == "{"
            index = int(self.next())
            assert self.next() == "}"
            return self.x[index]
        if word == r"\frac":
            return self.group() / self.group()
        named = {"e": np.e, r"\pi": np.pi, r"\gamma": np.euler_gamma}
        if word[0].isdigit() or word in named:
            return named[word] if word in named else np.float64(word)
        exponent = 1.0
        if self.words[0] == "^":
            self.next()
            exponent = self.group()
        name = word[1:].removeprefix("operatorname{").removesuffix("}")
        if name in ("max", "min"):
            assert self.next() == r"\left("
            first = self.sum()
            assert self.next() == ","
            value = {"max": np.maximum, "min": np.minimum}[name](first, self.sum())
            assert self.next() == r"\right)"
            return value**exponent
        return getattr(np, name)(self.group()) ** exponent


@pytest.mark.parametrize("name", LAWS)
def test_latex_has_the_same_value(drawn: dict[str, Program], name: str) -> None:
    program, x = drawn[name][:NUM_EVALUATED], points(NUM_EVALUATED)
    y = np.empty((NUM_EVALUATED, 1, x.shape[-1]))
    with np.errstate(all="ignore"):
        for row, [latex] in enumerate(to_latex(program)):
            reader = LatexReader(latex, x[row])
            y[row, 0] = reader.sum()
            assert reader.words == ["end"]
    same = agreement(y, values(program, x))
    # where a float overflows on the way, a bare power has a negative base of integer exponent, or
    # what a gate shut out, 0, has a negative one
    assert same.mean() > 0.98, np.argwhere(~same)


def test_the_latex_reader_bites() -> None:
    x = np.array([[0.5], [2.0]])
    assert LatexReader(r"3 - \frac{x_{0}}{2} x_{1}^{2}", x).sum() == 2.0
    assert LatexReader(r"3 - \frac{x_{0}}{2} + x_{1}", x).sum() != 0.75
    with pytest.raises(AssertionError):
        LatexReader(r"\left(x_{0}\right|", x).sum()


@pytest.mark.long
def test_matplotlib_draws_the_latex(drawn: dict[str, Program]) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    latex = [row[0] for program in drawn.values() for row in to_latex(program[:34])]
    assert len(latex) >= 200
    for one in [*latex, *LATEX.values()]:
        parser.parse(f"${one}$")
    with pytest.raises(ValueError):
        parser.parse(r"$\left(x$")
