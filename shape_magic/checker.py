"""The observer of one run: it checks each model when it breaks or is used, and keeps the facts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shape_magic.capture.book import Place
from shape_magic.capture.observer import Observer, StandIn
from shape_magic.capture.session import Broken, Live, Session, Use
from shape_magic.errors import WeightsTooLargeError
from shape_magic.facts import Facts, Failure, Given, Model
from shape_magic.interrupts import GaveUp
from shape_magic.rules import Found, diagnose
from shape_magic.rules.finding import Finding
from shape_magic.rules.weights_exceed_memory import gibibytes
from shape_magic.spans import Span
from shape_magic.standins import NoStandIn, stand_in
from shape_magic.trace.answers import Answers
from shape_magic.trace.data import shape_of
from shape_magic.trace.failures import failure_of
from shape_magic.trace.inputs import refused
from shape_magic.trace.layers import bytes_of
from shape_magic.trace.loose import broken_facts, loose_facts
from shape_magic.trace.memory import available
from shape_magic.trace.models import model_facts
from shape_magic.trace.rows import graph_of, is_layer, name_of
from shape_magic.trace.strays import stray_in
from shape_magic.trace.unmade import method_facts, unmade_facts
from shape_magic.trace.worker import in_worker
from shape_magic.words import say


class Halt(BaseException):
    """Ends a dry run where it can't go on; no ``except Exception`` of the user's takes it."""

    def _render_traceback_(self) -> list[str]:
        """One line where a notebook shows it."""
        return [say("magic.halted")]


#: A weight is not counted where it would take more of its kind than anybody makes to fill the budget. In bytes a
#: number takes at most ``_WIDEST``.
_COUNTLESS, _WIDEST = 2**16, 16


class Checker(Observer):
    """Checks the models of one cell, or of a list of cells.

    ``dry_run``: calls that train, evaluate or predict are checked and answered by a stand-in.
    ``on_found`` hears of findings at the call they are about, before it goes on, and may raise.
    """

    def __init__(
        self,
        session: Session,
        namespace: Mapping[str, Any],
        *,
        dry_run: bool,
        given: Given,
        on_found: Callable[[Checker, bool, BaseException | None], None] | None = None,
    ) -> None:
        super().__init__(session)
        self.namespace = namespace
        self.dry_run = dry_run
        self.given = given
        self.negligible = math.inf if given.budget is None else given.budget / _WIDEST / _COUNTLESS
        self.stood_in = False
        self._on_found = on_found
        #: By ``Tracked.number``: an id is used again when a model has gone.
        self._models: dict[int, _Seen] = {}
        #: The last facts that were diagnosed, with what was found.
        self._diagnosed: tuple[Facts, tuple[Found, ...]] | None = None
        #: What was found to go on, as it was seen first.
        self._seen: dict[tuple[object, ...], Model] = {}
        self._extra: list[Model] = []
        #: Models of a proof that nobody else may keep alive.
        self._held: list[Any] = []
        self._allocated = 0
        #: The last call of a model on values: what it was called on, and where.
        self._call: tuple[Any, tuple[Any, ...], dict[str, Any], Place | None] | None = None
        self._error: BaseException | None = None
        self._answers = Answers(session, namespace)

    def branch(self, session: Session, relocated: Callable[[Any], Any]) -> Checker:
        """Another checker that goes on from here with a branch of the session; ``relocated``: facts in its texts."""
        other = Checker(session, self.namespace, dry_run=self.dry_run, given=self.given, on_found=self._on_found)
        other.stood_in = self.stood_in
        other._models = {n: _Seen(relocated(s.facts), relocated(s.use), s.gravity) for n, s in self._models.items()}
        other._seen = {signature: relocated(facts) for signature, facts in self._seen.items()}
        other._extra = [relocated(facts) for facts in self._extra]
        other._held = list(self._held)
        other._allocated, other._call, other._error = self._allocated, self._call, self._error
        other._answers = self._answers.branch(session, relocated)
        return other

    # -- what the hooks report

    def before_model(self) -> None:
        """Look at the last model once more before it may go, if it has not been checked yet."""
        self._allocated = 0
        latest = self.session.latest
        tracked = self.session.tracked.get(latest) if latest is not None else None
        if tracked is None:
            return
        seen = self._models.get(tracked.number)
        if seen is not None:
            seen.use = None  # its data are not kept
        elif in_worker():
            self._held.append(latest)  # it has no weights there: it may as well stay, and is looked at in the end
        elif hasattr(latest, "_layers"):
            self._models[tracked.number] = _Seen(self._unused(latest))

    def before_weight(self, layer: Any, shape: Any, dtype: Any) -> None:
        """Stop an allocation that goes over the budget, before it is made."""
        budget = self.given.budget
        if budget is None:
            return
        after = self._allocated + bytes_of(shape, str(dtype or getattr(layer, "variable_dtype", None) or "float32"))
        if after > budget and not in_worker():
            size = after - self._allocated
            # The model's own weights so far count; of what other models took, the free memory tells.
            if self.given.budget_is_set or size > available():
                raise WeightsTooLargeError(
                    say("magic.too_large", layer=name_of(layer), size=gibibytes(size), free=gibibytes(budget))
                )
        self._allocated = after

    def before_use(self, use: Use) -> None:
        """Check a model against its data and labels before the first step."""
        signature = _signature(use)
        if signature in self._seen:
            if self.dry_run:
                self._answer(use, self._seen[signature])
            return
        facts = model_facts(self.session, use.model, self.namespace, use=use, given=self.given)
        found = self.diagnose(self.facts_of([facts]))
        fails = _fails(found)
        self._keep(use, facts, _gravity(found))
        if facts.contract is not None and facts.contract.own_step:
            self._answers.note_step(use.model, facts.contract)
        if found and self._on_found:
            self._on_found(self, fails, None)
        if not fails:  # what goes on is not looked at again in each step of a loop
            self._seen[signature] = facts
        if self.dry_run:
            if fails:
                raise Halt
            self._answer(use, facts)

    def before_call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> None:
        """Remember what a model is called on, for the case that it breaks; a proof checks it like any use."""
        self._call = model, args, kwargs, self.session.book.place(frame)
        if in_worker():
            self.before_use(self._use_of_call(*self._call))

    def after_answer(self, model: Any, answer: Any, frame: Any) -> None:
        """Look at what the code does with the answer."""
        self._answers.note(model, answer, frame)

    def end(self) -> None:
        """The cell has ended: look at what is complete only now. May be called twice."""
        self._answers.end_cell()

    def _use_of_call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], place: Place | None) -> Use:
        return self.session.use(model, "call", inspect.signature(type(model).call), args, kwargs, place)

    def caused(self, error: BaseException) -> bool:
        """Whether an exception is the one that a finding tells of."""
        return error is self._error

    def after_break(self, broken: Broken) -> None:
        """Keep what led to a call that raised."""
        self._error = broken.error
        try:
            facts = self._broken(broken)
        except GaveUp:
            self.session.gave_up = True
            return
        if facts is not None and self._on_found:
            self._on_found(self, False, broken.error)

    # -- facts

    def _keep(self, use: Use, facts: Model, gravity: int) -> None:
        """Keep the use of a model that is the one to report: it says more, or is the first that goes wrong."""
        tracked = self.session.tracked.get(use.model)
        if tracked is None:
            return
        before = self._models.get(tracked.number)
        if before is None or _says_more(facts, before.facts) or gravity > self._gravity_of(before):
            self._models[tracked.number] = _Seen(facts, use, gravity)

    def _gravity_of(self, seen: _Seen) -> int:
        if seen.gravity is None:
            seen.gravity = _gravity(self.diagnose(self.facts_of([seen.facts])))
        return seen.gravity

    def _unused(self, model: Any) -> Model:
        return model_facts(self.session, model, self.namespace, given=self.given)

    def _broken(self, broken: Broken) -> Model | None:
        model = broken.model
        leading = self._leading_to(broken)
        if leading is not None:
            self._extra.append(leading)
            return leading
        if model is None or not hasattr(model, "_layers"):
            facts = broken_facts(self.session, broken, self.given)
            if facts is None and isinstance(broken.error, ValueError | TypeError):
                facts = self._refused_input(broken.error, broken.span)
            stray = stray_in(self.session, broken) if facts is None and model is not None else None
            if stray is not None:
                facts = replace(_nameless(failure_of(broken.error), broken.span), stray=stray)
            if facts is None:
                handed = next((arg for arg in broken.args if is_layer(arg) and hasattr(arg, "name")), None)
                self.note_failure(broken.error, broken.span, name_of(handed) if handed is not None else None)
                return self._extra[-1]
            self._extra.append(facts)
            return facts
        tracked = self.session.tracked.get(model)
        known = self._models.get(tracked.number) if tracked is not None else None
        for seen in (known, *self._around(model)):
            if seen is not None and self._gravity_of(seen) == _ERROR:
                return seen.facts  # said before the call, which went on all the same
        use = self._use_of_call(*self._call) if self._call is not None and self._call[0] is model else None
        facts = model_facts(self.session, model, self.namespace, use=use, given=self.given)
        if not _fails(self.diagnose(self.facts_of([facts]))):  # a warning does not say why the call raised
            facts = with_failure(facts, broken.error, broken.span)
            inputs, construct = refused(self.session, next(iter(broken.args), None), broken.span)
            construct = construct or method_facts(self.session, model, broken.span)
            stray = stray_in(self.session, broken)
            facts = replace(facts, inputs=inputs or facts.inputs, construct=construct, stray=stray)
        noted = self.session.note_model(model, None)
        self._models[noted.number] = _Seen(facts, known.use if known is not None else None)
        return facts

    def _leading_to(self, broken: Broken) -> Model | None:
        """The graph that led to the call of a whole model which does not take what it is given."""
        model = broken.model
        if not broken.is_symbolic or broken.layers != (model,) or graph_of(model) is None:
            return None
        return broken_facts(self.session, broken, self.given, called=model)

    def _around(self, model: Any) -> Iterator[_Seen]:
        """The models that were used with this one in them."""
        for tracked in self.session.current:
            seen, whole = self._models.get(tracked.number), tracked.ref()
            if seen is not None and seen.facts.contract is not None and any(part is model for part in _parts(whole)):
                yield seen

    def _answer(self, use: Use, facts: Model) -> None:
        self.stood_in = True
        tracked = self.session.tracked.get(use.model)
        if tracked is not None and tracked.start is None and facts.inputs:
            tracked.start = facts.inputs[0].shape
        try:
            value = stand_in(use, facts.contract)
        except NoStandIn:
            raise Halt from None
        raise StandIn(value)

    def note_failure(self, error: BaseException, span: Span | None, handed: str | None = None) -> None:
        """Keep an exception that Keras, or Python of what Keras was given, raised in no call of a layer."""
        facts = unmade_facts(self.session, error, span) if handed is None else None
        self._extra.append(facts or _nameless(replace(failure_of(error), handed=handed), span))

    def note_unmade(self, error: BaseException) -> bool:
        """Keep the layer in whose constructor the cell ended; False where no rule has a repair for that."""
        facts = unmade_facts(self.session, error, None)
        if facts is None or not any(f.finding.repairs for f in self.diagnose(self.facts_of([facts]))):
            return False
        self._extra.append(facts)
        return True

    def _refused_input(self, error: BaseException, span: Span | None) -> Model | None:
        """What is known of a model whose input can't be made."""
        inputs, construct = refused(self.session, None, span)
        if construct is None:
            return None
        return replace(_nameless(failure_of(error), span), inputs=inputs, construct=construct)

    def facts(self) -> Facts:
        """Everything that is known of the models of this run."""
        return self.known()[0]

    def known(self) -> tuple[Facts, list[Live | None]]:
        """The same with the live model behind each: each is looked at once for both."""
        known = self._known()
        return self.facts_of([facts for facts, _ in known]), [live for _, live in known]

    def _known(self) -> list[tuple[Model, Live | None]]:
        self.end()
        models: list[tuple[Model, Live | None]] = []
        alive = [(t, t.ref()) for t in self.session.current]
        living = [model for _, model in alive if model is not None]
        inner = _inner_models(living, living)
        if self._extra:  # what broke the cell is told; of the parts of a layer that broke with it, nothing more is
            inner |= _inner_models(living, [obj for obj, _ in self.session.made.items()])
            inner |= {id(m) for m in living if getattr(m, "_inbound_nodes", ())}  # nor of those on the way there
        for tracked, model in alive:
            seen = self._models.get(tracked.number)
            known = seen.facts if seen is not None else None
            if model is not None and (known is None or known.contract is None) and not _stopped(known):
                if id(model) in inner:
                    continue
                known = self._unused(model)
            if known is not None and (known.calls or known.failure or known.contract or known.kind == "Model"):
                use = seen.use if seen is not None else None
                live = Live(model, use, tracked) if model is not None else None
                misreads, answered = self._answers.of(tracked)
                if misreads or (answered and in_worker()):
                    known = replace(known, misreads=misreads, answered=answered)
                models.append((known, live))
        return models + [(extra, None) for extra in [*self._extra, *self._loose()]]

    def _loose(self) -> list[Model]:
        """Layers called one after another that no model has taken up, where something is wrong with them.

        A cell may well make the first half of a model: of what is right so far nothing is said. A
        proof wants to see it all the same.
        """
        if self._extra or not self.session.computed:
            return []  # the run ended at a call that raised: that is the one to look at
        # What this run's calls gave is in no model of an earlier one.
        taken = {id(node) for t in self.session.current if (model := t.ref()) is not None for node in _nodes(model)}
        try:
            loose = loose_facts(self.session, self.namespace, self.given, taken)
        except GaveUp:
            self.session.gave_up = True
            return []
        return [m for m in loose if in_worker() or any(_is_serious(f) for f in self.diagnose(self.facts_of([m])))]

    def facts_of(self, models: list[Model]) -> Facts:
        """These models as facts, with what the user keeps on purpose."""
        marks = (cell.syntax.marks for cell in self.session.book.cells.values())
        return Facts(tuple(models), frozenset().union(*marks))

    def diagnose(self, facts: Facts) -> tuple[Found, ...]:
        """The findings; asked twice for the same models, before a call and for its report, the rules look once."""
        last = self._diagnosed
        if last is None or last[0].kept != facts.kept or not _are_same(last[0].models, facts.models):
            last = self._diagnosed = facts, diagnose(facts)
        return last[1]


