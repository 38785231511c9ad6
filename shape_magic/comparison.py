"""``compare(a, b, …)``: models side by side, by their shapes, parameters and memory, without building any."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any

from shape_magic.alignment import Aligned, align
from shape_magic.errors import UsageError
from shape_magic.facts import Call
from shape_magic.report import call_to_dict
from shape_magic.spans import Shape
from shape_magic.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = 1
#: Bytes of a number where the layer does not say its type.
_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """One of the models."""

    name: str
    kind: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    calls: tuple[Call, ...]
    params: int
    #: The weights in bytes.
    bytes: int
    #: What all layers give for one sample, in bytes, as training keeps it; None where an axis has no fixed size.
    activations: int | None
    #: The title of the finding that makes it fail; empty: it works.
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models side by side; the first one is what the others are measured by."""

    models: tuple[Compared, ...]
    #: Layers that stand beside each other, by their position in each model's ``calls``.
    rows: tuple[Aligned, ...]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data that ``json.dumps`` takes."""
        return {
            "schema": SCHEMA,
            "models": [_model(model) for model in self.models],
            "rows": [{"layers": list(row), "differs": list(differences(self, row))} for row in self.rows],
        }

    def __str__(self) -> str:
        """The comparison as a table for a terminal, without colours."""
        from shape_magic.display.compare_text import render_comparison

        return render_comparison(self)

    def __repr__(self) -> str:
        """The models in one line."""
        return say("compare.repr", names=", ".join(f"{m.name}: {m.params:,}" for m in self.models))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """The comparison as a table that reads the same without styles."""
        from shape_magic.display.compare_html import comparison_html

        return comparison_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """Text and HTML, tagged as ours for ``shape_magic strip``."""
        return {"text/plain": str(self), "text/html": self._repr_html_()}, {"shape_magic": {"shows": "comparison"}}

    def plot(self) -> Figure:
        """The ladders side by side, with parameters and memory as bars, as one matplotlib figure."""
        from shape_magic.display.compare_figure import plot_comparison

        return plot_comparison(self)


def compare(*models: Any, x: Any = None, **named: Any) -> Comparison:
    """Lay two or more Keras models side by side; nothing of them is built, changed or run.

    They are called by the names of the variables that hold them, or as keywords say:
    ``compare(flatten=a, average=b)``. ``x`` is data, or its shape with the batch axis, for models
    that do not say their input. Raises ``UsageError`` for fewer than two models, for what is none,
    and for a model whose shapes can't be known.
    """
    if len(models) + len(named) < 2:
        raise UsageError(say("compare.error.few", n=len(models) + len(named)))
    names = [*_names(models, sys._getframe(1)), *named]
    given = [*models, *named.values()]
    compared = tuple(_compared(model, name, x) for model, name in zip(given, _distinct(names), strict=True))
    return Comparison(compared, align([model.calls for model in compared]))


def _names(models: Sequence[Any], frame: FrameType) -> Iterator[str]:
    """The variable of the caller that holds each model, else the model's own name."""
    for model in models:
        held = (
            name
            for space in (frame.f_locals, frame.f_globals)
            for name, value in space.items()
            if value is model and not name.startswith("_")
        )
        yield next(held, "") or str(getattr(model, "name", "") or type(model).__name__)


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The names, the second of the same with its number."""
    for k, name in enumerate(names):
        before = names[:k].count(name)
        yield say("compare.again", name=name, n=before + 1) if before else name


def _compared(model: Any, name: str, x: Any) -> Compared:
    from shape_magic.api import check

    try:
        report = check(model, x, names=(name, "x") if x is not None else (name,))
    except UsageError as error:
        raise UsageError(say("compare.error.no_model", name=name, why=error)) from None
    facts = report.models[0]
    failed = next((d for d in report.diagnostics if d.severity == "error"), None)
    calls = tuple(call for call in facts.calls if not call.is_a("InputLayer"))
    if not facts.outputs and failed is None:
        raise UsageError(say("compare.error.unknown" if x is None else "compare.error.own_call", name=name))
    return Compared(
        name=name,
        kind=facts.kind,
        inputs=tuple(data.shape for data in facts.inputs),
        outputs=facts.outputs,
        calls=calls,
        params=facts.params,
        bytes=facts.bytes,
        activations=_activations(calls, _sizes(model)),
        broken=failed.title if failed else "",
    )


def _sizes(model: Any) -> dict[str, int]:
    """The bytes of a number that each layer gives, by the layer's name; ``""`` for the model's own."""
    layers = [*model._flatten_layers(include_self=False, recursive=True)] if hasattr(model, "_flatten_layers") else []
    types = {str(layer.name): str(getattr(layer, "compute_dtype", "")) for layer in layers}
    types[""] = str(getattr(model, "compute_dtype", ""))
    found = {name: re.search(r"\d+", dtype) for name, dtype in types.items()}
    return {name: int(bits[0]) // 8 for name, bits in found.items() if bits}


def _activations(calls: Sequence[Call], sizes: Mapping[str, int]) -> int | None:
    total = 0
    for call in calls:
        size = sizes.get(call.layer, sizes.get("", _NUMBER))
        for shape in call.output_shapes:
            axes = [d for d in shape[1:] if d is not None]
            if len(axes) < len(shape) - 1:
                return None
            total += math.prod(axes) * size
    return total


def differences(comparison: Comparison, row: Aligned) -> tuple[str, ...]:
    """In what a row's layers differ: any of ``missing``, ``layer``, ``settings``, ``shape``, ``params``."""
    calls = [model.calls[at] for model, at in zip(comparison.models, row, strict=True) if at is not None]
    found = ["missing"] if len(calls) < len(row) else []
    kinds = {call.class_name for call in calls}
    if len(kinds) > 1:
        found.append("layer")
    elif len({call.summary for call in calls}) > 1:
        found.append("settings")
    if len({call.output_shapes for call in calls}) > 1:
        found.append("shape")
    if len({call.params for call in calls}) > 1:
        found.append("params")
    return tuple(found)


def _model(model: Compared) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "inputs": [list(shape) for shape in model.inputs],
        "outputs": [list(shape) for shape in model.outputs],
        "params": model.params,
        "bytes": model.bytes,
        "activation_bytes": model.activations,
        "broken": model.broken or None,
        "layers": [call_to_dict(call) for call in model.calls],
    }
