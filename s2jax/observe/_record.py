"""What was done to each series when it was measured."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Int, UInt32

from s2jax.core.words import Layout


class EffectKind(NamedTuple):
    """An effect as records know it: its name, and how the words of its law are read."""

    name: str
    layout: Layout


class Record(eqx.Module):
    """What was done to each series, in order.

    Laws are kept as words, and read when they are asked for.

    Attributes:
        words: The key of each series; noise is a function of it.
        effect: Which effect of the observation came first, second, ...; -1 for none.
        laws: The law of each as words.
        kinds: The effects of the observation. Static.
        length: Time steps of the series. Static.
    """

    words: UInt32[Array, "*series 2"]
    effect: Int[Array, "*series most"]
    laws: UInt32[Array, "*series most width"]
    kinds: tuple[EffectKind, ...] = eqx.field(static=True)
    length: int = eqx.field(static=True)

    def steps(self) -> list[list[tuple[str, dict[str, Any]]]]:
        """For each series, with all axes in one, the effects in order and the numbers of each.

        Numbers are in the units of the series. A series that was not measured, or of which nothing
        would have been left, has no steps.

        Example:
            >>> import jax, jax.numpy as jnp, s2jax
            >>> effects = [s2jax.observe.Round(step=0.5)]
            >>> observation = s2jax.observe.Observation(effects, share=1.0, most=1)
            >>> measured = observation.measure(jax.random.key(0), jnp.arange(8.0))
            >>> (name, numbers), = measured.record.steps()[0]
            >>> name, round(float(numbers["step"]), 3)
            ('round', 1.146)
        """
        most = self.effect.shape[-1]
        effect = np.asarray(self.effect).reshape(-1, most)
        laws = np.asarray(self.laws).reshape(len(effect), most, -1)
        return [
            [self._step(int(kind), law) for kind, law in zip(*row, strict=True) if kind >= 0]
            for row in zip(effect, laws, strict=True)
        ]

    def texts(self) -> list[str]:
        """For each series, with all axes in one, what was done to it as one line of text.

        Example:
            >>> import jax, jax.numpy as jnp, s2jax
            >>> effects = [s2jax.observe.Round(step=0.5)]
            >>> observation = s2jax.observe.Observation(effects, share=1.0, most=1)
            >>> observation.measure(jax.random.key(0), jnp.arange(8.0)).record.texts()
            ['round(step=1.146)']
        """
        shown = lambda numbers: ", ".join(f"{name}={_short(it)}" for name, it in numbers.items())
        return [
            " > ".join(f"{name}({shown(numbers)})" for name, numbers in series)
            for series in self.steps()
        ]

    def _step(self, kind: int, law: np.ndarray) -> tuple[str, dict[str, Any]]:
        name, layout = self.kinds[kind]
        numbers = layout.decode(law[: layout.size])
        paths = jax.tree_util.tree_leaves_with_path(numbers)
        named = lambda path: jax.tree_util.keystr(path, simple=True, separator=".") or "value"
        return name, {named(path): leaf[()] for path, leaf in paths}


def _short(number: Any) -> str:
    if np.ndim(number):
        return "[" + " ".join(map(_short, number)) + "]"
    return f"{number:.4g}" if isinstance(number, np.floating) else str(number)
