"""shape_magic: follows every tensor of a Keras notebook from the data to the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shape_magic.api import check, check_cell, check_cells
    from shape_magic.comparison import compare
    from shape_magic.magic import load_ipython_extension, unload_ipython_extension
    from shape_magic.report import Report

__version__ = "0.1.0"
__all__ = [
    "Report", "check", "check_cell", "check_cells", "compare", "load_ipython_extension", "unload_ipython_extension",
]  # fmt: skip

_EXTENSION = dict.fromkeys(("load_ipython_extension", "unload_ipython_extension"), "magic")
_HOME = {"Report": "report", "compare": "comparison"} | _EXTENSION


def __getattr__(name: str) -> Any:
    """Import what is asked for at its first use: ``import shape_magic`` itself imports nothing heavy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'api')}"), name)
