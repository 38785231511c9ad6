"""A layer that Keras can't make, because of what its constructor says about shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shape_magic.facts import Call, Construct, Facts, Model
from shape_magic.repair.steps import InsertLayer, Repair, SetArgument
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

#: How Keras 2 let a first layer name the shape of the model's input with the batch axis.
_WITH_BATCH = "batch_input_shape"
_SIZES = frozenset({int, type(None)})


@dataclass(frozen=True, slots=True)
class _Reason:
    """What is wrong with the arguments, as far as they and Keras' refusal show it."""

    variant: str
    values: Mapping[str, object]
    repairs: tuple[Repair, ...]


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the layer that was being made when Keras raised."""
    made, failure = model.construct, model.failure
    if made is None or failure is None or not model.calls:
        return
    call = model.calls[0]
    reason = _of_batches(call, made) or _of_axes(call, made) or _of_table(call, made)
    if reason is None:
        return
    yield Finding(
        severity="error",
        variant=reason.variant,
        topic="call",
        call=call.call,
        values={"class_name": made.class_name, **reason.values},
        repairs=reason.repairs,
        keras_message=failure.message,
        span=call.span,
    )


def _of_batches(call: Call, made: Construct) -> _Reason | None:
    """The argument that Keras 3 has no more, and the input that says the same."""
    given = made.arguments.get(_WITH_BATCH)
    if not isinstance(given, tuple | list) or not given or not _SIZES.issuperset(map(type, given)):
        return None
    shape = shape_text(tuple(given))
    values = {"shape": shape}
    # What the layer says of the input goes to the layer that is first now.
    repair = Repair(
        (InsertLayer(call.call, "Input"),), "safe", "as-input", {"layer": made.class_name, **values}, "Input"
    )
    return _Reason(variant="batch-input-shape", values=values, repairs=(repair,))


def _of_axes(call: Call, made: Construct) -> _Reason | None:
    """Axes counted from 0 where Keras counts those behind the batch from 1."""
    dims = made.arguments.get("dims")
    if made.class_name != "Permute" or not isinstance(dims, tuple | list) or set(map(type, dims)) != {int}:
        return None
    if sorted(dims) != [*range(len(dims))]:
        return None
    # An axis 0 in front, which stays there, is that of the batch.
    order = dims[1:] if dims[0] == 0 else [d + 1 for d in dims]
    text = shape_text(tuple(order))
    values = {"layer": made.class_name, "dims": text}
    repair = Repair((SetArgument(call.call, "dims", text, 0),), "choice", "axes-order", values, f"dims={text}")
    return _Reason(variant="axes-from-0", values={"dims": shape_text(tuple(dims))}, repairs=(repair,))


def _of_table(call: Call, made: Construct) -> _Reason | None:
    """An Embedding that is to begin with a matrix of another size."""
    tables = made.shapes.get("weights", ())
    given = made.arguments.get("input_dim"), made.arguments.get("output_dim")
    sizes = tuple(size if isinstance(size, int) else None for size in given)
    if made.class_name != "Embedding" or len(tables) != 1 or len(tables[0]) != 2 or tables[0] == sizes:
        return None
    names = [
        (name, place) for place, name in enumerate(("input_dim", "output_dim")) if sizes[place] != tables[0][place]
    ]
    steps = tuple(SetArgument(call.call, name, str(tables[0][place]), place) for name, place in names)
    shown = ", ".join(f"{step.name}={step.value}" for step in steps)
    repair = Repair(steps, "choice", "as-table", {"layer": made.class_name, "sizes": shown}, shown)
    values = {"own": shape_text(sizes), "given": shape_text(tables[0]), "sizes": shown}
    return _Reason(variant="table-of-another-size", values=values, repairs=(repair,))


RULE = Rule("layer-refuses-arguments", check)
