"""Several outputs (or inputs) whose losses, metrics, labels or data do not belong to them one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shape_magic.facts import Compiled, Contract, Facts, Model, Spread
from shape_magic.repair.steps import Repair, Rewrite, SetCompile
from shape_magic.rules.agreement import Pair, agrees, pairs, suits
from shape_magic.rules.calls import compares, line_of, repaired
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.rules.parting import parted
from shape_magic.rules.renamed import fitting_order, in_order, with_keys
from shape_magic.spans import Shape


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for names or lists that do not fit the inputs and outputs, or labels in another order."""
    contract = model.contract
    if contract is None or not contract.arguments:
        return
    missing = _missing_inputs(contract)
    if missing:
        yield _inputs(model, contract, missing)
    if not compares(contract) or contract.compiled is None:
        return
    if contract.compiled.loss_weights.words:
        yield _metrics_as_weights(model, contract, contract.compiled)
        return
    order = _order(contract)
    if order:
        yield _swapped(model, contract, order)
    elif contract.complaint is not None and contract.complaint.about != "data":
        yield _structure(model, contract, contract.compiled)


def _values(model: Model, contract: Contract) -> dict[str, object]:
    names = contract.compiled.outputs if contract.compiled else ()
    return {
        "model": model.name,
        "method": contract.method,
        "line": line_of(contract),
        "count": len(contract.outputs),
        "outputs": listed([f"`{name}`" for name in names]),
    }


# -- the names of inputs


def _missing_inputs(contract: Contract) -> tuple[str, ...]:
    x = contract.argument("x")
    if x is None or x.form != "named" or contract.own_step:
        return ()
    return tuple(name for name in contract.input_names if name not in x.keys)


def _inputs(model: Model, contract: Contract, missing: Sequence[str]) -> Finding:
    x = contract.argument("x")
    keys = x.keys if x else ()
    extra = [key for key in keys if key not in contract.input_names]
    repairs: list[Repair] = []
    text = with_keys(x.text, {extra[0]: missing[0]}) if x and len(extra) == len(missing) == 1 else ""
    if text and "{}" not in text:
        repairs.append(repaired(contract, ("x", text), does="renamed"))
    values = {"missing": listed([f"`{n}`" for n in missing]), "given": listed([f"`{k}`" for k in keys])}
    inputs = {"inputs": listed([f"`{n}`" for n in contract.input_names])}
    return Finding(
        severity="error",
        variant="input-names",
        topic="data",
        call=None,
        values=_values(model, contract) | values | inputs,
        repairs=tuple(repairs),
        span=contract.span,
        related=((model.span, "input"),),
    )


# -- labels in another order


def _order(contract: Contract) -> tuple[int, ...]:
    """The order in which all labels suit their outputs, where they don't as they stand; empty where there is none."""
    found = pairs(contract)
    if len(found) != len(contract.y):
        return ()
    labels = [pair.labels for pair in found]
    return fitting_order(len(found), lambda i, k: suits(replace(found[i], labels=labels[k])))


def _swapped(model: Model, contract: Contract, order: Sequence[int]) -> Finding:
    y = contract.argument("y")
    names = contract.compiled.outputs if contract.compiled else ()
    wrong = next(pair.item for pair in pairs(contract) if not suits(pair))
    repairs: list[Repair] = []
    if y is not None and y.form in ("several", "named"):
        template = in_order(y.text, order, y.keys and names)
        repairs.append(repaired(contract, ("y", template), does="swapped"))
    failed = next((loss.failure for loss in contract.losses if loss.failure), None)
    return Finding(
        severity="error" if failed else "warning",
        variant="swapped",
        # The order is the cause of whatever the shapes or the values of single labels would show.
        topic="contract" if failed or not all(map(_agrees, pairs(contract))) else "values",
        call=None,
        values=_values(model, contract)
        | {
            "output": names[wrong] if wrong < len(names) else str(wrong),
            "loss": contract.losses[wrong].name,
            "labels": contract.y[wrong].name,
            "better": contract.y[order[wrong]].name,
        },
        repairs=tuple(repairs),
        keras_message=failed.message if failed else None,
        span=contract.span,
        related=((contract.compile_span, "compile"), (contract.y[wrong].span, "labels")),
        place="labels",
    )


def _agrees(pair: Pair) -> bool:
    return pair.agrees


# -- the arguments of compile


