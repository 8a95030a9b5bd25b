"""fastmath against float64 NumPy, over dense points and over every float32 exponent."""

import dataclasses
import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax.core import fastmath
from s2jax.core.fastmath import _functions, _reduction

pytestmark = pytest.mark.floats

EPS = 2.0**-23
SMALLEST_NORMAL = 2.0**-126


@dataclasses.dataclass(frozen=True)
class Case:
    """One function of one variable.

    Attributes:
        name: The function's name here and in NumPy.
        bound: Largest error relative to NumPy in float64, in eps.
        moderate: Range of the dense points and of the derivative test.
        derivative: The derivative, in float64.
        at_infinity: The value at +inf.
    """

    name: str
    bound: float
    moderate: tuple[float, float]
    derivative: Callable[[np.ndarray], np.ndarray]
    at_infinity: float = np.nan

    @property
    def function(self) -> Callable[..., jax.Array]:
        return getattr(fastmath, self.name)

    @property
    def reference(self) -> Callable[..., Any]:
        return getattr(np, self.name)


CASES = [
    Case("sin", 2.0, (-100, 100), np.cos),
    Case("cos", 2.0, (-100, 100), lambda x: -np.sin(x)),
    Case("tan", 3.0, (-100, 100), lambda x: 1 + np.tan(x) ** 2),
    Case("arctan", 2.0, (-30, 30), lambda x: 1 / (1 + x * x), np.pi / 2),
    Case("arcsin", 3.0, (-1, 1), lambda x: 1 / np.sqrt(1 - x * x)),
    Case("arccos", 2.0, (-1, 1), lambda x: -1 / np.sqrt(1 - x * x)),
]
TRIGONOMETRIC = CASES[:3]
ODD = [case for case in CASES if case.name not in ("cos", "arccos")]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_trigonometric = pytest.mark.parametrize("case", TRIGONOMETRIC, ids=lambda case: case.name)


