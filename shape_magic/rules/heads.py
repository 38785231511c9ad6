"""The head behind an output: the layer that sets its width, and the activation that its numbers went through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import Repair, ReplaceLayer, SetArgument, Step
from shape_magic.rules.agreement import Pair, has_units, pairs
from shape_magic.rules.finding import Finding
from shape_magic.words import number, shape_text

#: Layers through which an output's range and its sums stay as they are.
_THROUGH = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "ActivityRegularization",
    "Reshape",
    "Flatten",
    "Permute",
    "RepeatVector",
    "UpSampling1D",
    "UpSampling2D",
    "Cropping1D",
    "Cropping2D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "AveragePooling2D",
)
#: Layers that only apply a function, by the name of their activation.
_FUNCTIONS = {
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ReLU": "relu",
    "Relu": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
}
#: Layers with weights and an activation of their own: where ``activation`` stands, if it has stood there in
#: every version, and what sets the width.
_WEIGHTED: dict[str, tuple[int | None, str]] = {
    "Dense": (1, "units"),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), (7, "filters")),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), (None, "filters")),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), (1, "units")),
}


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a model as far as one output is concerned."""

    #: The layer with weights that gives the output its width.
    layer: Call
    #: What applies the activation: the layer itself, or an Activation behind it.
    active: Call
    #: Keras' name of the activation, ``"linear"`` for none.
    activation: str

    @property
    def width(self) -> int | None:
        """How many numbers one answer has."""
        return self.layer.output_shape[-1] if self.layer.output_shape else None

    def with_activation(self, name: str) -> Step:
        """The step that gives the head another activation."""
        if self.active is self.layer:
            return SetArgument(self.layer.call, "activation", repr(name), _place(self.layer)[0])
        if self.active.is_a("Activation"):
            return SetArgument(self.active.call, "activation", repr(name), 0)
        return ReplaceLayer(self.active.call, "Activation", repr(name))

    def with_width(self, width: int) -> SetArgument:
        """The step that gives the head another number of units or filters."""
        return SetArgument(self.layer.call, _place(self.layer)[1], str(width), 0)


def head_of(model: Model, item: int = 0) -> Head | None:
    """The head of an output; None where another kind of layer makes it, or its activation is the user's own."""
    if item >= len(model.ends) or model.ends[item] < 0:
        return None
    call = model.calls[model.ends[item]]
    active: Call | None = None
    while len(call.inputs) == 1:
        if call.class_name in _WEIGHTED:
            return _head(call, active)
        if call.class_name == "Activation" or call.class_name in _FUNCTIONS:
            if active is not None:
                return None
            active = call
        elif call.class_name not in _THROUGH:
            return None
        if call.inputs[0] < 0:
            return None
        call = model.calls[call.inputs[0]]
    return None


def _head(layer: Call, active: Call | None) -> Head | None:
    own = layer.arguments.get("activation")
    if not isinstance(own, str) or (active is not None and own != "linear"):
        return None
    if active is None:
        return Head(layer, layer, own)
    name = activation_of(active)
    return Head(layer, active, name) if name is not None else None


def activation_of(call: Call) -> str | None:
    """The activation that a layer applies to its last axis; None for none, or one that is not known."""
    if call.class_name in _FUNCTIONS:
        last = call.arguments.get("axis", -1) in (-1, len(call.input_shape or ()) - 1)
        cut = call.class_name == "ReLU" and call.arguments.get("max_value") is not None
        return _FUNCTIONS[call.class_name] if last and not cut else None
    own = call.class_name == "Activation" or (call.class_name in _WEIGHTED and not call.is_a("RNN"))
    name = call.arguments.get("activation") if own else None
    return name if isinstance(name, str) else None


def _place(layer: Call) -> tuple[int | None, str]:
    return _WEIGHTED[layer.class_name]


@dataclass(frozen=True, slots=True)
class Judged:
    """An output with its labels, whose shapes agree, and the head that answers."""

    pair: Pair
    head: Head


def judged(model: Model) -> Iterator[Judged]:
    """The outputs of which something can be said by their values: Keras' own loss, shapes that agree, a known head."""
    contract = model.contract
    if contract is None or contract.own_step:
        return
    for pair in pairs(contract):
        head = head_of(model, pair.item)
        if head is not None and pair.loss.known and fits(pair):
            yield Judged(pair, head)


def fits(pair: Pair) -> bool:
    """Whether the loss computes with these shapes, and every class number has its unit."""
    if pair.loss.failure is not None or not pair.agrees:
        return False
    return has_units(pair)


def about(model: Model, one: Judged) -> dict[str, object]:
    """What every sentence about an output and its labels may name."""
    layer, pair, contract = one.head.layer, one.pair, model.contract
    facts = pair.labels.facts
    return {
        "layer": layer.layer,
        "line": layer.span.start_line if layer.span else None,
        "activation": one.head.activation,
        "units": pair.output[-1],
        "output": shape_text(pair.output, batch="batch"),
        "loss": pair.loss.name,
        "labels": pair.labels.name,
        "labels_shape": shape_text(pair.labels.shape, batch="batch"),
        "low": number(facts.min) if facts else "",
        "high": number(facts.max) if facts else "",
        "method": contract.method if contract else "",
    }


def warning(model: Model, one: Judged, variant: str, repairs: Iterable[Repair], **more: object) -> Finding:
    """A finding at the head of an output, of what runs on and is hardly meant."""
    contract = model.contract
    places = ((contract.compile_span, "compile"), (contract.span, "use")) if contract else ()
    return Finding(
        severity="warning",
        variant=variant,
        topic="values",
        call=one.head.layer.call,
        values={**about(model, one), **more},
        repairs=tuple(repairs),
        expected=one.pair.output,
        actual=one.pair.labels.shape,
        related=places,
    )
