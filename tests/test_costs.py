"""What a check costs, in counts that no machine changes: layers that Keras calls, our own functions, imports, bytes.

``tests/benchmarks`` measures the seconds that come of them.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any
from unittest import mock

import keras
import pytest

from shape_magic.checker import Checker
from shape_magic.display.widget import ShapeWidget
from shape_magic.report import Report
from tests.benchmarks import ours, subjects
from tests.counting import Counts, counted
from tests.kernel.shells import opened

NAMES = subjects.names(**subjects.images(40, 28, 28, 1))
#: What the long cells are given.
INPUT = (None, 32)
FUNCTIONAL = """\
inputs = keras.Input((28, 28, 1))
x = layers.Conv2D(4, 3)(inputs)
x = layers.Add()([x, layers.Conv2D(4, 1)(x)])
model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
"""
IN_ORDER = {
    "a small CNN": subjects.SMALL_CNN,
    "a graph with a sum": FUNCTIONAL,
    "a list of 40 layers": subjects.stack_cell(40, start="layers.Input((32,))"),
    "40 layers by add": subjects.stack_cell(40, "add", start="layers.Input((32,))"),
}


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Each test begins as a first check does, with what is imported by it in place."""
    ours.check(subjects.stack_cell(4), NAMES, x=INPUT)
    ours.forget()


def counts_of(run: Callable[[], object]) -> Counts:
    """What happens while something runs."""
    with counted() as counts:
        run()
    return counts


def checked(cell: str, **options: Any) -> Counts:
    """What a check of a cell does."""
    return counts_of(lambda: ours.check(cell, NAMES, **options))


# Layers that Keras calls


@pytest.mark.parametrize("cell", IN_ORDER.values(), ids=IN_ORDER.keys())
def test_a_built_model_is_read_and_none_of_its_layers_is_called(cell: str) -> None:
    alone = counts_of(lambda: ours.plain(cell, NAMES)).layer_calls
    assert alone > 0
    assert checked(cell).layer_calls == alone


@pytest.mark.parametrize("style", ["list", "add"])
def test_each_layer_of_a_stack_without_an_input_is_called_once(style: subjects.Style) -> None:
    assert 0 < checked(subjects.stack_cell(40, style), x=INPUT).layer_calls <= 40


def test_what_was_checked_is_known() -> None:
    cell = subjects.stack_cell(40)
    checked(cell, x=INPUT)
    assert checked(cell, x=INPUT).layer_calls == 0


@pytest.mark.parametrize(("number", "touched"), [(20, 5), (36, 4)], ids=["in the middle", "at the end"])
def test_after_an_edit_only_what_sees_something_new_is_called(number: int, touched: int) -> None:
    checked(subjects.stack_cell(40), x=INPUT)
    assert 0 < checked(subjects.stack_cell(40, changed=number), x=INPUT).layer_calls <= touched


CONVOLUTIONS = [f'layers.Conv2D({4 + k}, 3, padding="same")' for k in range(24)]
#: The example's mistake behind many layers: in the one statement that makes them all, and behind a base of its own.
IN_ONE_LIST = subjects.SEED.replace(
    "    layers.MaxPooling2D((2, 2)),\n", "".join(f"    {one},\n" for one in CONVOLUTIONS), 1
)
ON_A_BASE = f"""\
base = keras.Sequential([layers.Input((28, 28, 1)), {", ".join(CONVOLUTIONS)}])
model = keras.Sequential([base, layers.Dense(10, activation="softmax")])
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train, verbose=0)
"""


def proving(cell: str) -> tuple[int, Report]:
    """How many layers are called for repairs, beyond those that the cell calls itself; and what came of it."""
    own = counts_of(lambda: ours.plain(cell, NAMES)).layer_calls
    report = ours.check(cell, NAMES, dry_run=True)
    ours.forget()
    return checked(cell, dry_run=True).layer_calls - own, report


def test_a_repair_in_a_statement_calls_no_layer_twice() -> None:
    called, report = proving(IN_ONE_LIST)
    fixes = len(report.diagnostics[0].fixes)
    assert fixes >= 2
    assert called <= fixes * (len(report.models[0].calls) + 1)


def test_all_repairs_behind_a_base_call_it_no_more_than_twice() -> None:
    called, report = proving(ON_A_BASE)
    assert len(report.diagnostics[0].fixes) >= 2
    assert called <= 2 * len(report.models[0].calls)


def test_what_stands_above_the_mistake_runs_once_for_all_its_repairs() -> None:
    called, report = proving(subjects.FUNCTIONAL.replace("(32, 32, 3)", "(28, 28, 1)"))
    assert len(report.diagnostics[0].fixes) >= 3
    assert called <= 2 * len(report.models[0].calls)


# Our own functions


@pytest.mark.parametrize("style", ["list", "add"])
def test_ten_times_the_layers_make_ten_times_the_calls(style: subjects.Style) -> None:
    few, many = (checked(subjects.stack_cell(n, style), x=INPUT).own_calls for n in (40, 400))
    assert few > 40, "our functions are not counted"
    assert many / few <= 11


def fits(steps: int) -> Counts:
    """What a check of a cell that trains for so many steps does."""
    cell = f"""
model = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.zeros(({steps}, 4)), np.zeros(({steps}, 1)), batch_size=1, verbose=0)
"""
    return checked(cell)


