"""The layers that the playground offers to insert, by what they are for, with usual arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: By the heading's message id: class names.
MENU: Mapping[str, tuple[str, ...]] = {
    "grids": (
        *("Conv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
        *("Conv2DTranspose", "UpSampling2D", "ZeroPadding2D", "Cropping2D", "SeparableConv2D", "DepthwiseConv2D"),
    ),
    "sequences": (
        *("LSTM", "GRU", "SimpleRNN", "Conv1D", "MaxPooling1D", "GlobalAveragePooling1D"),
        *("Embedding", "RepeatVector"),
    ),
    "shapes": ("Flatten", "Reshape", "Permute"),
    "others": ("Dense", "BatchNormalization", "LayerNormalization", "Dropout", "Activation"),
}

#: What a layer is given where nobody says more.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    **{f"Conv{n}D": {"filters": 32, "kernel_size": 3, "activation": "relu"} for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": {"filters": 32, "kernel_size": 3, "strides": 2} for n in (1, 2, 3)},
    **{f"SeparableConv{n}D": {"filters": 32, "kernel_size": 3, "activation": "relu"} for n in (1, 2)},
    **{f"DepthwiseConv{n}D": {"kernel_size": 3} for n in (1, 2)},
    **{name: {"units": 32} for name in ("Dense", "LSTM", "GRU", "SimpleRNN")},
    "Dense": {"units": 64, "activation": "relu"},
    "Embedding": {"input_dim": 1000, "output_dim": 16},
    "RepeatVector": {"n": 4},
    "Reshape": {"target_shape": (-1,)},
    "Permute": {"dims": (2, 1)},
    "Dropout": {"rate": 0.5},
    "Activation": {"activation": "relu"},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 16},
}
