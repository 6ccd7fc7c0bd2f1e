"""What do smaller predictors cost: pruned, the best single model, and distilled?

    python benchmarks/distilled.py fit --data ../shared/data --out FOLDER [--budget 30]
    python benchmarks/distilled.py measure --data ../shared/data --out FOLDER \\
        --results benchmarks/results/distilled.jsonl [--max-mb 1 0.3] [--budget 2m]

`fit` makes a default run of each table, on the rows whose number leaves a remainder when divided
by 4. `measure` makes the smaller predictors of each run at each price, and judges all of them by
the other rows: `loss` is the one that was expected, `test_loss` that on these rows, `test_cost`
how much higher it is than the ensemble's there, as a share.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import predicting

from automl.cli.request import RunRequest, make_settings, read_problem
from automl.cli.resuming import request_of_run
from automl.executor.fork_server import ForkServer
from automl.metrics import metric_of
from automl.predictor import Predictor
from automl.price import Price
from automl.run import SmallModels, make_small
from automl.table import read_table

TABLES = ("airfoil", "credit_g", "vehicle", "churn", "cmc", "wine_quality_white")


def shrink(request: RunRequest, price: Price) -> SmallModels:
    settings = make_settings(request, time.monotonic())
    server = ForkServer()
    try:
        return make_small(
            lambda budget: read_problem(request, budget), settings, price, server=server
        )
    finally:
        server.close()


def true_targets(data: Path, name: str) -> np.ndarray[Any, Any]:
    card = json.loads((data / name / "card.json").read_text(encoding="utf-8"))
    table = pd.read_csv(data / name / "data.csv.gz", keep_default_na=False, dtype=str)
    is_test = np.arange(len(table)) % 4 == 0
    return table[card["target"]][is_test].to_numpy()


def test_loss(predictor: Predictor, rows: Path, truth: np.ndarray[Any, Any]) -> float:
    metric = metric_of(predictor.task)
    answers = predictor.predict_raw(predictor.to_columns(read_table(str(rows))).columns)
    if predictor.task.is_regression:
        return metric.loss(truth.astype(float), answers, None)
    labels = list(predictor.task.labels)
    codes = np.array([labels.index(label) for label in truth])
    if metric.needs == "labels":
        answers = predictor.predict_classes(answers)
    return metric.loss(codes, answers, None)


def measure(
    data: Path, out: Path, name: str, megabytes: float, budget: str
) -> list[dict[str, Any]]:
    request = request_of_run(str(out / name / "run"), None, jobs=2)
    started = time.monotonic()
    small = shrink(replace(request, budget=budget, trials=None), Price(megabytes=megabytes))
    seconds = round(time.monotonic() - started, 1)
    truth = true_targets(data, name)
    rows = []
    for model in (small.ensemble, *small.models):
        loss = test_loss(model.predictor, out / name / "test.csv", truth)
        if model is small.ensemble:
            ensemble_loss = loss
        members = [
            f"{member.family_name} x {len(member.parts)}" for member in model.predictor.members
        ]
        rows.append(
            {
                "table": name,
                "max_mb": megabytes,
                "model": model.kind,
                "chosen": model is small.chosen,
                "ms": round(model.cost.milliseconds, 3),
                "mb": round(model.cost.megabytes, 4),
                "loss": round(model.loss, 5),
                "cost": round(model.difference.mean / small.ensemble.loss, 4),
                "low": round(model.difference.low / small.ensemble.loss, 4),
                "high": round(model.difference.high / small.ensemble.loss, 4),
                "test_loss": round(loss, 5),
                "test_cost": round(loss / ensemble_loss - 1, 4),
                "members": members,
                "seconds": seconds,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("fit", "measure"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", default="")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--max-mb", type=float, nargs="+", default=[1.0, 0.3])
    arguments = parser.parse_args()
    if arguments.step == "fit":
        predicting.TABLES = TABLES
        predicting.fit(arguments.data, arguments.out, float(arguments.budget or 30))
        return
    for megabytes in arguments.max_mb:
        for name in TABLES:
            budget = arguments.budget or "2m"
            rows = measure(arguments.data, arguments.out, name, megabytes, budget)
            with open(arguments.results, "a", encoding="utf-8") as file:
                for row in rows:
                    file.write(json.dumps(row) + "\n")
                    print(row, flush=True)


if __name__ == "__main__":
    main()
