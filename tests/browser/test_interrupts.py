"""JupyterLab's interrupt button at any moment: the kernel goes on, nothing stays patched, no text is lost.

All tests share one kernel and one notebook. What is interrupted waits in ``pause``, and a file says that it does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import PATIENCE, Desk, Notebook, Server
from tests.browser.test_magic import DATA, ERROR, RUN_FLATTEN, SMALL, SOUND, card_in, started, value, with_flatten

pytestmark = pytest.mark.browser

#: ``pause()`` never returns, ``pause_in_proof()`` only in the main thread.
PAUSES = """\
import sys, threading, time
from pathlib import Path
marker = Path({marker!r})

def pause():
    while True:
        time.sleep(0.01)

def pause_in_proof(given):  # with nothing in it that a proof would not run
    while keras.src.backend.common.stateless_scope.in_stateless_scope():
        pass
    return given

def watch():
    while True:
        time.sleep(0.02)
        for thread, frame in sys._current_frames().items():
            while frame is not None:
                is_worker = thread != threading.main_thread().ident
                if frame.f_code.co_name == "pause" or is_worker and frame.f_code.co_name == "pause_in_proof":
                    marker.touch()
                frame = frame.f_back

class Slow(layers.Layer):
    def call(self, inputs):
        if threading.current_thread() is not threading.main_thread():
            pause()
        return inputs

class Endless(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        pause()

threading.Thread(target=watch, daemon=True).start()"""
#: What of ours is left in Keras, in the threads and in the streams.
LEFT = (
    "[name for cls in (*keras.Sequential.__mro__, keras.layers.InputLayer, keras.layers.RNN) for name, f in vars(cls).items()"
    " if 'shape_magic' in getattr(getattr(f, '__code__', None), 'co_filename', '')],"
    " [t.name for t in threading.enumerate() if t.name.startswith('shape_magic')],"
    " [type(s).__module__ for s in (sys.stdout, sys.stderr) if 'shape_magic' in type(s).__module__]"
)
NOTHING = "([], [], [])"
#: The cell that is filled and run.
CELL = 2
GROWING = """\
model = keras.Sequential()
model.add(keras.Input((28, 28, 1)))
model.add(layers.Conv2D(4, 5, strides=3))
model.add(layers.Dense(pause_in_proof(10), activation="softmax"))
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train, verbose=0)"""
PHASES = {
    "the cell's own code": f"{SOUND}\npause()",
    "the trace at fit": f"{SMALL.replace('    layers.Dense', '    Slow(), layers.Dense')}\nmodel.fit(x_train, y_train, verbose=0)",
    "the trace at the cell's end": SMALL.replace("    layers.Dense", "    Slow(), layers.Dense"),
    "training": f"{SOUND}\nmodel.fit(x_train, y_train, verbose=0, callbacks=[Endless()])",
    "the proof of a fix": GROWING,
}


@pytest.fixture(scope="module")
def marker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that is there while something waits."""
    return tmp_path_factory.mktemp("pauses") / "waiting"


@pytest.fixture(scope="module")
def notebook(server: Server, browser: Browser, marker: Path, warm_kernel: str) -> Iterator[Notebook]:
    """A notebook with the data and the pauses, an empty cell to be filled, and one for questions."""
    if server.front_end != "lab":
        pytest.skip("the button of JupyterLab; what the kernel does is the same")
    context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    desk = Desk(server, context, warm_kernel)
    opened = started(desk, DATA, PAUSES.format(marker=str(marker)), "", run=2)
    yield opened
    desk.close()
    context.close()


def fill(notebook: Notebook, text: str) -> None:
    """Writes a text into the notebook's third cell."""
    notebook.cell(CELL).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+a")
    notebook.page.keyboard.insert_text(text)


def wait_for(notebook: Notebook, marker: Path) -> None:
    """Waits until the cell has come to its pause."""
    deadline = time.monotonic() + PATIENCE
    while not marker.exists():
        assert time.monotonic() < deadline, notebook.outputs(CELL).all_inner_texts()
        notebook.page.wait_for_timeout(20)


def interrupt(notebook: Notebook, *, by_key: bool) -> None:
    """Presses Lab's button, or its key twice."""
    if by_key:
        notebook.page.keyboard.press("Escape")
        notebook.page.keyboard.press("i")
        notebook.page.keyboard.press("i")
    else:
        # JupyterLab 4.0 does not say on a button which command it is for.
        button = ':is([data-command="notebook:interrupt-kernel"], [title^="Interrupt the kernel"])'
        notebook.page.locator(f".jp-NotebookPanel-toolbar {button}").first.click()


def goes_on(notebook: Notebook) -> None:
    """The kernel answers, nothing of ours is left, and the next cells are checked."""
    assert value(notebook, LEFT) == NOTHING
    fill(notebook, f"%%shapecheck\n{SOUND}")
    notebook.run(CELL)
    expect(notebook.outputs(CELL)).to_contain_text("✓ model: (None, 28, 28, 1) → (None, 10)")
    fill(notebook, f"%%shapecheck\n{SMALL}\nmodel.fit(x_train, y_train, verbose=0)")
    notebook.run(CELL)
    expect(card_in(notebook, CELL)).to_contain_text(ERROR)
    assert value(notebook, LEFT) == NOTHING


@pytest.mark.parametrize("phase", PHASES)
def test_an_interrupt_gives_the_kernel_back(notebook: Notebook, marker: Path, phase: str) -> None:
    text = f"%%shapecheck\n{PHASES[phase]}"
    marker.unlink(missing_ok=True)
    fill(notebook, text)
    before = notebook.count(CELL).inner_text()
    notebook.page.keyboard.press("Control+Enter")
    wait_for(notebook, marker)
    interrupt(notebook, by_key=phase == "training")
    notebook.ran(CELL, before)
    expect(notebook.outputs(CELL).filter(has_text="KeyboardInterrupt")).to_have_count(1)
    expect(notebook.outputs(CELL).filter(has_text="Error in callback")).to_have_count(0)
    notebook.has_source(CELL, text)
    goes_on(notebook)


def test_a_fix_whose_run_is_interrupted_stays_and_can_be_taken_back(notebook: Notebook, marker: Path) -> None:
    text = f"%%shapecheck\n{SMALL}\nmodel.fit(x_train, y_train, verbose=0)\npause()"
    marker.unlink(missing_ok=True)
    fill(notebook, text)
    notebook.run(CELL)
    before = notebook.count(CELL).inner_text()
    card_in(notebook, CELL).get_by_role("button", name=RUN_FLATTEN).click()
    wait_for(notebook, marker)
    interrupt(notebook, by_key=False)
    notebook.ran(CELL, before)
    notebook.has_source(CELL, with_flatten(text))
    expect(notebook.outputs(CELL).filter(has_text="KeyboardInterrupt")).to_have_count(1)
    notebook.cell(CELL).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+z")
    notebook.has_source(CELL, text)
    goes_on(notebook)
