"""``ShapeWidget``: the ladder in a notebook, with buttons that write a fix into its cell and run it.

The front end edits and runs; the kernel only answers which edits a fix consists of. A request
names one of the fixes that the report offers; nothing that comes from the front end is evaluated.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import uuid4

import traitlets
from anywidget import experimental

from shape_magic.display.assets import joined
from shape_magic.display.disclosure import disclosures, mode, tell_next
from shape_magic.display.guarded import Guarded
from shape_magic.display.parts import Card, Done, View
from shape_magic.display.view import build_view
from shape_magic.display.wire import packed
from shape_magic.report import Report
from shape_magic.words import language, say

_LOG = logging.getLogger("shape_magic")

#: Takes ``{"fix": id | None, "mode": "run" | "edit" | "keep" | "undo"}``; gives the plan:
#: ``{"ok": True, "edits": [{"cell", "before", "after"}], "rerun": [cell], "message": str}``
#: or ``{"ok": False, "why": str}``.
Planner = Callable[[dict[str, Any]], Mapping[str, Any]]

#: Keys of ``ui.widget`` that the front end uses; the other texts of that section are Python's.
_WIDGET_WORDS = (
    *("legend", "edit_only", "more", "hints", "copy", "undo", "keeps"),
    *("asking", "running", "stopped", "broken_off", "undone", "copied", "copy_by_hand", "cannot_edit", "failed"),
    *("changed", "read_only", "not_found", "several", "running_cell"),
    *("busy", "no_kernel", "no_answer", "other_notebook"),
)
_COLUMNS = ("layer", "does", "axes", "shape", "params")


def widget_words() -> dict[str, str]:
    """The texts that the front end needs by key, with their ``{places}`` left open."""
    blank = {name: f"{{{name}}}" for name in ("n", "k", "why", "name")}
    texts = {key: say(f"ui.widget.{key}", **blank) for key in _WIDGET_WORDS}
    texts |= {key: say(f"ui.column.{key}") for key in _COLUMNS}
    texts |= {f"hint_{key}": say(f"hint.{key}") for key in ("no_kernel", "no_answer")}
    texts |= {key: say(f"ui.{key}", **blank) for key in ("caption", "keras_said", "terms")}
    return texts | {"lang": language()}


class ShapeWidget(Guarded):
    """A report with something to press, in front ends that show widgets.

    How much of each finding it shows, the settings and the hints so far decide. ``planner`` is asked, on a
    comm's thread and by one caller at a time, what a fix writes; it has to be quick and to leave the
    user's objects alone.
    """

    _esm = joined("ladder.js", "wire.js", "cards.js", "notebook.js", "widget.js")
    _css = joined("ladder.css", "widget.css")

    #: The view as ``wire.py`` packs it.
    view = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    #: What ties it to the static form that it hides: ``render_html(report, identity=…)``.
    identity = traitlets.Unicode().tag(sync=True)
    #: What became of the last plan: ``applied``, ``refused``, ``undone``, ``copied``; empty before the first.
    status = traitlets.Unicode().tag(sync=True)
    _settable = {"status": frozenset(("applied", "refused", "undone", "copied"))}  # noqa: RUF012 - as in Guarded

    def __init__(
        self, report: Report, planner: Planner, *, done: Done | None = None, identity: str | None = None
    ) -> None:
        view = build_view(report, done, disclosures(report))
        super().__init__(view=packed(view), words=widget_words(), identity=identity or uuid4().hex)
        #: Hears of the report when a hint more of it was told.
        self.on_told: Callable[[Report], None] = _nobody
        self._lock = threading.Lock()
        self._take(report, done, planner, view)

    def update(self, report: Report, done: Done | None = None, planner: Planner | None = None) -> None:
        """Shows another report in the same place; its buttons ask ``planner``, if one is given."""
        with self._lock:
            self._redraw(report, done, planner or self._planner)

    def refresh(self) -> None:
        """Shows the same report as it may be seen now: a hint was given elsewhere."""
        with self._lock:
            before = self.view
            self._redraw(self._report, self._done, self._planner)
            if self.view != before:
                self.on_told(self._report)

    def _redraw(self, report: Report, done: Done | None, planner: Planner) -> None:
        view = build_view(report, done, disclosures(report))
        self._take(report, done, planner, view)
        self.words = widget_words()
        self.view = packed(view)

    def _take(self, report: Report, done: Done | None, planner: Planner, view: View) -> None:
        self._report = report
        self._done = done
        self._planner = planner
        self._offered = tuple(_offers(view))
        #: How many hints were told on each card that has more.
        self._open = {card.diagnostic: len(card.hints) for card in _cards(view) if card.next_hint}
        self._text = _summary(view)

    def __repr__(self) -> str:
        """The report in a few lines: what a front end without widgets shows in its place."""
        return self._text

    @experimental.command
    def ping(self, message: object, buffers: list[bytes]) -> tuple[dict[str, bool], list[bytes]]:
        """Tells the front end that a kernel stands behind this widget."""
        return {"ok": True}, []

    @experimental.command
    def plan(self, message: object, buffers: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Answers a pressed button with the edits that it stands for."""
        with self._lock:
            return self._answer(message), []

    @experimental.command
    def hint(self, message: object, buffers: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Answers *Next hint* by one step more of the card that was pressed, in every view of this widget."""
        position = message.get("finding") if isinstance(message, dict) else None
        with self._lock:
            if type(position) is not int or position not in self._open:
                return {"ok": False, "why": say("hint.not_offered")}, []
            # A card that stayed behind another of the same finding catches up first.
            if mode() == "hints" and disclosures(self._report)[position].level == self._open[position]:
                tell_next(self._report, position)
            self._redraw(self._report, self._done, self._planner)  # in other modes: what those show
            self.on_told(self._report)
            return {"ok": True}, []

    def _answer(self, message: object) -> dict[str, Any]:
        fields = message if isinstance(message, dict) else {}
        fix, mode = fields.get("fix"), fields.get("mode")
        if (mode, fix) not in self._offered:
            return {"ok": False, "why": say("ui.widget.not_offered")}
        try:
            return dict(self._planner({"fix": fix, "mode": mode}))
        except Exception as error:
            _LOG.exception("the fix %s could not be planned", fix)
            if os.environ.get("SHAPE_MAGIC_STRICT") == "1":
                raise
            return {"ok": False, "why": say("ui.widget.planner_failed", why=str(error))}


def _nobody(report: Report) -> None:
    """Where nothing else shows the report."""


def _cards(view: View) -> Iterator[Card]:
    yield from view.cards
    for model in view.models:
        yield from model.cards


def _offers(view: View) -> Iterator[tuple[str, str | None]]:
    """Every ``(mode, fix)`` that a button of this view may ask for."""
    for card in _cards(view):
        for fix in card.fixes:
            if fix.editable:
                yield "edit", fix.id
            if fix.runs:
                yield "run", fix.id
        for action in card.actions:
            if action.editable:
                yield action.kind, action.id
    if view.done and view.done.undo:
        yield "undo", None


def _summary(view: View) -> str:
    done = [view.done.message] if view.done else []
    findings = [f"{card.icon} {card.title.replace('`', '')}" for card in _cards(view)]
    asks = [card.ask_hint.replace("`", "") for card in _cards(view) if card.ask_hint][:1]
    return "\n".join([*done, *(model.line for model in view.models), *findings, *asks])
