"""Pictures of pairs with their formulas, and a corpus in a few lines of text."""

import itertools
import json
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from s2jax._serialize import from_json
from s2jax.corpus import read_manifest
from s2jax.corpus._tokens import ragged, to_trees
from s2jax.generate import Batch
from s2jax.operators import TABLE
from s2jax.symbols import Vocabulary, to_tokens
from s2jax.symbols._tree import Number

_X_COLORS = ("#33658a", "#2f9c95", "#86bbd8", "#6a5d9c", "#9aa5b1")
_Y_COLORS = ("#d1495b", "#e28413", "#7a9e3f", "#8e3b8a", "#5f6b76")
_SHORT = 26  # letters up to which a fraction, a root or a power is set as one piece
_MAX_LINES = 4


class _Pair(NamedTuple):
    """What a picture shows of one row."""

    row: int
    x: np.ndarray
    y: np.ndarray
    trees: list[Any]
    y_scale: np.ndarray
    y_shift: np.ndarray


def plot_pairs(batch: Batch, count: int = 6) -> Any:
    """A figure of the first pairs of a batch: x on the left, y on the right, f above.

    Args:
        batch: Its arrays are copied to the host.
        count: Number of pairs, at most those of the batch.

    Returns:
        A `matplotlib.figure.Figure`; a notebook shows it, `savefig` writes it.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `count` is not positive.
    """
    if count < 1:
        raise ValueError(f"plot_pairs(count={count}): must be >= 1. Ask for at least one pair.")
    host = jax.tree.map(lambda leaf: np.asarray(leaf)[:count], batch)
    ids, offsets = ragged(to_tokens(host.program))
    words = Vocabulary().words
    pairs = []
    for row in range(host.x.shape[0]):
        tokens = ids[offsets[row] : offsets[row + 1]].tolist()
        used = np.asarray(host.y_mask[row])
        pairs.append(
            _Pair(
                row=row,
                x=host.x[row][host.x_mask[row]],
                y=host.y[row][used],
                trees=to_trees(tokens, words) if tokens else [],
                y_scale=host.y_scale[row][used],
                y_shift=host.y_shift[row][used],
            )
        )
    return _draw(pairs, batch.program.protected)


def plot_corpus(path: str | os.PathLike[str], png: Path, count: int = 6, seed: int = 0) -> None:
    """Write a picture of random pairs of a corpus; only their row groups are read."""
    import pyarrow.parquet as pq

    manifest = read_manifest(path)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(manifest["rows"], min(count, manifest["rows"]), replace=False)
    protected, first, pairs = _is_protected(manifest), 0, []
    for entry in manifest["files"]:
        here = np.sort(chosen[(chosen >= first) & (chosen < first + entry["rows"])]) - first
        if here.size:
            file = pq.ParquetFile(Path(path) / entry["name"], page_checksum_verification=True)
            pairs += [_read_pair(file, int(row), first) for row in here]
        first += entry["rows"]
    figure = _draw(pairs, protected)
    figure.savefig(png, dpi=150)


def summarize(path: str | os.PathLike[str]) -> dict[str, str]:
    """What a corpus holds, as lines of a table; of the files only the tokens are read."""
    import pyarrow.parquet as pq

    manifest = read_manifest(path)
    config = manifest["config"]
    operators, skeletons = Counter(), set()
    for entry in manifest["files"]:
        file = pq.ParquetFile(Path(path) / entry["name"], page_checksum_verification=True)
        words = _words(file)
        for part in file.iter_batches(columns=["tokens"], batch_size=8192):
            _count_tokens(part.column("tokens"), words, operators, skeletons)
    size = sum(entry["bytes"] for entry in manifest["files"])
    rows, counts = manifest["rows"], manifest["acceptance"]
    tries = {name: n for name, n in counts.items() if name != "unusable_rows"}
    total = max(sum(tries.values()), 1)
    text = lambda pairs: textwrap.fill(", ".join(pairs), 86, subsequent_indent=" " * 13)
    return {
        "corpus": str(path),
        "rows": f"{rows:,}" + _unusable(counts),
        "size": f"{size / 1e6:,.1f} MB in {len(manifest['files'])} files",
        "length": str(config["length"]),
        "channels": f"{config['num_inputs']} in, {config['num_outputs']} out",
        "seed": f"{manifest['seed']}, blocks of {manifest['block']}",
        "made by": ", ".join(f"{name} {v}" for name, v in manifest["versions"].items()),
        "fingerprint": manifest["fingerprint"][:16],
        "tries": text(f"{name} {n:,} ({n / total:.1%})" for name, n in tries.items()),
        "operators": text(f"{name} {n:,}" for name, n in operators.most_common()),
        "skeletons": f"{len(skeletons):,} distinct expressions with numbers masked",
    }


