"""Runs of SymTime: saved, stopped, gone on with bit for bit, judged and drawn."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import cli, plotting, symtime
from s2jax.cli import _commands, _config, _pretrain
from s2jax.config.serialize import to_json
from s2jax.symtime import _folder
from s2jax.symtime import _pretrain as runs
from s2jax.symtime._judge import held_out

ROOT = Path(__file__).parent.parent
DATA = s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.9))
SIZES = {
    "width": 8, "hidden_width": 8, "symbol_width": 8, "symbol_hidden_width": 8, "projection": 8,
    "batch": 16,
}  # fmt: skip
CONFIG = symtime.Config.tiny(length=64, **SIZES)
STEPS = 6
# the same run as words of the command line
WORDS = [
    "--preset", "s2", "--length", "64", "--steps", str(STEPS), "--save-every", "2",
    "--batch-size", "16", "--model.width", "8", "--model.hidden-width=8",
    "--model.symbol-width", "8", "--model.symbol_hidden_width", "8", "--model.projection", "8",
]  # fmt: skip


def train(path: Path, **options: Any) -> symtime.State:
    return symtime.pretrain(path, CONFIG, DATA, STEPS, save_every=2, **options)


def stop_after(steps: int) -> Any:
    """A progress that interrupts when so many steps were made."""

    def progress(pairs: int) -> None:
        if pairs >= steps * CONFIG.batch:
            raise KeyboardInterrupt

    return progress


def content(folder: Path) -> dict[str, Any]:
    """Lines, and digests of the checkpoints: what must be the same."""
    digests = {
        str(file.parent.name): file.read_text() for file in folder.glob("checkpoints/*/sha256.txt")
    }
    return {"lines": (folder / "losses.jsonl").read_text(), **digests}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never stopped."""
    folder = tmp_path_factory.mktemp("pretrain") / "whole"
    train(folder)
    return folder


@pytest.fixture(scope="module")
def run(whole: Path) -> symtime.Run:
    return symtime.read_run(whole)


# ---- going on -------------------------------------------------------------------------------


