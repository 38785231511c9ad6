"""A comparison as one table with a caption, for what draws HTML and runs no scripts."""

from __future__ import annotations

from html import escape

from shape_magic.comparison import Comparison
from shape_magic.display.compare_view import Cell, ComparisonView, Line, Total, build_comparison
from shape_magic.display.html import element
from shape_magic.words import say

_MOST_ROWS = 60
_LEFT = "text-align:left;vertical-align:top"
_RIGHT = "text-align:right;vertical-align:top"
_SHAPE = "white-space:nowrap;font-family:monospace"
_UNBROKEN = "white-space:nowrap"
_DIFFERS = "outline:1px solid var(--jp-border-color1,#888)"


def comparison_html(comparison: Comparison) -> str:
    """The comparison as HTML that is safe to put into a page; every difference stands in words."""
    view = build_comparison(comparison, _MOST_ROWS)
    sentences = "".join(element("p", escape(sentence)) for sentence in view.sentences)
    return element("div", _table(view) + sentences, class_="shapecheck-static")


def _table(view: ComparisonView) -> str:
    heads = (say("compare.column.row"), *view.names, say("compare.column.note"))
    head = "".join(element("th", escape(name), scope="col", style=_LEFT) for name in heads)
    caption = element("caption", escape(view.title), style=_LEFT)
    body = "\n".join(map(_row, view.lines))
    foot = "\n".join(map(_total, view.totals))
    return element(
        "table",
        f"{caption}<thead>{element('tr', head)}</thead><tbody>\n{body}\n</tbody><tfoot>\n{foot}\n</tfoot>",
    )


def _row(line: Line) -> str:
    cells = "".join(_cell(cell, titled=line.number) for cell in line.cells)
    sign = f"{say('compare.sign')} {line.note}" if line.note else ""
    note = element("td", element("strong", escape(sign)) if sign else "", style=_LEFT)
    head = element("th", escape(line.number), scope="row", style=_RIGHT)
    return element("tr", head + cells + note, style=_DIFFERS if line.note else None)


def _cell(cell: Cell | None, titled: str) -> str:
    """What the layer is and, below, what it gives; the title goes where the row has the same."""
    if cell is None:
        return element("td", escape(say("compare.absent")), style=_LEFT)
    axes = ", ".join(f"{axis.axis} {axis.size}" for axis in cell.glyph)
    what = element("strong", escape(cell.title)) + (f" {escape(cell.summary)}" if cell.summary else "")
    shape = element("span", escape(cell.shape), style=_SHAPE, title=axes or None)
    params = element("span", escape(say("compare.params", n=cell.params)), style=_UNBROKEN) if cell.params else ""
    below = " · ".join(filter(None, (shape, params)))
    return element("td", below if cell.title == titled else f"{what}<br>{below}", style=_LEFT)


def _total(total: Total) -> str:
    values = "".join(element("td", element("strong", escape(text)), style=_LEFT) for text in total.texts)
    return element("tr", element("th", escape(total.title), scope="row", style=_RIGHT) + values + element("td", ""))
