"""Streams: a block number in, a batch out; the same one whoever computes it."""

import dataclasses
import functools
import hashlib
import json
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Integer

from s2jax.config import Config
from s2jax.config.serialize import to_json
from s2jax.core import checks, forks
from s2jax.core.part import check_part
from s2jax.core.types import PRNGKey
from s2jax.core.version import __version__
from s2jax.sampling import Batch, sample

MAX_BLOCKS = 2**32


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """The endless series-symbol pairs of a configuration and a seed, dealt out in blocks.

    Block b is `sample(fold_in(key, b), config, block_size)` with `key = jax.random.key(seed)`.
    Its arithmetic runs in tiles of one fixed size, so its bits depend neither on what is computed
    with it or was before, nor on how many devices, processes or workers share the work. What is
    drawn from a stream has one integer as its position: feeds, corpora and meshes all count blocks.

    Integers (programs, status) are the same on every machine. Floats are bit for bit the same on
    devices of one kind with one version of JAX; a CPU that gives XLA one thread is of another kind
    than one that gives several. Elsewhere, and inside a jit or scan of your own, which XLA compiles
    as a whole, they are so within a few ulps.

    Attributes:
        config: What to draw.
        seed: In [0, 2**32).
        block_size: Rows per block. Part of the identity: other blocks, other rows.

    Raises:
        TypeError: If `config` is no `Config`, or a number no integer.
        ValueError: If a number is out of range.

    Example:
        >>> import s2jax
        >>> stream = Stream(s2jax.presets.s2(length=64), seed=7, block_size=4)
        >>> stream[12].y.shape
        (4, 1, 64)
    """

    config: Config
    seed: int = 0
    block_size: int = 1024

    def __new__(cls, *args: Any, **fields: Any) -> "Stream":
        checks.check_names("Stream", fields, cls.__init__)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        check_stream("Stream", self.config, self.seed, self.block_size)
        object.__setattr__(self, "seed", int(self.seed))
        object.__setattr__(self, "block_size", int(self.block_size))

    def __getitem__(self, block: int | Integer[Array, ""]) -> Batch:
        """Block number `block`; traced inside jit.

        Raises:
            IndexError: If it is negative, or 2**32 or more.
            TypeError: If it is no integer.
            RuntimeError: In a process that was forked after JAX had started.
        """
        forks.check_can_draw("Stream[...]")
        number: Any = block
        if checks.is_concrete(block) or not hasattr(block, "dtype"):
            number = _block_number(block)
            if not 0 <= number < MAX_BLOCKS:
                raise IndexError(
                    f"Stream[{number}]: must be in [0, 2**32), because blocks are counted from 0 "
                    "in 32 bits. Take another seed for more."
                )
            number = np.uint32(number)
        return draw(self.config, self.key, [number], self.block_size)

    @property
    def key(self) -> PRNGKey:
        """The key that the numbers of blocks are folded into."""
        return jax.random.key(np.uint32(self.seed), impl="threefry2x32")

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """All that decides the rows, as JSON values."""
        return {
            "config": json.loads(to_json(self.config)),
            "seed": int(self.seed),
            "block_size": int(self.block_size),
            "dtype": str(jnp.result_type(float)),
            "s2jax": __version__,
        }

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the identity, in hexadecimal digits."""
        return fingerprint_of(self.identity)


def _block_number(block: Any) -> int:
    """The number of a block as an int."""
    is_bool = isinstance(block, bool) or str(getattr(block, "dtype", "")) == "bool"
    try:
        if not is_bool:
            return operator.index(block)
    except TypeError:
        pass
    raise TypeError(
        f"Stream[{checks.shown(block)}]: must be an integer, because blocks are counted. Pass an "
        f"int; this is of type {type(block).__name__}."
    )


def check_stream(owner: str, config: Any, seed: Any, block_size: Any) -> None:
    """Refuse what makes no stream, in the name of who was called."""
    check_part(owner, "config", config, Config)
    checks.check_static_integer(owner, "seed", seed, 0, 2**32 - 1)
    checks.check_static_integer(owner, "block_size", block_size, 1, 2**24)


def draw(
    config: Config, key: PRNGKey, blocks: Sequence[Any] | np.ndarray | Array, size: int
) -> Batch:
    """Blocks of the stream of a key one after another, where `config` and `key` are.

    Several share one search, which costs what one block of as many rows costs.
    """
    if len(blocks) == 1:
        return sample(jax.random.fold_in(key, blocks[0]), config, size)
    return _draw_several(config, key, blocks, size)


@functools.partial(jax.jit, static_argnames="size")
def _draw_several(config: Config, key: PRNGKey, blocks: Any, size: int) -> Batch:
    drawn = jax.vmap(lambda block: sample(jax.random.fold_in(key, block), config, size))(blocks)
    return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), drawn)  # -1 fails without values


def fingerprint_of(identity: Mapping[str, Any]) -> str:
    """SHA-256 of an identity, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What differs between two identities, as "name: there, here" of the first few leaves."""
    old, new = dict(_leaves(there)), dict(_leaves(here))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    show = lambda values, name: checks.cut(json.dumps(values.get(name, "absent")))
    parts = [f"{name} is {show(old, name)} there and {show(new, name)} here" for name in names]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return "; ".join(parts[:3]) + more


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values of nested dicts and lists."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, value
