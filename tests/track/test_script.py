"""An exported script is formatted, stands alone, and scores like the run's model."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import CleanOptions, clean, numbers
from automl.errors import InputError
from automl.features.recipe import RECIPES
from automl.files import bundled_folder
from automl.metrics import METRICS
from automl.models import FAMILIES
from automl.predictor.model import Predictor
from automl.run_files import LOG
from automl.table import FileFormat, read_table
from automl.task import Task
from automl.track.experiment import Experiment, read_experiment
from automl.track.exports import export
from automl.track.script.code import Call, Name, code, quoted
from automl.track.script.columns import ScriptColumns
from automl.track.script.estimators import (
    FAMILIES_OF_SCRIPTS,
    NATIVE_CATEGORIES,
    ScriptCandidate,
    estimator,
)
from automl.track.script.features import Pairs, script_features
from automl.track.script.page import TEMPLATES, fill
from automl.track.script.params import check_params
from automl.track.script.reading import read_call
from automl.track.script.scoring import script_scoring
from automl.track.to_python import best_trial, script_of
from automl.trial import Trial
from tests.report.runs import cleaned_run, empty_run, full_run
from tests.run.commands import automl

MESSY = bundled_folder("datasets") / "messy" / "data.csv"
VISITS = bundled_folder("datasets") / "doctor_visits" / "data.csv"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}


def fit(table: Path, target: str, family: str, folder: Path, *options: str) -> Experiment:
    said = automl(
        "fit",
        str(table),
        "--target",
        target,
        "--trials",
        "2",
        "--engine",
        "inline",
        "--set",
        f"select.families={family}",
        "--output",
        "run",
        "-q",
        *options,
        cwd=folder,
    )
    assert said.returncode in (0, 3), said.stderr
    return read_experiment(folder / "run")


def assert_formatted(script: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--diff"], ["check"]):
        said = subprocess.run(
            [*ruff, *command, "--isolated", str(script)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stdout + said.stderr


def score_of(script: Path) -> float:
    """Run a script where automl can't be imported, and return the score that it prints."""
    said = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", script.name],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert said.returncode == 0, said.stderr
    assert script.with_suffix(".joblib").exists()
    found = re.match(r"\w+ (\S+) \(standard deviation", said.stdout)
    assert found is not None, said.stdout
    return float(found[1])


def test_a_script_of_a_messy_table_scores_like_the_run(tmp_path: Path) -> None:
    run = fit(MESSY, "Cancelled", "linear", tmp_path)
    script = tmp_path / "churn.py"
    assert export(run, "python", script) == ([script], f"python {script}")
    assert "automl" not in {
        name.name
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert_formatted(script)
    best = run.study.ranked_models[0]
    assert score_of(script) == pytest.approx(run.score(best.loss), abs=0.05)


@pytest.mark.heavy
def test_a_script_knows_the_cycles_of_dates(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hours = pd.date_range("2025-01-01", periods=600, freq="5h")
    load = 20 * np.sin(2 * np.pi * hours.hour / 24) + rng.normal(size=600)
    table = pd.DataFrame({"at": hours.strftime("%Y-%m-%d %H:%M"), "load": load.round(3)})
    path = tmp_path / "load.csv"
    table.to_csv(path, index=False)
    run = fit(path, "load", "linear", tmp_path)
    script = tmp_path / "load.py"
    export(run, "python", script)
    best = run.study.ranked_models[0]
    assert score_of(script) == pytest.approx(run.score(best.loss), rel=0.1)


@pytest.mark.heavy
@pytest.mark.parametrize("family", FAMILIES_OF_SCRIPTS[::2])
def test_every_second_family_of_classes_has_a_script(family: str, tmp_path: Path) -> None:
    run = fit(MESSY, "Cancelled", family, tmp_path)
    script = tmp_path / "churn.py"
    export(run, "python", script)
    assert_formatted(script)
    best = run.study.ranked_models[0]
    assert score_of(script) == pytest.approx(run.score(best.loss), abs=0.08)


@pytest.mark.heavy
@pytest.mark.parametrize("family", FAMILIES_OF_SCRIPTS[1::2])
def test_each_other_family_of_numbers_has_a_script(family: str, tmp_path: Path) -> None:
    run = fit(VISITS, "visits", family, tmp_path, "--group", "person")
    script = tmp_path / "visits.py"
    export(run, "python", script)
    assert_formatted(script)
    assert "GROUP" in script.read_text(encoding="utf-8")
    best = run.study.ranked_models[0]
    assert score_of(script) == pytest.approx(run.score(best.loss), rel=0.15)


def test_a_run_without_a_finished_model_says_so(tmp_path: Path) -> None:
    empty_run(tmp_path / "killed").store.close()
    with pytest.raises(InputError, match=r"no finished model. `automl resume"):
        export(read_experiment(tmp_path / "killed"), "python", tmp_path / "a.py")
    cleaned_run(tmp_path / "cleaned").store.close()
    with pytest.raises(InputError, match=r"no finished model. `automl resume"):
        export(read_experiment(tmp_path / "cleaned"), "python", tmp_path / "a.py")
    full_run(tmp_path / "damaged").store.close()
    (tmp_path / "damaged" / "predictor.automl").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"predictor.automl: --to python: can't be read"):
        export(read_experiment(tmp_path / "damaged"), "python", tmp_path / "a.py")
    assert not (tmp_path / "a.py").exists()


def test_a_run_with_the_constant_alone_says_so(tmp_path: Path) -> None:
    run = fit(MESSY, "Cancelled", "constant", tmp_path)
    with pytest.raises(InputError, match="no finished model but the constant"):
        export(run, "python", tmp_path / "a.py")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", '"plain"'),
        ("it's", '"it\'s"'),
        ('a "b"', "'a \"b\"'"),
        ("both ' and \"", '"both \' and \\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("line\nbreak", '"line\\nbreak"'),
    ],
)
def test_strings_have_the_marks_that_need_the_fewest_escapes(text: str, expected: str) -> None:
    assert quoted(text) == expected
    assert ast.literal_eval(expected) == text


