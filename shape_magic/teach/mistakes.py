"""Correct cells of varied size and depth, each with the mistake that breaks it: what exercises are made of.

A mistake is an edit of the source. Nothing here is trusted: an exercise is only set when the check finds
nothing in the correct cell, and in the broken one exactly the rule that it is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Draft:
    """A correct cell, and the edits that make it a broken one."""

    correct: str
    #: What stands there, and what a learner writes in its place; each stands there once.
    edits: tuple[tuple[str, str], ...]
    memory_budget: int | None = None

    @property
    def broken(self) -> str:
        """The cell with the mistake in it."""
        text = self.correct
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{old!r} does not stand exactly once in\n{text}")
            text = text.replace(old, new)
        return text


Maker = Callable[[Random], Draft]

_IMAGES = """\
rng = np.random.default_rng({seed})
x_train = rng.random(({count}, {size}, {size}, {channels}), "float32")
"""
_SERIES = """\
rng = np.random.default_rng({seed})
x_train = rng.random(({count}, {steps}, {features}), "float32")
"""
_CLASSES = "y_train = np.arange({count}) % {classes}\n"
_MODEL = "model = keras.Sequential(\n    [\n{layers}    ]\n)\n"
_FIT = 'model.compile(optimizer="adam", loss="{loss}")\nmodel.fit(x_train, y_train, epochs=1, verbose=0)\n'


def _stack(*layers: str) -> str:
    return _MODEL.format(layers="".join(f"        {layer},\n" for layer in layers))


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Numbers for one cell, no two of which are easily taken for each other."""

    seed: int
    count: int
    size: int
    channels: int
    steps: int
    features: int
    classes: int
    filters: tuple[int, int, int]
    depth: int

    @property
    def images(self) -> str:
        """A cell's first lines for a classifier of images."""
        return (_IMAGES + _CLASSES).format(**self._named())

    @property
    def series(self) -> str:
        """The same for a classifier of sequences."""
        return (_SERIES + _CLASSES).format(**self._named())

    def _named(self) -> dict[str, int]:
        names = ("seed", "count", "size", "channels", "steps", "features", "classes")
        return {name: getattr(self, name) for name in names}


def _sizes(random: Random) -> _Sizes:
    first = random.choice([4, 8, 12])
    return _Sizes(
        seed=random.randrange(100),
        count=random.choice([24, 36, 48]),
        size=random.choice([20, 24, 28, 32]),
        channels=random.choice([1, 3]),
        steps=random.choice([20, 30, 40]),
        features=random.choice([2, 5, 6]),
        classes=random.choice([4, 7, 10]),
        filters=(first, first * 2, first * 3),
        depth=random.choice([1, 2]),
    )


def _convolutions(s: _Sizes, kind: str = "2D") -> list[str]:
    layers = []
    for filters in s.filters[: s.depth]:
        layers += [f'layers.Conv{kind}({filters}, 3, activation="relu")', f"layers.MaxPooling{kind}(2)"]
    return layers


_SPARSE = _FIT.format(loss="sparse_categorical_crossentropy")


def _no_flatten(random: Random) -> Draft:
    s = _sizes(random)
    join = random.choice(["layers.Flatten()", "layers.GlobalAveragePooling2D()"])
    head = f'layers.Dense({s.classes}, activation="softmax")'
    start = f"layers.Input(({s.size}, {s.size}, {s.channels}))"
    cell = s.images + _stack(start, *_convolutions(s), join, head) + _SPARSE
    return Draft(cell, ((f"        {join},\n", ""),))


def _no_pooling_over_time(random: Random) -> Draft:
    s = _sizes(random)
    join = random.choice(["layers.Flatten()", "layers.GlobalMaxPooling1D()"])
    head = f'layers.Dense({s.classes}, activation="softmax")'
    start = f"layers.Input(({s.steps}, {s.features}))"
    cell = s.series + _stack(start, *_convolutions(s, "1D"), join, head) + _SPARSE
    return Draft(cell, ((f"        {join},\n", ""),))


