"""Batches for a training loop: global arrays on the user's mesh, at a position that is a number."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.sharding import Mesh

from s2jax.config import Config
from s2jax.core import checks
from s2jax.feeds._shares import Share, divided, join, on_all, shares_of
from s2jax.sampling import Batch
from s2jax.sampling.batch import MAX_ROWS
from s2jax.stream import MAX_BLOCKS, Stream, fingerprint_of

_SCHEMA = 1
_ROWS_AT_ONCE = 4096  # more do not make a row cheaper
_MAX_VALUES = 2**24  # of the series that are drawn ahead


@checks.suggest_names()
def batches(
    config: Config,
    seed: int = 0,
    batch: int = 1024,
    mesh: Mesh | None = None,
    start: int = 0,
    *,
    block_size: int | None = None,
    axes: str | tuple[str, ...] | None = None,
    ahead: int | None = None,
) -> "Batches":
    """Iterate over the stream of a configuration and a seed, `batch` rows at a time.

    Batch number s holds the blocks `s * k` to `s * k + k - 1` of `Stream(config, seed, block_size)`
    with `k = batch // block_size`. Each device runs the same program on blocks of its own, without
    talking to others, so the global batch has the same bits on any number of devices and processes
    that divides k, as long as the devices are of one kind.

    Args:
        config: What to draw.
        seed: In [0, 2**32).
        batch: Rows of the global batch.
        mesh: Devices over which rows are spread; of several processes, each draws the rows of its
            own devices. Axes may be of any type. None is the default device.
        start: Number of the first batch.
        block_size: Rows that stay together, the least share a device may ever have. By default an
            eighth of `batch`, so that 1, 2, 4 and 8 devices draw the same rows. For more devices
            pass a divisor of their share. Other blocks, other rows.
        axes: Axes of the mesh over which rows are spread; over others they are repeated. By
            default all.
        ahead: Batches that are drawn at once and handed out one after another; the rows are the
            same. Drawn one by one, a row of a small batch costs a lot more. By default as many as
            make some 4096 rows, or 64 MB of series if these are fewer; 1 draws only what is asked
            for.

    Returns:
        An endless iterator of `Batch`.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If `block_size` does not divide `batch`, or the devices do not divide the number
            of blocks, or an axis is none of the mesh's.

    Example:
        >>> import s2jax
        >>> feed = batches(s2jax.presets.s2(length=64), seed=0, batch=8, block_size=4)
        >>> next(feed).y.shape, feed.get_state()["step"]
        ((8, 1, 64), 1)
    """
    return Batches(config, seed, batch, mesh, start, block_size, axes, ahead)


class Batches:
    """Endless iterator of batches; made by `batches`.

    Its state is a few integers, which any checkpoint library can keep: `get_state`, `set_state`.
    """

    def __init__(
        self, config: Config, seed: int, batch: int, mesh: Mesh | None, start: int,
        block_size: int | None, axes: str | tuple[str, ...] | None, ahead: int | None,
    ) -> None:  # fmt: skip
        stream, self._count = divided("batches", config, seed, batch, block_size)
        self._identity = _integers(stream, int(batch))
        self._batch, self._end = int(batch), MAX_BLOCKS // self._count
        checks.check_static_integer("batches", "start", start, 0, self._end - 1)
        self._step = int(start)
        if ahead is None:
            ahead = max(1, _rows_at_once(config) // self._batch)
        checks.check_static_integer("batches", "ahead", ahead, 1, MAX_ROWS // self._batch)
        self._ahead = int(ahead)
        self._drawn: list[tuple[Share, Batch]] = []
        self._first_drawn = 0
        if mesh is None:
            self._shares, self._sharding = [Share(stream, 0, self._count)], None
        else:
            self._shares, self._sharding = shares_of(stream, self._count, mesh, axes)

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Batch:
        if self._step >= self._end:
            raise StopIteration
        place = self._step - self._first_drawn
        if not 0 <= place < self._ahead or not self._drawn:
            place = 0
            self._fill()
        parts = [share.part(drawn, place) for share, drawn in self._drawn]
        batch = join(parts, self._sharding, self._batch)
        self._step += 1
        return batch

    def _fill(self) -> None:
        """Draw the next batches; those that were held are freed before."""
        self._drawn, self._first_drawn = [], self._step
        first, count = self._step * self._count, self._count
        parts = on_all(self._shares, lambda share: share.rows(first, self._ahead, count))
        self._drawn = list(zip(self._shares, parts, strict=True))

    def get_state(self) -> dict[str, int]:
        """The position, and what identifies the stream, as integers.

        Only `seed` and `step` can need all of 32 bits; the others fit into int32.
        """
        return {"step": self._step, **self._identity}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go to a position that `get_state` told, on any mesh.

        Args:
            state: The integers, or arrays of one, as checkpoint libraries give them back. Arrays
                may be int32, which JAX makes of wider ones: the lower 32 bits are all that is used.

        Raises:
            TypeError: If it is no mapping, or a value no integer.
            ValueError: If the state is of another stream.
        """
        own = self.get_state()
        if not isinstance(state, Mapping):
            raise TypeError(f"set_state({state!r}): must be a dict. Pass what get_state returned.")
        if state.keys() != own.keys():
            names = ", ".join(map(str, state))
            raise ValueError(
                f"set_state(state of {names}): must hold {', '.join(own)}. Pass what get_state "
                "returned."
            )
        given = {name: _integer(name, value) for name, value in state.items()}
        for name in _DIGESTS:
            given[name] %= _DIGEST_END
        for name, same in _SAME.items():
            if given[name] != own[name]:
                shown = "another one" if name in _DIGESTS else f"{given[name]}, not {own[name]}"
                raise ValueError(
                    f"set_state({name}: {shown}): must be a state of the same stream, or the rows "
                    f"would be others. Make the iterator with the same {same}."
                )
        checks.check_static_integer("set_state", "step", given["step"], 0, self._end)
        self._step = given["step"]


def _rows_at_once(config: Config) -> int:
    """Rows that are worth drawing together, if they are not too large."""
    values = config.length * (config.num_inputs + config.num_outputs)
    return min(_ROWS_AT_ONCE, _MAX_VALUES // values)


_SAME = {
    "schema": "version of s2jax",
    "s2jax": "version of s2jax",
    "dtype": "jax_enable_x64",
    "seed": "seed",
    "batch": "batch",
    "block_size": "block_size",
    "config": "config",
}
_DIGESTS = ("config", "dtype", "s2jax")
_DIGEST_END = 2**31


def _integer(name: str, value: Any) -> int:
    """An integer of a state, from whatever a checkpoint library made of it."""
    array = np.asarray(value)
    if array.size != 1 or not np.issubdtype(array.dtype, np.integer):
        raise TypeError(
            f"set_state({name}={value!r}): must be an integer, or an array of one. Pass what "
            "get_state returned."
        )
    number = int(array.item())
    return number % 2**32 if array.dtype == np.int32 else number


def _integers(stream: Stream, batch: int) -> dict[str, int]:
    """What identifies batches of a stream; a digest of what is no number."""
    digest = lambda value: int(fingerprint_of({"": value})[:15], 16) % _DIGEST_END
    return {
        "schema": _SCHEMA,
        "seed": int(stream.seed),
        "batch": batch,
        "block_size": int(stream.block_size),
        **{name: digest(stream.identity[name]) for name in _DIGESTS},
    }
