"""Reports made by hand: what every display is tested with, without Keras.

``ALL`` names them; each value is a function without arguments, so that no test can spoil another's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from shape_magic.facts import Call, Contract, Data, Failure, LabelFacts, LossFacts, Model
from shape_magic.report import Action, Diagnostic, Effect, Fix, Related, Report
from shape_magic.spans import Axes, CellId, Edit, Shape, Span

#: The axes' names by rank, where a sample does not say otherwise.
AXES: dict[int, Axes] = {
    1: ("batch",),
    2: ("batch", "features"),
    3: ("batch", "time", "features"),
    4: ("batch", "height", "width", "channels"),
    5: ("batch", "depth", "height", "width", "channels"),
}

SEED = """\
model = keras.Sequential([
    layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(64, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=3)
"""


def axes_of(shape: Shape) -> Axes:
    """The usual names of a shape's axes; ``"?"`` from rank 6 on."""
    return AXES.get(len(shape), ("?",) * len(shape))


def find(source: str, text: str, cell: CellId = 0) -> Span:
    """The first place of a one-line text in a cell."""
    position = source.index(text)
    line = source.count("\n", 0, position) + 1
    column = position - (source.rfind("\n", 0, position) + 1)
    return Span(cell, line, column, line, column + len(text))


@dataclasses.dataclass(frozen=True, slots=True)
class Told(Call):
    """A call of which is said what its arguments would make: samples have none."""

    words: str = ""

    @property
    def summary(self) -> str:
        """The words."""
        return self.words


def retold(call: Call, words: str, **changes: Any) -> Call:
    """A sample's call of which other words are said."""
    assert isinstance(call, Told)
    return dataclasses.replace(call, words=words, **changes)


def row(
    number: int,
    class_name: str,
    layer: str,
    summary: str,
    inputs: Sequence[Shape],
    output: Shape | None,
    params: int = 0,
    *,
    reads: tuple[int, ...] | None = None,
    span: Span | None = None,
    failure: Failure | None = None,
    path: tuple[str, ...] = (),
) -> Call:
    """A call that reads the one before it, unless ``reads`` says otherwise."""
    outputs = () if output is None else (output,)
    return Told(
        call=number,
        index=number,
        layer=layer,
        class_name=class_name,
        path=path or (layer,),
        inputs=(number - 1,) if reads is None else reads,
        arguments={},
        words=summary,
        input_shapes=tuple(inputs),
        output_shapes=outputs,
        input_axes=tuple(axes_of(shape) for shape in inputs),
        output_axes=tuple(axes_of(shape) for shape in outputs),
        params=params,
        bytes=4 * params,
        span=span,
        placed=span,
        bases=(class_name, "Layer"),
        failure=failure,
    )


def chain(start: Shape, *steps: tuple[str, str, str, Shape | None, int]) -> tuple[Call, ...]:
    """Calls one after another: ``(class, layer, summary, output, params)`` each."""
    calls: list[Call] = []
    shape: Shape | None = start
    for number, (class_name, layer, summary, output, params) in enumerate(steps):
        inputs = () if shape is None else (shape,)
        calls.append(row(number, class_name, layer, summary, inputs, output, params))
        shape = output
    return tuple(calls)


def model_of(name: str, x: Data, calls: tuple[Call, ...], contract: Contract | None = None) -> Model:
    """A Sequential model of these calls."""
    params = sum(call.params for call in calls)
    last = calls[-1].output_shape if calls else None
    return Model(
        name=name,
        keras_name="sequential",
        kind="Sequential",
        params=params,
        bytes=4 * params,
        inputs=(x,),
        calls=calls,
        outputs=() if last is None else (last,),
        span=None,
        contract=contract,
    )


def diagnostic(rule: str, title: str, message: str, **changes: object) -> Diagnostic:
    """An error at model 0 with four hints; ``changes`` replaces any field."""
    plain = Diagnostic(
        rule=rule,
        severity="error",
        model=0,
        call=None,
        span=None,
        related=(),
        title=title,
        message=message,
        values={},
        hints=("Where?", "What?", "Why?", "How?"),
        expected=None,
        actual=None,
        keras_message=None,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def insertion(source: str, before: str, code: str, calls: tuple[Call, ...], label: str, note: str) -> Fix:
    """A fix of cell 0 that puts a line before another."""
    place = find(source, before)
    indent = " " * place.start_col
    text = f"{code},\n{indent}"
    start = source.index(before)
    at = Span(place.cell, place.start_line, place.start_col, place.start_line, place.start_col)
    return Fix(
        title=f"Insert {label}() before dense",
        note=note,
        safety="choice",
        verified=True,
        complete=True,
        cell=0,
        source=source[:start] + text + source[start:],
        edits=(Edit(at, text),),
        rerun=(0,),
        trains=True,
        epochs=3,
        effect=Effect(calls[-1].output_shape, sum(call.params for call in calls), calls),
        diff=(("+", f"{indent}{code},"), (" ", f"{indent}{before},")),
        label=label,
    )


# The seed's model: one Flatten() short of a classifier.

IMAGES = Data("input", (None, 28, 28, 1), "float32")
X_TRAIN = Data("x_train", (60000, 28, 28, 1), "float32")
Y_TRAIN = Data("y_train", (60000, 10), "float32", LabelFacts(0.0, 1.0, integer=True, one_hot=True))
_STACK: tuple[tuple[str, str, str, Shape | None, int], ...] = (
    ("Conv2D", "conv2d", "32 filters 3×3, relu", (None, 26, 26, 32), 320),
    ("MaxPooling2D", "max_pooling2d", "pool 2×2", (None, 13, 13, 32), 0),
    ("Conv2D", "conv2d_1", "64 filters 3×3, relu", (None, 11, 11, 64), 18496),
    ("MaxPooling2D", "max_pooling2d_1", "pool 2×2", (None, 5, 5, 64), 0),
)
_WRITTEN = (
    'layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1))',
    "layers.MaxPooling2D((2, 2))",
    'layers.Conv2D(64, (3, 3), activation="relu")',
    "layers.MaxPooling2D((2, 2))",
    'layers.Dense(10, activation="softmax")',
)


def _seed_calls(*head: tuple[str, str, str, Shape | None, int]) -> tuple[Call, ...]:
    return chain((None, 28, 28, 1), *_STACK, *head)


def _seed_written() -> tuple[Call, ...]:
    calls = _seed_calls(("Dense", "dense", "10 units, softmax", (None, 5, 5, 10), 650))
    # Line by line: the two pooling layers are written alike.
    spans = [Span(0, line, 4, line, 4 + len(text)) for line, text in enumerate(_WRITTEN, start=2)]
    return tuple(dataclasses.replace(c, span=s, placed=s) for c, s in zip(calls, spans, strict=True))


def _seed_fixes(count: int) -> tuple[Fix, ...]:
    head = ("Dense", "dense", "10 units, softmax", (None, 10), 16010)
    flat = _seed_calls(("Flatten", "flatten", "joins 5×5×64", (None, 1600), 0), head)
    small = ("Dense", "dense", "10 units, softmax", (None, 10), 650)
    mean = _seed_calls(("GlobalAveragePooling2D", "global_average_pooling2d", "", (None, 64), 0), small)
    most = _seed_calls(("GlobalMaxPooling2D", "global_max_pooling2d", "", (None, 64), 0), small)
    dense = _WRITTEN[-1]
    return (
        insertion(
            SEED, dense, "layers.Flatten()", flat, "Flatten", "keeps where things are · 1,600 inputs · 16,010 params"
        ),
        insertion(
            SEED,
            dense,
            "layers.GlobalAveragePooling2D()",
            mean,
            "GlobalAveragePooling2D",
            "averages over positions · 64 inputs · 650 params",
        ),
        insertion(
            SEED,
            dense,
            "layers.GlobalMaxPooling2D()",
            most,
            "GlobalMaxPooling2D",
            "keeps the strongest of all positions · 64 inputs · 650 params",
        ),
    )[:count]


def seed_contract(output: Shape, failure: Failure | None = None) -> Contract:
    """The seed's ``fit``: images and one-hot labels."""
    return Contract(
        method="fit",
        x=(X_TRAIN,),
        y=(Y_TRAIN,),
        outputs=(output,),
        losses=(LossFacts("categorical_crossentropy", known=True, from_logits=False, failure=failure),),
        metrics=(LossFacts("accuracy", known=True),),
        span=find(SEED, "model.fit(x_train, y_train, epochs=3)"),
        compile_span=find(SEED, 'model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])'),
        epochs=3,
    )


def seed_with_labels() -> Report:
    """The headline bug: an error with three fixes, found at ``fit``."""
    calls = _seed_written()
    said = "Arguments `target` and `output` must have the same rank (ndim). Received: (None, 10), (None, 5, 5, 10)"
    contract = seed_contract((None, 5, 5, 10), Failure("ValueError", said))
    finding = diagnostic(
        "dense-on-feature-map",
        "One answer per position, but one label per image.",
        "dense (line 6) gets a 5×5 grid with 64 channels and answers at each of the 25 positions: output "
        "(batch, 5, 5, 10). y_train (60000, 10) holds one answer per image, so the loss can't compare them; "
        "join the 25 positions before dense.",
        call=4,
        span=calls[4].span,
        related=(Related(find(SEED, "y_train"), "labels"),),
        values={"layer": "dense", "line": 6, "positions": 25},
        hints=(
            "Look at line 6.",
            "dense gets a 5×5 grid.",
            "dense answers at every position.",
            "Join the positions before dense.",
        ),
        expected=(None, 10),
        actual=(None, 5, 5, 10),
        keras_message=said,
        fixes=_seed_fixes(3),
    )
    return Report((model_of("model", IMAGES, calls, contract),), (finding,), {0: SEED}, {0: "cell 1"})


def seed_without_labels() -> Report:
    """The same model before its ``fit``: a question, with "keep" as an answer."""
    calls = _seed_written()
    place = calls[4].span
    assert place is not None
    comment = "  # shapecheck: keep dense-on-feature-map"
    end = Span(0, place.end_line, place.end_col + 1, place.end_line, place.end_col + 1)
    kept = SEED.replace(_WRITTEN[-1] + ",", _WRITTEN[-1] + "," + comment)
    finding = diagnostic(
        "dense-on-feature-map",
        "One answer per image, or one per position?",
        "dense (line 6) answers at each of 25 positions: output (batch, 5, 5, 10), which Keras allows. For one "
        "answer per image, join the positions first; for a map, as in segmentation, keep it: the labels must "
        "then be (batch, 5, 5, 10).",
        severity="warning",
        call=4,
        span=place,
        actual=(None, 5, 5, 10),
        actions=(Action("keep", "Keep one answer per position", 0, kept, (Edit(end, comment),)),),
        fixes=tuple(dataclasses.replace(fix, trains=False, epochs=None) for fix in _seed_fixes(2)),
    )
    return Report((model_of("model", IMAGES, calls),), (finding,), {0: SEED}, {0: "cell 1"})


def green() -> Report:
    """The seed's model as it should be: nothing to say."""
    head = ("Dense", "dense", "10 units, softmax", (None, 10), 16010)
    calls = _seed_calls(("Flatten", "flatten", "joins 5×5×64", (None, 1600), 0), head)
    labels = Data("y_train", (60000,), "uint8", LabelFacts(0.0, 9.0, integer=True, one_hot=False))
    contract = dataclasses.replace(
        seed_contract((None, 10)), y=(labels,), losses=(LossFacts("sparse_categorical_crossentropy", known=True),)
    )
    return Report((model_of("model", IMAGES, calls, contract),), (), {0: SEED}, {0: "cell 1"})


def not_reached() -> Report:
    """A window larger than what is left of the image: two layers were never reached."""
    start: Shape = (None, 8, 8, 3)
    said = "Computed output size would be negative. Received: inputs.shape=(None, 1, 1, 32), kernel_size=(3, 3)"
    steps: tuple[tuple[str, str, str, Shape | None, int], ...] = (
        ("Conv2D", "conv2d", "16 filters 3×3", (None, 6, 6, 16), 448),
        ("MaxPooling2D", "pool", "pool 2×2", (None, 3, 3, 16), 0),
        ("Conv2D", "conv2d_1", "32 filters 3×3", (None, 1, 1, 32), 4640),
        ("Conv2D", "conv2d_2", "64 filters 3×3", None, 0),
        ("Flatten", "flatten", "", None, 0),
        ("Dense", "dense", "10 units", None, 0),
    )
    calls = list(chain(start, *steps))
    calls[3] = dataclasses.replace(calls[3], failure=Failure("ValueError", said))
    repaired = chain(
        start,
        *steps[:3],
        ("Conv2D", "conv2d_2", "64 filters 3×3, same", (None, 1, 1, 64), 18496),
        ("Flatten", "flatten", "joins 1×1×64", (None, 64), 0),
        ("Dense", "dense", "10 units", (None, 10), 650),
    )
    old, new = "model.add(Conv2D(64, 3))", 'model.add(Conv2D(64, 3, padding="same"))'
    source = f"model = make()\n{old}\nmodel.add(Flatten())\nmodel.add(Dense(10))\n"
    place = find(source, "Conv2D(64, 3)")
    calls[3] = dataclasses.replace(calls[3], span=place, placed=find(source, old))
    fix = Fix(
        title="Set padding to 'same' in conv2d_2",
        note="keeps the size · 18,496 params",
        safety="safe",
        verified=True,
        complete=True,
        cell=0,
        source=source.replace(old, new),
        edits=(Edit(Span(0, 2, place.end_col - 1, 2, place.end_col - 1), ', padding="same"'),),
        rerun=(0,),
        trains=False,
        epochs=None,
        effect=Effect((None, 10), 24234, repaired),
        diff=(("-", old), ("+", new)),
        label="padding",
    )
    finding = diagnostic(
        "window-larger-than-input",
        "The window is larger than the image.",
        "conv2d_2 (line 2) slides a 3×3 window, but only 1×1 of the image is left. "
        'Pad it with padding="same", or pool less before it.',
        call=3,
        span=place,
        actual=(None, 1, 1, 32),
        keras_message=said,
        fixes=(fix,),
    )
    x = Data("input", start, "float32")
    model = dataclasses.replace(model_of("model", x, tuple(calls)), params=5088)
    return Report((model,), (finding,), {0: source}, {0: "cell 1"})


def branches() -> Report:
    """Two inputs whose branches meet in a Concatenate with unequal ranks."""
    image: Shape = (None, 32, 32, 3)
    table: Shape = (None, 12)
    said = "A `Concatenate` layer requires inputs with matching shapes except for the concatenation axis."
    calls = (
        row(0, "Conv2D", "conv2d", "16 filters 3×3, relu", [image], (None, 30, 30, 16), 448, reads=(-1,)),
        row(1, "MaxPooling2D", "pool", "pool 2×2", [(None, 30, 30, 16)], (None, 15, 15, 16)),
        row(2, "Dense", "dense_meta", "32 units, relu", [table], (None, 32), 416, reads=(-2,)),
        row(
            3,
            "Concatenate",
            "concatenate",
            "along axis -1",
            [(None, 15, 15, 16), (None, 32)],
            None,
            reads=(1, 2),
            failure=Failure("ValueError", said),
        ),
        row(4, "Dense", "dense_out", "1 unit, sigmoid", [], None, reads=(3,)),
    )
    repaired = (
        *calls[:2],
        row(2, "Flatten", "flatten", "joins 15×15×16", [(None, 15, 15, 16)], (None, 3600)),
        row(3, "Dense", "dense_meta", "32 units, relu", [table], (None, 32), 416, reads=(-2,)),
        row(4, "Concatenate", "concatenate", "along axis -1", [(None, 3600), (None, 32)], (None, 3632), reads=(2, 3)),
        row(5, "Dense", "dense_out", "1 unit, sigmoid", [(None, 3632)], (None, 1), 3633, reads=(4,)),
    )
    source = "a = MaxPooling2D(name='pool')(a)\nm = Concatenate()([a, b])\n"
    fix = Fix(
        title="Insert Flatten() after pool",
        note="3,600 + 32 inputs · 4,497 params",
        safety="choice",
        verified=True,
        complete=True,
        cell=0,
        source=source.replace("\nm", "\na = Flatten()(a)\nm"),
        edits=(Edit(Span(0, 2, 0, 2, 0), "a = Flatten()(a)\n"),),
        rerun=(0,),
        trains=False,
        epochs=None,
        effect=Effect((None, 1), 4497, repaired),
        diff=(("+", "a = Flatten()(a)"), (" ", "m = Concatenate()([a, b])")),
        label="Flatten",
    )
    finding = diagnostic(
        "ranks-differ",
        "A grid can't be joined to a row of numbers.",
        "concatenate (line 2) gets (batch, 15, 15, 16) and (batch, 32). Flatten the image branch first.",
        call=3,
        span=find(source, "Concatenate()"),
        keras_message=said,
        fixes=(fix,),
    )
    model = Model(
        name="model",
        keras_name="functional",
        kind="Functional",
        params=864,
        bytes=3456,
        inputs=(Data("image", image, "float32"), Data("table", table, "float32")),
        calls=calls,
        outputs=(),
        span=None,
    )
    return Report((model,), (finding,), {0: source}, {0: "cell 2"})


#: Markup, an ANSI colour, an OSC title, a bell, a right-to-left override, an isolate, a lone surrogate, mathtext.
HOSTILE = "<b>&'\"</b>\x1b[31mred\x1b]0;t\x07 \u202elayer\u2066 \ud800 [bold]x[/bold] $\\frac{1$ `%%shapecheck`\r\n\t"


def hostile() -> Report:
    """The seed's error with strings that would break or disguise a display, and a very long name."""
    report = seed_with_labels()
    (model,), (finding,) = report.models, report.diagnostics
    long = "a_very_long_layer_name_" * 20
    calls = list(model.calls)
    calls[1] = retold(calls[1], long, layer=long, path=(long,))
    calls[4] = retold(calls[4], HOSTILE, layer=HOSTILE, path=(HOSTILE,), class_name=HOSTILE)
    contract = model.contract
    assert contract is not None
    contract = dataclasses.replace(
        contract,
        x=(dataclasses.replace(X_TRAIN, name=HOSTILE),),
        y=(dataclasses.replace(Y_TRAIN, name=HOSTILE, dtype=HOSTILE),),
        losses=(LossFacts(HOSTILE, known=False),),
    )
    fixes = tuple(
        dataclasses.replace(
            fix, title=HOSTILE, note=HOSTILE, label=HOSTILE, diff=(("-", HOSTILE), ("+", HOSTILE)), snippet=HOSTILE
        )
        for fix in finding.fixes
    )
    finding = dataclasses.replace(
        finding, title=HOSTILE, message=HOSTILE, keras_message=HOSTILE, hints=(HOSTILE,) * 4, fixes=fixes
    )
    model = dataclasses.replace(model, name=HOSTILE, keras_name=HOSTILE, calls=tuple(calls), contract=contract)
    return Report((model,), (finding,), {0: SEED}, {0: HOSTILE})


def several() -> Report:
    """A green model, a broken one, and five of equal architecture."""
    good, bad = green(), seed_with_labels()
    folds = tuple(dataclasses.replace(good.models[0], name=f"fold_{k}") for k in range(5))
    models = (dataclasses.replace(good.models[0], name="teacher"), bad.models[0], *folds)
    findings = tuple(dataclasses.replace(finding, model=1) for finding in bad.diagnostics)
    return Report(models, findings, bad.sources, bad.labels)


def two_broken() -> Report:
    """Two models with an error each."""
    first, second = seed_with_labels(), not_reached()
    other = dataclasses.replace(second.models[0], name="small")
    findings = (*first.diagnostics, *(dataclasses.replace(f, model=1) for f in second.diagnostics))
    return Report((*first.models, other), findings, first.sources, first.labels)


def deep(layers: int = 30) -> Report:
    """Unequal layers, none of which folds, and an error at the last but one."""
    steps: list[tuple[str, str, str, Shape | None, int]] = []
    size = 2 * layers + 8
    for k in range(layers - 3):
        shape: Shape = (None, size - 2 * (k + 1), size - 2 * (k + 1), 8 + k)
        steps.append(("Conv2D", f"conv2d_{k}", f"{8 + k} filters 3×3, relu", shape, 72 * (k + 1)))
    last = steps[-1][3]
    assert last is not None
    steps += [
        ("Dropout", "dropout", "rate 0.5", last, 0),
        ("Dense", "dense", "128 units, relu", (*last[:3], 128), 4736),
        ("Dense", "dense_1", "10 units, softmax", (*last[:3], 10), 1290),
    ]
    calls = chain((None, size, size, 3), *steps)
    finding = diagnostic(
        "dense-on-feature-map",
        "One answer per image, or one per position?",
        "dense answers at every position, which Keras allows. For one answer per image, join them first.",
        severity="warning",
        call=len(calls) - 2,
    )
    x = Data("input", (None, size, size, 3), "float32")
    return Report((model_of("model", x, calls),), (finding,))


def unlike(layers: int, broken: int | None = None) -> Report:
    """A chain of convolutions, no two alike, as long as asked for; ``broken``: which call fails, until a layer is put in."""
    image: Shape = (None, 32, 32, 7)
    steps: list[tuple[str, str, str, Shape | None, int]] = [
        ("Conv2D", f"conv2d_{k}", f"{8 + k} filters 3×3, 'same' padding", (None, 32, 32, 8 + k), 72 * (8 + k) * (7 + k))
        for k in range(layers)
    ]
    x = Data("input", image, "float32")
    if broken is None:
        return Report((model_of("model", x, chain(image, *steps)),), ())
    source = "layers.Conv2D(9, 3),\n"
    resized = ("Resizing", "resizing", "to 32×32", (None, 32, 32, 7 + broken), 0)
    fixed = chain(image, *steps[:broken], resized, *steps[broken:])
    fix = insertion(source, "layers.Conv2D(9, 3)", "layers.Resizing(32, 32)", fixed, "Resizing", "keeps all")
    lost = [(*step[:3], None, 0) for step in steps[broken:]]
    finding = diagnostic(
        "window-larger-than-input",
        "The window is larger than what is left of the input.",
        "It slides a window of 3×3 over 2×2.",
        call=broken,
        fixes=(fix,),
    )
    calls = chain(image, *steps[:broken], *lost)
    return Report((model_of("model", x, calls),), (finding,), {0: source})


def stacked(blocks: int = 5) -> Report:
    """Nested models in a row, three layers each: folds that lie in a fold; names with numbers of every kind."""
    image: Shape = (None, 8, 8, 16)
    calls: list[Call] = []
    for block in range(blocks):
        path = (f"stage_{block:02}", f"block{2 * block + 1}")
        for name in (f"conv_{block + 9}a{block}", f"norm_{block * block}", f"act{block:02}_3"):
            layer = name.partition("_")[0].rstrip("0123456789").title()
            k = len(calls)
            calls.append(row(k, layer, name, "same", [image], image, 1000 + 7 * block, path=(*path, name)))
    x = Data("input", image, "float32")
    return Report((model_of("model", x, tuple(calls)),), ())


def repeated(blocks: int = 12) -> Report:
    """A residual network of equal blocks, green: what folds."""
    image: Shape = (None, 32, 32, 64)
    calls = [row(0, "Conv2D", "stem", "64 filters 3×3", [(None, 32, 32, 3)], image, 1792)]
    for _ in range(blocks):
        k = len(calls)
        calls += [
            row(k, "Conv2D", f"conv2d_{k}", "64 filters 3×3, same", [image], image, 36928),
            row(k + 1, "BatchNormalization", f"batch_normalization_{k}", "", [image], image, 256),
            row(k + 2, "ReLU", f"re_lu_{k}", "", [image], image),
            row(k + 3, "Add", f"add_{k}", "", [image, image], image, reads=(k + 2, k - 1)),
        ]
    k = len(calls)
    calls.append(row(k, "GlobalAveragePooling2D", "gap", "", [image], (None, 64)))
    calls.append(row(k + 1, "Dense", "head", "10 units", [(None, 64)], (None, 10), 650))
    params = sum(call.params for call in calls)
    model = Model(
        name="resnet",
        keras_name="functional",
        kind="Functional",
        params=params,
        bytes=4 * params,
        inputs=(Data("image", (None, 32, 32, 3), "float32"),),
        calls=tuple(calls),
        outputs=((None, 10),),
        span=None,
    )
    return Report((model,), ())


def long_names() -> Report:
    """A real model's names at their longest: a frozen base called with several inputs, no place to edit."""
    name = "efficientnetv2-b0_block6h_expand_activation_and_squeeze_excite_reshape"
    calls = chain(
        (None, 224, 224, 3),
        ("Functional", name, f"{name}, 270 layers, frozen", (None, 7, 7, 1280), 5_919_312),
        ("Dense", "predictions_for_the_two_hundred_bird_species", "200 units, softmax", (None, 7, 7, 200), 256_200),
    )
    snippet = "predictions = layers.GlobalAveragePooling2D()(base_model.output)"
    fix = Fix(
        title=f"Insert GlobalAveragePooling2D() before {calls[1].layer}",
        note="averages over positions · 1,280 inputs · 256,200 params",
        safety="choice",
        verified=True,
        complete=False,
        cell=None,
        source=None,
        edits=(),
        rerun=(),
        trains=False,
        epochs=None,
        effect=None,
        snippet=snippet,
        label="GlobalAveragePooling2D",
    )
    finding = diagnostic(
        "dense-on-feature-map",
        "One answer per position, but one label per image.",
        f"{calls[1].layer} answers at each of 49 positions.",
        call=1,
        fixes=(fix,),
    )
    x = Data("augmented_training_images_of_birds", (None, 224, 224, 3), "float32")
    return Report((model_of("transfer_learning_model_for_birds", x, calls),), (finding,))


def nothing() -> Report:
    """A cell without a model."""
    return Report((), ())


ALL: dict[str, Callable[[], Report]] = {
    "seed_with_labels": seed_with_labels,
    "seed_without_labels": seed_without_labels,
    "green": green,
    "not_reached": not_reached,
    "branches": branches,
    "hostile": hostile,
    "several": several,
    "two_broken": two_broken,
    "deep": deep,
    "repeated": repeated,
    "long_names": long_names,
    "nothing": nothing,
}
