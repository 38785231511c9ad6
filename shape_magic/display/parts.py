"""The pieces of a view: frozen, ready-to-draw plain data in which every text is finished and harmless to a terminal.

Texts that come from the user have their control characters made visible (``visible``); what is
left to a display is the escaping of its own medium.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from shape_magic.report import Severity

#: ``predicted``: as it would be with the first fix; ``new``: what that fix would bring;
#: ``arrived``: what a fix has just brought.
State = Literal["ok", "broken", "warned", "asked", "predicted", "new", "arrived", "unreached"]
RowKind = Literal["input", "layer", "loss", "labels", "code"]
#: A model's most serious finding.
Status = Literal["ok", "error", "warning", "info"]
#: A block that repeats, a nested model, or the part of a long ladder in which nothing happens.
FoldKind = Literal["repeat", "nested", "stretch"]
#: What a branch's line does beside a row, top to bottom.
Rail = Literal["", "start", "pass", "tee", "end"]

#: Longer names and values are cut in the middle, in characters.
LONGEST = 96


def visible(text: str, *, lines: bool = False) -> str:
    """The text with nothing in it that a terminal or a page would obey instead of showing.

    Control characters become their pictures (``␛``), marks that reorder or hide text become
    ``<U+202E>``, lone surrogates too. ``lines=True`` keeps line breaks and turns tabs into spaces.
    """
    if lines:
        return "\n".join(visible(line.expandtabs(4)) for line in text.split("\n"))
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return f"<U+{code:04X}>"
    return char


def short(text: str, longest: int = LONGEST) -> str:
    """The text made visible and cut in the middle when it is too long to be read."""
    if len(text) > longest:
        half = (longest - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return visible(text)


@dataclass(frozen=True, slots=True)
class AxisCell:
    """One axis of a tensor in the rank glyph."""

    letter: str
    #: What the axis means, ``"height"``: a name that looks go by.
    axis: str
    #: ``"26"``, or ``"None"`` for an open axis.
    size: str
    #: The axis as a person calls it.
    word: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ladder."""

    kind: RowKind
    #: ``"Conv2D"``; for the other kinds the word for what it is: ``"input"``, ``"loss"``, ``"labels"``, ``"code"``.
    title: str
    #: The layer's, array's or loss' name.
    name: str
    #: What it does, or what the labels are.
    summary: str
    glyph: tuple[AxisCell, ...]
    #: ``"(None, 26, 26, 32)"``, empty where there is none.
    shape: str
    #: ``"320"``, empty where there are no weights to count.
    params: str = ""
    #: Position in the model's ladder, folded rows counted too: what cards refer to.
    id: int = 0
    state: State = "ok"
    #: ``"breaks here"``, ``"new"``, ``"as it would be with Flatten()"``: the state in words, empty when ok.
    mark: str = ""
    #: The rows that it reads, by name, when that isn't simply the row above: ``"from conv2d_2 + add"``.
    source: str = ""
    #: Whether it reads the row above.
    linked: bool = True
    #: The branches that run beside it, one per lane.
    rails: tuple[Rail, ...] = ()
    #: The names that lead to the layer through nested models, its own last.
    path: tuple[str, ...] = ()
    #: The position in ``Model.calls``; of a predicted row in ``Effect.layers``; None for the other kinds.
    call: int | None = None
    type: Literal["row"] = "row"


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that are shown as one line until somebody asks."""

    kind: FoldKind
    #: ``"3 × (Conv2D · BatchNormalization)"``, the nested model's name, ``"40 rows more"``.
    title: str
    #: ``"6 layers"``.
    summary: str
    #: What the last row of it gives.
    glyph: tuple[AxisCell, ...]
    shape: str
    params: str
    items: tuple[Row | Fold, ...]
    state: State = "ok"
    #: True where something inside needs to be seen.
    open: bool = False
    #: The branches that run beside it while it is closed.
    rails: tuple[Rail, ...] = ()
    #: How many equal blocks its items are; 0 where they don't repeat.
    times: int = 0
    type: Literal["fold"] = "fold"


Item = Row | Fold


def flatten(items: tuple[Item, ...]) -> Iterator[Row]:
    """Every row, those in folds too, top to bottom."""
    for item in items:
        if isinstance(item, Row):
            yield item
        else:
            yield from flatten(item.items)


def shown(items: tuple[Item, ...], depth: int = 0) -> Iterator[tuple[int, Item]]:
    """Every line that is seen without asking, with its depth: a closed fold is one, an open one heads its rows."""
    for item in items:
        yield depth, item
        if isinstance(item, Fold) and item.open:
            yield from shown(item.items, depth + 1)


@dataclass(frozen=True, slots=True)
class FixView:
    """One repair on a card."""

    #: ``"<diagnostic>.<fix>"``, both positions in the report: what a front end may ask for.
    id: str
    #: The N of ``%%shapecheck --fix N``: counted from 1 through the whole report.
    number: int
    title: str
    #: ``"Flatten"``.
    label: str
    #: What it keeps and costs.
    note: str
    #: ``("-" | "+" | " ", text)`` per line.
    diff: tuple[tuple[str, str], ...]
    #: What pressing does: ``"edits cell 3, then runs cells 3, 4, 6 · trains 10 epochs"``.
    does: str
    #: The button's text.
    button: str
    #: Whether there is a cell to edit; else why not.
    editable: bool
    why_not: str
    #: Whether pressing runs cells.
    runs: bool
    trains: bool
    #: Code for another place than a cell, where there is any.
    snippet: str
    #: What a copy button copies, as it is to be pasted: the whole cell after the fix, else the new lines.
    paste: str
    #: What remains after it, empty where nothing does.
    remains: str


@dataclass(frozen=True, slots=True)
class ActionView:
    """Something else to press on a card; ``id`` is ``"<diagnostic>.keep<position>"``."""

    id: str
    kind: str
    title: str
    editable: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class Card:
    """One finding, opened under the row that it speaks of."""

    #: Position in ``Report.diagnostics``.
    diagnostic: int
    rule: str
    severity: Severity
    #: The severity as a word and as a sign.
    word: str
    icon: str
    title: str
    message: str
    #: Empty where Keras has said nothing.
    keras_message: str
    #: ``Row.id`` of the row under which it opens; None: above the ladder.
    row: int | None
    #: The first two are shown side by side, the others under *More*.
    fixes: tuple[FixView, ...]
    actions: tuple[ActionView, ...]
    hints: tuple[str, ...]
    #: Where hints are told one at a time: the names of the steps that were told, ``"Where"``.
    steps: tuple[str, ...] = ()
    #: What asks for the next step, ``"Next hint (2 of 4)"``; empty where there is none.
    next_hint: str = ""
    #: The same for a display without buttons.
    ask_hint: str = ""
    #: The field's words in title and message, each with the sentence that explains it.
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model, or several of the same build."""

    #: ``"model"``, ``"model ×5"``.
    title: str
    #: The line that says it all: ``"✓ model: (None, 28, 28, 1) → (None, 10) · 34,826 params"``.
    line: str
    #: The most serious finding, or ``"ok"``.
    status: Status
    #: Whether the ladder is shown without asking: only where something is wrong.
    open: bool
    #: How many models it stands for, and their names.
    count: int
    names: tuple[str, ...]
    items: tuple[Item, ...]
    cards: tuple[Card, ...]
    #: How many lanes the branches need.
    lanes: int = 0

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row of the ladder, folded ones too."""
        return tuple(flatten(self.items))


@dataclass(frozen=True, slots=True)
class Done:
    """What was just written into the notebook."""

    #: ``"Inserted Flatten(), line 6"``.
    message: str
    #: Whether there is something to take back.
    undo: bool = True
    #: The model that it mended, by its variable, and the positions of the calls that it brought there: their
    #: rows are shown as new. Their names would not do, for Keras counts them on from run to run.
    model: str = ""
    calls: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A report, ready to be drawn."""

    models: tuple[ModelView, ...]
    #: Findings that belong to no model.
    cards: tuple[Card, ...]
    ok: bool
    done: Done | None = None

    def to_dict(self) -> dict[str, Any]:
        """The view as plain data for JSON; ``type`` tells a row from a fold."""
        return asdict(self)
