"""What each layer takes: its parameters, and its memory for one sample, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from shape_magic.display.parts import short
from shape_magic.facts import Model
from shape_magic.spans import Shape
from shape_magic.teach.sketch import FIRST, INK, LAST, LINE, QUIET, WIDTH, Picture, Sketch, cut, length
from shape_magic.words import say

#: A model with more layers than this shows the largest of them.
_MOST_BARS = 16
#: Of a number in what a layer gives.
_BYTES = 4
#: Inches: the names on the left, the heads above, and each of the two columns of bars.
_NAMES, _HEAD = 1.5, 0.3
_COLUMN = (WIDTH - _NAMES - 0.3) / 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer takes: its numbers, and its bytes for one sample."""

    name: str
    params: int
    #: Bytes of its weights.
    weights: int
    #: Bytes of what it gives for one sample, at four a number.
    outputs: int
    #: False where the model breaks before it, or at it.
    reached: bool

    @property
    def memory(self) -> int:
        """Bytes in all."""
        return self.weights + self.outputs


def costs(model: Model) -> tuple[Cost, ...]:
    """What each call of a model takes, in order."""
    return tuple(
        Cost(c.layer, c.params, c.bytes, _BYTES * sum(map(_count, c.output_shapes)), bool(c.output_shapes))
        for c in model.calls
    )


def _count(shape: Shape) -> int:
    """How many numbers one sample has; an open axis counts as 1."""
    return prod(1 if d is None else d for d in shape[1:])


def cost_picture(model: Model, selected: str) -> Picture | None:
    """Parameters and memory of each layer as bars; None for a model without layers."""
    every = costs(model)
    if not every:
        return None
    largest = sorted(every, key=lambda cost: cost.memory, reverse=True)[:_MOST_BARS]
    shown = [cost for cost in every if cost in largest]
    sketch = Sketch(_HEAD + len(shown) * LINE + 0.28)
    first, second = _NAMES + 0.1, _NAMES + 0.2 + _COLUMN
    sketch.text(first, 0.18, say("play.cost.params"), QUIET)
    sketch.text(second, 0.18, say("play.cost.memory"), QUIET)
    most_params, most_memory = max(c.params for c in shown), max(c.memory for c in shown)
    for k, cost in enumerate(shown):
        y, strong = _HEAD + k * LINE, cost.name == selected
        name = cut(short(cost.name), _NAMES - 0.1, bold=strong)
        sketch.text(_NAMES, y + 0.15, name, INK, bold=strong, align="right")
        params = say("ui.number", n=cost.params) if cost.params else ""
        memory = bytes_text(cost.memory) if cost.reached else say("ui.mark.unreached")
        _bar(sketch, first, y, [(cost.params, FIRST)], most_params, params)
        _bar(sketch, second, y, [(cost.weights, FIRST), (cost.outputs, LAST)], most_memory, memory)
    _key(sketch, second, _HEAD + len(shown) * LINE)
    return sketch.picture(say("play.cost.alt", layers="; ".join(map(_told, shown))))


def _told(cost: Cost) -> str:
    weights, outputs = bytes_text(cost.weights), bytes_text(cost.outputs)
    return say("play.cost.told", name=short(cost.name), params=cost.params, weights=weights, outputs=outputs)


def _bar(sketch: Sketch, x: float, y: float, parts: Sequence[tuple[int, str]], most: int, text: str) -> None:
    room = _COLUMN - length("0,000,000") - 0.1
    for value, color in parts:
        long = room * value / most if most else 0
        sketch.fill((x, y + 0.04, long, 0.14), color)
        x += long
    sketch.text(x + 0.06, y + 0.15, text)


def _key(sketch: Sketch, x: float, y: float) -> None:
    for color, name in ((FIRST, say("play.cost.weights")), (LAST, say("play.cost.outputs"))):
        sketch.fill((x, y + 0.1, 0.12, 0.12), color)
        sketch.text(x + 0.17, y + 0.2, name, QUIET)
        x += 0.17 + length(name) + 0.12


def bytes_text(size: int) -> str:
    """``"5.1 kB"``: three digits, and the unit that suits them."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.1f} GB"
