"""A view as it travels to the page: what the page can work out is left out, and a block that repeats goes once.

The one place that says how. ``packed`` writes it; ``unpacked`` in ``wire.js`` is its only reader and
makes of it what ``View.to_dict`` gives, but for ``Row.call``. Everything is sent as ``View.to_dict`` has
it, except a model's ``items``, which are ``{"axes": …, "items": […]}``:

* A row is an array of texts, the ones of ``ROW`` in their order; empty ones at its end are left out.
  What is not a text becomes one: ``axes`` has a letter per cell (their sizes are those of the first
  shape in ``shape``), ``rails`` a sign per lane (``_RAILS``), ``within`` the names before the row's own,
  a line each. ``Row.id`` is the row's place among all rows.
* A fold is ``{"is": […], "items": […]}`` with the texts of ``FOLD``; its axes and shape are its last row's.
* A fold whose items repeat has the first block's alone, how often they stand there (``"times"``), and
  by ``"varies"`` what the others have instead: ``[k, series]`` for the k-th text of the block, counted
  through its rows and folds from 0. A series has a text for one block, ``[n, text, step…]`` for n: each
  number in the text grows by its step from block to block.
* A text of a row or a fold that was sent before is sent as a number: its place among those sent so
  far, empty ones not counted.
* ``"axes"`` has the axis and the word for each letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from shape_magic.display.parts import Item, ModelView, Row, View, flatten

ROW = (
    *("title", "name", "summary", "shape", "axes", "params", "source"),
    *("state", "mark", "rails", "within", "kind", "unlinked"),
)
FOLD = ("title", "summary", "params", "kind", "state", "open", "rails")
_RAILS = {"": " ", "start": "s", "pass": "|", "tee": "+", "end": "e"}

#: Digits that JavaScript counts without loss and writes again as they were.
_NUMBER = re.compile(r"[0-9]+")
_LONGEST_NUMBER = 15


def packed(view: View) -> dict[str, Any]:
    """The view for the page."""
    return {
        "models": [packed_model(model) for model in view.models],
        "cards": [asdict(card) for card in view.cards],
        "ok": view.ok,
        "done": asdict(view.done) if view.done else None,
    }


def packed_model(model: ModelView) -> dict[str, Any]:
    """One model of a view for the page."""
    return {
        "title": model.title,
        "line": model.line,
        "status": model.status,
        "open": model.open,
        "count": model.count,
        "names": list(model.names),
        "items": _ladder(model.items),
        "cards": [asdict(card) for card in model.cards],
        "lanes": model.lanes,
    }


def _ladder(items: tuple[Item, ...]) -> dict[str, Any]:
    axes = {cell.letter: [cell.axis, cell.word] for row in flatten(items) for cell in row.glyph}
    known: dict[str, int] = {}
    return {"axes": axes, "items": [_sent(_plain(item), known) for item in items]}


# Items as arrays of texts -------------------------------------------------------------------------


def _plain(item: Item) -> Any:
    """A row's texts; a fold's as ``"is"``, with its items plain too and, where they repeat, how often."""
    if isinstance(item, Row):
        return _row(item)
    state = _unless(item.state, "ok")
    texts = [item.title, item.summary, item.params, item.kind, state, "open" if item.open else "", _rails(item)]
    return {"is": texts, "items": [_plain(inner) for inner in item.items], "times": item.times}


def _row(row: Row) -> list[str]:
    return [
        row.title,
        row.name,
        row.summary,
        row.shape,
        "".join([cell.letter for cell in row.glyph]),
        row.params,
        row.source,
        _unless(row.state, "ok"),
        row.mark,
        _rails(row),
        "\n".join(row.path[:-1]),
        _unless(row.kind, "layer"),
        "" if row.linked else "unlinked",
    ]


def _unless(text: str, usual: str) -> str:
    return "" if text == usual else text


def _rails(item: Item) -> str:
    return "".join([_RAILS[rail] for rail in item.rails])


# Items as they are sent ---------------------------------------------------------------------------


def _sent(item: Any, known: dict[str, int]) -> Any:
    """An item with its repeated blocks once, and each text that was sent before as its number."""
    if isinstance(item, list):
        used = next((k for k in range(len(item), 0, -1) if item[k - 1]), 0)
        return [_reference(text, known) for text in item[:used]]
    texts = _sent(item["is"], known)
    block, varies = _block(item["items"], item["times"])
    repeats = {"times": item["times"], "varies": varies} if varies is not None else {}
    return {"is": texts, "items": [_sent(inner, known) for inner in block], **repeats}


def _reference(text: str, known: dict[str, int]) -> str | int:
    if text in known:
        return known[text]
    if text:
        known[text] = len(known)
    return text


def _block(items: list[Any], times: int) -> tuple[list[Any], list[Any] | None]:
    """The first of so many equal blocks, and what the others have instead; all items and None where they are none."""
    length = len(items) // max(times, 1)
    blocks = [items[start : start + length] for start in range(0, len(items), max(length, 1))]
    if times < 2 or len({_form(block) for block in blocks}) > 1:
        return items, None
    columns = zip(*(_texts(block) for block in blocks), strict=True)
    varying = ((k, column) for k, column in enumerate(columns) if len(set(column)) > 1)
    return blocks[0], [[k, _series(column[1:])] for k, column in varying]


def _form(items: Sequence[Any]) -> str:
    """How rows and folds lie in each other: only what is alike in this can be told as one block."""
    return "".join("r" if isinstance(item, list) else f"({_form(item['items'])})" for item in items)


def _texts(items: Sequence[Any]) -> Iterator[str]:
    """The texts of rows and folds, each in its order, a fold's own before those within."""
    for item in items:
        if isinstance(item, list):
            yield from item
        else:
            yield from item["is"]
            yield from _texts(item["items"])


# Series -------------------------------------------------------------------------------------------


def _series(texts: Sequence[str]) -> list[Any]:
    """The texts as few entries, each for one text or for several whose numbers grow evenly."""
    found: list[Any] = []
    start = 0
    while start < len(texts):
        first, following = texts[start], texts[start + 1 : start + 2]
        steps = _steps(first, following[0]) if following else None
        count = 1
        while steps is not None and start + count < len(texts) and texts[start + count] == _grown(first, steps, count):
            count += 1
        found.append([count, first, *(steps or ())] if count > 1 else first)
        start += count
    return found


def _steps(text: str, following: str) -> list[int] | None:
    """By how much each number in a text grows to make the following one; None where it can't be made so."""
    if _NUMBER.split(text) != _NUMBER.split(following):
        return None
    numbers, grown = _NUMBER.findall(text), _NUMBER.findall(following)
    if any(len(number) > _LONGEST_NUMBER or number != str(int(number)) for number in (*numbers, *grown)):
        return None
    return [int(after) - int(before) for before, after in zip(numbers, grown, strict=True)]


def _grown(text: str, steps: Sequence[int], times: int) -> str:
    by = iter(steps)
    return _NUMBER.sub(lambda number: str(int(number[0]) + times * next(by)), text)
