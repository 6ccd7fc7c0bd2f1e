"""An exported script is formatted, stands alone, and scores like the run's model."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from automl.cleaning import CleanOptions, clean
from automl.errors import InputError
from automl.features.recipe import RECIPES
from automl.files import bundled_folder
from automl.metrics import METRICS
from automl.models import FAMILIES
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
from automl.track.script.reading import read_call
from automl.track.script.scoring import script_scoring
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
