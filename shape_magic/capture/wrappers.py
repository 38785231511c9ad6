"""What stands in the place of Keras' methods while a cell runs: each calls the original and says so.

Keras' own calls run in their order with their arguments. A wrapper costs a call of its own: what it
does for each call of a layer has to be counted in microseconds.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.observer import Observer, StandIn, current
from shape_magic.capture.session import Broken, Session, Tracked, Use
from shape_magic.errors import ShapeMagicError
from shape_magic.trace.classes import per_class
from shape_magic.trace.worker import in_worker, with_variables
from shape_magic.untrusted import goes_on, module_of

_LOG = logging.getLogger("shape_magic")
#: The frame of who called Keras, seen from a wrapper: between them is the method that it stands for.
_CALLER = 2


@functools.cache
def hooks(uses: tuple[str, ...]) -> tuple[tuple[type, str, Callable[[Any], Any]], ...]:
    """Where the hooks belong in Keras: the class, the method, and what makes the wrapper of what it is now."""
    import keras
    from keras.src.ops.operation import Operation
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    wanted: list[tuple[type, str, Callable[[Any], Any]]] = [
        (Operation, "__new__", _new_operation),
        (Operation, "symbolic_call", _symbolic_call),
        (keras.Model, "__new__", _new_model),
        (keras.layers.InputLayer, "__init__", _input_init),
        (keras.Layer, "__call__", _layer_call),
        (keras.Layer, "add_weight", _add_weight),
        (keras.Sequential, "__init__", _sequential_init),
        (keras.Sequential, "add", _sequential_add),
        (keras.Model, "compile", _compile),
        (BaseOptimizer, "__init__", _valued),
    ]
    if hasattr(keras.layers.RNN, "_create_state_variables"):
        wanted.append((keras.layers.RNN, "_create_state_variables", _valued))
    return (*wanted, *((keras.Model, name, functools.partial(_use, name)) for name in uses))


# -- around each call


class _Guarded:
    """A defect of ours never breaks the user's cell; in the tests it is raised."""

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None or goes_on(error) or isinstance(error, StandIn | ShapeMagicError):
            return False
        _LOG.error("a check inside Keras failed", exc_info=error)
        return os.environ.get("SHAPE_MAGIC_STRICT") != "1"


_guarded = _Guarded()


class _Inside:
    """One call of Keras: counts the depth, and reports an exception once it leaves Keras."""

    __slots__ = ("_args", "_depth", "_frame", "_model", "_obj", "_observer")

    def __init__(self, observer: Observer, obj: Any, args: tuple[Any, ...], frame: Any, model: Any = None) -> None:
        self._observer, self._obj, self._args, self._frame, self._model = observer, obj, args, frame, model

    def __enter__(self) -> None:
        self._depth = _enter(self._observer.session, self._obj)

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        session = self._observer.session
        try:
            if isinstance(error, Exception):
                _note(self._observer, error, self._args, self._frame, self._model)
        finally:
            _leave(session, self._depth)


def _enter(session: Session, obj: Any) -> int:
    """Begin a call of Keras; gives how deep the code was before."""
    depth = session.depth
    session.depth = depth + 1
    session.stack.append(obj)
    return depth


def _leave(session: Session, depth: int) -> None:
    # As it was, and not one less: an interrupt may have struck inside of a call that this one made.
    session.depth = depth
    del session.stack[depth:]
    if depth == 0:
        session.broken = None


def _note(
    observer: Observer,
    error: Exception,
    args: tuple[Any, ...],
    frame: Any,
    model: Any,
    *,
    is_symbolic: bool = False,
) -> None:
    session = observer.session
    if isinstance(error, StandIn) or (session.broken is None and is_users_own(error)):
        return
    _note_error(session, error, args, model)
    if session.depth == 1 and session.broken is not None:
        with _guarded:
            place = session.book.place(frame)
            session.broken.span, session.broken.error = place.span if place else None, error
            session.broken.is_symbolic = is_symbolic
            observer.after_break(session.broken)


def _note_error(session: Session, error: BaseException, args: tuple[Any, ...], model: Any) -> None:
    # The innermost frame that raises is the culprit; the ones around it only add their names.
    if session.broken is None:
        session.broken = Broken(tuple(session.stack), args, error, None, model)
    elif model is not None and session.broken.model is None:
        session.broken.model = model
        session.broken.args = session.broken.args or args


