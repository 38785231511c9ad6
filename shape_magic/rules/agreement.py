"""When an output and its labels agree, by what the loss computes.

Keras' losses first bring both to the same rank where the last axis is 1
(``squeeze_or_expand_to_same_rank`` in keras/src/losses/loss.py) and then either insist on equal
shapes or broadcast. What is meant is always the same: equal shapes after that step; for sparse
cross-entropy the labels are the output without its last axis.
"""

from __future__ import annotations

from dataclasses import dataclass

from shape_magic.facts import Contract, Data, LabelFacts, LossFacts
from shape_magic.repair.steps import WrapData
from shape_magic.spans import Shape

SPARSE = frozenset({"sparse_categorical_crossentropy"})
#: Losses whose labels are class numbers, and whose output has an axis for the classes or for what stands for them.
_NUMBERED = SPARSE | {"categorical_generalized_cross_entropy", "circle"}
CLASSES = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy", *SPARSE})


@dataclass(frozen=True, slots=True)
class Pair:
    """An output and the labels that its loss compares it with."""

    #: Position among the model's outputs.
    item: int
    loss: LossFacts
    output: Shape
    labels: Data

    @property
    def agrees(self) -> bool:
        """Whether the loss compares each label with the answer it belongs to."""
        output, labels = self.output, self.labels.shape
        in_a_row = self.loss.flattens and _without_ones(output) == _without_ones(labels)
        return in_a_row or agrees(self.loss.name, output, labels)


def pairs(contract: Contract | None) -> tuple[Pair, ...]:
    """What each loss compares; empty where nothing is compared, or where it can't be said what with what."""
    if contract is None or contract.failure or not contract.outputs:
        return ()
    if not len(contract.outputs) == len(contract.y) == len(contract.losses):
        return ()
    together = zip(contract.losses, contract.outputs, contract.y, strict=True)
    return tuple(
        Pair(i, loss, output, labels)
        for i, (loss, output, labels) in enumerate(together)
        if loss.compares and labels.shape
    )


def relabelled(contract: Contract | None, pair: Pair, template: str) -> WrapData:
    """An expression around these labels, where the call that uses the model gives them."""
    several = contract is not None and len(contract.y) > 1
    return WrapData("y", template, item=pair.item if several else None)


def agrees(loss: str, output: Shape, labels: Shape) -> bool:
    """Whether this loss compares each label with the answer it belongs to; the batch axis is not compared."""
    out, y = output[1:], labels[1:]
    if loss == "ctc":  # a text for each sequence: how long it is, the labels alone say
        return len(out) == 2 and len(y) == 1
    if loss in _NUMBERED:
        return bool(out) and y in (out[:-1], (*out[:-1], 1))
    return _squeezed(out, y)


def wanted(loss: str, output: Shape) -> Shape:
    """The labels' shape that belongs to this output."""
    return output[:-1] if loss == "ctc" or loss in _NUMBERED else output


def _squeezed(out: Shape, y: Shape) -> bool:
    if len(out) == len(y) + 1 and out[-1] == 1:
        out = out[:-1]
    elif len(y) == len(out) + 1 and y[-1] == 1:
        y = y[:-1]
    return len(out) == len(y) and all(a == b or a is None or b is None for a, b in zip(out, y, strict=True))


def _without_ones(shape: Shape) -> Shape:
    return shape[:1] + tuple(size for size in shape[1:] if size != 1)


def compared(contract: Contract | None) -> Pair | None:
    """What the loss of a call with one output compares; None where there is nothing to compare."""
    found = pairs(contract)
    return found[0] if len(found) == 1 else None


def suits(pair: Pair) -> bool:
    """Whether labels have the form and the values that their loss is for, as far as both are known."""
    if not pair.agrees:
        return False
    facts = pair.labels.facts
    if facts is None:
        return True
    if pair.loss.name in SPARSE:
        return has_units(pair) and (facts.integer or pair.loss.ignore_class is not None)
    if pair.loss.name in CLASSES or pair.loss.name == "binary_crossentropy":
        return facts.min >= 0 and facts.max <= 1
    return True


def has_units(pair: Pair) -> bool:
    """Whether every class number has its unit, as far as both are known; the one that a loss ignores needs none."""
    facts, units, ignored = pair.labels.facts, pair.output[-1], pair.loss.ignore_class
    if pair.loss.name not in SPARSE or facts is None:
        return True
    # Of those between the two ends nothing is known: where one end is ignored, the rest may be in order.
    is_low = facts.min < 0 and facts.min != ignored
    return not is_low and (units is None or facts.max < units or facts.max == ignored)


def only_logits(loss: LossFacts) -> bool:
    """Whether the loss differs from what its name stands for by ``from_logits`` alone."""
    usual = {"axis": -1, "reduction": "sum_over_batch_size", "label_smoothing": 0.0, "ignore_class": None}
    given = {k: v for k, v in loss.arguments.items() if k != "from_logits"}
    return bool(loss.arguments) and all(k in usual and usual[k] == v for k, v in given.items())


def loss_for(loss: str, output: Shape, labels: Shape, facts: LabelFacts | None) -> str | None:
    """The cross-entropy of the same kind that fits these labels, by their shape and their values; None for none."""
    other = {"sparse_categorical_crossentropy": "categorical_crossentropy"}.get(loss, "sparse_categorical_crossentropy")
    if loss not in CLASSES or not agrees(other, output, labels):
        return None
    if facts is None:
        return other
    fits = facts.one_hot if other == "categorical_crossentropy" else facts.integer
    return other if fits else None


def correction_for(loss: LossFacts, output: Shape, labels: Shape) -> str:
    """The id of what to say where Keras' own sentence is wrong: for sparse cross-entropy it swaps the two ranks.

    ``Argument `output` must have rank (ndim) `target.ndim - 1` `` (keras/src/backend/tensorflow/nn.py)
    stands where the labels must have one axis less than the output.
    """
    wrong = loss.failure is not None and loss.name in SPARSE and len(labels) != len(output) - 1
    return "sparse-rank" if wrong else ""
