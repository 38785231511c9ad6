"""Showing a report in a notebook: a quiet line when all is well, the ladder when something is to be pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from shape_magic.display.disclosure import disclosures
from shape_magic.display.html import render_html
from shape_magic.display.parts import Done
from shape_magic.display.text import render_text
from shape_magic.kernel.plans import Applied
from shape_magic.report import Report

if TYPE_CHECKING:
    from shape_magic.display.widget import ShapeWidget
    from shape_magic.kernel.planner import Planner

#: What tells our outputs from the user's in a saved notebook: `shape_magic strip` looks for it.
_TAG: dict[str, Any] = {"shape_magic": {"shows": "report"}}


def show(
    shell: Any, report: Report, applied: Callable[[Applied], None], *, static: bool, last: Applied | None = None
) -> ShapeWidget | None:
    """Display a report once: text for every front end, HTML where it is drawn, a widget where it can be pressed.

    Returns the widget, if there is one.
    """
    done = last.done if last is not None else None
    pressable = not report.ok or (done is not None and done.undo)
    if pressable and not static and _has_widgets(shell):
        from shape_magic.kernel.planner import Planner

        identity = uuid4().hex
        widget = _show_widget(report, Planner(report, applied, last), done, identity)
        _publish(shell, report, identity)
        # What is saved and exported says as much as the card does.
        widget.on_told = lambda told: _publish(shell, told, identity, again=True)
        return widget
    _publish(shell, report, "")
    return None


def _has_widgets(shell: Any) -> bool:
    """Whether there is a kernel with comms: a terminal has none."""
    return getattr(shell, "kernel", None) is not None


def _show_widget(report: Report, planner: Planner, done: Done | None, identity: str) -> ShapeWidget:
    from IPython.display import display

    from shape_magic.display.widget import ShapeWidget

    widget = ShapeWidget(report, planner, done=done, identity=identity)
    display(widget, metadata=_TAG)  # type: ignore[no-untyped-call]
    return widget


def _publish(shell: Any, report: Report, identity: str, *, again: bool = False) -> None:
    """The static form; ``again`` puts it in the place of the one with this identity."""
    seen = disclosures(report)
    text = render_text(report, disclosures=seen)
    if getattr(shell, "kernel", None) is None:
        print(text)
        return
    html = render_html(report, identity=identity, disclosures=seen)
    transient = {"display_id": identity} if identity else {}
    shell.display_pub.publish({"text/plain": text, "text/html": html}, _TAG, transient=transient, update=again)
