"""The part of the cells on which a model depends: what a proof runs again, and nothing else.

Only what Keras made is made again (models, layers, symbolic tensors, and the functions that make
them); data and numbers are taken as they are now, unless the run has not come to them yet.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import FunctionType
from typing import Any

from shape_magic.repair.effects import Impure, impurity, may_drop
from shape_magic.source.cells import parse
from shape_magic.source.masking import line_starts, line_text, mask
from shape_magic.spans import CellId, Span
from shape_magic.untrusted import ask, module_of


@dataclass(frozen=True)
class Code:
    """A top-level statement of a text, and the names in it."""

    node: ast.stmt
    #: The first and the last of its lines, with its decorators.
    first: int
    last: int
    #: Those lines as Python reads them, from the statement's first character on.
    text: str

    @cached_property
    def writes(self) -> set[str]:
        """Names that it binds."""
        return _writes(self.node)

    @cached_property
    def rebinds(self) -> set[str]:
        """Names that it gives a new value in any case."""
        return _rebinds(self.node)

    @cached_property
    def reads(self) -> set[str]:
        """Names that it looks at, also inside the functions that it defines."""
        return _reads(self.node)

    @cached_property
    def touches(self) -> set[str]:
        """Names of objects that it may change."""
        return _touches(self.node)


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement of a cell."""

    cell: CellId
    code: Code

    @property
    def node(self) -> ast.stmt:
        """Its tree."""
        return self.code.node


@dataclass(frozen=True, slots=True)
class Slice:
    """Statements in the order in which to run them."""

    statements: tuple[Statement, ...]


def statements_of(cells: Sequence[tuple[CellId, str]]) -> list[Statement]:
    """All top-level statements of the cells, in order; a cell that does not parse never ran and has none."""
    return [Statement(cell, code) for cell, source in cells for code in _codes(source)]


@lru_cache(maxsize=512)
def _codes(source: str) -> tuple[Code, ...]:
    """The statements of a text; kept, because each candidate leaves most cells of a notebook as they are."""
    tree = parse(source)
    if tree is None:
        return ()
    text = mask(source)
    starts = line_starts(text)
    found = []
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        last = node.end_lineno or first
        lines = [line_text(text, starts, line) for line in range(first, last + 1)]
        if first == node.lineno:
            lines[0] = lines[0].encode("utf-8", "surrogatepass")[node.col_offset :].decode("utf-8", "surrogatepass")
        found.append(Code(node, first, last, "\n".join(lines)))
    return tuple(found)


def slice_for(
    cells: Sequence[tuple[CellId, str]],
    targets: Iterable[Span],
    namespace: Mapping[str, object],
    *,
    below: Span | None = None,
) -> Slice | Impure:
    """The statements that lead to the targets and go on with them, or why they can't be run again.

    ``below``: and whatever else stands behind the statement of this place in its cell.
    """
    statements = statements_of(cells)
    wanted = list(targets)
    if {t.cell for t in wanted} - {s.cell for s in statements}:
        return Impure("the cell does not parse")
    hit = _hit(statements, wanted)
    bound = {name for s in statements for name in s.code.writes}
    ahead = _ahead(statements, sorted(hit), namespace)
    if below is not None:
        ahead |= _behind(statements, below) - hit
    last = max(hit, default=-1)
    if hit and _is_definition(statements[last].node):
        last = max(ahead, default=last)  # a function is proved where it is called
    needed: set[str] = set()
    chosen: list[Statement] = []
    made = cache(lambda name: _must_be_made(name, namespace, bound))
    for i in range(len(statements) - 1, -1, -1):
        s = statements[i]
        if i not in ahead and i not in hit and not _is_chosen(s, i, last, needed, namespace):
            continue
        chosen.append(s)
        needed -= s.code.rebinds  # what the name held above plays no part
        needed |= {n for n in s.code.reads if made(n)}
    chosen.reverse()
    return _without_effects(chosen, namespace, {id(statements[i].node) for i in ahead})