def test_a_line_for_every_step(whole: Path, run: symtime.Run) -> None:
    lines = [json.loads(line) for line in (whole / "losses.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    named = {"total", "mtm", "mlm", "temperature", "series_found", "rows_too_long"}
    assert named < lines[0].keys()
    assert np.isfinite(run.losses["total"]).all()
    assert (run.config, run.seed, run.num_steps, int(run.state.step)) == (CONFIG, 0, STEPS, STEPS)
    assert to_json(run.data) == to_json(DATA)
    [speed] = run.speeds
    assert (speed["first_step"], speed["last_step"]) == (1, STEPS)
    assert 0 < speed["drawing_share"] <= 1
    assert sorted(path.name for path in (whole / "checkpoints").iterdir()) == [
        "000000004", "000000006",
    ]  # fmt: skip


@pytest.mark.long
def test_steps_are_those_of_train_step(run: symtime.Run) -> None:
    """The program of a run does what the pure step does, from the same first state."""
    moves = symtime.optimizer(CONFIG, STEPS)
    state = symtime.init(jax.random.key(np.uint64(0)), CONFIG, moves)
    step = jax.jit(lambda state: symtime.train_step(CONFIG, moves, DATA, state))
    for k in range(2):
        state, metrics = step(state)
        for name, value in metrics.items():
            np.testing.assert_allclose(run.losses[name][k], value, rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    steps: int, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt) as caught:
        train(folder, progress=stop_after(steps))
    saved = int(symtime.read_run(folder).state.step)
    assert steps <= saved < STEPS
    assert caught.value.__notes__ == [f"{saved} of {STEPS} steps are saved."]
    state = train(folder)
    assert content(folder) == content(whole)
    for mine, theirs in zip(
        *(jax.tree.leaves(one.model) for one in (state, symtime.read_run(whole).state)), strict=True
    ):
        assert np.array_equal(mine, theirs)
    assert len(symtime.read_run(folder).speeds) == 2


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(whole: Path, tmp_path: Path) -> None:
    """Lines after the checkpoint, half a line, and a checkpoint in the making are left behind."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "checkpoints" / "000000006")
    (folder / "checkpoints" / "_tmp-half").mkdir()
    with open(folder / "losses.jsonl", "a") as file:
        file.write('{"step": 7, "tot')
    train(folder)
    assert content(folder) == content(whole)
    assert not list((folder / "checkpoints").glob("_tmp-*"))


def test_nothing_is_compiled_after_the_first_step(whole: Path) -> None:
    program = runs._compile(CONFIG, STEPS, None, "data")
    assert program._cache_size() == 1


def test_a_finished_run_does_nothing(whole: Path, tmp_path: Path) -> None:
    before = content(whole), (whole / "speed.jsonl").read_text()
    counted: list[int] = []
    assert int(train(whole, progress=counted.append).step) == STEPS
    assert counted == [STEPS * CONFIG.batch]
    assert (content(whole), (whole / "speed.jsonl").read_text()) == before


def test_a_damaged_checkpoint_is_passed_over(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for step, left in ((6, 4), (4, None)):
        place = folder / "checkpoints" / f"{step:09d}"
        largest = max(place.rglob("d/*"), key=lambda file: file.stat().st_size)
        data = bytearray(largest.read_bytes())
        data[len(data) // 2] ^= 1
        largest.write_bytes(data)
        if left is not None:
            assert int(symtime.read_run(folder).state.step) == left
            assert len(symtime.read_run(folder).losses["step"]) == left
    with pytest.raises(ValueError, match="must hold a checkpoint that can be read, and all are"):
        train(folder)


def test_what_is_not_saved_is_not_lost_by_an_interrupt(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt while a call begins, when the old state is gone and the new one not there."""
    monkeypatch.setattr(runs._Training, "_can_be_saved", lambda self: False)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(tmp_path / "run", progress=stop_after(3))
    [note] = caught.value.__notes__
    monkeypatch.undo()
    saved = int(symtime.read_run(tmp_path / "run").state.step)
    assert note.startswith(f"{saved} of")
    train(tmp_path / "run")
    assert content(tmp_path / "run") == content(whole)


def test_lines_are_cut_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    lines = _folder.Lines(path, 0)
    lines.write([{"step": 1, "loss": np.inf}, {"step": 2, "loss": 0.5}])
    assert path.read_text().splitlines()[0] == '{"step": 1, "loss": null}'
    with open(path, "a") as file:
        file.write("of an interrupted write")
    lines.write([{"step": 3, "loss": 0.25}])
    np.testing.assert_array_equal(_folder.read_lines(path)["loss"], [np.nan, 0.5, 0.25])
    assert _folder.Lines(path, 2).step == 2
    assert len(path.read_text().splitlines()) == 2
    with pytest.raises(ValueError, match="must have a line for each of the 3 steps"):
        _folder.Lines(path, 3)


@pytest.mark.long
def test_a_killed_process_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """Commands as users type them; one of them is killed when it has saved."""
    words = [sys.executable, "-m", "s2jax.cli", "pretrain"]
    options = [*WORDS, "--steps", "400"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": ""}
    start = lambda name: subprocess.Popen(
        [*words, str(tmp_path / name), *options], env=environment, stderr=subprocess.DEVNULL
    )
    assert start("whole").wait() == cli.OK
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, cli.INTERRUPTED)):
        process = start(f"run{int(number)}")
        while not list((tmp_path / f"run{int(number)}").glob("checkpoints/0*")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait() == code
        saved = _folder.steps_saved(tmp_path / f"run{int(number)}")
        assert saved[-1] < 400
        assert start(f"run{int(number)}").wait() == cli.OK
        assert content(tmp_path / f"run{int(number)}") == content(tmp_path / "whole")


@pytest.mark.long
def test_a_mesh_draws_the_same(whole: Path, tmp_path: Path, run: symtime.Run) -> None:
    assert len(jax.devices()) == 4, "conftest forces four CPU devices"
    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])
    plain = runs.with_automatic_axes(mesh)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", mesh=mesh, progress=stop_after(2))
    kinds = runs._compile(CONFIG, STEPS, plain, "data")._cache_size()
    train(tmp_path / "run", mesh=mesh)
    assert runs._compile(CONFIG, STEPS, plain, "data")._cache_size() == kinds <= 2
    losses = symtime.read_run(tmp_path / "run").losses
    np.testing.assert_allclose(losses["total"], run.losses["total"], rtol=2e-3)


