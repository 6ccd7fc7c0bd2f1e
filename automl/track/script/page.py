"""The script: the texts and pieces of code that its template shows."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.cleaning import Cleaner
from automl.features.words import MAX_VOCABULARY
from automl.formatting import visible
from automl.track.experiment import Experiment
from automl.track.script.code import MAX_LINE, Call, Name, code
from automl.track.script.columns import ScriptColumns
from automl.track.script.estimators import PACKAGES, Estimator, ScriptCandidate
from automl.track.script.features import Pairs, ScriptFeatures
from automl.track.script.reading import read_call, repeated_names
from automl.track.script.scoring import Scoring, ScriptFolds
from automl.trial import Trial

N_TOPICS = 16  # of a text
TEMPLATES = Path(__file__).resolve().parent / "templates"
_REFUSED = re.compile(r'[\[\]<>{}",:]')  # by LightGBM or XGBoost in names of features

MODULES: Mapping[str, tuple[str, ...]] = {
    "catboost": ("CatBoostClassifier", "CatBoostRegressor"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor"),
    "sklearn.base": ("BaseEstimator", "TransformerMixin"),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "sklearn.decomposition": ("TruncatedSVD",),
    "sklearn.ensemble": (
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    ),
    "sklearn.feature_extraction.text": ("TfidfVectorizer",),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.linear_model": ("Lasso", "LogisticRegression", "QuantileRegressor", "Ridge"),
    "sklearn.metrics": ("make_scorer", "mean_pinball_loss"),
    "sklearn.model_selection": (
        "GroupKFold",
        "KFold",
        "ShuffleSplit",
        "StratifiedGroupKFold",
        "StratifiedKFold",
        "StratifiedShuffleSplit",
        "TimeSeriesSplit",
        "cross_val_score",
    ),
    "sklearn.neighbors": ("KNeighborsClassifier", "KNeighborsRegressor"),
    "sklearn.neural_network": ("MLPClassifier", "MLPRegressor"),
    "sklearn.pipeline": ("Pipeline", "make_pipeline"),
    "sklearn.preprocessing": (
        "OneHotEncoder",
        "OrdinalEncoder",
        "QuantileTransformer",
        "SplineTransformer",
        "StandardScaler",
        "TargetEncoder",
    ),
    "xgboost": ("XGBClassifier", "XGBRegressor"),
}


@dataclass(frozen=True)
class Script:
    """Everything that a script is filled from."""

    experiment: Experiment
    trial: Trial
    cleaner: Cleaner
    columns: ScriptColumns
    features: ScriptFeatures
    pairs: Pairs
    candidate: ScriptCandidate
    estimator: Estimator
    scoring: Scoring
    folds: ScriptFolds
    output: Path

    @property
    def is_native(self) -> bool:
        """Whether the library itself knows some columns as categories."""
        return bool(self.features.native)

    @property
    def needs_plain_names(self) -> bool:
        """Whether names of features hold characters that the library refuses."""
        names = [name for listed in self.features.lists.values() for name in listed]
        return self.is_native and any(map(_REFUSED.search, names))


def fill(script: Script) -> str:
    """Return the script's text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(  # without autoescape: the result is Python
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("train.py.jinja")
    return template.render(**_texts(script), **_columns(script), **_model(script))


def _texts(script: Script) -> dict[str, Any]:
    experiment = script.experiment
    family = script.candidate.family
    recipe = script.trial.candidate.recipe.name
    metric = _in_docstring(experiment.metric)
    score = experiment.score(script.trial.loss)
    data = experiment.data
    path = str(data.get("path", data.get("source", "table.csv")))
    packages = ["pandas", "scikit-learn", *PACKAGES.get(family, "").split()]
    departures = [
        *script.features.departures,
        *script.estimator.departures,
        script.scoring.departure,
        script.folds.departure,
    ]
    model = script.output.with_suffix(".joblib").name
    return {
        "title": _in_docstring(
            f"Train the best single model of the run {experiment.name}: {family}."
        ),
        "run": _in_docstring(shlex.quote(str(experiment.folder))),
        "told": f"{metric} {score:.6g}, on rows that were held out",
        "packages": " ".join(packages),
        "script": _in_docstring(shlex.quote(script.output.name)),
        "departures": _listed([each for each in dict.fromkeys(departures) if each]),
        "table": code(path),
        "model": code(model),
        "target": code(experiment.target),
        "metric": script.scoring.name,
        "sign": script.scoring.sign,
        "recipe": _in_docstring(recipe),
    }


