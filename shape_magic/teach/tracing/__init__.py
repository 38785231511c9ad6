"""Recipes and Keras: from a model to its recipe, and from a recipe to the facts that the rules read.

The one place of the playground that touches Keras. The user's model is only read; whatever has to
be called is made anew in the worker, where no weight gets a value. What a layer does with an input
is kept as plain data, so that after an edit only what changed is traced again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Call, Model, Run
from shape_magic.teach.recipe import Layer, Recipe
from shape_magic.teach.tracing.answers import Answers, Contracts
from shape_magic.teach.tracing.calls import Calls, input_of
from shape_magic.teach.tracing.forge import Forge, plain_config
from shape_magic.teach.tracing.second_look import Live
from shape_magic.teach.tracing.walk import Walk
from shape_magic.trace.axes import with_axes
from shape_magic.trace.memory import available
from shape_magic.trace.probe import runs
from shape_magic.trace.worker import apart


class Tracer:
    """Traces recipes of one model, and remembers what it has seen."""

    def __init__(self, classes: Mapping[str, type], answers: Answers) -> None:
        self.forge = Forge(classes)
        self._calls = Calls(self.forge)
        self._contracts = Contracts(answers)
        self._runs: dict[str, dict[int, Run]] = {}

    def model(self, recipe: Recipe, turned: Layer | None = None) -> Model:
        """The model of a recipe as facts, with what it is compared with.

        Raises ``UsageError`` where Keras does not make the layer that was ``turned``, also when none calls it.
        """
        walk = Walk(self._calls, recipe)
        if not self._is_known(walk, turned):
            apart(lambda: self._find_out(walk, turned))
        calls = walk.calls
        inputs = tuple(input_of(recipe.layers[n.layer]) for n in recipe.inputs)
        reached = [walk.specs.get(ref) for ref in recipe.outputs]
        outputs = tuple(spec[0] for spec in reached if spec is not None) if all(reached) else ()
        if walk.doubtful and outputs:
            found = self._second_look(recipe)
            calls = [_with_run(c, found.get(c.call)) for c in calls]
        named = with_axes(tuple(calls), tuple(d.shape for d in inputs))
        failed = next((c.failure for c in calls if c.failure), None)
        return Model(
            name=recipe.name,
            keras_name=recipe.name,
            kind=recipe.kind,
            params=sum(c.params for c in calls),
            bytes=sum(c.bytes for c in calls),
            inputs=inputs,
            calls=named,
            outputs=outputs,
            span=None,
            contract=self._contracts.contract(recipe, inputs, [s for s in reached if s is not None], failed),
            ends=tuple(walk.sources.get(ref, -1) for ref in recipe.outputs),
            memory_budget=available(),
        )

    def foresee(self, recipe: Recipe, turned: Layer) -> None:
        """Find out what layers give in a recipe that may be asked for next; raises as ``model`` does."""
        walk = Walk(self._calls, recipe)
        if not self._is_known(walk, turned):
            apart(lambda: self._find_out(walk, turned))

    def _find_out(self, walk: Walk, turned: Layer | None) -> None:
        if turned is not None:
            self.forge.check(turned)
        walk.start(fresh=True)

    def _is_known(self, walk: Walk, turned: Layer | None) -> bool:
        """Whether all of it was seen before; then nothing of Keras is needed."""
        if turned is not None and not self.forge.has_made(turned):
            return False
        try:
            walk.start(fresh=False)
        except LookupError:
            return False
        return True

    def _second_look(self, recipe: Recipe) -> dict[int, Run]:
        """What the real calls do other than their formulas say, by row."""
        key = recipe_key(recipe)
        if key not in self._runs:

            def look() -> dict[int, Run]:
                with unobserved(), self.forge.custom_scope():
                    live = Live(self.forge)
                    ends = live.graph(recipe)
                    return runs(Session(), live.steps, ends)

            self._runs[key] = apart(look)
        return self._runs[key]


def recipe_key(recipe: Recipe) -> str:
    """What makes two recipes the same to a trace."""
    layers = {
        name: [layer.module, layer.class_name, layer.config, layer.inside and recipe_key(layer.inside)]
        for name, layer in recipe.layers.items()
    }
    calls = [[n.id, n.layer, repr(n.args), repr(n.kwargs)] for n in recipe.nodes]
    return json.dumps([layers, calls, repr(recipe.outputs)], sort_keys=True)


def _with_run(call: Call, run: Run | None) -> Call:
    return call if run is None else replace(call, run=run)


__all__ = ["Answers", "Forge", "Tracer", "plain_config", "recipe_key"]
