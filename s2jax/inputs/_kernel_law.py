"""The label of a Gaussian process: an expression of kernels."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Int

from s2jax.core import checks
from s2jax.inputs.kernels import (
    AbstractKernel,
    AbstractStationaryKernel,
    ConstantKernel,
    PeriodicKernel,
    WhiteKernel,
)

NO_KERNEL = -1


class KernelLaw(eqx.Module):
    """The expression ((k_1 o k_2) o k_3) ... of which a series has the covariance.

    What has batch axes is indexed: `law[3]` or `law[3, 0]` is the law of one series, whose methods
    run on the host.

    Attributes:
        kernels: Positions in the bank; -1 beyond `count`.
        multiplies: Whether kernel i + 2 multiplies what stands before it; else it is added.
        count: How many kernels there are.
        bank: The kernels. Static.

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

    def __getitem__(self, index: Any) -> "KernelLaw":
        """The law of some of the series."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    def terms(self) -> list[tuple[AbstractKernel, bool]]:
        """The kernels of one series in order, and whether each multiplies what stands before."""
        if np.ndim(self.count):
            raise ValueError(
                f"KernelLaw of shape {np.shape(self.count)}: must be that of one series. Index it "
                "first: law[0]."
            )
        kernels = [self.bank[int(i)] for i in self.kernels[: int(self.count)]]
        return list(zip(kernels, [False, *map(bool, self.multiplies)], strict=False))

    def tokens(self) -> list[str]:
        """The words of `text`: kernels, `+`, `*` and parentheses."""
        words: list[str] = []
        is_sum = False
        for kernel, multiplies in self.terms():
            if multiplies and is_sum:
                words, is_sum = ["(", *words, ")"], False
            if words:
                words.append("*" if multiplies else "+")
                is_sum = is_sum or not multiplies
            words.append(kernel.text())
        return words

    def text(self) -> str:
        """The expression, as `(Per(30) + Lin(10) + WN(1))*Lin(1)`."""
        return "".join(f" {word} " if word == "+" else word for word in self.tokens())

    def canonical(self) -> str:
        """The same text for expressions that differ in the order of sums and products alone.

        A sum of products, sorted, with the constants of each as a number before it. Factors that
        are 1 where white noise is not 0 are left out beside it.
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
        return " + ".join(
            "*".join([f"{number:.6g}"] * (number != 1 or not words) + list(words))
            for words, number in sorted(sums.items())
        )

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
        checks.check_static_integer("KernelLaw.covariance", "length", length, 2, 2**14)
        time = np.linspace(0, 1, length)
        total = np.zeros((length, length))
        for kernel, multiplies in self.terms():
            matrix = kernel.covariance(time[:, None], time, length)
            total = total * matrix if multiplies else total + matrix
        return total


_ONE_AT_0 = (AbstractStationaryKernel, PeriodicKernel)
