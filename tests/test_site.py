"""The site shows every page, notebook and public module; its check finds what is missing."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import s2jax
from tests.source import parse

ROOT = Path(__file__).parents[1]
NAV = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1]
SHOWN = re.findall(r"(\S+\.md)$", NAV, re.MULTILINE)


def _modules() -> set[str]:
    """Those whose names the script writes pages of."""
    for node in parse((ROOT / "docs" / "make_pages.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES":
            return set(ast.literal_eval(node.value))
    raise AssertionError("docs/make_pages.py has no MODULES")


def test_every_page_is_in_the_navigation() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    for folder in ("notebooks", "examples"):
        pages |= {f"{folder}/{file.stem}.md" for file in (ROOT / folder).glob("*.py")}
    pages |= {f"api/{name}.md" for name in _modules()} | {"index.md", "changelog.md"}
    assert sorted(SHOWN) == sorted(pages)


def test_every_public_module_has_a_page() -> None:
    public = {f"s2jax.{name}" for name in s2jax.__all__ if inspect.ismodule(getattr(s2jax, name))}
    assert _modules() == public | {"s2jax", "s2jax.ode.forms"}


def _check(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / ".ci" / "check_site.py", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_whole_site_passes(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<h1 id="top">A</h1><a href="b.html#here">B</a>')
    (tmp_path / "b.html").write_text('<p id="here"><img src="b.png"></p>')
    (tmp_path / "b.png").write_bytes(b"picture")
    done = _check(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 pages, 2 links and pictures" in done.stdout


@pytest.mark.parametrize(
    "line, message",
    [
        ('<a href="c.html">C</a>', "a.html: no c.html"),
        ('<a href="#there">A</a>', "a.html: nothing is named #there"),
        ('<img src="a.png">', "a.html: no a.png"),
        ('<script src="https://example.org/a.js"></script>', "a.html: loads https://example.org"),
    ],
)
def test_what_is_missing_is_found(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.html").write_text(line + '<a href="a.html">A</a>')
    done = _check(tmp_path)
    assert done.returncode == 1
    assert message in done.stdout
