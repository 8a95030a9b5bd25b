"""Tables of the documentation are what their commands write from the results that are kept."""

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import s2jax

ROOT = Path(__file__).parents[1]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of the folder of benchmarks by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def test_the_tables_name_all_families_and_presets(modules: Any) -> None:
    pages, inputs = modules("_pages"), modules("inputs")
    zoo = (ROOT / "docs" / "zoo.md").read_text()
    assert pages.rows_between(zoo, "descriptors") == [f"`{one}`" for one in inputs.names_of_all()]
    assert pages.rows_between(zoo, "speed") == [f"`{one}`" for one in inputs.families()]
    assert len(inputs.families()) > 15


def test_the_pages_are_written_from_the_results(modules: Any) -> None:
    pages, inputs = modules("_pages"), modules("inputs")
    for name, table in inputs.tables().items():
        zoo = (ROOT / "docs" / "zoo.md").read_text()
        assert pages.replace_between(zoo, name, table) == zoo, "python benchmarks/inputs.py page"
    worth = (ROOT / "docs" / "worth.md").read_text()
    for model, block in pages.WORTH.items():
        lines = [line for line in pages.read_results("worth") if line["model"] == model]
        assert pages.replace_between(worth, block, pages.table_of_worth(lines)) == worth


def test_the_census_is_written_from_the_results(modules: Any) -> None:
    pages, census = modules("_pages"), modules("census")
    table = pages.table_of_census(pages.read_results("census"))
    page = census.PAGE.read_text()
    assert pages.replace_between(page, "census", table) == page, "python benchmarks/census.py page"
    assert "| all |" in table
    for sizes in census.STATES.values():
        config = census.config_of(64, sizes)
        assert census.NOISE not in config.target.weights
        assert config.num_inputs == 0


def test_the_gallery_shows_the_forms() -> None:
    page = (ROOT / "docs" / "zoo" / "forms.md").read_text()
    pictures = set(re.findall(r"\((form_\w+\.png)\)", page))
    assert pictures == {file.name for file in (ROOT / "docs" / "zoo").glob("form_*.png")}
    assert len(pictures) >= 12
    for name, form in s2jax.ode.forms.KNOWN.items():
        formula = (type(form).__doc__ or "").splitlines()[0]
        formula = formula if "`" in formula else f"`{formula}`"
        assert (f"form_{name}.png" in pictures) == (f"\n{formula}\n" in page), name


def test_a_table_goes_between_its_comments(modules: Any) -> None:
    pages = modules("_pages")
    page = "a\n<!-- one -->\n| old |\n<!-- end of one -->\nb\n"
    assert pages.replace_between(page, "one", "new\n") == page.replace("| old |", "new")
    for wrong in ("", page + page, page.replace("end of one", "end of two")):
        with pytest.raises(ValueError, match="name='one'.*must have.*Put both"):
            pages.replace_between(wrong, "one", "new")


def test_windows_of_real_series(modules: Any) -> None:
    real = modules("_real")
    walk = np.random.default_rng(0).normal(size=500).cumsum()
    walk[:128] = 3
    one = real.RealSet("walk", 1, [walk, walk[:100]], True)
    windows = real.windows(one, 128, 64, 48)  # the first of six is constant
    assert windows.shape == (5, 128)
    assert windows.dtype == np.float32
    np.testing.assert_allclose(windows.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(windows.std(1), 1, atol=1e-5)
    expected = (walk[320:448] - walk[320:448].mean()) / walk[320:448].std()
    np.testing.assert_allclose(windows[-1], expected, atol=1e-5)
    few = real.windows(one, 128, 64, 2)
    np.testing.assert_array_equal(few, windows[[0, -1]])
    assert real.windows(one, 501, 64, 48).shape == (0, 501)
