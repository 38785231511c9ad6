"""The trace of a stack that is not built yet: Keras' own layers, called on symbols, on clones.

Hybrid, layer by layer: a Sequential is opened; a built layer, or one that learns by ``adapt``,
answers for itself; any other is cloned from its config, else from its recorded arguments with every
layer among them cloned too. Must run in the worker.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Shape
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras
from shape_magic.trace.rows import Rows, graph_of, is_layer, shape


class Untraceable(Exception):
    """A layer can't be copied without touching the user's; the model is checked when it is called."""


def trace_stack(
    session: Session, rows: Rows, layers: Sequence[Any], tensor: Any, path: tuple[str, ...] = (), source: int = -1
) -> tuple[Any | None, int]:
    """Call the layers one after another on a symbolic tensor and collect a row for each.

    Returns the last tensor, None from the first layer on that refuses; that row holds the failure
    and the ones after it no output.
    """
    for layer in layers:
        if type(layer).__name__ == "InputLayer":
            continue
        here = (*path, str(layer.name))
        if _is_open(layer):
            rows.know_elements(layer)
            tensor, source = trace_stack(session, rows, layer.layers, tensor, here, source)
            continue
        if tensor is None:
            source = rows.add(layer, here, [source], [], [])
            continue
        tensor, source = _trace_layer(session, rows, layer, tensor, here, source)
    return tensor, source


def _is_open(layer: Any) -> bool:
    return type(layer).__name__ == "Sequential" and graph_of(layer) is None


def _trace_layer(
    session: Session, rows: Rows, layer: Any, tensor: Any, path: tuple[str, ...], source: int
) -> tuple[Any | None, int]:
    given = [shape(t) for t in flat(tensor)]
    try:
        with unobserved():
            result, used = call_apart(session, layer, tensor)
    except Untraceable:
        return None, rows.add(layer, path, [source], given, [])
    except Exception as error:  # noqa: BLE001 - what Keras raises is the finding; the user's own is told when it runs
        failure = None if is_users_own(error) else failure_of(error)
        return None, rows.add(layer, path, [source], given, [], failure=failure)
    graph = graph_of(layer)
    if graph is not None:
        end = rows.add_graph(graph, [source], path)
        return result, end[0]
    number = rows.add(layer, path, [source], given, [shape(t) for t in flat(result)], weighed=used)
    return result, number


@contextlib.contextmanager
def as_they_were(layer: Any) -> Iterator[None]:
    """Put back what a traced call leaves in a built model: losses, and what the user's layers keep of a call."""
    inside = list(layer._flatten_layers()) if hasattr(layer, "_flatten_layers") else [layer]
    losses = [(one, list(one._losses)) for one in inside if isinstance(getattr(one, "_losses", None), list)]
    kept = [(vars(one), dict(vars(one))) for one in inside if not is_keras(one)]
    try:
        yield
    finally:
        for attributes, before in kept:
            if attributes.keys() != before.keys() or any(attributes[k] is not v for k, v in before.items()):
                attributes.clear()
                attributes.update(before)
        for one, before_losses in losses:
            one._losses[:] = before_losses


def flat(structure: Any) -> list[Any]:
    """The tensors of a nested structure, in Keras' order."""
    from keras import tree

    return [t for t in tree.flatten(structure) if hasattr(t, "shape")]


def call_apart(session: Session, layer: Any, *tensors: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Call a layer on symbols without touching it; returns the result and the layer that was called."""
    if getattr(layer, "built", False) or (hasattr(layer, "adapt") and getattr(layer, "is_adapted", True)):
        with as_they_were(layer):
            if tensors:
                layer._assert_input_compatibility(tensors[0])
            return layer.compute_output_spec(*tensors, **kwargs), layer
    copy = clone(session, layer)
    return copy(*tensors, **kwargs), copy


def clone(session: Session, layer: Any) -> Any:
    """A fresh, unbuilt layer that is configured alike; raises ``Untraceable`` when there is none."""
    try:
        return type(layer).from_config(layer.get_config())
    except Exception:  # noqa: BLE001 - lambdas, callables, layers without get_config: recorded arguments come next
        pass
    made = session.made.get(layer)
    if made is None:
        raise Untraceable(f"{type(layer).__name__} can't be copied")
    return made.cls(*_fresh(session, made.args), **_fresh(session, made.kwargs))


def _fresh(session: Session, value: Any) -> Any:
    # The user's own layers must not be built here: a later fit would find them without values.
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_fresh(session, v) for v in value)
    if type(value) is dict:
        return {k: _fresh(session, v) for k, v in value.items()}
    if is_layer(value):
        return clone(session, value)
    if type(value).__name__ in ("Variable", "EagerTensor", "ResourceVariable") and hasattr(value, "assign"):
        raise Untraceable("a variable among the arguments")
    return value


def input_tensor(sizes: Shape, dtype: str | None = None) -> Any:
    """A symbolic tensor to start from."""
    import keras

    return keras.KerasTensor(sizes, dtype=dtype or "float32")
