"""The use of a model: its outputs for this x, and what its loss and metrics say to these labels.

Keras itself is asked: the forward call, the loss and each metric are computed on symbols in the
worker, with copies of whatever keeps a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Tracked, Use
from shape_magic.facts import Contract, Data, Failure, LossFacts, Shape
from shape_magic.trace.data import data_of_use, with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.losses import compiled, loss_facts, metric_facts
from shape_magic.trace.rows import graph_of, shape
from shape_magic.trace.stack import as_they_were, flat
from shape_magic.trace.worker import apart

#: Calls that compare the output with labels.
COMPARES = frozenset({"fit", "evaluate", "train_on_batch", "test_on_batch"})
_BATCH = 32


def batch_of(use: Use, x: Sequence[Data]) -> int | None:
    """How many samples a step will take, where it is known."""
    if not x or not x[0].shape or x[0].shape[0] is None:
        return None
    if use.method.endswith("on_batch") or use.method == "call":
        return x[0].shape[0]
    given = use.arguments.get("batch_size")
    return min(given if isinstance(given, int) else _BATCH, x[0].shape[0])


def forward(model: Any, x: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
    """The model's outputs for a batch of x as symbolic tensors, or why there are none. Runs in the worker."""
    import keras
    from keras.src import backend

    given = [keras.KerasTensor(with_batch(d, batch), dtype=_float_as_read(d)) for d in x]
    wanted = list(model.inputs)
    if len(given) == len(wanted) and all(shape(g)[1:] == shape(w)[1:] for g, w in zip(given, wanted, strict=True)):
        return [keras.KerasTensor((batch, *shape(o)[1:]), dtype=o.dtype) for o in flat(model.outputs)], None
    structure = given[0] if len(given) == 1 else given
    try:
        with unobserved(), as_they_were(model):
            # The layers' shape formulas skip what Functional.call does first (it adds or drops a last
            # axis of 1), so the real call is traced.
            model._assert_input_compatibility(structure)
            return flat(backend.compute_output_spec(model.call, structure)), None
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        return [], None if is_users_own(error) else failure_of(error)


def _float_as_read(data: Data) -> str:
    return "float32" if data.dtype.startswith("float") or data.dtype == "object" else data.dtype


def names_of(model: Any) -> tuple[list[str], list[str]]:
    """The names of a model's inputs and outputs, by which a dict gives their data; empty where it has none."""
    graph = graph_of(model)
    if graph is None:
        return [], []
    struct = getattr(graph, "_inputs_struct", None)
    inputs = sorted(struct) if isinstance(struct, dict) else [t._keras_history.operation.name for t in graph.inputs]
    return [str(n) for n in inputs], [str(n) for n in getattr(model, "output_names", None) or []]


def has_own_step(model: Any) -> bool:
    """Whether the model's class has its own way from the labels to the loss, so that Keras' rules say nothing of it."""
    steps = (getattr(type(model), name, None) for name in ("train_step", "compute_loss", "make_train_function"))
    return any(not str(getattr(step, "__module__", "keras.")).startswith("keras.") for step in steps)


def contract_facts(
    tracked: Tracked | None, use: Use, outputs_for: Callable[..., tuple[list[Any], Failure | None]]
) -> Contract:
    """One use of the model as facts; ``outputs_for(x, batch)`` gives its symbolic outputs."""
    x, y = data_of_use(use.arguments, use.texts, use.spans, *names_of(use.model))
    batch = batch_of(use, x)
    loss, metrics = compiled(tracked, use.model)

    def ask() -> tuple[tuple[Shape, ...], Failure | None, tuple[LossFacts, ...], tuple[LossFacts, ...]]:
        outputs, failure = outputs_for(x, batch)
        shapes = tuple((None, *shape(o)[1:]) for o in outputs)
        if failure is not None or use.method not in COMPARES:
            return shapes, failure, loss_facts(loss, [], (), None), ()
        text = tracked.metrics_text if tracked else ""
        return shapes, None, loss_facts(loss, outputs, y, batch), metric_facts(metrics, outputs, y, batch, text)

    shapes, failure, losses, told = apart(ask)
    epochs = use.arguments.get("epochs", 1) if use.method == "fit" else None
    return Contract(
        method=use.method,
        x=x,
        y=y,
        outputs=shapes,
        losses=losses,
        metrics=told,
        span=use.place.span if use.place else None,
        compile_span=tracked.compile_span if tracked else None,
        epochs=epochs if isinstance(epochs, int) else None,
        own_step=has_own_step(use.model),
        failure=failure,
    )
