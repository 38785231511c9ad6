"""Teaching quality checks of the cards' numbers and sentences: no learner study has been done.

A card may be clear and wrong: here every number and every shape on every card of the rules' documents is worked
out anew, from the rows' arguments, the arrays that the cell makes, and the cell's text. ``derived.py`` says what
each place of a template has to hold, ``arithmetic.py`` what a layer makes of its input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from shape_magic.facts import Call
from shape_magic.rules import RULES
from tests.rules.test_words import sentences
from tests.teach.arithmetic import ROWS
from tests.teach.cards import Card, all_cards, arrays, note_of, steady
from tests.teach.derived import PLACES, counted

NAMES = [rule.name for rule in RULES]
#: A shape, a grid, a number with its unit.
TOKEN = re.compile(
    r"\((?:batch|None|-?\d+)(?:, (?:None|-?\d+))*,?\)|\d+(?:×(?:\d+|\?))+|-?\d[\d,]*(?:\.\d+)?(?: (?:[KMG]iB|bytes))?"
)
#: Layers whose rows are not worked out anew, each with its reason.
NOT_RECOMPUTED = {
    **dict.fromkeys(("TimeDistributed", "Bidirectional"), "what it does is the layer's within"),
    **dict.fromkeys(
        ("Attention", "MultiHeadAttention"), "its inputs are told apart by name, which a row does not keep"
    ),
    **dict.fromkeys(("Any", "NotEqual"), "what makes a mask, which goes beside its tensor"),
    **dict.fromkeys(("Dot", "GetItem", "Sum", "TrueDivide"), "an operation, whose arguments a row does not keep"),
    **dict.fromkeys(("Resizing", "AdaptiveAveragePooling2D", "CategoryEncoding"), "its output's size is its argument"),
    **dict.fromkeys(("RandomZoom", "Masking", "Normalization", "StringLookup"), "gives the shape that it gets"),
    "TextVectorization": "its output's size is that of what it has learned",
    "Permute": "the axes that it gets, in the order of its argument",
    "ConvLSTM2D": "a recurrent convolution: its formula is Keras' own",
    "Lambda": "the user's own function",
}
#: What a card says and no report holds, each with its reason.
NOT_DERIVED: dict[tuple[str, str], str] = {}


def cards_of(name: str) -> list[Card]:
    """The cards of one rule."""
    return [card for card in all_cards() if card.finding.rule == name]


def tokens(text: str, names: Iterable[str]) -> list[str]:
    """The shapes and numbers of a text, without code and names."""
    text = re.sub(r"`[^`]*`", " ", text)
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text)
    return TOKEN.findall(re.sub(r"[A-Za-z_]\w*\d\w*", " ", text))


# -- the rows that everything else is worked out from


def rows(card: Card) -> Iterable[tuple[Call, ...]]:
    """The model's rows, and those of every fix."""
    yield from (model.calls for model in card.report.models)
    yield from (fix.effect.layers for fix in card.finding.fixes if fix.effect)


@pytest.mark.parametrize("name", NAMES)
def test_each_row_follows_from_its_arguments(name: str) -> None:
    for card in cards_of(name):
        for calls in rows(card):
            seen: set[str] = set()
            for call in calls:
                if call.class_name in ROWS and call.output_shapes and not call.failure:
                    shape, params = ROWS[call.class_name](call)
                    assert shape == call.output_shapes[0], (card.id, call.layer)
                    # A layer that is called twice has its weights once.
                    assert call.layer in seen or params in (None, call.params), (card.id, call.layer)
                    seen.add(call.layer)


def test_what_is_not_worked_out_is_listed() -> None:
    known = {call.class_name for card in all_cards() for calls in rows(card) for call in calls if call.output_shapes}
    own = {name for name in known if not _is_keras(name)}
    assert known - set(ROWS) - own == set(NOT_RECOMPUTED) & known
    assert {name for name in NOT_RECOMPUTED if _is_keras(name)} - known == set()


