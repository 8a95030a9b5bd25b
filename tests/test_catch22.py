"""Features of catch22 are those of its package, in batches, with NaN where there are none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s2jax import statistics

pycatch22 = pytest.importorskip("pycatch22")
SERIES = np.random.default_rng(0).normal(size=(2, 3, 120)).cumsum(-1).astype(np.float32)


def test_features_are_those_of_the_package() -> None:
    found = statistics.catch22(SERIES)
    expected = pycatch22.catch22_all(SERIES[1, 2].tolist(), short_names=True)
    for name, value in zip(expected["short_names"], expected["values"], strict=True):
        feature = getattr(found, name)
        assert feature.shape == (2, 3)
        assert feature.dtype == jnp.float32
        np.testing.assert_allclose(feature[1, 2], value, rtol=1e-6, err_msg=name)
    assert not np.allclose(found.acf_timescale[0, 0], found.acf_timescale[1, 2])
    # of the standardised series; 2 and 16 are exact
    moved = statistics.catch22(2 * SERIES[0] + 16)
    np.testing.assert_allclose(moved.dfa, found.dfa[0], rtol=1e-4)
    np.testing.assert_allclose(moved.mode_5, found.mode_5[0], rtol=1e-3, atol=1e-4)
    assert float(statistics.catch22(jnp.arange(100.0) % 7).periodicity) == 7
    assert statistics.catch22(np.zeros((0, 50))).trev.shape == (0,)


def test_what_is_not_defined_is_nan() -> None:
    gap = np.where(np.arange(120) == 7, np.nan, SERIES[0, 0])
    found = statistics.catch22(np.stack([gap, np.full(120, 3.0), np.full(120, np.inf)]))
    assert all(np.isnan(feature).all() for feature in found)
    short = statistics.catch22(SERIES[0, 0, :4])
    assert any(np.isnan(feature) for feature in short)
    assert np.isnan(statistics.catch22(np.ones(1)).trev)


def test_they_are_points_to_compare() -> None:
    noise = np.random.default_rng(1).normal(size=(2, 40, 100))
    real, walks = statistics.catch22(noise[0]), statistics.catch22(noise[1].cumsum(-1))
    found = statistics.standardize_samples(real, walks)
    kept = np.array(statistics.Catch22._fields)[found.features]
    assert len(kept) > 15
    assert abs(np.median(np.asarray(found.synthetic)[:, list(kept).index("low_freq_power")])) > 3


def test_a_traced_series_is_refused() -> None:
    with pytest.raises(ValueError, match="traced by a JAX transformation.*outside of jit"):
        jax.jit(statistics.catch22)(SERIES)
