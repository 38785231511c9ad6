"""The playground from Python: what it says is what a check says, and nothing of the user's is touched."""

from __future__ import annotations

import json
import random
import re
import resource
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets
import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers

from shape_magic import check
from shape_magic.errors import UsageError
from shape_magic.teach import Playground
from shape_magic.teach.controls import parsed, text_of
from shape_magic.teach.cost_picture import bytes_text, cost_picture, costs
from shape_magic.teach.stage import Part, Stage
from shape_magic.teach.tracing import Tracer
from shape_magic.teach.window_picture import window_picture
from tests.rules import documents, keras_here

SEED = """\
import keras
from keras import layers

model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"),
    layers.MaxPooling2D(),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
"""


def seed() -> Any:
    """The model of ``SEED``, with the names that Keras gives in a fresh session."""
    keras.utils.clear_session(free_memory=False)
    names: dict[str, Any] = {}
    exec(SEED, names)
    return names["model"]


def played(**kwargs: Any) -> Playground:
    return Playground(SEED, namespace={}, **kwargs)


# -- what it takes


def test_a_model_and_its_cell_are_the_same_to_it() -> None:
    by_model, by_cell = Playground(seed()), played()
    assert (
        by_model.layers
        == by_cell.layers
        == ("conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1", "flatten", "dense")
    )
    calls = [replace(call, positional={}, exact=False) for call in by_cell.report.models[0].calls]
    assert list(by_model.report.models[0].calls) == calls
    assert by_cell.source == SEED


def test_shapes_and_parameters_are_those_of_a_check() -> None:
    model = seed()
    wanted, found = check(model).models[0], Playground(model).report.models[0]
    assert (found.params, found.bytes, found.outputs, found.kind) == (
        wanted.params,
        wanted.bytes,
        wanted.outputs,
        wanted.kind,
    )
    for mine, its in zip(found.calls, wanted.calls, strict=True):
        same = (
            "layer",
            "class_name",
            "inputs",
            "input_shapes",
            "output_shapes",
            "input_axes",
            "output_axes",
            "params",
            "bases",
        )
        assert [getattr(mine, key) for key in same] == [getattr(its, key) for key in same]
        assert mine.summary == its.summary


def test_a_stack_without_an_input_takes_that_of_its_data() -> None:
    cell = "model = keras.Sequential([layers.Dense(4), layers.Dense(2)])\nmodel.compile(loss='mse')\nmodel.fit(np.zeros((8, 5)), np.zeros((8, 2)))"
    play = Playground(cell, namespace={"keras": keras, "layers": layers, "np": np})
    assert play.report.models[0].inputs[0].shape == (None, 5)
    assert play.report.models[0].contract is not None
    with pytest.raises(UsageError, match=r"doesn't say its input's shape: begin it with `keras\.Input"):
        Playground(keras.Sequential([layers.Dense(4)]))


def test_a_stack_that_breaks_can_be_mended() -> None:
    play = Playground(SEED.replace("(28, 28, 1)", "(8, 8, 1)"), namespace={})
    assert play.report.diagnostics[0].rule == "window-larger-than-input"
    assert len(play.layers) == 6
    play.set("input", "height", 28)
    play.set("input", "width", 28)
    assert play.report.ok
    assert play.source == SEED


def test_the_cell_runs_in_a_copy() -> None:
    names: dict[str, Any] = {"keras": keras, "layers": layers, "log": [], "x": np.zeros((8, 4)), "y": np.zeros((8, 2))}
    before = set(names)
    cell = "log.append(1)\nhead = layers.Dense(2)\nm = keras.Sequential([keras.Input((4,)), head])\nm.compile(loss='mse')\nm.fit(x, y)"
    play = Playground(cell, namespace=names)
    assert set(names) == before
    assert names["log"] == []
    contract = play.report.models[0].contract
    assert contract is not None
    assert (contract.y[0].name, contract.losses[0].name) == ("y", "mse") or contract.losses[
        0
    ].name == "mean_squared_error"


def test_the_cell_s_own_errors_are_raised() -> None:
    with pytest.raises(NameError, match="nowhere"):
        Playground("nowhere", namespace={})
    with pytest.raises(SyntaxError):
        Playground("model = (", namespace={})


