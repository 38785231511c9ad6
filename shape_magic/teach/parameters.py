"""How many parameters a layer has, as a formula with the numbers of a call. The source is each layer's ``build``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shape_magic.facts import Call
from shape_magic.words import say


def number(value: object) -> str:
    """A number as it is written; ``n`` for one that is open."""
    return say("ui.number", n=value) if isinstance(value, int) else "n" if value is None else str(value)


def whole(call: Call, name: str) -> int | None:
    """An argument, where it is a whole number."""
    value = call.arguments.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def channels(call: Call) -> int | None:
    """How many channels a call reads; None where that is open."""
    shape = call.input_shape or ()
    first = call.arguments.get("data_format") == "channels_first"
    return (shape[1] if first else shape[-1]) if len(shape) > 1 else None


def _has_bias(call: Call) -> bool:
    return bool(call.arguments.get("use_bias", True))


def _product_text(factors: Sequence[object]) -> str:
    return " × ".join(map(number, factors))


def _conv_params(call: Call) -> str:
    kernel, filters, depth_in = call.arguments.get("kernel_size"), whole(call, "filters"), channels(call)
    groups = whole(call, "groups") or 1
    if not isinstance(kernel, list) or depth_in is None:
        return ""
    window = _product_text([*kernel, depth_in // groups])
    return f"({window} + 1) × {number(filters)}" if _has_bias(call) else f"{window} × {number(filters)}"


def _depthwise_params(call: Call) -> str:
    kernel, depth, depth_in = call.arguments.get("kernel_size"), whole(call, "depth_multiplier"), channels(call)
    if not isinstance(kernel, list) or depth_in is None:
        return ""
    window = _product_text(kernel)
    each = f"({window} + 1)" if _has_bias(call) else window
    return f"{each} × {_product_text([depth_in, depth])}"


def _separable_params(call: Call) -> str:
    kernel, depth, depth_in = call.arguments.get("kernel_size"), whole(call, "depth_multiplier"), channels(call)
    filters = whole(call, "filters")
    if not isinstance(kernel, list) or depth_in is None or depth is None:
        return ""
    spread = _product_text([*kernel, depth_in, depth])
    mixed = f"{_product_text([depth_in * depth, filters])}"
    return f"{spread} + {mixed} + {number(filters)}" if _has_bias(call) else f"{spread} + {mixed}"


def _dense_params(call: Call) -> str:
    units, inputs = whole(call, "units"), (call.input_shape or (None,))[-1]
    product = _product_text([inputs, units])
    return f"{product} + {number(units)}" if _has_bias(call) else product


def _embedding_params(call: Call) -> str:
    return _product_text([whole(call, "input_dim"), whole(call, "output_dim")])


def _norm_params(call: Call) -> str:
    # One number per channel for each of: a scale, a shift, and (of a batch) a running mean and variance.
    each = sum(bool(call.arguments.get(k, True)) for k in ("scale", "center"))
    each += 2 if call.is_a("BatchNormalization") else 0
    axis = call.arguments.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    shape = call.input_shape or ()
    sizes = [shape[a] for a in axes if isinstance(a, int) and -len(shape) <= a < len(shape)]
    return _product_text([each, *sizes])


#: How many gates a recurrent layer has, each with weights for its input and its state.
_GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


def _recurrent_params(call: Call) -> str:
    gates = next((g for base in call.bases if (g := _GATES.get(base)) is not None), 1)
    return _gates_text(gates, (call.input_shape or (None,))[-1], call.arguments, gates == 3)


def _gates_text(gates: int, inputs: int | None, arguments: Any, is_gru: bool) -> str:
    units = arguments.get("units")
    biases = 0 if not arguments.get("use_bias", True) else 2 if is_gru and arguments.get("reset_after") else 1
    bias = "" if not biases else f" + {'2 × ' if biases == 2 else ''}{number(units)}"
    inner = f"({number(inputs)} + {number(units)}) × {number(units)}{bias}"
    return inner if gates == 1 else f"{gates} × ({inner})"


def _both_ways_params(call: Call) -> str:
    gates = next((g for base in call.wrapped_bases if (g := _GATES.get(base)) is not None), None)
    if gates is None:
        return ""
    inside = _gates_text(gates, (call.input_shape or (None,))[-1], call.wrapped_arguments, gates == 3)
    return f"2 × {inside}" if gates > 1 else f"2 × ({inside})"


#: By a base of the layer: the formula of its parameters.
WEIGHTS: dict[str, Callable[[Call], str]] = {
    "BaseConvTranspose": _conv_params,
    "BaseConv": _conv_params,
    "BaseDepthwiseConv": _depthwise_params,
    "BaseSeparableConv": _separable_params,
    "Dense": _dense_params,
    "Embedding": _embedding_params,
    "BatchNormalization": _norm_params,
    "LayerNormalization": _norm_params,
    "GroupNormalization": _norm_params,
    "Bidirectional": _both_ways_params,
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), _recurrent_params),
}
