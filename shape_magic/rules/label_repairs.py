"""What brings an output and its labels together: another loss, another width, other labels, another end.

Which of them stands first is decided by what the labels hold, by the loss, and by the output's activation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from shape_magic.repair.steps import Repair, SetArgument, SetCompile, Step
from shape_magic.repair.templates import filled
from shape_magic.report import Safety
from shape_magic.rules.agreement import CLASSES, SPARSE, agrees, loss_for, only_logits, relabelled
from shape_magic.rules.axis_repairs import axis_repairs, own_input
from shape_magic.rules.branches import is_of_base
from shape_magic.rules.fitting import Setup, set_up
from shape_magic.rules.heads import head_of
from shape_magic.rules.mismatch import Mismatch, is_beyond
from shape_magic.rules.widths import End, activated, activation_of, set_width, widened, width_argument

_CATEGORICAL = "categorical_crossentropy"
_SPARSE = "sparse_categorical_crossentropy"
#: The brightest value of a pixel in eight bits: in masks a yes, and in sets of segmented pictures what has no name.
_WHITE = 255
#: What a base of ``keras.applications`` tells apart unless it is told otherwise.
_CLASSES_OF_IMAGENET = 1000
#: More buttons than these nobody reads, and each is proved.
_MOST = 6


def repairs_for(found: Mismatch) -> tuple[Repair, ...]:
    """The candidates, best first."""
    return tuple(islice(_candidates(found), _MOST))


def _candidates(found: Mismatch) -> Iterator[Repair]:
    pair = found.pair
    if not pair.loss.known:
        yield from _by_width(found)
        return
    if is_beyond(pair) and pair.agrees:
        yield from _from_one(found)
        yield from _from_masks(found)
    if len(pair.output) == 2:
        yield from own_input(found)
    yield from _other_form(found)
    yield from _by_width(found)
    yield from axis_repairs(found)


# Class numbers and one-hot rows.


def _from_one(found: Mismatch) -> Iterator[Repair]:
    """Class numbers counted from 0, where they are counted from 1."""
    facts, units = found.facts, found.pair.output[-1]
    if facts is not None and facts.integer and facts.min >= 1 and units is not None and facts.max - facts.min < units:
        low = int(facts.min)
        text = f"{found.pair.labels.name} - {low}"
        step = relabelled(found.contract, found.pair, f"{{}} - {low}")
        yield Repair((step,), "choice", "from-zero", {"labels": text, "low": low}, f"y - {low}")


def _from_masks(found: Mismatch) -> Iterator[Repair]:
    """Masks as pictures hold them: white for a yes, or white for the pixels that nobody named."""
    facts, pair = found.facts, found.pair
    if facts is None or facts.second is None or len(pair.output) < 3 or facts.max != _WHITE or facts.min != 0:
        return
    if facts.distinct == 2:
        text = f"{pair.labels.name} // {_WHITE}"
        yield Repair(
            (relabelled(found.contract, pair, f"{{}} // {_WHITE}"),),
            "choice",
            "mask",
            {"labels": text},
            f"y // {_WHITE}",
        )
    elif facts.second < (pair.output[-1] or 0) and found.has_one_loss and (pair.loss.plain or only_logits(pair.loss)):
        given = f"ignore_class={_WHITE}" + (", from_logits=True" if pair.loss.from_logits else "")
        for root in ("keras", "tf.keras"):
            value = f"{root}.losses.SparseCategoricalCrossentropy({given})"
            yield Repair((SetCompile("loss", value),), "choice", "unnamed", {"loss": value}, f"ignore_class={_WHITE}")


def _other_form(found: Mismatch) -> Iterator[Repair]:
    """The loss for labels of this form, and then labels of the form that the loss reads."""
    pair = found.pair
    yield from _one_class_of_several(found)
    other = loss_for(pair.loss.name, pair.output, pair.labels.shape, found.facts) or _classes_instead(found)
    if other and found.has_one_loss and not pair.loss.plain and pair.loss.name in CLASSES:
        yield from _with_its_arguments(found, other)
    if other and found.has_one_loss and pair.loss.plain:
        steps = (SetCompile("loss", repr(other)), *_units_for_classes(found, other))
        same = pair.loss.name in CLASSES
        message = "other-loss" if same else "class-loss"
        yield Repair(
            steps, "safe" if same and len(steps) == 1 else "choice", message, {"loss": other}, f"loss='{other}'"
        )
    if pair.loss.name not in CLASSES or pair.output[-1] in (None, 1):
        return
    name, units = pair.labels.name, pair.output[-1]
    if other in SPARSE and found.facts is not None and found.facts.min >= 0 and found.facts.max < (units or 0):
        step = relabelled(found.contract, pair, f"keras.utils.to_categorical({{}}, {units})")
        yield Repair((step,), "choice", "one-hot-labels", {"labels": name}, "to_categorical(y)")
    if other == _CATEGORICAL:
        yield _as_class_numbers(found)


def _as_class_numbers(found: Mismatch) -> Repair:
    step = relabelled(found.contract, found.pair, "{}.argmax(-1)")
    return Repair((step,), "choice", "class-numbers", {"labels": found.pair.labels.name}, "y.argmax(-1)")


def _with_its_arguments(found: Mismatch, other: str) -> Iterator[Repair]:
    """The other loss made with the arguments of this one, which its name alone would lose."""
    loss, compiled = found.pair.loss, found.contract.compiled
    old, new = _class_of(loss.name), _class_of(other)
    here = re.sub(rf"\b{old}\(", f"{new}(", compiled.loss.text) if compiled else ""
    if new in here:
        texts = [here]
    else:  # made elsewhere, under a name
        texts = (
            [f"{root}.losses.{new}(from_logits=True)" for root in ("keras", "tf.keras")] if only_logits(loss) else []
        )
    for text in texts:
        steps = (SetCompile("loss", text), *_units_for_classes(found, other))
        safety: Safety = "safe" if len(steps) == 1 else "choice"
        yield Repair(steps, safety, "other-loss-object", {"loss": text}, f"loss={new}(…)")


def _class_of(loss: str) -> str:
    """The class of a loss by its name: ``CategoricalCrossentropy``."""
    return "".join(word.capitalize() for word in loss.split("_"))


def _classes_instead(found: Mismatch) -> str | None:
    """The cross-entropy over classes, where the head is made for it, and only the loss is another one's."""
    pair, facts = found.pair, found.facts
    if found.head is None or facts is None or not facts.integer or pair.loss.name in CLASSES:
        return None
    if activation_of(found.head) != "softmax" or (pair.output[-1] or 0) < 2 or facts.min < 0:
        return None
    return _SPARSE if agrees(_SPARSE, pair.output, pair.labels.shape) and facts.max < (pair.output[-1] or 0) else None


