"""What code does with a model's answers: a row against a column is told and mended wherever it stands, and no more is."""

from __future__ import annotations

import ast
from typing import Any

import keras
import pytest

from shape_magic import check_cell, check_cells
from shape_magic.capture.book import Book
from shape_magic.repair.steps import Repair, Rewrite
from shape_magic.report import Diagnostic
from shape_magic.rules import row_against_column
from shape_magic.trace.answers import Answers
from shape_magic.trace.reading import Reading
from shape_magic.trace.worker import in_worker
from tests.kernel.shells import Shell, opened

SETUP = """\
import keras, numpy as np, tensorflow as tf
from keras import layers
x = np.random.rand(24, 4).astype("float32")
y = np.random.rand(24).astype("float32")
"""
MODEL = """\
model = keras.Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
"""
OPTIMIZER = "optimizer = keras.optimizers.SGD(0.01)\n"
APPLIED = """\
gradients = tape.gradient(loss, model.trainable_variables)
optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""


def _indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


#: The cell behind the model's, the operation that is told, and what the first repair makes of its line.
WRONG = {
    "in a loop over batches": (
        OPTIMIZER
        + "for features, labels in tf.data.Dataset.from_tensor_slices((x, y)).batch(8):\n"
        + "    with tf.GradientTape() as tape:\n"
        + "        guess = model(features, training=True)\n"
        + "        loss = tf.reduce_mean(tf.square(labels - guess))\n"
        + _indented(APPLIED, 4),
        "labels - guess",
        "loss = tf.reduce_mean(tf.square(labels - guess[:, 0]))",
    ),
    "with the call in it": (
        OPTIMIZER + "with tf.GradientTape() as tape:\n    loss = tf.reduce_mean((model(x) - y) ** 2)\n" + APPLIED,
        "model(x) - y",
        "loss = tf.reduce_mean((model(x)[:, 0] - y) ** 2)",
    ),
    "in a step and a loss of one's own": (
        OPTIMIZER
        + "def mean_error(truth, guess):\n    return tf.reduce_mean(tf.abs(truth - guess))\n\n"
        + "def step(features, labels):\n    with tf.GradientTape() as tape:\n        guess = model(features)\n"
        + "        loss = mean_error(labels, guess=guess)\n"
        + _indented(APPLIED, 4)
        + "    return loss\n\nstep(x, y)\n",
        "truth - guess",
        "return tf.reduce_mean(tf.abs(truth - guess[:, 0]))",
    ),
    "in a graph": (
        "@tf.function\ndef error(features, labels):\n    guess = model(features)\n"
        "    return tf.reduce_mean(tf.math.squared_difference(guess, labels))\n\nerror(x, y)\n",
        "tf.math.squared_difference(guess, labels)",
        "return tf.reduce_mean(tf.math.squared_difference(guess[:, 0], labels))",
    ),
    "behind predict": (
        "guess = model.predict(x, verbose=0)\nerror = np.sqrt(np.mean((y - guess) ** 2))\n",
        "y - guess",
        "error = np.sqrt(np.mean((y - guess[:, 0]) ** 2))",
    ),
    "after a threshold": (
        'found = (model.predict(x, verbose=0) > 0.5).astype("int32")\nhits = np.sum(y.astype("int32") == found)\n',
        'y.astype("int32") == found',
        'hits = np.sum(y.astype("int32") == found[:, 0])',
    ),
    "step by step": (
        "guess = model.predict(x, verbose=0)\nmiss = guess\nmiss -= 0.5\nmiss = abs(miss) * 2\n"
        "if len(x) > 3:\n    total = np.subtract(miss, y)\n",
        "np.subtract(miss, y)",
        "    total = np.subtract(miss[:, 0], y)",
    ),
    "handed on by functions": (
        "def raw(features):\n    return model(features)\n\ndef rounded(features):\n    guess = raw(features)\n"
        "    return tf.round(guess)\n\nerror = y - rounded(x)\n",
        "y - rounded(x)",
        "error = y - rounded(x)[:, 0]",
    ),
    "a function that finds them by their names": (
        "def report():\n    return np.mean(abs(y - guess))\n\nguess = model.predict(x, verbose=0)\nprint(report())\n",
        "y - guess",
        "return np.mean(abs(y - guess[:, 0]))",
    ),
    "a column of labels and a row of answers": (
        "labels = y.reshape(-1, 1)\nguess = keras.Sequential([model, layers.Reshape(())])(x)\nerror = labels - guess\n",
        "labels - guess",
        "error = labels[:, 0] - guess",
    ),
    "the class of each against a column of them": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(3)])\nk = np.zeros((24, 1), int)\n"
        "hits = np.argmax(several.predict(x, verbose=0), axis=1) == k\n",
        "np.argmax(several.predict(x, verbose=0), axis=1) == k",
        "hits = np.argmax(several.predict(x, verbose=0), axis=1) == k[:, 0]",
    ),
    "the best of several as a column": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(2)])\n"
        "target = y + tf.reduce_max(several(x), axis=1, keepdims=True)\n",
        "y + tf.reduce_max(several(x), axis=1, keepdims=True)",
        "target = y + tf.reduce_max(several(x), axis=1, keepdims=True)[:, 0]",
    ),
    "the answer to what was chosen, weighed by a column": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation='softmax')])\n"
        "kinds, chosen, gain = 3, np.zeros(24, int), np.ones((24, 1), 'float32')\n"
        "certain = tf.reduce_sum(tf.math.log(several(x)) * tf.one_hot(chosen, kinds), axis=1)\nloss = certain * gain\n",
        "certain * gain",
        "loss = certain * gain[:, 0]",
    ),
    "one-hot labels with an axis more": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation='softmax')])\n"
        "kinds = np.zeros((24, 1), int)\nloss = -tf.one_hot(kinds, 3) * tf.math.log(several(x))\n",
        "-tf.one_hot(kinds, 3) * tf.math.log(several(x))",
        "loss = (-tf.one_hot(kinds, 3))[:, 0] * tf.math.log(several(x))",
    ),
    "labels that are made of answers, and fitted": (
        "model.compile('adam', 'mse')\ngain = y - model.predict(x, verbose=0)\n"
        "model.fit(x, gain, epochs=1, verbose=0)\n",
        "y - model.predict(x, verbose=0)",
        "gain = y - model.predict(x, verbose=0)[:, 0]",
    ),
}

RIGHT = {
    "flattened": "error = y - model.predict(x, verbose=0).flatten()\n",
    "one number of each": "error = y - model(x)[:, 0]\n",
    "labels with an axis": "error = y[:, None] - model.predict(x, verbose=0)\n",
    "labels that get one before": "labels = y.reshape(-1, 1)\nerror = labels - model(x)\n",
    "a table on purpose": "guess = model.predict(x, verbose=0)\nall_pairs = y[None, :] - guess\n",
    "answers among themselves": "guess = model.predict(x, verbose=0)\nfar = guess - guess.flatten()\n",
    "the name is another's by then": (
        "guess = model.predict(x, verbose=0)\nguess = np.squeeze(guess)\nerror = y - guess\n"
    ),
    "a name of a loop": ("guess = model.predict(x, verbose=0)\nfor guess in [y, y]:\n    error = y - guess\n"),
    "a loss of Keras'": "loss = keras.losses.MeanSquaredError()(y, model(x))\n",
    "one sample": "error = y[:1] - model.predict(x[:1], verbose=0)\n",
    "a matrix product": "mixed = y @ model.predict(x, verbose=0)\n",
    "a membership": "guess = model.predict(x, verbose=0)\nsame = guess is y\n",
    "a table of pandas": (
        "import pandas as pd\nlabels = pd.Series(y)\nguess = model.predict(x, verbose=0)\n"
        "table = pd.DataFrame({'y': labels, 'guess': guess[:, 0]})\nerror = table.y - table.guess\n"
    ),
    "a function that says what it does": (
        "def error(truth, guess):\n    return truth - tf.squeeze(guess)\n\nloss = error(y, model(x))\n"
    ),
    "without an axis": (
        "guess = model.predict(x, verbose=0)\nerrors = [y - guess.squeeze(), y - guess[:, 0], y - guess.ravel(),"
        " y - np.squeeze(guess, axis=-1), y - guess.max(axis=1), y - guess.mean(), y - np.sum(guess)]\n"
    ),
    "classes and rows": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(3)])\nk = np.zeros((24, 1), int)\n"
        "guess = several.predict(x, verbose=0)\nbest = np.argmax(guess, axis=1)\n"
        "hits = [best == k[:, 0], best == k.flatten(), best[:, None] == k, guess.argmax(1) == np.squeeze(k)]\n"
        "shares = guess / guess.sum(axis=1, keepdims=True) - guess.mean(axis=0) - guess[:, :1]\n"
        "far = (guess**2).sum(axis=1, keepdims=True) - 2 * guess @ guess.T + (guess**2).sum(axis=1)\n"
    ),
    "one-hot rows along another axis": (
        "several = keras.Sequential([layers.Input((4,)), layers.Dense(3)])\nk = np.zeros(24, int)\n"
        "rows = tf.one_hot(k[:, None], 1, axis=1) + several(x)[:, :, None]\n"
    ),
    "what Python's own functions give": (
        "guess = model.predict(x, verbose=0)\nmost = [max(y) - guess, sum(guess) - y[:1], y - max(guess)]\n"
    ),
    "several numbers for a sample": (
        "wide = keras.Sequential([layers.Input((4,)), layers.Dense(3)])\nerror = y[:3] - wide.predict(x, verbose=0)\n"
    ),
}

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the cells use TensorFlow")


def _namespace() -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(SETUP, names)
    return names


def _told(cells: list[str]) -> list[Diagnostic]:
    report = check_cells(cells, _namespace())
    return [one for one in report.diagnostics if one.rule == "row-against-column"]


@pytest.mark.parametrize("name", WRONG)
def test_it_is_told_and_mended(name: str) -> None:
    code, operation, mended = WRONG[name]
    (told,) = _told([MODEL + code])
    assert told.span is not None
    assert f"`{operation}` (line {told.span.start_line})" in told.message
    assert mended in (told.fixes[0].source or "").splitlines()[told.span.start_line - 1]
    assert not _told([told.fixes[0].source or ""])


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_meant_is_not_told(name: str) -> None:
    assert not _told([MODEL + RIGHT[name]])


@pytest.mark.parametrize("name", WRONG)
def test_a_repair_that_repairs_nothing_is_not_offered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def useless(crossings: Any) -> tuple[Repair, ...]:
        return (Repair(tuple(Rewrite(one.column_span, "({} + 0)") for one in crossings), "choice", "row"),)

    monkeypatch.setattr(row_against_column, "repairs_of", useless)
    (told,) = _told([MODEL + WRONG[name][0]])
    assert told.fixes == ()


OWN_STEP = """\
class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1)

    def call(self, inputs):
        return self.head(inputs)

    def train_step(self, data):
        features, labels = data
        with tf.GradientTape() as tape:
            guess = self(features, training=True)
            loss = tf.reduce_mean(tf.square(labels - guess))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}

