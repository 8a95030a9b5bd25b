"""Transforms against plain NumPy, and the law of missing values."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import s2jax
from s2jax.transforms import drop_values, forecast, mean_abs, patchify, z_score

SCALERS = {"z_score": z_score, "mean_abs": mean_abs}
every_scaler = pytest.mark.parametrize("name", SCALERS)


@pytest.fixture(params=[False, True], ids=["x32", "x64"])
def wide(request: pytest.FixtureRequest) -> Iterator[bool]:
    with jax.enable_x64(request.param):
        yield request.param


def reference(name: str, series: np.ndarray, observed: np.ndarray) -> tuple[Any, Any, Any]:
    """Scale one series after another, in double precision."""
    out, shifts, scales = np.zeros(series.shape), np.zeros(len(series)), np.ones(len(series))
    for row, (values, seen) in enumerate(zip(series.astype(np.float64), observed, strict=True)):
        kept = values[seen]
        if kept.size:
            shifts[row] = kept.mean() if name == "z_score" else 0
            scale = kept.std() if name == "z_score" else np.abs(kept).mean()
            scales[row] = scale if scale > 0 else 1
        out[row, seen] = (kept - shifts[row]) / scales[row]
    return out, shifts, scales


def series_and_mask(dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Noise, a constant series, one value seen, none seen, NaN where nothing is seen."""
    rng = np.random.default_rng(0)
    series = rng.normal(3, 2, (6, 50)).astype(dtype)
    observed = rng.random((6, 50)) < 0.7
    series[1] = 5
    observed[2] = np.arange(50) == 7
    observed[3] = False
    observed[4] = True
    return np.where(observed, series, np.nan), observed


@every_scaler
def test_scaling_agrees_with_numpy(name: str, wide: bool) -> None:
    dtype = np.float64 if wide else np.float32
    series, observed = series_and_mask(dtype)
    got = SCALERS[name](jnp.asarray(series), jnp.asarray(observed))
    want = reference(name, np.nan_to_num(series), observed)
    for ours, theirs in zip(got, want, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@every_scaler
def test_without_mask_everything_is_observed(name: str) -> None:
    series = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 40)), jnp.float32)
    bare, masked = SCALERS[name](series), SCALERS[name](series, jnp.ones(series.shape, bool))
    jax.tree.map(np.testing.assert_array_equal, bare, masked)
    assert bare.shift.shape == bare.scale.shape == (2, 3)
    np.testing.assert_allclose(
        bare.series * bare.scale[..., None] + bare.shift[..., None], series, rtol=1e-5, atol=1e-5
    )


@every_scaler
def test_constant_series_stay_finite(name: str) -> None:
    for value in (0.0, 0.1, 1e30):
        scaled = SCALERS[name](jnp.full(100, value))
        assert np.isfinite(scaled.series).all(), value
        if name == "z_score":
            assert not scaled.series.any(), value


