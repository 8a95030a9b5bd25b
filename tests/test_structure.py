"""Imports point one way, and importing the package does nothing but import."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parent.parent / "s2jax"
LAYERS = (
    {"_types", "_version", "_checks", "_forks", "_optional", "_status", "_tiles", "fastmath"},
    {"_part", "_random", "operators"},
    {"inputs", "expressions", "distributions"},
    {"symbols"},
    {"targets", "acceptance", "fit"},
    {"_search", "ode"},
    {"config"},
    {"_reference"},
    {"_rows", "presets", "_serialize"},
    {"generate", "_options"},
    {"stream", "transforms"},
    {"corpus"},
    {"feeds", "exporters", "plotting"},
    {"cli"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def _parts() -> list[tuple[str, pathlib.Path]]:
    own = PACKAGE / "__init__.py"
    files = [path for path in PACKAGE.rglob("*.py") if path != own]
    return [(path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path) for path in files]


def _imported(path: pathlib.Path) -> set[str]:
    """Parts of the package that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "s2jax":
            names |= {alias.name for alias in node.names if alias.name in LEVEL}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("s2jax."):
            names.add(str(node.module).split(".")[1])
    return names


def test_every_part_has_a_layer():
    assert {part for part, _ in _parts()} == set(LEVEL)


def test_imports_point_down():
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for part, path in _parts()
        for name in _imported(path)
        if name != part and LEVEL[name] >= LEVEL[part]
    ]
    assert not wrong, wrong


def test_the_check_bites(tmp_path: pathlib.Path):
    upward = tmp_path / "operators.py"
    upward.write_text("from s2jax import generate\nfrom s2jax.inputs import ARMA\n")
    assert _imported(upward) == {"generate", "inputs"}
    assert all(LEVEL[name] >= LEVEL["operators"] for name in _imported(upward))


def test_nothing_pickles_or_evaluates_text():
    forbidden = ("import pickle", "allow_pickle=True", "sympify", "parse_expr", "eval(", "exec(")
    allowed = ("jax.eval_shape(", "jax.ensure_compile_time_eval(")
    for _, path in _parts():
        text = path.read_text()
        for word in allowed:
            text = text.replace(word, "")
        assert not [word for word in forbidden if word in text], path
