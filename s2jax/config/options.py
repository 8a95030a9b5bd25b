"""Fields of a configuration by dotted names, as on the command line and in TOML files."""

import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from s2jax.config._config import Config
from s2jax.config.serialize import classes
from s2jax.core import checks
from s2jax.inputs import AbstractFamily, Choice
from s2jax.ode import FORMS
from s2jax.programs import operators

_HERE = ""  # in a tree of options, the value of the node itself


def with_options(config: Config, *layers: Mapping[str, Any]) -> Config:
    """The configuration with fields replaced; later layers win.

    Args:
        config: Where fields that no layer names come from.
        layers: Values by dotted name, as `{"acceptance.bound": 100.0}`, or nested, as TOML tables
            are. Text is read as the field's kind. `none` leaves a part out; a class name chooses a
            variant, a comma-separated list of input families a choice of them, one of other parts
            a list of them; in a table the name stands under `class`.

    Raises:
        ValueError: If a name is unknown or a value does not fit.

    Example:
        >>> config = with_options(Config(), {"inputs": "Mixture,ARMA", "inputs.weights": "0.3,0.7"})
        >>> config.inputs.weights
        (0.3, 0.7)
    """
    tree: dict[str, Any] = {}
    for layer in layers:
        # a part is chosen before its fields are set
        for name, value in sorted(_flatten(layer), key=lambda option: option[0].count(".")):
            _put(tree, [part.replace("-", "_") for part in name.split(".")], value)
    return _apply(config, tree, "", Config)


def names_of(config: Config) -> dict[str, Any]:
    """The value of every field by dotted name, in the order of the classes."""
    return dict(_walk(config, ""))


