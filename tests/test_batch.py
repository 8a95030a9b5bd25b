"""Batches as rows, as text and as tables, and configurations with other fields."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s2jax

KEY = jax.random.key(0)
CONFIG = s2jax.presets.s2(length=32, num_inputs=2, min_inputs=1)


@pytest.fixture(scope="module")
def batch() -> s2jax.Batch:
    return s2jax.sample(KEY, CONFIG, 8)


def test_rows_and_slices(batch: s2jax.Batch) -> None:
    assert len(batch) == 8
    assert batch[3].y.shape == (1, 32)
    assert (batch[-1].x == batch.x[7]).all()
    assert (batch[2:5].y == batch.y[2:5]).all()
    assert len(batch[batch.index % 2 == 0]) == int((batch.index % 2 == 0).sum())
    assert (batch[[5, 1]].y == batch.y[jnp.array([5, 1])]).all()
    assert (batch[np.int64(2)].y == batch.y[2]).all()
    assert len(batch[8:]) == 0
    assert s2jax.to_text(batch[3].program) == s2jax.to_text(batch.program)[3]
    rows = list(batch)
    assert len(rows) == 8
    assert (rows[7].y == batch.y[7]).all()


def test_rows_inside_jit(batch: s2jax.Batch) -> None:
    take = jax.jit(lambda batch, row: batch[row].y)
    assert (take(batch, jnp.int32(3)) == batch.y[3]).all()


@pytest.mark.parametrize(
    "index, error, message",
    [
        (8, IndexError, "must be a row of 8"),
        (-9, IndexError, "must be a row of 8"),
        ([0, 9], IndexError, r"Batch\[9\]"),
        (np.ones(3, bool), IndexError, "one for each of 8 rows"),
        ("y", TypeError, "Fields have names: batch.y"),
        (1.0, TypeError, "must be the number of a row"),
        (True, TypeError, "must be the number of a row"),
        (None, TypeError, "must be the number of a row"),
    ],
)
def test_there_is_no_such_row(batch: s2jax.Batch, index, error, message) -> None:
    with pytest.raises(error, match=message):
        batch[index]


def test_one_row_has_no_length(batch: s2jax.Batch) -> None:
    with pytest.raises(TypeError, match="one row has no length"):
        len(batch[0])


def test_a_batch_says_what_is_in_it(batch: s2jax.Batch) -> None:
    lines = repr(batch).splitlines()
    assert lines[0] == "Batch: 8 rows of 32 time steps, float32, all usable"
    assert lines[1:3] == ["  x: 2 inputs", "  y: 1 output, y_scale * f(x) + y_shift"]
    assert lines[3].startswith("  f of row 0: ")
    assert max(map(len, lines)) < 100
    assert repr(batch[2]).startswith("Batch: One row of 32 time steps")
    failed = batch[2:4]
    failed = jax.tree.map(lambda leaf: leaf, failed)
    status = jnp.array([0, s2jax.Status.CONSTANT.value])
    failed = type(batch)(**{**vars(failed), "status": status})
    assert "1 usable (1 CONSTANT)" in repr(failed)
    shown = []
    jax.jit(lambda batch: shown.append(repr(batch)))(batch)
    assert shown == ["\n".join(lines[:3]).replace(", all usable", "")]


def test_tables(batch: s2jax.Batch) -> None:
    table = batch.to_pandas()
    assert table.shape == (8 * 32, 7)
    own = table[table.row == 5]
    assert (own.y_0.to_numpy() == np.asarray(batch.y[5, 0])).all()
    assert set(own.expression) == {s2jax.to_text(batch.program)[5]}
    unused = ~np.asarray(batch.x_mask)
    assert unused.any()
    assert (table.x_1.isna().to_numpy().reshape(8, 32).all(1) == unused[:, 1]).all()


def test_tables_of_what_was_measured() -> None:
    times, observation = s2jax.observe.Times(), s2jax.observe.Observation(share=1.0)
    config = s2jax.presets.s2(length=32, times=times, observation=observation)
    batch = s2jax.sample(KEY, config, 4)
    table = batch.to_pandas()
    assert {"y_clean_0", "y_observed_0"} < set(table.columns)
    assert (table.t.to_numpy() == np.asarray(batch.t).ravel()).all()


def test_one_row_is_drawn_as_several_are(batch: s2jax.Batch) -> None:
    alone, among = batch[0].plot(), batch.plot(1)
    (line, *_), (same, *_) = (figure.axes[-1].lines for figure in (alone, among))
    np.testing.assert_array_equal(line.get_ydata(), same.get_ydata())


def test_tables_need_pandas() -> None:
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "import jax, s2jax\n"
        "s2jax.sample(jax.random.key(0), s2jax.presets.s2(length=16), 2).to_pandas()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Data frames need pandas" in done.stderr
    assert 'pip install "pandas>=2.2"' in done.stderr


def test_other_fields() -> None:
    other = CONFIG.replace(length=64)
    assert (other.length, other.num_inputs, CONFIG.length) == (64, 2, 32)
    observation = s2jax.observe.Observation().replace(share=0.25)
    assert float(observation.share) == 0.25
    with pytest.raises(TypeError, match="lenght.*length"):
        CONFIG.replace(lenght=64)
    with pytest.raises(ValueError, match="length"):
        CONFIG.replace(length=1)
