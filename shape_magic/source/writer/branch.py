"""A new layer on one of the tensors that a merge reads: ``Add()([x, Conv2D(64, 1)(skip)])``."""

from __future__ import annotations

import ast

from shape_magic.repair.steps import InsertLayer
from shape_magic.source.writer.arguments import as_quoted
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.imports import spelled
from shape_magic.source.writer.insert import Insertion, runs_again
from shape_magic.source.writer.layout import statement_before
from shape_magic.source.writer.tree import CellTree

#: The parts of an expression that runs nothing of the user's but lookups and sums.
_LOOKS_UP = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.UnaryOp, ast.BinOp),
    *(ast.unaryop, ast.operator, ast.expr_context),
)


def insert_on_branch(insertion: Insertion) -> list[Splice]:
    """The text of new layers around one tensor of a merge; raises Refusal where it is not written out there."""
    desk, call = insertion.desk, insertion.call
    tree, node = _merge(desk, insertion)
    tensors = _tensors(node)
    number = insertion.steps[0].input or 0
    if len(tensors) != len(call.inputs) or any(isinstance(t, ast.Starred) for t in tensors):
        raise Refusal("several_tensors", what=call.layer)
    again = bool(tree.loops(node)) or tree.comprehended(node) or runs_again(desk, tree, node)
    if not again:
        return _wrapped(insertion, tree, node, tensors[number])
    if len(insertion.steps) != 1 or not insertion.steps[0].repeated or tree.comprehended(node) or len(tensors) != 2:
        raise Refusal("several_layers", what=call.layer)
    return _where_they_differ(insertion, tree, node, tensors[number], tensors[1 - number])


def _merge(desk: Desk, insertion: Insertion) -> tuple[CellTree, ast.AST]:
    """The expression that merges the tensors: a call, an operator, or ``x += skip``."""
    call = insertion.call
    try:
        return desk.node(call.placed or call.span, call.layer)
    except Refusal:
        return desk.node(call.placed or call.span, call.layer, ast.AugAssign)


def _tensors(node: ast.AST) -> list[ast.expr]:
    """The merged tensors as they are written; empty where they are not."""
    match node:
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.AugAssign(target=target, value=value):
            return [target, value]
        case ast.Call(args=[ast.List(elts=elements) | ast.Tuple(elts=elements), *_]):
            return elements
        case ast.Call(args=[], keywords=[ast.keyword(arg="inputs", value=ast.List(elts=elements)), *_]):
            return elements
        case ast.Call(args=arguments):
            return arguments
    return []


def _wrapped(insertion: Insertion, tree: CellTree, node: ast.AST, tensor: ast.expr) -> list[Splice]:
    if isinstance(node, ast.AugAssign) and tensor is node.target:
        raise Refusal("several_tensors", what=insertion.call.layer)
    opening = "".join(f"{text}(" for text in reversed(insertion.layer_texts(tree, node)))
    closing = ")" * len(insertion.steps)
    return [Splice.insert(tree, tree.start(tensor), opening), Splice.insert(tree, tree.end(tensor), closing)]


def _where_they_differ(
    insertion: Insertion, tree: CellTree, node: ast.AST, this: ast.expr, other: ast.expr
) -> list[Splice]:
    """``if skip.shape != x.shape: skip = …(skip)`` in front of a merge that runs more than once.

    Tensors that are joined may differ in their last axis.
    """
    statement = tree.statement(node)
    indent = tree.indent(tree.start(statement))
    if not isinstance(this, ast.Name) or not _is_looked_up(other) or indent is None:
        raise Refusal("several_layers", what=insertion.call.layer)
    step: InsertLayer = insertion.steps[0]
    like, sizes = tree.text(other), "shape[1:-1]" if insertion.call.is_a("Concatenate") else "shape"
    filled = step.repeated.replace("{this}", this.id).replace("{other}", like)
    layer = spelled(insertion.desk, insertion.call, step.class_name, tree, node)
    within = f"{tree.newline(tree.start(statement))}{indent}{_unit(tree, statement)}"
    made = f"{this.id} = {layer}({as_quoted(tree, filled)})({this.id})"
    text = f"if {this.id}.{sizes} != {like}.{sizes}:{within}{made}"
    return [statement_before(tree, statement, [text])]


def _is_looked_up(node: ast.AST) -> bool:
    """Whether an expression only looks something up, so that it may be written more than once: ``skips[-i - 1]``."""
    return all(isinstance(part, _LOOKS_UP) for part in ast.walk(node))


def _unit(tree: CellTree, statement: ast.stmt) -> str:
    """One step of the user's indentation: that of the suite which the statement is in."""
    around = next((n for n in tree.ancestors(statement) if isinstance(n, ast.stmt)), None)
    inner, outer = tree.indent(tree.start(statement)), tree.indent(tree.start(around)) if around else None
    return inner[len(outer) :] if inner and outer is not None and inner.startswith(outer) else "    "
