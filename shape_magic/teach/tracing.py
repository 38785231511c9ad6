"""Recipes and Keras: from a model to its recipe, and from a recipe to the facts that the rules read.

The one module of the playground that touches Keras. The user's model is only read; whatever has to
be called is made anew in the worker, where no weight gets a value. What a layer does with an input
is kept as plain data, so that after an edit only what changed is traced again.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session, Use
from shape_magic.errors import UsageError
from shape_magic.facts import Call, Contract, Data, Failure, Model, Run, Shape
from shape_magic.teach.recipe import Config, Layer, Node, Recipe, Ref, mapped
from shape_magic.trace import layers as describe
from shape_magic.trace.axes import with_axes
from shape_magic.trace.contract import contract_facts
from shape_magic.trace.exact import is_exact
from shape_magic.trace.failures import failure_of
from shape_magic.trace.memory import available
from shape_magic.trace.models import Shaped
from shape_magic.trace.probe import runs
from shape_magic.trace.rows import Step, is_layer, shape
from shape_magic.trace.stack import flat
from shape_magic.trace.worker import apart
from shape_magic.words import say

#: A tensor as plain data: its shape and its dtype.
Spec = tuple[Shape, str]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model is compared with: labels, and what it was compiled with. Held here, never shown around."""

    y: Any = None
    y_name: str = "y"
    loss: Any = None
    metrics: Any = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one call of a layer gives, as plain data."""

    outputs: tuple[Spec, ...] = ()
    params: int = 0
    bytes: int = 0
    arguments: Mapping[str, object] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    wrapped_bases: tuple[str, ...] = ()
    wrapped_arguments: Mapping[str, object] = field(default_factory=dict)
    wants_rank: int | None = None
    failure: Failure | None = None
    #: Whether its shape formula says all that its call would.
    exact: bool = True


class Tracer:
    """Traces recipes of one model, and remembers what it has seen."""

    def __init__(self, classes: Mapping[str, type], answers: Answers) -> None:
        #: Classes that are not Keras' own, by their name in configurations.
        self.classes = classes
        self.answers = answers
        self._outcomes: dict[str, _Outcome] = {}
        self._contracts: dict[str, Contract] = {}
        self._runs: dict[str, dict[int, Run]] = {}
        self._arguments: dict[str, tuple[list[Any], dict[str, Any]]] = {}

    # -- facts

    def model(self, recipe: Recipe) -> Model:
        """The model of a recipe as facts, with what it is compared with."""
        walk = _Walk(self, recipe)
        if not self._is_known(walk):
            apart(lambda: walk.start(fresh=True))
        calls = walk.calls
        inputs = tuple(_input_of(recipe.layers[n.layer]) for n in recipe.inputs)
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
            contract=self._contract(recipe, inputs, [s for s in reached if s is not None], failed),
            ends=tuple(walk.sources.get(ref, -1) for ref in recipe.outputs),
            memory_budget=available(),
        )

    def _is_known(self, walk: _Walk) -> bool:
        """Whether all of it was seen before; then nothing of Keras is needed."""
        try:
            walk.start(fresh=False)
        except LookupError:
            return False
        return True

    def outcome(self, layer: Layer, first: Any, call: Any, *, fresh: bool) -> _Outcome:
        """What a layer that was built on ``first`` gives when it is called with these arguments.

        Raises LookupError for what was not seen before, unless it may be found out (in the worker).
        """
        key = json.dumps([layer.module, layer.class_name, layer.config, layer.name, first, call], sort_keys=True)
        if key not in self._outcomes:
            if not fresh:
                raise LookupError
            with unobserved(), self._custom():
                self._outcomes[key] = self._called(layer, first, call)
        return self._outcomes[key]

    def _called(self, layer: Layer, first: Any, call: Any) -> _Outcome:
        made = self.make(layer)
        known = _known(made)
        try:
            if first != call:
                _apply(made, _symbols(first))
            given = _symbols(call)
            outputs = _apply(made, given)
        except Exception as error:  # noqa: BLE001 - what Keras raises is the finding
            return _Outcome(**known, failure=failure_of(error))
        params, size = describe.weights(made) if is_layer(made) else (0, 0)
        step = Step(0, made, *given, flat(outputs))
        specs = tuple((shape(t), str(t.dtype)) for t in flat(outputs))
        known["wants_rank"] = describe.wants_rank(made)
        return _Outcome(**known, outputs=specs, params=params, bytes=size, exact=is_exact(step))

    # -- layers

    def make(self, layer: Layer) -> Any:
        """A fresh layer; raises what Keras raises for arguments that it refuses. Runs in the worker."""
        cls = self.class_of(layer)
        if layer.is_operation:
            return cls(**layer.config)
        return cls.from_config({**layer.config, "name": layer.name})

    def class_of(self, layer: Layer) -> Any:
        """The class of a layer."""
        own = self.classes.get(layer.class_name)
        return own if own is not None else getattr(importlib.import_module(layer.module), layer.class_name)

    def _custom(self) -> Any:
        import keras

        return keras.saving.custom_object_scope(dict(self.classes))

    def new_layer(self, class_name: str, name: str, arguments: Mapping[str, object]) -> Layer:
        """A layer of ``keras.layers`` with these arguments; raises ``UsageError`` in one sentence."""
        import keras

        found: Any = self.classes.get(class_name) or getattr(keras.layers, class_name, None)
        if not inspect.isclass(found) or not issubclass(found, keras.layers.Layer):
            raise UsageError(say("play.error.no_class", name=class_name))
        cls: Any = found
        module = "keras.layers" if class_name not in self.classes else cls.__module__

        def config() -> Config:
            with unobserved(), self._custom():
                return dict(cls(**arguments).get_config())

        try:
            made = apart(config)
        except Exception as error:  # noqa: BLE001 - whatever a constructor says against its arguments
            raise UsageError(say("play.error.refused", name=class_name, why=_why(error))) from None
        return Layer(name, class_name, module, plain_config(made, name))

    def check(self, layer: Layer) -> None:
        """Raise ``UsageError`` where Keras makes no such layer, whatever its input."""
        if layer.inside is not None or layer.is_input:
            return

        def make() -> None:
            with unobserved(), self._custom():
                self.make(layer)

        try:
            apart(make)
        except Exception as error:  # noqa: BLE001 - whatever a constructor says against its arguments
            raise UsageError(say("play.error.refused", name=layer.name, why=_why(error))) from None

    def written_arguments(self, layer: Layer) -> tuple[list[Any], dict[str, Any]]:
        """The arguments that make this layer as a person would write them: by position, and by name."""
        key = json.dumps([layer.module, layer.class_name, layer.config], sort_keys=True)
        if key not in self._arguments:

            def shortest() -> tuple[list[Any], dict[str, Any]]:
                with unobserved(), self._custom():
                    return _shortest(self.class_of(layer), layer.config)

            self._arguments[key] = apart(shortest)
        return self._arguments[key]

    # -- the second tier, and the labels

    def _second_look(self, recipe: Recipe) -> dict[int, Run]:
        """What the real calls do other than their formulas say, by row."""
        key = recipe_key(recipe)
        if key not in self._runs:

            def look() -> dict[int, Run]:
                with unobserved(), self._custom():
                    live = _Live(self)
                    ends = live.graph(recipe)
                    return runs(Session(), live.steps, ends)

            self._runs[key] = apart(look)
        return self._runs[key]

    def _contract(
        self, recipe: Recipe, inputs: tuple[Data, ...], outputs: Sequence[Spec], failed: Failure | None
    ) -> Contract | None:
        answers = self.answers
        if answers.y is None:
            return None
        names = [ref.node for ref in recipe.outputs]
        key = json.dumps([[d.shape for d in inputs], outputs, names, failed and failed.message])
        if key not in self._contracts:
            model = _stub(names)
            x: Any = [Shaped(d.shape) for d in inputs]
            arguments = {"x": x if len(x) != 1 else x[0], "y": answers.y}
            texts = {"x": inputs[0].name if inputs else "x", "y": answers.y_name}
            use = Use(model, "fit", arguments, None, texts, real=False)
            tracked = _tracked(model, answers)

            def outputs_for(_: Any, batch: int | None) -> tuple[list[Any], Failure | None]:
                import keras

                return [keras.KerasTensor((batch, *s[1:]), dtype=t) for s, t in outputs], failed

            self._contracts[key] = contract_facts(tracked, use, outputs_for, {})
        return self._contracts[key]


class _Walk:
    """One way through a recipe: what each call gives, as rows of the ladder."""

    def __init__(self, tracer: Tracer, recipe: Recipe) -> None:
        self._tracer = tracer
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
            self.specs[ref], self.sources[ref] = _input_spec(self._recipe.layers[node.layer]), -1 - k
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
        call = mapped([list(node.args), dict(node.kwargs)], lambda ref: {"spec": [list(specs[ref][0]), specs[ref][1]]})
        first = built.setdefault(layer.name, call)
        outcome = self._tracer.outcome(layer, first, call, fresh=self._fresh)
        again = first is not call
        self.doubtful = self.doubtful or not outcome.exact or (again and first != call)
        number = self._row(node, layer, outcome, sources, given, path, again=again)
        for k, spec in enumerate(outcome.outputs):
            specs[Ref(node.id, k)], sources[Ref(node.id, k)] = spec, number

    def _row(
        self,
        node: Node,
        layer: Layer,
        outcome: _Outcome | None,
        sources: dict[Ref, int],
        given: Sequence[Spec | None],
        path: tuple[str, ...],
        *,
        again: bool,
    ) -> int:
        number = len(self.calls)
        known = outcome or _Outcome(arguments=describe.plain_values(layer.config))
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
                summary=describe.summary(layer.class_name, known.arguments),
                input_shapes=tuple(spec[0] for spec in given if spec is not None),
                output_shapes=tuple(spec[0] for spec in known.outputs),
                input_axes=(),
                output_axes=(),
                params=0 if again else known.params,
                bytes=0 if again else known.bytes,
                span=None,
                placed=None,
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
            self._row(node, layer, _Outcome(bases=bases, failure=failure), sources, given, path, again=False)
            return
        own: dict[Ref, Spec] = {}
        origin: dict[Ref, int] = {}
        for k, (inner, ref) in enumerate(zip(inside.inputs, node.inputs, strict=False)):
            own[Ref(inner.id)] = _input_spec(inside.layers[inner.layer])
            origin[Ref(inner.id)] = sources.get(ref, -1 - k)
        self._through(inside, own, origin, (*path, layer.name))
        for k, (ref, spec) in enumerate(zip(inside.outputs, outputs, strict=True)):
            specs[Ref(node.id, k)], sources[Ref(node.id, k)] = spec, origin.get(ref, -1)

    def _inside_with(self, inside: Recipe, given: Sequence[Spec]) -> tuple[Failure | None, list[Spec]]:
        """What the layers within, made for their own input, give for another one."""
        own: dict[Ref, Spec] = {}
        here: dict[Ref, Spec] = {}
        for inner, spec in zip(inside.inputs, given, strict=False):
            wanted = _input_spec(inside.layers[inner.layer])
            own[Ref(inner.id)], here[Ref(inner.id)] = wanted, _fitted(spec, wanted)
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
                known = specs

                def spec_of(ref: Ref, known: dict[Ref, Spec] = known) -> Any:
                    return {"spec": [list(known[ref][0]), known[ref][1]]}

                call = mapped([list(node.args), dict(node.kwargs)], spec_of)
                outcome = self._tracer.outcome(layer, first.setdefault(layer.name, call), call, fresh=self._fresh)
                failure, outputs = outcome.failure, list(outcome.outputs)
            if failure is not None:
                return failure
            specs |= {Ref(node.id, k): spec for k, spec in enumerate(outputs)}
        return None


class _Live:
    """A recipe as Keras' own calls on symbols, to be looked at once more with a batch. In the worker."""

    def __init__(self, tracer: Tracer) -> None:
        self.steps: list[Step] = []
        self._tracer = tracer
        self._rows = 0

    def graph(self, recipe: Recipe) -> list[Any]:
        """Call every layer; the steps are then known, and what the outputs are."""
        import keras

        at: dict[Ref, Any] = {}
        for node in recipe.inputs:
            sizes, dtype = _input_spec(recipe.layers[node.layer])
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
            one = made.setdefault(layer.name, None) or self._tracer.make(layer)
            made[layer.name] = one
            args, kwargs = mapped((tuple(node.args), dict(node.kwargs)), at.__getitem__)
            outputs = flat(_apply(one, (args, kwargs)))
            self.steps.append(Step(self._rows, one, args, kwargs, outputs))
            self._rows += 1
            at |= {Ref(node.id, k): t for k, t in enumerate(outputs)}

    def _nested(self, node: Node, inside: Recipe, at: dict[Ref, Any]) -> None:
        import keras

        inner: dict[Ref, Any] = {}
        for one in inside.inputs:
            sizes, dtype = _input_spec(inside.layers[one.layer])
            inner[Ref(one.id)] = keras.KerasTensor(sizes, dtype=dtype)
        self.steps.append(Step(None, None, [at[r] for r in node.inputs], {}, list(inner.values())))
        self._through(inside, inner)
        ends = [inner[ref] for ref in inside.outputs]
        outside = [keras.KerasTensor(t.shape, dtype=t.dtype) for t in ends]
        self.steps.append(Step(None, None, ends, {}, outside))
        at |= {Ref(node.id, k): t for k, t in enumerate(outside)}


