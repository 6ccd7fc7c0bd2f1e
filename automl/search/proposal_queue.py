"""Values of hyperparameters that are proposed without asking the sampler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]


@dataclass(eq=False)
class ProposalQueue:
    """The values to propose first, and a stream of values that takes its turn.

    Parameters
    ----------
    first : mapping or None
    stream : iterator of mapping or None
    period : int
        One proposal in this many comes from the stream: 1 for all.

    Examples
    --------
    >>> queue = ProposalQueue({"k": 9}, iter([{"k": 1}, {"k": 2}]), period=2)
    >>> [queue.take(number) for number in (1, 2, 3, 4)]
    [{'k': 9}, {'k': 1}, None, {'k': 2}]
    """

    first: Params | None = None
    stream: Iterator[Params] | None = None
    period: int = 1

    @property
    def decides_all(self) -> bool:
        """Whether all proposals come from the stream, so that its end is the end of all."""
        return self.stream is not None and self.period == 1

    def take(self, number: int) -> Params | None:
        """Return the values of a proposal, by its number; None if the sampler is to be asked."""
        first, self.first = self.first, None
        if first is not None:
            return first
        if self.stream is None or number % self.period:
            return None
        return next(self.stream, None)