@every_scaler
def test_jit_vmap_and_gradient(name: str) -> None:
    values, observed = series_and_mask(np.float32)
    series, seen = jnp.asarray(values), jnp.asarray(observed)
    whole = SCALERS[name](series, seen)
    for other in (jax.jit(SCALERS[name])(series, seen), jax.vmap(SCALERS[name])(series, seen)):
        for a, b in zip(whole, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    slope = jax.grad(lambda s: (SCALERS[name](s, seen).series ** 3).sum())(series)
    assert np.isfinite(slope).all()


def test_scaled_outputs_are_still_the_formula() -> None:
    batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
    scaled = z_score(batch.y)
    scale = batch.y_scale / scaled.scale
    shift = (batch.y_shift - scaled.shift) / scaled.scale
    formula = s2jax.evaluate(batch.program, batch.x)
    want = scale[..., None] * formula + shift[..., None]
    np.testing.assert_allclose(scaled.series, want, rtol=1e-3, atol=1e-3)


def test_patches() -> None:
    series = np.arange(48, dtype=np.float32).reshape(2, 2, 12)
    patches = jax.jit(patchify, static_argnums=1)(series, 4)
    np.testing.assert_array_equal(patches, series.reshape(2, 2, 3, 4))
    np.testing.assert_array_equal(jax.vmap(lambda s: patchify(s, 4))(series), patches)
    with pytest.raises(ValueError, match=r"size=5\): size must divide.*length 15, or cut 2 steps"):
        patchify(jnp.asarray(series), 5)
    with pytest.raises(ValueError, match=r"patchify\(size=0\)"):
        patchify(jnp.asarray(series), 0)


# ---- missing values -------------------------------------------------------------------------


def dropped(key: Any, shape: tuple[int, ...], *args: Any, **options: Any) -> np.ndarray:
    """Where values are missing."""
    return ~np.asarray(drop_values(key, jnp.ones(shape), *args, **options).observed)


@pytest.mark.parametrize("run", [1, 4])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_share_of_missing_values(key: Any, rate: float, run: int) -> None:
    missing = dropped(key, (4000, 50), rate, rate, run=run)
    # the share is exact at every place, the first and last too; rows are independent
    for place in (0, 1, 25, 49):
        count = int(missing[:, place].sum())
        assert stats.binomtest(count, len(missing), rate).pvalue > 2e-5, place


def test_missing_completely_at_random(key: Any) -> None:
    missing = dropped(key, (4000, 50), 0.3, 0.3)
    both = int((missing[:, 10] & missing[:, 11]).sum())
    assert stats.binomtest(both, len(missing), 0.3**2).pvalue > 2e-5


@pytest.mark.parametrize("run", [2, 5])
def test_lengths_of_runs(key: Any, run: int) -> None:
    rate, length = 0.3, 400
    missing = dropped(key, (300, length), rate, rate, run=run)
    lengths = []
    for row in missing:
        edges = np.flatnonzero(np.diff(np.pad(row.astype(int), 1)))
        pairs = edges.reshape(-1, 2)
        inner = pairs[(pairs[:, 0] > 0) & (pairs[:, 0] < length - 150)]  # begun inside, not cut off
        lengths.extend(inner[:, 1] - inner[:, 0])
    lengths = np.array(lengths)
    assert lengths.min() == run
    # a run of exactly `run` is one start with no other before it ends
    stays = (1 - rate) ** (1 / run)
    shortest = int((lengths == run).sum())
    assert stats.binomtest(shortest, len(lengths), stays**run).pvalue > 2e-5


def test_wrong_law_is_noticed(key: Any) -> None:
    missing = dropped(key, (4000, 50), 0.1, 0.1)
    assert stats.binomtest(int(missing[:, 0].sum()), len(missing), 0.15).pvalue < 2e-5


def test_share_is_uniform_over_series(key: Any) -> None:
    rates = dropped(key, (2000, 2000), 0.2, 0.6).mean(1)
    assert stats.kstest(rates, stats.uniform(0.2, 0.4).cdf).pvalue > 2e-5


def test_values_and_extremes(key: Any, wide: bool) -> None:
    series = jnp.asarray(np.random.default_rng(0).normal(size=(3, 40)))
    out = drop_values(key, series, 0.5, 0.5, run=3)
    assert out.series.dtype == series.dtype
    np.testing.assert_array_equal(np.isnan(out.series), ~np.asarray(out.observed))
    np.testing.assert_array_equal(
        np.asarray(out.series)[out.observed], np.asarray(series)[out.observed]
    )
    assert drop_values(key, series, 0.0, 0.0).observed.all()
    assert not drop_values(key, series, 1.0, 1.0, fill=0.0).observed.any()
    again = jax.jit(drop_values, static_argnames="run")(key, series, 0.5, 0.5, run=3)
    np.testing.assert_array_equal(again.observed, out.observed)


def test_drop_values_maps_over_keys(key: Any) -> None:
    keys = jax.random.split(key, 3)
    series = jnp.ones((3, 40))
    mapped = jax.vmap(lambda k, s: drop_values(k, s, 0.2, 0.4, run=2))(keys, series)
    for row in range(3):
        alone = drop_values(keys[row], series[row], 0.2, 0.4, run=2)
        np.testing.assert_array_equal(mapped.observed[row], alone.observed)


@pytest.mark.parametrize(
    "options, kind, message",
    [
        ({"low": -0.1}, ValueError, r"drop_values\(low=-0.1\): must be a number >= 0 and <= 1"),
        ({"low": 0.5}, ValueError, r"drop_values\(high=0.2\): must be a number >= 0.5"),
        ({"high": 1.5}, ValueError, r"drop_values\(high=1.5\)"),
        ({"run": 0}, ValueError, r"drop_values\(run=0\)"),
        ({"run": 41}, ValueError, r"drop_values\(run=41\): must be an integer >= 1 and <= 40"),
        ({"run": 1.5}, TypeError, r"drop_values\(run=1.5\): must be a Python integer"),
    ],
)
def test_wrong_options(key: Any, options: Any, kind: Any, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        drop_values(key, jnp.ones((2, 40)), **options)


# ---- forecasting ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)


def test_forecast_cuts_at_the_present(batch: s2jax.Batch) -> None:
    cut = forecast(batch, 10)
    np.testing.assert_array_equal(np.concatenate([cut.context, cut.target], -1), batch.y)
    both = np.concatenate([cut.past_covariates, cut.future_covariates], -1)
    np.testing.assert_array_equal(both, batch.x)
    assert cut.target.shape[-1] == 10
    past, none = forecast(batch, 10, "past"), forecast(batch, 10, "none")
    np.testing.assert_array_equal(past.past_covariates, cut.past_covariates)
    assert past.future_covariates is none.past_covariates is none.future_covariates is None
    jitted = jax.jit(forecast, static_argnums=(1, 2))(batch, 10, "future")
    jax.tree.map(np.testing.assert_array_equal, cut, jitted)


def test_wrong_forecasts(batch: s2jax.Batch, unchecked: None) -> None:
    with pytest.raises(ValueError, match=r"forecast\(horizon=64\): must be an integer >= 1"):
        forecast(batch, 64)
    with pytest.raises(ValueError, match=r"covariates='futur'\): .*Did you mean 'future'"):
        forecast(batch, 8, "futur")
