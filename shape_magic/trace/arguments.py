"""A layer's arguments, as its constructor takes them, in plain values.

Keras writes them for a layer as its configuration. Of what only describes (an initializer, a dtype policy)
nothing is shown, and to put it in writing is most of what a configuration costs: it is hidden from Keras. And
most layers' arguments are never looked at, in a model that is right. So what they can be told from is kept, a
few plain values, and they are told when somebody reads them.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from shape_magic.capture.session import Made
from shape_magic.trace.classes import Kind, is_kerases_own, is_what_it_holds, kind_of, parameters_of
from shape_magic.trace.layouts import MOST_KINDS, Layout, layout_of
from shape_magic.trace.table import Table
from shape_magic.untrusted import ask, encodable, module_of, named, shortened

#: Arguments that say nothing about shapes and fill the row.
_QUIET = frozenset({"name", "dtype", "trainable", "build_config", "registered_name", "module"})
#: A configuration with more arguments, longer texts and lists, or deeper lists in lists is data: the rest is left out.
_MOST, _LONGEST_TEXT, _LONGEST_LIST, _DEEPEST = 256, 2_000, 16, 8
#: Longer numbers than this, in bits, are no sizes, and Python refuses to write them.
_LARGEST = 4_096
#: Values of these raise nothing.
_SURE = frozenset({str, int, float, bool, type(None)})
_NOTHING: Mapping[str, object] = {}


class _Hidden(str):
    """A text that has a name, too: an older Keras, 3.3 for one, writes a dtype policy's name, and not the policy."""

    __slots__ = ()
    name = "hidden"


#: In the place of what is no plain value.
_HIDDEN = _Hidden("hidden")


def arguments(layer: Any) -> Mapping[str, object]:
    """The constructor's arguments as plain values that JSON takes; what is no plain value is left out.

    They are those that the layer has now, whenever they are read.
    """
    # A user's get_config may do anything; the row does without.
    return ask(functools.partial(_arguments, layer), _NOTHING)


class _Later(Mapping[str, object]):
    """Arguments of a layer of Keras' own, told when they are first read."""

    __slots__ = ("_layout", "_plain", "_sketch")

    def __init__(self, sketch: Any, layout: Layout) -> None:
        #: A layer of the class that holds what the arguments are told from; dropped when they are.
        self._sketch = sketch
        self._layout = layout
        self._plain: Mapping[str, object] | None = None

    def _told(self) -> Mapping[str, object]:
        sketch = self._sketch  # read first: another thread may be telling them, too
        if self._plain is None:
            self._plain = ask(lambda: _chosen(sketch, sketch.get_config()), _NOTHING)
            self._sketch = None
        return self._plain

    def __getitem__(self, name: str) -> object:
        sketch = self._sketch
        if sketch is not None and (value := _held(sketch, name, self._layout)) is not _SKIP:
            return value
        return self._told()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._told())

    def __len__(self) -> int:
        return len(self._told())

    def __repr__(self) -> str:
        return repr(self._told())


#: The arguments of layers that hold the same, by what they hold.
_alike: Table[Hashable, Mapping[str, object]] = Table(MOST_KINDS)


def forget() -> None:
    """Keep nothing of what was told so far."""
    _alike.forget()


def _arguments(layer: Any) -> Mapping[str, object]:
    layout = layout_of(layer) if is_what_it_holds(type(layer)) else None
    telling = layout.telling if layout is not None and layout.tells is not False else None
    if layout is None or telling is None:
        return _chosen(layer, _config(layer))
    content = _content(vars(layer), layout)
    found = _alike.get(content) if content is not None else None
    if found is None:
        found = _from_sketch(layer, layout, telling)
        if found is not None and content is not None:
            _alike.keep(content, found)
    return found if found is not None else _chosen(layer, _config(layer))


def _from_sketch(layer: Any, layout: Layout, telling: Sequence[tuple[str, Kind]]) -> Mapping[str, object] | None:
    sketch = _sketch(layer, telling)
    if sketch is None or layout.tells:
        return _Later(sketch, layout) if sketch is not None else None
    # The first layer of a layout shows whether its arguments can be told so.
    told = ask(sketch.get_config, None)
    layout.tells = isinstance(told, Mapping)
    return _chosen(layer, told) if layout.tells else None


def _content(held: Mapping[str, Any], layout: Layout) -> Hashable | None:
    """Equal for layers whose arguments are the same but for their names; None where that is not seen at a glance."""
    content: tuple[Hashable, ...] = (layout.number, *layout.held(held))
    for name in layout.listed:
        value = held[name]
        kinds = tuple(map(type, value))
        if not _SURE.issuperset(kinds):
            return None
        content += kinds, tuple(value)  # True and 1.0 are equal to 1, and are no sizes
    return content


