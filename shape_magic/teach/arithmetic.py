"""How a layer's output shape and its parameters come about, with the numbers of this call.

Where the formulas are from: windows, TensorFlow's notes on padding
(https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2), as Keras' ``compute_conv_output_shape`` and
``compute_pooling_output_shape`` apply them, and Dumoulin & Visin, "A guide to convolution arithmetic for deep
learning" (2016), relationships 3, 6 and 14; transposed windows, Keras' ``compute_conv_transpose_output_shape``;
parameters, the ``build`` of each layer. The tests hold every line against Keras itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.facts import Call
from shape_magic.teach.parameters import WEIGHTS, channels, number, whole
from shape_magic.teach.windows import places, reach
from shape_magic.trace.axes import GRIDS
from shape_magic.words import say


@dataclass(frozen=True, slots=True)
class Line:
    """One calculation: ``"height, width"``, ``"⌊(28 − 3) / 1⌋ + 1"``, 26."""

    #: What comes out: an axis by its word, or ``"parameters"``.
    label: str
    formula: str
    #: None: open, as its input is.
    result: int | None
    #: A sentence beside it, empty for none.
    note: str = ""

    def __str__(self) -> str:
        result = say("play.arithmetic.open") if self.result is None else number(self.result)
        text = f"{self.label}: {self.formula} = {result}"
        return f"{text} · {self.note}" if self.note else text


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides along one axis: sizes and steps in positions of the input."""

    axis: str
    #: None: open.
    size: int | None
    kernel: int
    stride: int = 1
    dilation: int = 1
    #: ``"valid"``, ``"same"`` or ``"causal"``.
    padding: str = "valid"

    @property
    def reach(self) -> int:
        """How many positions it spans from its first to its last."""
        return reach(self.kernel, self.dilation)

    @property
    def count(self) -> int | None:
        """How many places it takes: the output's size; 0 or less: it doesn't fit."""
        return None if self.size is None else places(self.size, self.reach, self.stride, self.padding)

    @property
    def pads(self) -> tuple[int, int]:
        """How many zeros stand before and behind."""
        if self.padding == "valid" or self.size is None:
            return 0, 0
        if self.padding == "causal":
            return self.reach - 1, 0
        total = max(((self.count or 1) - 1) * self.stride + self.reach - self.size, 0)
        return total // 2, total - total // 2

    @property
    def left_over(self) -> int:
        """How many positions of the input at the end no place of the window reaches."""
        if self.size is None or self.count is None or self.count < 1:
            return 0
        end = (self.count - 1) * self.stride + self.reach - self.pads[0]
        return max(self.size - end, 0)

    def formula(self) -> str:
        """The calculation of ``count`` with its numbers."""
        size = number(self.size)
        if self.padding != "valid":
            return f"⌈{size} / {self.stride}⌉"
        return f"⌊({size} − {self.reach}) / {self.stride}⌋ + 1"


def windows(call: Call) -> tuple[Window, ...]:
    """The windows that a convolution or pooling slides over its input, one per axis; empty for other layers."""
    slides = call.is_a("BaseConv", "BaseDepthwiseConv", "BaseSeparableConv")
    kernel = call.arguments.get("kernel_size" if slides else "pool_size")
    sizes = _grid(call)
    if not (slides or call.is_a("BasePooling")) or not isinstance(kernel, list) or sizes is None:
        return ()
    wide, n = _numbers(kernel, len(sizes)), len(sizes)
    strides = _numbers(call.arguments.get("strides"), n)
    dilation = _numbers(call.arguments.get("dilation_rate") or 1, n)
    padding = str(call.arguments.get("padding", "valid"))
    names = GRIDS[n]
    return tuple(Window(names[k], sizes[k], wide[k], strides[k], dilation[k], padding) for k in range(n))


def _grid(call: Call) -> tuple[int | None, ...] | None:
    """The sizes of the axes over which a layer for grids slides; None where the input has another rank."""
    rank = next((int(d) for base in call.bases[:1] for d in base if d in "123"), None)
    shape = call.input_shape
    if rank is None or shape is None or len(shape) != rank + 2:
        return None
    return shape[2:] if call.arguments.get("data_format") == "channels_first" else shape[1:-1]


def _numbers(value: Any, n: int) -> list[int]:
    return [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)] * n


