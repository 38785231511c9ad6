"""An output and labels that do not belong together, as the rules and their repairs look at them."""

from __future__ import annotations

from dataclasses import dataclass

from shape_magic.facts import Contract, LabelFacts, Model
from shape_magic.rules.agreement import Pair, has_units
from shape_magic.rules.widths import End


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An output and labels that do not belong together, in their model."""

    model: Model
    pair: Pair
    head: End | None

    @property
    def contract(self) -> Contract:
        """The call that compares them."""
        assert self.model.contract is not None
        return self.model.contract

    @property
    def facts(self) -> LabelFacts | None:
        """What a sample of the labels says."""
        return self.pair.labels.facts

    @property
    def has_one_loss(self) -> bool:
        """Whether ``compile`` was given one loss, that stands there by itself."""
        return len(self.contract.losses) == 1


def is_beyond(pair: Pair) -> bool:
    """Whether a class number has no unit."""
    return pair.output[-1] is not None and not has_units(pair)
