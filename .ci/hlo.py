"""What a program optimised by XLA asks of a GPU: launches, waits of the host, and bytes moved.

A *launch* is an instruction outside of fusions that does work on the device: a fusion, a copy, a
custom call, a sort (which takes several kernels, but counts as one). In a loop whose number of
iterations XLA knows it counts as often.

A *wait* is an iteration of a loop whose number of iterations only the device knows: the host reads
the condition back before it goes on. Such a loop counts as one iteration, because how many it
takes is not in the program: two figures of one program can be compared, and a search that takes
three rounds waits three times as often as is counted. A branch that the device chooses is a wait
too, and its dearest side counts.

The *time* is a model and no measurement: 3 us for a launch, 12 us for a wait, 2.5 TB/s for what
kernels read and write.
"""

import math
import re
from typing import NamedTuple

MICROSECONDS = {"launch": 3.0, "wait": 12.0}
BYTES_PER_MICROSECOND = 2.5e6

_NO_WORK = {
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "opt-barrier",
    "partition-id", "replica-id", "copy-done", "async-done",
}  # fmt: skip
_SIZES = {
    "pred": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "s32": 4, "u32": 4,
    "f32": 4, "s64": 8, "u64": 8, "f64": 8,
}  # fmt: skip
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")


class Instruction(NamedTuple):
    """One line of a program."""

    name: str
    type: str
    opcode: str
    operands: tuple[str, ...]
    line: str

    def called(self, *attributes: str) -> list[str]:
        """The computations that an attribute names."""
        found = []
        for attribute in attributes:
            for names in re.findall(attribute + r"=\{?((?:%[\w.\-]+(?:, )?)+)", self.line):
                found += re.findall(r"%([\w.\-]+)", names)
        return found


class Cost(NamedTuple):
    """What a program asks of a device."""

    launches: float = 0
    waits: float = 0
    bytes: float = 0

    def add(self, other: "Cost", times: float = 1) -> "Cost":
        return Cost(*(a + times * b for a, b in zip(self, other, strict=True)))

    @property
    def microseconds(self) -> dict[str, float]:
        """The terms of the modelled time."""
        return {
            "launches": MICROSECONDS["launch"] * self.launches,
            "waits": MICROSECONDS["wait"] * self.waits,
            "bytes": self.bytes / BYTES_PER_MICROSECOND,
        }


class Program:
    """The computations of a program by name, each a list of instructions."""

    def __init__(self, text: str):
        self.computations: dict[str, list[Instruction]] = {}
        current, self.entry = "", ""
        for line in text.splitlines():
            head = re.match(r"^(ENTRY )?%([\w.\-]+) .*\{\s*$", line)
            if head and not line.startswith(" "):
                current = head[2]
                self.computations[current] = []
                self.entry = current if head[1] else self.entry
            elif line.startswith("}"):
                current = ""
            elif current and " = " in line:
                self.computations[current].append(_parse(line))

    def cost(self, name: str | None = None) -> Cost:
        """Of a computation, with all that it runs; of the whole program by default."""
        body = self.computations[name or self.entry]
        sizes = {one.name: _size(one.type) for one in body}
        total = Cost()
        for one in body:
            if one.opcode == "while":
                trips = _trips(one)
                inner = self.cost(one.called("body")[0])
                total = total.add(inner, trips or 1).add(Cost(waits=0 if trips else 1))
            elif one.opcode == "conditional":
                sides = one.called("branch_computations", "true_computation", "false_computation")
                total = total.add(max((self.cost(side) for side in sides), key=_time))
                total = total.add(Cost(waits=1))
            elif one.opcode in ("call", "async-start") and one.called("to_apply", "calls"):
                total = total.add(self.cost(one.called("to_apply", "calls")[0]))
            elif one.opcode not in _NO_WORK:
                total = total.add(Cost(launches=1, bytes=self._moved(one, sizes)))
        return total

    def loops(self, name: str | None = None, times: float = 1, depth: int = 0):
        """Lines that say where launches come from, loop by loop."""
        body = self.computations[name or self.entry]
        kinds = [one.opcode for one in body if one.opcode not in (*_NO_WORK, "while")]
        label = "program" if name is None else name
        yield f"{'  ' * depth}{label}: {len(kinds)} launches of its own, {times:g} times"
        for one in body:
            if one.opcode == "while":
                trips, source = _trips(one), re.search(r'op_name="([^"]*)"', one.line)
                yield f"{'  ' * depth} loop of {trips or '?'}: {source[1][-90:] if source else ''}"
                yield from self.loops(one.called("body")[0], times * (trips or 1), depth + 1)
            elif one.opcode == "conditional":
                for side in one.called(
                    "branch_computations", "true_computation", "false_computation"
                ):
                    yield from self.loops(side, times, depth + 1)

    def _moved(self, one: Instruction, sizes: dict[str, int]) -> int:
        """Bytes that an instruction reads and writes; of an array that it cuts, the part."""
        if one.opcode == "fusion":
            inner = self.computations[one.called("calls")[0]]
            return _moved_by(inner, [sizes.get(name, 0) for name in one.operands], one.type)
        read = [sizes.get(name, 0) for name in one.operands]
        if one.opcode == "dynamic-slice":
            return 2 * _size(one.type)
        if one.opcode == "dynamic-update-slice":
            return 2 * read[1]
        return _size(one.type) + sum(read)


def _moved_by(inner: list[Instruction], given: list[int], result: str) -> int:
    """Bytes of a fusion: what is only cut out of an operand, or put into a result, counts alone."""
    sizes = {one.name: _size(one.type) for one in inner}
    total, written = 0, _size(result)
    for one in inner:
        if one.opcode == "dynamic-update-slice":
            written += sizes.get(one.operands[1], 0) - _size(one.type)
        if one.opcode != "parameter":
            continue
        readers = [other for other in inner if one.name in other.operands]
        number = int(re.search(r"parameter\((\d+)\)", one.line)[1])  # type: ignore[index]
        cuts = [
            _size(other.type) if other.opcode in ("dynamic-slice", "gather") else 0
            for other in readers
            if other.opcode in ("dynamic-slice", "gather", "dynamic-update-slice")
            and other.operands[0] == one.name
        ]
        full = given[number] if number < len(given) else _size(one.type)
        total += min(full, sum(cuts)) if len(cuts) == len(readers) else full
    return total + max(written, 0)


def _time(cost: Cost) -> float:
    return sum(cost.microseconds.values())


def _trips(one: Instruction) -> int | None:
    found = re.search(r'known_trip_count"?:\{"?n"?:"?(\d+)', one.line)
    return int(found[1]) if found else None


def _size(type_text: str) -> int:
    """Bytes of the arrays of a type."""
    return sum(
        _SIZES.get(kind, 4) * math.prod(int(side) for side in shape.split(",") if side)
        for kind, shape in _ARRAY.findall(type_text)
    )


def _parse(line: str) -> Instruction:
    name, rest = line.strip().removeprefix("ROOT ").split(" = ", 1)
    end = _closing(rest) if rest.startswith("(") else rest.index(" ")
    type_text, rest = rest[:end], rest[end:].strip()
    opcode = rest.split("(", 1)[0]
    inside = rest[len(opcode) : len(opcode) + _closing(rest[len(opcode) :])]
    operands = tuple(re.findall(r"%([\w.\-]+)", inside))
    return Instruction(name.lstrip("%"), type_text, opcode, operands, line)


def _closing(text: str) -> int:
    """Where the first parenthesis of the text ends."""
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position + 1
    return len(text)
