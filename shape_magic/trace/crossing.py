"""Where a loss or metric of the user's own sets a row against a column: (n,) and (n, 1) give a table, (n, n).

With more axes behind them it is the same: (n, k) and (n, 1, k) give (n, n, k).

Nothing is raised, and from there on every sample is compared with every other one. Keras computes a loss on
symbols in a graph of TensorFlow's: that graph says which operation did it, of what, and in which line.
NumPy's rules of broadcasting, https://numpy.org/doc/stable/user/basics.broadcasting.html, hold in TensorFlow.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from shape_magic.capture.blame import is_user_file
from shape_magic.capture.book import Book, Cell
from shape_magic.facts import LossFacts
from shape_magic.misread import Crossing, Spot
from shape_magic.source.cells import span_of, text_of
from shape_magic.source.declared import called
from shape_magic.spans import Shape

#: TensorFlow's operations that go over two tensors number by number, with Python's operator for each, if it has one.
_OPERATORS: dict[str, type[ast.AST] | None] = {
    "Add": ast.Add,
    "AddV2": ast.Add,
    "DivNoNan": None,
    "Equal": ast.Eq,
    "Greater": ast.Gt,
    "GreaterEqual": ast.GtE,
    "Less": ast.Lt,
    "LessEqual": ast.LtE,
    "LogicalAnd": ast.BitAnd,
    "LogicalOr": ast.BitOr,
    "Maximum": None,
    "Minimum": None,
    "Mul": ast.Mult,
    "MulNoNan": None,
    "NotEqual": ast.NotEq,
    "Pow": ast.Pow,
    "RealDiv": ast.Div,
    "SquaredDifference": None,
    "Sub": ast.Sub,
    "Xdivy": None,
    "Xlogy": None,
}
#: How the names of TensorFlow's functions end that stand between a call, or an operator, and what computes it.
_WRAPPERS = ("error_handler", "op_dispatch_handler", "wrapper")
_LABELS, _OUTPUT = 1, 2


def crossings_in(labels: Any, output: Any) -> tuple[Crossing, ...]:
    """Such operations in the graph that has just been traced from these two; none on another backend."""
    if not all(hasattr(one, "graph") and hasattr(one, "name") for one in (labels, output)):
        return ()  # a sparse tensor is three, and has no name
    return _crossings(output.graph, {labels.name: _LABELS, output.name: _OUTPUT})


def crossings_of_answers(graph: Any, answers: Iterable[str]) -> tuple[Crossing, ...]:
    """The same in a graph of the user's own, a ``tf.function``, in which a model gave answers of these names.

    Whatever else it was given may be the labels.
    """
    given = (o.outputs[0] for o in graph.get_operations() if o.type in ("Placeholder", "Const"))
    led_by = {tensor.name: _LABELS for tensor in given if tensor.dtype.name != "resource" and tensor.shape.rank}
    return _crossings(graph, led_by | dict.fromkeys(answers, _OUTPUT))


def _crossings(graph: Any, led_by: dict[str, int]) -> tuple[Crossing, ...]:
    meant: set[str] = set()
    made: list[Any] = []
    found: list[Crossing] = []
    for operation in graph.get_operations():
        inputs = list(operation.inputs)
        made.append(operation)
        leading = 0
        for tensor in inputs:
            leading |= led_by.get(tensor.name, 0)
        if operation.type in _OPERATORS and len(inputs) == 2 and leading == _LABELS | _OUTPUT:
            found += _crossed(made, inputs, meant)
        if _is_new_axis(operation) or _is_all_of(meant, inputs):
            meant.update(tensor.name for tensor in operation.outputs)
        for tensor in operation.outputs:
            led_by.setdefault(tensor.name, leading)
    return tuple(found)


def _crossed(made: Sequence[Any], inputs: Sequence[Any], meant: Container[str]) -> Iterator[Crossing]:
    shapes = [tuple(t.shape) if t.shape.rank is not None else () for t in inputs]
    for column, row in ((0, 1), (1, 0)):
        if not is_crossed(shapes[row], shapes[column]):
            continue
        at = _made_at(made[-1])
        if at is not None and inputs[column].name not in meant:
            before = sum(_made_at(one) == at for one in made[:-1] if one.type == made[-1].type)
            spot = Spot(at.filename, at.line, at.maker, made[-1].type, before, column)
            yield Crossing(spot, rest=shapes[row][1:])


def is_crossed(row: Shape, column: Shape) -> bool:
    """Whether the samples of one shape meet an axis of size 1 of the other, so that each meets all of the other's."""
    return bool(row) and row[0] != 1 and column == (row[0], 1, *row[1:])


