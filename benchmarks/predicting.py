"""How quick is a predictor: to start, to load, for one row, for many?

    python benchmarks/predicting.py fit --data ../shared/data --out FOLDER [--budget 60] \
        [--tables adult,churn]
    python benchmarks/predicting.py measure --out FOLDER --label before --results FILE.jsonl

`fit` makes a default predictor of each table, on the rows whose number leaves a remainder when
divided by 4; the others are the rows to predict. `measure` uses one core and one thread, and
nothing else should run at the same time. All times are medians, in seconds:

- `process`: `automl predict` of one row in a fresh process, whole;
- `load`: `automl.load` in a warm process;
- `row`, `row_p99`: one row, warm; `row_p99` is the 99th percentile;
- `columns`, `models`: typed columns of 10 000 rows, and encoding and predicting these.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

TABLES = (
    "airfoil",
    "credit_g",
    "vehicle",
    "wine_quality_white",
    "churn",
    "bike_sharing_hour",
    "adult",
    "cmc",
    "diamonds",
    "midwest_survey",
    "soybean",
    "titanic",
)
MANY_ROWS = 10_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "automl", *words]


def split(data: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The rows to learn from, the rows to predict, and the target."""
    card = json.loads((data / name / "card.json").read_text(encoding="utf-8"))
    table = pd.read_csv(data / name / "data.csv.gz", keep_default_na=False, dtype=str)
    is_test = np.arange(len(table)) % 4 == 0
    return table[~is_test], table[is_test].drop(columns=card["target"]), card["target"]


def fit(data: Path, out: Path, budget: float, tables: Sequence[str]) -> None:
    for name in tables:
        folder = out / name
        if (folder / "run" / "predictor.automl").exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        train, test, target = split(data, name)
        train.to_csv(folder / "train.csv", index=False)
        test.to_csv(folder / "test.csv", index=False)
        words = ["fit", str(folder / "train.csv"), "--target", target]
        words += ["--budget", f"{budget:g}s", "--output", str(folder / "run"), "--quiet"]
        subprocess.run(command(*words), check=True, stdout=subprocess.DEVNULL)
        print(name, flush=True)


def seconds(do: Callable[[], object], repeats: int) -> list[float]:
    """The seconds of each of several calls, after one that does not count."""
    do()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        do()
        found.append(time.perf_counter() - started)
    return found


def measure_process(folder: Path) -> float:
    test = pd.read_csv(folder / "test.csv", keep_default_na=False, dtype=str)
    test.head(1).to_csv(folder / "one.csv", index=False)
    words = command("predict", str(folder / "run"), str(folder / "one.csv"))
    environment = os.environ | ONE_THREAD
    return float(
        np.median(
            seconds(
                lambda: subprocess.run(
                    words, check=True, stdout=subprocess.DEVNULL, env=environment
                ),
                repeats=5,
            )
        )
    )


def measure_warm(folder: Path) -> dict[str, float]:
    import automl
    from automl.table import read_table

    model = automl.load(folder / "run")
    predictor = model.predictor_
    n_models = sum(len(member.parts) for member in predictor.members)
    one = read_table(str(folder / "one.csv"))
    test = pd.read_csv(folder / "test.csv", keep_default_na=False, dtype=str)
    many = test.iloc[np.resize(np.arange(len(test)), MANY_ROWS)]
    many.to_csv(folder / "many.csv", index=False)
    table = read_table(str(folder / "many.csv"))
    columns = predictor.to_columns(table).columns
    rows = seconds(lambda: predictor.predict_raw(predictor.to_columns(one).columns), 100)
    return {
        "members": len(predictor.members),
        "fitted_models": n_models,
        "load": float(np.median(seconds(lambda: automl.load(folder / "run"), 5))),
        "row": float(np.median(rows)),
        "row_p99": float(np.quantile(rows, 0.99)),
        "columns": float(np.median(seconds(lambda: predictor.to_columns(table), 3))),
        "models": float(np.median(seconds(lambda: predictor.predict_raw(columns), 3))),
    }


def measure(out: Path, label: str, results: Path, tables: Sequence[str]) -> None:
    for name in tables:
        folder = out / name
        if not (folder / "run" / "predictor.automl").exists():
            continue
        size = (folder / "run" / "predictor.automl").stat().st_size
        row = {"label": label, "table": name, "megabytes": round(size / 1e6, 2)}
        row["process"] = measure_process(folder)
        row |= measure_warm(folder)
        rounded = {
            key: round(value, 5) if isinstance(value, float) else value
            for key, value in row.items()
        }
        print(rounded, flush=True)
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("fit", "measure"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--label", default="")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--tables", default=",".join(TABLES))
    asked = parser.parse_args()
    tables = asked.tables.split(",")
    if asked.what == "fit":
        fit(asked.data, asked.out, asked.budget, tables)
        return
    os.environ.update(ONE_THREAD)
    os.sched_setaffinity(0, {0})
    measure(asked.out, asked.label, asked.results, tables)


if __name__ == "__main__":
    main()
