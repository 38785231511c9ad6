"""Pictures for the playground: where a window stands, and what each layer costs; as SVG in the page's own colours.

Uses matplotlib's objects only: pyplot's state, the backend and the user's rcParams stay as they are.
Colours are written as the theme's CSS variables, so that a picture follows light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import prod

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from shape_magic.display.parts import short
from shape_magic.display.pen import Pen, fit, wide
from shape_magic.facts import Call, Model, Shape
from shape_magic.teach.arithmetic import Window, windows
from shape_magic.words import say

#: What stands for a colour of the theme while matplotlib draws, and the variable that takes its place.
_INK, _QUIET, _RULE, _FIRST, _SECOND, _LAST, _BAD, _CELL = (f"#01020{k}" for k in range(8))
_THEME = {
    _INK: "var(--ink)",
    _QUIET: "var(--quiet)",
    _RULE: "var(--rule)",
    _FIRST: "var(--ask)",
    _SECOND: "var(--good)",
    _LAST: "var(--last)",
    _BAD: "var(--bad)",
    _CELL: "var(--cell)",
}
#: Inches: a picture's width, the highest grid, a line of type.
_WIDTH, _HIGHEST, _LINE = 4.6, 2.7, 0.24
_SMALL = 8.5
#: An axis with more positions than this is drawn without lines between them.
_MOST_CELLS = 64
#: A model with more layers than this shows the largest of them.
_MOST_BARS = 16
_BYTES = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as SVG, and what it shows in words."""

    svg: str
    alt: str


def window_picture(call: Call) -> Picture | None:
    """Where the window of a convolution or pooling stands: first, second and last; None for other layers."""
    known = [w for w in windows(call) if w.size is not None]
    if not known or len(known) != len(windows(call)):
        return None
    figure = _grid(known[0], known[1]) if len(known) == 2 else _strips(_distinct(known))
    return Picture(_svg(figure), " ".join(_told(w, names) for w, names in _distinct(known)))


def _distinct(known: Sequence[Window]) -> list[tuple[Window, str]]:
    """Windows that differ in more than their axis, each with the words for its axes."""
    groups: dict[tuple[object, ...], list[Window]] = {}
    for window in known:
        groups.setdefault((window.size, window.kernel, window.stride, window.dilation), []).append(window)
    return [(group[0], ", ".join(say(f"axis.{w.axis}") for w in group)) for group in groups.values()]


def _places(window: Window) -> list[tuple[int, int]]:
    """The first, second and last place: its number from 0, and the position of the input where it begins."""
    count = max(window.count or 0, 1)
    numbers = dict.fromkeys([0, min(1, count - 1), count - 1])
    return [(k, k * window.stride - window.pads[0]) for k in numbers]


def _told(window: Window, names: str) -> str:
    size, reach = window.size or 0, window.reach
    if (window.count or 0) < 1:
        return say("play.window.no_room", axis=names, size=size, reach=reach)
    stands = [say("play.window.place", n=number + 1, first=at + 1, last=at + reach) for number, at in _places(window)]
    text = say("play.window.told", axis=names, size=size, reach=reach, places="; ".join(stands))
    if sum(window.pads):
        text += " " + say("play.window.pads", before=window.pads[0], behind=window.pads[1])
    if window.left_over:
        text += " " + say("play.window.left", n=window.left_over)
    return text


# Drawing --------------------------------------------------------------------------------------------

_STYLES = ((_FIRST, "-", 2.2), (_SECOND, (0, (4, 2)), 2.0), (_LAST, "-", 2.2))


def _page(height: float, width: float = _WIDTH) -> tuple[Figure, Pen]:
    figure = Figure(figsize=(width, height), frameon=False)
    axes = figure.add_axes((0, 0, 1, 1))
    return figure, Pen(axes, width, height)


def _svg(figure: Figure) -> str:
    page = BytesIO()
    figure.savefig(page, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = page.getvalue().decode("utf-8")
    text = re.sub("#01020[0-7]", lambda found: _THEME[found[0]], text[text.index("<svg") :])
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)


