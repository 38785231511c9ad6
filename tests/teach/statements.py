"""The general statements of the hints *why*, as small programs in real Keras and NumPy that show them to be true.

One function shows one mechanism; ``SHOWN`` says which of them shows what stands in a hint.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

Array = np.ndarray[Any, Any]


def rng() -> np.random.Generator:
    """The same numbers every time."""
    return np.random.default_rng(0)


def out(layer: Any, *shape: int) -> tuple[int, ...]:
    """The shape of what a layer makes of zeros of a shape, the batch axis included."""
    return tuple(layer(np.zeros(shape, "float32")).shape)


def refused(call: Callable[[], object]) -> None:
    """Keras raises; whatever its exception is called."""
    with pytest.raises(Exception):  # noqa: B017, PT011 - a backend's own errors have no common base
        call()


def dense_model(*, units: int = 3, features: int = 4, **compiled: Any) -> Any:
    """A model of one Dense layer, compiled."""
    model = keras.Sequential([layers.Input((features,)), layers.Dense(units)])
    model.compile(**({"loss": "mse"} | compiled))
    return model


def fitted(model: Any, x: Any, y: Any = None, **more: Any) -> float:
    """The loss of the first epoch."""
    return float(model.fit(x, y, epochs=1, verbose=0, **more).history["loss"][0])


# -- axes


def dense_works_on_the_last_axis() -> None:
    """Every position gets the same answer that it would get alone, and all other axes stay."""
    dense = layers.Dense(3)
    x = rng().random((2, 5, 6, 4), dtype="float32")
    whole = np.asarray(dense(x))
    assert whole.shape == (2, 5, 6, 3)
    assert np.allclose(whole[:, 2, 3], dense(x[:, 2, 3]), atol=1e-5)


def dense_weighs_each_pair() -> None:
    """Inputs times units, and a bias for each unit; the other axes bring none."""
    for shape in ((7,), (5, 5, 7)):
        model = keras.Sequential([layers.Input(shape), layers.Dense(4)])
        assert model.count_params() == 7 * 4 + 4
    refused(lambda: keras.Sequential([layers.Input((None, 4)), layers.Flatten(), layers.Dense(2)]))


def weights_belong_to_one_width() -> None:
    """A layer called twice keeps its weights, and they fit no other number of features."""
    dense = layers.Dense(3)
    dense(np.zeros((2, 4), "float32"))
    weights = dense.kernel
    dense(np.zeros((9, 4), "float32"))
    assert dense.kernel is weights
    refused(lambda: dense(np.zeros((2, 5), "float32")))
    assert dense_model(features=4).predict(np.zeros((9, 4)), verbose=0).shape == (9, 3)
    refused(lambda: dense_model(features=4).predict(np.zeros((9, 5)), verbose=0))


def weights_follow_from_arguments_and_last_axis() -> None:
    """An LSTM, an Embedding and a Dense have as many weights for 5 steps as for 50."""
    counts = [
        [keras.Sequential([layers.Input((n, 6)), make()]).count_params() for n in (5, 50)]
        for make in (lambda: layers.Dense(4), lambda: layers.LSTM(4), lambda: layers.Conv1D(4, 3))
    ]
    assert all(few == many for few, many in counts)


def joining_forgets_positions() -> None:
    """A row of features or a mean is the same rank for every grid, and nothing below can pool it again."""
    for join in (layers.Flatten(), layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D()):
        assert len(out(join, 2, 5, 5, 3)) == 2
    x = rng().random((1, 4, 4, 3), dtype="float32")
    shuffled = x.reshape(1, 16, 3)[:, rng().permutation(16)].reshape(1, 4, 4, 3)
    pool = layers.GlobalAveragePooling2D()
    assert np.allclose(pool(x), pool(shuffled), atol=1e-6)
    refused(lambda: layers.GlobalAveragePooling2D()(layers.Flatten()(x)))
    refused(lambda: layers.Flatten()(np.zeros((), "float32")))


def layers_read_a_fixed_rank() -> None:
    """Convolutions, poolings and recurrent layers refuse one axis less and one more."""
    for layer, rank in (
        (layers.Conv1D(2, 1), 3),
        (layers.Conv2D(2, 1), 4),
        (layers.LSTM(2), 3),
        (layers.MaxPooling2D(1), 4),
    ):
        assert out(layer, *(2,) * rank)
        for other in (rank - 1, rank + 1):
            made = [layers.Input((2,) * (other - 1)), type(layer).from_config(layer.get_config())]
            refused(partial(keras.Sequential, made))
    assert layers.Input((28, 28, 1)).shape == (None, 28, 28, 1)


def input_is_one_sample() -> None:
    """The batch axis comes in front of the shape that an Input names."""
    assert tuple(keras.Input((7,)).shape) == (None, 7)
    assert out(layers.Reshape((2, 3)), 5, 6) == (5, 2, 3)


def recurrent_layers_give_their_last_step() -> None:
    """The last step, unless ``return_sequences`` is set; Flatten and pooling join the steps as well."""
    x = rng().random((2, 5, 3), dtype="float32")
    for cls in (layers.LSTM, layers.GRU, layers.SimpleRNN):
        every = cls(4, return_sequences=True)
        last = cls(4)
        last.build(x.shape)
        every.build(x.shape)
        last.set_weights(every.get_weights())
        assert last(x).shape == (2, 4)
        assert np.allclose(np.asarray(every(x))[:, -1], last(x), atol=1e-5)
    assert out(layers.Flatten(), 2, 5, 3) == (2, 15)
    assert out(layers.GlobalAveragePooling1D(), 2, 5, 3) == (2, 3)


def inputs_say_what_goes_in() -> None:
    """A layer takes no ``batch_input_shape``; an input takes the batch axis, and the layer behind it follows."""
    refused(lambda: layers.Dense(2, batch_input_shape=(4, 3)))
    model = keras.Sequential([keras.Input(batch_shape=(4, 3)), layers.Dense(2)])
    assert model.output_shape == (4, 2)


def layers_count_axes_from_1() -> None:
    """The first axis of a sample has the number 1; the batch axis, 0, is refused and stays where it is."""
    refused(lambda: layers.Permute((0, 2, 1)))
    assert out(layers.Permute((2, 1)), 7, 3, 5) == (7, 5, 3)
    assert out(layers.Permute((3, 1, 2)), 7, 2, 3, 5) == (7, 5, 2, 3)


def an_embedding_begins_with_its_weights() -> None:
    """A row for each word number, a column for each feature, as the matrix has them; another size is refused."""
    matrix = rng().random((4, 3), dtype="float32")
    assert np.array_equal(layers.Embedding(4, 3, weights=[matrix])(np.arange(4)), matrix)
    refused(lambda: layers.Embedding(3, 3, weights=[matrix]))
    as_constant = keras.initializers.Constant(matrix)
    assert np.array_equal(layers.Embedding(4, 3, embeddings_initializer=as_constant)(np.arange(4)), matrix)
    refused(lambda: layers.Embedding(3, 3, embeddings_initializer=as_constant)(np.arange(3)))


def an_argument_is_found_by_its_name() -> None:
    """A letter more is another name, which nobody takes; under the right one the same value is taken."""
    refused(lambda: layers.Conv2D(4, kernal_size=3))
    refused(lambda: layers.Conv2D(4, 3, border_mode="same"))
    assert layers.Conv2D(4, kernel_size=3, padding="same").padding == "same"


def how_the_work_is_done_is_no_argument() -> None:
    """``fit`` of Keras 3 has no names for it, and computes the same without."""
    names = inspect.signature(keras.Model.fit).parameters
    assert not {"workers", "use_multiprocessing", "max_queue_size"} & set(names)
    assert {"x", "y", "epochs"} <= set(names)


def a_tuple_has_brackets_of_its_own() -> None:
    """Commas in a call part its arguments: without more brackets the second size is another argument."""
    assert out(layers.Reshape((4, 3)), 7, 12) == (7, 4, 3)
    refused(lambda: layers.Reshape(4, 3))
    refused(lambda: keras.Input(28, 28, 1))
    assert tuple(keras.Input((28, 28, 1)).shape) == (None, 28, 28, 1)


def a_nameless_argument_is_told_by_its_place() -> None:
    """The third of a convolution is its strides, whatever the word says; with its name it is what it says."""
    refused(lambda: layers.Conv2D(4, 3, "relu"))
    assert layers.Conv2D(4, 3, activation="relu").strides == (1, 1)
    refused(lambda: layers.Dense("relu", 4))


def a_window_reads_all_channels() -> None:
    """It has a number for each axis of positions; of the channels it takes all, so its weights hold each of them."""
    refused(lambda: layers.Conv2D(4, (3, 3, 3)))
    refused(lambda: layers.Conv1D(4, (5, 5)))
    for channels in (1, 3):
        layer = layers.Conv2D(4, (3, 3))
        layer.build((None, 8, 8, channels))
        assert tuple(layer.kernel.shape) == (3, 3, channels, 4)


def what_is_counted_is_whole() -> None:
    """Division with one stroke gives a fraction even without a rest, and no layer works with it."""
    assert isinstance(16 / 2, float)
    assert isinstance(16 // 2, int)
    refused(lambda: out(layers.Dense(16 / 2), 7, 3))
    assert out(layers.Dense(16 // 2), 7, 3) == (7, 8)


def embedding_adds_an_axis() -> None:
    """Each number becomes a row."""
    assert out(layers.Embedding(10, 4), 2, 5) == (2, 5, 4)


def embedding_rows_are_counted_from_0() -> None:
    """Three rows are those of 0, 1 and 2; TensorFlow on a CPU has none for 3."""
    table = layers.Embedding(3, 4)
    assert np.array_equal(table(np.array([0, 1, 2])), table.embeddings)
    if keras.backend.backend() == "tensorflow":
        refused(lambda: table(np.array([3])))


def negative_numbers_are_counted_from_the_end() -> None:
    """-1 gets the row of the largest number."""
    table = layers.Embedding(3, 4)
    assert np.array_equal(table(np.array([-1])), table(np.array([2])))


def the_first_axis_counts_samples() -> None:
    """Taken away or moved, the outputs no longer belong to the inputs one by one."""
    x = np.arange(24.0, dtype="float32").reshape(4, 6)
    assert x[0].shape == (6,)
    assert x.sum(0).shape == (6,)
    assert x[None].shape == (1, 4, 6)
    moved = x.reshape(-1, 8)
    assert moved.shape[0] != 4
    assert set(x[1]) & set(moved[0]), "numbers of the second sample stand in the first row"
    assert dense_model().predict(np.zeros((5, 4)), verbose=0).shape[0] == 5
    assert keras.Sequential([layers.Input((4,)), layers.Dense(3)]).input_shape[0] is None
    refused(lambda: dense_model().predict(np.zeros(4), verbose=0))


def axes_are_counted_from_the_batch() -> None:
    """Axis 0 is the batch; -1 is the last one, -2 the one before it."""
    a, b = np.zeros((2, 3, 4), "float32"), np.zeros((2, 3, 4), "float32")
    assert layers.Concatenate(axis=0)([a, b]).shape == (4, 3, 4)
    assert layers.Concatenate(axis=2)([a, b]).shape == layers.Concatenate(axis=-1)([a, b]).shape == (2, 3, 8)
    assert layers.Concatenate(axis=-2)([a, b]).shape == (2, 6, 4)
    refused(lambda: layers.Concatenate(axis=3)([keras.Input((3, 4)), keras.Input((3, 4))]))


def attention_mixes_the_axis_before_the_last() -> None:
    """Without a time axis a sample's answer depends on the others in its batch; with one it does not."""
    attention = layers.Attention()
    x = rng().random((4, 6), dtype="float32")
    alone = np.asarray(attention([x[:2], x[:2]]))
    assert not np.allclose(np.asarray(attention([x, x]))[:2], alone)
    steps = rng().random((4, 3, 6), dtype="float32")
    assert np.allclose(np.asarray(attention([steps, steps]))[:2], attention([steps[:2], steps[:2]]), atol=1e-5)
    assert layers.Attention()([keras.Input((3, 6)), keras.Input((5, 6))]).shape == (None, 3, 6)


