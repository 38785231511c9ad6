"""What a layer does with a mask, as Keras itself shows it: by its warning, and by the mask on what it gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from shape_magic import check_cell
from shape_magic.trace.layers import masks

MADE: dict[str, Callable[[], Any]] = {
    "Activation": lambda: layers.Activation("relu"),
    "BatchNormalization": layers.BatchNormalization,
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(2)),
    "Conv1D": lambda: layers.Conv1D(3, 3),
    "Cropping1D": lambda: layers.Cropping1D(1),
    "Dense": lambda: layers.Dense(3),
    "Dropout": lambda: layers.Dropout(0.1),
    "Flatten": layers.Flatten,
    "GRU": lambda: layers.GRU(2, return_sequences=True),
    "GlobalAveragePooling1D": layers.GlobalAveragePooling1D,
    "GlobalMaxPooling1D": layers.GlobalMaxPooling1D,
    "LSTM": lambda: layers.LSTM(2),
    "LayerNormalization": layers.LayerNormalization,
    "MaxPooling1D": layers.MaxPooling1D,
    "Permute": lambda: layers.Permute((2, 1)),
    "Reshape": lambda: layers.Reshape((48,)),
    "SeparableConv1D": lambda: layers.SeparableConv1D(3, 3),
    "SpatialDropout1D": lambda: layers.SpatialDropout1D(0.1),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(2)),
    "UpSampling1D": lambda: layers.UpSampling1D(2),
    "ZeroPadding1D": lambda: layers.ZeroPadding1D(1),
}


@pytest.mark.parametrize("name", MADE)
def test_it_is_what_keras_does(name: str) -> None:
    layer = MADE[name]()
    masked = layers.Masking()(np.ones((2, 8, 6), "float32"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        given = layer(masked)
    is_dropped = any("destroy the mask" in str(one.message) for one in told)
    assert (masks(layer) == "drops") == is_dropped
    if masks(layer) == "keeps":
        assert getattr(given, "_keras_mask", None) is not None


def test_what_others_do_with_it_is_not_known() -> None:
    class Own(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    assert masks(Own()) == ""
    assert masks(layers.Lambda(lambda x: x)) == ""


def _found(
    *between: str, start: str = "layers.Embedding(50, 4, mask_zero=True, name='words')"
) -> list[tuple[str, str]]:
    lines = ["layers.Input((8,))", start, *between]
    cell = "model = keras.Sequential([\n" + "".join(f"    {line},\n" for line in lines) + "])\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_cell(cell, {"keras": keras, "layers": layers}, dry_run=True).diagnostics
    return [(d.rule, fix.title) for d in found for fix in d.fixes or ()]


def _rules_of_two_ways(end: str) -> list[str]:
    """Two ways that come together again before the end."""
    cell = (
        "ids = layers.Input((8,))\nwords = layers.Embedding(50, 4, mask_zero=True)(ids)\n"
        "both = layers.Add()([layers.Dense(4)(words), layers.Dense(4)(words)])\n"
        f"model = keras.Model(ids, layers.Dense(1)({end}))\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [d.rule for d in check_cell(cell, {"keras": keras, "layers": layers}, dry_run=True).diagnostics]


def test_the_first_layer_that_drops_it_is_told_where_none_read_it() -> None:
    rule = "mask-without-reader"
    out = (rule, "Take mask_zero out of words")
    assert [title for _, title in _found("layers.Flatten()", "layers.Dense(1)")][-1] == out[1]
    assert _found("layers.Dropout(0.1)", "layers.Conv1D(4, 3)", "layers.LSTM(2)") == [out]
    assert not _found("layers.Flatten()", "layers.Dense(1)", start="layers.Embedding(50, 4)")
    assert not _found("layers.LSTM(4, return_sequences=True)", "layers.Flatten()", "layers.Dense(1)")
    assert not _found("layers.GlobalAveragePooling1D()", "layers.Dense(1)")
    assert not _found("layers.Dense(5)")
    assert _rules_of_two_ways("layers.Flatten()(both)") == [rule]
    assert _rules_of_two_ways("layers.LSTM(2)(both)") == []
    assert not _found("layers.Lambda(lambda x: x[:, 0])", "layers.Dense(1)")
