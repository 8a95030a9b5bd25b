"""Classes of one's own: the page about them runs; once registered, every door takes them."""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

import s2jax
from s2jax import cli, inputs
from s2jax.config.options import with_options
from s2jax.config.registry import addresses_of
from s2jax.config.serialize import REGISTERED, from_json, to_json
from s2jax.corpus import describe_corpus, write_corpus
from s2jax.corpus._workers import write_by_workers
from s2jax.corpus.footers import VALUES, check_file
from s2jax.corpus.plan import Plan
from s2jax.distributions import AbstractDistribution, Uniform
from s2jax.inputs.columns import LawColumn
from s2jax.stream import Stream
from s2jax.targets import AbstractPointwise

PAGE = Path(__file__).parent.parent / "docs/write-your-own-family.md"
LENGTH, ROWS, BLOCK = 32, 6, 4


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch):
    """What a test registers is forgotten after it."""
    before = dict(REGISTERED)
    yield REGISTERED
    REGISTERED.clear()
    REGISTERED.update(before)


# The page.


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder with the page's first block as `pulse.py`, as a reader has it."""
    (tmp_path / "pulse.py").write_text(blocks("python")[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("pulse", None)


@pytest.mark.floats
def test_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sys.path.append(str(folder))
    family, *others = blocks("python")
    assert len(family.splitlines()) < 35
    assert len(others) >= 4
    names: dict[str, Any] = {"__name__": "page"}
    for number, block in enumerate(others):
        exec(compile(block, f"block {number}", "exec"), names)
    (text,) = blocks("sh")
    commands = [shlex.split(line)[1:] for line in text.replace("\\\n", " ").splitlines()]
    assert len(commands) >= 4
    REGISTERED.pop("Pulse")
    del sys.modules["pulse"]
    for command in commands:
        assert cli.main(command) == cli.OK, command
    said = capsys.readouterr().out
    assert "x_law_pulse_code uint32[1]" in said
    assert "--inputs.families.0.noise" in said
    typed, written = s2jax.read_corpus(folder / "typed"), s2jax.read_corpus(folder / "pulses")
    assert typed.manifest["fingerprint"] == written.manifest["fingerprint"]
    np.testing.assert_array_equal(typed[:].x, written[:].x)


def test_only_what_is_typed_is_imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = ["fields", "--inputs", "Pulse"]
    assert cli.main(fields) == cli.USAGE
    assert "s2jax.register" in capsys.readouterr().err
    for name, rule in {
        "pulse.py": "must be the name of a module",
        "": "must be the name of a module",
        "pulsar": "cannot be imported .*No module named",
    }.items():
        assert cli.main([*fields, f"--import={name}"]) == cli.USAGE
        assert re.search(rule, capsys.readouterr().err)
    assert "pulse" not in sys.modules
    (folder / "config.toml").write_text('import = "pulse"\ninputs = "Pulse"\n')
    assert cli.main(["fields", "--config", "config.toml"]) == cli.USAGE
    assert "pulse" not in sys.modules
    assert cli.main(["fields", "--config", "config.toml", "--import", "pulse"]) == cli.USAGE
    (folder / "config.toml").write_text('[inputs]\nclass = "Pulse"\nnoise = 0.5\n')
    assert cli.main(["fields", "--config", "config.toml", "--import", "pulse"]) == cli.OK
    assert re.search(r"--inputs.noise +0.5", capsys.readouterr().out)


# Laws keep their dtypes.


class Everything(eqx.Module):
    """A law with every kind of number."""

    word: jax.Array
    small: jax.Array
    real: jax.Array
    half: jax.Array
    pair: jax.Array
    flag: jax.Array
    table: dict[str, Any]
    nothing: jax.Array


class Sampler(inputs.AbstractInput):
    noise: AbstractDistribution = Uniform()

    def law(self, draws, length):
        return Everything(
            word=draws.bits("word", (2,)),
            small=draws.integers("small", -100, 100).astype(jnp.int8),
            real=draws.normal("real"),
            half=draws.normal("half", (3,)).astype(jnp.bfloat16),
            pair=jax.lax.complex(draws.normal("re"), draws.normal("im")),
            flag=draws.bernoulli("flag", shape=(2, 2)),
            table={"a b": draws.uniform("a"), "A_b": draws.uniform("b")},
            nothing=jnp.zeros((0,)),
        )

    def series(self, law, draws, length):
        return law.real + draws.sample("noise", self.noise, (length,))


class Joint(inputs.AbstractRowInput):
    def law(self, draws, channels, length):
        return draws.bits("seed"), draws.normal("loading", (channels,))

    def series(self, law, draws, channels, length):
        return law[1][:, None] * draws.normal("factor", (length,)) + draws.normal(
            "own", (channels, length)
        )


def mixed() -> s2jax.Config:
    """Families of one's own beside each other and one of the library, for two channels."""
    families = [Sampler(), inputs.Mixture(max_components=2), Joint(), Sampler(Uniform(2.0, 3.0))]
    return s2jax.Config(
        LENGTH, num_inputs=2, inputs=inputs.Choice(families), target=s2jax.Identity()
    )


def check_exact(one: Any, other: Any) -> None:
    """Equal bits, dtypes and structure."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert left.dtype == right.dtype
        assert left.shape == right.shape
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes()


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    for kind in (Sampler, Joint):
        s2jax.register(kind)
    write_corpus(tmp_path / "corpus", mixed(), ROWS, block_size=BLOCK)
    return tmp_path / "corpus"


def rows_of(config: s2jax.Config) -> s2jax.Batch:
    stream = Stream(config, 0, BLOCK)
    return jax.tree.map(lambda *parts: np.concatenate(parts)[:ROWS], stream[0], stream[1])


def test_laws_come_back_exactly(stored: Path) -> None:
    drawn = rows_of(mixed())
    corpus = s2jax.read_corpus(stored)
    back = corpus[:]
    check_exact(back.x_source, drawn.x_source)
    check_exact(corpus[[4, 1]].x_source, jax.tree.map(lambda leaf: leaf[[4, 1]], drawn.x_source))
    assert corpus[[]].x_source.family.shape == (0, 2)
    words = np.asarray(back.x_source.laws[1].word)
    assert words.dtype == np.uint32
    assert (words > 2**24).any()
    own = np.asarray(back.x_source.family)[..., None] == 0
    np.testing.assert_array_equal(words != 0, np.broadcast_to(own, words.shape))

    row = corpus.row(2)
    assert row["x_family"].tolist() == drawn.x_source.family[2].tolist()
    assert row["x_law_joint_0"].dtype == np.uint32
    names = [name for name in row if name.startswith("x_law_sampler_")]
    fields = ["word", "small", "real", "half", "pair", "flag", "table_A_b", "table_a_b_2"]
    assert names == [f"x_law_sampler_{family}_{field}" for family in (0, 3) for field in fields]
    told = describe_corpus(stored)
    assert told["inputs"] == "Sampler, Mixture, Joint, Sampler"
    laws = " ".join(told["laws"].split())
    assert all(f"{name} " in laws for name in names)
    assert "x_law_sampler_0_word uint32[2, 2]" in laws


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int4", "uint4", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
     "uint64", "float8_e4m3fn", "bfloat16", "float16", "float32", "float64", "complex64",
     "complex128"],
)  # fmt: skip
def test_columns_hold_every_dtype_exactly(dtype: str) -> None:
    kind = jnp.dtype(dtype)
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 256, (5, 3, 2, kind.itemsize), np.uint8)
    if dtype in ("bool", "int4", "uint4"):  # not all bytes are numbers
        bits = bits % (2 if dtype == "bool" else 8)
    array = bits.view(kind)[..., 0]
    for shape in ((3, 2), ()):
        column = LawColumn(kind, shape)
        given = array if shape else array[:, 0, 0]
        numbers = column.to_column(given)
        assert pa.array(numbers.reshape(-1)).type == pa.from_numpy_dtype(column.stored)
        assert len(numbers) == 5
        back = column.to_array(numbers)
        assert back.dtype == kind
        if kind.itemsize > 2:
            assert np.asarray(back).tobytes() == given.tobytes()
        np.testing.assert_array_equal(back, given)  # NaN may lose what it carries


def test_columns_that_are_not_those_of_the_config_are_refused(stored: Path) -> None:
    corpus = s2jax.read_corpus(stored)
    table = corpus.table([0, 1])
    name = "x_law_sampler_0_word"
    wrong = table.set_column(table.column_names.index(name), name, table["x_law_sampler_0_real"])
    for changed, held in ((table.drop_columns([name]), "there is none"), (wrong, "float32")):
        with pytest.raises(s2jax.corpus.DamagedError, match=f"{name} must hold uint32.*{held}"):
            corpus.batch_of(changed)


def test_without_its_class_a_corpus_is_read_but_for_the_laws(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = s2jax.read_corpus(stored)[:]
    del REGISTERED["Joint"]
    corpus = s2jax.read_corpus(stored)
    rule = "names Joint, and no file is trusted.*s2jax.register.*--import"
    with pytest.raises(ValueError, match=rule):
        _ = corpus.config
    assert corpus.known_config.target == mixed().target
    assert corpus.vocabulary.words
    with pytest.warns(UserWarning, match=f"no x_source.*{rule}"):
        batch = corpus[:]
    assert batch.x_source is None
    check_exact((batch.x, batch.y, batch.program), (whole.x, whole.y, whole.program))
    assert corpus.row(0)["x_law_joint_0"].dtype == np.uint32
    assert s2jax.verify_corpus(stored) == []
    with pytest.raises(ValueError, match="names Joint"):
        s2jax.repair_corpus(stored)
    assert cli.main(["info", str(stored)]) == cli.OK
    assert "Joint is no class that is known here" in capsys.readouterr().out


# Registering.


class Dice(AbstractDistribution):
    def from_bits(self, bits):
        return 1 + (bits % 6).astype(jnp.float32)


class Sines(s2jax.laws.AbstractLaw):
    """A law of expressions of one's own: always sin of the first input."""

    def num_nodes(self, num_inputs):
        return 1

    def max_tokens(self, num_inputs):
        return 2

    def draw(self, words, used_inputs, num_inputs, protected, stream=0):
        one = s2jax.from_text("sin(x_0)", num_nodes=1, protected=protected)
        wide = lambda leaf: jnp.broadcast_to(leaf[0], (len(words), *leaf.shape[1:]))
        return jax.tree.map(wide, one)


class Steps(AbstractPointwise):
    """A target of one's own: sin of the first input in steps."""

    size: float = 0.5
    law: s2jax.laws.AbstractLaw = Sines()

    @property
    def protected(self) -> bool:
        return True

    @property
    def program_law(self):
        return self.law

    def num_nodes(self, num_inputs, num_outputs=1):
        return self.law.num_nodes(num_inputs)

    def draw(self, words, stream, used_inputs, output, num_inputs):
        return self.law.draw(words, used_inputs, num_inputs, self.protected, stream)

    def series(self, program, x):
        return jnp.round(jnp.sin(x[:, 0]) / self.size) * self.size


def test_registered_classes_go_through_every_door(tmp_path: Path) -> None:
    config = s2jax.Config(LENGTH, inputs=Sampler(noise=Dice()), target=Steps(size=0.25))
    drawn = s2jax.sample(jax.random.fold_in(jax.random.key(0), np.uint32(0)), config, BLOCK)
    assert not drawn.status.any()
    for call in (
        lambda: to_json(config),
        lambda: Stream(config, 0, BLOCK).fingerprint,
        lambda: s2jax.batches(config, 0, BLOCK),
        lambda: write_corpus(tmp_path / "corpus", config, ROWS, block_size=BLOCK),
    ):
        with pytest.raises(TypeError, match=r"registered.*Call s2jax.register\(Sampler\)"):
            call()
    assert not (tmp_path / "corpus").exists()
    for kind in (Dice, Sampler, Sines, Steps):
        assert s2jax.register(kind) is kind

    text = to_json(config)
    assert from_json(text) == config
    assert to_json(from_json(text)) == text
    assert Stream(from_json(text)).fingerprint == Stream(config).fingerprint
    check_exact(Stream(config, 0, BLOCK)[0], drawn)
    check_exact(next(s2jax.batches(config, 0, BLOCK, block_size=BLOCK, ahead=1)), drawn)
    write_corpus(tmp_path / "corpus", config, ROWS, block_size=BLOCK)
    corpus = s2jax.read_corpus(tmp_path / "corpus")
    assert corpus.config == config
    batch = corpus[:BLOCK]
    check_exact((batch.x, batch.y, batch.x_source), (drawn.x, drawn.y, drawn.x_source))
    assert s2jax.to_text(batch.program) == s2jax.to_text(drawn.program)
    assert s2jax.verify_corpus(tmp_path / "corpus") == []
    next((tmp_path / "corpus/data").iterdir()).unlink()
    assert len(s2jax.repair_corpus(tmp_path / "corpus")) == 1

    del REGISTERED["Steps"]
    corpus = s2jax.read_corpus(tmp_path / "corpus")
    np.testing.assert_array_equal(corpus.row(1)["y_0"], drawn.y[1, 0])
    with pytest.raises(ValueError, match="names Steps.*Corpus.row and Corpus.tables read the data"):
        corpus[:]


def test_fields_are_set_by_name(registered: dict[str, type]) -> None:
    for kind in (Sampler, Dice, Sines, Steps):
        s2jax.register(kind)
    options = {"inputs": "Sampler", "inputs.noise": "dice", "target": "steps", "target.size": "2"}
    config = with_options(s2jax.Config(LENGTH), options)
    assert config == s2jax.Config(LENGTH, inputs=Sampler(Dice()), target=Steps(2.0))

    @s2jax.register
    class Needy(AbstractDistribution):
        low: float

        def from_bits(self, bits):
            return jnp.full(bits.shape, self.low)

    with pytest.raises(ValueError, match="Needy: must have a default for each field.*Give low one"):
        with_options(s2jax.Config(LENGTH), {"inputs": "Sampler", "inputs.noise": "Needy"})


def test_a_class_defined_anew_takes_the_place_of_the_first(registered: dict[str, type]) -> None:
    def define() -> Any:
        @s2jax.register
        class Cell(inputs.ARMA):
            pass

        return Cell

    first, second = define(), define()
    assert registered["Cell"] is second
    with pytest.raises(TypeError, match="another class of this name is registered"):
        to_json(s2jax.Config(inputs=first()))


def make(name: str, base: type = inputs.ARMA, **body: Any) -> Any:
    return type(name, (base,), {"__module__": "elsewhere", **body})


class Hidden(eqx.Module):
    """Not built from its fields."""

    value: float

    def __init__(self, other: float):
        self.value = other


class Inner(eqx.Module):
    size: float = 1.0


class Outer(eqx.Module):
    inner: Inner = Inner()


class Shaped(eqx.Module):
    shape: Any = jnp.tanh


class Named(eqx.Module):
    kind: str = "square"


class Late(eqx.Module):
    value: float = eqx.field(init=False, default=1.0)


@pytest.mark.parametrize(
    "given, error, rule",
    [
        (3, TypeError, r"register\(3\): must be a class"),
        (inputs.ARMA(), TypeError, "must be a class"),
        (dict, TypeError, r"register\(dict\): must be a class of equinox Module.*Inherit"),
        (inputs.AbstractInput, TypeError, "lacks law, series"),
        (
            make("ARMA"),
            ValueError,
            r"register\(ARMA\): must have a name of its own.*of s2jax. Rename",
        ),
        (make("Choice"), ValueError, "name of its own"),
        (make("Arma"), ValueError, "ARMA is of s2jax"),
        (make("Sampler"), ValueError, "Sampler is registered, .*test_own_classes.Sampler"),
        (Hidden, TypeError, r"field value must be an argument of Hidden\(...\)"),
        (Late, TypeError, "field value must be an argument"),
        (Shaped, TypeError, "default of its field shape must be one that can be written"),
        (Named, TypeError, "field kind must be static.*static=True, default='square'"),
        (Outer, TypeError, r"default of its field inner.*Call s2jax.register\(Inner\)"),
    ],
)
def test_what_cannot_be_registered(given: Any, error: type[Exception], rule: str) -> None:
    s2jax.register(Sampler)
    with pytest.raises(error, match=rule):
        s2jax.register(given)


def test_parts_of_parts_are_registered() -> None:
    s2jax.register(Inner)
    s2jax.register(Outer)


def test_fields_that_cannot_be_written_are_refused() -> None:
    @s2jax.register
    class Loose(inputs.ARMA):
        extra: Any = None

    assert to_json(s2jax.Config(inputs=Loose(extra={"a": (1, 2.5)})))
    with pytest.raises(TypeError, match="must be made of parts, numbers and text"):
        to_json(s2jax.Config(inputs=Loose(extra=len)))


def test_reading_builds_nothing_that_is_not_registered() -> None:
    config = {"class": "Config", "inputs": {"class": "Sampler"}}
    with pytest.raises(
        ValueError, match="unknown name 'Sampler'.*call s2jax.register.Sampler. fir"
    ):
        from_json(json.dumps(config))
    s2jax.register(Sampler)
    assert from_json(json.dumps(config)).inputs == Sampler()
    for name in ("tests.test_own_classes.Sampler", "Sampler()", "__main__.Sampler"):
        with pytest.raises(ValueError, match="unknown name"):
            from_json(json.dumps(config | {"inputs": {"class": name}}))


@pytest.mark.floats
def test_workers_import_what_this_process_knows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    import pulse  # pyright: ignore[reportMissingImports]

    config = s2jax.Config(LENGTH, inputs=pulse.Pulse(), target=s2jax.Identity())
    assert addresses_of(Stream(config).identity["config"]) == [["pulse", "Pulse"]]
    write_corpus(folder / "one", config, BLOCK, shard_rows=BLOCK, block_size=BLOCK)
    plan = Plan(Stream(config, 0, BLOCK), BLOCK, BLOCK)
    (folder / "two/data").mkdir(parents=True)
    write_by_workers(folder / "two", plan, [0], lambda rows: None, 1)
    values = [check_file(folder / one / plan.name(0), plan.head, 0) for one in ("one", "two")]
    assert values[0][VALUES] == values[1][VALUES]

    @s2jax.register
    class Local(inputs.ARMA):
        pass

    plan = Plan(Stream(s2jax.Config(LENGTH, inputs=Local())), ROWS, 1024)
    with pytest.raises(ValueError, match="Local .*must be defined at the top of a module"):
        write_by_workers(folder / "three", plan, [0], lambda rows: None, 1)


# The contract, broken.


class Broken(inputs.AbstractInput):
    """A family that breaks one rule."""

    def law(self, draws, length):
        return {"slope": draws.normal("slope")}

    def series(self, law, draws, length):
        return law["slope"] * jnp.arange(length, dtype=jnp.float32)


def breaking(method: str, call: Any) -> Any:
    return type("Broken", (Broken,), {method: call})()


@pytest.mark.parametrize(
    "family, error, rule",
    [
        (
            breaking("series", lambda self, law, draws, length: jnp.zeros((length, 1))),
            ValueError, r"series\(law, draws, length\) of shape \(32, 1\): must have shape \(32,\)",
        ),
        (
            breaking("series", lambda self, law, draws, length: 0.0),
            ValueError, r"series\(law, draws, length\) of 0.0: must have shape",
        ),
        (
            breaking("series", lambda self, law, draws, length: jnp.arange(length)),
            TypeError, "of dtype int32: must be real floats. Return series.astype",
        ),
        (
            breaking("law", lambda self, draws, length: {"kind": "sine"}),
            TypeError, r"law\(...\) with 'sine' at \['kind'\]: must be a pytree of arrays",
        ),
        (
            breaking("law", lambda self, draws, length: (draws.normal("a"), 3.0)),
            TypeError, r"with 3.0 at \[1\]: must be a pytree of arrays.*jnp.asarray",
        ),
        (
            breaking("law", lambda self, draws, length: draws.normal("a") + draws.uniform("a")),
            ValueError, "'a' in law: must not be drawn twice.*another name",
        ),
    ],
    ids=["shape", "a number", "integers", "text", "a number of Python", "twice"],
)  # fmt: skip
def test_a_broken_contract_is_refused_at_first_use(
    family: Any, error: type[Exception], rule: str
) -> None:
    key = jax.random.key(0)
    config = lambda: s2jax.Config(LENGTH, inputs=family, target=s2jax.Identity())
    for call in (
        lambda: family.sample(key, n=2, length=LENGTH),
        lambda: s2jax.sample(key, config(), 2),
    ):
        with pytest.raises(error, match=rule):
            call()


def test_a_row_of_another_shape_is_refused() -> None:
    class Flat(inputs.AbstractRowInput):
        def law(self, draws, channels, length):
            return ()

        def series(self, law, draws, channels, length):
            return draws.normal("noise", (length,))

    rule = r"series\(law, draws, channels, length\) of shape \(32,\): must have shape \(2, 32\)"
    with pytest.raises(ValueError, match=rule):
        Flat().sample(jax.random.key(0), n=2, channels=2, length=LENGTH)
