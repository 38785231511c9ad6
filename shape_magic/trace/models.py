"""Live models into facts: built ones read from their graph, unbuilt ones traced on clones."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from shape_magic.capture.session import Session, Tracked, Use
from shape_magic.facts import Contract, Data, Failure, Given, Model, Run
from shape_magic.interrupts import GaveUp
from shape_magic.spans import Shape
from shape_magic.trace.axes import with_axes
from shape_magic.trace.built import built_copy, forward_of_copy
from shape_magic.trace.contract import batch_of, contract_facts, forward, is_training
from shape_magic.trace.data import as_read, with_batch
from shape_magic.trace.exact import is_doubtful
from shape_magic.trace.inputs import first_layers, input_data, own_inputs, with_declaration
from shape_magic.trace.layers import is_stack
from shape_magic.trace.names import variable_name
from shape_magic.trace.origins import with_origins
from shape_magic.trace.probe import Circumstances, are_exact, runs
from shape_magic.trace.reuse import Flow, Spec
from shape_magic.trace.rows import Rows, graph_of, name_of, shape
from shape_magic.trace.stack import flat, input_tensor, trace_stack
from shape_magic.trace.subclassed import traced, trains_itself
from shape_magic.trace.use import Names, data_of_use
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
    of the model changes: what has to be called is called on clones, in the worker. Where the
    user's code takes too long, nothing is known of the model but that it is there.
    """
    try:
        return _facts(session, model, namespace, use, given, compiled)
    except GaveUp:
        session.gave_up = True
        name = variable_name(session, model, namespace, session.tracked.get(model))
        return Model(name, name_of(model), _kind(model), 0, 0, (), (), (), None)


def _facts(
    session: Session,
    model: Any,
    namespace: Mapping[str, Any],
    use: Use | None,
    given: Given,
    compiled: dict[str, Any] | None,
) -> Model:
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
        inputs = own_inputs(session, model)
        outputs = tuple(shape(t) for t in graph.outputs)
        if use is not None:
            training = is_training(use)

            def outputs_of(x: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
                if not x:  # a generator: nothing is consumed to find out, the model's own outputs are what is known
                    return flat(graph.outputs), None
                return forward(graph, x, batch, guarded=not is_stack(model), training=training)

            contract = contract_facts(tracked, use, outputs_of, namespace)
        rows.note_runs(runs(session, rows.steps, graph.outputs, _circumstances(use, contract, graph)))
    elif is_stack(model):
        inputs, outputs, contract, failure = _stack(session, rows, model, tracked, use, given.inputs, namespace)
        ends = [rows.calls[-1].call] if len(outputs) == 1 and rows.calls else []
    else:
        rows, inputs, outputs, contract = _by_call(session, rows, model, tracked, use, namespace)
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in inputs))
    return Model(
        name=variable_name(session, model, namespace, tracked),
        keras_name=name_of(model),
        kind=_kind(model),
        params=sum(c.params for c in calls),
        bytes=sum(c.bytes for c in calls),
        inputs=inputs,
        calls=calls,
        outputs=outputs,
        span=tracked.span if tracked else None,
        contract=with_origins(session.book, contract, use, namespace),
        ends=tuple(ends),
        # What is built has its memory; what the worker looks at has none yet.
        memory_budget=given.budget if graph is None or in_worker() else None,
        failure=failure,
    )


def _circumstances(use: Use | None, contract: Contract | None, graph: Any) -> Circumstances:
    """What a use says of the real calls: the batches, the rest at the end with them, and the data's open sizes."""
    if use is None or contract is None or not contract.x:
        return Circumstances(training=is_training(use))
    size = batch_of(use, contract.x)
    count = contract.x[0].shape[0] if size else None
    batches = tuple(dict.fromkeys(b for b in (size, (count or 0) % size) if b)) if size else ()
    data = {id(t): d.shape for t, d in zip(graph.inputs, contract.x, strict=False)}
    asked = {d.asked[0] for d in (*contract.x, *contract.y) if d.asked}
    return Circumstances(batches or tuple(rows for rows in asked if rows), len(asked) > 1, data, is_training(use))


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
    return Use(model, "fit", arguments, None, {"x": say("given.input"), "y": say("given.target")}, real=False)


def _with_loss(tracked: Tracked | None, model: Any, loss: str | None) -> Tracked:
    known = tracked or Tracked(0, weakref.ref(model), None)
    return replace(known, compiled={**known.compiled, "loss": loss}) if loss else known


def _kind(model: Any) -> Literal["Sequential", "Functional", "Model"]:
    if is_stack(model):
        return "Sequential"
    return "Functional" if graph_of(model) is not None else "Model"


