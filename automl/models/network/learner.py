"""The part of a training that knows the network: it takes steps, and tells how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from automl.arrays import Matrix

NetworkT = TypeVar("NetworkT")
NetworkT_co = TypeVar("NetworkT_co", covariant=True)


class Scorer(Protocol):
    """Anything that computes scores."""

    def scores(self, X: Matrix) -> Any:
        """Return scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        ...


class Learner(Protocol[NetworkT_co]):
    """A network in training."""

    @property
    def epochs(self) -> int:
        """Number of epochs of a whole training."""
        ...

    @property
    def prediction_factor(self) -> float:
        """How many times as long as `scores` the final network takes to predict."""
        ...

    def run_epoch(self) -> Iterator[int]:
        """Go once through all rows, yielding after each step so that a caller can check a clock."""
        ...

    def scores(self, X: Matrix) -> Any:
        """Return scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        ...

    def snapshot(self) -> NetworkT_co:
        """Return the network as it is now; later steps don't change it."""
        ...

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends."""
        ...
