"""Proofs that go on from the same state: none sees what another one did, and what they share is made once."""

from __future__ import annotations

import json
import random
from collections import OrderedDict, deque
from textwrap import dedent
from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cells
from shape_magic.facts import Given
from shape_magic.repair import replay
from shape_magic.repair.slices import Slice, slice_for
from shape_magic.repair.snapshot import Opaque, Snapshot
from shape_magic.repair.trail import Original
from shape_magic.spans import Span

IMPORTS = "import keras, numpy as np\nfrom keras import layers\nfrom keras.layers import Dense\n"
#: Enough layers that the statements before the edit are worth being run once.
BASE = """
inputs = keras.Input((32, 32, 3))
h = inputs
for _ in range(10):
    h = layers.Conv2D(4, 3, padding='same')(h)
base = keras.Model(inputs, h)
"""
HEAD = """
model.compile('sgd', 'sparse_categorical_crossentropy')
model.fit(np.zeros((8, 32, 32, 3), 'float32'), np.zeros(8, 'int32'), verbose=0)
"""
#: What candidates do with what they share. Each ends in the layer whose input is repaired.
TELLTALES = {
    "a model that is called": "model = keras.Sequential([base, Dense(10, activation='softmax')])",
    "a graph that goes on": "model = keras.Model(base.input, Dense(10, activation='softmax')(base.output))",
    "a model that grows": (
        "m = keras.Sequential([keras.Input((32, 32, 3)), base])",
        "m.add(Dense(10, activation='softmax'))\nmodel = m",
    ),
    "a list of layers": (
        "stack = [base]",
        "stack.append(Dense(10, activation='softmax'))\nmodel = keras.Sequential(stack)",
    ),
    "a dict of layers": (
        "parts = {'base': base}\ndef more(parts):\n    parts.update({len(parts): layers.Conv2D(4, 3)})\n    return parts",
        "model = keras.Sequential([*more(parts).values(), Dense(10, activation='softmax')])",
    ),
    "a function that changes its argument": (
        "parts = [base]\ndef grown(parts):\n    parts.append(layers.Conv2D(4, 3))\n    return parts",
        "model = keras.Sequential([*grown(parts), Dense(10, activation='softmax')])",
    ),
    "a counter": (
        "made = []\ndef more(x):\n    made.append(1)\n    return layers.Conv2D(4 * len(made), 3)(x)",
        "model = keras.Model(base.input, Dense(10, activation='softmax')(more(base.output)))",
    ),
    "a default that is changed": (
        "def grown(parts=[]):\n    parts.append(layers.Conv2D(4, 3))\n    return parts",
        "model = keras.Sequential([base, *grown(), Dense(10, activation='softmax')])",
    ),
    "layers that are built by the first call": (
        "pool = layers.Conv2D(4, 3)\nnorm = layers.Dense(6)",
        "model = keras.Sequential([base, pool, norm, Dense(10, activation='softmax')])",
    ),
    "attributes that are set": (
        "norm = layers.BatchNormalization()",
        "base.trainable = False\nmodel = keras.Sequential([base, norm, Dense(10, activation='softmax')])",
    ),
    "a generator of numbers": (
        "rng = np.random.default_rng(0)",
        "n = int(rng.integers(2, 90))\nmodel = keras.Sequential([base, Dense(n), Dense(10, activation='softmax')])",
    ),
    "an import that an edit extends": (
        "from keras.layers import Conv2D\nmore = Conv2D(4, 3)",
        "model = keras.Sequential([base, more, Dense(10, activation='softmax')])",
    ),
}


def cell_of(telltale: str) -> str:
    """The cell: what is shared, what each candidate does, and the use."""
    does = TELLTALES[telltale]
    shared, own = does if isinstance(does, tuple) else ("", does)
    return f"{IMPORTS}{BASE}{shared}\n{own}\n{HEAD}"


