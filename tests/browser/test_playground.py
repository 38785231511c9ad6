"""The playground in real front ends: turned, broken and mended by hand; what counts is what Python knows afterwards."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Desk, Notebook, _axe

pytestmark = pytest.mark.browser

SETUP = """\
import keras
from keras import layers
from shape_magic import teach
"""
CELL = '''\
play = teach.Playground("""
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
""", y=(None, 10), loss="categorical_crossentropy")
play'''


def shown(desk: Desk) -> Notebook:
    """A notebook that shows a playground, with its pictures."""
    notebook = desk.start([SETUP, CELL, "0"])
    notebook.run(0)
    notebook.run(1)
    expect(stage(notebook).locator("figure svg")).to_have_count(2)
    return notebook


def stage(notebook: Notebook) -> Locator:
    return notebook.page.locator(".jp-OutputArea .sm-play")


def row(notebook: Notebook, name: str) -> Locator:
    return stage(notebook).locator(f'[data-layer="{name}"]')


def handle(notebook: Notebook, name: str) -> Locator:
    """The slider's handle, by the name that a screen reader says."""
    return stage(notebook).get_by_role("slider", name=name, exact=True)


def select(notebook: Notebook, name: str, first: str) -> None:
    """Clicks a row and waits until the controls are those of its layer: ``first`` is what the first of them reads."""
    row(notebook, name).click()
    expect(row(notebook, name)).to_have_attribute("aria-selected", "true")
    expect(stage(notebook).locator(".sm-panel-head code")).to_have_text(name)
    expect(stage(notebook).locator(".sm-knobs .widget-readout").first).to_have_text(first)


def press(notebook: Notebook, name: str) -> None:
    stage(notebook).get_by_role("button", name=name, exact=True).click()


def python(notebook: Notebook, expression: str) -> Any:
    """What the kernel says to an expression."""
    return ast.literal_eval(notebook.evaluate_in_kernel(2, expression))