class Own(keras.Model):
    """A model with a ``call`` of its own."""

    def call(self, x: Any) -> Any:
        return x


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (Own, "`Own` has a `call` of its own"),
    (lambda: "a = 1", "makes no Sequential or Functional model"),
    (lambda: 3, "int is neither a Keras model nor the source of a cell"),
    (lambda: keras.Sequential([keras.Input((3,)), layers.Lambda(lambda x: x, name="double")]), "`double` can't be copied"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_can_t_be_played_with(make: Callable[[], Any], message: str) -> None:
    if "double" in message:
        keras_here.need("lambdas")
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        Playground(make(), namespace={})
    assert len(re.findall(r"[.?!](?=\s|$)", str(caught.value))) == 1


# -- labels


def test_labels_and_loss_are_checked() -> None:
    play = played(y=(None, 10), loss="categorical_crossentropy")
    assert play.report.ok
    play.set("dense", "units", 7)
    (found,) = play.report.diagnostics
    assert (found.rule, found.severity) == ("output-against-labels", "error")
    play.undo()
    play.remove("flatten")
    assert play.report.diagnostics[0].rule == "dense-on-feature-map"


def test_a_compiled_model_brings_its_loss() -> None:
    model = seed()
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    play = Playground(model, y=np.zeros((60, 10), "int32"))
    assert play.report.diagnostics[0].rule == "output-against-labels"
    assert Playground(model, y=np.zeros(60, "int32")).report.ok


MODEL_RULES = ["window-larger-than-input", "layer-input-rank", "dense-on-feature-map", "reshape-size-mismatch", "merge-of-different-shapes", "channels-on-another-axis", "axis-missing-in-silence", "merge-by-broadcasting", "pooled-twice", "strides-by-position", "output-against-labels", "one-unit-as-classes", "steps-lost-before-labels", "flatten-open-axes"]  # fmt: skip
#: What only the text of the cell tells: that a layer stands in a loop, or what a base model was made with.
OF_THE_TEXT = {
    "layer-input-rank/broken/a-head-inside-the-loop",
    "pooled-twice/broken/a-base-that-still-has-its-classifier",
}
BROKEN = [
    cell for name in MODEL_RULES for cell in documents.read(name).here(documents.BROKEN) if cell.id not in OF_THE_TEXT
]


def plain(text: str) -> str:
    """A message without the lines of a cell, and without the numbers that count a session's layers."""
    return re.sub(r"(?<=[a-z0-9])_\d+(?=`)", "", re.sub(r" \(line \d+\)|, line \d+", "", text))


@pytest.mark.parametrize("cell", BROKEN, ids=[cell.id for cell in BROKEN])
def test_it_says_what_the_magic_says(cell: documents.Cell) -> None:
    play = Playground(cell.source, namespace=documents.namespace())
    wanted, found = documents.checked(cell.source), play.report
    (first, mine) = wanted.diagnostics[0], found.diagnostics[0]
    assert (mine.rule, mine.severity, plain(mine.title), plain(mine.message)) == (
        first.rule,
        first.severity,
        plain(first.title),
        plain(first.message),
    )
    assert mine.call == first.call


# -- what can be done


def test_set_takes_one_number_for_all_axes() -> None:
    play = played()
    play.set("conv2d", "kernel_size", 5)
    assert play.report.models[0].calls[0].output_shape == (None, 24, 24, 32)
    play.set("conv2d", "kernel_size", (3, 5))
    assert play.report.models[0].calls[0].output_shape == (None, 26, 24, 32)
    assert 'layers.Conv2D(32, (3, 5), activation="relu")' in play.source


def test_a_pooling_s_strides_follow_its_size() -> None:
    play = played()
    play.set("max_pooling2d", "pool_size", 3)
    assert play.report.models[0].calls[1].output_shape == (None, 8, 8, 32)
    assert "layers.MaxPooling2D(3)," in play.source
    play.set("max_pooling2d", "strides", 2)
    play.set("max_pooling2d", "pool_size", 4)
    assert play.report.models[0].calls[1].output_shape == (None, 12, 12, 32)


def test_what_keras_refuses_changes_nothing() -> None:
    play = played()
    before = play.report
    for argument, value in (("kernel_size", 0), ("padding", "some"), ("filters", -1), ("units", 3)):
        with pytest.raises(UsageError) as caught:
            play.set("conv2d", argument, value)
        assert "config=" not in str(caught.value)
    for doing in (
        lambda: play.insert("Nothing"),
        lambda: play.insert("Dropout", rate=7),
        lambda: play.remove("input"),
        lambda: play.move("dense"),
    ):
        with pytest.raises(UsageError):
            doing()
    assert play.report is before
    assert not play.undo()


def test_insert_remove_move_undo_redo_reset() -> None:
    play = played()
    name = play.insert("GlobalAveragePooling2D", after="max_pooling2d_1")
    assert (name, play.selected) == ("global_average_pooling2d", "global_average_pooling2d")
    assert [d.rule for d in play.report.diagnostics] == []
    play.remove("flatten")
    assert play.report.models[0].outputs == ((None, 10),)
    play.move(name, -1)
    assert play.report.diagnostics[0].rule == "layer-input-rank"
    seen = [play.undo(), play.report.ok, play.redo(), play.report.ok]
    assert seen == [True, True, True, False]
    play.reset()
    assert play.source == SEED
    assert play.undo()
    assert play.selected in play.layers


def test_insert_goes_behind_the_selected_layer() -> None:
    play = played()
    play.select("conv2d_1")
    assert play.insert("Conv2D", filters=8) == "conv2d_2"
    assert play.layers[2:4] == ("conv2d_1", "conv2d_2")
    assert play.report.models[0].calls[3].output_shape == (None, 9, 9, 8)
    play.select("input")
    play.insert("ZeroPadding2D")
    assert play.layers[0] == "zero_padding2d"


def test_a_layer_called_twice_is_one_layer() -> None:
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    shared = layers.Dense(4, name="shared")
    model = keras.Model([a, b], layers.Add(name="sum")([shared(a), shared(b)]))
    play = Playground(model, namespace={"model": model})
    assert play.report.models[0].params == model.count_params() == 36
    play.set("shared", "units", 2)
    assert [c.output_shape for c in play.report.models[0].calls] == [(None, 2)] * 3
    play.set("b", "shape", (9,))
    assert not play.report.ok
    assert play.report.models[0].calls[1].failure is not None


def test_a_model_within_can_be_turned() -> None:
    inner = keras.Sequential(
        [keras.Input((8,)), layers.Dense(5, name="within"), layers.Dropout(0.5, name="drop")], name="inner"
    )
    play = Playground(keras.Sequential([keras.Input((8,)), inner, layers.Dense(2, name="head")]))
    assert list(play.layers) == ["inner", "within", "drop", "head"]
    play.set("within", "units", 7)
    assert play.report.models[0].calls[-1].input_shape == (None, 7)
    assert play.report.models[0].calls[0].path == ("inner", "within")
    play.remove("drop")
    assert list(play.layers) == ["inner", "within", "head"]
    play.set("input", "shape", (9,))
    assert [d.rule for d in play.report.diagnostics] == ["nested-model-input"]


# -- copy as code


def branches() -> Any:
    """Branches, a sum, an index, a shared layer, a wrapper, several outputs."""
    start = keras.Input((16, 16, 3), name="picture")
    a = layers.Conv2D(
        8, (3, 5), padding="same", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.L2(0.1)
    )(start)
    b = layers.Conv2D(8, 1)(start)
    both = layers.add([a, b]) * 2.0 + a
    shared = layers.Dense(4, activation="relu", name="shared")
    left, right = shared(layers.GlobalAveragePooling2D()(both)), shared(layers.GlobalMaxPooling2D()(b))
    steps = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(layers.Reshape((-1, 8))(both))
    told = layers.MultiHeadAttention(2, 4)(steps, steps)
    states = layers.LSTM(5, return_state=True)(told)
    ends = layers.Concatenate()([left, right, states[1], told[:, -1], keras.ops.mean(steps, axis=1)])
    return keras.Model(start, [layers.Dense(3, name="head")(ends), states[0]])


def nested() -> Any:
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(5)], name="inner")
    start = keras.Input((8,))
    graph = keras.Model(start, layers.add([inner(start), layers.Dense(5)(start)]), name="graph")
    return keras.Sequential(
        [
            keras.Input((8,), dtype="float16"),
            graph,
            layers.Dense(2, use_bias=False),
        ]
    )


