"""Forests: extra trees and random forest, grown by scikit-learn and kept as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from automl.errors import UnsafeModel
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import bounded, check_width, part_of
from automl.models._target import Target
from automl.models._trees import Trees
from automl.models.constant import ConstantModel, nothing_to_learn
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_BATCH = 25  # trees grown between two looks at the clock, if there is time for so many
_FEWEST = 60  # trees of a forest among others, if one alone had so many
_UNTIMED = 100  # trees of a forest that no clock ends
_TIMES = 2  # the trees of one forest are kept of all fold models together: their mean gains nothing by more


@dataclass(frozen=True)
class ForestModel:
    """Trees and the target's coding."""

    trees: Trees
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """The trees' mean; for classes that of one tree more, which knows nothing: no class is impossible because no tree has seen it."""
        check_width(X, self.trees.features)
        mean = self.trees.predict(bounded(X))
        if self.target.total:
            count = len(self.trees.offsets) - 1
            mean = (count * mean + 1 / self.target.outputs) / (count + 1)
        return self.target.spread(mean if mean.shape[1] > 1 else mean[:, 0])

    def to_state(self) -> State:
        """The trees' arrays."""
        return {"trees": self.trees.to_state(), "target": self.target.to_state()}


@dataclass(frozen=True)
class Grown:
    """What a forest is grown from: coded rows, or the answer where nothing can be learnt."""

    rows: Sample
    target: Target
    settled: ConstantModel | None


