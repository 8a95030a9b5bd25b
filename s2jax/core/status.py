"""Flags that say why something is not as wanted."""

import enum


class StatusFlag(enum.IntFlag):
    """Bits with a sentence each; members are written `NAME = bit, "Sentence."`, that of 0 too."""

    _value_: int
    _text: str

    def __new__(cls, value: int, text: str = ""):
        member = int.__new__(cls, value)
        member._value_ = value
        member._text = text
        return member

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        kind = type(self)
        return " ".join(member._text for member in kind if member & self) or kind(0)._text