def test_any_code_is_as_ruff_leaves_it(tmp_path: Path) -> None:
    values = [
        ["a" * length for length in (3, 30, 50)],
        {"one": 1.0, "it's": [1e-05, None, True], "x" * 60: (1,)},
        Call("outer", (Call("inner", (), {"depth": 3, "rate": 0.1}), Name("X")), {"y": "z" * 70}),
        [],
        (),
    ]
    lines = [f"name = {code(value, before=len('name = '))}" for value in values]
    path = tmp_path / "code.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


def test_each_recipe_of_each_family_has_an_estimator_with_known_parts() -> None:
    columns = ScriptColumns.of(clean(read_table(MESSY), "Cancelled", CleanOptions()).cleaner)
    task = Task("binary", "Cancelled", "roc_auc", ("no", "yes"))
    for family in FAMILIES:
        if family.name not in FAMILIES_OF_SCRIPTS:
            assert family.name == "constant"
            continue
        for recipe in family.recipes:
            own = NATIVE_CATEGORIES.get(family.name, "")
            features = script_features(RECIPES[recipe], columns, Pairs(), 100, own, "binary")
            assert features.steps
            params = family.defaults(task)
            candidate = ScriptCandidate(
                family.name, task, METRICS["roc_auc"], params, 20, 100, features.native, 0
            )
            assert code(estimator(candidate).call)


def filled(run: Experiment, trial: Trial) -> str:
    """The script of a trial of a run that trained nothing, for the messy table."""
    cleaner = clean(read_table(MESSY), "Cancelled", CleanOptions()).cleaner
    predictor = Predictor(run.study.known_task, cleaner, {}, ())
    return fill(script_of(run, trial, predictor, run.folder / "script.py"))


def record_params(run: Experiment, trial: Trial, params: dict[str, Any]) -> None:
    home = run.folder / "trials" / trial.id
    home.mkdir(parents=True, exist_ok=True)
    for key in trial.outcomes:
        text = json.dumps({"resolved": params, "curve": []})
        (home / f"{key}.json").write_text(text, encoding="utf-8")


def made_run(folder: Path) -> tuple[Experiment, Trial]:
    full_run(folder).store.close()
    run = read_experiment(folder)
    return run, best_trial(run)


def test_the_script_has_the_hyperparameters_that_the_fits_recorded(tmp_path: Path) -> None:
    run, trial = made_run(tmp_path / "run")
    candidate = replace(trial.candidate, family="random_forest")
    trial = replace(trial, candidate=candidate)
    record_params(run, trial, {"max_features": 0.25, "n_estimators": 7})
    assert "max_features=0.25" in filled(run, trial)


FOREIGN = "foreign()"


