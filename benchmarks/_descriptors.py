"""What a forecaster could learn from series: predictability, spectrum, seasons, turning points.

NumPy in float64; a window is a context and the horizon that follows it.
"""

import numpy as np
from numpy.typing import NDArray

HORIZON = 48
ORDER = 24
RIDGE = 1e-3
NAMES = ("skill_1", "skill_48", "entropy", "acf_1", "season", "turning")

Floats = NDArray[np.float64]


def describe(series: Floats) -> dict[str, Floats]:
    """Numbers of each window of `(windows, time)`, which ends with `HORIZON` steps to forecast.

    - `skill_1`, `skill_48`: 1 - MSE / MSE of the context's mean on the horizon, of an
      autoregression of order `ORDER` fitted to the context: one step ahead, and for all steps from
      the context alone.
    - `entropy`: Shannon entropy of the periodogram (Hann) over its largest possible value.
    - `acf_1`, `season`: the autocorrelation at lag 1, and at its highest local peak, 0 if none.
    - `turning`: turning points per 100 steps.
    """
    series = np.asarray(series, np.float64)
    context = series[:, :-HORIZON]
    mean, deviation = context.mean(1, keepdims=True), context.std(1, keepdims=True)
    z = (series - mean) / np.where(deviation > 0, deviation, 1)
    one, many = _skills(z)
    correlations = _autocorrelations(series)
    return {
        "skill_1": one,
        "skill_48": many,
        "entropy": _spectral_entropy(series),
        "acf_1": correlations[:, 1],
        "season": _highest_peak(correlations),
        "turning": 100 * (np.diff(np.sign(np.diff(series, axis=1)), axis=1) != 0).mean(1),
    }


def _skills(z: Floats) -> tuple[Floats, Floats]:
    """Skills one step and many steps ahead, of standardised windows."""
    lagged = np.lib.stride_tricks.sliding_window_view(z, ORDER + 1, axis=1)
    past, now = lagged[..., :-1], lagged[..., -1]
    fit = past.shape[1] - HORIZON
    gram = np.einsum("nti,ntj->nij", past[:, :fit], past[:, :fit])
    gram += RIDGE * fit * np.eye(ORDER)
    ar = np.linalg.solve(gram, np.einsum("nti,nt->ni", past[:, :fit], now[:, :fit])[..., None])
    truth = now[:, fit:]
    one = np.einsum("nti,ni->nt", past[:, fit:], ar[..., 0])
    recent, steps = past[:, fit].copy(), []
    for _ in range(HORIZON):
        step = (recent * ar[..., 0]).sum(1)
        step = np.clip(step, -1e3, 1e3)
        steps.append(step)
        recent = np.concatenate([recent[:, 1:], step[:, None]], axis=1)
    baseline = np.maximum((truth**2).mean(1), 1e-12)
    skill = lambda forecast: 1 - ((forecast - truth) ** 2).mean(1) / baseline
    return skill(one), skill(np.stack(steps, 1))


def _spectral_entropy(series: Floats) -> Floats:
    centred = (series - series.mean(1, keepdims=True)) * np.hanning(series.shape[1])
    power = np.abs(np.fft.rfft(centred, axis=1)[:, 1:]) ** 2
    share = power / np.maximum(power.sum(1, keepdims=True), 1e-300)
    return -(share * np.log(np.maximum(share, 1e-300))).sum(1) / np.log(share.shape[1])


def _autocorrelations(series: Floats) -> Floats:
    centred = series - series.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 2 * series.shape[1], axis=1)) ** 2
    covariance = np.fft.irfft(power, axis=1)[:, : series.shape[1] // 2]
    return covariance / np.maximum(covariance[:, :1], 1e-300)


def _highest_peak(correlations: Floats) -> Floats:
    middle = correlations[:, 1:-1]
    is_peak = (middle > correlations[:, :-2]) & (middle >= correlations[:, 2:])
    return np.where(is_peak, middle, 0).max(1)


def correlations_with_inputs(x: Floats, y: Floats) -> Floats:
    """Largest |corr(x_k, y)| over the inputs of each row and output: `(rows, outputs)`."""
    z = [np.asarray(one, np.float64) for one in (x, y)]
    z = [one - one.mean(-1, keepdims=True) for one in z]
    z = [one / np.maximum(np.linalg.norm(one, axis=-1, keepdims=True), 1e-300) for one in z]
    return np.abs(np.einsum("rkt,rot->rko", *z)).max(1)
