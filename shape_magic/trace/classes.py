"""What is true of all objects of a class, looked up once for each class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from shape_magic.untrusted import module_of, named

T = TypeVar("T")


#: Classes of these live as long as the process.
_LASTING = frozenset({"builtins", "keras", "numpy", "types", "inspect"})
_UNKNOWN = object()


def is_lasting(cls: type) -> bool:
    """Whether a class lives as long as the process."""
    return module_of(cls).partition(".")[0] in _LASTING


class _Answers(dict[type, T]):
    """The answers for classes that live as long as the process; those for others are kept as long as they live."""

    def __init__(self, function: Callable[[type], T]) -> None:
        self._function = function
        self._others: WeakKeyDictionary[type, T] = WeakKeyDictionary()

    def __missing__(self, cls: type) -> T:
        answer: Any = self._others.get(cls, _UNKNOWN)
        if answer is _UNKNOWN:
            answer = self._function(cls)
            table: Any = self if is_lasting(cls) else self._others
            table[cls] = answer
        known: T = answer
        return known


def per_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """Remember a function's answer for each class, and keep no class of the user's alive.

    It is asked many times for each layer: what is known of Keras' own classes is given without a call of Python.
    """
    return _Answers(function).__getitem__


@per_class
def bases_of(cls: type) -> tuple[str, ...]:
    """The names of the class and of its bases inside Keras, nearest first."""
    return tuple(named(one.__name__) for one in cls.__mro__ if one is cls or module_of(one).startswith("keras."))


@per_class
def is_layer_class(cls: type) -> bool:
    """Whether the class is a layer's, not that of a bare operation such as ``+``."""
    return any(one.__name__ == "Layer" for one in cls.__mro__)


@per_class
def is_kerases_own(cls: type) -> bool:
    """Whether the class is Keras' own, so that its rules are known."""
    return module_of(cls).split(".", 1)[0] == "keras"


@per_class
def is_what_it_holds(cls: type) -> bool:
    """Whether a layer is told by its attributes: Keras' own, and none that learns, runs user code, or is a model.

    None is on PyTorch's backend, where it is a module, too, with ``compile`` and with parts among no attributes.
    """
    return (
        is_kerases_own(cls)
        and is_layer_class(cls)
        and cls.__name__ != "Lambda"
        and not hasattr(cls, "adapt")
        and not hasattr(cls, "compile")
    )


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
#: The lists in which Keras keeps a layer's parts.
TRACKED = ("_trainable_variables", "_non_trainable_variables", "_layers", "_metrics", "_seed_generators")
#: Objects that say how something is to be, and that no call ever changes.
_RECIPES = frozenset(
    """
    Constraint DTypePolicy DynamicBackend Initializer InputSpec Regularizer SeedGenerator SerializableDict Signature
    """.split()  # noqa: SIM905 - a list of words reads best as text
)


#: What an attribute of a layer is, as far as it matters to who looks into layers.
Kind = Literal[
    "plain", "number", "items", "pairs", "layer", "spec", "policy", "recipe", "function", "class", "weight", ""
]


@per_class
def kind_of(cls: type) -> Kind:
    """The kind of a class's objects; ``""`` for what may be anything.

    ``"number"``: a float or a number of NumPy's, which may be equal to a size and is none. ``"recipe"``: what
    only describes, an initializer or a constraint. ``"weight"``: a variable of Keras.
    """
    names = {one.__name__ for one in cls.__mro__ if module_of(one).split(".")[0] in {"keras", "inspect"}}
    found: Kind = ""
    if cls in (str, int, bool, type(None), bytes):
        found = "plain"
    elif issubclass(cls, float | np.generic):
        found = "number"
    elif issubclass(cls, tuple | list | set):
        found = "items"
    elif issubclass(cls, dict):
        found = "pairs"
    elif is_layer_class(cls):
        found = "layer"
    elif names & {"Variable", "KerasVariable"}:
        found = "weight"
    elif names & _RECIPES and "DTypePolicyMap" not in names:  # a map says something else for each layer
        found = "spec" if "InputSpec" in names else "policy" if "DTypePolicy" in names else "recipe"
    elif issubclass(cls, FunctionType):
        found = "function"
    elif issubclass(cls, type):
        found = "class"
    return found
