"""The hook that checks annotations is on, and bites."""

import jax
import jax.numpy as jnp
import pytest
from jaxtyping import TypeCheckError

from s2jax.core import random as random
from s2jax.inputs import Mixture


def test_a_wrong_shape_trips() -> None:
    with pytest.raises(TypeCheckError, match="words"):
        random.random_bits(jnp.zeros((4, 3), jnp.uint32), 2)


def test_a_wrong_dtype_trips() -> None:
    with pytest.raises(TypeCheckError, match="bits"):
        random.uniform(jnp.zeros(3, jnp.int32))


def test_a_wrong_field_of_a_module_trips() -> None:
    process = Mixture().draw_laws(jnp.zeros((2, 2), jnp.uint32), 8)
    fields = {name: getattr(process, name) for name in process.__dataclass_fields__}
    type(process)(**fields)
    with pytest.raises(TypeCheckError, match="means"):
        type(process)(**fields | {"means": process.means[:1]})


def test_mixed_dtypes_are_refused() -> None:
    with pytest.raises(ValueError, match="promotion path"):
        jnp.add(jnp.zeros(2, jnp.int32), jnp.zeros(2, bool))


def test_several_devices_are_there() -> None:
    assert jax.device_count() == 4
