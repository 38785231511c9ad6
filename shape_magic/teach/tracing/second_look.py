"""A recipe as Keras' own calls on symbols, to be looked at once more with a batch, where formulas may lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shape_magic.teach.recipe import Cut, Node, Recipe, Ref, mapped
from shape_magic.teach.tracing.calls import apply, input_spec
from shape_magic.teach.tracing.forge import Forge
from shape_magic.trace.rows import Step
from shape_magic.trace.stack import flat


class Live:
    """A recipe as Keras' own calls on symbols, to be looked at once more with a batch. In the worker."""

    def __init__(self, forge: Forge) -> None:
        self.steps: list[Step] = []
        self._forge = forge
        self._rows = 0

    def graph(self, recipe: Recipe) -> list[Any]:
        """Call every layer; the steps are then known, and what the outputs are."""
        import keras

        at: dict[Ref, Any] = {}
        for node in recipe.inputs:
            sizes, dtype = input_spec(recipe.layers[node.layer])
            at[Ref(node.id)] = keras.KerasTensor(sizes, dtype=dtype)
        self._through(recipe, at)
        return [at[ref] for ref in recipe.outputs]

    def _through(self, recipe: Recipe, at: dict[Ref, Any]) -> None:
        made: dict[str, Any] = {}
        for node in recipe.nodes:
            layer = recipe.layers[node.layer]
            if layer.is_input:
                continue
            if layer.inside is not None:
                self._nested(node, layer.inside, at)
                continue
            if layer.name not in made:
                made[layer.name] = self._forge.make(layer)
            one = made[layer.name]
            args, kwargs = _live(node, at)
            outputs = flat(apply(one, (args, kwargs)))
            self.steps.append(Step(self._rows, one, args, kwargs, outputs))
            self._rows += 1
            at |= {Ref(node.id, k): t for k, t in enumerate(outputs)}

    def _nested(self, node: Node, inside: Recipe, at: dict[Ref, Any]) -> None:
        import keras

        inner: dict[Ref, Any] = {}
        for one in inside.inputs:
            sizes, dtype = input_spec(inside.layers[one.layer])
            inner[Ref(one.id)] = keras.KerasTensor(sizes, dtype=dtype)
        self.steps.append(Step(None, None, [at[r] for r in node.inputs], {}, list(inner.values())))
        self._through(inside, inner)
        ends = [inner[ref] for ref in inside.outputs]
        outside = [keras.KerasTensor(t.shape, dtype=t.dtype) for t in ends]
        self.steps.append(Step(None, None, ends, {}, outside))
        at |= {Ref(node.id, k): t for k, t in enumerate(outside)}


def _live(node: Node, at: Mapping[Ref, Any]) -> Any:
    """A call's arguments with symbolic tensors in the place of what it reads."""

    def one(value: Ref | Cut) -> Any:
        return at[value] if isinstance(value, Ref) else slice(value.start, value.stop, value.step)

    return mapped((tuple(node.args), dict(node.kwargs)), one)
