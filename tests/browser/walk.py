"""Goes through a lesson in a real JupyterLab as its reader does: runs the cells, and does what the text says.

What a reader does at which cell, and what must be seen then, is data: ``tests/browser/steps.py``. A step
is ``(cell id, action, sights)``; it comes after its cell has run. Code cells are run from top to bottom
with Shift+Enter; every folded answer is unfolded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Locator, expect

from tests.browser.conftest import ROOT, Notebook
from tests.rules import keras_here

#: The tag with which Jupyter lets a cell fail without stopping.
FAILS_ON_PURPOSE = "raises-exception"
#: Milliseconds for a cell to end: some train, and the first imports TensorFlow.
RUN = 300_000
PICTURES = ROOT / "test-results"
_CELLS = "window.jupyterapp.shell.currentWidget.content.model.cells"
_INDEX = f"id => Array.from({{length: {_CELLS}.length}}, (_, k) => {_CELLS}.get(k).id).indexOf(id)"
#: Whether a cell's last output is an error, by its place.
_FAILED = f"k => {_CELLS}.get(k).sharedModel.getOutputs().some(output => output.output_type === 'error')"
_IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
_ANSWER = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)


class Walk:
    """A reader of an open lesson."""

    def __init__(self, notebook: Notebook, lesson: Path) -> None:
        self.notebook = notebook
        self.stored: NotebookNode = nbformat.read(lesson, as_version=4)

    def index(self, cell: str) -> int:
        """Where a cell stands now: a reader may have added others."""
        found = int(self.notebook.page.evaluate(_INDEX, cell))
        assert found >= 0, f"there is no cell {cell}"
        return found

    def cell(self, cell: str) -> Locator:
        return self.notebook.cell(self.index(cell))

    def outputs(self, cell: str) -> Locator:
        """All that a cell shows under its text."""
        return self.cell(cell).locator(".jp-Cell-outputWrapper")

    def run(self, cell: str) -> None:
        """Runs a cell with Shift+Enter and waits for its end."""
        index = self.index(cell)
        count = self.notebook.count(index)
        before = count.inner_text()
        self.cell(cell).locator(".cm-content").click()
        self.notebook.page.keyboard.press("Shift+Enter")
        expect(count).not_to_have_text(before, timeout=RUN)
        expect(count).to_have_text(re.compile(r"\[\d+\]:"), timeout=RUN)
        self.notebook.page.wait_for_function(_IDLE, timeout=RUN)

    def write(self, cell: str, text: str) -> None:
        """Puts text into a cell in the place of its own."""
        self.cell(cell).locator(".cm-content").click()
        self.notebook.page.keyboard.press("Control+a")
        self.notebook.page.keyboard.insert_text(text)

    def failed(self, cell: str) -> bool:
        """Whether a cell ended with an error."""
        return bool(self.notebook.page.evaluate(_FAILED, self.index(cell)))

    def unfold_answers(self, cell: str) -> None:
        """Unfolds what is folded in a text, and sees it."""
        for answer in self.cell(cell).locator("details").all():
            inside = answer.locator(":scope > :not(summary)").first
            expect(inside).to_be_hidden()
            answer.locator("summary").click()
            expect(inside).to_be_visible()

    def answer(self, cell: str) -> str:
        """The code of a folded answer, as the lesson gives it."""
        (text,) = [c.source for c in self.stored.cells if c.id == cell]
        (code,) = _ANSWER.findall(text)
        return str(code).rstrip("\n")


class Action(Protocol):
    """What a reader does at a cell."""

    def do(self, walk: Walk, cell: str) -> None:
        """Does it; what comes of it is for the sights to wait for."""


class Sight(Protocol):
    """What a reader sees at a cell."""

    def see(self, walk: Walk, cell: str) -> None:
        """Waits until it is there; raises AssertionError where it does not come."""


Step = tuple[str, Action, Sequence[Sight]]


# What a reader does


@dataclass(frozen=True, slots=True)
class Look:
    """Only looks."""

    def do(self, walk: Walk, cell: str) -> None:
        expect(walk.cell(cell)).to_be_attached()


@dataclass(frozen=True, slots=True)
class Press:
    """Presses a button, which is named by the beginning of its accessible name."""

    name: str

    def do(self, walk: Walk, cell: str) -> None:
        walk.outputs(cell).get_by_role("button", name=re.compile("^" + re.escape(self.name))).click()


@dataclass(frozen=True, slots=True)
class Unfold:
    """Unfolds a part of what a cell shows, by the beginning of its title."""

    title: str

    def do(self, walk: Walk, cell: str) -> None:
        walk.outputs(cell).locator("summary", has_text=re.compile("^" + re.escape(self.title))).click()


@dataclass(frozen=True, slots=True)
class Fill:
    """Types into a field, by its label, and presses Enter."""

    label: str
    text: str

    def do(self, walk: Walk, cell: str) -> None:
        field = walk.outputs(cell).get_by_role("textbox", name=self.label)
        field.fill(self.text)
        field.press("Enter")


@dataclass(frozen=True, slots=True)
class Keys:
    """Presses keys in a control that has the focus: ``Keys("slider", "kernel size", ("ArrowRight",))``."""

    role: Literal["checkbox", "combobox", "radio", "slider", "spinbutton"]
    name: str
    keys: tuple[str, ...]

    def do(self, walk: Walk, cell: str) -> None:
        control = walk.outputs(cell).get_by_role(self.role, name=self.name)
        control.focus()
        for key in self.keys:
            walk.notebook.page.keyboard.press(key)


@dataclass(frozen=True, slots=True)
class Select:
    """Selects a layer of a playground by a click on its row."""

    layer: str

    def do(self, walk: Walk, cell: str) -> None:
        row = walk.outputs(cell).locator(f'[data-layer="{self.layer}"]')
        row.click()
        expect(row).to_have_attribute("aria-selected", "true")


@dataclass(frozen=True, slots=True)
class Choose:
    """Chooses from a list, by its label."""

    label: str
    option: str

    def do(self, walk: Walk, cell: str) -> None:
        walk.outputs(cell).get_by_label(self.label).select_option(self.option)


@dataclass(frozen=True, slots=True)
class Mend:
    """Changes a piece of the text in a field, by its label."""

    label: str
    old: str
    new: str

    def do(self, walk: Walk, cell: str) -> None:
        field = walk.outputs(cell).get_by_label(self.label)
        text = field.input_value()
        assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times in {self.label}"
        field.fill(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Write:
    """Writes something else into the cell and runs it."""

    text: str

    def do(self, walk: Walk, cell: str) -> None:
        walk.write(cell, self.text)
        walk.run(cell)


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Copies the code of the folded answer above into the cell, under its magic if it has one, and runs it."""

    def do(self, walk: Walk, cell: str) -> None:
        magic = re.match(r"%%.*\n", walk.notebook.source(walk.index(cell)))
        walk.write(cell, (magic.group() if magic else "") + walk.answer(cell.removesuffix("-code")))
        walk.run(cell)


