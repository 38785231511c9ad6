"""What was compiled: each loss and metric as facts, and what Keras says when they meet the labels.

Keras itself is asked: a loss and a metric are computed on symbols in the worker, with copies of
whatever keeps a state.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Tracked
from shape_magic.facts import Data, Failure, LossFacts
from shape_magic.trace.data import with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import arguments

#: What Keras chooses by the shapes, under one name each (keras/src/trainers/compile_utils.py).
_CHOSEN = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy", "ce": "crossentropy"}


def compiled(tracked: Tracked | None, model: Any) -> tuple[Any, list[Any]]:
    """The loss and the metrics that the model was compiled with, as the user gave them."""
    if tracked is not None and "loss" in tracked.compiled:
        metrics = tracked.compiled.get("metrics")
        return tracked.compiled.get("loss"), _as_list(metrics)
    loss = getattr(getattr(model, "_compile_loss", None), "_user_loss", None)
    metrics = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
    return loss, _as_list(metrics)


def _as_list(metrics: Any) -> list[Any]:
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    found: list[Any] = []
    for m in metrics if isinstance(metrics, list | tuple) else [metrics]:
        found += _as_list(m) if isinstance(m, list | tuple) else [m] if m is not None else []
    return found


def loss_facts(loss: Any, outputs: list[Any], y: Sequence[Data], batch: int | None) -> tuple[LossFacts, ...]:
    """Each compiled loss, with what Keras raises for these labels, if it does. Runs in the worker."""
    if loss is None:
        return ()
    if isinstance(loss, dict):  # by the outputs' names: only Keras itself pairs them, when it trains
        return tuple(_told(one, None) for one in loss.values())
    from keras.src.trainers.compile_utils import CompileLoss

    failure = _asked(lambda: CompileLoss(loss), outputs, y, batch)
    flat_losses = list(loss) if isinstance(loss, list | tuple) else [loss]
    many = len(flat_losses) > 1
    return tuple(_told(one, failure if not many or i == 0 else None) for i, one in enumerate(flat_losses))


def _told(loss: Any, failure: Failure | None) -> LossFacts:
    keywords = getattr(loss, "_fn_kwargs", None)
    given = dict(keywords) if isinstance(keywords, dict) else {}
    ignored = given.get("ignore_class")
    return LossFacts(
        name=name_of(loss),
        known=_is_known(loss),
        from_logits=bool(given["from_logits"]) if "from_logits" in given else None,
        plain=all(not v or (k, v) == ("axis", -1) for k, v in given.items()),
        ignore_class=ignored if isinstance(ignored, int) else None,
        arguments=arguments(loss) if _is_known(loss) else {},
        failure=failure,
    )


def metric_facts(
    metrics: list[Any], outputs: list[Any], y: Sequence[Data], batch: int | None, text: str = ""
) -> tuple[LossFacts, ...]:
    """Each metric, with what Keras raises for these labels, if it does. Runs in the worker."""
    from keras.src.trainers.compile_utils import CompileMetrics

    found = []
    for metric, source in zip(metrics, elements(text, len(metrics)), strict=True):
        copy = _copied(metric)
        failure = None
        if copy is not None and len(outputs) == 1:
            failure = _asked(lambda copy=copy: CompileMetrics([copy], None).update_state, outputs, y, batch)  # type: ignore[misc]
        known = _is_known(metric)
        found.append(
            LossFacts(
                label_of(metric),
                known,
                arguments=arguments(metric) if known else {},
                kind=kind_of(metric) if known else "",
                text=source,
                failure=failure,
            )
        )
    return tuple(found)


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


def _copied(metric: Any) -> Any:
    if isinstance(metric, str) or not hasattr(metric, "update_state"):
        return metric
    try:
        return type(metric).from_config(metric.get_config())
    except Exception:  # noqa: BLE001 - a user's metric that can't be copied is not asked: it keeps a state
        return None


def _asked(make: Callable[[], Any], outputs: list[Any], y: Sequence[Data], batch: int | None) -> Failure | None:
    import keras
    from keras.src import backend

    if not outputs or not y or len(outputs) != len(y):
        return None
    labels = [keras.KerasTensor(with_batch(d, batch), dtype=d.dtype) for d in y if d.dtype != "object"]
    if len(labels) != len(y):
        return None
    one = len(outputs) == 1
    try:
        with unobserved():
            compare = make()
            backend.compute_output_spec(
                lambda t, p: _numeric(compare(t, p)), labels[0] if one else labels, outputs[0] if one else outputs
            )
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        return None if is_users_own(error) else failure_of(error)
    return None


def _numeric(value: Any) -> Any:
    return 0.0 if value is None else value


def label_of(metric: Any) -> str:
    """The key under which Keras reports a metric."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", None) or getattr(metric, "__name__", None) or type(metric).__name__)


def name_of(loss: Any) -> str:
    """Keras' function name of a loss or metric; a class' name for the user's own."""
    import keras

    if isinstance(loss, str):
        kind = type(loss)
        try:
            resolved = keras.losses.get(loss)
            return str(getattr(resolved, "__name__", None) or kind.__name__)
        except (ValueError, TypeError):
            return loss
    if _is_known(loss):
        function = getattr(loss, "fn", None)
        return str(getattr(function, "__name__", None) or getattr(loss, "__name__", None) or type(loss).__name__)
    return str(getattr(loss, "__name__", None) or type(loss).__name__)


def _is_known(loss: Any) -> bool:
    module = (
        getattr(loss, "__module__", None) if callable(loss) and hasattr(loss, "__name__") else type(loss).__module__
    )
    return isinstance(loss, str) or str(module).startswith("keras.")