def _one_class_of_several(found: Mismatch) -> Iterator[Repair]:
    """Softmax and its loss for class numbers, where each class has a unit with a yes or no of its own."""
    pair, facts, units = found.pair, found.facts, found.pair.output[-1]
    head = head_of(found.model, pair.item)
    if head is None or facts is None or units is None or pair.loss.name != "binary_crossentropy":
        return
    if (
        not facts.integer
        or facts.min < 0
        or not 1 < facts.max < units
        or not agrees(_SPARSE, pair.output, pair.labels.shape)
    ):
        return
    if head.activation != "sigmoid":
        return
    repair = set_up(found.model, pair, head, Setup("softmax", _SPARSE))
    if repair is not None and pair.loss.plain:
        yield repair
    step = relabelled(found.contract, pair, f"keras.utils.to_categorical({{}}, {units})")
    yield Repair((step,), "choice", "one-hot-labels", {"labels": pair.labels.name}, "to_categorical(y)")


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
    if head is None or width is None or width == pair.output[-1] or _is_one_unit_too_few(found, width):
        return
    yield from _without_idle_class(found, width)
    if _is_one_unit_for_classes(found):
        yield from _classes_for_one_unit(found, head, width)
        if width == 2:
            yield _as_class_numbers(found)
    if pair.output[-1] == _CLASSES_OF_IMAGENET and is_of_base(found.model, head.end):
        step = SetArgument(head.end.call, "classes", str(width), whole=True)
        yield Repair((step,), "choice", "base-classes", {"classes": width}, f"classes={width}")
        return  # no line of the user's makes its last layer
    yield from widened(head, width, pair.loss, flat=len(pair.output) == 2)


def _without_idle_class(found: Mismatch, width: int) -> Iterator[Repair]:
    """One-hot rows of classes that were counted from 1, without the place of a class 0 that no sample has."""
    pair, facts = found.pair, found.facts
    if facts is None or not (facts.one_hot and facts.first_idle) or width != (pair.output[-1] or 0) + 1:
        return
    if facts.seen != math.prod(size or 0 for size in pair.labels.shape):
        return  # where not all were looked at, the rest may have it
    places = "[:, 1:]" if len(pair.labels.shape) == 2 else "[..., 1:]"
    text = filled(f"{{}}{places}", pair.labels.name)
    step = relabelled(found.contract, pair, f"{{}}{places}")
    yield Repair((step,), "choice", "from-zero", {"labels": text}, f"y{places}")


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


def _is_one_unit_too_few(found: Mismatch, width: int) -> bool:
    """Whether a single unit would have to tell more than two classes apart."""
    facts, head = found.facts, found.head
    if width != 1 or facts is None or not facts.integer or facts.max <= 1 or head is None:
        return False
    return found.pair.loss.name == "binary_crossentropy" or activation_of(head) == "softmax"


def _is_one_unit_for_classes(found: Mismatch) -> bool:
    hot = found.facts is not None and found.facts.one_hot
    return hot and found.pair.output[-1] == 1 and found.pair.loss.name == "binary_crossentropy"


def _classes_for_one_unit(found: Mismatch, head: End, width: int) -> Iterator[Repair]:
    """A unit per class under the loss for classes, in the place of one yes or no."""
    argument = width_argument(head.call)
    if argument is None or not found.has_one_loss or not found.pair.loss.plain:
        return

    loss = replace(found.pair.loss, name=_CATEGORICAL)
    units = set_width(head.call, argument, width)
    steps: tuple[Step, ...] = (units, *activated(head, loss, width), SetCompile("loss", repr(_CATEGORICAL)))
    yield Repair(steps, "choice", "unit-per-class", {"layer": head.call.layer, "units": width}, f"{argument}={width}")
