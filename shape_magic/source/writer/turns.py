"""An argument that depends on a loop's turn: ``return_sequences=k < n - 1``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shape_magic.facts import Call
from shape_magic.source.writer.arguments import Setting, argument, set_arguments
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.tree import COMPREHENSIONS, CellTree

#: What a loop's counter is called where it has none yet.
_COUNTERS = ("i", "k", "turn")
_HEAD = ast.For | ast.comprehension


def true_but_last(desk: Desk, call: Call, name: str) -> list[Splice]:
    """True in all turns but the last of the loop that makes the layer; raises Refusal where none is seen."""
    tree, made = desk.constructor(call)
    inner = argument(made, "layer", 0, call.layer) if name not in call.arguments else None
    target = inner if isinstance(inner, ast.Call) and name in call.wrapped_arguments else made
    head = next(_heads(tree, made), None)
    if head is None:
        raise Refusal("no_loop", what=call.layer)
    counted = _counted(tree, head)
    condition, splices = counted if counted is not None else _with_counter(tree, head, call)
    return [*set_arguments(tree, target, [Setting(name, condition, None)], call.layer), *splices]


def _heads(tree: CellTree, node: ast.AST) -> Iterator[_HEAD]:
    """The heads of the loops around a node within its function, the innermost first."""
    inner = node
    for outer in tree.ancestors(node):
        if isinstance(outer, COMPREHENSIONS):
            yield outer.generators[-1]
        elif isinstance(outer, ast.For) and inner in outer.body:
            yield outer
        elif isinstance(outer, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            return
        inner = outer


def _counted(tree: CellTree, head: _HEAD) -> tuple[str, list[Splice]] | None:
    """The condition by the counter that a loop has: ``for k in range(n)``, ``for k, units in enumerate(sizes)``."""
    match head.target, head.iter:
        case ast.Name(id=counter), ast.Call(func=ast.Name(id="range"), args=[*_, stop], keywords=[]) as call:
            if len(call.args) < 3 and counter != "_":
                return f"{counter} < {_less_one(tree, stop)}", []
        case ast.Tuple(elts=[ast.Name(id=counter), _]), ast.Call(func=ast.Name(id="enumerate"), args=[sizes]) as call:
            if not call.keywords and counter != "_":
                return f"{counter} < {_last_of(tree, sizes)}", []
    return None


def _with_counter(tree: CellTree, head: _HEAD, call: Call) -> tuple[str, list[Splice]]:
    """The condition by a counter that the loop's head is given."""
    used = {node.id for node in ast.walk(tree.tree) if isinstance(node, ast.Name)}
    counter = next((name for name in _COUNTERS if name not in used), None)
    if counter is None:
        raise Refusal("no_loop", what=call.layer)
    match head.target, head.iter:
        case ast.Name(id="_"), ast.Call(func=ast.Name(id="range"), args=[stop], keywords=[]):
            splice = Splice(tree, tree.start(head.target), tree.end(head.target), counter)
            return f"{counter} < {_less_one(tree, stop)}", [splice]
        case ast.Name() | ast.Tuple(), ast.Name() | ast.Attribute() | ast.List() | ast.Tuple() as sizes:
            one = tree.text(head.target)
            one = f"({one})" if isinstance(head.target, ast.Tuple) and not one.startswith("(") else one
            opening, closing = ("(", ")") if isinstance(sizes, ast.Tuple) and tree.text(sizes)[:1] != "(" else ("", "")
            return f"{counter} < {_last_of(tree, sizes)}", [
                Splice(tree, tree.start(head.target), tree.end(head.target), f"{counter}, {one}"),
                Splice.insert(tree, tree.start(sizes), f"enumerate({opening}"),
                Splice.insert(tree, tree.end(sizes), f"{closing})"),
            ]
    raise Refusal("no_loop", what=call.layer)


def _less_one(tree: CellTree, stop: ast.expr) -> str:
    if isinstance(stop, ast.Constant) and isinstance(stop.value, int):
        return str(stop.value - 1)
    text = tree.text(stop)
    return f"{text} - 1" if isinstance(stop, ast.Name | ast.Attribute | ast.Call) else f"({text}) - 1"


def _last_of(tree: CellTree, sizes: ast.expr) -> str:
    """The place of the last of the things that a loop goes through."""
    if isinstance(sizes, ast.List | ast.Tuple) and not any(isinstance(e, ast.Starred) for e in sizes.elts):
        return str(len(sizes.elts) - 1)
    return f"len({tree.text(sizes)}) - 1"
