"""Repairs of what a model is compared with: another loss with its arguments, labels a step off, the right array."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cell
from shape_magic.report import Diagnostic

PICTURES = """\
import tensorflow as tf
from keras.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy

labels = {labels}
data = tf.data.Dataset.from_tensor_slices((np.zeros((12, 4)), labels)).batch(4)
criterion = {loss}
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile("sgd", loss={given}, metrics=["accuracy"])
model.fit(data, verbose=0)
"""
ONE_HOT, NUMBERS = "np.eye(3)[np.arange(12) % 3]", "np.arange(12) % 3"


def finding(cell: str) -> Diagnostic:
    """What is said of a cell that plain Keras stops in; its first repair runs."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - each Keras has its own
        exec(cell, names())
    (only,) = check_cell(cell, names(), dry_run=True).diagnostics
    assert only.severity == "error"
    for fix in only.fixes[:1]:
        assert fix.verified
        assert fix.source is not None
        exec(fix.source, names())
    return only


def names() -> dict[str, Any]:
    """What the cells find."""
    return {"__name__": "__main__", "keras": keras, "np": np}


@pytest.mark.parametrize(
    ("labels", "loss", "other"),
    [
        (ONE_HOT, "{}.SparseCategoricalCrossentropy(from_logits=True)", "{}.CategoricalCrossentropy(from_logits=True)"),
        (NUMBERS, "{}.CategoricalCrossentropy(from_logits=True)", "{}.SparseCategoricalCrossentropy(from_logits=True)"),
    ],
)
@pytest.mark.parametrize("spelled", ["keras.losses", "tf.keras.losses", ""])
def test_a_loss_object_keeps_its_arguments(labels: str, loss: str, other: str, spelled: str) -> None:
    given, wanted = (text.format(spelled).removeprefix(".") for text in (loss, other))
    (fix, *_) = finding(PICTURES.format(labels=labels, loss="None", given=given)).fixes
    assert fix.source == PICTURES.format(labels=labels, loss="None", given=wanted)


def test_a_loss_object_that_is_made_elsewhere_is_made_anew() -> None:
    made = "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
    (fix, *_) = finding(PICTURES.format(labels=ONE_HOT, loss=made, given="criterion")).fixes
    assert "loss=keras.losses.CategoricalCrossentropy(from_logits=True)" in (fix.source or "")


LANGUAGE = """\
text = np.arange(16 * 11).reshape(16, 11) % 30
model = keras.Sequential([
    keras.Input((None,)),
    keras.layers.Embedding(30, 4),
    keras.layers.LSTM(4, return_sequences=True),
    keras.layers.Dense(30, activation="softmax"),
])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit({x}, {y}, verbose=0)
"""


@pytest.mark.parametrize(("x", "y"), [("text[:, :-1]", "text"), ("text", "text[:, 1:]")])
def test_the_next_step_of_a_sequence_is_its_label(x: str, y: str) -> None:
    told = finding(LANGUAGE.format(x=x, y=y))
    assert told.rule == "map-of-another-size"
    assert told.fixes[0].source == LANGUAGE.format(x="text[:, :-1]", y="text[:, 1:]")


def test_numbers_that_are_no_steps_are_not_cut() -> None:
    told = finding(LANGUAGE.format(x="text", y="text[:, :4]"))
    assert told.rule == "map-of-another-size"
    assert not any("[:, :-1]" in fix.title or "[:, 1:]" in fix.title for fix in told.fixes)


SPLIT = """\
X_train, X_test = np.zeros((24, 3)), np.zeros((8, 3))
y_train, y_val, {odd} = np.zeros(24), np.zeros(8), np.zeros(12)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.evaluate({x}, {y}, verbose=0)
"""


def test_an_array_is_not_given_for_another_whose_name_belongs_there() -> None:
    assert finding(SPLIT.format(odd="y_test", x="X_test", y="y_test")).fixes == ()


def test_an_array_that_belongs_to_another_gives_way_to_the_one_that_belongs_there() -> None:
    told = finding(SPLIT.format(odd="y_rest", x="X_train", y="y_val"))
    assert "evaluate(X_train, y_train, " in (told.fixes[0].source or "")


def test_two_classes_in_rows_become_one_yes_or_no() -> None:
    only = finding(
        "y = np.eye(2)[np.arange(12) % 2]\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation='sigmoid')])\n"
        "model.compile('sgd', 'binary_crossentropy')\n"
        "model.fit(np.zeros((12, 4)), y, verbose=0)\n"
    )
    assert [edit.text for edit in only.fixes[1].edits] == [".argmax(-1)"]


@pytest.mark.parametrize("rows", [12, 30_000])
def test_the_place_of_class_0_goes_only_where_no_sample_has_it(rows: int) -> None:
    """Of many rows the first are looked at, and here the last is one of class 0."""
    only = finding(
        f"classes = np.arange({rows}) % 3 + 1\n"
        f"classes[-1] = {1 if rows == 12 else 0}\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation='softmax')])\n"
        "model.compile('sgd', 'categorical_crossentropy')\n"
        f"model.fit(np.zeros(({rows}, 4)), keras.utils.to_categorical(classes), verbose=0)\n"
    )
    cut = [edit.text for fix in only.fixes for edit in fix.edits if "1:" in edit.text]
    assert cut == (["[:, 1:]"] if rows == 12 else [])