@dataclass(frozen=True, slots=True)
class AddCell:
    """Adds a cell below and runs something in it; what it shows is looked for there."""

    text: str

    def do(self, walk: Walk, cell: str) -> None:
        walk.cell(cell).locator(".jp-InputPrompt").click()
        walk.notebook.page.keyboard.press("b")
        below = walk.notebook.cell(walk.index(cell) + 1)
        expect(below).to_have_class(re.compile("jp-mod-active"))
        walk.notebook.page.keyboard.press("Enter")
        walk.notebook.page.keyboard.insert_text(self.text)
        walk.notebook.page.keyboard.press("Control+Enter")
        expect(below.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=RUN)


# What a reader sees


@dataclass(frozen=True, slots=True)
class Shows:
    """A text, or what a pattern matches, among what the cell shows."""

    text: str | re.Pattern[str]

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.outputs(cell)).to_contain_text(self.text, use_inner_text=True)


@dataclass(frozen=True, slots=True)
class Hides:
    """A text that is not among what the cell shows: what was wrong is gone, or not told yet."""

    text: str

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.outputs(cell)).not_to_contain_text(self.text, use_inner_text=True)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the ladder in a state: ``arrived`` is the green one of a fix that was pressed."""

    state: str
    text: str

    def see(self, walk: Walk, cell: str) -> None:
        row = walk.outputs(cell).locator(f".sm-row.sm-is-{self.state}", has_text=self.text)
        expect(row).to_be_visible()


@dataclass(frozen=True, slots=True)
class Reads:
    """The cell's own text has this in it."""

    text: str

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.cell(cell).locator(".cm-content")).to_contain_text(self.text)


@dataclass(frozen=True, slots=True)
class Finds:
    """An element that is visible, by a CSS selector: a picture, a control."""

    selector: str

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.outputs(cell).locator(self.selector).first).to_be_visible()


@dataclass(frozen=True, slots=True)
class Focused:
    """A button that has the focus, so that the keyboard goes on from there."""

    name: str

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.outputs(cell).get_by_role("button", name=self.name)).to_be_focused()


@dataclass(frozen=True, slots=True)
class Below:
    """Something that is seen in the cell below: the one that ``AddCell`` made."""

    text: str | re.Pattern[str]

    def see(self, walk: Walk, cell: str) -> None:
        expect(walk.notebook.cell(walk.index(cell) + 1).locator(".jp-Cell-outputWrapper")).to_contain_text(self.text)


@dataclass(frozen=True, slots=True)
class Accessible:
    """Nothing that axe-core finds wrong with our widgets of this cell, in light and in dark."""

    def see(self, walk: Walk, cell: str) -> None:
        widgets = walk.outputs(cell).locator(".sm")
        expect(widgets.first).to_be_visible()
        found = {}
        for theme in ("Dark", "Light"):  # ends in light, whatever is found: the server keeps the theme
            walk.notebook.theme(theme)
            found[theme] = walk.notebook.violations(widgets)
        assert found == {"Dark": [], "Light": []}


# The way through a lesson


@contextmanager
def told(walk: Walk, cell: str, step: object) -> Iterator[None]:
    """Says of a failure where in the lesson it was, and leaves a picture of it."""
    try:
        yield
    except Exception as error:
        PICTURES.mkdir(exist_ok=True)
        picture = PICTURES / f"{Path(walk.notebook.name).stem}-{cell}.png"
        walk.cell(cell).scroll_into_view_if_needed()
        walk.notebook.page.screenshot(path=str(picture))
        error.add_note(f"in {walk.notebook.name}, cell {cell}, at {step}; seen in {picture}")
        raise


def go_through(walk: Walk, steps: Sequence[Step]) -> None:
    """Runs every code cell, unfolds every answer, and takes the steps of each cell after it."""
    for stored in walk.stored.cells:
        cell = str(stored.id)
        if stored.cell_type == "code":
            with told(walk, cell, "its run"):
                walk.run(cell)
                fails = FAILS_ON_PURPOSE in stored.metadata.get("tags", []) and not keras_here.why_not(cell)
                assert walk.failed(cell) == fails
        else:
            with told(walk, cell, "its folded answers"):
                walk.unfold_answers(cell)
        for where, action, sights in steps:
            if where == cell:
                with told(walk, cell, (action, *sights)):
                    action.do(walk, cell)
                    for sight in sights:
                        sight.see(walk, cell)
    assert walk.notebook.errors == [], "\n".join(walk.notebook.errors)
