"""What brings a map or a sequence to the size of its labels: other padding, a cut, room, another step.

The sizes are computed first, so that only what fits is offered; best first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import (
    InsertLayer,
    RemoveLayer,
    Repair,
    SetArgument,
    SetInputShape,
    Step,
    WrapData,
    without,
)
from shape_magic.rules.agreement import CLASSES, SPARSE, Pair
from shape_magic.rules.grids import (
    CONVOLUTIONS,
    POOLINGS,
    TRANSPOSED,
    Changes,
    Sizes,
    follows,
    sizes_at,
    window,
)
from shape_magic.rules.widths import RECURRENT, End, set_width, width_argument
from shape_magic.spans import Shape
from shape_magic.words import shape_text

#: Sizes that a channel axis has where pictures are read: grey, colour, colour with transparency.
_CHANNELS = (1, 3, 4)
#: More buttons than these nobody reads, and each is proved.
_MOST = 6


@dataclass(frozen=True, slots=True)
class Task:
    """An output, and the sizes that it has and should have."""

    model: Model
    head: End
    pair: Pair
    #: The labels, with an axis for the classes.
    labels: Shape
    have: Sizes
    want: Sizes

    @property
    def end(self) -> int:
        """The call that gives the output."""
        return self.head.end.call

    @property
    def width(self) -> tuple[Step, ...]:
        """What gives the output the labels' width as well, where it has another one."""
        width, argument = self.labels[-1], width_argument(self.head.call)
        if width in (None, self.pair.output[-1]) or argument is None or self.pair.loss.name in SPARSE:
            return ()
        return (set_width(self.head.call, argument, width or 1),)


def turned_input(model: Model) -> Shape | None:
    """The input's shape with its channels at the end, where they seem to stand in front of channels-last layers."""
    shape = model.inputs[0].shape if len(model.inputs) == 1 else ()
    if len(shape) != 4 or any(c.arguments.get("data_format") == "channels_first" for c in model.calls):
        return None
    batch, channels, *rest = shape
    if channels in _CHANNELS and all(d is None or d > max(_CHANNELS) for d in rest):
        return (batch, *rest, channels)
    return None


def repairs_for(task: Task) -> tuple[Repair, ...]:
    """The candidates, best first."""
    return tuple(islice(_candidates(task), _MOST))


def _candidates(task: Task) -> Iterator[Repair]:
    turned = turned_input(task.model)
    if turned is not None:
        yield _turned(task, turned)
        return
    if follows(task.model, task.end):
        yield from _repeated(task)
        yield from _recoded(task)
        yield from _padded(task)
    yield from _stretched(task)
    if follows(task.model, task.end):
        yield from _other_steps(task)
    yield from _resized(task)


def _turned(task: Task, turned: Shape) -> Repair:
    text = shape_text(turned[1:])
    moved = "{}.transpose(0, 2, 3, 1)"
    contract = task.model.contract
    assert contract is not None
    steps: list[Step] = [SetInputShape(text)]
    steps += [WrapData("x", moved)] if contract.x and _is_turned(contract.x[0].shape) else []
    steps += [WrapData("y", moved)] if _is_turned(task.pair.labels.shape) else []
    message = "input-shape" if len(steps) == 1 else "channels-last"
    return Repair(tuple(steps), "choice", message, {"shape": text}, f"shape={text}")


def _is_turned(shape: Shape) -> bool:
    return len(shape) == 4 and shape[1] in _CHANNELS and shape[-1] not in _CHANNELS


def _repeated(task: Task) -> Iterator[Repair]:
    """As many repetitions as the labels have steps."""
    for call in task.model.calls[: task.end + 1]:
        if call.is_a("RepeatVector") and _fits(task, {call.call: {"n": task.want[0]}}):
            steps = (SetArgument(call.call, "n", str(task.want[0]), 0), *task.width)
            values = {"layer": call.layer, "n": task.want[0]}
            yield Repair(steps, "choice", "repetitions", values, f"n={task.want[0]}")


