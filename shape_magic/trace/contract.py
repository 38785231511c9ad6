"""The use of a model: its outputs for this x, and what its loss and metrics say to these labels.

Keras itself is asked: the forward call, the loss and each metric are computed on symbols in the
worker, with copies of whatever keeps a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Tracked, Use
from shape_magic.facts import Argument, Compiled, Complaint, Contract, Data, Failure, LossFacts
from shape_magic.spans import Shape
from shape_magic.trace.complaints import complaint_of, data_complaint, weights_failure
from shape_magic.trace.data import as_read, with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras
from shape_magic.trace.losses import Settings, loss_facts, per_output, settings_of
from shape_magic.trace.metrics import metric_facts
from shape_magic.trace.rows import graph_of, shape
from shape_magic.trace.stack import flat
from shape_magic.trace.training import compiled_facts, has_own_step, hides_data, is_compiled, takes_data
from shape_magic.trace.untouched import as_they_were
from shape_magic.trace.use import (
    Names,
    arguments_of,
    class_weights,
    data_of_use,
    handed,
    named_labels,
    nearby,
    numpy_name,
    validation_of,
)
from shape_magic.trace.worker import apart
from shape_magic.untrusted import asked, named

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
    return min(given if type(given) is int and given > 0 else _BATCH, x[0].shape[0])


#: Whether layers are called as in training, by the method that uses their model; of others the layers decide.
_TRAINS = {"fit": True, "train_on_batch": True}
_INFERS = dict.fromkeys(("evaluate", "predict", "test_on_batch", "predict_on_batch"), False)


def is_training(use: Use | None) -> bool | None:
    """What the layers of a model are told in this use; None where they are told nothing."""
    return None if use is None else (_TRAINS | _INFERS).get(use.method)


def forward(
    model: Any, x: Sequence[Data], batch: int | None, *, guarded: bool = True, training: bool | None = None
) -> tuple[list[Any], Failure | None]:
    """The model's outputs for a batch of x as symbolic tensors, or why there are none. Runs in the worker.

    ``guarded``: whether the graph looks at its input before its layers do, which that of a Sequential does not.
    """
    import keras
    from keras.src import backend

    given = [keras.KerasTensor(with_batch(d, batch), dtype=as_read(d.dtype)) for d in x]
    wanted = list(model.inputs)
    if len(given) == len(wanted) and all(shape(g)[1:] == shape(w)[1:] for g, w in zip(given, wanted, strict=True)):
        return [keras.KerasTensor((batch, *shape(o)[1:]), dtype=o.dtype) for o in flat(model.outputs)], None
    structure = _as_taken(model, given)
    try:
        with unobserved(), asked(), as_they_were(model):
            # The layers' shape formulas skip what Functional.call does first (it adds or drops a last
            # axis of 1), so the real call is traced.
            if guarded:
                model._assert_input_compatibility(structure)
            return flat(backend.compute_output_spec(model.call, structure, training=training)), None
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        return [], None if is_users_own(error) else failure_of(error)


#: Keras' own layers that take texts, or whatever the user's function does.
_READERS = frozenset({"TextVectorization", "StringLookup", "Hashing", "HashedCrossing", "Lambda"})


def _may_read_text(model: Any) -> bool:
    """Whether texts may be what a model is for; of one with a ``call`` of its own nothing is known."""
    graph = graph_of(model)
    if graph is not None:
        return any(str(tensor.dtype) == "string" for tensor in graph.inputs)
    first = next(iter(getattr(model, "layers", ())), None) if is_keras(model) else None
    if first is None or not is_keras(first):
        return True
    return _may_read_text(first) if hasattr(first, "layers") else type(first).__name__ in _READERS


def names_of(model: Any) -> Names:
    """The names of a model's inputs and outputs, by which a dict gives their data."""
    graph, looked_up = graph_of(model), any(_every(model, "Embedding", "CategoryEncoding"))
    if graph is None:
        return Names(looked_up=looked_up)
    struct = getattr(graph, "_inputs_struct", None)
    inputs = sorted(struct) if isinstance(struct, dict) else [t._keras_history.operation.name for t in graph.inputs]
    outputs = getattr(model, "output_names", None) or getattr(graph, "output_names", None) or ()
    wanted = tuple(tuple(shape(t)) for t in graph.inputs)
    return Names(tuple(map(str, inputs)), tuple(map(str, outputs)), wanted, looked_up)


