"""A model's rows, top to bottom: input, one per call, where it breaks, what a fix would make of it, loss, labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from shape_magic.alignment import brought, laid_beside
from shape_magic.display.cards import tone
from shape_magic.display.palette import swatch
from shape_magic.display.parts import AxisCell, Fold, FoldKind, Item, Rail, Row, RowKind, State, flatten, short
from shape_magic.facts import Call, Data, Model
from shape_magic.misread import Crossing
from shape_magic.report import REMOVES, Diagnostic, Fix
from shape_magic.spans import Axes, Shape
from shape_magic.words import language, number, say, shape_text

_STATES: dict[str, State] = {"error": "broken", "warning": "warned", "info": "asked"}
_RANKING: tuple[State, ...] = ("broken", "warned", "asked", "arrived", "new", "unreached", "predicted", "ok")
#: The longest block that is looked for when rows repeat, and how often it must stand there to be folded.
_LONGEST_BLOCK = 32
_FEWEST_REPEATS = 3
#: A ladder of more lines than this folds what is far from its ends and from anything worth seeing.
_LONGEST_LADDER = 60
_SHOWN_AROUND = 8
#: Branches beyond these are told in words only.
_MOST_LANES = 6


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rows of a model, and the row under which each of its findings opens (by its place among them)."""

    items: tuple[Item, ...]
    opened_by: tuple[int, ...]
    lanes: int


#: A label for each sample against an answer for each: every pair of samples.
_PAIRS, _OF_PAIRS = (None, None), ("batch", "batch")


def glyph(shape: Shape | None, axes: Axes = ()) -> tuple[AxisCell, ...]:
    """One cell per axis; axes without a known meaning get a dot."""
    if shape is None:
        return ()
    named = [*axes[: len(shape)], *["?"] * (len(shape) - len(axes))]
    said = language()
    cells = ((_axis(axis, said), size) for axis, size in zip(named, shape, strict=True))
    return tuple(AxisCell(letter, meaning, str(size), word) for (letter, meaning, word), size in cells)


@cache
def _axis(axis: str, spoken: str) -> tuple[str, str, str]:
    """An axis' letter, meaning and word; ``spoken`` is the language that it is kept by."""
    letter = swatch(axis).letter
    return (letter, axis, say(f"axis.{axis}")) if letter != "·" else (letter, "axis", say("axis.unknown"))


def change_of(fix: Fix) -> str:
    """What the rows past the break stand for: ``with Flatten()``, ``with padding='same'``, ``without flatten``."""
    label = short(fix.label or fix.title)
    if label.startswith(REMOVES):
        return say("ui.mark.without", layer=label.removeprefix(REMOVES))
    return say("ui.mark.with", fix=f"{label}()" if label.isidentifier() and label[0].isupper() else label)


def build_ladder(model: Model, findings: Sequence[Diagnostic], arrived: Iterable[int] = ()) -> Ladder:
    """The model's ladder with its findings marked; ``arrived`` are the calls that a fix has just brought."""
    draft = _Draft(model, findings, frozenset(arrived))
    rows, lanes = _with_rails(draft.rows(), draft.reads)
    opened = {finding: row.id for row in rows for finding in draft.marks.get(row.id, ())}
    pinned = frozenset(opened.values())
    items = _fold_stretches(_fold_repeats(_fold_nested(rows, 0), pinned), pinned)
    return Ladder(items, tuple(opened.get(k, len(rows) - 1) for k in range(len(findings))), lanes)


