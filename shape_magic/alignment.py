"""Layers of several models side by side: equal and similar ones in one row, in each model's own order."""

from __future__ import annotations

from collections.abc import Sequence

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