@dataclass(slots=True)
class _Seen:
    """What is known of a model, and of the use that it is known from."""

    facts: Model
    use: Use | None = None
    #: How much what is found of this use weighs against what is found of others; None: nobody has looked.
    gravity: int | None = None


#: An error outweighs data with an axis too few or too many, on which the model computes all the same; and they
#: outweigh whatever the labels are compared with. Data of another size are often meant: patches, then whole pictures.
_ERROR, _MISFIT, _ELSE = 2, 1, 0


def _gravity(found: Sequence[Found]) -> int:
    if _fails(found):
        return _ERROR
    return _MISFIT if any(_has_other_axes(f.finding) for f in found) else _ELSE


def _has_other_axes(finding: Finding) -> bool:
    expected, actual = finding.expected, finding.actual
    return finding.topic == "data" and expected is not None and actual is not None and len(expected) != len(actual)


def _fails(found: Sequence[Found]) -> bool:
    return any(f.finding.severity == "error" for f in found)


def _are_same(some: Sequence[Model], others: Sequence[Model]) -> bool:
    """Whether these are the very same facts: comparing them by value would cost more than to look again."""
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))


def _nodes(model: Any) -> list[Any]:
    by_depth = getattr(graph_of(model), "_nodes_by_depth", {})
    return [node for nodes in by_depth.values() for node in nodes]