def _is_keras(name: str) -> bool:
    import keras

    return (
        hasattr(keras.layers, name)
        or hasattr(keras.ops, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
        or name
        in (
            "GetItem",
            "Sum",
            "TrueDivide",
        )
    )


@pytest.mark.parametrize("name", NAMES)
def test_data_and_labels_are_what_the_cell_makes(name: str) -> None:
    for card in cards_of(name):
        made = arrays(card.source)
        for data in card.data():
            if data.name in made and data.asked is None:
                array = made[data.name]
                assert data.shape[1:] == tuple(array.shape[1:]), (card.id, data.name)
                if data.facts and data.facts.finite and array.dtype.kind in "iuf" and data.name in steady(card.source):
                    assert (data.facts.min, data.facts.max) == (float(array.min()), float(array.max())), card.id
                    assert data.facts.integer == bool((array == array.astype(int)).all()), card.id


# -- what stands on the cards


def underived(card: Card) -> list[tuple[str, str]]:
    """The places of a card's texts that hold something else than can be worked out."""
    wrong = []
    for place, value in card.filled():
        if not re.search(r"\d", value) or place == "keras":
            continue
        right = {text for derive in PLACES.get(place, ()) for text in derive(card)}
        if re.search(r"[A-Za-z_][.(]", value) and value in card.source:
            continue  # code, as the cell writes it
        if value not in right and [token for token in tokens(value, card.names()) if token not in right]:
            wrong.append((place, value))
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_each_number_on_a_card_can_be_worked_out(name: str) -> None:
    wrong = [(card.id, *found) for card in cards_of(name) for found in underived(card)]
    assert [one for one in wrong if (name, one[1]) not in NOT_DERIVED] == []


def test_what_can_not_be_worked_out_is_listed() -> None:
    found = {(card.finding.rule, place) for card in all_cards() for place, _ in underived(card)}
    assert found == set(NOT_DERIVED)


def test_a_wrong_number_would_be_found() -> None:
    """Every number on every card, one larger than it is, is noticed on nearly all cards."""
    checked = missed = 0
    for card in all_cards():
        for place, value in card.filled():
            if place in PLACES and re.fullmatch(r"\d[\d,]*|\(batch(, \d+)+\)", value):
                last = re.findall(r"\d+", value.replace(",", "") if "(" not in value else value)[-1]
                spoiled = value.replace(",", "") if "(" not in value else value
                spoiled = re.sub(rf"{last}(\)?)$", rf"{int(last) + 97}\1", spoiled)
                right = {text for derive in PLACES[place] for text in derive(card)}
                checked += 1
                missed += spoiled in right
    assert checked > 500
    assert missed < checked / 100


# -- what stands on the fixes


@pytest.mark.parametrize("name", NAMES)
def test_each_cost_of_a_fix_is_that_of_the_model_it_makes(name: str) -> None:
    for card in cards_of(name):
        for fix in card.finding.fixes:
            found = list(note_of(fix))
            assert found, (card.id, fix.title, fix.note)
            layers = fix.effect.layers if fix.effect else ()
            total = sum(call.params for call in layers)
            costs = [
                (counted(c.input_shapes[0][-1] or 0), counted(c.params)) for c in layers if c.params and c.input_shapes
            ]
            notes = [note for _, note in found]
            assert any(note.get("total", counted(total)) == counted(total) for note in notes), (card.id, fix.note)
            for note in notes:
                if "inputs" in note:
                    assert (note["inputs"], note["params"]) in costs, (card.id, fix.note)


@pytest.mark.parametrize("name", NAMES)
def test_each_number_in_a_fix_title_is_written_by_the_fix(name: str) -> None:
    for card in cards_of(name):
        for fix in card.finding.fixes:
            written = set(
                re.findall(r"\d+", "\n".join([fix.source or "", *(e.text for e in fix.edits), fix.snippet or ""]))
            )
            title = re.sub(r" \(line (\d+)\)", "", fix.title)
            numbers = {n for token in tokens(title, card.names()) for n in re.findall(r"\d+", token.replace(",", ", "))}
            assert numbers - written == set(), (card.id, fix.title)
            assert {int(n) for n in re.findall(r" \(line (\d+)\)", fix.title)} <= {e.span.start_line for e in fix.edits}


# -- two sentences a card


@pytest.mark.parametrize("name", NAMES)
def test_a_card_has_two_sentences(name: str) -> None:
    for card in cards_of(name):
        message = card.finding.message
        for quoted in (card.finding.keras_message or "", "Keras says: "):
            message = message.replace(quoted, "") if quoted else message
        assert len(sentences(re.sub(r"[\d?]+(×[\d?]+)+|(?<=\d)[.,](?=\d)", "", message))) <= 2, (card.id, message)
