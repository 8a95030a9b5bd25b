"""The table of random streams: no two uses of a key read the same part of it."""

import ast
import itertools
import pathlib

import jax.numpy as jnp
import pytest

import s2jax
from s2jax.core import streams
from s2jax.core.streams import EQUATIONS, FOLDED, ROW, ROW_INPUT, TRY_BITS, named
from s2jax.programs.program import MAX_STATES
from s2jax.targets import AbstractPointwise, Acceptance
from tests.source import parse

PACKAGE = pathlib.Path(__file__).parent.parent / "s2jax"
LAST_TRY = 2**TRY_BITS - 1
LAST_OUTPUT = AbstractPointwise.most_outputs - 1
of_expression = lambda output, number: int(streams.of_expression(output, jnp.int32(number)))
of_equations = lambda number, part: int(streams.of_equations(jnp.int32(number), part))
OF_ROWS = {FOLDED, ROW, named("choice", "family")}


def test_tries_have_numbers_of_their_own():
    """The largest number of tries and of outputs that a configuration may have."""
    Acceptance(max_tries=2**TRY_BITS)
    with pytest.raises(ValueError, match="max_tries"):
        Acceptance(max_tries=2**TRY_BITS + 1)
    assert of_expression(LAST_OUTPUT, LAST_TRY) < 2**31 - 1  # they are int32 where they are drawn


def test_streams_of_a_row_are_disjoint():
    tries = [0, 1, 2, 63, 64, LAST_TRY - 1, LAST_TRY]
    outputs = [0, 1, 2, LAST_OUTPUT - 1, LAST_OUTPUT]
    expressions = [of_expression(*which) for which in itertools.product(outputs, tries)]
    assert len(set(expressions)) == len(expressions)
    assert not OF_ROWS & set(expressions)
    # what increases by 1 in between has no stream twice
    assert of_expression(0, LAST_TRY) < of_expression(1, 0)

    parts = range(MAX_STATES + 2)  # programs of the states, numbers of the form, what is drawn once
    equations = [of_equations(number, part) for number in tries for part in parts]
    assert len(set(equations)) == len(equations)
    assert not (OF_ROWS | {EQUATIONS}) & set(equations)
    assert max(equations) < 2**31


def test_channels_and_whole_rows_have_keys_of_their_own():
    with pytest.raises(ValueError, match="num_inputs"):
        s2jax.Config(num_inputs=ROW_INPUT)
    assert ROW_INPUT < 2**32


def test_names_have_streams_above_all_numbers():
    names = [named(scope, f"name {i}") for scope in ("law", "series") for i in range(500)]
    assert len(set(names)) == len(names)
    assert min(names) >= 2**31 > of_expression(LAST_OUTPUT, LAST_TRY)


def find_terms(node: ast.expr) -> list[ast.expr]:
    """What a number is added up from."""
    if isinstance(node, ast.BinOp):
        return [*find_terms(node.left), *find_terms(node.right)]
    return [node]


def find_bare_numbers(text: str) -> list[int]:
    """Lines on which a stream is a number instead of a word of the table."""
    lines = []
    for node in ast.walk(parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id not in ("random_bits", "fold_in"):
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg in ("stream", "data")]
        given += node.args[2:3] if node.func.id == "random_bits" else node.args[1:2]
        terms = [term for one in given for term in find_terms(one)]
        if any(isinstance(term, ast.Constant) for term in terms):
            lines.append(node.lineno)
    return lines


def test_streams_are_words_of_the_table():
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "streams.py"]
    wrong = {path.name: lines for path in files if (lines := find_bare_numbers(path.read_text()))}
    assert not wrong, wrong


def test_the_check_of_bare_numbers_bites():
    lines = (
        "random_bits(w, 4, 1)", "random_bits(w, 4, ROW)", "random_bits(w, 4, of_equations(n, 1))",
        "fold_in(w, 2 + i)", "random_bits(w, 4, stream=3)",
    )  # fmt: skip
    assert find_bare_numbers("\n".join(lines)) == [1, 4, 5]
