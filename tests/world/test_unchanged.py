"""Around every kind of check: what it leaves is what the cell alone leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.kernel.shells import BROKEN, FIT, SOUND
from tests.world.lives import lived

OWN = """\
class Own(layers.Layer):
    calls, made = 0, []
    def __init__(self, units):
        super().__init__()
        self.inner, self.seen, self.count = layers.Dense(units), [], 0
        self.draws = np.random.default_rng(3)
        Own.made.append(units)
    def call(self, inputs):
        Own.calls += 1
        self.count += 1
        self.seen.append(len(inputs.shape))
        LOG.append("call")
        random.random(), np.random.rand(), self.draws.random()
        return self.inner(inputs)
LOG = []
"""
COUNTS = "told = [Own.calls, len(Own.made), len(LOG), random.random(), float(np.random.rand())]\n"
OF_OWN = "counts = [(part.count, len(part.seen), part.draws.random()) for part in own]\n"
STACK = "own = [Own(4), Own(10)]\nmodel = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), *own])\n"
FUNCTIONAL = """\
inputs = keras.Input((8, 8, 1))
h = layers.Conv2D(4, 3)(inputs)
h = layers.Add()([h, h * 2.0])
model = keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(h)))
"""
SUBCLASS = """\
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = layers.Conv2D(4, 3)
        self.head = layers.Dense(10, activation="softmax")
    def call(self, inputs, training=False):
        return self.head(self.body(inputs))
