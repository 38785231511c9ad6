"""What a rule gives: a finding as data, with the candidates for its repair."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shape_magic.facts import Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.report import Place, Severity
from shape_magic.spans import Shape, Span
from shape_magic.words import say

#: memory: weights · call: a layer that can't be computed · layer: one that is computed, and hardly meant so ·
#: data: x against the model's input · contract: outputs against labels by shape · values: outputs, loss and labels
#: by what they hold · metric · weights: sample and class weights · validation · use: the call by itself ·
#: answers: what the code does with them.
Topic = Literal[
    "memory", "call", "layer", "data", "contract", "values", "metric", "weights", "validation", "use", "answers"
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or almost surely not meant."""

    severity: Severity
    #: ``rule.<name>.<variant>`` in the catalogue holds its texts.
    variant: str
    #: What it is about: of the findings on one topic of a model the first rule's stands.
    topic: Topic
    call: int | None
    values: Mapping[str, object]
    #: Of several outputs or inputs, which.
    item: int = 0
    repairs: tuple[Repair, ...] = ()
    expected: Shape | None = None
    actual: Shape | None = None
    keras_message: str | None = None
    #: ``correction.<id>`` in the catalogue: what is wrong with Keras' own sentence; empty: nothing.
    correction: str = ""
    #: Where it stands; None: at the call's constructor.
    span: Span | None = None
    related: tuple[tuple[Span | None, str], ...] = ()
    #: Whether a ``# shapecheck: keep`` comment may silence it.
    keepable: bool = False
    #: What it stands at when it names no call; None: what its topic is about.
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named pattern; its documentation with executed examples stands beside it as ``<name>.md``."""

    name: str
    check: Callable[[Model, Facts], Iterator[Finding]]


def stands_at(finding: Finding) -> Place:
    """What of the contract a finding stands at that names no call."""
    return finding.place or ("input" if finding.topic in ("call", "data", "validation") else "loss")


def contains(outer: Span, inner: Span) -> bool:
    """Whether a piece of a cell lies within another."""
    starts = (outer.start_line, outer.start_col) <= (inner.start_line, inner.start_col)
    ends = (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)
    return outer.cell == inner.cell and starts and ends


def listed(items: Sequence[str]) -> str:
    """Some things in a sentence: ``"a"``, ``"a and b"``, ``"a, b and c"``."""
    if len(items) < 2:
        return "".join(items)
    return say("rule.and", first=", ".join(items[:-1]), last=items[-1])


#: Filled in by ``diagnose``: the rule's name and the model's position beside the finding.
@dataclass(frozen=True, slots=True)
class Found:
    """A finding with its rule and its model."""

    rule: str
    model: int
    finding: Finding = field(repr=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same finding in another trace of the same model."""
        return self.rule, self.finding.topic, self.finding.variant
