"""Which blocks of a batch which device draws, and the batch made of them."""

import dataclasses
import functools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from s2jax.config import Config
from s2jax.core import checks, forks
from s2jax.core.types import PRNGKey
from s2jax.sampling import Batch
from s2jax.sampling.batch import MAX_ROWS
from s2jax.stream import MAX_BLOCKS, Stream, check_stream, draw

_SETTINGS: Any = jax.config  # whose attributes type checkers do not know


def divided(
    caller: str, config: Config, seed: int, batch: int, block_size: int | None
) -> tuple[Stream, int]:
    """The stream behind batches of a size, and the number of blocks in each of them."""
    checks.check_static_integer(caller, "batch", batch, 1, MAX_ROWS)
    block_size = batch // math.gcd(batch, 8) if block_size is None else block_size
    check_stream(caller, config, seed, block_size)
    stream = Stream(config, seed, block_size)
    if batch % block_size:
        raise ValueError(
            f"{caller}(batch={batch}, block_size={block_size}): block_size must divide batch, "
            f"because a batch is made of whole blocks. Choose {math.gcd(batch, block_size)}."
        )
    return stream, batch // block_size


@dataclasses.dataclass(frozen=True, eq=False)
class Share:
    """The blocks of each batch that one device draws.

    Each device runs a program of its own: one that is partitioned for all of them is fused
    otherwise by XLA, and rounds some floats otherwise.

    Attributes:
        stream: Where blocks are from.
        first: The share's first block within a batch.
        count: Number of its blocks.
        device: Where it is drawn; None is the first device. By default `jax_default_device`.
        wide: Whether floats have 64 bits. Threads inherit neither setting.
    """

    stream: Stream
    first: int
    count: int
    device: Any = dataclasses.field(default_factory=lambda: _SETTINGS.jax_default_device)
    wide: bool = dataclasses.field(default_factory=lambda: bool(_SETTINGS.jax_enable_x64))

    @functools.cached_property
    def _arguments(self) -> tuple[Config, PRNGKey]:
        """Configuration and key, arrays copied to the device; none is committed to it.

        Committed arguments would annotate the program, and it would be compiled once more.
        """
        here = lambda leaf: jnp.asarray(np.asarray(leaf)) if isinstance(leaf, jax.Array) else leaf
        return jax.tree.map(here, self.stream.config), self.stream.key

    def rows(self, start: int, number: int = 1, stride: int = 0) -> Batch:
        """The share's rows of a number of batches, drawn together.

        The first block of the first batch has the number `start`; those of others follow in
        strides, modulo 2**32.

        Raises:
            RuntimeError: In a process that was forked after JAX had started.
        """
        forks.check_can_draw("s2jax.feeds")
        with jax.enable_x64(self.wide), jax.default_device(self.device):
            config, key = self._arguments
            firsts = start + self.first + stride * np.arange(number)[:, None]
            blocks = (firsts + np.arange(self.count)).reshape(-1) % MAX_BLOCKS
            return draw(config, key, blocks.astype(np.uint32), self.stream.block_size)

    def part(self, drawn: Batch, place: int) -> Batch:
        """The share's rows of one batch out of those that were drawn together."""
        size = self.count * self.stream.block_size
        if drawn.status.shape[0] == size:
            return drawn
        with jax.enable_x64(self.wide), jax.default_device(self.device):
            return _part(drawn, np.int32(place), size)


@functools.partial(jax.jit, static_argnames="size")
def _part(drawn: Batch, place: Any, size: int) -> Batch:
    cut = lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, place * size, size)
    return jax.tree.map(cut, drawn)


def shares_of(
    stream: Stream, count: int, mesh: Mesh, axes: str | tuple[str, ...] | None
) -> tuple[list[Share], NamedSharding]:
    """The shares of this process, and how rows lie on the mesh."""
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"batches(mesh={mesh!r}): must be a jax.sharding.Mesh. Pass jax.make_mesh((n,), "
            '("data",)).'
        )
    names = mesh.axis_names if axes is None else (axes,) if isinstance(axes, str) else tuple(axes)
    for name in names:
        if name not in mesh.axis_names:
            raise ValueError(f"batches(axes={axes!r}): {checks.unknown(name, mesh.axis_names)}")
    parts = math.prod(mesh.shape[name] for name in names)
    if count % parts:
        size = stream.block_size
        raise ValueError(
            f"batches(batch={count * size}, block_size={size}) on {parts} devices: the number of "
            f"blocks, {count}, must be a multiple of the devices, because each draws whole blocks. "
            + _way_out(count * size, size, parts)
        )
    sharding = NamedSharding(mesh, PartitionSpec(names))
    places = sharding.addressable_devices_indices_map((count,))
    if not places:
        raise ValueError(
            f"batches(mesh={mesh}): must hold a device of process {jax.process_index()}, because "
            "each process draws the rows of its own. Make the mesh of jax.devices()."
        )
    shares = []
    for device, index in places.items():
        low, high, _ = (index or (slice(None),))[0].indices(count)
        place = None if device == jax.local_devices()[0] else device  # as `sample` compiled it
        shares.append(Share(stream, low, high - low, place))
    return shares, sharding


def _way_out(batch: int, block_size: int, parts: int) -> str:
    if batch % parts:
        return f"Choose a batch that is a multiple of {parts}."
    return f"Choose block_size={math.gcd(block_size, batch // parts)}, which draws other rows."


def on_all(shares: list[Share], job: Callable[[Share], Batch]) -> list[Batch]:
    """A job of every share, at the same time."""
    if len(shares) == 1:
        return [job(shares[0])]
    with ThreadPoolExecutor(len(shares)) as threads:  # devices wait for the host in loops, and
        return list(threads.map(job, shares))  # each compiles the program once


def join(parts: list[Batch], sharding: NamedSharding | None, rows: int) -> Batch:
    """The batch that the parts of the shares are."""
    if sharding is None:
        return parts[0]

    def whole(*pieces: jax.Array) -> jax.Array:
        shape = (rows, *pieces[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, pieces)

    return jax.tree.map(whole, *parts)
