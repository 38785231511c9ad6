"""``exercise``: a correct model, broken by a named mistake; the learner finds the place and repairs the cell."""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shape_magic.errors import UsageError
from shape_magic.report import Diagnostic, Report
from shape_magic.rules import RULES
from shape_magic.settings import current
from shape_magic.teach import attempts, judge
from shape_magic.teach.bench import Run, run
from shape_magic.teach.documented import documented
from shape_magic.teach.mistakes import MAKERS, Draft
from shape_magic.teach.places import layers_of, right_places
from shape_magic.teach.shown import bundle_of
from shape_magic.words import say

#: How many drafts are tried before a rule is given up.
_PATIENCE = 12
#: Nobody looks through more places than these.
_MOST_PLACES = 40


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an exercise says of an answer."""

    #: Whether the place is right, and whether the cell is repaired; None: that was not answered.
    layer_right: bool | None
    repaired: bool | None
    message: str


def exercise(rule: str = "", seed: int = 0) -> Exercise:
    """An exercise for a rule: ``teach.exercise("dense-on-feature-map")``; another seed gives another cell.

    Every rule of ``%shapecheck --rules`` has one. Before it is set, the check has found nothing in the correct
    cell, and this rule alone in the broken one. Raises UsageError for an unknown rule, and lists them.
    """
    names = ", ".join(each.name for each in RULES)
    if not rule:
        raise UsageError(say("exercise.error.which", rules=names))
    if rule not in {each.name for each in RULES}:
        raise UsageError(say("exercise.error.no_rule", rule=rule, rules=names))
    for draft in _drafts(rule, seed):
        try:
            correct = run(draft.correct, memory_budget=draft.memory_budget)
            broken = run(draft.broken, memory_budget=draft.memory_budget)
        except AttributeError:  # a layer that an older Keras has not
            continue
        if correct.report.diagnostics:
            continue
        if [finding.rule for finding in broken.report.diagnostics] != [rule]:
            continue
        made = Exercise(rule, seed, draft, correct, broken)
        if 2 <= len(made.layers) <= _MOST_PLACES:
            return made
    raise UsageError(say("exercise.error.none", rule=rule))


def _drafts(rule: str, seed: int) -> Iterator[Draft]:
    makers = MAKERS.get(rule, ())
    for attempt in range(_PATIENCE if makers else 0):
        yield makers[(seed + attempt) % len(makers)](random.Random(f"{rule} {seed} {attempt}"))
    pages = documented(rule)
    yield from (*pages[seed % len(pages) :], *pages[: seed % len(pages)])


class Exercise:
    """A broken cell to repair; displays itself, and does in Python all that its buttons do."""

    def __init__(self, rule: str, seed: int, draft: Draft, correct: Run, broken: Run) -> None:
        self.rule = rule
        self.seed = seed
        #: The broken cell. It finds keras, layers and np imported.
        self.source = draft.broken
        #: One way to repair it: the cell from which the exercise was made.
        self.solution = draft.correct
        #: The names of the layers, and the other places that can be to blame.
        self.layers = layers_of(self.source, correct.report, broken.report)
        self.hints_shown = 0
        self.layer_found = self.repaired = False
        self._budget = draft.memory_budget
        self._correct, self._broken = correct, broken
        self._fixes: list[Run] | None = None
        self._places = right_places(self.finding, self.source, correct.report, broken.report)
        self._widget: Any = None

    @property
    def finding(self) -> Diagnostic:
        """What the check says of the broken cell."""
        return self._broken.report.diagnostics[0]

    @property
    def solved(self) -> bool:
        """Whether the place was found and the cell repaired, in one answer or in several."""
        return self.layer_found and self.repaired

    def answer(self, layer: str | None = None, repair: str | None = None) -> Verdict:
        """Judge a place, a repair, or both.

        ``repair`` is the whole cell. It is run, as a cell of the notebook would be, in a namespace of its own with
        training answered by stand-ins; whatever traces clean with the same data and labels is accepted. Errors in it
        are told in the message. Raises UsageError for a place that is not among ``layers``.
        """
        if layer is not None and layer not in self.layers:
            raise UsageError(say("exercise.error.no_layer", layer=layer, layers=", ".join(self.layers)))
        found = None if layer is None else layer in self._places
        parts = [] if layer is None else [say(f"exercise.layer_{'right' if found else 'wrong'}", layer=layer)]
        fixed = None
        if repair is not None:
            why = self._refused(repair)
            fixed = why is None
            contract = any(model.contract for model in self._correct.report.models)
            parts.append(why or say("exercise.repaired" if contract else "exercise.repaired_no_labels"))
        self.layer_found = self.layer_found or bool(found)
        self.repaired = self.repaired or bool(fixed)
        attempts.note("exercise", rule=self.rule, seed=self.seed, layer_right=found, repaired=fixed)
        return Verdict(found, fixed, " ".join(parts) or say("exercise.empty"))

    def next_hint(self) -> str:
        """One step of help more: where, what, why, how. None is given where ``ShapeMagic.fixes`` is "off"."""
        if current().fixes == "off":
            return say("exercise.hints_off")
        hints = self.finding.hints
        if self.hints_shown >= len(hints):
            return say("exercise.no_more_hints")
        self.hints_shown += 1
        attempts.note("hint", rule=self.rule, level=self.hints_shown)
        self._refresh()
        return say("exercise.hint_text", n=self.hints_shown, total=len(hints), text=hints[self.hints_shown - 1])

    def another(self) -> Exercise:
        """Become the exercise of the next seed, where it is displayed too."""
        vars(self).update(vars(exercise(self.rule, self.seed + 1)), _widget=self._widget)
        self._refresh()
        return self

    def _refresh(self) -> None:
        if self._widget is not None:
            self._widget.refresh()

    def _refused(self, repair: str) -> str | None:
        """Why a repair is not accepted; None where it is."""
        if repair.strip() == self.source.strip():
            return say("exercise.unchanged")
        if judge.silences(repair, self.source):
            return say("exercise.silenced")
        try:
            done = run(repair, memory_budget=self._budget)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the learner's own, told in words
            return _python_said(error)
        report = done.report
        if not report.ok and not self._left_by_a_fix(report):
            return say("exercise.still", title=report.diagnostics[0].title)
        lost = judge.lost_calls(repair, [self.source, self.solution])
        if lost:
            return say("exercise.lost_call", call=lost[0])
        if not report.models or not report.models[-1].calls:
            return say("exercise.no_model")
        return None if any(judge.same_task(done, each) for each in self._tasks()) else say("exercise.other_task")

    def _tasks(self) -> Iterator[Run]:
        """Cells whose data and labels are the exercise's: the correct one, and what the check's own fixes write.

        The broken one too, where it does have labels: not all repairs change them as the correct cell does.
        """
        yield self._correct
        if any(model.contract and model.contract.y for model in self._broken.report.models):
            yield self._broken
        yield from self._fixed()

    def _fixed(self) -> list[Run]:
        """The cells that the check's own fixes write; they are run when they are first asked for."""
        if self._fixes is None:
            sources = [fix.source for fix in self.finding.fixes if fix.source is not None and fix.complete]
            self._fixes = [run(source, memory_budget=self._budget) for source in sources]
        return self._fixes

    def _left_by_a_fix(self, report: Report) -> bool:
        """Whether all that is still found is a question that one of the check's own fixes raises too."""
        found = {(each.rule, each.title) for each in report.diagnostics}
        left = [{(each.rule, each.title) for each in done.report.diagnostics} for done in self._fixed()]
        return any(found <= one for one in left)

    def __repr__(self) -> str:
        places = ", ".join(self.layers)
        lines = [say("exercise.title", rule=self.rule), say("exercise.task"), "", self.source.rstrip(), ""]
        return "\n".join([*lines, say("exercise.text.how", layers=places)])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The widget, where front ends show one, and the text."""
        from shape_magic.settings import current

        text = {"text/plain": repr(self)}
        if current().static:
            return text
        from shape_magic.teach.exercise_widget import ExerciseWidget

        if self._widget is None:
            self._widget = ExerciseWidget(self)
        return {**bundle_of(self._widget), **text}


def _python_said(error: BaseException) -> str:
    """A learner's own error in words, with its line in the cell."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("<shape_magic run"):
            line = frame.lineno
    text = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}".rstrip(": ")
    place = say("exercise.python_line", line=line) if line else ""
    return say("exercise.python", place=place, error=text.split("\n")[0])