model = Net()
model.compile("adam", "categorical_crossentropy")
"""
DROPS = SOUND.replace("    layers.Flatten(),", "    layers.Dropout(0.5), layers.GaussianNoise(0.1), layers.Flatten(),")
CHECK = "from shape_magic import check\n"


@dataclass(frozen=True)
class Kind:
    """Cells that are checked, and what they come to alone."""

    cells: Sequence[str]
    #: What is run without us, where it is not the same: a call that we stop has not begun.
    alone: Sequence[str] | None = None
    errors: Sequence[str] = ()
    #: Where names are left that are ours, on purpose.
    leaves: frozenset[str] = frozenset()


def cells(*texts: str, alone: Sequence[str] | None = None, leaves: Sequence[str] = ()) -> Kind:
    """A kind of check."""
    return Kind(texts, alone, leaves=frozenset(leaves))


STOPPED = "try:\n    model.fit(x, y, verbose=0)\nexcept ValueError:\n    pass\n"
KINDS = {
    "clean": cells(SOUND + FIT),
    "clean, functional": cells(FUNCTIONAL, "model.compile('sgd', 'mse')\n" + FIT),
    "clean, with draws": cells(DROPS + "history = model.fit(x, y, verbose=0, epochs=2).history['loss']"),
    "with the magic's line": cells("%%shapecheck\n" + SOUND + FIT, alone=[SOUND + FIT]),
    "over several cells": cells("model = keras.Sequential()", "model.add(layers.Flatten())", "model.add(layers.Dense(10))",
                                "model.compile('sgd', 'mse')", FIT, "guess = model.predict(x, verbose=0)"),
    "not built": cells("model = keras.Sequential([layers.Flatten(), layers.Dense(10)])\nmodel.compile('sgd', 'mse')", FIT),
    "a question": cells(BROKEN),
    "a question, then a sound model": cells(BROKEN, SOUND, FIT),
    "stopped": cells(BROKEN, STOPPED, alone=[BROKEN, "pass"]),
    "stopped, subclassed": cells(SUBCLASS, STOPPED, alone=[SUBCLASS, "pass"]),
    "warned, and run on": cells(BROKEN.replace("Dense(10", "Dense(1").replace("categorical_crossentropy", "mse"),
                                "model.fit(x, y[:, 0], verbose=0)\n"),
    "refused by Keras": cells("model = keras.Sequential([layers.Input((8,)), layers.Conv2D(2, 3)])"),
    "refused in a graph": cells("a = layers.Dense(3)(keras.Input((4,)))\nb = layers.Conv2D(2, 3)(a)"),
    "the cell's own exception": cells(SOUND + "1 / 0"),
    "an exception in a callback": cells(
        SOUND + "class Mine(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n"
        "        raise KeyError('mine')\nmodel.fit(x, y, verbose=0, callbacks=[Mine()])"
    ),
    "no Python": cells(SOUND + "a ="),
    "interrupted": cells(SOUND + "raise KeyboardInterrupt"),
    "interrupted in a layer": cells(
        "class Stops(layers.Layer):\n    def call(self, inputs):\n        raise KeyboardInterrupt\n"
        "model = keras.Sequential([layers.Dense(2), Stops()])\nmodel(x)"
    ),
    "code that counts and draws": cells(OWN + STACK + "model.compile('sgd', 'mse')\n", FIT, COUNTS, OF_OWN),
    "code that counts, not built": cells(OWN + STACK.replace("layers.Input((8, 8, 1)), ", "") + "model.compile('sgd', 'mse')\n",
                                         FIT, COUNTS, OF_OWN),
    "code that counts, in a graph": cells(OWN + "own = [Own(10)]\ni = keras.Input((4,))\nmodel = keras.Model(i, own[0](i))\n"
                                          "model.compile('sgd', 'mse')", "model.fit(np.zeros((20, 4)), y, verbose=0)", COUNTS, OF_OWN),
    "a loss that counts": cells(
        "CALLS = []\nTIMES = 0\ndef loss(a, b):\n    global TIMES\n    TIMES += 1\n    CALLS.append(random.random())\n"
        "    return keras.ops.mean((a - b) ** 2, axis=-1)\n" + SOUND.replace('"categorical_crossentropy"', "loss"),
        FIT, "told = (len(CALLS), TIMES)"),
    "a check in the cell": cells(SOUND, CHECK + "report = check(model, x, y)", alone=[SOUND, "pass"], leaves=["check", "report"]),
    "a check of a broken model": cells(BROKEN, CHECK + "report = check(model, x, y)", alone=[BROKEN, "pass"],
                                       leaves=["check", "report"]),
    "a check of cells in the cell": cells(
        "from shape_magic import check_cells\nreport = check_cells(['model = keras.Sequential([layers.Flatten()])'], globals())",
        alone=["model = keras.Sequential([layers.Flatten()])"], leaves=["check_cells", "report"]),
    "a check in a thread": cells(
        SOUND, CHECK + "import threading\nthread = threading.Thread(target=lambda: check(model, x, y))\nthread.start()\nthread.join()",
        alone=[SOUND, "import threading\nthread = threading.Thread(target=int)\nthread.start()\nthread.join()"], leaves=["check"]),
    "a check that is timed out": cells(
        SOUND, CHECK + "import signal, time\n"
        "class Slow(layers.Layer):\n    def call(self, inputs):\n        for _ in range(500 if SLOW else 0):\n            time.sleep(0.01)\n        return inputs\n"
        "SLOW = False\nmodel = keras.Sequential([layers.Input((3,)), Slow(), layers.Dense(2)])\nmodel.compile('sgd', 'mse')\n"
        "def late(number, frame):\n    raise TimeoutError\nbefore = signal.signal(signal.SIGALRM, late)\n",
        "SLOW = True\nsignal.setitimer(signal.ITIMER_REAL, 0.2)\ntry:\n    check(model, np.zeros((4, 3)), np.zeros((4, 2)))\n"
        "except TimeoutError:\n    pass\nfinally:\n    signal.setitimer(signal.ITIMER_REAL, 0)\n    SLOW = False\n    signal.signal(signal.SIGALRM, before);",
        alone=[SOUND, "import signal, time\n"
        "class Slow(layers.Layer):\n    def call(self, inputs):\n        for _ in range(500 if SLOW else 0):\n            time.sleep(0.01)\n        return inputs\n"
        "SLOW = False\nmodel = keras.Sequential([layers.Input((3,)), Slow(), layers.Dense(2)])\nmodel.compile('sgd', 'mse')\n"
        "def late(number, frame):\n    raise TimeoutError\nbefore = signal.signal(signal.SIGALRM, late)\n",
        "signal.signal(signal.SIGALRM, before);"], leaves=["check"]),
    "under other magics": cells("%%time\n" + SOUND, "%%capture kept\n" + BROKEN, "%time model.predict(x, verbose=0);"),
    "nested in another magic": cells("%%time\n%%shapecheck\n" + SOUND + FIT, alone=["%%time\n" + SOUND + FIT]),
    "after a crash": cells("%shapecheck off", BROKEN + "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass", "%shapecheck",
                           alone=["pass", BROKEN + "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass", "pass"]),
    "a playground": cells(SOUND, "from shape_magic.teach import playground\nplay = playground(model, y)\nplay.set('conv2d', filters=7)",
                          alone=[SOUND, "pass", ], leaves=["playground", "play"]),
    "a quiz": cells("from shape_magic.teach import quiz\nasked = quiz()", alone=["pass"], leaves=["quiz", "asked"]),
    "two observed threads": cells(
        "import threading, contextvars\ndef work():\n    keras.Sequential([layers.Input((3,)), layers.Dense(2)])\n"
        "thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))\nthread.start()\nthread.join()\n" + SOUND),
    "await": cells("import asyncio\nawait asyncio.sleep(0)\n" + SOUND + "await asyncio.sleep(0)\n" + FIT),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_check_leaves_what_the_cell_alone_leaves(name: str) -> None:
    kind = KINDS[name]
    alone = lived(kind.alone if kind.alone is not None else kind.cells, checked=False)
    checked = lived(kind.cells, checked=True)
    assert not checked.changed
    assert checked.names - kind.leaves == alone.names
    assert {k: v for k, v in checked.values.items() if k not in kind.leaves} == alone.values
    assert checked.draws == alone.draws
    if kind.alone is None:
        assert checked.errors == alone.errors
