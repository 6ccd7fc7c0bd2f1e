"""CatBoost."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models import _boosting as boosting
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import bytes_of, check_width, part_of, whole_of
from automl.models._target import Target
from automl.models.constant import ConstantModel
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_METRICS: dict[boosting.Watched, str] = {
    "log_loss": "Logloss",
    "roc_auc": "AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "pinball": "Quantile",
}
_MOST_LEVELS = 2**25  # of all columns together
_UNTIMED_CELLS = 16_000_000_000  # rows x columns x classes x rounds x fold models that a candidate may cost where no clock ends it
_FEWEST_ROUNDS = 200  # whatever they cost
_GROW = {"symmetric": "SymmetricTree", "depthwise": "Depthwise"}


@dataclass(frozen=True)
class CatBoostModel:
    """A booster, the rounds of it that count, the number of levels of each column (0: a number) and the target's coding."""

    booster: Any
    raw: bytes
    rounds: int
    levels: tuple[int, ...]
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Probabilities or values, with one thread."""
        check_width(X, len(self.levels))
        if not len(X):
            return self.target.none()
        return self.target.spread(
            _predict(self.booster, X, self.levels, self.target, 1, self.rounds)
        )

    def to_state(self) -> State:
        """The booster in CatBoost's binary format."""
        return {
            "booster": self.raw,
            "rounds": self.rounds,
            "levels": list(self.levels),
            "target": self.target.to_state(),
        }


def _predict(
    booster: Any, X: Matrix, levels: tuple[int, ...], target: Target, threads: int, rounds: int
) -> Any:
    kind = "Probability" if target.total else "RawFormulaVal"
    return booster.predict(
        _frame(X, levels), prediction_type=kind, ntree_end=rounds, thread_count=threads
    )


def _frame(X: Matrix, levels: tuple[int, ...]) -> Any:
    """Numbers as they are, codes as pandas categories: missing is -1, a code beyond the levels is the number of levels.

    CatBoost hashes each category once (measured for 50 000 rows: 11 ms, against 78 ms for whole numbers).
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for place, count in enumerate(levels):
        column: Any = X[:, place]
        if count:
            codes = np.clip(np.nan_to_num(column, nan=-1.0), -1, count).astype(np.int64) + 1
            column = pd.Categorical.from_codes(codes, categories=pd.Index(np.arange(-1, count + 1)))
        columns[str(place)] = column
    return pd.DataFrame(columns)


def _restored(raw: bytes, rounds: int, levels: tuple[int, ...], target: Target) -> CatBoostModel:
    import catboost

    booster = catboost.CatBoost()
    try:
        booster.load_model(blob=raw)
    except catboost.CatBoostError as error:
        raise UnsafeModel(
            f"the model file's CatBoost booster can't be read: {str(error).splitlines()[0]}"
        ) from None
    places = [place for place, count in enumerate(levels) if count]
    if (
        len(booster.feature_names_) != len(levels)
        or list(booster.get_cat_feature_indices()) != places
    ):
        raise UnsafeModel("the model file's CatBoost booster was trained on other columns")
    if rounds > booster.tree_count_:
        raise UnsafeModel(
            f"the model file's CatBoost booster has {booster.tree_count_} trees, not {rounds}"
        )
    return CatBoostModel(booster, raw, rounds, levels, target)


def _bytes(booster: Any) -> bytes:
    """The model in CatBoost's format, without the time of day and the random name that it notes there: equal fits give equal files."""
    about = booster.get_metadata()
    about["model_guid"] = about["train_finish_time"] = ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        booster.save_model(str(path))
        return path.read_bytes()