def recipe_key(recipe: Recipe) -> str:
    """What makes two recipes the same to a trace."""
    layers = {
        name: [layer.module, layer.class_name, layer.config, layer.inside and recipe_key(layer.inside)]
        for name, layer in recipe.layers.items()
    }
    calls = [[n.id, n.layer, repr(n.args), repr(n.kwargs)] for n in recipe.nodes]
    return json.dumps([layers, calls, repr(recipe.outputs)], sort_keys=True)


def plain_config(config: Mapping[str, Any], name: str) -> Config:
    """A configuration as JSON takes it, the layer's name left out; raises ``UsageError`` where it doesn't."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps({k: v for k, v in config.items() if k != "name"}))
    except (TypeError, ValueError):
        raise UsageError(say("play.error.no_copy", name=name)) from None
    return plain


def _why(error: Exception) -> str:
    """Keras' own sentence, without the configuration that it repeats before it."""
    return failure_of(error).message.rpartition("Exception encountered: ")[2]


def _with_run(call: Call, run: Run | None) -> Call:
    return call if run is None else replace(call, run=run)


def _known(made: Any) -> dict[str, Any]:
    inner = describe.wrapped(made) if is_layer(made) else None
    return {
        "arguments": describe.arguments(made),
        "bases": describe.bases(made),
        "wrapped_bases": describe.bases(inner) if inner is not None else (),
        "wrapped_arguments": describe.arguments(inner) if inner is not None else {},
        "wants_rank": describe.wants_rank(made),
    }


