"""Where the window of a convolution or pooling stands on its input: at first, next, and at last.

A grid is drawn from above, the axes of other inputs as strips. What padding adds is dashed, what no
place of the window reads is hatched.
"""

from __future__ import annotations

from collections.abc import Sequence

from shape_magic.facts import Call
from shape_magic.teach.arithmetic import Window, windows
from shape_magic.teach.sketch import (
    BAD,
    FIRST,
    LAST,
    LINE,
    QUIET,
    SECOND,
    WIDTH,
    Box,
    Picture,
    Sign,
    Sketch,
    Stroke,
    length,
)
from shape_magic.words import say

#: An axis with more positions than this is drawn without lines between them.
_MOST_CELLS = 64
#: Inches: the highest grid, the room around it, the height of a strip with its bars.
_HIGHEST, _BESIDE, _ABOVE, _STRIP = 2.7, 0.62, 0.26, 1.35
_STROKES = (Stroke(FIRST), Stroke(SECOND, (0, (4, 2)), 2.0), Stroke(LAST))
_MISFIT = Stroke(BAD, "-", 2.4)

#: A place of the window along an axis: its number from 0, and the position of the input where it begins.
_Place = tuple[int, int]


def window_picture(call: Call) -> Picture | None:
    """The picture of a call; None for a layer without a window, and where a size is open."""
    known = [w for w in windows(call) if w.size is not None]
    if not known or len(known) != len(windows(call)):
        return None
    told = " ".join(_told(window, names) for window, names in _distinct(known))
    return _grid(known[0], known[1]).picture(told) if len(known) == 2 else _strips(_distinct(known)).picture(told)


def _distinct(known: Sequence[Window]) -> list[tuple[Window, str]]:
    """Windows that differ in more than their axis, each with the words for its axes."""
    groups: dict[tuple[object, ...], list[Window]] = {}
    for window in known:
        groups.setdefault((window.size, window.kernel, window.stride, window.dilation), []).append(window)
    return [(group[0], ", ".join(say(f"axis.{w.axis}") for w in group)) for group in groups.values()]


def _fits(*along: Window) -> bool:
    return all((window.count or 0) >= 1 for window in along)


def _places(window: Window) -> list[_Place]:
    """The first, the second and the last place, as far as they differ."""
    count = max(window.count or 0, 1)
    return [(k, k * window.stride - window.pads[0]) for k in dict.fromkeys([0, min(1, count - 1), count - 1])]


def _margins(window: Window) -> tuple[int, int]:
    """How many positions around the input a picture needs: for zeros, and for a window that does not fit."""
    over = 0 if _fits(window) else max(window.reach - (window.size or 0), 0)
    return window.pads[0], max(window.pads[1], over)


def _told(window: Window, names: str) -> str:
    """The same in words."""
    size, reach = window.size or 0, window.reach
    if not _fits(window):
        return say("play.window.no_room", axis=names, size=size, reach=reach)
    stands = [say("play.window.place", n=k + 1, first=at + 1, last=at + reach) for k, at in _places(window)]
    parts = [say("play.window.told", axis=names, size=size, reach=reach, places="; ".join(stands))]
    if sum(window.pads):
        parts.append(say("play.window.pads", before=window.pads[0], behind=window.pads[1]))
    if window.left_over:
        parts.append(say("play.window.left", n=window.left_over))
    return " ".join(parts)


# A grid from above --------------------------------------------------------------------------------


def _grid(rows: Window, columns: Window) -> Sketch:
    high, long = (rows.size or 0) + sum(_margins(rows)), (columns.size or 0) + sum(_margins(columns))
    unit = min((WIDTH - _BESIDE - 0.18) / long, _HIGHEST / high)
    lines = 1 + bool(_extras(rows, columns))
    sketch = Sketch(_ABOVE + unit * high + 0.12 + lines * LINE)
    left, top = _BESIDE + unit * _margins(columns)[0], _ABOVE + unit * _margins(rows)[0]
    size = ((columns.size or 0) * unit, (rows.size or 0) * unit)
    _ground(sketch, (left, top, *size), unit, rows, columns)
    steps = _steps(rows, columns)
    strokes = _strokes(rows, columns)
    for k in reversed(range(len(steps))):
        y, x = (at for _, at in steps[k])
        box = (left + x * unit, top + y * unit, columns.reach * unit, rows.reach * unit)
        sketch.frame(box, strokes[k])
        _gaps(sketch, box, unit, rows, columns, strokes[k].color)
    name = say("play.window.axis", axis=say("axis.width"), n=columns.size)
    sketch.text(left + size[0] / 2, top - unit * rows.pads[0] - 0.08, name, QUIET, align="center")
    beside, level = left - unit * columns.pads[0] - 0.08, top + size[1] / 2
    sketch.text(beside, level - 0.02, say("axis.height"), QUIET, align="right")
    sketch.text(beside, level + 0.13, str(rows.size), QUIET, align="right")
    below = _ABOVE + unit * high + 0.06
    sketch.key(0.1, below, zip(strokes, _key_names(steps, rows, columns), strict=False))
    sketch.key(0.1, below + LINE, _extras(rows, columns))
    return sketch


