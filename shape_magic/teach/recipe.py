"""A model as plain frozen data, and edits as functions from one recipe to the next.

Nothing here knows Keras. A recipe holds the layers by name and the calls in order; a layer that is
called twice is one layer with two calls. A model within a model is a layer that holds a recipe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from shape_magic.errors import UsageError
from shape_magic.words import say

#: A layer's constructor arguments, as ``get_config`` gives them and JSON takes them, the name left out.
Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ref:
    """What a call gave: the call's id, and which of its outputs."""

    node: str
    output: int = 0


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer by how it is made."""

    name: str
    class_name: str
    #: Where the class is at home, ``"keras.layers"``.
    module: str
    config: Config
    #: Of a model within the model: what it is made of.
    inside: Recipe | None = None
    #: Whether it is a bare operation such as ``+``.
    is_operation: bool = False

    @property
    def is_input(self) -> bool:
        """Whether it stands for data that the model is given."""
        return self.class_name == "InputLayer"

    @property
    def wrapped(self) -> Config | None:
        """The configuration of the layer within a wrapper (TimeDistributed, Bidirectional); None for no wrapper."""
        inner = self.config.get("layer")
        return inner["config"] if isinstance(inner, Mapping) and isinstance(inner.get("config"), Mapping) else None

    def argument(self, name: str) -> Any:
        """An argument of the layer, or of the one that it wraps; raises KeyError where there is none."""
        if name == "shape" and self.is_input:
            return list(self.config["batch_shape"][1:])
        if name in self.config:
            return self.config[name]
        return (self.wrapped or {})[name]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names that ``argument`` knows."""
        if self.is_input:
            return ("shape", *(k for k in self.config if k != "batch_shape"))
        return tuple(dict.fromkeys((*self.config, *(self.wrapped or ()))))


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a layer."""

    #: Unique in the recipe: the layer's name, for later calls with a number behind it.
    id: str
    #: The name of the layer that is called.
    layer: str
    #: What it is called on: ``Ref``, plain values, and lists, tuples and dicts of them.
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> tuple[Ref, ...]:
        """The outputs of other calls that it reads, in order."""
        return tuple(refs((self.args, self.kwargs)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that makes a model: its layers, and how they are called one after another."""

    #: The variable that holds the model.
    name: str
    kind: Literal["Sequential", "Functional"]
    layers: Mapping[str, Layer]
    #: Every call after those that it reads; inputs first.
    nodes: tuple[Node, ...]
    outputs: tuple[Ref, ...]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The calls that stand for the model's inputs."""
        return tuple(n for n in self.nodes if self.layers[n.layer].is_input)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the layers in the order of their first calls, without inputs."""
        return tuple(dict.fromkeys(n.layer for n in self.nodes if not self.layers[n.layer].is_input))

    @property
    def names(self) -> frozenset[str]:
        """Every name that is taken, in models within too."""
        inner = [layer.inside.names for layer in self.layers.values() if layer.inside]
        return frozenset(self.layers).union(*inner)

    def home_of(self, name: str) -> Recipe:
        """The recipe, this one or one within, that has a layer of this name; raises ``UsageError``."""
        if name in self.layers:
            return self
        for layer in self.layers.values():
            if layer.inside is not None and name in layer.inside.names:
                return layer.inside.home_of(name)
        raise UsageError(say("play.error.no_layer", name=name, names=", ".join(self.order)))

    def layer(self, name: str) -> Layer:
        """The layer of this name, in models within too; raises ``UsageError``."""
        return self.home_of(name).layers[name]

    def calls_of(self, name: str) -> tuple[Node, ...]:
        """The calls of a layer of this recipe."""
        return tuple(n for n in self.nodes if n.layer == name)

    def readers(self, node: str) -> tuple[Node, ...]:
        """The calls that read what a call gave."""
        return tuple(n for n in self.nodes if any(r.node == node for r in n.inputs))


Edit = Callable[[Recipe], Recipe]


# Edits --------------------------------------------------------------------------------------------


def with_argument(name: str, argument: str, value: object) -> Edit:
    """Give an argument another value: everywhere, where the layer is called more than once."""

    def edit(recipe: Recipe) -> Recipe:
        layer = recipe.layers[name]
        if argument not in layer.arguments:
            known = ", ".join(layer.arguments)
            raise UsageError(say("play.error.no_argument", name=name, argument=argument, arguments=known))
        return replace(recipe, layers={**recipe.layers, name: _with(layer, argument, value)})

    return lambda recipe: _at_home(recipe, name, edit)


def _with(layer: Layer, argument: str, value: Any) -> Layer:
    config = dict(layer.config)
    if argument == "shape" and layer.is_input:
        config["batch_shape"] = [config["batch_shape"][0], *value]
    elif argument in config:
        config[argument] = value
    else:
        for key in ("layer", "backward_layer"):  # both ways of a Bidirectional
            inner = config.get(key)
            if isinstance(inner, Mapping):
                config[key] = {**inner, "config": {**inner["config"], argument: value}}
    return replace(layer, config=config)


def inserted(layer: Layer, after: str) -> Edit:
    """Put a new layer behind another: all that read that one read the new one."""

    def edit(recipe: Recipe) -> Recipe:
        calls = recipe.calls_of(after)
        if len(calls) != 1:
            raise UsageError(say("play.error.called_often", name=after))
        new = Node(layer.name, layer.name, (Ref(calls[0].id),))
        moved = _rewired(recipe, {Ref(calls[0].id): Ref(new.id)})
        at = recipe.nodes.index(calls[0]) + 1
        nodes = (*moved.nodes[:at], new, *moved.nodes[at:])
        return replace(moved, layers={**recipe.layers, layer.name: layer}, nodes=nodes)

    return lambda recipe: _at_home(recipe, after, edit)


def removed(name: str) -> Edit:
    """Take a layer out, with all its calls: what read it reads what it read."""

    def edit(recipe: Recipe) -> Recipe:
        if recipe.layers[name].is_input:
            raise UsageError(say("play.error.input_stays", name=name))
        for node in recipe.calls_of(name):
            several = any(r.node == node.id and r.output for n in recipe.nodes for r in n.inputs)
            if len(set(node.inputs)) != 1 or several:
                raise UsageError(say("play.error.joins", name=name))
            recipe = _rewired(recipe, {Ref(node.id): node.inputs[0]})
            recipe = replace(recipe, nodes=tuple(n for n in recipe.nodes if n.id != node.id))
        return replace(recipe, layers={k: v for k, v in recipe.layers.items() if k != name})

    return lambda recipe: _at_home(recipe, name, edit)


def moved(name: str, by: int) -> Edit:
    """Move a layer up (negative) or down along a chain, past so many others."""

    def edit(recipe: Recipe) -> Recipe:
        for _ in range(abs(by)):
            recipe = _swapped(recipe, name, 1 if by > 0 else -1)
        return recipe

    return lambda recipe: _at_home(recipe, name, edit)


def _swapped(recipe: Recipe, name: str, step: int) -> Recipe:
    calls = recipe.calls_of(name)
    if recipe.layers[name].is_input:
        raise UsageError(say("play.error.input_stays", name=name))
    node = calls[0]
    others = recipe.readers(node.id) if step > 0 else tuple(n for n in recipe.nodes if n.id == node.inputs[0].node)
    if not others or recipe.layers[others[0].layer].is_input:
        raise UsageError(say("play.error.at_the_end" if step > 0 else "play.error.at_the_start", name=name))
    upper, lower = (node, others[0]) if step > 0 else (others[0], node)
    if not (_is_link(recipe, upper) and _is_link(recipe, lower) and recipe.readers(upper.id) == (lower,)):
        raise UsageError(say("play.error.not_in_a_chain", name=name))
    if any(r.node == upper.id for r in recipe.outputs):
        raise UsageError(say("play.error.not_in_a_chain", name=name))
    source, middle, end = upper.inputs[0], Ref(upper.id), Ref(lower.id)
    new_lower = replace(lower, args=_mapped(lower.args, {middle: source}), kwargs=_mapped(lower.kwargs, {}))
    new_upper = replace(upper, args=_mapped(upper.args, {source: end}), kwargs=_mapped(upper.kwargs, {}))
    below = _rewired(recipe, {end: middle})
    at, to = recipe.nodes.index(upper), recipe.nodes.index(lower)
    nodes = [*below.nodes]
    # The upper one goes to just behind the lower: between them stand only calls of other branches.
    nodes[to] = new_lower
    nodes.insert(to + 1, new_upper)
    del nodes[at]
    return replace(below, nodes=tuple(nodes))


def _is_link(recipe: Recipe, node: Node) -> bool:
    """Whether a call takes one tensor and gives one, and is the only call of its layer."""
    alone = len(recipe.calls_of(node.layer)) == 1 and len(node.inputs) == 1
    return alone and all(r.output == 0 for n in recipe.nodes for r in n.inputs if r.node == node.id)


def _at_home(recipe: Recipe, name: str, edit: Edit) -> Recipe:
    """Apply an edit to the recipe that has the layer, at whatever depth."""
    home = recipe.home_of(name)
    return _replaced(recipe, home, edit(home))


def _replaced(recipe: Recipe, old: Recipe, new: Recipe) -> Recipe:
    if recipe is old:
        return new
    layers = {
        name: replace(layer, inside=_replaced(layer.inside, old, new)) if layer.inside is not None else layer
        for name, layer in recipe.layers.items()
    }
    return replace(recipe, layers=layers)


def _rewired(recipe: Recipe, to: Mapping[Ref, Ref]) -> Recipe:
    """The recipe with every reader of some outputs reading others."""
    nodes = tuple(replace(n, args=_mapped(n.args, to), kwargs=_mapped(n.kwargs, to)) for n in recipe.nodes)
    return replace(recipe, nodes=nodes, outputs=tuple(to.get(r, r) for r in recipe.outputs))


def refs(structure: Any) -> Iterator[Ref]:
    """The outputs of calls in a structure of arguments, in order."""
    if isinstance(structure, Ref):
        yield structure
    elif isinstance(structure, list | tuple):
        for one in structure:
            yield from refs(one)
    elif isinstance(structure, Mapping):
        for one in structure.values():
            yield from refs(one)


def mapped(structure: Any, function: Callable[[Ref], Any]) -> Any:
    """The structure of arguments with each output of a call replaced."""
    if isinstance(structure, Ref):
        return function(structure)
    if isinstance(structure, list | tuple):
        return type(structure)(mapped(one, function) for one in structure)
    if isinstance(structure, Mapping):
        return {key: mapped(one, function) for key, one in structure.items()}
    return structure


def _mapped(structure: Any, to: Mapping[Ref, Ref]) -> Any:
    return mapped(structure, lambda ref: to.get(ref, ref))


# Names --------------------------------------------------------------------------------------------


def snake(class_name: str) -> str:
    """A class' name as Keras makes a layer's name of it: ``"MaxPooling2D"`` gives ``"max_pooling2d"``."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_automatic(layer: Layer) -> bool:
    """Whether a layer has the name that Keras gives by itself."""
    return re.fullmatch(rf"{re.escape(snake(layer.class_name))}(_\d+)?|keras_tensor.*", layer.name) is not None


def free_name(recipe: Recipe, class_name: str) -> str:
    """The name that Keras would give the next layer of this class, were the recipe's layers the only ones."""
    base = snake(class_name)
    taken = recipe.names
    number = 0
    while (name := f"{base}_{number}" if number else base) in taken:
        number += 1
    return name


class History:
    """The recipes so far: one step back, one step forth."""

    def __init__(self, first: Recipe) -> None:
        self.first = first
        self._past: list[Recipe] = []
        self._future: list[Recipe] = []
        self.now = first

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step that was taken back."""
        return bool(self._future)

    def go(self, recipe: Recipe, *, join: bool = False) -> None:
        """Take a step; ``join`` makes it one with the last step, as in a drag."""
        if recipe == self.now:
            return
        if not (join and self._past):
            self._past.append(self.now)
        self._future.clear()
        self.now = recipe

    def undo(self) -> bool:
        """Take the last step back; False where there is none."""
        if not self._past:
            return False
        self._future.append(self.now)
        self.now = self._past.pop()
        return True

    def redo(self) -> bool:
        """Take a step again; False where there is none."""
        if not self._future:
            return False
        self._past.append(self.now)
        self.now = self._future.pop()
        return True
