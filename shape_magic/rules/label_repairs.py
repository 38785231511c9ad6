"""What brings an output and its labels together: another loss, another width, other labels, another end.

Which of them stands first is decided by what the labels hold, by the loss, and by the output's activation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from shape_magic.facts import Contract, LabelFacts, Model
from shape_magic.repair.steps import InsertLayer, Repair, SetArgument, SetCompile, Step, WrapData
from shape_magic.rules.agreement import CLASSES, SPARSE, Pair, agrees, loss_for, pairs, relabelled, wanted
from shape_magic.rules.data_paths import paths
from shape_magic.rules.heads import (
    Head,
    activated,
    activation_of,
    joined,
    set_width,
    widened,
    width_argument,
)

_CATEGORICAL = "categorical_crossentropy"
_SPARSE = "sparse_categorical_crossentropy"
#: More buttons than these nobody reads, and each is proved.
_MOST = 6
#: Layers that make a map larger again: their model gives back a picture or a series.
_DECODERS = ("BaseConvTranspose", "UpSampling1D", "UpSampling2D", "UpSampling3D", "RepeatVector")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An output and labels that do not belong together, in their model."""

    model: Model
    pair: Pair
    head: Head | None
    #: Another output, whose labels would fit this one, as this one's would fit it.
    other: Pair | None = None

    @property
    def contract(self) -> Contract:
        """The call that compares them."""
        assert self.model.contract is not None
        return self.model.contract

    @property
    def facts(self) -> LabelFacts | None:
        """What a sample of the labels says."""
        return self.pair.labels.facts

    @property
    def has_one_loss(self) -> bool:
        """Whether ``compile`` was given one loss, that stands there by itself."""
        return len(self.contract.losses) == 1


def is_beyond(pair: Pair) -> bool:
    """Whether a class number has no unit."""
    facts, units = pair.labels.facts, pair.output[-1]
    if pair.loss.name not in SPARSE or facts is None or units is None or pair.loss.ignore_class is not None:
        return False
    return facts.max >= units or facts.min < 0


def swapped_with(contract: Contract, pair: Pair) -> Pair | None:
    """A later output whose labels fit this one while this one's fit it; None where each has its own."""
    if _fits(pair, pair):
        return None
    return next((p for p in pairs(contract) if p.item > pair.item and _fits(pair, p) and _fits(p, pair)), None)


def _fits(pair: Pair, other: Pair) -> bool:
    """Whether an output and its loss agree with the labels of another one."""
    return agrees(pair.loss.name, pair.output, other.labels.shape)


def repairs_for(found: Mismatch) -> tuple[Repair, ...]:
    """The candidates, best first."""
    if found.other is not None:
        return (_swapped(found, found.other),)
    return tuple(islice(_candidates(found), _MOST))


def _swapped(found: Mismatch, other: Pair) -> Repair:
    mine, theirs = found.pair.labels.name, other.labels.name
    steps = (WrapData("y", theirs, item=found.pair.item), WrapData("y", mine, item=other.item))
    return Repair(steps, "choice", "swap-labels", {"first": theirs, "second": mine}, f"{theirs}, {mine}")


def _candidates(found: Mismatch) -> Iterator[Repair]:
    pair = found.pair
    if not pair.loss.known:
        yield from _by_width(found)
        return
    if is_beyond(pair) and agrees(pair.loss.name, pair.output, pair.labels.shape):
        yield from _from_one(found)
    yield from _other_form(found)
    yield from _by_width(found)
    yield from _one_answer(found)
    yield from _map_from_row(found)
    yield from _without_axis(found)


# Class numbers and one-hot rows.


def _from_one(found: Mismatch) -> Iterator[Repair]:
    """Class numbers counted from 0, where they are counted from 1."""
    facts, units = found.facts, found.pair.output[-1]
    if facts is not None and facts.integer and facts.min >= 1 and units is not None and facts.max - facts.min < units:
        low = int(facts.min)
        text = f"{found.pair.labels.name} - {low}"
        step = relabelled(found.contract, found.pair, f"{{}} - {low}")
        yield Repair((step,), "choice", "from-zero", {"labels": text, "low": low}, f"y - {low}")


def _other_form(found: Mismatch) -> Iterator[Repair]:
    """The loss for labels of this form, and then labels of the form that the loss reads."""
    pair = found.pair
    other = loss_for(pair.loss.name, pair.output, pair.labels.shape, found.facts) or _classes_instead(found)
    if other and pair.loss.plain and found.has_one_loss:  # a loss object would lose its arguments by the other's name
        steps = (SetCompile("loss", repr(other)), *_units_for_classes(found, other))
        yield Repair(steps, "safe" if len(steps) == 1 else "choice", "other-loss", {"loss": other}, f"loss='{other}'")
    if pair.loss.name not in CLASSES or pair.output[-1] in (None, 1):
        return
    name, units = pair.labels.name, pair.output[-1]
    if other in SPARSE and found.facts is not None and found.facts.min >= 0 and found.facts.max < (units or 0):
        step = relabelled(found.contract, pair, f"keras.utils.to_categorical({{}}, {units})")
        yield Repair((step,), "choice", "one-hot-labels", {"labels": name}, "to_categorical(y)")
    if other == _CATEGORICAL:
        step = relabelled(found.contract, pair, "{}.argmax(-1)")
        yield Repair((step,), "choice", "class-numbers", {"labels": name}, "y.argmax(-1)")


