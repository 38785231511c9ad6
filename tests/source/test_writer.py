"""Layers put in, before and after: each test is a line of the writer's specification."""

from __future__ import annotations

import itertools

import pytest

from shape_magic.repair.steps import InsertLayer, RemoveLayer, ReplaceLayer, SetArgument
from shape_magic.source.cells import parse
from shape_magic.source.writer import Refused, write
from shape_magic.spans import CellId
from tests.source.harness import assert_refused, assert_written, marked, model_of, written


def flatten(call: int = 0) -> InsertLayer:
    return InsertLayer(call, "Flatten")


def pool_after(call: int = 0) -> InsertLayer:
    return InsertLayer(call, "MaxPooling2D", "2", "after")


# Lists.


def test_a_list_with_one_layer_per_line_gets_a_line() -> None:
    assert_written(
        "model = keras.Sequential([\n    layers.Conv2D(32, 3),  # eyes\n    «layers.Dense(10)»,  # head\n])\n",
        "model = keras.Sequential([\n    layers.Conv2D(32, 3),  # eyes\n    layers.Flatten(),\n"
        "    layers.Dense(10),  # head\n])\n",
        flatten(),
    )


def test_a_comment_above_the_layer_stays_above_both() -> None:
    assert_written(
        "m = Sequential([\n\t# head\n\t«layers.Dense(10)»\n])",
        "m = Sequential([\n\t# head\n\tlayers.Flatten(),\n\tlayers.Dense(10)\n])",
        flatten(),
    )


def test_a_list_on_one_line_stays_on_it() -> None:
    assert_written(
        "m = Sequential(layers=[layers.Conv2D(8, 3), «layers.Dense(10)»])",
        "m = Sequential(layers=[layers.Conv2D(8, 3), layers.Flatten(), layers.Dense(10)])",
        flatten(),
    )


def test_a_list_that_opens_with_a_layer_keeps_its_alignment() -> None:
    assert_written(
        "m = Sequential([«layers.Dense(10)»,\n                layers.Dense(2)])",
        "m = Sequential([layers.Flatten(),\n                layers.Dense(10),\n                layers.Dense(2)])",
        flatten(),
    )
    assert_written(
        "m = Sequential([layers.Conv2D(8, 3),\n                «layers.Dense(2)»])",
        "m = Sequential([layers.Conv2D(8, 3),\n                layers.Flatten(),\n                layers.Dense(2)])",
        flatten(),
    )


def test_a_list_in_a_variable_and_one_that_grows() -> None:
    assert_written(
        "s = [«layers.Dense(10)»]; m = Sequential(s)",
        "s = [layers.Flatten(), layers.Dense(10)]; m = Sequential(s)",
        flatten(),
    )
    assert_written("s += [«layers.Dense(10)»]", "s += [layers.Flatten(), layers.Dense(10)]", flatten())
    assert_written("s = s + [«layers.Dense(10)»]", "s = s + [layers.Flatten(), layers.Dense(10)]", flatten())
    assert_written("s.extend([«layers.Dense(10)»])", "s.extend([layers.Flatten(), layers.Dense(10)])", flatten())


def test_tuples_with_and_without_brackets() -> None:
    assert_written("s = («layers.Dense(10)»,)", "s = (layers.Flatten(), layers.Dense(10),)", flatten())
    assert_written("s = a, «layers.Dense(10)»", "s = a, layers.Flatten(), layers.Dense(10)", flatten())
    assert_written("s = (a), (\n«layers.Dense(10)»)", "s = (a), layers.Flatten(), (\nlayers.Dense(10))", flatten())


def test_beside_starred_layers() -> None:
    assert_written(
        "Sequential([*convs, «layers.Dense(10)»])",
        "Sequential([*convs, layers.Flatten(), layers.Dense(10)])",
        flatten(),
    )


def test_brackets_around_an_element_belong_to_it() -> None:
    assert_written("s = [a, («layers.Dense(10)»)]", "s = [a, layers.Flatten(), (layers.Dense(10))]", flatten())


