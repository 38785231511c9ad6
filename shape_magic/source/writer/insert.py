"""A new layer in front of or behind one that is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from shape_magic.facts import Call
from shape_magic.repair.steps import InsertLayer
from shape_magic.source.writer.arguments import as_quoted, keyword_removed
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.imports import spelled
from shape_magic.source.writer.layout import brackets, items_after, items_before, statement_after, statement_before
from shape_magic.source.writer.places import Added, Element, Flow, attribute_in_class, inside, place_of, rivals
from shape_magic.source.writer.tree import CellTree

Where = Literal["before", "after"]
#: Keywords of a layer's call that carry no tensor for the new layer to take.
_BESIDE = {"training", "mask", "initial_state"}
#: What a first layer says about the model's input; to an Embedding ``input_dim`` means its words.
_INPUT_ARGUMENTS = {"input_shape", "batch_input_shape", "input_dim"}
#: The same in the words of an ``Input``; ``{}`` is what the layer says.
_ON_INPUT = {"input_shape": "shape={}", "batch_input_shape": "batch_shape={}", "input_dim": "shape=({},)"}


@dataclass(frozen=True, slots=True)
class Insertion:
    """New layers for one place."""

    desk: Desk
    call: Call
    where: Where
    #: In the order in which the tensor meets them.
    steps: tuple[InsertLayer, ...]
    #: The calls that the repair means with the same source.
    covered: Collection[int]
    #: Another shape for the input that the layer below declares, as source; empty: what is handed on stays.
    input_shape: str = ""

    def layer_texts(self, tree: CellTree, node: ast.AST) -> list[str]:
        """The new layers as the user would spell them at a node."""

        def made(class_name: str, arguments: str) -> str:
            return f"{spelled(self.desk, self.call, class_name, tree, node)}({arguments})"

        layers = [(step, made(step.class_name, as_quoted(tree, step.arguments))) for step in self.steps]
        return [made(step.inside, layer) if step.inside else layer for step, layer in layers]

    def rivals(self, tree: CellTree, node: ast.AST) -> list[Call]:
        """Other calls that text at the node would reach."""
        repeated = bool(tree.loops(node)) or tree.comprehended(node)
        return rivals(self.desk, self.call, self.covered, repeated=repeated)


def insert_layers(insertion: Insertion) -> list[Splice]:
    """The text of new layers where the layer of a call enters the model; raises Refusal where there is no way."""
    place = place_of(insertion.desk, insertion.call)
    match place:
        case Element():
            return _into_container(insertion, place)
        case Added():
            return _beside_add(insertion, place)
        case Flow():
            return _into_flow(insertion, place)


# Lists and tuples.


def _into_container(insertion: Insertion, place: Element) -> list[Splice]:
    tree, elements = place.tree, place.container.elts
    others = insertion.rivals(tree, place.item)
    if isinstance(place.item, ast.Starred):
        _check_end_of_run(insertion, others)
    elif others:
        raise Refusal("several_layers", what=insertion.call.layer)
    pair = brackets(tree, place.container)
    bound = pair[0] if pair else -1
    item = tree.outer(place.item, bound)
    texts = insertion.layer_texts(tree, place.item)
    if insertion.where == "after":
        return items_after(tree, item, pair[1] if pair else None, texts)
    index = elements.index(place.item)
    following = tree.outer(elements[index + 1], bound)[0] if index + 1 < len(elements) else None
    texts, moved = _with_input(insertion, texts)
    return items_before(tree, item, following, texts, bracketed=pair is not None) + moved


def _check_end_of_run(insertion: Insertion, others: Sequence[Call]) -> None:
    """Only the first and the last layer of ``*[… for …]`` have a place beside the whole."""
    if insertion.where == "before":
        at_end = all(other.call > insertion.call.call for other in others)
    else:
        at_end = all(other.call < insertion.call.call for other in others)
    if not at_end:
        raise Refusal("several_layers", what=insertion.call.layer)


def _with_input(insertion: Insertion, texts: list[str]) -> tuple[list[str], list[Splice]]:
    """Hand ``input_shape=…`` of the model's first layer on to the layer that is first now."""
    call, desk = insertion.call, insertion.desk
    made_of_calls = [desk.model.calls[i] for i in call.inputs if i >= 0]
    constructor = desk.known_constructor(call)
    if constructor is None or any(source.class_name != "InputLayer" for source in made_of_calls):
        return texts, []
    tree, made = constructor
    names = _INPUT_ARGUMENTS - ({"input_dim"} if call.is_a("Embedding") else set())
    keywords = [keyword for keyword in made.keywords if keyword.arg in names]
    if not keywords:
        return texts, []
    given = ", ".join(tree.text(keyword) for keyword in keywords)
    if insertion.steps[0].class_name == "Input":
        given = ", ".join(_ON_INPUT[str(k.arg)].format(tree.text(k.value)) for k in keywords)
    if insertion.input_shape:
        given = f"input_shape={insertion.input_shape}"
    head = texts[0].removesuffix(")")
    first = f"{head}{'' if head.endswith('(') else ', '}{given})"
    return [first, *texts[1:]], [keyword_removed(tree, made, keyword) for keyword in keywords]


