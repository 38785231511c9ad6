"""Hearing of Keras' import: hooks go in when Keras arrives, and nothing imports it before the user does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader


class _Announced:
    """Keras' own loader, followed by the announcement."""

    def __init__(self, loader: Loader, announce: Callable[[], None]) -> None:
        self._loader = loader
        self._announce = announce

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Keras' loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then say that it is there."""
        self._loader.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._announce()

    def __getattr__(self, name: str) -> object:
        """What else the import system asks of Keras' loader."""
        return getattr(self._loader, name)


class Arrival:
    """Stands in ``sys.meta_path`` until Keras is imported or the cell ends."""

    def __init__(self, announce: Callable[[], None]) -> None:
        self._announce = announce

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find Keras as Python would; everything else is left to the other finders."""
        if name != "keras":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            announced: Any = _Announced(spec.loader, self._announce)
            spec.loader = announced
        return spec

    def wait(self) -> None:
        """Begin to listen, if it does not listen already."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def leave(self) -> None:
        """Stop listening."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)


def is_here() -> bool:
    """Whether Keras is imported, as a whole."""
    keras = sys.modules.get("keras")
    return keras is not None and hasattr(keras, "Sequential")
