"""Recipes: edits are functions from one to the next, and nothing of Keras is needed for them."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError

import pytest

from shape_magic.errors import UsageError
from shape_magic.teach.recipe import (
    History,
    Layer,
    Node,
    Recipe,
    Ref,
    free_name,
    inserted,
    is_automatic,
    moved,
    removed,
    snake,
    with_argument,
)


def layer(name: str, class_name: str = "Dense", **config: object) -> Layer:
    return Layer(name, class_name, "keras.layers", config)


START = Layer("data", "InputLayer", "keras.layers", {"batch_shape": [None, 8], "dtype": "float32"})


def chain(*names: str) -> Recipe:
    """``data`` and Dense layers of these names, one after another."""
    layers = {"data": START, **{name: layer(name, units=4) for name in names}}
    order = ["data", *names]
    nodes = [Node("data", "data"), *(Node(b, b, (Ref(a),)) for a, b in zip(order, names, strict=False))]
    return Recipe("model", "Sequential", layers, tuple(nodes), (Ref(order[-1]),))


def diamond() -> Recipe:
    """``a`` read by ``b`` and ``c``, which ``join`` adds, and ``end`` behind it."""
    layers = {name: layer(name, units=4) for name in ("a", "b", "c", "end")}
    layers |= {"data": START, "join": layer("join", "Add")}
    nodes = (
        Node("data", "data"),
        Node("a", "a", (Ref("data"),)),
        Node("b", "b", (Ref("a"),)),
        Node("c", "c", (Ref("a"),)),
        Node("join", "join", ([Ref("b"), Ref("c")],)),
        Node("end", "end", (Ref("join"),)),
    )
    return Recipe("model", "Functional", layers, nodes, (Ref("end"),))


def wiring(recipe: Recipe) -> dict[str, list[str]]:
    """What each call reads."""
    return {n.id: [r.node for r in n.inputs] for n in recipe.nodes}


def runs_in_order(recipe: Recipe) -> bool:
    """Whether every call stands behind those that it reads, and the outputs exist."""
    seen: set[str] = set()
    for node in recipe.nodes:
        if any(r.node not in seen for r in node.inputs):
            return False
        seen.add(node.id)
    return all(r.node in seen for r in recipe.outputs)


def test_setting_leaves_the_recipe_before_as_it_was() -> None:
    before = chain("a", "b")
    after = with_argument("a", "units", 9)(before)
    assert (before.layers["a"].argument("units"), after.layers["a"].argument("units")) == (4, 9)
    assert after.nodes == before.nodes
    assert after.layers["b"] is before.layers["b"]
    with pytest.raises(FrozenInstanceError):
        after.name = "other"  # type: ignore[misc]


def test_setting_what_there_is_not() -> None:
    with pytest.raises(UsageError, match=r"`a` has no argument `unit`; it has: units\."):
        with_argument("a", "unit", 9)(chain("a"))
    with pytest.raises(UsageError, match=r"The model has no layer `z`; it has: a, b\."):
        with_argument("z", "units", 9)(chain("a", "b"))


def test_the_input_has_a_shape() -> None:
    after = with_argument("data", "shape", [5, 5])(chain("a"))
    assert after.layers["data"].config["batch_shape"] == [None, 5, 5]


def test_a_wrapper_hands_on_what_is_within() -> None:
    inner = {"class_name": "LSTM", "config": {"units": 4, "return_sequences": False}}
    wrapper = layer("both", "Bidirectional", layer=inner, merge_mode="concat")
    before = Recipe("model", "Sequential", {"data": START, "both": wrapper}, chain("both").nodes, (Ref("both"),))
    after = with_argument("both", "return_sequences", True)(before)
    assert after.layers["both"].argument("return_sequences") is True
    assert before.layers["both"].argument("return_sequences") is False


@pytest.mark.parametrize("after", ["data", "a", "b"])
def test_insert(after: str) -> None:
    recipe = inserted(layer("new", "Flatten"), after)(chain("a", "b"))
    order = ["data", "a", "b"]
    order.insert(order.index(after) + 1, "new")
    assert [n.id for n in recipe.nodes] == order
    assert wiring(recipe) == {name: [before] for name, before in zip(order[1:], order, strict=False)} | {"data": []}
    assert recipe.outputs == (Ref(order[-1]),)


def test_insert_before_a_fork_reaches_both_ways() -> None:
    recipe = inserted(layer("new"), "a")(diamond())
    assert wiring(recipe)["b"] == wiring(recipe)["c"] == ["new"]
    assert runs_in_order(recipe)


def test_remove_undoes_insert() -> None:
    for before in (chain("a", "b"), diamond()):
        for after in ("data", "a", "b"):
            assert removed("new")(inserted(layer("new"), after)(before)) == before


def test_remove_the_last_one() -> None:
    assert removed("b")(chain("a", "b")).outputs == (Ref("a"),)


def test_what_joins_or_begins_stays() -> None:
    with pytest.raises(UsageError, match="`join` joins or gives several tensors"):
        removed("join")(diamond())
    with pytest.raises(UsageError, match="`data` is the model's input"):
        removed("data")(chain("a"))


@pytest.mark.parametrize(
    ("name", "by", "order"), [("a", 1, "bac"), ("a", 2, "bca"), ("c", -2, "cab"), ("b", -1, "bac")]
)
def test_move(name: str, by: int, order: str) -> None:
    recipe = moved(name, by)(chain("a", "b", "c"))
    assert recipe.order == tuple(order)
    assert wiring(recipe) == {"data": [], **{b: [a] for a, b in zip(["data", *order], order, strict=False)}}
    assert recipe.outputs == (Ref(order[-1]),)
    assert moved(name, -by)(recipe) == chain("a", "b", "c")


def test_move_stays_in_its_chain() -> None:
    for name, by in (("a", 1), ("b", 1), ("c", -1), ("end", -1), ("join", 1)):
        with pytest.raises(UsageError, match="can't be moved past its neighbour"):
            moved(name, by)(diamond())
    with pytest.raises(UsageError, match="is the last layer already"):
        moved("b", 1)(chain("a", "b"))
    with pytest.raises(UsageError, match="is the first layer already"):
        moved("a", -1)(chain("a", "b"))


def test_move_past_calls_of_another_branch() -> None:
    # b, then c of the other branch, then d behind b: b and d change places, c stays between.
    base = diamond()
    nodes = (*base.nodes[:4], Node("d", "d", (Ref("b"),)), Node("join", "join", ([Ref("d"), Ref("c")],)), base.nodes[5])
    recipe = Recipe("model", "Functional", {**base.layers, "d": layer("d", units=4)}, nodes, base.outputs)
    after = moved("b", 1)(recipe)
    assert wiring(after) | {} == {**wiring(recipe), "d": ["a"], "b": ["d"], "join": ["b", "c"]}
    assert runs_in_order(after)
    assert moved("b", -1)(after) == Recipe(
        recipe.name, recipe.kind, recipe.layers, moved("b", -1)(after).nodes, recipe.outputs
    )


def test_a_layer_that_is_called_twice() -> None:
    base = diamond()
    nodes = (
        *base.nodes[:3],
        Node("b #2", "b", (Ref("a"),)),
        Node("join", "join", ([Ref("b"), Ref("b #2")],)),
        base.nodes[5],
    )
    recipe = Recipe("model", "Functional", {k: v for k, v in base.layers.items() if k != "c"}, nodes, base.outputs)
    assert recipe.order == ("a", "b", "join", "end")
    assert with_argument("b", "units", 7)(recipe).layers["b"].argument("units") == 7
    assert wiring(removed("b")(recipe))["join"] == ["a", "a"]
    with pytest.raises(UsageError, match="`b` is called more than once"):
        inserted(layer("new"), "b")(recipe)


def test_edits_reach_into_models_within() -> None:
    within = Layer("inner", "Sequential", "keras", {}, inside=chain("x", "y"))
    outer = chain("a", "inner")
    recipe = Recipe("model", "Sequential", {**outer.layers, "inner": within}, outer.nodes, outer.outputs)
    for edit, order in ((moved("x", 1), "yx"), (removed("x"), "y"), (inserted(layer("z"), "x"), "xzy")):
        inner = edit(recipe).layers["inner"].inside
        assert inner is not None
        assert inner.order == tuple(order)
    assert with_argument("y", "units", 2)(recipe).layer("y").argument("units") == 2
    assert recipe.layer("y").argument("units") == 4


def test_names() -> None:
    assert snake("MaxPooling2D") == "max_pooling2d"
    assert snake("LSTM") == "lstm"
    assert snake("BatchNormalization") == "batch_normalization"
    recipe = chain("dense", "dense_1")
    assert free_name(recipe, "Dense") == "dense_2"
    assert free_name(recipe, "Conv2D") == "conv2d"
    assert is_automatic(layer("dense_12"))
    assert not is_automatic(layer("head"))


def test_history() -> None:
    history = History(chain("a"))
    first = history.now
    history.go(with_argument("a", "units", 5)(first))
    history.go(with_argument("a", "units", 6)(first), join=True)
    assert history.undo()
    assert history.now == first
    assert not history.undo()
    assert history.redo()
    assert history.now.layers["a"].argument("units") == 6
    history.undo()
    history.go(with_argument("a", "units", 7)(first))
    assert not history.redo()
    history.go(history.now)
    assert history.undo()
    assert not history.can_undo


def test_a_drag_joins_only_with_a_step_before_it() -> None:
    history = History(chain("a"))
    history.go(with_argument("a", "units", 5)(history.now), join=True)
    assert history.undo()
    assert history.now == chain("a")


def test_no_keras_is_imported() -> None:
    import subprocess

    code = "import sys; import shape_magic.teach.recipe, shape_magic.teach.arithmetic; print('keras' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
