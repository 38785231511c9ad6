"""``%shapecheck`` and ``%%shapecheck`` in a real shell: what each option does, and one line for wrong use."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from IPython.core.error import UsageError

from shape_magic.errors import ShapeError
from shape_magic.report import Report
from tests.kernel.shells import BROKEN, FIT, SOUND, Shell

TITLE = "One answer per position, but one label per image."
QUESTION = BROKEN.partition("model.compile")[0]


def test_off_and_on(quiet_shell: Shell) -> None:
    assert "✓" not in quiet_shell.run(SOUND).out
    assert "every cell with a Keras model is checked" in quiet_shell.run("%shapecheck on").out
    assert "✓ model" in quiet_shell.run(SOUND).out
    assert "off" in quiet_shell.run("%shapecheck off").out
    assert "✓" not in quiet_shell.run(SOUND).out


def unchanged(shell: Shell) -> bool:
    """Whether the model's weights are those that were noted."""
    pairs = zip(shell.ns["weights"], shell.ns["model"].get_weights(), strict=True)
    return all(bool((before == now).all()) for before, now in pairs)


def test_on_keeps_its_options_for_every_cell_until_off(quiet_shell: Shell) -> None:
    quiet_shell.must("%shapecheck on --no-train")
    quiet_shell.must(SOUND + "h = model.fit(x, y, epochs=2)\nweights = model.get_weights()\nmodel.fit(x, y)")
    assert unchanged(quiet_shell)
    quiet_shell.must("%shapecheck off")
    quiet_shell.must("model.fit(x, y, verbose=0)")
    assert not unchanged(quiet_shell)


def test_on_with_a_name_that_is_not_there_stays_off(quiet_shell: Shell) -> None:
    assert isinstance(quiet_shell.run("%shapecheck on -x nowhere").error, UsageError)
    assert "✓" not in quiet_shell.run(SOUND).out


def test_on_by_configuration(quiet_shell: Shell) -> None:
    quiet_shell.must("%config ShapeMagic.always = True")
    assert "✓ model" in quiet_shell.run(SOUND).out


def test_one_cell(quiet_shell: Shell) -> None:
    assert "✓ model" in quiet_shell.run("%%shapecheck\n" + SOUND).out
    assert "✓" not in quiet_shell.run(SOUND).out
    assert "no Keras model was found" in quiet_shell.run("%%shapecheck\na = 1").out


def test_a_layer_that_can_not_be_made_is_told_beside_its_exception(quiet_shell: Shell) -> None:
    ran = quiet_shell.run("%%shapecheck\nmodel = keras.Sequential([keras.layers.Permute((0, 2, 1))])")
    assert isinstance(ran.error, ValueError)
    assert "Axes are counted from 1" in ran.out
    assert "✗" not in quiet_shell.run("%%shapecheck\nlayer = keras.layers.Dense(-3)").out
    assert "✗" not in quiet_shell.run("%%shapecheck\nlayer = keras.layers.Dense(3)\nraise ValueError").out


@pytest.mark.parametrize("first", ["", "\n\n", "%%time\n", "%%capture captured\n", "%%time\n%%time\n"])
def test_one_cell_under_other_magics(quiet_shell: Shell, first: str) -> None:
    ran = quiet_shell.run(f"{first}%%shapecheck\n{BROKEN}{FIT}")
    assert isinstance(quiet_shell.notebook.last_report, Report)
    assert quiet_shell.notebook.last_report.diagnostics[0].title == TITLE
    swallows = first and quiet_shell.run(f"{first}raise ValueError").error is None  # %%capture, and an old %%time
    assert isinstance(ran.error, ShapeError) or swallows
    quiet_shell.must("a = 1")


@pytest.mark.parametrize("second", ["%%time\n", "%%capture captured\n"])
def test_other_magics_under_it(quiet_shell: Shell, second: str) -> None:
    quiet_shell.run(f"%%shapecheck\n{second}{BROKEN}{FIT}")
    report = quiet_shell.notebook.last_report
    assert isinstance(report, Report)
    span = report.diagnostics[0].span
    assert span is not None
    assert (
        report.sources[span.cell or ""].split("\n")[span.start_line - 1].strip()
        == "layers.Dense(10, activation='softmax'),"
    )


def test_no_train(quiet_shell: Shell) -> None:
    ran = quiet_shell.run("%%shapecheck -n\n" + SOUND + "h = model.fit(x, y, epochs=2)\np = model.predict(x)")
    assert ran.error is None
    assert "✓ model" in ran.out
    assert quiet_shell.ns["h"].epoch == [0, 1]
    assert quiet_shell.ns["p"].shape == (20, 10)
    assert not quiet_shell.ns["model"].optimizer.built


def test_no_train_on_a_broken_cell(quiet_shell: Shell) -> None:
    ran = quiet_shell.run("%%shapecheck -n\n" + BROKEN + FIT + "after = 1")
    assert TITLE in ran.out
    assert "Halt" not in ran.out
    assert "Traceback" not in ran.out
    assert "after" not in quiet_shell.ns