def test_an_element_by_condition() -> None:
    assert_written(
        "s = [a, «layers.Dense(1)» if binary else layers.Dense(9)]",
        "s = [a, layers.Flatten(), layers.Dense(1) if binary else layers.Dense(9)]",
        flatten(),
    )


def test_a_layer_in_a_variable_enters_where_the_variable_stands() -> None:
    before = "d = «layers.Dense(10)»\nm = Sequential([c, {}])"
    after = "d = layers.Dense(10)\nm = Sequential([c, layers.Flatten(), d])"
    assert_written(before.format("‹d›"), after, flatten())
    assert_written(before.format("d"), after, flatten())
    assert_refused("d = «layers.Dense(10)»\na = [d]; b = [d]", "several places", flatten())


def test_a_layer_that_a_function_makes() -> None:
    assert_written(
        "def dense(n):\n    return «layers.Dense(n)»\nm = Sequential([c, ‹dense(10)›])",
        "def dense(n):\n    return layers.Dense(n)\nm = Sequential([c, layers.Flatten(), dense(10)])",
        flatten(),
    )


def test_after_an_element() -> None:
    assert_written(
        "m = [\n    «layers.Conv2D(8, 3)»,  # eyes\n    layers.Dense(10),\n]",
        "m = [\n    layers.Conv2D(8, 3),  # eyes\n    layers.MaxPooling2D(2),\n    layers.Dense(10),\n]",
        pool_after(),
    )
    assert_written(
        "m = [\n    «layers.Conv2D(8, 3)»  # eyes\n]",
        "m = [\n    layers.Conv2D(8, 3),  # eyes\n    layers.MaxPooling2D(2)\n]",
        pool_after(),
    )
    assert_written("m = [«layers.Conv2D(8, 3)»]", "m = [layers.Conv2D(8, 3), layers.MaxPooling2D(2)]", pool_after())
    assert_written(
        "m = Sequential([\n    a,\n    «layers.Conv2D(8, 3)»])",
        "m = Sequential([\n    a,\n    layers.Conv2D(8, 3),\n    layers.MaxPooling2D(2)])",
        pool_after(),
    )


def test_several_layers_at_one_place_in_the_order_of_the_steps() -> None:
    steps = (InsertLayer(0, "Flatten"), InsertLayer(0, "Dropout", "0.5"))
    assert_written("s = [«layers.Dense(10)»]", "s = [layers.Flatten(), layers.Dropout(0.5), layers.Dense(10)]", *steps)
    assert_written(
        "h = «layers.Dense(10)»(x)", "h = layers.Dense(10)(layers.Dropout(0.5)(layers.Flatten()(x)))", *steps
    )


def test_the_input_shape_moves_to_the_layer_that_is_first_now() -> None:
    assert_written(
        "m = Sequential([\n    «layers.Dense(10, input_shape=(28, 28), activation='relu')»,\n])",
        "m = Sequential([\n    layers.Flatten(input_shape=(28, 28)),\n    layers.Dense(10, activation='relu'),\n])",
        flatten(),
    )
    assert_written(
        "m.add(«layers.Dense(input_dim=3, units=10)»)",
        "m.add(layers.Reshape((3,), input_dim=3))\nm.add(layers.Dense(units=10))",
        InsertLayer(0, "Reshape", "(3,)"),
    )


@pytest.mark.parametrize(
    ("said", "on_input"),
    [
        ("input_shape=(28, 28)", "shape=(28, 28)"),
        ("batch_input_shape=(None, 3)", "batch_shape=(None, 3)"),
        ("input_dim=n + 1", "shape=(n + 1,)"),
    ],
)
def test_an_input_says_in_its_own_words_what_the_layer_said(said: str, on_input: str) -> None:
    assert_written(
        f"m.add(«layers.Dense(4, {said})»)",
        f"m.add(layers.Input({on_input}))\nm.add(layers.Dense(4))",
        InsertLayer(0, "Input"),
    )


