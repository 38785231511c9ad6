"""The end of a loop moved up: what follows it in the loop's body runs once, behind the loop."""

from __future__ import annotations

import ast

from shape_magic.facts import Call
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.places import place_of
from shape_magic.source.writer.tree import CellTree


def end_loop(desk: Desk, call: Call) -> list[Splice]:
    """The statements from the layer's on, moved to the left by one level; raises Refusal where they can't be."""
    place = place_of(desk, call)
    tree, statement = place.tree, place.tree.statement(place.item)
    loop = next(iter(tree.loops(place.item)), None)
    if not isinstance(loop, ast.For | ast.While) or statement not in loop.body[1:] or loop.orelse:
        raise Refusal("no_loop", what=call.layer)
    kept = loop.body[loop.body.index(statement) - 1]
    moved = loop.body[loop.body.index(statement) :]
    outer, inner = tree.indent(tree.start(loop)), tree.indent(tree.start(statement))
    if outer is None or inner is None or not inner.startswith(outer) or _steers(moved):
        raise Refusal("no_loop", what=call.layer)
    start, end = tree.next_line(tree.end(kept)), tree.line_end(tree.end(moved[-1]))
    return [Splice(tree, start, end, _moved_left(tree, call, start, end, inner[len(outer) :]))]


def _steers(statements: list[ast.stmt]) -> bool:
    """Whether a statement steers the loop or leaves the function, and so can't stand behind it unchanged."""
    return any(isinstance(n, ast.Break | ast.Continue | ast.Return) for s in statements for n in ast.walk(s))


def _moved_left(tree: CellTree, call: Call, start: int, end: int, step: str) -> str:
    lines: list[str] = []
    at = start
    while at < end:
        following = min(tree.next_line(at), end)
        line = tree.source[at:following]
        if tree.continues(at):
            raise Refusal("no_loop", what=call.layer)
        lines.append(_less(line, step))
        at = following if following > at else end
    return "".join(lines)


def _less(line: str, step: str) -> str:
    """A line with one level of indentation less, as far as it has one."""
    lead = line[: len(line) - len(line.lstrip())]
    return lead[: len(lead) - len(step)] + line[len(lead) :] if lead.endswith(step) and line.strip() else line
