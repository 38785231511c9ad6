"""How a model trains: whether it was compiled, what with, and whether its class has steps and losses of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shape_magic.facts import Compiled
from shape_magic.trace.layers import is_keras
from shape_magic.trace.losses import Settings, spread_of
from shape_magic.untrusted import named

#: The methods by which a class says itself how it trains.
STEPS = ("train_step", "test_step", "compute_loss", "make_train_function", "fit", "evaluate", "_compute_loss")


def is_compiled(model: Any) -> bool:
    """Whether ``compile`` was called on the model."""
    return bool(getattr(model, "compiled", True))


def compiled_facts(settings: Settings, outputs: Sequence[str], model: Any, texts: Mapping[str, str]) -> Compiled:
    """What ``compile`` was given, by its form; ``texts`` is the source of its arguments."""
    return Compiled(
        outputs=tuple(map(named, outputs)),
        loss=spread_of(settings.loss, texts.get("loss", "")),
        loss_weights=spread_of(settings.loss_weights, texts.get("loss_weights", "")),
        metrics=spread_of(settings.metrics, texts.get("metrics", "")),
        own_losses=any(_may_bring_losses(layer) for layer in _layers(model)),
    )


def has_own_step(model: Any) -> bool:
    """Whether the model's class says itself what a step or the loss is."""
    import keras

    return any(getattr(type(model), name, None) is not getattr(keras.Model, name, None) for name in STEPS)


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