# ---- what is refused ------------------------------------------------------------------------


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"num_steps": 7}, "num_steps is 6 there and 7 here"),
        ({"config": symtime.Config.tiny(length=64, **SIZES | {"width": 12})}, "config.width is 8"),
        (
            {"data": s2jax.presets.s2(length=64, split=s2jax.Split(0, 0.5))},
            "data.split.high is 0.9 there and 0.5 here",
        ),
    ],
)  # fmt: skip
def test_another_run_is_refused(fields: dict[str, Any], message: str, whole: Path) -> None:
    before = content(whole)
    options = {"config": CONFIG, "data": DATA, "num_steps": STEPS} | fields
    with pytest.raises(ValueError, match=f"pretrain.path=.*the checkpoint in it is of.*{message}"):
        symtime.pretrain(whole, **options)
    assert content(whole) == before


def test_nothing_is_written_where_something_else_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="it holds notes.txt. Choose another"):
        train(tmp_path)
    with pytest.raises(FileExistsError, match="must be a folder, and a file is there"):
        train(tmp_path / "notes.txt")
    assert listing(tmp_path) == [str(tmp_path / "notes.txt")]
    (tmp_path / "_run.json").write_text("{")
    with pytest.raises(ValueError, match="must be JSON"):
        train(tmp_path)


def test_rows_that_would_be_lost_are_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = runs.refuse_long
    monkeypatch.setattr(runs, "refuse_long", lambda config, lost: refuse(config, lost, 0.01))
    with pytest.raises(ValueError, match=r"max_tokens=48.: would lose \d+% of the rows"):
        train(tmp_path / "run")
    assert not listing(tmp_path)


def test_bad_calls(unchecked: None, tmp_path: Path) -> None:
    path = tmp_path / "run"
    other = s2jax.presets.s2(length=32)
    with pytest.raises(ValueError, match="config with length=64, data with length=32.: must be"):
        symtime.pretrain(path, CONFIG, other, STEPS)
    with pytest.raises(TypeError, match="data=.*must be an s2jax.Config"):
        symtime.pretrain(path, CONFIG, CONFIG, STEPS)
    with pytest.raises(TypeError, match="must be a symtime.Config"):
        symtime.pretrain(path, DATA, DATA, STEPS)
    with pytest.raises(ValueError, match="num_steps=1.: must be an integer >= 2"):
        symtime.pretrain(path, CONFIG, DATA, 1)
    with pytest.raises(ValueError, match="save_every=0.: must be an integer >= 1"):
        symtime.pretrain(path, CONFIG, DATA, STEPS, save_every=0)
    with pytest.raises(TypeError, match="save_evry=2.: unknown name 'save_evry'"):
        symtime.pretrain(path, CONFIG, DATA, STEPS, save_evry=2)
    assert not listing(tmp_path)


def test_folders_that_cannot_be_read(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="read_run.*must be the folder of a run"):
        symtime.read_run(tmp_path)
    shutil.copy(whole / "_run.json", tmp_path)
    with pytest.raises(FileNotFoundError, match="must hold a checkpoint, and no step is saved"):
        symtime.read_run(tmp_path)
    plain = json.loads((tmp_path / "_run.json").read_text())
    del plain["config"]["betas"]
    (tmp_path / "_run.json").write_text(json.dumps(plain))
    with pytest.raises(ValueError, match="must be what this version of s2jax wrote.*betas"):
        symtime.read_run(tmp_path)


# ---- what was learnt ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evaluation(run: symtime.Run) -> symtime.Evaluation:
    return symtime.evaluate_run(run, rows=64)


