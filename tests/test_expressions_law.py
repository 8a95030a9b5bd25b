"""Given expressions as a law, and the distributions of the numbers in them."""

import re
from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from scipy import stats

import s2jax
from s2jax import distributions
from s2jax.config.serialize import from_json, to_json
from s2jax.core.random import fold_in, words_of
from s2jax.distributions import Choices, Constant, LogUniform, Normal, Uniform
from s2jax.laws import GivenLaw, S2Law, UniformLaw
from s2jax.programs import Program
from s2jax.programs.program import to_decimal
from s2jax.text import from_text, to_text
from s2jax.text.tree import number
from tests.statistics import assert_counts_match, assert_ks

DRAWN = 40_000
LAW = GivenLaw(
    ["sin(a*x_0) + 0.5*x_1", "x_0*x_1"], weights=[1, 2], parameters={"a": Uniform(0.5, 2.0)}
)


def draw(law: GivenLaw, key: jax.Array, rows: int, inputs: int = 2, used: int = 2) -> Program:
    words = fold_in(words_of(key), jnp.arange(rows))
    sample = jax.jit(type(law).draw, static_argnums=(3, 4))
    return sample(law, words, jnp.full(rows, used, jnp.int32), inputs, True)


def config_of(law: GivenLaw, **fields: Any) -> s2jax.Config:
    target = s2jax.Algebraic(law=law)
    return s2jax.presets.s2(length=64, num_inputs=2, target=target, **fields)


# Distributions.


KEY = jax.random.key(0)
OF_NUMBERS = [Constant(2.0), Uniform(), LogUniform(), Normal(), Choices()]
OF_EXPRESSIONS = [LAW, S2Law(), UniformLaw()]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("law", [*OF_NUMBERS, *OF_EXPRESSIONS], ids=lambda law: type(law).__name__)
def test_laws_take_a_key_first(law: Any) -> None:
    wrong = {
        "must be a typed key. Pass jax.random.key(seed)": [
            0, None, np.zeros(2, np.uint32), jax.random.key_data(KEY),
            jax.random.PRNGKey(0),
        ],
        "must be one key. Use jax.vmap for several": [jax.random.split(KEY, 3)],
    }  # fmt: skip
    for message, keys in wrong.items():
        for given in keys:
            with pytest.raises(TypeError, match=re.escape(message)) as caught:
                law.sample(given)
            assert f"{type(law).__name__}.sample(key" in str(caught.value)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("law", OF_NUMBERS, ids=lambda law: type(law).__name__)
def test_numbers_of_any_shape(law: Any) -> None:
    for shape in ((), (3,), (2, 0), (4, 5), 7, [2, 3]):
        draws = law.sample(KEY, shape)
        assert draws.dtype == jnp.float32
        assert draws.shape == (tuple(shape) if isinstance(shape, (tuple, list)) else (shape,))
    inside = jax.jit(lambda key: law.sample(key, (4, 5)))(KEY)
    np.testing.assert_array_equal(inside, law.sample(KEY, (4, 5)))
    several = jax.vmap(law.sample)(jax.random.split(KEY, 3))
    assert several.shape == (3,)
    with pytest.raises(ValueError, match=r"sample\(shape\[1\]=-1\): must be an integer >= 0"):
        law.sample(KEY, (2, -1))
    with pytest.raises(TypeError, match="must be a Python integer"):
        law.sample(KEY, 2.5)


@pytest.mark.parametrize("law", OF_EXPRESSIONS, ids=lambda law: type(law).__name__)
def test_expressions_of_a_key(law: Any) -> None:
    few, many = law.sample(KEY, 3, num_inputs=2), law.sample(KEY, 8, num_inputs=2)
    assert few.shape == (3, 1)
    jax.tree.map(np.testing.assert_array_equal, few, many[:3])
    assert not few.protected
    assert law.sample(KEY, 3, num_inputs=2, protected=True).protected
    assert s2jax.evaluate(few, jnp.ones((3, 2, 4))).shape == (3, 1, 4)
    with pytest.raises(ValueError, match=r"sample\(n=0\): must be an integer >= 1"):
        law.sample(KEY, 0, num_inputs=2)
    with pytest.raises(ValueError, match=r"sample\(num_inputs=65\): must be an integer >= 1"):
        law.sample(KEY, 1, num_inputs=65)