def singles(values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


@functools.cache
def stratified(per_exponent: int = 2200) -> np.ndarray:
    """Over 1e6 finite floats: equally many of each exponent and sign, range ends included."""
    rng = np.random.default_rng(0)
    exponents = np.arange(255, dtype=np.uint32)[:, None] << np.uint32(23)
    mantissas = rng.integers(0, 2**23, (255, per_exponent), dtype=np.uint32)
    mantissas[:, :4] = 0, 1, 2**22, 2**23 - 1
    bits = exponents | mantissas
    return np.concatenate([bits, bits | np.uint32(2**31)]).view(np.float32).ravel()


def near_multiples_of_half_pi() -> np.ndarray:
    """The floats around k * pi/2, up to and beyond the change of reduction."""
    k = np.concatenate([np.arange(1, 12_000), np.geomspace(12_000, 1e30, 4000)])
    nearest = (k * (np.pi / 2)).astype(np.float32)
    ends = [np.nextafter(nearest, np.float32(side)) for side in (0, 3e38)]
    return np.concatenate([nearest, *ends])


def largest_error(
    function: Callable[..., jax.Array], reference: Callable[..., Any], *operands: np.ndarray
) -> float:
    """In eps, relative, over normal finite operands and results; NaN must agree everywhere."""
    actual = np.asarray(function(*operands)).astype(np.float64)
    with np.errstate(all="ignore"):
        expected = reference(*(operand.astype(np.float64) for operand in operands))
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    normal = (np.abs(expected) < 3.4e38) & (np.abs(expected) >= SMALLEST_NORMAL)
    for operand in operands:
        normal &= np.abs(operand) >= SMALLEST_NORMAL
    assert normal.mean() > 0.2
    return float(np.max(np.abs(actual[normal] / expected[normal] - 1)) / EPS)


@every_case
def test_error_on_dense_points(case: Case):
    x = np.linspace(*case.moderate, 400_000).astype(np.float32)
    assert largest_error(case.function, case.reference, x) < case.bound


@every_case
def test_error_over_every_exponent(case: Case):
    x = stratified()
    assert x.size > 1e6
    if case in TRIGONOMETRIC:
        x = np.concatenate([x, near_multiples_of_half_pi()])
    assert largest_error(case.function, case.reference, x) < case.bound


@every_trigonometric
@pytest.mark.parametrize("x", [16367173 * 2.0**72, -16367173 * 2.0**72, 2.0**127, 3.4028235e38])
def test_hardest_arguments(case: Case, x: float):
    """16367173 * 2**72 is among the floats nearest to a multiple of pi/2 (rest 2e-9)."""
    actual = float(case.function(np.float32(x)))
    np.testing.assert_allclose(actual, case.reference(float(np.float32(x))), rtol=case.bound * EPS)


@every_trigonometric
def test_both_branches_agree_where_both_hold(case: Case):
    x = np.linspace(8193, 12865, 100_001).astype(np.float32)
    alone = np.asarray(case.function(x))
    beside_a_huge_one = np.asarray(case.function(np.append(x, np.float32(1e20))))[:-1]
    np.testing.assert_array_max_ulp(alone, beside_a_huge_one, maxulp=4)
    kernel = getattr(_functions, f"_{case.name}_kernel")
    large_only = jax.jit(lambda x: kernel(x, _reduction._reduce_large(x)))(x)
    np.testing.assert_array_max_ulp(alone, np.asarray(large_only), maxulp=8)


def _prototype_sin(x: jax.Array) -> jax.Array:
    """The first attempt: three pieces of pi/2 and no second reduction."""
    multiple = jnp.round(x * np.float32(2 / np.pi))
    rest = x
    for piece in (1.5703125, 4.837512969970703e-4, 7.549789948768648e-8):
        rest = rest - multiple * np.float32(piece)
    return _functions._sin_kernel(x, (rest, multiple.astype(np.int32)))


def test_angles_within_a_turn_have_the_same_values():
    angles = np.linspace(-2 * np.pi, 2 * np.pi, 100_001, dtype=np.float32)
    angles = np.concatenate([angles, np.float32([0, 1e-30, -1e-30, 2**-126])])
    sine, cosine = jax.jit(fastmath.sin_and_cos_of_turn)(angles)
    np.testing.assert_array_equal(sine, fastmath.sin(angles))
    np.testing.assert_array_equal(cosine, fastmath.cos(angles))


def test_bound_catches_the_prototype_reduction():
    beyond = np.linspace(1e5, 1e6, 10_001).astype(np.float32)
    assert largest_error(jax.jit(_prototype_sin), np.sin, beyond) > 50
    near_zeros = near_multiples_of_half_pi()
    near_zeros = near_zeros[near_zeros < 1e4]
    assert largest_error(jax.jit(_prototype_sin), np.sin, near_zeros) > 100


def test_bound_catches_the_moderate_reduction_beyond_its_limit():
    def moderate(x: jax.Array) -> jax.Array:
        return _functions._sin_kernel(x, _reduction.reduce_moderate(x))

    x = np.geomspace(1e8, 1e9, 100_001).astype(np.float32)  # With fused products, fine to 1e6.
    assert largest_error(jax.jit(moderate), np.sin, x) > 50


def test_bound_catches_a_wrong_coefficient(monkeypatch: pytest.MonkeyPatch):
    x = np.linspace(-1, 1, 10_001).astype(np.float32)
    x = x[x != 0]
    wrong = list(_functions._ARCSIN)
    wrong[-1] *= 1.05
    monkeypatch.setattr(_functions, "_ARCSIN", wrong)
    assert largest_error(jax.jit(inspect.unwrap(fastmath.arcsin)), np.arcsin, x) > 3.0


def test_constants_of_the_reductions():
    pi_times_1e76 = 31415926535897932384626433832795028841971693993751058209749445923078164062862
    word = 0
    for part in _reduction._TWO_OVER_PI_WORDS:
        word = (word << 32) | part
    assert word == (2 << 212) * 10**76 // pi_times_1e76
    pieces = [float(np.float32(piece)) for piece in _reduction._HALF_PI_PIECES]
    np.testing.assert_allclose(sum(pieces), np.pi / 2, rtol=1e-15)
    for piece, width in zip(pieces, (8, 11, 11), strict=False):
        assert (np.frexp(piece)[0] * 2**width).is_integer()


# Special values.


@every_case
def test_nan_and_infinities(case: Case):
    quiet_and_signalling = np.array([0x7FC00000, 0x7F800001, 0xFF812345], np.uint32)
    x = np.append(quiet_and_signalling.view(np.float32), singles([np.inf, -np.inf]))
    actual = np.asarray(case.function(x))
    expected = singles([np.nan] * 3 + [case.at_infinity, -case.at_infinity])
    np.testing.assert_allclose(actual, expected, rtol=1e-7)


@pytest.mark.parametrize("case", ODD, ids=lambda case: case.name)
def test_odd_functions_return_zeros_and_tiny_values_bit_for_bit(case: Case):
    x = singles([0.0, -0.0, 1e-45, -1e-45, 1e-39, SMALLEST_NORMAL, -1e-10])
    actual = np.asarray(case.function(x))
    np.testing.assert_array_equal(actual.view(np.uint32), x.view(np.uint32))


@pytest.mark.parametrize("name", ["arcsin", "arccos"])
def test_inverse_functions_outside_their_domain(name: str):
    x = singles([1, -1, np.nextafter(np.float32(1), np.float32(2)), -1.5, 3e38])
    actual = np.asarray(getattr(fastmath, name)(x))
    assert np.isfinite(actual[:2]).all()
    assert np.isnan(actual[2:]).all()


def test_arccos_at_the_ends():
    np.testing.assert_array_equal(
        fastmath.arccos(singles([1, -1, 0, -0.0])), np.arccos(singles([1, -1, 0, 0]))
    )


# power


def power_operands(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Bases of every exponent, and powers for which log2 of the result is uniform."""
    a = stratified(1000)
    a = a[(np.abs(a) >= SMALLEST_NORMAL) & (np.abs(a) != 1)]
    near_one = 1 + np.random.default_rng(1).normal(0, 1e-3, 100_000)
    a = np.concatenate([a, near_one.astype(np.float32)])
    a = a[np.abs(a) != 1]
    target = np.random.default_rng(2).uniform(low, high, a.size)
    return a, (target / np.log2(np.abs(a.astype(np.float64)))).astype(np.float32)


def _reference_power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a) ** b


@pytest.mark.parametrize(("low", "high", "bound"), [(-10, 10, 3e-7), (-125.9, 127.9, 4e-6)])
def test_power_error(low: float, high: float, bound: float):
    a, b = power_operands(low, high)
    assert largest_error(fastmath.power, _reference_power, a, b) * EPS < bound


def test_power_bound_catches_a_single_precision_logarithm():
    def plain(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.exp2(b * jnp.log2(jnp.abs(a)))

    a, b = power_operands(-125.9, 127.9)
    assert largest_error(jax.jit(plain), _reference_power, a, b) * EPS > 4e-6


def test_power_of_small_integers_and_dense_points():
    a, b = np.meshgrid(np.linspace(0.01, 20, 3000), np.linspace(-4, 4, 161))
    a, b = a.astype(np.float32).ravel(), b.astype(np.float32).ravel()
    assert largest_error(fastmath.power, _reference_power, a, b) * EPS < 4e-7


def test_power_special_values():
    values = singles([0, -0.0, 1, -1, 0.5, -2, 3, 2e-38, 3e38, np.inf, -np.inf, np.nan])
    more = singles([1e-30, -1e-30, 1e30, -1e30, 2.5, -3e38, 129, -151])
    a, b = np.meshgrid(np.append(values, more), np.append(values, more))
    with np.errstate(all="ignore"):
        expected = (np.abs(a.astype(np.float64)) ** b).astype(np.float32)
    expected[np.isnan(a) | np.isnan(b)] = np.nan
    expected[(np.abs(a) < SMALLEST_NORMAL) & (b != 0) & (b < 0)] = np.inf
    expected[(np.abs(a) < SMALLEST_NORMAL) & (b > 0)] = 0
    expected[np.abs(expected) < SMALLEST_NORMAL] = 0
    expected = np.where((b == 0) & ~np.isnan(a), np.float32(1), expected)
    actual = np.asarray(fastmath.power(a, b))
    np.testing.assert_allclose(actual, expected, rtol=4e-6)


def test_power_takes_scalars_and_ignores_the_sign():
    x = singles([-3, 3])
    np.testing.assert_allclose(fastmath.power(x, 2), [9, 9], rtol=3e-7)
    np.testing.assert_allclose(fastmath.power(2.0, x), [0.125, 8], rtol=3e-7)


# Dispatch, transformations


@every_case
def test_half_precision_goes_to_jax_numpy(case: Case):
    x = jnp.linspace(-0.9, 0.9, 7).astype(jnp.bfloat16)
    np.testing.assert_array_equal(case.function(x), getattr(jnp, case.name)(x))
    for dtype in (jnp.float16, jnp.bfloat16):
        x = jax.ShapeDtypeStruct((7,), dtype)
        assert jax.eval_shape(case.function, x) == x


def test_float64_goes_to_jax_numpy():
    with jax.enable_x64(True):
        x = jnp.linspace(0.1, 0.9, 9, dtype=jnp.float64)
        for case in CASES:
            assert case.function(x).dtype == jnp.float64
            np.testing.assert_allclose(case.function(x), case.reference(np.asarray(x)), rtol=1e-14)
            single = jax.ShapeDtypeStruct((9,), jnp.float32)
            assert jax.eval_shape(case.function, single) == single
        np.testing.assert_allclose(fastmath.power(-x, x), np.asarray(x) ** x, rtol=1e-14)
        assert fastmath.power(x.astype(jnp.float32), jnp.float32(2)).dtype == jnp.float32


def _points(case: Case, size: int = 257) -> np.ndarray:
    low, high = case.moderate
    return (np.linspace(low, high, size + 2)[1:-1] + 1e-3).astype(np.float32)


@every_case
def test_gradient(case: Case):
    x = _points(case)
    expected = case.derivative(x.astype(np.float64))
    per_element = jax.jit(jax.vmap(jax.grad(case.function)))
    of_sum = jax.jit(jax.grad(lambda x: case.function(x).sum()))
    for actual in (per_element(x), of_sum(x)):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@every_case
def test_second_derivative(case: Case):
    x, step = np.linspace(-0.7, 0.7, 15), 1e-6
    expected = (case.derivative(x + step) - case.derivative(x - step)) / (2 * step)
    twice = jax.jit(jax.vmap(jax.grad(jax.grad(case.function))))
    actual = twice(x.astype(np.float32))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_power_gradient():
    a, b = singles([0.5, 2, -3, 1, 1e-3]), singles([3, -1.5, 2, 7, 0])
    gradient = jax.jit(jax.grad(fastmath.power, argnums=(0, 1)))
    da, db = jax.jit(jax.vmap(gradient))(a, b)
    size, wide = np.abs(a.astype(np.float64)), b.astype(np.float64)
    np.testing.assert_allclose(da, np.sign(a) * wide * size ** (wide - 1), rtol=1e-5)
    np.testing.assert_allclose(db, size**wide * np.log(size), rtol=1e-5)
    assert gradient(np.float32(0), np.float32(2)) == (0, 0)
    assert gradient(np.float32(0), np.float32(0))[0] == 0
    da = jax.jit(jax.grad(lambda a: fastmath.power(a, 2.0).sum()))(a)
    np.testing.assert_allclose(da, 2 * a, rtol=1e-5)


@every_case
def test_jit_close_to_eager(case: Case):
    x = _points(case)
    with jax.disable_jit():
        eager = np.asarray(case.function(x))
    np.testing.assert_array_max_ulp(eager, np.asarray(case.function(x)), maxulp=4)


def test_jit_close_to_eager_power():
    a, b = power_operands(-10, 10)
    a, b = a[::101], b[::101]
    with jax.disable_jit():
        eager = np.asarray(fastmath.power(a, b))
    np.testing.assert_array_max_ulp(eager, np.asarray(fastmath.power(a, b)), maxulp=4)


@every_case
def test_shapes_strict_promotion_and_vmap(case: Case):
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        for shape in [(), (0,), (2, 3, 5), (4, 0)]:
            x = jax.ShapeDtypeStruct(shape, jnp.float32)
            assert jax.eval_shape(case.function, x) == x
        x = jnp.linspace(-0.9, 0.9, 15, dtype=jnp.float32).reshape(3, 5)
        gradient = jax.eval_shape(jax.grad(lambda x: case.function(x).sum()), x)
        assert gradient.dtype == jnp.float32
        np.testing.assert_array_max_ulp(
            np.asarray(jax.vmap(case.function)(x)), np.asarray(case.function(x)), maxulp=4
        )


def test_power_under_strict_promotion():
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        a = jnp.full((3, 5), -2.0, jnp.float32)
        for b in (2.0, jnp.float32(2), jnp.full((3, 5), 2.0, jnp.float32)):
            np.testing.assert_allclose(fastmath.power(a, b), 4.0, rtol=3e-7)
            gradient = jax.eval_shape(jax.grad(lambda a, b=b: fastmath.power(a, b).sum()), a)
            assert gradient.dtype == jnp.float32
        with pytest.raises(ValueError, match="rank_promotion"):
            fastmath.power(a, jnp.ones(5, jnp.float32))


@every_trigonometric
def test_vmap_keeps_one_conditional(case: Case):
    """Without the batching rule, a vmapped block would always pay for the large reduction."""
    x = jnp.linspace(-3, 3, 32, dtype=jnp.float32).reshape(4, 8)
    compiled = str(jax.jit(jax.vmap(case.function)).lower(x).compile().as_text())
    if jax.default_backend() == "cpu":
        assert compiled.count(" conditional(") == 1
    naive = jax.vmap(lambda x: jax.lax.cond(_reduction._any_large(x), jnp.cos, jnp.abs, x))
    assert " conditional(" not in str(jax.jit(naive).lower(x).compile().as_text())


def test_inside_a_vmapped_switch():
    x = jnp.linspace(-3e5, 3e5, 32, dtype=jnp.float32).reshape(4, 8)
    branches = [jnp.abs, fastmath.sin, jnp.negative]
    opcode = jnp.arange(4, dtype=jnp.int32) % 3
    actual = jax.jit(jax.vmap(lambda op, x: jax.lax.switch(op, branches, x)))(opcode, x)
    np.testing.assert_array_max_ulp(np.asarray(actual[1]), np.asarray(fastmath.sin(x[1])), maxulp=4)


def test_import_starts_no_backend():
    code = (
        "import jax, s2jax.core.fastmath\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge._backends\n"
        "jax.numpy.zeros(())\n"
        "assert xla_bridge._backends\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
