"""A keyword that a layer, a model or one of its methods does not have, and what Keras 3 calls it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from shape_magic.facts import Construct, Facts, Model
from shape_magic.repair.steps import DropArgument, RenameArgument, Repair, Step
from shape_magic.rules.finding import Finding, Rule, listed
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
    "nb_val_samples": "validation_steps",
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
#: The sides of a window, which were two arguments and are one.
_SIDES = ("nb_row", "nb_col")
#: How much two names must have in common, from 0 to 1, for one to be taken for the other misspelt.
_ALIKE = 0.8


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the call that gives names which it does not have, where others are known for all."""
    made, failure = model.construct, model.failure
    if made is None or failure is None or not made.unknown or made.span is None:
        return
    names = _names(made)
    steps = _steps(model, made, names)
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
    )


def _quoted(names: list[str]) -> str:
    return listed([f"`{name}`" for name in names])


def _names(made: Construct) -> dict[str, str] | None:
    """What Keras calls each of the arguments that it has still; None where that is not known of one of them."""
    found: dict[str, str] = {}
    for name in made.unknown:
        if name in _GONE:
            continue
        new = "kernel_size" if name in _SIDES else _FORMERLY.get(name, "")
        if new not in made.accepted:
            new = next(iter(get_close_matches(name.lower(), made.accepted, 1, _ALIKE)), "")
        if not new or (new in made.arguments and new not in made.unknown):
            return None
        found[name] = new
    twice = {new for new in found.values() if list(found.values()).count(new) > 1}
    return found if not twice or set(_SIDES) <= found.keys() else None


def _steps(model: Model, made: Construct, names: dict[str, str] | None) -> tuple[Step, ...] | None:
    """The renaming, with the values that are called otherwise, too; None where one of those is not known."""
    span, steps = made.span, []
    if names is None or span is None:
        return None
    for name, new in names.items():
        if name in _SIDES:
            continue
        value = _ORDERS.get(str(made.arguments.get(name)), "") if name == "dim_ordering" else ""
        steps.append(RenameArgument(span, name, new, value=repr(value) if value else ""))
    given = [name for name in _SIDES if name in names]
    if not given:
        return tuple(steps)
    sides = [made.arguments.get(name) for name in given]
    if len(sides) != len(_SIDES) or not all(type(side) is int for side in sides) or not model.calls:
        return None
    window = shape_text(tuple(side for side in sides if isinstance(side, int)))
    return (
        *steps,
        RenameArgument(span, given[0], "kernel_size", value=window),
        DropArgument(model.calls[0].call, given[1]),
    )


RULE = Rule("unknown-argument", check)
