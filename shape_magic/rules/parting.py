"""One array where several are wanted: what takes it apart, by its shape or by how it was put together."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from shape_magic.spans import Shape

#: NumPy's and TensorFlow's ways to make one array of several.
_JOINS = ("stack", "array", "asarray", "concatenate", "concat", "hstack", "vstack", "dstack", "column_stack")
#: What may stand in a text twice without being computed twice.
_PLAIN = re.compile(r"[\w.]+")
#: So many parts are written out; more are counted in a comprehension.
_WRITTEN_OUT = 3


def parted(
    text: str, shape: Shape, count: int, fits: Callable[[int, Shape], bool], widths: Sequence[int | None]
) -> Iterator[str]:
    """Templates that make ``count`` arrays of one; ``fits(i, shape)`` says whether a part may be the i-th.

    ``widths``: the last axis of each wanted array, where the parts may lie side by side along it.
    """
    joined = _joined(text, count)
    if joined and "{}" not in joined:
        yield joined
    if not _PLAIN.fullmatch(text):
        return
    for axis in [*range(1, len(shape)), 0]:
        part = shape[:axis] + shape[axis + 1 :]
        if shape[axis] == count and part and all(fits(i, part) for i in range(count)):
            yield _indexed([":"] * axis, count)
    known = [w for w in widths if w is not None]
    if len(known) == count and len(shape) > 1 and sum(known) == shape[-1]:
        cuts = [sum(known[:i]) for i in range(count + 1)]
        if all(fits(i, (*shape[:-1], width)) for i, width in enumerate(known)):
            yield _cut(len(shape), cuts)


def _indexed(before: list[str], count: int) -> str:
    if count > _WRITTEN_OUT:
        return f"[{{}}[{', '.join([*before, 'k'])}] for k in range({count})]"
    return f"[{', '.join('{}[' + ', '.join([*before, str(k)]) + ']' for k in range(count))}]"


def _cut(rank: int, cuts: Sequence[int]) -> str:
    front = ":" if rank == 2 else "..."
    ends = [f"{a or ''}:{b if b != cuts[-1] else ''}" for a, b in pairwise(cuts)]
    return f"[{', '.join(f'{{}}[{front}, {end}]' for end in ends)}]"


def _joined(text: str, count: int) -> str:
    """The list of arrays that a call in the text joins, where they are as many as wanted; empty for anything else."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not call.args:
        return ""
    given = call.args[0]
    if call.func.attr not in _JOINS or not isinstance(given, ast.List | ast.Tuple) or len(given.elts) != count:
        return ""
    if any(isinstance(e, ast.Starred) for e in given.elts):
        return ""
    return f"[{', '.join(ast.get_source_segment(text, e) or '' for e in given.elts)}]"
