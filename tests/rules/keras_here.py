"""What some pages speak of and an older Keras does otherwise: asked of the Keras that is here, not of its number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers


def refuses(make: Callable[[], object]) -> bool:
    """Whether Keras or its backend raises."""
    try:
        make()
    except Exception:  # noqa: BLE001 - whatever it raises
        return True
    return False


def _two_outputs(labels: Any, **compiled: Any) -> None:
    x = keras.Input((2,))
    model = keras.Model(x, [layers.Dense(1, name="p")(x), layers.Dense(1, name="q")(x)])
    model.compile(loss={"p": "mse", "q": "mse"}, **compiled)
    model.fit(np.zeros((4, 2)), labels, verbose=0)


def _attention_behind_a_mask() -> None:
    x = keras.Input((5, 4))
    steps = layers.LSTM(3, return_sequences=True)(layers.Masking(0.0)(x))
    keras.Model(x, layers.Attention()([steps, steps]))(np.ones((2, 5, 4), "float32"))


def _attention_over(rank: int) -> None:
    x = keras.Input((3, 3, 4, 3, 1)[: rank - 1])
    keras.Model(x, layers.Attention()([x, x])).predict(np.zeros((4, *x.shape[1:]), "float32"), verbose=0)


_ROWS, _Y = np.zeros((2, 6), "float32"), np.zeros((4, 1))

#: What this Keras must do for a page to hold, and what is said where it doesn't.
FEATURES: dict[str, tuple[Callable[[], bool], str]] = {
    "adaptive": (lambda: hasattr(layers, "AdaptiveAveragePooling2D"), "this Keras has no adaptive pooling"),
    "windows": (
        lambda: refuses(lambda: layers.Conv2D(1, 3)(keras.Input((2, 2, 1)))),
        "this Keras builds a window that is too large by one, and raises with the first batch",
    ),
    "half of the weights": (
        lambda: refuses(lambda: _two_outputs([_Y, _Y], loss_weights={"p": 1.0})),
        "this Keras takes loss weights for half of the outputs",
    ),
    "names": (
        lambda: refuses(lambda: _two_outputs({"p": _Y, "z": _Y})),
        "this Keras takes labels by any name",
    ),
    "half of the labels": (
        lambda: refuses(lambda: _two_outputs([_Y])),
        "this Keras trains without a word on the labels that there are",
    ),
    "attention on rows": (
        lambda: not refuses(lambda: layers.Attention()([_ROWS, _ROWS])),
        "attention without a time axis raises in this Keras",
    ),
    "attention behind a mask": (
        lambda: not refuses(_attention_behind_a_mask),
        "attention behind a mask raises in this Keras",
    ),
    "given moments": (
        lambda: not refuses(lambda: layers.Normalization(mean=0.0, variance=1.0)(np.zeros((1, 2)))),
        "this Keras takes no one moment for all columns",
    ),
    "no padding": (
        lambda: not refuses(lambda: layers.Conv2DTranspose(1, 1, output_padding=0)),
        "this Keras takes no output padding of 0",
    ),
    "doubles": (
        lambda: not refuses(lambda: keras.losses.huber(np.zeros((2, 1)), np.zeros((2, 1)))),
        "huber takes no doubles in this Keras",
    ),
    "generalized cross-entropy": (
        lambda: hasattr(keras.losses, "CategoricalGeneralizedCrossEntropy"),
        "this Keras has no generalized cross-entropy",
    ),
    "circle": (lambda: hasattr(keras.losses, "Circle"), "this Keras has no circle loss"),
    "attention over grids": (
        lambda: not refuses(lambda: layers.Attention()([np.zeros((2, 3, 3, 1), "float32")] * 2)),
        "attention takes three axes in this Keras, no more",
    ),
    "a softmax that refuses six axes": (
        lambda: refuses(lambda: _attention_over(6)) and not refuses(lambda: _attention_over(4)),
        "this processor's kernel of a softmax takes any number of axes",
    ),
    "no normalization of whole numbers": (
        lambda: refuses(lambda: layers.BatchNormalization()(np.zeros((4, 1), "int32"))),
        "this Keras normalizes whole numbers",
    ),
    "open sizes": (
        lambda: not refuses(lambda: layers.Reshape((None, 2))(keras.KerasTensor((None, 4)))),
        "this Keras leaves no size of a Reshape open",
    ),
    "lambdas": (
        lambda: refuses(lambda: layers.Lambda.from_config(layers.Lambda(lambda x: x).get_config())),
        "this Keras copies a lambda",
    ),
}


@cache
def lacking(feature: str) -> str:
    """Why what this feature is needed for doesn't hold here; empty where it does."""
    holds, reason = FEATURES[feature]
    return "" if holds() else reason


#: The cells of the pages and lessons that need one, by the end of their names.
NEEDED = {
    "a-size-that-is-left-open": "open sizes",
    "a-pooling-to-a-fixed-grid": "adaptive",
    "loss-weights-by-half-of-the-names": "half of the weights",
    "another-name-for-labels": "names",
    "labels-for-one-of-two-outputs": "half of the labels",
    "attention-behind-the-last-step": "attention on rows",
    "attention-and-masking-on-sequences": "attention behind a mask",
    "a-mean-and-a-variance-that-are-given": "given moments",
    "patient-2-code": "windows",
}


def why_not(cell: str) -> str:
    """Why a cell of a page or lesson, by its name, doesn't hold here; empty where it does."""
    return lacking(NEEDED[end]) if (end := cell.rpartition("/")[2]) in NEEDED else ""


def pass_over(cells: Iterable[str]) -> None:
    """Skip the running test if one of these cells of the pages doesn't hold here."""
    for reason in filter(None, map(why_not, cells)):
        pytest.skip(reason)


def need(feature: str) -> None:
    """Skip the running test where a feature is lacking."""
    if lacking(feature):
        pytest.skip(lacking(feature))