def _stack(
    session: Session,
    rows: Rows,
    model: Any,
    tracked: Tracked | None,
    use: Use | None,
    given: tuple[Shape, ...],
    namespace: Mapping[str, Any],
) -> tuple[tuple[Data, ...], tuple[Shape, ...], Contract | None, Failure | None]:
    """An unbuilt Sequential: traced from its own input, from what was given, or from the data."""
    x = data_of_use(use, Names(), namespace)[0] if use else ()
    start = _start(session, model, x, given, tracked)
    if start is None:
        trace_stack(session, rows, model.layers, None)
        return (), (), contract_facts(tracked, use, lambda *_: ([], None), namespace) if use else None, None
    end = trace_stack(session, rows, model.layers, Flow(Spec(start.shape, start.dtype)))
    outputs = tuple(end.shapes) if end is not None else ()
    contract = None
    if use is not None:
        failed = next((c.failure for c in rows.calls if c.failure), None)

        def outputs_for(x: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
            if failed is None and x and x[0].shape[1:] != start.shape[1:]:
                return forward_of_copy(session, model, start, x, batch, is_training(use))
            return [input_tensor((batch, *s[1:])) for s in outputs], failed

        contract = contract_facts(tracked, use, outputs_for, namespace)
        if end is not None and not (are_exact(rows.steps) and all(map(_is_formula_enough, model.layers))):
            graph = apart(lambda: built_copy(session, model, start))
            if isinstance(graph, Failure):
                return (start,), outputs, contract, graph
            rows.note_runs(_runs_of_stack(session, rows, graph, use, contract))
    return (start,), outputs, contract, None


def _is_formula_enough(layer: Any) -> bool:
    """Whether the formulas of a stack's layer can be believed; of a model with a graph its steps tell."""
    if graph_of(layer) is not None:
        return True
    if is_stack(layer):
        return all(map(_is_formula_enough, layer.layers))
    return not any(map(is_doubtful, layer._flatten_layers()))


def _by_call(
    session: Session, rows: Rows, model: Any, tracked: Tracked | None, use: Use | None, namespace: Mapping[str, Any]
) -> tuple[Rows, tuple[Data, ...], tuple[Shape, ...], Contract | None]:
    """A model with a ``call`` of its own: what it does with the data of a use, where that can be told."""
    if use is None:
        return rows, (), (), None
    first = next(iter(use.arguments.values()), None)  # of a call, whatever its parameter is named
    x, *_ = data_of_use(replace(use, arguments={"x": first} | use.arguments), Names(), namespace)
    if trains_itself(use):

        def gives(_: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
            own = traced(session, model, x, batch)
            return ([], None) if own is None else (list(own.outputs), own.failure)

        return rows, (), (), contract_facts(tracked, use, gives, namespace, own_step=True)
    seen = apart(lambda: traced(session, model, x, batch_of(use, x)))
    if seen is None:
        told = use.method != "call"
        return rows, (), (), contract_facts(tracked, use, lambda *_: ([], None), namespace) if told else None
    outputs = tuple((None, *shape(t)[1:]) for t in seen.outputs)

    def outputs_for(_: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
        return [input_tensor((batch, *s[1:])) for s in outputs], seen.failure

    starts = tuple(replace(d, shape=with_batch(d, None)) for d in x)
    return seen.rows, starts, outputs, contract_facts(tracked, use, outputs_for, namespace)


def _runs_of_stack(session: Session, rows: Rows, graph: Any, use: Use, contract: Contract) -> Mapping[int, Run]:
    """What the real calls of a stack that is not built yet will do other than their formulas say, by row.

    ``graph``: that of a built copy; None where it can't be copied.
    """
    if graph is None:
        return {}
    copy = Rows(session)
    copy.add_graph(graph, [-1])
    if [c.class_name for c in copy.calls] != [c.class_name for c in rows.calls]:
        return {}
    return runs(session, copy.steps, graph.outputs, _circumstances(use, contract, graph))


def _start(
    session: Session, model: Any, x: Sequence[Data], given: tuple[Shape, ...], tracked: Tracked | None
) -> Data | None:
    first = model._layers[0] if getattr(model, "_layers", None) else None
    batch_shape = getattr(first, "batch_shape", None)
    if first is not None and type(first).__name__ == "InputLayer" and batch_shape is not None:
        data = Data(name_of(first), tuple(batch_shape), str(first.dtype))
        return with_declaration(session, data, first, first_layers(model))
    if given:
        return Data("input", given[0], "float32")
    if tracked is not None and tracked.start is not None:
        return Data("input", tracked.start, "float32")
    if x:
        return Data(x[0].name, with_batch(x[0], None), as_read(x[0].dtype))
    inner = graph_of(first) if first is not None else None
    return input_data(session, inner.inputs[0], []) if inner else None
