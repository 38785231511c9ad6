"""Proofs that begin where the user's own run was: they say what whole ones say, and leave nothing behind."""

from __future__ import annotations

import linecache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import shape_magic
from shape_magic.repair.halfway import Halfway
from shape_magic.repair.prove import Prover
from shape_magic.repair.shadows import Shadows
from shape_magic.report import Report

ABOVE = """\
def block(x, filters):
    y = layers.Conv2D(filters, 3, padding="same")(x)
    return layers.ReLU()(y)


photo = keras.Input((8, 8, 3), name="photo")
x = block(photo, 4)
x = layers.MaxPooling2D()(x)
"""
END = """\
model = keras.Model(photo, outputs)
model.compile("sgd", "categorical_crossentropy")
model.fit(images, answers, verbose=0)
"""
HEAD = 'outputs = layers.Dense(5, activation="softmax")(x)\n'
#: Cells whose first proof goes on from the user's run.
HALFWAY = {
    "a head": ABOVE + "x = block(x, 6)\n" + HEAD + END,
    "numbers read off a tensor": ABOVE + "width = x.shape[-1]\nx = layers.Dense(width)(x)\n" + HEAD + END,
    "a function that is used on": ABOVE + HEAD.replace("(x)\n", "(block(x, 6))\n") + END,
    "a sum": ABOVE + "skip = x\nx = block(x, 6)\nx = layers.Add()([x, skip])\n" + HEAD + END,
    "tensors in a list": ABOVE + "ways = [block(x, 4), block(x, 4)]\nx = layers.Add()(ways)\n" + HEAD + END,
    "an operation": ABOVE + "x = x * 2.0\n" + HEAD + END,
    "a layer that was called twice": ABOVE + "turn = layers.Conv2D(4, 1)\nx = turn(turn(x))\n" + HEAD + END,
}
SERIES = """\
words = keras.Input((7, 3))
x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(words)
outputs = layers.Dense(5, activation="softmax")(x)
model = keras.Model(words, outputs)
for layer in model.layers:
    layer.trainable = False
model.compile("sgd", "categorical_crossentropy")
model.fit(np.zeros((6, 7, 3)), answers, verbose=0)
"""
HALFWAY["layers that are frozen"] = SERIES
OWN = """\
class Twice(layers.Layer):
    def call(self, x):
        return x * 2


"""
#: Cells that have to be run from the beginning.
WHOLE = {
    "a layer of the user's": OWN + ABOVE + "x = Twice()(x)\n" + HEAD + END,
    "a layer that is called again": ABOVE
    + "turn = layers.Conv2D(4, 1)\nx = turn(x)\n"
    + HEAD.replace("(x)\n", "(turn(x))\n")
    + END,
    "a model above": ABOVE + "base = keras.Model(photo, x)\nx = base(photo)\n" + HEAD + END,
    "a layer that a function looks up": ABOVE
    + "turn = layers.Conv2D(4, 1)\nhead = lambda y: turn(y)\nx = turn(x)\n"
    + HEAD.replace("(x)\n", "(head(x))\n")
    + END,
    "two statements on one line": ABOVE + "x = layers.ReLU()(x); " + HEAD + END,
    "a list that grows": ABOVE
    + "ways = [x]\nx = block(x, 4)\n"
    + HEAD.replace("(x)\n", "(layers.Add()([ways[0], x]))\n")
    + "ways.append(outputs)\n"
    + END,
    "a stack": 'model = keras.Sequential()\nmodel.add(keras.Input((8, 8, 3)))\nmodel.add(layers.Conv2D(4, 3))\nmodel.add(layers.Dense(5, activation="softmax"))\n'
    + END.partition("\n")[2],
}


def names() -> dict[str, Any]:
    """What the cells find."""
    data = {"images": np.zeros((6, 8, 8, 3)), "answers": np.eye(5)[[0, 1, 2, 3, 4, 0]]}
    return {"__name__": "__main__", "keras": keras, "layers": layers, "np": np, **data}


def checked(cell: str) -> Report:
    """The report on a cell, with Keras' counters at their beginning."""
    keras.utils.clear_session()
    return shape_magic.check_cell(cell, names(), dry_run=True)


