"""What was compiled: each loss and metric as facts, and what Keras says when they meet the labels.

Keras itself is asked: a loss and a metric are computed on symbols in the worker, with copies of
whatever keeps a state.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Tracked
from shape_magic.facts import Data, Failure, LossFacts, Spread
from shape_magic.misread import Crossing
from shape_magic.spans import Span
from shape_magic.trace.arguments import arguments
from shape_magic.trace.crossing import crossings_in
from shape_magic.trace.data import computed, with_batch
from shape_magic.trace.failures import failure_of
from shape_magic.untrusted import ask, named
from shape_magic.untrusted import asked as users_code


@dataclass(frozen=True, slots=True)
class Said:
    """What came of it when labels met an output: what Keras raised, and where each was compared with each."""

    failure: Failure | None = None
    crossings: tuple[Crossing, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``compile`` was given, as the user gave it."""

    loss: Any = None
    metrics: Any = None
    loss_weights: Any = None
    weighted_metrics: Any = None
    #: The source of the metrics, where it is known.
    metrics_text: str = ""


def settings_of(tracked: Tracked | None, model: Any) -> Settings:
    """What the model was compiled with, as far as it says what is compared."""
    if tracked is not None and "loss" in tracked.compiled:
        given = tracked.compiled
        return Settings(
            given.get("loss"),
            given.get("metrics"),
            given.get("loss_weights"),
            given.get("weighted_metrics"),
            tracked.compile_texts.get("metrics", ""),
        )
    loss, metrics = getattr(model, "_compile_loss", None), getattr(model, "_compile_metrics", None)
    return Settings(
        loss=getattr(loss, "_user_loss", None),
        metrics=getattr(metrics, "_user_metrics", None),
        loss_weights=getattr(loss, "_user_loss_weights", None),
        weighted_metrics=getattr(metrics, "_user_weighted_metrics", None),
    )


def spread_of(value: Any, text: str = "", span: Span | None = None) -> Spread:
    """How an argument of ``compile`` is spread over the outputs."""
    if value is None:
        return Spread()
    if isinstance(value, Mapping):
        return Spread("dict", len(value), tuple(named(k) for k in value), text, span)
    words = all(isinstance(one, str) for one in (value if isinstance(value, list | tuple) else [value]))
    if isinstance(value, list | tuple):
        return Spread("list", len(value), text=text, span=span, words=words and len(value) > 0)
    return Spread("one", 1, text=text, span=span, words=words)


def per_output(value: Any, names: Sequence[str], count: int) -> list[Any] | None:
    """What an argument of ``compile`` holds for each output; None where Keras can't tell either."""
    if isinstance(value, Mapping) and count == 1:
        return list(value.values()) if len(value) == 1 else None
    if isinstance(value, Mapping):
        return [value.get(name) for name in names] if set(value) & set(names) else None
    if isinstance(value, list | tuple):
        return list(value) if len(value) == count else None
    return [value] * count


def loss_facts(
    loss: Any, names: Sequence[str], outputs: Sequence[Any], y: Sequence[Data], batch: int | None
) -> tuple[LossFacts, ...]:
    """Each output's loss, with what Keras raises for its labels, if it does. Runs in the worker."""
    if loss is None:
        return ()
    from keras.src.trainers.compile_utils import CompileLoss

    each = per_output(loss, names, len(outputs) or 1)
    if each is None:  # several losses on one output, or another number than there are outputs
        flat = list(loss.values()) if isinstance(loss, Mapping) else list(loss)
        one = len(outputs) == 1 and not isinstance(loss, Mapping)
        said = asked(lambda: CompileLoss(loss), outputs, y, batch) if one else Said()
        return tuple(_told(item, said if i == 0 else Said()) for i, item in enumerate(flat))
    pairs = zip(outputs, y, strict=True) if outputs and len(outputs) == len(y) else [(None, None)] * len(each)
    return tuple(
        _told(
            item,
            asked(lambda item=item: CompileLoss(item), [output], [labels], batch, kind("loss", item))  # type: ignore[misc]
            if item is not None and output is not None and labels is not None
            else Said(),
        )
        for item, (output, labels) in zip(each, pairs, strict=True)
    )


def _told(loss: Any, said: Said) -> LossFacts:
    if loss is None:
        return LossFacts(name="none", known=False, compares=False)
    keywords = getattr(loss, "_fn_kwargs", None)
    given = dict(keywords) if isinstance(keywords, dict) else {}
    ignored = given.get("ignore_class")
    name, known = ask(lambda: name_of(loss), type(loss).__name__), is_known(loss) and not _is_misspelt(loss)
    return LossFacts(
        name=named(name),
        known=known,
        flattens=known and _flattens(name),
        from_logits=bool(given["from_logits"]) if "from_logits" in given else None,
        plain=all(not v or (k, v) == ("axis", -1) for k, v in given.items()),
        ignore_class=ignored if isinstance(ignored, int) else None,
        arguments=arguments(loss) if is_known(loss) else {},
        failure=said.failure,
        crossings=() if known else said.crossings,
    )


