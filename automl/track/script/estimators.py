"""A candidate as an estimator: the library's own, with the hyperparameters that the fits had."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from automl.metrics import Metric
from automl.task import Task
from automl.track.script.code import Call, Name

NATIVE_CATEGORIES: Mapping[str, str] = {
    "lightgbm": "types",
    "xgboost": "types",
    "catboost": "strings",
}
PACKAGES: Mapping[str, str] = {name: name for name in ("lightgbm", "xgboost", "catboost")}
_LIGHTGBM_NAMES = {
    "feature_fraction": "colsample_bytree",
    "bagging_fraction": "subsample",
    "min_data_in_leaf": "min_child_samples",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
}
# In place of weight decay and dropout: on doctor_visits the RMSE was 4.67 with it, 5.05 with
# scikit-learn's own 0.0001, and 4.57 of automl's network.
_NETWORK_ALPHA = 1.0
_CATBOOST_GROW_POLICIES = {"symmetric": "SymmetricTree", "depthwise": "Depthwise"}


@dataclass(frozen=True)
class ScriptCandidate:
    """What an estimator is made of.

    Parameters
    ----------
    family : str
    task : Task
    metric : Metric
    params : mapping
        The hyperparameters that the fits had.
    rounds : int or None
        Usual number of rounds that the fits kept.
    n_rows : int
        That a model is trained on in a fold.
    native : list of str
        Names of the columns that the library itself knows as categories.
    seed : int
    """

    family: str
    task: Task
    metric: Metric
    params: Mapping[str, Any]
    rounds: int | None
    n_rows: int
    native: list[str]
    seed: int

    @property
    def suffix(self) -> str:
        """End of the name of the class."""
        return "Regressor" if self.task.is_regression else "Classifier"

    def learns(
        self,
        *proxies: str,
    ) -> bool:
        """Return whether numbers are learnt for a metric with one of these proxies."""
        return self.task.is_regression and self.metric.proxy in proxies


@dataclass(frozen=True)
class Estimator:
    """An estimator's code, and how it differs from automl's own model."""

    call: Call
    departures: tuple[str, ...] = ()


def estimator(candidate: ScriptCandidate) -> Estimator:
    """Return the estimator of a candidate; a regression's scales its target, as automl does."""
    found = _MAKERS[candidate.family](candidate)
    if not candidate.task.is_regression:
        return found
    if candidate.metric.name == "rmsle":
        options: dict[str, Any] = {"func": Name("np.log1p"), "inverse_func": Name("np.expm1")}
    else:
        options = {"transformer": Call("StandardScaler")}
    departures = found.departures
    if candidate.metric.name == "mape":
        departures += ("automl gives rows of large targets less weight for this metric",)
    call = Call("TransformedTargetRegressor", (found.call,), options)
    return Estimator(call, departures)


def _lightgbm(candidate: ScriptCandidate) -> Estimator:
    options: dict[str, Any] = {"n_estimators": candidate.rounds or 200}
    for name, value in candidate.params.items():
        options[_LIGHTGBM_NAMES.get(name, name)] = value
    options["subsample_freq"] = 1
    if candidate.learns("mae"):
        options["objective"] = "regression_l1"
    elif candidate.learns("pinball"):
        options["objective"] = "quantile"
        options["alpha"] = candidate.metric.quantile_level
    options |= {"random_state": candidate.seed, "verbose": -1}
    return Estimator(Call(f"LGBM{candidate.suffix}", (), options), _FIXED_ROUNDS)


def _xgboost(candidate: ScriptCandidate) -> Estimator:
    options: dict[str, Any] = {"n_estimators": candidate.rounds or 200, **candidate.params}
    if candidate.learns("mae"):
        options["objective"] = "reg:absoluteerror"
    elif candidate.learns("pinball"):
        options["objective"] = "reg:quantileerror"
        options["quantile_alpha"] = candidate.metric.quantile_level
    if candidate.native:
        options["enable_categorical"] = True
    options |= {"tree_method": "hist", "random_state": candidate.seed}
    return Estimator(Call(f"XGB{candidate.suffix}", (), options), _FIXED_ROUNDS)


