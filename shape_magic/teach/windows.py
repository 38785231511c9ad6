"""Windows that slide over a grid: what convolutions and pooling do to sizes, as arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from shape_magic.facts import Call
from shape_magic.spans import Shape
from shape_magic.trace.axes import GRIDS, grid_rank

Kind = Literal["conv", "depthwise", "pool", "transpose"]


def reach(kernel: int, dilation: int) -> int:
    """How many places a window covers, the gaps in it counted."""
    return dilation * (kernel - 1) + 1


def places(size: int, reach: int, stride: int, padding: str) -> int:
    """How often a window fits along an axis; 0 or less: not at all. Zeros are added unless padding is ``"valid"``."""
    return (size - reach) // stride + 1 if padding == "valid" else -(-size // stride)


@dataclass(frozen=True, slots=True)
class Slide:
    """A window along one axis of the grid."""

    #: The axis by its word, its size, and what of the window lies along it.
    axis: str
    size: int
    kernel: int
    stride: int
    #: How far apart the window's own places are; 1: side by side.
    dilation: int

    @property
    def reach(self) -> int:
        """How many places the window covers, the gaps in it counted."""
        return reach(self.kernel, self.dilation)

    def valid(self) -> int:
        """How often the window fits without a rim of zeros."""
        return places(self.size, self.reach, self.stride, "valid")

    def same(self) -> int:
        """How often it fits when zeros are added as needed."""
        return places(self.size, self.reach, self.stride, "same")


@dataclass(frozen=True, slots=True)
class Window:
    """A layer whose window slides over a grid of known size."""

    kind: Kind
    padding: str
    slides: tuple[Slide, ...]
    channels: int
    #: How many channels come out.
    gives: int
    channels_first: bool

    def shape(self, along: Callable[[Slide], int], channels: int | None = None) -> Shape:
        """The output's shape when each axis of the grid gets its size from ``along``."""
        sizes = [along(slide) for slide in self.slides]
        depth = self.gives if channels is None else channels
        return (None, depth, *sizes) if self.channels_first else (None, *sizes, depth)

    def along(self, slide: Slide) -> int:
        """The right size of the output along an axis."""
        if self.kind == "transpose":
            rim = max(slide.reach - slide.stride, 0) if self.padding == "valid" else 0
            return slide.size * slide.stride + rim
        return slide.valid() if self.padding == "valid" else slide.same()


def window_of(call: Call) -> Window | None:
    """The call's window; None where it has none, or where the grid's size is open."""
    rank, shape = grid_rank(call), call.input_shape
    kind = _kind(call)
    if kind is None or rank is None or shape is None or len(shape) != rank + 2 or None in shape[1:]:
        return None
    first = call.argument("data_format") == "channels_first"
    sizes = shape[2:] if first else shape[1:-1]
    channels = (shape[1] if first else shape[-1]) or 0
    kernel = spread(call.argument("pool_size" if kind == "pool" else "kernel_size"), rank)
    strides = spread(call.argument("strides") or (call.argument("pool_size") if kind == "pool" else 1), rank)
    dilation = spread(call.argument("dilation_rate") or 1, rank)
    if kernel is None or strides is None or dilation is None:
        return None
    filters = call.argument("filters")
    gives = filters if isinstance(filters, int) else channels
    if kind == "depthwise":
        multiplier = call.argument("depth_multiplier")
        gives = channels * (multiplier if isinstance(multiplier, int) else 1)
    slides = tuple(
        Slide(axis, size or 0, k, s, d)
        for axis, size, k, s, d in zip(GRIDS[rank], sizes, kernel, strides, dilation, strict=True)
    )
    return Window(kind, str(call.argument("padding") or "valid"), slides, channels, gives, first)


def _kind(call: Call) -> Kind | None:
    names = " ".join(call.bases)
    if call.is_a("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D") or "Global" in names:
        return None
    if call.is_a("BaseConvTranspose", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"):
        return "transpose" if call.argument("output_padding") is None else None
    if call.is_a("BaseDepthwiseConv", "DepthwiseConv1D", "DepthwiseConv2D"):
        return "depthwise"
    if call.is_a("BasePooling"):
        return "pool"
    return "conv" if call.is_a("BaseConv", "BaseSeparableConv") else None


def spread(value: object, rank: int) -> tuple[int, ...] | None:
    """An argument that is one number for all axes of the grid, or one for each."""
    if isinstance(value, int):
        return (value,) * rank
    if isinstance(value, list | tuple) and len(value) == rank and all(isinstance(v, int) for v in value):
        return tuple(value)
    return None
