"""What brings a tensor to the shape that an inner model was made for: candidates, the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import Repair, SetArgument, SetInputShape
from shape_magic.rules.attention import every_step
from shape_magic.rules.branches import POOLS, grid_of, inserted, made_by
from shape_magic.rules.finding import listed
from shape_magic.rules.input_shape import PASS_ON, set_input
from shape_magic.rules.last_step import hands_on_steps, last_step
from shape_magic.rules.widths import RECURRENT, width_argument, with_width
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text

#: Layers that hand the size of the last axis on.
_KEEPS_WIDTH = (
    *(*PASS_ON, *POOLS, "BaseGlobalPooling", "Resizing"),
    *(f"{kind}{n}D" for kind in ("UpSampling", "ZeroPadding", "Cropping") for n in (1, 2, 3)),
)
#: A new layer: its class, its arguments, and the word on what it does.
_New = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Joint:
    """A model in a graph, called on what it was not made for."""

    model: Model
    call: Call
    #: Which of its inputs.
    which: int
    wanted: Shape
    given: Shape

    @property
    def is_of_ranks(self) -> bool:
        """Whether the two differ in their number of axes."""
        return len(self.wanted) != len(self.given)

    @property
    def differs_in_grid(self) -> bool:
        """Whether they differ between batch and last axis."""
        return not self.is_of_ranks and _differ(grid_of(self.wanted), grid_of(self.given))

    @property
    def differs_in_width(self) -> bool:
        """Whether they differ in their last axis."""
        return _differ(self.wanted[-1:], self.given[-1:])

    @property
    def is_of_whole_numbers(self) -> bool:
        """Whether the inner model reads whole numbers, as an Embedding does."""
        return any(data.dtype.startswith("int") for data in self.call.takes[self.which : self.which + 1])

    @property
    def source(self) -> Call | None:
        """The layer that gives the tensor; None where an input of the model does."""
        return self._made_by(PASS_ON)

    @property
    def producer(self) -> Call | None:
        """The layer that sets the last axis of the tensor; None where an input of the model does."""
        return self._made_by(_KEEPS_WIDTH)

    def _made_by(self, through: tuple[str, ...]) -> Call | None:
        number = made_by(self.model, self.call.inputs[self.which], through)
        return self.model.calls[number] if number >= 0 else None

    def between(self, *new: _New) -> Repair:
        """New layers in front of the inner model."""
        layers = [(class_name, arguments) for class_name, arguments, _ in new]
        does = listed([say(f"fix.between.does.{word}") for *_, word in new])
        return inserted(self.model, self.call, self.which, layers, does)


def _differ(a: Shape, b: Shape) -> bool:
    """Whether two sizes are known that are not the same."""
    return any(m != n for m, n in zip(a, b, strict=True) if m is not None and n is not None)


def repairs(joint: Joint) -> Iterator[Repair]:
    """The candidates; each is proved before it is shown, so they may be generous."""
    if joint.is_of_whole_numbers:  # no layer learns which word a number stands for
        yield from _models_input(joint)
    elif joint.is_of_ranks:
        yield from _fewer_axes(joint) if len(joint.given) > len(joint.wanted) else _more_axes(joint)
        yield from _models_input(joint)
    elif joint.differs_in_grid:
        yield from _other_start(joint)
        yield from _on_grid(joint)
        yield from _models_input(joint)
    else:
        yield from as_wide(joint)
        yield from _models_input(joint)
        yield joint.between(_width_layer(joint, len(joint.given)))
    if not joint.is_of_ranks:  # with other axes an inner model would be another one
        yield from _inner_input(joint)


def start_of(model: Model, number: int) -> list[Call]:
    """The Dense and the Reshape that lay out the first map on the way to a tensor; empty where there are none."""
    while number >= 0 and len(model.calls[number].inputs) == 1:
        here = model.calls[number]
        if here.is_a("Reshape"):
            above = made_by(model, here.inputs[0], PASS_ON)
            return [model.calls[above], here] if above >= 0 and model.calls[above].is_a("Dense") else [here]
        number = here.inputs[0]
    return []


# The last axis.


def as_wide(joint: Joint) -> Iterator[Repair]:
    """As many units or filters in the layer that sets the last axis as the inner model takes."""
    producer, width = joint.producer, joint.wanted[-1]
    argument = width_argument(producer) if producer is not None else None
    if producer is not None and argument is not None and width is not None:
        yield with_width(producer, argument, width)


def _width_layer(joint: Joint, rank: int) -> _New:
    """What learns to give a tensor of this rank the last axis that is wanted."""
    width = joint.wanted[-1]
    return (f"Conv{rank - 2}D", f"{width}, 1", "fitted") if rank in (4, 5) else ("Dense", str(width), "fitted")


# The axes between batch and last one.


def _other_start(joint: Joint) -> Iterator[Repair]:
    """The first map in the size that the layers behind it enlarge to what the inner model takes."""
    start = start_of(joint.model, joint.call.inputs[joint.which])
    first = start[-1].output_shape if len(start) == 2 else None
    if first is None or len(first) != len(joint.given):
        return
    dense, laid = start
    sizes: list[int] = []
    for before, now, then in zip(first[1:-1], joint.given[1:-1], joint.wanted[1:-1], strict=True):
        if not before or not now or not then or now % before or then % (now // before):
            return
        sizes.append(then // (now // before))
    # Where nothing stands behind it the channels are those of the map, too.
    channels = joint.wanted[-1] if joint.source is laid else first[-1]
    target = (*sizes, channels)
    units = " * ".join(map(str, target))
    steps = (SetArgument(dense.call, "units", units, 0), SetArgument(laid.call, "target_shape", shape_text(target), 0))
    values = {"layer": laid.layer, "target": shape_text(target), "units": units}
    begun = Repair(steps, "choice", "other-start", values, shape_text(target))
    if not joint.differs_in_width or joint.source is laid:
        yield begun
        return
    yield from (_together(begun, wide) for wide in as_wide(joint))


def _on_grid(joint: Joint) -> Iterator[Repair]:
    """A layer that makes the grid as fine, or as coarse, as it has to be; with another one for the channels."""
    wide = [_width_layer(joint, len(joint.given))] if joint.differs_in_width else []
    if joint.given[1:] == joint.wanted[:0:-1] and len(joint.given) == 3:
        yield joint.between(("Permute", "(2, 1)", "turned"))
    yield from (joint.between(new, *wide) for new in _grid_layers(joint))


def _grid_layers(joint: Joint) -> Iterator[_New]:
    sizes = [(a, b) for a, b in zip(grid_of(joint.given), grid_of(joint.wanted), strict=True) if a and b]
    rank = len(sizes)
    if rank != len(joint.given) - 2 or rank > 3:
        return
    scaled = [("Resizing", f"{sizes[0][1]}, {sizes[1][1]}", "scaled")] if rank == 2 else []
    if joint.source is None:
        yield from scaled  # pictures as they come: between their positions there is something to see
    if all(b % a == 0 for a, b in sizes):
        yield f"UpSampling{rank}D", _factors([b // a for a, b in sizes]), "finer"
    elif all(a % b == 0 for a, b in sizes):
        yield f"MaxPooling{rank}D", _factors([a // b for a, b in sizes]), "coarser"
    if joint.source is not None:
        yield from scaled


def _factors(factors: list[int]) -> str:
    return str(factors[0]) if len(set(factors)) == 1 else shape_text(tuple(factors))


# The number of axes.


def _fewer_axes(joint: Joint) -> Iterator[Repair]:
    if len(joint.wanted) != 2:
        yield from _laid_out(joint)
        return
    source = joint.source
    if source is not None and source.is_a(*RECURRENT) and hands_on_steps(source):
        last = last_step(joint.model, source)
        wide = as_wide(joint) if joint.differs_in_width else ()
        yield from (_together(last, one) for one in wide) if joint.differs_in_width else [last]
    joins = [*_joins(joint)]
    yield from (joint.between(*new) for new in sorted(joins, key=len))  # what learns nothing more comes first


def _joins(joint: Joint) -> Iterator[list[_New]]:
    """One row of numbers for each sample, as many as the inner model takes."""
    count, rank = _count(joint.given), len(joint.given) - 2
    dense = _width_layer(joint, 2)
    if count is not None:
        exact = joint.wanted[1] in (None, count)
        yield [("Flatten", "", "flatten"), *([] if exact else [dense])]
    if rank <= 3:
        average = (f"GlobalAveragePooling{rank}D", "", "average")
        yield [average, dense] if joint.differs_in_width else [average]


def _more_axes(joint: Joint) -> Iterator[Repair]:
    laid = [*_laid_out(joint)]
    yield from laid
    if len(joint.given) != 2:
        return
    if len(joint.wanted) == 3 and joint.wanted[1] is not None:
        yield from _steps(joint)
    count = _count(joint.wanted)
    if laid or count is None:
        return
    reshape = ("Reshape", shape_text(joint.wanted[1:]), "laid-out")
    yield joint.between(("Dense", str(count), "counted"), reshape)
    if joint.source is not None and joint.source.is_a("Dense"):
        yield _together(with_width(joint.source, "units", count), joint.between(reshape))


def _steps(joint: Joint) -> Iterator[Repair]:
    """A sequence for an inner model that reads one: the row repeated, or all steps of the layer in front."""
    source, steps = joint.source, joint.wanted[1]
    wide = [_width_layer(joint, 2)] if joint.differs_in_width else []
    yield joint.between(*wide, ("RepeatVector", str(steps), "repeat"))
    if source is not None and source.is_a(*RECURRENT):
        yield every_step(source)


def _laid_out(joint: Joint) -> Iterator[Repair]:
    """The same numbers in other axes."""
    count, target = _count(joint.given), joint.wanted[1:]
    open_axes = target.count(None)
    rest = math.prod(d for d in target if d is not None)
    if not count or not rest or open_axes > 1 or (count % rest if open_axes else count != rest):
        return
    text = shape_text(tuple(-1 if d is None else d for d in target))
    yield joint.between(("Reshape", text, "laid-out"))


def _count(shape: Shape) -> int | None:
    """How many numbers a sample has; None where an axis is open."""
    known = [d for d in shape[1:] if d is not None]
    return math.prod(known) if len(known) == len(shape) - 1 else None


# Inputs.


def _models_input(joint: Joint) -> Iterator[Repair]:
    """The model's own input as the inner model takes it, where it is handed on."""
    number = made_by(joint.model, joint.call.inputs[joint.which], PASS_ON)
    if number < 0 and -1 - number < len(joint.model.inputs):
        given = joint.given if not joint.is_of_ranks else (None,) * len(joint.wanted)
        sizes = tuple(g if w is None else w for w, g in zip(joint.wanted, given, strict=True))
        yield set_input(joint.model, sizes[1:], -1 - number)


def _inner_input(joint: Joint) -> Iterator[Repair]:
    """The inner model's own input as what it is given, but for axes that it leaves open."""
    call, item = joint.call, joint.which
    if item >= len(call.takes):
        return
    sizes = tuple(g if w is not None else w for w, g in zip(joint.wanted, joint.given, strict=True))
    repair = set_input(replace(joint.model, inputs=call.takes), sizes[1:], item)
    steps = tuple(replace(step, of=call.call) if isinstance(step, SetInputShape) else step for step in repair.steps)
    yield replace(repair, steps=steps, message="inner-input", values={**repair.values, "layer": call.layer})


def _together(first: Repair, second: Repair) -> Repair:
    """Two repairs of which neither is enough."""
    titles = [say(f"fix.{one.message}.title", **one.values) for one in (first, second)]
    values = {"first": titles[0], "second": titles[1]}
    return Repair((*first.steps, *second.steps), "choice", "together", values, first.label)
