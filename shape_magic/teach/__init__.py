"""For lessons: a playground for a model's shapes, a quiz on them, exercises made from named mistakes, questions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shape_magic.teach.exercises import exercise
    from shape_magic.teach.playground import Playground
    from shape_magic.teach.quizzes import quiz
    from shape_magic.teach.study import questions

__all__ = ["Playground", "exercise", "questions", "quiz"]

#: No module is named as what it gives: importing it would put the module in the place of that.
_HOME = {"Playground": "playground", "exercise": "exercises", "questions": "study", "quiz": "quizzes"}


def __getattr__(name: str) -> Any:
    """Import what is asked for at its first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
