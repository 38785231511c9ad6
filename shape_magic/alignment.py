"""Layers of several models side by side: equal and similar ones in one row, in each model's own order; what is new."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from shape_magic.facts import Call

#: One row: a layer's position in each model; None where a model has none here.
Aligned = tuple[int | None, ...]
#: Bases that every layer has: they make no two of them similar.
_COMMON = frozenset({"Layer", "Operation", "KerasSaveable", "Module"})
#: What a row is worth in which two layers stand side by side. More than two rows of one each are worth nothing.
_SAME_CLASS, _SAME_SETTINGS, _SAME_SHAPE, _SIMILAR, _DIFFERENT = 4.0, 1.0, 1.0, 2.0, 0.5


def align(models: Sequence[Sequence[Call]]) -> tuple[Aligned, ...]:
    """The rows, top to bottom; every layer is in exactly one.

    Each model is laid beside those before it by the best global alignment (Needleman and Wunsch),
    in which a row is worth more the more alike its layers are.
    """
    rows: list[Aligned] = [(k,) for k in range(len(models[0]))]
    for count, calls in enumerate(models[1:], start=1):
        known = [_representative(models, row) for row in rows]
        rows = [(*(rows[a] if a is not None else (None,) * count), b) for a, b in _pairs(known, calls)]
    return tuple(rows)


def brought(before: Sequence[Call], after: Sequence[Call], label: str) -> tuple[int, ...]:
    """Which calls ``after`` a repair are layers that it brought, by their positions: ``label`` names their class.

    Only layers of the repair's own class are meant, because past a break the model may not have been traced before.
    """
    new = label.partition("(")[0]
    places = laid_beside(before, after)
    return tuple(k for k, place in enumerate(places) if place is None and after[k].class_name == new)


def laid_beside(before: Sequence[Call], after: Sequence[Call]) -> tuple[int | None, ...]:
    """For each call ``after`` a repair the position of the same one before it; None for what was not there.

    Names tell little, because Keras counts them on from trace to trace.
    """
    old, new = ([(call.class_name, call.summary) for call in calls] for calls in (before, after))
    start = _same(old, new)
    rest = _same(old[start:][::-1], new[start:][::-1])
    here, there = ([name for name, _ in side[start : len(side) - rest]] for side in (old, new))
    places: list[int | None] = [None] * len(new)
    places[:start] = range(start)
    places[len(new) - rest :] = range(len(old) - rest, len(old))
    for one, other, length in SequenceMatcher(None, here, there, autojunk=False).get_matching_blocks():
        places[start + other : start + other + length] = range(start + one, start + one + length)
    return tuple(places)


def _same(one: Sequence[object], other: Sequence[object]) -> int:
    """How many of the first ones are equal."""
    unlike = (k for k, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(unlike, min(len(one), len(other)))


def _representative(models: Sequence[Sequence[Call]], row: Aligned) -> Call:
    """The layer of the first model that has one in a row."""
    return next(models[k][at] for k, at in enumerate(row) if at is not None)


def _pairs(left: Sequence[Call], right: Sequence[Call]) -> list[tuple[int | None, int | None]]:
    # What the rest is worth from each pair of places on: so, of equally good ways, the one is taken that
    # puts layers side by side as early as it can.
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        below, here = best[i + 1], best[i]
        for j in reversed(range(len(right))):
            here[j] = max(below[j], here[j + 1], below[j + 1] + _worth(left[i], right[j]))
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right) and best[i][j] == best[i + 1][j + 1] + _worth(left[i], right[j]):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif i < len(left) and best[i][j] == best[i + 1][j]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _worth(one: Call, other: Call) -> float:
    shape = _SAME_SHAPE if one.output_shapes == other.output_shapes else 0.0
    if one.class_name == other.class_name:
        return _SAME_CLASS + shape + (_SAME_SETTINGS if one.summary == other.summary else 0.0)
    similar = _family(one) & _family(other)
    return (_SIMILAR if similar else _DIFFERENT) + shape


def _family(call: Call) -> frozenset[str]:
    """The bases that say what kind of layer it is; those that pool are one kind, however they pool."""
    names = frozenset(name for name in call.bases if name not in _COMMON and not name.startswith(("TF", "Keras")))
    return names | {"Pooling"} if any("Pool" in name for name in names) else names
