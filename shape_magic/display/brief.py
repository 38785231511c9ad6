"""A report in a few plain lines, or in one: for an AssertionError, a failing test, a list.

No colours and no tables: the lines are read in tracebacks, in test logs and in what a grader mails.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from shape_magic import settings
from shape_magic.display.cards import tone
from shape_magic.display.ladder import labels_text
from shape_magic.display.parts import short, visible
from shape_magic.facts import Call, Model
from shape_magic.report import Diagnostic, Report
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text

#: Columns of a line; findings that are told in full.
_WIDTH = 100
_MOST = 3


def explanation(report: Report) -> str:
    """What is wrong: for each error and warning its title, what happens, the place, the shapes and the labels.

    A fix is named only where ``ShapeMagic.fixes`` is ``"on"``; elsewhere no line gives one away.
    """
    found = [d for d in report.diagnostics if d.severity != "info"]
    lines = [line for finding in found[:_MOST] for line in _finding(report, finding)]
    if len(found) > _MOST:
        lines.append(say("assert.more", n=len(found) - _MOST))
    return "\n".join(lines)


def one_line(report: Report) -> str:
    """``<Report not ok: ✗ One answer per position, but one label per image. Dense `dense`, line 6 …>``."""
    from shape_magic.display.view import model_line

    found = [d for d in report.diagnostics if d.severity != "info"]
    if not found:
        lines = [model_line(model, []) for model in report.models] or [say("text.nothing")]
        return say("assert.repr.ok", what="; ".join(lines))
    first = found[0]
    details = " · ".join(filter(None, (_place(report, first), _labels(report, first))))
    more = say("assert.more", n=len(found) - 1) if len(found) > 1 else ""
    return say("assert.repr.not_ok", what=" ".join(f"{_title(first)} {details} {more}".split()))


def _finding(report: Report, finding: Diagnostic) -> Iterator[str]:
    gives_away = settings.current().fixes == "on"
    # The message may end with what to do; the hints "what" and "why" never do.
    said = finding.message if gives_away or len(finding.hints) < 3 else " ".join(finding.hints[1:3])
    yield _title(finding)
    details = [visible(said, lines=True), _place(report, finding), _labels(report, finding)]
    if gives_away and finding.fixes:
        details.append(say("assert.fix", title=visible(finding.fixes[0].title)))
    for line in "\n".join(filter(None, details)).splitlines():
        yield from textwrap.wrap(
            line, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )


def _title(finding: Diagnostic) -> str:
    return f"{say(f'ui.icon.{tone(finding)}')} {visible(finding.title)}"


def _model(report: Report, finding: Diagnostic) -> Model | None:
    known = finding.model is not None and finding.model < len(report.models)
    return report.models[finding.model] if known and finding.model is not None else None


def _place(report: Report, finding: Diagnostic) -> str:
    """``"At: Dense `dense`, cell 3, line 6: (None, 5, 5, 64) → (None, 5, 5, 10)"``; empty where nothing is known."""
    model = _model(report, finding)
    call = next((c for c in model.calls if c.call == finding.call), None) if model else None
    parts = [say("assert.layer", kind=short(call.class_name), name=short(call.layer))] if call else []
    if model is not None and (call is None or len(report.models) > 1):
        parts.append(say("assert.model", name=short(model.name)))
    if finding.span is not None:
        label = report.labels.get(finding.span.cell) if finding.span.cell is not None else None
        parts += [short(label)] if label and len(report.sources) > 1 else []
        parts.append(say("assert.line", n=finding.span.start_line))
    shapes = _flow(call) if call else _ends(model) if model else ""
    if not parts:
        return ""
    return say("assert.place" if shapes else "assert.place_only", place=", ".join(parts), shapes=shapes)


def _flow(call: Call) -> str:
    return _arrow(call.input_shapes, call.output_shapes)


def _ends(model: Model) -> str:
    shapes = tuple(data.shape for data in model.inputs)
    return _arrow(shapes, model.outputs) if shapes or model.outputs else ""


def _arrow(inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> str:
    sides = [" + ".join(map(shape_text, side)) for side in (inputs, outputs)]
    return say("assert.flow", x=sides[0], y=sides[1] or say("assert.no_output"))


def _labels(report: Report, finding: Diagnostic) -> str:
    model = _model(report, finding)
    contract = model.contract if model else None
    if model is None or contract is None or not contract.y:
        return ""
    said = [
        say("assert.data", name=short(d.name), shape=shape_text(d.shape), what=labels_text(d, model))
        for d in contract.y
    ]
    return say("assert.labels", labels="; ".join(said))
