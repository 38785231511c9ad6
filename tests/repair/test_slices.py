"""What a proof runs again: the statements that the model needs, and no others."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import keras
import numpy as np
import pytest

from shape_magic.repair.copies import copied
from shape_magic.repair.effects import Impure, may_drop
from shape_magic.repair.slices import is_made, slice_for
from shape_magic.spans import Span


def namespace_after(*cells: str) -> dict[str, Any]:
    """The names that the cells leave."""
    ns: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        exec(cell, ns)
    return ns


def sliced(target: str, *cells: str, ns: dict[str, Any] | None = None) -> list[str] | Impure:
    """The first lines of the statements that lead to the line with the target's text."""
    cells = tuple(dedent(cell) for cell in cells)
    numbered = list(enumerate(cells))
    cell, line = next(
        (i, n) for i, text in reversed(numbered) for n, row in enumerate(text.split("\n"), 1) if target in row
    )
    part = slice_for(numbered, [Span(cell, line, 0, line, 1)], namespace_after(*cells) if ns is None else ns)
    if isinstance(part, Impure):
        return part
    return [ast.unparse(s.node).split("\n")[0] for s in part.statements]


IMPORT = "import keras, numpy as np\nfrom keras import layers"
MODEL = "model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])"


def test_data_are_taken_as_they_are() -> None:
    cells = (IMPORT, "x = np.zeros((4, 3))\nn = 2", MODEL, "model.compile('sgd')", "z = model.predict(x, verbose=0)")
    assert sliced("predict", *cells) == [
        MODEL.replace("(3,)", "(3,)"),
        "model.compile('sgd')",
        "z = model.predict(x, verbose=0)",
    ]


def test_a_model_that_grows_is_made_from_its_first_line() -> None:
    cells = (
        IMPORT,
        "m = keras.Sequential()\nm.add(layers.Input((3,)))",
        "other = keras.Sequential()",
        "m.add(layers.Dense(2))",
    )
    assert sliced("Dense(2)", *cells) == [
        "m = keras.Sequential()",
        "m.add(layers.Input((3,)))",
        "m.add(layers.Dense(2))",
    ]


def test_what_a_name_held_before_plays_no_part() -> None:
    old = "model = keras.Sequential([layers.Input((5,)), layers.Dense(1)])\nmodel.compile('adam')\nmodel.predict(np.zeros((1, 5)), verbose=0)"
    found = sliced("compile('sgd')", IMPORT, old, MODEL + "\nmodel.compile('sgd')")
    assert found == [MODEL, "model.compile('sgd')"]


def test_a_conditional_rebinding_keeps_what_was_before() -> None:
    cell = MODEL + "\nif False:\n    model = None\nmodel.compile('sgd')"
    assert sliced("compile", IMPORT, cell) == [MODEL, "if False:", "model.compile('sgd')"]


def test_helpers_are_taken_with_what_they_need() -> None:
    cells = (
        IMPORT,
        "def inner(n):\n    return layers.Dense(n)",
        "def build():\n    return keras.Sequential([inner(2)])",
        "m = build()",
    )
    assert sliced("m = build", *cells) == ["def inner(n):", "def build():", "m = build()"]


def test_names_that_are_not_there_yet_are_made() -> None:
    ns = namespace_after(IMPORT, "def f(): pass")
    cells = (IMPORT, MODEL + "\nlate = np.zeros((4, 3))\nmodel.predict(late)")
    found = sliced("Sequential", *cells, ns=ns)
    assert found == [MODEL, "late = np.zeros((4, 3))", "model.predict(late)"]


def test_what_only_shows_is_left_out() -> None:
    cell = MODEL + "\nprint('x')\nmodel.summary()\nmodel.layers\n'a string'\nmodel.compile('sgd')"
    assert sliced("compile", IMPORT, cell) == [MODEL, "model.compile('sgd')"]


@pytest.mark.parametrize(
    ("line", "dropped"),
    [
        ("print('x')", True),
        ("print(model.predict(x))", False),
        ("model.summary()", True),
        ("plt.plot(h.history['loss'])", True),
        ("model.fit(x, y)", False),
        ("h = model.summary()", False),
        ("model", True),
        ("keras.utils.set_random_seed(1)", True),
        ("np.random.seed(1)", True),
    ],
)
def test_what_may_be_dropped(line: str, dropped: bool) -> None:
    assert may_drop(ast.parse(line).body[0]) is dropped


