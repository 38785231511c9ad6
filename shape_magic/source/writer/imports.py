"""How the user spells Keras layers, and the imports that a new name needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Call
from shape_magic.source.writer.desk import Desk, Imports, Refusal, Splice
from shape_magic.source.writer.layout import items_after, statement_before
from shape_magic.source.writer.tree import CellTree

_KERAS = {"keras", "tf_keras"}
_STANDARD = "keras.layers"


@dataclass(frozen=True, slots=True)
class _Binding:
    """A name that an import brings, and what it stands for; the name is ``"*"`` for all of a module."""

    name: str
    dotted: str
    tree: CellTree
    statement: ast.Import | ast.ImportFrom


def _bindings(tree: CellTree) -> Iterator[_Binding]:
    for node in tree.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield _Binding(alias.asname or root, alias.name if alias.asname else root, tree, node)
        elif node.module and not node.level:
            for alias in node.names:
                dotted = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
                yield _Binding(alias.asname or alias.name, dotted, tree, node)


def _holds_layers(dotted: str) -> bool:
    """Whether a module is Keras' ``layers`` or one within it."""
    head, found, _ = dotted.partition(".layers")
    return bool(found) and bool(_KERAS & set(head.split(".")))


def _is_layer(binding: _Binding) -> bool:
    """Whether a name was imported from Keras' layers."""
    from_layers = isinstance(binding.statement, ast.ImportFrom) and _holds_layers(binding.statement.module or "")
    return from_layers and binding.name != "*"


def _layers_path(name: str, dotted: str) -> str | None:
    """How the layers are reached through an imported name: ``tf`` -> ``tf.keras.layers``."""
    if _holds_layers(dotted) and dotted.rpartition(".")[2].islower():
        return name
    if dotted.rpartition(".")[2] in _KERAS:
        return f"{name}.layers"
    return f"{name}.keras.layers" if dotted == "tensorflow" else None


def spelled(desk: Desk, call: Call, class_name: str, tree: CellTree, node: ast.AST) -> str:
    """A layer class as the user would write it at a node, after the way in which the nearest layer is made.

    What must be imported for it is noted on the desk.
    """
    # Where a model's class is found, ``keras.Sequential``, says nothing of where layers are.
    layers = [other for other in desk.model.calls if not other.is_a("Model")]
    by_distance = sorted(layers, key=lambda other: abs(other.call - call.call))
    made = next((made for other in by_distance if (made := desk.known_constructor(other))), None)
    if made is None:
        return _other_spelling(desk, class_name, tree, node)
    made_in, constructor = made
    trees = desk.trees(made_in, tree)
    func = constructor.func
    if isinstance(func, ast.Attribute):
        return _dotted(trees, func, call, class_name) or _other_spelling(desk, class_name, tree, node)
    name = ast.unparse(func)
    binding = next((b for other in trees for b in _bindings(other) if b.name == name), None)
    its_own = binding is None and name == call.class_name and call.bases[:1] in ((), (name,))
    if its_own or (binding is not None and _is_layer(binding) and binding.dotted.endswith(f".{name}")):
        return _bare(desk, class_name, tree, node, name)
    return _other_spelling(desk, class_name, tree, node)


def _dotted(trees: list[CellTree], func: ast.Attribute, call: Call, class_name: str) -> str | None:
    """The class beside the one at ``layers.Dense``; None where that is no module of Keras layers."""
    prefix = _module_text(func.value)
    if prefix is None:
        return None
    root, _, rest = prefix.partition(".")
    binding = next((b for tree in trees for b in _bindings(tree) if b.name == root), None)
    if binding is None:
        own = func.attr == call.class_name and call.bases[:1] in ((), (func.attr,))
        return f"{prefix}.{class_name}" if own or prefix.rpartition(".")[2] == "layers" else None
    if isinstance(binding.statement, ast.Import) and binding.dotted == root:
        dotted = prefix
    else:
        dotted = f"{binding.dotted}.{rest}" if rest else binding.dotted
    if _holds_layers(dotted):
        return f"{prefix}.{class_name}"
    return f"{prefix}.layers.{class_name}" if dotted.rpartition(".")[2] in _KERAS else None


