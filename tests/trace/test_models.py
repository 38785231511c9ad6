"""Models as facts: shapes, axes, words and weights are Keras' own, and nothing of the model changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import psutil
import pytest
from keras import layers

from shape_magic import check, check_cells
from shape_magic.capture.session import Session
from shape_magic.facts import Given, Model
from shape_magic.trace.models import model_facts
from shape_magic.trace.stack import unbuilt as never_built


def image_net() -> Any:
    return keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.SeparableConv2D(8, 3, padding="same", strides=2),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def branches() -> Any:
    a, b = keras.Input((8,), name="a"), keras.Input((5, 8), name="b")
    left = layers.Dense(16, activation="relu")(a)
    right = layers.LSTM(16)(b)
    both = layers.Concatenate()([left, right])
    return keras.Model([a, b], [layers.Dense(3, name="one")(both), layers.Dense(1, name="two")(both + 1.0)])


def nested() -> Any:
    inner = keras.Sequential([layers.Input((8,)), layers.Dense(4), layers.Dense(2)], name="inner")
    i = keras.Input((8,))
    return keras.Model(i, layers.Add()([inner(i), inner(i * 2.0)]))


def shared() -> Any:
    i = keras.Input((8,))
    dense = layers.Dense(8)
    return keras.Model(i, dense(dense(i)))


def words() -> Any:
    return keras.Sequential([
        layers.Input((20,)),
        layers.Embedding(1000, 16),
        layers.Bidirectional(layers.GRU(8, return_sequences=True)),
        layers.LayerNormalization(),
        layers.TimeDistributed(layers.Dense(5)),
    ])  # fmt: skip


def pretrained() -> Any:
    base = keras.applications.MobileNetV2((32, 32, 3), weights=None, include_top=False, alpha=0.35)
    base.trainable = False
    i = keras.Input((32, 32, 3))
    h = layers.GlobalAveragePooling2D()(base(i, training=False))
    return keras.Model(i, layers.Dense(2)(h))


BUILDERS: Mapping[str, Callable[[], Any]] = {
    f.__name__: f for f in (image_net, branches, nested, shared, words, pretrained)
}


@pytest.mark.parametrize("name", BUILDERS)
def test_shapes_and_weights_are_keras_own(name: str) -> None:
    model = BUILDERS[name]()
    facts = model_facts(Session(), model, {"net": model})
    assert facts.name == "net"
    assert facts.params == model.count_params()
    assert facts.bytes == sum(4 * int(np.prod(w.shape)) for w in model.weights)
    assert facts.outputs == tuple(tuple(t.shape) for t in model.outputs)
    assert [d.shape for d in facts.inputs] == [tuple(t.shape) for t in model.inputs]
    for call in facts.calls:
        assert all(-len(facts.inputs) <= source < call.call for source in call.inputs)
        assert [len(a) for a in call.input_axes] == [len(s) for s in call.input_shapes]
        assert [len(a) for a in call.output_axes] == [len(s) for s in call.output_shapes]
    json.dumps(check(model).to_dict())


@pytest.mark.parametrize("build", [image_net, words])
def test_a_stack_traced_before_it_is_built_has_the_same_rows(build: Callable[[], Any]) -> None:
    model = build()
    unbuilt = keras.Sequential([type(one).from_config(never_built(one.get_config())) for one in model.layers])
    first = tuple(model.inputs[0].shape)
    traced = model_facts(Session(), unbuilt, {}, given=Given(inputs=(first,)))
    assert not unbuilt.built
    assert not any(layer.built and layer.weights for layer in unbuilt.layers)
    unbuilt.build(first)
    built = model_facts(Session(), unbuilt, {})
    assert (traced.params, traced.outputs) == (built.params, built.outputs)
    assert rows(traced) == rows(built)


def rows(model: Model) -> list[tuple[object, ...]]:
    """What the table shows of each call, names aside."""
    return [(c.class_name, c.summary, c.output_shapes, c.params, c.output_axes) for c in model.calls]


def test_summaries_and_axes_of_an_image_net() -> None:
    calls = model_facts(Session(), image_net(), {}).calls
    assert [c.summary for c in calls] == [
        "32 filters 3×3, relu",
        "2×2",
        "8 filters 3×3, stride 2, same padding",
        "",
        "",
        "drops 0.25",
        "10 units, softmax",
    ]
    image = ("batch", "height", "width", "channels")
    assert [c.output_axes[0] for c in calls] == [image] * 4 + [("batch", "features")] * 3


def test_summaries_and_axes_of_a_sequence_net() -> None:
    calls = model_facts(Session(), words(), {}).calls
    assert calls[0].summary == "1,000 words, 16 features"
    assert [c.output_axes[0] for c in calls] == [("batch", "time", "features")] * 4
    assert calls[0].input_axes == (("batch", "time"),)


def test_summaries_and_axes_of_a_video_net() -> None:
    net = keras.Sequential(
        [
            keras.Input((10, 32, 32, 3)),
            layers.TimeDistributed(layers.Conv2D(16, 3, padding="same", activation="relu")),
            layers.TimeDistributed(layers.MaxPooling2D()),
            layers.ConvLSTM2D(8, 3, return_sequences=True),
            layers.ConvLSTM2D(8, 3),
            layers.Reshape((-1, 8)),
            layers.TimeDistributed(layers.Dense(4)),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode="sum"),
        ]
    )
    calls = model_facts(Session(), net, {}).calls
    assert [c.summary for c in calls] == [
        "Conv2D, 16 filters 3×3, same padding, relu",
        "MaxPooling2D, 2×2",
        "8 filters 3×3, every step",
        "8 filters 3×3",
        "to (-1, 8)",
        "Dense, 4 units",
        "LSTM, 5 units, every step",
    ]
    image, steps = ("height", "width", "channels"), ("batch", "time", "features")
    assert [c.output_axes[0] for c in calls] == [("batch", "time", *image)] * 3 + [("batch", *image)] + [steps] * 3
    assert calls[0].input_axes == (("batch", "time", *image),)


def test_axes_of_channels_first_at_each_step() -> None:
    step = layers.Conv2D(4, 3, data_format="channels_first", padding="same")
    net = keras.Sequential([keras.Input((5, 3, 8, 8)), layers.TimeDistributed(step)])
    (call,) = model_facts(Session(), net, {}).calls
    assert call.output_axes[0] == ("batch", "time", "channels", "height", "width")


def test_a_shared_layer_counts_once() -> None:
    first, second = model_facts(Session(), shared(), {}).calls
    assert (first.layer, first.params) == (second.layer, 72)
    assert second.params == 0


def test_paths_lead_through_nested_models() -> None:
    model = nested()
    facts = model_facts(Session(), model, {})
    assert [c.path[0] for c in facts.calls if len(c.path) == 2] == ["inner"] * 4
    assert facts.params == model.count_params()
    assert len([c for c in facts.calls if c.index is None and len(c.path) == 1]) == 1  # the bare multiplication


def test_two_outputs_and_two_inputs() -> None:
    facts = model_facts(Session(), branches(), {})
    assert [d.name for d in facts.inputs] == ["a", "b"]
    assert facts.outputs == ((None, 3), (None, 1))
    concat = next(c for c in facts.calls if c.class_name == "Concatenate")
    assert len(concat.inputs) == 2
    assert concat.output_shape == (None, 32)


def test_an_unbuilt_stack_takes_its_shape_from_the_data() -> None:
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    report = check(model, np.zeros((6, 8, 8, 1), "uint8"), np.arange(6))
    assert report.ok
    assert report.models[0].outputs == ((None, 10),)
    assert report.models[0].params == 40 + 1450
    assert not model.built
    model.fit(np.zeros((6, 8, 8, 1)), np.arange(6), verbose=0)


def test_without_any_shape_the_rows_are_there_and_say_nothing() -> None:
    facts = model_facts(Session(), keras.Sequential([layers.Conv2D(4, 3), layers.Dense(2)]), {})
    assert [(c.class_name, c.output_shapes) for c in facts.calls] == [("Conv2D", ()), ("Dense", ())]
    assert facts.outputs == ()


class Plain(layers.Layer):
    """Without get_config, as in most notebooks; its inner layer must not be built by us."""

    def __init__(self, units: int, table: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.inner = layers.Dense(units)
        self.table = table

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


def adapted(layer: Any) -> Any:
    layer.adapt(np.ones((4, 5, 3), "float32"))
    return layer


HARMED: Mapping[str, Callable[[], Any]] = {
    "TimeDistributed(dense)": lambda: layers.TimeDistributed(layers.Dense(4)),
    "RNN(cell)": lambda: layers.RNN(layers.LSTMCell(4), return_sequences=True),
    "RNN(cells)": lambda: layers.RNN([layers.GRUCell(4), layers.GRUCell(4)], return_sequences=True),
    "Bidirectional": lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
    "SpectralNormalization": lambda: layers.SpectralNormalization(layers.Dense(4)),
    "custom layer": lambda: Plain(4),
    "Lambda": lambda: layers.Lambda(lambda t: t * 2),
    "Lambda over a layer": lambda: layers.Lambda(layers.Dense(4)),
    "adapted Normalization": lambda: adapted(layers.Normalization()),
    "callable initializer": lambda: layers.Dense(4, kernel_initializer=lambda shape, dtype=None: keras.ops.ones(shape)),
    "nested": lambda: keras.Sequential([layers.Dense(4), Plain(4)]),
}


@pytest.mark.parametrize("name", HARMED)
def test_layers_are_not_harmed_by_a_trace(name: str) -> None:
    x, y = np.ones((4, 5, 3), "float32"), np.zeros((4, 5, 4), "float32")
    cells = ["model = keras.Sequential([make(), layers.Dense(4)])\nmodel.compile('sgd', 'mse')", "model.fit(x, y)"]
    ns = {"keras": keras, "layers": layers, "make": HARMED[name], "x": x, "y": y, "Plain": Plain}
    check_cells(cells, ns, dry_run=True)
    model: Any = ns["model"]
    before = [layer.name for layer in model.layers]
    assert not [w for w in model.weights if w.shape == (3, 4)]
    model.fit(x, y, verbose=0)
    assert model.predict(x, verbose=0).shape == (4, 5, 4)
    assert [layer.name for layer in model.layers] == before


class Keeps(layers.Layer):
    """Keeps what it saw last, as attention layers of tutorials do, and adds a loss."""

    def call(self, inputs: Any) -> Any:
        self.last = inputs * 2
        self.add_loss(keras.ops.mean(inputs))
        return inputs


@pytest.mark.parametrize("kind", ["graph with an open axis", "built layer in an unbuilt stack"])
def test_what_a_layer_keeps_is_the_users(kind: str) -> None:
    layer = Keeps()
    x, y = np.ones((3, 5, 4), "float32"), np.zeros((3, 5, 2), "float32")
    if kind.startswith("graph"):
        i = keras.Input((None, 4))
        model = keras.Model(i, layers.Dense(2)(layer(i)))
        model(x)
    else:
        layer(x)
        model = keras.Sequential([layer, layers.Dense(2)])
    model.compile("sgd", "mse")
    last, losses = layer.last, list(layer.losses)
    check(model, x, y)
    assert layer.last is last
    assert [float(loss) for loss in layer.losses] == [float(loss) for loss in losses] == [1.0]


def test_names_and_counters_are_as_without_a_check() -> None:
    keras.backend.clear_session()
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Dense(10)])
    model.compile("adam", "categorical_crossentropy")
    report = check(model, np.zeros((6, 8, 8, 1)), np.eye(10)[:6])
    assert not report.ok
    assert (layers.Dense(1).name, layers.Conv2D(1, 1).name, layers.Flatten().name) == ("dense_1", "conv2d_1", "flatten")


def test_random_states_are_as_without_a_check() -> None:
    import random

    keras.utils.set_random_seed(5)
    expected = (random.random(), float(np.random.rand()))  # noqa: NPY002 - the global state is what is tested
    keras.utils.set_random_seed(5)
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Dropout(0.5), layers.Flatten(), layers.Dense(10)])
    state = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]  # noqa: NPY002
    model.compile("adam", "mse")
    check(model, np.zeros((6, 8, 8, 1)), np.zeros((6, 4)))
    assert (random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]) == state  # noqa: NPY002
    assert expected != (random.random(), float(np.random.rand()))  # noqa: NPY002 - Keras itself drew for Dropout


TOO_LARGE = """\
model = keras.Sequential([
    layers.Conv2D(64, 3, padding='same'),
    layers.Flatten(),
    layers.Dense(4096),
    layers.Dense(10, activation='softmax'),
])
model.compile('adam', 'sparse_categorical_crossentropy')
model.fit(np.zeros((2, 224, 224, 3), 'float32'), np.zeros(2, int))
"""


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("built", [True, False])
def test_49_gibibytes_are_told_and_not_taken(built: bool, dry_run: bool) -> None:
    process = psutil.Process()
    cell = TOO_LARGE.replace("Sequential([", "Sequential([layers.Input((224, 224, 3)),") if built else TOO_LARGE
    before = process.memory_info().rss
    imports = "import keras, numpy as np\nfrom keras import layers"
    report = check_cells([imports, cell], dry_run=dry_run, memory_budget=8 * 2**30)
    assert process.memory_info().rss - before < 50 * 2**20
    first = report.diagnostics[0]
    assert (first.rule, first.severity, first.values["weights"]) == ("weights-exceed-memory", "error", "49 GiB")
    assert first.span is not None
    assert first.fixes
    for fix in first.fixes:
        assert fix.verified
        assert fix.effect is not None
        assert fix.effect.params * 4 < 8 * 2**30


def test_models_that_fit_one_at_a_time_fit() -> None:
    cell = (
        "import gc\nfor fold in range(4):\n    model = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000)])\n"
        "    del model\n    keras.backend.clear_session()\n    gc.collect()\n"
    )
    report = check_cells(["import keras", cell], memory_budget=9_000_000)
    assert report.ok


def test_many_small_weights_are_counted_where_the_budget_is_small() -> None:
    cell = "a = keras.Sequential([keras.Input((10,)), *[keras.layers.Dense(10) for _ in range(50)]])"
    assert check_cells(["import keras", cell], memory_budget=50 * 110 * 4).ok
    report = check_cells(["import keras", cell], memory_budget=49 * 110 * 4)
    assert report.diagnostics[0].rule == "weights-exceed-memory"


def test_a_budget_is_for_all_weights_together() -> None:
    cell = "a = keras.Sequential([keras.Input((1000,)), keras.layers.Dense(1000), keras.layers.Dense(1000)])"
    report = check_cells(["import keras", cell], memory_budget=6_000_000)
    assert report.diagnostics[0].rule == "weights-exceed-memory"


def test_a_multiline_graph_that_breaks_shows_what_led_there() -> None:
    cell = (
        "i = keras.Input((8, 8, 1), name='image')\nh = layers.Conv2D(4, 3)(i)\nside = layers.Dense(2)(i)\n"
        "h = layers.Flatten()(h)\nh = layers.Conv2D(4, 3, name='late')(h)\nmodel = keras.Model(i, h)\n"
    )
    report = check_cells(["import keras\nfrom keras import layers", cell], dry_run=True)
    model = report.models[0]
    assert [c.class_name for c in model.calls] == ["Conv2D", "Flatten", "Conv2D"]
    assert model.calls[-1].failure is not None
    assert model.calls[-1].failure.type == "ValueError"
    assert [d.name for d in model.inputs] == ["image"]


def test_a_built_model_in_a_stack_that_its_data_build_is_held_to_its_weights() -> None:
    report = check_cells(
        [
            "import keras, numpy as np\nfrom keras import layers\n"
            "base = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])\n"
            "model = keras.Sequential([layers.Activation('relu'), base, layers.Dense(2)])\n"
            "model.compile('adam', 'mse')\n"
            "model.fit(np.zeros((6, 8, 8, 1)), np.zeros((6, 2)), verbose=0)\n"
        ],
        dry_run=True,
    )
    assert [(d.severity, d.rule) for d in report.diagnostics] == [("error", "nested-model-input")]
