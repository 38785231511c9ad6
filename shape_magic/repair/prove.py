"""The proof of a repair: written into the source, run apart, and looked at by the rules again.

A repair counts when its finding is gone and nothing new is wrong. What can't be run without side
effects is not offered as proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from shape_magic.capture.session import Live, Session
from shape_magic.facts import Call, Facts, Given, Model
from shape_magic.interrupts import GaveUp
from shape_magic.repair.effects import Impure
from shape_magic.repair.naming import named_as
from shape_magic.repair.replay import Runs
from shape_magic.repair.slices import Statement, is_last, slice_for
from shape_magic.repair.stack import NotOnStack, on_stack
from shape_magic.repair.steps import Reorder, Repair, SetArgument
from shape_magic.rules import Found, diagnose
from shape_magic.source.cells import apply_edits, differences, span_from_offsets
from shape_magic.source.writer import Refused, write
from shape_magic.spans import CellId, Edit, Span, shifted
from shape_magic.untrusted import module_of


@dataclass(frozen=True, slots=True)
class Proved:
    """The repair works: the model as it will be, and the edits that make it so."""

    model: Model
    edits: tuple[Edit, ...]
    sources: Mapping[CellId, str]
    #: The repairs that it took: the candidate, and what had to follow it.
    repairs: tuple[Repair, ...]
    #: False where another finding remains.
    complete: bool
    #: False where one of those that remain is an error: Keras will still raise.
    runs: bool
    #: What else was wrong with the model and is not any more, though no repair of its own was made.
    settles: frozenset[tuple[str, str, str]] = frozenset()
    #: Whether the edited source itself was run apart; else the traced graph was, and the edit is not run by us.
    by_source: bool = True


@dataclass(frozen=True, slots=True)
class Refuted:
    """The repair does not remove the finding, or brings another."""

    why: str


@dataclass(frozen=True, slots=True)
class Unprovable:
    """The repair can't be written or run without side effects."""

    why: str
    #: What was written, where only the run is in question.
    edits: tuple[Edit, ...] = ()


Verdict = Proved | Refuted | Unprovable

#: How many repairs may follow one another, and how many runs may be made for one candidate, before we say
#: that we don't know.
_CHAIN = 6
_RUNS = 12


@dataclass(slots=True)
class _Hunt:
    """The search for what has to follow one candidate."""

    found: Found
    #: Whether what is less serious than the finding is repaired as well.
    everything: bool
    runs: int = 0


@dataclass(frozen=True, slots=True)
class _State:
    """The cells after some repairs, and what they show."""

    sources: Mapping[CellId, str]
    facts: Facts
    model: int
    #: The statements that were run for it.
    ran: tuple[Statement, ...] = ()
    #: Names that hold what another one holds in the user's namespace.
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: The exception of the user's code at which the run ended.
    error: str | None = None


