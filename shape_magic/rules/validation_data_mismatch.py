"""Validation data that do not go the way of the training data."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Contract, Facts, Model
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.repair.templates import filled
from shape_magic.rules.agreement import CLASSES, SPARSE, Pair, compared, loss_for, pairs, suits
from shape_magic.rules.arrays_of_different_length import is_uneven, sizes
from shape_magic.rules.calls import is_written_out, line_of, same_rest, told
from shape_magic.rules.data_and_labels_swapped import are_swapped
from shape_magic.rules.data_paths import paths
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.rules.model_refuses_data import gives_back, passes
from shape_magic.rules.renamed import in_order
from shape_magic.words import say, shape_text

_STREAMS = ("dataset", "sequence", "generator")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for what ``fit`` is to validate with, where training itself would run."""
    contract = model.contract
    if contract is None or contract.method != "fit" or not contract.arguments:
        return
    inner = contract.validation
    variant = _variant(model, contract, inner) if inner is not None else _variant_of_split(contract)
    if variant is None:
        return
    bad = next((p for p in pairs(inner) if _is_wrong(p)), None) if inner else None
    failed = _failure(inner) if inner else None
    x = contract.argument("x")
    broadcasts = variant == "labels" and bad is not None and bad.loss.failure is None
    computes_on = variant == "data" and inner is not None and inner.failure is None
    yield Finding(
        severity="warning" if broadcasts or computes_on else "error",
        variant=variant,
        topic="validation",
        call=None,
        values={
            "model": model.name,
            "method": contract.method,
            "line": line_of(contract),
            "x": x.text if x else "x",
            "wanted": listed([shape_text(d.shape, batch="batch") for d in model.inputs]),
            "data": listed([told(d) for d in inner.x]) if inner else "",
            "sizes": sizes(inner) if inner else "",
            "labels": told(bad.labels) if bad else "",
            "trained": listed([told(d) for d in contract.y]),
            "loss": bad.loss.name if bad else "",
        },
        repairs=tuple(_repairs(model, contract, inner, variant)) if inner else (),
        keras_message=failed,
        span=contract.span,
        related=((inner.x[0].assigned or inner.x[0].span if inner and inner.x else None, "data"),),
        place="labels" if variant in ("labels", "without-labels", "lengths") else "input",
    )


def _variant(model: Model, contract: Contract, inner: Contract) -> str | None:
    x, y = inner.argument("x"), inner.argument("y")
    if contract.failure is not None or model.failed_call is not None or x is None or y is None:
        return None
    if any(a.form in ("plain", "number", "rows", "objects", "text", "words") for a in (x, y)):
        return "lists"
    if are_swapped(model, inner):
        return "swapped"
    if inner.failure is not None or passes(model, inner):
        return "data"
    if is_uneven(inner):
        return "lengths"
    needed = any(loss.compares for loss in contract.losses) and not contract.own_step
    if needed and y.form == "absent" and x.form not in _STREAMS and contract.y:
        return "without-labels"
    sound = all(not _is_wrong(p) for p in pairs(contract))
    return "labels" if sound and any(_is_wrong(p) for p in pairs(inner)) else None


def _is_wrong(pair: Pair) -> bool:
    return pair.loss.known and (pair.loss.failure is not None or not suits(pair))


def _variant_of_split(contract: Contract) -> str | None:
    """Whether a share is to be taken off something that can't be cut."""
    given = contract.argument("x")
    return "split" if contract.validation_split and given is not None and given.form in _STREAMS else None


def _failure(inner: Contract) -> str | None:
    found = [inner.failure, *(loss.failure for loss in inner.losses), inner.complaint and inner.complaint.failure]
    return next((f.message for f in found if f), None)


