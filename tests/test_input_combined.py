"""Sums and products of families: values, laws, independence, bits and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.distributions import Choices, LogUniform
from s2jax.inputs import ARMA, Add, Choice, CombinedLaw, Given, Mixture, Multiply
from s2jax.inputs._combined import standardise

KEY = jax.random.key(5)
LENGTH = 32
PARTS = [ARMA(max_ma_order=1), Mixture(max_components=2), ARMA(max_ar_order=1, max_ma_order=1)]


def parts_of(family, drawn) -> list[np.ndarray]:
    """The series of the parts, standardised, made again from the laws with the parts' own keys."""
    from s2jax.core.random import fold_in, words_of
    from s2jax.inputs._draws import words_within

    n = len(drawn.series)
    words = fold_in(words_of(KEY), jnp.arange(n, dtype=jnp.int32))
    series = [
        part.draw_series(law, words_within(words, "series", f"part {index}"), LENGTH).T
        for index, (part, law) in enumerate(zip(family.families, drawn.law.parts, strict=True))
    ]
    raw = [np.asarray(one, float) for one in series]
    return [(one - one.mean(1, keepdims=True)) / one.std(1, keepdims=True) for one in raw]


def test_a_sum_is_of_its_parts() -> None:
    family = Add(PARTS, gains=[1, LogUniform(0.1, 0.5), Choices((2.0, 3.0))])
    drawn = family.sample(KEY, 16, LENGTH)
    gains = np.asarray(drawn.law.gains)
    assert (gains[:, 0] == 1).all()
    assert ((gains[:, 1] >= 0.1) & (gains[:, 1] <= 0.5)).all()
    assert len(set(gains[:, 1])) == 16
    assert set(gains[:, 2]) == {2.0, 3.0}
    parts = parts_of(family, drawn)
    expected = sum(gains[:, [k]] * part for k, part in enumerate(parts))
    np.testing.assert_allclose(drawn.series, expected, atol=2e-5)
    # parts of one class are independent of each other: correlations of 16 pairs of 32 steps
    assert abs(np.mean(parts[0] * parts[2])) < 0.25
    assert not np.array_equal(drawn.law.parts[0].ar[:, 0], drawn.law.parts[2].ar[:, 0])


def test_a_product_is_of_its_parts() -> None:
    family = Multiply(PARTS[:2], gains=[1, 0.3], offsets=[0, 1])
    drawn = family.sample(KEY, 8, LENGTH)
    carrier, envelope = parts_of(family, drawn)
    np.testing.assert_allclose(drawn.series, carrier * (1 + 0.3 * envelope), atol=2e-5)


@pytest.mark.floats
def test_parts_may_be_combinations_and_choices() -> None:
    inner = Add([Choice([Mixture(), ARMA()]), Multiply([ARMA(), ARMA()])])
    config = s2jax.Config(LENGTH, inputs=Choice([inner, Mixture()]), target=s2jax.Identity())
    batch = s2jax.sample(KEY, config, 8)
    assert (batch.status == 0).all()
    law = batch.x_source.law_of(CombinedLaw)
    assert law.gains.shape == (8, 1, 2)
    assert law.parts[0].family.shape == (8, 1)
    assert law.parts[0].process.ar_order.shape == (8, 1)
    columns = config.choice.columns(1, LENGTH).columns
    assert "x_law_add_parts_0_laws_0_ar_order" in columns
    few = s2jax.sample(KEY, config, 3)
    assert np.array_equal(few.x, batch.x[:3])
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_series_of_any_size_are_standardised(size: float) -> None:
    series = jnp.asarray(np.random.default_rng(0).normal(size=(64, 3)) * size, jnp.float32)
    out = np.asarray(standardise(series))
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), 1, rtol=1e-5)


def test_constant_series_are_standardised_to_0() -> None:
    """Also those whose mean is another number, by rounding."""
    levels = jnp.asarray(np.random.default_rng(0).normal(size=200), jnp.float32)
    flat = jnp.broadcast_to(levels, (1000, 200))
    assert (np.asarray(flat - flat.mean(0)) != 0).any()
    assert (np.asarray(standardise(flat)) == 0).all()


def test_a_constant_part_adds_nothing() -> None:
    late = Given(np.append(np.zeros(1000), 1.0)[None])  # 1 window of 970 is not flat
    drawn = Add([ARMA(), late], gains=1.0).sample(KEY, 4, LENGTH)
    np.testing.assert_allclose(drawn.series.std(1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Add(ARMA()), "must be a list of input families"),
        (lambda: Add([ARMA()]), "at least two families"),
        (lambda: Add([ARMA(), 3]), r"Add\(families\[1\]=3\): must be an input family"),
        (lambda: Add([ARMA(), ARMA()], gains=[1.0]), "2 families, 1 gains"),
        (lambda: Add([ARMA(), ARMA()], gains="x"), "Constant"),
        (lambda: Multiply([ARMA(), ARMA()], offsets=[1]), "2 families, 1 offsets"),
        (lambda: Multiply([ARMA(), ARMA()], offsets=1), r"offsets=1\).*list of numbers"),
        (lambda: Multiply([ARMA(), ARMA()], offsets=[1, "a"]), r"offsets\[1\]"),
    ],
)
def test_what_is_refused(make, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_rows_as_parts_are_refused() -> None:
    class Rows(s2jax.inputs.AbstractRowInput):
        def law(self, draws, channels, length):
            return draws.normal("a")

        def series(self, law, draws, channels, length):
            return draws.normal("b", (channels, length))

    with pytest.raises(TypeError, match=r"Add\(families\[1\].*single channels"):
        Add([ARMA(), Rows()])


def test_the_shortest_part_decides_the_length() -> None:
    with pytest.raises(ValueError, match="max_ar_order"):
        s2jax.Config(length=6, inputs=Add([Mixture(), ARMA(max_ar_order=8)]))
