"""Are the lessons of `automl insight` true? Importance and good ranges against measurements.

    python benchmarks/lessons.py --bench ../shared/bench --data ../shared/data \\
        --json benchmarks/results/lessons.json

*Importance*: 200 trials by TPE on a table, 200 at random, and every point of a grid of three levels
on the same folds; the ranks of the shares of variance (Spearman). Trials that exist are not run
again; their importance is computed anew (`--json` alone does only that).
*Ranges*: 60 trials by TPE, then 20 candidates from the good ranges and 20 from the whole range,
evaluated on new folds.
All on the train rows of the benchmark's split 0, at most 2 000 of them.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import argparse
import itertools
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import optuna
import pandas as pd
from by_hand import prepared
from scipy.stats import spearmanr
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from variants import load_bench

from automl.candidate import Candidate
from automl.features.recipe import RECIPES
from automl.insight.effects import draw_points, effects, good_ranges
from automl.insight.importance import importances
from automl.insight.points import Points, from_coordinate, to_coordinate
from automl.insight.surrogate import fit_surrogate
from automl.search.sampling import even_points
from automl.space import Choice, Float, Int, Space
from automl.trial import Trial

ROWS = 2000
LIGHTGBM: Space = {
    "num_leaves": Int(2, 128, log=True),
    "learning_rate": Float(0.01, 0.5, log=True),
    "min_child_samples": Int(2, 100, log=True),
    "colsample_bytree": Float(0.3, 1.0),
    "reg_lambda": Float(1e-3, 100.0, log=True),
}
TREES: Space = {
    "max_features": Float(0.1, 1.0),
    "min_samples_leaf": Int(1, 50, log=True),
    "max_depth": Int(2, 30, log=True),
    "bootstrap": Choice((False, True)),
}
STUDIES = (
    ("vehicle", "lightgbm"),
    ("cmc", "lightgbm"),
    ("wine_quality_white", "lightgbm"),
    ("credit_g", "trees"),
    ("airfoil", "trees"),
)
TABLES = (
    "vehicle",
    "cmc",
    "wine_quality_white",
    "credit_g",
    "airfoil",
    "churn",
    "segment",
    "kc1",
    "space_ga",
    "boston",
)

Judge = Callable[[Mapping[str, Any], int], float]


class Table:
    """A table's train rows, and the loss of a model by cross-validation."""

    def __init__(self, bench: Any, folder: Path) -> None:
        card, whole = bench.load(folder)
        train, _ = bench.split(card, whole, 0, None)
        train = train.sample(min(ROWS, len(train)), random_state=0).reset_index(drop=True)
        X, _ = prepared(train.drop(columns=card["target"]))
        self.is_regression = card["task"] == "regression"
        self.X = (
            X.apply(
                lambda column: (
                    column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
                )
            )
            .astype(float)
            .fillna(-1)
        )
        target = train[card["target"]]
        self.y = (
            target.to_numpy(float)
            if self.is_regression
            else np.unique(target, return_inverse=True)[1]
        )

    def loss(self, kind: str, params: Mapping[str, Any], seed: int) -> float:
        """Mean loss over three folds."""
        folds = (
            KFold(3, shuffle=True, random_state=seed)
            if self.is_regression
            else StratifiedKFold(3, shuffle=True, random_state=seed)
        )
        losses = []
        for train, held in folds.split(self.X, self.y):
            model = self.model(kind, params).fit(self.X.iloc[train], self.y[train])
            if self.is_regression:
                losses.append(
                    root_mean_squared_error(self.y[held], model.predict(self.X.iloc[held]))
                )
            else:
                losses.append(
                    log_loss(
                        self.y[held],
                        np.clip(model.predict_proba(self.X.iloc[held]), 1e-4, 1),
                        labels=np.unique(self.y),
                    )
                )
        return float(np.mean(losses))

    def model(self, kind: str, params: Mapping[str, Any]) -> Any:
        if kind == "lightgbm":
            made = lightgbm.LGBMRegressor if self.is_regression else lightgbm.LGBMClassifier
            return made(n_estimators=60, n_jobs=1, verbose=-1, random_state=0, **params)
        trees = ExtraTreesRegressor if self.is_regression else ExtraTreesClassifier
        return trees(n_estimators=40, n_jobs=1, random_state=0, **params)


# The samplers that are compared, with the share of proposals from a sequence that fills the space.
SAMPLERS = {"tpe": 0.0, "random": 0.0, "tpe_5": 0.05, "tpe_8": 1 / 12, "tpe_10": 0.1}