def time_distributed_cuts_the_second_axis() -> None:
    """The layer within gets one axis less, and each step by itself."""
    inner = layers.Dense(2)
    x = rng().random((2, 5, 3), dtype="float32")
    assert np.allclose(np.asarray(layers.TimeDistributed(inner)(x))[:, 1], inner(x[:, 1]), atol=1e-5)
    assert layers.TimeDistributed(layers.Conv2D(2, 3))(keras.Input((4, 8, 8, 1))).shape == (None, 4, 6, 6, 2)
    refused(lambda: layers.TimeDistributed(layers.Conv2D(2, 3))(keras.Input((4, 8, 8))))
    refused(lambda: layers.TimeDistributed(layers.Dense(2))(keras.Input((3,))))


def reshape_keeps_its_numbers() -> None:
    """As many numbers as came in, in their order; -1 is what is left over, and comes out whole."""
    x = np.arange(24.0, dtype="float32").reshape(2, 12)
    assert (np.asarray(layers.Reshape((3, 4))(x)).ravel() == x.ravel()).all()
    assert out(layers.Reshape((-1, 4)), 2, 12) == (2, 3, 4)
    refused(lambda: layers.Reshape((3, 5))(keras.Input((12,))))
    refused(lambda: layers.Reshape((-1, 5))(keras.Input((12,))))


