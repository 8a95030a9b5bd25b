"""The syntax tree of a piece of code."""

import ast


def parse(text: str) -> ast.Module:
    """`ast.parse`, once more where it was disturbed.

    Python before 3.11.8 counts the depth of all trees under construction in one place, so that a
    tree made meanwhile by another thread of the test run ends this one (CPython issue 106905).
    """
    try:
        return ast.parse(text)
    except SystemError:
        return ast.parse(text)
