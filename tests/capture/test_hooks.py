"""The hooks: nobody sees them, and nothing of them is left."""

from __future__ import annotations

import _thread
import contextlib
import inspect
import pydoc
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.ops.operation import Operation
from keras.src.optimizers.base_optimizer import BaseOptimizer

from shape_magic import check_cells
from shape_magic.capture import hooks
from shape_magic.capture.session import ByIdentity, Session
from shape_magic.checker import Halt

PATCHED: tuple[type, ...] = (Operation, keras.Layer, keras.Model, keras.Sequential, keras.models.Model, BaseOptimizer)
PATCHED += tuple(c for c in keras.Sequential.__mro__ + keras.Model.__mro__ if c is not object)


def state() -> list[Mapping[str, Any]]:
    """Everything that the classes which we patch hold themselves, and what their functions run."""
    return [dict(vars(cls)) for cls in PATCHED] + [
        {"code": one.__code__, **vars(one)}
        for cls in PATCHED
        for one in map(bare, vars(cls).values())
        if one is not None
    ]


def bare(method: object) -> FunctionType | None:
    """The function that a class has, bare or as a static method."""
    inner = getattr(method, "__func__", method)
    return inner if isinstance(inner, FunctionType) else None


@pytest.fixture
def session() -> Session:
    return Session()


@contextlib.contextmanager
def watched(session: Session) -> Iterator[None]:
    """The hooks in, reporting to a session."""
    with hooks.observing(hooks.Observer(session)):
        yield


@pytest.mark.parametrize(
    "error",
    [None, ValueError, KeyboardInterrupt, SystemExit, Halt, GeneratorExit],
    ids=lambda e: getattr(e, "__name__", "-"),
)
def test_every_class_is_as_before_whatever_happened(error: type[BaseException] | None, session: Session) -> None:
    before, finders = state(), list(sys.meta_path)
    during = before
    with contextlib.suppress(BaseException), watched(session):
        during = state()
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
        if error is not None:
            raise error
    after = state()
    assert during != before
    assert during[: len(PATCHED)] == before[: len(PATCHED)]  # nothing is ever assigned to a class
    assert [set(a) for a in after] == [set(b) for b in before]
    assert all(b[name] is a[name] for b, a in zip(before, after, strict=True) for name in b)
    assert sys.meta_path == finders
    assert hooks.current() is None


@pytest.mark.parametrize(
    "end",
    [
        "",
        "raise KeyError('mine')",
        "raise KeyboardInterrupt",
        "import sys; sys.exit(1)",
        "keras.layers.Dense(-1)",
        "m = (",
    ],
)
def test_check_cells_takes_the_hooks_out(end: str) -> None:
    before = state()
    cells = ["import keras", "m = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])", end]
    with contextlib.suppress(BaseException):
        check_cells(cells, dry_run=True)
    assert state() == before


def test_hooks_within_hooks_end_with_the_outermost(session: Session) -> None:
    outer, inner = hooks.Observer(session), hooks.Observer(Session())
    with hooks.observing(outer):
        with hooks.observing(inner):
            assert hooks.current() is inner
        assert hooks.installed()
        assert hooks.current() is outer
        layer = keras.layers.Dense(2)
    assert session.made.get(layer) is not None


FACES = {
    "Layer.__call__": lambda: keras.Layer.__call__,
    "Layer.add_weight": lambda: keras.Layer.add_weight,
    "Dense": lambda: keras.layers.Dense,
    "Model": lambda: keras.Model,
    "Model.fit": lambda: keras.Model.fit,
    "Model.compile": lambda: keras.Model.compile,
    "Model.predict": lambda: keras.Model.predict,
    "Sequential": lambda: keras.Sequential,
    "Sequential.add": lambda: keras.Sequential.add,
    "Sequential.__init__": lambda: keras.Sequential.__init__,
    "Adam": lambda: keras.optimizers.Adam,
}


