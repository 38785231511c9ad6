"""Models called on what they were not made for: in a stack and in a graph they are told alike, and repaired alike."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from keras import layers

from shape_magic.report import Diagnostic
from shape_magic.words import say
from tests.rules import documents


@dataclass(frozen=True)
class Meeting:
    """Two models that do not go together."""

    #: The layers of the model in front; empty: there is none.
    front: str
    #: The layers of the one behind, its input first.
    back: str
    #: What goes into the whole.
    start: str
    variant: str
    #: Of the fixes, in their order.
    titles: tuple[str, ...]

    def cell(self, form: str) -> str:
        """Both, one behind the other: in a list, by calls, or added to a stack that grows."""
        front = f'front = keras.Sequential([layers.Input({self.start}), {self.front}], name="front")\n'
        back = f'back = keras.Sequential([{self.back}], name="back")\n'
        given = f'inputs = keras.Input({self.start}, name="start")\n'
        if form == "graph":
            called = "back(front(inputs))" if self.front else "back(inputs)"
            return f"{front if self.front else ''}{back}{given}model = keras.Model(inputs, {called})\n"
        stacked = "front" if self.front else f'layers.Input({self.start}, name="start")'
        made = f"{front if self.front else ''}{back}"
        if form == "list":
            return f"{made}model = keras.Sequential([{stacked}, back])\n"
        compiled = 'back.compile("sgd", "mse")\nback.trainable = False\n'
        return f"{made}{compiled}model = keras.Sequential()\nmodel.add({stacked})\nmodel.add(back)\n"


_BETWEEN = "Insert {} between front and back"
_FIRST = "Insert {} between start and back"
MEETINGS = {
    "units": Meeting(
        "layers.Dense(8), layers.ReLU(), layers.Dropout(0.1)",
        "layers.Input((4,)), layers.Dense(20)",
        "(20,)",
        "width",
        ("Set units=4 on dense", _BETWEEN.format("Dense(4)"), "Make the input of back (8,)"),
    ),
    "filters": Meeting(
        "layers.Conv2D(8, 3), layers.MaxPooling2D()",
        "layers.Input((13, 13, 4)), layers.Flatten(), layers.Dense(2)",
        "(28, 28, 1)",
        "width",
        ("Set filters=4 on conv2d", _BETWEEN.format("Conv2D(4, 1)"), "Make the input of back (13, 13, 8)"),
    ),
    "columns": Meeting(
        "",
        "layers.Input((16,)), layers.Dense(8)",
        "(20,)",
        "width",
        ("Make the model's input (16,)", _FIRST.format("Dense(16)"), "Make the input of back (20,)"),
    ),
    "a map and a row": Meeting(
        "layers.Conv2D(4, 3)",
        "layers.Input((16,)), layers.Dense(2)",
        "(8, 8, 1)",
        "rank",
        (
            _BETWEEN.format("Flatten() and Dense(16)"),
            _BETWEEN.format("GlobalAveragePooling2D() and Dense(16)"),
        ),
    ),
    "a map and a row of its channels": Meeting(
        "layers.Conv2D(16, 3)",
        "layers.Input((16,)), layers.Dense(2)",
        "(8, 8, 1)",
        "rank",
        (_BETWEEN.format("GlobalAveragePooling2D()"), _BETWEEN.format("Flatten() and Dense(16)")),
    ),
    "a map and a row of its numbers": Meeting(
        "layers.Conv2D(4, 3)",
        "layers.Input((144,)), layers.Dense(2)",
        "(8, 8, 1)",
        "rank",
        (
            _BETWEEN.format("Flatten()"),
            _BETWEEN.format("GlobalAveragePooling2D() and Dense(144)"),
        ),
    ),
    "all steps": Meeting(
        "layers.LSTM(8, return_sequences=True)",
        "layers.Input((8,)), layers.Dense(2)",
        "(10, 4)",
        "rank",
        (
            "Let lstm give its last step only",
            _BETWEEN.format("GlobalAveragePooling1D()"),
            _BETWEEN.format("Flatten() and Dense(8)"),
        ),
    ),
    "all steps of another width": Meeting(
        "layers.LSTM(8, return_sequences=True)",
        "layers.Input((6,)), layers.Dense(2)",
        "(10, 4)",
        "rank",
        (
            "Let lstm give its last step only; Set units=6 on lstm",
            _BETWEEN.format("Flatten() and Dense(6)"),
            _BETWEEN.format("GlobalAveragePooling1D() and Dense(6)"),
        ),
    ),
    "one step": Meeting(
        "layers.LSTM(8)",
        "layers.Input((10, 8)), layers.LSTM(4, return_sequences=True)",
        "(10, 4)",
        "rank",
        (
            _BETWEEN.format("RepeatVector(10)"),
            "Let lstm give every step",
            _BETWEEN.format("Dense(80) and Reshape((10, 8))"),
        ),
    ),
    "a row and a map of its numbers": Meeting(
        "layers.Dense(392)",
        "layers.Input((7, 7, 8)), layers.Conv2DTranspose(1, 4, strides=4)",
        "(16,)",
        "rank",
        (_BETWEEN.format("Reshape((7, 7, 8))"),),
    ),
    "a row and a map": Meeting(
        "layers.Dense(16)",
        "layers.Input((7, 7, 8)), layers.Conv2DTranspose(1, 4, strides=4)",
        "(20,)",
        "rank",
        (
            _BETWEEN.format("Dense(392) and Reshape((7, 7, 8))"),
            "Set units=392 on dense; " + _BETWEEN.format("Reshape((7, 7, 8))"),
        ),
    ),
    "a channel axis": Meeting(
        "",
        "layers.Input((28, 28, 1)), layers.Conv2D(4, 3)",
        "(28, 28)",
        "rank",
        (_FIRST.format("Reshape((28, 28, 1))"), "Make the model's input (28, 28, 1)"),
    ),
    "a generator": Meeting(
        "layers.Dense(256), layers.Reshape((8, 8, 4)), layers.Conv2DTranspose(1, 4, strides=4, padding='same')",
        "layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(1)",
        "(16,)",
        "size",
        (
            "Start from (7, 7, 4) at reshape",
            _BETWEEN.format("Resizing(28, 28)"),
            "Make the input of back (32, 32, 1)",
        ),
    ),
    "a generator of colours": Meeting(
        "layers.Dense(256), layers.Reshape((8, 8, 4)), layers.Conv2DTranspose(3, 4, strides=4, padding='same')",
        "layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(1)",
        "(16,)",
        "size",
        (
            "Start from (7, 7, 4) at reshape; Set filters=1 on conv2d_transpose",
            _BETWEEN.format("Resizing(28, 28) and Conv2D(1, 1)"),
            "Make the input of back (32, 32, 3)",
        ),
    ),
    "units and shape": Meeting(
        "layers.Dense(392), layers.Reshape((7, 7, 8))",
        "layers.Input((14, 14, 4)), layers.Flatten(), layers.Dense(1)",
        "(16,)",
        "size",
        (
            "Start from (14, 14, 4) at reshape",
            _BETWEEN.format("UpSampling2D(2) and Conv2D(4, 1)"),
            _BETWEEN.format("Resizing(14, 14) and Conv2D(4, 1)"),
            "Make the input of back (7, 7, 8)",
        ),
    ),
    "twice as large": Meeting(
        "layers.Conv2D(8, 3, padding='same')",
        "layers.Input((32, 32, 8)), layers.GlobalAveragePooling2D()",
        "(64, 64, 3)",
        "size",
        (
            _BETWEEN.format("MaxPooling2D(2)"),
            _BETWEEN.format("Resizing(32, 32)"),
            "Make the input of back (64, 64, 8)",
        ),
    ),
    "half as long": Meeting(
        "layers.Conv1D(8, 3, strides=2, padding='same')",
        "layers.Input((20, 8)), layers.Conv1D(4, 3)",
        "(20, 4)",
        "size",
        (_BETWEEN.format("UpSampling1D(2)"), "Make the input of back (10, 8)"),
    ),
    "steps and features": Meeting(
        "layers.LSTM(8, return_sequences=True)",
        "layers.Input((8, 20)), layers.LSTM(4)",
        "(20, 4)",
        "size",
        (_BETWEEN.format("Permute((2, 1))"), "Make the input of back (20, 8)"),
    ),
    "grey pictures": Meeting(
        "",
        "layers.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()",
        "(28, 28, 1)",
        "size",
        (
            _FIRST.format("Resizing(32, 32) and Conv2D(3, 1)"),
            "Make the model's input (32, 32, 3)",
            "Make the input of back (28, 28, 1)",
        ),
    ),
    "words": Meeting(
        "",
        "layers.Input((10,), dtype='int32'), layers.Embedding(100, 4), layers.LSTM(4)",
        "(12,)",
        "width",
        ("Make the model's input (10,)", "Make the input of back (12,)"),
    ),
    "small pictures": Meeting(
        "",
        "layers.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()",
        "(16, 16, 3)",
        "size",
        (
            _FIRST.format("Resizing(32, 32)"),
            _FIRST.format("UpSampling2D(2)"),
            "Make the model's input (32, 32, 3)",
            "Make the input of back (16, 16, 3)",
        ),
    ),
}


def _told(cell: str) -> list[Diagnostic]:
    return list(documents.checked(cell).diagnostics)


@pytest.mark.parametrize("form", ["list", "added", "graph"])
@pytest.mark.parametrize("name", MEETINGS)
def test_the_meeting_is_told_and_repaired(name: str, form: str) -> None:
    meeting = MEETINGS[name]
    cell = meeting.cell(form)
    (found,) = _told(cell)
    assert (found.rule, found.severity) == ("nested-model-input", "error")
    assert found.title == say(f"rule.nested-model-input.{meeting.variant}.title")
    assert tuple(fix.title for fix in found.fixes) == meeting.titles
    assert all(fix.verified and fix.complete for fix in found.fixes)
    report = documents.checked(cell)
    assert found.model is not None
    assert found.call is not None
    assert report.models[found.model].calls[found.call].layer == "back"


_TWO = """\
a, b = keras.Input((4,)), keras.Input((6,))
inner = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])), name="inner")
x = keras.Input((10,))
model = keras.Model(x, inner([{}(x), {}(x)]))
"""


def test_of_two_inputs_the_one_that_differs_is_told() -> None:
    (found,) = _told(_TWO.format("layers.Dense(4)", "layers.Dense(5)"))
    assert (found.expected, found.actual) == ((None, 6), (None, 5))
    titles = [fix.title for fix in found.fixes]
    assert titles == [
        "Set units=6 on dense_2",
        "Insert Dense(6) between dense_2 and inner",
        "Make the input of inner (5,)",
    ]
    assert "inner([layers.Dense(4)(x), layers.Dense(6)(layers.Dense(5)(x))])" in (found.fixes[1].source or "")


def test_where_both_differ_one_fix_mends_both() -> None:
    (found,) = _told(_TWO.format("layers.Dense(3)", "layers.Dense(5)"))
    assert found.fixes[0].title == "Set units=4 on dense_1; Set units=6 on dense_2"


def test_a_model_that_is_called_twice_is_told_at_the_call_that_it_refuses() -> None:
    (found,) = _told(
        "tower = keras.Sequential([layers.Input((16,)), layers.Dense(8)])\n"
        "a, b = keras.Input((16,)), keras.Input((20,))\n"
        "left = tower(a)\n"
        "right = tower(b)\n"
        "model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([left, right])))\n"
    )
    assert (found.rule, found.span and found.span.start_line) == ("nested-model-input", 4)
    assert [fix.title.split(" between")[0] for fix in found.fixes] == [
        "Make the model's input (16,)",
        "Insert Dense(16)",
    ]  # with another input of its own it would refuse the other one


def test_a_model_in_a_model_in_a_model_is_told_by_the_innermost_that_refuses() -> None:
    (found,) = _told(
        'inner = keras.Sequential([layers.Input((4,)), layers.Dense(3)], name="inner")\n'
        "a = keras.Input((6,))\n"
        "middle = keras.Model(a, inner(layers.Dense(5)(a)))\n"
        "x = keras.Input((6,))\n"
        "model = keras.Model(x, middle(x))\n"
    )
    assert (found.rule, found.span and found.span.start_line) == ("nested-model-input", 3)
    assert found.fixes[0].title == "Set units=4 on dense_1"


def test_layers_within_the_model_in_front_are_set_and_the_model_is_named() -> None:
    (found,) = _told(
        'first = keras.Sequential([layers.Input((6,)), layers.Dense(5, name="five")], name="first")\n'
        'front = keras.Sequential([first, layers.ReLU()], name="front")\n'
        'back = keras.Sequential([layers.Input((4,)), layers.Dense(3)], name="back")\n'
        "x = keras.Input((6,))\n"
        "y = back(front(x))\n"
    )
    titles = [fix.title for fix in found.fixes]
    assert titles[:2] == ["Set units=4 on five", "Insert Dense(4) between front and back"]


def test_a_base_of_keras_gets_pictures_of_its_size_or_is_made_for_theirs() -> None:
    (found,) = _told(
        "base = keras.applications.MobileNetV2(input_shape=(64, 64, 3), weights=None, include_top=False, alpha=0.35)\n"
        'inputs = keras.Input((48, 48, 3), name="photos")\n'
        "model = keras.Model(inputs, layers.GlobalAveragePooling2D()(base(inputs)))\n"
    )
    titles = [fix.title.split(" between")[0] for fix in found.fixes]
    assert titles[:2] == ["Insert Resizing(64, 64)", "Make the model's input (64, 64, 3)"]
    assert "input_shape=(48, 48, 3)" in (found.fixes[2].source or "")


def test_of_the_model_on_the_way_nothing_is_told_beside() -> None:
    cell = MEETINGS["steps and features"].cell("graph").replace("LSTM(8, return_sequences=True)", "Dense(8)")
    assert [found.rule for found in _told(cell)] == ["nested-model-input"]


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (
            "layers.LSTM(4)(keras.Sequential([layers.Input((4,)), layers.Dense(2)])(keras.Input((4,))))",
            "layer-input-rank",
        ),
        ("keras.Sequential([layers.Dense(8), layers.Conv2D(4, 3)])(keras.Input((20,)))", "layer-input-rank"),
        ("keras.Model(keras.Input((4,)), layers.Dense(2)(keras.Input((3,))))", "layer-refuses-input"),
        ("keras.Sequential([keras.Input((4,)), keras.Input((3,))])(keras.Input((3,)))", "layer-refuses-input"),
        ("M()(keras.Input((20,)))", "layer-refuses-input"),
        ("tower(np.zeros((3, 20)))", "model-refuses-data"),
        ("tower.predict(keras.Input((20,)))", "model-refuses-data"),
        ("tower.compile('sgd', 'mse')\ntower.fit(keras.Input((20,)), np.zeros((3, 8)))", "model-refuses-data"),
        ("tower.evaluate(keras.Input((20,)))", "model-refuses-data"),
        ("tower.add(keras.Input((3,)))", "layer-refuses-input"),
        ("tower.add(layers.Dense(2)(keras.Input((3,))))", "no-layer-in-stack"),
    ],
)
def test_what_is_no_refused_call_of_a_model_is_told_as_before(cell: str, rule: str) -> None:
    before = (
        "class M(keras.Model):\n"
        "    def call(self, x):\n"
        "        return keras.ops.reshape(x, (-1, 3, 3))\n"
        "tower = keras.Sequential([layers.Input((16,)), layers.Dense(8)])\n"
    )
    assert rule in [found.rule for found in _told(before + cell)]
    assert "nested-model-input" not in [found.rule for found in _told(before + cell)]


@pytest.mark.parametrize(
    "cell",
    [
        "back = keras.Sequential([layers.Input((8,)), layers.Dense(20)])\ny = back(layers.Dense(8)(x))",
        "back = keras.Sequential([layers.Dense(20)])\ny = back(layers.Dense(8)(x))",
        "back = keras.Sequential([layers.Input((None, 4)), layers.LSTM(3)])\ny = back(layers.Reshape((5, 4))(x))",
        "back = keras.Sequential([layers.Input((20,)), layers.Dense(20)])\ny = back(back(x))",
        "steps = keras.Input((20, 1))\nback = keras.Model(x, layers.Dense(2)(x))\n"
        "y = layers.TimeDistributed(keras.Sequential([layers.Input((1,)), layers.Dense(3)]))(steps)\nx = steps",
    ],
)
def test_what_fits_is_left_alone(cell: str) -> None:
    assert _told(f"x = keras.Input((20,))\n{cell}\nmodel = keras.Model(x, y)\n") == []


@pytest.mark.skipif(not hasattr(layers, "AdaptiveAveragePooling3D"), reason="this Keras has no adaptive pooling")
@pytest.mark.parametrize("name", ["model", "net"])
def test_what_a_graph_becomes_is_found_by_its_calls(name: str) -> None:
    """A repair that leads to a layer that stops as it runs is none, also where other layers are in no model."""
    (found, *_) = _told(
        "back = keras.Sequential(\n"
        "    [layers.Input((4,)), layers.Reshape((2, 2, 1, 1)), layers.AdaptiveAveragePooling3D(1)], name='back'\n)\n"
        "inputs = keras.Input((2, 5, 1))\nrow = layers.GlobalAveragePooling2D()(inputs)\naside = layers.ReLU()(row)\n"
        f"end = back(row)\n{name} = keras.Model(inputs, end)\n"
        f'{name}.compile("sgd", "mse")\n{name}.fit(np.zeros((4, 2, 5, 1)), np.zeros((4, 1)), verbose=0)\n'
    )
    assert (found.rule, found.fixes) == ("nested-model-input", ())
