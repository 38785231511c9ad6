"""What Hypothesis draws: stacks, graphs, and what is done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.differential.kinds import KINDS, Kind, Values
from tests.differential.recipes import BATCH, IMPORTS, LABELS, NAMES, Code, Graph, Made, Node, Recipe, Shape, Style, Use

Draw = Callable[[st.SearchStrategy[Any]], Any]

#: The layers of most notebooks: every second one is of these.
COMMON = (
    "Dense", "Conv1D", "Conv2D", "MaxPooling1D", "MaxPooling2D", "Flatten", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "LSTM", "GRU", "Reshape", "Dropout", "BatchNormalization", "Embedding",
    "Bidirectional", "UpSampling2D", "Conv2DTranspose", "RepeatVector", "TimeDistributed",
)  # fmt: skip
MERGES = ("Add", "Concatenate", "Multiply", "Average", "Maximum", "Subtract", "Minimum", "Dot", "Attention",
          "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention", "HashedCrossing")  # fmt: skip
SIZES: dict[int, tuple[tuple[int | None, ...], ...]] = {
    2: ((1, 2, 3, 4, 6, 8),),
    3: ((2, 4, 5, 6, None), (1, 2, 3, 4)),
    4: ((2, 4, 6, 8, None), (4, 5, 6, 8), (1, 2, 3)),
    5: ((2, 3, 4), (3, 4), (3, 4), (1, 2)),
    6: ((2, 3), (3, 4), (3, 4), (3, 4), (1, 2)),
}


def _chance(draw: Draw, percent: int) -> bool:
    # The simplest example is the one without: so it shrinks.
    return draw(st.integers(0, 99)) >= 100 - percent  # type: ignore[no-any-return]


def _value(draw: Draw, values: Values) -> object:
    odd = values.odd and _chance(draw, 6)
    return draw(st.sampled_from(values.odd if odd else values.good))


def _layer(draw: Draw, class_name: str) -> Made:
    kind = KINDS[class_name]
    positional, named = [], []
    for name, values in kind.arguments.items():
        if not values.optional:
            positional.append(_value(draw, values))
        elif _chance(draw, 20):
            named.append((name, _value(draw, values)))
    return Made(class_name, tuple(positional), tuple(named))


def rank_after(made: Made, rank: int) -> int:
    """The rank of a layer's output, as its kind promises it."""
    kind = KINDS[made.class_name]
    required = [name for name, values in kind.arguments.items() if not values.optional]
    arguments = dict(zip(required, made.arguments, strict=False)) | dict(made.named)
    return kind.gives(rank, arguments)


def _reads(kind: Kind, rank: int, dtype: str) -> bool:
    return kind.several == (1,) and rank in kind.ranks and (kind.dtype == dtype or kind.dtype == "float32" != dtype)


def _one(draw: Draw, rank: int, dtype: str) -> Made:
    names = [n for n, kind in KINDS.items() if kind.several == (1,) and rank in kind.ranks and kind.dtype == dtype]
    if not names or _chance(draw, 6):
        names = [n for n, kind in KINDS.items() if kind.several == (1,)]
    common = [name for name in COMMON if name in names]
    if common and draw(st.booleans()):
        names = common
    return _layer(draw, draw(st.sampled_from(sorted(names))))


@st.composite
def inputs(draw: Draw, rank: int | None = None) -> tuple[Shape, str]:
    rank = draw(st.sampled_from((2, 3, 4, 4, 5, 2, 3, 4, 6))) if rank is None else rank
    shape = tuple(draw(st.sampled_from(sizes)) for sizes in SIZES[rank])
    dtype = "float32" if rank > 3 or not _chance(draw, 15) else draw(st.sampled_from(("int32", "int32", "string")))
    if dtype == "string":
        shape = (1,)
    return shape, dtype


@st.composite
def stacks(draw: Draw, depth: int = 1, given: tuple[Shape, str] | None = None) -> Graph:
    """A Sequential model."""
    entry = given or draw(inputs())
    rank, dtype = len(entry[0]) + 1, entry[1]
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        if depth and _chance(draw, 8):
            inner = (
                draw(stacks(depth=0)) if _chance(draw, 20) else draw(stacks(depth=0, given=_open(rank, dtype, draw)))
            )
            nodes.append(Node(inner, (number - 1,)))
            rank, dtype = _rank_of(inner, rank), "float32"
            continue
        shareable = [i for i, node in enumerate(nodes) if isinstance(node.layer, Made)]
        if shareable and _chance(draw, 4):
            nodes.append(Node(draw(st.sampled_from(shareable)), (number - 1,)))
            continue
        made = _one(draw, rank, dtype)
        nodes.append(Node(made, (number - 1,)))
        rank, dtype = rank_after(made, rank), "float32"
    given_inputs: tuple[tuple[Shape, str], ...] = (entry,)
    if given is None and _chance(draw, 12):
        given_inputs = ()
    if given is not None and not _chance(draw, 50):
        given_inputs = ()
    return Graph(draw(st.sampled_from(("list", "add"))), given_inputs, tuple(nodes))


