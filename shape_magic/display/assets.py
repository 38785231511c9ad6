"""The scripts and styles of our widgets: each carries all that it needs, because a page gives no way to share them."""

from __future__ import annotations

import re
from pathlib import Path

_HERE = Path(__file__).parent
#: Comments that have lines of their own, the indents, and empty lines: for readers of the files.
_FOR_READERS = re.compile(r"^\s*/\*.*?\*/[ \t]*$|^\s*//[^\n]*$|^[ \t]+|^\s*\n", re.MULTILINE | re.DOTALL)


def joined(*names: str) -> str:
    """Files of this folder one behind the other: a widget's script or style, the shared ones first.

    Every widget sends its own, so what only readers of the files need stays behind. No string in them
    may begin a line with blanks or a comment's sign.
    """
    return "\n".join(_FOR_READERS.sub("", (_HERE / name).read_text(encoding="utf-8")) for name in names)
