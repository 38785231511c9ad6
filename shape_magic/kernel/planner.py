"""What a pressed button means: the edits of an offered fix and the cells to run. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shape_magic.alignment import brought
from shape_magic.display.disclosure import mode as disclosed
from shape_magic.display.parts import Done
from shape_magic.facts import Model
from shape_magic.kernel.plans import Applied
from shape_magic.repair.prove import edited_sources
from shape_magic.report import Action, Fix, Report
from shape_magic.spans import CellId
from shape_magic.words import say


class Planner:
    """Answers the buttons of one report.

    ``applied`` hears of each plan that is handed out, so that the run that follows can say what
    was done and offer to take it back.
    """

    def __init__(self, report: Report, applied: Callable[[Applied], None], last: Applied | None = None) -> None:
        self._report = report
        self._applied = applied
        self._last = last

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The plan for ``{"fix": id, "mode": run | edit | keep | undo}``."""
        mode, chosen = request.get("mode"), str(request.get("fix"))
        if mode not in ("run", "edit", "keep", "undo"):
            return {"ok": False, "why": say("magic.plan.unknown")}
        if mode == "undo":
            return self._undo()
        if disclosed() != "on":
            return {"ok": False, "why": say(f"hint.held.{disclosed()}")}
        item = self._item(mode, chosen)
        if item is None:
            return {"ok": False, "why": say("magic.plan.unknown")}
        after = edited_sources(self._report.sources, item.edits)
        before = {c: s for c, s in self._report.sources.items() if s != after[c]}
        rerun = item.rerun if isinstance(item, Fix) and mode == "run" else ()
        model = self._model_of(chosen)
        name = model.name if model is not None else ""
        done = Done(done_message(item), model=name, calls=_brought(item, model))
        self._last = Applied(before, {c: after[c] for c in before}, rerun, done)
        self._applied(self._last)
        return self._plan(before, after, rerun, done.message)

    def _undo(self) -> dict[str, Any]:
        last = self._last
        if last is None:
            return {"ok": False, "why": say("magic.plan.nothing")}
        message = say("magic.plan.undone")
        self._applied(Applied(last.after, last.before, last.rerun, Done(message, undo=False)))
        self._last = None
        return self._plan(last.after, last.before, last.rerun, message)

    def _plan(
        self, before: Mapping[CellId, str], after: Mapping[CellId, str], rerun: tuple[CellId, ...], message: str
    ) -> dict[str, Any]:
        edits = [{"cell": c, "before": before[c], "after": after[c]} for c in before]
        # By its text a cell can be found whose id the kernel was never told.
        sources = {str(c): self._report.sources[c] for c in rerun if c in self._report.sources}
        return {"ok": True, "edits": edits, "rerun": list(rerun), "sources": sources, "message": message}

    def _model_of(self, chosen: str) -> Model | None:
        """The model that the finding of an offered fix is about."""
        number = self._report.diagnostics[int(chosen.partition(".")[0])].model
        return self._report.models[number] if number is not None else None

    def _item(self, mode: str, chosen: str) -> Fix | Action | None:
        """The fix ``"0.1"`` or the action ``"0.keep0"``: finding 0's, in the order of the report."""
        match = re.fullmatch(r"(\d+)\.(?:keep)?(\d+)", chosen)
        if match is None or int(match[1]) >= len(self._report.diagnostics):
            return None
        diagnostic = self._report.diagnostics[int(match[1])]
        items: tuple[Fix | Action, ...] = diagnostic.actions if mode == "keep" else diagnostic.fixes
        return items[int(match[2])] if int(match[2]) < len(items) else None


def done_message(item: Fix | Action) -> str:
    """``"Inserted Flatten(), line 6"``."""
    line = item.edits[0].span.start_line if item.edits else 0
    if isinstance(item, Action):
        return say("magic.done.keep", line=line)
    added = [text.strip() for sign, text in item.diff if sign == "+" and "import" not in text]
    for edit in item.edits:
        if item.label and item.label in edit.text and "import" not in edit.text:
            line = edit.span.start_line + edit.text[: edit.text.index(item.label)].count("\n")
    if item.label and item.label[0].isupper():
        return say("magic.done.insert", label=item.label if "(" in item.label else f"{item.label}()", line=line)
    return say("magic.done.change", text=added[0] if added else item.title, line=line)


def _brought(item: Fix | Action, before: Model | None) -> tuple[int, ...]:
    if isinstance(item, Action) or item.effect is None or before is None:
        return ()
    return brought(before.calls, item.effect.layers, item.label)