class Prover:
    """Proves the repairs of one report's findings against the cells as they were run."""

    def __init__(
        self,
        session: Session,
        namespace: Mapping[str, Any],
        facts: Facts,
        given: Given,
        live: Sequence[Live | None] = (),
    ) -> None:
        self._session = session
        self._live = live
        cells = sorted(session.book.cells.values(), key=lambda c: c.order)
        self._sources = {cell.id: cell.source for cell in cells}
        self._namespace = namespace
        self._facts = facts
        self._runs = Runs(list(self._sources.items()), namespace, given, session)
        self._found = diagnose(facts)
        #: What is wrong from the start: a repair of something else need not mend it.
        self._beside = {(f.model, f.identity) for f in self._found}

    def prove(self, found: Found, repair: Repair, *, everything: bool = False) -> Verdict:
        """Write the repair, run the part that depends on it, and look again.

        Where the repair lets the run come to a next mistake, one of that one's repairs is added, the
        first that leads through: a button that leads from one error to the next is no help. Another
        mistake that was found beside this one is repaired along if it can be, and else left: the
        repair is then not complete. ``everything``: warnings are repaired along with an error.
        """
        start = _State(self._sources, self._facts, found.model)
        try:
            return self._follow(_Hunt(found, everything), (start,), found, repair, ())
        except GaveUp:
            return Unprovable("the user's code took too long")

    def _follow(
        self, hunt: _Hunt, way: tuple[_State, ...], goal: Found, repair: Repair, done: tuple[Repair, ...]
    ) -> Verdict:
        """One repair more; ``way``: what the ones before it have led through."""
        if hunt.runs == _RUNS or len(done) == _CHAIN:
            return Refuted("too many mistakes follow one another")
        if _takes_back(repair, done):
            return Refuted("the repairs undo each other")
        hunt.runs += 1
        after = self._applied(way[-1], repair)
        if isinstance(after, Unprovable) and not done:
            return self._on_stack(hunt.found, repair, after)
        if not isinstance(after, _State):
            return after
        if any(after.sources == state.sources for state in way):
            return Refuted("the repairs undo each other")
        done = (*done, repair)
        before = self._facts.models[hunt.found.model]
        remaining = _remaining(after)
        judged = _judged(after, before, remaining, (goal, hunt.found), way[-1])
        if judged is not None:
            return judged
        if goal.finding.topic == "answers" and not self._answers_again(before, after):
            return Refuted("the code that works with the answers was not reached")
        if after.error is not None and _runs(remaining) and not self._reached(before, after):
            return Refuted(after.error)
        serious = [f for f in remaining if _matters(f, hunt.found)]
        for following in (remaining if hunt.everything else serious)[:1]:
            for candidate in following.finding.repairs:
                verdict = self._follow(hunt, (*way, after), following, candidate, done)
                if isinstance(verdict, Proved):
                    return verdict
        if any(_follows(hunt.found, f) or (hunt.found.model, f.identity) not in self._beside for f in serious):
            return Refuted(f"after it comes {serious[0].rule}")
        edits = edits_between(self._sources, after.sources)
        model = after.facts.models[after.model]
        model = replace(model, inputs=before.inputs or model.inputs)
        beside = {identity for number, identity in self._beside if number == hunt.found.model}
        settles = beside - {f.identity for f in remaining} if len(done) == 1 else ()
        left = [*remaining, *self._elsewhere(hunt.found.model, after.facts), *self._below(hunt.found, after)]
        return Proved(model, edits, after.sources, done, not left, _runs(left), frozenset(settles))

    def _elsewhere(self, number: int, after: Facts | None) -> list[Found]:
        """What is wrong with the cell's other models, as far as the repair has not mended that as well."""
        others = [f for f in self._found if f.model != number and f.finding.severity != "info"]
        if not others or after is None:
            return others
        still = {(f.model, f.finding.severity) for f in diagnose(after)}
        numbers = {n: _same_model(self._facts.models[n], n, after) for n in {f.model for f in others}}
        return [f for f in others if (now := numbers[f.model]) is None or (now, f.finding.severity) in still]

    def _below(self, found: Found, state: _State) -> list[Found]:
        """What comes to light of other models once the cell gets past this one, at which it ended."""
        if found.finding.severity != "error":
            return []
        cells, ended = list(state.sources.items()), self._end_of(found, state)
        if ended is None or is_last(cells, ended):
            return []
        rest = slice_for(cells, spans_of(state.facts.models[state.model]), self._namespace, below=ended)
        if isinstance(rest, Impure) or set(rest.statements) <= set(state.ran):
            return []
        try:
            after = self._runs.run(rest, cells, state.renamed)
        except SyntaxError:
            return []
        told = {_of(f, facts) for facts in (state.facts, self._facts) for f in diagnose(facts)}
        serious = (f for f in diagnose(after.facts) if f.finding.severity != "info")
        return [f for f in serious if _of(f, after.facts) not in told]

    def _end_of(self, found: Found, state: _State) -> Span | None:
        """Where the cell ended with this error: the last place of its model, as the text is now."""
        order = list(self._sources)
        places = [
            (order.index(s.cell), s.start_line, s) for s in spans_of(self._facts.models[found.model]) if s.cell in order
        ]
        if not places:
            return None
        last = max(places, key=lambda place: place[:2])[-1]
        return shifted(last, edits_between(self._sources, state.sources))

    def _reached(self, before: Model, state: _State) -> bool:
        """Whether the run came to the call whose use of the model is judged, or to one below it."""
        contract, now = before.contract, state.facts.models[state.model].contract
        if contract is None or contract.span is None or now is None or now.span is None:
            return contract is None or now is not None
        place = shifted(contract.span, edits_between(self._sources, state.sources))
        order = list(self._sources)
        if place.cell not in order or now.span.cell not in order:
            return True
        return (order.index(now.span.cell), now.span.start_line) >= (order.index(place.cell), place.start_line)

    def _answers_again(self, before: Model, state: _State) -> bool:
        """Whether the calls whose answers are misread were made again, and their answers followed."""
        edits = edits_between(self._sources, state.sources)
        answered = {_start(span) for span in state.facts.models[state.model].answered}
        lines = {start[:2] for start in answered}
        made = {one.made for one in before.misreads if one.made is not None}
        # In a line that was edited a call is known by its line.
        anew = {span for span in made if any(_on_a_line(span, edit.span) for edit in edits)}
        starts = {span: _start(shifted(span, edits)) for span in made}
        return all(start[:2] in lines if span in anew else start in answered for span, start in starts.items())

    def _on_stack(self, found: Found, repair: Repair, unprovable: Unprovable) -> Verdict:
        """The proof on the traced graph, where the source can't be edited or run."""
        before = self._facts.models[found.model]
        live = self._live[found.model] if found.model < len(self._live) else None
        if live is None or before.failed_call:
            return unprovable
        after = on_stack(self._session, live, before, repair.steps)
        if isinstance(after, NotOnStack):
            return Unprovable(after.why)
        if after.failure is not None:
            return Refuted(after.failure.message)
        after = _with_learning_of(before, after)
        remaining = [f for f in diagnose(Facts((after,), self._facts.kept)) if f.finding.severity != "info"]
        if any(_matters(f, found) for f in remaining):
            return Refuted(f"it brings {remaining[0].rule}")
        edits = unprovable.edits
        sources = edited_sources(self._sources, edits)
        left = [*remaining, *self._elsewhere(found.model, None)]
        return Proved(after, edits, sources, (repair,), not left, _runs(left), by_source=False)

    def _applied(self, state: _State, repair: Repair) -> _State | Refuted | Unprovable:
        model = state.facts.models[state.model]
        written = write(repair.steps, model, state.sources, self._bound)
        if isinstance(written, Refused):
            return Unprovable(written.why)
        edited = edited_sources(state.sources, written)
        orders = [step for step in repair.steps if isinstance(step, Reorder)]
        # What a statement gave its names is known: it need not run again for their order.
        run = [e.span for e in written if not any(_within(e.span, step.span) for step in orders)]
        renamed = dict(state.renamed) | {n: o for step in orders for o, n in zip(step.before, step.after, strict=True)}
        targets = [shifted(s, written) for s in run + spans_of(model)]
        cells = list(edited.items())
        part = slice_for(cells, targets, self._namespace)
        if isinstance(part, Impure):
            return Unprovable(part.why, written)
        try:
            after = self._runs.run(part, cells, renamed)
        except SyntaxError as error:
            return Refuted(str(error))
        number = _same_model(model, state.model, after.facts)
        if number is None:
            return Refuted(after.error or "the model is not there any more")
        now = after.facts.models[number]
        told = now.contract or now.failed_call or now.failure  # an exception that is a finding may be repaired next
        if after.error is not None and not told:
            return Refuted(after.error)
        models = list(after.facts.models)
        # What follows is told of the layers as the user knows them.
        models[number] = _in_cells_of(model, named_as(model, _with_learning_of(model, now), written))
        facts = replace(after.facts, models=tuple(models))
        return _State(edited, facts, number, part.statements, renamed, after.error)

    def _bound(self, name: str, class_name: str) -> bool:
        value = self._namespace.get(name)
        if isinstance(value, ModuleType):
            return value.__name__ == class_name
        return isinstance(value, type) and value.__name__ == class_name and module_of(value).startswith("keras.")


