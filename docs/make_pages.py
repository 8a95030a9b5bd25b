"""The pages of the site: `python docs/make_pages.py` writes them to build/pages, from where
`mkdocs build` makes the site.

They are the pages of docs/ and what stands beside it: README, changelog, examples, notebooks, and
the docstrings of every public name. `S2JAX_SITE_NOTEBOOKS` names a folder with executed notebooks
(`NAME.ipynb`), whose figures the site then shows; without it the site has their text and code.
"""

import functools
import os
import posixpath
import re
import shutil
from pathlib import Path

import griffe
import nbformat
from latex2mathml.converter import convert
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[1]
NOT_SHOWN = ("benchmarks", "tests", ".ci", "s2jax", "LICENSE", "pyproject.toml")
"""Files and folders of the repository that pages name, and that the site has no page of."""
MODULES = (
    "s2jax", "s2jax.presets", "s2jax.inputs", "s2jax.observe", "s2jax.distributions",
    "s2jax.programs", "s2jax.laws", "s2jax.text", "s2jax.operators", "s2jax.targets", "s2jax.ode",
    "s2jax.ode.forms", "s2jax.transforms", "s2jax.augment", "s2jax.statistics", "s2jax.corpus",
    "s2jax.exporters", "s2jax.feeds", "s2jax.plotting", "s2jax.symtime",
)  # fmt: skip
"""Those of docs/reference.md."""
FROM_ROOT = {"index.md": "README.md", "changelog.md": "CHANGELOG.md"}
FIRST = {
    "README.md": "docs/index.md",
    "CHANGELOG.md": "docs/changelog.md",
    "notebooks": "docs/notebooks/from_key_to_pairs.md",
    "examples": "docs/examples/in_the_loop.md",
}
"""Where links to these lead."""
PLACES = {"s2jax.operators": "s2jax.programs.operators"}


def main(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / "docs", out, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    made = {page: (ROOT / source).read_text() for page, source in FROM_ROOT.items()}
    made |= {f"examples/{file.stem}.md": _example(file) for file in _sources("examples")}
    made |= {f"api/{name}.md": _api(name) for name in MODULES}
    for file in _sources("notebooks"):
        text, pictures = _notebook(file)
        made[f"notebooks/{file.stem}.md"] = text
        for name, content in pictures.items():
            _write(out / "notebooks" / f"{file.stem}_files" / name, content)
    for name, text in made.items():
        _write(out / name, text.encode())
    for page in out.rglob("*.md"):
        name = page.relative_to(out).as_posix()
        text = mend_links(page.read_text(), name)
        page.write_text(write_math(text) if name.startswith("zoo/") else text)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


_DISPLAYED = '\n\n<div style="overflow-x: auto">{}</div>\n\n'


def write_math(markdown: str) -> str:
    """Formulas as MathML, which browsers draw without any script; code is left alone."""
    parts = re.split(r"(```.*?```|`[^`\n]+`)", markdown, flags=re.DOTALL)
    for number in range(0, len(parts), 2):
        block = lambda found: _DISPLAYED.format(convert(found[1].strip(), display="block"))
        parts[number] = re.sub(r"\$\$(.+?)\$\$", block, parts[number], flags=re.DOTALL)
        parts[number] = re.sub(r"\$([^$\n]+)\$", lambda found: convert(found[1]), parts[number])
    return "".join(parts)


def mend_links(markdown: str, name: str) -> str:
    """Links that leave docs/ lead to the pages made of their targets, or become plain text."""
    own = posixpath.dirname(name)
    base = "" if name in FROM_ROOT else posixpath.join("docs", own)

    def replace(match: re.Match[str]) -> str:
        mark, words, target, anchor = match.groups()
        if re.match(r"[a-z]+:", target) or not target:
            return match.group()
        place = posixpath.normpath(posixpath.join(base, target))
        place = FIRST.get(place, place)
        if found := re.fullmatch(r"(examples|notebooks)/(\w+)\.py", place):
            place = f"docs/{found[1]}/{found[2]}.md"
        if place.split("/")[0] in NOT_SHOWN:
            return words
        if not place.startswith("docs/"):
            return match.group()
        link = posixpath.relpath(place.removeprefix("docs/"), own or ".")
        return f"{mark}[{words}]({link}{anchor or ''})"

    return re.sub(r"(!?)\[([^\]]+)\]\(([^)\s#]*)(#[^)\s]*)?\)", replace, markdown)


def _sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.py"))


def _example(file: Path) -> str:
    return f"# {file.name}\n\n```python\n{file.read_text()}```\n"


def _api(name: str) -> str:
    """A page with the docstring of every public name of a module."""
    place = PLACES.get(name, name)
    names = _public_names(place)
    entries = "\n\n".join(f"::: {place}.{one}" for one in names)
    return f"# {name}\n\n{entries}\n"


@functools.cache
def _package() -> griffe.Module:
    """The package as its files say; nothing of it is imported."""
    return griffe.load("s2jax", search_paths=[str(ROOT)], resolve_aliases=True)


def _public_names(place: str) -> list[str]:
    """`__all__` of a module, without its submodules, which have pages of their own."""
    inner = place.partition(".")[2]
    module = _package()[inner] if inner else _package()
    shown = [str(one).strip("'\"") for one in module.exports or ()]
    kept = []
    for one in shown:
        if one in module.members and not module[one].is_module and not one.startswith("__"):
            kept.append(one)
    return kept


def _notebook(file: Path) -> tuple[str, dict[str, bytes]]:
    """Markdown of a notebook, and its figures by the names of their files."""
    folder = os.environ.get("S2JAX_SITE_NOTEBOOKS")
    executed = Path(folder, f"{file.stem}.ipynb") if folder else None
    if executed is None or not executed.exists():
        return _as_written(file.read_text()), {}
    notebook = nbformat.read(executed, as_version=4)
    resources = {"output_files_dir": f"{file.stem}_files", "unique_key": file.stem}
    text, found = MarkdownExporter().from_notebook_node(notebook, resources)
    outputs = found.get("outputs") or {}
    return text, {posixpath.basename(name): content for name, content in outputs.items()}


def _as_written(source: str) -> str:
    """Markdown of a notebook in jupytext's percent format, without outputs."""
    cells = re.split(r"^# %%(.*)$", source, flags=re.MULTILINE)[1:]
    parts = []
    for kind, cell in zip(cells[::2], cells[1::2], strict=True):
        if "markdown" in kind:
            parts.append(re.sub(r"^# ?", "", cell.strip(), flags=re.MULTILINE))
        else:
            parts.append(f"```python\n{cell.strip()}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main(ROOT / "build" / "pages")
