"""Only these operators: in Python and on the command line."""

from typing import Any

import jax
import numpy as np
import pytest

import s2jax
from s2jax import cli
from s2jax.programs.operators import TABLE

KEY = jax.random.key(0)


def operators_in(config: s2jax.Config, rows: int = 64) -> set[str]:
    batch = s2jax.sample(KEY, config, rows)
    assert not batch.status.any()
    op = np.asarray(batch.program.op)
    used = np.arange(op.shape[-1]) < np.asarray(batch.program.length)[..., None]
    return {TABLE[code].name for code in np.unique(op[used]) if TABLE[code].arity}


@pytest.mark.parametrize("preset", ["s2", "mix", "multivariate"])
def test_only_these(preset: str) -> None:
    config = getattr(s2jax.presets, preset)(length=32, operators=["add", "mul", "sin"])
    if preset == "s2":  # scales and shifts of constants stand in the coefficients of instructions
        assert operators_in(config) <= {"add", "mul", "sin", "id"}
    assert dict(config.target.law.binary_weights) == {"add": 1.0, "mul": 1.0}
    assert dict(config.target.law.unary_weights) == {"sin": 1.0}


def test_weights_and_no_unary() -> None:
    config = s2jax.presets.s2(length=32).with_operators({"add": 3.0, "mul": 1.0})
    assert config.target.law.max_unary == 0
    assert operators_in(config) <= {"add", "mul", "id"}
    equations = s2jax.presets.ode(length=32, num_inputs=0, operators=["add", "mul", "sin"])
    assert dict(equations.target.law.unary_weights) == {"sin": 1.0}


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: s2jax.presets.s2(operators=["add", "sine"]), ValueError, "sin"),
        (lambda: s2jax.presets.s2(operators=["sin"]), ValueError, "with two operands"),
        (lambda: s2jax.presets.s2(operators="add"), TypeError, "a list of names"),
        (lambda: s2jax.presets.s2(operators=[1]), TypeError, "a list of names"),
        (lambda: s2jax.presets.s2(operators={"add": -1.0}), ValueError, "binary_weights"),
        (lambda: s2jax.presets.sarsim().with_operators(["add"]), TypeError, "must draw its"),
        (
            lambda: s2jax.laws.UniformLaw().with_operators(["add"]),
            ValueError,
            "with one operand",
        ),
    ],
)
def test_bad_input(unchecked: None, make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_on_the_command_line(capsys: Any) -> None:
    assert cli.main(["fields", "--operators", "add", "mul=2", "sin"]) in (0, None)
    said = capsys.readouterr().out
    assert "mul" in said
    words = lambda *more: cli.main(["fields", *more])
    for more, message in (
        (("--operators", "sine"), "sin"),
        (("--operators", "add=two"), "add=2"),
        (("--operator", "add"), "operators"),
    ):
        assert words(*more) == 2
        assert message in capsys.readouterr().err
