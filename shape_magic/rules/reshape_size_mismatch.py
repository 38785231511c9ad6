"""A Reshape to a shape that holds more or fewer numbers than there are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import Repair, ReplaceLayer, SetArgument
from shape_magic.rules.branches import above, made_by
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import number, shape_text

#: Layers that pass every number on to its own place, so that the layer above them set how many there are.
_PASS_ON = ("Dropout", "BatchNormalization", "Activation", "LayerNormalization", "ReLU", "LeakyReLU", "PReLU", "ELU")
#: How many other targets are offered.
_MANY = 3
_GRIDS = {2: "1D", 3: "2D", 4: "3D"}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a Reshape whose target does not hold the numbers that arrive."""
    call = model.failed_call or next((c for c in model.calls if c.run and c.run.failure), None)
    if call is None or not call.is_a("Reshape") or call.input_shape is None:
        return
    target, sizes = _target(call), _known(call.input_shape[1:])
    if target is None or sizes is None:
        return
    have, wanted = math.prod(sizes), math.prod(d for d in target if d != -1)
    open_axes = target.count(-1)
    if open_axes == 0 and have == wanted:
        return
    if call.failure is None and (open_axes > 1 or wanted == 0 or have % wanted == 0):
        return  # the formula took it, and the call says no to something else
    failure = call.failure or (call.run.failure if call.run else None)
    source = _source(model, call)
    yield Finding(
        severity="error",
        variant="batch-in-target" if _holds_batch(target, sizes) else "not-divisible" if open_axes else "other-size",
        topic="call",
        call=call.call,
        values={
            "layer": call.layer,
            "line": call.span.start_line if call.span else None,
            "input": shape_text(call.input_shape, batch="batch"),
            "have": have,
            "arrives": _counted(sizes),
            "target": shape_text(target),
            "wanted": wanted,
            "asked": _counted([d for d in target if d != -1]),
            "sample": shape_text(target[1:]) if target else "",
        },
        repairs=tuple(_repairs(model, call, target, sizes)),
        actual=call.input_shape,
        keras_message=failure.message if failure else None,
        related=((source.span, "source"),) if source else (),
    )


def _target(call: Call) -> tuple[int, ...] | None:
    given = call.arguments.get("target_shape")
    if not isinstance(given, list | tuple):
        return None
    # Keras 3 reads None in a target as -1.
    sizes = [-1 if d is None else d for d in given]
    return tuple(sizes) if all(isinstance(d, int) for d in sizes) else None


def _known(sizes: Sequence[int | None]) -> tuple[int, ...] | None:
    known = tuple(d for d in sizes if d is not None)
    return known if len(known) == len(sizes) else None


def _product(sizes: Sequence[int]) -> str:
    """The sizes as a product to read and to write, ``7 * 7 * 128``."""
    return " * ".join(map(str, sizes)) or "1"


def _counted(sizes: Sequence[int]) -> str:
    """The sizes with how many numbers they hold: ``7 · 7 · 128 = 6,272``."""
    count = number(math.prod(sizes))
    return f"{' · '.join(map(str, sizes))} = {count}" if len(sizes) > 1 else count


def _source(model: Model, call: Call) -> Call | None:
    """The layer that sets how many numbers arrive."""
    number = made_by(model, call.inputs[0], _PASS_ON)
    return model.calls[number] if number >= 0 else None


