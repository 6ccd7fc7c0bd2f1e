"""A probe: quick models under folds of their own, to learn what a way of holding rows out does to the score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.columns import Categories, Column, Columns
from automl.dataset import Dataset
from automl.features.encoding import fit_shared
from automl.features.recipe import Recipe
from automl.folds import Folds
from automl.metrics import metric_of
from automl.models import family
from automl.models._base import How, Sample

Floats = npt.NDArray[np.float64]

Model = Literal["trees", "deep trees", "linear"]

ROUNDS, DEEP_ROUNDS = 30, 50
MIN_ROUNDS = 8
MOST_DISTINCT = 0.7  # words among the rows that know one; with more, hardly any stands in two rows
QUICK = {
    "learning_rate": 0.2,
    "num_leaves": 15,
    "max_bin": 63,
    "min_data_in_leaf": 3,
    "feature_fraction": 0.7,
    "min_data_per_group": 2,  # what a key of a few rows each is worth must show
    "cat_smooth": 1.0,
    "cat_l2": 1.0,
}
DEEP = QUICK | {"learning_rate": 0.12, "num_leaves": 31, "max_bin": 255}
NATIVE = Recipe("native", text="skip")
ONEHOT = Recipe("onehot", numbers="standard", categories="onehot", text="skip")
MODELS: Mapping[
    Model, tuple[str, Mapping[str, Any], Recipe, int]
] = {  # family, settings, recipe, rounds
    "trees": ("lightgbm", QUICK, NATIVE, ROUNDS),
    "deep trees": ("lightgbm", DEEP, NATIVE, DEEP_ROUNDS),
    "linear": ("linear", {"quick": True}, ONEHOT, ROUNDS),
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
        Columns that the models don't see.
    model : {"trees", "deep trees", "linear"}
        Deep trees are large enough to know single rows again, as copies want it.
    """

    rows: npt.NDArray[np.int64]
    folds: Folds
    ignore: tuple[str, ...] = ()
    model: Model = "trees"

    def save(self, path: Path) -> None:
        """Lay it into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            rows=self.rows,
            blocks=self.folds.blocks,
            kind=self.folds.kind,
            ignore=np.array(self.ignore, dtype=np.str_),
            model=self.model,
        )


def split_path(work: Path, key: str) -> Path:
    """Where the folds of a probe lie in a run's `work/` folder."""
    return work / "probes" / f"{key}.npz"


def predictions_path(work: Path, key: str) -> Path:
    """Where a probe's held-out predictions lie."""
    return work / "probes" / f"{key}.npy"


def open_split(path: Path) -> ProbeFolds:
    """The split that `ProbeFolds.save` laid there."""
    with np.load(path, allow_pickle=False) as kept:
        kind = str(kept["kind"])
        folds = Folds(kind, kept["blocks"])  # type: ignore[arg-type]
        ignore = tuple(kept["ignore"].tolist())
        return ProbeFolds(kept["rows"], folds, ignore, str(kept["model"]))  # type: ignore[arg-type]


def held_out_predictions(data: Dataset, split: ProbeFolds, budget: Budget) -> Floats:
    """Predict the held-out rows of each fold by a quick model that is trained on the others.

    Returns
    -------
    ndarray of shape (n_probed,) or (n_probed, n_classes)
        NaN where a row is never held out.
    """
    family_name, settings, recipe, most = MODELS[split.model]
    sample = _sampler(data, split, recipe)
    outputs = data.task.n_outputs
    predictions = np.full(
        len(split.rows) if data.task.is_regression else (len(split.rows), outputs), np.nan
    )
    rounds = max(MIN_ROUNDS, most // max(1, outputs // 2))
    how = How(data.task, metric_of(data.task), data.seed, 1, budget, rounds)
    kind = family(family_name)
    for fold in range(split.folds.n_folds):
        train, held = split.folds.train(0, fold), split.folds.held(0, fold)
        prepared = kind.prepare(sample(train), None, settings, how)
        predictions[held] = kind.fit(prepared, settings, how).model.predict(sample(held).X)
    return predictions


def _sampler(
    data: Dataset, split: ProbeFolds, recipe: Recipe
) -> Callable[[npt.NDArray[np.int64]], Sample]:
    """What gives samples of the probed rows."""
    names = [
        name
        for name in data.columns.names()
        if name not in split.ignore and data.columns[name].kind != "text"
    ]
    taken = {name: data.columns[name].take(split.rows) for name in names}
    kept = {name: column for name, column in taken.items() if _recurs(column)}
    columns = Columns(kept, len(split.rows))
    encoding = fit_shared(recipe, columns, data.seed)
    X, y = encoding.transform(columns), data.y[split.rows]
    weight = None if data.weight is None else data.weight[split.rows]

    def sample(rows: npt.NDArray[np.int64]) -> Sample:
        return Sample(X[rows], encoding.features, y[rows], None if weight is None else weight[rows])

    return sample


def _recurs(column: Column) -> bool:
    """Whether values recur: of words that hardly do, trees learn nothing and slowly."""
    if not isinstance(column, Categories):
        return True
    known = column.codes[column.codes >= 0]
    return len(np.unique(known)) <= MOST_DISTINCT * len(known)
