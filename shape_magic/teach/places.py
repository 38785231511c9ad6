"""The places of a cell at which a mistake can be: layers, input, compile, calls with data, and code behind them."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.display.ladder import place_of
from shape_magic.facts import Call, Model
from shape_magic.report import Diagnostic, Report
from shape_magic.rules.finding import contains
from shape_magic.source.cells import offsets
from shape_magic.spans import Span
from shape_magic.teach.judge import calls_in
from shape_magic.words import say


def layers_of(source: str, correct: Report, broken: Report) -> tuple[str, ...]:
    """The layers that stand in the broken cell in their order, and the other places behind them.

    A broken model may end before its last layer; those that the correct one has and whose text still stands
    there are named too, so that the end of the list tells nothing.
    """
    names = dict.fromkeys(call.layer for model in broken.models for call in _own(model))
    if not all(model.outputs for model in broken.models):
        names |= dict.fromkeys(call.layer for call in _standing(source, correct))
    places = [say("exercise.place.input")]
    calls = calls_in(source)
    places += [say("exercise.place.compile")] if calls["compile"] else []
    places += [say("exercise.place.use", method=name) for name in sorted(calls) if name != "compile"]
    places += [say("exercise.place.code")] if any(model.misreads for model in broken.models) else []
    return (*names, *places)


def right_places(finding: Diagnostic, source: str, correct: Report, broken: Report) -> frozenset[str]:
    """Where the finding is: its call, what is related to it, and what the check's own fixes would change."""
    model = broken.models[finding.model] if finding.model is not None and broken.models else None
    right: set[str] = set()
    if model is not None and finding.call is not None:
        right.add(model.calls[finding.call].layer)
    spans = [span for span in (finding.span, *(r.span for r in finding.related)) if span is not None]
    edits = [edit.span for fix in finding.fixes for edit in fix.edits]
    for each in broken.models:
        right.update(call.layer for call in _own(each) if _touched(call, [*spans, *edits]))
        right |= set(_uses(each, spans if finding.call is None else [], edits))
    if model is not None and place_of(finding, model) == "input":
        right.add(say("exercise.place.input"))
    if model is not None and place_of(finding, model) == "code":
        right.add(say("exercise.place.code"))
    if model is not None and any(_at(model.inputs[0].span, span) for span in edits if model.inputs):
        right.add(say("exercise.place.input"))
    return frozenset(right & set(layers_of(source, correct, broken)))


def _own(model: Model) -> list[Call]:
    return [call for call in model.calls if call.class_name != "InputLayer"]


def _touched(call: Call, spans: list[Span]) -> bool:
    return any(_at(call.span, span) for span in spans)


def _at(place: Span | None, span: Span) -> bool:
    """Whether a span lies within a place; one that starts where the place does is an insertion before it."""
    if place is None or not contains(place, span):
        return False
    empty = (span.start_line, span.start_col) == (span.end_line, span.end_col)
    return not (empty and (span.start_line, span.start_col) == (place.start_line, place.start_col))


def _uses(model: Model, spans: list[Span], edits: list[Span]) -> Iterator[str]:
    contract = model.contract
    if contract is None:
        return
    if any(_at(contract.compile_span, span) for span in (*spans, *edits)):
        yield say("exercise.place.compile")
    if any(_at(contract.span, span) for span in (*spans, *edits)):
        yield say("exercise.place.use", method=contract.method)


def _standing(source: str, correct: Report) -> list[Call]:
    """The correct cell's layers whose text stands in the broken one."""
    return [call for model in correct.models for call in _own(model) if _text(correct, call) in source]


def _text(report: Report, call: Call) -> str:
    span = call.span
    text = report.sources.get(span.cell) if span is not None and span.cell is not None else None
    if span is None or text is None:
        return "\0"
    start, end = offsets(text, span)
    return text[start:end]
