"""The doors for programs: ``check``, ``check_cell`` and ``check_cells`` give the same Report as the magic."""

from __future__ import annotations

import ast
import asyncio
import contextvars
import inspect
import itertools
import linecache
import re
import weakref
from collections import deque
from collections.abc import Coroutine, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import CodeType, TracebackType
from typing import Any

from shape_magic.backend import require_keras
from shape_magic.capture.blame import is_users_own
from shape_magic.capture.book import Book
from shape_magic.capture.hooks import observing
from shape_magic.capture.session import Live, Session, Tracked, Use
from shape_magic.checker import Checker, Halt
from shape_magic.errors import ShapeMagicError, UsageError
from shape_magic.facts import Facts, Given
from shape_magic.pipeline import build_report
from shape_magic.report import Report
from shape_magic.source.cells import mask, parse
from shape_magic.spans import Shape, Span
from shape_magic.trace.memory import available
from shape_magic.trace.models import Shaped, model_facts
from shape_magic.trace.unmade import unbound_call
from shape_magic.untrusted import module_of, readable
from shape_magic.words import say

_numbers = itertools.count(1)
#: Where Keras reads and writes models.
_SAVING = re.compile(r"[/\\]keras[/\\]src[/\\]saving[/\\]")


def check(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    loss: Any = None,
    memory_budget: int | None = None,
    names: tuple[str, ...] = (),
    namespace: dict[str, Any] | None = None,
    session: Session | None = None,
) -> Report:
    """Check a Keras model against its data, its loss and its labels; nothing of it is changed or run.

    ``x`` and ``y`` are arrays, or shapes with the batch axis (``(None, 28, 28, 1)``). ``loss``
    stands for the compiled one. ``names`` are what the model, x and y are called in messages;
    ``namespace`` and ``session`` are the notebook's, for places in its cells. Raises ``UsageError``
    for what is no Keras 3 model.
    """
    require_keras()
    _require_model(model)
    watched = session or Session()
    given = Given(inputs=(x,) if _is_shape(x) else (), **_budget(memory_budget))
    use = None
    if x is not None or y is not None:
        texts = dict(zip(("x", "y"), (*names[1:], "x", "y")[:2], strict=False)) if names else {}
        arguments = {"x": readable(_as_data(x)), "y": readable(_as_data(y))}
        use = Use(model, "fit" if y is not None else "predict", arguments, None, texts, real=False)
    compiled = {"loss": loss} if loss is not None else None
    facts = model_facts(watched, model, namespace or {}, use=use, given=given, compiled=compiled)
    if names:
        facts = replace(facts, name=names[0])
    tracked = watched.tracked.get(model)
    if compiled is not None:
        tracked = Tracked(0, weakref.ref(model), None, compiled=compiled)
    live = [Live(model, use, tracked)]
    return build_report(watched, Facts((facts,)), namespace or {}, given, live)


def check_cell(source: str, namespace: MutableMapping[str, Any] | None = None, **options: Any) -> Report:
    """Run one cell in ``namespace`` and check it; the same as ``check_cells([source], …)``."""
    return check_cells([source], namespace, **options)


