"""The README and the pages tell the truth: their Python runs, their commands can be typed."""

import ast
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

import pytest

from s2jax import cli
from s2jax.cli import _export, _generate, _inspect, _pretrain, _stats
from s2jax.cli._config import config_of
from tests.compiled import quick_flags
from tests.peers import PEERS, need
from tests.source import parse

ROOT = pathlib.Path(__file__).parent.parent
OWN = "docs/write-your-own-family.md"  # one program of many blocks: test_own_classes runs it
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/**/*.md"))]
BLOCKS = {
    page: re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    for page in PAGES
    if page != OWN
}
BLOCKS = {page: blocks for page, blocks in BLOCKS.items() if blocks}


def _imported(code: str) -> set[str]:
    """Packages that a block or a page imports."""
    found = set()
    for node in ast.walk(parse(code)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        found |= {name.split(".")[0] for name in names}
    return found


def _parameters() -> list:
    """Pages with the numbers of their blocks; those that need a peer apart."""
    out = []
    for page, blocks in BLOCKS.items():
        compares = [bool(_imported(block) & set(PEERS)) for block in blocks]
        for with_peers in sorted(set(compares)):
            numbers = [number for number, one in enumerate(compares) if one == with_peers]
            marks = [pytest.mark.peers] * with_peers
            out.append(pytest.param(page, numbers, marks=marks, id=f"{page}-{with_peers}"))
    return out


def test_there_are_blocks():
    assert len(BLOCKS) >= 8
    assert len(BLOCKS["README.md"]) >= 5


# Pages have their own process, as a user's, with one device. A block goes on where the one before
# it ended; those of the README stand alone. Warnings are errors, but s2generator's.
_RUN = """
import json, sys, warnings
import jax, s2jax
blocks, names = json.load(sys.stdin), {}
for name, block in blocks.items():
    if name.startswith("README"):
        names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if "s2generator" in block else "error")
        exec(compile(block, name, "exec"), names)
    print("ran", name)
"""


@pytest.mark.parametrize("page, numbers", _parameters())
def test_blocks_run(page: str, numbers: list[int], tmp_path: pathlib.Path):
    blocks = {f"{page} block {number}": BLOCKS[page][number] for number in numbers}
    for name in set().union(*map(_imported, blocks.values())) & set(PEERS):
        need(name)
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps(blocks),
        env=os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": quick_flags()},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ran ") >= len(blocks)


# What stands between the blocks: printed output, and the table of wishes.

README = (ROOT / "README.md").read_text()
PRINTED = re.findall(r"```pycon\n(.*?)```", README, re.DOTALL)
WISHES = re.findall(
    r"^\| (.+?) \| (?:`([^`]+)`) \|$", README.split("| I want ... | do |")[1], re.MULTILINE
)

# Shown output is that of the block of the README before it; wishes go on where the first one ended.
_PRINT = """
import doctest, json, sys
import jax
first, printed, wishes = json.load(sys.stdin)
names = {}
exec(compile(first, "README", "exec"), names)
parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
for number, text in enumerate(printed):
    failed, _ = runner.run(parser.get_doctest(text, dict(names), f"output {number}", None, 0))
    print("DIFFERS" if failed else "AS PRINTED", number)
for wish, code in wishes:
    own = dict(names)
    try:
        if "torch" in code:
            own["torch"] = __import__("torch")
        exec(compile(code, wish, "exec"), own)
        print("DID", wish)
    except Exception as error:
        print("FAILED", wish, repr(error))
"""


