"""The watch over a running IPython: each cell runs as IPython runs it, and is checked as it goes."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from shape_magic.capture import hooks
from shape_magic.capture.session import Live, Session
from shape_magic.errors import shape_error
from shape_magic.interrupts import Deferred
from shape_magic.kernel.cards import Cards
from shape_magic.kernel.cells import CellFiles, cells_running, magic_line
from shape_magic.kernel.drawing import Drawing
from shape_magic.kernel.ondemand import OnDemand
from shape_magic.kernel.options import Options, parse, shape_given
from shape_magic.kernel.plans import Applied, Plans
from shape_magic.settings import ShapeMagic
from shape_magic.spans import CellId, Shape, Span
from shape_magic.untrusted import goes_on
from shape_magic.words import say

if TYPE_CHECKING:
    from shape_magic.checker import Checker
    from shape_magic.facts import Given
    from shape_magic.report import Diagnostic, Report

_LOG = logging.getLogger("shape_magic")


class Notebook:
    """Watches cells from ``pre_run_cell`` to ``post_run_cell``; keeps what was seen over cells."""

    def __init__(self, shell: Any, settings: ShapeMagic) -> None:
        self.shell = shell
        self.settings = settings
        self.session = Session()
        self.files = CellFiles(shell, self.session.book)
        self.last_report: Report | None = None
        #: Whether the last cell failed, the questions about it left out.
        self._last_failed = True
        self._is_question = False
        #: Where the cells run that are checked; a subshell runs others at the same time.
        self._thread = threading.get_ident()
        #: Between a cell's start and its end.
        self.running = False
        self._watching: OnDemand | None = None
        self._drawing: Drawing | None = None
        self._options = Options()
        #: What ``%shapecheck on`` was given: for every cell that has no line of its own.
        self.standing = Options()
        self._shown: set[tuple[str, int | None, str]] = set()
        self._nested = 0
        #: Whether a card was shown inside a nested cell, whose output may be captured.
        self._captured = False
        #: What was said of a live model already, so that it is not said again in the next cell.
        self._told: set[tuple[object, ...]] = set()
        self._cards = Cards()
        self.plans = Plans(self.session.book)
        self._done: Applied | None = None

    # -- events

    def pre_run_cell(self, info: Any) -> None:
        """A cell is about to run: note its text, and observe it if it is to be checked."""
        if threading.get_ident() != self._thread:
            return  # a subshell's, beside the running cell
        self.running = True
        if cells_running(self.shell) < 2:
            self._nested = 0  # whatever an interrupt has left of the last one
        self._is_question = str(info.raw_cell).lstrip().startswith("%shapecheck")
        if self._watching is not None and self._nested:
            self._nested += 1  # %%capture and its like run the body as a cell of its own
            return
        self._stop()
        raw = str(info.raw_cell)
        number = self._number()
        cell: CellId = getattr(info, "cell_id", None) or f"In[{number}]"
        self.files.enter(cell, raw, number)
        self.session.cell = cell
        self._done = self.plans.took_effect(cell)
        self._cards.begin(cell)
        line = magic_line(raw)
        if line is None and not self.settings.always:
            return
        try:
            self._options = self.standing if line is None else parse(line)
            if self._options.runs_the_cell:
                self._start()
        except UsageError:
            return  # the registered magic says what is wrong

    def post_run_cell(self, result: Any) -> None:
        """A cell has ended: take the hooks out and say what there is to say."""
        if threading.get_ident() != self._thread:
            return
        try:
            self._end(result)
        except KeyboardInterrupt as error:
            self._stop()
            self.session.end_cell()
            self._done = None
            self._interrupted(result, error)

    def settle(self, result: Any) -> None:
        """An event of its own after ``post_run_cell``: an interrupt may have struck before that had begun."""
        if threading.get_ident() == self._thread and not cells_running(self.shell):
            self._stop()
            self.running = False

    def _end(self, result: Any) -> None:
        self._nested = max(self._nested - 1, 0) if cells_running(self.shell) else 0
        self.running = self._nested > 0
        if not self._is_question:
            failed = (getattr(result, part, None) for part in ("error_in_exec", "error_before_exec"))
            self._last_failed = any(error is not None for error in failed)
        if self._watching is None or self._nested:
            return
        watching = self._watching
        self._stop()
        if self._captured:
            self._shown.clear()  # %%capture kept the card to itself: it is shown again
        try:
            with _contained():
                self._finish(watching, getattr(result, "error_in_exec", None))
        finally:
            self.session.end_cell()
            self._done = None

    def _interrupted(self, result: Any, error: KeyboardInterrupt) -> None:
        """The check at a cell's end was interrupted: the cell counts as interrupted, so that Run All stops."""
        if result is None or result.error_in_exec is not None or result.error_before_exec is not None:
            return
        error._render_traceback_ = lambda: [say("magic.interrupted")]  # type: ignore[attr-defined]
        result.error_in_exec = error
        self.shell.showtraceback((type(error), error, None))

    def _number(self) -> int:
        """The running cell's number: the history grows only after this event."""
        return max(len(self.shell.history_manager.input_hist_raw), 1)

    def _start(self) -> None:
        options = self._options
        # A name in the options is the array that it is now; one that is gone raises here.
        inputs, targets = self._shapes(options.inputs), self._shapes(options.targets)

        def checker() -> Checker:
            from shape_magic.checker import Checker

            given = self._given(inputs, targets, options.loss)
            dry_run = options.no_train
            return Checker(self.session, self.shell.user_ns, dry_run=dry_run, given=given, on_found=self._found)

        self._shown.clear()
        self._captured = False
        self.session.end_cell()
        self._watching = OnDemand(self.session, checker)
        self._nested = 1
        self._drawing = Drawing(self.shell, self._before_drawn)
        hooks.start(self._watching)

    def _stop(self) -> None:
        # In this order: whoever comes here again after an interrupt does what is not done.
        if self._watching is not None:
            hooks.stop(self._watching)
        if self._drawing is not None:
            self._drawing.end()
        self._watching = self._drawing = None
        self._nested = 0

    def _before_drawn(self, error: BaseException | None) -> None:
        """IPython is about to draw an exception of the cell: where a constructor has ended it, the card comes first."""
        if threading.get_ident() != self._thread or self._nested != 1 or self._watching is None or self._shown:
            return
        if error is None or self.session.making is None or _is_interrupt(error):
            return
        from shape_magic.kernel.lines import one_line

        with _contained():
            if not self._watching.checker.note_unmade(error):
                return
            report = self._checked(self._watching.checker)
            if report.diagnostics:
                self._show_new(report)
                one_line(error, report)

    def run_nested(self, cell: str) -> Any:
        """Run a cell inside the running one, observed as a cell of its own."""
        nested, self._nested = self._nested, 0
        silence = Drawing(self.shell, None)  # the running cell shows it, once
        try:
            return self.shell.run_cell(cell, store_history=False)
        finally:
            with Deferred():
                silence.end()
                self._nested = nested
                self.running = True

    def close(self) -> None:
        """End the watch."""
        self._stop()

    def given(self) -> Given:
        """What the options and the settings say beside the code, and the memory that there is now."""
        options = self._options
        return self._given(self._shapes(options.inputs), self._shapes(options.targets), options.loss)

    def _given(self, inputs: tuple[Shape, ...], targets: tuple[Shape, ...], loss: str | None) -> Given:
        from shape_magic.facts import Given
        from shape_magic.trace.memory import available

        limit = int(self.settings.memory_budget)
        return Given(inputs, targets, loss, budget=limit or available(), budget_is_set=bool(limit))

    def _shapes(self, words: tuple[str, ...]) -> tuple[Shape, ...]:
        return tuple(shape_given(word, self.shell.user_ns) for word in words)

    # -- findings

    def _found(self, checker: Checker, fails: bool, error: BaseException | None) -> None:
        """A call can't work, or should not run unseen: show it now, above what it would print."""
        from shape_magic.kernel.lines import keras_type, one_line, stopped_line

        report = self._checked(checker)
        self._show_new(report)
        strict = self._options.strict or self.settings.strict
        if error is not None:
            if report.diagnostics:
                one_line(error, report)
            return
        stops = fails or (strict and not report.ok)
        if stops and self.settings.raise_errors and not self._options.no_raise:
            raise shape_error(stopped_line(report), keras_type(report))

    def _finish(self, watching: OnDemand, error: BaseException | None) -> None:
        failed = error is not None
        if _is_interrupt(error) or (failed and self._shown):
            return  # who interrupts wants the kernel back, not another look
        cell = self.session.book.cells[self.session.cell]  # type: ignore[index]
        watching.end()
        if self._done is not None and not self.session.has_something:
            self._note_mended(self._done.done.model)
        known = self.session.has_something or self._shown
        report = self._checked(watching.checker) if known else None
        if report is None or not (report.models or self._shown):
            if magic_line(cell.source) is not None and not failed:
                print(say("magic.gave_up" if self.session.gave_up else "magic.nothing"))
            return
        # Layers that are in no model are those of this run of the cell.
        made = [t.number for t in self.session.current] or [-cell.order]
        told = {(number, d.rule, d.message, d.span and d.span.cell) for number in made for d in report.diagnostics}
        if report.diagnostics and told <= self._told and self._done is None:
            return  # said when the model was made; nothing that this cell did changes it
        self._told |= told
        if report.models and (not self._shown or not self._known(report)):
            self._show_new(report)

    def _note_mended(self, name: str) -> None:
        """Count the model of a fix that has just been written as used by its cell, which may only hold its answers."""
        held = self.shell.user_ns.get(name)
        if held is not None and self.session.tracked.get(held) is not None:
            self.session.note_model(held, None)

    def _known(self, report: Report) -> bool:
        return all(_identity(d) in self._shown for d in report.diagnostics)

    def _checked(self, checker: Checker) -> Report:
        """What is known of the running cell, as a report whose fixes edit this notebook's cells."""
        from shape_magic.pipeline import build_report

        facts, live = checker.known()
        return build_report(self.session, facts, self.shell.user_ns, checker.given, live, checker.diagnose(facts))

    def _show_new(self, report: Report) -> None:
        if report.diagnostics and self._known(report):
            return
        self._shown |= {_identity(d) for d in report.diagnostics} or {("", None, "")}
        self._captured = self._captured or self._nested > 1
        self.show(report)

    def show(self, report: Report, *, static: bool = False) -> None:
        """Display a report and keep it for ``--fix`` and for bare ``%shapecheck``."""
        from shape_magic.kernel.front import show

        self.last_report = report
        text_only = static or self._options.static or self.settings.static
        widget = show(self.shell, report, self.plans.note, static=text_only, last=self._done)
        numbers = {tracked.number for tracked in self.session.current}
        if not report.ok:
            from shape_magic.kernel.planner import Planner

            # A question that was asked where the model was made gets its answer there too; what a cell does with its
            # answers is said there alone.
            of_model = any(d.place != "code" for d in report.diagnostics)
            for card in self._cards.of(numbers if of_model else ()):
                card.update(report, planner=Planner(report, self.plans.note))
        if widget is not None:
            self._cards.note(widget, self.session.cell, numbers)

    # -- hints

    def next_hint(self) -> str:
        """One step more of the last report's first finding that has one left; raises ``UsageError`` where none has.

        When all was told, the last step once more.
        """
        from shape_magic.display.disclosure import mode, tell_next
        from shape_magic.kernel.lines import hint_line

        if mode() == "off":
            raise UsageError(say("hint.off"))
        report = self.last_report if self.last_report is not None else self.explain()
        if report is None or not report.diagnostics:
            raise UsageError(say("hint.nothing"))
        self.last_report = report
        position = next((k for k in range(len(report.diagnostics)) if tell_next(report, k)), None)
        for card in self._cards:
            card.refresh()
        line = hint_line(report, position if position is not None else len(report.diagnostics) - 1)
        return line if position is not None else say("hint.last", line=line)

    # -- after a crash

    def explain(self) -> Report | None:
        """The last failure, from the saved cells and the live objects; None when there is nothing to look at."""
        if not self._last_failed:
            return self._live_models()
        if self.last_report is not None and not self.last_report.ok:
            return self.last_report
        from shape_magic.repair.effects import Impure
        from shape_magic.repair.replay import replay
        from shape_magic.repair.slices import slice_for

        for number in range(1, int(self.shell.execution_count)):
            self.files.remember(number)
        span = self._failed_at()
        cells = [(c.id, c.source) for c in sorted(self.session.book.cells.values(), key=lambda c: c.order)]
        if span is not None:
            part = slice_for(cells, [span], self.shell.user_ns)
            if not isinstance(part, Impure):
                seen = replay(part, cells, self.shell.user_ns, self.given())
                for cell in self.session.book.cells.values():
                    seen.session.book.cells[cell.id].label = cell.label
                if seen.facts.models:
                    from shape_magic.pipeline import build_report

                    return build_report(seen.session, seen.facts, self.shell.user_ns, self.given())
        return self._live_models()

    def _failed_at(self) -> Span | None:
        tb = getattr(sys.last_value, "__traceback__", None) if hasattr(sys, "last_value") else None
        span = None
        while tb is not None:
            filename = tb.tb_frame.f_code.co_filename
            if filename in self.shell.compile._filename_map:
                self.files.find(filename)
                span = span or self.session.book.span_at(tb.tb_frame.f_code, tb.tb_lasti)
            tb = tb.tb_next
        return span

    def _live_models(self) -> Report | None:
        from shape_magic.facts import Facts
        from shape_magic.pipeline import build_report
        from shape_magic.trace.models import model_facts

        keras = sys.modules.get("keras")
        if keras is None:
            return None
        names = {
            k: v for k, v in self.shell.user_ns.items() if not k.startswith("_") and issubclass(type(v), keras.Model)
        }
        models = list({id(m): m for m in names.values()}.values())
        facts = tuple(model_facts(self.session, m, self.shell.user_ns) for m in models)
        live = [Live(m, None, self.session.tracked.get(m)) for m in models]
        return build_report(self.session, Facts(facts), self.shell.user_ns, self.given(), live) if facts else None


def _identity(diagnostic: Diagnostic) -> tuple[str, int | None, str]:
    return diagnostic.rule, diagnostic.model, diagnostic.message


@contextmanager
def _contained() -> Iterator[None]:
    """A defect of a check never takes the cell's own result away; in the tests it is raised."""
    try:
        yield
    except BaseException as error:
        if goes_on(error):
            raise
        _LOG.exception("the check of this cell could not be finished")
        if os.environ.get("SHAPE_MAGIC_STRICT") == "1":
            raise


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether the cell was interrupted; one that awaits something is cancelled."""
    asyncio = sys.modules.get("asyncio")  # where it is not imported, nothing is cancelled
    return isinstance(error, KeyboardInterrupt) or (asyncio is not None and isinstance(error, asyncio.CancelledError))