def channels_stand_last() -> None:
    """Unless a layer is told otherwise, which holds for that layer alone."""
    assert keras.config.image_data_format() == "channels_last"
    built = keras.Sequential([layers.Input((3, 16, 16)), layers.Conv2D(4, 1)])
    assert built.layers[0].kernel.shape == (1, 1, 16, 4), "the last 16 are taken for channels"
    told = layers.MaxPooling2D(2, data_format="channels_first")
    assert told(keras.Input((3, 16, 16))).shape == (None, 3, 8, 8)
    assert layers.MaxPooling2D(2).data_format == "channels_last"
    norm = layers.BatchNormalization(axis=1)
    norm.build((None, 14, 14, 8))
    assert norm.gamma.shape == (14,)


def grid_layers_take_one_picture() -> None:
    """A shape without a batch axis is taken, too: so an axis too few goes unnoticed."""
    assert tuple(layers.RandomZoom(0.1)(np.zeros((8, 9, 3), "float32")).shape) == (8, 9, 3)


def adaptive_pooling_takes_fixed_axes() -> None:
    """Whatever they hold: the same axes are pooled."""
    pool = layers.AdaptiveAveragePooling2D if hasattr(layers, "AdaptiveAveragePooling2D") else None
    if pool is not None:
        assert tuple(pool(1)(np.zeros((2, 8, 6, 3), "float32")).shape) == (2, 1, 1, 3)
    assert np.asarray(ops.mean(np.arange(12.0).reshape(2, 3, 2), axis=(1, 2))).shape == (2,)


def masks_look_at_all_features() -> None:
    """A step is left out when every feature has the mask's value."""
    x = np.array([[[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]], "float32")
    assert np.asarray(layers.Masking(0.0).compute_mask(x)).tolist() == [[False, True, True]]
    assert np.asarray(layers.Masking(0.0).compute_mask(x[0])).tolist() == [False, True, True]


def encodings_have_a_place_from_0_on() -> None:
    """A CategoryEncoding of three tokens has places for 0, 1 and 2, and leaves 3 out."""
    encoding = layers.CategoryEncoding(3, output_mode="multi_hot")
    assert np.asarray(encoding(np.array([[0, 2]]))).tolist() == [[1, 0, 1]]
    assert np.asarray(encoding(np.array([[0, 3]]))).tolist() == [[1, 0, 0]]


def masks_go_along_until_they_are_dropped() -> None:
    """A Dense hands a mask on, a Flatten and a convolution end it; LSTMs, attention and the average read it."""
    x = np.array([[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]], "float32")
    masked = layers.Masking()(x)
    assert layers.Dense(2)(masked)._keras_mask is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for drops in (layers.Flatten(), layers.Conv1D(2, 2)):
            assert getattr(drops(masked), "_keras_mask", None) is None
    for reads in (layers.GlobalAveragePooling1D(), layers.LSTM(2)):
        assert np.allclose(reads(masked), reads(x[:, :2]), atol=1e-6)
        assert not np.allclose(reads(masked), reads(x))
    attention = layers.MultiHeadAttention(1, 2)
    assert np.allclose(attention(x, masked), attention(x, x[:, :2]), atol=1e-6)


# -- grids


def windows_make_grids_smaller() -> None:
    """n − k + 1 places without padding, about n ⁄ p after pooling, all n with padding."""
    for n in (5, 28, 33):
        for k in (1, 3, 5):
            assert out(layers.Conv2D(1, k), 1, n, n, 1)[1] == n - k + 1
            assert out(layers.Conv1D(1, k), 1, n, 1)[1] == n - k + 1
            assert out(layers.Conv2D(1, k, padding="same"), 1, n, n, 1)[1] == n
        assert out(layers.MaxPooling2D(2), 1, n, n, 1)[1] == n // 2
        assert out(layers.MaxPooling1D(3), 1, n, 1)[1] == n // 3
    assert out(layers.UpSampling2D(2), 1, 3, 3, 1)[1] == 6, "7 became 3, and 3 become 6"
    refused(lambda: layers.Conv2D(1, 3)(keras.Input((2, 2, 1))))


def the_third_number_is_the_stride() -> None:
    """A 3×3 kernel that takes steps of 3 leaves a ninth of the positions."""
    conv = layers.Conv2D(32, 3, 3)
    assert (conv.filters, conv.kernel_size, conv.strides) == (32, (3, 3), (3, 3))
    _, height, width, _ = out(conv, 1, 27, 27, 1)
    assert height * width * 9 == 27 * 27


def one_way_alone_changes_the_grid() -> None:
    """Then the two ways can't be added."""
    x = keras.Input((8, 8, 4))
    for way in (layers.Conv2D(4, 1, strides=2), layers.MaxPooling2D(2), layers.Conv2D(4, 3)):
        refused(partial(layers.Add(), [x, way(x)]))
    assert layers.Add()([x, layers.Conv2D(4, 3, padding="same")(x)]).shape == (None, 8, 8, 4)


def empty_slices_raise_nothing() -> None:
    """What starts behind the end is empty."""
    assert np.zeros((2, 5, 3))[:, 7:].shape == (2, 0, 3)
    assert keras.Input((8, 4))[:, 8:].shape == (None, 0, 4)
    refused(lambda: layers.Cropping1D((5, 0))(keras.Input((5, 3))))  # a crop does say so
    assert math.isnan(float(ops.mean(np.zeros((0,), "float32"))))


def bases_bring_their_classifier() -> None:
    """1,000 classes on top, the feature map without it."""
    with_top = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35)
    assert with_top.output_shape == (None, 1000)
    base = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35, include_top=False)
    assert len(base.output_shape) == 4


