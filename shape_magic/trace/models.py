"""Live models into facts: built ones read from their graph, unbuilt ones traced on clones."""

from __future__ import annotations

import ast
import contextlib
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from shape_magic.capture.session import Broken, Session, Tracked, Use
from shape_magic.facts import Contract, Data, Failure, Given, Model, Shape
from shape_magic.trace.axes import with_axes
from shape_magic.trace.contract import contract_facts, forward
from shape_magic.trace.data import data_of_use, with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.inputs import assigned, input_data, with_declaration
from shape_magic.trace.rows import Rows, graph_of, shape
from shape_magic.trace.stack import call_apart, flat, input_tensor, trace_stack
from shape_magic.trace.worker import apart, in_worker
from shape_magic.words import say

_NOTHING = Given()


def model_facts(
    session: Session,
    model: Any,
    namespace: Mapping[str, Any],
    *,
    use: Use | None = None,
    given: Given = _NOTHING,
    compiled: dict[str, Any] | None = None,
) -> Model:
    """A model and, if given, one use of it, as facts.

    ``given`` says what the code does not: shapes of inputs and labels, a loss. Nothing
    of the model changes: what has to be called is called on clones, in the worker.
    """
    tracked = session.tracked.get(model)
    if compiled is not None:  # what is asked about stands for what was compiled, for this once
        known = tracked or Tracked(0, weakref.ref(model), None)
        tracked = replace(known, compiled=compiled)
    rows = Rows(session)
    rows.know_elements(model)
    graph = graph_of(model)
    if use is None and given.targets:
        use = asked_use(model, graph, given)
        tracked = tracked if tracked and tracked.compiled.get("loss") else _with_loss(tracked, model, given.loss)
    failure: Failure | None = None
    contract: Contract | None = None
    ends: list[int] = []
    if graph is not None:
        ends = rows.add_graph(graph, [-1 - k for k in range(len(graph.inputs))])
        inputs = tuple(input_data(session, t, _first_layers(model)) for t in graph.inputs)
        outputs = tuple(shape(t) for t in graph.outputs)
        if use is not None:
            contract = contract_facts(tracked, use, lambda x, batch: _checked_forward(graph, x, batch))
    elif _is_stack(model):
        inputs, outputs, contract, failure = _stack(session, rows, model, tracked, use, given.inputs)
        ends = [rows.calls[-1].call] if len(outputs) == 1 and rows.calls else []
    else:
        inputs, outputs = (), ()
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in inputs))
    return Model(
        name=variable_name(session, model, namespace, tracked),
        keras_name=str(getattr(model, "name", type(model).__name__)),
        kind=_kind(model),
        params=sum(c.params for c in calls),
        bytes=sum(c.bytes for c in calls),
        inputs=inputs,
        calls=calls,
        outputs=outputs,
        span=tracked.span if tracked else None,
        contract=with_origins(session, contract),
        ends=tuple(ends),
        # What is built has its memory; what the worker looks at has none yet.
        memory_budget=given.budget if graph is None or in_worker() else None,
        failure=failure,
    )


class Shaped:
    """Stands for an array of which only the shape is known."""

    dtype = "float32"

    def __init__(self, sizes: Shape) -> None:
        self.shape = sizes


def asked_use(model: Any, graph: Any, given: Given) -> Use:
    """The fit that the given shapes stand for, where the code has none."""
    inputs = given.inputs or (tuple(shape(t) for t in graph.inputs) if graph is not None else ())
    x, y = [Shaped(s) for s in inputs], [Shaped(s) for s in given.targets]
    arguments = {"x": x if len(x) != 1 else x[0], "y": y if len(y) != 1 else y[0]}
    return Use(model, "fit", arguments, None, {"x": say("given.input"), "y": say("given.target")})


def _with_loss(tracked: Tracked | None, model: Any, loss: str | None) -> Tracked:
    known = tracked or Tracked(0, weakref.ref(model), None)
    return replace(known, compiled={**known.compiled, "loss": loss}) if loss else known


