"""Layers for one image or one step that are given a whole sequence of them, and what is done at each step."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, Repair, Step, Wrap
from shape_magic.rules.input_rank import Above
from shape_magic.rules.widths import RECURRENT

#: Layers that work on a grid: their number of axes says whether they get one of these or a sequence of them.
_ON_GRIDS = (
    "BaseConv",
    "BaseConvTranspose",
    "BaseDepthwiseConv",
    "BaseGlobalPooling",
    "BasePooling",
    "BaseSeparableConv",
    *(f"{kind}{n}D" for kind in ("Cropping", "UpSampling", "ZeroPadding", "SpatialDropout") for n in (1, 2, 3)),
)
_WRAPPER = "TimeDistributed"


def has_time(call: Call) -> bool:
    """Whether the second axis of what a call reads is known to be the time."""
    return bool(call.input_axes) and call.input_axes[0][1:2] == ("time",)


def is_for_one_step(model: Model, call: Call, above: Above | None) -> bool:
    """Whether a layer that works on a grid gets a sequence of grids: the data have that axis as well."""
    if not may_be_for_one_step(call, above):
        return False
    given = model.contract.x if model.contract is not None else ()
    in_data = above is not None and len(given) == len(model.inputs) and len(given[above.item].shape)
    return has_time(call) or in_data == len(call.input_shape or ())


def may_be_for_one_step(call: Call, above: Above | None) -> bool:
    """Whether what a layer that works on a grid gets may be a sequence of grids, by its number of axes."""
    if not call.is_a(*_ON_GRIDS) or call.is_a("RNN") or len(call.input_shape or ()) != (call.wants_rank or 0) + 1:
        return False
    return has_time(call) or (above is not None and above.sizes[0] is not None)


def at_each_step(model: Model, call: Call) -> Repair:
    """The layer, and those that work on a grid behind it, done at each step."""
    layers = [call]
    for here in model.calls[call.call + 1 :]:
        if here.inputs != (layers[-1].call,) or here.is_a(*RECURRENT, "Dense", _WRAPPER):
            break
        layers.append(here)
    recurrent = any(c.is_a(*RECURRENT) for c in model.calls[layers[-1].call + 1 :])
    kinds = (*_ON_GRIDS, "Flatten") if recurrent else _ON_GRIDS
    wrapped = [c for c in layers if c.is_a(*kinds)]
    steps: tuple[Step, ...] = tuple(Wrap(c.call, _WRAPPER) for c in wrapped)
    values = {"layer": call.layer, "last": wrapped[-1].layer}
    message = "wrap-each-step" if len(wrapped) == 1 else "wrap-each-step-several"
    return Repair(steps, "choice", message, values, _WRAPPER)


def joined_at_each_step(call: Call) -> Iterator[Repair]:
    """What each step of a video holds made one row, the steps kept."""
    values = {"layer": call.layer}
    flat = InsertLayer(call.call, "Flatten", inside=_WRAPPER)
    yield Repair((flat,), "choice", "flat-at-each-step", values, f"{_WRAPPER}(Flatten())")
    grid = len(call.input_shape or ()) - 3
    if grid in (1, 2, 3) and "channels" not in call.input_axes[0][:-1]:
        pool = f"GlobalAveragePooling{grid}D"
        averaged = InsertLayer(call.call, pool, inside=_WRAPPER)
        values = {"layer": call.layer, "pool": pool}
        yield Repair((averaged,), "choice", "averaged-at-each-step", values, f"{_WRAPPER}({pool}())")