def _every_step_by_accident(random: Random) -> Draft:
    s = _sizes(random)
    layer = f"layers.{random.choice(['LSTM', 'GRU'])}({s.filters[1]})"
    head = f'layers.Dense({s.classes}, activation="softmax")'
    cell = s.series + _stack(f"layers.Input(({s.steps}, {s.features}))", layer, head) + _SPARSE
    return Draft(cell, ((layer, f"{layer[:-1]}, return_sequences=True)"),))


def _last_step_in_a_stack(random: Random) -> Draft:
    s = _sizes(random)
    kind = random.choice(["LSTM", "GRU"])
    lower = [f"layers.{kind}({n}, return_sequences=True)" for n in s.filters[: s.depth]]
    head = f'layers.Dense({s.classes}, activation="softmax")'
    stack = _stack(f"layers.Input(({s.steps}, {s.features}))", *lower, f"layers.{kind}({s.filters[2]})", head)
    forgotten = random.choice(lower)
    return Draft(s.series + stack + _SPARSE, ((forgotten, forgotten.replace(", return_sequences=True", "")),))


def _flatten_too_early(random: Random) -> Draft:
    s = _sizes(random)
    first, second, _ = s.filters
    after = f'        layers.Conv2D({second}, 3, activation="relu"),\n'
    early = f"        layers.MaxPooling2D(2),\n{after}        layers.Flatten(),\n"
    stack = _stack(
        f"layers.Input(({s.size}, {s.size}, {s.channels}))",
        f'layers.Conv2D({first}, 3, activation="relu")',
        "layers.MaxPooling2D(2)",
        f'layers.Conv2D({second}, 3, activation="relu")',
        "layers.Flatten()",
        f'layers.Dense({s.classes}, activation="softmax")',
    )
    late = f"        layers.MaxPooling2D(2),\n        layers.Flatten(),\n{after}"
    return Draft(s.images + stack + _SPARSE, ((early, late),))


def _no_channels(random: Random) -> Draft:
    s = _sizes(random)
    grey = re.sub(r"x_train = .*", f'x_train = rng.random(({s.count}, {s.size}, {s.size}, 1), "float32")', s.images)
    start = f"layers.Input(({s.size}, {s.size}, 1))"
    head = f'layers.Dense({s.classes}, activation="softmax")'
    cell = grey + _stack(start, *_convolutions(s), "layers.Flatten()", head) + _SPARSE
    sizes = f"{s.size}, {s.size}"
    return Draft(cell, ((f"({s.count}, {sizes}, 1)", f"({s.count}, {sizes})"), (start, f"layers.Input(({sizes}))")))


def _too_many_poolings(random: Random) -> Draft:
    s = _sizes(random)
    size = random.choice([10, 11, 12])
    data = s.images.replace(f"{s.size}, {s.size}", f"{size}, {size}")
    layers = []
    for filters in s.filters:
        layers += [f'layers.Conv2D({filters}, 3, padding="same", activation="relu")', "layers.MaxPooling2D(2)"]
    head = f'layers.Dense({s.classes}, activation="softmax")'
    start = f"layers.Input(({size}, {size}, {s.channels}))"
    cell = data + _stack(start, *layers[:-1], "layers.Flatten()", head) + _SPARSE
    edits = tuple((f'({n}, 3, padding="same", ', f"({n}, 3, ") for n in s.filters)
    return Draft(cell, edits)


def _window_too_long(random: Random) -> Draft:
    s = _sizes(random)
    steps = random.choice([8, 9, 10])
    data = s.series.replace(f"({s.count}, {s.steps},", f"({s.count}, {steps},")
    last = f'layers.Conv1D({s.filters[1]}, 2, activation="relu")'
    head = f'layers.Dense({s.classes}, activation="softmax")'
    first = (f'layers.Conv1D({s.filters[0]}, 3, activation="relu")', "layers.MaxPooling1D(2)")
    stack = _stack(f"layers.Input(({steps}, {s.features}))", *first, last, "layers.Flatten()", head)
    return Draft(data + stack + _SPARSE, ((last, last.replace(", 2,", f", {random.choice([5, 7])},")),))


