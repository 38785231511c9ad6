"""What follows from the names and classes of a layer's attributes alone: the same for hundreds of layers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from shape_magic.trace.classes import TRACKABLE, TRACKED, Kind, is_lasting, is_what_it_holds, kind_of
from shape_magic.trace.table import Table

#: Keras' own bookkeeping: it says what was done with a layer, not what the layer does.
ASIDE = TRACKABLE | frozenset(
    """
    build quantize name _tracker _tracked _inbound_nodes _outbound_nodes _losses _loss_ids _losses_override _metrics
    _call_signature call_signature_parameters _call_context_args _call_has_context_arg _auto_config _path
    _parent_path _called _lock _build_shapes_dict _trainable _input_shape_arg
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
SIZES = frozenset({str, int, bool, type(None), bytes})
#: Kinds of objects that are what they are, and hold no layer.
_VALUES = frozenset({"plain", "number", "policy", "spec"})
#: Kinds of objects that can become another thing and stay the same object; a tuple can when a part of it can.
CHANGEABLE: frozenset[Kind] = frozenset({"items", "pairs", "layer"})
#: Kinds of objects that Keras leaves out when it writes a layer's arguments.
_UNWRITTEN = frozenset({"spec", "weight"})


@dataclass(slots=True)
class Layout:
    """What is to be done with each attribute, and how a layer's arguments are read."""

    #: Equal for layers whose attributes that bear on shapes have the same names and classes.
    number: int
    #: The names of those that are what they hold.
    sizes: tuple[str, ...]
    #: Of all that never change and lead to no layer.
    values: tuple[str, ...]
    #: Of those that have to be looked into; whether each can change in place, None where that depends on what it holds.
    rest: tuple[tuple[str, bool | None], ...]
    #: Of those that its arguments can be told from later, by their kinds; None where only the layer itself can tell.
    telling: tuple[tuple[str, Kind], ...] | None
    #: Gives those of them that bear on the arguments and are what they hold; the names of those that are containers.
    held: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    listed: tuple[str, ...]
    #: Whether arguments could be told so; None before the first time.
    tells: bool | None = None
    #: Of the arguments that were asked for one by one: whether each is what the attribute of its name holds.
    as_held: dict[str, bool] = field(default_factory=dict)


#: Of so many kinds of layers what is said of them is kept.
MOST_KINDS = 4096
_layouts: Table[Hashable, Layout] = Table(MOST_KINDS)
_numbers: Table[Hashable, int] = Table(MOST_KINDS)
_counter = itertools.count()


def layout_of(layer: Any) -> Layout:
    """The layout of a layer's attributes as they are now."""
    held = vars(layer)
    classes = tuple(map(type, held.values()))
    key = type(layer), tuple(held), classes
    found = _layouts.get(key)
    if found is None:
        found = _laid_out(type(layer), dict(zip(held, classes, strict=True)))
        if all(map(is_lasting, classes)):  # a class of the user's is not kept alive
            _layouts.keep(key, found)
    return found


def forget() -> None:
    """Keep nothing of what was worked out so far."""
    _layouts.forget()
    _numbers.forget()


def _laid_out(cls: type, classes: Mapping[str, type]) -> Layout:
    kinds = {name: kind_of(one) for name, one in classes.items()}
    bearing = [name for name in classes if name not in ASIDE]
    identity = cls, *[(name, classes[name].__name__, kinds[name]) for name in bearing]
    number = _numbers.get(identity)
    if number is None:
        number = next(_counter)
        _numbers.keep(identity, number)
    telling = _telling(cls, classes, kinds)
    shown = [(name, kind) for name, kind in telling or () if name not in ASIDE and kind not in {"recipe", "policy"}]
    return Layout(
        number,
        sizes=tuple(name for name in bearing if classes[name] in SIZES),
        values=tuple(name for name, kind in kinds.items() if kind in _VALUES),
        rest=tuple(
            (name, None if one is tuple else kinds[name] in CHANGEABLE)
            for name, one in classes.items()
            if one is tuple or (name not in ASIDE and one not in SIZES)
        ),
        telling=telling,
        held=_getter([name for name, kind in shown if kind != "items"]),
        listed=tuple(name for name, kind in shown if kind == "items"),
    )


def _getter(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What gives the values of these names; that of the first twice, for a getter of one name gives no tuple."""
    return itemgetter(*names[:1], *names) if names else lambda _: ()


def _telling(cls: type, classes: Mapping[str, type], kinds: Mapping[str, Kind]) -> tuple[tuple[str, Kind], ...] | None:
    if not is_what_it_holds(cls) or _makes_no_config(cls) or not all(map(is_lasting, classes.values())):
        return None
    telling = []
    for name, kind in kinds.items():
        if kind in _UNWRITTEN or name in TRACKED or (name in ASIDE and kind not in {"plain", "number"}):
            continue
        if kind in {"", "layer", "pairs"}:
            return None
        telling.append((name, kind))
    return tuple(telling)


def _makes_no_config(cls: type) -> bool:
    """Whether a class leaves its config to Keras' layers in general, which note what the constructor was given."""
    return next(one for one in cls.__mro__ if "get_config" in vars(one)).__name__ in {"Layer", "Operation"}
