"""What learners get wrong: each misconception shows on the items that it is for, is recognised, and is explained."""

from __future__ import annotations

import re
from functools import cache

import pytest

from shape_magic.facts import Call
from shape_magic.teach.bench import dry_run
from shape_magic.teach.derivations import derive
from shape_magic.teach.misconceptions import ALL, BY_ID, Item, candidates

ITEMS = [(m.id, item) for m in ALL for item in (m.learned, m.unseen)]


@cache
def traced(item: Item) -> Call:
    """The item's layer, as it is traced."""
    return dry_run(item.source).models[0].calls[-1]


def of(layer: str, shape: tuple[int, ...]) -> Call:
    return traced(Item("", shape, layer))


@pytest.mark.parametrize(("name", "item"), ITEMS)
def test_it_gives_a_wrong_shape_that_is_recognised(name: str, item: Item) -> None:
    call = traced(item)
    wrong = BY_ID[name].predict(call)
    assert wrong is not None
    assert wrong != call.output_shape
    assert name in [m.id for m in candidates(call, wrong)]


@pytest.mark.parametrize("name", list(BY_ID))
def test_it_is_the_one_that_is_named_where_it_is_met_first(name: str) -> None:
    call = traced(BY_ID[name].learned)
    wrong = BY_ID[name].predict(call)
    assert wrong is not None
    assert candidates(call, wrong[1:] if name != "counted-the-batch" else wrong)[0].id == name


@pytest.mark.parametrize(("name", "item"), ITEMS)
def test_the_explanation_has_the_layers_numbers(name: str, item: Item) -> None:
    call = traced(item)
    text, task = BY_ID[name].explain(call), BY_ID[name].explain(call, solved=False)
    way = derive(call)
    assert way is not None
    assert text.endswith(way.how)
    assert "{" not in text + task
    assert re.search(r"\d", text)
    assert len(re.findall(r"[.?!](?= |$)", re.sub(r"`[^`]*`", "", text))) == 2, "two sentences"


@pytest.mark.parametrize("item", [item for _, item in ITEMS], ids=lambda item: f"{item.family}: {item.layer}")
def test_the_arithmetic_is_true(item: Item) -> None:
    """Every ``out = formula`` of the explanation is worked out."""
    way = derive(traced(item))
    assert way is not None
    for out, formula in re.findall(r"(\d+) = ([^;,.]*\d[^;,.]*(?:, 0\))?)", way.how):
        expression = formula.replace("×", "*").replace("−", "-")
        expression = re.sub(r"⌊(.*?)⌋", r"math.floor(\1)", re.sub(r"⌈(.*?)⌉", r"math.ceil(\1)", expression))
        expression = re.sub(r"[a-z ]+$", "", expression)
        import math

        assert eval(expression, {"math": math, "max": max}) == int(out), way.how


def test_the_task_gives_no_result_away() -> None:
    way = derive(of("layers.Conv2D(32, 3)", (28, 28, 1)))
    assert way is not None
    assert way.how == "Height and width: 26 = ⌊(28 − 3) / 1⌋ + 1; channels: one for each of the 32 filters."
    assert "26" not in way.task


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("layers.Conv2D(8, 3, dilation_rate=2)", (20, 24, 3)),
        ("layers.Conv2D(8, (3, 5), strides=2)", (20, 24, 3)),
        ("layers.SeparableConv1D(8, 3)", (20, 3)),
        ("layers.DepthwiseConv2D(3, depth_multiplier=2)", (20, 24, 3)),
        ("layers.Conv2DTranspose(8, 5, strides=2)", (7, 9, 3)),
        ("layers.Conv2DTranspose(8, 2, strides=3)", (7, 9, 3)),
        ('layers.Conv3D(4, 3, padding="same", strides=2)', (9, 8, 7, 2)),
        ("layers.AveragePooling2D(3, strides=2)", (20, 24, 3)),
        ('layers.MaxPooling1D(3, padding="same")', (20, 3)),
        ("layers.ZeroPadding2D(((1, 0), (2, 3)))", (7, 9, 3)),
        ("layers.Cropping2D(2)", (7, 9, 3)),
        ("layers.UpSampling2D((2, 3))", (7, 9, 3)),
        ("layers.GlobalAveragePooling2D(keepdims=True)", (7, 9, 3)),
        ("layers.Reshape((-1, 3))", (7, 9, 3)),
        ("layers.Reshape((63, 3))", (7, 9, 3)),
        ("layers.Permute((2, 1))", (7, 9)),
        ("layers.RepeatVector(4)", (7,)),
        ("layers.Bidirectional(layers.LSTM(4), merge_mode='sum')", (7, 9)),
        ("layers.BatchNormalization()", (7, 9, 3)),
        ("layers.Dense(4)", (7,)),
        ("layers.MultiHeadAttention(2, 4)(inputs, inputs)", (7, 9)),
    ],
)
def test_the_way_leads_to_what_keras_gives(layer: str, shape: tuple[int, ...]) -> None:
    call = of(layer, shape)
    way = derive(call)
    assert way is not None
    assert way.shape == call.output_shape


def test_a_layer_without_a_known_way_has_none() -> None:
    assert derive(of("layers.Conv2DTranspose(4, 3, strides=2, output_padding=1)", (7, 7, 3))) is None
    assert derive(of("layers.ConvLSTM2D(4, 3)", (5, 8, 8, 3))) is None


def test_what_makes_no_difference_is_no_misconception_there() -> None:
    call = of("layers.Conv2D(3, 1)", (8, 8, 3))
    assert {m.id for m in ALL if m.predict(call) is not None} == {
        "counted-the-batch",
        "filters-multiply-channels",
        "channels-for-height",
        "forgot-plus-one",
    }


def test_channels_first_is_right_where_it_is_set() -> None:
    call = of('layers.MaxPooling2D(2, data_format="channels_first")', (3, 8, 8))
    assert BY_ID["channels-for-height"].predict(call) is None
    way = derive(call)
    assert way is not None
    assert way.shape == (None, 3, 4, 4)
