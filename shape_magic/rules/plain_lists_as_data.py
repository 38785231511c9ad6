"""Data, labels or weights that are no arrays: numbers in lists, an array per sample, arrays of Python objects."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Argument, Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.calls import line_of, repaired
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import shape_text

_FORMS = ("rows", "plain", "text", "words", "objects", "number")


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for arguments that Keras can't cut into batches."""
    contract = model.contract
    if contract is None or contract.method == "call":
        return
    given = [a for whole in contract.arguments for a in (whole, *whole.parts)]
    wrong = [a for a in given if a.form in _FORMS and a.name != "sample_weight"]
    if not wrong:
        return
    first = min(wrong, key=lambda a: _FORMS.index(a.form))
    shape = first.stacked
    yield Finding(
        severity="error",
        variant=_variant(first),
        topic="use",
        call=None,
        values={
            "method": contract.method,
            "line": line_of(contract),
            "name": first.text if len(first.text) < 60 else first.name,
            "shape": shape_text(shape) if shape is not None else "",
            "count": shape[0] if shape else 0,
            "numpy": contract.numpy or "np",
            "dtype": first.dtype or "object",
        },
        repairs=tuple(_repairs(model, contract, wrong)),
        keras_message=contract.complaint.failure.message if contract.complaint else None,
        span=contract.span,
        place="labels" if first.name == "y" else "input",
    )


def _variant(argument: Argument) -> str:
    if argument.form == "number":
        return "number"
    if argument.form == "words":
        return "words"
    if argument.stacked is None:
        return "ragged"
    if argument.form == "text":
        return "text"
    if argument.form == "rows":
        return "rows"
    return "objects" if argument.form == "objects" else "plain"


def _repairs(model: Model, contract: Contract, wrong: list[Argument]) -> Iterator[Repair]:
    if len(wrong) == 1 and wrong[0].padded and wrong[0].name == "x":
        yield _padded(model, contract, wrong[0].padded)
        return
    if not contract.numpy or not all(_can_be_made(a) for a in wrong):
        return
    if any(a.item is not None for a in wrong):
        yield from _of_part(contract, wrong)
        return
    changes = tuple((a.name, _template(a, contract)) for a in wrong)
    forms = {a.form for a in wrong}
    does = _DOES.get(next(iter(forms)), "as-array") if len(forms) == 1 else "as-array"
    yield repaired(contract, *changes, does=does, safety="choice" if "words" in forms else "safe")


def _padded(model: Model, contract: Contract, dtype: str) -> Repair:
    """Zeros in front of the shorter rows."""
    sizes = model.inputs[0].shape if len(model.inputs) == 1 else ()
    length = sizes[1] if len(sizes) > 1 else None
    options = "" if length is None else f", maxlen={length}"
    options += "" if dtype == "int32" else f', dtype="{dtype}"'
    return repaired(contract, ("x", f"keras.utils.pad_sequences({{}}{options})"), does="padded")


def _of_part(contract: Contract, wrong: list[Argument]) -> Iterator[Repair]:
    """The repair of the only one of several arrays that is no array for Keras, where it has a place in a list."""
    part = wrong[0]
    if len(wrong) == 1 and isinstance(part.item, int):
        change = part.name, _template(part, contract)
        does = _DOES.get(part.form, "as-array")
        yield repaired(contract, change, does=does, item=part.item, written=part.text, safety="safe")


#: What a repair does where all arguments are of one form; else it makes arrays.
_DOES = {"objects": "numbers", "text": "texts", "words": "classes"}


def _can_be_made(argument: Argument) -> bool:
    """Whether it can be made an array that Keras takes: words can where they are the classes' names."""
    if argument.form == "words":
        return argument.name == "y" and len(argument.stacked or ()) == 1
    return argument.stacked is not None


def _template(argument: Argument, contract: Contract) -> str:
    if argument.form == "text":
        column = "[:, 0]" if len(argument.stacked or ()) == 2 else ""
        decoded = ".astype(str)" if argument.dtype.startswith("|S") else ""
        return f"{contract.numpy}.asarray({{}}{decoded}, dtype=object){column}"
    if argument.form == "words":
        return f"{contract.numpy}.unique({{}}, return_inverse=True)[1]"
    if argument.form != "objects":
        return f"{contract.numpy}.array({{}})"
    given = _data(contract, argument)
    nested = bool(given) and len(given[0].shape) < len(argument.stacked or ())
    return f"{contract.numpy}.stack({{}})" if nested else '{}.astype("float32")'


def _data(contract: Contract, argument: Argument) -> tuple[Data, ...]:
    data = contract.x if argument.name == "x" else contract.y
    return data[argument.item : argument.item + 1] if isinstance(argument.item, int) else data


RULE = Rule("plain-lists-as-data", check)
