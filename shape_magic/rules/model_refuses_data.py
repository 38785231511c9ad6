"""Data that the model can't take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shape_magic.facts import Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair, Rewrite, WrapData
from shape_magic.repair.templates import filled
from shape_magic.rules.calls import repaired, same_rest
from shape_magic.rules.data_paths import paths
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.rules.input_shape import inputs_for
from shape_magic.rules.parting import parted
from shape_magic.rules.renamed import data_in_order, order_of_data
from shape_magic.spans import Shape, Span
from shape_magic.words import say, shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for data whose shape the model refuses, or was not declared for, with both shapes."""
    contract = model.contract
    if contract is None or model.failed_call is not None or not (contract.failure or passes(model, contract)):
        return
    if contract.failure and any(c.run and c.run.failure for c in model.calls):
        return  # a layer in it works on no data at all
    first = next((c for c in model.calls if any(s < 0 for s in c.inputs)), None)
    yield Finding(
        severity="error" if contract.failure else "warning",
        variant=_variant(model, contract) if contract.failure else "passed",
        topic="data",
        call=first.call if first else None,
        values=_values(model, contract),
        expected=model.inputs[0].shape if model.inputs else None,
        actual=contract.x[0].shape if contract.x else None,
        repairs=tuple(_repairs(model, contract)),
        keras_message=contract.failure.message if contract.failure else "",
        span=contract.span,
        related=tuple(_places(model, contract, first.span if first else model.span)),
    )


def passes(model: Model, contract: Contract) -> bool:
    """Whether a Sequential computes on data that its code declares it is not for: it doesn't compare the two."""
    if model.kind != "Sequential" or not contract.x or len(model.inputs) != 1:
        return False
    given = model.inputs[0]
    # Without a declaration the first data made the input, and others may well come after them.
    if not given.declared and (given.span or model.span):
        return False
    return len(contract.x) > 1 or not _fits(contract.x[0].shape, given.shape)


def _fits(data: Shape, wanted: Shape) -> bool:
    """Whether all sizes agree, once a last axis of size 1 was added or dropped as Keras does."""
    if len(data) == len(wanted) + 1 and data[-1] == 1:
        data = data[:-1]
    elif len(data) == len(wanted) - 1 and wanted[-1] == 1:
        data = (*data, 1)
    pairs = zip(data[1:], wanted[1:], strict=False)
    return len(data) == len(wanted) and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _places(model: Model, contract: Contract, first: Span | None) -> Iterator[tuple[Span | None, str]]:
    """Where the two shapes come from: what declares the input, and what makes the data."""
    given = model.inputs[0] if model.inputs else None
    handed = given.handed.argument.span if given is not None and given.handed is not None else None
    yield handed or (given.span if given is not None else None) or first, "input"
    if contract.x:
        yield contract.x[0].assigned or contract.x[0].span, "data"


def _variant(model: Model, contract: Contract) -> str:
    if len(contract.x) != len(model.inputs):
        return "count"
    if _order(model, contract):
        return "order"
    if _counts_samples(model, contract):
        return "whole-array"
    if len(contract.x) == 1 and contract.x[0].shape == model.inputs[0].shape[1:]:
        return "one-sample"
    return "refused"


def _order(model: Model, contract: Contract) -> Sequence[int]:
    """The order in which several arrays fit the inputs, where they do not as they stand; empty where there is none."""
    return order_of_data(model, contract, lambda i, k: _fits(contract.x[k].shape, model.inputs[i].shape))


def _counts_samples(model: Model, contract: Contract) -> bool:
    """Whether the input has the shape of the whole array: as many positions as there are samples."""
    if len(contract.x) != 1 or len(model.inputs) != 1 or contract.x[0].shape != model.inputs[0].shape[1:]:
        return False
    data = contract.x[0]
    return model.inputs[0].declared == f"{data.name}.shape" or _is_batch(contract)


def _is_batch(contract: Contract) -> bool:
    """Whether there are as many labels as rows: then the first axis of the data is the batch already."""
    return any(y.shape[:1] == contract.x[0].shape[:1] for y in contract.y)


def _values(model: Model, contract: Contract) -> dict[str, object]:
    data = contract.x[0] if contract.x else None
    return {
        "model": model.name,
        "method": contract.method,
        "wanted": listed([shape_text(d.shape, batch="batch") for d in model.inputs]),
        "wanted_count": _inputs(len(model.inputs)),
        "data": listed([f"`{d.name}` {shape_text(d.shape, batch='batch')}" for d in contract.x]),
        "data_count": _inputs(len(contract.x)),
        "name": data.name if data else "",
        "alone": _alone(contract, data) if data else "",
        "batched": shape_text((1, *data.shape)) if data else "",
        "sample": shape_text(data.shape[1:]) if data else "",
        "count": data.shape[0] if data and data.shape else 0,
        "keras": contract.failure.message if contract.failure else "",
    }


