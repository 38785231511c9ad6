"""What a hint gives away, measured: which repairs are still plausible after it, and whether it names one.

A *candidate* is a kind of repair at a place: ``("Flatten", "dense")``. Kinds are what the fixes of all rules
bring, by their labels; places are the model's layers, its input, and the calls of ``compile`` and ``fit`` (with
the data that they are given). From step to step the candidates are those that a reader is left with:

- before the first hint: every kind at every place,
- *where*: the places that the sentence names, with all above them where it says so,
- *what*: of the kinds those that some finding with the same facts (as many tensors of the same ranks, the
  same words of the contract) is repaired by, in any document,
- *why*: those that this rule's findings are repaired by,
- *how*: those that this finding's own fixes are of.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from shape_magic.facts import Model
from shape_magic.report import Diagnostic, Fix, Report
from shape_magic.rules import RULES
from tests.rules import documents
from tests.rules.documents import BROKEN

Candidate = tuple[str, str]
#: Words of the field that are also names in code: a give-away only where they stand as code.
FIELD_WORDS = frozenset({"accuracy", "array", "axis", "batch", "loss", "same", "shape", "units"})
#: Where something may be repaired beside the layers.
AROUND = ("input", "compile", "fit", "elsewhere")
#: What a first hint says, and the places that it means beside the layers that it names.
_PLACES = {
    r"\bcompile\b|\bloss\b|\bloss_weights\b|\bmetrics\b": ("compile",),
    r"\binputs?\b|\bbase model\b": ("input",),
    r"\bcall\b|\barguments?\b|\blabels\b|\bvalidation_\w+|\b(sample|class)_weight\b": ("fit",),
    r"\bdata\b|\bdtype\b|\brows\b": ("fit",),
    r"is made\b|\bmakes\b|\bthe code\b|\bthe line\b": ("elsewhere",),
}
#: Of a second hint, what it speaks of beside shapes.
_CONTRACT = (
    "labels",
    "loss",
    "activation",
    "window",
    "ax[ei]s",
    "sample",
    "batch",
    "metric",
    "argument",
    "fraction",
    "in the place of",
    "keys",
    "outputs",
    "inputs",
    "shape",
    "grid",
    "list",
    "number",
    "array",
    "tensor",
    "data",
    "row",
    "element",
    "mean",
    "vocabulary",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A diagnostic of a document's broken cell."""

    id: str
    source: str
    diagnostic: Diagnostic
    model: Model | None
    report: Report


@cache
def cases() -> tuple[Case, ...]:
    """Every diagnostic of the documents."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for rule in RULES:
        for cell in documents.read(rule.name).here(BROKEN):
            report = documents.checked(cell.source, cell.memory_budget)
            for k, found in enumerate(report.diagnostics):
                model = report.models[found.model] if found.model is not None else None
                yield Case(f"{cell.id}/{k}", cell.source, found, model, report)


# -- what a hint must not name


def brought(source: str, fixes: Iterable[Fix]) -> set[str]:
    """What fixes insert, as words that would give them away: classes, functions, arguments and their values."""
    found: set[str] = set()
    old = _words(source)
    for fix in fixes:
        found |= _words(fix.source) - old if fix.source else set()
        found |= {fix.label} if fix.label and fix.label not in source else set()
    return {word for word in found if re.search(r"[A-Za-z]{3}", word)}


def _words(source: str) -> set[str]:
    """``Flatten``, ``padding``, ``padding='same'``, ``same``: the names of calls and arguments, and values."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            words.add(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
            words |= {k.arg for k in node.keywords if k.arg}
            words |= {f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords if k.arg}
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
    return words


def given_away(text: str, words: Iterable[str]) -> set[str]:
    """Which of the words a text names; words of the field only count as code: in backticks or before ``=`` or ``(``."""
    code = " ".join(quoted or named for quoted, named in re.findall(r"`([^`]*)`|(\w+[=(])", text))
    return {w for w in words if _names(code if w in FIELD_WORDS else text, w)}


