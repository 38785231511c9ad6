"""Shapes and weights of Keras' layers by pencil and paper: nothing here asks Keras or the package."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from shape_magic.facts import Call
from shape_magic.spans import Shape


def sides(value: object, rank: int) -> tuple[int, ...]:
    """A size for each axis of a grid: one number stands for all."""
    return tuple(value) if isinstance(value, list | tuple) else (int(str(value)),) * rank


def slid(size: int | None, window: int, stride: int, padding: object, dilation: int = 1) -> int | None:
    """How many places a window has on an axis: ⌊(n − k) / s⌋ + 1, or ⌈n / s⌉ with padding."""
    if size is None:
        return None
    if padding in ("same", "causal"):
        return math.ceil(size / stride)
    return (size - dilation * (window - 1) - 1) // stride + 1


def _grid(call: Call) -> tuple[tuple[int | None, ...], int | None, bool]:
    shape = call.input_shapes[0]
    first = call.arguments.get("data_format") == "channels_first"
    return (shape[2:], shape[1], True) if first else (shape[1:-1], shape[-1], False)


def _laid(call: Call, grid: Sequence[int | None], channels: int | None) -> Shape:
    batch = call.input_shapes[0][0]
    return (batch, channels, *grid) if _grid(call)[2] else (batch, *grid, channels)


def _windows(call: Call, window: object, strides: object) -> list[int | None]:
    grid, _, _ = _grid(call)
    rank, arguments = len(grid), call.arguments
    every = zip(
        grid,
        sides(window, rank),
        sides(strides, rank),
        sides(arguments.get("dilation_rate") or 1, rank),
        strict=True,
    )
    return [slid(n, k, s, arguments.get("padding"), d) for n, k, s, d in every]


def _dense(call: Call) -> tuple[Shape, int | None]:
    inputs, units = call.input_shapes[0][-1], _int(call, "units")
    return (*call.input_shapes[0][:-1], units), _weights(call, inputs, units)


def _conv(call: Call) -> tuple[Shape, int | None]:
    arguments = call.arguments
    grid, channels, _ = _grid(call)
    filters, groups = _int(call, "filters"), int(str(arguments.get("groups") or 1))
    kernel = math.prod(sides(arguments["kernel_size"], len(grid)))
    params = _weights(call, None if channels is None else kernel * (channels // groups), filters)
    return _laid(call, _windows(call, arguments["kernel_size"], arguments.get("strides") or 1), filters), params


def _transposed(call: Call) -> tuple[Shape, int | None]:
    arguments = call.arguments
    grid, channels, _ = _grid(call)
    kernel, strides = sides(arguments["kernel_size"], len(grid)), sides(arguments["strides"], len(grid))
    same = arguments.get("padding") == "same"
    out = [
        None if n is None else n * s + (0 if same else max(k - s, 0))
        for n, k, s in zip(grid, kernel, strides, strict=True)
    ]
    filters = _int(call, "filters")
    return _laid(call, out, filters), _weights(call, (channels or 0) * math.prod(kernel), filters)


def _weights(call: Call, inputs: int | None, outputs: int) -> int | None:
    return None if inputs is None else inputs * outputs + (outputs if call.arguments.get("use_bias", True) else 0)


def _int(call: Call, name: str) -> int:
    return int(str(call.arguments[name]))


def _pool(call: Call) -> tuple[Shape, int | None]:
    size = call.arguments["pool_size"]
    return _laid(call, _windows(call, size, call.arguments.get("strides") or size), _grid(call)[1]), 0


def _global(call: Call) -> tuple[Shape, int | None]:
    grid, channels, _ = _grid(call)
    kept = (1,) * len(grid) if call.arguments.get("keepdims") else ()
    return (_laid(call, kept, channels) if kept else (call.input_shapes[0][0], channels)), 0


def _flatten(call: Call) -> tuple[Shape, int | None]:
    batch, *rest = call.input_shapes[0]
    known = [n for n in rest if n is not None]
    return (batch, math.prod(known) if len(known) == len(rest) else None), 0


def _reshape(call: Call) -> tuple[Shape, int | None]:
    batch, *rest = call.input_shapes[0]
    target: Any = call.arguments["target_shape"]
    known = [n for n in rest if n is not None]
    left = math.prod(known) // math.prod(n for n in target if n != -1) if len(known) == len(rest) else None
    return (batch, *(left if n == -1 else n for n in target)), 0


def _recurrent(gates: int, biases: int) -> Callable[[Call], tuple[Shape, int | None]]:
    def row(call: Call) -> tuple[Shape, int | None]:
        batch, steps, features = call.input_shapes[0]
        units = _int(call, "units")
        params = None if features is None else gates * (units * (units + features) + biases * units)
        return ((batch, steps, units) if call.arguments.get("return_sequences") else (batch, units)), params

    return row


def _embedding(call: Call) -> tuple[Shape, int | None]:
    width = _int(call, "output_dim")
    return (*call.input_shapes[0], width), _int(call, "input_dim") * width


def _same(call: Call) -> tuple[Shape, int | None]:
    return call.input_shapes[0], 0


def _repeat(call: Call) -> tuple[Shape, int | None]:
    batch, features = call.input_shapes[0]
    return (batch, _int(call, "n"), features), 0


def _normalized(call: Call) -> tuple[Shape, int | None]:
    shape, arguments = call.input_shapes[0], call.arguments
    size = shape[int(str(arguments.get("axis", -1)))] or 0
    learned = sum(bool(arguments.get(name, True)) for name in ("center", "scale"))
    return shape, (2 + learned) * size  # and a moving mean and variance


def _depthwise(call: Call) -> tuple[Shape, int | None]:
    arguments = call.arguments
    grid, channels, _ = _grid(call)
    filters = (channels or 0) * int(str(arguments.get("depth_multiplier") or 1))
    kernel = math.prod(sides(arguments["kernel_size"], len(grid)))
    out = _windows(call, arguments["kernel_size"], arguments.get("strides") or 1)
    return _laid(call, out, filters), _weights(call, kernel, filters)


def _upsampled(call: Call) -> tuple[Shape, int | None]:
    grid, channels, _ = _grid(call)
    out = [None if n is None else n * s for n, s in zip(grid, sides(call.arguments["size"], len(grid)), strict=True)]
    return _laid(call, out, channels), 0


def _edged(sign: int, name: str) -> Callable[[Call], tuple[Shape, int | None]]:
    def row(call: Call) -> tuple[Shape, int | None]:
        grid, channels, _ = _grid(call)
        value: Any = call.arguments[name]
        edges = [value] if len(grid) == 1 else value
        out = [None if n is None else n + sign * sum(edge) for n, edge in zip(grid, edges, strict=True)]
        return _laid(call, out, channels), 0

    return row


def _added(call: Call) -> tuple[Shape, int | None]:
    shapes = call.input_shapes
    rank = max(map(len, shapes))
    lined = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(_lined_up(sizes) for sizes in zip(*lined, strict=True)), 0


def _lined_up(sizes: Sequence[int | None]) -> int | None:
    known = [n for n in sizes if n not in (1, None)]
    return known[0] if known else None if None in sizes else 1


def _joined(call: Call) -> tuple[Shape, int | None]:
    axis = int(str(call.arguments.get("axis", -1)))
    sizes = [shape[axis] for shape in call.input_shapes]
    out = list(call.input_shapes[0])
    out[axis] = None if None in sizes else sum(n or 0 for n in sizes)
    return tuple(out), 0


#: A row's output shape and weights, from its class, its arguments and what it gets; None for weights that stay open.
ROWS: dict[str, Callable[[Call], tuple[Shape, int | None]]] = {
    "Dense": _dense,
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _conv),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), _transposed),
    **dict.fromkeys([f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], _pool),
    **dict.fromkeys([f"Global{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], _global),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "SimpleRNN": _recurrent(1, 1),
    "LSTM": _recurrent(4, 1),
    "GRU": _recurrent(3, 2),
    "Embedding": _embedding,
    "RepeatVector": _repeat,
    "BatchNormalization": _normalized,
    "DepthwiseConv2D": _depthwise,
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _upsampled),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D"), _edged(1, "padding")),
    **dict.fromkeys(("Cropping1D", "Cropping2D"), _edged(-1, "cropping")),
    **dict.fromkeys(("Add", "Subtract"), _added),
    "Concatenate": _joined,
    **dict.fromkeys(("Dropout", "Activation", "ReLU", "LeakyReLU", "Softmax", "GaussianNoise", "Rescaling"), _same),
}
