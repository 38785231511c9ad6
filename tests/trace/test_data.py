"""What is said of data and labels: shapes, kinds, and a bounded look at the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cells
from shape_magic.capture.session import Use
from shape_magic.facts import Data, LabelFacts
from shape_magic.spans import Shape
from shape_magic.trace.data import SAMPLE, describe, shape_of
from shape_magic.trace.use import Names, data_of_use

X = np.zeros((6, 4), "float32")


def parts_of(x: Any, text: str = "x") -> tuple[tuple[Data, ...], ...]:
    """Data, labels and weights of a fit on one argument."""
    return data_of_use(Use(None, "fit", {"x": x}, None, {"x": text}), Names(), {})


class Unranked:
    """Like a spec of TensorFlow's whose number of axes is open."""

    dtype = np.dtype("float32")

    @property
    def shape(self) -> Any:
        """There is one, and it has no length."""
        raise ValueError("Cannot iterate over a shape with unknown rank.")


class Table:
    """Like a pandas table: a shape, and rows by ``iloc`` only."""

    shape = (6, 3)
    dtype = np.dtype("int64")
    iloc = object()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.arange(18).reshape(6, 3)

    def __getitem__(self, key: object) -> Any:
        raise KeyError(key)


class Lazy:
    """Like an array on disk: counts what is read."""

    shape = (10_000_000, 3)
    dtype = np.dtype("float32")
    read = 0

    def __getitem__(self, key: slice) -> Any:
        rows = len(range(*key.indices(self.shape[0])))
        self.read += rows * 3
        return np.zeros((rows, 3), "float32")


