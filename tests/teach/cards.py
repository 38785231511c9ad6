"""Every card of the rules' documents, taken apart: its texts, what was filled into them, and the facts beside it."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from shape_magic import words
from shape_magic.facts import Call, Contract, Data, Model
from shape_magic.report import Diagnostic, Fix, Report
from shape_magic.rules import RULES
from tests.rules import documents

PARTS = ("title", "message", "where", "what", "why", "how")
#: Statements that make a model or use one; the others make data.
_MODELS = re.compile(r"keras|layers|\.fit\(|\.compile\(|\.predict\(|\.evaluate\(|model")


@dataclass(frozen=True)
class Card:
    """A finding of one document's cell."""

    id: str
    source: str
    report: Report
    finding: Diagnostic
    #: ``rule.<name>.<variant>``.
    variant: str

    @property
    def model(self) -> Model:
        """The model that the finding is about."""
        assert self.finding.model is not None
        return self.report.models[self.finding.model]

    @property
    def call(self) -> Call | None:
        """The layer that the finding is about."""
        return None if self.finding.call is None else self.model.calls[self.finding.call]

    @property
    def contract(self) -> Contract | None:
        """How the model is used."""
        return self.model.contract

    def texts(self) -> dict[str, str]:
        """Title, message and hints by their names."""
        return dict(zip(PARTS, (self.finding.title, self.finding.message, *self.finding.hints), strict=True))

    def filled(self) -> Iterator[tuple[str, str]]:
        """What was filled into the texts, by its name; once for each text that it stands in."""
        for part, text in self.texts().items():
            found = pattern(words.texts("en")[f"{self.variant}.{part}"]).fullmatch(text)
            assert found is not None, (self.id, part)
            yield from found.groupdict().items()

    def names(self) -> set[str]:
        """The words with digits in them that are no numbers: layers, classes, variables, parts of the cell."""
        calls = [*self.model.calls, *(c for m in self.report.models for c in m.calls)]
        named = {n for c in calls for n in (c.layer, c.class_name, *c.path)} | {m.name for m in self.report.models}
        return named | {n for m in self.report.models for n in (m.keras_name, *(d.name for d in m.inputs))}

    def data(self) -> list[Data]:
        """All arrays of the call."""
        found = self.contract
        both = (found, found.validation) if found else ()
        return [d for one in both if one for d in (*one.x, *one.y, *one.weights, *one.nearby)]


@cache
def pattern(template: str) -> re.Pattern[str]:
    """A template as a pattern with a group for each place."""
    seen: set[str] = set()

    def group(place: re.Match[str]) -> str:
        name = place[1]
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>.*?)"

    return re.compile(re.sub(r"\\\{(\w+)(?:!s)?\\\}", group, re.escape(template)), re.DOTALL)


def fits(template: str, text: str) -> Mapping[str, str] | None:
    """What was filled into a template to make the text; None where it didn't make it."""
    found = pattern(template).fullmatch(text)
    return found.groupdict() if found else None


@cache
def all_cards() -> tuple[Card, ...]:
    """The finding of every broken cell of every document; the reports are made once for all tests."""
    found = []
    for rule in RULES:
        for cell in documents.read(rule.name).here(documents.BROKEN):
            report = documents.checked(cell.source, cell.memory_budget)
            found += [Card(cell.id, cell.source, report, d, variant_of(d)) for d in report.diagnostics]
    return tuple(found)


def variant_of(finding: Diagnostic) -> str:
    """The message id that a finding's texts were made of: the longest one that fits."""
    known = words.texts("en")
    prefix = f"rule.{finding.rule}."
    variants = {key.removesuffix(".message") for key in known if key.startswith(prefix) and key.endswith(".message")}
    fitting = [
        v
        for v in variants
        if fits(known[f"{v}.message"], finding.message) is not None
        and fits(known[f"{v}.title"], finding.title) is not None
    ]
    return max(fitting, key=lambda v: len(known[f"{v}.message"]))


def note_of(fix: Fix) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The repairs whose title and note a fix has, with what was filled into the note."""
    known = words.texts("en")
    first = re.split(r"; ", fix.title, maxsplit=1)[0]
    for key, template in known.items():
        if key.startswith("fix.") and key.endswith(".note"):
            title = known[key.removesuffix("note") + "title"]
            note = fits(template, fix.note)
            if note is not None and (fits(title, fix.title) is not None or fits(title, first) is not None):
                yield key.removesuffix(".note"), note


@cache
def arrays(source: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that a cell makes, from running only its statements that make no model and use none."""
    names = documents.namespace()
    for statement in ast.parse(source).body:
        text = ast.get_source_segment(source, statement) or ""
        if isinstance(statement, ast.Assign | ast.Import | ast.ImportFrom) and not _MODELS.search(text):
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([statement], []), "<data>", "exec"), names)
    return {name: value for name, value in names.items() if isinstance(value, np.ndarray)}


def steady(source: str) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a cell that hold the same numbers in every run."""
    again = arrays.__wrapped__(source)
    return {name: value for name, value in arrays(source).items() if np.array_equal(value, again[name])}
