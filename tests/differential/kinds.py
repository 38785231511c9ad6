"""Every layer class of Keras that plain arguments can make: what it may be given, and which ranks it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.differential.recipes import Code, Made

Arguments = Mapping[str, object]


@dataclass(frozen=True)
class Values:
    """What an argument may be given: mostly what a person would mean, now and then what nobody should."""

    good: tuple[object, ...]
    odd: tuple[object, ...] = ()
    #: Left out more often than not.
    optional: bool = True


@dataclass(frozen=True)
class Kind:
    """A class of layers."""

    #: The ranks that it reads, batch axis counted.
    ranks: tuple[int, ...]
    #: Its arguments by name; those that are not optional come first and are given by position.
    arguments: Mapping[str, Values]
    #: The rank that it gives, by the rank that it reads and its arguments.
    gives: Callable[[int, Arguments], int]
    #: How many tensors it is called on; more than one come as a list.
    several: tuple[int, ...] = (1,)
    as_list: bool = True
    dtype: str = "float32"


ANY = (2, 3, 4, 5)


def must(*good: object, odd: Iterable[object] = ()) -> Values:
    return Values(good, tuple(odd), optional=False)


def may(*good: object, odd: Iterable[object] = ()) -> Values:
    return Values(good, tuple(odd))


def same(rank: int, arguments: Arguments) -> int:
    return rank


def always(rank: int) -> Callable[[int, Arguments], int]:
    return lambda _, __: rank


def _by_length(name: str, more: int) -> Callable[[int, Arguments], int]:
    def gives(rank: int, arguments: Arguments) -> int:
        value = arguments.get(name)
        return len(value) + more if isinstance(value, tuple) else rank

    return gives


def _sequences(step_rank: int) -> Callable[[int, Arguments], int]:
    return lambda rank, arguments: step_rank + 1 if arguments.get("return_sequences") is True else step_rank


def _within(rank: int, arguments: Arguments) -> int:
    inner = arguments.get("layer")
    if isinstance(inner, Made) and inner.class_name in ("Flatten", "GlobalAveragePooling1D", "GlobalAveragePooling2D"):
        return 3
    return rank


UNITS = must(1, 2, 3, 4, odd=(0, -1, None, 2.5, "3"))
ACTIVATION = may("relu", "softmax", "sigmoid", "tanh", None, odd=("rleu", 3))
RATE = must(0.0, 0.25, 0.5, odd=(1.5, -1))
YES_NO = may(True, False)
FORMAT = may("channels_last", odd=("channels_first", "channels"))
AXIS = may(-1, 1, 2, (1, 2), odd=(0, 5, -6))
PADDING = may("valid", "same", odd=("vaild", "causal"))
FACTOR = must(0.0, 0.1, 0.5, odd=(-1.0,))


def window(n: int, least: int = 1) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """Sizes along n axes, and such that fit no input here or no axes at all."""
    tuples = {1: ((2,), (3,)), 2: ((2, 2), (1, 3), (3, 2)), 3: ((2, 2, 2), (1, 2, 1), (2, 1, 3))}[n]
    wrong = ((2, 2, 2, 2), (2,) * (n + 1), (), 0, -1, 9, (0,) * n, None)
    return (*range(least, 4), *tuples), wrong


def _conv(n: int, *, transpose: bool = False, separable: bool = False, depthwise: bool = False) -> Kind:
    good, odd = window(n)
    arguments = {} if depthwise else {"filters": UNITS}
    arguments |= {
        "kernel_size": must(*good, odd=odd),
        "strides": may(*good, odd=odd),
        "padding": PADDING,
        "dilation_rate": may(*good, odd=odd),
        "activation": ACTIVATION,
        "use_bias": YES_NO,
        "data_format": FORMAT,
    }
    if transpose:
        arguments["output_padding"] = may(0, 1, odd=(5, -1))
    if not (transpose or separable or depthwise):
        arguments["groups"] = may(1, 2, odd=(0, 5))
    if separable or depthwise:
        arguments["depth_multiplier"] = may(1, 2, odd=(0,))
    return Kind((n + 2,), arguments, same)


def _pool(n: int, *, adaptive: bool = False) -> Kind:
    good, odd = window(n)
    if adaptive:
        return Kind((n + 2,), {"output_size": must(*good, odd=odd), "data_format": FORMAT}, same)
    sizes = {"pool_size": must(*good, odd=odd), "strides": may(*good, None, odd=odd)}
    return Kind((n + 2,), {**sizes, "padding": PADDING, "data_format": FORMAT}, same)


def _global(n: int) -> Kind:
    return Kind(
        (n + 2,),
        {"keepdims": YES_NO, "data_format": FORMAT},
        lambda rank, arguments: rank if arguments.get("keepdims") is True else 2,
    )


def _edges(n: int, name: str) -> Kind:
    """Padding and cropping."""
    pairs = tuple((1, i) for i in range(n))
    good = {1: (0, 1, 2, (0, 1), (1, 2)), 2: (0, 1, (1, 2), pairs), 3: (0, 1, (1, 0, 1), pairs)}[n]
    wrong = (-1, 9, (1,) * (n + 2), ((1, 2),) * (n + 1), None, "1")
    data_format = {} if (n, name) == (1, "cropping") else {"data_format": FORMAT}
    return Kind((n + 2,), {name: Values(good, wrong, optional=False), **data_format}, same)


def _up(n: int) -> Kind:
    good, odd = window(n)
    return Kind(
        (n + 2,), {"size": must(*good, odd=(0, -1, *odd[:2])), **({"data_format": FORMAT} if n > 1 else {})}, same
    )


_RECURRENT = {
    "return_sequences": YES_NO,
    "return_state": may(False, odd=(True,)),
    "go_backwards": YES_NO,
    "stateful": may(False, odd=(True,)),
    "unroll": YES_NO,
}


def _recurrent(**more: Values) -> Kind:
    return Kind((3,), {"units": UNITS, "use_bias": YES_NO, **_RECURRENT, **more}, _sequences(2))


def _conv_recurrent(n: int) -> Kind:
    good, odd = window(n)
    arguments = {"filters": UNITS, "kernel_size": must(*good, odd=odd), "strides": may(*good), "padding": PADDING}
    return Kind((n + 3,), {**arguments, "return_sequences": YES_NO}, _sequences(n + 2))


def _merge(**more: Values) -> Kind:
    return Kind(ANY, more, same, several=(2, 2, 3))


def _image(**more: Values) -> Kind:
    return Kind((4,), more, same)


_CELL = tuple(Made(name, (u,)) for name in ("GRUCell", "LSTMCell", "SimpleRNNCell") for u in (1, 3))
_STEP = (
    Made("Dense", (2,)), Made("Flatten"), Made("Dropout", (0.5,)), Made("Conv2D", (2, 2)), Made("Conv1D", (2, 2)),
    Made("GlobalAveragePooling2D"), Made("MaxPooling1D", (2,)), Made("LSTM", (2,)), Made("BatchNormalization"),
)  # fmt: skip
_BOTH_WAYS = (
    Made("LSTM", (2,)), Made("GRU", (3,), (("return_sequences", True),)), Made("SimpleRNN", (1,)),
    Made("RNN", (Made("LSTMCell", (2,)),)),
)  # fmt: skip
_WEIGHTED = (Made("Dense", (3,)), Made("Conv2D", (2, 2)), Made("Embedding", (5, 2)), Made("Conv1D", (2, 2)))
_BAD_LAYER = (3, None, "Dense")
_MODE = may("int", "multi_hot", "one_hot", "count", odd=("tf_idf", "hot"))
_RANGE = may((0, 255), (0, 1))

KINDS: dict[str, Kind] = {
    "Activation": Kind(ANY, {"activation": must("relu", "softmax", "gelu", "linear", odd=("rleu", None))}, same),
    "ActivityRegularization": Kind(ANY, {"l1": may(0.1), "l2": may(0.1)}, same),
    "Add": _merge(),
    "AdditiveAttention": Kind((3,), {"use_scale": YES_NO}, same, several=(2, 3)),
    "AlphaDropout": Kind(ANY, {"rate": RATE}, same),
    "Attention": Kind((3,), {"use_scale": YES_NO, "score_mode": may("dot", "concat", odd=("dott",))}, same, several=(2, 3)),
    "AutoContrast": _image(value_range=_RANGE),
    "Average": _merge(),
    "BatchNormalization": Kind(ANY, {"axis": may(-1, 1, 2, odd=(0, 5, -6)), "center": YES_NO, "scale": YES_NO}, same),
    "Bidirectional": Kind(
        (3,),
        {"layer": must(*_BOTH_WAYS, odd=(*_BAD_LAYER, Made("Dense", (2,)))),
         "merge_mode": may("concat", "sum", "mul", "ave", odd=(None, "add"))},
        lambda rank, arguments: 3 if arguments.get("layer") == _BOTH_WAYS[1] else 2,
    ),
    "CategoryEncoding": Kind((2,), {"num_tokens": must(3, 5, odd=(0, None)), "output_mode": _MODE}, same, dtype="int32"),
    "CenterCrop": _image(height=must(1, 3, 6, 12, odd=(0, -1)), width=must(2, 5, odd=(0, None))),
    "Concatenate": _merge(axis=may(-1, 1, 2, odd=(0, 5, -6))),
    "ContrastLimitedAdaptiveHistogramEqualization": _image(value_range=_RANGE, tile_grid_size=may((2, 2), (3, 1))),
    "Cropping1D": _edges(1, "cropping"),
    "Cropping2D": _edges(2, "cropping"),
    "Cropping3D": _edges(3, "cropping"),
    "CutMix": _image(factor=may(1.0, 0.5)),
    "Dense": Kind(ANY, {"units": UNITS, "activation": ACTIVATION, "use_bias": YES_NO}, same),
    "Discretization": Kind(ANY, {"bin_boundaries": must([0.0, 1.0], [0.5], odd=([], None)), "output_mode": _MODE}, same),
    "Dot": Kind((2, 3), {"axes": must(1, -1, 2, (1, 1), (2, 1), odd=(0, 5, (1, 2, 1)))}, same, several=(2,)),
    "Dropout": Kind(ANY, {"rate": RATE, "noise_shape": may(None, (None, 1), odd=((2, 2, 2, 2, 2, 2),))}, same),
    "ELU": Kind(ANY, {"alpha": may(0.5)}, same),
    "EinsumDense": Kind(
        (2, 3, 4),
        {"equation": must("ab,bc->ac", "abc,cd->abd", "...x,xy->...y", odd=("ab,bc", "abc,cd->abe")),
         "output_shape": must(3, (None, 3), odd=((2, 2, 2), None)),
         "bias_axes": may("c", "d", "y", odd=("q",))},
        same,
    ),
    "Embedding": Kind(
        (2, 3), {"input_dim": must(2, 5, odd=(0, -1)), "output_dim": UNITS, "mask_zero": YES_NO},
        lambda rank, _: rank + 1, dtype="int32",
    ),
    "Equalization": _image(value_range=_RANGE, bins=may(16)),
    "Flatten": Kind((*ANY, 3, 4), {"data_format": FORMAT}, always(2)),
    "GRU": _recurrent(reset_after=YES_NO),
    "GaussianDropout": Kind(ANY, {"rate": RATE}, same),
    "GaussianNoise": Kind(ANY, {"stddev": RATE}, same),
    "GroupNormalization": Kind(ANY, {"groups": may(1, 2, -1, odd=(0, 7)), "axis": may(-1, 1, odd=(0, 5))}, same),
    "GroupQueryAttention": Kind(
        (3,), {"head_dim": UNITS, "num_query_heads": must(2, 4, odd=(0,)), "num_key_value_heads": must(1, 2, odd=(3, 0))},
        same, several=(2, 3), as_list=False,
    ),
    "HashedCrossing": Kind((2,), {"num_bins": must(3, odd=(0,)), "output_mode": may("int", "one_hot")}, same, several=(2,), dtype="int32"),
    "Hashing": Kind((2, 3), {"num_bins": must(1, 4, odd=(0, None)), "output_mode": _MODE}, same, dtype="int32"),
    "Identity": Kind(ANY, {}, same),
    "IntegerLookup": Kind((2, 3), {"vocabulary": must([1, 2, 3], odd=([1, 1], None)), "output_mode": _MODE}, same, dtype="int32"),
    "LSTM": _recurrent(),
    "Lambda": Kind(
        ANY,
        {"function": must(Code("lambda t: t * 2"), Code("lambda t: t[:, 0]"), Code("lambda t: t[..., None]"),
                          Code("lambda t: keras.ops.mean(t, axis=1)"),
                          odd=(Code("lambda t: t[0]"), Code("lambda t: keras.ops.reshape(t, (-1, 3))"), 3))},
        same,
    ),
    "LayerNormalization": Kind(ANY, {"axis": AXIS, "center": YES_NO, "scale": YES_NO}, same),
    "LeakyReLU": Kind(ANY, {"negative_slope": may(0.1, odd=(-1, None))}, same),
    "Masking": Kind((3,), {"mask_value": may(0.0, -1.0)}, same),
    "MaxNumBoundingBoxes": Kind((3,), {"max_number": must(2)}, same),
    "Maximum": _merge(),
    "MelSpectrogram": Kind((2, 3), {"fft_length": must(4, odd=(0,)), "sequence_stride": must(1, 2), "num_mel_bins": may(3)}, lambda r, _: r + 1),
    "Minimum": _merge(),
    "MixUp": _image(alpha=may(0.2)),
    "MultiHeadAttention": Kind(
        (3, 4),
        {"num_heads": must(1, 2, odd=(0, -1)), "key_dim": must(1, 3, odd=(0, None)), "value_dim": may(2),
         "output_shape": may(5, (5,), odd=(0,)), "attention_axes": may(1, (1,), odd=(5,)), "use_bias": YES_NO},
        same, several=(2, 3), as_list=False,
    ),
    "Multiply": _merge(),
    "Normalization": Kind(ANY, {"axis": may(-1, 1, None, odd=(0, 5)), "mean": may(0.0, [0.0, 1.0, 2.0]), "variance": may(1.0)}, same),
    "PReLU": Kind(ANY, {"shared_axes": may([1], [1, 2], odd=([5], [0]))}, same),
    "Permute": Kind((3, 4), {"dims": must((2, 1), (1, 2), (3, 1, 2), (2, 3, 1), odd=((1, 3), (0, 1), (1,), 2))}, same),
    "Pipeline": Kind((4,), {"layers": must([Made("RandomFlip"), Made("Rescaling", (0.5,))], odd=([], [3]))}, same),
    "RMSNormalization": Kind(ANY, {"axis": AXIS}, same),
    "RNN": Kind(
        (3,),
        {"cell": must(*_CELL, [_CELL[0], _CELL[3]], Made("StackedRNNCells", ([_CELL[1], _CELL[2]],)), odd=_BAD_LAYER), **_RECURRENT},
        _sequences(2),
    ),
    "RandomBrightness": _image(factor=FACTOR, value_range=_RANGE),
    "RandomColorDegeneration": _image(factor=FACTOR),
    "RandomColorJitter": _image(brightness_factor=may(0.1), hue_factor=may(0.1)),
    "RandomContrast": _image(factor=FACTOR),
    "RandomCrop": _image(height=must(1, 3, 6, 12, odd=(0, -1)), width=must(2, 5, odd=(0,))),
    "RandomElasticTransform": _image(factor=may(0.5)),
    "RandomErasing": _image(factor=may(0.5)),
    "RandomFlip": _image(mode=may("horizontal", "vertical", odd=("up",))),
    "RandomGaussianBlur": _image(factor=may(0.5), kernel_size=may(3, (3, 3))),
    "RandomGrayscale": _image(factor=may(0.5)),
    "RandomHue": _image(factor=FACTOR),
    "RandomInvert": _image(factor=may(0.5)),
    "RandomPerspective": _image(factor=may(0.5)),
    "RandomPosterization": _image(factor=must(4, 8)),
    "RandomRotation": _image(factor=FACTOR),
    "RandomSaturation": _image(factor=FACTOR),
    "RandomSharpness": _image(factor=FACTOR),
    "RandomShear": _image(x_factor=may(0.1), y_factor=may(0.1)),
    "RandomTranslation": _image(height_factor=FACTOR, width_factor=FACTOR),
    "RandomZoom": _image(height_factor=FACTOR),
    "ReLU": Kind(ANY, {"max_value": may(6.0, odd=(-1,)), "negative_slope": may(0.1)}, same),
    "RepeatVector": Kind((2,), {"n": must(1, 2, 3, odd=(0, -1, 2.0, None))}, always(3)),
    "Rescaling": Kind(ANY, {"scale": must(0.5, 1 / 255), "offset": may(1.0)}, same),
    "Reshape": Kind(
        ANY,
        {"target_shape": must((-1,), (4, -1), (2, 3), (-1, 2, 2), (6,), (3, 4, 1), (2, 2, -1, 1),
                              odd=((5, 7), (-1, -1), (0,), (7,), 6, (), (-1, 28, 28, 1), (None, 2)))},
        _by_length("target_shape", 1),
    ),
    "Resizing": _image(height=must(1, 4, 9, odd=(0, -1, 2.5)), width=must(3, 5, odd=(0, None)), crop_to_aspect_ratio=YES_NO),
    "ReversibleEmbedding": Kind((2,), {"input_dim": must(2, 5, odd=(0,)), "output_dim": UNITS}, always(3), dtype="int32"),
    "STFTSpectrogram": Kind((3,), {"frame_length": must(2, 4, odd=(0, 99)), "frame_step": may(1, 2, odd=(0,))}, same),
    "SimpleRNN": _recurrent(),
    "Softmax": Kind(ANY, {"axis": AXIS}, same),
    "Solarization": _image(addition_factor=may(0.1), value_range=_RANGE),
    "SpatialDropout1D": Kind((3,), {"rate": RATE}, same),
    "SpatialDropout2D": Kind((4,), {"rate": RATE, "data_format": FORMAT}, same),
    "SpatialDropout3D": Kind((5,), {"rate": RATE, "data_format": FORMAT}, same),
    "SpectralNormalization": Kind((2, 3, 4), {"layer": must(*_WEIGHTED, odd=(*_BAD_LAYER, Made("Flatten"))), "power_iterations": may(1, 2, odd=(0,))}, same),
    "StringLookup": Kind((2,), {"vocabulary": must(["a", "b"], odd=(["a", "a"],)), "output_mode": _MODE}, same, dtype="string"),
    "Subtract": Kind(ANY, {}, same, several=(2, 2, 3)),
    "TextVectorization": Kind((2,), {"vocabulary": must(["a", "b"]), "output_mode": may("int", "multi_hot", "count"), "output_sequence_length": may(3)}, same, dtype="string"),
    "TimeDistributed": Kind((3, 4, 5, 5), {"layer": must(*_STEP, odd=_BAD_LAYER)}, _within),
    "UnitNormalization": Kind(ANY, {"axis": AXIS}, same),
    "Wrapper": Kind(ANY, {"layer": must(Made("Dense", (2,)))}, same),
}  # fmt: skip

for _n in (1, 2, 3):
    KINDS |= {
        f"Conv{_n}D": _conv(_n),
        f"Conv{_n}DTranspose": _conv(_n, transpose=True),
        f"ConvLSTM{_n}D": _conv_recurrent(_n),
        f"UpSampling{_n}D": _up(_n),
        f"ZeroPadding{_n}D": _edges(_n, "padding"),
        f"GlobalAveragePooling{_n}D": _global(_n),
        f"GlobalMaxPooling{_n}D": _global(_n),
        f"AveragePooling{_n}D": _pool(_n),
        f"MaxPooling{_n}D": _pool(_n),
        f"AdaptiveAveragePooling{_n}D": _pool(_n, adaptive=True),
        f"AdaptiveMaxPooling{_n}D": _pool(_n, adaptive=True),
    }
    if _n < 3:
        KINDS |= {
            f"SeparableConv{_n}D": _conv(_n, separable=True),
            f"DepthwiseConv{_n}D": _conv(_n, depthwise=True),
        }

#: What is not generated, and why.
LEFT_OUT: Mapping[str, str] = {
    "Layer": "the base class: it has no call",
    "InputSpec": "no layer",
    "AugMix": "picks its operations at random: what it refuses is a matter of luck",
    "RandAugment": "picks its operations at random: what it refuses is a matter of luck",
    "InputLayer": "written as Input by every recipe",
    "FlaxLayer": "needs another backend",
    "JaxLayer": "needs another backend",
    "TorchModuleWrapper": "needs another backend",
    "TFSMLayer": "needs a saved model on the disk",
    "GRUCell": "stands in RNN and StackedRNNCells",
    "LSTMCell": "stands in RNN and StackedRNNCells",
    "SimpleRNNCell": "stands in RNN and StackedRNNCells",
    "StackedRNNCells": "stands in RNN",
}


def classes() -> dict[str, Any]:
    """The layer classes of this version of Keras, each under one of its names."""
    from keras import layers

    found: dict[Any, str] = {}
    for name in [*KINDS, *LEFT_OUT, *sorted(dir(layers))]:
        value = getattr(layers, name, None)
        if isinstance(value, type):
            found.setdefault(value, name)
    return {name: value for value, name in found.items()}
