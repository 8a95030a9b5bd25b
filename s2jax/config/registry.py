"""Classes of the user's own, which the library knows by name from then on."""

import dataclasses
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import equinox as eqx

from s2jax.config.serialize import REGISTERED, library_classes, to_plain
from s2jax.core import checks

_Class = TypeVar("_Class")


def register(cls: _Class) -> _Class:
    """Make a class of your own known by its name, and return it: usable as a decorator.

    What is drawn needs no registration. It is needed where a configuration is written or read:
    feeds, corpora, fingerprints, JSON and the command line, which find classes by their names and
    import none that a file names. So call it where the class is defined, so that it is registered
    whenever its module is imported; `s2jax --import MODULE ...` does that on the command line.

    A class that is defined anew under its name in the same place, as in a notebook's cell that is
    run again, takes the place of the first. The fingerprint of a stream knows the class's name and
    fields and not its code: when you change what it draws, change the name, or count up a field
    that is there for this, such as `version: int = 1`.

    Args:
        cls: A family of inputs, a target, a law of expressions, a distribution, or a part of one:
            a class of equinox Module that is built from its fields, by their names. Fields hold
            numbers, parts, tuples, dicts and arrays of numbers, and text, which is static. Arrays
            come back as tuples: `eqx.field(converter=jnp.asarray)` makes arrays of them.

    Returns:
        The class.

    Raises:
        TypeError: If it is no class of equinox Module, or abstract, or cannot be built from its
            fields, or the default of one cannot be written.
        ValueError: If another class has its name.

    Example:
        >>> import jax.numpy as jnp, s2jax
        >>> @s2jax.register
        ... class Ramp(s2jax.inputs.AbstractInput):
        ...     steepest: float = 2.0
        ...
        ...     def law(self, draws, length):
        ...         return {"slope": draws.uniform("slope", 0.0, self.steepest)}
        ...
        ...     def series(self, law, draws, length):
        ...         return law["slope"] * jnp.arange(0.0, length) + draws.normal("noise", (length,))
        >>> config = s2jax.Config(length=32, inputs=Ramp(), target=s2jax.Identity())
        >>> len(s2jax.Stream(config).fingerprint)
        64
    """
    call = f"register({getattr(cls, '__name__', checks.shown(cls))})"
    kind: Any = cls
    if not isinstance(kind, type):
        raise TypeError(f"{call}: must be a class. Write @s2jax.register above it.")
    if not issubclass(kind, eqx.Module):
        raise TypeError(
            f"{call}: must be a class of equinox Module, because its fields are written and built "
            "from again. Inherit from s2jax.inputs.AbstractInput, or another base of the library."
        )
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise TypeError(f"{call}: must have all methods, but lacks {missing}. Write them.")
    _check_name(call, kind)
    _check_fields(call, kind)
    REGISTERED[kind.__name__] = kind
    return cls


def _check_name(call: str, cls: type) -> None:
    """Refuse a second class of a name; capitals make no difference on the command line."""
    for name, other in (*library_classes().items(), *REGISTERED.items()):
        if name.lower() != cls.__name__.lower() or _place_of(other) == _place_of(cls):
            continue
        whose = "of s2jax" if name in library_classes() else f"registered, {_place_of(other)}"
        raise ValueError(
            f"{call}: must have a name of its own, because files name classes by it, but {name} is "
            f"{whose}. Rename yours."
        )


def _check_fields(call: str, cls: type) -> None:
    """Refuse a class that is not built from its fields, or whose defaults cannot be written."""
    taken = inspect.signature(cls).parameters.values()
    names = {one.name for one in taken if one.kind is not one.VAR_POSITIONAL}
    takes_any = any(one.kind is one.VAR_KEYWORD for one in taken)
    for field in dataclasses.fields(cls):
        if not (field.init and (field.name in names or takes_any)):
            raise TypeError(
                f"{call}: its field {field.name} must be an argument of {cls.__name__}(...), "
                "because reading builds it from its fields. Make it a property, or an argument."
            )
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if isinstance(default, str) and not field.metadata.get("static"):
            raise TypeError(
                f"{call}: its field {field.name} must be static, because text cannot be traced. "
                f"Declare it: {field.name}: str = eqx.field(static=True, default={default!r})."
            )
        try:
            to_plain(None if default is dataclasses.MISSING else default)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{call}: the default of its field {field.name} must be one that can be written, "
                f"but {checks.shown(default)} is not: {error}"
            ) from error


def _place_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def addresses_of(config: Mapping[str, Any]) -> list[list[str]]:
    """Module and name of the registered classes in a configuration as JSON, which was made here.

    Raises:
        ValueError: If another process could not import one.
    """
    found = {name: REGISTERED[name] for name in _names(config) if name in REGISTERED}
    for name, cls in found.items():
        if getattr(sys.modules.get(cls.__module__), name, None) is not cls or (
            cls.__module__ == "__main__"
        ):
            raise ValueError(
                f"{name} of {cls.__module__}: must be defined at the top of a module that can be "
                "imported, because other processes import it. Move it to a file of its own and "
                "import it from there, or write with one process: workers=1."
            )
    return [[cls.__module__, name] for name, cls in found.items()]


def register_from(addresses: list[list[str]], path: list[str]) -> None:
    """Import and register the classes of another process, which started this one.

    Args:
        addresses: What `addresses_of` said there; never what a file says.
        path: Where that process finds modules.
    """
    sys.path += [folder for folder in path if folder not in sys.path]
    for module, name in addresses:
        register(getattr(importlib.import_module(module), name))


def _names(value: Any) -> Iterator[str]:
    """The names of the classes in a configuration as JSON."""
    if isinstance(value, Mapping):
        if isinstance(value.get("class"), str):
            yield value["class"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _names(part)
