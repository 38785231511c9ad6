"""The numbers of a call that explanations are filled with."""

from __future__ import annotations

from shape_magic.facts import Call
from shape_magic.teach.derivations import sizes_of, units_of
from shape_magic.teach.windows import window_of
from shape_magic.words import say, shape_text


def times(sizes: tuple[int | None, ...]) -> str:
    """Sizes as a person says them: ``"3×3"``."""
    return "×".join(str(size) for size in sizes)


def _sized(what: str, sizes: tuple[int, ...]) -> str:
    along = "line" if len(sizes) == 1 else "grid"
    return say(f"quiz.size.{what}_{along}", size=times(sizes))


def values_of(call: Call) -> dict[str, str]:
    """What a message about the call may name; numbers that the layer does not have are left out."""
    shape = call.input_shape or ()
    values = {
        "cls": call.class_name,
        "layer": call.layer,
        "before": shape_text(shape, batch=say("axis.batch")),
        "last": str(shape[-1]) if shape else "",
        "steps": str(shape[1]) if len(shape) > 1 else "",
        "branches": str(len(call.input_shapes)),
    }
    sizes = sizes_of(call.input_shape)
    if sizes is not None:
        values |= {"sum": " + ".join(map(str, sizes)), "product": " × ".join(map(str, sizes))}
        values |= {"positions": " × ".join(map(str, sizes[:-1]))}
    if units_of(call):
        values |= {"units": str(units_of(call)), "half": str(units_of(call) // 2)}
    for name in ("output_dim", "input_dim"):
        values |= {name: str(call.argument(name))} if isinstance(call.argument(name), int) else {}
    window = window_of(call)
    if window is not None:
        values |= {
            "grid": _sized("grid", tuple(s.size for s in window.slides)),
            "window": _sized("window", tuple(s.kernel for s in window.slides)),
            "reach": times(tuple(s.reach for s in window.slides)),
            "strides": times(tuple(s.stride for s in window.slides)),
            "padding": window.padding,
            "channels": str(window.channels),
            "filters": str(window.gives),
        }
    return values