class _At(NamedTuple):
    """The user's line that made an operation, and the function of a library's that it called for it."""

    filename: str
    line: int
    maker: str


def _made_at(operation: Any) -> _At | None:
    frames = list(operation.traceback)
    inner = next((i for i in reversed(range(len(frames))) if is_user_file(frames[i].filename)), None)
    if inner is None:
        return None
    makers = (frame.name for frame in frames[inner + 1 :] if not frame.name.endswith(_WRAPPERS))
    return _At(frames[inner].filename, frames[inner].lineno, next(makers, ""))


def _is_new_axis(operation: Any) -> bool:
    """Whether the user's own code gives a tensor another axis: a table of all pairs is then what it wants."""
    is_one = operation.type == "ExpandDims" or (
        operation.type == "StridedSlice" and operation.get_attr("new_axis_mask")
    )
    return bool(is_one) and _made_at(operation) is not None


def _is_all_of(meant: Container[str], inputs: Sequence[Any]) -> bool:
    """Whether every column among the inputs was made one on purpose."""
    columns = [tensor.name for tensor in inputs if tensor.shape.rank is not None and tensor.shape.rank > 1]
    return bool(columns) and all(name in meant for name in columns)


# In the text of the cell


def placed(book: Book, losses: Sequence[LossFacts]) -> tuple[LossFacts, ...]:
    """Losses or metrics with the places of what they do, where that is in a cell."""
    return tuple(replace(one, crossings=located(book, one.crossings)) if one.crossings else one for one in losses)


def located(book: Book, crossings: Iterable[Crossing]) -> tuple[Crossing, ...]:
    """Operations with their places, where these are in a cell."""
    return tuple(_found(book, one) for one in crossings)


def _found(book: Book, crossing: Crossing) -> Crossing:
    spot = crossing.spot
    known = book.cell_of(spot.filename) if spot is not None else None
    if spot is None or known is None:
        return replace(crossing, spot=None)
    cell, above = known
    line = spot.line + above
    operations = sorted(_operations(cell.syntax.tree, line, spot), key=_end)[spot.turn :]
    if not operations:
        return replace(crossing, spot=None)
    return crossing_at(cell, operations[0], spot.column, crossing.rest)


def crossing_at(cell: Cell, node: ast.expr, column: int, rest: Shape) -> Crossing:
    """An operation in a cell as a crossing; ``column``: which of its two operands is the column."""
    operands = [span_of(cell.source, one, cell.id) for one in _operands(node)]
    span = span_of(cell.source, node, cell.id)
    return Crossing(None, span, operands[1 - column], operands[column], text_of(cell.source, span), rest=rest)


def _operations(tree: ast.AST | None, line: int, spot: Spot) -> Iterator[ast.expr]:
    """What may be that operation: calls of the function that made it, else the uses of its operator in this line."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.expr) and n.lineno == line] if tree is not None else []
    by_name = [n for n in nodes if isinstance(n, ast.Call) and called(n) == spot.maker and len(n.args) == 2]
    yield from by_name
    operator = _OPERATORS[spot.operation]
    if by_name or operator is None:
        return
    for node in nodes:
        if (isinstance(node, ast.BinOp) and isinstance(node.op, operator)) or (
            isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], operator)
        ):
            yield node


def _operands(node: ast.expr) -> tuple[ast.expr, ...]:
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    return (node.left, *node.comparators) if isinstance(node, ast.Compare) else tuple(getattr(node, "args", ()))


def _end(node: ast.expr) -> tuple[int, int, int]:
    """What is computed first comes first: what an operation is computed from ends no later, and begins later."""
    return node.end_lineno or 0, node.end_col_offset or 0, -node.col_offset
