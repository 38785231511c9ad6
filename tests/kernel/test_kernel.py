"""In a real kernel a cell does what it does without us, and a failure is one failure."""

from __future__ import annotations

import time
from collections.abc import Iterator

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.kernel.real import Kernel, kernel
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def started() -> Iterator[Kernel]:
    """One kernel for this module, with Keras and the data."""
    with kernel() as made:
        assert made.run("%load_ext shape_magic\n" + SETUP).status == "ok"
        yield made


@pytest.fixture
def live(started: Kernel) -> Kernel:
    """That kernel with every cell checked."""
    assert started.run("%shapecheck on").status == "ok"
    return started


def test_a_failure_is_one_error_and_an_error_reply(live: Kernel) -> None:
    answer = live.run(BROKEN + "print('before')\n" + FIT + "print('after')")
    assert answer.status == "error"
    assert answer.reply["ename"] == "ShapeError"
    assert len(answer.of("error")) == 1
    assert answer.traceback.count("\n") == 0
    assert answer.traceback.startswith("ShapeError: One answer per position, but one label per image.")
    assert answer.printed == "before\n"
    order = [kind for kind, _ in answer.messages if kind in ("stream", "display_data", "error")]
    assert order[0] == "stream"
    assert order[-1] == "error"
    assert "display_data" in order
    assert not [m for m in answer.of("stream") if m["name"] == "stderr"]


def test_a_failure_carries_a_widget_with_text_and_html_beside_it(live: Kernel) -> None:
    answer = live.run(BROKEN + FIT)
    data = [m["data"] for m in answer.of("display_data")]
    assert any(WIDGET in d for d in data)
    assert any("Insert Flatten() before dense" in d.get("text/plain", "") and "text/html" in d for d in data)
    assert answer.of("comm_open")


def test_static_has_no_widget(live: Kernel) -> None:
    answer = live.run("%%shapecheck --static\n" + BROKEN + FIT)
    assert not any(WIDGET in m["data"] for m in answer.of("display_data"))
    assert not answer.of("comm_open")
    live.run(BROKEN)
    line = live.run("%shapecheck model --static")
    assert line.of("display_data")
    assert not any(WIDGET in m["data"] for m in line.of("display_data"))


def test_a_sound_cell_shows_one_line_and_no_widget(live: Kernel) -> None:
    answer = live.run(SOUND + FIT.strip() + ";")
    assert answer.status == "ok"
    assert [text.strip() for text in answer.shown] == [
        "✓ model: (None, 8, 8, 1) → (None, 10) · fits y (20, 10) · 1,490 params"
    ]
    assert not answer.of("comm_open")
    assert not answer.of("execute_result")


def test_results_and_semicolons(live: Kernel) -> None:
    assert live.run("6 * 7").of("execute_result")[0]["data"]["text/plain"] == "42"
    assert live.run("_ + 1").of("execute_result")[0]["data"]["text/plain"] == "43"
    assert live.run("6 * 7;").of("execute_result") == []
    assert live.run("%%shapecheck\n6 * 7;").of("execute_result") == []
    checked = live.run("%%shapecheck\n6 * 7")
    assert [m["data"]["text/plain"] for m in checked.of("execute_result")] == ["42"]
    number = checked.reply["execution_count"]
    assert live.run(f"Out[{number}], In[{number}]").of("execute_result")[0]["data"]["text/plain"] == "(42, '6 * 7')"


@pytest.mark.parametrize("first", ["", "%%shapecheck\n"])
def test_top_level_await(live: Kernel, first: str) -> None:
    answer = live.run(first + "import asyncio\nawait asyncio.sleep(0.01, 'done')")
    assert answer.status == "ok"
    assert answer.of("execute_result")[0]["data"]["text/plain"] == "'done'"
    broken = live.run(first + "await asyncio.sleep(0)\n" + BROKEN + "await asyncio.sleep(0)\n" + FIT)
    assert broken.reply["ename"] == "ShapeError"
    assert "✓ model" in "".join(live.run(SOUND + "await asyncio.sleep(0)").shown)