def _units_for_classes(random: Random) -> Draft:
    s = _sizes(random)
    start = f"layers.Input(({s.size}, {s.size}, {s.channels}))"
    one_hot = f"y_train = keras.utils.to_categorical(np.arange({s.count}) % {s.classes}, {s.classes})\n"
    data = re.sub(r"y_train = .*\n", one_hot, s.images)
    head = f'layers.Dense({s.classes}, activation="softmax")'
    wrong = head.replace(f"({s.classes},", f"({s.classes + random.choice([-2, -1, 2, 5])},")
    fit = _FIT.format(loss="categorical_crossentropy")
    return Draft(data + _stack(start, *_convolutions(s), "layers.Flatten()", head) + fit, ((head, wrong),))


def _loss_for_other_labels(random: Random) -> Draft:
    s = _sizes(random)
    start = f"layers.Input(({s.steps}, {s.features}))"
    head = f'layers.Dense({s.classes}, activation="softmax")'
    stack = _stack(start, f"layers.LSTM({s.filters[1]})", head)
    one_hot = f"y_train = keras.utils.to_categorical(np.arange({s.count}) % {s.classes}, {s.classes})\n"
    sparse, dense = '"sparse_categorical_crossentropy"', '"categorical_crossentropy"'
    if random.random() < 0.5:
        return Draft(s.series + stack + _SPARSE, ((sparse, dense),))
    data = re.sub(r"y_train = .*\n", one_hot, s.series)
    return Draft(data + stack + _FIT.format(loss="categorical_crossentropy"), ((dense, sparse),))


def _mask_of_another_size(random: Random) -> Draft:
    s = _sizes(random)
    data = _IMAGES.format(**{k: getattr(s, k) for k in ("seed", "count", "size", "channels")})
    data += 'y_train = (x_train[..., :1] > 0.5).astype("float32")\n'
    convolutions = [f'layers.Conv2D({n}, 3, padding="same", activation="relu")' for n in s.filters[: s.depth + 1]]
    start = f"layers.Input(({s.size}, {s.size}, {s.channels}))"
    stack = _stack(start, *convolutions, 'layers.Conv2D(1, 1, activation="sigmoid")')
    forgotten = random.choice(convolutions)
    edit = (forgotten, forgotten.replace(' padding="same",', ""))
    return Draft(data + stack + _FIT.format(loss="binary_crossentropy"), (edit,))


def _branches(random: Random) -> Draft:
    s = _sizes(random)
    n = s.filters[1]
    kept = f'x = layers.Conv2D({n}, 3, padding="same")(x)\n'
    cell = (
        f"{s.images}inputs = keras.Input(({s.size}, {s.size}, {s.channels}))\n"
        f'skip = layers.Conv2D({n}, 3, padding="same", activation="relu")(inputs)\n'
        f'x = layers.Conv2D({n}, 3, padding="same", activation="relu")(skip)\n'
        f"{kept}x = layers.Add()([x, skip])\n"
        f"x = layers.GlobalAveragePooling2D()(x)\n"
        f'outputs = layers.Dense({s.classes}, activation="softmax")(x)\n'
        f"model = keras.Model(inputs, outputs)\n{_SPARSE}"
    )
    wrong = kept.replace(', padding="same"', "") if random.random() < 0.5 else kept.replace(f"({n},", f"({n * 2},")
    return Draft(cell, ((kept, wrong),))


def _window_without_brackets(random: Random) -> Draft:
    s = _sizes(random)
    first, second, _ = s.filters
    window = f'layers.Conv2D({second}, (3, 3), activation="relu")'
    stack = _stack(
        f"layers.Input(({s.size}, {s.size}, {s.channels}))",
        f'layers.Conv2D({first}, (3, 3), activation="relu")',
        *(["layers.MaxPooling2D(2)"] if s.depth == 2 else []),
        window,
        "layers.GlobalAveragePooling2D()",
        f'layers.Dense({s.classes}, activation="softmax")',
    )
    return Draft(s.images + stack + _SPARSE, ((window, window.replace("(3, 3)", "3, 3")),))