def test_a_run_is_judged_by_what_it_has_not_seen(evaluation: symtime.Evaluation) -> None:
    assert evaluation.is_unseen
    share = np.asarray(evaluation.pairs.groups)
    assert len(np.unique(share, axis=0)) > 20
    assert set(evaluation.retrieval) == {("all", 64), ("nonlinear", 64)}
    assert (evaluation.pairs.correlation < 0.99).all()
    assert evaluation.features.shape == (64, CONFIG.width)
    np.testing.assert_allclose(np.linalg.norm(evaluation.series, axis=1), 1, rtol=1e-4)
    table = evaluation.table()
    assert "chance 0.016" in table["nonlinear, among 64"]
    assert "straight lines" in table["hidden patches"]


@pytest.mark.parametrize(
    "split, rest",
    [((0, 0.9), (0.9, 1)), ((0.2, 1), (0, 0.2)), ((0.1, 0.5), (0.5, 1)), ((0, 1), None)],
)
def test_what_is_held_out(split: tuple[float, float], rest: tuple[float, float] | None) -> None:
    data, is_unseen = held_out(s2jax.presets.s2(split=s2jax.Split(*split)))
    assert is_unseen == (rest is not None)
    assert (float(data.split.low), float(data.split.high)) == pytest.approx(rest or split)
    assert held_out(s2jax.presets.s2())[1] is False


class TestNeighbours:
    def test_a_row_of_the_bank_is_what_it_is(
        self, run: symtime.Run, evaluation: symtime.Evaluation
    ) -> None:
        """Asked with the series of a row, similarities are those of the row."""
        pairs, row = evaluation.pairs, 3
        config = symtime.Config.tiny(length=64, **SIZES, channels="xy")
        model = symtime.SymTime(jax.random.key(0), config)
        x, y = np.asarray(pairs.inputs.patches)[row].reshape(2, 64)
        found = symtime.nearest_expressions(model, pairs, y, x, count=4)
        assert np.allclose(found.series, [x, y], atol=1e-4)
        plain = symtime.Inputs(
            pairs.inputs.patches, pairs.inputs.is_there, None, *(
                getattr(pairs.inputs, name) for name in ("ids", "has_series", "has_symbols")
            ),
        )  # fmt: skip
        series = symtime.encode_series(model, plain).projected[row]
        near = np.asarray(symtime.encode_symbols(model, plain).projected @ series)
        np.testing.assert_allclose(found.similarity, near[found.rows], atol=1e-4)
        assert found.similarity[0] == pytest.approx(near.max(), abs=1e-4)
        assert (np.diff(found.similarity) <= 0).all()
        groups = np.asarray(pairs.groups)[found.rows]
        assert len(np.unique(groups, axis=0)) == 4
        assert all("x_0" in text for text in found.texts)

    def test_bad_series(
        self, unchecked: None, run: symtime.Run, evaluation: symtime.Evaluation
    ) -> None:
        ask = lambda *series: symtime.nearest_expressions(
            run.state.slow, evaluation.pairs, *series, count=1
        )
        y = np.sin(np.arange(64.0))
        with pytest.raises(ValueError, match="x=None.: must be a series, because the model reads"):
            ask(y)
        with pytest.raises(ValueError, match=r"y of shape .63,.*must be 1 x 64 numbers"):
            ask(y[1:], y)
        with pytest.raises(ValueError, match="x with nan.: must be finite"):
            ask(y, np.where(y > 0, y, np.nan))
        with pytest.raises(TypeError, match="must be an array of numbers"):
            ask("sunspots", y)

    def test_they_are_drawn(self, run: symtime.Run, evaluation: symtime.Evaluation) -> None:
        x = np.linspace(-2, 2, 64)
        found = symtime.nearest_expressions(run.state.slow, evaluation.pairs, x**2, x, count=4)
        figure = plotting.plot_neighbours(found)
        assert len(figure.axes) == 5
        assert figure._repr_png_().startswith(b"\x89PNG")


def test_a_run_is_drawn(run: symtime.Run, evaluation: symtime.Evaluation) -> None:
    figure = plotting.plot_run(run, evaluation)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "found first, forms not seen in training" in titles
    assert "found first among 16, in training" in titles
    assert len(figure._repr_png_()) > 20_000


# ---- commands -------------------------------------------------------------------------------