@pytest.mark.parametrize("name", FACES)
def test_signatures_help_and_source_are_keras_own(name: str, session: Session) -> None:
    def face() -> tuple[object, ...]:
        found: Any = FACES[name]()
        return inspect.signature(found), found.__doc__, found.__name__, found.__qualname__, inspect.getsource(found)

    def page() -> str:
        return pydoc.render_doc(FACES[name](), renderer=pydoc.plaintext)  # type: ignore[attr-defined]

    before, before_page = face(), page()
    with watched(session):
        assert face() == before
        if not inspect.isclass(FACES[name]()):
            assert page() == before_page


def test_other_threads_run_as_if_there_were_no_hooks(session: Session) -> None:
    made: list[Any] = []

    def work() -> None:
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse")
        model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
        made.append(model)

    with watched(session):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(made) == 1
    assert not session.current
    assert session.made.get(made[0]) is None


def test_depth_is_back_at_zero_after_an_error(session: Session) -> None:
    with watched(session):
        with pytest.raises(ValueError, match="incompatible"):
            keras.Sequential([keras.layers.Input((3,)), keras.layers.Conv2D(2, 3)])
        assert session.depth == 0
        assert not session.stack
        with pytest.raises(ValueError, match="incompatible"):
            keras.layers.Conv2D(2, 3)(keras.Input((3,)))
        assert (session.depth, session.stack, session.broken) == (0, [], None)


