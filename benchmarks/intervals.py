"""Do the intervals of `predict --interval` hold the truth as often as they say?

    python benchmarks/intervals.py --bench ../shared/bench --data ../shared/data \\
        --budget 15s --out benchmarks/results/predict-interval.jsonl

Measured on the benchmark's test rows of every regression table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from variants import load_bench

import automl
from automl.table import read_table

SHARES = (0.5, 0.8, 0.9, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", default="15s")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    bench = load_bench(args.bench)
    rows = []
    for folder in sorted(path.parent for path in args.data.glob("*/card.json")):
        card, whole = bench.load(folder)
        if card["task"] != "regression":
            continue
        train, test = bench.split(card, whole, 0, None)
        with tempfile.TemporaryDirectory() as home:
            place = Path(home)
            train.to_csv(place / "train.csv", index=False)
            test = test[test[card["target"]].notna()]
            test.to_csv(place / "test.csv", index=False)
            what = [
                place / "train.csv",
                "--target",
                card["target"],
                "--task",
                "regression",
                "--budget",
                args.budget,
            ]
            subprocess.run(
                [
                    Path(sys.executable).parent / "automl",
                    "fit",
                    *what,
                    "--output",
                    place / "run",
                    "-q",
                ],
                check=True,
            )
            predictor = automl.load(place / "run").predictor_
            values = predictor.predict_raw(
                predictor.to_columns(read_table(str(place / "test.csv"))).columns
            )
        y = pd.to_numeric(test[card["target"]]).to_numpy(float)
        row = {
            "task": folder.name,
            "fold": 0,
            "train": len(train),
            "rows": len(y),
            "rmse": float(np.sqrt(np.mean((y - values) ** 2))),
        }
        for share in SHARES:
            low, high = predictor.interval(values, share)
            row[str(share)] = round(float(((low <= y) & (y <= high)).mean()), 4)
        rows.append(row)
        args.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
        print(row, flush=True)
    print({share: round(float(np.mean([row[str(share)] for row in rows])), 3) for share in SHARES})


if __name__ == "__main__":
    main()
