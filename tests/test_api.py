"""The doors for programs: ``check``, ``check_cell`` and ``check_cells``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import pytest
from keras import layers

import shape_magic
from shape_magic import check, check_cell, check_cells
from shape_magic.capture import hooks
from shape_magic.errors import UsageError
from shape_magic.report import Report

SCHEMA = json.loads(files("shape_magic").joinpath("schema.json").read_text(encoding="utf-8"))
SETUP = """\
import keras, numpy as np
from keras import layers
x = np.zeros((20, 8, 8, 1), 'float32')
y = np.eye(10, dtype='float32')[np.arange(20) % 10]
"""
SOUND = """\
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10, activation='softmax')])
model.compile('adam', 'categorical_crossentropy', metrics=['accuracy', keras.metrics.AUC(name='auc')])
"""
BROKEN = """\
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Dense(10, activation='softmax')])
model.compile('adam', 'categorical_crossentropy')
"""


def dry(*cells: str, ns: dict[str, Any] | None = None) -> Report:
    """A dry run of the setup and these cells, whose JSON obeys the schema."""
    report = check_cells([SETUP, *cells], ns, dry_run=True)
    valid(report)
    return report


def valid(report: Report) -> None:
    """The report as strict JSON, against the schema."""
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(report.to_dict(), allow_nan=False)))


def broken_model() -> Any:
    model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Dense(10, activation="softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model


# -- check


def test_check_takes_arrays() -> None:
    model = broken_model()
    report = check(model, np.zeros((20, 8, 8, 1)), np.eye(10)[:20])
    valid(report)
    assert [d.rule for d in report.diagnostics] == ["dense-on-feature-map"]
    fix = report.diagnostics[0].fixes[0]
    assert (fix.source, fix.cell, fix.edits, fix.rerun) == (None, None, (), ())
    assert "Flatten" in (fix.snippet or "")


def test_check_takes_shapes() -> None:
    assert check(broken_model(), (None, 8, 8, 1), (None, 6, 6, 10)).ok
    assert not check(broken_model(), (None, 8, 8, 1), (None, 10)).ok
    assert not check(broken_model(), (20, 8, 8, 3), (20, 6, 6, 10)).ok


def test_check_without_data_asks_a_question_or_nothing() -> None:
    assert [d.severity for d in check(broken_model()).diagnostics] == ["warning"]
    assert check(keras.Sequential([layers.Input((8,)), layers.Dense(3)])).ok


def test_a_given_loss_stands_for_the_compiled_one() -> None:
    model = keras.Sequential([layers.Input((8,)), layers.Dense(3, activation="softmax")])
    x, y = np.zeros((6, 8)), np.arange(6) % 3
    assert check(model, x, y, loss="sparse_categorical_crossentropy").ok
    assert not check(model, x, y, loss="categorical_crossentropy").ok
    assert not model.compiled


def test_check_leaves_the_model_as_it_is() -> None:
    model = broken_model()
    before = [w.copy() for w in model.get_weights()], model.optimizer.built, model.get_config()
    check(model, np.zeros((20, 8, 8, 1)), np.eye(10)[:20])
    assert all((a == b).all() for a, b in zip(before[0], model.get_weights(), strict=True))
    assert (model.optimizer.built, model.get_config()) == before[1:]
    assert not hooks.installed()


@pytest.mark.parametrize("thing", [None, 3, "model", layers.Dense(2), keras.Model, np.zeros(3)])
def test_what_is_no_model_is_refused_in_one_line(thing: Any) -> None:
    with pytest.raises(UsageError, match=r"is no Keras model$") as raised:
        check(thing)
    assert "\n" not in str(raised.value)


def test_a_keras_2_model_is_named_as_such() -> None:
    old = type("Sequential", (), {"__module__": "tf_keras.src.engine.sequential"})()
    with pytest.raises(UsageError, match="Keras 2"):
        check(old)


# -- check_cells


def test_the_cells_run_in_the_namespace_that_is_given() -> None:
    ns: dict[str, Any] = {"start": 4}
    report = check_cells(["import keras\nmodel = keras.Sequential([keras.Input((start,)), keras.layers.Dense(2)])"], ns)
    assert report.ok
    assert ns["model"].input_shape == (None, 4)
    assert report.models[0].name == "model"


def test_check_cell_is_check_cells_of_one() -> None:
    reports = []
    for door in (check_cell, lambda source, **options: check_cells([source], **options)):
        keras.backend.clear_session()
        reports.append(door(SETUP + BROKEN + "model.fit(x, y)", dry_run=True).to_dict())
    assert reports[0]["diagnostics"]
    assert reports[0] == reports[1]


def test_lines_of_ipython_are_passed_over(capfd: pytest.CaptureFixture[str]) -> None:
    report = dry(
        "%matplotlib inline\n!echo no\nfiles = !ls",
        "%%bash\necho no",
        "%%writefile gone.py\nimport nothing",
        "?keras\nkeras.Sequential?",
        BROKEN + "model.fit(x, y)",
    )
    assert report.diagnostics[0].span is not None
    assert report.diagnostics[0].span.cell == 5
    assert "no\n" not in capfd.readouterr().out


def test_await_at_the_top_of_a_cell() -> None:
    ns: dict[str, Any] = {}
    dry("import asyncio\nasync def three():\n    return 3\nn = await three()\n" + SOUND, ns=ns)
    assert ns["n"] == 3


def test_await_inside_a_running_loop() -> None:
    async def inside() -> dict[str, Any]:
        ns: dict[str, Any] = {}
        check_cells(["import asyncio\nn = await asyncio.sleep(0, 3)"], ns)
        return ns

    assert asyncio.run(inside())["n"] == 3


def test_a_dry_run_answers_with_stand_ins() -> None:
    ns: dict[str, Any] = {}
    report = dry(
        SOUND,
        "h = model.fit(x, y, epochs=3, validation_split=0.2)\np = model.predict(x)\ns = model.evaluate(x, y)\n"
        "d = model.evaluate(x, y, return_dict=True)\nb = model.train_on_batch(x, y)\nq = model.predict_on_batch(x[:2])",
        ns=ns,
    )
    assert report.ok
    history = ns["h"]
    assert isinstance(history, keras.callbacks.History)
    assert set(history.history) == {"loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"}
    assert {len(values) for values in history.history.values()} == {3}
    assert history.epoch == [0, 1, 2]
    assert (ns["p"].shape, ns["q"].shape) == ((20, 10), (2, 10))
    assert len(ns["s"]) == len(ns["b"]) == 3
    assert set(ns["d"]) == {"loss", "accuracy", "auc"}
    assert not ns["model"].optimizer.built


def test_zero_predictions_take_no_memory() -> None:
    import psutil

    ns: dict[str, Any] = {}
    cells = [
        "import keras, numpy as np\nmodel = keras.Sequential([keras.Input((1,)), keras.layers.Dense(10000)])\n"
        "x = np.zeros((1000000, 1), 'float32')",
        "p = model.predict(x)",
    ]
    before = psutil.Process().memory_info().rss
    check_cells(cells, ns, dry_run=True)
    assert ns["p"].shape == (1000000, 10000)
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


def test_a_prediction_may_be_written_to() -> None:
    ns: dict[str, Any] = {}
    dry(SOUND, "p = model.predict(x)\np[0] = 1\nlast = True", ns=ns)
    assert ns["last"] is True


def test_a_dry_run_trains_nothing_and_ends_at_the_first_error() -> None:
    ns: dict[str, Any] = {}
    report = dry(BROKEN + "before = model.get_weights()", "model.fit(x, y)\nreached = True", "also = True", ns=ns)
    assert [d.rule for d in report.diagnostics] == ["dense-on-feature-map"]
    assert "reached" not in ns
    assert "also" not in ns
    assert all((a == b).all() for a, b in zip(ns["before"], ns["model"].get_weights(), strict=True))


def test_without_dry_run_the_cells_train() -> None:
    ns: dict[str, Any] = {}
    assert check_cells([SETUP, SOUND, "h = model.fit(x, y, verbose=0)"], ns).ok
    assert ns["h"].history["loss"][0] > 0
    assert ns["model"].optimizer.built


def test_after_a_dry_run_the_model_trains() -> None:
    ns: dict[str, Any] = {}
    dry(SOUND, "model.fit(x, y)\nmodel.predict(x)", ns=ns)
    ns["model"].fit(ns["x"], ns["y"], verbose=0)


USER_ERRORS = {
    "NameError": "undefined",
    "ZeroDivisionError": "1 / 0",
    "KeyError": "{}['k']",
    "ValueError": "raise ValueError('mine')",
    "TypeError": "len(3)",
    "AssertionError": "assert x is None",
    "ImportError": "import nothing_of_that_name",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "SystemExit": "raise SystemExit(3)",
}


@pytest.mark.parametrize("name", USER_ERRORS)
@pytest.mark.parametrize(
    "before", ["a = 1", SOUND, BROKEN.partition("model.compile")[0]], ids=["plain", "sound", "question"]
)
def test_the_users_own_errors_are_raised_unchanged(name: str, before: str) -> None:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - which it is, is what is tested
        check_cells([SETUP, before, USER_ERRORS[name]], dry_run=True)
    assert (raised.type.__name__ == name) or (name == "ImportError" and issubclass(raised.type, ImportError))
    assert not hooks.installed()


def test_a_syntax_error_is_python_own() -> None:
    with pytest.raises(SyntaxError) as raised:
        check_cells(["a = 1", "b = ("])
    assert raised.value.text == "b = (\n" or raised.value.lineno == 1


def test_a_try_around_fit_is_the_users() -> None:
    ns: dict[str, Any] = {}
    cell = BROKEN + "try:\n    model.fit(x, y, verbose=0)\nexcept ValueError as error:\n    caught = str(error)\n"
    report = check_cells([SETUP, cell], ns)
    assert "`target` and `output` must have the same" in ns["caught"]
    assert [d.rule for d in report.diagnostics] == ["dense-on-feature-map"]


def test_several_models_in_a_cell() -> None:
    report = dry(
        SOUND.replace("model", "good") + BROKEN.replace("model", "bad") + "good.fit(x, y)\nbad.fit(x, y)",
    )
    assert [m.name for m in report.models] == ["good", "bad"]
    assert [d.model for d in report.diagnostics] == [1]


def test_a_k_fold_loop() -> None:
    inside = "".join(f"    {line}\n" for line in SOUND.splitlines())
    ns: dict[str, Any] = {}
    report = dry(
        f"scores = []\nfor fold in range(3):\n{inside}    model.fit(x, y)\n    scores.append(model.evaluate(x, y)[1])\n"
        "print(np.mean(scores))",
        ns=ns,
    )
    assert report.ok
    assert len(report.models) == 3
    assert ns["scores"] == [0.0, 0.0, 0.0]


def test_a_gan_by_hand() -> None:
    ns: dict[str, Any] = {}
    report = dry(
        "gen = keras.Sequential([layers.Input((4,)), layers.Dense(64), layers.Reshape((8, 8, 1))])\n"
        "disc = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1, activation='sigmoid')])\n"
        "disc.compile('adam', 'binary_crossentropy', metrics=['accuracy'])\ndisc.trainable = False\n"
        "noise_in = keras.Input((4,))\ngan = keras.Model(noise_in, disc(gen(noise_in)))\n"
        "gan.compile('adam', 'binary_crossentropy')\n",
        "for step in range(2):\n    noise = np.random.normal(0, 1, (8, 4))\n    fake = gen.predict(noise, verbose=0)\n"
        "    d = disc.train_on_batch(np.concatenate([x[:8], fake]), np.zeros((16, 1)))\n"
        "    g = gan.train_on_batch(noise, np.ones((8, 1)))\nlast = d[1], float(g)",
        ns=ns,
    )
    assert report.ok, str(report)
    assert ns["last"] == (0.0, 0.0)
    assert [m.name for m in report.models] == ["gen", "disc", "gan"]


def test_a_gan_with_wrong_labels_is_found() -> None:
    report = dry(
        "disc = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Dense(1, activation='sigmoid')])\n"
        "disc.compile('adam', 'binary_crossentropy')\nfor step in range(2):\n    disc.train_on_batch(x, np.ones((20, 1)))\n",
    )
    assert [(d.rule, d.severity) for d in report.diagnostics] == [("dense-on-feature-map", "error")]
    assert report.diagnostics[0].fixes


def test_generators_are_not_advanced_in_a_dry_run() -> None:
    pulled: list[int] = []

    def batches() -> Iterator[Any]:
        while True:
            pulled.append(1)
            yield np.zeros((2, 8, 8, 1)), np.zeros((2, 10))

    assert dry(SOUND, "model.fit(batches, steps_per_epoch=2, epochs=2)", ns={"batches": batches()}).ok
    assert not pulled


def test_autograph_finds_the_source_of_cells(capfd: pytest.CaptureFixture[str]) -> None:
    ns: dict[str, Any] = {}
    check_cells(
        [
            "import tensorflow as tf",
            "@tf.function\ndef f(t):\n    if tf.reduce_sum(t) > 0:\n        return t\n    return -t\nr = float(f(tf.constant(-2.0)))",
        ],
        ns,
    )
    assert ns["r"] == 2.0
    assert "AutoGraph could not" not in capfd.readouterr().err


@pytest.mark.parametrize("before", ["", "real = net(tf.zeros((2, 28, 28, 3)))\n"])
def test_data_that_a_traced_function_hands_on_are_told_of_once(before: str) -> None:
    report = check_cell(
        "import keras, numpy as np, tensorflow as tf\nfrom keras import layers\n"
        "net = keras.Sequential([layers.Input((28, 28, 3)), layers.Flatten(), layers.Dense(1)])\n"
        f"{before}images = tf.data.Dataset.from_tensor_slices(np.zeros((8, 28, 28))).batch(4)\n"
        "@tf.function\ndef step(batch):\n    return net(batch, training=True)\n"
        "for batch in images:\n    step(batch)\n",
        dry_run=True,
    )
    assert [(d.rule, "user code" in d.message) for d in report.diagnostics] == [("model-refuses-data", False)]


def test_a_check_inside_a_checked_run() -> None:
    """The functions may be called from a cell that is itself observed."""
    ns: dict[str, Any] = {"shape_magic": shape_magic}
    report = dry(
        SOUND + "inner = shape_magic.check(model, x, y)\ncells = shape_magic.check_cells(['import keras'])",
        BROKEN + "model.fit(x, y)",
        ns=ns,
    )
    assert ns["inner"].ok
    assert [d.rule for d in report.diagnostics] == ["dense-on-feature-map"]


def test_hostile_names_are_data() -> None:
    ns: dict[str, Any] = {}
    cell = (
        "model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3),"
        " layers.Dense(10, name='<script>alert(1)</script>\\x1b[31m')])\nmodel.compile('adam', 'categorical_crossentropy')\n"
        "model.fit(x, y)"
    )
    report = dry(cell, ns=ns)
    assert report.diagnostics
    assert "\x1b" not in str(report)


@pytest.mark.parametrize(
    "cell",
    [
        BROKEN + "model.fit(x, y)",
        SOUND + "model.fit(x, np.full(20, np.nan))",
        SOUND.replace("categorical", "sparse_categorical") + "model.fit(x, np.full(20, 99))",
        "i = keras.Input((8, 8, 1))\nh = layers.Flatten()(i)\nmodel = keras.Model(i, layers.Conv2D(3, 3)(h))",
        "model = keras.Sequential([layers.Input((8,)), layers.Dense(3, kernel_regularizer=keras.regularizers.L2(float('inf')))])",
        "model = keras.Sequential([layers.Input((8,)), layers.Lambda(lambda t: t), layers.Activation(keras.ops.relu)])",
        "class Net(keras.Model):\n    def call(self, inputs):\n        return inputs\nnet = Net()\nnet.compile('adam', 'mse')\nnet.fit(x, x)",
        "model = keras.Sequential()",
        "a = keras.Input((3,))\nmodel = keras.Model(a, [a * 2, a + 1])",
    ],
)
def test_every_report_is_json(cell: str) -> None:
    dry(cell)


def test_a_report_has_no_live_objects() -> None:
    report = dry(BROKEN + "model.fit(x, y)")

    def leaves(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for item in value.values():
                yield from leaves(item)
        elif isinstance(value, list | tuple | frozenset):
            for item in value:
                yield from leaves(item)
        else:
            yield value

    kinds = {type(leaf) for leaf in leaves(report.to_dict())}
    assert kinds <= {str, int, float, bool, type(None)}


def test_the_same_findings_by_every_door() -> None:
    ns: dict[str, Any] = {}
    by_cells = dry(BROKEN, "model.fit(x, y)", ns=ns)
    by_object = check(ns["model"], ns["x"], ns["y"])
    kept = ("rule", "severity", "title", "expected", "actual")
    assert [[getattr(d, k) for k in kept] for d in by_cells.diagnostics] == [
        [getattr(d, k) for k in kept] for d in by_object.diagnostics
    ]


@pytest.mark.skipif(keras.__version__.startswith("3.3."), reason="its own error is raised, and a dry run passes it on")
def test_of_the_parts_of_a_layer_that_broke_nothing_more_is_asked() -> None:
    cell = (
        "class Block(layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.attention = layers.MultiHeadAttention(2, 8)\n"
        "        self.wide = keras.Sequential([layers.Dense(24, activation='relu'), layers.Dense(24)])\n\n"
        "    def call(self, x):\n"
        "        y = x + self.attention(x, x)\n"
        "        return y + self.wide(y)\n\n\n"
        "words = keras.Input((5,))\n"
        "steps = Block()(layers.Embedding(50, 8)(words))\n"
    )
    assert [d.rule for d in dry(cell).diagnostics] == ["layer-refuses-input"]


def test_a_file_that_a_dry_run_has_not_written_is_no_mistake(tmp_path: Path) -> None:
    cell = (
        "model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])\nmodel.compile('adam', 'mse')\n"
        f"path = {str(tmp_path / 'best.keras')!r}\n"
        "kept = keras.callbacks.ModelCheckpoint(path)\n"
        "model.fit(np.ones((4, 4)), np.ones(4), verbose=0, callbacks=[kept])\nbest = keras.models.load_model(path)\n"
    )
    for dry_run in (True, False):
        assert check_cell("import keras, numpy as np\nfrom keras import layers\n" + cell, {}, dry_run=dry_run).ok
    with pytest.raises(ValueError, match="not found"):
        check_cell(f"import keras\nkeras.models.load_model({str(tmp_path / 'other.keras')!r})", {})
