"""A comparison, ready to be drawn: the one thing that its text, its table and its figure read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby

from shape_magic.alignment import Aligned
from shape_magic.comparison import Compared, Comparison, differences
from shape_magic.display.ladder import glyph
from shape_magic.display.parts import AxisCell, short
from shape_magic.facts import Call
from shape_magic.rules.weights_exceed_memory import gibibytes
from shape_magic.spans import Axes
from shape_magic.words import say, shape_text

#: Equal rows in sequence that are shown as one line, where a table is too long otherwise.
_FEWEST = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """What one model has in a row."""

    #: ``"Conv2D"``, ``"input"``, or ``"38 layers"``.
    title: str
    #: ``"32 filters 3×3, relu"``.
    summary: str
    glyph: tuple[AxisCell, ...]
    shape: str
    #: ``"320"``, empty where there are no weights.
    params: str
    #: Whether it stands for several layers.
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A row: a cell for each model, None where it has nothing here."""

    #: ``"4"``, ``"4–150"``, ``"input"``.
    number: str
    cells: tuple[Cell | None, ...]
    #: In what they differ, in words; empty: they are alike.
    note: str

    def stands_out(self, model: int) -> bool:
        """Whether a model has something here that the first has not, or the first has something alone."""
        cell, first = self.cells[model], self.cells[0]
        if model == 0:
            return first is not None and not any(self.cells[1:])
        return cell is not None and cell != first


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of each model."""

    title: str
    #: None where it is not known.
    values: tuple[int | None, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """The whole."""

    title: str
    names: tuple[str, ...]
    lines: tuple[Line, ...]
    totals: tuple[Total, ...]
    #: ``"average has 0.04 × the parameters of flatten."``, and what is broken.
    sentences: tuple[str, ...]


def build_comparison(comparison: Comparison, most: int) -> ComparisonView:
    """The comparison in about ``most`` lines: where there are more, those alike in sequence are one."""
    names = tuple(short(model.name, 40) for model in comparison.models)
    blocks: list[tuple[Aligned, ...]] = [(row,) for row in comparison.rows]
    if len(blocks) > most:
        blocks = _folded(comparison, most)
    starts = [0, *accumulate(map(len, blocks))]
    lines = [_line(comparison, block, start + 1, names) for block, start in zip(blocks, starts, strict=False)]
    return ComparisonView(
        title=say("compare.title", names=_listed(names)),
        names=names,
        lines=(_inputs(comparison), *lines),
        totals=_totals(comparison.models),
        sentences=(*_ratios(comparison.models, names), *_broken(comparison.models, names)),
    )


def _listed(names: Sequence[str]) -> str:
    return say("compare.and", first=", ".join(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]


# -- rows


def _folded(comparison: Comparison, most: int) -> list[tuple[Aligned, ...]]:
    """The rows in blocks: first those in sequence that differ in the same, then the middle of what is left."""

    def same(row: Aligned) -> object:
        return tuple(at is None for at in row), differences(comparison, row)

    runs = [tuple(run) for _, run in groupby(comparison.rows, key=same)]
    blocks: list[tuple[Aligned, ...]] = []
    for run in runs:
        if len(run) < _FEWEST:
            blocks += [(row,) for row in run]
        else:
            blocks += [(run[0],), run[1:-1], (run[-1],)]
    if len(blocks) > most:
        ends = most // 2
        middle = tuple(row for block in blocks[ends : len(blocks) - ends] for row in block)
        blocks = [*blocks[:ends], middle, *blocks[len(blocks) - ends :]]
    return blocks


def _line(comparison: Comparison, block: tuple[Aligned, ...], number: int, names: tuple[str, ...]) -> Line:
    if len(block) == 1:
        (row,) = block
        calls = [model.calls[at] if at is not None else None for model, at in zip(comparison.models, row, strict=True)]
        return Line(str(number), tuple(_cell(call) if call else None for call in calls), _note(comparison, row, names))
    columns = [[at for at in column if at is not None] for column in zip(*block, strict=True)]
    cells = [_fold(model, column) for model, column in zip(comparison.models, columns, strict=True)]
    notes = list(dict.fromkeys(_note(comparison, row, names) for row in block))
    note = notes[0] if len(notes) == 1 else say("compare.note.several")
    return Line(f"{number}–{number + len(block) - 1}", tuple(cells), note)


def _cell(call: Call) -> Cell:
    return Cell(
        title=short(call.class_name, 40),
        summary=short(call.summary),
        glyph=glyph(call.output_shape, call.output_axes[0] if call.output_axes else ()),
        shape=" + ".join(map(shape_text, call.output_shapes)) or say("compare.not_reached"),
        params=say("ui.number", n=call.params) if call.params else "",
    )


def _fold(model: Compared, column: list[int]) -> Cell | None:
    if not column:
        return None
    calls = [model.calls[at] for at in column]
    last, params = _cell(calls[-1]), sum(call.params for call in calls)
    kinds = list(dict.fromkeys(short(call.class_name, 40) for call in calls))
    summary = ", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else "")
    count = say("compare.layers.one" if len(calls) == 1 else "compare.layers.many", n=len(calls))
    return Cell(count, summary, last.glyph, last.shape, say("ui.number", n=params) if params else "", True)


def _inputs(comparison: Comparison) -> Line:
    cells = tuple(
        Cell(say("ui.row.input"), "", _input_glyph(m), " + ".join(map(shape_text, m.inputs)), "")
        for m in comparison.models
    )
    differs = len({model.inputs for model in comparison.models}) > 1
    note = say("compare.note.differs", what=say("compare.what.shape")) if differs else ""
    return Line(say("ui.row.input"), cells, note)


def _input_glyph(model: Compared) -> tuple[AxisCell, ...]:
    if len(model.inputs) != 1:
        return ()
    axes: Axes = next((c.input_axes[0] for c in model.calls if -1 in c.inputs and c.input_axes), ("batch",))
    return glyph(model.inputs[0], axes)


def _note(comparison: Comparison, row: Aligned, names: tuple[str, ...]) -> str:
    found = differences(comparison, row)
    parts = []
    if "missing" in found:
        there = [name for name, at in zip(names, row, strict=True) if at is not None]
        gone = [name for name, at in zip(names, row, strict=True) if at is None]
        only = len(there) <= len(gone)
        parts.append(say("compare.note.only" if only else "compare.note.not", names=", ".join(there if only else gone)))
    what = [say(f"compare.what.{one}") for one in found if one != "missing"]
    if what:
        parts.append(say("compare.note.differs", what=", ".join(what)))
    return " · ".join(parts)


# -- sums


def _totals(models: Sequence[Compared]) -> tuple[Total, ...]:
    params = tuple(model.params for model in models)
    weights = tuple(model.bytes for model in models)
    activations = tuple(model.activations for model in models)
    return (
        Total(say("compare.total.params"), params, tuple(say("ui.number", n=n) for n in params)),
        Total(say("compare.total.weights"), weights, tuple(map(_size, weights))),
        Total(say("compare.total.activations"), activations, tuple(map(_size, activations))),
    )


def _size(size: int | None) -> str:
    return say("compare.open") if size is None else gibibytes(size)


def _ratios(models: Sequence[Compared], names: Sequence[str]) -> list[str]:
    first = models[0]
    sentences = []
    for model, name in zip(models[1:], names[1:], strict=True):
        texts = {"name": name, "first": names[0]}
        if first.params and first.activations and model.activations is not None:
            ratios = ratio(model.params, first.params), ratio(model.activations, first.activations)
            sentences.append(say("compare.ratio.both", **texts, params=ratios[0], activations=ratios[1]))
        elif first.params:
            sentences.append(say("compare.ratio.params", **texts, params=ratio(model.params, first.params)))
    return sentences


def ratio(part: int, whole: int) -> str:
    """``"0.56"``, ``"12"``, ``"0.0023"``: never rounded to 0, nor to 1 where it isn't."""
    value = part / whole
    if part == whole or value >= 10:
        return f"{value:,.0f}"
    if value < 0.1:
        return f"{value:.2g}"
    return f"{value:.2f}" if abs(value - 1) >= 0.005 else f"{value:.4f}"


def _broken(models: Sequence[Compared], names: Sequence[str]) -> list[str]:
    return [
        say("compare.broken", name=name, title=short(model.broken, 200))
        for model, name in zip(models, names, strict=True)
        if model.broken
    ]
