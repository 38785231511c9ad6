"""What a layer is and does, in plain values: its arguments, a few words, its weights."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shape_magic.spans import Shape
from shape_magic.trace.classes import bases_of, is_kerases_own, is_what_it_holds, kind_of, parameters_of
from shape_magic.trace.data import size
from shape_magic.trace.worker import in_worker
from shape_magic.untrusted import ask, encodable, named, shortened
from shape_magic.words import knows, number, say

#: Arguments that say nothing about shapes and fill the row.
_QUIET = frozenset({"name", "dtype", "trainable", "build_config", "registered_name", "module"})
#: A configuration with more arguments, longer texts and lists, or deeper lists in lists is data: the rest is left out.
_MOST, _LONGEST_TEXT, _LONGEST_LIST, _DEEPEST = 256, 2_000, 16, 8
#: Longer numbers than this, in bits, are no sizes, and Python refuses to write them.
_LARGEST = 4_096


def bases(layer: Any) -> tuple[str, ...]:
    """The names of the layer's class and of its bases inside Keras, nearest first."""
    return bases_of(type(layer))


def wrapped(layer: Any) -> Any | None:
    """The layer within a wrapper; None for a layer that is none."""
    if not {"Wrapper", "Bidirectional"} & set(bases(layer)):
        return None
    inner = _held(layer, "forward_layer")  # Bidirectional keeps a copy of what it was given
    return inner if inner is not None else _held(layer, "layer")


def is_keras(layer: Any) -> bool:
    """Whether the class is Keras' own, so that its rules are known."""
    return is_kerases_own(type(layer))


def arguments(layer: Any) -> dict[str, object]:
    """The constructor's arguments as plain values that JSON takes; what is no plain value is left out."""
    # A user's get_config may do anything; the row does without.
    return ask(lambda: plain_values(_config(layer)), {})


#: Values of these raise nothing.
_SURE = frozenset({str, int, float, bool, type(None)})
#: In the place of what is no plain value.
_HIDDEN = "hidden"


def _config(layer: Any) -> dict[object, object]:
    config = None
    if is_what_it_holds(type(layer)):
        with contextlib.suppress(Exception):  # a method that looks into what is hidden is asked of the layer itself
            config = _outline(layer).get_config()
    if config is None:
        config = layer.get_config()
    if not isinstance(config, Mapping):
        return {}
    names = [k for k in itertools.islice(config, _MOST) if isinstance(k, str) and k not in _QUIET]
    return {k: value for k in names if (value := config[k]) is not _HIDDEN}


def _outline(layer: Any) -> Any:
    """The layer with plain values only: to put initializers and the like in writing is most of what a config costs."""
    outline = object.__new__(type(layer))
    held = vars(outline)
    held.update(vars(layer))
    for name, value in vars(layer).items():
        kind = kind_of(type(value))
        if kind in ("recipe", "policy") and name != "_auto_config":  # from which Keras may make a config
            held[name] = _HIDDEN
        elif kind == "layer" and is_what_it_holds(type(value)):
            held[name] = _outline(value)
    return outline


def plain_values(values: Mapping[Any, object]) -> dict[str, object]:
    """Those of the values that JSON takes."""
    return {
        named(k): plain
        for k, v in values.items()
        if (plain := _plain(v) if type(v) in _SURE else ask(functools.partial(_plain, v), _SKIP)) is not _SKIP
    }


def declares(layer: Any) -> Shape | None:
    """The input's shape, without the batch axis, that the constructor was given; None where there is none."""
    given = _held(layer, "_input_shape_arg")
    if not isinstance(given, list | tuple) or not all(d is None or isinstance(d, int) for d in given):
        return None
    return tuple(given)


def positional(cls: type, given: Sequence[object]) -> dict[str, object]:
    """The constructor's arguments that were given by position, as far as they are plain values."""
    return plain_values(dict(zip(parameters_of(cls), given, strict=False))) if given else {}


_SKIP = object()


def _plain(value: Any, depth: int = 0) -> object:
    """The value as JSON takes it; one of a subclass, which may answer anything, as its base has it."""
    plain: object = _SKIP
    cls = type(value)  # isinstance would ask the value itself
    if value is None or cls is bool:
        plain = value
    elif issubclass(cls, str):
        plain = shortened(encodable(str.__str__(value)), _LONGEST_TEXT)
    elif issubclass(cls, int):
        whole = int.__int__(value)
        plain = whole if whole.bit_length() <= _LARGEST else _SKIP
    elif issubclass(cls, float):
        real = float.__float__(value)
        plain = real if math.isfinite(real) else str(real)
    elif issubclass(cls, list | tuple) and depth < _DEEPEST:
        items = [_plain(v, depth + 1) for v in itertools.islice(value, _LONGEST_LIST + 1)]
        plain = _SKIP if len(items) > _LONGEST_LIST or any(i is _SKIP for i in items) else items
    return plain


