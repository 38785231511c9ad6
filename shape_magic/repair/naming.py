"""The layers of a repaired model under the names that they have in the user's."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace

from shape_magic.facts import Call, Model
from shape_magic.spans import Edit, shifted

_NUMBERED = re.compile(r"(?P<word>.*?)(?:_(?P<number>\d+))?", re.DOTALL)


def named_as(before: Model, after: Model, edits: Sequence[Edit]) -> Model:
    """The model after the edits, each layer under its name before them.

    A layer is the same one where its constructor stands in the same place and names the same class. One that the
    model had not come to gets the name that Keras would have gone on to.
    """
    known: defaultdict[tuple[object, ...], deque[Call]] = defaultdict(deque)
    for call in before.calls:
        if call.span is not None:
            place = shifted(call.span, edits)
            known[place.cell, place.start_line, call.class_name].append(call)
    calls, further = [], dict[str, int]()
    for call in after.calls:
        same = known[call.span.cell, call.span.start_line, call.class_name] if call.span is not None else None
        if same:
            old = same.popleft()
            (word, number), (own, now) = _parted(old.layer), _parted(call.layer)
            if word == own:
                further[word] = number - now
            calls.append(replace(call, layer=old.layer, path=old.path) if old.path != call.path else call)
        else:
            calls.append(_counted_on(call, further))
    return replace(after, calls=tuple(calls))


def _counted_on(call: Call, further: dict[str, int]) -> Call:
    word, number = _parted(call.layer)
    if not further.get(word):
        return call
    name = f"{word}_{number + further[word]}"
    return replace(call, layer=name, path=(*call.path[:-1], name))


def _parted(name: str) -> tuple[str, int]:
    found = _NUMBERED.fullmatch(name)
    assert found is not None
    return found["word"], int(found["number"] or 0)
