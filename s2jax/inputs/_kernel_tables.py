"""Tables of a bank of kernels: which spectral lines the products of its kernels have.

A product of at most `max_factors` kernels is of a *class*: how often it has each *shape*, which is
a length scale of periodic kernels or a smooth kernel. Its lines are pairs of a smooth line (of the
Gauss rule of its smooth factors, `_spectra`) and harmonics of its periodic factors, one each. The
harmonics of a class do not depend on its periods, so one list, sorted by weight, serves all.
Of a class the heaviest pairs are kept; of each smooth line these are the first of the list.
"""

import functools
import itertools
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from s2jax.core import checks
from s2jax.inputs._spectra import Lines, Spectra
from s2jax.inputs.kernels import (
    AbstractKernel,
    AbstractStationaryKernel,
    ConstantKernel,
    LinearKernel,
    MaternKernel,
    PeriodicKernel,
    WhiteKernel,
)

DROPPED = 2.5e-6  # weight of the lines of a class that are left out
_CUT = 1e-7  # weight of the harmonics that are left out for each factor
_MAX_HARMONICS = 3_000_000
_MAX_LINES = 2**24
_SILENCE = 5.0  # seconds


class Factors(NamedTuple):
    """What the kernels of the bank are as factors of a product, one row for each.

    Attributes:
        shape: Its shape; the number of shapes where it has none.
        turns: Of a periodic kernel, turns per step in units of 2**-32.
        is_linear, is_white: What it is.
        value: sigma^2 of a linear kernel, the value of a constant, the variance of white noise; 1
            otherwise.
    """

    shape: np.ndarray
    turns: np.ndarray
    is_linear: np.ndarray
    is_white: np.ndarray
    value: np.ndarray


class Tables(NamedTuple):
    """Classes of products, and their lines; amplitudes are the roots of weights.

    Attributes:
        num_periodic: The first shapes are periodic.
        following: `(classes, shapes + 1)`: the class of a product with one more factor.
        num_lines: By class; 0 of the first class, the empty product.
        first, size: By class, where its smooth lines are, and how many they are.
        first_harmonic: By class, where its list of harmonics begins.
        is_smooth: By class, whether it has smooth factors: if it has, +h and -h are two lines.
        before: By smooth line, how many lines its class has before.
        turns: By smooth line, its turns per step in units of 2**-32.
        amplitude: By smooth line.
        harmonics: `(list, factors)`: harmonics of the periodic factors in the order of shapes.
        harmonic_amplitude: `(list,)`.
    """

    num_periodic: int
    following: np.ndarray
    num_lines: np.ndarray
    first: np.ndarray
    size: np.ndarray
    first_harmonic: np.ndarray
    is_smooth: np.ndarray
    before: np.ndarray
    turns: np.ndarray
    amplitude: np.ndarray
    harmonics: np.ndarray
    harmonic_amplitude: np.ndarray


def factors_of(bank: tuple[AbstractKernel, ...], length: int) -> Factors:
    """The kernels of a bank as factors."""
    shapes = [*_shapes_of(bank), None]
    rows = []
    for kernel in bank:
        is_linear, is_white = isinstance(kernel, LinearKernel), isinstance(kernel, WhiteKernel)
        turns, value = 0, 1.0
        if isinstance(kernel, PeriodicKernel):
            turns = _to_turns(length / (kernel.period * (length - 1)))
        elif isinstance(kernel, LinearKernel):
            value = kernel.sigma**2
        elif isinstance(kernel, WhiteKernel):
            value = kernel.variance
        elif isinstance(kernel, ConstantKernel):
            value = kernel.value
        rows.append((shapes.index(_shape_of(kernel)), turns, is_linear, is_white, value))
    dtypes = (np.int32, np.uint32, bool, bool, np.float32)
    return Factors(*map(np.array, zip(*rows, strict=True), dtypes))


def _to_turns(cycles: np.ndarray | float) -> np.ndarray:
    """Cycles per step as 32-bit turns, which wrap."""
    return np.asarray(np.round(np.mod(cycles, 1) * 2.0**32)).astype(np.uint64).astype(np.uint32)


def _shape_of(kernel: AbstractKernel) -> float | AbstractStationaryKernel | None:
    """What decides the lines of a kernel: of a periodic one its length scale."""
    if isinstance(kernel, PeriodicKernel):
        return kernel.length_scale
    return kernel if isinstance(kernel, AbstractStationaryKernel) else None


def _shapes_of(bank: tuple[AbstractKernel, ...]) -> list[float | AbstractStationaryKernel]:
    """The shapes of a bank, those of periodic kernels first."""
    found = [shape for shape in dict.fromkeys(map(_shape_of, bank)) if shape is not None]
    return sorted(found, key=lambda shape: not isinstance(shape, float))


