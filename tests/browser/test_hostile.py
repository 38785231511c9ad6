"""A model whose names are markup and scripts, in a real page: what would run does not, and all is shown as text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.browser.test_magic import DATA
from tests.hostile.rows import LITERAL

# JupyterLab alone: a card and its static form are drawn by our own script in every front end.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("server", ["lab"], indirect=True)]

CELL = f"""\
%%shapecheck
Own = type({LITERAL}, (layers.Dense,), {{}})
model = keras.Sequential([
    keras.Input((28, 28, 1), name={LITERAL}),
    Own(4, name={LITERAL}),
    layers.Dense(10, name={LITERAL} + "2"),
], name={LITERAL})
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train)"""
PLAY = f"""\
from shape_magic.teach import Playground, quiz
model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, name={LITERAL}), layers.Flatten(), layers.Dense(10)])
Playground(model)"""
QUIZ = "quiz(model, 2)"


def test_what_would_run_does_not(desk: Desk) -> None:
    notebook = desk.start([DATA, CELL, PLAY, QUIZ])
    notebook.run(0)
    notebook.run(1)
    expect(notebook.card).to_contain_text("<img src=x onerror=window.pwned=1>")
    expect(notebook.card).to_contain_text("␛[31m")
    expect(notebook.card).to_contain_text("<U+202E>")
    notebook.run(2)
    notebook.run(3)
    for cell in (1, 2, 3):
        outputs = notebook.cell(cell).locator(".jp-OutputArea")
        expect(outputs).to_contain_text("<img src=x onerror=window.pwned=1>")
        expect(outputs.locator("img[src=x], script")).to_have_count(0)
        expect(outputs).not_to_contain_text("Traceback")
    assert notebook.page.evaluate("window.pwned") is None
    folder = os.environ.get("SHAPE_MAGIC_PICTURES")
    for theme in ("Dark", "Light") if folder else ():
        notebook.theme(theme)
        notebook.screenshot(Path(folder or "", f"hostile-{theme.lower()}.png"))
