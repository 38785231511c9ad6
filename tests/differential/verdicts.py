"""Our word on a cell beside what happens: where they differ is a mistake of ours, or a sample with its reason."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

from shape_magic import check_cell
from shape_magic.facts import Model
from shape_magic.report import Diagnostic, Report
from tests.differential.recipes import BATCH, Code, Recipe, Shape, Style, source_of
from tests.differential.truth import Outcome, Row, fresh, parameters, rows, run, said_to_zeros, step


@dataclass(frozen=True)
class Disagreement:
    """Where we and Keras part."""

    #: ``missed`` · ``false alarm`` · ``crash`` · ``no finding`` · ``models`` · ``rows`` · ``parameters`` · ``broadcast``
    #: · ``changed`` · ``unsound``.
    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"


@dataclass(frozen=True)
class Checked:
    """A cell that we checked: the report, or what the check raised; and the namespace that it ran in."""

    report: Report | Exception
    namespace: dict[str, Any]


def checked(source: str) -> Checked:
    """A dry run of a cell, in a Keras that counts from the start."""
    fresh()
    ns: dict[str, Any] = {"__name__": "__main__"}
    silent = io.StringIO()
    with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        try:
            return Checked(check_cell(source, ns, dry_run=True), ns)
        except Exception as error:  # noqa: BLE001 - that a check raises is what is to be found
            return Checked(error, ns)


def outputs_of(recipe: Recipe) -> tuple[Shape, ...]:
    """The shapes that a recipe's model gives for its data, asked of Keras; empty where it gives none."""
    if recipe.use is None or recipe.use.method != "fit":
        return ()
    model = run(source_of(Recipe(recipe.graph, None, Style()))).model
    if model is None:
        return ()
    given = [shape for shape, _ in recipe.use.x]
    try:
        told = model.compute_output_shape(given[0] if len(given) == 1 else given)
    except Exception:  # noqa: BLE001 - then it will not train either
        return ()
    several = [tuple(t) for t in told] if told and isinstance(told[0], tuple | list) else [tuple(told)]
    return tuple((BATCH, *(3 if d is None else d for d in sizes[1:])) for sizes in several)


def disagreement(source: str, *, exact: bool = False) -> Disagreement | None:
    """Where our verdict on a cell is not what plain Keras does.

    ``exact``: steps are compiled from the start, as they are by default; else only where it matters.
    """
    ours = checked(source)
    with step(source, exact=exact):
        seems = compared(run(source), ours)
    return seems if seems is None or exact else compared(run(source), ours)


def trained_disagreement(source: str, loss: object, *, exact: bool = False) -> Disagreement | None:
    """The same for a cell that trains with this loss; where it ran, more is to be said.

    A step that compared broadcast shapes must not have gone unseen, and the model that we checked
    must train on, under the names that it would have had without us.
    """
    ours = checked(source)
    with step(source, exact=exact):
        truth = run(source)
        seems = compared(truth, ours)
        if seems is None and truth.error is None and not isinstance(ours.report, Exception):
            if is_broadcast(truth, loss) and ours.report.ok:
                return Disagreement(
                    "broadcast", f"labels {truth.namespace['y'].shape}, output {truth.model.output_shape}"
                )
            return _trained(truth, source, ours.namespace)
    return seems if seems is None or exact else compared(run(source), ours)


def _trained(truth: Outcome, source: str, namespace: dict[str, Any]) -> Disagreement | None:
    """Whether the call of fit, the cell's last line, does for the checked model what it did for the other."""
    try:
        exec(source.rstrip().rpartition("\n")[2], namespace)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is our doing
        return Disagreement("changed", f"{type(error).__name__}: {error}")
    names, wanted = (
        (model.name, [layer.name for layer in model.layers], model.count_params())
        for model in (namespace["model"], truth.model)
    )
    return None if names == wanted else Disagreement("changed", f"{names}, plainly {wanted}")


def serious(report: Report, *, ran: bool) -> list[Diagnostic]:
    """The errors and warnings; of a cell that ran, but those on layers that no model took up: nobody calls them."""
    found = [d for d in report.diagnostics if d.severity != "info"]
    return [d for d in found if not ran or d.model is None or not report.models[d.model].unfinished]


