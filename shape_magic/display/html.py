"""``render_html``: the static form of a report, for what can't run scripts: exports, GitHub, VS Code, a reopened file.

Every meaning is in words and in the table's own structure, because GitHub takes ``style`` away;
what style there is only quiets the look and follows the notebook's theme. It is saved with every
cell, so a row costs little more than its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from shape_magic.display.disclosure import Disclosure
from shape_magic.display.parts import AxisCell, Card, FixView, Fold, Item, ModelView, Row, View
from shape_magic.display.view import build_view
from shape_magic.report import Report
from shape_magic.words import language, say

_CLASS = "shapecheck-table"
#: Said once, because in a cell of its own it would take more room than all that the cell says.
_STYLE = (
    f".shapecheck-static .{_CLASS} :is(caption,th,td){{text-align:left}}"
    f".shapecheck-static .{_CLASS} td{{font-weight:normal}}"
    f".shapecheck-static .{_CLASS} td:nth-of-type(n+2):nth-of-type(-n+4){{white-space:nowrap;font-family:monospace}}"
)
_EDGES = {
    "broken": "outline:2px solid var(--jp-error-color1,#d55e00)",
    "warned": "outline:2px solid var(--jp-warn-color1,#e69f00)",
    "asked": "outline:2px solid var(--jp-info-color1,#0072b2)",
    "predicted": "outline:1px dashed var(--jp-border-color2,#888)",
    "arrived": "outline:2px solid var(--jp-success-color1,#009e73)",
    "new": "outline:2px dashed var(--jp-success-color1,#009e73)",
}


def render_html(report: Report, *, identity: str = "", disclosures: Sequence[Disclosure] | None = None) -> str:
    """The report as HTML that is safe to put into a page.

    One quiet line for each model that is right, with its table folded beneath it; for the others
    the finding in full. ``identity`` ties it to the widget that hides it while it is live;
    ``disclosures`` say how much of each finding may be seen, None: all.
    """
    return html_of_view(build_view(report, disclosures=disclosures), identity=identity)


def html_of_view(view: View, *, identity: str = "") -> str:
    """The static form of a view that is already built."""
    done = [_tag("p", escape(view.done.message))] if view.done else []
    parts = [*done, *map(_card, view.cards), *map(_model, view.models)]
    return _tag(
        "div", "\n".join(parts), class_="shapecheck-static", lang=language(), data_shapecheck_id=identity or None
    )


def _tag(name: str, content: str, **attributes: str | None) -> str:
    """An element around content that is HTML already; attributes are escaped here."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    opening = "".join(f' {key}="{escape(value)}"' for key, value in pairs)
    return f"<{name}{opening}>{content}</{name}>"


#: For our other tables.
element = _tag


def _prose(text: str) -> str:
    """A sentence, with what stands between backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return "".join(_tag("code", escape(piece)) if k % 2 else escape(piece) for k, piece in enumerate(pieces))


def _model(model: ModelView) -> str:
    table = _table(model) if model.items else ""
    if not model.open:
        return _tag("details", _tag("summary", escape(model.line)) + table)
    cards = "\n".join(map(_card, model.cards))
    return f"{_tag('p', _tag('strong', escape(model.line)))}\n{cards}\n{table}"


# The table ----------------------------------------------------------------------------------------


def _table(model: ModelView) -> str:
    names = ("layer", "does", "axes", "shape", "params", "note")
    head = "".join(_tag("th", escape(say(f"ui.column.{name}")), scope="col") for name in names)
    caption = _tag("caption", escape(say("ui.caption", name=model.title)))
    body = "\n".join(_Rows().of(model.items))
    table = f"{caption}<thead>{_tag('tr', head)}</thead><tbody>\n{body}\n</tbody>"
    return _tag("style", _STYLE) + _tag("table", table, class_=_CLASS)


class _Rows:
    """The rows of a table, top to bottom. What axes mean is said where they are others than in the row above."""

    def __init__(self) -> None:
        self._said = ""

    def of(self, items: Iterable[Item]) -> Iterator[str]:
        """Each item's row, and the rows of folds that are open."""
        for item in items:
            if isinstance(item, Row):
                yield self._row(item)
            elif item.open:
                yield self._fold(item)
                yield from self.of(item.items)
            else:
                inside = _tag("table", _tag("tbody", "\n".join(self.of(_once(item)))), class_=_CLASS)
                yield self._fold(item, inside)

    def _row(self, row: Row) -> str:
        name = f" {_tag('code', escape(row.name))}" if row.name else ""
        note = " · ".join(part for part in (row.mark, row.source) if part)
        marked = _tag("strong", escape(note)) if row.state in {"broken", "warned", "asked"} else escape(note)
        cells = (f"{escape(row.title)}{name}", escape(row.summary), row.glyph, row.shape, row.params, marked)
        return self._cells(*cells, style=_EDGES.get(row.state))

    def _fold(self, fold: Fold, inside: str = "") -> str:
        title = escape(fold.title)
        if inside:
            title = _tag("details", _tag("summary", title) + inside)
        return self._cells(title, escape(fold.summary), fold.glyph, fold.shape, fold.params, "")

    def _cells(
        self,
        head: str,
        does: str,
        glyph: Sequence[AxisCell],
        shape: str,
        params: str,
        note: str,
        style: str | None = None,
    ) -> str:
        axes = " ".join(cell.letter for cell in glyph)
        means = ", ".join(cell.word for cell in glyph) if axes != self._said else ""
        self._said = axes
        cells = (
            _tag("th", head, scope="row"),
            _tag("td", does),
            _tag("td", escape(axes), title=means or None),
            _tag("td", escape(shape)),
            _tag("td", escape(params)),
            _tag("td", note),
        )
        return _tag("tr", "".join(cells), style=style)


