"""What the rules on calls share: which calls compare with labels, and repairs of a call's arguments."""

from __future__ import annotations

import ast

from shape_magic.facts import Contract, Data
from shape_magic.repair.steps import Repair, WrapData
from shape_magic.repair.templates import filled
from shape_magic.report import Safety
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text

_COMPARING = frozenset({"fit", "evaluate", "train_on_batch", "test_on_batch"})


def compares(contract: Contract | None) -> bool:
    """Whether a call that was seen compares the model's output with labels by Keras' own steps."""
    return contract is not None and contract.method in _COMPARING and bool(contract.arguments)


def line_of(contract: Contract) -> int | None:
    """The line of the call."""
    return contract.span.start_line if contract.span else None


def told(data: Data) -> str:
    """An array by its name and its shape."""
    return f"`{data.name}` {shape_text(data.shape, batch='batch')}"


def literal(text: str) -> str:
    """The user's own text as a template that stands for itself; empty where it can't be one."""
    return "" if "{}" in text else text


def is_written_out(text: str) -> bool:
    """Whether an argument is a list or tuple whose elements stand in the call."""
    try:
        return isinstance(ast.parse(text.strip(), mode="eval").body, ast.List | ast.Tuple)
    except SyntaxError:
        return False


def repaired(
    contract: Contract,
    *changes: tuple[str, str],
    does: str,
    item: int | None = None,
    written: str = "",
    safety: Safety = "choice",
) -> Repair:
    """A repair of arguments of the call: each by its name and a template with ``{}`` for what the user wrote.

    ``item``: which of several arrays, as it is ``written`` there.
    """
    steps = tuple(WrapData(name, template, item) for name, template in changes)
    texts = [filled(template, written or _text(contract, name)) for name, template in changes]
    values = {
        "method": contract.method,
        "arguments": ", ".join(dict.fromkeys(texts)),
        "does": say(f"fix.handed.does.{does}"),
    }
    return Repair(steps, safety, "handed", values, texts[0])


def _text(contract: Contract, name: str) -> str:
    given = contract.argument(name)
    return given.text if given else name


def same_rest(a: Shape, b: Shape) -> bool:
    """Whether two shapes agree behind the batch axis, an open axis with any size."""
    return len(a) == len(b) and all(m is None or n is None or m == n for m, n in zip(a[1:], b[1:], strict=True))