# -- tensors that meet


def merging_goes_number_by_number() -> None:
    """All sizes must be the same; joined tensors have to line up along the other axes."""
    refused(lambda: layers.Add()([keras.Input((5, 4)), keras.Input((5, 3))]))
    refused(lambda: layers.Concatenate()([keras.Input((5, 4)), keras.Input((6, 4))]))
    refused(lambda: layers.Concatenate()([keras.Input((4,)), keras.Input((6, 4))]))
    assert layers.Concatenate()([keras.Input((5, 4)), keras.Input((5, 3))]).shape == (None, 5, 7)


def dot_products_pair_numbers() -> None:
    """As many on both sides."""
    refused(lambda: layers.Dot(axes=1)([keras.Input((4,)), keras.Input((3,))]))
    a, b = np.array([[1.0, 2.0]], "float32"), np.array([[3.0, 4.0]], "float32")
    assert float(layers.Dot(axes=1)([a, b])[0, 0]) == 1 * 3 + 2 * 4


def a_sequential_needs_what_its_weights_were_made_for() -> None:
    """Other data than were written down pass a Sequential where no weights are in the way; a Functional refuses."""
    bare = keras.Sequential([layers.Input((4, 6)), layers.Flatten()])
    assert bare.predict(np.zeros((2, 6, 4)), verbose=0).shape == (2, 24)
    refused(lambda: keras.Model(bare.inputs, bare.outputs).predict(np.zeros((2, 6, 4)), verbose=0))
    weighted = keras.Sequential([layers.Input((4, 6)), layers.Dense(3)])
    refused(lambda: weighted.predict(np.zeros((2, 6, 4)), verbose=0))


def missing_axes_are_repeated() -> None:
    """Shapes are lined up from their last axis, and sizes of 1 are repeated: a column against a row is a table."""
    column, row = np.arange(3.0).reshape(3, 1), np.arange(4.0)
    assert (column - row).shape == (3, 4)
    assert (np.ones((5, 8)) + np.ones(8)).shape == (5, 8)
    assert not np.any((np.ones((2, 6, 6, 4)) * np.arange(4.0).reshape(1, 1, 1, 4)).std(axis=(1, 2)))
    refused(lambda: np.ones((5, 8)) + np.ones(5))


def one_number_has_one_position() -> None:
    """An argmax gives a position, and along an axis of size 1 there is only position 0."""
    answers = rng().random((5, 1))
    assert not answers.argmax(axis=1).any()
    assert not np.asarray(keras.ops.argmax(answers, axis=-1)).any()
    assert answers.argmax(axis=0).shape == (1,)  # a sample's position, which may be any
    assert rng().random((50, 3)).argmax(axis=1).any()


def losses_broadcast() -> None:
    """``mse`` and its like repeat the labels along the steps, without a word."""
    answers, labels = rng().random((2, 5, 1)), rng().random((2, 1))
    for name in ("mean_squared_error", "mean_absolute_error", "huber"):
        function = keras.losses.get(name)
        repeated = np.repeat(labels[:, None, :], 5, axis=1)
        silent = np.asarray(function(labels[:, None, :], answers))
        assert np.allclose(silent, function(repeated, answers), atol=1e-6)
    model = keras.Sequential([layers.Input((5, 3)), layers.Dense(1)])
    model.compile(loss="mse")
    assert math.isfinite(fitted(model, rng().random((4, 5, 3)), rng().random((4, 1))))


def not_every_metric_broadcasts() -> None:
    """What ``mse`` makes of two columns of labels for one unit, ``R2Score`` refuses."""
    answers, labels = np.zeros((4, 1), "float32"), np.zeros((4, 2), "float32")
    assert math.isfinite(float(ops.mean(keras.losses.mean_squared_error(labels, answers))))
    model = keras.Sequential([layers.Input((1,)), layers.Activation("linear")])
    model.compile(loss="mse", metrics=[keras.metrics.R2Score()])
    refused(lambda: fitted(model, answers, labels))


# -- losses, labels and activations


def cross_entropy_is_a_logarithm() -> None:
    """Of the probability of the right class; what is not between 0 and 1 is cut off there."""
    loss = keras.losses.SparseCategoricalCrossentropy()
    assert np.isclose(float(loss(np.array([1]), np.array([[0.25, 0.75]], "float32"))), -math.log(0.75), atol=1e-5)
    binary = keras.losses.BinaryCrossentropy()
    far, near = (float(binary(np.array([[1.0]]), np.array([[v]], "float32"))) for v in (5.0, 1.0))
    assert np.isclose(far, near, atol=1e-5)
    with np.errstate(invalid="ignore"):
        assert math.isnan(float(np.log(np.float64(-1.0))))
    for label in (2.0, -1.0, 30.0):
        better = [
            float(binary(np.array([[label]]), np.array([[p]], "float32")))
            for p in ((0.5, 0.9, 0.999) if label > 1 else (0.5, 0.1, 0.001))
        ]
        assert better == sorted(better, reverse=True)
        assert better[-1] < 0, "there is no best answer: the loss falls below 0"


def categorical_losses_want_shares() -> None:
    """Each logarithm is weighed by its label; two ones are two wholes; both rows are as long."""
    loss = keras.losses.CategoricalCrossentropy()
    p = np.array([[0.2, 0.3, 0.5]], "float32")
    for y in ([[0.0, 1.0, 0.0]], [[1.0, 1.0, 0.0]], [[0.5, 0.5, 0.0]]):
        assert np.isclose(float(loss(np.array(y), p)), -float((np.array(y) * np.log(p)).sum()), atol=1e-5)
    refused(lambda: loss(np.zeros((1, 2)), p))
    refused(lambda: loss(np.array([1]), p))