def _of(found: Found, facts: Facts) -> tuple[str, tuple[str, str, str]]:
    """A finding and the model that it is about, in any run of the cell."""
    return facts.models[found.model].name, found.identity


def _remaining(state: _State) -> list[Found]:
    return [f for f in diagnose(state.facts) if f.model == state.model and f.finding.severity != "info"]


def _runs(remaining: Sequence[Found]) -> bool:
    return all(left.finding.severity != "error" for left in remaining)


def _matters(left: Found, found: Found) -> bool:
    """Whether what is left is as serious as what was to be repaired."""
    return left.finding.severity in {"error", found.finding.severity}


def _follows(found: Found, left: Found) -> bool:
    """Whether what is left came to light by the repair alone: a trace ends at the first layer that is refused."""
    return found.finding.topic == left.finding.topic == "call"


def _judged(
    state: _State, before: Model, remaining: list[Found], goals: tuple[Found, ...], last: _State
) -> Refuted | None:
    """Why the last repair does not count; None when it moved on, and did not bring back what others have repaired."""
    after = state.facts.models[state.model]
    unmade = after.is_unmade and last.facts.models[last.model].is_unmade
    if any(_is_still(left, goal, unmade=unmade) for left in remaining for goal in goals):
        return Refuted("the finding is still there")
    if remaining:
        return None
    # Of a model whose class trains it in its own way, what it gives may not have been known before, either.
    unknown = not (before.outputs or before.failed_call or before.failure)
    if after.failed_call or after.failure or not (after.outputs or unknown):
        return Refuted("the model can't be computed")
    if before.contract is not None and after.contract is None:
        return Refuted("the call was not reached")
    return None