def arithmetic(call: Call) -> tuple[Line, ...]:
    """The calculations behind one call: one line per axis that it changes, then its parameters.

    Where the layer breaks because no place is left for its window, the line says so. Empty for a
    layer that changes no shape and has no weights.
    """
    if call.input_shape is None:
        return ()
    explain = next((_AXES[base] for base in call.bases if base in _AXES), None)
    lines = list(_merged(list(explain(call)))) if explain is not None else []
    weigh = next((WEIGHTS[base] for base in call.bases if base in WEIGHTS), None)
    formula = weigh(call) if weigh is not None and call.params else ""
    if call.params:
        lines.append(Line(say("play.arithmetic.params"), formula or say("play.arithmetic.weights"), call.params))
    return tuple(lines)


def _merged(lines: Sequence[Line]) -> Iterator[Line]:
    """Axes with the same calculation in one line: ``"height, width"``."""
    groups: dict[tuple[str, int | None, str], list[str]] = {}
    for line in lines:
        groups.setdefault((line.formula, line.result, line.note), []).append(line.label)
    for (formula, result, note), labels in groups.items():
        yield Line(", ".join(labels), formula, result, note)


def _axis(name: str) -> str:
    return say(f"axis.{name}")


# What comes out, axis by axis -----------------------------------------------------------------------


def _windows(call: Call) -> Iterator[Line]:
    for window in windows(call):
        yield Line(_axis(window.axis), window.formula(), window.count, _window_note(window))
    if call.is_a("BaseConv", "BaseSeparableConv"):
        yield Line(_axis("channels"), say("play.arithmetic.filters"), whole(call, "filters"))
    elif call.is_a("BaseDepthwiseConv"):
        depth = whole(call, "depth_multiplier")
        yield from _product(call, "channels", [channels(call), depth])


def _window_note(window: Window) -> str:
    if window.count is not None and window.count < 1:
        return say("play.arithmetic.no_room", reach=window.reach, size=window.size)
    if window.dilation > 1:
        return say("play.arithmetic.reach", dilation=window.dilation, kernel=window.kernel, reach=window.reach)
    if window.left_over:
        return say(
            "play.arithmetic.left_over" if window.left_over > 1 else "play.arithmetic.left_one", n=window.left_over
        )
    return ""


def _transposed(call: Call) -> Iterator[Line]:
    sizes = _grid(call)
    if sizes is None:
        return
    n = len(sizes)
    kernel, strides, dilation = (
        _numbers(call.arguments.get(key) or 1, n) for key in ("kernel_size", "strides", "dilation_rate")
    )
    extra = call.arguments.get("output_padding")
    extras = [None] * n if extra is None else _numbers(extra, n)
    for k, size in enumerate(sizes):
        reach = dilation[k] * (kernel[k] - 1) + 1
        yield _transposed_axis(GRIDS[n][k], size, strides[k], reach, extras[k], str(call.arguments.get("padding")))
    yield Line(_axis("channels"), say("play.arithmetic.filters"), whole(call, "filters"))


def _transposed_axis(axis: str, size: int | None, stride: int, reach: int, extra: int | None, padding: str) -> Line:
    text = number(size)
    if padding == "same" and extra is None:
        return Line(_axis(axis), f"{text} × {stride}", None if size is None else size * stride)
    added, shown = (reach, str(reach)) if padding != "same" else (reach % 2, str(reach % 2))
    if extra is not None:
        added, shown = added + extra, f"{shown} + {extra}"
    elif stride > reach:
        added, shown = added + stride - reach, f"{shown} + ({stride} − {reach})"
    result = None if size is None else (size - 1) * stride + added
    return Line(_axis(axis), f"({text} − 1) × {stride} + {shown}", result)


def _padded(call: Call) -> Iterator[Line]:
    yield from _at_edges(call, "padding", "+", 1)


def _cropped(call: Call) -> Iterator[Line]:
    yield from _at_edges(call, "cropping", "−", -1)


def _at_edges(call: Call, argument: str, sign: str, factor: int) -> Iterator[Line]:
    sizes, pairs = _grid(call), call.arguments.get(argument)
    if sizes is None or not isinstance(pairs, list):
        return
    pairs = [pairs] if len(sizes) == 1 else pairs
    for axis, size, (before, behind) in zip(GRIDS[len(sizes)], sizes, pairs, strict=True):
        result = None if size is None else size + factor * (before + behind)
        note = "" if result is None or result > 0 else say("play.arithmetic.nothing_left")
        yield Line(_axis(axis), f"{number(size)} {sign} {before} {sign} {behind}", result, note)