def _names(text: str, word: str) -> bool:
    quoted = re.escape(word).replace("'", "[\"']")
    return re.search(rf"(?<!\w){quoted}(?!\w)", text) is not None


# -- which repairs are left


def kind(fix: Fix) -> str:
    """What a fix does, whatever the numbers: the class or argument that it brings, ``remove``, or an expression."""
    head = re.match(r"[A-Za-z]\w*(?=[=( ]|$)", fix.label)
    if head is None:
        return "expression"
    code = f"{fix.source}\n{fix.snippet}"
    is_code = head[0][0].isupper() or re.search(rf"\b{head[0]}=", code)
    return head[0] if is_code or head[0] == "remove" else "expression"


@cache
def kinds() -> dict[str, frozenset[str]]:
    """The kinds of repair that each rule's fixes are of, in all documents; ``""``: those of all rules."""
    by_rule: dict[str, set[str]] = {}
    for case in cases():
        for name in ("", case.diagnostic.rule):
            by_rule.setdefault(name, set()).update(map(kind, case.diagnostic.fixes))
    return {name: frozenset(found) for name, found in by_rule.items()}


@cache
def kinds_by_facts() -> dict[tuple[object, ...], frozenset[str]]:
    """The kinds of repair by the facts that a second hint tells."""
    by_facts: dict[tuple[object, ...], set[str]] = {(): set(kinds()[""])}  # who learns nothing excludes nothing
    for case in cases():
        by_facts.setdefault(facts(case.diagnostic.hints[1]), set()).update(map(kind, case.diagnostic.fixes))
    return {key: frozenset(found) for key, found in by_facts.items()}


def facts(what: str) -> tuple[object, ...]:
    """What a second hint says of tensors and of the contract, without names and sizes."""
    shapes = re.findall(r"\((?:batch|None|\d+)(?:, ?(?:batch|None|\d+))*,?\)", what)
    ranks = sorted(len([part for part in shape.strip("()").split(",") if part.strip()]) for shape in shapes)
    return (*ranks, *(word for word in _CONTRACT if re.search(rf"\b{word}", what, flags=re.IGNORECASE)))


def places(model: Model | None) -> tuple[str, ...]:
    """Everywhere that a repair can be made."""
    calls = model.calls if model else ()
    return (*dict.fromkeys(call.layer for call in calls if call.class_name != "InputLayer"), *AROUND)


def named_places(where: str, model: Model | None) -> frozenset[str]:
    """The places that a first hint names; all of them where it names none."""
    every = places(model)
    layers = [place for place in every if place not in AROUND]
    named = {place for place in layers if f"`{place}`" in where}
    if re.search(r"\babove\b|\bbefore\b|\bin front\b|what .* gets\b|first layer", where):
        first = max((layers.index(place) for place in named), default=len(layers) - 1)
        named |= set(layers[: first + 1])
    for words, meant in _PLACES.items():
        if re.search(words, where):
            named |= set(meant)
    return frozenset(named) or frozenset(every)


def candidates(case: Case, hints: tuple[str, ...]) -> list[frozenset[Candidate]]:
    """What is plausible before the first of these hints and after each of them."""
    found, every = case.diagnostic, kinds()[""]
    everywhere = frozenset(places(case.model))
    where = named_places(hints[0], case.model)
    of_kinds = (
        every,
        every,
        kinds_by_facts().get(facts(hints[1]), every),
        kinds()[found.rule],
        frozenset(map(kind, found.fixes)),
    )
    left = frozenset((k, place) for k in every for place in everywhere)
    steps: list[frozenset[Candidate]] = []
    for step, kept in enumerate(of_kinds):
        left = frozenset((k, place) for k, place in left if k in kept and (step == 0 or place in where))
        steps.append(left)
    return steps