def test_a_step_of_training_calls_nothing_of_ours() -> None:
    fits(1)
    assert fits(30).own_calls == fits(5).own_calls


def calls(steps: int) -> Counts:
    """What a check of a loop of the user's own does, that calls the model so many times."""
    cell = f"""
model = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
for _ in range({steps}):
    model(np.zeros((2, 4)))
"""
    return checked(cell)


#: The hooks of the model and of its layers see that it is known.
MOST_CALLS_FOR_A_KNOWN_CALL = 40


@pytest.mark.parametrize(("units", "told"), [(8, 0), (4_000, 1), (5_000, 2)])
def test_of_weights_only_those_that_matter_are_told(units: int, told: int) -> None:
    """Of 4 GiB those with more than 4,096 numbers: a kernel, and then its bias, too."""
    cell = (
        f"model = keras.Sequential([layers.Input((8,)), *[layers.Dense(8) for _ in range(20)], layers.Dense({units})])"
    )
    with mock.patch.object(Checker, "before_weight", autospec=True) as before_weight:
        checked(cell, memory_budget=4 * 2**30)
    assert before_weight.call_count == told


def test_a_call_in_a_loop_is_checked_once() -> None:
    counts = {steps: calls(steps) for steps in (1, 5, 25)}
    assert counts[25].layer_calls - counts[5].layer_calls == 20  # the loop's own calls, and no more
    each = (counts[25].own_calls - counts[5].own_calls) / 20
    assert each <= MOST_CALLS_FOR_A_KNOWN_CALL < counts[1].own_calls / 10


def test_a_cell_without_keras_costs_as_much_after_many_cells_as_after_few() -> None:
    with opened() as shell:
        shell.must("%shapecheck on", *("1 + 1" for _ in range(20)))
        few = counts_of(lambda: shell.must("1 + 1")).own_calls
        shell.must(*("1 + 1" for _ in range(100)))
        many = counts_of(lambda: shell.must("1 + 1")).own_calls
    assert 0 < many == few < 150


# Imports


def modules_after(*statements: str) -> set[str]:
    """The modules that a fresh Python holds after these statements."""
    program = "\n".join((*statements, "import sys; print(*sys.modules)"))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


SHELL = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance()"
LOAD = "shell.run_line_magic('load_ext', 'shape_magic')"
MODEL = "import keras; model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])"
#: What neither a load nor a check without a finding has a use for.
FORBIDDEN = {"anywidget", "ipywidgets", "matplotlib", "pandas"}
#: What a check without a finding has no use for either: how a repair is written, and tried.
FOR_REPAIRS = {f"shape_magic.{name}" for name in ("kernel.planner", "repair.prove", "repair.effects", "source.writer")}
#: Modules beside those of a bare IPython: what a load brings, and a first check beside Keras.
MOST_BY_LOAD, MOST_BY_CHECK = 50, 190


#: What only a model needs.
FOR_MODELS = {*(f"shape_magic.{name}" for name in ("checker", "facts", "report", "rules", "source.cells")), "numpy"}


def test_a_load_imports_little() -> None:
    new = modules_after(SHELL, LOAD) - modules_after(SHELL)
    assert new & (FORBIDDEN | FOR_MODELS | {"keras", "tensorflow"}) == set()
    assert 5 < len(new) <= MOST_BY_LOAD, sorted(new)


def test_a_first_check_imports_little_beside_keras() -> None:
    plain = modules_after(SHELL, f"shell.run_cell({MODEL!r})")
    new = modules_after(SHELL, LOAD, f"shell.run_cell('%%shapecheck\\n' + {MODEL!r})") - plain
    assert new & (FORBIDDEN | FOR_REPAIRS) == set()
    assert 5 < len(new) <= MOST_BY_CHECK, sorted(new)


# Memory


def peak(units: int) -> int:
    """The most bytes that the trace of five layers of so many units holds."""
    model = keras.Sequential([keras.layers.Dense(units) for _ in range(5)])
    ours.forget()
    gc.collect()
    tracemalloc.start()
    try:
        facts = ours.trace(model, (None, units))
        assert facts.params == 5 * units * (units + 1)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_billion_weights_take_no_more_than_a_thousand() -> None:
    peak(16)
    small, huge = peak(16), peak(16_384)
    assert huge < 1_000_000
    assert huge == pytest.approx(small, rel=0.25)


# What is sent


def sent(report: Report) -> int:
    """The bytes of a card, with its script and style."""
    state = ShapeWidget(report, lambda request: {"ok": False, "why": ""}).get_state()
    return len(json.dumps(state, ensure_ascii=False).encode())


def broken_stack(layers: list[str]) -> Report:
    """The report of a stack whose last layer can't work on what it gets."""
    lines = "".join(f"    {one},\n" for one in [*layers, "layers.Conv2D(4, 3)"])
    return ours.check(f"model = keras.Sequential([\n{lines}])\n", NAMES, x=INPUT)


def test_a_layer_more_sends_little_more() -> None:
    few, many = (sent(broken_stack([f"layers.Dense({8 + k})" for k in range(n)])) for n in (20, 60))
    assert 0 < (many - few) / 40 <= 200


def test_a_repeated_layer_sends_next_to_nothing_more() -> None:
    block = ["layers.Dense(32)", 'layers.Activation("relu")', "layers.Dropout(0.1)"]
    few, many = (sent(broken_stack(block * n)) for n in (10, 40))
    assert (many - few) / 90 <= 60
