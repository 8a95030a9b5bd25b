"""What an input family is: a law of parameters, and the law of a series given its parameters."""

import abc
from typing import Any

import numpy as np
from jaxtyping import Array, Float, UInt32

from s2jax._part import Part
from s2jax._random import random_bits


class AbstractInput(Part):
    """A law of input series. Many channels are drawn at once, one key each."""

    noun = "an input family"
    example = "s2jax.inputs.ARMA()"

    @classmethod
    def way_out(cls, given: Any) -> str:
        if isinstance(given, (list, tuple)) and any(isinstance(part, Part) for part in given):
            return "Put several families into s2jax.inputs.Choice([...])."
        if np.ndim(given) and not isinstance(given, str):
            return "Wrap series of your own in s2jax.inputs.Given(series)."
        return super().way_out(given)

    @property
    @abc.abstractmethod
    def num_words(self) -> int:
        """Number of random words that `from_bits` reads per channel."""

    @abc.abstractmethod
    def from_bits(self, bits: UInt32[Array, "words channels"], length: int) -> Any:
        """The parameters of each channel: a module of arrays, the channel axis first.

        With these the exact law of each channel is known to the user.
        """

    def draw(self, words: UInt32[Array, "channels 2"], length: int) -> Any:
        """Draw the parameters of each channel; see `from_bits`."""
        return self.from_bits(random_bits(words, self.num_words), length)

    @abc.abstractmethod
    def series(
        self, parameters: Any, words: UInt32[Array, "channels 2"], length: int
    ) -> Float[Array, "time channels"]:
        """Draw one series per channel given the parameters, time first.

        Reads another stream of the keys than `draw`.
        """

    def check_length(self, length: int) -> None:
        """Raise a `ValueError` if series of this length cannot be drawn."""
