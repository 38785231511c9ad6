"""Running edited statements in a copy of the namespace, in the worker, to see what would be."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.hooks import observing
from shape_magic.capture.session import Session
from shape_magic.checker import Checker, Halt
from shape_magic.facts import CellId, Facts, Given
from shape_magic.repair.slices import Slice
from shape_magic.repair.stubs import stubbed
from shape_magic.trace.worker import apart

#: Longer containers are data: they are shared, and what would change them is refused or does it elsewhere.
_SMALL = 10_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the run showed; ``error`` is an exception of the user's code that ended it."""

    facts: Facts
    error: str | None
    session: Session


def replay(
    part: Slice,
    cells: Sequence[tuple[CellId, str]],
    namespace: Mapping[str, Any],
    given: Given,
    renamed: Mapping[str, str] | None = None,
) -> Replayed:
    """Run the statements as a dry run in a copy of the namespace; nothing of the user's is changed.

    ``renamed``: names that hold, for this run, what another one holds now.
    """
    session = Session(book=Book())
    names = {cell: f"<shape_magic {i}>" for i, (cell, _) in enumerate(cells)}
    for cell, source in cells:
        session.book.add(cell, source, str(cell), names[cell])
    codes = [_compiled(s.node, names[s.cell]) for s in part.statements]
    with stubbed() as stubs:
        copy = copied(namespace, stubs)
        copy |= {new: copy[old] for new, old in (renamed or {}).items()}
        checker = Checker(session, copy, dry_run=True, given=given)
        try:
            return apart(lambda: _run(codes, checker, copy))
        finally:
            session.book.forget_sources()


def _compiled(node: ast.stmt, filename: str) -> CodeType:
    return compile(ast.Module([node], []), filename, "exec", dont_inherit=True)


def _run(codes: list[CodeType], checker: Checker, namespace: dict[str, Any]) -> Replayed:
    error = None
    with observing(checker):
        try:
            for code in codes:
                exec(code, namespace)
        except Halt:
            pass
        except Exception as raised:  # noqa: BLE001 - whatever the edited code raises speaks against the edit
            error = f"{type(raised).__name__}: {raised}"
    return Replayed(checker.facts(), error, checker.session)


def copied(namespace: Mapping[str, Any], stubs: Mapping[int, Any]) -> dict[str, Any]:
    """A shallow copy in which functions look names up in the copy, containers are its own, and nothing prints."""
    copy: dict[str, Any] = {name: stubs.get(id(value), value) for name, value in namespace.items()}
    for name, value in namespace.items():
        if isinstance(value, FunctionType) and value.__globals__ is namespace:
            twin = FunctionType(value.__code__, copy, value.__name__, value.__defaults__, value.__closure__)
            twin.__kwdefaults__ = value.__kwdefaults__
            copy[name] = twin
        elif not name.startswith("_"):
            copy[name] = twin_of(copy[name])
    copy["print"] = copy["display"] = _nothing
    return copy


def twin_of(value: Any, depth: int = 4) -> Any:
    """A copy of what user code may change in place: containers and random generators; the rest is shared."""
    if type(value) in (list, set, deque, tuple) and depth and len(value) < _SMALL:
        return type(value)(twin_of(v, depth - 1) for v in value)
    if type(value) is dict and depth and len(value) < _SMALL:
        return {k: twin_of(v, depth - 1) for k, v in value.items()}
    if type(value).__name__ in ("Generator", "RandomState", "Random") and hasattr(value, "shuffle"):
        return deepcopy(value)
    return value


def _nothing(*_args: object, **_kwargs: object) -> None:
    """Stands for print and display in a proof."""
