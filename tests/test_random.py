"""Random bits against published vectors and jax.random; the laws drawn from them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from s2jax.core import random as random
from tests.statistics import LEVEL, assert_counts_match, assert_ks

NUM_DRAWS = 1_000_000
# Random123 (Salmon et al. 2011), kat_vectors: counter, key, output of threefry2x32-20
VECTORS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]
EXTREMES = np.array(
    [0, 1, 255, 256, 2**31 - 1, 2**31, 2**32 - 256, 2**32 - 2, 2**32 - 1], np.uint32
)


def draw_bits(key: jax.Array, count: int = 1, keys: int = NUM_DRAWS) -> jax.Array:
    """Return `count` words of each of many keys."""
    words = random.fold_in(random.words_of(key), jnp.arange(keys))
    return jax.jit(random.random_bits, static_argnums=1)(words, count)


def count(index: jax.Array, kinds: int) -> np.ndarray:
    """Return how often each of 0, ..., kinds - 1 came up."""
    return np.bincount(np.asarray(index).ravel(), minlength=kinds)


class TestCipher:
    @pytest.mark.parametrize(("counter", "words", "expected"), VECTORS)
    def test_published_vectors(self, counter, words, expected) -> None:
        as_words = lambda pair: tuple(jnp.uint32(word) for word in pair)
        out = random.threefry2x32(as_words(words), as_words(counter))
        assert tuple(int(word) for word in out) == expected

    def test_one_round_constant_off_bites(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(random, "_ROTATIONS", ((13, 15, 26, 6), (17, 29, 16, 23)))
        traced_anew: Any = random.threefry2x32
        monkeypatch.setattr(random, "threefry2x32", traced_anew.__wrapped__)
        with pytest.raises(AssertionError):
            self.test_published_vectors(*VECTORS[0])

    def test_fold_in_is_that_of_jax(self, key: jax.Array) -> None:
        numbers = jnp.array([0, 1, 7, 2**31 - 1])
        expected = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
        actual = random.fold_in(random.words_of(key), numbers)
        np.testing.assert_array_equal(actual, jax.random.key_data(expected))

    def test_random_bits_are_the_cipher_of_a_counter(self, key: jax.Array) -> None:
        words = random.words_of(jax.random.split(key, 3))
        for count_ in (1, 4, 7):
            bits = np.asarray(random.random_bits(words, count_))
            half = -(-count_ // 2)
            counters = jnp.arange(half, dtype=jnp.uint32)
            for column in range(3):
                one = (words[column, 0], words[column, 1])
                out = random.threefry2x32(one, (jnp.zeros_like(counters), counters))
                np.testing.assert_array_equal(bits[:, column], np.concatenate(out)[:count_])

    def test_a_key_does_not_depend_on_its_neighbours(self, key: jax.Array) -> None:
        words = random.fold_in(random.words_of(key), jnp.arange(16))
        np.testing.assert_array_equal(
            random.random_bits(words[:5], 9), random.random_bits(words, 9)[:, :5]
        )

    def test_every_bit_is_fair(self, key: jax.Array) -> None:
        bits = np.asarray(draw_bits(key, 2, 200_000))
        ones = ((bits[..., None] >> np.arange(32, dtype=np.uint32)) & 1).sum((0, 1))
        deviations = (ones - bits.size / 2) / np.sqrt(bits.size / 4)
        assert stats.chi2.sf((deviations**2).sum(), 32) > LEVEL


class TestWordsOf:
    def test_threefry_keys_are_their_own_words(self, key: jax.Array) -> None:
        keys = jax.random.split(key, (2, 3))
        np.testing.assert_array_equal(random.words_of(keys), jax.random.key_data(keys))

    @pytest.mark.parametrize("implementation", ["rbg", "unsafe_rbg"])
    def test_other_keys_give_distinct_words(self, implementation: str) -> None:
        keys = jax.random.split(jax.random.key(3, impl=implementation), 64)
        words = np.asarray(random.words_of(keys))
        assert words.shape == (64, 2)
        assert words.dtype == np.uint32
        assert len(np.unique(words, axis=0)) == 64
        np.testing.assert_array_equal(words[0], random.words_of(keys[0]))


class TestFloats:
    def test_uniform_at_the_extremes(self) -> None:
        expected = [0, 0, 0, 2**-24, 0.5 - 2**-24, 0.5, *[1 - 2**-24] * 3]
        np.testing.assert_array_equal(random.uniform(jnp.asarray(EXTREMES)), expected)

    def test_uniform(self, key: jax.Array) -> None:
        assert_ks(random.uniform(draw_bits(key)), stats.uniform.cdf)

    def test_signed_uniform(self, key: jax.Array) -> None:
        draws = random.signed_uniform(draw_bits(key))
        assert_ks(draws, stats.uniform(-1, 2).cdf)
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(draws, stats.uniform(-1, 2.01).cdf)

    def test_signed_uniform_is_open_and_symmetric(self, key: jax.Array) -> None:
        bits = jnp.concatenate([jnp.asarray(EXTREMES), draw_bits(key, 1, 1000)[0]])
        draws = np.asarray(random.signed_uniform(bits))
        assert np.all(np.abs(draws) < 1)
        assert np.all(draws != 0)
        # the low bit is read as set: -(bits | 1) in two's complement
        opposite = jnp.where(bits & 1 == 1, ~bits + np.uint32(1), ~bits)
        np.testing.assert_array_equal(random.signed_uniform(opposite), -draws)

    def test_normal_quantile_is_accurate(self) -> None:
        """Relative error below 5e-7, centre and both tails, to the last float below 1."""
        near_one = 1 - 2.0 ** -np.arange(1, 24.005, 0.01)
        near_zero = 2.0 ** -np.arange(0.1, 120, 0.01)
        x = np.concatenate([np.linspace(-1, 1, 1_000_001)[1:-1], near_one, near_zero])
        x = x.astype(np.float32)
        x = np.concatenate([x, -x, np.array([1 - 2**-24, 2**-24 - 1], np.float32)])
        x = x[(np.abs(x) < 1) & (x != 0)]
        # ndtri by the lower tail, which float64 holds without cancellation
        tail = (1 - np.abs(x.astype(np.float64))) / 2
        small = np.abs(x) < 0.5
        exact = np.where(small, np.sqrt(2) * special.erfinv(x), -np.sign(x) * special.ndtri(tail))
        value = np.asarray(jax.jit(random.normal_quantile)(x), np.float64)
        assert np.max(np.abs(value / exact - 1)) < 5e-7
        assert random.normal_quantile(jnp.float32(0)) == 0

    def test_normals(self, key: jax.Array) -> None:
        draws = random.normal_quantile(random.signed_uniform(draw_bits(key)))
        assert_ks(draws, stats.norm.cdf)
        with pytest.raises(AssertionError, match="largest gap"):
            assert_ks(draws, stats.norm(0, 1.01).cdf)


class TestIntegers:
    def test_take_below_splits_the_product(self, key: jax.Array) -> None:
        bits = jnp.concatenate([jnp.asarray(EXTREMES), draw_bits(key, 1, 10_000)[0]])
        for bound in (0, 1, 2, 3, 23, 999, 9999, 2**16 - 1):
            whole, rest = random.take_below(bits, bound)
            product = np.asarray(bits).astype(np.uint64) * np.uint64(bound)
            np.testing.assert_array_equal(whole, product >> np.uint64(32))
            np.testing.assert_array_equal(rest, product & np.uint64(2**32 - 1))

    @pytest.mark.parametrize("bound", [2, 7, 23, 999])
    def test_below(self, key: jax.Array, bound: int) -> None:
        counts = count(random.below(draw_bits(key), bound), bound)
        assert_counts_match(counts, np.full(bound, 1 / bound))

    def test_a_remainder_in_place_of_a_product_bites(self, key: jax.Array) -> None:
        draws = (draw_bits(key) >> np.uint32(18)) % np.uint32(999)
        with pytest.raises(AssertionError, match="do not follow the law"):
            assert_counts_match(count(draws, 999), np.full(999, 1 / 999))

    def test_bounds_may_differ_by_column(self, key: jax.Array) -> None:
        bits = draw_bits(key, 3, 5)
        bounds = jnp.array([1, 2, 3, 50, 999])
        together = random.below(bits, bounds)
        for column, bound in enumerate(bounds):
            np.testing.assert_array_equal(together[:, column], random.below(bits[:, column], bound))

    def test_what_is_left_is_independent(self, key: jax.Array) -> None:
        first, rest = random.take_below(draw_bits(key), 7)
        second, rest = random.take_below(rest, 11)
        third = random.below(rest, 13)
        cells = count((first * 11 + second) * 13 + third, 7 * 11 * 13)
        assert_counts_match(cells, np.full(cells.size, 1 / cells.size))
        # the same bits again are not independent
        again = random.below(draw_bits(key), 11)
        with pytest.raises(AssertionError):
            assert_counts_match(count(first * 11 + again, 77), np.full(77, 1 / 77))


class TestCategorical:
    WEIGHTS = (0.0, 3.0, 0.2, 0.0, 5.0, 1.0, 0.0)

    def test_law(self, key: jax.Array) -> None:
        law = np.array(self.WEIGHTS) / sum(self.WEIGHTS)
        draw = jax.jit(random.categorical)(draw_bits(key), jnp.array(self.WEIGHTS))
        assert_counts_match(count(draw, law.size), law)
        wrong = law + np.array([0, 0.004, 0, 0, -0.004, 0, 0])
        with pytest.raises(AssertionError, match="do not follow the law"):
            assert_counts_match(count(draw, law.size), wrong)

    @pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
    def test_a_weight_of_zero_is_never_drawn(self, scale: float) -> None:
        draw = partial(random.categorical, jnp.asarray(EXTREMES))
        drawn = np.asarray(draw(jnp.float32(scale) * jnp.array(self.WEIGHTS)))
        assert set(drawn) <= {1, 2, 4, 5}
        assert drawn[0] == 1
        assert drawn[-1] == 5

    def test_one_kind_is_certain(self) -> None:
        assert not np.any(random.categorical(jnp.asarray(EXTREMES), jnp.array([0.3])))