def violations(notebook: Notebook) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong with the whole playground, all of it unfolded."""
    notebook.page.evaluate(_axe().read_text(encoding="utf-8"))
    stage(notebook).evaluate("el => el.querySelectorAll('details').forEach(node => (node.open = true))")
    found = notebook.page.evaluate("axe.run('.sm-play', {resultTypes: ['violations']})")["violations"]
    return [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]


def test_a_slider_dragged_by_keyboard_re_traces(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    expect(row(notebook, "conv2d")).to_have_attribute("aria-selected", "true")
    handle(notebook, "kernel_size").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("ArrowRight")
    expect(row(notebook, "conv2d").locator(".sm-shape")).to_have_text("(None, 24, 24, 32)")
    expect(handle(notebook, "kernel_size")).to_be_focused()
    expect(stage(notebook).locator(".sm-formula").first).to_have_text("⌊(28 − 5) / 1⌋ + 1 = 24")
    expect(stage(notebook).locator("figure svg").last).to_have_attribute(
        "aria-label",
        "Where its window stands. height, width: 28 positions, a window of 5; place 1 reads positions 1 to 5; place 2 reads positions 2 to 6; place 24 reads positions 24 to 28.",
    )
    assert python(notebook, "play.report.models[0].calls[0].output_shape") == (None, 24, 24, 32)


def test_drag_until_it_breaks_and_take_it_back(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    select(notebook, "conv2d_1", "64")
    handle(notebook, "kernel_size").focus()
    notebook.page.keyboard.press("End")
    for _ in range(3):
        notebook.page.keyboard.press("ArrowRight")
    expect(stage(notebook).locator(".sm-formula").first).to_have_text("⌊(13 − 11) / 1⌋ + 1 = 3")
    select(notebook, "input_layer", "28")
    handle(notebook, "height").focus()
    for _ in range(6):
        notebook.page.keyboard.press("ArrowLeft")
    broken = row(notebook, "conv2d_1")
    expect(broken.locator(".sm-mark")).to_contain_text("breaks here")
    expect(stage(notebook).locator(".sm-title")).to_have_text("The window is larger than what is left of the input.")
    expect(stage(notebook).locator(".sm-message")).to_contain_text("slides a window of 11×11 over a grid of 10×13")
    assert python(notebook, "[d.rule for d in play.report.diagnostics]") == ["window-larger-than-input"]
    press(notebook, "Reset")
    expect(stage(notebook).locator(".sm-mark")).to_have_count(0)
    assert python(notebook, "play.report.ok") is True


def test_insert_move_remove_undo(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    page = notebook.page
    row(notebook, "max_pooling2d_1").click()
    expect(row(notebook, "max_pooling2d_1")).to_have_attribute("aria-selected", "true")
    stage(notebook).get_by_role("combobox", name="Layer to insert").select_option("GlobalAveragePooling2D")
    press(notebook, "Insert")
    new = row(notebook, "global_average_pooling2d")
    expect(new).to_have_attribute("aria-selected", "true")
    press(notebook, "Move up")
    expect(stage(notebook).locator(".sm-title")).to_have_text("The positions are gone before a layer that needs them.")
    press(notebook, "Move down")
    expect(stage(notebook).locator(".sm-title")).to_have_count(0)
    row(notebook, "flatten").click()
    expect(row(notebook, "flatten")).to_be_focused()
    page.keyboard.press("Delete")
    expect(row(notebook, "flatten")).to_have_count(0)
    expect(new).to_be_focused()
    assert python(notebook, "play.layers[-2:]") == ("global_average_pooling2d", "dense")
    press(notebook, "Undo")
    expect(row(notebook, "flatten")).to_have_count(1)
    press(notebook, "Redo")
    expect(row(notebook, "flatten")).to_have_count(0)
    expect(stage(notebook).get_by_role("button", name="Redo")).to_have_attribute("aria-disabled", "true")
    expect(stage(notebook).get_by_role("button", name="Redo")).to_be_focused()


def test_arrow_keys_move_the_selection(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    row(notebook, "conv2d").focus()
    for name in ("max_pooling2d", "conv2d_1"):
        notebook.page.keyboard.press("ArrowDown")
        expect(row(notebook, name)).to_be_focused()
        expect(row(notebook, name)).to_have_attribute("aria-selected", "true")
    notebook.page.keyboard.press("Home")
    expect(row(notebook, "input_layer")).to_be_focused()
    expect(handle(notebook, "height")).to_be_visible()
    notebook.page.keyboard.press("End")
    expect(row(notebook, "dense")).to_have_attribute("aria-selected", "true")
    expect(handle(notebook, "units")).to_be_visible()
    assert python(notebook, "play.selected") == "dense"


def test_copy_as_code(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    press(notebook, "Copy as code")
    expect(stage(notebook).locator(".sm-status")).to_have_text("Copied: Keras code that makes this model.")
    copied = notebook.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import keras\nfrom keras import layers\n\nmodel = keras.Sequential([\n")
    assert python(notebook, "play.source") == copied


def test_what_python_changes_is_shown(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    python(notebook, 'play.controls["filters"].__setattr__("value", 48) or 0')
    expect(row(notebook, "conv2d").locator(".sm-shape")).to_have_text("(None, 26, 26, 48)")
    python(notebook, 'play.select("dense") or 0')
    expect(row(notebook, "dense")).to_have_attribute("aria-selected", "true")
    expect(handle(notebook, "units")).to_be_visible()


def test_a_number_for_each_axis(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    stage(notebook).get_by_role("checkbox", name="a number for each axis").check()
    field = stage(notebook).locator(".sm-knobs .widget-text input").first
    expect(field).to_have_value("3, 3")
    field.fill("3, 5")
    field.press("Enter")
    expect(row(notebook, "conv2d").locator(".sm-shape")).to_have_text("(None, 26, 24, 32)")
    field.fill("three")
    field.press("Enter")
    expect(stage(notebook).locator(".sm-status")).to_contain_text("takes whole numbers")
    assert python(notebook, "play.call.output_shape") == (None, 26, 24, 32)


def test_d_d_on_a_control_leaves_the_cell(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    count = notebook.cells.count()
    stops = [
        handle(notebook, "filters"),
        row(notebook, "conv2d"),
        stage(notebook).get_by_role("checkbox"),
        stage(notebook).get_by_role("combobox", name="padding"),
        stage(notebook).get_by_role("combobox", name="Layer to insert"),
        stage(notebook).get_by_role("button", name="Remove"),
        stage(notebook).locator("summary").first,
    ]
    for stop in stops:
        stop.focus()
        notebook.page.keyboard.press("d")
        notebook.page.keyboard.press("d")
    assert python(notebook, "1") == 1
    assert notebook.cells.count() == count


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_nothing_for_axe_to_complain_about(warm_desk: Desk, theme: str) -> None:
    notebook = shown(warm_desk)
    notebook.theme(theme)
    assert violations(notebook) == []
    python(notebook, 'play.set("conv2d_1", "kernel_size", 14) or play.select("conv2d_1") or 0')
    expect(stage(notebook).locator(".sm-title")).to_be_visible()
    expect(stage(notebook).locator("figure svg").last).to_have_attribute(
        "aria-label", "Where its window stands. height, width: the window of 14 is larger than the 13 that there are."
    )
    assert violations(notebook) == []


def test_little_room(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    if notebook.server.front_end == "lab":
        notebook.command("application:toggle-left-area")
    notebook.page.set_viewport_size({"width": 480, "height": 1200})
    panel, ladder = stage(notebook).locator(".sm-panel"), stage(notebook).locator(".sm-ladder-part")
    above, below = ladder.bounding_box(), panel.bounding_box()
    assert above is not None
    assert below is not None
    assert below["y"] >= above["y"] + above["height"]
    widths = stage(notebook).evaluate("el => [el.scrollWidth, el.clientWidth]")
    assert widths[0] <= widths[1]
    assert violations(notebook) == []


def test_a_turn_draws_only_what_it_changed(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    lines = stage(notebook).locator("[data-row]")
    lines.evaluate_all("nodes => nodes.forEach(node => (node.old = true))")
    python(notebook, 'play.set("conv2d_1", "filters", 8) or 0')
    expect(row(notebook, "conv2d_1").locator(".sm-shape")).to_have_text("(None, 11, 11, 8)")
    kept = lines.evaluate_all("nodes => nodes.filter(node => node.old).map(node => node.dataset.layer ?? '')")
    assert kept == ["input_layer", "conv2d", "max_pooling2d", "", ""]
    row(notebook, "dense").click()
    expect(row(notebook, "dense")).to_have_attribute("aria-selected", "true")
    assert lines.evaluate_all("nodes => nodes.filter(node => node.old).length") == len(kept)


def test_still_motion_does_not_flash(warm_desk: Desk) -> None:
    notebook = shown(warm_desk)
    notebook.page.emulate_media(reduced_motion="reduce")
    python(notebook, 'play.set("conv2d", "filters", 8) or 0')
    changed = row(notebook, "conv2d")
    expect(changed.locator(".sm-shape")).to_have_text("(None, 26, 26, 8)")
    assert changed.locator(".sm-shape").evaluate("el => getComputedStyle(el).animationName") == "none"
    notebook.page.emulate_media(reduced_motion="no-preference")
    python(notebook, 'play.set("conv2d", "filters", 9) or 0')
    expect(changed.locator(".sm-shape")).to_have_text("(None, 26, 26, 9)")
    assert changed.locator(".sm-shape").evaluate("el => getComputedStyle(el).animationName") == "sm-flash"
