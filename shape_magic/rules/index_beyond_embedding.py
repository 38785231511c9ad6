"""Numbers that an Embedding is to look up and has no vector for, or a CategoryEncoding no place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shape_magic.facts import Call, Contract, Data, Facts, Model
from shape_magic.repair.steps import Repair, SetArgument
from shape_magic.rules.calls import line_of
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.renamed import data_in_order, order_of_data

#: Layers that move numbers about and change none.
_MOVE = ("Reshape", "Flatten", "Permute", "RepeatVector")
#: Layers that have a row or a place for each number from 0 on, with the argument that says how many.
_SIZED = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens"}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first layer whose numbers run beyond ``input_dim`` or ``num_tokens``, or below 0.

    On a CPU TensorFlow's ``gather`` stops at a number that is too large, on a GPU it does not; Keras'
    ``ops.take`` counts negative ones from the end.
    """
    for contract in _contracts(model):
        for call in model.calls:
            name = _sized_by(call)
            size, data = call.arguments.get(name), _looked_up(model, contract, call)
            if type(size) is not int or data is None or data.indices is None:
                continue
            least, most = data.indices
            # Below 0 a CategoryEncoding stops or goes on by its mode.
            if most >= size or (least < 0 and name == "input_dim"):
                yield _finding(contract, call, data, size, _order(model, contract))
                return


def _order(model: Model, contract: Contract) -> Sequence[int]:
    """The order of the arrays in which all numbers have a row; empty where they have none in any other."""
    rows: dict[int, int] = {}
    for call in model.calls:
        size, data = call.arguments.get(_sized_by(call)), _looked_up(model, contract, call)
        if data is not None and type(size) is int:
            place = contract.x.index(data)
            rows[place] = min(size, rows.get(place, size))

    def fits(place: int, item: int) -> bool:
        numbers, data = contract.x[item].indices, contract.x[item]
        if data.shape[1:] != contract.x[place].shape[1:]:
            return False
        return place not in rows or (numbers is not None and 0 <= numbers[0] <= numbers[1] < rows[place])

    return order_of_data(model, contract, fits)


def _sized_by(call: Call) -> str:
    return next((argument for kind, argument in _SIZED.items() if call.is_a(kind)), "")


def _contracts(model: Model) -> Iterator[Contract]:
    """The call that uses the model, and the one by which it validates.

    What the code of a ``call`` of the user's does to its data is no layer, so nothing is known of what arrives there.
    """
    if model.contract is not None and model.failed_call is None and model.kind != "Model":
        yield from (c for c in (model.contract, model.contract.validation) if c is not None and not c.failure)


def _looked_up(model: Model, contract: Contract, call: Call) -> Data | None:
    """The data that such a layer reads as they are."""
    if not _sized_by(call) or len(call.inputs) != 1:
        return None
    source = call.inputs[0]
    while source >= 0 and model.calls[source].is_a(*_MOVE):
        source = model.calls[source].inputs[0]
    at = -1 - source
    return contract.x[at] if 0 <= at < len(contract.x) == len(model.inputs) else None


def _finding(contract: Contract, call: Call, data: Data, size: int, order: Sequence[int]) -> Finding:
    least, most = data.indices or (0, 0)
    is_larger, stops = most >= size, call.is_a("Embedding")
    repairs = (_repair(call, size, most + 1),) if is_larger and least >= 0 else ()
    return Finding(
        severity="error" if stops and (is_larger or least < -size) else "warning",
        variant="swapped" if order else "no-place" if not stops else "larger" if is_larger else "negative",
        topic="data",
        call=call.call,
        values={
            "layer": call.layer,
            "method": contract.method,
            "line": line_of(contract),
            "data": data.name,
            "least": least,
            "most": most,
            "size": size,
            "last": size - 1,
        },
        repairs=(*data_in_order(contract, order), *repairs),
        actual=data.shape,
        related=((contract.span, "use"),),
    )


def _repair(call: Call, size: int, wanted: int) -> Repair:
    """As many rows as the numbers ask for: ``len(words) + 1``, if one is all that is missing."""
    name = _sized_by(call)
    step = SetArgument(call.call, name, str(wanted), 0)
    if wanted == size + 1:
        one_more, kind = replace(step, computed="{} + 1"), "one-row-more" if name == "input_dim" else "one-place-more"
        return Repair((one_more,), "choice", kind, {"layer": call.layer}, f"{name} + 1")
    argument = f"{name}={wanted}"
    return Repair((step,), "choice", "argument", {"layer": call.layer, "argument": argument}, argument)


RULE = Rule("index-beyond-embedding", check)