def _symbols(call: Any) -> tuple[Any, Any]:
    """A call's arguments with symbolic tensors in the place of specs."""
    import keras

    def symbol(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"spec"}:
            sizes, dtype = value["spec"]
            return keras.KerasTensor(tuple(sizes), dtype=dtype)
        if isinstance(value, list):
            return [symbol(v) for v in value]
        if isinstance(value, dict):
            return {k: symbol(v) for k, v in value.items()}
        return value

    args, kwargs = call
    return tuple(symbol(a) for a in args), symbol(kwargs)


def _apply(made: Any, arguments: tuple[Any, Any]) -> Any:
    args, kwargs = arguments
    return made(*args, **kwargs) if is_layer(made) else made.symbolic_call(*args, **kwargs)


def _input_spec(layer: Layer) -> Spec:
    return tuple(layer.config["batch_shape"]), str(layer.config.get("dtype") or "float32")


def _input_of(layer: Layer) -> Data:
    sizes, dtype = _input_spec(layer)
    return Data(layer.name, sizes, dtype)


def _fitted(given: Spec, wanted: Spec) -> Spec:
    """What a model within does first: it adds or drops a last axis of 1."""
    sizes, dtype = given
    if len(sizes) == len(wanted[0]) + 1 and sizes[-1] == 1:
        return sizes[:-1], dtype
    if len(sizes) == len(wanted[0]) - 1 and wanted[0][-1] == 1:
        return (*sizes, 1), dtype
    return given


