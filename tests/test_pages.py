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
    gallery = [page.read_text() for page in (ROOT / "docs" / "zoo").glob("*.md")]
    for name, figures in inputs.figures().items():
        assert figures.count("|") == 3 * 7
        (page,) = (page for page in gallery if f"![Nine draws of {name}]({name}.png)" in page)
        block = f"figures of {name}"
        assert pages.replace_between(page, block, figures) == page, "benchmarks/inputs.py page"
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


def test_what_pretraining_is_worth_is_written_from_the_results(modules: Any) -> None:
    pages, downstream = modules("_pages"), modules("downstream")
    lines = pages.read_results("downstream")
    page = (ROOT / "docs" / "symtime.md").read_text()
    table = downstream.table_of_tasks(lines)
    assert pages.replace_between(page, "downstream", table) == page
    tasks = {(line["task"], line["share"]) for line in lines}
    assert len(pages.rows_between(page, "downstream")) == len(tasks) == 5
    assert {line["variant"] for line in lines} == {*downstream.VARIANTS, "without training"}


def test_windows_to_learn_from_are_before_those_that_judge(modules: Any) -> None:
    tasks, real = modules("_tasks"), modules("_real")
    time = np.arange(1000.0)
    sets = [real.RealSet("time", 1, [time, time[:240]], True), real.RealSet("x", 7, [-time], True)]
    cut = {part: tasks.windows(sets, part) for part in tasks.PARTS}
    for part, (low, high) in tasks.ENDS.items():
        futures = np.abs(cut[part].series[:, tasks.CONTEXT :])
        long = cut[part].names == "x"
        assert low * 1000 <= futures[long].min()
        assert futures[long].max() < high * 1000
        assert long.sum() == tasks.MOST[part]
    few = tasks.windows(sets, "train", 0.1, seed=1)
    assert (few.names == "x").sum() == 10


def test_guesses_without_training(modules: Any) -> None:
    """A season that repeats is forecast and filled by repeating it, a line by a line."""
    tasks = modules("_tasks")
    time = np.arange(tasks.CONTEXT + tasks.HORIZON)
    series = np.stack([time % 12, time]).astype(np.float32)
    of = tasks.Windows(series, np.array(["season", "line"]), np.array([12, 12]))
    future = series[:, tasks.CONTEXT :]
    rising = of._replace(series=series + time * np.array([[1], [0]], np.float32))
    errors = tasks.errors_of_forecasts(rising, future)
    assert errors["guess"][1] == 0 < errors["guess"][0]
    assert errors["seasonal"].tolist() == [1.5, 1.5], "one season behind, and then two"
    holed = tasks.with_gaps(series[:, None, : tasks.CONTEXT], 0)[:, 0]
    assert np.isnan(holed).sum(1).tolist() == [24, 24]
    errors = tasks.errors_in_gaps(of, holed, series[:, : tasks.CONTEXT])
    assert (errors["guess"] == 0).all()
    assert errors["seasonal"][0] < errors["lines"][0]
    assert errors["lines"][1] < errors["seasonal"][1]
    kept = tasks.to_stop_by(np.array([0] * 8 + [1] * 2), 0)
    assert (kept[:8].sum(), kept[8:].sum()) == (2, 1)


def test_labelled_series_are_read_as_text(modules: Any) -> None:
    series, labels = modules("_labelled").parse("# by\n@data\n1,2:3,4:up\n5,6:7,8:down\n")
    assert series.tolist() == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    assert labels == ["up", "down"]


def test_a_gain_has_an_interval(modules: Any) -> None:
    gain = modules("downstream")._gain
    random = np.random.default_rng(0)
    errors = np.exp(0.02 * random.normal(size=(3, 30)))
    assert gain(0.9 * errors, errors, True) == "-10.0 % error [-10.0, -10.0]"
    other = gain(0.9 * errors, np.exp(0.02 * random.normal(size=(3, 30))), True)
    low, high = (float(word) for word in other.split("[")[1][:-1].split(", "))
    assert -13 < low < -10 < high < -7
    assert gain(np.array([[0.5, 0.7]]), np.array([[0.4, 0.6]]), False).startswith("+10.0 points")


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