def _run_wishes(
    wishes: list[tuple[str, str]], printed: list[str], folder: pathlib.Path
) -> tuple[list[str], str]:
    """What became of outputs and wishes, and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT],
        input=json.dumps([BLOCKS["README.md"][0], printed, wishes]),
        env=os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": quick_flags()},
        cwd=folder,  # one of the wishes saves a picture
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ends = re.findall("^(DIFFERS|AS PRINTED|DID|FAILED) ", done.stdout, re.MULTILINE)
    return ends, done.stdout


def test_output_is_as_printed_and_wishes_are_fulfilled(tmp_path: pathlib.Path):
    own = [wish for wish in WISHES if "torch" not in wish[1]]
    assert PRINTED
    assert len(own) >= 14
    # one wrong one of each shows that these would be seen; one process, because it compiles
    wrong_output, wrong_wish = ">>> key.shape\n(7,)\n", ("nothing", "batch.nothing()")
    ends, said = _run_wishes([*own, wrong_wish], [*PRINTED, wrong_output], tmp_path)
    right = ["AS PRINTED"] * len(PRINTED), ["DID"] * len(own)
    assert ends == [*right[0], "DIFFERS", *right[1], "FAILED"], said


@pytest.mark.peers
def test_wishes_for_torch_are_fulfilled(tmp_path: pathlib.Path):
    need("torch")
    own = [wish for wish in WISHES if "torch" in wish[1]]
    assert own
    ends, said = _run_wishes(own, [], tmp_path)
    assert ends == ["DID"] * len(own), said


def test_every_wish_has_code():
    table = README.split("| I want ... | do |")[1].split("\n\n")[0].strip().splitlines()[1:]
    assert len(WISHES) == len(table)


# What the README's first command installs is enough for all that it shows.

INSTALLED = {
    "jax",
    "numpy",
    "sympy",
    "s2jax",
    "diffrax",
    "equinox",
    "matplotlib",
    "pyarrow",
    "grain",
}


MORE = {"statsmodels"}  # where a notebook says so, and has real series from it


def test_the_first_command_installs_what_is_shown():
    shown = [*BLOCKS["README.md"]]
    shown += [
        file.read_text()
        for name in ("notebooks", "examples")
        for file in (ROOT / name).glob("*.py")
    ]
    assert len(shown) > len(BLOCKS["README.md"])
    for code in shown:
        more = MORE if '"statsmodels>=' in code else set()
        assert _imported(code) <= INSTALLED | more | set(sys.stdlib_module_names)


def test_no_test_needs_a_peer_to_be_collected():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    listed += [
        one
        for extra in ("cli", "corpus", "grain", "ray", "remote")
        for one in project["optional-dependencies"][extra]
    ]
    names = {re.split("[^A-Za-z0-9_-]", line)[0].replace("-", "_") for line in listed}
    known = (
        names
        | {"s2jax", "tests", "benchmarks", "jaxlib", "orbax", "upath"}
        | set(sys.stdlib_module_names)
    )
    for file in [*(ROOT / "tests").glob("*.py"), *(ROOT / "s2jax").rglob("*.py")]:
        outside = [node for node in parse(file.read_text()).body if hasattr(node, "names")]
        assert _imported(ast.unparse(ast.Module(outside, []))) <= known, file


# Commands.


def _commands(page: str) -> list[list[str]]:
    """The arguments of each `s2jax ...` on a page."""
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = [call.strip() for line in lines for call in line.split("&&")]
    words = [shlex.split(call.removeprefix("srun "), comments=True) for call in calls]
    return [call[1:] for call in words if call[:1] == ["s2jax"]]


def _run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Read the arguments as the command does, and go no further than the configuration."""
    monkeypatch.setattr(
        _generate, "generate", lambda command, options: config_of(command, options) and 0
    )
    for name in ("show", "info", "verify", "repair"):
        monkeypatch.setattr(_inspect, name, lambda command: 0)
    read = lambda command, options: command.corpus or _pretrain.configs_of(command, options)
    monkeypatch.setattr(_pretrain, "pretrain", lambda *typed: read(*typed) and 0)
    monkeypatch.setattr(_pretrain, "report", lambda command: 0)
    monkeypatch.setattr(_stats, "stats", lambda command: 0)
    monkeypatch.setattr(_export, "export", lambda command: 0)
    return cli.main(arguments)


def test_commands_can_be_typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    files = [str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*.md")]
    files.remove("docs/write-your-own-family.md")  # test_own_classes runs its commands
    pages = ["README.md", *files]
    commands = [call for page in pages for call in _commands(page)]
    assert len(commands) >= 8
    text = (ROOT / "README.md").read_text()
    options = [code for code in re.findall("`(--[^`]*)`", text) if " --" in code]
    assert options
    commands += [["generate", "corpus", *shlex.split(code)] for code in options]
    for arguments in commands:
        assert _run(arguments, monkeypatch) == cli.OK, arguments
    assert _run(["generate", "corpus", "--lenght", "64"], monkeypatch) == cli.USAGE


def test_commands_of_the_readme_do_not_collide():
    folders = [call[1] for call in _commands("README.md") if call[0] == "generate"]
    assert len(folders) == len(set(folders)) >= 3


def test_continuous_integration_runs_the_commands_of_the_readme():
    blocks = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if "pip install" in line]
    assert len(commands) == 2
    runner = ROOT / ".ci" / "run"
    done = subprocess.run([runner, "commands"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == commands
    for number, part in ((1, "start"), (2, "tests")):
        pattern = rf"^{part}\(\) {{\n(.*?)^}}"
        [body] = re.findall(pattern, runner.read_text(), re.DOTALL | re.MULTILINE)
        assert f'enter {part}\n  command=$(readme {number})\n  eval "$command"' in body
