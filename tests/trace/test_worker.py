"""The worker: Keras runs there without leaving a trace, and an interrupt leaves no worker."""

from __future__ import annotations

import contextlib
import gc
import random
import signal
import threading
import time
import warnings
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.saving import object_registration

from shape_magic.trace.worker import apart, in_worker


def workers() -> list[threading.Thread]:
    """The worker threads that are alive."""
    return [t for t in threading.enumerate() if t.name.startswith("shape_magic") and t.is_alive()]


def test_the_result_and_the_error_come_back() -> None:
    assert apart(lambda: (in_worker(), apart(in_worker))) == (True, True)
    assert not in_worker()
    with pytest.raises(KeyError, match="mine"):
        apart(lambda: dict[str, int]()["mine"])
    assert not workers()


def test_no_variable_gets_a_value() -> None:
    def build() -> Any:
        layer = layers.Dense(3)
        layer(keras.KerasTensor((None, 4)))
        return layer.kernel

    assert apart(build)._value is None


def test_names_start_anew_there_and_go_on_here() -> None:
    keras.backend.clear_session()
    assert layers.Dense(1).name == "dense"
    assert apart(lambda: layers.Dense(1).name) == "dense"
    assert layers.Dense(1).name == "dense_1"


def test_what_the_user_has_set_holds_there() -> None:
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        assert apart(lambda: layers.Dense(1).compute_dtype) == "float16"
        apart(lambda: keras.config.set_dtype_policy("float64"))
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy(before)
    with keras.saving.custom_object_scope({"Mine": layers.Dense}):
        assert apart(lambda: keras.saving.get_custom_objects() is not None)


def test_random_states_are_kept() -> None:
    def draw() -> None:
        random.random()
        np.random.rand()  # noqa: NPY002 - the user's global state is what is tested

    state, array = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]  # noqa: NPY002
    apart(draw)
    assert random.getstate() == state
    assert np.random.get_state(legacy=False)["state"]["pos"] == array  # noqa: NPY002


def test_the_registry_of_classes_is_kept() -> None:
    @keras.saving.register_keras_serializable("shape_magic_tests")
    class Registered(layers.Layer):
        pass

    def again() -> None:
        twin = type("Registered", (layers.Layer,), {})
        keras.saving.register_keras_serializable("shape_magic_tests")(twin)

    try:
        apart(again)
        assert keras.saving.get_registered_object("shape_magic_tests>Registered") is Registered
    finally:
        del object_registration.GLOBAL_CUSTOM_OBJECTS["shape_magic_tests>Registered"]
        del object_registration.GLOBAL_CUSTOM_NAMES[Registered]


def test_nothing_is_printed_or_warned_of_there(capsys: pytest.CaptureFixture[str]) -> None:
    def speak() -> None:
        print("from the worker")
        warnings.warn("from the worker", stacklevel=1)
        keras.Sequential([layers.Input((3,)), layers.Dense(2)]).summary()

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        apart(speak)
    captured = capsys.readouterr()
    assert (captured.out, captured.err, seen) == ("", "", [])
    print("ours")
    assert capsys.readouterr().out == "ours\n"


@contextlib.contextmanager
def interrupted(after: float) -> Any:
    """A signal of the keyboard for the main thread, some seconds later."""
    main = threading.main_thread().ident or 0
    timer = threading.Timer(after, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def test_nothing_of_the_users_is_collected_there() -> None:
    freed: list[bool] = []

    class Mine:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            freed.append(in_worker())

    def many() -> int:
        return len([[i] for i in range(200_000)])  # the collector would look at the young, the old and all

    gc.collect()
    Mine()
    assert apart(many) == 200_000
    assert not freed
    many()
    gc.collect()
    assert freed == [False]


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_goes_on_as_it_did(is_on: bool) -> None:
    try:
        (gc.enable if is_on else gc.disable)()
        assert not apart(gc.isenabled)
        assert gc.isenabled() is is_on
        apart(gc.enable)
        assert gc.isenabled() is is_on
        with pytest.raises(ZeroDivisionError):
            apart(lambda: 1 / 0)
        assert gc.isenabled() is is_on
    finally:
        gc.enable()


def test_the_collector_rests_until_the_last_worker_has_ended() -> None:
    first, second = threading.Event(), threading.Event()
    seen: list[bool] = []

    def slow() -> None:
        first.set()
        second.wait(10)

    thread = threading.Thread(target=apart, args=(slow,))
    thread.start()
    assert first.wait(10)
    apart(lambda: None)
    seen.append(gc.isenabled())
    second.set()
    thread.join(10)
    assert [*seen, gc.isenabled()] == [False, True]


def test_an_interrupt_stops_the_worker_and_goes_on() -> None:
    def slow() -> None:
        while True:
            time.sleep(0.005)

    start = time.monotonic()
    with interrupted(0.2), pytest.raises(KeyboardInterrupt):
        apart(slow)
    assert time.monotonic() - start < 20  # at once, on a machine however slow
    assert not workers()


def test_an_interrupt_in_a_slow_trace_leaves_the_model_usable() -> None:
    from shape_magic import check

    class Slow(layers.Layer):
        def call(self, inputs: Any) -> Any:
            deadline = time.monotonic() + (20 if in_worker() else 0)
            while time.monotonic() < deadline:
                time.sleep(0.005)
            return inputs

    model = keras.Sequential([Slow(), layers.Dense(2)])
    model.compile("sgd", "mse")
    with interrupted(0.5), pytest.raises(KeyboardInterrupt):
        check(model, np.zeros((4, 3)), np.zeros((4, 2)))
    assert not workers()
    model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
