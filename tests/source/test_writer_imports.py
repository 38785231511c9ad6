"""How new layers are spelled, and what is imported for them."""

from __future__ import annotations

import pytest

from shape_magic.repair.steps import InsertLayer
from tests.source.harness import assert_written

FLATTEN = InsertLayer(0, "Flatten")
KERAS = """\
import tensorflow as tf, keras
import keras.layers as L
import keras as K
from keras import layers
"""


@pytest.mark.parametrize("prefix", ["layers", "tf.keras.layers", "keras.layers", "keras.layers.core", "L", "K.layers"])
@pytest.mark.parametrize("first", ["", KERAS])
def test_dotted_as_the_layer_beside_it(prefix: str, first: str) -> None:
    before = f"{first}m = [«{prefix}.Dense(10)»]"
    assert_written(before, f"{first}m = [{prefix}.Flatten(), {prefix}.Dense(10)]", FLATTEN)


def test_the_class_of_a_model_says_nothing_of_where_layers_are() -> None:
    alone = "m = [{}keras.Sequential([]){}]"
    after = "from keras.layers import Flatten\nm = [Flatten(), keras.Sequential([])]"
    assert_written(alone.format("«", "»"), after, FLATTEN)
    beside = "m = [{}keras.Sequential([]){}, {}Dense(1){}]"
    after = "m = [Flatten(), keras.Sequential([]), Dense(1)]"
    assert_written(beside.format("«", "»", "«", "»"), after, FLATTEN, bound=["Flatten"])


@pytest.mark.parametrize(("bound", "prefix"), [(["keras"], "keras.layers."), (["keras", "keras.layers"], "layers.")])
def test_modules_that_the_notebook_has_imported_elsewhere_are_used(bound: list[str], prefix: str) -> None:
    after = f"m = [{prefix}Flatten(), keras.Sequential([])]"
    assert_written("m = [«keras.Sequential([])»]", after, FLATTEN, bound=bound)


def test_no_import_for_a_name_that_is_bound() -> None:
    assert_written("m = [«Dense(10)»]", "m = [Flatten(), Dense(10)]", FLATTEN, bound=["Flatten"])


def test_no_import_beside_a_star() -> None:
    source = "from keras.layers import *\nm = [{}Dense(10){}]"
    assert_written(source.format("«", "»"), source.format("Flatten(), ", ""), FLATTEN)


def test_no_import_twice_and_an_alias_is_used() -> None:
    source = "from keras.layers import Dense, Flatten as Flat\nm = [{}Dense(10){}]"
    assert_written(source.format("«", "»"), source.format("Flat(), ", ""), FLATTEN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from keras.layers import Dense", "from keras.layers import Dense, Flatten"),
        ("from keras.layers import Conv2D, Dense  # all", "from keras.layers import Conv2D, Dense, Flatten  # all"),
        ("from keras.layers import (Conv2D, Dense)", "from keras.layers import (Conv2D, Dense, Flatten)"),
        (
            "from keras.layers import (Conv2D as C,\n    Dense,)",
            "from keras.layers import (Conv2D as C,\n    Dense, Flatten,)",
        ),
        (
            "from keras.layers import (\n    Conv2D,  # eyes\n    Dense,  # head\n)",
            "from keras.layers import (\n    Conv2D,  # eyes\n    Dense,  # head\n    Flatten,\n)",
        ),
        (
            "from keras.layers import (\n    Conv2D,\n    Dense  # head\n)",
            "from keras.layers import (\n    Conv2D,\n    Dense,  # head\n    Flatten\n)",
        ),
        (
            "from keras.layers import Conv2D, \\\n    Dense",
            "from keras.layers import Conv2D, \\\n    Dense, Flatten",
        ),
        (
            "from keras.layers import ReLU\nfrom tensorflow.keras.layers import Dense",
            "from keras.layers import ReLU\nfrom tensorflow.keras.layers import Dense, Flatten",
        ),
        (
            "try:\n    from keras.layers import Dense\nexcept ImportError:\n    raise",
            "try:\n    from keras.layers import Dense, Flatten\nexcept ImportError:\n    raise",
        ),
    ],
)
def test_the_import_of_the_same_cell_is_extended(before: str, after: str) -> None:
    assert_written(f"{before}\nm.add(«Dense(1)»)", f"{after}\nm.add(Flatten())\nm.add(Dense(1))", FLATTEN)


