"""Make the small predictors that `forged.py` forges files from, by the `automl` that is imported.

    python benchmarks/reliability/_seeds.py --into seeds

Together they cover every family, encoder, scaler and kind of column. Each state of `automl` writes
files of its own format: `seeds.tar.xz` holds those of formats 4 and 5, since nothing can write
format 4 any more. `slim.csv` and `wide.csv` lie beside them, the tables that they predict.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from automl.cleaning import Cleaned, CleanOptions, clean
from automl.features.encoding import Encoding, fit_shared, fit_targeted
from automl.features.recipe import RECIPES, topics_recipe
from automl.metrics import metric_for
from automl.models import find_family
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor
from automl.predictor.archive import PREDICTOR_FORMAT, dumps
from automl.state import pack_to_bytes
from automl.table import Table, read_table
from automl.task import Task

ROWS = 160
TARGETS = {"binary": "label", "multiclass": "grade", "regression": "price"}
SHORT: Mapping[str, Any] = {"width": 32, "blocks": 1}
MAX_BYTES = 100_000


@dataclass(frozen=True)
class Plan:
    """One seed: a table, a kind of task, and a family, a recipe and parameters for each member."""

    name: str
    table: str
    kind: str
    members: tuple[tuple[str, str, Mapping[str, Any]], ...]


def plans() -> Iterator[Plan]:
    """Yield the seeds of every family, some with several kinds of trees."""
    onehot, statistics = {"one_hot_max_size": 60}, {"one_hot_max_size": 2}
    deep = {"one_hot_max_size": 2, "grow": "depthwise", "max_ctr_complexity": 3}
    for kind in TARGETS:
        yield _alone("lightgbm", "native", kind)
        yield _alone("xgboost", "native", kind)
        yield _alone("catboost", "native", kind, statistics)
        yield _alone("catboost", "native", kind, onehot, "onehot")
    yield _alone("catboost", "native", "binary", deep, "deep")
    yield _alone("lightgbm", "mixed", "binary")
    yield _alone("xgboost", "codes", "multiclass")
    yield _alone("extra_trees", "codes", "binary")
    yield _alone("extra_trees", "target", "regression")
    yield _alone("random_forest", "codes", "multiclass")
    yield _alone("random_forest", "coded_pairs", "regression")
    yield _alone("linear", "onehot", "multiclass")
    yield _alone("linear", "quantile", "regression")
    yield _alone("knn", "scaled_target", "binary")
    yield _alone("knn", "quantile", "regression", {"p": 1, "weights": "uniform"})
    yield _alone("mlp", "onehot", "binary")
    yield _alone("mlp", "scaled_target", "regression")
    yield _alone("constant", "native", "multiclass")
    yield _alone("constant", "native", "regression")
    wide = [("linear", "pieces", {}), ("lightgbm", "mixed_pairs", {})]
    yield Plan("wide-linear", "wide", "binary", tuple(wide[:1]))
    yield Plan("wide-lightgbm", "wide", "regression", tuple(wide[1:]))
    yield Plan("wide-catboost", "wide", "multiclass", (("catboost", "native", statistics),))
    every = [
        ("lightgbm", "mixed", {}),
        ("catboost", "native", statistics),
        ("xgboost", "codes", {}),
        ("extra_trees", "codes", {}),
        ("linear", "onehot", {}),
        ("constant", "native", {}),
    ]
    for kind in TARGETS:
        yield Plan(f"every-{kind}", "slim", kind, tuple(every))


def _alone(
    family: str, recipe: str, kind: str, params: Mapping[str, Any] | None = None, note: str = ""
) -> Plan:
    words = filter(None, (family, recipe, kind, note))
    return Plan("-".join(words), "slim", kind, ((family, recipe, params or {}),))


def make_tables(folder: Path) -> None:
    """Write a table of a few columns, and one with columns of every kind."""
    rng = Random(1)
    slim = ["x,w,city,shop,label,grade,price"]
    wide = ["amount,member,when,took,size,city,street,note,title,code,dept,label,grade,price"]
    cities = ["Bern", "Rome", "Paris", "Oslo", "Riga", ""]
    for place in range(ROWS):
        x, w = rng.gauss(0, 1), rng.randint(1, 9)
        city, shop = rng.choice(cities), f"shop {rng.randrange(30)}"
        signal = x + (city == "Rome") - 0.2 * w + len(shop) % 3
        label = "yes" if signal > 0 else "no"
        grade = "abc"[int(signal > -0.5) + int(signal > 0.5)]
        price = f"{100 + 20 * signal + rng.gauss(0, 3):.2f}"
        slim.append(f"{x:.3f},{w},{city},{shop},{label},{grade},{price}")
        amount = rng.choice(["", "-999", "n/k"]) if place % 12 == 0 else f"{50 * x:.1f}"
        when = f"2024-{1 + place % 12:02d}-{1 + place % 28:02d}"
        took = f"{rng.randrange(3)}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
        size = f"{rng.randrange(10, 99)}/{rng.randrange(100, 200)}"
        street = f"{rng.choice(['Elm', 'Oak', 'Ash'])} street {rng.randrange(70)}"
        note = " ".join(rng.choices(["late", "paid", "called", "new", "moved", "house"], k=8))
        if place % 3:
            title = f"the same old story about {rng.choice(cities)} told again in many words"
        else:
            title = " ".join(rng.choices(note.split(), k=12)) + f" {place}"
        tail = f"{label},{grade},{price}"
        codes = f"{rng.randrange(30)},{rng.randrange(40) + 100}"
        wide.append(
            f"{amount},{'yes' if w > 4 else 'no'},{when},{took},{size},{city},{street},{note},"
            f"{title},{codes},{tail}"
        )
    (folder / "slim.csv").write_text("\n".join(slim) + "\n")
    (folder / "wide.csv").write_text("\n".join(wide) + "\n")


def make_seed(plan: Plan, table: Table) -> bytes:
    """Fit the members of a plan, each for a few rounds, and return the predictor's file."""
    target = TARGETS[plan.kind]
    ignored = tuple(name for name in TARGETS.values() if name != target)
    cleaned = clean(table, target, CleanOptions(ignore=ignored))
    cleaner, columns = cleaned.cleaner, cleaned.columns
    if plan.table == "wide":
        cleaner = cleaner.with_categorical_integers(["code"], columns, ["dept"])
        columns = cleaner.add_categorical_integers(columns)
    assert cleaned.kind == plan.kind, (plan.name, cleaned.kind)
    metric = metric_for(None, cleaned.kind)
    task = Task(cleaned.kind, target, metric.name, cleaned.labels, cleaned.dtype)
    encodings: dict[str, Encoding] = {}
    members = []
    for number, (name, recipe, params) in enumerate(plan.members):
        family = find_family(name)
        chosen = {**_short(family.defaults(task)), **params}
        made = _encodings(recipe, cleaned, columns, task)
        encodings |= {f"{recipe}{index}": one for index, one in enumerate(made)}
        used = tuple(f"{recipe}{index}" for index in range(len(made)))
        X = np.concatenate([one.transform(columns) for one in made], axis=1)
        features = tuple(itertools.chain.from_iterable(one.features for one in made))
        parts = []
        for seed in range(1 + (len(plan.members) == 1)):
            context = FitContext(task, metric, seed, rounds=3 + seed)
            sample = Sample(X, features, cleaned.y)
            prepared = family.prepare(sample, None, chosen, context)
            model = family.fit(prepared, chosen, context).model
            parts.append(Part(used, pack_to_bytes(model.to_state()), 0.5 + 0.25 * seed))
        members.append(Member(f"m{number}", family, 1 / len(plan.members), tuple(parts)))
    is_numeric = task.is_regression
    return dumps(
        Predictor(
            task,
            cleaner,
            encodings,
            tuple(members),
            temperature=1.0 if is_numeric else 1.2,
            thresholds=np.array([0.6, 0.4]) if plan.kind == "binary" else None,
            residuals=np.linspace(-9, 9, 21) if is_numeric else None,
            facts={
                "metric": metric.name,
                "expected": {"loss": 0.3, "low": 0.2, "high": 0.4, "rows": ROWS, "new": 50},
            },
        )
    )