def _unusable(counts: dict[str, int]) -> str:
    bad = counts["unusable_rows"]
    return f", {bad:,} of them with a nonzero status" if bad else ""


def _words(file: Any) -> list[str]:
    return json.loads(file.schema_arrow.metadata[b"s2jax.vocabulary"])


def _is_protected(manifest: dict[str, Any]) -> bool:
    return from_json(json.dumps(manifest["config"])).target.protected


def _count_tokens(column: Any, words: list[str], operators: Counter, skeletons: set) -> None:
    """Add the operators and the expressions of a column of tokens."""
    ids = column.flatten().to_numpy()
    offsets = column.offsets.to_numpy() - column.offsets[0].as_py()
    names = {operator.name for operator in TABLE if operator.arity}
    for token, number in enumerate(np.bincount(ids, minlength=len(words))):
        if number and words[token] in names:
            operators[words[token]] += int(number)
    plus, minus, mantissa = words.index("+"), words.index("-"), words.index("N0")
    power = words.index("E-20")
    kept = ids < power  # a sign stands for the number
    masked = np.where(ids == minus, plus, ids)[kept].astype(np.int16)
    ends = np.concatenate([[0], np.cumsum(kept)])[offsets]
    assert mantissa > power, "mantissas are the last words"
    skeletons.update(masked[a:b].tobytes() for a, b in itertools.pairwise(ends))


def _read_pair(file: Any, row: int, first: int) -> _Pair:
    """One row of a file."""
    names = file.schema_arrow.names
    channels = {z: [n for n in names if n[:2] == f"{z}_" and n[2:].isdigit()] for z in "xy"}
    masks = [name for name in ("x_mask", "y_mask") if name in names]
    columns = ["tokens", "y_scale", "y_shift", *masks, *channels["x"], *channels["y"]]
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if row < size:
            break
        first, row = first + size, row - size
    values = file.read_row_group(group, columns=columns).slice(row, 1).to_pylist()[0]
    used = {z: np.array(values.get(f"{z}_mask") or [True] * len(channels[z])) for z in "xy"}
    series = {z: np.array([values[name] for name in channels[z]])[used[z]] for z in "xy"}
    return _Pair(
        row=first + row,
        x=series["x"],
        y=series["y"],
        trees=to_trees(values["tokens"], _words(file)) if values["tokens"] else [],
        y_scale=np.array(values["y_scale"])[used["y"]],
        y_shift=np.array(values["y_shift"])[used["y"]],
    )


# Pictures. Sizes are in inches.

_WIDTH, _LEFT, _RIGHT, _BETWEEN = 11.0, 0.55, 0.2, 0.55
_PLOT, _ABOVE, _BELOW = 1.15, 0.32, 0.42
_TEXT_LINE, _FRACTION_LINE, _FONT_SIZE = 0.24, 0.40, 10


