"""What a reader waits for in JupyterLab: a ladder's first paint, scrolling through it, one turn of a playground's slider.

``figures`` starts a server and a Chromium of its own, the same that the browser tests use, and gives
milliseconds and bytes. A time is the median of several runs.
As the floor under a playground's turn stands the round trip of a bare slider of ipywidgets.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, expect, sync_playwright

from shape_magic.display.widget import ShapeWidget
from shape_magic.report import Report
from tests import samples
from tests.browser.conftest import PATIENCE, Desk, Notebook, launched, served

#: How often each thing is done.
PAINTS, SCROLLS, TURNS = 5, 3, 15
#: What every page notes from its first moment on: paints of our cards, long tasks, frames of the comms' socket.
_WATCH = r"""() => {
    const seen = (window.seen = { paints: [], tasks: [], received: [] });
    // A paint is there when the frame after the one that drew it begins.
    const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
    const known = new WeakSet();
    const look = () => {
        for (const ladder of document.querySelectorAll(".shapecheck .sm-ladder")) {
            if (known.has(ladder)) continue;
            known.add(ladder);
            const begun = performance.getEntriesByName("shapecheck").at(-1).startTime;
            const drawn = performance.now() - begun;
            painted((now) => seen.paints.push({ drawn, painted: now - begun }));
        }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true });
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((task) => task.duration))).observe({ type: "longtask" });
    const text = (data) => (typeof data === "string" ? data : new TextDecoder().decode(data));
    const Socket = window.WebSocket;
    window.WebSocket = class extends Socket {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", ({ data }) => seen.received.push({ at: performance.now(), comm: /"msg_type": ?"(\w+)"/.exec(text(data))?.[1] === "comm_msg" }));
        }
    };
}"""
#: Unfolds all, then scrolls a screen's tenth per frame from top to end: the tasks over 50 ms, and all frames.
_SCROLL = """async (el) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (const button of el.querySelectorAll('.sm-fold-button[aria-expanded="false"]')) button.click();
    for (let rows = -1; rows < el.querySelectorAll("[data-row]").length; await frame(), await frame()) {
        rows = el.querySelectorAll("[data-row]").length;
    }
    await new Promise((done) => setTimeout(done, 500));
    let box = el.parentElement;
    while (box.scrollHeight <= box.clientHeight || getComputedStyle(box).overflowY === "visible") box = box.parentElement;
    window.seen.tasks.length = 0;
    const frames = [];
    let before = await frame();
    for (box.scrollTop = 0; box.scrollTop + box.clientHeight < box.scrollHeight - 2; ) {
        box.scrollTop += 100;
        const now = await frame();
        frames.push(now - before);
        before = now;
    }
    await new Promise((done) => setTimeout(done, 100));
    return { longest: Math.max(0, ...window.seen.tasks), frame: Math.max(...frames), rows: el.querySelectorAll("[data-row]").length };
}"""
#: Notes when a key goes down on a slider, when its answer is in the page, and how many messages came.
_TURN = """async ([slider, changing, key]) => {
    window.seen.received.length = 0;
    const arrived = new Promise((done) => {
        new MutationObserver((_, watch) => (watch.disconnect(), done(performance.now()))).observe(changing, { childList: true, subtree: true, characterData: true, attributes: true });
    });
    const begun = performance.now();
    slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const drawn = (await arrived) - begun;
    await new Promise((done) => requestAnimationFrame(done));
    const shown = performance.now() - begun;
    await new Promise((done) => setTimeout(done, 500));
    const comms = window.seen.received.filter((message) => message.comm && message.at < begun + drawn + 50);
    return { drawn, shown, messages: comms.length };
}"""

_SHOW = """\
from tests.samples import unlike
from shape_magic.kernel.front import show
show(get_ipython(), unlike({layers}, {broken}), print, static=False);
"""
_PLAY = '''\
import keras
from keras import layers
from shape_magic import teach
play = teach.Playground("""
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.BatchNormalization(),
    layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"),
    layers.BatchNormalization(),
    layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu", padding="same"),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(10, activation="softmax"),
])
""", y=(None, 10), loss="categorical_crossentropy")
play'''
_BARE = """\
import ipywidgets
slider, said = ipywidgets.IntSlider(description="bare"), ipywidgets.Label("0")
slider.observe(lambda change: setattr(said, "value", str(change["new"])), names="value")
ipywidgets.VBox([slider, said]).add_class("bare")
"""


def payload(report: Report) -> int:
    """The bytes that a report's widget sends, its script and style with it."""
    state = ShapeWidget(report, lambda request: {"ok": False, "why": ""}).get_state()
    return len(json.dumps(state, ensure_ascii=False).encode())


