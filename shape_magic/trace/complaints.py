"""What Keras says to a call as a whole: to the arguments of ``compile`` for several outputs, and to weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shape_magic.facts import Complaint, Data, Failure, LossFacts
from shape_magic.trace.data import computed, dtype_name, shape_of, with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.losses import Settings, refused
from shape_magic.trace.metrics import copied_metric

#: Longer sentences repeat the data.
_LINE = 200


class _Unknown(Exception):
    """A part of the labels is nothing of which Keras could be asked."""


def complaint_of(
    settings: Settings, names: Sequence[str], labels: Any, outputs: Any, batch: int | None, told: Sequence[LossFacts]
) -> Complaint | None:
    """What Keras raises for outputs and labels in their structure, where no single one of ``told`` is the reason.

    ``labels`` and ``outputs`` are as the call and the model have them: in lists, or by their names.
    Runs in the worker.
    """
    from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics

    if any(one.failure for one in told) or labels is None or settings.loss is None:
        return None
    try:
        given = symbols(labels, batch)
    except _Unknown:
        return None
    names = list(names)

    def ask_loss(weights: Any) -> Failure | None:
        return refused(lambda: CompileLoss(settings.loss, weights, output_names=names), given, outputs)

    failure = ask_loss(settings.loss_weights)
    if failure is not None:
        if settings.loss_weights is not None and ask_loss(None) is None:
            return Complaint("loss_weights", failure)
        return Complaint("loss" if _match(given, outputs, names) else "labels", failure)
    metrics = _copied(settings.metrics)
    if metrics is None:
        return None
    failure = refused(lambda: CompileMetrics(metrics, None, output_names=names).update_state, given, outputs)
    return Complaint("metrics", failure) if failure is not None else None


def symbols(value: Any, batch: int | None) -> Any:
    """A structure of arrays or specs as one of symbols."""
    import keras

    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: symbols(part, batch) for key, part in value.items()}
    if isinstance(value, list | tuple) and not all(isinstance(part, bool | int | float) for part in value):
        return tuple(symbols(part, batch) for part in value)
    sizes, dtype = shape_of(value), getattr(value, "dtype", None)
    if not sizes or dtype is None or str(dtype) == "object":
        raise _Unknown
    return keras.KerasTensor((batch, *sizes[1:]), dtype=computed(dtype_name(dtype)))


def _match(labels: Any, outputs: Any, names: Sequence[str]) -> bool:
    """Whether there are labels for each output, one by one or by their names."""
    if isinstance(labels, Mapping):
        return set(labels) == set(outputs if isinstance(outputs, Mapping) else names)
    if isinstance(outputs, Mapping | list | tuple):
        return isinstance(labels, tuple) and len(labels) == len(outputs)
    return not isinstance(labels, tuple)


def _copied(metrics: Any) -> Any:
    """The metrics in their structure, without the user's state; None where one can't be copied."""
    if isinstance(metrics, Mapping):
        copies = {key: _copied(m) for key, m in metrics.items()}
        return None if any(c is None and metrics[k] is not None for k, c in copies.items()) else copies
    if isinstance(metrics, list | tuple):
        parts = [_copied(m) for m in metrics]
        return None if any(c is None and m is not None for c, m in zip(parts, metrics, strict=True)) else parts
    return copied_metric(metrics)


def weights_failure(
    settings: Settings, y: Sequence[Data], outputs: Sequence[Any], weights: Data, batch: int | None
) -> Failure | None:
    """What Keras raises when a loss' values meet the sample weights. Runs in the worker."""
    import keras
    from keras.src.trainers.compile_utils import CompileLoss

    if len(outputs) != 1 or len(y) != 1 or settings.loss is None or not y[0].shape or not weights.shape:
        return None
    if "object" in (y[0].dtype, weights.dtype):
        return None
    labels, given = (keras.KerasTensor(with_batch(d, batch), dtype=computed(d.dtype)) for d in (y[0], weights))
    return refused(lambda: CompileLoss(settings.loss), labels, outputs[0], given)


def data_complaint(arguments: Mapping[str, Any]) -> Complaint | None:
    """What Keras' own reader of arrays raises about x, y and the weights together; nothing is read."""
    from keras.src.trainers.data_adapters import get_data_adapter
    from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays

    x = arguments.get("x", arguments.get("inputs"))
    given = (x, arguments.get("y"), arguments.get("sample_weight"))
    try:
        if can_convert_arrays(given):
            get_data_adapter(*given)
        elif isinstance(x, list | tuple | int | float):
            get_data_adapter(*_shortened(given))
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        failure = failure_of(error)
        return Complaint("data", replace(failure, message=_first_line(str(error)) or failure.message))
    return None


def _first_line(message: str) -> str:
    """Keras' sentence without the data that follow it, in full."""
    line = message.strip().split("\n", 1)[0]
    return line if len(line) <= _LINE else f"{line[:_LINE]}…"


def _shortened(parts: Sequence[Any]) -> list[Any]:
    """Long lists by their beginning: Keras' sentence about them repeats them in full."""
    return [part[:2] if isinstance(part, list) else part for part in parts]