def test_an_interrupt_inside_keras_leaves_nothing(session: Session) -> None:
    class Stops(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            raise KeyboardInterrupt

    before = state()
    with pytest.raises(KeyboardInterrupt), watched(session):
        Stops()(np.zeros((2, 3)))
    assert session.depth == 0
    assert state() == before


def test_what_is_recorded_of_a_layer(session: Session) -> None:
    with watched(session):
        layer = keras.layers.Dense(2, activation="relu")
        model = keras.Sequential([keras.layers.Input((3,)), layer], name="mine")
    made, of_model = session.made.get(layer), session.made.get(model)
    assert made is not None
    assert (made.cls, made.args, made.kwargs) == (keras.layers.Dense, (2,), {"activation": "relu"})
    assert of_model is not None
    assert of_model.kwargs.get("name") == "mine"
    assert of_model.args[0][1] is layer


def test_a_table_by_identity_keeps_nothing_alive() -> None:
    class Thing:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("looked up by equality")

        __hash__ = None  # type: ignore[assignment]

    table: ByIdentity[int] = ByIdentity()
    kept, lost = Thing(), Thing()
    table[kept] = 1
    table[lost] = 2
    assert (table.get(kept), table.get(lost)) == (1, 2)
    del lost
    assert [value for _, value in table.items()] == [1]
    assert table.get(Thing()) is None


def test_an_interrupt_of_the_main_thread_during_a_dry_run_ends_it() -> None:
    cells = ["import keras, time", "for _ in range(6000):\n    time.sleep(0.01)"]
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        check_cells(cells, dry_run=True)
    assert time.monotonic() - start < 30  # of a minute
    assert not hooks.installed()
    assert _thread.get_ident() == threading.main_thread().ident


def test_each_hook_is_made_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(session):
        pass
    monkeypatch.setattr(hooks, "_bridge", lambda *_: pytest.fail("a hook was made again"))
    before = state()
    for _ in range(3):
        with watched(session):
            assert state() != before
        assert state() == before


def test_no_cell_makes_python_forget_what_it_knows_of_a_class(session: Session) -> None:
    number_of = pytest.importorskip("_testcapi", exc_type=ImportError).type_get_version
    classes = [keras.Layer, keras.layers.Dense, keras.Model, keras.Sequential, keras.optimizers.SGD]

    def work() -> None:
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse")

    with watched(session):
        work()
    work()
    before = [number_of(cls) for cls in classes]
    with watched(session):
        work()
    assert [number_of(cls) for cls in classes] == before


def test_what_a_cell_puts_in_the_place_of_a_method_stays(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[Any] = []
    monkeypatch.setattr(keras.Sequential, "add", keras.Sequential.add)  # put back at the end

    def mine(self: Any, layer: Any) -> None:
        """Nothing is added."""
        added.append(layer)

    code = mine.__code__
    with watched(session):
        keras.Sequential.add = mine
    assert (keras.Sequential.add, mine.__code__) == (mine, code)
    with watched(session):
        assert mine.__code__ is not code
        model = keras.Sequential()
        model.add(layer := keras.layers.Dense(2))
        assert (added, model.layers, session.placed.get(layer)) == ([layer], [], (None,))
    assert (keras.Sequential.add, mine.__code__) == (mine, code)


def test_a_method_that_a_cell_kept_or_wrapped_is_keras_own_afterwards(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras_own = keras.Sequential.add
    monkeypatch.setattr(keras.Sequential, "add", keras_own)
    with watched(session):
        kept = keras.Sequential.add
        keras.Sequential.add = lambda *args, **kwargs: [kept(*args, **kwargs)][-1]
    assert kept is keras_own
    model = keras.Sequential([keras.layers.Input((3,))])
    model.add(keras.layers.Dense(2))
    assert model.output_shape == (None, 2)


class OtherTool:
    """A method of another tool's that is no function, as wrapt makes them."""

    def __init__(self, wrapped: Any = None) -> None:
        self.calls = 0
        if wrapped is not None:
            self.__wrapped__ = wrapped

    def __get__(self, owner: Any, cls: type) -> Any:
        self.calls += 1
        return getattr(self, "__wrapped__", lambda *_: None).__get__(owner, cls)


def test_a_method_within_another_tools_wrapper_is_heard(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.Sequential, "add", OtherTool(keras.Sequential.add))
    model = keras.Sequential([keras.layers.Input((3,))])
    with watched(session):
        model.add(layer := keras.layers.Dense(2))
        assert session.placed.get(layer) is not None
    assert model.output_shape == (None, 2)


def test_a_method_that_is_no_function_is_left_alone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.Sequential, "add", other := OtherTool())
    with watched(session):
        keras.Sequential().add(layer := keras.layers.Dense(2))
        assert session.placed.get(layer) is None
        assert session.made.get(layer) is not None
    assert (vars(keras.Sequential)["add"], other.calls) == (other, 1)


def test_a_function_that_can_not_say_what_it_takes_is_left_alone(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mine(self: Any, layer: Any) -> None:
        """Nothing is added."""

    mine.__wrapped__ = mine  # type: ignore[attr-defined]
    code = mine.__code__
    monkeypatch.setattr(keras.Sequential, "add", mine)
    with watched(session):
        assert mine.__code__ is code
        assert hooks.installed()


def test_one_function_under_two_names_is_hooked_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.Model, "evaluate", keras.Model.fit)
    before = state()
    for _ in range(2):
        with watched(session):
            functions = [id(hook.function) for hook in hooks._placed]
            assert len(functions) == len(set(functions))
        assert state() == before


def test_a_loop_of_calls_asks_for_its_place_once(session: Session) -> None:
    seen: list[Any] = []

    class Counts(hooks.Observer):
        def before_call(self, model: Any, args: Any, kwargs: Any, frame: Any) -> None:
            seen.append(self.session.book.place(frame))

    source = "for _ in range(20):\n    model(x)\n"
    session.book.add(0, source, "cell 1", "<cell 0>")
    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    with hooks.observing(Counts(session)):
        exec(compile(source, "<cell 0>", "exec"), {"model": model, "x": np.zeros((1, 3))})
    assert len(seen) == 20
    assert len({id(place) for place in seen}) == 1


def test_the_graph_within_a_stack_is_no_model_of_its_own(session: Session) -> None:
    with watched(session):
        model = keras.Sequential()
        model.add(keras.layers.Dense(2))
        model.build((None, 3))
        twin = keras.models.clone_model(model)
    assert [tracked.ref() for tracked in session.current] == [model, twin]
