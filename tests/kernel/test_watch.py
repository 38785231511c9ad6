"""The watch over cells: each runs as IPython runs it, and is checked as it goes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from shape_magic.capture import hooks
from shape_magic.errors import ShapeError
from shape_magic.source.cells import text_of
from shape_magic.trace.models import model_facts
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND, Shell, opened

WAYS = ["", "%%time\n", "%%capture captured\n"]


def test_a_sound_cell_gets_one_quiet_line(shell: Shell) -> None:
    ran = shell.run(SOUND + FIT.strip() + ";")
    assert ran.error is None
    assert ran.out == "✓ model: (None, 8, 8, 1) → (None, 10) · fits y (20, 10) · 1,490 params\n"


def test_a_cell_without_keras_gets_no_line(shell: Shell) -> None:
    assert shell.run("total = sum(range(4))\nprint(total)").out == "6\n"


def test_a_broken_fit_is_stopped_before_its_first_step(shell: Shell) -> None:
    ran = shell.run(BROKEN + "print('before')\n" + FIT + "print('after')")
    assert isinstance(ran.error, ShapeError)
    assert ran.out.startswith("before\n")
    assert "after" not in ran.out
    assert ran.out.count("One answer per position, but one label per image.") == 2  # the card, and the error's line
    assert "Traceback" not in ran.out
    assert not ran.result.success


def test_the_error_is_a_value_error_that_the_user_may_catch(shell: Shell) -> None:
    ran = shell.run(BROKEN + "try:\n    model.fit(x, y)\nexcept ValueError as error:\n    caught = error\n")
    assert ran.error is None
    assert isinstance(shell.ns["caught"], ValueError)


def test_labels_out_of_range_raise_what_keras_raises(shell: Shell) -> None:
    cell = SOUND.replace("categorical", "sparse_categorical") + (
        "import tensorflow as tf\n"
        "try:\n    model.fit(x, np.full(20, 77), verbose=0)\n"
        "except tf.errors.InvalidArgumentError:\n    caught = True\n"
    )
    assert shell.run(cell).error is None
    assert shell.ns["caught"] is True


@pytest.mark.parametrize("first", WAYS)
def test_hooks_are_gone_after_every_cell(shell: Shell, first: str) -> None:
    for cell in (SOUND + FIT, BROKEN + FIT, "raise KeyboardInterrupt", "1 / 0", "x = ("):
        shell.run(first + cell)
        assert not hooks.installed()


@pytest.mark.parametrize("first", WAYS)
def test_places_are_right_under_cell_magics(shell: Shell, first: str) -> None:
    shell.run(first + "other = 1\n" + BROKEN + FIT)  # code of a magic's body has the same file name in every cell
    report = shell.report_of(first + "\n\n" + BROKEN + FIT)
    model = report.models[0]
    contract = model.contract
    assert contract is not None
    assert contract.span is not None
    assert contract.compile_span is not None
    dense = model.calls[-1].span
    assert dense is not None
    assert text_of(report.sources[dense.cell or ""], dense) == "layers.Dense(10, activation='softmax')"
    assert text_of(report.sources[contract.span.cell or ""], contract.span) == FIT.strip()
    assert dense.cell == contract.span.cell == contract.compile_span.cell


def test_the_cell_after_a_captured_one_is_its_own(shell: Shell) -> None:
    shell.run("%%capture captured\n" + SOUND + FIT)
    report = shell.report_of(BROKEN + FIT)
    span = report.models[0].calls[-1].span
    assert span is not None
    assert text_of(report.sources[span.cell or ""], span) == "layers.Dense(10, activation='softmax')"
    assert report.diagnostics[0].fixes[0].cell == span.cell


@pytest.mark.parametrize(
    "line", ["%time model.fit(x, y)", "%timeit -n1 -r1 model.fit(x, y)", "%time h = model.fit(x, y)"]
)
def test_a_line_magic_never_gives_a_wrong_place(shell: Shell, line: str) -> None:
    shell.run("%time z = 1")
    report = shell.report_of(BROKEN + line)
    contract = report.models[0].contract
    assert contract is not None
    if contract.span is not None:
        assert "model.fit(x, y)" in line_text(report.sources[contract.span.cell or ""], contract.span.start_line)
    assert report.diagnostics[0].severity == "error"


def test_code_of_a_script_has_no_wrong_place(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SETUP + BROKEN + FIT)
    report = shell.report_of(f"a = 1\n%run {script}")
    assert report.diagnostics[0].severity == "error"
    for span in [report.models[0].span, *(call.span for call in report.models[0].calls)]:
        assert span is None or text_of(report.sources[span.cell or ""], span).startswith("%run")


def line_text(source: str, number: int) -> str:
    """A line by its number from 1."""
    return source.split("\n")[number - 1]


def test_semicolon_await_and_display_are_ipythons(shell: Shell) -> None:
    assert shell.run("%%shapecheck\n3").out.startswith("Out[")
    assert shell.run("3;").out == ""
    assert shell.run("import asyncio\nawait asyncio.sleep(0, 'done')").out.endswith("'done'\n")
    assert shell.ns["_"] == "done"


def test_history_holds_the_cell_as_written(shell: Shell) -> None:
    cell = "%%shapecheck --static\nanswer = 41 + 1\nanswer"
    ran = shell.run(cell)
    assert ran.result.result == 42
    assert shell.ns["In"][-1].startswith("answer")
    assert shell.ip.history_manager.input_hist_raw[-1] == cell


def test_a_users_error_keeps_its_traceback(shell: Shell) -> None:
    ran = shell.run("def inner():\n    return {}['missing']\n" + SOUND + FIT + "inner()")
    assert isinstance(ran.error, KeyError)
    assert "in inner()" in ran.out
    assert "return {}['missing']" in ran.out


@pytest.mark.parametrize(
    ("definition", "cell"),
    [
        (
            "class Mine(keras.callbacks.Callback):\n    def on_epoch_end(self, epoch, logs=None):\n        raise KeyError('mine')\n",
            SOUND + "model.fit(x, y, verbose=0, callbacks=[Mine()])",
        ),
        ("def batches():\n    yield x, y\n    raise KeyError('mine')\n", SOUND + "model.fit(batches(), verbose=0)"),
        (
            "def my_loss(labels, output):\n    raise KeyError('mine')\n",
            SOUND + "model.compile('adam', my_loss)\n" + FIT,
        ),
        (
            "class Mine(layers.Layer):\n    def call(self, inputs):\n        raise KeyError('mine')\n",
            "Mine()(x)",
        ),
    ],
    ids=["callback", "generator", "loss", "layer"],
)
def test_the_users_own_error_inside_keras_is_theirs(shell: Shell, definition: str, cell: str) -> None:
    shell.must(definition)
    ran = shell.run(cell)
    assert isinstance(ran.error, KeyError)
    assert "raise KeyError('mine')" in ran.out  # the line in their code, as without the extension
    assert "Keras stops here" not in ran.out


def test_models_and_data_are_let_go(shell: Shell) -> None:
    shell.must(
        "import gc, weakref\nalive = []",
        "for _ in range(2):\n"
        + "".join(f"    {line}\n" for line in (SOUND + FIT).splitlines())
        + "    alive.append(weakref.ref(model))\n    del model\n    gc.collect()\n    counts = [r() is not None for r in alive]",
    )
    assert shell.ns["counts"][0] is False  # the cell's last model may be needed for its card
    shell.must("gc.collect()\ncounts = [r() is not None for r in alive]")
    assert shell.ns["counts"] == [False, False]
    shell.must(
        "mine = x.copy()\n" + SOUND + "model.fit(mine, y, verbose=0);", "refs = [weakref.ref(mine), weakref.ref(model)]"
    )
    shell.must("del mine, model\ngc.collect()")
    assert [ref() is None for ref in shell.ns["refs"]] == [True, True]


def test_a_warning_is_heard_as_often_as_without(shell: Shell) -> None:
    cell = "import warnings\nfor _ in range(2):\n    warnings.warn('look here')\n" + "".join(
        f"    {line}\n" for line in (SOUND + FIT).splitlines()
    )
    assert heard(shell, cell).count("look here") == 1


def test_an_error_of_our_own_leaves_the_cell_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_kwargs: object) -> Any:
        raise LookupError("ours")

    monkeypatch.setenv("SHAPE_MAGIC_STRICT", "0")
    monkeypatch.setattr("shape_magic.checker.model_facts", fails)
    ran = shell.run(SOUND + FIT + "done = 1")
    assert ran.error is None
    assert shell.ns["done"] == 1
    assert "LookupError" not in ran.out


def test_with_and_without_the_extension_everything_is_the_same() -> None:
    cells = [
        "import keras, numpy as np, random, warnings\nfrom keras import layers\n"
        "keras.backend.clear_session()\nkeras.utils.set_random_seed(7)\n",
        "x = np.random.rand(24, 8, 8, 1).astype('float32')\ny = np.eye(10)[np.random.randint(0, 10, 24)]\n",
        "model = keras.Sequential([layers.Conv2D(4, 3), layers.Dropout(0.5), layers.Flatten(), layers.Dense(10, activation='softmax')])\n"
        "model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])\n",
        "history = model.fit(x, y, epochs=2, verbose=0)\nprint('loss', history.history['loss'])\nmodel.name",
        "inputs = keras.Input((8, 8, 1))\nh = layers.Flatten()(inputs)\nh = h * 2.0\n"
        "second = keras.Model(inputs, layers.Dense(3, activation='softmax')(h))\n"
        "second.compile('sgd', 'mse')\nwarnings.warn('kept')\nsecond.fit(x, y[:, :3], verbose=0);",
        "second.predict(x[:2], verbose=0).shape",
        "names = [layer.name for layer in model.layers + second.layers]\n"
        "weights = [w.copy() for w in model.get_weights() + second.get_weights()]\n"
        "draws = (random.random(), np.random.rand(), keras.layers.Dense(1).name, keras.layers.Flatten().name)",
    ]
    seen = []
    for extension in (False, True):
        with opened(extension=extension) as made:
            if extension:
                made.must("%shapecheck on")
            ran = [made.run(cell) for cell in cells]
            assert all(one.error is None for one in ran)
            out = [line for one in ran for line in one.out.splitlines() if not line.startswith("✓")]
            kept = {k: v for k, v in made.ns.items() if not k.startswith("_")}
            results = list(made.ns["Out"].values())
            seen.append((out, [one.err.partition("UserWarning")[2] for one in ran], kept, results))
    (out_a, err_a, ns_a, results_a), (out_b, err_b, ns_b, results_b) = seen
    assert [line.partition(":")[2] if line.startswith("Out") else line for line in out_a] == [
        line.partition(":")[2] if line.startswith("Out") else line for line in out_b
    ]
    assert err_a == err_b
    assert results_a == results_b
    assert set(ns_a) == set(ns_b)
    assert ns_a["names"] == ns_b["names"]
    assert ns_a["draws"] == ns_b["draws"]
    assert ns_a["history"].history == ns_b["history"].history
    assert all((a == b).all() for a, b in zip(ns_a["weights"], ns_b["weights"], strict=True))


def test_a_broken_and_proved_model_still_builds_and_trains(shell: Shell) -> None:
    cell = (
        "dense = layers.Dense(4)\ncell = layers.LSTMCell(3)\n"
        "class Plain(layers.Layer):\n    def __init__(self, k):\n        super().__init__()\n        self.inner = layers.Dense(k)\n"
        "    def call(self, inputs):\n        return self.inner(inputs)\n"
        "parts = [layers.TimeDistributed(dense), layers.RNN(cell, return_sequences=True), Plain(5),\n"
        "         layers.Lambda(lambda t: t * 2), layers.Dense(10, activation='softmax')]\n"
        "model = keras.Sequential(parts)\nmodel.compile('adam', 'categorical_crossentropy')\n"
        "names = [p.name for p in parts]\nfit = model.fit\n"
    )
    shell.must(cell)
    ran = shell.run("model.fit(x[..., 0], y, verbose=0)")
    assert isinstance(ran.error, ShapeError)
    assert [p.name for p in shell.ns["parts"]] == shell.ns["names"]
    assert not shell.ns["dense"].built
    labels = "np.zeros((20, 8, 10), 'float32')"
    trained = shell.run(f"model.fit(x[..., 0], {labels}, verbose=0)\nout = model.predict(x[:2, ..., 0], verbose=0)")
    assert trained.error is None, trained.out
    assert shell.ns["out"].shape == (2, 8, 10)


def test_a_finding_is_told_again_for_a_new_model(shell: Shell) -> None:
    first = shell.run(BROKEN)
    again = shell.run(BROKEN)
    assert "or one per position?" in first.out
    assert "or one per position?" in again.out


def test_python_hears_the_users_first_warning(shell: Shell) -> None:
    seen = heard(shell, "m = keras.Sequential([layers.Dense(3, input_shape=(4,))])")
    assert [text for text in seen if "Do not pass an `input_shape`" in text] == seen[:1]


def heard(shell: Shell, cell: str) -> list[str]:
    """The warnings that a person would see of a cell, under Python's own filter: each place once."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        assert shell.run(cell).error is None
    return [str(warning.message) for warning in seen]