def check_cells(
    sources: Sequence[str],
    namespace: MutableMapping[str, Any] | None = None,
    *,
    dry_run: bool = False,
    x: Shape | None = None,
    y: Shape | None = None,
    loss: str | None = None,
    memory_budget: int | None = None,
) -> Report:
    """Run cells one after another in ``namespace``, as a notebook would, and check their models.

    With ``dry_run`` every call that trains, evaluates or predicts is checked and answered by a
    stand-in, and the run ends at the first error. ``%`` and ``!`` lines are passed over. The
    user's own errors (a NameError) are raised unchanged.
    """
    require_keras()
    ns: dict[str, Any] = namespace if isinstance(namespace, dict) else dict(namespace or {})
    ns.setdefault("__name__", "__main__")  # as in a notebook; classes and functions take their module from it
    session = Session(book=Book())
    given = Given(
        inputs=(tuple(x),) if x is not None else (),
        targets=(tuple(y),) if y is not None else (),
        loss=loss,
        **_budget(memory_budget),
    )
    checker = Checker(session, ns, dry_run=dry_run, given=given)
    run = next(_numbers)
    codes: list[CodeType] = []
    for number, source in enumerate(sources):
        filename = f"<shape_magic run {run} cell {number}>"
        session.book.add(number, source, f"{say('ui.cell.one')} {number + 1}", filename)
        _keep_text_of(filename)
        codes.append(_compiled(source, filename))
    observed = observing(checker)
    try:
        with observed:
            for number, code in enumerate(codes):
                session.cell = number
                if not _run(code, ns, checker):
                    break
    finally:
        observed.stop()  # once more: an interrupt may have come before the first line of the first
    facts, live = checker.known()
    return build_report(session, facts, ns, given, live, checker.diagnose(facts))


def _compiled(source: str, filename: str) -> CodeType:
    tree = parse(source)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    # What does not parse is compiled as text, for Python's own SyntaxError.
    code: CodeType = compile(tree if tree is not None else mask(source), filename, "exec", flags, dont_inherit=True)
    return code


def _keep_text_of(filename: str) -> None:
    """Let the text of the oldest cell go from ``linecache``, where there are many."""
    _texts.append(filename)
    while len(_texts) > _MOST_TEXTS:
        linecache.cache.pop(_texts.popleft(), None)


#: The file names of the cells whose text tracebacks and TensorFlow's AutoGraph find.
_texts: deque[str] = deque()
_MOST_TEXTS = 256


def _run(code: CodeType, namespace: dict[str, Any], checker: Checker) -> bool:
    """Run a cell; False when the run ends here."""
    try:
        result = eval(code, namespace)
        if inspect.iscoroutine(result):
            _awaited(result)
    except Halt:
        return False
    except (NameError, SyntaxError, ImportError):
        raise
    except ShapeMagicError:
        return False
    except Exception as error:
        if checker.caused(error):
            return False
        unbound = unbound_call(checker.session, error)
        place = unbound.span if unbound is not None else _keras_place(error, checker)
        if place is not None and (unbound is not None or not is_users_own(error)):
            checker.note_failure(error, place)
            return False
        if checker.stood_in:
            return False  # an exception that only a stand-in's zeros bring about: not reached
        raise
    return True


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a cell's top-level ``await`` to its end; beside a running loop (in a notebook) in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(coroutine)
        return
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(context.run, asyncio.run, coroutine).result()


def _keras_place(error: Exception, checker: Checker) -> Span | None:
    """The user's line, if the exception came out of Keras, and not out of the user's own code or for want of a file."""
    span, inside = None, False
    tb: TracebackType | None = error.__traceback__
    while tb is not None:
        filename = tb.tb_frame.f_code.co_filename
        known = checker.session.book.span_at(tb.tb_frame.f_code, tb.tb_lasti)
        if known is not None:
            span, inside = known, False
        elif any(part in filename for part in ("/keras/", "/tensorflow/", "\\keras\\")):
            inside = _SAVING.search(filename) is None
        tb = tb.tb_next
    return span if inside else None


def _is_shape(value: Any) -> bool:
    return issubclass(type(value), tuple) and bool(value) and all(d is None or type(d) is int for d in value)


def _as_data(value: Any) -> Any:
    return Shaped(value) if _is_shape(value) else value


def _budget(limit: int | None) -> dict[str, Any]:
    return {"budget": available() if limit is None else limit, "budget_is_set": limit is not None}


def _require_model(model: Any) -> None:
    import keras

    if issubclass(type(model), keras.Model):
        return
    root = module_of(type(model)).split(".")[0]
    if root == "tf_keras" or "tf_keras" in str(type(model).__mro__):
        raise UsageError(say("usage.old_keras"))
    raise UsageError(say("usage.no_model", kind=type(model).__name__))


__all__ = ["check", "check_cell", "check_cells"]
