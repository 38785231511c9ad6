"""The second tier: what real calls say, and that asking them leaves nothing behind."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cells
from shape_magic.report import Report

IMPORTS = "import keras\nimport numpy as np\nfrom keras import layers, ops\n"


def checked(source: str, namespace: dict[str, Any] | None = None) -> Report:
    """The report of one cell, nothing trained."""
    return check_cells([IMPORTS, source], namespace, dry_run=True)


def rules(source: str) -> list[tuple[str, str]]:
    """The rules that speak of a cell, with their severity."""
    return [(d.rule, d.severity) for d in checked(source).diagnostics]


def test_the_first_half_of_a_model_is_not_talked_about() -> None:
    report = checked(
        "i = keras.Input((16, 8))\nx = layers.MultiHeadAttention(2, 4)(i, i)\nx = layers.LayerNormalization()(x + i)\n"
        "x = layers.Dense(4)(x)"
    )
    assert report.diagnostics == ()
    assert report.models == ()


def test_two_halves_in_two_cells_make_one_model() -> None:
    cells = [
        IMPORTS,
        "i = keras.Input((16, 8))\nx = layers.Conv1D(4, 3)(i)",
        "m = keras.Model(i, layers.Dense(3)(layers.Flatten()(x)))",
    ]
    report = check_cells([*cells, "m.predict(np.zeros((4, 16, 8)), verbose=0)"], dry_run=True)
    assert [m.name for m in report.models] == ["m"]
    assert report.ok


def test_a_wrong_call_in_no_model_is_told_under_its_variable() -> None:
    report = checked("q = keras.Input((16,))\no = layers.MultiHeadAttention(2, 8)(q, q)")
    assert [(d.rule, d.severity) for d in report.diagnostics] == [("layer-input-rank", "warning")]
    assert report.models[0].name == "o"
    assert report.models[0].unfinished


def test_what_a_model_takes_up_is_told_once() -> None:
    assert rules(
        "q = keras.Input((5, 16))\nv = keras.Input((7, 12))\nm = keras.Model([q, v], layers.Attention()([q, v]))"
    ) == [("layer-refuses-input", "warning")]


def test_an_operation_that_raises_is_named() -> None:
    report = checked("a = keras.Input((10,))\nb = keras.Input((9,))\no = ops.squeeze(a, axis=1)")
    (found,) = report.diagnostics
    assert found.severity == "error"
    assert "`Squeeze` operation" in found.message
    assert found.span is not None
    assert (found.span.start_line, found.span.start_col) == (3, 4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere Keras itself refuses such a layer")
def test_the_batches_of_a_use_decide() -> None:
    fixed = (
        "class Noise(layers.Layer):\n    def call(self, x):\n        return x + keras.random.normal((32, 2))\n"
        "i = keras.Input((2,))\nm = keras.Model(i, Noise()(i))\n"
    )
    assert rules(fixed) == []
    assert rules(fixed + "m.predict(np.zeros((64, 2)), verbose=0)") == []
    assert rules(fixed + "m.predict(np.zeros((50, 2)), verbose=0)") == [("layer-refuses-input", "error")]


def test_a_base_model_is_asked_for_the_channels_that_it_gets() -> None:
    report = checked(
        "base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(96, 96, 3))\n"
        "m = keras.Sequential([keras.Input((96, 96, 1)), base])"
    )
    (found,) = report.diagnostics
    assert found.rule == "nested-model-input"
    assert report.models[0].calls[found.call or 0].layer == "Conv1"


def test_the_users_layers_train_afterwards_and_keep_what_they_had() -> None:
    namespace: dict[str, Any] = {}
    checked(
        "class Kept(layers.Layer):\n"
        "    def __init__(self):\n        super().__init__()\n        self.inner = layers.Dense(4)\n"
        "    def call(self, x):\n        self.last = x\n        return self.inner(x)\n"
        "i = keras.Input((6,))\nkept = Kept()\n"
        "m = keras.Model(i, layers.Dense(1)(layers.Softmax()(kept(i))))\nm.compile(loss='mse')",
        namespace,
    )
    seen = vars(namespace["kept"])["last"]
    checked("m.predict(np.zeros((8, 6)), verbose=0)", namespace)
    assert vars(namespace["kept"])["last"] is seen
    history = namespace["m"].fit(np.ones((8, 6)), np.ones((8, 1)), verbose=0)
    assert np.isfinite(history.history["loss"][0])


def in_batches(rows: str, labels: str = "np.zeros((3, 1), 'float32')") -> str:
    """A data set that gives batches like this, under the name ``data``."""
    return (
        "class Batches(keras.utils.PyDataset):\n    def __len__(self):\n        return 2\n\n"
        f"    def __getitem__(self, index):\n        return {rows}, {labels}\n\n\ndata = Batches()\n"
    )


FOLDED = (
    "i = keras.Input((5,))\nm = keras.Model(i, layers.Dense(1)(ops.mean(ops.reshape(i, (-1, 4, 5)), axis=1)))\n"
    "m.compile('adam', 'mse')\n"
)
EDGES = (
    "a, p = keras.Input((5,)), keras.Input((2,), dtype='int32')\n"
    "g = ops.segment_sum(ops.take(a, p[:, 1], axis=0), p[:, 0], num_segments=12)\n"
    "m = keras.Model([a, p], layers.Dense(1)(ops.mean(ops.reshape(g, (-1, 4, 5)), axis=1)))\nm.compile('adam', 'mse')\n"
)


@pytest.mark.parametrize(
    "cell",
    [
        FOLDED,
        in_batches("np.ones((12, 5), 'float32')") + FOLDED + "m.fit(data, verbose=0)",
        in_batches("(np.ones((12, 5), 'float32'), np.zeros((18, 2), 'int32'))") + EDGES + "m.fit(data, verbose=0)",
    ],
    ids=["folded rows", "rows of which four are a sample", "nodes and edges"],
)
def test_rows_that_are_no_samples_are_let_be(cell: str) -> None:
    assert rules(cell) == []


def test_the_rows_that_a_generator_gives_are_its_batch() -> None:
    cell = in_batches("np.ones((6, 5), 'float32')", "np.zeros((6, 1), 'float32')") + FOLDED + "m.fit(data, verbose=0)"
    assert rules(cell) == [("layer-refuses-input", "error")]
    assert "batch of 6" in checked(cell).diagnostics[0].message
