"""How a layer's output shape follows from its input, in numbers: ``26 = ⌊(28 − 3) / 1⌋ + 1``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from shape_magic.facts import Call
from shape_magic.rules.finding import listed
from shape_magic.spans import Shape
from shape_magic.teach.windows import Slide, Window, spread, window_of
from shape_magic.trace.axes import GRIDS, grid_rank
from shape_magic.words import say

#: What stands for a number that the learner is still to find.
OPEN = "?"


@dataclass(frozen=True, slots=True)
class Derivation:
    """A shape with the way to it."""

    shape: Shape
    #: The way in one sentence, with its results.
    how: str
    #: The same with ``?`` where a result stands.
    task: str


#: What a family of layers does: the shape, and the sentence for results written by the given function.
_Way = tuple[Shape, Callable[[Callable[[int], str]], str]]


def derive(call: Call) -> Derivation | None:
    """The way to the call's traced output shape; None where we have none that leads there.

    The traced shape is the judge: a formula that gives another one is not shown to anybody.
    """
    way = next((found for family in _FAMILIES if (found := family(call)) is not None), None)
    if way is None or way[0] != call.output_shape:
        return None
    how, task = way[1](str), way[1](lambda _: OPEN)
    return Derivation(way[0], how[:1].upper() + how[1:], task[:1].upper() + task[1:])


def base_of(call: Call) -> tuple[str, ...]:
    """The names of the layer's class and its bases; of TimeDistributed, those of the layer within."""
    return call.wrapped_bases if call.is_a("TimeDistributed", "Bidirectional") else call.bases


def is_dense(call: Call) -> bool:
    """Whether the call works like Dense, on the last axis alone."""
    return "Dense" in base_of(call)


def is_recurrent(call: Call) -> bool:
    """Whether the call reads a sequence step by step."""
    return "RNN" in base_of(call) and not call.is_a("TimeDistributed")


def sizes_of(shape: Shape | None) -> tuple[int, ...] | None:
    """The sizes of one sample; None where one of them is open."""
    if shape is None or None in shape[1:]:
        return None
    return tuple(size for size in shape[1:] if size is not None)


def units_of(call: Call) -> int:
    """How many features a Dense or recurrent layer gives at each place; 0 where that is not known."""
    units = call.argument("units")
    if not isinstance(units, int):
        return 0
    return 2 * units if doubles(call) else units


def doubles(call: Call) -> bool:
    """Whether two directions come out side by side."""
    return call.is_a("Bidirectional") and call.argument("merge_mode") == "concat"


def axis_words(axes: tuple[str, ...]) -> str:
    """Axes in a sentence: ``"height and width"``."""
    return listed([say(f"axis.{axis}") for axis in axes])


def grouped(parts: list[tuple[str, str]]) -> str:
    """Axes with their formulas, those with the same formula together."""
    together: dict[str, list[str]] = {}
    for axis, formula in parts:
        together.setdefault(formula, []).append(axis)
    lines = [say("quiz.how.axes", axes=axis_words(tuple(axes)), formula=f) for f, axes in together.items()]
    return "; ".join(lines)


def _windowed(call: Call) -> _Way | None:
    window = window_of(call)
    if window is None:
        return None
    shape = (call.input_shapes[0][0], *window.shape(window.along)[1:])

    def how(result: Callable[[int], str]) -> str:
        grid = grouped([(s.axis, _formula(window, s, result)) for s in window.slides])
        return say("quiz.how.both", first=grid, second=_channels(call, window, result))

    return shape, how


def _formula(window: Window, slide: Slide, result: Callable[[int], str]) -> str:
    kind = "same" if window.padding != "valid" else "valid"
    values = {"n": str(slide.size), "k": str(slide.reach), "s": str(slide.stride)}
    out = result(window.along(slide))
    if window.kind == "transpose":
        return say(f"quiz.how.transpose_{kind}", out=out, **values)
    return say(f"quiz.how.{kind}", out=out, **values)


def _channels(call: Call, window: Window, result: Callable[[int], str]) -> str:
    if window.kind == "pool":
        return say("quiz.how.channels_stay", channels=str(window.channels))
    if window.kind == "depthwise":
        each = window.gives // window.channels if window.channels else 1
        out = result(window.gives)
        return say("quiz.how.channels_each", out=out, channels=str(window.channels), each=str(each))
    return say("quiz.how.channels_filters", filters=str(window.gives))