def _grid(rows: Window, columns: Window) -> Figure:
    """A grid from above, its windows as frames; what padding adds around it, what is left over hatched."""
    before, behind = _margins(rows), _margins(columns)
    high = (rows.size or 0) + sum(before)
    long = (columns.size or 0) + sum(behind)
    unit = min((_WIDTH - 0.8) / long, _HIGHEST / high)
    figure, pen = _page(0.3 + unit * high + 2 * _LINE + 0.1)
    left, top = 0.62 + unit * behind[0], 0.26 + unit * before[0]
    _cells(pen, left, top, unit, (rows, columns))
    fits = (rows.count or 0) >= 1 and (columns.count or 0) >= 1
    down, along = _places(rows), _places(columns)
    steps = [(down[0], along[0])]
    if len(along) > 1:
        steps.append((down[0], along[1]))
    elif len(down) > 1:
        steps.append((down[1], along[0]))
    if (down[-1], along[-1]) not in steps:
        steps.append((down[-1], along[-1]))
    total = max(rows.count or 0, 0) * max(columns.count or 0, 0)
    for k, ((_, y), (_, x)) in reversed(list(enumerate(steps))):
        style = _STYLES[k if k < 2 else 2] if fits else (_BAD, "-", 2.4)
        _frame(pen, (left + x * unit, top + y * unit), (columns.reach * unit, rows.reach * unit), style)
        _dots(pen, left + x * unit, top + y * unit, unit, (rows, columns), style[0])
    _sizes(pen, left, top, unit, rows, columns)
    _legend(pen, 0.3 + unit * high + 0.1, fits, len(steps), total, rows, columns)
    return figure


def _margins(window: Window) -> tuple[int, int]:
    """How many positions around the input a picture needs: for zeros, and for a window that does not fit."""
    over = max(window.reach - (window.size or 0), 0) if (window.count or 0) < 1 else 0
    return window.pads[0], max(window.pads[1], over)


def _cells(pen: Pen, left: float, top: float, unit: float, both: tuple[Window, Window]) -> None:
    rows, columns = both
    high, long = rows.size or 0, columns.size or 0
    pads = (left - columns.pads[0] * unit, top - rows.pads[0] * unit)
    whole = ((long + sum(columns.pads)) * unit, (high + sum(rows.pads)) * unit)
    if sum(rows.pads) + sum(columns.pads):
        pen.axes.add_patch(
            Rectangle(pads, *whole, facecolor="none", edgecolor=_QUIET, linewidth=1, linestyle=(0, (2, 2)))
        )
    pen.axes.add_patch(Rectangle((left, top), long * unit, high * unit, facecolor=_CELL, edgecolor=_QUIET, linewidth=1))
    if max(high, long) <= _MOST_CELLS:
        lines = [[(left + k * unit, top), (left + k * unit, top + high * unit)] for k in range(1, long)]
        lines += [[(left, top + k * unit), (left + long * unit, top + k * unit)] for k in range(1, high)]
        pen.axes.add_collection(LineCollection(lines, colors=_RULE, linewidths=0.6))
    for part in _left_over(left, top, unit, rows, columns):
        pen.axes.add_patch(Rectangle(*part, facecolor="none", edgecolor=_BAD, linewidth=0, hatch="////"))


def _left_over(
    left: float, top: float, unit: float, rows: Window, columns: Window
) -> list[tuple[tuple[float, float], float, float]]:
    high, long = rows.size or 0, columns.size or 0
    parts = []
    if columns.left_over:
        parts.append(((left + (long - columns.left_over) * unit, top), columns.left_over * unit, high * unit))
    if rows.left_over:
        width = (long - columns.left_over) * unit
        parts.append(((left, top + (high - rows.left_over) * unit), width, rows.left_over * unit))
    return parts


_Style = tuple[str, object, float]


def _frame(pen: Pen, at: tuple[float, float], size: tuple[float, float], style: _Style) -> None:
    color, line, width = style
    pen.axes.add_patch(Rectangle(at, *size, facecolor=color, alpha=0.14, linewidth=0))
    pen.axes.add_patch(Rectangle(at, *size, facecolor="none", edgecolor=color, linewidth=width, linestyle=line))


def _dots(pen: Pen, left: float, top: float, unit: float, both: tuple[Window, Window], color: str) -> None:
    """The positions that a window with gaps does read."""
    rows, columns = both
    if rows.dilation == 1 and columns.dilation == 1:
        return
    for y in range(0, rows.reach, rows.dilation):
        for x in range(0, columns.reach, columns.dilation):
            spot = (left + (x + 0.25) * unit, top + (y + 0.25) * unit)
            pen.axes.add_patch(Rectangle(spot, unit / 2, unit / 2, facecolor=color, linewidth=0))


