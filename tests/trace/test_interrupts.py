"""A thread of ours is stopped wherever it is, and what it has put in or changed is as it was."""

from __future__ import annotations

import linecache
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from keras import layers

from shape_magic import check_cells
from shape_magic.capture import hooks
from shape_magic.capture.observer import Observer
from shape_magic.capture.session import Session
from shape_magic.interrupts import Deferred, Stop, Worker, put_back
from shape_magic.teach.bench import dry_run
from shape_magic.trace.untouched import as_they_were
from shape_magic.trace.worker import apart
from shape_magic.untrusted import goes_on
from tests.capture.test_hooks import state

PRESS = signal.SIGINT


def press(times: int = 1) -> None:
    """The interrupt button, from another thread."""
    for _ in range(times):
        signal.pthread_kill(threading.main_thread().ident or 0, PRESS)


def ours() -> list[threading.Thread]:
    """The threads of ours that are alive."""
    return [t for t in threading.enumerate() if t.name.startswith("shape_magic")]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """The keyboard's signal does what it did, and no thread is left."""
    before = signal.getsignal(PRESS)
    yield
    assert signal.getsignal(PRESS) is before
    for thread in ours():
        thread.join(10)
    assert ours() == []


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), Deferred() as outer:  # noqa: PT012 - it comes at the block's end
        signal.raise_signal(PRESS)
        with Deferred() as inner:
            assert inner.count == outer.count == 1
            signal.raise_signal(PRESS)
            assert (inner.count, outer.count) == (2, 1)
        done.append("inner")
        assert outer.count == 2
        done.append("outer")
    assert done == ["inner", "outer"]


def test_whoever_hears_of_interrupts_hears_of_them() -> None:
    heard: list[int] = []
    before = signal.signal(PRESS, lambda number, _: heard.append(number))
    try:
        with Deferred():
            signal.raise_signal(PRESS)
            assert heard == []
        assert heard == [PRESS]

        def work() -> None:
            press()
            while True:
                time.sleep(0.005)

        with pytest.raises(KeyboardInterrupt):  # what was asked for has no result
            apart(work)
        assert heard == [PRESS, PRESS]
    finally:
        signal.signal(PRESS, before)


def test_one_interrupt_is_one_exception() -> None:
    def forever() -> None:
        press()
        while True:
            time.sleep(0.005)

    with pytest.raises(KeyboardInterrupt) as raised:
        apart(forever)
    assert raised.value.__context__ is None or not isinstance(raised.value.__context__, KeyboardInterrupt)
    assert goes_on(raised.value), "no check takes it for an exception of the user's code"


def test_an_interrupt_that_came_before_the_worker_stops_it() -> None:
    started: list[bool] = []

    def forever() -> None:
        started.append(True)
        while True:
            time.sleep(0.005)

    with pytest.raises(KeyboardInterrupt), Deferred():  # noqa: PT012
        signal.raise_signal(PRESS)
        apart(forever)
    assert started in ([], [True])


def test_who_swallows_the_stop_is_told_again() -> None:
    swallowed = []

    def stubborn() -> None:
        press()
        while True:
            try:
                time.sleep(0.005)
            except BaseException as error:
                swallowed.append(type(error))
                if len(swallowed) > 2:
                    raise

    with pytest.raises(KeyboardInterrupt):
        apart(stubborn)
    assert swallowed == [Stop] * 3


def test_a_second_interrupt_gives_the_kernel_back_while_the_worker_is_stuck() -> None:
    stuck, let_go = threading.Event(), threading.Lock()
    undone: list[str] = []
    let_go.acquire()

    def deep() -> None:
        with put_back(lambda: undone.append("put back")):
            stuck.set()
            with let_go:  # nothing that Python raises reaches it here
                pass

    def twice() -> None:
        stuck.wait()
        press()
        time.sleep(0.3)  # the second is another one only when the first was heard
        press()

    threading.Thread(target=twice).start()
    with pytest.raises(KeyboardInterrupt):
        apart(deep)
    assert not undone
    let_go.release()
    for thread in ours():
        thread.join(10)
    assert set(undone) == {"put back"}


def test_what_a_thread_could_not_put_back_is_put_back_when_it_has_ended() -> None:
    attributes = {"kept": 1}

    def undo() -> None:
        if threading.current_thread() is not threading.main_thread():
            raise Stop  # it strikes in just that
        attributes["kept"] = 1

    def work() -> None:
        with put_back(undo):
            attributes["kept"] = 2

    with pytest.raises(Stop):
        Worker(work, "shape_magic-test").outcome()
    assert attributes == {"kept": 1}


def test_a_lesson_is_stopped_while_it_waits_for_a_trace() -> None:
    cell = (
        "import threading, time\nclass Slow(layers.Layer):\n    def call(self, inputs):\n"
        "        while 'trace' in threading.current_thread().name:\n            time.sleep(0.005)\n        return inputs\n"
        "keras.Sequential([layers.Input((3,)), Slow()])"
    )
    timer = threading.Timer(1, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        dry_run(cell)
    timer.cancel()
    assert not hooks.installed()


class Strikes:
    """Raises ``Stop`` in the worker before the n-th line that runs in these modules."""

    def __init__(self, at: int, *modules: str) -> None:
        self.left, self.modules, self.struck = at, modules, ""

    def __call__(self, frame: Any, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.endswith(self.modules):
            return None
        # Python calls ``__exit__`` without a step between, and a line of a ``with`` comes up once more before it.
        if event == "line" and linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            return self
        self.left -= 1
        if self.left == 0:
            self.struck = f"{frame.f_code.co_name} {frame.f_lineno}"
            raise Stop
        return self

    def in_worker(self, function: Any) -> bool:
        """Run a function in the worker and strike there; whether there was a line to strike."""

        def followed() -> None:
            sys.settrace(self)
            try:
                function()
            finally:
                sys.settrace(None)

        try:
            Worker(followed, "shape_magic-trace").outcome()
        except Stop:
            return True
        return bool(self.struck)


def test_wherever_a_stop_strikes_no_hook_stays() -> None:
    before, at = state(), 1

    def look() -> None:
        with hooks.observing(Observer(Session())):
            layers.Dense(2)(keras.KerasTensor((None, 3)))

    while Strikes(at, "capture/hooks.py", "shape_magic/interrupts.py").in_worker(look):
        assert (hooks.installed(), state() == before) == (False, True), at
        at += 1
    assert at > 40
    report = check_cells(["import keras\nkeras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])"])
    assert report.ok


def test_wherever_a_stop_strikes_a_layer_keeps_what_it_had() -> None:
    class Mine(layers.Layer):
        seen = 0

    layer = Mine()
    layer.seen = 1
    kept, at = dict(vars(layer)), 1

    def change() -> None:
        with as_they_were(layer):
            layer.__dict__["seen"] = 2
            layer.__dict__["more"] = 3

    while Strikes(at, "trace/untouched.py", "shape_magic/interrupts.py").in_worker(change):
        assert vars(layer) == kept, at
        at += 1
    assert at > 15
