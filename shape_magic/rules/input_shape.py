"""Another shape for the model's input, as a step that is spelled the way the user spells shapes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shape_magic.facts import Call, Data, Model
from shape_magic.repair.steps import InsertLayer, Repair, Rewrite, SetInputShape, Step, WrapData
from shape_magic.repair.templates import filled
from shape_magic.spans import Shape
from shape_magic.words import shape_text

#: Layers that hand their input on in its shape.
PASS_ON = (
    "Dropout",
    "BatchNormalization",
    "LayerNormalization",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "Rescaling",
    "Normalization",
    "Masking",
    "GaussianNoise",
)
_NAME = re.compile(r"[A-Za-z_][\w.]*")


def set_input(model: Model, sizes: Shape, item: int = 0, data: Data | None = None, template: str = "{}") -> Repair:
    """The repair that gives an input this shape of one sample, and the data in an expression that has it."""
    value = spelled(model, sizes, item, data)
    steps: tuple[Step, ...] = (_where_handed(model, sizes, item, data) or SetInputShape(value, item),)
    values: dict[str, object] = {"shape": value}
    if template == "{}" or data is None or model.contract is None:
        return Repair(steps, "choice", "input-shape", values, f"shape={value}")
    values |= {"data": filled(template, data.name), "method": model.contract.method}
    return Repair((*steps, WrapData("x", template)), "choice", "input-and-data", values, f"shape={value}")


def _where_handed(model: Model, sizes: Shape, item: int, data: Data | None) -> Rewrite | None:
    """The step for a shape that the user's own function gets from its one caller: the argument is what is changed."""
    given = model.inputs[item]
    if given.handed is None:
        return None
    name, argument = given.handed.name, given.handed.argument
    if given.declared == name:
        inputs = [*model.inputs[:item], replace(given, declared=argument.text), *model.inputs[item + 1 :]]
        return Rewrite(argument.span, spelled(replace(model, inputs=tuple(inputs)), sizes, item, data))
    words, old = _elements(given.declared) or [], given.shape[1:]
    differ = [i for i, (a, b) in enumerate(zip(old, sizes, strict=False)) if a != b]
    if not len(words) == len(old) == len(sizes) or words.count(name) != 1 or [words[i] for i in differ] != [name]:
        return None
    axis = differ[0] + 1
    reads = data is not None and argument.text.startswith(f"{data.name}.shape[") and data.shape[1:] == sizes
    return Rewrite(argument.span, f"{data.name}.shape[{axis}]" if data is not None and reads else str(sizes[axis - 1]))


def turned_input(model: Model, turned: Shape) -> Repair:
    """The other order of the input's axes, and of the data's where they have the old one."""
    given = model.contract.x if model.contract is not None else ()
    if len(given) != 1 or given[0].shape[1:] != model.inputs[0].shape[1:]:
        return set_input(model, turned[1:])
    order = ", ".join(map(str, (0, *range(2, len(turned)), 1)))
    return set_input(model, turned[1:], 0, given[0], f"{{}}.transpose({order})")


def spelled(model: Model, sizes: Shape, item: int = 0, data: Data | None = None) -> str:
    """A shape as source: in the words that declare the input now where they can be kept."""
    given = model.inputs[item]
    said, old = given.declared, given.shape[1:]
    if data is not None and data.shape[1:] == sizes and ".shape" in said and _NAME.fullmatch(data.name):
        return f"{data.name}.shape[1:]"
    if data is not None and (*data.shape[1:], 1) == sizes and ".shape" in said and _NAME.fullmatch(data.name):
        return f"(*{data.name}.shape[1:], 1)"
    words = _elements(said)
    if words is None and said.endswith(".shape") and sizes == old[1:]:
        return f"{said}[1:]"
    if words is None and ".shape" in said and sizes == (*old, 1):
        return f"(*{said}, 1)"
    if words is None or len(words) != len(old):
        return shape_text(sizes)
    return _in_words(list(zip(old, words, strict=True)), sizes)


def _elements(said: str) -> list[str] | None:
    """The elements of a tuple as they are written; None where something else is written."""
    try:
        node = ast.parse(said, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(node, ast.Tuple | ast.List) or any(isinstance(e, ast.Starred) for e in node.elts):
        return None
    return [ast.get_source_segment(said, e) or "" for e in node.elts]


def _in_words(known: list[tuple[int | None, str]], sizes: Shape) -> str:
    texts = []
    for size in sizes:
        place = next((i for i, (old, _) in enumerate(known) if old == size), None)
        texts.append(str(size) if place is None else known.pop(place)[1])
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def first_reader(model: Model, item: int = 0) -> Call | None:
    """The layer that first does something with an input's axes."""
    wanted = -1 - item
    for call in model.calls:  # a call stands behind those that it reads
        if wanted in call.inputs:
            if not call.is_a(*PASS_ON):
                return call
            wanted = call.call
    return None


def inputs_for(model: Model, data: Data) -> Iterator[Repair]:
    """Other inputs for the model that take these data: as they are, laid out in a row, or with an axis more."""
    sizes = data.shape[1:]
    first = next((c for c in model.calls if -1 in c.inputs), None)
    reader = first_reader(model)
    if first is None or reader is None or not sizes or any(d is None for d in sizes):
        return
    wanted = reader.wants_rank
    if reader.is_a("Dense") and len(sizes) > 1 and _one_answer_each(model):
        yield from _in_a_row(model, data, first, sizes)
    if wanted == len(sizes) + 2:
        yield set_input(model, (*sizes, 1), 0, data, f"{data.as_array}[..., None]")
        if wanted == 3:
            yield set_input(model, (1, *sizes), 0, data, f"{data.as_array}[:, None]")
        return
    yield set_input(model, sizes, data=data)


def _one_answer_each(model: Model) -> bool:
    """Whether the labels are one answer for each sample, and none for each row of it."""
    labels = model.contract.y if model.contract is not None else ()
    return all(len(y.shape) <= 2 for y in labels)


def _in_a_row(model: Model, data: Data, first: Call, sizes: Sequence[int | None]) -> Iterator[Repair]:
    width = 1
    for d in sizes:
        width *= d or 1
    shape = spelled(model, tuple(sizes), data=data)
    steps = (InsertLayer(first.call, "Flatten"), SetInputShape(shape))
    values = {"layer": first.layer, "shape": shape}
    yield Repair(steps, "choice", "flatten-input", values, "Flatten")
    if model.inputs[0].shape[1:] != (width,):
        yield set_input(model, (width,), 0, data, f"{{}}.reshape(-1, {width})")
