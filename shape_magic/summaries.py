"""What a layer does, in a few words, from its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from shape_magic.words import knows, number, say


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
