"""Every formula against Keras: symbolic calls over a grid of arguments and sizes, each line's text evaluated."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

import keras
import pytest
from keras import layers

from shape_magic import check
from shape_magic.facts import Call
from shape_magic.spans import Shape
from shape_magic.teach.arithmetic import Line, arithmetic, windows
from shape_magic.trace.axes import GRIDS
from shape_magic.words import say
from tests.rules import keras_here

#: What stands for a number in a formula where it is an argument of the layer.
WORDS = {
    say("play.arithmetic.filters"): "filters",
    say("play.arithmetic.units"): "units",
    say("play.arithmetic.times"): "n",
    say("play.arithmetic.output_dim"): "output_dim",
}


def value(line: Line, call: Call) -> int:
    """What a formula comes to, read as a person would."""
    text = line.formula
    if text == say("play.arithmetic.every_step"):
        return int(str((call.input_shape or ())[1]))
    if text in WORDS:
        return int(str(call.argument(WORDS[text])))
    text = re.sub(r"⌊(.*?) / (\d+)⌋", r"(\1) // \2", text)
    text = re.sub(r"⌈(.*?) / (\d+)⌉", r"-(-(\1) // \2)", text)
    text = text.replace("×", "*").replace("−", "-").replace(",", "")
    assert re.fullmatch(r"[\d\s()*/+-]+", text), line
    return int(eval(text))


def traced(layer: Any, *shapes: Shape) -> Call:
    """The call of a layer on these inputs, as Keras itself traces it."""
    inputs = [keras.Input(shape[1:]) for shape in shapes]
    given = inputs[0] if len(inputs) == 1 else inputs
    with keras.StatelessScope(initialize_variables=False):
        model = keras.Model(inputs, layer(given))
    return check(model).models[0].calls[-1]


def sizes_of(call: Call) -> dict[str, int | None]:
    """The output's axes by their words."""
    return dict(zip(call.output_axes[0], call.output_shape or (), strict=True))


def holds(call: Call) -> None:
    """Every line says what is so, and every axis that a layer for grids changes has one."""
    lines = arithmetic(call)
    sizes = sizes_of(call)
    said = [(word, line) for line in lines for word in line.label.split(", ")]
    for word, line in said:
        assert line.result == value(line, call), str(line)
        if word == "parameters":
            assert line.result == call.params
        elif word in sizes:
            assert line.result == sizes[word], str(line)
    assert not call.params or any(word == "parameters" for word, _ in said)


KERNELS, STRIDES, DILATIONS, SIZES = (1, 2, 3, 5), (1, 2, 3), (1, 2), (5, 6, 9)


def windows_to_try() -> Iterator[tuple[int, int, int, int, str]]:
    for kernel, stride, dilation, size in itertools.product(KERNELS, STRIDES, DILATIONS, SIZES):
        for padding in ("valid", "same"):
            if (stride == 1 or dilation == 1) and (padding == "same" or dilation * (kernel - 1) < size):
                yield kernel, stride, dilation, size, padding


@pytest.mark.parametrize(("kernel", "stride", "dilation", "size", "padding"), list(windows_to_try()))
def test_convolution(kernel: int, stride: int, dilation: int, size: int, padding: str) -> None:
    layer = layers.Conv2D(4, (kernel, 2), strides=stride, dilation_rate=dilation, padding=padding)
    call = traced(layer, (None, size, size + 1, 3))
    holds(call)
    assert [w.count for w in windows(call)] == list((call.output_shape or ())[1:-1])


@pytest.mark.parametrize(
    ("kernel", "stride", "size", "padding"),
    list(itertools.product((1, 2, 3, 4), (1, 2, 3), (4, 5, 9), ("valid", "same"))),
)
def test_transposed_convolution(kernel: int, stride: int, size: int, padding: str) -> None:
    for extra in [None, *range(1 if keras_here.lacking("no padding") else 0, stride)]:
        holds(
            traced(
                layers.Conv2DTranspose(4, kernel, strides=stride, padding=padding, output_padding=extra),
                (None, size, size, 2),
            )
        )


@pytest.mark.parametrize(
    "name", ["MaxPooling1D", "AveragePooling1D", "MaxPooling2D", "AveragePooling2D", "MaxPooling3D", "AveragePooling3D"]
)
@pytest.mark.parametrize(
    ("pool", "stride", "padding"), list(itertools.product((1, 2, 3), (None, 1, 2), ("valid", "same")))
)
def test_pooling(name: str, pool: int, stride: int | None, padding: str) -> None:
    n = int(name[-2])
    holds(traced(getattr(layers, name)(pool, strides=stride, padding=padding), (None, *range(6, 6 + n), 3)))