def is_last(cells: Sequence[tuple[CellId, str]], place: Span) -> bool:
    """Whether nothing stands behind the statement of a place in its cell that could be run."""
    return not _behind(statements_of(cells), place)


def _hit(statements: Sequence[Statement], targets: Iterable[Span]) -> set[int]:
    """The positions of the statements in which the targets begin."""
    at: dict[tuple[CellId, int], list[int]] = {}
    for i, s in enumerate(statements):
        for line in range(s.code.first, s.code.last + 1):
            at.setdefault((s.cell, line), []).append(i)
    return {i for t in targets if t.cell is not None for i in at.get((t.cell, t.start_line), ())}


def _ahead(statements: list[Statement], hit: list[int], namespace: Mapping[str, object]) -> set[int]:
    """What comes after the last target and goes on with what the targets make: it runs in the same breath."""
    if not hit:
        return set()
    made = {n for i in hit for n in statements[i].code.writes | statements[i].code.touches}
    made = {n for n in made if n not in namespace or is_made(namespace[n], namespace)}
    found: set[int] = set()
    for i in range(hit[-1] + 1, len(statements)):
        code = statements[i].code
        if not _is_definition(code.node) and code.reads & made:
            found.add(i)
            made |= code.writes
        else:
            made -= code.rebinds
    return found


def _behind(statements: list[Statement], place: Span) -> set[int]:
    """What stands behind the statement of a place in its cell; definitions only come where they are used."""
    behind = range(max(_hit(statements, [place]), default=len(statements)) + 1, len(statements))
    return {i for i in behind if statements[i].cell == place.cell and not _is_definition(statements[i].node)}


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def _is_chosen(s: Statement, i: int, last: int, needed: set[str], namespace: Mapping[str, object]) -> bool:
    code = s.code
    if isinstance(code.node, ast.Import | ast.ImportFrom):
        return any(n in needed or n not in namespace for n in code.writes)
    if i > last:  # below the last target only what the run has not come to yet is made
        return any(n not in namespace for n in code.writes & needed)
    return bool(code.writes & needed) or (not _is_definition(code.node) and bool(code.touches & needed))


def _must_be_made(name: str, namespace: Mapping[str, object], bound: set[str]) -> bool:
    if name not in namespace:
        return name in bound and not hasattr(builtins, name)
    return name in bound and is_made(namespace[name], namespace)


def _holds_made(value: Any, parts: Iterable[Any], namespace: Mapping[str, object], depth: int) -> bool:
    return len(value) < 2000 and any(is_made(v, namespace, depth - 1) for v in list(parts)[:500])


def is_made(value: Any, namespace: Mapping[str, object], depth: int = 2) -> bool:
    """Whether a value is, or holds, something that Keras or the notebook's own functions made."""
    if issubclass(type(value), FunctionType):
        return bool(value.__globals__ is namespace or value.__module__ == "__main__")
    if issubclass(type(value), type):
        return bool(value.__module__ == "__main__")
    if issubclass(type(value), list | tuple | set) and depth:
        return ask(lambda: _holds_made(value, value, namespace, depth), otherwise=False)
    if issubclass(type(value), dict) and depth:
        return ask(lambda: _holds_made(value, value.values(), namespace, depth), otherwise=False)
    names = {f"{module_of(c).split('.')[0]}.{c.__name__}" for c in type(value).__mro__}
    return bool(
        names
        & {
            "keras.Layer",
            "keras.KerasTensor",
            "keras.Operation",
            "keras.Loss",
            "keras.Metric",
            "keras.BaseOptimizer",
            "keras.Optimizer",
        }
    )