def words() -> Any:
    return keras.Sequential([
        keras.Input((None,), dtype="int32"), layers.Embedding(100, 8, mask_zero=True), layers.GRU(6, return_sequences=True),
        layers.TimeDistributed(layers.Dense(4, activation="tanh")), layers.GlobalAveragePooling1D(), layers.Dropout(0.3), layers.Dense(1, "sigmoid"),
    ])  # fmt: skip


def two_inputs() -> Any:
    a, b = keras.Input((8,), name="first"), keras.Input((4,), name="second", batch_size=2)
    return keras.Model([a, b], layers.Concatenate(axis=1)([layers.Dense(3)(a), b[:, 1:3]]))


@pytest.mark.parametrize("make", [seed, branches, nested, words, two_inputs])
def test_the_code_makes_the_model(make: Callable[[], Any]) -> None:
    model = make()
    play = Playground(model, namespace={"model": model})
    names: dict[str, Any] = {}
    exec(play.source, names)
    made = names["model"]
    assert made.count_params() == model.count_params() == play.report.models[0].params
    assert [tuple(t.shape) for t in made.outputs] == [tuple(t.shape) for t in model.outputs]
    assert [tuple(t.shape) for t in made.outputs] == list(play.report.models[0].outputs)
    assert type(made) is type(model)
    weights = [w.shape for w in model.weights]
    made.set_weights(model.get_weights())
    assert sorted(map(str, weights)) == sorted(str(w.shape) for w in made.weights)
    sizes = [[d or 2 for d in t.shape] for t in model.inputs]
    given = [
        np.random.default_rng(0).random(size).astype("float32") * (50 if "int" in str(t.dtype) else 1)
        for size, t in zip(sizes, model.inputs, strict=True)
    ]
    x: Any = given[0] if len(given) == 1 else given
    for mine, its in zip(keras.tree.flatten(made(x)), keras.tree.flatten(model(x)), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5)