@dataclass(frozen=True)
class Forest:
    """A family of forests.

    Parameters
    ----------
    kind : str
        The beginning of the names of scikit-learn's two classes.
    ranges, start : mapping
        The search space and the default configuration.
    """

    name: str
    about: str
    kind: str
    ranges: Mapping[str, Any]
    start: Mapping[str, Any]
    recipes: tuple[str, ...] = ("target", "codes", "coded_pairs")
    seeded: bool = False
    bagged: bool = True
    stops: bool = True

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges that portfolios settle on."""
        return dict(self.ranges)

    def defaults(self, task: Task) -> dict[str, Any]:
        """Trees grown nearly fully; for numbers, more of the columns at each split."""
        return {**self.start, "max_features": 0.5} if task.is_regression else dict(self.start)

    def implied(self, task: Task) -> dict[str, Any]:
        """scikit-learn's own."""
        return {"min_impurity_decrease": 0.0}

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Grown:
        """The rows, coded; scikit-learn's trees refuse infinite values."""
        target = Target.of(train, how)
        rows = target.code(train)
        coded = Sample(bounded(rows.X), rows.features, rows.y, rows.weight)
        return Grown(coded, target, nothing_to_learn(train, rows, target, how))

    def fit(self, prepared: Grown, params: Mapping[str, Any], how: How) -> Fitted:
        """Grow trees in batches until there are enough or the deadline is near; rounds are the trees of a forest that answers alone."""
        if prepared.settled is not None:
            return Fitted(prepared.settled, 1, dict(params))
        leaf = (
            1 + len(prepared.rows.y) * max(1, how.task.n_outputs // 50) // 20_000
        )  # bounds the size: a leaf holds every class
        asked = {"min_samples_leaf": leaf} | self.defaults(how.task) | dict(params)
        enough = enough_trees(len(prepared.rows.y))
        chosen = asked.pop("n_estimators", None) or (
            enough if how.budget.timed else min(enough, _UNTIMED)
        )
        wanted = how.rounds or int(chosen)
        how = how.keeping(0.2)
        own = share_of(wanted, how.models)
        fitted = _grow(self._estimator(asked, prepared, how), prepared.rows, own, how)
        rounds = wanted if len(fitted) == own else whole_of_share(len(fitted), how.models)
        trees = Trees.of(fitted)
        few = trees.first(math.ceil(_TIMES * rounds / how.models))
        model, kept = ForestModel(trees, prepared.target), ForestModel(few, prepared.target)
        return Fitted(
            model, rounds, asked | {"n_estimators": wanted}, stopped=len(fitted) < own, kept=kept
        )

    def _estimator(self, params: Mapping[str, Any], data: Grown, how: How) -> Any:
        from sklearn import ensemble

        maker = getattr(
            ensemble, f"{self.kind}{'Classifier' if data.target.total else 'Regressor'}"
        )
        share = params.get("max_samples")
        own = (
            {}
            if share is None
            else {"bootstrap": True, "max_samples": max(1, round(float(share) * len(data.rows.y)))}
        )
        return maker(
            n_jobs=how.threads, random_state=how.seed % 2**31, warm_start=True, **{**params, **own}
        )

    def restore(self, state: State) -> Model:
        """The trees from their arrays."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        trees, target = (
            Trees.from_state(part_of(state, "trees")),
            Target.from_state(part_of(state, "target")),
        )
        if trees.value.shape[1] != target.columns:
            raise UnsafeModel(
                "the model file's trees have another number of classes than their target"
            )
        return ForestModel(trees, target)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured: extra trees 0.9 s for 1 000 x 20 and 3 s for 10 000 x 20, random forest 1.2 and 9 s."""
        share = (
            1.3e-6 * (features / 20) ** 0.5 if self.kind == "ExtraTrees" else 5e-6 * features / 20
        )
        return float(
            share_of(enough_trees(rows), models) * (2e-3 + rows * share) * max(1.0, outputs / 20)
        )


def enough_trees(rows: int) -> int:
    """Trees that a forest has where none are asked for: fewer on many rows, where each is large and they differ less.

    >>> enough_trees(1_000), enough_trees(50_000), enough_trees(1_000_000)
    (300, 50, 50)
    """
    return int(min(300, max(50, 2_000_000 // max(1, rows))))


def share_of(wanted: int, models: int) -> int:
    """Trees of each of some forests that answer together: enough to tell how good they are, and together more than one alone has.

    >>> share_of(300, 1), share_of(300, 8), share_of(100, 8), share_of(40, 8)
    (300, 107, 60, 40)
    """
    return min(wanted, max(_FEWEST, math.ceil(wanted / math.sqrt(models))))


def whole_of_share(grown: int, models: int) -> int:
    """The trees of the forest alone of which so many are a share.

    >>> [share_of(whole_of_share(grown, 8), 8) for grown in (1, 59, 60, 61, 107)]
    [1, 59, 60, 61, 107]
    """
    return max(grown, math.floor(grown * math.sqrt(models))) if grown > _FEWEST else grown


def _grow(forest: Any, rows: Sample, wanted: int, how: How) -> list[Any]:
    """Fitted trees. How many are grown at once has no influence on them."""
    grown, batch = 0, how.threads
    while True:
        batch = min(batch, _BATCH, wanted - grown)
        before = how.budget.remaining()
        forest.set_params(n_estimators=grown + batch).fit(rows.X, rows.y, sample_weight=rows.weight)
        grown += batch
        if grown >= wanted:
            break
        batch = _affordable(batch, before, how)
        if batch < 1:
            break
    return [tree.tree_ for tree in forest.estimators_]


def _affordable(batch: int, before: float, how: How) -> int:
    """How many trees to grow next: half of what the last batch's speed promises until the deadline, none if not one would fit."""
    if not how.budget.timed:
        return _BATCH
    left = how.budget.remaining()
    tree = max(1e-6, before - left) / batch * how.threads  # seconds in which every thread grows one
    return how.threads * max(1, int(left / tree / 2)) if left > 1.3 * tree else 0


EXTRA_TREES = Forest(
    name="extra_trees",
    about="extremely randomised trees: cuts at random (scikit-learn)",
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
    start={"max_features": 0.3, "max_samples": 0.8, "min_samples_split": 4},
)