# model.add(…), stack.append(…).


def _beside_add(insertion: Insertion, place: Added) -> list[Splice]:
    tree, item = place.tree, place.item
    parent = tree.parents.get(item)
    func = item.func
    simple = isinstance(parent, ast.Expr) or (isinstance(parent, ast.Assign) and parent.value is item)
    if not simple or not isinstance(func, ast.Attribute) or not _is_plain(func.value):
        raise Refusal("no_statement", what=insertion.call.layer)
    statement = _free_statement(insertion, tree, item, ast.unparse(func.value))
    texts = insertion.layer_texts(tree, item)
    moved: list[Splice] = []
    if insertion.where == "before":
        texts, moved = _with_input(insertion, texts)
    added = [f"{tree.text(func)}({text})" for text in texts]
    return [_statements(insertion, tree, statement, added), *moved]


def _is_plain(node: ast.expr) -> bool:
    """Whether an expression may be written once more: names, attributes and items by constants."""
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant() | ast.Name()):
            return _is_plain(value)
    return False


def _statements(insertion: Insertion, tree: CellTree, statement: ast.stmt, texts: Sequence[str]) -> Splice:
    write = statement_before if insertion.where == "before" else statement_after
    return write(tree, statement, texts)


def _free_statement(insertion: Insertion, tree: CellTree, item: ast.expr, name: str) -> ast.stmt:
    """The statement beside which a new one runs once, for this layer alone: the item's own, or a loop around it."""
    statement = tree.statement(item)
    others = insertion.rivals(tree, item)
    loops = tree.loops(item)
    if not others:
        return statement
    if not loops or insertion.where != "before" or tree.comprehended(item) or runs_again(insertion.desk, tree, item):
        raise Refusal("several_layers", what=insertion.call.layer)
    loop, *outer = loops
    for wider in outer:
        if _starts_over(tree, wider, name, until=loop):
            break
        loop = wider
    counted = {ast.unparse(node) for head in _heads(loop) for node in ast.walk(head) if isinstance(node, ast.expr)}
    first = min(other.call for other in inside(insertion.desk, tree, loop))
    if name in counted or _starts_over(tree, loop, name, until=statement) or first < insertion.call.call:
        raise Refusal("several_layers", what=insertion.call.layer)
    return loop


def runs_again(desk: Desk, tree: CellTree, node: ast.AST) -> bool:
    """Whether the function around a node is called more than once, as far as the cells show it."""
    function = tree.function(node)
    if function is None:
        return False
    name = getattr(function, "name", None)
    uses = [(at, n) for at in desk.trees() for n in ast.walk(at.tree) if isinstance(n, ast.Name) and n.id == name]
    if name is None or len(uses) != 1:
        return True
    at, use = uses[0]
    return bool(at.loops(use)) or at.comprehended(use) or runs_again(desk, at, use)