def test_code_after_edits_runs() -> None:
    play = played()
    play.set("conv2d", "strides", 2)
    play.insert("BatchNormalization", after="conv2d")
    play.remove("max_pooling2d_1")
    play.insert("LSTM", after="input") and play.undo()
    names: dict[str, Any] = {}
    exec(play.source, names)
    assert names["model"].output_shape == play.report.models[0].outputs[0]
    assert names["model"].count_params() == play.report.models[0].params


# -- arithmetic and text


def test_arithmetic_of_the_selected_layer() -> None:
    play = played()
    assert play.selected == "conv2d"
    assert play.arithmetic[0] == "height, width: ⌊(28 − 3) / 1⌋ + 1 = 26"
    play.set("conv2d", "padding", "same")
    assert play.arithmetic[0] == "height, width: ⌈28 / 1⌉ = 28"
    play.select("dense")
    assert list(play.arithmetic) == ["features: units = 10", "parameters: 2,304 × 10 + 10 = 23,050"]
    play.select("input")
    assert list(play.arithmetic) == []
    assert play.call is None


def test_arithmetic_where_it_breaks() -> None:
    play = played()
    play.set("conv2d_1", "kernel_size", 14)
    play.select("conv2d_1")
    assert play.arithmetic[0] == "height, width: ⌊(13 − 14) / 1⌋ + 1 = 0 · no place left: a window of 14 in 13"


def test_the_text_is_ladder_and_arithmetic() -> None:
    text = repr(played())
    assert text.startswith("✓ model: (None, 28, 28, 1) → (None, 10)")
    assert "MaxPooling2D max_pooling2d" in text
    assert text.endswith(
        "Selected: conv2d\n  height, width: ⌊(28 − 3) / 1⌋ + 1 = 26\n  channels: filters = 32\n  parameters: (3 × 3 × 1 + 1) × 32 = 320"
    )