def sparse_losses_take_class_numbers() -> None:
    """One axis less than the output; a class number is the place of its unit, from 0."""
    loss = keras.losses.SparseCategoricalCrossentropy()
    p = np.array([[0.2, 0.3, 0.5]], "float32")
    assert [round(math.exp(-float(loss(np.array([k]), p))), 3) for k in range(3)] == [0.2, 0.3, 0.5]
    assert np.isclose(float(loss(np.array([1.9]), p)), -math.log(0.3), atol=1e-5), "the fraction is cut off"
    refused(lambda: loss(np.zeros((1, 3)), np.zeros((1, 5, 3), "float32")))


def softmax_shares_a_whole() -> None:
    """The numbers sum to 1, and a single one is 1; sigmoid judges each alone."""
    z = rng().normal(size=(4, 5)).astype("float32")
    assert np.allclose(np.asarray(ops.softmax(z)).sum(-1), 1, atol=1e-5)
    assert np.allclose(ops.softmax(z[:, :1]), 1)
    both = np.asarray(ops.sigmoid(np.array([9.0, 9.0], "float32")))
    assert (both > 0.99).all()
    one = keras.losses.CategoricalCrossentropy()
    losses = {round(float(one(np.array([[1.0]]), np.array([[v]], "float32"))), 5) for v in (0.1, 0.5, 0.9)}
    assert losses == {0.0}, "over one class the share is always the whole"


def probabilities_as_logits_hardly_differ() -> None:
    """The surest answer, read as a logit once more, is hardly surer than the opposite."""
    sure = np.asarray(ops.softmax(np.array([[1.0, 0.0, 0.0]], "float32")))
    assert sure.max() < 0.6
    assert 0.5 <= float(ops.sigmoid(0.0)) < float(ops.sigmoid(1.0)) < 0.74


def binary_losses_count_each_place() -> None:
    """On a one-hot row of ten, “no” to all is nine tenths right."""
    y, none = np.eye(10)[:1], np.full((1, 10), 0.01, "float32")
    per_place = [float(keras.losses.binary_crossentropy(y[:, k : k + 1], none[:, k : k + 1])[0]) for k in range(10)]
    assert np.isclose(float(keras.losses.binary_crossentropy(y, none)[0]), np.mean(per_place), atol=1e-5)
    assert float(np.mean(keras.metrics.binary_accuracy(y, none))) == pytest.approx(0.9)


def the_poisson_loss_takes_a_logarithm() -> None:
    """The output minus the label times its logarithm."""
    y, p = np.array([[2.0]]), np.array([[3.0]], "float32")
    assert np.isclose(float(keras.losses.poisson(y, p)[0]), 3 - 2 * math.log(3), atol=1e-4)
    assert math.isnan(float(keras.losses.poisson(y, -p)[0]))
    with np.errstate(invalid="ignore"):
        assert math.isnan(float(np.log(np.float64(-2.0))))


def percentages_divide_by_the_label() -> None:
    """And of 0 there is none: Keras puts 1e-7 in its place."""
    loss = keras.losses.mean_absolute_percentage_error
    assert np.isclose(float(loss(np.array([[4.0]]), np.array([[5.0]], "float32"))[0]), 25, atol=1e-3)
    assert float(loss(np.array([[0.0]]), np.array([[1.0]], "float32"))[0]) > 1e8


def nan_spreads() -> None:
    """Whatever is computed with NaN is NaN: the loss, and with the first step every weight it reaches."""
    assert math.isnan(float("nan") * 0)
    model = dense_model(units=1)
    model.fit(np.ones((4, 4)), np.array([[1.0], [2.0], [np.nan], [3.0]]), epochs=1, verbose=0)
    assert all(np.isnan(w).all() for w in model.get_weights())


def activations_have_flat_ends() -> None:
    """Far out the slope of sigmoid and tanh is nearly 0; relu gives no negative number."""
    for function in (ops.sigmoid, ops.tanh):
        high, higher = (float(function(np.float32(v))) for v in (10.0, 10.1))
        assert 0 <= higher - high < 1e-4
    assert float(ops.relu(np.float32(-3))) == 0


def metrics_read_labels_in_one_form() -> None:
    """Class numbers or one-hot rows; the wrong one counts nonsense, and the word accuracy chooses by the shapes."""
    p = np.array([[0.1, 0.9], [0.8, 0.2]], "float32")
    numbers, rows = np.array([1, 0]), np.array([[0, 1], [1, 0]])
    assert float(np.mean(keras.metrics.sparse_categorical_accuracy(numbers, p))) == 1
    assert float(np.mean(keras.metrics.categorical_accuracy(rows, p))) == 1
    for y in (numbers, rows):
        sparse = y is numbers
        loss = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
        model = keras.Sequential([layers.Input((2,)), layers.Activation("softmax")])
        model.compile(loss=loss, metrics=["accuracy"])
        assert model.evaluate(np.log(p), y, verbose=0)[1] == 1
    exact = keras.metrics.Accuracy()
    exact.update_state(np.array([1.0]), np.array([0.93]))
    assert float(exact.result()) == 0


def one_unit_has_no_largest() -> None:
    """The largest of one number is always the first; a class is told by a threshold."""
    assert (rng().random((5, 1)).argmax(-1) == 0).all()
    assert int(0.93) == 0
    y, p = np.array([[1.0], [0.0]]), np.array([[0.9], [0.2]], "float32")
    assert np.asarray(keras.metrics.binary_accuracy(y, p)).ravel().tolist() == [1, 1]


def accuracy_of_amounts_is_nothing() -> None:
    """However near the answers are, none is equal; a mean distance tells."""
    y = np.array([[20.5], [31.2]])
    assert float(np.mean(keras.metrics.binary_accuracy(y, (y + 0.1).astype("float32")))) == 0
    assert np.allclose(keras.metrics.mean_absolute_error(y, y + 0.1), 0.1, atol=1e-5)


# -- calls and data


def a_loss_compares_two_things() -> None:
    """What the model says, x, with what it should have said, y; the labels of validation, too."""
    refused(lambda: fitted(dense_model(), np.zeros((4, 4))))
    model = dense_model()
    assert model.evaluate(np.zeros((4, 4)), np.zeros((4, 3)), verbose=0) == 0
    refused(lambda: fitted(dense_model(), np.zeros((4, 4)), np.zeros((4, 3)), validation_data=(np.zeros((4, 4)),)))
    refused(lambda: fitted(dense_model(), np.zeros((4, 3)), np.zeros((4, 4))))


