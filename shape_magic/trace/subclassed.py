"""Models with a ``call`` of their own: the layers that it runs, in order, seen while it is traced.

A model that has its weights is traced itself; of any other a copy is made from the arguments of its
constructor. Code that trains by itself (``train_step``) is left alone: what it calls is not known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.backend import shape_errors
from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import Observer, observing, unobserved
from shape_magic.capture.session import Broken, Session, Use
from shape_magic.facts import Data, Failure
from shape_magic.trace.data import with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras
from shape_magic.trace.rows import Rows, is_layer, name_of, shape
from shape_magic.trace.stack import Untraceable, clone, flat, input_tensor
from shape_magic.trace.untouched import as_they_were, reached_from
from shape_magic.untrusted import asked, module_of

_OWN_STEPS = ("train_step", "test_step", "compute_loss", "make_train_function", "fit")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one traced call of the model showed."""

    rows: Rows
    outputs: tuple[Any, ...]
    failure: Failure | None


class _Watch(Observer):
    """Makes a row of each of Keras' layers that runs, those inside another one of them left out."""

    hears_calls = True

    def __init__(self, session: Session, inputs: Sequence[Any]) -> None:
        super().__init__(Session(book=session.book, made=session.made))
        self.rows = Rows(session)
        self.broken: Broken | None = None
        self._inputs = inputs
        self._at: dict[int, int] = {}
        self._kept: list[Any] = []

    def after_call(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Add the call of a layer, with where its inputs come from."""
        if not is_keras(layer) or any(is_keras(around) for around in self.session.stack):
            return
        given, gave = flat((args, kwargs)), flat(result)
        number = self.rows.add(layer, (name_of(layer),), self._sources(given), _shapes(given), _shapes(gave))
        self._at |= {id(t): number for t in gave}
        self._kept += gave  # an id is used again once its tensor has gone

    def after_break(self, broken: Broken) -> None:
        """Keep the innermost layer that raised."""
        self.broken = broken

    def add_broken(self, failure: Failure) -> None:
        """The row at which the model stops; without one where no layer raised."""
        inside = [obj for obj in (self.broken.layers if self.broken else ()) if is_layer(obj)]
        keras = next((obj for obj in inside if is_keras(obj)), None)
        layer = keras if keras is not None else inside[-1] if len(inside) > 1 else None
        if layer is None or self.broken is None:
            return
        given = flat(self.broken.args)
        self.rows.add(layer, (name_of(layer),), self._sources(given), _shapes(given), [], failure=failure)

    def _sources(self, given: Sequence[Any]) -> list[int]:
        return [self._at.get(id(t), -1) for t in given]


def _shapes(tensors: Sequence[Any]) -> list[tuple[int | None, ...]]:
    """Their shapes with the batch axis open, as a model's own graph has them."""
    return [(None, *shape(t)[1:]) if len(t.shape) else () for t in tensors]


def trains_itself(use: Use) -> bool:
    """Whether the model's own code says what a step of this call does."""
    if use.method in ("call", "predict", "predict_on_batch"):
        return False
    owners = [next((c for c in type(use.model).__mro__ if name in vars(c)), None) for name in _OWN_STEPS]
    return any(o is not None and not module_of(o).startswith("keras.") for o in owners)


def traced(session: Session, model: Any, x: Sequence[Data], batch: int | None) -> Seen | None:
    """What the model's call does with a batch of x; None where it can't be traced. Runs in the worker."""
    from keras.src import backend

    if not x or getattr(model, "run_eagerly", False) or any(d.dtype == "object" for d in x):
        return None
    specs = [input_tensor(with_batch(d, batch), "float32" if d.dtype.startswith("float") else d.dtype) for d in x]
    given = specs[0] if len(specs) == 1 else specs
    watch = _Watch(session, specs)
    try:
        with observing(watch), asked():  # the layers of a copy get their places in the source, too
            subject = model if _is_complete(model) else clone_of(session, model)
    except Exception:  # noqa: BLE001 - a constructor of the user's own; the model is looked at when it runs
        return None
    if subject is not model:
        _build(subject, given)
    try:
        with observing(watch), asked(), as_they_were(subject):
            result = backend.compute_output_spec(subject, given)
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        return _stopped(watch, error)
    return Seen(watch.rows, tuple(flat(result)), None)


def _build(copy: Any, given: Any) -> None:
    """Call a copy once, as far as it goes: Keras runs ``call`` twice for a layer that is not built."""
    from keras.src import backend

    # It raises again where it is looked at.
    with unobserved(), contextlib.suppress(Exception), asked(), reached_from(copy):
        backend.compute_output_spec(copy, given)
    for layer in copy._flatten_layers():
        if not is_keras(layer) and not any("build" in vars(c) for c in type(layer).__mro__ if not _is_keras_class(c)):
            layer.built = True


def _is_keras_class(cls: type) -> bool:
    return module_of(cls).split(".", 1)[0] == "keras"


def _stopped(watch: _Watch, error: Exception) -> Seen | None:
    names = {cls.__name__ for cls in type(error).__mro__}
    if is_users_own(error) or not names & shape_errors():
        return None
    failure = failure_of(error)
    watch.add_broken(failure)
    return Seen(watch.rows, (), failure) if watch.rows.calls and watch.rows.calls[-1].failure else None


def _is_complete(model: Any) -> bool:
    inside = list(model._flatten_layers())
    return len(inside) > 1 and all(layer.built for layer in inside)


def clone_of(session: Session, model: Any) -> Any:
    """A copy from the recorded arguments: the config of a subclassed model rarely says all."""
    if session.made.get(model) is None:
        raise Untraceable("it was made where nobody looked")
    return clone(session, model)
