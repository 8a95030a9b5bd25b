"""An unused output keeps its place in every notation, wherever it stands."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pyarrow as pa
import pytest

import s2jax
from s2jax.corpus import Corpus
from s2jax.corpus.tokens import ragged
from s2jax.programs import Program
from s2jax.text import tree
from s2jax.text.tree import Operation, Variable

PATTERNS = list(itertools.product([True, False], repeat=4))
TREES = [Operation("sin", (Variable(k),)) for k in range(4)]
ROWS = [[t if u else None for t, u in zip(TREES, used, strict=True)] for used in PATTERNS]


@pytest.fixture(scope="module")
def program() -> Program:
    return tree.to_programs(ROWS, False)


def same(one: Program, other: Program) -> bool:
    leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(a, b) for a, b in leaves)


@pytest.mark.parametrize("style", ["reference", "prefix", "sympy"])
def test_every_pattern_comes_back_from_text(program: Program, style: str) -> None:
    texts = s2jax.to_text(program, style)
    assert len(set(texts)) == len(PATTERNS)
    assert same(s2jax.from_text(texts), program)
    for text, used, row in zip(texts, PATTERNS, range(len(texts)), strict=True):
        alone = s2jax.from_text(text)
        width = max(k + 1 if u else 1 for k, u in enumerate(used))
        assert alone.shape == (width,)
        assert same(alone, program[row, :width])


def test_every_pattern_comes_back_from_tokens(program: Program) -> None:
    tokens = s2jax.to_tokens(program)
    again, status = s2jax.from_tokens(tokens.ids, num_outputs=4, num_nodes=1)
    assert not np.any(tokens.status)
    assert not np.any(status)
    assert same(again, program)
    assert len({tuple(ids) for ids in np.asarray(tokens.ids).tolist()}) == len(PATTERNS)


def test_every_pattern_comes_back_from_sympy_and_is_0_in_latex(program: Program) -> None:
    assert same(s2jax.from_sympy(s2jax.to_sympy(program)), program)
    shown = [[text == "0" for text in row] for row in s2jax.to_latex(program)]
    np.testing.assert_array_equal(shown, ~np.array(PATTERNS))
    unused = (np.asarray(s2jax.skeleton_hash(program)) == 0).all(-1)
    np.testing.assert_array_equal(unused, ~np.array(PATTERNS))


def test_every_pattern_comes_back_from_the_columns_of_a_corpus(program: Program) -> None:
    ids, offsets = ragged(s2jax.to_tokens(program))
    texts = pa.array(s2jax.to_text(program), pa.string())
    lists = pa.ListArray.from_arrays(offsets, ids)
    table = pa.table({"id": np.arange(len(PATTERNS)), "tokens": lists, "expression": texts})
    target = SimpleNamespace(protected=False)
    reader = SimpleNamespace(
        vocabulary=s2jax.Vocabulary(),
        known_config=SimpleNamespace(target=target),
        path=Path("here"),
    )
    found = np.array(PATTERNS)
    again = Corpus._programs(reader, table, "tokens", found, 1)  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.length, program.length)
    np.testing.assert_array_equal(np.asarray(again.a)[found], np.asarray(program.a)[found])
    assert same(s2jax.from_text(table["expression"].to_pylist()), program)


def test_the_number_0_is_no_unused_output() -> None:
    number = s2jax.from_text(["0.0 | x_0", "0 | x_0"])
    np.testing.assert_array_equal(number.length, [[1, 1], [0, 1]])
    for style in ("reference", "prefix", "sympy"):
        assert same(s2jax.from_text(s2jax.to_text(number, style)), number)
    np.testing.assert_array_equal(s2jax.evaluate(number, np.ones((2, 1, 8), np.float32))[:, 0], 0)


def test_expressions_of_a_program_are_the_used_ones(program: Program) -> None:
    law = s2jax.GivenLaw(program[4:6])
    used = [k for row in PATTERNS[4:6] for k in range(4) if row[k]]
    assert law.alternatives == tuple(f"sin(x_{k})" for k in used)