def test_a_warning_costs_a_loop_of_steps_little(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known to run on is not checked, proved and shown again at every step."""
    traced: list[Any] = []

    def counted(*args: Any, **kwargs: Any) -> Any:
        traced.append(args)
        return model_facts(*args, **kwargs)

    def looks(steps: int) -> int:
        shell.must(
            "model = keras.Sequential([layers.Input((8, 8)), layers.Dense(1)])\nmodel.compile('sgd', 'mse')\n"
            "batch, labels = x[..., 0], y[:, :1]\n"
        )
        traced.clear()
        ran = shell.run(f"for _ in range({steps}):\n    model.train_on_batch(batch, labels)")
        assert ran.error is None
        assert ran.out.count("on the wrong comparison") <= 1
        return len(traced)

    monkeypatch.setattr("shape_magic.checker.model_facts", counted)
    assert looks(2) == looks(20) > 0


def test_a_saved_model_is_loaded_with_its_loss(shell: Shell, tmp_path: Path) -> None:
    shell.must(
        SOUND
        + FIT
        + f"model.save(r'{tmp_path}/model.keras')\nloaded = keras.models.load_model(r'{tmp_path}/model.keras')"
    )
    assert shell.ns["loaded"].compiled
    shell.must("loaded.fit(x, y, verbose=0)\nagain = keras.models.clone_model(loaded)\nagain.predict(x, verbose=0);")


def test_setup_is_what_the_tests_say(shell: Shell) -> None:
    assert SETUP.count("\n") == 4
    assert shell.ns["y"].shape == (20, 10)


def test_a_captured_card_is_shown_all_the_same(shell: Shell) -> None:
    ran = shell.run("%%capture kept\n" + BROKEN + FIT)
    assert "One answer per position" in ran.out
    assert "keeps where things are" in ran.out  # the card itself, with its fixes


def test_a_class_on_a_graph_is_one_model(shell: Shell) -> None:
    """Keras makes a second object of such a class, and throws it away."""
    ran = shell.run(
        "class Own(keras.Model):\n    pass\n\n"
        "inputs = keras.Input((4,)); own = Own(inputs, layers.Dense(1)(inputs)); own.compile('sgd', 'mse')"
    )
    assert ran.out == "✓ own: (None, 4) → (None, 1) · 5 params\n"
