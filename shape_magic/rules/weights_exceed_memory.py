"""A model whose weights do not fit into the memory that there is."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import InsertLayer, Repair, ReplaceLayer
from shape_magic.rules.finding import Finding, Rule
from shape_magic.words import number, say, shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding when the weights alone take more than the budget; the largest layer is the place."""
    if model.memory_budget is None or model.bytes <= model.memory_budget or not model.calls:
        return
    largest = max(model.calls, key=lambda c: c.bytes)
    values = {
        "layer": largest.layer,
        "line": largest.span.start_line if largest.span else None,
        "weights": gibibytes(largest.bytes),
        "model_weights": gibibytes(model.bytes),
        "params": largest.params,
        "budget": gibibytes(model.memory_budget),
        # Weights and gradients; Adam keeps two more numbers for each weight (Kingma and Ba, 2015).
        "training": gibibytes(model.bytes * 2),
        "adam": gibibytes(model.bytes * 4),
        "inputs": largest.input_shape[-1] if largest.input_shape else 0,
        "units": largest.output_shape[-1] if largest.output_shape else 0,
        "input": shape_text(largest.input_shape or (), batch="batch"),
    }
    yield Finding(
        severity="error",
        variant="dense" if largest.is_a("Dense") and largest.bytes > model.memory_budget else "layer",
        topic="memory",
        call=largest.call,
        values=values,
        repairs=tuple(_repairs(model, largest)),
        actual=largest.input_shape,
    )


def gibibytes(size: int) -> str:
    """A size in the unit that people read: ``"49 GiB"``, ``"512 MiB"``."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= scale:
            value = size / scale if size < scale << 64 else size // scale  # no float holds all sizes
            return f"{number(value if value < 100 else round(value))} {unit}"
    return say("size.bytes", n=size)


def _repairs(model: Model, largest: Call) -> Iterator[Repair]:
    number = largest.inputs[0] if len(largest.inputs) == 1 else -1
    while number >= 0 and model.calls[number].is_a("Dropout", "BatchNormalization", "Activation"):
        number = model.calls[number].inputs[0]
    source = model.calls[number] if number >= 0 else None
    if source is None or not source.is_a("Flatten") or source.input_shape is None:
        return
    rank = len(source.input_shape) - 2
    if rank not in (1, 2, 3):
        return
    values = {"old": source.layer, "layer": largest.layer}
    for kind, message in (("Average", "average-instead"), ("Max", "maximum-instead")):
        name = f"Global{kind}Pooling{rank}D"
        yield Repair((ReplaceLayer(source.call, name),), "choice", message, {**values, "new": name}, name)
    grid = [d for d in source.input_shape[1:-1] if d is not None]
    size = max(2, min(grid, default=2) // 7)
    if len(grid) == rank and min(grid) // size >= 1:
        name = f"MaxPooling{rank}D"
        yield Repair(
            (InsertLayer(source.call, name, str(size)),),
            "choice",
            "pool-first",
            {**values, "new": name, "size": size},
            f"{name}({size})",
        )


RULE = Rule("weights-exceed-memory", check)