def _every(model: Any, *class_names: str) -> Iterator[Any]:
    """Its layers of some of Keras' classes, wherever in it they are."""
    every: Any = getattr(model, "_flatten_layers", tuple)()
    return (one for one in every if type(one).__name__ in class_names and is_keras(one))


@dataclass(frozen=True, slots=True)
class _Answers:
    """What Keras said in the worker."""

    outputs: tuple[Shape, ...] = ()
    failure: Failure | None = None
    losses: tuple[LossFacts, ...] = ()
    metrics: tuple[LossFacts, ...] = ()
    complaint: Complaint | None = None
    weights: Failure | None = None
    step_outputs: tuple[Shape, ...] = ()


def contract_facts(
    tracked: Tracked | None,
    use: Use,
    outputs_for: Callable[..., tuple[list[Any], Failure | None]],
    namespace: Mapping[str, Any],
    *,
    own_step: bool = False,
) -> Contract:
    """One use of the model as facts; ``outputs_for(x, batch)`` gives its symbolic outputs.

    ``own_step``: what they are compared with is not to be judged, as the model's class may do it otherwise.
    """
    names = names_of(use.model)
    x, y, weights = data_of_use(use, names, namespace)
    batch = batch_of(use, x)
    settings = settings_of(tracked, use.model)
    y = _aligned(y, settings.loss, names)

    def ask() -> _Answers:
        with as_they_were(*_compared_by(settings)):
            return _answers(use, names, settings, (x, y, weights), batch, outputs_for, namespace, own_step=own_step)

    answers = apart(ask)
    validation = validation_of(use)
    epochs = use.arguments.get("epochs", 1) if use.method == "fit" else None
    split = use.arguments.get("validation_split")
    return Contract(
        method=use.method,
        x=x,
        y=y,
        outputs=answers.outputs,
        losses=answers.losses,
        metrics=answers.metrics,
        span=use.place.span if use.place else None,
        compile_span=tracked.compile_span if tracked else None,
        epochs=epochs if isinstance(epochs, int) else None,
        failure=answers.failure,
        weights=weights,
        class_weight=class_weights(use, y),
        arguments=_arguments(use, names, namespace, read=bool(y)) if use.real else (),
        batch=batch,
        compiled=_compiled(tracked, settings, names, use.model) if is_compiled(use.model) else None,
        own_step=has_own_step(use.model),
        complaint=answers.complaint,
        weights_failure=answers.weights,
        validation=None
        if validation is None
        else contract_facts(tracked, validation, outputs_for, namespace, own_step=own_step),
        validation_text=use.texts.get("validation_data", ""),
        validation_split=split if isinstance(split, float) else 0.0,
        input_names=tuple(map(named, names.inputs)),  # as the keys of the data are told
        numpy=numpy_name(namespace),
        nearby=nearby(use, namespace),
        step_outputs=answers.step_outputs,
    )


def _arguments(use: Use, names: Names, namespace: Mapping[str, Any], *, read: bool) -> tuple[Argument, ...]:
    """``read``: whether the labels are known; else their names may not be those of the outputs."""
    given = arguments_of(use, names.wanted, reads_text=_may_read_text(use.model))
    return given if read else named_labels(given, handed(use, namespace))


def _compiled(tracked: Tracked | None, settings: Settings, names: Names, model: Any) -> Compiled:
    texts, spans = (tracked.compile_texts, tracked.compile_spans) if tracked else ({}, {})
    return compiled_facts(settings, names.outputs, model, texts, spans)


