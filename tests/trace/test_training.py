"""Which steps of a class' own give the model and its losses the data as they come."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shape_magic.api import check_cell

MODEL = """\
import keras
import numpy as np
from keras import layers, ops

class Own(keras.Model):
    def {step}(self, {data}):
        {body}

i = keras.Input((6, 6, 1))
model = Own(i, layers.Dense(3, activation="softmax")({head}))
model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
"""
PLAIN = "layers.Flatten()(i)"
#: What a step does, and whether what it is given is what the model gets and what its loss compares.
STEPS: Mapping[str, tuple[str, bool]] = {
    "Keras' own, called": ("return super().train_step(data)", True),
    "written out": (
        "x, y = data\n        p = self(x, training=True)\n        loss = self.compute_loss(y=y, y_pred=p)\n"
        "        return {'loss': loss}",
        True,
    ),
    "unpacked by Keras": (
        "x, y, w = keras.utils.unpack_x_y_sample_weight(data)\n        p = self(x)\n"
        "        return {'loss': self.compute_loss(x, y, p, w)}",
        True,
    ),
    "metrics of its own": (
        "x, y = data\n        p = self(x)\n        self.loss_tracker.update_state(y, p)\n"
        "        return {'loss': self.compute_loss(x, y, p)}",
        True,
    ),
    "labels made one-hot": (
        "x, y = data\n        p = self(x)\n        return {'loss': self.compute_loss(x, ops.one_hot(y, 3), p)}",
        False,
    ),
    "labels made one-hot above": (
        "x, y = data\n        y = ops.one_hot(y, 3)\n        p = self(x)\n        return {'loss': self.loss(y, p)}",
        False,
    ),
    "the step of Keras on other data": ("return super().train_step((data[0], ops.one_hot(data[1], 3)))", False),
    "data made flat": (
        "x, y = data\n        p = self(ops.reshape(x, (-1, 6, 6, 1)))\n        return {'loss': self.loss(y, p)}",
        False,
    ),
    "data of its own": ("return {'loss': ops.mean(self(data[0]))}", False),
}


@pytest.mark.parametrize("step", STEPS)
def test_labels_are_judged_where_the_step_compares_them(step: str) -> None:
    body, plain = STEPS[step]
    cell = MODEL.format(step="train_step", data="data", body=body, head=PLAIN)
    numbers = "model.fit(np.zeros((8, 6, 6, 1)), np.arange(8) % 3)\n"
    found = [d.rule for d in check_cell(cell + numbers, dry_run=True).diagnostics]
    assert found == (["output-against-labels"] if plain else [])


@pytest.mark.parametrize("step", STEPS)
def test_a_missing_flatten_is_seen_through_a_plain_step(step: str) -> None:
    body, plain = STEPS[step]
    cell = MODEL.format(step="train_step", data="data", body=body, head="i")
    rows = "model.fit(np.zeros((8, 6, 6, 1)), np.eye(3)[np.arange(8) % 3])\n"
    found = [d.rule for d in check_cell(cell + rows, dry_run=True).diagnostics]
    assert found == (["dense-on-feature-map"] if plain else [])


def test_a_step_for_training_says_nothing_of_prediction() -> None:
    body, _ = STEPS["data made flat"]
    cell = MODEL.format(step="train_step", data="data", body=body, head=PLAIN)
    found = check_cell(
        cell + "model.fit(np.zeros((8, 36)), np.arange(8))\nmodel.predict(np.zeros((8, 36)))\n", dry_run=True
    )
    assert [d.rule for d in found.diagnostics] == ["model-refuses-data"]