def _short(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of a small model."""
    chosen = {name: value for name, value in SHORT.items() if name in defaults}
    if "num_leaves" in defaults:
        chosen |= {"num_leaves": 6}
    if "depth" in defaults:
        chosen |= {"depth": 3}
    if "max_depth" in defaults:
        chosen |= {"max_depth": 3}
    if "min_samples_split" in defaults:
        chosen |= {"min_samples_split": 40}
    return chosen


def _encodings(recipe: str, cleaned: Cleaned, columns: Any, task: Task) -> list[Encoding]:
    """Return the encodings of a recipe; texts with their topics in the table of every kind."""
    chosen = RECIPES[recipe]
    rows = np.arange(columns.n_rows)
    made = [fit_shared(chosen, columns, 0)]
    if chosen.reads_target:
        made.append(fit_targeted(chosen, columns, task, cleaned.y, rows, 0)[0])
    if columns.names("text") and chosen.text == "svd":
        topics = topics_recipe(chosen)
        made.append(fit_shared(topics, columns, 0))
        made.append(fit_targeted(topics, columns, task, cleaned.y, rows, 0)[0])
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, required=True)
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    make_tables(args.into)
    for plan in plans():
        table = read_table(args.into / f"{plan.table}.csv")
        blob = make_seed(plan, table)
        print(plan.name, len(blob))
        assert len(blob) < MAX_BYTES, plan.name
        (args.into / f"{PREDICTOR_FORMAT}-{plan.table}-{plan.name}.automl").write_bytes(blob)


if __name__ == "__main__":
    main()