# -- controls


def test_controls_change_the_model() -> None:
    play = played()
    assert list(play.controls) == ["filters", "kernel_size", "strides", "padding", "dilation_rate"]
    play.controls["filters"].value = 64
    assert play.report.models[0].calls[0].output_shape == (None, 26, 26, 64)
    play.controls["padding"].value = "same"
    assert play.report.models[0].calls[0].output_shape == (None, 28, 28, 64)
    assert 'layers.Conv2D(64, 3, activation="relu", padding="same")' in play.source.replace(
        'padding="same", activation="relu"', 'activation="relu", padding="same"'
    )


def test_a_drag_is_one_step_back() -> None:
    play = played()
    slider = play.controls["kernel_size"]
    for value in (4, 5, 6):
        slider.value = value
    assert play.controls["kernel_size"] is slider
    play.undo()
    assert play.source == SEED
    assert slider.value == play.controls["kernel_size"].value == 3


def test_a_range_stays_while_it_is_dragged_through() -> None:
    play = played()
    slider = play.controls["kernel_size"]
    longest = slider.max
    slider.value = longest
    assert (slider.value, slider.max) == (longest, longest)


def test_controls_stay_the_same_objects_while_they_fit() -> None:
    play = played()
    before = play.controls
    play.set("conv2d", "filters", 300)
    after = play.controls
    assert all(before[key] is after[key] for key in before)
    assert (after["filters"].value, after["filters"].max >= 300) == (300, True)


def test_an_axis_by_itself() -> None:
    play = played()
    play.by_axis(True)
    play.controls["kernel_size"].value = "3, 5"
    assert play.report.models[0].calls[0].output_shape == (None, 26, 24, 32)
    play.by_axis(False)
    assert play.controls["kernel_size"].value == "3, 5"
    play.set("conv2d", "kernel_size", 3)
    assert play.controls["kernel_size"].value == 3


def test_what_was_mistyped_is_said() -> None:
    play = played()
    play.by_axis(True)
    before = play.report
    for text, said in (
        ("three", "takes whole numbers"),
        ("3, 5, 7", "takes one number, or 2"),
        ("0, 3", "can't be made so"),
        ("__import__('os')", "takes whole numbers"),
    ):
        play.controls["kernel_size"].value = text
        assert said in play.status
        assert play.report is before
    play.controls["kernel_size"].value = "5"
    assert play.status == ""
    assert play.report.models[0].calls[0].output_shape == (None, 24, 24, 32)


def test_a_failure_is_said_and_raised_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    play = played()

    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    slider = play.controls["filters"]
    monkeypatch.setattr(play._tracer, "model", broken)
    with pytest.raises(RuntimeError, match="inside"):
        slider.value = 40
    monkeypatch.setenv("SHAPE_MAGIC_STRICT", "0")
    slider.value = 41
    assert play.status == "That didn't work, and the model is as it was: RuntimeError: inside"
    monkeypatch.undo()
    assert play.source == SEED
    play.set("conv2d", "filters", 5)
    assert play.report.models[0].calls[0].output_shape == (None, 26, 26, 5)


CONTROLS: list[tuple[Callable[[], Any], tuple[int | None, ...], set[str]]] = [
    (lambda: layers.Dense(4), (8,), {"units"}),
    (lambda: layers.LSTM(4), (5, 8), {"units", "return_sequences"}),
    (lambda: layers.Bidirectional(layers.GRU(4)), (5, 8), {"units", "return_sequences", "merge_mode"}),
    (lambda: layers.ZeroPadding2D(1), (8, 8, 3), {"padding"}),
    (lambda: layers.Cropping1D(1), (8, 3), {"cropping"}),
    (lambda: layers.UpSampling2D(2), (8, 8, 3), {"size"}),
    (lambda: layers.Reshape((4, 2)), (8,), {"target_shape"}),
    (lambda: layers.RepeatVector(2), (8,), {"n"}),
    (lambda: layers.Embedding(9, 4), (8,), {"input_dim", "output_dim"}),
    (layers.GlobalAveragePooling2D, (8, 8, 3), {"keepdims"}),
    (lambda: layers.Dropout(0.5), (8,), set()),
    (lambda: layers.Conv1D(4, 3, padding="causal"), (8, 3), {"filters", "kernel_size", "strides", "padding", "dilation_rate"}),
]  # fmt: skip


