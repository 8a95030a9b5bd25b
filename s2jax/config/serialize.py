"""Configurations as JSON. Reading builds only the library's own classes and registered ones.

Nothing is imported or run because a text names it: a class is found in a table, or refused.
"""

import collections
import dataclasses
import functools
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import equinox as eqx
import jax
import numpy as np

from s2jax import distributions, inputs, laws, observe, ode, programs, targets
from s2jax.config._config import Config, Standardize
from s2jax.core import checks
from s2jax.inputs.kernels import AbstractKernel

_TAG = "class"
_SOLVERS = "diffrax"
_MAX_VALUES = 100_000
_MAX_DEPTH = 100

REGISTERED: dict[str, type] = {}
"""Classes of the user's own by name; `s2jax.register` puts them there."""


class UnknownClassError(ValueError):
    """A text names a class that is neither the library's nor registered.

    Attributes:
        name: Its name, as the text has it.
    """

    def __init__(self, name: str) -> None:
        fix = f"If it is a class of your own, call s2jax.register({name}) first."
        fix = f" {fix}" if name.isidentifier() else ""
        super().__init__(f"from_json: class: {checks.unknown(name, classes())}{fix}")
        self.name = name


def classes() -> Mapping[str, type]:
    """The classes a configuration is made of, by name: the library's and those registered."""
    return collections.ChainMap(REGISTERED, library_classes())


@functools.cache
def library_classes() -> dict[str, type]:
    """The library's own classes, by name."""
    modules: tuple[ModuleType, ...] = (
        distributions, inputs, laws, observe, ode, programs, targets,
    )  # fmt: skip
    bases = (
        Config, Standardize, targets.Acceptance, laws.Decimals,
        distributions.AbstractDistribution, laws.AbstractLaw, programs.Split,
        inputs.AbstractFamily, AbstractKernel, inputs.AbstractMean, targets.AbstractTarget,
        observe.AbstractEffect, observe.Observation, observe.AbstractSpacing, observe.Times,
    )  # fmt: skip
    found = [value for module in modules for value in vars(module).values()]
    kinds = [
        kind
        for kind in [Config, Standardize, *found]
        if isinstance(kind, type) and issubclass(kind, bases)
    ]
    return {kind.__name__: kind for kind in kinds if not kind.__name__.startswith("Abstract")}


def to_json(config: Config, indent: int | None = None) -> str:
    """The configuration as JSON text; `from_json` gives an equal one back.

    Args:
        config: Made of the library's own classes or registered ones, and of at most 100 000 given
            values.
        indent: As in `json.dumps`.

    Raises:
        TypeError: If a part is of a class that is not registered, or traced.
        ValueError: If `Given` holds too many values.

    Example:
        >>> text = to_json(Config(length=64))
        >>> text[:38], from_json(text) == Config(length=64)
        ('{"class": "Config", "length": 64, "num', True)
    """
    if type(config) is not Config:
        raise TypeError(f"to_json(config={config!r}): must be an s2jax.Config.")
    return json.dumps(to_plain(config), indent=indent, allow_nan=False)


def to_plain(value: Any) -> Any:
    """A configuration or a value of one as what JSON has.

    Raises:
        TypeError, ValueError: As `to_json`.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if type(value) is classes().get(type(value).__name__):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {_TAG: type(value).__name__} | {
            name: to_plain(item) for name, item in fields.items()
        }
    if checks.is_concrete(value):
        return _plain_number(value)
    name = type(value).__name__
    solver = f"{_SOLVERS}.{name}"
    if type(value).__module__.startswith(f"{_SOLVERS}.") and _solver(solver) is type(value):
        return {_TAG: solver}
    if not isinstance(value, eqx.Module):
        raise TypeError(
            f"to_json(_config with a {name}): must be made of parts, numbers and text, because it "
            "is written as JSON. Keep it out of the fields, or make it a method."
        )
    known = "another class of this name is" if name in classes() else "this class is not"
    raise TypeError(
        f"to_json(config with a {name}): must be made of registered classes, because reading it "
        f"back builds them by their names, and {known} registered. Call s2jax.register({name}) "
        "where the class is defined, or write @s2jax.register above it."
    )


def _plain_number(value: Any) -> Any:
    if not isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return value
    array = np.asarray(value)
    if array.size > _MAX_VALUES:
        raise ValueError(
            f"to_json(config with an array of {array.size} values): must hold at most "
            f"{_MAX_VALUES}, because the text is stored with every file. Give fewer or shorter "
            "series."
        )
    return array.tolist()


def from_json(text: str) -> Config:
    """The configuration that `to_json` wrote.

    Numbers that were arrays come back as Python numbers of the same value, except in `Given`.

    Raises:
        ValueError: If the text is no JSON, names an unknown class or field, or holds a value that
            the class refuses.

    Example:
        >>> from_json('{"class": "Config", "length": 32}').length
        32
    """
    try:
        parsed = json.loads(text)
        if isinstance(parsed, (dict, list)):
            _check_depth(parsed)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"from_json({text[:40]!r}...): not valid JSON: {error}.") from error
    value = _build(parsed)
    if not isinstance(value, Config):
        raise ValueError(f'from_json({text[:40]!r}...): must start with {{"class": "Config".')
    return value


def _check_depth(value: Any, left: int = _MAX_DEPTH) -> None:
    """Refuse what is nested more deeply than any configuration."""
    if not left:
        raise ValueError(f"nested more than {_MAX_DEPTH} deep")
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            _check_depth(part, left - 1)


def _solver(name: str) -> type | None:
    """The explicit Runge-Kutta method of diffrax with this name, if there is one."""
    package, _, kind = name.partition(".")
    if package != _SOLVERS:
        return None
    import diffrax

    found = getattr(diffrax, kind, None)
    return found if isinstance(found, type) and issubclass(found, diffrax.AbstractERK) else None


def _build(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_build(item) for item in value)
    if not isinstance(value, dict):
        return value
    if _TAG not in value:
        return {key: _build(item) for key, item in value.items()}
    kind = classes().get(str(value[_TAG])) or _solver(str(value[_TAG]))
    if kind is None:
        raise UnknownClassError(str(value[_TAG]))
    known = {field.name: field for field in dataclasses.fields(kind)}
    names = list(known)
    fields = {name: _build(item) for name, item in value.items() if name != _TAG}
    for name in fields:
        if name not in names or kind.__name__ not in classes():  # solvers are written without any
            raise ValueError(f"from_json: {kind.__name__}: {checks.unknown(name, names)}")
        if not _is_of_its_kind(known[name], fields[name]):
            raise ValueError(
                f"from_json: {kind.__name__}: {name} must be of the kind of its default, but is "
                f"{str(value[name])[:80]}."
            )
    try:
        return kind(**fields)
    except ValueError:
        raise
    except Exception as error:  # classes take values of the right kind for granted in places
        raise ValueError(f"from_json: {kind.__name__}: {error}") from error


def _is_of_its_kind(field: dataclasses.Field, value: Any) -> bool:
    """Whether a value is a number where the default is one, and a part where it is one.

    Classes check the range of numbers, but take what is none for traced.
    """
    default = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    if value is None:
        return default is None or "None" in str(field.type) or default is dataclasses.MISSING
    is_number = lambda x: isinstance(x, (int, float)) and not isinstance(x, bool)
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, (int, float)):
        return is_number(value)
    if isinstance(value, dict):
        return all(is_number(x) or dataclasses.is_dataclass(x) for x in value.values())
    return dataclasses.is_dataclass(value) or not dataclasses.is_dataclass(default)
