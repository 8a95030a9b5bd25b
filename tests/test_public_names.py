"""The public face: what `dir` shows, what docs/reference.md lists, and examples that run."""

import doctest
import importlib
import inspect
import pathlib
import re
import subprocess
import sys
import types
from typing import Any

import pytest

import s2jax

TESTS = pathlib.Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reference.md"
FOLDERS = {name: m for name in s2jax.__all__ if inspect.ismodule(m := getattr(s2jax, name))}
FOLDERS["ode.forms"] = s2jax.ode.forms

SHOWN_BY = {
    "s2jax.Pair": "s2jax.sample_pair",
    "s2jax.augment.AbstractAugmentation": "s2jax.augment.AbstractRowAugmentation",
    "s2jax.inputs.AbstractCoupling": "s2jax.inputs.LinearMix",
    "s2jax.inputs.CausalLaw": "s2jax.inputs.CausalGraph",
    "s2jax.inputs.CoupledLaw": "s2jax.inputs.LinearMix",
    "s2jax.inputs.Edges": "s2jax.inputs.CausalGraph",
    "s2jax.inputs.Intervention": "s2jax.sample_pair",
    "s2jax.observe.Measured": "s2jax.observe.Observation",
    "s2jax.observe.Record": "s2jax.observe.Observation",
    "s2jax.observe.Summary": "s2jax.observe.AbstractEffect",
    "s2jax.Fit": "s2jax.fit_constants",
    "s2jax.Tokens": "s2jax.to_tokens",
    "s2jax.corpus.Corpus": "s2jax.read_corpus",
    "s2jax.corpus.Damage": "s2jax.verify_corpus",
    "s2jax.corpus.ReferencePairs": "s2jax.corpus.read_reference",
    "s2jax.exporters.Exported": "s2jax.exporters.export",
    "s2jax.laws.AbstractLaw": "s2jax.laws.S2Law",
    "s2jax.programs.Constants": "s2jax.with_constants",
    "s2jax.feeds.Batches": "s2jax.batches",
    "s2jax.corpus.Estimate": "s2jax.corpus.estimate_corpus",
    "s2jax.feeds.CorpusSource": "s2jax.feeds.corpus_source",
    "s2jax.inputs.AbstractFamily": "s2jax.inputs.AbstractInput",
    "s2jax.inputs.CountsLaw": "s2jax.inputs.Counts",
    "s2jax.inputs.CountsPath": "s2jax.inputs.Counts",
    "s2jax.inputs.Drawn": "s2jax.inputs.AbstractInput",
    "s2jax.inputs.Draws": "s2jax.inputs.AbstractInput",
    "s2jax.inputs.FractionalLaw": "s2jax.inputs.FractionalNoise",
    "s2jax.inputs.GARCHLaw": "s2jax.inputs.GARCH",
    "s2jax.inputs.HeldLaw": "s2jax.inputs.Held",
    "s2jax.inputs.HeldPath": "s2jax.inputs.Held",
    "s2jax.inputs.IMFLaw": "s2jax.inputs.IMF",
    "s2jax.inputs.LinearProcess": "s2jax.inputs.ARMA",
    "s2jax.inputs.OrnsteinUhlenbeckLaw": "s2jax.inputs.OrnsteinUhlenbeck",
    "s2jax.inputs.RandomWalkLaw": "s2jax.inputs.RandomWalk",
    "s2jax.inputs.RateNoiseLaw": "s2jax.inputs.RateNoise",
    "s2jax.inputs.RateNoisePath": "s2jax.inputs.RateNoise",
    "s2jax.inputs.SARIMA2Law": "s2jax.inputs.SARIMA2",
    "s2jax.inputs.SARIMALaw": "s2jax.inputs.SARIMA",
    "s2jax.inputs.ChoiceLaw": "s2jax.inputs.Choice",
    "s2jax.inputs.Source": "s2jax.inputs.Choice",
    "s2jax.inputs.SpikesLaw": "s2jax.inputs.Spikes",
    "s2jax.inputs.SpikesPath": "s2jax.inputs.Spikes",
    "s2jax.inputs.StateSpaceLaw": "s2jax.inputs.StateSpace",
    "s2jax.inputs.TrendSeasonLaw": "s2jax.inputs.TrendSeason",
    "s2jax.inputs.WaveformsLaw": "s2jax.inputs.Waveforms",
    "s2jax.inputs.Window": "s2jax.inputs.Given",
    "s2jax.ode.CensusRows": "s2jax.ode.census",
    "s2jax.ode.Share": "s2jax.ode.census",
    "s2jax.ode.forms.Range": "s2jax.ode.forms.log",
    "s2jax.ode.Solution": "s2jax.ode.solve",
    "s2jax.operators.Operator": "s2jax.to_text",
    "s2jax.text.Lambdified": "s2jax.lambdify",
    "s2jax.text.Parsed": "s2jax.from_tokens",
    "s2jax.statistics.Comparison": "s2jax.statistics.compare",
    "s2jax.statistics.Decomposition": "s2jax.statistics.decompose",
    "s2jax.statistics.Estimate": "s2jax.statistics.mmd",
    "s2jax.statistics.Features": "s2jax.statistics.describe",
    "s2jax.statistics.Intermittency": "s2jax.statistics.intermittency",
    "s2jax.statistics.Nearest": "s2jax.statistics.nearest",
    "s2jax.statistics.PRDC": "s2jax.statistics.prdc",
    "s2jax.statistics.Peak": "s2jax.statistics.find_season",
    "s2jax.statistics.Shares": "s2jax.statistics.shares",
    "s2jax.statistics.Skill": "s2jax.statistics.ar_skill",
    "s2jax.statistics.Standardized": "s2jax.statistics.standardize_samples",
    "s2jax.statistics.TimeFeatures": "s2jax.statistics.time_features",
    "s2jax.symtime.Aside": "s2jax.symtime.loss",
    "s2jax.symtime.Encoded": "s2jax.symtime.encode_series",
    "s2jax.symtime.Evaluation": "s2jax.symtime.evaluate_run",
    "s2jax.symtime.Guesses": "s2jax.symtime.evaluate_words",
    "s2jax.symtime.Inputs": "s2jax.symtime.to_inputs",
    "s2jax.symtime.Losses": "s2jax.symtime.loss",
    "s2jax.symtime.Masks": "s2jax.symtime.sample_masks",
    "s2jax.symtime.Neighbours": "s2jax.symtime.nearest_expressions",
    "s2jax.symtime.Pairs": "s2jax.symtime.sample_pairs",
    "s2jax.symtime.Probe": "s2jax.symtime.probe_operators",
    "s2jax.symtime.Queues": "s2jax.symtime.loss",
    "s2jax.symtime.Reconstruction": "s2jax.symtime.evaluate_patches",
    "s2jax.symtime.Retrieval": "s2jax.symtime.evaluate_retrieval",
    "s2jax.symtime.Run": "s2jax.symtime.pretrain",
    "s2jax.symtime.State": "s2jax.symtime.init",
    "s2jax.symtime.Tuned": "s2jax.symtime.fine_tune",
    "s2jax.targets.AbstractLayout": "s2jax.Algebraic",
    "s2jax.targets.AbstractPointwise": "s2jax.Algebraic",
    "s2jax.targets.AbstractTarget": "s2jax.Algebraic",
    "s2jax.targets.Column": "s2jax.Algebraic",
    "s2jax.targets.Sizes": "s2jax.Algebraic",
    "s2jax.targets.Task": "s2jax.Algebraic",
    "s2jax.transforms.Corrupted": "s2jax.transforms.drop_values",
    "s2jax.transforms.Forecast": "s2jax.transforms.forecast",
    "s2jax.transforms.Scaled": "s2jax.transforms.z_score",
}
"""What comes from another name, or is a part of its contract: there is the example."""

