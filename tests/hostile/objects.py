"""Layers, data, losses and metrics that raise, lie or contain themselves."""

from __future__ import annotations

from tests.hostile.rows import COMPILE, FIT, POSITIONS, Row, head, layer, own, stack

_NET = stack("layers.Conv2D(4, 3)", "layers.Dense(10)")
_GOES_ON = "Nothing is said of it, and the card is as always: only we have asked."
_THROUGH = "It comes through as without us: Keras has asked, too."
_RAISED = ("RuntimeError('no')", "SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()", "RecursionError()")

#: Methods and properties that Keras does not ask on the way to the first step, but a check does.
_ASKED_BY_US = {
    "get_config": "def get_config(self):\n    raise {}",
    "weights": "@property\ndef weights(self):\n    raise {}",
    "__repr__": "def __repr__(self):\n    raise {}",
    "__str__": "def __str__(self):\n    raise {}",
    "__deepcopy__": "def __deepcopy__(self, memo):\n    raise {}",
    "__reduce__": "def __reduce__(self):\n    raise {}",
    "__dir__": "def __dir__(self):\n    raise {}",
    "__iter__": "def __iter__(self):\n    raise {}",
}
_ASKED_BY_KERAS = {
    "compute_output_shape": "def compute_output_shape(self, shape):\n    raise {}",
    "compute_output_spec": "def compute_output_spec(self, *args, **kwargs):\n    raise {}",
    "__eq__": "def __eq__(self, other):\n    raise {}",
    "__hash__": "def __hash__(self):\n    raise {}",
    "__len__": "def __len__(self):\n    raise {}",
    "__bool__": "def __bool__(self):\n    raise {}",
    "__getattr__": "def __getattr__(self, name):\n    raise {}",
    "__class__": "@property\ndef __class__(self):\n    raise {}",
    "input_spec": "@property\ndef input_spec(self):\n    raise {}\n@input_spec.setter\ndef input_spec(self, v):\n    pass",
    "name": "@property\ndef name(self):\n    raise {}\n@name.setter\ndef name(self, v):\n    pass",
    "dtype": "@property\ndef dtype(self):\n    raise {}",
}


def _several(what: str) -> tuple[str, ...]:
    """What it raises: every kind for the two that are asked first, what ends programs for the others."""
    return _RAISED if what in ("get_config", "compute_output_shape") else _RAISED[1:2]


RAISING = (
    *(
        Row(f"raises `{error}`", f"a layer's `{what}`", _GOES_ON, own(body.format(error)), POSITIONS)
        for what, body in _ASKED_BY_US.items()
        for error in _several(what)
    ),
    *(
        Row(f"raises `{error}`", f"a layer's `{what}`", _THROUGH, own(body.format(error)), None)
        for what, body in _ASKED_BY_KERAS.items()
        for error in _several(what)
    ),
    Row(
        "raises `SystemExit(4)`",
        "the text of a key of `get_config`",
        "Keys that are no texts are left out.",
        own(
            "def get_config(self):\n    class Key:\n        def __str__(self):\n            raise SystemExit(4)\n"
            "    return {Key(): 1, 5: 2, None: 3}"
        ),
        POSITIONS,
    ),
    Row(
        "raise on everything",
        "a text and a number of `get_config`, of subclasses",
        "They are read as Python's own.",
        own(
            "def get_config(self):\n    class Text(str):\n        __str__ = __eq__ = __len__ = __format__ = None\n"
            "        def __hash__(self):\n            return 1\n"
            "    class Number(int):\n        __str__ = __eq__ = __format__ = __index__ = None\n"
            "        def __hash__(self):\n            return 1\n"
            "    return {'units': Number(3), 'activation': Text('relu')}"
        ),
        POSITIONS,
        ("3 units",),
    ),
)

#: What compute_output_shape answers, and the rule of what is found then; None where Keras refuses the answer.
_LIES = (
    "7",
    "None",
    "'abc'",
    "[1, 2]",
    "{}",
    "(None, 'a')",
    "object()",
    "(None, -5, 3)",
    "(None, 2.5)",
    "(None, 10**30)",
    "((None, 1), (None, 2))",
    "(1,) * 40",
    "np.zeros(3)",
    "(None, 6, 6, 4, 9, 9)",
)
_AS_KERAS = "Cell and exception are as without us, or a card stops the call that plain Keras fails in."

