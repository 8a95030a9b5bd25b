"""Imports point one way, and importing the package does nothing but import."""

import ast
import pathlib

from s2jax.core.optional import MODULES
from tests.source import parse

PACKAGE = pathlib.Path(__file__).parent.parent / "s2jax"
LAYERS = (
    {"core"},
    {"distributions", "programs"},
    {"text"},
    {"laws"},
    {"inputs"},
    {"observe"},
    {"targets"},
    {"ode"},
    {"config"},
    {"presets"},
    {"sampling"},
    {"stream", "transforms", "statistics"},
    {"augment", "corpus"},
    {"symtime"},
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
    for node in ast.walk(parse(path.read_text())):
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
    upward = tmp_path / "distributions.py"
    upward.write_text("from s2jax import sampling\nfrom s2jax.inputs import ARMA\n")
    assert _imported(upward) == {"sampling", "inputs"}
    assert all(LEVEL[name] >= LEVEL["distributions"] for name in _imported(upward))


def test_nothing_pickles_or_evaluates_text():
    forbidden = ("import pickle", "allow_pickle=True", "sympify", "parse_expr", "eval(", "exec(")
    allowed = ("jax.eval_shape(", "jax.ensure_compile_time_eval(", "etrieval(")
    for _, path in _parts():
        text = path.read_text()
        for word in allowed:
            text = text.replace(word, "")
        assert not [word for word in forbidden if word in text], path


KINDS_OF_TARGET = {
    "AbstractDifferential", "AbstractPointwise", "AbstractTarget", "Algebraic", "Identity", "ODE",
    "System", "Found", "Outputs",
}  # fmt: skip
OWNERS = {"targets", "ode"}


def _asks_for_kinds(path: pathlib.Path) -> list[int]:
    """Lines on which a file asks of which kind a target is, or what a target found."""
    lines = []
    for node in ast.walk(parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id not in ("isinstance", "issubclass", "type"):
            continue
        words = {
            name
            for argument in node.args
            for part in ast.walk(argument)
            for name in (getattr(part, "id", None), getattr(part, "attr", None))
        }
        if words & KINDS_OF_TARGET or (words & {"target", "outputs", "results"}):
            lines.append(node.lineno)
    return lines


def test_only_targets_know_their_kinds():
    wrong = {
        str(path.relative_to(PACKAGE)): lines
        for part, path in _parts()
        if part not in OWNERS and (lines := _asks_for_kinds(path))
    }
    assert not wrong, wrong


def test_the_check_of_kinds_bites(tmp_path: pathlib.Path):
    asking = tmp_path / "generate.py"
    asking.write_text(
        "if isinstance(config.target, Other):\n    pass\n"
        "if isinstance(rows.outputs, Any):\n    pass\n"
        "if issubclass(kind, (int, s2jax.ODE)):\n    pass\n"
        "if isinstance(config.inputs, Choice):\n    pass\n"
    )
    assert _asks_for_kinds(asking) == [1, 3, 5]


def _private_doors(path: pathlib.Path) -> list[str]:
    """Private modules and names that a file takes from another folder."""
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    doors = []
    for node in ast.walk(parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        package, *modules = node.module.split(".")
        if package == "s2jax" and modules[:1] != [own]:
            names = [*modules, *(alias.name for alias in node.names)]
            private = [name for name in names if name.startswith("_") and not name.endswith("__")]
            doors += [f"{node.module} {name}" for name in private]
    return doors


def test_no_folder_takes_what_is_private_to_another():
    wrong = {str(path): doors for _, path in _parts() if (doors := _private_doors(path))}
    assert not wrong, wrong


def test_the_check_of_private_doors_bites(tmp_path: pathlib.Path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "ode.py").write_text(
        "from s2jax.ode._field import a\nfrom s2jax.text._tree import b\n"
        "from s2jax.text import _form\nfrom s2jax.core.version import __version__\n"
    )
    doors = ["s2jax.text._tree _tree", "s2jax.text _form"]
    assert _private_doors(tmp_path / "ode.py") == doors


def _links(folder: pathlib.Path, package: str) -> dict[str, set[str]]:
    """By file or folder of a folder, those of it that it imports, wherever the import stands."""
    unit = lambda path: path.relative_to(folder).parts[0].removesuffix(".py")
    names = {unit(path) for path in folder.rglob("*.py")}
    links: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        found = links.setdefault(unit(path), set())
        for node in ast.walk(parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == package:
                within = {alias.name for alias in node.names} & names
                found |= within or {"__init__"}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
                found.add(str(node.module).removeprefix(f"{package}.").split(".")[0])
    for name, found in links.items():
        found.discard(name)
    return links


def _circle(links: dict[str, set[str]]) -> list[str]:
    """Files that import each other in a circle, if there are any."""
    left = dict(links)
    while free := [name for name, found in left.items() if not found & set(left)]:
        for name in free:
            del left[name]
    return sorted(left)


def test_no_folder_has_a_circle_of_imports():
    folders = [path for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()]
    circles = {path.name: _circle(_links(path, f"s2jax.{path.name}")) for path in folders}
    assert not any(circles.values()), circles


def test_the_check_of_circles_bites(tmp_path: pathlib.Path):
    (tmp_path / "_a.py").write_text("def late():\n    from s2jax.ode._b import b\n")
    (tmp_path / "_b.py").write_text("from s2jax.ode import _c\n")
    (tmp_path / "_c.py").write_text("if TYPE_CHECKING:\n    from s2jax.ode._a import a\n")
    (tmp_path / "_d.py").write_text("import jax\n")
    assert _circle(_links(tmp_path, "s2jax.ode")) == ["_a", "_b", "_c"]


def _bare_imports(path: pathlib.Path) -> list[str]:
    """Optional libraries that a file imports without saying how to install them."""
    found = []
    for node in ast.walk(parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        found += [name for name in names if name.split(".")[0] in MODULES]
    return found


def test_optional_libraries_come_through_require():
    wrong = {str(path): names for _, path in _parts() if (names := _bare_imports(path))}
    assert not wrong, wrong


def test_the_check_of_optional_libraries_bites(tmp_path: pathlib.Path):
    file = tmp_path / "pictures.py"
    file.write_text("import numpy\ndef draw():\n    from matplotlib.figure import Figure\n")
    assert _bare_imports(file) == ["matplotlib.figure"]
