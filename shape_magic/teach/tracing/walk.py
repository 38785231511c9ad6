"""One way through a recipe: what each call gives, as rows of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shape_magic.facts import Call, Failure
from shape_magic.teach.recipe import Layer, Node, Recipe, Ref
from shape_magic.teach.tracing.calls import Calls, Outcome, Spec, fitted, input_spec, plain_call
from shape_magic.trace.arguments import plain_values


class Walk:
    """One way through a recipe: what each call gives, as rows of the ladder."""

    def __init__(self, known: Calls, recipe: Recipe) -> None:
        self._known = known
        self._recipe = recipe
        self._fresh = False
        self._begin()

    def _begin(self) -> None:
        self.calls: list[Call] = []
        #: By output of a call of the outermost recipe: its spec, and the row that gives it.
        self.specs: dict[Ref, Spec] = {}
        self.sources: dict[Ref, int] = {}
        #: Whether some shape formula can't be believed.
        self.doubtful = False
        self._index = 0

    def start(self, *, fresh: bool) -> None:
        """Walk; ``fresh``: what was not seen before is found out (in the worker)."""
        self._begin()
        self._fresh = fresh
        for k, node in enumerate(self._recipe.inputs):
            ref = Ref(node.id)
            self.specs[ref], self.sources[ref] = input_spec(self._recipe.layers[node.layer]), -1 - k
        self._through(self._recipe, self.specs, self.sources, ())

    def _through(self, recipe: Recipe, specs: dict[Ref, Spec], sources: dict[Ref, int], path: tuple[str, ...]) -> None:
        built: dict[str, Any] = {}
        for node in recipe.nodes:
            layer = recipe.layers[node.layer]
            if layer.is_input:
                continue
            if layer.inside is not None:
                self._nested(node, layer, specs, sources, path)
            else:
                self._call(node, layer, specs, sources, path, built)

    def _call(
        self,
        node: Node,
        layer: Layer,
        specs: dict[Ref, Spec],
        sources: dict[Ref, int],
        path: tuple[str, ...],
        built: dict[str, Any],
    ) -> None:
        given = [specs.get(ref) for ref in node.inputs]
        if any(spec is None for spec in given):
            self._row(node, layer, None, sources, given, path, again=layer.name in built)
            return
        call = plain_call(node, specs)
        first = built.setdefault(layer.name, call)
        outcome = self._known.outcome(layer, first, call, fresh=self._fresh)
        again = first is not call
        self.doubtful = self.doubtful or not outcome.exact or (again and first != call)
        number = self._row(node, layer, outcome, sources, given, path, again=again)
        for k, spec in enumerate(outcome.outputs):
            specs[Ref(node.id, k)], sources[Ref(node.id, k)] = spec, number

    def _row(
        self,
        node: Node,
        layer: Layer,
        outcome: Outcome | None,
        sources: dict[Ref, int],
        given: Sequence[Spec | None],
        path: tuple[str, ...],
        *,
        again: bool,
    ) -> int:
        number = len(self.calls)
        known = outcome or Outcome(arguments=plain_values(layer.config))
        index = None
        if not path and not layer.is_operation:
            index, self._index = self._index, self._index + 1
        for k in range(max(len(known.outputs), 1)):
            sources.setdefault(Ref(node.id, k), number)
        self.calls.append(
            Call(
                call=number,
                index=index,
                layer=layer.name,
                class_name=layer.class_name,
                path=(*path, layer.name),
                inputs=tuple(sources.get(ref, -1) for ref in node.inputs),
                arguments=known.arguments,
                input_shapes=tuple(spec[0] for spec in given if spec is not None),
                output_shapes=tuple(spec[0] for spec in known.outputs),
                input_axes=(),
                output_axes=(),
                params=0 if again else known.params,
                bytes=0 if again else known.bytes,
                span=None,
                placed=None,
                # Only for rules that ask how the arguments were written: then they are as they were.
                exact=bool(layer.positional),
                positional=layer.positional,
                bases=known.bases,
                wrapped_bases=known.wrapped_bases,
                wrapped_arguments=known.wrapped_arguments,
                wants_rank=known.wants_rank,
                failure=known.failure,
            )
        )
        return number

    def _nested(
        self,
        node: Node,
        layer: Layer,
        specs: dict[Ref, Spec],
        sources: dict[Ref, int],
        path: tuple[str, ...],
    ) -> None:
        """A model within: its own rows as it was made, and what it gives for what it is given here."""
        inside = layer.inside
        assert inside is not None
        given = [specs.get(ref) for ref in node.inputs]
        if any(spec is None for spec in given):
            self._row(node, layer, None, sources, given, path, again=False)
            return
        failure, outputs = self._inside_with(inside, [spec for spec in given if spec is not None])
        if failure is not None:
            bases: tuple[str, ...] = (inside.kind, "Model", "Layer")
            self._row(node, layer, Outcome(bases=bases, failure=failure), sources, given, path, again=False)
            return
        own: dict[Ref, Spec] = {}
        origin: dict[Ref, int] = {}
        for k, (inner, ref) in enumerate(zip(inside.inputs, node.inputs, strict=False)):
            own[Ref(inner.id)] = input_spec(inside.layers[inner.layer])
            origin[Ref(inner.id)] = sources.get(ref, -1 - k)
        self._through(inside, own, origin, (*path, layer.name))
        for k, (ref, spec) in enumerate(zip(inside.outputs, outputs, strict=True)):
            specs[Ref(node.id, k)], sources[Ref(node.id, k)] = spec, origin.get(ref, -1)

    def _inside_with(self, inside: Recipe, given: Sequence[Spec]) -> tuple[Failure | None, list[Spec]]:
        """What the layers within, made for their own input, give for another one."""
        own: dict[Ref, Spec] = {}
        here: dict[Ref, Spec] = {}
        for inner, spec in zip(inside.inputs, given, strict=False):
            wanted = input_spec(inside.layers[inner.layer])
            own[Ref(inner.id)], here[Ref(inner.id)] = wanted, fitted(spec, wanted)
            self.doubtful = self.doubtful or spec[0][1:] != wanted[0][1:]
        first: dict[str, Any] = {}
        for node in inside.nodes:
            layer = inside.layers[node.layer]
            if layer.is_input:
                continue
            failure = self._step_inside(node, layer, own, here, first)
            if failure is not None:
                return failure, []
        return None, [here[ref] for ref in inside.outputs]

    def _step_inside(
        self, node: Node, layer: Layer, own: dict[Ref, Spec], here: dict[Ref, Spec], first: dict[str, Any]
    ) -> Failure | None:
        for specs in (own, here):
            given = [specs[ref] for ref in node.inputs]
            if layer.inside is not None:
                failure, outputs = self._inside_with(layer.inside, given)
            else:
                call = plain_call(node, specs)
                built = first.setdefault(layer.name, call)
                outcome = self._known.outcome(layer, built, call, fresh=self._fresh, within=True)
                failure, outputs = outcome.failure, list(outcome.outputs)
            if failure is not None:
                return failure
            specs |= {Ref(node.id, k): spec for k, spec in enumerate(outputs)}
        return None