def _alone(contract: Contract, data: Data) -> str:
    """One sample as a batch of one: it may stand in a list, which Keras reads as a list of inputs."""
    of_list = _of_list(contract, data)
    return filled(of_list, data.name) if of_list else f"{_as_array(contract, data)}[None]"


def _of_list(contract: Contract, data: Data) -> str:
    """A template that makes a batch of a written list with one sample; empty for other data."""
    given = contract.argument("x")
    is_list = given is not None and given.form == "several" and data.name == given.text and data.name.startswith("[")
    return f"{contract.numpy}.array({{}})" if is_list and contract.numpy else ""


def _as_array(contract: Contract, data: Data) -> str:
    """The data as an expression that takes an index of axes, as no list and no table does."""
    given = contract.argument("x")
    if given is not None and given.form == "plain":
        return f"{contract.numpy or 'np'}.array({data.name})"
    return filled(data.as_array, data.name)


def _repairs(model: Model, contract: Contract) -> Iterator[Repair]:
    """The same data in the model's shape, written inside the call."""
    if len(contract.x) == 1 and len(model.inputs) > 1:
        yield from _parted(model, contract)
        yield from _grouped(model, contract)
    yield from data_in_order(contract, _order(model, contract))
    if len(contract.x) != 1 or len(model.inputs) != 1:
        return
    data, whole = contract.x[0], _counts_samples(model, contract)
    if whole:
        yield from inputs_for(model, data)
    in_list = _of_list(contract, data)
    if in_list and _fits((1, *data.shape), model.inputs[0].shape):
        yield repaired(contract, ("x", in_list), does="as-array")
        return
    is_batch = whole or _is_batch(contract)
    others = paths(data, model.inputs[0].shape, may_be_sample=not is_batch, may_part=True)
    for path in others:
        does = listed([say(f"fix.data.step.{step}") for step in path.steps])
        values = {"data": filled(path.template, data.name), "does": does, "method": contract.method}
        arguments = ("x", "y") if gives_back(model, contract) else ("x",)
        steps = tuple(WrapData(argument, path.template) for argument in arguments)
        yield Repair(steps, "choice", "data", values, path.template.format("x"))
    if _variant(model, contract) == "one-sample":
        return  # the model is made for such samples: another input for it is no cure
    if not whole and not any(path.steps == ("channels-last",) for path in others):
        yield from inputs_for(model, data)


def gives_back(model: Model, contract: Contract) -> bool:
    """Whether the data are the labels too, and the model's output has the form of its input, not theirs."""
    if len(contract.y) != 1 or len(model.outputs) != 1 or contract.y[0].name != contract.x[0].name:
        return False
    output = model.outputs[0]
    return same_rest(output, model.inputs[0].shape) and not same_rest(output, contract.y[0].shape)


def _parted(model: Model, contract: Contract) -> Iterator[Repair]:
    """One array for several inputs, taken apart."""
    given, wanted = contract.argument("x"), [d.shape for d in model.inputs]
    if given is None or given.form != "array":
        return

    def fits(item: int, part: Shape) -> bool:
        return _fits(part, wanted[item]) and all(y.shape[:1] == part[:1] for y in contract.y)

    for template in parted(given.text, contract.x[0].shape, len(wanted), fits, [w[-1] for w in wanted]):
        yield repaired(contract, ("x", template), does="parted")


def _grouped(model: Model, contract: Contract) -> Iterator[Repair]:
    """Batches with the inputs beside the labels, where Keras takes what stands first for all inputs."""
    arrays, wanted = (*contract.x, *contract.y, *contract.weights), [d.shape for d in model.inputs]
    whole, parts, count = contract.together, [part.text for part in contract.parts], len(model.inputs)
    if whole is None or len(parts) != len(arrays) or len(parts) > count + 2:
        return
    if any(not _fits(a.shape, shape) for a, shape in zip(arrays, wanted, strict=False)) or len(parts) < count:
        return
    inputs = f"({', '.join(parts[:count])})"
    text = f"({', '.join([inputs, *parts[count:]])}{',' if len(parts) == count else ''})"
    values = {"text": text, "was": whole.text, "line": whole.span.start_line}
    yield Repair((Rewrite(whole.span, text),), "choice", "grouped-batch", values, text)


def _inputs(count: int) -> str:
    return say(f"rule.model-refuses-data.inputs.{'one' if count == 1 else 'many'}", n=count)


RULE = Rule("model-refuses-data", check)
