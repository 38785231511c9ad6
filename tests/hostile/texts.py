"""Texts that hold markup, terminal escapes, marks that reorder, halves of surrogate pairs, or megabytes."""

from __future__ import annotations

from tests.hostile.rows import COMPILE, EVIL, FIT, LITERAL, POSITIONS, SHOWN, Row, head, layer, own, stack

_TEXT = "It is shown as text, with its control characters as pictures and its marks as code points."
_NET = stack("layers.Conv2D(4, 3)", "layers.Dense(10)")
_CUT = "It is shown with its beginning, its end and an ellipsis between."

NAMES = (
    Row("markup and escapes", "a layer's `name`", _TEXT, head(f"layers.Dense(4, name={LITERAL})"), POSITIONS, (SHOWN,)),
    Row(
        "markup and escapes",
        "the `name` of the layer that a card is about",
        _TEXT,
        stack("layers.Conv2D(4, 3)", f"layers.Dense(10, name={LITERAL})") + FIT,
        POSITIONS,
        (SHOWN, "␛[31m", "<U+202E>"),
    ),
    Row(
        "markup and escapes",
        "a model's `name`",
        "Cards call a model by its variable; the name stays out of them.",
        f"model = keras.Sequential([layers.Input((8, 8, 1)), layers.Dense(10)], name={LITERAL})\n" + FIT,
        POSITIONS,
    ),
    Row(
        "markup and escapes",
        "an input's `name`",
        _TEXT,
        f"i = layers.Input((8, 8, 1), name={LITERAL})\nmodel = keras.Model(i, layers.Dense(10)(i))\n" + FIT,
        POSITIONS,
        (SHOWN,),
    ),
    Row(
        "markup and escapes",
        "a layer class's `__name__`",
        _TEXT,
        f"Own = type({LITERAL}, (layers.Dense,), {{}})\n" + head("Own(4)"),
        POSITIONS,
        (SHOWN,),
    ),
    Row(
        "markup and escapes",
        "a `Lambda`'s `name`",
        _TEXT,
        head(f"layers.Lambda(lambda t: t, name={LITERAL})"),
        POSITIONS,
        (SHOWN,),
    ),
    Row(
        "markup and escapes",
        "an activation function's `__name__`",
        _TEXT,
        f"def act(t):\n    return t\nact.__name__ = {LITERAL}\n" + head("layers.Dense(4, activation=act)"),
        POSITIONS,
    ),
    Row(
        "markup and escapes",
        "a loss function's `__name__`",
        _TEXT,
        _NET + f"def own(a, b):\n    return keras.losses.categorical_crossentropy(a, b)\nown.__name__ = {LITERAL}\n"
        "model.compile('sgd', own)\nmodel.fit(x, y, verbose=0)\n",
        POSITIONS,
        (SHOWN,),
    ),
    Row(
        "markup and escapes",
        "a loss object's `name`",
        "Cards call a loss by its function; the name stays out of them.",
        _NET + f"model.compile('sgd', keras.losses.CategoricalCrossentropy(name={LITERAL}))\nmodel.fit(x, y)\n",
        POSITIONS,
    ),
    Row(
        "markup and escapes",
        "a metric's `name`",
        "The finding is about the loss; the name stays out of it.",
        _NET + f"model.compile('sgd', 'categorical_crossentropy',"
        f" metrics=[keras.metrics.CategoricalAccuracy(name={LITERAL})])\nmodel.fit(x, y)\n",
        POSITIONS,
    ),
    Row(
        "markup and escapes",
        "the keys of a dict of inputs",
        "The model knows its inputs by them; the card is as always.",
        f"i = layers.Input((8, 8, 1), name='a')\nmodel = keras.Model({{{LITERAL}: i}}, layers.Dense(10)(i))\n"
        + COMPILE
        + f"model.fit({{{LITERAL}: x}}, y, verbose=0)\n",
        POSITIONS,
    ),
    Row(
        "markup and escapes",
        "the names of a data set's `element_spec`",
        _TEXT,
        "import tensorflow as tf\n"
        f"ds = tf.data.Dataset.from_tensor_slices(({{{LITERAL}: x}}, y)).batch(4)\n"
        f"i = layers.Input((8, 8, 1), name='a')\nmodel = keras.Model({{{LITERAL}: i}}, layers.Dense(10)(i))\n"
        + COMPILE
        + "model.fit(ds, verbose=0)\n",
        POSITIONS,
    ),
    Row(
        "homoglyphs and combining marks",
        "a variable's name",
        "It is shown as it is written: a name of Python's is printable.",
        "mоdel̈ℌ = keras.Sequential([layers.Input((8, 8, 1)), layers.Dense(10)])\n"
        "mоdel̈ℌ.compile('sgd', 'categorical_crossentropy')\nmоdel̈ℌ.fit(x, y)\n",
        POSITIONS,
        ("mоdel̈H",),
    ),
    Row(
        "half of a surrogate pair",
        "a layer's `name`",
        "It is shown as `<U+D800>`; no message, file or JSON fails on it.",
        stack("layers.Conv2D(4, 3)", "layers.Dense(10, name='a\\ud800b')") + FIT,
        None,  # on some Pythons Keras itself can't take it
        ("a<U+D800>b",),
    ),
    Row(
        "braces and backticks",
        "a layer's `name`",
        "They are no places of a text and no code: the name is not read.",
        stack("layers.Conv2D(4, 3)", "layers.Dense(10, name='{0} {name} {x!r} `a` [red]b[red] $\\\\frac{1$')") + FIT,
        POSITIONS,
        ("{0} {name} {x!r}", "[red]b"),
    ),
    Row(
        "markup and escapes",
        "the dtype's names of structured labels",
        "Keras' own exception comes through.",
        _NET + COMPILE + f"model.fit(x, np.zeros(20, dtype=[({LITERAL}, 'f4'), ('b', 'i4')]), verbose=0)\n",
        None,
    ),
)