def configs(words: list[str]) -> tuple[Any, Any]:
    """What a command line means."""
    fixed, options = _config.split(["pretrain", "run", *words])
    fields = dict(word[2:].split("=") for word in fixed if "=" in word)
    fields = {name.replace("-", "_"): int(value) for name, value in fields.items()}
    for name in ("preset", "size", "config"):
        if f"--{name}" in fixed:
            fields[name] = fixed[fixed.index(f"--{name}") + 1]
    fields |= {"config": Path(fields["config"])} if "config" in fields else {}
    return _pretrain.configs_of(_commands.Pretrain(Path("run"), **fields), options)


def test_the_command_does_the_same(whole: Path, tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "run"
    assert cli.main(["pretrain", str(folder), *WORDS]) == cli.OK
    assert content(folder) == content(whole)
    told = capsys.readouterr()
    assert f"{folder}: {STEPS} steps, {STEPS * 16} pairs; " in told.out
    assert "pairs/s, of which drawing takes" in told.out
    assert "pairs (100%)" in told.err
    assert cli.main(["pretrain", str(folder), *WORDS, "--seed", "3"]) == cli.USAGE
    assert "seed is 0 there and 3 here" in capsys.readouterr().err
    assert cli.main(["pretrain", "report", str(folder), "--rows", "64"]) == cli.OK
    told = capsys.readouterr().out
    assert "nonlinear, among 64" in told
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_an_interrupted_command_says_how_to_go_on(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["pretrain", str(tmp_path / "run"), *WORDS]
    with monkeypatch.context() as patch:
        patch.setattr("s2jax.cli._progress.Progress.__call__", lambda self, n: stop_after(3)(n))
        assert cli.main(arguments) == cli.INTERRUPTED
    told = capsys.readouterr().err
    assert "steps are saved. To go on: s2jax pretrain" in told


def test_words_of_the_model(tmp_path: Path) -> None:
    data, config = configs(WORDS)
    assert config == CONFIG
    assert data == DATA
    _, config = configs(["--size", "base", "--model.double-softmax", "true"])
    assert (config.width, config.double_softmax, config.batch) == (512, True, 1024)
    data, config = configs(["--preset", "ode", "--num-inputs", "0", "--split", "none"])
    assert (config.channels, config.num_outputs, data.split) == ("y", 4, None)
    file = tmp_path / "run.toml"
    file.write_text("length = 128\n[model]\nmax_tokens = 64\nbetas = [0.9, 0.95]\n")
    words = ["--config", str(file), "--model.max-tokens", "56"]
    data, config = configs(words)
    assert (data.length, config.length, config.max_tokens, config.betas[1]) == (128, 128, 56, 0.95)
    _, config = configs(["--model.betas", "0.8", "0.9"])
    assert config.betas == (0.8, 0.9)


@pytest.mark.parametrize(
    "words, message",
    [
        (["--model.widht", "8"], "--model.widht: unknown name 'widht'. Did you mean 'width'?"),
        (["--model.width", "8.5"], "--model.width 8.5: must be an integer."),
        (["--model.dropout", "much"], "--model.dropout much: must be a number."),
        (["--model.pre-norm", "yes"], "--model.pre-norm yes: must be true or false."),
        (["--model.patch-length", "24"], "patch_length must divide length"),
        (["--lenght", "64"], "Did you mean 'length'?"),
        (["--steps", "many"], "--steps many: must be an integer."),
        (["--steps", "1"], "num_steps=1): must be an integer >= 2"),
        (["--devices", "99"], "--devices 99: must be 1 to"),
        (["--config", "missing.toml"], "cannot be read as TOML"),
    ],
)
def test_wrong_usage_writes_nothing(
    words: list[str], message: str, tmp_path: Path, capsys: Any
) -> None:
    assert cli.main(["pretrain", str(tmp_path / "run"), *words]) == cli.USAGE
    assert message in capsys.readouterr().err
    assert not listing(tmp_path)
    assert cli.main(["pretrain", "report", str(tmp_path / "run")]) == cli.USAGE
    assert "must be the folder of a run" in capsys.readouterr().err