def _open(rank: int, dtype: str, draw: Draw) -> tuple[Shape, str]:
    return (tuple(draw(st.sampled_from(sizes)) for sizes in SIZES[min(max(rank, 2), 6)]), dtype)


def _rank_of(graph: Graph, rank: int) -> int:
    ranks = {-1: rank}
    for number, node in enumerate(graph.nodes):
        ranks[number] = _rank(node, graph.nodes, ranks[node.inputs[0]])
    return ranks[len(graph.nodes) - 1]


def _node(draw: Draw, tensors: Mapping[int, tuple[int, str]], nodes: Sequence[Node]) -> Node:
    """Something that is called on tensors of the graph: a merge, a layer once more, a model, or a new layer."""
    at = draw(st.sampled_from(sorted(tensors, reverse=True)))
    rank, dtype = tensors[at]
    if len(tensors) > 1 and _chance(draw, 45):
        merge = _layer(draw, draw(st.sampled_from(MERGES)))
        kind = KINDS[merge.class_name]
        count = draw(st.sampled_from(kind.several))
        alike = [i for i, tensor in tensors.items() if tensor == (rank, dtype)]
        others = alike if not _chance(draw, 8) else sorted(tensors)
        return Node(merge, (at, *(draw(st.sampled_from(others)) for _ in range(count - 1))), kind.as_list)
    shareable = [
        i for i, n in enumerate(nodes)
        if isinstance(n.layer, Made) and len(n.inputs) == 1 and tensors[n.inputs[0]][0] == rank
    ]  # fmt: skip
    if shareable and _chance(draw, 12):
        return Node(draw(st.sampled_from(shareable)), (at,))
    if _chance(draw, 7):
        return Node(draw(stacks(depth=0, given=_open(rank, dtype, draw))), (at,))
    return Node(_one(draw, rank, dtype), (at,))


def _rank(node: Node, nodes: Sequence[Node], rank: int) -> int:
    layer = nodes[node.layer].layer if isinstance(node.layer, int) else node.layer
    if isinstance(layer, Graph):
        return _rank_of(layer, rank)
    return rank_after(layer, rank) if isinstance(layer, Made) and len(node.inputs) == 1 else rank


@st.composite
def graphs(draw: Draw) -> Graph:
    """A functional model: branches, merges, shared layers, nested models."""
    first = draw(inputs())
    entries = [first]
    for _ in range(draw(st.sampled_from((0, 0, 1, 2)))):
        entries.append(first if draw(st.booleans()) else draw(inputs()))
    tensors = {-1 - k: (len(shape) + 1, dtype) for k, (shape, dtype) in enumerate(entries)}
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 6))):
        node = _node(draw, tensors, nodes)
        nodes.append(node)
        tensors[number] = (_rank(node, nodes, tensors[node.inputs[0]][0]), "float32")
    last = len(nodes) - 1
    outputs = (last, draw(st.integers(0, last - 1))) if last and _chance(draw, 10) else ()
    return Graph("functional", tuple(entries), tuple(nodes), outputs)


def data_for(draw: Draw, graph: Graph) -> tuple[tuple[Shape, str], ...]:
    given = graph.inputs or (draw(inputs()),)
    return tuple(_array(draw, shape, dtype) for shape, dtype in given)


def _array(draw: Draw, shape: Shape, dtype: str) -> tuple[Shape, str]:
    known = tuple(4 if d is None else d for d in shape)
    if _chance(draw, 10):
        change = draw(st.sampled_from(("more", "less", "wide", "swapped")))
        known = {
            "more": (*known, 1), "less": known[:-1], "wide": (*known[:-1], known[-1] + 1), "swapped": known[::-1],
        }[change]  # fmt: skip
    return (BATCH, *known), dtype


@st.composite
def models(draw: Draw) -> Recipe:
    """A model that is only made; what an open axis will bring, no one knows without data."""
    graph = draw((stacks() if draw(st.booleans()) else graphs()).filter(_is_closed))
    return Recipe(graph)


