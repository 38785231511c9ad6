"""From what was seen to the Report: facts, findings, proved repairs, words. The one way, for every door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from shape_magic.capture.session import Live, Session
from shape_magic.facts import Call, Contract, Facts, Given, Model
from shape_magic.repair.steps import Repair
from shape_magic.report import Action, Diagnostic, Effect, Fix, Related, Report, Safety
from shape_magic.rules import Finding, Found, diagnose
from shape_magic.rules.finding import stands_at
from shape_magic.source.cells import apply_edits, diff_lines, keep_edit
from shape_magic.spans import CellId, Edit, Shape, Span
from shape_magic.untrusted import named
from shape_magic.words import knows, say

if TYPE_CHECKING:
    # Most cells are right: what proves and writes repairs is imported for the first finding.
    from shape_magic.repair.prove import Proved, Prover

_HINTS = ("where", "what", "why", "how")


def build_report(
    session: Session,
    facts: Facts,
    namespace: Mapping[str, Any],
    given: Given,
    live: Sequence[Live | None] = (),
    found: Sequence[Found] | None = None,
) -> Report:
    """Diagnose the facts, prove the repairs of what is found, and put it all into words.

    ``found``: the facts' findings, where somebody has them already.
    """
    found = diagnose(facts) if found is None else found
    cells = sorted(session.book.cells.values(), key=lambda c: c.order)
    return Report(
        models=facts.models,
        diagnostics=tuple(_diagnostics(found, session, facts, namespace, given, live)) if found else (),
        sources={cell.id: cell.source for cell in cells},
        labels={cell.id: cell.label for cell in cells},
    )


def _diagnostics(
    found: Sequence[Found],
    session: Session,
    facts: Facts,
    namespace: Mapping[str, Any],
    given: Given,
    live: Sequence[Live | None],
) -> Iterator[Diagnostic]:
    from shape_magic.repair.prove import Prover

    prover = Prover(session, namespace, facts, given, live)
    settled: set[tuple[int, tuple[str, str, str]]] = set()
    for one in found:
        if (one.model, one.identity) not in settled:
            proofs = _proofs(one, prover)
            yield _diagnostic(one, proofs, facts, session, namespace)
            # What the first fix takes away with it is a consequence, not a mistake of its own.
            settled |= {(one.model, identity) for _, proved in proofs[:1] for identity in proved.settles}


def told_report(facts: Facts) -> Report:
    """What a check would find, in its words, with no fix tried: for models that stand in no cell.

    After the first error the rest is left out: most of it would be what that one brings about.
    """
    found = diagnose(facts)
    first = next((one for one in found if one.finding.severity == "error"), None)
    shown = [one for one in found if one is first or one.finding.severity != "error"]
    session = Session()
    return Report(facts.models, tuple(_diagnostic(one, (), facts, session, {}) for one in shown))


def _diagnostic(
    found: Found, proofs: Sequence[tuple[Repair, Proved]], facts: Facts, session: Session, namespace: Mapping[str, Any]
) -> Diagnostic:
    finding, model = found.finding, facts.models[found.model]
    span = finding.span
    if span is None and finding.call is not None:
        span = model.calls[finding.call].span
    prefix = f"rule.{found.rule}.{finding.variant}"
    values = _told(finding.values)
    at = model.calls[finding.call].span if finding.call is not None else span
    texts = values | {key: say(f"place.{key}", line=at.start_line) if at else "" for key in ("at", "in_line")}
    return Diagnostic(
        rule=found.rule,
        severity=finding.severity,
        model=found.model,
        call=finding.call,
        span=span,
        related=tuple(Related(s, role) for s, role in finding.related if s is not None),
        title=say(f"{prefix}.title", **texts),
        message=say(f"{prefix}.message", **texts),
        values=values,
        hints=tuple(say(f"{prefix}.{hint}", **texts) for hint in _HINTS if knows(f"{prefix}.{hint}")),
        expected=finding.expected,
        actual=finding.actual,
        keras_message=_quoted(finding, texts),
        actions=_actions(found, span, session, texts),
        fixes=tuple(_fix(found, repair, proved, facts, session, namespace) for repair, proved in proofs),
        place=stands_at(finding),
    )


def _told(values: Mapping[str, object]) -> dict[str, object]:
    """The values of a text: a name or an expression that fills pages is cut. What Keras says is as long as it is."""
    return {k: named(v) if isinstance(v, str) and k != "keras" else v for k, v in values.items()}


def _quoted(finding: Finding, texts: Mapping[str, object]) -> str | None:
    """Keras' own words; where they are known to be the wrong way round, with the right way behind them."""
    if finding.keras_message is None or not finding.correction:
        return finding.keras_message
    return f"{finding.keras_message}\n\n{say(f'correction.{finding.correction}', **texts)}"


