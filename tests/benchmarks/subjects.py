"""What is measured: models and cells, each by a function that makes it anew under a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras
import numpy as np
from keras import layers

#: The cell that the README begins with: one ``Flatten`` short of a classifier.
SEED = """\
model = keras.Sequential([
    layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(64, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=3, verbose=0)
"""
#: The same without its mistake and its training.
SMALL_CNN = SEED.replace("    layers.Dense(10", "    layers.Flatten(),\n    layers.Dense(10").replace(
    "model.fit(x_train, y_train, epochs=3, verbose=0)\n", ""
)
RESNET = """\
model = keras.applications.ResNet50(weights=None)
model.compile("adam", "categorical_crossentropy")
"""
#: A base model whose map meets labels that hold one answer per image.
RESNET_HEAD = """\
base = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
model = keras.Sequential([
    base,
    layers.Dense(64, activation="relu"),
    layers.Dense(10),
])
model.compile("adam", "categorical_crossentropy")
model.fit(x_train, y_train, verbose=0)
"""
#: Thirty lines whose repair can't be tried on the layers alone: the code reads a shape that the repair changes.
FUNCTIONAL = """\
def block(x, filters):
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    return layers.Activation("relu")(y)


classes = 10
inputs = keras.Input((32, 32, 3), name="images")
x = layers.Rescaling(1 / 255)(inputs)
x = block(x, 16)
x = block(x, 16)
x = layers.MaxPooling2D()(x)
x = layers.Dropout(0.1)(x)
x = block(x, 32)
x = block(x, 32)
x = layers.MaxPooling2D()(x)
x = layers.Dropout(0.1)(x)
x = block(x, 64)
x = block(x, 64)
features = x.shape[-1]
x = layers.Dense(features, activation="relu")(x)
x = layers.Dropout(0.3)(x)
outputs = layers.Dense(classes, activation="softmax")(x)
model = keras.Model(inputs, outputs, name="classifier")
model.compile(
    optimizer="adam",
    loss="categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(x_train, y_train, epochs=2, verbose=0)
"""


def names(**more: Any) -> dict[str, Any]:
    """A namespace as a notebook's first cell leaves it."""
    return {"__name__": "__main__", "keras": keras, "layers": layers, "np": np, **more}


def images(count: int, *size: int) -> dict[str, Any]:
    """Data and one-hot labels of ten classes."""
    generator = np.random.default_rng(0)
    labels = np.eye(10, dtype="float32")[generator.integers(0, 10, count)]
    return {"x_train": np.zeros((count, *size), "uint8"), "y_train": labels}


# Models, as functions that build them


def vgg16() -> Any:
    """138 million weights, most of them in one layer."""
    return keras.applications.VGG16(weights=None)


def resnet50() -> Any:
    """A graph with sums, 177 layers."""
    return keras.applications.ResNet50(weights=None)


def efficientnet_b0() -> Any:
    """Many small layers, 239 of them."""
    return keras.applications.EfficientNetB0(weights=None)


def transformer() -> Any:
    """Twelve encoder blocks over 128 tokens."""
    tokens = keras.Input((128,), dtype="int32")
    x = layers.Embedding(8000, 256)(tokens)
    for _ in range(12):
        attended = layers.MultiHeadAttention(8, 32)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        wide = layers.Dense(256)(layers.Dense(1024, activation="gelu")(x))
        x = layers.LayerNormalization()(layers.Add()([x, wide]))
    return keras.Model(tokens, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def lstm_stack() -> Any:
    """Four recurrent layers over 100 steps."""
    steps = [layers.LSTM(128, return_sequences=True) for _ in range(3)]
    return keras.Sequential([keras.Input((100, 32)), *steps, layers.LSTM(128), layers.Dense(5)])


BUILDERS: dict[str, Callable[[], Any]] = {
    "VGG16": vgg16,
    "ResNet50": resnet50,
    "EfficientNetB0": efficientnet_b0,
    "Transformer, 12 blocks": transformer,
    "4 LSTMs": lstm_stack,
}


# Fresh layers of a stack that has no input, and so is not built by Keras


def vgg16_layers() -> list[Any]:
    """The layers of VGG16, in a list."""
    stack: list[Any] = []
    for filters, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(times)]
        stack.append(layers.MaxPooling2D(2))
    dense = [layers.Dense(4096, activation="relu") for _ in range(2)]
    return [*stack, layers.Flatten(), *dense, layers.Dense(1000, activation="softmax")]


def unlike_layers(count: int) -> list[Any]:
    """Layers for 224×224 images, no two of which are alike."""
    makers: list[Callable[[int], Any]] = [
        lambda k: layers.Conv2D(8 + k, 3, padding="same", activation="relu"),
        lambda k: layers.BatchNormalization(momentum=0.9 + k / 10_000),
        lambda k: layers.LeakyReLU(negative_slope=0.1 + k / 1000),
        lambda k: layers.DepthwiseConv2D(3, padding="same", bias_regularizer=keras.regularizers.L2(k / 1000)),
        lambda k: layers.SpatialDropout2D(0.1 + k / 1000),
        lambda k: layers.Conv2D(8 + k, 1, use_bias=False),
        lambda k: layers.LayerNormalization(epsilon=1e-3 + k / 1_000_000),
        lambda k: layers.GaussianNoise(0.1 + k / 1000),
        lambda k: layers.SeparableConv2D(8 + k, 3, padding="same"),
        lambda k: layers.Dense(8 + k),
    ]
    return [makers[k % len(makers)](k) for k in range(count)]


def billion() -> list[Any]:
    """Layers with a billion weights between them, 4 GB in float32."""
    return [layers.Dense(16_384) for _ in range(5)]


# Cells of many layers


def _written(number: int) -> str:
    """A layer of a long stack, no two of which are alike."""
    kinds = (
        f'layers.Dense({16 + number}, activation="relu")',
        f"layers.BatchNormalization(momentum={0.5 + number / 10_000})",
        f"layers.Activation({('relu', 'tanh', 'elu')[number % 3]!r})",
        f"layers.Dropout({0.1 + number / 10_000})",
    )
    return kinds[number % 4]


Style = Literal["list", "add"]


def stack_cell(count: int, style: Style = "list", *, changed: int | None = None, start: str = "") -> str:
    """A cell that makes a stack of so many layers: in one list, or with one ``add`` for each.

    One of the layers may be written otherwise, and there may be an input in front of them.
    """
    written = [_written(k) for k in range(count)]
    if changed is not None:
        written[changed] = 'layers.Dense(7, activation="relu")'
    elements = [start, *written] if start else written
    if style == "list":
        return "".join(["model = keras.Sequential([\n", *(f"    {one},\n" for one in elements), "])\n"])
    return "".join(["model = keras.Sequential()\n", *(f"model.add({one})\n" for one in elements)])
