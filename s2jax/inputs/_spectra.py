"""Few spectral lines for smooth kernels and their products: Gauss rules of their spectra.

A stationary kernel is S(tau) = E cos(2 pi f tau) with f drawn from its spectrum. A series only sees
|tau| <= 1, where cos(2 pi f tau) is a polynomial of f^2 of low degree, and Gauss' rule of the
spectrum in f^2 is exact for that with half as many nodes as the degree: positive weights that sum
to 1 at about pi F / 2 + 5 frequencies for a spectrum that ends at F. Products of kernels are
convolutions of spectra, made of the rules of their factors and condensed again.

The spectrum of exp(-|tau|) has no end. On the grid of a series it has: Gauss' rule in cos(theta),
whose nodes follow from the series' own covariances, is exact with half as many lines as steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from s2jax.inputs.kernels import (
    AbstractStationaryKernel,
    MaternKernel,
    RationalQuadraticKernel,
    RBFKernel,
)

TOLERANCE = 3e-7
_MASTER_TOLERANCE = 1e-9  # of rules that others are made of
_NEGLIGIBLE = 1e-11  # weight that is cut off a spectrum
_MAX_GAUSS = 128  # nodes; beyond, a lattice has hardly more
_UNSEEN = 1e-8  # correlation that is 0
_FORGOTTEN = 12.0  # spans; what is forgotten by then is read on a lattice
_END_OF_NORMAL = 6.8  # standard deviations
_REACHES = 0.5 * 1.2 ** np.arange(40)
_LAGS = 0.5 - 0.5 * np.cos(np.pi * (np.arange(128) + 0.5) / 128)


class Lines(NamedTuple):
    """Frequencies > 0 in cycles per span, and their weights, which sum to 1."""

    frequency: np.ndarray
    weight: np.ndarray

    def correlation(self, lag: np.ndarray) -> np.ndarray:
        return np.cos(2 * np.pi * lag[:, None] * self.frequency) @ self.weight


NO_LINES = Lines(np.zeros(1), np.ones(1))
"""The spectrum of an empty product."""


class Spectrum(NamedTuple):
    """A spectrum as a program draws it, and as products are made of it.

    Attributes:
        lines: As few as `TOLERANCE` allows.
        master: More exact ones.
    """

    lines: Lines
    master: Lines


class Spectra:
    """The spectra of products of some kernels, each computed once."""

    def __init__(self, kernels: tuple[AbstractStationaryKernel, ...], length: int) -> None:
        self._kernels = kernels
        self._length = length
        self._known: dict[tuple[int, ...], Spectrum] = {(): Spectrum(NO_LINES, NO_LINES)}
        # read once: kernels are slow to call
        self._within = [kernel.correlation(_LAGS) for kernel in kernels]
        self._beyond = [kernel.correlation(_REACHES) for kernel in kernels]

    def of(self, factors: tuple[int, ...]) -> Spectrum:
        """The spectrum of a product of kernels, given by their numbers in ascending order."""
        if factors not in self._known:
            self._known[factors] = self._compute(factors)
        return self._known[factors]

    def _compute(self, factors: tuple[int, ...]) -> Spectrum:
        kernels = [self._kernels[i] for i in factors]
        correlation = lambda lag: np.prod([k.correlation(lag) for k in kernels], axis=0)
        if any(isinstance(k, MaternKernel) and k.nu == 0.5 for k in kernels):
            lines = _grid_rule(correlation, self._length)
            return Spectrum(lines, lines)
        within = np.prod([self._within[i] for i in factors], axis=0)
        if len(factors) == 1 and isinstance(kernels[0], RationalQuadraticKernel):
            return _condense(_mix(kernels[0]), within)
        beyond = np.prod([self._beyond[i] for i in factors], axis=0)
        reach = _REACHES[np.argmax(beyond < _UNSEEN)] if beyond[-1] < _UNSEEN else np.inf
        if reach < _FORGOTTEN or any(isinstance(k, MaternKernel) for k in kernels):
            lattice = _lattice(correlation, reach, sum(map(self._end, factors)))
            # no product is made of its rule, because products with it are read on a lattice too
            return _condense(lattice, within, has_master=False)
        if len(factors) == 1 and isinstance(kernels[0], RBFKernel):
            return _condense(_mix(kernels[0]), within)
        parts = (self.of(factors[:-1]).master, self.of(factors[-1:]).master)
        return _condense(_convolve(*parts), within)

    def _end(self, factor: int) -> float:
        """The frequency at which the spectrum of a kernel ends, but for a weight of about 3e-7."""
        kernel = self._kernels[factor]
        if isinstance(kernel, RBFKernel):
            return _END_OF_NORMAL / (2 * np.pi * kernel.length_scale)
        if isinstance(kernel, MaternKernel):
            return {1.5: 31.0, 2.5: 9.0}[kernel.nu] / kernel.length_scale
        return self.of((factor,)).master.frequency.max()


def _mix(kernel: RBFKernel | RationalQuadraticKernel) -> Lines:
    """Many lines of a kernel that is remembered for long.

    RQ is a mixture of RBFs over a gamma law, which is read on a lattice of its logarithm.
    """
    step = 0.025 if isinstance(kernel, RBFKernel) else 0.05
    normal = np.arange(step / 2, _END_OF_NORMAL, step)
    density = np.exp(-(normal**2) / 2)
    scale, share = np.ones(1), np.ones(1)
    if isinstance(kernel, RationalQuadraticKernel):
        shape = kernel.alpha
        distance = min(0.15, 1 / np.sqrt(shape))
        logarithm = np.arange(-30.0, np.log(40 + 10 * shape), distance)
        share = np.exp(shape * (logarithm - np.log(shape)) - np.exp(logarithm) + shape)
        # at its lower end the lattice goes on for ever as a geometric series, all of it constants
        share[0] /= -np.expm1(-shape * distance)
        scale = np.sqrt(np.exp(logarithm) / shape)
    frequency = scale[:, None] * normal / (2 * np.pi * kernel.length_scale)
    weight = (share[:, None] * density).ravel()
    return Lines(frequency.ravel(), weight / weight.sum())


def _gauss_nodes(diagonal: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the rule whose Jacobi matrix this is (Golub and Welsch 1969)."""
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    nodes, vectors = np.linalg.eigh(matrix)
    return nodes, vectors[0] ** 2


