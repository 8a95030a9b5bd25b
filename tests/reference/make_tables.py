"""Tabulate the expression law of the reference sampler, s2generator 0.0.23.

Writes `expression_law.json` beside this file: counts over random expressions drawn by the reference
itself, which the test-suite compares with the law of s2jax. This is the only file that imports
s2generator; the suite reads the JSON and needs no reference installed.

    python tests/reference/make_tables.py [--rows 40000] [--seed 20250123] [--output FILE]

Every expression is read from the reference's tree, never from its text. Affine constants are told
apart from leaf constants by undoing, node by node, the rule by which the reference inserts them.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from s2generator.symbol import SeriesSymbolGenerator
from s2generator.symbol.params import SymbolParams

INPUT_DIMENSIONS = (1, 2, 3)
SHAPE_SIZES = (3, 4)
MANTISSA_BIN = 50
MAX_UNARY_DEPTH = 6
NO_DIFF = "div_0,arcsin_0,arccos_0,tan_0.2,arctan_0.2,sqrt_5,pow2_3,inv_3,diff_0"
BINARY = {"add", "sub", "mul", "div"}
ABOUT = {
    "settings": (
        "output_dimension 1; prob_rand 0; weight of diff 0; the accidental '' constant removed by "
        "emptying extra_constants, so that leaf constants are uniform over 23 and no expression is "
        "lost; otherwise the defaults of SymbolParams"
    ),
    "counts": (
        "every table maps a cell to a count; unless said otherwise one count per expression. leaf "
        "and unary_leaves count several times in one expression, and these are dependent: a "
        "chi-square test wants first_leaf, last_leaf and first_unary_leaves. Operator names are "
        "independent draws"
    ),
    "binary": "number of binary operators of the sampled tree (affine constants undone)",
    "unary": "number of unary operators",
    "joint": "'binary,unary'",
    "length": "prefix length in tokens, affine constants included",
    "affine": "number of constants drawn by generate_float",
    "affine_by_operators": "'binary,unary,affine'",
    "variables_used": "number of distinct variables in the expression",
    "variables_by_binary": "'binary,distinct variables'",
    "unary_name": "one count per unary operator",
    "binary_name": "one count per binary operator",
    "leaf": "one count per leaf of the sampled tree",
    "first_leaf": "leftmost leaf of the sampled tree",
    "last_leaf": "rightmost leaf of the sampled tree",
    "leaf_constants": "number of leaves that are constants",
    "shape_3": "prefix arity word without unaries, of expressions with 3 binary operators",
    "shape_4": "the same for 4 binary operators",
    "unary_leaves": "one count per unary operator: leaves of the sub-tree below it",
    "first_unary_leaves": "the same for the first unary in prefix order, expressions with a unary",
    "eligible_and_kept": "'nodes where a unary may go, unaries present'",
    "sign": "generate_float called directly: -1 or 1",
    "mantissa": f"the same: (mantissa - 1) // {MANTISSA_BIN}, mantissa in 1..999",
    "exponent": "the same: power of ten",
}


class Affine(NamedTuple):
    """A sampled tree with the affine constants taken out, and those constants."""

    tree: "Tree"
    constants: tuple[str, ...]


class Tree(NamedTuple):
    """A node of the sampled expression: its word and its operands."""

    word: str
    children: tuple["Tree", ...] = ()

    def nodes(self) -> Iterator["Tree"]:
        """Yield this node and all below it, in prefix order."""
        yield self
        for child in self.children:
            yield from child.nodes()

    def num_leaves(self) -> int:
        """Return the number of leaves at or below this node."""
        return sum(not node.children for node in self.nodes())

    def arities(self) -> str:
        """Prefix word of '2' and '0', unaries skipped."""
        arity = {0: "0", 1: "", 2: "2"}
        return "".join(arity[len(node.children)] for node in self.nodes())


class RecordingState(np.random.RandomState):
    """A RandomState that remembers what `choice` and `randint` returned.

    Mantissa and exponent cannot be read back from a constant: 1.0 is 10e-1 as well as 100e-2.
    """

    def __init__(self, seed: list[int]) -> None:
        super().__init__(seed)
        self.drawn: list[int] = []

    def choice(self, *args: Any, **kwargs: Any) -> Any:
        """Draw as the parent does and remember it, not the `randint` it calls inside."""
        num_before = len(self.drawn)
        value = super().choice(*args, **kwargs)
        self.drawn[num_before:] = [int(value)]
        return value

    def randint(self, *args: Any, **kwargs: Any) -> Any:
        """Draw as the parent does and remember it."""
        value = super().randint(*args, **kwargs)
        self.drawn.append(int(value))
        return value


def make_generator() -> SeriesSymbolGenerator:
    """Return the reference sampler with the settings named in `ABOUT`."""
    params = SymbolParams(
        prob_rand=0.0, operators_to_downsample=NO_DIFF, max_unary_depth=MAX_UNARY_DEPTH
    )
    generator = SeriesSymbolGenerator(symbol_params=params)
    generator.extra_constants = []
    return generator


def split_affine(node: Any) -> tuple[str, Any]:
    """Split `mul a rest` or `add a rest` into its constant and the rest."""
    constant, rest = node.children
    assert not constant.children, constant.value
    assert "." in constant.value, constant.value
    return str(constant.value), rest


def undo_affine(root: Any) -> Affine:
    """Return the tree as sampled, before the reference added its affine constants.

    The root always carries `add a`, and `mul b` as well if nothing else was added, which is so
    exactly when the tree has neither add, sub nor a unary.
    """
    assert root.value == "add"
    constant, rest = split_affine(root)
    constants = [constant]
    words = {node.value for node in walk(rest) if node.children}
    if words <= {"mul"}:
        assert rest.value == "mul"
        constant, rest = split_affine(rest)
        constants.append(constant)
    tree = undo_below(rest, constants)
    assert not any("." in node.word for node in tree.nodes())
    return Affine(tree, tuple(constants))


def undo_below(node: Any, constants: list[str]) -> Tree:
    """Undo the constants below `node`, which is a node of the sampled tree itself."""
    children = list(node.children)
    if node.value in ("add", "sub"):
        for i, child in enumerate(children):
            if child.value not in ("add", "sub"):
                constant, children[i] = split_affine(child)
                constants.append(constant)
    elif len(children) == 1:
        # A sampled add never has a bare leaf as first operand: its leaves carry `mul a`.
        child = children[0]
        if child.value == "add" and not child.children[0].children:
            shift, product = split_affine(child)
            assert product.value == "mul"
            scale, children[0] = split_affine(product)
            constants += [shift, scale]
    return Tree(str(node.value), tuple(undo_below(child, constants) for child in children))


def walk(node: Any) -> Iterator[Any]:
    """Yield the nodes of a reference tree in prefix order."""
    yield node
    for child in node.children:
        yield from walk(child)


def num_eligible(tree: Tree) -> int:
    """Return how many non-root nodes of the binary tree have < `MAX_UNARY_DEPTH` tokens."""
    binary_nodes = [node for node in tree.nodes() if len(node.children) != 1]
    return sum(2 * node.num_leaves() - 1 < MAX_UNARY_DEPTH for node in binary_nodes[1:])


def count_expression(root: Any, tables: dict[str, Counter[str]]) -> None:
    """Add one expression of the reference to the tables."""
    tree, constants = undo_affine(root)
    nodes = list(tree.nodes())
    leaves = [node.word for node in nodes if not node.children]
    unaries = [node for node in nodes if len(node.children) == 1]
    binaries = [node.word for node in nodes if len(node.children) == 2]
    length = sum(1 for _ in walk(root))
    b, u, c = len(binaries), len(unaries), len(constants)
    assert length == len(nodes) + 2 * c
    assert set(binaries) <= BINARY
    variables = [leaf for leaf in leaves if leaf.startswith("x_")]
    num_variables = len(set(variables))

    tables["binary"][str(b)] += 1
    tables["unary"][str(u)] += 1
    tables["joint"][f"{b},{u}"] += 1
    tables["length"][str(length)] += 1
    tables["affine"][str(c)] += 1
    tables["affine_by_operators"][f"{b},{u},{c}"] += 1
    tables["variables_used"][str(num_variables)] += 1
    tables["variables_by_binary"][f"{b},{num_variables}"] += 1
    tables["unary_name"].update(node.word for node in unaries)
    tables["binary_name"].update(binaries)
    tables["leaf"].update(leaves)
    tables["first_leaf"][leaves[0]] += 1
    tables["last_leaf"][leaves[-1]] += 1
    tables["leaf_constants"][str(len(leaves) - len(variables))] += 1
    unary_leaves = [str(node.num_leaves()) for node in unaries]
    tables["unary_leaves"].update(unary_leaves)
    tables["first_unary_leaves"].update(unary_leaves[:1])
    tables["eligible_and_kept"][f"{num_eligible(tree)},{u}"] += 1
    if b in SHAPE_SIZES:
        tables[f"shape_{b}"][tree.arities()] += 1


def count_expressions(rows: int, input_dimension: int, seed: int) -> dict[str, Counter[str]]:
    """Return the tables of `rows` expressions in `input_dimension` variables."""
    generator = make_generator()
    rng = np.random.RandomState([seed, input_dimension])
    names = [name for name in ABOUT if name not in ("settings", "counts")]
    tables = {
        name: Counter[str]() for name in names if name not in ("sign", "mantissa", "exponent")
    }
    for _ in range(rows):
        trees: Any = generator.generate_symbolic_expression(rng, input_dimension, 1)[0]
        assert trees is not None
        count_expression(trees.nodes[0], tables)
    return tables


def count_floats(rows: int, seed: int) -> dict[str, Counter[str]]:
    """Return the tables of `rows` constants of `generate_float`."""
    generator = make_generator()
    rng = RecordingState([seed, 0])
    tables = {name: Counter[str]() for name in ("sign", "mantissa", "exponent")}
    for _ in range(rows):
        rng.drawn.clear()
        value = float(generator.generate_float(rng))
        sign, mantissa, exponent = rng.drawn
        assert value == round(sign * mantissa * 10.0**exponent, 6)
        tables["sign"][str(sign)] += 1
        tables["mantissa"][str((mantissa - 1) // MANTISSA_BIN)] += 1
        tables["exponent"][str(exponent)] += 1
    return tables


def to_cells(table: Counter[str]) -> dict[str, int]:
    """Return the table with its cells in a fixed order: numbers by value, then words."""

    def order(cell: str) -> tuple[bool, list[int], str]:
        parts = cell.split(",")
        numeric = all(part.lstrip("-").isdigit() for part in parts)
        return not numeric, [int(part) for part in parts] if numeric else [], cell

    return {cell: table[cell] for cell in sorted(table, key=order)}


def to_json(rows: int, seed: int, sections: dict[str, dict[str, Counter[str]]]) -> str:
    """Return the JSON text, one line per table."""
    about: dict[str, Any] = {"reference": f"s2generator {version('s2generator')}", "rows": rows}
    about |= {"seed": seed, **ABOUT}
    blocks = {"about": about} | {
        section: {name: to_cells(table) for name, table in tables.items()}
        for section, tables in sections.items()
    }
    lines = []
    for section, block in blocks.items():
        entries = [
            f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"
            for name, value in block.items()
        ]
        lines.append(f'"{section}":{{\n' + ",\n".join(entries) + "\n}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=40_000, help="expressions per input dimension")
    parser.add_argument("--seed", type=int, default=20250123, help="same seed, same file")
    default = Path(__file__).with_name("expression_law.json")
    parser.add_argument("--output", type=Path, default=default, help="file to write")
    options = parser.parse_args()

    sections = {"floats": count_floats(options.rows, options.seed)}
    for input_dimension in INPUT_DIMENSIONS:
        tables = count_expressions(options.rows, input_dimension, options.seed)
        sections[f"input_dimension_{input_dimension}"] = tables
    options.output.write_text(to_json(options.rows, options.seed, sections))
    print(f"wrote {options.output}, {options.output.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