def study(judge: Judge, space: Space, trials: int, seed: int, sampler: str = "tpe") -> Points:
    """Return the trials of a search by TPE, or of one at random, as points."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = optuna.create_study(sampler=create_sampler(sampler, seed))
    share = SAMPLERS[sampler]
    filling = even_points(space, seed)
    for number in range(trials):
        if share and int(number * share) < int((number + 1) * share):
            found.enqueue_trial(next(filling))
        trial = found.ask()
        found.tell(trial, judge({name: suggest(trial, name, of) for name, of in space.items()}, 0))
    places = np.array(
        [
            [to_coordinate(of, trial.params[name]) for name, of in space.items()]
            for trial in found.trials
        ]
    )
    losses = np.array([trial.value for trial in found.trials], np.float64)
    return points_of(space, places, losses)


def create_sampler(name: str, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(n_startup_trials=6, multivariate=True, seed=seed)


def points_of(space: Space, places: Any, losses: Any) -> Points:
    """Points with trials to name them."""
    params = [
        {
            name: from_coordinate(of, place)
            for (name, of), place in zip(space.items(), point, strict=True)
        }
        for point in places
    ]
    return Points(
        "lightgbm",
        space,
        places,
        losses,
        tuple(Trial(Candidate("lightgbm", one, RECIPES["native"])) for one in params),
    )


def suggest(trial: optuna.Trial, name: str, of: Any) -> Any:
    match of:
        case Float(low, high, log):
            return trial.suggest_float(name, low, high, log=log)
        case Int(low, high, log):
            return trial.suggest_int(name, low, high, log=log)
        case _:
            return trial.suggest_categorical(name, of.values)


def by_grid(judge: Judge, space: Space) -> dict[str, float]:
    """Return each hyperparameter's own share of the variance of the log loss, over a full grid."""
    levels = {
        name: of.values
        if isinstance(of, Choice)
        else tuple(of.from_unit(place) for place in (0.05, 0.5, 0.95))
        for name, of in space.items()
    }
    points = list(itertools.product(*levels.values()))
    losses = np.log([judge(dict(zip(levels, point, strict=True)), 0) for point in points])
    whole, shares = losses.var(), {}
    for at, name in enumerate(levels):
        means = [losses[[point[at] == value for point in points]].mean() for value in levels[name]]
        shares[name] = float(np.var(means) / whole)
    return shares


def importance(table: Table | None, kind: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the ranks of shares by 200 trials and by the grid; known trials are not run again."""
    space = LIGHTGBM if kind == "lightgbm" else TREES

    def judge(params: Mapping[str, Any], seed: int) -> float:
        return table.loss(kind, params, seed) if table else float("nan")

    made: dict[str, Any] = {"kind": kind, "grid": found.get("grid") or by_grid(judge, space)}
    for sampler in SAMPLERS:
        seen = found.get(sampler, {}).get("study") or study_seen(
            study(judge, space, 200, 0, sampler)
        )
        of = points_of(space, np.array(seen["places"]), np.array(seen["losses"]))
        told = {one.name: one.share for one in importances(of, fit_surrogate(of), 0)}
        ranks = float(
            spearmanr(
                [told[name] for name in space], [made["grid"][name] for name in space]
            ).statistic
        )
        made[sampler] = {"spearman": ranks, "told": told, "study": seen}
    return made


def study_seen(of: Points) -> dict[str, Any]:
    return {"places": of.coordinates.round(6).tolist(), "losses": of.losses.tolist()}


def ranges(table: Table) -> dict[str, Any]:
    """Losses of candidates from good ranges and from the whole range, on folds drawn anew."""
    judge: Judge = lambda params, seed: table.loss("lightgbm", params, seed)  # noqa: E731
    of = study(judge, LIGHTGBM, 60, 1)
    surrogate = fit_surrogate(of)
    error = float(surrogate.spread * np.sqrt(surrogate.noise) * of.losses.min())
    good = {one.name: one for one in good_ranges(of, effects(of, surrogate), error)}
    rng = np.random.default_rng(0)
    names = list(LIGHTGBM)
    drawn = {"good": draw_points(good, of, rng, 20), "whole": rng.random((20, len(names)))}
    losses = {
        where: [
            judge(
                {
                    name: from_coordinate(LIGHTGBM[name], place)
                    for name, place in zip(names, point, strict=True)
                },
                7,
            )
            for point in points
        ]
        for where, points in drawn.items()
    }
    best = judge(of.trials[of.best].candidate.params, 7)
    return {
        "good": float(np.mean(losses["good"])),
        "whole": float(np.mean(losses["whole"])),
        "best": best,
        "ratio": float(np.mean(losses["good"]) / np.mean(losses["whole"])),
        "better": float(
            np.mean(np.array(losses["good"])[:, None] < np.array(losses["whole"])[None, :])
        ),
        "study": study_seen(of),
        "share_of_range": float(np.mean([one.share for one in good.values()])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    bench = load_bench(args.bench) if args.bench else None
    found = (
        json.loads(args.json.read_text())
        if args.json.exists()
        else {"importance": {}, "ranges": {}}
    )
    for name, kind in STUDIES:
        table = Table(bench, args.data / name) if bench else None
        made = found["importance"][name] = importance(
            table, kind, found["importance"].get(name, {})
        )
        args.json.write_text(json.dumps(found) + "\n")
        print(
            name,
            kind,
            {sampler: round(made[sampler]["spearman"], 2) for sampler in SAMPLERS},
            flush=True,
        )
    for name in TABLES:
        if name not in found["ranges"]:
            found["ranges"][name] = ranges(Table(bench, args.data / name))
            args.json.write_text(json.dumps(found) + "\n")
        print(
            name,
            {key: value for key, value in found["ranges"][name].items() if key != "study"},
            flush=True,
        )


if __name__ == "__main__":
    main()