def _draw(pairs: Sequence[_Pair], protected: bool) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'Pictures are drawn with matplotlib. Install it: pip install "s2jax[cli]"'
        ) from error
    lines = [_formula_lines(pair, protected) for pair in pairs]
    heights = [sum(map(_line_height, rows)) + _ABOVE + _PLOT + _BELOW for rows in lines]
    height = sum(heights) + 0.1
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    FigureCanvasAgg(figure)
    top = height - 0.1
    width = (_WIDTH - _LEFT - _RIGHT - _BETWEEN) / 2
    for pair, rows, used in zip(pairs, lines, heights, strict=True):
        place = top
        for line in rows:
            y = (place - _line_height(line) / 2 - 0.05) / height
            figure.text(_LEFT / _WIDTH, y, line[0], color=line[1], fontsize=_FONT_SIZE)
            place -= _line_height(line)
        bottom = (top - used + _BELOW) / height
        for side, (series, colors) in enumerate(((pair.x, _X_COLORS), (pair.y, _Y_COLORS))):
            left = (_LEFT + side * (width + _BETWEEN)) / _WIDTH
            axes = figure.add_axes((left, bottom, width / _WIDTH, _PLOT / height))
            _plot_series(axes, series, colors)
            title = f"x  (row {pair.row})" if side == 0 else _scaling_text(pair)
            axes.set_title(title, fontsize=7.5, color="#6b7280", loc="left", pad=3)
            if side == 0 and len(pair.x) > 1:
                _name_channels(axes, len(pair.x))
        top -= used
    return figure


def _name_channels(axes: Any, count: int) -> None:
    """The names of the inputs in their colours, above the plot."""
    shown = min(count, len(_X_COLORS))
    for channel in range(shown):
        place = (1 - 0.05 * (shown - 1 - channel), 1.04)
        name, color = f"$x_{{{channel}}}$", _X_COLORS[channel]
        axes.text(*place, name, color=color, fontsize=8, ha="right", transform=axes.transAxes)


def _line_height(line: tuple[str, str]) -> float:
    return _FRACTION_LINE if r"\dfrac" in line[0] else _TEXT_LINE


def _plot_series(axes: Any, series: np.ndarray, colors: Sequence[str]) -> None:
    width = 1.0 if series.shape[-1] <= 512 else 0.7
    for channel, values in enumerate(series):
        axes.plot(values, color=colors[channel % len(colors)], linewidth=width, alpha=0.9)
    axes.set_xlim(0, max(series.shape[-1] - 1, 1))
    axes.margins(y=0.08)
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=6, integer=True)
    axes.tick_params(labelsize=7, color="#c4c9d0", labelcolor="#4b5563", length=2.5)
    axes.grid(True, color="#eceff2", linewidth=0.7)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color("#c4c9d0")


def _scaling_text(pair: _Pair) -> str:
    """How y follows from f, which the formula above gives."""
    several = len(pair.trees) > 1
    parts = []
    for k, (scale, shift) in enumerate(zip(pair.y_scale, pair.y_shift, strict=True)):
        index = f"_{{{k}}}" if several else ""
        sign = "-" if shift < 0 else "+"
        numbers = _short(float(scale)), _short(abs(float(shift)))
        parts.append(f"$y{index} = {numbers[0]}\\,f{index} {sign} {numbers[1]}$")
    return "   ".join(parts[:3]) + (" ..." if len(parts) > 3 else "")


def _short(value: float) -> str:
    text = f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa} \\times 10^{{{int(exponent)}}}" if exponent else text


def _formula_lines(pair: _Pair, protected: bool) -> list[tuple[str, str]]:
    """Lines of math text and their colours: one formula per output."""
    several = len(pair.trees) > 1
    out: list[tuple[str, str]] = []
    for k, tree in enumerate(pair.trees):
        start = f"f_{{{k}}} = " if several else "f(x) = "
        color = _Y_COLORS[k % len(_Y_COLORS)] if several else "#111827"
        out += [(line, color) for line in _wrap(start, to_math(tree, protected))]
    return out or [("no expression", "#6b7280")]


