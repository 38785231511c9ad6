"""Losses and metrics of the user's own that set a row against a column: told, mended, and not told where it is meant."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cell

_BEFORE = """\
import tensorflow as tf
x = np.random.rand(64, 5).astype("float32")
y = np.random.rand(64).astype("float32")
pairs = np.random.rand(64, 2).astype("float32")
"""
_MODEL = """
model = keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])
"""
#: The line that is told, what is compiled, the labels, and what the first repair makes of the line and those after it.
WRONG = {
    "a column of the labels": (
        """\
def loss(y_true, y_pred):
    target = y_true[:, 0]
    return tf.reduce_mean(tf.square(target - y_pred))
""",
        3,
        "loss=loss",
        "pairs",
        "    return tf.reduce_mean(tf.square(target - y_pred[:, 0]))",
    ),
    "a squeezed output": (
        """\
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - tf.squeeze(y_pred)))
""",
        2,
        "loss=loss",
        "y",
        "    return tf.reduce_mean(tf.square(y_true[:, 0] - tf.squeeze(y_pred)))",
    ),
    "weights of the samples": (
        """\
def focal(y_true, y_pred):
    entropy = keras.losses.binary_crossentropy(y_true, y_pred)
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    return tf.reduce_mean(0.25 * (1 - right) ** 2 * entropy)
""",
        4,
        "loss=focal",
        "y",
        "    return tf.reduce_mean((0.25 * (1 - right) ** 2)[:, 0] * entropy)",
    ),
    "a function of Keras' for the operator": (
        """\
def loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(keras.ops.subtract(y_true[:, 0], y_pred)))
""",
        2,
        "loss=loss",
        "pairs",
        "    return keras.ops.mean(keras.ops.abs(keras.ops.subtract(y_true[:, 0], y_pred[:, 0])))",
    ),
    "a class, which squeezes nothing": (
        """\
class Loss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.math.squared_difference(y_true, y_pred)
""",
        3,
        "loss=Loss()",
        "y",
        "        return tf.math.squared_difference(y_true, y_pred[:, 0])",
    ),
    "twice": (
        """\
def loss(y_true, y_pred):
    target = y_true[:, 0]
    far = tf.abs(target - y_pred)
    return tf.reduce_mean(far + tf.square(target - y_pred))
""",
        3,
        "loss=loss",
        "pairs",
        "    far = tf.abs(target - y_pred[:, 0])\n    return tf.reduce_mean(far + tf.square(target - y_pred[:, 0]))",
    ),
    "a metric": (
        """\
def r_squared(y_true, y_pred):
    return 1 - tf.reduce_sum((y_true - y_pred) ** 2) / tf.reduce_sum((y_true - tf.reduce_mean(y_true)) ** 2)
""",
        2,
        "loss='mse', metrics=[r_squared]",
        "y",
        "    return 1 - tf.reduce_sum((y_true - y_pred[:, 0]) ** 2) / "
        "tf.reduce_sum((y_true - tf.reduce_mean(y_true)) ** 2)",
    ),
    "a mean and its spread": (
        """\
def likelihood(y_true, y_pred):
    mean, spread = y_pred[:, :1], tf.exp(y_pred[:, 1:])
    target = y_true[:, 0]
    return tf.reduce_mean(tf.math.log(spread) + ((target - mean) / spread) ** 2)
""",
        4,
        "loss=likelihood",
        "pairs",
        "    return tf.reduce_mean(tf.math.log(spread) + ((target[:, None] - mean) / spread) ** 2)",
    ),
    "two metrics": (
        """\
def bias(y_true, y_pred):
    return tf.reduce_mean(y_true - y_pred)
def hits(y_true, y_pred):
    return tf.reduce_mean(tf.cast(tf.equal(tf.round(y_true), tf.round(y_pred)), "float32"))
""",
        2,
        "loss='mse', metrics=[bias, hits]",
        "y",
        "    return tf.reduce_mean(y_true - y_pred[:, 0])\n"
        "def hits(y_true, y_pred):\n"
        '    return tf.reduce_mean(tf.cast(tf.equal(tf.round(y_true), tf.round(y_pred)[:, 0]), "float32"))',
    ),
}
RIGHT = {
    "a column made on purpose, of another type": (
        """\
def loss(y_true, y_pred):
    own = tf.cast(tf.expand_dims(y_true[:, 0], 1), "float32") * 2.0
    return tf.reduce_mean(tf.reduce_min(tf.abs(own - tf.squeeze(y_pred, -1)), axis=1))
""",
        "loss=loss",
        "y",
    ),
    "Keras brings labels to the output's axes for a function": (
        """\
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))
""",
        "loss=loss",
        "y",
    ),
    "all pairs of the labels, and of the answers": (
        """\
def loss(y_true, y_pred):
    above = tf.cast(y_true > tf.transpose(y_true), "float32")
    return tf.reduce_mean(above * tf.nn.relu(1 - (y_pred - tf.transpose(y_pred))))
""",
        "loss=loss",
        "y",
    ),
    "a column made on purpose": (
        """\
def loss(y_true, y_pred):
    answers = tf.squeeze(y_pred, -1)
    return tf.reduce_mean(tf.reduce_min(tf.abs(y_true[:, 0][:, None] - answers), axis=1))
""",
        "loss=loss",
        "y",
    ),
    "who is at risk when": (
        """\
def loss(y_true, y_pred):
    time, event = y_true[:, 0], y_true[:, 1]
    at_risk = tf.cast(time[:, None] <= time, "float32")
    risk = tf.matmul(tf.transpose(at_risk), tf.exp(y_pred))
    return -tf.reduce_mean(event * (y_pred - tf.math.log(risk))[:, 0])
""",
        "loss=loss",
        "pairs",
    ),
    "a metric of labels in a column": (
        """\
