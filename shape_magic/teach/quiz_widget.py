"""``QuizWidget``: the ladder with blanks in a notebook. Answers are checked in Python; none is in the page before."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import traitlets
from anywidget import experimental

from shape_magic.display.assets import joined
from shape_magic.display.guarded import Guarded
from shape_magic.errors import UsageError
from shape_magic.teach.quiz_view import quiz_view
from shape_magic.words import say

if TYPE_CHECKING:
    from shape_magic.teach.quizzes import Quiz

_WORDS = ("check", "show", "help", "no_answer")
_COLUMNS = ("layer", "does", "axes", "shape", "params")


class QuizWidget(Guarded):
    """A quiz with fields to write in, in front ends that show widgets."""

    _esm = joined("ladder.js", "../teach/common.js", "../teach/quiz.js")
    _css = joined("ladder.css", "../teach/lesson.css")

    view = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, quiz: Quiz) -> None:
        words = {key: say(f"quiz.{key}") for key in _WORDS} | {key: say(f"ui.column.{key}") for key in _COLUMNS}
        words |= {"title": say("quiz.title", name="{name}"), "caption": say("ui.caption", name="{name}")}
        super().__init__(view=quiz_view(quiz), words={**words, "legend": say("ui.widget.legend")})
        self._quiz = quiz
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Show the quiz as it stands."""
        self.view = quiz_view(self._quiz)

    @experimental.command
    def answer(self, message: object, buffers: list[bytes]) -> tuple[dict[str, bool], list[bytes]]:
        """Checks what was written into a blank."""
        return self._done(message, show=False), []

    @experimental.command
    def show(self, message: object, buffers: list[bytes]) -> tuple[dict[str, bool], list[bytes]]:
        """Gives the answer to a blank."""
        return self._done(message, show=True), []

    def _done(self, message: object, *, show: bool) -> dict[str, bool]:
        fields = message if isinstance(message, dict) else {}
        layer, text = fields.get("layer"), fields.get("text")
        if not isinstance(layer, str) or not isinstance(text, str):
            return {"ok": False}
        with self._lock:
            try:
                if show:
                    self._quiz.show(layer)
                else:
                    self._quiz.answer(layer, text)
            except UsageError:
                return {"ok": False}
        return {"ok": True}

    def __repr__(self) -> str:
        """The quiz as text: what a front end without widgets shows in its place."""
        return repr(self._quiz)