def _resized(call: Call) -> _Way | None:
    """UpSampling, ZeroPadding and Cropping: each axis of the grid by itself."""
    rank, shape = grid_rank(call), call.input_shape
    kind = next((k for k in ("UpSampling", "ZeroPadding", "Cropping") if call.is_a(f"{k}{rank}D")), None)
    if rank is None or kind is None or shape is None or len(shape) != rank + 2 or sizes_of(shape) is None:
        return None
    first = call.argument("data_format") == "channels_first"
    old = [size or 0 for size in (shape[2:] if first else shape[1:-1])]
    if kind == "UpSampling":
        factors = spread(call.argument("size"), rank)
        if factors is None:
            return None
        new = [n * f for n, f in zip(old, factors, strict=True)]
        values = [{"n": str(n), "s": str(f)} for n, f in zip(old, factors, strict=True)]
    else:
        rims = rims_of(call, rank)
        if rims is None:
            return None
        sign = 1 if kind == "ZeroPadding" else -1
        new = [n + sign * (a + b) for n, (a, b) in zip(old, rims, strict=True)]
        values = [{"n": str(n), "a": str(a), "b": str(b)} for n, (a, b) in zip(old, rims, strict=True)]
    name = kind.lower()

    def how(result: Callable[[int], str]) -> str:
        formulas = [say(f"quiz.how.{name}", out=result(n), **v) for n, v in zip(new, values, strict=True)]
        grid = grouped(list(zip(GRIDS[rank], formulas, strict=True)))
        channels = say("quiz.how.channels_stay", channels=str(shape[1] if first else shape[-1]))
        return say("quiz.how.both", first=grid, second=channels)

    return ((shape[0], shape[1], *new) if first else (shape[0], *new, shape[-1])), how


def rims_of(call: Call, rank: int) -> list[tuple[int, int]] | None:
    """What ZeroPadding adds or Cropping cuts before and after each axis of the grid."""
    value = call.argument("padding") if "Padding" in call.class_name else call.argument("cropping")
    if rank == 1 and isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
        return [(value[0], value[1])]
    if not isinstance(value, list | tuple) or len(value) != rank:
        return None
    pairs = [spread(part, 2) for part in value]
    return None if None in pairs else [(pair[0], pair[1]) for pair in pairs if pair is not None]


def _flatten(call: Call) -> _Way | None:
    sizes = sizes_of(call.input_shape)
    if not call.is_a("Flatten") or not sizes or call.input_shape is None:
        return None
    product = " × ".join(map(str, sizes))

    def how(result: Callable[[int], str]) -> str:
        return say("quiz.how.flatten", out=result(prod(sizes)), product=product)

    return (call.input_shape[0], prod(sizes)), how


def _global(call: Call) -> _Way | None:
    rank, shape = grid_rank(call), call.input_shape
    if not call.is_a("BaseGlobalPooling") or rank is None or shape is None or len(shape) != rank + 2:
        return None
    first = call.argument("data_format") == "channels_first"
    channels = shape[1] if first else shape[-1]
    ones = (1,) * rank
    keeps = bool(call.argument("keepdims"))
    out: Shape = (shape[0], channels)
    if keeps:
        out = (shape[0], channels, *ones) if first else (shape[0], *ones, channels)
    variant = "global_keeps" if keeps else "global"
    return out, lambda _: say(f"quiz.how.{variant}", channels=str(channels), axes=axis_words(GRIDS[rank]))


def _dense(call: Call) -> _Way | None:
    shape, units = call.input_shape, units_of(call)
    if not is_dense(call) or shape is None or not units:
        return None
    before = "dense_row" if len(shape) == 2 else "dense"
    return (*shape[:-1], units), lambda _: say(f"quiz.how.{before}", n=str(shape[-1]), units=str(units))


