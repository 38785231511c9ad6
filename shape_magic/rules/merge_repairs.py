"""What brings the inputs of a merge to one shape: candidates, the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import RemoveLayer, Repair, SetArgument, SetInputShape, Step, without
from shape_magic.rules.branches import (
    CONVS,
    GROWS,
    POOLS,
    above,
    changes_grid,
    grid_of,
    inserted,
    is_elementwise,
    only_on,
    stands_where_kernels_were,
    stride_of,
    thins,
)
from shape_magic.rules.strides_by_position import sides_by_position
from shape_magic.rules.widths import RECURRENT
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text

#: The size of a difference that comes from rounding: an odd grid halved and doubled, a border that was not padded.
_NEAR = 1.5
#: Layers that lay out what they get in another order of axes.
_LAID_OUT = ("RepeatVector", "Permute", "Reshape")


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge and the two of its inputs that do not go together."""

    model: Model
    call: Call
    #: Which of its inputs.
    this: int
    other: int
    #: The axes along which they differ.
    axes: tuple[int, ...]

    def shape(self, which: int) -> Shape:
        """The shape of one of the inputs."""
        return self.call.input_shapes[which]

    @property
    def is_of_ranks(self) -> bool:
        """Whether they differ in the number of axes."""
        return len(self.shape(self.this)) != len(self.shape(self.other))

    @property
    def differs_in_channels(self) -> bool:
        """Whether only the last axis differs."""
        return self.axes == (len(self.shape(self.this)) - 1,)

    @property
    def this_is_smaller(self) -> bool:
        """Whether the first of the two has the smaller grid."""
        pairs = [(self.shape(self.this)[k] or 0, self.shape(self.other)[k] or 0) for k in self.axes]
        return sum(a for a, _ in pairs) < sum(b for _, b in pairs)

    def branch(self, which: int) -> list[Call]:
        """The calls that lead to this one of the two inputs alone, the lowest first."""
        rest = self.other if which == self.this else self.this
        return only_on(self.model, self.call.inputs[which], [self.call.inputs[rest]])

    def between(self, which: int, class_name: str, arguments: str, does: str, repeated: str = "") -> Repair:
        """A new layer on one of the inputs."""
        layers = [(class_name, arguments)]
        return inserted(self.model, self.call, which, layers, say(f"fix.between.does.{does}"), repeated)


def repairs(merge: Merge) -> Iterator[Repair]:
    """The candidates for a merge; each is proved before it is shown, so they may be generous."""
    if merge.call.is_a("Dot"):
        yield from _other_axes(merge)
    elif merge.is_of_ranks:
        yield from _same_rank(merge)
    else:
        yield from _one_kernel(merge)
        if any(sides_by_position(c) for c in merge.model.calls[: merge.call.call]):
            return  # what else would fit the shapes leaves the strides as they were
        if merge.call.is_a("Concatenate"):
            yield from _other_axis(merge)
        turned = _turned(merge)
        if turned is not None:
            yield turned
        elif merge.axes and merge.differs_in_channels:
            yield from _same_channels(merge)
        elif merge.axes:
            yield from _same_grid(merge)


def _set(call: Call, name: str, value: str, position: int | None = None) -> Repair:
    values = {"layer": call.layer, "argument": f"{name}={value}"}
    return Repair((SetArgument(call.call, name, value, position),), "choice", "argument", values, f"{name}={value}")


# Numbers of axes.


def _same_rank(merge: Merge) -> Iterator[Repair]:
    higher, lower = merge.this, merge.other
    if len(merge.shape(higher)) < len(merge.shape(lower)):
        higher, lower = lower, higher
    shape, flat = merge.shape(higher), merge.shape(lower)
    cause = next((c for c in merge.branch(higher) if c.is_a(*RECURRENT)), None)
    if cause is not None and len(flat) == 2 and cause.output_shape == shape:
        yield _set(cause, "return_sequences", "False")
    grid, known = shape[1:-1], all(d is not None for d in shape[1:])
    pool = f"GlobalAveragePooling{len(grid)}D"
    if len(flat) == 2 and 1 <= len(grid) <= 3:
        flatten = [merge.between(higher, "Flatten", "", "flatten")] if known else []
        average = [merge.between(higher, pool, "", "average")]
        single = known and math.prod(d or 1 for d in grid) == 1
        yield from (*flatten, *average) if single or shape[-1] == 1 else (*average, *flatten)
    if len(flat) == 2 and len(shape) == 3 and shape[1] is not None:
        yield merge.between(lower, "RepeatVector", str(shape[1]), "repeat")
    if shape[-1] != flat[-1] and all(d is not None for d in flat[1:]) and shape[:-1] == flat:
        yield merge.between(lower, "Reshape", f"{shape_text((*flat[1:], 1))}", "axis")


# Axes in another order.


