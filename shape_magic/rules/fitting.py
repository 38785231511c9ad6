"""Which head and which loss belong to given labels, and the repairs that bring a model there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import LabelFacts, LossFacts, Model
from shape_magic.repair.steps import Repair, SetCompile, Step, WrapData
from shape_magic.repair.templates import filled
from shape_magic.rules.agreement import Pair
from shape_magic.rules.heads import Head, Judged
from shape_magic.words import say

#: Beyond so many, whole numbers are rather amounts than class numbers.
_MANY_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Setup:
    """A head and a loss that belong together; None: as it is."""

    activation: str
    #: By its name in Keras.
    loss: str | None = None
    width: int | None = None
    #: Around the labels, with ``{}`` for what the user wrote.
    labels: str | None = None


def setups(pair: Pair) -> Iterator[Setup]:
    """What belongs to the labels by their form and their values, best first."""
    facts = pair.labels.facts
    if facts is None:
        return
    if not one_number(pair):
        if facts.one_hot:
            yield Setup("softmax", "categorical_crossentropy")
        elif facts.integer and facts.min >= 0 and facts.max <= 1:
            yield Setup("sigmoid", "binary_crossentropy")
        else:
            yield Setup("linear", "mse")
        return
    if facts.integer and facts.min >= 0 and facts.max <= 1:
        yield Setup("sigmoid", "binary_crossentropy", 1)
        return
    if are_signs(facts):
        yield Setup("sigmoid", "binary_crossentropy", 1, "({} + 1) / 2")
    elif are_classes(facts):
        classes = int(facts.max) + 1
        if facts.min == 1 and facts.max == 2:
            yield Setup("sigmoid", "binary_crossentropy", 1, "{} - 1")
        if facts.min == 1:
            yield Setup("softmax", "sparse_categorical_crossentropy", classes - 1, "{} - 1")
        yield Setup("softmax", "sparse_categorical_crossentropy", classes)
    yield Setup("linear", "mse", 1)


def one_number(pair: Pair) -> bool:
    """Whether each answer is compared with a single number: a class, an amount, a yes or no."""
    labels, output = pair.labels.shape, pair.output
    return len(labels) < len(output) or labels[-1] == 1 or len(output) < 2


def are_signs(facts: LabelFacts) -> bool:
    """Whether the labels are -1 and 1 and nothing else."""
    return facts.integer and facts.distinct == 2 and (facts.min, facts.max) == (-1, 1)


def are_classes(facts: LabelFacts) -> bool:
    """Whether they look like class numbers: whole, from 0 or 1 on, few, and most of them there."""
    if not facts.integer or not 0 <= facts.min <= 1 or not 2 <= facts.max < _MANY_CLASSES:
        return False
    return 2 * facts.distinct > facts.max


def set_up(model: Model, pair: Pair, head: Head, setup: Setup) -> Repair | None:
    """The repair that brings the head, the loss and the labels together; None where it can't be written."""
    steps: list[Step] = []
    settings: list[str] = []
    if setup.width is not None and setup.width != head.width:
        step = head.with_width(setup.width)
        steps.append(step)
        settings.append(f"{step.name}={setup.width}")
    if setup.activation != head.activation:
        steps.append(head.with_activation(setup.activation))
        settings.append(f"activation='{setup.activation}'")
    loss = setup.loss if setup.loss and not same_loss(setup.loss, pair.loss) else None
    if loss is not None:
        if len(model.outputs) != 1:  # the others' losses stand in the same argument
            return None
        steps.append(SetCompile("loss", repr(loss)))
    if setup.labels is not None:
        if len(model.outputs) != 1:
            return None
        steps.append(WrapData("y", setup.labels))
    return _repair(steps, settings, loss, pair, head, setup) if steps else None


def _repair(steps: list[Step], settings: list[str], loss: str | None, pair: Pair, head: Head, setup: Setup) -> Repair:
    parts = [say("fix.set-up.head", layer=head.layer.layer, settings=" ".join(settings))] if settings else []
    parts += [say("fix.set-up.loss", loss=loss)] if loss else []
    parts += [say("fix.set-up.labels", labels=filled(setup.labels, pair.labels.name))] if setup.labels else []
    title = ", ".join(parts)
    short = settings[-1] if settings else f"loss='{loss}'" if loss else ""
    does = say(f"fix.set-up.for.{setup.activation}")
    return Repair(tuple(steps), "choice", "set-up", {"parts": title[:1].upper() + title[1:], "does": does}, short)


def same_loss(name: str, loss: LossFacts) -> bool:
    """Whether the compiled loss is already the one of this name, from probabilities."""
    full = {"mse": "mean_squared_error"}.get(name, name)
    return (loss.name == full and not loss.from_logits) or (name == "mse" and loss.name in REGRESSION)


#: Losses of amounts: they compare number with number.
REGRESSION = frozenset(
    {
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "huber",
        "log_cosh",
    }
)


def given(model: Model, one: Judged, *wanted: Setup) -> Iterator[Repair]:
    """The repairs to these setups, as far as they change anything and can be written."""
    yield from (r for setup in wanted if (r := set_up(model, one.pair, one.head, setup)) is not None)


def repairs(model: Model, one: Judged, *extra: Setup) -> Iterator[Repair]:
    """The repairs to what is given first and then to what the labels themselves ask for."""
    done: list[tuple[Step, ...]] = []
    for repair in given(model, one, *extra, *setups(one.pair)):
        if repair.steps not in done:
            done.append(repair.steps)
            yield repair
