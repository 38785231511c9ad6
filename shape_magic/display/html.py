"""``render_html``: the static form of a report, for what can't run scripts: exports, GitHub, VS Code, a reopened file.

Every meaning is in words and in the table's own structure, because GitHub takes ``style`` away;
what style there is only quiets the look and follows the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from shape_magic.display.disclosure import Disclosure
from shape_magic.display.parts import Card, FixView, Fold, Item, ModelView, Row, View
from shape_magic.display.view import build_view
from shape_magic.report import Report
from shape_magic.words import say

_LEFT = "text-align:left"
_NUMBERS = "text-align:left;white-space:nowrap;font-family:monospace"
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
    return _tag("div", "\n".join(parts), class_="shapecheck-static", data_shapecheck_id=identity or None)


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
    head = "".join(_tag("th", escape(say(f"ui.column.{name}")), scope="col", style=_LEFT) for name in names)
    caption = _tag("caption", escape(say("ui.caption", name=model.title)), style=_LEFT)
    body = "\n".join(_items(model.items))
    return _tag("table", f"{caption}<thead>{_tag('tr', head)}</thead><tbody>\n{body}\n</tbody>")


def _items(items: Iterable[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Row):
            yield _row(item)
        elif item.open:
            yield _fold(item)
            yield from _items(item.items)
        else:
            inside = _tag("table", _tag("tbody", "\n".join(_items(item.items))))
            yield _fold(item, inside)


def _row(row: Row) -> str:
    name = f" {_tag('code', escape(row.name))}" if row.name else ""
    note = " · ".join(part for part in (row.mark, row.source) if part)
    marked = _tag("strong", escape(note)) if row.state in {"broken", "warned", "asked"} else escape(note)
    axes = " ".join(cell.letter for cell in row.glyph)
    cells = (
        _tag("th", f"{escape(row.title)}{name}", scope="row", style=_LEFT),
        _tag("td", escape(row.summary), style=_LEFT),
        _tag("td", escape(axes), style=_NUMBERS, title=", ".join(f"{c.axis} {c.size}" for c in row.glyph) or None),
        _tag("td", escape(row.shape), style=_NUMBERS),
        _tag("td", escape(row.params), style=_NUMBERS),
        _tag("td", marked, style=_LEFT),
    )
    return _tag("tr", "".join(cells), style=_EDGES.get(row.state))


def _fold(fold: Fold, inside: str = "") -> str:
    title = escape(fold.title)
    if inside:
        title = _tag("details", _tag("summary", title) + inside)
    cells = (
        _tag("th", title, scope="row", style=_LEFT),
        _tag("td", escape(fold.summary), style=_LEFT),
        _tag("td", escape(" ".join(cell.letter for cell in fold.glyph)), style=_NUMBERS),
        _tag("td", escape(fold.shape), style=_NUMBERS),
        _tag("td", escape(fold.params), style=_NUMBERS),
        _tag("td", ""),
    )
    return _tag("tr", "".join(cells))


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
        said = _tag("summary", escape(say("ui.keras_said"))) + _tag("pre", escape(card.keras_message))
        parts.append(_tag("details", said))
    return _tag("section", "\n".join(part for part in parts if part))


def _fix(fix: FixView) -> str:
    lines = [f"{sign} {text}" for sign, text in fix.diff] or fix.snippet.splitlines()
    diff = _tag("pre", escape("\n".join(lines))) if lines else ""
    cost = f"<br>{escape(fix.note)}" if fix.note else ""
    notes = "".join(f"<br>{escape(text)}" for text in (fix.why_not, fix.remains) if text)
    return _tag("li", f"{_prose(fix.title)}{cost}{diff}{notes.removeprefix('<br>')}", value=str(fix.number))