def tables_of(bank: tuple[AbstractKernel, ...], max_factors: int, length: int) -> Tables:
    """The tables of a bank, which are made once in a process; the published bank takes a second."""
    return _make_tables(tuple(_shapes_of(bank)), max_factors, length)


@functools.lru_cache(maxsize=8)
def _make_tables(shapes: tuple, max_factors: int, length: int) -> Tables:
    num_periodic = sum(isinstance(shape, float) for shape in shapes)
    spectra = _spectra_of(shapes[num_periodic:], _needs_length(shapes) and length)
    lists = _Lists(shapes[:num_periodic])
    classes = [
        members
        for count in range(max_factors + 1)
        for members in itertools.combinations_with_replacement(range(len(shapes)), count)
    ]
    parts, starts = [], []
    for members in _tell(classes):
        smooth = tuple(i - num_periodic for i in members if i >= num_periodic)
        periodic = tuple(i for i in members if i < num_periodic)
        start, half = lists.of(periodic)
        starts.append(start)
        parts.append(_select(spectra.of(smooth).lines, half, bool(smooth)))
    counts = [part.counts for part in parts]
    size = np.array([len(count) for count in counts])
    num_lines = np.array([count.sum() for count in counts])
    num_lines[0] = 0
    weight = np.concatenate([part.lines.weight for part in parts])
    frequency = np.concatenate([part.lines.frequency for part in parts])
    harmonics, harmonic_weight = lists.join(max_factors)
    return Tables(
        num_periodic=num_periodic,
        following=_follow(classes, len(shapes)),
        num_lines=num_lines.astype(np.int32),
        first=(np.cumsum(size) - size).astype(np.int32),
        size=size.astype(np.int32),
        first_harmonic=np.array(starts, np.int32),
        is_smooth=np.array([bool(members) and members[-1] >= num_periodic for members in classes]),
        before=np.concatenate([np.cumsum(count) - count for count in counts]).astype(np.int32),
        turns=_to_turns(frequency / (length - 1)),
        amplitude=np.sqrt(weight).astype(np.float32),
        harmonics=harmonics,
        harmonic_amplitude=np.sqrt(harmonic_weight).astype(np.float32),
    )


def _tell(classes: list[tuple[int, ...]]) -> Iterator[tuple[int, ...]]:
    """The same classes; where they take long, say on stderr how far they are."""
    told = time.monotonic()
    for number, members in enumerate(classes):
        if time.monotonic() - told > _SILENCE and sys.stderr is not None:
            told = time.monotonic()
            text = f"KernelSynth: tables of its bank, {number} of {len(classes)} products"
            print(text, file=sys.stderr, flush=True)
        yield members


@functools.lru_cache(maxsize=8)
def _spectra_of(kernels: tuple[AbstractStationaryKernel, ...], length: int) -> Spectra:
    """Spectra that all lengths share, except where paths are so rough that the grid matters."""
    return Spectra(kernels, length)


def _needs_length(shapes: tuple) -> bool:
    return any(isinstance(shape, MaternKernel) and shape.nu == 0.5 for shape in shapes)


def _follow(classes: list[tuple[int, ...]], num_shapes: int) -> np.ndarray:
    """The class of a product with one more factor; 0 where it has too many, which is not read."""
    number = {members: i for i, members in enumerate(classes)}
    out = np.zeros((len(classes), num_shapes + 1), np.int32)
    for members, i in number.items():
        for shape in range(num_shapes):
            out[i, shape] = number.get(tuple(sorted((*members, shape))), 0)
        out[i, num_shapes] = i
    return out


class _Half(NamedTuple):
    """Harmonics of a product up to their common sign, by weight, the heaviest, which is 0, first.

    Attributes:
        harmonics: `(list, factors)`.
        weight: Of one of the two signs.
    """

    harmonics: np.ndarray
    weight: np.ndarray


