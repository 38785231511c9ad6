"""After 60 checks nothing of them is left: no layer, no model, no thread, no text, and the memory of a few."""

from __future__ import annotations

import collections
import gc
import linecache
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import shape_magic
from shape_magic import check, check_cells
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND, Shell, opened

CHECKS = 60
HOME = str(Path(shape_magic.__file__).parent)
STOPPED = "try:\n    model.fit(x, y, verbose=0)\nexcept ValueError:\n    pass\n"
#: A model that its own layers know: by a closure, by an attribute, as an argument of their constructors.
TIED = """\
class Part(layers.Layer):
    def __init__(self, owner):
        super().__init__()
        self.owner = [owner]
    def call(self, inputs):
        return inputs
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.part, self.scale = Part(self), layers.Lambda(lambda t: t * self.factor)
        self.factor, self.head = 2.0, layers.Dense(10)
    def call(self, inputs):
        return self.head(self.scale(self.part(inputs)))
"""


def _collect() -> None:
    for _ in range(3):  # what a weak reference kept something for goes with the next one
        gc.collect()


def alive() -> collections.Counter[str]:
    """How many objects of Keras' and of ours there are, by their classes."""
    _collect()
    kinds = (keras.Layer, keras.KerasTensor, keras.Variable, keras.Loss, keras.Optimizer, threading.Thread)
    counts: collections.Counter[str] = collections.Counter()
    for one in gc.get_objects():
        cls = type(one)
        if issubclass(cls, kinds) or str(cls.__module__).startswith("shape_magic"):
            counts[f"{cls.__module__}.{cls.__qualname__}"] += 1
    return counts


def grown(run: Callable[[], object], times: int = CHECKS) -> dict[str, int]:
    """What there is more of after so many runs than after some."""
    for _ in range(8):
        run()
    before = alive()
    for _ in range(times):
        run()
    # What there is one more of now and then belongs to the last run; a leak has one of each.
    return {name: n - before[name] for name, n in alive().items() if n - before[name] > times // 10}


def kept(run: Callable[[], object], times: int = 20) -> float:
    """How many bytes of our modules' each run keeps."""
    ours = tracemalloc.Filter(True, f"{HOME}/*")
    tracemalloc.start()
    try:
        run()
        _collect()
        before = tracemalloc.take_snapshot().filter_traces([ours])
        for _ in range(times):
            run()
        _collect()
        compared = tracemalloc.take_snapshot().filter_traces([ours]).compare_to(before, "filename")
        return sum(stat.size_diff for stat in compared) / times
    finally:
        tracemalloc.stop()


def test_checks_of_cells() -> None:
    def run() -> None:
        check_cells([SETUP, BROKEN + FIT], dry_run=True)

    assert not grown(run)
    # TensorFlow keeps the code from which its operations come, checked or not: about 4 kB here.
    assert kept(run) < 8000


def test_the_texts_of_cells() -> None:
    for number in range(200):
        check_cells([f"a = {number}", "def f():\n    return a"])
    assert sum(name.startswith("<shape_magic run") for name in linecache.cache) <= 256


def test_checks_of_a_model() -> None:
    broken = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.Dense(10)])
    broken.compile("sgd", "categorical_crossentropy")
    x, y = np.zeros((20, 8, 8, 1)), np.eye(10)[np.arange(20) % 10]
    assert not grown(lambda: (check(broken, x, y), check(broken)))
    assert kept(lambda: (check(broken, x, y), check(broken))) < 2000


def test_cells_of_a_notebook() -> None:
    with opened() as shell:
        shell.must(SETUP, "%shapecheck on")

        def run() -> None:
            for cell in (BROKEN + STOPPED, SOUND):
                shell.run(cell, cell_id="the cell")

        assert not {k: n for k, n in grown(run).items() if not k.endswith(BY_IPYTHON)}
        assert kept(run) < 20_000  # the same, and the text of each cell in IPython's history and ours


#: IPython keeps the last results.
BY_IPYTHON = ("ExecutionResult", "ExecutionInfo")


def test_models_that_their_own_layers_know_are_let_go() -> None:
    with opened() as shell:
        shell.must(SETUP, "%shapecheck on", TIED)
        shell.must("model = Net()\nmodel.compile('sgd', 'mse')\nmodel(x[:2]);")
        ref = weakref.ref(shell.ns["model"])
        shell.must("del model", "a = 1", "b = 2")
        _collect()
        assert ref() is None


def _refs(shell: Shell, name: str) -> list[weakref.ref[Any]]:
    model = shell.ns[name]
    return [weakref.ref(model), *(weakref.ref(layer) for layer in model._flatten_layers())]


def test_what_a_cell_made_goes_when_its_name_goes() -> None:
    with opened() as shell:
        shell.must(SETUP, "%shapecheck on", BROKEN + STOPPED)
        refs = _refs(shell, "model")
        shell.must("del model", "a = 1")
        _collect()
        assert [ref() for ref in refs if ref() is not None] == []
