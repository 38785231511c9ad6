"""Built copies of stacks that are not built yet: what Keras makes of one, without the user's own being touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Data, Failure
from shape_magic.trace.contract import forward
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras, is_stack
from shape_magic.trace.rows import graph_of
from shape_magic.trace.stack import clone
from shape_magic.trace.untouched import reached_from
from shape_magic.untrusted import asked


def forward_of_copy(
    session: Session, model: Any, start: Data, x: Sequence[Data], batch: int | None, training: bool | None
) -> tuple[list[Any], Failure | None]:
    """What a stack that was built on other data gives for x, or why it gives nothing. Runs in the worker."""
    graph = built_copy(session, model, start)
    if graph is None or isinstance(graph, Failure):
        return [], graph
    return forward(graph, x, batch, guarded=False, training=training)


def built_copy(session: Session, model: Any, start: Data) -> Any:
    """The graph of a copy of a stack, built for its first data, or why Keras can't build it. Runs in the worker.

    None where it can't be copied, or where the copy may be another one: a stack is checked when it is called, too.
    """
    try:
        with unobserved(), asked():
            twin = _copied(session, model)
    except Exception:  # noqa: BLE001 - Keras leaves it to each layer what it needs to be made again
        return None
    try:
        with unobserved(), asked(), reached_from(twin):
            twin.build(start.shape)
    except Exception as error:  # noqa: BLE001 - what Keras can't build is the finding
        is_faithful = all(map(is_keras, model._flatten_layers(include_self=False)))
        return failure_of(error) if is_faithful and not is_users_own(error) else None
    return graph_of(twin)


def _copied(session: Session, model: Any) -> Any:
    """An unbuilt copy of a stack; raises where there is none. Runs in the worker."""
    try:
        return type(model).from_config(model.get_config())
    except Exception:
        if not is_keras(model):
            raise
        # A layer of it can't be put in writing, a Lambda for one: each is made again in its own way.
        parts = [_copied(session, one) if is_stack(one) else clone(session, one) for one in model.layers]
        return type(model)(parts)
