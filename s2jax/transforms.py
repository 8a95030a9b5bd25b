"""What trainers do to series before a model sees them: pure functions for jit, vmap and scan."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Num

from s2jax.core import checks
from s2jax.core.types import Number, PRNGKey
from s2jax.sampling import Batch

__all__ = (
    "Corrupted",
    "Forecast",
    "Scaled",
    "drop_values",
    "forecast",
    "mean_abs",
    "patchify",
    "z_score",
)


def __dir__() -> tuple[str, ...]:
    return __all__


class Scaled(NamedTuple):
    """Series with `series = (raw - shift) / scale`.

    Attributes:
        series: Scaled; 0 where not observed.
        shift, scale: One number per series; 0 and 1 of a series without observed values.
    """

    series: Float[Array, "*batch time"]
    shift: Float[Array, "*batch"]
    scale: Float[Array, "*batch"]


class Corrupted(NamedTuple):
    """Series with missing values.

    Attributes:
        series: The values, or the fill value where not observed.
        observed: True where the value is there. Models that want True where a value is missing,
            as TimesFM, take `~observed`.
    """

    series: Float[Array, "*batch time"]
    observed: Bool[Array, "*batch time"]


class Forecast(NamedTuple):
    """Series cut at the present.

    Attributes:
        context: Outputs of the past.
        target: Outputs of the future.
        past_covariates: Inputs of the past.
        future_covariates: Inputs of the future, where they are known in advance.
        context_observed, target_observed: Where outputs were measured; None if rows are none that
            were measured.
    """

    context: Float[Array, "batch outputs context"]
    target: Float[Array, "batch outputs horizon"]
    past_covariates: Float[Array, "batch inputs context"] | None
    future_covariates: Float[Array, "batch inputs horizon"] | None
    context_observed: Bool[Array, "batch outputs context"] | None = None
    target_observed: Bool[Array, "batch outputs horizon"] | None = None


def patchify(series: Float[Array, "*batch time"], size: int) -> Float[Array, "*batch patches size"]:
    """Cut series into patches that follow each other.

    Args:
        series: Of a length that is a multiple of `size`.
        size: Time steps of a patch. Static.

    Raises:
        ValueError: If `size` does not divide the length.

    Example:
        >>> patchify(jnp.arange(6.0), 3).tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    checks.check_static_integer("patchify", "size", size, 1)
    series = jnp.asarray(series)
    length = series.shape[-1]
    if length % size:
        raise ValueError(
            f"patchify(series of length {length}, size={size}): size must divide the length. Draw "
            f"series of length {-(-length // size) * size}, or cut {length % size} steps."
        )
    return series.reshape(*series.shape[:-1], length // size, size)


def z_score(
    series: Num[Array | np.ndarray, "*batch time"],
    observed: Bool[Array | np.ndarray, "*batch time"] | None = None,
) -> Scaled:
    """Scale each series to mean 0 and standard deviation 1 over its observed values.

    The outputs of a `Batch` stay a pair with their program: `y_scale / scale` and
    `(y_shift - shift) / scale` are its new numbers. A constant series becomes 0.

    Example:
        >>> z_score(jnp.array([1.0, 3.0])).series.tolist()
        [-1.0, 1.0]
    """
    series, seen = _observed("z_score", series, observed)
    shift = _mean(series, seen)
    # the mean of a constant is rounded: what is left of it is no signal to be scaled up
    highest = jnp.where(seen, series, -jnp.inf).max(-1, keepdims=True, initial=-jnp.inf)
    lowest = jnp.where(seen, series, jnp.inf).min(-1, keepdims=True, initial=jnp.inf)
    varies = highest > lowest
    centred = jnp.where(seen & varies, series - shift[..., None], 0)
    variance = _mean(centred**2, seen)
    return _scaled(centred, shift, jnp.sqrt(jnp.where(variance > 0, variance, 1)))


def mean_abs(
    series: Num[Array | np.ndarray, "*batch time"],
    observed: Bool[Array | np.ndarray, "*batch time"] | None = None,
) -> Scaled:
    """Divide each series by the mean of its observed absolute values.

    The scaling of Chronos (Ansari et al. 2024, "Chronos: Learning the Language of Time Series",
    section 3.1).

    Example:
        >>> mean_abs(jnp.array([1.0, -3.0])).series.tolist()
        [0.5, -1.5]
    """
    series, seen = _observed("mean_abs", series, observed)
    shift = jnp.zeros(series.shape[:-1], series.dtype)
    return _scaled(jnp.where(seen, series, 0), shift, _mean(jnp.abs(series), seen))


def drop_values(
    key: PRNGKey,
    series: Num[Array | np.ndarray, "*batch time"],
    low: Number = 0.0,
    high: Number = 0.2,
    run: int = 1,
    fill: Number = jnp.nan,
) -> Corrupted:
    """Take values away at random: each series loses a share that is drawn for it.

    Args:
        key: A PRNG key.
        series: Without missing values; integers become floats.
        low, high: The expected share of each series is U(low, high), in [0, 1]. May be traced.
        run: Missing values come in runs of at least this length; 1 is missing completely at
            random. Static.
        fill: What stands where a value is missing.

    Raises:
        TypeError: If series are complex.
        ValueError: If a number is out of range.

    Example:
        >>> dropped = drop_values(jax.random.key(0), jnp.ones((3, 100)), 0.3, 0.3, fill=0.0)
        >>> bool(((dropped.series == 1) == dropped.observed).all())
        True
    """
    checks.check_number("drop_values", "low", low, 0, 1)
    least = float(low) if checks.is_concrete(low) else 0.0
    checks.check_number("drop_values", "high", high, least, 1)
    series = checks.as_floats("drop_values", "series", series, half=True)
    checks.check_static_integer("drop_values", "run", run, 1, max(series.shape[-1], 1))
    of_rate, of_start = jax.random.split(key)
    dtype = series.dtype
    unit = jax.random.uniform(of_rate, series.shape[:-1], dtype)
    low, high = jnp.asarray(low, dtype), jnp.asarray(high, dtype)
    # a value is there if none of the `run` places up to it starts a run
    no_start = (1 - low - (high - low) * unit)[..., None] ** (1 / run)
    padded = (*series.shape[:-1], series.shape[-1] + run - 1)
    starts = jax.random.uniform(of_start, padded, dtype) >= no_start
    covered = jnp.cumsum(starts, axis=-1, dtype=jnp.int32)
    before = jnp.pad(covered, [(0, 0)] * (series.ndim - 1) + [(1, 0)])
    observed = covered[..., run - 1 :] == before[..., : series.shape[-1]]
    return Corrupted(jnp.where(observed, series, jnp.asarray(fill, dtype)), observed)


def forecast(
    batch: Batch, horizon: int, covariates: Literal["future", "past", "none"] = "future"
) -> Forecast:
    """Cut a batch into what is known and what is to be forecast.

    Args:
        batch: What `sample` returned.
        horizon: Time steps to forecast, fewer than there are. Static.
        covariates: Whether the inputs x are known for the future, only for the past, or not.

    Raises:
        ValueError: If `horizon` is out of range or `covariates` unknown.

    Example:
        >>> import s2jax
        >>> batch = s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=64), 4)
        >>> cut = forecast(batch, 16)
        >>> cut.context.shape, cut.target.shape, cut.future_covariates.shape
        ((4, 1, 48), (4, 1, 16), (4, 1, 16))
    """
    length = batch.y.shape[-1]
    if length < 2:
        raise ValueError(
            f"forecast(batch of {length} time steps): must have at least 2, because one at least "
            "is past and one is future. Draw longer series."
        )
    checks.check_static_integer("forecast", "horizon", horizon, 1, length - 1)
    kinds = ("future", "past", "none")
    if covariates not in kinds:
        raise ValueError(
            f"forecast(covariates={covariates!r}): {checks.unknown(covariates, kinds)}"
        )
    now, seen = length - horizon, batch.y_observed
    return Forecast(
        context=batch.y[..., :now],
        target=batch.y[..., now:],
        past_covariates=None if covariates == "none" else batch.x[..., :now],
        future_covariates=batch.x[..., now:] if covariates == "future" else None,
        context_observed=None if seen is None else seen[..., :now],
        target_observed=None if seen is None else seen[..., now:],
    )


def _observed(owner: str, series: Any, observed: Any) -> tuple[Array, Array]:
    """Series with zeros where nothing is observed, and the mask."""
    series = checks.as_floats(owner, "series", series, half=True)
    seen = jnp.ones(series.shape, bool) if observed is None else observed
    return jnp.where(seen, series, 0), seen


def _mean(values: Array, seen: Array) -> Array:
    count = jnp.maximum(seen.sum(-1, dtype=jnp.int32), 1).astype(values.dtype)
    return jnp.where(seen, values, 0).sum(-1) / count


def _scaled(series: Array, shift: Array, scale: Array) -> Scaled:
    scale = jnp.where(scale > 0, scale, 1)
    return Scaled(series / scale[..., None], shift, scale)