LYING = (
    *(
        Row(
            f"answers `{lie}`",
            f"a layer's `{method}`",
            _AS_KERAS,
            own(f"def {method}(self, *a, **k):\n    return {lie}"),
            None,
        )
        for method in ("compute_output_shape", "compute_output_spec")
        for lie in _LIES
    ),
    *(
        Row(
            f"answers `{lie}`",
            "a layer's `get_config`",
            "What is no mapping is nothing; the card is as always.",
            own(f"def get_config(self):\n    return {lie}"),
            POSITIONS,
        )
        for lie in _LIES[:6]
    ),
    Row(
        "another shape at every second call",
        "a layer's `call`",
        _AS_KERAS,
        own("n = 0", call="Own.n += 1\n    return keras.ops.reshape(x, (-1, 144)) if Own.n % 2 else x"),
        None,
    ),
    Row(
        "another name each time",
        "a layer's `name`",
        "Each row has the name that it heard; the card is as always.",
        "import itertools\nnumbers = itertools.count()\n"
        + own(
            "@property\ndef name(self):\n    return f'name{next(numbers)}'\n@name.setter\ndef name(self, v):\n    pass"
        ),
        POSITIONS,
    ),
    Row(
        "says that it is Keras' own",
        "a class's `__module__`",
        "It is followed all the same.",
        layer("", base="layers.Layer") + "Own.__module__ = 'keras.own'\n" + head("Own()"),
        POSITIONS,
    ),
    Row(
        "says nothing, or a number",
        "a class's `__module__`",
        "The class counts as the user's.",
        layer("") + "Own.__module__ = 7\n" + head("Own()"),
        POSITIONS,
    ),
    *(
        Row(
            f"is called `{name}`",
            "a layer's class",
            "It is no such layer: what it is, its bases say.",
            f"class {name}(layers.Layer):\n    def call(self, x):\n        return x\n" + head(f"{name}()"),
            POSITIONS,
        )
        for name in ("Sequential", "InputLayer", "LSTM")
    ),
)

RECURSION = (
    Row(
        "a dict and a list that hold themselves",
        "what `get_config` gives",
        "The arguments that end nowhere are left out.",
        own(
            "def get_config(self):\n    d, l = {'a': 1}, [1]\n    d['d'] = d\n    l.append(l)\n    return d | {'l': l}"
        ),
        POSITIONS,
    ),
    Row(
        "a list 5,000 levels deep",
        "what `get_config` gives",
        "It is left out.",
        own("def get_config(self):\n    l = 1\n    for _ in range(5_000):\n        l = [l]\n    return {'l': l}"),
        POSITIONS,
    ),
    Row(
        "a list that holds itself",
        "a shape",
        "Keras' own exception comes through.",
        "l = [1]\nl.append(l)\n" + head("layers.Reshape(l)"),
        None,
    ),
    Row(
        "a layer that holds itself",
        "an attribute of a layer",
        "Keras' own exception comes through: it follows it without end.",
        own("def __init__(self):\n    super().__init__()\n    self.me = [self]"),
        None,
    ),
    Row(
        "a model that holds itself",
        "an attribute of a model",
        "The card is as always.",
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.me = self\n"
        "        self.dense = layers.Dense(10)\n    def call(self, x):\n        return self.dense(x)\nmodel = Net()\n"
        + FIT,
        POSITIONS,
    ),
    Row(
        "two models that hold each other",
        "attributes of models",
        "The card is as always.",
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.dense = layers.Dense(10)\n"
        "    def call(self, x):\n        return self.dense(x)\nmodel, other = Net(), Net()\n"
        "model.other, other.other = other, model\n" + FIT,
        POSITIONS,
    ),
    Row(
        "an exception of too deep a recursion",
        "a layer's `call`",
        _THROUGH,
        own("", call="raise RecursionError('deep')"),
        "",
    ),
    Row(
        "lists that hold themselves",
        "the data and the labels",
        "Keras' own exception comes through.",
        "d = []\nd.append(d)\n" + _NET + COMPILE + "model.fit(d, d, verbose=0)\n",
        None,
    ),
    Row(
        "a list that holds itself",
        "the metrics",
        "Keras' own exception comes through.",
        "l = []\nl.append(l)\n" + _NET + "model.compile('sgd', 'mse', metrics=l)\nmodel.fit(x, y, verbose=0)\n",
        None,
    ),
    *(
        Row(
            f"{n} models in each other",
            "a Sequential",
            "The card is as always, with the levels folded.",
            f"s = layers.Dense(10)\nfor _ in range({n}):\n    s = keras.Sequential([s])\n"
            + stack("layers.Conv2D(4, 3)", "s")
            + FIT,
            POSITIONS,
        )
        for n in (20, 60)
    ),
)

_DATA = "class Data:\n    shape, dtype = (20, 8, 8, 1), 'float32'\n{}\nd = Data()\n"
_OF_DATA = (
    "__getattr__(self, n)",
    "__getattribute__(self, n)",
    "__len__(self)",
    "__getitem__(self, i)",
    "__array__(self)",
    "__eq__(self, o)",
    "__bool__(self)",
)
_UNREAD = "Nothing is said of it, and Keras' own exception comes through."


def _data(member: str, error: str) -> str:
    return _DATA.format(f"    def {member}:\n        raise {error}")