class _Draft:
    """Collects the rows of one ladder in their order, with what each reads and which findings it opens."""

    def __init__(self, model: Model, findings: Sequence[Diagnostic], arrived: frozenset[int]) -> None:
        self.model = model
        self.findings = findings
        self.arrived = arrived
        #: By ``Row.id``: the rows that it reads, and the findings that open under it.
        self.reads: dict[int, tuple[int, ...]] = {}
        self.marks: dict[int, list[int]] = {}
        self._rows: list[Row] = []
        self._input_axes = {-1 - k: _axes_of_input(model, k) for k in range(len(model.inputs))}

    def rows(self) -> list[Row]:
        places = [place_of(finding, self.model) for finding in self.findings]
        last = max((p for p in places if isinstance(p, int)), default=None)
        at = self._inputs(places)
        at |= self._calls(self.model.calls if last is None else self.model.calls[: last + 1], places, at)
        predicted = self._predicted(at) if last is not None else None
        if last is not None and predicted is None:
            self._calls(self.model.calls[last + 1 :], places, at)
        self._loss(places, at)
        if last is None:
            self._predicted(at)
        self._labels(places)
        self._code(places)
        return self._rows

    def _add(self, row: Row, reads: tuple[int, ...], opens: list[int]) -> int:
        if row.id != len(self._rows):
            row = replace(row, id=len(self._rows))
        if opens:
            severity = tone(self.findings[opens[0]])
            row = replace(row, state=_STATES[severity], mark=say(f"ui.mark.{severity}"))
            self.marks[row.id] = opens
        above = row.id - 1
        if reads and reads != (above,):
            names = " + ".join(self._rows[r].name or self._rows[r].title for r in reads)
            row = replace(row, source=say("ui.from", names=names), linked=above in reads)
        self.reads[row.id] = reads
        self._rows.append(row)
        return row.id

    def _inputs(self, places: list[int | str]) -> dict[int, int]:
        at = {}
        for k, data in enumerate(self.model.inputs):
            opens = [f for f, place in enumerate(places) if place == "input"] if k == 0 else []
            row = _data_row("input", data, short(data.dtype), self._input_axes[-1 - k])
            at[-1 - k] = self._add(replace(row, linked=False), (), opens)
        return at

    def _calls(self, calls: Sequence[Call], places: list[int | str], at: dict[int, int]) -> dict[int, int]:
        at = dict(at)
        for call in calls:
            if call.class_name == "InputLayer" and self.model.inputs and self._is_input(call, at):
                continue
            opens = [f for f, place in enumerate(places) if place == call.call]
            state: State = "ok" if call.output_shapes or opens else "unreached"
            if call.call in self.arrived:
                state = "arrived"
            mark = "" if state == "ok" else say(f"ui.mark.{state}")
            reads = tuple(sorted(at[i] for i in set(call.inputs) if i in at))
            at[call.call] = self._add(_call_row(call, state, mark, len(self._rows)), reads, opens)
        return at

    def _is_input(self, call: Call, at: dict[int, int]) -> bool:
        """Whether Keras' own row for an input says nothing that the input's row doesn't; then it stands for both."""
        row = next((at[i] for i in call.inputs if i in at), None)
        if row is None or call.failure or call.call in {finding.call for finding in self.findings}:
            return False
        at[call.call] = row
        return True

    def _predicted(self, at: dict[int, int]) -> bool | None:
        """The rows that the first fix changes or reaches; None where no fix says so."""
        fix = next((f for d in self.findings for f in d.fixes[:1] if f.effect), None)
        if fix is None or fix.effect is None:
            return None
        layers = _named_as_before(self.model.calls, fix.effect.layers)
        same = _unchanged(self.model.calls, layers)
        after = {key: row for key, row in at.items() if key < same}
        above = max(after.values(), default=-1)
        new = set(brought(self.model.calls, layers, fix.label))
        for k, call in enumerate(layers[same:], same):
            if call.class_name == "InputLayer" and self._is_input(call, after):
                continue
            state: State = "new" if k in new else "predicted"
            mark = say("ui.mark.brought" if state == "new" else "ui.mark.predicted", change=change_of(fix))
            reads = tuple(sorted(after[i] for i in set(call.inputs) if i in after))
            # Where the fix only takes over from the broken row, an arc around that row would be noise.
            takes_over = reads == (above,) and above == len(self._rows) - 2
            row = _call_row(call, state, mark, len(self._rows))
            after[call.call] = self._add(row, () if takes_over else reads, [])
        return True

    def _loss(self, places: list[int | str], at: dict[int, int]) -> None:
        contract = self.model.contract
        if contract is None or not contract.losses:
            return
        names = " + ".join(short(loss.name) for loss in contract.losses)
        opens = [f for f, place in enumerate(places) if place == "loss"]
        outputs = contract.outputs if len(contract.outputs) == 1 else ()
        shape = shape_text(outputs[0]) if outputs and opens else ""
        row = Row(kind="loss", title=say("ui.row.loss"), name=names, summary="", glyph=(), shape=shape)
        self._add(row, (), opens)

    def _labels(self, places: list[int | str]) -> None:
        contract = self.model.contract
        for k, data in enumerate(contract.y if contract else ()):
            opens = [f for f, place in enumerate(places) if place == "labels"] if k == 0 else []
            row = _data_row("labels", data, labels_text(data, self.model), label_axes(data, self.model))
            self._add(row, (), opens)

    def _code(self, places: list[int | str]) -> None:
        """Where code of the user's misreads the model's answers: a finding opens under the first place of its kind."""
        left = [f for f, place in enumerate(places) if place == "code"]
        for misread in self.model.misreads:
            opens = [f for f in left if self.findings[f].span == misread.span]
            left = [f for f in left if f not in opens]
            # Compared, samples give a table of all pairs; the largest of one number is one number for each sample.
            shape, axes = (_PAIRS, _OF_PAIRS) if isinstance(misread, Crossing) else (_PAIRS[:1], _OF_PAIRS[:1])
            row = Row("code", say("ui.row.code"), short(misread.text), "", glyph(shape, axes), shape_text(shape))
            self._add(row, (), opens)


