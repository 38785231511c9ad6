"""A head whose numbers are not what the loss takes them for: logits, probabilities, rates."""

from __future__ import annotations

from collections.abc import Iterator

from shape_magic.facts import Facts, LabelFacts, Model
from shape_magic.repair.steps import Repair, SetCompile
from shape_magic.rules.agreement import only_logits
from shape_magic.rules.finding import Finding, Rule
from shape_magic.rules.fitting import Setup, given, repairs
from shape_magic.rules.heads import Judged, judged, warning
from shape_magic.words import say

_BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
_CLASSES = frozenset({"categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy"})
#: Activations that give numbers between 0 and 1.
_PROBABILITIES = frozenset({"sigmoid", "softmax", "hard_sigmoid", "sparse_sigmoid", "sparsemax"})
#: Activations that give negative numbers.
_SIGNED = frozenset({"linear", "tanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "softsign", "log_softmax"})
_NO_SHARES = _SIGNED | {"relu", "relu6", "mish"}
#: Over classes the loss divides by the sum, and what is above 0 is then a probability as well.
_NO_PROBABILITIES = _NO_SHARES | {"exponential", "softplus"}
#: The loss classes of the functions, by which ``from_logits`` can be given.
_OBJECTS = {
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}


def check(model: Model, facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first output whose activation and loss contradict each other."""
    for one in judged(model):
        variant = _variant(one)
        if variant is not None:
            form = "none" if one.head.activation == "linear" else "some"
            ends = say(f"rule.activation-against-loss.ends.{form}", activation=one.head.activation)
            yield warning(model, one, variant, _repairs(model, one, variant), ends=ends)
            return


def _variant(one: Judged) -> str | None:
    loss, activation, width = one.pair.loss, one.head.activation, one.pair.output[-1]
    if loss.name == "poisson":
        return "negative-rates" if activation in _SIGNED else None
    if loss.name not in _OBJECTS:
        return None
    if loss.from_logits:
        return "probabilities-as-logits" if activation in _PROBABILITIES else None
    if activation in (_NO_PROBABILITIES if loss.name in _BINARY else _NO_SHARES):
        return "logits-as-probabilities" if activation == "linear" else "not-probabilities"
    if width is None or width < 2:
        return None
    if activation == "sigmoid" and loss.name in _CLASSES:
        return None if _holds_several(one) else "sigmoid-over-classes"
    if activation != "softmax" or loss.name != "binary_crossentropy":
        return None
    if _are_several(one.pair.labels.facts):
        return "softmax-over-several"
    return "binary-loss-over-classes" if _is_one_of_many(one) else None


def _are_several(facts: LabelFacts | None) -> bool:
    """Whether some rows hold more than one 1."""
    if facts is None or facts.sums is None or not facts.integer:
        return False
    return (facts.min, facts.max) == (0, 1) and facts.sums[1] > 1


def _holds_several(one: Judged) -> bool:
    """Whether the labels have several classes at once: then it is the loss that does not fit."""
    facts = one.pair.labels.facts
    return facts is not None and not facts.one_hot and one.pair.loss.name == "categorical_crossentropy"


def _is_one_of_many(one: Judged) -> bool:
    """Whether a binary loss judges each of three or more classes by itself, where just one is right.

    Of two, the binary loss over a softmax is the categorical one.
    """
    facts, width = one.pair.labels.facts, one.pair.output[-1] or 0
    return width > 2 and facts is not None and facts.one_hot


def _repairs(model: Model, one: Judged, variant: str) -> Iterator[Repair]:
    pair, loss = one.pair, one.pair.loss
    alone = len(model.outputs) == 1
    if variant == "negative-rates":
        yield from given(model, one, Setup("exponential"), Setup("softplus"))
    elif variant == "probabilities-as-logits":
        if alone and only_logits(loss):
            yield Repair((SetCompile("loss", repr(loss.name)),), "choice", "from-probabilities", {"loss": loss.name})
        yield from given(model, one, Setup("linear"))
    elif variant == "softmax-over-several":
        yield from given(model, one, Setup("sigmoid"))
    elif variant == "binary-loss-over-classes":
        yield from given(model, one, Setup("softmax", "categorical_crossentropy"), Setup("sigmoid"))
    elif loss.name in _CLASSES:
        yield from given(model, one, Setup("softmax"))
    else:
        facts = pair.labels.facts
        shares = facts is None or (facts.min >= 0 and facts.max <= 1 and not facts.one_hot)
        yield from repairs(model, one, *([Setup("sigmoid")] if shares else []))
    if variant == "logits-as-probabilities" and alone and loss.plain:
        for root in ("keras", "tf.keras"):
            value = f"{root}.losses.{_OBJECTS[loss.name]}(from_logits=True)"
            yield Repair((SetCompile("loss", value),), "choice", "from-logits", {"loss": value}, "from_logits=True")


RULE = Rule("activation-against-loss", check)
