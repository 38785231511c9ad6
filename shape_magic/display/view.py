"""``build_view``: a report as a view, the one thing that every display draws.

Widget, static HTML, terminal and figure read the same view, so they can't disagree. Pure: no
Keras, no IPython, nothing of the front end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shape_magic.display.cards import build_card, cell_names, numbered_fixes, tone
from shape_magic.display.disclosure import STEPS, Disclosure, told
from shape_magic.display.ladder import Ladder, build_ladder, change_of, glyph, labels_text
from shape_magic.display.parts import (
    ActionView,
    AxisCell,
    Card,
    Done,
    FixView,
    Fold,
    Item,
    ModelView,
    Row,
    Status,
    View,
    flatten,
    short,
    visible,
)
from shape_magic.facts import Model
from shape_magic.report import Report, Severity
from shape_magic.words import say, shape_text

__all__ = [
    "ActionView",
    "AxisCell",
    "Card",
    "Done",
    "FixView",
    "Fold",
    "Item",
    "ModelView",
    "Row",
    "View",
    "build_view",
    "cell_names",
    "change_of",
    "flatten",
    "glyph",
    "labels_text",
    "model_line",
    "numbered_fixes",
    "short",
    "visible",
]


def build_view(
    report: Report,
    done: Done | None = None,
    disclosures: Sequence[Disclosure] | None = None,
    *,
    lines_only: bool = False,
) -> View:
    """The report, ready to be drawn; ``done`` says what was just written into the notebook.

    ``disclosures`` say how much of each finding may be seen; None: all. Models of the same build with
    the same findings are shown once, with their number. ``lines_only``: of models that are right no more
    than their lines are wanted.
    """
    # Models are grouped by what was found, also by what is not told of it yet.
    full = (Disclosure(),) * len(report.diagnostics)
    given = full if disclosures is None else tuple(disclosures)
    seen = _Seen(report, told(report, given), given)
    free = [k for k, d in enumerate(report.diagnostics) if d.model is None or d.model >= len(report.models)]
    return View(
        models=tuple(_model_view(seen, members, done, lines_only=lines_only) for members in _alike(report)),
        cards=tuple(seen.card(k, None) for k in free),
        ok=report.ok,
        done=done,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A report, and how much of each of its findings may be seen."""

    whole: Report
    #: The report as it may be seen.
    report: Report
    disclosures: tuple[Disclosure, ...]

    def card(self, k: int, row: int | None) -> Card:
        """The card of finding ``k``, with the steps that were told and what asks for the next one."""
        card, disclosure = build_card(self.report, k, row), self.disclosures[k]
        if disclosure.mode != "hints":
            return card
        level, most = len(card.hints), len(self.whole.diagnostics[k].hints)
        following = {"k": level + 1, "n": most}
        return replace(
            card,
            steps=tuple(say(f"hint.step.{step}") for step in STEPS[:level]),
            next_hint=say("hint.next", **following) if level < most else "",
            ask_hint=say("hint.ask", **following) if level < most else "",
        )


def _findings(report: Report, index: int) -> list[int]:
    return [k for k, d in enumerate(report.diagnostics) if d.model == index]


def _alike(report: Report) -> list[list[int]]:
    """The models by their positions, those that are the same to a reader together: not their names count."""
    groups: dict[object, list[int]] = {}
    for index, model in enumerate(report.models):
        groups.setdefault(_build_of(report, index, model), []).append(index)
    found: list[list[int]] = []
    for members in groups.values():
        told: dict[object, list[int]] = {}
        for index in members:
            # What each layer does has to be put in words; a model like no other one needs none.
            said = tuple(call.summary for call in report.models[index].calls) if len(members) > 1 else ()
            told.setdefault(said, []).append(index)
        found += told.values()
    return sorted(found)


def _build_of(report: Report, index: int, model: Model) -> object:
    """What two models that are the same have in common: classes and shapes of their layers, labels, findings."""
    contract = model.contract
    return (
        model.kind,
        tuple(d.shape for d in model.inputs),
        tuple((c.class_name, c.inputs, c.output_shapes, len(c.path)) for c in model.calls),
        contract and (tuple(d.shape for d in contract.y), tuple(loss.name for loss in contract.losses)),
        tuple((d.rule, d.call, d.title) for d in map(report.diagnostics.__getitem__, _findings(report, index))),
    )


def _model_view(seen: _Seen, members: list[int], done: Done | None, *, lines_only: bool) -> ModelView:
    report = seen.report
    model = report.models[members[0]]
    found = _findings(report, members[0])
    findings = [report.diagnostics[k] for k in found]
    placed = [k for k in found if seen.disclosures[k].place]
    arrived = done.calls if done and done.model == model.name else ()
    is_wanted = found or not lines_only
    ladder = build_ladder(model, [report.diagnostics[k] for k in placed], arrived) if is_wanted else Ladder((), (), 0)
    rows = dict(zip(placed, ladder.opened_by, strict=True))
    cards = tuple(seen.card(k, rows.get(k)) for k in found)
    # Where the shapes end is where it breaks: such a ladder waits for the hint that names the place.
    tells_the_place = len(placed) < len(found) and any(not call.output_shapes for call in model.calls)
    return ModelView(
        title=_title(model, len(members)),
        line=model_line(model, [tone(d) for d in findings], len(members)),
        status=_worst([tone(d) for d in findings]),
        open=bool(findings),
        count=len(members),
        names=tuple(short(report.models[k].name) for k in members),
        items=() if tells_the_place else ladder.items,
        cards=cards,
        lanes=0 if tells_the_place else ladder.lanes,
    )


def _title(model: Model, count: int) -> str:
    name = short(model.name)
    return say("ui.times", name=name, n=count) if count > 1 else name


def model_line(model: Model, severities: Sequence[Severity], count: int = 1) -> str:
    """The one line for a model: ``"✓ model: (None, 8) → (None, 3) · fits y_train (60000,) · 34,826 params"``."""
    worst = _worst(severities)
    shapes = [" + ".join(shape_text(s) for s in side) for side in ([d.shape for d in model.inputs], model.outputs)]
    flow = say("ui.line.flow", x=shapes[0], y=shapes[1]) if all(shapes) else shapes[0]
    parts = [part for part in (flow, *_contract_parts(model, worst)) if part]
    parts.append(say("ui.params", n=model.params) if model.outputs or not model.calls else say("ui.line.open"))
    if worst != "ok":
        found = worst if len(severities) == 1 else "many"
        parts = [part for part in (flow, say(f"ui.line.found.{found}", n=len(severities))) if part]
    return say("ui.line.model", icon=say(f"ui.icon.{worst}"), name=_title(model, count), rest=" · ".join(parts))


def _worst(severities: Sequence[Severity]) -> Status:
    """The most serious of them, ``"ok"`` when there are none."""
    return min(severities, key=("error", "warning", "info").index, default="ok")


def _contract_parts(model: Model, worst: Status) -> list[str]:
    contract = model.contract
    if contract is None or worst != "ok" or not contract.y:
        return []
    names = " + ".join(f"{short(d.name)} {shape_text(d.shape)}" for d in contract.y)
    return [say("ui.line.fits", y=names)]
