"""The README's pictures, from a real run in JupyterLab: ``python tests/browser/make_screenshots.py``.

Run it by hand after a change of the card's look, look at what it wrote into ``notebooks/images``,
and commit the pictures with the change. It needs what the browser tests need.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # run as a script, the project is not on the path yet

from tests.browser.conftest import Desk, Notebook, launched, served  # noqa: E402

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
#: Milliseconds that the frames of the animation stand: the card, the button, the result.
STANDS = (3200, 900, 4500)


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served("lab", Path(home)) as server, sync_playwright() as driver:
        browser = launched(driver)
        context = browser.new_context(viewport={"width": 1080, "height": 1700}, device_scale_factor=2)
        context.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        desk = Desk(server, context)
        try:
            photograph(desk)
        finally:
            desk.close()
            browser.close()


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


def picture(notebook: Notebook, *, leave: bool = True) -> Image.Image:
    """The model's cell with what it shows, without the marks of a selected cell."""
    if leave:
        notebook.cells.last.click()
        notebook.page.keyboard.press("Escape")
    notebook.page.mouse.move(0, 0)
    notebook.cell(1).scroll_into_view_if_needed()
    notebook.page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished))")
    box = notebook.cell(1).bounding_box()
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
    main()
