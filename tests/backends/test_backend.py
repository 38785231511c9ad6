"""What holds whatever backend Keras runs on: the same findings, fixes and contract, with arrays of the backend's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic import check, check_cell

CNN = """
import keras
from keras import layers
model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(4, 3),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=1, verbose=0)
"""


def arrays(*shape: int) -> list[Any]:
    """Zeros of NumPy, and of the backend."""
    return [np.zeros(shape, "float32"), keras.ops.zeros(shape)]


@pytest.mark.parametrize("own", [False, True], ids=["of NumPy", "of the backend"])
def test_the_headline_mistake_is_found_and_its_fix_trains(own: bool) -> None:
    x, y = arrays(20, 8, 8, 1)[own], arrays(20, 10)[own]
    report = check_cell(CNN, {"x": x, "y": y}, dry_run=True)
    (found,) = report.diagnostics
    assert (found.rule, found.severity) == ("dense-on-feature-map", "error")
    contract = report.models[0].contract
    assert contract is not None
    assert [(d.shape, d.dtype) for d in (*contract.x, *contract.y)] == [
        ((20, 8, 8, 1), "float32"),
        ((20, 10), "float32"),
    ]
    assert found.fixes[0].verified
    names = {"x": x, "y": y}
    exec(str(found.fixes[0].source), names)
    made: Any = names["model"]
    assert made.output_shape == (None, 10)


def test_a_model_is_left_as_it_was_and_trains_afterwards() -> None:
    model = keras.Sequential([layers.LSTM(3), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(2)])
    assert check(model, (None, 5, 8), (None, 2), loss="mse").ok
    assert not model.built
    assert not model.weights
    model.compile("adam", "mse")
    history = model.fit(np.ones((8, 5, 8)), np.zeros((8, 2)), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    before = [np.array(w) for w in model.get_weights()]
    assert check(model, np.ones((8, 5, 8)), np.zeros((8, 2))).ok
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_checking_brings_no_other_backend() -> None:
    program = (
        "import sys, keras, numpy as np; from shape_magic import check_cell\n"
        "all_ = {'tensorflow', 'jax', 'torch'}; before = all_ & set(sys.modules)\n"
        f"report = check_cell({CNN!r}, dict(x=np.zeros((4, 8, 8, 1)), y=np.zeros((4, 10))), dry_run=True)\n"
        "assert report.diagnostics[0].fixes; print(sorted(all_ & set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout.strip().endswith("[]"), run.stderr[-500:]
