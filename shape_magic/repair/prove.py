"""The proof of a repair: written into the source, run apart, and looked at by the rules again.

A repair counts when its finding is gone and nothing new is wrong. What can't be run without side
effects is not offered as proved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.session import Session
from shape_magic.facts import CellId, Facts, Model, Span
from shape_magic.repair.effects import Impure
from shape_magic.repair.replay import replay
from shape_magic.repair.slices import slice_for
from shape_magic.repair.steps import Repair
from shape_magic.report import Edit
from shape_magic.rules import Found, diagnose
from shape_magic.source.cells import apply_edits
from shape_magic.source.writer import Refused, write


@dataclass(frozen=True, slots=True)
class Proved:
    """The repair works: the model as it will be, and the edits that make it so."""

    model: Model
    edits: tuple[Edit, ...]
    sources: Mapping[CellId, str]
    #: False where another finding remains.
    complete: bool


@dataclass(frozen=True, slots=True)
class Refuted:
    """The repair does not remove the finding, or brings another."""

    why: str


@dataclass(frozen=True, slots=True)
class Unprovable:
    """The repair can't be written or run without side effects."""

    why: str
    edits: tuple[Edit, ...] = ()


Verdict = Proved | Refuted | Unprovable


class Prover:
    """Proves the repairs of one report's findings against the cells as they were run."""

    def __init__(
        self, session: Session, namespace: Mapping[str, Any], facts: Facts, *, budget: int | None,
        given: tuple[tuple[int | None, ...], ...] = (),
    ) -> None:
        self._session = session
        self._namespace = namespace
        self._facts = facts
        self._budget = budget
        self._given = given
        self._known = {f.identity for f in diagnose(facts)}

    @property
    def sources(self) -> dict[CellId, str]:
        """The text of every cell, in the order in which the cells ran."""
        cells = sorted(self._session.book.cells.values(), key=lambda c: c.order)
        return {cell.id: cell.source for cell in cells}

    def prove(self, found: Found, repair: Repair) -> Verdict:
        """Write the repair, run the slice that it touches, and look again."""
        model = self._facts.models[found.model]
        sources = self.sources
        written = write(repair.steps, model, sources, self._bound)
        if isinstance(written, Refused):
            return Unprovable(written.why)
        edited = edited_sources(sources, written)
        targets = [e.span for e in written] + spans_of(model)
        moved = _moved(targets, written)
        cells = list(edited.items())
        part = slice_for(cells, moved, self._namespace)
        if isinstance(part, Impure):
            return Unprovable(part.why, written)
        try:
            after = replay(part, cells, self._namespace, budget=self._budget, given=self._given)
        except SyntaxError as error:
            return Refuted(str(error))
        return self._judge(found, after.facts, after.error, written, edited)

    def _judge(
        self, found: Found, facts: Facts, error: str | None, edits: tuple[Edit, ...], edited: dict[CellId, str]
    ) -> Verdict:
        number = _same_model(self._facts.models[found.model], found.model, facts)
        if number is None:
            return Refuted(error or "the model is not there any more")
        after = facts.models[number]
        if after.failed_call or after.failure or (not after.outputs and after.kind != "Model"):
            return Refuted("the model still can't be computed")
        remaining = [f for f in diagnose(facts) if f.model == number and f.finding.severity != "info"]
        if any(f.rule == found.rule and f.finding.topic == found.finding.topic for f in remaining):
            return Refuted("the finding is still there")
        wanted = self._facts.models[found.model].contract
        if wanted is not None and after.contract is None:
            return Refuted(error or "the call was not reached")
        if any(f.finding.severity == "error" or f.finding.severity == found.finding.severity for f in remaining):
            return Refuted(f"it brings {remaining[0].rule}")
        if error is not None and wanted is None:
            return Refuted(error)
        return Proved(after, edits, edited, complete=not remaining)

    def _bound(self, name: str, class_name: str) -> bool:
        value = self._namespace.get(name)
        return isinstance(value, type) and value.__name__ == class_name and value.__module__.startswith("keras.")


def edited_sources(sources: Mapping[CellId, str], edits: Sequence[Edit]) -> dict[CellId, str]:
    """The cells after the edits."""
    new = dict(sources)
    for cell in {e.span.cell for e in edits}:
        if cell is not None:
            new[cell] = apply_edits(new[cell], [e for e in edits if e.span.cell == cell])
    return new


def spans_of(model: Model) -> list[Span]:
    """Every place in the cells that made the model what it is or uses it."""
    contract = model.contract
    spans = [model.span, *(c.span for c in model.calls), *(c.placed for c in model.calls)]
    if contract is not None:
        spans += [contract.span, contract.compile_span]
    return [s for s in spans if s is not None]


def _moved(spans: list[Span], edits: Sequence[Edit]) -> list[Span]:
    """The spans where they are after the edits: whole lines may have come or gone above them."""
    return [_shifted(s, edits) for s in spans]


def _shifted(span: Span, edits: Sequence[Edit]) -> Span:
    lines = sum(
        e.text.count("\n") - (e.span.end_line - e.span.start_line)
        for e in edits
        if e.span.cell == span.cell and (e.span.end_line, e.span.end_col) <= (span.start_line, span.start_col)
    )
    return Span(span.cell, span.start_line + lines, span.start_col, span.end_line + lines, span.end_col)


def _same_model(before: Model, number: int, facts: Facts) -> int | None:
    named = [i for i, m in enumerate(facts.models) if m.name == before.name]
    if named:
        used = [i for i in named if (facts.models[i].contract is None) == (before.contract is None)]
        return (used or named)[-1] if before.contract is not None else (used or named)[0]
    return number if number < len(facts.models) else None