def test_an_input_shape_on_a_line_of_its_own_takes_its_line_along() -> None:
    assert_written(
        "m.add(«layers.Dense(\n    10,  # units\n    input_shape=(2, 3),  # in\n    name='d',\n)»)",
        "m.add(layers.Flatten(input_shape=(2, 3)))\nm.add(layers.Dense(\n    10,  # units\n    name='d',\n))",
        flatten(),
    )


def test_the_words_of_an_embedding_stay_with_it() -> None:
    assert_written(
        "m = [«layers.Embedding(input_dim=99, output_dim=8)»]",
        "m = [layers.Flatten(), layers.Embedding(input_dim=99, output_dim=8)]",
        flatten(),
    )


# Comprehensions.


def test_only_before_the_whole_of_a_starred_comprehension() -> None:
    before = "m = Sequential([c, *[«layers.Dense(u)» for u in units], d])"
    after = "m = Sequential([c, layers.Flatten(), *[layers.Dense(u) for u in units], d])"
    assert_written(before, after, flatten(), repeats=2)
    assert_refused(before, "more layers than layer_1", flatten(1), repeats=2)
    generator = "m = Sequential([c, *(«layers.Dense(u)» for u in units)])"
    assert_written(generator, "m = Sequential([c, layers.Flatten(), *(layers.Dense(u) for u in units)])", flatten())


def test_a_bare_comprehension_has_no_place() -> None:
    assert_refused("m = Sequential([«layers.Dense(u)» for u in units])", "comprehension", flatten())


# add and append.


def test_add_gets_an_add_of_its_own() -> None:
    assert_written(
        "if deep:\n    model.add(«layers.Dense(10)»)  # head\n",
        "if deep:\n    model.add(layers.Flatten())\n    model.add(layers.Dense(10))  # head\n",
        flatten(),
    )
    assert_written(
        "stack.append(«layers.Dense(10)»)", "stack.append(layers.Flatten())\nstack.append(layers.Dense(10))", flatten()
    )
    assert_written(
        "nets['a'].net.add(«layers.Dense(10)»)",
        "nets['a'].net.add(layers.Flatten())\nnets['a'].net.add(layers.Dense(10))",
        flatten(),
    )


def test_add_over_several_lines() -> None:
    assert_written(
        "model.add(\n    «layers.Dense(\n        10,\n    )»\n)\nmodel.summary()",
        "model.add(layers.Flatten())\nmodel.add(\n    layers.Dense(\n        10,\n    )\n)\nmodel.summary()",
        flatten(),
    )
    assert_written(
        "model.add(\n    «layers.Conv2D(\n        10, 3)»\n)  # c\nmodel.summary()",
        "model.add(\n    layers.Conv2D(\n        10, 3)\n)  # c\nmodel.add(layers.MaxPooling2D(2))\nmodel.summary()",
        pool_after(),
    )


def test_add_beside_other_statements_on_its_line() -> None:
    assert_written(
        "m.add(layers.A()); m.add(«layers.B()»)",
        "m.add(layers.A()); m.add(layers.Flatten()); m.add(layers.B())",
        flatten(),
    )
    assert_written(
        "m.add(«layers.A()»); m.add(layers.B())",
        "m.add(layers.A()); m.add(layers.MaxPooling2D(2)); m.add(layers.B())",
        pool_after(),
    )
    assert_written("if a: m.add(«layers.Dense(1)»)", "if a: m.add(layers.Flatten()); m.add(layers.Dense(1))", flatten())
    assert_written(
        "if a: \\\n    m.add(«layers.Dense(1)»)",
        "if a: \\\n    m.add(layers.Flatten()); m.add(layers.Dense(1))",
        flatten(),
    )
    assert_written("m.add(«layers.A()»);", "m.add(layers.A()); m.add(layers.MaxPooling2D(2));", pool_after())


