"""All features of series at once, and what share of a corpus is of which kind."""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Num

from s2jax.core import checks
from s2jax.statistics import _shape, _spectra
from s2jax.statistics._decompose import check_period, is_short, smoothers
from s2jax.statistics._series import Series, centre, close_gaps, map_rows, rows_of, varies
from s2jax.statistics._skill import Skill, is_short_for_skill, skill_of
from s2jax.statistics._time import TimeFeatures, time_of

UNFORECASTABLE = 0.02
AFFINE = 0.999


class Features(NamedTuple):
    """Features of each series; NaN where a series is too short, constant, or has none.

    Attributes:
        trend_strength, trend_hurst, trend_stability, seasonal_strength, seasonality_corr,
            seasonal_lumpiness, e_acf1, e_entropy: As in `time_features`.
        skill_1, skill_many: As `ar_skill` has them.
        spectral_entropy, forecastability, permutation_entropy, turning_points, tail_index: As the
            functions of these names.
        acf_1: The autocorrelation at lag 1.
        season_peak, season_lag: As `find_season` has them.
        adi, cv2: As `intermittency` has them.
        missing: The share of values that are missing.
    """

    trend_strength: Float[Array, "*batch"]
    trend_hurst: Float[Array, "*batch"]
    trend_stability: Float[Array, "*batch"]
    seasonal_strength: Float[Array, "*batch"]
    seasonality_corr: Float[Array, "*batch"]
    seasonal_lumpiness: Float[Array, "*batch"]
    e_acf1: Float[Array, "*batch"]
    e_entropy: Float[Array, "*batch"]
    skill_1: Float[Array, "*batch"]
    skill_many: Float[Array, "*batch"]
    spectral_entropy: Float[Array, "*batch"]
    forecastability: Float[Array, "*batch"]
    permutation_entropy: Float[Array, "*batch"]
    turning_points: Float[Array, "*batch"]
    acf_1: Float[Array, "*batch"]
    season_peak: Float[Array, "*batch"]
    season_lag: Float[Array, "*batch"]
    adi: Float[Array, "*batch"]
    cv2: Float[Array, "*batch"]
    tail_index: Float[Array, "*batch"]
    missing: Float[Array, "*batch"]


