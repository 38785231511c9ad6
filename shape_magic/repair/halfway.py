"""A proof that begins where the user's own run was when it came to the first statement that differs.

What stands above has been run, so nothing of it is made again: the names are those of that moment, and
symbolic tensors have shadows. Where a name may have changed since, or holds a layer or a model, which a run
could change, the statements are run from the beginning instead.
"""

from __future__ import annotations

import ast
import re
import weakref
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.session import Moment, Moved, Session
from shape_magic.repair.shadows import Shadows
from shape_magic.repair.slices import Statement
from shape_magic.repair.trail import Trail, key_of, moves, unmoved
from shape_magic.spans import CellId

_MISSING = object()
_ATOMS = (type(None), int, float, complex, str, bytes, ModuleType, BuiltinFunctionType)
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
_NUMBERED = re.compile(r"(.+?)(?:_(\d+))?")


class _Unknown(Exception):
    """A name whose value at that moment is not known, or not ours to use."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with: its names, and what was seen so far."""

    names: dict[str, Any]
    session: Session
    counters: dict[str, int]


class Halfway:
    """The moments of the user's run, from which proofs may go on."""

    def __init__(self, session: Session, namespace: Mapping[str, Any], statements: Sequence[Statement]) -> None:
        self._session = session
        self._namespace = namespace
        self._statements = statements

    def start(self, trail: Trail, book: Book) -> Start | None:
        """Where the statements behind the shared ones may begin; None where they have to begin at the beginning."""
        shared = self._originals(trail.shared)
        if not shared or not self._session.moments:
            return None
        after = self._statements[self._statements.index(shared[-1]) + 1 :]
        moment, at = self._moment(after)
        if moment is None or any(t.number <= moment.count for t in self._session.current):
            return None
        try:
            values = self._values(_needed(trail), after, at, moment)
            shadows = Shadows(t for value in values.values() for t in _tensors(value))
        except Exception:  # noqa: BLE001 - an older or newer Keras may keep its graph otherwise
            return None
        moved = moves(shared, trail.shared) or unmoved
        if not self._name_files(book, shared, trail.shared):
            return None
        # What holds no tensor is as the namespace's copy has it: a function of the copy's own, for one.
        names = {name: _shadowed(value, shadows) for name, value in values.items() if _tensors(value)}
        return Start(names, self._branch(book, moment, shadows, moved), self._counters())

    def _originals(self, shared: Sequence[Statement]) -> list[Statement]:
        """The shared statements as they are in the cells."""
        found: list[Statement] = []
        rest = iter(self._statements)
        for one in shared:
            same = next((s for s in rest if key_of(s) == key_of(one)), None)
            if same is None:
                return []
            found.append(same)
        return found

    def _moment(self, after: Sequence[Statement]) -> tuple[Moment | None, int]:
        """When the next statement came to its first layer; None where another one stands on the same line."""
        for i, s in enumerate(after):
            for moment in self._session.moments:
                if _stands_on(s, moment):
                    alone = sum(_stands_on(other, moment) for other in self._statements) == 1
                    return (moment if alone else None), i
        return None, 0

    def _values(self, needed: set[str], after: Sequence[Statement], at: int, moment: Moment) -> dict[str, Any]:
        passed = after[: at if isinstance(after[at].node, _SIMPLE) else at + 1]
        if any(needed & (s.code.writes | s.code.touches) for s in passed) or _has_walrus(after[at].node):
            raise _Unknown
        later = after[at:]
        values: dict[str, Any] = {}
        for name in needed:
            reference = moment.names.get(name)
            value = reference() if reference is not None else self._unchanged(name, later)
            if value is None and reference is not None:
                raise _Unknown
            values[name] = value
        return values

    def _unchanged(self, name: str, later: Sequence[Statement]) -> Any:
        value = self._namespace.get(name, _MISSING)
        may_change = isinstance(value, list | dict)
        if value is _MISSING or not _is_plain(value, self._namespace):
            raise _Unknown
        if any(name in s.code.writes or (may_change and name in s.code.touches) for s in later):
            raise _Unknown
        return value

    def _branch(self, book: Book, moment: Moment, shadows: Shadows, moved: Moved) -> Session:
        theirs, ours = self._session, Session(book=book, cell=self._session.cell)
        for operation, shadow in shadows.operations:
            made, placed = theirs.made.get(operation), theirs.placed.get(operation)
            if made is not None:
                ours.made[shadow] = made.moved(moved)
            if placed is not None:
                spans = placed[: len(shadow._inbound_nodes)]
                ours.placed[shadow] = tuple(map(moved, spans))
        known = (shadows.of(tensor) for reference in theirs.computed if (tensor := reference()) is not None)
        ours.computed = [weakref.ref(shadow) for shadow in known if shadow is not None]
        ours.count_on(moment.count)
        return ours

    def _name_files(self, book: Book, before: Sequence[Statement], after: Sequence[Statement]) -> bool:
        """Tell a run's book of the code of the cells that ran; False where their lines moved by different numbers."""
        shifts: dict[CellId, set[int]] = defaultdict(set)
        for old, new in zip(before, after, strict=True):
            shifts[old.cell].add(new.code.first - old.code.first)
        if any(len(by) > 1 for by in shifts.values()):
            return False
        for cell, by in shifts.items():
            for filename, above in self._session.book.files_of(cell):
                book.name_file(filename, cell, above + next(iter(by)))
        return True

    def _counters(self) -> dict[str, int]:
        """How many layers have had each name, as Keras counts: a new one gets none that is taken."""
        counters: dict[str, int] = defaultdict(int)
        for made, _ in self._session.made.items():
            found = _NUMBERED.fullmatch(str(getattr(made, "name", "")))
            if found is not None:
                counters[found[1]] = max(counters[found[1]], int(found[2] or 0) + 1)
        return counters


