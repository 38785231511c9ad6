"""Whether a repair leaves the task as it was: the same data and labels, in the same call, with nothing silenced."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from shape_magic.facts import Contract, Data
from shape_magic.source.cells import kept, parse
from shape_magic.spans import Shape
from shape_magic.teach.bench import Run

#: Calls that a repair may not lose.
_CALLS = frozenset({"fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "compile"})
#: Methods that compare an output with labels.
_COMPARING = frozenset({"fit", "evaluate", "train_on_batch", "test_on_batch"})


def calls_in(source: str) -> Counter[str]:
    """How often each call that trains or evaluates stands in a cell."""
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else iter(())
    names = (n.func.attr for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute))
    return Counter(name for name in names if name in _CALLS)


def lost_calls(repair: str, originals: Sequence[str]) -> list[str]:
    """The calls that every original has more often than the repair."""
    has, had = calls_in(repair), [calls_in(source) for source in originals]
    return sorted(name for name in _CALLS if has[name] < min(counts[name] for counts in had))


def silences(repair: str, original: str) -> bool:
    """Whether a repair has a ``keep`` comment that was not there."""
    return bool({rule for _, rule in kept(repair)} - {rule for _, rule in kept(original)})


def same_task(repair: Run, reference: Run) -> bool:
    """Whether everything that the reference compares with labels, the repair compares with the same ones."""
    wanted, given = _contracts(reference), _contracts(repair)
    if not wanted:
        return _same_answer(repair, reference)
    return all(any(_same_use(one, repair, other, reference) for one in given) for other in wanted)


def _contracts(run: Run) -> list[Contract]:
    return [m.contract for m in run.report.models if m.contract is not None and m.contract.method != "call"]


def _same_answer(repair: Run, reference: Run) -> bool:
    """Without labels: whether the last models answer in the same form."""
    outputs = [{_form(shape) for shape in run.report.models[-1].outputs} for run in (repair, reference)]
    return bool(repair.report.models[-1].calls) and bool(outputs[0]) and outputs[0] == outputs[1]


def _form(shape: Shape) -> tuple[int, int | None]:
    return len(shape), shape[-1] if shape else None


def _same_use(one: Contract, repair: Run, other: Contract, reference: Run) -> bool:
    if one.method != other.method or len(one.y) != len(other.y) or len(one.x) != len(other.x):
        return False
    known = [all(loss.known for loss in contract.losses) for contract in (one, other)]
    if other.method in _COMPARING and known == [False, True]:
        return False  # a loss of the learner's own compares whatever it likes
    if (other.validation is not None and one.validation is None) or len(one.weights) < len(other.weights):
        return False
    labels = zip(one.y, other.y, strict=True)
    data = zip(one.x, other.x, strict=True)
    return all(_same_labels(a, repair.names, b, reference.names) for a, b in labels) and all(
        _same_data(a, b) for a, b in data
    )


def _same_data(one: Data, other: Data) -> bool:
    """Whether as many samples hold as many numbers, in whatever order of axes."""
    sizes = [[size for size in data.shape[1:] if size is not None] for data in (one, other)]
    return one.shape[:1] == other.shape[:1] and prod(sizes[0]) == prod(sizes[1])


def _same_labels(one: Data, names: Mapping[str, Any], other: Data, other_names: Mapping[str, Any]) -> bool:
    """Whether labels say the same: class numbers and one-hot rows may stand for each other."""
    hot = [data.facts is not None and data.facts.one_hot for data in (one, other)]
    shapes = [_bare(data.shape[:-1] if is_hot else data.shape) for data, is_hot in zip((one, other), hot, strict=True)]
    if shapes[0] != shapes[1]:
        return False
    if one.facts is None or other.facts is None:
        return one.facts is None and other.facts is None
    seen = _distinct(one, names), _distinct(other, other_names)
    if hot[0] != hot[1]:
        row, plain = (one, other) if hot[0] else (other, one)
        fits = plain.facts is not None and plain.facts.integer and plain.facts.max < (row.shape[-1] or 0)
        return fits and _as_many(*seen)
    if hot[0]:
        return one.shape[-1] == other.shape[-1] and _as_many(*seen)
    if one.facts.integer and other.facts.integer:
        return (one.facts.min, one.facts.max) == (other.facts.min, other.facts.max) and _as_many(*seen)
    # Numbers that are drawn anew in each run differ; what is constant is no label that was not.
    return one.facts.integer == other.facts.integer and (one.facts.distinct > 1) == (other.facts.distinct > 1)


def _bare(shape: Shape) -> Shape:
    return shape[:1] + tuple(size for size in shape[1:] if size != 1)


def _as_many(one: int | None, other: int | None) -> bool:
    return one is not None and one == other


def _distinct(data: Data, names: Mapping[str, Any]) -> int | None:
    """How many different classes the labels hold; of one-hot rows, those of the array that they are made of.

    None where that can't be seen.
    """
    if data.facts is None or not data.facts.one_hot:
        return data.facts.distinct if data.facts is not None else None
    import numpy as np

    for name in re.findall(r"[^\W\d]\w*", data.name):
        array = names.get(name)
        if isinstance(array, np.ndarray) and array.size:
            hot = array.ndim > 1 and array.shape == data.shape
            return int(np.unique(array.argmax(-1) if hot else array).size)
    return None
