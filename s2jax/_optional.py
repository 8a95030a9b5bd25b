"""Libraries that only some of the package needs: imported when they are needed, or asked for."""

import importlib
from typing import Any

REQUIREMENTS = {
    "tyro": ("cli", "tyro>=1.0"),
    "matplotlib": ("cli", "matplotlib>=3.9"),
    "pyarrow": ("corpus", "pyarrow>=21"),
    "grain": ("grain", "grain>=0.2.18"),
    "ray": ("ray", "ray>=2.60"),
    "array_record": ("array-record", "array-record>=0.8.6"),
    "torch": (None, "torch"),
}
"""By module: the extra it is in, if it is in one, and what to install for it."""


def require(module: str, task: str, otherwise: str = "") -> Any:
    """The module, imported, or an error that says how to install what is missing.

    Args:
        module: Its name, a submodule of one of `REQUIREMENTS`.
        task: What needs it, as the subject of a sentence in the plural, "Pictures".
        otherwise: A sentence about another way out.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.split(".")[0]
        extra, requirement = REQUIREMENTS[name]
        where = f" It is in the extra {extra!r} of s2jax." if extra else ""
        raise ImportError(
            f"{task} need {name}, which cannot be imported ({error}). Install it: "
            f'python -m pip install "{requirement}".{where}{otherwise and " " + otherwise}'
        ) from error
