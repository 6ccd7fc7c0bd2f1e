"""A predictor starts without pandas, scikit-learn and the boosters, and answers the same."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.models import FAMILIES
from automl.models._tree_model import TreeModel
from automl.models.trees.evaluation import MIN_WALKS_TO_LOAD
from automl.predictor import load, save
from automl.table import read_table
from tests.predictor.test_predictor import predictor_of

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "catboost",
    "joblib",
    "lightgbm",
    "optuna",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "xgboost",
)
ROW = {
    "x": 0.5,
    "price": "$3.50",
    "day": "1/5/2021 10:30",
    "sold": True,
    "place": "Oslo",
    "note": None,
}
REPORT = f"""
import sys
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
BY_PYTHON = f"""
from automl.predictor import load
from automl.table import read_table
predictor = load("p.automl")
table = read_table("new.csv")
print(predictor.predict_proba(table).tobytes().hex())
print(predictor.predict_proba({ROW!r}).tobytes().hex())
"""
MANY_ROWS = """
import sys
from automl.predictor import load
from automl.table import read_table
proba = load("p.automl").predict_proba(read_table("new.csv"))
print("automl.models.trees.kernel" in sys.modules)
print(proba.tobytes().hex())
"""
BY_COMMAND = """
import sys
from automl.cli import main
sys.argv = ["automl", "predict", "p.automl", "new.csv", "--keep", "day"]
try:
    main()
except SystemExit:
    pass
"""


def rows(n_rows: int) -> list[str]:
    """A header and rows with numbers, dates, flags, categories, free text and missing cells."""
    rng = np.random.default_rng(0)
    places = ["Rome", "Oslo", "Bonn, am Rhein", 'the "Hague"', "NA"]
    lines = ["x,price,day,sold,place,note,y"]
    for row in range(n_rows):
        place = places[rng.integers(5)]
        x = rng.normal()
        quoted = place.replace('"', '""')
        day = f"{rng.integers(1, 29)}/{rng.integers(1, 13)}/2021 10:{rng.integers(10, 60)}"
        note = f"a {place[:4]} note by {rng.integers(1000)}".replace('"', "").replace(",", "")
        label = "yes" if x + (place == "Rome") > 0.3 else "no"
        price = f"${rng.integers(1, 90)}.50"
        lines.append(f'{x:.3f},{price},{day},{row % 3 == 0},"{quoted}",{note} of {row},{label}')
    return lines


@pytest.fixture(scope="module", params=[kind.name for kind in FAMILIES])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a predictor, and a few rows to predict."""
    folder = tmp_path_factory.mktemp(request.param)
    lines = rows(150)
    (folder / "old.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "new.csv").write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    predictor = predictor_of(request.param, read_table(folder / "old.csv"))
    save(predictor, folder / "p.automl")
    return folder


def run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", script + REPORT],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def test_predicting_from_python_imports_nothing_heavy(home: Path) -> None:
    done = run(BY_PYTHON, home)
    predictor = load(home / "p.automl")
    proba = predictor.predict_proba(read_table(home / "new.csv"))
    of_row = predictor.predict_proba(pd.DataFrame([ROW]))
    assert done.stdout.split() == [proba.tobytes().hex(), of_row.tobytes().hex()]
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_the_command_imports_nothing_heavy(home: Path) -> None:
    done = run(BY_COMMAND, home)
    labels = load(home / "p.automl").predict(read_table(home / "new.csv"))
    answers = [line.rpartition(",")[2] for line in done.stdout.splitlines()]
    assert answers == ["prediction", *labels]
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_many_models_load_the_evaluator_that_none_of_them_alone_would(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("\n".join(rows(2_000)) + "\n", encoding="utf-8")
    data = read_table(tmp_path / "new.csv")
    predictor = predictor_of("lightgbm", data)
    (member,) = predictor.members
    (model,) = member.models
    assert isinstance(model, TreeModel)
    walks = data.n_rows * model.trees.walks_per_row
    assert walks < MIN_WALKS_TO_LOAD
    parts = member.parts * (MIN_WALKS_TO_LOAD // walks + 1)
    many = replace(predictor, members=(replace(member, parts=parts),))
    save(many, tmp_path / "p.automl")
    done = run(MANY_ROWS, tmp_path)
    assert done.stdout.split() == ["True", many.predict_proba(data).tobytes().hex()]
