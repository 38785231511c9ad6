"""The pictures of the README and the gallery, from a real run in JupyterLab: ``python tests/browser/make_screenshots.py``.

Run it by hand after a change of the card's look, look at what it wrote into ``notebooks/images``,
and commit the pictures with the change. It needs what the browser tests need. Names after it
(``01_dense_meets_feature_map``) make the pictures of these lessons alone.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, Locator, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # run as a script, the project is not on the path yet

from tests.browser.conftest import Desk, Notebook, launched, served  # noqa: E402
from tests.browser.walk import Action, Fill, Keys, Press, Select, Walk  # noqa: E402

IMAGES = ROOT / "notebooks" / "images"
SETUP = """\
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
from keras import layers
x_train = np.random.default_rng(0).random((600, 28, 28, 1), "float32")
y_train = keras.utils.to_categorical(np.arange(600) % 10, 10)
%load_ext shape_magic
%shapecheck on"""
SEED = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(64, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=3, verbose=0)"""


@dataclass(frozen=True, slots=True)
class Shot:
    """A lesson's picture: the cell, and what is done there before."""

    cell: str
    actions: tuple[Action, ...] = ()
    #: Of the cell: all of it, or what it shows.
    part: str = ".jp-Cell-outputWrapper"


#: Two right answers, and one that ignores the stride.
_ANSWERS = (("edges", "26, 26, 16"), ("half", "13, 13, 16"), ("parts", "11, 11, 32"))
#: By the lesson's file name.
SHOTS: dict[str, Shot] = {
    "01_dense_meets_feature_map": Shot("broken-model", part=""),
    "02_what_trains_in_silence": Shot("broadcast"),
    "03_drag_until_it_breaks": Shot("play", (Select("first"), Keys("slider", "kernel_size", ("ArrowRight",) * 7))),
    "04_ranks_and_axes": Shot("broadcast-picture"),
    "05_flatten_or_pool": Shot("train-picture"),
    "06_sequences": Shot("steps-lost"),
    "07_the_clinic": Shot("patient-1-code", (Press("Next hint"), Press("Next hint")), part=""),
    "08_for_teachers": Shot("quiz", tuple(Fill(f"Output shape of {layer}", shape) for layer, shape in _ANSWERS)),
}
#: Milliseconds that the frames of the animation stand: the card, the button, the result.
STANDS = (3200, 900, 4500)


def main(lessons: Sequence[str]) -> None:
    """Make the README's pictures and those of all lessons, or of these lessons alone."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served("lab", Path(home)) as server, sync_playwright() as driver:
        browser = launched(driver)
        context = browser.new_context(viewport={"width": 1080, "height": 2300}, device_scale_factor=2)
        context.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        desk = Desk(server, context)
        try:
            if not lessons:
                photograph(desk)
            for name in lessons or SHOTS:
                photograph_lesson(desk, name, SHOTS[name])
                desk.close()
                desk.opened.clear()
        finally:
            browser.close()


def photograph_lesson(desk: Desk, name: str, shot: Shot) -> None:
    """A lesson up to one of its cells, in both themes."""
    lesson = ROOT / "notebooks" / f"{name}.ipynb"
    shutil.copy(lesson, desk.server.root)
    desk.names.add(lesson.name)
    walk = Walk(desk.open(lesson.name), lesson)
    walk.notebook.command("application:toggle-left-area")
    for stored in walk.stored.cells:
        if stored.cell_type == "code":
            walk.run(stored.id)
        if stored.id == shot.cell:
            break
    for action in shot.actions:
        action.do(walk, shot.cell)
    part = walk.cell(shot.cell).locator(shot.part) if shot.part else walk.cell(shot.cell)
    for theme in ("Dark", "Light"):
        walk.notebook.theme(theme)
        save(picture(walk.notebook, part), f"lesson-{name[:2]}-{theme.lower()}.png")


def photograph(desk: Desk) -> None:
    """From red to green, and a picture of each."""
    notebook = desk.start([SETUP, SEED, ""])
    notebook.command("application:toggle-left-area")
    notebook.run(0)
    notebook.run(1)
    button = notebook.button(re.compile("^Fix and run: Insert Flatten"))
    expect(button).to_be_visible()
    for theme in ("Dark", "Light"):
        notebook.theme(theme)
        save(picture(notebook), f"seed-{theme.lower()}.png")
    frames = [picture(notebook)]
    button.focus()
    frames.append(picture(notebook, leave=False))
    button.click()
    expect(notebook.card.locator(".sm-is-arrived")).to_be_visible()
    expect(notebook.button("Undo")).to_be_focused()
    frames.append(picture(notebook, leave=False))
    save(frames[-1], "fixed-light.png")
    animate(frames, "fix.gif")


def picture(notebook: Notebook, part: Locator | None = None, *, leave: bool = True) -> Image.Image:
    """A part of the page, else the second cell with what it shows, without the marks of a selected cell."""
    shown = part or notebook.cell(1)
    if leave:
        notebook.cells.last.click()
        notebook.page.keyboard.press("Escape")
    notebook.page.mouse.move(0, 0)
    shown.scroll_into_view_if_needed()
    shown.evaluate("el => Promise.all(el.getAnimations({subtree: true}).map(animation => animation.finished))")
    box = shown.bounding_box()
    assert box is not None
    clip = FloatRect(x=box["x"], y=box["y"], width=box["width"], height=box["height"])
    return Image.open(io.BytesIO(notebook.page.screenshot(clip=clip))).convert("RGB")


def save(image: Image.Image, name: str) -> None:
    """Write a picture with a palette of its own, which makes it a third of the size."""
    path = IMAGES / name
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {image.width}×{image.height}, {path.stat().st_size / 1000:.0f} kB")


def animate(frames: list[Image.Image], name: str) -> None:
    """Write an animation at half the size, all frames as tall as the tallest."""
    width, height = frames[0].width, max(frame.height for frame in frames)
    drawn = []
    for frame in frames:
        page = Image.new("RGB", (width, height), frame.getpixel((0, frame.height - 1)))
        page.paste(frame, (0, 0))
        smaller = page.resize((width * 5 // 8, height * 5 // 8), Image.Resampling.LANCZOS)
        drawn.append(smaller.quantize(128, dither=Image.Dither.NONE))
    path = IMAGES / name
    drawn[0].save(path, save_all=True, append_images=drawn[1:], duration=list(STANDS), loop=0, optimize=True)
    print(f"{path.relative_to(ROOT)}: {len(drawn)} frames, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
