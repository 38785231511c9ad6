"""What of shape_magic is measured, by the names that the benchmarks use."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any

from shape_magic import check_cell
from shape_magic.capture.session import Session
from shape_magic.facts import Given, Model
from shape_magic.report import Report
from shape_magic.spans import Shape
from shape_magic.trace.models import model_facts
from shape_magic.trace.reuse import forget
from shape_magic.trace.worker import apart

__all__ = ["check", "forget", "plain", "silent", "trace", "trace_of_code"]


def trace(model: Any, *inputs: Shape) -> Model:
    """The facts of a model; of a stack without an input, for this one."""
    return model_facts(Session(), model, {}, given=Given(inputs=inputs))


def trace_of_code(build: Callable[[], Any]) -> Model:
    """What a proof does: run the code that builds a model where no weight gets a value, and trace it."""
    return apart(lambda: trace(build()))


def check(source: str, names: dict[str, Any], **options: Any) -> Report:
    """A cell in a copy of the namespace, with what it prints kept away."""
    with silent():
        return check_cell(source, dict(names), **options)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Nothing is printed; for both sides alike."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def plain(source: str, names: dict[str, Any]) -> BaseException | None:
    """The same cell without shape_magic, to its end or to Keras' exception."""
    with silent():
        try:
            exec(compile(source, "<cell>", "exec"), dict(names))
        except Exception as error:  # noqa: BLE001 - where plain Keras stops is what is timed
            return error
    return None
