"""Forests: extra trees and random forest, grown by scikit-learn and kept as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from automl.arrays import Floats
from automl.models._base import Family, FitContext, Fitted, Hyperparameters, Model, Sample
from automl.models._blocks import clip_infinite, read_state
from automl.models._rows import EncodedRows, encode_rows
from automl.models._target import read_target
from automl.models._tree_model import TreeModel
from automl.models.constant import ConstantModel
from automl.models.trees.trees import Trees
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_RESERVED_SHARE = 0.2  # of the seconds, for the work after the training
_MAX_BATCH_TREES = 25  # grown between two looks at the clock, if there is time for them
_MIN_SHARE_TREES = 60  # of a forest among others, if a single forest had as many
_UNTIMED_MAX_FOREST_TREES = 100  # of a forest that no clock ends
# All fold models together keep this many times the trees of one forest: their mean gains nothing by
# more.
_KEPT_FORESTS = 2


class ForestModel(TreeModel):
    """Trees whose mean is the prediction.

    For classes, one more tree that predicts all with equal probability is part of the mean: no
    class is impossible because no tree has seen it.
    """

    def predict_margins(self, margins: Floats) -> Floats:
        """Return the predictions of rows, given the sums of the trees' values."""
        count = self.trees.count
        if not self.target.n_classes:
            return self.target.to_prediction(margins / count)
        total = margins + 1 / self.target.outputs
        return self.target.to_prediction(total / (count + 1))


@dataclass(frozen=True)
class Forest:
    """A family of forests.

    Parameters
    ----------
    name, about : str
    kind : str
        The beginning of the names of scikit-learn's two classes.
    ranges, start : mapping
        The search space and the default configuration.
    """

    name: str
    about: str
    kind: str
    ranges: Hyperparameters
    start: Hyperparameters
    recipes: tuple[str, ...] = ("target", "codes", "coded_pairs")
    seeded: bool = False
    bagged: bool = True
    stops: bool = True
    is_forest: bool = True

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges that portfolios settle on."""
        return dict(self.ranges)

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return a forest of nearly full-grown trees.

        For regression, splits choose among more of the columns.
        """
        defaults = dict(self.start)
        if task.is_regression:
            defaults["max_features"] = 0.5
        return defaults

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return scikit-learn's own values."""
        return {"min_impurity_decrease": 0.0}

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return one key: all fits share one preparation."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> EncodedRows:
        """Return the rows with encoded targets; scikit-learn's trees refuse infinite values."""
        return encode_rows(train, context).map_features(clip_infinite)

    def fit(self, prepared: EncodedRows, params: Hyperparameters, context: FitContext) -> Fitted:
        """Grow trees in batches until there are enough or the deadline is near.

        The fit's rounds are the trees of a forest whose predictions are used alone.
        """
        if prepared.fallback is not None:
            return Fitted(prepared.fallback, 1, dict(params))
        rows = prepared.sample
        n_rows = len(rows.y)
        leaf_rows = _min_leaf_rows(n_rows, context)
        resolved = {
            "min_samples_leaf": leaf_rows,
            **self.defaults(context.task),
            **params,
        }
        chosen = resolved.pop("n_estimators", None)
        default = _default_trees(n_rows, context)
        full_count = context.rounds or int(chosen or default)
        context = context.reserve_share(_RESERVED_SHARE)
        wanted = share_of_trees(full_count, context.models)
        estimator = self._estimator(resolved, prepared, context)
        fitted = _grow(estimator, rows, wanted, context)
        n_fitted = len(fitted)
        rounds = full_count
        if n_fitted < wanted:
            rounds = full_forest_trees(n_fitted, context.models)
        n_kept = kept_trees(rounds, context.models)
        trees = _read_estimators(fitted)
        first_trees = trees.first(n_kept)
        resolved["n_estimators"] = full_count
        return Fitted(
            model=ForestModel(trees, prepared.target),
            rounds=rounds,
            resolved=resolved,
            hit_deadline=n_fitted < wanted,
            compact_model=ForestModel(first_trees, prepared.target),
        )

    def _estimator(self, params: Hyperparameters, data: EncodedRows, context: FitContext) -> Any:
        from sklearn import ensemble

        suffix = "Classifier" if data.target.n_classes else "Regressor"
        estimator_class = getattr(ensemble, f"{self.kind}{suffix}")
        arguments = {
            **params,
            "n_jobs": context.threads,
            "random_state": context.seed % 2**31,
            "warm_start": True,
        }
        row_share = params.get("max_samples")
        if row_share is not None:
            n_rows = len(data.sample.y)
            n_sampled = round(float(row_share) * n_rows)
            arguments["bootstrap"] = True
            arguments["max_samples"] = max(1, n_sampled)
        return estimator_class(**arguments)

    def restore(self, state: State) -> Model:
        """Return the model of the trees' arrays, after checking them."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        described = read_state(state, "trees")
        trees = _read_trees(described)
        target = read_target(state)
        trees.check_target_columns(target.columns)
        return ForestModel(trees, target)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return measured seconds.

        Extra trees 0.9 s for 1 000 x 20 and 3 s for 10 000 x 20, random forest 1.2 and 9 s.
        """
        if self.kind == "ExtraTrees":
            seconds_per_row = 1.3e-6 * (features / 20) ** 0.5
        else:
            seconds_per_row = 5e-6 * features / 20
        trees = share_of_trees(enough_trees(rows), models)
        tree_seconds = 2e-3 + rows * seconds_per_row
        class_factor = max(1.0, outputs / 20)
        return float(trees * tree_seconds * class_factor)


