"""``# shapecheck: keep RULE`` comments: found in a cell, and written into it."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from shape_magic.source.masking import line_starts, line_text, mask
from shape_magic.spans import Edit, Span

#: A comment that silences rules on its line.
KEEP = re.compile(r"#\s*shapecheck:\s*keep\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)")


@dataclass(slots=True)
class _Comments:
    """The comments of a cell, and the lines at whose end one may stand."""

    #: By line, from 1: the column at which the comment starts, and its text.
    found: dict[int, tuple[int, str]] = field(default_factory=dict)
    #: Lines that end neither inside a string nor in a backslash.
    ends: list[int] = field(default_factory=list)


def _comments(source: str) -> _Comments:
    comments = _Comments()
    for token in tokens(mask(source)):
        if token.type == tokenize.COMMENT:
            comments.found[token.start[0]] = (token.start[1], token.string)
        elif token.type in (tokenize.NL, tokenize.NEWLINE):
            comments.ends.append(token.start[0])
    return comments


_HALVES = re.compile("[\ud800-\udfff]")


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of Python text, as far as it can be read."""
    text = _HALVES.sub("\ufffd", text)  # since Python 3.12 halves of surrogate pairs can't be read
    starts = line_starts(text)
    # Token columns count from the line's start, so that every line break may be written as "\n".
    lines = (line_text(text, starts, line) + ("\n" if line < len(starts) else "") for line in range(1, len(starts) + 1))
    try:
        yield from tokenize.generate_tokens(lambda: next(lines, ""))
    except (tokenize.TokenError, SyntaxError):
        return


def kept(source: str) -> frozenset[tuple[int, str]]:
    """The rules that comments of the cell silence, each with the line that it is silenced on.

    Where a line can't end in a comment (a backslash, an open string), the comment on the next line
    that can counts for it.
    """
    comments = _comments(source)
    found = set()
    for line, (_, text) in comments.found.items():
        first = max((end for end in comments.ends if end < line), default=0) + 1
        for keep in KEEP.finditer(text):
            rules = [rule.strip() for rule in keep["rules"].split(",")]
            found |= {(covered, rule) for covered in range(first, line + 1) for rule in rules}
    return frozenset(found)


def keep_edit(source: str, span: Span, rule: str) -> Edit:
    """The edit that silences a rule on the line where a constructor starts.

    It writes at that line's end, or at the next end that can hold a comment; a comment that is
    there stays, and a ``keep`` that is there gets the rule added. Raises ValueError when the span is
    not in the cell or the cell can't be read.
    """
    comments = _comments(source)
    line = next((end for end in sorted(comments.ends) if end >= span.start_line), None)
    if line is None:
        raise ValueError(f"line {span.start_line} of the cell has no end that can hold a comment")
    column, text = comments.found.get(line, (0, ""))
    keeps = list(KEEP.finditer(text))
    if any(rule in re.split(r"\s*,\s*", keep["rules"]) for keep in keeps):
        return Edit(_point(span, line, column), "")
    if keeps:
        return Edit(_point(span, line, column + keeps[-1].end()), f", {rule}")
    end = len(line_text(source, line_starts(source), line).rstrip())
    return Edit(_point(span, line, end), f"  # shapecheck: keep {rule}")


def _point(span: Span, line: int, column: int) -> Span:
    return Span(span.cell, line, column, line, column)
