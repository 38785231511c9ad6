"""A twin of an unbuilt layer: configured alike, with nothing in common that a call could change.

Making a layer by its constructor takes Keras about as long as calling it. A twin is put together from
what the layer holds already: values and what only describes (an initializer, a dtype policy) are
shared, containers are copied, layers inside have twins of their own, and what Keras wires to one
object (its ``build``, its tracker) is left to the twin's class.
"""

from __future__ import annotations

from typing import Any

from shape_magic.trace.classes import TRACKABLE, TRACKED, is_kerases_own, kind_of

#: Wired to the one object; Keras makes them anew, and lists its parts in them.
_OWN = frozenset({"build", "quantize", "_tracker", *TRACKED, *(TRACKABLE - {"_self_setattr_tracking"})})


_PLAIN = frozenset({str, int, bool, type(None), float})


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
    vars(copy).update({n: v if type(v) in _PLAIN else _copied(v, made) for n, v in held.items() if n not in _OWN})
    copy._initialize_tracker()
    for name in TRACKED:
        vars(copy)[name].extend(_copied(part, made) for part in held.get(name, ()))
    return copy


def _copied(value: Any, made: dict[int, Any]) -> Any:
    kind = kind_of(type(value))
    if kind in _SHARED or (kind == "function" and not (value.__closure__ and value.__module__.startswith("keras."))):
        return value  # a function of Keras' own with a closure may well be wired to the layer
    # As plain containers: Keras' own report what is put into them to the layer that they were made for.
    if kind == "items":
        parts = [_copied(part, made) for part in value]
        if isinstance(value, tuple):
            return value if all(a is b for a, b in zip(parts, value, strict=True)) else tuple(parts)
        return parts if isinstance(value, list) else set(parts)
    if kind == "pairs":
        return {key: _copied(part, made) for key, part in value.items()}
    if kind == "layer":
        return _twin(value, made)
    raise _NoTwin


#: What no call changes.
_SHARED = frozenset({"plain", "number", "recipe", "policy", "spec", "class"})
