"""What messages and pages say can be typed can be typed, and every option of a format is one."""

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

import s2jax
from s2jax import cli
from s2jax.cli import _commands
from s2jax.cli._export import _as_typed, _takers, export_class
from s2jax.config.options import names_of
from s2jax.exporters import FORMATS, options_of
from tests.corpora import store
from tests.source import parse

ROOT = Path(__file__).parent.parent
COMMANDS = {
    "generate": _commands.Generate, "show": _commands.Show, "stats": _commands.Stats,
    "census": _commands.Census,
    "info": _commands.Info, "verify": _commands.Verify, "repair": _commands.Repair,
    "export": export_class(), "pretrain": _commands.Pretrain,
    "fields": _commands.Fields, "list": _commands.List,
}  # fmt: skip
# by an option or a word
OTHERS = (
    _commands.ShowFamily,
    _commands.StatsPreset,
    _commands.CensusPreset,
    _commands.PretrainReport,
)
FOREIGN = {"--help", "--max_length"}  # of Time-MoE
EVERYWHERE = {"import", "version", "operators"}  # taken before commands are read
_COMMAND = r"(?:`|^|: |&& |[Rr]un |then |srun )s2jax (\w+)"
_OPTION = r"(?<![\w-])--[a-zA-Z][\w.-]*\w"


def texts_of(file: Path) -> str:
    """The strings of a module, or the lines of code in a page that are for the command line."""
    text = file.read_text()
    if file.suffix == ".md":
        code = re.findall(r"```sh\n(.*?)```|(`[^`\n]+`)", text, re.DOTALL)
        lines = "\n".join(block or word for block, word in code).replace("\\\n", " ").splitlines()
        return "\n".join(line for line in lines if re.search(r"\bs2jax |^`--", line))
    constants = [node for node in ast.walk(parse(text)) if isinstance(node, ast.Constant)]
    return "\n".join(node.value for node in constants if isinstance(node.value, str))


def wrong_words(text: str) -> set[str]:
    """Commands and options in a text that the command line does not have."""
    kinds = [*COMMANDS.values(), *OTHERS]
    known = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    known |= EVERYWHERE
    known |= {f"model.{field.name}" for field in dataclasses.fields(s2jax.symtime.Config)}
    makers = [getattr(s2jax.presets, name) for name in s2jax.presets.__all__]
    parted = s2jax.presets.s2(split=s2jax.Split())
    for config in (*(make() for make in makers), parted):
        known |= set(names_of(config))
    commands = set(re.findall(_COMMAND, text, re.MULTILINE))
    options = set(re.findall(_OPTION, text)) - FOREIGN
    plain = lambda option: option[2:].removeprefix("no-").replace("-", "_")
    return commands - COMMANDS.keys() | {word for word in options if plain(word) not in known}


@pytest.mark.parametrize("folder", sorted({p.parent for p in (ROOT / "s2jax").rglob("*.py")}))
def test_messages_name_what_there_is(folder: Path) -> None:
    assert not wrong_words("\n".join(map(texts_of, folder.glob("*.py"))))


@pytest.mark.parametrize(
    "page", ["README.md", "exporting.md", "feeds.md", "corpora.md", "statistics.md", "symtime.md"]
)
def test_pages_name_what_there_is(page: str) -> None:
    file = ROOT / page if page == "README.md" else ROOT / "docs" / page
    assert not wrong_words(texts_of(file))


def test_the_check_bites() -> None:
    text = "Run s2jax mend, or pass --acceptance.bond 3 --acceptance.bound 3 --allow-long."
    assert wrong_words(text) == {"mend", "--acceptance.bond", "--allow-long"}


def test_commands_are_all() -> None:
    own = {kind for kind in vars(_commands).values() if dataclasses.is_dataclass(kind)}
    names = {kind.__name__ for kind in own if kind.__module__ == _commands.__name__}
    assert names == {name.capitalize() for name in COMMANDS} | {kind.__name__ for kind in OTHERS}


# ---- options of formats ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "corpus"
    store(path, s2jax.presets.s2(length=256), unusable=False)
    return path


def typed(name: str, value: Any) -> list[str]:
    """An option with another value than its default, and the value."""
    word = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--no-{word}" if value else f"--{word}"]
    return [f"--{word}", VALUES.get(name, "7")]


VALUES = {"vocab": "vocab.txt", "fill": "last", "covariates": "graph"}
"""Of options that are no numbers."""


@pytest.mark.parametrize(
    "format, name", [(format, name) for format in FORMATS for name in options_of(format)]
)
def test_every_option_arrives(format: str, name: str, monkeypatch: Any, capsys: Any) -> None:
    arrived: dict[str, Any] = {}

    def export(path: Path, dest: Path, format: str, **options: Any) -> Any:
        arrived.update(options)
        raise ValueError(format)

    monkeypatch.setattr("s2jax.exporters.export", export)
    default = options_of(format)[name]
    arguments = ["export", "a", "b", "--format", format, *typed(name, default)]
    assert cli.main(arguments) == cli.USAGE
    assert capsys.readouterr().err == f"s2jax: {format}\n"
    word = VALUES.get(name, 7)
    wanted = Path(str(word)) if name == "vocab" else word
    assert arrived == {name: not default if isinstance(default, bool) else wanted}


def test_formats_take_options(stored: Path, tmp_path: Path, capsys: Any) -> None:
    dest = lambda name: str(tmp_path / name)
    run = lambda name, *words: cli.main(["export", str(stored), dest(name), "--format", *words])
    assert run("utsd", "utsd") == cli.OK
    assert "Train with seq_len + output_token_len <= 230" in capsys.readouterr().err
    assert run("m", "utsd", "--context-length", "230", "--columns", "3") == cli.OK
    assert capsys.readouterr().err == ""
    assert len(list((tmp_path / "m").iterdir())) == 3
    assert run("n", "toto") == cli.USAGE
    told = capsys.readouterr().err
    assert "or pass --prediction-length <= 26. Or pass --allow-short to write them" in told
    assert run("toto", "toto", "--prediction-length", "26") == cli.OK
    assert run("short", "toto", "--allow-short") == cli.OK
    assert run("n", "toto", "--covariates", "graph", "--allow-short") == cli.USAGE
    assert "Pass --covariates future, or draw" in capsys.readouterr().err
    assert run("n", "npz", "--columns", "3") == cli.USAGE
    assert "Choose among: --allow-short, --rows-per-file." in capsys.readouterr().err
    assert not (tmp_path / "n").exists()


def test_help_lists_them(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["export", "--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for format in FORMATS:
        for name in options_of(format):
            assert f"--{name.replace('_', '-')}" in text
    assert "Of time-moe (1024), utsd: That of the training" in text


def test_only_advice_is_put_as_typed() -> None:
    text = "max_tokens = 3 is small. Pass univariate=True, or max_tokens <= 2. univariate."
    assert _as_typed(text, _takers()) == (
        "max_tokens = 3 is small. Pass --univariate, or --max-tokens <= 2. univariate."
    )
