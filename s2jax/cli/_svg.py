"""Pictures as paths of SVG, and the style of the page that gives them their colours."""

import html
from collections.abc import Sequence

import numpy as np

_WIDE, _HIGH, _MOST_STEPS = 1200, 300, 1024  # of a series
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 452, 8, 290  # of the points of a map
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1120px; margin: 0 auto;
  padding: 1rem 1.25rem 4rem }}
h1, h2, h3 {{ line-height: 1.25; overflow-wrap: anywhere }}
h2 {{ margin: 2.5rem 0 .5rem }} h3 {{ margin: 1.75rem 0 .5rem }}
p {{ max-width: 46rem; margin: .5rem 0; overflow-wrap: anywhere }}
code {{ font-size: .9em }}
.scroll {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .9rem; margin: .75rem 0 }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0;
  border-bottom: 1px solid; font-variant-numeric: tabular-nums }}
th {{ font-weight: 600; white-space: nowrap }}
.series {{ display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(3, minmax(0, 1fr)) }}
.maps {{ display: grid; gap: 1rem 1.5rem; grid-template-columns: repeat(2, minmax(0, 1fr)) }}
@media (max-width: 720px) {{ .series, .maps {{ grid-template-columns: minmax(0, 1fr) }} }}
figure {{ margin: 0 }} svg {{ display: block; width: 100% }}
figcaption {{ font-size: .8rem; line-height: 1.4; overflow-wrap: anywhere }}
figcaption .dim {{ font-size: .75rem }} p.dim {{ font-size: .9rem }}
.series svg {{ border-bottom: 1px solid; margin-bottom: .25rem }}
path {{ fill: none; stroke-linecap: round; stroke-linejoin: round }}
.maps .a, .maps .b {{ stroke-width: 4.5; stroke-opacity: .6 }} .series path {{ stroke-width: 4 }}
svg text {{ font: 12px system-ui, sans-serif }}
body {{ background: #fff; color: #1f2430 }}
.dim {{ color: #667080 }} text {{ fill: #667080 }}
th, td, .series svg {{ border-color: #dfe3e8 }} .grid {{ stroke: #dfe3e8 }}
.a {{ stroke: #2a6fab }} .b {{ stroke: #d1495b }}
.key-a {{ color: #2a6fab }} .key-b {{ color: #d1495b }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #15181e; color: #e4e7ec }}
  .dim {{ color: #98a2b0 }} text {{ fill: #98a2b0 }}
  th, td, .series svg {{ border-color: #343a44 }} .grid {{ stroke: #343a44 }}
  .a {{ stroke: #6cb2ee }} .b {{ stroke: #f2798a }}
  .key-a {{ color: #6cb2ee }} .key-b {{ color: #f2798a }}
}}
</style></head><body>
"""


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