def _turned(merge: Merge) -> Repair | None:
    """Steps and features of one the other way round: what was laid out again is what stands in the wrong order."""
    this, other = merge.shape(merge.this), merge.shape(merge.other)
    if len(this) != 3 or None in this[1:] or this[1:] != other[:0:-1]:
        return None
    again = [k for k in (merge.this, merge.other) if any(c.is_a(*_LAID_OUT) for c in merge.branch(k))]
    return merge.between(again[0], "Permute", "(2, 1)", "turned") if len(again) == 1 else None


# One axis of the two, joined or multiplied along.


def _other_axis(merge: Merge) -> Iterator[Repair]:
    """Join along the axis that differs, where that is what a person can have meant."""
    rank = len(merge.shape(merge.this))
    if not merge.axes or merge.differs_in_channels:
        yield _set(merge.call, "axis", "-1", 0)
    elif len(merge.axes) == 1 and rank == 3 and not any(c.is_a(*GROWS) for c in _both(merge)):
        yield _set(merge.call, "axis", str(merge.axes[0]), 0)


def _other_axes(merge: Merge) -> Iterator[Repair]:
    a, b = merge.call.input_shapes
    pairs = [(i, j) for i, j in product(range(1, len(a)), range(1, len(b))) if a[i] == b[j] and a[i] is not None]
    for i, j in sorted(pairs, key=lambda pair: (pair[0] != pair[1], -pair[0])):
        yield _set(merge.call, "axes", str(i) if i == j else f"({i}, {j})", 0)
    if len(a) == len(b) == 2 and a[1] and b[1]:
        yield merge.between(1, "Dense", str(a[1]), "project")


def _both(merge: Merge) -> list[Call]:
    return [*merge.branch(merge.this), *merge.branch(merge.other)]


# Channels.


def _same_channels(merge: Merge) -> Iterator[Repair]:
    """A projection of the shorter way, or another width of the layer that set it on the longer one."""
    short, long = sorted((merge.this, merge.other), key=lambda k: (len(merge.branch(k)), merge.shape(k)[-1] or 0))
    wanted = merge.shape(long)[-1]
    if wanted is None or not is_elementwise(merge.call):
        return
    head = next((c for c in merge.branch(long) if c.is_a("Dense", *CONVS)), None)
    widths = []
    if head is not None and merge.shape(short)[-1] is not None and not head.is_a("BaseDepthwiseConv"):
        widths = [_set(head, "units" if head.is_a("Dense") else "filters", str(merge.shape(short)[-1]), 0)]
    dense = head is not None and head.is_a("Dense") and bool(merge.branch(short) or _comes_back(merge, short, head))
    yield from widths if dense else ()
    yield _projection(merge, short, long, 1)
    yield from () if dense else widths


def _comes_back(merge: Merge, short: int, head: Call) -> bool:
    """Whether a block of Dense layers starts from the tensor that it is added to: its last layer has to end there."""
    return merge.call.inputs[short] in above(merge.model, head.call) and len(merge.branch(merge.this)) != 1


def _projection(merge: Merge, which: int, other: int, stride: int) -> Repair:
    rank, channels = len(merge.shape(which)), merge.shape(other)[-1]
    convs = any(c.is_a(*CONVS, *POOLS) for c in _both(merge))
    if rank == 2 or (rank == 3 and not convs and stride == 1):
        return merge.between(which, "Dense", str(channels), "project", "{other}.shape[-1]")
    name = f"Conv{rank - 2}D"
    thin = f', strides={stride}, padding="same"' if stride > 1 else ""
    known = all(d is not None for k in (which, other) for d in grid_of(merge.shape(k)))
    steps = ', strides=round({this}.shape[1] / {other}.shape[1]), padding="same"' if known else ""
    return merge.between(which, name, f"{channels}, 1{thin}", "project", f"{{other}}.shape[-1], 1{steps}")


# Grids.


def _one_kernel(merge: Merge) -> Iterator[Repair]:
    """All second numbers of kernels that are read as strides, put back to a stride of 1."""
    old = [c for c in merge.model.calls[: merge.call.call] if stands_where_kernels_were(c)]
    if old:
        steps = tuple(SetArgument(c.call, "strides", "1", 2) for c in old)
        yield Repair(steps, "safe", "one-kernel", {"layer": old[0].layer}, "strides=1")


def _same_grid(merge: Merge) -> Iterator[Repair]:
    small, large = (merge.this, merge.other) if merge.this_is_smaller else (merge.other, merge.this)
    below, over = grid_of(merge.shape(small)), grid_of(merge.shape(large))
    sizes = [(a, b) for a, b in zip(below, over, strict=True) if a is not None and b is not None]
    if len(sizes) != len(below) or len(sizes) > 3 or any(a > b or not a for a, b in sizes):
        return
    kept = _kept_sizes(merge, large)
    near = all(b / a < _NEAR for a, b in sizes)
    decoder = any(c.is_a(*GROWS) for c in _both(merge))
    ratios = {round(b / a) for a, b in sizes}
    thinned = ratios.pop() if len(ratios) == 1 else 0
    if near:
        yield from kept
        yield from _cut_or_filled(merge, small, large, sizes, decoder=decoder)
        return
    if thinned > 1 and is_elementwise(merge.call):
        yield _projection(merge, large, small, thinned)
    scaled = [*_scaled(merge, small, large, thinned, decoder=decoder)] if thinned > 1 else []
    if decoder or any(_halves(c) for c in merge.branch(small)):
        yield from (*scaled, *kept)
    else:
        yield from (*kept, *scaled)