def _listed(texts: list[str]) -> list[str]:
    """Return the lines of a list in a docstring."""
    lines = []
    for text in texts:
        lines += textwrap.wrap(
            _in_docstring(text), MAX_LINE, initial_indent="- ", subsequent_indent="  "
        )
    return lines


def _in_docstring(text: str) -> str:
    """Return a run's text, which may be a stranger's, so that it can't end a docstring."""
    return visible(text).replace("\\", "/").replace('"', "'")


def _columns(script: Script) -> dict[str, Any]:
    columns = script.columns
    task = script.candidate.task
    cleaner = script.cleaner
    with_point = [name for name in columns.numbers if name not in columns.with_comma]
    lists = {
        "NUMBER_COLUMNS": with_point,
        "COLUMNS_WITH_COMMA": columns.with_comma,
        "SENTINELS": columns.sentinels,
        "FLAG_COLUMNS": columns.flags,
        "DURATION_COLUMNS": columns.durations,
        "DATE_COLUMNS": columns.dates,
        "PARTS_COLUMNS": columns.parts,
        "CATEGORY_COLUMNS": columns.categories,
        "SECOND_CATEGORIES": columns.second_categories,
        "TEXT_COLUMNS": columns.texts,
        "SECOND_TEXTS": columns.second_texts,
    }
    known = {*cleaner.rules, *cleaner.unused, task.target}
    form = cleaner.form
    path = str(script.experiment.data.get("path", ""))
    is_text = form is None or form.kind == "text"
    renamed = repeated_names(known) if is_text else {}
    return {
        "raw_lists": {
            name: code(value, before=len(name) + 3) for name, value in lists.items() if value
        },
        "labels": code(list(task.labels), before=9) if task.labels else "",
        "read": code(read_call(form, path, cleaner.missing_words), 1, len("table = ")),
        "headerless": form is not None and not form.header,
        "renamed": code(dict(renamed), 1, len("table = table.rename(columns=)")) if renamed else "",
        "needs_numbers": bool(columns.numbers) or task.is_regression,
        "has_numbers": bool(with_point),
        "with_comma": columns.with_comma,
        "sentinels": columns.sentinels,
        "has_flags": bool(columns.flags),
        "has_categories": bool(columns.levels),
        "has_first_categories": bool(columns.categories),
        "second_categories": columns.second_categories,
        "has_texts": bool(columns.texts),
        "second_texts": columns.second_texts,
        "dates": columns.dates,
        "has_cycles": script.trial.candidate.recipe.numbers != "plain",
        "durations": columns.durations,
        "parts": columns.parts,
        "target_comma": task.comma,
        "pair_lines": _pair_lines(script.pairs),
    }


def _pair_lines(pairs: Pairs) -> list[str]:
    lines = []
    for name, (first, operation, second) in pairs.arithmetic.items():
        lines += _assignment(name, f"columns[{code(first)}]", operation, f"columns[{code(second)}]")
    for name, (first, second) in pairs.crosses.items():
        left = f"columns[{code(first)}].astype(str)"
        lines += _assignment(name, f'{left} + " & "', "+", f"columns[{code(second)}].astype(str)")
    return lines


def _assignment(name: str, left: str, operation: str, right: str) -> list[str]:
    """Return the lines that compute a feature of two columns."""
    return [
        f"first = {left}",
        f"second = {right}",
        f"columns[{code(name)}] = first {operation} second",
    ]