def _held(layer: Any, name: str) -> Any:
    """An attribute of a layer; None where it has none, or does not say."""
    return ask(lambda: getattr(layer, name, None), None)


def wants_rank(layer: Any) -> int | None:
    """How many axes the layer's input check asks for, the batch axis counted; None where it asks for none."""
    return ask(lambda: _rank_of(layer.input_spec), None)


def _rank_of(spec: Any) -> int | None:
    if isinstance(spec, list | tuple):
        spec = spec[0] if len(spec) == 1 else None
    rank = getattr(spec, "ndim", None) or getattr(spec, "min_ndim", None)
    return int(rank) if rank else None


def adapted(layer: Any) -> bool | None:
    """Whether a preprocessing layer has what it learns by ``adapt``; None where it learns nothing so.

    Of a copy in the worker nothing is known: its weights hold no values.
    """
    return None if in_worker() else ask(lambda: _adapted(layer), None)


def _adapted(layer: Any) -> bool | None:
    if not hasattr(layer, "adapt"):
        return None
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
    counts = [(math.prod(size(d or 0) or 0 for d in w.shape), _itemsize(str(w.dtype))) for w in own]
    return sum(n for n, _ in counts), sum(n * each for n, each in counts)


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


def summary(class_name: str, config: Mapping[str, object]) -> str:
    """What the layer does, in a few words: ``"32 filters 3×3, relu"``."""
    hidden = {"strides"} if config.get("strides") == config.get("pool_size") else set()
    words = [(key, form) for key, form in _WORDS.get(class_name, _GENERAL) if key not in hidden]
    found = [(key, text) for key, form in words if (text := _phrase(config.get(key), form))]
    parts = [text for _, text in found]
    if [key for key, _ in found[:2]] == ["filters", "kernel_size"]:
        parts[:2] = [f"{parts[0]} {parts[1]}"]
    activation = config.get("activation")
    if isinstance(activation, str) and activation != "linear" and class_name not in _NO_ACTIVATION:
        parts.append(activation)
    return ", ".join(parts)


#: The gates' activation is not what a reader of the row looks for.
_NO_ACTIVATION = frozenset({"LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"})
#: An argument, and how it is said: ``does.<form>`` of the catalogue; ``×`` as a size, ``""`` as it is.
_Forms = tuple[tuple[str, str], ...]
_KERNEL: _Forms = (("kernel_size", "×"), ("strides", "stride"), ("padding", "padding"), ("dilation_rate", "dilation"))
_CONV: _Forms = (("filters", "filters"), *_KERNEL)
_POOL: _Forms = (("pool_size", "×"), ("strides", "stride"), ("padding", "padding"))
_RNN: _Forms = (("units", "units"), ("return_sequences", "every-step"), ("return_state", "with-state"))
_WORDS: dict[str, _Forms] = {
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _CONV),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _CONV),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _KERNEL),
    **dict.fromkeys([f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)], _POOL),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _RNN),
    "ConvLSTM2D": (("filters", "filters"), ("kernel_size", "×"), ("return_sequences", "every-step")),
    "Dense": (("units", "units"),),
    "EinsumDense": (("equation", ""),),
    "Embedding": (("input_dim", "words"), ("output_dim", "features")),
    "Dropout": (("rate", "drops"),),
    "Reshape": (("target_shape", "to"),),
    "Permute": (("dims", "axes"),),
    "RepeatVector": (("n", "times"),),
    "Concatenate": (("axis", "axis"),),
    "UpSampling2D": (("size", "×"),),
    "UpSampling1D": (("size", "times"),),
    "ZeroPadding2D": (("padding", ""),),
    "Cropping2D": (("cropping", ""),),
    "MultiHeadAttention": (("num_heads", "heads"), ("key_dim", "features-each")),
    "Rescaling": (("scale", "by"),),
}
_GENERAL: _Forms = (("units", "units"), ("filters", "filters"))


def _phrase(value: object, form: str) -> str:
    if value is None or value is False or value in ("valid", "channels_last"):
        return ""
    if value is True and knows(f"does.{form}"):  # Dense(True) has one unit
        return say(f"does.{form}")
    if isinstance(value, list | tuple) and form in ("stride", "dilation"):
        if all(v == 1 for v in value):
            return ""
        value = value[0] if len(set(value)) == 1 else "×".join(str(v) for v in value)
    if form == "×":
        return "×".join(str(v) for v in value) if isinstance(value, list | tuple) else str(value)
    if form == "stride" and value in (1, "1"):
        return ""
    text = f"({', '.join(map(str, value))})" if isinstance(value, list | tuple) else str(value)
    if isinstance(value, float | int):
        text = number(value, 6)
    if form in ("units", "filters", "heads"):
        return say(f"does.{form}.{'one' if value == 1 else 'many'}", n=text)
    return say(f"does.{form}", n=text) if form else text
