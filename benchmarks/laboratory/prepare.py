"""Train every configuration on many tables once, and keep its predictions.

Selection and ensembling are then replayed in seconds.

    python benchmarks/laboratory/prepare.py --data ../shared/data --out /opt/lab --rows 6000

Of each table only the training rows of the benchmark's split 0 are used. They are split anew: a
quarter is the laboratory's own test, and the rest is held out in three folds. One process a core
works on one table. Configurations whose results exist are not trained again.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import multiprocessing
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from automl.budget import Budget
from automl.cleaning import CleanOptions, clean
from automl.columns import Columns
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES, TOPICS_RECIPE, Recipe
from automl.files import read_toml
from automl.folds import kfold
from automl.metrics import METRICS, metric_for
from automl.models import FitContext, Sample, find_family
from automl.stages.clean import with_categorical_integers
from automl.table import read_table
from automl.task import Task

FOLDS = 3
LONGEST = 40.0  # seconds of one fit
CONFIGS = Path(__file__).with_name("configs.toml")


def training_rows(folder: Path, most: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """The card, and the training rows of the benchmark's split 0, sampled."""
    card = json.loads((folder / "card.json").read_text())
    path = next(p for p in (folder / "data.csv", folder / "data.csv.gz") if p.exists())
    classes = card["task"] != "regression"
    table = pd.read_csv(path, dtype={card["target"]: str} if classes else None, low_memory=False)
    table = table.drop(columns=card.get("drop", [])).dropna(subset=[card["target"]])
    train, _ = train_test_split(
        table, test_size=0.25, stratify=table[card["target"]] if classes else None, random_state=0
    )
    if len(train) > most:
        train, _ = train_test_split(
            train,
            train_size=most,
            stratify=train[card["target"]] if classes else None,
            random_state=0,
        )
    return card, train


@dataclass(frozen=True)
class PreparedTable:
    """A cleaned table; blocks 0 to 2 of its rows are held out in turn, block 3 is the test."""

    task: Task
    columns: Columns
    y: np.ndarray
    blocks: np.ndarray

    @classmethod
    def of(cls, folder: Path, most: int) -> PreparedTable:
        """The training rows of a table, cleaned."""
        card, table = training_rows(folder, most)
        with tempfile.TemporaryDirectory() as home:
            table.to_csv(f"{home}/data.csv", index=False)
            cleaned = clean(
                read_table(f"{home}/data.csv"), card["target"], CleanOptions(task=card["task"])
            )
        task = Task(
            cleaned.kind,
            card["target"],
            metric_for(None, cleaned.kind).name,
            cleaned.labels,
            cleaned.dtype,
        )
        cleaned = with_categorical_integers(cleaned, task, 0, np.arange(len(cleaned.y)))
        blocks = kfold(cleaned.y, np.arange(len(cleaned.y)), FOLDS + 1, 1, 0).blocks[0]
        return cls(task, cleaned.columns, cleaned.y, blocks)

    @cached_property
    def known(self) -> np.ndarray:
        """Rows that are not the test's."""
        return np.flatnonzero(self.blocks < FOLDS)

    def encoded(self, recipe: Recipe) -> tuple[Encoding, np.ndarray]:
        """The part of a recipe that all folds share."""
        known = self.columns.take(self.known)
        encoding = join(fit_shared(recipe, known, 0), fit_shared(TOPICS_RECIPE, known, 0))
        return encoding, encoding.transform(self.columns)


def flat(predictions: np.ndarray, y: np.ndarray, task: Task) -> np.ndarray:
    """Return predictions for which half precision is enough.

    They are deviations of the target, a logit, or logarithms.
    """
    if task.is_regression:
        return ((predictions - y.mean()) / y.std()).astype(np.float16)
    logs = np.log(np.clip(predictions, 1e-6, 1.0))
    return (logs[:, 1] - logs[:, 0] if predictions.shape[1] == 2 else logs).astype(np.float16)


