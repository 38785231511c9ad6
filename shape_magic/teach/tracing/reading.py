"""From a Keras model, or a cell that makes one, to a recipe. What is read stays as it is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.hooks import observing, unobserved
from shape_magic.capture.session import Broken, Session, Use
from shape_magic.checker import Checker, Halt
from shape_magic.errors import ShapeMagicError, UsageError
from shape_magic.facts import Given
from shape_magic.interrupts import Deferred
from shape_magic.repair.copies import copied
from shape_magic.repair.stubs import stubbed
from shape_magic.source.cells import mask
from shape_magic.spans import Shape
from shape_magic.teach.recipe import Cut, Layer, Node, Recipe, Ref
from shape_magic.teach.tracing.answers import Answers
from shape_magic.teach.tracing.forge import plain_config
from shape_magic.trace.arguments import positional
from shape_magic.trace.layers import is_keras, is_stack
from shape_magic.trace.loose import ancestors
from shape_magic.trace.losses import settings_of
from shape_magic.trace.memory import available
from shape_magic.trace.names import assigned_name, variable_name
from shape_magic.trace.rows import graph_of, is_layer, shape
from shape_magic.trace.stack import flat
from shape_magic.trace.worker import apart
from shape_magic.words import say

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the recipe, the classes that are not Keras' own, and what the model is compared with."""

    recipe: Recipe
    classes: Mapping[str, type]
    answers: Answers


def read_model(model: Any, y: Any, loss: Any, namespace: Mapping[str, Any]) -> Read:
    """The recipe of a model that exists; raises ``UsageError`` for one that has none."""
    session = Session()
    reader = _Reader(session)
    recipe = reader.recipe(model, variable_name(session, model, namespace, None), ())
    settings = settings_of(None, model)
    name = next((k for k, v in namespace.items() if v is y and not k.startswith("_")), "y")
    used_loss = loss if loss is not None else settings.loss
    return Read(recipe, reader.classes, Answers(y, name, used_loss, settings.metrics))


def read_cell(source: str, y: Any, loss: Any, namespace: Mapping[str, Any]) -> Read:
    """The recipe of the last model that a cell makes.

    The cell is run in a copy of the namespace, in the worker, with stand-ins for what trains. The
    labels and the loss are those that it uses, where none are given. Its own errors are raised
    unchanged; ``UsageError``: it makes no model.
    """
    session = Session(book=Book())
    filename = f"<shape_magic playground {next(_numbers)}>"
    session.book.add(0, source, "cell 1", filename)
    code = compile(mask(source), filename, "exec", dont_inherit=True)
    with Deferred(), stubbed() as stubs:
        copy = copied(dict(namespace), stubs)
        copy.setdefault("__name__", "__main__")
        checker = _Watch(session, copy, dry_run=True, given=Given(budget=available()))
        try:
            return apart(lambda: _run(code, checker, copy, y, loss))
        finally:
            session.book.forget_sources()


class _Watch(Checker):
    """A checker that also keeps the call that raised."""

    broken: Broken | None = None

    def after_break(self, broken: Broken) -> None:
        """Keep what led to a call that raised, and the call."""
        self.broken = broken
        super().after_break(broken)


def _run(code: Any, checker: _Watch, namespace: dict[str, Any], y: Any, loss: Any) -> Read:
    error: Exception | None = None
    with observing(checker):
        try:
            exec(code, namespace)
        except Halt:
            pass
        except ShapeMagicError:
            pass
        except Exception as raised:
            if not checker.caused(raised) and not checker.stood_in:
                raise
            error = raised  # held: the model that broke lives in its frames
        _, known = checker.known()
    reader = _Reader(checker.session)
    live = known[-1] if known else None
    if live is None or not hasattr(live.model, "_layers"):
        graph = reader.broken(checker.broken) if error is not None and checker.broken is not None else None
        if graph is None:
            raise UsageError(say("play.error.broken_graph" if error is not None else "play.error.no_model"))
        return Read(graph, reader.classes, Answers(y, "y", loss))
    tracked = live.tracked
    name = variable_name(checker.session, live.model, namespace, tracked)
    recipe = reader.recipe(live.model, name, _start(live.use, tracked))
    settings = settings_of(tracked, live.model)
    labels, label_name = _labels(live.use)
    if y is not None:
        labels, label_name = y, "y"
    return Read(recipe, reader.classes, Answers(labels, label_name, loss or settings.loss, settings.metrics))


