"""The largest of one number asked for in code that works with the model's answers: it is always the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shape_magic.facts import Facts, Model
from shape_magic.misread import PickOfOne
from shape_magic.repair.steps import Repair, Rewrite
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.heads import head_of
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all places where the class is read from one number for each sample by an ``argmax``."""
    picks = [one for one in model.misreads if isinstance(one, PickOfOne)]
    if not picks:
        return
    first = picks[0]
    has_samples = first.axis is not None and len(first.shape) > 1
    shape = shape_text((None, *first.shape[1:]) if has_samples else first.shape, batch="batch")
    yield Finding(
        severity="warning",
        variant="code",
        topic="answers",
        call=None,
        values={"code": first.text, "shape": shape},
        repairs=tuple(_above(picks, _middle(model))),
        expected=None,
        actual=first.shape,
        span=first.span,
        place="code",
        keepable=True,
    )


def _middle(model: Model) -> str:
    """The number that lies between the two classes; empty where the activation does not tell."""
    head = head_of(model)
    if head is None:
        return ""
    if head.activation == "sigmoid":
        return "0.5"
    losses = model.contract.losses if model.contract else ()
    is_logit = head.activation == "linear" and bool(losses) and bool(losses[0].from_logits)
    return "0" if is_logit else ""


def _above(picks: Sequence[PickOfOne], middle: str) -> Iterator[Repair]:
    """Each asks whether the number is above the middle: class 1 is on that side, class 0 on the other."""
    if not middle or any(one.module is None or one.axis not in (None, -1) for one in picks):
        return
    steps = tuple(Rewrite(one.span, _asked(one, middle), part=one.answers) for one in picks)
    yield Repair(steps, "choice", "above", {"middle": middle})


def _asked(pick: PickOfOne, middle: str) -> str:
    number = {1: "{}[0]", 2: "{}[:, 0]"}.get(len(pick.shape), "{}[..., 0]")
    if pick.keepdims:
        number = "{}"
    elif pick.axis is None:
        number = "{}[" + ", ".join("0" for _ in pick.shape) + "]"
    above = f"{number} > {middle}"
    return f'{pick.module}.cast({above}, "int32")' if pick.module else f'({above}).astype("int32")'


RULE = Rule("argmax-of-one-number", check)
