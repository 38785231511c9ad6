"""Quiz and exercise as a learner meets them: by keyboard, with what is said in a live region, read from Python."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Desk, Notebook

pytestmark = pytest.mark.browser

SETUP = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from keras import layers
from shape_magic import teach"""
QUIZ = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
q = teach.quiz(model, blanks=["conv2d", "max_pooling2d", "flatten"])
q"""
EXERCISE = """\
e = teach.exercise("dense-on-feature-map", seed=0)
e"""
FIX = "    layers.Flatten(),\n"


def with_quiz(desk: Desk) -> Notebook:
    """A notebook whose second cell shows the quiz, as its first model of the kernel."""
    notebook = desk.start([SETUP, f"keras.utils.clear_session()\n{QUIZ}", "0"])
    notebook.run(0)
    notebook.run(1)
    expect(blank(notebook, "conv2d")).to_be_visible()
    return notebook


def with_exercise(desk: Desk) -> Notebook:
    notebook = desk.start([SETUP, EXERCISE, "0"])
    notebook.run(0)
    notebook.run(1)
    expect(code(notebook)).to_be_visible()
    return notebook


def blank(notebook: Notebook, layer: str) -> Locator:
    return notebook.card.get_by_role("textbox", name=f"Output shape of {layer} (")


def code(notebook: Notebook) -> Locator:
    return notebook.card.get_by_label("The cell, to be repaired")


def places(notebook: Notebook) -> Locator:
    return notebook.card.get_by_label("Where is the mistake?")


def said(notebook: Notebook) -> Locator:
    """The exercise's live region."""
    return notebook.card.locator(":scope > [role=status]")


def asked(notebook: Notebook, number: int) -> Locator:
    """A blank's row with what is said under it."""
    return notebook.card.locator(".sm-ask").nth(number)


def in_kernel(notebook: Notebook, expression: str) -> str:
    return notebook.evaluate_in_kernel(notebook.cells.count() - 1, expression)


def test_quiz_by_keyboard_from_wrong_to_right(warm_desk: Desk) -> None:
    notebook = with_quiz(warm_desk)
    keys, earlier = notebook.page.keyboard, list(notebook.errors)
    blank(notebook, "conv2d").focus()
    keys.type("28, 28, 32")
    keys.press("Enter")
    expect(asked(notebook, 0).get_by_role("status")).to_contain_text("✗ Not yet That leaves out the 3×3 window")
    expect(blank(notebook, "conv2d")).to_be_focused()
    expect(blank(notebook, "conv2d")).to_have_attribute("aria-invalid", "true")
    keys.type("26x26x32")
    keys.press("Enter")
    expect(asked(notebook, 0).get_by_role("status")).to_contain_text("✓ Right (batch, 26, 26, 32).")
    expect(blank(notebook, "max_pooling2d")).to_be_focused()
    keys.type("what?")
    keys.press("Enter")
    expect(asked(notebook, 1).get_by_role("status")).to_contain_text("not counted as a try")
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(asked(notebook, 1).get_by_role("status")).to_contain_text("→ Shown The answer is (batch, 13, 13, 32).")
    expect(blank(notebook, "flatten")).to_be_focused()
    keys.type("None, 5408")
    keys.press("Enter")
    progress = notebook.card.get_by_text("Done: 2 of 3 right, 1 of them at the first try.")
    expect(progress).to_be_focused()
    assert in_kernel(notebook, "q.score.right, q.score.first_try, q.score.share") == "(2, 1, 0.6666666666666666)"
    assert in_kernel(notebook, "q.misconceptions") == "Counter({'forgot-kernel': 1})"
    assert notebook.errors == earlier


def test_no_answer_is_in_the_page_before_it_is_given(warm_desk: Desk) -> None:
    notebook = with_quiz(warm_desk)
    page = notebook.card.inner_html()
    assert "28, 28, 1" in page
    assert not [shape for shape in ("26, 26, 32", "13, 13, 32", "5408", "54,090", "None, 10") if shape in page]


def test_what_is_typed_elsewhere_stays_when_a_row_is_checked(warm_desk: Desk) -> None:
    notebook = with_quiz(warm_desk)
    blank(notebook, "flatten").fill("half of an ans")
    blank(notebook, "conv2d").fill("26, 26, 32")
    notebook.card.get_by_role("button", name="Check: Output shape of conv2d (").click()
    expect(asked(notebook, 0).get_by_role("status")).to_contain_text("Right")
    expect(blank(notebook, "flatten")).to_have_value("half of an ans")


def test_an_answer_from_python_is_drawn_too(warm_desk: Desk) -> None:
    notebook = with_quiz(warm_desk)
    assert in_kernel(notebook, 'q.answer("conv2d", "26, 26, 32").right') == "True"
    expect(notebook.card.locator(".sm-progress")).to_have_text("1 of 3 right")
    expect(blank(notebook, "conv2d")).to_have_count(0)


def test_the_notebooks_keys_stay_away_from_fields(warm_desk: Desk) -> None:
    notebook = with_quiz(warm_desk)
    cells = notebook.cells.count()
    for control in notebook.card.locator("input, button").all():
        control.focus()
        for key in ("d", "d", "a", "x"):
            notebook.page.keyboard.press(key)
    blank(notebook, "conv2d").press("Shift+Enter")
    expect(notebook.cells).to_have_count(cells)
    notebook.has_source(1, f"keras.utils.clear_session()\n{QUIZ}")
    assert in_kernel(notebook, "q.score.asked") == "0"


