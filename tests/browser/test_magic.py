"""From red to green by one press, with the real magic and Keras, from opening a notebook to its file on disk.

The tests of a front end share one kernel; each starts by loading the extension anew.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Desk, Notebook

pytestmark = pytest.mark.browser

DATA = """\
import keras, numpy as np
from keras import layers
keras.backend.clear_session()
x_train = np.zeros((200, 28, 28, 1), "float32")
y_train = keras.utils.to_categorical(np.arange(200) % 10, 10)
%reload_ext shape_magic"""
ON = DATA + "\n%shapecheck on"
MODEL = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(64, (3, 3), activation="relu"),
    layers.MaxPooling2D((2, 2)),
    layers.Dense(10, activation="softmax"),
])"""
COMPILE = 'model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])'
FIT = "history = model.fit(x_train, y_train, epochs=1, verbose=0)"
SEED = f"%%shapecheck\n{MODEL}\n{COMPILE}\n{FIT}"
SMALL = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(4, 5, strides=3),
    layers.Dense(10, activation="softmax"),
])
model.compile("adam", "categorical_crossentropy")"""
SOUND = SMALL.replace("    layers.Dense", "    layers.Flatten(),\n    layers.Dense")
ERROR = "One answer per position, but one label per image."
QUESTION = "One answer per image, or one per position?"
RUN_FLATTEN = re.compile(r"^Fix and run: Insert Flatten\(\) before")
RUN_AVERAGE = re.compile(r"^Fix and run: Insert GlobalAveragePooling2D\(\) before")
EDIT_FLATTEN = re.compile(r"^Edit only: Insert Flatten\(\) before")


def with_flatten(source: str, layer: str = "Flatten") -> str:
    """The cell as the fix leaves it: the layer on a line of its own, before the Dense."""
    return source.replace("    layers.Dense(10", f"    layers.{layer}(),\n    layers.Dense(10")


def started(desk: Desk, *sources: str, run: int, metadata: dict[int, dict[str, Any]] | None = None) -> Notebook:
    """A notebook with these cells and an empty one, of which the first ``run`` have been run."""
    notebook = desk.start([*sources, ""], metadata=metadata)
    for index in range(run):
        notebook.run(index)
    return notebook


def value(notebook: Notebook, expression: str) -> str:
    """The value of an expression in the kernel, asked for in the notebook's last cell."""
    return notebook.evaluate_in_kernel(notebook.cells.count() - 1, expression)


def card_in(notebook: Notebook, index: int) -> Locator:
    """The live card in a cell's output."""
    return notebook.cell(index).locator(".shapecheck")


def press(notebook: Notebook, index: int, button: re.Pattern[str]) -> None:
    """Presses a button of the card in a cell."""
    card_in(notebook, index).get_by_role("button", name=button).click()


def counts(notebook: Notebook) -> list[str]:
    """The execution counts of all cells, ``"[3]:"``; empty of one that has not run, its prompt drawn or not yet."""
    return [text.replace("[ ]:", "") for text in notebook.cells.locator(".jp-InputPrompt").all_inner_texts()]


def saved_source(notebook: Notebook, index: int) -> str:
    return "".join(notebook.save()["cells"][index]["source"])


def is_done(notebook: Notebook, message: str) -> None:
    """Waits until a fix is done: it is said, with the focus on Undo, and nothing is red."""
    done = notebook.card.locator(".sm-done .sm-status")
    expect(done).to_have_text(f"{message} · Undo")
    expect(done.get_by_role("button", name="Undo")).to_be_focused()
    expect(notebook.card.locator(".sm-severity-error")).to_have_count(0)


