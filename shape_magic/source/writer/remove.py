"""A layer taken out, or another one in its place."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from shape_magic.facts import Call
from shape_magic.repair.steps import ReplaceLayer, Wrap
from shape_magic.source.writer.arguments import keyword_removed, replaced_arguments
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.imports import spelled
from shape_magic.source.writer.insert import flow_input
from shape_magic.source.writer.layout import brackets, without_items, without_statement
from shape_magic.source.writer.places import Element, Flow, Place, made_with, place_of, rivals
from shape_magic.source.writer.tree import CellTree

_ATOMS = (
    ast.Name,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.ListComp,
    ast.GeneratorExp,
)


def remove_layers(desk: Desk, calls: Sequence[Call]) -> list[Splice]:
    """The removal of the layers of some calls; raises Refusal where the source holds more than them."""
    covered = {call.call for call in calls}
    splices: list[Splice] = []
    elements: dict[ast.expr, tuple[CellTree, ast.List | ast.Tuple, list[int]]] = {}
    done: set[ast.AST] = set()
    for call in calls:
        place = place_of(desk, call)
        repeated = bool(place.tree.loops(place.item)) or place.tree.comprehended(place.item)
        if _is_one_of_several(place) or rivals(desk, call, covered, repeated=repeated):
            raise Refusal("several_layers", what=call.layer)
        if place.item in done:
            continue
        done.add(place.item)
        if isinstance(place, Element):
            group = elements.setdefault(place.container, (place.tree, place.container, []))
            group[2].append(place.container.elts.index(place.item))
        elif isinstance(place, Flow):
            splices += _out_of_flow(call, place)
        else:
            splices.append(_without_add(call, place.tree, place.item))
    for tree, container, places in elements.values():
        splices += _without_items(tree, container, sorted(places))
    return splices


def _is_one_of_several(place: Place) -> bool:
    """Whether the source of a layer holds others too: ``*layers``, ``A() if wide else B()``."""
    item = place.item
    held: list[ast.expr] = [item]
    if isinstance(item, ast.Call):
        held += [item.func] if isinstance(place, Flow) else [*item.args, *(k.value for k in item.keywords)]
    return any(isinstance(node, ast.Starred | ast.IfExp) for node in held)


def _without_add(call: Call, tree: CellTree, item: ast.Call) -> Splice:
    statement = tree.parents.get(item)
    if not isinstance(statement, ast.Expr):
        raise Refusal("no_statement", what=call.layer)
    return without_statement(tree, statement)


def _out_of_flow(call: Call, place: Flow) -> list[Splice]:
    tree, item = place.tree, place.item
    tensor = flow_input(call, item)
    statement = tree.parents.get(item)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(tensor, ast.Name):
        target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == tensor.id:
            return [without_statement(tree, statement)]
    opening, closing = ("", "") if isinstance(tensor, _ATOMS) else ("(", ")")
    return [
        Splice(tree, tree.start(item), tree.start(tensor), opening),
        Splice(tree, tree.end(tensor), tree.end(item), closing),
    ]


# Elements.


def _without_items(tree: CellTree, container: ast.List | ast.Tuple, places: Sequence[int]) -> list[Splice]:
    """The removal of elements, neighbours at once."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [_without_run(tree, container, run[0], run[-1]) for run in runs]


def _without_run(tree: CellTree, container: ast.List | ast.Tuple, first: int, last: int) -> Splice:
    pair = brackets(tree, container)
    items = [tree.outer(element, pair[0] if pair else -1) for element in container.elts]
    one_left = isinstance(container, ast.Tuple) and first == 1 and last + 1 == len(items)
    limit = pair[1] if pair else tree.end(container)
    return without_items(tree, items, first, last, limit, keep_comma=one_left)


# Replacement.


def replace_layer(desk: Desk, call: Call, step: ReplaceLayer, covered: Collection[int]) -> list[Splice]:
    """Another class and other arguments in a constructor call."""
    tree, made = desk.constructor(call)
    if made_with(desk, call, covered):
        raise Refusal("several_layers", what=call.layer)
    splices = replaced_arguments(tree, made, step.arguments)
    if step.class_name == call.class_name:
        return splices
    spelling = spelled(desk, call, step.class_name, tree, made)
    old = tree.text(made.func)
    head, dot, last = spelling.rpartition(".")
    if isinstance(made.func, ast.Attribute) and dot and tree.text(made.func.value) == head:
        end = tree.end(made.func)
        return [Splice(tree, end - len(made.func.attr), end, last), *splices]
    if spelling != old:
        splices.append(Splice(tree, tree.start(made.func), tree.end(made.func), spelling))
    return splices


def wrap_layer(desk: Desk, call: Call, step: Wrap, covered: Collection[int]) -> list[Splice]:
    """A wrapper around a constructor call; raises Refusal where that makes other layers, too."""
    tree, made = desk.constructor(call)
    if made_with(desk, call, covered):
        raise Refusal("several_layers", what=call.layer)
    spelling = spelled(desk, call, step.class_name, tree, made)
    start, end = tree.start(made), tree.end(made)
    # What a first layer says about the model's input, the wrapper says now.
    said = [k for k in made.keywords if k.arg in ("input_shape", "batch_input_shape")]
    handed = "".join(f", {tree.text(k)}" for k in said)
    taken = [keyword_removed(tree, made, k) for k in said]
    return [Splice(tree, start, start, f"{spelling}("), *taken, Splice(tree, end, end, f"{handed})")]


def unwrap_layer(desk: Desk, call: Call, covered: Collection[int]) -> list[Splice]:
    """The layer inside a wrapper in the wrapper's place; raises Refusal where it is not written there alone."""
    tree, made = desk.constructor(call)
    inner = made.args[0] if made.args else next((k.value for k in made.keywords if k.arg == "layer"), None)
    alone = all(keyword.arg in ("layer", "name") for keyword in made.keywords) and len(made.args) < 2
    if made_with(desk, call, covered) or inner is None or not alone or isinstance(inner, ast.Starred):
        raise Refusal("several_layers", what=call.layer)
    start, end = tree.start(inner), tree.end(inner)
    return [Splice(tree, tree.start(made), start, ""), Splice(tree, end, tree.end(made), "")]


def own_layer(desk: Desk, call: Call) -> list[Splice]:
    """The constructor's text in the place of the variable that is called; raises Refusal where that runs again."""
    tree, made = desk.constructor(call)
    place = place_of(desk, call)
    named = isinstance(place, Flow) and isinstance(place.item.func, ast.Name | ast.Attribute)
    if not isinstance(place, Flow) or not named or place.tree is not tree or tree.loops(place.item):
        raise Refusal("several_layers", what=call.layer)
    func = place.item.func
    return [Splice(tree, tree.start(func), tree.end(func), tree.text(made))]
