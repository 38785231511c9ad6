"""What really happens: a cell run by plain Keras, and the models that it leaves."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.differential.recipes import BATCH, NAMES, Shape


@dataclass(frozen=True)
class Row:
    """A layer's call in a built model, by the names that lead to it."""

    path: tuple[str, ...]
    class_name: str
    outputs: tuple[Shape, ...]


@dataclass(frozen=True)
class Outcome:
    """How a run of a cell ended."""

    error: Exception | None
    namespace: dict[str, Any]
    #: What it printed, Python's warnings too.
    printed: str

    @property
    def model(self) -> Any:
        """What the cell calls its model; None where it did not come to that."""
        return next((self.namespace[name] for name in NAMES if name in self.namespace), None)

    @property
    def raised(self) -> str:
        """The exception in one line; empty: there was none."""
        return "" if self.error is None else f"{type(self.error).__name__}: {self.error}"


@contextlib.contextmanager
def eager() -> Iterator[None]:
    """Steps are run as they are, and not compiled: a fourth of the time, with the same shapes."""
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


#: In an eager step their kernels divide by zero, which ends the process, where a compiled one says what is wrong.
_ABORTS = "Adaptive"


def step(source: str, *, exact: bool) -> contextlib.AbstractContextManager[None]:
    """How the steps of a cell are run: compiled, as they are by default, or eagerly where that is the same."""
    return contextlib.nullcontext() if exact or _ABORTS in source else eager()


def said_to_zeros(model: Any, source: str) -> str:
    """What a model says to a batch of zeros, in one line; empty where it computes."""
    import keras
    import numpy as np
    import tensorflow as tf

    def zeros(symbol: Any) -> Any:
        shape = (BATCH, *(4 if d is None else d for d in symbol.shape[1:]))
        return np.full(shape, "a") if symbol.dtype == "string" else np.zeros(shape, symbol.dtype)

    given = [zeros(symbol) for symbol in model.inputs]
    call = tf.function(model) if _ABORTS in source else model
    try:
        call(keras.tree.map_structure(tf.constant, given[0] if len(given) == 1 else given))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what Keras does
        return f"{type(error).__name__}: {error}"
    return ""


def fresh() -> None:
    """Keras as after its import: names count from the start again."""
    import keras

    keras.utils.clear_session(free_memory=False)


def run(source: str, namespace: dict[str, Any] | None = None) -> Outcome:
    """Run a cell by itself, with nothing of ours about it."""
    fresh()
    ns: dict[str, Any] = {"__name__": "__main__"} | (namespace or {})
    printed = io.StringIO()
    error = None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            exec(compile(source, "<plain>", "exec"), ns)
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is what Keras does
            error = raised
    return Outcome(error, ns, printed.getvalue())


def rows(model: Any) -> Counter[Row] | None:
    """The calls in a built model, those in its nested models too; None where it is not built."""
    import keras

    graph = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    if graph is None or not hasattr(graph, "_nodes_by_depth"):
        return None
    found: Counter[Row] = Counter()
    for node in (n for some in graph._nodes_by_depth.values() for n in some):
        layer = node.operation
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            inner = rows(layer)
            if inner is None:
                return None
            found.update({Row((layer.name, *row.path), row.class_name, row.outputs): n for row, n in inner.items()})
        else:
            shapes = tuple(tuple(t.shape) for t in node.outputs)
            found[Row((layer.name,), type(layer).__name__, shapes)] += 1
    return found


def parameters(model: Any) -> dict[tuple[str, ...], int]:
    """The weights of each layer, in numbers; of a nested model, of its layers."""
    import keras

    found: dict[tuple[str, ...], int] = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= {(layer.name, *path): count for path, count in parameters(layer).items()}
        elif not isinstance(layer, keras.layers.InputLayer):
            found[layer.name,] = layer.count_params()
    return found
