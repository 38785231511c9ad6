"""The result of a check: one frozen object from which every display is made.

``Report.to_dict()`` is the data contract (``schema.json`` beside this file): additive within a
schema version, unknown keys to be ignored.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from shape_magic.asserting import assertion_error, fails_without_words
from shape_magic.facts import Call, Contract, Data, Model
from shape_magic.spans import Axes, CellId, Edit, Shape, Span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = 1
Severity = Literal["error", "warning", "info"]
#: Safe: the only sensible repair. Choice: the user's intention decides. Unsafe: may change results.
Safety = Literal["safe", "choice", "unsafe"]
#: What a finding stands at that names no call: the data given to the model, its loss, or its labels.
Place = Literal["input", "loss", "labels", "code"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What the model becomes by a fix: traced, not guessed."""

    #: None where the model has none before it is called, or has several outputs.
    output_shape: Shape | None
    params: int
    layers: tuple[Call, ...]


#: How the label of a fix begins that only takes a layer out.
REMOVES = "remove "


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair of the source that was traced through to the labels and removes the finding."""

    #: ``"Insert Flatten() before dense"``.
    title: str
    #: What it keeps and costs: ``"keeps where things are · 1,600 inputs · 16,010 params"``.
    note: str
    safety: Safety
    #: Whether ``source`` in the place of ``cell`` was traced through to the labels and removes the finding.
    verified: bool
    #: False where another, independent finding remains after it.
    complete: bool
    #: The cell that is edited first, and its text afterwards; None where there is no cell to edit.
    cell: CellId | None
    source: str | None
    edits: tuple[Edit, ...]
    #: The cells to run again, in order; empty: edit only.
    rerun: tuple[CellId, ...]
    #: Whether running them trains, and for how many epochs (None: not known).
    trains: bool
    epochs: int | None
    effect: Effect | None
    #: The lines that go and come, as ``("-" | "+" | " ", text)``.
    diff: tuple[tuple[str, str], ...] = ()
    #: Code to paste where there is no cell to edit.
    snippet: str | None = None
    #: The class or argument that it brings, for a short button: ``"Flatten"``; else ``"remove flatten"``.
    label: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something else to press: ``keep`` writes a comment that silences a question."""

    kind: Literal["keep"]
    title: str
    cell: CellId | None
    source: str | None
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """A place that belongs to the finding, and its part in it (``"compile"``, ``"labels"``)."""

    span: Span
    role: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding, in words, with its place and its fixes."""

    rule: str
    severity: Severity
    #: Positions in ``Report.models`` and in that model's calls.
    model: int | None
    call: int | None
    span: Span | None
    related: tuple[Related, ...]
    title: str
    message: str
    #: The named values from which the texts are made.
    values: Mapping[str, object]
    #: Four steps of help: where, what, why, how.
    hints: tuple[str, ...]
    expected: Shape | None
    actual: Shape | None
    keras_message: str | None
    actions: tuple[Action, ...] = ()
    fixes: tuple[Fix, ...] = ()
    #: Where it stands in the diagram when it names no call.
    place: Place = "loss"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: the models with their shapes, and the diagnostics, most serious first."""

    models: tuple[Model, ...]
    diagnostics: tuple[Diagnostic, ...]
    #: The text of each cell that was checked, as it was checked.
    sources: Mapping[CellId, str] = field(default_factory=dict, repr=False)
    #: How a person would call each cell: ``"cell 3"``, ``"In [4]"``.
    labels: Mapping[CellId, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """True when there is no error and no warning.

        ``assert report.ok`` that fails says why: where it would raise an empty AssertionError, the
        same error comes from here, with the finding as its text.
        """
        __tracebackhide__ = True
        fine = all(d.severity == "info" for d in self.diagnostics)
        if not fine and fails_without_words(sys._getframe(1), "ok"):
            raise assertion_error(self.explain())
        return fine

    def explain(self) -> str:
        """What is wrong, in a few plain lines; empty when the report is ok. Gives a fix away only if fixes are on."""
        from shape_magic.display.brief import explanation

        return explanation(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data that ``json.dumps`` takes, after ``schema.json``."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "models": [_model(m) for m in self.models],
            "diagnostics": [_diagnostic(d) for d in self.diagnostics],
        }

    def __str__(self) -> str:
        """The report as a table for a terminal, without colours; a display, which obeys ``ShapeMagic.fixes``."""
        from shape_magic.display.disclosure import disclosures
        from shape_magic.display.text import render_text

        return render_text(self, disclosures=disclosures(self))

    def __repr__(self) -> str:
        """The finding, or the model that is right, in one line: what a failing test shows."""
        from shape_magic.display.brief import one_line

        return one_line(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """As the last value of a cell, the table in place of the one line."""
        printer.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """The same where HTML is drawn."""
        from shape_magic.display.html import render_html

        return render_html(self)

    def plot(self) -> Figure:
        """The ladder of ranks as a matplotlib figure; a display, which obeys ``ShapeMagic.fixes``."""
        from shape_magic.display.disclosure import disclosures
        from shape_magic.display.figure import plot_report

        return plot_report(self, disclosures(self))


def _span(span: Span | None) -> dict[str, Any] | None:
    return None if span is None else asdict(span)


def _shape(shape: Shape | None) -> list[int | None] | None:
    return None if shape is None else list(shape)


def _axes(axes: tuple[Axes, ...]) -> list[list[str]]:
    return [list(a) for a in axes]


def call_to_dict(call: Call) -> dict[str, Any]:
    """One row of the ladder as plain data."""
    return {
        "call": call.call,
        "index": call.index,
        "layer": call.layer,
        "class": call.class_name,
        "path": list(call.path),
        "inputs": list(call.inputs),
        "arguments": dict(call.arguments),
        "summary": call.summary,
        "input_shapes": [list(s) for s in call.input_shapes],
        "output_shape": _shape(call.output_shape),
        "output_shapes": [list(s) for s in call.output_shapes],
        "input_axes": _axes(call.input_axes),
        "axes": list(call.output_axes[0]) if call.output_axes else [],
        "params": call.params,
        "bytes": call.bytes,
        "span": _span(call.span),
    }


def _data(data: Data) -> dict[str, Any]:
    facts = None if data.facts is None else asdict(data.facts)
    return {"name": data.name, "shape": list(data.shape), "dtype": data.dtype, "facts": facts}


def _contract(contract: Contract | None) -> dict[str, Any] | None:
    if contract is None:
        return None
    names = [loss.name for loss in contract.losses]
    return {
        "method": contract.method,
        "x": [_data(d) for d in contract.x],
        "outputs": [list(s) for s in contract.outputs],
        "loss": names[0] if len(names) == 1 else names or None,
        "metrics": [metric.name for metric in contract.metrics],
        "y": [_data(d) for d in contract.y],
        "span": _span(contract.span),
        "compile_span": _span(contract.compile_span),
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "keras_name": model.keras_name,
        "kind": model.kind,
        "params": model.params,
        "bytes": model.bytes,
        "inputs": [_data(d) for d in model.inputs],
        "outputs": [list(s) for s in model.outputs],
        "layers": [call_to_dict(c) for c in model.calls],
        "contract": _contract(model.contract),
    }


def _edits(edits: tuple[Edit, ...]) -> list[dict[str, Any]]:
    return [{**asdict(e.span), "text": e.text} for e in edits]


def _fix(fix: Fix) -> dict[str, Any]:
    effect = fix.effect and {
        "output_shape": _shape(fix.effect.output_shape),
        "params": fix.effect.params,
        "layers": [call_to_dict(c) for c in fix.effect.layers],
    }
    return {
        "title": fix.title,
        "note": fix.note,
        "safety": fix.safety,
        "verified": fix.verified,
        "complete": fix.complete,
        "cell": fix.cell,
        "source": fix.source,
        "edits": _edits(fix.edits),
        "rerun": list(fix.rerun),
        "trains": fix.trains,
        "effect": effect,
        "snippet": fix.snippet,
    }


def _diagnostic(d: Diagnostic) -> dict[str, Any]:
    return {
        "rule": d.rule,
        "severity": d.severity,
        "model": d.model,
        "call": d.call,
        "span": _span(d.span),
        "related": [{**asdict(r.span), "role": r.role} for r in d.related],
        "title": d.title,
        "message": d.message,
        "values": dict(d.values),
        "hints": list(d.hints),
        "expected": _shape(d.expected),
        "actual": _shape(d.actual),
        "keras_message": d.keras_message,
        "actions": [
            {"kind": a.kind, "title": a.title, "cell": a.cell, "source": a.source, "edits": _edits(a.edits)}
            for a in d.actions
        ],
        "fixes": [_fix(f) for f in d.fixes],
        "place": d.place,
    }
