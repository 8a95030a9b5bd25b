"""What is not installed is asked for, with a command that installs it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from s2jax.core.optional import EXTRAS, MODULES, require

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
DECLARED = PROJECT["project"]["optional-dependencies"]


def test_the_commands_install_what_the_extras_declare() -> None:
    declared = {
        name: tuple(p.split(";")[0] for p in DECLARED[name]) for name in EXTRAS if name != "torch"
    }
    assert {name: packages for name, packages in EXTRAS.items() if name != "torch"} == declared
    assert {extra for extras in MODULES.values() for extra in extras} == set(EXTRAS)


@pytest.mark.parametrize("module", MODULES)
def test_a_missing_module_is_asked_for(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"^Things need {module}, .*Install it: .* Or do not.$"):
        require(module, "Things", "Or do not.")


def test_no_other_file_imports_what_is_optional() -> None:
    package = Path(__file__).parent.parent / "s2jax"
    allowed = {  # behind a call of `require`, or where nothing is lost without it
        "_optional.py", "_export.py", "_figure.py", "_progress.py",
    }  # fmt: skip
    pattern = re.compile(rf"^\s*(import|from) ({'|'.join(MODULES)}|tqdm)\b", re.MULTILINE)
    files = [file for file in package.rglob("*.py") if pattern.search(file.read_text())]
    assert {file.name for file in files} <= allowed


def test_importing_the_package_imports_nothing_optional() -> None:
    code = "import sys, s2jax; print(*{name.split('.')[0] for name in sys.modules})"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {*MODULES, "tqdm"} & set(names.stdout.split())
