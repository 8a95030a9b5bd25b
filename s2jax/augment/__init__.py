"""Augmentations: the series of batches, changed at random on their way to a model."""

from s2jax.augment._base import (
    AbstractAugmentation,
    AbstractChannelAugmentation,
    AbstractRowAugmentation,
    Compose,
)
from s2jax.augment._mixtures import Mixup, TSMixup
from s2jax.augment._spectra import FrequencyPerturbation, PhaseSurrogate
from s2jax.augment._times import Downsampling, TimeFlip, TimeWarp, Upsampling, resample
from s2jax.augment._trends import LinearTrend, NonlinearTrend, PiecewiseLinearTrend
from s2jax.augment._values import (
    AmplitudeModulation,
    ChannelDropout,
    SpikeInjection,
    ValueFlip,
)

__all__ = (
    "AbstractAugmentation",
    "AbstractChannelAugmentation",
    "AbstractRowAugmentation",
    "AmplitudeModulation",
    "ChannelDropout",
    "Compose",
    "Downsampling",
    "FrequencyPerturbation",
    "LinearTrend",
    "Mixup",
    "NonlinearTrend",
    "PhaseSurrogate",
    "PiecewiseLinearTrend",
    "SpikeInjection",
    "TSMixup",
    "TimeFlip",
    "TimeWarp",
    "Upsampling",
    "ValueFlip",
    "resample",
)


def __dir__() -> tuple[str, ...]:
    return __all__
