"""Arrays under other names or in another order: which order fits, and the source text that says so."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

from shape_magic.facts import Contract, Model
from shape_magic.repair.steps import Repair
from shape_magic.rules.calls import repaired

#: More arrays than these are not tried in every order.
_MOST = 4


def fitting_order(count: int, fits: Callable[[int, int], bool]) -> tuple[int, ...]:
    """The order in which ``fits(place, item)`` holds everywhere; empty where they fit as they stand, or in no order."""
    if not 2 <= count <= _MOST or all(fits(i, i) for i in range(count)):
        return ()
    orders = permutations(range(count))
    return next((order for order in orders if all(fits(*pair) for pair in enumerate(order))), ())


def order_of_data(model: Model, contract: Contract, fits: Callable[[int, int], bool]) -> tuple[int, ...]:
    """The same for several arrays that a call is given, by input and array; empty where they are given otherwise."""
    given = contract.argument("x")
    if given is None or given.form != "several" or len(contract.x) != len(model.inputs):
        return ()
    return fitting_order(len(contract.x), fits)


def data_in_order(contract: Contract, order: Sequence[int]) -> Iterator[Repair]:
    """The repair that gives a call its arrays in this order; none where there is no order."""
    given = contract.argument("x")
    if given is not None and order:
        yield repaired(contract, ("x", in_order(given.text, order, ())), does="swapped")


def with_keys(text: str, names: Mapping[str, str]) -> str:
    """A dict's text with some of its keys renamed; empty where it is not written out."""
    tree = _parsed(text)
    if not isinstance(tree, ast.Dict):
        return ""
    keys = [k for k in tree.keys if isinstance(k, ast.Constant) and k.value in names]
    for key in sorted(keys, key=lambda k: (k.lineno, k.col_offset), reverse=True):
        old = ast.get_source_segment(text, key) or ""
        quote = old[:1] if old[:1] in "'\"" else "'"
        text = _put(text, key, f"{quote}{names[str(key.value)]}{quote}")
    return text if keys else ""


def in_order(text: str, order: Sequence[int], keys: Sequence[str]) -> str:
    """A template for several arrays in another order: of a list, a tuple, a dict, or a name that holds one."""
    tree = _parsed(text)
    if isinstance(tree, ast.List | ast.Tuple) and len(tree.elts) == len(order):
        parts = [ast.get_source_segment(text, tree.elts[i]) or "" for i in order]
        for element, part in reversed(list(zip(tree.elts, parts, strict=True))):
            text = _put(text, element, part)
        return text
    if isinstance(tree, ast.Dict) and len(tree.values) == len(order):
        parts = [ast.get_source_segment(text, tree.values[i]) or "" for i in order]
        for element, part in reversed(list(zip(tree.values, parts, strict=True))):
            text = _put(text, element, part)
        return text
    if keys:
        return "{" + ", ".join(f"{keys[at]!r}: {{}}[{keys[i]!r}]" for at, i in enumerate(order)) + "}"
    return "[" + ", ".join(f"{{}}[{i}]" for i in order) + "]"


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _put(text: str, node: ast.expr, new: str) -> str:
    """The text with a node's part of it replaced."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + _column(lines[node.lineno - 1], node.col_offset)
    last = node.end_lineno or node.lineno
    end = sum(map(len, lines[: last - 1])) + _column(lines[last - 1], node.end_col_offset or 0)
    return text[:start] + new + text[end:]


def _column(line: str, offset: int) -> int:
    """A column in code points from one in UTF-8 bytes."""
    return len(line.encode()[:offset].decode())
