"""A layer that never answers: the check is given up after its time, and the cell ends as it does without us."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import pytest

from shape_magic import interrupts
from shape_magic.trace import worker
from tests.hostile.rows import FIT, head, own
from tests.kernel.shells import SETUP, opened

#: What waits until the test lets it go.
WAITING: Mapping[str, str] = {
    "get_config": "def get_config(self):\n    gate.wait()\n    return {}",
    "weights": "@property\ndef weights(self):\n    gate.wait()\n    return []",
    "from_config": "@classmethod\ndef from_config(cls, config):\n    gate.wait()\n    return cls(**config)",
}


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Closed until the test ends; then the worker that stands before it goes, too."""
    monkeypatch.setattr(worker, "PATIENCE", 0.2)
    monkeypatch.setattr(interrupts, "_GRACE", 0.2)
    opened = threading.Event()
    yield opened
    opened.set()
    for thread in threading.enumerate():
        if isinstance(thread, interrupts.Worker):
            thread.join(30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # told to stop in a destructor
@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("input_shape", ["layers.Input((8, 8, 1)), ", ""], ids=["built", "unbuilt"])
def test_what_never_answers_is_not_waited_for(name: str, input_shape: str, gate: threading.Event) -> None:
    cell = own(WAITING[name]).replace("layers.Input((8, 8, 1)), ", input_shape)
    cell = cell.replace("layers.Dense(10)", "layers.Flatten(), layers.Dense(10)")
    with opened() as shell:
        shell.ns["gate"] = gate
        shell.must(SETUP)
        if name == "weights":  # Keras asks for them in its first step
            cell = cell.replace(FIT, "")
        ran = shell.run("%%shapecheck\n" + cell + "done = 1")
        assert ran.error is None
        assert shell.ns["done"] == 1
        if name != "from_config":
            assert "given up" in ran.out
        gate.set()
        for thread in threading.enumerate():
            if isinstance(thread, interrupts.Worker):
                thread.join(30)
        shell.must("%%shapecheck\n" + head("layers.Flatten()"))
        assert shell.notebook.last_report.models[0].calls, "what comes after it is checked again"