def _enlarged(call: Call) -> Iterator[Line]:
    sizes = _grid(call)
    if sizes is None:
        return
    factors = _numbers(call.arguments.get("size"), len(sizes))
    for axis, size, factor in zip(GRIDS[len(sizes)], sizes, factors, strict=True):
        yield Line(_axis(axis), f"{number(size)} × {factor}", None if size is None else size * factor)


def _product(call: Call, axis: str, factors: Sequence[int | None]) -> Iterator[Line]:
    result = None if any(f is None for f in factors) else math.prod(f for f in factors if f is not None)
    yield Line(_axis(axis), " × ".join(map(number, factors)), result)


def _dense(call: Call) -> Iterator[Line]:
    yield Line(_axis("features"), say("play.arithmetic.units"), whole(call, "units"))


def _flatten(call: Call) -> Iterator[Line]:
    yield from _product(call, "features", (call.input_shape or ())[1:] or (1,))


def _reshape(call: Call) -> Iterator[Line]:
    target = call.arguments.get("target_shape")
    before = (call.input_shape or ())[1:]
    if not isinstance(target, list) or None in before:
        return
    total = math.prod(d for d in before if d is not None)
    fixed = math.prod(d for d in target if d != -1)
    left = " × ".join(map(number, before)) or "1"
    right = " × ".join("?" if d == -1 else number(d) for d in target)
    fits = total == fixed if -1 not in target else fixed > 0 and total % fixed == 0
    note = say("play.arithmetic.fits" if fits else "play.arithmetic.fits_not", target=right, n=fixed)
    yield Line(say("play.arithmetic.numbers"), left, total, note)


def _repeated(call: Call) -> Iterator[Line]:
    yield Line(_axis("time"), say("play.arithmetic.times"), whole(call, "n"))


def _embedded(call: Call) -> Iterator[Line]:
    yield Line(_axis("features"), say("play.arithmetic.output_dim"), whole(call, "output_dim"))


def _recurrent(call: Call) -> Iterator[Line]:
    shape = call.input_shape or ()
    if call.arguments.get("return_sequences") and len(shape) == 3:
        yield Line(_axis("time"), say("play.arithmetic.every_step"), shape[1])
    yield Line(_axis("features"), say("play.arithmetic.units"), whole(call, "units"))


def _both_ways(call: Call) -> Iterator[Line]:
    units, shape = call.wrapped_arguments.get("units"), call.input_shape or ()
    if not isinstance(units, int):
        return
    if call.wrapped_arguments.get("return_sequences") and len(shape) == 3:
        yield Line(_axis("time"), say("play.arithmetic.every_step"), shape[1])
    joined = call.arguments.get("merge_mode") == "concat"
    yield Line(_axis("features"), f"2 × {units}" if joined else say("play.arithmetic.units"), units * (1 + joined))


def _joined(call: Call) -> Iterator[Line]:
    axis = call.arguments.get("axis")
    shapes = call.input_shapes
    if not isinstance(axis, int) or len({len(s) for s in shapes}) != 1 or not -len(shapes[0]) <= axis < len(shapes[0]):
        return
    sizes = [s[axis] for s in shapes]
    names = call.input_axes[0] if call.input_axes and len(call.input_axes[0]) == len(shapes[0]) else ()
    word = names[axis] if names and names[axis] != "?" else "unknown"
    result = None if None in sizes else sum(d for d in sizes if d is not None)
    yield Line(_axis(word), " + ".join(map(number, sizes)), result)


def _averaged(call: Call) -> Iterator[Line]:
    sizes = _grid(call)
    if sizes is not None:
        total = None if None in sizes else math.prod(d for d in sizes if d is not None)
        yield Line(
            say("play.arithmetic.positions"), " × ".join(map(number, sizes)), total, say("play.arithmetic.into_one")
        )


_AXES: dict[str, Callable[[Call], Iterator[Line]]] = {
    "BaseConvTranspose": _transposed,
    "BaseConv": _windows,
    "BaseDepthwiseConv": _windows,
    "BaseSeparableConv": _windows,
    "BasePooling": _windows,
    "BaseGlobalPooling": _averaged,
    **{f"ZeroPadding{n}D": _padded for n in (1, 2, 3)},
    **{f"Cropping{n}D": _cropped for n in (1, 2, 3)},
    **{f"UpSampling{n}D": _enlarged for n in (1, 2, 3)},
    "Dense": _dense,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "RepeatVector": _repeated,
    "Embedding": _embedded,
    "Bidirectional": _both_ways,
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _recurrent),
    "Concatenate": _joined,
}