SHAPES: Mapping[str, tuple[Any, Shape | None]] = {
    "array": (X, (6, 4)),
    "tensor": (keras.ops.zeros((6, 4)), (6, 4)),
    "open tensor": (keras.KerasTensor((None, 4)), (None, 4)),
    "nested lists": ([[1, 2], [3, 4], [5, 6]], (3, 2)),
    "numbers": ([1, 2, 3], (3,)),
    "tuples": (((1.0, 2.0),), (1, 2)),
    "empty list": ([], None),
    "table": (Table(), (6, 3)),
    "text": ("word", None),
    "words": (["a", "b"], None),
    "nothing": (None, None),
    "number": (3, None),
    "generator": ((n for n in range(3)), None),
    "odd shape": (type("Odd", (), {"shape": "(6, 4)"})(), None),
    "method": (type("Method", (), {"shape": lambda self: (6, 4)})(), None),
    "unknown rank": (Unranked(), None),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    value, expected = SHAPES[name]
    assert shape_of(value) == expected


def test_structures_are_taken_apart() -> None:
    assert [(d.name, d.shape) for d in describe({"a": X, "b": X[:, 0]}, "x")] == [("x['a']", (6, 4)), ("x['b']", (6,))]
    assert [(d.name, d.shape) for d in describe([X, X[:2]], "x")] == [("x[0]", (6, 4)), ("x[1]", (2, 4))]
    assert [(d.name, d.shape) for d in describe((X,), "x")] == [("x", (6, 4))]
    assert describe(None, "x") == ()


FACTS: Mapping[str, tuple[Any, LabelFacts | None]] = {
    "class numbers": (np.array([0, 3, 9]), LabelFacts(0, 9, True, False)),
    "one-hot": (np.eye(3, dtype="float32"), LabelFacts(0, 1, True, True)),
    "one-hot integers": (np.eye(3, dtype="int8"), LabelFacts(0, 1, True, True)),
    "several ones": (np.array([[1, 1, 0]]), LabelFacts(0, 1, True, False)),
    "soft rows": (np.array([[0.5, 0.5]]), LabelFacts(0.5, 0.5, False, False)),
    "column of 0 and 1": (np.array([[0], [1]]), LabelFacts(0, 1, True, False)),
    "numbers": (np.array([0.5, 2.0]), LabelFacts(0.5, 2, False, False)),
    "truth": (np.array([True, False]), LabelFacts(0, 1, True, False)),
    "list": ([0, 1, 2], LabelFacts(0, 2, True, False)),
    "tensor": (keras.ops.convert_to_tensor([[0, 1], [1, 0]]), LabelFacts(0, 1, True, True)),
    "map of classes": (np.eye(3)[np.zeros((2, 4, 4), int)], LabelFacts(0, 1, True, True)),
    "table": (Table(), LabelFacts(0, 17, True, False)),
    "words": (np.array(["a", "b"]), None),
    "objects": (np.array([{}, {}]), None),
    "empty": (np.zeros((0, 3)), None),
    "symbols": (keras.KerasTensor((None, 3)), None),
    "with a gap": (np.array([1.0, np.nan]), LabelFacts(1, 1, False, False, finite=False)),
    "endless": (np.array([1.0, np.inf]), LabelFacts(1, 1, False, False, finite=False)),
    "gaps alone": (np.array([np.nan, np.nan]), LabelFacts(0, 0, False, False, finite=False)),
}


@pytest.mark.parametrize("name", FACTS)
def test_what_a_sample_of_labels_says(name: str) -> None:
    value, expected = FACTS[name]
    data = describe(value, "y", sample=True)
    assert [without_counts(d.facts) for d in data] == ([expected] if data else [])


def without_counts(facts: LabelFacts | None) -> LabelFacts | None:
    """The facts without what is counted and summed."""
    return replace(facts, distinct=0, seen=0, sums=None, filled=0, second=None) if facts is not None else None


def test_numbers_and_rows_are_counted() -> None:
    (rows,) = describe(np.array([[1, 1, 0], [0, 2, 0]]), "y", sample=True)
    (column,) = describe(np.array([[3], [3]]), "y", sample=True)
    assert rows.facts is not None
    assert column.facts is not None
    assert (rows.facts.distinct, rows.facts.seen, rows.facts.sums, rows.facts.filled) == (3, 6, (2, 2), 2)
    assert (rows.facts.second, column.facts.second) == (1, None)
    assert (column.facts.distinct, column.facts.seen, column.facts.sums, column.facts.filled) == (1, 2, None, 0)


def test_the_look_is_bounded() -> None:
    lazy = Lazy()
    (data,) = describe(lazy, "y", sample=True)
    assert data.shape == (10_000_000, 3)
    assert lazy.read <= SAMPLE


def test_a_data_set_says_its_own_shapes_and_is_not_read() -> None:
    import tensorflow as tf

    read: list[int] = []

    def one(i: Any) -> tuple[Any, Any]:
        tf.py_function(lambda: read.append(1), [], [])
        return tf.zeros((8, 8, 1)), tf.zeros((10,))

    dataset = tf.data.Dataset.range(12).map(one).batch(4)
    x, y, _ = parts_of(dataset, "train")
    assert [d.shape for d in x] == [(None, 8, 8, 1)]
    assert [(d.name, d.shape) for d in y] == [("labels of train", (None, 10))]
    assert not read
    fixed = dataset.unbatch().batch(4, drop_remainder=True)
    assert parts_of(fixed)[0][0].shape == (4, 8, 8, 1)


def test_a_data_set_of_tables_and_weights() -> None:
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(({"a": X, "b": X}, X[:, 0], X[:, 1])).batch(2)
    x, y, weights = parts_of(dataset)
    assert [d.name for d in x] == ["x['a']", "x['b']"]
    assert (len(y), len(weights)) == (1, 1)


def test_a_generator_is_not_advanced() -> None:
    cells = [
        "import keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\nmodel.compile('sgd', 'mse')",
        "model.fit(batches, steps_per_epoch=2)",
    ]
    pulled: list[int] = []

    def batches() -> Iterator[Any]:
        while True:
            pulled.append(1)
            yield X, X[:, :2]

    report = check_cells(cells, {"batches": batches()}, dry_run=True)
    assert not pulled
    assert report.ok
    contract = report.models[0].contract
    assert contract is not None
    assert (contract.method, contract.x, contract.y) == ("fit", (), ())


def test_many_small_arrays_are_no_hang() -> None:
    """A list of 20,000 images is a mistake that Keras refuses; it must not take minutes to say so."""
    import time

    cells = [
        "import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])\nmodel.compile('sgd', 'mse')",
        "model.fit(images, labels)",
    ]
    start = time.monotonic()
    check_cells(cells, {"images": [X[0]] * 20_000, "labels": list(np.zeros(20_000))}, dry_run=True)
    assert time.monotonic() - start < 60


def test_the_rarest_number_is_found_wherever_it_stands() -> None:
    words = np.zeros((40_000, 5), "int32")
    words[-1, -1] = 9
    assert describe(words, "x", ranged=True)[0].indices == (0, 9)
    assert describe(words, "x")[0].indices is None


def test_of_an_array_that_lies_on_a_disk_little_is_read_for_its_range() -> None:
    asked: list[int] = []

    class Stored:
        shape, dtype = (10**9, 4), np.dtype("int32")

        def __getitem__(self, rows: slice) -> Any:
            asked.append(rows.stop)
            return np.ones((rows.stop, 4), "int32")

    assert describe(Stored(), "x", ranged=True)[0].indices == (1, 1)
    assert asked == [SAMPLE // 4]
