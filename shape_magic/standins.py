"""What a call returns when it is checked and not run: the right type and shape, no memory."""

from __future__ import annotations

from typing import Any

from shape_magic.capture.session import Use
from shape_magic.facts import Contract
from shape_magic.trace.rows import graph_of


class NoStandIn(Exception):
    """Nothing is known of what the call would return, so the run can't go on past it."""


def stand_in(use: Use, contract: Contract | None) -> Any:
    """The value to answer a checked call with; raises ``NoStandIn``."""
    if use.method == "fit":
        return _history(use, contract)
    if use.method in ("predict", "predict_on_batch", "call"):
        return _prediction(use, contract)
    names = ["loss", *(m.name for m in contract.metrics)] if contract else ["loss"]
    if use.arguments.get("return_dict"):
        return dict.fromkeys(names, 0.0)
    return 0.0 if len(names) == 1 else [0.0] * len(names)


def _history(use: Use, contract: Contract | None) -> Any:
    import keras

    epochs = contract.epochs if contract and contract.epochs else 1
    names = ["loss", *(m.name for m in contract.metrics)] if contract else ["loss"]
    if use.arguments.get("validation_data") is not None or use.arguments.get("validation_split"):
        names += [f"val_{n}" for n in names]
    history = keras.callbacks.History()
    history.params = {"epochs": epochs}
    history.epoch = list(range(epochs))
    history.history = {name: [0.0] * epochs for name in names}
    return history


def _zeros(sizes: tuple[int, ...]) -> Any:
    """Zeros that take no memory: the system gives pages only when they are written."""
    import numpy as np

    try:
        return np.zeros(sizes, "float32")
    except (MemoryError, ValueError):  # more than can be asked for: to be looked at only
        return np.broadcast_to(np.float32(0), sizes)


def _prediction(use: Use, contract: Contract | None) -> Any:
    if contract is None or not contract.outputs or not contract.x:
        raise NoStandIn
    count = contract.x[0].shape[0] if contract.x[0].shape else None
    arrays = []
    for shape in contract.outputs:
        sizes = (count, *shape[1:])
        if any(d is None for d in sizes):
            raise NoStandIn
        arrays.append(_zeros(tuple(d for d in sizes if d is not None)))
    from keras import ops, tree

    if use.method == "call":
        arrays = [ops.convert_to_tensor(a) for a in arrays]
    struct = getattr(graph_of(use.model), "_outputs_struct", None)
    if isinstance(struct, dict) and len(tree.flatten(struct)) == len(arrays):
        return tree.pack_sequence_as(struct, arrays)
    return arrays[0] if len(arrays) == 1 else arrays
