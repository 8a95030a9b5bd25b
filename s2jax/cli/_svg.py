"""Pictures as paths of SVG, whose colours are those of the page's style."""

import html
from collections.abc import Sequence

import numpy as np

_WIDE, _HIGH, _MOST_STEPS = 1200, 300, 1024  # of a series
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 452, 8, 290  # of the points of a map


def draw_series(values: np.ndarray, color: str) -> str:
    """A series as a line, broken where values are missing; of a long one, ends of short spans."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    steps = np.arange(len(values), dtype=np.float64)
    if len(values) > _MOST_STEPS:
        starts = np.arange(_MOST_STEPS // 2) * len(values) // (_MOST_STEPS // 2)
        ends = [one.reduceat(values, starts) for one in (np.fmin, np.fmax)]
        values, steps = np.stack(ends, 1).reshape(-1), np.repeat(steps[starts], 2)
    low, high = np.nanmin(values), np.nanmax(values)
    x = 4 + (_WIDE - 8) * steps / max(steps[-1], 1)
    y = np.full(len(values), _HIGH / 2)
    if high > low:
        y = _HIGH - 6 - (_HIGH - 12) * (values - low) / (high - low)
    pen, path = "M", []
    for at, height, value in zip(x, y, values, strict=True):
        if np.isnan(value):
            pen = "M"
        else:
            path.append(f"{pen}{at:.0f} {height:.0f}{'h0' if pen == 'M' else ''}")
            pen = "L"
    return f'<svg viewBox="0 0 {_WIDE} {_HIGH}"><path class="{color}" d="{"".join(path)}"/></svg>'


def draw_map(both: list[np.ndarray], labels: Sequence[str]) -> str:
    """Points of two samples; those beyond all but two in a hundred are put on the edge."""
    points = np.concatenate(both)
    low, high = np.percentile(points, [2, 98], axis=0)
    wide = np.where(high - low > 1e-6 * abs(high), high - low, 1)
    low, high = low - 0.03 * wide, high + 0.03 * wide
    to_x = lambda v: _LEFT + (_RIGHT - _LEFT) * (v - low[0]) / (high[0] - low[0])
    to_y = lambda v: _BOTTOM - (_BOTTOM - _TOP) * (v - low[1]) / (high[1] - low[1])
    parts = [f'<path class="grid" d="M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"/>']
    for tick in _find_ticks(low[0], high[0]):
        parts.append(f'<text x="{to_x(tick):.0f}" y="306" text-anchor="middle">{tick:g}</text>')
    for tick in _find_ticks(low[1], high[1]):
        parts.append(
            f'<text x="{_LEFT - 6}" y="{to_y(tick) + 4:.0f}" text-anchor="end">{tick:g}</text>'
        )
    for color, one in zip("ab", both, strict=True):
        x, y = (np.clip(one[:, k], low[k], high[k]) for k in (0, 1))
        dots = "".join(f"M{u:.0f} {v:.0f}h0" for u, v in zip(to_x(x), to_y(y), strict=True))
        parts.append(f'<path class="{color}" d="{dots}"/>')
    said = f"Across: {labels[0]}. Up: {labels[1]}."
    picture = f'<svg viewBox="0 0 460 312">{"".join(parts)}</svg>'
    return f"<figure>{picture}<figcaption>{html.escape(said)}</figcaption></figure>"


def _find_ticks(low: float, high: float) -> list[float]:
    """Round numbers in a range, three to six of them."""
    size = 10.0 ** np.floor(np.log10((high - low) / 3))
    step = next((s * size for s in (5, 2) if (high - low) / (s * size) >= 3), size)
    return [float(step * k) for k in range(int(np.ceil(low / step)), int(high // step) + 1)]
