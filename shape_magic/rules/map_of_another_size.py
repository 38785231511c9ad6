"""A map or a sequence that comes out in another size than its labels have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shape_magic.facts import Call, Contract, Facts, Model
from shape_magic.rules.agreement import SPARSE, Pair, pairs
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.grids import CONVOLUTIONS, POOLINGS, TRANSPOSED, Sizes, follows, sizes_of, window
from shape_magic.rules.next_step import next_step
from shape_magic.rules.resizing import Task, is_bare, repairs_for, turned_input
from shape_magic.rules.widths import End, end_of
from shape_magic.spans import Shape
from shape_magic.words import say, shape_text


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an output and labels with the same number of axes and other sizes in the middle."""
    for pair in pairs(model.contract):
        head = end_of(model, pair.item)
        if head is None or not pair.loss.known or model.contract is None:
            continue
        if pair.agrees and not pair.loss.failure:
            continue
        labels = _with_classes(pair)
        have, want = sizes_of(pair.output), sizes_of(labels)
        if have is None or want is None or len(have) != len(want) or have == want:
            continue
        yield _finding(model, model.contract, pair, Task(model, head, pair, labels, have, want))
        return


def _with_classes(pair: Pair) -> Shape:
    """The labels with an axis for the classes or channels, where they are written without one."""
    labels, width = pair.labels.shape, pair.output[-1]
    sparse = pair.loss.name in SPARSE
    if sparse and len(labels) == len(pair.output) and labels[-1] == 1:
        return (*labels[:-1], width)
    # A row for each sample is a series only where each step has one number; else it is one answer.
    is_map = len(labels) == len(pair.output) - 1 and (len(labels) > 2 or labels[-1] != 1)
    return (*labels, width) if is_map and (sparse or width == 1) else labels


def _finding(model: Model, contract: Contract, pair: Pair, task: Task) -> Finding:
    failed, turned = pair.loss.failure, turned_input(model)
    cause = None if turned else _cause(model, task)
    culprit = cause[0] if cause else task.head.call
    start = model.inputs[0] if model.inputs else None
    return Finding(
        severity="error" if failed else "warning",
        variant=_variant(pair, turned is not None),
        topic="contract",
        call=culprit.call,
        item=pair.item,
        values={
            "layer": task.head.call.layer,
            "line": culprit.span.start_line if culprit.span else None,
            "loss": pair.loss.name,
            "have": _times(task.have),
            "want": _times(task.want),
            "output": shape_text(pair.output, batch="batch"),
            "labels": pair.labels.name,
            "labels_shape": shape_text(pair.labels.shape, batch="batch"),
            "input": shape_text(start.shape, batch="batch") if start else "",
            "turned": shape_text(turned or (), batch="batch"),
            "culprit": culprit.layer,
            "cause": _why(task, cause),
            "sizes": _on_the_way(model, task.head),
        },
        repairs=(*next_step(contract, pair, task.have, task.want), *repairs_for(task)),
        expected=task.labels,
        actual=pair.output,
        keras_message=failed.message if failed else None,
        span=start.span if turned and start else None,
        related=(
            *((c.span, "kept") for c in _still(model, task)),
            (task.head.call.span, "head"),
            (contract.span, "use"),
            (contract.compile_span, "compile"),
        ),
    )


def _still(model: Model, task: Task) -> list[Call]:
    """The transposed convolution that could enlarge a map that is too small, and takes steps of 1."""
    if any(h >= w for h, w in zip(task.have, task.want, strict=True)):
        return []
    way = on_the_way(model, task.head.end)
    return [c for c in way if c.is_a(TRANSPOSED) and set((window(c) or ((), (2,)))[1]) == {1}][:1]


def _variant(pair: Pair, turned: bool) -> str:
    if turned:
        return "channels-first"
    return "size" if pair.loss.failure else "silent"


def _times(sizes: Sizes) -> str:
    return "×".join(map(str, sizes))


def _cause(model: Model, task: Task) -> tuple[Call, str] | None:
    """The layer that most likely loses the size, as nothing below makes up for it, and how it does."""
    if not follows(model, task.end):
        return None
    way = on_the_way(model, task.head.end)
    same = [c for c in way if c.is_a(*CONVOLUTIONS) and c.arguments.get("padding") == "same"]
    odd = [c for c in way if c.is_a(*CONVOLUTIONS, TRANSPOSED) and is_bare(c)]
    added = [c for c in way if c.is_a("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")]
    rounded = [c for c in way if c.is_a(POOLINGS, *CONVOLUTIONS) and _rounds(c)]
    repeated = [c for c in way if c.is_a("RepeatVector")]
    if all(h >= w for h, w in zip(task.have, task.want, strict=True)) and added:
        return added[0], "added"
    if odd and len(odd) <= len(same):
        return odd[-1], "unpadded"
    found = [*((c, "rounded") for c in rounded), *((c, "unpadded") for c in odd), *((c, "repeated") for c in repeated)]
    return found[0] if found else None


def _why(task: Task, cause: tuple[Call, str] | None) -> str:
    """A sentence's end about the layer that loses the size, or about the sizes on the way."""
    if cause is None:
        sizes = _on_the_way(task.model, task.head)
        return say(f"rule.map-of-another-size.cause.{'unknown' if '→' in sizes else 'kept'}", sizes=sizes)
    call, kind = cause
    at = say("place.at", line=call.span.start_line) if call.span else ""
    before, after = sizes_of(call.input_shape), sizes_of(call.output_shape)
    if kind == "unpadded" and not (before and after):
        kind = "unpadded-open"
    return say(
        f"rule.map-of-another-size.cause.{kind}",
        layer=call.layer,
        at=at,
        before=_times(before or ()),
        after=_times(after or ()),
    )


def _rounds(call: Call) -> bool:
    """Whether a layer with steps of two or more reads a size that they do not divide."""
    before, sizes = sizes_of(call.input_shape), window(call)
    if before is None or sizes is None or len(before) != len(sizes[1]):
        return False
    return any(size % step for size, step in zip(before, sizes[1], strict=True))


def on_the_way(model: Model, end: Call) -> Sequence[Call]:
    """The calls that the output depends on, in order."""
    seen, todo = set[int](), [end.call]
    while todo:
        number = todo.pop()
        if number >= 0 and number not in seen:
            seen.add(number)
            todo += model.calls[number].inputs
    return [model.calls[number] for number in sorted(seen)]


def _on_the_way(model: Model, head: End) -> str:
    """The sizes that the map goes through, ``28×28 → 14×14 → 28×28``."""
    found = [sizes_of(model.inputs[0].shape)] if model.inputs else []
    for call in on_the_way(model, head.end):
        sizes = sizes_of(call.output_shape)
        if sizes is not None and (not found or found[-1] != sizes):
            found.append(sizes)
    # Open sizes have no number to show.
    texts = [_times(sizes) for sizes in found if sizes] or [_times(sizes_of(head.call.output_shape) or ())]
    return " → ".join(texts if len(texts) <= 8 else [*texts[:4], "…", *texts[-3:]])


RULE = Rule("map-of-another-size", check)
