"""What a choice of families costs and mixes: each family draws its own channels, in whole tiles."""

import pickle
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax.inputs import ARMA, AbstractInput, AbstractRowInput, Choice, Held
from s2jax.sampling._rows import tile_size

pytestmark = pytest.mark.floats

LENGTH, ROWS = 16, 1024
KEY = jax.random.key(3)


class Counted(AbstractInput):
    """White noise, and a call of the host for every tile that is drawn."""

    number: int = eqx.field(static=True, default=0)
    tiles = [0] * 4

    def law(self, draws, length):
        return {"level": draws.normal("level")}

    def series(self, law, draws, length):
        return law["level"] + draws.normal("noise", (length,))

    def draw_series(self, laws, words, length):
        def count():
            self.tiles[self.number] += 1

        jax.debug.callback(count)
        return super().draw_series(laws, words, length)


class Lagged(AbstractRowInput):
    """Every channel is the one before it, a step later."""

    def law(self, draws, channels, length):
        return {"code": draws.bits("code")}

    def series(self, law, draws, channels, length):
        noise = draws.normal("noise", (length + channels,))
        return jnp.stack([noise[channels - i : channels - i + length] for i in range(channels)])


def make_config(families: Any, weights: Any, **fields: Any) -> s2jax.Config:
    inputs = Choice(families, weights)
    return s2jax.Config(length=LENGTH, inputs=inputs, target=s2jax.Identity(), **fields)


def count_tiles(weights: list[float]) -> list[int]:
    """Tiles that each family draws for a batch."""
    config = make_config([Counted(i) for i in range(len(weights))], weights)
    Counted.tiles[:] = [0] * 4
    jax.block_until_ready(s2jax.sample(KEY, config, ROWS))
    jax.effects_barrier()
    return Counted.tiles[: len(weights)]


@pytest.fixture(scope="module")
def tiles_of_one() -> int:
    config = make_config([Counted(0)], [1.0])
    tile = tile_size(config, ROWS, "cpu")
    assert count_tiles([1.0]) == [ROWS // tile]
    return ROWS // tile


def test_one_row_is_the_first_of_two() -> None:
    """Of one alone LLVM once did not end compiling: see `core.queue.Queue`."""
    config = make_config([Held(), ARMA()], [1.0, 0.0])
    alone, both = s2jax.sample(KEY, config, 1), s2jax.sample(KEY, config, 2)
    np.testing.assert_allclose(alone.x[0], both.x[0], rtol=1e-5, atol=1e-6)


def test_weight_zero_costs_nothing(tiles_of_one: int) -> None:
    assert count_tiles([1.0, 0.0, 0.0]) == [tiles_of_one, 0, 0]


def test_a_mixture_costs_the_mean_of_its_families(tiles_of_one: int) -> None:
    """Up to one tile for each family, which is not full."""
    tiles = count_tiles([1.0, 1.0, 2.0, 4.0])
    assert tiles_of_one <= sum(tiles) < tiles_of_one + 4
    assert tiles[3] >= tiles_of_one // 2


@pytest.mark.parametrize("weights", [2, {0: 1, 1: 2}, "ab"])
def test_weights_that_are_no_list_are_refused(weights: Any) -> None:
    with pytest.raises(TypeError, match=r"Choice\(weights=.*must be a list of numbers"):
        Choice([ARMA(), ARMA()], weights)


def test_channels_do_not_depend_on_the_weights_of_other_families() -> None:
    """The same channels of a family, whether they stand in a tile of their own or among others."""
    alone = s2jax.sample(KEY, make_config([ARMA(), Counted(0)], [1.0, 0.0]), 64)
    mixed = s2jax.sample(KEY, make_config([ARMA(), Counted(0)], [1.0, 1.0]), 64)
    own = np.asarray(mixed.x_source.family[:, 0] == 0)
    assert 0 < own.sum() < 64
    np.testing.assert_array_equal(np.asarray(mixed.x)[own], np.asarray(alone.x)[own])


@pytest.mark.parametrize("rows", [1, 5])
def test_bits_do_not_depend_on_the_batch(rows: int) -> None:
    config = make_config([ARMA(), Lagged(), Counted(0)], [1.0, 1.0, 1.0], num_inputs=3)
    many, few = s2jax.sample(KEY, config, 64), s2jax.sample(KEY, config, rows)
    cut = lambda leaf: np.asarray(leaf)[:rows]
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(cut, many.x_source), few.x_source)
    np.testing.assert_array_equal(cut(many.x), few.x)


