"""Teaching quality checks of the cards' words: no learner study has been done.

Every word of the field that a card uses is explained on the card itself, under *Words on this card*. A word is
one of the field when it is not in ``everyday.txt``: who writes a new card decides, or this test fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shape_magic import words
from shape_magic.display.html import render_html
from shape_magic.display.terms import terms_in
from shape_magic.display.text import render_details, render_text
from shape_magic.display.view import build_view
from tests import samples
from tests.rules.test_words import sentences
from tests.teach.cards import all_cards

EVERYDAY = set((Path(__file__).parent / "everyday.txt").read_text(encoding="utf-8").split())
GLOSSARY = {key.split(".")[1] for key in words.texts("en") if key.startswith("term.")}


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Whatever a test has chosen ends with it."""
    yield
    words.use()


def templates() -> Iterator[str]:
    """All texts of cards, without code and without what is filled in."""
    for key, text in words.texts("en").items():
        if key.startswith("rule.") or (key.startswith("fix.") and key.endswith(".note")):
            yield re.sub(r"`[^`]*`|\{[^}]*\}|\w+=\S+|\"[^\"]*\"", " ", text)


def spelled(text: str) -> list[str]:
    """The words of a text."""
    return re.findall(r"[A-Za-z][A-Za-z'’-]+", text)


def test_every_word_is_everyday_or_explained() -> None:
    strange = {word.lower() for text in templates() for word in spelled(text)} - EVERYDAY
    assert sorted(word for word in strange if not terms_in(word)) == []


def test_the_list_of_everyday_words_holds_no_others() -> None:
    used = {word.lower() for text in templates() for word in spelled(text)}
    assert sorted(EVERYDAY - used) == []
    assert sorted(word for word in EVERYDAY if terms_in(word)) == []


@pytest.mark.parametrize("key", sorted(GLOSSARY))
def test_a_term_is_used_and_explained_in_one_sentence(key: str) -> None:
    for code in words.languages():
        words.use(code)
        says = words.say(f"term.{key}.says")
        assert len(sentences(re.sub(r"(?<=\d)[.,](?=\d)", "", says))) == 1, says
        assert says.endswith(".")
        word = words.say(f"term.{key}.word")
        assert [found for found, _ in terms_in(word.split(",")[0].split(" and ")[-1].split(" und ")[-1])] != []
    words.use()
    assert any(words.say(f"term.{key}.word") == word for text in templates() for word, _ in terms_in(text))


def test_the_terms_come_in_the_order_of_the_text() -> None:
    found = terms_in("A feature map has channels at each position; `batch` is code, and channels come once.")
    assert [word for word, _ in found] == ["feature map", "channel", "position"]
    assert dict(found)["channel"].startswith("One number at each position")


def test_longer_words_stand_for_shorter_ones() -> None:
    assert [word for word, _ in terms_in("class weights")] == ["sample weight, class weight"]
    assert [word for word, _ in terms_in("class numbers and classes")] == ["class number"]
    assert [word for word, _ in terms_in("time steps")] == ["step"]
    assert terms_in("mapping, stepped, un-batch, plain words") == ()


def test_each_language_finds_its_own_words() -> None:
    words.use("de")
    found = terms_in("`dense` bekommt ein 5×5-Gitter mit 4 Kanälen; die Labels enthalten eine Antwort pro Bild.")
    assert [word for word, _ in found] == ["Gitter", "Kanal", "Label"]


def test_cards_explain_their_words() -> None:
    explained = []
    for card in all_cards():
        view = build_view(card.report)
        for one in [*view.cards, *(c for model in view.models for c in model.cards)]:
            assert all(word and says for word, says in one.terms), card.id
            explained.append(bool(one.terms))
    # A few say all in everyday words ("There are no data."); the test above holds every other word.
    assert sum(explained) >= 0.95 * len(explained)


def test_the_words_stand_in_every_display() -> None:
    report = samples.seed_with_labels()
    label = "The right answer for a sample, with which the model's output is compared."
    page = render_html(report)
    assert f"<dt>label</dt><dd>{label.replace(chr(39), '&#x27;')}</dd>" in page
    assert label in " ".join(render_details(report).split())
    assert "Words on this card" not in render_text(report), "a terminal is asked for the details first"
    assert ("label", label) in build_view(report).models[0].cards[0].terms
