"""The proof on the traced graph: the repair applied to clones of the layers, for a model without a source.

Enough to know that the shapes work out through loss and labels; the user's code is not looked at.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Live, Session, Tracked
from shape_magic.facts import Call, Data, Failure, Model
from shape_magic.repair.steps import (
    DropArgument,
    EndLoop,
    InsertLayer,
    JoinArguments,
    OwnLayer,
    RemoveLayer,
    RenameArgument,
    Reorder,
    ReplaceLayer,
    Rewrite,
    SetArgument,
    SetCompile,
    SetInputShape,
    Step,
    TrueButLast,
    Unwrap,
    Wrap,
    WrapData,
)
from shape_magic.trace import layers as describe
from shape_magic.trace.axes import with_axes
from shape_magic.trace.contract import contract_facts
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras
from shape_magic.trace.rows import Rows, graph_of, is_layer, shape
from shape_magic.trace.stack import Untraceable, call_apart, clone, flat, input_tensor
from shape_magic.trace.worker import apart


@dataclass(frozen=True, slots=True)
class NotOnStack:
    """Why the repair can't be tried on the traced graph."""

    why: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do at which call."""

    before: Mapping[int, tuple[Any, ...]]
    after: Mapping[int, tuple[Any, ...]]
    #: By call and by which of its inputs goes through the new layer.
    branch: Mapping[tuple[int, int], Any]
    instead: Mapping[int, Any]
    removed: frozenset[int]
    loss: Any


def planned(session: Session, live: Sequence[Any], steps: Sequence[Step]) -> _Plan | NotOnStack:
    """The steps as layers to call; ``live`` holds the layer of each call of the model. Runs in the worker."""
    before: dict[int, tuple[Any, ...]] = {}
    after: dict[int, tuple[Any, ...]] = {}
    branch: dict[tuple[int, int], Any] = {}
    instead: dict[int, Any] = {}
    removed: set[int] = set()
    loss: Any = None
    for step in steps:
        if isinstance(step, WrapData | SetInputShape | Rewrite | Reorder):
            return NotOnStack("it changes what goes in")
        if isinstance(step, EndLoop | TrueButLast) or getattr(step, "whole", False):
            return NotOnStack("it changes what a loop or a call makes in all")
        if isinstance(step, SetCompile):
            loss = ast.literal_eval(step.value) if step.name == "loss" else loss
        elif isinstance(step, InsertLayer):
            side = before if step.where == "before" else after
            new = _new_layer(step.class_name, step.arguments)
            new = _wrapped(step.inside, new) if step.inside else new
            if step.input is not None:
                branch[step.call, step.input] = new
                continue
            side[step.call] = (*side.get(step.call, ()), new)
        elif isinstance(step, RemoveLayer):
            removed.add(step.call)
        elif isinstance(step, ReplaceLayer):
            instead[step.call] = _new_layer(step.class_name, step.arguments)
        elif isinstance(step, Wrap):
            instead[step.call] = _wrapped(step.class_name, clone(session, live[step.call]))
        elif isinstance(step, DropArgument | RenameArgument | JoinArguments):
            return NotOnStack("what a call was given can't be told from a copy")
        elif isinstance(step, Unwrap | OwnLayer):
            layer = live[step.call]
            instead[step.call] = clone(session, layer.layer if isinstance(step, Unwrap) else layer)
        else:
            instead[step.call] = _with_argument(session, instead.get(step.call, live[step.call]), step)
    return _Plan(before, after, branch, instead, frozenset(removed), loss)


def _wrapped(class_name: str, layer: Any) -> Any:
    import keras

    return getattr(keras.layers, class_name)(layer)


def _new_layer(class_name: str, arguments: str) -> Any:
    import keras

    written = ast.parse(f"_({arguments})", mode="eval").body
    assert isinstance(written, ast.Call)
    values = [ast.literal_eval(value) for value in written.args]
    named = {k.arg: ast.literal_eval(k.value) for k in written.keywords if k.arg}
    return getattr(keras.layers, class_name)(*values, **named)


def _with_argument(session: Session, layer: Any, step: SetArgument) -> Any:
    config = clone(session, layer).get_config()
    inner = config.get("layer") if step.name not in config else None
    arguments = inner["config"] if isinstance(inner, dict) else config
    arguments[step.name] = ast.literal_eval(step.value)
    return type(layer).from_config(config)


class StackRun:
    """The model's graph run once more, with the repair in it."""

    def __init__(self, session: Session, model: Any, live: Sequence[Any]) -> None:
        self._session = session
        self._model = model
        self._live = live

    def run(self, plan: _Plan, facts: Model) -> tuple[Rows, list[Any], Failure | None]:
        """The rows, the output tensors, and what failed. Runs in the worker.

        What lies before the repair is taken as it was traced: no layer is called for it again.
        """
        rows = Rows(self._session)
        tensors: dict[int, Any] = {-1 - k: input_tensor(d.shape, d.dtype) for k, d in enumerate(facts.inputs)}
        sources: dict[int, int] = {key: key for key in tensors}
        changed: set[int] = set()
        with unobserved():
            for call in facts.calls:
                number = call.call
                if not self._is_touched(plan, number) and not changed.intersection(call.inputs):
                    sources[number] = len(rows.calls)
                    rows.calls.append(
                        replace(call, call=sources[number], inputs=tuple(sources[n] for n in call.inputs))
                    )
                    tensors[number] = input_tensor(call.output_shapes[0])
                    continue
                changed.add(number)
                if number in plan.removed:
                    tensors[number], sources[number] = tensors[call.inputs[0]], sources[call.inputs[0]]
                    continue
                try:
                    tensors[number], sources[number] = self._chain(rows, plan, call, tensors, sources)
                except Untraceable as error:
                    return rows, [], Failure("Untraceable", str(error))
                except Exception as error:  # noqa: BLE001 - what a layer refuses speaks against the repair
                    return rows, [], failure_of(error)
        return rows, [tensors[facts.calls[-1].call]], None

    @staticmethod
    def _is_touched(plan: _Plan, number: int) -> bool:
        changed = (plan.removed, plan.instead, plan.before, plan.after, [call for call, _ in plan.branch])
        return any(number in calls for calls in changed)

    def _chain(
        self, rows: Rows, plan: _Plan, call: Call, tensors: dict[int, Any], sources: dict[int, int]
    ) -> tuple[Any, int]:
        """The layer of a call with what is put before and after it; returns the last tensor and its row."""
        layer = plan.instead.get(call.call, self._live[call.call])
        given, at = [tensors[n] for n in call.inputs], [sources[n] for n in call.inputs]
        for place in range(len(given)):
            one = plan.branch.get((call.call, place))
            if one is not None:
                given[place], at[place] = self._beside(rows, call, one, given[place], at[place])
        for one in (*plan.before.get(call.call, ()), layer, *plan.after.get(call.call, ())):
            result, used = self._called(one, given)
            shapes = [shape(t) for t in flat(result)]
            path = call.path if one is layer else (*call.path[:-1], str(one.name))
            at = [rows.add(one, path, at, [shape(t) for t in given], shapes, weights=describe.weights(used))]
            given = flat(result)
        return given[0], at[0]

    def _beside(self, rows: Rows, call: Call, layer: Any, given: Any, at: int) -> tuple[Any, int]:
        """A new layer on one of the tensors that a call reads; returns its tensor and its row."""
        result, used = self._called(layer, [given])
        path = (*call.path[:-1], str(layer.name))
        end = rows.add(
            layer, path, [at], [shape(given)], [shape(t) for t in flat(result)], weights=describe.weights(used)
        )
        return flat(result)[0], end

    def _called(self, layer: Any, given: list[Any]) -> tuple[Any, Any]:
        structure = given[0] if len(given) == 1 else given
        if not is_layer(layer):
            return layer.compute_output_spec(*given), layer
        if not is_keras(layer):
            raise Untraceable(f"{type(layer).__name__} is the user's own: its code is not run for a proof")
        copy = layer if not getattr(layer, "built", False) else clone(self._session, layer)
        return call_apart(self._session, copy, structure)