IMPURE: Mapping[str, str] = {
    "file": "open('f', 'w')",
    "download": "keras.utils.get_file('a', 'b')",
    "eval": "eval('1')",
    "exec": "exec('1')",
    "input": "input()",
    "import by hand": "__import__('os')",
    "system": "os.system('true')",
    "from os": "system('true')",
    "time": "time.sleep(9)",
    "object's attribute": "box.n = 1",
    "by index": "table['a'] = 1",
    "delete": "del table['a']",
    "own function, source gone": "gone()",
    "data set from files": "keras.utils.image_dataset_from_directory('d')",
    "pickle": "pickle.dumps(model) and pickle.load(f)",
    "to_csv": "frame.to_csv('x')",
    "array in place": "a += 1",
    "own object": "box.add(model)",
    "path": "pathlib.Path('x').write_text('y')",
}


@pytest.mark.parametrize("kind", IMPURE)
def test_what_reaches_outside_is_refused(kind: str) -> None:
    ns = namespace_after(
        IMPORT,
        "import os, time, pickle, pathlib\nfrom os import system\n"
        "class Box:\n    n = 0\n    def add(self, one): self.n += 1\nbox = frame = f = Box()\ntable = {}\na = np.zeros(3)",
    )
    other: dict[str, Any] = {"__name__": "__main__"}
    exec("def gone(): pass", other)
    ns["gone"] = other["gone"]
    line = IMPURE[kind]
    cell = MODEL + f"\nfor model.tag in [model]:\n    {line}\nmodel.compile('sgd')"
    assert isinstance(sliced("compile", IMPORT, cell, ns=ns | {"model": keras.Sequential()}), Impure)


#: Bodies of a loop with what they change, and whether that is the loop's own.
LOOPS: Mapping[str, tuple[str, bool]] = {
    "an array of each turn": ("a = np.zeros((1, 3))\n    a[0, i] = 1.0\n    model.predict(a)", True),
    "a copy of each turn": ("b = a.copy()\n    b[i] = 1.0\n    model.predict(b[None])", True),
    "changed before it is made": ("a[i] = 1.0\n    a = np.zeros(3)\n    model.predict(a[None])", False),
    "made in one turn only": ("b = a if i else np.zeros(3)\n    b[i] = 1.0\n    model.predict(b[None])", False),
    "another name for it": ("b = a\n    b[i] = 1.0\n    model.predict(b[None])", False),
    "a view of it": ("b = np.asarray(a)\n    b[i] = 1.0\n    model.predict(b[None])", False),
    "what a new list holds": ("rows = list(held)\n    rows[0][i] = 1.0\n    model.predict(rows[0][None])", False),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_what_a_loop_makes_for_each_turn_it_may_change(loop: str) -> None:
    body, own = LOOPS[loop]
    held = "a = np.zeros(3)\nb = np.zeros(3)\nheld = [a]\nrows = held\ni = 0"
    ns = namespace_after(IMPORT, held)
    line = f"for i in range(3):\n    {body}"
    found = sliced("predict", IMPORT, f"{MODEL}\n{line}", ns=ns | {"model": keras.Sequential()})
    assert isinstance(found, Impure) is not own, found


def test_an_effect_behind_the_last_target_ends_the_proof_there() -> None:
    ns = namespace_after(IMPORT)
    cell = MODEL + "\nmodel.compile('sgd')\nopen('f', 'w').write(model.name)\nmodel.predict(x)"
    assert sliced("Sequential", IMPORT, cell, ns=ns) == [MODEL, "model.compile('sgd')"]


def test_cells_that_do_not_parse_never_ran() -> None:
    assert sliced("Sequential", IMPORT, "x = (", MODEL, ns=namespace_after(IMPORT)) == [MODEL]


def test_what_keras_made_is_made_again() -> None:
    ns: dict[str, Any] = {"__name__": "__main__"}
    exec("class Mine: pass\ndef f(): pass", ns)
    layer = keras.layers.Dense(1)
    made = [layer, keras.Input((2,)), keras.losses.MeanSquaredError(), keras.optimizers.SGD(), [layer], {"a": (layer,)}]
    assert all(is_made(value, ns) for value in [*made, ns["Mine"], ns["f"]])
    taken = [np.zeros(3), 3, "x", [1, 2], {"a": 1}, np, keras, keras.layers.Dense, None, len]
    assert not any(is_made(value, ns) for value in taken)


def test_the_copy_is_a_world_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    ns = namespace_after(
        "n = 1\nlist_ = [1]\ntable = {'a': 1}\ndef f(k=2, *, j=3):\n    print('no')\n    list_.append(n)\n    return n + k + j"
    )
    twin = copied(ns, {})
    twin["n"] = 10
    assert twin["f"]() == 15
    assert (ns["n"], ns["list_"], twin["list_"]) == (1, [1], [1, 10])
    assert ns["f"]() == 6
    assert capsys.readouterr().out == "no\n"
