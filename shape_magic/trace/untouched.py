"""What the user's own code changes while it is traced, put back: a check must not count as a call.

A traced ``call`` may count itself, collect what it saw, or draw numbers: on its layer, on its class, in the
cell's variables. Attributes and variables are put back as they were, and what small containers hold.
"""

from __future__ import annotations

import contextlib
import dis
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from shape_magic.capture.blame import is_user_file
from shape_magic.interrupts import put_back
from shape_magic.trace.classes import is_kerases_own, per_class

#: Longer containers are data, which no call changes; deeper ones are not looked into.
_SMALL, _DEEP = 10_000, 3
_CONTAINERS: tuple[type, ...] = (list, dict, set, deque)
_STORE_GLOBAL = dis.opmap["STORE_GLOBAL"]
_FIXED = frozenset({str, int, float, bool, bytes, complex, type(None), tuple, FunctionType, type})


def as_they_were(*objects: Any) -> AbstractContextManager[None]:
    """Leave layers, models and losses, and what their code can reach, as they are, whatever the block calls of them."""
    return _kept(objects, _Kept.layer)


def reached_from(*code: Any) -> AbstractContextManager[None]:
    """Leave what functions, classes and the code of layers can reach as it is now; the layers may change."""
    return _kept(code, _Kept.code)


def _kept(objects: Iterable[Any], keep: Callable[[_Kept, Any], None]) -> AbstractContextManager[None]:
    kept = _Kept()
    for one in objects:
        for part in _parts(one):
            keep(kept, part)
    return put_back(kept.put_back)


def _parts(layer: Any) -> Iterable[Any]:
    is_one = isinstance(layer, type) or not hasattr(layer, "_flatten_layers")
    return (layer,) if is_one else layer._flatten_layers()


class _Kept:
    """What was there, and how it is put back."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._seen: dict[int, Any] = {}

    def put_back(self) -> None:
        """Put it back; what is as it was is let alone."""
        for undo in self._undo:
            undo()

    def layer(self, layer: Any) -> None:
        """Keep what a layer holds, and what its code can reach."""
        losses = getattr(layer, "_losses", None)
        if isinstance(losses, list):
            self._undo.append(partial(_put_list, losses, list(losses)))
        if not is_kerases_own(type(layer)) and hasattr(layer, "__dict__") and type(layer) is not FunctionType:
            self._attributes(vars(layer), _DEEP)
        self.code(layer)

    def code(self, code: Any) -> None:
        """Keep what a class, a function, or the code of a layer can reach."""
        if isinstance(code, type):
            self._class(code)
        elif isinstance(code, FunctionType):
            self._function(code)
        elif isinstance(code, MethodType):
            self.code(code.__func__)
        elif hasattr(code, "__dict__"):
            self._class(type(code))
            for value in vars(code).values():  # Lambda's function, an activation
                if type(value) is FunctionType:
                    self._function(value)

    def _attributes(self, now: dict[str, Any], depth: int) -> None:
        before = dict(now)
        self._undo.append(partial(_put_items, now, before))
        for value in before.values():
            self._value(value, depth)

    def _value(self, value: Any, depth: int) -> None:
        value = getattr(value, "__wrapped__", value) if type(value).__name__ == "_DictWrapper" else value
        kind = type(value)
        if kind in _FIXED and kind is not tuple:
            return
        if not depth or id(value) in self._seen:
            return
        if issubclass(kind, random.Random):
            self._once(value, partial(value.setstate, value.getstate()))
        elif kind.__module__.startswith("numpy.random"):
            self._once(value, *_generator(value))
        elif _is_users(kind) and hasattr(value, "__dict__") and not hasattr(value, "_flatten_layers"):
            self._once(value)
            self._attributes(vars(value), depth - 1)
        elif (base := _base(kind)) is not None and base.__len__(value) < _SMALL:
            elements = list(dict.values(value) if base is dict else base.__iter__(value))
            self._once(value, *_container(base, value, elements))
            for element in elements:
                self._value(element, depth - 1)

    def _once(self, value: Any, *undo: Callable[[], object]) -> None:
        self._seen[id(value)] = value  # held, so that its id stays its own
        self._undo += undo

    def _class(self, cls: type) -> None:
        for one in cls.__mro__:
            if not _is_users(one) or id(one) in self._seen:
                continue
            before = dict(vars(one))
            self._once(one, partial(_put_class, one, before))
            for value in before.values():
                function = getattr(value, "__func__", value)
                if type(function) is FunctionType:
                    self._function(function)
                else:
                    self._value(value, _DEEP)

    def _function(self, function: FunctionType) -> None:
        """The variables of the cells that a function reads or binds, and those around it."""
        if not is_user_file(function.__code__.co_filename) or id(function) in self._seen:
            return
        self._once(function)
        for cell in function.__closure__ or ():
            with contextlib.suppress(ValueError):  # not bound yet
                self._undo.append(partial(_put_cell, cell, cell.cell_contents))
                self._value(cell.cell_contents, _DEEP)
        namespace = function.__globals__
        for name, is_bound in _names(function.__code__):
            value = namespace.get(name)
            if type(value) is FunctionType:
                self._function(value)
            elif isinstance(value, type):
                self._class(value)
            elif name in namespace and type(value) is not ModuleType:
                if is_bound:
                    self._undo.append(partial(_put_name, namespace, name, value))
                self._value(value, _DEEP)


@per_class
def _is_users(cls: type) -> bool:
    """Whether a class was written in a cell or in a file of the user's."""
    if cls.__module__ == "__main__":
        return True
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file is not None and is_user_file(file)