def _flattens(name: str) -> bool:
    """Whether a loss measures how far two masks overlap, in a Keras that does so without looking at their axes."""
    import keras

    return name in ("dice", "tversky") and "axis" not in inspect.signature(getattr(keras.losses, name)).parameters


def _is_misspelt(loss: Any) -> bool:
    """Whether a name stands for no loss: what is wrong then is nothing about shapes."""
    import keras

    try:
        return isinstance(loss, str) and keras.losses.get(loss) is None
    except (ValueError, TypeError):
        return True


def asked(
    make: Callable[[], Any], outputs: Sequence[Any], y: Sequence[Data], batch: int | None, what: Hashable = None
) -> Said:
    """What comes of it when one output meets its labels; nothing where it computes as it should, or where are none.

    ``what`` is asked: what was said of an equal one on equal shapes is not asked again.
    """
    import keras

    if len(outputs) != 1 or len(y) != 1 or y[0].dtype == "object" or not y[0].shape:
        return Said()
    output, labels = outputs[0], keras.KerasTensor(with_batch(y[0], batch), dtype=computed(y[0].dtype))
    if what is None or getattr(output, "_keras_mask", None) is not None:
        return _said_of(make, labels, output)
    sides = tuple((tuple(t.shape), str(t.dtype), bool(getattr(t, "sparse", False))) for t in (labels, output))
    question = (what, sides, keras.config.floatx())
    if question not in _said:
        said = Said(refused(make, labels, output))
        while len(_said) >= _MOST:
            _said.pop(next(iter(_said)), None)
        _said[question] = said
    return _said[question]


#: What Keras said of its own losses and metrics: plain data, the oldest of which goes first.
_said: dict[Hashable, Said] = {}
_MOST = 1024


def kind(role: str, item: Any) -> Hashable:
    """Equal for losses, or metrics, of Keras' own that say the same of the same shapes; None where that is unsaid."""
    if isinstance(item, str):
        return None if _is_renamed(item) else (role, item)
    if not is_known(item) or not hasattr(item, "get_config"):
        return None
    try:
        return role, type(item), json.dumps(item.get_config(), sort_keys=True)
    except Exception:  # noqa: BLE001 - a configuration that is no plain data, or none at all
        return None


def _is_renamed(name: str) -> bool:
    """Whether a name may stand for something of the user's."""
    from keras.src.backend.common import global_state
    from keras.src.saving import object_registration

    scope = global_state.get_global_attribute("custom_objects_scope_dict")
    return bool(scope) or any(own.rpartition(">")[2] == name for own in object_registration.GLOBAL_CUSTOM_OBJECTS)


def _said_of(make: Callable[[], Any], labels: Any, output: Any) -> Said:
    crossings: list[Crossing] = []
    failure = refused(make, labels, output, look=lambda *traced: crossings.extend(crossings_in(*traced)))
    return Said(failure, tuple(crossings))


def refused(
    make: Callable[[], Any], *symbols: Any, look: Callable[..., object] = lambda *traced: None
) -> Failure | None:
    """What Keras raises when a function is computed on symbols; ``look`` gets what they are in the graph."""
    from keras.src import backend

    def traced(*given: Any) -> Any:
        value = _numeric(compare(*given))
        look(*given)
        return value

    try:
        with unobserved(), users_code():
            compare = make()
            backend.compute_output_spec(traced, *symbols)
    except Exception as error:  # noqa: BLE001 - what Keras refuses is the finding
        return None if is_users_own(error) else failure_of(error)
    return None


def _numeric(value: Any) -> Any:
    return 0.0 if value is None else value


def name_of(loss: Any) -> str:
    """Keras' function name of a loss or metric; a class' name for the user's own."""
    import keras

    if isinstance(loss, str):
        kind = type(loss)
        try:
            resolved = keras.losses.get(loss)
            return str(getattr(resolved, "__name__", None) or kind.__name__)
        except (ValueError, TypeError):
            return loss
    if is_known(loss):
        function = getattr(loss, "fn", None)
        return str(getattr(function, "__name__", None) or getattr(loss, "__name__", None) or type(loss).__name__)
    return str(getattr(loss, "__name__", None) or type(loss).__name__)


def is_known(loss: Any) -> bool:
    """Whether a loss or metric is one of Keras', so that its rule is known."""
    module = (
        getattr(loss, "__module__", None) if callable(loss) and hasattr(loss, "__name__") else type(loss).__module__
    )
    return isinstance(loss, str) or str(module).startswith("keras.")