def _writes(node: ast.stmt) -> set[str]:
    """Names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names: set[str] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            names.add(n.id)
        elif isinstance(n, ast.alias):
            names.add((n.asname or n.name).split(".")[0])
        elif isinstance(n, ast.FunctionDef | ast.ClassDef):
            names.add(n.name)
    return names


def _rebinds(node: ast.stmt) -> set[str]:
    """Names that a statement gives a new value in any case."""
    if _is_definition(node):
        return _writes(node)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    flat = [e for t in targets for e in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
    return {t.id for t in flat if isinstance(t, ast.Name)}


def feeds_itself(source: str, namespace: Mapping[str, object]) -> bool:
    """Whether a cell rebinds data that it reads (``x = x[..., None]``), so that a second run does something else."""
    tree = parse(source)
    early: set[str] = set()
    bound: set[str] = set()
    for node in tree.body if tree is not None else ():
        if not _is_definition(node):
            early |= _reads_first(node) - bound
        bound |= _writes(node)
        if any(not is_made(namespace.get(n), namespace) for n in early & bound):
            return True
    return False


def _reads_first(node: ast.stmt) -> set[str]:
    """Names whose value from above a statement looks at, also where it gives them a new one."""
    own = {
        name
        for n in ast.walk(node)
        for name in (
            {n.target.id}
            if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
            else _rebinds(n) & _reads(n)
            if isinstance(n, ast.Assign | ast.AnnAssign)
            else set()
        )
    }
    # A loop's own variable is bound before its body reads it.
    heads = [n.target for n in ast.walk(node) if isinstance(n, ast.For | ast.comprehension)]
    loops = {t.id for head in heads for t in ast.walk(head) if isinstance(t, ast.Name)}
    simple = isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr)
    return own | (_reads(node) if simple else _reads(node) - _writes(node)) - loops


def _reads(node: ast.stmt) -> set[str]:
    """Names that a statement looks at, also inside the functions that it defines."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _touches(node: ast.stmt) -> set[str]:
    """Names of objects that a statement may change: those it calls a method of, assigns into, or hands on."""
    names: set[str] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Attribute | ast.Subscript) and isinstance(n.ctx, ast.Store):
            names |= _roots(n)
        elif isinstance(n, ast.Call):
            names |= _roots(n.func)
            for a in [*n.args, *(k.value for k in n.keywords)]:
                names |= _roots(a)
    return names


def _roots(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _without_effects(chosen: list[Statement], namespace: Mapping[str, object], ahead: set[int]) -> Slice | Impure:
    defined = {s.node.name: s.node for s in chosen if isinstance(s.node, ast.FunctionDef | ast.ClassDef)}
    kept: list[Statement] = []
    # What the proof has made itself it may change: those names stand for nothing of the user's any more.
    theirs = dict(namespace)
    for s in chosen:
        if may_drop(s.node):
            continue
        impure = impurity(s.node, theirs, defined)
        if impure is not None and id(s.node) in ahead:
            break  # the proof reaches as far as it can be run
        if impure is not None:
            return Impure(f"line {s.node.lineno}: {impure.why}")
        kept.append(s)
        theirs |= {n: namespace[n] for n in s.code.rebinds if n in namespace}
        for name in _makes(s.node):
            if is_made(namespace.get(name), namespace, depth=0) or _is_own_object(s.node, theirs, defined):
                theirs.pop(name, None)
    return Slice(tuple(kept))


#: Types of values that nobody can change.
_PLAIN = (int, float, bool, str)


def _is_own_object(node: ast.stmt, namespace: Mapping[str, object], defined: Mapping[str, ast.stmt]) -> bool:
    """Whether a statement makes an object of a class of the cells, which so gets nothing that it could change."""
    call = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return False
    given = [*call.args, *(k.value for k in call.keywords)]
    plain = all(
        isinstance(a, ast.Constant) or (isinstance(a, ast.Name) and type(namespace.get(a.id)) in _PLAIN) for a in given
    )
    return plain and isinstance(defined.get(call.func.id), ast.ClassDef)


def _makes(node: ast.stmt) -> set[str]:
    """Names that a statement gives the results of calls: ``g, d = generator(), discriminator()``."""
    value = node.value if isinstance(node, ast.Assign) else None
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return _rebinds(node) if all(isinstance(v, ast.Call) for v in values) else set()
