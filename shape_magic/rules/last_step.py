"""The last step of a recurrent layer in the place of all of them."""

from __future__ import annotations

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import Repair, SetArgument, Step, TrueButLast
from shape_magic.rules.branches import made_alike


def hands_on_steps(call: Call) -> bool:
    """Whether a layer is a recurrent one that gives every step."""
    return call.argument("return_sequences") is True


def last_step(model: Model, call: Call, extra: tuple[Step, ...] = ()) -> Repair:
    """The recurrent layer's last step only; where a loop makes several, that of its last turn."""
    values = {"layer": call.layer}
    if not made_alike(model, call):
        step: Step = SetArgument(call.call, "return_sequences", "False")
        return Repair((step, *extra), "choice", "last-step", values, "return_sequences=False")
    step = TrueButLast(call.call, "return_sequences")
    return Repair((step, *extra), "choice", "every-turn-but-last", values, "return_sequences")
