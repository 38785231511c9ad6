"""Arguments of a call: set, added, taken out."""

from __future__ import annotations

import ast
import itertools
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shape_magic.repair.steps import JoinArguments, RenameArgument
from shape_magic.repair.templates import filled
from shape_magic.source.keeping import tokens
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.layout import items_after, without_items
from shape_magic.source.writer.tree import CellTree


@dataclass(frozen=True, slots=True)
class Setting:
    """An argument and the value that it gets."""

    name: str
    #: As source.
    value: str
    #: Where it stands when it is given by position.
    position: int | None
    #: What stands there, changed, where that is no literal: with ``{}`` for it; empty: the value stands in its place.
    computed: str = ""


def set_arguments(tree: CellTree, call: ast.Call, settings: Sequence[Setting], what: str) -> list[Splice]:
    """New values for arguments of one call, added as keywords where they are not given.

    Raises Refusal where it can't be seen whether one is given: behind ``*args`` or ``**kwargs``.
    """
    splices: list[Splice] = []
    added: list[str] = []
    for setting in settings:
        value = as_quoted(tree, setting.value, call)
        given = argument(call, setting.name, setting.position, what)
        if given is None:
            added.append(f"{setting.name}={value}")
        elif setting.computed and not isinstance(given, ast.Constant):
            changed = filled(setting.computed, tree.text(given))
            splices.append(Splice(tree, tree.start(given), tree.end(given), changed))
        elif tree.text(given) != value:
            splices.append(Splice(tree, tree.start(given), tree.end(given), value))
    return splices + (_added(tree, call, added) if added else [])


