"""The observer of a notebook's cell until it does something with Keras: most cells need no checker."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shape_magic.capture.observer import Observer

if TYPE_CHECKING:
    from shape_magic.capture.session import Broken, Session, Use
    from shape_magic.checker import Checker


class OnDemand(Observer):
    """Hands everything on to a checker, which is made, and imported, when there is something to check."""

    def __init__(self, session: Session, make: Callable[[], Checker]) -> None:
        super().__init__(session)
        self._make = make

    @cached_property
    def checker(self) -> Checker:
        """The checker of the cell."""
        return self._make()

    def before_model(self) -> None:
        """Another model is about to be noted as the latest."""
        self.checker.before_model()

    def before_weight(self, layer: Any, shape: Any, dtype: Any) -> None:
        """A weight is about to be allocated."""
        self.negligible = self.checker.negligible
        self.checker.before_weight(layer, shape, dtype)

    def before_use(self, use: Use) -> None:
        """A model is about to be used."""
        self.checker.before_use(use)

    def before_call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> None:
        """A model is about to be called on values."""
        self.checker.before_call(model, args, kwargs, frame)

    def after_answer(self, model: Any, answer: Any, frame: Any) -> None:
        """A model has given its result to the user's own code."""
        self.checker.after_answer(model, answer, frame)

    def end(self) -> None:
        """The cell has ended."""
        if "checker" in vars(self) or self.session.works_with_answers:
            self.checker.end()

    def after_break(self, broken: Broken) -> None:
        """A Keras call of the user's code raised."""
        self.checker.after_break(broken)
