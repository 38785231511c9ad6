"""In German nothing of ours is left in English: on every card of the rules' documents, in every display."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from matplotlib.text import Text

from shape_magic import check_cell, words
from shape_magic.display.figure import plot_report
from shape_magic.display.html import render_html
from shape_magic.display.text import render_details
from shape_magic.display.view import build_view
from shape_magic.display.widget import ShapeWidget
from shape_magic.display.wire import packed
from shape_magic.report import Diagnostic, Report
from shape_magic.rules import RULES
from shape_magic.words import translation
from tests.rules import documents

#: Words that every English sentence of ours has one of, and no German one.
ENGLISH = re.compile(
    r"\b(the|is|are|and|of|with|without|from|each|has|have|it|its|one|by|for|gets|gives|takes|can't|no|not|to|this"
    r"|line|input|layer|labels?' |answer|steps?|shape|axis|units?|rows?|batch)\b"
)
CELL = """
x_train = np.zeros((60, 28, 28, 1))
y_train = np.eye(10)[np.arange(60) % 10]
model = keras.Sequential([
    layers.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Dropout(0.25),
    layers.Dense(10, activation="softmax"),
])
model.compile(loss="categorical_crossentropy")
model.fit(x_train, y_train)
"""


def in_german(source: str, memory_budget: int | None = None) -> Report:
    """The report of a cell that is checked in German."""
    import keras

    keras.utils.clear_session(free_memory=False)
    words.use("de")
    return check_cell(source, documents.namespace(), dry_run=True, memory_budget=memory_budget)


def ours(text: str, report: Report) -> str:
    """A text without code, names, shapes and Keras' own words."""
    for finding in report.diagnostics:
        quoted = finding.keras_message or ""
        for line in (quoted, *quoted.splitlines()):
            text = text.replace(line, " ") if line.strip() else text
    for model in report.models:
        for name in sorted({model.name, *(c.layer for c in model.calls)}, key=len, reverse=True):
            text = re.sub(rf"\b{re.escape(name)}\b", " ", text)
    # Code between backticks; arguments and shapes as they stand in fix titles.
    return re.sub(r"`[^`]*`|\"[^\"]*\"|\w+=\S*|[\w.]+\([^)]*\)|\w+(\.\w+)+|\[[^\]]*\]", " ", text)


def texts_of(finding: Diagnostic) -> Iterator[str]:
    """All texts of a finding."""
    yield from (finding.title, finding.message, *finding.hints)
    for fix in finding.fixes:
        yield from (fix.title, fix.note)
    yield from (action.title for action in finding.actions)


def left(texts: Iterator[str] | list[str], report: Report) -> list[str]:
    """The texts in which English words are left."""
    return [text for text in texts if ENGLISH.search(ours(text, report))]


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a view, with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner, path)
    elif isinstance(value, str):
        yield path, value


#: What the front end compares or what stands in code, and is not read as a sentence.
CODE = re.compile(
    r"\.(id|state|kind|type|rule|severity|status|axis|diff|paste|snippet|keras_message|kinds|fold|rails)$"
)


@pytest.fixture
def report() -> Report:
    """The report of the first lesson's cell, in German."""
    return in_german(CELL)


def test_the_text_is_german(report: Report) -> None:
    text = render_details(report)
    assert "✗ Eine Antwort pro Position, aber ein Label pro Bild." in text
    assert "einfügen" in text
    quoted = text.index("Keras meldet: ")
    text = text[:quoted] + text[text.index("\n\n", quoted) :]
    lines = [line for line in text.splitlines() if not re.match(r"\s*[-+] ", line)]
    assert left(lines, report) == []


def test_the_page_is_german_and_says_so(report: Report) -> None:
    page = render_html(report)
    assert page.startswith('<div class="shapecheck-static" lang="de">')
    assert re.search(r'<pre lang="en">Arguments `target` and `output`', page)
    plain = re.sub(r"<(pre|code|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    shown = [*re.findall(r">([^<]+)<", plain), *re.findall(r'title="([^"]+)"', plain)]
    assert "Batch, Höhe, Breite, Kanäle" in shown
    assert left(shown, report) == []


def test_the_widget_is_german_and_says_so(report: Report) -> None:
    widget = ShapeWidget(report, lambda _: {"ok": True})
    assert widget.words["lang"] == "de"
    assert widget.words["undo"] == "Rückgängig"
    assert widget.view == packed(build_view(report))
    read = [text for path, text in strings(build_view(report).to_dict()) if not CODE.search(path)]
    assert "Kanäle" in read
    assert left([*read, *(v for k, v in widget.words.items() if k != "lang"), repr(widget)], report) == []


def test_the_figure_is_german(report: Report) -> None:
    texts = [text.get_text() for text in plot_report(report).findobj(Text) if text.get_text()]
    assert any("scheitert hier" in text for text in texts)
    assert left([text for text in texts if not text.lstrip().startswith(("+", "-"))], report) == []


def test_english_comes_back(report: Report) -> None:
    words.use()
    again = documents.checked(CELL)
    assert again.diagnostics[0].title == "One answer per position, but one label per image."
    assert "breaks here" in render_details(again)
    assert render_html(again).startswith('<div class="shapecheck-static" lang="en">')
    assert report.diagnostics[0].title == "Eine Antwort pro Position, aber ein Label pro Bild.", "what was said stays"


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_every_card_of_a_rule_is_german(name: str) -> None:
    for cell in documents.read(name).here(documents.BROKEN):
        report = in_german(cell.source, cell.memory_budget)
        assert [d.rule for d in report.diagnostics] == [name]
        assert [left(texts_of(d), report) for d in report.diagnostics] == [[]], cell.id


def test_english_would_be_found() -> None:
    """Every English sentence of the catalogue would be noticed, but for those of two or three words."""
    nothing = Report(models=(), diagnostics=())
    texts = [text for text in words.texts("en").values() if len(translation.words_in(text)) > 6]
    unseen = [text for text in texts if not left([text], nothing)]
    assert len(unseen) < len(texts) / 50, unseen


def test_no_german_text_of_the_catalogue_has_english_words() -> None:
    nothing = Report(models=(), diagnostics=())
    assert left([re.sub(r"\{\w+(!s)?\}", "", text) for text in words.texts("de").values()], nothing) == []