class _Lists:
    """The lists of harmonics of products of periodic kernels, one behind the other."""

    def __init__(self, length_scales: tuple[float, ...]) -> None:
        self._series = [_fourier_series(scale) for scale in length_scales]
        self._whole: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {
            (): (np.zeros((1, 0), np.int8), np.ones(1))
        }
        self._known: dict[tuple[int, ...], tuple[int, _Half]] = {}
        self._end = 0

    def of(self, factors: tuple[int, ...]) -> tuple[int, _Half]:
        """Where the list of a product begins, and the list."""
        if factors not in self._known:
            half = _halve(*self._product(factors))
            self._known[factors] = (self._end, half)
            self._end += len(half.weight)
            if self._end > _MAX_HARMONICS:
                raise ValueError(
                    f"KernelSynth(bank=...): products of its periodic kernels have more than "
                    f"{_MAX_HARMONICS:,} harmonics, because their length scales are short or "
                    "many. Raise length_scale, give several kernels one, or lower max_kernels."
                )
        return self._known[factors]

    def join(self, num_factors: int) -> tuple[np.ndarray, np.ndarray]:
        """All lists as one."""
        halves = [half for _, half in self._known.values()]
        wide = [
            np.pad(half.harmonics, ((0, 0), (0, num_factors - half.harmonics.shape[1])))
            for half in halves
        ]
        return np.concatenate(wide), np.concatenate([half.weight for half in halves])

    def _product(self, factors: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Harmonics of both signs, and their weights."""
        if factors not in self._whole:
            harmonics, weight = self._product(factors[:-1])
            own, own_weight = self._series[factors[-1]]
            weight = np.outer(weight, own_weight).ravel()
            order = np.argsort(weight)
            order = order[np.cumsum(weight[order]) > _CUT]
            before, last = np.divmod(order, len(own))
            joined = np.concatenate([harmonics[before], own[last, None]], axis=1)
            self._whole[factors] = (joined, weight[order])
        return self._whole[factors]


def _fourier_series(length_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Harmonics and coefficients of exp((cos(theta) - 1) / l^2)."""
    angle = 2 * np.pi * np.arange(256) / 256
    series = np.fft.rfft(np.exp((np.cos(angle) - 1) / length_scale**2)).real / 256
    last = np.flatnonzero(series[:127] > 1e-12)[-1]
    harmonics = np.arange(-last, last + 1)
    return harmonics.astype(np.int8), series[np.abs(harmonics)]


def _halve(harmonics: np.ndarray, weight: np.ndarray) -> _Half:
    """Those of which the first that is not 0 is positive, sorted."""
    sign = np.zeros(len(weight), int)
    for column in harmonics.T[::-1]:
        sign = np.where(column != 0, np.sign(column), sign)
    zero, positive = np.flatnonzero(sign == 0), np.flatnonzero(sign > 0)
    order = np.concatenate([zero, positive[np.argsort(-weight[positive], kind="stable")]])
    return _Half(harmonics[order], weight[order])


class _Selected(NamedTuple):
    """The smooth lines of a class and how many lines each makes; weights have a sum of 1."""

    lines: Lines
    counts: np.ndarray


def _select(lines: Lines, half: _Half, is_smooth: bool) -> _Selected:
    """Keep the heaviest pairs: all above a threshold, which leaves out a weight of `DROPPED`."""
    order = np.argsort(-lines.weight)
    frequency, weight = lines.frequency[order], lines.weight[order]
    total = np.concatenate([[0], half.weight[:1], half.weight[0] + 2 * half.weight[1:].cumsum()])
    kept_by = lambda counts: weight @ total[counts]
    goal = min(1 - DROPPED, kept_by(np.full(len(weight), len(half.weight))))
    # equal weights of a list are kept or dropped together, but for rounding
    count_above = lambda level: np.searchsorted(-half.weight, -level / weight, side="right")
    low, high = 1e-16, 1.0
    for _ in range(50):
        level = np.sqrt(low * high)
        low, high = (level, high) if kept_by(count_above(level)) >= goal else (low, level)
    counts = count_above(low)
    is_kept = counts > 0
    counts, weight = counts[is_kept], weight[is_kept] / kept_by(counts)
    if (2 * counts).sum() >= _MAX_LINES:
        raise ValueError(
            f"KernelSynth(bank=...): a product of its kernels has more than {_MAX_LINES:,} "
            "spectral lines, because it is rough. Raise length scales or lower max_kernels."
        )
    counts = 2 * counts - 1 if is_smooth else counts
    return _Selected(Lines(frequency[is_kept], weight), counts)


def check_bank(owner: str, bank: Any) -> None:
    """Refuse what is no bank."""
    if not isinstance(bank, tuple):
        raise TypeError(
            f"{owner}(bank={checks.shown(bank)}): must be a list of kernels. Pass for example "
            "[s2jax.inputs.PeriodicKernel(24), s2jax.inputs.LinearKernel(1)]."
        )
    for index, kernel in enumerate(bank):
        if not isinstance(kernel, AbstractKernel) or (
            _shape_of(kernel) is None
            and not isinstance(kernel, (LinearKernel, WhiteKernel, ConstantKernel))
        ):
            raise TypeError(
                f"{owner}(bank[{index}]={checks.shown(kernel)}): must be a kernel of s2jax.inputs, "
                "because tables are made of its spectrum. Pass for example "
                "s2jax.inputs.PeriodicKernel(24)."
            )
    if not bank:
        raise ValueError(
            f"{owner}(bank=()): must have at least one kernel, because one is always drawn. Pass "
            "for example [s2jax.inputs.PeriodicKernel(24)]."
        )
