"""A layer that Keras can't make, because of what its constructor says about shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shape_magic.facts import Call, Construct, Facts, Model
from shape_magic.repair.steps import InsertLayer, JoinArguments, RenameArgument, Repair, SetArgument
from shape_magic.rules.finding import Finding, Rule
from shape_magic.spans import Shape
from shape_magic.words import shape_text

#: How Keras 2 let a first layer name the shape of the model's input with the batch axis.
_WITH_BATCH = "batch_input_shape"
_SIZES = frozenset({int, type(None)})
#: The axes that a layer's window moves along, by its name.
_AXES = re.compile(r"([123])D(Transpose)?$")
#: What is said of each of these axes.
_WINDOWS = ("kernel_size", "pool_size", "strides", "dilation_rate", "size")
#: What is counted, so that it is a whole number.
_COUNTS = ("units", "filters", "input_dim", "output_dim", "n", *_WINDOWS)
#: The counts that each constructor with one of them takes first.
_FIRST = ("units", "filters")
_ACTIVATIONS = ("elu", "gelu", "linear", "relu", "selu", "sigmoid", "softmax", "softplus", "swish", "tanh")
#: Words that are given by position mostly, and the argument that each belongs to.
_WORDS = dict.fromkeys(("same", "valid", "causal"), "padding") | dict.fromkeys(_ACTIVATIONS, "activation")


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
        yield from _of_initializers(model)
        yield from _of_fractions(model)
        return
    call = model.calls[0]
    ways = (_of_batches, _of_axes, _of_table, _of_one_tuple, _of_places, _of_lengths, _of_whole_numbers)
    reason = next(filter(None, (way(call, made) for way in ways)), None)
    if reason is None:
        return
    yield _found(call, reason, failure.message)


def _found(call: Call, reason: _Reason, said: str) -> Finding:
    return Finding(
        severity="error",
        variant=reason.variant,
        topic="call",
        call=call.call,
        values={"class_name": call.class_name, **reason.values},
        repairs=reason.repairs,
        keras_message=said,
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
    if made.class_name != "Embedding" or len(tables) != 1:
        return None
    return _of_sizes(call, made.arguments, tables[0], "weights")


def _of_sizes(call: Call, arguments: Mapping[str, object], table: Shape, name: str) -> _Reason | None:
    """The sizes of an Embedding that differ from those of the matrix in an argument."""
    given = arguments.get("input_dim"), arguments.get("output_dim")
    sizes = tuple(size if isinstance(size, int) else None for size in given)
    if len(table) != len(sizes) or table == sizes:
        return None
    names = [(name, place) for place, name in enumerate(("input_dim", "output_dim")) if sizes[place] != table[place]]
    steps = tuple(SetArgument(call.call, name, str(table[place]), place) for name, place in names)
    shown = ", ".join(f"{step.name}={step.value}" for step in steps)
    repair = Repair(steps, "choice", "as-table", {"layer": call.class_name, "sizes": shown}, shown)
    values = {"own": shape_text(sizes), "given": shape_text(table), "sizes": shown, "argument": name}
    return _Reason(variant="table-of-another-size", values=values, repairs=(repair,))


def _of_initializers(model: Model) -> Iterator[Finding]:
    """Embeddings that Keras makes and can't fill: their initializer has a matrix of another size."""
    for call in model.calls:
        table = call.begins_with
        # A single row, or a single number in each, fills the matrix by repeating.
        reason = _of_sizes(call, call.arguments, table, "embeddings_initializer") if table and 1 not in table else None
        if reason is not None:
            yield _found(call, reason, model.failure.message if model.failure is not None else "")


def _of_fractions(model: Model) -> Iterator[Finding]:
    """A layer that Keras makes and can't call, as it counts in fractions."""
    call = model.failed_call
    if call is None or call.failure is None:
        return
    reason = _of_whole_numbers(call, Construct(call.class_name, call.arguments))
    if reason is not None:
        yield _found(call, reason, call.failure.message)


def _of_one_tuple(call: Call, made: Construct) -> _Reason | None:
    """Sizes given one by one where the layer takes them as one tuple."""
    one_by_one = made.class_name in ("Reshape", "Permute") or isinstance(made.arguments.get("data_format"), int)
    if not one_by_one or made.by_position < 2 or made.span is None:
        return None
    name = made.accepted[0]
    repair = Repair((JoinArguments(made.span),), "choice", "one-tuple", {"layer": made.class_name}, f"{name}=(…)")
    return _Reason(variant="one-by-one", values={"name": name, "number": made.by_position}, repairs=(repair,))


def _of_places(call: Call, made: Construct) -> _Reason | None:
    """A word that was given by position, and stands where a number belongs."""
    words = [
        (place, name, word)
        for place, name in enumerate(made.accepted[: made.by_position])
        if name in _COUNTS and isinstance(word := made.arguments.get(name), str) and word in _WORDS
    ]
    if not words or made.span is None:
        return None
    place, name, word = words[0]
    own = _WORDS[word]
    shown = f"{own}={word!r}"
    values = {"layer": made.class_name, "argument": shown}
    other = made.arguments.get(own)
    repairs: tuple[Repair, ...] = ()
    if own not in made.accepted:
        pass
    elif type(other) is int:  # the two of them are in each other's place
        swapped = (
            SetArgument(call.call, name, str(other), place),
            SetArgument(call.call, own, repr(word), made.accepted.index(own)),
        )
        repairs = (Repair(swapped, "choice", "by-name", values, shown),)
    elif other is None and place == made.by_position - 1:
        repairs = (Repair((RenameArgument(made.span, name, own, place),), "choice", "by-name", values, shown),)
    return _Reason(variant="by-position", values={"word": repr(word), "name": name, "own": own}, repairs=repairs)


def _of_lengths(call: Call, made: Construct) -> _Reason | None:
    """More or fewer numbers than the layer's window has axes."""
    axes = _AXES.search(made.class_name)
    if axes is None:
        return None
    count = int(axes[1])
    for name in _WINDOWS:
        given = made.arguments.get(name)
        if not isinstance(given, tuple | list) or not given or len(given) == count or set(map(type, given)) != {int}:
            continue
        numbers = given[:count] if len(given) > count else [*given, *[given[-1]] * (count - len(given))]
        text = shape_text(tuple(numbers)) if count > 1 else str(numbers[0])
        values = {"layer": made.class_name, "argument": f"{name}={text}"}
        step = SetArgument(call.call, name, text, made.accepted.index(name) if name in made.accepted else None)
        repair = Repair((step,), "choice", "numbers", values, f"{name}={text}")
        said = {"name": name, "given": shape_text(tuple(given)), "number": len(given), "axes": count}
        return _Reason(variant="numbers" if count > 1 else "one-number", values=said, repairs=(repair,))
    return None


def _of_whole_numbers(call: Call, made: Construct) -> _Reason | None:
    """A fraction where something is counted; one without a rest, mostly, since ``/`` gives no other."""
    for name in _COUNTS:
        given = made.arguments.get(name)
        if not isinstance(given, float) or not given.is_integer() or given < 1:
            continue
        known = made.accepted.index(name) if name in made.accepted else None
        whole, place = str(int(given)), 0 if name in _FIRST else known
        step = SetArgument(call.call, name, whole, place, computed="int({})")
        values = {"layer": made.class_name}
        repair = Repair((step,), "safe", "whole-number", values, f"{name}={whole}")
        return _Reason(variant="fraction", values={"name": name, "given": str(given)}, repairs=(repair,))
    return None


RULE = Rule("layer-refuses-arguments", check)
