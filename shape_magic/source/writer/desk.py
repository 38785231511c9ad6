"""What the writer works with: the model, the cells as trees, and the pieces of text that it has decided on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shape_magic import words
from shape_magic.facts import Call, Model
from shape_magic.repair.steps import SetInputShape
from shape_magic.source.writer.tree import CellTree, read
from shape_magic.spans import CellId, Span


class Refusal(Exception):
    """Why a repair can't be written; its text is for the user."""

    def __init__(self, reason: str, /, **values: object) -> None:
        shown = {name: plain(value) if isinstance(value, str) else value for name, value in values.items()}
        super().__init__(words.say(f"source.refused.{reason}", **shown))


def plain(text: str) -> str:
    """A user's string on one line, without characters that steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


@dataclass(frozen=True, slots=True)
class Splice:
    """Text for a range of a cell; an empty range inserts."""

    tree: CellTree
    start: int
    end: int
    text: str
    #: Of texts at one place, those with the lower rank come first.
    rank: int = 1

    @classmethod
    def insert(cls, tree: CellTree, position: int, text: str, rank: int = 1) -> Splice:
        """New text at an offset."""
        return cls(tree, position, position, text, rank)


@dataclass(slots=True)
class Imports:
    """Names that one cell must import beside those that it imports already."""

    tree: CellTree
    #: The statement to extend; None: a new line on top.
    statement: ast.ImportFrom | None
    module: str
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Desk:
    """One repair being written."""

    model: Model
    cells: Mapping[CellId, str]
    bound: Callable[[str, str], bool]
    imports: list[Imports] = field(default_factory=list)

    def tree_of(self, cell: CellId) -> CellTree | None:
        """A cell read as Python; None when it can't be."""
        return read(self.cells[cell], cell)

    def trees(self, *first: CellTree) -> list[CellTree]:
        """All cells that can be read, these first."""
        others = [tree for cell in self.cells if (tree := self.tree_of(cell)) and tree not in first]
        return [*dict.fromkeys(first), *others]

    def node(self, span: Span | None, what: str, kind: type[ast.AST] = ast.expr) -> tuple[CellTree, ast.AST]:
        """The tree and the node at a span; ``what`` names it if there is none."""
        if span is None or span.cell is None or span.cell not in self.cells:
            raise Refusal("unknown_place", what=what)
        tree = self.tree_of(span.cell)
        if tree is None:
            raise Refusal("not_python", what=what)
        node = tree.find(span, kind)
        if node is None:
            raise Refusal("moved", what=what)
        return tree, node

    def constructor(self, call: Call) -> tuple[CellTree, ast.Call]:
        """The call that makes a layer; raises Refusal where it does not name the layer's class."""
        tree, node = self.node(call.span, call.layer, ast.Call)
        if not call.exact or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            raise Refusal("no_constructor", what=call.layer)
        return tree, node

    def known_constructor(self, call: Call) -> tuple[CellTree, ast.Call] | None:
        """The call that makes a layer, where it is known and names the layer's class."""
        try:
            return self.constructor(call)
        except Refusal:
            return None

    def declared_at(self, step: SetInputShape) -> Span | None:
        """Where the input that a step means is declared."""
        inputs = self.model.inputs if step.of is None else self.model.calls[step.of].takes
        return inputs[step.item].span if step.item < len(inputs) else None

    def add_import(self, tree: CellTree, statement: ast.ImportFrom | None, module: str, name: str) -> None:
        """Have a name imported in a cell, once."""
        for wanted in self.imports:
            if wanted.tree is tree and wanted.statement is statement and wanted.module == module:
                break
        else:
            wanted = Imports(tree, statement, module)
            self.imports.append(wanted)
        if name not in wanted.names:
            wanted.names.append(name)
