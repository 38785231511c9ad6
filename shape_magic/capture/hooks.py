"""The hooks in Keras: put in when a cell starts, taken out when it ends, whatever happens between.

They report to the observer of the running context and otherwise do nothing, so code of other
threads runs as if they were not there. Keras' own calls run in their order with their arguments.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from shape_magic.capture.arrival import Arrival, is_here
from shape_magic.capture.blame import is_users_own
from shape_magic.capture.session import Broken, Session, Tracked, Use
from shape_magic.errors import ShapeMagicError
from shape_magic.trace.worker import in_worker, with_variables

#: What the model's own calls are: each may be answered by a stand-in.
USES = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

_LOG = logging.getLogger("shape_magic")
_MISSING = object()


class StandIn(Exception):
    """Raised by an observer's ``before_use`` to answer a call without running it."""

    def __init__(self, value: Any) -> None:
        super().__init__("answered by a stand-in")
        self.value = value


class Observer:
    """What hears of the hooks. Subclasses decide; this one only keeps the session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def before_model(self) -> None:
        """Another model is about to be noted as the latest."""

    def before_weight(self, layer: Any, shape: Any, dtype: Any) -> None:
        """A weight is about to be allocated; may raise to stop it."""

    def before_use(self, use: Use) -> None:
        """A model is about to be used; may raise ``StandIn`` or an error."""

    def after_call(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A layer was called, by the user's code or by another layer."""

    def after_break(self, broken: Broken) -> None:
        """A Keras call of the user's code raised; its exception goes on afterwards."""


_observer: ContextVar[Observer | None] = ContextVar("shape_magic_observer", default=None)
_lock = threading.RLock()
_users = 0
_undo: list[Callable[[], None]] = []


def installed() -> bool:
    """Whether any hook is in Keras now."""
    return bool(_undo)


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Hear of everything that this context does with Keras until the block ends."""
    before = _observer.get()
    start(observer)
    try:
        yield
    finally:
        stop()
        _observer.set(before)  # an observed cell may call check_cells itself


def start(observer: Observer) -> None:
    """Put the hooks in and report this context's calls to the observer, until ``stop``."""
    global _users  # noqa: PLW0603 - the hooks are in Keras itself, so there is one count of who needs them
    with _lock:
        if _users == 0 and is_here():
            _install()
        elif _users == 0:
            _arrival.wait()
        _users += 1
    _observer.set(observer)


def stop() -> None:
    """End what ``start`` began; with the last one the hooks are gone."""
    global _users  # noqa: PLW0603
    _observer.set(None)
    with _lock:
        _users = max(_users - 1, 0)
        if _users == 0:
            _arrival.leave()
            while _undo:
                _undo.pop()()


def _arrived() -> None:
    with _lock:
        if _users and not _undo:
            _install()


_arrival = Arrival(_arrived)


def current() -> Observer | None:
    """The observer of this context."""
    return _observer.get()


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Run our own use of Keras without reporting it."""
    token = _observer.set(None)
    try:
        yield
    finally:
        _observer.reset(token)


# -- patching


def _patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    own = vars(owner).get(name, _MISSING)
    original = getattr(owner, name)
    replacement = make(original)
    setattr(owner, name, replacement)

    def undo() -> None:
        # Inherited ones are removed, not assigned back: the class must be what it was.
        if own is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, own)

    _undo.append(undo)


def _definer(cls: type, name: str) -> type:
    """The class that defines a method: Keras compares a model's ``compile`` with it to see whether it is custom."""
    return next(c for c in cls.__mro__ if name in vars(c))


def _install() -> None:
    import keras
    from keras.src.ops.operation import Operation

    _patch(Operation, "__new__", _new_operation)
    _patch(Operation, "symbolic_call", _symbolic_call)
    _patch(keras.Model, "__new__", _new_model)
    _patch(keras.layers.InputLayer, "__init__", _input_init)
    _patch(keras.Layer, "__call__", _layer_call)
    _patch(keras.Layer, "add_weight", _add_weight)
    _patch(keras.Sequential, "__init__", _sequential_init)
    _patch(keras.Sequential, "add", _sequential_add)
    _patch(_definer(keras.Model, "compile"), "compile", _compile)
    _patch(_base_optimizer(), "__init__", _valued)
    if hasattr(keras.layers.RNN, "_create_state_variables"):
        _patch(keras.layers.RNN, "_create_state_variables", _valued)
    for name in USES:
        _patch(_definer(keras.Model, name), name, functools.partial(_use, name))