def test_no_raise(quiet_shell: Shell) -> None:
    ran = quiet_shell.run("%%shapecheck --no-raise\n" + BROKEN + FIT)
    assert TITLE in ran.out
    assert isinstance(ran.error, ValueError)
    assert not isinstance(ran.error, ShapeError)  # Keras' own, at its own place
    quiet_shell.must("%config ShapeMagic.raise_errors = False")
    ran = quiet_shell.run("%%shapecheck\n" + BROKEN + FIT)
    assert not isinstance(ran.error, ShapeError)


def test_strict(quiet_shell: Shell) -> None:
    silent = "model = keras.Sequential([layers.Input((8, 8)), layers.Conv1D(4, 3), layers.Dense(1)])\nmodel.compile('sgd', 'mse')\n"
    fit = "model.fit(x[..., 0], y[:, :1], verbose=0)\n"
    lenient = quiet_shell.run("%%shapecheck\n" + silent + fit)
    assert lenient.error is None
    assert "trains" in lenient.out
    assert isinstance(quiet_shell.run("%%shapecheck --strict\n" + silent + fit).error, ShapeError)
    quiet_shell.must("%config ShapeMagic.strict = True")
    assert isinstance(quiet_shell.run("%%shapecheck\n" + silent + fit).error, ShapeError)


def test_a_warning_never_stops(shell: Shell) -> None:
    ran = shell.run(QUESTION + "after = 1")
    assert ran.error is None
    assert "or one per position?" in ran.out
    assert shell.ns["after"] == 1


def test_input_and_target(quiet_shell: Shell) -> None:
    unbuilt = "model = keras.Sequential([layers.Conv2D(4, 3), layers.Dense(10, activation='softmax')])\n"
    assert "(None, 8, 8, 1) → (None, 6, 6, 10)" in quiet_shell.run("%%shapecheck -x 8,8,1\n" + unbuilt).out
    assert "(None, 8, 8, 1) → (None, 6, 6, 10)" in quiet_shell.run("%%shapecheck -x x\n" + unbuilt).out
    fits = quiet_shell.run("%%shapecheck -x 8,8,1 -y 6,6,10 --loss mse\n" + unbuilt).out
    assert "✓ model" in fits
    fails = quiet_shell.run("%%shapecheck -x 8,8,1 -y 10 --loss categorical_crossentropy\n" + unbuilt).out
    assert "one label per" in fails


def test_a_model_and_its_data(quiet_shell: Shell) -> None:
    quiet_shell.must(BROKEN)
    assert "or one per position?" in quiet_shell.run("%shapecheck model").out
    assert TITLE in quiet_shell.run("%shapecheck model x y").out
    assert "✓ model" in quiet_shell.run("%shapecheck model -y 6,6,10").out
    quiet_shell.must("net = keras.Sequential([layers.Input((3,)), layers.Dense(2)])")
    assert "✓ net: (None, 3) → (None, 2)" in quiet_shell.run("%shapecheck net").out


def test_bare_after_a_crash_explains_and_runs_nothing(quiet_shell: Shell) -> None:
    quiet_shell.must("runs = []\n" + BROKEN)
    ran = quiet_shell.run("runs.append(1)\n" + FIT)
    assert "Traceback" in ran.out
    explained = quiet_shell.run("%shapecheck")
    assert explained.error is None
    assert TITLE in explained.out
    assert "Flatten" in explained.out
    assert quiet_shell.ns["runs"] == [1]


def test_bare_after_a_build_that_crashed(quiet_shell: Shell) -> None:
    quiet_shell.run("model = keras.Sequential([layers.Input((8,)), layers.Conv2D(2, 3)])")
    explained = quiet_shell.run("%shapecheck")
    assert explained.error is None
    assert "conv2d" in explained.out


@pytest.mark.parametrize("always", [True, False])
def test_bare_after_all_is_mended(quiet_shell: Shell, always: bool) -> None:
    if always:
        quiet_shell.must("%shapecheck on")
    quiet_shell.run(BROKEN + FIT)
    quiet_shell.must(SOUND + FIT)
    explained = quiet_shell.run("%shapecheck")
    assert explained.error is None
    assert "✓ model" in explained.out
    assert TITLE not in explained.out


def test_fix_writes_the_cell(shell: Shell) -> None:
    cell = BROKEN + FIT
    report = shell.report_of(cell)
    ran = shell.run("%%shapecheck --fix 1\n" + cell)
    assert ran.error is None
    assert "Insert Flatten()" in ran.out
    written = shell.ip.rl_next_input
    source = report.diagnostics[0].fixes[0].source or ""
    assert written in (source, source.rstrip("\n"))
    assert shell.run(written).error is None