def test_a_layer_in_a_variable_that_is_added() -> None:
    before = "d = «layers.Dense(10)»\nmodel.add(c)\n{}\n"
    after = "d = layers.Dense(10)\nmodel.add(c)\nmodel.add(layers.Flatten())\nmodel.add(d)\n"
    assert_written(before.format("‹model.add(d)›"), after, flatten())
    assert_written(before.format("model.add(d)"), after, flatten())


def test_the_layer_and_its_add_in_two_cells() -> None:
    assert_written(
        ["d = «layers.Dense(10)»\n", "‹model.add(d)›"],
        ["d = layers.Dense(10)\n", "model.add(layers.Flatten())\nmodel.add(d)"],
        flatten(),
    )


def test_add_within_an_expression_is_refused() -> None:
    assert_refused("[m.add(«layers.Dense(u)») for u in units]", "larger expression", flatten())
    assert_refused("build().add(«layers.Dense(1)»)", "larger expression", flatten())
    assert_refused("f = lambda: m.add(«layers.Dense(1)»)", "larger expression", flatten())


# Loops.


def test_before_a_loop_whose_first_layer_it_is() -> None:
    before = "for u in units:\n    model.add(«layers.Dense(u)»)\n    model.add(layers.ReLU())\n"
    after = (
        "model.add(layers.Flatten())\nfor u in units:\n    model.add(layers.Dense(u))\n    model.add(layers.ReLU())\n"
    )
    assert_written(before, after, flatten(), repeats=2)
    assert_refused(before, "more layers", flatten(1), repeats=2)
    assert_written(
        "for u in units: model.add(«layers.Dense(u)»)",
        "model.add(layers.Flatten())\nfor u in units: model.add(layers.Dense(u))",
        flatten(),
        repeats=1,
    )


def test_in_a_loop_but_not_first_in_it() -> None:
    before = "for u in units:\n    model.add(«layers.Dense(u)»)\n    model.add(«layers.Dense(u)»)\n"
    assert_refused(before, "more layers", flatten(1), repeats=1)


def test_a_loop_that_makes_a_model_each_turn_is_edited_inside() -> None:
    before = "for fold in folds:\n    m = Sequential()\n    m.add(«layers.Dense(1)»)\n"
    after = "for fold in folds:\n    m = Sequential()\n    m.add(layers.Flatten())\n    m.add(layers.Dense(1))\n"
    assert_written(before, after, flatten())


def test_a_loop_within_a_loop_that_makes_the_model() -> None:
    before = "for fold in folds:\n    m = Sequential()\n    for u in units:\n        m.add(«layers.Dense(u)»)\n"
    after = before.replace("    for u", "    m.add(layers.Flatten())\n    for u").replace("«", "").replace("»", "")
    assert_written(before, after, flatten(), repeats=2)
    outer = "for a in b:\n    for u in units:\n        h = ‹«layers.Dense(u)»(h)›\n"
    assert_written(
        outer,
        "h = layers.Flatten()(h)\nfor a in b:\n    for u in units:\n        h = layers.Dense(u)(h)\n",
        flatten(),
        repeats=2,
    )


def test_a_function_that_runs_more_than_once_is_not_edited_for_one_layer() -> None:
    block = "def block(h):\n    h = ‹«layers.Conv2D(8, 3)»(h)›\n    return h\nx = block(block(x))\n"
    assert_refused(block, "more layers", flatten(), repeats=1)
    looped = "def block(h):\n    for u in v:\n        h = ‹«layers.Dense(u)»(h)›\n    return h\nx = block(block(x))\n"
    assert_refused(looped, "more layers", flatten(), repeats=1)


def test_a_repair_of_all_layers_from_one_line_edits_the_line() -> None:
    assert_written(
        "for u in units:\n    m.add(«layers.Dense(u)»)\n",
        "for u in units:\n    m.add(layers.Flatten())\n    m.add(layers.Dense(u))\n",
        flatten(0),
        flatten(1),
        repeats=1,
    )


# Functional.


