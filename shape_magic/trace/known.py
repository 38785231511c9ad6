"""What a layer is, said once: as long as nothing of it changes, and for all layers that are configured alike.

Asking a layer for its configuration costs Keras a tenth of a call and more. So what was said of a layer
is kept: for this very layer until one of its attributes changes, and for every other one of Keras' own
whose attributes hold the same, as far as they bear on shapes.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from shape_magic.capture.session import ByIdentity
from shape_magic.facts import Masks
from shape_magic.spans import Shape
from shape_magic.trace import arguments as written
from shape_magic.trace import layers as describe
from shape_magic.trace import layouts
from shape_magic.trace.classes import is_kerases_own, is_what_it_holds, kind_of
from shape_magic.trace.layouts import ASIDE, CHANGEABLE, MOST_KINDS, SIZES, layout_of
from shape_magic.trace.table import Table
from shape_magic.trace.worker import apart


class Known(NamedTuple):
    """What stands in a row about the layer itself, whatever it is called on."""

    arguments: Mapping[str, object]
    bases: tuple[str, ...]
    wrapped_bases: tuple[str, ...]
    wrapped_arguments: Mapping[str, object]
    wants_rank: int | None
    declares: Shape | None
    #: Weights that it has already: how many numbers, how many bytes.
    weights: tuple[int, int]
    #: What it does with a mask.
    masks: Masks
    #: Equal for layers that give the same shapes for the same input; None where that can't be said.
    key: int | None


@dataclass(slots=True)
class _Entry:
    """What was said of one layer, and of what: nothing here keeps a layer alive."""

    told: Known
    #: The attributes' objects by their ids. Values are kept, so that no other one can come to stand at their address.
    ids: list[int]
    values: list[object]
    #: The names of those that can change in place, and what they held.
    changeable: list[str]
    contents: object


_known: ByIdentity[_Entry] = ByIdentity()
_alike: Table[Hashable, Known] = Table(MOST_KINDS)
_keys = itertools.count()


def known(layer: Any) -> Known:
    """What is known of a layer or operation now."""
    before = remembered(layer)
    if before is not None:
        return before
    try:
        look = _Look(layer)
    except RecursionError:  # it holds what holds itself
        return apart(lambda: _told(layer, None))
    told = _of_its_kind(layer, look)
    if look.contents is not None:
        _known[layer] = _Entry(told, _ids(layer), look.values, look.changeable, look.contents)
    return told


def described(layer: Any) -> Known:
    """The same, where nothing is to be answered in the layer's place: it is not looked through."""
    # The user's own code may never come to an end: it is asked where we needn't wait for it.
    return _told(layer, None) if is_kerases_own(type(layer)) else apart(lambda: _told(layer, None))


def remembered(layer: Any) -> Known | None:
    """What was said of this very layer, if nothing of it changed since; the layer is not asked."""
    kept = _known.get(layer)
    return kept.told if kept is not None and _is_untouched(layer, kept) else None


def forget() -> None:
    """Keep nothing of what was said so far."""
    _alike.forget()
    layouts.forget()
    written.forget()
    _known.clear()


def _of_its_kind(layer: Any, look: _Look) -> Known:
    if look.content is None:
        return described(layer)
    kind = look.content, describe.declares(layer)
    told = _alike.get(kind)
    if told is None:
        told = _told(layer, next(_keys))
        _alike.keep(kind, told)
    return told


def _told(layer: Any, key: int | None) -> Known:
    inner = describe.wrapped(layer)
    return Known(
        arguments=written.arguments(layer),
        bases=describe.bases(layer),
        wrapped_bases=describe.bases(inner) if inner is not None else (),
        wrapped_arguments=written.arguments(inner) if inner is not None else {},
        wants_rank=describe.wants_rank(layer),
        declares=describe.declares(layer),
        weights=describe.weights(layer),
        masks=describe.masks(layer),
        key=key,
    )