def place_of(finding: Diagnostic, model: Model) -> int | str:
    """Where a finding opens: a call's number, or ``"input"``, ``"loss"``, …; one that has a row."""
    calls = [call.call for call in model.calls]
    if finding.call in calls:
        return finding.call
    contract = model.contract
    has = {
        "input": model.inputs or not calls,
        "loss": contract and contract.losses,
        "labels": contract and contract.y,
        "code": model.misreads,
    }
    if has[finding.place]:
        return finding.place
    return next((row for row in ("loss", "labels") if has[row]), calls[-1] if calls else "input")


def _data_row(kind: RowKind, data: Data, summary: str, axes: Axes) -> Row:
    cells = glyph(data.shape, axes)
    return Row(kind, say(f"ui.row.{kind}"), short(data.name), summary, cells, shape_text(data.shape))


def _call_row(call: Call, state: State, mark: str, number: int) -> Row:
    text = " + ".join(shape_text(s) for s in call.output_shapes[:3])
    return Row(
        kind="layer",
        title=short(call.class_name),
        name=short(call.layer),
        summary=short(call.summary),
        glyph=glyph(call.output_shape, call.output_axes[0] if call.output_axes else ()),
        shape=text + (" …" if len(call.output_shapes) > 3 else ""),
        params=say("ui.number", n=call.params) if call.params else "",
        id=number,
        state=state,
        mark=mark,
        path=tuple(short(p) for p in call.path),
        call=call.call,
    )


def _named_as_before(calls: Sequence[Call], fixed: Sequence[Call]) -> tuple[Call, ...]:
    """What a fix makes of the calls, by the names that they have: Keras counts its own on from trace to trace."""
    places = laid_beside(calls, fixed)
    return tuple(call if k is None else _renamed(call, calls[k]) for call, k in zip(fixed, places, strict=True))


def _renamed(call: Call, old: Call) -> Call:
    same = call.layer != old.layer and re.sub(r"_\d+$", "", call.layer) == re.sub(r"_\d+$", "", old.layer)
    return replace(call, layer=old.layer, path=(*call.path[:-1], old.layer)) if same else call


def _unchanged(calls: Sequence[Call], fixed: Sequence[Call]) -> int:
    """How many calls at the top a fix leaves as they are."""
    for k, (old, new) in enumerate(zip(calls, fixed, strict=False)):
        same = (old.layer, old.class_name, old.summary, old.input_shapes, old.output_shapes, old.inputs)
        if same != (new.layer, new.class_name, new.summary, new.input_shapes, new.output_shapes, new.inputs):
            return k
    return min(len(calls), len(fixed))