def _recoded(task: Task) -> Iterator[Repair]:
    """A sequence read to its end by one recurrent layer, and another one told from that, as long as the labels."""
    way = [c for c in task.model.calls[: task.end + 1] if c.is_a(*RECURRENT)]
    if len(task.want) != 1 or len(way) < 2 or not all(c.argument("return_sequences") is True for c in way):
        return
    encoder, steps = way[-2], task.want[0]
    cut = SetArgument(encoder.call, "return_sequences", "False")
    repeat = InsertLayer(encoder.call, "RepeatVector", str(steps), where="after")
    values = {"layer": encoder.layer, "n": steps}
    yield Repair((cut, repeat, *task.width), "choice", "recoded", values, f"RepeatVector({steps})")


def _fits(task: Task, changes: Changes, removed: Sequence[int] = ()) -> bool:
    return sizes_at(task.model, task.end, changes, removed) == task.want


def _padded(task: Task) -> Iterator[Repair]:
    """Padding where a layer has none, by itself and with a cut behind the output; then the cut alone."""
    bare = [c for c in task.model.calls[: task.end + 1] if is_bare(c)]
    groups = [[call] for call in bare] + ([bare] if len(bare) > 1 else [])
    cuts: list[Repair] = []
    for group in groups:
        changes: Changes = {call.call: {"padding": "same"} for call in group}
        sizes = sizes_at(task.model, task.end, changes)
        steps = tuple(SetArgument(call.call, "padding", "'same'") for call in group)
        if sizes == task.want:
            yield _with_padding(group, (*steps, *task.width))
        elif sizes is not None and sizes != task.have and (cut := _cut(task, sizes)) is not None:
            values = {"layer": group[0].layer, "new": f"{cut.class_name}({cut.arguments})", "end": task.head.end.layer}
            cuts.append(Repair((*steps, cut, *task.width), "choice", "same-padding-and-cut", values, cut.class_name))
    if (cut := _cut(task, task.have)) is not None:
        yield _inserted(task, cut, "cut")
    yield from cuts[:1]


def is_bare(call: Call) -> bool:
    """Whether padding would change what a layer makes of a grid."""
    sizes = window(call)
    if not call.is_a(*CONVOLUTIONS, TRANSPOSED, POOLINGS) or sizes is None or call.arguments.get("padding") != "valid":
        return False
    if call.is_a(TRANSPOSED):
        return any(k > s for k, s in zip(*sizes, strict=True))
    return any(k > 1 for k in sizes[0])


def _with_padding(group: Sequence[Call], steps: tuple[Step, ...]) -> Repair:
    message = "same-padding" if len(group) == 1 else "same-padding-all"
    return Repair(steps, "choice", message, {"layer": group[0].layer}, 'padding="same"')


def _cut(task: Task, sizes: Sizes) -> InsertLayer | None:
    """A cropping of the output from these sizes; None where there is nothing to cut, or more than a margin."""
    rank = len(sizes)
    over = [size - want for size, want in zip(sizes, task.want, strict=True)]
    if rank > 3 or min(over) < 0 or max(over) == 0 or any(o * 2 > w for o, w in zip(over, task.want, strict=True)):
        return None
    return InsertLayer(task.end, f"Cropping{rank}D", _margins(over), where="after")


