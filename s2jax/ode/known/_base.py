"""What a row of the catalogue is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

MEANINGS: Mapping[str, str] = {
    "settling": "comes to rest",
    "bistable": "ends in one of two states, at rest or in a cycle; the start decides which",
    "oscillating": "goes to and fro for ever, sooner or later in the same way from every start",
    "conservative": "moves regularly and undamped; every start keeps a motion of its own",
    "chaotic": "never repeats itself; neighbouring starts part exponentially fast",
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

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return tuple(part.split(":")[0].strip() for part in self.equations.split(";"))

    @property
    def right_hand_sides(self) -> tuple[str, ...]:
        """Their derivatives."""
        return tuple(part.split(":")[1].strip() for part in self.equations.split(";"))
