"""Other packages that a few tests compare with or read with; no test needs one to be collected."""

from typing import Any

import pytest

PEERS = ("datasets", "s2generator", "torch")


def need(module: str) -> Any:
    """The module of a peer; where it is missing, the test is skipped and says how to install it."""
    name = module.split(".")[0]
    return pytest.importorskip(module, reason=f"needs {name}: python -m pip install '.[peers]'")
