"""Gaussian processes with random covariances: KernelSynth, by spectral lines.

An expression of kernels is a sum of products. A product is a polynomial in s t, from its linear
factors, times a stationary kernel, from all others; or it is white noise. Each power (s t)^k of it
is a series of its own, multiplied by t^k. A stationary product is a sum of cosines with random
amplitudes, whose frequencies and weights `_kernel_tables` has, and all lines of a power of a series
are added up by one transform (`_spectral_lines`).

Series differ in their number of lines by a factor of 100 000, so lines of many series are worked
off as one list, in blocks, and no series waits for another.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from s2jax.core import checks
from s2jax.core.random import normal_quantile, random_bits, signed_uniform, store, threefry2x32
from s2jax.core.streams import named
from s2jax.core.types import Whole, Words, whole
from s2jax.inputs._base import AbstractBatchedSeries
from s2jax.inputs._draws import Draws
from s2jax.inputs._kernel_law import NO_KERNEL, KernelLaw
from s2jax.inputs._kernel_products import Products, deviation_of, expand
from s2jax.inputs._kernel_tables import Tables, check_bank, tables_of
from s2jax.inputs._spectral_lines import num_cells, spread, transform
from s2jax.inputs.kernels import PUBLISHED, AbstractKernel
from s2jax.inputs.means import AbstractMean, check_means

_SERIES = 32  # powers of series that are transformed at a time
_BLOCKS = 256  # of lines that are spread at a time
_LINES = 8  # of a block
_PART_BITS = 25  # of the number of a line within a power of a product
_LINE, _WHITE, _LEVEL = (named("series", name) for name in ("lines", "white", "levels"))
_LEAST, _MOST = 4, 2**15


class KernelSynth(AbstractBatchedSeries):
    """A Gaussian process whose covariance is a random expression of kernels.

    Kernels are drawn from a bank with replacement, and joined from left to right by + and *, each
    as likely: ((k_1 o k_2) o k_3) ... The expression is the label of the series. Default is the
    bank of Chronos, of 33 kernels on times from 0 to 1. Entries of the covariance that is
    drawn from are exact to 1e-5 of the largest for up to 16 384 steps, and to 1.2e-5 for twice as
    many. 0.7 % of the series are constants, and are drawn anew.

    The mean is 0, as published, or one of a bank of mean functions, drawn with its parameters for
    each series and multiplied by the deviation of its process: the root of its variance, which is
    the mean over the steps.

    The law of the future given the past is normal and known in closed form, `law.predict`; without
    white noise it is nearly degenerate.

    Attributes:
        bank: Kernels; one that stands in it twice is drawn twice as often. Static: tables are made
            for a bank at first use, in a second or two for this one.
        max_kernels: Largest number of kernels, 1 to 5. Static.
        min_kernels: Least number of kernels; the number is uniform between these.
        means: Mean functions, of which each series draws one; one that stands in it twice is drawn
            twice as often. None of them is a mean of 0, and costs nothing.

    Raises:
        TypeError: If the bank holds something else than kernels of the library, or `means`
            something else than mean functions.
        ValueError: If a number is out of range, or, at first use, if products of kernels of the
            bank have too many spectral lines.

    Example:
        >>> import jax, s2jax
        >>> bank = [s2jax.inputs.PeriodicKernel(12), s2jax.inputs.LinearKernel(1)]
        >>> family = s2jax.inputs.KernelSynth(bank, max_kernels=2)
        >>> drawn = family.sample(jax.random.key(3), n=4, length=48)
        >>> drawn.series.shape, drawn.law[2].text()
        ((4, 48), 'Per(12) + Lin(1)')

    References:
        Ansari et al. (2024), Chronos: learning the language of time series, section 4.2 and
        appendix A.
        Xie et al. (2025), CauKer: classification time series foundation models can be pretrained
        on synthetic data only (mean functions).
    """

    bank: tuple[AbstractKernel, ...] = eqx.field(
        static=True, converter=lambda bank: _as_bank(bank), default=PUBLISHED
    )
    max_kernels: int = eqx.field(static=True, default=5)
    min_kernels: Whole = whole(1)
    means: tuple[AbstractMean, ...] = eqx.field(converter=lambda means: _as_bank(means), default=())

    def __check_init__(self):
        check_bank("KernelSynth", self.bank)
        check_means("KernelSynth", self.means)
        checks.check_static_integer("KernelSynth", "max_kernels", self.max_kernels, 1, 5)
        checks.check_number(
            "KernelSynth", "min_kernels", self.min_kernels, 1, self.max_kernels, integer=True
        )

    def check_length(self, length: int) -> None:
        if not _LEAST <= length <= _MOST:
            raise ValueError(
                f"Config(length={length}): must be >= {_LEAST} and <= {_MOST} for KernelSynth, "
                "because fewer steps show no process, and frequencies have 32 bits. Choose another "
                "length or family."
            )

    def law(self, draws: Draws, length: int) -> KernelLaw:
        place = jnp.arange(self.max_kernels, dtype=jnp.int32)
        count = draws.integers("count", self.min_kernels, self.max_kernels + 1)
        kernels = draws.integers("kernels", 0, len(self.bank), (self.max_kernels,))
        multiplies = draws.bernoulli("operators", 0.5, (self.max_kernels - 1,))
        law = KernelLaw(
            kernels=jnp.where(place < count, kernels, NO_KERNEL),
            multiplies=multiplies & (place[1:] < count),
            count=count,
            bank=self.bank,
        )
        return self._draw_mean(law, draws, length) if self.means else law

    def _draw_mean(self, law: KernelLaw, draws: Draws, length: int) -> KernelLaw:
        """The same law with one of the means; those that it does not have are 0."""
        index = draws.integers("mean", 0, len(self.means))
        means = []
        for i, mean in enumerate(self.means):
            own = mean.law(draws.within(f"mean {i}"), length)
            means.append(
                jax.tree.map(
                    lambda leaf, i=i: jnp.where(index == i, leaf, jnp.zeros_like(leaf)), own
                )
            )
        return KernelLaw(
            law.kernels, law.multiplies, law.count, law.bank, index, tuple(means),
            deviation_of(law, length), tuple(mean.text() for mean in self.means),
        )  # fmt: skip

    def draw_series(
        self, laws: KernelLaw, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        tables = tables_of(self.bank, self.max_kernels, length)
        products = expand(laws, tables, length)
        series = _add_noise(_draw_levels(products, words, length), products, words)
        return _add_mean(_add_stationary(series, products, words, tables).T, laws)


def _as_bank(bank: Any) -> Any:
    """Lists as tuples; what is neither is refused by `check_bank`."""
    return tuple(bank) if isinstance(bank, list) else bank


def _draw_levels(products: Products, words: Words, length: int) -> Float[Array, "channels time"]:
    """Polynomials with random coefficients."""
    powers = products.level.shape[1]
    normal = normal_quantile(signed_uniform(random_bits(words, powers, _LEVEL)))
    coefficients = jnp.sqrt(products.level) * normal.T
    level = jnp.zeros((), jnp.float32)
    for k in reversed(range(powers)):
        level = level * _times(length) + coefficients[:, k, None]
    return level


def _add_noise(
    series: Float[Array, "channels time"], products: Products, words: Words
) -> Float[Array, "channels time"]:
    """Add white noise to the series that have some, which are few."""
    return jax.lax.platform_dependent(
        series, products.white, words,
        cuda=lambda series, white, words: series + _white_noise(white, words, series.shape[1]),
        default=_add_noise_to_some,
    )  # fmt: skip


def _add_noise_to_some(series: Array, white: Array, words: Words) -> Array:
    """Some at a time, and only those: where a loop costs less than what it spares."""
    order, count = _find(white.sum(1) > 0)

    def step(state):
        start, _, series = state
        row = jax.lax.dynamic_slice(order, (start,), (_SERIES,))
        is_real = start + jnp.arange(_SERIES, dtype=jnp.int32) < count
        own = jnp.where(is_real[:, None], white[row], 0)
        noise = _white_noise(own, words[row], series.shape[1])
        return start + _SERIES, count, series.at[row].add(noise)

    # reads two carried values: where it is one, XLA's analysis of trip counts clones the whole body
    start = (jnp.int32(0), count, series)
    return jax.lax.while_loop(lambda state: state[0] < state[1], step, start)[2]


def _white_noise(white: Array, words: Words, length: int) -> Float[Array, "channels time"]:
    """Noise whose variance is a polynomial in t with these coefficients."""
    blocks = jnp.arange((length + 1) // 2, dtype=jnp.uint32)
    stream, time = jnp.asarray(_WHITE, jnp.uint32), _times(length)
    bits = threefry2x32((words[:, :1], words[:, 1:]), (stream, blocks))
    # stored once: else XLA repeats the cipher for each half
    bits = jax.lax.optimization_barrier(jnp.concatenate(bits, axis=1))
    normal = normal_quantile(signed_uniform(bits[:, :length]))
    variance = jnp.zeros((), jnp.float32)
    for k in reversed(range(white.shape[1])):
        variance = variance * (time * time) + white[:, k, None]
    return jnp.sqrt(variance) * normal


def _find(wanted: Bool[Array, " items"]) -> tuple[Int[Array, " places"], Int[Array, ""]]:
    """The numbers of the wanted items in order, with `_SERIES` more places, and their count."""
    rank = jnp.cumsum(wanted.astype(jnp.int32)) - 1
    places = wanted.shape[0] + _SERIES
    number = jnp.arange(wanted.shape[0], dtype=jnp.int32)
    at = jnp.where(wanted, rank, places)
    return jnp.zeros(places, jnp.int32).at[at].set(number, mode="drop"), rank[-1] + 1


def _times(length: int) -> np.ndarray:
    return np.linspace(0, 1, length, dtype=np.float32)


def _add_mean(
    series: Float[Array, "time channels"], laws: KernelLaw
) -> Float[Array, "time channels"]:
    """Add the mean of each series, if there are means."""
    if laws.deviation is None:
        return series
    length, channels = series.shape
    total = jnp.zeros((), jnp.float32)
    for i, mean in enumerate(laws.means):
        draw = jax.vmap(lambda law: law.values(length), out_axes=1, axis_size=channels)
        total = total + jnp.where(laws.mean_index == i, draw(mean), 0)
    return series + laws.deviation * total


class _Jobs(NamedTuple):
    """Products of the powers that are transformed at a time, one behind the other.

    Attributes:
        last_block: The block behind its last.
        num_blocks, num_lines: How many blocks and lines it has.
        kind: Its class.
        turns: Of its periodic factors.
        scale: Root of its coefficient.
        words: Key of its series.
        number: Of its own within the series.
    """

    last_block: Int[Array, " jobs"]
    num_blocks: Int[Array, " jobs"]
    num_lines: Int[Array, " jobs"]
    kind: Int[Array, " jobs"]
    turns: UInt32[Array, "jobs factors"]
    scale: Float[Array, " jobs"]
    words: UInt32[Array, "jobs 2"]
    number: Int[Array, " jobs"]


def _add_stationary(
    series: Float[Array, "channels time"], products: Products, words: Words, tables: Tables
) -> Float[Array, "channels time"]:
    """Add the stationary factors of all products, times their powers of t."""
    length, (powers, num) = series.shape[1], products.amounts.shape[1:]
    order, count = _find((products.amounts > 0).any(2).reshape(-1))
    times = jnp.asarray(_times(length) ** np.arange(powers)[:, None], jnp.float32)

    def step(state):
        start, _, series = state
        cell = jax.lax.dynamic_slice(order, (start,), (_SERIES,))
        is_real = start + jnp.arange(_SERIES, dtype=jnp.int32) < count
        row, power = cell // powers, cell % powers
        jobs = _list_jobs(products, words, row, power, is_real, tables)
        drawn = transform(_add_lines(jobs, tables, num, length), length) * times[power]
        return start + _SERIES, count, series.at[row].add(jnp.where(is_real[:, None], drawn, 0))

    start = (jnp.int32(0), count, series)
    return jax.lax.while_loop(lambda state: state[0] < state[1], step, start)[2]


def _list_jobs(products: Products, words: Words, row, power, is_real, tables: Tables) -> _Jobs:
    """The products of some powers of series; those that are not real have no lines."""
    num = products.kind.shape[1]
    flat = lambda leaf: leaf.reshape(-1, *leaf.shape[2:])
    amount = flat(jnp.where(is_real[:, None], products.amounts[row, power], 0))
    kind = flat(products.kind[row])
    num_lines = jnp.where(amount > 0, jnp.asarray(tables.num_lines)[kind], 0)
    num_blocks = (num_lines + (_LINES - 1)) // _LINES
    number = power[:, None] * num + jnp.arange(num, dtype=jnp.int32)
    jobs = _Jobs(
        last_block=jnp.cumsum(num_blocks),
        num_blocks=num_blocks,
        num_lines=num_lines,
        kind=kind,
        turns=flat(products.turns[row]),
        scale=jnp.sqrt(amount),
        words=jnp.repeat(words[row], num, axis=0),
        number=flat(number),
    )
    return jax.lax.optimization_barrier(jobs)


def _add_lines(jobs: _Jobs, tables: Tables, num: int, length: int):
    """The grids of the powers, with all their lines."""

    def step(state):
        block, last, cells = state
        blocks = block + jnp.arange(_BLOCKS, dtype=jnp.int32)
        lines = _read_lines(jobs, blocks, tables)
        counter = (jobs.number[lines.job] << _PART_BITS) + lines.number
        own = jobs.words[lines.job]
        # looked up before the cipher, which else is not vectorised
        own_0, own_1, counter = store(own[:, 0], own[:, 1], counter.astype(jnp.uint32))
        stream = jnp.asarray(_LINE, jnp.uint32)
        bits = threefry2x32((own_0, own_1), (stream, counter))
        normal = normal_quantile(signed_uniform(jnp.stack(store(*bits))))
        # else XLA repeats what makes a line for every cell that it is spread over
        z = store(*(lines.amplitude * normal))
        series, turns = jax.lax.optimization_barrier((lines.job // num, lines.turns))
        return block + _BLOCKS, last, spread(cells, series, turns, z, length)

    cells = jnp.zeros(_SERIES * num_cells(length), jnp.complex64)
    start = (jnp.int32(0), jobs.last_block[-1], cells)
    return jax.lax.while_loop(lambda state: state[0] < state[1], step, start)[2]


class _Lines(NamedTuple):
    """Spectral lines; the amplitude is 0 where a block has fewer.

    Attributes:
        job: The job of each.
        number: Of the line within the job.
        turns: Its turns per step.
        amplitude: Root of its share of the variance.
    """

    job: Int[Array, " lines"]
    number: Int[Array, " lines"]
    turns: UInt32[Array, " lines"]
    amplitude: Float[Array, " lines"]


def _read_lines(jobs: _Jobs, blocks: Int[Array, " blocks"], tables: Tables) -> _Lines:
    """The lines of these blocks."""
    job = jnp.searchsorted(jobs.last_block, blocks, side="right", method="scan_unrolled")
    job = jnp.minimum(job.astype(jnp.int32), jobs.kind.shape[0] - 1)[:, None]
    job, blocks = store(job, blocks[:, None])
    own = jax.tree.map(lambda leaf: leaf[job], jobs)
    block = blocks - (own.last_block - own.num_blocks)
    number = block * _LINES + jnp.arange(_LINES, dtype=jnp.int32)
    is_line = number < own.num_lines
    of_kind = lambda column: jnp.asarray(column)[own.kind]
    first, size, is_smooth = map(of_kind, (tables.first, tables.size, tables.is_smooth))

    before, smooth = jnp.asarray(tables.before), jnp.broadcast_to(first, number.shape)
    for step in _halving(int(tables.size.max())):
        ahead = smooth + step
        is_past = before[jnp.minimum(ahead, before.shape[0] - 1)] <= number
        smooth = jnp.where(is_past & (ahead < first + size), ahead, smooth)
    smooth, number = store(smooth, number)
    within = number - before[smooth]
    place = jnp.where(is_smooth, (within + 1) >> 1, within)
    place = jnp.where(is_line, of_kind(tables.first_harmonic) + place, 0)
    harmonics = jnp.asarray(tables.harmonics)[place].astype(jnp.int32).astype(jnp.uint32)
    turns = (harmonics * own.turns).sum(-1, dtype=jnp.uint32)
    turns = jnp.where(is_smooth & ((within & 1) == 0), ~turns + np.uint32(1), turns)
    turns = turns + jnp.asarray(tables.turns)[smooth]
    amplitude = jnp.asarray(tables.amplitude)[smooth] * own.scale
    amplitude = amplitude * jnp.asarray(tables.harmonic_amplitude)[place]
    # of a product without smooth factors, a line stands for both of its signs
    amplitude = amplitude * jnp.where(is_smooth | (within == 0), 1, np.float32(np.sqrt(2)))
    amplitude = jnp.where(is_line, amplitude, 0)
    flat = lambda leaf: jnp.broadcast_to(leaf, number.shape).reshape(-1)
    bits = jax.lax.bitcast_convert_type(amplitude, jnp.uint32)
    turns, bits = store(flat(turns), flat(bits))
    amplitude = jax.lax.bitcast_convert_type(bits, jnp.float32)
    return _Lines(flat(job), flat(number), turns, amplitude)


def _halving(size: int) -> list[int]:
    """Steps of a search among so many, the largest first."""
    return [1 << i for i in reversed(range(size.bit_length()))]
