"""Where a layer enters its model: an element of a list, an ``add``, a call on a tensor."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

from shape_magic.facts import Call, Span
from shape_magic.source.cells import offsets
from shape_magic.source.writer.desk import Desk, Refusal
from shape_magic.source.writer.imports import check_class
from shape_magic.source.writer.tree import COMPREHENSIONS, CellTree

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
        check_class(desk, call, made_in, made)
        return _from_constructor(desk, call, made_in, made)
    tree, node = desk.node(call.placed, call.layer)
    place = _classify(tree, node) or _called(desk, call, tree, node)
    if place is None:
        raise Refusal("no_place", what=call.layer)
    return place


def _classify(tree: CellTree, node: ast.AST) -> Place | None:
    """The place of an expression that stands for a layer or puts one in; None when its form doesn't say."""
    if _is_adding(node):
        return Added(tree, node)  # type: ignore[arg-type]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Call | ast.IfExp | ast.NamedExpr | ast.Subscript):
        return Flow(tree, node)
    if isinstance(node, ast.Call):
        return None
    return _standing(tree, node)


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
    if isinstance(parent, ast.List | ast.Tuple) and isinstance(node, ast.expr) and node in parent.elts:
        # A list in a starred expression of its own may only hold the comprehension: one level is enough.
        return Element(tree, parent, node)
    if isinstance(parent, ast.Call) and node is parent.func:
        return Flow(tree, parent)
    if isinstance(parent, ast.Call) and _is_adding(parent):
        return Added(tree, parent)
    return None


def _is_adding(node: ast.AST) -> bool:
    """Whether it is a call like ``model.add(layer)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _ADDING
        and len(node.args) + len(node.keywords) == 1
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    )


def _called(desk: Desk, call: Call, tree: CellTree, node: ast.AST) -> Place | None:
    """The place of ``name(…)``: a layer's variable called on a tensor, or a function that makes the layer."""
    if not isinstance(node, ast.Call):
        return None
    standing = _standing(tree, node)
    if call.span is None or call.span.cell not in desk.cells:
        return standing if desk.model.kind == "Sequential" else Flow(tree, node)
    made_in, made = desk.constructor(call)
    target, function = _target(made_in, made), made_in.function(made)
    if target is not None and ast.unparse(target) == ast.unparse(node.func):
        return Flow(tree, node)
    makes_it = isinstance(function, ast.FunctionDef) and function.name == ast.unparse(node.func)
    return standing if makes_it or desk.model.kind == "Sequential" else Flow(tree, node)


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
    if not isinstance(func, ast.Attribute) or call.span is None or call.span.cell not in desk.cells:
        return None
    tree, made = desk.constructor(call)
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
    start, end = tree.start(node), tree.end(node)
    found = []
    for call in desk.model.calls:
        span = _entrance(call)
        if span is None or span.cell != tree.cell:
            continue
        first, last = offsets(tree.source, span)
        if start <= first and last <= end:
            found.append(call)
    return found
