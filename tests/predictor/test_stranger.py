"""A reader that was written from docs/format.md alone predicts as the program does."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl.cleaning import Cleaned, CleanOptions, clean
from automl.features.encoding import Encoding, fit_shared, fit_targeted, join
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.models import find_family
from automl.models._base import FitContext, Sample
from automl.predictor import Member, Part, Predictor, save
from automl.state import pack_to_bytes
from automl.table import from_frame
from automl.task import Task
from tests.predictor.stranger import predict

READER = Path(__file__).with_name("stranger.py")
MAX_LINES = 250
LIBRARIES = {"json", "numpy", "zipfile"}
RELATIVE = 1e-9  # where exponentials or matrix products are computed in another way

Columns = Mapping[str, list[str]]
# A family, its recipe and its hyperparameters.
FITS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "lightgbm": ("lightgbm", "native", {"max_cat_to_onehot": 4}),
    "lightgbm, mixed": ("lightgbm", "mixed", {}),
    "xgboost": ("xgboost", "native", {}),
    "catboost": ("catboost", "native", {"depth": 4}),
    "catboost, depthwise": ("catboost", "native", {"grow": "depthwise", "one_hot_max_size": 2}),
    "extra_trees": ("extra_trees", "target", {}),
    "random_forest": ("random_forest", "codes", {}),
    "linear, onehot": ("linear", "onehot", {}),
    "linear, quantile": ("linear", "quantile", {}),
    "linear, pieces": ("linear", "pieces", {}),
    "linear, scaled_target": ("linear", "scaled_target", {"penalty": "l1"}),
    "constant": ("constant", "native", {}),
}
ROUNDS = 12


def columns_of(seed: int, n_rows: int, n_shops: int = 40) -> Columns:
    """Return cells as a CSV file has them, some of them missing."""
    rng = np.random.default_rng(seed)
    second = rng.integers(10**8, size=n_rows) + 1_500_000_000
    cells = {
        "size": [f"{value:.3f}" for value in rng.normal(size=n_rows)],
        "price": [f"{value:.4g}" for value in np.exp(2 * rng.normal(size=n_rows))],
        "department": [str(number) for number in rng.integers(20, size=n_rows)],
        "is_open": [str(word) for word in rng.choice(["yes", "no"], n_rows)],
        "colour": [str(word) for word in rng.choice(["red", "green", "blue"], n_rows)],
        "shop": [f"s{number}" for number in rng.integers(n_shops, size=n_rows)],
        "sold": [str(moment) for moment in second.astype("datetime64[s]")],
    }
    for name, column in cells.items():
        missing = np.flatnonzero(rng.random(n_rows) < 0.05)
        for row in missing[: 0 if name == "size" else None]:
            column[row] = str(rng.choice(["", " NA "]))
    return cells


def with_target(cells: Columns, kind: str) -> Columns:
    rng = np.random.default_rng(9)
    colours = {"red": 1.0, "green": -1.0}
    scores = np.array([float(size) for size in cells["size"]])
    scores += [colours.get(colour, 0.0) for colour in cells["colour"]]
    scores += [len(shop) + int(shop[-1:] in ("3", "7")) for shop in cells["shop"]]
    scores += 0.2 * rng.normal(size=len(scores))
    if kind == "regression":
        return {**cells, "y": [f"{score:.4f}" for score in scores]}
    labels = np.array(["few", "many", "none"][: 2 if kind == "binary" else 3])
    codes = np.digitize(scores, np.quantile(scores, [0.4, 0.7][: len(labels) - 1]))
    return {**cells, "y": labels[codes].tolist()}


def cleaned_table(kind: str) -> Cleaned:
    table = from_frame(with_target(columns_of(seed=0, n_rows=300), kind))
    cleaned = clean(table, "y", CleanOptions(task=kind, dual_typed=False))
    cleaner = cleaned.cleaner.with_categorical_integers(["department"], cleaned.columns)
    columns = cleaner.add_categorical_integers(cleaned.columns)
    return replace(cleaned, cleaner=cleaner, columns=columns)


TABLES = {kind: cleaned_table(kind) for kind in ("binary", "multiclass", "regression")}


def encoding_of(name: str, cleaned: Cleaned, task: Task) -> Encoding:
    recipe = RECIPES[name]
    shared = fit_shared(recipe, cleaned.columns, seed=0)
    if not recipe.reads_target:
        return shared
    rows = np.arange(len(cleaned.y))
    targeted, _ = fit_targeted(recipe, cleaned.columns, task, cleaned.y, rows, 0)
    return join(shared, targeted)


def predictor_of(kind: str, *names: str) -> Predictor:
    """Return a predictor whose members are some of `FITS`."""
    cleaned = TABLES[kind]
    metric = "rmse" if kind == "regression" else "log_loss"
    task = Task(cleaned.kind, "y", metric, cleaned.labels, cleaned.dtype)
    context = FitContext(task, METRICS[metric], seed=0, rounds=ROUNDS)
    encodings = {}
    members = []
    for name in names:
        family_name, recipe, params = FITS[name]
        encoding = encoding_of(recipe, cleaned, task)
        encodings[recipe] = encoding
        sample = Sample(encoding.transform(cleaned.columns), encoding.features, cleaned.y)
        family = find_family(family_name)
        prepared = family.prepare(sample, None, params, context)
        fitted = family.fit(prepared, params, context)
        blob = pack_to_bytes(fitted.model.to_state())
        part = Part((recipe,), blob)
        members.append(Member(name, family, 1 / len(names), (part,)))
    return Predictor(task, cleaned.cleaner, encodings, tuple(members))


def both_predictions(predictor: Predictor, folder: Path) -> tuple[Any, Any]:
    """Return what the reader and the program predict for new rows, after comparing the labels."""
    cells = columns_of(seed=1, n_rows=120, n_shops=45)
    save(predictor, folder / "p.automl")
    rows = list(zip(*cells.values(), strict=True))
    own, labels = predict(folder / "p.automl", list(cells), rows)
    columns = predictor.to_columns(from_frame(cells)).columns
    expected = predictor.predict_raw(columns)
    if labels is not None:
        assert labels == predictor.decode(expected).tolist()
    return own, expected


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", FITS)
def test_the_reader_predicts_as_the_program_does(name: str, kind: str, tmp_path: Path) -> None:
    own, expected = both_predictions(predictor_of(kind, name), tmp_path)
    assert np.ptp(expected, axis=0).max() > 0 or name == "constant"
    uses_sums_alone = not name.startswith("linear") and kind == "regression"
    if uses_sums_alone or name in ("extra_trees", "random_forest", "constant"):
        assert (own == expected).all()
    else:
        assert own == pytest.approx(expected, rel=RELATIVE)


@pytest.mark.parametrize("kind", TABLES)
def test_the_reader_combines_members_as_the_program_does(kind: str, tmp_path: Path) -> None:
    names = ("lightgbm", "extra_trees", "linear, onehot", "catboost")
    predictor = predictor_of(kind, *names)
    first, *others = predictor.members
    (part,) = first.parts
    parts = (replace(part, share=0.25), replace(part, share=0.75))
    predictor = replace(predictor, members=(replace(first, parts=parts), *others))
    if kind != "regression":
        thresholds = np.array([0.7, 0.2, 0.1][-predictor.task.n_outputs :])
        predictor = replace(predictor, temperature=1.7, thresholds=thresholds)
    own, expected = both_predictions(predictor, tmp_path)
    assert own == pytest.approx(expected, rel=RELATIVE)


def test_catboost_here_looks_statistics_up_and_compares_sets(tmp_path: Path) -> None:
    """Otherwise the tests above would show less than they seem to."""
    for name in ("catboost", "catboost, depthwise"):
        (model,) = predictor_of("multiclass", name).members[0].models
        assert model.trees.statistics is not None  # type: ignore[attr-defined]
    (model,) = predictor_of("multiclass", "xgboost").members[0].models
    assert model.trees.conditions.n_sets > 0  # type: ignore[attr-defined]


def test_the_reader_is_short_and_imports_next_to_nothing() -> None:
    source = READER.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        assert not isinstance(node, ast.ImportFrom)
    assert imported == LIBRARIES
