"""When an output and its labels agree: what the rule says against what each of Keras' losses computes."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
import pytest

from shape_magic.facts import Data
from shape_magic.rules.agreement import Pair, agrees, wanted
from shape_magic.rules.renamed import fitting_order
from shape_magic.trace.losses import loss_facts
from tests.rules.keras_here import need

N = 6
#: What one sample may look like: single numbers, rows, series, maps; one as long as the batch is.
SAMPLES = ((), (1,), (3,), (N,), (4,), (4, 1), (4, 3), (1, 1), (1, 3), (1, 1, 1), (5, 7), (5, 7, 1), (5, 7, 3))
ELEMENTWISE = (
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "Huber",
    "LogCosh",
    "CosineSimilarity",
    "KLDivergence",
    "Poisson",
    "Hinge",
    "SquaredHinge",
    "CategoricalHinge",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "Dice",
    "Tversky",
)
#: Their formulas look along the last axis, and that is the batch where both have lost theirs.
BY_THE_ROW = frozenset(
    {"CosineSimilarity", "KLDivergence", "CategoricalHinge", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"}
)


def numbers(seed: int, *sizes: int) -> Any:
    """Numbers between 0 and 1 for a batch."""
    return np.random.default_rng(seed).uniform(0.1, 0.9, (N, *sizes)).astype("float32")


def computed(loss: Any, labels: Any, output: Any) -> float | None:
    """The loss as training would compute it; None where it raises."""
    try:
        return float(keras.ops.convert_to_numpy(loss(labels, output)))
    except Exception:  # noqa: BLE001 - each backend has its own exceptions for shapes
        return None


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_loss_that_compares_number_by_number(name: str) -> None:
    loss = getattr(keras.losses, name)()
    (facts,) = loss_facts(loss, ("answer",), (), (), None)
    samples = [s for s in SAMPLES if name not in BY_THE_ROW or (s and s[-1] > 1)]
    for labels, output in product(samples, repeat=2):
        y, out = numbers(1, *labels), numbers(2, *output)
        value = computed(loss, y, out)
        pair = f"labels {labels}, output {output}"
        if Pair(0, facts, (None, *output), Data("y", (None, *labels), "float32")).agrees:
            shape = min(y.shape, out.shape, key=len)
            assert value is not None, pair
            assert value == pytest.approx(computed(loss, y.reshape(shape), out.reshape(shape)), rel=1e-4), pair
        elif value is not None and y.size == out.size:
            assert value != pytest.approx(computed(loss, y.reshape(out.shape), out), rel=1e-4), pair


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy"])
def test_a_strict_loss_raises_where_they_do_not_agree(name: str) -> None:
    loss = getattr(keras.losses, name)()
    for labels, output in product(SAMPLES, repeat=2):
        computes = computed(loss, numbers(1, *labels), numbers(2, *output)) is not None
        assert computes == agrees(loss.fn.__name__, (None, *output), (None, *labels)), (labels, output)


def test_sparse_cross_entropy_takes_the_labels_without_the_class_axis() -> None:
    loss = keras.losses.SparseCategoricalCrossentropy()
    classes = [sample for sample in SAMPLES if sample and sample[-1] > 1]
    for labels, output in product(SAMPLES, classes):
        y = np.zeros((N, *labels), "int32")
        out = numbers(2, *output)
        value = computed(loss, y, out)
        if agrees("sparse_categorical_crossentropy", (None, *output), (None, *labels)):
            shares = out / out.sum(-1, keepdims=True)
            assert value == pytest.approx(float(-np.log(shares[..., 0]).mean()), rel=1e-3), (labels, output)
        elif value is not None:
            assert 1 in labels, "only an axis of size 1 in a wrong place goes unnoticed"


@pytest.mark.parametrize(
    ("name", "feature"),
    [("CategoricalGeneralizedCrossEntropy", "generalized cross-entropy"), ("Circle", "circle")],
)
def test_the_other_losses_that_read_class_numbers(name: str, feature: str) -> None:
    need(feature)
    loss = getattr(keras.losses, name)()
    function = loss.fn.__name__
    for labels in ((), (1,)):
        assert computed(loss, np.arange(N).reshape(N, *labels) % 3, numbers(2, 3)) is not None
        assert agrees(function, (None, 3), (None, *labels))
    assert not agrees(function, (None, 3), (None, 3))


def test_texts_against_a_sequence_of_characters() -> None:
    value = computed(keras.losses.CTC(), np.ones((N, 2), "int32"), numbers(2, 8, 5))
    assert value is not None
    assert agrees("ctc", (None, 8, 5), (None, 2))
    assert not agrees("ctc", (None, 5), (None, 2))


@pytest.mark.parametrize(
    ("loss", "output", "labels"),
    [
        ("mean_squared_error", (None, 4, 3), (None, 4, 3)),
        ("sparse_categorical_crossentropy", (None, 4, 3), (None, 4)),
        ("circle", (None, 3), (None,)),
    ],
)
def test_the_labels_that_belong_to_an_output_agree(loss: str, output: Any, labels: Any) -> None:
    assert wanted(loss, output) == labels
    assert agrees(loss, output, labels)


def test_an_order_is_looked_for_where_arrays_do_not_fit_as_they_stand() -> None:
    places = ("a", "b", "b")

    def order(*items: str) -> tuple[int, ...]:
        return fitting_order(len(items), lambda i, k: places[i] == items[k])

    assert order("a", "b", "b") == ()
    assert order("b", "a", "b") == (1, 0, 2)
    assert order("b", "b", "b") == ()
    assert fitting_order(1, lambda i, k: False) == ()
    assert fitting_order(9, lambda i, k: i + k == 8) == ()