NOT_RUN = {
    "s2jax.corpus.ray_engine": "test_ray.py",  # starts a cluster
    "s2jax.exporters.ArrayRecords": "test_export_values.py",  # an extra that Windows lacks
    "s2jax.statistics.Catch22": "test_catch22.py",  # an extra
    "s2jax.statistics.catch22": "test_catch22.py",
}
"""Examples that doctests pass over, and the tests that run the same."""


def find_public() -> dict[str, Any]:
    """Every public object by its shortest name."""
    found = {f"s2jax.{name}": getattr(s2jax, name) for name in s2jax.__all__ if name not in FOLDERS}
    known = {id(value) for value in found.values()}
    for folder, module in FOLDERS.items():
        values = {name: getattr(module, name) for name in module.__all__}
        found |= {f"s2jax.{folder}.{n}": v for n, v in values.items() if id(v) not in known}
    return found


PUBLIC = find_public()


def list_entries(page: str) -> tuple[list[str], set[str]]:
    """The names that have a line of their own, and those that are said to be elsewhere too."""
    others = set()
    for section in re.split(r"^## ", page, flags=re.M)[1:]:
        again = re.search(r"^Also here: (.*)\.$", section, re.M)
        folder = re.match(r"`([\w.]+)`", section)
        if again and folder:
            others |= {f"{folder[1]}.{name}" for name in re.findall(r"`(\w+)`", again[1])}
    return re.findall(r"^- `([\w.]+)`: \S.*[.]$", page, re.M), others