def test_one_cell_from_red_to_green_and_back(warm_desk: Desk) -> None:
    notebook = started(warm_desk, DATA, SEED, run=2)
    broken = notebook.card.locator(".sm-break")
    row = re.compile(r"Dense dense.*breaks here.*\(None, 5, 5, 10\).*650")
    expect(broken.locator(".sm-row").first).to_have_text(row)
    expect(broken).to_contain_text(ERROR)
    expect(broken).to_contain_text(
        "dense (line 8) gets a 5×5 grid with 64 channels and answers at each of the 25 positions: output "
        "(batch, 5, 5, 10). y_train (200, 10) holds one answer per image, so the loss can't compare them; "
        "join the 25 positions before dense."
    )
    expect(broken).to_contain_text("keeps where things are · 1,600 inputs · 16,010 params")
    expect(broken).to_contain_text("averages over positions · 64 inputs · 650 params")
    expect(broken).to_contain_text("edits this cell and runs it · trains 1 epoch")
    names = notebook.card.locator(".sm-name b").all_inner_texts()
    layers = ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Dense"]
    assert names == ["input", *layers, "Flatten", "Dense", "loss", "labels"]
    expect(notebook.outputs(1).last).to_contain_text(f"ShapeError: {ERROR}")

    press(notebook, 1, RUN_FLATTEN)
    is_done(notebook, "Inserted Flatten(), line 8")
    notebook.has_source(1, with_flatten(SEED))
    expect(notebook.card.locator(".sm-is-arrived")).to_contain_text("Flatten flatten")
    file = notebook.save()["cells"][1]
    assert "".join(file["source"]) == with_flatten(SEED)
    assert not [output for output in file["outputs"] if output["output_type"] == "error"]
    assert value(notebook, "model.output_shape, model.count_params(), len(history.epoch)") == "((None, 10), 34826, 1)"

    notebook.card.get_by_role("button", name="Undo").focus()
    notebook.page.keyboard.press("Enter")
    expect(broken).to_contain_text(ERROR)
    notebook.has_source(1, SEED)
    assert saved_source(notebook, 1) == SEED
    assert value(notebook, "model.output_shape") == "(None, 5, 5, 10)"

    press(notebook, 1, RUN_AVERAGE)
    is_done(notebook, "Inserted GlobalAveragePooling2D(), line 8")
    assert saved_source(notebook, 1) == with_flatten(SEED, "GlobalAveragePooling2D")
    assert value(notebook, "model.output_shape, model.count_params()") == "((None, 10), 19466)"

    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+z")
    notebook.has_source(1, SEED)
    assert saved_source(notebook, 1) == SEED


def test_edit_only_and_more_by_keyboard(warm_desk: Desk) -> None:
    notebook = started(warm_desk, DATA, SEED, run=2)
    before = counts(notebook)
    notebook.card.get_by_role("button", name=EDIT_FLATTEN).focus()
    notebook.page.keyboard.press("Space")
    expect(notebook.status()).to_have_text("Inserted Flatten(), line 8 · Undo")
    expect(notebook.button("Undo")).to_be_focused()
    assert saved_source(notebook, 1) == with_flatten(SEED)
    assert counts(notebook) == before
    notebook.page.keyboard.press("Enter")
    notebook.has_source(1, SEED)
    # Only then is the keyboard free again: the card itself gives the focus back.
    expect(notebook.card.get_by_role("button", name=EDIT_FLATTEN)).to_be_focused()

    notebook.card.locator("summary", has_text="More fixes (1)").focus()
    notebook.page.keyboard.press("Enter")
    expect(notebook.button(re.compile("^Fix and run: Insert GlobalMaxPooling2D"))).to_be_visible()
    notebook.page.keyboard.press("Tab")
    notebook.page.keyboard.press("Tab")
    notebook.page.keyboard.press("Enter")
    is_done(notebook, "Inserted GlobalMaxPooling2D(), line 8")
    assert value(notebook, "model.count_params()") == "19466"


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_cards_are_accessible(warm_desk: Desk, theme: str) -> None:
    notebook = started(warm_desk, DATA, SEED, run=2)
    notebook.theme(theme)
    assert notebook.violations() == []
    press(notebook, 1, RUN_FLATTEN)
    is_done(notebook, "Inserted Flatten(), line 8")
    assert notebook.violations() == []


