"""Rows of the ladder from Keras' own graph: the calls of a model in order, nested models opened."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from shape_magic.capture.session import Session
from shape_magic.facts import Call, Data, Failure, Run
from shape_magic.source.cells import span_from_positions
from shape_magic.spans import Shape, Span
from shape_magic.trace import layers as describe
from shape_magic.trace.arguments import positional
from shape_magic.trace.classes import is_layer_class
from shape_magic.trace.data import size
from shape_magic.trace.known import Known, described
from shape_magic.trace.table import shared
from shape_magic.trace.windows import late_refusal
from shape_magic.untrusted import ask, named


class Step(NamedTuple):
    """One call as it stands in a graph, to be run again with a batch."""

    #: The row; None: a nested model's inputs or outputs take over their tensors from around it.
    call: int | None
    layer: Any
    args: Any
    kwargs: Any
    outputs: Sequence[Any]


class Rows:
    """Collects calls; counts a layer's weights at its first call only."""

    def __init__(self, session: Session) -> None:
        self.calls: list[Call] = []
        #: What made the rows, in the same order, where it is known.
        self.steps: list[Step] = []
        self._session = session
        self._counted: dict[int, int] = {}
        self._elements: dict[int, Span] = {}
        self._index = 0
        #: Behind a call that will raise nothing is reached, whatever the formulas say.
        self._stopped = False

    def know_elements(self, model: Any) -> None:
        """Learn where each layer stands in the list that a Sequential was made of."""
        self._elements |= list_elements(self._session, model)

    def add(
        self,
        layer: Any,
        path: tuple[str, ...],
        inputs: Sequence[int],
        input_shapes: Sequence[Shape],
        output_shapes: Sequence[Shape],
        *,
        told: Known | None = None,
        weights: tuple[int, int] | None = None,
        failure: Failure | None = None,
        takes: tuple[Data, ...] = (),
    ) -> int:
        """Add a call of the layer; ``told``: what is known of it, where that was looked up already.

        ``weights``: those that a clone of it got, numbers and bytes, if it is not its own that count.
        ``takes``: of a model that refused its input, what it was made for.
        """
        if self._stopped:
            input_shapes, output_shapes = (), ()
        elif failure is None:
            failure = late_refusal(self._session, layer, input_shapes, output_shapes)
            self._stopped = failure is not None
            output_shapes = () if self._stopped else output_shapes
        number = len(self.calls)
        times = self._counted.get(id(layer), 0)
        self._counted[id(layer)] = times + 1
        told = told or described(layer)
        params, size = (weights or told.weights) if times == 0 else (0, 0)
        index = None
        if len(path) == 1 and is_layer(layer):
            index, self._index = self._index, self._index + 1
        made = self._session.made.get(layer)
        placed = self._session.placed.get(layer)
        where = placed[min(times, len(placed) - 1)] if placed else self._elements.get(id(layer))
        self.calls.append(
            Call(
                call=number,
                index=index,
                layer=path[-1],
                class_name=told.bases[0],
                path=path,
                inputs=shared(tuple(inputs)),
                arguments=told.arguments,
                input_shapes=shared(tuple(input_shapes)),
                output_shapes=shared(tuple(output_shapes)),
                input_axes=(),
                output_axes=(),
                params=params,
                bytes=size,
                # An operation such as + has no constructor of its own: it stands where it is computed.
                span=made.span if made else None if is_layer(layer) else where,
                placed=where,
                exact=bool(made and made.exact),
                positional=positional(made.cls, made.args) if made else {},
                declares=told.declares,
                bases=told.bases,
                wrapped_bases=told.wrapped_bases,
                wrapped_arguments=told.wrapped_arguments,
                wants_rank=told.wants_rank,
                adapted=describe.adapted(layer),
                failure=failure,
                masks=told.masks,
                begins_with=describe.begins_with(layer) if told.bases[0] == "Embedding" else None,
                takes=takes,
            )
        )
        return number

    def note_runs(self, runs: Mapping[int, Run]) -> None:
        """Enter what the real calls do other than their formulas say."""
        for number, run in runs.items():
            self.calls[number] = replace(self.calls[number], run=run)

    def add_graph(self, graph: Any, sources: Sequence[int], prefix: tuple[str, ...] = ()) -> list[int]:
        """Add every call of a Functional's graph; returns where each of its outputs comes from."""
        at = {id(t): s for t, s in zip(graph.inputs, sources, strict=False)}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                self.add_node(node, at, prefix)
        return [at.get(id(t), -1) for t in graph.outputs]

    def add_node(self, node: Any, at: dict[int, int], prefix: tuple[str, ...] = ()) -> None:
        """Add one node of a graph; ``at`` says which call made each tensor, and learns."""
        layer = node.operation
        if type(layer).__name__ == "InputLayer":
            return
        sources = [at.get(id(t), -1) for t in node.input_tensors]
        inner = graph_of(layer)
        path = (*prefix, name_of(layer))
        if inner is not None:
            if hasattr(layer, "_layers") and type(layer).__name__ == "Sequential":
                self.know_elements(layer)
            self.steps.append(Step(None, layer, node.input_tensors, {}, inner.inputs))
            ends = self.add_graph(inner, sources, path)
            self.steps.append(Step(None, layer, inner.outputs, {}, node.outputs))
            at |= {id(t): end for t, end in zip(node.outputs, ends, strict=False)}
            return
        given = [shape(t) for t in (*node.input_tensors, *_arrays(node))]
        number = self.add(layer, path, sources, given, [shape(t) for t in node.outputs])
        self.steps.append(Step(number, layer, node.arguments.args, node.arguments.kwargs, node.outputs))
        at |= {id(t): number for t in node.outputs}


