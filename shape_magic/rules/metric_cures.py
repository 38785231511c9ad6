"""What each metric of Keras compares, and by what it is replaced where it does not fit.

Measured on Keras 3.15: a metric's class decides, not its name, and only some bring labels (batch,) and an
output (batch, 1) to one shape before they compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shape_magic.facts import LossFacts
from shape_magic.rules.agreement import Pair

#: Metrics of class numbers, and their twins for one-hot rows.
_TWINS = {
    "SparseCategoricalAccuracy": "CategoricalAccuracy",
    "SparseTopKCategoricalAccuracy": "TopKCategoricalAccuracy",
    "SparseCategoricalCrossentropy": "CategoricalCrossentropy",
}
_SPARSE_TWINS = {rows: numbers for numbers, rows in _TWINS.items()}
SPARSE_KINDS = frozenset(_TWINS)
#: Metrics that ask which of several units is largest: of one unit it is always the first.
ARGMAX = frozenset({*_TWINS, *_SPARSE_TWINS, "F1Score", "FBetaScore", "OneHotIoU", "OneHotMeanIoU"})
#: Metrics that compare every label with every answer when one of the two lacks the last axis.
UNSQUEEZED = frozenset({"KLDivergence", "Poisson", "Hinge", "SquaredHinge", "CategoricalHinge"})
#: Metrics of regions, that read class numbers and cut fractions off.
OVERLAP = frozenset({"MeanIoU", "IoU"})
_AMOUNTS = frozenset(
    {
        "MeanSquaredError",
        "RootMeanSquaredError",
        "MeanAbsoluteError",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
        "CosineSimilarity",
        "LogCoshError",
        "R2Score",
    }
)
_BY_CLASS = frozenset({"Precision", "Recall", "AUC", "F1Score", "FBetaScore", "OneHotIoU", "OneHotMeanIoU"})
#: Metrics that compare number with number, so that both need the same rows.
NUMBERS = ARGMAX | UNSQUEEZED | _AMOUNTS | _BY_CLASS | {"BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "Accuracy"}


@dataclass(frozen=True, slots=True)
class Cure:
    """What a metric becomes."""

    #: Its source; empty where that is not known.
    text: str
    #: Whether the labels must get a last axis of size 1 for it.
    column: bool = False


def has_class_numbers(pair: Pair) -> bool:
    """Whether the labels name a class by its number where the output has a unit for each."""
    return len(pair.labels.shape) == len(pair.output) - 1 or pair.labels.shape[-1] == 1


def metric_cure(pair: Pair, metric: LossFacts, variant: str | None, *, rows: bool) -> Cure | None:
    """What to do about one metric, wrong or right; ``rows``: where the labels will be made one-hot.

    None where there is no answer.
    """
    numbers = (pair.output[-1] or 1) > 1 and has_class_numbers(pair)
    if rows:
        # The labels are only rewritten where class numbers are what a metric that stays can't take.
        if not numbers or pair.loss.name != "sparse_categorical_crossentropy" or not pair.loss.plain:
            return None
        return Cure(_renamed(metric, _TWINS)) if metric.kind in {*NUMBERS, *SPARSE_KINDS, "accuracy"} else None
    if variant is None:
        return Cure(metric.text)
    if (pair.output[-1] or 1) == 1:
        return _of_one_unit(pair, metric)
    if numbers:
        return _of_class_numbers(metric)
    if metric.kind in SPARSE_KINDS:
        return Cure(_renamed(metric, _TWINS))
    if metric.kind in OVERLAP:
        return Cure(_with(metric.text, "sparse_y_true=False, sparse_y_pred=False"))
    return Cure("'accuracy'") if metric.kind in {"Accuracy", "BinaryAccuracy"} else None


def _of_one_unit(pair: Pair, metric: LossFacts) -> Cure | None:
    column = len(pair.labels.shape) == len(pair.output) - 1
    if metric.kind in {"F1Score", "FBetaScore"}:
        given = metric.arguments.get("threshold") is not None
        return Cure(metric.text if given else _with(metric.text, "threshold=0.5"), column)
    if metric.kind in UNSQUEEZED or metric.kind == "BinaryCrossentropy":
        return Cure(metric.text, column)
    if metric.kind in OVERLAP or metric.kind.startswith("OneHot"):
        return Cure(re.sub(r"(\w*IoU)\(.*\)$", "BinaryIoU(target_class_ids=[0, 1])", metric.text, flags=re.DOTALL))
    if metric.kind.endswith("CategoricalCrossentropy"):
        return Cure("'binary_crossentropy'")
    if metric.kind.endswith("CategoricalAccuracy") or metric.kind == "Accuracy":
        return Cure("'accuracy'")
    return Cure("'mae'") if metric.kind in {"accuracy", "BinaryAccuracy"} else None


def _of_class_numbers(metric: LossFacts) -> Cure | None:
    if metric.kind in _SPARSE_TWINS:
        return Cure(_renamed(metric, _SPARSE_TWINS))
    if metric.kind in OVERLAP:
        return Cure(_with(metric.text, "sparse_y_pred=False"))
    if metric.kind == "BinaryCrossentropy":
        return Cure("'sparse_categorical_crossentropy'")
    return Cure("'accuracy'") if metric.kind in {"Accuracy", "BinaryAccuracy", *_AMOUNTS, *UNSQUEEZED} else None


def _renamed(metric: LossFacts, twins: dict[str, str]) -> str:
    """The metric's source with the name of its twin, as a class or as Keras' short name."""
    new = twins.get(metric.kind)
    if new is None or not metric.text:
        return metric.text
    return metric.text.replace(metric.kind, new).replace(_short(metric.kind), _short(new))


def _short(kind: str) -> str:
    """``sparse_top_k_categorical_accuracy`` for ``SparseTopKCategoricalAccuracy``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()


def _with(text: str, arguments: str) -> str:
    """A constructor's source with more arguments; empty where it is no call."""
    if not text.endswith(")"):
        return ""
    return f"{text[:-1].rstrip(' ,')}{'' if text[:-1].rstrip().endswith('(') else ', '}{arguments})"
