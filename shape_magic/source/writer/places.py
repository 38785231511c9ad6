"""Where a layer enters its model: an element of a list, an ``add``, a call on a tensor."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from shape_magic.facts import Call
from shape_magic.source.cells import span_from_offsets
from shape_magic.source.writer.desk import Desk, Refusal
from shape_magic.source.writer.tree import COMPREHENSIONS, CellTree
from shape_magic.spans import Span

_ADDING = ("add", "append")


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a list or tuple of layers."""

    tree: CellTree
    container: ast.List | ast.Tuple
    #: The element; for layers that a starred comprehension makes, the starred expression.
    item: ast.expr


@dataclass(frozen=True, slots=True)
class Added:
    """``model.add(layer)`` or ``stack.append(layer)``."""

    tree: CellTree
    item: ast.Call


@dataclass(frozen=True, slots=True)
class Flow:
    """A layer called on a tensor, ``Dense(10)(x)``."""

    tree: CellTree
    item: ast.Call


Place = Element | Added | Flow


def place_of(desk: Desk, call: Call) -> Place:
    """Where the layer of a call enters the model."""
    if call.placed is None or call.placed == call.span:
        made_in, made = desk.constructor(call)
        return _from_constructor(desk, call, made_in, made)
    tree, node = desk.node(call.placed, call.layer)
    place = _of_call(desk, call, tree, node) if isinstance(node, ast.Call) else _standing(tree, node)
    if place is None:
        raise Refusal("no_place", what=call.layer)
    return place


def _of_call(desk: Desk, call: Call, tree: CellTree, node: ast.Call) -> Place | None:
    """The place of a call: an ``add``, a layer called on a tensor, or a function that makes the layer."""
    if isinstance(node.func, ast.Call | ast.IfExp | ast.NamedExpr | ast.Subscript):
        return Flow(tree, node)
    constructor = desk.known_constructor(call)
    target = _target(*constructor) if constructor else None
    if target is not None and ast.unparse(target) == ast.unparse(node.func):
        return Flow(tree, node)
    if _is_adding(node):
        return Added(tree, node)
    function = constructor[0].function(constructor[1]) if constructor else None
    makes_it = isinstance(function, ast.FunctionDef) and function.name == ast.unparse(node.func)
    return _standing(tree, node) if makes_it or desk.model.kind == "Sequential" else Flow(tree, node)


def _standing(tree: CellTree, node: ast.AST) -> Place | None:
    """The place of an expression whose value is the layer, from what stands around it."""
    parent = tree.parents.get(node)
    while isinstance(parent, ast.IfExp | ast.NamedExpr | ast.keyword) and node is not getattr(parent, "test", None):
        node, parent = parent, tree.parents.get(parent)
    if isinstance(parent, COMPREHENSIONS) and node is getattr(parent, "elt", None):
        node, parent = parent, tree.parents.get(parent)
        if not isinstance(parent, ast.Starred):
            raise Refusal("comprehension")
    if isinstance(parent, ast.Starred):
        node, parent = parent, tree.parents.get(parent)
    if isinstance(parent, ast.List | ast.Tuple) and isinstance(node, ast.expr):
        # ("head", Dense(10)) is a layer with its name, and no stack of layers.
        is_stack = not any(isinstance(element, ast.Constant) for element in parent.elts)
        return Element(tree, parent, node) if is_stack else None
    if isinstance(parent, ast.Call) and node is parent.func:
        return Flow(tree, parent)
    if isinstance(parent, ast.Call) and _is_adding(parent):
        return Added(tree, parent)
    return None


def _is_adding(node: ast.Call) -> bool:
    """Whether it is a call like ``model.add(layer)``."""
    return (
        isinstance(node.func, ast.Attribute)
        and node.func.attr in _ADDING
        and len(node.args) + len(node.keywords) == 1
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    )


def _from_constructor(desk: Desk, call: Call, tree: CellTree, made: ast.Call) -> Place:
    """The place from what stands around the constructor; of a layer in a variable, from the variable's one use."""
    place = _standing(tree, made)
    if place is not None:
        return place
    target = _target(tree, made)
    if target is None:
        raise Refusal("no_place", what=call.layer)
    name = ast.unparse(target)
    uses = [
        (other, node)
        for other in desk.trees(tree)
        for node in ast.walk(other.tree)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name
    ]
    places = [place for other, node in uses if (place := _standing(other, node))]
    if len(places) != 1:
        raise Refusal("several_uses", what=call.layer, name=name)
    return places[0]


def _target(tree: CellTree, made: ast.Call) -> ast.Name | ast.Attribute | None:
    """The variable or attribute that a constructor's layer is put in."""
    parent = tree.parents.get(made)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target = parent.targets[0]
        return target if isinstance(target, ast.Name | ast.Attribute) else None
    return None


def attribute_in_class(desk: Desk, call: Call, place: Flow) -> tuple[CellTree, ast.Assign] | None:
    """``self.head = Dense(10)`` in the class whose ``self.head(x)`` is the place."""
    func = place.item.func
    constructor = desk.known_constructor(call)
    if not isinstance(func, ast.Attribute) or constructor is None:
        return None
    tree, made = constructor
    assigned, target = tree.parents.get(made), _target(tree, made)
    if not isinstance(assigned, ast.Assign) or target is None or ast.unparse(target) != ast.unparse(func):
        return None
    return (tree, assigned) if tree is place.tree and _class(tree, assigned) is _class(tree, place.item) else None


def _class(tree: CellTree, node: ast.AST) -> ast.AST | None:
    return next((n for n in tree.ancestors(node) if isinstance(n, ast.ClassDef)), None)


# Other layers that come from the same piece of source.


def _entrance(call: Call) -> Span | None:
    return call.placed or call.span


def rivals(desk: Desk, call: Call, covered: Collection[int], *, repeated: bool) -> list[Call]:
    """Other calls that the same source puts in, except those that the repair means as well.

    A shared layer comes back under its own path, and then means the same change; in a loop
    (``repeated``) it would still be changed once per turn.
    """
    return [
        other
        for other in desk.model.calls
        if other.call != call.call
        and other.call not in covered
        and _entrance(other) == _entrance(call)
        and (repeated or other.path != call.path)
    ]


def made_with(desk: Desk, call: Call, covered: Collection[int]) -> list[Call]:
    """Other layers that the same constructor call makes, except those that the repair means as well."""
    return [c for c in desk.model.calls if c.call not in covered and c.span == call.span and c.path != call.path]


def inside(desk: Desk, tree: CellTree, node: ast.AST) -> list[Call]:
    """The model's calls whose layers enter it within a node."""
    around = span_from_offsets(tree.source, tree.start(node), tree.end(node), tree.cell)
    return [call for call in desk.model.calls if (span := _entrance(call)) and _contains(around, span)]


def _contains(outer: Span, inner: Span) -> bool:
    starts = (outer.start_line, outer.start_col) <= (inner.start_line, inner.start_col)
    ends = (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)
    return outer.cell == inner.cell and starts and ends
