"""The label of a Gaussian process: a mean function and an expression of kernels."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from s2jax.core import checks
from s2jax.inputs.kernels import (
    AbstractKernel,
    AbstractStationaryKernel,
    ConstantKernel,
    PeriodicKernel,
    WhiteKernel,
)

NO_KERNEL = -1
_JITTER = 1e-8  # above what series lack of their law, which is drawn from spectral lines
_LONGEST = 2**14


class KernelLaw(eqx.Module):
    """The expression ((k_1 o k_2) o k_3) ... of which a series has the covariance.

    What has batch axes is indexed: `law[3]` or `law[3, 0]` is the law of one series, whose methods
    run on the host.

    Attributes:
        kernels: Positions in the bank; -1 beyond `count`.
        multiplies: Whether kernel i + 2 multiplies what stands before it; else it is added.
        count: How many kernels there are.
        bank: The kernels. Static.
        mean_index: Position of the series' mean function in `KernelSynth.means`; None if there are
            none, as all that follows.
        means: Laws of all of these; numbers of those that a series does not have are 0.
        deviation: What the mean is multiplied by: root of the variance of the process, which is the
            mean over its steps.
        mean_names: What each mean is called in the text; empty if it is 0. Static.

    Example:
        >>> import jax.numpy as jnp
        >>> from s2jax.inputs import LinearKernel, PeriodicKernel
        >>> bank = (PeriodicKernel(24), LinearKernel(1))
        >>> law = KernelLaw(jnp.array([0, 1, 0]), jnp.array([False, True]), jnp.array(3), bank)
        >>> law.text(), law.canonical()
        ('(Per(24) + Lin(1))*Per(24)', 'Lin(1)*Per(24) + Per(24)*Per(24)')
        >>> law.covariance(64).shape
        (64, 64)
    """

    kernels: Int[Array, "*channels kernels"]
    multiplies: Bool[Array, "*channels operators"]
    count: Int[Array, "*channels"]
    bank: tuple[AbstractKernel, ...] = eqx.field(static=True)
    mean_index: Int[Array, "*channels"] | None = None
    means: tuple[Any, ...] = ()
    deviation: Float[Array, "*channels"] | None = None
    mean_names: tuple[str, ...] = eqx.field(static=True, default=())

    def __getitem__(self, index: Any) -> "KernelLaw":
        """The law of some of the series."""
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"KernelLaw[{index}]: there are {len(self)} series.")
        return jax.tree.map(lambda leaf: leaf[index], self)

    def __len__(self) -> int:
        """The number of series; `for one in law` goes through them."""
        if self.count.ndim == 0:
            raise TypeError("KernelLaw is that of one series. Call text, covariance or mean of it.")
        return len(self.count)

    def terms(self) -> list[tuple[AbstractKernel, bool]]:
        """The kernels of one series in order, and whether each multiplies what stands before."""
        self._check_is_one()
        kernels = [self.bank[int(i)] for i in self.kernels[: int(self.count)]]
        return list(zip(kernels, [False, *map(bool, self.multiplies)], strict=False))

    def tokens(self) -> list[str]:
        """The words of `text`: the mean, kernels, `+`, `*` and parentheses."""
        words: list[str] = []
        is_sum = False
        for kernel, multiplies in self.terms():
            if multiplies and is_sum:
                words, is_sum = ["(", *words, ")"], False
            if words:
                words.append("*" if multiplies else "+")
                is_sum = is_sum or not multiplies
            words.append(kernel.text())
        name = self.mean_name()
        return [name, "+", *words] if name else words

    def text(self) -> str:
        """The expression, as `(Per(30) + Lin(10) + WN(1))*Lin(1)`.

        A mean function is its first term, as `LinearMean + Per(30)*Lin(1)`: what is behind its `+`
        is the covariance.
        """
        return "".join(f" {word} " if word == "+" else word for word in self.tokens())

    def canonical(self) -> str:
        """The same text for expressions that differ in the order of sums and products alone.

        A sum of products, sorted, with the constants of each as a number before it. Factors that
        are 1 where white noise is not 0 are left out beside it. A mean function stands first.
        """
        sums: dict[tuple[str, ...], float] = {}
        for factors in self.products():
            number, words = 1.0, []
            is_white = any(isinstance(kernel, WhiteKernel) for kernel in factors)
            for kernel in factors:
                if isinstance(kernel, ConstantKernel):
                    number *= kernel.value
                elif isinstance(kernel, WhiteKernel):
                    number *= kernel.variance
                elif not (is_white and isinstance(kernel, _ONE_AT_0)):
                    words.append(kernel.text())
            key = tuple(sorted([*words, *["WN(1)"] * is_white]))
            sums[key] = sums.get(key, 0.0) + number
        terms = [
            "*".join([f"{number:.6g}"] * (number != 1 or not words) + list(words))
            for words, number in sorted(sums.items())
        ]
        return " + ".join([self.mean_name()] * bool(self.mean_name()) + terms)

    def products(self) -> list[list[AbstractKernel]]:
        """The expression as a sum of products."""
        out: list[list[AbstractKernel]] = []
        for kernel, multiplies in self.terms():
            if multiplies:
                out = [[*factors, kernel] for factors in out]
            else:
                out.append([kernel])
        return out

    def covariance(self, length: int) -> np.ndarray:
        """The covariance matrix of one series, in float64: `(time, time)`.

        Args:
            length: Time steps.
        """
        checks.check_static_integer("KernelLaw.covariance", "length", length, 2, _LONGEST)
        time = np.linspace(0, 1, length)
        total = np.zeros((length, length))
        for kernel, multiplies in self.terms():
            matrix = kernel.covariance(time[:, None], time, length)
            total = total * matrix if multiplies else total + matrix
        return total

    def mean_name(self) -> str:
        """What the mean function of one series is called; empty if it is 0."""
        self._check_is_one()
        return "" if self.mean_index is None else self.mean_names[int(self.mean_index)]

    def mean(self, length: int) -> np.ndarray:
        """The mean of one series at all steps, in its own units and in float64: `(time,)`.

        Args:
            length: Time steps, as many as were drawn.
        """
        checks.check_static_integer("KernelLaw.mean", "length", length, 2, 2**15)
        self._check_is_one()
        if self.mean_index is None or self.deviation is None:
            return np.zeros(length)
        own = jax.tree.map(jnp.asarray, self.means[int(self.mean_index)])
        values = own.values(length)
        return float(self.deviation) * np.asarray(values, np.float64)

    def predict(
        self, past: Any, length: int, jitter: float = _JITTER
    ) -> tuple[np.ndarray, np.ndarray]:
        """The law of the future of one series given its past, which is normal.

        It is that of a series with white noise of a small variance on it, the jitter: without
        noise, most expressions are nearly degenerate, and no float solves the equations for their
        future. By default the noise has 1e-4 of the largest deviation, which dominates the forecast
        of smooth or periodic series: errors are smaller than it says. Where a forecaster is held
        against it, add noise of the same jitter, as 1e-4, to the series. Dense, of order length^3.

        Args:
            past: The first values of the series, as it was drawn: 1 to `length - 1`. Those of a row
                of a batch are `(x - x_shift) / x_scale`.
            length: Time steps of the whole series, as many as were drawn.
            jitter: Variance of the noise as a share of the largest variance of the series, 0 to 1.

        Returns:
            Mean and covariance of the values that follow, in float64: `(steps,)` and
            `(steps, steps)`; the noise is in both past and future.

        Raises:
            TypeError, ValueError: If the past is no such values or a number is out of range.
            ValueError: If the jitter is too small to solve for the future.

        Example:
            >>> import jax.numpy as jnp
            >>> from s2jax.inputs import PeriodicKernel, WhiteKernel
            >>> bank = (PeriodicKernel(12), WhiteKernel(0.1))
            >>> law = KernelLaw(jnp.array([0, 1]), jnp.array([False]), jnp.array(2), bank)
            >>> past = np.sin(2 * np.pi * np.arange(36) / 12)
            >>> mean, covariance = law.predict(past, length=48)
            >>> mean.shape, covariance.shape
            ((12,), (12, 12))
        """
        owner = "KernelLaw.predict"
        values = np.asarray(checks.read_numbers(owner, "past", past), np.float64)
        checks.check_static_integer(owner, "length", length, 2, _LONGEST)
        checks.check_number(owner, "jitter", jitter, 0, 1)
        checks.check_finite(owner, "past", values)
        if values.ndim != 1 or not 0 < len(values) < length:
            raise ValueError(
                f"{owner}(past of shape {values.shape}, length={length}): past must be the first 1 "
                "to length - 1 values of one series. Pass series[:start], and the length of the "
                "whole series."
            )
        mean, covariance = self.mean(length), self.covariance(length)
        covariance[np.diag_indices(length)] += jitter * covariance.diagonal().max()
        start = len(values)
        try:
            root = np.linalg.cholesky(covariance[:start, :start])
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"{owner}(jitter={jitter:g}): must be larger, because the covariance of the past "
                "is singular in float64. Leave jitter out, or pass 1e-9 or more."
            ) from error
        known = np.linalg.solve(
            root, np.column_stack([covariance[:start, start:], values - mean[:start]])
        )
        weights, surprise = known[:, :-1], known[:, -1]
        future = covariance[start:, start:] - weights.T @ weights
        return mean[start:] + weights.T @ surprise, future

    def _check_is_one(self) -> None:
        """Refuse the laws of many series, whose batch axes are to be indexed."""
        if np.ndim(self.count):
            raise ValueError(
                f"KernelLaw of shape {np.shape(self.count)}: must be that of one series. Index it "
                "first: law[0]."
            )


_ONE_AT_0 = (AbstractStationaryKernel, PeriodicKernel)
