"""The trees of all members' models, walked together for a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from automl.arrays import Floats, Matrix
from automl.models._base import Model
from automl.models._tree_model import TreeModel
from automl.models.trees.evaluation import (
    MIN_WALKS_TO_LOAD,
    has_compiler,
    is_compiled_better,
    is_loaded,
    load_kernel,
)
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees

Names = tuple[str, ...]  # of encodings
Place = tuple[int, int]  # the numbers of a member and of one of its models


@dataclass
class Demand:
    """How many rows a predictor was asked for, counted in walks down a tree.

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
    trees : tuple of Trees
        One of each model.
    places : tuple of (int, int)
    names : tuple of tuple of str
        The names of the encodings whose columns each model reads.
    demand : Demand
    """

    trees: tuple[Trees, ...]
    places: tuple[Place, ...]
    names: tuple[Names, ...]
    demand: Demand

    @classmethod
    def of(cls, models: Sequence[tuple[Place, Names, Model]]) -> SharedWalk:
        """Return the walk of those models that consist of trees."""
        trees = []
        places = []
        names_of_each = []
        for place, names, model in models:
            if isinstance(model, TreeModel):
                trees.append(model.trees)
                places.append(place)
                names_of_each.append(names)
        return cls(tuple(trees), tuple(places), tuple(names_of_each), Demand())

    @cached_property
    def walks_per_row(self) -> int:
        """What a row costs without compiled code; 0 if no model consists of trees."""
        return sum(trees.walks_per_row for trees in self.trees)

    @cached_property
    def _inputs(self) -> list[Names]:
        """The names of the encodings of each matrix that models read."""
        return list(dict.fromkeys(self.names))

    @cached_property
    def _grove(self) -> Grove:
        """The trees with their arrays joined, which many rows never need."""
        sources = [self._inputs.index(names) for names in self.names]
        return Grove.of(self.trees, sources)

    def is_quicker(self, n_rows: int) -> bool:
        """Return whether rows take less time here than model by model."""
        walks = n_rows * self.walks_per_row
        if not walks:
            return False
        if is_loaded() or self.demand.is_worth_loading(walks):
            return not is_compiled_better(walks)
        return True

    def margins(self, inputs: Mapping[Names, Matrix]) -> dict[Place, Floats]:
        """Return the margins of each model, by its place."""
        matrices = [inputs[names] for names in self._inputs]
        found = self._grove.margins(matrices)
        return dict(zip(self.places, found, strict=True))
