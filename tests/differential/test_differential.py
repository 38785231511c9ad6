"""Models made up by Hypothesis: what we say of them is what Keras does, and our fixes do what they say."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings

from tests.differential.conftest import PROFILE
from tests.differential.fixes import unsound
from tests.differential.kinds import KINDS, LEFT_OUT, classes
from tests.differential.recipes import Graph, Made, Node, Recipe, Use, source_of
from tests.differential.samples import is_listed
from tests.differential.strategies import SIZES, models, predictions, trainings, written
from tests.differential.verdicts import (
    Disagreement,
    built_disagreement,
    checked,
    disagreement,
    outputs_of,
    trained_disagreement,
)

LONG = PROFILE == "long"


def agreed(source: str, found: Disagreement | None) -> None:
    """Fail with a disagreement on a cell, if it is not listed with its reason."""
    if found is not None and not is_listed(found):
        pytest.fail(f"{source}\n{found}", pytrace=False)


def test_every_layer_class_of_keras_is_generated_or_left_out_for_a_reason() -> None:
    assert set(classes()) <= set(KINDS) | set(LEFT_OUT), "a class is new: give it a row in kinds.py"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_layer_class_by_itself(name: str) -> None:
    """With the first of the values that its kind knows, it can be made, and does what we say."""
    if name not in classes():
        pytest.skip("not in this version of Keras")
    kind = KINDS[name]
    made = Made(name, tuple(values.good[0] for values in kind.arguments.values() if not values.optional))
    sizes = (
        (1,)
        if kind.dtype == "string"
        else tuple(next(n for n in some if n is not None) for some in SIZES[kind.ranks[0]])
    )
    node = Node(made, (-1,) * kind.several[0], kind.as_list)
    use = Use("predict", (((4, *sizes), kind.dtype),))
    source = source_of(Recipe(Graph("functional", ((sizes, kind.dtype),), (node,)), use))
    agreed(source, disagreement(source, exact=LONG))


# What Hypothesis draws reads the same now and then: an answer is kept by the cell's text.
_of_models = cache(built_disagreement)
_of_predictions = cache(lambda source: disagreement(source, exact=LONG))
_of_trainings = cache(lambda source, loss: trained_disagreement(source, loss, exact=LONG))


@settings(max_examples=1500)
@given(models())
def test_models_are_what_we_say(recipe: Recipe) -> None:
    source = source_of(recipe)
    agreed(source, _of_models(source))


@settings(max_examples=250)
@given(predictions())
def test_predictions_end_as_we_say(recipe: Recipe) -> None:
    source = source_of(recipe)
    agreed(source, _of_predictions(source))


@settings(max_examples=200)
@given(trainings())
def test_a_step_of_training_ends_as_we_say(recipe: Recipe) -> None:
    """Nor does a step go unseen that compares broadcast shapes; and what we have looked at trains on."""
    source = source_of(recipe, outputs_of(recipe))
    assert recipe.use is not None
    agreed(source, _of_trainings(source, recipe.use.loss))


@cache
def _first_unsound(source: str) -> Disagreement | None:
    report = checked(source).report
    return None if isinstance(report, Exception) else next(unsound(source, report, exact=LONG), None)


@settings(max_examples=150)
@given(written(trainings()))
def test_fixes_of_trainings_are_sound(recipe: Recipe) -> None:
    source = source_of(recipe, outputs_of(recipe))
    agreed(source, _first_unsound(source))


@settings(max_examples=100)
@given(written(predictions()))
def test_fixes_of_predictions_are_sound(recipe: Recipe) -> None:
    source = source_of(recipe)
    agreed(source, _first_unsound(source))