def test_a_restarted_kernel_is_said(desk: Desk) -> None:
    notebook = with_quiz(desk)
    desk.restart_kernel(notebook)
    notebook.page.clock.install()
    blank(notebook, "conv2d").fill("26, 26, 32")
    notebook.page.keyboard.press("Enter")
    expect(asked(notebook, 0).get_by_role("status")).to_contain_text("The kernel is not answering")


def test_exercise_by_keyboard(warm_desk: Desk) -> None:
    notebook = with_exercise(warm_desk)
    keys, earlier = notebook.page.keyboard, list(notebook.errors)
    text = code(notebook).input_value()
    code(notebook).focus()
    keys.press("Tab")
    expect(places(notebook)).to_be_focused()
    keys.type("conv")
    keys.press("Tab")
    keys.press("Enter")
    expect(said(notebook)).to_contain_text("✗ Not yet. conv2d is not where it breaks.")
    keys.press("Tab")
    keys.press("Enter")
    expect(notebook.card.get_by_role("listitem")).to_have_count(1)
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    keys.type("dense")
    code(notebook).fill(text.replace("model.fit(", "model.fit(("))
    notebook.card.get_by_role("button", name="Check my repair").press("Enter")
    expect(said(notebook)).to_contain_text("Python stopped in line")
    code(notebook).fill(text.replace("    layers.Dense(", f"{FIX}    layers.Dense("))
    notebook.card.get_by_role("button", name="Check my repair").press("Enter")
    expect(said(notebook)).to_contain_text(
        "✓ Right. dense is the right place. The repaired cell traces clean, to the labels."
    )
    assert in_kernel(notebook, "e.solved, e.hints_shown") == "(True, 1)"
    assert notebook.errors == earlier


def test_another_exercise_takes_the_place_of_the_first(warm_desk: Desk) -> None:
    notebook = with_exercise(warm_desk)
    before = code(notebook).input_value()
    notebook.card.get_by_role("button", name="Another one").click()
    expect(code(notebook)).not_to_have_value(before)
    expect(notebook.card.get_by_text("Exercise: dense-on-feature-map")).to_be_focused()
    assert in_kernel(notebook, "e.seed, e.solved") == "(1, False)"


def test_saving_works_from_a_field_and_running_does_not(warm_desk: Desk) -> None:
    notebook = with_exercise(warm_desk)
    code(notebook).fill("unsaved work")
    notebook.save()
    count = notebook.count(1).inner_text()
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.keyboard.press("Shift+Enter")
    assert in_kernel(notebook, "1 + 1") == "2"
    assert notebook.count(1).inner_text() == count
    assert code(notebook).input_value().startswith("unsaved work")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing(warm_desk: Desk, theme: str) -> None:
    notebook = with_quiz(warm_desk)
    notebook.theme(theme)
    blank(notebook, "conv2d").fill("28, 28, 32")
    notebook.page.keyboard.press("Enter")
    expect(asked(notebook, 0)).to_contain_text("Not yet")
    assert notebook.violations() == []
    blank(notebook, "conv2d").fill("26, 26, 32")
    notebook.page.keyboard.press("Enter")
    expect(asked(notebook, 0)).to_contain_text("Right")
    assert notebook.violations() == []
    exercise = with_exercise(warm_desk)
    exercise.theme(theme)
    exercise.card.get_by_role("button", name="Next hint").click()
    expect(exercise.card.get_by_role("listitem")).to_have_count(1)
    exercise.card.get_by_role("button", name="Check my repair").click()
    expect(said(exercise)).to_contain_text("Choose a place")
    assert exercise.violations() == []


@pytest.mark.parametrize("width", [320, 480, 700, 1280])
def test_nothing_is_cut_off_at_any_width(warm_desk: Desk, width: int) -> None:
    for notebook in (with_quiz(warm_desk), with_exercise(warm_desk)):
        notebook.card.evaluate("(el, width) => { el.style.width = `${width}px`; }", width)
        wider = """el => [...el.querySelectorAll("*")].filter(node => !node.closest("textarea, select, .sm-hidden")
            && node.getBoundingClientRect().right > el.getBoundingClientRect().right + 1).map(node => node.className)"""
        assert notebook.card.evaluate(wider) == []


@pytest.mark.parametrize("width", [320, 480, 700])
def test_fields_and_names_do_not_cover_each_other(warm_desk: Desk, width: int) -> None:
    notebook = with_quiz(warm_desk)
    notebook.card.evaluate("(el, width) => { el.style.width = `${width}px`; }", width)
    covered = """el => [...el.querySelectorAll(".sm-ask .sm-name b, .sm-ask .sm-name code, .sm-ask input, .sm-ask button")]
        .filter(node => { const box = node.getBoundingClientRect();
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return !(node.contains(top) || top?.contains(node) && top.matches(".sm-name, code, b")); })
        .map(node => node.textContent)"""
    notebook.card.scroll_into_view_if_needed()
    assert notebook.card.evaluate(covered) == []