@pytest.mark.parametrize("first", ["%%time\n", "%%shapecheck\n%%time\n", "%%time\n%%shapecheck\n"])
def test_time(live: Kernel, first: str) -> None:
    answer = live.run(first + SOUND)
    assert answer.status == "ok"
    assert answer.printed.count("Wall time") == 1
    assert sum("✓ model" in text for text in answer.shown) == 1
    broken = live.run(first + BROKEN + FIT)
    plain = live.run("%%time\nraise ValueError")  # some releases of IPython show it, and reply that all is well
    assert (broken.status, len(broken.of("error"))) == (plain.status, 1)
    assert any("layers.Flatten()" in text for text in broken.shown)


def test_capture(live: Kernel) -> None:
    answer = live.run("%%capture captured\nprint('inside')\n" + SOUND)
    assert answer.status == "ok"
    assert answer.printed == ""
    assert live.run("captured.stdout").of("execute_result")[0]["data"]["text/plain"] == "'inside\\n'"
    after = live.run(BROKEN + FIT, "after-capture")
    assert any("layers.Flatten()" in text for text in after.shown)


def test_the_users_own_exceptions_have_their_traceback(live: Kernel) -> None:
    answer = live.run("def inner():\n    return {}['missing']\n" + SOUND + "inner()")
    assert answer.reply["ename"] == "KeyError"
    assert len(answer.of("error")) == 1
    assert "return {}['missing']" in answer.traceback
    assert "shape_magic" not in answer.traceback
    plain = live.run("keras.layers.Dropout(7)")
    assert plain.reply["ename"] == "ValueError"
    assert "keras.layers.Dropout(7)" in plain.traceback
    assert "shape_magic" not in plain.traceback
    assert live.run("x = (").reply["ename"] in ("SyntaxError", "_IncompleteInputError")


def test_keras_own_error_behind_a_card_is_one_line(live: Kernel) -> None:
    answer = live.run("model = keras.Sequential([layers.Input((8,)), layers.Conv2D(2, 3)])")
    assert answer.reply["ename"] == "ValueError"
    assert len(answer.of("error")) == 1
    assert answer.traceback.count("\n") == 0
    assert any("conv2d" in text for text in answer.shown)


@pytest.mark.parametrize(
    ("cell", "ends"),
    [
        ("model = keras.Sequential([layers.Input((8,)), layers.Dense(4, activaton='relu')])", "ValueError"),
        ("model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, kernal_size=3)])", "TypeError"),
    ],
)
def test_an_error_of_a_constructor_is_one_line_behind_its_card(live: Kernel, cell: str, ends: str) -> None:
    answer = live.run(cell)
    assert answer.reply["ename"] == ends
    assert len(answer.of("error")) == 1
    assert answer.traceback.count("\n") == 0
    assert sum("does not know" in text for text in answer.shown) == 1
    # The next one is IPython's alone again.
    assert live.run("1 / 0").traceback.count("\n") > 1


def test_cells_go_by_their_id(live: Kernel) -> None:
    live.run(BROKEN, "make")
    live.run("a = 1", "other")
    answer = live.run(FIT, "use")
    assert answer.reply["ename"] == "ShapeError"
    fixes = "[(f.cell, list(f.rerun)) for f in get_ipython().magics_manager.registry['ShapeMagics'].notebook.last_report.diagnostics[0].fixes]"
    found = live.run(fixes + "[0]").of("execute_result")[0]["data"]["text/plain"]
    assert found == "('make', ['make', 'use'])"
    live.run(SOUND, "make")  # the same cell again, with another text
    assert live.run(FIT, "use").status == "ok"


