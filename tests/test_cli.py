"""The command line: what it accepts, what it refuses, and its exit codes."""

import json
import os
import re
import shutil
import subprocess
import sys
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import s2jax
from s2jax import cli, inputs, laws, plotting
from s2jax.cli import _config
from s2jax.cli._machine import use_several_threads
from s2jax.config import serialize
from s2jax.config.options import _read, names_of, with_options
from s2jax.core.types import Number, Whole
from s2jax.corpus import read_manifest
from s2jax.corpus.card import _UNMEASURED
from s2jax.stream import Stream

ROOT = Path(__file__).parent.parent
# the library's own process, as a user starts it
SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "XLA_FLAGS": "",
    "MPLBACKEND": "agg",
}
# in blocks of four, as most tests draw, so that one compiled program serves them all
ARGUMENTS = [
    "--preset", "s2", "--rows", "300", "--block-size", "4", "--length", "64", "--seed", "5",
    "--acceptance.bound=500",
]  # fmt: skip


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "s2jax.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | SETTINGS,
    )


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A small corpus made by the command."""
    out = tmp_path_factory.mktemp("cli") / "corpus"
    return out, run("generate", out, *ARGUMENTS)


def test_the_version_is_printed(capsys) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"s2jax {s2jax.__version__}\n"


def test_generate(generated):
    out, result = generated
    assert result.returncode == cli.OK, result.stderr
    assert result.stdout.startswith(f"{out}: 300 rows, ")
    assert "rows/s" in result.stdout
    assert "accepted" in result.stdout
    rejected = result.stdout.splitlines()[1]
    assert re.match(r"rejected: too_large \d+ \(\d+\.\d%\), ", rejected)
    assert "300" in result.stderr
    assert result.stderr.startswith("compiling: ")
    assert "1 files" not in result.stdout + result.stderr
    assert "rows/s" in result.stderr or "s left" in result.stderr
    manifest = read_manifest(out)
    assert manifest["rows"] == 300
    assert manifest["seed"] == 5
    assert manifest["config"]["length"] == 64
    assert manifest["config"]["acceptance"]["bound"] == 500


def test_show(generated, tmp_path, capsys):
    out, _ = generated
    png = tmp_path / "picture.png"
    assert cli.main(["show", str(out), "--png", str(png), "--pairs", "3"]) == cli.OK
    assert png.read_bytes()[:4] == b"\x89PNG"
    assert png.stat().st_size > 20_000
    table = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line[:1].strip()
    )
    assert table["rows"] == "300"
    assert table["length"] == "64"
    assert table["channels"] == "1 in, 1 out"
    assert re.fullmatch(r"300 of \d+ expressions accepted \(\d+\.\d%\)", table["tries"])
    assert " 0 (0.0%)" not in table["rejected"]
    assert table["size"].endswith(" in 1 file")
    assert "mul" in table["operators"]
    assert 100 < int(table["skeletons"].split()[0]) <= 300


def test_show_puts_the_picture_beside_the_folder(generated):
    out, _ = generated
    assert cli.main(["show", str(out), "--pairs", "1"]) == cli.OK
    assert out.with_name("corpus.png").exists()
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "_manifest.json", "data"]


def test_show_a_family(tmp_path, capsys):
    png = tmp_path / "family.png"
    words = ["show", "--family", "Mixture", "--png", str(png), "--count", "2", "--length", "16"]
    assert cli.main(words) == cli.OK
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "Mixture" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words, said",
    [
        (["--family", "Mixtur"], "Mixture"),
        (["--family", "Add"], "plot_family"),
        (["--family", "Mixture", "--count", "0"], "count=0"),
    ],
)
def test_families_that_are_not_shown(words, said, capsys):
    assert cli.main(["show", *words]) == cli.USAGE
    assert said in capsys.readouterr().err


def test_show_of_no_corpus(tmp_path, capsys):
    assert cli.main(["show", str(tmp_path)]) == cli.USAGE
    assert "holds no finished corpus" in capsys.readouterr().err
    assert cli.main(["show", str(tmp_path / "none")]) == cli.USAGE
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, message",
    [
        (["--acceptance.bond", "3"], "Did you mean 'bound'?"),
        (["--lenght", "64"], "Did you mean 'length'?"),
        (["--row", "3"], "Did you mean 'rows'?"),
        (["--target.law.unary-weights.sine", "1"], "Did you mean 'sin'?"),
        (["--acceptance.bound", "-1"], "Acceptance(bound=-1.0): must be a number > 0"),
        (["--acceptance.bound", "big"], "--acceptance.bound big: must be a number."),
        (["--length", "6.5"], "--length 6.5: must be an integer."),
        (["--length", "64", "65"], "--length 64 65: takes one value."),
        (["--length"], "--length: needs a value."),
        (["--length", "none"], "cannot be left out"),
        (["--length.x", "3"], "has no field 'x'"),
        (["--inputs", "ARMS"], "Did you mean 'ARMA'?"),
        (["--y-scaling", "no"], "Did you mean 'none'?"),
        (["--target", "Identity,Algebraic"], "takes one name"),
        (["--inputs.weights", "1"], "one weight for each"),
        (["--rows", "0.0e3"], "rows=0): must be an integer >= 1"),
        (["--rows", "1.5"], "--rows 1.5: must be an integer. Write for example --rows 1000."),
        (["--shard-rows=many"], "--shard-rows many: must be an integer."),
        (["--rows", "0"], "rows=0): must be an integer >= 1"),
        (["--config", "missing.toml"], "cannot be read as TOML"),
        (["--workers", "0"], "workers=0): must be an integer >= 1"),
        (["--shards", "1"], "--shards 1: must be I/N"),
        (["--shards", "1/1"], "part=(1, 1)): must be (i, n) with 0 <= i < n"),
        (["--address", "auto"], "--address auto: needs --engine ray"),
    ],
)
def test_wrong_usage_writes_nothing(tmp_path, capsys, options, message):
    out = tmp_path / "corpus"
    assert cli.main(["generate", str(out), *options]) == cli.USAGE
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_integers_may_be_written_with_an_exponent():
    words = [
        "generate",
        "a",
        "--rows",
        "1e6",
        "--shard_rows=2.048e3",
        "--seed",
        "7",
        "--length",
        "1e2",
    ]
    fixed = ["generate", "a", "--rows=1000000", "--shard_rows=2048", "--seed=7"]
    assert _config.split(words) == (fixed, {"length": ["1e2"]})


@pytest.mark.parametrize(
    "arguments", [[], ["generate"], ["generate", "a", "--engine", "x"], ["no"]]
)
def test_wrong_fixed_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == cli.USAGE
    assert capsys.readouterr().err or capsys.readouterr().out is not None


def test_bad_toml_and_unknown_field_in_it(tmp_path, capsys):
    file = tmp_path / "config.toml"
    for text, message in [
        ("length = ", "cannot be read as TOML"),
        ("[acceptance]\nbond = 3", "--acceptance.bond: unknown name 'bond'. Did you mean 'bound'?"),
        ('length = "x"', "--length x: must be an integer"),
        ("length = true", "must be a number"),
    ]:
        file.write_text(text)
        assert cli.main(["generate", str(tmp_path / "out"), "--config", str(file)]) == cli.USAGE
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_occupied_folder_is_refused(generated, tmp_path, capsys):
    out, _ = generated
    assert cli.main(["generate", str(out), *ARGUMENTS, "--seed", "6"]) == cli.USAGE
    assert "seed is 5 there and 6 here" in capsys.readouterr().err
    assert cli.main(["generate", str(out), *ARGUMENTS, "--rows", "299"]) == cli.USAGE
    assert "rows is 300 there and 299 here" in capsys.readouterr().err
    (tmp_path / "mine").write_text("")
    assert cli.main(["generate", str(tmp_path)]) == cli.USAGE
    assert "'mine', which is no part of one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, message",
    [
        (OSError(28, "No space left on device"), "No space left"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_what_was_interrupted_can_go_on(tmp_path, capsys, monkeypatch, error, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(Stream, "__getitem__", fail)
    arguments = ["generate", str(tmp_path / "new"), "--length", "64"]
    assert cli.main(arguments) == cli.INTERRUPTED
    told = capsys.readouterr().err
    assert message in told
    assert f"To go on: s2jax {' '.join(arguments)}" in told


def test_one_processor_draws_as_several(monkeypatch):
    monkeypatch.setattr("s2jax.corpus.plan.processors", lambda: 1)
    monkeypatch.setenv("NPROC", "")
    del os.environ["NPROC"]
    use_several_threads()
    assert os.environ["NPROC"] == "2"


def test_a_card_that_is_not_measured_yet_is(generated, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(generated[0], folder)
    card, command = folder / "README.md", ["generate", str(folder), *ARGUMENTS]
    measured = card.read_text()
    assert "| of 300 rows, 64 steps |" in measured
    start, _, rest = measured.partition("<!-- figures -->")
    end = rest.partition("<!-- end of figures -->")[2]
    card.write_text(f"{start}<!-- figures -->\n{_UNMEASURED}\n<!-- end of figures -->{end}")
    assert cli.main([*command, "--card-rows", "0"]) == cli.OK
    assert _UNMEASURED in card.read_text()
    assert cli.main(command) == cli.OK
    assert card.read_text() == measured
    assert "measuring rows for" in capsys.readouterr().err
    assert cli.main(["generate", str(tmp_path / "new"), "--card-rows", "-1"]) == cli.USAGE
    assert not (tmp_path / "new").exists()


def test_a_reader_that_has_enough_is_no_error(generated):
    out, _ = generated
    code = (
        "import sys, os; from s2jax import cli\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        f"code = cli.main(['info', {str(out)!r}, '--json'])\n"
        "sys.stdout.flush(); os._exit(10 + code)"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | SETTINGS
    )
    assert (ended.returncode, ended.stderr) in ((11, ""), (10, ""))


def test_the_same_command_again_does_nothing(generated, capsys, monkeypatch):
    out, result = generated
    assert re.search(r"300 rows in 1 file: about \d+\.\d [kM]B of [\d,]+ MB free", result.stderr)
    monkeypatch.setattr(Stream, "__getitem__", None)
    assert cli.main(["generate", str(out), *ARGUMENTS]) == cli.OK
    assert capsys.readouterr().out.startswith(f"{out}: 300 rows")


@pytest.mark.floats
def test_info_verify_and_repair(generated, tmp_path, capsys):
    out, _ = generated
    folder = tmp_path / "copy"
    shutil.copytree(out, folder)
    assert cli.main(["info", str(folder)]) == cli.OK
    assert "state        whole\nrows         300" in capsys.readouterr().out
    assert cli.main(["stats", str(folder), "--rows", "50"]) == cli.OK
    told = capsys.readouterr().out
    assert re.search(r"series +\d+ of \d+", told)
    assert re.search(r"skeletons +\d+ among \d+ expressions", told)
    assert re.search(r"sizes .*\noperators +\w+ \d+, [^=]*\nfamilies +\w+ \d+\.\d %", told)
    assert re.search(r"tries +\d+ of \d+ expressions accepted", told)
    assert cli.main(["verify", str(folder)]) == cli.OK
    assert "1 file is as it was written" in capsys.readouterr().out
    assert cli.main(["verify", "--json", str(folder)]) == cli.OK
    told = json.loads(capsys.readouterr().out)
    assert told == {"corpus": str(folder), "files": 1, "damaged": []}
    assert cli.main(["info", "--json", str(folder)]) == cli.OK
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "corpus": str(folder), "state": "whole", "manifest": s2jax.corpus.read_manifest(folder),
    }  # fmt: skip
    (file,) = (folder / "data").iterdir()
    good = file.read_bytes()
    file.write_bytes(good[:2000] + bytes([good[2000] ^ 1]) + good[2001:])
    assert cli.main(["verify", str(folder)]) == cli.FAILED
    told = capsys.readouterr()
    assert "data/train-000000.parquet has other bytes" in told.out
    assert f"s2jax repair {folder}" in told.err
    assert cli.main(["verify", "--json", str(folder)]) == cli.FAILED
    (damage,) = json.loads(capsys.readouterr().out)["damaged"]
    assert damage["shard"] == 0
    assert damage["name"] == "data/train-000000.parquet"
    assert damage["reason"].startswith("has other bytes")
    assert cli.main(["repair", str(folder)]) == cli.OK
    assert "drawn again, with the same values" in capsys.readouterr().out
    assert file.read_bytes() == good
    assert cli.main(["repair", str(folder)]) == cli.OK
    assert "nothing to repair" in capsys.readouterr().out
    for command in ("info", "verify", "repair"):
        assert cli.main([command, str(tmp_path)]) == cli.USAGE
        assert "holds no finished corpus" in capsys.readouterr().err


def test_what_would_be_written(tmp_path, capsys):
    out = tmp_path / "new"
    arguments = ["generate", str(out), "--length", "64", "--rows", "20", "--block-size", "8"]
    arguments += ["--shard-rows", "8"]
    assert cli.main([*arguments, "--dry-run"]) == cli.OK
    assert not out.exists()
    told = capsys.readouterr().out
    assert re.search(r"new: 20 rows in 3 files: about \d+\.\d kB of .* Nothing was written", told)
    assert cli.main([*arguments, "--quiet"]) == cli.OK
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "")
    (out / "data" / "train-000001.parquet").unlink()
    assert cli.main([*arguments, "--dry-run"]) == cli.OK
    assert "new: 8 rows in 1 file: about" in capsys.readouterr().out
    assert cli.main([*arguments, "--quiet"]) == cli.OK
    capsys.readouterr()
    assert cli.main([*arguments, "--dry-run"]) == cli.OK
    assert "nothing is left to draw. Nothing was written" in capsys.readouterr().out
    assert cli.main([*arguments, "--dry-run", "--seed", "1"]) == cli.USAGE
    assert "seed" in capsys.readouterr().err


def test_stats_of_series(tmp_path, capsys):
    noise = np.random.default_rng(0).normal(size=(30, 240))
    np.save(tmp_path / "noise.npy", noise)
    np.save(tmp_path / "walk.npy", noise.cumsum(1))
    files = [str(tmp_path / f"{name}.npy") for name in ("noise", "walk")]
    assert cli.main(["stats", files[0], "--against", files[1], "--json"]) == cli.OK
    told = json.loads(capsys.readouterr().out)
    noisy, walking = (told[name]["features"]["skill_1"]["quartiles"][1] for name in files)
    assert noisy < 0.1 < 0.8 < walking
    assert told[files[0]]["shares"]["unforecastable"] > 0.5
    found = told[files[0]]["against"][files[1]]
    assert (
        found["distances"]["coverage"]["value"] < 0.2 < found["halves_of_it"]["coverage"]["value"]
    )
    low, high = found["distances"]["energy_distance"]["interval"]
    assert 1 < low < found["distances"]["energy_distance"]["value"] < high
    assert {"skill_1", "acf_1"} <= set(found["features"])
    assert {"missing", "seasonal_strength"} <= set(found["left_out"]["features"])
    assert cli.main(["stats", files[0], "--against", files[1]]) == cli.OK
    lines = capsys.readouterr().out
    assert re.search(r"against walk.npy +its two halves\n", lines)
    assert re.search(r"energy_distance +[\d.]+ \([\d.]+ to [\d.]+\)", lines)
    assert re.search(r"of \d+ features, without .*missing.*; 0 series and 0 of it", lines)
    assert cli.main(["stats", *files[:1], "--against", files[1], "--rows", "5"]) == cli.OK
    assert "against walk.npy: compare(k=5): must be below 5" in capsys.readouterr().out
    assert cli.main(["stats", *files[:1], "--rows", "7"]) == cli.OK
    lines = capsys.readouterr().out
    assert "7 of 240" in lines
    assert "turning_points" in lines


def check_expressions(page: str) -> None:
    """Each series on a page stands above the expression and the family of its row."""
    batch = Stream(s2jax.presets.s2(length=64), 0, 12)[0]
    texts = s2jax.to_text(batch.program, style="sympy")
    figures = re.findall(r"<b>row (\d+)</b> [^<]*<br>y = (.*?)(?:\.\.\.)?; x of (\w+)<br>", page)
    assert len(figures) == 18  # typical and extreme ones
    assert len({row for row, _, _ in figures}) > 9
    for row, text, family in figures:
        assert texts[int(row)].startswith(text)
        known = batch.x_source.family[int(row), batch.x_mask[int(row)]]
        assert family in [("Mixture", "ARMA")[one] for one in known]
    assert "--preset s2 --length 64 --seed 0 --rows 12" in page


def test_stats_of_a_preset(tmp_path, capsys):
    page = tmp_path / "page.html"
    words = ["stats", "--preset", "s2", "--length", "64", "--rows", "12", "--json"]
    assert cli.main([*words, "--html", str(page)]) == cli.OK
    (told,) = json.loads(capsys.readouterr().out).values()
    assert (told["series"], told["steps"]) == (12, 64)
    programs = told["expressions"]
    assert 1 < programs["skeletons"] <= programs["number"] == 12
    assert sum(programs["instructions"].values()) == 12
    assert programs["operators"]
    assert told["tries"]["acceptance"]["accepted"] == 12
    families = dict(told["families"])
    assert set(families) == {"Mixture", "ARMA"}
    assert sum(families.values()) == pytest.approx(1)
    check_expressions(page.read_text())
    assert cli.main(["stats", "--preset", "s2", "--length", "0"]) == cli.USAGE
    assert "length=0" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["stats", "folder", "--preset", "s2"])
    assert "folder" in capsys.readouterr().err


def test_stats_refuses_what_is_no_corpus(tmp_path, capsys):
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    np.save(tmp_path / "flat.npy", np.zeros(5))
    for name, said in (
        ("objects.npy", "no file of an array of numbers"),
        ("flat.npy", r"must be numbers of shape \(series, steps\), and has \(5,\)"),
        ("none.npy", "no file of an array of numbers"),
        ("folder", "must be a corpus with its _manifest.json"),
    ):
        assert cli.main(["stats", str(tmp_path / name)]) == cli.USAGE
        assert re.search(said, capsys.readouterr().err)
    assert cli.main(["stats", str(tmp_path / "flat.npy"), "--rows", "0"]) == cli.USAGE


def test_export(generated, tmp_path, capsys):
    out, _ = generated
    assert cli.main(["export", str(out), str(tmp_path / "npz"), "--format", "npz"]) == cli.OK
    assert "300 rows as npz" in capsys.readouterr().out
    assert cli.main(["export", str(out), str(tmp_path / "no"), "--format", "nzp"]) == cli.USAGE
    assert "Did you mean 'npz'?" in capsys.readouterr().err


def test_help_names_the_options(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["generate", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "--preset {mix,multivariate,s2,reference,ode,sarsim}" in text
    assert "--acceptance.bound" in text


def test_options_win_over_the_file_and_the_file_over_the_preset(tmp_path, capsys):
    file = tmp_path / "config.toml"
    file.write_text("length = 32\nnum_inputs = 3\n[acceptance]\nbound = 7\nmax_tries = 9\n")
    options = ["--config", str(file), "--num-inputs", "2", "--acceptance.max-tries", "5"]
    assert cli.main(["fields", "--preset", "reference", *options]) == cli.OK
    lines = (line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    shown = dict(lines)
    assert shown["--length"] == "32"
    assert shown["--num-inputs"] == "2"
    assert shown["--acceptance.bound"] == "7.0"
    assert shown["--acceptance.max-tries"] == "5"
    assert shown["--inputs.weights"] == "0.1 0.2 0.35 0.25 0.1"  # the preset's


def test_options_reach_every_kind_of_field():
    config = with_options(
        s2jax.Config(),
        {
            "length": "128",
            "min-inputs": "1",
            "num-inputs": "3",
            "inputs.weights": ["0.3", "0.7"],
            "inputs.families.0.uniform-probability": "0.25",
            "inputs": "ARMA,Mixture,ARMA",
            "target": {"law": {"class": "UniformLaw", "max_operators": 4, "affine": "none"}},
            "target.protected": "false",
            "x-scaling": "none",
            "y-scaling.high": 8,
        },
        {"inputs": ["Mixture", "ARMA"], "inputs.weights": "0.5,0.5"},
        {"target.law.unary_weights.tanh": 2, "target.law.constants.digits": "4"},
    )
    assert isinstance(config.target, s2jax.Algebraic)
    assert isinstance(config.target.law, laws.UniformLaw)
    assert isinstance(config.inputs, inputs.Choice)
    weights = config.target.law.unary_weights
    assert weights["tanh"] == 2.0
    assert weights["sin"] == 1.0
    assert config.target.law.constants.digits == 4
    assert config.target.law.max_operators == 4
    assert not config.target.protected
    assert config.x_scaling is None
    assert config.y_scaling == s2jax.Standardize(high=8.0)
    assert (config.length, config.num_inputs, config.min_inputs) == (128, 3, 1)
    first = config.inputs.families[0]
    assert isinstance(first, inputs.Mixture)
    assert first.uniform_probability == 0.5  # chosen anew by the later layer
    assert config.inputs.weights == (0.5, 0.5)
    revived = with_options(config, {"x_scaling.low": 2})
    assert revived.x_scaling == s2jax.Standardize(low=2.0)


def test_every_listed_field_can_be_set_to_its_own_value():
    for config in (
        s2jax.presets.s2(),
        s2jax.Config(num_outputs=2, target=s2jax.ode.ODE(law=laws.S2Law())),
        s2jax.Config(inputs=inputs.ARMA(), x_scaling=None),
    ):
        values = {
            name: value
            for name, value in names_of(config).items()
            if name != "inputs" or value != "Choice"
        }
        given = {name: "none" if value is None else value for name, value in values.items()}
        again = with_options(config, given)
        assert serialize.to_json(again) == serialize.to_json(config)


@pytest.mark.parametrize(
    "given, kind, old, value",
    [
        ("1,2", tuple[int, ...] | None, None, (1, 2)),
        (["1", "2"], tuple[int, ...] | None, None, (1, 2)),
        ("0.5", Sequence[Number], (), (0.5,)),
        ("3,4", Sequence[Number] | None, None, (3.0, 4.0)),
        ("3,4", Any, (1, 2), (3, 4)),
        ("3,4", Any, (1.0, 2), (3.0, 4.0)),
        ("driven, forced", tuple[str, ...], (), ("driven", "forced")),
        ("none", tuple[int, ...] | None, (1, 2), None),
        ("2", Number | None, None, 2.0),
        ("2", Whole | None, None, 2),
    ],
)
def test_values_that_are_several_numbers_or_none(given, kind, old, value):
    read = _read(old, given, "field", kind)
    assert read == value
    if isinstance(value, tuple):
        assert [type(item) for item in read] == [type(item) for item in value]


def test_several_whole_numbers_are_whole():
    with pytest.raises(ValueError, match="--field 1.5: must be an integer"):
        _read(None, "1,1.5", "field", tuple[int, ...] | None)


def test_weights_of_forms_are_set_added_and_left_out():
    left_out = {f"target.weights.{name}": "none" for name in ("driven", "forced")}
    options = {"num-inputs": 0, "target.weights.second-order": 5, "target.tolerance": 0.01}
    config = with_options(s2jax.presets.ode(), options | left_out)
    assert isinstance(config.target, s2jax.ode.ODE)
    every = s2jax.presets.ode().target.weights
    assert list(config.target.weights) == [
        name for name in every if name not in ("driven", "forced")
    ]
    assert (config.target.weights["second_order"], config.num_inputs) == (5.0, 0)
    again = with_options(
        s2jax.presets.ode(num_inputs=0), {"num-inputs": 1, "target.weights.driven": 2}
    )
    assert again.target.weights["driven"] == 2.0
    with pytest.raises(ValueError, match="--target.weights.drivn: .* Did you mean 'driven'"):
        with_options(config, {"target.weights.drivn": 1})


def test_every_preset_has_its_name_on_the_command_line():
    functions = [f for f in vars(s2jax.presets).values() if isinstance(f, types.FunctionType)]
    names = {f.__name__ for f in functions if f.__module__ == "s2jax.presets"}
    assert {name for name in names if name[0] != "_"} <= set(typing.get_args(cli.Preset))


def test_nothing_heavy_is_imported_before_the_arguments_are_read():
    code = (
        "import sys, s2jax.cli\n"
        "try: s2jax.cli.main(['generate', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'sympy', 'matplotlib', 'pyarrow', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env=os.environ | SETTINGS,
    )  # fmt: skip
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_summary_counts_what_is_there(generated):
    out, _ = generated
    table = plotting.summarize(out)
    counted = sum(int(part.split()[1].replace(",", "")) for part in table["operators"].split(", "))
    assert counted > 300