def _steps(rows: Window, columns: Window) -> list[tuple[_Place, _Place]]:
    """The places to draw: the first, the next on its right or else below, and the last."""
    down, along = _places(rows), _places(columns)
    second = (down[0], along[1]) if len(along) > 1 else (down[min(1, len(down) - 1)], along[0])
    return list(dict.fromkeys([(down[0], along[0]), second, (down[-1], along[-1])]))


def _strokes(*along: Window) -> tuple[Stroke, ...]:
    return _STROKES if _fits(*along) else (_MISFIT,)


def _key_names(steps: Sequence[object], rows: Window, columns: Window) -> list[str]:
    if not _fits(rows, columns):
        return [say("play.window.key.no_room")]
    if len(steps) == 1:
        return [say("play.window.key.only")]
    last = say("play.window.key.last", n=(rows.count or 0) * (columns.count or 0))
    return [say("play.window.key.first"), say("play.window.key.second"), last][: len(steps)]


def _extras(rows: Window, columns: Window) -> list[tuple[Sign, str]]:
    entries: list[tuple[Sign, str]] = []
    if sum(rows.pads) + sum(columns.pads):
        entries.append(("dashed", say("play.window.key.pads")))
    if rows.left_over + columns.left_over:
        entries.append(("hatched", say("play.window.key.left")))
    return entries


def _ground(sketch: Sketch, box: Box, unit: float, rows: Window, columns: Window) -> None:
    """The input's positions, the zeros around them, and what is left over at the end."""
    left, top, long, high = box
    if sum(rows.pads) + sum(columns.pads):
        start = (left - columns.pads[0] * unit, top - rows.pads[0] * unit)
        sketch.dashed((*start, long + sum(columns.pads) * unit, high + sum(rows.pads) * unit))
    sizes = columns.size or 1, rows.size or 1
    sketch.cells(box, *sizes, lines=max(sizes) <= _MOST_CELLS)
    right, below = columns.left_over * unit, rows.left_over * unit
    if right:
        sketch.hatched((left + long - right, top, right, high))
    if below:
        sketch.hatched((left, top + high - below, long - right, below))


def _gaps(sketch: Sketch, box: Box, unit: float, rows: Window, columns: Window, color: str) -> None:
    """The positions that a window with gaps does read."""
    if rows.dilation == columns.dilation == 1:
        return
    for y in range(0, rows.reach, rows.dilation):
        for x in range(0, columns.reach, columns.dilation):
            sketch.fill((box[0] + (x + 0.25) * unit, box[1] + (y + 0.25) * unit, unit / 2, unit / 2), color)


# Strips -------------------------------------------------------------------------------------------


def _strips(known: Sequence[tuple[Window, str]]) -> Sketch:
    """One row of positions for each axis, and beneath it the places of the window."""
    extras = _extras(known[0][0], known[-1][0])
    sketch = Sketch(len(known) * _STRIP + LINE * bool(extras))
    for k, (window, names) in enumerate(known):
        _strip(sketch, k * _STRIP, window, names)
    sketch.key(0.1, len(known) * _STRIP - 0.06, extras)
    return sketch


def _strip(sketch: Sketch, y: float, window: Window, names: str) -> None:
    size, margins = window.size or 1, _margins(window)
    unit = min((WIDTH - 0.2) / (size + sum(margins)), 0.3)
    left, top, high = 0.1 + margins[0] * unit, y + 0.28, min(unit, 0.22)
    sketch.text(0.1, y + 0.2, say("play.window.axis", axis=names, n=window.size), QUIET)
    for start, count in ((left - window.pads[0] * unit, window.pads[0]), (left + size * unit, window.pads[1])):
        if count:
            sketch.dashed((start, top, count * unit, high))
    sketch.cells((left, top, size * unit, high), size, 1, lines=size <= _MOST_CELLS)
    if window.left_over:
        sketch.hatched((left + (size - window.left_over) * unit, top, window.left_over * unit, high))
    for k, ((number, at), stroke) in enumerate(zip(_places(window), _strokes(window), strict=False)):
        under = top + high + 0.1 + k * LINE
        box = (left + at * unit, under, window.reach * unit, 0.13)
        sketch.frame(box, stroke)
        for x in range(0, window.reach, window.dilation) if window.dilation > 1 else ():
            sketch.fill((box[0] + (x + 0.25) * unit, under + 0.03, unit / 2, 0.07), stroke.color)
        name = say("play.window.key.nth", n=number + 1) if _fits(window) else say("play.window.key.no_room")
        _name_beside(sketch, box, under + 0.12, name)


def _name_beside(sketch: Sketch, box: Box, y: float, name: str) -> None:
    """The name of a place behind its bar, or before it where there is no room behind."""
    start, end = box[0], box[0] + box[2]
    if end + 0.08 + length(name) < WIDTH:
        sketch.text(end + 0.08, y, name)
    elif start - 0.08 > length(name):
        sketch.text(start - 0.08, y, name, align="right")
    else:
        sketch.text(start + 0.06, y - 0.01, name)
