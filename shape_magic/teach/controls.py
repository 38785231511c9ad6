"""The controls of a layer, made from its own arguments: what can be turned, in which range, and how it reads.

Ranges reach beyond what works: a lesson drags until it breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import ipywidgets

from shape_magic.errors import UsageError
from shape_magic.spans import Axes
from shape_magic.teach.recipe import Layer
from shape_magic.words import say

#: The lowest and highest value of a slider; the highest grows with what is set.
_RANGES: dict[str, tuple[int, int]] = {
    "filters": (1, 128),
    "units": (1, 256),
    "kernel_size": (1, 11),
    "pool_size": (1, 8),
    "size": (1, 6),
    "strides": (1, 6),
    "dilation_rate": (1, 6),
    "depth_multiplier": (1, 8),
    "cropping": (0, 16),
    "padding": (0, 16),
    "n": (1, 64),
    "input_dim": (1, 20_000),
    "output_dim": (1, 256),
    "num_heads": (1, 16),
    "key_dim": (1, 128),
    "axis": (-4, 3),
}
_TOGGLES = ("return_sequences", "keepdims")
_TEXTS = ("target_shape", "dims", "equation")
#: What stands first where a layer has several.
_FIRST = ("units", "filters", "kernel_size", "pool_size", "strides", "padding")
_CHOICES = {"padding": ("valid", "same"), "merge_mode": ("concat", "sum", "mul", "ave")}
#: Of an input's axes.
_LONGEST_AXIS = 64


@dataclass(frozen=True, slots=True)
class Knob:
    """One argument that can be turned."""

    #: ``"kernel_size"``; of an input, the word for the axis.
    name: str
    kind: Literal["slider", "choice", "toggle", "text"]
    value: int | str | bool
    low: int = 0
    high: int = 0
    options: tuple[str, ...] = ()


def knobs(layer: Layer, axes: Axes, *, by_axis: bool) -> tuple[Knob, ...]:
    """What can be turned at a layer. ``by_axis``: windows take a number for each axis, as text."""
    return tuple(_input(layer, axes) if layer.is_input else _arguments(layer, by_axis=by_axis))


def has_axes(layer: Layer) -> bool:
    """Whether some argument may differ from axis to axis."""
    return not layer.is_input and any(_is_window(layer, name) for name in layer.arguments)


def is_uneven(layer: Layer) -> bool:
    """Whether some argument does differ from axis to axis."""
    return any(_is_window(layer, name) and len(set(_flat(layer.argument(name)))) > 1 for name in layer.arguments)


def _is_window(layer: Layer, name: str) -> bool:
    value = layer.argument(name)
    return name in _RANGES and isinstance(value, list) and len(_flat(value)) > 1 and name != "axis"


def axis_names(sizes: int, axes: Axes) -> tuple[str, ...]:
    """A different word for each axis of an input, the batch left out."""
    known = list(axes[1:]) if len(axes) == sizes + 1 else ["?"] * sizes
    plain = [k for k, name in enumerate(known) if name == "?" or known.count(name) > 1]
    return tuple(say("play.axis", n=k + 1) if k in plain else say(f"axis.{name}") for k, name in enumerate(known))


def _input(layer: Layer, axes: Axes) -> Iterator[Knob]:
    sizes = layer.argument("shape")
    for name, size in zip(axis_names(len(sizes), axes), sizes, strict=True):
        if size is not None:
            yield Knob(name, "slider", size, 1, max(_LONGEST_AXIS, 2 * size))
    yield Knob("shape", "text", text_of(sizes))


def _arguments(layer: Layer, *, by_axis: bool) -> Iterator[Knob]:
    for name in sorted(layer.arguments, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        value = layer.argument(name)
        if name in _CHOICES and isinstance(value, str):
            options = (*_CHOICES[name], "causal") if layer.class_name == "Conv1D" else _CHOICES[name]
            if name != "padding" or not layer.class_name.startswith(("ZeroPadding", "Cropping")):
                yield Knob(name, "choice", value, options=tuple(dict.fromkeys((*options, value))))
        elif name in _TOGGLES and isinstance(value, bool):
            yield Knob(name, "toggle", value)
        elif name in _TEXTS and isinstance(value, list | str):
            yield Knob(name, "text", text_of(value))
        elif name in _RANGES and (numbers := _flat(value)):
            yield _slider(layer, name, numbers, by_axis=by_axis)


def _slider(layer: Layer, name: str, numbers: list[int], *, by_axis: bool) -> Knob:
    if len(numbers) > 1 and (by_axis or len(set(numbers)) > 1):
        return Knob(name, "text", text_of(layer.argument(name)))
    low, high = _RANGES[name]
    return Knob(name, "slider", numbers[0], min(low, numbers[0]), max(high, 2 * numbers[0]))


def _flat(value: Any) -> list[int]:
    """The whole numbers in a value; empty where it holds something else."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [value]
    if isinstance(value, list):
        parts = [_flat(v) for v in value]
        return [n for part in parts for n in part] if all(parts) else []
    return []