def _model(script: Script) -> dict[str, Any]:
    features = script.features
    candidate = script.candidate
    folds = script.folds
    is_catboost = candidate.family == "catboost"
    options: dict[str, Any] = {}
    if script.needs_plain_names and not is_catboost:
        options["verbose_feature_names_out"] = Name("plain_name")
    transformer = Call("ColumnTransformer", (features.steps,), options)
    scoring: dict[str, Any] = {"cv": Name("folds"), "scoring": script.scoring.scorer}
    group = ""
    if folds.uses_groups:
        group = str(script.experiment.data["group"])
        scoring["groups"] = Name("table[GROUP]")
    arguments = (Call("make_model"), Name("X"), Name("y"))
    fit_arguments = "X, y"
    if script.is_native and is_catboost:
        # Not in the constructor: scikit-learn can't clone the estimator then.
        columns = Name('[f"categories__{name}" for name in CATEGORIES]')
        scoring["params"] = {"model__cat_features": columns}
        fit_arguments = f"X, y, model__cat_features={columns.code}"
        fit_arguments = f"\n        {fit_arguments}\n    "
    cross_validation = Call("cross_val_score", arguments, scoring)
    native_types = script.is_native and not is_catboost
    used = _names_in([transformer, script.estimator.call, folds.call, cross_validation])
    used |= {"Pipeline"}
    has_texts = bool(script.columns.text_features)
    if has_texts:
        used |= {"TfidfVectorizer", "TruncatedSVD", "make_pipeline"}
    if has_texts or native_types:
        used |= {"BaseEstimator", "TransformerMixin"}
    return {
        "imports": _imports(used),
        "std_imports": ["import re", "import sys"] if "plain_name" in used else ["import sys"],
        "feature_lists": {
            name: code(value, before=len(name) + 3) for name, value in features.lists.items()
        },
        "features": code(transformer, 1, len("features = ")),
        "estimator": code(script.estimator.call, 1, len("model = ")),
        "folds": code(folds.call, 1, len("folds = ")),
        "cross_validation": code(cross_validation, 1, len("scores = ")),
        "native_types": native_types,
        "fit_arguments": fit_arguments,
        "has_text_features": has_texts,
        "n_topics": N_TOPICS,
        "max_words": MAX_VOCABULARY,
        "plain_names": "plain_name" in used,
        "pandas_output": script.is_native,
        "group": code(group) if group else "",
        "sort_by": _sort_code(script) if folds.sorts else "",
    }


def _sort_code(script: Script) -> str:
    """Return code of the numbers or strings by which rows are in the order of time."""
    name = str(script.experiment.data["time"])
    columns = script.columns
    if name in columns.dates:
        layout = f"DATE_COLUMNS[{code(name)}]"
        values = f'read_date(table[{code(name)}], {layout})["days"]'
    elif name in columns.numbers:
        values = f"read_numbers(table[{code(name)}])"
    else:
        values = f"table[{code(name)}].astype(str)"
    return values


def _names_in(values: Any) -> set[str]:
    """Return the names of all functions and classes in pieces of code."""
    if isinstance(values, Call):
        options = list(values.options.values())
        return {values.function} | _names_in(values.arguments) | _names_in(options)
    if isinstance(values, Name):
        return {values.code}
    if isinstance(values, (list, tuple)):
        names: set[str] = set()
        for value in values:
            names |= _names_in(value)
        return names
    return set()


def _imports(used: set[str]) -> list[str]:
    lines = ["import joblib", "import numpy as np", "import pandas as pd"]
    for module, names in MODULES.items():
        chosen = [name for name in names if name in used]
        if not chosen:
            continue
        line = f"from {module} import {', '.join(chosen)}"
        if len(line) > MAX_LINE:
            inner = [f"    {name}," for name in chosen]
            line = "\n".join([f"from {module} import (", *inner, ")"])
        lines.append(line)
    return lines
