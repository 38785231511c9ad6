"""What could not be made or called as it was written: all that is known of it.

A constructor of Keras' own that raised is one row of a model of its own, if it is a layer's. Python itself raises
before a constructor begins where values are missing or have names that it does not know; then nothing of it is in
the traceback, and the constructor is the last one that was begun.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any

from shape_magic.capture.session import Made, Session
from shape_magic.facts import Construct, Model
from shape_magic.spans import Shape, Span
from shape_magic.trace.arguments import given_to
from shape_magic.trace.classes import is_kerases_own
from shape_magic.trace.failures import failure_of
from shape_magic.trace.inputs import call_at
from shape_magic.trace.rows import Rows, is_layer, name_of, shape
from shape_magic.untrusted import ask, said

_ARRAYS = ("ndarray", "EagerTensor", "Variable", "ResourceVariable")
_HOLDS_MANY = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
#: What Keras' layers take beyond what their constructors name.
_OF_ALL_LAYERS = ("input_shape", "input_dim", "batch_size", "weights")
#: What some layers take and do not name.
_UNNAMED = {"Embedding": ("input_length",), "LSTM": ("implementation",), "GRU": ("implementation",)}
#: What a model takes that is made of a graph: its class names none of it.
_OF_GRAPHS = ("inputs", "outputs")


def unmade_facts(session: Session, error: BaseException, span: Span | None) -> Model | None:
    """What is known of the constructor of Keras' own that raised: a layer's is the only row; None for no such."""
    obj = _being_made(error)
    made = session.made.get(obj) if obj is not None else None
    if made is None and (made := unbound_call(session, error)) is not None:
        obj = object.__new__(made.cls)  # the one that Python made is gone
        session.made[obj] = made
    if made is None:
        return None
    span = made.span or span
    construct = _construct(session, made, span)
    rows = Rows(session)
    if _is_of_models(made.cls):
        if not construct.unknown:
            return None
    else:
        named = name_of(obj)
        # One that was not even begun has none yet.
        rows.add(obj, (named if named != made.cls.__name__ else named.lower(),), (), (), ())
    return Model(
        "model", "model", "Model", 0, 0, (), tuple(rows.calls), (), span, failure=failure_of(error), construct=construct
    )


def unbound_call(session: Session, error: BaseException) -> Made | None:
    """The constructor of Keras' own that did not begin, since Python could not give it what it was called with."""
    made = session.making
    if made is None or type(error) is not TypeError or not is_kerases_own(made.cls):
        return None
    init = _constructor(made.cls)
    return made if f"{init.__qualname__}()" in said(error) and not _binds(init, made.args, made.kwargs) else None


def method_facts(session: Session, model: Any, span: Span | None) -> Construct | None:
    """A call of a model's method at this place, if the method has not all the names that it is given."""
    call, _ = call_at(session.book, span)
    name = call.func.attr if call is not None and isinstance(call.func, ast.Attribute) else ""
    method = getattr(type(model), name, None)
    if call is None or method is None or not callable(method):
        return None
    accepted = _names(method)
    unknown = tuple(k.arg for k in call.keywords if k.arg is not None and k.arg not in accepted)
    if not unknown or _takes_any(method):
        return None
    return Construct(name, {}, accepted=accepted, unknown=unknown, by_position=len(call.args), span=span)


def _construct(session: Session, made: Made, span: Span | None) -> Construct:
    arrays = {key: _shapes(value) for key, value in made.kwargs.items()}
    accepted = _accepted(made.cls)
    call, _ = call_at(session.book, span)
    return Construct(
        made.cls.__name__,
        given_to(made),
        {key: shapes for key, shapes in arrays.items() if shapes},
        accepted=accepted,
        unknown=tuple(key for key in made.kwargs if accepted and key not in accepted),
        by_position=len(call.args) if call is not None else 0,
        span=span,
    )


def _accepted(cls: type) -> tuple[str, ...]:
    """The names of what a constructor takes, its own first."""
    own = [name for one in cls.__mro__ if is_kerases_own(one) for name in _names(_constructor(one))]
    more = _OF_GRAPHS if cls.__name__ in ("Model", "Functional") else () if _is_of_models(cls) else _OF_ALL_LAYERS
    return tuple(dict.fromkeys((*own, *more, *_UNNAMED.get(cls.__name__, ()))))


def _constructor(cls: Any) -> Any:
    return cls.__init__


def _names(function: Any) -> tuple[str, ...]:
    """The names of a method's parameters, but for that of the object."""
    return tuple(p.name for p in inspect.signature(function).parameters.values() if p.kind not in _HOLDS_MANY)[1:]


def _takes_any(function: Any) -> bool:
    return any(p.kind in _HOLDS_MANY for p in inspect.signature(function).parameters.values())


def _binds(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(None, *args, **kwargs)
    except TypeError:
        return False
    return True


def _being_made(error: BaseException) -> Any | None:
    """The layer or model in whose constructor an exception was raised; None for an input or a class of the user's."""
    tb: TracebackType | None = error.__traceback__
    while tb is not None:
        frame, tb = tb.tb_frame, tb.tb_next
        if frame.f_code.co_name == "__init__":
            made = frame.f_locals.get("self")
            return made if is_layer(made) and is_kerases_own(type(made)) and not _is_input(type(made)) else None
    return None


def _is_of_models(cls: type) -> bool:
    return any(one.__name__ == "Model" for one in cls.__mro__)


def _is_input(cls: type) -> bool:
    return any(one.__name__ == "InputLayer" for one in cls.__mro__)


def _shapes(value: Any) -> tuple[Shape, ...]:
    """The shapes of an array, or of each of a list of them; empty for anything else."""
    values = value if type(value) in (list, tuple) else [value]
    return tuple(ask(partial(shape, one), ()) for one in values if type(one).__name__ in _ARRAYS)
