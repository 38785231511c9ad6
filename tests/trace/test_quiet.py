"""What Keras trains as it was meant is never stopped, warned of or asked about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from shape_magic import check_cells
from tests.rules.keras_here import refuses

SEQ = keras.Sequential
Case = tuple[Callable[[], Any], Any, Any, Any]


def zeros(*shape: int, dtype: str = "float32") -> Any:
    return np.zeros(shape, dtype)


def classes(*shape: int) -> Any:
    return np.zeros(shape, "int64")


def graph(function: Callable[..., Any], *shapes: tuple[int | None, ...]) -> Any:
    """A functional model of one expression."""
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], function(*inputs))


def residual(i: Any) -> Any:
    h = layers.Add()([layers.Conv2D(4, 3, padding="same")(i), layers.Conv2D(4, 1)(i)])
    h = layers.AveragePooling2D(8)(layers.ReLU()(layers.BatchNormalization()(h)))
    return layers.Dense(2, activation="softmax")(layers.Flatten()(h))


def transformer(i: Any) -> Any:
    h = layers.Embedding(50, 8)(i) + layers.Embedding(12, 8)(ops.arange(12))
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4)(h, h))
    h = layers.LayerNormalization()(h + layers.Dense(8)(layers.Dense(16, activation="relu")(h)))
    return layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h))


def translator(source: Any, target: Any) -> Any:
    _, h, c = layers.LSTM(4, return_state=True)(source)
    out, _, _ = layers.LSTM(4, return_sequences=True, return_state=True)(target, initial_state=[h, c])
    return layers.Dense(2, activation="softmax")(out)


def swapped_names() -> Any:
    a, b = keras.Input((5,), name="zz"), keras.Input((3,), name="aa")
    return keras.Model([a, b], layers.Dense(1)(layers.concatenate([a, b])))


def named_outputs() -> Any:
    i = keras.Input((5,), name="i")
    return keras.Model(i, {"z": layers.Dense(1, name="z")(i), "a": layers.Dense(3, activation="softmax", name="a")(i)})


def first_column(labels: Any, output: Any) -> Any:
    return ops.mean((labels[:, 0] - output[:, 0]) ** 2)


class Net(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), layers.Dense(3)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.dense(self.flatten(inputs))


SPARSE = "sparse_categorical_crossentropy"
CASES: Mapping[str, Case] = {
    "segmentation": (
        lambda: SEQ([layers.Input((16, 16, 3)), layers.Conv2D(1, 3, padding="same", activation="sigmoid")]),
        *("binary_crossentropy", zeros(8, 16, 16, 3), zeros(8, 16, 16, 1)),
    ),
    "segmentation by class": (
        lambda: SEQ([layers.Input((16, 16, 3)), layers.Conv2D(5, 1, activation="softmax")]),
        *(SPARSE, zeros(8, 16, 16, 3), classes(8, 16, 16)),
    ),
    "segmentation, a last axis of 1": (
        lambda: SEQ([layers.Input((None, None, 3)), layers.Conv2D(5, 1, activation="softmax")]),
        *(SPARSE, zeros(8, 16, 16, 3), classes(8, 16, 16, 1)),
    ),
    "patches": (lambda: SEQ([layers.Conv2D(1, 4, 2, padding="same")]), "mse", zeros(4, 16, 16, 3), zeros(4, 8, 8, 1)),
    "tagger": (
        lambda: SEQ([
            layers.Embedding(50, 8, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.Dense(5, activation="softmax"),
        ]),
        *(SPARSE, classes(8, 12), classes(8, 12)),
    ),
    "dense at every step": (
        lambda: SEQ([layers.Input((10, 3)), layers.Dense(8), layers.Dense(1)]),
        *("mse", zeros(4, 10, 3), zeros(4, 10, 1)),
    ),
    "steps to steps": (
        lambda: SEQ([
            layers.LSTM(8), layers.RepeatVector(6), layers.LSTM(8, return_sequences=True), layers.TimeDistributed(layers.Dense(1)),
        ]),
        *("mse", zeros(8, 24, 3), zeros(8, 6)),
    ),
    "forecast": (lambda: SEQ([layers.LSTM(8), layers.Dense(6)]), "mse", zeros(8, 24, 3), zeros(8, 6)),
    "pointwise, then pooled": (
        lambda: SEQ([layers.Input((10, 3)), layers.Dense(8), layers.GlobalMaxPooling1D(), layers.Dense(2, activation="softmax")]),
        *(SPARSE, zeros(4, 10, 3), classes(4)),
    ),
    "transformer": (lambda: graph(transformer, (12,)), SPARSE, classes(8, 12), classes(8)),
    "translator": (
        lambda: graph(translator, (None, 3), (None, 2)),
        *("categorical_crossentropy", [zeros(2, 5, 3), zeros(2, 6, 2)], np.ones((2, 6, 2))),
    ),
    "residual": (lambda: graph(residual, (8, 8, 3)), SPARSE, zeros(4, 8, 8, 3), classes(4)),
    "regression, flat labels": (lambda: SEQ([layers.Dense(1)]), "mse", zeros(30, 5), zeros(30)),
    "one unit, labels of rank 1": (
        lambda: SEQ([layers.Dense(1, activation="sigmoid")]), "binary_crossentropy", zeros(30, 5), classes(30),
    ),
    "class numbers in a column": (lambda: SEQ([layers.Dense(3, activation="softmax")]), SPARSE, zeros(4, 5), classes(4, 1)),
    "several labels each": (
        lambda: SEQ([layers.Dense(4, activation="sigmoid")]), "binary_crossentropy", zeros(30, 5), zeros(30, 4),
    ),
    "true and false": (
        lambda: SEQ([layers.Flatten(), layers.Dense(1, activation="sigmoid")]),
        *("binary_crossentropy", zeros(4, 8, 8, 3, dtype="uint8"), np.array([True, False] * 2)),
    ),
    "a class that is ignored": (
        lambda: SEQ([layers.Dense(4, activation="softmax")]),
        *(keras.losses.SparseCategoricalCrossentropy(ignore_class=-1), zeros(4, 5), np.array([-1, 1, 2, 3])),
    ),
    "another class that is ignored": (
        lambda: SEQ([layers.Dense(4, activation="softmax")]),
        *(keras.losses.SparseCategoricalCrossentropy(ignore_class=255), zeros(4, 5), np.array([255, 1, 2, 3])),
    ),
    "a loss of one's own": (lambda: SEQ([layers.Dense(1)]), first_column, zeros(4, 5), zeros(4, 3)),
    "labels that the loss does not read": (lambda: SEQ([layers.Dense(4)]), lambda y, p: ops.mean(p), zeros(4, 8), zeros(4)),
    "no loss": (lambda: SEQ([layers.Dense(1, activity_regularizer="l2")]), None, zeros(4, 5), zeros(4, 7)),
    "a dict in another order": (
        swapped_names, "mse", {"aa": zeros(4, 3), "zz": zeros(4, 5)}, zeros(4, 1),
    ),
    "labels by name in another order": (
        named_outputs, {"a": SPARSE, "z": "mse"}, zeros(4, 5), {"a": classes(4), "z": zeros(4, 1)},
    ),
    "a last axis of 1 too few": (
        lambda: SEQ([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(2)]), "mse", zeros(4, 28, 28), zeros(4, 2),
    ),
    "a last axis of 1 too many": (lambda: SEQ([layers.Input((5,)), layers.Dense(2)]), "mse", zeros(4, 5, 1), zeros(4, 2)),
    "a fixed batch": (
        lambda: SEQ([layers.Input((6, 2), batch_size=4), layers.LSTM(3, stateful=True), layers.Dense(1)]),
        *("mse", zeros(4, 6, 2), zeros(4)),
    ),
    "cnn over steps": (
        lambda: SEQ([layers.TimeDistributed(layers.Conv2D(2, 3)), layers.TimeDistributed(layers.Flatten()), layers.GRU(4), layers.Dense(1)]),
        *("mse", zeros(2, 5, 8, 8, 1), zeros(2)),
    ),
    "video": (
        lambda: SEQ([layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True), layers.Conv3D(1, 3, padding="same")]),
        *("mse", zeros(2, 5, 8, 8, 1), zeros(2, 5, 8, 8, 1)),
    ),
    "subclassed": (Net, "mse", zeros(6, 4, 4), zeros(6, 3)),
    "text": (
        lambda: SEQ([
            layers.Embedding(50, 8), layers.Conv1D(4, 3), layers.GlobalMaxPooling1D(), layers.Dense(1, activation="sigmoid"),
        ]),
        *("binary_crossentropy", classes(4, 12), classes(4)),
    ),
    "reshaped by a function": (
        lambda: SEQ([
            layers.Lambda(lambda t: ops.reshape(t, (-1, 3, 4))), layers.Conv1D(2, 2), layers.Flatten(), layers.Dense(1),
        ]),
        *("mse", zeros(4, 12), zeros(4)),
    ),
    "similar": (lambda: SEQ([layers.Dense(4)]), keras.losses.CosineSimilarity(), zeros(4, 5), np.ones((4, 4))),
    "smoothed": (
        lambda: SEQ([layers.Dense(3, activation="softmax")]),
        *(keras.losses.CategoricalCrossentropy(label_smoothing=0.1), zeros(4, 5), np.eye(3)[[0, 1, 2, 0]] * 0.9 + 0.03),
    ),
    "tensors": (lambda: SEQ([layers.Dense(1)]), "mse", keras.ops.zeros((4, 5)), keras.ops.zeros((4,))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_trains_is_left_alone(name: str) -> None:
    make, loss, x, y = CASES[name]
    metrics = (
        ["accuracy"] if name in ("segmentation by class", "tagger", "residual", "one unit, labels of rank 1") else None
    )
    model = make()
    model.compile("sgd", loss, metrics=metrics)
    ns: dict[str, Any] = {"__name__": "__main__", "model": model, "x": x, "y": y}
    cells = ["model.fit(x, y)", "model.evaluate(x, y)", "model.predict(x)"]
    report = check_cells(cells, ns, dry_run=True)
    assert report.diagnostics == (), str(report)
    if keras.backend.backend() == "torch" and refuses(lambda: trained(make(), loss, x, y)):
        pytest.skip("PyTorch doesn't train this, looked at or not")
    model.train_on_batch(x, y)  # and Keras takes it


def trained(model: Any, loss: Any, x: Any, y: Any) -> None:
    """One step of a model that nobody has looked at."""
    model.compile("sgd", loss)
    model.train_on_batch(x, y)


WHOLE: Mapping[str, str] = {
    "tf.data": (
        "data = tf.data.Dataset.from_tensor_slices((np.zeros((12, 28, 28)), np.zeros(12, int)))\n"
        "data = data.map(lambda x, y: (tf.expand_dims(x, -1) / 255, y)).shuffle(4).batch(5).prefetch(1)\n"
        "model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(10, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])\n"
        "model.fit(data, validation_data=data, verbose=0)\nmodel.evaluate(data, verbose=0)\nmodel.predict(data, verbose=0)\n"
    ),
    "PyDataset": (
        "class Batches(keras.utils.PyDataset):\n    def __len__(self):\n        return 2\n"
        "    def __getitem__(self, i):\n        return np.zeros((4, 5)), np.zeros((4, 1))\n"
        "model = keras.Sequential([layers.Dense(1)])\nmodel.compile('adam', 'mse')\nmodel.fit(Batches(), verbose=0)\n"
    ),
    "transfer": (
        "base = keras.applications.MobileNetV2((32, 32, 3), include_top=False, weights=None, alpha=0.35)\n"
        "base.trainable = False\n"
        "model = keras.Sequential([base, layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(3, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy')\nmodel.fit(np.zeros((4, 32, 32, 3)), np.zeros(4, int), verbose=0)\n"
    ),
    "adapted": (
        "norm = layers.Normalization()\nnorm.adapt(np.ones((8, 3)))\nmodel = keras.Sequential([norm, layers.Dense(1)])\n"
        "model.compile('adam', 'mse')\nmodel.fit(np.zeros((8, 3)), np.zeros(8), verbose=0)\n"
    ),
    "words": (
        "vectors = layers.TextVectorization(max_tokens=10, output_sequence_length=5)\nvectors.adapt(['a b c', 'b c d'])\n"
        "model = keras.Sequential([vectors, layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)])\n"
        "model.compile('adam', 'mse')\nmodel.fit(tf.constant(['a b', 'c d']), np.zeros((2, 1)), verbose=0)\n"
    ),
    "own step": (
        "class Own(keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.d = layers.Dense(8)\n"
        "    def call(self, t):\n        return self.d(t)\n"
        "    def train_step(self, t):\n        with tf.GradientTape() as tape:\n            loss = tf.reduce_mean((t - self(t)) ** 2)\n"
        "        grads = tape.gradient(loss, self.trainable_weights)\n"
        "        self.optimizer.apply_gradients(zip(grads, self.trainable_weights))\n        return {'loss': loss}\n"
        "model = Own()\nmodel.compile('adam')\nmodel.fit(np.zeros((8, 8), 'float32'), verbose=0)\n"
    ),
    "by hand": (
        "model = keras.Sequential([layers.Dense(4), layers.Dense(1)])\nopt = keras.optimizers.SGD()\n@tf.function\n"
        "def step(t):\n    with tf.GradientTape() as tape:\n        loss = tf.reduce_mean(model(t) ** 2)\n"
        "    opt.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))\n    return loss\n"
        "model(tf.zeros((3, 2)))\nopt.build(model.trainable_variables)\nfor _ in range(2):\n    step(tf.zeros((3, 2)))\n"
    ),
    "saved and loaded": (
        "import os, tempfile\npath = os.path.join(tempfile.mkdtemp(), 'm.keras')\n"
        "model = keras.Sequential([layers.Input((5,)), layers.Dense(1)])\nmodel.compile('adam', 'mse')\n"
        "model.fit(np.zeros((4, 5)), np.zeros(4), verbose=0)\nmodel.save(path)\nloaded = keras.models.load_model(path)\n"
        "loaded.fit(np.zeros((4, 5)), np.zeros(4), verbose=0)\n"
    ),
    "grown and frozen": (
        "model = keras.Sequential([layers.Input((5,)), layers.Dense(4), layers.Dense(1)])\nmodel.layers[0].trainable = False\n"
        "model.compile('adam', 'mse')\nmodel.fit(np.zeros((4, 5)), np.zeros(4), verbose=0)\nmodel.pop()\nmodel.add(layers.Dense(2))\n"
        "model.compile('adam', 'mse')\nmodel.fit(np.zeros((4, 5)), np.zeros((4, 2)), verbose=0)\n"
    ),
    "half precision": (
        "keras.config.set_dtype_policy('mixed_float16')\n"
        "model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2), layers.Activation('softmax', dtype='float32')])\n"
        "keras.config.set_dtype_policy('float32')\nmodel.compile('adam', 'sparse_categorical_crossentropy')\n"
        "model.fit(np.zeros((4, 8, 8, 3)), np.zeros(4, int), verbose=0)\n"
    ),
    "watched and weighted": (
        "model = keras.Sequential([layers.Dense(3, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy', weighted_metrics=['accuracy'])\n"
        "model.fit(np.zeros((8, 5)), np.zeros(8, int), class_weight={0: 1., 1: 2., 2: 1.}, validation_split=0.25, verbose=0,\n"
        "          callbacks=[keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True)])\n"
        "model.fit(np.zeros((8, 5)), np.zeros(8, int), sample_weight=np.ones(8), verbose=0)\n"
    ),
    "q values": (
        "model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])\nmodel.compile('adam', 'mse')\n"
        "for _ in range(2):\n    q = model.predict(np.zeros((1, 4)), verbose=0)\n    q[0][1] = 3.0\n"
        "    model.fit(np.zeros((1, 4)), q, verbose=0)\n    act = int(keras.ops.argmax(model(np.zeros((1, 4)))[0]))\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_whole_cells_run_as_they_are(name: str, recwarn: pytest.WarningsRecorder) -> None:
    imports = "import keras, numpy as np\nfrom keras import layers\n"
    imports += "import tensorflow as tf\n" if "tf." in WHOLE[name] else ""
    assert check_cells([imports, WHOLE[name]], {"__name__": "__main__"}).diagnostics == ()
    assert not [w for w in recwarn if "compile()` method is custom" in str(w.message)]
    assert check_cells([imports, WHOLE[name]], {"__name__": "__main__"}, dry_run=True).diagnostics == ()
