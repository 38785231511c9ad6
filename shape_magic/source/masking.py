"""Make a cell readable for Python: IPython's own syntax goes, everything else stays where it is.

Works on text alone, so that cells can be read outside IPython too.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

#: Cell magics that run their body as Python in the user's namespace; any other body is not Python.
PYTHON_CELL_MAGICS = frozenset(
    ("capture", "debug", "memit", "mprun", "prun", "pyinstrument", "shapecheck", "snakeviz", "time", "timeit", "wandb")
)
#: What a logical line of IPython starts with when it is not Python.
_ESCAPES = "!%?,;/"
_NEWLINE = re.compile(r"\r\n|\r|\n")
_CELL_MAGIC = re.compile(r"\s*%%(\w*)(\?*)")
_TIMED = re.compile(r"%time(?=[ \t]+\S)")
#: A command goes on in the next line behind a backslash.
_COMMAND = re.compile(r"(?:[^\r\n]*\\(?:\r\n|\r|\n))*[^\r\n]*")
_INDENT = re.compile(r"[ \t\f]*")
_SPACE = re.compile(r"[ \t]*")
_ASSIGNED = re.compile(r"[ \t]*(?:!(?!=)|%{1,2}(?=[^\W\d]))")
_STRING_ENDS = {
    "'": re.compile(r"(?:[^\\\r\n']|\\(?:\r\n|[\s\S]))*'?"),
    '"': re.compile(r'(?:[^\\\r\n"]|\\(?:\r\n|[\s\S]))*"?'),
    "'''": re.compile(r"(?:[^\\']|\\[\s\S]|'(?!''))*(?:''')?"),
    '"""': re.compile(r'(?:[^\\"]|\\[\s\S]|"(?!""))*(?:""")?'),
}
_PIECE = re.compile(
    r"""(?P<string>\"{3}|'{3}|["'])
    |(?P<comment>\#[^\r\n]*)
    |(?P<open>[(\[{])
    |(?P<close>[)\]}])
    |(?P<assign>(?<![=!<>+\-*/%&|^@:~])=(?!=))
    |(?P<help>\?)
    |(?P<join>\\(?:\r\n|\r|\n))
    |(?P<end>\r\n|\r|\n)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A cell as Python reads it."""

    #: As many lines as the cell, and all Python at the same lines and columns.
    text: str
    #: Offsets ``(start, end)`` in the cell's text of what is not Python, in order.
    hidden: tuple[tuple[int, int], ...]


class _Masker:
    """One pass over a cell, from logical line to logical line."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.replaced: list[tuple[int, int, str]] = []

    def run(self) -> Masked:
        position = self._cell_magics()
        while position < len(self.source):
            position = self._line(position)
        pieces, last = [], 0
        for start, end, text in self.replaced:
            breaks = "".join(_NEWLINE.findall(self.source, start, end))
            pieces += [self.source[last:start], text, breaks]
            last = end
        pieces.append(self.source[last:])
        return Masked("".join(pieces), tuple((start, end) for start, end, _ in self.replaced))

    def _cell_magics(self) -> int:
        """Hide the cell magics on top; the offset at which Python starts."""
        position = 0
        while magic := _CELL_MAGIC.match(self.source, position):
            start = magic.start(1) - 2
            end = _line_end(self.source, start)
            if not magic[2] and magic[1] not in PYTHON_CELL_MAGICS:
                end = len(self.source)
            self.replaced.append((start, end, ""))
            position = end
        return position

    def _line(self, position: int) -> int:
        """Read one logical line, hide what is IPython's; the offset after it."""
        start = _end(_INDENT, self.source, position)
        if start < len(self.source) and self.source[start] in _ESCAPES:
            return self._escaped(start, indented=start > position)
        return self._python(start, indented=start > position)

    def _escaped(self, start: int, *, indented: bool) -> int:
        end = _end(_COMMAND, self.source, start)
        timed = _TIMED.match(self.source, start)
        if timed and _is_simple(self.source[timed.end() : end]):
            # "%time statement" runs its statement as Python: it stays, at its columns.
            self.replaced.append((start, timed.end(), "None;"))
        else:
            # An empty line would leave an empty suite; above a __future__ import only an empty line will do.
            self.replaced.append((start, end, "pass" if indented else ""))
        return _after_break(self.source, end)

    def _python(self, start: int, *, indented: bool) -> int:
        depth, position, asks_help = 0, start, False
        while piece := _PIECE.search(self.source, position):
            position = piece.end()
            match piece.lastgroup:
                case "string":
                    position = _end(_STRING_ENDS[piece[0]], self.source, position)
                case "open":
                    depth += 1
                case "close":
                    depth = max(0, depth - 1)
                case "assign" if depth == 0 and (magic := _ASSIGNED.match(self.source, position)):
                    return self._assigned(magic)
                case "help":
                    asks_help = True
                case "end" if depth == 0:
                    break
        else:
            position = len(self.source)
        if asks_help:
            end = len(self.source[:position].rstrip("\r\n"))
            self.replaced.append((start, end, "pass" if indented else ""))
        return position

    def _assigned(self, magic: re.Match[str]) -> int:
        start = _end(_SPACE, self.source, magic.start())
        end = _end(_COMMAND, self.source, start)
        self.replaced.append((start, end, "None"))
        return _after_break(self.source, end)


@lru_cache(maxsize=64)
def masked(source: str) -> Masked:
    """The cell with IPython's syntax replaced by harmless Python, and where that was."""
    return _Masker(source).run()


def mask(source: str) -> str:
    """A cell's text as Python can read it: the same lines, and all Python at the same columns.

    Magics, shell commands and help become ``pass`` or an empty line, what they are assigned to gets
    None. The body of a cell magic that does not run Python in the kernel (``%%bash``) is emptied.
    """
    return masked(source).text


@lru_cache(maxsize=64)
def line_starts(source: str) -> tuple[int, ...]:
    """The offsets at which lines start, as Python counts lines: no break at form feeds or U+2028.

    Known for the last texts: places are asked for one by one, and each would read the whole cell.
    """
    return (0, *(found.end() for found in _NEWLINE.finditer(source)))


def line_of(starts: Sequence[int], position: int) -> int:
    """The line, from 1, of an offset."""
    return bisect_right(starts, position)


def line_text(source: str, starts: Sequence[int], line: int) -> str:
    """A line, from 1, without its line break."""
    end = starts[line] if line < len(starts) else len(source)
    return source[starts[line - 1] : end].rstrip("\r\n")


def _end(pattern: re.Pattern[str], source: str, position: int) -> int:
    """Where a pattern that is looked for at a position ends."""
    found = pattern.match(source, position)
    return found.end() if found else position


def _line_end(source: str, position: int) -> int:
    found = _NEWLINE.search(source, position)
    return found.start() if found else len(source)


def _after_break(source: str, position: int) -> int:
    return _end(_NEWLINE, source, position)


def _is_simple(code: str) -> bool:
    """Whether it is Python that may follow a ``;``."""
    try:
        body = ast.parse(code.strip()).body
    except (SyntaxError, ValueError):
        return False
    return bool(body) and not any(hasattr(statement, "body") for statement in body)
