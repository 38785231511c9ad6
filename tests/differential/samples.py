"""Cells on which we and Keras once parted, each as small as it can be: mended, or listed with the reason."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tests.differential.verdicts import Disagreement

_PATH = Path(__file__).parent / "samples.toml"
_HEAD = "import keras\nimport numpy as np\nfrom keras import layers\n\n"


@dataclass(frozen=True)
class Sample:
    """A cell; ``kind`` and ``says`` of the disagreement that is still there, where there is one."""

    name: str
    cell: str
    #: Why it is as it is; empty: it is mended.
    reason: str = ""
    kind: str = ""
    #: What the disagreement reads like; what is generated and reads like it is known.
    says: str = ""
    #: What the Keras that is here must do for it to be so: a feature of ``tests/rules/keras_here.py``.
    needs: str = ""

    @property
    def source(self) -> str:
        """The whole cell."""
        return _HEAD + self.cell

    def explains(self, found: Disagreement) -> bool:
        """Whether this is the reason of a disagreement, too."""
        return bool(self.reason) and self.kind == found.kind and re.search(self.says, found.what) is not None


def _read() -> tuple[Sample, ...]:
    entries = tomllib.loads(_PATH.read_text(encoding="utf-8"))
    return tuple(Sample(name, **values) for name, values in entries.items())


SAMPLES = _read()


def is_listed(found: Disagreement) -> bool:
    """Whether the list of samples gives the reason of a disagreement."""
    return any(sample.explains(found) for sample in SAMPLES)
