"""The printed questions: every key is what Keras gives, and the two forms ask for the same."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from shape_magic import teach
from shape_magic.errors import UsageError
from shape_magic.teach.bench import dry_run
from shape_magic.teach.misconceptions import BY_ID, Item, candidates

FORMS = ("A", "B")


def items() -> list[dict[str, Any]]:
    """The items as they are shipped."""
    from importlib.resources import files

    text = files("shape_magic.teach").joinpath("questions.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["item"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("item", items(), ids=lambda item: item["tests"])
def test_the_key_is_what_keras_gives(item: dict[str, Any], form: str) -> None:
    import keras
    from keras import layers

    asked = item[form]
    layer = eval(asked["layer"], {"layers": layers})
    output = layer(keras.Input(tuple(asked["input"])))
    assert output.shape == (None, *asked["key"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("item", items(), ids=lambda item: item["tests"])
def test_the_item_brings_its_misconception_to_light(item: dict[str, Any], form: str) -> None:
    source = Item("", tuple(item[form]["input"]), item[form]["layer"]).source
    call = dry_run(source).models[0].calls[-1]
    wrong = BY_ID[item["tests"]].predict(call)
    assert wrong is not None
    assert candidates(call, wrong)[0].id == item["tests"]


def test_the_forms_are_parallel_and_not_the_same() -> None:
    for item in items():
        assert len(item["A"]["input"]) == len(item["B"]["input"])
        assert len(item["A"]["key"]) == len(item["B"]["key"])
        assert item["A"] != item["B"]


def test_a_form_prints_without_its_key_and_with_it() -> None:
    plain, keyed = teach.questions("A"), teach.questions("A", key=True)
    assert "1. (None, 28, 28, 1) into layers.Conv2D(16, 3)" in plain
    assert "Key" not in plain
    assert "   Key: (None, 26, 26, 16) · tests forgot-kernel" in keyed
    with pytest.raises(UsageError, match="there is no form C; there are A, B"):
        teach.questions("C")
