"""Sample weights or class weights that do not belong to the labels."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import ClassWeights, Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.calls import line_of, repaired
from shape_magic.rules.finding import Finding, Rule
from shape_magic.spans import Shape
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for weights that Keras refuses, or multiplies with what they do not belong to."""
    contract = model.contract
    if contract is None or not contract.arguments:
        return
    variant = _variant_of_form(contract) or _variant_of_classes(contract) or _variant_of_shapes(contract)
    if variant is None:
        return
    weights, y = contract.argument("sample_weight"), contract.y[0] if contract.y else None
    yield Finding(
        severity="warning" if variant in ("class-missing", "class-names", "silent") else "error",
        variant=variant,
        topic="weights",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "weights": weights.text if weights and len(weights.text) < 60 else "sample_weight",
            "shape": shape_text(contract.weights[0].shape, batch="batch") if contract.weights else "",
            "wanted": shape_text(_values_shape(contract), batch="batch"),
            "labels": y.name if y else "y",
            "labels_shape": shape_text(y.shape, batch="batch") if y else "",
            "missing": ", ".join(map(str, contract.class_weight.missing[:5])) if contract.class_weight else "",
            "outputs": len(contract.outputs),
            "given": contract.class_weight.text if contract.class_weight else "",
            "numpy": contract.numpy or "np",
        },
        repairs=tuple(_repairs(variant, contract)),
        keras_message=_keras(contract),
        span=contract.span,
    )


def _variant_of_form(contract: Contract) -> str | None:
    """What is wrong with the way in which the weights are given."""
    weights = contract.argument("sample_weight")
    if weights is None or weights.form == "absent":
        return None
    if contract.class_weight is not None:
        return "both"
    if weights.form == "number":
        return "number"
    return "list" if weights.form == "plain" else None


def _variant_of_classes(contract: Contract) -> str | None:
    given, x = contract.class_weight, contract.argument("x")
    if given is not None and given.form != "dict":
        return "class-row" if given.form == "row" else "class-other"
    if given is None or x is None or x.form not in ("array", "several", "named", "rows", "plain"):
        return None
    if len(contract.outputs) > 1 and len(contract.y) > 1:
        return "class-outputs"
    if len(contract.y) != 1:
        return None
    if len(_class_axis(contract.y[0])) > 1:
        return "class-positions"
    return _variant_of_cover(given)


def _class_axis(y: Data) -> Shape:
    """The labels without the axis that Keras reads as the classes, in ``class_weight_to_sample_weights``."""
    return y.shape[:-1] if len(y.shape) > 1 else y.shape


def _variant_of_cover(given: ClassWeights) -> str | None:
    if not given.classes:
        return "class-names"
    # A weight for one class alone is a way to say that it counts more than the rest.
    return "class-missing" if given.missing and len(given.classes) > 1 else None


def _variant_of_shapes(contract: Contract) -> str | None:
    if contract.weights_failure is not None:
        return "shape"
    if len(contract.weights) != 1 or len(contract.losses) != 1 or not contract.losses[0].known or not contract.outputs:
        return None
    if contract.losses[0].failure is not None or len(contract.y) != 1:
        return None
    weights, values = contract.weights[0].shape, _values_shape(contract)
    if len(weights) == len(values) + 1 and weights[-1] == 1:
        weights = weights[:-1]
    elif len(values) == len(weights) + 1 and values[-1] == 1:
        values = values[:-1]
    fits = len(weights) == len(values) and all(
        a in (b, 1) or a is None or b is None for a, b in zip(weights[1:], values[1:], strict=True)
    )
    return None if fits else "silent"


def _values_shape(contract: Contract) -> Shape:
    """The loss has one value for each place of the output without its last axis."""
    if not contract.outputs:
        return ()
    output = contract.outputs[0]
    return output[:-1] if len(output) > 1 else output


def _keras(contract: Contract) -> str | None:
    found = contract.weights_failure or (contract.complaint.failure if contract.complaint else None)
    return found.message if found else None


def _repairs(variant: str, contract: Contract) -> Iterator[Repair]:
    if variant == "list" and contract.numpy:
        yield repaired(contract, ("sample_weight", f"{contract.numpy}.array({{}})"), does="as-array", safety="safe")
    if variant == "class-row" and contract.class_weight is not None:
        text = contract.class_weight.text
        yield repaired(contract, ("class_weight", "dict(enumerate({}))"), does="by-class", written=text, safety="safe")
    if variant == "number":
        yield repaired(contract, ("sample_weight", "None"), does="no-weights")
    if variant not in ("shape", "silent") or not contract.weights:
        return
    shape, values = contract.weights[0].shape, _values_shape(contract)
    if len(shape) == 1 and len(values) > 1:
        yield repaired(contract, ("sample_weight", f"{{}}[:{', None' * (len(values) - 1)}]"), does="per-step")


RULE = Rule("weights-against-labels", check)