def test_an_import_within_a_function_serves_that_function() -> None:
    assert_written(
        "def build():\n    from keras.layers import Dense\n    m.add(«Dense(1)»)\n",
        "def build():\n    from keras.layers import Dense, Flatten\n    m.add(Flatten())\n    m.add(Dense(1))\n",
        FLATTEN,
    )


def test_an_import_that_comes_later_does_not_serve() -> None:
    first = "from keras.layers import Dense\n"
    assert_written(
        [first, "m.add(«Dense(1)»)\nfrom keras.layers import ReLU\n"],
        [
            first,
            "from keras.layers import Flatten\nm.add(Flatten())\nm.add(Dense(1))\nfrom keras.layers import ReLU\n",
        ],
        FLATTEN,
    )


def test_two_names_extend_one_import_once() -> None:
    assert_written(
        "from keras.layers import Dense\ns = [«Dense(9)», «Dense(1)»]",
        "from keras.layers import Dense, Flatten, Dropout\ns = [Flatten(), Dense(9), Flatten(), Dropout(.5), Dense(1)]",
        FLATTEN,
        InsertLayer(1, "Flatten"),
        InsertLayer(1, "Dropout", ".5"),
    )


def test_an_import_in_another_cell_gives_the_module_for_a_line_on_top() -> None:
    first = "from tensorflow.keras.layers import Conv2D, Dense\n"
    top = "%%time\n# the head\n%matplotlib inline\n"
    assert_written(
        [first, f"{top}m = [«Dense(1)»]\n"],
        [first, f"{top}from tensorflow.keras.layers import Flatten\nm = [Flatten(), Dense(1)]\n"],
        FLATTEN,
    )


def test_the_line_on_top_stands_below_docstring_and_future() -> None:
    top = '"""Heads."""\nfrom __future__ import annotations\n\n'
    assert_written(
        f"{top}m.add(«Dense(1)»)",
        f"{top}from keras.layers import Flatten\nm.add(Flatten())\nm.add(Dense(1))",
        FLATTEN,
    )


def test_the_line_on_top_stands_above_a_decorator() -> None:
    assert_written(
        "@cache\ndef build(): m.add(«Dense(1)»)",
        "from keras.layers import Flatten\n@cache\ndef build(): m.add(Flatten()); m.add(Dense(1))",
        FLATTEN,
    )


@pytest.mark.parametrize(
    ("imports", "spelling"),
    [
        ("from keras import layers\nD = layers.Dense", "layers."),
        ("import keras\nD = keras.layers.Dense", "keras.layers."),
        ("import tensorflow as tf\nD = tf.keras.layers.Dense", "tf.keras.layers."),
        ("from tensorflow import keras as K\nD = K.layers.Dense", "K.layers."),
        ("import keras.layers\nfrom keras.layers import Dense as D", "keras.layers."),
    ],
)
def test_a_class_under_another_name_is_helped_by_the_imports_that_are_there(imports: str, spelling: str) -> None:
    assert_written(
        f"{imports}\nm = [«D(10)»]", f"{imports}\nm = [{spelling}Flatten(), D(10)]", FLATTEN, classes=["Dense"]
    )


def test_a_class_under_another_name_with_no_other_import() -> None:
    assert_written(
        "from keras.layers import Dense as D\nm = [«D(10)»]",
        "from keras.layers import Dense as D, Flatten\nm = [Flatten(), D(10)]",
        FLATTEN,
        classes=["Dense"],
    )


def test_beside_a_layer_that_is_not_of_keras() -> None:
    source = "import mine\nfrom keras import layers\nm = [{}mine.layers.Dense(10){}]"
    assert_written(source.format("«", "»"), source.format("layers.Flatten(), ", ""), FLATTEN)


def test_beside_a_nested_model() -> None:
    source = "import keras\nm = keras.Sequential([{}keras.Sequential([a, b]){}])"
    assert_written(source.format("«", "»"), source.format("keras.layers.Flatten(), ", ""), FLATTEN)