class CatBoost:
    """Gradient boosting by CatBoost."""

    name = "catboost"
    about = "gradient boosting, symmetric trees and ordered category statistics (CatBoost)"
    seeded = True
    bagged = True
    stops = True
    recipes = ("native", "target", "codes", "pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """The ranges that portfolios settle on."""
        of_codes: Space = {
            "one_hot_max_size": Int(8, 100, log=True),
            "max_ctr_complexity": Int(2, 5),
        }
        ranges: Space = {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=boosting.HASTY),
            "depth": Int(4, 8),
            "l2_leaf_reg": Float(1e-4, 5.0, log=True),
            "subsample": Float(0.7, 1.0),
            "grow": Choice(("symmetric", "depthwise")),
            "colsample_bylevel": Float(0.85, 1.0),
            "leaf_estimation_iterations": Int(1, 20, log=True),
        }
        return {**ranges, **of_codes} if codes else ranges

    def defaults(self, task: Task) -> dict[str, Any]:
        """CatBoost's own with a fixed learning rate: its automatic one depends on the number of rounds.

        Columns of few categories as zeros and ones: measured on 16 tables with categories, as good (0.995) in 0.4 of the time.
        """
        of_codes = {"one_hot_max_size": 8, "max_ctr_complexity": 2}
        return {
            "learning_rate": 0.06,
            "depth": 6,
            "l2_leaf_reg": 3.0,
            "subsample": 0.8,
            "grow": "symmetric",
        } | of_codes

    def implied(self, task: Task) -> dict[str, Any]:
        """CatBoost's own."""
        return {
            "colsample_bylevel": 1.0,
            "leaf_estimation_iterations": 10 if task.kind == "binary" else 1,
        }

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all: CatBoost makes its bins in the fit."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> boosting.Prepared:
        """Pools."""
        import catboost

        levels = tuple(feature.levels for feature in train.features)

        def form(sample: Sample, reference: Any) -> Any:
            return catboost.Pool(
                _frame(sample.X, levels),
                sample.y,
                cat_features=sample.categorical,
                weight=sample.weight,
                thread_count=how.threads,
            )

        return boosting.prepared(train, held, how, form)

    def fit(self, prepared: boosting.Prepared, params: Mapping[str, Any], how: How) -> Fitted:
        """Boost until the held-out loss no longer falls."""
        import catboost

        constant = boosting.settled(prepared, params)
        if constant is not None:
            return constant
        asked = self.defaults(how.task) | dict(params)
        watch = boosting.watch_over(prepared, asked, how, most=_most_rounds(prepared, how))
        resolved = _params(prepared, asked, how)
        booster = catboost.CatBoost(
            resolved | {"iterations": max(watch.limit, boosting.MOST_ROUNDS)}
        )
        callback = _Callback(
            watch,
            _watched_metrics(prepared.target.outputs, boosting.watched(how, prepared.held_out)),
        )
        booster.fit(
            prepared.train, eval_set=prepared.held if watch.stopping else None, callbacks=[callback]
        )
        return _kept(booster, watch, prepared, asked, how)

    def restore(self, state: State) -> Model:
        """The booster from its bytes."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        levels = state.get("levels")
        if (
            not isinstance(levels, list)
            or not all(type(count) is int and count >= 0 for count in levels)
            or sum(levels) > _MOST_LEVELS
        ):
            raise UnsafeModel("the model file's levels are not whole numbers, or too large")
        target = Target.from_state(part_of(state, "target"))
        return _restored(
            bytes_of(state, "booster"), whole_of(state, "rounds", 1), tuple(levels), target
        )

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured with early stopping and two columns of categories: 2.6 s for 1 000 x 20, 7 s for 10 000 x 20, 32 s for 40 000 x 20."""
        return 1.0 + 3 * boosting.work(rows, features, outputs)


def _most_rounds(prepared: boosting.Prepared, how: How) -> int:
    """Rounds that are worth their time where no clock ends a fit.

    Measured: 41 ms a round for 600 rows, 400 columns and 19 classes, 2.5 ms for 1 500 rows, 54 columns and 4 classes.
    """
    if how.budget.timed:
        return boosting.MOST_ROUNDS
    cells = prepared.rows * len(prepared.features) * prepared.target.columns
    return max(_FEWEST_ROUNDS, _UNTIMED_CELLS // max(1, cells * how.models))


@dataclass(frozen=True)
class _Callback:
    """Hands each round's held-out losses to the watch, which alone ends a fit.

    `iterations` is the same for all fits: CatBoost grows other trees from the first on where it is smaller (measured:
    116 against 200), so that a refit with the rounds of an earlier fit would be another model.
    """

    watch: boosting.Watch
    metrics: list[str]

    def after_iteration(self, info: Any) -> bool:
        """False ends the fit."""
        if not self.watch.stopping:
            return self.watch.more()
        found = info.metrics["validation"]
        told = {key.split(":")[0]: float(values[-1]) for key, values in found.items()}
        return self.watch.more(
            tuple(1.0 - told[name] if name == "AUC" else told[name] for name in self.metrics)
        )


def _watched_metrics(outputs: int, watched: tuple[boosting.Watched, ...]) -> list[str]:
    """CatBoost's names of what is watched."""
    return ["MultiClass"] if outputs > 2 else [_METRICS[name] for name in watched]


def _params(prepared: boosting.Prepared, asked: Mapping[str, Any], how: How) -> dict[str, Any]:
    outputs, watched = prepared.target.outputs, boosting.watched(how, prepared.held_out)
    level = f"alpha={how.metric.level};" if watched == ("pinball",) else ""
    metrics = [
        f"{name}:{level}hints=skip_train~true" for name in _watched_metrics(outputs, watched)
    ]
    number = {"mae": "MAE", "pinball": f"Quantile:alpha={how.metric.level}"}.get(watched[0], "RMSE")
    passed = {name: value for name, value in asked.items() if name != "grow"}
    if number != "RMSE" and outputs == 1:
        passed.pop("leaf_estimation_iterations", None)  # leaves are exact medians or quantiles
    return {
        **passed,
        "grow_policy": _GROW[asked["grow"]],
        "bootstrap_type": "Bernoulli",
        "boosting_type": "Plain",
        "loss_function": {1: number, 2: "Logloss"}.get(outputs, "MultiClass"),
        "eval_metric": metrics[0],
        "custom_metric": metrics[1:],
        "use_best_model": False,
        "thread_count": how.threads,
        "random_seed": how.seed % 2**31,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def _kept(
    booster: Any,
    watch: boosting.Watch,
    prepared: boosting.Prepared,
    asked: Mapping[str, Any],
    how: How,
) -> Fitted:
    levels = tuple(feature.levels for feature in prepared.features)

    def predict(rounds: int) -> Floats:
        assert prepared.sample is not None
        return prepared.target.spread(
            _predict(booster, prepared.sample.X, levels, prepared.target, how.threads, rounds)
        )

    best = boosting.choose(watch, prepared, how, predict)
    if (
        asked["grow"] == "symmetric"
    ):  # others can't be shortened; their predictions leave out the rounds after the best
        booster.shrink(ntree_end=best)
    return boosting.finished(
        watch, prepared, _restored(_bytes(booster), best, levels, prepared.target), best, asked
    )
