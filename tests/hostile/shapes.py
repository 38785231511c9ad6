"""Sizes that are none: huge, negative, zero, fractions, symbols, texts."""

from __future__ import annotations

from tests.hostile.rows import FIT, Row, head, stack

_KERAS = "Keras' own exception comes through, or a card stops the call that plain Keras fails in."
_SIZES = (
    "2**63",
    "10**30",
    "-3",
    "0",
    "2.5",
    "float('nan')",
    "None",
    "'8'",
    "True",
    "np.int64(8)",
    "__import__('tensorflow').constant(8)",
    "keras.KerasTensor((2,))",
    "10**4000",
    "10**5000",
)

SHAPES = (
    *(
        Row(
            f"`{size}`",
            "a size in `Input`",
            _KERAS,
            f"model = keras.Sequential([layers.Input(({size}, 4)), layers.Dense(10)])\n" + FIT,
            None,
        )
        for size in _SIZES
    ),
    *(
        Row(
            f"`{size}`",
            "a size in `input_shape`",
            _KERAS,
            f"model = keras.Sequential([layers.Dense(10, input_shape=({size}, 4))])\n" + FIT,
            None,
        )
        for size in _SIZES
    ),
    *(
        Row(f"`{size}`", "a size in `Reshape`", _KERAS, head(f"layers.Reshape(({size}, 4))"), None)
        for size in _SIZES[:10]
    ),
    *(
        Row(f"`{size}`", "`units` of `Dense`", _KERAS, stack("layers.Flatten()", f"layers.Dense({size})") + FIT, None)
        for size in _SIZES
    ),
    *(
        Row(
            f"`{size}`",
            "`kernel_size` of `Conv2D`",
            _KERAS,
            stack(f"layers.Conv2D(4, {size})", "layers.Dense(10)") + FIT,
            None,
        )
        for size in ("2**63", "-3", "0", "2.5", "'3'", "(3, 3, 3)", "(3, None)")
    ),
    Row(
        "300 axes",
        "`Input`",
        _KERAS,
        "model = keras.Sequential([layers.Input((1,) * 300), layers.Dense(10)])\n" + FIT,
        None,
    ),
    Row(
        "60 axes",
        "`Reshape`",
        "They are all shown; the glyph has a cell for each.",
        stack("layers.Conv2D(4, 3)", "layers.Reshape((144,) + (1,) * 60)", "layers.Dense(10)") + FIT,
        None,
    ),
)