def _answers(
    use: Use,
    names: Names,
    settings: Settings,
    data: tuple[tuple[Data, ...], tuple[Data, ...], tuple[Data, ...]],
    batch: int | None,
    outputs_for: Callable[..., tuple[list[Any], Failure | None]],
    namespace: Mapping[str, Any],
    *,
    own_step: bool,
) -> _Answers:
    x, y, weights = data
    if _misjudges_texts(use.model, x):
        return _Answers()
    is_hidden = own_step or hides_data(use.model, use.method)
    if is_hidden and not takes_data(use.model, use.method):
        return _Answers()
    outputs, failure = outputs_for(x, batch)
    shapes = tuple((None, *shape(o)[1:]) for o in outputs)
    if is_hidden:
        return _Answers(step_outputs=() if failure is not None else shapes)
    by_name = names.outputs
    complaint = data_complaint(use.arguments) if use.real and use.method != "call" else None
    if failure is not None or use.method not in COMPARES:
        return _Answers(shapes, failure, loss_facts(settings.loss, by_name, [], (), None), complaint=complaint)
    losses = loss_facts(settings.loss, by_name, outputs, y, batch)
    metrics = metric_facts(settings.metrics, by_name, outputs, y, batch, settings.metrics_text)
    if complaint is None and use.real and outputs and max(len(outputs), len(y)) > 1:
        labels = handed(use, namespace).y
        complaint = complaint_of(settings, by_name, labels, packed(use.model, outputs), batch, (*losses, *metrics))
    refused = None
    if len(weights) == 1 and not any(one.failure for one in losses):
        refused = weights_failure(settings, y, outputs, weights[0], batch)
    return _Answers(shapes, None, losses, metrics, complaint, refused)


def _misjudges_texts(model: Any, x: Sequence[Data]) -> bool:
    """Whether Keras' symbols have an axis that its numbers have not: counted words of texts that lie in a column.

    ``TextVectorization`` drops that axis as it runs, and not in the shape that it foretells.
    """
    for layer in [one for one in _every(model, "TextVectorization") if getattr(one, "_output_mode", "int") != "int"]:
        given = [len(tensor.shape) for node in layer._inbound_nodes for tensor in node.input_tensors]
        if any(rank > 1 for rank in given or [len(data.shape) for data in x]):
            return True
    return False


def _compared_by(settings: Settings) -> list[Any]:
    """The losses and metrics that are no names: the user's code may be in them."""
    from keras import tree

    given = tree.flatten([settings.loss, settings.metrics, settings.weighted_metrics])
    return [one for one in given if one is not None and not isinstance(one, str)]


def packed(model: Any, outputs: list[Any]) -> Any:
    """The outputs in the structure in which the model gives them."""
    return _packed(getattr(graph_of(model), "_outputs_struct", None), outputs)


def _as_taken(model: Any, given: list[Any]) -> Any:
    """The data in the structure in which the model takes them: one made with a dict refuses a list."""
    structure = _packed(getattr(graph_of(model), "_inputs_struct", None), given)
    return given[0] if structure is given and len(given) == 1 else structure


def _packed(struct: Any, tensors: list[Any]) -> Any:
    from keras import tree

    if struct is None or len(tree.flatten(struct)) != len(tensors):
        return tensors
    return tree.pack_sequence_as(struct, tensors)


def _aligned(y: tuple[Data, ...], loss: Any, names: Names) -> tuple[Data, ...]:
    """The labels with a place for each output; an empty one where nothing is compared with it."""
    each = per_output(loss, names.outputs, len(names.outputs)) if len(names.outputs) > 1 else None
    if each is None or len(y) == len(each) or len(y) != sum(one is not None for one in each):
        return y
    given = iter(y)
    return tuple(next(given) if one is not None else Data("none", (), "none") for one in each)