def _actions(found: Found, span: Span | None, session: Session, texts: Mapping[str, object]) -> tuple[Action, ...]:
    if not found.finding.keepable or found.finding.severity == "error" or span is None or span.cell is None:
        return ()
    source = session.book.cells[span.cell].source
    edit = keep_edit(source, span, found.rule)
    new = apply_edits(source, [edit])
    # What keeping means, where the rule can say it.
    says = knows(f"rule.{found.rule}.keep")
    title = say(f"rule.{found.rule}.keep", **texts) if says else say("fix.keep.title")
    return (Action("keep", title, span.cell, new, (edit,)),)


def _proofs(found: Found, prover: Prover) -> list[tuple[Repair, Proved]]:
    """The repairs that work, in the rule's order."""
    from shape_magic.repair.prove import Proved

    proved = [(r, v) for r in found.finding.repairs if isinstance(v := prover.prove(found, r), Proved)]
    if proved and not proved[0][1].complete:  # what else is wrong, mended along
        together = prover.prove(found, proved[0][0], everything=True)
        if isinstance(together, Proved) and together.complete:
            proved.insert(1, (proved[0][0], together))
    return list(_distinct(_without_detours(proved)))


def _without_detours(proved: Sequence[tuple[Repair, Proved]]) -> Iterator[tuple[Repair, Proved]]:
    """What is no way round: of repairs that led on to one that does as much alone, the first was of no use."""
    alone = [(verdict.repairs[0].steps, verdict.complete) for _, verdict in proved if len(verdict.repairs) == 1]
    for repair, verdict in proved:
        enough = [steps for steps, complete in alone if complete or not verdict.complete]
        if not any(following.steps in enough for following in verdict.repairs[1:]):
            yield repair, verdict


def _distinct(proved: Iterable[tuple[Repair, Proved]]) -> Iterator[tuple[Repair, Proved]]:
    """Of repairs that led to the same text the first."""
    seen: list[tuple[Edit, ...]] = []
    for repair, verdict in proved:
        if not verdict.edits or verdict.edits not in seen:
            seen.append(verdict.edits)
            yield repair, verdict


