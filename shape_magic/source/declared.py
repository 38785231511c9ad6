"""Where code says the shape of a model's input: in ``Input``, on a first layer, or in a helper's ``input_shape``."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from shape_magic.source.cells import code_of

#: Keywords that name the shape of one sample, and those that name it with the batch axis in front.
_OF_SAMPLE = ("shape", "input_shape")
_OF_BATCH = ("batch_shape", "batch_input_shape")
_INPUTS = ("Input", "InputLayer")


@dataclass(frozen=True, slots=True)
class Declared:
    """The argument that says the shape."""

    #: ``shape`` also where it is given by its position.
    keyword: str
    value: ast.expr
    #: The keyword's node; None: given by its position.
    node: ast.keyword | None = None

    @property
    def has_batch(self) -> bool:
        """Whether the batch axis is part of it."""
        return self.keyword in _OF_BATCH

    @property
    def is_width(self) -> bool:
        """Whether it is the width of a row, one number."""
        return self.keyword == "input_dim"


def declared(call: ast.Call) -> Declared | None:
    """The argument of a call that says the model's input, if there is one."""
    name = called(call)
    keywords = (*_OF_SAMPLE, *_OF_BATCH) if name in _INPUTS else ("input_shape", "batch_input_shape")
    if name not in ("Embedding", *_INPUTS):  # to an Embedding it means the number of words
        keywords = (*keywords, "input_dim")
    for keyword in call.keywords:
        if keyword.arg in keywords:
            return Declared(str(keyword.arg), keyword.value, keyword)
    if name in _INPUTS and call.args and not isinstance(call.args[0], ast.Starred):
        return Declared("shape", call.args[0])
    return None


def called(call: ast.Call) -> str:
    """The last name of what a call calls: ``Input`` of ``keras.Input(…)``."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def of_sample(found: Declared, source: str) -> str:
    """The shape of one sample as the code writes it; empty where it can't be taken out of what is written."""

    def text(node: ast.expr) -> str:
        return code_of(source, node)

    if found.is_width:
        return f"({text(found.value)},)"
    if not found.has_batch:
        return text(found.value)
    if not isinstance(found.value, ast.Tuple | ast.List) or not found.value.elts:
        return ""
    rest = [text(element) for element in found.value.elts[1:]]
    return f"({', '.join(rest)}{',' if len(rest) == 1 else ''})"
