"""``quiz``: blanks in a model's ladder, checked at once, with wrong answers recognised by what is behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shape_magic.errors import UsageError
from shape_magic.facts import Call, Model
from shape_magic.teach import attempts
from shape_magic.teach.answers import readings
from shape_magic.teach.blanks import choose
from shape_magic.teach.derivations import derive
from shape_magic.teach.misconceptions import ALL, Misconception, Sizes, candidates
from shape_magic.teach.shown import bundle_of
from shape_magic.words import say, shape_text

State = Literal["open", "right", "shown"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a quiz says of one answer."""

    right: bool
    #: The id of the misconception that gives this answer, where one is known.
    misconception: str | None
    message: str
    #: False where the text could not be read as a shape: that is no try.
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """How a quiz stands."""

    #: Blanks that were answered right, at whichever try.
    right: int
    #: Blanks that were tried or shown.
    asked: int
    total: int
    #: Blanks that were answered right at the first try.
    first_try: int

    @property
    def share(self) -> float:
        """The right ones among all, from 0 to 1."""
        return self.right / self.total if self.total else 0.0


@dataclass(slots=True)
class Question:
    """One blank."""

    #: What ``Quiz.answer`` calls it: the layer's name, with ``#2`` where the layer is called a second time.
    layer: str
    call: Call = field(repr=False)
    state: State = "open"
    #: What was answered, first to last, and what was said to it last.
    tries: list[tuple[Sizes, ...]] = field(default_factory=list)
    message: str = ""
    #: Whether what was said last is that an answer was wrong.
    wrong: bool = False

    def is_right(self, sizes: Sizes) -> bool:
        """Whether an answer is the traced shape, with or without its batch axis."""
        shape = self.call.output_shape
        return shape is not None and sizes in (shape, shape[1:])

    @property
    def failed_first(self) -> bool:
        """Whether the first try was wrong."""
        return bool(self.tries) and not any(self.is_right(sizes) for sizes in self.tries[0])


def quiz(model: Any, blanks: int | Sequence[str] | None = None, seed: int = 0) -> Quiz:
    """A quiz on the shapes of a Keras model, or of the last model of a cell's source.

    ``blanks`` are the names of the layers to ask about, or how many; None: as many as it takes to tell
    misconceptions apart. No weights are made. Raises UsageError where there is nothing to ask.
    """
    return Quiz(_facts_of(model), blanks, seed)


def _facts_of(model: Any) -> Model:
    if isinstance(model, str):
        from shape_magic.teach.bench import dry_run

        models = dry_run(model).models
    else:
        from shape_magic.api import check

        models = check(model).models
    if not models:
        raise UsageError(say("quiz.error.no_model"))
    if not any(call.output_shapes for call in models[-1].calls):
        raise UsageError(say("quiz.error.no_shapes"))
    return models[-1]