def _sizes(pen: Pen, left: float, top: float, unit: float, rows: Window, columns: Window) -> None:
    middle = left + (columns.size or 0) * unit / 2
    over = top - rows.pads[0] * unit - 0.08
    pen.text(
        middle,
        over,
        say("play.window.axis", axis=say("axis.width"), n=columns.size),
        _SMALL,
        color=_QUIET,
        align="center",
    )
    beside = left - columns.pads[0] * unit - 0.08
    level = top + (rows.size or 0) * unit / 2
    pen.text(beside, level - 0.02, say("axis.height"), _SMALL, color=_QUIET, align="right")
    pen.text(beside, level + 0.13, str(rows.size), _SMALL, color=_QUIET, align="right")


def _legend(pen: Pen, y: float, fits: bool, steps: int, total: int, rows: Window, columns: Window) -> None:
    entries: list[tuple[_Style, str]] = []
    if not fits:
        entries.append(((_BAD, "-", 2.4), say("play.window.key.no_room")))
    elif steps == 1:
        entries.append((_STYLES[0], say("play.window.key.only")))
    else:
        names = [say("play.window.key.first"), say("play.window.key.second")]
        names += [say("play.window.key.last", n=total)] if steps > 2 else []
        entries += list(zip(_STYLES, names, strict=False))
    x = 0.1
    for style, name in entries:
        _frame(pen, (x, y + 0.06), (0.16, 0.16), style)
        pen.text(x + 0.23, y + 0.19, name, _SMALL, color=_INK)
        x += 0.23 + wide(name, _SMALL, False, False) + 0.18
    x = 0.1
    if sum(rows.pads) + sum(columns.pads):
        pen.axes.add_patch(
            Rectangle((x, y + 0.3), 0.16, 0.16, facecolor="none", edgecolor=_QUIET, linewidth=1, linestyle=(0, (2, 2)))
        )
        name = say("play.window.key.pads")
        pen.text(x + 0.23, y + 0.43, name, _SMALL, color=_INK)
        x += 0.23 + wide(name, _SMALL, False, False) + 0.18
    if rows.left_over or columns.left_over:
        pen.axes.add_patch(
            Rectangle((x, y + 0.3), 0.16, 0.16, facecolor="none", edgecolor=_BAD, linewidth=0, hatch="////")
        )
        pen.text(x + 0.23, y + 0.43, say("play.window.key.left"), _SMALL, color=_INK)


def _strips(known: Sequence[tuple[Window, str]]) -> Figure:
    """One row of positions for each axis, and beneath it the places of the window."""
    figure, pen = _page(len(known) * 1.35)
    for k, (window, names) in enumerate(known):
        _strip(pen, k * 1.35, window, names)
    return figure


def _strip(pen: Pen, y: float, window: Window, names: str) -> None:
    size = window.size or 0
    before, behind = _margins(window)
    unit = min((_WIDTH - 0.2) / (size + before + behind), 0.3)
    left, top = 0.1 + before * unit, y + 0.28
    pen.text(0.1, y + 0.2, say("play.window.axis", axis=names, n=size), _SMALL, color=_QUIET)
    high = min(unit, 0.22)
    pen.axes.add_patch(Rectangle((left, top), size * unit, high, facecolor=_CELL, edgecolor=_QUIET, linewidth=1))
    if size <= _MOST_CELLS:
        lines = [[(left + k * unit, top), (left + k * unit, top + high)] for k in range(1, size)]
        pen.axes.add_collection(LineCollection(lines, colors=_RULE, linewidths=0.6))
    if before + behind:
        for x, count in ((left - before * unit, before), (left + size * unit, behind)):
            dashed = (0, (2, 2))
            pen.axes.add_patch(
                Rectangle(
                    (x, top), count * unit, high, facecolor="none", edgecolor=_QUIET, linewidth=1, linestyle=dashed
                )
            )
    if window.left_over:
        start = left + (size - window.left_over) * unit
        pen.axes.add_patch(
            Rectangle(
                (start, top), window.left_over * unit, high, facecolor="none", edgecolor=_BAD, linewidth=0, hatch="////"
            )
        )
    fits = (window.count or 0) >= 1
    for k, (number, at) in enumerate(_places(window)):
        style = _STYLES[k if k < 2 else 2] if fits else (_BAD, "-", 2.4)
        under = top + high + 0.1 + k * 0.24
        _frame(pen, (left + at * unit, under), (window.reach * unit, 0.13), style)
        for x in range(0, window.reach, window.dilation) if window.dilation > 1 else ():
            spot = (left + (at + x + 0.25) * unit, under + 0.03)
            pen.axes.add_patch(Rectangle(spot, unit / 2, 0.07, facecolor=style[0], linewidth=0))
        _place_name(pen, left + at * unit, left + (at + window.reach) * unit, under + 0.12, _place_text(fits, number))