def _start(use: Use | None, tracked: Any) -> tuple[Shape, ...]:
    """The input's shape where only the data say it."""
    start = getattr(tracked, "start", None)
    if start is not None:
        return (start,)
    x = next(iter(use.arguments.values()), None) if use is not None else None
    sizes = getattr(x, "shape", None)
    return ((None, *(int(d) for d in sizes[1:])),) if sizes is not None and len(sizes) else ()


def _labels(use: Use | None) -> tuple[Any, str]:
    if use is None:
        return None, "y"
    return use.arguments.get("y"), use.texts.get("y", "y")


class _Reader:
    """Reads models, nested ones too."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.classes: dict[str, type] = {}

    def recipe(self, model: Any, name: str, start: tuple[Shape, ...]) -> Recipe:
        """The recipe of a model; ``start``: the input's shape, where the model doesn't say it."""
        if is_stack(model):
            return self._stack(model, name, start)
        graph = graph_of(model)
        if graph is None:
            raise UsageError(say("play.error.subclassed", name=type(model).__name__))
        return self._graph(graph, name)

    def _stack(self, model: Any, name: str, start: tuple[Shape, ...]) -> Recipe:
        own = list(model._layers)
        made = self._session.made.get(model)
        args, kwargs = made.given() if made is not None else ((), {})
        given = args[0] if args else kwargs.get("layers")
        # Of a stack that broke while it was made, the list that it was made of goes on.
        listed = [one for one in given if is_layer(one)] if isinstance(given, list | tuple) else []
        rest = listed[len(own) :] if all(a is b for a, b in zip(own, listed, strict=False)) else []
        known = [one for one in own if type(one).__name__ == "InputLayer"]
        first = self._input_layer(model, known, start)
        layers, nodes = {first.name: first}, [Node(first.name, first.name)]
        for one in [*own, *rest]:
            if type(one).__name__ == "InputLayer":
                continue
            layer = layers.get(str(one.name)) or self.layer(one)
            layers[layer.name] = layer
            nodes.append(Node(_free_id(nodes, layer.name), layer.name, (Ref(nodes[-1].id),)))
        return Recipe(name, "Sequential", layers, tuple(nodes), (Ref(nodes[-1].id),))

    def _input_layer(self, model: Any, known: Sequence[Any], start: tuple[Shape, ...]) -> Layer:
        if known:
            return self.layer(known[0])
        graph = graph_of(model)
        inner = graph_of(model._layers[0]) if model._layers else None
        if graph is not None or inner is not None:
            known_graph: Any = graph or inner
            start = (shape(known_graph.inputs[0]),)
        if not start:
            raise UsageError(say("play.error.no_input", name=str(getattr(model, "name", "model"))))
        config = {"batch_shape": list(start[0]), "dtype": "float32"}
        return Layer("input_layer", "InputLayer", "keras.layers", config)

    def _graph(self, graph: Any, name: str) -> Recipe:
        layers: dict[str, Layer] = {}
        nodes: list[Node] = []
        at: dict[int, Ref] = {}
        for tensor in graph.inputs:
            self._node(tensor._keras_history.operation, (), {}, [tensor], layers, nodes, at)
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if type(node.operation).__name__ != "InputLayer":
                    arguments = node.arguments
                    self._node(node.operation, arguments.args, arguments.kwargs, node.outputs, layers, nodes, at)
        outputs = tuple(at[id(t)] for t in graph.outputs)
        return Recipe(name, "Functional", layers, tuple(nodes), outputs)

    def broken(self, broken: Broken) -> Recipe | None:
        """The functional graph that led to a call which raised, with that call last; None where there is none."""
        last = next((one for one in broken.layers if type(one).__name__ != "Sequential"), None)
        inputs, before = ancestors([t for t in flat(list(broken.args)) if hasattr(t, "_keras_history")])
        made = [getattr(t._keras_history, "operation", None) for t in inputs]
        if last is None or not hasattr(last, "name") or not made or None in made:
            return None
        layers: dict[str, Layer] = {}
        nodes: list[Node] = []
        at: dict[int, Ref] = {}
        for tensor, operation in zip(inputs, made, strict=True):
            self._node(operation, (), {}, [tensor], layers, nodes, at)
        for node in before:
            arguments = node.arguments
            self._node(node.operation, arguments.args, arguments.kwargs, node.outputs, layers, nodes, at)
        self._node(last, broken.args, {}, [], layers, nodes, at)
        name = assigned_name(self._session, broken.span, within=True) or "model"
        return Recipe(name, "Functional", layers, tuple(nodes), (Ref(nodes[-1].id),))

    def _node(
        self,
        operation: Any,
        args: Any,
        kwargs: Any,
        outputs: Sequence[Any],
        layers: dict[str, Layer],
        nodes: list[Node],
        at: dict[int, Ref],
    ) -> None:
        name = str(operation.name)
        if name not in layers:
            layers[name] = self.layer(operation)
        given = self._plain(name, list(args), at)
        named = self._plain(name, {k: v for k, v in kwargs.items() if v is not None}, at)
        node = Node(_free_id(nodes, name), name, tuple(given), named)
        nodes.append(node)
        at |= {id(t): Ref(node.id, k) for k, t in enumerate(outputs)}

    def _plain(self, name: str, value: Any, at: Mapping[int, Ref]) -> Any:
        """Arguments of a call as data: tensors by where they come from."""
        if id(value) in at:
            return at[id(value)]
        if isinstance(value, list | tuple):
            return type(value)(self._plain(name, v, at) for v in value)
        if isinstance(value, dict):
            return {k: self._plain(name, v, at) for k, v in value.items()}
        if isinstance(value, slice) and all(part is None or type(part) is int for part in _parts(value)):
            return Cut(*_parts(value))
        if value is None or value is ... or isinstance(value, bool | int | float | str):
            return value
        raise UsageError(say("play.error.no_copy", name=name))

    def layer(self, one: Any) -> Layer:
        """One layer by how it is made; raises ``UsageError`` where that can't be told."""
        name = str(one.name)
        if graph_of(one) is not None or is_stack(one):
            return Layer(name, type(one).__name__, "keras", {}, inside=self.recipe(one, name, ()))
        cls = type(one)
        try:
            config = dict(one.get_config())
        except Exception:  # noqa: BLE001 - a user's get_config may do anything
            raise UsageError(say("play.error.no_copy", name=name)) from None
        plain = plain_config(config, name)
        module = "keras.layers" if is_keras(one) and is_layer(one) else cls.__module__
        self._know(one)
        if not is_layer(one):
            return Layer(name, cls.__name__, module, plain, is_operation=True)
        if cls.__name__ == "Bidirectional":
            config = self._one_way(cls, config)
            plain = plain_config(config, name)
        self._copy(cls, config, name)
        made = self._session.made.get(one)
        return Layer(name, cls.__name__, module, plain, positional=positional(made.cls, made.args) if made else {})

    def _one_way(self, cls: Any, config: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a Bidirectional as it was given them, where the way back is but the way forth turned."""
        inner = dict(config["layer"])
        inner["config"] = {**inner["config"], "zero_output_for_mask": False}
        inner["config"]["name"] = inner["config"]["name"].removeprefix("forward_")
        fewer = {k: v for k, v in config.items() if k != "backward_layer"} | {"layer": inner}
        try:
            same = apart(lambda: cls.from_config(fewer).get_config()) == config
        except Exception:  # noqa: BLE001 - a layer that only its own code can copy
            return config
        return fewer if same else config

    def _know(self, one: Any) -> None:
        """Remember the classes of the user's own, those of layers within too."""
        inside = list(one._flatten_layers()) if is_layer(one) else []
        for layer in (one, *inside):
            if not is_keras(layer) and is_layer(layer):
                self.classes[type(layer).__name__] = type(layer)

    def _copy(self, cls: Any, config: Mapping[str, Any], name: str) -> None:
        import keras

        def make() -> None:
            with unobserved(), keras.saving.custom_object_scope(dict(self.classes)):
                cls.from_config(dict(config))

        try:
            apart(make)
        except Exception:  # noqa: BLE001 - lambdas, callables, layers without get_config
            raise UsageError(say("play.error.no_copy", name=name)) from None


def _parts(value: slice) -> tuple[Any, Any, Any]:
    return value.start, value.stop, value.step


def _free_id(nodes: Sequence[Node], name: str) -> str:
    taken = {n.id for n in nodes}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} #{number}"
    return free
