"""Probes: quick models under folds of their own, to learn how these folds change the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from automl.arrays import Floats, Rows
from automl.budget import Budget
from automl.columns import Categories, Column, Columns
from automl.dataset import Dataset
from automl.features.encoding import fit_shared
from automl.features.recipe import Recipe
from automl.folds import Folds
from automl.metrics import metric_of
from automl.models import find_family
from automl.models._base import FitContext, Sample

Model = Literal["trees", "deep trees", "linear"]

TREES_ROUNDS = 30
DEEP_TREES_ROUNDS = 50
MIN_PROBE_ROUNDS = 8
# Of words among the rows that have one; with more, hardly any word recurs.
MAX_DISTINCT_SHARE = 0.7
TREES_SETTINGS = {
    "learning_rate": 0.2,
    "num_leaves": 15,
    "max_bin": 63,
    "min_data_in_leaf": 3,
    "feature_fraction": 0.7,
    "min_data_per_group": 2,  # the value of a key with a few rows each must show
    "cat_smooth": 1.0,
    "cat_l2": 1.0,
}
DEEP_TREES_SETTINGS = {
    **TREES_SETTINGS,
    "learning_rate": 0.12,
    "num_leaves": 31,
    "max_bin": 255,
}
NATIVE = Recipe("native", text="skip")
ONEHOT = Recipe("onehot", numbers="standard", categories="onehot", text="skip")


@dataclass(frozen=True)
class QuickModel:
    """A model family with settings and a recipe that make it quick."""

    family: str
    settings: Mapping[str, Any]
    recipe: Recipe
    max_rounds: int


MODELS: Mapping[Model, QuickModel] = {
    "trees": QuickModel("lightgbm", TREES_SETTINGS, NATIVE, TREES_ROUNDS),
    "deep trees": QuickModel("lightgbm", DEEP_TREES_SETTINGS, NATIVE, DEEP_TREES_ROUNDS),
    "linear": QuickModel("linear", {"quick": True}, ONEHOT, TREES_ROUNDS),
}


@dataclass(frozen=True)
class ProbeFolds:
    """The rows of a probe and how they are held out.

    Parameters
    ----------
    rows : ndarray of shape (n_probed,), int64
        Rows of the data set.
    folds : Folds
        Of these rows.
    ignore : tuple of str
        Columns that the models do not use.
    model : {"trees", "deep trees", "linear"}
        Deep trees are large enough to recognise single rows, as is needed for copies.
    """

    rows: Rows
    folds: Folds
    ignore: tuple[str, ...] = ()
    model: Model = "trees"

    def save(self, path: Path) -> None:
        """Write it to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            rows=self.rows,
            blocks=self.folds.blocks,
            kind=self.folds.kind,
            ignore=np.array(self.ignore, dtype=np.str_),
            model=self.model,
        )


def probe_folds_path(work: Path, key: str) -> Path:
    """Return the file of a probe's folds in a run's `work/` folder."""
    return work / "probes" / f"{key}.npz"


def probe_predictions_path(work: Path, key: str) -> Path:
    """Return the file of a probe's held-out predictions in a run's `work/` folder."""
    return work / "probes" / f"{key}.npy"


def read_probe_folds(path: Path) -> ProbeFolds:
    """Read the folds that `ProbeFolds.save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        kind = str(arrays["kind"])
        model = str(arrays["model"])
        folds = Folds(kind, arrays["blocks"])  # type: ignore[arg-type]
        ignore = tuple(arrays["ignore"].tolist())
        return ProbeFolds(arrays["rows"], folds, ignore, model)  # type: ignore[arg-type]


def held_out_predictions(data: Dataset, split: ProbeFolds, budget: Budget) -> Floats:
    """Predict the held-out rows of each fold by a quick model that is trained on the others.

    Returns
    -------
    ndarray of shape (n_probed,) or (n_probed, n_classes)
        NaN where a row is never held out.
    """
    quick = MODELS[split.model]
    task = data.task
    sample = _encode(data, split, quick.recipe)
    n_rows = len(split.rows)
    shape: tuple[int, ...] = (n_rows,)
    if not task.is_regression:
        shape = (n_rows, task.n_outputs)
    predictions = np.full(shape, np.nan)
    divisor = max(1, task.n_outputs // 2)  # many classes make a round slow
    affordable = quick.max_rounds // divisor
    rounds = max(MIN_PROBE_ROUNDS, affordable)
    metric = metric_of(task)
    context = FitContext(task, metric, data.seed, budget=budget, rounds=rounds)
    kind = find_family(quick.family)
    for fold in range(split.folds.n_folds):
        train = split.folds.train(0, fold)
        held = split.folds.held_out(0, fold)
        train_sample = _rows(sample, train)
        prepared = kind.prepare(train_sample, None, quick.settings, context)
        fitted = kind.fit(prepared, quick.settings, context)
        X = sample.X[held]
        predictions[held] = fitted.model.predict(X)
    return predictions


def _encode(data: Dataset, split: ProbeFolds, recipe: Recipe) -> Sample:
    """Return the encoded rows of a probe."""
    columns: dict[str, Column] = {}
    for name in data.columns.names():
        column = data.columns[name]
        if name in split.ignore or column.kind == "text":
            continue
        probed = column.take(split.rows)
        if _recurs(probed):
            columns[name] = probed
    table = Columns(columns, len(split.rows))
    encoding = fit_shared(recipe, table, data.seed)
    X = encoding.transform(table)
    y = data.y[split.rows]
    weight = None
    if data.weight is not None:
        weight = data.weight[split.rows]
    return Sample(X, encoding.features, y, weight)


def _rows(sample: Sample, rows: Rows) -> Sample:
    """Return some rows of a sample."""
    X = sample.X[rows]
    y = sample.y[rows]
    weight = sample.weight
    if weight is not None:
        weight = weight[rows]
    return Sample(X, sample.features, y, weight)


def _recurs(column: Column) -> bool:
    """Return whether values recur: from words that hardly do, trees learn nothing, and slowly."""
    if not isinstance(column, Categories):
        return True
    known = column.codes[column.codes >= 0]
    distinct = np.unique(known)
    return len(distinct) <= MAX_DISTINCT_SHARE * len(known)
