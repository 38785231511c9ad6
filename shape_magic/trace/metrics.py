"""Each metric as facts: which output it looks at, what it is, and what Keras says when it meets the labels."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from shape_magic.facts import Data, LossFacts
from shape_magic.trace.arguments import arguments
from shape_magic.trace.losses import Said, asked, is_known, kind, per_output
from shape_magic.untrusted import ask, named

#: What Keras chooses by the shapes, under one name each (keras/src/trainers/compile_utils.py).
_CHOSEN = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy", "ce": "crossentropy"}


def metric_facts(
    metrics: Any,
    names: Sequence[str],
    outputs: Sequence[Any],
    y: Sequence[Data],
    batch: int | None,
    text: str = "",
) -> tuple[LossFacts, ...]:
    """Each metric with its output, and with what Keras raises for its labels, if it does. Runs in the worker."""
    count = len(outputs)
    flat = as_list(metrics)
    each = [metrics] if count <= 1 else per_output(metrics, names, count)
    if each is None or (count > 1 and not isinstance(metrics, list | tuple | Mapping)):
        return tuple(_told(metric, 0, Said(), "") for metric in flat)
    sources = iter(elements(text, len(flat)))
    found = []
    for item, given in enumerate(each):
        for metric in as_list(given):
            met = ([outputs[item]], [y[item]]) if count == len(y) and count else ([], [])
            found.append(_told(metric, item, _asked(metric, *met, batch), next(sources)))
    return tuple(found)


def _told(metric: Any, item: int, said: Said, text: str) -> LossFacts:
    known = is_known(metric)
    return LossFacts(
        named(ask(lambda: label_of(metric), type(metric).__name__)),
        known,
        arguments=arguments(metric) if known else {},
        kind=kind_of(metric) if known else "",
        text=text,
        failure=said.failure,
        item=item,
        crossings=() if known else said.crossings,
    )


def _asked(metric: Any, outputs: Sequence[Any], y: Sequence[Data], batch: int | None) -> Said:
    from keras.src.trainers.compile_utils import CompileMetrics

    copy = copied_metric(metric)
    if copy is None:
        return Said()
    return asked(lambda: CompileMetrics([copy], None).update_state, outputs, y, batch, kind("metric", metric))


def as_list(metrics: Any) -> list[Any]:
    """All metrics in whatever they were given in."""
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    found: list[Any] = []
    for m in metrics if isinstance(metrics, list | tuple) else [metrics]:
        found += as_list(m) if isinstance(m, list | tuple | dict) else [m] if m is not None else []
    return found


def copied_metric(metric: Any) -> Any:
    """A metric that keeps no state of the user's; None where it can't be copied, and is not asked."""
    if isinstance(metric, str) or not hasattr(metric, "update_state"):
        return metric
    # A user's metric may need arguments that its config does not tell.
    return ask(lambda: type(metric).from_config(metric.get_config()), None)


def elements(text: str, count: int) -> list[str]:
    """The source of each element of a list that is written out; empty texts where it is no such list."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return [""] * count
    if not isinstance(tree, ast.List | ast.Tuple) or len(tree.elts) != count:
        return [""] * count
    return [ast.get_source_segment(text.strip(), e) or "" for e in tree.elts]


def kind_of(metric: Any) -> str:
    """The class in Keras behind a metric, however it was given; empty where there is none."""
    import keras

    name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
    if name in _CHOSEN:
        return _CHOSEN[name]
    try:
        found = keras.metrics.get(name) if name else metric
    except (ValueError, TypeError):
        return ""
    return str(getattr(found, "__name__", None) or type(found).__name__)


def label_of(metric: Any) -> str:
    """The key under which Keras reports a metric."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", None) or type(metric).__name__)