def payload_figures() -> dict[str, float]:
    """The bytes of a widget, and of each layer more: one unlike all others, one of a block that repeats."""
    few, many = payload(samples.unlike(100)), payload(samples.unlike(500))
    some, most = payload(samples.repeated(50)), payload(samples.repeated(200))
    each = (many - few) / 400
    return {
        "payload_fixed_bytes": few - 100 * each,
        "payload_bytes_per_layer": each,
        "payload_bytes_per_repeated_layer": (most - some) / (150 * 4),
    }


# In the browser -----------------------------------------------------------------------------------


@contextmanager
def laboratory() -> Iterator[Desk]:
    """A JupyterLab and a Chromium, ended at the end; its pages note what they paint."""
    with tempfile.TemporaryDirectory() as home, served("lab", Path(home)) as server, sync_playwright() as driver:
        browser = launched(driver)
        context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        context.add_init_script(f"({_WATCH})()")
        desk = Desk(server, context)
        try:
            yield desk
        finally:
            desk.close()
            browser.close()


def shown(desk: Desk, layers: int, broken: int) -> Notebook:
    """A notebook whose first cell shows the card of a ladder."""
    notebook = desk.start([_SHOW.format(layers=layers, broken=broken), "0"])
    notebook.run(0)
    expect(notebook.card.locator(".sm-ladder")).to_be_visible()
    return notebook


def first_paint(desk: Desk, layers: int, broken: int | None = None) -> list[dict[str, float]]:
    """From the call that draws a card to its picture, each time the cell is run: ``painted``; its part in script: ``drawn``."""
    notebook = shown(desk, layers, layers - 1 if broken is None else broken)
    for done in range(1, PAINTS):
        notebook.page.wait_for_function("done => window.seen.paints.length >= done", arg=done)
        notebook.run(0)
    notebook.page.wait_for_function("done => window.seen.paints.length >= done", arg=PAINTS)
    paints: list[dict[str, float]] = notebook.page.evaluate("window.seen.paints")
    notebook.page.close()
    desk.opened.remove(notebook)
    return paints


def scrolled(desk: Desk, layers: int, broken: int | None = None) -> list[dict[str, float]]:
    """Ways through the whole ladder, unfolded: the ``longest`` task, 0 where none took 50 ms, and the longest ``frame``."""
    notebook = shown(desk, layers, layers - 1 if broken is None else broken)
    found: list[dict[str, float]] = [notebook.card.evaluate(_SCROLL) for _ in range(SCROLLS)]
    notebook.page.close()
    desk.opened.remove(notebook)
    return found


def drag(desk: Desk) -> dict[str, list[dict[str, float]]]:
    """Turns of a playground's slider: leaps here and there, a drag over new values, back over them; and of a bare slider."""
    notebook = desk.start([_PLAY, _BARE, "0"])
    notebook.run(0)
    notebook.run(1)
    stage = notebook.page.locator(".jp-OutputArea .sm-play")
    expect(stage.locator("figure svg")).to_have_count(2)
    slider = stage.get_by_role("slider", name="filters", exact=True).element_handle()
    ladder = stage.locator(".sm-ladder-part .sm-model").element_handle()
    bare = notebook.page.locator(".bare")
    sides: dict[str, tuple[Any, Any, *tuple[str, ...]]] = {
        "leap": (slider, ladder, "PageUp", "ArrowRight"),
        "drag": (slider, ladder, "ArrowRight"),
        "seen": (slider, ladder, "ArrowLeft"),
        "bare": (
            bare.get_by_role("slider").element_handle(),
            bare.locator(".jupyter-widgets.widget-label, .widget-html-content").last.element_handle(),
            "ArrowRight",
        ),
    }
    return {
        name: [notebook.page.evaluate(_TURN, [where, changing, keys[n % len(keys)]]) for n in range(TURNS)]
        for name, (where, changing, *keys) in sides.items()
    }


def typical(runs: list[dict[str, float]], of: str) -> float:
    """The median of several times."""
    return statistics.median(run[of] for run in runs)


def figures() -> dict[str, float]:
    """All figures: milliseconds and bytes, by names that say so."""
    with laboratory() as desk:
        long, short = first_paint(desk, 500), first_paint(desk, 10)
        middle = first_paint(desk, 500, 250)
        scroll = scrolled(desk, 500)
        turns = drag(desk)
    return payload_figures() | {
        "first_paint_500_ms": max(typical(long, "painted"), typical(middle, "painted")),
        "first_paint_10_ms": typical(short, "painted"),
        "scroll_longest_task_ms": typical(scroll, "longest"),
        "scroll_longest_frame_ms": typical(scroll, "frame"),
        "drag_leap_ms": typical(turns["leap"], "drawn"),
        "drag_ms": typical(turns["drag"], "drawn"),
        "drag_seen_ms": typical(turns["seen"], "drawn"),
        "bare_round_trip_ms": typical(turns["bare"], "drawn"),
        "bare_messages": typical(turns["bare"], "messages"),
    }


def main() -> None:
    """Print the figures."""
    for name, figure in figures().items():
        print(f"{name:36} {figure:10.1f}")


if __name__ == "__main__":
    main()
