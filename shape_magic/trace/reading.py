"""Statements of cells, read and not run: the shapes of what they compute, as far as that can be told.

A name has the shape that its value has now, or that the statements before it give it; of what changes a shape
nothing is said, so that nothing is said of what is computed from it.
"""

from __future__ import annotations

import ast
import itertools
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

from shape_magic.capture.book import Book, Cell
from shape_magic.misread import Misread
from shape_magic.source.declared import called
from shape_magic.trace.crossing import crossing_at, is_crossed
from shape_magic.trace.data import shape_of
from shape_magic.trace.picks import pick_at
from shape_magic.trace.reductions import LEAVING_OUT, Value, is_one, number, over, smaller, without
from shape_magic.untrusted import module_of

#: Functions and methods, by their last name, whose result has the shape of what they are given first.
_LIKE_THE_FIRST = frozenset(
    (
        *("abs", "absolute", "array", "asarray", "astype", "cast", "ceil", "clip", "clip_by_value"),
        *("convert_to_numpy", "convert_to_tensor", "copy", "cpu", "detach", "exp", "float32", "floor", "identity"),
        *("log", "negative", "nan_to_num", "numpy", "relu", "rint", "round", "sigmoid", "sign", "softplus"),
        *("sqrt", "square", "stop_gradient", "tanh", "to_numpy"),
    )
)
#: Functions that go over two tensors number by number, as the operators do.
_OF_TWO = frozenset(
    (
        *("add", "divide", "equal", "floor_divide", "greater", "greater_equal", "less", "less_equal", "logical_and"),
        *("logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "not_equal", "power"),
        *("squared_difference", "subtract", "true_divide"),
    )
)
_TABLES = frozenset({"pandas", "polars"})
#: Functions of the user's that call each other are followed so far.
_DEEPEST = 4


# -- the statements


Line = tuple[Cell, ast.stmt]


def lines_of(cell: Cell) -> list[Line]:
    """The simple statements of a cell in their order."""
    tree = cell.syntax.tree
    return [(cell, one) for one in _flat(tree.body)] if tree is not None else []


def behind(book: Book, cell: Cell, call: ast.Call) -> tuple[list[Line], bool]:
    """The statements from the one with a call on, and whether they are a function's; else they end with the cells."""
    body, is_function = _scope(cell.syntax.tree, call)
    statements = list(_flat(body))
    start = next((i for i, one in enumerate(statements) if any(n is call for n in ast.walk(one))), len(statements))
    lines = [(cell, one) for one in statements[start:]]
    if not is_function:
        later = sorted((one for one in book.cells.values() if one.order > cell.order), key=lambda one: one.order)
        lines += [line for one in later for line in lines_of(one)]
    return lines, is_function


def written(book: Book, function: object) -> tuple[Cell, ast.FunctionDef] | None:
    """Where a function is written, if that is in a cell."""
    if type(function) is not FunctionType:
        return None
    code = function.__code__
    known = book.cell_of(code.co_filename)
    if known is None or known[0].syntax.tree is None:
        return None
    line = code.co_firstlineno + known[1]
    named = (n for n in ast.walk(known[0].syntax.tree) if isinstance(n, ast.FunctionDef) and n.name == code.co_name)
    node = next((n for n in named if _first_line(n) == line), None)
    return (known[0], node) if node is not None else None


def body_of(cell: Cell, function: ast.FunctionDef) -> list[Line]:
    """The simple statements of a function."""
    return [(cell, one) for one in _flat(function.body)]


def parameters(function: ast.FunctionDef) -> list[str]:
    """The names of a function's parameters, in their order."""
    given = function.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _scope(tree: ast.Module | None, call: ast.Call) -> tuple[Sequence[ast.stmt], bool]:
    """The body that a call runs in, and whether it is a function's; empty where it runs in an expression."""
    body: Sequence[ast.stmt] = tree.body if tree is not None else ()
    is_function = False
    for node in ast.walk(ast.Module(list(body), [])):  # outer ones come first
        if isinstance(node, _FUNCTIONS | _EXPRESSIONS) and any(inner is call for inner in ast.walk(node)):
            body, is_function = (() if isinstance(node, _EXPRESSIONS) else node.body), True
    return body, is_function


_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_EXPRESSIONS = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        inner = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
        inner += [handler.body for handler in getattr(statement, "handlers", [])]
        if isinstance(statement, _FUNCTIONS | ast.ClassDef) or not any(inner):
            yield statement
            continue
        yield from _head(statement)
        for part in inner:
            yield from _flat(part)


def _head(statement: ast.stmt) -> Iterator[ast.stmt]:
    """What a compound statement does before its body: it computes something, and gives names values."""
    asked = getattr(statement, "test", None) or getattr(statement, "iter", None)
    if asked is not None:
        yield ast.copy_location(ast.Expr(asked), statement)
    named = [item.optional_vars for item in getattr(statement, "items", []) if item.optional_vars is not None]
    if named:  # to what, is not told
        yield ast.copy_location(ast.Assign(named, ast.Constant(None)), statement)
    if isinstance(statement, ast.For | ast.AsyncFor):
        yield _one_of(statement.target, statement.iter)


def _one_of(target: ast.expr, many: ast.expr) -> ast.Assign:
    """What a loop does before each turn, as a statement of its own: its name holds one of them, any of them."""
    return ast.copy_location(ast.Assign([target], ast.Subscript(many, ast.Constant(0), ast.Load())), target)


# -- what they compute


class Reading:
    """The statements of one function, or of cells, read one after another."""

    def __init__(self, book: Book, *scopes: Mapping[str, object], within: Reading | None = None) -> None:
        self._book, self._scopes = book, scopes
        #: The cell's own statements, when these are a function's that they have called.
        self._outer: Reading | None = within if within is None or within._outer is None else within._outer
        self._deep: int = within._deep + 1 if within is not None else 0
        #: What functions gave that were called before, by what they were given.
        self._gave: dict[tuple[object, ...], Value | None] = within._gave if within is not None else {}
        #: What the names hold that the statements gave a value; None: nothing is known of it.
        self.names: dict[str, Value | None] = {}
        #: The parts of those that hold a tuple.
        self.parts: dict[str, tuple[Value | None, ...]] = {}
        #: Functions that the statements define.
        self.functions: dict[str, tuple[Cell, ast.FunctionDef]] = {}
        self.found: list[tuple[weakref.ref[Any], Misread]] = []
        self.returned: Value | None = None
        self._known: Mapping[ast.expr, Value] = {}
        self._cell: Cell | None = None

    def run(self, lines: Sequence[Line], known: Mapping[ast.expr, Value] | None = None) -> None:
        """Follow the statements; ``known``: what some expressions gave."""
        self._known = known or {}
        for cell, statement in lines:
            self._cell = cell
            try:
                self._follow(cell, statement)
            except RecursionError:  # a sum of a thousand terms: of what comes behind it nothing is said
                return

    def _follow(self, cell: Cell, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                parts = self._parts(value)
                if parts is None:
                    self._value(value)
                for target, part in itertools.zip_longest(targets, (parts or ())[: len(targets)]):
                    self._assign([target], part)
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, self._value(value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign([target], self._value(value))
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self.names[name] = self._paired(None, self._name(name), self._value(value))
            case ast.Return(value=ast.expr() as value):
                self.returned = self._value(value)
            case ast.Expr(value=value):
                self._value(value)
            case ast.FunctionDef(name=name):
                self.functions[name] = cell, statement
            case ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self.names[name] = None

    def _assign(self, targets: Sequence[ast.expr], value: Value | None) -> None:
        for target in targets:
            if isinstance(target, ast.Name):
                self.names[target.id] = value
            else:
                held = [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
                self.names |= dict.fromkeys(held)

    def _parts(self, node: ast.expr) -> tuple[Value | None, ...] | None:
        """What is known of the parts of a tuple; None where an expression is none."""
        match node:
            case ast.Name(id=name) if name not in self.names:
                return self.parts.get(name)
            case ast.Tuple(elts=elements):
                return tuple(self._value(one) for one in elements)
            case ast.Call(func=ast.Attribute(attr="unpack_x_y_sample_weight"), args=[data]):
                return self._parts(data)
        return None

    def _value(self, node: ast.expr) -> Value | None:
        """What is known of an expression; what it is computed from is looked at in any case."""
        if node in self._known:
            return self._known[node]
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Constant(value=int() | float()):
                return Value(())
            case ast.UnaryOp(operand=operand):
                return self._value(operand)
            case ast.BinOp(left=left, right=right) if not isinstance(node.op, ast.MatMult):
                return self._paired(node, self._value(left), self._value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if not isinstance(op, _NOT_BY_NUMBER):
                return self._paired(node, self._value(left), self._value(right))
            case ast.Subscript():
                return self._element(node)
            case ast.Attribute(value=ast.Name(id=name), attr="values") if name not in self.names:
                return _plain(self._named(name))
            case ast.Call():
                return self._called(node)
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._look_into(node)
                return None
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                self._value(inner)
        return None

    def _look_into(self, node: ast.expr) -> None:
        """Look at what a list has for each of many; the name that holds them is the list's own."""
        match node:
            case ast.ListComp(
                elt=element, generators=[ast.comprehension(target=ast.Name(id=name) as target, iter=many)]
            ):
                one, outside = self._value(_one_of(target, many).value), self.names
                self.names = outside | {name: one}
                self._value(element)
                self.names = outside

    def _element(self, node: ast.Subscript) -> Value | None:
        """A part of a tuple, a column, or what a sample has of it: ``pair[1]``, ``answer[:, 0]``, ``answer[0]``."""
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int(k))) if name in self.parts:
                return next(iter(self.parts[name][k:]), None)
        value = self._value(node.value)
        self._value(node.slice)
        match node.slice:
            case ast.Tuple(elts=[ast.Slice(None, None, None), index]) if number(index) is not None:
                return without(value, 1, keepdims=False)
            case index if number(index) is not None and value is not None and is_one(value.shape[1:]):
                # Of others nothing is said: their first axis is not that of the samples any more.
                return replace(value, shape=value.shape[1:])
        return None

    def _called(self, node: ast.Call) -> Value | None:
        """What a call gives, where it is one that keeps a shape, goes over two, or runs a function of the user's."""
        function = node.func
        name = called(node)
        arguments = [self._value(one) for one in node.args]
        by_name = {k.arg: self._value(k.value) for k in node.keywords}
        owner = function.value if isinstance(function, ast.Attribute) else None
        if isinstance(owner, ast.Name) and name == "to_numpy" and owner.id not in self.names:
            return _plain(self._named(owner.id))
        # ``tf.cast(pred, …)`` is given it; of ``pred.astype(…)`` it is the owner, and ``tf`` is none.
        receiver = self._value(owner) if owner is not None else None
        if name in _LIKE_THE_FIRST:
            return receiver or next(iter(arguments), None)
        if name in _OF_TWO and len(arguments) == 2 and not by_name.keys() - {"name"}:
            return self._paired(node, *arguments)
        if name == "one_hot" and len(node.args) == 2 and not by_name and arguments[0] is not None:
            depth = self._whole(node.args[1])
            return Value((*arguments[0].shape, depth)) if depth is not None else None
        if name in LEAVING_OUT and owner is not None:  # Python's own ``max`` and ``sum`` go over the samples
            given = [receiver] if receiver is not None else arguments[:1]
            places = node.args if receiver is not None else node.args[1:]
            left_out = over(places, {k.arg: k.value for k in node.keywords})
            value = next(iter(given), None)
            if name == "argmax" and self._cell is not None and value is not None and value.source is not None:
                module = None if receiver is not None else owner
                answers = owner if receiver is not None else node.args[0]
                pick = pick_at(self._cell, node, answers, value, left_out, module, self._as_it_was)
                self.found += [(value.source.model, pick)] if pick is not None else []
            return smaller(name, value, left_out)
        defined = self._defined(function) if self._deep < _DEEPEST else None
        return self._within(*defined, arguments, by_name) if defined is not None else None

    def _whole(self, node: ast.expr) -> int | None:
        """A whole number that is written out, or that a name holds which no statement has changed."""
        held = self._as_it_was(node.id) if isinstance(node, ast.Name) else number(node)
        return held if type(held) is int else None

    def _defined(self, function: ast.expr) -> tuple[Cell, ast.FunctionDef, Mapping[str, object]] | None:
        """A function of a cell that is called by its name: its code, and the names that it finds."""
        if not isinstance(function, ast.Name):
            return None
        if function.id in self.functions:
            return (*self.functions[function.id], self._scopes[-1])
        theirs = self._named(function.id)
        found = written(self._book, theirs) if function.id not in self.names else None
        return (*found, getattr(theirs, "__globals__", {})) if found is not None else None

    def _within(
        self,
        cell: Cell,
        function: ast.FunctionDef,
        scope: Mapping[str, object],
        arguments: Sequence[Value | None],
        by_name: Mapping[str | None, Value | None],
    ) -> Value | None:
        """What a function of a cell gives for these arguments; its own statements are followed as well."""
        given = function.args
        if given.vararg is not None or given.kwarg is not None:
            return None
        names = parameters(function)
        asked = (function, *arguments, *by_name.items())
        if asked in self._gave:
            return self._gave[asked]
        self._gave[asked] = None  # where it calls itself
        reading = Reading(self._book, scope, within=self)
        reading.functions = dict(self.functions)
        reading.names = dict.fromkeys(names) | dict(zip(names, arguments, strict=False))
        reading.names |= {name: value for name, value in by_name.items() if name in names}
        reading.run(body_of(cell, function))
        runs = self._cell.id if self._cell is not None else None
        self.found += [(model, replace(one, cell=runs)) for model, one in reading.found]
        self._gave[asked] = reading.returned
        return reading.returned

    def _name(self, name: str) -> Value | None:
        """What a name holds: by the statements so far, else by those of the cell, else now."""
        for names in (self.names, self._outer.names if self._outer is not None else {}):
            if name in names:
                return names[name]
        return held_by(self._named(name))

    def _as_it_was(self, name: str) -> object:
        """What a name holds that no statement has changed."""
        return self._named(name) if name not in self.names else None

    def _named(self, name: str) -> object:
        return next((scope[name] for scope in self._scopes if name in scope), None)

    def _paired(self, node: ast.expr | None, left: Value | None, right: Value | None) -> Value | None:
        """What two give that meet number by number; ``node``: the operation."""
        if left is None or right is None:
            return None
        source = left.source or right.source
        for row, column, at in ((left, right, 1), (right, left, 0)):
            if is_crossed(row.shape, column.shape):
                # Both computed from answers: each of them against all, say, is meant.
                by_one = (row.source is None) != (column.source is None)
                if node is not None and by_one and source is not None and self._cell is not None:
                    crossing = crossing_at(self._cell, node, at, row.shape[1:])
                    self.found.append((source.model, replace(crossing, made=source.span, cell=self._cell.id)))
                return None
        if left.shape == right.shape or not right.shape:
            return Value(left.shape, source)
        return None if left.shape else Value(right.shape, source)


_NOT_BY_NUMBER = ast.In | ast.NotIn | ast.Is | ast.IsNot


def _first_line(function: ast.FunctionDef) -> int:
    """Where Python says that a function begins: at its first decorator."""
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])


def held_by(value: object) -> Value | None:
    """What is known of an array or a number; of tables nothing: they refuse, or go by their labels."""
    return None if module_of(type(value)).partition(".")[0] in _TABLES else _plain(value)


def _plain(value: Any) -> Value | None:
    if value is None or isinstance(value, list | tuple | str):
        return None
    shape = () if isinstance(value, int | float) else shape_of(value)
    return None if shape is None else Value(shape)
