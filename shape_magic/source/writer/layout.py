"""Where new text goes among the user's lines: list items and statements in the style of their neighbours."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from shape_magic.source.writer.desk import Splice
from shape_magic.source.writer.tree import CellTree


def brackets(tree: CellTree, container: ast.List | ast.Tuple) -> tuple[int, int] | None:
    """The offsets of a list's or tuple's brackets; None for a tuple without."""
    start, end = tree.start(container), tree.end(container)
    return (start, end - 1) if tree.closes.get(start) == end - 1 else None


def items_before(
    tree: CellTree, item: tuple[int, int], following: int | None, texts: Sequence[str], *, bracketed: bool
) -> list[Splice]:
    """New items in front of one: on lines of their own where the items have that.

    ``item`` is the range of the one, ``following`` the start of the next one; ``bracketed`` says that
    lines may break between items.
    """
    start = item[0]
    indent = tree.indent(start)
    if indent is None and following is not None and bracketed:
        indent = tree.indent(following)
    if indent is None or not bracketed:
        return [Splice.insert(tree, start, "".join(f"{text}, " for text in texts))]
    gap = tree.newline(start) + indent
    return [Splice.insert(tree, start, "".join(f"{text},{gap}" for text in texts))]


def items_after(tree: CellTree, item: tuple[int, int], close: int | None, texts: Sequence[str]) -> list[Splice]:
    """New items behind one; ``close`` is the offset of the closing bracket, None where lines can't break."""
    start, end = item
    indent = tree.indent(start)
    comma = tree.after(end)
    has_comma = comma is not None and comma.text == ","
    tail = comma.end if comma and has_comma else end
    inline = [Splice.insert(tree, end, "".join(f", {text}" for text in texts))]
    if indent is None or close is None:
        return inline
    gap = tree.newline(start) + indent
    following = tree.after(tail)
    if has_comma and tree.rest_is_empty(tail):
        return [Splice.insert(tree, tree.line_end(tail), "".join(f"{gap}{text}," for text in texts))]
    if not has_comma and following is not None and following.start == close:
        lines = gap + f",{gap}".join(texts)
        if tree.rest_is_empty(end) and (line_end := tree.line_end(end)) != end:
            return [Splice.insert(tree, end, ","), Splice.insert(tree, line_end, lines)]
        return [Splice.insert(tree, end, f",{lines}")]
    return inline


def without_items(
    tree: CellTree, items: Sequence[tuple[int, int]], first: int, last: int, limit: int, *, keep_comma: bool = False
) -> Splice:
    """The removal of neighbouring items, with their lines where they have lines of their own.

    ``items`` are the ranges of all items, ``limit`` the offset at which they end; ``keep_comma`` keeps
    the comma in front, which a tuple of one needs. Comments beside other items stay.
    """
    start, end = items[first][0], items[last][1]
    tail = min(comma_end(tree, end), limit)
    if tree.indent(start) is not None and tree.rest_is_empty(tail) and tree.line_end(tail) < limit:
        return Splice(tree, tree.line_start(start), tree.next_line(tail), "")
    follows = last + 1 < len(items)
    if follows and (first == 0 or not _breaks(tree, end, items[last + 1][0])):
        return Splice(tree, start, items[last + 1][0], "")
    after_comma = comma_end(tree, items[first - 1][1])
    if first == 0 or tree.source[after_comma:start].strip():
        return Splice(tree, start, tail, "")
    if keep_comma:
        return Splice(tree, after_comma, tail, "")
    return Splice(tree, items[first - 1][1], end, "")


def comma_end(tree: CellTree, end: int) -> int:
    """Where the comma behind an offset ends; the offset itself when none comes next."""
    comma = tree.after(end)
    return comma.end if comma and comma.text == "," else end


def statement_before(tree: CellTree, statement: ast.stmt, texts: Sequence[str], rank: int = 1) -> Splice:
    """New statements in front of one: on lines of their own, or on its line where it is not alone there."""
    start = statement_start(tree, statement)
    indent = tree.indent(start)
    if indent is None or tree.continues(start):
        return Splice.insert(tree, start, "".join(f"{text}; " for text in texts), rank)
    gap = tree.newline(start) + indent
    return Splice.insert(tree, start, "".join(text + gap for text in texts), rank)


def statement_after(tree: CellTree, statement: ast.stmt, texts: Sequence[str]) -> Splice:
    """New statements behind a simple one: on lines of their own, or on its line where it is not alone there."""
    start, end = tree.start(statement), tree.end(statement)
    indent = tree.indent(start)
    if indent is None or tree.continues(start) or not tree.rest_is_empty(end):
        return Splice.insert(tree, end, "".join(f"; {text}" for text in texts))
    gap = tree.newline(start) + indent
    return Splice.insert(tree, tree.line_end(end), "".join(gap + text for text in texts))


def statement_start(tree: CellTree, statement: ast.stmt) -> int:
    """Where a statement starts, its decorators counted."""
    decorators = getattr(statement, "decorator_list", [])
    if not decorators:
        return tree.start(statement)
    at = tree.before(tree.outer(decorators[0])[0])
    return at.start if at else tree.start(statement)


def without_statement(tree: CellTree, statement: ast.stmt) -> Splice:
    """The removal of a simple statement, with its line where it is alone there."""
    start, end = tree.start(statement), tree.end(statement)
    suite = tree.siblings(statement)
    place = suite.index(statement)
    own_suite = not isinstance(tree.parents.get(statement), ast.Module | None)
    if len(suite) == 1 and own_suite:
        return Splice(tree, start, end, "pass")
    if tree.indent(start) is not None and not tree.continues(start) and tree.rest_is_empty(_past_semicolon(tree, end)):
        return Splice(tree, tree.line_start(start), tree.next_line(end), "")
    if place + 1 < len(suite) and not _breaks(tree, end, tree.start(suite[place + 1])):
        return Splice(tree, start, tree.start(suite[place + 1]), "")
    if place > 0:
        return Splice(tree, tree.end(suite[place - 1]), end, "")
    return Splice(tree, start, end, "pass")


def _past_semicolon(tree: CellTree, end: int) -> int:
    token = tree.after(end)
    return token.end if token and token.text == ";" and not _breaks(tree, end, token.start) else end


def _breaks(tree: CellTree, start: int, end: int) -> bool:
    """Whether a line ends between two offsets."""
    return tree.line_end(start) < end
