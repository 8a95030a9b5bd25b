"""Forms laid out as tables of numbers, from which rows gather their equations.

A variant is one way to write the equations of a form with so many states. Its texts become
instructions, among which one, the hole, stands for a random expression; numbers that are drawn
stand in it by their index.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from s2jax.laws.given import fold_tree
from s2jax.ode.forms import AbstractForm, Range
from s2jax.programs.operators import ID, OPCODE
from s2jax.programs.program import FIRST_STATE, MAX_INPUTS, TIME, UNUSED, VARIABLE_NAMES
from s2jax.text.lexer import WORDS
from s2jax.text.read_text import read_expression
from s2jax.text.tree import (
    ONE,
    VARIABLES,
    ZERO,
    Instruction,
    Number,
    Operation,
    Parameter,
    Variable,
    instructions,
    prefix,
)

FIELDS = 7  # of an instruction, in the order of `Program`
_SOURCES = 3  # where the numbers of an instruction come from: its value, scale and bias
WIDTH = FIELDS + _SOURCES
FIXED = -1  # no number that is drawn, or no hole
_LEAST, _MOST = 1e-6, 1e6  # of a number that is drawn
_G = re.compile(r"\bg\(([^()]*)\)")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLACEHOLDER = VARIABLE_NAMES[MAX_INPUTS - 1]  # while a text is read


@dataclasses.dataclass(frozen=True, eq=False)
class Templates:
    """All variants of some forms; axes (variants, states) and what else is said.

    Attributes:
        code: Instructions and the sources of their numbers, `(variants, states, nodes, WIDTH)`.
        length: How many instructions there are.
        hole: Which of them is the hole, or `FIXED`.
        reads: Variables that g reads, by number; inputs that a row uses follow them.
        num_reads: How many they are.
        reads_inputs: Whether g reads all inputs of the row too.
        numbers: Laws of numbers, `(variants, numbers, 6)`: low, high, whether it is log-uniform,
            whether it has a sign, which number it is multiplied by, and to which power.
        inputs: How many inputs a variant reads; `FIXED` for all.
        is_integral: Whether derivatives read inputs alone.
        is_still: Whether solutions are monotone: of one state, and nothing reads t or x.
        first, count: Where the variants of a form with so many states are in `order`,
            `(forms, states + 1)`.
        order: Variants as often as they are to be drawn.
    """

    code: Any
    length: Any
    hole: Any
    reads: Any
    num_reads: Any
    reads_inputs: Any
    numbers: Any
    inputs: Any
    is_integral: Any
    is_still: Any
    first: Any
    count: Any
    order: Any

    @property
    def num_nodes(self) -> int:
        """Of the longest equation; the expression takes the place of one of them."""
        return self.code.shape[2] - 1


class _Equation(NamedTuple):
    code: list[Instruction]
    hole: int
    reads: tuple[str, ...]
    variables: frozenset[int]


def owner_of(form: AbstractForm) -> str:
    return f"{type(form).__name__}.equations"


def check_numbers(form: AbstractForm) -> None:
    """Refuse names that mean something else, and laws that are none.

    Raises:
        TypeError: If a law is no `Range`.
        ValueError: If a name is taken, or the ends of a range are none.
    """
    for name, law in form.numbers.items():
        owner = f"{type(form).__name__}.numbers[{name!r}]"
        is_taken = name in WORDS or name in VARIABLES or name in ("g", "x", "y")
        if not isinstance(name, str) or not _NAME.fullmatch(name) or is_taken:
            raise ValueError(
                f"{owner}: its name must be a word of letters, digits and underscores that is no "
                "function, variable or constant. Choose another."
            )
        if not isinstance(law, Range):
            raise TypeError(
                f"{owner}: must be a range, not of type {type(law).__name__}. Pass for example "
                "s2jax.ode.forms.log(0.5, 2.0)."
            )
        ends = law.low, law.high
        least = _LEAST if law.is_log else -_MOST
        if not all(map(math.isfinite, ends)) or not least <= law.low <= law.high <= _MOST:
            kind = "positive " if law.is_log else ""
            raise ValueError(
                f"{owner}: its range {ends} must be two {kind}numbers within {_MOST:g}, the lower "
                "one first. Swap or change them."
            )
        if law.of and (law.of not in form.numbers or form.numbers[law.of].of):
            raise ValueError(
                f"{owner}: is multiplied by {law.of!r}, which must be a number of the form that "
                "is not itself multiplied by another. Name one."
            )


def _read(form: AbstractForm, num_states: int, text: Any, names: Sequence[str]) -> _Equation:
    owner = f"{owner_of(form)}({num_states})"
    if not isinstance(text, str):
        raise TypeError(
            f"{owner}: must return a text for each state, and {text!r} is of type "
            f"{type(text).__name__}. Write for example 'b*tanh(g(y)) - a*y_0'."
        )
    found = _G.findall(text)
    if len(found) > 1 or _PLACEHOLDER in text:
        raise ValueError(
            f"{owner}: {text!r} must hold one random expression g(...) at most, and read inputs "
            f"below {_PLACEHOLDER}. Write the others into equations of their own."
        )
    reads = tuple(word.strip() for word in found[0].split(",")) if found else ()
    for word in reads:
        if word not in ("y", "x") and word not in VARIABLES:
            raise ValueError(
                f"{owner}: g({found[0]}) must read y, x, t or a variable such as y_0, and "
                f"{word!r} is none. Correct the name."
            )
    try:
        tree = read_expression(_G.sub(_PLACEHOLDER, text), names)
    except ValueError as error:
        raise ValueError(f"{owner}: {error}") from None
    hole = Variable(MAX_INPUTS - 1)
    variables = {node.index for node in prefix(tree) if isinstance(node, Variable)}
    mark = lambda word: Operation("neg", (hole,)) if word == hole else word
    code, at = _with_hole(instructions(fold_tree(tree, mark, Operation)))
    variables.discard(hole.index)
    for word in reads:
        if word in VARIABLES:
            variables.add(VARIABLES[word].index)
        elif word == "y":
            variables.update(range(FIRST_STATE, FIRST_STATE + num_states))
    beyond = [v for v in variables if FIRST_STATE + num_states <= v < TIME]
    if beyond:
        raise ValueError(
            f"{owner}: {text!r} must read its {num_states} states alone, and reads "
            f"{VARIABLE_NAMES[beyond[0]]}."
        )
    return _Equation(code, at, reads, frozenset(variables))


def _with_hole(code: list[Instruction]) -> tuple[list[Instruction], int]:
    """The instructions, and where the hole is among them, which has no number of its own."""
    found = [i for i, one in enumerate(code) if one.a == -MAX_INPUTS and one.op == OPCODE["neg"]]
    if not found:
        return code, FIXED
    (at,) = found
    if (code[at].scale, code[at].bias) != (ONE, ZERO):
        # what multiplies the hole is an instruction of its own
        shift = lambda operand: operand + (operand >= at)
        after = [one._replace(a=shift(one.a), b=shift(one.b)) for one in code[at + 1 :]]
        scaled = code[at]._replace(op=ID, a=at, b=at)
        code = [*code[:at], Instruction(OPCODE["neg"], -MAX_INPUTS, -MAX_INPUTS), scaled, *after]
    return code, at


@functools.lru_cache(maxsize=64)
def make_templates(forms: tuple[AbstractForm, ...], most_states: int, num_inputs: int) -> Templates:
    """The tables of these forms, with up to so many states, as NumPy arrays.

    Variants that read an input are left out where there is none.

    Raises:
        TypeError: If a form's equations are no texts.
        ValueError: If they cannot be read, or a name has no law.
    """
    variants: dict[Any, int] = {}
    kept: list[tuple[list[_Equation], list[tuple[str, Range]]]] = []
    order: list[int] = []
    first = np.zeros((len(forms), most_states + 1), np.int32)
    count = np.zeros_like(first)
    for f, form in enumerate(forms):
        check_numbers(form)
        for size in (d for d in form.dimensions if d <= most_states):
            first[f, size] = len(order)
            for texts in form.equations(size):
                key = (f, size, tuple(texts))
                if key not in variants:
                    variant = _variant(form, size, texts)
                    if num_inputs == 0 and _inputs(variant[0]) != 0:
                        continue
                    variants[key] = len(kept)
                    kept.append(variant)
                order.append(variants[key])
            count[f, size] = len(order) - first[f, size]
    return _tables(kept, order, first, count, max(1, most_states))


def _variant(form: AbstractForm, size: int, texts: Any):
    if not isinstance(texts, (list, tuple)) or len(texts) != size:
        raise ValueError(
            f"{owner_of(form)}({size}): must return lists of {size} texts, one for each state, and "
            f"one is {texts!r}."
        )
    used: dict[str, Range] = {}

    def add(name: str) -> None:
        law = form.numbers.get(name) or form.numbers.get(re.sub(r"_\d+$", "", name))
        if law is None or name in used:
            return  # the reader says what is none
        if law.of:
            add(law.of)
        used[name] = law

    for text in texts:
        for name in _NAME.findall(text) if isinstance(text, str) else ():
            add(name)
    return [_read(form, size, text, list(used)) for text in texts], list(used.items())


def _inputs(equations: Sequence[_Equation]) -> int:
    if any("x" in one.reads for one in equations):
        return FIXED
    inputs = [v for one in equations for v in one.variables if v < MAX_INPUTS]
    return 1 + max(inputs, default=-1)


def _tables(kept, order, first, count, num_states: int) -> Templates:
    size = (len(kept), num_states)
    longest = max((len(one.code) for own, _ in kept for one in own), default=1)
    code = np.zeros((*size, longest, WIDTH), np.int32)
    code[..., :] = [*UNUSED, FIXED, FIXED, FIXED]
    length, hole = np.zeros(size, np.int32), np.full(size, FIXED, np.int32)
    words = [[_words(one, len(own)) for one in own] for own, _ in kept]
    reads = np.zeros((*size, max((len(w) for own in words for w in own), default=1) or 1), np.int32)
    num_reads, reads_inputs = np.zeros(size, np.int32), np.zeros(size, bool)
    most = max((len(numbers) for _, numbers in kept), default=0) or 1
    laws = np.zeros((len(kept), most, 6), np.float32)
    laws[:] = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    for v, (own, numbers) in enumerate(kept):
        names = [name for name, _ in numbers]
        for n, (_, law) in enumerate(numbers):
            of = names.index(law.of) if law.of else 0
            power = law.power if law.of else 0.0
            laws[v, n] = [law.low, law.high, law.is_log, law.is_signed, of, power]
        for s, one in enumerate(own):
            length[v, s], hole[v, s] = len(one.code), one.hole
            num_reads[v, s], reads_inputs[v, s] = len(words[v][s]), "x" in one.reads
            reads[v, s, : len(words[v][s])] = words[v][s]
            for n, instruction in enumerate(one.code):
                code[v, s, n] = _numbers(instruction, names)
    inputs = np.array([_inputs(own) for own, _ in kept], np.int32)
    all_read = [frozenset().union(*(one.variables for one in own)) for own, _ in kept]
    no_state = np.array([not any(v >= MAX_INPUTS for v in read) for read in all_read], bool)
    alone = np.array(
        [len(own) == 1 and TIME not in read for (own, _), read in zip(kept, all_read, strict=True)],
        bool,
    )
    return Templates(
        code, length, hole, reads, num_reads, reads_inputs, laws, inputs,
        is_integral=no_state & (inputs == FIXED), is_still=alone & (inputs == 0),
        first=first, count=count, order=np.array(order or [0], np.int32),
    )  # fmt: skip


def _words(one: _Equation, num_states: int) -> list[int]:
    """Variables that g reads but for inputs as a whole, each once."""
    out: dict[int, None] = {}
    for word in one.reads:
        if word == "y":
            out.update(dict.fromkeys(range(FIRST_STATE, FIRST_STATE + num_states)))
        elif word != "x":
            out[VARIABLES[word].index] = None
    return list(out)


def _numbers(code: Instruction, names: Sequence[str]) -> list[int]:
    given = (code.value, code.scale, code.bias)
    pairs = [one if isinstance(one, Number) else (0, 0) for one in given]
    sources = [names.index(one.name) if isinstance(one, Parameter) else FIXED for one in given]
    a, b = pairs[0] if code.op == OPCODE["const"] else (code.a, code.b)
    return [code.op, a, b, *pairs[1], *pairs[2], *sources]
