"""What a layer is, in plain values: its class, what it declares and asks for, its weights."""

from __future__ import annotations

import functools
import inspect
import math
from typing import Any

import numpy as np

from shape_magic.facts import Masks
from shape_magic.spans import Shape
from shape_magic.trace.classes import bases_of, is_kerases_own, is_layer_class, per_class
from shape_magic.trace.data import shape_of, size
from shape_magic.trace.worker import in_worker
from shape_magic.untrusted import ask, module_of


def bases(layer: Any) -> tuple[str, ...]:
    """The names of the layer's class and of its bases inside Keras, nearest first."""
    return bases_of(type(layer))


def wrapped(layer: Any) -> Any | None:
    """The layer within a wrapper; None for a layer that is none."""
    if not _is_wrapper(type(layer)):
        return None
    inner = _held(layer, "forward_layer")  # Bidirectional keeps a copy of what it was given
    return inner if inner is not None else _held(layer, "layer")


@per_class
def _is_wrapper(cls: type) -> bool:
    return not {"Wrapper", "Bidirectional"}.isdisjoint(bases_of(cls))


def is_keras(layer: Any) -> bool:
    """Whether the class is Keras' own, so that its rules are known."""
    return is_kerases_own(type(layer))


def is_stack(model: Any) -> bool:
    """Whether a model is a Sequential of Keras, or of a class made from it."""
    return any(c.__name__ == "Sequential" and module_of(c).startswith("keras.") for c in type(model).__mro__)


def declares(layer: Any) -> Shape | None:
    """The input's shape, without the batch axis, that the constructor was given; None where there is none."""
    given = _held(layer, "_input_shape_arg")
    if not isinstance(given, list | tuple) or not all(d is None or isinstance(d, int) for d in given):
        return None
    return tuple(given)


def _held(layer: Any, name: str) -> Any:
    """An attribute of a layer; None where it has none, or does not say."""
    return ask(lambda: getattr(layer, name, None), None)


#: Layers that read sequences, (batch, steps, features), and have no check that says so.
_OF_SEQUENCES = frozenset({"MultiHeadAttention", "GroupedQueryAttention"})


def wants_rank(layer: Any) -> int | None:
    """How many axes the layer's input check asks for, the batch axis counted; None where it asks for none."""
    if any(cls.__name__ in _OF_SEQUENCES and is_kerases_own(cls) for cls in type(layer).__mro__):
        return 3
    return ask(lambda: _rank_of(layer.input_spec), None)


def _rank_of(spec: Any) -> int | None:
    if isinstance(spec, list | tuple):
        spec = spec[0] if len(spec) == 1 else None
    rank = getattr(spec, "ndim", None) or getattr(spec, "min_ndim", None)
    return int(rank) if rank else None


def masks(layer: Any) -> Masks:
    """What a layer of Keras' own does with a mask on its input; empty for others, which may do anything with it."""
    if not _is_told(type(layer)):
        return ""
    if _reads_masks(type(layer)):
        return "reads"
    return "keeps" if _held(layer, "supports_masking") else "drops"


@per_class
def _is_told(cls: type) -> bool:
    return is_kerases_own(cls) and is_layer_class(cls) and cls.__name__ != "Lambda"


@per_class
def _reads_masks(cls: type) -> bool:
    names = inspect.signature(cls.call).parameters  # type: ignore[attr-defined]
    return any(name.endswith("mask") and name != "use_causal_mask" for name in names)


def begins_with(embedding: Any) -> Shape | None:
    """The shape of the constant array that an Embedding's initializer gives for its matrix; None for no such."""
    value = getattr(getattr(embedding, "embeddings_initializer", None), "value", None)
    return ask(lambda: shape_of(value), None) if hasattr(value, "shape") else None


def adapted(layer: Any) -> bool | None:
    """Whether a preprocessing layer has what it learns by ``adapt``; None where it learns nothing so.

    Of a copy in the worker nothing is known: its weights hold no values.
    """
    return None if not _learns(type(layer)) or in_worker() else ask(lambda: _adapted(layer), None)


@per_class
def _learns(cls: type) -> bool:
    return hasattr(cls, "adapt")


def _adapted(layer: Any) -> bool | None:
    names = {cls.__name__ for cls in type(layer).__mro__}
    if names & {"IndexLookup", "TextVectorization"}:
        return bool(layer.get_vocabulary(include_special_tokens=False))
    learned = getattr(layer, "adapt_mean", None), getattr(layer, "adapt_variance", None)
    if "Normalization" not in names or any(w is None for w in learned):
        return None
    mean, variance = (np.asarray(w) for w in learned)
    return bool((mean != 0).any() or (variance != 1).any())


def weights(layer: Any) -> tuple[int, int]:
    """The layer's weights: how many numbers, how many bytes; (0, 0) while it has none."""
    return ask(lambda: _weights(list(layer.weights)), (0, 0))  # a user's property may raise; then nothing is known


def _weights(own: list[Any]) -> tuple[int, int]:
    numbers = occupied = 0
    for weight in own:
        # The properties make objects of TensorFlow's, and look for a scope that casts: no weight has that type.
        sizes, dtype = getattr(weight, "_shape", None), getattr(weight, "_dtype", None)
        if type(sizes) is not tuple or type(dtype) is not str:
            sizes, dtype = weight.shape, str(weight.dtype)
        n = math.prod([size(d or 0) or 0 for d in sizes])
        numbers += n
        occupied += n * _itemsize(dtype)
    return numbers, occupied


@functools.lru_cache(64)
def _itemsize(dtype: str) -> int:
    for bits in (64, 32, 16, 8):
        if str(bits) in dtype:
            return bits // 8
    return 1 if dtype == "bool" else 4


def bytes_of(shape: Any, dtype: str) -> int:
    """The memory of a weight of this shape, in bytes; 0 while an axis is open."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape or ())
    for one in sizes:
        if not isinstance(one, int):
            return 0
    numbers: int = math.prod(sizes)
    return numbers * _itemsize(dtype)