def train(
    prepared: PreparedTable, config: dict[str, Any], shared: dict[Any, Any]
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Train a configuration in every fold.

    Returns its losses, seconds and rounds, its held-out predictions, and the mean of its models'
    predictions for the test rows.
    """
    kind = find_family(config["family"])
    recipe = RECIPES[config.get("recipe", kind.recipes[0])]
    params = kind.defaults(prepared.task) | config.get("params", {})
    metric = METRICS[prepared.task.metric]
    began = time.process_time()
    if recipe.name not in shared:
        shared[recipe.name] = prepared.encoded(recipe)
    encoding, X = shared[recipe.name]
    y = np.log(prepared.y) if config.get("log") else prepared.y
    facts: dict[str, Any] = {
        "losses": [],
        "seconds": [],
        "rounds": [],
        "encode_seconds": [time.process_time() - began],
        "stopped": [],
    }
    shape = (
        (len(prepared.y), prepared.task.n_outputs) if prepared.task.labels else (len(prepared.y),)
    )
    out, test = np.zeros(shape), np.flatnonzero(prepared.blocks == FOLDS)
    for fold in range(FOLDS):
        rows, held = (
            prepared.known[prepared.blocks[prepared.known] != fold],
            np.flatnonzero(prepared.blocks == fold),
        )
        began = time.process_time()
        features, matrix = encoding.features, X
        for targeted in (recipe, TOPICS_RECIPE):
            if (targeted.name, fold) not in shared:
                shared[targeted.name, fold] = fit_targeted(
                    targeted, prepared.columns, prepared.task, prepared.y, rows, 0
                )
            more, extra = shared[targeted.name, fold]
            features, matrix = (*features, *more.features), np.concatenate([matrix, extra], axis=1)
        facts["encode_seconds"].append(time.process_time() - began)
        context = FitContext(
            prepared.task,
            metric,
            zlib.crc32(f"{config['name']}{fold}".encode()) >> 1,
            budget=Budget(time.monotonic() + LONGEST),
        )
        began = time.process_time()
        fit_sample = Sample(matrix[rows], features, y[rows])
        held_sample = Sample(matrix[held], features, y[held])
        ready = kind.prepare(fit_sample, held_sample, params, context)
        fitted = kind.fit(ready, params, context)
        facts["seconds"].append(time.process_time() - began)
        answers = [fitted.model.predict(matrix[part]) for part in (rows, held, test)]
        if config.get("log"):
            answers = unlogged(answers, prepared.y[rows])
        out[held] = answers[1]
        out[test] += answers[2] / FOLDS
        facts["losses"].append(metric.loss_of_output(prepared.y[held], out[held]))
        facts["rounds"].append(fitted.rounds)
        facts["stopped"].append(fitted.hit_deadline)
    return facts, out[prepared.known], out[test]


def unlogged(answers: list[np.ndarray], y: np.ndarray) -> list[np.ndarray]:
    """Logarithms as numbers, so scaled that those for the training rows are right on average."""
    there = [np.exp(np.clip(answer, -700, 700)) for answer in answers]
    return [answer * float(y.mean() / there[0].mean()) for answer in there]


def suits(config: dict[str, Any], prepared: PreparedTable) -> bool:
    """A logarithm is for numbers above zero that lean to one side."""
    if not config.get("log"):
        return True
    y = prepared.y
    return (
        prepared.task.is_regression and y.min() > 0 and ((y - y.mean()) ** 3).mean() > y.std() ** 3
    )


def build(folder: Path, out: Path, most: int) -> None:
    """All configurations on one table."""
    home = out / folder.name
    configs = read_toml(CONFIGS)["config"]
    if (home / "DONE").exists() and all(
        (home / f"{config['name']}.json").exists() for config in configs if not config.get("log")
    ):
        return
    prepared = PreparedTable.of(folder, most)
    home.mkdir(parents=True, exist_ok=True)
    truth = {
        "y": prepared.y[prepared.known],
        "fold": prepared.blocks[prepared.known],
        "y_test": prepared.y[prepared.blocks == FOLDS],
    }
    np.savez_compressed(home / "truth.npz", **truth)
    facts = {
        "task": prepared.task.to_json(),
        "rows": len(prepared.y),
        "columns": {
            kind: len(prepared.columns.names(kind))
            for kind in ("number", "flag", "date", "category", "text")
        },
    }
    (home / "table.json").write_text(json.dumps(facts))
    shared: dict[Any, Any] = {}
    for config in configs:
        file = home / f"{config['name']}.json"
        if file.exists() or not suits(config, prepared):
            continue
        try:
            told, known, test = train(prepared, config, shared)
        except Exception as error:  # noqa: BLE001 - a configuration that fails is a record, too
            traceback.print_exc()
            told = {"error": f"{type(error).__name__}: {error}"[:300]}
        else:
            np.savez_compressed(
                home / f"{config['name']}.npz",
                known=flat(known, prepared.y, prepared.task),
                test=flat(test, prepared.y, prepared.task),
            )
        file.write_text(json.dumps(told))
    (home / "DONE").touch()
    print(f"{folder.name} {len(prepared.y)} rows", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--rows", type=int, default=6000, help="maximum rows of a table, including its test"
    )
    parser.add_argument(
        "--tasks", default="", help="names of tables, separated by commas; all by default"
    )
    args = parser.parse_args()
    names = (
        args.tasks.split(",")
        if args.tasks
        else sorted(path.parent.name for path in args.data.glob("*/card.json"))
    )
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        jobs = [pool.apply_async(build, (args.data / name, args.out, args.rows)) for name in names]
        for name, job in zip(names, jobs, strict=True):
            try:
                job.get()
            except Exception as error:  # noqa: BLE001 - a configuration that fails is a record, too
                print(f"{name}: {type(error).__name__}: {error}", flush=True)


if __name__ == "__main__":
    main()
