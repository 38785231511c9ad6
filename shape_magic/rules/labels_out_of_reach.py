"""Labels that the head's activation can't reach, under a loss that measures the distance to them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shape_magic.facts import Facts, LabelFacts, Model
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.fitting import REGRESSION, Setup, given
from shape_magic.rules.heads import Head, Judged, judged, warning
from shape_magic.words import number, say

#: What each activation can give, from the lowest number to the highest.
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
}
#: How far labels may lie outside, in shares of the range; noise and rounding do.
_SLACK = 0.25


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first output whose labels run beyond what its activation gives."""
    for one in judged(model):
        told, reach = one.pair.labels.facts, _reach(one.head)
        if one.pair.loss.name in REGRESSION and told is not None and reach is not None and _beyond(told, reach):
            least, most = reach
            more = {"least": number(least), "most": number(most) if math.isfinite(most) else ""}
            repairs = _repairs(model, one, told)
            yield warning(model, one, "above-and-below" if math.isfinite(most) else "below", repairs, **more)
            return


def _reach(head: Head) -> tuple[float, float] | None:
    if head.activation == "relu" and head.layer.is_a("RNN"):
        return None
    return _RANGES.get(head.activation)


def _beyond(facts: LabelFacts, reach: tuple[float, float]) -> bool:
    least, most = reach
    width = most - least if math.isfinite(most) else max(abs(facts.max), abs(facts.min))
    return facts.finite and (facts.min < least - _SLACK * width or facts.max > most + _SLACK * width)


def _repairs(model: Model, one: Judged, facts: LabelFacts) -> Iterator[Repair]:
    pixels = _pixels(model, one, facts)
    if pixels is not None:
        yield pixels
    mirrored = one.head.activation == "sigmoid" and facts.min >= -1.25 and facts.max <= 1.25
    yield from given(model, one, *([Setup("tanh")] if mirrored else []), Setup("linear"))


def _pixels(model: Model, one: Judged, facts: LabelFacts) -> Repair | None:
    """Pixels from 0 to 255 brought to 0 and 1, in the data as well where they are the labels."""
    contract, labels = model.contract, one.pair.labels
    if contract is None or len(contract.y) != 1 or len(contract.x) != 1 or len(labels.shape) < 3:
        return None
    if not (facts.min >= 0 and 128 <= facts.max <= 255 and one.head.activation == "sigmoid"):
        return None
    arguments = ("x", "y") if contract.x[0].name == labels.name else ("y",)
    values = {"method": contract.method, "data": f"{labels.name} / 255", "does": say("fix.data.step.scaled")}
    return Repair(tuple(WrapData(argument, "{} / 255") for argument in arguments), "choice", "data", values)


RULE = Rule("labels-out-of-reach", check)