def _recurrent(call: Call) -> _Way | None:
    shape, units = call.input_shape, units_of(call)
    if not is_recurrent(call) or shape is None or len(shape) != 3 or not units or call.argument("return_state"):
        return None
    every = bool(call.argument("return_sequences"))
    out: Shape = (shape[0], shape[1], units) if every else (shape[0], units)

    def how(result: Callable[[int], str]) -> str:
        steps = say("quiz.how.every_step", n=str(shape[1])) if every else say("quiz.how.last_step")
        width = say("quiz.how.features", n=str(units))
        if doubles(call):
            width = say("quiz.how.two_ways", out=result(units), n=str(units // 2))
        return say("quiz.how.both", first=steps, second=width)

    return out, how


def _embedding(call: Call) -> _Way | None:
    width = call.argument("output_dim")
    if not call.is_a("Embedding") or call.input_shape is None or not isinstance(width, int):
        return None
    return (*call.input_shape, width), lambda _: say("quiz.how.embedding", n=str(width))


def _concatenate(call: Call) -> _Way | None:
    shapes, axis = call.input_shapes, call.argument("axis")
    if not call.is_a("Concatenate") or len(shapes) < 2 or not isinstance(axis, int) or not shapes[0]:
        return None
    place = axis % len(shapes[0])
    sizes = [s[place] for s in shapes if len(s) == len(shapes[0])]
    known = [size for size in sizes if size is not None]
    if len(known) != len(shapes):
        return None
    axes = call.output_axes[0] if call.output_axes else ()
    known_axis = place < len(axes) and axes[place] != "?"
    word = say("quiz.how.axis_name", axis=say(f"axis.{axes[place]}")) if known_axis else ""
    word = word or say("quiz.how.axis_number", n=place)
    total = " + ".join(map(str, known))

    def how(result: Callable[[int], str]) -> str:
        return say("quiz.how.concatenate", axis=word, out=result(sum(known)), sum=total)

    return (*shapes[0][:place], sum(known), *shapes[0][place + 1 :]), how


def _merge(call: Call) -> _Way | None:
    if not call.is_a("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        return None
    if len(set(call.input_shapes)) != 1:
        return None
    return call.input_shapes[0], lambda _: say("quiz.how.merge", cls=call.class_name)


def _reshape(call: Call) -> _Way | None:
    sizes, target = sizes_of(call.input_shape), call.argument("target_shape")
    if not call.is_a("Reshape") or sizes is None or call.input_shape is None or not isinstance(target, list | tuple):
        return None
    given = [t for t in target if isinstance(t, int)]
    rest = prod(t for t in given if t != -1)
    if len(given) != len(target) or not rest or prod(sizes) % rest:
        return None
    open_ = prod(sizes) // rest
    out = tuple(open_ if t == -1 else t for t in given)

    def how(result: Callable[[int], str]) -> str:
        if -1 not in given:
            return say("quiz.how.reshape", total=str(prod(sizes)), product=" × ".join(map(str, given)))
        return say("quiz.how.reshape_open", out=result(open_), total=str(prod(sizes)), rest=str(rest))

    return (call.input_shape[0], *out), how


def _permute(call: Call) -> _Way | None:
    shape, dims = call.input_shape, call.argument("dims")
    if not call.is_a("Permute") or shape is None or not isinstance(dims, list | tuple):
        return None
    order = [d for d in dims if isinstance(d, int) and 0 < d < len(shape)]
    names = ", ".join(map(str, order))
    return (shape[0], *(shape[d] for d in order)), lambda _: say("quiz.how.permute", order=names)


def _repeat(call: Call) -> _Way | None:
    shape, times = call.input_shape, call.argument("n")
    if not call.is_a("RepeatVector") or shape is None or len(shape) != 2 or not isinstance(times, int):
        return None
    return (shape[0], times, shape[1]), lambda _: say("quiz.how.repeat", n=str(times))


def _attention(call: Call) -> _Way | None:
    if not call.is_a("MultiHeadAttention", "Attention", "AdditiveAttention") or not call.input_shapes:
        return None
    return call.input_shapes[0], lambda _: say("quiz.how.attention")


def _same(call: Call) -> _Way | None:
    """A layer of Keras' own that changes the numbers alone."""
    known = ("Dropout", "SpatialDropout", "Activation", "ReLU", "LeakyReLU", "Softmax", "Rescaling", "Normalization")
    names = [name for name in call.bases if name.startswith(known) or name.endswith("Normalization")]
    if not names or call.input_shape is None:
        return None
    return call.input_shape, lambda _: say("quiz.how.stays", cls=call.class_name)


_FAMILIES: tuple[Callable[[Call], _Way | None], ...] = (
    *(_windowed, _resized, _flatten, _global, _dense, _recurrent, _embedding, _concatenate),
    *(_merge, _reshape, _permute, _repeat, _attention, _same),
)
