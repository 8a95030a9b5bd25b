"""What judges a SymTime model, on cases whose answer is known."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax import symtime
from s2jax.symtime import _evaluate, _probe
from tests.test_symtime_model import DATA, small


@pytest.fixture(scope="module")
def pairs() -> symtime.Pairs:
    return symtime.sample_pairs(jax.random.key(0), small(), DATA, 64, which="nonlinear")


@pytest.fixture(scope="module")
def model() -> symtime.SymTime:
    return symtime.SymTime(jax.random.key(1), small())


class TestPairs:
    def test_all_rows_are_as_asked_for(self, pairs: symtime.Pairs) -> None:
        assert len(pairs) == 64
        assert pairs.inputs.has_symbols.all()
        series = np.asarray(pairs.inputs.patches).reshape(64, 2, 64)
        known = np.abs([np.corrcoef(*row)[0, 1] for row in series])
        np.testing.assert_allclose(pairs.correlation, known, atol=1e-4)
        assert known.max() < 0.9901

    def test_more_rows_begin_with_the_same(self, pairs: symtime.Pairs) -> None:
        few = symtime.sample_pairs(jax.random.key(0), small(), DATA, 64, which="all")
        assert (few.correlation >= 0.99).any()
        assert len(few) == 64

    def test_unseen_forms_are_unseen(self) -> None:
        known, unseen = (
            symtime.sample_pairs(
                jax.random.key(0),
                small(),
                dataclasses.replace(DATA, split=s2jax.Split(*bounds)),
                64,
            )
            for bounds in ((0.0, 0.5), (0.5, 1.0))
        )
        words = lambda pairs: {tuple(row) for row in np.asarray(pairs.groups).tolist()}
        assert not words(known) & words(unseen)

    def test_bad_calls(self, unchecked: None) -> None:
        key, config = jax.random.key(0), small()
        with pytest.raises(ValueError, match="must be one of 'all', 'nonlinear'"):
            symtime.sample_pairs(key, config, DATA, 4, "linear")
        with pytest.raises(TypeError, match=r"sample_pairs\(data=.*must be an s2jax.Config"):
            symtime.sample_pairs(key, config, config, 4)
        with pytest.raises(ValueError, match="one row in 64 must be as asked for.*there are 0"):
            symtime.sample_pairs(key, small(max_tokens=3), DATA, 4)


class TestRetrieval:
    def test_ranks(self) -> None:
        near = jnp.array([[[3.0, 1, 2], [5, 4, 4], [0, 1, 0.5]]])
        assert _evaluate._ranks(np.asarray(near)).tolist() == [[0.0, 1.5, 1.0]]

    def test_a_perfect_model_finds_all(
        self, pairs: symtime.Pairs, model: symtime.SymTime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unit = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 64)))[0]
        monkeypatch.setattr(_evaluate, "embed", lambda *_: (unit, unit, unit))
        found = symtime.evaluate_retrieval(model, pairs, batch=32)
        assert found[:6] == (1, 1, 1, 1, 1 / 32, 5 / 32)
        assert found.rows == 64
        mixed = symtime.evaluate_retrieval(model, pairs, batch=32, shuffled=True)
        assert max(mixed[:4:2]) < 0.15

    def test_the_ceiling_counts_forms(self, pairs: symtime.Pairs, model: symtime.SymTime) -> None:
        forms = [
            len(np.unique(np.asarray(pairs.groups)[k : k + 16], axis=0)) for k in (0, 16, 32, 48)
        ]
        found = symtime.evaluate_retrieval(model, pairs, batch=16)
        assert found.ceiling == pytest.approx(np.mean(forms) / 16)
        with pytest.raises(ValueError, match=r"64 pairs, batch=65\): pairs must be >= batch"):
            symtime.evaluate_retrieval(model, pairs, batch=65)


class TestGuesses:
    def test_interpolation_is_a_straight_line(self) -> None:
        time = np.arange(5 * 4.0)
        patches = jnp.asarray(np.stack([2 * time + 1, time**2]).reshape(2, 1, 5, 4), jnp.float32)
        hidden = jnp.array([[0, 1, 1, 0, 0], [1, 0, 0, 1, 1]], bool)
        masks = symtime.Masks(hidden, jnp.zeros((2, 1), jnp.int32), jnp.zeros((2, 1), bool))
        filled = np.asarray(_evaluate.interpolate(patches, masks)).reshape(2, 20)
        inner = slice(4, 12)
        np.testing.assert_allclose(filled[0, inner], 2 * time[inner] + 1, rtol=1e-6)
        assert (filled[1, :4] == 16).all()
        assert (filled[1, 12:] == 121).all()

    def test_patches(self, pairs: symtime.Pairs, model: symtime.SymTime) -> None:
        zeros = eqx.tree_at(
            lambda model: model.reconstruct.weight, model, replace_fn=jnp.zeros_like
        )
        found = symtime.evaluate_patches(jax.random.key(0), zeros, pairs)
        assert found.model == found.zeros == pytest.approx(1, abs=0.15)
        assert found.interpolation > 0

    def test_words_with_and_without_series(
        self, pairs: symtime.Pairs, model: symtime.SymTime
    ) -> None:
        key = jax.random.key(0)
        told = symtime.evaluate_words(key, model, pairs)
        assert told.loss == pytest.approx(np.log(1338), rel=0.2)
        deaf = eqx.tree_at(
            lambda model: (model.tell_words.weight, model.tell_words.bias), model,
            replace_fn=jnp.zeros_like,
        )  # fmt: skip
        found = symtime.evaluate_words(key, deaf, pairs)
        assert found.model == found.without_series == found.wrong_series
        assert found.unigram == told.unigram > 0.05


class TestProbe:
    def test_areas(self) -> None:
        labels = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], bool)
        scores = np.array([[3.0, 1], [1, 2], [2, 2], [0, 2]])
        assert _probe._score(scores[:, :1], labels[:, :1]) == 1
        assert _probe._score(scores[:, 1:], labels[:, 1:]) == pytest.approx(0.75)

    def test_planted_features_are_found(self) -> None:
        random = np.random.default_rng(0)
        rows = random.normal(size=(2, 400, 6))
        labels = rows[..., :2] > 0.3
        for classify, least in ((_probe._ridge, 0.97), (_probe._vote, 0.85)):
            assert _probe._score(classify(*rows, labels=labels[0]), labels[1]) > least
            noise = random.normal(size=rows.shape)
            assert _probe._score(classify(*noise, labels=labels[0]), labels[1]) < 0.65

    def test_too_few_rows(self, pairs: symtime.Pairs, model: symtime.SymTime) -> None:
        call: Any = symtime.probe_operators
        with pytest.raises(ValueError, match=r"operators=\('gate',\)\): 20 rows at least"):
            call(jax.random.key(0), model, pairs, pairs, ["gate"])