def test_a_question_is_answered_by_keep(warm_desk: Desk) -> None:
    notebook = started(warm_desk, DATA, f"%%shapecheck\n{MODEL}", run=2)
    expect(notebook.card).to_contain_text("? Question")
    expect(notebook.card).to_contain_text(QUESTION)
    expect(notebook.card).to_contain_text("for one per position, as in segmentation, keep it")
    press(notebook, 1, re.compile("^Keep it: one answer per position"))
    expect(notebook.status()).to_contain_text("Kept, with a comment in line 8")
    kept = '    layers.Dense(10, activation="softmax"),  # shapecheck: keep dense-on-feature-map'
    notebook.has_source(1, f"%%shapecheck\n{MODEL}".replace('    layers.Dense(10, activation="softmax"),', kept))
    notebook.run(1)
    expect(notebook.card).to_have_count(0)
    expect(notebook.outputs(1)).to_contain_text("✓ model: (None, 28, 28, 1) → (None, 5, 5, 10)")
    assert kept in saved_source(notebook, 1)


def test_many_cells_the_cause_is_edited_and_what_the_button_named_is_run(warm_desk: Desk) -> None:
    other = f"{SOUND}\nmodel.fit(x_train, y_train, verbose=0)\ntrained += 1".replace("model", "other")
    notebook = started(warm_desk, f"{ON}\ntrained = 0", MODEL, other, COMPILE, FIT, run=2)
    expect(card_in(notebook, 1)).to_contain_text(QUESTION)
    for index in (2, 3, 4):
        notebook.run(index)
    expect(card_in(notebook, 4)).to_contain_text(ERROR)
    expect(card_in(notebook, 1)).to_contain_text(ERROR)  # fit brought the labels, so the question has its answer
    expect(card_in(notebook, 1)).not_to_contain_text(QUESTION)
    before = counts(notebook)
    numbers = [f"In {before[k].removesuffix(':')}" for k in (1, 3, 4)]
    expect(card_in(notebook, 4)).to_contain_text(f"edits {numbers[0]}, then runs {', '.join(numbers)} · trains 1 epoch")
    press(notebook, 4, RUN_FLATTEN)
    is_done(notebook, "Inserted Flatten(), line 7")
    notebook.has_source(1, with_flatten(MODEL))
    after = counts(notebook)
    assert [k for k in range(6) if before[k] != after[k]] == [1, 3, 4]
    expect(notebook.card).to_have_count(1)
    file = ["".join(cell["source"]) for cell in notebook.save()["cells"]]
    assert file[1:] == [with_flatten(MODEL), other, COMPILE, FIT, ""]
    assert value(notebook, "model.output_shape, model.count_params(), trained") == "((None, 10), 34826, 1)"
    notebook.button("Undo").click()
    expect(card_in(notebook, 4)).to_contain_text(ERROR)
    notebook.has_source(1, MODEL)


def test_a_model_that_grows_over_cells_gets_no_layer_twice(warm_desk: Desk) -> None:
    first = "model = keras.Sequential()\nmodel.add(keras.Input((28, 28, 1)))\nmodel.add(layers.Conv2D(4, 5, strides=3))"
    second = 'model.add(layers.Dense(10, activation="softmax"))'
    notebook = started(warm_desk, ON, first, second, COMPILE, FIT, run=5)
    press(notebook, 4, RUN_FLATTEN)
    is_done(notebook, "Inserted Flatten(), line 1")
    notebook.has_source(2, f"model.add(layers.Flatten())\n{second}")
    notebook.has_source(1, first)
    names = value(notebook, "[type(layer).__name__ for layer in model.layers], model.output_shape")
    assert names == "(['Conv2D', 'Flatten', 'Dense'], (None, 10))"


