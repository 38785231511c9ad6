"""A cell as a tree with offsets: where nodes, brackets and lines are in its text."""

from __future__ import annotations

import ast
import tokenize
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile

from shape_magic.source.cells import node_at, parse
from shape_magic.source.keeping import tokens
from shape_magic.source.masking import line_of, line_starts, line_text, masked
from shape_magic.spans import CellId, Span

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of Python that is not layout."""

    #: Offsets in the cell's text.
    start: int
    end: int
    #: Of operators and brackets, empty for all else: a part of an f-string may look like a bracket.
    text: str


class CellTree:
    """One cell's text, read once; raises ValueError when it isn't Python."""

    def __init__(self, source: str, cell: CellId) -> None:
        tree = parse(source)
        if tree is None:
            raise ValueError("not Python")
        self.source = source
        self.cell = cell
        self.tree = tree
        self._lines = line_starts(source)
        mask = masked(source)
        #: The text as Python reads it.
        self.text_masked = mask.text
        #: Offsets of what is not Python: never to be edited.
        self.hidden = mask.hidden

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node's parent."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """The import statements, wherever they stand."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom)]

    @cached_property
    def _all_tokens(self) -> tuple[tokenize.TokenInfo, ...]:
        return tuple(tokens(self.text_masked))

    @cached_property
    def _line_ends(self) -> set[int]:
        """The lines that end neither inside a string nor in a backslash."""
        return {token.start[0] for token in self._all_tokens if token.type in (tokenize.NL, tokenize.NEWLINE)}

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """All Python of the cell but its layout and comments."""
        return tuple(self._tokens())

    @cached_property
    def _token_starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    def _tokens(self) -> Iterator[Token]:
        hidden = {position for start, end in self.hidden for position in range(start, end)}
        for token in self._all_tokens:
            if token.type in _LAYOUT:
                continue
            start = self._lines[token.start[0] - 1] + token.start[1]
            if start not in hidden:
                end = self._lines[token.end[0] - 1] + token.end[1]
                yield Token(start, end, token.string if token.type == tokenize.OP else "")

    @cached_property
    def closes(self) -> dict[int, int]:
        """Offsets of opening brackets, each with that of its closing one."""
        pairs, opened = {}, []
        for token in self.tokens:
            if token.text in _CLOSERS:
                opened.append(token)
            elif opened and token.text == _CLOSERS[opened[-1].text]:
                pairs[opened.pop().start] = token.start
        return pairs

    # Nodes.

    def find(self, span: Span, kind: type[ast.AST] = ast.expr) -> ast.AST | None:
        """The node at a span."""
        return node_at(self.tree, self.source, span, kind)

    def start(self, node: ast.AST) -> int:
        """The offset at which a node starts."""
        return self._offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """The offset behind a node's last character."""
        return self._offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        """A node as the user wrote it."""
        return self.source[self.start(node) : self.end(node)]

    def _offset(self, line: int, bytes_before: int) -> int:
        text = line_text(self.source, self._lines, line)
        if not text.isascii():
            bytes_before = len(text.encode("utf-8", "surrogatepass")[:bytes_before].decode("utf-8", "replace"))
        return self._lines[line - 1] + bytes_before

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, the nearest first."""
        while parent := self.parents.get(node):
            yield parent
            node = parent

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node belongs to."""
        return next(n for n in (node, *self.ancestors(node)) if isinstance(n, ast.stmt))

    def function(self, node: ast.AST) -> ast.AST | None:
        """The function whose code a node is; None at the cell's own level."""
        return next((n for n in self.ancestors(node) if isinstance(n, _FUNCTIONS)), None)

    def loops(self, node: ast.AST) -> list[ast.stmt]:
        """The loops that run a node again within its function, the innermost first."""
        found: list[ast.stmt] = []
        inner = node
        for outer in self.ancestors(node):
            if isinstance(outer, _FUNCTIONS):
                break
            if isinstance(outer, _LOOPS) and (inner in outer.body or inner is getattr(outer, "test", None)):
                found.append(outer)
            inner = outer
        return found

    def comprehended(self, node: ast.AST) -> bool:
        """Whether a node is run again by a comprehension around it."""
        around = takewhile(lambda n: not isinstance(n, ast.stmt), self.ancestors(node))
        return any(isinstance(n, COMPREHENSIONS) for n in around)

    def siblings(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements of the suite that a statement is in, itself among them."""
        for _, suite in ast.iter_fields(self.parents.get(statement, self.tree)):
            if isinstance(suite, list) and statement in suite:
                return suite
        return [statement]

    # Tokens.

    def after(self, position: int) -> Token | None:
        """The first token at or behind an offset."""
        index = bisect_left(self._token_starts, position)
        return self.tokens[index] if index < len(self.tokens) else None

    def before(self, position: int) -> Token | None:
        """The last token that starts in front of an offset."""
        index = bisect_left(self._token_starts, position) - 1
        return self.tokens[index] if index >= 0 else None

    def parentheses(self, call: ast.Call) -> tuple[int, int]:
        """The offsets of a call's own brackets."""
        token = self.after(self.end(call.func))
        while token and token.text == ")":
            token = self.after(token.end)
        if token is None:
            raise ValueError("a call without brackets")
        return token.start, self.closes[token.start]

    def outer(self, node: ast.AST, bound: int = -1) -> tuple[int, int]:
        """A node's offsets with the brackets that the user put around it, as far as an offset ``bound``."""
        start, end = self.start(node), self.end(node)
        while (left := self.before(start)) and left.start > bound and left.text == "(":
            right = self.after(end)
            if right is None or self.closes.get(left.start) != right.start:
                break
            start, end = left.start, right.end
        return start, end

    # Lines.

    def line_end(self, position: int) -> int:
        """The offset at which the line of an offset ends, its line break not counted."""
        line = line_of(self._lines, position)
        return self._lines[line - 1] + len(line_text(self.source, self._lines, line))

    def line_start(self, position: int) -> int:
        """The offset at which the line of an offset starts."""
        return self._lines[line_of(self._lines, position) - 1]

    def next_line(self, position: int) -> int:
        """The offset at which the line after that of an offset starts, or the text's end."""
        line = line_of(self._lines, position)
        return self._lines[line] if line < len(self._lines) else len(self.source)

    def indent(self, position: int) -> str | None:
        """The white space in front of an offset when nothing else stands on its line there."""
        before = self.source[self.line_start(position) : position]
        return before if not before.strip() else None

    def continues(self, position: int) -> bool:
        """Whether the line of an offset goes on from the line before by a backslash or an open string."""
        line = line_of(self._lines, position) - 1
        return line > 0 and line not in self._line_ends

    def rest_is_empty(self, position: int) -> bool:
        """Whether nothing but a comment follows an offset on its line."""
        rest = self.source[position : self.line_end(position)].strip()
        return not rest or rest.startswith("#")

    def newline(self, position: int) -> str:
        """The line break that the cell uses where an offset is."""
        for start in (self.line_end(position), self.line_end(0)):
            for kind in ("\r\n", "\n", "\r"):
                if self.source.startswith(kind, start):
                    return kind
        return "\n"


@lru_cache(maxsize=128)
def read(source: str, cell: CellId) -> CellTree | None:
    """A cell's tree, made once for all the repairs that are tried on it; None when it isn't Python."""
    try:
        return CellTree(source, cell)
    except ValueError:
        return None
