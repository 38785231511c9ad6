"""What a model is compared with: labels and loss, asked of Keras with a stub in the model's place."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.session import Tracked, Use
from shape_magic.facts import Contract, Data, Failure
from shape_magic.teach.recipe import Recipe
from shape_magic.teach.tracing.calls import Spec
from shape_magic.trace.contract import contract_facts
from shape_magic.trace.models import Shaped
from shape_magic.trace.training import STEPS


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model is compared with: labels, and what it was compiled with. Held here, never shown around."""

    y: Any = None
    y_name: str = "y"
    loss: Any = None
    metrics: Any = None


class Contracts:
    """What a model's outputs are to its labels, found out once for each set of outputs."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self._known: dict[str, Contract] = {}

    def contract(
        self, recipe: Recipe, inputs: tuple[Data, ...], outputs: Sequence[Spec], failed: Failure | None
    ) -> Contract | None:
        answers = self.answers
        if answers.y is None:
            return None
        names = [ref.node for ref in recipe.outputs]
        key = json.dumps([[d.shape for d in inputs], outputs, names, failed and failed.message])
        if key not in self._known:
            model = _stub(names)
            x: Any = [Shaped(d.shape) for d in inputs]
            arguments = {"x": x if len(x) != 1 else x[0], "y": answers.y}
            texts = {"x": inputs[0].name if inputs else "x", "y": answers.y_name}
            use = Use(model, "fit", arguments, None, texts, real=False)
            tracked = _tracked(model, answers)

            def outputs_for(_: Any, batch: int | None) -> tuple[list[Any], Failure | None]:
                import keras

                return [keras.KerasTensor((batch, *s[1:]), dtype=t) for s, t in outputs], failed

            self._known[key] = contract_facts(tracked, use, outputs_for, {})
        return self._known[key]


def _stub(outputs: Sequence[str]) -> Any:
    """Stands for the model where only its class' methods and its outputs' names are asked for."""
    import keras

    known = {name: getattr(keras.Model, name) for name in STEPS if hasattr(keras.Model, name)}
    cls = type("Functional", (), {**known, "__module__": "keras.models"})
    stub: Any = cls()
    stub._nodes_by_depth, stub.inputs, stub.output_names, stub._layers = {}, [], list(outputs), ()
    return stub


def _tracked(model: Any, answers: Answers) -> Any:
    compiled = {"loss": answers.loss, "metrics": answers.metrics}
    return Tracked(0, weakref.ref(model), None, compiled=compiled)
