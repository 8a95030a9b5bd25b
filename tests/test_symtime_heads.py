"""Heads on the series encoder: instance norm, patches, fine-tuning and what is refused."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax import symtime

SIZES = {
    "length": 64, "width": 8, "hidden_width": 8, "symbol_width": 8, "symbol_hidden_width": 8,
    "projection": 6, "batch": 16, "channels": "y", "order": "time",
}  # fmt: skip
LENGTH, HORIZON = 40, 6


def model_of(**fields: Any) -> symtime.SymTime:
    return symtime.SymTime(jax.random.key(0), symtime.Config.tiny(**SIZES | fields))


@pytest.fixture(scope="module")
def model() -> symtime.SymTime:
    return model_of()


def heads_of(model: symtime.SymTime) -> dict[str, Any]:
    key = jax.random.key(1)
    return {
        "forecaster": symtime.Forecaster(key, model, LENGTH, HORIZON),
        "imputer": symtime.Imputer(key, model, LENGTH),
        "classifier": symtime.Classifier(key, model, LENGTH, channels=2, num_classes=3),
    }


def waves(rows: int, seed: int = 0) -> np.ndarray:
    """Waves of one period and any phase, (rows, 2, time)."""
    phase = np.random.default_rng(seed).uniform(0, 6, (rows, 2, 1))
    return np.sin(phase + 0.5 * np.arange(LENGTH + HORIZON)).astype(np.float32)


# ---- what a body reads ----------------------------------------------------------------------


class TestBody:
    def test_patches_overlap_and_end_with_the_series(self, model: symtime.SymTime) -> None:
        body = symtime.Forecaster(jax.random.key(1), model, LENGTH, HORIZON, stride=8).body
        series = jnp.arange(LENGTH, dtype=jnp.float32)[None, None]
        cut = np.asarray(body._cut(series))[0, 0]
        assert cut.shape == (4, 16)
        assert cut[-1].tolist() == list(range(24, 40))
        assert cut[0].tolist() == list(range(16))
        other = symtime.Forecaster(jax.random.key(1), model, 37, HORIZON, stride=8).body
        cut = np.asarray(other._cut(series[..., :37] + 1))[0, 0]
        assert cut.shape == (4, 16)
        assert cut[0].tolist() == [0, 0, 0, *range(1, 14)], "what is before the first is missing"
        assert cut[-1].tolist() == list(range(22, 38))

    @pytest.mark.parametrize("length", [5, 16, 17, 40])
    @pytest.mark.parametrize("stride", [1, 8, 16])
    def test_every_length_and_stride(
        self, length: int, stride: int, model: symtime.SymTime
    ) -> None:
        head = symtime.Imputer(jax.random.key(1), model, length, stride=stride)
        assert head.body.num_features() == (1 + head.body.num_patches) * 8
        series = np.where(np.arange(length) == 2, np.nan, 1.5 * np.arange(length))
        filled = head(series[None, None].astype(np.float32))
        assert filled.shape == (1, 1, length)
        assert np.isfinite(filled).all()

    def test_layers_are_the_first_ones(self, model: symtime.SymTime) -> None:
        body = symtime.Imputer(jax.random.key(1), model, LENGTH, num_layers=1).body
        mine, theirs = body.encoder.layers.query.weight, model.series.layers.query.weight
        assert mine.shape == (1, 8, 8)
        assert np.array_equal(mine[0], theirs[0])

    def test_a_patch_of_which_nothing_is_there_says_nothing(self, model: symtime.SymTime) -> None:
        body = symtime.Imputer(jax.random.key(1), model, 48, stride=16).body
        series = np.sin(np.arange(48.0)).astype(np.float32)[None, None]
        gap = np.where(np.arange(48) // 16 == 1, np.nan, series)
        features = body(jnp.asarray(gap), None)[0].reshape(4, 8)
        blind = eqx.tree_at(lambda body: body.encoder.patches, body, replace_fn=jnp.zeros_like)
        assert not np.allclose(features, blind(jnp.asarray(gap), None)[0].reshape(4, 8))
        scaled = body(jnp.asarray(gap), None)[1]
        seen = series[0, 0, np.arange(48) // 16 != 1].astype(np.float64)
        np.testing.assert_allclose(scaled.shift[0, 0], seen.mean(), atol=1e-6)
        np.testing.assert_allclose(scaled.scale[0, 0], seen.std(), rtol=1e-5)


@pytest.mark.parametrize("name", ["forecaster", "imputer", "classifier"])
def test_units_come_back(name: str, model: symtime.SymTime) -> None:
    """Series in other units give guesses in these, and the same classes."""
    head = heads_of(model)[name]
    series = waves(3)[..., :LENGTH]
    series = np.where(np.arange(LENGTH) % 9 == 4, np.nan, series)
    plain = np.asarray(jax.jit(lambda series: head(series))(series))
    other = np.asarray(head(20 * series - 300))
    known = plain if name == "classifier" else 20 * plain - 300
    np.testing.assert_allclose(other, known, rtol=1e-4, atol=2e-3)
    shapes = {"forecaster": (3, 2, HORIZON), "imputer": (3, 2, LENGTH), "classifier": (3, 3)}
    assert plain.shape == shapes[name]


def test_a_constant_series_is_forecast_as_something(model: symtime.SymTime) -> None:
    guess = heads_of(model)["forecaster"](np.full((1, 1, LENGTH), 7, np.float32))
    assert np.isfinite(guess).all()


def test_channels_are_forecast_apart_and_classified_together(model: symtime.SymTime) -> None:
    series = waves(4)[..., :LENGTH]
    changed = np.stack([series[:, 0], np.roll(series[:, 1], 3, axis=-1)], axis=1)
    heads = heads_of(model)
    same = heads["forecaster"](series)[:, 0] == heads["forecaster"](changed)[:, 0]
    assert np.asarray(same).all()
    logits = heads["classifier"](series) - heads["classifier"](changed)
    assert np.abs(logits).max() > 1e-3


# ---- fine-tuning ----------------------------------------------------------------------------


def data_of(name: str) -> tuple[Any, Any]:
    """A part to learn from and one to stop by, of a task that can be learnt."""
    parts = []
    for seed, rows in ((0, 96), (1, 32)):
        all_steps = waves(rows, seed)
        series = all_steps[..., :LENGTH]
        if name == "forecaster":
            parts.append((series, all_steps[..., LENGTH:]))
        elif name == "imputer":
            hidden = np.arange(LENGTH) // 5 == np.arange(rows)[:, None, None] % 8
            parts.append((np.where(hidden, np.nan, series), series))
        else:
            labels = np.arange(rows) % 3
            speed = np.array([1, 2, 4])[labels][:, None, None]
            time = np.arange(LENGTH) * speed / 6 + waves(rows, seed)[..., :1] * 3
            parts.append((np.sin(time).astype(np.float32), labels.astype(np.int32)))
    return tuple(parts)  # pyright: ignore


def tune(head: Any, name: str, **options: Any) -> symtime.Tuned:
    options = {"num_steps": 80, "every": 20, "batch": 32, "learning_rate": 5e-3} | options
    return symtime.fine_tune(jax.random.key(2), head, *data_of(name), **options)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", ["forecaster", "imputer", "classifier"])
def test_what_can_be_learnt_is_learnt(name: str, frozen: bool, model: symtime.SymTime) -> None:
    head = heads_of(model)[name]
    tuned = tune(head, name, frozen=frozen)
    assert tuned.losses.shape == (5,)
    assert tuned.losses[tuned.best] == np.nanmin(tuned.losses)
    assert tuned.losses[tuned.best] < (0.8 if frozen else 0.5) * tuned.losses[0]
    series, targets = data_of(name)[1]
    again = tuned.head.loss(jnp.asarray(series), jnp.asarray(targets), None)[0]
    np.testing.assert_allclose(again, tuned.losses[tuned.best], rtol=1e-4)
    pairs = zip(*map(jax.tree.leaves, (head.body, tuned.head.body)), strict=True)
    is_same = [bool(np.array_equal(old, new)) for old, new in pairs]
    assert all(is_same) if frozen else not any(is_same)
    assert not np.array_equal(head.out.weight, tuned.head.out.weight)


def test_training_stops_when_nothing_is_gained(model: symtime.SymTime) -> None:
    """With a rate of 0 nothing is, and the first weights come back."""
    head = heads_of(model)["forecaster"]
    tuned = tune(head, "forecaster", learning_rate=0.0, weight_decay=0.0, every=10, patience=2)
    assert np.isfinite(tuned.losses).sum() == 3
    assert tuned.best == 0
    assert np.array_equal(head.out.weight, tuned.head.out.weight)
    wild = tune(head, "forecaster", learning_rate=10.0, every=10, patience=2)
    assert np.isfinite(wild.losses).sum() < 9


def test_the_same_key_gives_the_same_weights(model: symtime.SymTime) -> None:
    head = heads_of(model_of(dropout=0.1))["forecaster"]
    one, other = (tune(head, "forecaster", num_steps=20) for _ in range(2))
    assert np.array_equal(one.head.out.weight, other.head.out.weight)


def test_batch_norms_keep_up() -> None:
    """Running statistics follow the series that are tuned on, unless the encoder is frozen."""
    head = heads_of(model_of(norm="batch", pre_norm=False))["forecaster"]
    mean = lambda head: np.asarray(head.body.encoder.layers.norms[0].running_mean)
    assert not mean(head).any()
    assert mean(tune(head, "forecaster").head).any()
    assert not mean(tune(head, "forecaster", frozen=True).head).any()


def test_targets_that_are_missing_count_nothing(model: symtime.SymTime) -> None:
    head = heads_of(model)["forecaster"]
    (series, targets), _ = data_of("forecaster")
    gaps = np.where(np.arange(HORIZON) < 3, targets, np.nan)
    found = head.loss(jnp.asarray(series), jnp.asarray(gaps), None)[0]
    scale, shift = series.std(-1, keepdims=True), series.mean(-1, keepdims=True)
    error = np.asarray(head(series)) - targets
    np.testing.assert_allclose(found, np.square(error / scale)[..., :3].mean(), rtol=1e-3)
    assert np.isfinite(shift).all()


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"channels": "xy"}, "model of channels='xy', num_outputs=1.: must read one output alone"),
        ({"num_outputs": 2}, "num_outputs=2.*Pre-train with channels='y' and order='time'"),
    ],
)
def test_models_that_read_more_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symtime.Forecaster(jax.random.key(0), model_of(**fields), LENGTH, HORIZON)


def test_bad_heads(unchecked: None, model: symtime.SymTime) -> None:
    key = jax.random.key(0)
    with pytest.raises(TypeError, match=r"Imputer.model=3.: must be a SymTime"):
        symtime.Imputer(key, 3, LENGTH)  # pyright: ignore
    with pytest.raises(ValueError, match=r"num_layers=3.: must be an integer >= 1 and <= 2"):
        symtime.Imputer(key, model, LENGTH, num_layers=3)
    with pytest.raises(ValueError, match=r"stride=17.: must be an integer >= 1 and <= 16"):
        symtime.Imputer(key, model, LENGTH, stride=17)
    with pytest.raises(ValueError, match="horizon=0.: must be an integer >= 1"):
        symtime.Forecaster(key, model, LENGTH, 0)
    with pytest.raises(ValueError, match="num_classes=1.: must be an integer >= 2"):
        symtime.Classifier(key, model, LENGTH, 1, 1)


def test_bad_data(unchecked: None, model: symtime.SymTime) -> None:
    heads = heads_of(model)
    train, validation = data_of("forecaster")
    run = lambda head, *parts, **options: symtime.fine_tune(
        jax.random.key(0), head, *parts, **options
    )
    with pytest.raises(ValueError, match=r"Forecaster.series of shape .3, 40..: must be .rows, ch"):
        heads["forecaster"](np.ones((3, LENGTH), np.float32))
    with pytest.raises(TypeError, match=r"series of int64.*Pass series.astype"):
        heads["imputer"](np.ones((3, 1, LENGTH), np.int64))
    with pytest.raises(ValueError, match="Classifier.series of 3 channels.: must have as many"):
        heads["classifier"](np.ones((3, 3, LENGTH), np.float32))
    with pytest.raises(ValueError, match=r"train.targets of shape .96, 2, 5..: must be of shape"):
        run(heads["forecaster"], (train[0], train[1][..., 1:]), validation)
    with pytest.raises(TypeError, match="validation=None: must be two arrays"):
        run(heads["forecaster"], train, None)
    with pytest.raises(ValueError, match="fine_tune: train: must have a row at least"):
        run(heads["forecaster"], (train[0][:0], train[1][:0]), validation)
    series, labels = data_of("classifier")[0]
    for wrong in (labels + 1, labels - 1, labels.astype(np.float32)):
        with pytest.raises(ValueError, match="must be integers from 0 to 2, because there are 3"):
            run(heads["classifier"], (series, wrong), (series, labels))
    with pytest.raises(TypeError, match="must be a head on a series encoder"):
        run(model, train, validation)
    with pytest.raises(ValueError, match="num_steps=30, every=20.: every must divide.*Take num_st"):
        run(heads["forecaster"], train, validation, num_steps=30, every=20)
    with pytest.raises(ValueError, match="learning_rate=-1.0"):
        run(heads["forecaster"], train, validation, learning_rate=-1.0)