def only_data_sets_bring_labels_in_a_tuple() -> None:
    """Keras reads the labels from the second part of each element."""
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((np.zeros((4, 4)), np.zeros((4, 3)))).batch(2)
    assert fitted(dense_model(), pairs) == 0
    refused(lambda: fitted(dense_model(), (np.zeros((4, 4)), np.zeros((4, 3)))))


def functions_without_return_give_none() -> None:
    """And so does a method that changes its object in place."""

    def load() -> None:
        np.zeros(3)

    assert load() is None  # type: ignore[func-returns-value]
    assert [2, 1].sort() is None


def samples_lie_along_the_first_axis() -> None:
    """Of every array, and each sample needs a label and a weight; a number has no axis."""
    model = dense_model()
    refused(lambda: fitted(model, np.zeros((8, 4)), np.zeros((6, 3))))
    refused(lambda: fitted(model, np.zeros((8, 4)), np.zeros((8, 3)), sample_weight=np.ones(6)))
    refused(lambda: fitted(model, np.zeros((8, 4)), 1.0))


def lists_mean_several_arrays() -> None:
    """One array for each input or output: a list of numbers is read as many arrays."""
    refused(lambda: dense_model().predict([[0.0] * 4, [0.0] * 4], verbose=0))
    two = keras.Model(ins := [keras.Input((2,)), keras.Input((2,))], layers.Add()(ins))
    assert two.predict([np.zeros((3, 2)), np.zeros((3, 2))], verbose=0).shape == (3, 2)
    refused(lambda: two.predict(np.zeros((3, 2)), verbose=0))
    refused(lambda: fitted(dense_model(), np.zeros((2, 4)), np.zeros((2, 3)), sample_weight=[1.0, 2.0]))


def data_sets_have_no_lists() -> None:
    """Keras makes a data set of a generator's batches; tensors stand there in tuples and dicts, and in no list."""
    inputs = [keras.Input((2,), name="a"), keras.Input((2,), name="b")]
    model = keras.Model(inputs, layers.Dense(1)(layers.Add()(inputs)))
    model.compile(loss="mse")
    x, y = [np.zeros((4, 2)), np.zeros((4, 2))], np.zeros((4, 1))
    for known in (tuple(x), dict(zip("ab", x, strict=True))):
        fitted(model, (batch for batch in [(known, y)]))
    with pytest.raises(TypeError, match="list"):
        fitted(model, (batch for batch in [(x, y)]))


def batches_of_generators_are_tuples() -> None:
    """A list of arrays in their place says not which of them are the labels."""
    x, y = np.zeros((4, 4)), np.zeros((4, 3))
    fitted(dense_model(), (batch for batch in [(x, y)]))
    refused(lambda: fitted(dense_model(), (batch for batch in [[x, y]])))


def tensors_are_boxes_of_one_type() -> None:
    """Rows of different lengths and objects make none."""
    refused(lambda: np.array([[1.0], [1.0, 2.0]], "float32"))
    refused(lambda: ops.convert_to_tensor(np.array([[1, "a"]], dtype=object)))


def texts_of_numpy_are_no_tensors() -> None:
    """A dtype for each length; Keras has no name for one of them."""
    assert [np.array(texts).dtype.itemsize // 4 for texts in (["a"], ["a", "four"])] == [1, 4]
    refused(lambda: keras.backend.standardize_dtype(np.array(["a", "four"]).dtype.name))
    assert keras.backend.standardize_dtype("string") == "string"


def words_are_not_multiplied() -> None:
    """Nor added up: a layer and a loss refuse them."""
    refused(lambda: dense_model(features=1).predict(np.array(["a", "b"], object), verbose=0))
    refused(lambda: fitted(dense_model(), np.zeros((2, 4)), np.array(["a", "b"])))
    refused(lambda: np.array(["a"]) * np.array(["b"]))


def data_sets_give_batches() -> None:
    """Each ``.batch`` puts an axis in front; Keras takes each element, and what a generator gives, as a batch."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((np.zeros((8, 4)), np.zeros((8, 3))))
    assert [tuple(s.shape) for s in data.element_spec] == [(4,), (3,)]
    assert [tuple(s.shape) for s in data.batch(2).element_spec] == [(None, 4), (None, 3)]
    assert [tuple(s.shape) for s in data.batch(2).batch(2).element_spec] == [(None, None, 4), (None, None, 3)]
    refused(lambda: fitted(dense_model(), data))

    def single() -> Iterator[tuple[Array, Array]]:
        while True:
            yield np.zeros(4), np.zeros(3)

    refused(lambda: fitted(dense_model(), single(), steps_per_epoch=1))


def streams_have_no_known_end() -> None:
    """So Keras can't cut a share of them off."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((np.zeros((8, 4)), np.zeros((8, 3)))).batch(2)
    refused(lambda: fitted(dense_model(), data, validation_split=0.5))


def validation_begins_after_an_epoch() -> None:
    """What is wrong with it is met only then."""
    ended: list[int] = []
    seen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ended.append(batch))
    wrong = (np.zeros((4, 5)), np.zeros((4, 3)))
    refused(lambda: fitted(dense_model(), np.zeros((4, 4)), np.zeros((4, 3)), validation_data=wrong, callbacks=[seen]))
    assert ended, "all batches were trained before"


def inputs_and_outputs_are_found_by_name_or_order() -> None:
    """Arrays, labels, losses and metrics in a dict by their names, in a list one by one."""
    x = keras.Input((2,), name="a")
    model = keras.Model(x, [layers.Dense(1, name="p")(x), layers.Dense(3, name="q")(x)])
    data, labels = np.zeros((4, 2)), {"p": np.zeros((4, 1)), "q": np.zeros((4, 3))}
    model.compile(loss={"p": "mse", "q": "mae"}, metrics={"q": ["mse"]})
    assert fitted(model, {"a": data}, labels) >= 0
    for wrong in ({"loss": {"p": "mse", "z": "mae"}}, {"loss": ["mse"] * 3}, {"loss": "mse", "metrics": {"z": "mae"}}):
        model.compile(**wrong)
        refused(lambda: fitted(model, data, list(labels.values())))
    model.compile(loss=["mse", "mae"])
    refused(lambda: fitted(model, data, [labels["p"]]))
    refused(lambda: fitted(model, data, [labels["q"], labels["p"], labels["p"]]))
    refused(lambda: fitted(model, data, {"p": labels["p"], "z": labels["q"]}))