def test_a_law_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(ValueError, match="reads x_1. Raise num_inputs"):
        LAW.sample(KEY, 2, num_inputs=1)


@pytest.mark.parametrize(
    "law, cdf",
    [
        (Uniform(-2.0, 3.0), stats.uniform(-2, 5).cdf),
        (LogUniform(0.01, 100.0), stats.loguniform(0.01, 100).cdf),
        (Normal(3.0, 0.5), stats.norm(3, 0.5).cdf),
    ],
    ids=lambda part: type(part).__name__,
)
def test_continuous_laws(law: Any, cdf: Any, key: jax.Array) -> None:
    draws = law.sample(key, (DRAWN,))
    assert draws.dtype == jnp.float32
    assert_ks(draws, cdf, what=type(law).__name__)


def test_choices(key: jax.Array) -> None:
    draws = Choices([1, 2.5, -3, 7], [1, 2, 0, 5]).sample(key, (DRAWN,))
    assert_counts_match(Counter(np.asarray(draws).tolist()), {1: 1 / 8, 2.5: 2 / 8, 7: 5 / 8})
    assert Choices([4, 5]).weights == (1.0, 1.0)


def test_edges_of_the_bits() -> None:
    bits = jnp.array([0, 2**32 - 1], jnp.uint32)
    np.testing.assert_array_equal(Constant(2).from_bits(bits), [2, 2])
    assert np.all(np.asarray(Uniform(-3e38, 3e38).from_bits(bits)) <= 3e38)
    low, high = np.asarray(LogUniform(0.1, 10.0).from_bits(bits))
    assert (low, high) == (np.float32(0.1), pytest.approx(10, rel=1e-6))
    assert high <= 10
    assert np.all(np.abs(np.asarray(Normal().from_bits(bits))) < 6)
    assert Uniform(2.0, 2.0).from_bits(bits).tolist() == [2, 2]