def _checked_forward(graph: Any, x: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
    if not x:  # a generator: nothing is consumed to find out, the model's own outputs are what is known
        return flat(graph.outputs), None
    return forward(graph, x, batch)


def _is_stack(model: Any) -> bool:
    return any(c.__name__ == "Sequential" and c.__module__.startswith("keras.") for c in type(model).__mro__)


def _kind(model: Any) -> Literal["Sequential", "Functional", "Model"]:
    if _is_stack(model):
        return "Sequential"
    return "Functional" if graph_of(model) is not None else "Model"


def _stack(
    session: Session, rows: Rows, model: Any, tracked: Tracked | None, use: Use | None, given: tuple[Shape, ...]
) -> tuple[tuple[Data, ...], tuple[Shape, ...], Contract | None, Failure | None]:
    """An unbuilt Sequential: traced from its own input, from what was given, or from the data."""
    x, _ = data_of_use(use.arguments, use.texts, use.spans) if use else ((), ())
    start = _start(session, model, x, given)
    if start is None:
        apart(lambda: trace_stack(session, rows, model.layers, None))
        return (), (), contract_facts(tracked, use, lambda *_: ([], None)) if use else None, None
    ends: list[Any] = []

    def trace() -> None:
        end, _ = trace_stack(session, rows, model.layers, input_tensor(start.shape, start.dtype))
        ends.extend(flat(end) if end is not None else [])

    apart(trace)
    outputs = tuple(shape(t) for t in ends)
    contract = None
    if use is not None:
        failed = next((c.failure for c in rows.calls if c.failure), None)

        def outputs_for(x: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
            return [input_tensor((batch, *s[1:])) for s in outputs], failed

        contract = contract_facts(tracked, use, outputs_for)
    return (start,), outputs, contract, None


def _start(session: Session, model: Any, x: Sequence[Data], given: tuple[Shape, ...]) -> Data | None:
    first = model._layers[0] if getattr(model, "_layers", None) else None
    batch_shape = getattr(first, "batch_shape", None)
    if first is not None and type(first).__name__ == "InputLayer" and batch_shape is not None:
        data = Data(str(first.name), tuple(batch_shape), str(first.dtype))
        return with_declaration(session, data, first, _first_layers(model))
    if given:
        return Data("input", given[0], "float32")
    if x:
        return Data(x[0].name, with_batch(x[0], None), "float32" if x[0].dtype.startswith("float") else x[0].dtype)
    inner = graph_of(first) if first is not None else None
    return input_data(session, inner.inputs[0], []) if inner else None


def _first_layers(model: Any) -> list[Any]:
    """The layer of a Sequential behind its InputLayer: it may say the input's shape."""
    return list(model._layers[1:2]) if _is_stack(model) else []


def with_origins(session: Session, contract: Contract | None) -> Contract | None:
    """The use with the statements that its data come from."""
    if contract is None:
        return None
    return replace(contract, x=tuple(assigned(session.book, d, contract.span) for d in contract.x))


def broken_facts(session: Session, broken: Broken, given: Given) -> Model | None:
    """The graph that led to a call which raised, with that call last; None when there is no such graph."""
    layer = next((obj for obj in broken.layers if not _is_stack(obj)), None)
    tensors = flat(list(broken.args))
    if layer is None or not tensors or not hasattr(tensors[0], "_keras_history"):
        return None
    inputs, nodes = _ancestors(tensors)
    rows = Rows(session)
    at = {id(t): -1 - k for k, t in enumerate(inputs)}
    for node in nodes:
        rows.add_node(node, at)
    _add_broken(session, rows, layer, tensors, broken, at)
    starts = tuple(input_data(session, t, []) for t in inputs)
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in starts))
    name = _assigned_name(session, broken.span, within=True) or "model"
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


def _add_broken(
    session: Session, rows: Rows, layer: Any, tensors: list[Any], broken: Broken, at: dict[int, int]
) -> None:
    # Traced once more on a clone, so that the row also tells the weights that it would have had.
    sources, given = [at.get(id(t), -1) for t in tensors], [shape(t) for t in tensors]
    weighed, result = None, None
    with contextlib.suppress(Exception):  # it raised for the user too: that exception is the finding
        result, weighed = apart(lambda: call_apart(session, layer, *broken.args))
    rows.add(
        layer,
        (str(layer.name),),
        sources,
        given,
        [shape(t) for t in flat(result)] if result is not None else [],
        weighed=weighed,
        failure=failure_of(broken.error),
    )


def _ancestors(tensors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
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


def variable_name(session: Session, model: Any, namespace: Mapping[str, Any], tracked: Tracked | None) -> str:
    """The variable that holds the model, else the one that it would have been assigned to, else Keras' name."""
    held = [k for k, v in namespace.items() if v is model and not k.startswith("_")]
    if held:
        return held[-1]
    assigned = _assigned_name(session, tracked.span if tracked else None)
    return assigned or str(getattr(model, "name", "model"))


def _assigned_name(session: Session, span: Any, *, within: bool = False) -> str | None:
    """The name on the left of the statement in which a span stands; ``within``: a span that is not all of its value."""
    cell = session.book.cells.get(span.cell) if span is not None and span.cell is not None else None
    if cell is None or cell.tree is None:
        return None
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Assign) and node.lineno <= span.start_line <= (node.end_lineno or 0):
            target = node.targets[0]
            end = (node.value.end_lineno, node.value.end_col_offset)
            whole = end == (span.end_line, span.end_col)
            if isinstance(target, ast.Name) and _calls_model(node.value) and not (within and whole):
                return target.id
    return None


def _calls_model(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and not isinstance(value.func, ast.Call)