def _like(original: Any, wrapper: Any) -> Any:
    """Give a wrapper the face of what it wraps, so that ``inspect`` and ``help`` show no difference."""
    functools.update_wrapper(wrapper, original)
    with contextlib.suppress(TypeError, ValueError):
        wrapper.__signature__ = inspect.signature(original)
    return wrapper


def _new_operation(original: Any) -> Any:
    import keras

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        obj = original(cls, *args, **kwargs)
        observer = _observer.get()
        if observer is not None and isinstance(obj, keras.Layer) and not isinstance(obj, keras.Model):
            with _guarded():
                observer.session.note_made(obj, args, kwargs, sys._getframe(1))
        return obj

    return staticmethod(_like(original, __new__))


def _new_model(original: Any) -> Any:
    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        obj = original(cls, *args, **kwargs)
        observer = _observer.get()
        if observer is not None and observer.session.made.get(obj) is None:
            frame = sys._getframe(1)
            with _guarded():
                observer.session.note_made(obj, args, kwargs, frame)
                if observer.session.depth == 0:
                    _note_model(observer, obj, frame)
        return obj

    return staticmethod(_like(original, __new__))


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    """A defect of ours never breaks the user's cell; in the tests it is raised."""
    try:
        yield
    except (StandIn, ShapeMagicError):
        raise
    except Exception:
        _LOG.exception("a check inside Keras failed")
        if os.environ.get("SHAPE_MAGIC_STRICT") == "1":
            raise


@contextlib.contextmanager
def _inside(observer: Observer, obj: Any, args: tuple[Any, ...], frame: Any, model: Any = None) -> Iterator[None]:
    """One call of Keras: counts the depth, and reports an exception once it leaves Keras."""
    session = observer.session
    session.depth += 1
    session.stack.append(obj)
    try:
        yield
    except StandIn:
        raise
    except Exception as error:
        if session.broken is None and is_users_own(error):
            raise
        _note_error(session, error, args, model)
        if session.depth == 1 and session.broken is not None:
            with _guarded():
                _report_break(observer, session.broken, error, frame)
        raise
    finally:
        session.stack.pop()
        session.depth -= 1
        if session.depth == 0:
            session.broken = None


def _report_break(observer: Observer, broken: Broken, error: BaseException, frame: Any) -> None:
    place = observer.session.book.place(frame)
    broken.span, broken.error = place.span if place else None, error
    observer.after_break(broken)


def _note_model(observer: Observer, model: Any, frame: Any) -> Tracked:
    if observer.session.latest is not model:
        observer.before_model()
    return observer.session.note_model(model, frame)


def _note_error(session: Session, error: BaseException, args: tuple[Any, ...], model: Any) -> None:
    # The innermost frame that raises is the culprit; the ones around it only add their names.
    if session.broken is None:
        session.broken = Broken(tuple(session.stack), args, error, None, model)
    elif model is not None and session.broken.model is None:
        session.broken.model = model
        session.broken.args = session.broken.args or args


