"""What one call of a layer gives, as plain data: found out once, and remembered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Data, Failure
from shape_magic.spans import Shape
from shape_magic.teach.recipe import Cut, Layer, Node, Ref
from shape_magic.teach.tracing.forge import Forge
from shape_magic.trace import layers as describe
from shape_magic.trace.arguments import arguments
from shape_magic.trace.exact import is_exact
from shape_magic.trace.failures import failure_of
from shape_magic.trace.rows import Step, is_layer, shape
from shape_magic.trace.stack import flat
from shape_magic.trace.windows import late_refusal

#: A tensor as plain data: its shape and its dtype.
Spec = tuple[Shape, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of a layer gives, as plain data."""

    outputs: tuple[Spec, ...] = ()
    params: int = 0
    bytes: int = 0
    arguments: Mapping[str, object] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    wrapped_bases: tuple[str, ...] = ()
    wrapped_arguments: Mapping[str, object] = field(default_factory=dict)
    wants_rank: int | None = None
    failure: Failure | None = None
    #: Whether its shape formula says all that its call would.
    exact: bool = True


class Calls:
    """Calls of layers by (class, configuration, input): each is traced once."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._known: dict[str, Outcome] = {}

    def outcome(self, layer: Layer, first: Any, call: Any, *, fresh: bool, within: bool = False) -> Outcome:
        """What a layer that was built on ``first`` gives when it is called with these arguments.

        ``within`` a model that is called, Keras asks the layer's formula alone, and checks no input.
        Raises LookupError for what was not seen before, unless it may be found out (in the worker).
        """
        made_of = [layer.module, layer.class_name, layer.config, layer.name]
        key = json.dumps([made_of, first, call, within and first != call], sort_keys=True)
        if key not in self._known:
            if not fresh:
                raise LookupError
            with unobserved(), self._forge.custom_scope():
                self._known[key] = self._called(layer, first, call, within=within)
        return self._known[key]

    def _called(self, layer: Layer, first: Any, call: Any, *, within: bool) -> Outcome:
        made = self._forge.make(layer)
        known = described(made)
        try:
            if first != call:
                apply(made, symbols(first))
            given = symbols(call)
            if within and first != call:
                outputs = made.compute_output_spec(*given[0], **given[1])
            else:
                outputs = apply(made, given)
        except Exception as error:  # noqa: BLE001 - what Keras raises is the finding
            return Outcome(**known, failure=failure_of(error))
        late = late_refusal(Session(), made, [shape(t) for t in flat(given)], [shape(t) for t in flat(outputs)])
        if late is not None:
            return Outcome(**known, failure=late)
        params, size = describe.weights(made) if is_layer(made) else (0, 0)
        step = Step(0, made, *given, flat(outputs))
        specs = tuple((shape(t), str(t.dtype)) for t in flat(outputs))
        known["wants_rank"] = describe.wants_rank(made)
        return Outcome(**known, outputs=specs, params=params, bytes=size, exact=is_exact(step))


def described(made: Any) -> dict[str, Any]:
    inner = describe.wrapped(made) if is_layer(made) else None
    return {
        "arguments": dict(arguments(made)),
        "bases": describe.bases(made),
        "wrapped_bases": describe.bases(inner) if inner is not None else (),
        "wrapped_arguments": dict(arguments(inner)) if inner is not None else {},
        "wants_rank": describe.wants_rank(made),
    }


def plain_call(node: Node, specs: Mapping[Ref, Spec]) -> Any:
    """A call's arguments as JSON takes them, with the specs of the tensors in their place."""

    def plain(value: Any) -> Any:
        if isinstance(value, Ref):
            return {"spec": [list(specs[value][0]), specs[value][1]]}
        if isinstance(value, Cut):
            return {"cut": [value.start, value.stop, value.step]}
        if value is ...:
            return {"cut": []}
        if isinstance(value, tuple):
            return {"tuple": [plain(v) for v in value]}
        if isinstance(value, list):
            return [plain(v) for v in value]
        return {k: plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value

    return [[plain(v) for v in node.args], plain(node.kwargs)]


def symbols(call: Any) -> tuple[Any, Any]:
    """What ``plain_call`` made, with symbolic tensors in the place of specs."""
    import keras

    def symbol(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"spec"}:
            sizes, dtype = value["spec"]
            return keras.KerasTensor(tuple(sizes), dtype=dtype)
        if isinstance(value, dict) and set(value) == {"cut"}:
            return slice(*value["cut"]) if value["cut"] else ...
        if isinstance(value, dict) and set(value) == {"tuple"}:
            return tuple(symbol(v) for v in value["tuple"])
        if isinstance(value, list):
            return [symbol(v) for v in value]
        if isinstance(value, dict):
            return {k: symbol(v) for k, v in value.items()}
        return value

    args, kwargs = call
    return tuple(symbol(a) for a in args), symbol(kwargs)


def apply(made: Any, arguments: tuple[Any, Any]) -> Any:
    args, kwargs = arguments
    return made(*args, **kwargs) if is_layer(made) else made.symbolic_call(*args, **kwargs)


def input_spec(layer: Layer) -> Spec:
    return tuple(layer.config["batch_shape"]), str(layer.config.get("dtype") or "float32")


def input_of(layer: Layer) -> Data:
    sizes, dtype = input_spec(layer)
    return Data(layer.name, sizes, dtype)


def fitted(given: Spec, wanted: Spec) -> Spec:
    """What a model within does first: it adds or drops a last axis of 1."""
    sizes, dtype = given
    if len(sizes) == len(wanted[0]) + 1 and sizes[-1] == 1:
        return sizes[:-1], dtype
    if len(sizes) == len(wanted[0]) - 1 and wanted[0][-1] == 1:
        return (*sizes, 1), dtype
    return given
