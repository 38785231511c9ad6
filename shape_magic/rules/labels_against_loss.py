"""Labels whose values the loss can't take for what they are: class numbers, signs, amounts, gaps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.facts import Facts, LabelFacts, Model
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.rules.agreement import SPARSE, Pair
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.fitting import Setup, are_classes, are_signs, one_number, repairs
from shape_magic.rules.heads import Judged, judged, warning
from shape_magic.words import say

_BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
_HINGE = frozenset({"hinge", "squared_hinge"})
_ONE_HOT = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy"})
#: How far labels may lie outside 0 and 1: smoothing and noise do so on purpose.
_SLACK = 0.25
#: What rounding leaves below 0, as a share of the largest label.
_NEAR_ZERO = 0.001
#: From this on, whole numbers up to 255 are the brightness of pixels.
_BRIGHT = 128


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first output whose labels its loss can't take for what they are."""
    for one in judged(model):
        told = one.pair.labels.facts
        variant = _variant(one, told) if told is not None else None
        if variant is not None and told is not None:
            more = {
                "classes": int(told.max) + 1 - (told.min == 1),
                "last": (one.pair.output[-1] or 1) - 1,
                "seen": told.seen,
            }
            yield warning(model, one, variant, _repairs(model, one, variant), **more)
            return


def _variant(one: Judged, facts: LabelFacts) -> str | None:
    pair, loss = one.pair, one.pair.loss.name
    if not facts.finite:
        return "gaps"
    if loss in SPARSE and pair.loss.ignore_class is None:
        if not facts.integer:
            return "fractions-as-classes"
        return "units-without-a-class" if _has_idle_units(pair, facts) else None
    if loss in _BINARY:
        return _of_binary(pair, facts)
    if loss in _HINGE:
        return "classes-in-binary-loss" if one_number(pair) and are_classes(facts) else None
    if loss in _ONE_HOT:
        return _of_one_hot(facts)
    if loss in {"mean_squared_logarithmic_error", "poisson"}:
        return "negative-amounts" if facts.min < -_NEAR_ZERO * facts.max else None
    return "zeros-as-divisors" if loss == "mean_absolute_percentage_error" and facts.min == 0 else None


def _of_binary(pair: Pair, facts: LabelFacts) -> str | None:
    if facts.min >= -_SLACK and facts.max <= 1 + _SLACK:
        return None
    if are_signs(facts):
        return "signs-in-binary-loss"
    if _are_pixels(facts):
        return "pixels-in-binary-loss"
    if facts.integer and facts.distinct == 2 and (facts.min, facts.max) == (1, 2):
        return "classes-from-one"
    return "classes-in-binary-loss" if one_number(pair) and are_classes(facts) else "amounts-in-binary-loss"


def _are_pixels(facts: LabelFacts) -> bool:
    return (
        facts.min >= 0 and _BRIGHT <= facts.max <= 255 and (not facts.integer or facts.distinct > 2 or facts.max == 255)
    )


def _of_one_hot(facts: LabelFacts) -> str | None:
    """Rows that are no share of 1 each; a single number in every row may weigh its class on purpose."""
    if facts.sums is None or facts.filled < 2:
        return None
    if facts.integer and facts.min == 0 and facts.max == 1:
        return "several-classes-at-once"
    return "rows-that-are-no-shares" if facts.max > 1 + _SLACK or facts.min < -_SLACK else None


def _has_idle_units(pair: Pair, facts: LabelFacts) -> bool:
    """Whether far more units stand ready than there are classes, all labels were seen, and no class is missing."""
    units, shape, classes = pair.output[-1] or 0, pair.labels.shape, int(facts.max) + 1
    if len(shape) > 2 or len(pair.output) != 2 or facts.seen != shape[0] or facts.min != 0:
        return False
    return classes == facts.distinct > 1 and units >= 3 * classes and facts.seen >= 5 * classes


def _repairs(model: Model, one: Judged, variant: str) -> Iterator[Repair]:
    pair, head = one.pair, one.head
    if variant == "gaps":
        yield from _without_gaps(model, pair)
    elif variant == "pixels-in-binary-loss":
        yield from _scaled(model, pair)
    elif variant == "units-without-a-class" and pair.labels.facts is not None:
        yield from repairs(model, one, Setup(head.activation, width=int(pair.labels.facts.max) + 1))
    elif variant == "negative-amounts":
        yield from repairs(model, one, Setup("linear", "mean_squared_error"))
    elif variant == "zeros-as-divisors":
        yield from repairs(model, one, Setup(head.activation, "mean_absolute_error"))
    else:
        yield from repairs(model, one)


def _without_gaps(model: Model, pair: Pair) -> Iterator[Repair]:
    """Only the samples whose labels are there, where the labels have a name by which they can be asked."""
    contract, name = model.contract, pair.labels.name
    if contract is None or len(contract.x) != 1 or len(contract.y) != 1 or not re.fullmatch(r"[\w.]+", name):
        return
    rank = len(pair.labels.shape)
    missing = f"np.isnan({name})" if rank == 1 else f"np.isnan({name}).any(axis={_axes(rank)})"
    steps = tuple(WrapData(argument, f"{{}}[~{missing}]") for argument in ("x", "y"))
    values = {"method": contract.method, "data": f"{contract.x[0].name}[~{missing}]", "does": _does("known-labels")}
    yield Repair(steps, "choice", "data", values)


def _axes(rank: int) -> str:
    return "1" if rank == 2 else str(tuple(range(1, rank)))


def _scaled(model: Model, pair: Pair) -> Iterator[Repair]:
    contract = model.contract
    if contract is None or len(contract.x) != 1 or len(contract.y) != 1:
        return
    values = {"method": contract.method, "data": f"{pair.labels.name} / 255", "does": _does("scaled")}
    both = contract.x[0].name == pair.labels.name
    arguments = ("x", "y") if both else ("y",)
    yield Repair(tuple(WrapData(argument, "{} / 255") for argument in arguments), "choice", "data", values)


def _does(step: str) -> str:
    return say(f"fix.data.step.{step}")


RULE = Rule("labels-against-loss", check)
