"""Random bits: Threefry-2x32 written so that XLA fuses it with what consumes it.

`jax.random` on CPU runs the cipher as a loop over memory, 5 to 6 times slower than the same rounds
unrolled inside one kernel. The generator is the same (Salmon et al. 2011, "Parallel random
numbers: as easy as 1, 2, 3"), its quality too; both words of each block are used. A stream depends
neither on JAX's default generator nor on its partitionable flag.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer, Key, UInt32

from s2jax.core.types import Words

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


@partial(jax.jit, inline=True)
def threefry2x32(
    key: tuple[Array, Array], counter: tuple[Array, Array]
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """Return the two output words of 20-round Threefry; all arguments broadcast together."""
    schedule = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    x0, x1 = counter[0] + schedule[0], counter[1] + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = (x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation))
            x1 = x0 ^ x1
        x0 = x0 + schedule[(group + 1) % 3]
        x1 = x1 + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def words_of(keys: Key[Array, "*batch"]) -> Words:
    """Raw Threefry words of typed keys of any implementation."""
    data = jax.random.key_data(keys)
    if data.shape[-1] == 2:
        return data.astype(jnp.uint32)
    bits = lambda key: jax.random.bits(key, (2,), jnp.uint32)
    return jax.vmap(bits)(keys.reshape(-1)).reshape(*keys.shape, 2)


def _as_uint32(number: Integer[Array, "*shape"] | int) -> UInt32[Array, "*shape"]:
    """A number below 2**32 as a word; one of Python may be beyond int32."""
    return jnp.asarray(np.uint32(number) if isinstance(number, int) else number).astype(jnp.uint32)


def fold_in(
    words: UInt32[Array, "*#batch 2"], data: Integer[Array, "*#batch"] | int
) -> UInt32[Array, "*#batch 2"]:
    """Fold a number into keys; for one key this equals `jax.random.fold_in`."""
    data = _as_uint32(data)
    out = threefry2x32((words[..., 0], words[..., 1]), (jnp.zeros_like(data), data))
    return jax.lax.optimization_barrier(jnp.stack(jnp.broadcast_arrays(*out), axis=-1))


def random_pairs(
    words: UInt32[Array, "batch 2"], count: int, stream: Int[Array, "#batch"] | int = 0,
    first: Int[Array, ""] | int = 0,
) -> tuple[UInt32[Array, "{count} batch"], UInt32[Array, "{count} batch"]]:  # fmt: skip
    """Both words of `count` blocks: the two halves of `random_bits(words, 2 * count, ...)`.

    For one reader of both, which draws them as it reads: stored, each half takes the cipher anew.
    """
    low = jnp.arange(count, dtype=jnp.uint32)[:, None]
    low = low + jnp.asarray(first).astype(jnp.uint32)
    high = jnp.broadcast_to(_as_uint32(stream), words.shape[:1])[None, :]
    high, low = jnp.broadcast_arrays(high, low)
    return threefry2x32((words[None, :, 0], words[None, :, 1]), (high, low))


def random_bits(
    words: UInt32[Array, "batch 2"], count: int, stream: Int[Array, "#batch"] | int = 0,
    first: Int[Array, ""] | int = 0,
) -> UInt32[Array, "{count} batch"]:  # fmt: skip
    """Draw `count` words of 32 random bits per key, one column per key.

    Streams of one key are independent; stream 0 is also what `fold_in` reads. Two words make a
    block of the stream; `first` is the block to start from.
    """
    out = random_pairs(words, -(-count // 2), stream, first)
    # stored once: else XLA repeats the cipher in every kernel that reads the bits
    return jax.lax.optimization_barrier(jnp.concatenate(out, axis=0)[:count])


def random_rows(
    words: UInt32[Array, "batch 2"], count: int, stream: int
) -> UInt32[Array, "batch {count}"]:
    """The words of `random_bits`, one row per key, for readers that go along rows."""
    low = jnp.arange(-(-count // 2), dtype=jnp.uint32)[None]
    high, low = jnp.broadcast_arrays(_as_uint32(stream), low)
    out = threefry2x32((words[:, :1], words[:, 1:]), (high, low))
    return jax.lax.optimization_barrier(jnp.concatenate(out, axis=1)[:, :count])


def uniform(bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Uniform floats in [0, 1), on a grid of 2**-24."""
    return (bits >> np.uint32(8)).astype(jnp.float32) * np.float32(2.0**-24)


