"""The trees of all members' models, walked together for a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from automl.arrays import Floats, Matrix
from automl.models._base import Model
from automl.models.trees.evaluation import (
    MIN_WALKS_TO_LOAD,
    has_compiler,
    is_compiled_better,
    load_kernel,
)
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


@dataclass
class Demand:
    """How many rows a predictor was asked for, counted in rows x trees.

    Once NumPy has taken as long as loading the compiled evaluator would have, it is loaded: a
    process that predicts one row never waits for it, and one that predicts many waits once.
    """

    walks: int = 0

    def is_worth_loading(self, walks: int) -> bool:
        """Count more walks, and load the compiled evaluator if they have become enough."""
        self.walks += walks
        if self.walks < MIN_WALKS_TO_LOAD or not has_compiler():
            return False
        load_kernel()
        return True


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
    demand : Demand
    """

    grove: Grove
    places: tuple[Place, ...]
    inputs: tuple[Names, ...]
    demand: Demand

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
        return cls(grove, tuple(places), tuple(inputs), Demand())

    def is_quicker(self, n_rows: int) -> bool:
        """Return whether rows take less time here than model by model."""
        walks = n_rows * self.grove.count
        if not walks or is_compiled_better(walks):
            return False
        return not self.demand.is_worth_loading(walks)

    def margins(self, inputs: Mapping[Names, Matrix]) -> dict[Place, Floats]:
        """Return the margins of each model, by its place."""
        matrices = [inputs[names] for names in self.inputs]
        found = self.grove.margins(matrices)
        return dict(zip(self.places, found, strict=True))