def _holds_batch(target: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    """Whether the target without its first size holds one sample."""
    rest = target[1:]
    return len(rest) > 0 and target[0] not in (-1, 1) and -1 not in rest and math.prod(rest) == math.prod(sizes)


def _repairs(model: Model, call: Call, target: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[Repair]:
    have, source = math.prod(sizes), _source(model, call)
    if _holds_batch(target, sizes):
        yield _aim(call, target[1:])
        return
    if target.count(-1) == 0 and source is not None and source.is_a("Dense") and len(sizes) == 1:
        yield _units(source, target)
    if len(target) == 1 and len(sizes) in _GRIDS and -1 not in target:
        yield from _joined(call, target, sizes)
    others = [*_others(target, sizes, have), *_before(model, call, len(target), have)]
    fitting = (other for other in dict.fromkeys(others) if other != target)
    yield from (_aim(call, other) for other in islice(fitting, _MANY))


def _aim(call: Call, target: tuple[int, ...]) -> Repair:
    text = shape_text(target)
    values = {"layer": call.layer, "target": text}
    return Repair((SetArgument(call.call, "target_shape", text, 0),), "choice", "target", values, text)


def _units(source: Call, target: tuple[int, ...]) -> Repair:
    """As many units in the Dense above as the target holds: it was made to fill it."""
    units = _product([d for d in target if d != 1] or [1])
    values = {"layer": source.layer, "argument": f"units={units}"}
    return Repair((SetArgument(source.call, "units", units, 0),), "choice", "argument", values, f"units={units}")


def _joined(call: Call, target: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[Repair]:
    """One row of features: pooled, where the target holds the channels alone, or flattened."""
    pooled = f"GlobalAveragePooling{_GRIDS[len(sizes)]}"
    values = {"old": call.layer, "layer": call.layer}
    if target[0] == sizes[-1]:
        yield Repair((ReplaceLayer(call.call, pooled),), "choice", "average-instead", values | {"new": pooled}, pooled)
    yield Repair((ReplaceLayer(call.call, "Flatten"),), "choice", "flatten-instead", values, "Flatten")


def _others(target: tuple[int, ...], sizes: tuple[int, ...], have: int) -> Iterator[tuple[int, ...]]:
    """Targets that hold the numbers, as near to the one that was written as can be."""
    if -1 in target:
        yield from _divided(target, sizes, have)
    else:
        yield from _squared(target, have)
        yield from _steps_kept(target, sizes)
        for place in range(len(target)):
            rest = math.prod(target) // (target[place] or 1)
            if rest > 0 and have % rest == 0:
                yield _with(target, place, have // rest)
        if len(target) == 2 and len(sizes) > 1:
            yield (-1, sizes[-1])


def _steps_kept(target: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """A map as a sequence along its first axis, where the target's width is made of the map's channels."""
    if len(target) == 2 and len(sizes) == 3 and target[1] != sizes[2] and target[1] % sizes[2] == 0:
        yield (sizes[0], sizes[1] * sizes[2])


def _before(model: Model, call: Call, rank: int, have: int) -> Iterator[tuple[int, ...]]:
    """Shapes of as many axes that these numbers had further up."""
    for at in sorted(above(model, call.call), reverse=True):
        shape = model.calls[at].output_shape if at >= 0 else model.inputs[-1 - at].shape
        sizes = _known(shape[1:]) if shape else None
        if sizes is not None and len(sizes) == rank and math.prod(sizes) == have:
            yield sizes


def _with(target: tuple[int, ...], place: int, size: int) -> tuple[int, ...]:
    return (*target[:place], size, *target[place + 1 :])


def _divided(target: tuple[int, ...], sizes: tuple[int, ...], have: int) -> Iterator[tuple[int, ...]]:
    """One of the sizes beside the open one replaced: by the channels that arrive, or by the nearest that divides."""
    for place in reversed(range(len(target))):
        rest = math.prod(d for k, d in enumerate(target) if k != place and d != -1)
        if target[place] == -1 or rest <= 0 or have % rest:
            continue
        size, share = target[place], have // rest
        if len(sizes) > 1 and share % sizes[-1] == 0:
            yield _with(target, place, sizes[-1])
        near = (d for step in range(1, size) for d in (size - step, size + step) if share % d == 0)
        yield _with(target, place, next(near, share))


def _squared(target: tuple[int, ...], have: int) -> Iterator[tuple[int, ...]]:
    """Another square grid with the same channels."""
    if len(target) in (2, 3) and target[0] == target[1]:
        channels = math.prod(target[2:])
        side = math.isqrt(have // channels) if channels else 0
        if side and side * side * channels == have:
            yield (side, side, *target[2:])


RULE = Rule("reshape-size-mismatch", check)
