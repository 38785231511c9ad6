"""Which layers a quiz asks about: those on which misconceptions show, and show differently."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from random import Random

from shape_magic.facts import Call
from shape_magic.teach.derivations import derive
from shape_magic.teach.misconceptions import ALL

#: More blanks than these tire, whatever they would tell apart.
_MOST = 10
#: What a blank is good for: one misconception shows, or two are told apart.
_Use = str | tuple[str, str]


def askable(call: Call) -> bool:
    """Whether a blank can stand here: one output, and a way to it that can be explained."""
    return len(call.output_shapes) == 1 and call.class_name != "InputLayer" and derive(call) is not None


def choose(calls: Sequence[Call], count: int | None, seed: int) -> list[Call]:
    """The calls to ask about, in the ladder's order.

    Each brings a misconception to light, or tells two apart, that those before it did not; among equals
    the seed decides. With a ``count`` there are as many, as far as the model has them.
    """
    random = Random(seed)
    pool = [call for call in calls if askable(call)]
    random.shuffle(pool)
    uses = {call.call: _uses(call) for call in pool}
    wanted = set().union(*uses.values()) if uses else set()
    chosen: list[Call] = []
    while pool and len(chosen) < (_MOST if count is None else count):
        best = max(pool, key=lambda call: len(uses[call.call] & wanted))
        if count is None and not uses[best.call] & wanted:
            break
        wanted -= uses[best.call]
        chosen.append(best)
        pool.remove(best)
    return sorted(chosen, key=lambda call: call.call)


def _uses(call: Call) -> set[_Use]:
    shapes = {m.id: m.predict(call) for m in ALL}
    shows: set[_Use] = {name for name, shape in shapes.items() if shape is not None}
    return shows | {(a, b) for a, b in combinations(shapes, 2) if shapes[a] != shapes[b]}
