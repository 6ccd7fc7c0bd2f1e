"""Make the samples of the present format: `python tests/predictor/make_samples.py FOLDER`.

FOLDER gets a table to predict, predictors of every family, kind of column, encoder and task, and
what each of them answers. Every later version must load them and answer alike.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.cleaning import Cleaned, CleanOptions, clean
from automl.features.encoding import Encoding, fit_shared, fit_targeted, hstack, join
from automl.features.recipe import FIRST_MODEL_RECIPE, RECIPES, TOPICS_RECIPE, Recipe
from automl.metrics import METRICS
from automl.models import find_family
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor, save
from automl.state import pack_to_bytes
from automl.table import read_table
from automl.task import Task

SEED = 5
N_ROWS = 400  # to learn from
N_NEW = 40  # to predict
ROUNDS = 6  # of boosters and forests
ALL_RECIPES: Mapping[str, Recipe] = {
    **RECIPES,
    "first": FIRST_MODEL_RECIPE,
    "topics": TOPICS_RECIPE,
}
SMALL_NETWORK = {"width": 8, "layers": 2}
RESIDUAL = {"block": "residual", "activation": "selu", "normalised": True}
COMBINING = {"one_hot_max_size": 8, "max_ctr_complexity": 2, "depth": 4}
DEEP = {**COMBINING, "grow": "depthwise"}

Row = dict[str, str]


@dataclass(frozen=True)
class Plan:
    """A member to fit: a family, its hyperparameters, its recipes and the rows to learn from."""

    family: str
    recipes: tuple[str, ...]
    params: Mapping[str, Any]
    n_rows: int = N_ROWS
    absent: int | None = None  # a class that no row has
    metric: str | None = None


def plan(family: str, *recipes: str, n_rows: int = N_ROWS, **params: Any) -> Plan:
    return Plan(family, recipes, params, n_rows)


PLANS: Mapping[str, tuple[Plan, ...]] = {
    "binary": (
        plan("lightgbm", "mixed"),
        plan("xgboost", "mixed"),
        plan("catboost", "native", **COMBINING),
        plan("catboost", "native", **DEEP),
        plan("extra_trees", "target"),
        plan("linear", "pieces"),
        plan("constant", "codes"),
    ),
    "multiclass": (
        plan("lightgbm", "native", "topics"),
        replace(plan("xgboost", "native"), absent=1),
        plan("catboost", "native", **COMBINING),
        plan("catboost", "native", **DEEP),
        plan("extra_trees", "coded_pairs"),
        replace(plan("random_forest", "codes"), absent=1),
        plan("linear", "onehot"),
        plan("knn", "quantile", n_rows=40),
        plan("mlp", "embedded", **SMALL_NETWORK, members=2, pieces=4, vector=2),
        plan("mlp", "onehot", **SMALL_NETWORK, **RESIDUAL),
    ),
    "regression": (
        plan("lightgbm", "mixed_pairs"),
        plan("xgboost", "coded_pairs", "topics"),
        plan("catboost", "pairs", **COMBINING),
        plan("random_forest", "target"),
        plan("linear", "first"),
        replace(plan("linear", "scaled_target"), metric="rmsle"),
        plan("knn", "onehot", n_rows=40, p=1, weights="uniform"),
        plan("mlp", "onehot", **SMALL_NETWORK, waves=0, block="gated", activation="relu"),
        plan("constant", "native"),
    ),
}


def make_row(rng: np.random.Generator) -> Row:
    """Return a row with a column of each kind, and second readings."""

    def one_of(*words: str) -> str:
        return str(rng.choice(words))

    x = float(rng.normal())
    day = int(rng.integers(28)) + 1
    month = int(rng.integers(12)) + 1
    minutes, seconds = map(int, rng.integers(60, size=2))
    animal = one_of("Otter", "Heron", "Vole", "Newt", "Finch", "Mole")
    place = one_of("Elm Road", "Oak Hill", "Mill Lane", "High Street")
    words = [one_of("light", "heavy", "late", "broken", "fine", "lost") for _ in range(4)]
    return {
        "number": f"{x:.3f}",
        "skewed": f"{np.exp(2 * rng.normal()):.4g}",
        "sentinel": one_of("-9999", *[f"{value:.1f}" for value in rng.normal(20, 4, 9)]),
        "money": f"${rng.integers(1, 9)},{rng.integers(100, 999)}.{rng.integers(10, 99)}",
        "comma": f"{rng.normal(3):.2f}".replace(".", ","),
        "flag": one_of("yes", "No"),
        "pair": one_of("left", "right"),
        "colour": one_of("red", "green", "blue", "NA"),
        "shop": f"shop {rng.integers(40)}",
        "street": f"{animal}-{place.split()[0]}{rng.integers(9)}",
        "frame": f"{rng.integers(1, 7)}x{rng.integers(1, 6)}",
        "moment": f"2021-{month:02}-{day:02} {rng.integers(24):02}:{minutes:02}:{seconds:02}",
        "day": f"{day:02}.{month:02}.2020",
        "any date": one_of(f"{day} May 2021", f"{day:02}/{month:02}/2021", f"2021-w{month:02}"),
        "created_at": str(1_600_000_000 + int(rng.integers(10**7))),
        "lasted": f"{rng.integers(1, 5)}:{minutes:02}:{seconds:02}",
        "pressure": f"{rng.integers(90, 180)}/{rng.integers(50, 100)}",
        "mass": f"{rng.integers(1000, 9000) / 100} kg",
        "serial": str(9_007_199_254_740_993 + int(rng.integers(1000))),
        "level": one_of("low", "high", *[str(value) for value in rng.integers(100, size=8)]),
        "note": " ".join([*words, one_of(*words, str(day))]),
        "title": one_of("the same old story", f"a new story of {animal} number {day} {minutes}"),
        "department": str(rng.integers(30)),
        "host": str(1000 + int(rng.integers(25))),
    }


def with_targets(row: Row, rng: np.random.Generator) -> Row:
    """Return a row with a target of each task."""
    shop = int(row["shop"].split()[1]) % 3
    colour = {"red": 1.0, "green": -1.0}.get(row["colour"], 0.0)
    score = float(row["number"]) + colour + shop + 0.3 * rng.normal()
    score += int(row["pressure"][-2:]) / 50 + (int(row["department"]) % 4) / 2
    is_even = int(row["frame"][0]) % 2 == 0
    score += 3 * ((row["pair"] == "left") != is_even)
    return {
        **row,
        "binary": "won" if score > 4 else "lost",
        "multiclass": ["small", "medium", "large"][int(np.clip(score / 2 - 0.8, 0, 2.9))],
        "regression": f"{np.exp(score / 2):.4f}",
    }


def spoil(row: Row, rng: np.random.Generator) -> Row:
    """Return a row with some cells empty, unknown or spelled otherwise."""
    spoilt = dict(row)
    for name in row:
        if rng.random() < 0.15:
            spoilt[name] = str(rng.choice(["", "N/A", "7", "1e3", "something else", "2021-03-04"]))
    return spoilt


def write_table(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_cleaned(rows: Sequence[Row], target: str, folder: Path) -> Cleaned:
    """Return the table as it is learnt from, with whole numbers as categories, too."""
    others = {"binary", "multiclass", "regression"} - {target}
    kept = [{name: cell for name, cell in row.items() if name not in others} for row in rows]
    path = folder / "train.csv"
    write_table(kept, path)
    options = CleanOptions(ids=False)
    cleaned = clean(read_table(path), target, options)
    cleaner = cleaned.cleaner.with_categorical_integers(["department"], cleaned.columns, ["host"])
    columns = cleaner.add_categorical_integers(cleaned.columns)
    return replace(cleaned, cleaner=cleaner, columns=columns)


def fit_encoding(recipe: Recipe, cleaned: Cleaned, task: Task) -> Encoding:
    rows = np.arange(len(cleaned.y))
    shared = Encoding()
    if not recipe.bounded:
        shared = fit_shared(recipe, cleaned.columns, SEED)
    if not recipe.reads_target:
        return shared
    targeted, _ = fit_targeted(recipe, cleaned.columns, task, cleaned.y, rows, SEED)
    return join(shared, targeted)


def fit_part(
    plan: Plan, seed: int, cleaned: Cleaned, encodings: Mapping[str, Encoding], task: Task
) -> Part:
    """Fit one model, and return it as the predictor has it."""
    metric = plan.metric or task.metric
    context = FitContext(replace(task, metric=metric), METRICS[metric], seed, rounds=ROUNDS)
    parts = [encodings[name] for name in plan.recipes]
    X = hstack([encoding.transform(cleaned.columns) for encoding in parts])
    features = tuple(feature for encoding in parts for feature in encoding.features)
    rows = np.arange(len(cleaned.y)) < plan.n_rows
    rows &= cleaned.y != (-1 if plan.absent is None else plan.absent)
    sample = Sample(X, features, cleaned.y).select(rows)
    family = find_family(plan.family)
    prepared = family.prepare(sample, None, plan.params, context)
    fitted = family.fit(prepared, plan.params, context)
    return Part(plan.recipes, pack_to_bytes(fitted.model.to_state()))


def fit_predictor(target: str, rows: Sequence[Row], folder: Path) -> Predictor:
    cleaned = read_cleaned(rows, target, folder)
    metric = "rmse" if target == "regression" else "log_loss"
    task = Task(cleaned.kind, target, metric, cleaned.labels, cleaned.dtype)
    plans = PLANS[target]
    names = sorted({name for plan in plans for name in plan.recipes})
    encodings = {name: fit_encoding(ALL_RECIPES[name], cleaned, task) for name in names}
    members = []
    for number, plan in enumerate(plans):
        parts = [fit_part(plan, SEED, cleaned, encodings, task)]
        if number < 2:
            second = fit_part(plan, SEED + 1, cleaned, encodings, task)
            parts = [replace(parts[0], share=0.25), replace(second, share=0.75)]
        name = f"{number} {plan.family}"
        members.append(Member(name, find_family(plan.family), 1 / len(plans), tuple(parts)))
    predictor = Predictor(
        task,
        cleaned.cleaner,
        encodings,
        tuple(members),
        facts={"metric": metric},
    )
    if task.is_regression:
        return replace(predictor, residuals=np.linspace(-1, 2, 21) ** 3)
    thresholds = np.array({2: [0.6, 0.4], 3: [0.5, 0.3, 0.2]}[task.n_outputs])
    return replace(predictor, temperature=1.3, thresholds=thresholds)


def answers(predictor: Predictor, path: Path) -> dict[str, Any]:
    """Return all that a predictor says of a table, as plain values."""
    read = predictor.to_columns(read_table(path))
    raw = predictor.predict_raw(read.columns)
    by_member = predictor.predict_members(read.columns)
    said = {
        "predictions": predictor.decode(raw).tolist(),
        "raw": raw.tolist(),
        "members": [prediction.tolist() for prediction in by_member],
        "unknown": read.counts.to_json(),
    }
    if predictor.residuals is not None:
        low, high = predictor.interval(raw, 0.8)
        said["interval"] = [low.tolist(), high.tolist()]
    return said


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    rows = [with_targets(make_row(rng), rng) for _ in range(N_ROWS)]
    new = [spoil(make_row(rng), rng) for _ in range(N_NEW)]
    write_table(new, folder / "table.csv")
    expected = {}
    for target in PLANS:
        with tempfile.TemporaryDirectory() as temporary:
            predictor = fit_predictor(target, rows, Path(temporary))
        save(predictor, folder / f"{target}.automl")
        expected[target] = answers(predictor, folder / "table.csv")
    text = json.dumps(expected, ensure_ascii=False)
    (folder / "expected.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
