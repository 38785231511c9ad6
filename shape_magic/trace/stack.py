"""The trace of a stack that is not built yet: Keras' own layers, called on symbols, on clones.

Hybrid, layer by layer: a Sequential is opened; a built layer, or one that learns by ``adapt``,
answers for itself; any other is called as its twin, else as a clone from its config, else from its
recorded arguments with every layer among them cloned too. Layers are called in the worker only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import GONE, Session
from shape_magic.facts import Failure
from shape_magic.spans import Shape
from shape_magic.trace import layers as describe
from shape_magic.trace.failures import failure_of
from shape_magic.trace.inputs import own_inputs
from shape_magic.trace.known import Known, known, remembered
from shape_magic.trace.reuse import Answer, Flow, keep, kept
from shape_magic.trace.rows import Rows, Step, graph_of, is_layer, name_of, shape
from shape_magic.trace.twins import twin
from shape_magic.trace.untouched import as_they_were, reached_from
from shape_magic.trace.worker import apart
from shape_magic.untrusted import asked


class Untraceable(Exception):
    """A layer can't be copied without touching the user's; the model is checked when it is called."""


def trace_stack(session: Session, rows: Rows, layers: Sequence[Any], given: Flow | None) -> Flow | None:
    """Pass symbolic tensors through the layers one after another, and collect a row for each.

    Returns what comes out at the end, None from the first layer on that refuses; that row holds the
    failure and the ones after it no output. The worker is called in when a layer has to be asked.
    """
    way = _Way(session, rows, list(_opened(rows, layers, ())), given)
    if not way.go_while_known():
        apart(way.go)
    return way.given


def _opened(rows: Rows, layers: Sequence[Any], path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The layers, those of a Sequential without a graph in its place, each with the names that lead to it."""
    for layer in layers:
        here = (*path, name_of(layer))
        if type(layer).__name__ == "Sequential" and graph_of(layer) is None:
            rows.know_elements(layer)
            yield from _opened(rows, layer.layers, here)
        elif type(layer).__name__ != "InputLayer":
            yield layer, here


class _Way:
    """The way through a stack, as far as it has been gone."""

    def __init__(
        self, session: Session, rows: Rows, layers: list[tuple[Any, tuple[str, ...]]], given: Flow | None
    ) -> None:
        self._session = session
        self._rows = rows
        self._layers = layers
        self._done = 0
        self._source = -1
        #: What comes to the next layer; None once one has refused.
        self.given = given

    def go_while_known(self) -> bool:
        """Go on while layers need not be asked; whether that was to the end."""
        for layer, path in self._layers[self._done :]:
            told = remembered(layer)
            answer = _answered(told, self.given) if told is not None and self.given is not None else None
            if told is None or answer is None:
                return False
            self._add(layer, path, told, Flow(answer.outputs), answer.weights)
        return True

    def go(self) -> None:
        """Go on to the end. Runs in the worker."""
        for layer, path in self._layers[self._done :]:
            told = known(layer)
            if self.given is None:
                self._add(layer, path, told, None)
                continue
            try:
                result, weights = passed(self._session, layer, told, self.given)
            except Untraceable:
                self._add(layer, path, told, None)
            except Exception as error:  # noqa: BLE001 - what Keras raises is the finding
                # An exception of the user's own code is told when it runs.
                self._add(layer, path, told, None, failure=None if is_users_own(error) else failure_of(error))
            else:
                self._add(layer, path, told, result, weights)

    def _add(
        self,
        layer: Any,
        path: tuple[str, ...],
        told: Known,
        result: Flow | None,
        weights: tuple[int, int] | None = None,
        failure: Failure | None = None,
    ) -> None:
        graph = graph_of(layer) if result is not None else None
        if graph is not None:
            self._enter(layer, graph)
            self._source = self._rows.add_graph(graph, [self._source], path)[0]
        else:
            given = self.given.shapes if self.given is not None else []
            gives = result.shapes if result is not None else []
            takes = own_inputs(self._session, layer) if failure is not None else ()
            self._source = self._rows.add(
                layer, path, [self._source], given, gives, told=told, weights=weights, failure=failure, takes=takes
            )
        self.given = result
        self._done += 1

    def _enter(self, layer: Any, graph: Any) -> None:
        """Note a model with a graph that is given another shape than it was made for: its own formulas say nothing."""
        if self.given is not None and [s[1:] for s in self.given.shapes] != [shape(t)[1:] for t in graph.inputs]:
            self._rows.steps.append(Step(None, layer, flat(self.given.symbols), {}, graph.inputs))