def _module_text(node: ast.expr) -> str | None:
    """``tf.keras.layers`` for names and attributes only."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _module_text(node.value)
        return head and f"{head}.{node.attr}"
    return None


def _other_spelling(desk: Desk, class_name: str, tree: CellTree, node: ast.AST) -> str:
    """A spelling through whatever the cells import of Keras."""
    found = [b for other in desk.trees(tree) for b in _bindings(other) if other is not tree or _visible(b, node)]
    for binding in found:
        path = _layers_path(binding.name, binding.dotted) if binding.name != "*" else None
        if path is not None:
            return f"{path}.{class_name}"
    if not any(_is_layer(binding) for binding in found):
        for name, module in (("layers", "keras.layers"), ("keras", "keras")):
            if desk.bound(name, module):  # imported where no cell shows it
                return f"{_layers_path(name, module)}.{class_name}"
    return _bare(desk, class_name, tree, node, None)


def _visible(binding: _Binding, node: ast.AST) -> bool:
    """Whether an import of the same cell has run where a node is."""
    tree = binding.tree
    scope = tree.function(binding.statement)
    in_scope = scope is None or scope in tree.ancestors(node)
    return in_scope and (tree.function(node) is not scope or tree.start(binding.statement) < tree.start(node))


def _bare(desk: Desk, class_name: str, tree: CellTree, node: ast.AST, beside: str | None) -> str:
    """The class by its name alone, imported if it must be; ``beside`` is the class at whose side it stands."""
    here = [b for b in _bindings(tree) if _visible(b, node)]
    layers = [b for b in here if _is_layer(b)]
    for binding in layers:
        if binding.dotted.endswith(f".{class_name}"):
            return binding.name
    everywhere = [b for other in desk.trees(tree) for b in _bindings(other)]
    starred = any(b.name == "*" and _holds_layers(b.dotted) for b in everywhere)
    if starred or desk.bound(class_name, class_name):
        return class_name
    layers.sort(key=lambda binding: binding.name != beside)
    if layers and isinstance(layers[0].statement, ast.ImportFrom):
        desk.add_import(tree, layers[0].statement, "", class_name)
        return class_name
    elsewhere = sorted((b for b in everywhere if _is_layer(b)), key=lambda binding: binding.name != beside)
    module = elsewhere[0].dotted.rpartition(".")[0] if elsewhere else _STANDARD
    desk.add_import(tree, None, module, class_name)
    return class_name


def keras_function(desk: Desk, module: str, name: str, tree: CellTree, node: ast.AST) -> str:
    """A function of Keras as the user can reach it at a node; what must be imported for it is noted on the desk."""
    full = f"keras.{module}.{name}"
    found = [b for other in desk.trees(tree) for b in _bindings(other) if other is not tree or _visible(b, node)]
    for binding in found:
        _, keras, rest = f".{binding.dotted}".rpartition(".keras")
        below = full.removeprefix(f"keras{rest}")
        if keras and binding.name != "*" and below != full and (not below or below.startswith(".")):
            return f"{binding.name}{below}"
        if binding.dotted == "tensorflow":
            return f"{binding.name}.{full}"
    if desk.bound("keras", "keras"):  # imported where no cell shows it
        return full
    desk.add_import(tree, None, f"keras.{module}", name)
    return name


def import_splices(imports: list[Imports]) -> Iterator[Splice]:
    """The text of the imports that the desk has noted."""
    for wanted in imports:
        if wanted.statement is not None:
            yield from _extended(wanted.tree, wanted.statement, wanted.names)
        else:
            line = f"from {wanted.module} import {', '.join(wanted.names)}"
            yield statement_before(wanted.tree, _first_statement(wanted.tree), [line], rank=0)


def _extended(tree: CellTree, statement: ast.ImportFrom, names: list[str]) -> list[Splice]:
    last = statement.names[-1]
    closing = tree.end(statement) - 1
    bracketed = tree.source[closing] == ")"
    return items_after(tree, (tree.start(last), tree.end(last)), closing if bracketed else None, names)


def _first_statement(tree: CellTree) -> ast.stmt:
    """The first statement that an import may stand above."""
    body = tree.tree.body
    for place, statement in enumerate(body):
        is_docstring = place == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        is_future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        is_masked = any(start <= tree.start(statement) < end for start, end in tree.hidden)
        if not (is_docstring or is_future or is_masked):
            return statement
    raise Refusal("no_import_place")
