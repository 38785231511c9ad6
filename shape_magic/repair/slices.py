"""The part of the cells on which a model depends: what a proof runs again, and nothing else.

Only what Keras made is made again (models, layers, symbolic tensors, and the functions that make
them); data and numbers are taken as they are now, unless the run has not come to them yet.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType

from shape_magic.facts import CellId, Span
from shape_magic.repair.effects import Impure, impurity, may_drop
from shape_magic.source.cells import parse


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement of a cell."""

    cell: CellId
    node: ast.stmt

    def covers(self, span: Span) -> bool:
        """Whether a span of the same cell begins within its lines."""
        first = min([self.node.lineno, *(d.lineno for d in getattr(self.node, "decorator_list", []))])
        return span.cell == self.cell and first <= span.start_line <= (self.node.end_lineno or first)


@dataclass(frozen=True, slots=True)
class Slice:
    """Statements in the order in which to run them."""

    statements: tuple[Statement, ...]


def statements_of(cells: Sequence[tuple[CellId, str]]) -> list[Statement]:
    """All top-level statements of the cells, in order; a cell that does not parse never ran and has none."""
    found: list[Statement] = []
    for cell, source in cells:
        tree = parse(source)
        found += [Statement(cell, node) for node in tree.body] if tree is not None else []
    return found


def slice_for(
    cells: Sequence[tuple[CellId, str]], targets: Iterable[Span], namespace: Mapping[str, object]
) -> Slice | Impure:
    """The statements that lead to the targets, or why they can't be run again."""
    statements = statements_of(cells)
    wanted = list(targets)
    if {t.cell for t in wanted} - {s.cell for s in statements}:
        return Impure("the cell does not parse")
    hit = [i for i, s in enumerate(statements) if any(s.covers(t) for t in wanted)]
    bound = {name for s in statements for name in _writes(s.node)}
    ahead = _ahead(statements, hit, namespace)
    last = max(hit, default=-1)
    if hit and _is_definition(statements[last].node):
        last = max(ahead, default=last)  # a function is proved where it is called
    needed: set[str] = set()
    chosen: list[Statement] = []
    for i in range(len(statements) - 1, -1, -1):
        s = statements[i]
        if i not in ahead and not _is_chosen(s, i, last, wanted, needed, namespace, bound):
            continue
        chosen.append(s)
        needed -= _rebinds(s.node)  # what the name held above plays no part
        needed |= {n for n in _reads(s.node) if _must_be_made(n, namespace, bound)}
    chosen.reverse()
    return _without_effects(chosen, namespace, {id(statements[i].node) for i in ahead})


def _ahead(statements: list[Statement], hit: list[int], namespace: Mapping[str, object]) -> set[int]:
    """What comes after the last target and goes on with what the targets make: it runs in the same breath."""
    if not hit:
        return set()
    made = {n for i in hit for n in _writes(statements[i].node) | _touches(statements[i].node)}
    made = {n for n in made if n not in namespace or is_made(namespace[n], namespace)}
    found: set[int] = set()
    for i in range(hit[-1] + 1, len(statements)):
        node = statements[i].node
        if not _is_definition(node) and _reads(node) & made:
            found.add(i)
            made |= _writes(node)
        else:
            made -= _rebinds(node)
    return found


def _is_definition(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def _is_chosen(
    s: Statement,
    i: int,
    last: int,
    wanted: list[Span],
    needed: set[str],
    namespace: Mapping[str, object],
    bound: set[str],
) -> bool:
    if any(s.covers(t) for t in wanted):
        return True
    if isinstance(s.node, ast.Import | ast.ImportFrom):
        return any(n in needed or n not in namespace for n in _writes(s.node))
    if i > last:  # below the last target only what the run has not come to yet is made
        return bool(_writes(s.node) & {n for n in needed if n not in namespace})
    names = _writes(s.node) if _is_definition(s.node) else _writes(s.node) | _touches(s.node)
    return bool(names & needed)


def _must_be_made(name: str, namespace: Mapping[str, object], bound: set[str]) -> bool:
    if name not in namespace:
        return name in bound and not hasattr(builtins, name)
    return name in bound and is_made(namespace[name], namespace)


def is_made(value: object, namespace: Mapping[str, object], depth: int = 2) -> bool:
    """Whether a value is, or holds, something that Keras or the notebook's own functions made."""
    if isinstance(value, FunctionType):
        return value.__globals__ is namespace or value.__module__ == "__main__"
    if isinstance(value, type):
        return value.__module__ == "__main__"
    if isinstance(value, list | tuple | set) and depth:
        return len(value) < 2000 and any(is_made(v, namespace, depth - 1) for v in list(value)[:500])
    if isinstance(value, dict) and depth:
        return len(value) < 2000 and any(is_made(v, namespace, depth - 1) for v in list(value.values())[:500])
    names = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(value).__mro__}
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
    own: set[str] = set()
    for s in chosen:
        if may_drop(s.node):
            continue
        # What the proof has made itself it may change: those names stand for nothing of the user's any more.
        impure = impurity(s.node, {k: v for k, v in namespace.items() if k not in own} if own else namespace, defined)
        if impure is not None and id(s.node) in ahead:
            break  # the proof reaches as far as it can be run
        if impure is not None:
            return Impure(f"line {s.node.lineno}: {impure.why}")
        kept.append(s)
        own -= _rebinds(s.node)
        own |= {n for n in _makes(s.node) if is_made(namespace.get(n), namespace, depth=0)}
    return Slice(tuple(kept))


def _makes(node: ast.stmt) -> set[str]:
    """Names that a statement gives the results of calls: ``g, d = generator(), discriminator()``."""
    value = node.value if isinstance(node, ast.Assign) else None
    values = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return _rebinds(node) if all(isinstance(v, ast.Call) for v in values) else set()
