"""What a cell leaves behind, alone and checked: names, objects, and all that is drawn or counted after it."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.kernel.shells import Ran, Shell, opened
from tests.world.world import differences, picture

#: What the cells of these tests begin with: data, and everything that draws or counts at its start.
START = """\
import keras, numpy as np, random, tensorflow as tf
from keras import layers
keras.backend.clear_session()
keras.utils.set_random_seed(7)
x = np.zeros((20, 8, 8, 1), "float32")
y = np.eye(10, dtype="float32")[np.arange(20) % 10]
"""


@dataclass
class Life:
    """What one run of some cells left behind."""

    #: The cell's own names.
    names: set[str]
    #: The types of their values, and of Keras' objects the names and configurations.
    values: dict[str, Any]
    #: The next number or name of each kind.
    draws: dict[str, Any]
    #: The exceptions that ended the cells, by their types.
    errors: list[str]
    #: What the world is not as before, run by us or not.
    changed: list[str]
    ran: list[Ran] = field(repr=False, default_factory=list, compare=False)


def lived(cells: Sequence[str], *, checked: bool, before: Sequence[str] = ()) -> Life:
    """Run cells in a shell of their own, ``checked`` or alone, and look at what is left."""
    with opened(extension=checked) as shell:
        shell.must(START, *before)
        if checked:
            shell.must("%shapecheck on")
        known, world = set(shell.ns), picture(shell.ip)
        ran = [shell.run(cell) for cell in cells]
        changed = differences(world, picture(shell.ip), ("its names", "open files", "sources", *_BY_ANY_CELL))
        return _life(shell, known, ran, changed)


#: What any cell that trains may do for the first time.
_BY_ANY_CELL = ("loggers", "child processes", "threads: ")


def _life(shell: Shell, known: set[str], ran: list[Ran], changed: list[str]) -> Life:
    names = {name for name in shell.ns if not name.startswith("_")}
    values = {name: value_of(shell.ns[name]) for name in sorted(names - known)}
    errors = [type(one.error).__name__ if one.error is not None else "" for one in ran]
    return Life(names, values, draws(), errors, changed, ran)


def draws() -> dict[str, Any]:
    """What comes next: a difference says that somebody has drawn or counted in between."""
    layer = keras.layers.Dense(1)
    return {
        "random": random.random(),
        "numpy": float(np.random.rand()),  # noqa: NPY002 - the global state is the point
        "tensorflow": float(tf.random.uniform(())),
        "keras": float(keras.random.uniform(())),
        "an initializer": layer.kernel_initializer.seed,
        "names": (layer.name, keras.layers.Flatten().name, keras.Sequential().name, keras.Input((1,)).name),
        "an optimizer": keras.optimizers.Adam().name,
        "a dropout": float(np.sum(keras.layers.Dropout(0.5)(np.ones((1, 64)), training=True))),
    }


def value_of(value: Any) -> Any:
    """What can be compared of a value: of a model everything that is saved of it."""
    if isinstance(value, keras.Layer):
        return saved(value)
    if isinstance(value, list | tuple) and value and len(value) < 50:
        return type(value).__name__, [value_of(one) for one in value]
    if isinstance(value, str | int | float | bool):
        return value
    return f"{type(value).__module__}.{type(value).__qualname__}"


def saved(layer: Any) -> dict[str, Any]:
    """A layer's or model's configuration, names, attributes and weights."""
    found = {
        "class": type(layer).__name__,
        "name": layer.name,
        "attributes": sorted(vars(layer)),
        "built": layer.built,
        "weights": [(w.path, w.numpy().tobytes()) for w in layer.weights],
        "nodes": (len(layer._inbound_nodes), len(layer._outbound_nodes)),
        "layers": [inner.name for inner in layer._flatten_layers(include_self=False)],
        "losses": len(layer._losses),
    }
    try:
        found["config"] = json.dumps(keras.saving.serialize_keras_object(layer), sort_keys=True, default=str)
        found["pickle"] = len(pickle.dumps(layer)) > 0
    except Exception as error:  # noqa: BLE001 - a lambda can't be pickled: alone or checked
        found["config"] = type(error).__name__
    return found
