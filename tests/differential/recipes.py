"""Models as small plain data, and as the cells that a person would write for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Shape = tuple[int | None, ...]
#: The samples of an array.
BATCH = 4
#: What a cell calls its model.
NAMES = ("model", "modèle")


@dataclass(frozen=True)
class Code:
    """An argument that is an expression, ``lambda t: t + 1``."""

    text: str


@dataclass(frozen=True)
class Made:
    """A layer, as its constructor is called: by class, positional and named arguments."""

    class_name: str
    arguments: tuple[object, ...] = ()
    named: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Node:
    """A layer, called once: a new one, a model, or (a number) the one of an earlier node once more."""

    layer: Made | Graph | int
    #: Earlier nodes; ``-1 - k`` is the graph's input k.
    inputs: tuple[int, ...] = (-1,)
    #: Whether several inputs come as a list; else as one argument each.
    as_list: bool = True


@dataclass(frozen=True)
class Graph:
    """A model."""

    way: str  # "list", "add" or "functional"
    #: Shapes of one sample, with the dtype; empty: no input is written, the first call tells.
    inputs: tuple[tuple[Shape, str], ...]
    nodes: tuple[Node, ...]
    #: Nodes; the last one where none is named.
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Style:
    """How a cell is written, where that changes nothing."""

    #: ``"layers.Dense"``, ``"keras.layers.Dense"``, ``"Dense"`` or ``"tf.keras.layers.Dense"``.
    spelling: str = "layers"
    #: What the model is called.
    name: str = "model"
    #: A comment behind each line that can end in one, taken in turn; empty: none.
    comments: tuple[str, ...] = ()
    #: Whether statements of one line are joined by semicolons.
    joined: bool = False
    #: Whether a list of layers stands in one line.
    one_line: bool = False
    #: Whether commas, brackets and equals signs have odd space around them.
    wide: bool = False


@dataclass(frozen=True)
class Use:
    """What is done with the model: arrays of zeros with these shapes, a loss, metrics."""

    #: ``"predict"`` or ``"fit"``.
    method: str
    #: With the batch axis, and the dtype.
    x: tuple[tuple[Shape, str], ...]
    #: The labels, by what they are to the model's outputs: a word of ``LABELS``.
    labels: str = "same"
    labels_dtype: str = "float32"
    #: What all labels are.
    label: int = 0
    loss: object = None
    metrics: tuple[object, ...] = ()
    batch_size: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A cell: a model, and what is done with it."""

    graph: Graph
    use: Use | None = None
    style: Style = field(default_factory=Style)


#: Labels by the shape of the output that they are compared with.
LABELS: Mapping[str, Callable[[Shape], Shape]] = {
    "same": lambda output: output,
    "numbers": lambda output: output[:1],
    "column": lambda output: (*output[:1], 1),
    "one less": lambda output: output[:-1] if len(output) > 1 else output,
    "last kept": lambda output: (*output[:-1], 1),
    "wider": lambda output: (*output[:-1], (output[-1] or 0) + 1) if len(output) > 1 else (*output, 2),
    "each image": lambda output: (output[0], output[-1]) if len(output) > 2 else output,
    "one more": lambda output: (*output, 1),
    "fewer": lambda output: ((output[0] or 0) - 1, *output[1:]),
}

IMPORTS: Mapping[str, tuple[str, str]] = {
    "layers": ("from keras import layers", "layers."),
    "keras": ("", "keras.layers."),
    "bare": ("from keras.layers import {names}", ""),
    "tf": ("import tensorflow as tf", "tf.keras.layers."),
}