def the_total_loss_is_a_weighted_sum() -> None:
    """All losses, each times its weight."""
    x = keras.Input((2,))
    heads = [layers.Dense(1, kernel_initializer="ones")(x) for _ in range(2)]
    model = keras.Model(x, heads)
    model.compile(loss=["mse", "mse"], loss_weights=[1.0, 10.0])
    total = model.evaluate(np.ones((1, 2)), [np.zeros((1, 1)), np.ones((1, 1))], verbose=0)
    assert (total if isinstance(total, float) else total[0]) == pytest.approx(1 * 4 + 10 * 1)


def compiling_belongs_to_one_model() -> None:
    """A new model starts without optimizer and loss, and without a loss nothing can get smaller."""
    assert dense_model().optimizer is not None
    fresh = keras.Sequential([layers.Input((4,)), layers.Dense(3)])
    refused(lambda: fitted(fresh, np.zeros((4, 4)), np.zeros((4, 3))))
    model = dense_model(optimizer="sgd")
    x, y = rng().random((32, 4)), rng().random((32, 3))
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def sample_weights_multiply_the_loss() -> None:
    """One for each sample; class weights are looked up by the class number, 1 where there is none."""
    model = dense_model(units=1)
    x, y = rng().random((4, 4)), rng().random((4, 1))
    each = (np.asarray(model(x)) - y).ravel() ** 2
    weights = np.array([0.0, 1.0, 2.0, 3.0])
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(
        float((each * weights).mean()), rel=1e-3
    )
    refused(lambda: model.evaluate(x, y, sample_weight=np.ones((4, 3, 2)), verbose=0))
    classes = keras.Sequential([layers.Input((4,)), layers.Dense(2, activation="softmax")])
    classes.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.SGD(0.0))
    labels = np.array([0, 0, 1, 1])
    plain = np.asarray(keras.losses.sparse_categorical_crossentropy(labels, classes(x)))
    told = fitted(classes, x, labels, class_weight={0: 5.0, 1: 1.0})
    assert told == pytest.approx(float((plain * np.array([5, 5, 1, 1])).mean()), rel=1e-3)
    missing = fitted(classes, x, labels, class_weight={0: 5.0})
    assert missing == pytest.approx(told, rel=1e-4), "what is missing counts 1"
    refused(lambda: fitted(classes, x, labels, class_weight={0: 5.0}, sample_weight=np.ones(4)))
    same = fitted(classes, x, labels, sample_weight=np.full(4, 2.0))
    assert same == pytest.approx(2 * float(plain.mean()), rel=1e-3), "the same factor for all prefers none"


def compile_takes_the_metrics_fourth() -> None:
    """Optimizer, loss, loss weights, metrics: names of metrics in the third place are no weights."""
    assert list(inspect.signature(keras.Model.compile).parameters)[1:5] == [
        "optimizer",
        "loss",
        "loss_weights",
        "metrics",
    ]
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", ["mae"])
    with pytest.raises((TypeError, ValueError)):
        model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)