def test_a_helper_from_an_earlier_cell_is_repaired_where_it_stands(warm_desk: Desk) -> None:
    helper = "def build():\n    return keras.Sequential([\n" + "\n".join(
        "    " + line for line in MODEL.split("\n")[1:]
    )
    use = f"model = build()\n{COMPILE}\n{FIT}"
    notebook = started(warm_desk, ON, helper, use, run=3)
    press(notebook, 2, RUN_FLATTEN)
    is_done(notebook, "Inserted Flatten(), line 8")
    notebook.has_source(1, helper.replace("        layers.Dense", "        layers.Flatten(),\n        layers.Dense"))
    notebook.has_source(2, use)
    assert value(notebook, "model.output_shape, model.count_params()") == "((None, 10), 34826)"


def test_a_cell_that_changed_is_left_alone_and_a_moved_one_is_found(warm_desk: Desk) -> None:
    notebook = started(warm_desk, ON, MODEL, COMPILE, FIT, run=4)
    before = counts(notebook)
    notebook.type_into(1, "  # mine")
    press(notebook, 3, RUN_FLATTEN)
    status = card_in(notebook, 3).locator(".sm-status:not(:empty)")
    expect(status).to_contain_text("The cell has changed since it was checked, so it was left alone.")
    notebook.has_source(1, MODEL + "  # mine")
    assert counts(notebook) == before
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+z")
    notebook.has_source(1, MODEL)
    notebook.command("notebook:move-cell-up")
    notebook.has_source(0, MODEL)
    press(notebook, 3, EDIT_FLATTEN)
    expect(status).to_contain_text("Inserted Flatten(), line 7")
    notebook.has_source(0, with_flatten(MODEL))


def test_a_read_only_cell_is_left_alone(warm_desk: Desk) -> None:
    notebook = started(warm_desk, ON, MODEL, COMPILE, FIT, run=4, metadata={1: {"editable": False}})
    before = counts(notebook)
    press(notebook, 3, RUN_FLATTEN)
    expect(card_in(notebook, 3).locator(".sm-status:not(:empty)")).to_contain_text("The cell is read-only")
    notebook.has_source(1, MODEL)
    assert counts(notebook) == before


def test_run_all_stops_at_an_error_as_keras_would_have_and_at_nothing_else(warm_desk: Desk) -> None:
    warned = """\
sequence = keras.Sequential([keras.Input((28, 28)), layers.LSTM(4, return_sequences=True), layers.Dense(1)])
sequence.compile("adam", "mse")
trained = sequence.fit(x_train[..., 0], y_train[:, :1], verbose=0)"""
    quiet = f"{SOUND}\nmodel.fit(x_train, y_train, verbose=0);"
    awaited = f"import asyncio\nawait asyncio.sleep(0)\n{SOUND}"
    cells = [ON, warned, quiet, awaited, f"%%time\n{SOUND}\n{FIT}", f"{SMALL}\n{FIT}", "late = True"]
    notebook = started(warm_desk, *cells, run=1)
    notebook.command("runmenu:run-all")
    expect(card_in(notebook, 5)).to_contain_text(ERROR)
    expect(notebook.count(5)).to_have_text(re.compile(r"\[\d+\]:"))
    expect(notebook.count(6)).to_have_text("[ ]:")
    expect(card_in(notebook, 1)).to_contain_text("! Warning")
    expect(card_in(notebook, 1)).to_contain_text("This trains, but on the wrong comparison.")
    line = re.compile(r"^✓ model: \(None, 28, 28, 1\) → \(None, 10\) · ")
    for index in (2, 3, 4):
        expect(card_in(notebook, index)).to_have_count(0)
        expect(notebook.cell(index).locator(".shapecheck-static summary")).to_have_text(line)
    expect(notebook.outputs(2)).to_have_count(1)  # the line alone: the `;` kept the History away
    expect(notebook.outputs(4).first).to_contain_text("Wall time")
    assert value(notebook, "'late' in globals(), len(trained.epoch)") == "(False, 1)"
    kinds = [output["output_type"] for output in notebook.save()["cells"][2]["outputs"]]
    assert kinds == ["display_data"]


