"""What instruments do to series: noise, limits, steps, gaps, counts, and a record of it."""

from s2jax.observe._base import AbstractEffect, Summary
from s2jax.observe._blocks import Aggregate, DeadSensor, Hold
from s2jax.observe._counts import NegativeBinomialCounts, PoissonCounts
from s2jax.observe._gaps import MissingAtRandom, MissingBlocks, MissingEnd, MissingPeriodic
from s2jax.observe._maps import (
    Calendar,
    Censor,
    Clip,
    GainDrift,
    GammaWarp,
    OffsetDrift,
    Round,
)
from s2jax.observe._noise import (
    AdditiveNoise,
    Burst,
    HeavyTailedNoise,
    HeteroscedasticNoise,
    MultiplicativeNoise,
    Outliers,
)
from s2jax.observe._observation import Measured, Observation, measure_rows
from s2jax.observe._record import Record
from s2jax.observe.times import AbstractSpacing, Gaps, Jitter, Thinning, Times

__all__ = (
    "AbstractEffect",
    "AbstractSpacing",
    "AdditiveNoise",
    "Aggregate",
    "Burst",
    "Calendar",
    "Censor",
    "Clip",
    "DeadSensor",
    "GainDrift",
    "GammaWarp",
    "Gaps",
    "HeavyTailedNoise",
    "HeteroscedasticNoise",
    "Hold",
    "Jitter",
    "Measured",
    "MissingAtRandom",
    "MissingBlocks",
    "MissingEnd",
    "MissingPeriodic",
    "MultiplicativeNoise",
    "NegativeBinomialCounts",
    "Observation",
    "OffsetDrift",
    "Outliers",
    "PoissonCounts",
    "Record",
    "Round",
    "Summary",
    "Thinning",
    "Times",
)


def __dir__() -> tuple[str, ...]:
    return __all__
