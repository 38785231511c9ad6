"""A window (of a convolution or a pooling) that is larger than what is left of its input."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import RemoveLayer, Repair, SetArgument, without
from shape_magic.rules.branches import made_alike
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_rank import CHANNELS
from shape_magic.rules.input_shape import first_reader, turned_input
from shape_magic.spans import Shape, Span
from shape_magic.words import shape_text

_POOLS = ("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call whose window does not fit into its input."""
    call = model.failed_call
    if call is None or call.input_shape is None:
        return
    window, grid = _window(call), _grid(call)
    if window is None or grid is None or all(g is None or w <= g for w, g in zip(window, grid, strict=True)):
        return
    turned, sequence = _channels_last(model), _time_first(model)
    yield Finding(
        severity="error",
        variant="channels-first" if turned else "turned-sequence" if sequence else "too-small",
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "window": _sizes(window),
            "grid": _sizes(grid),
            "input": shape_text(call.input_shape, batch="batch"),
            "start": shape_text(model.inputs[0].shape, batch="batch") if model.inputs else "",
        },
        repairs=tuple(_repairs(model, call, turned or sequence)),
        actual=call.input_shape,
        keras_message=call.failure.message if call.failure else None,
        related=tuple(_places(model, call, turned or sequence)),
    )


def _places(model: Model, call: Call, turned: Shape | None) -> Iterator[tuple[Span | None, str]]:
    if turned is not None:
        yield _start(model), "input"
    yield from ((model.calls[n].span, "shrinks") for n in _above(model, call)[:1])
    if turned is None:
        yield _start(model), "input"


def _sizes(sizes: Shape) -> str:
    return "×".join("?" if d is None else str(d) for d in sizes)


def _window(call: Call) -> tuple[int, ...] | None:
    """How far the window reaches along each axis; None for a layer without one, or with room made for it."""
    size = call.arguments.get("kernel_size", call.arguments.get("pool_size"))
    if call.arguments.get("padding") != "valid" or "Transpose" in call.class_name:
        return None
    if not isinstance(size, list | tuple) or not all(isinstance(s, int) for s in size):
        return None
    dilation = call.arguments.get("dilation_rate")
    steps = dilation if isinstance(dilation, list | tuple) and len(dilation) == len(size) else [1] * len(size)
    return tuple((s - 1) * (d if isinstance(d, int) else 1) + 1 for s, d in zip(size, steps, strict=True))


def _grid(call: Call) -> Shape | None:
    window, sizes = _window(call), call.input_shape
    if window is None or sizes is None or len(sizes) != len(window) + 2:
        return None
    return sizes[2:] if call.arguments.get("data_format") == "channels_first" else sizes[1:-1]


def _above(model: Model, call: Call) -> list[int]:
    """The calls on the way from the input that make the grid smaller, nearest first."""
    found, number = [], call.inputs[0] if len(call.inputs) == 1 else -1
    while number >= 0:
        here = model.calls[number]
        if _window(here) is not None or here.is_a(*_POOLS):
            found.append(number)
        number = here.inputs[0] if len(here.inputs) == 1 else -1
    return found


def _channels_last(model: Model) -> Shape | None:
    """The input's shape with its channels at the end, where they seem to stand in front."""
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    first = model.calls[0] if model.calls else None
    if len(shape) != 4 or first is None or first.arguments.get("data_format") == "channels_first":
        return None
    _, a, *rest = shape
    if a in CHANNELS and all(d is None or d > max(CHANNELS) for d in rest):
        return (shape[0], *rest, a)
    return None


def _time_first(model: Model) -> Shape | None:
    """The input's shape with its time in front, where it has fewer steps than features: that may be the wrong way."""
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    reader = first_reader(model)
    if len(shape) != 3 or reader is None or not {"kernel_size", "pool_size"} & set(reader.arguments):
        return None
    steps, features = shape[1], shape[2]
    return (shape[0], features, steps) if steps is not None and features is not None and steps < features else None


def _start(model: Model) -> Span | None:
    """Where the size that the grid starts from is said: the Input, or the first layer's ``input_shape``."""
    said = model.inputs[0].span if model.inputs else None
    return said or (model.calls[0].span if model.calls else None)


def _repairs(model: Model, call: Call, turned: Shape | None) -> Iterator[Repair]:
    if turned is not None:
        yield turned_input(model, turned)
    if turned is not None and len(turned) == 4:
        return  # with padding it would run, over a grid that is none
    yield _padded(model, call)
    above = _above(model, call)
    valid = [n for n in above if model.calls[n].is_a("BaseConv") and model.calls[n].arguments.get("padding") == "valid"]
    if valid:
        steps = tuple(SetArgument(n, "padding", "'same'") for n in (*valid, call.call))
        yield Repair(steps, "choice", "same-padding-all", {"layer": model.calls[valid[-1]].layer}, 'padding="same"')
    pool = next((n for n in above if model.calls[n].is_a(*_POOLS)), None)
    if pool is not None:
        name = model.calls[pool].layer
        yield Repair((RemoveLayer(pool),), "choice", "remove", {"layer": name}, without(name))


def _padded(model: Model, call: Call) -> Repair:
    """Room made around the window, and around those of all layers that the same line makes in a loop or function."""
    alike = [*made_alike(model, call), call]
    steps = tuple(SetArgument(c.call, "padding", "'same'") for c in alike)
    message = "same-padding-line" if len(alike) > 1 else "same-padding"
    values = {"layer": call.layer, "count": len(alike)}
    return Repair(steps, "choice", message, values, 'padding="same"')


RULE = Rule("window-larger-than-input", check)
