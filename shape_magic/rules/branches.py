"""The ways that lead to a call: who made what it reads, what makes shapes differ on them, and a new layer on one."""

from __future__ import annotations

from collections.abc import Sequence

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, Repair
from shape_magic.rules.finding import listed
from shape_magic.spans import Shape

POOLS = tuple(f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3))
CONVS = ("BaseConv", "BaseDepthwiseConv", "BaseSeparableConv")
#: Layers that make a grid larger.
GROWS = ("BaseConvTranspose", "UpSampling1D", "UpSampling2D", "UpSampling3D")
#: Operators that combine two tensors number by number.
_OPERATORS = ("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Maximum", "Minimum")

#: So many layers out of one call are a model of ``keras.applications``, and no helper that makes a layer or two.
_BASE = 10


def is_of_base(model: Model, call: Call) -> bool:
    """Whether a layer is one of the many that a single call in the user's code makes: of a ready-made base."""
    if call.exact or call.span is None:
        return False
    return sum(c.span == call.span for c in model.calls) >= _BASE


def is_elementwise(call: Call) -> bool:
    """Whether a call combines its inputs number by number: a layer such as ``Add``, or an operator such as ``+``."""
    if call.is_a("Layer"):
        return call.is_a("Merge") and not call.is_a("Concatenate", "Dot")
    return call.class_name in _OPERATORS


def name_of(model: Model, number: int) -> str:
    """What a person calls the tensor that a call gives, or an input of the model."""
    if number >= 0:
        return model.calls[number].layer
    place = -1 - number
    return model.inputs[place].name if place < len(model.inputs) else "input"


def made_by(model: Model, number: int, through: Sequence[str]) -> int:
    """The call, or the input of the model, that a tensor comes from, seen through layers of these classes."""
    while number >= 0 and model.calls[number].is_a(*through):
        number = model.calls[number].inputs[0]
    return number


def inserted(
    model: Model, call: Call, which: int, layers: Sequence[tuple[str, str]], does: str, repeated: str = ""
) -> Repair:
    """New layers on one of the tensors that a call reads, each by its class and arguments; ``does``: what they do."""
    number = call.inputs[which]
    item = which if len(call.inputs) > 1 else None
    steps = tuple(InsertLayer(call.call, name, given, input=item, repeated=repeated) for name, given in layers)
    # Seen from where the call stands, what a model gives is that model's.
    path = model.calls[number].path if number >= 0 else ()
    source = path[len(call.path) - 1] if len(path) > len(call.path) else name_of(model, number)
    new = listed([f"{name}({given})" for name, given in layers])
    values = {"inserted": new, "source": source, "layer": call.layer, "does": does}
    return Repair(steps, "choice", "between", values, layers[0][0])


def above(model: Model, number: int) -> frozenset[int]:
    """A call with all calls that lead to it, and the model's inputs among them."""
    found: set[int] = set()
    todo = [number]
    while todo:
        at = todo.pop()
        if at not in found:
            found.add(at)
            todo += model.calls[at].inputs if at >= 0 else ()
    return frozenset(found)


def only_on(model: Model, this: int, others: Sequence[int]) -> list[Call]:
    """The calls that lead to one tensor and to none of some others, the lowest first."""
    shared: frozenset[int] = frozenset().union(*(above(model, other) for other in others))
    return [model.calls[n] for n in sorted(above(model, this) - shared, reverse=True) if n >= 0]


def grid_of(shape: Shape | None) -> Shape:
    """The sizes between the batch axis and the channels."""
    return shape[1:-1] if shape else ()


def changes_grid(call: Call) -> bool:
    """Whether a call gives another grid than it gets."""
    before, after = call.input_shape, call.output_shape
    return bool(before and after and len(before) == len(after) and grid_of(before) != grid_of(after))


def stride_of(call: Call) -> int:
    """By how much a convolution or pooling thins its grid out; 1 where it does not, or not alike along all axes."""
    strides = call.arguments.get("strides")
    if not call.is_a(*CONVS, *POOLS) or call.is_a(*GROWS):
        return 1
    sizes = strides if isinstance(strides, list | tuple) else [strides]
    return sizes[0] if sizes and isinstance(sizes[0], int) and len(set(sizes)) == 1 else 1


def thins(call: Call) -> bool:
    """Whether a convolution takes steps larger than 1."""
    strides = call.arguments.get("strides")
    sizes = strides if isinstance(strides, list | tuple) else [strides]
    return call.is_a(*CONVS) and not call.is_a(*GROWS) and any(isinstance(s, int) and s > 1 for s in sizes)


def stands_where_kernels_were(call: Call) -> bool:
    """``Conv2D(32, 3, 3)``: the second number of the kernel, as Keras 1 wrote it, is today the strides."""
    kernel, strides = call.arguments.get("kernel_size"), call.arguments.get("strides")
    return call.is_a(*CONVS) and "strides" in call.positional and kernel == strides and thins(call)


def made_alike(model: Model, call: Call) -> list[Call]:
    """Other layers that the same piece of source makes, in a loop or a function."""
    return [c for c in model.calls if call.span is not None and c.span == call.span and c.path != call.path]


def joins(call: Call) -> bool:
    """Whether a call gives up the positions for good: one row of features per sample comes out."""
    return call.is_a("Flatten", "BaseGlobalPooling")


def rank_dropped_at(model: Model, call: Call) -> Call | None:
    """The call above on the way to which, from a failed one, all tensors have as few axes as what arrives there."""
    number = only_input(call)
    while number >= 0:
        here = model.calls[number]
        if here.input_shape and here.output_shape and len(here.input_shape) > len(here.output_shape):
            return here
        number = only_input(here)
    return None


def only_input(call: Call) -> int:
    """What a call reads, also where it reads the same tensor twice, as attention does; -1 where there are several."""
    return call.inputs[0] if len(set(call.inputs)) == 1 else -1
