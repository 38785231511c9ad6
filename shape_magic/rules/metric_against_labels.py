"""A metric that can't compare the output with the labels, or that counts something else in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Contract, Data, Facts, LossFacts, Model
from shape_magic.repair.steps import Repair, SetCompile, Step, WrapData
from shape_magic.repair.templates import filled
from shape_magic.rules.agreement import Pair, pairs
from shape_magic.rules.crossings import row_against_column
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.fitting import REGRESSION
from shape_magic.rules.heads import fits, head_of
from shape_magic.rules.label_repairs import repairs_for
from shape_magic.rules.metric_cures import (
    ARGMAX,
    NUMBERS,
    OVERLAP,
    SPARSE_KINDS,
    UNSQUEEZED,
    Cure,
    has_class_numbers,
    metric_cure,
)
from shape_magic.rules.mismatch import Mismatch, is_beyond
from shape_magic.rules.widths import end_of
from shape_magic.words import say, shape_text


@dataclass(frozen=True, slots=True)
class Misread:
    """A metric, its place in the list, and what is wrong with it."""

    at: int
    metric: LossFacts
    variant: str


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first metric that fails, else for the first that counts something else."""
    contract = model.contract
    if contract is None:
        return
    own = [] if contract.own_step else [m for m in contract.metrics if m.crossings]
    if own:
        yield row_against_column(contract, own, variant="table-of-pairs", role="metric", item=own[0].item)
        return
    pair = _pair(contract)
    if pair is None:
        return
    if not fits(pair):
        yield from _beside_labels(model, contract, pair)
        return
    found = [
        Misread(i, m, variant)
        for i, m in enumerate(contract.metrics)
        if (variant := _variant(model, pair, m)) is not None
    ]
    if found:
        one = next((f for f in found if f.variant == "refused"), found[0])
        yield _finding(contract, pair, one, tuple(_repairs(model, contract, pair, found)))


def _beside_labels(model: Model, contract: Contract, pair: Pair) -> Iterator[Finding]:
    """A metric that stops what the loss would compute on labels that don't belong to the output: mended with them."""
    refused = next((i for i, m in enumerate(contract.metrics) if m.failure is not None), None)
    if refused is None or pair.loss.failure is not None or is_beyond(pair):
        return
    found = Misread(refused, contract.metrics[refused], variant="labels")
    yield _finding(contract, pair, found, repairs_for(Mismatch(model, pair, end_of(model, pair.item))))


def _finding(contract: Contract, pair: Pair, one: Misread, repairs: tuple[Repair, ...]) -> Finding:
    return Finding(
        severity="error" if one.variant in {"refused", "labels"} else "warning",
        variant=one.variant,
        topic="metric",
        call=None,
        values=_values(contract, pair, one.metric),
        repairs=repairs,
        expected=pair.output,
        actual=pair.labels.shape,
        keras_message=one.metric.failure.message if one.metric.failure else None,
        span=contract.compile_span or contract.span,
        related=((contract.span, "use"),),
    )


def _pair(contract: Contract | None) -> Pair | None:
    """The one output and its labels, where it is known what the loss makes of them."""
    found = pairs(contract)
    if contract is None or contract.own_step or len(found) != 1:
        return None
    return found[0] if found[0].loss.known else None


def _variant(model: Model, pair: Pair, metric: LossFacts) -> str | None:
    kind, width = metric.kind, pair.output[-1]
    if metric.failure is not None or _lacks_unit(pair, metric):
        return "refused"
    if len(pair.output) < 2 or width is None or not kind:
        return None
    if kind == "Accuracy":
        return "exact-match"
    if width == 1:
        return _variant_of_one_unit(model, pair, metric)
    if has_class_numbers(pair) and _compares_rows(metric):
        return "class-numbers"
    if kind in SPARSE_KINDS and not has_class_numbers(pair):
        return "one-hot-rows"
    if kind in OVERLAP and _compares_rows(metric):
        return "cut-to-zero"
    head = head_of(model)
    over_classes = head is not None and head.activation == "softmax" and width > 2
    return "threshold-over-classes" if kind == "BinaryAccuracy" and over_classes else None


