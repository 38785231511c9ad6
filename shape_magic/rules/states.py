"""What a recurrent layer starts from: states with another number of features than it has units."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.widths import with_width

_RECURRENT = ("SimpleRNN", "LSTM", "GRU")


def state_width(call: Call) -> int | None:
    """How many numbers each of the given states has, where the layer has another number of units; else None."""
    units, states = call.argument("units"), call.input_shapes[1:]
    if not call.is_a(*_RECURRENT) or not states or any(len(s) != 2 or s[-1] != states[0][-1] for s in states):
        return None
    return states[0][-1] if states[0][-1] != units else None


def as_wide(model: Model, call: Call, width: int) -> Iterator[Repair]:
    """As many units as a state has numbers; or the states of a layer with as many units."""
    yield with_width(call, "units", width)
    makers = set(call.inputs[1:])
    source = model.calls[makers.pop()] if len(makers) == 1 and min(makers) >= 0 else None
    units = call.argument("units")
    if source is not None and source.is_a(*_RECURRENT) and isinstance(units, int):
        yield with_width(source, "units", units)
