"""A cell's text without what belongs to shape_magic; everything else stays to the character."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.source.cells import offset, offsets, parse, span_from_positions
from shape_magic.source.keeping import KEEP, tokens
from shape_magic.source.masking import line_of, line_starts, mask, masked

_MAGIC = re.compile(
    r"(?:%time(?:it)?[ \t]+)?%{1,2}(?:shapecheck\b|(?:re|un)?load_ext[ \t]+shape_magic\b|config[ \t]+ShapeMagic\b)"
    r"|\?{0,2}%{0,2}shapecheck[ \t]*\?{0,2}\s*$"
)
#: Options with which ``%%shapecheck`` does not run its cell: what the cell shows is ours alone.
_RUNS_NOTHING = re.compile(r"%%shapecheck\b.*--(?:fix|rules|explain)\b")
#: A magic's line without its %, as IPython takes it.
_BARE = re.compile(r"^([ \t]*)((?:re|un)?load_ext[ \t]+shape_magic|shapecheck[ \t]+[\w-].*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CellText:
    """What is left of a cell's text, and what went."""

    text: str
    magics: int
    comments: int
    #: Whether the cell's code was not run: its magic only showed something.
    ran_nothing: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A magic in the text, by its offsets."""

    start: int
    end: int
    #: Whether it stands alone on its lines.
    alone: bool
    #: What takes its place where something has to stand there.
    stand_in: str


def without_ours(source: str) -> CellText:
    """The text without our magics and ``# shapecheck: keep`` comments.

    A body that would be empty gets ``pass``, a name that a magic was assigned to gets None.
    """
    source = _with_signs(source)
    places = [*_magics(source), *_calls(source)]
    needed = _needed(source, places)
    edits = [_edit(source, place, needed=place.start in needed) for place in places]
    comments = list(_comments(source))
    text = _without(source, sorted([*edits, *comments]))
    ran_nothing = any(_RUNS_NOTHING.match(source, place.start) for place in places)
    return CellText(text, len(places), len(comments), ran_nothing)


def _with_signs(source: str) -> str:
    """The text with the % that IPython adds where a line is no Python without it."""
    if parse(source) is not None:
        return source
    signed = _BARE.sub(r"\1%\2", source)
    return signed if parse(signed) is not None else source


def _magics(source: str) -> Iterator[_Place]:
    for start, end in masked(source).hidden:
        if _MAGIC.match(source, start, end):
            before = source[source.rfind("\n", 0, start) + 1 : start]
            yield _Place(start, end, not before.strip(), "pass" if not before.strip() else "None")


def _calls(source: str) -> Iterator[_Place]:
    """Magics that are written as Python: ``get_ipython().run_line_magic("shapecheck", "on")``."""
    tree = parse(source)
    starts = line_starts(source)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Expr) and _is_ours(node.value):
            position = (node.lineno, node.end_lineno or node.lineno, node.col_offset, node.end_col_offset or 0)
            start, end = offsets(source, span_from_positions(source, *position, None))
            last = line_of(starts, end)
            line_end = starts[last] if last < len(starts) else len(source)
            after = source[end:line_end].strip()
            before = source[starts[line_of(starts, start) - 1] : start]
            yield _Place(start, end, not before.strip() and (not after or after.startswith("#")), "pass")


def _is_ours(value: ast.expr) -> bool:
    if isinstance(value, ast.Name):
        return value.id == "shapecheck"  # IPython runs the magic of this name
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    words = [str(a.value) for a in value.args if isinstance(a, ast.Constant)]
    if value.func.attr == "run_line_magic":
        return len(words) == len(value.args) and bool(_MAGIC.match(f"%{' '.join(words)}"))
    return value.func.attr in {"magic", "line_magic"} and bool(words) and bool(_MAGIC.match(f"%{words[0].lstrip('%')}"))


def _needed(source: str, places: list[_Place]) -> set[int]:
    """The starts of those that are the first of a body which holds nothing else."""
    tree = parse(source)
    ours = {place.start for place in places}
    if tree is None:
        return {place.start for place in places if _indented(source, place)}
    needed: set[int] = set()
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(node, ast.Module) or not isinstance(body, list) or not body:
                continue
            starts = [_start(source, statement) for statement in body]
            if ours.issuperset(starts):
                needed.add(starts[0])
    return needed


def _start(source: str, statement: ast.stmt) -> int:
    span = span_from_positions(source, statement.lineno, statement.lineno, statement.col_offset, 0, None)
    return offset(source, span.start_line, span.start_col)


def _indented(source: str, place: _Place) -> bool:
    return place.alone and source[source.rfind("\n", 0, place.start) + 1 : place.start] != ""


def _edit(source: str, place: _Place, *, needed: bool) -> tuple[int, int, str]:
    if needed or not place.alone:
        return place.start, place.end, place.stand_in
    return _whole_lines(source, place.start, place.end)


def _whole_lines(source: str, start: int, end: int) -> tuple[int, int, str]:
    starts = line_starts(source)
    last = line_of(starts, end)
    return starts[line_of(starts, start) - 1], starts[last] if last < len(starts) else len(source), ""


def _comments(source: str) -> Iterator[tuple[int, int, str]]:
    """The edits that take ``# shapecheck: keep RULE`` out of comments, the comment with it if it says nothing else."""
    for token in tokens(mask(source)):
        keep = KEEP.search(token.string) if token.type == tokenize.COMMENT else None
        if keep is None:
            continue
        start = offset(source, *token.start)
        end = start + len(token.string)
        rest = token.string.find("#", keep.end())
        before = source[source.rfind("\n", 0, start) + 1 : start + keep.start()]
        if rest >= 0:
            yield start + keep.start(), start + rest, ""
        elif before.strip():
            yield start + keep.start() - (len(before) - len(before.rstrip())), end, ""
        else:
            yield _whole_lines(source, start, end)


def _without(source: str, edits: list[tuple[int, int, str]]) -> str:
    pieces, last = [], 0
    for start, end, text in edits:
        if start >= last:  # a comment behind a magic that goes has gone with it
            pieces += [source[last:start], text]
            last = end
    text = "".join([*pieces, source[last:]])
    if edits and edits[0][0] == 0:
        text = re.sub(r"\A(?:[ \t]*\r?\n)+", "", text)
    if last == len(source) and edits and not source.endswith(("\n", "\r")):
        text = text.rstrip("\r\n")
    return text


# -- what still needs us


def bound_names(source: str) -> set[str]:
    """The names that a cell's imports from shape_magic bind."""
    names: set[str] = set()
    for node in ast.walk(parse(source) or ast.Module([], [])):
        if isinstance(node, ast.Import):
            ours = [alias for alias in node.names if alias.name.split(".")[0] == "shape_magic"]
            names |= {alias.asname or "shape_magic" for alias in ours}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "shape_magic":
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def needs_us(source: str, names: set[str]) -> bool:
    """Whether a cell runs only where shape_magic is installed; ``names`` are those that were imported from it."""
    tree = parse(source)
    if tree is None:
        return re.search(r"\bshape_magic\b|\bshapecheck\b", mask(source)) is not None
    if bound_names(source):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "magic" in node.func.attr:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and first.value == "shapecheck":
                return True
    return False