def signed_uniform(bits: UInt32[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Uniform floats in (-1, 1), rounded to float32 and symmetric about zero."""
    integer = jax.lax.bitcast_convert_type(bits | np.uint32(1), jnp.int32)
    limit = np.float32(1 - 2.0**-24)
    return jnp.clip(integer.astype(jnp.float32) * np.float32(2.0**-31), -limit, limit)


def take_below(
    bits: UInt32[Array, "*shape"], bound: Int[Array, "*#shape"] | int
) -> tuple[Int[Array, "*shape"], UInt32[Array, "*shape"]]:
    """Uniform integers in {0, ..., bound - 1}, and the random bits that are left.

    Reads the bits as a fraction of 2**32 and splits `bits * bound` into its whole and fractional
    parts. The law is exact to bound * 2**-32. `bound` must be below 2**16; 0 gives 0.
    """
    bound = jnp.asarray(bound).astype(jnp.uint32)
    low = ((bits & np.uint32(0xFFFF)) * bound) >> np.uint32(16)
    whole = ((bits >> np.uint32(16)) * bound + low) >> np.uint32(16)
    return whole.astype(jnp.int32), bits * bound


def below(
    bits: UInt32[Array, "*shape"], bound: Int[Array, "*#shape"] | int
) -> Int[Array, "*shape"]:
    """Uniform integers in {0, ..., bound - 1}; see `take_below`."""
    return take_below(bits, bound)[0]


def store(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays, computed once: else XLA repeats what makes them wherever they are read."""
    ends = np.cumsum([len(array) for array in arrays])[:-1]
    # the barrier alone is gone when XLA fuses, but a concatenation is never made part of a reader
    return tuple(jnp.split(jax.lax.optimization_barrier(jnp.concatenate(arrays)), ends))


def multiply_high(
    bits: UInt32[Array, "*shape"], bound: UInt32[Array, "*#shape"]
) -> UInt32[Array, "*shape"]:
    """The upper word of `bits * bound`: uniform in {0, ..., bound - 1}, for any bound."""
    high, low = bits >> np.uint32(16), bits & np.uint32(0xFFFF)
    bound_high, bound_low = bound >> np.uint32(16), bound & np.uint32(0xFFFF)
    middle = high * bound_low + ((low * bound_low) >> np.uint32(16))
    other = low * bound_high + (middle & np.uint32(0xFFFF))
    return high * bound_high + (middle >> np.uint32(16)) + (other >> np.uint32(16))


def categorical(
    bits: UInt32[Array, "*shape"], weights: Float[Array, " kinds"]
) -> Int[Array, "*shape"]:
    """Indices drawn in proportion to `weights`; a weight of zero is never drawn."""
    kinds = weights.shape[0]
    up_to = np.tri(kinds, dtype=bool)
    # one reduction and no cumulative sum: XLA compiles code for every array
    under, above = jnp.where(np.stack([up_to, ~up_to]), weights, 0).sum(-1)
    # rounding can push a draw onto the upper edge, but not past the last kind with weight
    edges = jnp.where(above > 0, under / under[-1], jnp.inf)
    draw = uniform(bits)
    passed = [(draw >= edges[i]).astype(jnp.int32) for i in range(kinds - 1)]
    return sum(passed, jnp.zeros(draw.shape, jnp.int32))


def normal_quantile(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """sqrt(2) * erfinv(x): a standard normal if x is uniform in (-1, 1).

    Relative error below 1e-6 for |x| <= 1 - 2**-24 (Giles 2011, "Approximating the erfinv
    function", single precision; the two polynomials share one Horner scheme).
    """
    w = -jnp.log((1 - x) * (1 + x))
    central = w < 5
    w = jnp.where(central, w - np.float32(2.5), jnp.sqrt(w) - 3)
    value = jnp.where(central, np.float32(_CENTRAL[0]), np.float32(_TAIL[0]))
    for a, b in zip(_CENTRAL[1:], _TAIL[1:], strict=True):
        value = value * w + jnp.where(central, np.float32(a), np.float32(b))
    return value * x * np.float32(np.sqrt(2))


_CENTRAL = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
    -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
    -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip
