"""What gives an output as many axes as its labels have: one answer per sample, a map from a row, other labels."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, Repair, SetArgument, Step, Unwrap
from shape_magic.repair.templates import filled
from shape_magic.rules.agreement import CLASSES, SPARSE, relabelled, wanted
from shape_magic.rules.data_paths import paths
from shape_magic.rules.finding import listed
from shape_magic.rules.last_step import hands_on_steps
from shape_magic.rules.mismatch import Mismatch, is_beyond
from shape_magic.rules.widths import End, activation_of, appended, joined, set_width, width_argument
from shape_magic.spans import Shape
from shape_magic.words import say

#: Layers that make a map larger again: their model gives back a picture or a series.
_DECODERS = ("BaseConvTranspose", "UpSampling1D", "UpSampling2D", "UpSampling3D", "RepeatVector")


def axis_repairs(found: Mismatch) -> Iterator[Repair]:
    """The candidates for an output and labels with different numbers of axes, best first."""
    yield from _one_answer(found)
    ways = (_without_axis, _map_from_row)
    # An axis of size 1 in the middle is one too many; other axes are what the answer should have as well.
    for way in ways if 1 in found.pair.labels.shape[1:-1] else ways[::-1]:
        yield from way(found)


def _one_answer(found: Mismatch) -> Iterator[Repair]:
    """One answer per sample, out of one per position; or the picture itself as what is wanted."""
    pair, head = found.pair, found.head
    output, labels = pair.output, pair.labels.shape
    if len(output) < 3 or len(labels) > 2 or head is None:
        return
    yield from own_input(found)
    width = _answer_width(found, head)
    yield from _last_step(found, head, width)
    yield from joined(head, output, width, pair.loss)


def _answer_width(found: Mismatch, head: End) -> int | None:
    """How wide one answer per sample is; None where the labels do not say."""
    pair, facts, labels = found.pair, found.facts, found.pair.labels.shape
    if pair.loss.name in SPARSE:
        if activation_of(head) == "softmax" and not is_beyond(pair):
            return pair.output[-1]
        return int(facts.max) + 1 if facts is not None and facts.integer and facts.max > 0 else None
    if len(labels) == 2:
        return labels[-1]
    return 1 if pair.loss.name not in CLASSES else None


def _last_step(found: Mismatch, head: End, width: int | None) -> Iterator[Repair]:
    """The last step of the recurrent layer that the answers for every step come from."""
    end, wide = head.end, width in (None, found.pair.output[-1])
    if hands_on_steps(end):
        cut = SetArgument(end.call, "return_sequences", "False")
        if wide or width is None:
            yield Repair((cut,), "choice", "last-step", {"layer": end.layer}, "return_sequences=False")
        else:
            behind = appended(head, width, found.pair.loss)
            values = {"layer": end.layer, "new": f"Dense({width})"}
            yield Repair((cut, *behind.steps), "choice", "last-step-and-head", values, "return_sequences=False")
    source = _recurrent_above(found.model, head.call)
    if head.call.is_a("TimeDistributed") and source is not None and wide:
        steps = (SetArgument(source.call, "return_sequences", "False"), Unwrap(head.call.call))
        values = {"layer": source.layer, "head": head.call.layer}
        yield Repair(steps, "choice", "last-step-unwrapped", values, "return_sequences=False")


def _recurrent_above(model: Model, call: Call) -> Call | None:
    """The recurrent layer whose steps a layer reads, with nothing but a Dropout or the like between."""
    number = call.inputs[0] if len(call.inputs) == 1 else -1
    while number >= 0 and model.calls[number].is_a("Dropout", "BatchNormalization", "Activation", "LayerNormalization"):
        number = model.calls[number].inputs[0]
    above = model.calls[number] if number >= 0 else None
    return above if above is not None and hands_on_steps(above) else None


def own_input(found: Mismatch) -> Iterator[Repair]:
    """The input as its own label, for a model that gives back what it was given."""
    pair, model, x = found.pair, found.model, found.contract.x
    if len(x) != 1 or len(model.outputs) != 1 or not x[0].name.isidentifier() or found.head is None:
        return
    given, output = x[0].shape, pair.output
    decodes = given[1:-1] == output[1:-1] and any(c.is_a(*_DECODERS) for c in model.calls)
    if not decodes and not (_is_squeezed(model, given) and given[1:] == output[1:] and pair.loss.name not in CLASSES):
        return
    argument, width = width_argument(found.head.call), given[-1]
    fits = width is None or width == output[-1]
    if not fits and argument is None:
        return
    wide = () if fits or argument is None or width is None else (set_width(found.head.call, argument, width),)
    steps: tuple[Step, ...] = (relabelled(found.contract, pair, x[0].name), *wide)
    yield Repair(steps, "choice", "own-input", {"data": x[0].name, "method": found.contract.method}, f"y={x[0].name}")


def _is_squeezed(model: Model, given: Shape) -> bool:
    """Whether all that goes on from a sample is, at some place, a row of fewer numbers than it is made of."""
    numbers = math.prod(d or 0 for d in given[1:])
    return any(len(shape) == 2 and 0 < (shape[1] or 0) < numbers for c in model.calls for shape in c.output_shapes)


def _map_from_row(found: Mismatch) -> Iterator[Repair]:
    """As many numbers as the labels hold for one sample, and then the labels' axes."""
    pair, head = found.pair, found.head
    sizes = pair.labels.shape[1:]
    if head is None or pair.loss.name in SPARSE or len(pair.output) != 2 or len(sizes) < 2 or None in sizes:
        return
    target = f"({', '.join(map(str, sizes))})"
    count, argument = math.prod(d or 1 for d in sizes), width_argument(head.call)
    steps: list[Step] = []
    if count != pair.output[-1]:
        if argument is None or head.activation is not None:
            return
        steps.append(set_width(head.call, argument, count))
    steps.append(InsertLayer(head.end.call, "Reshape", target, where="after"))
    if activation_of(head) == "softmax" and head.activation is None:  # over the classes of each place, not over all
        steps = [SetArgument(head.call.call, "activation", "None", 1), *steps]
        steps.append(InsertLayer(head.end.call, "Softmax", where="after"))
    values = {"layer": head.call.layer, "units": count, "target": target}
    message = "reshaped" if count == pair.output[-1] else "widened-and-reshaped"
    yield Repair(tuple(steps), "choice", message, values, f"Reshape({target})")


def _without_axis(found: Mismatch) -> Iterator[Repair]:
    """The labels without an axis of size 1 that the output has not, or with one that it has."""
    pair = found.pair
    goal = wanted(pair.loss.name, pair.output)
    if len(pair.labels.shape) == len(goal) or pair.labels.shape[0] is None:
        return
    for path in paths(pair.labels, goal, may_be_sample=False):
        text = filled(path.template, pair.labels.name)
        values = {"labels": text, "does": listed([say(f"fix.data.step.{step}") for step in path.steps])}
        yield Repair((relabelled(found.contract, pair, path.template),), "choice", "labels-shape", values, text)
