"""From the shape that the data have to the shape that a model takes: the shortest chain of small steps.

Each step is one NumPy expression behind the user's own (``x[..., None]``, ``x.transpose(0, 2, 3, 1)``).
The search goes through all chains by their length, so no pattern of sizes has a rule of its own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shape_magic.facts import Data
from shape_magic.spans import Shape

#: Longer chains are guesses.
_LONGEST = 3


@dataclass(frozen=True, slots=True)
class Path:
    """An expression for the data, and what it does, by the ids of its steps."""

    #: With ``{}`` for what the user wrote.
    template: str
    #: ``fix.data.<id>`` in the catalogue.
    steps: tuple[str, ...]
    shape: Shape


def paths(data: Data, wanted: Shape, *, may_be_sample: bool = True, may_part: bool = False) -> tuple[Path, ...]:
    """The shortest expressions that bring data to a wanted shape, whose first axis is the batch.

    ``may_be_sample``: whether the data may be one sample without a batch axis; ``may_part``: whether each sample may
    be a row of the numbers that the wanted axes hold, as a table of pixels has them.
    """
    if any(d is None for d in data.shape[1:]) or len(wanted) < 2:
        return ()
    todo = deque([Path(data.as_array, (), data.shape)])
    seen = {data.shape}
    found: list[Path] = []
    while todo:
        path = todo.popleft()
        if found and len(path.steps) >= len(found[0].steps):
            break
        for step in (*_steps(path, wanted, may_be_sample), *(_parted(path, wanted, may_be_sample) if may_part else ())):
            if _fits(step.shape, wanted):
                if not any(sorted(step.steps) == sorted(other.steps) for other in found):
                    found.append(step)
            elif len(step.steps) < _LONGEST and step.shape not in seen:
                seen.add(step.shape)
                todo.append(step)
    return tuple(found)


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(w is None or s == w for s, w in zip(shape[1:], wanted[1:], strict=True))


def _steps(path: Path, wanted: Shape, may_be_sample: bool) -> Iterator[Path]:
    shape, rank = path.shape, len(path.shape)
    if rank < len(wanted):
        if may_be_sample and "sample" not in path.steps and _may_be_sample(shape, wanted):
            yield _then(path, "[None]", "sample", (1, *shape))
        yield _then(path, "[..., None]", "last-axis", (*shape, 1))
        if rank >= 2:
            yield _then(path, "[:, None]", "time-axis", (shape[0], 1, *shape[1:]))
    if rank > len(wanted):
        for axis in range(1, rank):
            if shape[axis] == 1:
                index = "[..., 0]" if axis == rank - 1 else f"[{':, ' * axis}0]"
                yield _then(path, index, "drop-axis", (*shape[:axis], *shape[axis + 1 :]))
    if rank == len(wanted) >= 4 and shape[1] in (1, 3, 4) and shape[-1] not in (1, 3, 4):
        order = (0, *range(2, rank), 1)
        yield _then(path, f".transpose{order}", "channels-last", (shape[0], *shape[2:], shape[1]))
    if rank == len(wanted) == 3 and shape[1:] == wanted[:0:-1] and shape[1] != shape[2]:
        yield _then(path, ".transpose(0, 2, 1)", "swap-axes", (shape[0], shape[2], shape[1]))
    if rank == len(wanted) and wanted[-1] == 3 and shape[-1] == 4:
        yield _then(path, "[..., :3]", "drop-alpha", (*shape[:-1], 3))
    if rank == len(wanted) >= 4 and wanted[-1] == 3 and shape[-1] == 1:
        yield _then(path, ".repeat(3, axis=-1)", "grey-to-colour", (*shape[:-1], 3))
    yield from _reshaped(path, wanted)


def _may_be_sample(shape: Shape, wanted: Shape) -> bool:
    """Whether the first axis may well be no batch axis: it is as long as the model's first axis is."""
    return len(wanted) >= 2 and (wanted[1] is None or shape[0] == wanted[1] or len(shape) == len(wanted) - 2)


def _reshaped(path: Path, wanted: Shape) -> Iterator[Path]:
    rest, goal = path.shape[1:], wanted[1:]
    known = [d for d in goal if d is not None]
    if len(known) != len(goal) or len(path.shape) < 2 or "joined" in path.steps or len(rest) == len(goal):
        return
    # Joining axes keeps the order of the numbers; parting them is a guess at what they mean, but for rows.
    if len(goal) == 1 and math.prod(d or 0 for d in rest) == known[0]:
        yield _then(path, f".reshape(-1, {known[0]})", "joined", (path.shape[0], *goal))


def _parted(path: Path, wanted: Shape, may_be_sample: bool) -> Iterator[Path]:
    """Rows of numbers, or one, as the axes that the model names, where they hold as many; an open one follows."""
    is_sample = may_be_sample and len(path.shape) == 1
    rest, goal = path.shape[0 if is_sample else 1 :], wanted[1:]
    known = math.prod([d for d in goal if d is not None])
    if len(rest) != 1 or not rest[0] or not known or goal.count(None) > 1 or rest[0] % known:
        return
    sizes = tuple(rest[0] // known if d is None else d for d in goal)
    if math.prod(sizes) != rest[0] or sum(d > 1 for d in sizes) < 2:
        return
    step = _then(path, f".reshape({1 if is_sample else -1}, {', '.join(map(str, sizes))})", "parted", (None, *sizes))
    yield replace(step, steps=(*path.steps, "sample", "parted")) if is_sample else step


def _then(path: Path, suffix: str, step: str, shape: Shape) -> Path:
    template = (path.template + suffix).replace("[None][..., None]", "[None, ..., None]")
    return Path(template, (*path.steps, step), shape)
