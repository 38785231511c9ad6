"""Data, labels or weights that are no arrays: numbers in lists, an array per sample, arrays of Python objects."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Argument, Contract, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.calls import line_of, repaired
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

_FORMS = ("rows", "plain", "objects", "number")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for arguments that Keras can't cut into batches."""
    contract = model.contract
    if contract is None or contract.method == "call":
        return
    wrong = [a for a in contract.arguments if a.form in _FORMS and a.name != "sample_weight"]
    if not wrong:
        return
    first = min(wrong, key=lambda a: _FORMS.index(a.form))
    shape = first.stacked
    yield Finding(
        severity="error",
        variant="ragged" if shape is None and first.form != "number" else first.form,
        topic="use",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "name": first.text if len(first.text) < 60 else first.name,
            "shape": shape_text(shape) if shape is not None else "",
            "count": shape[0] if shape else 0,
            "numpy": contract.numpy or "np",
        },
        repairs=tuple(_repairs(contract, wrong)),
        keras_message=contract.complaint.failure.message if contract.complaint else None,
        span=contract.span,
    )


def _repairs(contract: Contract, wrong: list[Argument]) -> Iterator[Repair]:
    if not contract.numpy or any(a.stacked is None for a in wrong):
        return
    changes = tuple((a.name, _template(a, contract.numpy)) for a in wrong)
    yield repaired(contract, *changes, does="as-array", safety="safe")


def _template(argument: Argument, numpy: str) -> str:
    if argument.form == "objects":
        whole = argument.stacked is not None and len(argument.stacked) > 1
        return f"{numpy}.stack({{}})" if whole else '{}.astype("float32")'
    return f"{numpy}.array({{}})"


RULE = Rule("plain-lists-as-data", check)
