"""What is true of all objects of a class, looked up once for each class."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


def per_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """Remember a function's answer for each class, and keep no class of the user's alive."""
    answers: WeakKeyDictionary[type, T] = WeakKeyDictionary()

    @functools.wraps(function)
    def remembered(cls: type) -> T:
        try:
            return answers[cls]
        except KeyError:
            return answers.setdefault(cls, function(cls))

    return remembered


@per_class
def bases_of(cls: type) -> tuple[str, ...]:
    """The names of the class and of its bases inside Keras, nearest first."""
    return tuple(one.__name__ for one in cls.__mro__ if one.__module__.startswith("keras.") or one is cls)


@per_class
def is_layer_class(cls: type) -> bool:
    """Whether the class is a layer's, not that of a bare operation such as ``+``."""
    return any(one.__name__ == "Layer" for one in cls.__mro__)


@per_class
def is_kerases_own(cls: type) -> bool:
    """Whether the class is Keras' own, so that its rules are known."""
    return cls.__module__.split(".", 1)[0] == "keras"


@per_class
def parameters_of(cls: type) -> tuple[str, ...]:
    """The names of the constructor's parameters, in order; empty where Python can't tell."""
    try:
        return tuple(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
    except (TypeError, ValueError):
        return ()


#: What TensorFlow notes on an object for its checkpoints.
TRACKABLE = frozenset(
    """
    _self_setattr_tracking _self_unconditional_checkpoint_dependencies _self_unconditional_dependency_names
    _self_unconditional_deferred_dependencies _self_name_based_restores _self_saveable_object_factories
    _self_update_uid _self_tracked_trackables
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
#: Objects that say how something is to be, and that no call ever changes.
_RECIPES = frozenset(
    """
    Constraint DTypePolicy DynamicBackend Initializer InputSpec Regularizer SeedGenerator SerializableDict Signature
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


@per_class
def is_recipe_class(cls: type) -> bool:
    """Whether objects of the class only describe: an initializer, a dtype policy, a constraint."""
    names = {one.__name__ for one in cls.__mro__ if one.__module__.split(".")[0] in {"keras", "inspect"}}
    return bool(names & _RECIPES)


@per_class
def is_weight_class(cls: type) -> bool:
    """Whether objects of the class are Keras' variables."""
    return any(one.__name__ in {"Variable", "KerasVariable"} for one in cls.__mro__ if is_kerases_own(one))
