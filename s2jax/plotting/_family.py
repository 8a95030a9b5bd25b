"""A picture of what an input family draws."""

from typing import Any

import jax
import numpy as np

from s2jax.core import checks
from s2jax.core.part import check_part
from s2jax.core.types import PRNGKey
from s2jax.inputs import AbstractFamily, AbstractRowInput
from s2jax.plotting._figure import new_figure
from s2jax.plotting._panels import X_COLORS, style

_ACROSS, _WIDTH, _HEIGHT = 3, 3.6, 1.7
_MOST_NUMBERS = 3


def plot_family(
    family: AbstractFamily,
    key: PRNGKey | None = None,
    count: int = 9,
    length: int = 256,
    channels: int = 2,
) -> Any:
    """A figure of series of one family, each under what was drawn for it.

    Args:
        family: Any input family.
        key: Which series; `jax.random.key(0)` if not given.
        count: Number of series.
        length: Time steps.
        channels: Channels of each row, for a family of whole rows.

    Returns:
        A `matplotlib.figure.Figure`; a notebook shows it, `savefig` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If `family` is no input family.
        ValueError: If `count` is not positive, or the series are too short for the family.

    Example:
        >>> import s2jax
        >>> len(plot_family(s2jax.inputs.Mixture(), count=4, length=32).axes)
        4
    """
    check_part("plot_family", "family", family, AbstractFamily)
    checks.check_static_integer("plot_family", "count", count, 1, 99)
    key = jax.random.key(0) if key is None else key
    makes_rows = isinstance(family, AbstractRowInput)
    sizes: Any = (channels, length) if makes_rows else (length,)
    drawable: Any = family
    drawn = jax.device_get(drawable.sample(key, count, *sizes))
    down = -(-count // _ACROSS)
    figure = new_figure(_WIDTH * min(count, _ACROSS), _HEIGHT * down)
    for number, series in enumerate(drawn.series):
        axes = figure.add_subplot(down, min(count, _ACROSS), number + 1)
        style(axes)
        for channel, one in enumerate(np.atleast_2d(series)):
            axes.plot(one, color=X_COLORS[channel % len(X_COLORS)], linewidth=0.8)
        law = jax.tree.map(lambda leaf, row=number: leaf[row], drawn.law)
        axes.set_title(write_law(law), fontsize=7, loc="left")
    figure.tight_layout(pad=0.6)
    return figure


def write_law(law: Any) -> str:
    """A law in a few words: its own text if it has one, else its first numbers."""
    if hasattr(law, "text"):
        text = str(law.text())
    else:
        named = jax.tree_util.tree_leaves_with_path(law)
        numbers = [
            f"{jax.tree_util.keystr(path, simple=True, separator='.')} {np.asarray(leaf):.3g}"
            for path, leaf in named
            if np.ndim(leaf) == 0 and np.asarray(leaf).dtype.kind in "fi"
        ]
        text = ", ".join(numbers[:_MOST_NUMBERS])
    return checks.cut(text, 60)