def _wrap(start: str, pieces: list[str]) -> list[str]:
    """Lines of math text, broken between pieces."""
    lines, current = [], start
    for piece in pieces:
        if current != start and _measure(current + piece) > _WIDTH - _LEFT - _RIGHT:
            lines.append(current)
            current = r"\qquad "
        current += piece
    lines.append(current)
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], lines[_MAX_LINES - 1] + r"\;\ldots"]
    return [f"${line}$" for line in lines]


def _measure(text: str) -> float:
    """Width of a line of math text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    font = FontProperties(size=_FONT_SIZE)
    return MathTextParser("path").parse(f"${text}$", dpi=72, prop=font)[0] / 72


def _letters(text: str) -> int:
    """About how many letters wide a piece of math text is."""
    count, inside = 0, False
    for letter in text:
        if letter == "\\":
            inside, count = True, count + 1
        elif inside and letter.isalpha():
            count += 1 if letter not in "dfracsqrto" else 0
        else:
            inside = False
            count += letter not in "{}_^$"
    return count


# Formulas as math text, in pieces between which a line may end.

_SUM, _PRODUCT, _APPLIED, _ATOM = 1, 2, 3, 4
_ONE_OVER = r"\dfrac{1}"
_FUNCTIONS = {
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "arcsin": r"\arcsin", "arccos": r"\arccos",
    "arctan": r"\arctan", "tanh": r"\tanh", "log": r"\log", "exp": r"\exp",
}  # fmt: skip
_NAMES = {"e": "e", "pi": r"\pi", "euler_gamma": r"\gamma"}


class _Math(NamedTuple):
    """Pieces of a formula without its sign, and how tightly they hold together."""

    pieces: list[str]
    level: int
    negative: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_fraction(self) -> bool:
        return self.text.startswith(_ONE_OVER)

    @property
    def signed(self) -> list[str]:
        """The pieces with their sign."""
        return ["{-}" + self.pieces[0], *self.pieces[1:]] if self.negative else self.pieces

    @property
    def is_short(self) -> bool:
        return _letters(self.text) <= _SHORT and "frac" not in self.text

    def inside(self, left: str, right: str) -> list[str]:
        """The signed pieces between brackets."""
        first, *rest = self.signed
        pieces = [left + first, *rest]
        return [*pieces[:-1], pieces[-1] + right]

    def at_least(self, level: int) -> "_Math":
        """The same in parentheses unless it holds together that tightly; signs stay outside."""
        if self.level >= level:
            return self
        plain = _Math(self.pieces, self.level)
        return _Math(plain.inside("(", ")"), _ATOM, self.negative)


def to_math(tree: Any, protected: bool = True) -> list[str]:
    """Pieces of math text of an expression, as `corpus._tokens.to_trees` gives it.

    Args:
        tree: For example `("add", Number(59, -1), ("sin", "x_0"))`.
        protected: Whether `log`, `sqrt` and `pow` take an absolute value; the formula says so.

    Example:
        >>> "".join(to_math(("add", Number(59, -1), ("mul", Number(-2, 0), ("sin", "x_0")))))
        '{-}2\\\\,\\\\sin(x_{0}) + 5.9'
    """
    return _math(tree, protected).signed


def _math(tree: Any, protected: bool) -> _Math:
    if isinstance(tree, Number):
        return _number(tree)
    if isinstance(tree, str):
        name, _, index = tree.partition("_")
        return _Math([f"x_{{{index}}}" if name == "x" else _NAMES[tree]], _ATOM)
    name, *operands = tree
    parts = [_math(operand, protected) for operand in operands]
    if name in ("add", "sub"):
        return _sum(name, *parts, moved=isinstance(operands[0], Number))
    if name == "mul" and isinstance(operands[0], Number) and operands[1][0] == "inv":
        scale, (first, *rest) = parts[0], parts[1].pieces
        if parts[1].is_fraction:
            return _Math([first.replace("{1}", f"{{{scale.text}}}", 1)], _ATOM, scale.negative)
        return _Math([scale.text + first[1:], *rest], _PRODUCT, scale.negative)
    if name in ("mul", "div"):
        return _product(name, *parts, scaled=isinstance(operands[0], Number))
    if name == "neg":
        part = parts[0].at_least(_PRODUCT)
        return part._replace(negative=not part.negative)
    return _apply(name, parts, protected)


def _number(number: Number) -> _Math:
    value = abs(Decimal(number.mantissa).scaleb(number.exponent))
    text = f"{value.normalize():f}" if Decimal("1e-6") < value < Decimal("1e7") else None
    if text is None and value:
        digits, power = f"{value.normalize():e}".split("e")
        text = f"{digits} \\times 10^{{{int(power)}}}"
    return _Math([text or "0"], _ATOM, number.mantissa < 0)


def _sum(name: str, left: _Math, right: _Math, moved: bool) -> _Math:
    if moved and name == "add":  # a bias is read last
        left, right = right, left
    minus = (name == "sub") != right.negative
    right = right.at_least(_PRODUCT) if name == "sub" or right.negative else right
    first = right.pieces[0]
    if first.startswith("{-}"):  # a sum that starts with a minus, added
        first, minus = first[3:], True
    sign = " - " if minus else " + "
    return _Math([*left.signed, sign + first, *right.pieces[1:]], _SUM)


def _product(name: str, left: _Math, right: _Math, scaled: bool) -> _Math:
    negative = left.negative != right.negative
    left = left.at_least(_PRODUCT)
    if name == "div":
        right = right.at_least(_APPLIED)
        sign = " / "
    else:
        right = right.at_least(_PRODUCT)
        starts_with_digit = right.pieces[0][:1].isdigit()
        sign = r"\," if scaled and not starts_with_digit else r" \cdot "
    if sign == r"\,":  # a coefficient stays with what it multiplies
        joined = [left.text + sign + right.pieces[0], *right.pieces[1:]]
    else:
        joined = [*left.pieces, sign + right.pieces[0], *right.pieces[1:]]
    return _Math(joined, _PRODUCT, negative)


def _apply(name: str, parts: list[_Math], protected: bool) -> _Math:
    """Everything that is no sum or product."""
    part = parts[0]
    bars = protected and any(op.name == name and op.protects for op in TABLE)
    if name == "abs":
        return _Math(_Math(part.signed, _SUM).inside("|", "|"), _ATOM)
    if name == "inv":
        if part.is_short:
            return _Math([f"{_ONE_OVER}{{{''.join(part.signed)}}}"], _ATOM)
        return _Math(_Math(part.signed, _SUM).inside("1/(", ")"), _PRODUCT)
    if name in ("pow2", "pow3", "pow"):
        power = name[3:] or "".join(parts[1].signed)
        base = _base(part, bars)
        return _Math([*base[:-1], f"{base[-1]}^{{{power}}}"], _APPLIED)
    if name == "sqrt":
        if part.is_short:
            inner = "".join(part.signed)
            return _Math([f"\\sqrt{{|{inner}|}}" if bars else f"\\sqrt{{{inner}}}"], _ATOM)
        base = _base(part, bars)
        return _Math([*base[:-1], base[-1] + "^{1/2}"], _APPLIED)
    if name == "exp" and _letters(part.text) <= 12 and "frac" not in part.text:
        return _Math([f"e^{{{''.join(part.signed)}}}"], _APPLIED)
    left, right = ("|", "|") if bars else ("(", ")")
    word = _FUNCTIONS.get(name, f"\\mathrm{{{name}}}")
    return _Math(part.inside(word + left, right), _APPLIED)


def _base(part: _Math, bars: bool) -> list[str]:
    """The base of a power."""
    if bars:
        return part.inside("|", "|")
    is_plain = part.level == _ATOM and not part.negative and "frac" not in part.text
    return part.pieces if is_plain else part.inside("(", ")")