def test_a_chain_on_one_name_gets_a_line() -> None:
    assert_written(
        "h = ‹«Dense(256)»(h)›  # wide\n",
        "h = Flatten()(h)\nh = Dense(256)(h)  # wide\n",
        flatten(),
        bound=["Flatten"],
        kind="Functional",
    )
    assert_written(
        "if a: h = «layers.Dense(256)»(h)", "if a: h = layers.Flatten()(h); h = layers.Dense(256)(h)", flatten()
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("out = «layers.Dense(10)»(h)", "out = layers.Dense(10)(layers.Flatten()(h))"),
        ("h = «layers.Dense(10)»(f(h) + g)", "h = layers.Dense(10)(layers.Flatten()(f(h) + g))"),
        ("h += «layers.Dense(10)»(h)", "h += layers.Dense(10)(layers.Flatten()(h))"),
        ("a = h = «layers.Dense(10)»(h)", "a = h = layers.Dense(10)(layers.Flatten()(h))"),
        ("h = relu(«layers.Dense(10)»(h))", "h = relu(layers.Dense(10)(layers.Flatten()(h)))"),
        ("h = «layers.Dense(10)»(inputs=h)", "h = layers.Flatten()(h)\nh = layers.Dense(10)(inputs=h)"),
        ("o = «layers.Dense(10)»(h, training=False)", "o = layers.Dense(10)(layers.Flatten()(h), training=False)"),
        (
            "y = «layers.Dense(10)»(layers.Dropout(.5)(x))",
            "y = layers.Dense(10)(layers.Flatten()(layers.Dropout(.5)(x)))",
        ),
        (
            "m = Model(x, outputs=[«layers.Dense(1)»(h)])",
            "m = Model(x, outputs=[layers.Dense(1)(layers.Flatten()(h))])",
        ),
        ("f = lambda h: «layers.Dense(1)»(h)", "f = lambda h: layers.Dense(1)(layers.Flatten()(h))"),
        ("o = («layers.Dense(1)» if a else b)(h)", "o = (layers.Dense(1) if a else b)(layers.Flatten()(h))"),
        ("d = «layers.Dense(1)»\no = ‹d(h)›", "d = layers.Dense(1)\no = d(layers.Flatten()(h))"),
        ("d = «layers.Dense(1)»\nh = d(h)", "d = layers.Dense(1)\nh = layers.Flatten()(h)\nh = d(h)"),
        ("d = «layers.Dense(1)»\no = [‹d(h)›]", "d = layers.Dense(1)\no = [d(layers.Flatten()(h))]"),
        ("def f(x):\n    return «layers.Dense(10)»(x)", "def f(x):\n    return layers.Dense(10)(layers.Flatten()(x))"),
        (
            "o = «layers.Dense(10)»(\n    h  # the map\n)",
            "o = layers.Dense(10)(\n    layers.Flatten()(h)  # the map\n)",
        ),
    ],
)
def test_before_a_call_on_a_tensor(before: str, after: str) -> None:
    assert_written(before, after, flatten(), kind="Functional")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("h = «layers.Conv2D(8, 3)»(x)", "h = layers.Conv2D(8, 3)(x)\nh = layers.MaxPooling2D(2)(h)"),
        ("return_ = [«layers.Conv2D(8, 3)»(x)]", "return_ = [layers.MaxPooling2D(2)(layers.Conv2D(8, 3)(x))]"),
        ("y = f(«layers.Conv2D(8, 3)»(x))", "y = f(layers.MaxPooling2D(2)(layers.Conv2D(8, 3)(x)))"),
        (
            "def f(x):\n  return «layers.Conv2D(8, 3)»(x)",
            "def f(x):\n  return layers.MaxPooling2D(2)(layers.Conv2D(8, 3)(x))",
        ),
        ("if a: h = «layers.Conv2D(8, 3)»(x)", "if a: h = layers.Conv2D(8, 3)(x); h = layers.MaxPooling2D(2)(h)"),
    ],
)
def test_after_a_call_on_a_tensor(before: str, after: str) -> None:
    assert_written(before, after, pool_after(), kind="Functional")


