"""Load and unload, reload, and a user who changes Keras meanwhile: what is ours goes, what is theirs stays."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import keras
import pytest

import shape_magic
from shape_magic.capture import hooks
from tests.kernel.real import Kernel, kernel
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND, Shell, opened
from tests.world.world import differences, patched, picture

STOPPED = "try:\n    model.fit(x, y, verbose=0)\nexcept ValueError:\n    pass\n"
#: What the cells make, and what a shell loads at the first use of its own.
THEIRS = ("its names", "open files", "threads", "child processes", "loggers", "sources")
#: What ipywidgets registers when it is imported.
WIDGETS = "its comms.targets"


@pytest.fixture
def bare() -> Iterator[Shell]:
    """A shell without the extension, in which Keras has run."""
    with opened(extension=False) as made:
        made.must("%unload_ext nothing\n%config", SETUP + SOUND + FIT)
        yield made


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["%shapecheck on", SOUND + FIT, BROKEN + STOPPED, "%shapecheck off"],
        ["%%shapecheck\n" + SOUND, "%shapecheck model", "%shapecheck --rules", "%config ShapeMagic.language = 'de'"],
        ["%reload_ext shape_magic", "%shapecheck on", SOUND],
        ["import importlib, shape_magic\nimportlib.reload(shape_magic);", "%shapecheck on", BROKEN],
        ["%shapecheck on", "%%capture kept\n" + BROKEN, "%time model.predict(x, verbose=0);"],
    ],
    ids=["nothing", "cells", "options", "reloaded", "module reloaded", "other magics"],
)
def test_what_is_loaded_is_gone_when_it_is_unloaded(bare: Shell, cells: list[str]) -> None:
    before = picture(bare.ip)
    bare.must("%load_ext shape_magic")
    assert differences(before, picture(bare.ip), THEIRS)  # what would be left, if it were left
    bare.must(*cells, "%unload_ext shape_magic")
    # %config writes into the shell's configuration, whoever is asked for.
    assert not differences(
        before, picture(bare.ip), (*THEIRS, *["its configuration"] * any("%config" in c for c in cells))
    )


def test_a_reload_of_the_package_keeps_its_names() -> None:
    names = set(vars(shape_magic))
    again = importlib.reload(shape_magic)
    assert again.check_cells(["a = 1"]).ok
    assert set(vars(again)) >= names


# A user who changes Keras


def test_a_patch_of_the_users_holds_before_during_and_after(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.Layer, "__call__", keras.Layer.__call__)  # put back at the end
    bare.must(
        "%load_ext shape_magic",
        "calls = []\nfirst = keras.Layer.__call__\n"
        "def counted(self, *args, **kwargs):\n    calls.append(self.name)\n    return first(self, *args, **kwargs)\n"
        "keras.Layer.__call__ = counted",
        "%shapecheck on",
    )
    report = bare.report_of(BROKEN)
    assert report.diagnostics
    assert bare.ns["calls"]
    assert keras.Layer.__call__ is bare.ns["counted"]
    bare.must("keras.Layer.__call__ = first")
    assert keras.Layer.__call__ is bare.ns["first"]


@pytest.mark.parametrize(
    ("keep", "put"),
    [
        ("kept = keras.Layer.__call__", "keras.Layer.__call__ = kept"),
        ("kept = keras.Model.fit", "keras.src.backend.tensorflow.trainer.TensorFlowTrainer.fit = kept"),
        ("kept = vars(keras.Sequential)['add']", "keras.Sequential.add = kept"),
        (
            "from keras.src.ops.operation import Operation\nkept = vars(Operation)['__new__']",
            "Operation.__new__ = kept",
        ),
    ],
    ids=["call", "fit", "add", "new"],
)
def test_a_wrapper_that_a_cell_kept_and_puts_back_does_not_stay(bare: Shell, keep: str, put: str) -> None:
    before = {name: dict(vars(cls)) for name, cls in patched().items()}
    bare.must(
        "%load_ext shape_magic", "%shapecheck on", "import keras\n" + keep, SOUND, put, SOUND, "%unload_ext shape_magic"
    )
    bare.must(put)  # after all: the user's own doing, for which no cell of ours is there
    bare.must("%load_ext shape_magic", "%shapecheck on", "a = 1", "%unload_ext shape_magic")
    assert {name: dict(vars(cls)) for name, cls in patched().items()} == before


def test_what_a_task_keeps_of_a_cell_is_not_heard(bare: Shell) -> None:
    bare.must(
        "%load_ext shape_magic",
        "%shapecheck on",
        "import contextvars\ncontext = contextvars.copy_context()",
        "made = context.run(lambda: keras.Sequential([layers.Input((3,)), layers.Dense(2)]))",
    )
    session = bare.notebook.session
    assert session.made.get(bare.ns["made"]) is None
    assert hooks.current() is None


# Faces: what Python says of the patched names, in a checked cell

FACES = """\
import inspect, pickle, pydoc, copy
import keras.src.optimizers.base_optimizer, keras.src.ops.operation
faces = {}
for owner in (keras.Layer, keras.Model, keras.Sequential, keras.layers.InputLayer, keras.layers.Dense, keras.layers.RNN,
              keras.optimizers.Adam, keras.src.ops.operation.Operation):
    for name in sorted(n for n in dir(owner) if not n.startswith("__") or n in ("__init__", "__call__", "__new__")):
        face = getattr(owner, name)
        if not callable(face) or inspect.isclass(face):
            continue
        # Not the defaults: a function's own, as its code; inspect reads them off the signature.
        told = [getattr(face, n, None) for n in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__")]
        for ask in (inspect.signature, inspect.getsource, inspect.getcomments,
                    # Keras asks it of constructors. Where its own decorators stand it says nothing.
                    inspect.getfullargspec if name == "__init__" else callable, inspect.iscoroutinefunction, callable, type):
            try:
                told.append(str(ask(face)))
            except (TypeError, ValueError, OSError) as error:
                told.append(type(error).__name__)
        told.append(pydoc.render_doc(face, renderer=pydoc.plaintext))
        faces[owner.__name__, name] = [str(t) for t in told]
    faces[owner.__name__, ""] = [pydoc.render_doc(owner, renderer=pydoc.plaintext), str(inspect.signature(owner))]
"""
#: What a wrapper has of its own, and Python shows where it shows everything.
COPIES = """\
copies = {}
for name, make in {"deepcopy": copy.deepcopy, "pickle": lambda m: pickle.loads(pickle.dumps(m)),
                   "clone": keras.models.clone_model}.items():
    other = make(model)
    copies[name] = [type(other).__name__, str(other.get_config()), [w.shape for w in other.get_weights()]]
model.save(PATH)
loaded = keras.models.load_model(PATH)
copies["saved"] = [str(loaded.get_config()), loaded.compiled, [w.tolist() for w in loaded.get_weights()]]
copies["json"] = model.to_json()
copies["function"] = pickle.loads(pickle.dumps(keras.Model.fit)).__qualname__
"""


def test_the_faces_of_keras_are_its_own_within_a_checked_cell(bare: Shell) -> None:
    bare.must(FACES)
    alone: dict[Any, Any] = bare.ns["faces"]
    bare.must("%load_ext shape_magic", "%shapecheck on", FACES)
    during: dict[Any, Any] = bare.ns["faces"]
    assert alone.keys() == during.keys()
    assert [(k, pair) for k in alone for pair in zip(alone[k], during[k], strict=True) if pair[0] != pair[1]] == []
    bare.must("%unload_ext shape_magic", FACES)
    assert bare.ns["faces"] == alone


def test_models_are_copied_pickled_and_saved_in_a_checked_cell_and_after(bare: Shell, tmp_path: Any) -> None:
    start = f"PATH = r'{tmp_path}/model.keras'\nimport copy, pickle\nkeras.backend.clear_session()\nkeras.utils.set_random_seed(5)\n"
    bare.must(start + SOUND + COPIES)
    alone = bare.ns["copies"]
    bare.must("%load_ext shape_magic", "%shapecheck on", start + SOUND + COPIES)
    assert bare.ns["copies"] == alone
    bare.must("%unload_ext shape_magic", COPIES)
    assert bare.ns["copies"] == alone


# A real kernel

LOOK = "from tests.world.world import picture, differences\nimport gc\nbefore = picture(get_ipython())"
AGAIN = f"now = picture(get_ipython())\nprint('LEFT', differences(before, now, {(*THEIRS, WIDGETS)}))"
SLOW = """\
import time
GO = False
class Slow(layers.Layer):
    def call(self, inputs):
        import threading
        if GO and threading.current_thread() is not threading.main_thread():
            print_now("in the worker")
            for _ in range(3000):
                time.sleep(0.01)
        return inputs
def print_now(text):
    import os
    open(PATH, "w").write(text)
slow = keras.Sequential([layers.Input((3,)), Slow(), layers.Dense(2)])
slow.compile("sgd", "mse")
"""


def test_a_kernel_is_as_before_after_checks_and_an_interrupt(tmp_path: Any) -> None:
    with kernel() as real:
        for cell in (
            SETUP + SOUND + FIT,
            LOOK,
            "%load_ext shape_magic\n%shapecheck on",
            f"PATH = r'{tmp_path}/worker'",
            SLOW,
        ):
            answer = real.run(cell)
            assert answer.status == "ok", answer.traceback
        assert real.run(BROKEN + FIT, "one").status == "error"
        stopped = _interrupted(
            real, "GO = True\nslow.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)", tmp_path / "worker"
        )
        assert "KeyboardInterrupt" in stopped.traceback
        assert real.run("%unload_ext shape_magic").status == "ok"
        looked = real.run(AGAIN)
        assert "LEFT []" in looked.printed, looked.printed + looked.traceback
        assert (
            real.run("GO = False\nslow.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)\nprint('trained')").printed
            == "trained\n"
        )


def _interrupted(real: Kernel, cell: str, sign: Any) -> Any:
    import time

    request = real.send(cell)
    deadline = time.monotonic() + 60
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sign.exists(), "the worker was never asked"
    real.manager.interrupt_kernel()
    return real.answer(request)