def _heads(loop: ast.stmt) -> list[ast.expr]:
    """What says how often a loop runs."""
    return [head for field in ("test", "iter") if (head := getattr(loop, field, None))]


def _starts_over(tree: CellTree, loop: ast.stmt, name: str, until: ast.stmt) -> bool:
    """Whether each turn of a loop gives a variable a new value before it comes to a statement in it."""
    return any(
        isinstance(node.ctx, ast.Store) and ast.unparse(node) == name and tree.start(node) < tree.start(until)
        for node in ast.walk(loop)
        if isinstance(node, ast.Name | ast.Attribute)
    )


# Dense(10)(x).


def _into_flow(insertion: Insertion, place: Flow) -> list[Splice]:
    tree, item = place.tree, place.item
    tensor = flow_input(insertion.call, item) if insertion.where == "before" else item
    statement = tree.parents.get(item)
    target = _sole_target(statement) if isinstance(statement, ast.Assign) and statement.value is item else None
    if isinstance(statement, ast.Assign) and insertion.where == "after" and _unpacks(statement):
        raise Refusal("several_tensors", what=insertion.call.layer)
    rebinds = target is not None and (
        insertion.where == "after" or (isinstance(tensor, ast.Name) and tensor.id == target)
    )
    if not rebinds and insertion.rivals(tree, item):
        raise Refusal("several_layers", what=insertion.call.layer)
    if rebinds and target is not None:
        anchor = _free_statement(insertion, tree, item, target)
        texts, made = _flow_texts(insertion, place)
        lines = [f"{target} = {text}({target})" for text in texts]
        return [_statements(insertion, tree, anchor, lines), *made]
    texts, made = _flow_texts(insertion, place)
    start, end = tree.start(tensor), tree.end(tensor)
    opening = "".join(f"{text}(" for text in reversed(texts))
    return [Splice.insert(tree, start, opening), Splice.insert(tree, end, ")" * len(texts)), *made]


def flow_input(call: Call, item: ast.Call) -> ast.expr:
    """The one tensor that a layer is called on; raises Refusal where there are several, or it is hidden."""
    inputs = [*item.args, *(k.value for k in item.keywords if k.arg not in _BESIDE)]
    hidden = any(k.arg is None or (k.arg != "inputs" and k.arg not in _BESIDE) for k in item.keywords)
    several = ast.List | ast.Tuple | ast.Dict | ast.Starred | ast.GeneratorExp | ast.ListComp
    if len(inputs) != 1 or hidden or isinstance(inputs[0], several):
        raise Refusal("several_tensors", what=call.layer)
    return inputs[0]


def _sole_target(statement: ast.Assign) -> str | None:
    """The variable of ``name = …``."""
    target = statement.targets[0]
    return target.id if len(statement.targets) == 1 and isinstance(target, ast.Name) else None


def _unpacks(statement: ast.Assign) -> bool:
    return any(isinstance(target, ast.Tuple | ast.List) for target in statement.targets)


def _flow_texts(insertion: Insertion, place: Flow) -> tuple[list[str], list[Splice]]:
    """The new layers to call; a model class gets them as attributes, made beside the layer's own."""
    found = attribute_in_class(insertion.desk, insertion.call, place)
    if found is None:
        return insertion.layer_texts(place.tree, place.item), []
    tree, assigned = found
    holder = ast.unparse(assigned.targets[0]).rpartition(".")[0]
    names: list[str] = []
    for step in insertion.steps:
        names.append(_free_name(tree, f"{holder}.{_snake(step.class_name)}", names))
    made = insertion.layer_texts(tree, assigned)
    lines = [f"{name} = {text}" for name, text in zip(names, made, strict=True)]
    write = statement_before if insertion.where == "before" else statement_after
    return names, [write(tree, assigned, lines)]


def _snake(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


def _free_name(tree: CellTree, name: str, taken: Sequence[str]) -> str:
    number, free = 1, name
    while free in taken or re.search(rf"{re.escape(free)}\b", tree.source):
        number += 1
        free = f"{name}_{number}"
    return free
