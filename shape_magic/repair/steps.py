"""A repair as data: a tuple of small steps that the writer turns into edits and the prover runs.

Rules make these; nothing here knows Keras or source text. Calls are positions in ``Model.calls``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shape_magic.report import REMOVES, Safety
from shape_magic.spans import Span


@dataclass(frozen=True, slots=True)
class InsertLayer:
    """Put a new layer into the way of the tensor that a call reads (before) or gives (after)."""

    call: int
    class_name: str
    #: The constructor's arguments as source, ``""`` or ``"(7, 7, 16)"``.
    arguments: str = ""
    where: Literal["before", "after"] = "before"
    #: Before a call that reads several tensors: which of them goes through the new layer.
    input: int | None = None
    #: The arguments where the same source makes other layers, too, with ``{this}`` for the tensor and ``{other}``
    #: for the one that it must come to look like: there the new layer is made only where the two differ.
    repeated: str = ""
    #: The wrapper that it is put into, such as ``TimeDistributed``; empty: none.
    inside: str = ""


@dataclass(frozen=True, slots=True)
class EndLoop:
    """End the loop in front of the layer of a call: it and all that follows it in the loop run once, behind it."""

    call: int


@dataclass(frozen=True, slots=True)
class RemoveLayer:
    """Take a layer out; its input goes to whatever read its output."""

    call: int


@dataclass(frozen=True, slots=True)
class ReplaceLayer:
    """Another class in the place of a layer, with these arguments."""

    call: int
    class_name: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Wrap:
    """A layer inside a wrapper such as ``TimeDistributed``, in its own place."""

    call: int
    class_name: str


@dataclass(frozen=True, slots=True)
class Unwrap:
    """The layer inside a wrapper such as ``TimeDistributed`` in the wrapper's place."""

    call: int


@dataclass(frozen=True, slots=True)
class SetArgument:
    """Give an argument of a layer's constructor another value, or add it."""

    call: int
    name: str
    #: The value as source, ``"True"``, ``"'same'"``.
    value: str
    #: Where it stands when the user passes it by position; None: only by keyword.
    position: int | None = None
    #: Whether the call at the layer's place makes a whole model with the layer in it, and gets the argument.
    whole: bool = False
    #: The same value out of an expression of the user's, where one stands there, with ``{}`` for it: ``"{} + 1"``.
    computed: str = ""


@dataclass(frozen=True, slots=True)
class TrueButLast:
    """Have an argument of a layer that a loop makes be True in every turn but the last."""

    call: int
    name: str


@dataclass(frozen=True, slots=True)
class OwnLayer:
    """A layer of its own for one call of a layer that is called several times: made alike, in the call's place."""

    call: int


@dataclass(frozen=True, slots=True)
class DropArgument:
    """Take an argument out of a layer's constructor."""

    call: int
    name: str
    #: Where it stands when the user passes it by position; None: only by keyword.
    position: int | None = None


@dataclass(frozen=True, slots=True)
class RenameArgument:
    """Another name for an argument of a call, also in the cell's other calls that are written alike."""

    #: The call.
    span: Span
    name: str
    #: Empty: the argument is taken out, in this call alone.
    new: str
    #: Where it stands if it was given by position: it becomes a keyword there, in this call alone; None: by its name.
    position: int | None = None
    #: The value that it gets as well, in this call alone, as source; empty: what it has.
    value: str = ""


@dataclass(frozen=True, slots=True)
class JoinArguments:
    """One tuple, or one list, in the place of what a call is given by position."""

    #: The call.
    span: Span
    brackets: Literal["()", "[]"] = "()"


@dataclass(frozen=True, slots=True)
class WrapData:
    """An expression around an argument of the call that uses the model; never a rebinding."""

    #: The argument: ``x``, ``y``, ``validation_data``, …
    argument: str
    #: With ``{}`` for what the user wrote: ``"{}[..., None]"``.
    template: str
    #: Of several arrays in a list or tuple, which.
    item: int | None = None


@dataclass(frozen=True, slots=True)
class SetCompile:
    """Give ``compile`` another argument."""

    name: str
    #: The value as source.
    value: str


@dataclass(frozen=True, slots=True)
class SetInputShape:
    """Give an input of the model another shape, where it is declared: in ``Input`` or on the first layer.

    A layer that is inserted before that first layer by the same repair takes the shape over.
    """

    #: The shape without the batch axis, as source: ``"(28, 28, 1)"``.
    value: str
    #: Of several inputs, which.
    item: int = 0
    #: The call of an inner model whose own input it is; None: the model's.
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Another text for an expression of the user's that a fact points at: a part of a batch, a list of names."""

    span: Span
    #: With ``{}`` for what stands there, or in a part of it.
    template: str
    #: That part; None: all of it.
    part: Span | None = None


@dataclass(frozen=True, slots=True)
class Reorder:
    """The names on the left of a statement in another order: each then holds what another one holds now."""

    #: The names with what stands between them.
    span: Span
    before: tuple[str, ...]
    after: tuple[str, ...]


Step = (
    InsertLayer
    | EndLoop
    | RemoveLayer
    | ReplaceLayer
    | Wrap
    | Unwrap
    | SetArgument
    | TrueButLast
    | OwnLayer
    | DropArgument
    | RenameArgument
    | JoinArguments
    | WrapData
    | SetCompile
    | SetInputShape
    | Rewrite
    | Reorder
)


@dataclass(frozen=True, slots=True)
class Repair:
    """A candidate: what to do, how safe it is, and the message ids that describe it."""

    steps: tuple[Step, ...]
    safety: Safety
    #: ``fix.<id>.title`` and ``fix.<id>.note`` in the catalogue.
    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    #: For a short button: ``"Flatten"``.
    label: str = ""


def without(layer: str) -> str:
    """The label of a repair that takes this layer out."""
    return f"{REMOVES}{layer}"
