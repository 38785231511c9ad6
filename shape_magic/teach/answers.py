"""What a learner wrote for a shape, read as numbers; nothing is evaluated."""

from __future__ import annotations

import re

from shape_magic.teach.misconceptions import Sizes

#: What people write for an axis that is open.
_OPEN = frozenset({"none", "batch", "batch_size", "batchsize", "b", "n", "?", "-1"})
_BETWEEN = re.compile(r"\s*[,;×*]\s*|(?<=[\d?])\s*[xX]\s*(?=[\d?])|(?<=[a-z?])\s+[xX]\s+|\s+")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")
#: More than these is no shape that a layer of ours has.
_LONGEST, _MOST_AXES, _MOST_DIGITS = 100, 8, 9


def readings(text: str) -> tuple[Sizes, ...]:
    """The shapes that a text can mean, the likeliest first; empty where it is none.

    ``"26, 26, 32"``, ``"(None, 26, 26, 32)"``, ``"26x26x32"``, ``"batch, 26, 26, 32"``; ``"1,600"`` is both
    two sizes and one number.
    """
    plain = text.strip().strip("()[]").strip().rstrip(",;").strip()
    if not plain or len(text) > _LONGEST:
        return ()
    sizes = [_size(token) for token in _BETWEEN.split(plain.lower())]
    known = tuple(size for size in sizes if size != -1)
    if len(known) != len(sizes) or len(known) > _MOST_AXES:
        return ()
    if _THOUSANDS.fullmatch(plain):
        return (known, (int(plain.replace(",", "")),))
    return (known,)


def _size(token: str) -> int | None:
    """The size that a word stands for; -1 where it stands for none."""
    if token in _OPEN:
        return None
    return int(token) if token.isascii() and token.isdigit() and len(token) <= _MOST_DIGITS else -1