def _classes_instead(found: Mismatch) -> str | None:
    """The cross-entropy over classes, where the head is made for it, and only the loss is another one's."""
    pair, facts = found.pair, found.facts
    if found.head is None or facts is None or not facts.integer or pair.loss.name in CLASSES:
        return None
    if activation_of(found.head) != "softmax" or (pair.output[-1] or 0) < 2 or facts.min < 0:
        return None
    return _SPARSE if agrees(_SPARSE, pair.output, pair.labels.shape) and facts.max < (pair.output[-1] or 0) else None


def _units_for_classes(found: Mismatch, loss: str) -> tuple[Step, ...]:
    """As many units as classes, where there are too few of them for the other loss as well."""
    facts, head = found.facts, found.head
    if loss not in SPARSE or facts is None or head is None or facts.max < (found.pair.output[-1] or 0):
        return ()
    argument = width_argument(head.call)
    return (set_width(head.call, argument, int(facts.max) + 1),) if argument else ()


# Another width.


def _by_width(found: Mismatch) -> Iterator[Repair]:
    head, pair = found.head, found.pair
    width = _width(found)
    if head is None or width is None or width == pair.output[-1]:
        return
    if _is_one_unit_for_classes(found):
        yield from _classes_for_one_unit(found, head, width)
    yield from widened(head, width, pair.loss, flat=len(pair.output) == 2)


def _width(found: Mismatch) -> int | None:
    """How wide the output has to be for these labels; None where that is not all."""
    pair, facts = found.pair, found.facts
    labels, output = pair.labels.shape, pair.output
    if pair.loss.name in SPARSE:
        fits = agrees(pair.loss.name, output, labels)
        return int(facts.max) + 1 if fits and facts and facts.integer and facts.min >= 0 else None
    if len(labels) == len(output) and labels[1:-1] == output[1:-1]:
        width = labels[-1]
        if pair.loss.name in CLASSES and width == 1 and facts is not None and facts.integer:
            return int(facts.max) + 1 if facts.max >= 1 else None
        return width
    if len(labels) == len(output) + 1 and labels[-1] == 1 and labels[1:-2] == output[1:-1]:
        return labels[-2]  # a number per step, each in an axis of its own
    return (
        1 if len(labels) == len(output) - 1 and labels[1:] == output[1:-1] and pair.loss.name not in CLASSES else None
    )


def _is_one_unit_for_classes(found: Mismatch) -> bool:
    hot = found.facts is not None and found.facts.one_hot
    return hot and found.pair.output[-1] == 1 and found.pair.loss.name == "binary_crossentropy"


def _classes_for_one_unit(found: Mismatch, head: Head, width: int) -> Iterator[Repair]:
    """A unit per class under the loss for classes, in the place of one yes or no."""
    argument = width_argument(head.call)
    if argument is None or not found.has_one_loss or not found.pair.loss.plain:
        return

    loss = replace(found.pair.loss, name=_CATEGORICAL)
    units = set_width(head.call, argument, width)
    steps: tuple[Step, ...] = (units, *activated(head, loss, width), SetCompile("loss", repr(_CATEGORICAL)))
    yield Repair(steps, "choice", "unit-per-class", {"layer": head.call.layer, "units": width}, f"{argument}={width}")


# Another number of axes.


def _one_answer(found: Mismatch) -> Iterator[Repair]:
    """One answer per sample, out of one per position; or the picture itself as what is wanted."""
    pair, head = found.pair, found.head
    output, labels = pair.output, pair.labels.shape
    if len(output) < 3 or len(labels) > 2 or head is None:
        return
    yield from _own_input(found)
    if head.end.argument("return_sequences") is True:
        step = SetArgument(head.end.call, "return_sequences", "False")
        yield Repair((step,), "choice", "last-step", {"layer": head.end.layer}, "return_sequences=False")
    width = labels[-1] if len(labels) == 2 and pair.loss.name not in SPARSE else None
    if pair.loss.name in SPARSE and found.facts is not None and found.facts.integer:
        width = (
            max(int(found.facts.max) + 1, output[-1] or 0) if (output[-1] or 0) <= 1 or is_beyond(pair) else output[-1]
        )
    elif len(labels) == 1 and pair.loss.name not in CLASSES:
        width = 1
    yield from joined(head, output, width, pair.loss)


def _own_input(found: Mismatch) -> Iterator[Repair]:
    """The input as its own label, for a model that gives back what it was given."""
    pair, model, x = found.pair, found.model, found.contract.x
    if len(x) != 1 or len(model.outputs) != 1 or not x[0].name.isidentifier() or found.head is None:
        return
    given, output = x[0].shape, pair.output
    if given[1:-1] != output[1:-1] or not any(c.is_a(*_DECODERS) for c in model.calls):
        return
    argument, width = width_argument(found.head.call), given[-1]
    fits = width is None or width == output[-1]
    if not fits and argument is None:
        return
    wide = () if fits or argument is None or width is None else (set_width(found.head.call, argument, width),)
    steps: tuple[Step, ...] = (relabelled(found.contract, pair, x[0].name), *wide)
    yield Repair(steps, "choice", "own-input", {"data": x[0].name, "method": found.contract.method}, f"y={x[0].name}")


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
    yield Repair(tuple(steps), "choice", "reshaped", values, f"Reshape({target})")


def _without_axis(found: Mismatch) -> Iterator[Repair]:
    """The labels without an axis of size 1 that the output has not, or with one that it has."""
    pair = found.pair
    goal = wanted(pair.loss.name, pair.output)
    if len(pair.labels.shape) == len(goal) or pair.labels.shape[0] is None:
        return
    for path in paths(pair.labels.shape, goal, may_be_sample=False):
        text = path.template.format(pair.labels.name)
        yield Repair(
            (relabelled(found.contract, pair, path.template),), "choice", "labels-shape", {"labels": text}, text
        )