ERRORS = (
    Row(
        "markup and escapes",
        "an exception raised in a layer's `call`",
        "It is the user's own and comes through as it is; no card.",
        layer("", call=f"raise ValueError({LITERAL})") + head("Own()"),
        "",
    ),
    Row(
        "markup and escapes",
        "an exception raised in a layer's `build`",
        "It is the user's own and comes through as it is; no card.",
        own(f"def build(self, shape):\n    raise ValueError({LITERAL})"),
        "",
    ),
    Row("markup and escapes", "a layer's docstring", "Nobody reads it.", own(f"{LITERAL}"), POSITIONS),
    Row(
        "markup and escapes",
        "`units`, of which Keras' sentence tells",
        "Keras' own exception comes through; there is no model to show.",
        head(f"layers.Dense({LITERAL})"),
        None,
    ),
    Row(
        "markup and escapes",
        "a dtype, of which Keras' sentence tells",
        "Keras' own exception comes through; there is no model to show.",
        head(f"layers.Dense(4, dtype={LITERAL})"),
        None,
    ),
    Row(
        "markup and escapes",
        "an input's shape, of which Keras' sentence tells",
        "Keras' sentence is quoted as text.",
        f"model = keras.Sequential([layers.Input(({LITERAL}, 8)), layers.Dense(10)])\n" + FIT,
        "layer-refuses-input",
        (SHOWN,),
    ),
    Row(
        "markup and escapes",
        "a model's name with a slash, of which Keras' sentence tells",
        "Keras' sentence is quoted as text.",
        f"model = keras.Sequential([layers.Input((8,)), layers.Dense(10)], name={EVIL + '/'!a})\n" + FIT,
        "layer-refuses-input",
        (SHOWN,),
    ),
    Row(
        "half of a surrogate pair",
        "an exception of Keras'",
        "It is quoted with `<U+D800>` in its place.",
        "model = keras.Sequential([layers.Input((8,)), layers.Dense(10)], name='/\\ud800')\n" + FIT,
        "layer-refuses-input",
        ("<U+D800>",),
    ),
    Row(
        "`__str__` raises",
        "an exception raised in a layer's `call`",
        "It comes through as it is; no card.",
        "class Bad(ValueError):\n    def __str__(self):\n        raise RuntimeError('in str')\n"
        + layer("", call="raise Bad()")
        + head("Own()"),
        "",
    ),
    Row(
        "5 MB",
        "an exception raised in a layer's `call`",
        "It comes through; nothing of it is kept.",
        layer("", call="raise ValueError('b' * 5_000_000)") + head("Own()"),
        "",
    ),
    Row(
        "400,000 characters",
        "an input's shape, of which Keras' sentence tells",
        "The sentence is quoted as far as it is read.",
        "model = keras.Sequential([layers.Input(('9' * 400_000,)), layers.Dense(10)])\n" + FIT,
        "layer-refuses-input",
    ),
    Row(
        "a million blanks",
        "an input's shape, of which Keras' sentence tells",
        "The sentence is quoted; no pattern takes the square of it.",
        "model = keras.Sequential([layers.Input((' ' * 1_000_000,)), layers.Dense(10)])\n" + FIT,
        "layer-refuses-input",
    ),
    Row(
        "markup and escapes",
        "a loss's name that Keras does not know",
        "The card says that there is no such loss, and shows the name as text.",
        stack("layers.Flatten()", "layers.Dense(10)")
        + f"model.compile('sgd', {LITERAL})\nmodel.fit(x, y, verbose=0)\n",
        "output-against-labels",
        (SHOWN, "There is no loss of this name."),
    ),
)

