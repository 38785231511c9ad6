"""Models with a ``call`` of their own: rows, places, fixes, and nothing harmed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shape_magic import check_cells
from shape_magic.report import Report

IMPORTS = "import keras\nimport numpy as np\nfrom keras import layers\n"
NET = """class Net(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.conv = layers.Conv2D(4, 3)
        self.flat = layers.Flatten()
        self.head = layers.Dense(units, activation="softmax")

    def call(self, x):
        return self.head({body})


x, y = np.zeros((16, 8, 8, 1)), np.zeros(16, int)
net = Net(10)
net.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
"""
GOOD = NET.format(body="self.flat(self.conv(x))")
NO_FLATTEN = NET.format(body="self.conv(x)")


def checked(source: str, namespace: dict[str, Any] | None = None) -> Report:
    """The report of one cell, nothing trained."""
    return check_cells([IMPORTS, source], namespace, dry_run=True)


@pytest.mark.parametrize("before", ["", "net(x[:2])\n"], ids=["not built", "built"])
def test_the_rows_are_the_layers_that_run_with_their_places(before: str) -> None:
    report = checked(f"{GOOD}{before}net.fit(x, y)")
    assert report.ok
    (model,) = report.models
    assert [(c.class_name, c.output_shape) for c in model.calls] == [
        ("Conv2D", (None, 6, 6, 4)),
        ("Flatten", (None, 144)),
        ("Dense", (None, 10)),
    ]
    assert [c.span.start_line for c in model.calls if c.span] == [4, 5, 6]
    assert model.contract is not None
    assert model.contract.outputs == ((None, 10),)


def test_an_output_that_does_not_fit_the_labels_is_found_and_mended() -> None:
    report = checked(f"{NO_FLATTEN}net.fit(x, y)")
    (found,) = report.diagnostics
    assert (found.rule, found.severity) == ("dense-on-feature-map", "error")
    assert found.fixes[0].verified
    assert "self.flatten(self.conv(x))" in (found.fixes[0].source or "")


def test_a_failure_is_laid_to_the_layer_that_raises() -> None:
    report = checked(f"{GOOD}net(x[..., 0])")
    (found,) = report.diagnostics
    assert found.rule == "layer-input-rank"
    assert found.span is not None
    assert found.span.start_line == 4


def test_a_block_of_the_users_own_is_named_where_its_own_sum_fails() -> None:
    report = checked(
        "class Block(layers.Layer):\n"
        "    def __init__(self):\n        super().__init__()\n        self.conv = layers.Conv1D(4, 3)\n"
        "    def call(self, x):\n        return self.conv(x) + x\n"
        "class Net(keras.Model):\n"
        "    def __init__(self):\n        super().__init__()\n        self.block = Block()\n"
        "    def call(self, x):\n        return self.block(x)\n"
        "net = Net()\nnet.compile(loss='mse')\nnet.fit(np.zeros((8, 16, 4)), np.zeros((8, 16, 4)))"
    )
    (found,) = report.diagnostics
    assert found.rule == "layer-refuses-input"
    assert "`Block`" in found.message


def test_a_model_that_trains_itself_is_left_alone() -> None:
    report = checked(
        "class Own(keras.Model):\n"
        "    def __init__(self):\n        super().__init__()\n        self.dense = layers.Dense(3)\n"
        "    def call(self, x):\n        return self.dense(x)\n"
        "    def train_step(self, data):\n        return {'loss': 0.0}\n"
        "own = Own()\nown.compile(loss='mse')\nown.fit(np.zeros((8, 4)), np.zeros((8, 9)))"
    )
    assert report.ok


def test_it_trains_afterwards_as_if_it_had_not_been_looked_at() -> None:
    namespace: dict[str, Any] = {}
    checked(f"{GOOD}net.fit(x, y)", namespace)
    net = namespace["net"]
    assert not net.built
    history = net.fit(namespace["x"], namespace["y"], verbose=0)
    assert np.isfinite(history.history["loss"][0])
    assert net.count_params() == 40 + 1450
