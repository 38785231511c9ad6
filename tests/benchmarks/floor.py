"""Our trace of a stack that is not built, beside Keras alone called on the same layers: no trace can take less."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from shape_magic.trace.worker import apart
from tests.benchmarks import ours, subjects
from tests.benchmarks.rows import Group, Row, row
from tests.benchmarks.side_by_side import Side, in_turn, ratio, timed

_INPUT = (None, 224, 224, 3)
STACKS: dict[str, Callable[[], list[Any]]] = {
    "VGG16's layers": subjects.vgg16_layers,
    "100 unlike layers": lambda: subjects.unlike_layers(100),
}


def _called(layers: list[Any]) -> Any:
    def one_after_another() -> Any:
        tensor = keras.KerasTensor(_INPUT)
        for layer in layers:
            tensor = layer(tensor)
        return tensor

    return apart(one_after_another)


def _traced(model: Any) -> Any:
    facts = ours.trace(model, _INPUT)
    assert [call.layer for call in facts.calls if call.output_shape] == [layer.name for layer in model.layers]
    return facts


def _rows(name: str, make: Callable[[], list[Any]]) -> tuple[Row, Row, Row]:
    def fresh() -> Any:
        ours.forget()
        return keras.Sequential(make())

    def traced() -> Any:
        model = fresh()
        _traced(model)
        return model

    def alike() -> Any:
        traced()
        return keras.Sequential(make())

    first = Side("first trace", timed(_traced, fresh))
    second = Side("second trace", timed(_traced, traced))
    other = Side("trace of others alike", timed(_traced, alike))
    bare = Side("bare Keras", timed(_called, make))
    a, again, anew, b = in_turn(first, second, other, bare, seconds=10)
    return (
        row(name, "bare symbolic calls of Keras", "×", ratio(a, b), a, b, goal=1.3),
        row(f"{name}, again", "the first trace", "×", ratio(again, a), again, a, goal=0.05),
        row(f"{name}, made anew", "the first trace", "×", ratio(anew, a), anew, a),
    )


def measure() -> Group:
    """The rows of the group."""
    first, again, anew = zip(*(_rows(name, make) for name, make in STACKS.items()), strict=True)
    return Group("floor", "Tracing a stack that Keras has not built", (*first, *again, *anew))
