"""What Keras says of a loss and its labels is asked once, and anew where anything could make it say something else."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from shape_magic.facts import Data
from shape_magic.trace import losses
from shape_magic.trace.losses import asked, kind


def test_the_same_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "_said", {})
    made: list[str] = []
    refused = losses.refused
    monkeypatch.setattr(losses, "refused", lambda *a: made.append("") or refused(*a))  # type: ignore[func-returns-value]

    def said(output: tuple[int, ...], labels: tuple[int, ...], loss: Any) -> str | None:
        said = asked(
            lambda: keras.losses.get(loss),
            [keras.KerasTensor(output)],
            [Data("y", labels, "float32")],
            8,
            kind("loss", loss),
        )
        return said.failure.type if said.failure is not None else None

    assert said((8, 10), (8, 10), "categorical_crossentropy") is None
    assert said((8, 10), (8, 3), "categorical_crossentropy") == "ValueError"
    assert len(made) == 2
    assert said((8, 10), (8, 10), "categorical_crossentropy") is None
    assert said((8, 10), (8, 3), "categorical_crossentropy") == "ValueError"
    assert len(made) == 2
    assert said((8, 10), (8, 10), "mse") is None
    assert len(made) == 3


def test_equal_losses_are_of_one_kind_and_the_users_own_of_none() -> None:
    class Own(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_pred

    make = keras.losses.CategoricalCrossentropy
    assert kind("loss", make()) == kind("loss", make())
    assert kind("loss", make()) != kind("loss", make(from_logits=True))
    assert kind("loss", "mse") != kind("metric", "mse")
    assert kind("loss", Own()) is None
    assert kind("loss", lambda y, p: p) is None
    with keras.saving.custom_object_scope({"mse": lambda y, p: p}):
        assert kind("loss", "mse") is None
    keras.saving.get_custom_objects()["Package>mse"] = make
    try:
        assert kind("loss", "mse") is None
    finally:
        del keras.saving.get_custom_objects()["Package>mse"]
