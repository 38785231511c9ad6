"""A keyword that a layer, a model or one of its methods does not have, and what Keras 3 calls it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from shape_magic.facts import Construct, Facts, Model
from shape_magic.repair.steps import RenameArgument, Repair, Step
from shape_magic.rules.finding import Finding, Rule, listed
from shape_magic.spans import Span
from shape_magic.words import shape_text

#: What Keras 1 called its arguments, and what Keras 2 and 3 call them.
#: Source: https://github.com/keras-team/keras/wiki/Keras-2.0-release-notes
_FORMERLY = {
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "filter_length": "kernel_size",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "input": "inputs",
    "length": "size",
    "nb_epoch": "epochs",
    "nb_filter": "filters",
    "output": "outputs",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "sigma": "stddev",
    "subsample": "strides",
    "subsample_length": "strides",
    "U_regularizer": "recurrent_regularizer",
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
}
#: The values of ``dim_ordering``, which have other names, too.
_ORDERS = {"th": "channels_first", "tf": "channels_last"}
#: What Keras 3 has no more, and what changes no shape: how batches are fetched, and how steps are computed.
_GONE = frozenset({"consume_less", "max_queue_size", "show_accuracy", "use_multiprocessing", "workers"})
#: What was two arguments and is one: the sides of a window, and the axes of a sequence.
_JOINED = {("nb_row", "nb_col"): "kernel_size", ("input_length", "input_dim"): "input_shape"}
#: What others than most layers call it.
_ELSEWHERE = {"kernel_initializer": "embeddings_initializer", "kernel_regularizer": "embeddings_regularizer"}
#: How much two names must have in common, from 0 to 1, for one to be taken for the other misspelt.
_ALIKE = 0.8


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that gives names which it does not have, where others are known for all."""
    made, failure = model.construct, model.failure
    if made is None or failure is None or not made.unknown or made.span is None:
        return
    names = _names(made)
    steps = _steps(made, made.span, names) if names is not None else None
    if names is None or steps is None:
        return
    gone = [name for name in made.unknown if name not in names]
    steps += tuple(RenameArgument(made.span, name, "") for name in gone)
    old, new = [*names] or gone, [*dict.fromkeys(names.values())]
    shown = {"layer": made.class_name, "old": ", ".join(old), "new": ", ".join(new)}
    yield Finding(
        severity="error",
        variant="gone" if not new else "one" if len(new) == 1 else "several",
        topic="call",
        call=model.calls[0].call if model.calls and model.calls[0].span == made.span else None,
        values={"class_name": made.class_name, "old": _quoted(old), "new": _quoted(new)},
        repairs=(Repair(steps, "choice", "as-named" if new else "not-any-more", shown, ", ".join(new or gone)),),
        keras_message=failure.message,
        span=made.span,
        place="loss" if made.class_name == "compile" else None,
    )


def _quoted(names: list[str]) -> str:
    return listed([f"`{name}`" for name in names])


def _names(made: Construct) -> dict[str, str] | None:
    """What Keras calls each of the arguments that it has still; None where that is not known of one of them."""
    found: dict[str, str] = {}
    for name in made.unknown:
        if name in _GONE:
            continue
        pair = _pair(made, name)
        new = _JOINED[pair] if pair else _FORMERLY.get(name, "")
        new = new if new in made.accepted else _ELSEWHERE.get(new, "")
        if new not in made.accepted:
            new = next(iter(get_close_matches(name.lower(), made.accepted, 1, _ALIKE)), "")
        if not new or new in made.arguments:
            return None
        found |= dict.fromkeys(pair or (name,), new)
    singles = [new for new in found.values() if new not in _JOINED.values()]
    return found if len(singles) == len(set(singles)) else None


def _pair(made: Construct, name: str) -> tuple[str, str] | None:
    """The two arguments that are one now, where both are given."""
    return next((pair for pair in _JOINED if name in pair and set(pair) <= made.arguments.keys()), None)


def _steps(made: Construct, span: Span, names: dict[str, str]) -> tuple[Step, ...] | None:
    """The renaming, with the values that are called otherwise, too; None where one of those is not known."""
    steps: list[Step] = []
    for name, new in names.items():
        pair = _pair(made, name)
        if pair is None:
            value = _ORDERS.get(str(made.arguments.get(name))) if name == "dim_ordering" else None
            steps.append(RenameArgument(span, name, new, value=repr(value) if value is not None else ""))
        elif name == pair[0]:
            sizes = tuple(size for one in pair if type(size := made.arguments[one]) is int)
            if len(sizes) != len(pair):
                return None
            steps += [RenameArgument(span, name, new, value=shape_text(sizes)), RenameArgument(span, pair[1], "")]
    return tuple(steps)


RULE = Rule("unknown-argument", check)