def count_names_on(counters: Mapping[str, int]) -> None:
    """Let Keras' counters of names, which are the running thread's own, stand so."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("object_name_uids", defaultdict(int, counters))


def _needed(trail: Trail) -> set[str]:
    """Names of the shared statements that the rest, or a function among them, looks at."""
    reads = {name for s in trail.rest for name in s.code.reads}
    reads |= {n for s in trail.shared if isinstance(s.node, ast.FunctionDef | ast.ClassDef) for n in s.code.reads}
    return reads & {name for s in trail.shared for name in s.code.writes}


def _stands_on(statement: Statement, moment: Moment) -> bool:
    return statement.cell == moment.cell and statement.code.first <= moment.line <= statement.code.last


def _has_walrus(node: ast.stmt) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))


def _is_plain(value: Any, namespace: Mapping[str, Any], depth: int = 4) -> bool:
    """Whether no layer or model can be reached from a value."""
    kind = type(value)
    if isinstance(value, _ATOMS) or _is_tensor(value):
        return True
    if kind in (list, tuple, dict) and depth:
        inner = [*value, *value.values()] if kind is dict else value
        return all(_is_plain(one, namespace, depth - 1) for one in inner)
    if kind is FunctionType:
        return depth > 0 and _reaches_nothing(value, namespace, depth - 1)
    if isinstance(value, type):
        return value.__module__ != namespace.get("__name__")
    return f"{kind.__module__}.{kind.__name__}" == "numpy.ndarray"


def _reaches_nothing(function: FunctionType, namespace: Mapping[str, Any], depth: int) -> bool:
    """Whether a function holds no layer, model or symbolic tensor, nor looks one up in the notebook."""
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    if function.__globals__ is namespace:
        held += [namespace[n] for n in _names_in(function.__code__) if namespace.get(n, function) is not function]
    plain = all(_is_plain(one, namespace, depth) and not _tensors(one) for one in held)
    return plain and function.__closure__ is None


def _names_in(code: CodeType) -> set[str]:
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return {*code.co_names}.union(*map(_names_in, inner))


def _is_tensor(value: Any) -> bool:
    from keras import KerasTensor

    return isinstance(value, KerasTensor)


def _tensors(value: Any) -> list[Any]:
    """The symbolic tensors in lists, tuples and dicts."""
    from keras import tree

    return [one for one in tree.flatten(value) if _is_tensor(one)]


def _shadowed(value: Any, shadows: Shadows) -> Any:
    from keras import tree

    return tree.map_structure(lambda one: shadows.of(one) if _is_tensor(one) else one, value)