MEGABYTES = (
    Row(
        "5 MB",
        "a layer's `name`",
        _CUT,
        stack("layers.Conv2D(4, 3)", "layers.Dense(10, name='a' * 5_000_000)") + FIT,
        POSITIONS,
        ("aaaa…aaaa",),
    ),
    Row(
        "5 MB",
        "an input's `name`",
        _CUT,
        "i = layers.Input((8, 8, 1), name='a' * 5_000_000)\nmodel = keras.Model(i, layers.Dense(10)(i))\n" + FIT,
        POSITIONS,
        ("aaaa…aaaa",),
    ),
    Row(
        "1 MB",
        "a layer class's `__name__`",
        _CUT,
        "Own = type('C' * 1_000_000, (layers.Dense,), {})\n" + head("Own(4)"),
        POSITIONS,
        ("CCC…CCC",),
    ),
    Row(
        "5 MB",
        "the keys of a dict of inputs",
        "The card is as always.",
        "k = 'k' * 5_000_000\ni = layers.Input((8, 8, 1), name='a')\nmodel = keras.Model({k: i}, layers.Dense(10)(i))\n"
        + COMPILE
        + "model.fit({k: x}, y, verbose=0)\n",
        POSITIONS,
    ),
    Row(
        "5 MB",
        "a loss's name",
        "The card says what is wrong with the shapes; the name is cut.",
        _NET + "model.compile('sgd', 'n' * 5_000_000)\nmodel.fit(x, y, verbose=0)\n",
        POSITIONS,
    ),
    Row(
        "5 MB",
        "what `get_config` gives",
        "Its texts are cut, and all arguments after the 256th left out.",
        own("def get_config(self):\n    return {'units': 'v' * 5_000_000, 'activation': 'w' * 5_000_000}"),
        POSITIONS,
    ),
    Row(
        "100,000 entries",
        "what `get_config` gives",
        "All arguments after the 256th are left out.",
        own("def get_config(self):\n    return {str(i): 'value' for i in range(100_000)}"),
        POSITIONS,
    ),
    Row(
        "10,000 attributes",
        "a layer",
        "The card is as always.",
        own(
            "def __init__(self):\n    super().__init__()\n    for i in range(10_000):\n        setattr(self, f'a{i}', i)"
        ),
        POSITIONS,
    ),
    Row(
        "300 arrays",
        "the data of `fit`",
        "The card says that its names are not those of the model.",
        _NET + COMPILE + "model.fit({f'k{i}': x for i in range(300)}, y, verbose=0)\n",
        "outputs-and-losses",
    ),
)