@pytest.mark.parametrize(
    "make, rule",
    [
        (lambda: Uniform(2.0, 1.0), "low must be <= high"),
        (lambda: Uniform(high=np.inf), "high=inf"),
        (lambda: LogUniform(0.0, 1.0), "low=0.0"),
        (lambda: Normal(std=-1.0), "std=-1.0"),
        (lambda: Constant(np.nan), "value=nan"),
        (lambda: Choices([]), "at least one of values"),
        (lambda: Choices([1, 2], [1]), "2 values, 1 weights"),
        (lambda: Choices([1, 2], [0, 0]), "at least one weight"),
        (lambda: Choices([1, np.inf]), r"values\[1\]=inf"),
    ],
)
def test_distributions_refuse(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()


# Rounding.


@pytest.mark.parametrize("digits", [1, 2, 4])
def test_rounding_is_that_of_text(digits: int) -> None:
    rng = np.random.default_rng(digits)
    values = rng.normal(size=3000) * 10.0 ** rng.uniform(-12, 12, 3000)
    edges = [0, 1, -1, 10, 100, 0.1, 999.96, 9.9996, 99996, 1.2e8, 5e30, -2, 1e-31, 3e38, -1.2e-38]
    values = np.array([*values, *edges], np.float32)
    mantissa, exponent = map(np.asarray, to_decimal(jnp.asarray(values), digits))
    for m, e, value in zip(mantissa.tolist(), exponent.tolist(), values.tolist(), strict=True):
        assert (m, e) == number(float(f"{value:.{digits - 1}e}")), value


# The law.


def test_expressions_are_drawn_by_weight(key: jax.Array) -> None:
    law = GivenLaw(["x_0", "x_0 + 1", "x_1", "sin(x_0)"], [1, 3, 0, 4])
    texts = Counter(to_text(draw(law, key, DRAWN)[:, None]))
    shares = {"x_0": 1 / 8, "(1 add x_0)": 3 / 8, "sin(x_0)": 4 / 8}
    assert_counts_match(texts, shares)


def test_parameters_follow_their_law_and_are_shared(key: jax.Array) -> None:
    law = GivenLaw("a*x_0 + sin(a + b*x_1)", parameters={"a": Normal(), "b": Uniform(1, 2)})
    program = jax.device_get(draw(law, key, DRAWN))
    decimals = lambda m, e: np.array([f"{a}e{b}" for a, b in zip(m, e, strict=True)], float)
    at = lambda k, kind: decimals(
        getattr(program, f"{kind}_mantissa")[:, k], getattr(program, f"{kind}_exponent")[:, k]
    )
    names = np.array([s2jax.programs.operators.TABLE[op].name for op in program.op[0]])
    inner, outer = np.flatnonzero(names == "id")
    a, b = at(inner, "bias"), at(inner, "scale")
    np.testing.assert_array_equal(a, at(outer, "scale"))
    assert_ks(a, stats.norm.cdf, what="a")
    assert_ks(b, stats.uniform(1, 1).cdf, what="b")
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / DRAWN**0.5


def test_jitter_is_independent_rounded_and_of_decimals_only(key: jax.Array) -> None:
    law = GivenLaw("2.5*x_0 + 3*x_1 + 4.0", factor=Uniform(0.5, 1.5), digits=2)
    texts = to_text(draw(law, key, 2000)[:, None])
    parts = [text.split() for text in texts]
    bias = [float(part[0].strip("(")) for part in parts]
    scale = [float(part[2].strip("(")) for part in parts]
    assert {part[6].strip("(") for part in parts} == {"3"}
    for value, middle in ((bias, 4.0), (scale, 2.5)):
        assert all(number(v) == number(float(f"{v:.1e}")) for v in value)
        assert middle * 0.5 <= min(value) < middle * 0.55
        assert middle * 1.45 < max(value) <= middle * 1.5
    assert abs(np.corrcoef(bias, scale)[0, 1]) < 5 / 2000**0.5


def test_decimal_products_do_not_overflow(key: jax.Array) -> None:
    law = GivenLaw("2.5*3.25 + x_0", factor=Uniform(0.5, 1.5), digits=6)
    program = draw(law, key, 100)[:, None]
    y = np.asarray(s2jax.evaluate(program, jnp.zeros((100, 2, 1))))[:, 0, 0]
    assert np.all((y > 8.125 / 4) & (y < 8.125 * 2.25))


def test_text_gives_the_program_back(key: jax.Array) -> None:
    law = GivenLaw(
        ["a*x_0**b - 0.25", "(x_0 + a)/(x_1 - b)", "exp(-a)*b + pi"],
        parameters={"a": LogUniform(1e-6, 1e6), "b": Choices([1, 2, 0.5])},
        factor=Normal(1.0, 0.2),
    )
    program = draw(law, key, 300)[:, None]
    again = from_text(to_text(program), protected=True, num_nodes=program.num_nodes)
    used = np.arange(program.num_nodes) < np.asarray(program.length)[..., None]
    for name in ("op", "scale_mantissa", "scale_exponent", "bias_mantissa", "bias_exponent"):
        one, two = (np.where(used, getattr(p, name), 0) for p in (program, again))
        np.testing.assert_array_equal(one, two)
    assert max(map(len, s2jax.text.to_prefix(program[:, 0]))) <= law.max_tokens(2)


def test_forms_of_expressions() -> None:
    a, x, y = sympy.symbols("a x_0 x_1", real=True)
    parameters = {"a": Uniform()}
    want = ("(sin((a mul x_0)) add (0.5 mul x_1))",)
    assert GivenLaw("sin(a*x_0) + x_1*0.5", None, parameters).alternatives == want
    with sympy.evaluate(False):
        assert GivenLaw(sympy.sin(a * x) + 0.5 * y, None, parameters).alternatives == want
    assert GivenLaw(want, None, parameters).alternatives == want
    program = from_text(["x_0 + 1 | sin(x_1)", "x_0"])
    assert GivenLaw(program).alternatives == ("(1 add x_0)", "sin(x_1)", "x_0")


def test_fewer_inputs_wrap_around(key: jax.Array) -> None:
    program = draw(GivenLaw("x_0 - x_1*x_2"), key, 2, inputs=3, used=2)
    assert to_text(program[:1, None]) == ["(x_0 sub (x_1 mul x_0))"]


def test_a_batch_is_the_start_of_a_larger_one(key: jax.Array) -> None:
    one, two = draw(LAW, key, 5), draw(LAW, key, 16)
    jax.tree.map(np.testing.assert_array_equal, one, two[:5])


def test_batches_show_what_was_drawn(key: jax.Array) -> None:
    batch = s2jax.sample(key, config_of(LAW), 64)
    texts = to_text(batch.program)
    assert np.all(np.asarray(batch.status) == 0)
    assert len(set(texts)) > 10
    y = s2jax.evaluate(batch.program, batch.x)
    y = y * batch.y_scale[..., None] + batch.y_shift[..., None]
    np.testing.assert_allclose(y, batch.y, rtol=1e-4, atol=1e-4)


def test_leaves_do_not_recompile(key: jax.Array) -> None:
    traces = []

    @jax.jit
    def sample(law: GivenLaw) -> Program:
        traces.append(law)
        return law.draw(words_of(key)[None], jnp.array([2]), 2, True)

    for low in (0.5, 0.7):
        kinds = {"a": Uniform(low, 2.0), "b": Choices([low, 1.0], [1.0, low])}
        sample(GivenLaw(["a*x_0", "b*x_0 + 0.5"], [low, 1], kinds, Normal(1.0, low)))
    assert len(traces) == 1


def test_json_round_trip() -> None:
    kinds = {"a": Uniform(0, 1), "b": LogUniform(), "c": Choices([1, 2]), "d": Constant(3)}
    law = GivenLaw(["a*x_0 + b", "c*x_0 + d"], [1, 2], kinds, Normal(1.0, 0.1), digits=3)
    config = config_of(law)
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize(
    "arguments, kind, rule",
    [
        (dict(alternatives=["x_0", "sen(x_0)"]), ValueError, r"\[1\]\): unknown.*`sen`"),
        (dict(alternatives="b*x_0"), ValueError, "unknown variable `b`"),
        (dict(alternatives="frequency*x_0"), ValueError, "needs a distribution in `parameters`"),
        (dict(alternatives=sympy.Symbol("b")), ValueError, "the symbol b must be"),
        (dict(alternatives="x_0", parameters={"b": Uniform()}), ValueError, "'b'.*must stand in"),
        (dict(alternatives="e*x_0", parameters={"e": Uniform()}), ValueError, "no operator"),
        (dict(alternatives="x_1", parameters={"x_1": Uniform()}), ValueError, "no variable"),
        (dict(alternatives="a*x_0", parameters={"a": 1.0}), TypeError, "must be a distribution"),
        (dict(alternatives="x_0", factor=2.0), TypeError, "factor=2.0"),
        (dict(alternatives=[]), ValueError, "at least one"),
        (dict(alternatives="x_0", weights=[1, 2]), ValueError, "1 alternatives, 2 weights"),
        (dict(alternatives="x_0", weights=[0]), ValueError, "at least one weight"),
        (dict(alternatives="x_0 | x_1"), ValueError, "one expression per string"),
        (dict(alternatives="x_0", digits=9), ValueError, "digits=9"),
        (dict(alternatives=[3j]), TypeError, "SymPy expression"),
        (dict(alternatives=sympy.erf(sympy.Symbol("x_0"))), ValueError, "erf must be an operator"),
        (dict(alternatives="sin(" * 257 + "x_0" + ")" * 257), ValueError, "takes 257 instructions"),
    ],
)  # fmt: skip
def test_the_law_refuses(arguments: Any, kind: Any, rule: str, unchecked: None) -> None:
    with pytest.raises(kind, match=rule):
        GivenLaw(**arguments)


def test_inputs_are_checked() -> None:
    with pytest.raises(ValueError, match="reads x_1. Raise num_inputs"):
        s2jax.presets.s2(target=s2jax.Algebraic(law=GivenLaw(["x_0", "sin(x_1)"])))


def test_all_distributions_are_public() -> None:
    kinds = distributions.AbstractDistribution.__subclasses__()
    for kind in [kind for kind in kinds if kind.__module__.startswith("s2jax.")]:
        assert getattr(distributions, kind.__name__) is kind