def _held(sketch: Any, name: str, layout: Layout) -> object:
    """An argument that is what the attribute of its name holds; what is asked of every layer, is often asked alone."""
    value = vars(sketch).get(name, _SKIP)
    if type(value) not in _SURE or name in _QUIET:
        return _SKIP
    if name not in layout.as_held:  # a mark in its place comes out of the config, or it does not
        marked, mark = object.__new__(type(sketch)), object()
        vars(marked).update(vars(sketch) | {name: mark})
        told = ask(marked.get_config, None)
        layout.as_held[name] = isinstance(told, Mapping) and told.get(name) is mark
    return _plain(value) if layout.as_held[name] else _SKIP


def _sketch(layer: Any, telling: Sequence[tuple[str, Kind]]) -> Any | None:
    """A layer of the same class that holds what its arguments are told from; None where something else may matter."""
    sketch, held = object.__new__(type(layer)), vars(layer)
    drawn = vars(sketch)
    for name, kind in telling:
        value = held[name]
        if kind in {"recipe", "policy"}:
            drawn[name] = _HIDDEN
        elif kind in {"plain", "number"}:
            drawn[name] = value
        elif kind == "items" and not isinstance(value, set) and all(type(part) in _SURE for part in value):
            drawn[name] = tuple(value) if isinstance(value, tuple) else list(value)  # it may change
        elif kind in {"function", "class"} and module_of(value).startswith("keras."):
            drawn[name] = value
        else:
            return None
    return sketch


def _config(layer: Any) -> object:
    if is_what_it_holds(type(layer)):
        with contextlib.suppress(Exception):  # a method that looks into what is hidden is asked of the layer itself
            return _outline(layer).get_config()
    return layer.get_config()


def _outline(layer: Any) -> Any:
    """The layer with plain values only, and all else that it holds."""
    outline = object.__new__(type(layer))
    held = vars(outline)
    held.update(vars(layer))
    for name, value in vars(layer).items():
        kind = kind_of(type(value))
        if kind in ("recipe", "policy") and name != "_auto_config":  # from which Keras may make a config
            held[name] = _HIDDEN
        elif kind == "layer" and is_what_it_holds(type(value)):
            held[name] = _outline(value)
    return outline


#: Arguments that a configuration of Keras' own leaves out although they bear on shapes, and the layer holds:
#: an older Keras, 3.3 for one, of transposed convolutions.
_FORGOTTEN = ("output_padding",)


def _chosen(layer: Any, config: object) -> dict[str, object]:
    if not isinstance(config, Mapping):
        return {}
    forgotten = [k for k in _FORGOTTEN if k not in config and k in vars(layer)] if is_kerases_own(type(layer)) else []
    if forgotten:
        config = {**config, **{k: vars(layer)[k] for k in forgotten}}
    names = [k for k in itertools.islice(config, _MOST) if isinstance(k, str) and k not in _QUIET]
    return plain_values({k: value for k in names if (value := config[k]) is not _HIDDEN})


def positional(cls: type, given: Sequence[object]) -> dict[str, object]:
    """The constructor's arguments that were given by position, as far as they are plain values."""
    return plain_values(dict(zip(parameters_of(cls), given, strict=False))) if given else {}


def given_to(made: Made) -> dict[str, object]:
    """The arguments that a constructor was given, by name, as far as they are plain values."""
    return positional(made.cls, made.args) | plain_values(made.kwargs)


def plain_values(values: Mapping[Any, object]) -> dict[str, object]:
    """Those of the values that JSON takes."""
    return {
        named(k): plain
        for k, v in values.items()
        if (plain := _plain(v) if type(v) in _SURE else ask(functools.partial(_plain, v), _SKIP)) is not _SKIP
    }


_SKIP = object()


def _plain(value: Any, depth: int = 0) -> object:
    """The value as JSON takes it; one of a subclass, which may answer anything, as its base has it."""
    plain: object = _SKIP
    cls = type(value)  # isinstance would ask the value itself
    if value is None or cls is bool:
        plain = value
    elif issubclass(cls, str):
        plain = shortened(encodable(str.__str__(value)), _LONGEST_TEXT)
    elif issubclass(cls, int):
        whole = int.__int__(value)
        plain = whole if whole.bit_length() <= _LARGEST else _SKIP
    elif issubclass(cls, float):
        real = float.__float__(value)
        plain = real if math.isfinite(real) else str(real)
    elif issubclass(cls, list | tuple) and depth < _DEEPEST:
        items = [_plain(v, depth + 1) for v in itertools.islice(value, _LONGEST_LIST + 1)]
        plain = _SKIP if len(items) > _LONGEST_LIST or any(i is _SKIP for i in items) else items
    return plain