def test_an_interrupt_in_a_slow_trace(live: Kernel) -> None:
    live.run(
        "import time, threading\nclass Slow(layers.Layer):\n    def call(self, inputs):\n"
        "        deadline = time.monotonic() + (60 if threading.current_thread() is not threading.main_thread() else 0)\n"
        "        while time.monotonic() < deadline:\n            time.sleep(0.01)\n        return inputs\n"
        "model = keras.Sequential([Slow(), layers.Dense(2)])\nmodel.compile('sgd', 'mse')"
    )
    request = live.send("model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)")
    time.sleep(1.5)
    live.manager.interrupt_kernel()
    answer = live.answer(request)
    assert answer.reply["ename"] == "KeyboardInterrupt"
    alive = live.run("[t.name for t in threading.enumerate() if t.is_alive() and 'shape_magic' in t.name]")
    assert alive.of("execute_result")[0]["data"]["text/plain"] == "[]"
    live.run("%shapecheck off")
    assert live.run("model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0);").status == "ok"


def test_an_interrupt_of_a_cell_that_awaits(live: Kernel) -> None:
    request = live.send(SOUND + "print('now')\nimport asyncio\nawait asyncio.sleep(3600)")
    while True:
        heard = live.client.get_iopub_msg(timeout=90)
        if heard["parent_header"].get("msg_id") == request and heard["msg_type"] == "stream":
            break
    live.manager.interrupt_kernel()
    # Some versions of the kernel give that cell no reply, and abort what comes next.
    assert any(live.run("%shapecheck off").status == "ok" for _ in range(5))
    hooks = live.run("from shape_magic.capture import hooks\nhooks.installed()").of("execute_result")
    assert hooks[0]["data"]["text/plain"] == "False"
    assert live.run("%%shapecheck\n" + BROKEN + FIT).reply["ename"] == "ShapeError"


def test_printed_lines_stand_in_their_order(live: Kernel) -> None:
    answer = live.run(
        "print('one')\n" + SOUND + "print('two')\nimport sys\nprint('three', file=sys.stderr)\nprint('four')"
    )
    assert answer.printed == "one\ntwo\nfour\n"
    assert answer.messages[-1][0] == "display_data"  # the quiet line comes last


def test_run_all_stops_where_keras_would_have_stopped() -> None:
    cells = ["%load_ext shape_magic\n%shapecheck on", SETUP + BROKEN, FIT, "after = 1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.raises(CellExecutionError, match="ShapeError"):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert [bool(cell.get("execution_count")) for cell in notebook.cells] == [True, True, True, False]
    kinds = [output["output_type"] for output in notebook.cells[2].outputs]
    assert kinds.count("error") == 1
    assert any("layers.Flatten()" in o.get("data", {}).get("text/plain", "") for o in notebook.cells[2].outputs)


def test_the_cards_of_a_cell_that_runs_again_and_again_do_not_pile_up(live: Kernel) -> None:
    """The last card stays, and the one before: from that a page may still be editing the cell."""
    from_kernel = "from ipywidgets.widgets import widget; print(sum(type(w).__name__ == 'ShapeWidget' for w in widget._instances.values()))"
    before = int(live.run(from_kernel).printed)
    closed = 0
    for _ in range(5):
        answer = live.run(BROKEN + FIT, cell_id="again")
        assert any(WIDGET in shown["data"] for shown in answer.of("display_data"))
        closed += sum(kind == "comm_close" for kind, _ in answer.messages)
    assert int(live.run(from_kernel).printed) == before + 2
    assert closed >= 3


def test_what_a_cell_does_with_the_answers_is_said_there_alone(live: Kernel) -> None:
    """The card of a model in an earlier cell is renewed by what is found later of the model itself, and not by this."""
    live.run(
        "x, y = np.random.rand(24, 4), np.random.rand(24)\n"
        + "model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])"
    )
    live.run("guess = model.predict(x, verbose=0)")
    first = live.run("error = np.mean((y - guess) ** 2)")
    assert any("y - guess" in text for text in first.shown)
    second = live.run("miss = np.mean(abs(guess - y))")
    assert any("guess - y" in text for text in second.shown)
    assert not [kind for kind, _ in second.messages if kind == "comm_msg"]