def _stub(outputs: Sequence[str]) -> Any:
    """Stands for the model where only its class' methods and its outputs' names are asked for."""
    import keras

    from shape_magic.trace.training import STEPS

    known = {name: getattr(keras.Model, name) for name in STEPS if hasattr(keras.Model, name)}
    cls = type("Functional", (), {**known, "__module__": "keras.models"})
    stub: Any = cls()
    stub._nodes_by_depth, stub.inputs, stub.output_names, stub._layers = {}, [], list(outputs), ()
    return stub


def _tracked(model: Any, answers: Answers) -> Any:
    import weakref

    from shape_magic.capture.session import Tracked

    compiled = {"loss": answers.loss, "metrics": answers.metrics}
    return Tracked(0, weakref.ref(model), None, compiled=compiled)


# Arguments as a person writes them ----------------------------------------------------------------


def _shortest(cls: Any, config: Config) -> tuple[list[Any], dict[str, Any]]:
    """The fewest arguments that make an object with this configuration; those without a default by position."""
    parameters = _parameters(cls)
    usable = {k: v for k, v in config.items() if k in parameters or _takes_any(cls)}
    required = [k for k, p in parameters.items() if p.default is p.empty and k in usable]
    wanted = _config_of(cls, usable)
    kept = {k: _plainer(cls, usable, k, wanted) for k in usable}
    for key in [k for k in usable if k not in required]:
        fewer = {k: v for k, v in kept.items() if k != key}
        if _config_of(cls, fewer) == wanted:
            kept = fewer
    front = list(parameters)
    # What stands first is known without its name: the pool's size, the rate.
    positional = required if front[: len(required)] == required else []
    positional = positional or [k for k in front[:1] if k in kept]
    return [kept[k] for k in positional], {k: v for k, v in kept.items() if k not in positional}


def _plainer(cls: Any, given: Mapping[str, Any], key: str, wanted: Any) -> Any:
    """One number for a window that is the same along every axis, where the class takes it so."""
    value = given[key]
    square = isinstance(value, list) and len(value) > 1 and len({json.dumps(v) for v in value}) == 1
    if square and isinstance(value[0], int) and _config_of(cls, {**given, key: value[0]}) == wanted:
        return value[0]
    return value


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    return {
        name: p
        for name, p in list(inspect.signature(cls.__init__).parameters.items())[1:]
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def _takes_any(cls: Any) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(cls.__init__).parameters.values())


def _config_of(cls: Any, arguments: Mapping[str, Any]) -> Any:
    """The configuration that arguments lead to; None where they are refused."""
    try:
        made = cls.from_config(dict(arguments)) if hasattr(cls, "from_config") else cls(**arguments)
        config = {k: v for k, v in made.get_config().items() if k != "name"}
        return json.loads(json.dumps(config))
    except Exception:  # noqa: BLE001 - an argument that is needed is missing
        return None