OTHERS: list[tuple[Any, Shape]] = [
    (lambda: layers.Conv1D(4, 3, dilation_rate=2, padding="causal"), (None, 10, 3)),
    (lambda: layers.Conv1D(4, 3, strides=2, use_bias=False), (None, 10, 3)),
    (lambda: layers.Conv3D(4, (1, 2, 3), strides=(1, 2, 1)), (None, 6, 7, 8, 2)),
    (lambda: layers.Conv2D(4, 3, groups=2), (None, 8, 8, 6)),
    (lambda: layers.Conv1DTranspose(4, 3, strides=2), (None, 8, 6)),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), (None, 8, 8, 6)),
    (lambda: layers.DepthwiseConv1D(3, strides=2, use_bias=False), (None, 8, 6)),
    (lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2), (None, 8, 8, 6)),
    (lambda: layers.SeparableConv1D(5, 3, padding="same", use_bias=False), (None, 8, 6)),
    (lambda: layers.ZeroPadding2D(((1, 2), (3, 4))), (None, 8, 9, 6)),
    (lambda: layers.ZeroPadding1D(2), (None, 8, 6)),
    (lambda: layers.ZeroPadding3D(1), (None, 4, 5, 6, 2)),
    (lambda: layers.Cropping2D(((1, 2), (0, 4))), (None, 8, 9, 6)),
    (lambda: layers.Cropping1D((1, 2)), (None, 8, 6)),
    (lambda: layers.UpSampling1D(3), (None, 8, 6)),
    (lambda: layers.UpSampling2D((2, 3)), (None, 8, 9, 6)),
    (lambda: layers.UpSampling3D(2), (None, 4, 5, 6, 2)),
    (lambda: layers.Dense(10), (None, 64)),
    (lambda: layers.Dense(10, use_bias=False), (None, 5, 64)),
    (layers.Flatten, (None, 5, 5, 64)),
    (lambda: layers.RepeatVector(7), (None, 5)),
    (lambda: layers.Embedding(100, 8), (None, 12)),
    (lambda: layers.LSTM(16), (None, 12, 8)),
    (lambda: layers.LSTM(16, return_sequences=True, use_bias=False), (None, 12, 8)),
    (lambda: layers.GRU(16), (None, 12, 8)),
    (lambda: layers.GRU(16, reset_after=False), (None, 12, 8)),
    (lambda: layers.SimpleRNN(16, return_sequences=True), (None, 12, 8)),
    (lambda: layers.Bidirectional(layers.LSTM(16, return_sequences=True)), (None, 12, 8)),
    (lambda: layers.Bidirectional(layers.SimpleRNN(16), merge_mode="sum"), (None, 12, 8)),
    (layers.BatchNormalization, (None, 5, 5, 64)),
    (lambda: layers.BatchNormalization(scale=False), (None, 64)),
    (layers.LayerNormalization, (None, 5, 64)),
    (lambda: layers.GroupNormalization(4), (None, 5, 5, 64)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "shape"), OTHERS)
def test_other_layers(make: Any, shape: Shape) -> None:
    call = traced(make(), shape)
    assert arithmetic(call)
    holds(call)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_global_pooling_counts_positions(n: int) -> None:
    call = traced(getattr(layers, f"GlobalAveragePooling{n}D")(), (None, *range(4, 4 + n), 8))
    (line,) = arithmetic(call)
    assert line.result == value(line, call) == math.prod(range(4, 4 + n))


def test_concatenate_adds_up() -> None:
    call = traced(layers.Concatenate(), (None, 4, 4, 8), (None, 4, 4, 3))
    assert str(arithmetic(call)[0]) == "features: 8 + 3 = 11"


@pytest.mark.parametrize(("target", "fits"), [((7, 4), True), ((-1, 4), True), ((28,), True)])
def test_reshape(target: tuple[int, ...], fits: bool) -> None:
    (line,) = arithmetic(traced(layers.Reshape(target), (None, 4, 7)))
    assert line.result == 28
    assert ("does not" not in line.note) == fits


def test_open_axes_stay_open() -> None:
    call = traced(layers.Conv2D(4, 3), (None, None, 8, 3))
    assert [str(line) for line in arithmetic(call)][:2] == [
        "height: ⌊(n − 3) / 1⌋ + 1 = open",
        "width: ⌊(8 − 3) / 1⌋ + 1 = 6",
    ]


def test_equal_axes_share_a_line() -> None:
    lines = [str(line) for line in arithmetic(traced(layers.Conv2D(32, 3), (None, 28, 28, 1)))]
    assert lines == [
        "height, width: ⌊(28 − 3) / 1⌋ + 1 = 26",
        "channels: filters = 32",
        "parameters: (3 × 3 × 1 + 1) × 32 = 320",
    ]


def test_what_is_left_over_is_said() -> None:
    (line,) = arithmetic(traced(layers.MaxPooling2D(2), (None, 5, 5, 3)))
    assert str(line) == "height, width: ⌊(5 − 2) / 2⌋ + 1 = 2 · 1 at the end is not read"


def test_pads_are_those_that_tensorflow_adds() -> None:
    # Ones under a window of ones: where zeros were added, the sum is smaller by their number.
    for size, kernel, stride in itertools.product((5, 6, 9), (2, 3, 4, 5), (1, 2, 3)):
        layer = layers.Conv1D(1, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="ones")
        sums = keras.ops.convert_to_numpy(layer(keras.ops.ones((1, size, 1))))[0, :, 0]
        (window,) = windows(traced(layers.Conv1D(1, kernel, strides=stride, padding="same"), (None, size, 1)))
        before, _ = window.pads
        starts = [k * stride - before for k in range(window.count or 0)]
        assert list(sums) == [sum(0 <= at + j < size for j in range(kernel)) for at in starts]
        assert GRIDS[1] == (window.axis,)
