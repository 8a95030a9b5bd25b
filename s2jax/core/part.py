"""What a configuration is made of: the base of its classes, and checks of their kinds."""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from s2jax.core import checks

_Self = TypeVar("_Self")


class _Forgiving(type(eqx.Module)):
    """Builds a part: unknown names get a suggestion, and NumPy's numbers are plain ones."""

    def __call__(cls, *args: Any, **fields: Any) -> Any:
        known: Any = cls
        checks.check_names(cls.__name__, fields, known, inside=inside(known))
        plain = {name: _plain(value) for name, value in fields.items()}
        return super().__call__(*map(_plain, args), **plain)


def _plain(value: Any) -> Any:
    """NumPy's scalars as Python's, alone or as values of a dict: they compile and hash as these."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


if TYPE_CHECKING:
    _Base = eqx.Module
else:

    class _Base(eqx.Module, metaclass=_Forgiving):
        pass


class Part(_Base):
    """A part of a configuration.

    Attributes:
        noun: What a part of this kind is, with its article.
        example: An expression that makes one.
    """

    noun: ClassVar[str] = "a part of a configuration"
    example: ClassVar[str] = "s2jax.presets.s2()"

    @classmethod
    def way_out(cls, given: Any) -> str:
        """What to pass instead of something of another kind."""
        del given
        return f"Pass for example {cls.example}."

    def replace(self: _Self, **fields: Any) -> _Self:
        """The same but for these fields.

        Raises:
            TypeError: If there is no such field; and what the class itself raises.

        Example:
            >>> import s2jax
            >>> s2jax.presets.s2().replace(length=64, num_inputs=2).length
            64
        """
        checks.check_names(f"{type(self).__name__}.replace", fields, type(self))
        return dataclasses.replace(cast(Any, self), **fields)


def signature_of(parts: Any) -> tuple[Any, ...]:
    """What a trace of parts depends on beside what is static elsewhere; it can be hashed."""
    leaves, structure = jax.tree.flatten(parts)
    kinds = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    return structure, kinds, jnp.result_type(float)


@functools.cache
def inside(kind: type[Any]) -> dict[str, str]:
    """By name, fields of the parts that are the default of a field, as they are set."""
    out: dict[str, str] = {}
    for field in dataclasses.fields(kind):
        if isinstance(field.default, Part):
            part = type(field.default)
            names = {one.name: f"{one.name}=..." for one in dataclasses.fields(part)}
            for name, code in {**inside(part), **names}.items():
                out.setdefault(name, f"{field.name}={part.__name__}({code})")
    return out


def check_part(owner: str, name: str, value: Any, kind: type[Part], optional: bool = False) -> None:
    """Refuse what is not of a kind of part: the message says what it is instead.

    Raises:
        TypeError: If `value` is none, nor None where that is `optional`.
    """
    if isinstance(value, kind) or (optional and value is None):
        return
    rule = f"must be {kind.noun}{' or None' * optional}"
    if isinstance(value, type) and issubclass(value, kind):
        said, fix = ", not its class", f"Call it: {value.__name__}()."
    elif isinstance(value, Part):
        said, fix = f"; this is {value.noun}", kind.way_out(value)
    elif callable(value) and not isinstance(value, type) and hasattr(value, "__name__"):
        said, fix = ", not a function", f"If the function returns one, call it: {value.__name__}()."
    else:
        said, fix = "", kind.way_out(value)
    raise TypeError(f"{owner}({name}={checks.shown(value)}): {rule}{said}. {fix}")