def built_disagreement(source: str) -> Disagreement | None:
    """The same for a cell that only makes a model: Keras is asked by a call on zeros.

    What a batch will do to a model that nobody has used yet may be said as a warning.
    """
    ours, truth = checked(source), run(source)
    model = truth.model
    if isinstance(ours.report, Exception) or truth.error is not None or model is None:
        return compared(truth, ours)
    raised = said_to_zeros(model, source)
    found = serious(ours.report, ran=True)
    if raised and not found:
        return Disagreement("missed", raised)
    if not raised and any(d.severity == "error" for d in found):
        return Disagreement("false alarm", f"{found[0].rule}: {found[0].message}")
    return None if raised or found else _models(truth, ours.report)


def is_broadcast(truth: Outcome, loss: object) -> bool:
    """Whether a step compared labels and output of different shapes, as far as that can be told."""
    import numpy as np
    from keras.src.losses.loss import squeeze_or_expand_to_same_rank

    model, y = truth.model, truth.namespace.get("y")
    name = str(loss.text if isinstance(loss, Code) else loss).lower()
    if truth.error is not None or not isinstance(y, np.ndarray) or "sparse" in name:
        return False
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:] or any(not isinstance(d, int | None) for d in shape):
        return False
    output = np.zeros((len(y), *shape[1:]), "float32")
    labels, given = squeeze_or_expand_to_same_rank(y.astype("float32"), output)
    return tuple(labels.shape) != tuple(given.shape)


def compared(truth: Outcome, ours: Checked) -> Disagreement | None:
    """The first difference between a check and what happened."""
    if isinstance(ours.report, Exception):
        return _raised(truth, ours.report)
    errors = [d for d in serious(ours.report, ran=truth.error is None) if d.severity == "error"]
    if errors and truth.error is None:
        return Disagreement("false alarm", f"{errors[0].rule}: {errors[0].message} ({errors[0].keras_message})")
    if truth.error is not None and not errors:
        return Disagreement("missed", truth.raised)
    return _models(truth, ours.report)


def _raised(truth: Outcome, error: Exception) -> Disagreement | None:
    if type(truth.error) is not type(error):
        return Disagreement("crash", f"{type(error).__name__}: {error} (Keras: {truth.raised or 'runs'})")
    # What says nothing of shapes is raised unchanged, as is the user's own.
    of_shapes = isinstance(error, ValueError | TypeError | IndexError) or type(error).__name__ == "InvalidArgumentError"
    return Disagreement("no finding", truth.raised) if of_shapes else None


def _models(truth: Outcome, report: Report) -> Disagreement | None:
    """Shapes and numbers of weights, of the model that the cell calls ``model``."""
    model = truth.model
    built = rows(model) if model is not None and model.built else None
    if model is None or built is None:
        return None
    found = [facts for facts in report.models if facts.keras_name == model.name]
    if len(found) != 1:
        names = [facts.keras_name for facts in report.models]
        return None if truth.error is not None else Disagreement("models", f"{model.name} is not one of {names}")
    return _rows(truth, found[0], model, built)


def _is_closed(model: Any) -> bool:
    return any(tensor.shape[0] is not None for tensor in model.inputs)


def _open(calls: Counter[Row]) -> Counter[Row]:
    """The calls with the first axis left out."""
    found: Counter[Row] = Counter()
    for row, count in calls.items():
        found[Row(row.path, row.class_name, tuple(s[1:] for s in row.outputs))] += count
    return found


def _rows(truth: Outcome, facts: Model, model: Any, built: Counter[Row]) -> Disagreement | None:
    said = Counter(Row(c.path, c.class_name, c.output_shapes) for c in facts.calls if c.output_shapes)
    if _is_closed(model):  # built by its first batch in an eager step, Keras shows the size of that one
        said, built = _open(said), _open(built)
    missing = built - said if truth.error is None else Counter[Row]()
    if said - built or missing:
        return Disagreement("rows", f"we say {dict(said - built)}, Keras {dict(missing)}")
    if truth.error is not None:
        return None
    weights: Counter[tuple[str, ...]] = Counter()
    for call in facts.calls:
        weights[call.path] += call.params
    # A layer that gives its input on as it is stands in no graph: Keras itself never runs it.
    in_graph = {row.path for row in built}
    wanted = {path: count for path, count in parameters(model).items() if count or path in in_graph}
    # Bare operations, such as the one that makes a mask, are no layers of the model.
    weights = Counter({path: count for path, count in weights.items() if count or path in wanted})
    if dict(weights) != wanted or facts.params != model.count_params():
        return Disagreement("parameters", f"we say {dict(weights)}, Keras {wanted} ({model.count_params()})")
    return None