def _read_estimators(fitted: Sequence[Any]) -> Trees:
    """Return the trees of scikit-learn's estimators."""
    from automl.models.trees.from_sklearn import read_sklearn

    return read_sklearn(fitted)


def _read_trees(state: State) -> Trees:
    """Return the trees of a file."""
    if "offsets" not in state:
        return Trees.from_state(state)
    from automl.models.trees.from_format_4 import read_format_4

    return read_format_4(state)


def _min_leaf_rows(n_rows: int, context: FitContext) -> int:
    """Return the fewest rows of a leaf, which bounds the size: a leaf holds every class."""
    class_factor = max(1, context.task.n_outputs // 50)
    return 1 + n_rows * class_factor // 20_000


def _default_trees(n_rows: int, context: FitContext) -> int:
    enough = enough_trees(n_rows)
    if context.budget.is_timed:
        return enough
    return min(enough, _UNTIMED_MAX_FOREST_TREES)


def enough_trees(rows: int) -> int:
    """Return the number of trees of a forest where the parameters name none.

    On many rows there are fewer: each is large, and they differ less.

    >>> enough_trees(1_000), enough_trees(50_000), enough_trees(1_000_000)
    (300, 50, 50)
    """
    by_rows = 2_000_000 // max(1, rows)
    return int(min(300, max(50, by_rows)))


def share_of_trees(full_count: int, models: int) -> int:
    """Return the number of trees of each of several forests whose mean is used.

    They are enough to say how good a forest is, and together more than one alone has.

    >>> share_of_trees(300, 1), share_of_trees(300, 8), share_of_trees(100, 8)
    (300, 107, 60)
    >>> share_of_trees(40, 8)
    40
    """
    share = math.ceil(full_count / math.sqrt(models))
    share = max(share, _MIN_SHARE_TREES)
    return min(full_count, share)


def kept_trees(full_count: int, models: int) -> int:
    """Return how many trees of a forest each of so many models keeps where all are averaged.

    >>> kept_trees(300, 1), kept_trees(300, 8)
    (300, 75)
    """
    kept = math.ceil(_KEPT_FORESTS * full_count / models)
    return min(full_count, kept)


def full_forest_trees(grown: int, models: int) -> int:
    """Return the number of trees of the single forest of which `grown` are a share.

    >>> [share_of_trees(full_forest_trees(grown, 8), 8) for grown in (1, 59, 60, 61, 107)]
    [1, 59, 60, 61, 107]
    """
    if grown <= _MIN_SHARE_TREES:
        return grown
    full_count = math.floor(grown * math.sqrt(models))
    return max(grown, full_count)


def _grow(forest: Any, rows: Sample, wanted: int, context: FitContext) -> list[Any]:
    """Return fitted trees; the size of the batches has no influence on them."""
    grown = 0
    batch = context.threads
    while True:
        batch = min(batch, _MAX_BATCH_TREES, wanted - grown)
        before = context.budget.remaining()
        forest.set_params(n_estimators=grown + batch)
        forest.fit(rows.X, rows.y, sample_weight=rows.weight)
        grown += batch
        if grown >= wanted:
            break
        batch = _affordable_trees(batch, before, context)
        if batch < 1:
            break
    return [tree.tree_ for tree in forest.estimators_]


def _affordable_trees(batch: int, before: float, context: FitContext) -> int:
    """Return the number of trees to grow next.

    It is half of what the last batch's speed promises until the deadline, and 0 if not one would
    fit.
    """
    if not context.budget.is_timed:
        return _MAX_BATCH_TREES
    left = context.budget.remaining()
    # Seconds in which every thread grows one tree.
    batch_seconds = max(1e-6, before - left)
    tree_seconds = batch_seconds / batch * context.threads
    if left <= 1.3 * tree_seconds:
        return 0
    rounds = int(left / tree_seconds / 2)
    return context.threads * max(1, rounds)


EXTRA_TREES = Forest(
    name="extra_trees",
    about="extremely randomised trees: thresholds at random (scikit-learn)",
    kind="ExtraTrees",
    ranges={
        "max_features": Choice(("sqrt", 0.5, 0.75, 1.0)),
        "min_samples_split": Int(2, 32, log=True),
        "min_impurity_decrease": Choice((0.0, 1e-5, 1e-4)),
    },
    start={"max_features": "sqrt", "min_samples_split": 4},
)

RANDOM_FOREST = Forest(
    name="random_forest",
    about="random forest: trees on samples of the rows (scikit-learn)",
    kind="RandomForest",
    ranges={
        "max_features": Float(0.2, 1.0),
        "max_samples": Float(0.5, 1.0),
        "min_samples_split": Int(2, 4, log=True),
        "min_impurity_decrease": Float(1e-5, 1e-3, log=True),
    },
    start={
        "max_features": 0.3,
        "max_samples": 0.8,
        "min_samples_split": 4,
    },
)

FAMILIES: tuple[Family, ...] = (EXTRA_TREES, RANDOM_FOREST)
