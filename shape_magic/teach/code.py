"""A recipe as Keras code, laid out as books lay models out: a stack as a list, a graph line by line.

Pure: what a layer's shortest arguments are is asked of a function that is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shape_magic.teach.recipe import Layer, Node, Recipe, Ref, is_automatic, snake

#: Of a layer: the arguments to write by position, and those to write by name.
Arguments = Callable[[Layer], tuple[list[Any], dict[str, Any]]]

#: Operations that Python writes with a sign.
_SIGNS = {"Add": "+", "Subtract": "-", "Multiply": "*", "TrueDivide": "/", "Divide": "/", "Matmul": "@"}
_LONGEST = 88


def source_of(recipe: Recipe, arguments: Arguments) -> str:
    """Runnable Keras code that makes the model of a recipe."""
    writer = _Writer(arguments)
    lines = writer.model(recipe, _identifier(recipe.name, "model"))
    return "\n".join(["import keras", *writer.imports(), "", *lines]) + "\n"


def _identifier(name: str, otherwise: str) -> str:
    cleaned = re.sub(r"\W+", "_", name).strip("_")
    return cleaned if cleaned.isidentifier() else otherwise


class _Writer:
    """Writes one model, and before it the models within."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._uses_layers = False
        self._taken: set[str] = {"keras", "layers"}

    def imports(self) -> list[str]:
        return ["from keras import layers"] if self._uses_layers else []

    def model(self, recipe: Recipe, variable: str, name: str = "") -> list[str]:
        """The statements that bind a variable to the model."""
        before: list[str] = []
        variables: dict[str, str] = {}
        for layer in recipe.layers.values():
            if layer.inside is not None:
                variables[layer.name] = self._free(_identifier(layer.name, "inner"))
                before += [*self.model(layer.inside, variables[layer.name], layer.name), ""]
        body = self._stack if recipe.kind == "Sequential" and _is_chain(recipe) else self._graph
        return [*before, *body(recipe, variable, variables, name)]

    def _free(self, wanted: str) -> str:
        number, free = 1, wanted
        while free in self._taken:
            number += 1
            free = f"{wanted}_{number}"
        self._taken.add(free)
        return free

    def _stack(self, recipe: Recipe, variable: str, variables: dict[str, str], name: str) -> Iterator[str]:
        repeated = {n.layer for n in recipe.nodes if len(recipe.calls_of(n.layer)) > 1} - set(variables)
        for layer in sorted(repeated):
            variables[layer] = self._free(_identifier(layer, "shared"))
            yield f"{variables[layer]} = {self.layer(recipe.layers[layer])}"
        yield f"{variable} = keras.Sequential(["
        for node in recipe.nodes:
            yield f"    {variables.get(node.layer) or self.layer(recipe.layers[node.layer])},"
        yield f"], name={_text(name)})" if name else "])"

    def _graph(self, recipe: Recipe, variable: str, variables: dict[str, str], name: str) -> Iterator[str]:
        called = {n.layer for n in recipe.nodes if len(recipe.calls_of(n.layer)) > 1}
        names = dict(self._variables(recipe))
        for node in recipe.nodes:
            layer = recipe.layers[node.layer]
            target = ", ".join(self._targets(recipe, node, names))
            if layer.is_input:
                yield f"{target} = {self.layer(layer)}"
                continue
            if layer.name in called and layer.name not in variables:
                variables[layer.name] = self._free(f"{_identifier(layer.name, 'shared')}_layer")
                yield f"{variables[layer.name]} = {self.layer(layer)}"
            yield f"{target} = {self._called(node, layer, names, variables.get(layer.name))}"
        ends = _listed([names[ref] for ref in recipe.outputs])
        starts = _listed([names[Ref(n.id)] for n in recipe.inputs])
        yield f"{variable} = keras.Model({starts}, {ends}{f', name={_text(name)}' if name else ''})"

    def _targets(self, recipe: Recipe, node: Node, names: Mapping[Ref, str]) -> list[str]:
        """The variables that take what a call gives: a place for every output up to the last that is read."""
        read = {r.output for n in recipe.nodes for r in n.inputs if r.node == node.id}
        read |= {r.output for r in recipe.outputs if r.node == node.id}
        count = max(read, default=0) + 1
        targets = [names.get(Ref(node.id, k), "_") for k in range(count)]
        return targets if count == 1 else [*targets, "*_"]

    def _variables(self, recipe: Recipe) -> Iterator[tuple[Ref, str]]:
        """What each tensor is called: ``x`` along a chain, else by the layer that made it."""
        inputs, ends = [Ref(n.id) for n in recipe.inputs], list(recipe.outputs)
        order = [n.id for n in recipe.nodes]
        for node in recipe.nodes:
            used = {r for n in recipe.nodes for r in n.inputs if r.node == node.id}
            for ref in sorted({*used, *(e for e in ends if e.node == node.id), Ref(node.id)}, key=lambda r: r.output):
                at = order.index(node.id)
                readers = [n for n in recipe.nodes if ref in n.inputs]
                chained = len(readers) == 1 and at + 1 < len(order) and readers[0].id == order[at + 1]
                if ref in inputs:
                    yield ref, self._free("inputs") if len(inputs) == 1 else self._free(_identifier(node.id, "inputs"))
                elif ref in ends and not readers and len(ends) == 1:
                    yield ref, self._free("outputs")
                elif chained and ref not in ends and len(used) == 1:
                    yield ref, "x"
                else:
                    yield ref, self._free(_identifier(node.id, "x"))

    def _called(self, node: Node, layer: Layer, names: Mapping[Ref, str], variable: str | None) -> str:
        args = [_argument(value, names) for value in node.args]
        keywords = [f"{key}={_argument(value, names)}" for key, value in node.kwargs.items()]
        inside = ", ".join([*args, *keywords])
        if not layer.is_operation:
            return f"{variable or self.layer(layer)}({inside})"
        if layer.class_name in _SIGNS and len(args) == 2 and not keywords:
            return f"{args[0]} {_SIGNS[layer.class_name]} {args[1]}"
        given, named = self._arguments(layer)
        more = [*map(_value, given), *(f"{key}={_value(v)}" for key, v in named.items())]
        return f"keras.ops.{snake(layer.class_name)}({', '.join([inside, *more])})"

    def layer(self, layer: Layer) -> str:
        """The constructor's call."""
        given, named = self._arguments(layer)
        if layer.is_input:
            return self._input(layer, named)
        if not is_automatic(layer):
            named = {**named, "name": layer.name}
        if layer.module == "keras.layers":
            self._uses_layers = True
        head = f"layers.{layer.class_name}" if layer.module == "keras.layers" else layer.class_name
        return f"{head}({self._inside(given, named)})"

    def _inside(self, given: list[Any], named: Mapping[str, Any]) -> str:
        return ", ".join([*map(self._value, given), *(f"{key}={self._value(v)}" for key, v in named.items())])

    def _input(self, layer: Layer, named: Mapping[str, Any]) -> str:
        batch, *sizes = layer.config["batch_shape"]
        parts = [_value(sizes)] if batch is None else [f"batch_shape={_value([batch, *sizes])}"]
        dtype = named.get("dtype")
        parts += [f"dtype={_value(dtype)}"] if dtype not in (None, "float32") else []
        parts += [f"name={_text(layer.name)}"] if not is_automatic(_as_input(layer)) else []
        return f"keras.Input({', '.join(parts)})"

    def _value(self, value: Any) -> str:
        if isinstance(value, Mapping) and {"module", "class_name", "config"} <= set(value):
            return self._object(value)
        return _value(value)

    def _object(self, value: Mapping[str, Any]) -> str:
        """An object within a configuration: a layer in a wrapper, an initializer, a regularizer."""
        module, name, config = str(value["module"] or ""), str(value["class_name"]), dict(value["config"])
        if name == "DTypePolicy":
            return _value(config["name"])
        if module == "keras.layers":
            own = str(config.pop("name", snake(name)))
            return self.layer(Layer(own, name, module, config))
        given, named = self._arguments(Layer(name, name, module or "builtins", config))
        head = f"{module}.{name}" if module.startswith("keras") else name
        return f"{head}({self._inside(given, named)})"


def _as_input(layer: Layer) -> Layer:
    return Layer(layer.name, "InputLayer", layer.module, {})


def _is_chain(recipe: Recipe) -> bool:
    return all(
        n.args == (Ref(before.id),) and not n.kwargs for before, n in zip(recipe.nodes, recipe.nodes[1:], strict=False)
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _argument(value: Any, names: Mapping[Ref, str]) -> str:
    if isinstance(value, Ref):
        return names[value]
    if isinstance(value, list | tuple):
        inner = ", ".join(_argument(v, names) for v in value)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(k))}: {_argument(v, names)}" for k, v in value.items()) + "}"
    return _value(value)


def _value(value: Any) -> str:
    """A plain value as a person writes it: sizes as tuples."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(map(_value, value))
        return f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(k))}: {_value(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _text(value: str) -> str:
    quoted = repr(value)
    return f'"{quoted[1:-1]}"' if quoted.startswith("'") and '"' not in quoted else quoted