def _margins(over: Sequence[int]) -> str:
    """Half on each side; what can't be halved at the end, where a size that was rounded up grew."""
    ends = [(o // 2, o // 2) if o % 2 == 0 else (o // 2, o - o // 2) for o in over]
    if len(ends) == 1:
        return str(ends[0]) if ends[0][0] != ends[0][1] else str(ends[0][0])
    if len(set(ends)) == 1 and ends[0][0] == ends[0][1]:
        return str(ends[0][0])
    if all(a == b for a, b in ends):
        return f"({', '.join(str(a) for a, _ in ends)})"
    return f"({', '.join(map(str, ends))})"


def _inserted(task: Task, layer: InsertLayer, message: str) -> Repair:
    values = {"layer": task.head.end.layer, "new": f"{layer.class_name}({layer.arguments})"}
    if layer.where == "before":
        values["layer"] = task.head.call.layer
    return Repair((layer, *task.width), "choice", message, values, layer.class_name)


def _other_steps(task: Task) -> Iterator[Repair]:
    """Another factor or step in one layer, a layer without padding, or one pooling less."""
    for call in reversed(task.model.calls[: task.end + 1]):
        for name, value in _settings(task, call).items():
            if _fits(task, {call.call: {name: value}}):
                text = repr(value) if not isinstance(value, tuple) or len(set(value)) > 1 else str(value[0])
                steps = (SetArgument(call.call, name, text, _place(name)), *task.width)
                values = {"layer": call.layer, "argument": name, "value": text}
                yield Repair(steps, "choice", "other-step", values, f"{name}={text}")
        if call.is_a(POOLINGS) and _fits(task, {}, (call.call,)):
            steps_: tuple[Step, ...] = (RemoveLayer(call.call), *task.width)
            yield Repair(steps_, "choice", "remove", {"layer": call.layer}, without(call.layer))


def _settings(task: Task, call: Call) -> Mapping[str, object]:
    """What may be changed in a layer: its factor by what is missing, its padding to none."""
    given: dict[str, object] = {}
    if call.is_a("UpSampling1D", "UpSampling2D", "UpSampling3D"):
        name, now = "size", call.arguments.get("size")
    elif call.is_a(TRANSPOSED) and call.arguments.get("padding") == "same":
        name, now = "strides", call.arguments.get("strides")
    else:
        if call.is_a(*CONVOLUTIONS) and call.arguments.get("padding") == "same":
            given["padding"] = "valid"
        return given
    factors = now if isinstance(now, list | tuple) else [now] * len(task.want)
    scaled = [f * w / h for f, w, h in zip(factors, task.want, task.have, strict=True) if isinstance(f, int)]
    if len(scaled) == len(task.want) and all(s >= 1 and s == int(s) for s in scaled):
        whole = tuple(int(s) for s in scaled)
        given[name] = whole[0] if len(whole) == 1 else whole
    return given


def _place(name: str) -> int | None:
    """Where an argument stands when it is given by position."""
    return {"size": 0, "strides": 2}.get(name)


def _stretched(task: Task) -> Iterator[Repair]:
    """An upsampling or a pooling in front of the head, where one size is a multiple of the other."""
    rank, pairs = len(task.want), list(zip(task.have, task.want, strict=True))
    if rank > 3:
        return
    for name, over in (("UpSampling", [w / h for h, w in pairs]), ("MaxPooling", [h / w for h, w in pairs])):
        if all(o == int(o) for o in over) and max(over) > 1:
            whole = [int(o) for o in over]
            text = str(whole[0]) if len(set(whole)) == 1 else f"({', '.join(map(str, whole))})"
            yield _inserted(task, InsertLayer(task.head.call.call, f"{name}{rank}D", text), "stretched")


def _resized(task: Task) -> Iterator[Repair]:
    """Room around the output where it is a little too small, and as the last resort another scale."""
    rank = len(task.want)
    answers_zero = task.pair.loss.name not in CLASSES and not any(c.is_a(*RECURRENT) for c in task.model.calls)
    under = [w - h for h, w in zip(task.have, task.want, strict=True)]
    if (
        answers_zero
        and rank <= 3
        and min(under) >= 0
        and all(u * 4 <= w for u, w in zip(under, task.want, strict=True))
    ):
        room = InsertLayer(task.end, f"ZeroPadding{rank}D", _margins(under), where="after")
        yield _inserted(task, room, "room")
    if rank == 2:
        yield _inserted(
            task, InsertLayer(task.end, "Resizing", f"{task.want[0]}, {task.want[1]}", where="after"), "scale"
        )
