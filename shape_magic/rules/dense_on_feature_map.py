"""A Dense head that answers at every position of a feature map, where one answer was meant."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shape_magic.facts import Call, Data, Facts, LossFacts, Model
from shape_magic.repair.steps import InsertLayer, Repair, SetCompile, Step
from shape_magic.rules.agreement import SPARSE, agrees, compared, correction_for, loss_for
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.last_step import hands_on_steps, last_step
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text

#: Layers that treat every position alike, so that a Dense before them is still the head.
_POINTWISE = (
    "Dense",
    "Activation",
    "Dropout",
    "BatchNormalization",
    "LayerNormalization",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "Softmax",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
)
#: Layers that work step by step on purpose: a Dense behind them answers per step because it should.
_PER_STEP = (
    "RNN",
    "LSTM",
    "GRU",
    "SimpleRNN",
    "Bidirectional",
    "Embedding",
    "TimeDistributed",
    "RepeatVector",
    "MultiHeadAttention",
    "GroupedQueryAttention",
    "Attention",
    "AdditiveAttention",
)
_WORDS = "rule.dense-on-feature-map"
#: From this many weights on, averaging is offered before flattening.
_MANY_WEIGHTS = 50_000_000


@dataclass(frozen=True, slots=True)
class _Head:
    """The Dense that keeps the positions, and what it reads."""

    dense: Call
    last: Call
    #: The call that made the map; None: the model's input.
    source: Call | None
    map: Shape
    output: Shape


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a Dense head on rank 3 or more whose labels are of a lower rank, or unknown."""
    head = _head(model)
    if head is None:
        return
    pair = compared(model.contract)
    if pair is None:
        if (model.contract is None or not model.contract.y) and _is_a_question(model, head):
            yield _finding(model, head, "question", "warning")
        return
    loss, output, labels = pair.loss, pair.output, pair.labels.shape
    if pair.agrees and loss.failure is None:
        return
    if len(labels) >= len(output) or not _one_answer(loss, output, pair.labels):
        return
    fails = loss.failure is not None
    yield _finding(model, head, "labels" if fails else "silent", "error" if fails else "warning")


def _one_answer(loss: LossFacts, output: Shape, data: Data) -> bool:
    """Whether the labels are one answer per sample: to a loss of the user's own, a longer row may be many things."""
    labels, facts = data.shape, data.facts
    if loss.name == "categorical_crossentropy" and labels[1:] == output[1:-1] and labels[1] != output[-1]:
        return facts is not None and facts.one_hot  # else class numbers, one for each step, which are to be one-hot
    if loss.name in SPARSE and len(labels) == 2 and labels[1] not in (1, output[-1]):
        return facts is None or facts.one_hot or not facts.integer  # else a row of class numbers: one for each step
    if loss.known or loss.failure is not None or len(labels) == 1:
        return len(labels) in (1, 2)
    return len(labels) == 2 and labels[1] in (1, output[-1]) and labels[1] != output[1]


def _head(model: Model) -> _Head | None:
    if model.unfinished or len(model.outputs) != 1 or len(model.outputs[0]) < 3:
        return None
    if model.failed_call or not model.calls:
        return None
    chain: list[Call] = []
    number = model.calls[-1].call
    while number >= 0 and model.calls[number].is_a(*_POINTWISE) and len(model.calls[number].inputs) == 1:
        chain.append(model.calls[number])
        number = model.calls[number].inputs[0]
    denses = [c for c in chain if c.is_a("Dense") and c.input_shape and len(c.input_shape) >= 3]
    if not denses:
        return None
    source = model.calls[number] if number >= 0 else None
    if source is not None and source.is_a("TextVectorization") and source.argument("output_mode") != "int":
        return None  # it gives one row for each text, whatever axes Keras' symbol of it has
    # Behind a layer that made the map, the first Dense is where the positions should have ended;
    # with Dense layers alone nothing before the head needs to change.
    dense = denses[-1] if source is not None else denses[0]
    assert dense.input_shape is not None
    return _Head(dense, denses[0], source, dense.input_shape, model.outputs[0])


def _is_a_question(model: Model, head: _Head) -> bool:
    if model.kind == "Sequential" and model.contract is None and model.inputs and model.inputs[0].shape[0] is not None:
        return False  # its shape came from a layer that called it with a batch: it is a part of that layer
    before = [model.calls[n] for n in _ancestors(model, head.dense)]
    if any(c.is_a(*_PER_STEP) for c in before):
        return False
    if len(head.map) == 3 and before and any(not c.is_a(*_POINTWISE) for c in before):
        return model.inputs[0].shape[1:2] != head.map[1:2]  # a sequence that keeps its length answers per step
    return True


def _ancestors(model: Model, call: Call) -> set[int]:
    seen: set[int] = set()
    todo = [n for n in call.inputs if n >= 0]
    while todo:
        number = todo.pop()
        if number not in seen:
            seen.add(number)
            todo += [n for n in model.calls[number].inputs if n >= 0]
    return seen


