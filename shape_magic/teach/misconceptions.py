"""What learners get wrong about shapes, as data: each misconception tells which shape it would answer.

Collected from teaching, not from a study: no learner study has been done. The order is that of the
answer: of several misconceptions that give the same wrong shape, the first is named. ``ALL`` is a matrix
too: each has its explanation, its exercise, where it is met and an unseen item of another family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shape_magic.facts import Call
from shape_magic.spans import Shape
from shape_magic.teach import mistaken
from shape_magic.teach.derivations import derive
from shape_magic.teach.values import values_of
from shape_magic.words import say

Predict = Callable[[Call], Shape | None]
#: An answer as it was written, each size a number or None; with or without the batch axis.
Sizes = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One question by itself: a layer on an input."""

    #: What kind of data and layer it is: no two items of a misconception have the same.
    family: str
    #: One sample of the input.
    shape: tuple[int, ...]
    #: The layer; where it reads several tensors, its whole call on ``inputs``.
    layer: str

    @property
    def source(self) -> str:
        """A cell that builds a model of this layer alone."""
        call = self.layer if "inputs" in self.layer else f"{self.layer}(inputs)"
        return f"inputs = keras.Input({self.shape})\noutputs = {call}\nmodel = keras.Model(inputs, outputs)\n"


@dataclass(frozen=True, slots=True)
class Misconception:
    """A wrong idea of what a layer does to a shape."""

    id: str
    _predict: Predict
    #: The rule whose exercise practises what is misunderstood.
    rule: str
    #: Where it is met first, and an item of another family on which it shows again.
    learned: Item
    unseen: Item

    def predict(self, call: Call) -> Shape | None:
        """The shape that a learner with this misconception gives; None where it makes no difference."""
        if call.output_shape is None or not call.input_shapes:
            return None
        shape = self._predict(call)
        wrong = shape is not None and shape[1:] != call.output_shape[1:]
        return shape if wrong and all(size is None or size >= 0 for size in shape or ()) else None

    def recognises(self, call: Call, sizes: Sizes) -> bool:
        """Whether an answer is the one that this misconception gives."""
        shape = self.predict(call)
        return shape is not None and sizes in (shape, shape[1:])

    @property
    def name(self) -> str:
        """The misconception in a few words."""
        return say(f"quiz.misconception.{self.id}.name")

    def explain(self, call: Call, *, solved: bool = True) -> str:
        """What the answer did, and what is right, with this layer's numbers; unsolved, a ``?`` stands for results."""
        did = say(f"quiz.misconception.{self.id}.did", **values_of(call))
        way = derive(call)
        return f"{did} {way.how if solved else way.task}" if way else did


class CountedTheBatch(Misconception):
    """A number where the batch axis stands: whichever it is, it is not the model's to fix."""

    __slots__ = ()

    def predict(self, call: Call) -> Shape | None:
        """The right sizes behind Keras' usual batch."""
        return self._predict(call)

    def recognises(self, call: Call, sizes: Sizes) -> bool:
        """Any number in front of the right sizes."""
        shape = call.output_shape
        if shape is None or not sizes or shape[0] is not None:
            return False
        return sizes[0] is not None and sizes[1:] == shape[1:]


_IMAGE = Item("images", (28, 28, 3), "layers.Conv2D(8, 3)")
_SMALL = Item("images", (5, 5, 16), "layers.Flatten()")
_SERIES = Item("sequences", (40, 6), "layers.Conv1D(8, 5)")
_DENSE_MAP = Item("images", (6, 6, 16), "layers.Dense(10)")

