"""Random boosters of the libraries, and rows that are as odd as rows can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Array, Floats, Matrix
from automl.models.trees.from_lightgbm import read_lightgbm
from automl.models.trees.from_sklearn import read_sklearn
from automl.models.trees.from_xgboost import read_xgboost
from automl.models.trees.trees import Trees

LARGEST = np.finfo(np.float32).max
ODD_NUMBERS = (np.inf, -np.inf, LARGEST, -LARGEST, 1e-40, -1e-40, 0.0, -0.0)
N_CATEGORIES = 40
CATEGORICAL = [2, 3]


@dataclass(frozen=True)
class Grown:
    """Trees of a library, the rows to compare on, and the library's margins of them."""

    trees: Trees
    rows: Matrix
    margins: Array


def training_rows(rng: np.random.Generator, n_rows: int = 250) -> Matrix:
    """Return two columns of categories among numbers, one with ties, and missing values."""
    X = rng.normal(size=(n_rows, 6)).astype(np.float32)
    X[:, 1] = np.round(X[:, 1])
    X[:, 2] = rng.integers(0, N_CATEGORIES, n_rows)
    X[:, 3] = rng.integers(0, 4, n_rows)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def odd_rows(rng: np.random.Generator) -> Matrix:
    """Return rows with infinite, extreme and tiny numbers, and categories never seen."""
    X = training_rows(rng)
    odd = rng.choice(np.array(ODD_NUMBERS, np.float32), X.shape)
    is_odd = rng.random(X.shape) < 0.1
    is_odd[:, CATEGORICAL] = False
    X = np.where(is_odd, odd, X).astype(np.float32)
    is_unseen = rng.random(len(X)) < 0.1
    X[is_unseen, 2] = rng.integers(-1, 5000, is_unseen.sum())
    return X


def target(rng: np.random.Generator, X: Matrix, outputs: int) -> Floats:
    """Return numbers, or the codes of classes."""
    known = np.nan_to_num(X)
    y = known[:, 0] + np.isin(known[:, 2], [1, 4, 7, 9, 22]) + rng.normal(0, 0.3, len(X))
    if outputs == 1:
        return y
    edges = np.quantile(y, np.arange(1, outputs) / outputs)
    return np.digitize(y, edges).astype(float)


def random_lightgbm(seed: int) -> Grown:
    """Return a LightGBM booster of random hyperparameters."""
    import lightgbm

    rng = np.random.default_rng(seed)
    X = training_rows(rng)
    outputs = int(rng.choice([1, 2, 4]))
    params: dict[str, Any] = {
        "objective": {1: "regression", 2: "binary", 4: "multiclass"}[outputs],
        "num_leaves": int(rng.integers(2, 40)),
        "min_data_in_leaf": int(rng.integers(1, 20)),
        "cat_smooth": float(rng.choice([0.01, 10])),
        "min_data_per_group": int(rng.integers(2, 50)),
        "max_cat_to_onehot": int(rng.integers(1, 40)),
        "extra_trees": bool(rng.integers(2)),
        "use_missing": bool(rng.integers(2)),
        "bagging_freq": 1,
        "bagging_fraction": float(rng.uniform(0.5, 1)),
        "seed": seed,
        "num_threads": 1,
        "verbosity": -1,
    }
    if outputs > 2:
        params["num_class"] = outputs
    y = target(rng, X, outputs)
    data = lightgbm.Dataset(X, y, categorical_feature=CATEGORICAL)
    booster = lightgbm.train(params, data, int(rng.integers(1, 30)))
    rows = np.concatenate([X, odd_rows(rng)])
    raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    trees = read_lightgbm(booster.model_to_string().encode())
    return Grown(trees, rows, raw.reshape(len(rows), -1))


def random_xgboost(seed: int) -> Grown:
    """Return an XGBoost booster of random hyperparameters."""
    import xgboost

    rng = np.random.default_rng(seed)
    X = training_rows(rng)
    outputs = int(rng.choice([1, 2, 4]))
    numbers = str(rng.choice(["reg:squarederror", "reg:absoluteerror", "reg:quantileerror"]))
    params: dict[str, Any] = {
        "objective": {1: numbers, 2: "binary:logistic", 4: "multi:softprob"}[outputs],
        "quantile_alpha": 0.3,
        "max_depth": int(rng.integers(1, 8)),
        "max_leaves": int(rng.integers(2, 30)),
        "grow_policy": str(rng.choice(["depthwise", "lossguide"])),
        "min_child_weight": 0.1,
        "max_cat_to_onehot": int(rng.integers(1, 40)),
        "subsample": float(rng.uniform(0.5, 1)),
        "learning_rate": 0.3,
        "tree_method": "hist",
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
    if params["objective"] != "reg:quantileerror":
        del params["quantile_alpha"]
    if outputs > 2:
        params["num_class"] = outputs
    types = ["c" if column in CATEGORICAL else "q" for column in range(X.shape[1])]
    data = xgboost.QuantileDMatrix(
        X, target(rng, X, outputs), feature_types=types, enable_categorical=True
    )
    booster = xgboost.train(params, data, int(rng.integers(1, 30)))
    rows = np.concatenate([X, odd_rows(rng)])
    # XGBoost refuses infinite numbers, and is given the largest ones instead.
    finite = np.clip(rows, -LARGEST, LARGEST)
    raw = booster.inplace_predict(finite, predict_type="margin")
    trees = read_xgboost(bytes(booster.save_raw("ubj")))
    return Grown(trees, rows, raw.reshape(len(rows), -1))


def random_forest(seed: int) -> Grown:
    """Return a forest of scikit-learn of random hyperparameters."""
    from sklearn import ensemble

    rng = np.random.default_rng(seed)
    X = np.clip(training_rows(rng), -LARGEST, LARGEST)
    outputs = int(rng.choice([1, 2, 4]))
    kind = str(rng.choice(["ExtraTrees", "RandomForest"]))
    suffix = "Regressor" if outputs == 1 else "Classifier"
    forest: Any = getattr(ensemble, f"{kind}{suffix}")(
        int(rng.integers(3, 20)),
        max_features=float(rng.uniform(0.3, 1)),
        min_samples_split=int(rng.integers(2, 20)),
        random_state=seed,
    )
    forest.fit(X, target(rng, X, outputs))
    rows = np.concatenate([X, odd_rows(rng)])
    finite = np.clip(rows, -LARGEST, LARGEST)
    # The forest's own sum in the order of its trees, of leaves in single precision, as ours are.
    shape = (len(rows), max(1, outputs if outputs > 2 else 1))
    total = np.zeros(shape)
    for tree in forest.estimators_:
        leaves = tree.tree_.apply(finite)
        values = tree.tree_.value[leaves, 0]
        if outputs > 1:
            values = values / values.sum(axis=1, keepdims=True)
        total += values[:, -shape[1] :].astype(np.float32)
    return Grown(read_sklearn([tree.tree_ for tree in forest.estimators_]), rows, total)


MAKERS = {
    "lightgbm": random_lightgbm,
    "xgboost": random_xgboost,
    "forest": random_forest,
}
