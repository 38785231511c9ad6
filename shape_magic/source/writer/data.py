"""Arguments of the calls that use a model: data in a new expression, and what ``compile`` is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from shape_magic.repair.steps import Reorder, Rewrite, SetCompile, SetInputShape, WrapData
from shape_magic.repair.templates import ATOMS, binds_tighter
from shape_magic.source.declared import Declared, declared
from shape_magic.source.writer.arguments import Setting, argument, positions, set_arguments
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.imports import keras_function
from shape_magic.source.writer.tree import CellTree

_DATA = ("x", "y")
_KERAS_FUNCTION = re.compile(r"\bkeras\.(\w+)\.(\w+)(?=\()")
#: The order of arguments in Keras 3, as far as they are given by position.
_POSITIONS = {
    "fit": positions(("x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data")),
    "evaluate": positions(("x", "y", "batch_size", "verbose", "sample_weight")),
    "predict": positions(("x",)),
    "predict_on_batch": positions(("x",)),
    "train_on_batch": positions(("x", "y", "sample_weight")),
    "test_on_batch": positions(("x", "y", "sample_weight")),
    "call": positions(("x",)),
}
_COMPILE = positions(
    ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution")
)


def wrap_data(desk: Desk, step: WrapData) -> list[Splice]:
    """An expression around one argument of the call that uses the model."""
    contract = desk.model.contract
    if contract is None:
        raise Refusal("no_contract", what=desk.model.name)
    tree, call = desk.node(contract.span, contract.method, ast.Call)
    if not isinstance(call, ast.Call):
        raise Refusal("moved", what=contract.method)
    position = _POSITIONS.get(contract.method, positions(_DATA)).get(step.argument)
    given = argument(call, step.argument, position, contract.method)
    bound = tree.parentheses(call)[0]
    if given is None or isinstance(given, ast.GeneratorExp | ast.Starred):
        raise Refusal("no_argument", what=contract.method, name=step.argument)
    if step.item is not None:
        bound, given = tree.start(given), _item(given, step.item, contract.method, step.argument)
    start, end = tree.outer(given, bound)
    template = _reached(desk, step.template, tree, call)
    bare = (start, end) == (tree.start(given), tree.end(given)) and not isinstance(given, ATOMS)
    opening, closing = ("(", ")") if bare and binds_tighter(template) else ("", "")
    parts = template.split("{}")
    if len(parts) != 2:
        user = f"{opening}{tree.source[start:end]}{closing}"
        return [Splice(tree, start, end, user.join(parts))]
    return [
        splice
        for splice in (
            Splice.insert(tree, start, parts[0] + opening),
            Splice.insert(tree, end, closing + parts[1]),
        )
        if splice.text
    ]


def rewrite(desk: Desk, step: Rewrite) -> list[Splice]:
    """Another text for an expression, wherever it stands.

    An axis that it only adds in front is not put back off, and of a list that is written out a tuple is written.
    """
    tree, node = desk.node(step.span, "expression")
    added = _axis_added(node) if step.template == "{}[0]" else None
    if added is not None:
        return [Splice(tree, tree.start(node), tree.end(node), tree.text(added))]
    start, end = tree.start(node), tree.end(node)
    if step.part is not None:
        tree, node = desk.node(step.part, "expression")
    text = tree.text(node)
    if step.template == "tuple({})" and isinstance(node, ast.List):
        only = "," if len(node.elts) == 1 and not text[1:-1].rstrip().endswith(",") else ""
        # The brackets alone: within them other lists may become tuples too.
        return [Splice(tree, start, start + 1, "("), Splice(tree, end - 1, end, f"{only})")]
    if not isinstance(node, ATOMS) and binds_tighter(step.template):
        text = f"({text})"
    return [Splice(tree, start, end, step.template.replace("{}", text))]


def reorder(desk: Desk, step: Reorder) -> list[Splice]:
    """The names of a tuple in another order; what stands between them stays."""
    tree, node = desk.node(step.span, "names")
    names = node.elts if isinstance(node, ast.Tuple | ast.List) else []
    if [tree.text(name) for name in names] != list(step.before):
        raise Refusal("moved", what=", ".join(step.before))
    return [
        Splice(tree, tree.start(name), tree.end(name), new)
        for name, new in zip(names, step.after, strict=True)
        if tree.text(name) != new
    ]


def _axis_added(node: ast.AST) -> ast.expr | None:
    """What an expression puts an axis of size 1 in front of: ``x`` in ``np.expand_dims(x, 0)`` and ``x[None]``."""
    if isinstance(node, ast.Subscript):
        index = node.slice
        name = index.attr if isinstance(index, ast.Attribute) else ""
        return node.value if name == "newaxis" or (isinstance(index, ast.Constant) and index.value is None) else None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "expand_dims":
        return None
    axes = [*node.args[1:], *(k.value for k in node.keywords if k.arg == "axis")]
    first = len(axes) == 1 and isinstance(axes[0], ast.Constant) and axes[0].value == 0
    return node.args[0] if first and node.args else None


def _reached(desk: Desk, template: str, tree: CellTree, call: ast.Call) -> str:
    """The template with Keras' functions as the user's imports reach them."""
    return _KERAS_FUNCTION.sub(lambda m: keras_function(desk, m[1], m[2], tree, call), template)


def _item(given: ast.expr, item: int, method: str, name: str) -> ast.expr:
    """One of several arrays that are written out in a list or tuple."""
    elements = given.elts if isinstance(given, ast.List | ast.Tuple) else []
    starred = any(isinstance(element, ast.Starred) for element in elements[: item + 1])
    if starred or not 0 <= item < len(elements):
        raise Refusal("no_item", what=method, name=name)
    return elements[item]


def set_input_shape(desk: Desk, step: SetInputShape) -> list[Splice]:
    """Another shape where the model's input is declared: on its first layer, in ``Input``, or in a helper's call."""
    tree, call = desk.node(desk.declared_at(step), "Input", ast.Call)
    found = declared(call) if isinstance(call, ast.Call) else None
    if found is None or not isinstance(call, ast.Call):
        raise Refusal("moved", what="Input")
    at = tree.outer(found.value, tree.parentheses(call)[0])
    return [Splice(tree, *place) for place in _shape_splices(tree, found, step.value, at)]


def _shape_splices(tree: CellTree, found: Declared, value: str, at: tuple[int, int]) -> list[tuple[int, int, str]]:
    """The new text of the argument, and of its name where a width becomes a shape."""
    elements = ast.parse(value, mode="eval").body
    if not found.is_width:
        return [(*at, _with_batch(tree, found, value, elements) if found.has_batch else value)]
    if isinstance(elements, ast.Tuple) and len(elements.elts) == 1 and not isinstance(elements.elts[0], ast.Starred):
        return [(*at, ast.unparse(elements.elts[0]))]
    name = tree.start(found.node or found.value)
    return [(name, name + len(found.keyword), "input_shape"), (*at, value)]


def _with_batch(tree: CellTree, found: Declared, value: str, new: ast.expr) -> str:
    given = found.value.elts if isinstance(found.value, ast.Tuple | ast.List) else []
    batch = tree.text(given[0]) if given else "None"
    return f"({batch}, {value[1:]}" if isinstance(new, ast.Tuple) else f"({batch}, *{value})"


def set_compile(desk: Desk, steps: Sequence[SetCompile]) -> list[Splice]:
    """Other arguments for ``compile``."""
    contract = desk.model.contract
    if contract is None:
        raise Refusal("no_contract", what=desk.model.name)
    tree, call = desk.node(contract.compile_span, "compile", ast.Call)
    if not isinstance(call, ast.Call):
        raise Refusal("moved", what="compile")
    settings = [Setting(step.name, step.value, _COMPILE.get(step.name)) for step in steps]
    return set_arguments(tree, call, settings, "compile")