def _once(fold: Fold) -> tuple[Item, ...]:
    """A fold's items; of blocks that repeat one, with the names from the first to the last."""
    length = len(fold.items) // max(fold.times, 1)
    blocks = [fold.items[start : start + length] for start in range(0, len(fold.items), max(length, 1))]
    if fold.times < 2 or not all(_alike(blocks[0], block) for block in blocks):
        return fold.items
    return tuple(map(_merged, *blocks))


def _alike(items: Sequence[Item], others: Sequence[Item]) -> bool:
    return len(items) == len(others) and all(
        _alike(item.items, other.items)
        if isinstance(item, Fold) and isinstance(other, Fold)
        else isinstance(item, Row) and isinstance(other, Row)
        for item, other in zip(items, others, strict=True)
    )


def _merged(*items: Any) -> Item:
    """Items that stand in the same place of each block, as one."""
    first = items[0]
    params = _range([item.params for item in items])
    if isinstance(first, Row):
        names, sources = ([getattr(item, field) for item in items] for field in ("name", "source"))
        return replace(first, name=_range(names), source=_range(sources), params=params)
    inner = tuple(_merged(*each) for each in zip(*(item.items for item in items), strict=True))
    fold: Fold = first
    return replace(fold, title=_range([item.title for item in items]), params=params, items=inner)


def _range(texts: Sequence[str]) -> str:
    """``"conv2d … conv2d_9"``; the text itself where all are the same."""
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} … {texts[-1]}"


# The card -----------------------------------------------------------------------------------------


def _card(card: Card) -> str:
    word = escape(f"{card.icon} {card.word}:")
    message = f"<br>{_prose(card.message)}" if card.message else ""
    parts = [_tag("p", f"{word} {_tag('strong', _prose(card.title))}{message}")]
    if card.steps:
        steps = zip(card.steps, card.hints, strict=True)
        parts.append(_tag("ol", "\n".join(_tag("li", f"{escape(step)}: {_prose(hint)}") for step, hint in steps)))
    if card.ask_hint:
        parts.append(_tag("p", _prose(card.ask_hint)))
    if card.fixes:
        parts.append(_tag("ol", "\n".join(map(_fix, card.fixes))))
        parts.append(_tag("p", _prose(say("ui.how_to_write"))) if any(fix.editable for fix in card.fixes) else "")
    if card.keras_message:
        said = _tag("summary", escape(say("ui.keras_said"))) + _tag("pre", escape(card.keras_message), lang="en")
        parts.append(_tag("details", said))
    if card.terms:
        pairs = "".join(_tag("dt", escape(word)) + _tag("dd", escape(says)) for word, says in card.terms)
        parts.append(_tag("details", _tag("summary", escape(say("ui.terms"))) + _tag("dl", pairs)))
    return _tag("section", "\n".join(part for part in parts if part))


def _fix(fix: FixView) -> str:
    lines = [f"{sign} {text}" for sign, text in fix.diff] or fix.snippet.splitlines()
    diff = _tag("pre", escape("\n".join(lines))) if lines else ""
    cost = f"<br>{escape(fix.note)}" if fix.note else ""
    notes = "".join(f"<br>{escape(text)}" for text in (fix.why_not, fix.remains) if text)
    return _tag("li", f"{_prose(fix.title)}{cost}{diff}{notes.removeprefix('<br>')}", value=str(fix.number))
