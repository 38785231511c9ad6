"""What the card does where a model is no part of the question: doubled clicks, dead and shared kernels, width.

No Keras here: the notebook makes the report by hand and plans the edits itself (``by_hand``). What
the real magic shows, writes and runs is in ``test_magic``.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.by_hand import FIXED_CELL, MODEL_CELL, PRELUDE
from tests.browser.conftest import Desk, Notebook

pytestmark = pytest.mark.browser

RUN = re.compile("^Fix and run: Insert Flatten")
EDIT = re.compile("^Edit only: Insert Flatten")


def with_card(desk: Desk, *more: str, metadata: dict[int, dict[str, Any]] | None = None) -> Notebook:
    """A notebook whose second cell shows the card."""
    notebook = desk.start([PRELUDE, MODEL_CELL, *more, "0"], metadata=metadata)
    notebook.run(0)
    notebook.run(1)
    expect(notebook.button(RUN)).to_be_visible()
    return notebook


def in_kernel(notebook: Notebook, expression: str) -> str:
    """The value of an expression in the kernel, asked for in the notebook's last cell."""
    return notebook.evaluate_in_kernel(notebook.cells.count() - 1, expression)


def test_second_click_does_nothing(warm_desk: Desk) -> None:
    notebook = with_card(warm_desk)
    before = notebook.count(1).inner_text()
    notebook.button(RUN).dblclick()
    notebook.ran(1, before)
    notebook.has_source(1, FIXED_CELL)
    assert in_kernel(notebook, "marks, len(requests)") == "(['broken', 'fixed'], 1)"


def test_run_stops_at_the_first_error(warm_desk: Desk) -> None:
    notebook = warm_desk.start(
        [
            PRELUDE,
            "text, a = parent()['content']['code'], parent()['metadata']['cellId']; 1 / (1 - len(marks))\n# here",
            "b = parent()['metadata']['cellId']; marks.append('b')",
            "show(text, a, [a, b])",
            "0",
        ]
    )
    for k in range(3):
        notebook.run(k)
    notebook.evaluate_in_kernel(4, "marks.clear() or 'cleared'")
    notebook.run(3)
    notebook.button(RUN).click()
    expect(notebook.outputs(1)).to_contain_text("ZeroDivisionError")
    expect(notebook.status()).to_contain_text("The run stopped at a cell that raised an error")
    expect(notebook.button("Undo")).to_be_visible()
    assert in_kernel(notebook, "marks") == "['broken']"