own = Own()
own.compile(optimizer="sgd")
own.fit(x, y, verbose=0)
"""


OWN_LOSS = OWN_STEP.replace(
    OWN_STEP[OWN_STEP.index("    def train_step") : OWN_STEP.index("own = Own()")],
    "    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):\n"
    "        return tf.reduce_mean(tf.abs(y - y_pred))\n\n",
)
UNPACKED = OWN_STEP.replace("labels = data", "labels, _ = keras.utils.unpack_x_y_sample_weight(data)")
FUNCTIONAL = (
    OWN_STEP.replace(OWN_STEP[OWN_STEP.index("    def __init__") : OWN_STEP.index("    def train_step")], "")
    .replace("Own()", "Own(inputs, layers.Dense(1)(inputs))")
    .replace("own =", "inputs = keras.Input((4,))\nown =")
)


@pytest.mark.parametrize(
    ("cell", "operation", "mended"),
    [
        (OWN_STEP, "labels - guess", "labels - guess[:, 0]"),
        (UNPACKED, "labels - guess", "labels - guess[:, 0]"),
        (FUNCTIONAL, "labels - guess", "labels - guess[:, 0]"),
        (OWN_LOSS, "y - y_pred", "y - y_pred[:, 0]"),
    ],
    ids=["step", "unpacked", "functional", "loss"],
)
def test_a_step_in_the_class_is_told_and_mended(cell: str, operation: str, mended: str) -> None:
    (told,) = _told([cell])
    assert f"`{operation}` (line" in told.message
    assert told.fixes[0].source == cell.replace(operation, mended)
    assert told.fixes[0].trains
    assert not _told([told.fixes[0].source])


def test_a_step_in_the_class_is_told_in_a_notebook(notebook: Shell) -> None:
    ran = notebook.run(OWN_STEP)
    assert "`labels - guess` (line 13) sets (batch,) against (batch, 1)" in ran.out
    assert "guess" not in notebook.run(OWN_STEP.replace("labels - guess", "labels - guess[:, 0]")).out


def test_all_of_one_model_are_mended_at_once() -> None:
    code = "guess = model.predict(x, verbose=0)\nsquared = (y - guess) ** 2\nplain = abs(guess - y)\n"
    (told,) = _told([MODEL + code])
    assert (told.fixes[0].source or "").count("guess[:, 0]") == 2


def test_it_is_found_in_a_later_cell() -> None:
    (told,) = _told([MODEL, "guess = model.predict(x, verbose=0)\n", "error = np.mean(np.abs(y - guess))\n"])
    assert told.span is not None
    assert told.span.cell == 2
    assert told.fixes[0].source == "error = np.mean(np.abs(y - guess[:, 0]))\n"


def test_a_comment_keeps_it() -> None:
    line = "error = y - model.predict(x, verbose=0)  # shapecheck: keep row-against-column\n"
    assert not _told([MODEL + line])
    (told,) = _told([MODEL + line.partition("  #")[0] + "\n"])
    assert [action.kind for action in told.actions] == ["keep"]
    assert not _told([told.actions[0].source or ""])


# In a notebook


@pytest.fixture
def notebook() -> Any:
    with opened() as shell:
        shell.must(SETUP)
        shell.must("%shapecheck on")
        yield shell


def test_a_later_cell_of_a_notebook_is_told(notebook: Shell) -> None:
    notebook.must(MODEL)
    notebook.must("guess = model.predict(x, verbose=0)\nclose = guess > 0.5")
    ran = notebook.run("error = np.mean((y - guess) ** 2)")
    assert "`y - guess` (line 1) sets (batch,) against (batch, 1)" in ran.out
    assert "+ error = np.mean((y - guess[:, 0]) ** 2)" in ran.out
    assert "code y - guess" in ran.out
    # Each place for itself: what another cell did with the answers is not in the way.
    ran = notebook.run("hits = np.mean(close == (y > 0.5))")
    assert "+ hits = np.mean(close[:, 0] == (y > 0.5))" in ran.out


def test_cells_that_do_something_else_with_the_answers_stay_quiet(notebook: Shell) -> None:
    notebook.must(MODEL + "guess = model.predict(x, verbose=0)")
    assert notebook.run("print(guess.shape)").out == "(24, 1)\n"
    assert notebook.run("error = y - guess[:, 0]").out == ""
    notebook.must("guess = guess[:, 0]")
    assert notebook.run("error = y - guess").out == ""


def test_a_loop_in_a_cell_of_its_own_is_told_once(notebook: Shell) -> None:
    notebook.must(MODEL + OPTIMIZER)
    loop = (
        "for _ in range(3):\n    with tf.GradientTape() as tape:\n        loss = tf.reduce_mean(tf.abs(y - model(x)))\n"
    )
    ran = notebook.run(loop + _indented(APPLIED, 4))
    assert ran.error is None
    assert ran.out.count("Every label is compared with every answer.") == 1
    assert "tf.abs(y - model(x)[:, 0])" in ran.out


def test_nothing_is_kept_alive(notebook: Shell) -> None:
    notebook.must("import gc, weakref")
    notebook.must(MODEL + "guess = model.predict(x, verbose=0)\nseen = weakref.ref(guess), weakref.ref(model)")
    notebook.must("del guess, model\nkeras.utils.clear_session(free_memory=True)\n_ = gc.collect()")
    assert notebook.ns["seen"][0]() is None


def test_a_function_is_read_once_for_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    run, runs = Reading.run, []

    def counted(self: Reading, *args: Any) -> None:
        runs.append(self)
        run(self, *args)

    monkeypatch.setattr(Reading, "run", counted)
    calls_itself = "def count(n, of):\n    if n:\n        count(n - 1, of - y[:, None])\n    return of\n\n"
    helpers = "".join(f"def f{k}(a):\n" + f"    f{k + 1}(a)\n" * 8 for k in range(12)) + "def f12(a):\n    return a\n"
    code = "guess = model.predict(x, verbose=0)\nif guess is None:\n    f0(guess)\ncount(3, guess)\n"
    assert not _told([MODEL + calls_itself + helpers + code])
    assert 3 < len(runs) < 20


def test_a_sum_of_thousands_of_terms_ends_the_reading() -> None:
    total: ast.expr = ast.Name("a", ast.Load())
    for _ in range(5000):
        total = ast.BinOp(total, ast.Add(), ast.Name("a", ast.Load()))
    cell = Book().add("cell", "", "cell 1")
    reading = Reading(Book(), {"a": 1})
    reading.run([(cell, ast.Expr(total)), (cell, ast.parse("b = 1").body[0])])
    assert reading.names == {}


def test_a_repair_is_offered_only_where_the_answers_are_followed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Answers.note_step
    assert _told([OWN_STEP])[0].fixes
    monkeypatch.setattr(Answers, "note_step", lambda self, *args: None if in_worker() else note(self, *args))
    assert _told([OWN_STEP])[0].fixes == ()


def test_answers_of_unlike_kinds_raise_nothing() -> None:
    code = """\
class Odd(keras.Model):
    def call(self, inputs):
        return {"a": inputs, "b": [inputs]}

odd = Odd()
both = odd(x), odd.predict(x, verbose=0), odd(tf.constant(x))
"""
    assert check_cell(code, _namespace()).ok


def test_a_repair_runs_the_cells_again_that_use_the_answers_and_no_training(notebook: Shell) -> None:
    notebook.must("def distance(a, b):\n    return np.mean(np.abs(a - b))\n")
    notebook.must(
        MODEL + 'model.compile("sgd", "mse")\nmodel.fit(x, y, verbose=0)\nguess = model.predict(x, verbose=0)'
    )
    notebook.must("print(distance(y, guess))")
    (told,) = notebook.notebook.last_report.diagnostics
    fix = told.fixes[0]
    assert fix.source == "def distance(a, b):\n    return np.mean(np.abs(a - b[:, 0]))\n"
    assert [str(cell) for cell in fix.rerun] == ["In[3]", "In[5]"]
    assert not fix.trains
