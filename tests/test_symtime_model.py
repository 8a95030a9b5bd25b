"""SymTime's configuration, inputs, masks and losses, against plain NumPy."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import symtime
from s2jax.corpus import padded, ragged
from s2jax.symtime._layers import Norm, sinusoids
from s2jax.symtime._losses import contrast, reconstruct
from s2jax.symtime._masks import every, hide_patches, most_chosen
from s2jax.symtime._model import run_series, run_symbols
from tests.statistics import assert_counts_match

DATA = s2jax.presets.s2(length=64)
ROWS = 12
VOCABULARY = s2jax.Vocabulary()


def small(**fields: Any) -> symtime.Config:
    """A model that compiles and runs in no time."""
    sizes = {
        "length": 64, "width": 8, "hidden_width": 8, "symbol_width": 8, "symbol_hidden_width": 8,
        "projection": 6, "batch": 16, "max_tokens": 40, "order": "time", "masked_every": 1,
    }  # fmt: skip
    return symtime.Config.tiny(**sizes | fields)


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return s2jax.sample(jax.random.key(3), DATA, ROWS)


class TestConfig:
    def test_sizes_are_those_of_the_paper(self) -> None:
        """Weights of the series encoder, of which "y" alone is read; in millions."""
        found = {}
        for name in ("small", "base", "large"):
            config = getattr(symtime.Config, name)(channels="y")
            model = eqx.filter_eval_shape(symtime.SymTime, jax.random.key(0), config)
            leaves = jax.tree.leaves(model.series)
            running = jax.tree.leaves(
                [(norm.running_mean, norm.running_variance) for norm in model.series.layers.norms]
            )
            count = sum(leaf.size for leaf in leaves) - sum(leaf.size for leaf in running)
            found[name] = round(count / 1e6, 2)
        assert found == {"small": 5.34, "base": 18.92, "large": 42.76}

    @pytest.mark.parametrize(
        "fields, message",
        [
            ({"length": 100}, "patch_length must divide length.*Take length=112"),
            ({"num_heads": 5}, "width must be even and a multiple of the heads"),
            ({"symbol_heads": 5}, "symbol_width must be even and a multiple"),
            ({"temperature": 0.6}, "must be within the other two"),
            ({"queue": 100}, "queue must be 0 or >= batch"),
            ({"batch": 254, "masked_every": 4}, "masked_every must divide batch"),
            ({"contrast_on": "masked", "masked_every": 2}, "masked_every must be 1"),
            ({"order": "x", "channels": "y"}, "channels must hold x"),
            ({"channels": "x"}, "must be one of 'y', 'xy', 'xyf'"),
            ({"masked_patches": 1.5}, "must be a number >= 0 and <= 1"),
        ],
    )  # fmt: skip
    def test_bad_values(self, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=f"symtime.Config.*{message}"):
            symtime.Config.tiny(**{"order": "time", "masked_every": 1} | fields)

    @pytest.mark.parametrize(
        "fields, message",
        [
            ({"widht": 8}, "width"),
            ({"width": 8.5}, "must be a Python integer"),
            ({"dropout": jnp.float32(0.1)}, "must be a number of Python"),
            ({"pre_norm": 1}, "must be True or False"),
            ({"vocabulary": 3}, "must be a Vocabulary"),
            ({"betas": 0.9}, "must be two numbers"),
        ],
    )
    def test_bad_kinds(self, unchecked: None, fields: dict[str, Any], message: str) -> None:
        with pytest.raises(TypeError, match=f"symtime.Config.*{message}"):
            symtime.Config(**fields)

    def test_it_is_a_static_argument(self) -> None:
        assert hash(small()) == hash(small())
        assert small() == small() != small(width=16)


class TestInputs:
    def test_scales_are_those_of_f(self, batch: s2jax.Batch) -> None:
        inputs = symtime.to_inputs(small(), batch)
        f = np.asarray(s2jax.evaluate(batch.program, batch.x)[:, 0], np.float64)
        x = np.asarray(batch.x[:, 0], np.float64)
        known = [np.log(x.std(1) + 1e-3), np.arcsinh(f.mean(1)), np.log(f.std(1) + 1e-3)]
        np.testing.assert_allclose(inputs.scales, np.stack(known, 1), rtol=2e-3, atol=2e-3)

    def test_channels_are_z_scored_patches(self, batch: s2jax.Batch) -> None:
        inputs = symtime.to_inputs(small(), batch)
        series = np.asarray(inputs.patches).reshape(ROWS, 2, 64)
        raw = np.asarray(jnp.concatenate([batch.x, batch.y], axis=1), np.float64)
        known = (raw - raw.mean(-1, keepdims=True)) / raw.std(-1, keepdims=True)
        np.testing.assert_allclose(series, known, atol=2e-4)
        only_y = symtime.to_inputs(small(channels="y"), batch)
        assert np.array_equal(only_y.patches[:, 0], inputs.patches[:, 1])
        assert only_y.scales is None

    def test_rows_are_sorted_by_x(self, batch: s2jax.Batch) -> None:
        plain = np.asarray(symtime.to_inputs(small(), batch).patches).reshape(ROWS, 2, 64)
        ordered = np.asarray(symtime.to_inputs(small(order="x"), batch).patches)
        order = plain[:, :1].argsort(-1)
        known = np.take_along_axis(plain, order, axis=-1)
        assert np.array_equal(ordered.reshape(ROWS, 2, 64), known)

    def test_rows_that_do_not_fit_are_left_out(self, batch: s2jax.Batch) -> None:
        config = small(max_tokens=20)
        inputs = symtime.to_inputs(config, batch)
        length = np.asarray(s2jax.to_tokens(batch.program).length)
        assert np.array_equal(inputs.has_symbols, length <= 20)
        assert 0 < inputs.has_symbols.sum() < ROWS
        assert inputs.has_series.all()
        share = symtime.check_tokens(config, inputs, most_lost=1.0)
        assert share == pytest.approx((length > 20).mean())
        with pytest.raises(ValueError, match=r"max_tokens=20\): would lose \d+% of the rows"):
            symtime.check_tokens(config, inputs, most_lost=0.0)

    def test_rows_of_a_corpus_are_the_batch(self, batch: s2jax.Batch) -> None:
        tokens = s2jax.to_tokens(batch.program)
        rows = {
            "x_0": np.asarray(batch.x[:, 0]), "y_0": np.asarray(batch.y[:, 0]),
            "y_scale": np.asarray(batch.y_scale), "y_shift": np.asarray(batch.y_shift),
            "tokens": np.asarray(tokens.ids),
        }  # fmt: skip
        for tokens_held in (20, 40, 300):
            config = small(max_tokens=tokens_held)
            of_rows, of_batch = symtime.to_inputs(config, rows), symtime.to_inputs(config, batch)
            for mine, theirs in zip(*map(jax.tree.leaves, (of_rows, of_batch)), strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-6)

    def test_words_of_a_corpus_lack_their_ends(self, batch: s2jax.Batch) -> None:
        """Corpora store neither `<bos>` nor `<eos>`, which the model reads as of what is drawn."""
        ids, offsets = ragged(s2jax.to_tokens(batch.program))
        rows = {"y_0": np.asarray(batch.y[:, 0])}
        for tokens_held in (20, 40, 300):
            rows["tokens"] = padded(ids, offsets)[:, : tokens_held + 1]  # as runs cut them
            config = small(max_tokens=tokens_held, channels="y")
            of_rows, of_batch = symtime.to_inputs(config, rows), symtime.to_inputs(config, batch)
            assert np.array_equal(of_rows.ids, of_batch.ids)
            assert np.array_equal(of_rows.has_symbols, of_batch.has_symbols)

    def test_what_a_corpus_says_of_its_rows_is_heeded(self) -> None:
        config = small(max_tokens=20, channels="y")
        seen = np.ones((3, 64), bool)
        seen[1, 16:32] = False
        rows = {
            "y_0": np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32),
            "y_observed_0": seen, "status": np.array([0, 0, 4], np.int32),
            "tokens": np.array([[5, 6], [0, 0], [5, 6]], np.int16),
        }  # fmt: skip
        inputs = symtime.to_inputs(config, rows)
        assert inputs.is_there.tolist() == [[True] * 4, [True, False, True, True], [True] * 4]
        assert inputs.has_series.tolist() == [True, True, False]
        assert inputs.has_symbols.tolist() == [True, False, False]

    def test_several_channels_have_weights_of_their_own(self, key: jax.Array) -> None:
        config = small(num_inputs=2, num_outputs=3)
        random = np.random.default_rng(0)
        names = ["x_0", "x_1", "y_0", "y_1", "y_2"]
        rows: dict[str, Any] = {name: random.normal(size=(4, 64)) for name in names}
        rows |= {"y_scale": np.ones((4, 3)), "y_shift": np.zeros((4, 3))}
        rows["tokens"] = random.integers(5, 9, (4, 12))
        inputs, model = symtime.to_inputs(config, rows), symtime.SymTime(key, config)
        assert inputs.patches.shape == (4, 5, 4, 16)
        assert inputs.scales is not None
        assert inputs.scales.shape == (4, 2 + 2 * 3)
        np.testing.assert_allclose(inputs.scales[:, 2], np.arcsinh(rows["y_0"].mean(1)), atol=1e-5)
        features = symtime.encode_series(model, inputs).features[:, 1:]
        assert reconstruct(model, features).shape == (4, 3, 4, 16)
        swapped = dataclasses.replace(inputs, patches=inputs.patches[:, [1, 0, 2, 3, 4]])
        other = symtime.encode_series(model, swapped).features[:, 1:]
        assert np.abs(features - other).max() > 1e-3

    def test_bad_data(self, unchecked: None, batch: s2jax.Batch) -> None:
        with pytest.raises(ValueError, match="y of 1 channels and 64 steps.*must have 1 and 128"):
            symtime.to_inputs(small(length=128), batch)
        with pytest.raises(ValueError, match=r"x of 1 channels.*num_inputs=1"):
            symtime.to_inputs(small(num_inputs=2), batch)
        with pytest.raises(ValueError, match="must have tokens"):
            symtime.to_inputs(small(), {"y_0": np.zeros((2, 64))})
        with pytest.raises(TypeError, match="must be a Batch"):
            symtime.to_inputs(small(), 3)

    def test_what_is_not_observed_is_not_there(self, batch: s2jax.Batch) -> None:
        seen = jnp.ones((ROWS, 1, 64), bool).at[3, 0, 16:32].set(False)
        where = lambda batch: batch.y_observed
        measured = eqx.tree_at(where, batch, seen, is_leaf=lambda leaf: leaf is None)
        is_there = symtime.to_inputs(small(), measured).is_there
        assert is_there[3].tolist() == [True, False, True, True]
        assert is_there.sum() == 4 * ROWS - 1


class TestMasks:
    def test_a_share_of_the_patches_that_are_there_is_hidden(self, key: jax.Array) -> None:
        is_there = jnp.arange(16) < jnp.array([16, 10, 3, 0, 5])[:, None]
        hidden = hide_patches(key, is_there, 0.4)
        assert hidden.sum(1).tolist() == [6, 4, 1, 0, 2]
        assert not (hidden & ~is_there).any()

    def test_every_patch_is_as_likely(self, key: jax.Array) -> None:
        hidden = np.asarray(hide_patches(key, jnp.ones((4000, 5), bool), 0.4))
        pairs = hidden @ (2 ** np.arange(5))
        _, counts = np.unique(pairs, return_counts=True)
        assert len(counts) == 10
        assert_counts_match(counts, np.full(10, 0.1))

    def test_words_are_masked_by_the_rule_of_bert(self, key: jax.Array) -> None:
        config = small(masked_symbols=0.15)
        ids = jnp.where(jnp.arange(40) < 30, 7 + jnp.arange(40), VOCABULARY.pad)
        ids = jnp.broadcast_to(ids.at[0].set(VOCABULARY.bos), (4000, 40)).astype(jnp.int32)
        everyone = jnp.ones(4000, bool)
        inputs = symtime.Inputs(
            jnp.zeros((4000, 2, 4, 16)), jnp.ones((4000, 4), bool), jnp.zeros((4000, 3)), ids,
            everyone, everyone,
        )  # fmt: skip
        masks = jax.jit(symtime.sample_masks, static_argnums=1)(key, config, inputs)
        chosen, new, old = (np.asarray(one) for one in (masks.chosen, masks.ids, ids))
        assert not chosen[:, 0].any()
        assert not chosen[:, 30:].any()
        assert np.array_equal(new[~chosen], old[~chosen])
        number, stay = 4000 * 29, 0.1 + 0.1 / (len(VOCABULARY) - 1)
        law = np.array([0.85, 0.15 * 0.8, 0.15 * (0.2 - stay), 0.15 * stay])
        is_mask, stays = chosen & (new == VOCABULARY.mask), chosen & (new == old)
        other = chosen & ~is_mask & ~stays
        counts = [number - chosen.sum(), is_mask.sum(), other.sum(), stays.sum()]
        assert_counts_match(np.array(counts), law)
        assert (new[chosen] != VOCABULARY.pad).all()

    def test_more_words_than_are_guessed_are_all_but_never_chosen(self) -> None:
        assert most_chosen(small()) < 40
        assert most_chosen(small(masked_symbols=1.0)) == 40


def numpy_contrast(
    own: np.ndarray, slow: np.ndarray, bank: np.ndarray, counts: np.ndarray, tau: float,
    alpha: float, double: bool,
) -> float:  # fmt: skip
    """Row by row, over the negatives that count."""
    total = 0.0
    columns = np.concatenate([counts, np.ones(len(bank) - len(counts), bool)])
    softmax = lambda row: np.exp(row - row.max()) / np.exp(row - row.max()).sum()
    for row in np.flatnonzero(counts):
        own_row, slow_row = (one[row] @ bank[columns].T / tau for one in (own, slow))
        goal = alpha * softmax(slow_row)
        goal[columns[:row].sum()] += 1 - alpha
        goal = softmax(goal) if double else goal
        total -= (goal * np.log(softmax(own_row))).sum()
    return total / counts.sum()


class TestLosses:
    @pytest.mark.parametrize("double", [False, True])
    @pytest.mark.parametrize("queue", [0, 24])
    def test_contrast(self, key: jax.Array, double: bool, queue: int) -> None:
        config = small(double_softmax=double)
        unit = lambda one, rows: (
            (a := np.asarray(jax.random.normal(one, (rows, 6))))
            / np.linalg.norm(a, axis=1)[:, None]
        )
        keys = jax.random.split(key, 6)
        rows = [unit(one, 8) for one in keys[:4]]
        queues = [unit(one, queue) for one in keys[4:]]
        counts = np.arange(8) % 3 > 0
        given = symtime.Queues(*map(jnp.asarray, queues), jnp.int32(0)) if queue else None
        call = jax.jit(contrast, static_argnums=0)
        both, _, _ = call(
            config, tuple(map(jnp.asarray, rows)), given, jnp.asarray(counts), jnp.float32(0.2), 0.3
        )
        series, symbols, slow_series, slow_symbols = rows
        banks = np.concatenate([slow_symbols, queues[1]]), np.concatenate([slow_series, queues[0]])
        known = (
            numpy_contrast(series, slow_series, banks[0], counts, 0.2, 0.3, double),
            numpy_contrast(symbols, slow_symbols, banks[1], counts, 0.2, 0.3, double),
        )
        np.testing.assert_allclose(both, known, rtol=2e-5)

    def test_terms_of_masked_patches_and_words(self, key: jax.Array, batch: s2jax.Batch) -> None:
        config = small(masked_every=2, words_see_series=False)
        inputs = symtime.to_inputs(config, batch)
        model = symtime.SymTime(key, config)
        few = every(2, inputs)
        masks = symtime.sample_masks(key, config, inputs)
        losses, aside = eqx.filter_jit(symtime.loss)(model, model, None, inputs, masks, 0.2)
        seen = symtime.encode_series(model, few, masks.hidden).features[:, 1:]
        guess = np.asarray(model.reconstruct(seen)).reshape(6, 4, 16)
        error = np.square(guess - np.asarray(few.patches[:, 1])).mean(-1)
        np.testing.assert_allclose(losses.mtm, error[np.asarray(masks.hidden)].mean(), rtol=1e-5)
        masked = eqx.tree_at(lambda inputs: inputs.ids, few, masks.ids)
        logits = model.symbols.guess_words(symtime.encode_symbols(model, masked).features)
        rows, places = np.nonzero(np.asarray(masks.chosen & few.has_symbols[:, None]))
        asked = np.asarray(jax.nn.log_softmax(logits))[rows, places]
        words = np.asarray(few.ids)[rows, places]
        np.testing.assert_allclose(
            losses.mlm, -asked[np.arange(len(rows)), words].mean(), rtol=1e-5
        )
        assert float(aside.words_right) == pytest.approx((asked.argmax(1) == words).mean())
        total = (
            config.mtm_weight * losses.mtm
            + losses.mlm
            + (losses.series_to_symbols + losses.symbols_to_series) / 2
        )
        np.testing.assert_allclose(losses.total, total, rtol=1e-6)

    def test_rows_without_words_change_nothing(self, key: jax.Array, batch: s2jax.Batch) -> None:
        config = small(masked_every=1)
        inputs = symtime.to_inputs(config, batch)
        model = symtime.SymTime(key, config)
        masks = symtime.sample_masks(key, config, inputs)
        bad = dataclasses.replace(inputs, has_symbols=inputs.has_symbols.at[4].set(False))
        other = dataclasses.replace(bad, ids=bad.ids.at[4].set(VOCABULARY.pad))
        call = eqx.filter_jit(symtime.loss)
        losses = [call(model, model, None, one, masks)[0] for one in (bad, other, inputs)]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)
        assert abs(losses[0].series_to_symbols - losses[2].series_to_symbols) > 1e-6

    def test_what_is_hidden_is_not_seen(self, key: jax.Array, batch: s2jax.Batch) -> None:
        config = small()
        inputs, model = symtime.to_inputs(config, batch), symtime.SymTime(key, config)
        hidden = jnp.zeros((ROWS, 4), bool).at[:, 2].set(True)
        changed = eqx.tree_at(
            lambda inputs: inputs.patches, inputs, inputs.patches.at[:, :, 2].add(5.0)
        )
        call = jax.jit(symtime.encode_series)
        one, other = (call(model, given, hidden).features for given in (inputs, changed))
        places = np.array([0, 1, 2, 4])
        np.testing.assert_allclose(one[:, places], other[:, places], atol=1e-6)
        assert np.abs(one[:, 3] - other[:, 3]).max() > 1e-3  # its x is seen
        only_y = eqx.tree_at(
            lambda inputs: inputs.patches, inputs, inputs.patches.at[:, 1, 2].add(5.0)
        )
        np.testing.assert_allclose(call(model, only_y, hidden).features, one, atol=1e-6)


@pytest.mark.parametrize("fields", [{}, {"pre_norm": False}, {"num_layers": 1}, {"norm": "batch"}])
def test_cls_alone_is_cls(fields: dict[str, Any], key: jax.Array, batch: s2jax.Batch) -> None:
    config = small(**fields)
    model, inputs = symtime.SymTime(key, config), symtime.to_inputs(config, batch)

    @jax.jit
    def both(model: symtime.SymTime) -> Any:
        found = []
        for only_cls in (False, True):
            series, _ = run_series(model, inputs, None, None, only_cls)
            symbols = run_symbols(model, inputs.ids, None, None, only_cls)
            found.append((series.projected, symbols.projected))
            assert series.features.shape[1] == (1 if only_cls else 5)
        return found

    for whole, alone in zip(*both(model), strict=True):
        np.testing.assert_allclose(whole, alone, atol=1e-6)


def test_sinusoids() -> None:
    waves = sinusoids(7, 6)
    place, feature = 5, 2
    angle = place / 10_000 ** (feature / 6)
    np.testing.assert_allclose(waves[place, 2:4], [np.sin(angle), np.cos(angle)], rtol=1e-6)


def test_batch_norm_is_that_of_pytorch(key: jax.Array) -> None:
    norm = Norm(3, "batch")
    x = 2 + 3 * jax.random.normal(key, (5, 4, 3))
    out, statistics = norm(x, True)
    flat = np.asarray(x, np.float64).reshape(-1, 3)
    known = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    np.testing.assert_allclose(np.asarray(out).reshape(-1, 3), known, atol=1e-5)
    assert statistics is not None
    np.testing.assert_allclose(statistics[0], 0.1 * flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(statistics[1], 0.9 + 0.1 * flat.var(0, ddof=1), rtol=1e-5)
    still, _ = norm(x, False)
    np.testing.assert_allclose(still, x, rtol=1e-5)