def _metrics_as_weights(model: Model, contract: Contract, compiled: Compiled) -> Finding:
    """Names of metrics where Keras 3 takes the weights of the losses; Keras 2 had the metrics in that place."""
    given = compiled.loss_weights
    at = given.span or contract.compile_span
    steps = (Rewrite(given.span, "metrics={}"),) if given.span and compiled.metrics.form == "none" else ()
    named = Repair(steps, "safe", "as-metrics", {"given": given.text}, "metrics=")
    return Finding(
        severity="error",
        variant="metrics-as-weights",
        topic="contract",
        call=None,
        values=_values(model, contract) | {"given": given.text, "line": at.start_line if at else None},
        repairs=(named,) if steps else (),
        keras_message=contract.complaint.failure.message if contract.complaint else None,
        span=at or contract.span,
        related=((contract.compile_span, "compile"), (contract.span, "use")),
    )


def _structure(model: Model, contract: Contract, compiled: Compiled) -> Finding:
    about = contract.complaint.about if contract.complaint else "loss"
    spread: Spread = getattr(compiled, about, Spread())
    y = contract.argument("y")
    keys = y.keys if about == "labels" and y else spread.keys
    count = len(contract.y) if about == "labels" else spread.count
    return Finding(
        severity="error",
        variant=_variant(about, bool(keys), len(contract.outputs)),
        topic="contract",
        call=None,
        values=_values(model, contract) | {"given": listed([f"`{k}`" for k in keys]), "number": count},
        repairs=tuple(_repairs(contract, compiled, about, spread)),
        keras_message=contract.complaint.failure.message if contract.complaint else None,
        span=contract.span if about == "labels" else contract.compile_span or contract.span,
        related=((contract.span, "use"), (contract.compile_span, "compile")),
        place="labels" if about == "labels" else "loss",
    )


def _variant(about: str, named: bool, outputs: int) -> str:
    if about == "labels":
        return "labels-names" if named else "labels-count" if outputs > 1 else "labels-for-one"
    if about == "metrics":
        return "metrics-names" if named else "metrics-count"
    if about == "loss_weights":
        return "loss-weights-names" if named else "loss-weights-count"
    return "loss-names" if named else "loss-count"


def _repairs(contract: Contract, compiled: Compiled, about: str, spread: Spread) -> Iterator[Repair]:
    y = contract.argument("y")
    keys, text = (y.keys, y.text) if about == "labels" and y else (spread.keys, spread.text)
    extra = [key for key in keys if key not in compiled.outputs]
    for name in [name for name in compiled.outputs if name not in keys] if len(extra) == 1 else []:
        new = with_keys(text, {extra[0]: name})
        if new and "{}" not in new and about == "labels":
            yield repaired(contract, ("y", new), does="renamed")
        elif new:
            yield _compiled_with(about, new)
    if about == "labels" and not keys:
        yield from _parted(contract) if len(contract.outputs) > 1 else _side_by_side(contract)
    # Metric objects count for one output: only names can stand for several.
    if about == "metrics" and spread.form == "list" and "(" not in text and text.startswith("["):
        yield _compiled_with(about, f"[{', '.join([text] * len(compiled.outputs))}]")


def _parted(contract: Contract) -> Iterator[Repair]:
    """One array of labels for several outputs, taken apart."""
    y, outputs, losses = contract.argument("y"), contract.outputs, contract.losses
    if y is None or y.form != "array" or len(contract.y) != 1 or len(losses) not in (1, len(outputs)):
        return
    names = [loss.name for loss in losses] * (len(outputs) // len(losses))

    def fits(item: int, part: Shape) -> bool:
        same_count = all(x.shape[:1] == part[:1] for x in contract.x)
        return same_count and agrees(names[item], outputs[item], part)

    widths = [output[-1] for output in outputs]
    for template in parted(y.text, contract.y[0].shape, len(outputs), fits, widths):
        yield repaired(contract, ("y", template), does="parted")


def _side_by_side(contract: Contract) -> Iterator[Repair]:
    """Labels in a list, as the columns of one array, where the one output has a unit for each of them."""
    y, output = contract.argument("y"), contract.outputs[0]
    widths = [labels.shape[-1] if len(labels.shape) == 2 else 1 for labels in contract.y]
    flat = len(output) == 2 and all(len(labels.shape) in (1, 2) for labels in contract.y)
    if y is None or y.form != "several" or not flat or None in widths or sum(w or 0 for w in widths) != output[-1]:
        return
    if all(labels.shape[0] == contract.y[0].shape[0] for labels in contract.y):
        yield repaired(contract, ("y", f"{contract.numpy or 'np'}.column_stack({{}})"), does="columns")


def _compiled_with(name: str, value: str) -> Repair:
    return Repair(
        (SetCompile(name, value),), "choice", "compile-with", {"name": name, "value": value}, f"{name}={value}"
    )


RULE = Rule("outputs-and-losses", check)
