"""Numbers of input families that are so large that float32 would overflow are refused by name."""

from typing import Any

import numpy as np
import pytest

from s2jax import inputs
from s2jax.distributions import Constant, Normal

SIZES = [
    ("Counts", "amplitude"), ("GARCH", "mean"), ("Held", "noise"), ("OrnsteinUhlenbeck", "mean"),
    ("OrnsteinUhlenbeck", "deviation"), ("RandomWalk", "drift"), ("RandomWalk", "jump_deviation"),
    ("RateNoise", "gamma_rate"), ("RateNoise", "lognormal_rate"), ("RateNoise", "power"),
    ("SARIMA", "drift"), ("SARIMA", "pattern"), ("Spikes", "baseline"), ("StateSpace", "slope"),
    ("StateSpace", "level_noise"), ("StateSpace", "pattern"), ("Waveforms", "amplitude"),
    ("Waveforms", "depth"), ("Waveforms", "noise"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "field"), SIZES)
@pytest.mark.usefixtures("unchecked")
def test_sizes_that_overflow_are_refused(family: str, field: str) -> None:
    make: Any = getattr(inputs, family)
    with pytest.raises(ValueError, match=rf"{family}\({field}=.*overflow"):
        make(**{field: Constant(1e10)})
    make(**{field: Constant(1.0)})


def test_ends_of_a_normal_law_count() -> None:
    with pytest.raises(ValueError, match=r"mean=.*overflow"):
        inputs.GARCH(mean=Normal(0.0, 1e9))


@pytest.mark.parametrize("field", ["drift", "pattern"])
def test_the_largest_sizes_do_not_overflow(key: Any, field: str) -> None:
    family = inputs.SARIMA(**{field: Constant(1e9)}, differences=Constant(2.0))
    values = np.asarray(family.sample(key, n=64, length=64).series, np.float32)
    assert np.all(np.isfinite(values.astype(np.float32) ** 2))