def _is_still(left: Found, goal: Found, *, unmade: bool) -> bool:
    is_same = left.rule == goal.rule and left.finding.topic == goal.finding.topic
    return is_same and not (_is_behind(left, goal) if unmade else _is_further(left, goal))


def _takes_back(repair: Repair, done: tuple[Repair, ...]) -> bool:
    """Whether a repair gives an argument another value than one before it did, with no layer put in between."""
    steps = [step for one in done for step in one.steps]
    if not all(isinstance(step, SetArgument) for step in steps):
        return False
    given = {(step.call, step.name): step.value for step in steps if isinstance(step, SetArgument)}
    again = [step for step in repair.steps if isinstance(step, SetArgument)]
    return any(given.get((step.call, step.name), step.value) != step.value for step in again)


def _is_further(left: Found, goal: Found) -> bool:
    """Whether a finding of the same kind lies behind the one that was repaired."""
    if goal.finding.topic == "contract" and left.finding.item > goal.finding.item:
        return True
    now, then = left.finding.call, goal.finding.call
    if goal.finding.topic != "call" or now is None or then is None:
        return False
    return (now, left.finding.item) > (then, goal.finding.item)


def _is_behind(left: Found, goal: Found) -> bool:
    """Whether a finding stands behind the one that was repaired: of what can't be made each is the first of a model."""
    at, before = left.finding.span, goal.finding.span
    if at is None or before is None or at.cell != before.cell:
        return False
    return (at.start_line, at.start_col) > (before.start_line, before.start_col)


def _with_learning_of(before: Model, after: Model) -> Model:
    """The model after the repair, its unchanged layers having learned as little: a copy's weights hold no values."""
    if all(call.adapted is not False for call in before.calls):
        return after
    calls = list(after.calls)
    for known, at in _unchanged(before, after):
        if calls[at].adapted is None:
            calls[at] = replace(calls[at], adapted=known.adapted)
    return replace(after, calls=tuple(calls))


