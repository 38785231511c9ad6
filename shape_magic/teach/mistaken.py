"""What each misconception makes of a call's shape: pure functions, None where it does not apply.

A function may give the right shape where the misconception makes no difference there; the caller tells.
"""

from __future__ import annotations

from math import prod

from shape_magic.facts import Call
from shape_magic.spans import Shape
from shape_magic.teach.derivations import doubles, is_dense, is_recurrent, rims_of, sizes_of, units_of
from shape_magic.teach.windows import Slide, Window, spread, window_of
from shape_magic.trace.axes import grid_rank

#: The batch that a learner writes who counts it: Keras' own default.
BATCH = 32


def batch_counted(call: Call) -> Shape | None:
    """A number for the batch axis; ``CountedTheBatch`` recognises any other too."""
    shape = call.output_shape
    return None if shape is None or shape[0] is not None else (BATCH, *shape[1:])


# -- windows


def _window(call: Call, *kinds: str) -> Window | None:
    window = window_of(call)
    return window if window is not None and window.kind in (kinds or ("conv", "depthwise", "pool")) else None


def forgot_kernel(call: Call) -> Shape | None:
    """The size by the stride, as if the window took no room."""
    window = _window(call, "conv", "depthwise")
    if window is None or window.padding != "valid":
        return None
    return window.shape(lambda s: s.size // s.stride)


def padded_anyway(call: Call) -> Shape | None:
    """As ``padding="same"`` would, where it is not set."""
    window = _window(call)
    return window.shape(Slide.same) if window is not None and window.padding == "valid" else None


def ignored_padding(call: Call) -> Shape | None:
    """As without padding, where it is set."""
    window = _window(call)
    return window.shape(Slide.valid) if window is not None and window.padding != "valid" else None


def ignored_stride(call: Call) -> Shape | None:
    """One place at a time."""
    window = _window(call)
    if window is None:
        return None
    return window.shape(lambda s: s.size - s.reach + 1 if window.padding == "valid" else s.size)


def stride_before_window(call: Call) -> Shape | None:
    """The size by the stride first, and the window taken off what is left."""
    window = _window(call, "conv", "depthwise")
    if window is None or window.padding != "valid":
        return None
    return window.shape(lambda s: s.size // s.stride - s.reach + 1)


def forgot_plus_one(call: Call) -> Shape | None:
    """The steps between the places, in place of the places."""
    window = _window(call)
    if window is None or window.padding != "valid":
        return None
    return window.shape(lambda s: (s.size - s.reach) // s.stride)


def rounded_up(call: Call) -> Shape | None:
    """A last window that hangs over the edge."""
    window = _window(call)
    if window is None or window.padding != "valid":
        return None
    return window.shape(lambda s: -(-(s.size - s.reach) // s.stride) + 1)


def ignored_dilation(call: Call) -> Shape | None:
    """The window without the gaps in it."""
    window = _window(call, "conv", "depthwise")
    if window is None or window.padding != "valid":
        return None
    return window.shape(lambda s: (s.size - s.kernel) // s.stride + 1)


def channels_unchanged(call: Call) -> Shape | None:
    """The input's channels, whatever the filters."""
    window = _window(call, "conv", "depthwise", "transpose")
    return window.shape(window.along, window.channels) if window is not None else None


def filters_multiply(call: Call) -> Shape | None:
    """Every filter's answer once for each channel of the input."""
    window = _window(call, "conv", "transpose")
    return window.shape(window.along, window.gives * window.channels) if window is not None else None


def pooling_shrinks_channels(call: Call) -> Shape | None:
    """The channels divided like the grid."""
    window = _window(call, "pool")
    if window is None:
        return None
    return window.shape(window.along, max(window.channels // window.slides[0].kernel, 1))


def transpose_shrinks(call: Call) -> Shape | None:
    """A transposed convolution as a convolution."""
    window = _window(call, "transpose")
    if window is None:
        return None
    return window.shape(Slide.valid if window.padding == "valid" else Slide.same)


def channels_for_height(call: Call) -> Shape | None:
    """The channels before the grid, as other libraries have them."""
    shape, rank = call.output_shape, grid_rank(call)
    if shape is None or rank is None or rank < 2 or len(shape) != rank + 2:
        return None
    if call.argument("data_format") == "channels_first":
        return None
    return (shape[0], shape[-1], *shape[1:-1])


def time_for_features(call: Call) -> Shape | None:
    """The features before the steps."""
    shape = call.output_shape
    reads = grid_rank(call) == 1 or is_recurrent(call) or call.is_a("Embedding")
    return (shape[0], shape[2], shape[1]) if reads and shape is not None and len(shape) == 3 else None


def upsampling_adds(call: Call) -> Shape | None:
    """The factor added, not multiplied."""
    rank, shape = grid_rank(call), call.input_shape
    if rank is None or not call.is_a(f"UpSampling{rank}D") or sizes_of(shape) is None or shape is None:
        return None
    factors = spread(call.argument("size"), rank)
    if factors is None or call.argument("data_format") == "channels_first":
        return None
    return (shape[0], *((n or 0) + f for n, f in zip(shape[1:-1], factors, strict=True)), shape[-1])


def padding_on_one_side(call: Call) -> Shape | None:
    """The rim counted once for each axis."""
    rank, shape = grid_rank(call), call.input_shape
    if rank is None or shape is None or sizes_of(shape) is None or len(shape) != rank + 2:
        return None
    if not call.is_a(f"ZeroPadding{rank}D", f"Cropping{rank}D") or call.argument("data_format") == "channels_first":
        return None
    rims, sign = rims_of(call, rank), -1 if call.is_a(f"Cropping{rank}D") else 1
    if rims is None or any(a != b for a, b in rims):
        return None
    return (shape[0], *((n or 0) + sign * a for n, (a, _) in zip(shape[1:-1], rims, strict=True)), shape[-1])


# -- Dense, Flatten, global pooling


def dense_flattens(call: Call) -> Shape | None:
    """One answer for the whole sample."""
    shape = call.input_shape
    return (shape[0], units_of(call)) if is_dense(call) and shape is not None and len(shape) > 2 else None


def dense_adds_an_axis(call: Call) -> Shape | None:
    """The units behind all axes of the input."""
    shape = call.input_shape
    return (*shape, units_of(call)) if is_dense(call) and shape is not None and len(shape) > 2 else None


def _flattened(call: Call) -> tuple[int, ...]:
    """The sizes that Flatten joins; empty where it joins none."""
    sizes = sizes_of(call.input_shape) if call.is_a("Flatten") else None
    return sizes if sizes is not None and len(sizes) > 1 else ()


def flatten_sums(call: Call) -> Shape | None:
    """The sizes added."""
    sizes = _flattened(call)
    return (None, sum(sizes)) if sizes else None


def flatten_forgot_axis(call: Call) -> Shape | None:
    """The positions alone, without what stands at each of them."""
    sizes = _flattened(call)
    return (None, prod(sizes[:-1])) if sizes else None


def flatten_keeps_channels(call: Call) -> Shape | None:
    """The positions in one axis, the channels in another."""
    sizes = _flattened(call)
    return (None, prod(sizes[:-1]), sizes[-1]) if len(sizes) > 2 else None


def flatten_drops_positions(call: Call) -> Shape | None:
    """The channels alone, as global pooling gives."""
    sizes = _flattened(call)
    return (None, sizes[-1]) if sizes else None


def _pooled(call: Call) -> tuple[int, ...]:
    sizes = sizes_of(call.input_shape)
    return sizes if call.is_a("BaseGlobalPooling") and sizes is not None and not call.argument("keepdims") else ()


def global_flattens(call: Call) -> Shape | None:
    """Every number of the map in one row."""
    sizes = _pooled(call)
    return (None, prod(sizes)) if sizes else None


def global_keeps_axes(call: Call) -> Shape | None:
    """Axes of size 1 where the grid was."""
    sizes = _pooled(call)
    if not sizes or call.argument("data_format") == "channels_first":
        return None
    return (None, *(1,) * (len(sizes) - 1), sizes[-1])


# -- sequences


def expects_every_step(call: Call) -> Shape | None:
    """An answer at each step, where only the last is given."""
    shape = call.input_shape
    applies = is_recurrent(call) and not call.argument("return_sequences") and not call.argument("return_state")
    return (shape[0], shape[1], units_of(call)) if applies and shape is not None and len(shape) == 3 else None


def expects_last_step(call: Call) -> Shape | None:
    """The last step's answer, where each step gives one."""
    shape = call.input_shape
    applies = is_recurrent(call) and call.argument("return_sequences")
    return (shape[0], units_of(call)) if applies and shape is not None else None


def one_direction(call: Call) -> Shape | None:
    """The units of one direction."""
    shape = call.output_shape
    return (*shape[:-1], units_of(call) // 2) if is_recurrent(call) and doubles(call) and shape is not None else None


def embedding_replaces_axis(call: Call) -> Shape | None:
    """The vector in the place of the last axis."""
    shape = call.output_shape
    return (*shape[:-2], shape[-1]) if call.is_a("Embedding") and shape is not None else None


def vocabulary_for_features(call: Call) -> Shape | None:
    """As many features as there are words."""
    words = call.argument("input_dim")
    if not call.is_a("Embedding") or call.input_shape is None or not isinstance(words, int):
        return None
    return (*call.input_shape, words)


# -- branches


def concatenate_as_add(call: Call) -> Shape | None:
    """The shape of one branch."""
    return call.input_shape if call.is_a("Concatenate") and len(call.input_shapes) > 1 else None


def add_as_concatenate(call: Call) -> Shape | None:
    """The branches side by side."""
    names = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
    if not call.is_a(*names) or len(set(call.input_shapes)) != 1 or call.input_shape is None:
        return None
    last = call.input_shape[-1]
    return None if last is None else (*call.input_shape[:-1], last * len(call.input_shapes))
