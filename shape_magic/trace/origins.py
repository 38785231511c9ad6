"""Where the data of a call come from: the statement that made them, unpacked names, the parts of a batch."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import CodeType, GeneratorType
from typing import Any

from shape_magic.capture.book import Book, Cell
from shape_magic.capture.session import Use
from shape_magic.facts import Contract, Data, Unpacked, Written
from shape_magic.source.cells import span_from_positions, text_of
from shape_magic.spans import Span
from shape_magic.trace.crossing import placed
from shape_magic.trace.data import describe
from shape_magic.trace.sources import is_sequence, lists_in
from shape_magic.trace.use import validation_of


def with_origins(
    book: Book, contract: Contract | None, use: Use | None, namespace: Mapping[str, Any]
) -> Contract | None:
    """The use with what its data come from, and where its losses do what they do."""
    if contract is None or use is None:
        return contract

    def known(data: tuple[Data, ...]) -> tuple[Data, ...]:
        return tuple(assigned(book, d, contract.span) for d in data)

    x, y = known(contract.x), known(contract.y)
    parts, together = _written_batch(book, x, use.arguments.get("x"))
    return replace(
        contract,
        x=x,
        y=y,
        validation=with_origins(book, contract.validation, validation_of(use), namespace),
        unpacked=_unpacked(book, x, y, namespace),
        parts=parts,
        together=together,
        losses=placed(book, contract.losses),
        metrics=placed(book, contract.metrics),
        lists=lists_in(use.arguments.get("x"), namespace),
    )


def assigned(book: Book, data: Data, use: Span | None) -> Data:
    """Data with the statement that last gave their variable a value before the call that uses them."""
    if use is None or use.cell not in book.cells or not data.name.isidentifier():
        return data
    here = book.cells[use.cell]
    cells = sorted((c for c in book.cells.values() if c.order <= here.order), key=lambda c: c.order, reverse=True)
    for cell in cells:
        for node in _bindings(cell, data.name):
            if cell is not here or node.lineno < use.start_line:
                span = span_from_positions(
                    cell.source,
                    node.lineno,
                    node.end_lineno or node.lineno,
                    node.col_offset,
                    node.end_col_offset or 0,
                    cell.id,
                )
                return replace(data, assigned=span)
    return data


def _bindings(cell: Cell, name: str) -> Iterator[ast.Assign]:
    """The cell's statements that give a variable a value, the last first."""
    for node in reversed(cell.syntax.tree.body if cell.syntax.tree is not None else []):
        if isinstance(node, ast.Assign):
            targets = [e for t in node.targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
            if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                yield node


def written(cell: Cell, node: ast.expr) -> Written:
    """An expression of a cell by its text and its place."""
    place = (node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0)
    span = span_from_positions(cell.source, *place, cell.id)
    return Written(span, text_of(cell.source, span))


def _unpacked(book: Book, x: tuple[Data, ...], y: tuple[Data, ...], namespace: Mapping[str, Any]) -> Unpacked | None:
    """The one statement that gave data and labels their values out of one call; None where there is no such."""
    if len(x) != 1 or len(y) != 1 or x[0].assigned is None or x[0].assigned != y[0].assigned:
        return None
    span = x[0].assigned
    cell = book.cells.get(span.cell) if span.cell is not None else None
    statement = next((n for n in _bindings(cell, x[0].name) if n.lineno == span.start_line), None) if cell else None
    if cell is None or statement is None or len(statement.targets) != 1 or not isinstance(statement.value, ast.Call):
        return None
    target = statement.targets[0]
    if not isinstance(target, ast.Tuple | ast.List) or not all(isinstance(e, ast.Name) for e in target.elts):
        return None
    values = [describe(namespace.get(e.id), e.id) for e in target.elts if isinstance(e, ast.Name)]
    return Unpacked(written(cell, target), tuple(v[0] for v in values)) if all(len(v) == 1 for v in values) else None


def _written_batch(book: Book, data: tuple[Data, ...], source: Any) -> tuple[tuple[Written, ...], Written | None]:
    """The parts of a batch and the whole, where a cell writes them."""
    found = _batch(book, data, source)
    if found is None or any(isinstance(element, ast.Starred) for element in found[1].elts):
        return (), None
    cell, node = found
    return tuple(written(cell, element) for element in node.elts), written(cell, node)


def _batch(book: Book, data: tuple[Data, ...], source: Any) -> tuple[Cell, ast.Tuple | ast.List] | None:
    """What a generator yields, a PyDataset returns or a data set is made of, where a cell says it in a single place."""
    if hasattr(source, "element_spec"):
        return _sliced(book, data[0].assigned or data[0].span) if data else None
    code = source.gi_code if isinstance(source, GeneratorType) else None
    if is_sequence(source):
        code = getattr(getattr(type(source), "__getitem__", None), "__code__", None)
    found = book.cell_of(code.co_filename) if isinstance(code, CodeType) else None
    if code is None or found is None:
        return None
    cell, above = found
    kind = ast.Yield if isinstance(source, GeneratorType) else ast.Return
    for node in ast.walk(cell.syntax.tree or ast.Module([], [])):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name and _starts(node, code, above):
            given = [n.value for n in ast.walk(node) if isinstance(n, kind)]
            if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
                return cell, given[0]
    return None


#: Methods of a data set that leave the structure of its elements as it is.
_KEEPING = frozenset(("batch", "cache", "prefetch", "repeat", "shuffle", "skip", "take", "unbatch", "with_options"))


def _sliced(book: Book, span: Span | None) -> tuple[Cell, ast.Tuple | ast.List] | None:
    """The arrays of ``from_tensor_slices((a, b))``, where a statement or an argument makes the data set of them."""
    cell = book.cells.get(span.cell) if span is not None and span.cell is not None else None
    if cell is None or span is None:
        return None
    for node in cell.syntax.calls.values():
        if isinstance(node.func, ast.Attribute) and node.func.attr == "from_tensor_slices" and len(node.args) == 1:
            inside = span.start_line <= node.lineno and (node.end_lineno or 0) <= span.end_line
            if inside and isinstance(node.args[0], ast.Tuple) and _is_kept(cell, node):
                return cell, node.args[0]
    return None


def _is_kept(cell: Cell, made: ast.Call) -> bool:
    """Whether nothing is called on a data set that gives its elements another structure."""
    around = [c.func for c in cell.syntax.calls.values() if isinstance(c.func, ast.Attribute)]
    chain = [f for f in around if f is not made.func and any(node is made for node in ast.walk(f.value))]
    return all(func.attr in _KEEPING for func in chain)


def _starts(node: ast.FunctionDef, code: CodeType, above: int) -> bool:
    """Whether a function's code was compiled from this definition."""
    return min([node.lineno, *(d.lineno for d in node.decorator_list)]) == code.co_firstlineno + above
