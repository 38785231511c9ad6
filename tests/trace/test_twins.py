"""A twin answers as its layer would, and calling it leaves nothing in the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic.trace.twins import twin
from shape_magic.trace.worker import apart
from tests.trace.every_layer import ONE_INPUT, SEVERAL_INPUTS, Shape


def symbols(*shapes: Shape) -> Any:
    tensors = [keras.KerasTensor(s) for s in shapes]
    return tensors[0] if len(tensors) == 1 else tensors


def outside(result: Any) -> list[tuple[Any, str]]:
    return [(tuple(t.shape), str(t.dtype)) for t in keras.tree.flatten(result)]


def held(layer: Any) -> dict[str, Any]:
    """What a layer holds, containers by what is in them, and layers in it by what they hold."""

    def seen(value: Any) -> Any:
        if isinstance(value, keras.Layer):
            return held(value)
        if isinstance(value, dict):
            return {k: seen(v) for k, v in value.items()}
        return [seen(v) for v in value] if isinstance(value, list | tuple | set) else id(value)

    return {name: seen(value) for name, value in vars(layer).items()}


CALLS: dict[str, tuple[Callable[[], Any], tuple[Shape, ...]]] = {
    **{name: (make, (shape,)) for name, (make, shape) in ONE_INPUT.items()},
    **SEVERAL_INPUTS,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_twin_answers_as_the_layer_does_and_leaves_it_untouched(name: str) -> None:
    make, shapes = CALLS[name]
    layer = make()
    if layer.built or hasattr(layer, "adapt"):
        assert twin(layer) is None, "what is built, or learns by adapt, answers for itself"
        return
    before = held(layer)

    def ask() -> tuple[Any, Any]:
        other = twin(layer)
        assert other is not None, "it would have to be made anew by its constructor"
        return outside(other(symbols(*shapes))), sorted(tuple(w.shape) for w in other.weights)

    answer = apart(ask)
    assert held(layer) == before
    result = layer(symbols(*shapes))
    assert answer == (outside(result), sorted(tuple(w.shape) for w in layer.weights))


@pytest.mark.parametrize("name", ["Conv2D", "LSTM", "Bidirectional GRU", "TimeDistributed", "SpectralNormalization"])
def test_a_layer_whose_twin_was_called_is_built_and_trained_as_ever(name: str) -> None:
    make, shape = ONE_INPUT[name]
    layer = make()
    apart(lambda: twin(layer)(symbols(shape)))  # type: ignore[misc]
    model = keras.Sequential([keras.Input(shape[1:]), layer, layers.Flatten(), layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    sizes = (4, *(d or 1 for d in shape[1:]))
    kernels = [np.array(w) for w in layer.trainable_weights]
    model.fit(np.ones(sizes), np.ones((4, 1)), verbose=0)
    assert kernels
    assert any((np.array(w) != before).any() for w, before in zip(layer.trainable_weights, kernels, strict=True))


def test_an_attribute_that_was_changed_since_counts() -> None:
    layer = layers.Dense(3)
    layer.units = 8
    assert outside(apart(lambda: twin(layer)(symbols((None, 4))))) == [((None, 8), "float32")]  # type: ignore[misc]


def test_layers_that_are_shared_inside_are_shared_in_the_twin() -> None:
    cell = layers.GRUCell(3)
    other = twin(layers.RNN([cell, cell]))
    assert other is not None
    first, second = other.cell.cells
    assert first is second
    assert first is not cell


class Own(layers.Layer):
    """A layer of the user's."""


class Sub(layers.Dense):
    """A class of the user's that inherits from Keras'."""


@pytest.mark.parametrize(
    "make",
    [
        Own,
        lambda: Sub(3),
        lambda: layers.TimeDistributed(Sub(3)),
        layers.Normalization,
        lambda: keras.Sequential([layers.Dense(3)]),
        lambda: layers.TimeDistributed(keras.Sequential([layers.Dense(3)])),
    ],
)
def test_what_a_users_constructor_did_is_not_guessed(make: Callable[[], Any]) -> None:
    assert twin(make()) is None