def _place_text(fits: bool, number: int) -> str:
    return say("play.window.key.nth", n=number + 1) if fits else say("play.window.key.no_room")


def _place_name(pen: Pen, start: float, end: float, y: float, text: str) -> None:
    """The name of a place beside its bar, on the side where there is room."""
    if end + 0.08 + wide(text, _SMALL, False, False) < _WIDTH:
        pen.text(end + 0.08, y, text, _SMALL, color=_INK)
    else:
        pen.text(max(start - 0.08, 0.1), y, text, _SMALL, color=_INK, align="right" if start > 1 else "left")


# What it costs --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """What a layer takes: its numbers, and its bytes for one sample."""

    name: str
    params: int
    #: Of its weights.
    weights: int
    #: Of what it gives for one sample, at four bytes a number.
    outputs: int
    #: False where the model breaks before it, or at it.
    reached: bool = True


def costs(model: Model) -> tuple[Cost, ...]:
    """What each call of a model takes, in order."""
    return tuple(
        Cost(
            call.layer,
            call.params,
            call.bytes,
            _BYTES * sum(map(_numbers, call.output_shapes)),
            bool(call.output_shapes),
        )
        for call in model.calls
    )


def _numbers(shape: Shape) -> int:
    """How many numbers one sample has; an open axis counts as 1."""
    return prod(d or 1 for d in shape[1:])


def cost_picture(model: Model, selected: str) -> Picture | None:
    """Parameters and memory of each layer as bars; None for a model without layers."""
    every = costs(model)
    if not every:
        return None
    largest = sorted(every, key=lambda c: c.weights + c.outputs, reverse=True)[:_MOST_BARS]
    shown = [c for c in every if c in largest]
    figure, pen = _page(0.3 + len(shown) * _LINE + 0.28)
    names = 1.45
    half = (_WIDTH - names - 0.2) / 2
    pen.text(names + 0.1, 0.18, say("play.cost.params"), _SMALL, color=_QUIET)
    pen.text(names + half + 0.2, 0.18, say("play.cost.memory"), _SMALL, color=_QUIET)
    most = max((c.params for c in shown), default=0), max((c.weights + c.outputs for c in shown), default=0)
    for k, cost in enumerate(shown):
        y = 0.3 + k * _LINE
        strong = cost.name == selected
        pen.text(
            names,
            y + 0.15,
            fit(short(cost.name), names - 0.1, _SMALL, bold=strong),
            _SMALL,
            color=_INK,
            bold=strong,
            align="right",
        )
        _bar(
            pen,
            names + 0.1,
            y,
            half,
            [(cost.params, _FIRST)],
            most[0],
            say("ui.number", n=cost.params) if cost.params else "",
        )
        parts = [(cost.weights, _FIRST), (cost.outputs, _LAST)]
        _bar(
            pen,
            names + half + 0.2,
            y,
            half,
            parts,
            most[1],
            bytes_text(cost.weights + cost.outputs) if cost.reached else say("ui.mark.unreached"),
        )
    _cost_key(pen, 0.3 + len(shown) * _LINE, names + half + 0.2)
    told = "; ".join(
        say(
            "play.cost.told",
            name=short(c.name),
            params=c.params,
            weights=bytes_text(c.weights),
            outputs=bytes_text(c.outputs),
        )
        for c in shown
    )
    return Picture(_svg(figure), say("play.cost.alt", layers=told))


def _cost_key(pen: Pen, y: float, x: float) -> None:
    for color, name in ((_FIRST, say("play.cost.weights")), (_LAST, say("play.cost.outputs"))):
        pen.axes.add_patch(Rectangle((x, y + 0.1), 0.12, 0.12, facecolor=color, linewidth=0))
        pen.text(x + 0.17, y + 0.2, name, _SMALL, color=_QUIET)
        x += 0.17 + wide(name, _SMALL, False, False) + 0.12


def _bar(pen: Pen, x: float, y: float, room: float, parts: Sequence[tuple[int, str]], most: int, text: str) -> None:
    long = room - wide("000,000,000", _SMALL, False, False) - 0.1
    at = x
    for value, color in parts:
        length = long * value / most if most else 0
        if length:
            pen.axes.add_patch(Rectangle((at, y + 0.04), length, 0.14, facecolor=color, linewidth=0))
        at += length
    pen.text(at + 0.06, y + 0.15, text, _SMALL, color=_INK)


def bytes_text(size: int) -> str:
    """``"5.1 kB"``."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:,.3g} GB"