def _repairs(model: Model, contract: Contract, inner: Contract, variant: str) -> Iterator[Repair]:
    text = contract.validation_text
    if variant == "swapped":
        yield _repair(contract, in_order(text, (1, 0), ()), "swapped")
    elif variant == "lists" and contract.numpy:
        yield from _as_arrays(contract, inner)
    elif variant == "data" and len(inner.x) == 1 and len(model.inputs) == 1:
        for path in paths(inner.x[0], model.inputs[0].shape, may_be_sample=False, may_part=True):
            yield _on_data(model, contract, inner, path.template)
    elif variant == "labels" and len(inner.y) == 1:
        yield from _itself(contract, inner)
        yield from _labels_alike(contract, inner)
    elif variant == "without-labels" and len(inner.x) == 1 and len(contract.outputs) == 1:
        x = inner.x[0]
        if _is_its_own_label(contract):
            yield _repair(contract, f"({text}, {text})", "itself")
        for near in contract.nearby:
            fits = near.shape[:1] == x.shape[:1] and near.name != x.name
            if fits and any(same_rest(near.shape, y.shape) for y in contract.y):
                yield _repair(contract, f"({text}, {near.name})", "labels")


def _is_its_own_label(contract: Contract) -> bool:
    """Whether the training data are given as their own labels."""
    return len(contract.x) == len(contract.y) == 1 and contract.y[0].name == contract.x[0].name


def _itself(contract: Contract, inner: Contract) -> Iterator[Repair]:
    """The validation data as their own labels, as the training data are."""
    if _is_its_own_label(contract) and len(inner.x) == 1 and is_written_out(contract.validation_text):
        name = inner.x[0].name
        yield _with(contract, (WrapData("validation_data", name, 1),), f"({name}, {name})", "itself")


def _labels_alike(contract: Contract, inner: Contract) -> Iterator[Repair]:
    """Validation labels in the form that the loss reads: one-hot rows of class numbers, or the other way round."""
    pair = compared(inner)
    if pair is None or pair.loss.name not in CLASSES or pair.labels.facts is None:
        return
    facts, units = pair.labels.facts, pair.output[-1]
    other = loss_for(pair.loss.name, pair.output, pair.labels.shape, facts)
    if other is None or units is None or facts.min < 0 or facts.max >= units:
        return
    if other in SPARSE:  # the labels are class numbers, and the loss wants rows
        template, does = f"keras.utils.to_categorical({{}}, {units})", "one-hot"
    else:
        template, does = "{}.argmax(-1)", "class-numbers"
    if not is_written_out(contract.validation_text):
        yield _repair(contract, f"({{}}[0], {template.replace('{}', '{}[1]')})", does)
    elif len(inner.x) == 1:
        shown = f"({inner.x[0].name}, {filled(template, pair.labels.name)})"
        yield _with(contract, (WrapData("validation_data", template, 1),), shown, does)


def _as_arrays(contract: Contract, inner: Contract) -> Iterator[Repair]:
    given = [inner.argument(name) for name in ("x", "y")]
    if any(a is not None and a.form in ("plain", "rows") and a.stacked is None for a in given):
        return
    plain = [a is not None and a.form in ("plain", "rows") for a in given]
    if is_written_out(contract.validation_text):
        steps = tuple(WrapData("validation_data", f"{contract.numpy}.array({{}})", i) for i in (0, 1) if plain[i])
        yield _with(contract, steps, f"{contract.numpy}.array(...)", "as-array")
        return
    parts = [f"{contract.numpy}.array({{}}[{i}])" if plain[i] else f"{{}}[{i}]" for i in (0, 1)]
    yield _repair(contract, f"({', '.join(parts)})", "as-array")


def _on_data(model: Model, contract: Contract, inner: Contract, template: str) -> Repair:
    """The repair of the data: in their place, or, where a name holds all, in a tuple made of it."""
    if is_written_out(contract.validation_text):
        items = (0, 1) if gives_back(model, inner) else (0,)
        steps = tuple(WrapData("validation_data", template, item) for item in items)
        return _with(contract, steps, template.replace("{}", inner.x[0].name), "shaped")
    return _repair(contract, f"({template.replace('{}', '{}[0]')}, {{}}[1])", "shaped")


def _repair(contract: Contract, template: str, does: str) -> Repair:
    text = template.replace("{}", contract.validation_text)
    return _with(contract, (WrapData("validation_data", template),), text, does)


def _with(contract: Contract, steps: tuple[WrapData, ...], text: str, does: str) -> Repair:
    shown = f"validation_data={text}"
    values = {"method": contract.method, "arguments": shown, "does": say(f"fix.handed.does.{does}")}
    return Repair(steps, "choice", "handed", values, shown)


RULE = Rule("validation-data-mismatch", check)