def _walk(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    children = _children(value)
    is_part = isinstance(value, eqx.Module)
    if name and (is_part or not children):
        yield name, type(value).__name__ if is_part else value
    for key, child in children.items():
        yield from _walk(child, f"{name}.{key}" if name else key)


def _flatten(layer: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in layer.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif name == "class" and prefix:
            yield prefix[:-1], value
        else:
            yield prefix + name, value


def _put(tree: dict[str, Any], parts: list[str], value: Any) -> None:
    """Set a value; choosing a whole part anew forgets what was said of its inside before."""
    for part in parts:
        tree = tree.setdefault(part, {})
    tree.clear()
    tree[_HERE] = value


def _children(value: Any) -> dict[str, Any]:
    """What a dotted name can go on with."""
    if isinstance(value, eqx.Module):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, tuple) and any(isinstance(item, eqx.Module) for item in value):
        return {str(index): item for index, item in enumerate(value)}
    return {}


def _apply(old: Any, tree: dict[str, Any], name: str, kind: Any) -> Any:
    """The value with the options of its tree applied."""
    value = _read(old, tree[_HERE], name, kind) if _HERE in tree else old
    options = {key: branch for key, branch in tree.items() if key != _HERE}
    if not options:
        return value
    if value is None:
        value = next((part() for part in _modules(kind)), None)
    children = _children(value)
    if not children:
        raise ValueError(f"{_flag(name)}: is one value and has no field {next(iter(options))!r}.")
    hints = _hints(type(value)) if isinstance(value, eqx.Module) else {}
    known = {**children, **_missing_weights(value, name)}
    for key, branch in options.items():
        path = f"{name}.{key}" if name else key
        if key not in known:
            near = checks.unknown(key.replace("_", "-"), [k.replace("_", "-") for k in known])
            raise ValueError(f"{_flag(path)}: {near}")
        if isinstance(value, Mapping) and str(branch.get(_HERE)).lower() == "none":
            children.pop(key, None)  # an entry may be left out
            continue
        children[key] = _apply(known[key], branch, path, hints.get(key, type(known[key])))
    if isinstance(value, eqx.Module):
        return type(value)(**children)
    return children if isinstance(value, Mapping) else tuple(children.values())


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _hints(kind: type) -> dict[str, Any]:
    """The types of the fields; those of `from __future__ import annotations` are text."""
    hints = {field.name: field.type for field in dataclasses.fields(kind)}
    if any(isinstance(hint, str) for hint in hints.values()):
        with contextlib.suppress(NameError, TypeError, AttributeError):
            return hints | typing.get_type_hints(kind)
    return hints


def _missing_weights(value: Any, name: str) -> dict[str, float]:
    """Operators or forms of equations that a table of weights leaves out; their weight is 0."""
    if not isinstance(value, Mapping) or not name.endswith("weights"):
        return {}
    if not name.endswith("ary_weights"):
        return {form: 0.0 for form in FORMS if form not in value}
    arity = 1 if name.endswith("unary_weights") else 2
    return {word: 0.0 for word in operators.drawable(arity) if word not in value}


def _members(kind: Any) -> tuple[Any, ...]:
    """The parts of `A | B`, or the kind alone."""
    is_union = isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
    return typing.get_args(kind) if is_union else (kind,)


def _modules(kind: Any) -> list[type]:
    return [part for part in _members(kind) if isinstance(part, type) and part in _concrete()]


def _concrete() -> set[type]:
    return set(classes().values())


def _read(old: Any, given: Any, name: str, kind: Any) -> Any:
    """What was given, as the kind of value that the field has."""
    part = _part_of_list(kind)
    if part is not None:
        words = given.split(",") if isinstance(given, str) else given
        words = [str(word).strip() for word in words if str(word).lower() != "none"]
        return tuple(_variant(word, name, part) for word in words)
    if isinstance(given, str) and given.lower() == "none":
        if old is None or type(None) in _members(kind):
            return None
        if not isinstance(old, str):
            raise ValueError(f"{_flag(name)} none: the field cannot be left out.")
    if isinstance(old, eqx.Module) or any(
        isinstance(part, type) and issubclass(part, eqx.Module) for part in _members(kind)
    ):
        return _variant(given, name, kind)
    elements = _elements(old, kind)
    if elements:
        items = given.split(",") if isinstance(given, str) else given
        items = items if isinstance(items, (tuple, list)) else [items]
        if str in elements:
            return tuple(str(item).strip() for item in items)
        return tuple(_number(item, name, float if float in elements else int) for item in items)
    if isinstance(old, Mapping):
        raise ValueError(f"{_flag(name)}: set one of its fields, as {_flag(name)}.NAME VALUE.")
    if isinstance(given, (list, tuple)):
        raise ValueError(f"{_flag(name)} {' '.join(map(str, given))}: takes one value.")
    if isinstance(old, str):
        return str(given)
    if isinstance(old, bool):
        return _boolean(given, name)
    is_float = isinstance(old, float) or float in _members(kind)
    return _number(given, name, float if is_float else int)


def _elements(old: Any, kind: Any) -> set[Any]:
    """What a field holds several of; empty if it holds one value."""
    if isinstance(old, (np.ndarray, jax.Array)):
        return {float} if old.ndim else set()
    if isinstance(old, (tuple, list)) and old:
        types_held = {type(item) for item in old}
        return types_held if types_held in ({int}, {str}) else {float}
    lists = [k for k in _members(kind) if typing.get_origin(k) in (tuple, list, Sequence)]
    found = {part for k in lists for arg in typing.get_args(k) for part in _members(arg)}
    return found & {int, float, str}


def _part_of_list(kind: Any) -> type | None:
    """The class of parts that a field holds any number of."""
    if typing.get_origin(kind) is not tuple:
        return None
    found = [part for part in typing.get_args(kind) if part is not Ellipsis]
    is_part = len(found) == 1 and isinstance(found[0], type) and issubclass(found[0], eqx.Module)
    return found[0] if is_part else None


def _number(given: Any, name: str, kind: type) -> Any:
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise ValueError(f"{_flag(name)} {given!r}: must be a number.")
    try:
        number = float(given)
        if kind is float:
            return number
        if number.is_integer():
            return int(number) if abs(number) < 2**53 else int(given)
    except (ValueError, OverflowError):
        pass
    rule = "a number" if kind is float else "an integer"
    raise ValueError(f"{_flag(name)} {given}: must be {rule}. Write for example {_flag(name)} 1.")


def _boolean(given: Any, name: str) -> bool:
    word = str(given).lower()
    if word not in ("true", "false"):
        raise ValueError(f"{_flag(name)} {given}: must be true or false.")
    return word == "true"


def _variant(given: Any, name: str, kind: Any) -> Any:
    """A part of the configuration by class name, with its default fields."""
    words = given.split(",") if isinstance(given, str) else given
    words = words if isinstance(words, (list, tuple)) else [words]
    base = tuple(
        part for part in _members(kind) if isinstance(part, type) and part is not type(None)
    )
    known = {
        word.lower(): part
        for word, part in classes().items()
        if issubclass(part, base) and word not in ("Choice", "Given")
    }
    chosen = []
    for word in words:
        part = known.get(str(word).lower())
        if part is None:
            names = [part.__name__ for part in known.values()]
            names += ["none"] * (type(None) in _members(kind))
            raise ValueError(
                f"{_flag(name)}: {checks.unknown(str(word), names)} Classes of your own are "
                "known once s2jax.register is called of them (--import MODULE)."
            )
        chosen.append(_make_default(part, name))
    if len(chosen) == 1:
        return chosen[0]
    if not all(isinstance(part, AbstractFamily) for part in chosen):
        raise ValueError(f"{_flag(name)} {' '.join(map(str, words))}: takes one name.")
    return Choice(chosen)


def _make_default(part: type, name: str) -> Any:
    needed = [
        field.name
        for field in dataclasses.fields(part)
        if field.default is field.default_factory is dataclasses.MISSING
    ]
    if needed:
        raise ValueError(
            f"{_flag(name)} {part.__name__}: must have a default for each field, because the class "
            f"is chosen before its fields are set. Give {', '.join(needed)} one."
        )
    return part()


def show_value(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None or (isinstance(value, tuple) and not value):
        return "none"
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    if isinstance(value, (np.ndarray, jax.Array)):
        return json.dumps(np.asarray(value).tolist())
    return str(value)
