"""Something in a stack of layers that is no layer: a class, a function, a tensor, or nothing at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from shape_magic.facts import Facts, Model, Stray
from shape_magic.repair.steps import JoinArguments, Repair, Rewrite
from shape_magic.report import Safety
from shape_magic.rules.finding import Finding, Rule


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first thing in a ``Sequential`` that Keras does not take for a layer."""
    stray, failure = model.stray, model.failure
    if stray is None or failure is None:
        return
    span = stray.span or model.span
    yield Finding(
        severity="error",
        variant=stray.kind,
        topic="call",
        call=None,
        values={"text": stray.text},
        repairs=tuple(_repairs(stray)),
        keras_message=failure.message,
        span=span,
    )


def _repairs(stray: Stray) -> Iterator[Repair]:
    if stray.span is None:
        return
    if stray.kind == "loose":
        yield Repair((JoinArguments(stray.span, "[]"),), "choice", "one-list", {}, "[…]")
        return
    template = _template(stray)
    if template:
        new = template.replace("{}", stray.text)
        safety: Safety = "safe" if stray.kind in ("class", "tuple") else "choice"
        yield Repair((Rewrite(stray.span, template),), safety, "as-layer", {"new": new}, new)


def _template(stray: Stray) -> str:
    """What is to stand there, with ``{}`` for what does; empty where that is not known."""
    match stray.kind:
        case "class":
            return "{}()"
        case "tuple":
            return "{}[0]"
        case "list":
            return "*{}"
        case "function" | "word":
            return f"{stray.prefix}Activation({{}})" if stray.prefix else ""
        case "tensor":
            return _uncalled(stray.text)
    return ""


def _uncalled(text: str) -> str:
    """``Dense(3)(x)`` without ``(x)``; empty where it is no such call, or reads like a template itself."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Call):
        return ""
    layer = ast.get_source_segment(text, node.func) or ""
    return "" if "{}" in layer else layer


RULE = Rule("no-layer-in-stack", check)
