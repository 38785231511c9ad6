"""What is said of a layer: its arguments, read without what Keras would put in writing beside them."""

from __future__ import annotations

import gc
import weakref
from typing import Any
from unittest import mock

import keras
import pytest
from keras import layers

from shape_magic.trace import arguments as written
from shape_magic.trace.classes import is_what_it_holds
from tests.trace.every_layer import ONE_INPUT, SEVERAL_INPUTS

UNUSUAL = {
    "recipes as objects": lambda: layers.Dense(
        3, kernel_initializer=keras.initializers.HeNormal(1), kernel_regularizer=keras.regularizers.L2(0.1)
    ),
    "recipes by name": lambda: layers.Conv2D(3, 3, bias_constraint="non_neg", activity_regularizer="l1"),
    "a dtype": lambda: layers.Dense(3, dtype="mixed_float16"),
    "an unbounded ReLU": lambda: layers.ReLU(max_value=float("inf")),
    "a layer within two": lambda: layers.TimeDistributed(layers.Bidirectional(layers.GRU(3, dropout=0.5))),
    "stacked cells": lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(4)]),
    "a model within": lambda: layers.TimeDistributed(keras.Sequential([layers.Dense(3)])),
    "a Lambda": lambda: layers.Lambda(lambda x: x),
    "one that learns": lambda: layers.Normalization(axis=-1, mean=0.0, variance=1.0),
}
MAKERS: dict[str, Any] = {name: make for name, (make, *_) in {**ONE_INPUT, **SEVERAL_INPUTS}.items()} | UNUSUAL


@pytest.mark.parametrize("name", MAKERS)
def test_arguments_are_those_of_keras_config(name: str) -> None:
    layer = MAKERS[name]()
    with mock.patch.object(written, "is_what_it_holds", return_value=False):
        whole = written.arguments(layer)
    for _ in range(2):  # the first layer of a kind is asked at once, another one when its arguments are read
        assert written.arguments(layer) == whole
    for argument, value in whole.items():  # what is asked alone is not told from the configuration
        assert written.arguments(layer)[argument] == value


#: A layer is a module of PyTorch's there, and its configuration is always made as a whole.
told_by_its_attributes = pytest.mark.skipif(
    not is_what_it_holds(layers.Dense), reason="a layer is not told by its attributes on this backend"
)


@told_by_its_attributes
def test_arguments_are_read_when_they_are_wanted_and_are_those_of_then() -> None:
    written.forget()  # what layers of other tests have in common with these
    layer, other = layers.Dense(3, activation="relu"), layers.Dense(5)
    for _ in range(2):  # the second time it is found out whether the units are what the layer holds under this name
        assert written.arguments(layer)["units"] == 3
    with mock.patch.object(layers.Dense, "get_config", autospec=True, side_effect=layers.Dense.get_config) as asked:
        told, more = written.arguments(layer), written.arguments(other)
        layer.units = 4
        assert (told["units"], more["units"]) == (3, 5)
        assert not asked.called
        assert more["activation"] == "linear"
        assert dict(told)["activation"] == "relu"
        assert asked.call_count == 2
    assert written.arguments(layer)["units"] == 4


def test_what_waits_to_be_read_keeps_no_weights_and_no_initializers() -> None:
    for _ in range(2):
        layer = layers.Dense(3, kernel_initializer=keras.initializers.HeNormal(1))
        layer.build((None, 4))
        told = written.arguments(layer)
        gone = [weakref.ref(thing) for thing in (layer, layer.kernel, layer.kernel_initializer)]
        del layer
        gc.collect()
        assert [ref() for ref in gone] == [None] * 3
        assert told["units"] == 3


@pytest.mark.parametrize("given", [None, 1])
def test_what_an_older_keras_leaves_out_of_a_configuration_is_told(given: int | None) -> None:
    for _ in range(2):
        told = written.arguments(layers.Conv2DTranspose(4, 3, strides=2, output_padding=given))
        assert told["output_padding"] in (given, [given] * 2)


def test_a_layer_is_not_changed_by_being_read() -> None:
    layer = layers.Bidirectional(layers.LSTM(3), name="both")
    before = layer.get_config()
    written.arguments(layer)
    assert layer.get_config() == before


@told_by_its_attributes
def test_no_initializer_is_put_in_writing() -> None:
    with mock.patch.object(keras.initializers.GlorotUniform, "get_config", side_effect=AssertionError):
        assert written.arguments(layers.Dense(3))["units"] == 3