def _is_serious(found: Found) -> bool:
    return found.finding.severity != "info"


def _nameless(failure: Failure, span: Span | None) -> Model:
    """A model of which nothing is known but what stopped it."""
    return Model("model", "model", "Model", 0, 0, (), (), (), span, failure=failure)


def _stopped(known: Model | None) -> bool:
    return known is not None and (known.failure is not None or known.failed_call is not None)


def _says_more(now: Model, before: Model) -> bool:
    """Whether a use of the model is the one to report: a failure, else the first that compares with labels."""
    if before.contract is None or now.contract is None:
        return True
    if now.failed_call or now.contract.failure or now.failure:
        return True
    return bool(now.contract.y) or not before.contract.y


def with_failure(model: Model, error: BaseException, span: Span | None) -> Model:
    """The model with what stopped it as a whole."""
    return replace(model, failure=failure_of(error), span=span or model.span)


def _inner_models(models: list[Any], holders: list[Any]) -> set[int]:
    """Models that stand in one of these, as a layer or within one: their ends are no ends of a model."""
    known = {id(m) for m in models}
    return {id(layer) for holder in holders for layer in _parts(holder) if id(layer) in known}


def _parts(model: Any) -> list[Any]:
    """The layers in a model, at every depth; empty where it has none yet."""
    return list(model._flatten_layers(include_self=False)) if getattr(model, "_layers", None) else []


def _signature(use: Use) -> tuple[object, ...]:
    tracked = id(use.model), use.method
    compiled = id(getattr(use.model, "_compile_loss", None)), len(getattr(use.model, "_layers", ()) or ())
    return (
        *tracked,
        *compiled,
        *((k, shape_of(v) or id(v)) for k, v in use.arguments.items() if k in ("x", "y", "inputs")),
    )