def text_of(value: Any) -> str:
    """A value as it is typed: ``"3, 5"``, ``"(1, 2), (3, 4)"``."""
    if isinstance(value, list):
        return ", ".join(f"({text_of(v)})" if isinstance(v, list) else text_of(v) for v in value)
    return "None" if value is None else str(value)


def parsed(text: str, like: Any, name: str) -> Any:
    """What was typed, in the form of the value that it replaces; raises ``UsageError``. Nothing is evaluated."""
    if isinstance(like, str):
        return text
    found = re.findall(r"-?\d+|None", text)
    if not found or re.sub(r"-?\d+|None|[\s,()\[\]x×]", "", text):
        raise UsageError(say("play.error.not_numbers", name=name, text=text))
    return shaped([None if word == "None" else int(word) for word in found], like, name)


def shaped(numbers: list[int | None], like: Any, name: str) -> Any:
    """Numbers in the form of a value: one for all its places, one for each axis, or one for each place."""
    if name in ("shape", "target_shape", "dims"):
        return numbers
    places = len(_flat(like))
    if not isinstance(like, list):
        if len(numbers) != 1:
            raise UsageError(say("play.error.one_number", name=name))
        return numbers[0]
    if len(numbers) == 1:
        numbers = numbers * places
    elif len(numbers) == len(like) != places:
        numbers = [n for n in numbers for _ in range(places // len(like))]
    if len(numbers) != places:
        raise UsageError(say("play.error.as_many_numbers", name=name, n=places))
    rest = iter(numbers)
    return _filled(like, rest)


def _filled(like: Any, numbers: Iterator[int | None]) -> Any:
    return [_filled(v, numbers) for v in like] if isinstance(like, list) else next(numbers)


def widget_of(knob: Knob) -> Any:
    """The ipywidget that turns it."""
    shared = {"description": knob.name, "style": {"description_width": "9em"}, "layout": {"width": "auto"}}
    if knob.kind == "slider":
        return ipywidgets.IntSlider(value=knob.value, min=knob.low, max=knob.high, continuous_update=True, **shared)
    if knob.kind == "choice":
        return ipywidgets.Dropdown(options=list(knob.options), value=knob.value, **shared)
    if knob.kind == "toggle":
        return ipywidgets.Checkbox(value=knob.value, indent=False, **shared)
    return ipywidgets.Text(value=knob.value, continuous_update=False, **shared)


def update(widget: Any, knob: Knob) -> None:
    """Let a control show what is now set, without its telling anybody that it was turned."""
    # A range that grew with each turn would slip away under the hand.
    if knob.kind == "slider" and not widget.min <= knob.value <= widget.max:
        widget.min, widget.max = min(widget.min, knob.low), max(widget.max, knob.high)
    if widget.value != knob.value:
        widget.value = knob.value
