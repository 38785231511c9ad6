"""Every fix that is offered, applied to the source and run by plain Keras."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator

from shape_magic.kernel.planner import Planner
from shape_magic.report import Diagnostic, Fix, Report
from shape_magic.source.cells import mask
from shape_magic.spans import Edit
from tests.differential.truth import Outcome, run, step
from tests.differential.verdicts import Disagreement, checked


def offered(report: Report) -> Iterator[tuple[int, int, Diagnostic, Fix]]:
    """Each fix with its finding, and the numbers of both."""
    for k, diagnostic in enumerate(report.diagnostics):
        for n, fix in enumerate(diagnostic.fixes):
            yield k, n, diagnostic, fix


def unsound(source: str, report: Report, *, exact: bool = False) -> Iterator[Disagreement]:
    """What is wrong with the fixes of a cell's report."""
    for k, n, diagnostic, fix in offered(report):
        for why in _unsound(source, report, (k, n), diagnostic, fix, exact=exact):
            yield Disagreement("unsound", f"{diagnostic.rule} → {fix.title}: {why}")


def _unsound(
    source: str, report: Report, number: tuple[int, int], diagnostic: Diagnostic, fix: Fix, *, exact: bool
) -> Iterator[str]:
    if fix.source is None:
        if fix.edits or fix.rerun or not fix.snippet:
            yield "neither a source nor a snippet"
        return
    yield from _text(source, fix)
    yield from _plan(source, report, number, fix)
    after = checked(fix.source).report
    if isinstance(after, Exception):
        yield f"checked again, it raises {type(after).__name__}: {after}"
        return
    with step(fix.source, exact=exact):
        outcome = run(mask(fix.source))
    if outcome.error is not None:
        if fix.verified:
            yield f"verified, and raises {outcome.raised}"
        elif fix.complete:
            yield f"complete, and raises {outcome.raised}"
    elif outcome.error is None and fix.verified:
        found = report.models[diagnostic.model] if diagnostic.model is not None else None
        yield from _effect(outcome, fix, found.keras_name if found is not None else "")
    yield from _again(report, after, diagnostic, fix)


def _text(source: str, fix: Fix) -> Iterator[str]:
    """It parses, and what stands outside the edits is what it was."""
    assert fix.source is not None
    try:
        ast.parse(mask(fix.source))
    except SyntaxError as error:
        yield f"it does not parse: {error}"
        return
    if fix.source == source:
        yield "it changes nothing"
    if _spliced(source, fix.edits) != fix.source:
        yield "its source is not what its edits make"
    lost = _comments(source) - _comments(fix.source)
    if lost and lost.total() > sum({"-": 1, "+": -1}.get(sign, 0) for sign, _ in fix.diff):
        yield f"it loses {dict(lost)}, and not with a line that goes"


def _spliced(source: str, edits: tuple[Edit, ...]) -> str:
    """The source after the edits, worked out by itself: lines from 1, columns from 0, in code points."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places = [
        (starts[e.span.start_line - 1] + e.span.start_col, starts[e.span.end_line - 1] + e.span.end_col, i, e.text)
        for i, e in enumerate(edits)
    ]
    for start, end, _, text in sorted(places, reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _comments(source: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(mask(source)).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)


def _plan(source: str, report: Report, number: tuple[int, int], fix: Fix) -> Iterator[str]:
    """A pressed button hands out the checked text with the new one: a cell with any other text is left alone."""
    plan = Planner(report, lambda _: None)({"fix": "{}.{}".format(*number), "mode": "edit"})
    if plan.get("edits") != [{"cell": 0, "before": source, "after": fix.source}]:
        yield f"the plan is {plan}"


def _effect(outcome: Outcome, fix: Fix, found_in: str) -> Iterator[str]:
    """The model becomes what was promised; layers outside of any model have no such shape to compare."""
    model = outcome.model
    if model is None or fix.effect is None or not model.built or model.name != found_in:
        return
    if fix.effect.params != model.count_params():
        yield f"{model.count_params()} parameters, promised {fix.effect.params}"
    shape, promised = getattr(model, "output_shape", None), fix.effect.output_shape
    if promised is not None and isinstance(shape, tuple) and tuple(shape[1:]) != promised[1:]:
        yield f"output {shape}, promised {promised}"


def _again(report: Report, after: Report, before: Diagnostic, fix: Fix) -> Iterator[str]:
    """Checked again, the spot is quiet."""
    serious = [d for d in after.diagnostics if d.severity != "info"]
    of_model = [d for d in serious if d.model == before.model]
    if fix.complete and of_model:
        yield f"complete, and then comes {of_model[0].rule}: {of_model[0].message}"
    if fix.verified and any(d.severity == "error" for d in serious):
        yield f"verified, and then comes {next(d for d in serious if d.severity == 'error').rule}"
    if any(d.rule == before.rule and d.call == before.call and d.message == before.message for d in serious):
        yield "the finding is still there"
