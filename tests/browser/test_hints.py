"""*Next hint* by keyboard, in both front ends: what is seen after each press, and what the page holds."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk, Notebook
from tests.browser.test_magic import DATA, ERROR, SMALL, started

pytestmark = pytest.mark.browser

HINTS = f'{DATA}\n%config ShapeMagic.fixes = "hints"\n%shapecheck on'
OFF = HINTS.replace('"hints"', '"off"')
FAILS = f"{SMALL}\nmodel.fit(x_train, y_train, epochs=1, verbose=0)"
NEUTRAL = "Something does not fit here, and it can't run."
AGAIN = "from IPython.display import display\ndisplay(next(iter(%s)))"
CARDS = "get_ipython().magics_manager.registry['ShapeMagics'].notebook._cards"
#: What stands on the card after each press, and not before.
SEEN = ("line 4", "8×8 grid with 4 channels", "The rule is dense-on-feature-map", "global pooling")


def shoot(notebook: Notebook, name: str) -> None:
    """A picture of the card, where somebody wants to look at it."""
    folder = os.environ.get("SHAPE_MAGIC_PICTURES")
    for theme in ("Dark", "Light") if folder else ():
        notebook.theme(theme)
        picture = f"hints-{notebook.server.front_end}-{name}-{theme.lower()}.png"
        notebook.card.first.screenshot(path=str(Path(folder or "") / picture))


def test_four_presses_by_keyboard(warm_desk: Desk) -> None:
    notebook = started(warm_desk, HINTS, FAILS, run=2)
    before, card = len(notebook.errors), notebook.card
    expect(card).to_contain_text(NEUTRAL)
    expect(card.locator(".sm-break, .sm-mark, .sm-predicted, .sm-fix")).to_have_count(0)
    shoot(notebook, "0")
    for k, text in enumerate(SEEN):
        expect(card).not_to_contain_text(text)
        button = notebook.button(f"Next hint ({k + 1} of 4)")
        if k == 0:
            button.focus()
        else:
            notebook.page.keyboard.press("Tab")
        expect(button).to_be_focused()
        notebook.page.keyboard.press("Enter")
        expect(card).to_contain_text(text)
        expect(card.locator(".sm-hint")).to_have_count(k + 1)
        expect(card.locator(".sm-hint").nth(k)).to_be_focused()
        expect(card.locator(".sm-break")).to_have_count(1)
        expect(card.locator(".sm-predicted, .sm-fix")).to_have_count(0)
        shoot(notebook, str(k + 1))
    expect(card).to_contain_text(ERROR)
    expect(notebook.cell(1).locator(".shapecheck-static")).to_be_hidden()
    assert "global pooling" in json.dumps(notebook.save()["cells"][1]["outputs"])
    expect(card.get_by_role("button", name=re.compile("Next hint|Fix|Edit|Copy"))).to_have_count(0)
    assert notebook.violations() == []
    assert notebook.errors[before:] == []


def test_the_page_holds_nothing_before_its_hint(warm_desk: Desk) -> None:
    notebook = started(warm_desk, HINTS, FAILS, run=2)
    expect(notebook.card).to_contain_text(NEUTRAL)
    assert notebook.violations() == []
    hidden = ("Insert Flatten", "per position", "breaks here", "dense-on-feature-map", "join the")
    outputs = json.dumps(notebook.save()["cells"][1]["outputs"])
    assert [
        word
        for word in hidden
        if word in outputs or word in notebook.cell(1).locator(".jp-Cell-outputArea").inner_html()
    ] == []


def test_two_views_stay_in_step_and_the_level_is_kept(warm_desk: Desk) -> None:
    notebook = started(warm_desk, HINTS, FAILS, AGAIN % CARDS, run=3)
    first, second = notebook.card.nth(0), notebook.card.nth(1)
    second.get_by_role("button", name="Next hint (1 of 4)").click()
    for view in (first, second):
        expect(view.locator(".sm-hint")).to_have_count(1)
    expect(second.locator(".sm-hint")).to_be_focused()
    first.get_by_role("button", name="Next hint (2 of 4)").press("Space")
    for view in (first, second):
        expect(view.locator(".sm-hint")).to_have_count(2)
    expect(first.locator(".sm-hint").nth(1)).to_be_focused()
    notebook.run(1)
    expect(notebook.card.nth(0).locator(".sm-hint")).to_have_count(2)
    expect(notebook.card.nth(0).get_by_role("button", name="Next hint (3 of 4)")).to_be_visible()


def test_a_card_whose_kernel_is_another_says_so(desk: Desk) -> None:
    notebook = started(desk, HINTS, FAILS, run=2)
    desk.restart_kernel(notebook)
    notebook.button("Next hint (1 of 4)").press("Enter")
    expect(notebook.status()).to_contain_text("The kernel is not answering for this card")
    expect(notebook.card.locator(".sm-hint")).to_have_count(0)


def test_off_says_what_is_wrong_and_has_nothing_to_press(warm_desk: Desk) -> None:
    notebook = started(warm_desk, OFF, FAILS, run=2)
    card = notebook.card
    expect(card).to_contain_text(ERROR)
    expect(card).to_contain_text("8×8 grid with 4 channels")
    expect(card.locator(".sm-break")).to_have_count(1)
    expect(card.locator(".sm-predicted, .sm-fix, .sm-hint, .sm-card button")).to_have_count(0)
    expect(card).not_to_contain_text("join")
    shoot(notebook, "off")
    assert notebook.violations() == []