class Writer:
    """Writes one recipe."""

    def __init__(self, recipe: Recipe, outputs: Sequence[Shape]) -> None:
        self.recipe = recipe
        self.outputs = outputs
        self.style = recipe.style
        self.prefix = IMPORTS[self.style.spelling][1]
        self.used: set[str] = set()
        self.names = 0

    def source(self) -> str:
        """The cell."""
        body = list(self._graph(self.recipe.graph, self.style.name))
        if self.recipe.use is not None:
            body += self._use(self.recipe.use)
        names = ", ".join(sorted(self.used))
        imports = ["import keras", "import numpy as np"]
        imports += [
            line.format(names=names) for line in IMPORTS[self.style.spelling][:1] if line and (names or "{" not in line)
        ]
        return self._laid_out([*imports, *body])

    def _laid_out(self, statements: list[str]) -> str:
        if self.style.joined:
            statements = ["; ".join(some) for some in _runs_of(statements)]
        lines = [line for statement in statements for line in statement.split("\n")]
        if self.style.comments:
            count = len(self.style.comments)
            lines = [f"{line}{'' if i % 2 else '  '}{self.style.comments[i % count]}" for i, line in enumerate(lines)]
        return "\n".join(lines) + "\n"

    def layer(self, made: Made) -> str:
        """A constructor's call."""
        self.used.add(made.class_name)
        equals, comma = (" = ", " , ") if self.style.wide else ("=", ", ")
        parts = [self.value(v) for v in made.arguments]
        parts += [f"{name}{equals}{self.value(v)}" for name, v in made.named]
        return f"{self.prefix}{made.class_name}({comma.join(parts)})"

    def value(self, value: object) -> str:
        """An argument."""
        if isinstance(value, Made):
            return self.layer(value)
        if isinstance(value, Code):
            return value.text
        if isinstance(value, list):
            return f"[{', '.join(self.value(v) for v in value)}]"
        if isinstance(value, tuple) and any(isinstance(v, Made | Code) for v in value):
            return f"({', '.join(self.value(v) for v in value)},)"
        return repr(value)

    def _new(self, word: str) -> str:
        self.names += 1
        return f"{word}_{self.names}"

    def _input(self, shape: Shape, dtype: str) -> str:
        named = () if dtype == "float32" else (("dtype", dtype),)
        return self.layer(Made("Input", (shape,), named))

    def _graph(self, graph: Graph, name: str) -> Iterator[str]:
        if graph.way == "functional":
            yield from self._functional(graph, name)
            return
        parts: list[str] = [self._input(*given) for given in graph.inputs[:1]]
        made: dict[int, str] = {}
        counts = [node.layer for node in graph.nodes if isinstance(node.layer, int)]
        for number, node in enumerate(graph.nodes):
            if isinstance(node.layer, int):
                parts.append(made[node.layer])
            elif isinstance(node.layer, Graph):
                made[number] = self._new("inner")
                yield from self._graph(node.layer, made[number])
                parts.append(made[number])
            elif number in counts:
                made[number] = self._new("shared")
                yield f"{made[number]} = {self.layer(node.layer)}"
                parts.append(made[number])
            else:
                parts.append(self.layer(node.layer))
        if graph.way == "add":
            yield f"{name} = keras.Sequential()"
            yield from (f"{name}.add({part})" for part in parts)
        elif self.style.one_line:
            yield f"{name} = keras.Sequential([{', '.join(parts)}])"
        else:
            yield f"{name} = keras.Sequential([\n" + "".join(f"    {part},\n" for part in parts) + "])"

    def _functional(self, graph: Graph, name: str) -> Iterator[str]:
        values = {}
        for k, given in enumerate(graph.inputs):
            values[-1 - k] = self._new("entry")
            yield f"{values[-1 - k]} = {self._input(*given)}"
        made: dict[int, str] = {}
        counts = [node.layer for node in graph.nodes if isinstance(node.layer, int)]
        for number, node in enumerate(graph.nodes):
            if isinstance(node.layer, int):
                layer = made[node.layer]
            elif isinstance(node.layer, Graph):
                layer = made[number] = self._new("inner")
                yield from self._graph(node.layer, layer)
            elif number in counts:
                layer = made[number] = self._new("shared")
                yield f"{layer} = {self.layer(node.layer)}"
            else:
                layer = self.layer(node.layer)
            values[number] = self._new("t")
            read = ", ".join(values[i] for i in node.inputs)
            called = f"[{read}]" if len(node.inputs) > 1 and node.as_list else read
            yield f"{values[number]} = {layer}({called})"
        ends = [values[i] for i in graph.outputs] or [values[len(graph.nodes) - 1]]
        starts = [values[-1 - k] for k in range(len(graph.inputs))]
        yield f"{name} = keras.Model({_one_or_list(starts)}, {_one_or_list(ends)})"

    def _use(self, use: Use) -> Iterator[str]:
        model = self.style.name
        x = _one_or_list([_array(shape, dtype) for shape, dtype in use.x])
        yield f"x = {x}"
        if use.method == "predict":
            yield f"{model}.predict(x, verbose=0)"
            return
        shapes = [LABELS[use.labels](shape) for shape in self.outputs]
        yield f"y = {_one_or_list([_array(shape, use.labels_dtype, use.label) for shape in shapes])}"
        metrics = f", metrics=[{', '.join(self.value(m) for m in use.metrics)}]" if use.metrics else ""
        yield f"{model}.compile('sgd', {self.value(use.loss)}{metrics})"
        batch = "" if use.batch_size is None else f", batch_size={use.batch_size}"
        yield f"{model}.fit(x, y{batch}, verbose=0)"


def _array(shape: Shape, dtype: str, value: int = 0) -> str:
    if dtype == "string":
        return f"np.full({shape!r}, 'a')"
    if value:
        return f"np.full({shape!r}, {value}, {dtype!r})"
    return f"np.zeros({shape!r}, {dtype!r})"


def _one_or_list(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _runs_of(statements: list[str]) -> Iterator[list[str]]:
    """Statements of one line, two and two; longer ones alone."""
    held: list[str] = []
    for statement in statements:
        if "\n" in statement or len(held) == 2:
            if held:
                yield held
            held = []
        if "\n" in statement:
            yield [statement]
        else:
            held.append(statement)
    if held:
        yield held


def source_of(recipe: Recipe, outputs: Sequence[Shape] = ()) -> str:
    """The cell of a recipe; ``outputs``: the shapes that the model gives for its data, for the labels' sake."""
    return Writer(recipe, outputs or ((BATCH, 1),)).source()
