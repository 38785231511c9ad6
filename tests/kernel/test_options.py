"""The options of the magic: parsed, checked, never evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from IPython.core.error import UsageError

from shape_magic.kernel.options import Options, array_given, parse, shape_given

NS: Mapping[str, Any] = {"x": np.zeros((20, 8, 8, 1)), "rows": [[1, 2, 3]], "n": 3, "f": print}

LINES: Mapping[str, Options] = {
    "": Options(),
    "on": Options(words=("on",)),
    "model x y": Options(words=("model", "x", "y")),
    "-x 28,28,1": Options(inputs=("28,28,1",)),
    "-x (28, 28, 1) -y 10": Options(inputs=("(28,28,1)",), targets=("10",)),
    "--input a=3 --input b=4": Options(inputs=("a=3", "b=4")),
    "--loss mse -n": Options(loss="mse", no_train=True),
    "--fix 2": Options(fix=2),
    "--no-raise --strict --static": Options(no_raise=True, strict=True, static=True),
    "--rules": Options(rules=True),
    "--explain dense-on-feature-map": Options(explain="dense-on-feature-map"),
    "model -x x --static": Options(words=("model",), inputs=("x",), static=True),
}


@pytest.mark.parametrize("line", LINES)
def test_lines(line: str) -> None:
    assert parse(line) == LINES[line]


WRONG = ["--nothing", "--fix", "--fix two", "-x", "--loss", "'open", "-x 3 --fix 1.5", "--explain"]


@pytest.mark.parametrize("line", WRONG)
def test_wrong_lines_get_one_sentence(line: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line)
    text = str(raised.value)
    assert text.startswith("shapecheck: ")
    assert text.endswith("See `%%shapecheck?`.")
    assert "\n" not in text


SHAPES: Mapping[str, tuple[int | None, ...]] = {
    "28,28,1": (None, 28, 28, 1),
    "(28,28,1)": (None, 28, 28, 1),
    "10": (None, 10),
    "(10,)": (None, 10),
    "None,3": (None, None, 3),
    "image=28,28,1": (None, 28, 28, 1),
    "x": (None, 8, 8, 1),
    "image=x": (None, 8, 8, 1),
    "rows": (None, 3),
}


@pytest.mark.parametrize("text", SHAPES)
def test_shapes(text: str) -> None:
    assert shape_given(text, NS) == SHAPES[text]


NO_SHAPES: Mapping[str, str] = {
    "28x28": "28x28 is no shape and no name",
    "0,3": "0,3 has an axis of size 0",
    "-1,3": "-1,3 is no shape and no name",
    "1.5": "1.5 is no shape and no name",
    "nope": "there is no nope in this notebook yet",
    "n": "n has no shape",
    "f": "f has no shape",
    "__import__('os').system('true')": "is no shape and no name",
    "x.shape": "x.shape is no shape and no name",
    "x[0]": "x[0] is no shape and no name",
    "[8,8]": "[8,8] is no shape and no name",
    "": "is no shape and no name",
}


@pytest.mark.parametrize("text", NO_SHAPES)
def test_what_is_no_shape_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        shape_given(text, NS)
    assert NO_SHAPES[text] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nothing_is_evaluated() -> None:
    class Trap(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            raise AssertionError(f"looked up {key}")

    with pytest.raises(UsageError):
        array_given("print(1)", Trap())


def test_a_batch_axis_in_brackets_is_not_counted_twice() -> None:
    """People copy Keras' own ``(None, 28, 28, 1)``."""
    assert shape_given("(None, 28, 28, 1)", NS) == (None, 28, 28, 1)
