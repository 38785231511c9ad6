"""Frozen dataclasses that are made fast behave like those that Python makes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import pytest

from shape_magic.frozen import fills_slots


@dataclass(frozen=True, slots=True)
class Plain:
    name: str
    sizes: tuple[int, ...]
    given: Mapping[str, object] = field(default_factory=dict)
    rank: int | None = None


@fills_slots
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    sizes: tuple[int, ...]
    given: Mapping[str, object] = field(default_factory=dict)
    rank: int | None = None


def test_it_is_made_from_the_same_arguments() -> None:
    cases: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("a", (1,)), {}),
        (("a",), {"sizes": (1,), "rank": 2}),
        (("a", (1,), {"b": 3}, 4), {}),
    ]
    for given, named in cases:
        plain, quick = Plain(*given, **named), Quick(*given, **named)
        assert all(getattr(quick, name) == getattr(plain, name) for name in Plain.__slots__)
    assert list(inspect.signature(Quick).parameters) == list(inspect.signature(Plain).parameters)


@pytest.mark.parametrize(("given", "named"), [(("a",), {}), ((), {}), (("a", (1,)), {"width": 3})])
def test_what_python_refuses_is_refused(given: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Plain, Quick):
        with pytest.raises(TypeError, match=r"__init__\(\)"):
            kind(*given, **named)


def test_it_stays_frozen_equal_and_copyable() -> None:
    one = Quick("a", (1, 2), rank=3)
    with pytest.raises(FrozenInstanceError):
        one.rank = 4  # type: ignore[misc]
    assert one == Quick("a", (1, 2), {}, 3) != replace(one, rank=4)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
