"""Ready configurations."""

from typing import Any

from s2jax.acceptance import Acceptance
from s2jax.config import Config
from s2jax.expressions import S2Law
from s2jax.inputs import ARMA, Choice, Mixture
from s2jax.targets import Algebraic


def s2(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **fields) -> Config:
    """The Series-Symbol papers' configuration, with the defects of its rules mended.

    Each input channel is a mixture or an ARMA process with equal probability; |f(x)| <= 1e4; inputs
    and outputs are standardised and multiplied by U(0, 16). ARMA models are stationary.

    Args:
        length: Time steps.
        num_inputs, num_outputs: Channels.
        **fields: Any other field of `Config`.

    Example:
        >>> s2(length=512, num_inputs=3, num_outputs=2).acceptance.bound
        10000.0

    References:
        Wang et al. (2025), Synthetic Series-Symbol Data Generation for Time Series Foundation
        Models (SymTime), section 3.
    """
    return Config(length=length, num_inputs=num_inputs, num_outputs=num_outputs, **fields)


def reference(length: int = 256, num_inputs: int = 1, num_outputs: int = 1, **fields) -> Config:
    """The defaults of s2generator 0.0.23, as far as its mixture and ARMA inputs go.

    Mixtures have 3 to 7 components, ARMA orders are 1..2 and 1..4, chosen with weights 0.1 and
    0.2, and |f(x)| <= 1000. Its three further input families, `diff` and `rand` are not there;
    docs/differences.md lists what else differs.

    Args:
        length: Time steps.
        num_inputs, num_outputs: Channels.
        **fields: Any other field of `Config`.

    Example:
        >>> reference().acceptance.bound
        1000.0
    """
    defaults: dict[str, Any] = dict(
        inputs=Choice(
            [
                Mixture(min_components=3, max_components=7),
                ARMA(max_ar_order=2, max_ma_order=4),
            ],
            weights=[0.1, 0.2],
        ),
        target=Algebraic(law=S2Law()),
        acceptance=Acceptance(bound=1000.0),
    )
    return Config(
        length=length, num_inputs=num_inputs, num_outputs=num_outputs, **(defaults | fields)
    )
