"""Two numbers for a window's height and width, of which Keras reads the second as the strides."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Call, Facts, Model
from shape_magic.repair.steps import DropArgument, Repair, SetArgument, Step
from shape_magic.rules.branches import made_by
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.input_shape import PASS_ON
from shape_magic.words import shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the convolutions that skip positions because a window's side was given for the strides."""
    found = [
        call for call in model.calls if sides_by_position(call) and call.input_shapes and not _cuts_patches(model, call)
    ]
    failed = model.failed_call
    if not found or (failed is not None and (failed.call < found[0].call or failed.is_a("Merge"))):
        return  # of branches that don't meet another rule tells
    first = found[0]
    height, width = sides_by_position(first) or (0, 0)
    out = first.output_shape
    yield Finding(
        severity="error" if failed else "warning",
        variant="raises" if failed else "skips",
        topic="call" if failed else "layer",
        call=first.call,
        values={
            "layer": first.layer,
            "class_name": first.class_name,
            "height": height,
            "width": width,
            "input": shape_text(first.input_shape or (), batch="batch"),
            "output": shape_text(out, batch="batch") if out else "",
            "failed": failed.layer if failed else "",
        },
        repairs=tuple(_repairs(found)),
        actual=out,
        keras_message=failed.failure.message if failed and failed.failure else None,
        related=((failed.span, "reader"),) if failed else (),
        keepable=failed is None,
    )


def sides_by_position(call: Call) -> tuple[int, int] | None:
    """The two numbers, where they were given by position and a window with such strides is hardly meant."""
    if not call.exact or not call.is_a("Conv2D", "SeparableConv2D"):
        return None
    kernel, strides = call.positional.get("kernel_size"), call.positional.get("strides")
    if "padding" in call.positional and kernel != strides:
        return None  # who counts up to it knows what stands before it, and such a window nobody means
    if type(kernel) is not int or type(strides) is not int or min(kernel, strides) < 2:
        return None
    # Patches have even sides nearly always; strides longer than the window leave numbers out.
    return (kernel, strides) if strides > kernel or (strides == kernel and kernel % 2) else None


def _cuts_patches(model: Model, call: Call) -> bool:
    """Whether the window divides the model's input into patches without a rest: then the strides are meant."""
    source = made_by(model, call.inputs[0], (*PASS_ON, "Embedding"))
    kernel, strides = sides_by_position(call) or (0, 1)
    grid = call.input_shape[1:3] if call.input_shape else ()
    return source < 0 and kernel == strides and all(d is not None and d % strides == 0 for d in grid)


def _repairs(found: list[Call]) -> Iterator[Repair]:
    windows: list[Step] = []
    for call in found:
        window = shape_text(sides_by_position(call) or ())
        windows += [SetArgument(call.call, "kernel_size", window, 1), DropArgument(call.call, "strides", 2)]
    first = found[0]
    text = shape_text(sides_by_position(first) or ())
    values = {"layer": first.layer, "window": text}
    message = "window" if len(found) == 1 else "windows"
    yield Repair(tuple(windows), "choice", message, values | {"more": len(found) - 1}, text)
    ones = tuple(SetArgument(call.call, "strides", "1", 2) for call in found)
    yield Repair(ones, "choice", "no-strides", {"layer": first.layer}, "strides=1")


RULE = Rule("strides-by-position", check)