def test_no_raise_shows_the_card_and_leaves_the_error_to_keras(warm_desk: Desk) -> None:
    lesson = f"%%shapecheck --no-raise\n{SMALL}\ntry:\n    {FIT}\nexcept ValueError as error:\n    said = error"
    notebook = started(warm_desk, DATA, lesson, "late = True", run=1)
    notebook.command("runmenu:run-all")
    expect(notebook.count(2)).to_have_text(re.compile(r"\[\d+\]:"))
    expect(card_in(notebook, 1)).to_contain_text(ERROR)
    assert value(notebook, "type(said).__name__, 'rank' in str(said)") == "('ValueError', True)"


def test_bare_after_a_crash_where_nothing_was_loaded(warm_desk: Desk) -> None:
    plain = f"{MODEL}\n{COMPILE}\n{FIT}"
    notebook = started(warm_desk, DATA.replace("%re", "%un"), plain, "%load_ext shape_magic\n%shapecheck", run=3)
    expect(notebook.outputs(1)).to_contain_text("ValueError")
    expect(card_in(notebook, 2).locator(".sm-break .sm-row").first).to_contain_text("Dense dense")
    press(notebook, 2, RUN_FLATTEN)
    expect(notebook.status()).to_contain_text("Inserted Flatten(), line 7")
    notebook.has_source(1, with_flatten(plain))
    notebook.has_source(2, "%load_ext shape_magic\n%shapecheck")
    assert value(notebook, "model.output_shape, model.count_params()") == "((None, 10), 34826)"


def test_weights_that_do_not_fit_are_told_and_the_kernel_lives(warm_desk: Desk) -> None:
    large = """\
%%shapecheck
model = keras.Sequential([
    keras.Input((224, 224, 3)),
    layers.Conv2D(64, 3, padding="same"),
    layers.Flatten(),
    layers.Dense(4096),
])"""
    limit = "\n%config ShapeMagic.memory_budget = 2 * 1024 ** 3"
    notebook = started(warm_desk, DATA + limit, large, run=2)
    expect(notebook.card).to_contain_text("dense takes 49 GiB of weights; 2 GiB are available.")
    expect(notebook.card).to_contain_text("nothing was allocated")
    press(notebook, 1, re.compile(r"^Fix and run: Use GlobalAveragePooling2D\(\) instead of flatten"))
    expect(notebook.card.locator(".sm-done")).to_contain_text("GlobalAveragePooling2D")
    notebook.has_source(1, large.replace("layers.Flatten()", "layers.GlobalAveragePooling2D()"))
    assert value(notebook, "model.output_shape, model.count_params()") == "((None, 4096), 268032)"


def test_what_a_later_cell_does_with_the_answers_from_yellow_to_green_and_back(warm_desk: Desk) -> None:
    """Nothing is trained again for it, and the cells of the model stay as they are."""
    model = """\
prices = keras.Sequential([keras.Input((3,)), layers.Dense(1)])
prices.compile("sgd", "mse")
rooms, paid = np.random.rand(40, 3), np.random.rand(40)
history = prices.fit(rooms, paid, verbose=0)
guess = prices.predict(rooms, verbose=0)"""
    error = "error = np.mean(abs(paid - guess))"
    notebook = started(warm_desk, ON, model, error, run=3)
    row = card_in(notebook, 2).locator(".sm-break .sm-row").first
    expect(row).to_have_text(re.compile(r"code paid - guess.*look here.*\(None, None\)"))
    expect(card_in(notebook, 2)).to_contain_text(re.compile(r"edits In \[\d+\] and runs it"))
    press(notebook, 2, re.compile(r"^Fix and run: Make the column a row"))
    mended = error.replace("guess", "guess[:, 0]")
    is_done(notebook, f"Changed line 1: {mended}")
    notebook.has_source(2, mended)
    assert (
        value(notebook, "error.shape, len(history.epoch), prices.optimizer.iterations.numpy()")
        == "((), 1, np.int64(2))"
    )
    notebook.card.get_by_role("button", name="Undo").focus()
    notebook.page.keyboard.press("Enter")
    expect(row).to_contain_text("code paid - guess")
    notebook.has_source(2, error)
