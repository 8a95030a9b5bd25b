"""Simple couplings of channels, against their formulas."""

import jax
import numpy as np
import pytest

import s2jax
from s2jax import inputs
from s2jax.inputs import OrnsteinUhlenbeck, RandomWalk
from tests.statistics import assert_counts_match

KEY = jax.random.key(5)
FAMILY = OrnsteinUhlenbeck()
ROWS, CHANNELS, LENGTH = 400, 3, 128


def draw(family, n=ROWS, channels=CHANNELS, length=LENGTH):
    drawn = jax.device_get(family.sample(KEY, n, channels, length))
    assert drawn.series.shape == (n, channels, length)
    assert np.isfinite(drawn.series).all()
    return drawn.series.astype(float), drawn.law.coupling


def test_linear_mix_has_the_rank_of_its_latent_series():
    series, coupling = draw(inputs.LinearMix(FAMILY, noise=0.0, latents=2), n=32, channels=5)
    values = np.linalg.svd(series, compute_uv=False)
    assert (values[:, 2] < 1e-4 * values[:, 0]).all()
    assert (values[:, 1] > 1e-3 * values[:, 0]).all()
    # loadings span the same space
    left = np.linalg.svd(series, full_matrices=False)[0][:, :, :2]
    rest = coupling["loadings"] - left @ (np.swapaxes(left, 1, 2) @ coupling["loadings"])
    assert np.abs(rest).max() < 1e-3


def test_noise_of_a_linear_mix():
    quiet = draw(inputs.LinearMix(FAMILY, noise=0.0))[0]
    loud = draw(inputs.LinearMix(FAMILY, noise=0.5))[0]
    assert (loud - quiet).std() == pytest.approx(0.5, rel=0.02)


def test_lead_lag():
    series, coupling = draw(inputs.LeadLag(FAMILY, noise=0.0, max_lag=10, negative=0.3))
    lag, gain = coupling["lag"], coupling["gain"]
    assert_counts_match(np.bincount(lag.ravel(), minlength=11), np.ones(11) / 11)
    assert (gain < 0).mean() == pytest.approx(0.3, abs=0.06)
    for row in range(ROWS):
        late, early = (0, 1) if lag[row, 0] >= lag[row, 1] else (1, 0)
        shift = lag[row, late] - lag[row, early]
        ahead = gain[row, early] * series[row, early, : LENGTH - shift]
        behind = gain[row, late] * series[row, late, shift:]
        np.testing.assert_allclose(behind, ahead, atol=1e-5)


def test_cointegration():
    family = inputs.Cointegration(RandomWalk(), spread=0.3, persistence=0.8)
    series, coupling = draw(family)
    b = coupling["loading"]
    # the level is gone from b_1 x_0 - b_0 x_1
    spread = b[:, 1:2] * series[:, 0] - b[:, :1] * series[:, 1]
    size = 0.3 * np.sqrt(b[:, 0] ** 2 + b[:, 1] ** 2)
    scaled = spread / size[:, None]
    assert scaled.std() == pytest.approx(1, abs=0.05)
    assert (scaled[:, 1:] * scaled[:, :-1]).mean() == pytest.approx(0.8, abs=0.04)


def test_shared_seasonality():
    family = inputs.SharedSeasonality(FAMILY, period=16.0, share=1.0, harmonics=3)
    series, _ = draw(family)
    np.testing.assert_allclose(series[:, 0], series[:, 2], atol=1e-5)
    np.testing.assert_allclose(series[..., 16:], series[..., :-16], atol=1e-4)
    np.testing.assert_allclose(series.var(-1), 1, atol=1e-3)
    powers = (np.abs(np.fft.rfft(series[:, 0])) ** 2).mean(0)
    assert set(np.flatnonzero(powers > 1e-3 * powers.max())) == {8, 16, 24}


def test_regime_coupling():
    family = inputs.RegimeCoupling(FAMILY, share=1.0, duration=16.0)
    series, coupling = draw(family)
    together = coupling["is_coupled"]
    assert together.mean() == pytest.approx(0.5, abs=0.05)
    assert (together[:, 1:] != together[:, :-1]).mean() == pytest.approx(1 / 16, abs=0.006)
    apart = np.abs(series[:, 0] - series[:, 1])
    assert apart[together].max() < 1e-6
    assert np.median(apart[~together]) > 0.3


def test_in_batches_and_corpora(tmp_path):
    choice = inputs.Choice([inputs.LeadLag(FAMILY), inputs.Cointegration()])
    config = s2jax.Config(32, 2, 2, inputs=choice, target=s2jax.Identity())
    s2jax.write_corpus(tmp_path, config, 16, block_size=16)
    batch = s2jax.read_corpus(tmp_path)[:]
    again = s2jax.Stream(config, block_size=16)[0]
    assert (batch.x == again.x).all()
    for one, other in zip(batch.x_source.laws, again.x_source.laws, strict=True):
        assert set(one.coupling) == set(other.coupling)
        assert all((one.coupling[name] == other.coupling[name]).all() for name in one.coupling)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: inputs.LinearMix(inputs.LinearMix()), "must be a family of single channels"),
        (lambda: inputs.LinearMix(latents=0), "latents=0"),
        (lambda: inputs.LinearMix(noise=-1.0), "nothing else would be left"),
        (lambda: inputs.LeadLag(negative=2.0), "negative=2.0"),
        (
            lambda: s2jax.Config(16, 2, inputs=inputs.LeadLag(max_lag=16)),
            "what follows would begin",
        ),
        (lambda: inputs.Cointegration(persistence=1.0), "a spread returns"),
        (lambda: inputs.SharedSeasonality(period=1.0), "one step is not enough"),
        (lambda: inputs.SharedSeasonality(share=1.5), "it is a share"),
        (lambda: inputs.RegimeCoupling(duration=1.0), "longer than a step"),
        (lambda: inputs.RegimeCoupling("ARMA"), "must be an input family"),
    ],
)
def test_bad_input(unchecked, make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_in_float64():
    """Shapes and dtypes alone, which is where they go wrong."""
    config = s2jax.presets.multivariate(64)
    with jax.enable_x64(True):
        batch = jax.eval_shape(lambda key: s2jax.sample(key, config, 8), KEY)
    assert batch.x.dtype == batch.y.dtype == np.float64