@pytest.mark.parametrize(
    "source",
    [
        "h = «layers.Concatenate()»([a, b])",
        "h = «layers.Attention()»(q, v)",
        "h = «layers.Attention()»(q, value=v)",
        "h = «layers.Dense(1)»(*tensors)",
        "h = «layers.Dense(1)»(h, **more)",
    ],
)
def test_before_a_call_on_several_tensors_is_refused(source: str) -> None:
    assert_refused(source, "several tensors", flatten(), kind="Functional")


def test_after_a_call_that_gives_several_tensors_is_refused() -> None:
    assert_refused("a, b = «layers.LSTM(8, return_state=True)»(x)", "several tensors", pool_after(), kind="Functional")


def test_a_model_class_gets_the_layer_as_an_attribute() -> None:
    before = (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.head = «layers.Dense(10)»\n\n    def call(self, x):\n        return ‹self.head(x)›\n"
    )
    after = (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.flatten = layers.Flatten()\n        self.head = layers.Dense(10)\n\n"
        "    def call(self, x):\n        return self.head(self.flatten(x))\n"
    )
    assert_written(before, after, flatten(), kind="Model")
    assert_written(before.replace("‹", "").replace("›", ""), after, flatten(), kind="Model")


# What can't be written.


@pytest.mark.parametrize("made", ["partial(Dense, 10)()", "dense()", "next(map(Dense, units))", "tables['head'](10)"])
def test_layers_that_no_constructor_call_makes_are_refused(made: str) -> None:
    for step in (flatten(), RemoveLayer(0), ReplaceLayer(0, "Dropout"), SetArgument(0, "units", "3")):
        assert_refused(f"m = [«{made}»]", "plain constructor", step, classes=["Dense"], exact=False)


def test_a_layer_that_no_constructor_call_makes_has_a_place_all_the_same() -> None:
    source = "from keras import layers\ndense = partial(layers.Dense, 10)\n{}m.add({}dense(){}){}"
    after = source.format("m.add(layers.Flatten())\n", "", "", "")
    assert_written(source.format("‹", "«", "»", "›"), after, flatten(), classes=["Dense"], exact=False)


def test_a_layer_beside_its_name_is_no_stack() -> None:
    assert_refused("s = [('head', «layers.Dense(10)»)]", "enters the model", flatten())


def test_a_layer_whose_name_is_add_is_called_on_a_tensor() -> None:
    source = (
        "class Net:\n  def __init__(self):\n    self.add = «layers.ReLU()»\n"
        "  def call(self, x):\n    return ‹self.add(x)›"
    )
    after = (
        "class Net:\n  def __init__(self):\n    self.flatten = layers.Flatten()\n    self.add = layers.ReLU()\n"
        "  def call(self, x):\n    return self.add(self.flatten(x))"
    )
    assert_written(source, after, flatten(), kind="Model")


def test_a_layer_within_another_has_no_place_of_its_own() -> None:
    assert_refused("h = layers.TimeDistributed(«layers.Dense(3)»)(x)", "enters the model", flatten())


def test_two_steps_whose_order_is_open_are_refused() -> None:
    assert_refused(
        "y = ‹«layers.Dense(10)»(‹«layers.Conv2D(8, 3)»(x)›)›",
        "Two changes",
        flatten(0),
        pool_after(1),
        kind="Functional",
    )


def test_steps_in_different_places_compose() -> None:
    assert_written(
        "m = [\n    «layers.Conv2D(8, 3)»,\n    «layers.Dense(10)»,\n]",
        "m = [\n    layers.Conv2D(8, 3, padding='same'),\n    layers.MaxPooling2D(2),\n"
        "    layers.Flatten(),\n    layers.Dense(10),\n]",
        SetArgument(0, "padding", "'same'"),
        pool_after(0),
        flatten(1),
    )


# Text around.


