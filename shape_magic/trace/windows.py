"""Windows larger than their input, where Keras' formula lets them pass: the call itself is asked.

Before Keras 3.13 the formulas of convolutions and poolings give a size of 0 where a window reaches
one beyond its input; the model is built, and its first batch raises. Newer formulas refuse at once,
and then nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Failure
from shape_magic.spans import Shape
from shape_magic.trace.failures import failure_of
from shape_magic.trace.layers import is_keras
from shape_magic.trace.worker import apart


def late_refusal(session: Session, layer: Any, given: Sequence[Shape], gives: Sequence[Shape]) -> Failure | None:
    """What a layer with a window will raise with the first batch, if its formula left nothing of a grid that was there.

    The layer is as it was afterwards.
    """
    if not any(0 in s[1:] for s in gives) or len(given) != 1 or 0 in given[0][1:]:
        return None
    if not is_keras(layer) or not (hasattr(layer, "kernel_size") or hasattr(layer, "pool_size")):
        return None
    return apart(lambda: _asked(session, layer, given[0]))


def _asked(session: Session, layer: Any, given: Shape) -> Failure | None:
    import keras
    from keras.src import backend

    from shape_magic.trace.stack import clone
    from shape_magic.trace.untouched import as_they_were

    symbol = keras.KerasTensor(given, dtype=str(layer.compute_dtype))
    try:
        with unobserved():
            subject = layer if layer.built else clone(session, layer)
            if subject is not layer:
                subject.build(given)
            with as_they_were(subject):
                backend.compute_output_spec(subject.call, symbol)
    except Exception as error:  # noqa: BLE001 - what the real call raises is the finding
        return failure_of(error)
    return None