def told(report: Report) -> list[object]:
    """All that is said of the repairs, and what they make of the model."""
    fixes = [fix for d in report.diagnostics for fix in d.fixes]
    return [
        (d.rule, d.title, d.message, [(f.title, f.note, f.verified, f.complete, f.source) for f in d.fixes])
        for d in report.diagnostics
    ] + [
        [
            (c.layer, c.class_name, c.summary, c.inputs, c.input_shapes, c.output_shapes, c.params)
            for c in f.effect.layers
        ]
        for f in fixes
        if f.effect is not None
    ]


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each run of a proof, whether it began halfway."""
    seen: list[bool] = []
    start = Halfway.start

    def noted(self: Halfway, *args: Any) -> Any:
        found = start(self, *args)
        seen.append(found is not None)
        return found

    monkeypatch.setattr(Halfway, "start", noted)
    return seen


@pytest.mark.parametrize("name", HALFWAY)
def test_half_a_proof_says_what_a_whole_one_says(name: str, began: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    halfway = checked(HALFWAY[name])
    assert began
    assert all(began)
    monkeypatch.setattr(Halfway, "start", lambda *_: None)
    whole = checked(HALFWAY[name])
    assert any(d.fixes for d in whole.diagnostics)
    assert told(halfway) == told(whole)


@pytest.mark.parametrize("name", WHOLE)
def test_what_a_run_could_change_is_made_again(name: str, began: list[bool]) -> None:
    report = checked(WHOLE[name])
    assert any(fix.verified for d in report.diagnostics for fix in d.fixes)
    assert not any(began)


def test_lines_that_move_are_told_where_they_are(began: list[bool]) -> None:
    cell = "from keras.layers import Conv2D, Dense\n" + HALFWAY["a function that is used on"].replace(
        "layers.Dense", "Dense"
    )
    report = checked(cell)
    assert began
    assert all(began)
    fix = next(f for d in report.diagnostics for f in d.fixes if "Flatten" in f.title)
    assert fix.source is not None
    assert fix.effect is not None
    lines = fix.source.splitlines()
    for call in fix.effect.layers:
        if call.span is not None and call.class_name != "InputLayer":
            assert call.class_name in lines[call.span.start_line - 1]


def state(made: list[Any]) -> object:
    """What layers hold, by identity, and what their tensors come from."""
    found = []
    flat = {
        id(inner): inner for layer in made if hasattr(layer, "_flatten_layers") for inner in layer._flatten_layers()
    }
    held = [*made, *flat.values(), *(v for inner in flat.values() for v in inner.variables)]
    for layer in held:
        for name, value in vars(layer).items():
            inner = (
                value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ()
            )
            found.append((layer.name, name, id(value), [id(one) for one in inner]))
        for node in getattr(layer, "_inbound_nodes", ()):
            found += [(layer.name, "history", id(t), t._keras_history) for t in node.outputs]
    return found


def test_the_users_layers_are_as_they_were(began: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    prove = Prover.prove

    def watched(self: Prover, *args: Any, **kwargs: Any) -> Any:
        made = [layer for layer, _ in self._session.made.items()]
        before = state(made)
        verdict = prove(self, *args, **kwargs)
        seen.append(bool(made) and state(made) == before)
        return verdict

    monkeypatch.setattr(Prover, "prove", watched)
    for cell in HALFWAY.values():
        checked(cell)
    assert len(seen) >= 2 * len(HALFWAY)
    assert all(seen)
    assert began
    assert all(began)


def test_a_shadow_may_be_changed() -> None:
    words = keras.Input((7, 3))
    both = layers.Bidirectional(layers.LSTM(4, return_sequences=True))
    end = layers.MultiHeadAttention(2, 4)
    x = both(words)
    x = end(x, x)
    before = state([both, end])
    shadows = Shadows([x])
    assert [theirs.name for theirs, _ in shadows.operations] == [
        words._keras_history.operation.name,
        both.name,
        end.name,
    ]
    for _, shadow in shadows.operations:
        shadow.trainable = False
        for inner in shadow._flatten_layers():
            inner.trainable = False
    shadow = shadows.operations[1][1]
    shadow(shadow(shadows.of(words)))
    shadow.forward_layer.go_backwards = True
    model = keras.Model(shadows.of(words), layers.Dense(2)(shadows.of(x)))
    assert [layer.name for layer in model.layers][1:3] == [both.name, end.name]
    assert model.output_shape == (None, 7, 2)
    assert state([both, end]) == before


def test_functions_are_those_of_the_runs_own_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[set[str]] = []
    start = Halfway.start

    def noted(self: Halfway, *args: Any) -> Any:
        begun = start(self, *args)
        found.append(set(begun.names) if begun is not None else set())
        return begun

    monkeypatch.setattr(Halfway, "start", noted)
    checked(HALFWAY["a function that is used on"])
    assert found
    assert all(given == {"photo", "x"} for given in found)  # and not ``block``, whose globals are the user's


def test_the_users_own_text_stays_where_tracebacks_find_it(began: list[bool]) -> None:
    before = dict(linecache.cache)
    checked(HALFWAY["a head"])
    assert any(began)
    new = {name: entry for name, entry in linecache.cache.items() if name not in before}
    assert [ABOVE in "".join(entry[2]) for entry in new.values() if len(entry) == 4] == [True]