def argument(call: ast.Call, name: str, position: int | None, what: str) -> ast.expr | None:
    """The value that a call gives an argument; None where it gives none."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    starred = next((i for i, value in enumerate(call.args) if isinstance(value, ast.Starred)), None)
    if position is not None and starred is not None and starred <= position:
        raise Refusal("hidden_argument", what=what, name=name)
    if position is not None and position < len(call.args):
        return call.args[position]
    if any(keyword.arg is None for keyword in call.keywords):
        raise Refusal("hidden_argument", what=what, name=name)
    return None


def _added(tree: CellTree, call: ast.Call, texts: Sequence[str]) -> list[Splice]:
    opening, closing = tree.parentheses(call)
    given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    if not given:
        return [Splice.insert(tree, opening + 1, ", ".join(texts))]
    last = max(given, key=tree.start)
    return items_after(tree, _item_range(tree, last, opening), closing, texts)


def replaced_arguments(tree: CellTree, call: ast.Call, arguments: str) -> list[Splice]:
    """Other arguments in the place of all that a call gives."""
    opening, closing = tree.parentheses(call)
    text = as_quoted(tree, arguments, call)
    if tree.source[opening + 1 : closing] == text:
        return []
    return [Splice(tree, opening + 1, closing, text)]


def keyword_removed(tree: CellTree, call: ast.Call, keyword: ast.keyword) -> Splice:
    """The removal of a keyword argument with one of its commas."""
    return _removed(tree, call, keyword)


def argument_removed(tree: CellTree, call: ast.Call, name: str, position: int | None, what: str) -> Splice:
    """The removal of an argument; raises Refusal where it is hidden, or where others are counted behind it."""
    keyword = next((k for k in call.keywords if k.arg == name), None)
    if keyword is not None:
        return _removed(tree, call, keyword)
    given = argument(call, name, position, what)
    if given is None or given is not call.args[-1]:
        raise Refusal("hidden_argument", what=what, name=name)
    return _removed(tree, call, given)


def rename_argument(desk: Desk, step: RenameArgument) -> list[Splice]:
    """Another name for a keyword, in all calls of the cell that are written alike; or one for a value without."""
    tree, call = desk.node(step.span, step.name, ast.Call)
    if not isinstance(call, ast.Call):
        raise Refusal("moved", what=step.name)
    if step.position is not None and step.position < len(call.args):
        value, last = call.args[step.position], len(call.args) - 1
        if step.position != last or any(isinstance(one, ast.Starred) for one in call.args):
            raise Refusal("hidden_argument", what=tree.text(call.func), name=step.name)
        return [Splice.insert(tree, tree.outer(value, tree.parentheses(call)[0])[0], f"{step.new}=")]
    alike = [n for n in ast.walk(tree.tree) if isinstance(n, ast.Call) and tree.text(n.func) == tree.text(call.func)]
    named = [(n, k) for n in alike for k in n.keywords if k.arg == step.name]
    if not any(n is call for n, _ in named):
        raise Refusal("hidden_argument", what=tree.text(call.func), name=step.name)
    splices = [Splice(tree, tree.start(k), tree.start(k) + len(step.name), step.new) for _, k in named]
    if step.value:
        own = next(k.value for n, k in named if n is call)
        splices = [splice for splice, (n, _) in zip(splices, named, strict=True) if n is call]
        splices.append(Splice(tree, tree.start(own), tree.end(own), as_quoted(tree, step.value, call)))
    return splices


def take_out(desk: Desk, steps: Sequence[RenameArgument]) -> list[Splice]:
    """Keywords of one call taken out, together: those that stand side by side share their commas."""
    names = {step.name for step in steps}
    tree, call = desk.node(steps[0].span, ", ".join(names), ast.Call)
    if not isinstance(call, ast.Call) or not names <= {k.arg for k in call.keywords}:
        raise Refusal("moved", what=", ".join(names))
    opening, closing = tree.parentheses(call)
    given: list[ast.expr | ast.keyword] = sorted((*call.args, *call.keywords), key=tree.start)
    items = [_item_range(tree, one, opening) for one in given]
    goes = [isinstance(one, ast.keyword) and one.arg in names for one in given]
    splices, last = [], -1
    for go, run in itertools.groupby(range(len(given)), key=goes.__getitem__):
        first, last = last + 1, last + len(list(run))
        if go:
            splices.append(without_items(tree, items, first, last, closing))
    return splices


def join_arguments(desk: Desk, step: JoinArguments) -> list[Splice]:
    """One tuple, or one list, of what a call is given by position."""
    tree, call = desk.node(step.span, "call", ast.Call)
    if not isinstance(call, ast.Call) or len(call.args) < 2 or any(isinstance(one, ast.Starred) for one in call.args):
        raise Refusal("moved", what="call")
    opening = tree.parentheses(call)[0]
    start, end = tree.outer(call.args[0], opening)[0], tree.outer(call.args[-1], opening)[1]
    return [Splice.insert(tree, start, step.brackets[0]), Splice.insert(tree, end, step.brackets[1])]


def _removed(tree: CellTree, call: ast.Call, item: ast.expr | ast.keyword) -> Splice:
    opening, closing = tree.parentheses(call)
    given: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    given.sort(key=tree.start)
    items = [_item_range(tree, one, opening) for one in given]
    place = given.index(item)
    return without_items(tree, items, place, place, closing)


def _item_range(tree: CellTree, given: ast.expr | ast.keyword, opening: int) -> tuple[int, int]:
    """An argument's offsets with the brackets that the user put around its value."""
    if isinstance(given, ast.keyword):
        return tree.start(given), tree.outer(given.value, tree.start(given))[1]
    return tree.outer(given, opening)


def as_quoted(tree: CellTree, code: str, near: ast.AST | None = None) -> str:
    """Code with its simple strings in the quotes that the user prefers: in the call, else in the cell."""
    prefers = _preferred(tree.text(near)) if near is not None else None
    quote = prefers or _preferred(tree.text_masked)
    if quote is None:
        return code
    pieces, last = [], 0
    for token in tokens(code):
        text = token.string
        simple = token.type == tokenize.STRING and text[0] in "'\"" and not set(text[1:-1]) & set("'\"\\")
        if simple and token.start[0] == 1:
            pieces += [code[last : token.start[1]], f"{quote}{text[1:-1]}{quote}"]
            last = token.end[1]
    return "".join([*pieces, code[last:]])


def _preferred(code: str) -> str | None:
    """The quote that most strings of some code are in; None where neither leads."""
    strings = [token.string for token in tokens(code) if token.type == tokenize.STRING]
    single = sum(text[-1] == "'" for text in strings)
    double = len(strings) - single
    return None if single == double else "'" if single > double else '"'


def positions(names: Sequence[str]) -> Mapping[str, int]:
    """Where arguments stand that may be given by position."""
    return {name: place for place, name in enumerate(names)}
