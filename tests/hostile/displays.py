"""What holds for every display of a report, whatever the names in it are."""

from __future__ import annotations

import io
import json
import unicodedata
from html.parser import HTMLParser
from typing import Any

from shape_magic.display.figure import plot_report
from shape_magic.display.html import render_html
from shape_magic.display.text import render_details, render_text
from shape_magic.display.widget import ShapeWidget
from shape_magic.kernel.planner import Planner
from shape_magic.report import Report

#: What our HTML is made of.
_TAGS = frozenset(
    [
        "div",
        "p",
        "strong",
        "code",
        "details",
        "summary",
        "style",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "section",
        "ol",
        "li",
        "pre",
        "dl",
        "dt",
        "dd",
        "br",
    ]
)
_ATTRIBUTES = frozenset({"class", "lang", "data-shapecheck-id", "scope", "title", "style", "value"})
#: Characters of one display.
_LONGEST = 200_000


class _Page(HTMLParser):
    """The names of all elements and attributes of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def is_harmless(text: str, *, longest: int = _LONGEST) -> None:
    """Nothing in it is obeyed by a terminal or reorders a line, and it is no longer than a person reads."""
    found = {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert not found, sorted(map(ascii, found))
    assert len(text) <= longest, len(text)
    text.encode("utf-8")


def is_markup_of_ours(html: str) -> str:
    """It is made of our own elements alone; returns its text."""
    is_harmless(html)
    page = _Page(html)
    assert page.tags <= _TAGS, page.tags - _TAGS
    assert page.attributes <= _ATTRIBUTES, page.attributes - _ATTRIBUTES
    return page.text


def tags(html: str) -> set[str]:
    """The names of the elements of a page."""
    return _Page(html).tags


def is_message(content: object, *, longest: int = _LONGEST) -> str:
    """It can be sent: strict JSON in UTF-8, and not too much of it."""
    sent = json.dumps(content, ensure_ascii=False, allow_nan=False)
    sent.encode("utf-8")
    assert len(sent) <= longest, len(sent)
    return sent


def texts(value: object) -> list[str]:
    """All texts in plain data."""
    if isinstance(value, str):
        return [value]
    parts: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in texts(part)]


def shown_harmlessly(report: Report, source: str) -> str:
    """Every display of the report is harmless; returns the one that tells all, with nothing wrapped."""
    for text in (render_text(report), repr(report), str(report), report.explain()):
        is_harmless(text)
    is_markup_of_ours(render_html(report))
    widget = ShapeWidget(report, Planner(report, lambda applied: None))
    try:
        state = widget.get_state(["view", "words", "identity"])
        is_message(state)
        for text in texts(state["view"]):
            # What is pasted is code as it stands.
            if text not in _pasted(state["view"]):
                is_harmless(text)
        is_harmless(repr(widget))
    finally:
        widget.close()
    fixes = sum(len(d.fixes) + len(d.actions) for d in report.diagnostics)
    is_message(report.to_dict(), longest=_LONGEST + fixes * (len(source) + 200) * 2)
    _is_drawn(report)
    is_harmless(render_details(report))
    return render_details(report, width=1_000)


def _pasted(view: object) -> set[str]:
    if isinstance(view, dict):
        own = {str(view["paste"])} if "paste" in view else set()
        return own.union(*map(_pasted, view.values()))
    return set().union(*map(_pasted, view)) if isinstance(view, list | tuple) else set()


def _is_drawn(report: Report) -> None:
    figure = plot_report(report)
    assert max(figure.get_size_inches()) < 100, figure.get_size_inches()
    for artist in figure.findobj(lambda a: hasattr(a, "get_text")):
        is_harmless(str(artist.get_text()))  # type: ignore[attr-defined]
    figure.savefig(io.BytesIO(), dpi=20)
