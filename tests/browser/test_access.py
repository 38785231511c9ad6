"""Every widget of ours by keyboard, by screen reader, at 200 % zoom, with reduced motion, in light, dark and forced colours.

A new widget, or a new state of one, gains a line in ``WIDGETS``. Colour-blind eyes are in ``tests/display/test_palette``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from tests.browser import access
from tests.browser.by_hand import MODEL_CELL, PRELUDE
from tests.browser.conftest import PATIENCE, Desk, Notebook, Server

# JupyterLab alone: what a widget looks like is its own, and Notebook 7 has the same themes.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("server", ["lab"], indirect=True)]

WIDE = ViewportSize(width=1280, height=1000)
#: A window of 1280 by 1000 at 200 %.
ZOOMED = ViewportSize(width=640, height=500)
#: Milliseconds for what has nothing to wait for but a redraw.
SOON = 5000


@dataclass(frozen=True)
class Widget:
    """One state of one of our widgets, and how a notebook comes to it."""

    name: str
    #: The cells that make it; the last one shows it.
    cells: tuple[str, ...]
    #: The words that tell its state, whatever the colours are.
    told: tuple[str, ...]
    #: Finds its element among what the last cell shows.
    selector: str = ".shapecheck"
    #: Whether it is a table of data, which may scroll where all of its columns are too many (WCAG 2.2, 1.4.10).
    scrolls: bool = False


def card(report: str, *more: str) -> tuple[str, str]:
    """The cells that show a card of a report made by hand."""
    return PRELUDE, f"w = ShapeWidget({', '.join([report, 'print', *more])}); display(w)"


LESSON = """\
import keras, shape_magic
from keras import layers
from shape_magic import teach
keras.backend.clear_session()
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(4, 5),
    layers.MaxPooling2D(2),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])"""
HINTED = """\
%reload_ext shape_magic
%config ShapeMagic.fixes = "hints"
get_ipython().run_cell_magic("shapecheck", "", "model = keras.Sequential([keras.Input((28,)), layers.Conv2D(4, 5), layers.Flatten()])")"""
_HIDDEN = "Something does not fit here, and it can't run."
_DONE = "done=Done('Inserted Flatten(), line 2', model='model', calls=(4,))"
WIDGETS = (
    Widget("error", (PRELUDE, MODEL_CELL), ("✗ Error", "breaks here")),
    Widget(
        "question", card("samples.seed_without_labels()"), ("! Warning", "look here", "Keep one answer per position")
    ),
    Widget("not reached", card("samples.not_reached()"), ("✗ Error", "breaks here", "as it would be with padding")),
    Widget("done", card("samples.green()", _DONE), ("✓", "Inserted Flatten(), line 2", "new")),
    Widget("branches", card("samples.branches()"), ("✗ Error", "breaks here")),
    Widget("long names", card("samples.long_names()"), ("✗ Error",)),
    Widget("folded", card("samples.deep(500)"), ("rows more",)),
    Widget("hints", (PRELUDE, LESSON, HINTED), (_HIDDEN, "Next hint (1 of 4)")),
    Widget("quiz", (LESSON, "quiz = teach.quiz(model)\nquiz"), ("Predict the shapes of", "Check", "Show")),
    Widget(
        "wrong answer", (LESSON, "quiz = teach.quiz(model)\nquiz.answer('conv2d', '28, 28, 4')\nquiz"), ("Not yet",)
    ),
    Widget("exercise", (LESSON, "teach.exercise('dense-on-feature-map')"), ("Exercise:", "Check my repair")),
    Widget("playground", (LESSON, "teach.Playground(model)"), ("Copy as code", "Flatten"), ".jp-OutputArea-output"),
    Widget(
        "broken playground",
        (LESSON, "play = teach.Playground(model)\nplay.set('conv2d', 'kernel_size', 40)\nplay"),
        ("✗ Error", "breaks here"),
        ".jp-OutputArea-output",
    ),
    Widget(
        "comparison",
        (LESSON, "shape_magic.compare(model, model)"),
        ("parameters",),
        ".jp-OutputArea-output",
        scrolls=True,
    ),
)


@dataclass
class Shown:
    """A widget in its notebook."""

    notebook: Notebook
    element: Locator
    widget: Widget


@pytest.fixture(scope="module", params=WIDGETS, ids=lambda widget: widget.name)
def opened(request: pytest.FixtureRequest, server: Server, browser: Browser, warm_kernel: str) -> Iterator[Shown]:
    """Each widget, in a page that its tests share."""
    widget: Widget = request.param
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    desk = Desk(server, context, warm_kernel)
    notebook = desk.start(widget.cells)
    for index in range(len(widget.cells)):
        notebook.run(index)
    element = notebook.cell(len(widget.cells) - 1).locator(widget.selector).first
    expect(element).to_be_visible()
    yield Shown(notebook, element, widget)
    desk.close()
    context.close()


@pytest.fixture
def shown(opened: Shown) -> Iterator[Shown]:
    """A widget, with the page as it was at first after the test."""
    yield opened
    page = opened.notebook.page
    page.emulate_media(reduced_motion="null", forced_colors="null")
    page.set_viewport_size(WIDE)
    opened.notebook.theme("Light")


def tells_its_state(shown: Shown) -> None:
    """The words of its state are there to be seen."""
    for word in shown.widget.told:
        expect(shown.element).to_contain_text(word, use_inner_text=True, timeout=SOON)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_nothing(shown: Shown, theme: str) -> None:
    shown.notebook.theme(theme)
    assert shown.notebook.violations(shown.element) == []
    tells_its_state(shown)


@pytest.mark.parametrize("sidebar", [False, True], ids=["alone", "beside the files"])
def test_nothing_is_cut_off_at_200_percent(shown: Shown, sidebar: bool) -> None:
    page = shown.notebook.page
    page.set_viewport_size(ZOOMED)
    files = page.locator("#jp-left-stack")
    if files.is_visible() != sidebar:
        shown.notebook.command("application:toggle-left-area")
    expect(files).to_be_visible(visible=sidebar, timeout=SOON)
    tells_its_state(shown)
    if not (sidebar and shown.widget.scrolls):
        assert access.cut_off(shown.element) == []


def test_nothing_moves_where_less_motion_is_asked_for(shown: Shown) -> None:
    shown.notebook.page.emulate_media(reduced_motion="reduce")
    assert access.moving(shown.element) == []


def test_forced_colours_leave_the_state_to_be_told(shown: Shown) -> None:
    shown.notebook.page.emulate_media(forced_colors="active")
    tells_its_state(shown)
    assert access.borderless(shown.element) == []
    assert shown.notebook.violations(shown.element) == []


def test_everything_is_reached_by_tab_and_left_again(shown: Shown) -> None:
    wanted = access.focusable(shown.element)
    page = shown.notebook.page
    if not wanted:
        return
    access.focus(shown.element, 0)
    for key, places in (("Tab", range(len(wanted))), ("Shift+Tab", reversed(range(len(wanted))))):
        for place in places:
            state = access.focused(shown.element)
            while state and state["place"] < 0:  # a part that scrolls is a stop, too, which Chromium adds
                assert (state["outlined"], state["inside"]) == (True, True), key
                page.keyboard.press(key)
                state = access.focused(shown.element)
            assert state == {"place": place, "outlined": True, "inside": True}, (key, wanted[place])
            page.keyboard.press(key)
        assert access.focused(shown.element) is None, f"{key} does not lead out"
        page.keyboard.press("Shift+Tab" if key == "Tab" else "Tab")


def test_keys_of_the_notebook_do_nothing_from_a_control(shown: Shown) -> None:
    cells = shown.notebook.cells.count()
    for place in range(len(access.focusable(shown.element))):
        access.focus(shown.element, place)
        shown.notebook.page.keyboard.press("d")
        shown.notebook.page.keyboard.press("d")
    expect(shown.notebook.cells).to_have_count(cells)


def test_every_control_has_a_name(shown: Shown) -> None:
    assert access.nameless(shown.element) == []


def test_the_measures_can_fail(browser: Browser, server: Server) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_content(
        """<style>b { animation: a 1s infinite } @keyframes a { to { opacity: 0 } } button:focus { outline: none }</style>
        <div class="jp-OutputArea-output" style="width: 200px"><div id="w" style="overflow: hidden">
        <button></button> <input type="text"> <b style="display: block; width: 400px">wide</b>
        <p style="overflow: hidden; width: 50px; white-space: nowrap">a line that is too long</p></div></div>"""
    )
    bad = page.locator("#w")
    assert [line.split(":")[0] for line in access.nameless(bad)] == ["- button", "- textbox"]
    assert [line.split(":")[0] for line in access.cut_off(bad)] == ["b.", "p."]
    assert access.moving(bad) == [": a all"]
    access.focus(bad, 0)
    assert access.focused(bad) == {"place": 0, "outlined": False, "inside": True}
    context.close()