def _arrays(node: Any) -> list[Any]:
    """What a call got beside the graph's tensors: an array, or a tensor that holds values."""
    symbols = {id(t) for t in node.input_tensors}
    flat = node.arguments._flat_arguments
    return [a for a in flat if id(a) not in symbols and hasattr(a, "dtype") and len(getattr(a, "shape", ()))]


def is_layer(obj: Any) -> bool:
    """Whether it is a layer, not a bare operation such as ``+``."""
    return is_layer_class(type(obj))


def graph_of(model: Any) -> Any | None:
    """The graph of a built Functional or Sequential; None for anything else."""
    if hasattr(model, "_nodes_by_depth"):
        return model
    inner = getattr(model, "_functional", None)
    return inner if inner is not None and hasattr(inner, "_nodes_by_depth") else None


def name_of(layer: Any) -> str:
    """What a layer or operation is called."""
    return named(ask(lambda: layer.name, type(layer).__name__))


def shape(tensor: Any) -> Shape:
    """A tensor's shape as whole numbers and None; sizes that no machine could count are left open."""
    sizes = tuple(tensor.shape)
    if not _SIZES.issuperset(map(type, sizes)):
        sizes = tuple([None if d is None else int(d) for d in sizes])
    return _counted(sizes)


_SIZES = frozenset({int, type(None)})


@lru_cache(4096)
def _counted(sizes: Shape) -> Shape:
    return shared(tuple([None if d is None else size(d) for d in sizes]))


def list_elements(session: Session, model: Any) -> dict[int, Span]:
    """The span of each layer's element where the Sequential was made from a plain list; by the layer's id."""
    made = session.made.get(model)
    if made is None or made.span is None or made.span.cell is None:
        return {}
    cell = session.book.cells[made.span.cell]
    line = made.span.start_line
    nodes = [n for n in cell.syntax.calls.values() if n.lineno == line and _span(cell.source, n, cell.id) == made.span]
    given = nodes[0].args[:1] + [k.value for k in nodes[0].keywords if k.arg == "layers"] if nodes else []
    if not given or not isinstance(given[0], ast.List | ast.Tuple):
        return {}
    elements = given[0].elts
    args, kwargs = made.given()
    layers = args[0] if args else kwargs.get("layers")
    if layers is None or any(isinstance(e, ast.Starred) for e in elements) or len(elements) != len(layers):
        return {}
    return {id(layer): _span(cell.source, e, cell.id) for layer, e in zip(layers, elements, strict=True)}


def _span(source: str, node: ast.expr, cell: Any) -> Span:
    return span_from_positions(
        source, node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0, cell
    )
