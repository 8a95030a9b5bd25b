"""Wrong names and wrong kinds are told with the right ones; NumPy's numbers are plain numbers."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import presets
from s2jax.config.serialize import classes
from s2jax.core import checks
from s2jax.core.part import Part
from s2jax.distributions import AbstractDistribution
from s2jax.feeds import grain_source
from s2jax.inputs import ARMA, AbstractInput, Mixture
from s2jax.laws import Decimals, S2Law

pytestmark = pytest.mark.usefixtures("unchecked")
KEY = jax.random.key(0)
LAW = s2jax.GivenLaw(["x_0"])
ENTRIES: list[Callable[..., Any]] = [
    presets.s2, presets.ode, s2jax.sample, s2jax.candidates, s2jax.Stream, s2jax.batches,
    grain_source, s2jax.corpus.write_corpus, s2jax.fit_constants, s2jax.evaluate, s2jax.from_text,
    s2jax.from_sympy, s2jax.lambdify, s2jax.ode.named, s2jax.ode.solve, s2jax.ode.System.from_sympy,
    s2jax.ode.System.solve,
]  # fmt: skip


def _names(call: Callable[..., Any]) -> list[str]:
    call = call.__init__ if isinstance(call, type) else call
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(call).parameters.items()
    return [name for name, one in parameters if one.kind in kinds and name != "self"]


@pytest.mark.parametrize("call", [*classes().values(), *ENTRIES], ids=lambda call: call.__name__)
def test_a_misspelled_name_gets_the_right_one(call: Callable[..., Any]) -> None:
    for name in _names(call):
        with pytest.raises(TypeError, match=rf"^{call.__name__}\(.*Did you mean '{name}'\?$"):
            call(**{f"{name}_": 3})
    with pytest.raises(TypeError, match=r"\(zzz=3\): unknown name 'zzz'\. Choose among: "):
        call(zzz=3)


@pytest.mark.parametrize(
    "call, given, meant",
    [
        (presets.s2, "lenght", "length"),
        (presets.s2, "seq_length", "length"),
        (presets.s2, "T", "length"),
        (presets.s2, "n_inputs", "num_inputs"),
        (presets.s2, "output_dimension", "num_outputs"),
        (presets.s2, "dim", "num_outputs"),
        (presets.ode, "dim", "dimension"),
        (presets.ode, "num_outputs", "dimension"),
        (presets.ode, "n_states", "dimension"),
        (s2jax.Config, "channels", "num_inputs"),
        (s2jax.sample, "batch_size", "n"),
        (s2jax.sample, "rng", "key"),
        (s2jax.batches, "batch_size", "batch"),
        (grain_source, "batch_size", "batch"),
        (s2jax.Stream, "random_state", "seed"),
        (s2jax.corpus.write_corpus, "num_rows", "rows"),
        (s2jax.corpus.write_corpus, "num_workers", "workers"),
        (s2jax.Acceptance, "max_trials", "max_tries"),
        (ARMA, "max_ar", "max_ar_order"),
    ],
)
def test_names_that_others_use(call: Callable[..., Any], given: str, meant: str) -> None:
    with pytest.raises(TypeError, match=rf"\({given}=3\): .* Did you mean '{meant}'\?"):
        call(**{given: 3})


@pytest.mark.parametrize(
    "call, name, code",
    [
        (presets.s2, "bound", "acceptance=Acceptance(bound=...)"),
        (s2jax.Config, "max_unary", "target=Algebraic(law=S2Law(max_unary=...))"),
        (presets.ode, "tolerance", "target=s2jax.ODE(tolerance=...)"),
    ],
)
def test_fields_of_parts_are_found(call: Callable[..., Any], name: str, code: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"belongs to a part. Pass {code}.")):
        call(**{name: 3})


def test_numpy_numbers_are_plain_numbers() -> None:
    for dtype in (np.int8, np.int64, np.uint32):
        given = presets.s2(length=dtype(64), num_inputs=dtype(2), min_inputs=dtype(1))
        plain = presets.s2(length=64, num_inputs=2, min_inputs=1)
        assert given == plain
        assert type(given.length) is type(given.min_inputs) is int
        stream, same = s2jax.Stream(given, dtype(3), dtype(8)), s2jax.Stream(plain, 3, 8)
        assert stream.fingerprint == same.fingerprint
        assert type(stream.seed) is type(stream.block_size) is int
    weights = S2Law(unary_weights={"sin": np.float64(2)}).unary_weights
    assert type(weights["sin"]) is float
    assert type(s2jax.Acceptance(bound=np.float32(8)).bound) is float


def test_numpy_numbers_compile_nothing_again() -> None:
    traced = []

    @jax.jit
    def double(config: s2jax.Config) -> Any:
        traced.append(config)
        return config.acceptance.max_tries * 2

    for number in (8, np.int64(9), np.int32(10)):
        assert double(presets.s2(64, acceptance=s2jax.Acceptance(max_tries=number))) == 2 * number
    assert len(traced) == 1


def _fields() -> list[tuple[type[Part], str, Any]]:
    """Every field of a class whose default is a part, and a part of another kind."""
    found = []
    for kind in classes().values():
        for field in dataclasses.fields(kind):
            if isinstance(field.default, Part) and field.init:
                other = Decimals() if isinstance(field.default, AbstractInput) else Mixture()
                found.append((kind, field.name, other))
    return found


def test_there_are_fields_of_parts() -> None:
    names = {(kind.__name__, name) for kind, name, _ in _fields()}
    assert {("Config", "inputs"), ("Config", "target"), ("Algebraic", "law")} <= names
    assert ("S2Law", "constants") in names


@pytest.mark.parametrize("kind, name, other", _fields(), ids=lambda value: str(value)[:40])
def test_the_wrong_kind_is_told_with_its_article(kind: Any, name: str, other: Part) -> None:
    (default,) = [field.default for field in dataclasses.fields(kind) if field.name == name]
    # a number stands for the distribution that is always this number, where a family says so
    number = () if isinstance(default, AbstractDistribution) else (3,)
    for value in (other, type(other), "text", *number, [other], lambda: other):
        with pytest.raises(TypeError) as caught:
            kind(**{name: value})
        message = str(caught.value)
        assert re.match(rf"{kind.__name__}\({name}=.*\): must be an? \S+.*\. .*\.$", message)
        assert not re.search(r"\ba [aeiouAEIOU]|\ban [^aeiouAEIOUs]", message), message
        assert "Abstract" not in message
        assert len(message) < 320


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: s2jax.Config(target=LAW), "this is a law of expressions. Wrap it in s2jax.Algeb"),
        (lambda: s2jax.Config(target=S2Law()), "s2jax.Algebraic(S2Law(...))."),
        (lambda: s2jax.Config(target=ARMA()), "must be a target; this is an input family."),
        (lambda: s2jax.Config(target="sin(x_0)"), "s2jax.Algebraic(s2jax.GivenLaw([...]))"),
        (lambda: s2jax.Config(target=s2jax.ODE), "must be a target, not its class. Call it: ODE()"),
        (lambda: s2jax.Config(inputs=LAW), "must be an input family; this is a law of expressions"),
        (lambda: s2jax.Config(inputs=s2jax.Identity()), "an input family; this is a target."),
        (lambda: s2jax.Config(inputs=[ARMA(), Mixture()]), "into s2jax.inputs.Choice([...])"),
        (lambda: s2jax.Config(inputs=np.zeros(9)), "in s2jax.inputs.Given(series)"),
        (lambda: s2jax.Config(split=0.9), "must be a Split or None. Pass"),
        (lambda: s2jax.inputs.Choice(ARMA()), "must be a list of input families"),
        (
            lambda: s2jax.sample(KEY, presets.s2, 4),
            "not a function. If the function returns one, c",
        ),
        (lambda: s2jax.sample(KEY, s2jax.Config, 4), "not its class. Call it: Config()"),
        (lambda: s2jax.batches(presets.s2), "batches(config=<function s2"),
        (lambda: s2jax.sample(np.random.RandomState(0), presets.s2(64), 4), "jax.random.key(seed)"),
        (lambda: s2jax.sample(0, presets.s2(64), 4), "sample(key=0): must be a typed key. Pass"),
    ],
)
def test_confusions(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call()


HUGE = (2**31, 2**40, 2**64, 10**400, 10**5000)
CONFIG = presets.s2(64)
WHOLE: dict[str, Callable[[Any], Any]] = {
    "length": lambda n: presets.s2(length=n),
    "num_inputs": lambda n: presets.s2(num_inputs=n),
    "dimension": lambda n: presets.ode(dimension=n),
    "n": lambda n: s2jax.sample(KEY, CONFIG, n),
    "block_size": lambda n: s2jax.Stream(CONFIG, 0, n),
    "batch": lambda n: s2jax.batches(CONFIG, batch=n),
    "block_size of a corpus": lambda n: s2jax.write_corpus("unused", CONFIG, 8, block_size=n),
    "max_tries": lambda n: s2jax.Acceptance(max_tries=n),
    "max_components": lambda n: Mixture(max_components=n),
}


@pytest.mark.parametrize("name", WHOLE)
def test_no_number_is_too_large_for_a_sentence(name: str) -> None:
    argument = name.split()[0]
    for number in HUGE:
        with pytest.raises(
            ValueError, match=rf"\({argument}=.*\): must be an integer >= \d+ and <= \d+\.$"
        ):
            WHOLE[name](number)
    with pytest.raises((ValueError, TypeError), match=rf"\({argument}=-1\): must be an integer"):
        WHOLE[name](-1)
    for other in (2.5, "2", None, True, 2j):
        with pytest.raises(
            (TypeError, ValueError), match=rf"\({argument}=.*\): must be an? .*integer"
        ):
            WHOLE[name](other)


def test_seeds_and_indices_are_of_32_bits() -> None:
    for seed in (2**32, *HUGE[1:]):
        with pytest.raises(
            ValueError, match=r"Stream\(seed=.*must be an integer >= 0 and <= 4294967295"
        ):
            s2jax.Stream(CONFIG, seed)
    with pytest.raises(ValueError, match="must be >= 0 and < 2.*32 bits"):
        s2jax.candidates(KEY, CONFIG, np.array([2**32]))


def test_a_rule_is_said_once_and_exactly() -> None:
    with pytest.raises(ValueError) as caught:
        presets.s2(length=1)
    assert str(caught.value) == "Config(length=1): must be an integer >= 2 and <= 16777216."
    with pytest.raises(ValueError) as caught:
        s2jax.Acceptance(bound=10**400)
    assert str(caught.value) == "Acceptance(bound=inf): must be a number > 0, and finite."
    for value in ("a", None, 1j, [1.0]):
        with pytest.raises(TypeError, match="must be a number > 0, and finite"):
            s2jax.Acceptance(bound=value)


def test_synonyms_name_arguments_that_exist() -> None:
    known = {name for call in [*classes().values(), *ENTRIES] for name in _names(call)}
    assert {group.split()[0] for group in checks.SYNONYMS} <= known
