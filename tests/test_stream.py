"""Streams: a block is what `sample` draws, and a stream is known by its fingerprint."""

import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax
from s2jax.stream import Stream, difference, fingerprint_of

CONFIG = s2jax.presets.s2(length=64)
SEED, ROWS = 7, 4


@pytest.fixture
def stream() -> Stream:
    return Stream(CONFIG, SEED, ROWS)


def bits(batch: Any) -> list[bytes]:
    """The bytes of all leaves."""
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(batch)]


@pytest.mark.parametrize("block", [0, np.int64(5), jnp.int32(5), 2**32 - 1])
def test_block_is_what_sample_draws(stream: Stream, block: Any, unchecked: None) -> None:
    key = jax.random.fold_in(jax.random.key(SEED), np.uint32(block))
    assert bits(stream[block]) == bits(s2jax.sample(key, CONFIG, ROWS))


def test_block_does_not_depend_on_the_default_generator(stream: Stream) -> None:
    want = bits(stream[3])
    with jax.default_prng_impl("rbg"):
        assert bits(stream[3]) == want


def test_blocks_and_seeds_differ(stream: Stream) -> None:
    first = np.asarray(stream[0].x)
    assert not np.any(first[:, 0, 0] == np.asarray(stream[1].x)[:, 0, 0])
    assert not np.any(first[:, 0, 0] == np.asarray(Stream(CONFIG, SEED + 1, ROWS)[0].x)[:, 0, 0])


def test_traced_inside_jit_and_scan() -> None:
    cheap = s2jax.presets.s2(length=64, inputs=s2jax.inputs.ARMA(), target=s2jax.Identity())
    stream = Stream(cheap, SEED, ROWS)

    @jax.jit
    def train(start):
        def step(total, block):
            batch = stream[block]
            return total + abs(batch.y).sum(), batch

        return jax.lax.scan(step, jnp.float32(0), start + jnp.arange(3, dtype=jnp.uint32))

    total, batches = train(np.uint32(10))
    for position in range(3):
        want, got = stream[10 + position], jax.tree.map(lambda leaf, i=position: leaf[i], batches)
        for a, b in zip(jax.tree.leaves(want), jax.tree.leaves(got), strict=True):
            if jnp.issubdtype(a.dtype, jnp.floating):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
            else:
                np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(total, abs(batches.y).sum(), rtol=1e-5)


def test_identity_is_json_and_decides_the_fingerprint(stream: Stream) -> None:
    identity = json.loads(json.dumps(stream.identity))
    assert identity == stream.identity
    assert stream.fingerprint == fingerprint_of(identity) == Stream(CONFIG, SEED, ROWS).fingerprint
    others = [
        Stream(CONFIG, SEED + 1, ROWS),
        Stream(CONFIG, SEED, ROWS + 1),
        Stream(dataclasses.replace(CONFIG, acceptance=s2jax.Acceptance(bound=5.0)), SEED, ROWS),
    ]
    with jax.enable_x64(True):
        others.append(Stream(CONFIG, SEED, ROWS))
        others[-1].fingerprint  # noqa: B018  # computed under the setting
    assert len({stream.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_difference_names_what_differs(stream: Stream) -> None:
    other = dataclasses.replace(CONFIG, acceptance=s2jax.Acceptance(bound=5.0))
    text = difference(Stream(other, 1, ROWS).identity, stream.identity)
    assert text == (
        "config.acceptance.bound is 5.0 there and 10000.0 here; seed is 1 there and 7 here"
    )
    assert difference(stream.identity, stream.identity) == ""
    many = difference({name: 0 for name in "abcde"}, {"a": [{"b": 1}]})
    assert many.startswith('a is 0 there and "absent" here; ')
    assert many.endswith(" and 3 more")


@pytest.mark.parametrize(
    "arguments, kind, message",
    [
        ((3,), TypeError, r"Stream\(config=3\): must be an s2jax.Config"),
        ((CONFIG, -1), ValueError, r"Stream\(seed=-1\): must be an integer >= 0"),
        ((CONFIG, 2**32), ValueError, r"Stream\(seed=4294967296\)"),
        ((CONFIG, 0.5), TypeError, r"Stream\(seed=0.5\): must be a Python integer"),
        ((CONFIG, 0, 0), ValueError, r"Stream\(block_size=0\)"),
    ],
)
def test_wrong_arguments(arguments: Any, kind: Any, message: str, unchecked: None) -> None:
    with pytest.raises(kind, match=message):
        Stream(*arguments)


@pytest.mark.parametrize("block", [-1, 2**32])
def test_wrong_blocks(stream: Stream, block: int) -> None:
    with pytest.raises(IndexError, match=rf"Stream\[{block}\]: must be in \[0, 2\*\*32\)"):
        stream[block]
    with pytest.raises(TypeError):
        stream[0.5]