def test_fix_of_a_cell_that_did_not_run_runs_nothing_for_real(quiet_shell: Shell) -> None:
    quiet_shell.must("runs = []")
    ran = quiet_shell.run("%%shapecheck --fix 1\nruns.append(1)\n" + BROKEN + FIT)
    assert ran.error is None
    assert quiet_shell.ns["runs"] == []
    assert "model" not in quiet_shell.ns
    assert "layers.Flatten()," in quiet_shell.ip.rl_next_input


def test_keep_silences_the_question_and_no_error(shell: Shell) -> None:
    kept = QUESTION.replace(
        "layers.Dense(10, activation='softmax'),",
        "layers.Dense(10, activation='softmax'),  # shapecheck: keep dense-on-feature-map",
    )
    assert "✓ model" in shell.run(kept).out
    ran = shell.run(kept + "model.compile('adam', 'categorical_crossentropy')\n" + FIT)
    assert isinstance(ran.error, ShapeError)


def test_rules_and_explain(quiet_shell: Shell) -> None:
    rules = quiet_shell.run("%shapecheck --rules").out
    assert "dense-on-feature-map" in rules
    assert "Broken cell" in quiet_shell.run("%shapecheck --explain dense-on-feature-map").out


USAGE: Mapping[str, str] = {
    "%shapecheck --nothing": "See `%%shapecheck?`.",
    "%shapecheck nope": "shapecheck: there is no nope in this notebook yet.",
    "%shapecheck onn": "shapecheck: there is no onn in this notebook yet.",
    "%shapecheck x": "shapecheck: x is a ndarray, not a Keras model.",
    "%shapecheck keras": "shapecheck: keras is a module, not a Keras model.",
    "%shapecheck 3": "shapecheck: 3 is no shape and no name.",
    "%shapecheck": "shapecheck: there is no model and no failed cell to look at yet.",
    "%shapecheck --explain nothing": "shapecheck: there is no rule nothing.",
    "%shapecheck sound x nope": "shapecheck: there is no nope in this notebook yet.",
    "%shapecheck sound --loss nope": "shapecheck: nope is no loss that Keras knows.",
    "%shapecheck sound -x 8x8": "shapecheck: 8x8 is no shape and no name.",
    "%%shapecheck --nothing\na = 1": "See `%%shapecheck?`.",
    "%%shapecheck -x nope\na = 1": "shapecheck: there is no nope in this notebook yet.",
    "%%shapecheck -x 0,3\na = 1": "shapecheck: 0,3 has an axis of size 0.",
    "%%shapecheck -y 'a b'\na = 1": "shapecheck: a b is no shape and no name.",
    "%%shapecheck model\na = 1": "See `%%shapecheck?`.",
    "%%shapecheck --fix 9\na = 1": "shapecheck: there is no fix 9 for this cell.",
    "%%shapecheck --fix 0\na = 1": "shapecheck: there is no fix 0 for this cell.",
    "%%shapecheck --loss nope\na = 1": "shapecheck: nope is no loss that Keras knows.",
}


@pytest.mark.parametrize("cell", USAGE)
def test_wrong_use_gets_one_line(quiet_shell: Shell, cell: str) -> None:
    if "sound" in cell:
        quiet_shell.must(SOUND + "sound = model")
    ran = quiet_shell.run(cell)
    assert isinstance(ran.error, UsageError)
    text = str(ran.error)
    assert USAGE[cell] in text
    assert "\n" not in text
    assert "Traceback" not in ran.out + ran.err
    assert "a" not in quiet_shell.ns


@pytest.mark.parametrize("line", ["--rules", "--explain dense-on-feature-map"])
def test_options_that_run_no_cell_on_a_cell(quiet_shell: Shell, line: str) -> None:
    ran = quiet_shell.run(f"%%shapecheck {line}\na = 1")
    assert not isinstance(ran.error, RecursionError)
    assert "dense-on-feature-map" in ran.out


def test_a_keras_2_model_is_named_as_such(quiet_shell: Shell) -> None:
    quiet_shell.must("old = type('Sequential', (), {'__module__': 'tf_keras.src.engine.sequential'})()")
    assert "is a tf_keras (Keras 2) model" in str(quiet_shell.run("%shapecheck old").error)


def test_help_shows_every_option(quiet_shell: Shell) -> None:
    for line in ("%shapecheck?", "%%shapecheck?"):
        ran = quiet_shell.run(line)
        assert ran.error is None
        for option in ("--input", "--target", "--loss", "--no-train", "--fix", "--no-raise", "--strict", "--static"):
            assert option in ran.out


def test_completion(quiet_shell: Shell) -> None:
    quiet_shell.must(SOUND)
    for key in ("%shapecheck ", "%%shapecheck "):
        found = quiet_shell.ip.complete("", key, len(key))[1]
        assert {"on", "off", "model", "--no-train"} <= set(found)
        assert "x" not in found


def test_values_of_the_line_are_not_expanded(quiet_shell: Shell) -> None:
    quiet_shell.must("secret = 'on'")
    assert isinstance(quiet_shell.run("%shapecheck {secret}").error, UsageError)
    assert isinstance(quiet_shell.run("%shapecheck $secret").error, UsageError)