def _names(code: CodeType) -> Iterator[tuple[str, bool]]:
    """The names that code looks up, and whether it may bind them for its whole module."""
    binds = _STORE_GLOBAL in code.co_code[::2]
    yield from ((name, binds) for name in code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _generator(value: Any) -> list[Callable[[], object]]:
    if hasattr(value, "bit_generator"):
        return [partial(setattr, value.bit_generator, "state", value.bit_generator.state)]
    return [partial(value.set_state, value.get_state())] if hasattr(value, "set_state") else []


# Containers, by the built-in methods: those of a subclass would do more than put back.


def _container(base: Any, value: Any, elements: list[Any]) -> list[Callable[[], object]]:
    if base is dict:
        return [partial(_put_items, value, dict(dict.items(value)))]
    if base is list:
        # TensorFlow's own lists keep what they hold twice.
        twice = [held for held in (getattr(value, "_storage", None),) if type(held) is list]
        return [partial(_put_list, held, elements) for held in (value, *twice)]
    return [] if base is tuple else [partial(_put_elements, base, value, elements)]


@per_class
def _base(cls: type) -> Any:
    return next((base for base in (*_CONTAINERS, tuple) if issubclass(cls, base)), None)


def _put_items(now: dict[Any, Any], before: dict[Any, Any]) -> None:
    for name in dict.keys(now) - dict.keys(before):
        dict.__delitem__(now, name)
    for name, value in before.items():
        if name not in dict.keys(now) or dict.__getitem__(now, name) is not value:
            dict.__setitem__(now, name, value)


def _put_list(now: list[Any], before: list[Any]) -> None:
    if not _same(list.__getitem__(now, slice(None)), before):
        list.__setitem__(now, slice(None), before)


def _put_elements(base: Any, now: Any, before: list[Any]) -> None:
    if not _same(list(base.__iter__(now)), before):
        base.clear(now)
        base.update(now, before) if base is set else base.extend(now, before)


def _same(now: list[Any], before: list[Any]) -> bool:
    return len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True))


def _put_class(cls: type, before: dict[str, Any]) -> None:
    for name in vars(cls).keys() - before.keys():
        type.__delattr__(cls, name)
    for name, value in before.items():
        if vars(cls).get(name) is not value:
            type.__setattr__(cls, name, value)


def _put_cell(cell: Any, value: Any) -> None:
    cell.cell_contents = value


def _put_name(namespace: dict[str, Any], name: str, value: Any) -> None:
    if namespace.get(name) is not value:
        namespace[name] = value
