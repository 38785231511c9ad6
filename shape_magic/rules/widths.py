"""The layer that sets an output's last axis, and what gives it another width or another activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Call, LossFacts, Model
from shape_magic.repair.steps import InsertLayer, Repair, ReplaceLayer, SetArgument, Step
from shape_magic.rules.agreement import CLASSES
from shape_magic.rules.finding import listed
from shape_magic.spans import Shape

#: Layers behind the head that leave its width alone.
_BEHIND = ("Activation", "Softmax", "Dropout", "ReLU", "LeakyReLU", "PReLU", "ELU", "BatchNormalization")
RECURRENT = ("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional")
_POSITIONS = {"units": 0, "filters": 0}


@dataclass(frozen=True, slots=True)
class End:
    """The layer that sets the width, and the activation that may stand behind it as a layer of its own."""

    call: Call
    activation: Call | None
    #: The call that gives the output.
    end: Call


def end_of(model: Model, item: int = 0) -> End | None:
    """The head of one of the model's outputs; None where the output comes from no layer."""
    end = model.end(item)
    call, activation = end, None
    while call is not None and call.is_a(*_BEHIND) and len(call.inputs) == 1:
        if call.is_a("Activation", "Softmax") and activation is None:
            activation = call
        call = model.calls[call.inputs[0]] if call.inputs[0] >= 0 else None
    return End(call, activation, end) if call is not None and end is not None else None


def width_argument(call: Call) -> str | None:
    """The argument that sets a layer's last axis; None for a layer without one."""
    inner = call.wrapped_bases if call.is_a("TimeDistributed") else call.bases
    if "Dense" in inner or (call.is_a(*RECURRENT) and not call.is_a("Bidirectional")):
        return "units"
    if any(base in ("BaseConv", "BaseConvTranspose", "BaseSeparableConv") for base in inner):
        return "filters"
    return None


def activation_of(head: End) -> str:
    """The name of the activation that the output goes through; empty where it is not known."""
    if head.activation is not None:
        given = "softmax" if head.activation.is_a("Softmax") else head.activation.arguments.get("activation")
    else:
        given = head.call.argument("activation")
    return given if isinstance(given, str) else ""


def activation_for(loss: LossFacts, width: int | None) -> str | None:
    """The activation whose numbers a loss reads, for an output of this width; None where it reads any."""
    if loss.from_logits:
        return None
    if loss.name in CLASSES:
        return "softmax" if width != 1 else None
    return "sigmoid" if loss.name == "binary_crossentropy" else None


def activated(head: End, loss: LossFacts, width: int) -> tuple[Step, ...]:
    """The change of activation that goes with another width: softmax over classes, sigmoid for one yes or no."""
    wanted, given = activation_for(loss, width), activation_of(head)
    if wanted is None or {wanted, given} != {"softmax", "sigmoid"}:
        return ()
    if loss.name == "binary_crossentropy" and width != 1:
        return ()  # several labels at once, or two classes as two yes or no: what is there may stay
    if head.activation is None:
        position = {"units": 1}.get(width_argument(head.call) or "")
        return (SetArgument(head.call.call, "activation", repr(wanted), position),)
    if head.activation.is_a("Softmax"):
        return (ReplaceLayer(head.activation.call, "Activation", repr(wanted)),)
    return (SetArgument(head.activation.call, "activation", repr(wanted), 0),)


def widened(head: End, width: int, loss: LossFacts, *, flat: bool = False) -> Iterator[Repair]:
    """What gives an output this width: the head's own argument, a pooling instead of a Flatten, a layer behind it.

    ``flat``: the output has no axis between batch and width.
    """
    argument = width_argument(head.call)
    recurrent = head.call.is_a(*RECURRENT)
    # A recurrent layer's own activation bounds its numbers, and its state is what it remembers with.
    if recurrent:
        yield appended(head, width, loss)
    if argument is not None:
        yield with_width(head.call, argument, width, *activated(head, loss, width))
    if flat and head.call.is_a("Flatten"):
        yield from _pooled(head.call, width)
    if argument is None:
        yield appended(head, width, loss)


def set_width(call: Call, argument: str, width: int) -> SetArgument:
    """The step that gives a layer's last axis another size."""
    return SetArgument(call.call, argument, str(width), _POSITIONS[argument])


def with_width(call: Call, argument: str, width: int, *more: Step) -> Repair:
    """The repair that gives a layer's last axis another size by its units or filters, with what follows from it."""
    steps, values = (set_width(call, argument, width), *more), {"layer": call.layer, argument: str(width)}
    return Repair(steps, "choice", argument, values, f"{argument}={width}")


def _pooled(flatten: Call, width: int) -> Iterator[Repair]:
    """A global pooling in the place of a Flatten whose map has a channel for each answer."""
    shape = flatten.input_shape or ()
    rank = len(shape) - 2
    if rank not in (1, 2, 3) or shape[-1] != width:
        return
    for kind in ("Average", "Max"):
        name = f"Global{kind}Pooling{rank}D"
        values = {"old": flatten.layer, "new": name}
        yield Repair((ReplaceLayer(flatten.call, name),), "choice", "pooled-head", values, name)


def appended(head: End, width: int, loss: LossFacts, *, first: str = "") -> Repair:
    """A Dense behind the output, with what must come first to join its positions."""
    activation = activation_for(loss, width)
    arguments = f"{width}, activation={activation!r}" if activation else str(width)
    dense = InsertLayer(head.end.call, "Dense", arguments, where="after")
    joins = (InsertLayer(head.end.call, first, where="after"),) if first else ()
    new = listed([*([f"{first}()"] if first else []), f"Dense({width})"])
    values = {"layer": head.end.layer, "new": new}
    return Repair((*joins, dense), "choice", "joined-head" if first else "new-head", values, f"Dense({width})")


def joined(head: End, output: Shape, width: int | None, loss: LossFacts) -> Iterator[Repair]:
    """One answer per sample out of one per position, behind the output."""
    rank = len(output) - 2
    pooling = f"GlobalAveragePooling{rank}D"
    if rank <= 3 and (width is None or output[-1] == width):
        values = {"layer": head.end.layer, "new": pooling}
        yield Repair((InsertLayer(head.end.call, pooling, where="after"),), "choice", "average-after", values, pooling)
    elif width is not None:
        yield appended(head, width, loss, first=pooling if rank <= 3 else "Flatten")
    if width is not None and output[-1] != width and rank <= 3 and None not in output[1:]:
        yield appended(head, width, loss, first="Flatten")