@pytest.mark.parametrize(("make", "shape", "wanted"), CONTROLS)
def test_controls_are_made_from_the_layer(
    make: Callable[[], Any], shape: tuple[int | None, ...], wanted: set[str]
) -> None:
    play = Playground(keras.Sequential([keras.Input(shape), make()]))
    assert set(play.controls) == wanted
    for control in play.controls.values():
        assert control.description in wanted
    play.select("input")
    assert "shape" in play.controls


def test_the_input_has_a_control_for_each_axis() -> None:
    play = played()
    play.select("input")
    assert list(play.controls) == ["height", "width", "channels", "shape"]
    play.controls["height"].value = 20
    assert play.report.models[0].inputs[0].shape == (None, 20, 28, 1)
    assert play.controls["shape"].value == "20, 28, 1"
    play.controls["shape"].value = "28, 28"
    assert play.report.diagnostics[0].rule == "layer-input-rank"


def test_text_forms() -> None:
    assert text_of([[1, 2], [3, 4]]) == "(1, 2), (3, 4)"
    assert parsed("(1, 2), (3, 4)", [[0, 0], [0, 0]], "padding") == [[1, 2], [3, 4]]
    assert parsed("2", [[0, 0], [0, 0]], "padding") == [[2, 2], [2, 2]]
    assert parsed("1, 2", [[0, 0], [0, 0]], "padding") == [[1, 1], [2, 2]]
    assert parsed("3x5", [1, 1], "kernel_size") == [3, 5]
    assert parsed("None, 4", [8], "shape") == [None, 4]


# -- pictures


def test_pictures_leave_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    play = played()
    assert play.call is not None
    assert window_picture(play.call) is not None
    assert cost_picture(play.report.models[0], "conv2d") is not None
    assert dict(mpl.rcParams) == before
    import sys

    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_pictures_have_the_theme_s_colours_and_words() -> None:
    play = played()
    assert play.call is not None
    picture = window_picture(play.call)
    assert picture is not None
    assert picture.alt == (
        "height, width: 28 positions, a window of 3; place 1 reads positions 1 to 3; "
        "place 2 reads positions 2 to 4; place 26 reads positions 26 to 28."
    )
    assert "var(--ask)" in picture.svg
    assert not re.search("#01020[0-7]", picture.svg)
    play.select("max_pooling2d_1")
    left = window_picture(play.call)
    assert left is not None
    assert left.alt.endswith("At the end, 1 is read by no window.")
    play.select("flatten")
    assert window_picture(play.call) is None


def test_costs_add_up() -> None:
    play = played()
    model = play.report.models[0]
    every = costs(model)
    assert sum(c.params for c in every) == model.params
    assert sum(c.weights for c in every) == model.bytes
    assert every[0].outputs == 26 * 26 * 32 * 4
    picture = cost_picture(model, "conv2d")
    assert picture is not None
    assert "dense: 16,010 parameters, weights 64 kB, outputs 40 B" in picture.alt
    assert [bytes_text(n) for n in (0, 999, 1000, 64_040, 5_000_000_000)] == ["0 B", "999 B", "1 kB", "64 kB", "5.0 GB"]


def test_a_layer_s_name_is_never_markup() -> None:
    evil = "--><script>alert(1)</script>"
    play = Playground(keras.Sequential([keras.Input((4,)), layers.Dense(2, name=evil.replace("/", "|"))]))
    picture = cost_picture(play.report.models[0], "")
    assert picture is not None
    assert "<script" not in picture.svg
    stage = Stage(play)
    stage.show()
    assert "<script" not in stage.heading.value


# -- the widget