def _in_cells_of(before: Model, after: Model) -> Model:
    """The model after the repair, with what code does to its answers in the cells that were looked at before."""
    cells = {span.cell for span in spans_of(before)}
    kept = tuple(c for c in after.misreads if c.span is None or c.span.cell in cells)
    return after if len(kept) == len(after.misreads) else replace(after, misreads=kept)


def _unchanged(before: Model, after: Model) -> Iterator[tuple[Call, int]]:
    """The calls that a repair has left as they were, with their places in the model after it."""

    def key(call: Call) -> tuple[str, str, int]:
        return call.class_name, call.summary, len(call.path)

    old, new = [key(c) for c in before.calls], [key(c) for c in after.calls]
    a = b = 0
    for i, j, k, m in [*differences(old, new), (len(old), 0, len(new), 0)]:
        yield from zip(before.calls[a:i], range(b, k), strict=True)
        a, b = j, m


def edits_between(before: Mapping[CellId, str], after: Mapping[CellId, str]) -> tuple[Edit, ...]:
    """The smallest edits, by lines and then by the ends they share, from one text of each cell to the other."""
    edits: list[Edit] = []
    for cell, old in before.items():
        new = after[cell]
        if old == new:
            continue
        a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
        for i1, i2, j1, j2 in differences(a, b):
            edits.append(_trimmed(cell, old, sum(map(len, a[:i1])), "".join(a[i1:i2]), "".join(b[j1:j2])))
    return tuple(edits)


def _shared(a: str, b: str) -> int:
    """How many characters two texts have in common at their start."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _trimmed(cell: CellId, source: str, start: int, old: str, new: str) -> Edit:
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    span = span_from_offsets(source, start + head, start + len(old) - tail, cell)
    return Edit(span, new[head : len(new) - tail])


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
    spans += [span for c in model.misreads for span in (c.made, c.span)]
    if contract is not None:
        spans += [contract.span, contract.compile_span]
    return [s for s in spans if s is not None]


def _start(span: Span) -> tuple[CellId | None, int, int]:
    return span.cell, span.start_line, span.start_col


def _on_a_line(one: Span, other: Span) -> bool:
    """Whether a place begins on a line of another one."""
    return one.cell == other.cell and other.start_line <= one.start_line <= other.end_line


def _within(inner: Span, outer: Span) -> bool:
    starts = (outer.start_line, outer.start_col) <= (inner.start_line, inner.start_col)
    return inner.cell == outer.cell and starts and (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)


def _same_model(before: Model, number: int, facts: Facts) -> int | None:
    unmade = [i for i, m in enumerate(facts.models) if m.is_unmade]
    if before.is_unmade and unmade:
        return unmade[-1]  # of what can't be made there is one at a time: there the run ends
    if before.kind == "Functional" and not before.outputs:
        return _grown_from(before, facts)
    named = [i for i, m in enumerate(facts.models) if m.name == before.name]
    if named:
        used = [i for i in named if (facts.models[i].contract is None) == (before.contract is None)]
        return (used or named)[-1] if before.contract is not None else (used or named)[0]
    if number < len(facts.models):
        return number
    # One that could not be computed has become the one that was made last.
    return len(facts.models) - 1 if facts.models and not before.outputs else None


def _grown_from(before: Model, facts: Facts) -> int | None:
    """What a graph has become that ended at a call, and so has no name of its own: the model with most of its calls.

    Of equals the last one made; layers in no model only where there are no models.
    """
    made = [i for i, m in enumerate(facts.models) if not m.unfinished] or range(len(facts.models))
    shared = {i: sum(1 for _ in _unchanged(before, facts.models[i])) for i in made}
    return max(made, key=lambda i: (shared[i], i), default=None)
