"""Libraries that only some of the package needs: imported when they are needed, or asked for."""

import importlib
from typing import Any

EXTRAS = {
    "cli": ("tyro>=1.0", "tqdm>=4.66", "matplotlib>=3.9"),
    "corpus": ("pyarrow>=21",),
    "remote": ("fsspec>=2024.12",),
    "grain": ("grain>=0.2.18",),
    "ray": ("ray>=2.60",),
    "array-record": ("array-record>=0.8.6",),
    "stats": ("pycatch22>=1.0.2",),
    "train": ("optax>=0.2.5", "orbax-checkpoint>=0.11", "tqdm>=4.66"),
    "torch": ("torch",),
    "pandas": ("pandas>=2.2",),
    "docs": (
        "mkdocs>=1.6,<2",
        "mkdocs-material>=9.7",
        "mkdocstrings-python>=2.0",
        "nbconvert>=7",
        "latex2mathml>=3.77",
    ),
}
"""What to install, by extra of this package; torch is in none, for its builds differ."""

MODULES = {
    "tyro": ("cli", "corpus"),
    "matplotlib": ("cli",),
    "pyarrow": ("corpus",),
    "fsspec": ("remote",),
    "grain": ("grain",),
    "ray": ("ray",),
    "array_record": ("array-record",),
    "pycatch22": ("stats",),
    "optax": ("train",),
    "orbax": ("train",),
    "torch": ("torch",),
    "pandas": ("pandas",),
    "mkdocs": ("docs",),
}
"""Which of these someone wants who needs a module."""


def require(module: str, task: str, otherwise: str = "") -> Any:
    """The module, imported, or an error with a command that installs what is missing.

    The command names the packages themselves, so that it works wherever this one came from.

    Args:
        module: Its name, or that of a submodule.
        task: What needs it, as the subject of a sentence in the plural, "Pictures".
        otherwise: A sentence about another way out.

    Raises:
        ImportError: If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.split(".")[0]
        packages = " ".join(f'"{one}"' for extra in MODULES[name] for one in EXTRAS[extra])
        raise ImportError(
            f"{task} need {name}, which cannot be imported: {error}. "
            f"Install it: python -m pip install {packages}{otherwise and '. ' + otherwise}"
        ) from error
