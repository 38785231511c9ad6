"""Repairs as before and after: «Dense(10)» is a layer's constructor, ‹model.add(d)› where it enters the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shape_magic.facts import Call, Contract, Data, Model
from shape_magic.repair.steps import Step
from shape_magic.source.cells import apply_edits, parse, span_from_offsets
from shape_magic.source.writer import Refused, write
from shape_magic.spans import CellId, Span

_OPEN, _CLOSE = "«‹⟦⟪", "»›⟧⟫"


@dataclass(frozen=True)
class Marked:
    """A cell without its marks, and the spans that they stood around."""

    source: str
    #: By kind of mark, in the order in which they open.
    spans: dict[str, list[Span]]


def marked(text: str, cell: int = 0) -> Marked:
    """Read the marks: « » constructor, ‹ › place, ⟦ ⟧ the call of fit, ⟪ ⟫ the call of compile."""
    source, opened = "", []
    spans: dict[str, list[tuple[int, int]]] = {mark: [] for mark in _OPEN}
    for character in text:
        if character in _OPEN:
            opened.append((character, len(source), len(spans[character])))
            spans[character].append((0, 0))
        elif character in _CLOSE:
            mark, start, place = opened.pop()
            spans[mark][place] = (start, len(source))
        else:
            source += character
    found = {mark: [span_from_offsets(source, *place, cell) for place in places] for mark, places in spans.items()}
    return Marked(source, found)


def model_of(
    cells: Sequence[Marked],
    *,
    kind: Literal["Sequential", "Functional", "Model"] = "Sequential",
    method: str = "fit",
    classes: Sequence[str] = (),
    repeats: int = 0,
    exact: bool = True,
) -> Model:
    """A model with a call per constructor; the last constructor's layers come ``repeats`` times more."""
    places = [span for cell in cells for span in cell.spans["‹"]]
    calls: list[Call] = []
    for cell in cells:
        for span in cell.spans["«"]:
            text = _text(cell.source, span)
            name = re.split(r"\W", text.partition("(")[0])[-1]
            number = len(calls)
            class_name = classes[number] if number < len(classes) else name
            around = [place for place in places if _within(span, place)]
            calls.append(_call(number, class_name, span, around[-1] if around else None, exact=exact))
    free = [place for place in places if not any(call.placed == place for call in calls)]
    homeless = [call for call in calls if call.placed is None]
    for call, place in zip(homeless, free, strict=False):
        calls[call.call] = replace(call, placed=place)
    for _ in range(repeats):
        number = len(calls)
        calls.append(replace(calls[-1], call=number, layer=f"layer_{number}", path=(f"layer_{number}",)))
    fits = [span for cell in cells for span in cell.spans["⟦"]]
    compiles = [span for cell in cells for span in cell.spans["⟪"]]
    data = (Data("x_train", (None, 28, 28), "float32"),)
    contract = Contract(
        method, data, (), ((None, 10),), (), (), fits[0] if fits else None, compiles[0] if compiles else None
    )
    return Model("model", "sequential", kind, 0, 0, data, tuple(calls), ((None, 10),), None, contract)


def written(
    before: str | Sequence[str],
    *steps: Step,
    bound: Sequence[str] = (),
    kind: Literal["Sequential", "Functional", "Model"] = "Sequential",
    method: str = "fit",
    classes: Sequence[str] = (),
    repeats: int = 0,
    exact: bool = True,
) -> list[str] | Refused:
    """The cells after a repair."""
    texts = [before] if isinstance(before, str) else before
    cells = [marked(text, number) for number, text in enumerate(texts)]
    model = model_of(cells, kind=kind, method=method, classes=classes, repeats=repeats, exact=exact)
    sources: dict[CellId, str] = {number: cell.source for number, cell in enumerate(cells)}
    edits = write(steps, model, sources, lambda name, full: full in bound and name == full.rpartition(".")[2])
    if isinstance(edits, Refused):
        return edits
    return [apply_edits(text, [e for e in edits if e.span.cell == number]) for number, text in sources.items()]


def assert_written(before: str | Sequence[str], after: str | Sequence[str], *steps: Step, **options: object) -> None:
    """The repair of ``before`` is exactly ``after``, and Python can read it."""
    outcome = written(before, *steps, **options)  # type: ignore[arg-type]
    assert not isinstance(outcome, Refused), outcome.why
    assert outcome == ([after] if isinstance(after, str) else list(after))
    assert all(parse(text) is not None for text in outcome)


def assert_refused(before: str | Sequence[str], why: str, *steps: Step, **options: object) -> None:
    """The repair is refused, and the reason says this."""
    outcome = written(before, *steps, **options)  # type: ignore[arg-type]
    assert isinstance(outcome, Refused), outcome
    assert why in outcome.why


def _call(number: int, class_name: str, span: Span, placed: Span | None, *, exact: bool) -> Call:
    layer = f"layer_{number}"
    inputs = (number - 1,)
    return Call(
        call=number,
        index=number,
        layer=layer,
        class_name=class_name,
        path=(layer,),
        inputs=inputs,
        arguments={},
        input_shapes=(),
        output_shapes=(),
        input_axes=(),
        output_axes=(),
        params=0,
        bytes=0,
        span=span,
        placed=placed,
        exact=exact,
        bases=(class_name, "Model") if class_name in ("Functional", "Sequential") else (class_name,),
    )


def _text(source: str, span: Span) -> str:
    lines = source.replace("\r\n", "\n").split("\n")
    if span.start_line == span.end_line:
        return lines[span.start_line - 1][span.start_col : span.end_col]
    return lines[span.start_line - 1][span.start_col :]


def _within(inner: Span, outer: Span) -> bool:
    starts = (outer.start_line, outer.start_col) <= (inner.start_line, inner.start_col)
    ends = (inner.end_line, inner.end_col) <= (outer.end_line, outer.end_col)
    return inner.cell == outer.cell and starts and ends
