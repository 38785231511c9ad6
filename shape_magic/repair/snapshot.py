"""Objects as they were: all that can be reached from some roots, put back after someone has used it.

One proof goes on from what another one started from. What is kept is shallow and per object
(attributes, elements, cells); all of it is put back, whoever changed it and however. What can't be
looked into can't be put back: of that there is no snapshot.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import random
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Set
from functools import partial
from operator import is_
from typing import Any

from shape_magic.untrusted import module_of

#: Notes how one object is put back, and gives what it refers to.
Look = Callable[[Any, "Snapshot"], Iterable[Any]]

#: Larger arrays are not copied.
_ARRAY = 10_000
#: What holds nothing that anyone could change. Weak references are not followed: they hold nothing.
_FIXED: Set[type] = frozenset(
    [
        *(type(None), bool, int, float, complex, str, bytes, range, slice, type(...), type(NotImplemented)),
        *(types.ModuleType, types.CodeType, types.GenericAlias, types.GetSetDescriptorType),
        *(types.MemberDescriptorType, types.WrapperDescriptorType, types.MethodDescriptorType),
        *(types.ClassMethodDescriptorType, property, staticmethod, classmethod),
        *(functools.cached_property, weakref.ref, inspect.Signature),
    ]
)
#: What a class that is written in Python may be built on: its state is in sight.
_PLAIN: Set[type] = frozenset((object, BaseException, Exception, tuple, frozenset, int, float, str))
#: Flags of types: made at run time, and not to be changed; ever more of those in C are both, deque since Python 3.12.
_MADE, _IMMUTABLE = 1 << 9, 1 << 8


class Opaque(Exception):
    """An object whose state is out of sight."""


class Snapshot:
    """What can be reached from the roots, as it is now; raises ``Opaque``.

    Objects with the ids ``others`` are not looked into: they belong to someone else.
    """

    def __init__(self, roots: Iterable[Any], others: Set[int] = frozenset()) -> None:
        #: Dicts with the class whose methods to use; lists; and how anything else is put back.
        self.dicts: list[tuple[Any, Any, dict[Any, Any]]] = []
        self.lists: list[tuple[list[Any], list[Any]]] = []
        self.undo: list[Callable[[], object]] = []
        seen: dict[int, Any] = {}  # the objects are held, so that no id is used again during the walk
        looks: dict[type, Look] = {}
        others = {*others, id(vars(builtins))}
        todo = list(roots)
        while todo:
            obj = todo.pop()
            number = id(obj)
            if number not in seen and number not in others:
                seen[number] = obj
                look = looks.get(type(obj)) or looks.setdefault(type(obj), _look(type(obj)))
                todo += [inner for inner in look(obj, self) if type(inner) not in _FIXED]

    def restore(self) -> None:
        """Put everything back; what is as it was is let alone, for others may be reading it."""
        for base, now, items in self.dicts:
            if not (
                base.__len__(now) == len(items)
                and all(map(is_, base.values(now), items.values()))
                and all(map(is_, base.__iter__(now), items))
            ):
                base.clear(now)
                base.update(now, items)
        for elements, before in self.lists:
            if list.__len__(elements) != len(before) or not all(map(is_, list.__iter__(elements), before)):
                list.__setitem__(elements, slice(None), before)
        for undo in self.undo:
            undo()


# How to look into objects of a type: into what they contain, their attributes and their slots.


def _look(kind: type) -> Look:
    """How to look into objects of a type; raises ``Opaque``."""
    if kind in _FIXED or kind.__module__ in ("_thread", "_abc"):
        return _nothing
    if issubclass(kind, type):
        return _class
    name = f"{module_of(kind).partition('.')[0]}.{kind.__name__}"
    if kind in _KNOWN or name in _LIBRARY:
        return _KNOWN.get(kind) or _LIBRARY[name]
    base = next(c for c in kind.__mro__ if not _is_written_in_python(c))
    if base not in _CONTAINERS and base not in _PLAIN:
        raise Opaque(f"{kind.__module__}.{kind.__qualname__}")
    looks: list[Look] = [_CONTAINERS[base]] if base in _CONTAINERS else []
    if kind.__dictoffset__:
        looks.append(_attributes)
    slots = [v for c in kind.__mro__ for v in vars(c).values() if _is_slot(c, v)]
    if slots:
        looks.append(partial(_slots, slots))
    if kind.__module__ == "__main__":
        looks.append(_own_class)
    return looks[0] if len(looks) == 1 else partial(_all, looks)


def _is_written_in_python(kind: type) -> bool:
    if kind.__flags__ & (_MADE | _IMMUTABLE) != _MADE:
        return False
    return not isinstance(vars(kind).get("__new__"), types.BuiltinFunctionType)


def _nothing(_obj: Any, _kept: Snapshot) -> Iterable[Any]:
    return ()


def _is_slot(owner: type, value: object) -> bool:
    return isinstance(value, types.MemberDescriptorType) and _is_written_in_python(owner)


def _all(looks: list[Look], obj: Any, kept: Snapshot) -> Iterable[Any]:
    return [inner for look in looks for inner in look(obj, kept)]


def _attributes(obj: Any, kept: Snapshot) -> Iterable[Any]:
    return _dict(obj.__dict__, kept)


def _own_class(obj: Any, _kept: Snapshot) -> Iterable[Any]:
    return (type(obj),)


def _slots(slots: list[types.MemberDescriptorType], obj: Any, kept: Snapshot) -> Iterable[Any]:
    found = []
    for slot in slots:
        try:
            found.append(slot.__get__(obj))
        except AttributeError:
            kept.undo.append(partial(_unset, slot, obj))
        else:
            kept.undo.append(partial(slot.__set__, obj, found[-1]))
    return found


def _unset(slot: types.MemberDescriptorType, obj: Any) -> None:
    if hasattr(obj, slot.__name__):
        slot.__delete__(obj)


# Containers, by the built-in methods: a subclass' own would do more than put back.


def _dict(obj: dict[Any, Any], kept: Snapshot, base: Any = dict) -> Iterable[Any]:
    items = dict(base.items(obj))
    kept.dicts.append((base, obj, items))
    return items.values() if {*map(type, items)} <= _FIXED else [*items, *items.values()]


def _list(obj: list[Any], kept: Snapshot) -> Iterable[Any]:
    elements = list.__getitem__(obj, slice(None))
    kept.lists.append((obj, elements))
    return elements


def _set(obj: set[Any], kept: Snapshot) -> Iterable[Any]:
    elements = list(set.__iter__(obj))
    kept.undo.append(partial(_put_elements, set, set.update, obj, elements))
    return elements


def _deque(obj: deque[Any], kept: Snapshot) -> Iterable[Any]:
    elements = list(deque.__iter__(obj))
    kept.undo.append(partial(_put_elements, deque, deque.extend, obj, elements))
    return elements


def _put_elements(base: Any, fill: Any, obj: Any, before: list[Any]) -> None:
    if base.__len__(obj) != len(before) or not all(map(is_, base.__iter__(obj), before)):
        base.clear(obj)
        fill(obj, before)


_CONTAINERS: dict[type, Look] = {
    dict: _dict,
    defaultdict: _dict,
    OrderedDict: partial(_dict, base=OrderedDict),
    list: _list,
    set: _set,
    deque: _deque,
    tuple: lambda obj, kept: tuple.__iter__(obj),
    frozenset: lambda obj, kept: frozenset.__iter__(obj),
}

# Classes and functions.


def _class(obj: type, kept: Snapshot) -> Iterable[Any]:
    """The attributes of a class of the notebook's; a library's are the library's own."""
    if obj.__module__ != "__main__":
        return ()
    names = dict(vars(obj))
    kept.undo.append(partial(_put_class, obj, names))
    return [value for name, value in names.items() if not name.startswith("__")]


