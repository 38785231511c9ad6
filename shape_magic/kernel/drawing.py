"""How IPython draws the exception that ends a cell, for as long as somebody has a say in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_NAME = "showtraceback"


class Drawing:
    """Stands before IPython's ``showtraceback`` until ``end``: it hears of the exception first, or draws nothing."""

    def __init__(self, shell: Any, before: Callable[[BaseException | None], None] | None) -> None:
        """``before`` is told of the exception and raises nothing, and then IPython draws it; None: nothing is drawn."""
        self._shell = shell
        #: What stood there for this shell alone, such as another extension's; None: nothing did.
        self._own = vars(shell).get(_NAME)
        self._draws = getattr(shell, _NAME)
        self._before, self._is_silent = before, before is None
        self._is_over = False
        self._mine = self._draw
        setattr(shell, _NAME, self._mine)

    def end(self) -> None:
        """Give back what was there; what somebody else has put in its place meanwhile stays. May be called twice."""
        self._before, self._is_silent, self._is_over = None, False, True
        if vars(self._shell).get(_NAME) is not self._mine:
            return  # another one stands before it, and gives back what is below both
        own = self._own
        while isinstance(below := getattr(own, "__self__", None), Drawing) and below._is_over:
            own = below._own
        if own is None:
            vars(self._shell).pop(_NAME, None)
        else:
            setattr(self._shell, _NAME, own)

    def _draw(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        if self._is_silent:
            return
        if self._before is not None:
            self._before(exc_tuple[1] if exc_tuple is not None else sys.exc_info()[1])
        self._draws(exc_tuple, *args, **kwargs)
