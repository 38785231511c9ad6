"""Output, loss and labels: what Keras says to them is asked of Keras, with nothing trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic import check
from shape_magic.facts import Contract


def model_of(*parts: Any, **compiled: Any) -> Any:
    model = keras.Sequential([layers.Input((8,)), *parts])
    if compiled:
        model.compile("sgd", **compiled)
    return model


def contract_of(model: Any, x: Any, y: Any) -> Contract:
    contract = check(model, x, y).models[0].contract
    assert contract is not None
    return contract


X = np.zeros((40, 8), "float32")

#: Loss, output width, labels; the loss' name, and what Keras raises.
LOSSES: Mapping[str, tuple[Any, int, Any, str, str | None]] = {
    "fits": ("mse", 3, np.zeros((40, 3)), "mean_squared_error", None),
    "object": (keras.losses.BinaryCrossentropy(from_logits=True), 1, np.zeros((40, 1)), "binary_crossentropy", None),
    "function": (keras.losses.categorical_crossentropy, 3, np.eye(3)[[0] * 40], "categorical_crossentropy", None),
    "one-hot for sparse": (
        *("sparse_categorical_crossentropy", 3, np.eye(3)[[0] * 40], "sparse_categorical_crossentropy"),
        "ValueError",
    ),
    "width": ("categorical_crossentropy", 3, np.zeros((40, 4)), "categorical_crossentropy", "ValueError"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_asked(name: str) -> None:
    loss, units, labels, known_as, error = LOSSES[name]
    contract = contract_of(model_of(layers.Dense(units), loss=loss), X, labels)
    (told,) = contract.losses
    assert (told.name, told.known) == (known_as, True)
    assert (told.failure.type if told.failure else None) == error
    trains = model_of(layers.Dense(units), loss=loss)
    if error is None:
        trains.fit(X, labels, verbose=0)
    else:
        with pytest.raises(Exception, match=r".") as raised:
            trains.fit(X, labels, verbose=0)
        assert type(raised.value).__name__ == error


def test_from_logits_is_known() -> None:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert contract_of(model_of(layers.Dense(3), loss=loss), X, np.zeros(40, int)).losses[0].from_logits is True


def test_own_losses_and_metrics_are_asked_too() -> None:
    def mine(labels: Any, output: Any) -> Any:
        return keras.ops.mean(keras.ops.matmul(labels, output))

    class Kept(keras.metrics.Metric):
        def update_state(self, labels: Any, output: Any, sample_weight: Any = None) -> None:
            raise AssertionError("a metric that can't be copied keeps a state of the user's")

        def get_config(self) -> Any:
            raise NotImplementedError

    contract = contract_of(model_of(layers.Dense(3), loss=mine, metrics=[Kept(), "accuracy"]), X, np.zeros((40, 3)))
    assert (contract.losses[0].name, contract.losses[0].known) == ("mine", False)
    assert contract.losses[0].failure is not None
    assert [m.failure for m in contract.metrics] == [None, None]


def test_asking_leaves_no_mark_on_losses_and_metrics() -> None:
    metric = keras.metrics.MeanSquaredError()
    model = model_of(layers.Dense(3), loss="mse", metrics=[metric])
    check(model, X, np.ones((40, 3)))
    assert float(metric.result()) == 0.0
    assert model._compile_metrics is None or not model._compile_metrics.built
    history = model.fit(X, np.ones((40, 3)), verbose=0)
    assert history.history["mean_squared_error"][0] > 0


def test_a_width_that_the_functional_model_refuses() -> None:
    contract = contract_of(model_of(layers.Dense(3), loss="mse"), np.zeros((40, 9)), np.zeros((40, 3)))
    assert contract.failure is not None
    assert contract.outputs == ()


def test_two_outputs_two_losses() -> None:
    i = keras.Input((8,))
    model = keras.Model(i, [layers.Dense(3, name="a")(i), layers.Dense(1, name="b")(i)])
    model.compile("sgd", {"a": "mse", "b": "mse"})
    contract = contract_of(model, X, {"a": np.zeros((40, 3)), "b": np.zeros((40, 1))})
    assert contract.outputs == ((None, 3), (None, 1))
    assert [loss.failure for loss in contract.losses] == [None, None]
    assert [d.shape for d in contract.y] == [(40, 3), (40, 1)]
    assert check(model, X, {"a": np.zeros((40, 3)), "b": np.zeros((40, 1))}).ok


def test_the_batch_is_the_real_one() -> None:
    """The last batch of 40 samples is of another size; a model that fixes it is asked with the first."""
    model = keras.Sequential([layers.Input((8,), batch_size=20), layers.Dense(3)])
    model.compile("sgd", "mse")
    assert check(model, X, np.zeros((40, 3))).ok
