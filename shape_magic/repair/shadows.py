"""Shadows of a graph: layers, nodes and tensors of its own for what leads to some symbolic tensors.

What goes on from a shadow leaves nothing in the layers that it stands for: Keras writes each call into the
layers whose tensors it reads, and here these are the shadows. A layer's shadow has attributes, containers,
nested layers and variables of its own, and shares their values, which no stateless scope changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from shape_magic.trace.classes import is_kerases_own

#: Of these nothing can change in place.
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})


class Foreign(Exception):
    """A layer of the user's own class: what it holds, and what its calls change, nobody knows."""


class Shadows:
    """The shadows of all that leads to these tensors; raises ``Foreign``, or whatever Keras' objects raise."""

    def __init__(self, tensors: Iterable[Any]) -> None:
        from keras import Layer
        from keras.src.backend import Variable  # what the backend makes: an older Keras shows another one

        self._variable, self._kept = Variable, (Layer, Variable)
        #: Each operation with its shadow.
        self.operations: list[tuple[Any, Any]] = []
        #: By the ids of layers, of operations and of variables.
        self._twins: dict[int, Any] = {}
        self._tensors: dict[int, Any] = {}
        self._held: list[Any] = []  # so that no id is used again
        seen: set[int] = set()
        for tensor in tensors:
            for node in _upstream(tensor, seen):
                self._add(node)

    def of(self, tensor: Any) -> Any:
        """The shadow of a tensor; None where it leads to none of them."""
        return self._tensors.get(id(tensor))

    def _add(self, node: Any) -> None:
        from keras import tree
        from keras.src.ops.node import KerasHistory
        from keras.src.ops.symbolic_arguments import SymbolicArguments

        operation, arguments = self._operation(node.operation), node.arguments
        twin = _twin(node, operation=operation)
        if arguments.keras_tensors:
            args, kwargs = tree.map_structure(self._or_itself, (arguments.args, arguments.kwargs))
            twin.arguments = SymbolicArguments(*args, **kwargs)
        index = len(operation._inbound_nodes)
        twin.outputs = [
            _twin(tensor, _keras_history=KerasHistory(operation, index, i)) for i, tensor in enumerate(node.outputs)
        ]
        self._held += node.outputs
        self._tensors |= {id(old): new for old, new in zip(node.outputs, twin.outputs, strict=True)}
        operation._inbound_nodes.append(twin)
        for tensor in twin.arguments.keras_tensors:
            tensor._keras_history.operation._outbound_nodes.append(twin)

    def _operation(self, operation: Any) -> Any:
        shadow = self._twins.get(id(operation))
        if shadow is None:
            shadow = self._layer(operation)
            vars(shadow).update(_inbound_nodes=[], _outbound_nodes=[])
            self.operations.append((operation, shadow))
        return shadow

    def _layer(self, layer: Any) -> Any:
        if not is_kerases_own(type(layer)):
            raise Foreign
        shadow = self._twins[id(layer)] = _twin(layer)
        vars(shadow).update({name: self._own(value) for name, value in vars(layer).items()})
        return shadow

    def _own(self, value: Any) -> Any:
        """What a layer holds, for its shadow: containers, Keras' own kinds too, by themselves."""
        if type(value) in _PLAIN:  # nearly everything
            return value
        if isinstance(value, self._kept):
            known = self._twins.get(id(value))
            if known is None and isinstance(value, self._variable):
                known = self._twins[id(value)] = _twin(value)
            return known if known is not None else self._layer(value)
        if isinstance(value, list):
            return [self._own(one) for one in value]
        if isinstance(value, dict):
            return {key: self._own(one) for key, one in value.items()}
        return set(value) if isinstance(value, set) else value

    def _or_itself(self, value: Any) -> Any:
        return self._tensors.get(id(value), value)


def _twin(obj: Any, **changed: Any) -> Any:
    twin = object.__new__(type(obj))
    vars(twin).update(vars(obj) | changed)
    return twin


def _upstream(tensor: Any, seen: set[int]) -> Iterator[Any]:
    """The nodes that lead to a tensor, each behind those that it reads."""
    todo = [(_node(tensor), False)]
    while todo:
        node, is_ready = todo.pop()
        if is_ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            todo.append((node, True))
            todo += [(_node(one), False) for one in node.arguments.keras_tensors]


def _node(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]