def _note_model(observer: Observer, model: Any, frame: Any) -> Tracked:
    if observer.session.latest is not model:
        observer.before_model()
    return observer.session.note_model(model, frame)


# -- making


def _new_operation(original: Any) -> Any:
    import keras

    layer, model = keras.Layer, keras.Model

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        obj = original(cls, *args, **kwargs)
        observer = current()
        if observer is not None and issubclass(type(obj), layer) and not issubclass(type(obj), model):
            with _guarded:
                observer.session.note_made(obj, args, kwargs, sys._getframe(_CALLER))
        return obj

    return __new__


def _new_model(original: Any) -> Any:
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        obj = original(cls, *args, **kwargs)
        observer = current()
        if observer is not None and observer.session.made.get(obj) is None:
            frame = sys._getframe(_CALLER)
            with _guarded:
                observer.session.note_made(obj, args, kwargs, frame)
                if observer.session.depth == 0 and not _is_for_itself(frame):
                    _note_model(observer, obj, frame)
        return obj

    return __new__


def _is_for_itself(frame: Any) -> bool:
    """Whether Keras makes a model for itself: the graph of a stack, or one that it throws away at once."""
    while frame is not None and frame.f_code.co_name == "__new__":
        frame = frame.f_back
    at = (frame.f_globals.get("__name__"), frame.f_code.co_name) if frame is not None else None
    return at in _FOR_ITSELF


_FOR_ITSELF = frozenset(
    {("keras.src.models.sequential", "build"), ("keras.src.models.model", "inject_functional_model_class")}
)


def _input_init(original: Any) -> Any:
    """An input raises while it is made, and no layer is called for that."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        __tracebackhide__ = True
        observer = current()
        if observer is None:
            original(self, *args, **kwargs)
            return
        with _Inside(observer, self, (), sys._getframe(_CALLER)):
            original(self, *args, **kwargs)

    return __init__


def _add_weight(original: Any) -> Any:
    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = current()
        if observer is not None:
            with _guarded:
                shape = kwargs.get("shape", args[0] if args else ())
                if not _has_at_most(observer.negligible, shape):
                    observer.before_weight(self, shape, kwargs.get("dtype"))
        return original(self, *args, **kwargs)

    return add_weight


def _has_at_most(numbers: float, shape: Any) -> bool:
    """Whether a shape, as it is nearly always given, is known to be of up to so many numbers."""
    return type(shape) is tuple and _WHOLE.issuperset(map(type, shape)) and math.prod(shape) <= numbers


_WHOLE = frozenset({int})


def _sequential_init(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        __tracebackhide__ = True
        observer = current()
        if observer is None:
            original(self, *args, **kwargs)
            return
        frame = sys._getframe(_CALLER)
        made = observer.session.made.get(self)
        if made is not None:  # Sequential.__new__ drops the arguments
            made.args, made.kwargs = args, kwargs
        with _Inside(observer, self, args, frame, self):
            original(self, *args, **kwargs)

    return __init__


def _sequential_add(original: Any) -> Any:
    def add(self: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        observer = current()
        if observer is None:
            original(self, *args, **kwargs)
            return
        session, frame = observer.session, sys._getframe(_CALLER)
        if session.depth == 0:
            with _guarded:
                _note_model(observer, self, frame)
                layer = args[0] if args else kwargs.get("layer")
                if hasattr(layer, "_inbound_nodes"):
                    session.note_placed(layer, frame)
        with _Inside(observer, self, args, frame, self):
            original(self, *args, **kwargs)

    return add


def _valued(original: Any) -> Any:
    """A small thing that must hold a value, also in the worker: an optimizer's step, the state of a stateful layer."""

    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        if not in_worker():
            original(self, *args, **kwargs)
            return
        with with_variables():
            original(self, *args, **kwargs)

    return method


# -- calling