@pytest.fixture
def worlds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements each run that went on from a shared state did not run."""
    saved: list[int] = []
    go_on = replay._Run.go_on

    def counted(run: Any, world: Any, statements: Any) -> None:
        saved.append(len(statements))
        go_on(run, world, statements)

    monkeypatch.setattr(replay._Run, "go_on", counted)
    return saved


def report(*cells: str) -> str:
    """Everything that a dry run says of the cells."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    return json.dumps(check_cells(list(cells), dry_run=True).to_dict(), default=str, sort_keys=True)


@pytest.mark.parametrize("telltale", TELLTALES)
def test_no_candidate_sees_what_another_one_did(
    telltale: str, worlds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = cell_of(telltale)
    shared = report(cell)
    assert json.loads(shared)["diagnostics"][0]["fixes"], "there is a fix"
    assert worlds, "the candidates share what they have in common"
    worlds.clear()
    monkeypatch.setattr(replay, "_WORTH", 10**9)
    assert report(cell) == shared
    assert worlds == []


def test_shared_statements_may_stand_on_other_lines(worlds: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    cells = f"import keras, numpy as np\nfrom keras import layers{BASE}", "more = layers.Conv2D(4, 3)\nx = more(h)"
    own = "from keras.layers import Dense as D\nmodel = keras.Model(inputs, D(10, activation='softmax')(x))" + HEAD
    shared = report(*cells, own)
    assert worlds
    monkeypatch.setattr(replay, "_WORTH", 10**9)
    assert report(*cells, own) == shared


# -- what is counted


def calls_of_layers(cell: str, monkeypatch: pytest.MonkeyPatch, first: bool = False) -> int:
    """How many layers are called in the proofs of a cell's fixes; ``first``: of the first candidate alone."""
    counted = [0]
    run, call, done = replay.Runs._run, keras.Layer.__call__, [0]

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        counted[0] += 1
        return call(self, *args, **kwargs)

    def watched(self: Any, *args: Any) -> Any:
        done[0] += 1
        if first and done[0] > 1:
            return run(self, *args)
        with monkeypatch.context() as patch:
            patch.setattr(keras.Layer, "__call__", counting)
            return run(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(replay.Runs, "_run", watched)
        assert len(check_cells([cell], dry_run=True).diagnostics[0].fixes) >= 3
    assert done[0] >= 3
    return counted[0]


@pytest.mark.parametrize("kind", ["sequential", "functional"])
def test_a_large_base_is_made_once_for_all_fixes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = "base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3))\n"
    ends = {
        "sequential": "model = keras.Sequential([base, Dense(10, activation='softmax')])",
        "functional": "x = keras.Input((96, 96, 3))\nmodel = keras.Model(x, Dense(10, activation='softmax')(base(x)))",
    }
    cell = IMPORTS + base + ends[kind] + HEAD.replace("32, 32, 3", "96, 96, 3")
    one = calls_of_layers(cell, monkeypatch, first=True)
    assert one > 100
    assert calls_of_layers(cell, monkeypatch) < 1.5 * one


def test_the_same_text_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [(0, IMPORTS + BASE)]
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(cells[0][1], namespace)
    part = slice_for(cells, [Span(0, 9, 0, 9, 1)], namespace)
    assert isinstance(part, Slice)
    runs = replay.Runs(cells, namespace, Given())
    assert runs.run(part, cells) is runs.run(part, cells)


# -- what is shared


def trail(before: str, after: str, target: int) -> tuple[list[str], list[str]]:
    """The first lines of the shared statements and of the rest."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    part = slice_for([(0, dedent(after))], [Span(0, target, 0, target, 1)], namespace)
    assert isinstance(part, Slice)
    found = Original([(0, dedent(before))]).trail(part)
    return [s.code.text for s in found.shared], [s.code.text for s in found.rest]


def test_an_import_that_is_extended_runs_behind_what_is_shared() -> None:
    before = "from keras.layers import Dense\na = Dense(1)\nb = Dense(2)\nm = [a, b]"
    after = "from keras.layers import Dense, Flatten\na = Dense(1)\nb = Dense(2)\nm = [a, Flatten(), b]"
    assert trail(before, after, 4) == (
        ["from keras.layers import Dense", "a = Dense(1)", "b = Dense(2)"],
        ["from keras.layers import Flatten", "m = [a, Flatten(), b]"],
    )


def test_nothing_is_shared_across_a_name_that_an_edit_imports() -> None:
    before = "from keras.layers import Dense\na = Dense(1)\nFlatten = a\nm = [a, Flatten]"
    after = "from keras.layers import Dense, Flatten\na = Dense(1)\nFlatten = a\nm = [a, Flatten, 1]"
    assert trail(before, after, 4)[0] == []


# -- what is put back


class Plain:
    """An object with an attribute and a slot."""

    __slots__ = ("__dict__", "slot")

    def __init__(self) -> None:
        self.attribute: Any = [1]
        self.slot: Any = 2


def test_everything_in_sight_is_put_back() -> None:
    inner = [1, 2]
    table, ordered, row = {"a": inner, "b": 1}, OrderedDict(a=1, b=2), deque([1, 2])
    some, obj, array, rng = {1, 2}, Plain(), np.arange(3), np.random.default_rng(1)
    dice = random.Random(1)

    counts = type("Counts", (), {"made": [0], "__module__": "__main__"})

    def closed() -> Any:
        return inner

    roots = {"table": table, "some": some, "obj": obj, "array": array, "rng": rng, "f": closed, "o": (ordered, row)}
    kept = Snapshot([roots, dice, counts])
    drawn = rng.integers(1000), dice.random()
    for _ in range(2):
        inner.append(3)
        del table["a"]
        table["c"] = 1
        ordered.move_to_end("a")
        row.appendleft(0)
        some.add(3)
        obj.attribute.clear()
        obj.slot, obj.other = 3, 4  # type: ignore[attr-defined]
        array[0] = 9
        roots.pop("table")
        counts.made.append(1)  # type: ignore[attr-defined]
        counts.more = 1  # type: ignore[attr-defined]
        kept.restore()
        assert (inner, table, list(ordered), list(row), some) == (
            [1, 2],
            {"a": inner, "b": 1},
            ["a", "b"],
            [1, 2],
            {1, 2},
        )
        assert (obj.attribute, obj.slot, list(vars(obj))) == ([1], 2, ["attribute"])
        assert array.tolist() == [0, 1, 2]
        assert (counts.made, hasattr(counts, "more")) == ([0], False)  # type: ignore[attr-defined]
        assert next(iter(roots)) == "table"
        assert (rng.integers(1000), dice.random()) == drawn


def test_a_layer_is_unbuilt_again() -> None:
    layer = keras.layers.Dense(3)
    kept = Snapshot([layer])
    before = dict(vars(layer))
    layer(keras.KerasTensor((None, 4)))
    kept.restore()
    assert vars(layer) == before
    assert not layer.built
    assert layer.weights == []
    assert layer(keras.KerasTensor((None, 7))).shape == (None, 3)


@pytest.mark.parametrize("what", ["an iterator", "a large array"])
def test_what_is_out_of_sight_is_not_shared(what: str, worlds: list[int]) -> None:
    made = {"an iterator": "it = iter([10, 20, 30])", "a large array": "big = np.zeros((200, 100))"}[what]
    with pytest.raises(Opaque):
        Snapshot([iter([1]) if what == "an iterator" else np.zeros((200, 100))])
    own = "model = keras.Sequential([base, Dense(next(it), activation='softmax')])\n"
    if what == "a large array":
        own = "model = keras.Sequential([base, Dense(len(big) // 20, activation='softmax')])\n"
    assert json.loads(report(f"{IMPORTS}{BASE}{made}\n{own}{HEAD}"))["diagnostics"]


def test_the_users_objects_are_not_looked_into() -> None:
    theirs = [1]
    kept = Snapshot([{"a": theirs}], frozenset({id(theirs)}))
    theirs.append(2)
    kept.restore()
    assert theirs == [1, 2]