def _input_init(original: Any) -> Any:
    """An input raises while it is made, and no layer is called for that."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is None:
            original(self, *args, **kwargs)
            return
        with _inside(observer, self, (), sys._getframe(1)):
            original(self, *args, **kwargs)

    return _like(original, __init__)


def _layer_call(original: Any) -> Any:
    import keras
    from keras.src.backend.common.keras_tensor import any_symbolic_tensors

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is None:
            return original(self, *args, **kwargs)
        session, frame = observer.session, sys._getframe(1)
        is_model, is_symbolic = isinstance(self, keras.Model), False
        if session.depth == 0:
            try:
                with _guarded():
                    if any_symbolic_tensors(args, kwargs):
                        is_symbolic = not _by_keras(frame)
                        session.note_placed(self, frame)
                    elif is_model:
                        signature = inspect.signature(type(self).call)
                        observer.before_use(session.use(self, "call", signature, args, kwargs, frame))
            except StandIn as answer:
                return answer.value
        with _inside(observer, self, args, frame, self if is_model else None):
            result = original(self, *args, **kwargs)
        with _guarded():
            observer.after_call(self, args, kwargs, result)
        if is_symbolic:
            session.note_computed(keras.tree.flatten(result))
        return result

    return _like(original, __call__)


def _by_keras(frame: Any) -> bool:
    """Whether a call comes from a model that Keras itself is putting together."""
    inside = f"{os.sep}keras{os.sep}src{os.sep}"
    while frame is not None and inside in frame.f_code.co_filename:
        if frame.f_code.co_filename.split(inside)[-1].startswith(("models", "applications")):
            return True
        frame = frame.f_back
    return False


def _symbolic_call(original: Any) -> Any:
    """Operations that are no layers: ``a + b``, ``ops.sum(a)``, ``a[0]``."""
    import keras

    def symbolic_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = _observer.get()
        frame = sys._getframe(1)
        if observer is None or observer.session.depth > 0 or isinstance(self, keras.Layer) or _by_keras(frame):
            return original(self, *args, **kwargs)
        with _guarded():
            observer.session.note_placed(self, frame)
        with _inside(observer, self, args, frame):
            result = original(self, *args, **kwargs)
        observer.session.note_computed(keras.tree.flatten(result))
        return result

    return _like(original, symbolic_call)


def _add_weight(original: Any) -> Any:
    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is not None:
            with _guarded():
                shape = kwargs.get("shape", args[0] if args else ())
                observer.before_weight(self, shape, kwargs.get("dtype"))
        return original(self, *args, **kwargs)

    return _like(original, add_weight)


def _sequential_init(original: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is None:
            original(self, *args, **kwargs)
            return
        frame = sys._getframe(1)
        made = observer.session.made.get(self)
        if made is not None:  # Sequential.__new__ drops the arguments
            made.args, made.kwargs = args, kwargs
        with _inside(observer, self, args, frame, self):
            original(self, *args, **kwargs)

    return _like(original, __init__)


def _sequential_add(original: Any) -> Any:
    def add(self: Any, *args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is None:
            original(self, *args, **kwargs)
            return
        session, frame = observer.session, sys._getframe(1)
        if session.depth == 0:
            with _guarded():
                _note_model(observer, self, frame)
                layer = args[0] if args else kwargs.get("layer")
                if hasattr(layer, "_inbound_nodes"):
                    session.note_placed(layer, frame)
        with _inside(observer, self, args, frame, self):
            original(self, *args, **kwargs)

    return _like(original, add)


def _compile(original: Any) -> Any:
    signature = inspect.signature(original)

    def compile(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: A001 - Keras' own name
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is not None and observer.session.depth == 0:
            with _guarded():
                _note_compile(observer, self, signature, args, kwargs, sys._getframe(1))
        original(self, *args, **kwargs)

    return _like(original, compile)


def _base_optimizer() -> Any:
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    return BaseOptimizer


def _valued(original: Any) -> Any:
    """A small thing that must hold a value, also in the worker: an optimizer's step, the state of a stateful layer."""

    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        if not in_worker():
            original(self, *args, **kwargs)
            return
        with with_variables():
            original(self, *args, **kwargs)

    return _like(original, method)


def _note_compile(
    observer: Observer,
    model: Any,
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    frame: Any,
) -> None:
    use = observer.session.use(model, "compile", signature, args, kwargs, frame)
    tracked = _note_model(observer, model, frame)
    # Not the optimizer: it holds the model's weights.
    wanted = ("loss", "metrics", "loss_weights", "weighted_metrics")
    tracked.compiled = {k: use.arguments.get(k) for k in wanted}
    tracked.compile_texts = use.texts
    tracked.compile_span = use.place.span if use.place else None


def _use(name: str, original: Any) -> Any:
    signature = inspect.signature(original)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        observer = _observer.get()
        if observer is None or observer.session.depth > 0:
            return original(self, *args, **kwargs)
        session, frame = observer.session, sys._getframe(1)
        try:
            with _guarded():
                _note_model(observer, self, frame)
                observer.before_use(session.use(self, name, signature, args, kwargs, frame))
        except StandIn as answer:
            return answer.value
        with _inside(observer, self, (), frame, self):
            return original(self, *args, **kwargs)

    return _like(original, method)