def _layer_call(original: Any) -> Any:
    import keras
    from keras.src.backend.common.keras_tensor import any_symbolic_tensors

    model = keras.Model

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        __tracebackhide__ = True
        observer = current()
        if observer is None:
            return original(self, *args, **kwargs)
        session, frame, is_symbolic, is_answer = observer.session, sys._getframe(_CALLER), False, False
        if session.depth == 0:
            try:
                with _guarded:
                    if not _hold_values(args, kwargs) and any_symbolic_tensors(args, kwargs):
                        is_symbolic = not _by_keras(frame)
                        session.note_called(self, frame)
                    elif issubclass(type(self), model):
                        is_answer = True
                        observer.before_call(self, args, kwargs, frame)
            except StandIn as answer:
                with _guarded:
                    observer.after_answer(self, answer.value, frame)
                return answer.value
        # As ``_Inside`` does it, and in half the time: it is done for every layer in every step of a loop.
        depth = _enter(session, self)
        try:
            result = original(self, *args, **kwargs)
        except Exception as error:
            broken = self if issubclass(type(self), model) else None
            _note(observer, error, args, frame, broken, is_symbolic=is_symbolic)
            raise
        finally:
            _leave(session, depth)
        if observer.hears_calls:
            with _guarded:
                observer.after_call(self, args, kwargs, result)
        if is_symbolic:
            session.note_computed(keras.tree.flatten(result))
        elif is_answer:
            with _guarded:
                observer.after_answer(self, result, frame)
        return result

    return __call__


def _hold_values(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether no symbolic tensor is among the arguments of a call, as can be seen at a glance."""
    return all(_holds_values(type(one)) for one in (*args, *kwargs.values()))


@per_class
def _holds_values(cls: type) -> bool:
    """Whether an argument of this class is none that has to be searched for symbolic tensors."""
    if cls in {np.ndarray, bool, int, float, type(None)}:
        return True
    return cls.__name__ == "EagerTensor" and module_of(cls).startswith("tensorflow.")


def _symbolic_call(original: Any) -> Any:
    """Operations that are no layers: ``a + b``, ``ops.sum(a)``, ``a[0]``."""
    import keras

    layer = keras.Layer

    def symbolic_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = current()
        frame = sys._getframe(_CALLER)
        if observer is None or observer.session.depth > 0 or issubclass(type(self), layer) or _by_keras(frame):
            return original(self, *args, **kwargs)
        with _guarded:
            observer.session.note_placed(self, frame)
        with _Inside(observer, self, args, frame):
            result = original(self, *args, **kwargs)
        observer.session.note_computed(keras.tree.flatten(result))
        return result

    return symbolic_call


def _by_keras(frame: Any) -> bool:
    """Whether a call comes from a model that Keras itself is putting together."""
    inside = f"{os.sep}keras{os.sep}src{os.sep}"
    while frame is not None and inside in frame.f_code.co_filename:
        if frame.f_code.co_filename.split(inside)[-1].startswith(("models", "applications")):
            return True
        frame = frame.f_back
    return False


# -- using


def _compile(original: Any) -> Any:
    signature = inspect.signature(original)

    def compile(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: A001 - Keras' own name
        __tracebackhide__ = True
        observer = current()
        if observer is None or observer.session.depth > 0:
            original(self, *args, **kwargs)
            return
        frame = sys._getframe(_CALLER)
        with _guarded:
            use = observer.session.use(self, "compile", signature, args, kwargs, observer.session.book.place(frame))
            _note_compiled(_note_model(observer, self, frame), use)
        with _Inside(observer, self, args, frame, self):
            original(self, *args, **kwargs)

    return compile


def _note_compiled(tracked: Tracked, use: Use) -> None:
    # Not the optimizer: it holds the model's weights.
    wanted = ("loss", "metrics", "loss_weights", "weighted_metrics")
    tracked.compiled = {k: use.arguments.get(k) for k in wanted}
    tracked.compile_texts, tracked.compile_spans = use.texts, use.spans
    tracked.compile_span = use.place.span if use.place else None


def _use(name: str, original: Any) -> Any:
    signature = inspect.signature(original)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = current()
        if observer is None or observer.session.depth > 0:
            return original(self, *args, **kwargs)
        session, frame = observer.session, sys._getframe(_CALLER)
        try:
            with _guarded:
                _note_model(observer, self, frame)
                use = session.use(self, name, signature, args, kwargs, session.book.place(frame))
                if use.is_bound:
                    observer.before_use(use)
        except StandIn as answer:
            result = answer.value
        else:
            with _Inside(observer, self, (), frame, self):
                result = original(self, *args, **kwargs)
        with _guarded:
            observer.after_answer(self, result, frame)
        return result

    return method
