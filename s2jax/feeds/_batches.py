"""Batches for a training loop: global arrays on the user's mesh, at a position that is a number."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from s2jax import _checks
from s2jax.config import Config
from s2jax.generate import Batch
from s2jax.stream import MAX_BLOCKS, Stream, draw, fingerprint_of

_SCHEMA = 1
_DEFAULT_BLOCKS = 8


def batches(
    config: Config,
    seed: int = 0,
    batch: int = 1024,
    mesh: Mesh | None = None,
    start: int = 0,
    *,
    block_size: int | None = None,
    axes: str | tuple[str, ...] | None = None,
) -> "Batches":
    """Iterate over the stream of a configuration and a seed, `batch` rows at a time.

    Batch number s holds the blocks `s * k` to `s * k + k - 1` of `Stream(config, seed, block_size)`
    with `k = batch // block_size`. Each device draws whole blocks of its own, without talking to
    others, so the global batch is the same on any number of devices and processes that divides k.

    Args:
        config: What to draw.
        seed: In [0, 2**32).
        batch: Rows of the global batch.
        mesh: Devices over which rows are spread; of several processes, each computes the rows of
            its own devices. None is the default device.
        start: Number of the first batch.
        block_size: Rows that are drawn together, a divisor of `batch`. By default an eighth of
            `batch` where that is whole, so up to 8 devices can share it; else `batch`. Larger
            blocks are faster, above all those of differential equations.
        axes: Axes of the mesh over which rows are spread; over others they are repeated. By
            default all.

    Returns:
        An endless iterator of `Batch`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If `block_size` does not divide `batch`, or the devices do not divide the number
            of blocks, or an axis is none of the mesh's.

    Example:
        >>> import s2jax
        >>> feed = batches(s2jax.presets.s2(length=64), seed=0, batch=16)
        >>> next(feed).y.shape, feed.get_state()["step"]
        ((16, 1, 64), 1)
    """
    return Batches(config, seed, batch, mesh, start, block_size, axes)


class Batches:
    """Endless iterator of batches; made by `batches`.

    Its whole state is a number of integers: `get_state` and `set_state`, which any checkpoint
    library can keep.
    """

    def __init__(
        self, config: Config, seed: int, batch: int, mesh: Mesh | None, start: int,
        block_size: int | None, axes: str | tuple[str, ...] | None,
    ) -> None:  # fmt: skip
        _checks.check_static_integer("batches", "batch", batch, 1)
        if block_size is None:
            block_size = batch if batch % _DEFAULT_BLOCKS else batch // _DEFAULT_BLOCKS
        self._stream = Stream(config, seed, block_size)
        if batch % block_size:
            raise ValueError(
                f"batches(batch={batch}, block_size={block_size}): block_size must divide batch. "
                f"Choose {math.gcd(batch, block_size)}."
            )
        self._batch, self._count = int(batch), batch // block_size
        _checks.check_static_integer("batches", "start", start, 0, MAX_BLOCKS // self._count - 1)
        self._step = int(start)
        self._draw = _drawer(self._stream, self._count, mesh, axes)

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        if self._step >= MAX_BLOCKS // self._count:
            raise StopIteration
        first = np.uint32(self._step * self._count)
        self._step += 1
        return self._draw(first)

    def get_state(self) -> dict[str, int]:
        """The position, and what identifies the stream, as integers of at most 63 bits."""
        identity = self._stream.identity
        rest = {name: identity[name] for name in ("dtype", "s2jax")}
        return {
            "schema": _SCHEMA,
            "step": self._step,
            "seed": self._stream.seed,
            "batch": self._batch,
            "block_size": self._stream.block_size,
            "config": _digest(identity["config"]),
            "version": _digest(rest),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go to a position that `get_state` told, on any mesh.

        Raises:
            ValueError: If the state is of another stream.
        """
        own, given = self.get_state(), {name: int(value) for name, value in state.items()}
        if given.keys() != own.keys():
            raise ValueError(
                f"set_state(keys {', '.join(given)}): must be {', '.join(own)}. Pass what "
                "get_state returned."
            )
        for name, value in own.items():
            if name != "step" and given[name] != value:
                shown = f"{given[name]} there, {value} here" if name in _SHOWN else "another one"
                raise ValueError(
                    f"set_state({name} is {shown}): must be a state of the same stream, or the "
                    f"rows would be others. Make the iterator with the same {_SAME[name]}."
                )
        _checks.check_static_integer("set_state", "step", given["step"], 0)
        self._step = given["step"]


_SHOWN = ("schema", "seed", "batch", "block_size")
_SAME = {
    "schema": "version of s2jax",
    "seed": "seed",
    "batch": "batch",
    "block_size": "block_size",
    "config": "config",
    "version": "version of s2jax and the same jax_enable_x64",
}


def _digest(value: Any) -> int:
    return int(fingerprint_of({"": value})[:15], 16)


def _drawer(
    stream: Stream, count: int, mesh: Mesh | None, axes: str | tuple[str, ...] | None
) -> Any:
    """A function of the number of the first block that gives `count` blocks as one batch."""
    config, seed = jax.tree.map(np.asarray, stream.config), np.uint32(stream.seed)
    size = stream.block_size
    if mesh is None:
        return lambda first: _blocks(config, seed, first, size, count)
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"batches(mesh={mesh!r}): must be a jax.sharding.Mesh. Pass jax.make_mesh((n,), "
            '("data",)).'
        )
    names = mesh.axis_names if axes is None else (axes,) if isinstance(axes, str) else tuple(axes)
    for name in names:
        if name not in mesh.axis_names:
            raise ValueError(f"batches(axes={axes!r}): {_checks.unknown(name, mesh.axis_names)}")
    devices = math.prod(mesh.shape[name] for name in names)
    if count % devices:
        raise ValueError(
            f"batches(batch={count * stream.block_size}, block_size={stream.block_size}) on "
            f"{devices} devices: the {count} blocks must be a multiple of the devices. Choose "
            f"block_size={math.gcd(stream.block_size, count * stream.block_size // devices)}."
        )
    own = count // devices
    spread, everywhere = PartitionSpec(names), PartitionSpec()

    def local(config: Config, seed: jax.Array, first: jax.Array) -> Batch:
        device = jax.lax.axis_index(names).astype(jnp.uint32)
        return _blocks(config, seed, first + device * np.uint32(own), size, own)

    sharded = jax.shard_map(
        local, mesh=mesh, in_specs=everywhere, out_specs=spread, check_vma=False
    )
    return partial(jax.jit(sharded), config, seed)


@partial(jax.jit, static_argnums=(3, 4))
def _blocks(config: Config, seed: jax.Array, first: jax.Array, size: int, count: int) -> Batch:
    """`count` blocks as one batch, one after another."""
    if count == 1:
        return draw(config, seed, first, size)
    numbers = first + jnp.arange(count, dtype=jnp.uint32)
    blocks = jax.lax.map(lambda block: draw(config, seed, block, size), numbers)
    return jax.tree.map(lambda leaf: leaf.reshape(count * size, *leaf.shape[2:]), blocks)
