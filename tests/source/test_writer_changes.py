"""Layers taken out and replaced, arguments set, data wrapped, ``compile`` changed."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from shape_magic.repair.steps import (
    InsertLayer,
    RemoveLayer,
    ReplaceLayer,
    SetArgument,
    SetCompile,
    Step,
    WrapData,
)
from shape_magic.source.cells import apply_edits
from shape_magic.source.writer import Refused, snippet, write
from tests.source.harness import assert_refused, assert_written, marked, model_of

REMOVE = RemoveLayer(0)


# Removal.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s = [\n    a,  # a\n    «Dropout(.5)»,  # gone\n    b,\n]", "s = [\n    a,  # a\n    b,\n]"),
        ("s = [\n    a,\n    «Dropout(\n        .5,\n    )»,\n]", "s = [\n    a,\n]"),
        ("s = [\n    a,\n    «Dropout(.5)»]", "s = [\n    a]"),
        ("s = [\n    a,\n    «Dropout(.5)»\n]", "s = [\n    a,\n]"),
        ("s = [a, «Dropout(.5)», b]", "s = [a, b]"),
        ("s = [a, «Dropout(.5)»,  # two\n     b]", "s = [a,  # two\n     b]"),
        ("s = [a,\n     «Dropout(.5)», b]", "s = [a,\n     b]"),
        ("s = [a,  # first\n     «Dropout(.5)»]", "s = [a,  # first\n     ]"),
        ("s = [«Dropout(.5)»,\n     a]", "s = [a]"),
        ("s = [a, («Dropout(.5)»), b]", "s = [a, b]"),
        ("s = [a, «Dropout(.5)»]", "s = [a]"),
        ("s = [«Dropout(.5)», a]", "s = [a]"),
        ("s = [«Dropout(.5)»,]", "s = []"),
        ("s = (a, «Dropout(.5)»)", "s = (a,)"),
        ("s = a, «Dropout(.5)»", "s = a,"),
        ("m.add(a)\nm.add(«Dropout(.5)»)  # gone\nm.add(b)", "m.add(a)\nm.add(b)"),
        ("m.add(a)\nm.add(«Dropout(.5)»);\nm.add(b)", "m.add(a)\nm.add(b)"),
        ("m.add(a); m.add(«Dropout(.5)»); m.add(b)", "m.add(a); m.add(b)"),
        ("m.add(a); m.add(«Dropout(.5)»)  # b", "m.add(a)  # b"),
        ("if deep: m.add(«Dropout(.5)»)", "if deep: pass"),
        ("if deep:\n    m.add(«Dropout(.5)»)\n", "if deep:\n    pass\n"),
        ("d = «Dropout(.5)»\nm.add(d)\n", "d = Dropout(.5)\n"),
        ("h = f(x)\nh = «Dropout(.5)»(h)\ny = h", "h = f(x)\ny = h"),
        ("y = «Dropout(.5)»(h)", "y = h"),
        ("y = «Dropout(.5)»(a + b)[0]", "y = (a + b)[0]"),
        ("y = Dense(1)(«Dropout(.5)»(  h, training=True))", "y = Dense(1)(h)"),
    ],
)
def test_a_layer_taken_out(before: str, after: str) -> None:
    assert_written(before, after, REMOVE)


def test_neighbours_taken_out_together() -> None:
    assert_written("s = [a, «B()», «C()»]", "s = [a]", RemoveLayer(0), RemoveLayer(1))
    assert_written("s = [«B()», «C()», a, «D()»]", "s = [a]", RemoveLayer(0), RemoveLayer(1), RemoveLayer(2))
    assert_written("h = «B()»(«C()»(x))", "h = x", RemoveLayer(0), RemoveLayer(1))


@pytest.mark.parametrize(
    "source",
    ["s = [*[«Dropout(u)» for u in v]]", "s = [a, «Dropout(1)» if b else c]", "for u in v:\n    m.add(«Dropout(u)»)"],
)
def test_a_layer_whose_source_makes_others_is_not_taken_out(source: str) -> None:
    assert_refused(source, "more layers", REMOVE, repeats=1)


def test_all_layers_of_a_loop_taken_out() -> None:
    before = "for u in v:\n    m.add(a)\n    m.add(«Dropout(u)»)"
    assert_written(before, "for u in v:\n    m.add(a)\n", RemoveLayer(0), RemoveLayer(1), repeats=1)


# Replacement.


def test_another_class_keeps_the_spelling() -> None:
    step = ReplaceLayer(0, "Conv1D", "32, 3")
    assert_written("m = [«layers.Conv2D(32, 3)»]", "m = [layers.Conv1D(32, 3)]", step)
    assert_written("m = [«layers.Conv2D(32,\n  (3, 3))»,  # c\n]", "m = [layers.Conv1D(32, 3),  # c\n]", step)
    assert_written(
        "from keras.layers import Conv2D\nh = «Conv2D(8, 2)»(x)",
        "from keras.layers import Conv2D, Conv1D\nh = Conv1D(32, 3)(x)",
        step,
    )


def test_replacing_and_inserting_before_compose() -> None:
    assert_written(
        "m = [«layers.Dense(1)»]",
        "m = [layers.Flatten(), layers.Dropout(0.5)]",
        InsertLayer(0, "Flatten"),
        ReplaceLayer(0, "Dropout", "0.5"),
    )


def test_replacing_and_setting_the_same_call_is_refused() -> None:
    steps = (ReplaceLayer(0, "Dropout", "0.5"), SetArgument(0, "units", "3", 0))
    assert_refused("m = [«layers.Dense(1)»]", "Two changes", *steps)


# Arguments.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LSTM(64)", "LSTM(64, return_sequences=True)"),
        ("LSTM()", "LSTM(return_sequences=True)"),
        ("LSTM( )", "LSTM(return_sequences=True )"),
        ("LSTM(64,)", "LSTM(64, return_sequences=True,)"),
        ("LSTM((64))", "LSTM((64), return_sequences=True)"),
        ("LSTM(units=(64))", "LSTM(units=(64), return_sequences=True)"),
        ("LSTM(64, return_sequences=False)", "LSTM(64, return_sequences=True)"),
        ("LSTM(return_sequences = (False), units=3)", "LSTM(return_sequences = (True), units=3)"),
        ("LSTM(\n    64,  # units\n)", "LSTM(\n    64,  # units\n    return_sequences=True,\n)"),
        ("LSTM(\n    64  # units\n)", "LSTM(\n    64,  # units\n    return_sequences=True\n)"),
        ("LSTM(64,\n     dropout=.2)", "LSTM(64,\n     dropout=.2,\n     return_sequences=True)"),
        ("LSTM(*sizes)", "LSTM(*sizes, return_sequences=True)"),
        ("LSTM(64, return_sequences=True)", "LSTM(64, return_sequences=True)"),
    ],
)
def test_an_argument_set(before: str, after: str) -> None:
    assert_written(f"m.add(«{before}»)", f"m.add({after})", SetArgument(0, "return_sequences", "True"))


def test_an_argument_given_by_position_is_replaced_there() -> None:
    assert_written("m.add(«Dense(1, act)»)", "m.add(Dense(10, act))", SetArgument(0, "units", "10", 0))
    assert_written("m.add(«Dense(units=1)»)", "m.add(Dense(units=10))", SetArgument(0, "units", "10", 0))
    assert_refused("m.add(«Dense(*a)»)", "may already be given", SetArgument(0, "units", "10", 0))
    assert_refused("m.add(«Dense(1, **more)»)", "may already be given", SetArgument(0, "activation", "None", 1))


def test_strings_are_quoted_as_the_user_quotes() -> None:
    step = SetArgument(0, "padding", "'same'")
    assert_written('m.add(«Conv2D(8, 3, padding="valid")»)', 'm.add(Conv2D(8, 3, padding="same"))', step)
    assert_written('n = "m"\nm.add(«Conv2D(8, 3)»)', 'n = "m"\nm.add(Conv2D(8, 3, padding="same"))', step)
    assert_written("m.add(«Conv2D(8, 3)»)", "m.add(Conv2D(8, 3, padding='same'))", step)


def test_several_arguments_of_one_layer() -> None:
    steps = (SetArgument(0, "units", "5", 0), SetArgument(0, "a", "1"), SetArgument(0, "b", "2"))
    assert_written("m.add(«Dense(\n  9\n)»)", "m.add(Dense(\n  5,\n  a=1,\n  b=2\n))", *steps)


def test_an_argument_of_one_layer_in_a_loop_is_refused() -> None:
    source = "for u in v:\n    m.add(«LSTM(u)»)"
    step = SetArgument(0, "return_sequences", "True")
    assert_refused(source, "more layers", step, repeats=1)
    both = (step, SetArgument(1, "return_sequences", "True"))
    assert_written(source, "for u in v:\n    m.add(LSTM(u, return_sequences=True))".replace("«", ""), *both, repeats=1)


# Data.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("m.fit(x, y)", "m.fit(x[..., None], y)"),
        ("m.fit(y=y, x=x)", "m.fit(y=y, x=x[..., None])"),
        ("m.fit(\n    d['x'],  # images\n    y)", "m.fit(\n    d['x'][..., None],  # images\n    y)"),
        ("m.fit(x / 255, y)", "m.fit((x / 255)[..., None], y)"),
        ("m.fit((x / 255), y)", "m.fit((x / 255)[..., None], y)"),
        ("m.fit(a if b else c, y)", "m.fit((a if b else c)[..., None], y)"),
    ],
)
def test_data_in_an_expression(before: str, after: str) -> None:
    assert_written(f"h = ⟦{before}⟧", f"h = {after}", WrapData("x", "{}[..., None]"))


def test_a_call_around_data_needs_no_brackets() -> None:
    assert_written("⟦m.fit(x / 2, y)⟧", "m.fit(np.asarray(x / 2), y)", WrapData("x", "np.asarray({})"))
    assert_written("⟦m.fit(x, a + b)⟧", "m.fit(x, (a + b) - 1)", WrapData("y", "{} - 1"))
    assert_written("⟦m.fit(x, y)⟧", "m.fit(x, y - y.min())", WrapData("y", "{} - {}.min()"))


def test_one_array_of_several() -> None:
    assert_written("⟦m.fit([a, b], y)⟧", "m.fit([a, b[..., None]], y)", WrapData("x", "{}[..., None]", 1))
    assert_written(
        "⟦m.fit(x, y, validation_data=(xv, yv))⟧",
        "m.fit(x, y, validation_data=(xv[..., None], yv))",
        WrapData("validation_data", "{}[..., None]", 0),
    )
    assert_refused("⟦m.fit(x, y, validation_data=val)⟧", "one value", WrapData("validation_data", "{}.T", 0))
    assert_refused("⟦m.fit([*a, b], y)⟧", "one value", WrapData("x", "{}.T", 1))


def test_arguments_that_are_not_to_be_seen() -> None:
    assert_refused("⟦m.fit(*data)⟧", "may already be given", WrapData("y", "{}.T"))
    assert_refused("⟦m.fit(data)⟧", "not given y", WrapData("y", "{}.T"))
    assert_refused("⟦m.fit(x for x in data)⟧", "not given x", WrapData("x", "{}.T"))
    assert_refused("m.fit(x)", "is not known", WrapData("x", "{}.T"))


@pytest.mark.parametrize("method", ["evaluate", "predict", "train_on_batch", "call"])
def test_other_calls_that_use_the_model(method: str) -> None:
    callee = "m" if method == "call" else f"m.{method}"
    assert_written(f"r = ⟦{callee}(x)⟧", f"r = {callee}(x[None])", WrapData("x", "{}[None]"), method=method)


def test_data_repaired_in_two_places_at_once() -> None:
    steps = (WrapData("x", "{}[..., None]"), WrapData("validation_data", "{}[..., None]", 0))
    assert_written(
        "⟦m.fit(x, y, validation_data=(xv, yv))⟧",
        "m.fit(x[..., None], y, validation_data=(xv[..., None], yv))",
        *steps,
    )


# compile.


def test_compile_arguments() -> None:
    step = SetCompile("loss", "'mse'")
    assert_written("⟪m.compile('adam', 'mae')⟫", "m.compile('adam', 'mse')", step)
    assert_written("⟪m.compile(loss='mae', optimizer=o)⟫", "m.compile(loss='mse', optimizer=o)", step)
    assert_written('⟪m.compile("adam")⟫', 'm.compile("adam", loss="mse")', step)
    assert_written(
        "⟪m.compile('adam', 'mae')⟫",
        "m.compile('adam', 'mse', metrics=['mae'])",
        step,
        SetCompile("metrics", "['mae']"),
    )
    assert_refused("⟪m.compile(**options)⟫", "may already be given", step)
    assert_refused("m.compile('adam')", "is not known", step)


def test_magics_can_hold_the_call() -> None:
    assert_written("%time ⟦m.fit(x, y)⟧", "%time m.fit(x[..., None], y)", WrapData("x", "{}[..., None]"))


# Snippets.


def test_snippets_are_code_with_the_place_in_a_comment() -> None:
    model = model_of([marked("m = [«layers.Dense(10)»]")])
    assert snippet((InsertLayer(0, "Flatten"),), model) == "model.add(keras.layers.Flatten())   # before layer_0"
    assert snippet((SetArgument(0, "units", "3"),), model) == "units=3   # on layer_0"
    assert snippet((WrapData("x", "{}[..., None]"),), model) == "x=x_train[..., None]   # in the call of fit"
    assert snippet((SetCompile("loss", "'mse'"), RemoveLayer(0)), model) == (
        "loss='mse'   # in the call of compile\n# take out layer_0"
    )


def test_a_hostile_name_stays_in_the_comment() -> None:
    model = model_of([marked("m = [«layers.Dense(10)»]")], kind="Functional")
    call = replace(model.calls[0], layer="x\nimport os\x1b[31m")
    text = snippet((ReplaceLayer(0, "Dropout", "0.5"),), replace(model, calls=(call,)))
    assert "\x1b" not in text
    assert len(ast.parse(text).body) == 1


# Wrapped layers, and functions of Keras.


def in_wrapper(text: str, step: Step) -> str | Refused:
    """A cell after a step at a TimeDistributed that holds a Dense."""
    cell = marked(text)
    model = model_of([cell])
    call = replace(model.calls[0], arguments={}, wrapped_bases=("Dense", "Layer"), wrapped_arguments={"units": 9})
    edits = write((step,), replace(model, calls=(call,)), {0: cell.source}, lambda *_: False)
    return edits if isinstance(edits, Refused) else apply_edits(cell.source, edits)


def test_an_argument_of_the_layer_within_a_wrapper() -> None:
    step = SetArgument(0, "units", "1", 0)
    before = "m.add(«TimeDistributed(Dense(9, activation='relu'), name='t')»)"
    assert in_wrapper(before, step) == "m.add(TimeDistributed(Dense(1, activation='relu'), name='t'))"
    assert in_wrapper("m.add(«TimeDistributed(layer=k.Dense(units=9))»)", step) == (
        "m.add(TimeDistributed(layer=k.Dense(units=1)))"
    )
    assert isinstance(in_wrapper("m.add(«TimeDistributed(head)»)", step), Refused)


@pytest.mark.parametrize(
    ("imports", "spelling"),
    [
        ("import keras", "keras.utils.to_categorical"),
        ("import tensorflow as tf", "tf.keras.utils.to_categorical"),
        ("from tensorflow import keras", "keras.utils.to_categorical"),
        ("from tensorflow.keras import utils", "utils.to_categorical"),
        ("from keras.utils import to_categorical as hot", "hot"),
    ],
)
def test_a_function_of_keras_as_the_user_reaches_it(imports: str, spelling: str) -> None:
    step = WrapData("y", "keras.utils.to_categorical({}, 4)")
    assert_written(f"{imports}\n⟦m.fit(x, y)⟧", f"{imports}\nm.fit(x, {spelling}(y, 4))", step)


def test_a_function_of_keras_that_has_to_be_imported() -> None:
    after = "from keras.utils import to_categorical\nm.fit(x, to_categorical(y, 4))"
    assert_written("⟦m.fit(x, y)⟧", after, WrapData("y", "keras.utils.to_categorical({}, 4)"))
