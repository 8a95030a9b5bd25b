"""A census of solutions: how many settle, turn, repeat themselves or are chaotic, by form."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from s2jax.core import checks
from s2jax.ode._classify import CLASSES, MIN_LENGTH, MODULATED, TRANSIENT, classify
from s2jax.ode._companion import follow
from s2jax.ode.dynamics import name_forms
from s2jax.programs import skeleton_hash
from s2jax.programs.reads import reads_past

_NORMAL_QUANTILE = 1.959964  # of 0.975
_MANY_TURNS = 4
ONE_TURN, MANY, CHAOTIC = "at most one turn", "at least 4 turns", "chaotic"
HEADS = {
    ONE_TURN: "<= 1 turn", MANY: ">= 4 turns", **{name: name for name in CLASSES}, CHAOTIC: CHAOTIC,
}  # fmt: skip
"""What is counted, and the heads of its columns."""


class Share(NamedTuple):
    """A share of rows, with its 95 % interval by Wilson.

    Attributes:
        count, number: So many of so many rows.
        value: Their ratio; NaN of no rows.
        low, high: The interval; 0 and 1 of no rows.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """

    count: int
    number: int
    value: float
    low: float
    high: float


class CensusRows(NamedTuple):
    """What each row of a census is.

    Attributes:
        index: Its number in the batch.
        form: The name of its form of equation.
        dimension: How many states it uses.
        kind: The class of its samples; see `Census`.
        turns: Turning points of the state that has most of them.
        is_audited: Whether it is known if it is chaotic.
        is_chaotic: Whether it is, if that is known.
        growth: The logarithm of what the distance of its companion grew by in three spans; NaN of a
            row that had none.
        system: A number that is the same of systems with one normal form.
    """

    index: Int[np.ndarray, " rows"]
    form: np.ndarray
    dimension: Int[np.ndarray, " rows"]
    kind: np.ndarray
    turns: Int[np.ndarray, " rows"]
    is_audited: Bool[np.ndarray, " rows"]
    is_chaotic: Bool[np.ndarray, " rows"]
    growth: Float[np.ndarray, " rows"]
    system: np.ndarray


class Census:
    """Shares of solutions by what they do; `census` makes it, and `print` shows it as a table.

    Classes are told from the samples alone, by the first rule that applies:

    - `settled`: the range of the last quarter is below 2 % of the range, in every state.
    - `monotone`: at most one turning point in any state, `few turns`: two or three. Wiggles below
      0.5 % of a state's range are no turns.
    - `transient`: the swing grows or decays all the time.
    - `periodic`: the second half repeats itself, or the whole does.
    - `modulated`: all else; quasi-periodic solutions and chaotic ones too.

    Attributes:
        rows: What each usable row is.
        length: Points of the series.
        total: Shares of all rows by what is counted: "at most one turn", "at least 4 turns", the
            classes, and "chaotic", which is a share of the audited rows.
        by_form, by_dimension: The same for each name of a form, and for each number of states.
        num_systems: How many systems of equations differ as normal forms, in which all coefficients
            are free, as `skeleton_hash(normal=True)` has them.

    Example:
        >>> import jax, s2jax
        >>> config = s2jax.presets.ode(length=64, num_inputs=0)
        >>> found = s2jax.ode.census(s2jax.sample(jax.random.key(0), config, 16), audit=0)
        >>> sum(found.total[name].count for name in s2jax.ode.CLASSES)
        16
        >>> found.rows.turns.shape, found.num_systems <= 16
        ((16,), True)
    """

    def __init__(self, rows: CensusRows, length: int):
        self.rows, self.length = rows, length
        self.total = _count(rows)
        self.by_form = _by(rows, rows.form)
        self.by_dimension = dict(sorted(_by(rows, rows.dimension).items()))
        self.num_systems = len(np.unique(rows.system))

    def __str__(self) -> str:
        number, audited = self.rows.index.size, self.total[CHAOTIC].number
        lines = [f"{number} rows of {self.length} points", ""]
        for name, one in self.total.items():
            interval = f"{_percent(one.low)} to {_percent(one.high)}"
            lines.append(f"{name:18s}{_percent(one.value):>7s} %   ({interval})")
        lines[-1] += f"   of {audited} audited rows"
        lines += [f"{'distinct systems':18s}{self.num_systems:7d}     of {number}"]
        for title, groups in (("form", self.by_form), ("states", self.by_dimension)):
            cells = [[title, "rows", *HEADS.values()], *_cells(groups, _short)]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            lines += ["", *(_aligned(line, widths) for line in cells)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Census of {self.rows.index.size} rows>"

    def to_markdown(self) -> str:
        """A table of all rows and of each form, in percent with intervals, for a page.

        Example:
            >>> import jax, s2jax
            >>> config = s2jax.presets.ode(length=64, num_inputs=0)
            >>> found = s2jax.ode.census(s2jax.sample(jax.random.key(0), config, 16), audit=0)
            >>> found.to_markdown().splitlines()[0][:44]
            '| form | rows | <= 1 turn | >= 4 turns | set'
        """
        return table_of_shares({"all": self.total, **self.by_form})


@checks.suggest_names()
def census(batch: Any, *, audit: int | None = None) -> Census:
    """Count what the solutions of a batch do.

    Whether a solution is chaotic cannot be told from a few hundred samples. So rows that are
    transient or modulated are followed on over four further spans beside a companion, by the very
    programs of the batch. One looks chaotic if the companion leaves it: if behind the first of
    these spans its distance, put back at each step, has grown by more than exp(2.5), and by
    exp(0.08) for every two turns, of which there are at least 12. It is called chaotic if the same
    is seen over eight spans in shorter steps: behind the first two, exp(5), exp(0.05) and 24 turns.
    Rows of all other classes are not chaotic. It is not known of rows that read inputs or states
    at delayed times, are noisy, or look chaotic where no steps are accurate: they are not audited.

    Args:
        batch: Solutions of differential equations, as `sample` draws them. Rows that are not
            usable are passed over.
        audit: How many rows, the first ones, are audited; None is all of them.

    Returns:
        The census, of NumPy arrays.

    Raises:
        TypeError: If `audit` is no integer.
        ValueError: If the target of the batch is algebraic, it has less than 16 points, no row of
            it is usable, or `audit` is negative.

    Example:
        >>> import jax, s2jax
        >>> config = s2jax.presets.ode(length=64, num_inputs=0)
        >>> found = census(s2jax.sample(jax.random.key(0), config, 16), audit=0)
        >>> found.total["at most one turn"].number, found.total["chaotic"].number
        (16, 0)

    References:
        Benettin, Galgani and Strelcyn (1976), Kolmogorov entropy and numerical experiments, for
        companions that are put back.
    """
    if audit is not None:
        checks.check_static_integer("census", "audit", audit, 0)
    usable = _check_batch(batch)
    batch = jax.tree.map(lambda leaf: leaf[usable], batch)
    used = batch.y_mask
    solved = batch.y if batch.y_clean is None else batch.y_clean
    y = (solved - batch.y_shift[..., None]) / batch.y_scale[..., None]
    y = jnp.where(used[..., None], y, 0)
    found = jax.tree.map(np.asarray, classify(y, used))

    is_noisy = (batch.dynamics.diffusion.length > 0).any(-1)
    reads_more = np.asarray(batch.x_mask.any(-1) | is_noisy | reads_past(batch.program).any(-1))
    place = np.arange(usable.size, dtype=np.int32)
    is_audited = ~reads_more & (place < (usable.size if audit is None else audit))
    chosen = np.flatnonzero(is_audited & np.isin(found.kind, (TRANSIENT, MODULATED)))
    growth, is_chaotic = np.full(usable.size, np.nan, y.dtype), np.zeros(usable.size, bool)
    if chosen.size:
        rows = (batch.program, y, batch.t, batch.dynamics.num_steps, used)
        followed = follow(*jax.tree.map(lambda leaf: leaf[chosen], rows))
        growth[chosen], is_chaotic[chosen] = followed.growth, followed.is_chaotic
        is_audited[chosen] = followed.is_known
    words = np.asarray(skeleton_hash(batch.program, normal=True)).astype(np.uint64).sum(1)
    words &= np.uint64(2**32 - 1)  # of a system, the sum of those of its states
    rows = CensusRows(
        index=usable,
        form=np.array(name_forms(batch.dynamics)),
        dimension=np.asarray(used.sum(-1)),
        kind=np.array(CLASSES)[found.kind],
        turns=found.turns,
        is_audited=is_audited,
        is_chaotic=is_chaotic,
        growth=growth,
        system=words[:, 0] << np.uint64(32) | words[:, 1],
    )
    return Census(rows, y.shape[-1])


def _check_batch(batch: Any) -> Int[np.ndarray, " rows"]:
    """The numbers of the usable rows of a batch that has solutions."""
    if getattr(batch, "dynamics", None) is None:
        raise ValueError(
            "census(batch without `dynamics`): must hold solutions of differential equations, "
            "because their programs are followed on. Draw it with a target such as s2jax.ODE(), as "
            "s2jax.presets.ode has it."
        )
    length = batch.y.shape[-1]
    if length < MIN_LENGTH:
        raise ValueError(
            f"census(batch of {length} points): must have at least {MIN_LENGTH}, because fewer "
            "tell nothing about periods. Raise `length` of the config."
        )
    usable = np.flatnonzero(np.asarray(batch.status) == 0)
    if usable.size == 0:
        raise ValueError(
            f"census(batch of {len(batch.status)} rows): must have a usable row, because shares "
            "are of these. Look at `batch.status`, and draw rows of a config that finds some."
        )
    return usable


def share_of(count: int, number: int) -> Share:
    """So many of so many rows, as a share with its interval."""
    if number == 0:
        return Share(0, 0, math.nan, 0.0, 1.0)
    z, value = _NORMAL_QUANTILE, count / number
    centre = value + z**2 / (2 * number)
    half = z * math.sqrt(value * (1 - value) / number + (z / (2 * number)) ** 2)
    norm = 1 + z**2 / number
    low, high = max((centre - half) / norm, 0.0), min((centre + half) / norm, 1.0)
    return Share(count, number, value, low, high)


def _count(rows: CensusRows) -> dict[str, Share]:
    """Shares of rows by what is counted."""
    counted = {
        ONE_TURN: rows.turns <= 1,
        MANY: rows.turns >= _MANY_TURNS,
        **{name: rows.kind == name for name in CLASSES},
    }
    shares = {name: share_of(int(is_so.sum()), is_so.size) for name, is_so in counted.items()}
    is_chaotic = rows.is_chaotic[rows.is_audited]
    return shares | {CHAOTIC: share_of(int(is_chaotic.sum()), is_chaotic.size)}


def _by(rows: CensusRows, group: np.ndarray) -> dict[Any, dict[str, Share]]:
    """The same of each group of rows, the largest first."""
    names, counts = np.unique(group, return_counts=True)
    ordered = names[np.argsort(-counts, kind="stable")].tolist()
    of = lambda name: CensusRows(*(leaf[group == name] for leaf in rows))
    return {name: _count(of(name)) for name in ordered}


def table_of_shares(groups: Mapping[Any, Mapping[str, Share]]) -> str:
    """Shares of groups as a table in Markdown, in percent with intervals."""
    lines = [["form", "rows", *HEADS.values()], ["---"] * (len(HEADS) + 2), *_cells(groups, _long)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---")


def _cells(groups: Mapping[Any, Mapping[str, Share]], write: Callable[[Share], str]):
    for name, shares in groups.items():
        number = max(one.number for one in shares.values())
        yield [str(name), str(number), *(write(shares[what]) for what in HEADS)]


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _short(share: Share) -> str:
    return _percent(share.value)


def _long(share: Share) -> str:
    """A share and its interval, in few digits; nothing of no rows."""
    if share.number == 0:
        return ""
    value, low, high = (f"{100 * v:.{0 if v >= 0.0995 else 1}f}" for v in share[2:])
    return f"{value} ({low} to {high})"


def _aligned(cells: Sequence[str], widths: Iterable[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest])
