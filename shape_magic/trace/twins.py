"""A twin of an unbuilt layer: configured alike, with nothing in common that a call could change.

Making a layer by its constructor takes Keras about as long as calling it. A twin is put together from
what the layer holds already: values and what only describes (an initializer, a dtype policy) are
shared, containers are copied, layers inside have twins of their own, and what Keras wires to one
object (its ``build``, its tracker) is left to the twin's class.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from shape_magic.trace.classes import TRACKABLE, is_kerases_own, is_layer_class, is_recipe_class

#: Wired to the one object; Keras makes them anew, and lists its parts in them.
_TRACKED = ("_trainable_variables", "_non_trainable_variables", "_layers", "_metrics", "_seed_generators")
_OWN = frozenset({"build", "quantize", "_tracker", *_TRACKED, *(TRACKABLE - {"_self_setattr_tracking"})})
_VALUES = (str, int, float, bool, type(None), bytes, np.generic)


class _NoTwin(Exception):
    """Something in the layer may not be shared, and can't be copied."""


def twin(layer: Any) -> Any | None:
    """A layer as unbuilt as this one that behaves alike, or None where there is no telling.

    For Keras' own classes only: what a user's constructor does beside setting attributes is not known.
    """
    try:
        return _twin(layer, {})
    except _NoTwin:
        return None


def _twin(layer: Any, made: dict[int, Any]) -> Any:
    if id(layer) in made:
        return made[id(layer)]
    if layer.built or not is_kerases_own(type(layer)) or hasattr(layer, "compile") or hasattr(layer, "adapt"):
        raise _NoTwin
    copy = object.__new__(type(layer))
    made[id(layer)] = copy
    held = vars(layer)
    vars(copy).update((name, _copied(value, made)) for name, value in held.items() if name not in _OWN)
    copy._initialize_tracker()
    for name in _TRACKED:
        vars(copy)[name].extend(_copied(part, made) for part in held.get(name, ()))
    return copy


def _copied(value: Any, made: dict[int, Any]) -> Any:
    if isinstance(value, _VALUES):
        return value
    # As plain containers: Keras' own report what is put into them to the layer that they were made for.
    if isinstance(value, tuple | list | set):
        parts = [_copied(part, made) for part in value]
        return parts if isinstance(value, list) else set(parts) if isinstance(value, set) else _tuple(value, parts)
    if isinstance(value, dict):
        return {key: _copied(part, made) for key, part in value.items()}
    if is_layer_class(type(value)):
        return _twin(value, made)
    if isinstance(value, FunctionType):
        if value.__closure__ and value.__module__.startswith("keras."):
            raise _NoTwin  # it may well be wired to the layer
        return value
    if isinstance(value, type) or is_recipe_class(type(value)):
        return value
    raise _NoTwin


def _tuple(value: tuple[Any, ...], parts: list[Any]) -> Any:
    return tuple(parts) if type(value) is tuple else value if all(isinstance(p, _VALUES) for p in parts) else _refuse()


def _refuse() -> Any:
    raise _NoTwin
