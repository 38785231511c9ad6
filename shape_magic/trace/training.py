"""How a model trains: whether it was compiled, what with, and whether its class has steps and losses of its own."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shape_magic.facts import Compiled
from shape_magic.spans import Span
from shape_magic.trace.layers import is_keras
from shape_magic.trace.losses import Settings, spread_of
from shape_magic.untrusted import ask, named

#: The methods by which a class says itself how it trains.
STEPS = ("train_step", "test_step", "compute_loss", "make_train_function", "fit", "evaluate", "_compute_loss")


def is_compiled(model: Any) -> bool:
    """Whether ``compile`` was called on the model."""
    return bool(getattr(model, "compiled", True))


def compiled_facts(
    settings: Settings, outputs: Sequence[str], model: Any, texts: Mapping[str, str], spans: Mapping[str, Span]
) -> Compiled:
    """What ``compile`` was given, by its form; ``texts`` is the source of its arguments, at their ``spans``."""
    return Compiled(
        outputs=tuple(map(named, outputs)),
        loss=spread_of(settings.loss, texts.get("loss", "")),
        loss_weights=spread_of(settings.loss_weights, texts.get("loss_weights", ""), spans.get("loss_weights")),
        metrics=spread_of(settings.metrics, texts.get("metrics", "")),
        own_losses=any(_may_bring_losses(layer) for layer in _layers(model)),
    )


def has_own_step(model: Any) -> bool:
    """Whether the model's class says itself what a step or the loss is."""
    return any(_is_own(model, name) for name in STEPS)


def hides_data(model: Any, method: str) -> bool:
    """Whether a step of the class' own may give the model, or its losses, other things than the data as they come."""
    name = STEP_OF.get(method, "")
    return _is_own(model, name) and not is_plain(getattr(type(model), name), compares=name != "predict_step")


def takes_data(model: Any, method: str) -> bool:
    """Whether a step, the class' own or Keras', calls the model on the data as they are."""
    if any(_is_own(model, name) for name in _AROUND):
        return False
    name = STEP_OF.get(method, "")
    return not _is_own(model, name) or is_plain(getattr(type(model), name), compares=False)


def _is_own(model: Any, name: str) -> bool:
    """Whether the model's class has a method of its own in the place of Keras'."""
    import keras

    return getattr(type(model), name, None) is not getattr(keras.Model, name, None)


#: What hands the data to the steps.
_AROUND = ("fit", "evaluate", "make_train_function", "make_test_function")


#: Which step each method runs.
STEP_OF = {
    **dict.fromkeys(("fit", "train_on_batch"), "train_step"),
    **dict.fromkeys(("evaluate", "test_on_batch"), "test_step"),
    **dict.fromkeys(("predict", "predict_on_batch"), "predict_step"),
}


def is_plain(step: Any, *, compares: bool = True) -> bool:
    """Whether a step takes x and y apart, calls the model on x as it is, and, if it ``compares``, hands on y as it is.

    Read from its source: what a step does otherwise with its batch only a run can tell.
    """
    tree = ask(lambda: ast.parse(textwrap.dedent(inspect.getsource(step))).body[0], None)
    if not isinstance(tree, ast.FunctionDef) or len(tree.args.args) < 2:
        return False
    own, data = (one.arg for one in tree.args.args[:2])
    parts = next((t.elts for n in ast.walk(tree) if isinstance(n, ast.Assign) and (t := _apart(n, data))), ())
    names = [part.id for part in parts if isinstance(part, ast.Name)] or [data]
    nodes = list(ast.walk(tree))
    stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    calls = [n for n in nodes if isinstance(n, ast.Call)]
    if any(ast.unparse(c) == f"super().{tree.name}({data})" for c in calls) and data not in stored:
        return True
    called = any(isinstance(c.func, ast.Name) and c.func.id == own and _held(c.args[:1], names[0]) for c in calls)
    # The labels go into the model's own loss and metrics and nowhere else.
    read = sum(isinstance(n, ast.Name) and n.id in names[1:2] and isinstance(n.ctx, ast.Load) for n in nodes)
    of_model = [c for c in calls if ast.unparse(c.func).startswith(f"{own}.") or _is_update(c.func)]
    handed = sum(_held([*c.args, *(k.value for k in c.keywords)], *names[1:2]) for c in of_model)
    return called and (0 < read == handed or not compares) and all(stored.count(name) < 2 for name in names[:2])


def _apart(statement: ast.Assign, data: str) -> ast.Tuple | None:
    """The names on the left where a statement takes the step's batch apart."""
    target, value = statement.targets[0], statement.value
    taken = value.args[0] if isinstance(value, ast.Call) and value.args else value
    whole = isinstance(taken, ast.Name) and taken.id == data
    return target if whole and isinstance(target, ast.Tuple) else None


def _held(values: Sequence[ast.expr], name: str = "") -> int:
    return sum(isinstance(value, ast.Name) and value.id == name for value in values)


def _is_update(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and func.attr == "update_state"


def _layers(model: Any) -> Iterator[Any]:
    if not is_keras(model):
        yield model
    yield from model._flatten_layers(include_self=False) if getattr(model, "_layers", None) else ()


def _may_bring_losses(layer: Any) -> bool:
    """Whether a layer may add to the loss: by a regularizer, or because its code is not Keras'."""
    if not is_keras(layer) or type(layer).__name__ == "ActivityRegularization":
        return True
    held = vars(layer)
    return any(held[name] is not None for name in held if name.endswith("_regularizer"))
