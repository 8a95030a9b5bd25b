"""What a row of the catalogue is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

MEANINGS: Mapping[str, str] = {
    "settling": "comes to rest, in the same state from everywhere in its box",
    "bistable": "comes to rest, or into a cycle, in one of two states; the start decides",
    "oscillating": "repeats itself sooner or later, in a cycle that does not depend on the start",
    "conservative": "is not damped: moves regularly, and every start keeps a motion of its own",
    "chaotic": "never repeats itself, and neighbouring starts part exponentially fast",
}
"""Every kind of system, and what one of that kind does at the values of its source."""


class Known(NamedTuple):
    """A system of the literature.

    Attributes:
        equations: `name: right-hand side` of each state, separated by `;`. Numbers that stand in
            them are structure and never jittered.
        parameters: The values of the source.
        initial: The range of each initial value.
        duration: The longest span of time drawn.
        kind: What it does with these parameters, one of `MEANINGS`.
        source: Authors, year, journal or book; in parentheses, what is not theirs.
        is_stiff: Whether to solve it by an implicit solver.
    """

    equations: str
    parameters: Mapping[str, float]
    initial: Sequence[tuple[float, float]]
    duration: float
    kind: str
    source: str
    is_stiff: bool = False