def test_a_turn_sends_two_messages_and_draws_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    play = played(y=(None, 10), loss="categorical_crossentropy")
    play._stage = Stage(play)
    play._show()
    slider = play.controls["filters"]
    sent: list[tuple[str, list[str]]] = []

    def send(self: Any, message: dict[str, Any], buffers: object = None) -> None:
        sent.append((type(self).__name__, sorted(message["state"])))

    def drawn(*_: object) -> None:
        raise AssertionError("a picture was drawn on the way")

    monkeypatch.setattr(ipywidgets.Widget, "_send", send)
    monkeypatch.setattr("shape_magic.teach.stage.window_picture", drawn)
    monkeypatch.setattr("shape_magic.teach.stage.cost_picture", drawn)
    for value in (40, 41, 40):  # new values, and one that was seen before
        sent.clear()
        slider.value = value
        assert sorted(sent) == [("IntSlider", ["value"]), ("Part", ["ladder", "state"]), ("Part", ["state"])]


def test_a_value_that_was_seen_needs_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    play = played(y=(None, 10), loss="categorical_crossentropy")
    play.set("conv2d", "filters", 40)
    play.set("conv2d", "filters", 41)
    monkeypatch.setattr("shape_magic.teach.tracing.apart", None)
    monkeypatch.setattr("shape_magic.teach.tracing.forge.apart", None)
    play.set("conv2d", "filters", 40)
    assert play.report.models[0].calls[0].output_shape == (None, 26, 26, 40)


def test_what_the_front_end_asks_for() -> None:
    play = played()
    stage = Stage(play)
    play._stage = stage
    stage.show()

    def act(**message: object) -> dict[str, Any]:
        answer: dict[str, Any] = stage.ladder.act(message, [])[0]
        return answer

    act(do="select", name="conv2d_1")
    assert play.selected == stage.ladder.state["selected"] == "conv2d_1"
    act(do="insert", name="Flatten")
    assert "flatten_1" in play.layers
    assert stage.ladder.state["can"]["undo"]
    act(do="undo")
    act(do="remove")
    assert "conv2d_1" not in play.layers
    act(do="reset")
    assert act(do="source") == {"source": SEED}
    act(do="down")
    assert set(act(do="pictures", names=["window", "costs"])) == {"window", "costs"}
    assert act(do="pictures", names="x") == {}
    assert act(do="__init__", name="x") == act() == {}
    act(do="select", name="nothing")
    assert "no layer `nothing`" in stage.ladder.state["status"]
    json.dumps(stage.ladder.state), json.dumps(stage.sums.state)


def test_rows_name_their_layers_and_changes_are_marked() -> None:
    play = played(y=(None, 10), loss="categorical_crossentropy")
    play._stage = stage = Stage(play)
    stage.show()
    assert stage.ladder.ladder["names"] == ["input_layer", *play.layers, "", ""]
    play.set("conv2d_1", "filters", 8)
    assert stage.ladder.ladder["changed"] == [3, 4, 5]
    sent = stage.ladder.ladder
    play.select("dense")
    assert stage.ladder.ladder is sent, "turning to another layer sends no ladder"


def test_the_bundle_has_widget_and_text() -> None:
    play = played()
    data, _ = Stage(play).bundle(repr(play))
    assert {"application/vnd.jupyter.widget-view+json", "text/plain"} <= set(data)
    assert data["text/plain"].startswith("✓ model")


def test_the_script_is_small() -> None:
    own = Path(Part.__module__ and __file__).parents[2] / "shape_magic" / "teach" / "playground.js"
    assert len(own.read_bytes()) < 30_000


# -- nothing of the user's is touched


def test_the_user_s_world_is_as_it_was() -> None:
    model = seed()
    model.compile(loss="categorical_crossentropy")
    weights = [w.numpy().copy() for w in model.weights]
    config, names = json.dumps(model.get_config()), [layer.name for layer in model.layers]
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    states = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    play = Playground(model, y=(None, 10))
    play.set("conv2d", "filters", 16)
    play.insert("Dense", after="flatten")
    play.controls["units"].value = 12
    assert play.source
    assert (random.getstate(), str(np.random.get_state())) == states  # noqa: NPY002
    assert json.dumps(model.get_config()) == config
    assert [layer.name for layer in model.layers] == names
    assert all((a == b.numpy()).all() for a, b in zip(weights, model.weights, strict=True))
    assert layers.Dense(1).name == "dense_1"  # the next that this session makes
    model.fit(np.zeros((4, 28, 28, 1)), np.zeros((4, 10)), verbose=0)