def bias(y_true, y_pred):
    return tf.reduce_mean(y_true - y_pred)
""",
        "loss='mse', metrics=[bias]",
        "y[:, None]",
    ),
    "a number for all samples": (
        """\
def loss(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_pred - tf.reduce_mean(y_true, axis=0)))
""",
        "loss=loss",
        "y",
    ),
}


def _cell(functions: str, compiled: str, labels: str) -> str:
    model = _MODEL if "spread" not in functions else _MODEL.replace('Dense(1, activation="sigmoid")', "Dense(2)")
    return f"{functions}{model}model.compile('sgd', {compiled})\nmodel.fit(x, {labels}, epochs=1, verbose=0)\n"


def _names() -> dict[str, Any]:
    names: dict[str, Any] = {"np": np, "keras": keras, "layers": keras.layers}
    exec(_BEFORE, names)
    return names


@pytest.mark.parametrize("name", WRONG)
def test_the_column_becomes_a_row(name: str) -> None:
    functions, line, compiled, labels, mended = WRONG[name]
    found = check_cell(_cell(functions, compiled, labels), _names(), dry_run=True).diagnostics
    what = "metric" if "metrics" in compiled else "loss"
    rule = {"metric": "metric-against-labels", "loss": "output-against-labels"}[what]
    title = f"A {what} that compares every label with every answer."
    assert [(d.rule, d.title, d.severity) for d in found] == [(rule, title, "warning")]
    assert found[0].span is not None
    assert found[0].span.start_line == line
    assert f"\n{mended}\n" in (found[0].fixes[0].source or "")
    assert not check_cell(found[0].fixes[0].source or "", _names(), dry_run=True).diagnostics


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_meant_is_left_alone(name: str) -> None:
    assert not check_cell(_cell(*RIGHT[name]), _names(), dry_run=True).diagnostics


def test_keras_makes_a_table_of_what_is_told_and_none_of_what_is_mended() -> None:
    seen: list[tuple[int, ...]] = []
    functions = """\
def r_squared(y_true, y_pred):
    far = y_true - y_pred
    seen.append(tuple(far.shape))
    return tf.reduce_mean(far ** 2)
"""
    cell = _cell(functions, "loss='mse', metrics=[r_squared]", "y")
    names = _names() | {"seen": seen}
    exec(cell, names)
    assert set(seen) == {(32, 32)}
    fix = check_cell(cell, _names() | {"seen": []}, dry_run=True).diagnostics[0].fixes[0]
    seen.clear()
    exec(fix.source or "", names)
    assert set(seen) == {(32,)}


def test_a_loss_out_of_a_module_is_told_where_it_is_compiled() -> None:
    names = _names()
    code = compile(WRONG["a squeezed output"][0], "/a/module/of/the/users.py", "exec")
    exec(code, names)
    (found,) = check_cell(_cell("", "loss=loss", "y"), names, dry_run=True).diagnostics
    assert (found.rule, found.fixes) == ("output-against-labels", ())
    assert "`loss` (line 3) sets (batch,) against (batch, 1)" in found.message


def test_a_step_of_the_models_own_may_bring_them_together() -> None:
    cell = (
        "class Model(keras.Sequential):\n    def train_step(self, data):\n        return {}\n"
        + WRONG["a squeezed output"][0]
        + _MODEL.replace("keras.Sequential", "Model")
        + "model.compile('sgd', loss=loss)\nmodel.fit(x, y, epochs=1, verbose=0)\n"
    )
    assert not check_cell(cell, _names(), dry_run=True).diagnostics


ONE_HOT = """\
import keras, numpy as np, tensorflow as tf
from keras import layers
def entropy(y_true, y_pred):
    kinds = tf.one_hot(tf.cast(y_true, "int32"), 3)
    return -tf.reduce_sum(kinds * tf.math.log(y_pred + 1e-7), axis=-1)
model = keras.Sequential([keras.Input((5,)), layers.Dense(3, activation="softmax")])
model.compile("adam", loss=entropy)
model.fit(np.zeros((12, 5)), np.zeros((12, 1), int), verbose=0)
"""


def test_one_hot_labels_with_an_axis_more_are_told_and_mended() -> None:
    (told,) = check_cell(ONE_HOT, {}, dry_run=True).diagnostics
    assert (told.rule, told.expected, told.actual) == ("output-against-labels", (None, 3), (None, 1, 3))
    assert "(batch, batch, 3)" in told.message
    mended = told.fixes[0].source or ""
    assert "kinds[:, 0] * tf.math.log" in mended
    assert check_cell(mended, {}, dry_run=True).ok


@pytest.mark.parametrize(
    "body",
    [
        "    far = tf.expand_dims(y_pred, 1) - y_pred\n    return tf.reduce_mean(tf.square(2.0 * far - y_pred), axis=[1, 2])",
        "    return tf.reduce_mean(tf.square(y_true - y_pred) * tf.reduce_mean(y_true, axis=1, keepdims=True))",
        "    near = y_pred[:, None] - y_true\n    return tf.reduce_min(tf.reduce_sum(tf.square(near), axis=-1), axis=1)",
    ],
    ids=["answers among themselves", "weights in a column", "each with all on purpose"],
)
def test_axes_that_are_meant_are_not_told(body: str) -> None:
    cell = (
        "import keras, numpy as np, tensorflow as tf\nfrom keras import layers\n"
        f"def loss(y_true, y_pred):\n{body}\n"
        "model = keras.Sequential([keras.Input((5,)), layers.Dense(3)])\nmodel.compile('adam', loss=loss)\n"
        "model.fit(np.zeros((12, 5)), np.zeros((12, 3)), verbose=0)\n"
    )
    assert check_cell(cell, {}, dry_run=True).diagnostics == ()
