"""Rows of a configuration whose inputs are those of docs/zoo/linear.md."""

from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.inputs import (
    SARIMA,
    Choice,
    OrnsteinUhlenbeck,
    OrnsteinUhlenbeckLaw,
    SARIMALaw,
    StateSpace,
    StateSpaceLaw,
)

FAMILIES = (
    RandomWalk(),
    GARCH(),
    OrnsteinUhlenbeck(),
    StateSpace(),
    SARIMA(),
)
LAWS = (
    RandomWalkLaw,
    GARCHLaw,
    OrnsteinUhlenbeckLaw,
    StateSpaceLaw,
    SARIMALaw,
)


@pytest.fixture(scope="module")
def batch() -> Any:
    config = s2jax.Config(length=48, inputs=Choice(list(FAMILIES)), target=s2jax.Identity())
    again = from_json(to_json(config))
    assert to_json(again) == to_json(config)
    return jax.device_get(s2jax.sample(jax.random.key(4), again, 256))


def test_rows_are_usable(batch: Any) -> None:
    assert np.all(batch.status == 0)
    assert np.all(np.isfinite(batch.x))


def test_every_family_is_drawn_with_its_law(batch: Any) -> None:
    assert set(np.unique(batch.x_source.family)) == set(range(len(FAMILIES)))
    for kind in LAWS:
        assert isinstance(batch.x_source.law_of(kind), kind)