def _halves(call: Call) -> bool:
    """Whether a pooling makes its grid smaller on purpose, window beside window."""
    return call.is_a(*POOLS) and call.arguments.get("strides") == call.arguments.get("pool_size")


def _kept_sizes(merge: Merge, large: int) -> list[Repair]:
    """Have the layers on all ways that lost positions lose none."""
    steps: list[Step] = []
    call, whole = merge.call, grid_of(merge.shape(large))
    smaller = [n for n, s in zip(call.inputs, call.input_shapes, strict=True) if grid_of(s) != whole]
    ways = [only_on(merge.model, number, [call.inputs[large]]) for number in smaller]
    calls = sorted({c.call: c for way in ways for c in way if changes_grid(c)}.values(), key=lambda c: -c.call)
    for one in calls:
        if one.is_a(*GROWS) or not one.is_a(*CONVS, *POOLS):
            continue
        if one.arguments.get("padding") == "valid":
            steps.append(SetArgument(one.call, "padding", "'same'", 2 if one.is_a(*POOLS) else 3))
        if stride_of(one) > 1 or thins(one):
            steps.append(SetArgument(one.call, "strides", "1", 1 if one.is_a(*POOLS) else 2))
    if not steps:
        return []
    names = {"layer": calls[-1].layer, "merge": merge.call.layer}
    found = [Repair(tuple(steps), "choice", "keep-grid", names, "same size")]
    pool = next((c for c in calls if c.is_a(*POOLS)), None)
    if pool is not None and len(calls) == 1:
        found.append(Repair((RemoveLayer(pool.call),), "choice", "remove", {"layer": pool.layer}, without(pool.layer)))
    return found


def _cut_or_filled(
    merge: Merge, small: int, large: int, sizes: Sequence[tuple[int, int]], *, decoder: bool
) -> Iterator[Repair]:
    """The few positions that one has more: filled up with zeros, or cut off; or an input that halves evenly."""
    rank = len(sizes)
    ends = [(b - a) for a, b in sizes]
    pairs = [f"({d // 2}, {d - d // 2})" for d in ends]
    amounts = pairs[0] if rank == 1 else f"({', '.join(pairs)})"
    grows_small = any(c.is_a(*GROWS) for c in merge.branch(small))
    cut = merge.between(large, f"Cropping{rank}D", amounts, "cut")
    filled = merge.between(small, f"ZeroPadding{rank}D", amounts, "filled")
    yield from (filled, cut) if grows_small else (cut, filled)
    if decoder:
        yield from _resized(merge)
        yield from _even_input(merge, small, large)


def _resized(merge: Merge) -> Iterator[Repair]:
    """The way back up made as large as the one that it meets, whatever sizes come: once for all turns of a loop."""
    grown = [k for k in (merge.this, merge.other) if any(c.is_a(*GROWS) for c in merge.branch(k))]
    if len(grown) != 1 or len(merge.shape(grown[0])) != 4:
        return
    other = merge.other if grown[0] == merge.this else merge.this
    sizes = ", ".join(str(d) for d in grid_of(merge.shape(other)))
    repair = merge.between(grown[0], "Resizing", sizes, "resized", "{other}.shape[1], {other}.shape[2]")
    yield replace(repair, values={**repair.values, "inserted": "Resizing"})  # its sizes are those of each turn


def _even_input(merge: Merge, small: int, large: int) -> Iterator[Repair]:
    """The next larger input that halves evenly all the way down."""
    factor, number = 1, merge.call.inputs[small]
    while number >= 0:
        here = merge.model.calls[number]
        factor *= stride_of(here)
        number = here.inputs[0] if here.inputs else -1
    place = -1 - number
    shape = merge.model.inputs[place].shape if place < len(merge.model.inputs) else ()
    grid = grid_of(shape)
    if factor < 2 or any(d is None for d in grid):
        return
    sizes = tuple(-(-(d or 0) // factor) * factor for d in grid)
    if sizes != grid:
        text = shape_text((*sizes, shape[-1]))
        yield Repair((SetInputShape(text, place),), "choice", "input-shape", {"shape": text}, f"shape={text}")


def _scaled(merge: Merge, small: int, large: int, ratio: int, *, decoder: bool) -> Iterator[Repair]:
    """One of the two made as fine or as coarse as the other."""
    rank = len(grid_of(merge.shape(small)))
    up = merge.between(small, f"UpSampling{rank}D", str(ratio), "finer")
    down = merge.between(large, f"MaxPooling{rank}D", f'{ratio}, padding="same"', "coarser")
    yield from (up, down) if decoder else (down, up)