def _fix(
    found: Found, repair: Repair, proved: Proved, facts: Facts, session: Session, namespace: Mapping[str, Any]
) -> Fix:
    from shape_magic.repair.slices import feeds_itself
    from shape_magic.source.writer import snippet

    model = facts.models[found.model]
    values = _told(repair.values) | _costs(repair, proved.model)
    cells = session.book.cells
    edited = list(dict.fromkeys(e.span.cell for e in _in_order(proved.edits, session)))
    first = edited[0] if edited else None
    before = "\n".join(cells[c].source for c in edited if c is not None)
    after = "\n".join(proved.sources[c] for c in edited if c is not None)
    contract = model.contract or proved.model.contract
    # What code does with the answers is done anew, and the model stays as it is.
    uses = [one.cell for one in model.misreads] if found.finding.topic == "answers" else None
    rerun = _rerun(model, edited, session) if uses is None else _in_cells((*edited, *uses), session)
    rerun = rerun if proved.by_source else ()
    if any(feeds_itself(proved.sources[c], namespace) for c in rerun):
        rerun = ()  # a second run of such a cell would not do the same
    return Fix(
        title=_titles(proved.repairs),
        note=say(f"fix.{repair.message}.note", **values),
        # What had to follow it is done as well.
        safety=max((one.safety for one in proved.repairs), key=get_args(Safety).index),
        # Of a repair in several cells the one cell's new source alone is not what was proved.
        verified=proved.runs and len(edited) <= 1,
        complete=proved.complete,
        cell=first,
        source=proved.sources[first] if first is not None else None,
        edits=proved.edits,
        rerun=rerun,
        trains=bool(contract and contract.method == "fit" and _runs(contract, rerun)),
        epochs=contract.epochs if contract else None,
        effect=Effect(
            output_shape=_output_shape(proved.model),
            params=proved.model.params,
            layers=proved.model.calls,
        ),
        diff=diff_lines(before, after),
        snippet=None if edited else snippet(repair.steps, model),
        label=repair.label,
    )


def _output_shape(model: Model) -> Shape | None:
    # Of several outputs no single one is the model's; a model with a call of its own has a shape only when called.
    if len(model.outputs) != 1 or model.kind == "Model" or _is_made_by_data(model):
        return None
    return model.outputs[0]


def _is_made_by_data(model: Model) -> bool:
    """Whether no code says the input's shape: the first batch does, and Keras keeps its size if all are full."""
    given = model.contract.x if model.contract is not None else ()
    return (
        len(model.inputs) == len(given) == 1 and not model.inputs[0].declared and model.inputs[0].name == given[0].name
    )


def _titles(repairs: tuple[Repair, ...]) -> str:
    titles = [say(f"fix.{r.message}.title", **r.values) for r in repairs]
    return (
        say("fix.several", first=titles[0], second=titles[1], more=len(titles) - 2)
        if len(titles) > 2
        else (say("fix.both", first=titles[0], second=titles[1]) if len(titles) == 2 else titles[0])
    )


def _in_order(edits: tuple[Edit, ...], session: Session) -> list[Edit]:
    return sorted(edits, key=lambda e: session.book.cells[e.span.cell].order if e.span.cell is not None else 0)


def _costs(repair: Repair, after: Model) -> dict[str, object]:
    """What the model becomes, for the note: the layer that reads the new one, and the whole."""
    new = repair.values.get("new") or repair.label
    at = next((c.call for c in after.calls if c.class_name == new), None)
    reader: Call | None = next((c for c in after.calls if at is not None and c.call > at and c.params), None)
    inputs = reader.input_shape[-1] if reader is not None and reader.input_shape else 0
    return {"inputs": inputs or 0, "params": reader.params if reader else 0, "total": after.params}


def _rerun(model: Model, edited: list[CellId | None], session: Session) -> tuple[CellId, ...]:
    """The cells that made, grew, compiled and used the model, and those that are edited, in their order."""
    cells = {c for c in edited if c is not None}
    for call in model.calls:
        cells |= {s.cell for s in (call.placed,) if s is not None and s.cell is not None}
    contract = model.contract
    places = [model.span, *((contract.span, contract.compile_span) if contract else ())]
    cells |= {s.cell for s in places if s is not None and s.cell is not None}
    for live, tracked in session.tracked.items():
        if str(getattr(live, "name", "")) == model.keras_name:
            cells |= set(tracked.cells)
    return _in_cells(cells, session)


def _in_cells(cells: Iterable[CellId | None], session: Session) -> tuple[CellId, ...]:
    """Those of the cells that are known, in their order."""
    known = {c for c in cells if c is not None and c in session.book.cells}
    return tuple(sorted(known, key=lambda c: session.book.cells[c].order))


def _runs(contract: Contract, cells: Sequence[CellId]) -> bool:
    """Whether the call is made again with these cells."""
    return bool(cells) and (contract.span is None or contract.span.cell in cells)
