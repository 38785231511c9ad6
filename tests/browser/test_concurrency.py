"""Cells that queue, two views, two notebooks, cells that move: an edit goes to the cell that was checked, once, or nowhere.

Where no model is needed the card is made ``by_hand``. JupyterLab only: Notebook shares its code for cells, kernels
and views, and ``test_card`` and ``test_magic`` press the same buttons there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.by_hand import FIXED_CELL, MODEL_CELL, PRELUDE
from tests.browser.conftest import Desk, Notebook, Server
from tests.browser.test_card import EDIT, RUN, in_kernel, with_card
from tests.browser.test_magic import (
    COMPILE,
    DATA,
    EDIT_FLATTEN,
    ERROR,
    FIT,
    MODEL,
    ON,
    RUN_FLATTEN,
    SMALL,
    SOUND,
    card_in,
    counts,
    is_done,
    started,
    with_flatten,
)

pytestmark = pytest.mark.browser

#: A cell that runs until a file is there; the file is its argument.
GATE = "import time, pathlib\nwhile not pathlib.Path({path!r}).exists():\n    time.sleep(0.01)\nopened = True"
#: A card in the third cell about the one before.
#: What is said of a cell that is not what it was: front ends differ in which part of it keeps its id.
GONE = "so it was left alone|isn't in this notebook any more"
ABOUT = "text, cell = {text!r}, {cell!r}\nshow(text, cell, [cell])"


@pytest.fixture
def lab(server: Server, warm_desk: Desk) -> Iterator[Desk]:
    """A desk in JupyterLab, on the kernel that the tests of this module share."""
    if server.front_end != "lab":
        pytest.skip("in JupyterLab only")
    yield warm_desk
    for notebook in warm_desk.opened:
        assert notebook.errors == []


def refused(card: Locator, text: str) -> None:
    """Waits until a card says why it did nothing."""
    expect(card.locator(".sm-status.sm-refused")).to_contain_text(re.compile(text))


def shoot(notebook: Notebook, name: str) -> None:
    """A picture of the card, where somebody wants to look at it."""
    folder = os.environ.get("SHAPE_MAGIC_PICTURES")
    for theme in ("Dark", "Light") if folder else ():
        notebook.theme(theme)
        notebook.card.last.screenshot(path=str(Path(folder or "") / f"live-{name}-{theme.lower()}.png"))


# -- queues


def test_a_click_while_another_cell_runs_is_told_to_wait_and_works_afterwards(lab: Desk, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    notebook = with_card(lab, GATE.format(path=str(gate)))
    notebook.cell(2).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+Enter")
    expect(notebook.count(2)).to_have_text(re.compile(r"\[\*\]"))
    for button in (RUN, EDIT, RUN):
        notebook.button(button).click()
        refused(notebook.card, "The kernel is busy")
    notebook.has_source(1, MODEL_CELL)
    gate.touch()
    expect(notebook.count(2)).to_have_text(re.compile(r"\[\d+\]"))
    notebook.button(RUN).click()
    notebook.has_source(1, FIXED_CELL)
    expect(notebook.status()).to_contain_text("Inserted Flatten(), line 2")
    assert in_kernel(notebook, "marks, len(requests)") == "(['broken', 'fixed'], 1)"


def test_two_cells_in_a_row_each_have_their_own_answer(lab: Desk) -> None:
    sound, broken = f"%%shapecheck\n{SOUND}", f"%%shapecheck\n{SMALL}\n{FIT}"
    notebook = started(lab, DATA, sound, broken, "late = True", run=1)
    notebook.cell(1).locator(".cm-content").click()
    for _ in range(3):
        notebook.page.keyboard.press("Shift+Enter")
    expect(card_in(notebook, 2)).to_contain_text(ERROR)
    expect(notebook.outputs(1)).to_contain_text("✓ model: (None, 28, 28, 1) → (None, 10)")
    expect(card_in(notebook, 1)).to_have_count(0)
    expect(notebook.count(3)).to_have_text("[ ]:")
    card_in(notebook, 2).get_by_role("button", name=RUN_FLATTEN).dblclick()
    is_done(notebook, "Inserted Flatten(), line 5")
    notebook.has_source(2, with_flatten(broken))
    notebook.has_source(1, sound)
    expect(notebook.count(3)).to_have_text("[ ]:")


# -- views and notebooks


def test_in_two_views_of_one_card_one_click_counts(lab: Desk) -> None:
    notebook = with_card(lab)
    page = notebook.page
    notebook.command("notebook:create-output-view")  # "Create New View for Cell Output"
    mirrored = page.locator(".jp-LinkedOutputView .shapecheck")
    expect(mirrored.get_by_role("button", name=RUN)).to_be_visible()
    page.evaluate(
        """() => document.querySelectorAll('.shapecheck button[data-mode="run"].sm-go').forEach(b => b.click())"""
    )
    expect(notebook.cell(1).locator(".shapecheck .sm-done")).to_contain_text("Inserted Flatten(), line 2")
    expect(mirrored.locator(".sm-done")).to_contain_text("Inserted Flatten(), line 2")
    notebook.has_source(1, FIXED_CELL)
    mirrored.locator(".sm-done").get_by_role("button", name="Undo").click()
    notebook.has_source(1, MODEL_CELL)
    notebook.cell(1).locator(".shapecheck .sm-done").get_by_role("button", name="Undo").click()
    refused(notebook.cell(1).locator(".shapecheck"), "The cell has changed since it was checked")
    notebook.has_source(1, MODEL_CELL)
    assert in_kernel(notebook, "marks") == "['broken', 'fixed']"


@pytest.mark.parametrize("changed", [False, True], ids=["opened on it", "changed to it"])
def test_a_card_about_a_cell_of_another_notebook_edits_neither(lab: Desk, changed: bool) -> None:
    first = started(lab, ON, MODEL, run=2)
    texts = COMPILE, FIT, "mine = 1"
    name = lab.write(texts)
    if not changed:
        lab.share_kernel(first, name)
    second = lab.open_beside(first, name)
    if changed:  # as Lab's dialog "Change kernel" does, where another notebook's kernel can be chosen
        change = "id => window.jupyterapp.shell.currentWidget.sessionContext.changeKernel({ id }).then(() => null)"
        second.page.evaluate(change, lab.session_of(first)["kernel"]["id"])
    assert lab.session_of(second)["kernel"]["id"] == lab.session_of(first)["kernel"]["id"]
    second.run(0)
    second.run(1)
    card, static = card_in(second, 1), second.cell(1).locator(".shapecheck-static")
    expect(card.or_(static).locator("visible=true").first).to_contain_text(ERROR)
    # After a change of the kernel Lab draws no widget ("model not found"), and the static form stands there.
    for button in (RUN_FLATTEN, EDIT_FLATTEN) if card.count() else ():
        card.get_by_role("button", name=button).click()
        refused(card, "isn't in")
    for index, text in enumerate(texts):
        second.has_source(index, text)
    second.show(first)
    first.has_source(1, MODEL)


# -- kernels that end, pages that come back


def test_a_kernel_that_restarts_in_the_run_of_a_fix_loses_no_text(desk: Desk, server: Server) -> None:
    if server.front_end != "lab":
        pytest.skip("in JupyterLab only")
    slow = (
        MODEL_CELL.replace("show()", "") + "import time\nif len(marks) > 0:\n    print('again')\n    time.sleep(3600)"
    )
    notebook = about(desk, text=slow)
    press(notebook)
    expect(notebook.outputs(1)).to_contain_text(["again"])
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => null)"
    )
    refused(notebook.card, "Edited, but the run was broken off")
    notebook.has_source(1, slow.replace("    # here", "    'Flatten',"))
    expect(notebook.count(1)).not_to_have_text("[*]:")
    shoot(notebook, "broken-off")
    notebook.button("Undo").click()
    notebook.has_source(1, slow)


def test_a_page_that_is_loaded_again_still_edits_the_right_cell_or_says_why_not(lab: Desk) -> None:
    notebook = with_card(lab)
    notebook.save()
    again = lab.open(notebook.name)
    notebook.page.close()
    lab.opened.remove(notebook)
    live, static = again.card, again.page.locator(".shapecheck-static")
    expect(live.or_(static).first).to_be_visible()
    if live.count():
        again.button(EDIT).click()
        expect(again.status()).to_contain_text(re.compile("Inserted Flatten|Edited, not run|not answering"))
        again.has_source(1, FIXED_CELL if "dited" in again.status().inner_text() else MODEL_CELL)
    else:
        expect(static).to_contain_text("One answer per position")


# -- cells that change


def about(desk: Desk, text: str = MODEL_CELL) -> Notebook:
    """A notebook whose third cell shows a card about the second."""
    notebook = desk.start([PRELUDE, text, "", "0"])
    notebook.run(0)
    notebook.run(1)
    cell = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.id")
    notebook.evaluate_in_kernel(2, ABOUT.format(text=text, cell=cell))
    expect(card_in(notebook, 2).get_by_role("button", name=RUN)).to_be_visible()
    notebook.cell(1).locator(".cm-content").click()
    return notebook


def press(notebook: Notebook) -> Locator:
    """Presses the fix of the card in the third cell, wherever it stands by now; gives the card."""
    card = notebook.card.last
    card.get_by_role("button", name=RUN).click()
    return card


def test_a_cell_that_was_deleted_is_not_found_and_one_that_came_back_is(lab: Desk) -> None:
    notebook = about(lab)
    notebook.command("notebook:delete-cell")
    expect(notebook.cells).to_have_count(3)
    refused(press(notebook), "The checked cell isn't in this notebook any more.")
    assert [notebook.source(k) for k in (0, 2)] == [PRELUDE, "0"]
    notebook.command("notebook:undo-cell-action")
    expect(notebook.cells).to_have_count(4)
    press(notebook)
    notebook.has_source(1, FIXED_CELL)


def test_a_cell_that_was_split_or_merged_is_left_alone(lab: Desk) -> None:
    notebook = about(lab)
    notebook.page.keyboard.press("Control+Home")
    notebook.page.keyboard.press("ArrowDown")
    notebook.command("notebook:split-cell-at-cursor")
    expect(notebook.cells).to_have_count(5)
    refused(press(notebook), GONE)
    first, rest = MODEL_CELL.split("\n", 1)
    notebook.has_source(1, first)
    notebook.has_source(2, rest.lstrip())
    notebook.cell(1).locator(".cm-content").click()
    notebook.command("notebook:merge-cell-below")
    expect(notebook.cells).to_have_count(4)
    merged = notebook.source(1)
    assert merged != MODEL_CELL
    refused(press(notebook), GONE)
    notebook.has_source(1, merged)


def test_undo_in_the_editor_and_undo_on_the_card_take_back_once(lab: Desk) -> None:
    notebook = with_card(lab)
    notebook.button(EDIT).click()
    notebook.has_source(1, FIXED_CELL)
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+z")
    notebook.has_source(1, MODEL_CELL)
    notebook.button("Undo").click()
    refused(notebook.card, "The cell has changed since it was checked")
    notebook.has_source(1, MODEL_CELL)
    notebook.button(EDIT).click()
    notebook.has_source(1, FIXED_CELL)
    notebook.type_into(1, "  # mine")
    notebook.button("Undo").click()
    refused(notebook.card, "The cell has changed since it was checked")
    notebook.has_source(1, FIXED_CELL + "  # mine")


def test_a_cell_that_is_deleted_while_it_runs_again_ends_the_run_in_words(lab: Desk, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = (
        MODEL_CELL
        + "\nif marks[-1] == 'fixed':\n"
        + "\n".join("    " + x for x in GATE.format(path=str(gate)).split("\n"))
    )
    notebook = lab.start([PRELUDE, slow, "", "marks.append('last')", "0"])
    notebook.run(0)
    notebook.run(1)
    ids = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.map(w => w.model.id)")
    notebook.evaluate_in_kernel(2, f"show({slow!r}, {ids[1]!r}, {[ids[1], ids[3]]!r})")
    card = card_in(notebook, 2)
    card.get_by_role("button", name=RUN).click()
    # An older JupyterLab lets nobody else say that a cell runs: there the prompt is empty meanwhile.
    cell = "window.jupyterapp.shell.currentWidget.content.model.cells.get(1)"
    expect(notebook.count(1)).to_have_text(
        "[*]:" if notebook.page.evaluate(f"() => 'executionState' in {cell}") else "[ ]:"
    )
    notebook.cell(1).locator(".cm-content").click()
    notebook.command("notebook:delete-cell")
    expect(notebook.cells).to_have_count(4)
    gate.touch()
    refused(notebook.card.last, "The run stopped at a cell")
    expect(notebook.count(2)).to_have_text("[ ]:")
    assert counts(notebook)[2] == ""