def _is_untouched(layer: Any, kept: _Entry) -> bool:
    if kept.ids != _ids(layer):
        return False
    try:
        return kept.contents == _contents(layer, kept.changeable)
    except _Foreign:
        return False


def _ids(layer: Any) -> list[int]:
    return list(map(id, vars(layer).values()))


def _may_change(value: Any) -> bool:
    """Whether something can become another thing and stay the same object."""
    if type(value) is tuple:
        return any(_may_change(part) for part in value)
    return kind_of(type(value)) in CHANGEABLE


def _contents(layer: Any, names: list[str]) -> object:
    """What changes without a sign: the attributes of these names."""
    held = vars(layer)
    return [_content_of(held[name], _DEEPEST) for name in names]


# What a layer's attributes hold, as far as it bears on shapes

#: Containers with more than this, and layers in layers deeper than this, are not looked through.
_LONGEST, _DEEPEST = 64, 4


class _Foreign(Exception):
    """An attribute holds what may bear on shapes in ways that are not known: the user's code, data, a model."""


class _Look:
    """One look through a layer's attributes, and through the layers in it down to a depth."""

    def __init__(self, layer: Any, depth: int = _DEEPEST) -> None:
        #: The values that never change and lead to no layer.
        self.values: list[object] = []
        #: The names of the attributes that can change in place.
        self.changeable: list[str] = []
        #: What the layer is, as far as it bears on shapes; None where that can't be said.
        self.content: Hashable | None = None
        #: What the changeable ones hold; None where not all of it can be seen.
        self.contents: object = None
        if not is_kerases_own(type(layer)):
            return
        layout, given = layout_of(layer), vars(layer)
        self.values = [given[name] for name in layout.values]
        parts: list[object] = [layout.number, *[given[name] for name in layout.sizes]]
        held: list[object] = []
        is_whole, is_seen = depth > 0 and is_what_it_holds(type(layer)), True
        for name, changes in layout.rest:
            value = given[name]
            may_change = _may_change(value) if changes is None else changes
            if changes is None and not may_change:
                self.values.append(value)
            if name in ASIDE:
                continue
            try:
                content = _content_of(value, depth)
            except _Foreign:
                is_whole, is_seen = False, is_seen and not may_change
                continue
            parts.append(content)
            if may_change:
                self.changeable.append(name)
                held.append(content)
        if is_whole:
            self.content = tuple(parts)
        if is_seen:
            self.contents = held


def _content_of(value: Any, depth: int) -> Hashable:
    kind = kind_of(type(value))
    if kind == "plain":
        return value  # type: ignore[no-any-return]
    if kind in {"items", "pairs"}:  # nearly all in which Keras keeps a layer's parts hold none
        return _parts_of(value, kind == "pairs", depth) if value else (isinstance(value, tuple), 0)
    content: Hashable
    if kind == "layer":
        content = _Look(value, depth - 1).content
        if content is None:
            raise _Foreign
    elif kind == "recipe":  # how weights begin and what is asked of them is nothing to shapes
        content = type(value).__name__
    elif kind == "number":
        content = repr(value)  # 1.0 is equal to 1 and is no size
    elif kind == "policy":
        content = value.name
    elif kind == "spec":
        content = (value.shape, value.ndim, value.min_ndim, value.max_ndim, str(value.axes))
    elif kind == "weight":
        content = (tuple(value.shape), str(value.dtype))
    elif kind in {"function", "class"} and value.__module__.startswith("keras."):
        content = f"{value.__module__}.{value.__qualname__}"
    else:
        raise _Foreign
    return content


def _parts_of(value: Any, is_of_pairs: bool, depth: int) -> Hashable:
    if len(value) > _LONGEST:
        raise _Foreign
    parts = value.items() if is_of_pairs else value
    # A list is no tuple: Keras adds the one to the other, or can't.
    kind_and_size = isinstance(value, tuple), len(value)
    return *kind_and_size, *[part if type(part) in SIZES else _content_of(part, depth) for part in parts]