@pytest.mark.parametrize("file", ["fit", "log"])
def test_a_name_of_a_hyperparameter_never_becomes_code(file: str, tmp_path: Path) -> None:
    run, trial = made_run(tmp_path / "run")
    forged = {f"max_features={FOREIGN}, max_samples": 1}
    recorded = forged if file == "fit" else {}
    candidate = replace(trial.candidate, family="random_forest", params=forged)
    trial = replace(trial, candidate=candidate)
    record_params(run, trial, recorded)
    path = LOG if file == "log" else r"trials.*\.json"
    with pytest.raises(InputError, match=rf"{path}: .* has no hyperparameter 'max_features=for"):
        filled(run, trial)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lambda", 1),
        ("snapshot_file", 1),
        ("min_samples_split", "4"),
        ("min_samples_split", [4]),
        ("min_samples_split", {"a": 4}),
        ("min_samples_split", float("nan")),
        ("max_features", "os.system"),
        ("max_features", [1]),
        ("n_estimators", None),
    ],
)
def test_a_hyperparameter_is_known_and_plain(name: str, value: Any) -> None:
    task = Task("binary", "y", "roc_auc", ("no", "yes"))
    family = next(family for family in FAMILIES if family.name == "extra_trees")
    good = {"max_features": "sqrt", "min_samples_split": 4, "n_estimators": 10}
    check_params(Path("a.json"), family, task, good)
    with pytest.raises(InputError, match=rf"^a\.json: --to python: extra_trees .*'{name}'.*\.$"):
        check_params(Path("a.json"), family, task, good | {name: value})


def test_names_of_recipes_and_metrics_never_become_code(tmp_path: Path) -> None:
    run, trial = made_run(tmp_path / "run")
    forged = f'own@"""\n{FOREIGN}\n"""\\'
    recipe = replace(trial.candidate.recipe, name=forged)
    candidate = replace(trial.candidate, family="linear", params={}, recipe=recipe)
    trial = replace(trial, candidate=candidate)
    record_params(run, trial, {})
    task = replace(run.study.known_task, metric=forged)
    run = replace(run, study=replace(run.study, task=task))
    script = filled(run, trial)
    assert script.count(FOREIGN) >= 2
    names = [node.id for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Name)]
    assert "make_model" in names
    assert "foreign" not in names


def read_as_a_script_does(words: Sequence[str | None], decimal: str) -> list[float]:
    template = (TEMPLATES / "train.py.jinja").read_text(encoding="utf-8")
    found = re.search(r"def read_numbers.*?(?={%)", template, flags=re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {"np": np, "pd": pd}
    exec(found[0], names)
    cells = pd.Series(words, dtype=object)
    values: list[float] = names["read_numbers"](cells, decimal).tolist()
    return values


@pytest.mark.parametrize("decimal", [".", ","])
def test_a_script_reads_numbers_as_automl_does(decimal: str) -> None:
    words = ["12 EUR", "CHF 5", "$1,234.50", "Rs. 500", "12%", "(5)", "($1,234)", "1e5", "1E-3"]
    words += ["-3", "- 3", "\u22123", "-$5", "$-5", "+4", "5-", ".5", "5.", "<1000", "1'234"]
    words += ["1 234", "1\u00a0234", "12,34,567", "1.234,50", "26 691,70", "1,5", "1.2.3"]
    words += ["x", "", "nan", "\u20ac", "2-3", "2024-01-05"]
    expected = numbers.read(words, comma=decimal == ",").tolist()
    assert read_as_a_script_does(words, decimal) == pytest.approx(expected, nan_ok=True)


def test_a_script_reads_a_number_and_its_unit() -> None:
    found = read_as_a_script_does(["5 pieces", "12 EUR", None], ".")
    assert found == pytest.approx([5.0, 12.0, np.nan], nan_ok=True)


def test_a_file_is_opened_as_it_is_written() -> None:
    form = FileFormat(";", encoding="cp1252", skip=2)
    call = code(read_call(form, "data.csv", True))
    for part in ('sep=";"', 'encoding="cp1252"', "skiprows=2", "dtype=str"):
        assert part in call
    assert code(read_call(FileFormat(kind="arrow"), "a.feather", True)) == "pd.read_feather(path)"
    lines = FileFormat(kind="json", layout="lines")
    assert "lines=True" in code(read_call(lines, "a.jsonl", True))
    fixed = FileFormat(None, widths=(0, 5, 9))
    assert "colspecs=[(0, 5), (5, 9), (9, None)]" in code(read_call(fixed, "a.txt", True))


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import get_scorer

    numbers = Task("regression", "y", "rmse")
    classes = Task("multiclass", "y", "log_loss", ("a", "b", "c"))
    for name, metric in METRICS.items():
        task = numbers if "regression" in metric.kinds else classes
        scoring = script_scoring(task, metric)
        assert scoring.name == name
        if isinstance(scoring.scorer, str):
            get_scorer(scoring.scorer)
            assert (scoring.sign < 0) == (not metric.greater_is_better)
    assert script_scoring(numbers, METRICS["mae"]).scorer == "neg_mean_absolute_error"
    assert isinstance(script_scoring(numbers, METRICS["pinball"]).scorer, Call)