def test_a_billion_parameters_take_no_memory() -> None:
    cell = SEED.replace("layers.Flatten(),", "layers.Flatten(),\n    layers.Dense(640_000),")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    play = Playground(cell, namespace={})
    assert play.report.models[0].params > 1_000_000_000
    play.set("conv2d", "filters", 16)
    play.set("dense", "units", 700_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert peak < 50_000_000
    assert grown < 300_000_000


def test_where_a_drag_leads_is_traced_when_all_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    play = played()
    play._stage = Stage(play)
    play._show()
    slider = play.controls["filters"]
    done: list[str] = []
    show, find_out = Stage.show, Tracer._find_out

    def noted(word: str, method: Callable[..., None]) -> Callable[..., None]:
        def noting(*given: Any) -> None:
            done.append(word)
            method(*given)

        return noting

    monkeypatch.setattr(Stage, "show", noted("shown", show))
    monkeypatch.setattr(Tracer, "_find_out", noted("traced", find_out))

    def turned(value: int) -> list[str]:
        done.clear()
        slider.value = value
        assert play.report.models[0].calls[0].arguments["filters"] == value
        return done

    assert slider.value == 32
    assert turned(34) == ["traced", "shown", "traced"]
    assert turned(36) == ["shown", "traced"]
    assert turned(127) == ["traced", "shown"]  # a leap, that leads beyond the end
    monkeypatch.setattr("shape_magic.teach.playground._BRISK", 0.0)
    assert turned(126) == ["traced", "shown"]  # too slow to do more than was asked for


def test_a_drag_towards_what_keras_refuses_says_nothing_yet() -> None:
    play = played()
    play._stage = Stage(play)
    play.select("conv2d")
    play.set("conv2d", "strides", 2)
    before = play._status, play.report
    play._foresee("conv2d", "dilation_rate", 2)
    assert (play._status, play.report) == before
    play.controls["dilation_rate"].value = 2
    assert "dilation" in play._status


def test_the_input_s_axes_are_named_by_the_first_layer_that_knows() -> None:
    play = Playground(keras.Sequential([keras.Input((9, 9, 3)), layers.Rescaling(0.5), layers.Conv2D(4, 3)]))
    play.select("input")
    assert list(play.controls) == ["height", "width", "channels", "shape"]
    plain = Playground(keras.Sequential([keras.Input((9, 9, 3)), layers.Flatten()]))
    plain.select("input")
    assert list(plain.controls) == ["axis 1", "axis 2", "features", "shape"]


def test_a_ready_made_base_within() -> None:
    base = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3), include_top=False, alpha=0.35)
    model = keras.Sequential([keras.Input((96, 96, 3)), base, layers.GlobalAveragePooling2D(), layers.Dense(5)])
    play = Playground(model, namespace={"model": model})
    assert play.report.ok
    assert play.report.models[0].params == model.count_params()
    names: dict[str, Any] = {}
    exec(play.source, names)
    assert names["model"].count_params() == model.count_params()
    play.set("input", "channels", 1)
    assert [d.rule for d in play.report.diagnostics] == ["nested-model-input"]


def test_a_functional_cell_that_breaks_can_be_mended() -> None:
    cell = """
start = keras.Input((8, 8, 3))
a = layers.Conv2D(4, 3, padding="same")(start)
both = layers.Add()([a, layers.Conv2D(4, 3)(start)])
model = keras.Model(start, both)
"""
    play = Playground(cell, namespace={"keras": keras, "layers": layers})
    assert [d.rule for d in play.report.diagnostics] == ["merge-of-different-shapes"]
    play.set("conv2d_1", "padding", "same")
    assert play.report.ok
    names: dict[str, Any] = {}
    exec(play.source, names)
    assert names[play.report.models[0].name].output_shape == (None, 8, 8, 4)
