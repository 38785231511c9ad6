"""The single lines that say what a card says: in place of a traceback, and for ``%shapecheck --hint``."""

from __future__ import annotations

from shape_magic.display.disclosure import STEPS, Disclosure, as_told, disclosures, told
from shape_magic.display.parts import visible
from shape_magic.report import Report
from shape_magic.untrusted import ask, named, said
from shape_magic.words import say


def hint_line(report: Report, position: int) -> str:
    """The last step that was told of a finding: ``"Hint 2 of 4 · What went in, and what was wanted: …"``."""
    level = disclosures(report)[position].level
    hints = told(report, [Disclosure("hints", level)] * len(report.diagnostics)).diagnostics[position].hints
    most, step = len(report.diagnostics[position].hints), STEPS[level - 1]
    return visible(say("hint.line", k=level, n=most, step=say(f"hint.step.{step}"), text=hints[-1]), lines=True)


def stopped_line(report: Report) -> str:
    """The one line in place of a traceback, with what may be seen of the first finding."""
    diagnostic = as_told(report).diagnostics[0]
    if not disclosures(report)[0].place:
        return say("hint.stopped", title=diagnostic.title)
    span = diagnostic.span
    label = report.labels.get(span.cell, "") if span is not None and span.cell is not None else ""
    method = str(report.diagnostics[0].values.get("method", "fit"))
    where = (
        say("magic.stopped_line", where=label, line=span.start_line)
        if span
        else say("magic.stopped_call", method=method)
    )
    return say("magic.stopped", title=diagnostic.title, where=where)


def raised_line(report: Report) -> str:
    """The same in place of Keras' own words, where those would say too much."""
    return say("hint.raised", title=as_told(report).diagnostics[0].title)


def one_line(error: BaseException, report: Report) -> None:
    """Let IPython show Keras' exception in one line: the card says the rest.

    Where the card does not quote Keras yet, the line doesn't either; the exception itself stays Keras'.
    """
    from shape_magic.trace.failures import clean

    told = clean(said(error)) if disclosures(report)[0].verdict else raised_line(report)
    text = visible(f"{named(type(error).__name__)}: {told}", lines=True)
    # What says itself how it is drawn, or can't be told anything, goes on as it is.
    ask(lambda: setattr(error, "_render_traceback_", lambda: [text]), None)


def keras_type(report: Report) -> str:
    """The class of the exception that Keras would have raised in the call."""
    first = report.diagnostics[0]
    contract = report.models[first.model].contract if first.model is not None else None
    if contract is None:
        return "ValueError"
    failures = [contract.failure, *(loss.failure for loss in (*contract.losses, *contract.metrics))]
    known = next((f.type for f in failures if f is not None), None)
    return known or "InvalidArgumentError"  # labels out of range: found by the kernel, not by the shapes
