"""The README and the pages tell the truth: their Python runs."""

import pathlib
import re
import warnings

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = {  # and how many blocks they have at least
    "README.md": 3,
    "docs/coming-from-s2generator.md": 3,
    "docs/exporting.md": 1,
    "docs/feeds.md": 3,
}
OPTIONAL = ("datasets", "s2generator", "torch")
BLOCKS = {
    page: re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL) for page in PAGES
}


@pytest.mark.parametrize("page", PAGES)
def test_there_are_blocks(page: str):
    assert len(BLOCKS[page]) >= PAGES[page]


@pytest.mark.parametrize(
    "page, number", [(page, number) for page in PAGES for number in range(len(BLOCKS[page]))]
)
def test_block_runs(page: str, number: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("jax.device_count", lambda: 1)  # as users have it; each one compiles
    block = BLOCKS[page][number]
    code = compile(block, f"{page} block {number}", "exec")
    for name in OPTIONAL:
        if re.search(rf"^(import|from) {name}\b", block, re.MULTILINE):
            pytest.importorskip(name)
    with warnings.catch_warnings():
        if "s2generator" in block:  # its own warnings are its own affair
            warnings.simplefilter("ignore")
        exec(code, {})