def test_characters_of_any_width_in_front_on_the_line() -> None:
    assert_written(
        "s = [f('😀ü 漢字'), «layers.Dense(10)»]", "s = [f('😀ü 漢字'), layers.Flatten(), layers.Dense(10)]", flatten()
    )
    assert_written(
        "名 = 'é😀'; 名 = «layers.Dense(10)»(名)",
        "名 = 'é😀'; 名 = layers.Flatten()(名); 名 = layers.Dense(10)(名)",
        flatten(),
    )


def test_line_ends_of_windows_stay() -> None:
    assert_written(
        "s = [\r\n\t«layers.Dense(10)»,\r\n]\r\n",
        "s = [\r\n\tlayers.Flatten(),\r\n\tlayers.Dense(10),\r\n]\r\n",
        flatten(),
    )
    assert_written(
        "a = 1\r\nm.add(«layers.Dense(10)»)", "a = 1\r\nm.add(layers.Flatten())\r\nm.add(layers.Dense(10))", flatten()
    )


def test_magics_stay_as_they_are() -> None:
    assert_written(
        "%%shapecheck -n\n%%time\n!ls\nm = Sequential([\n  a,\n  «layers.Dense(10)»])\nx = !ls",
        "%%shapecheck -n\n%%time\n!ls\nm = Sequential([\n  a,\n  layers.Flatten(),\n  layers.Dense(10)])\nx = !ls",
        flatten(),
    )
    assert_written(
        "%time m.add(«layers.Dense(10)»)", "%time m.add(layers.Flatten()); m.add(layers.Dense(10))", flatten()
    )


def test_a_cell_that_is_indented_as_a_whole() -> None:
    assert_written(
        "  m = f(\n  1)\n  m.add(«layers.Dense(10)»)\n",
        "  m = f(\n  1)\n  m.add(layers.Flatten())\n  m.add(layers.Dense(10))\n",
        flatten(),
    )


def test_a_cell_that_is_not_python_or_has_changed_is_refused() -> None:
    assert_refused("m.add(«layers.Dense(10)»); x = (", "can't be read", flatten())
    model = model_of([marked("m.add(«layers.Dense(10)»)")])
    changed: tuple[tuple[dict[CellId, str], str], ...] = (
        ({0: "m.add(layers.Dense(100))"}, "no longer holds"),
        ({}, "is not known"),
    )
    for cells, why in changed:
        outcome = write((flatten(),), model, cells, lambda name, class_name: True)
        assert isinstance(outcome, Refused)
        assert why in outcome.why


_FORMS = [
    "m = Sequential([{pad}{sep}«{p}Dense(10)»{tail}])",
    "m = Sequential([{pad}{sep}a(),{sep}«{p}Dense(10)»,{pad}b(){tail}])",
    "{pad}m.add(«{p}Dense(10)»){pad}\nm.summary()",
    "s = 'ü😀'; m.add(«{p}Dense({pad}10{tail})»)",
    "x = 1\nif x:\n    h = «{p}Dense(10)»(h){pad}\n",
    "y = f(«{p}Dense(10)»({pad}h{pad}))",
]


@pytest.mark.parametrize("form", _FORMS)
def test_whatever_the_layout_python_can_read_the_result(form: str) -> None:
    """Every form with every layout and both sides; all that was there is there still, in its order."""
    for pad, sep, tail, prefix in itertools.product(
        ["", "  "],
        ["", "\n  ", "\n\t# a ] comment\n\t", "\r\n"],
        ["", ",", ",  # end\n", "\n"],
        ["layers.", "tf.keras.layers.", ""],
    ):
        if form.startswith("{pad}m") and pad:
            continue
        before = form.format(pad=pad, sep=sep, tail=tail, p=prefix)
        for step in (flatten(), pool_after(), SetArgument(0, "activation", "'relu'")):
            after = written(before, step, bound=["Flatten", "MaxPooling2D"])
            assert not isinstance(after, Refused), (before, after)
            assert parse(after[0]) is not None
            remaining = iter(after[0])
            assert all(c in remaining for c in before if c not in "«»"), (before, after[0])
