"""Outputs that are an input but for scale and shift: how they are refused, and drawn on purpose."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax.config.serialize import from_json, to_json
from s2jax.targets.acceptance import REASONS, Status, largest_correlation
from tests.statistics import assert_counts_match

KEY = jax.random.key(3)
ROWS = 512
SHARE = 0.3
CONFIG = s2jax.Config(
    64,
    num_inputs=2,
    num_outputs=2,
    target=s2jax.Algebraic(input_share=SHARE),
    acceptance=s2jax.Acceptance(max_correlation=0.999),
)


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return jax.device_get(s2jax.sample(KEY, CONFIG, ROWS))


def correlations(batch: s2jax.Batch) -> np.ndarray:
    """|corr(x_k, y_o)| of every row, in float64."""
    z = [np.asarray(one, float) for one in (batch.x, batch.y)]
    z = [one - one.mean(2, keepdims=True) for one in z]
    z = [one / np.linalg.norm(one, axis=2, keepdims=True) for one in z]
    return np.abs(np.einsum("rkt,rot->rko", *z))


def copied(batch: s2jax.Batch) -> np.ndarray:
    return np.array([text == "x_0 | x_1" for text in s2jax.to_text(batch.program)])


def test_a_share_of_rows_is_the_input_itself(batch: s2jax.Batch) -> None:
    # once for a row, although two of three tries of the others are refused
    is_copy = copied(batch)
    assert_counts_match([is_copy.sum(), (~is_copy).sum()], [SHARE, 1 - SHARE])
    own = np.einsum("roo->ro", correlations(batch))[is_copy]
    assert (own > 0.999999).all()
    again = s2jax.evaluate(batch.program, batch.x)
    again = batch.y_scale[..., None] * again + batch.y_shift[..., None]
    np.testing.assert_allclose(again[is_copy], batch.y[is_copy], atol=1e-4)


def test_no_other_output_is_affine_in_an_input(batch: s2jax.Batch) -> None:
    refused = batch.rejections[..., REASONS.index(Status.AFFINE)]
    assert (correlations(batch).max(1)[~copied(batch)] <= 0.9990001).all()
    assert refused[~copied(batch)].sum() > ROWS / 2
    assert refused[copied(batch)].sum() == 0
    free = s2jax.Config(64, num_inputs=2, num_outputs=2)  # without the bound it would be seen
    assert (correlations(s2jax.sample(KEY, free, 64)).max(1) > 0.999).mean() > 0.3


def test_correlations_of_any_size() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 2, 50)).astype(np.float32)
    y = (x[:, 1] + 0.5 * rng.normal(size=(3, 50))).astype(np.float32)
    expected = np.abs([[np.corrcoef(a, b)[0, 1] for a in xs] for xs, b in zip(x, y, strict=True)])
    for size in (1e-25, 1.0, 1e30):
        found = largest_correlation(jnp.asarray(size * x), jnp.asarray(size * y))
        np.testing.assert_allclose(found, expected.max(1), rtol=1e-5)
    x[:, 1] = 0  # an input that a row does not use
    np.testing.assert_allclose(
        largest_correlation(jnp.asarray(x), jnp.asarray(y)), expected[:, 0], rtol=1e-5
    )


def test_inputs_on_purpose_are_not_refused() -> None:
    config = s2jax.Config(
        32, target=s2jax.Identity(), acceptance=s2jax.Acceptance(max_correlation=0.9)
    )
    batch = s2jax.sample(KEY, config, 4)
    assert (batch.status == 0).all()
    assert batch.rejections.sum() == 0


def test_configurations_keep_the_fields() -> None:
    assert from_json(to_json(CONFIG)) == CONFIG


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: s2jax.Acceptance(max_correlation=1.5), r"max_correlation=1.5\): must be"),
        (lambda: s2jax.Algebraic(input_share=-0.1), r"input_share=-0.1\): must be"),
    ],
)
def test_what_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
