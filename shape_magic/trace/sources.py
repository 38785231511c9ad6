"""The first batch of what must be asked for its data: a PyDataset, a generator; asked once, on a twin.

What belongs to the user stays as it was. A generator is never moved on: a twin of it, made from the
same function and the same arguments, runs to its first batch in a copy of the namespace in which
arrays can't be written to. Functions that read files, write or print are not run.
"""

from __future__ import annotations

import copy
import dis
import inspect
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, GeneratorType
from typing import Any
from weakref import WeakKeyDictionary

from shape_magic.capture.hooks import unobserved
from shape_magic.trace.data import Spec, dtype_name, shape_of
from shape_magic.trace.worker import apart
from shape_magic.untrusted import module_of

_WRITES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL", "STORE_NAME", "IMPORT_NAME", "STORE_ATTR", "DELETE_ATTR"})
_known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def is_sequence(value: Any) -> bool:
    """Whether a value is one of Keras' data sets that give batches by their number (``PyDataset``)."""
    return any(c.__name__ == "PyDataset" and module_of(c).startswith("keras.") for c in type(value).__mro__)


def first_batch(source: Any, namespace: Mapping[str, Any]) -> Any:
    """The structure of the first batch, with specs for its arrays; None where it can't be known without harm."""
    try:
        if source in _known:
            return _known[source]
    except TypeError:  # a class of the user's that can't be hashed is asked each time
        return _specs(apart(lambda: _asked(source, namespace)))
    _known[source] = _specs(apart(lambda: _asked(source, namespace)))
    return _known[source]


def lists_in(source: Any, namespace: Mapping[str, Any]) -> tuple[str, ...]:
    """What the first batch holds as a list where Keras takes tuples alone.

    "batch", "x", "y" and "sample_weight" are lists themselves, "within" is one deeper in them. A generator has to
    yield a tuple; within a batch it is TensorFlow that knows no lists: its data sets have none.
    """
    import keras

    is_generator = isinstance(source, GeneratorType)
    batch = first_batch(source, namespace) if is_generator or is_sequence(source) else None
    if not isinstance(batch, list | tuple):
        return ()
    found = ["batch"] if isinstance(batch, list) and is_generator else []
    if keras.backend.backend() == "tensorflow":
        parts = zip(("x", "y", "sample_weight"), batch, strict=False)
        found += [name if isinstance(part, list) else "within" for name, part in parts if _holds_list(part)]
    return tuple(found)


def _holds_list(part: Any) -> bool:
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, tuple) else ()
    return isinstance(part, list) or any(map(_holds_list, inner))


def _asked(source: Any, namespace: Mapping[str, Any]) -> Any:
    try:
        with unobserved():
            if isinstance(source, GeneratorType):
                twin = _twin_generator(source, namespace)
                return next(twin) if twin is not None else None
            return _twin_sequence(source, namespace)[0]
    except Exception:  # noqa: BLE001 - the user's code may raise anything; Keras will meet it too, and says so
        return None


def _twin_generator(source: GeneratorType[Any, Any, Any], namespace: Mapping[str, Any]) -> Iterator[Any] | None:
    code = source.gi_code
    if inspect.getgeneratorstate(source) != inspect.GEN_CREATED or source.gi_frame is None or code.co_freevars:
        return None
    if source.gi_frame.f_globals is not namespace or not _is_harmless(code, namespace, set()):
        return None
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    values = {name: _guarded(value) for name, value in source.gi_frame.f_locals.items()}
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:count]
    if not all(name in values for name in names):
        return None
    function = FunctionType(code, _copy_of(namespace))
    positional = names[: code.co_argcount]
    twin: Iterator[Any] = function(
        *(values[n] for n in positional), **{n: values[n] for n in names[code.co_argcount :]}
    )
    return twin


def _is_harmless(code: CodeType, namespace: Mapping[str, Any], seen: set[CodeType]) -> bool:
    """Whether code neither reaches outside by a name that is known for it, nor stores into what is not its own."""
    from shape_magic.repair.effects import reaches_outside

    if code in seen:
        return True
    seen.add(code)
    if any(i.opname in _WRITES for i in dis.get_instructions(code)) or any(map(reaches_outside, code.co_names)):
        return False
    called = (namespace.get(name) for name in code.co_names)
    inner = [f.__code__ for f in called if isinstance(f, FunctionType) and f.__globals__ is namespace]
    inner += [c for c in code.co_consts if isinstance(c, CodeType)]
    # An iterator of the notebook's would be moved on.
    held = any(hasattr(namespace.get(name), "__next__") for name in code.co_names)
    return not held and all(_is_harmless(c, namespace, seen) for c in inner)


def _twin_sequence(source: Any, namespace: Mapping[str, Any]) -> Any:
    """A copy of a PyDataset whose methods look names up in a copy of the namespace."""
    globals_ = _copy_of(namespace)
    kind = type(source)
    own = {
        name: _rebound(function, globals_)
        for name, function in vars(kind).items()
        if isinstance(function, FunctionType) and function.__globals__ is namespace
    }
    twin = copy.copy(source)
    for name, value in list(vars(twin).items()):
        vars(twin)[name] = _guarded(value)
    twin.__class__ = type(kind.__name__, (kind,), own)
    return twin


def _rebound(function: FunctionType, globals_: dict[str, Any]) -> FunctionType:
    twin = FunctionType(function.__code__, globals_, function.__name__, function.__defaults__, function.__closure__)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def _copy_of(namespace: Mapping[str, Any]) -> dict[str, Any]:
    from shape_magic.repair.copies import copied

    return {name: _read_only(value) for name, value in copied(namespace, {}).items()}


def _guarded(value: Any) -> Any:
    from shape_magic.repair.copies import copy_of

    return _read_only(copy_of(value))


def _read_only(value: Any) -> Any:
    import numpy as np

    if type(value) is not np.ndarray:
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def _specs(batch: Any) -> Any:
    """The batch with its arrays replaced by specs; how many samples it has is left open."""
    if isinstance(batch, Mapping):
        return {key: _specs(value) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        return (list if isinstance(batch, list) else tuple)(_specs(part) for part in batch)
    sizes, dtype = shape_of(batch), getattr(batch, "dtype", None)
    return None if sizes is None or dtype is None else Spec(sizes, dtype_name(dtype))