def test_families_of_channels_and_of_rows_mix() -> None:
    config = make_config([ARMA(), Lagged()], [1.0, 3.0], num_inputs=3)
    batch = s2jax.sample(KEY, config, 512)
    family = np.asarray(batch.x_source.family)
    whole = (family == 1).all(1)
    assert ((family == 1).any(1) == whole).all()  # a family of rows draws all channels of one
    assert abs(whole.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 512)
    x = np.asarray(batch.x)[whole]
    x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
    later, earlier = x[:, 1:, 1:].reshape(-1, LENGTH - 1), x[:, :-1, :-1].reshape(-1, LENGTH - 1)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(later, earlier, strict=True)]
    np.testing.assert_allclose(correlation, 1, atol=1e-5)
    codes = np.asarray(batch.x_source.law_of(dict)["code"])
    assert codes.dtype == np.uint32
    assert len(set(codes[whole])) == whole.sum()
    assert (codes[~whole] == 0).all()


def test_laws_are_read_alike_wherever_they_are() -> None:
    """In jit, on the host, of a part of the rows, and after a pickle."""
    config = make_config([Lagged(), ARMA(), Counted(1)], [1.0, 1.0, 1.0], num_inputs=2)
    source = s2jax.sample(KEY, config, 8).x_source
    laws = jax.tree.leaves(source.laws)
    assert all(isinstance(leaf, jax.Array) for leaf in laws)
    on_host = jax.tree.map(np.asarray, source)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(on_host.laws))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), source, source)
    last = jax.tree.map(lambda leaf: leaf[-1], source)
    again = pickle.loads(pickle.dumps(source))
    assert jax.tree.structure(again) == jax.tree.structure(source)
    read = jax.jit(lambda source: source.laws)
    for other, place in (
        (read(source), ...),
        (on_host.laws, ...),
        (stacked.laws, 1),
        (read(stacked), 1),
        (again.laws, ...),
    ):
        for leaf, found in zip(laws, jax.tree.leaves(other), strict=True):
            np.testing.assert_array_equal(found[place], leaf)
    for leaf, found in zip(laws, jax.tree.leaves(last.laws), strict=True):
        np.testing.assert_array_equal(found, leaf[-1])


def test_a_law_is_found_by_its_class_if_it_is_the_only_one(unchecked: None) -> None:
    source = Choice([Counted(0), Counted(1), ARMA()]).draw_laws(jnp.zeros((2, 2), jnp.uint32), 8)
    with pytest.raises(AttributeError, match=r"law_of\(dict\): 2 of the families .* laws\[1\]"):
        source.law_of(dict)
    with pytest.raises(AttributeError, match=r"no family .* LinearProcess, dict, dict"):
        source.law_of(Counted)
    with pytest.raises(TypeError, match=r"law_of\('dict'\): must be the class of a law"):
        source.law_of("dict")
    found = source.law_of(s2jax.inputs.LinearProcess)
    assert all(jax.tree.leaves(jax.tree.map(jnp.array_equal, found, source.process)))


class Shaped(AbstractInput):
    """Fields that decide a shape, or what is drawn, and are not static."""

    width: int = 3
    by_shape: bool = eqx.field(static=True, default=True)

    def law(self, draws, length):
        level = draws.normal("level", (self.width,) if self.by_shape else ())
        return level if self.by_shape or level > 0 else -level

    def series(self, law, draws, length):
        return jnp.zeros(length)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("by_shape", [True, False])
def test_values_that_are_traced_are_explained(by_shape: bool) -> None:
    family = Shaped(by_shape=by_shape)
    draws = [
        lambda: family.sample(KEY, 2, 8),
        lambda: s2jax.sample(KEY, make_config([family], [1.0]), 2),
    ]
    for draw in draws:
        with pytest.raises(TypeError) as caught:
            draw()
        text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert "eqx.field(static=True" in text
        assert "mask" in text