def find_mistakes(page: str) -> list[str]:
    """Names that a page lacks, has twice, or has although there are none of them."""
    lines, others = list_entries(page)
    twice = [f"{name} has two lines" for name in set(lines) if lines.count(name) > 1]
    lacking = [f"{name} has no line" for name in PUBLIC if name not in lines]
    strange = [f"{name} is not public" for name in lines if name not in PUBLIC]
    elsewhere = {
        f"s2jax.{folder}.{name}"
        for folder, module in FOLDERS.items()
        for name in module.__all__
        if f"s2jax.{folder}.{name}" not in PUBLIC
    }
    return twice + lacking + strange + [f"{n}: also here?" for n in sorted(elsewhere ^ others)]


def has_example(value: Any) -> bool:
    """Whether its docstring has an example that pytest runs with those of its module."""
    while not inspect.isclass(value) and hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    name = f"{value.__module__}.{value.__qualname__}"
    if not value.__module__.startswith("s2jax."):
        return False
    if inspect.isclass(value):
        found = doctest.DocTestFinder(recurse=False).find(value, name)
    else:
        found = doctest.DocTestFinder().find(value, name)
    ours = [test.examples for test in found if test.name == name]
    return any(not example.options.get(doctest.SKIP) for own in ours for example in own)


def is_defined_where_it_says(value: Any) -> bool:
    """Whether pytest meets it when it walks through its module."""
    module = importlib.import_module(value.__module__)
    return getattr(module, value.__name__, None) is value


def test_folders_show_public_words_only() -> None:
    assert dir(s2jax) == sorted(s2jax.__all__)
    assert set(FOLDERS) >= {"corpus", "distributions", "exporters", "feeds", "inputs", "ode"}
    for name, module in FOLDERS.items():
        assert dir(module) == sorted(module.__all__), name
        assert not [word for word in module.__all__ if word.startswith("_")], name
        modules = [word for word in module.__all__ if inspect.ismodule(getattr(module, word))]
        assert not modules, (name, modules)


def test_heavy_folders_are_imported_when_they_are_used() -> None:
    code = """
import sys, s2jax
later = ("augment", "corpus", "exporters", "feeds", "plotting", "statistics", "symtime")
early = [name for name in later if f"s2jax.{name}" in sys.modules]
assert not early, early
assert not {"sympy", "diffrax", "pyarrow", "matplotlib"} & set(sys.modules)
assert s2jax.read_corpus is s2jax.corpus.read_corpus
assert s2jax.batches is s2jax.feeds.batches
assert all(hasattr(s2jax, name) for name in dir(s2jax))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'read'"):
        s2jax.read  # noqa: B018


def test_the_page_lists_every_public_name() -> None:
    assert not find_mistakes(PAGE.read_text())


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example(name: str) -> None:
    value = PUBLIC[name]
    is_data = isinstance(value, (str, tuple, types.MappingProxyType, dict))
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    if is_data or is_error:  # the line of the page says what they are
        assert name not in SHOWN_BY
    elif name in SHOWN_BY:
        assert not has_example(value), f"{name} has an example of its own: remove it from SHOWN_BY"
        assert inspect.getdoc(value)
        assert has_example(PUBLIC[SHOWN_BY[name]])
    elif name in NOT_RUN:
        assert not has_example(value), f"{name} has an example that runs: remove it from NOT_RUN"
        assert ">>>" in str(inspect.getdoc(value))
        assert name.rpartition(".")[2] in (TESTS / NOT_RUN[name]).read_text()
    else:
        assert has_example(value)
        assert is_defined_where_it_says(value)


def test_nothing_is_shown_that_is_not_public() -> None:
    assert set(SHOWN_BY) | set(NOT_RUN) <= set(PUBLIC)


def test_the_check_of_the_page_bites() -> None:
    page = PAGE.read_text()
    line = next(line for line in page.splitlines() if line.startswith("- `s2jax.sample`: "))
    assert find_mistakes(page.replace(line, "")) == ["s2jax.sample has no line"]
    assert find_mistakes(page.replace(line, "- `s2jax.sample`: ")) == ["s2jax.sample has no line"]
    assert find_mistakes(page.replace(line, f"{line}\n{line}")) == ["s2jax.sample has two lines"]
    more = f"{line}\n- `s2jax.samples`: Many."
    assert find_mistakes(page.replace(line, more)) == ["s2jax.samples is not public"]
    assert find_mistakes(page.replace("Also here: `Acceptance`, ", "Also here: "))


def test_the_check_of_examples_bites() -> None:
    def silent() -> None:
        """Says nothing."""

    def talking() -> None:
        """Says something.

        >>> 1 + 1
        2
        """

    def pretending() -> None:
        """Says something that nobody checks.

        >>> 1 + 1  # doctest: +SKIP
        3
        """

    silent.__module__ = talking.__module__ = pretending.__module__ = "s2jax.presets"
    assert not has_example(silent)
    assert not has_example(pretending)
    assert has_example(talking)
    assert not is_defined_where_it_says(talking)
    talking.__module__ = "elsewhere"
    assert not has_example(talking)