def _axes_of_input(model: Model, k: int) -> Axes:
    for call in model.calls:
        if -1 - k in call.inputs:
            axes = call.input_axes[min(call.inputs.index(-1 - k), len(call.input_axes) - 1)] if call.input_axes else ()
            if len(axes) == len(model.inputs[k].shape):
                return axes
    return ("batch",) if model.inputs[k].shape else ()


def label_axes(labels: Data, model: Model) -> Axes:
    """What the axes of labels mean: those of the output when the rank agrees, else batch and unknowns."""
    rank = len(labels.shape)
    for call in reversed(model.calls):
        axes = call.output_axes[0] if call.output_axes else ()
        if len(axes) == rank:
            return axes
        if rank == len(axes) - 1 and call.output_shape and labels.shape[1:] == call.output_shape[1:-1]:
            return axes[:-1]
    one_hot = labels.facts is not None and labels.facts.one_hot
    return ("batch", "features") if rank == 2 and one_hot else ("batch",)


def labels_text(labels: Data, model: Model) -> str:
    """What the labels are: ``"one class number per image, 0…9"``, ``"one-hot, 10 classes"``."""
    facts = labels.facts
    if facts is None:
        return short(labels.dtype)
    if facts.one_hot:
        return say("ui.labels.one_hot", classes=labels.shape[-1] or 0)
    low, high = (number(v) for v in (facts.min, facts.max))
    single = all(size == 1 for size in labels.shape[1:])
    what = f"ui.labels.{'class' if facts.integer and facts.min >= 0 else 'number'}{'' if single else '_each'}"
    return say(what, unit=_unit(model), low=low, high=high)


def _unit(model: Model) -> str:
    axes = _axes_of_input(model, 0) if model.inputs else ()
    unit = "image" if {"height", "width"} <= set(axes) else "sequence" if "time" in axes else "sample"
    return say(f"ui.unit.{unit}")


# Branches: an arc for every edge that isn't from one row to the next -----------------------------


def _with_rails(rows: list[Row], reads: dict[int, tuple[int, ...]]) -> tuple[list[Row], int]:
    """Each row with the lanes that run past it; one lane per row that is read from further below."""
    readers: dict[int, set[int]] = {}
    for row, sources in reads.items():
        for source in sources:
            if source != row - 1:
                readers.setdefault(source, set()).add(row)
    free_from: list[int] = []
    rails: dict[int, dict[int, Rail]] = {}
    for source in sorted(readers):
        last = max(readers[source])
        lane = next((k for k, free in enumerate(free_from) if free <= source), len(free_from))
        if lane == _MOST_LANES:
            continue
        free_from[lane : lane + 1] = [last + 1]
        for row in range(source, last + 1):
            state: Rail = "start" if row == source else "end" if row == last else "pass"
            rails.setdefault(row, {})[lane] = "tee" if row in readers[source] and state == "pass" else state
    lanes = len(free_from)
    if not lanes:
        return rows, 0
    return [replace(r, rails=tuple(rails.get(r.id, {}).get(k, "") for k in range(lanes))) for r in rows], lanes


def _closed_rails(items: Sequence[Item]) -> tuple[Rail, ...]:
    """What the lanes do beside rows that are folded into one line."""
    inside = [row.rails for row in flatten(tuple(items))]
    closed: list[Rail] = []
    for lane in range(len(inside[0])):
        enters = inside[0][lane] in {"pass", "tee", "end"}
        leaves = inside[-1][lane] in {"pass", "tee", "start"}
        through = all(rails[lane] == "pass" for rails in inside)
        both: Rail = "pass" if through else "tee"
        closed.append(both if enters and leaves else "end" if enters else "start" if leaves else "")
    return tuple(closed)


# Folding ------------------------------------------------------------------------------------------


def _fold(kind: FoldKind, title: str, items: Sequence[Item], *, opened: bool = False, times: int = 0) -> Fold:
    rows = list(flatten(tuple(items)))
    state = min((row.state for row in rows), key=_RANKING.index)
    last = rows[-1]
    params = sum(int(row.params.replace(",", "")) for row in rows if row.params)
    return Fold(
        kind=kind,
        title=title,
        summary=say("ui.layers" if len(rows) > 1 else "ui.layer", n=len(rows)),
        glyph=last.glyph,
        shape=last.shape,
        params=say("ui.number", n=params) if params else "",
        items=tuple(items),
        state=state,
        open=opened,
        rails=_closed_rails(items),
        times=times,
    )


