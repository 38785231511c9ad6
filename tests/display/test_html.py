"""The static form: complete without style or scripts, well formed, and safe with any name in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from shape_magic.display.html import html_of_view, render_html
from shape_magic.display.parts import Done
from shape_magic.display.view import build_view
from shape_magic.report import Report
from tests import samples

VOID = {"br"}
ALLOWED = {
    *("div", "p", "strong", "code", "br", "section", "ol", "li", "pre", "details", "dd", "dl", "dt", "summary"),
    *("style", "table", "caption", "thead", "tbody", "tr", "th", "td"),
}


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    def find(self, name: str) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name:
                    yield child
                yield from child.find(name)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


class Tree(HTMLParser):
    """Parses, and fails where a tag isn't closed by its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(html)
        self.close()
        assert self.open == [self.root], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(report: Report) -> Element:
    return Tree(render_html(report)).root


@pytest.mark.parametrize("make", samples.ALL.values(), ids=samples.ALL)
def test_every_report_is_well_formed_and_plain(make: Callable[[], Report]) -> None:
    root = parse(make())

    def check(element: Element) -> None:
        assert element.name in ALLOWED
        assert not any(name.startswith("on") for name in element.attributes)
        for child in element.children:
            if isinstance(child, Element):
                check(child)

    (outer,) = root.children
    assert isinstance(outer, Element)
    check(outer)


def test_green_is_one_quiet_line_with_the_table_folded() -> None:
    (outer,) = parse(samples.green()).find("div")
    (details,) = outer.children
    assert isinstance(details, Element)
    assert (details.name, "open" in details.attributes) == ("details", False)
    (summary,) = details.find("summary")
    assert summary.text.startswith("✓ model: (None, 28, 28, 1) → (None, 10)")
    assert len(list(details.find("table"))) == 1


def test_broken_says_everything_in_words() -> None:
    text = re.sub(r"\s+", " ", parse(samples.seed_with_labels()).text)
    for words in (
        "✗ Error: One answer per position, but one label per image.",
        "join the 25 positions before dense.",
        "breaks here",
        "as it would be with Flatten()",
        "keeps where things are · 1,600 inputs · 16,010 params",
        "+ layers.Flatten(),",
        "%%shapecheck --fix N",
        "must have the same rank",
        "one-hot, 10 classes",
    ):
        assert words in text


def test_table_is_one_for_a_screen_reader() -> None:
    (table,) = parse(samples.seed_with_labels()).find("table")
    (caption,) = table.find("caption")
    assert caption.text == "Layers of model, from the input to the labels"
    heads = [th.attributes["scope"] for th in table.find("th")]
    assert heads == ["col"] * 6 + ["row"] * 10
    assert all(len([c for c in tr.children if isinstance(c, Element)]) == 6 for tr in table.find("tr"))


def test_meaning_survives_without_style() -> None:
    styled = render_html(samples.seed_with_labels())
    bare = Tree(re.sub(r' style="[^"]*"', "", styled)).root
    (broken,) = [tr for tr in bare.find("tr") if "breaks here" in tr.text]
    assert "Dense dense" in broken.text


def test_fixes_carry_their_numbers() -> None:
    root = parse(samples.two_broken())
    assert [li.attributes["value"] for li in root.find("li")] == ["1", "2", "3", "4"]


def test_identity_ties_it_to_its_widget() -> None:
    (outer,) = Tree(render_html(samples.green(), identity='a"b')).root.find("div")
    assert outer.attributes["class"] == "shapecheck-static"
    assert outer.attributes["data-shapecheck-id"] == 'a"b'


def test_hostile_names_stay_text() -> None:
    html = render_html(samples.hostile())
    assert "<b>" not in html
    assert not set(html) & {"\x1b", "\x07", "\u202e", "\u2066", "\ud800", "\r"}
    assert "&lt;b&gt;" in html
    html.encode("utf-8")


def test_repeated_blocks_fold_with_one_of_them_inside() -> None:
    root = parse(samples.repeated(12))
    (fold,) = [d for d in root.find("details") if next(d.find("summary")).text.startswith("12 ×")]
    rows = list(fold.find("tr"))
    assert [next(row.find("code")).text for row in rows] == [
        "conv2d_1 … conv2d_45",
        "batch_normalization_1 … batch_normalization_45",
        "re_lu_1 … re_lu_45",
        "add_1 … add_45",
    ]
    assert rows[-1].text.endswith("from stem + re_lu_1 … from add_41 + re_lu_45")


def test_a_table_costs_little_more_than_its_words() -> None:
    few, many = (len(render_html(samples.unlike(layers))) for layers in (100, 500))
    assert (many - few) / 400 < 200
    few, many = (len(render_html(samples.repeated(blocks))) for blocks in (50, 500))
    assert many - few < 100


def test_nested_models_that_repeat_fold_with_one_of_them_inside() -> None:
    root = parse(samples.stacked(5))
    names = [code.text for code in root.find("code")]
    assert names == ["input", "conv_9a0 … conv_13a4", "norm_0 … norm_16", "act00_3 … act04_3"]


def test_what_was_done_is_said_first() -> None:
    html = html_of_view(build_view(samples.green(), Done("Inserted Flatten(), line 6")))
    assert html.index("Inserted Flatten(), line 6") < html.index("✓ model")