def _variant_of_one_unit(model: Model, pair: Pair, metric: LossFacts) -> str | None:
    kind, facts = metric.kind, pair.labels.facts
    if kind in ARGMAX and metric.arguments.get("threshold") is None:
        return "argmax-of-one"
    if kind in UNSQUEEZED and len(pair.labels.shape) == len(pair.output) - 1:
        return "every-pair"
    head = head_of(model)
    if kind in OVERLAP and head is not None and head.activation in {"sigmoid", "hard_sigmoid"}:
        return "cut-to-zero"
    amounts = facts is not None and facts.finite and not facts.integer and pair.loss.name in REGRESSION
    open_ended = head is not None and head.activation in {"linear", "relu"}
    return "accuracy-of-amounts" if kind in {"accuracy", "BinaryAccuracy"} and amounts and open_ended else None


def _lacks_unit(pair: Pair, metric: LossFacts) -> bool:
    """Whether there is no unit for a class number that the metric looks up: TensorFlow's kernel stops there."""
    facts, units = pair.labels.facts, pair.output[-1]
    if metric.kind != "SparseCategoricalCrossentropy" or facts is None or units is None:
        return False
    return facts.min < 0 or facts.max >= units


def _compares_rows(metric: LossFacts) -> bool:
    """Whether it compares the output's rows with rows, and not with class numbers."""
    if metric.kind in OVERLAP:
        return bool(metric.arguments.get("sparse_y_pred", True))
    return metric.kind in NUMBERS and metric.kind not in SPARSE_KINDS


def _values(contract: Contract, pair: Pair, metric: LossFacts) -> dict[str, object]:
    return {
        "metric": metric.text.strip("'\"") or metric.name,
        "line": contract.compile_span.start_line if contract.compile_span else None,
        "output": shape_text(pair.output, batch="batch"),
        "units": pair.output[-1],
        "labels": pair.labels.name,
        "labels_shape": shape_text(pair.labels.shape, batch="batch"),
        "loss": pair.loss.name,
        "method": contract.method,
    }


def _repairs(model: Model, contract: Contract, pair: Pair, found: list[Misread]) -> Iterator[Repair]:
    """Every metric of the list put right at once: of two that are wrong alike one repair would leave the other."""
    wrong = {f.at: f.variant for f in found}
    for rows in (False, True):
        cures = [metric_cure(pair, m, wrong.get(i), rows=rows) for i, m in enumerate(contract.metrics)]
        if any(cure is None for cure in cures):
            continue
        yield from _written(contract, pair, [cure for cure in cures if cure is not None], rows=rows)


def _written(contract: Contract, pair: Pair, cures: list[Cure], *, rows: bool) -> Iterator[Repair]:
    metrics = [cure.text for cure in cures]
    before = [m.text for m in contract.metrics]
    steps: list[Step] = []
    parts: list[str] = []
    if metrics != before:
        if not all(metrics):
            return
        steps.append(SetCompile("metrics", f"[{', '.join(metrics)}]"))
        new = [text for text in metrics if text not in before]
        parts.append(say("fix.metrics.metrics", metrics=", ".join(new)))
    if rows:
        steps.append(SetCompile("loss", repr("categorical_crossentropy")))
        parts.append(say("fix.metrics.loss", loss="categorical_crossentropy"))
    title = ", ".join(parts)
    for labels in _labels(pair.labels, pair.output[-1], cures, rows=rows):
        wrapped = (*steps, WrapData("y", labels)) if labels else tuple(steps)
        text = say("fix.metrics.labels", labels=filled(labels, pair.labels.name)) if labels else ""
        whole = f"{title}, {text}" if title and text else title or text
        if wrapped:
            yield Repair(wrapped, "choice", "metrics", {"parts": whole[:1].upper() + whole[1:]})


def _labels(labels: Data, width: int | None, cures: list[Cure], *, rows: bool) -> tuple[str, ...]:
    """The expressions to try around the labels: what they are, an array or a table's column, the proof shows."""
    if rows:
        return (f"keras.utils.to_categorical({{}}, {width})", f"tf.keras.utils.to_categorical({{}}, {width})")
    if any(cure.column for cure in cures):
        return ("{}[..., None]", "{}.to_numpy()[..., None]")
    return ("",)


RULE = Rule("metric-against-labels", check)
