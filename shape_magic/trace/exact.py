"""Layers whose shape formula says all that their call would: only the others are worth a second look."""

from __future__ import annotations

from typing import Any

from shape_magic.trace.layers import is_keras, wrapped
from shape_magic.trace.rows import Step, is_layer, shape

_ON_GRIDS = (
    "Conv",
    "DepthwiseConv",
    "SeparableConv",
    "MaxPooling",
    "AveragePooling",
    "GlobalMaxPooling",
    "GlobalAveragePooling",
    "ZeroPadding",
    "Cropping",
    "UpSampling",
    "SpatialDropout",
)
#: Their formula or their input check looks at everything, also when they are used twice.
_ALWAYS = frozenset(f"{kind}{n}D" for kind in _ON_GRIDS for n in (1, 2, 3)) | {
    "Activation",
    "BatchNormalization",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Dense",
    "Dropout",
    "ELU",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "InputLayer",
    "LeakyReLU",
    "PReLU",
    "Permute",
    "ReLU",
    "RepeatVector",
    "Reshape",
}
#: Exact when called once, on one tensor: what they were built for is what they get.
_ONCE = frozenset(
    {"LayerNormalization", "GroupNormalization", "LSTM", "GRU", "SimpleRNN", "Bidirectional"}
    | {f"ConvLSTM{n}D" for n in (1, 2, 3)}
)
_MERGES = frozenset({"Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate"})


_SOMETIMES = _ALWAYS | _ONCE


def is_doubtful(layer: Any) -> bool:
    """Whether the formula of a layer can't be believed, whatever it is called on."""
    return not is_keras(layer) or type(layer).__name__ not in _SOMETIMES or _leaves_open(layer)


def is_exact(step: Step) -> bool:
    """Whether the formula of this call can be believed."""
    import keras

    layer, name = step.layer, type(step.layer).__name__
    is_one = not step.kwargs and len(step.args) == 1 and isinstance(step.args[0], keras.KerasTensor)
    if is_one and name in _ALWAYS and is_layer(layer) and is_keras(layer):  # nearly every call
        return not _leaves_open(layer)
    values = step.args if is_one else keras.tree.flatten((step.args, step.kwargs))
    symbols = [v for v in values if isinstance(v, keras.KerasTensor)]
    if any(hasattr(v, "shape") for v in values if not isinstance(v, keras.KerasTensor)):
        return False  # an array in the graph has its own first axis
    if not is_layer(layer):
        return _is_pointwise(name) and len({shape(s) for s in symbols}) == 1
    if not is_keras(layer):
        return False
    if name in _MERGES:
        return len({len(s.shape) for s in symbols}) == 1
    if name in _ONCE:
        return len(symbols) == 1 and len(layer._inbound_nodes) == 1 and _is_exact_inside(layer)
    return name in _ALWAYS and not _leaves_open(layer)


def _leaves_open(layer: Any) -> bool:
    """Whether it is a Reshape to a size that is left open, ``None``: its formula divides by nothing, its call does."""
    return type(layer).__name__ == "Reshape" and None in layer.target_shape


def _is_pointwise(name: str) -> bool:
    return name in {"Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Negative", "Exp", "Log", "Sqrt", "Square"}


def _is_exact_inside(layer: Any) -> bool:
    """Whether the layer that another one runs is exact as well: a bare RNN checks no input, for one."""
    inner = wrapped(layer)
    return all(map(is_keras, layer._flatten_layers())) and (inner is None or type(inner).__name__ in _ONCE)