def _decoder(random: Random) -> Draft:
    s = _sizes(random)
    side, deep = random.choice([5, 6, 7]), s.filters[1]
    data = (
        f'rng = np.random.default_rng({s.seed})\nx_train = rng.random(({s.count}, 12), "float32")\n'
        f'y_train = rng.random(({s.count}, {side * 2}, {side * 2}, 1), "float32")\n'
    )
    units = f"layers.Dense({side} * {side} * {deep}, "
    stack = _stack(
        "layers.Input((12,))",
        f'{units}activation="relu")',
        f"layers.Reshape(({side}, {side}, {deep}))",
        f'layers.Conv2DTranspose({s.filters[0]}, 3, strides=2, padding="same", activation="relu")',
        'layers.Conv2D(1, 3, padding="same", activation="sigmoid")',
    )
    wrong = random.choice([f"layers.Dense({side} * {deep}, ", f"layers.Dense({side + 1} * {side + 1} * {deep}, "])
    return Draft(data + stack + _FIT.format(loss="mse"), ((units, wrong),))


def _flatten_of_any_size(random: Random) -> Draft:
    s = _sizes(random)
    pool = random.choice(["Average", "Max"])
    head = f'layers.Dense({s.classes}, activation="softmax")'
    if random.random() < 0.5:
        join, start, data = f"layers.Global{pool}Pooling2D()", f"layers.Input((None, None, {s.channels}))", s.images
        body = _convolutions(s)
    else:
        join, start, data = f"layers.Global{pool}Pooling1D()", f"layers.Input((None, {s.features}))", s.series
        body = _convolutions(s, "1D")
    return Draft(data + _stack(start, *body, join, head) + _SPARSE, ((join, "layers.Flatten()"),))


def _no_activation(random: Random) -> Draft:
    s = _sizes(random)
    start = f"layers.Input(({s.steps}, {s.features}))"
    if random.random() < 0.5:
        head, loss, data = (
            f'layers.Dense({s.classes}, activation="softmax")',
            "sparse_categorical_crossentropy",
            s.series,
        )
    else:
        head, loss = 'layers.Dense(1, activation="sigmoid")', "binary_crossentropy"
        data = re.sub(r"% \d+\n", "% 2\n", s.series)
    stack = _stack(start, *_convolutions(s, "1D"), "layers.GlobalAveragePooling1D()", head)
    return Draft(data + stack + _FIT.format(loss=loss), ((head, head.split(",", maxsplit=1)[0] + ")"),))


def _tagger(random: Random) -> Draft:
    s = _sizes(random)
    data = _SERIES.format(**{k: getattr(s, k) for k in ("seed", "count", "steps", "features")})
    data += f"y_train = np.arange({s.count} * {s.steps}).reshape({s.count}, {s.steps}) % {s.classes}\n"
    layer = f"layers.{random.choice(['LSTM', 'GRU'])}({s.filters[1]}, return_sequences=True)"
    head = f'layers.Dense({s.classes}, activation="softmax")'
    stack = _stack(f"layers.Input(({s.steps}, {s.features}))", layer, head)
    return Draft(data + stack + _SPARSE, ((layer, layer.replace(", return_sequences=True", "")),))


#: Rules with cells of their own; the others take theirs from the rule's document.
MAKERS: Mapping[str, tuple[Maker, ...]] = {
    "dense-on-feature-map": (_no_flatten, _no_pooling_over_time, _every_step_by_accident),
    "layer-input-rank": (_last_step_in_a_stack, _flatten_too_early, _no_channels),
    "window-larger-than-input": (_too_many_poolings, _window_too_long),
    "output-against-labels": (_units_for_classes, _loss_for_other_labels),
    "map-of-another-size": (_mask_of_another_size,),
    "merge-of-different-shapes": (_branches,),
    "strides-by-position": (_window_without_brackets,),
    "reshape-size-mismatch": (_decoder,),
    "flatten-open-axes": (_flatten_of_any_size,),
    "activation-against-loss": (_no_activation,),
    "steps-lost-before-labels": (_tagger,),
}