def class_weights_are_looked_up() -> None:
    """A dict gives each sample the weight of its class; a row has nothing to look up in."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y, weights = np.zeros((4, 2)), np.array([0, 1, 0, 1]), np.array([1.0, 2.0])
    model.fit(x, y, class_weight=dict(enumerate(weights)), verbose=0)
    for wrong in (weights, "balanced"):
        with pytest.raises(AttributeError):
            model.fit(x, y, class_weight=wrong, verbose=0)


def states_belong_to_a_batch_of_one_size() -> None:
    """Sample i goes on from the state that sample i of the batch before has left; another size is refused."""
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), layers.LSTM(2, stateful=True)])
    x = rng().random((2, 3, 1), dtype="float32")
    first, second = model.predict(x, verbose=0), model.predict(x, verbose=0)
    assert not np.allclose(first, second)
    model.layers[0].reset_states()
    swapped = model.predict(x[::-1].copy(), verbose=0)
    assert np.allclose(swapped, first[::-1], atol=1e-6)
    another = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), layers.LSTM(2, stateful=True)])
    with pytest.raises(ValueError, match="batch size"):
        another.predict(x[:1], verbose=0)


def states_hold_a_number_for_each_unit() -> None:
    """What goes from step to step is one number for each unit; another width is refused."""
    x = rng().random((2, 3, 1), dtype="float32")
    sequence, state = layers.GRU(4, return_sequences=True, return_state=True)(x)
    assert np.allclose(sequence[:, -1], state)
    assert state.shape == (2, 4)
    refused(lambda: layers.GRU(4)(x, initial_state=np.zeros((2, 5), "float32")))


def a_list_of_tensors_goes_on_whole() -> None:
    """A layer that gives several tensors hands on all of them, and one that reads a single one refuses."""
    x = keras.Input((3, 1))
    given = layers.LSTM(2, return_state=True)(x)
    assert len(given) == 3
    refused(lambda: layers.Dense(2)(given))
    assert layers.Dense(2)(given[0]).shape == (None, 2)


def class_weights_need_one_output() -> None:
    """Each output has classes of its own."""
    x = keras.Input((2,))
    model = keras.Model(x, [layers.Dense(2)(x), layers.Dense(3)(x)])
    model.compile(loss="mse")
    refused(lambda: fitted(model, np.zeros((4, 2)), [np.zeros((4, 2)), np.zeros((4, 3))], class_weight={0: 2.0}))


def input_shapes_count_on_the_first_layer() -> None:
    """What a layer gets is what the one above it gives, whatever it says itself."""
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(2, input_shape=(9,))])
    assert model.layers[-1].kernel.shape == (3, 2)
    late = keras.Sequential([layers.Dense(3), layers.Dense(2, input_shape=(9,))])
    assert not late.built


def the_comma_makes_the_tuple() -> None:
    """Brackets alone change nothing."""
    assert isinstance(eval("(5)"), int)
    assert isinstance((5,), tuple)
    refused(lambda: keras.Input(5))


def names_get_values_by_position() -> None:
    """Whatever the names say."""
    train, labels = "labels", "train"
    assert (train, labels) == ("labels", "train")


def loops_repeat_what_stands_in_them() -> None:
    """Joined in the first turn, there is nothing to convolve in the second."""
    model = keras.Sequential([layers.Input((8, 8, 1))])

    def build() -> None:
        for _ in range(2):
            model.add(layers.Conv2D(2, 3))
            model.add(layers.Flatten())

    refused(build)


def layers_are_made_and_then_called() -> None:
    """Only the second gives a tensor."""
    made = layers.Dense(4)
    assert not hasattr(made, "shape")
    assert made(keras.Input((3,))).shape == (None, 4)
    refused(lambda: layers.Dense(2)(made))


def building_works_out_shapes_only() -> None:
    """A formula that does not look at everything lets a call through that fails when it runs."""

    class Wrong(layers.Layer):
        def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
            return shape

        def call(self, x: Any) -> Any:
            return ops.reshape(x, (-1, 5))

    assert Wrong().compute_output_shape((None, 6)) == (None, 6)
    refused(lambda: Wrong()(np.zeros((1, 6), "float32")))


def inner_models_keep_their_input() -> None:
    """Their first weights are made for its channels, and their input has one size."""
    inner = keras.Sequential([layers.Input((16, 16, 3)), layers.Conv2D(2, 3)])
    assert inner.layers[0].kernel.shape == (3, 3, 3, 2)
    refused(lambda: inner(np.zeros((1, 16, 16, 1), "float32")))
    refused(
        lambda: keras.Sequential([layers.Input((8, 8, 3)), keras.Sequential([layers.Input((64,)), layers.Dense(1)])])
    )


def weights_of_a_decoder_are_made_for_one_width() -> None:
    """A decoder takes the number of features that its first weights have, and no other one."""
    decoder = keras.Sequential([layers.Input((4,)), layers.Dense(20)])
    assert decoder.layers[0].kernel.shape == (4, 20)
    for width in (3, 5, 8):
        refused(partial(decoder, keras.Input((width,))))
    assert decoder(keras.Input((4,))).shape == (None, 20)


def a_model_takes_as_many_axes_as_its_input_has() -> None:
    """Called on what another model gives it takes no axis more and none less."""
    base = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3)])
    for start in ((64,), (5, 8, 8, 1)):
        refused(partial(base, keras.Input(start)))
    assert base(keras.Input((8, 8, 1))).shape == (None, 6, 6, 2)


def unreduced_losses_are_for_own_loops() -> None:
    """One number for each sample, and no mean."""
    loss = keras.losses.MeanSquaredError(reduction=None)
    assert loss(np.zeros((4, 2)), np.ones((4, 2))).shape == (4,)
    assert keras.losses.MeanSquaredError()(np.zeros((4, 2)), np.ones((4, 2))).shape == ()


def preprocessing_learns_by_adapt() -> None:
    """Not in ``fit``; or it is given what it needs."""
    norm = layers.Normalization()
    model = keras.Sequential([layers.Input((2,)), norm, layers.Dense(1)])
    model.compile(loss="mse")
    x = rng().random((8, 2)) * 100
    model.fit(x, np.zeros((8, 1)), epochs=1, verbose=0)
    assert np.allclose(norm(x[:2].astype("float32")), x[:2], rtol=1e-3), "as it stands it changes nothing"
    norm.adapt(x)
    assert abs(float(np.mean(norm(x.astype("float32"))))) < 1e-3
    assert np.allclose(layers.Normalization(mean=1.0, variance=4.0)(np.array([[3.0]], "float32")), 1)
    assert int(layers.StringLookup(vocabulary=["a", "b"])("b")) == 2
    lookup = layers.StringLookup()
    lookup.adapt(["b", "a", "b"])
    assert lookup.vocabulary_size() == 3


def a_class_is_called_to_make_a_layer() -> None:
    """``Flatten`` is the class, ``Flatten()`` a layer."""
    assert isinstance(layers.Flatten, type)
    assert isinstance(layers.Flatten(), keras.Layer)
    refused(lambda: keras.Sequential([layers.Flatten]))


def a_stack_takes_layers_alone() -> None:
    """A function has no weights and no shapes to ask for, and a name is looked up by an argument alone."""
    refused(lambda: keras.Sequential([keras.activations.relu]))
    refused(lambda: keras.Sequential(["relu"]))
    assert not hasattr(keras.activations.relu, "weights")
    for one in (keras.activations.relu, "relu"):
        assert out(keras.Sequential([layers.Activation(one)]), 2, 3) == (2, 3)


def a_stack_calls_its_layers() -> None:
    """It takes the layer, not what the layer makes of a tensor."""
    x = keras.Input((3,))
    refused(lambda: keras.Sequential([x, layers.Dense(4)(x)]))
    assert keras.Sequential([x, layers.Dense(4)]).output_shape == (None, 4)


def a_comma_at_the_end_makes_a_tuple() -> None:
    """A line that ends in one gives a tuple of one."""
    names: dict[str, Any] = {}
    exec("made = 5,", names)
    assert names["made"] == (5,)
    refused(lambda: keras.Sequential([(layers.Dense(4),)]))


def a_stack_looks_into_no_list() -> None:
    """A list in its list is refused; with a star its layers come one by one."""
    block = [layers.Dense(4), layers.Dense(5)]
    refused(lambda: keras.Sequential([keras.Input((3,)), block]))
    assert keras.Sequential([keras.Input((3,)), *block]).output_shape == (None, 5)


def a_list_has_brackets_of_its_own() -> None:
    """Without them the second layer is the second argument, which is no layer."""
    refused(lambda: keras.Sequential(keras.Input((3,)), layers.Dense(4), layers.Dense(5)))
    assert list(inspect.signature(keras.Sequential.__init__).parameters)[1:3] == ["layers", "trainable"]


def a_function_without_return_gives_none() -> None:
    """Whatever it makes."""
    names: dict[str, Any] = {"layers": layers}
    exec("def block():\n    layers.Dense(4)", names)
    assert names["block"]() is None