def _catboost(candidate: ScriptCandidate) -> Estimator:
    params = dict(candidate.params)
    grow = _CATBOOST_GROW_POLICIES[params.pop("grow", "symmetric")]
    options: dict[str, Any] = {"iterations": candidate.rounds or 200, **params}
    options |= {"grow_policy": grow, "bootstrap_type": "Bernoulli", "boosting_type": "Plain"}
    if candidate.learns("mae"):
        options["loss_function"] = "MAE"
    elif candidate.learns("pinball"):
        options["loss_function"] = f"Quantile:alpha={candidate.metric.quantile_level}"
    if candidate.learns("mae", "pinball"):
        options.pop("leaf_estimation_iterations", None)
    options |= {
        "random_seed": candidate.seed,
        "allow_writing_files": False,
        "verbose": False,
    }
    return Estimator(Call(f"CatBoost{candidate.suffix}", (), options), _FIXED_ROUNDS)


def _forest(candidate: ScriptCandidate) -> Estimator:
    kind = "ExtraTrees" if candidate.family == "extra_trees" else "RandomForest"
    options = {"n_estimators": candidate.rounds or 100, **candidate.params}
    if options.get("max_samples") is not None:
        options["bootstrap"] = True
    options |= {"n_jobs": -1, "random_state": candidate.seed}
    return Estimator(Call(f"{kind}{candidate.suffix}", (), options))


def _linear(candidate: ScriptCandidate) -> Estimator:
    strength = float(candidate.params.get("C", 1.0))
    is_sparse = candidate.params.get("penalty") == "l1"
    if not candidate.task.is_regression:
        options: dict[str, Any] = {"C": strength, "max_iter": 1000}
        if is_sparse:
            options |= {"l1_ratio": 1.0, "solver": "saga", "random_state": candidate.seed}
        return Estimator(Call("LogisticRegression", (), options))
    if candidate.learns("mae", "pinball"):
        options = {"quantile": candidate.metric.quantile_level, "alpha": 0.0}
        about = "automl smooths the loss of quantiles, and has a penalty"
        return Estimator(Call("QuantileRegressor", (), options), (about,))
    if is_sparse:
        return Estimator(
            Call(
                "Lasso",
                (),
                {"alpha": 1.0 / (strength * candidate.n_rows)},
            )
        )
    return Estimator(Call("Ridge", (), {"alpha": 1.0 / strength}))


def _knn(candidate: ScriptCandidate) -> Estimator:
    params = candidate.params
    options = {
        "n_neighbors": min(int(params.get("k", 20)), candidate.n_rows),
        "weights": params.get("weights", "distance"),
        "p": params.get("p", 2),
    }
    about = "automl keeps at most 10 000 rows, and mixes in the shares of the classes"
    return Estimator(Call(f"KNeighbors{candidate.suffix}", (), options), (about,))


def _mlp(candidate: ScriptCandidate) -> Estimator:
    params = candidate.params
    width = int(params.get("width", 128))
    layers = int(params.get("layers", 3))
    options = {
        "hidden_layer_sizes": (width,) * layers,
        "learning_rate_init": params.get("learning_rate", 1e-3),
        "alpha": _NETWORK_ALPHA,
        "early_stopping": True,
        "max_iter": 500,
        "random_state": candidate.seed,
    }
    about = "scikit-learn's network has no dropout, members, embeddings or decoupled weight decay"
    return Estimator(Call(f"MLP{candidate.suffix}", (), options), (about,))


_FIXED_ROUNDS = ("each fit of automl stopped early by itself; here all have the usual rounds",)
_MAKERS: Mapping[str, Callable[[ScriptCandidate], Estimator]] = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "extra_trees": _forest,
    "random_forest": _forest,
    "linear": _linear,
    "knn": _knn,
    "mlp": _mlp,
}
FAMILIES_OF_SCRIPTS = tuple(_MAKERS)


def usual_rounds(rounds: list[int]) -> int | None:
    """Return the middle one of several numbers of rounds.

    >>> usual_rounds([10, 40, 20]), usual_rounds([])
    (20, None)
    """
    if not rounds:
        return None
    return sorted(rounds)[math.floor(len(rounds) / 2)]