def live_layers(model: Any, facts: Model) -> list[Any] | NotOnStack:
    """The layer behind each call of a model whose calls follow its own graph or list."""
    found: list[Any] = []
    graph = graph_of(model)
    if graph is not None:
        _collect(graph, found)
    else:
        found = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if len(found) != len(facts.calls) or len(facts.outputs) > 1:
        return NotOnStack("its graph is not a plain one")
    return found


def _collect(graph: Any, found: list[Any]) -> None:
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if type(node.operation).__name__ == "InputLayer":
                continue
            inner = graph_of(node.operation)
            if inner is not None:
                _collect(inner, found)
            else:
                found.append(node.operation)


def on_stack(session: Session, live: Live, facts: Model, steps: Sequence[Step]) -> Model | NotOnStack:
    """The model with the repair, as facts with the same use; or why it can't be told."""
    layers = live_layers(live.model, facts)
    if isinstance(layers, NotOnStack):
        return layers
    if not facts.inputs:
        return NotOnStack("its input is not known")

    def run() -> tuple[Rows, list[Any], Failure | None, Any] | NotOnStack:
        plan = planned(session, layers, steps)
        if isinstance(plan, NotOnStack):
            return plan
        return *StackRun(session, live.model, layers).run(plan, facts), plan.loss

    try:
        outcome = apart(run)
    except (Untraceable, ValueError, TypeError, SyntaxError) as error:
        return NotOnStack(str(error))
    if isinstance(outcome, NotOnStack):
        return outcome
    rows, ends, failure, loss = outcome
    calls = with_axes(tuple(rows.calls), tuple(d.shape for d in facts.inputs))
    after = replace(
        facts,
        calls=calls,
        params=sum(c.params for c in calls),
        bytes=sum(c.bytes for c in calls),
        outputs=tuple(shape(t) for t in ends),
        ends=(calls[-1].call,) if calls else (),
        failure=failure,
        contract=None,
    )
    if live.use is None or failure is not None:
        return after
    tracked = live.tracked
    if loss is not None:
        known = tracked if tracked is not None else Tracked(0, weakref.ref(live.model), None)
        tracked = replace(known, compiled={**known.compiled, "loss": loss})

    def outputs_for(_: Sequence[Data], batch: int | None) -> tuple[list[Any], Failure | None]:
        return [input_tensor((batch, *s[1:])) for s in after.outputs], None

    return replace(after, contract=contract_facts(tracked, live.use, outputs_for, {}))