def passed(session: Session, layer: Any, told: Known, given: Flow) -> tuple[Flow, tuple[int, int]]:
    """What a layer gives for what comes to it, and the weights that it has or would make.

    Keras is asked once for each kind of layer and input; raises what the call raises. Runs in the worker.
    """
    answer = _answered(told, given)
    if answer is not None:
        return Flow(answer.outputs), answer.weights
    with unobserved():
        result, used = call_apart(session, layer, given.symbols, is_own=told.key is not None)
    flow, weights = Flow.of(result), describe.weights(used)
    if told.key is not None and given.key is not None and flow.key is not None:
        keep((told.key, given.key), Answer(flow.specs, weights))
    return flow, weights


def _answered(told: Known, given: Flow) -> Answer | None:
    comes = given.key
    return kept((told.key, comes)) if told.key is not None and comes is not None else None


def flat(structure: Any) -> list[Any]:
    """The tensors of a nested structure, in Keras' order."""
    from keras import tree

    return [t for t in tree.flatten(structure) if hasattr(t, "shape")]


@asked()
def call_apart(session: Session, layer: Any, *tensors: Any, is_own: bool = False) -> tuple[Any, Any]:
    """Call a layer on symbols without touching it; returns the result and the layer that was called.

    ``is_own``: it is known to be Keras' own without code of the user's, which might change something.
    """
    if getattr(layer, "built", False) or (hasattr(layer, "adapt") and getattr(layer, "is_adapted", True)):
        with as_they_were(layer):
            if tensors:
                layer._assert_input_compatibility(tensors[0])
            return layer.compute_output_spec(*tensors), layer
    copy = twin(layer)
    if copy is not None:
        # What a twin says no to is asked of a clone as well: that one's exception is Keras' word.
        with contextlib.suppress(Exception), contextlib.nullcontext() if is_own else reached_from(copy):
            return copy(*tensors), copy
    copy = clone(session, layer)
    with reached_from(copy):
        return copy(*tensors), copy


@asked()
def clone(session: Session, layer: Any) -> Any:
    """A fresh, unbuilt layer that is configured alike; raises ``Untraceable`` when there is none."""
    with reached_from(layer):
        try:
            return type(layer).from_config(unbuilt(layer.get_config()))
        except Exception:  # noqa: BLE001 - lambdas, callables, layers without get_config: recorded arguments come next
            pass
        made = session.made.get(layer)
        if made is None:
            raise Untraceable(f"{type(layer).__name__} can't be copied")
        args, kwargs = made.given()
        return made.cls(*_fresh(session, args), **_fresh(session, kwargs))


def unbuilt(config: Any) -> Any:
    """A configuration without what the layers in it were built for: an older Keras builds copies of those at once."""
    if type(config) is dict:
        return {key: unbuilt(value) for key, value in config.items() if key != "build_config"}
    return [unbuilt(value) for value in config] if type(config) is list else config


def _fresh(session: Session, value: Any) -> Any:
    # The user's own layers must not be built here: a later fit would find them without values.
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_fresh(session, v) for v in value)
    if type(value) is dict:
        return {k: _fresh(session, v) for k, v in value.items()}
    if is_layer(value):
        return clone(session, value)
    if value is GONE:
        raise Untraceable("an argument that is not there any more")
    if type(value).__name__ in ("Variable", "EagerTensor", "ResourceVariable") and hasattr(value, "assign"):
        raise Untraceable("a variable among the arguments")
    return value


def input_tensor(sizes: Shape, dtype: str | None = None) -> Any:
    """A symbolic tensor to start from."""
    import keras

    return keras.KerasTensor(sizes, dtype=dtype or "float32")
