"""A cell with nothing wrong in it: with ``%%shapecheck`` above it, beside the same cell without, in a real IPython."""

from __future__ import annotations

from tests.benchmarks import subjects
from tests.benchmarks.rows import Group, Row, in_words, row
from tests.benchmarks.side_by_side import Side, in_turn, milliseconds, more, ratio, timed
from tests.kernel.shells import Shell, opened

#: A check may take this share more, or these milliseconds, whichever is more.
SHARE, MILLISECONDS = 1.05, 15.0
_TRAINING = """\
class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        took.append((time.perf_counter() - self.start) / STEPS)

tiny = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
tiny.compile("sgd", "mse")
tiny.fit(np.zeros((STEPS, 4), "float32"), np.zeros((STEPS, 1), "float32"), batch_size=1, epochs=2, verbose=0,
         callbacks=[Clock()])
"""
_LOOP = """\
tiny = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
batch = np.zeros((8, 4), "float32")
tiny(batch)
start = time.perf_counter()
for _ in range(STEPS):
    answer = tiny(batch)
took.append((time.perf_counter() - start) / STEPS)
"""


def _checked(cell: str) -> str:
    return f"%%shapecheck\n{cell}"


def _whole(shell: Shell, name: str, cell: str) -> Row:
    """The time of a whole cell."""
    shown = shell.run(_checked(cell))
    assert "✓" in shown.out, f"{name} is not found in order: {shown.out}{shown.err}"
    a, b = in_turn(
        Side("checked", timed(lambda _: shell.must(_checked(cell)))),
        Side("plain", timed(lambda _: shell.must(cell))),
        seconds=6,
        least=31,
    )
    times, extra = ratio(a, b), milliseconds(more(a, b))
    # Too little to be felt is as good as a small share.
    spared = extra.median <= MILLISECONDS
    note, other = f"+{in_words(max(extra.median, 0), 'ms')}", f"{MILLISECONDS:.0f} ms more"
    return row(name, "the cell alone", "×", times, a, b, goal=SHARE, spared=spared, note=note, otherwise=other)


def _steps(shell: Shell, name: str, cell: str, steps: int) -> Row:
    """The time of a step, as the cell itself clocks it: what is checked before the first one is not in it."""

    def clocked(text: str) -> float:
        shell.ns["took"].clear()
        shell.must(text)
        return float(shell.ns["took"][-1])

    shell.ns["STEPS"] = steps
    a, b = in_turn(
        Side("checked", lambda: clocked(_checked(cell))), Side("plain", lambda: clocked(cell)), seconds=8, least=41
    )
    return row(name, "the step alone", "×", ratio(a, b), a, b, goal=SHARE)


def measure() -> Group:
    """The rows of the group."""
    with opened() as shell:
        shell.must("import time, keras, numpy as np\nfrom keras import layers\ntook = []")
        hundred = subjects.stack_cell(100, start="layers.Input((32,))")
        rows = (
            _whole(shell, "a small CNN", subjects.SMALL_CNN),
            _whole(shell, "a stack of 100 layers", hundred),
            _whole(shell, "ResNet50", subjects.RESNET),
            _steps(shell, "a training step of fit", _TRAINING, 300),
            _steps(shell, "a call of model(x) in a loop", _LOOP, 100),
        )
    return Group("healthy", "A cell in order, under %%shapecheck", rows)