ALL: tuple[Misconception, ...] = (
    Misconception(
        "forgot-kernel",
        mistaken.forgot_kernel,
        "window-larger-than-input",
        _IMAGE,
        Item("sequences", (41, 6), "layers.Conv1D(8, 5, strides=2)"),
    ),
    Misconception(
        "ignored-padding",
        mistaken.ignored_padding,
        "merge-of-different-shapes",
        Item("images", (28, 28, 3), 'layers.Conv2D(8, 3, padding="same")'),
        Item("sequences", (40, 6), 'layers.Conv1D(8, 5, padding="causal")'),
    ),
    Misconception(
        "ignored-stride",
        mistaken.ignored_stride,
        "strides-by-position",
        Item("images", (28, 28, 3), "layers.Conv2D(8, 3, strides=2)"),
        Item("pooling of sequences", (40, 6), "layers.MaxPooling1D(4)"),
    ),
    Misconception(
        "stride-before-window",
        mistaken.stride_before_window,
        "strides-by-position",
        Item("images", (28, 28, 3), "layers.Conv2D(8, 5, strides=2)"),
        Item("sequences", (41, 6), "layers.Conv1D(8, 5, strides=2)"),
    ),
    Misconception(
        "forgot-plus-one",
        mistaken.forgot_plus_one,
        "window-larger-than-input",
        _IMAGE,
        Item("pooling of sequences", (40, 6), "layers.AveragePooling1D(4)"),
    ),
    Misconception(
        "rounded-up",
        mistaken.rounded_up,
        "reshape-size-mismatch",
        Item("pooling of images", (11, 11, 8), "layers.MaxPooling2D(2)"),
        Item("sequences", (40, 6), "layers.Conv1D(8, 5, strides=2)"),
    ),
    Misconception(
        "padded-anyway",
        mistaken.padded_anyway,
        "window-larger-than-input",
        Item("images", (27, 27, 3), "layers.Conv2D(8, 3, strides=2)"),
        Item("pooling of sequences", (25, 6), "layers.AveragePooling1D(5, strides=2)"),
    ),
    Misconception(
        "ignored-dilation",
        mistaken.ignored_dilation,
        "window-larger-than-input",
        Item("images", (28, 28, 3), "layers.Conv2D(8, 3, dilation_rate=2)"),
        Item("sequences", (40, 6), "layers.Conv1D(8, 3, dilation_rate=4)"),
    ),
    Misconception(
        "channels-unchanged",
        mistaken.channels_unchanged,
        "merge-of-different-shapes",
        _IMAGE,
        Item("sequences", (40, 6), "layers.Conv1D(16, 5)"),
    ),
    Misconception(
        "filters-multiply-channels",
        mistaken.filters_multiply,
        "merge-of-different-shapes",
        _IMAGE,
        Item("sequences", (40, 6), "layers.Conv1D(4, 5)"),
    ),
    Misconception(
        "pooling-shrinks-channels",
        mistaken.pooling_shrinks_channels,
        "merge-of-different-shapes",
        Item("pooling of images", (26, 26, 32), "layers.MaxPooling2D(2)"),
        Item("pooling of sequences", (40, 6), "layers.MaxPooling1D(2)"),
    ),
    Misconception(
        "channels-for-height",
        mistaken.channels_for_height,
        "layer-input-rank",
        _IMAGE,
        Item("volumes", (10, 10, 10, 2), "layers.Conv3D(4, 3)"),
    ),
    Misconception(
        "time-for-features",
        mistaken.time_for_features,
        "layer-input-rank",
        _SERIES,
        Item("recurrent layers", (40, 6), "layers.LSTM(8, return_sequences=True)"),
    ),
    Misconception(
        "transpose-shrinks",
        mistaken.transpose_shrinks,
        "map-of-another-size",
        Item("images", (7, 7, 8), 'layers.Conv2DTranspose(4, 3, strides=2, padding="same")'),
        Item("sequences", (20, 8), "layers.Conv1DTranspose(4, 4, strides=4)"),
    ),
    Misconception(
        "upsampling-adds",
        mistaken.upsampling_adds,
        "map-of-another-size",
        Item("images", (7, 7, 8), "layers.UpSampling2D(2)"),
        Item("sequences", (20, 8), "layers.UpSampling1D(3)"),
    ),
    Misconception(
        "padding-on-one-side",
        mistaken.padding_on_one_side,
        "map-of-another-size",
        Item("images", (28, 28, 3), "layers.ZeroPadding2D(2)"),
        Item("cropping of sequences", (40, 6), "layers.Cropping1D(3)"),
    ),
    Misconception(
        "dense-flattens",
        mistaken.dense_flattens,
        "dense-on-feature-map",
        _DENSE_MAP,
        Item("sequences", (20, 16), "layers.TimeDistributed(layers.Dense(10))"),
    ),
    Misconception(
        "dense-adds-an-axis",
        mistaken.dense_adds_an_axis,
        "dense-on-feature-map",
        _DENSE_MAP,
        Item("sequences", (20, 16), "layers.Dense(4)"),
    ),
    Misconception(
        "flatten-sums-instead-of-product",
        mistaken.flatten_sums,
        "reshape-size-mismatch",
        _SMALL,
        Item("sequences", (20, 16), "layers.Flatten()"),
    ),
    Misconception(
        "flatten-forgot-axis",
        mistaken.flatten_forgot_axis,
        "reshape-size-mismatch",
        _SMALL,
        Item("sequences", (20, 16), "layers.Flatten()"),
    ),
    Misconception(
        "flatten-keeps-channels",
        mistaken.flatten_keeps_channels,
        "layer-input-rank",
        _SMALL,
        Item("volumes", (4, 4, 4, 8), "layers.Flatten()"),
    ),
    Misconception(
        "flatten-drops-positions",
        mistaken.flatten_drops_positions,
        "pooled-twice",
        _SMALL,
        Item("sequences", (20, 16), "layers.Flatten()"),
    ),
    Misconception(
        "global-pooling-flattens",
        mistaken.global_flattens,
        "pooled-twice",
        Item("images", (6, 6, 16), "layers.GlobalAveragePooling2D()"),
        Item("sequences", (20, 16), "layers.GlobalMaxPooling1D()"),
    ),
    Misconception(
        "global-pooling-keeps-axes",
        mistaken.global_keeps_axes,
        "pooled-twice",
        Item("images", (6, 6, 16), "layers.GlobalAveragePooling2D()"),
        Item("sequences", (20, 16), "layers.GlobalMaxPooling1D()"),
    ),
    Misconception(
        "expects-every-step",
        mistaken.expects_every_step,
        "layer-input-rank",
        Item("recurrent layers", (40, 6), "layers.LSTM(8)"),
        Item("two directions", (40, 6), "layers.Bidirectional(layers.GRU(8))"),
    ),
    Misconception(
        "expects-last-step",
        mistaken.expects_last_step,
        "steps-lost-before-labels",
        Item("recurrent layers", (40, 6), "layers.LSTM(8, return_sequences=True)"),
        Item("two directions", (40, 6), "layers.Bidirectional(layers.GRU(8, return_sequences=True))"),
    ),
    Misconception(
        "one-direction-counted",
        mistaken.one_direction,
        "merge-of-different-shapes",
        Item("two directions", (40, 6), "layers.Bidirectional(layers.LSTM(8))"),
        Item("two directions, every step", (40, 6), "layers.Bidirectional(layers.GRU(8, return_sequences=True))"),
    ),
    Misconception(
        "embedding-replaces-axis",
        mistaken.embedding_replaces_axis,
        "layer-input-rank",
        Item("words", (20,), "layers.Embedding(1000, 16)"),
        Item("words in sentences", (4, 20), "layers.Embedding(1000, 16)"),
    ),
    Misconception(
        "vocabulary-for-features",
        mistaken.vocabulary_for_features,
        "labels-out-of-reach",
        Item("words", (20,), "layers.Embedding(1000, 16)"),
        Item("words in sentences", (4, 20), "layers.Embedding(500, 8)"),
    ),
    Misconception(
        "concatenate-as-add",
        mistaken.concatenate_as_add,
        "merge-of-different-shapes",
        Item("images", (6, 6, 16), "layers.Concatenate()([inputs, inputs])"),
        Item("sequences", (20, 16), "layers.Concatenate(axis=1)([inputs, inputs])"),
    ),
    Misconception(
        "add-as-concatenate",
        mistaken.add_as_concatenate,
        "merge-of-different-shapes",
        Item("images", (6, 6, 16), "layers.Add()([inputs, inputs])"),
        Item("sequences", (20, 16), "layers.Maximum()([inputs, inputs])"),
    ),
    # Behind all others: any number in front looks like it.
    CountedTheBatch("counted-the-batch", mistaken.batch_counted, "batch-axis-misread", _IMAGE, _SERIES),
)

BY_ID = {misconception.id: misconception for misconception in ALL}


def candidates(call: Call, *readings: Sizes) -> tuple[Misconception, ...]:
    """The misconceptions that give an answer in one of its readings, the likeliest first; empty where none is known."""
    return tuple(m for m in ALL if any(m.recognises(call, sizes) for sizes in readings))
