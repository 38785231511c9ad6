"""Copies of what belongs to the user, so that a run may change them in place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from copy import deepcopy
from types import FunctionType
from typing import Any

#: Longer containers are data: they are shared, and what would change them is refused or does it elsewhere.
_SMALL = 10_000
_IN_A_ROW = (list, set, deque, tuple)


def copied(namespace: Mapping[str, Any], stubs: Mapping[int, Any]) -> dict[str, Any]:
    """A shallow copy in which functions look names up in the copy, containers are its own, and nothing prints."""
    copy: dict[str, Any] = {name: stubs.get(id(value), value) for name, value in namespace.items()}
    for name, value in namespace.items():
        if type(value) is FunctionType and value.__globals__ is namespace:
            twin = FunctionType(value.__code__, copy, value.__name__, value.__defaults__, value.__closure__)
            twin.__kwdefaults__ = value.__kwdefaults__
            copy[name] = twin
        elif not name.startswith("_"):
            copy[name] = copy_of(copy[name])
    copy["print"] = copy["display"] = _nothing
    return copy


def copy_of(value: Any, depth: int = 4) -> Any:
    """A copy of what user code may change in place: containers and random generators; the rest is shared."""
    if type(value) in _IN_A_ROW and depth and len(value) < _SMALL:
        return type(value)(copy_of(v, depth - 1) for v in value)
    if type(value) is dict and depth and len(value) < _SMALL:
        return {k: copy_of(v, depth - 1) for k, v in value.items()}
    if type(value).__name__ in ("Generator", "RandomState", "Random") and hasattr(value, "shuffle"):
        return deepcopy(value)
    return value


def left_shared(value: Any, depth: int = 4) -> Iterator[int]:
    """The ids of what a value and its copy share."""
    if type(value) in (*_IN_A_ROW, dict) and depth and len(value) < _SMALL:
        for inner in value.values() if type(value) is dict else value:
            yield from left_shared(inner, depth - 1)
    else:
        yield id(value)


def _nothing(*_args: object, **_kwargs: object) -> None:
    """Stands for print and display in a proof."""