class Quiz:
    """A model's ladder with blanks; displays itself, and does in Python all that its fields and buttons do."""

    def __init__(self, model: Model, blanks: int | Sequence[str] | None = None, seed: int = 0) -> None:
        self.model = model
        named = _named(model)
        if blanks is None or isinstance(blanks, int):
            calls = choose(model.calls, blanks, seed)
        else:
            calls = sorted((_call_named(name, named) for name in blanks), key=lambda call: call.call)
        if not calls:
            raise UsageError(say("quiz.error.no_blanks"))
        names = {call.call: name for name, call in named.items()}
        self.questions = tuple(Question(names[call.call], call) for call in calls)
        self._widget: Any = None

    @property
    def score(self) -> Score:
        """How it stands."""
        right = [q for q in self.questions if q.state == "right"]
        return Score(
            right=len(right),
            asked=sum(bool(q.tries) or q.state == "shown" for q in self.questions),
            total=len(self.questions),
            first_try=sum(not q.failed_first for q in right),
        )

    @property
    def misconceptions(self) -> Counter[str]:
        """How many wrong first answers each misconception is behind, all answers considered together."""
        return Counter(
            best.id for q in self.questions if q.failed_first and (best := self._likeliest(q, q.tries[0])) is not None
        )

    @property
    def diagnosis(self) -> str | None:
        """The misconception that explains the first answers best; None where none explains them."""
        best = max(ALL, key=self._evidence)
        return best.id if self._evidence(best) > 0 else None

    def answer(self, layer: str, text: str) -> Answer:
        """Check what was written for a layer's shape; what can't be read as a shape does not count as a try."""
        question = self._question(layer)
        sizes = readings(text)
        if not sizes:
            return self._said(question, Answer(False, None, say("quiz.format"), counted=False))
        if question.state != "open":
            right = any(question.is_right(one) for one in sizes)
            return Answer(right, None, say(f"quiz.after_{question.state}"), counted=False)
        question.tries.append(sizes)
        if any(question.is_right(one) for one in sizes):
            question.state = "right"
            answer = Answer(True, None, self._solution(question))
        else:
            answer = self._wrong(question, sizes)
        attempts.note("quiz", right=answer.right, misconception=answer.misconception)
        return self._said(question, answer)

    def show(self, layer: str) -> str:
        """The answer to a blank, which then counts as not right; only when the blanks above it are done."""
        question = self._question(layer)
        if self._open_above(question):
            question.message = say("quiz.show_later")
        elif question.state == "open":
            question.state = "shown"
            question.message, question.wrong = self._solution(question), False
        self._refresh()
        return question.message

    def _question(self, layer: str) -> Question:
        found = next((q for q in self.questions if q.layer == layer), None)
        if found is None:
            raise UsageError(say("quiz.error.no_blank", layer=layer, blanks=", ".join(q.layer for q in self.questions)))
        return found

    def _said(self, question: Question, answer: Answer) -> Answer:
        question.message, question.wrong = answer.message, answer.counted and not answer.right
        self._refresh()
        return answer

    def _refresh(self) -> None:
        if self._widget is not None:
            self._widget.refresh()

    def _open_above(self, question: Question) -> bool:
        return any(q.state == "open" for q in self.questions[: self.questions.index(question)])

    def _solution(self, question: Question) -> str:
        shape = shape_text(question.call.output_shape or (), batch=say("axis.batch"))
        way = derive(question.call)
        how = f" {way.how}" if way and not self._open_above(question) else ""
        return say(f"quiz.is_{question.state}", shape=shape) + how

    def _wrong(self, question: Question, sizes: tuple[Sizes, ...]) -> Answer:
        best = self._likeliest(question, sizes)
        if self._open_above(question):  # the numbers would give away what stands above
            message = say("quiz.wrong_below", name=best.name) if best else say("quiz.wrong_unknown_below")
            return Answer(False, best.id if best else None, message)
        if best is not None:
            return Answer(False, best.id, best.explain(question.call, solved=False))
        way = derive(question.call)
        written = shape_text(sizes[0])
        return Answer(False, None, say("quiz.wrong_unknown", answer=written) + (f" {way.task}" if way else ""))

    def _likeliest(self, question: Question, sizes: tuple[Sizes, ...]) -> Misconception | None:
        found = candidates(question.call, *sizes)
        return max(found, key=self._evidence, default=None)

    def _evidence(self, misconception: Misconception) -> int:
        """First answers that it gives, less those that it would have given otherwise."""
        evidence = 0
        for question in self.questions:
            if not question.tries:
                continue
            gives = any(misconception.recognises(question.call, one) for one in question.tries[0])
            if gives:
                evidence += 1
            elif misconception.predict(question.call) is not None:
                evidence -= 1
        return evidence

    def __repr__(self) -> str:
        from shape_magic.teach.quiz_view import quiz_text

        return quiz_text(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The widget, where front ends show one, and the text."""
        from shape_magic.settings import current

        text = {"text/plain": repr(self)}
        if current().static:
            return text
        from shape_magic.teach.quiz_widget import QuizWidget

        if self._widget is None:
            self._widget = QuizWidget(self)
        return {**bundle_of(self._widget), **text}


def _named(model: Model) -> dict[str, Call]:
    """The model's calls by the name of their layer, told apart where a layer is called again."""
    named: dict[str, Call] = {}
    seen: Counter[str] = Counter()
    for call in model.calls:
        seen[call.layer] += 1
        named[call.layer if seen[call.layer] == 1 else f"{call.layer}#{seen[call.layer]}"] = call
    return named


def _call_named(name: str, named: dict[str, Call]) -> Call:
    call = named.get(name)
    if call is None or len(call.output_shapes) != 1 or call.class_name == "InputLayer":
        can = [n for n, c in named.items() if len(c.output_shapes) == 1 and c.class_name != "InputLayer"]
        raise UsageError(say("quiz.error.no_layer", layer=name, layers=", ".join(can)))
    return call


__all__ = ["Answer", "Question", "Quiz", "Score", "quiz"]
