"""The largest of one number, asked for behind a model: told and mended wherever it stands, and no more is."""

from __future__ import annotations

import keras
import pytest

from shape_magic import check_cells
from shape_magic.report import Diagnostic

SETUP = """\
import keras, numpy as np, tensorflow as tf
from keras import layers
x, y = np.random.rand(24, 4).astype("float32"), np.random.randint(0, 2, 24)
model = keras.Sequential([layers.Input((4,)), layers.Dense(1, activation="sigmoid")])
model.compile(optimizer="sgd", loss="binary_crossentropy")
model.fit(x, y, verbose=0)
answers = model.predict(x, verbose=0)
"""
#: What stands behind the model, and what the repair makes of it.
WRONG = {
    "in a call": (
        "np.argmax(model.predict(x), axis=1)",
        '(model.predict(x)[:, 0] > 0.5).astype("int32")',
    ),
    "by position": ("np.argmax(answers, -1)", '(answers[:, 0] > 0.5).astype("int32")'),
    "with its axis kept": ("np.argmax(answers, axis=1, keepdims=True)", '(answers > 0.5).astype("int32")'),
    "a method": ("answers.argmax(axis=1)", '(answers[:, 0] > 0.5).astype("int32")'),
    "what was computed": ("np.argmax(answers + 0.1, axis=1)", '((answers + 0.1)[:, 0] > 0.5).astype("int32")'),
    "of TensorFlow": ("tf.argmax(answers, 1)", 'tf.cast(answers[:, 0] > 0.5, "int32")'),
    "deep in TensorFlow": ("tf.math.argmax(model(x), axis=1)", 'tf.cast(model(x)[:, 0] > 0.5, "int32")'),
    "of Keras": ("keras.ops.argmax(answers, axis=-1)", 'keras.ops.cast(answers[:, 0] > 0.5, "int32")'),
    "of one sample": ("np.argmax(answers[3])", '(answers[3][0] > 0.5).astype("int32")'),
    "of a batch of one": ("np.argmax(model.predict(x[:1]))", '(model.predict(x[:1])[0, 0] > 0.5).astype("int32")'),
    "in a list": ("[np.argmax(one) for one in answers]", '[(one[0] > 0.5).astype("int32") for one in answers]'),
    "in a loop": (
        "0\nfor one in answers:\n    print(np.argmax(one))",
        '0\nfor one in answers:\n    print((one[0] > 0.5).astype("int32"))',
    ),
    "in a function": (
        "0\ndef read(numbers):\n    return numbers.argmax(axis=1)\nread(answers)",
        '0\ndef read(numbers):\n    return (numbers[:, 0] > 0.5).astype("int32")\nread(answers)',
    ),
}
RIGHT = {
    "which sample has the largest": "np.argmax(answers)",
    "the same by its axis": "np.argmax(answers, axis=0)",
    "as many as classes": "keras.Sequential([layers.Input((4,)), layers.Dense(3)]).predict(x).argmax(axis=1)",
    "a list of as many": "[np.argmax(q) for q in keras.Sequential([layers.Input((4,)), layers.Dense(2)])(x)]",
    "side by side": "np.argmax(np.hstack([1 - answers, answers]), axis=1)",
    "no answer": "np.argmax(x[:, :1], axis=1)",
    "an axis that a name holds": "[np.argmax(answers, axis=k) for k in (0, 0)]",
    "the loop's own name, outside": "[np.argmax(x[k]) for k in range(3)]",
}

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the cells use TensorFlow")


def _told(*cells: str) -> list[Diagnostic]:
    report = check_cells(list(cells), dry_run=True)
    assert {one.rule for one in report.diagnostics} <= {"argmax-of-one-number"}  # the cells run to their end
    return list(report.diagnostics)


@pytest.mark.parametrize("name", WRONG)
def test_it_is_told_and_mended(name: str) -> None:
    code, mended = WRONG[name]
    (told,) = _told(f"{SETUP}classes = {code}\n")
    assert [fix.source for fix in told.fixes] == [f"{SETUP}classes = {mended}\n"]
    assert not _told(told.fixes[0].source or "")


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_meant_is_not_told(name: str) -> None:
    assert not _told(f"{SETUP}classes = {RIGHT[name]}\n")


def test_a_later_cell_is_told_and_mended_alone() -> None:
    (told,) = _told(SETUP, "classes = np.argmax(answers, axis=1)\n")
    assert [fix.source for fix in told.fixes] == ['classes = (answers[:, 0] > 0.5).astype("int32")\n']


def test_logits_are_cut_at_0() -> None:
    logits = SETUP.replace(', activation="sigmoid"', "").replace(
        '"binary_crossentropy"', "keras.losses.BinaryCrossentropy(from_logits=True)"
    )
    (told,) = _told(f"{logits}classes = answers.argmax(axis=1)\n")
    assert (told.fixes[0].source or "").endswith('classes = (answers[:, 0] > 0).astype("int32")\n')


def test_where_nothing_tells_the_middle_there_is_no_repair() -> None:
    (told,) = _told(SETUP.replace("sigmoid", "linear").replace("binary_crossentropy", "mse") + "answers.argmax(axis=1)")
    assert told.fixes == ()


def test_labels_in_a_column_behind_it_are_mended_with_it() -> None:
    cell = SETUP.replace("0, 2, 24)", "0, 2, (24, 1))") + "right = answers.argmax(axis=1) == y\n"
    (told,) = _told(cell)
    last = (told.fixes[0].source or "").splitlines()[-1]
    assert last == 'right = (answers[:, 0] > 0.5).astype("int32") == y[:, 0]'


def test_a_comment_keeps_it() -> None:
    assert not _told(SETUP + "answers.argmax(axis=1)  # shapecheck: keep argmax-of-one-number\n")
