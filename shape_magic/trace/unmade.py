"""A layer whose constructor raised: all that is known of the model that it was made for."""

from __future__ import annotations

from functools import partial
from types import TracebackType
from typing import Any

from shape_magic.capture.session import Session
from shape_magic.facts import Construct, Model
from shape_magic.spans import Shape, Span
from shape_magic.trace.arguments import given_to
from shape_magic.trace.classes import is_kerases_own
from shape_magic.trace.failures import failure_of
from shape_magic.trace.rows import Rows, is_layer, name_of, shape
from shape_magic.untrusted import ask

_ARRAYS = ("ndarray", "EagerTensor", "Variable", "ResourceVariable")


def unmade_facts(session: Session, error: BaseException, span: Span | None) -> Model | None:
    """The layer of Keras' own that was being made when an exception was raised, as the only row; None for no such."""
    layer = _being_made(error)
    made = session.made.get(layer) if layer is not None else None
    if made is None:
        return None
    name = made.cls.__name__
    rows = Rows(session)
    rows.add(layer, (name_of(layer),), (), (), ())
    arrays = {key: _shapes(value) for key, value in made.kwargs.items()}
    construct = Construct(
        name,
        given_to(made),
        {key: shapes for key, shapes in arrays.items() if shapes},
    )
    span = made.span or span
    return Model(
        "model", "model", "Model", 0, 0, (), tuple(rows.calls), (), span, failure=failure_of(error), construct=construct
    )


def _being_made(error: BaseException) -> Any | None:
    """The layer in whose constructor an exception was raised; None for a model, an input or a class of the user's."""
    tb: TracebackType | None = error.__traceback__
    while tb is not None:
        frame, tb = tb.tb_frame, tb.tb_next
        if frame.f_code.co_name == "__init__":
            made = frame.f_locals.get("self")
            return made if is_layer(made) and is_kerases_own(type(made)) and not _is_of_models(type(made)) else None
    return None


def _is_of_models(cls: type) -> bool:
    return any(one.__name__ in ("Model", "InputLayer") for one in cls.__mro__)


def _shapes(value: Any) -> tuple[Shape, ...]:
    """The shapes of an array, or of each of a list of them; empty for anything else."""
    values = value if type(value) in (list, tuple) else [value]
    return tuple(ask(partial(shape, one), ()) for one in values if type(one).__name__ in _ARRAYS)