def _prop(name: str, error: str) -> str:
    return f"class Data:\n    @property\n    def {name}(self):\n        raise {error}\nd = Data()\n"


DATA = (
    *(
        Row(
            f"raises `{error}`",
            f"`{member}` of the data of `fit`",
            _UNREAD,
            _data(member, error) + _NET + COMPILE + "model.fit(d, y, verbose=0)\n",
            None,
        )
        for member in _OF_DATA
        for error in _RAISED[:2]
    ),
    *(
        Row(
            f"raises `{error}`",
            f"the property `{name}` of {role}",
            _UNREAD,
            _prop(name, error) + _NET + COMPILE + f"model.fit({call}, verbose=0)\n",
            None,
        )
        for name in ("shape", "dtype", "__class__", "element_spec")
        for role, call in (("the data", "d, y"), ("the labels", "x, d"))
        for error in _RAISED[:2]
    ),
    *(
        Row(
            f"raises `{error}`",
            f"the property `{name}` of an object that is only in the notebook",
            "Nobody asks it; the card is as always.",
            _prop(name, error) + _NET + FIT,
            POSITIONS,
        )
        for name in ("shape", "__class__")
        for error in _RAISED[:2]
    ),
    *(
        Row(
            f"says that its shape is `{lie}`",
            "an array of a subclass, as data",
            _AS_KERAS,
            f"class Data(np.ndarray):\n    @property\n    def shape(self):\n        return {lie}\n"
            "d = np.zeros((20, 8, 8, 1), 'float32').view(Data)\n" + _NET + COMPILE + "model.fit(d, y, verbose=0)\n",
            None,
        )
        for lie in (
            "'abc'",
            "7",
            "None",
            "(-1, 8)",
            "(20, 8.5, 8, 1)",
            "(2**63,)",
            "(10**5000, 8)",
            "tuple(range(2000))",
        )
    ),
    Row(
        "raises `SystemExit(3)`",
        "the methods of a dict of a subclass, as data",
        _UNREAD,
        "class D(dict):\n    def __getitem__(self, k):\n        raise SystemExit(3)\n    def __iter__(self):\n"
        "        raise SystemExit(4)\nd = D(a=x)\n" + _NET + COMPILE + "model.fit(d, y, verbose=0)\n",
        None,
    ),
    Row(
        "raises `SystemExit(3)`",
        "the methods of a list of a subclass, as data",
        _UNREAD,
        "class D(list):\n    def __getitem__(self, k):\n        raise SystemExit(3)\n    def __iter__(self):\n"
        "        raise SystemExit(4)\nd = D([x])\n" + _NET + COMPILE + "model.fit(d, y, verbose=0)\n",
        None,
    ),
    Row(
        "raises `SystemExit(3)`",
        "the `repr` of a dict's key, as data",
        "It is called by its class.",
        "class K:\n    def __repr__(self):\n        raise SystemExit(3)\n"
        "d = {K(): x}\n" + _NET + COMPILE + "model.fit(d, y, verbose=0)\n",
        None,
    ),
    *(
        Row(
            f"`{size}`",
            "`batch_size`",
            _AS_KERAS,
            _NET + COMPILE + f"model.fit(x, y, batch_size={size}, verbose=0)\n",
            None,
        )
        for size in ("-5", "0", "True", "10**30", "'<b>'")
    ),
    *(
        Row(f"`{labels}`", "the labels", _AS_KERAS, _NET + COMPILE + f"model.fit(x, {labels}, verbose=0)\n", None)
        for labels in ("np.full((20, 10), np.nan)", "np.array([b'\\xff<b>'] * 20)", "np.array([10**30] * 20, object)")
    ),
    Row(
        "raises `SystemExit(5)`",
        "a loss's `call`",
        _THROUGH,
        _NET + "class L(keras.losses.Loss):\n    def call(self, a, b):\n        raise SystemExit(5)\n"
        "model.compile('sgd', L())\nmodel.fit(x, y, verbose=0)\n",
        None,
    ),
    Row(
        "raises `SystemExit(5)`",
        "a loss's `__getattr__`",
        _THROUGH,
        _NET + "class L:\n    def __getattr__(self, n):\n        raise SystemExit(5)\n    def __call__(self, a, b):\n"
        "        return keras.ops.mean(b)\nmodel.compile('sgd', L())\nmodel.fit(x, y, verbose=0)\n",
        None,
    ),
    Row(
        "raises `SystemExit(4)`",
        "a metric's `get_config`",
        "The metric is not asked; the cell goes on as without us.",
        _NET + "class M(keras.metrics.Mean):\n    def get_config(self):\n        raise SystemExit(4)\n"
        "model.compile('sgd', 'mse', metrics=[M()])\nmodel.fit(x, y, verbose=0)\n",
        None,
    ),
)
