"""Rows of a configuration whose inputs are those of docs/zoo/linear.md."""

from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import inputs
from s2jax.config.serialize import from_json, to_json

NAMES = ("SARIMA", "StateSpace", "OrnsteinUhlenbeck", "GARCH", "RandomWalk")


@pytest.fixture(scope="module")
def batch() -> Any:
    families = inputs.Choice([getattr(inputs, name)() for name in NAMES])
    config = s2jax.Config(length=48, inputs=families, target=s2jax.Identity())
    again = from_json(to_json(config))
    assert to_json(again) == to_json(config)
    return jax.device_get(s2jax.sample(jax.random.key(4), again, 256))


def test_rows_are_usable(batch: Any) -> None:
    assert np.all(batch.status == 0)
    assert np.all(np.isfinite(batch.x))


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_every_family_is_drawn_with_its_law(batch: Any, number: int) -> None:
    is_drawn = batch.x_source.family == number
    assert is_drawn.sum() > 20
    law = batch.x_source.law_of(getattr(inputs, f"{NAMES[number]}Law"))
    for field in jax.tree.leaves(law):
        assert not np.any(field[~is_drawn])
