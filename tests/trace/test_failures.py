"""What is left of an exception that comes out of a compiled step: what TensorFlow says, and no frame."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic.trace.failures import failure_of

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="these are TensorFlow's words")


def said_of(data: Any, *stack: Any, loss: Any = "mse") -> str:
    """What is told of a fit that TensorFlow stops."""
    model = keras.Sequential(list(stack))
    model.compile("sgd", loss)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        model.fit(data, verbose=0)
    assert "Traceback" in str(caught.value) or "Graph execution error" in str(caught.value)
    return failure_of(caught.value).message


def test_a_label_without_a_unit() -> None:
    data = tf.data.Dataset.from_tensor_slices((np.zeros((6, 4)), np.full(6, 5))).batch(3)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert said_of(data, layers.Dense(5), loss=loss).startswith("Received a label value of 5 which is outside")


def test_a_number_without_a_vector() -> None:
    data = tf.data.Dataset.from_tensor_slices((np.full((6, 3), 9), np.zeros(6))).batch(3)
    assert said_of(data, layers.Embedding(4, 3), layers.LSTM(3), layers.Dense(1)) == "indices[0,0] = 9 is not in [0, 4)"


def test_an_exception_of_the_users_own() -> None:
    def read(number: Any) -> Any:
        raise ValueError(f"no picture {int(number)}")

    def loaded(number: Any) -> Any:
        return tf.ensure_shape(tf.py_function(read, [number], tf.float32), (1,)), 0.0

    data = tf.data.Dataset.range(4).map(loaded).batch(2)
    said = said_of(data, layers.Input((1,)), layers.Dense(1))
    assert "ValueError: no picture 0" in said
    assert "File" not in said