def _convolve(a: Lines, b: Lines) -> Lines:
    """The spectrum of a product."""
    sums, differences = a.frequency[:, None] + b.frequency, a.frequency[:, None] - b.frequency
    weight = (a.weight[:, None] * b.weight / 2).ravel()
    frequency = np.concatenate([sums.ravel(), np.abs(differences.ravel())])
    return Lines(frequency, np.concatenate([weight, weight]))


def _condense(many: Lines, correlation: np.ndarray, has_master: bool = True) -> Spectrum:
    """The smallest Gauss rules of a spectrum that reproduce its kernel at `_LAGS`."""
    order = np.argsort(many.weight)
    order = order[np.cumsum(many.weight[order]) > _NEGLIGIBLE]
    frequency, weight = many.frequency[order], many.weight[order] / many.weight[order].sum()
    end = frequency.max()
    largest = min(int(np.pi * end / 2) + 12, len(frequency))
    if largest > _MAX_GAUSS and not has_master:
        lines = Lines(frequency, weight)
        return Spectrum(lines, lines)
    matrix = _lanczos((frequency / end) ** 2, weight, largest)
    found = []
    for tolerance in (TOLERANCE, _MASTER_TOLERANCE)[: 1 + has_master]:
        low, high = 0, len(matrix[0])
        while high - low > 1:
            size = (low + high) // 2
            rule = _rule_of_squares(matrix, size, end)
            is_good = np.abs(rule.correlation(_LAGS) - correlation).max() <= tolerance
            low, high = (low, size) if is_good else (size, high)
        found.append(_rule_of_squares(matrix, high, end))
    return Spectrum(found[0], found[-1])


def _rule_of_squares(matrix: tuple[np.ndarray, np.ndarray], size: int, end: float) -> Lines:
    """Gauss' rule of so many nodes in (f / end)^2."""
    nodes, weights = _gauss_nodes(matrix[0][:size], matrix[1][: size - 1])
    return Lines(end * np.sqrt(np.maximum(nodes, 0)), weights)


def _lanczos(nodes: np.ndarray, weight: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The Jacobi matrix of a discrete measure, by Lanczos' method with full orthogonalisation."""
    vector = np.sqrt(weight)
    basis = np.zeros((size, len(nodes)))
    diagonal, beside = np.zeros(size), np.zeros(size)
    for j in range(size):
        basis[j] = vector
        rest = nodes * vector
        diagonal[j] = rest @ vector
        for _ in range(2):
            rest = rest - basis[: j + 1].T @ (basis[: j + 1] @ rest)
        beside[j] = np.linalg.norm(rest)
        if beside[j] < 1e-14:
            return diagonal[: j + 1], beside[:j]
        vector = rest / beside[j]
    return diagonal, beside[:-1]


def _lattice(correlation: Callable[[np.ndarray], np.ndarray], reach: float, end: float) -> Lines:
    """The spectrum up to `end` on a lattice, of a kernel that dies away within `reach`.

    By Poisson's formula the lattice of distance 1 / L has the correlation summed over all shifts by
    L, of which a series sees one if the correlation is 0 beyond L - 1.
    """
    period = 1 + reach
    half = int(np.ceil(period * end))
    lag = period * np.arange(2 * half) / (2 * half)
    folded = correlation(lag) + correlation(period - lag)
    folded[0] = 1  # the other end adds next to nothing
    weight = np.maximum(np.fft.rfft(folded).real, 0)
    weight[1:-1] *= 2
    return Lines(np.arange(half + 1) / period, weight / weight.sum())


def _grid_rule(correlation: Callable[[np.ndarray], np.ndarray], length: int) -> Lines:
    """Gauss' rule in cos(theta): exact at all distances of a grid of so many steps.

    Partial correlations are the coefficients of the polynomials on the circle, and Geronimus'
    relations make of them the Jacobi matrix of 2 cos(theta) (Simon 2005, theorem 13.1.7).
    """
    size = -(-length // 2)
    covariances = correlation(np.arange(2 * size) / (length - 1))
    partial = np.concatenate([[-1.0], _partial_correlations(covariances), [0.0]])
    before, even, odd = partial[0:-1:2][:size], partial[1::2][:size], partial[2::2][:size]
    diagonal = (1 - before) * even
    diagonal[1:] -= (1 + before[1:]) * even[:-1]
    beside = np.sqrt((1 - before) * (1 - even**2) * (1 + odd))[: size - 1]
    nodes, weights = _gauss_nodes(diagonal, beside)
    angle = np.arccos(np.clip(nodes / 2, -1, 1))
    return Lines(angle / (2 * np.pi) * (length - 1), weights)


def _partial_correlations(covariances: np.ndarray) -> np.ndarray:
    """By the Durbin-Levinson recursion, of lags 1, 2, ..."""
    out = np.zeros(len(covariances) - 1)
    predictor, variance = np.zeros(0), covariances[0]
    for n in range(len(out)):
        out[n] = (covariances[n + 1] - predictor @ covariances[n:0:-1]) / variance
        predictor = np.append(predictor - out[n] * predictor[::-1], out[n])
        variance *= 1 - out[n] ** 2
    return out