def test_streams_errors_and_displays_are_those_of_a_normal_run(warm_desk: Desk) -> None:
    body = """
print("a"); print("b")
import sys; print("c", file=sys.stderr)
h = display("first", display_id=True); h.update("second")
"value"
"""
    notebook = warm_desk.start([PRELUDE, MODEL_CELL.replace("show()", "show()" + body), "0"])
    notebook.run(0)
    notebook.run(1)
    by_hand = notebook.save()["cells"][1]["outputs"]
    before = notebook.count(1).inner_text()
    notebook.button(RUN).click()
    notebook.ran(1, before)
    by_button = notebook.save()["cells"][1]["outputs"]

    def plain(outputs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
        return [
            (o["output_type"], o.get("name", ""), "".join(o.get("text", o.get("data", {}).get("text/plain", ""))))
            for o in outputs[2:]
        ]

    assert plain(by_button) == plain(by_hand)
    assert ("display_data", "", "'second'") in plain(by_button)


def test_static_form_is_hidden_while_the_card_lives(warm_desk: Desk) -> None:
    notebook = with_card(warm_desk)
    expect(notebook.page.locator(".shapecheck-static")).to_have_count(1)
    expect(notebook.page.locator(".shapecheck-static")).to_be_hidden()


def test_reopened_without_a_kernel_the_static_form_stands_there(desk: Desk) -> None:
    notebook = with_card(desk)
    notebook.save()
    name = notebook.name
    notebook.page.close()
    desk.end_kernels()
    again = desk.open(name)
    static = again.page.locator(".shapecheck-static")
    expect(static).to_be_visible()
    expect(static).to_contain_text("breaks here")
    expect(static).to_contain_text("One answer per position, but one label per image.")
    expect(static.locator("pre").first).to_contain_text("+ ")
    expect(static.locator("pre").first).to_contain_text("layers.Flatten(),")
    expect(static).to_contain_text("--fix N")
    expect(again.card.get_by_role("button")).to_have_count(0)


def test_restarted_kernel_is_said_and_the_fix_can_be_copied(desk: Desk) -> None:
    notebook = with_card(desk)
    desk.restart_kernel(notebook)
    notebook.button(RUN).click()
    expect(notebook.status()).to_contain_text(re.compile("not answering|run the cell again"))
    notebook.has_source(1, MODEL_CELL)
    notebook.card.locator(".sm-status").get_by_role("button", name="Copy").click()
    expect(notebook.status()).to_contain_text("Copied")
    assert "layers.Flatten()" in notebook.page.evaluate("navigator.clipboard.readText()")


def test_two_notebooks_each_with_a_kernel_of_its_own(desk: Desk) -> None:
    first = with_card(desk)
    name = desk.copy_of(first)
    lab = desk.server.front_end == "lab"  # where the second opens beside the first, in the same page
    second = desk.open_beside(first, name) if lab else desk.open(name)
    for index in (0, 1):
        second.run(index)
    second.button(RUN).click()
    expect(second.status()).to_contain_text("Inserted Flatten(), line 2")
    second.has_source(1, FIXED_CELL)
    assert in_kernel(second, "marks") == "['broken', 'fixed']"
    if lab:
        second.show(first)
    first.has_source(1, MODEL_CELL)
    assert in_kernel(first, "marks") == "['broken']"


def test_copy_in_another_tab_on_the_same_kernel_edits_only_itself(desk: Desk) -> None:
    first = with_card(desk)
    name = desk.copy_of(first)
    desk.share_kernel(first, name)
    second = desk.open(name)
    second.run(1)
    expect(second.button(RUN)).to_be_visible()
    second.button(RUN).click()
    expect(second.status()).to_contain_text("Inserted Flatten(), line 2")
    second.has_source(1, FIXED_CELL)
    first.has_source(1, MODEL_CELL)


def test_card_in_a_copy_on_the_same_page_and_kernel_edits_no_other_notebook(desk: Desk) -> None:
    if desk.server.front_end != "lab":
        pytest.skip("one notebook to a page")
    first = with_card(desk)
    name = desk.copy_of(first)
    desk.share_kernel(first, name)
    second = desk.open_beside(first, name)
    second.run(1)
    second.button(RUN).click()
    # The front end names the first notebook for their kernel, with cells of the same ids and the same text.
    expect(second.status()).to_contain_text("isn't in the notebook that the front end names")
    second.has_source(1, MODEL_CELL)
    second.show(first)
    first.has_source(1, MODEL_CELL)


def test_whole_card_by_keyboard(warm_desk: Desk) -> None:
    notebook = with_card(warm_desk)
    notebook.button(RUN).focus()
    order = [notebook.page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent")]
    for _ in range(4):
        notebook.page.keyboard.press("Tab")
        order.append(notebook.page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent"))
    assert [text.split(":")[0] for text in (order[0], order[1], order[3], order[4])] == ["Fix and run", "Edit only"] * 2
    notebook.button(RUN).focus()
    before = notebook.count(1).inner_text()
    notebook.page.keyboard.press("Enter")
    notebook.ran(1, before)
    notebook.has_source(1, FIXED_CELL)


def test_saving_works_from_a_focused_button(warm_desk: Desk) -> None:
    notebook = with_card(warm_desk)
    notebook.button(EDIT).click()
    expect(notebook.button("Undo")).to_be_focused()
    assert "".join(notebook.save()["cells"][1]["source"]) == FIXED_CELL


def test_command_mode_keys_on_a_button_do_not_delete_the_cell(warm_desk: Desk) -> None:
    notebook = with_card(warm_desk)
    cells = notebook.cells.count()
    for control in notebook.card.locator("button, summary, [tabindex]").all():
        if control.is_visible():
            control.focus()
            notebook.page.keyboard.press("d")
            notebook.page.keyboard.press("d")
    expect(notebook.cells).to_have_count(cells)
    notebook.has_source(1, MODEL_CELL)


@pytest.mark.parametrize("width", [480, 1280])
def test_nothing_is_cut_off_at_any_width(warm_desk: Desk, width: int) -> None:
    notebook = with_card(warm_desk)
    notebook.card.evaluate("(el, width) => { el.style.width = `${width}px`; }", width)
    wider = """el => [...el.querySelectorAll("*")].filter(node => !node.closest("pre, .sm-hidden")
        && node.getBoundingClientRect().right > el.getBoundingClientRect().right + 1).map(node => node.className)"""
    assert notebook.card.evaluate(wider) == []


def test_hostile_names_stay_text(warm_desk: Desk) -> None:
    show = "w = ShapeWidget(samples.hostile(), print); display(w)"
    notebook = warm_desk.start([PRELUDE, show])
    notebook.run(0)
    notebook.run(1)
    expect(notebook.card).to_contain_text("<b>&'\"</b>")
    expect(notebook.card.locator("b b, script, img")).to_have_count(0)


def test_long_ladder_opens_on_demand(warm_desk: Desk) -> None:
    notebook = warm_desk.start([PRELUDE, "w = ShapeWidget(samples.deep(500), print); display(w)"])
    notebook.run(0)
    notebook.run(1)
    rows = notebook.card.get_by_role("row")
    assert rows.count() < 60
    fold = notebook.button(re.compile("rows more")).first
    assert notebook.card.locator(".sm-inside *").count() == 0, "what is folded is not drawn"
    fold.click()
    expect(rows.nth(400)).to_be_visible()  # some in each frame, so that the page never stands still
    expect(notebook.card.locator("[data-row]").nth(400)).to_contain_text("conv2d_399")
