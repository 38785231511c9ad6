"""Graphs that are no model: what led to a call that raised, and what the cell's own calls left without a model."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shape_magic.capture.session import Broken, Session
from shape_magic.facts import Given, Model
from shape_magic.trace import layers as describe
from shape_magic.trace.axes import with_axes
from shape_magic.trace.failures import failure_of
from shape_magic.trace.inputs import input_data, own_inputs
from shape_magic.trace.names import assigned_name
from shape_magic.trace.probe import runs
from shape_magic.trace.rows import Rows, name_of, shape
from shape_magic.trace.stack import call_apart, flat
from shape_magic.trace.worker import apart, in_worker


def broken_facts(session: Session, broken: Broken, given: Given, called: Any = None) -> Model | None:
    """The graph that led to a call which raised, with that call last; None when there is no such graph.

    ``called``: the whole model that refused its input; None where it was a layer, in a model or not.
    """
    within = next((obj for obj in broken.layers if type(obj).__name__ != "Sequential"), None)
    layer = called if called is not None else within
    tensors = flat(list(broken.args))
    if layer is None or not hasattr(layer, "name"):
        return None  # it never ran the constructor of Keras' own class
    inputs, nodes = ancestors([t for t in tensors if hasattr(t, "_keras_history")])
    if not inputs:
        return None
    rows = Rows(session)
    at = {id(t): -1 - k for k, t in enumerate(inputs)}
    for node in nodes:
        rows.add_node(node, at)
    _add_broken(session, rows, layer, tensors, broken, at)
    starts = tuple(input_data(session, t, []) for t in inputs)
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in starts))
    name = assigned_name(session, broken.span, within=True) or "model"
    return Model(
        name=name,
        keras_name=name,
        kind="Functional",
        params=sum(c.params for c in calls),
        bytes=sum(c.bytes for c in calls),
        inputs=starts,
        calls=calls,
        outputs=(),
        span=broken.span,
        memory_budget=given.budget,
    )


def loose_facts(session: Session, namespace: Mapping[str, Any], given: Given, taken: set[int]) -> list[Model]:
    """The graphs that the running cell's own calls made and that are no part of a model; one for each end.

    ``taken``: the ids of the nodes that models are made of.
    """
    alive = [t for ref in session.computed if (t := ref()) is not None]
    nodes = {id(t): node_of(t) for t in alive}
    ends = [t for t in alive if not _is_read(nodes[id(t)], t) and id(nodes[id(t)]) not in taken]
    return [_loose(session, group, namespace, given) for group in _together(ends)]


def node_of(tensor: Any) -> Any:
    """The call that gave a symbolic tensor."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _is_read(node: Any, tensor: Any) -> bool:
    return any(t is tensor for after in node.operation._outbound_nodes for t in after.input_tensors)


def _together(ends: Sequence[Any]) -> list[list[Any]]:
    """The ends by the call that gave them: an LSTM's output and states are one."""
    groups: dict[int, list[Any]] = {}
    for end in ends:
        groups.setdefault(id(node_of(end)), []).append(end)
    return list(groups.values())


def _loose(session: Session, ends: list[Any], namespace: Mapping[str, Any], given: Given) -> Model:
    inputs, nodes = ancestors(ends[:1])
    rows = Rows(session)
    at = {id(t): -1 - k for k, t in enumerate(inputs)}
    for node in nodes:
        rows.add_node(node, at)
    rows.note_runs(runs(session, rows.steps, ends))
    starts = tuple(input_data(session, t, []) for t in inputs)
    made = session.placed.get(nodes[-1].operation) or (None,)
    held = [k for k, v in namespace.items() if any(v is end for end in ends) and not k.startswith("_")]
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in starts))
    name = held[-1] if held else name_of(nodes[-1].operation)
    return Model(
        name=name,
        keras_name=name,
        kind="Functional",
        params=sum(c.params for c in calls),
        bytes=sum(c.bytes for c in calls),
        inputs=starts,
        calls=calls,
        outputs=tuple(shape(t) for t in ends),
        span=made[-1] or calls[-1].span,
        memory_budget=given.budget if in_worker() else None,
        unfinished=True,
    )


def _add_broken(
    session: Session, rows: Rows, layer: Any, tensors: list[Any], broken: Broken, at: dict[int, int]
) -> None:
    # Traced once more on a clone, so that the row also tells the weights that it would have had.
    sources, given = [at.get(id(t), -1) for t in tensors], [shape(t) for t in tensors]
    weights, result = None, None
    with contextlib.suppress(Exception):  # it raised for the user too: that exception is the finding
        result, used = apart(lambda: call_apart(session, layer, *broken.args))
        weights = describe.weights(used)
    rows.add(
        layer,
        (name_of(layer),),
        sources,
        given,
        [shape(t) for t in flat(result)] if result is not None else [],
        weights=weights,
        failure=failure_of(broken.error),
        takes=own_inputs(session, layer),
    )
    placed = session.placed.get(layer)
    if placed and placed[-1] is not None:  # the call that raised is the last one, whatever came before
        rows.calls[-1] = replace(rows.calls[-1], placed=placed[-1])


def ancestors(tensors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The input tensors and the nodes, in order, from which these tensors were computed."""
    inputs: list[Any] = []
    nodes: list[Any] = []
    seen: set[int] = set()
    todo: list[tuple[Any, bool]] = [(t, False) for t in reversed(tensors)]
    while todo:
        tensor, done = todo.pop()
        history = getattr(tensor, "_keras_history", None)
        if history is None or history.operation is None:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                inputs.append(tensor)
            continue
        node = history.operation._inbound_nodes[history.node_index]
        if done:
            nodes.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            if type(history.operation).__name__ == "InputLayer":
                inputs.append(tensor)
            else:
                todo.append((tensor, True))
                todo.extend((t, False) for t in reversed(node.input_tensors))
    return inputs, nodes
