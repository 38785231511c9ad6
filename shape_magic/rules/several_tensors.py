"""A recurrent layer that hands on its states, or both directions, to a layer that reads one tensor."""

from __future__ import annotations

from dataclasses import dataclass

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import DropArgument, Repair, SetArgument
from shape_magic.rules.finding import listed
from shape_magic.rules.widths import RECURRENT


@dataclass(frozen=True, slots=True)
class Several:
    """The layers that give several tensors, all of which arrive, and the argument that makes them do so."""

    sources: tuple[Call, ...]
    argument: str

    @property
    def setting(self) -> str:
        """The argument as it is written."""
        return "return_state=True" if self.argument == "return_state" else "merge_mode=None"

    def repair(self) -> Repair:
        """The layers without that argument."""
        steps = tuple(map(self._without, self.sources))
        values = {"layer": listed([source.layer for source in self.sources]), "setting": self.setting}
        return Repair(steps, "choice", "one-tensor", values, f"no {self.argument}")

    def _without(self, source: Call) -> DropArgument | SetArgument:
        if self.argument == "return_state" and source.is_a("Bidirectional"):
            return SetArgument(source.call, self.argument, "False")  # it stands on the layer inside
        return DropArgument(source.call, self.argument)


def several(model: Model, call: Call) -> Several | None:
    """What gives a layer more tensors than it reads; None where it is nothing that a recurrent layer was told."""
    if call.is_a(*RECURRENT):
        return None  # it reads states
    sources = tuple(
        model.calls[number] for number in sorted(set(call.inputs)) if number >= 0 and _all_arrive(model, call, number)
    )
    if not sources:
        return None
    if all(source.argument("return_state") is True for source in sources):
        return Several(sources, "return_state")
    both = all(source.arguments.get("merge_mode", "concat") is None for source in sources)
    return Several(sources, "merge_mode") if both else None


def _all_arrive(model: Model, call: Call, number: int) -> bool:
    """Whether a recurrent layer's several outputs all go into a call; in a stack they count as one."""
    source, arrive = model.calls[number], call.inputs.count(number)
    several = len(source.output_shapes) > 1
    if len(set(call.inputs)) == 1 and call.input_shapes != source.output_shapes:
        return False  # in another order somebody has chosen them one by one
    in_stack = call.inputs == (number,) and len(call.input_shapes) == len(source.output_shapes)
    return source.is_a(*RECURRENT) and several and (arrive == len(source.output_shapes) or in_stack)