def _finding(model: Model, head: _Head, variant: str, severity: str) -> Finding:
    contract = model.contract
    used, compiled = (contract.span, contract.compile_span) if contract else (None, None)
    y = contract.y[0] if contract and contract.y else None
    units = head.output[-1]
    loss = contract.losses[0] if contract and len(contract.losses) == 1 else None
    wanted = head.output[:-1] if loss and loss.name in SPARSE else head.output
    values = {
        "layer": head.dense.layer,
        "line": head.dense.span.start_line if head.dense.span else None,
        **_map_words(head),
        "output": shape_text(head.output, batch="batch"),
        "units": units,
        "labels": y.name if y else "",
        "labels_shape": shape_text(y.shape, batch="batch") if y else "",
        "wanted_labels": shape_text(wanted, batch="batch"),
        "loss": loss.name if loss else "",
        "asks": variant == "question",
    }
    return Finding(
        severity="error" if severity == "error" else "warning",
        variant=variant,
        topic="contract",
        call=head.dense.call,
        values=values,
        repairs=tuple(_repairs(model, head)),
        expected=(None, units),
        actual=head.output,
        keras_message=loss.failure.message if loss and loss.failure else None,
        correction=correction_for(loss, head.output, y.shape) if loss and y else "",
        related=((used, "use"), (compiled, "compile")),
        keepable=True,
    )


def _count(sizes: Shape) -> int | None:
    middle = [d for d in sizes[1:-1] if d is not None]
    return math.prod(middle) if len(middle) == len(sizes) - 2 else None


def _map_words(head: _Head) -> dict[str, object]:
    """What the head reads, in words: the map, its positions, and what one sample is called."""
    sizes = "×".join("?" if d is None else str(d) for d in head.map[1:-1])
    kind, unit, depth = "grid", "image" if len(head.map) == 4 else "sample", "channels"
    if len(head.map) == 3:
        depth = "features"
        kind, unit = ("table", "sample") if head.source is None else ("sequence", "sequence")
    if kind == "sequence" and head.map[1] is None:
        kind = "open_sequence"
    article = say("article.special" if re.match(say("article.pattern"), sizes) else "article.plain")
    positions = _count(head.map)
    form = "open" if positions is None else _number(positions)
    place = {"grid": "position", "table": "row"}.get(kind, "step")
    places = {"place": say(f"{_WORDS}.{place}.one"), "places": say(f"{_WORDS}.{place}.many")}
    return {
        "map": say(
            f"{_WORDS}.map.{kind}",
            sizes=sizes,
            features=say(f"{_WORDS}.{depth}.{_number(head.map[-1])}", n=head.map[-1]),
            article=article,
        ),
        "positions": positions,
        **places,
        "use": say(f"{_WORDS}.{place}.use"),
        "each": say(f"{_WORDS}.each.{form}", n=positions, **places),
        "all": say(f"{_WORDS}.all.{form}", n=positions, **places),
        "unit": say(f"{_WORDS}.unit.{unit}"),
    }


def _number(count: int | None) -> str:
    return "one" if count == 1 else "many"


def _repairs(model: Model, head: _Head) -> Iterator[Repair]:
    extra = _loss_step(model, head)
    at = head.dense.call
    if head.source is not None and hands_on_steps(head.source):
        yield last_step(model, head.source, extra)
    joins = [("Flatten", "flatten")] if _count(head.map) else []
    rank = len(head.map) - 2
    if rank <= 3:
        joins += [(f"GlobalAveragePooling{rank}D", "average"), (f"GlobalMaxPooling{rank}D", "maximum")]
    if joins[:1] == [("Flatten", "flatten")] and _flat_weights(head) > _MANY_WEIGHTS:
        joins.append(joins.pop(0))
    for class_name, message in joins:
        insert: Step = InsertLayer(at, class_name)
        yield Repair((insert, *extra), "choice", message, {"layer": head.dense.layer, "new": class_name}, class_name)


def _flat_weights(head: _Head) -> int:
    units = head.dense.output_shape[-1] if head.dense.output_shape else 1
    return (_count(head.map) or 0) * (head.map[-1] or 0) * (units or 1)


def _loss_step(model: Model, head: _Head) -> tuple[Step, ...]:
    """The compile's loss as well, where one answer per sample still would not fit the labels' form."""
    pair = compared(model.contract)
    if pair is None:
        return ()
    loss, labels = pair.loss, pair.labels
    joined: Shape = (None, pair.output[-1])
    if agrees(loss.name, joined, labels.shape):
        return ()
    other = loss_for(loss.name, joined, labels.shape, labels.facts)
    # A loss object that reads logits would lose that by its name.
    return (SetCompile("loss", repr(other)),) if other and loss.plain else ()


RULE = Rule("dense-on-feature-map", check)
