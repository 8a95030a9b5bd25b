"""The README and the pages tell the truth: their Python runs."""

import pathlib
import re
import warnings

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = ("README.md", "docs/coming-from-s2generator.md")
BLOCKS = {
    page: re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL) for page in PAGES
}


@pytest.mark.parametrize("page", PAGES)
def test_there_are_blocks(page: str):
    assert len(BLOCKS[page]) >= 3


@pytest.mark.parametrize(
    "page, number", [(page, number) for page in PAGES for number in range(len(BLOCKS[page]))]
)
def test_block_runs(page: str, number: int):
    block = BLOCKS[page][number]
    code = compile(block, f"{page} block {number}", "exec")
    if "s2generator" not in block:
        exec(code, {})
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own warnings are its own affair
        pytest.importorskip("s2generator")
        exec(code, {})
