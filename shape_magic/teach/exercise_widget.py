"""``ExerciseWidget``: a broken cell to repair in a notebook. What is written there is run and judged in Python."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import traitlets
from anywidget import experimental

from shape_magic.display.assets import joined
from shape_magic.display.guarded import Guarded
from shape_magic.errors import UsageError
from shape_magic.words import say

if TYPE_CHECKING:
    from shape_magic.teach.exercises import Exercise

_WORDS = ("task", "find", "repair", "check", "hint", "hints", "another", "checking", "no_answer")
_Answer = tuple[dict[str, Any], list[bytes]]


class ExerciseWidget(Guarded):
    """An exercise with a list of places and the cell to edit, in front ends that show widgets.

    No ipywidgets: one field of ours has a name, a live region and the notebook's keys in hand, in every theme.
    """

    _esm = joined("ladder.js", "../teach/common.js", "../teach/exercise.js")
    _css = joined("ladder.css", "../teach/lesson.css")

    view = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, exercise: Exercise) -> None:
        words = {key: say(f"exercise.{key}") for key in _WORDS} | {"title": say("exercise.title", rule="{rule}")}
        super().__init__(view=_view(exercise), words=words)
        self._exercise = exercise
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Show the exercise as it stands."""
        self.view = _view(self._exercise)

    @experimental.command
    def answer(self, message: object, buffers: list[bytes]) -> _Answer:
        """Judges a place and a repair."""
        fields = message if isinstance(message, dict) else {}
        layer, repair = fields.get("layer"), fields.get("repair")
        if not isinstance(layer, str | None) or not isinstance(repair, str | None):
            return {"ok": False}, []
        with self._lock:
            try:
                verdict = self._exercise.answer(layer, repair)
            except UsageError:
                return {"ok": False}, []
        judged = [part for part in (verdict.layer_right, verdict.repaired) if part is not None]
        if not judged:
            return {"ok": True, "text": verdict.message}, []
        kind = "right" if all(judged) else "wrong"
        icon = "✓" if all(judged) else "✗"
        word = say(f"exercise.status_{kind}")
        return {"ok": True, "icon": icon, "word": word, "kind": kind, "text": verdict.message}, []

    @experimental.command
    def hint(self, message: object, buffers: list[bytes]) -> _Answer:
        """Opens one hint more."""
        with self._lock:
            before = self._exercise.hints_shown
            text = self._exercise.next_hint()
            opened = self._exercise.hints_shown > before
        return {"ok": True, "text": "" if opened else text}, []

    @experimental.command
    def another(self, message: object, buffers: list[bytes]) -> _Answer:
        """Sets the exercise of the next seed in the place of this one."""
        with self._lock:
            self._exercise.another()
        return {"ok": True, "text": ""}, []

    def __repr__(self) -> str:
        """The exercise as text: what a front end without widgets shows in its place."""
        return repr(self._exercise)


def _view(exercise: Exercise) -> dict[str, Any]:
    hints = exercise.finding.hints[: exercise.hints_shown]
    return {
        "rule": exercise.rule,
        "seed": exercise.seed,
        "source": exercise.source,
        "layers": list(exercise.layers),
        "hints": list(hints),
    }