def _fold_nested(rows: Sequence[Row], depth: int) -> list[Item]:
    """Runs of rows that lie in the same nested model, each as one fold, models in models too."""
    items: list[Item] = []
    start = 0
    while start < len(rows):
        row = rows[start]
        if len(row.path) <= depth + 1:
            items.append(row)
            start += 1
            continue
        stop = start
        while stop < len(rows) and len(rows[stop].path) > depth + 1 and rows[stop].path[depth] == row.path[depth]:
            stop += 1
        inner = _fold_nested(rows[start:stop], depth + 1)
        opened = any(r.state in {"broken", "warned", "asked"} for r in rows[start:stop])
        items.append(_fold("nested", row.path[depth], inner, opened=opened))
        start = stop
    return items


def _fold_repeats(items: Sequence[Item], pinned: frozenset[int]) -> tuple[Item, ...]:
    """Blocks that stand at least three times in a row, as one line each; rows with a card never."""
    items = [replace(i, items=_fold_repeats(i.items, pinned)) if isinstance(i, Fold) else i for i in items]
    keys = [_key(item, pinned) for item in items]
    out: list[Item] = []
    start = 0
    while start < len(items):
        length, times = _repeat_at(keys, start)
        if times < _FEWEST_REPEATS:
            out.append(items[start])
            start += 1
            continue
        block = items[start : start + length * times]
        out.append(_fold("repeat", _block_title(block[:length], times), block, times=times))
        start += length * times
    return tuple(out)


def _fold_stretches(items: tuple[Item, ...], pinned: frozenset[int]) -> tuple[Item, ...]:
    """A ladder too long to look through, reduced to its ends and to what stands around its findings."""
    if len(items) <= _LONGEST_LADDER:
        return items
    worth = [0, len(items) - 1, *(k for k, item in enumerate(items) if _worth_seeing(item, pinned))]
    shown = {k for at in worth for k in range(at - _SHOWN_AROUND, at + _SHOWN_AROUND + 1)}
    out: list[Item] = []
    stretch: list[Item] = []
    for k, item in enumerate(items):
        if k not in shown:
            stretch.append(item)
            continue
        if stretch:
            rows = len(list(flatten(tuple(stretch))))
            out.append(_fold("stretch", say("ui.stretch", n=rows), stretch))
            stretch = []
        out.append(item)
    return tuple(out)


def _worth_seeing(item: Item, pinned: frozenset[int]) -> bool:
    rows = flatten((item,))
    return any(row.id in pinned or row.state in {"new", "arrived"} for row in rows)


def _key(item: Item, pinned: frozenset[int]) -> tuple[object, ...]:
    if isinstance(item, Fold):
        rows = list(flatten(item.items))
        unique = item.open or any(row.id in pinned for row in rows)
        return (rows[0].id,) if unique else tuple(_key(row, pinned) for row in rows)
    foldable = item.kind == "layer" and item.id not in pinned and item.state in {"ok", "predicted"}
    return (item.title, item.summary, item.shape, item.state) if foldable else (item.id,)


def _repeat_at(keys: list[tuple[object, ...]], start: int) -> tuple[int, int]:
    """The length of the block that repeats from here and how often, whichever covers most rows."""
    best = (1, 1)
    for length in range(1, min(_LONGEST_BLOCK, (len(keys) - start) // _FEWEST_REPEATS) + 1):
        if keys[start] != keys[start + length]:
            continue
        block = keys[start : start + length]
        times = 1
        while keys[start + times * length : start + (times + 1) * length] == block:
            times += 1
        if times >= _FEWEST_REPEATS and times * length > best[0] * best[1]:
            best = (length, times)
    return best


def _block_title(block: Sequence[Item], times: int) -> str:
    names = [item.title for item in block]
    text = " · ".join(names[:4]) + (" · …" if len(names) > 4 else "")
    return say("ui.repeat", times=times, block=text)