def _is_closed(graph: Graph) -> bool:
    return bool(graph.inputs) and all(None not in shape for shape, _ in graph.inputs)


@st.composite
def predictions(draw: Draw) -> Recipe:
    """A model that is only called."""
    graph = draw(stacks() if draw(st.booleans()) else graphs())
    return Recipe(graph, Use("predict", data_for(draw, graph)))


#: By their names, and as objects.
LOSSES: tuple[object, ...] = (
    "mse", "mae", "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "mape", "msle",
    "huber", "log_cosh", "hinge", "squared_hinge", "categorical_hinge", "kl_divergence", "poisson", "cosine_similarity",
    *(Code(f"keras.losses.{name}") for name in (
        "MeanSquaredError()", "MeanAbsoluteError(reduction='sum')", "CategoricalCrossentropy(from_logits=True)",
        "SparseCategoricalCrossentropy(from_logits=True)", "SparseCategoricalCrossentropy(ignore_class=0)",
        "BinaryCrossentropy(label_smoothing=0.1)", "BinaryFocalCrossentropy()", "CategoricalFocalCrossentropy()",
        "Dice()", "Tversky()", "Huber(delta=2.0)", "KLDivergence()", "CosineSimilarity(axis=1)", "LogCosh()",
        "categorical_crossentropy", "mean_squared_error",
    )),
)  # fmt: skip
USUAL_LOSSES = (LOSSES[0], LOSSES[2], LOSSES[3], LOSSES[4])
METRICS: tuple[object, ...] = (
    "accuracy", "acc", "mae", "mse", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "crossentropy", "ce",
    *(Code(f"keras.metrics.{name}") for name in (
        "AUC()", "Precision()", "Recall()", "TopKCategoricalAccuracy(k=2)", "SparseTopKCategoricalAccuracy(k=2)",
        "SparseCategoricalAccuracy()", "CategoricalAccuracy()", "BinaryAccuracy()", "F1Score()", "R2Score()",
        "MeanIoU(num_classes=3)", "OneHotIoU(num_classes=3, target_class_ids=[0])", "CosineSimilarity()",
        "MeanSquaredError()", "RootMeanSquaredError()", "TruePositives()", "KLDivergence()", "Hinge()",
        "FBetaScore(average='micro')", "BinaryCrossentropy()", "CategoricalCrossentropy()",
        "SparseCategoricalCrossentropy()", "PrecisionAtRecall(0.5)", "LogCoshError()",
    )),
)  # fmt: skip


@st.composite
def trainings(draw: Draw) -> Recipe:
    """A model, compiled and trained for a step."""
    graph = draw(stacks() if draw(st.integers(0, 2)) else graphs())
    loss = draw(st.sampled_from(USUAL_LOSSES if draw(st.booleans()) else LOSSES))
    if _chance(draw, 1):
        loss = "mee"
    metrics = () if draw(st.booleans()) else tuple(draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=2)))
    labels = "same" if draw(st.booleans()) else draw(st.sampled_from(tuple(LABELS)))
    if isinstance(loss, str) and loss.startswith("sparse") and draw(st.booleans()):
        labels = draw(st.sampled_from(("one less", "last kept")))
    dtype = draw(st.sampled_from(("float32", "float32", "int32", "int64", "uint8")))
    use = Use(
        "fit", data_for(draw, graph), labels, dtype, draw(st.sampled_from((0, 0, 0, 1, 5))), loss, metrics,
        draw(st.sampled_from((None, None, 2, 3))),
    )  # fmt: skip
    return Recipe(graph, use)


COMMENTS = ("# erste Schicht", "# ← größer?", "#é", "# model.add(Flatten())", '# "quoted" ]')


@st.composite
def styles(draw: Draw) -> Style:
    """Ways to write the same cell."""
    comments = tuple(draw(st.lists(st.sampled_from(COMMENTS), max_size=3)))
    one_line, wide = draw(st.booleans()), draw(st.booleans())
    joined = not comments and draw(st.booleans())
    return Style(draw(st.sampled_from(tuple(IMPORTS))), draw(st.sampled_from(NAMES)), comments, joined, one_line, wide)


@st.composite
def written(draw: Draw, recipes: st.SearchStrategy[Recipe]) -> Recipe:
    """Recipes in every style."""
    recipe: Recipe = draw(recipes)
    return replace(recipe, style=draw(styles()))
