"""Who hears of the hooks: the observer of a context, and nobody in any other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from shape_magic.capture.session import Broken, Session, Use


class StandIn(Exception):
    """Raised by an observer's ``before_use`` to answer a call without running it."""

    def __init__(self, value: Any) -> None:
        super().__init__("answered by a stand-in")
        self.value = value


class Observer:
    """What hears of the hooks. Subclasses decide; this one only keeps the session."""

    #: Between ``hooks.start`` and ``hooks.stop``: tasks and threads that a cell leaves behind keep its context.
    listening = False
    #: Whether ``after_call`` is wanted: it would be asked for each layer in each step of a loop.
    hears_calls = False
    #: Weights of up to so many numbers are not told of to ``before_weight``: most of a model's are small.
    negligible: float = 0

    def __init__(self, session: Session) -> None:
        self.session = session

    def before_model(self) -> None:
        """Another model is about to be noted as the latest."""

    def before_weight(self, layer: Any, shape: Any, dtype: Any) -> None:
        """A weight is about to be allocated; may raise to stop it."""

    def before_use(self, use: Use) -> None:
        """A model is about to be used; may raise ``StandIn`` or an error."""

    def before_call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> None:
        """A model is about to be called on values, maybe in each step of a loop; may raise as ``before_use``."""

    def after_call(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A layer was called, by the user's code or by another layer; told to who ``hears_calls``."""

    def after_answer(self, model: Any, answer: Any, frame: Any) -> None:
        """A use or a call on values, the user's own, has given its result, maybe in each step of a loop."""

    def after_break(self, broken: Broken) -> None:
        """A Keras call of the user's code raised; its exception goes on afterwards."""


observer: ContextVar[Observer | None] = ContextVar("shape_magic_observer", default=None)


def current() -> Observer | None:
    """The observer of this context, while it listens."""
    one = observer.get()
    return one if one is not None and one.listening else None


@contextlib.contextmanager
def unobserved() -> Iterator[None]:
    """Run our own use of Keras without reporting it."""
    token = observer.set(None)
    try:
        yield
    finally:
        observer.reset(token)