def _put_class(obj: type, before: dict[str, Any]) -> None:
    for name in vars(obj).keys() - before.keys():
        type.__delattr__(obj, name)
    for name, value in before.items():
        if vars(obj).get(name) is not value:
            type.__setattr__(obj, name, value)


def _function(obj: types.FunctionType, kept: Snapshot) -> Iterable[Any]:
    given = (*(obj.__closure__ or ()), *(obj.__defaults__ or ()), *(obj.__kwdefaults__ or {}).values())
    is_own = obj.__module__ == "__main__" or obj.__dict__
    return (*given, *_attributes(obj, kept)) if is_own else given


def _cell(obj: types.CellType, kept: Snapshot) -> Iterable[Any]:
    try:
        value = obj.cell_contents
    except ValueError:  # not bound yet
        return ()
    kept.undo.append(partial(_put_cell, obj, value))
    return (value,)


def _put_cell(obj: types.CellType, value: Any) -> None:
    if obj.cell_contents is not value:
        obj.cell_contents = value


def _bound(obj: Any, kept: Snapshot) -> Iterable[Any]:
    return (obj.__self__,)


def _partial(obj: partial[Any], kept: Snapshot) -> Iterable[Any]:
    return (obj.func, *obj.args, *obj.keywords.values())


# Random generators and arrays: their state can be asked for and set.


def _random(obj: random.Random, kept: Snapshot) -> Iterable[Any]:
    kept.undo.append(partial(obj.setstate, obj.getstate()))
    return ()


def _generator(obj: Any, kept: Snapshot) -> Iterable[Any]:
    kept.undo.append(partial(setattr, obj.bit_generator, "state", obj.bit_generator.state))
    return ()


def _old_generator(obj: Any, kept: Snapshot) -> Iterable[Any]:
    kept.undo.append(partial(obj.set_state, obj.get_state()))
    return ()


def _array(obj: Any, kept: Snapshot) -> Iterable[Any]:
    if obj.size > _ARRAY or obj.dtype.hasobject:
        raise Opaque("a large array")
    if obj.flags.writeable:
        kept.undo.append(partial(_put_array, obj, obj.copy()))
    return ()


def _put_array(obj: Any, before: Any) -> None:
    if obj.tobytes() != before.tobytes():
        obj[...] = before


def _variable(obj: Any, kept: Snapshot) -> Iterable[Any]:
    """A variable that holds a value also in the worker: an optimizer's step, a layer's state."""
    value = obj.numpy()
    if value.size > _ARRAY:
        raise Opaque("a large variable")
    kept.undo.append(partial(_put_variable, obj, value))
    return ()


def _put_variable(obj: Any, before: Any) -> None:
    if obj.numpy().tobytes() != before.tobytes():
        obj.assign(before)


def _proxy(obj: Any, kept: Snapshot) -> Iterable[Any]:
    return (obj.__wrapped__,)


_KNOWN: dict[type, Look] = {
    types.FunctionType: _function,
    types.CellType: _cell,
    types.MethodType: _bound,
    types.BuiltinFunctionType: _bound,
    partial: _partial,
    random.Random: _random,
}
_LIBRARY: dict[str, Look] = {
    "numpy.Generator": _generator,
    "numpy.RandomState": _old_generator,
    "numpy.ndarray": _array,
    "tensorflow._DictWrapper": _proxy,
    "tensorflow.EagerTensor": _nothing,
    "tensorflow.ResourceVariable": _variable,
}