def describe(
    series: Series, period: int | None = None, horizon: int = 48, order: int = 24
) -> Features:
    """All features of series, computed in one program, tile by tile.

    Gaps are closed with straight lines before (`fill_gaps`), but for the features that leave
    missing values out by themselves: turning points, permutation entropy, intermittency, missing.

    Args:
        series: Of any length; features that it is too short for are NaN.
        period: Steps of a period for the features of trend and season, >= 2; None is no period.
            The same for all series: `find_season` says which each of them shows. Static.
        horizon, order: As in `ar_skill`. Static.

    Raises:
        ValueError: If a number is out of range, or series are longer than 4096.

    Example:
        >>> found = describe(jax.random.normal(jax.random.key(0), (3, 160)), period=12)
        >>> found.skill_1.shape, bool((found.spectral_entropy > 0.7).all())
        ((3,), True)
    """
    series = rows_of("describe", series)
    length = series.shape[-1]
    check_period("describe", period, length)
    checks.check_static_integer("describe", "horizon", horizon, 1)
    checks.check_static_integer("describe", "order", order, 1)
    matrices = None if is_short(length, period) else jnp.asarray(smoothers(length, period))
    return map_rows(lambda rows: _features(rows, matrices, period, horizon, order), series)


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _features(
    rows: Array, matrices: Array | None, period: int | None, horizon: int, order: int
) -> Features:
    length = rows.shape[-1]
    whole = close_gaps(rows)
    nothing = jnp.full(rows.shape[:1], jnp.nan, jnp.float32)
    of_time = TimeFeatures(*[nothing] * len(TimeFeatures._fields))
    if matrices is not None:
        of_time = time_of(whole, matrices, period)
    skill = Skill(nothing, nothing)
    if not is_short_for_skill(length, horizon, order):
        skill = skill_of(whole, horizon, order)
    acf_1, peak = nothing, _spectra.Peak(nothing, nothing)
    if length >= 6:
        correlations = _spectra.correlate_rows(whole, length // 2 - 1)
        acf_1, peak = correlations[..., 1], _spectra.peak_of(correlations)
    demands = _shape.find_demands(rows)
    return Features(
        *of_time,
        skill_1=skill.one,
        skill_many=skill.many,
        spectral_entropy=_spectra.hann_entropy(whole) if length >= 4 else nothing,
        forecastability=_spectra.welch_omega(whole) if length >= 32 else nothing,
        permutation_entropy=_shape.pattern_entropy(rows, 3) if length >= 3 else nothing,
        turning_points=_shape.count_turns(rows) if length >= 3 else nothing,
        acf_1=acf_1,
        season_peak=peak.height,
        season_lag=peak.lag,
        adi=demands.adi,
        cv2=demands.cv2,
        tail_index=_shape.hill(whole, 0.05) if length >= 20 else nothing,
        missing=(~jnp.isfinite(rows)).mean(-1, dtype=jnp.float32),
    )


class Shares(NamedTuple):
    """What share of series is of which kind, from 0 to 1.

    Attributes:
        unforecastable: Neither skill reaches 0.02: the mean tells as much. Of all series whose
            skill is defined.
        constant: One value, or none.
        affine: Largest `|corr(x_k, y)|` over the inputs above 0.999; NaN without inputs.
        monotone: Nowhere falling or nowhere rising, and not constant.
        counts: Whole numbers from 0 upwards, and not constant.
        undefined: Series whose skill is not defined: too short, or a constant context.
        number: How many series there are.
    """

    unforecastable: Float[Array, ""]
    constant: Float[Array, ""]
    affine: Float[Array, ""]
    monotone: Float[Array, ""]
    counts: Float[Array, ""]
    undefined: Float[Array, ""]
    number: int


def shares(
    y: Series,
    x: Num[Array | np.ndarray, "rows inputs time"] | None = None,
    horizon: int = 48,
    order: int = 24,
) -> Shares:
    """What share of series is unforecastable, constant, affine in an input, monotone, or counts.

    Missing values are left out, and closed by `fill_gaps` for the skill and the correlation.

    Args:
        y: Series `(..., time)`, or outputs `(rows, outputs, time)` where there are inputs. In
            their own units, if counts are to be found: `(y - y_shift) / y_scale` of a `Batch`.
        x: Inputs `(rows, inputs, time)` of the same rows.
        horizon, order: As in `ar_skill`. Static.

    Raises:
        ValueError: If the shapes do not fit each other, or a number is out of range.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (2, 1, 160))
        >>> y = jnp.stack([3 * x[0] + 1, jnp.round(jnp.exp(x[1]))])
        >>> found = shares(y, x)
        >>> float(found.affine), float(found.counts), found.number
        (0.5, 0.5, 2)
    """
    y = rows_of("shares", y)
    checks.check_static_integer("shares", "horizon", horizon, 1)
    checks.check_static_integer("shares", "order", order, 1)
    if x is not None:
        x = rows_of("shares", x)
        if x.ndim != 3 or y.ndim != 3 or x.shape[0] != y.shape[0] or x.shape[2] != y.shape[2]:
            raise ValueError(
                f"shares(y of shape {y.shape}, x of shape {x.shape}): must be (rows, outputs, "
                "time) and (rows, inputs, time), because outputs are compared with the inputs of "
                "their row. Leave x out, or reshape them."
            )
    if y.size == 0:
        raise ValueError(
            f"shares(y of shape {y.shape}): must have a series, because shares of none are not "
            "defined. Pass at least one."
        )
    kinds = map_rows(lambda rows: _kinds(rows, horizon, order), y)
    affine = jnp.float32(jnp.nan)
    if x is not None:
        affine = (correlate_with_inputs(x, y) > AFFINE).mean(dtype=jnp.float32)
    defined = ~jnp.isnan(kinds.best)
    lost = (kinds.best < UNFORECASTABLE).sum(dtype=jnp.float32)
    share = lambda flags: flags.mean(dtype=jnp.float32)
    return Shares(
        unforecastable=lost / defined.sum(dtype=jnp.float32),
        constant=share(kinds.constant),
        affine=affine,
        monotone=share(kinds.monotone),
        counts=share(kinds.counts),
        undefined=share(~defined),
        number=math.prod(y.shape[:-1]),
    )


class _Kinds(NamedTuple):
    """Of which kinds each row is, and the better of its skills."""

    best: Float[Array, " rows"]
    constant: Bool[Array, " rows"]
    monotone: Bool[Array, " rows"]
    counts: Bool[Array, " rows"]


@functools.partial(jax.jit, static_argnums=(1, 2))
def _kinds(rows: Array, horizon: int, order: int) -> _Kinds:
    seen = jnp.isfinite(rows)
    whole = jnp.where(seen.any(-1, keepdims=True), close_gaps(rows), 0)
    moves = varies(rows)
    steps = whole[:, 1:] - whole[:, :-1]
    best = jnp.full(rows.shape[:1], jnp.nan, jnp.float32)
    if not is_short_for_skill(rows.shape[-1], horizon, order):
        skill = skill_of(whole, horizon, order)
        best = jnp.maximum(skill.one, skill.many)
    return _Kinds(
        best=best,
        constant=~moves,
        monotone=moves & ((steps >= 0).all(-1) | (steps <= 0).all(-1)),
        counts=moves & (~seen | ((rows >= 0) & (rows == jnp.round(rows)))).all(-1),
    )


@jax.jit
def correlate_with_inputs(x: Array, y: Array) -> Array:
    """Largest |corr(x_k, y)| over the inputs of each row and output: `(rows, outputs)`."""
    unit = []
    for one in (close_gaps(x), close_gaps(y)):
        z = centre(one)
        size = jnp.sqrt((z**2).sum(-1, keepdims=True))
        flat = ~varies(one)[..., None] | (size == 0)
        unit.append(jnp.where(flat, 0, z / jnp.where(flat, 1, size)))
    products = jnp.einsum("rkt,rot->rko", *unit, precision="highest")
    return jnp.where(jnp.isnan(products), 0, jnp.abs(products)).max(1)
