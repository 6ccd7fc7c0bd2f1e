"""`automl fit` in several variants on the benchmark's splits: the gain of an option, and more.

    python benchmarks/variants.py --bench ../shared/bench --data ../shared/data \\
        --tasks adult,cmc --folds 0 --budgets 60 \\
        --variant plain= --variant "no tuning=--set tune.share=0" \\
        --out benchmarks/results/ablation.jsonl
    python benchmarks/variants.py --read benchmarks/results/ablation.jsonl

It also shows how the loss falls with the budget, and whether the interval holds. One line a run is
appended; runs that are in the file already are not run again. The first variant is the one that the
others are compared with. Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from automl.extrapolation import widen_interval, widening_factor
from automl.metrics import METRICS as LIBRARY

AUTOML = str(Path(sys.executable).parent / "automl")
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
Row = dict[str, Any]


def load_bench(folder: Path) -> ModuleType:
    """The race's own splits and losses."""
    spec = importlib.util.spec_from_file_location("bench", folder / "bench.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    return bench


def one(bench: ModuleType, folder: Path, fold: int, budget: float, words: list[str]) -> Row:
    """Fit on the train rows, predict the test rows."""
    card, table = bench.load(folder)
    train, test = bench.split(card, table, fold, None)
    work = Path(tempfile.mkdtemp(prefix="variant-"))
    try:
        train.to_csv(work / "train.csv", index=False)
        test.drop(columns=card["target"]).to_csv(work / "test.csv", index=False)
        what = [
            "--target",
            card["target"],
            "--task",
            card["task"],
            "--metric",
            METRICS[card["task"]],
            "--budget",
            f"{budget:g}s",
        ]
        began = time.monotonic()
        fit = subprocess.run(
            [
                AUTOML,
                "fit",
                work / "train.csv",
                *what,
                "--seed",
                str(fold),
                "--output",
                work / "run",
                "-q",
                *words,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        row: Row = {"seconds": round(time.monotonic() - began, 2)}
        if fit.returncode:
            return row | {"error": fit.stderr.strip()[-300:]}
        proba = [] if card["task"] == "regression" else ["--proba"]
        subprocess.run(
            [
                AUTOML,
                "predict",
                work / "run",
                work / "test.csv",
                *proba,
                "--output",
                work / "p.csv",
            ],
            check=True,
        )
        loss = bench.loss_of(
            card, test[card["target"]].reset_index(drop=True), pd.read_csv(work / "p.csv")
        )
        return (
            row
            | {
                "loss": loss,
                "test_rows": len(test),
                "constant": bench.constant_loss(card, train, test),
            }
            | facts(work / "run")
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)


def facts(run: Path) -> Row:
    """Read the log: the expected loss and its interval, trials, and the families' weights."""
    from automl.event_log import replay

    study = replay(run)
    weights: dict[str, float] = {}
    for name, weight in study.weights.items():
        candidate = study.trials[name].candidate
        part = f"{candidate.family} {candidate.recipe.name} {candidate.origin}"
        weights[part] = round(weights.get(part, 0.0) + weight, 3)
    told: Row = {}
    for name in ("loss", "low", "high", "rows", "new", "optimism"):
        told[name] = getattr(study.evaluation, name, None)  # without an evaluation: None
    told["metric"] = study.known_task.metric
    seconds: dict[str, float] = {}
    for trial in study.trials.values():
        origin = f"{trial.candidate.family} {trial.candidate.origin}"
        seconds[origin] = round(seconds.get(origin, 0.0) + trial.seconds, 2)
    plan = study.plan
    kept = {
        "told": told,
        "weights": weights,
        "spent": seconds,
        "trials": len(study.trials),
        "complete": len(study.ranked),
    }
    return kept | {"folds": f"{plan.folds}x{plan.repeats}" if plan.kind == "kfold" else plan.kind}


def runs(args: argparse.Namespace) -> Iterator[tuple[str, int, float, str, list[str]]]:
    """Every run that is asked for."""
    names = (
        args.tasks.split(",")
        if args.tasks
        else sorted(path.parent.name for path in args.data.glob("*/card.json"))
    )
    variants = [variant.partition("=") for variant in args.variant or ["plain="]]
    folds, budgets = (
        [kind(part) for part in text.split(",")]
        for kind, text in ((int, args.folds), (float, args.budgets))
    )
    for name, fold, budget, (variant, _, words) in product(names, folds, budgets, variants):
        yield name, int(fold), budget, variant, shlex.split(words)


def read(path: Path) -> pd.DataFrame:
    """All runs that are kept; of equal ones the last."""
    rows = (
        pd.DataFrame([json.loads(line) for line in path.read_text().splitlines()])
        if path.exists()
        else pd.DataFrame()
    )
    return (
        rows.drop_duplicates(["task", "fold", "budget", "variant"], keep="last")
        if len(rows)
        else rows
    )


def tell(rows: pd.DataFrame) -> None:
    """Ratios to the first variant and to the longest budget, and how often the intervals held."""
    if "error" in rows:
        print(
            "failures:",
            rows[rows["error"].notna()][["task", "fold", "variant", "error"]].to_string(
                index=False
            ),
        )
        rows = rows[rows["loss"].notna()]
    print(
        f"{len(rows)} runs, worst seconds / budget {(rows['seconds'] / rows['budget']).max():.3f}"
    )
    for axis, base in (("variant", rows["variant"].iloc[0]), ("budget", rows["budget"].max())):
        if rows[axis].nunique() > 1:
            losses = rows.pivot_table(
                index=["task", "fold", "variant" if axis == "budget" else "budget"],
                columns=axis,
                values="loss",
            )
            print(f"\nlosses by {axis}\n{losses.round(5).to_string()}\n")
            for name in losses:
                logs = (
                    np.log((losses[name] + 1e-9) / (losses[base] + 1e-9))
                    .dropna()
                    .clip(np.log(0.8), np.log(1.25))
                )
                logs = logs.groupby("task").mean()
                error = logs.std() / max(1, len(logs)) ** 0.5
                print(
                    f"{axis} {name}: {np.exp(logs.mean()):.4f} +- {error:.4f} of {base}, "
                    f"worse on {(logs > 1e-9).sum()} of {len(logs)}"
                )
    told = [
        row
        for _, row in rows.iterrows()
        if row["told"]["low"] is not None and row["told"].get("metric")
    ]
    held = [_held(row) for row in told]
    if held:
        beyond, flattered = (np.array(column) for column in zip(*held, strict=True))
        worse = np.mean(beyond > 0)
        better = np.mean(beyond < 0)
        ratio = np.exp(np.median(flattered))
        print(
            f"\nof {len(told)} runs the interval held {np.mean(beyond == 0):.1%}; "
            f"worse than told {worse:.1%}, better {better:.1%}; "
            f"told / true {ratio:.4f} (median)"
        )


def _held(row: pd.Series) -> tuple[int, float]:
    """Compare the loss on the test with the interval for that number of rows.

    Returns whether it lies below (-1), in (0) or above (1) the interval, and the log of
    expected / true.
    """
    told = row["told"]
    far = widening_factor(told["rows"], row["test_rows"]) / widening_factor(
        told["rows"], told["new"]
    )
    low, high = widen_interval(
        told["loss"], told["low"], told["high"], far, LIBRARY[told["metric"]]
    )
    side = int(row["loss"] > high + 1e-12) - int(row["loss"] < low - 1e-12)
    return side, float(np.log((told["loss"] + 1e-9) / (row["loss"] + 1e-9)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--folds", default="0")
    parser.add_argument("--budgets", default="60")
    parser.add_argument(
        "--variant", action="append", help='NAME=WORDS, such as "no tuning=--set tune.share=0"'
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path)
    args = parser.parse_args()
    if args.read:
        tell(read(args.read))
        return
    bench = load_bench(args.bench)
    known = read(args.out)
    done = (
        set(zip(*(known[key] for key in ("task", "fold", "budget", "variant")), strict=True))
        if len(known)
        else set()
    )
    for name, fold, budget, variant, words in runs(args):
        if (name, fold, budget, variant) in done:
            continue
        row = {"task": name, "fold": fold, "budget": budget, "variant": variant} | one(
            bench, args.data / name, fold, budget, words
        )
        with args.out.open("a") as out:
            out.write(json.dumps(row) + "\n")
        outcome = row.get("loss", row.get("error"))
        print(
            f"{name:24} {fold} {budget:g}s {variant:16} {outcome} in {row['seconds']} s",
            flush=True,
        )
    tell(read(args.out))


if __name__ == "__main__":
    main()
