"""The trees of all members' models, walked together for a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from automl.arrays import Floats, Matrix
from automl.models._base import Model
from automl.models.trees.evaluation import is_compiled_better
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees

Names = tuple[str, ...]  # of encodings
Place = tuple[int, int]  # the numbers of a member and of one of its models


@runtime_checkable
class TreeModel(Protocol):
    """A model that consists of trees and of what turns their margins into predictions."""

    @property
    def trees(self) -> Trees:
        """The trees."""
        ...

    def predict_margins(self, margins: Floats) -> Floats:
        """Return the predictions of rows whose margins are known."""
        ...


@dataclass(frozen=True)
class SharedWalk:
    """The trees of models in several places.

    Parameters
    ----------
    grove : Grove
        Its sources are indices of `inputs`.
    places : tuple of (int, int)
    inputs : tuple of tuple of str
        The names of the encodings whose columns models read.
    """

    grove: Grove
    places: tuple[Place, ...]
    inputs: tuple[Names, ...]

    @classmethod
    def of(cls, models: Sequence[tuple[Place, Names, Model]]) -> SharedWalk:
        """Return the walk of those models that consist of trees."""
        trees = []
        places = []
        inputs: list[Names] = []
        sources = []
        for place, names, model in models:
            if not isinstance(model, TreeModel):
                continue
            if names not in inputs:
                inputs.append(names)
            trees.append(model.trees)
            places.append(place)
            sources.append(inputs.index(names))
        grove = Grove.of(trees, sources)
        return cls(grove, tuple(places), tuple(inputs))

    def is_quicker(self, n_rows: int) -> bool:
        """Return whether so many rows take less time here than model by model."""
        walks = n_rows * self.grove.count
        return walks > 0 and not is_compiled_better(walks)

    def margins(self, inputs: Mapping[Names, Matrix]) -> dict[Place, Floats]:
        """Return the margins of each model, by its place."""
        matrices = [inputs[names] for names in self.inputs]
        found = self.grove.margins(matrices)
        return dict(zip(self.places, found, strict=True))
